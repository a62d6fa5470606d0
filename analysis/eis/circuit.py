r"""Equivalent circuits: elements, series and parallel connection, impedance with analytic derivatives.

Every parameter is fitted on a scale where it cannot leave its domain: resistances, inductances, capacitances and CPE
coefficients by their natural logarithm, CPE exponents by their logit. On these scales a bulk arc of some pF and an
electrode of some µF are equally easy, and standard uncertainties of logarithms are relative uncertainties.

A circuit is anything with `parameters` and ``evaluate(omega, theta)``; an element is one small class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complexfloating[Any, Any]]

_RANGE = 80.0  # e^80 of anything is beyond physics; keeps exp from overflowing on a wild step


@dataclass(frozen=True)
class Parameter:
    """One parameter of a circuit: name such as ``CPE1_Q``, unit, and the scale it is fitted on."""

    name: str
    unit: str
    scale: Literal["ln", "logit"]

    @property
    def fitted_name(self) -> str:
        """Name on the scale of the fit, for example ``ln_CPE1_Q``."""
        return f"{self.scale}_{self.name}"

    def natural(self, theta: float) -> float:
        """Return the value in `unit` from the value on the scale of the fit."""
        theta = min(max(theta, -_RANGE), _RANGE)
        return float(np.exp(theta)) if self.scale == "ln" else float(1.0 / (1.0 + np.exp(-theta)))

    def fitted(self, value: float) -> float:
        """Return the value on the scale of the fit from the value in `unit`."""
        return float(np.log(value)) if self.scale == "ln" else float(np.log(value / (1.0 - value)))


class Circuit(Protocol):
    """What a fit needs to know of an element or a connection of elements."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in the order of `theta`."""

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """Return impedance and derivatives.

        Parameters
        ----------
        omega : ndarray, shape (n,)
            Angular frequency in s-1.
        theta : ndarray, shape (p,)
            Parameters on the scale of the fit.

        Returns
        -------
        impedance : ndarray, shape (n,)
            In ohm, Z' + jZ''.
        derivatives : ndarray, shape (p, n)
            Of the impedance by each element of `theta`.
        """


@dataclass(frozen=True)
class Element:
    """One element with its number in the circuit, ``Resistor("1")`` being R1."""

    number: str = ""
    symbol: ClassVar[str] = ""
    terms: ClassVar[tuple[Parameter, ...]] = ()

    @property
    def label(self) -> str:
        """Symbol and number, for example ``CPE2``."""
        return f"{self.symbol}{self.number}"

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """See `Circuit.parameters`."""
        return tuple(Parameter(f"{self.label}{term.name}", term.unit, term.scale) for term in self.terms)

    def __str__(self) -> str:
        return self.label


class Resistor(Element):
    """Resistor, Z = R."""

    symbol = "R"
    terms = (Parameter("", "ohm", "ln"),)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedance = np.full(omega.size, _exp(theta[0]), dtype=complex)
        return impedance, impedance[None]


class Inductor(Element):
    """Inductor, Z = jωL."""

    symbol = "L"
    terms = (Parameter("", "H", "ln"),)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedance = 1j * omega * _exp(theta[0])
        return impedance, impedance[None]


class Capacitor(Element):
    """Capacitor, Z = 1/(jωC)."""

    symbol = "C"
    terms = (Parameter("", "F", "ln"),)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedance = 1.0 / (1j * omega * _exp(theta[0]))
        return impedance, -impedance[None]


class ConstantPhase(Element):
    r"""Constant-phase element, :math:`Z = 1 / (Q (j\omega)^n)` with Q in S s^n and n between 0 and 1."""

    symbol = "CPE"
    terms = (Parameter("_Q", "S s^n", "ln"), Parameter("_n", "1", "logit"))

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        n = 1.0 / (1.0 + _exp(-theta[1]))
        ln_jomega = np.log(omega) + 0.5j * np.pi
        impedance = np.exp(-np.clip(theta[0], -_RANGE, _RANGE) - n * ln_jomega)
        derivatives = np.empty((2, omega.size), dtype=complex)
        derivatives[0] = -impedance
        derivatives[1] = impedance * ln_jomega * (n * (n - 1.0))
        return impedance, derivatives


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


def _exp(theta: float) -> float:
    return float(np.exp(min(max(theta, -_RANGE), _RANGE)))
