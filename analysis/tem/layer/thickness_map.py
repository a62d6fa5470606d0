"""Thickness of a coating from place to place on a particle, down to zero where there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ...statistics import ONE_SIDED_95
from ..image import Micrograph
from ..profiles import median_profile
from ..trace import Interface, smooth_interface
from .double_erf import (
    BASE,
    LOG_SIGMA1,
    LOG_SIGMA2,
    STEP1,
    STEP2,
    THICKNESS,
    X1,
    Fits,
    double_erf,
    find_start,
    fit_profiles,
)
from .local import scaled_to_residuals
from .surface import particle_outline
from .tied_fits import SEEN, Blocks, blocks_along, near_outline, tied_directions, tied_fits

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_SEARCH = 0.35  # half-width of the first band, in shorter sides of the image
_REACH = 0.6  # ... and at most, in radii of curvature
_COARSE = 100  # blocks in which the coated places are looked for
_EXTREME = 0.1  # share of these blocks that stands for the thickest and for the thinnest coating
_RESOLVED = 2.5  # thicknesses of a covered stretch in edge widths, below which its grey level is not seen
_STANDS_OUT = 6.0  # standard uncertainties of both steps
_LEAST_STEP = 0.1  # of the larger step; slopes of illumination and foil make smaller ones
_ALIKE = 0.1  # relative: contrasts, thicknesses and edge widths that need not be tried twice
_CONSISTENT = 0.3  # relative: a rim or a blurred edge taken for a layer finds blocks far thicker than itself
_LEAST_GAIN = 25.0  # in chi-square of a coated block: five standard uncertainties; bare particles give up to 17
_CLOSED = 0.05  # of the length of an outline: distance of its ends
_PATCH = 1.2  # thicknesses in areas of an outline over its length: 2 around a patch, 0.6 around thick coatings
_LEAST_MEASURED = 0.75  # of the blocks; fewer where the outline is not that of the particle
_BLOCK_ERROR = 0.08  # of a block in thicknesses: short blocks, for gaps are found place by place
_BLOCK_RANGE = (5, 24)  # a block holds at least this many normals; a surface at least that many blocks
_MOST_BLOCKS = 400
_TRACING = 0.1  # pixels, as for the mean thickness
_WINDOW = 1.2  # smoothing of the surface, in thicknesses ...
_WINDOW_OF_RADIUS = 0.2  # ... but not above this share of the radius of curvature


@dataclass(frozen=True)
class ThicknessMap:
    """Thickness of a coating in b blocks along the surface of a particle.

    Parameters
    ----------
    surface : Interface
        The particle's own surface, without its coating.
    arclength : ndarray, shape (b,)
        Middle of each block on it in nm.
    block : float
        Length of a block in nm.
    contrast : Fits
        Fit of the median profile of the coated places, of one.
    distance, profile : ndarray, shape (m,)
        Positions along the normals in nm and that profile.
    thickness, stderr : ndarray, shape (b,)
        In nm, NaN where not measured.
    contrast_scale : ndarray, shape (b,)
        Contrast of each block in that of the coated places; below 1 where a block is coated in part.
    first_edge : ndarray, shape (b,)
        Where along the normal the coating begins, nm; one of its edges is the particle's.
    detectable : float
        Thickness in nm that a block tells from none, with risks of 5 % on either side.
    """

    surface: Interface
    arclength: Array
    block: float
    contrast: Fits
    distance: Array
    profile: Array
    thickness: Array
    stderr: Array
    contrast_scale: Array
    first_edge: Array
    detectable: float

    @property
    def stands_out(self) -> bool:
        """Whether the coating is brighter or darker than both its sides."""
        return bool(self.contrast.parameters[0, STEP1] * self.contrast.parameters[0, STEP2] < 0)

    @property
    def typical(self) -> float:
        """Thickness in nm of the median profile of the coated places."""
        return float(self.contrast.parameters[0, THICKNESS])


@dataclass(frozen=True)
class Bare:
    """A surface on which no layer with a grey of its own is seen.

    Parameters
    ----------
    surface : Interface
    resolvable : float
        Thickness in nm from which a layer would have been seen.
    """

    surface: Interface
    resolvable: float


def map_thickness(image: Micrograph, search_width: float | None) -> ThicknessMap | Bare:
    """Return the thickness of a coating along the surface of a particle, or that there is none.

    The grey of the coating is learnt where the coating is: the profiles of blocks along the outline are compared by
    their principal components, and the contrast that explains all of them best, some with and some without a layer, is
    refined on the coated ones. With the contrast so fixed, the thickness is told down to zero, where a free fit sees no
    layer at all.

    Parameters
    ----------
    image : Micrograph
        Calibrated image.
    search_width : float or None
        Distance in nm to each side of the outline within which the layer lies; 35 % of the shorter side if None.

    Returns
    -------
    ThicknessMap or Bare

    Raises
    ------
    NotAnalysable
        If there is no outline.
    """
    shorter = min(n * side for n, side in zip(image.intensity.shape, image.pixel_size, strict=True))
    reach = _SEARCH * shorter if search_width is None else search_width
    outline = particle_outline(image, reach)
    reach = min(reach, _REACH * outline.radius) if search_width is None else reach
    distance = np.arange(-reach, reach + image.step / 2, image.step)
    blocks = blocks_along(image, outline, distance, max(_BLOCK_RANGE[0], len(outline.position) // _COARSE))
    candidates = _contrasts(blocks)
    resolvable = _resolvable(blocks)
    if not candidates:
        return Bare(outline, resolvable)
    blocks = near_outline(blocks, candidates)
    attempts = [(contrast, *tied_fits(blocks, contrast)) for contrast in candidates]
    attempts.sort(key=lambda attempt: (not _consistent(*attempt), float(attempt[1].chi_square.sum())))
    best = next((attempt for attempt in attempts if _gain(blocks, *attempt[:2]) >= _LEAST_GAIN), None)
    if best is None:
        raise NotAnalysable("what looks like a layer hardly stands out of the noise; bin the image or expose longer")
    contrast, fits, measured = best
    surface, first_is_own = _surface(image, outline, blocks, fits, measured)
    _check_particle(surface, float(contrast.parameters[0, THICKNESS]))
    # Rims bend the normals of an outline that follows the coating; those of its inner edge are bent less.
    contrast = _shifted(contrast, first_is_own=first_is_own)
    blocks = blocks_along(image, surface, _beside(image, contrast), _least_width(surface))
    surface, first_is_own = _surface(image, surface, blocks, *tied_fits(blocks, contrast))
    return _along_surface(image, surface, _shifted(contrast, first_is_own=first_is_own))


def _check_particle(surface: Interface, thickness: float) -> None:
    """Raise where the outline is that of a patch of the coating."""
    y, x = surface.position.T
    if np.hypot(y[-1] - y[0], x[-1] - x[0]) > _CLOSED * surface.length:
        return
    area = 0.5 * abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))
    if thickness > _PATCH * area / surface.length:
        raise NotAnalysable(
            "the outline runs around a patch of coating: particle and surroundings differ too little in grey"
        )


def _contrasts(blocks: Blocks) -> list[Fits]:
    """Return fits of the median profile of all blocks and of those that differ most, if they show a layer."""
    groups = [blocks.profiles]
    if len(blocks.profiles) >= _BLOCK_RANGE[1]:
        count = max(4, round(_EXTREME * len(blocks.profiles)))
        for score in _scores(blocks.profiles):
            order = np.argsort(score)
            groups += [blocks.profiles[order[:count]], blocks.profiles[order[-count:]]]
    fits = [_fit_median(blocks, group) for group in groups]
    kept: list[Fits] = []
    for fit in fits:
        if fit is not None and _shows_layer(fit) and not any(_alike(fit, other) for other in kept):
            kept.append(fit)
    return kept


def _scores(profiles: Array) -> list[Array]:
    """Return how much each block holds of the two strongest differences from the median, illumination apart."""
    middle = median_profile(profiles)
    inside = np.isfinite(middle)
    profiles, middle = profiles[:, inside], middle[inside]
    filled = np.where(np.isfinite(profiles), profiles, middle)
    design = np.stack([np.ones_like(middle), middle], axis=1)
    residual = filled - filled @ np.linalg.pinv(design).T @ design.T
    left, strength, _ = np.linalg.svd(residual - np.median(residual, axis=0), full_matrices=False)
    kernel = np.ones(3) / 3.0
    return [np.convolve(left[:, k] * strength[k], kernel, mode="same") for k in range(2)]


def _fit_median(blocks: Blocks, group: Array) -> Fits | None:
    profile = median_profile(group)
    inside = np.isfinite(profile)
    if inside.sum() < 12:
        return None
    noise = blocks.noise / math.sqrt(len(group))
    return find_start(blocks.distance[inside], profile[inside], noise[inside])


def _alike(fit: Fits, other: Fits) -> bool:
    """Return whether two contrasts differ by less than blocks may differ from either."""
    ours, theirs = (np.append(f.parameters[0, [STEP1, STEP2, THICKNESS]], f.sigma) for f in (fit, other))
    return bool((np.abs(ours - theirs) < _ALIKE * np.abs(theirs)).all())


def _shows_layer(fit: Fits) -> bool:
    steps = np.abs(fit.parameters[0, [STEP1, STEP2]])
    errors = np.array([fit.stderr(STEP1)[0], fit.stderr(STEP2)[0]])
    resolved = float(fit.parameters[0, THICKNESS]) >= _RESOLVED * float(fit.sigma[0])
    return bool(resolved and (steps > _STANDS_OUT * errors).all() and steps.min() > _LEAST_STEP * steps.max())


def _resolvable(blocks: Blocks) -> float:
    """Return the thickness above which a layer would be told from the edge itself, from a fit of one edge."""
    profile = median_profile(blocks.profiles)
    inside = np.isfinite(profile)
    distance, profile, noise = blocks.distance[inside], profile[inside], blocks.noise[inside]
    directions = np.zeros((7, 4))
    directions[BASE, 0] = directions[STEP1, 1] = directions[X1, 2] = directions[[LOG_SIGMA1, LOG_SIGMA2], 3] = 1.0
    width = math.log(5 * float(distance[1] - distance[0]))
    start = np.array([[profile[0], profile[-1] - profile[0], 0.0, 0.0, 0.0, width, width]])
    return _RESOLVED * float(fit_profiles(distance, profile[None, :], noise, start, directions=directions).sigma[0])


def _consistent(contrast: Fits, fits: Fits, measured: Flags) -> bool:
    """Return whether the coated blocks are as thick as the profile from which their contrast comes."""
    coated = fits.parameters[_coated(fits, measured, contrast), THICKNESS]
    typical = float(contrast.parameters[0, THICKNESS])
    return bool(len(coated) and abs(float(np.median(coated)) - typical) < _CONSISTENT * typical)


def _gain(blocks: Blocks, contrast: Fits, fits: Fits) -> float:
    """Return by how much a layer lowers chi-square in a coated block, in units of the noise that the residuals show."""
    coated = fits.parameters[:, THICKNESS] > SEEN * float(contrast.parameters[0, THICKNESS])
    if not coated.any():
        return 0.0
    bare, _ = tied_fits(replace(blocks, profiles=blocks.profiles[coated]), contrast, most=0.0)
    noise = float(fits.chi_square.sum()) / np.count_nonzero(np.isfinite(blocks.profiles))
    return float(np.mean(bare.chi_square - fits.chi_square[coated])) / noise


def _surface(
    image: Micrograph, curve: Interface, blocks: Blocks, fits: Fits, measured: Flags
) -> tuple[Interface, bool]:
    """Return the surface of the particle and whether the first edge is its own.

    Of both edges, that of the particle is the shorter: it lies inside and has no rims where the coating ends.
    """
    first, thickness = fits.parameters[measured, X1], fits.parameters[measured, THICKNESS]
    closed = bool(np.hypot(*(curve.position[-1] - curve.position[0])) < 2 * curve.arclength[1])
    edges = []
    for edge in (first, first + thickness):
        offset = np.interp(curve.arclength, blocks.arclength[measured], _without_spikes(edge))
        points = curve.position + offset[:, None] * curve.normal
        edges.append(np.concatenate([points, points[:1]]) if closed else points)
    lengths = [float(np.hypot(*np.diff(edge, axis=0).T).sum()) for edge in edges]
    first_is_own = lengths[0] <= lengths[1]
    typical = float(np.percentile(np.abs(thickness), 90.0))
    window = max(min(_WINDOW * typical, _WINDOW_OF_RADIUS * curve.radius), 10 * image.step)
    return smooth_interface(edges[0 if first_is_own else 1], window, image.step), first_is_own


def _without_spikes(series: Array) -> Array:
    """Return a running median over five points."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(series, 5, mode="nearest"), dtype=np.float64)


def _shifted(contrast: Fits, *, first_is_own: bool) -> Fits:
    """Return a contrast with the particle's edge at 0."""
    parameters = contrast.parameters.copy()
    parameters[0, X1] = 0.0 if first_is_own else -parameters[0, THICKNESS]
    return replace(contrast, parameters=parameters)


def _beside(image: Micrograph, contrast: Fits) -> Array:
    """Return distances from the surface that hold the coating with a margin on either side."""
    typical, first = float(contrast.parameters[0, THICKNESS]), float(contrast.parameters[0, X1])
    margin = max(typical, 5 * float(contrast.sigma[0]), 10 * image.step)
    return np.arange(first - margin, first + typical + margin + image.step / 2, image.step)


def _least_width(surface: Interface) -> int:
    return max(_BLOCK_RANGE[0], len(surface.position) // _MOST_BLOCKS)


def _along_surface(image: Micrograph, surface: Interface, contrast: Fits) -> ThicknessMap:
    """Return the map on the particle's surface with the contrast of the coated places."""
    distance, width = _beside(image, contrast), _least_width(surface)
    most = max(width, len(surface.position) // _BLOCK_RANGE[1])
    blocks = blocks_along(image, surface, distance, width)
    contrast = _refined(blocks, contrast)
    fits, measured = tied_fits(blocks, contrast)
    wanted = math.ceil(width * (_typical_error(fits, measured, contrast) / _BLOCK_ERROR) ** 2)
    if wanted > 1.2 * width and width < most:
        blocks = blocks_along(image, surface, distance, min(wanted, most))
        contrast = _refined(blocks, contrast)
        fits, measured = tied_fits(blocks, contrast)
    coated = _coated(fits, measured, contrast)
    if not coated.any() or measured.mean() < _LEAST_MEASURED:
        raise NotAnalysable(
            f"the profiles fit a layer on no or too little of the surface ({measured.mean():.0%} measured); "
            "crop to the particle or give a search width"
        )
    scaled = scaled_to_residuals(fits, (blocks.profiles - fits.model) / blocks.noise)
    scale = math.sqrt(scaled.covariance[0, THICKNESS, THICKNESS] / fits.covariance[0, THICKNESS, THICKNESS])
    places = np.rint((blocks.arclength - blocks.arclength[0]) / blocks.length).astype(int)

    def on_grid(values: Array) -> Array:
        series = np.full(places[-1] + 1, np.nan)
        series[places[measured]] = values[measured]
        return series

    return ThicknessMap(
        surface=surface,
        arclength=blocks.arclength[0] + blocks.length * np.arange(places[-1] + 1),
        block=blocks.length,
        contrast=contrast,
        distance=blocks.distance,
        profile=median_profile(blocks.profiles[coated]),
        thickness=on_grid(fits.parameters[:, THICKNESS]),
        stderr=on_grid(np.hypot(scaled.stderr(THICKNESS), _TRACING * image.step)),
        contrast_scale=on_grid(fits.parameters[:, STEP1] / contrast.parameters[0, STEP1]),
        first_edge=on_grid(fits.parameters[:, X1]),
        detectable=_detectable(blocks, contrast, scale),
    )


def _coated(fits: Fits, measured: Flags, contrast: Fits) -> Flags:
    return np.asarray(measured & (fits.parameters[:, THICKNESS] > SEEN * float(contrast.parameters[0, THICKNESS])))


def _detectable(blocks: Blocks, contrast: Fits, scale: float) -> float:
    """Return the thickness that a block tells from none; the thinnest layers only widen an edge and are hardest."""
    thickness = np.linspace(0.02, 2.0, 100) * float(contrast.parameters[0, THICKNESS])
    start = np.repeat(contrast.parameters, len(thickness), axis=0)
    start[:, THICKNESS] = thickness
    spread, directions = tied_directions(contrast.parameters[0, [STEP1, STEP2]])
    exact = double_erf(blocks.distance, start)
    fits = fit_profiles(blocks.distance, exact, blocks.noise, start, spread=spread, directions=directions)
    hidden = np.flatnonzero(thickness < 2 * ONE_SIDED_95 * scale * fits.stderr(THICKNESS))
    return float(thickness[min(hidden[-1] + 1, len(thickness) - 1)]) if len(hidden) else float(thickness[0])


def _refined(blocks: Blocks, contrast: Fits) -> Fits:
    """Return the fit of the median profile of the coated blocks, the old one where that shows no layer."""
    coated = _coated(*tied_fits(blocks, contrast), contrast)
    profile = median_profile(blocks.profiles[coated])
    if not np.isfinite(profile).all():
        return contrast
    noise = blocks.noise / math.sqrt(int(coated.sum()))
    fit = fit_profiles(blocks.distance, profile[None, :], noise, contrast.parameters)
    return fit if fit.converged.all() and _shows_layer(fit) else contrast


def _typical_error(fits: Fits, measured: Flags, contrast: Fits) -> float:
    """Return the median uncertainty of a coated block's thickness in thicknesses."""
    coated = _coated(fits, measured, contrast)
    if not coated.any():
        return 0.0
    return float(np.median(fits.stderr(THICKNESS)[coated])) / float(contrast.parameters[0, THICKNESS])
