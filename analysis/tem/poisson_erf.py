r"""One interface seen by several X-ray lines: error functions with a common centre and width, fitted to raw counts.

.. math:: \mu_j(x) = L_j \left[1 - \Phi\left(\frac{x - x_0}{s}\right)\right] + R_j \Phi\left(\frac{x - x_0}{s}\right)

Line j counts L on the left and R on the right of the interface; the lower of the two is its background. The likelihood
is Poisson's, so points with few or no counts keep their weight and nothing is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ITERATIONS = 100
_FLOOR = 1e-3  # counts a point below which a level is not told from none


@dataclass(frozen=True)
class InterfaceFit:
    """Maximum of the likelihood for n points and k lines.

    Parameters
    ----------
    centre, log_sigma : float
        Position in nm and natural logarithm of the width in nm.
    left, right : ndarray, shape (k,)
        Counts a point on both sides.
    covariance : ndarray, shape (2 + 2k, 2 + 2k)
        Inverse Fisher information of centre, log_sigma, left and right.
    model : ndarray, shape (n, k)
        Expected counts.
    deviance : float
        Twice the distance of the log-likelihood from that of the data themselves.
    converged : bool
    """

    centre: float
    log_sigma: float
    left: Array
    right: Array
    covariance: Array
    model: Array
    deviance: float
    converged: bool

    @property
    def sigma(self) -> float:
        """Width s in nm."""
        return float(np.exp(self.log_sigma))

    def stderr(self, parameter: int) -> float:
        """Return the standard uncertainty of centre (0) or log_sigma (1)."""
        return float(np.sqrt(self.covariance[parameter, parameter]))

    @property
    def contrast(self) -> Array:
        """Steps of the lines in their standard uncertainties, shape (k,)."""
        k = len(self.left)
        left, right = slice(2, 2 + k), slice(2 + k, 2 + 2 * k)
        variance = np.diag(self.covariance[left, left]) + np.diag(self.covariance[right, right])
        variance = variance - 2 * np.diag(self.covariance[left, right])
        return np.asarray(np.abs(self.right - self.left) / np.sqrt(np.maximum(variance, 1e-300)))


def fit_interface(distance: Array, counts: Array, *, log_sigma: float | None = None) -> InterfaceFit:
    """Fit centre, width and levels to counts by Fisher scoring from the best of a grid of starts.

    Parameters
    ----------
    distance : ndarray, shape (n,)
        In nm, rising.
    counts : ndarray, shape (n, k)
        Counts a point and line; NaN is left out.
    log_sigma : float, optional
        Logarithm of the width if it is to be held fixed.

    Returns
    -------
    InterfaceFit
    """
    used = np.isfinite(counts)
    data = np.where(used, counts, 0.0)
    parameters = _start(distance, data, used, log_sigma)
    free = np.ones(len(parameters), dtype=bool)
    free[1] = log_sigma is None
    span, step = float(np.ptp(distance)), float(np.min(np.diff(distance)))
    limits = (np.log(0.05 * step), np.log(2 * span))

    deviance, score, information, model = _evaluate(distance, data, used, parameters)
    damping, converged = 1e-3, False
    for _ in range(_ITERATIONS):
        move = np.zeros_like(parameters)
        part = information[np.ix_(free, free)]
        move[free] = np.linalg.solve(part + damping * np.diag(np.diag(part)) + 1e-12 * np.eye(len(part)), score[free])
        move[:2] = np.clip(move[:2], [-0.2 * span, -1.0], [0.2 * span, 1.0])
        trial = parameters + move
        trial[1] = np.clip(trial[1], *limits) if log_sigma is None else log_sigma
        trial[2:] = np.maximum(trial[2:], _FLOOR)
        new = _evaluate(distance, data, used, trial)
        if new[0] <= deviance:
            converged = deviance - new[0] < 1e-7 * (1 + deviance)
            parameters, (deviance, score, information, model), damping = trial, new, damping * 0.1
        else:
            damping *= 10
            converged = damping > 1e8
        if converged:
            break
    k = counts.shape[1]
    return InterfaceFit(
        centre=float(parameters[0]),
        log_sigma=float(parameters[1]),
        left=parameters[2 : 2 + k],
        right=parameters[2 + k :],
        covariance=_covariance(information),
        model=model,
        deviance=float(deviance),
        converged=bool(converged),
    )


def upper_log_sigma(distance: Array, counts: Array, best: InterfaceFit) -> float:
    """Return the logarithm of the width that the counts exclude with 95 % confidence, from the profile likelihood."""
    candidates = np.linspace(best.log_sigma, np.log(np.ptp(distance)), 60)
    for candidate in candidates[1:]:
        if fit_interface(distance, counts, log_sigma=float(candidate)).deviance > best.deviance + 2.706:
            return float(candidate)
    return float(candidates[-1])


def _start(distance: Array, data: Array, used: NDArray[np.bool_], log_sigma: float | None) -> Array:
    """Return the least-squares best of a grid of centres and widths with the levels that belong to it."""
    from scipy.special import ndtr

    span = float(np.ptp(distance))
    centres = distance[0] + span * np.linspace(0.05, 0.95, 37)
    narrow = float(np.min(np.diff(distance)))
    widths = np.geomspace(narrow, max(0.5 * span, narrow), 12) if log_sigma is None else np.array([np.exp(log_sigma)])
    centre, width = (grid.ravel() for grid in np.meshgrid(centres, widths))
    right = ndtr((distance - centre[:, None]) / width[:, None])
    left = 1 - right
    weight = used / np.maximum(data.sum(axis=0) / np.maximum(used.sum(axis=0), 1), _FLOOR)
    ll, lr, rr = (left**2 @ weight, (left * right) @ weight, right**2 @ weight)
    yl, yr = left @ (weight * data), right @ (weight * data)
    determinant = np.maximum(ll * rr - lr**2, 1e-12 * ll * rr + 1e-300)
    levels = np.maximum([(rr * yl - lr * yr) / determinant, (ll * yr - lr * yl) / determinant], _FLOOR)
    explained = 2 * (levels[0] * yl + levels[1] * yr)
    explained -= levels[0] ** 2 * ll + 2 * levels[0] * levels[1] * lr + levels[1] ** 2 * rr
    best = int(np.argmax(explained.sum(axis=1)))
    return np.array([centre[best], np.log(width[best]), *levels[0][best], *levels[1][best]])


def _evaluate(
    distance: Array, data: Array, used: NDArray[np.bool_], parameters: Array
) -> tuple[float, Array, Array, Array]:
    """Return deviance, score, Fisher information and model."""
    from scipy.special import ndtr, xlogy

    k = data.shape[1]
    centre, sigma = parameters[0], np.exp(parameters[1])
    left, right = parameters[2 : 2 + k], parameters[2 + k :]
    z = (distance - centre) / sigma
    phi, bell = ndtr(z)[:, None], (np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))[:, None]
    model = left * (1 - phi) + right * phi
    model = np.maximum(model, 1e-9)
    deviance = 2 * float(np.where(used, xlogy(data, np.where(used, data, 1.0) / model) - data + model, 0.0).sum())

    jacobian = np.zeros((len(distance), k, 2 + 2 * k))
    jacobian[:, :, 0] = -(right - left) * bell / sigma
    jacobian[:, :, 1] = -(right - left) * bell * z[:, None]
    lines = np.arange(k)
    jacobian[:, lines, 2 + lines] = 1 - phi
    jacobian[:, lines, 2 + k + lines] = phi
    weights = used / model
    score = np.einsum("nkp,nk->p", jacobian, weights * (data - model))
    information = np.einsum("nkp,nk,nkq->pq", jacobian, weights, jacobian)
    return deviance, score, information, model


def _covariance(information: Array) -> Array:
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information / np.outer(scale, scale) + 1e-12 * np.eye(len(scale))
    return np.asarray(np.linalg.inv(scaled) / np.outer(scale, scale))
