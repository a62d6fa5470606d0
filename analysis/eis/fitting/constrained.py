"""A circuit with some parameters held and some kept between bounds, as lmfit states them.

A bounded parameter is fitted by the logit of its place between the bounds, so that no step can leave them and the same
descent serves every circuit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..circuits import NEXT_TO_THE_END, RANGE, Circuit, Complexes, Floats, Parameter

if TYPE_CHECKING:
    import lmfit

AT_BOUND = 0.0025
"""Share of the way between the bounds, on the scale of the fit, that counts as being at one."""

_START_INSIDE = 0.02


@dataclass(frozen=True)
class Bounded(Parameter):
    """A parameter between two bounds, `lower` and `upper` on the scale of the unbounded one."""

    lower: float = -RANGE
    upper: float = RANGE

    @property
    def fitted_name(self) -> str:
        """See `Parameter.fitted_name`."""
        return f"bounded_{self.name}"

    def natural(self, theta: float) -> float:
        """See `Parameter.natural`."""
        return super().natural(self.lower + (self.upper - self.lower) * _sigmoid(theta))

    def fitted(self, value: float) -> float:
        """See `Parameter.fitted`; a value outside starts just inside."""
        place = (super().fitted(value) - self.lower) / (self.upper - self.lower)
        place = min(max(place, _START_INSIDE), 1.0 - _START_INSIDE)
        return math.log(place / (1.0 - place))

    def slope(self, value: float) -> float:
        """See `Parameter.slope`."""
        place = (super().fitted(value) - self.lower) / (self.upper - self.lower)
        return super().slope(value) * (self.upper - self.lower) * place * (1.0 - place)

    def inside(self, theta: float) -> float:
        """See `Parameter.inside`."""
        return min(max(theta, -NEXT_TO_THE_END), NEXT_TO_THE_END)

    def reach(self, theta: float) -> float:
        """See `Parameter.reach`."""
        share = _sigmoid(theta)
        return 1.0 / (share * (1.0 - share))

    def is_at_bound(self, theta: float) -> bool:
        """Return whether a value on the scale of the fit lies at one of the bounds."""
        place = _sigmoid(theta)
        return min(place, 1.0 - place) < AT_BOUND


@dataclass(frozen=True)
class Constrained:
    """A circuit of which only some parameters are free.

    Parameters
    ----------
    circuit : Circuit
        With all parameters.
    held : mapping of str to float
        Values of those that are held, in their units.
    bounds : mapping of str to tuple of float
        Lowest and highest value of those that are bounded, in their units; infinite or outside the domain for none.
    """

    circuit: Circuit
    held: Mapping[str, float]
    bounds: Mapping[str, tuple[float, float]]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The free parameters, see `Circuit.parameters`."""
        return tuple(self._bounded(p) for p in self.circuit.parameters if p.name not in self.held)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        whole = np.empty((len(self.circuit.parameters), *theta.shape[1:]))
        whole[self._held_places] = self._held_theta.reshape(-1, *(1,) * (theta.ndim - 1))
        slopes = np.ones_like(theta)
        free = theta.copy()
        for place, lower, width in self._limits:
            share = 1.0 / (1.0 + np.exp(-theta[place]))
            free[place] = lower + width * share
            slopes[place] = width * share * (1.0 - share)
        whole[self._free_places] = free
        impedance, derivatives = self.circuit.evaluate(omega, whole)
        scaled = derivatives[self._free_places] * (slopes[:, None] if theta.ndim == 1 else slopes)
        return impedance, scaled

    def __str__(self) -> str:
        return str(self.circuit)

    def _bounded(self, parameter: Parameter) -> Parameter:
        low, high = self.bounds.get(parameter.name, (-math.inf, math.inf))
        top = 1.0 if parameter.scale == "logit" else math.inf
        if low <= 0.0 and high >= top:
            return parameter
        lower = parameter.fitted(low) if low > 0.0 else -RANGE
        upper = parameter.fitted(high) if high < top else RANGE
        return Bounded(parameter.name, parameter.unit, parameter.scale, lower, upper)

    @cached_property
    def _free_places(self) -> list[int]:
        return [place for place, p in enumerate(self.circuit.parameters) if p.name not in self.held]

    @cached_property
    def _held_places(self) -> list[int]:
        return [place for place, p in enumerate(self.circuit.parameters) if p.name in self.held]

    @cached_property
    def _held_theta(self) -> Floats:
        held = [self.circuit.parameters[place] for place in self._held_places]
        return np.array([p.fitted(self.held[p.name]) for p in held], dtype=float)

    @cached_property
    def _limits(self) -> list[tuple[int, float, float]]:
        return [
            (place, p.lower, p.upper - p.lower) for place, p in enumerate(self.parameters) if isinstance(p, Bounded)
        ]


def _sigmoid(theta: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(theta, -RANGE), RANGE)))


def constrain(circuit: Circuit, stated: lmfit.Parameters) -> tuple[Circuit, dict[str, float]]:
    """Return a circuit with the constraints of `lmfit.Parameters`, and the values to start from.

    Parameters
    ----------
    circuit : Circuit
        With all parameters free.
    stated : lmfit.Parameters
        In natural units, under the names of the circuit's parameters; some or all of them. ``vary=False`` holds one,
        ``min`` and ``max`` bound it. A value that was not set (infinite) is left to the data.

    Raises
    ------
    ValueError
        For a name that the circuit lacks, a value outside its domain, or an expression.
    """
    known = {parameter.name: parameter for parameter in circuit.parameters}
    held, bounds, starts = {}, {}, {}
    for name, one in stated.items():
        if name not in known:
            raise ValueError(f"found the parameter {name!r}; {circuit} has {', '.join(known)}")
        if one.expr:
            raise ValueError(f"found the expression {one.expr!r} for {name}; hold it or bound it instead")
        if math.isfinite(one.value):
            _check_domain(known[name], one.value)
            starts[name] = float(one.value)
        if not one.vary:
            if name not in starts:
                raise ValueError(f"{name} is held but has no value")
            held[name] = float(one.value)
        elif math.isfinite(one.min) or math.isfinite(one.max):
            bounds[name] = (float(one.min), float(one.max))
    constrained = Constrained(circuit, held, bounds)
    if not constrained.parameters:
        raise ValueError("every parameter is held; there is nothing to fit")
    return (constrained if held or any(isinstance(p, Bounded) for p in constrained.parameters) else circuit), starts


def _check_domain(parameter: Parameter, value: float) -> None:
    highest = 1.0 if parameter.scale == "logit" else math.inf
    if not 0.0 <= value <= highest:
        domain = "between 0 and 1" if highest == 1.0 else "0 or above"
        raise ValueError(f"found {parameter.name} = {value:g}; expected a value {domain}")
