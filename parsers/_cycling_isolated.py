"""Single rows of a cycling record that stand apart from both neighbours, as a damaged digit or a dropped bit does.

A cell answers: when the current changes for one row, so does the voltage. A voltage that leaves its course for one row
at a steady current, or a current that does at a steady voltage, is nothing that a cell did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .findings import Finding

Floats = NDArray[np.float64]

_VOLTAGE, _CURRENT = 5e-3, 0.03
"""V, and part of the usual current: less is noise or the answer of a cell with little resistance."""
_ANY_CELL = 0.5
"""V; further no cell goes and comes back within a row, whatever the current does."""
_APART = 10.0
"""Times the change between its neighbours, and times the usual scatter, that a row stands apart."""
_STEADY = 0.01
"""Part of the usual current by which it may leave its course and count as steady."""
_ON_COURSE = 0.5
"""Part of the change between its neighbours by which a value may leave the middle of them."""
_FEW, _RARE = 3, 1e-3
"""Rows, and part of all rows, up to which those that stand apart are accidents; more of them are noise."""
_SAMPLES, _MOST, _OFTEN = 1000, 0.9, 0.75
"""Rows from which the usual is taken, and parts of them whose current and whose scatter are no larger than usual."""


def isolated_values(record: Mapping[str, Any]) -> list[Finding]:
    """Return a finding for rows in which voltage or current alone leaves its course, and for missing currents.

    Parameters
    ----------
    record : mapping of str to numpy.ndarray
        ``test_time`` (s), ``voltage`` (V), ``current`` (A) and, where the file has it, ``vendor_step``, each of shape
        (rows,). The first and the last row have one neighbour only and are left out.

    Returns
    -------
    list of Finding
        ``isolated-values`` and ``missing-current``, each a *warning*.
    """
    voltage, current = np.asarray(record["voltage"], dtype=float), np.asarray(record["current"], dtype=float)
    findings = []
    if missing := int(np.count_nonzero(~np.isfinite(current))):
        message = f"The current is missing in {missing} of {len(current)} rows."
        findings.append(Finding("missing-current", "warning", message))
    step = record.get("vendor_step")
    with np.errstate(all="ignore"):
        usual = _usual(current)
        rows = _apart(voltage, _VOLTAGE, _ANY_CELL)
        far = np.abs(voltage[rows] - voltage[rows - 1]) > _ANY_CELL
        of_voltage = rows[far | (_keeps_course(current, rows, _STEADY * usual) & _within_a_step(rows, step))]
        rows = _apart(current, _CURRENT * usual, np.inf) if usual > 0 else rows[:0]
        of_current = rows[_keeps_course(voltage, rows, _VOLTAGE) & _within_a_step(rows, step)]
    for name, unit, values, rows in (("voltage", "V", voltage, of_voltage), ("current", "A", current, of_current)):
        if 0 < len(rows) <= max(_FEW, _RARE * len(values)):
            findings.append(_finding(name, unit, values, rows, np.asarray(record["test_time"], dtype=float)))
    return findings


def _usual(current: Floats) -> float:
    """Return a large current that is no outlier, from a sample of the rows."""
    sample = np.abs(current[:: max(1, len(current) // _SAMPLES)])
    sample = np.sort(sample[(sample > 0) & (sample < np.inf)])
    return float(sample[int(_MOST * len(sample))]) if len(sample) else 0.0


def _apart(values: Floats, least: float, surely: float) -> NDArray[np.intp]:
    """Return the rows that stand apart from both neighbours, which agree with each other.

    By at least so much, and `surely` where all other rows hold one value and tell nothing.
    """
    change = np.diff(values)
    large = np.flatnonzero(np.abs(change) > least)
    rows = large[1:][np.diff(large) == 1]
    before, after = change[rows - 1], change[rows]
    apart = np.abs(after - before) / 2
    agree = apart > _APART * np.abs(before + after)
    rows, apart = np.asarray(rows[agree]), apart[agree]
    if not len(rows):
        return rows
    scatter = np.abs(np.diff(change)) / 2
    others = np.ones(len(values), dtype=bool)
    for beside in (-1, 0, 1):
        others[rows + beside] = False
    if np.count_nonzero(others[1:-1]) < len(values) / 2:  # noise, or pulses of one row
        return rows[:0]
    step = max(1, len(values) // _SAMPLES)
    if not np.ptp(values[others][::step]) > 0:
        return np.asarray(rows[apart > surely])
    scatter = np.sort(scatter[others[1:-1]][::step])
    smallest = np.min(scatter, where=scatter > 0, initial=np.inf)
    usual = max(float(scatter[int(_OFTEN * len(scatter))]), float(smallest) if np.isfinite(smallest) else 0.0)
    return np.asarray(rows[apart > _APART * usual])


def _keeps_course(values: Floats, rows: NDArray[np.intp], least: float) -> NDArray[np.bool_]:
    """Return whether the values of rows lie where those of their neighbours let expect them."""
    before, here, after = values[rows - 1], values[rows], values[rows + 1]
    return np.asarray(np.abs(here - (before + after) / 2) <= np.maximum(least, _ON_COURSE * np.abs(after - before)))


def _within_a_step(rows: NDArray[np.intp], step: Any) -> NDArray[np.bool_]:
    """Return whether rows and their neighbours are of one step: a step of one row is no accident."""
    if step is None:
        return np.ones(len(rows), dtype=bool)
    numbers = np.asarray(step)
    return np.asarray((numbers[rows - 1] == numbers[rows]) & (numbers[rows] == numbers[rows + 1]))


def _finding(name: str, unit: str, values: Floats, rows: NDArray[np.intp], time: Floats) -> Finding:
    worst = rows[np.argmax(np.abs(values[rows] - values[rows - 1]))]
    before, here, after = (f"{value:.5g}" for value in values[worst - 1 : worst + 2])
    other = "current" if name == "voltage" else "voltage"
    message = (
        f"In {len(rows)} rows the {name} alone leaves its course, without the {other}, most at {time[worst]:.6g} s: "
        f"{here} {unit} between {before} and {after} {unit}."
    )
    return Finding("isolated-values", "warning", message)
