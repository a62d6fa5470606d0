"""Intensity along the normals of an interface: one interpolation for all profiles, in physical units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .trace import Interface

Array = NDArray[np.float64]

_DECORRELATED = 3  # profiles apart at which linear interpolation shares no pixel any more


def sample_band(image: Array, pixel_size: tuple[float, float], interface: Interface, distance: Array) -> Array:
    """Return the band along an interface, flattened: one row a normal.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Intensity.
    pixel_size : tuple of float
        Height and width of a pixel in nm; normals are straight in nm also where pixels are not square.
    interface : Interface
        Curve with n points.
    distance : ndarray, shape (m,)
        Positions along the normal in nm, 0 at the curve, positive towards the brighter side.

    Returns
    -------
    ndarray, shape (n, m)
        Intensity by linear interpolation (higher orders ring on noise), NaN outside the image.
    """
    from scipy.ndimage import map_coordinates

    places = np.empty((2, len(interface.position), len(distance)))
    for axis, side in enumerate(pixel_size):
        np.multiply.outer(interface.normal[:, axis] / side, distance, out=places[axis])
        places[axis] += (interface.position[:, axis] / side)[:, None]
    band = map_coordinates(image, places, output=np.float64, order=1, mode="constant", cval=np.nan)
    return np.asarray(band)


def median_profile(band: Array, coverage: float = 0.5) -> Array:
    """Return the median over the normals, shape (m,), NaN where less than `coverage` of them lie within the image."""
    present = np.isfinite(band).mean(axis=0) >= coverage
    profile = np.full(band.shape[1], np.nan)
    if present.any():
        profile[present] = np.nanmedian(band[:, present], axis=0)
    return profile


def noise_profile(band: Array) -> Array:
    """Return the standard deviation of one sample at each distance, shape (m,), from differences between normals.

    Counts of a detector are not electrons, so the noise is measured and not taken as the square root of the counts.
    Neighbouring normals share pixels; those three apart share none and still see the same interface.
    """
    difference = band[_DECORRELATED:] - band[:-_DECORRELATED]
    finite = np.isfinite(difference)
    count = np.maximum(finite.sum(axis=0), 1)
    variance = np.where(finite, difference, 0.0) ** 2 / 2
    noise = np.sqrt(variance.sum(axis=0) / count)
    floor = float(np.median(noise[finite.any(axis=0)])) if finite.any() else 1.0
    return np.asarray(np.maximum(noise, 0.1 * floor if floor > 0 else 1.0))


def block_means(band: Array, width: int) -> Array:
    """Return means over blocks of `width` neighbouring normals, shape (n // width, m), NaN where any is missing."""
    blocks = len(band) // width
    return np.asarray(band[: blocks * width].reshape(blocks, width, -1).mean(axis=1))
