"""Peaks and background in one model, fitted by variable projection: areas and baseline drop out of the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .core_levels import Multiplet
from .lineshape import Array, voigt


def step_kernel(energy: Array) -> Array:
    """Return the matrix that integrates a line from the low-loss end: the Shirley-like step that belongs to it."""
    lower: Array = (np.tril(np.ones((energy.size, energy.size))) - 0.5 * np.eye(energy.size)) * _widths(energy)
    return lower


def tougaard_kernel(energy: Array, c: float, d: float) -> Array:
    """Return the matrix that convolves a line with T / [(C - T^2)^2 + D T^2], scaled to 1 at its maximum.

    T is the energy lost; D = 4 C makes it the two-parameter cross section T / (C + T^2)^2.
    """

    def cross(loss: Array) -> Array:
        shape: Array = loss / ((c - loss**2) ** 2 + d * loss**2)
        return shape

    largest = cross(np.linspace(0.1, 100.0, 1000)).max()
    matrix: Array = cross(np.maximum(energy[:, None] - energy[None, :], 0.0)) / largest * _widths(energy)
    return matrix


def inelastic_kernels(energy: Array) -> dict[str, Array]:
    """Return the inelastic backgrounds to choose from: a step, and Tougaard's for metals (universal) and for oxides.

    The parameters C and D (eV^2) are those of S. Tougaard, Surf. Interface Anal. 25 (1997) 137: universal, and SiO2.
    """
    return {
        "step": step_kernel(energy),
        "universal": tougaard_kernel(energy, 1643.0, 4 * 1643.0),
        "oxide": tougaard_kernel(energy, 542.0, 275.0),
    }


def _widths(energy: Array) -> Array:
    widths: Array = np.gradient(energy)
    return widths


@dataclass(frozen=True)
class PeakModel:
    """Components of one line shape, each with its own position and area, on a constant, a slope and an inelastic tail.

    The nonlinear parameters are, in this order: the position of each component; the Gaussian width; the Lorentzian
    width; that of the partner line if it has its own; the inelastic background per area.

    Parameters
    ----------
    energy : ndarray
        Ascending towards larger binding energy, eV.
    kernel : ndarray
        One of `inelastic_kernels`.
    multiplet : Multiplet
        Lines of each component.
    number : int
        How many components.
    """

    energy: Array
    kernel: Array
    multiplet: Multiplet
    number: int

    @property
    def n_widths(self) -> int:
        """Widths among the nonlinear parameters."""
        return 3 if self.multiplet.own_width else 2

    def columns(self, theta: Array) -> tuple[Array, Array]:
        """Return the model's columns (n, components + 2) and their derivatives (n, components + 2, parameters)."""
        m, n = self.number, self.energy.size
        gaussian, widths, ratio = theta[m], theta[m + 1 : m + self.n_widths], theta[-1]
        columns = np.zeros((n, m + 2))
        columns[:, m] = 1.0
        columns[:, m + 1] = (self.energy - self.energy.mean()) / np.ptp(self.energy)
        slopes = np.zeros((n, m + 2, theta.size))
        for j in range(m):
            for i, (offset, share) in enumerate(zip(self.multiplet.offsets, self.multiplet.shares, strict=True)):
                which = min(i, widths.size - 1)
                line = voigt(self.energy - theta[j] - offset, gaussian, widths[which])
                columns[:, j] += share * line.value
                slopes[:, j, j] += share * line.by_position
                slopes[:, j, m] += share * line.by_gaussian
                slopes[:, j, m + 1 + which] += share * line.by_lorentzian
            tail = self.kernel @ np.column_stack([columns[:, j], slopes[:, j, :]])
            slopes[:, j, :] += ratio * tail[:, 1:]
            slopes[:, j, -1] = tail[:, 0]
            columns[:, j] += ratio * tail[:, 0]
        return columns, slopes


@dataclass(frozen=True)
class PeakFit:
    """The optimum of `fit_peaks`.

    Parameters
    ----------
    theta : ndarray
        Nonlinear parameters in the order of `PeakModel`.
    linear : ndarray
        Area of each component, constant, slope.
    covariance : ndarray
        Of linear and nonlinear parameters together, in this order, for `stderr` as it stands.
    stderr : ndarray
        Standard deviation of each point that the fit was weighted with.
    fitted : ndarray
        Model at each point.
    chi_square : float
        Weighted sum of squares.
    freedom : int
        Points less parameters.
    """

    theta: Array
    linear: Array
    covariance: Array
    stderr: Array
    fitted: Array
    chi_square: float
    freedom: int

    @property
    def reduced_chi_square(self) -> float:
        """Chi square per degree of freedom."""
        return self.chi_square / self.freedom


def fit_peaks(model: PeakModel, signal: Array, start: Array, bounds: tuple[Array, Array], *, floor: float) -> PeakFit:
    """Return the least-squares fit with weights from the fitted model, as Poisson counts ask for.

    Weights from the data themselves would count low points too much and bias areas by about one count a point.

    Parameters
    ----------
    model : PeakModel
        What to fit.
    signal : ndarray
        Counts, or an intensity proportional to them.
    start, bounds : ndarray
        Nonlinear parameters to start from, lower and upper limits.
    floor : float
        Least variance of a point.
    """
    from scipy.optimize import least_squares

    theta, variance = np.clip(start, *bounds), np.maximum(_smooth(signal), floor)
    for _ in range(2):
        stderr = np.sqrt(variance)
        found: Any = least_squares(
            _residual,
            theta,
            jac=_jacobian,
            args=(model, signal, stderr),
            bounds=bounds,
            x_scale="jac",
            max_nfev=60,
        )
        theta = found.x
        columns, _ = model.columns(theta)
        fitted = columns @ _project(model, signal, stderr, theta)[2]
        variance = np.maximum(fitted, floor)
    linear = _project(model, signal, stderr, theta)[2]
    free = (theta > bounds[0] + 1e-9) & (theta < bounds[1] - 1e-9)
    residual = (signal - fitted) / stderr
    freedom = signal.size - linear.size - theta.size
    covariance = _covariance(model, stderr, theta, linear, free)
    return PeakFit(theta, linear, covariance, stderr, fitted, float(residual @ residual), freedom)


def _smooth(signal: Array) -> Array:
    padded = np.pad(signal, 2, mode="edge")
    return np.convolve(padded, np.full(5, 0.2), mode="valid")


def _project(model: PeakModel, signal: Array, stderr: Array, theta: Array) -> tuple[Array, Array, Array]:
    """Return the residual with the best linear coefficients, its Jacobian (Kaufman's form), and the coefficients."""
    columns, slopes = model.columns(theta)
    q, r = np.linalg.qr(columns / stderr[:, None])
    target = signal / stderr
    projected = q.T @ target
    linear = np.linalg.lstsq(r, projected, rcond=None)[0]
    moved = np.einsum("ijk,j->ik", slopes, linear) / stderr[:, None]
    return target - q @ projected, -(moved - q @ (q.T @ moved)), linear


def _residual(theta: Array, model: PeakModel, signal: Array, stderr: Array) -> Array:
    return _project(model, signal, stderr, theta)[0]


def _jacobian(theta: Array, model: PeakModel, signal: Array, stderr: Array) -> Array:
    return _project(model, signal, stderr, theta)[1]


def _covariance(model: PeakModel, stderr: Array, theta: Array, linear: Array, free: np.ndarray[Any, Any]) -> Array:
    """Return the covariance of linear and nonlinear parameters; parameters at a bound are held there."""
    columns, slopes = model.columns(theta)
    jacobian = np.column_stack([columns, np.einsum("ijk,j->ik", slopes, linear)]) / stderr[:, None]
    kept = np.concatenate([np.ones(linear.size, dtype=bool), free])
    scale = np.linalg.norm(jacobian, axis=0)
    kept &= scale > 0
    scaled = jacobian[:, kept] / scale[kept]
    covariance = np.zeros((kept.size, kept.size))
    covariance[np.ix_(kept, kept)] = np.linalg.pinv(scaled.T @ scaled) / np.outer(scale[kept], scale[kept])
    return covariance
