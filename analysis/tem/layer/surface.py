"""Outline of a particle in a micrograph, traced on where its coating is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ..image import Micrograph
from ..profiles import block_means, sample_band
from ..trace import Interface, smooth_interface, threshold_within, trace_between, trace_edge

Array = NDArray[np.float64]

_WINDOW = 0.1  # smoothing of the outline, in lengths of the traced edge: over the rims of gaps
_TORTUOUS = 2.0  # ratio of traced to smoothed length: below 1.3 for edges, above 2.5 for noise
_RIMS = 6  # power of that ratio by which an outline with rims counts less than one without
_BLOCKS = 100
_REACH = 0.6  # of the radius of curvature: beyond, normals meet inside the particle


@dataclass(frozen=True)
class _Outline:
    curve: Interface
    score: float


def particle_outline(image: Micrograph, reach: float) -> Interface:
    """Return the boundary between a particle and its surroundings, smooth over the rims of gaps in the coating.

    The boundary of a layer that is brighter or darker than both its sides turns back at a gap. Four outlines are
    traced: between the two classes of the image, within either class, and around the grey between those that is left
    when seams thinner than a few pixels are removed. The one is taken along which both sides keep levels of their own
    best and longest, with the fewest rims.

    Parameters
    ----------
    image : Micrograph
        Calibrated image.
    reach : float
        Distance in nm to each side that is looked at.

    Returns
    -------
    Interface

    Raises
    ------
    NotAnalysable
        If there is no boundary, or only ragged ones.
    """
    outlines, reasons = [], []
    for trace in (_between_classes, _within_brighter, _within_darker, _between_thresholds):
        try:
            outlines.append(_judged(image, trace(image), reach))
        except NotAnalysable as reason:
            reasons.append(reason)
    if not outlines:
        raise reasons[0]
    return max(outlines, key=lambda outline: outline.score).curve


def _between_classes(image: Micrograph) -> Array:
    return trace_edge(image.intensity, image.pixel_size)


def _within_brighter(image: Micrograph) -> Array:
    return trace_edge(image.intensity, image.pixel_size, threshold_within(image.intensity, brighter=True))


def _within_darker(image: Micrograph) -> Array:
    return trace_edge(image.intensity, image.pixel_size, threshold_within(image.intensity, brighter=False))


def _between_thresholds(image: Micrograph) -> Array:
    return trace_between(image.intensity, image.pixel_size)


def _judged(image: Micrograph, edge: Array, reach: float) -> _Outline:
    """Return a traced edge as a smooth outline with how well it divides two levels, times its length."""
    traced = float(np.hypot(*np.diff(edge, axis=0).T).sum())
    curve = smooth_interface(edge, _WINDOW * traced, image.step)
    ratio = traced / curve.length
    if ratio > _TORTUOUS:
        raise NotAnalysable(
            "the boundary between dark and bright is ragged like noise; crop to the particle or bin the image"
        )
    return _Outline(curve, _separation(image, curve, reach) * curve.length**2 / ratio**_RIMS)


def _separation(image: Micrograph, curve: Interface, reach: float) -> float:
    """Return the difference between the levels on both sides over their spread along the curve."""
    reach = max(min(reach, _REACH * curve.radius), 6 * image.step)
    distance = np.arange(-reach, reach + image.step / 2, image.step)
    band = block_means(sample_band(image.intensity, image.pixel_size, curve, distance), len(curve.position) // _BLOCKS)
    end = len(distance) // 6
    sides = []
    for side in (band[:, :end], band[:, -end:]):
        within = side[np.isfinite(side).any(axis=1)]
        if len(within) < _BLOCKS // 4:
            return 0.0
        sides.append(np.nanmean(within, axis=1))
    spread = np.hypot(*(0.5 * np.subtract(*np.percentile(side, [84.0, 16.0])) for side in sides))
    return float(abs(np.median(sides[0]) - np.median(sides[1])) / max(float(spread), 1e-12))
