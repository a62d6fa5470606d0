r"""Elements with extent in space: diffusion, reaction while diffusing, ions in the pores of an electrode.

Written with :math:`u = \sqrt{j\omega\tau}`, each is a size times a function of u whose derivatives follow from
:math:`\tanh' = 1 - \tanh^2`.

References
----------
.. [1] Lasia, Electrochemical Impedance Spectroscopy and its Applications, Springer 2014, chapters 4 and 9.
   https://doi.org/10.1007/978-1-4614-8933-7
.. [2] Boukamp, Bouwmeester, Solid State Ionics 157 (2003) 29 (Gerischer). https://doi.org/10.1016/S0167-2738(02)00185-6
.. [3] Landesfeind et al., J. Electrochem. Soc. 163 (2016) A1373, equation 11. https://doi.org/10.1149/2.1141607jes
.. [4] Paasch, Micka, Gersdorf, Electrochim. Acta 38 (1993) 2653. https://doi.org/10.1016/0013-4686(93)85083-B
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import EXPONENT, RESISTANCE, TIME, Complexes, Element, Floats, Parameter, exponent

_LARGE = 300.0  # real part above which sinh is beyond double precision and its inverse is 0


class Warburg(Element):
    r"""Diffusion without end, :math:`Z = A (1 - j) / \sqrt{\omega}` with A in ohm s^-1/2."""

    symbol = "W"
    terms = (Parameter("", "ohm s^-0.5", "ln"),)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedance = (1.0 - 1.0j) * (np.exp(theta[0]) / np.sqrt(omega))
        return impedance, impedance[None]


class WarburgShort(Element):
    r"""Diffusion through a layer to a reservoir, :math:`Z = R \tanh(u) / u`; R is the resistance at low frequency."""

    symbol = "Ws"
    terms = (RESISTANCE, TIME)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        u = _root(omega, theta[1])
        resistance, tanh = np.exp(theta[0]), np.tanh(u)
        impedance = resistance * tanh / u
        return impedance, np.stack([impedance, 0.5 * (resistance * (1.0 - tanh**2) - impedance)])


class WarburgOpen(Element):
    r"""Diffusion into a layer with a blocked end, :math:`Z = R \coth(u) / u`: a resistance R/3, a capacitance tau/R."""

    symbol = "Wo"
    terms = (RESISTANCE, TIME)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        impedance, by_ln_square = _blocked(np.exp(theta[0]), _root(omega, theta[1]))
        return impedance, np.stack([impedance, by_ln_square])


class Gerischer(Element):
    r"""Diffusion of a species that reacts, :math:`Z = R / \sqrt{1 + j\omega\tau}`."""

    symbol = "G"
    terms = (RESISTANCE, TIME)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        x = 1j * (omega * np.exp(theta[1]))
        impedance = np.exp(theta[0]) / np.sqrt(1.0 + x)
        return impedance, np.stack([impedance, -0.5 * impedance * x / (1.0 + x)])


class FiniteGerischer(Element):
    r"""Gerischer element of finite length, :math:`Z = R / (s \tanh(\varphi s))`, :math:`s = \sqrt{1 + j\omega\tau}`."""

    symbol = "Gs"
    terms = (RESISTANCE, TIME, Parameter("_phi", "1", "ln"))

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        x = 1j * (omega * np.exp(theta[1]))
        phi, s = np.exp(theta[2]), np.sqrt(1.0 + x)
        tanh = np.tanh(phi * s)
        impedance = np.exp(theta[0]) / (s * tanh)
        bend = phi * s * (1.0 - tanh**2) / tanh
        return impedance, np.stack([impedance, -0.5 * impedance * x / (1.0 + x) * (1.0 + bend), -impedance * bend])


class TransmissionLine(Element):
    r"""Pores with blocking walls, :math:`Z = R \coth(a) / a`, :math:`a = \sqrt{R Q (j\omega)^n}`.

    R is the resistance of the ions along the pores, Q and n the constant-phase element of their walls. R/3 is what a
    spectrum shows at low frequency.
    """

    symbol = "TLMQ"
    terms = (RESISTANCE, Parameter("_Q", "S s^n", "ln"), EXPONENT)

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        n = exponent(theta[2])
        ln_jomega = np.log(omega) + 0.5j * np.pi
        a = np.exp(0.5 * (theta[0] + theta[1] + n * ln_jomega))
        impedance, by_ln_square = _blocked(np.exp(theta[0]), a)
        return impedance, np.stack([impedance + by_ln_square, by_ln_square, by_ln_square * ln_jomega * (n * (1.0 - n))])


class PorousElectrode(Element):
    r"""Pores in a conducting matrix with a reaction on their walls.

    :math:`Z = A \coth(\beta)/\beta + B / (\beta \sinh\beta)`, :math:`\beta = \sqrt{a + j\omega b}`; A and B hold the
    resistances of the two phases, a the reaction, b the double layer.
    """

    symbol = "T"
    terms = (
        Parameter("_A", "ohm", "ln"),
        Parameter("_B", "ohm", "ln"),
        Parameter("_a", "1", "ln"),
        Parameter("_b", "s", "ln"),
    )

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        wall, layer = np.exp(theta[2]), 1j * (omega * np.exp(theta[3]))
        square = wall + layer
        beta = np.sqrt(square)
        coth = 1.0 / np.tanh(beta)
        inverse_sinh = np.where(beta.real < _LARGE, 1.0 / np.sinh(np.where(beta.real < _LARGE, beta, 1.0)), 0.0)
        first = np.exp(theta[0]) * coth / beta
        second = np.exp(theta[1]) * inverse_sinh / beta
        slope = -np.exp(theta[0]) * (inverse_sinh**2 + coth / beta) / beta - second * (coth + 1.0 / beta)
        by_square = 0.5 * slope / beta
        return first + second, np.stack([first, second, by_square * wall, by_square * layer])


def _root(omega: Floats, ln_tau: Any) -> Complexes:
    """Return the square root of j omega tau."""
    return np.asarray(np.sqrt(1j * (omega * np.exp(ln_tau))))


def _blocked(resistance: Any, u: Complexes) -> tuple[Complexes, Complexes]:
    """Return R coth(u)/u and its derivative by the logarithm of u squared."""
    coth = 1.0 / np.tanh(u)
    impedance = resistance * coth / u
    return impedance, 0.5 * (resistance * (1.0 - coth**2) - impedance)
