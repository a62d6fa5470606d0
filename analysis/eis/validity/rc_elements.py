r"""Series of RC elements with fixed time constants, fitted by linear least squares.

The basis of the linear Kramers-Kronig test: resistance, inductance, capacitance and M elements
:math:`R_k/(1 + j\omega\tau_k)` whose resistances may have either sign.

References
----------
.. [1] Boukamp, J. Electrochem. Soc. 142 (1995) 1885. https://doi.org/10.1149/1.2044210
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...statistics import runs_p_value
from ..circuits import Complexes, Floats
from ..spectrum import Spectrum

OVERFIT_BELOW = 0.85
"""mu at which the elements begin to fit the noise; the value of Schönleber et al."""

SIGNIFICANT_P = 0.01
"""Probability of the F test and of the runs test below which a misfit is not by chance."""

_WIDER = 3.0  # factor by which the time constants reach beyond the window on either side
_PER_DECADE = (3.0, 3.5, 4.0, 5.0, 6.0)  # densities of time constants, tried in this order
_BETTER_BY = 2.0  # fall of AICc for which a denser series is taken; an element too many costs little here
_APART = 1.0  # elements a decade with which the parts may disagree; violations are smooth
_MOST_ELEMENTS = 0.75  # per point; keeps degrees of freedom for the noise


@dataclass(frozen=True)
class ElementFit:
    """Least-squares fit of a series of RC elements to some of the points of a spectrum.

    Parameters
    ----------
    residual : ndarray, shape (n,)
        Complex, (model - data) over the size of the point, which is its modulus or its noise.
    scaled : ndarray, shape (n,)
        The data over the same sizes.
    basis : ndarray, shape (2 n, 3 + M)
        Orthonormal: what the elements can follow, real parts above imaginary parts.
    size : ndarray, shape (n,)
        In ohm, what residuals are divided by.
    tau : ndarray, shape (M,)
        Time constants in s.
    coefficients : ndarray, shape (3 + M,)
        Sizes of the elements of `element_impedances`.
    """

    frequency: Floats
    residual: Complexes
    scaled: Complexes
    basis: Floats
    size: Floats
    tau: Floats
    coefficients: Floats

    @property
    def n_elements(self) -> int:
        """Number M of RC elements."""
        return int(self.tau.size)

    @property
    def degrees_of_freedom(self) -> int:
        """Number of real residuals less number of elements."""
        return int(2 * self.residual.size - self.coefficients.size)

    @cached_property
    def mu(self) -> float:
        """1 - sum of abs(R_k < 0) over sum of R_k >= 0."""
        resistances = self.coefficients[3:]
        positive = float(resistances[resistances >= 0].sum())
        return 1.0 + float(resistances[resistances < 0].sum()) / positive if positive > 0 else -math.inf

    @cached_property
    def _without_themselves(self) -> tuple[Floats, Floats]:
        """The covariance of a point's residual is the 2 x 2 block of one minus the projection on the basis."""
        real, imaginary = self.basis.reshape(2, -1, self.basis.shape[1])
        a, b = 1.0 - np.sum(real**2, axis=1), 1.0 - np.sum(imaginary**2, axis=1)
        c = -np.sum(real * imaginary, axis=1)
        u, v = self.residual.real, self.residual.imag
        determinant = np.maximum(a * b - c**2, 1e-12)
        return (b * u**2 - 2.0 * c * u * v + a * v**2) / determinant, a + b

    @property
    def standardised(self) -> Floats:
        """Distance of each point from what the others predict, squared, over its covariance for noise of size one."""
        return self._without_themselves[0]

    @property
    def freedom(self) -> Floats:
        """Share of each point in the degrees of freedom, shape (n,), 2 where the fit does not bend to the point."""
        return self._without_themselves[1]

    @cached_property
    def apart(self) -> Floats:
        """Orthonormal, shape (2 n, m): what the imaginary part can follow besides with m elements of its own."""
        columns = _imaginary_alone(self.frequency, self.tau, self.size)
        return orthonormal(columns - self.basis @ (self.basis.T @ columns))[0]

    @property
    def sharing(self) -> Floats:
        """How much of the noise variance of each point (column) is in each squared residual (row), shape (n, n)."""
        n = self.residual.size
        left = np.eye(2 * n) - self.basis @ self.basis.T
        return np.asarray(np.sum((left**2).reshape(2, n, 2, n), axis=(0, 2)))

    @cached_property
    def chi_square(self) -> float:
        """Sum of the squared residuals."""
        return float(np.sum(np.abs(self.residual) ** 2))

    @property
    def noise(self) -> float:
        """Standard deviation of either part of the residual, allowing for the elements."""
        return math.sqrt(self.chi_square / self.degrees_of_freedom)

    @property
    def relative_uncertainty(self) -> float:
        """Of the noise: a standard deviation is known to one part in the root of twice its degrees of freedom."""
        return 1.0 / math.sqrt(2.0 * self.degrees_of_freedom)

    @cached_property
    def aicc(self) -> float:
        """Akaike information criterion, corrected for small samples, for noise of unknown size."""
        n, k = 2 * self.residual.size, self.coefficients.size + 1
        return n * math.log(max(self.chi_square, 1e-300) / n) + 2.0 * k + 2.0 * k * (k + 1) / max(n - k - 1, 1)

    @cached_property
    def runs_p_value(self) -> float:
        """Probability of so few changes of sign by chance, of both parts."""
        return runs_p_value(self.residual.real, self.residual.imag)

    @cached_property
    def f_p_value(self) -> float:
        """Probability that common resistances alone fit so much worse by chance."""
        from scipy.special import fdtrc

        count = self.apart.shape[1]
        left = self.degrees_of_freedom - count
        explained = float(np.sum((self.apart.T @ parts(self.residual)) ** 2))
        rest = max(self.chi_square - explained, 1e-300)
        return float(fdtrc(count, left, explained / count * left / rest))

    def outlier_p_values(self) -> Floats:
        """Return the probability of each point to lie so far off by chance (externally studentised, F with 2, m)."""
        m = self.degrees_of_freedom - 2
        if m < 1:
            return np.ones(self.residual.size)
        others = np.maximum(self.chi_square - self.standardised, 1e-300) / m
        return np.asarray((1.0 + self.standardised / (m * others)) ** (-0.5 * m), dtype=float)


def element_impedances(frequency: Floats, tau: Floats, span: tuple[float, float]) -> Complexes:
    """Return the impedance of each element for a coefficient of one.

    Parameters
    ----------
    frequency : ndarray, shape (n,)
        In Hz.
    tau : ndarray, shape (M,)
        Time constants in s.
    span : tuple of float
        Lowest and highest angular frequency in s-1. An inductance is counted by its reactance at the highest, a
        capacitance by its reactance at the lowest, so that all coefficients are in ohm.

    Returns
    -------
    ndarray, shape (n, 3 + M)
        Of R, L, C and the RC elements.
    """
    s = 2j * np.pi * frequency[:, None]
    low, high = span
    return np.concatenate([np.ones_like(s), s / high, low / s, 1.0 / (1.0 + s * tau)], axis=1)


def orthonormal(columns: Floats) -> tuple[Floats, Floats]:
    """Return an orthonormal basis of columns (N, k) and the upper triangle (k, k) that makes the columns from it.

    numpy's own decomposition spends more time around LAPACK than in it on matrices as small as these.
    """
    from scipy.linalg import lapack

    factors, reflectors, _, _ = lapack.dgeqrf(columns)
    basis, _, _ = lapack.dorgqr(factors, reflectors)
    return basis, factors[: columns.shape[1]]


def fit_elements(
    frequency: Floats, impedance: Complexes, size: Floats, tau: Floats, span: tuple[float, float]
) -> ElementFit:
    """Fit elements with given time constants.

    Parameters
    ----------
    frequency, tau, span
        As for `element_impedances`.
    impedance : ndarray, shape (n,)
        In ohm.
    size : ndarray, shape (n,)
        In ohm, what each residual is divided by: the modulus, or the noise where it is known.
    """
    from scipy.linalg import lapack

    columns = parts(element_impedances(frequency, tau, span) / size[:, None])
    length = np.linalg.norm(columns, axis=0)
    scaled = impedance / size
    target = parts(scaled)
    basis, triangle = orthonormal(columns / length)
    projected = basis.T @ target
    residual = basis @ projected - target
    diagonal = np.einsum("ii->i", triangle)
    diagonal += np.where(np.abs(diagonal) < 1e-14, 1e-14, 0.0)  # equal columns: any split of their sum will do
    coefficients = lapack.dtrtrs(triangle, projected)[0] / length
    real, imaginary = residual.reshape(2, -1)
    return ElementFit(
        frequency=frequency,
        residual=real + 1j * imaginary,
        scaled=scaled,
        basis=basis,
        size=size,
        tau=tau,
        coefficients=coefficients,
    )


def parts(values: Complexes) -> Floats:
    """Return the real parts and below them the imaginary parts."""
    return np.concatenate([values.real, values.imag])


def _imaginary_alone(frequency: Floats, tau: Floats, size: Floats) -> Floats:
    """Return the imaginary part, as real columns (2 n, m), of the elements with which the parts may disagree."""
    number = max(2, min(round(_APART * math.log10(tau[-1] / tau[0])), frequency.size // 4))
    x = 2.0 * np.pi * frequency[:, None] * np.logspace(math.log10(tau[0]), math.log10(tau[-1]), number)
    imaginary = x / (1.0 + x**2) / size[:, None]
    return np.concatenate([np.zeros_like(imaginary), imaginary / np.linalg.norm(imaginary, axis=0)])


def choose_elements(spectrum: Spectrum, keep: NDArray[np.bool_], noise: Floats | None = None) -> ElementFit:
    """Fit the series with as many elements as the points in `keep`, shape (n,), want.

    Their number grows from three a decade until `mu` falls below 0.85, the residuals have no trend and a denser series
    is no better. Residuals are divided by the modulus, or by `noise`, shape (n,), in ohm.
    """
    size = np.abs(spectrum.impedance) if noise is None else noise
    tried: list[ElementFit] = []
    for tau in _grids(spectrum, keep):
        found = fit_elements(spectrum.frequency[keep], spectrum.impedance[keep], size[keep], tau, _span(spectrum))
        if tried and _is_enough(tried[-1]) and tried[-1].aicc < found.aicc + _BETTER_BY:
            return tried[-1]
        tried.append(found)
    return tried[-1] if _is_enough(tried[-1]) else min(tried, key=lambda fit: fit.aicc)


def sparsest_elements(spectrum: Spectrum, keep: NDArray[np.bool_]) -> ElementFit:
    """Fit the series with the fewest elements, which follow noise that is loud in one place the least."""
    frequency, impedance = spectrum.frequency[keep], spectrum.impedance[keep]
    return fit_elements(frequency, impedance, np.abs(impedance), next(_grids(spectrum, keep)), _span(spectrum))


def _span(spectrum: Spectrum) -> tuple[float, float]:
    return float(spectrum.omega[-1]), float(spectrum.omega[0])


def _grids(spectrum: Spectrum, keep: NDArray[np.bool_]) -> Iterator[Floats]:
    """Yield the time constants that are tried, the fewest first."""
    low, high = _span(spectrum)
    first, last = math.log10(1.0 / (_WIDER * high)), math.log10(_WIDER / low)
    distinct = 1 + np.count_nonzero(np.diff(spectrum.frequency[keep]))
    most = max(2, int(_MOST_ELEMENTS * distinct) - 2)
    for number in sorted({max(2, min(most, round(density * (last - first)))) for density in _PER_DECADE}):
        yield np.logspace(first, last, number)


def _is_enough(found: ElementFit) -> bool:
    return found.mu < OVERFIT_BELOW and found.runs_p_value >= SIGNIFICANT_P
