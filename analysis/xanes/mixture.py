"""The mixture model: weights of references, one energy shift for the scan, one small shift for each reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .scan import Array

_ITERATIONS = 40


class Curve(Protocol):
    """A smooth spectrum: values, or derivatives of order `nu`, at energies."""

    def __call__(self, energy: Array, nu: int = 0) -> Array: ...


@dataclass(frozen=True)
class Mixture:
    """A scan and the references it may consist of.

    Parameters
    ----------
    energy, signal : ndarray
        Energies in eV and normalised absorption, shape (n,).
    stderr : ndarray
        Standard uncertainty of `signal`, shape (n,).
    references : sequence of Curve
        Normalised reference spectra.
    max_shift : float
        Bound of the energy shift of the scan in eV; 0 keeps it fixed.
    reference_shift : float
        Standard uncertainty of the alignment of each reference in eV; 0 keeps them fixed.
    """

    energy: Array
    signal: Array
    stderr: Array
    references: Sequence[Curve]
    max_shift: float
    reference_shift: float

    @property
    def size(self) -> int:
        """Number of references."""
        return len(self.references)

    def spectra(self, shifts: Array) -> Array:
        """Return the references moved by `shifts` (eV), shape (n, k)."""
        return np.stack([ref(self.energy - shift) for ref, shift in zip(self.references, shifts, strict=True)], axis=-1)

    def slopes(self, shifts: Array) -> Array:
        """Return their derivatives with respect to energy, shape (n, k)."""
        pairs = zip(self.references, shifts, strict=True)
        return np.stack([ref(self.energy - shift, 1) for ref, shift in pairs], axis=-1)


@dataclass(frozen=True)
class MixtureFit:
    """The optimum of `fit_mixture`.

    Parameters
    ----------
    weights : ndarray
        Weight of each reference, shape (k,); their sum is the scale of the scan.
    shift : float
        Energy shift of the scan in eV.
    shifts : ndarray
        Shift of each reference as seen in the scan: `shift` plus its own, shape (k,).
    jacobian : ndarray
        Of the weighted model, prior rows included, with respect to weights, shift, own shifts.
    model : ndarray
        Fitted spectrum, shape (n,).
    """

    weights: Array
    shift: float
    shifts: Array
    jacobian: Array
    model: Array

    def covariance(self) -> Array:
        """Return the covariance of all parameters."""
        inverse: Array = np.linalg.pinv(self.jacobian.T @ self.jacobian)
        return inverse


def fit_mixture(mixture: Mixture, *, lowest: float, start: float | None = None) -> MixtureFit:
    """Return the weights and shifts of least squares by Gauss-Newton steps.

    Parameters
    ----------
    mixture : Mixture
        Data and references.
    lowest : float
        Lower bound of the weights, 0 or ``-inf``.
    start : float, optional
        Energy shift to start from; left out, the best of a grid over the allowed shifts.
    """
    from scipy.optimize import lsq_linear

    k = mixture.size
    first = _best_shift(mixture) if start is None else start
    state = np.concatenate([_plain_weights(mixture, first), [first], np.zeros(k)])
    state[:k] = np.maximum(state[:k], lowest)
    free = np.ones(state.size, dtype=bool)
    free[k] = mixture.max_shift > 0
    free[k + 1 :] = mixture.reference_shift > 0
    bound = np.concatenate([np.full(k, np.inf), [mixture.max_shift], np.full(k, np.inf)])
    floor = np.concatenate([np.full(k, lowest), -bound[k:]])
    for _ in range(_ITERATIONS):
        jacobian, residual, _ = _linearised(mixture, state)
        low, high = (floor - state)[free], (bound - state)[free]
        tight = np.maximum(high, low + 1e-12)
        move = lsq_linear(jacobian[:, free], residual, bounds=(np.minimum(low, 0), np.maximum(tight, 1e-12))).x
        longest = float(np.abs(move[k:]).max(initial=0.0))
        state[free] += move * min(1.0, 0.5 / longest if longest else 1.0)
        if float(np.abs(move).max()) < 1e-8:
            break
    jacobian, _, model = _linearised(mixture, state)
    return MixtureFit(state[:k], float(state[k]), state[k] + state[k + 1 :], jacobian[:, free], model)


def plain_weights(mixture: Mixture, shifts: Array) -> Array:
    """Return the weights of ordinary least squares at fixed shifts, free in sign and sum."""
    weights: Array = np.linalg.lstsq(
        mixture.spectra(shifts) / mixture.stderr[:, None], mixture.signal / mixture.stderr, rcond=None
    )[0]
    return weights


def fixed_sum_fractions(mixture: Mixture, shifts: Array) -> Array:
    """Return the fractions of least squares at fixed shifts when the weights themselves must sum to one."""
    spectra = mixture.spectra(shifts)
    base = spectra[:, -1]
    design = (spectra[:, :-1] - base[:, None]) / mixture.stderr[:, None]
    head = np.linalg.lstsq(design, (mixture.signal - base) / mixture.stderr, rcond=None)[0]
    return np.append(head, 1.0 - head.sum())


def _plain_weights(mixture: Mixture, shift: float) -> Array:
    return plain_weights(mixture, np.full(mixture.size, shift))


def _best_shift(mixture: Mixture) -> float:
    if mixture.max_shift <= 0:
        return 0.0

    def misfit(shift: float) -> float:
        shifts = np.full(mixture.size, shift)
        weights = plain_weights(mixture, shifts)
        return float(np.sum(((mixture.signal - mixture.spectra(shifts) @ weights) / mixture.stderr) ** 2))

    grid = np.linspace(-mixture.max_shift, mixture.max_shift, 2 * max(2, int(np.ceil(mixture.max_shift / 0.25))) + 1)
    return float(min(grid, key=misfit))


def _linearised(mixture: Mixture, state: Array) -> tuple[Array, Array, Array]:
    """Return Jacobian and residual of data and priors, weighted, and the model."""
    k = mixture.size
    weights, own = state[:k], state[k + 1 :]
    shifts = state[k] + own
    spectra, slopes = mixture.spectra(shifts), -mixture.slopes(shifts) * weights
    model = spectra @ weights
    data = np.column_stack([spectra, slopes.sum(axis=1), slopes]) / mixture.stderr[:, None]
    residual = (mixture.signal - model) / mixture.stderr
    if mixture.reference_shift > 0:
        prior = np.zeros((k, state.size))
        prior[:, k + 1 :] = np.eye(k) / mixture.reference_shift
        data, residual = np.vstack([data, prior]), np.concatenate([residual, -own / mixture.reference_shift])
    return data, residual, model
