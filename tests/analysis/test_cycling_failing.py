"""Verdicts: a cell that collapses is failing, one that fades is at the end of its life, and sound ones are neither."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.analysis import cycling
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema

FIRST, DEAD = 1.70e-3, 0.0007e-3  # A h, of fastnda's file nw4-120-1-6-53.ndax: 160 cycles, from 1.70 to 0.0007 mA h
CYCLES = 160
AMPERE = 0.34e-3


def logged(
    discharge: np.ndarray, *, efficiency: np.ndarray | float = 0.998, current: np.ndarray | float = AMPERE,
    interval: float = 30.0, rest: float = 300.0, clock: bool = False,
) -> xr.Dataset:  # fmt: skip
    """Return the record of a full cell with these discharge capacities (A h), cycled between 2.5 and 4.2 V.

    Steps are logged at both ends and every `interval` seconds between, or by the clock alone.
    """
    ends, sets = [rest], [0.0]
    efficiencies, currents = (
        np.broadcast_to(np.asarray(v, dtype=float), discharge.shape) for v in (efficiency, current)
    )
    for back, share, ampere in zip(discharge, efficiencies, currents, strict=True):
        for hours, set_point in (
            (back / share / ampere, ampere),
            (rest / 3600, 0.0),
            (back / ampere, -ampere),
            (rest / 3600, 0.0),
        ):
            ends.append(ends[-1] + 3600.0 * hours)
            sets.append(set_point)
    ends, begins = np.array(ends), np.array([0.0, *ends[:-1]])
    if clock:
        time = np.arange(0.0, ends[-1], interval)
    else:
        time = np.concatenate(
            [np.union1d(np.arange(a, b, interval), [a + 1e-3, b]) for a, b in zip(begins, ends, strict=True)]
        )
    step = np.searchsorted(ends, time)
    sign = np.sign(sets)[step]
    share = (time - begins[step]) / (ends - begins)[step]
    voltage = 3.3 + sign * (1.7 * share - 0.85 + 0.05)
    return schema.build("cycling", {"test_time": time, "voltage": voltage, "current": np.array(sets)[step]})


def documented(*, slow: int = 120, collapse: int = 12) -> np.ndarray:
    """Return capacities that fade by 20 % over `slow` cycles, collapse within a few more, and stay dead."""
    cycle = np.arange(CYCLES)
    fading = FIRST * (1.0 - 0.2 * np.minimum(cycle / slow, 1.0))
    late = np.clip((cycle - slow) / collapse, 0.0, 1.0)
    return np.exp((1.0 - late) * np.log(fading) + late * np.log(DEAD))


def verdict(record: xr.Dataset, *, cell_type: str = "full", reference_cycle: int = 1):
    return cycling.cell_state(cycling.summarise(record, cell_type=cell_type), reference_cycle=reference_cycle)


@pytest.mark.parametrize("clock", [False, True], ids=["ends logged", "clock only"])
@pytest.mark.parametrize(("slow", "collapse"), [(120, 12), (20, 3), (150, 5), (60, 40)])
def test_a_cell_that_dies_is_called_failing(slow, collapse, clock):
    """nw4-120-1-6-53.ndax goes from 1.70 to 0.0007 mA h in 160 cycles; a table of its mean says nothing of it."""
    capacity = documented(slow=slow, collapse=collapse)
    result = verdict(logged(capacity, clock=clock))
    assert result.curves.attrs["state"] == "failing"
    assert result.diagnostics["failing"] == 1.0
    assert result.notes[0].startswith("failing: ")
    half = int(np.flatnonzero(capacity < 0.5 * FIRST)[0]) + 1
    assert abs(result["failure_cycle"].value - half) <= 6
    assert result["retention_last"].value < 0.2


def test_every_half_cycle_of_a_dead_cell_is_counted():
    """The tail of 0.04 % of the capacity must neither be merged as pulses nor be left out as another rate."""
    summary = cycling.summarise(logged(documented()), cell_type="full")
    assert summary.sizes["half_cycle"] == 2 * CYCLES
    assert summary["complete"].values.all()
    np.testing.assert_allclose(summary["capacity_discharge"].values[-20:], DEAD, rtol=0.02)
    np.testing.assert_allclose(summary["current"].values, AMPERE, rtol=1e-9)
    assert cycling.cell_state(summary, reference_cycle=1).diagnostics["n_cycles"] == CYCLES


def test_retention_says_that_the_cell_fails():
    """Who asks for the retention must not have to ask for the verdict; 80 % and the collapse are two numbers."""
    result = cycling.capacity_retention(logged(documented()), cell_type="full", reference_cycle=1)
    assert result.notes[-1].startswith("failing: the capacity fell from 8")
    assert result["cycle_below_95_percent"].value == pytest.approx(31.0, abs=0.1)
    assert result["cycle_below_80_percent"].value == pytest.approx(121.0, abs=0.5)
    assert result["capacity_retention"].value == pytest.approx(DEAD / FIRST, rel=0.02)


def test_fade_is_the_end_of_a_life_and_no_failure():
    """A cell that goes down to 75 % over 160 cycles has aged; calling it failing would cry wolf."""
    result = verdict(logged(FIRST * np.linspace(1.0, 0.75, CYCLES)))
    assert result.curves.attrs["state"] == "end_of_life"
    assert "failure_cycle" not in result
    assert result["end_of_life_cycle"].value == pytest.approx(0.2 / 0.25 * 159 + 1, abs=1.5)


def test_a_sound_cell_is_called_sound():
    """95 % after 160 cycles with scatter is what one hopes for."""
    random = np.random.default_rng(1)
    capacity = FIRST * np.linspace(1.0, 0.95, CYCLES) * (1.0 + 3e-3 * random.standard_normal(CYCLES))
    result = verdict(logged(capacity))
    assert result.curves.attrs["state"] == "sound"
    assert result.diagnostics["failing"] == result.diagnostics["end_of_life"] == 0.0


def test_one_low_cycle_is_a_sign_and_no_verdict():
    """A power cut or a loose clip takes one cycle; a verdict needs the cycles after it."""
    capacity = FIRST * np.linspace(1.0, 0.97, 30)
    capacity[14] *= 0.3
    assert verdict(logged(capacity)).curves.attrs["state"] == "sound"
    capacity = FIRST * np.linspace(1.0, 0.97, 30)
    capacity[-1] *= 0.3
    result = verdict(logged(capacity))
    assert result.curves.attrs["state"] == "sound"
    assert any("the last cycle has 29" in note for note in result.notes)


def test_a_short_that_eats_the_charge_is_a_failure_before_the_capacity_goes():
    """A soft short shows in the efficiency first: what is charged is not returned."""
    efficiency = np.where(np.arange(60) < 40, 0.998, 0.7)
    result = verdict(logged(FIRST * np.linspace(1.0, 0.93, 60), efficiency=efficiency))
    assert result.curves.attrs["state"] == "failing"
    assert result["failure_cycle"].value == 41
    assert "coulombic efficiency fell from 0.998 to 0.700" in result.notes[0]


def test_a_rate_test_and_check_ups_are_no_failure():
    """At 5 C a tenth of the capacity is left, and it comes back; what another rate takes away is no failure."""
    rates = np.repeat([0.2, 0.5, 1.0, 2.0, 5.0, 0.2], [5, 5, 5, 5, 5, 20])
    left = {0.2: 1.0, 0.5: 0.9, 1.0: 0.8, 2.0: 0.5, 5.0: 0.1}
    capacity = FIRST * np.array([left[rate] for rate in rates])
    result = verdict(logged(capacity, current=FIRST * rates))
    assert result.curves.attrs["state"] == "sound"
    ends_fast = verdict(logged(capacity[:25], current=FIRST * rates[:25]))
    assert ends_fast.diagnostics["failing"] == 0.0
    slow_first = np.concatenate([[FIRST], np.full(40, 0.4 * FIRST)])
    formed = logged(slow_first, current=np.concatenate([[0.05 * FIRST], np.full(40, 2.0 * FIRST)]))
    assert verdict(formed).curves.attrs["state"] == "sound"


def test_a_symmetric_cell_has_no_verdict_here():
    """Its failure is a short circuit, which `shorts` looks for."""
    summary = cycling.summarise(logged(documented()), cell_type="symmetric")
    with pytest.raises(NotAnalysable, match="symmetric"):
        cycling.cell_state(summary, reference_cycle=1)
    with pytest.raises(NotAnalysable, match="reference cycle 999"):
        verdict(logged(documented()), reference_cycle=999)


@pytest.mark.parametrize(
    ("name", "cell_type"),
    [
        ("cellpy/20160805_test001_45_cc_01.res", "anode_half"),
        ("cellpy/neware_uio.csv", "anode_half"),
        ("NewareNDA/test_2.ndax", "anode_half"),
        ("NewareNDA/TESTCELL0001-B2-2025-M50T_NewareNDA_Investigation.ndax", "full"),
        ("battery-data-format/SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug.bdf.csv", "full"),
        ("yadg/gcpl.issue_175.mpr", "anode_half"),
        ("yadg/gcpl.issue_211.mpr", "cathode_half"),
    ],
)
def test_real_cells_that_cycle_are_not_called_failing(corpus, name, cell_type):
    """Real records with formation, rate tests, check-ups and cut ends: none of these cells collapses."""
    result = verdict(il.read(corpus / f"cycling/{name}"), cell_type=cell_type)
    assert result.diagnostics["failing"] == 0.0, result.notes
    assert result["retention_last"].value > 0.8
