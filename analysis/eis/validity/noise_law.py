r"""The law by which the variance of noise depends on modulus and frequency, from squares of residuals.

Squares of normal residuals follow a gamma distribution; the logarithm of their variance is a sum of few terms, fitted
by maximum likelihood. Three kinds of law are tried and AICc chooses: noise in proportion to the modulus, to a power of
the modulus (constant in ohm is one case), and a polygon over the logarithm of frequency.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..circuits import Floats

_CORNERS = (2, 3, 5, 8)  # of the polygons
_FREEDOM_PER_CORNER = 8.0  # degrees of freedom; with fewer a variance is known no better than to a factor of two
_ITERATIONS = 30
_SETTLED = 1e-3  # change of the logarithm of the variance at which a law is final
_STEEPEST = 10.0  # square over its expectation that one iteration follows
_LONGEST = 2.0  # change of the logarithm of the variance in one iteration


def log_variance(
    frequency: Floats, modulus: Floats, keep: NDArray[np.bool_], square: Floats, sharing: Floats, freedom: Floats
) -> Floats:
    """Return the logarithm of the relative variance of either part at all points, shape (N,).

    Parameters
    ----------
    frequency, modulus : ndarray, shape (N,)
        In Hz, from the highest, and in ohm.
    keep : ndarray, shape (N,)
        Points that have a residual.
    square : ndarray, shape (n,)
        Of the points in `keep`, squared modulus of the complex residual over the modulus of the impedance.
    sharing : ndarray, shape (n, n)
        How much of the variance of each point (column) is in each square (row): with a fit, every residual bears
        noise of other points and lacks some of its own.
    freedom : ndarray, shape (n,)
        Degrees of freedom of each square, 2 where the fit does not bend to the point.
    """
    everywhere = np.zeros(frequency.size)
    everywhere[keep] = freedom
    n = float(freedom.sum())
    best, lowest = np.zeros(frequency.size), math.inf
    for law in _laws(np.log(frequency), np.log(modulus), everywhere):
        parameters, deviance = _fitted(law[keep], square, sharing, freedom)
        count = law.shape[1]
        criterion = deviance + 2.0 * count * n / max(n - count - 1.0, 1.0)
        if criterion < lowest:
            best, lowest = law @ parameters, criterion
    return best


def _laws(place: Floats, ln_modulus: Floats, freedom: Floats) -> Iterator[Floats]:
    """Yield design matrices (N, p) of the logarithm of the variance, the simplest first.

    The corners of a polygon stand in the middle of stretches with equal degrees of freedom.
    """
    yield np.ones((place.size, 1))
    yield np.column_stack([np.ones(place.size), ln_modulus - ln_modulus.mean()])
    share = (np.cumsum(freedom) - 0.5 * freedom) / freedom.sum()
    for count in _CORNERS:
        if freedom.sum() < _FREEDOM_PER_CORNER * count:
            return
        corners = np.interp((np.arange(count) + 0.5) / count, share, -place)
        yield _polygon(-place, corners)


def _polygon(x: Floats, corners: Floats) -> Floats:
    """Return the matrix (N, p) that turns heights at the corners into those at `x`, the outer sides prolonged."""
    left = np.clip(np.searchsorted(corners, x) - 1, 0, corners.size - 2)
    share = (x - corners[left]) / (corners[left + 1] - corners[left])
    rows = np.arange(x.size)
    matrix = np.zeros((x.size, corners.size))
    matrix[rows, left], matrix[rows, left + 1] = 1.0 - share, share
    return matrix


def _fitted(law: Floats, square: Floats, sharing: Floats, freedom: Floats) -> tuple[Floats, float]:
    """Return the parameters of greatest likelihood, by scoring, and the deviance."""
    root = np.sqrt(freedom)
    start = float(np.sum(square) / np.sum(sharing))
    parameters = np.linalg.lstsq(law, np.full(square.size, math.log(max(start, 1e-300))))[0]
    for _ in range(_ITERATIONS):
        variance = np.exp(law @ parameters)
        expected = sharing @ variance
        slope = sharing @ (variance[:, None] * law) / expected[:, None]
        excess = np.minimum(square / expected, _STEEPEST) - 1.0
        step = np.linalg.lstsq(slope * root[:, None], excess * root)[0]
        change = law @ step
        largest = float(np.max(np.abs(change)))
        parameters = parameters + step * min(1.0, _LONGEST / max(largest, 1e-300))
        if largest < _SETTLED:
            break
    expected = sharing @ np.exp(law @ parameters)
    return parameters, float(np.sum(freedom * (np.log(expected) + square / expected)))
