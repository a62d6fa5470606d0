"""Specimen thickness in mean free paths from low-loss spectra."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln

from interlayer.analysis import Quantity
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.tem import relative_thickness
from interlayer.analysis.units import UnitError
from interlayer.parsers import read
from interlayer.parsers.schema import build

FOLDER = "tem/exspy/tests/signals/data"
# t / lambda of the files, to 4e-3: exspy/tests/signals/test_eels.py, Test_Estimate_Thickness.
TRUE = np.round(0.3 + 0.1 * np.arange(17), 1)


def published(corpus, name):
    """Return a line scan of 17 spectra."""
    return read(corpus / f"{FOLDER}/EELS_{name}_linescan_simulated_thickness_variation.hspy")


def low_loss(ratio, electrons, rng=None, *, width=0.5, plasmon=22.0, damping=4.0, dark=0.0, first=-50.0, last=250.0):
    """Return a spectrum with a plasmon of Poisson-distributed multiplicity: t / lambda is its mean."""
    energy = np.arange(first, last, 0.25)
    total = np.zeros_like(energy)
    for times in range(25):
        share = np.exp(-ratio + times * np.log(ratio) - gammaln(times + 1)) if ratio else float(times == 0)
        spread = np.hypot(width, damping * np.sqrt(times))
        total += share * np.exp(-0.5 * ((energy - times * plasmon) / spread) ** 2) / spread
    total *= electrons * 0.25 / np.sqrt(2 * np.pi)
    counts = total + dark if rng is None else rng.poisson(total + dark)
    return build("eels", {"energy": energy, "counts": counts.astype(float)})


def test_published_line_scan_with_its_zero_loss_peak(corpus):
    """17 spectra of 0.3 to 1.9 mean free paths, as exspy's test has them, to its tolerance."""
    result = relative_thickness(published(corpus, "LL"), zero_loss=published(corpus, "ZLP"))
    np.testing.assert_allclose(result.curves["relative_thickness"], TRUE, atol=4e-3)
    assert result.curves["relative_thickness"].dims == ("distance",)


def test_published_line_scan_alone(corpus):
    """The valley behind the peak must do as well as a separated peak, within the stated uncertainty."""
    curves = relative_thickness(published(corpus, "LL")).curves
    np.testing.assert_allclose(curves["relative_thickness"], TRUE, atol=5e-3)
    assert (np.abs(curves["relative_thickness"] - TRUE) < 2 * curves["relative_thickness_stderr"]).all()


def test_thickness_in_nm_needs_the_mean_free_path(corpus):
    """120 nm as in exspy's test; its 10 % are common to the whole scan and outweigh all counting."""
    scan = published(corpus, "LL")
    assert "specimen_thickness" not in relative_thickness(scan)
    path = Quantity("mean_free_path", 120.0, 12.0, "nm")
    result = relative_thickness(scan, zero_loss=published(corpus, "ZLP"), mean_free_path=path)
    np.testing.assert_allclose(result.curves["specimen_thickness"], 120.0 * TRUE, atol=0.5)
    assert result["specimen_thickness"].stderr == pytest.approx(0.1 * result["specimen_thickness"].value, rel=0.01)
    with pytest.raises(UnitError):
        relative_thickness(scan, mean_free_path=Quantity("mean_free_path", 120.0, 12.0, "eV"))


@pytest.mark.slow
@pytest.mark.parametrize(("ratio", "electrons"), [(0.3, 2e4), (1.0, 2e4), (1.5, 3e3)])
def test_interval_covers_the_truth(ratio, electrons):
    """Counting alone: those without loss are some of all, so 1/I0 - 1/It; the sum of both would cover 99.9 %."""
    rng = np.random.default_rng(15)
    hits, values = 0, []
    for _ in range(1000):
        quantity = relative_thickness(low_loss(ratio, electrons, rng))["relative_thickness"]
        hits += quantity.interval95[0] <= ratio <= quantity.interval95[1]
        values.append(quantity.value)
    assert 0.93 <= hits / 1000 <= 0.97
    assert np.mean(values) == pytest.approx(ratio, abs=0.004)


def test_counts_that_are_not_electrons():
    """A detector with 4 electrons a count knows twice as much as its counts say."""
    spectrum = low_loss(0.8, 1e4)
    once, fourfold = (relative_thickness(spectrum, electrons_per_count=gain) for gain in (1.0, 4.0))
    counting = [result.budget["relative_thickness"]["counting"] for result in (once, fourfold)]
    assert counting[0] == pytest.approx(2 * counting[1])


def test_wide_zero_loss_peak_is_less_certain():
    """A zero-loss peak that reaches a low plasmon blurs the cut-off; that uncertainty does not count away."""
    low = {"plasmon": 9.0, "damping": 2.0}
    sharp, wide = (relative_thickness(low_loss(0.8, 1e7, width=width, **low)) for width in (0.5, 1.0))
    parts = [result.budget["relative_thickness"]["cut-off"] for result in (sharp, wide)]
    assert parts[1] > 5 * parts[0]
    assert abs(wide["relative_thickness"].value - 0.8) < 2 * wide["relative_thickness"].stderr
    with pytest.raises(NotAnalysable, match="valley"):
        relative_thickness(low_loss(0.8, 1e7, width=2.0, plasmon=9.0))


def test_dark_level_is_taken_off():
    """A dark level of 20 counts in 1200 channels is a fifth of all counts here and would add 0.2 mean free paths."""
    rng = np.random.default_rng(3)
    result = relative_thickness(low_loss(0.8, 1e5, rng, dark=20.0))
    assert result["relative_thickness"].value == pytest.approx(0.8, abs=0.03)
    assert any("dark level" in note for note in result.notes)


def test_short_range_is_in_the_budget():
    """Spectra that end at 60 eV miss plural scattering; the losses beyond must show in the uncertainty."""
    cut, whole = (relative_thickness(low_loss(1.2, 1e6, last=last)) for last in (60.0, 250.0))
    missing = whole["relative_thickness"].value - cut["relative_thickness"].value
    assert cut.budget["relative_thickness"]["energy range"] > 0.3 * missing
    assert whole.budget["relative_thickness"]["energy range"] < 1e-3


def test_range_of_use_is_told():
    """Beyond 1.5 mean free paths plural scattering is lost, below 0.1 surfaces count."""
    assert any("plural" in note for note in relative_thickness(low_loss(1.9, 1e5)).notes)
    assert any("surface" in note for note in relative_thickness(low_loss(0.05, 1e6)).notes)
    inside = relative_thickness(low_loss(0.8, 1e5)).notes
    assert not any("plural" in note or "surface" in note for note in inside)


def test_vacuum_is_a_limit():
    """A hole in the foil has no thickness to state, only how little it can be."""
    rng = np.random.default_rng(4)
    quantity = relative_thickness(low_loss(0.0, 1e4, rng))["relative_thickness"]
    assert quantity.relation == "<"
    assert 0.0 < quantity.value < 0.05


def test_spectra_without_zero_loss_peak_are_refused():
    """A core-loss spectrum, or a peak with only its right side, must not give a thickness."""
    with pytest.raises(NotAnalysable, match="zero-loss"):
        relative_thickness(low_loss(0.8, 1e5, first=10.0))
    with pytest.raises(NotAnalysable, match="zero-loss"):
        relative_thickness(low_loss(0.8, 1e5, first=-0.25))
    whole = low_loss(0.8, 1e5)
    with pytest.raises(NotAnalysable, match="same spectra"):
        relative_thickness(whole, zero_loss=whole.isel(energy=slice(0, 500)))


def test_saturated_peak_is_told():
    """A clipped zero-loss peak makes every specimen thicker."""
    spectrum = low_loss(0.5, 1e6)
    spectrum["counts"] = spectrum["counts"].clip(max=5e4)
    spectrum["counts"].attrs["units"] = "count"
    assert any("saturated" in note for note in relative_thickness(spectrum).notes)


def test_a_separated_zero_loss_peak_is_no_specimen(corpus):
    """Saved beside the low losses it looks like a spectrum of nothing; a limit of 3e-8 would be no news of the foil."""
    with pytest.raises(NotAnalysable, match="separated"):
        relative_thickness(published(corpus, "ZLP"))


def test_the_spectrum_shows_what_was_taken_for_electrons_without_loss():
    """Whoever doubts a thickness looks first at where the zero-loss peak was cut off."""
    curves = relative_thickness(low_loss(0.8, 1e5)).curves
    without = curves["zero_loss_spectrum"]
    assert float(without.sum() / curves["spectrum"].sum()) == pytest.approx(np.exp(-0.8), rel=0.01)
    assert 2.0 < float(without["energy"][without > 0].max()) < 22.0  # between the peak and the plasmon
