"""Profiles of blocks along a surface, fitted with one contrast of the coating, down to no coating at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..image import Micrograph
from ..profiles import block_means, noise_profile, sample_band
from ..trace import Interface
from .double_erf import BASE, FREE, STEP1, STEP2, THICKNESS, X1, Fits, double_erf, fit_profiles

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SEEN = 0.5
"""Of the typical thickness: blocks above are coated when the contrast is refined."""

_CONTRAST_SPREAD = 0.3  # relative: how far uneven illumination and foil may change the contrast along a particle


@dataclass(frozen=True)
class Blocks:
    """Mean profiles of blocks of normals, their noise, and the middle of each block."""

    distance: Array
    profiles: Array
    noise: Array
    arclength: Array
    length: float


def blocks_along(image: Micrograph, curve: Interface, distance: Array, width: int) -> Blocks:
    """Return blocks of `width` normals of which at least half of the band lies within the image."""
    band = sample_band(image.intensity, image.pixel_size, curve, distance)
    means = block_means(band, width)
    step = float(curve.arclength[1])
    arclength = np.asarray((np.arange(len(means)) + 0.5) * width * step - 0.5 * step, dtype=np.float64)
    kept = np.isfinite(means).mean(axis=1) > 0.5
    return Blocks(distance, means[kept], noise_profile(band) / math.sqrt(width), arclength[kept], width * step)


def tied_fits(blocks: Blocks, contrast: Fits, *, most: float = 1.5) -> tuple[Fits, Flags]:
    """Fit edge and thickness of every block with one contrast; return also which blocks were measured.

    Fits start from the best of a grid of edges and thicknesses up to `most` typical ones, for a fit from the wrong face
    of the layer stays there; with 0 they have no layer.
    """
    spread, directions = tied_directions(contrast.parameters[0, [STEP1, STEP2]])
    start = _grid_start(blocks, contrast, most)
    directions = directions if most > 0 else directions[:, :3]
    fits = fit_profiles(blocks.distance, blocks.profiles, blocks.noise, start, spread=spread, directions=directions)
    first = fits.parameters[:, X1]
    last = first + fits.parameters[:, THICKNESS]
    inside = (np.minimum(first, last) > blocks.distance[0]) & (np.maximum(first, last) < blocks.distance[-1])
    sound = fits.parameters[:, THICKNESS] > -SEEN * float(contrast.parameters[0, THICKNESS])
    return fits, np.asarray(fits.converged & inside & sound)


def tied_directions(steps: Array) -> tuple[Array, Array]:
    """Return prior and directions of a fit that scales both steps by one factor and keeps the edge widths."""
    spread = FREE.copy()
    spread[[STEP1, STEP2]] = math.sqrt(2.0) * _CONTRAST_SPREAD * np.abs(steps)
    directions = np.zeros((7, 4))
    directions[BASE, 0] = directions[X1, 2] = directions[THICKNESS, 3] = 1.0
    directions[[STEP1, STEP2], 1] = steps / np.abs(steps).max()
    return spread, directions


def _grid_start(blocks: Blocks, contrast: Fits, most: float) -> Array:
    """Return for each block the edge and thickness of a grid that suit it best with a base and a scale of its own."""
    whole = contrast.parameters[0]
    typical = float(whole[THICKNESS])
    step = max(float(contrast.sigma[0]), typical / 8)
    first = np.arange(blocks.distance[0], blocks.distance[-1], step)
    thickness = np.arange(0.0, most * typical + 0.5 * step, step)
    places = np.stack([part.ravel() for part in np.meshgrid(first, thickness)], axis=1)
    places = places[places.sum(axis=1) < blocks.distance[-1]]
    grid = np.repeat(contrast.parameters, len(places), axis=0)
    grid[:, [X1, THICKNESS]] = places
    grid[:, BASE] = 0.0
    shapes = double_erf(blocks.distance, grid)

    present = np.isfinite(blocks.profiles)
    weight = present / blocks.noise**2
    data = np.where(present, blocks.profiles, 0.0) * weight
    total, mean = weight.sum(axis=1, keepdims=True), data.sum(axis=1, keepdims=True)
    of_shape, square, product = weight @ shapes.T, weight @ (shapes**2).T, data @ shapes.T
    # Least squares in base and scale, the scale drawn to 1 as in the fit.
    prior = 1 / _CONTRAST_SPREAD**2
    curvature = square - of_shape**2 / total + prior
    slope = product - of_shape * mean / total + prior
    best = np.argmax(slope**2 / curvature, axis=1)
    rows = np.arange(len(best))
    scale = (slope / curvature)[rows, best]
    start = grid[best]
    start[:, BASE] = (mean[:, 0] - scale * of_shape[rows, best]) / total[:, 0]
    return np.asarray(start)


def near_outline(blocks: Blocks, candidates: list[Fits]) -> Blocks:
    """Return the part of the band in which the layer may lie on an outline that follows either of its faces."""
    begin, end = math.inf, -math.inf
    for contrast in candidates:
        typical, first = float(contrast.parameters[0, THICKNESS]), float(contrast.parameters[0, X1])
        margin = 1.5 * typical + 5 * float(contrast.sigma[0])
        begin, end = min(begin, first - margin), max(end, first + typical + margin)
    near = (blocks.distance > begin) & (blocks.distance < end)
    return replace(blocks, distance=blocks.distance[near], profiles=blocks.profiles[:, near], noise=blocks.noise[near])
