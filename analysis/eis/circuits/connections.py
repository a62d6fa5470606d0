"""Circuits in series and in parallel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .base import Circuit, Complexes, Floats, Parameter
from .elements import ConstantPhase, Resistor


@dataclass(frozen=True)
class _Connection:
    """Circuits that are connected one way or the other."""

    parts: tuple[Circuit, ...]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """See `Circuit.parameters`."""
        return tuple(parameter for part in self.parts for parameter in part.parameters)

    def _evaluated(self, omega: Floats, theta: Floats) -> tuple[list[Complexes], list[Complexes]]:
        """Return impedance and derivatives of each part."""
        impedances, derivatives, first = [], [], 0
        for part in self.parts:
            last = first + len(part.parameters)
            impedance, derivative = part.evaluate(omega, theta[first:last])
            impedances.append(impedance)
            derivatives.append(derivative)
            first = last
        return impedances, derivatives


class Series(_Connection):
    """Circuits in series: impedances add."""

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedances, derivatives = self._evaluated(omega, theta)
        return sum(impedances[1:], impedances[0]), np.concatenate(derivatives)

    def __str__(self) -> str:
        return "-".join(map(str, self.parts))


class Parallel(_Connection):
    """Circuits in parallel: admittances add."""

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedances, derivatives = self._evaluated(omega, theta)
        admittances = [1.0 / impedance for impedance in impedances]
        total = 1.0 / sum(admittances[1:], admittances[0])
        scaled = [d * (total * y) ** 2 for y, d in zip(admittances, derivatives, strict=True)]
        return total, np.concatenate(scaled)

    def __str__(self) -> str:
        return f"p({','.join(map(str, self.parts))})"


def arc(number: str) -> Parallel:
    """Return a resistor beside a constant-phase element of the same number, ``p(R1,CPE1)``."""
    return Parallel((Resistor(number), ConstantPhase(number)))
