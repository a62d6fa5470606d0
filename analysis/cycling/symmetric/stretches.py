"""Stretches of constant current: what is left of a record to compare voltages in when all that moves them is known.

A stretch ends where the current reverses, steps or stops (rests, interleaved impedance), at a gap in time and where a
half cycle ends. Its voltage counts from the first record after the reversal of the voltage and is positive as long as
it has the direction of the current.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...statistics import weighted_median
from ..record.charge import Booleans, Floats, Record
from ..record.segmentation import Integers

FEWEST_RECORDS = 6
"""Of a stretch; in shorter ones no level can be told from a transient."""

_STEP = 0.05  # relative change of the current from record to record that is a step
_REVERSAL = 0.02  # part of a stretch within which the voltage has followed the current
_NOISES = 8.0  # standard deviations of the current's noise that a step has to exceed


@dataclass(frozen=True)
class Stretch:
    """Records of one constant current.

    Parameters
    ----------
    rows : ndarray of int
        Places in the record.
    half_cycle, sign : int
        Number of the half cycle; +1 on charge, -1 on discharge.
    current : float
        Median of the current's size, A.
    elapsed : ndarray
        Time since the current was set, s.
    voltage : ndarray
        In the direction of the current, V.
    noise : float
        Standard deviation of the voltage from record to record, V, from the median of its changes.
    level : float
        Time-weighted median of the voltage in the second half of the time, V.
    temperature : ndarray
        In degC, NaN where none is recorded.
    usual_temperature : float
        Median of what is recorded, NaN if nothing is.
    """

    rows: Integers
    half_cycle: int
    sign: int
    current: float
    elapsed: Floats
    voltage: Floats
    noise: float
    level: float
    temperature: Floats
    usual_temperature: float

    @property
    def late_temperature(self) -> float:
        """Median over the second half of the time, in degC, NaN if nothing is recorded."""
        late = self.temperature[self.elapsed >= 0.5 * (self.elapsed[0] + self.elapsed[-1])]
        known = late[np.isfinite(late)]
        return float(np.median(known)) if known.size else math.nan


def stretches(record: Record, half: Integers, temperature: Floats) -> list[Stretch]:
    """Return the stretches of a record in order of time; short ones are left out.

    Parameters
    ----------
    record : Record
        Of `interlayer.analysis.cycling.record.charge.record_of`.
    half : ndarray of int, shape (record,)
        Half cycle of each record.
    temperature : ndarray, shape (record,)
        In degC, NaN where unknown.
    """
    size = np.abs(record.current)
    opens = np.ones(size.size, dtype=bool)
    opens[1:] = (np.diff(record.sign) != 0) | (np.diff(half) != 0) | record.gap[1:]
    opens[1:] |= np.abs(np.diff(size)) > np.maximum(_STEP * np.maximum(size[1:], size[:-1]), _NOISES * record.noise)
    runs = np.split(np.arange(size.size), np.flatnonzero(opens)[1:])
    found = (_stretch(record, half, temperature, rows) for rows in runs if record.sign[rows[0]] != 0)
    return [stretch for stretch in found if stretch is not None]


def _stretch(record: Record, half: Integers, temperature: Floats, rows: Integers) -> Stretch | None:
    sign = int(record.sign[rows[0]])
    begin = record.time[rows[0]]
    rows = rows[np.isfinite(record.voltage[rows]) & (record.duration[rows] > 0)]
    if rows.size < FEWEST_RECORDS:
        return None
    passed = record.time[rows] - begin
    turned = sign * record.voltage[rows] >= 0.5 * np.median(sign * record.voltage[rows])
    turned |= passed > _REVERSAL * passed[-1]
    rows = rows[int(np.argmax(turned)) :]
    if rows.size < FEWEST_RECORDS:
        return None
    voltage, elapsed = sign * record.voltage[rows], record.time[rows] - begin
    known = temperature[rows][np.isfinite(temperature[rows])]
    late = elapsed >= 0.5 * (elapsed[0] + elapsed[-1])
    return Stretch(
        rows=rows,
        half_cycle=int(half[rows[0]]),
        sign=sign,
        current=float(np.median(np.abs(record.current[rows]))),
        elapsed=elapsed,
        voltage=voltage,
        noise=_noise(voltage, elapsed),
        level=weighted_median(voltage[late], record.duration[rows][late]),
        temperature=temperature[rows],
        usual_temperature=float(np.median(known)) if known.size else math.nan,
    )


def _noise(voltage: Floats, elapsed: Floats) -> float:
    """Return the noise from changes over usual intervals: points that the cycler adds at a jump are no noise."""
    interval = np.diff(elapsed)
    usual: Booleans = interval >= 0.5 * np.median(interval)
    change = np.diff(voltage)[usual]
    spread = 1.4826 * float(np.median(np.abs(change - np.median(change)))) / np.sqrt(2.0)
    steps = np.abs(change[np.abs(change) > 1e-9 * np.abs(voltage).max()])
    digits = float(steps.min()) / np.sqrt(12.0) if steps.size else 0.0
    return float(max(spread, min(digits, float(np.abs(change).mean()))))
