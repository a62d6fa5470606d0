"""Rows that stand apart, missing currents, and current against charge: what a record says of its own damage."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.parsers._cycling_checks import compare_charge
from interlayer.parsers._cycling_isolated import isolated_values


def half_cycles(rows: int = 400, noise: float = 2e-4, seed: int = 5) -> dict[str, np.ndarray]:
    """1 mA charge and discharge of a cell of 50 ohm, with noise on both, a row a minute."""
    draw = np.random.default_rng(seed)
    time = 60.0 * np.arange(rows)
    current = np.where(np.arange(rows) < rows // 2, 1e-3, -1e-3) * (1 + 1e-4 * draw.standard_normal(rows))
    charge = np.concatenate([[0.0], np.cumsum((current[1:] + current[:-1]) / 2 * np.diff(time) / 3600)])
    voltage = 3.5 + 100.0 * charge + 50.0 * current + noise * draw.standard_normal(rows)
    return {"test_time": time, "voltage": voltage, "current": current, "charge": charge}


def said(record: dict[str, np.ndarray]) -> list[str]:
    return [finding.message for finding in isolated_values(record) if finding.code == "isolated-values"]


@pytest.mark.parametrize(("name", "off"), [("voltage", 0.05), ("voltage", -4.0), ("current", 2e-4), ("current", -8e-3)])
def test_a_value_that_leaves_its_course_alone_is_named(name, off):
    """3.5385 for 3.5885, or 9 mA for 1 mA: a digit that nobody sees in a plot of a thousand rows."""
    record = half_cycles()
    record[name][77] += off
    (message,) = said(record)
    assert message.startswith(f"In 1 rows the {name} alone")
    assert "at 4620 s" in message


def test_a_pulse_that_the_cell_answers_is_no_damage():
    """A pulse of one row moves voltage and current together; so does the reversal of a half cycle."""
    record = half_cycles()
    record["current"][50] += 4e-3
    record["voltage"][50] += 4e-3 * 50.0
    assert said(record) == []


def test_a_step_of_one_row_is_no_damage():
    """A cell of little resistance hardly answers; that the schedule has a step there tells."""
    record = half_cycles() | {"vendor_step": np.where(np.arange(400) == 50, 2, 1)}
    record["current"][50] += 4e-3
    assert said(record) == []
    assert len(said(record | {"vendor_step": np.ones(400)})) == 1


def test_noise_is_no_damage():
    """300 healthy records of 400 rows, with noise of 0.2 to 20 mV: none is suspected."""
    assert not any(said(half_cycles(noise=noise, seed=k)) for k in range(100) for noise in (2e-4, 2e-3, 2e-2))


@pytest.mark.parametrize("resolution", [1e-4, 1e-3, 1e-2])
def test_a_coarse_resolution_is_no_damage(resolution):
    """Printed with two to four decimals the voltage comes in steps, and flickers between two of them."""
    records = [half_cycles(noise=resolution / 2, seed=seed) for seed in range(100)]
    assert not any(
        said(record | {"voltage": np.round(record["voltage"] / resolution) * resolution}) for record in records
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_currents_that_are_missing_are_counted(value):
    """An integral over them is short of their charge."""
    record = half_cycles()
    record["current"][[3, 9]] = value
    (finding,) = [finding for finding in isolated_values(record) if finding.code == "missing-current"]
    assert "in 2 of 400 rows" in finding.message


@pytest.mark.parametrize("factor", [-1.0, 1e-3, 0.5, 2.0, 1e3])
def test_charge_of_another_sign_or_size_is_an_error(factor):
    """A reversed current, mA read as A, a counter in C: each gives a capacity that looks like one."""
    record = half_cycles()
    (finding,) = compare_charge(record | {"charge": factor * record["charge"]})
    assert (finding.code, finding.severity) == ("charge-contradicts-current", "error")
    assert f"{factor:.3g} times" in finding.message


def test_a_counter_that_starts_anew_contradicts_nothing():
    """Some count from the start of each step; what is lost there is no contradiction."""
    record = half_cycles()
    record["charge"][200:] -= record["charge"][200]
    assert compare_charge(record) == []


def test_a_rest_contradicts_nothing():
    """Nothing flows and nothing is counted."""
    record = half_cycles() | {"current": np.zeros(400), "charge": np.zeros(400)}
    assert compare_charge(record) == []
    assert said(record) == []


def test_pulses_of_one_row_each_are_no_damage():
    """A record of the tips of pulses has every other row apart from both neighbours."""
    record = half_cycles()
    record["current"][::2] = 0.0
    assert said(record) == []
