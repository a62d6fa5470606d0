"""Laws of fade: that the right one is found, that intervals hold the truth, that nothing is extrapolated unasked."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import cycling
from interlayer.analysis.cycling.fading.laws import fit_law
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema

CYCLES = 60
SCATTER = 3e-3
KNEE = 33.4  # cycles after the reference

LAWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: 1.0 - 4e-3 * x,
    "square_root": lambda x: 1.0 - 0.031 * np.sqrt(x),
    "power": lambda x: 1.0 - 0.24 * (x / 60.0) ** 1.8,
    "knee": lambda x: 1.0 - 1e-3 * x - 8e-3 * np.maximum(x - KNEE, 0.0),
}


def summary(capacity: np.ndarray, *, complete: np.ndarray | None = None, rate: np.ndarray | None = None) -> xr.Dataset:
    """Return the summary of a full cell with these discharge capacities in A h, at ``rate[n]`` mA."""
    n = capacity.size
    halves = np.repeat(capacity, 2)
    start = 7200.0 * np.arange(2 * n)
    whole = np.ones(n, dtype=bool) if complete is None else complete
    speed = np.ones(n) if rate is None else rate
    along = ("half_cycle",)
    return xr.Dataset(
        {
            "direction": (along, np.tile([1, -1], n)),
            "start": (along, start),
            "end": (along, start + 3600.0 * halves / capacity[0] / np.repeat(speed, 2)),
            "capacity": (along, halves),
            "capacity_stderr": (along, 6e-4 * halves),
            "current": (along, 1e-3 * np.repeat(speed, 2)),
            "complete": (along, np.repeat(whole, 2)),
        },
        coords={"half_cycle": np.arange(1, 2 * n + 1)},
        attrs={"technique": "cycling_summary", "cell_type": "full"},
    )


def simulated(law: str, seed: int, *, gain: float = 0.0, scatter: float = SCATTER) -> np.ndarray:
    """Return capacities in A h of a cell that fades by a law, with scatter and one gain for all."""
    random = np.random.default_rng(seed)
    return 1e-3 * (1.0 + gain) * (LAWS[law](np.arange(CYCLES)) + scatter * random.standard_normal(CYCLES))


def truth(law: str, fraction: float) -> float:
    fine = np.linspace(0.0, CYCLES, 600_001)
    return float(np.interp(-fraction, -LAWS[law](fine), fine))


@pytest.mark.parametrize("law", ["linear", "square_root", "power", "knee"])
def test_a_fade_without_scatter_gives_its_own_law_and_cycles(law):
    """The equations: parameters and crossings of a perfect record are those that were put in."""
    result = cycling.capacity_fade(summary(simulated(law, 0, scatter=0.0)), reference_cycle=1)
    assert result.curves.attrs["law"] == law
    assert result["capacity_start"].value == pytest.approx(1e-3, rel=1e-6)
    assert result["retention_end"].value == pytest.approx(LAWS[law](np.array([CYCLES - 1.0]))[0], rel=1e-6)
    for percent in (95, 90, 80):
        assert result[f"cycles_to_{percent}_percent"].value == pytest.approx(truth(law, percent / 100), rel=1e-4)
    if law == "knee":
        assert result["knee_cycle"].value == pytest.approx(KNEE + 1, abs=1e-4)
        assert result["loss_per_cycle_after_knee"].value == pytest.approx(9e-3, rel=1e-5)
    if law == "power":
        assert result["fade_exponent"].value == pytest.approx(1.8, abs=1e-3)


def test_the_knee_is_the_least_squares_of_all_knees():
    """A search that misses the optimum moves the knee by more than its interval says."""
    x, y = np.arange(CYCLES, dtype=float), simulated("knee", 3)
    fine = np.arange(20.0, 50.0, 0.002)
    rss = [np.linalg.lstsq(np.stack([x**0, x, np.maximum(x - k, 0)], 1), y, rcond=None)[1][0] for k in fine]
    assert fit_law("knee", x, y[:, None]).shape[0] == pytest.approx(fine[np.argmin(rss)], abs=0.002)


def test_gain_cancels_in_ratios_and_cycles_but_not_in_capacities():
    """A cycler that reads 1 % high shows the same fade; only its capacities are off, and say so."""
    right, high = (
        cycling.capacity_fade(summary(simulated("linear", 5, gain=gain)), reference_cycle=1) for gain in (0.0, 0.01)
    )
    for name in ("retention_end", "loss_per_cycle", "cycles_to_90_percent"):
        assert high[name].value == pytest.approx(right[name].value, rel=1e-9)
        assert high[name].stderr == pytest.approx(right[name].stderr, rel=1e-3)
    assert high["capacity_start"].value == pytest.approx(1.01 * right["capacity_start"].value, rel=1e-9)
    assert high.budget["capacity_start"]["shared"] == pytest.approx(6e-4 * high["capacity_start"].value)


def test_what_is_not_reached_is_a_limit_and_extrapolation_is_named():
    """A table that says "80 % after 900 cycles" from 60 cycles misleads; it has to be asked for and to say so."""
    capacity = 1e-3 * (1.0 - 1.5e-3 * np.arange(CYCLES) + 1e-3 * np.random.default_rng(1).standard_normal(CYCLES))
    result = cycling.capacity_fade(summary(capacity), reference_cycle=1)
    assert result["cycles_to_95_percent"].relation == "="
    assert result["cycles_to_80_percent"].relation == ">"
    assert result["cycles_to_80_percent"].value == CYCLES - 1
    asked = cycling.capacity_fade(summary(capacity), reference_cycle=1, extrapolate_until=300)
    assert "cycles_to_80_percent" not in asked
    low, high = asked["cycles_to_80_percent_extrapolated"].interval95
    assert low < 0.2 / 1.5e-3 < high
    assert any("extrapolated" in note for note in asked.notes)
    short = cycling.capacity_fade(summary(capacity), reference_cycle=1, extrapolate_until=70)
    assert short["cycles_to_80_percent"].relation == ">"


def test_a_cell_that_does_not_fade_reaches_nothing():
    """A constant capacity has no cycles to 80 %, however long the extrapolation."""
    capacity = 1e-3 * (1.0 + SCATTER * np.random.default_rng(2).standard_normal(CYCLES))
    result = cycling.capacity_fade(summary(capacity), reference_cycle=1, extrapolate_until=10**6)
    assert result["cycles_to_80_percent"].relation == ">"
    low, high = result["loss_per_cycle"].interval95
    assert low < 0.0 < high


def test_incomplete_cycles_and_other_rates_are_left_out_with_a_reason():
    """One truncated cycle or one check-up at C/20 bends a fade law that has no business with it."""
    capacity, complete, rate = simulated("linear", 7), np.ones(CYCLES, dtype=bool), np.ones(CYCLES)
    bent = capacity.copy()
    bent[19] *= 0.4
    complete[19] = False
    bent[29] *= 1.2
    rate[29] = 0.2
    result = cycling.capacity_fade(summary(bent, complete=complete, rate=rate), reference_cycle=3)
    kept = np.delete(np.arange(1, CYCLES + 1), [19, 29])
    same = cycling.capacity_fade(summary(capacity), reference_cycle=3, cycles=kept)
    assert result["loss_per_cycle"].value == pytest.approx(same["loss_per_cycle"].value, rel=1e-12)
    assert result.diagnostics["n_points"] == CYCLES - 4
    told = " ".join(result.notes)
    assert "is not complete: cycle 20" in told
    assert "another current than most: cycle 30" in told
    assert "comes before the reference: cycle 1, 2" in told


def test_too_few_cycles_and_a_missing_reference_are_refused():
    """Five points fit any law."""
    with pytest.raises(NotAnalysable, match="5 cycles can be used"):
        cycling.capacity_fade(summary(simulated("linear", 1)[:5]), reference_cycle=1)
    with pytest.raises(NotAnalysable, match="reference cycle 99"):
        cycling.capacity_fade(summary(simulated("linear", 1)), reference_cycle=99)
    with pytest.raises(ValueError, match="summarise"):
        cycling.capacity_fade(xr.Dataset(), reference_cycle=1)


def test_from_the_record_of_a_cell_to_its_fade():
    """The whole way that a user takes: record, retention, and its summary handed on."""
    capacity = 1e-3 * LAWS["linear"](np.arange(12))
    durations = np.repeat(3600.0 * capacity / 1e-3, 2)
    time, current, now = [], [], 0.0
    for index, duration in enumerate(durations):
        time.append(now + np.linspace(0.0, duration, 50))
        current.append(np.full(50, 1e-3 if index % 2 == 0 else -1e-3))
        now += duration + 1e-3
    record = schema.build(
        "cycling",
        {
            "test_time": np.concatenate(time),
            "voltage": 3.6 + 600.0 * np.concatenate(current),
            "current": np.concatenate(current),
        },
    )
    retention = cycling.capacity_retention(record, cell_type="full", reference_cycle=1, cycle=10)
    result = cycling.capacity_fade(retention.curves, reference_cycle=1)
    assert result["loss_per_cycle"].value == pytest.approx(4e-3, rel=1e-3)
    assert result["cycles_to_80_percent"].relation == ">"


@pytest.mark.slow
@pytest.mark.parametrize("law", sorted(LAWS))
def test_intervals_cover_the_truth_and_knees_are_not_invented(law):
    """95 % intervals of 1000 simulated fades hold the truth in 93-97 %; a knee is called in at most 5 % without one."""
    last = CYCLES - 1
    exact = {
        "retention_end": float(LAWS[law](np.array([last]))[0]),
        "loss_per_cycle": (1.0 - float(LAWS[law](np.array([last]))[0])) / last,
        "cycles_to_90_percent": truth(law, 0.90),
        "cycles_to_80_percent": truth(law, 0.80),
    }
    if law == "knee":
        exact["knee_cycle"] = KNEE + 1
    held, asked, knees = dict.fromkeys(exact, 0), dict.fromkeys(exact, 0), 0
    for seed in range(1000):
        result = cycling.capacity_fade(summary(simulated(law, 10_000 + seed)), reference_cycle=1)
        knees += "knee_cycle" in result
        for name, value in exact.items():
            if name in result and result[name].relation == "=":
                low, high = result[name].interval95
                held[name] += low <= value <= high
                asked[name] += 1
    for name in exact:
        assert asked[name] > 900, name
        assert 0.93 <= held[name] / asked[name] <= 0.97, (name, held[name] / asked[name])
    if law == "knee":
        assert knees > 990
    else:
        assert knees <= 50


def test_reported_limits_are_finite_numbers():
    """Results go to JSON, which knows no infinity."""
    capacity = 1e-3 * (1.0 - 2e-4 * np.arange(20) + 3e-3 * np.random.default_rng(8).standard_normal(20))
    result = cycling.capacity_fade(summary(capacity), reference_cycle=1, extrapolate_until=10**6)
    for quantity in result.quantities:
        assert math.isfinite(quantity.value)
        assert all(math.isfinite(end) for end in quantity.interval95 or ())
