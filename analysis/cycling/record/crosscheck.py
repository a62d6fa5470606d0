"""The cycler's count of the charge against the integral of the current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .charge import SECONDS, Record
from .intervals import Integers

DIFFERENCE = 0.005
"""Relative difference of the charge of a half cycle beyond which count and integral contradict each other."""

_NOTHING = 1e-3  # of the largest charge: too little to compare


@dataclass(frozen=True)
class Contradiction:
    """A half cycle whose charge, A h, the cycler counts otherwise than its current says."""

    half_cycle: int
    counted: float
    integral: float


def contradictions(record: Record, first: Integers) -> list[Contradiction]:
    """Return the half cycles whose count differs by more than `DIFFERENCE` from the integral.

    What is open because the current was switched between two records does not count as a difference.

    Parameters
    ----------
    record : Record
        Of `interlayer.analysis.cycling.record.charge.record_of`.
    first : ndarray of int
        First record of each half cycle.
    """
    if record.charge is record.integral:
        return []
    counted = np.add.reduceat(record.charge, first)
    integral = np.add.reduceat(record.integral, first)
    apart = np.abs(counted - integral) - DIFFERENCE * np.abs(counted)
    apart[np.abs(counted) <= _NOTHING * np.abs(counted).max()] = 0.0
    if not np.any(apart > 0):
        return []
    change = np.abs(np.diff(record.current, prepend=record.current[:1]))
    interval = np.clip(np.diff(record.time, prepend=record.time[0]), 0.0, None)
    unsure = np.add.reduceat(np.where(record.gap, 0.0, change * interval), first) / SECONDS
    places = np.flatnonzero(apart > unsure)
    return [Contradiction(int(at) + 1, float(counted[at]), float(integral[at])) for at in places]


def said_of(different: list[Contradiction]) -> str:
    """Return the sentence about such half cycles."""
    worst = max(different, key=lambda one: abs(one.integral / one.counted - 1.0))
    return (
        f"in {len(different)} half cycles the charge by the counter and the integral of the current differ by more "
        f"than {DIFFERENCE:.1%}; in half cycle {worst.half_cycle} they are {worst.counted:.4g} A h and "
        f"{worst.integral:.4g} A h"
    )
