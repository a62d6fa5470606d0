"""Find an interface in an image: two-class threshold, longest contour, smooth curve with normals in nm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import NotAnalysable

Array = NDArray[np.float64]

_SHORT_SIDE = 256  # binned pixels along the shorter side: enough to follow an edge, and sixteen times the dose at 1024
_SMOOTHING = 1.5  # sigma of the Gaussian blur, binned pixels
_SEAM = 3  # binned pixels: radius of what must fit into the grey between two thresholds
_SMALLEST = 64  # pixels along the shorter side below which there is no interface to average over


@dataclass(frozen=True)
class Interface:
    """A smooth curve along an interface, sampled at equal steps.

    Parameters
    ----------
    arclength : ndarray, shape (n,)
        Distance along the curve in nm.
    position : ndarray, shape (n, 2)
        Points (y, x) in nm; (0, 0) is the centre of the first pixel.
    normal : ndarray, shape (n, 2)
        Unit normals (y, x), towards the brighter side.
    radius : float
        Typical radius of curvature in nm, infinite for a straight line.
    """

    arclength: Array
    position: Array
    normal: Array
    radius: float

    @property
    def length(self) -> float:
        """Length of the curve in nm."""
        return float(self.arclength[-1])


def trace_edge(image: Array, pixel_size: tuple[float, float], threshold: float | None = None) -> Array:
    """Return the longest boundary between the dark and the bright class of an image.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Intensity; missing pixels are NaN.
    pixel_size : tuple of float
        Height and width of a pixel in nm.
    threshold : float, optional
        Intensity between the two classes; Otsu's if left out.

    Returns
    -------
    ndarray, shape (n, 2)
        Points (y, x) in nm.

    Raises
    ------
    NotAnalysable
        If the image is too small, uniform, or holds no boundary longer than a quarter of its shorter side.

    References
    ----------
    .. [1] Otsu, IEEE Trans. Syst. Man Cybern. 9 (1979) 62, doi:10.1109/TSMC.1979.4310076.
    """
    from skimage.filters import threshold_otsu
    from skimage.measure import find_contours

    smooth, factor = _smoothed(image)
    if threshold is None:
        threshold = float(threshold_otsu(smooth))  # type: ignore[no-untyped-call]
    contours = find_contours(smooth, threshold)  # type: ignore[no-untyped-call]
    # The centre of a binned pixel lies (factor - 1) / 2 pixels past the centre of its first pixel.
    curves = [(contour * factor + (factor - 1) / 2) * np.asarray(pixel_size) for contour in contours]
    longest = max(curves, key=_length, default=np.zeros((1, 2)))
    shortest = 0.25 * min(size * extent for size, extent in zip(pixel_size, image.shape, strict=True))
    if _length(longest) < shortest:
        raise NotAnalysable(f"no boundary in the image is longer than {shortest:.3g} nm; crop to the layer or denoise")
    return np.asarray(longest, dtype=np.float64)


def threshold_within(image: Array, *, brighter: bool) -> float:
    """Return the threshold that divides one of the two classes of an image once more.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Intensity; missing pixels are NaN.
    brighter : bool
        Which class.

    Returns
    -------
    float
    """
    from skimage.filters import threshold_otsu

    smooth, _ = _smoothed(image)
    first = float(threshold_otsu(smooth))  # type: ignore[no-untyped-call]
    return float(threshold_otsu(smooth[(smooth > first) == brighter]))  # type: ignore[no-untyped-call]


def trace_between(image: Array, pixel_size: tuple[float, float]) -> Array:
    """Return the longest boundary of the grey between the thresholds of `threshold_within` and `trace_edge`.

    The flank of something bright passes through all greys below its own; such seams, a few binned pixels wide, are
    removed. What is left is the middle one of three levels, even where the brightest lies between it and the darkest.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Intensity; missing pixels are NaN.
    pixel_size : tuple of float
        Height and width of a pixel in nm.

    Returns
    -------
    ndarray, shape (n, 2)
        Points (y, x) in nm.

    Raises
    ------
    NotAnalysable
        As `trace_edge`.
    """
    from scipy.ndimage import binary_opening
    from skimage.filters import threshold_otsu

    smooth, factor = _smoothed(image)
    high = float(threshold_otsu(smooth))  # type: ignore[no-untyped-call]
    low = float(threshold_otsu(smooth[smooth <= high]))  # type: ignore[no-untyped-call]
    y, x = np.mgrid[-_SEAM : _SEAM + 1, -_SEAM : _SEAM + 1]
    middle = binary_opening((smooth > low) & (smooth <= high), y**2 + x**2 <= _SEAM**2)
    filled = np.asarray(np.kron(middle, np.ones((factor, factor))), dtype=np.float64)
    return trace_edge(filled, pixel_size, 0.5)


def _smoothed(image: Array) -> tuple[Array, int]:
    """Return a binned and blurred copy of an image and the factor of the binning."""
    from scipy.ndimage import gaussian_filter

    side = min(image.shape)
    if side < _SMALLEST:
        raise NotAnalysable(f"the image is {image.shape[0]} x {image.shape[1]} pixels; at least {_SMALLEST} are needed")
    factor = max(1, side // _SHORT_SIDE)
    smooth = gaussian_filter(_binned(image, factor), _SMOOTHING)
    if not np.ptp(smooth) > 0:
        raise NotAnalysable("the image is uniform; there is no interface to trace")
    return np.asarray(smooth, dtype=np.float64), factor


def _binned(image: Array, factor: int) -> Array:
    rows, columns = (extent // factor for extent in image.shape)
    blocks = _filled(image)[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float64)


def _filled(image: Array) -> Array:
    """Return the image with the nearest pixel in place of each missing one, so that an edge goes straight on."""
    from scipy.ndimage import distance_transform_edt

    missing = ~np.isfinite(image)
    if not missing.any():
        return image
    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return np.asarray(image[tuple(nearest)], dtype=np.float64)


def smooth_interface(points: Array, window: float, step: float) -> Interface:
    """Return a smooth curve with normals through traced points.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Traced points (y, x) in nm.
    window : float
        Length in nm over which a parabola is fitted around each point. Above the scale of the roughness, so that
        normals do not follow noise (a normal wrong by an angle d makes a layer 1 / cos d too thick), and below the
        radius of curvature.
    step : float
        Distance of the returned points along the curve in nm.

    Returns
    -------
    Interface

    References
    ----------
    .. [1] Savitzky, Golay, Anal. Chem. 36 (1964) 1627, doi:10.1021/ac60214a047.
    """
    curve = _equal_steps(points, step)
    closed = bool(np.hypot(*(points[-1] - points[0])) < 2 * step)
    curve = _equal_steps(_savgol(curve, window, step, 0, closed), step)
    tangent = _savgol(curve, window, step, 1, closed)
    bend = _savgol(curve, window, step, 2, closed)
    speed = np.hypot(tangent[:, 0], tangent[:, 1])
    # find_contours keeps the brighter side on the right-hand side of the direction of travel as (y, x) are drawn.
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1) / speed[:, None]
    curvature = np.median(np.abs(tangent[:, 0] * bend[:, 1] - tangent[:, 1] * bend[:, 0]) / speed**3)
    radius = float(1 / curvature) if curvature > 0 else float("inf")
    return Interface(np.arange(len(curve), dtype=np.float64) * step, curve, normal, radius)


def _length(points: Array) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _equal_steps(points: Array, step: float) -> Array:
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    wanted = np.arange(0.0, travelled[-1], step)
    return np.stack([np.interp(wanted, travelled, points[:, axis]) for axis in (0, 1)], axis=1)


def _savgol(curve: Array, window: float, step: float, derivative: int, closed: bool) -> Array:
    from scipy.signal import savgol_filter

    samples = min(max(5, round(window / step) | 1), (len(curve) - 1) | 1)
    samples -= 2 * (samples > len(curve))
    if closed:
        smooth = savgol_filter(curve, samples, 2, deriv=derivative, delta=step, axis=0, mode="wrap")
    else:
        smooth = savgol_filter(curve, samples, 2, deriv=derivative, delta=step, axis=0, mode="interp")
    return np.asarray(smooth, dtype=np.float64)
