r"""Time that belongs to each record, and the intervals across which nothing is integrated.

Each record owns half of the interval on either side, which inside a step is the trapezoid rule. At the ends of a step
the interval counts with the step's own current, and no more of it than the interval beside it in the step. Nothing is
integrated across gaps: returns of the clock, intervals far longer than the sampling while current flows, and the seams
of joined files unless the next file goes on at the pace of the sampling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.integer[Any]]

SECONDS = 3600.0
"""In an hour."""

BLOCK = 1 << 15
"""Records that are worked on at a time, so that what is computed of them stays in the processor's cache."""

SAMPLE = 50_000
"""Records of which the usual interval, the noise and the resolution are taken, evenly spread over a longer record."""

_PERIODS = 2 * 3 * 5 * 7
"""Steps of protocols repeat after round numbers of records; a spread that shares no factor with them sees all."""

_GAP = 10.0  # times the 95 % quantile of the sampling interval: a gap
_SEAM = 2.0  # times the same at the seam of two files: the last and the first interval are each open to that length


@dataclass(frozen=True)
class Intervals:
    """What the clock says of each record.

    Parameters
    ----------
    duration : ndarray
        Time that belongs to the record, s.
    integral : ndarray
        Charge that belongs to the record by the current, A h.
    edge : ndarray
        Time at the ends of a step of which it is open to which step it belongs, s.
    gap : ndarray of bool
        Whether the record comes after a gap.
    before, after : ndarray
        Parts of `duration` from an interval at the end of a step or file, s, for the records in `ends`.
    ends : ndarray of int
        Records beside such an interval.
    """

    duration: Floats
    integral: Floats
    edge: Floats
    gap: Booleans
    before: Floats
    after: Floats
    ends: Integers


def mended(time: Floats) -> Floats:
    """Return the times with single records that fall behind, while the next go on, at the time of the one before."""
    if not np.any(time[1:] < time[:-1]):
        return time
    behind = np.flatnonzero((time[1:-1] < time[:-2]) & (time[2:] >= time[:-2])) + 1
    repaired = time.copy()
    repaired[behind] = time[behind - 1]
    return repaired


def spread(size: int) -> slice:
    """Return a slice that takes about `SAMPLE` of `size` records, all of a record up to twice as long."""
    step = max(1, size // SAMPLE)
    while math.gcd(step, _PERIODS) > 1:
        step += 1
    return slice(None, None, step)


def intervals(time: Floats, current: Floats, sign: Integers, seams: Integers) -> Intervals:
    """Return what belongs to each record of the time and of the integral of the current.

    Parameters
    ----------
    time, current : ndarray, shape (n,)
        In s and A.
    sign : ndarray of int, shape (n,)
        Of the current.
    seams : ndarray of int
        Records that are the last of their file, another file following.
    """
    usual, longest, seam = _usual(time, sign)
    duration, integral, outer, gaps = _inside(time, current, sign, longest)
    at_seam = time[seams + 1] - time[seams]
    flows = (sign[seams] != 0) | (sign[seams + 1] != 0)
    unseen = seams[(flows & ~((at_seam > 0) & (at_seam <= seam))) | (at_seam < 0)]
    gap = np.zeros(time.size, dtype=bool)
    gap[np.concatenate([gaps, unseen]) + 1] = True
    outer = np.unique(np.concatenate([outer, gaps, seams]))
    ends = np.unique(np.concatenate([[0], outer, outer + 1, [time.size - 1]])).astype(np.intp)
    own, before, after = _at_ends(time, ends, outer, gap, usual)
    duration[ends] = own + before + after
    integral[ends] = np.where(sign[ends] != 0, current[ends] * duration[ends] / SECONDS, 0.0)
    edge = np.zeros(time.size)
    edge[ends] = 2.0 * np.hypot(before, after)
    return Intervals(duration, integral, edge, gap, before, after, ends)


def _inside(time: Floats, current: Floats, sign: Integers, longest: float) -> tuple[Floats, Floats, Integers, Integers]:
    """Return what belongs to the records inside steps, and the intervals at which the sign changes and that are gaps.

    Intervals are named by the record that opens them. Each block of records is passed once.
    """
    duration, integral = np.empty(time.size), np.empty(time.size)
    changes, gaps = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)]
    for start in range(0, time.size - 1, BLOCK):
        stop = min(start + BLOCK, time.size - 1)
        one, other = sign[start:stop], sign[start + 1 : stop + 1]
        changes.append(np.flatnonzero(one != other) + start)
        inside = slice(max(start, 1), stop)
        around = np.subtract(time[inside.start + 1 : stop + 1], time[inside.start - 1 : stop - 1], out=duration[inside])
        back = (time[start + 1 : stop + 1] < time[start:stop]).any()
        if back or not around.max(initial=-math.inf) <= longest:  # also where a time is not a number
            interval = time[start + 1 : stop + 1] - time[start:stop]
            gaps.append(np.flatnonzero(~(interval >= 0) | ((one != 0) & (other != 0) & (interval > longest))) + start)
        around *= 0.5
        np.multiply(current[inside], duration[inside], out=integral[inside])
        integral[inside] *= 1.0 / SECONDS
        if not one.all():
            np.copyto(integral[inside], 0.0, where=sign[inside] == 0)
    return duration, integral, np.concatenate(changes), np.concatenate(gaps)


def _usual(time: Floats, sign: Integers) -> tuple[float, float, float]:
    """Return the usual interval inside steps, the longest that is no gap, and the longest between two files."""
    some = spread(time.size)
    interval = time[1:][some] - time[:-1][some]
    before, after = sign[:-1][some], sign[1:][some]
    flowing = interval[(before != 0) & (after != 0) & (interval > 0)]
    high = float(np.quantile(flowing, 0.95)) if flowing.size else math.inf
    inside = interval[(before == after) & (interval > 0) & ((interval <= _GAP * high) | (before == 0))]
    return float(np.median(inside)) if inside.size else math.inf, _GAP * high, _SEAM * high


def _at_ends(
    time: Floats, ends: Integers, outer: Integers, gap: Booleans, usual: float
) -> tuple[Floats, Floats, Floats]:
    """Return the time inside the step, before and after it that belongs to records beside an outer interval."""
    last = time.size - 1
    left = np.where(ends > 0, time[ends] - time[np.maximum(ends - 1, 0)], 0.0)
    right = np.where(ends < last, time[np.minimum(ends + 1, last)] - time[ends], 0.0)
    left[gap[ends]] = 0.0
    right[gap[np.minimum(ends + 1, last)] & (ends < last)] = 0.0
    is_outer = np.zeros(time.size, dtype=bool)
    is_outer[outer] = True
    outer_left = (ends > 0) & is_outer[np.maximum(ends - 1, 0)]
    own_left, own_right = np.where(outer_left, 0.0, left), np.where(is_outer[ends], 0.0, right)
    # A step's first and last interval are no longer than the interval beside them inside the step.
    beside = np.maximum(own_left, own_right)
    beside = np.where(beside > 0, beside, usual)
    before = np.minimum(np.where(outer_left, left, 0.0), beside)
    after = np.minimum(np.where(is_outer[ends], right, 0.0), beside)
    return 0.5 * (own_left + own_right), 0.5 * before, 0.5 * after
