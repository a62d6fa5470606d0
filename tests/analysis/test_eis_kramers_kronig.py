"""Linear Kramers-Kronig test: what passes, what is flagged, and how well the noise is told."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.special import iv

import interlayer as il
from interlayer.analysis import Quantity, Result
from interlayer.analysis.eis import linear_kramers_kronig
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema

FREQUENCY = np.logspace(6, -1, 71)
S = 2j * np.pi * FREQUENCY
NOISE = 0.003


def zarc(resistance: float, tau: float, exponent: float = 1.0) -> np.ndarray:
    return resistance / (1.0 + (S * tau) ** exponent)


# Simulated, closed forms of circuit elements.
CLEAN = {
    "two_relaxations": 10 + 1e-7 * S + zarc(100, 1e-4) + zarc(50, 1e-1),
    "two_depressed_arcs": 10 + zarc(1000, 1e-5, 0.9) + zarc(500, 1e-2, 0.8),
    "film_between_blocking_electrodes": 20 + 1e-6 * S + zarc(5e3, 1e-5, 0.95) + 1 / (2e-6 * S**0.9),
    "ideal_blocking_capacitor": 20 + zarc(5e3, 1e-5, 0.95) + 1 / (2e-6 * S),
    "picofarad_bulk": zarc(1e5, 2e-6, 0.97) + 1 / (1e-7 * S**0.88),
    "inductive_milliohm_cell": 0.02 + 5e-6 * S + zarc(0.05, 1e-3, 0.85) + zarc(0.03, 1.0, 0.9),
    "finite_warburg": 5 + zarc(20, 1e-4, 0.9) + 30 * np.tanh(np.sqrt(5 * S)) / np.sqrt(5 * S),
    "inductive_loop": 5 + zarc(20, 1e-4, 0.9) - zarc(5, 1.0),
}


def dataset(impedance: np.ndarray, seed: int | None = None, noise: float = NOISE) -> xr.Dataset:
    """Return a simulated spectrum with noise in proportion to the modulus, none without seed."""
    if seed is not None:
        random = np.random.default_rng(seed)
        scatter = random.standard_normal(S.size) + 1j * random.standard_normal(S.size)
        impedance = impedance + noise * np.abs(impedance) * scatter
    return schema.build("eis", {"frequency": FREQUENCY, "impedance": impedance})


def share_consistent(impedance: np.ndarray, seeds: int, noise: float = NOISE) -> float:
    results = [linear_kramers_kronig(dataset(impedance, seed, noise)) for seed in range(seeds)]
    return float(np.mean([result.diagnostics["consistent"] for result in results]))


def share_covering(quantities: list[Quantity], truth: float) -> float:
    return float(np.mean([quantity.interval95[0] <= truth <= quantity.interval95[1] for quantity in quantities]))


@pytest.mark.slow
@pytest.mark.parametrize("circuit", CLEAN)
def test_a_linear_system_passes_and_its_noise_is_told(circuit):
    """A test that rejects good spectra is soon ignored; the noise is what weights and limits rest on.

    In 1000 spectra 95 % intervals of the noise hold its truth in 93 to 97 %, those of the drift hold zero.

    Without a capacitance in the series spectra of blocking electrodes would fail.
    """
    results = [linear_kramers_kronig(dataset(CLEAN[circuit], seed)) for seed in range(1000)]
    assert np.mean([result.diagnostics["consistent"] for result in results]) >= 0.975
    noise = [result["relative_noise"] for result in results]
    assert np.mean([quantity.value for quantity in noise]) == pytest.approx(NOISE, rel=0.02)
    assert 0.93 <= share_covering(noise, NOISE) <= 0.97
    assert 0.93 <= share_covering([result["drift"] for result in results], 0.0) <= 0.97
    assert np.mean([result.diagnostics["n_suspect"] for result in results]) < 0.05
    assert np.mean([result.diagnostics["n_steps"] for result in results]) < 0.005


def test_p_values_are_those_of_chance():
    """The F test must reject one good spectrum in ten at 0.1, or its p-value is only a number."""
    circuit = CLEAN["film_between_blocking_electrodes"]
    p = [linear_kramers_kronig(dataset(circuit, seed)).diagnostics["f_p_value"] for seed in range(200)]
    assert 0.04 <= np.mean(np.array(p) < 0.1) <= 0.17
    assert 0.4 <= np.mean(np.array(p) < 0.5) <= 0.6


def test_noise_is_told_by_the_decade():
    """Noise that is three times larger at low frequency is common at pA currents and must show where it is."""
    random = np.random.default_rng(4)
    size = np.where(FREQUENCY < 0.99, 0.006, 0.002)
    scatter = random.standard_normal(S.size) + 1j * random.standard_normal(S.size)
    result = linear_kramers_kronig(dataset(CLEAN["two_relaxations"] * (1 + size * scatter)))
    assert result.diagnostics["noise_decade_-1"] == pytest.approx(0.006, rel=0.4)
    assert result.diagnostics["noise_decade_3"] == pytest.approx(0.002, rel=0.4)


def test_drift_is_flagged():
    """A cell whose resistances grow 5 % while it is measured gives a spectrum of no cell at all.

    At 0.3 % noise the misfit is 0.5 %, at 0.1 % noise it stands far above chance.
    """
    growth = 1 + 0.05 * np.arange(S.size) / (S.size - 1)
    arcs = 10 + growth * (zarc(100, 1e-3) + zarc(50, 1e-1, 0.9))
    blocking = 20 + growth * zarc(5e3, 1e-5, 0.95) + 1 / (2e-6 * S**0.9)
    assert share_consistent(arcs, 40) <= 0.1
    assert share_consistent(blocking, 40) <= 0.1
    assert share_consistent(arcs, 20, noise=0.001) == 0
    assert "not consistent" in linear_kramers_kronig(dataset(arcs, 0, 0.001)).notes[0]


def slow_drift(change: float) -> np.ndarray:
    """Return how much a resistance has grown at each point, if time is what three periods or half a second take."""
    elapsed = np.cumsum(np.maximum(0.5, 3.0 / FREQUENCY))
    return 1 + change * elapsed / elapsed[-1]


@pytest.mark.parametrize(("change", "noise"), [(0.1, 0.003), (0.05, 0.001), (-0.05, 0.001)])
def test_drift_while_the_slow_points_are_measured_is_flagged_and_sized(change, noise):
    """Nine tenths of the time go to the last decade; a cell that ages in it leaves residuals of 0.2 % only.

    The impedance at the end is a tenth series resistance that stays, so 0.8 to 1 of the change is expected.
    """
    arcs = 10 + slow_drift(change) * (zarc(100, 1e-3, 0.9) + zarc(50, 1e-1, 0.9))
    results = [linear_kramers_kronig(dataset(arcs, seed, noise)) for seed in range(40)]
    assert np.mean([result.diagnostics["consistent"] for result in results]) <= 0.05
    assert 0.7 < np.median([result["drift"].value for result in results]) / change < 1.0
    assert any("while the slow points were measured" in result.notes[0] for result in results)


def test_drift_that_no_single_sweep_can_show_is_said():
    """A film that grows 5 % while its electrode is measured has been measured before: that passes, and is said."""
    blind = 20 + slow_drift(0.05) * zarc(5e3, 1e-5, 0.95) + 1 / (2e-6 * S**0.9)
    assert share_consistent(blind, 20) >= 0.9
    notes = linear_kramers_kronig(dataset(blind, 0)).notes
    assert any(note.startswith("a drift of less than") and note.endswith("would not have been seen") for note in notes)


def test_one_period_without_a_steady_state_is_flagged():
    """An analyser that takes the first period measures the transient too. Exact integral of an RC element's onset."""
    x = 2 * np.pi * FREQUENCY * 0.1
    onset = x / (2 * np.pi) * (1 - np.exp(-2 * np.pi / x)) / (1 + 1j * x)
    impedance = 10 + 100 / (1 + 1j * x) * (1 - onset)
    assert share_consistent(impedance, 20) == 0


def test_too_large_an_amplitude_is_flagged():
    """100 mV on a Butler-Volmer electrode lowers its resistance where the electrode takes the voltage.

    Describing function of sinh kinetics with a double layer and 10 ohm in series; the share of the voltage on the
    electrode follows from the impedance itself.
    """
    slope, amplitude, series, capacitance = 0.5 / 0.02569, 0.1, 10.0, 1e-5
    impedance = np.empty(S.size, dtype=complex)
    for place, s in enumerate(S):
        across = amplitude
        for _ in range(200):
            resistance = 100.0 * slope * across / (2 * iv(1, slope * across))
            electrode = resistance / (1 + s * resistance * capacitance)
            across = 0.5 * across + 0.5 * amplitude * abs(electrode / (electrode + series))
        impedance[place] = series + electrode
    assert share_consistent(impedance, 40) <= 0.15
    assert share_consistent(impedance, 20, noise=0.001) == 0


@pytest.mark.parametrize("circuit", ["two_depressed_arcs", "film_between_blocking_electrodes", "picofarad_bulk"])
def test_a_turned_sign_is_flagged_and_named(circuit):
    """Z'' read for -Z'' is the commonest mistake with text files; it violates causality."""
    result = linear_kramers_kronig(dataset(np.conj(CLEAN[circuit]), 1))
    assert result.diagnostics["consistent"] == 0
    assert any("sign of the imaginary part" in note for note in result.notes)
    assert not any("sign of" in note for note in linear_kramers_kronig(dataset(CLEAN[circuit], 1)).notes)


@pytest.mark.parametrize("circuit", ["two_relaxations", "film_between_blocking_electrodes"])
def test_a_point_disturbed_by_the_mains_is_flagged_and_spares_the_rest(circuit):
    """One point at 50 Hz that is 2 % off must neither condemn the spectrum nor count as noise; it stays in the data."""
    place = int(np.argmin(np.abs(FREQUENCY - 50.0)))
    flagged = []
    for seed in range(40):
        ds = dataset(CLEAN[circuit], seed)
        ds["impedance"].values[place] *= 1 + 0.02 * np.exp(1j * seed)
        result = linear_kramers_kronig(ds)
        flagged.append(bool(result.curves["suspect"][place]))
        assert result.curves.sizes["frequency"] == S.size
        assert result["relative_noise"].value == pytest.approx(NOISE, rel=0.3)
    assert np.mean(flagged) >= 0.95
    assert any("50 Hz mains" in note for note in result.notes)


def test_isolated_outliers_are_flagged_in_any_place():
    """A spike of a range switch lies anywhere; two of them must not hide each other."""
    ds = dataset(CLEAN["two_depressed_arcs"], 5)
    ds["impedance"].values[[12, 47]] *= 1.03, 0.97
    result = linear_kramers_kronig(ds)
    assert list(np.flatnonzero(result.curves["suspect"])) == [12, 47]
    assert result.diagnostics["consistent"] == 1
    assert sum("stands out alone" in note for note in result.notes) == 2


def test_masked_points_are_left_out_and_said():
    """A NaN is no reason to lose the verdict on the rest."""
    ds = dataset(CLEAN["two_relaxations"], 0)
    ds["impedance"].values[3] = np.nan
    result = linear_kramers_kronig(ds)
    assert result.diagnostics["n_masked"] == 1
    assert result.diagnostics["n_points"] == S.size - 1
    assert any("left out" in note for note in result.notes)


def test_noise_alone_does_not_pass():
    """A disconnected cell gives numbers too."""
    random = np.random.default_rng(2)
    result = linear_kramers_kronig(dataset(random.standard_normal(S.size) + 1j * random.standard_normal(S.size)))
    assert result.diagnostics["consistent"] == 0


@pytest.mark.parametrize("scale", [1e-6, 1e9])
def test_the_verdict_does_not_depend_on_the_unit(scale):
    """A fuel cell of milliohm and a film of gigaohm are judged alike."""
    ds = dataset(CLEAN["film_between_blocking_electrodes"], 3)
    scaled = dataset(ds["impedance"].values * scale)
    here, there = linear_kramers_kronig(ds), linear_kramers_kronig(scaled)
    assert there["relative_noise"].value == pytest.approx(here["relative_noise"].value, rel=1e-6)
    assert there.notes == here.notes


def test_too_few_points_are_refused_with_the_number_needed():
    """Eight points over seven decades fit anything or nothing; a verdict from them would be chance."""
    ds = dataset(CLEAN["two_relaxations"], 0).isel(frequency=slice(None, None, 10))
    with pytest.raises(NotAnalysable, match="8 different frequencies over 7 decades"):
        linear_kramers_kronig(ds)
    same = schema.build("eis", {"frequency": np.full(12, 1e3), "impedance": np.full(12, 5 - 1j)})
    with pytest.raises(NotAnalysable, match="1 different"):
        linear_kramers_kronig(same)


def test_the_result_survives_json():
    """The workbench keeps results as JSON; without noise the figures must stay finite."""
    for impedance in (CLEAN["inductive_milliohm_cell"], np.full(S.size, 10.0 + 0j)):
        result = linear_kramers_kronig(dataset(impedance))
        assert Result.from_dict(result.to_dict()) == result
        assert np.isfinite(list(result.diagnostics.values())).all()
        assert result.diagnostics["n_suspect"] == 0


def test_a_solid_electrolyte_at_low_temperature_passes(corpus):
    """LPSCl between blocking electrodes, 7 MHz to 0.1 Hz: seven decades of |Z| and a good instrument, 0.1 % noise."""
    result = linear_kramers_kronig(il.read(corpus / "eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C.mpr"))
    assert result.diagnostics["consistent"] == 1
    assert result["relative_noise"].value < 0.0015
    assert result.diagnostics["n_suspect"] == 0


def test_a_drifting_cell_of_a_vendor_example_is_flagged(corpus):
    """Zahner names this example drift: the misfit is at the low frequencies, where the time goes."""
    result = linear_kramers_kronig(il.read(corpus / "eis/Zahner-Analysis-Python/drift.ism"))
    assert result.diagnostics["consistent"] == 0
    assert result.diagnostics["systematic_residual"] > 0.01
    assert result["drift"].value < -0.5
    assert "the impedance changed by" in result.notes[0]
    assert result.diagnostics["noise_decade_-1"] > 10 * result.diagnostics["noise_decade_3"]


@pytest.mark.parametrize("celsius", [140, 150, 160, 170, 180, 190, 200])
def test_a_published_pellet_series_passes(corpus, celsius):
    """The spectra behind published fits are sound; what those fits leave (0.3 to 1 %) is mostly the circuit's.

    Published chi-square 7.3e-3 at 140 degC over 2 x 42 - 8 residuals is 1 %, the spectrum itself is known to 0.2 %.
    """
    result = linear_kramers_kronig(il.read(corpus / f"eis/EISFitpython/s04147-{celsius}deg.txt"))
    assert result.diagnostics["consistent"] == 1
    assert result["relative_noise"].value < 0.0025


def test_an_unstable_milliohm_stack_is_noisy_not_inconsistent(corpus):
    """A fuel-cell stack of 3 to 18 mohm at 100 kHz: scatter of several per cent at both ends, said by the decade."""
    result = linear_kramers_kronig(il.read(corpus / "eis/EISART/eis_planar_mess.ism"))
    assert result.diagnostics["noise_decade_4"] > 5 * result.diagnostics["noise_decade_2"]
    assert result["relative_noise"].value == pytest.approx(0.02, abs=0.01)
    assert any("not in proportion" in note for note in result.notes)


def test_loops_of_a_battery_pass_within_what_is_said(corpus):
    """Slow battery processes leave 0.1 to 0.2 % at the lowest frequencies: significant, small, and said."""
    tree = il.read_tree(corpus / "eis/aurora-cycler-manager/PEIS.mpr")
    for loop in ("loop_0", "loop_1"):
        result = linear_kramers_kronig(tree[loop].to_dataset())
        assert result.diagnostics["consistent"] == 1
        assert "significant" in result.notes[0]
        assert result.diagnostics["systematic_residual"] < 0.003


def test_mains_are_found_in_real_files(corpus):
    """Laboratories on 60 Hz: the point at 59.8 Hz of this battery spectrum is 7 % off, its neighbours 0.3 %."""
    tree = il.read_tree(corpus / "eis/PyEIS/ex1.mpt")
    result = linear_kramers_kronig(tree["loop_0"].to_dataset())
    suspect = result.curves["frequency"].values[result.curves["suspect"].values]
    assert np.any(np.abs(suspect - 59.79) < 0.1)
    assert any("60 Hz mains" in note for note in result.notes)
