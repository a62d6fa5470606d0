"""What a run makes of cycling records: what is asked, what is quiet, what is said of the cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interlayer.analyses_cycling import analyses, of_record, shown_half_cycles
from interlayer.analysis import Quantity
from interlayer.attempt import Task

AREA = Quantity("area", 0.5, 0.01, "cm2")


CATHODE = {"cell_type": "cathode_half", "reference_cycle": 1}


def found(ds, facts):
    outcomes = list(of_record(ds, facts))
    assert [outcome.problem for outcome in outcomes if outcome.problem] == []
    return outcomes


def names(outcomes, role):
    return [outcome.result.quantities[0].name for outcome in outcomes if outcome.role == role and outcome.result]


def test_a_half_cell_gives_retention_then_fade_and_its_curves(half_cell, fading):
    """The retention is what the test was made for; dQ/dV is for a closer look and no row of the table."""
    outcomes = found(half_cell(fading), CATHODE)
    assert names(outcomes, "headline") == ["capacity_retention", "loss_per_cycle"]
    assert names(outcomes, "check") == ["retention_last"]
    assert outcomes[0].headlines[0].value == pytest.approx(fading[-1] / fading[0], rel=3e-4)
    assert [quantity.name for quantity in outcomes[1].headlines] == ["cycles_to_80_percent"]
    methods = [outcome.result.method for outcome in outcomes if outcome.role == "detail"]
    assert methods[0].startswith("cycle 1 charge, cycle 1 discharge, cycle 24 charge, cycle 24 discharge: voltage")
    assert methods[1].startswith("cycle 1 charge: incremental capacity")
    assert methods[-1].startswith("cycle 24 discharge: differential voltage")


def test_a_single_cycle_gives_its_capacity(half_cell, fading):
    """A retention of 1 of the first against the first cycle is no result; the capacity is."""
    retention = found(half_cell(fading[:1]), CATHODE)[0]
    assert [quantity.name for quantity in retention.headlines] == ["discharge_capacity"]


def test_what_the_data_do_not_allow_is_quiet(half_cell, fading):
    """Four cycles have no law of fade, no rates and no titration; a report that says so for each file is not read."""
    outcomes = found(half_cell(fading[:4]), CATHODE)
    assert names(outcomes, "headline") == ["capacity_retention"]
    assert not [outcome for outcome in outcomes if outcome.declined or outcome.missing]


def test_a_rate_test_gives_rates_and_no_fade(half_cell):
    """A law of fade through the few cycles at one of five rates would be an invention."""
    times = [2, 2, 8, 2, 2]
    currents = np.repeat([1e-4, 2e-4, 5e-4, 1e-3, 1e-4], times)
    capacities = np.repeat([1e-3, 9.5e-4, 9e-4, 7e-4, 9.9e-4], times)
    facts = CATHODE | {"nominal_capacity": Quantity("nominal_capacity", 1.0, None, "mA h")}
    outcomes = found(half_cell(capacities, currents=currents), facts)
    assert names(outcomes, "headline") == ["capacity_retention", "capacity_at_highest_rate"]
    assert "loss_per_cycle" not in names(outcomes, "detail")
    rates = next(o.result for o in outcomes if o.result and "capacity_at_highest_rate" in o.result)
    assert rates.curves["c_rate"].values == pytest.approx([0.1, 0.2, 0.5, 1.0, 0.1])


def test_slow_formation_is_no_rate_test(half_cell, fading):
    """Two cycles at half the current before the test are the formation, not a rate."""
    currents = np.r_[np.full(2, 5e-4), np.full(22, 1e-3)]
    outcomes = found(half_cell(fading, currents=currents), CATHODE | {"reference_cycle": 3})
    assert "capacity_at_highest_rate" not in names(outcomes, "headline")


def test_failing_cell_is_called_so(half_cell, fading):
    """A cell that lost half of its capacity within ten cycles says nothing of the coating that it bears."""
    dying = np.r_[fading[:12], fading[12] * np.linspace(0.8, 0.05, 12)]
    check = next(o for o in found(half_cell(dying), CATHODE) if o.role == "check")
    assert (check.validity.verdict, check.validity.label) == ("warn", "failing")
    healthy = next(o for o in found(half_cell(fading), CATHODE) if o.role == "check")
    assert (healthy.validity.verdict, healthy.validity.label) == ("pass", "sound")


def test_without_the_reference_cycle_there_is_a_capacity(half_cell, fading):
    """The retention needs to know what 100 % is; the capacity does not."""
    outcomes = found(half_cell(fading), {"cell_type": "cathode_half"})
    assert [entry.key for entry in outcomes[0].missing] == ["cycling.reference_cycle"]
    assert names(outcomes, "headline")[0] == "discharge_capacity"
    assert [entry.key for entry in found(half_cell(fading), {})[0].missing] == [
        "cycling.cell_type",
        "cycling.reference_cycle",
    ]


def test_sound_symmetric_cell(symmetric):
    """Overpotential and a lower limit of the time to a short circuit; a constant current has no critical one."""
    outcomes = found(symmetric(0.1 + 1e-3 * np.arange(20)), {"cell_type": "symmetric", "area": AREA})
    assert names(outcomes, "headline") == ["overpotential", "time_to_short_circuit"]
    assert outcomes[1].result["time_to_short_circuit"].relation == ">"
    assert outcomes[1].validity.label == "no short"


def test_shorted_symmetric_cell_is_marked(symmetric):
    """The low overpotential of a shorted cell looks like that of a very good coating."""
    outcomes = found(symmetric(np.r_[np.full(12, 0.1), np.full(6, 0.002)]), {"cell_type": "symmetric", "area": AREA})
    assert outcomes[1].validity.verdict == "warn"
    assert outcomes[1].validity.label == "shorted"
    assert outcomes[1].validity.reason.startswith("a hard short circuit after 11.99 h")  # a minute before it


def test_rising_currents_give_the_critical_one(symmetric):
    """A protocol that steps the current brackets the critical current density between two steps."""
    currents = np.repeat([1e-4, 2e-4, 3e-4, 4e-4], 4)
    levels = 1e3 * currents
    levels[13:] = 0.01
    outcomes = found(symmetric(levels, currents=currents), {"cell_type": "symmetric", "area": AREA})
    critical = next(o.result for o in outcomes if o.result and "critical_current_density" in o.result)
    low, high = critical["critical_current_density"].interval95
    assert low < 6e-4 < 8e-4 < high  # 3e-4 and 4e-4 A on 0.5 cm2


def test_shown_cycles_are_those_asked_for(half_cell, fading):
    """Whoever wants cycle 10 beside cycle 2 says so."""
    facts = CATHODE | {"shown_cycles": (2, 10)}
    shown = shown_half_cycles(half_cell(fading), facts, 0)
    assert [(half.number, half.cycle, half.direction) for half in shown] == [
        (3, 2, 1), (4, 2, -1), (19, 10, 1), (20, 10, -1),
    ]  # fmt: skip
    first = shown_half_cycles(half_cell(fading), CATHODE, 3)
    assert [half.cycle for half in first] == [1, 1, 4, 4, 24, 24]


def test_parts_of_a_test_are_not_analysed_alone(half_cell, fading):
    """The capacity of half a test is a wrong number; it is the joined test that counts."""
    task = Task({"cycling": half_cell(fading)}, CATHODE | {"test": "cell 7"}, Path("a.mpt"), Path())
    assert list(analyses(task)) == []
