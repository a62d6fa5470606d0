"""Ends of rests: the open-circuit voltage that a rest has come to, and what it still changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..record.charge import SECONDS, Floats, Record
from ..record.segmentation import Integers
from .course import voltage_noise

RELAXED = 0.05
"""Part of the step between two rests that the voltage of a relaxed one may change from its third to its last quarter.

A decay that ends within the rest has less than that left; one with the root of time up to five times as much.
"""

_FEWEST_FOR_NOISE, _FEWEST = 6, 3  # records
_LEVEL, _QUARTER = 0.1, 0.25  # parts of a rest: for its voltage, for its drift
_MEDIAN = 1.2533  # standard deviation of a median over that of a mean
_FINE = 0.5  # noise over a digit from which on a mean knows more than the digit


@dataclass(frozen=True)
class Digits:
    """How well a voltage is known: noise from record to record and step of the digitisation, V."""

    noise: float
    step: float

    def mean_stderr(self, count: int) -> float:
        """Return the standard uncertainty of the mean of some records, V."""
        coarse = self.step / math.sqrt(12.0) if self.noise < _FINE * self.step else 0.0
        return math.hypot(self.noise / math.sqrt(max(count, 1)), coarse)


@dataclass(frozen=True)
class Rest:
    """End of a rest.

    Parameters
    ----------
    voltage, stderr : float
        Median of its last tenth, V: cyclers may log the onset of the next step as the rest's last record.
    drift, drift_stderr : float
        Mean of its last quarter less that of its third, V.
    length : float
        s.
    """

    voltage: float
    stderr: float
    drift: float
    drift_stderr: float
    length: float

    @property
    def rate(self) -> float:
        """Slope of the voltage at the end, V h-1."""
        return self.drift / (_QUARTER * self.length) * SECONDS

    def is_relaxed(self, step: float) -> bool:
        """Return whether the voltage changes by less than `RELAXED` of a step in V, or by nothing that shows."""
        return abs(self.drift) <= max(RELAXED * abs(step), 3.0 * self.drift_stderr)


def digits_of(record: Record, rests: list[Integers]) -> Digits:
    """Return noise and step of the voltage as the late halves of rests show them; noise from all if none is long.

    Parameters
    ----------
    record : Record
        Of `interlayer.analysis.cycling.record.charge.record_of`.
    rests : list of ndarray of int
        Places of their records.
    """
    late = [rows[rows.size // 2 :] for rows in rests]
    noises = [_noise(record, rows) for rows in late if rows.size >= _FEWEST_FOR_NOISE]
    noises = noises or [_noise(record, rows) for rows in rests if rows.size >= _FEWEST]
    change = np.abs(np.concatenate([np.diff(record.voltage[rows]) for rows in rests]))
    jumps = change[change > 1e-9]
    repeats = jumps.size < 0.9 * change.size
    step = float(np.quantile(jumps, 0.02)) if jumps.size and repeats else 0.0
    return Digits(float(np.median(noises)) if noises else 0.0, step)


def _noise(record: Record, rows: Integers) -> float:
    increasing = rows[np.diff(record.time[rows], prepend=-math.inf) > 0]
    return voltage_noise(record.voltage[increasing], record.time[increasing]) if increasing.size >= _FEWEST else 0.0


def rest_of(record: Record, rows: Integers, digits: Digits) -> Rest | None:
    """Return the end of a rest, None if it holds fewer than three records.

    Parameters
    ----------
    record, rows
        Its records.
    digits : Digits
        Of the voltage.
    """
    if rows.size < _FEWEST or record.time[rows[-1]] <= record.time[rows[0]]:
        return None
    time, voltage = record.time[rows], record.voltage[rows]
    end, length = float(time[-1]), float(time[-1] - time[0])
    level = time >= end - _LEVEL * length
    edges = end - length * np.array([2.0 * _QUARTER, _QUARTER, 0.0])
    quarters = [_mean(time, voltage, low, high) for low, high in pairwise(edges)]
    counts = [int(np.count_nonzero((time >= low) & (time <= high))) for low, high in pairwise(edges)]
    median = _MEDIAN if np.count_nonzero(level) > 2 else 1.0
    return Rest(
        voltage=float(np.median(voltage[level])),
        stderr=median * digits.mean_stderr(int(np.count_nonzero(level))),
        drift=quarters[1] - quarters[0],
        drift_stderr=math.hypot(*(digits.mean_stderr(count) for count in counts)),
        length=length,
    )


def _mean(time: Floats, voltage: Floats, low: float, high: float) -> float:
    """Return the mean over a time, straight between records: rests may be sampled at changes of the voltage only."""
    grid = np.unique(np.concatenate([[low, high], time[(time > low) & (time < high)]]))
    values = np.interp(grid, time, voltage)
    return float(np.trapezoid(values, grid) / (high - low))
