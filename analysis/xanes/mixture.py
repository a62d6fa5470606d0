"""The mixture model: weights of references, a baseline, a shift; each reference a little moved and broadened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .scan import Array

_ITERATIONS = 40
# Step (eV) of the second difference that stands for a broadening: below the width of the lines, above that of the grid.
_CURVATURE_STEP = 0.6


class Curve(Protocol):
    """A smooth spectrum."""

    def __call__(self, at: Array, order: int = 0) -> Array:
        """Return values, derivatives of an order, or the integral (order -1) at energies."""
        ...


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
    broadening : float
        Standard uncertainty of the variance in eV2 of the Gaussian that broadens a reference to the resolution of the
        scan, or sharpens it if negative; 0 keeps the references as they are.
    """

    energy: Array
    signal: Array
    stderr: Array
    references: Sequence[Curve]
    max_shift: float
    reference_shift: float
    broadening: float

    @property
    def size(self) -> int:
        """Number of references."""
        return len(self.references)

    @property
    def freedom(self) -> int:
        """Points less parameters; those held by a prior do not count."""
        return int(self.energy.size) - self.size - 2 - (self.max_shift > 0)

    @property
    def baseline(self) -> Array:
        """Constant and slope, shape (n, 2)."""
        return np.stack([np.ones_like(self.energy), (self.energy - self.energy.mean()) / 100.0], axis=-1)

    def spectra(self, shifts: Array, broadenings: Array) -> Array:
        """Return the references moved by `shifts` (eV) and broadened by variances (eV2), shape (n, k)."""
        return self._moved(shifts) + self.excess(shifts) * broadenings

    def slopes(self, shifts: Array, broadenings: Array) -> Array:
        """Return their derivatives with respect to energy, shape (n, k)."""
        return self._moved(shifts, 1) + self.excess(shifts, 1) * broadenings

    def excess(self, shifts: Array, order: int = 0) -> Array:
        r"""Return the change of the references by a Gaussian of unit variance, shape (n, k).

        .. math:: \left.\frac{\partial}{\partial v} (g_v * r)(E)\right|_{v=0} = \frac{1}{2} r''(E)
                  \approx \frac{\bar r(E + h) - 2 \bar r(E) + \bar r(E - h)}{2 h^2}

        with means :math:`\bar r` over :math:`h`: differences of points would follow the noise of the reference, and
        the fit would broaden it to be rid of that noise.
        """
        h = _CURVATURE_STEP
        integral = [self._moved(shifts + move * h, order - 1) for move in (-1.5, -0.5, 0.5, 1.5)]
        return (-integral[3] + 3 * integral[2] - 3 * integral[1] + integral[0]) / (2 * h**3)

    def _moved(self, shifts: Array, order: int = 0) -> Array:
        pairs = zip(self.references, shifts, strict=True)
        return np.stack([ref(self.energy - shift, order) for ref, shift in pairs], axis=-1)

    def linear_fit(self, columns: Array, signal: Array) -> Array:
        """Return the coefficients of `columns` and baseline in weighted linear least squares."""
        design = np.column_stack([columns, self.baseline]) / self.stderr[:, None]
        return np.asarray(np.linalg.lstsq(design, signal / self.stderr, rcond=None)[0], dtype=np.float64)


@dataclass(frozen=True)
class MixtureFit:
    """The optimum of `fit_mixture`.

    Parameters
    ----------
    weights : ndarray
        Weight of each reference, shape (k,); their sum is the scale of the scan.
    baseline : ndarray
        Coefficients of the baseline, shape (2,).
    shift : float
        Energy shift of the scan in eV.
    shifts : ndarray
        Shift of each reference as seen in the scan: `shift` plus its own, shape (k,).
    broadenings : ndarray
        Variance in eV2 that each reference is broadened by, shape (k,).
    jacobian : ndarray
        Of the weighted model, prior rows last, with respect to weights, baseline, shift, own shifts, broadenings;
        those held fixed are left out.
    model : ndarray
        Fitted spectrum, shape (n,).
    """

    weights: Array
    baseline: Array
    shift: float
    shifts: Array
    broadenings: Array
    jacobian: Array
    model: Array

    @property
    def fractions(self) -> Array:
        """Weights as parts of one."""
        parts: Array = self.weights / self.weights.sum()
        return parts

    def covariance(self) -> Array:
        """Return the covariance of all parameters."""
        return np.asarray(np.linalg.pinv(self.jacobian.T @ self.jacobian), dtype=np.float64)


def fit_mixture(mixture: Mixture, *, lowest: float, start: float | None = None) -> MixtureFit:
    """Return the weights, baseline and shifts of least squares by Gauss-Newton steps.

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
    linear = mixture.linear_fit(mixture.spectra(np.full(k, first), np.zeros(k)), mixture.signal)
    state = np.concatenate([np.maximum(linear[:k], lowest), linear[k:], [first], np.zeros(2 * k)])
    free = np.ones(state.size, dtype=bool)
    free[k + 2] = mixture.max_shift > 0
    free[k + 3 : 2 * k + 3] = mixture.reference_shift > 0
    free[2 * k + 3 :] = mixture.broadening > 0
    high = np.full(state.size, np.inf)
    high[k + 2] = mixture.max_shift
    low = np.concatenate([np.full(k, lowest), -high[k:]])
    for _ in range(_ITERATIONS):
        jacobian, residual, _ = _linearised(mixture, state)
        bounds = (np.minimum(low - state, 0.0)[free], np.maximum(high - state, 1e-12)[free])
        move = lsq_linear(jacobian[:, free], residual, bounds=bounds).x
        longest = float(np.abs(move[k + 2 :]).max(initial=0.0))
        state[free] += move * min(1.0, 0.5 / longest if longest else 1.0)
        if float(np.abs(move).max()) < 1e-8:
            break
    jacobian, _, model = _linearised(mixture, state)
    own, broadenings = state[k + 3 : 2 * k + 3], state[2 * k + 3 :]
    shift = float(state[k + 2])
    return MixtureFit(state[:k], state[k : k + 2], shift, shift + own, broadenings, jacobian[:, free], model)


def plain_weights(mixture: Mixture, fit: MixtureFit) -> Array:
    """Return the weights of ordinary least squares at the shifts and broadenings of `fit`, free in sign and sum."""
    return mixture.linear_fit(mixture.spectra(fit.shifts, fit.broadenings), mixture.signal)[: mixture.size]


def fixed_sum_fractions(mixture: Mixture, fit: MixtureFit) -> Array:
    """Return the fractions of least squares at the same when the weights themselves must sum to one."""
    spectra = mixture.spectra(fit.shifts, fit.broadenings)
    last = spectra[:, -1]
    head = mixture.linear_fit(spectra[:, :-1] - last[:, None], mixture.signal - last)[: mixture.size - 1]
    return np.append(head, 1.0 - head.sum())


def _best_shift(mixture: Mixture) -> float:
    if mixture.max_shift <= 0:
        return 0.0

    def misfit(shift: float) -> float:
        spectra = mixture.spectra(np.full(mixture.size, shift), np.zeros(mixture.size))
        model = np.column_stack([spectra, mixture.baseline]) @ mixture.linear_fit(spectra, mixture.signal)
        return float(np.sum(((mixture.signal - model) / mixture.stderr) ** 2))

    grid = np.linspace(-mixture.max_shift, mixture.max_shift, 2 * max(2, int(np.ceil(mixture.max_shift / 0.25))) + 1)
    return float(min(grid, key=misfit))


def _linearised(mixture: Mixture, state: Array) -> tuple[Array, Array, Array]:
    """Return Jacobian and residual of data and priors, weighted, and the model."""
    k = mixture.size
    weights, own = state[:k], state[k + 3 : 2 * k + 3]
    shifts, broadenings = state[k + 2] + own, state[2 * k + 3 :]
    spectra, slopes = mixture.spectra(shifts, broadenings), -mixture.slopes(shifts, broadenings) * weights
    model = spectra @ weights + mixture.baseline @ state[k : k + 2]
    columns = [spectra, mixture.baseline, slopes.sum(axis=1), slopes, mixture.excess(shifts) * weights]
    jacobian = np.column_stack(columns) / mixture.stderr[:, None]
    residual = (mixture.signal - model) / mixture.stderr
    for first, width in ((k + 3, mixture.reference_shift), (2 * k + 3, mixture.broadening)):
        if width > 0:
            prior = np.zeros((k, state.size))
            prior[:, first : first + k] = np.eye(k) / width
            jacobian = np.vstack([jacobian, prior])
            residual = np.append(residual, -state[first : first + k] / width)
    return jacobian, residual, model
