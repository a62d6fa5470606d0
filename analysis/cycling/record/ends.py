"""How half cycles end: at a voltage, after a time or charge, at the current of a hold, or by somebody's hand.

What ended a half cycle is read from what it shares with others of its direction: the voltage, the duration or charge,
the last current of a hold. What it shares with most of them ended it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlayer.parsers import schema

from .charge import SECONDS, Record
from .intervals import Booleans, Floats, Integers

ENDED_BY = ("unknown", "voltage", "time_or_charge", "hold", "interruption")
"""Meanings of the integers in ``ended_by``, in order; ``hold`` is the current or the time of a hold."""

_UNKNOWN, _VOLTAGE, _TIME, _HOLD, _INTERRUPTION = range(len(ENDED_BY))
_SAME_VOLTAGE = 0.01  # V, within which two ends are at one limit
_SAME_PART = 0.05  # of the difference between the ends of charge and discharge; the smaller of both holds
_SAME_CHARGE = 0.005  # relative, within which two half cycles ended by one charge
_SAME_TIME = 1e-3  # relative
_LIKE_MOST, _FEWEST = 2.0 / 3.0, 3  # share and number of half cycles that make a limit; records that make a hold
_STEADY = 0.005  # V, within which a voltage is held
_FALLEN = 0.95  # part of its first value below which the current of a hold ends
_DIGITS, _SIGMAS = 1.5, 5.0  # of the current, which a fall has to exceed: no flicker on a plateau is a hold
_LEFT = 0.005  # relative, by which a current has left its set point
_SCATTERED = 0.1  # of the tolerance: voltages at a limit scatter less
_BY_CLOCK = 1e-5  # relative scatter of durations that only a clock keeps
_LOOK_BACK = 64  # records
_HELD = schema.STEP_TYPES.index("constant_voltage")


@dataclass(frozen=True)
class Ends:
    """Ends of half cycles, one entry each.

    Parameters
    ----------
    voltage : ndarray
        At the last record with current, V.
    hold_charge : ndarray
        Passed while the voltage was held at the end, A h; 0 without hold.
    ended_by : ndarray of int
        Place in `ENDED_BY`.
    """

    voltage: Floats
    hold_charge: Floats
    ended_by: NDArray[np.int8]


@dataclass(frozen=True)
class Course:
    """What of each half cycle tells how it ended, one entry each.

    Parameters
    ----------
    first, last : ndarray of int
        Rows: the first of its last stretch with current, and the last with current.
    direction : ndarray of int
        +1 charge, -1 discharge.
    charge : ndarray
        In A h, positive.
    hours : ndarray
        Time with current, h.
    """

    first: Integers
    last: Integers
    direction: Integers
    charge: Floats
    hours: Floats


def ends_of(record: Record, course: Course, stated: Integers | None = None) -> Ends:
    """Return the ends of the half cycles of a record.

    Parameters
    ----------
    record : Record
        Of `interlayer.analysis.cycling.record.charge.record_of`.
    course : Course
        Of its half cycles.
    stated : ndarray of int, shape (record,), optional
        Kind of step as the file says it, places in `interlayer.parsers.schema.STEP_TYPES`. A hold that it states is
        believed; of the others current and voltage tell, since many cyclers name a step by its beginning.
    """
    first, last, direction = course.first, course.last, course.direction
    pairs = zip(first.tolist(), last.tolist(), strict=True)
    begins = np.array([_hold_begin(record, a, b, stated) for a, b in pairs], dtype=np.intp)
    held = np.array([abs(float(record.charge[a : b + 1].sum())) for a, b in zip(begins, last, strict=True)])
    voltage = record.voltage[last]
    reached = direction * voltage
    levels = [float(np.median(voltage[direction == sign])) for sign in (1, -1) if np.any(direction == sign)]
    tolerance = min(_SAME_VOLTAGE, _SAME_PART * abs(levels[0] - levels[-1])) if len(levels) == 2 else _SAME_VOLTAGE
    step = (record.time[last] - record.time[np.maximum(last - 1, first)]) / SECONDS
    # Half cycles end up to an interval after their last record; three records are too few to tell how they end.
    short_of = tolerance + np.abs(voltage - record.voltage[np.maximum(last - 1, first)])
    short_of[:-1][(last - first)[:-1] < _FEWEST] = np.inf
    ended_by = np.full(last.size, _HOLD, dtype=np.int8)
    for sign in (1, -1):
        of = np.flatnonzero((direction == sign) & (held == 0))
        if of.size:
            same_time = max(_SAME_TIME * float(np.median(course.hours[of])), 1.5 * float(np.median(step[of])))
            ended_by[of] = _shared(reached[of], course.hours[of], course.charge[of], tolerance, same_time)
        of = np.flatnonzero(direction == sign)
        _find_broken(ended_by, of, reached, course.charge, short_of)
    if _last_is_broken(ended_by, record, course, reached, held, short_of):
        ended_by[-1] = _INTERRUPTION
    return Ends(voltage, held, ended_by)


def interrupted(ends: Ends) -> Booleans:
    """Return which half cycles did not come to the end that others of their direction came to."""
    return np.asarray(ends.ended_by == _INTERRUPTION)


def _hold_begin(record: Record, first: int, last: int, stated: Integers | None) -> int:
    if stated is None or stated[last] != _HELD:
        return hold_begin(record, first, last)
    size = _LOOK_BACK
    while True:
        low = max(first, last + 1 - size)
        others = np.flatnonzero(stated[low : last + 1] != _HELD)
        if others.size or low == first:
            return low + (int(others[-1]) + 1 if others.size else 0)
        size *= 4


def hold_begin(record: Record, first: int, last: int) -> int:
    """Return the first row of a hold of the voltage at the end, or the row after the last where there is none."""
    size, start = _LOOK_BACK, first
    while True:
        low = max(first, last + 1 - size)
        moved = np.flatnonzero(np.abs(record.voltage[low : last + 1] - record.voltage[last]) > _STEADY)
        if moved.size:
            start = low + int(moved[-1]) + 1
            break
        if low == first:
            break
        size *= 4
    current = np.abs(record.current[start : last + 1])
    least = max((1.0 - _FALLEN) * float(current[0]), _DIGITS * record.resolution, _SIGMAS * record.noise)
    if current.size < _FEWEST or current[0] - current[-1] < least:
        return last + 1
    before = abs(float(record.current[start - 1])) if start > first else float(current[0])
    if current[0] < (1.0 - _LEFT) * before:
        return start
    return start + int(np.flatnonzero(current >= (1.0 - _LEFT) * current[0])[-1]) + 1


def _shared(reached: Floats, hours: Floats, charge: Floats, tolerance: float, same_time: float) -> NDArray[np.int8]:
    """Return which limit half cycles of one direction share with more of the others: a voltage, or a time or charge."""
    at_voltage = _others_at(reached, tolerance)
    at_time = np.maximum(
        _others_at(hours, same_time), _others_at(charge, same_time / float(np.median(hours)) * float(np.median(charge)))
    )
    scattered = _spread(reached) / tolerance if tolerance > 0 else 0.0
    exact = _spread(hours) / float(np.median(hours))
    is_time = (scattered > 0 and exact < _BY_CLOCK) or (scattered > _SCATTERED and exact < 0.01 * scattered)
    by_time = (at_time > at_voltage) | ((at_time == at_voltage) & is_time)
    alone = (at_voltage == 0) & (at_time == 0)
    return np.where(alone, _UNKNOWN, np.where(by_time, _TIME, _VOLTAGE)).astype(np.int8)


def _others_at(values: Floats, tolerance: float) -> Integers:
    """Return how many others lie within a tolerance of each."""
    ordered = np.sort(values)
    inside = np.searchsorted(ordered, values + tolerance, "right") - np.searchsorted(ordered, values - tolerance)
    return np.asarray(inside - 1)


def _spread(values: Floats) -> float:
    return float(np.median(np.abs(values - np.median(values))))


def _find_broken(ended_by: NDArray[np.int8], of: Integers, reached: Floats, charge: Floats, short_of: Floats) -> None:
    """Mark half cycles that share nothing and fell short of the voltage at which most of the others end."""
    usual = of[np.isin(ended_by[of], (_VOLTAGE, _HOLD))]
    if usual.size < max(_FEWEST, _LIKE_MOST * of.size):
        return
    limit, least = float(np.median(reached[usual])), float(np.median(charge[usual]))
    alone = of[ended_by[of] == _UNKNOWN]
    ended_by[alone[(reached[alone] < limit - short_of[alone]) & (charge[alone] < least)]] = _INTERRUPTION


def _last_is_broken(
    ended_by: NDArray[np.int8], record: Record, course: Course, reached: Floats, held: Floats, short_of: Floats
) -> bool:
    """Return whether the last half cycle lacks the end of those before it; a rest is one where these set none."""
    others = np.flatnonzero(course.direction[:-1] == course.direction[-1])
    kinds = ended_by[others]
    if others.size >= 2 and np.mean(kinds == _HOLD) > _LIKE_MOST:
        final = np.abs(record.current[course.last])
        return bool(held[-1] == 0 or (final[-1] > 1.5 * final[others].max() and held[-1] < held[others].min()))
    if others.size >= 2 and np.mean(np.isin(kinds, (_VOLTAGE, _HOLD))) > _LIKE_MOST:
        return bool(reached[-1] < np.median(reached[others]) - short_of[-1])
    if others.size >= 2 and np.mean(kinds == _TIME) > _LIKE_MOST:
        return bool(course.charge[-1] < (1.0 - _SAME_CHARGE) * np.median(course.charge[others]))
    return bool(course.last[-1] == record.sign.size - 1)
