"""The edge energy: where the absorption rises fastest."""

from __future__ import annotations

import math

import numpy as np

from ..errors import NotAnalysable
from .scan import Array, Scan, noise

# The slope is trusted once it stands this many of its own standard deviations above zero.
_SIGNIFICANT = 15.0
# Widest half window in eV over which a noisy slope is averaged: about the core-hole broadening of the S K-edge.
_WIDEST = 0.6


def edge_energy(scan: Scan) -> tuple[float, float]:
    """Return the edge energy and its standard uncertainty in eV.

    The slope is that of a parabola fitted to each point and its neighbours: two on each side, and twice as many again
    while the largest slope drowns in noise. The vertex of the parabola through the largest slope and the two beside it
    is the edge. The uncertainty joins the noise propagated through both steps, the step of the grid (uniform over one
    step), and the shift that twice the smoothing would bring (uniform up to it).

    Raises
    ------
    NotAnalysable
        If the absorption does not rise beyond its noise.
    """
    sigma = noise(scan.energy, scan.mu) if scan.stderr is None else float(np.median(scan.stderr))
    step = float(np.quantile(np.diff(scan.energy), 0.1))
    rounding = 1e-9 * float(np.abs(scan.mu).max())
    reach, widest = 2, min(max(2, math.ceil(_WIDEST / step)), scan.energy.size // 8 + 1)
    while True:
        position, response, height = _steepest(scan, reach)
        significance = height / (max(sigma, rounding) * response[0])
        if significance > _SIGNIFICANT or reach >= widest:
            break
        reach = min(2 * reach, widest)
    if significance < 5:
        raise NotAnalysable("the absorption rises nowhere beyond its noise; expected a scan with an absorption edge")
    grid = float(np.diff(scan.energy)[np.searchsorted(scan.energy, position) - 1])
    smoother = _steepest(scan, min(2 * reach, scan.energy.size // 4))[0]
    shift = min(abs(smoother - position), 2 * reach * grid)
    return position, math.sqrt((sigma * response[1]) ** 2 + grid**2 / 12 + shift**2 / 3)


def _steepest(scan: Scan, reach: int) -> tuple[float, tuple[float, float], float]:
    """Return where the slope is largest, how slope and position answer to unit noise, and the slope there."""
    weights = _slope_weights(scan.energy, reach)
    slope = np.einsum("ij,ij->i", weights, np.lib.stride_tricks.sliding_window_view(scan.mu, 2 * reach + 1))
    best = int(np.argmax(slope[1:-1])) + 1
    near = slice(best - 1, best + 2)
    vertex, gradient = _vertex(scan.energy[reach:-reach][near], slope[near])
    answer = np.zeros(2 * reach + 3)
    for shift in range(3):
        answer[shift : shift + 2 * reach + 1] += gradient[shift] * weights[near][shift]
    return vertex, (float(np.linalg.norm(weights[best])), float(np.linalg.norm(answer))), float(slope[best])


def _slope_weights(energy: Array, reach: int) -> Array:
    """Return, for every inner point, the weights whose product with its neighbours is the slope; (n - 2 reach, ...)."""
    offsets = np.lib.stride_tricks.sliding_window_view(energy, 2 * reach + 1) - energy[reach:-reach, None]
    scale = np.abs(offsets).max(axis=1, keepdims=True)
    scaled = offsets / scale
    powers = np.stack([np.ones_like(scaled), scaled, scaled**2], axis=-1)
    weights: Array = np.linalg.pinv(powers)[:, 1, :] / scale
    return weights


def _vertex(x: Array, y: Array) -> tuple[float, Array]:
    """Return the vertex of the parabola through three points and its derivatives with respect to `y`."""
    x0 = x - x[1]
    (a, b, c) = (y[0] - y[1]) / x0[0], (y[2] - y[1]) / x0[2], x0[2] - x0[0]
    curvature, slope = (b - a) / c, (a * x0[2] - b * x0[0]) / c
    if curvature >= 0:
        return float(x[1]), np.zeros(3)
    slope_by_y = np.array([x0[2] / x0[0], 0.0, -x0[0] / x0[2]]) / c
    curvature_by_y = np.array([-1 / x0[0], 0.0, 1 / x0[2]]) / c
    slope_by_y[1], curvature_by_y[1] = -slope_by_y.sum(), -curvature_by_y.sum()
    gradient = -0.5 * (slope_by_y / curvature - slope * curvature_by_y / curvature**2)
    return float(x[1] - 0.5 * slope / curvature), gradient
