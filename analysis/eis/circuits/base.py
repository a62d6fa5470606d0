r"""What a circuit is: parameters on scales where they cannot leave their domain, and impedance with derivatives.

Resistances, inductances, capacitances, times and CPE coefficients are fitted by their natural logarithm, exponents by
their logit. On these scales a bulk arc of some pF and an electrode of some µF are equally easy, and standard
uncertainties of logarithms are relative uncertainties.

A circuit is anything with `parameters` and ``evaluate(omega, theta)``; an element is one small class. Parameters come
first in `theta` and in the derivatives, so that one call serves one spectrum, theta (p,), and a batch, theta (p, S, 1).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complexfloating[Any, Any]]

RANGE = 80.0
"""Largest size of a parameter on the scale of the fit: e^80 is beyond physics, and exp does not overflow."""


NEXT_TO_THE_END = 14.0
"""Largest logit that a fit ends with, one part in a million from the end of the domain."""

_SMALLEST, _NEXT_TO = math.exp(-RANGE), 1e-12

FAR = 50.0
"""Number of e-folds over which a parameter without any effect is told from one with a small effect."""


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
        theta = min(max(theta, -RANGE), RANGE)
        return float(np.exp(theta)) if self.scale == "ln" else float(1.0 / (1.0 + np.exp(-theta)))

    def fitted(self, value: float) -> float:
        """Return the value on the scale of the fit from the value in `unit`, kept next to the ends of its domain."""
        if self.scale == "ln":
            return math.log(max(value, _SMALLEST))
        value = min(max(value, _NEXT_TO), 1.0 - _NEXT_TO)
        return math.log(value / (1.0 - value))

    def slope(self, value: float) -> float:
        """Return the derivative of the value in `unit` by the value on the scale of the fit."""
        return value if self.scale == "ln" else value * (1.0 - value)

    def inside(self, theta: float) -> float:
        """Return a value on the scale of the fit kept where it still tells values apart.

        An exponent that runs to 1 ends next to it, where the impedance is the same and still has a slope.
        """
        end = RANGE if self.scale == "ln" else NEXT_TO_THE_END
        return min(max(theta, -end), end)

    def reach(self, theta: float) -> float:
        """Return how far a parameter can go on the scale of the fit, to first order.

        A resistance or an inductance that has run to zero can still come back: what it correlates with is less certain
        for it, however small it is.
        """
        if self.scale == "logit":
            share = self.natural(theta)
            return 1.0 / (share * (1.0 - share))
        return math.inf if self.unit in ("ohm", "H") else FAR


class Circuit(Protocol):
    """What a fit needs to know of an element or a connection of elements."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in the order of `theta`."""

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """Return impedance and derivatives.

        Parameters
        ----------
        omega : ndarray, shape (n,) or (S, n)
            Angular frequency in s-1.
        theta : ndarray, shape (p,) or (p, S, 1)
            Parameters on the scale of the fit, of one spectrum or of S spectra; within `RANGE`.

        Returns
        -------
        impedance : ndarray, shape (n,) or (S, n)
            In ohm, Z' + jZ''.
        derivatives : ndarray, shape (p, n) or (p, S, n)
            Of the impedance by each element of `theta`.
        """


@dataclass(frozen=True)
class Element(ABC):
    """One element with its number in the circuit, ``Resistor("1")`` being R1.

    A new element is a subclass with `symbol`, `terms` and `evaluate`, listed in
    `interlayer.analysis.eis.circuits.grammar.ELEMENTS`.
    """

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

    @abstractmethod
    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""

    def __str__(self) -> str:
        return self.label


RESISTANCE = Parameter("_R", "ohm", "ln")
TIME = Parameter("_tau", "s", "ln")
EXPONENT = Parameter("_n", "1", "logit")


def exponent(theta: Any) -> Any:
    """Return exponents between 0 and 1 from their logits."""
    return 1.0 / (1.0 + np.exp(-theta))
