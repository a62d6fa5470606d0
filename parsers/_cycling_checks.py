"""What a cycling record says about itself: sign and size of the current, time, and values that cannot be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ._cycling_isolated import isolated_values
from .errors import UnsupportedContent
from .findings import Finding

Floats = NDArray[np.float64]

_LONGEST = 5 * 365.25 * 86400.0
"""s; no cell has been cycled for longer without a new file."""
_HIGHEST = 10.0
"""V; more is a stack or another unit."""
_CLEAR = 0.5
_SMALLEST_CHANGE = 0.02
_DIFFERENCE = 0.1
_JUMP = 0.5
"""Relative change of the current between two rows beyond which it has been switched."""
_OUTLIER = 20.0
_PARTS, _SMALL_PART, _FACTOR = 50, 0.01, 1.25
"""Parts of a record, part of the largest charge of one below which it does not count, allowed ratio."""
_ROWS = 3


def orient_current(record: Mapping[str, Floats]) -> tuple[Floats, list[Finding]]:
    """Return the current with positive charge, as the counters of charge and discharge say.

    Parameters
    ----------
    record : mapping of str to numpy.ndarray
        ``current`` (A), ``voltage`` (V) and, where the file has them, ``vendor_capacity_charge`` and
        ``vendor_capacity_discharge`` (A h), each of shape (rows,).

    Returns
    -------
    current : numpy.ndarray
    findings : list of Finding
        ``current-sign-reversed`` if it had to be turned, ``current-contradicts-voltage`` if the voltage falls on
        charge.

    Raises
    ------
    UnsupportedContent
        If the current is a magnitude: cells were discharged and no value is negative.
    """
    current = record["current"]
    by_counters = counter_sign(current, record)
    if not np.any(current < 0) and _discharges(current, record):
        raise UnsupportedContent(
            "the current has no sign: cells were charged and discharged, and no value is negative",
            expected="a signed current, positive on charge",
            remedy="export again with a signed current, or with the cycler's own file format",
        )
    if by_counters <= -_CLEAR:
        message = "The file counts charge at negative current; the sign of the current was reversed."
        return -current, [Finding("current-sign-reversed", "warning", message)]
    if by_counters < _CLEAR and voltage_sign(current, record["voltage"]) <= -_CLEAR:
        message = "The voltage falls at positive and rises at negative current; by convention positive is charge."
        return current, [Finding("current-contradicts-voltage", "error", message)]
    return current, []


def counter_sign(current: Floats, record: Mapping[str, Floats]) -> float:
    """Return from -1 to 1 whether capacity is counted in the direction of the current; 0 where nothing is counted."""
    agreement = total = 0.0
    for name, direction in (("vendor_capacity_charge", 1.0), ("vendor_capacity_discharge", -1.0)):
        if name in record:
            gain = _gain(record[name])
            agreement += float(np.nansum(gain * np.sign(current[1:]))) * direction
            total += float(np.nansum(gain * (current[1:] != 0)))
    return agreement / total if total > 0 else 0.0


def _gain(counter: Floats) -> Floats:
    """Return what a counter gains from row to row; where it is reset it gains nothing."""
    return np.maximum(np.nan_to_num(np.diff(counter)), 0.0)


def voltage_sign(current: Floats, voltage: Floats) -> float:
    """Return from -1 to 1 whether the voltage rises on charge, over rows of one sign of the current; 0 if it rests."""
    rises, falls = _changes(current, voltage, 1), _changes(current, voltage, -1)
    total = sum(rises) + sum(falls)
    return (rises[0] - rises[1] - falls[0] + falls[1]) / total if total > _SMALLEST_CHANGE else 0.0


def _changes(current: Floats, voltage: Floats, sign: int) -> tuple[float, float]:
    """Return rise and fall of the voltage, from start to end of every run of rows with one sign of the current."""
    inside = np.concatenate([[False], np.sign(current) == sign, [False]])
    borders = np.flatnonzero(inside[1:] != inside[:-1])
    starts, stops = borders[::2], borders[1::2] - 1
    change = np.nan_to_num(voltage[stops] - voltage[starts])
    return float(change[change > 0].sum()), float(-change[change < 0].sum())


def _discharges(current: Floats, record: Mapping[str, Floats]) -> bool:
    """Whether cells were both charged and discharged, by the counters or, without them, by the voltage."""
    if {"vendor_capacity_charge", "vendor_capacity_discharge"} <= set(record):
        charge, discharge = (_gain(record[f"vendor_capacity_{kind}"]) for kind in ("charge", "discharge"))
        flowing = current[1:] > 0
        rows = [
            int(np.sum((one > 0) & (other == 0) & flowing)) for one, other in ((charge, discharge), (discharge, charge))
        ]
        if max(rows) > 0:
            return min(rows) >= _ROWS
    up, down = _swings(voltage=np.where(current > 0, record["voltage"], np.nan))
    return min(up, down) > max(_SMALLEST_CHANGE, 0.3 * max(up, down))


def _swings(voltage: Floats) -> tuple[float, float]:
    """Return total rise and fall of a voltage over a twentieth of the record at a time, so that noise cancels."""
    step = max(1, len(voltage) // 200)
    with np.errstate(invalid="ignore"):
        change = voltage[step::step] - voltage[:-step:step]
    change = change[np.isfinite(change)]
    return float(change[change > 0].sum()), float(-change[change < 0].sum())


def compare_counters(
    record: Mapping[str, Floats], *, within: NDArray[np.int64] | None = None, tolerance: float = _DIFFERENCE
) -> list[Finding]:
    """Hold the integral of the current against the counters of charge and discharge.

    Parameters
    ----------
    record : mapping of str to numpy.ndarray
        ``test_time`` (s), ``current`` (A) and the counters (A h), each of shape (rows,).
    within : numpy.ndarray, optional
        Number of each row's step, for counters that start anew with each: then nothing is counted from one step to
        the next.
    tolerance : float
        Relative difference from which on it is said.

    Returns
    -------
    list of Finding
        ``charge-contradicts-counter``: *error* for a factor of about 1000, where a unit must be wrong, else *warning*.
    """
    findings = []
    current, time = record["current"], record["test_time"]
    inside = np.ones(max(len(time) - 1, 0)) if within is None else np.diff(within) == 0
    for name, sign in (("vendor_capacity_charge", 1.0), ("vendor_capacity_discharge", -1.0)):
        if name not in record:
            continue
        mean = np.clip((current[1:] + current[:-1]) / 2 * sign, 0.0, None)
        passed = float(np.nansum(mean * np.clip(np.diff(time), 0.0, None) * inside)) / 3600.0
        counted = float(np.sum(_gain(record[name]) * inside))
        if min(passed, counted) <= 0 or abs(passed / counted - 1) < tolerance:
            continue
        decades = abs(np.log10(passed / counted))
        # When a step changes the current between two rows is not in the file: that leaves half the change open.
        flow = np.clip(current * sign, 0.0, None)
        change, gap = np.abs(np.diff(flow)), np.clip(np.diff(time), 0.0, None) * inside
        unsure = float(np.nansum(change / 2 * gap)) / 3600.0
        if abs(passed - counted) <= min(unsure, _DIFFERENCE * counted) + tolerance * counted:
            continue
        steady = change <= _JUMP * np.maximum(flow[1:], flow[:-1])
        sure = float(np.nansum(mean * gap * steady)) / 3600.0
        sparse = abs(sure - float(np.sum(_gain(record[name]) * inside * steady))) <= tolerance * counted
        label = name.removeprefix("vendor_").replace("_", " of ", 1)
        message = f"The {label} is {counted:.4g} A h by the counter and {passed:.4g} A h by the integral of the current"
        if abs(decades - 3) < 0.1:
            findings.append(Finding("charge-contradicts-counter", "error", f"{message}: a unit is wrong by 1000."))
        else:
            reason = ": rows lie too far apart where the current is switched, so the counter is right" if sparse else ""
            findings.append(Finding("charge-contradicts-counter", "warning", f"{message}{reason}."))
    return findings


def compare_charge(record: Mapping[str, Floats]) -> list[Finding]:
    """Hold the integral of the current against the net charge that the file counts.

    Both are summed over parts of the record, of which half have to agree: so neither a counter that starts anew nor a
    single row decides.

    Parameters
    ----------
    record : mapping of str to numpy.ndarray
        ``test_time`` (s), ``current`` (A) and ``charge`` or ``vendor_charge`` (A h), each of shape (rows,).

    Returns
    -------
    list of Finding
        ``charge-contradicts-current``, an *error*, for charge of the other sign or beyond a factor of 1.25.
    """
    charge = record.get("charge", record.get("vendor_charge"))
    if charge is None or "current" not in record or len(charge) < _ROWS:
        return []
    with np.errstate(all="ignore"):
        mean = (record["current"][1:] + record["current"][:-1]) / 2
        passed = mean * np.clip(np.diff(record["test_time"]), 0.0, None) / 3600.0
        added = np.diff(charge)
    known = np.isfinite(passed) & np.isfinite(added)
    parts = np.linspace(0, len(passed), min(len(passed), _PARTS) + 1).astype(int)[:-1]
    integral, counted = (np.add.reduceat(np.where(known, values, 0.0), parts) for values in (passed, added))
    large = np.abs(integral) > _SMALL_PART * np.abs(integral).max()
    if not np.any(counted[large]):  # nothing flows, or nothing is counted
        return []
    ratios = counted[large] / integral[large]
    if np.mean((ratios > 1 / _FACTOR) & (ratios < _FACTOR)) >= 0.5:
        return []
    ratio = float(np.median(ratios))
    message = f"The charge is counted as {ratio:.3g} times the integral of the current, in the median of its parts."
    return [Finding("charge-contradicts-current", "error", message)]


def plausibility(record: Mapping[str, Floats]) -> list[Finding]:
    """Return findings about times and values that cannot be, or not in this order."""
    findings = []
    time, voltage = record["test_time"], record["voltage"]
    steps = np.diff(time)
    if back := int(np.count_nonzero(steps < 0)):
        first = time[int(np.argmax(steps < 0))]
        message = f"The time goes back in {back} places, first after {first:.6g} s; rows keep their order."
        findings.append(Finding("time-goes-back", "warning", message))
    if same := int(np.count_nonzero(steps == 0)):
        findings.append(Finding("repeated-times", "info", f"{same} rows have the time of the row before."))
    if (span := float(np.nanmax(time) - np.nanmin(time))) > _LONGEST:
        message = f"The test lasts {span:.4g} s, that is {span / 31557600:.1f} years; the time may be in another unit."
        findings.append(Finding("implausible-duration", "error", message))
    if high := int(np.count_nonzero(np.abs(voltage) > _HIGHEST)):
        message = f"In {high} rows the voltage is beyond {_HIGHEST:g} V; it may be in another unit."
        findings.append(Finding("implausible-voltage", "warning", message))
    if len(voltage) > 1 and not np.any(voltage):
        message = "The voltage is 0 in every row; columns may be in each other's place."
        findings.append(Finding("implausible-voltage", "warning", message))
    if "current" in record:
        findings += isolated_values(record) + compare_charge(record)
        size = np.abs(record["current"])
        flowing = size[size > 0]  # which leaves out NaN
        usual = float(np.percentile(flowing, 99.5)) if len(flowing) else 0.0
        if outliers := int(np.count_nonzero(size > _OUTLIER * usual)) if usual else 0:
            message = (
                f"In {outliers} rows the current reaches {float(np.nanmax(size)):.4g} A, where {usual:.4g} A is usual."
            )
            findings.append(Finding("current-outlier", "warning", message))
    return findings
