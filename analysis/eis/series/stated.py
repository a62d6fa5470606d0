"""What users state of several samples or temperatures: one unit, no limits, and what is each one's own uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...errors import NotAnalysable
from ...quantity import Quantity
from ..circuits import Floats


def own_spread(stated: Sequence[Quantity], shared: float) -> Floats:
    """Return standard uncertainties less the part of `shared` times the value, which all share; 0 where none is stated.

    Raises
    ------
    NotAnalysable
        If a whole uncertainty is below the shared part.
    """
    if not (math.isfinite(shared) and shared >= 0):
        raise ValueError(f"the shared relative uncertainty is {shared}; expected a number >= 0")
    found = np.zeros(len(stated))
    for place, quantity in enumerate(stated):
        if quantity.stderr is None:
            continue
        part = shared * quantity.value
        own = quantity.stderr**2 - part**2
        if own < -1e-9 * part**2:
            raise NotAnalysable(
                f"{quantity} is stated to {100 * quantity.relative:.2g} %, better than the {100 * shared:.2g} % that "
                "all are said to share; state whole uncertainties, the shared part in them"
            )
        found[place] = math.sqrt(own) if own > 1e-9 * part**2 else 0.0
    return found


def own_relative(stated: Sequence[Quantity], shared: float) -> Floats:
    """Return what `own_spread` does, relative to the values, which are above 0."""
    return np.asarray(own_spread(stated, shared) / np.array([quantity.value for quantity in stated]))


def checked(stated: Sequence[Quantity], unit: str) -> list[Quantity]:
    """Return the quantities in one unit; `NotAnalysable` for a limit, `UnitError` for another dimension."""
    for quantity in stated:
        if quantity.relation != "=":
            raise NotAnalysable(f"{quantity} is a limit; leave it out or measure it where it is resolved")
    return [quantity.to(unit) for quantity in stated]
