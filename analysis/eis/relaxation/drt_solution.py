r"""Ridge regression with coefficients that are not negative, on a grid of time constants, for one spectrum.

The unknowns are resistance, inductance, powers :math:`1/(j\omega)^n` of an electrode, and the distribution, all over
the modulus of the spectrum where they act, so that small and large arcs are smoothed alike.

References
----------
.. [1] Lukas, Inverse Problems 22 (2006) 1883 (robust cross-validation). https://doi.org/10.1088/0266-5611/22/5/021
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ..circuits import Complexes, Floats
from ..spectrum import Spectrum
from ..validity.rc_elements import parts

POWERS = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
"""Exponents n of the electrode, from diffusion to an ideal capacitance."""

OPEN_SHARE = 0.05
"""Share of the electrode in the modulus at the lowest frequency above which a spectrum is open there."""

_PER_DECADE = 10  # time constants; finer than any peak that noise of 0.1 % lets through
_WIDER = 3.0  # factor by which the time constants reach beyond the window on either side
_SIZE_PENALTY = 0.1  # of gamma itself beside its slope, per e-fold; makes the penalty definite
_PENALTIES = np.logspace(-16.0, 1.0, 80)  # relative to the largest singular value squared
_ROBUSTNESS = 0.3  # of robust cross-validation; 1 would be plain GCV, which leaves ripples


@dataclass(frozen=True)
class Problem:
    """A spectrum as linear equations, `design` @ x = `target` with real parts above imaginary parts.

    Parameters
    ----------
    spectrum : Spectrum
        With n points.
    tau : ndarray, shape (K,)
        Time constants in s, evenly spaced in the logarithm.
    near : ndarray, shape (K,)
        Modulus at the angular frequencies 1 / tau, in ohm.
    sizes : ndarray, shape (p,)
        Ohm (or ohm per e-fold) that a coefficient of one stands for: resistance, inductance at the highest frequency,
        powers at the lowest, distribution.
    columns : ndarray, shape (n, p)
        Impedance for coefficients of one, in ohm.
    design : ndarray, shape (2 n, p)
        The same over the modulus.
    target : ndarray, shape (2 n,)
        The spectrum over the modulus.
    root : ndarray, shape (K, K)
        Triangular root of the penalty of the distribution.
    """

    spectrum: Spectrum
    tau: Floats
    near: Floats
    sizes: Floats
    columns: Complexes
    design: Floats
    target: Floats
    root: Floats

    @property
    def n_common(self) -> int:
        """Number of coefficients that are no distribution."""
        return 2 + POWERS.size

    @property
    def step(self) -> float:
        """Distance of time constants in their natural logarithm."""
        return math.log(self.tau[1] / self.tau[0])

    def roughness(self, penalty: float) -> Floats:
        """Return the penalty as further equations, shape (K, p)."""
        return np.concatenate([np.zeros((self.tau.size, self.n_common)), math.sqrt(penalty) * self.root], axis=1)

    def electrode(self, x: Floats) -> Floats:
        """Return the resistances of the powers at the lowest frequency, in ohm."""
        return np.asarray(x[2 : self.n_common] * self.sizes[2 : self.n_common])

    def beside_electrode(self, x: Floats) -> Floats:
        """Return the modulus of the electrode at 1 / tau, in ohm, shape (K,)."""
        low = self.spectrum.omega[-1]
        return np.asarray((self.tau[:, None] * low) ** POWERS @ self.electrode(x))

    def floor(self, variance: float) -> Floats:
        """Return the smallest area in ohm that noise of a relative variance lets tell, shape (K,)."""
        omega = self.spectrum.omega
        per_decade = (omega.size - 1) / math.log10(omega[0] / omega[-1])
        return np.asarray(math.sqrt(variance / per_decade) * self.near)


def pose(spectrum: Spectrum) -> Problem:
    """Return the equations of a spectrum."""
    omega, modulus = spectrum.omega, np.abs(spectrum.impedance)
    first, last = math.log10(1.0 / (_WIDER * omega[0])), math.log10(_WIDER / omega[-1])
    tau = np.logspace(first, last, round((last - first) * _PER_DECADE) + 1)
    step = math.log(tau[1] / tau[0])
    near = np.exp(np.interp(-np.log(tau), np.log(omega[::-1]), np.log(modulus[::-1])))
    sizes = np.concatenate([[modulus.min(), modulus[0]], np.full(POWERS.size, modulus[-1]), step * near])
    s = 1j * omega[:, None]
    units = np.concatenate([np.ones_like(s), s / omega[0], (s / omega[-1]) ** -POWERS, 1.0 / (1.0 + s * tau)], axis=1)
    columns = units * sizes
    slope = np.diff(np.eye(tau.size), axis=0) / step
    root = np.asarray(np.linalg.cholesky(slope.T @ slope + _SIZE_PENALTY**2 * np.eye(tau.size)).T, dtype=float)
    design, target = parts(columns / modulus[:, None]), parts(spectrum.impedance / modulus)
    return Problem(spectrum, tau, near, sizes, columns, design, target, root)


def cross_validated(problem: Problem) -> float:
    """Return the penalty with the lowest robust GCV score of the problem without the constraint.

    Columns without penalty are projected out; in the basis where the penalty is the identity one singular-value
    decomposition serves all penalties.
    """
    free = problem.design[:, [0, 1, problem.n_common - 1]]
    basis, _ = np.linalg.qr(free)
    design = problem.design[:, problem.n_common :]
    design = design - basis @ (basis.T @ design)
    left, singular, _ = np.linalg.svd(np.linalg.solve(problem.root.T, design.T).T, full_matrices=False)
    target = problem.target - basis @ (basis.T @ problem.target)
    along = left.T @ target
    penalties = _PENALTIES * singular[0] ** 2
    lost = penalties[:, None] / (singular**2 + penalties[:, None])
    misfit = max(float(target @ target - along @ along), 0.0) + np.sum((lost * along) ** 2, axis=1)
    n, trace = target.size, np.sum(1.0 - lost, axis=1) + free.shape[1]
    trace_of_square = np.sum((1.0 - lost) ** 2, axis=1) + free.shape[1]
    score = misfit / (1.0 - trace / n) ** 2 * (_ROBUSTNESS + (1.0 - _ROBUSTNESS) * trace_of_square / n)
    return float(penalties[np.argmin(score)])


def solve(problem: Problem, penalty: float) -> Floats:
    """Return the coefficients, shape (p,), none below zero.

    Raises
    ------
    NotAnalysable
        If the active set does not settle.
    """
    from scipy.optimize import nnls

    rows = np.concatenate([problem.design, problem.roughness(penalty)])
    target = np.concatenate([problem.target, np.zeros(len(rows) - problem.target.size)])
    # The target as a last column comes out turned like the rest, without the orthogonal matrix itself.
    triangle = np.asarray(np.linalg.qr(np.column_stack([rows, target]), mode="r"), dtype=np.float64)
    try:
        return np.asarray(nnls(triangle[:-1, :-1], triangle[:-1, -1])[0], dtype=np.float64)
    except RuntimeError as error:
        raise NotAnalysable(f"the distribution of relaxation times does not converge ({error})") from error


def posterior(problem: Problem, penalty: float, active: NDArray[np.bool_], residual: Floats) -> tuple[Floats, float]:
    """Return the covariance of the coefficients that are not zero, in a matrix of all, and the degrees of freedom.

    Noise and smoothness both enter, as in Bayesian confidence bands of smoothing splines (Wahba 1983).
    """
    normal = problem.design[:, active].T @ problem.design[:, active]
    roughness = problem.roughness(penalty)[:, active]
    inverse = np.linalg.pinv(normal + roughness.T @ roughness, hermitian=True)
    freedom = max(float(residual.size - np.sum(inverse * normal)), 1.0)
    covariance = np.zeros((active.size, active.size))
    covariance[np.ix_(active, active)] = float(np.sum(residual**2)) / freedom * inverse
    return covariance, freedom
