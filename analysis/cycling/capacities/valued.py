"""A quantity with its budget, and the 95 % interval that follows from what is normal and what is rectangular."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...quantity import Quantity
from ...statistics import half_width_95


@dataclass(frozen=True)
class Valued:
    """A quantity with its budget: standard uncertainty by source, in its unit."""

    quantity: Quantity
    budget: Mapping[str, float]


def valued(name: str, value: float, unit: str, relative: Mapping[str, float], rectangular: Collection[str]) -> Valued:
    """Return a quantity from its relative standard uncertainties by source.

    Parameters
    ----------
    name, value, unit
        Of the quantity.
    relative : mapping of str to float
        By source.
    rectangular : collection of str
        Sources of which only limits are known.
    """
    return valued_in(name, value, unit, {source: abs(value) * u for source, u in relative.items()}, rectangular)


def valued_in(name: str, value: float, unit: str, budget: Mapping[str, float], rectangular: Collection[str]) -> Valued:
    """Return a quantity from its standard uncertainties by source in its unit, otherwise as `valued`."""
    normal = math.hypot(*(u for source, u in budget.items() if source not in rectangular))
    half = half_width_95(normal, [u for source, u in budget.items() if source in rectangular])
    interval = (value - half, value + half)
    return Valued(Quantity(name, value, math.hypot(*budget.values()), unit, interval, kind="derived"), budget)
