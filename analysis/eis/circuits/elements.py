"""Elements without extent in space: resistor, inductor, capacitor, constant phase, relaxations."""

from __future__ import annotations

import numpy as np

from .base import EXPONENT, RESISTANCE, TIME, Complexes, Element, Floats, Parameter, exponent


class Resistor(Element):
    """Resistor, Z = R."""

    symbol = "R"
    terms = (Parameter("", "ohm", "ln"),)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedance = np.exp(theta[0]) + np.zeros(omega.shape, dtype=complex)
        return impedance, impedance[None]


class Inductor(Element):
    """Inductor, Z = jωL."""

    symbol = "L"
    terms = (Parameter("", "H", "ln"),)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedance = 1j * (omega * np.exp(theta[0]))
        return impedance, impedance[None]


class ModifiedInductor(Element):
    """Inductor with losses, Z = L (jω)^n with L in H s^(n-1) and n between 0 and 1."""

    symbol = "La"
    terms = (Parameter("_L", "H s^(n-1)", "ln"), EXPONENT)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        n = exponent(theta[1])
        ln_jomega = np.log(omega) + 0.5j * np.pi
        impedance = np.exp(theta[0] + n * ln_jomega)
        return impedance, np.stack([impedance, impedance * ln_jomega * (n * (1.0 - n))])


class Capacitor(Element):
    """Capacitor, Z = 1/(jωC)."""

    symbol = "C"
    terms = (Parameter("", "F", "ln"),)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedance = -1j / (omega * np.exp(theta[0]))
        return impedance, -impedance[None]


class ConstantPhase(Element):
    r"""Constant-phase element, :math:`Z = 1 / (Q (j\omega)^n)` with Q in S s^n and n between 0 and 1."""

    symbol = "CPE"
    terms = (Parameter("_Q", "S s^n", "ln"), EXPONENT)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        n = exponent(theta[1])
        ln_jomega = np.log(omega) + 0.5j * np.pi
        impedance = np.exp(-theta[0] - n * ln_jomega)
        derivatives = np.empty((2, *impedance.shape), dtype=complex)
        np.negative(impedance, out=derivatives[0])
        np.multiply(impedance, ln_jomega * (n * (n - 1.0)), out=derivatives[1])
        return impedance, derivatives


class Relaxation(Element):
    r"""One relaxation, :math:`Z = R / (1 + j\omega\tau)`: a resistor beside a capacitor."""

    symbol = "K"
    terms = (RESISTANCE, TIME)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        x = 1j * (omega * np.exp(theta[1]))
        impedance = np.exp(theta[0]) / (1.0 + x)
        return impedance, np.stack([impedance, -impedance * x / (1.0 + x)])


class Zarc(Element):
    r"""Depressed arc by its time constant, :math:`Z = R / (1 + (j\omega\tau)^n)` (Cole-Cole)."""

    symbol = "Zarc"
    terms = (RESISTANCE, TIME, EXPONENT)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        n = exponent(theta[2])
        ln_x = np.log(omega) + theta[1] + 0.5j * np.pi
        x = np.exp(n * ln_x)
        impedance = np.exp(theta[0]) / (1.0 + x)
        fall = -impedance * x / (1.0 + x)
        return impedance, np.stack([impedance, n * fall, fall * ln_x * (n * (1.0 - n))])
