"""Local thickness of a layer along its interface, from the image to one double-erf fit a block of normals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ..image import Micrograph
from ..profiles import block_means, median_profile, noise_profile, sample_band
from ..trace import Interface, smooth_interface, trace_edge
from .double_erf import FREE, STEP1, THICKNESS, X1, Fits, find_start, fit_profiles

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_SEARCH = 0.35  # half-width of the first band, in shorter sides of the image
_FIRST_WINDOW = 0.1  # smoothing of the first curve, in lengths of the traced edge
_RADIUS_WINDOW = 0.3  # smoothing of the curve that tells the radius of curvature, in lengths of the traced edge
_TORTUOUS = (
    2.0  # ratio of traced to smoothed length: below 1.3 for edges even at 3 electrons a pixel, above 2.5 for noise
)
_WINDOW = 3.0  # smoothing of the final curve, in layer thicknesses ...
_WINDOW_OF_RADIUS = 0.2  # ... but not above this share of the radius of curvature
_BLOCK_ERROR = 0.02  # in thicknesses; its square skews them upwards
_BLOCK_RANGE = (5, 24)  # a block holds at least this many normals; an interface at least that many blocks
_MOST_BLOCKS = 400
_SPREAD = np.array(
    [*FREE[:5], 0.5, 0.5]
)  # prior on the logarithm of a block's edge widths about those of the whole interface
_OUTLIER = 5.0  # robust standard deviations


@dataclass(frozen=True)
class LocalThickness:
    """Fits to b blocks of normals along an interface.

    Parameters
    ----------
    interface : Interface
        The traced curve.
    arclength : ndarray, shape (b,)
        Middle of each block in nm.
    block : float
        Length of a block in nm.
    distance : ndarray, shape (m,)
        Positions along the normals in nm.
    profile : ndarray, shape (m,)
        Median over all normals.
    overall : Fits
        Fit of `profile`.
    fits : Fits
        Fits of the blocks, covariance scaled to the noise that the residuals show.
    noise : ndarray, shape (m,)
        Standard deviation of a sample of a block profile.
    residual : ndarray, shape (b, m)
        Block profiles minus model.
    accepted : ndarray of bool, shape (b,)
        Blocks with a sound fit.
    """

    interface: Interface
    arclength: Array
    block: float
    distance: Array
    profile: Array
    overall: Fits
    fits: Fits
    noise: Array
    residual: Array
    accepted: Flags

    @property
    def thickness(self) -> Array:
        """Thickness of each block in nm, NaN where rejected, shape (b,)."""
        return np.where(self.accepted, self.fits.parameters[:, THICKNESS], np.nan)

    @property
    def series(self) -> Array:
        """Thickness at equal steps from the first block to the last, NaN also where the image holds no block."""
        places = np.rint((self.arclength - self.arclength[0]) / self.block).astype(int)
        series = np.full(places[-1] + 1, np.nan)
        series[places] = self.thickness
        return series

    @property
    def rejected_fraction(self) -> float:
        """Share of the blocks without a sound fit."""
        return float(1 - self.accepted.mean())


def measure_local_thickness(image: Micrograph, search_width: float | None) -> LocalThickness:
    """Return the thickness of the layer along the longest interface of an image.

    Parameters
    ----------
    image : Micrograph
        Calibrated image.
    search_width : float or None
        Distance in nm to each side of the traced edge within which the layer lies; 35 % of the shorter side if None.

    Returns
    -------
    LocalThickness

    Raises
    ------
    NotAnalysable
        If no interface is found or too little of it lies within the image.
    """
    edge = trace_edge(image.intensity, image.pixel_size)
    step = image.step
    shorter = min(n * side for n, side in zip(image.intensity.shape, image.pixel_size, strict=True))
    reach = _SEARCH * shorter if search_width is None else search_width
    length = float(np.hypot(*np.diff(edge, axis=0).T).sum())
    radius = smooth_interface(edge, _RADIUS_WINDOW * length, step).radius
    first = smooth_interface(edge, _FIRST_WINDOW * length, step)
    if length > _TORTUOUS * first.length:
        raise NotAnalysable(
            "the boundary between dark and bright is ragged like noise; crop to the layer or bin the image"
        )
    distance, _, _, overall = _flatten(image, first, np.arange(-reach, reach + step / 2, step))

    thickness = float(overall.parameters[0, THICKNESS])
    window = min(_WINDOW * thickness, _WINDOW_OF_RADIUS * radius)
    interface = smooth_interface(edge, max(window, 10 * step), step)
    margin = max(thickness, 5 * float(overall.sigma[0]), 10 * step)
    x1 = float(overall.parameters[0, X1])
    near = distance[(distance > x1 - margin) & (distance < x1 + thickness + margin)]
    distance, band, profile, overall = _flatten(image, interface, near)
    width = _block_width(overall, len(band))
    return _fit_blocks(interface, distance, band, profile, overall, width)


def _flatten(image: Micrograph, interface: Interface, distance: Array) -> tuple[Array, Array, Array, Fits]:
    """Return distances within the image, the flattened band, its median profile and the fit of that."""
    band = sample_band(image.intensity, image.pixel_size, interface, distance)
    profile = median_profile(band)
    inside = np.flatnonzero(np.isfinite(profile))
    if len(inside) < 12:
        raise NotAnalysable("the traced interface runs along the rim of the image; nothing lies beside it")
    keep = slice(int(inside[0]), int(inside[-1]) + 1)
    distance, band, profile = distance[keep], band[:, keep], profile[keep]
    profile = np.interp(distance, distance[np.isfinite(profile)], profile[np.isfinite(profile)])
    noise = noise_profile(band) / np.sqrt(len(band))
    return distance, band, profile, find_start(distance, profile, noise)


def _fit_blocks(
    interface: Interface, distance: Array, band: Array, profile: Array, overall: Fits, width: int
) -> LocalThickness:
    step = float(interface.arclength[1])
    means = block_means(band, width)
    arclength = np.asarray((np.arange(len(means)) + 0.5) * width * step - 0.5 * step, dtype=np.float64)
    x1, thickness, sigma = float(overall.parameters[0, X1]), float(overall.parameters[0, THICKNESS]), overall.sigma[0]
    core = (distance > x1 - 3 * sigma) & (distance < x1 + thickness + 3 * sigma)
    whole = np.isfinite(means[:, core]).all(axis=1)
    if whole.sum() < _BLOCK_RANGE[1] / 2:
        raise NotAnalysable(
            f"only {whole.sum() * width * step:.3g} nm of the interface have the whole layer within the image"
        )
    means, arclength = means[whole], arclength[whole]
    start = np.repeat(overall.parameters, len(means), axis=0)
    noise = noise_profile(band) / np.sqrt(width)
    fits = fit_profiles(distance, means, noise, start, spread=_SPREAD)
    residual = means - fits.model
    fits = scaled_to_residuals(fits, residual / noise)
    accepted = _sound(fits, overall, distance)
    return LocalThickness(
        interface, arclength, width * step, distance, profile, overall, fits, noise, residual, accepted
    )


def _block_width(overall: Fits, normals: int) -> int:
    """Return how many normals give one block the uncertainty that is wanted, from that of the whole interface."""
    relative = float(overall.stderr(THICKNESS)[0] / overall.parameters[0, THICKNESS])
    wanted = normals * (relative / _BLOCK_ERROR) ** 2
    least, most = max(_BLOCK_RANGE[0], normals // _MOST_BLOCKS), max(_BLOCK_RANGE[0], normals // _BLOCK_RANGE[1])
    return int(np.clip(np.ceil(wanted), least, most))


def scaled_to_residuals(fits: Fits, residual: Array) -> Fits:
    """Scale the covariance to the residuals, including what interpolation has correlated along the normals."""
    finite = np.isfinite(residual).all(axis=1)
    whole = residual[finite] if finite.any() else np.nan_to_num(residual)
    power = [float(np.mean(whole[:, k:] * whole[:, : whole.shape[1] - k])) for k in range(3)]
    correlated = max(power[0] + 2 * power[1] + 2 * power[2], power[0])
    return Fits(fits.parameters, fits.covariance * correlated, fits.model, fits.chi_square, fits.converged)


def _sound(fits: Fits, overall: Fits, distance: Array) -> Flags:
    """Return which fits converged to a layer like the whole one."""
    thickness, x1 = fits.parameters[:, THICKNESS], fits.parameters[:, X1]
    same_steps = (fits.parameters[:, STEP1 : STEP1 + 2] * overall.parameters[:, STEP1 : STEP1 + 2] > 0).all(axis=1)
    inside = (x1 > distance[0]) & (x1 + thickness < distance[-1]) & (thickness > 0)
    sound = fits.converged & same_steps & inside
    if sound.any():
        typical = float(np.median(thickness[sound]))
        error = fits.stderr(THICKNESS)
        spread = 1.4826 * float(np.median(np.abs(thickness[sound] - typical)))
        spread = max(spread, float(np.median(error[sound])))
        sound &= (np.abs(thickness - typical) < _OUTLIER * spread) & (error < 0.5 * typical)
    return np.asarray(sound)
