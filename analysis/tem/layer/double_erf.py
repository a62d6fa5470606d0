r"""A layer between two others as two blurred steps, fitted to many profiles at once.

.. math:: I(u) = I_0 + \Delta_1 \Phi\left(\frac{u - x_1}{s_1}\right) + \Delta_2 \Phi\left(\frac{u - x_1 - t}{s_2}\right)

with the normal distribution function :math:`\Phi`. The thickness t is the distance of the two midpoints, which a blur
common to both edges does not move.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

PARAMETERS = ("base", "step1", "step2", "x1", "thickness", "log_sigma1", "log_sigma2")
BASE, STEP1, STEP2, X1, THICKNESS, LOG_SIGMA1, LOG_SIGMA2 = range(7)
FREE = np.full(len(PARAMETERS), np.inf)
"""Spread of a prior that says nothing."""

_ITERATIONS = 40
_TOLERANCE = 1e-5  # relative decrease of chi-square that ends a fit: a hundredth of what one standard error costs
_LEAST_CURVATURE = 1e-100  # of a parameter in its own unit, below which nothing is known of it


@dataclass(frozen=True)
class Fits:
    """Fits of b profiles of m samples.

    Parameters
    ----------
    parameters : ndarray, shape (b, 7)
        In the order of `PARAMETERS`: intensities, nm, and natural logarithms of nm.
    covariance : ndarray, shape (b, 7, 7)
        For samples with the noise that the fit was given.
    model : ndarray, shape (b, m)
        Fitted profiles.
    chi_square : ndarray, shape (b,)
        Sum of squared residuals in units of that noise.
    converged : ndarray of bool, shape (b,)
    """

    parameters: Array
    covariance: Array
    model: Array
    chi_square: Array
    converged: Flags

    def stderr(self, parameter: int) -> Array:
        """Return the standard uncertainties of one parameter, shape (b,)."""
        return np.asarray(np.sqrt(np.maximum(self.covariance[:, parameter, parameter], 0.0)))

    @property
    def sigma(self) -> Array:
        """Root mean square of the two edge widths in nm, shape (b,)."""
        return np.asarray(np.sqrt(np.exp(2 * self.parameters[:, LOG_SIGMA1:]).mean(axis=1)))


def double_erf(distance: Array, parameters: Array) -> Array:
    """Return the model at m distances for b sets of parameters, shape (b, m)."""
    return _model(distance, parameters)[0]


def fit_profiles(
    distance: Array,
    profiles: Array,
    noise: Array,
    start: Array,
    *,
    spread: Array = FREE,
    directions: Array | None = None,
) -> Fits:
    """Fit the double error function to profiles, all at once.

    Levenberg-Marquardt with the analytic Jacobian. Normal priors may draw parameters to their start values, because a
    thin layer cannot fix its edge widths by itself.

    Parameters
    ----------
    distance : ndarray, shape (m,)
        In nm, evenly spaced.
    profiles : ndarray, shape (b, m)
        Intensities; NaN is left out.
    noise : ndarray, shape (m,)
        Standard deviation of a sample.
    start : ndarray, shape (b, 7)
        Start values in the order of `PARAMETERS`.
    spread : ndarray, shape (7,)
        Standard deviation of the prior on each parameter, infinite for none.
    directions : ndarray, shape (7, k), optional
        Changes of the parameters that the fit may combine; each parameter on its own if None.

    Returns
    -------
    Fits
    """
    directions = np.eye(len(PARAMETERS)) if directions is None else directions
    present = np.isfinite(profiles)
    weights = np.where(present, 1 / noise, 0.0)
    data = np.where(present, profiles, 0.0)
    prior = 1 / spread**2
    limits = (np.log(0.2 * (distance[1] - distance[0])), np.log(np.ptp(distance)))

    largest = np.array([np.ptp(data)] * 3 + [0.25 * np.ptp(distance)] * 2 + [1.0] * 2)
    largest = (largest[:, None] / np.maximum(np.abs(directions), 1e-12)).min(axis=0)
    best = start.copy()
    best[:, LOG_SIGMA1:] = np.clip(best[:, LOG_SIGMA1:], *limits)
    cost, gradient, curvature = _normal_equations(distance, data, weights, best, start, prior)
    damping, converged = np.full(len(best), 1e-3), np.zeros(len(best), dtype=bool)
    for _ in range(_ITERATIONS):
        active = np.flatnonzero(~converged)
        if not len(active):
            break
        reduced = directions.T @ curvature[active] @ directions
        step = _damped_step(reduced, gradient[active] @ directions, damping[active], largest)
        trial = best[active] - step @ directions.T
        trial[:, LOG_SIGMA1:] = np.clip(trial[:, LOG_SIGMA1:], *limits)
        new = _normal_equations(distance, data[active], weights[active], trial, start[active], prior)
        better = new[0] <= cost[active]
        converged[active[better]] = (cost[active] - new[0] <= _TOLERANCE * cost[active])[better]
        kept = active[better]
        best[kept], cost[kept], gradient[kept], curvature[kept] = trial[better], *(part[better] for part in new)
        damping[active] *= np.where(better, 0.2, 5.0)
        converged |= damping > 1e9
    model = double_erf(distance, best)
    covariance = directions @ _inverse(directions.T @ curvature @ directions) @ directions.T
    return Fits(best, covariance, model, (((data - model) * weights) ** 2).sum(axis=1), converged)


def find_start(distance: Array, profile: Array, noise: Array) -> Fits:
    """Fit one profile of unknown layout from many starts and return the best fit as `Fits` of one.

    For each size class of layers the two steps that best divide the profile into three levels are found exactly; the
    fit from these starts that leaves the least residual wins.

    Parameters
    ----------
    distance : ndarray, shape (m,)
        In nm, evenly spaced.
    profile : ndarray, shape (m,)
        Intensities without NaN.
    noise : ndarray, shape (m,)
        Standard deviation of a sample.

    Returns
    -------
    Fits
    """
    starts = _three_levels(distance, profile)
    many = np.broadcast_to(profile, (len(starts), len(profile)))
    fits = fit_profiles(distance, many, noise, starts)
    thickness = fits.parameters[:, THICKNESS]
    x2 = fits.parameters[:, X1] + thickness
    inside = (fits.parameters[:, X1] > distance[0]) & (x2 < distance[-1]) & (thickness > 0)
    best = int(np.argmin(np.where(inside, fits.chi_square, np.inf)))
    pick = slice(best, best + 1)
    return Fits(
        fits.parameters[pick], fits.covariance[pick], fits.model[pick], fits.chi_square[pick], fits.converged[pick]
    )


def _three_levels(distance: Array, profile: Array) -> Array:
    """Return start values, shape (k, 7), from the best division into three levels for each class of thickness."""
    thin = max(1, len(profile) // 256)
    positions, values = distance[::thin], profile[::thin]
    total = np.concatenate([[0.0], np.cumsum(values)])
    n = len(values)
    first, second = np.triu_indices(n - 2, 2)
    first, second = first + 2, second + 2
    levels = (total[first] / first, (total[second] - total[first]) / (second - first))
    last = (total[n] - total[second]) / (n - second)
    explained = first * levels[0] ** 2 + (second - first) * levels[1] ** 2 + (n - second) * last**2

    starts = []
    size = 2
    while size < n - 4:
        members = np.flatnonzero((second - first >= size) & (second - first < 2 * size))
        size *= 2
        if not len(members):
            continue
        k = members[np.argmax(explained[members])]
        thickness = positions[second[k]] - positions[first[k]]
        width = np.log(max(0.1 * thickness, distance[1] - distance[0]))
        middle = levels[1][k]
        edge = 0.5 * (positions[first[k]] + positions[first[k] - 1])
        starts.append([levels[0][k], middle - levels[0][k], last[k] - middle, edge, thickness, width, width])
    return np.array(starts)


def _model(distance: Array, parameters: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the model and what its derivatives need: both z, both Phi and both densities."""
    from scipy.special import ndtr

    base, step1, step2, x1, thickness, log1, log2 = parameters.T[:, :, None]
    z1, z2 = (distance - x1) * np.exp(-log1), (distance - x1 - thickness) * np.exp(-log2)
    phi1, phi2 = ndtr(z1), ndtr(z2)
    return base + step1 * phi1 + step2 * phi2, (z1, z2, phi1, phi2)


def _normal_equations(
    distance: Array, data: Array, weights: Array, parameters: Array, centre: Array, prior: Array
) -> tuple[Array, Array, Array]:
    """Return half chi-square (b,), its gradient (b, 7) and Gauss-Newton curvature (b, 7, 7), prior included."""
    model, (z1, z2, phi1, phi2) = _model(distance, parameters)
    _, step1, step2, _, _, log1, log2 = parameters.T[:, :, None]
    bell1, bell2 = (np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) for z in (z1, z2))
    slope1, slope2 = step1 * bell1 * np.exp(-log1), step2 * bell2 * np.exp(-log2)
    columns = (np.ones_like(z1), phi1, phi2, -slope1 - slope2, -slope2, -step1 * bell1 * z1, -step2 * bell2 * z2)
    jacobian = np.stack(columns, axis=1) * weights[:, None, :]
    residual = (model - data) * weights
    offset = parameters - centre
    cost = 0.5 * (residual**2).sum(axis=1) + 0.5 * (prior * offset**2).sum(axis=1)
    gradient = (jacobian @ residual[:, :, None])[..., 0] + prior * offset
    return cost, gradient, jacobian @ jacobian.transpose(0, 2, 1) + np.diag(prior)


def _damped_step(curvature: Array, gradient: Array, damping: Array, largest: Array) -> Array:
    """Return the Levenberg-Marquardt step, each component held to its largest."""
    diagonal = np.einsum("bii->bi", curvature)
    scale = np.sqrt(np.where(diagonal > _LEAST_CURVATURE, diagonal, 1.0))
    scaled = curvature / scale[:, :, None] / scale[:, None, :]
    scaled = scaled + (damping[:, None] + 1e-12)[:, :, None] * np.eye(curvature.shape[1])
    step = np.linalg.solve(scaled, (gradient / scale)[..., None])[..., 0] / scale
    return np.asarray(np.clip(step, -largest, largest))


def _inverse(curvature: Array) -> Array:
    """Return the covariance; parameters that the data do not fix at all keep a huge variance instead of failing."""
    diagonal = np.einsum("bii->bi", curvature)
    scale = np.sqrt(np.where(diagonal > _LEAST_CURVATURE, diagonal, 1.0))
    scaled = curvature / scale[:, :, None] / scale[:, None, :] + 1e-10 * np.eye(curvature.shape[1])
    return np.asarray(np.linalg.inv(scaled) / scale[:, :, None] / scale[:, None, :])
