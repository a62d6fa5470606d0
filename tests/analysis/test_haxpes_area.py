"""Peak areas on simulated regions (nothing here is measured): unbiased, intervals that hold, limits where empty."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.special import voigt_profile

from interlayer.analysis import haxpes
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.haxpes.core_levels import Multiplet, multiplet
from interlayer.analysis.haxpes.lineshape import voigt, voigt_fwhm
from interlayer.analysis.haxpes.peak_model import PeakModel, fit_peaks, step_kernel
from interlayer.parsers import read_tree

AL_2S = np.arange(108.0, 130.0, 0.1)
TI_2P = np.arange(450.0, 476.0, 0.1)


def step(energy, loss, peak):
    """Shirley-like: every photoelectron adds the same at all larger binding energies; 2 % an eV."""
    return 0.02 * np.cumsum(peak) * (energy[1] - energy[0])


def tougaard_polymer(energy, loss, peak):
    """Polymer cross section B = 434 eV2, C = 551 eV2, D = 436 eV2 (Tougaard 1997): none of those that are fitted."""
    return 434.0 * loss / ((551.0 - loss**2) ** 2 + 436.0 * loss**2) @ peak * (energy[1] - energy[0])


def tougaard_universal(energy, loss, peak):
    """Universal cross section B = 2866 eV2, C = 1643 eV2 (Tougaard 1997)."""
    return 2866.0 * loss / (1643.0 + loss**2) ** 2 @ peak * (energy[1] - energy[0])


def half_and_half(energy, loss, peak):
    """Half a step, half the universal cross section: what no single background describes."""
    return 0.5 * step(energy, loss, peak) + 0.5 * tougaard_universal(energy, loss, peak)


def region(
    area=20000.0,
    lines=((118.6, 1.0, 0.35),),
    *,
    energy=AL_2S,
    base=2000.0,
    slope=-10.0,
    tail=step,
    seed=None,
    **attrs,
):
    """A region of counts; lines are (position, share of the area, Lorentzian half width), Gaussian sd 0.5 eV."""
    fine = np.arange(energy[0] - 40, energy[-1] + 0.05, 0.05)
    peak = sum(area * share * voigt_profile(fine - position, 0.5, width) for position, share, width in lines)
    loss = np.maximum(fine[:, None] - fine[None, :], 0.0) if tail is not step else None
    mean = np.interp(energy, fine, peak + tail(fine, loss, peak)) + base + slope * (energy - energy.mean())
    counts = mean if seed is None else np.random.default_rng(seed).poisson(mean).astype(float)
    return xr.Dataset(
        {"counts": ("binding_energy", counts, {"units": "count"})},
        coords={"binding_energy": ("binding_energy", energy, {"units": "eV"})},
        attrs={"technique": "xps", **attrs},
    )


TITANIUM = ((458.6, 2 / 3, 0.35), (464.32, 1 / 3, 0.75))


def test_line_and_derivatives_match_scipy():
    """The search follows these derivatives; a wrong one stops it beside the optimum without a word."""
    x, h = np.linspace(-6, 6, 41), 1e-5
    line = voigt(x, 0.5, 0.3)
    np.testing.assert_allclose(line.value, voigt_profile(x, 0.5, 0.3), rtol=1e-12)
    difference = (voigt_profile(x + h, 0.5, 0.3) - voigt_profile(x - h, 0.5, 0.3)) / (2 * h)
    np.testing.assert_allclose(line.by_position, -difference, atol=1e-9)
    difference = (voigt_profile(x, 0.5 + h, 0.3) - voigt_profile(x, 0.5 - h, 0.3)) / (2 * h)
    np.testing.assert_allclose(line.by_gaussian, difference, atol=1e-9)
    difference = (voigt_profile(x, 0.5, 0.3 + h) - voigt_profile(x, 0.5, 0.3 - h)) / (2 * h)
    np.testing.assert_allclose(line.by_lorentzian, difference, atol=1e-9)


def test_fwhm_of_a_voigt_line():
    """Half of the maximum, found on the line itself; Olivero and Longbothum promise 0.02 %."""
    x = np.linspace(0, 3, 300001)
    half = x[np.argmin(np.abs(voigt_profile(x, 0.5, 0.35) - voigt_profile(0, 0.5, 0.35) / 2))]
    assert voigt_fwhm(0.5, 0.35)[0] == pytest.approx(2 * half, rel=3e-4)


def test_model_derivatives_are_those_of_the_columns():
    """Doublet, shared and own widths, and the tail enter the Jacobian by hand-written chain rules."""
    model = PeakModel(TI_2P[::4], step_kernel(TI_2P[::4]), multiplet("Ti 2p"), 2)
    theta, h = np.array([458.0, 460.3, 0.6, 0.4, 0.7, 0.02]), 1e-6
    _, slopes = model.columns(theta)
    for k in range(theta.size):
        move = np.eye(theta.size)[k] * h
        numeric = (model.columns(theta + move)[0] - model.columns(theta - move)[0]) / (2 * h)
        np.testing.assert_allclose(slopes[:, :, k], numeric, atol=1e-7)


def test_exact_counts_give_back_the_exact_parameters():
    """Without noise and with the model's own background the optimum is the truth."""
    model = PeakModel(AL_2S, step_kernel(AL_2S), Multiplet(), 1)
    truth = np.array([118.6, 0.5, 0.35, 0.02])
    signal = model.columns(truth)[0] @ np.array([20000.0, 2000.0, -100.0])
    bounds = (np.array([110.0, 0.1, 0.01, 0.0]), np.array([128.0, 5.0, 5.0, 1.0]))
    fit = fit_peaks(model, signal, np.array([119.5, 0.8, 0.2, 0.05]), bounds, floor=1.0)
    np.testing.assert_allclose(fit.theta, truth, rtol=1e-5)
    assert fit.linear[0] == pytest.approx(20000.0, rel=1e-6)


def test_quantities_of_a_single_line():
    """Position, width and area of a clear line come without any guess by the user."""
    result = haxpes.region_area(region(seed=1, core_level="Al 2s"))
    assert abs(result["peak_area"].value - 20000) < 3 * result["peak_area"].stderr
    assert result["peak_area"].stderr / 20000 < 0.01
    assert result["peak_area"].unit == "count eV"
    assert result["peak_position"].value == pytest.approx(118.6, abs=0.012)
    assert result["peak_fwhm"].value == pytest.approx(voigt_fwhm(0.5, 0.35)[0], abs=0.03)
    assert 0.7 < result.diagnostics["reduced_chi_square"] < 1.3
    assert result.curves is not None
    np.testing.assert_allclose(
        result.curves["component"].sum("peak") + result.curves["background"], result.curves["fit"], rtol=1e-9
    )


def test_area_becomes_a_rate_when_the_time_is_known():
    """Regions measured for different times must compare: 0.2 s times 5 scans is 1 s, 0.4 s times 5 is 2 s."""
    one = haxpes.region_area(region(seed=2, dwell_time=0.2, n_scans=5))["peak_area"]
    two = haxpes.region_area(region(seed=2, dwell_time=0.4, n_scans=5))["peak_area"]
    assert one.unit == two.unit == "count eV s-1"
    assert two.value == pytest.approx(one.value / 2, rel=1e-9)


def test_rate_with_known_time_is_weighted_as_counts():
    """The same measurement stored as counts or as count s-1 has one area and one uncertainty."""
    counts = region(seed=3, dwell_time=0.25, n_scans=4, core_level="Al 2s")
    rate = counts.assign(intensity=counts["counts"].assign_attrs(units="count s-1")).drop_vars("counts")
    a, b = haxpes.region_area(counts)["peak_area"], haxpes.region_area(rate)["peak_area"]
    assert b.value == pytest.approx(a.value, rel=1e-9)
    assert b.stderr == pytest.approx(a.stderr, rel=1e-9)


def test_unknown_gain_takes_the_noise_from_the_residuals():
    """Arbitrary units: the area scales with the gain, its relative uncertainty stays that of the counts."""
    counts = region(seed=4)
    scaled = counts.assign(intensity=counts["counts"] * 0.0137).drop_vars("counts")
    scaled["intensity"].attrs["units"] = "1"
    known, unknown = haxpes.region_area(counts)["peak_area"], haxpes.region_area(scaled)["peak_area"]
    assert unknown.value == pytest.approx(0.0137 * known.value, rel=0.01)
    assert unknown.stderr / unknown.value == pytest.approx(known.stderr / known.value, rel=0.25)


def test_kinetic_axis_gives_the_same_area():
    """A file with kinetic energies only is the mirror image; the step must rise towards lower kinetic energy."""
    counts = region(seed=5)
    kinetic = xr.Dataset(
        {"counts": ("kinetic_energy", counts["counts"].values[::-1], {"units": "count"})},
        coords={"kinetic_energy": ("kinetic_energy", 3000.0 - AL_2S[::-1], {"units": "eV"})},
        attrs={"technique": "xps"},
    )
    a, b = haxpes.region_area(counts), haxpes.region_area(kinetic)
    assert b["peak_area"].value == pytest.approx(a["peak_area"].value, rel=1e-6)
    assert b["peak_position"].value == pytest.approx(3000.0 - a["peak_position"].value, abs=1e-6)


def test_two_components_and_their_sum():
    """Oxide and metal of one level: each area is found, and the total is known better than either."""
    two = region(40000.0, ((117.2, 0.35, 0.35), (119.4, 0.65, 0.35)), seed=6, core_level="Al 2s")
    result = haxpes.region_area(two, peaks=[117.0, 119.5])
    for name, truth in (("peak_area_1", 14000.0), ("peak_area_2", 26000.0), ("peak_area", 40000.0)):
        assert abs(result[name].value - truth) < 3 * result[name].stderr
    assert result["peak_area"].stderr < result["peak_area_1"].stderr + result["peak_area_2"].stderr


def test_empty_region_is_a_limit():
    """No line: the limit is above zero and of the size that the counting noise allows, not a fitted bump."""
    result = haxpes.region_area(region(0.0, seed=7, core_level="Al 2s"))
    limit = result["peak_area"]
    assert limit.relation == "<"
    # sqrt(2000 counts a point x 15 points under the line) x 0.1 eV = 17 count eV is one standard uncertainty.
    assert 20 < limit.value < 200
    assert "peak_position" not in result


@pytest.mark.parametrize(
    ("ds", "words"),
    [
        (region().isel(binding_energy=slice(0, 8)), "8 points"),
        (region().rename(counts="transmission"), "expected counts or intensity"),
        (region().assign(counts=region()["counts"] * 0), "at every energy"),
        (region().expand_dims(photon_energy=[2000.0, 3000.0]), "series over photon_energy"),
    ],
)
def test_what_cannot_be_fitted_says_why(ds, words):
    """A missing axis, a series or a few points are told apart in words."""
    with pytest.raises(NotAnalysable, match=words):
        haxpes.region_area(ds)


@pytest.mark.parametrize(
    ("lines", "energy", "tail", "level", "bias"),
    [
        (((118.6, 1.0, 0.35),), AL_2S, tougaard_universal, "Al 2s", 0.02),
        (((118.6, 1.0, 0.35),), AL_2S, tougaard_polymer, "Al 2s", 0.02),
        (((118.6, 1.0, 0.35),), AL_2S, half_and_half, "Al 2s", 0.02),
        (TITANIUM, TI_2P, tougaard_universal, "Ti 2p", 0.02),
        (TITANIUM, TI_2P, half_and_half, "Ti 2p", 0.02),
        # A loss peak at 23 eV rises under the doublet; no background here has it.
        (TITANIUM, TI_2P, tougaard_polymer, "Ti 2p", 0.03),
    ],
)
def test_area_where_the_background_is_no_step(lines, energy, tail, level, bias):
    """Bias below 2 % where the truth is no step; subtracting a Shirley background gives -13 % on such a Ti 2p."""
    areas = [
        haxpes.region_area(region(2e5, lines, energy=energy, base=2e4, tail=tail, seed=s, core_level=level))
        for s in range(6)
    ]
    assert np.mean([result["peak_area"].value for result in areas]) == pytest.approx(2e5, rel=bias)


def test_counts_that_were_scaled_still_become_a_rate():
    """Kratos exports hold counts divided by transmission: no Poisson noise, but the time still divides them."""
    scaled = region(seed=8, dwell_time=0.05, n_scans=1)
    scaled["counts"] = scaled["counts"] * 0.731
    scaled["counts"].attrs["units"] = "count"
    area = haxpes.region_area(scaled)["peak_area"]
    assert area.unit == "count eV s-1"
    assert area.value == pytest.approx(20000 * 0.731 / 0.05, rel=0.02)


def test_several_lines_without_positions_are_refused(corpus):
    """The N 1s window of MoS2 holds Mo 3p as well; one line through both would be a number without meaning."""
    tree = read_tree(corpus / "haxpes/LG4X__Mutlipak_vms.npl")
    ds = next(leaf.to_dataset() for leaf in tree.leaves if leaf.name == "N_1s")
    with pytest.raises(NotAnalysable, match="positions of its peaks"):
        haxpes.region_area(ds)
    two = haxpes.region_area(ds, peaks=[394.4, 399.5], window=(390.0, 406.0))
    assert two["peak_position_1"].value == pytest.approx(394.4, abs=0.3)
    assert two["peak_position_2"].value == pytest.approx(399.5, abs=0.3)


@pytest.mark.parametrize(
    ("path", "group", "position"),
    [
        # Pt 4f7/2 of the metal 71.2 eV, Handbook of X-ray Photoelectron Spectroscopy (1992).
        ("haxpes/KherveFitting__Pt4f.vms", "Pt_4f", 71.2),
        # Reference value of adventitious carbon, which this file was charge-corrected to.
        ("haxpes/LG4X__Mutlipak_vms.npl", "C_1s", 284.8),
    ],
)
def test_real_regions_are_fitted_without_guesses(corpus, path, group, position):
    """A doublet and a single line out of two vendors' files: found where the handbook has them."""
    tree = read_tree(corpus / path)
    ds = next(leaf.to_dataset() for leaf in tree.leaves if leaf.name == group)
    result = haxpes.region_area(ds)
    assert result["peak_position"].value == pytest.approx(position, abs=0.1)
    assert result["peak_area"].relative < 0.03


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "energy", "level"), [(((118.6, 1.0, 0.35),), AL_2S, "Al 2s"), (TITANIUM, TI_2P, "Ti 2p")]
)
def test_interval_covers_the_true_area(lines, energy, level):
    """95 % intervals hold the true area in 93-97 % of 400 regions, single line and doublet, and the mean is right."""
    found = [
        haxpes.region_area(region(60000.0, lines, energy=energy, seed=seed, core_level=level))["peak_area"]
        for seed in range(1000, 1400)
    ]
    z = np.array([(q.value - 60000.0) / q.stderr for q in found])
    assert 0.93 <= np.mean(np.abs(z) < 1.96) <= 0.97
    assert 0.9 < z.std() < 1.15
    assert abs(np.mean([q.value for q in found]) / 60000.0 - 1) < 0.005
