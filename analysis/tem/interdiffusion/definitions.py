r"""Widths by all definitions in use, from one fitted shape with its covariance.

A shape rises from 0 to 1 as :math:`F(x)`. With :math:`x_p` where :math:`F = p`,

.. math:: w_{10-90} = x_{0.9} - x_{0.1}, \qquad w_\tau = x_{1-\tau} - x_\tau

and sigma is the standard deviation of the transition, :math:`dF/dx`. For one error function of width s the three are
2.563 s, 3.290 s (tau = 5 %) or 4.107 s (2 %), and s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .likelihood import InterfaceFit
from .shapes import Shape

Array = NDArray[np.float64]

_PARTS, _ROUNDS = 32, 9  # of the interval that holds a quantile, and how often it is divided
_SHARPEST = 0.05  # share of an edge's width that is left when the blur takes more than all of it


def widths(fit: InterfaceFit, tau: float, blur: float) -> tuple[Array, Array, Array]:
    """Return widths without blur, their derivatives by the fitted parameters and by the variance of the blur.

    Parameters
    ----------
    fit : InterfaceFit
    tau : float
        Threshold of the coexistence zone.
    blur : float
        Variance of the instrument in nm2.

    Returns
    -------
    values : ndarray, shape (3,)
        10-90 width, sigma and coexistence width in nm.
    by_parameters : ndarray, shape (3, len(fit.covariance))
    by_blur : ndarray, shape (3,)
        In nm-1.
    """
    share = fit.share
    values = _widths(fit.shape, sharpened(fit.theta, fit.shape, blur), share, tau)
    by_parameters = np.zeros((3, len(fit.covariance)))
    for place in range(1, fit.shape.size):
        moved = [fit.theta + sign * 1e-4 * np.eye(fit.shape.size)[place] for sign in (1, -1)]
        up, down = (_widths(fit.shape, sharpened(theta, fit.shape, blur), share, tau) for theta in moved)
        by_parameters[:, place] = (up - down) / 2e-4
    if fit.shape.n_levels == 3:
        theta = sharpened(fit.theta, fit.shape, blur)
        up, down = (_widths(fit.shape, theta, float(np.clip(share + d, 0, 1)), tau) for d in (1e-3, -1e-3))
        by_parameters += np.outer((up - down) / 2e-3, _share_slopes(fit))
    by_blur = np.zeros(3)
    if blur > 0:
        up, down = (_widths(fit.shape, sharpened(fit.theta, fit.shape, blur * f), share, tau) for f in (1.001, 0.999))
        by_blur = (up - down) / (0.002 * blur)
    return values, by_parameters, by_blur


def sharpened(theta: Array, shape: Shape, blur: float) -> Array:
    """Return the parameters of a shape after a variance in nm2 was taken off each of its edges."""
    variance = np.exp(2 * theta[1])
    if shape.name != "asymmetric":
        return np.concatenate([theta[:1], [0.5 * np.log(_left_of(variance, blur))], theta[2:]])
    left, right = (0.5 * np.log(_left_of(variance * np.exp(sign * theta[2]), blur)) for sign in (-1.0, 1.0))
    return np.array([theta[0], 0.5 * (left + right), right - left])


def _left_of(variance: float, blur: float) -> float:
    return float(max(variance - blur, _SHARPEST**2 * variance))


def _widths(shape: Shape, theta: Array, share: float, tau: float) -> Array:
    places = _quantiles(shape, theta, share, np.array([0.1, 0.9, tau, 1 - tau]))
    sigma = np.sqrt(shape.variance(theta, share))
    return np.array([places[1] - places[0], sigma, places[3] - places[2]])


def _quantiles(shape: Shape, theta: Array, share: float, wanted: Array) -> Array:
    """Return where the share of the far side reaches some values, by division of intervals."""
    if shape.name == "erf":
        from scipy.special import ndtri

        return np.asarray(theta[0] + np.exp(theta[1]) * ndtri(wanted))
    weights = np.array([0.0, 1.0]) if shape.n_levels == 2 else np.array([0.0, min(max(share, 0.0), 1.0), 1.0])
    reach = 40 * np.sqrt(shape.variance(theta, 0.5))
    low, width = np.full(len(wanted), theta[0] - reach), 2 * reach
    parts = np.arange(1, _PARTS)
    for _ in range(_ROUNDS):
        inner = low[:, None] + width / _PARTS * parts
        rise = weights @ shape.basis(inner.ravel(), theta)[0]
        below = (rise.reshape(inner.shape) < wanted[:, None]).sum(axis=1)
        low, width = low + below * width / _PARTS, width / _PARTS
    return np.asarray(low + 0.5 * width)


def _share_slopes(fit: InterfaceFit) -> Array:
    """Return the derivative of the share of the first of two interfaces by the fitted parameters."""
    q, k = fit.shape.size, fit.levels.shape[1]
    signs, total = np.sign(fit.steps), max(float(np.abs(fit.steps).sum()), 1e-300)
    slopes = np.zeros(len(fit.covariance))
    slopes[q : q + k] = signs * (fit.share - 1) / total
    slopes[q + k : q + 2 * k] = signs / total
    slopes[q + 2 * k : q + 3 * k] = -signs * fit.share / total
    return slopes
