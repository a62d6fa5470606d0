"""Distribution of relaxation times: peaks, resistances and bands of simulated arcs, and real spectra."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.analysis import Result
from interlayer.analysis.eis import distribution_of_relaxation_times
from interlayer.analysis.eis.relaxation.relaxations import relaxations
from interlayer.analysis.eis.spectrum import Spectrum
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema

FREQUENCY = np.logspace(6, -1, 71)
S = 2j * np.pi * FREQUENCY
NOISE = 0.003


def zarc(resistance: float, tau: float, exponent: float = 1.0) -> np.ndarray:
    return resistance / (1.0 + (S * tau) ** exponent)


# Simulated, closed forms: impedance, resistances and time constants of the arcs.
ARCS = {
    "one_relaxation": (10 + zarc(100, 1e-3), (100,), (1e-3,)),
    "two_relaxations": (10 + zarc(100, 1e-4) + zarc(50, 1e-2), (100, 50), (1e-4, 1e-2)),
    "two_depressed_arcs": (10 + zarc(100, 1e-4, 0.9) + zarc(50, 1e-1, 0.9), (100, 50), (1e-4, 1e-1)),
    "two_strongly_depressed_arcs": (10 + zarc(100, 1e-4, 0.85) + zarc(300, 1e-1, 0.85), (100, 300), (1e-4, 1e-1)),
    "small_arc_before_large": (10 + zarc(30, 1e-4, 0.95) + zarc(100, 1e-2, 0.95), (30, 100), (1e-4, 1e-2)),
    "picofarad_bulk_and_blocking": (zarc(1e5, 2e-6, 0.97) + 1 / (1e-7 * S**0.9), (1e5,), (2e-6,)),
    "bulk_boundary_and_blocking": (
        zarc(1e5, 2e-6, 0.97) + zarc(3e5, 3e-4, 0.92) + 1 / (1e-7 * S**0.9),
        (1e5, 3e5),
        (2e-6, 3e-4),
    ),
    "milliohm_cell_with_leads": (
        0.02 + 5e-9 * S + zarc(0.05, 1e-3, 0.85) + zarc(0.03, 1.0, 0.9),
        (0.05, 0.03),
        (1e-3, 1.0),
    ),
}


def dataset(impedance: np.ndarray, seed: int, noise: float = NOISE) -> xr.Dataset:
    random = np.random.default_rng(seed)
    scatter = random.standard_normal(S.size) + 1j * random.standard_normal(S.size)
    noisy = impedance + noise * np.abs(impedance) * scatter
    return schema.build("eis", {"frequency": FREQUENCY, "impedance": noisy})


def covers(result: Result, name: str, truth: float) -> bool:
    low, high = result[name].interval95
    return bool(low <= truth <= high)


@pytest.mark.slow
@pytest.mark.parametrize("arcs", ARCS)
def test_well_separated_arcs_are_found_with_their_resistance(arcs):
    """In 200 noisy spectra the number of peaks is right and 95 % intervals hold the truth in 95 % or more.

    The doubt is of the split between neighbours, one and the same for all noise: intervals hold more often than that.
    Errors must stay useful too: a typical resistance is stated to 10 %, and to no more than five times its error.
    """
    impedance, resistances, times = ARCS[arcs]
    results = [distribution_of_relaxation_times(dataset(impedance, seed)) for seed in range(200)]
    right = [result for result in results if result.diagnostics["n_peaks"] == len(resistances)]
    assert len(right) >= 190
    for number, (resistance, time) in enumerate(zip(resistances, times, strict=True), start=1):
        name = f"peak_{number}_resistance"
        assert np.mean([covers(result, name, resistance) for result in right]) >= 0.95
        error = np.sqrt(np.mean([(result[name].value - resistance) ** 2 for result in right]))
        assert error <= 1.2 * np.median([result[name].stderr for result in right]) <= 6.0 * error
        assert np.mean([covers(result, f"peak_{number}_time_constant", time) for result in right]) >= 0.90
        assert np.median([result[name].value for result in right]) == pytest.approx(resistance, rel=0.08)
        assert np.median([result[name].relative for result in right]) < 0.1


def test_a_single_relaxation_is_one_peak_and_the_total():
    """The simplest cell must not show a second process."""
    impedance, *_ = ARCS["one_relaxation"]
    for seed in range(20):
        result = distribution_of_relaxation_times(dataset(impedance, seed))
        assert "peak_2_resistance" not in result
        assert result["peak_1_time_constant"].value == pytest.approx(1e-3, rel=0.05)
        assert covers(result, "polarisation_resistance", 100.0)
        assert covers(result, "series_resistance", 10.0)


@pytest.mark.parametrize("arcs", ARCS)
def test_start_values_are_near_the_truth(arcs):
    """A circuit fit that starts within a factor of 2 of every arc ends in the right minimum."""
    impedance, resistances, times = ARCS[arcs]
    for seed in range(10):
        ds = dataset(impedance, seed)
        found = relaxations(Spectrum(FREQUENCY, ds["impedance"].values))
        assert len(found.arcs) == len(resistances)
        for arc, resistance, time in zip(found.arcs, resistances, times, strict=True):
            assert abs(np.log(arc.resistance / resistance)) < np.log(2)
            assert abs(np.log(arc.time_constant / time)) < np.log(2)


def test_start_values_of_leads_and_electrode():
    """What is no arc needs a start too: simulated 20 ohm, 1 uH and a CPE of 2e-6 ohm-1 s^0.9."""
    impedance = 20 + 1e-6 * S + zarc(5e3, 1e-5, 0.95) + 1 / (2e-6 * S**0.9)
    found = relaxations(Spectrum(FREQUENCY, dataset(impedance, 0)["impedance"].values))
    assert found.series_resistance == pytest.approx(20, rel=0.1)
    assert found.inductance == pytest.approx(1e-6, rel=0.1)
    assert found.electrode_coefficient == pytest.approx(2e-6, rel=0.2)
    assert found.electrode_exponent == pytest.approx(0.9, abs=0.05)
    closed = relaxations(Spectrum(FREQUENCY, dataset(10 + zarc(100, 1e-3), 0)["impedance"].values))
    assert closed.inductance == pytest.approx(0.0, abs=1e-8)
    assert closed.electrode_coefficient is None
    assert closed.electrode_exponent is None


def test_a_blocked_cell_has_no_polarisation_resistance():
    """The integral over a spur that never closes would be a number of the lowest frequency alone."""
    result = distribution_of_relaxation_times(dataset(ARCS["picofarad_bulk_and_blocking"][0], 0))
    assert "polarisation_resistance" not in result
    assert any("open at the lowest frequency" in note for note in result.notes)


def test_the_band_holds_the_distribution_of_a_depressed_arc():
    """The closed form of Fuoss and Kirkwood for an arc with n = 0.85, wherever it is not sharper than the grid."""
    impedance = 10 + zarc(100, 1e-2, 0.85)
    inside = []
    for seed in range(20):
        curves = distribution_of_relaxation_times(dataset(impedance, seed)).curves
        x = 0.85 * np.log(curves["time_constant"].values / 1e-2)
        n = 0.85 * np.pi
        truth = 100 / (2 * np.pi) * np.sin(np.pi - n) / (np.cosh(x) - np.cos(np.pi - n))
        core = np.abs(x) < 3
        held = (curves["gamma_low"].values <= truth) & (truth <= curves["gamma_high"].values)
        inside.append(held[core].mean())
    assert np.mean(inside) >= 0.75


def test_the_model_is_the_data_to_the_noise():
    """A distribution that does not give back its spectrum says nothing of it."""
    result = distribution_of_relaxation_times(dataset(ARCS["two_depressed_arcs"][0], 7))
    curves = result.curves
    left = np.abs(curves["model"] - curves["impedance"]) / np.abs(curves["impedance"])
    assert float(np.sqrt((left**2).mean() / 2)) == pytest.approx(NOISE, rel=0.2)
    assert (curves["gamma"] >= 0).all()
    assert Result.from_dict(result.to_dict()) == result


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_resistances_scale_and_times_do_not(scale):
    """Smoothing must not depend on whether the cell has microohm or megaohm."""
    ds = dataset(ARCS["two_depressed_arcs"][0], 2)
    there = distribution_of_relaxation_times(ds.assign(impedance=ds["impedance"] * scale))
    here = distribution_of_relaxation_times(ds)
    for number in (1, 2):
        name = f"peak_{number}_resistance"
        assert there[name].value == pytest.approx(here[name].value * scale, rel=1e-6)
        name = f"peak_{number}_time_constant"
        assert there[name].value == pytest.approx(here[name].value, rel=1e-6)


def test_a_disturbed_point_makes_no_peak():
    """A point at the mains that is 5 % off would be a process at 3 ms."""
    ds = dataset(ARCS["one_relaxation"][0], 1)
    ds["impedance"].values[int(np.argmin(np.abs(FREQUENCY - 50.0)))] *= 1.05
    result = distribution_of_relaxation_times(ds)
    assert result.diagnostics["n_peaks"] == 1
    assert any("suspect points are left out" in note for note in result.notes)


def test_an_inductive_loop_is_said():
    """Corrosion and fuel cells relax with a negative sign, which no distribution above zero can hold."""
    result = distribution_of_relaxation_times(dataset(5 + zarc(20, 1e-4, 0.9) - zarc(5, 1e-1), 0))
    assert any("no positive relaxation" in note for note in result.notes)


def test_an_electrode_alone_has_no_relaxation():
    """A CPE without an arc must be refused, not be split into a row of peaks."""
    with pytest.raises(NotAnalysable, match="no relaxation is told"):
        distribution_of_relaxation_times(dataset(1 / (1e-5 * S**0.9), 0))


@pytest.mark.parametrize(("celsius", "total"), [(140, 1.462e5 + 2.012e6), (150, 1.123e5 + 1.139e6)])
def test_the_peaks_of_a_pellet_add_up_to_the_published_arcs(corpus, celsius, total):
    """Bulk and grain boundary as fitted in EISFitpython's Batch_EISfit_Report; the split differs, the sum must not."""
    result = distribution_of_relaxation_times(il.read(corpus / f"eis/EISFitpython/s04147-{celsius}deg.txt"))
    numbers = range(1, int(result.diagnostics["n_peaks"]) + 1)
    fast = [n for n in numbers if result[f"peak_{n}_time_constant"].value < 1e-2]
    assert sum(result[f"peak_{n}_resistance"].value for n in fast) == pytest.approx(total, rel=0.03)
    assert "polarisation_resistance" not in result


def test_a_published_simulation_with_two_arcs_is_recovered(corpus):
    """pyDRTtools ships two ZARC elements of 50 and 20 ohm at 0.1 ms and 0.1 s with noise growing to 4 % at 1 MHz."""
    result = distribution_of_relaxation_times(il.read(corpus / "eis/pyDRTtools/2ZARC1.csv"))
    assert result.diagnostics["n_peaks"] == 2
    assert result["peak_1_resistance"].value == pytest.approx(50.0, abs=3.0)
    assert result["peak_2_resistance"].value == pytest.approx(20.0, abs=3.0)
    assert result["peak_1_time_constant"].value == pytest.approx(1e-4, rel=0.2)
    assert result["peak_2_time_constant"].value == pytest.approx(1e-1, rel=0.2)


def test_a_dummy_cell_is_one_relaxation(corpus):
    """Zahner's RC dummy of 8.6 kohm closes at 100 Hz: total, peak and |Z| at the lowest frequency agree."""
    ds = il.read(corpus / "eis/Zahner-Analysis-Python/000_mvdc.ism")
    result = distribution_of_relaxation_times(ds)
    lowest = float(np.abs(ds["impedance"].values[np.argmin(ds["frequency"].values)]))
    assert result.diagnostics["n_peaks"] == 1
    assert result["peak_1_resistance"].value == pytest.approx(lowest, rel=0.005)


def test_a_blocked_electrolyte_gives_its_resistance_by_the_knee(corpus):
    """LPSCl at -25 degC: peaks faster than 1 microsecond and the series part add up to the real part at the knee."""
    ds = il.read(corpus / "eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C.mpr")
    result = distribution_of_relaxation_times(ds)
    numbers = range(1, int(result.diagnostics["n_peaks"]) + 1)
    fast = sum(result[f"peak_{n}_resistance"].value for n in numbers if result[f"peak_{n}_time_constant"].value < 1e-6)
    phase = np.abs(np.angle(ds["impedance"].values))
    knee = float(ds["impedance"].values[int(np.argmin(phase))].real)
    assert fast + result["series_resistance"].value == pytest.approx(knee, rel=0.15)
    assert "polarisation_resistance" not in result


def test_a_noisy_milliohm_stack_is_not_overread(corpus):
    """Inductive at 100 kHz and scattered: the misfit is above the noise and that is said."""
    result = distribution_of_relaxation_times(il.read(corpus / "eis/EISART/eis_planar_mess.ism"))
    assert result.diagnostics["n_peaks"] <= 2
    assert any("no positive relaxation" in note for note in result.notes)


def test_a_battery_shows_its_series_resistance(corpus):
    """Aurora PEIS: the intercept lies below the smallest real part measured at 10 kHz, diffusion leaves it open."""
    ds = il.read_tree(corpus / "eis/aurora-cycler-manager/PEIS.mpr")["loop_0"].to_dataset()
    result = distribution_of_relaxation_times(ds)
    assert 2.0 < result["series_resistance"].value < float(ds["impedance"].real.min())
    assert "polarisation_resistance" not in result
