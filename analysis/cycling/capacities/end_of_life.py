"""The measured cycle at which a cell falls below 95, 90 and 80 % of its reference capacity.

Interpolated between the cycles on either side of the first crossing that three consecutive cycles confirm, without any
law. `interlayer.analysis.cycling.capacity_fade` gives the same for the law that the data support: with an interval that
averages the scatter, in cycles after the reference. Where both disagree, the law or the confirmation is at fault.
"""

from __future__ import annotations

import math

import numpy as np

from ...quantity import Quantity
from ...statistics import coverage_factor, weighted_median
from ..record.halves import Halves
from ..record.intervals import Booleans, Floats
from .summary import Cycles
from .valued import Valued

FRACTIONS = (0.95, 0.90, 0.80)
"""Parts of the reference capacity that are asked for."""

CONSECUTIVE = 3
"""Cycles in a row that must lie below: one low cycle is an event, no end of life."""

_OTHER_CURRENT = 0.2  # relative difference from the usual current: another rate
_BESIDE = 10  # cycles on either side of a crossing that tell its slope
_OF_MEDIAN = 0.3  # degrees of freedom of a scatter that a median of differences tells, per difference
_JUMP = 5.0  # times the scatter: a fall between two cycles that is no scatter


def at_usual_current(current: Floats, capacity: Floats) -> Booleans:
    """Return which cycles ran at the current that passed most of the charge.

    A smaller current takes no capacity away. So a cycle at a smaller current counts, too, if it gave less than the last
    one at the usual current: half cycles of a dying cell are too short for their set point.

    Parameters
    ----------
    current, capacity : ndarray, shape (n,)
        Of consecutive cycles, in A and A h.
    """
    ratio = current / weighted_median(current, capacity)
    usual = np.abs(ratio - 1.0) <= _OTHER_CURRENT
    last = np.maximum.accumulate(np.where(usual, np.arange(usual.size), -1))
    return np.asarray(usual | ((ratio < 1.0) & (last >= 0) & (capacity < capacity[last])))


def cycles_below(halves: Halves, cycles: Cycles, reference_cycle: int) -> list[Valued]:
    """Return ``cycle_below_95_percent`` and so on, as numbers of cycles; a lower limit where not reached.

    The capacity is 1 at the reference cycle or, if that ran at another current than most, the first after it that did
    not: what another rate takes away is no fade.

    The uncertainty is that of one capacity over the slope at the crossing: the scatter from cycle to cycle, or what is
    random in each, whichever is larger. Where the crossing lies between two cycles this is too much by a third. Gain,
    offset and mass cancel.
    """
    whole = halves.complete[cycles.second] & (cycles.number >= reference_cycle)
    number, second = cycles.number[whole], cycles.second[whole]
    usual = at_usual_current(halves.current[second], halves.charge[second])
    number, second = number[usual].astype(float), second[usual]
    retained = halves.charge[second] / halves.charge[second[0]]
    random = halves.random[second] / halves.charge[second]
    return [_below(fraction, number, retained, random) for fraction in FRACTIONS]


def first_lasting(below: Booleans) -> int | None:
    """Return the first place from which on `CONSECUTIVE` values are all true, None where there is none."""
    for place in np.flatnonzero(below[: below.size - CONSECUTIVE + 1]):
        if below[place : place + CONSECUTIVE].all():
            return int(place)
    return None


def _below(fraction: float, number: Floats, retained: Floats, random: Floats) -> Valued:
    name = f"cycle_below_{round(100 * fraction)}_percent"
    place = first_lasting(retained < fraction)
    if place is None:
        reached = float(number[np.flatnonzero(retained >= fraction)[-1]])
        return Valued(Quantity(name, reached, None, "1", relation=">", kind="measured"), {})
    fall, apart = float(retained[place - 1] - retained[place]), float(number[place] - number[place - 1])
    share = float(retained[place - 1] - fraction) / fall
    scatter = _scatter(retained)
    slope = fall / apart if fall > _JUMP * scatter else _slope(number, retained, place)
    budget = {"scatter": scatter / slope, "random": float(random[place - 1 : place + 1].max()) / slope}
    value, stderr = float(number[place - 1]) + share * apart, max(budget.values())
    half = coverage_factor(_OF_MEDIAN * (number.size - 1)) * stderr
    return Valued(Quantity(name, value, stderr, "1", (value - half, value + half), kind="measured"), budget)


def _scatter(retained: Floats) -> float:
    """Return the scatter from cycle to cycle over all cycles, from second differences: neither fade nor jumps count."""
    bend = np.abs(np.diff(retained, 2))
    return 1.4826 * float(np.median(bend)) / math.sqrt(6.0) if bend.size else 0.0


def _slope(number: Floats, retained: Floats, place: int) -> float:
    """Return the loss per cycle about a crossing."""
    part = slice(max(0, place - _BESIDE), place + _BESIDE)
    return max(-float(np.polyfit(number[part] - number[place], retained[part], 1)[0]), 1e-6)
