r"""Least squares of one circuit on many spectra at once: Levenberg-Marquardt steps for all that still move.

One evaluation of the circuit serves all spectra, so that a step costs little more than its arithmetic. The minimum is
that of `interlayer.analysis.eis.fitting.fit.fit`.

References
----------
.. [1] Nielsen, Damping Parameter in Marquardt's Method, IMM-REP-1999-05, Technical University of Denmark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..circuits import Circuit, Complexes, Floats
from .fit import CONVERGED, within_range

_MOST_STEPS = 200
_AT_ONCE = 128  # spectra; their arrays stay in the cache
_FIRST_DAMPING = 1e-3
_LONGEST = 4.0  # e-folds in one step; a longer one leaves the region where the linear model means anything
_LEAST_CURVATURE = 1e-13  # relative; keeps a direction without any leverage from making the rest singular


@dataclass(frozen=True)
class Descent:
    """Ends of a batch of descents.

    Parameters
    ----------
    theta : ndarray, shape (p, S)
        Parameters on the scale of the fit.
    chi_square : ndarray, shape (S,)
        Sum of the squared residuals.
    converged : ndarray of bool, shape (S,)
        Whether the tolerance was reached.
    """

    theta: Floats
    chi_square: Floats
    converged: NDArray[np.bool_]

    def take(self, places: NDArray[np.intp] | list[int], better: Descent) -> None:
        """Put other ends in the place of some."""
        self.theta[:, places] = better.theta
        self.chi_square[places] = better.chi_square
        self.converged[places] = better.converged


def descend(
    circuit: Circuit,
    omega: Floats,
    impedance: Complexes,
    weight: Floats,
    theta: Floats,
    *,
    tolerance: float = CONVERGED,
) -> Descent:
    """Return the minimum next to each start.

    Parameters
    ----------
    circuit : Circuit
        What to fit, the same for all.
    omega : ndarray, shape (n,) or (S, n)
        Angular frequency in s-1.
    impedance : ndarray, shape (S, n)
        In ohm.
    weight : ndarray, shape (S, n)
        One over the standard deviation of either part; 0 for points that are left out.
    theta : ndarray, shape (p, S)
        Starts on the scale of the fit.
    tolerance : float
        Relative change of chi-square and of the step at which a descent ends.
    """
    n_spectra = theta.shape[1]  # may be 0
    theta = np.array(theta, dtype=float)
    chi_square, converged = np.empty(n_spectra), np.zeros(n_spectra, dtype=bool)
    for first in range(0, n_spectra, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        grid = omega if omega.ndim == 1 else omega[part]
        walk = _Walk(circuit, grid, impedance[part], weight[part], theta[:, part])
        walk.run(tolerance)
        theta[:, part], chi_square[part], converged[part] = walk.theta, walk.chi_square, walk.converged
    return Descent(theta, chi_square, converged)


class _Walk:
    """The state of a batch: where each stands, its normal equations and its damping."""

    def __init__(self, circuit: Circuit, omega: Floats, impedance: Complexes, weight: Floats, theta: Floats) -> None:
        self.circuit, self.omega, self.impedance, self.weight = circuit, omega, impedance, weight
        self.theta = within_range(theta)
        n_spectra = theta.shape[1]
        self.damping, self.growth = np.full(n_spectra, _FIRST_DAMPING), np.full(n_spectra, 2.0)
        self.converged = np.zeros(n_spectra, dtype=bool)
        self.chi_square, self.curvature, self.gradient = self._linearised(np.arange(n_spectra), self.theta)

    def run(self, tolerance: float) -> None:
        for _ in range(_MOST_STEPS):
            moving = np.flatnonzero(~self.converged)
            if not moving.size:
                break
            self._step(moving, tolerance)

    def _step(self, moving: NDArray[np.intp], tolerance: float) -> None:
        """Try one step for all that move, and keep it where chi-square falls."""
        scale, normal, gradient = self._scaled(moving)
        n = normal.shape[1]
        damped = normal + self.damping[moving, None, None] * np.eye(n)
        step = -np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]
        move = step / scale
        step *= (shorter := np.minimum(1.0, _LONGEST / np.maximum(np.abs(move).max(axis=1), 1e-300)))[:, None]
        trial = within_range(self.theta[:, moving] + (move * shorter[:, None]).T)
        before = self.chi_square[moving]
        after, curvature, slope = self._linearised(moving, trial)
        curved = np.einsum("sp,spq,sq->s", step, normal, step)
        expected = -2.0 * np.sum(gradient * step, axis=1) - curved
        better = after < before
        gain = np.where(expected > 0, (before - after) / np.maximum(expected, 1e-300), 0.0)
        taken = moving[better]
        self.theta[:, taken], self.chi_square[taken] = trial[:, better], after[better]
        self.curvature[taken], self.gradient[taken] = curvature[better], slope[better]
        self.damping[taken] *= np.maximum(1.0 / 3.0, 1.0 - (2.0 * np.minimum(gain[better], 1.0) - 1.0) ** 3)
        self.growth[taken] = 2.0
        refused = moving[~better]
        self.damping[refused] *= self.growth[refused]
        self.growth[refused] *= 2.0
        small = (expected <= tolerance * before) & (np.abs(after - before) <= tolerance * before)
        still = np.abs(move).max(axis=1) <= tolerance
        self.converged[moving] = small | still | (self.damping[moving] > 1e12)

    def _scaled(self, moving: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
        """Return the normal equations with the diagonal scaled to one."""
        curvature = self.curvature[moving]
        diagonal = np.einsum("spp->sp", curvature)
        scale = np.sqrt(np.maximum(diagonal, _LEAST_CURVATURE * diagonal.max(axis=1, keepdims=True)) + 1e-300)
        normal = curvature / scale[:, :, None] / scale[:, None, :]
        np.einsum("spp->sp", normal)[:] += _LEAST_CURVATURE
        return scale, normal, self.gradient[moving] / scale

    def _linearised(self, which: NDArray[np.intp], theta: Floats) -> tuple[Floats, Floats, Floats]:
        """Return chi-square (S,), curvature (S, p, p) and half the gradient (S, p)."""
        every = which.size == self.weight.shape[0]
        omega = self.omega if self.omega.ndim == 1 or every else self.omega[which]
        weight = self.weight if every else self.weight[which]
        measured = self.impedance if every else self.impedance[which]
        model, derivatives = self.circuit.evaluate(omega, theta[:, :, None])
        residual = _parts((model - measured) * weight)
        jacobian = _parts(derivatives * weight).transpose(1, 0, 2)
        curvature = jacobian @ jacobian.transpose(0, 2, 1)
        gradient = (jacobian @ residual[:, :, None])[:, :, 0]
        return np.einsum("sn,sn->s", residual, residual), curvature, gradient


def _parts(values: Complexes) -> Floats:
    """Return real and imaginary parts interleaved along the last axis."""
    return np.ascontiguousarray(values).view(float)
