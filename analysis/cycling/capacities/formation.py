"""How many cycles at the start form the cell: as stated, or as the currents tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..record.halves import Halves
from ..record.intervals import Integers
from .summary import Cycles

SAME_RATE = 0.02
"""Relative difference of currents that no protocol means as two rates."""

_WITHIN = 10  # first cycles among which a formation ends
_HELD = 3  # cycles, at least, that the rate after it lasts
_SIGMAS = 3.0  # of the scatter within the half cycles: what the current of one rate may differ by


@dataclass(frozen=True)
class Formation:
    """Number of formation cycles, and how it was found as a sentence."""

    cycles: int
    how: str


def formation_of(halves: Halves, cycles: Cycles, stated: int | None) -> Formation:
    """Return the formation as stated, else as the currents of the first cycles tell.

    A formation ends with the last change of the current, in either direction, after one of the first ten cycles, if
    the current after it lasts for at least three cycles and as many as the formation. A rate test, whose blocks are of
    one length, has none.

    Parameters
    ----------
    halves : Halves
        Of the record.
    cycles : Cycles
        Of the same record.
    stated : int, optional
        Number of cycles.

    Raises
    ------
    ValueError
        If it is below 0.
    """
    if stated is not None:
        if stated < 0:
            raise ValueError(f"found {stated} formation cycles; expected 0 or more")
        return Formation(
            stated, f"formation: the first {stated} cycles, as stated" if stated else "no formation, as stated"
        )
    currents = np.stack([halves.current[cycles.first], halves.current[cycles.second]], axis=1)
    changes = 1 + np.flatnonzero(np.any(np.abs(np.diff(np.log(currents), axis=0)) > rate_tolerance(halves), axis=1))
    early = changes[changes <= _WITHIN]
    none = Formation(0, "no formation found: the current does not change for good within the first ten cycles")
    if early.size == 0:
        return none
    last = int(early[-1])
    later = changes[changes > last]
    lasts = (int(later[0]) if later.size else cycles.number.size) - last
    if lasts < max(_HELD, last):
        return none
    number = int(cycles.number[last]) - 1
    before, after = currents[last - 1], currents[last]
    side = int(np.argmax(np.abs(np.log(after / before))))
    how = (
        f"formation: the first {number} cycles, found from a change of the current from {before[side]:.3g} to "
        f"{after[side]:.3g} A after cycle {number}"
    )
    return Formation(number, how)


def rate_tolerance(halves: Halves, chosen: Integers | slice = slice(None)) -> float:
    """Return the relative difference of currents that still is one rate: noise and digits of the current allow more."""
    current, scatter = halves.current[chosen], halves.current_scatter[chosen]
    if current.size == 0:
        return SAME_RATE
    return max(SAME_RATE, _SIGMAS * float(np.median(scatter)), halves.resolution / float(current.min()))
