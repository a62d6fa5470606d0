"""From fitted parameters to quantities: first-order propagation of logarithms through fit, thickness and area."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..quantity import Quantity
from ..statistics import coverage_factor, effective_degrees_of_freedom, positive_interval
from .circuit import Floats
from .fit import CircuitFit


@dataclass(frozen=True)
class Geometry:
    """Thickness in cm and area in cm2, with relative standard uncertainties."""

    thickness: float
    area: float
    thickness_relative: float
    area_relative: float
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, thickness: Quantity, area: Quantity) -> Geometry:
        """Convert what is stated; `ValueError` when one is not above zero, `UnitError` for another dimension."""
        for stated in (thickness, area):
            if stated.value <= 0:
                raise ValueError(f"found {stated}; expected a value above 0")
        notes = tuple(
            f"the {stated.name} is stated without uncertainty, so none of it is in the result"
            for stated in (thickness, area)
            if stated.stderr is None
        )
        d, a = thickness.to("cm"), area.to("cm2")
        return cls(d.value, a.value, d.relative, a.relative, notes)


@dataclass(frozen=True)
class LogValue:
    """Logarithm of a positive value, with its derivatives by the fit's parameters, ln(thickness) and ln(area)."""

    logarithm: float
    by_fit: Floats
    unit: str
    by_thickness: float = 0.0
    by_area: float = 0.0


@dataclass(frozen=True)
class Propagated:
    """Quantities with what belongs to them in a `Result`."""

    quantities: tuple[Quantity, ...]
    correlation: tuple[tuple[float, ...], ...]
    budget: Mapping[str, Mapping[str, float]]


def propagate(values: Mapping[str, LogValue], found: CircuitFit, geometry: Geometry | None) -> Propagated:
    """Return quantities with standard uncertainty, 95 % interval, correlation and budget.

    Degrees of freedom of the fit enter the intervals by Welch-Satterthwaite; thickness and area count as known
    beforehand. Above 10 % the interval is log-normal.
    """
    covariance = np.where(np.isfinite(found.covariance), found.covariance, 0.0)
    known = (geometry.thickness_relative, geometry.area_relative) if geometry else (0.0, 0.0)
    by_fit = np.array([value.by_fit for value in values.values()])
    by_geometry = np.array([[v.by_thickness * known[0], v.by_area * known[1]] for v in values.values()])
    of_fit = by_fit @ covariance @ by_fit.T
    joint = of_fit + by_geometry @ by_geometry.T
    quantities, budget = [], {}
    for place, (name, value) in enumerate(values.items()):
        number = math.exp(value.logarithm)
        parts = dict(
            zip(("fit", "thickness", "area"), (math.sqrt(of_fit[place, place]), *by_geometry[place]), strict=True)
        )
        relative = math.sqrt(joint[place, place])
        sources = [
            (parts["fit"], float(found.degrees_of_freedom)),
            (parts["thickness"], math.inf),
            (parts["area"], math.inf),
        ]
        interval = positive_interval(number, relative, coverage_factor(effective_degrees_of_freedom(sources)))
        quantities.append(Quantity(name, number, number * relative, value.unit, interval, kind="fit"))
        budget[name] = {source: float(number * abs(part)) for source, part in parts.items() if part or source == "fit"}
    size = np.sqrt(np.diag(joint))
    size = np.where(size > 0, size, 1.0)
    correlation = tuple(tuple(map(float, row)) for row in joint / np.outer(size, size))
    return Propagated(tuple(quantities), correlation, budget)
