"""Two samples at one definition, and what the instrument adds to a width."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Quantity
from interlayer.analysis.tem import beam_broadening, compare_widths, instrument_blur, interdiffusion_width
from interlayer.analysis.units import UnitError
from interlayer.sample_data.simulators.eds import Interface, Scan, line_scan


@pytest.fixture
def measured(eds_scan):
    """Return a function that simulates and measures a graded interface."""

    def measure(width, seed, probe_sigma=0.0, **options):
        ds = eds_scan(*line_scan(Interface(width, probe_sigma=probe_sigma), Scan(), seed))
        return interdiffusion_width(ds, shape="erf", **options)

    return measure


def test_samples_of_the_review(corpus, eds_scan):
    """Bare 30 nm against coated 17 nm: the ratio 0.57 with its uncertainty and the definition printed."""
    results = []
    for name in ("eds_bare_30nm.csv", "eds_coated_17nm.csv"):
        table = np.loadtxt(corpus / "tem" / "synthetic" / name, delimiter=",", skiprows=1)
        results.append(interdiffusion_width(eds_scan(table[:, 0], table[:, 1:], ("Co K", "S K", "P K"))))
    for definition in ("interdiffusion_width", "interdiffusion_sigma", "coexistence_width"):
        result = compare_widths(*results, definition=definition)
        ratio = result["width_ratio"]
        assert abs(ratio.value - 17.0 / 30.0) < 2 * ratio.stderr
        assert 0.005 < ratio.stderr < 0.015
        assert result["confidence_that_widths_differ"].value > 0.999999
    assert abs(compare_widths(*results)["width_difference"].value + 13.0) < 1.5
    assert "coexistence zone at tau = 0.05" in compare_widths(*results, definition="coexistence_width").method
    assert any("10-90 % width" in note for note in compare_widths(*results).notes)


def test_shared_scale_cancels_in_the_ratio(measured):
    """A magnification wrong by 1.5 % is wrong for both; only what each sample has of its own remains."""
    a, b = measured(30.0, 1), measured(17.0, 2)
    shared, apart = compare_widths(a, b), compare_widths(a, b, shared=())
    assert shared.budget["width_ratio"]["calibration"] == pytest.approx(0.0, abs=1e-9)
    ratio = apart["width_ratio"].value
    assert apart.budget["width_ratio"]["calibration"] == pytest.approx(ratio * 0.015 * math.sqrt(2))
    assert shared.budget["width_difference"]["calibration"] == pytest.approx(
        0.015 * abs(shared["width_difference"].value)
    )
    counting = [r.budget["interdiffusion_width"]["counting"] / r["interdiffusion_width"].value for r in (a, b)]
    assert shared["width_ratio"].stderr == pytest.approx(ratio * math.hypot(*counting), rel=1e-6)


def test_shared_probe_cancels_in_part(measured):
    """The same probe weighs more on the narrower width: what it does to ln a and to ln b is subtracted."""
    blur = instrument_blur(probe=Quantity("probe_sigma", 2.0, 0.3, "nm"))
    a, b = (measured(width, seed, 2.0, blur=blur) for seed, width in ((1, 30.0), (2, 8.0)))
    parts = [r.budget["interdiffusion_width"]["probe"] / r["interdiffusion_width"].value for r in (a, b)]
    assert parts[1] > 5 * parts[0]
    together, apart = compare_widths(a, b), compare_widths(a, b, shared=("calibration",))
    ratio = together["width_ratio"].value
    assert together.budget["width_ratio"]["probe"] == pytest.approx(ratio * (parts[1] - parts[0]), rel=1e-6)
    assert apart.budget["width_ratio"]["probe"] == pytest.approx(ratio * math.hypot(*parts), rel=1e-6)


def test_limit_against_a_width_is_a_limit(measured):
    """A coating that leaves no measurable interdiffusion bounds the ratio from above; that is the result."""
    bare, sharp = measured(30.0, 1), measured(0.0, 2)
    result = compare_widths(bare, sharp)
    assert result["width_ratio"].relation == "<"
    assert 0 < result["width_ratio"].value < 0.05
    assert result["width_difference"].relation == "<"
    assert result["width_difference"].value < -25
    assert "confidence_that_widths_differ" not in result
    turned = compare_widths(sharp, bare)
    assert turned["width_ratio"].relation == ">"
    assert turned["width_ratio"].value > 20
    with pytest.raises(NotAnalysable, match="both widths are upper limits"):
        compare_widths(sharp, sharp)


def test_only_like_is_compared_with_like(measured):
    """Zones at 2 and 5 % differ by a quarter for one and the same sample."""
    a, b = measured(30.0, 1), measured(17.0, 2, tau=0.02)
    with pytest.raises(NotAnalysable, match=r"tau = 0.05 and 0.02"):
        compare_widths(a, b, definition="coexistence_width")
    assert compare_widths(a, b)["width_ratio"].value == pytest.approx(17 / 30, rel=0.1)
    with pytest.raises(ValueError, match="definition"):
        compare_widths(a, b, definition="fwhm")
    with pytest.raises(NotAnalysable, match="no interdiffusion widths"):
        compare_widths(a, dataclasses.replace(b, quantities=b.quantities[3:]))


def test_unlike_treatment_is_told(measured):
    """A width with the probe against one without compares the probe."""
    blur = instrument_blur(probe=Quantity("probe_fwhm", 2.0, None, "nm"))
    result = compare_widths(measured(30.0, 1, blur=blur), measured(17.0, 2))
    assert any("taken off one of them" in note for note in result.notes)


def test_names_of_the_probe_size_are_its_definition():
    """2 nm as FWHM, as diameter of 90 % and as sigma are three probes; factors of the two-dimensional Gaussian."""
    for name, factor in (
        ("probe_sigma", 1.0),
        ("probe_fwhm", 2.354820),
        ("probe_d50", 2.354820),
        ("probe_d90", 4.291932),
    ):
        blur = instrument_blur(probe=Quantity(name, 2.0, 0.2, "nm"))
        assert blur.sigma.value == pytest.approx(2.0 / factor, rel=1e-6)
        assert blur.sigma.stderr == pytest.approx(0.2 / factor, rel=1e-6)
    with pytest.raises(ValueError, match="probe_fwhm"):
        instrument_blur(probe=Quantity("probe_size", 2.0, 0.2, "nm"))


def test_beam_broadening_by_hand():
    """7.21e5 (Z / E0) (rho / A)^(1/2) t^(3/2): silicon, Z 14, A 28.0855, 2.33 g cm-3, 100 nm, 100 kV is 9.19 nm."""
    foil, density = Quantity("foil_thickness", 100.0, 10.0, "nm"), Quantity("density", 2.33, None, "g cm-3")
    found = beam_broadening(foil, Quantity("beam_energy", 100.0, None, "keV"), formula="Si", density=density)
    by_hand = 7.21e5 * 14 / 1e5 * math.sqrt(2.33 / 28.0855) * (1e-5) ** 1.5 * 1e7
    assert by_hand == pytest.approx(9.19, abs=0.01)
    assert found.value == pytest.approx(by_hand, rel=1e-4)
    assert found.stderr == pytest.approx(found.value * math.hypot(0.3, 0.15), rel=1e-6)
    double = beam_broadening(
        Quantity("foil_thickness", 200.0, None, "nm"),
        Quantity("beam_energy", 100e3, None, "eV"),
        formula="Si",
        density=density,
    )
    assert double.value == pytest.approx(found.value * 2**1.5)
    with pytest.raises(UnitError):
        beam_broadening(density, Quantity("beam_energy", 100.0, None, "keV"), formula="Si", density=density)


def test_variances_of_the_instrument_by_hand():
    """Broadening counts a quarter of its variance at the exit; 80 nm leaning by 5 degree are a box of 2.0 nm sigma."""
    broadening = instrument_blur(broadening=Quantity("beam_broadening", 4.3, 1.3, "nm"))
    assert broadening.variance == pytest.approx((4.3 / 4.291932) ** 2 / 4, rel=1e-6)
    foil = Quantity("foil_thickness", 80.0, None, "nm")
    tilted = instrument_blur(foil_thickness=foil, tilt=Quantity("tilt", 5.0, 0.0, "degree"))
    assert tilted.sigma.value == pytest.approx(2.0, abs=0.03)
    with pytest.raises(ValueError, match="both"):
        instrument_blur(foil_thickness=foil)


def test_tilt_known_to_be_about_zero_by_simulation():
    """An edge aligned to 0 ± 2 degree still widens on the average; mean and spread of the box from drawn angles."""
    foil = Quantity("foil_thickness", 80.0, 4.0, "nm")
    rng = np.random.default_rng(1)
    for angle in (0.0, 4.0):
        blur = instrument_blur(foil_thickness=foil, tilt=Quantity("tilt", angle, 2.0, "degree"))
        thickness, tilt = 80.0 + 4.0 * rng.standard_normal(400_000), angle + 2.0 * rng.standard_normal(400_000)
        drawn = (thickness * np.tan(np.radians(tilt))) ** 2 / 12
        assert blur.variance == pytest.approx(drawn.mean(), rel=0.02)
        assert blur.stderr == pytest.approx(drawn.std(), rel=0.05)
