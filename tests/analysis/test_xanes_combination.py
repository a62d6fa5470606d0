"""Linear combination fits on simulated S K-edge scans (nothing here is measured) and the honesty of their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import xanes
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Result

# Simulated stand-ins, (position, width, height) of Gaussians in eV over an arctangent step; the last peaks are the wide
# resonances above the edge. Positions follow published S K-edge spectra of sulfides and sulfates, shapes are invented.
SULFIDE = ((2470.9, 2473.8), ((2473.0, 0.7, 1.6), (2476.5, 1.6, 0.55), (2483.0, 3.0, 0.25)))
THIOPHOSPHATE = ((2470.9, 2473.4), ((2471.6, 0.6, 0.9), (2472.9, 0.8, 1.1), (2479.5, 2.2, 0.4)))
SULFATE = ((2479.8, 2481.6), ((2482.5, 0.9, 2.6), (2489.0, 3.0, 0.2)))
HELD = {"max_shift": 0.0, "reference_shift": 0.0, "reference_broadening": 0.0}
GRID = np.concatenate([np.arange(2445, 2466, 1.0), np.arange(2466, 2496, 0.2), np.arange(2496, 2555, 1.0)])


def normalised(phase, energy, variance=0.0):
    """The spectrum seen through a Gaussian of a variance in eV2, by Gauss-Hermite quadrature."""
    (_, edge), peaks = phase
    nodes, weights = np.polynomial.hermite_e.hermegauss(31)
    at = energy + math.sqrt(variance) * nodes[:, None]
    step = 0.5 + np.arctan((at - edge) / 0.35) / np.pi
    return weights @ (step + sum(h * np.exp(-0.5 * ((at - p) / w) ** 2) for p, w, h in peaks)) / weights.sum()


def scan(values, energy=GRID, name="mu"):
    return xr.Dataset(
        {name: ("energy", values, {"units": "1"})},
        coords={"energy": ("energy", energy, {"units": "eV"})},
        attrs={"technique": "xanes"},
    )


def raw(phases_fractions, *, shift=0.0, variance=0.0, scale=1.0, slope=-4e-4, noise=0.0, rng=None, energy=GRID):
    """A raw scan: mixture, step, a background that falls with energy, noise."""
    mixture = sum(f * normalised(phase, energy - shift, variance) for phase, f in phases_fractions)
    background = 0.3 + slope * (energy - 2470)
    values = scale * (mixture + background)
    if noise:
        values = values + scale * noise * rng.normal(size=energy.size)
    return scan(values, energy)


REFERENCES = {"Li2S": raw([(SULFIDE, 1.0)]), "LGPS": raw([(THIOPHOSPHATE, 1.0)])}
NORMALISED = {
    "Li2S": scan(normalised(SULFIDE, GRID), name="mu_normalized"),
    "LGPS": scan(normalised(THIOPHOSPHATE, GRID), name="mu_normalized"),
}


def test_recovers_a_mixture_without_noise():
    """Scale and shift of the scan must not leak into the fractions: 0.1 eV alone would read as 4 % of Li2S."""
    result = xanes.linear_combination(raw([(SULFIDE, 0.25), (THIOPHOSPHATE, 0.75)], shift=0.1, scale=3.0), REFERENCES)
    assert result["fraction_Li2S"].value == pytest.approx(0.25, abs=0.002)
    assert result.diagnostics["energy_shift"] == pytest.approx(0.1, abs=0.005)
    assert [q.name for q in result.quantities] == ["fraction_Li2S", "fraction_LGPS"]
    assert sum(q.value for q in result.quantities) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("slopes", [(-1.2e-3, -1.2e-3, -5e-4), (-5e-4, -1.2e-3, -5e-4), (-5e-4, -5e-4, -1.2e-3)])
def test_background_of_a_scan_is_its_own(slopes):
    """A bent background is level above the edge in one scan and falls in another: a kind for each would move f."""
    bend = 4e-6 * (GRID - 2470) ** 2
    phases = ([(SULFIDE, 0.4), (THIOPHOSPHATE, 0.6)], [(SULFIDE, 1.0)], [(THIOPHOSPHATE, 1.0)])
    sample, sulfide, thiophosphate = (
        raw(phase, slope=slope) + bend for phase, slope in zip(phases, slopes, strict=True)
    )
    result = xanes.linear_combination(sample, {"Li2S": sulfide, "LGPS": thiophosphate})
    assert result["fraction_Li2S"].value == pytest.approx(0.4, abs=0.001)


def test_slope_that_the_scans_share_costs_nothing():
    """The scale of the scan is free: only a slope in which the references differ can move a fraction."""

    def bent(phase, curvature):
        return raw(phase) + curvature * np.clip(GRID - 2475, 0, None)

    def slope_part(*curvatures):
        phases = ([(SULFIDE, 0.4), (THIOPHOSPHATE, 0.6)], [(SULFIDE, 1.0)], [(THIOPHOSPHATE, 1.0)])
        sample, *others = (bent(phase, curvature) for phase, curvature in zip(phases, curvatures, strict=True))
        result = xanes.linear_combination(sample, dict(zip(("Li2S", "LGPS"), others, strict=True)))
        return result.budget["fraction_Li2S"]["post-edge slope"], abs(result["fraction_Li2S"].value - 0.4)

    shared, bias = slope_part(5e-4, 5e-4, 5e-4)
    assert max(shared, bias) < 0.001
    stderr, bias = slope_part(0.0, 5e-4, 0.0)
    assert 0.3 * bias < stderr < 3 * bias
    assert bias > 0.003


def test_long_scans_fit_their_slope():
    """From 100 eV above the edge on the post-edge has a slope of its own, and the budget no such source."""
    energy = np.append(GRID, np.arange(2555, 2640, 2.0))
    references = {
        name: raw([(phase, 1.0)], energy=energy) for name, phase in (("Li2S", SULFIDE), ("LGPS", THIOPHOSPHATE))
    }
    result = xanes.linear_combination(raw([(SULFIDE, 0.4), (THIOPHOSPHATE, 0.6)], energy=energy), references)
    assert "post-edge slope" not in result.budget["fraction_Li2S"]


@pytest.mark.parametrize("widths", [(0.56, 0.5, 0.5), (0.5, 0.56, 0.5), (0.5, 0.5, 0.56)])
def test_resolution_of_one_scan_may_differ(widths):
    """Resolution of 0.5 against 0.56 eV: taken as they are, the fraction is off by 0.2 to 0.3 % of the sulfur."""
    sample, *others = (width**2 / (8 * math.log(2)) for width in widths)
    references = {
        "Li2S": raw([(SULFIDE, 1.0)], variance=others[0]),
        "LGPS": raw([(THIOPHOSPHATE, 1.0)], variance=others[1]),
    }
    mixed = raw([(SULFIDE, 0.25), (THIOPHOSPHATE, 0.75)], variance=sample)
    held = xanes.linear_combination(mixed, references, reference_broadening=0.0)["fraction_Li2S"].value
    assert 0.0015 < abs(held - 0.25) < 0.004
    assert xanes.linear_combination(mixed, references)["fraction_Li2S"].value == pytest.approx(0.25, abs=0.0007)


def test_weights_equal_ordinary_least_squares():
    """With shifts held, the weights free in sign and sum are plain linear least squares on references and baseline."""
    rng = np.random.default_rng(3)
    target = 0.3 * normalised(SULFIDE, GRID) + 0.72 * normalised(THIOPHOSPHATE, GRID)
    sample = scan(target + 0.01 * rng.normal(size=GRID.size), name="mu_normalized")
    result = xanes.linear_combination(sample, NORMALISED, energy_range=(2462, 2502), **HELD)
    inside = (GRID >= 2462) & (GRID <= 2502)
    columns = [ds["mu_normalized"].values[inside] for ds in NORMALISED.values()]
    design = np.stack([*columns, np.ones(inside.sum()), GRID[inside]], axis=-1)
    weights = np.linalg.lstsq(design, sample["mu_normalized"].values[inside], rcond=None)[0][:2]
    found = [result.diagnostics["weight_Li2S"], result.diagnostics["weight_LGPS"]]
    np.testing.assert_allclose(found, weights, rtol=1e-9)
    assert result["fraction_Li2S"].value == pytest.approx(weights[0] / weights.sum(), rel=1e-6)


def test_fixed_sum_has_the_closed_form_of_two_phases():
    """f = d.(y - B)/(d.d), d = A - B less its own baseline: the textbook two-phase fraction stands beside ours."""
    rng = np.random.default_rng(4)
    a, b = normalised(SULFIDE, GRID), normalised(THIOPHOSPHATE, GRID)
    y = 0.2 * a + 0.8 * b + 0.01 * rng.normal(size=GRID.size)
    inside = (GRID >= 2462) & (GRID <= 2502)
    energy, d = GRID[inside], (a - b)[inside]
    d = d - np.polyval(np.polyfit(energy, d, 1), energy)
    result = xanes.linear_combination(scan(y, name="mu_normalized"), NORMALISED, energy_range=(2462, 2502), **HELD)
    expected = d @ (y - b)[inside] / (d @ d)
    assert result.diagnostics["fraction_Li2S_fixed_sum"] == pytest.approx(expected, rel=1e-7)


def test_three_references_one_absent():
    """An absent compound is a limit and does not push the others below zero or above one."""
    rng = np.random.default_rng(5)
    references = REFERENCES | {"Li2SO4": raw([(SULFATE, 1.0)])}
    result = xanes.linear_combination(
        raw([(SULFIDE, 0.4), (THIOPHOSPHATE, 0.6)], shift=-0.15, scale=0.5, noise=0.01, rng=rng), references
    )
    absent = result["fraction_Li2SO4"]
    assert absent.relation == "<"
    assert 0 < absent.value < 0.05
    assert abs(result["fraction_Li2S"].value - 0.4) < 3 * result["fraction_Li2S"].stderr
    assert np.array(result.correlation).shape == (3, 3)


def test_missing_reference_is_flagged():
    """Sulfate in the scan but not among the references: the fractions are wrong, so the result has to say it."""
    rng = np.random.default_rng(6)
    sample = raw([(SULFIDE, 0.3), (THIOPHOSPHATE, 0.6), (SULFATE, 0.1)], noise=0.005, rng=rng)
    result = xanes.linear_combination(sample, REFERENCES)
    assert any(note.startswith("Misfit") for note in result.notes)
    clean = xanes.linear_combination(raw([(SULFIDE, 0.3), (THIOPHOSPHATE, 0.7)], noise=0.005, rng=rng), REFERENCES)
    assert not any(note.startswith("Misfit") for note in clean.notes)
    assert result.diagnostics["inflation"] > 1.5
    assert clean.diagnostics["inflation"] == 1.0


def test_stated_noise_gives_a_chi_square():
    """With mu_stderr the misfit is judged against the real noise, and the fit still finds the fractions."""
    rng = np.random.default_rng(7)
    sample = raw([(SULFIDE, 0.3), (THIOPHOSPHATE, 0.7)], noise=0.01, rng=rng)
    sample["mu_stderr"] = ("energy", np.full(GRID.size, 0.01), {"units": "1"})
    result = xanes.linear_combination(sample, REFERENCES)
    assert 0.7 < result.diagnostics["reduced_chi_square"] < 1.4
    sample["mu_stderr"] = sample["mu_stderr"] / 3
    flagged = xanes.linear_combination(sample, REFERENCES)
    assert flagged.diagnostics["reduced_chi_square"] > 2
    assert any(note.startswith("Misfit") for note in flagged.notes)
    assert flagged["fraction_Li2S"].stderr == pytest.approx(result["fraction_Li2S"].stderr, rel=0.3)


def test_twin_references_are_refused():
    """Two copies of one spectrum share their fraction in any way one likes; say which two."""
    with pytest.raises(NotAnalysable, match="Li2S and again"):
        xanes.linear_combination(REFERENCES["LGPS"], REFERENCES | {"again": REFERENCES["Li2S"]})


def test_no_overlap_is_refused():
    """References of another edge must not be extrapolated."""
    iron = raw([(SULFIDE, 1.0)])
    iron = iron.assign_coords(energy=("energy", GRID + 4640, {"units": "eV"}))
    with pytest.raises(NotAnalysable):
        xanes.linear_combination(raw([(SULFIDE, 1.0)]), {"FeS": iron, "LGPS": REFERENCES["LGPS"]})


def test_result_is_plain_json():
    """The report and results.json are made from the dictionary alone."""
    result = xanes.linear_combination(raw([(SULFIDE, 0.25), (THIOPHOSPHATE, 0.75)], shift=0.1), REFERENCES)
    assert Result.from_dict(result.to_dict()) == result
    sources = {"fit", "alignment", "resolution", "background", "windows", "post-edge slope"}
    assert set(result.budget["fraction_Li2S"]) == sources


def repeat(fraction, seeds, *, jitter=0.0, broadening=0.0):
    """Fit scans with 1 % noise, 2 % error of the step and 0.1 eV of shift; yield the quantity of Li2S.

    The references are shifted by `jitter` (eV); all are broadened, by variances that differ as `broadening` (eV) says.
    """
    spread = broadening**2 / (8 * math.log(2))
    for seed in seeds:
        rng = np.random.default_rng(seed)
        moves = jitter * rng.normal(size=2)
        variances = np.clip((4 + rng.normal(size=2)) * spread, 0.0, None)
        references = {
            "Li2S": raw([(SULFIDE, 1.0)], shift=moves[0], variance=variances[0]),
            "LGPS": raw([(THIOPHOSPHATE, 1.0)], shift=moves[1], variance=variances[1]),
        }
        sample = raw(
            [(SULFIDE, fraction), (THIOPHOSPHATE, 1 - fraction)],
            shift=0.1 * rng.normal(),
            variance=4 * spread,
            scale=1 + 0.02 * rng.normal(),
            noise=0.01,
            rng=rng,
        )
        result = xanes.linear_combination(sample, references, reference_shift=jitter, reference_broadening=broadening)
        yield result["fraction_Li2S"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fraction", "jitter", "broadening"), [(0.1, 0.0, 0.0), (0.4, 0.0, 0.0), (0.3, 0.05, 0.0), (0.3, 0.05, 0.2)]
)
def test_interval_covers_the_truth(fraction, jitter, broadening):
    """95 % intervals hold the truth in 93-97 % of 400 scans; errors from noise alone are 5 times too small."""
    found = list(repeat(fraction, range(400), jitter=jitter, broadening=broadening))
    covered = np.mean([q.interval95[0] <= fraction <= q.interval95[1] for q in found])
    z = np.array([(q.value - fraction) / q.stderr for q in found if q.relation == "="])
    assert 0.93 <= covered <= 0.97
    assert 0.9 <= z.std() <= 1.15
    assert abs(z.mean()) < 0.2


@pytest.mark.slow
def test_absent_compound_is_a_limit():
    """f = 0 must read '< limit', in at least 90 % of 300 scans, and the limit must hold."""
    found = list(repeat(0.0, range(1000, 1300)))
    assert np.mean([q.relation == "<" for q in found]) >= 0.90
    assert all(q.value > 0 for q in found)


@pytest.mark.slow
def test_limit_lies_above_a_small_fraction():
    """A limit of a small true fraction holds in at least 95 - 2 % of 300 scans."""
    found = [q for q in repeat(0.006, range(2000, 2300)) if q.relation == "<"]
    assert len(found) > 100
    assert np.mean([q.value >= 0.006 for q in found]) >= 0.93
