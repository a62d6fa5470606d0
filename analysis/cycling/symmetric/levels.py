"""Voltage of each half cycle at its start, on its plateau and at its end.

Start and end are the first and last `ENDS` of the time with current, the plateau its second half, when nucleation and
ohmic settling are over. Each level is the time-weighted median there, so that the few milliseconds in which a cycler
logs the reversal do not count. The peak is the highest median of three records in the first half of the time, where
nucleation shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...statistics import weighted_median
from ..record.charge import Booleans, Floats, Record
from ..record.halves import Halves
from ..record.segmentation import Integers

ENDS = 0.02
"""Part of the time of a half cycle that its start and its end are."""

_SHORT = 0.05  # part of the usual interval below which a record logs a reversal
_PEAK = 3  # records of which the peak is the median


@dataclass(frozen=True)
class Levels:
    """Levels of each half cycle in the direction of its current, V; NaN where no voltage is valid.

    Parameters
    ----------
    start, plateau, end : ndarray
        See the module.
    whole : ndarray
        Time-weighted median of all the half cycle, the figure that is usually quoted.
    creep : ndarray
        Root mean square distance of the voltage from `plateau` within the second half of the time.
    start_creep, end_creep : ndarray
        The same within start and end.
    current : ndarray
        Time-weighted median of the current's size on the plateau, A.
    peak, peak_stderr : ndarray
        Highest level in the first half of the time, and how far a single record lies above it, at least the noise.
    """

    start: Floats
    plateau: Floats
    end: Floats
    whole: Floats
    creep: Floats
    start_creep: Floats
    end_creep: Floats
    current: Floats
    peak: Floats
    peak_stderr: Floats


def levels_of(record: Record, half: Integers, halves: Halves) -> Levels:
    """Return the levels of half cycles.

    Parameters
    ----------
    record : Record
        Of `interlayer.analysis.cycling.record.charge.record_of`.
    half : ndarray of int, shape (record,)
        Half cycle of each record.
    halves : Halves
        Of the same record.
    """
    first = np.flatnonzero(np.diff(half, prepend=0))
    rows = np.full((halves.number.size, 10), np.nan)
    for place, (begin, end) in enumerate(pairwise(np.append(first, half.size))):
        sign = int(halves.direction[place])
        own = np.flatnonzero((record.sign[begin:end] == sign) & (record.duration[begin:end] > 0)) + begin
        own = own[np.isfinite(record.voltage[own])]
        if own.size:
            rows[place] = _levels(sign * record.voltage[own], np.abs(record.current[own]), record.duration[own])
    return Levels(*rows.T)


def _levels(voltage: Floats, current: Floats, duration: Floats) -> tuple[float, ...]:
    passed = np.cumsum(duration)
    late = passed > 0.5 * passed[-1]
    centre = passed - 0.5 * duration
    early = (centre < ENDS * passed[-1]) | (centre == centre[0])
    last = (centre > (1.0 - ENDS) * passed[-1]) | (centre == centre[-1])
    start, start_creep = _level(voltage[early], duration[early])
    plateau, creep = _level(voltage[late], duration[late])
    end, end_creep = _level(voltage[last], duration[last])
    whole = weighted_median(voltage, duration)
    usual = weighted_median(current[late], duration[late])
    return start, plateau, end, whole, creep, start_creep, end_creep, usual, *_peak(voltage, duration, ~late)


def _peak(voltage: Floats, duration: Floats, early: Booleans) -> tuple[float, float]:
    """Return the highest median of three records and its standard uncertainty, NaN from fewer records."""
    first = voltage[early & (duration > _SHORT * np.median(duration))]
    if first.size < _PEAK:
        return math.nan, math.nan
    medians = np.median(sliding_window_view(first, _PEAK), axis=1)
    place = int(np.argmax(medians))
    noise = 1.4826 * float(np.median(np.abs(np.diff(first)))) / math.sqrt(2.0)
    return float(medians[place]), max(float(first[place : place + _PEAK].max() - medians[place]), noise)


def _level(voltage: Floats, duration: Floats) -> tuple[float, float]:
    level = weighted_median(voltage, duration)
    return level, math.sqrt(float(np.average((voltage - level) ** 2, weights=duration)))
