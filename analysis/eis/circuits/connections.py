"""Circuits in series and in parallel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .base import Circuit, Complexes, Floats, Parameter
from .elements import ConstantPhase, Resistor


@dataclass(frozen=True)
class Series:
    """Circuits in series: impedances add."""

    parts: tuple[Circuit, ...]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """See `Circuit.parameters`."""
        return tuple(parameter for part in self.parts for parameter in part.parameters)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedances, derivatives = _evaluate_parts(self.parts, omega, theta)
        return sum(impedances[1:], impedances[0]), np.concatenate(derivatives)

    def __str__(self) -> str:
        return "-".join(map(str, self.parts))


@dataclass(frozen=True)
class Parallel:
    """Circuits in parallel: admittances add."""

    parts: tuple[Circuit, ...]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """See `Circuit.parameters`."""
        return tuple(parameter for part in self.parts for parameter in part.parameters)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedances, derivatives = _evaluate_parts(self.parts, omega, theta)
        admittances = [1.0 / impedance for impedance in impedances]
        total = 1.0 / sum(admittances[1:], admittances[0])
        scaled = [d * (total * y) ** 2 for y, d in zip(admittances, derivatives, strict=True)]
        return total, np.concatenate(scaled)

    def __str__(self) -> str:
        return f"p({','.join(map(str, self.parts))})"


def arc(number: str) -> Parallel:
    """Return a resistor beside a constant-phase element of the same number, ``p(R1,CPE1)``."""
    return Parallel((Resistor(number), ConstantPhase(number)))


def _evaluate_parts(parts: Sequence[Circuit], omega: Floats, theta: Floats) -> tuple[list[Complexes], list[Complexes]]:
    impedances, derivatives, first = [], [], 0
    for part in parts:
        last = first + len(part.parameters)
        impedance, derivative = part.evaluate(omega, theta[first:last])
        impedances.append(impedance)
        derivatives.append(derivative)
        first = last
    return impedances, derivatives
