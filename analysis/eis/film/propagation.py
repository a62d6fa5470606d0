"""From fitted parameters to quantities: first-order propagation of logarithms through fit and geometry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...quantity import Quantity
from ...statistics import coverage_factor, effective_degrees_of_freedom, positive_interval
from ..circuits import Floats
from ..fitting.fit import CircuitFit

VACUUM_PERMITTIVITY = 8.8541878188e-14
"""In F cm-1, CODATA 2022. https://doi.org/10.1103/RevModPhys.97.025002"""


@dataclass(frozen=True)
class Geometry:
    """What turns a resistance into a conductivity: the cell constant, and how it follows from stated lengths.

    Parameters
    ----------
    cell_constant : float
        Conductivity times resistance in cm-1.
    powers : mapping of str to float
        Derivative of ln(cell constant) by the logarithm of each stated fact, by its name.
    relative : mapping of str to float
        Relative standard uncertainty of each fact.
    vacuum_capacitance : float
        Of the empty cell in F, against which a capacitance is a relative permittivity.
    area : float or None
        Of the electrodes in cm2, by the name ``"area"`` in `relative`; None where the current does not cross an area.
    notes : tuple of str
        What the reader must know of it.
    """

    cell_constant: float
    powers: Mapping[str, float]
    relative: Mapping[str, float]
    vacuum_capacitance: float
    area: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def spread(self) -> float:
        """Relative standard uncertainty of the cell constant."""
        return math.hypot(*(power * self.relative[name] for name, power in self.powers.items()))


def parallel_plates(thickness: Quantity, area: Quantity) -> Geometry:
    """Return the geometry of a film or pellet between electrodes of one area.

    Raises
    ------
    ValueError
        If one is not above zero.
    UnitError
        If one bears another dimension.
    """
    facts = {"thickness": thickness, "area": area}
    notes = check_stated(facts)
    d, a = thickness.to("cm").value, area.to("cm2").value
    return Geometry(
        cell_constant=d / a,
        powers={"thickness": 1.0, "area": -1.0},
        relative={name: stated.relative for name, stated in facts.items()},
        vacuum_capacitance=VACUUM_PERMITTIVITY * a / d,
        area=a,
        notes=notes,
    )


def check_stated(facts: Mapping[str, Quantity]) -> tuple[str, ...]:
    """Return a note for each fact without uncertainty; `ValueError` when one is not above zero or is a limit."""
    for stated in facts.values():
        if stated.value <= 0 or stated.relation != "=":
            raise ValueError(f"found {stated}; expected a value above 0")
    return tuple(
        f"the {name.replace('_', ' ')} is stated without uncertainty, so none of it is in the result"
        for name, stated in facts.items()
        if stated.stderr is None
    )


@dataclass(frozen=True)
class LogValue:
    """Logarithm of a positive value, with its derivatives by the fit's parameters and by the logarithms of facts."""

    logarithm: float
    by_fit: Floats
    unit: str
    by_facts: Mapping[str, float] = field(default_factory=dict)

    def times(self, factor: float, unit: str, powers: Mapping[str, float], *, power: float = 1.0) -> LogValue:
        """Return ``factor * value**power``, where the factor depends on facts with these powers."""
        facts = {
            name: power * self.by_facts.get(name, 0.0) + powers.get(name, 0.0) for name in {**self.by_facts, **powers}
        }
        return LogValue(math.log(factor) + power * self.logarithm, power * self.by_fit, unit, facts)


def resistor(found: CircuitFit, name: str) -> LogValue:
    """Return a resistance of the circuit."""
    place = found.index(name)
    return LogValue(float(found.theta[place]), np.eye(found.theta.size)[place], "ohm")


def relaxation_time(found: CircuitFit, number: int) -> LogValue:
    """Return the relaxation time (R Q)^(1/n) of the arc of a resistor and a constant-phase element."""
    r, q, e = (found.index(name.format(number)) for name in ("R{}", "CPE{}_Q", "CPE{}_n"))
    n = found.value(f"CPE{number}_n")
    ln_tau = float(found.theta[r] + found.theta[q]) / n
    derivatives = np.zeros(found.theta.size)
    derivatives[[r, q, e]] = 1.0 / n, 1.0 / n, -ln_tau * (1.0 - n)
    return LogValue(ln_tau, derivatives, "s")


def total(parts: list[LogValue]) -> LogValue:
    """Return the sum of values of one unit that depend on the fit alone."""
    logarithms = np.array([part.logarithm for part in parts])
    largest = float(logarithms.max())
    sizes = np.exp(logarithms - largest)
    share = sizes / sizes.sum()
    return LogValue(largest + math.log(sizes.sum()), share @ np.array([part.by_fit for part in parts]), parts[0].unit)


@dataclass(frozen=True)
class Propagated:
    """Quantities with what belongs to them in a `Result`."""

    quantities: tuple[Quantity, ...]
    correlation: tuple[tuple[float, ...], ...]
    budget: Mapping[str, Mapping[str, float]]


def propagate(values: Mapping[str, LogValue], found: CircuitFit, known: Mapping[str, float]) -> Propagated:
    """Return quantities with standard uncertainty, 95 % interval, correlation and budget.

    Degrees of freedom of the fit enter the intervals by Welch-Satterthwaite; facts count as known beforehand. Above
    10 % the interval is log-normal.

    Parameters
    ----------
    values : mapping of str to LogValue
        By the name of the quantity.
    found : CircuitFit
        On whose parameters they depend.
    known : mapping of str to float
        Relative standard uncertainty of each fact that they depend on.
    """
    covariance = np.where(np.isfinite(found.covariance), found.covariance, 0.0)
    by_fit = np.array([value.by_fit for value in values.values()])
    by_facts = np.array([[v.by_facts.get(name, 0.0) * u for name, u in known.items()] for v in values.values()])
    of_fit = by_fit @ covariance @ by_fit.T
    joint = of_fit + by_facts @ by_facts.T
    quantities, budget = [], {}
    for place, (name, value) in enumerate(values.items()):
        number, relative = math.exp(value.logarithm), math.sqrt(joint[place, place])
        parts = {"fit": math.sqrt(of_fit[place, place])} | {
            fact: abs(float(part)) for fact, part in zip(known, by_facts[place], strict=True)
        }
        degrees = [float(found.degrees_of_freedom), *[math.inf] * len(known)]
        factor = coverage_factor(effective_degrees_of_freedom(zip(parts.values(), degrees, strict=True)))
        interval = positive_interval(number, relative, factor)
        quantities.append(Quantity(name, number, number * relative, value.unit, interval, kind="fit"))
        budget[name] = {source: number * part for source, part in parts.items() if part or source == "fit"}
    size = np.sqrt(np.diag(joint))
    size = np.where(size > 0, size, 1.0)
    correlation = tuple(tuple(map(float, row)) for row in joint / np.outer(size, size))
    return Propagated(tuple(quantities), correlation, budget)
