r"""Spacings and angles of lattice planes from the peaks in the Fourier transform of an image.

A peak at the spatial frequency :math:`\mathbf g` belongs to planes at the distance :math:`d = 1 / |\mathbf g|`. How
well it is placed is seen from the four quarters of the image, each of which shows the same lattice with its own noise
and scan distortion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from ..statistics import coverage_factor, joint_factor
from .image import Micrograph, micrograph

Array = NDArray[np.float64]

_LEAST_PERIODS = 6.0  # in the image, below which a peak merges with the shape of the object
_HIGHEST = 0.45  # cycles per pixel
_RINGS = 48
_STANDS_OUT = 40.0  # mean power of its ring: noise reaches this once in 1e17 frequencies
_STANDS_ALONE = 30.0  # power along rows and columns of the transform, where edges and scan lines make streaks
_ARM = (4, 24)  # frequencies beside a peak that tell such a streak
_MOST_PEAKS = 6
_APART = 4  # frequencies between separate peaks: the main lobe of the window is four wide
_QUARTERS = 4
_SHOWN = 1.4  # of the highest peak: range of the power spectrum that is kept
_MOST_SHOWN = 400  # frequencies of it along each axis; the largest of neighbours is kept
_SHIFT = 1.5  # frequencies of a quarter, within which the peak of the whole is sought again


@dataclass(frozen=True)
class _Peak:
    """Frequency (y, x) in nm-1, its standard uncertainty along and across it, and the power over that of its ring."""

    frequency: Array
    along: float
    across: float
    prominence: float

    @property
    def spacing(self) -> float:
        return 1.0 / float(np.hypot(*self.frequency))

    @property
    def direction(self) -> float:
        """Angle from the x axis in degrees, y downwards, from 0 to 180."""
        return math.degrees(math.atan2(self.frequency[0], self.frequency[1])) % 180.0


def lattice_spacings(
    ds: xr.Dataset, *, pixel_size: Quantity | None = None, pixel_size_relative_uncertainty: float = 0.015
) -> Result:
    """Spacings of lattice planes and angles between them from a high-resolution image.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image". Crop with ``ds.isel`` to one crystal.
    pixel_size, pixel_size_relative_uncertainty
        As for `layer_thickness`. The uncertainty is common to all spacings of the image.

    Returns
    -------
    Result
        ``lattice_spacing_1``, ``_2``, ... in nm, at most six, from the largest; ``lattice_angle_1_2``, ... in degrees
        between those planes and the first. Uncertainties from the scatter between the quarters of the image, with
        Student's t, and from the calibration, which leaves angles and ratios of spacings as they are as long as pixels
        are square. `curves` holds the peaks along ``reflection`` and the power of the transform around them.

    Raises
    ------
    NotAnalysable
        If no peak stands out of the noise, or the image has no scale.
    UnitError
        If the pixel size is no length.

    Notes
    -----
    Peaks are looked for at more than six periods across the image and below 0.45 cycles per pixel. Multiples of one
    spacing are reported as they are found. Drift shears a scanned lattice without showing in the scatter.
    """
    image = micrograph(ds, pixel_size, pixel_size_relative_uncertainty)
    values = np.where(np.isfinite(image.intensity), image.intensity, np.nanmean(image.intensity))
    power = np.abs(np.fft.fft2(_windowed(values))) ** 2
    found = _found(power, image)
    if not found:
        raise NotAnalysable(
            "no peak stands out of the noise of the Fourier transform; crop to a crystal in zone axis, or there is none"
        )
    peaks = sorted((_placed(values, image, *candidate) for candidate in found), key=lambda peak: -peak.spacing)
    quantities, budget = _quantities(peaks, image.relative_uncertainty)
    return Result(
        method=f"{len(peaks)} peaks of the Fourier transform of {values.shape[1]} x {values.shape[0]} pixels",
        quantities=quantities,
        diagnostics={f"prominence_{k}": peak.prominence for k, peak in enumerate(peaks, 1)},
        budget=budget,
        notes=("Calibration errs alike in all spacings; drift of a scanned image is not corrected.", *image.notes),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256") if key in ds.attrs},
        curves=_curves(peaks).merge(_spectrum(power, image, peaks)),
    )


def _found(power: Array, image: Micrograph) -> list[tuple[Array, float]]:
    """Return frequencies (y, x) in nm-1 and prominences of the peaks that stand out, the most prominent first."""
    from scipy.ndimage import maximum_filter

    fy, fx = (np.fft.fftfreq(n, side) for n, side in zip(power.shape, image.pixel_size, strict=True))
    radius = np.hypot(fy[:, None], fx[None, :])
    extent = min(n * side for n, side in zip(power.shape, image.pixel_size, strict=True))
    lowest, highest = _LEAST_PERIODS / extent, _HIGHEST / max(image.pixel_size)
    inside = (radius > lowest) & (radius < highest)
    if not inside.any():
        return []
    prominence = np.zeros_like(power)
    prominence[inside] = power[inside] / _ring_means(power[inside], radius[inside])
    largest = power == maximum_filter(power, 2 * _APART + 1, mode="wrap")
    half = (fy[:, None] > 0) | ((fy[:, None] == 0) & (fx[None, :] > 0))
    candidates = np.argwhere(largest & half & (prominence > _STANDS_OUT))
    alone = [(row, column) for row, column in candidates if _stands_alone(power, row, column)]
    alone.sort(key=lambda place: -prominence[place])
    return [(np.array([fy[row], fx[column]]), float(prominence[row, column])) for row, column in alone[:_MOST_PEAKS]]


def _windowed(values: Array) -> Array:
    """Return an image without its mean and without edges."""
    rows, columns = (np.hanning(n + 2)[1:-1] for n in values.shape)
    return np.asarray((values - values.mean()) * rows[:, None] * columns[None, :])


def _ring_means(power: Array, radius: Array) -> Array:
    """Return the mean noise power at each radius, from the median of its ring, which peaks do not move."""
    edges = np.linspace(radius.min(), radius.max() * (1 + 1e-9), _RINGS + 1)
    ring = np.clip(np.searchsorted(edges, radius, side="right") - 1, 0, _RINGS - 1)
    order = np.argsort(ring, kind="stable")
    groups = np.split(power[order], np.cumsum(np.bincount(ring, minlength=_RINGS))[:-1])
    medians = np.array([np.median(group) if len(group) else np.nan for group in groups])
    level = np.maximum(medians, 1e-300) / math.log(2.0)
    return np.asarray(level[ring])


def _stands_alone(power: Array, row: int, column: int) -> bool:
    """Return whether a peak exceeds the streaks through it along both axes of the transform."""
    arm = np.arange(*_ARM)
    rows, columns = power.shape
    arms = (
        power[(row + arm) % rows, column], power[(row - arm) % rows, column],
        power[row, (column + arm) % columns], power[row, (column - arm) % columns],
    )  # fmt: skip
    return bool(power[row, column] > _STANDS_ALONE * max(float(np.median(part)) for part in arms))


def _placed(values: Array, image: Micrograph, frequency: Array, prominence: float) -> _Peak:
    """Return a peak placed between the frequencies of the transform, with the scatter between quarters."""
    bins = np.array([1.0 / (n * side) for n, side in zip(values.shape, image.pixel_size, strict=True)])
    frequency = _refined(values, image.pixel_size, frequency, bins)
    half = tuple(n // 2 for n in values.shape)
    quarters = [values[y : y + half[0], x : x + half[1]] for y in (0, half[0]) for x in (0, half[1])]
    places = np.array([_refined(quarter, image.pixel_size, frequency, _SHIFT * 2.0 * bins) for quarter in quarters])
    unit = frequency / np.hypot(*frequency)
    offsets = places - places.mean(axis=0)
    along, across = (
        float(np.sqrt(np.sum((offsets @ axis) ** 2) / (_QUARTERS - 1) / _QUARTERS))
        for axis in (unit, np.array([-unit[1], unit[0]]))
    )
    return _Peak(frequency, along, across, prominence)


def _refined(values: Array, pixel_size: tuple[float, float], frequency: Array, reach: Array) -> Array:
    """Return the frequency of largest power within reach, by transforms at finer and finer steps."""
    data = _windowed(values)
    positions = [np.arange(n) * side for n, side in zip(values.shape, pixel_size, strict=True)]
    for _ in range(4):
        steps = np.linspace(-1.0, 1.0, 9)
        waves = [
            np.exp(-2j * np.pi * np.outer(centre + span * steps, position))
            for centre, span, position in zip(frequency, reach, positions, strict=True)
        ]
        rows = waves[0].real @ data + 1j * (waves[0].imag @ data)
        power = np.abs(rows @ waves[1].T) ** 2
        row, column = np.unravel_index(np.argmax(power), power.shape)
        frequency = frequency + reach * steps[[row, column]]
        reach = reach / 4.0
    return np.asarray(frequency)


def _quantities(peaks: list[_Peak], relative: float) -> tuple[tuple[Quantity, ...], dict[str, dict[str, float]]]:
    degrees = float(_QUARTERS - 1)
    quantities, budget = [], {}
    for number, peak in enumerate(peaks, 1):
        name, image, calibration = f"lattice_spacing_{number}", peak.along * peak.spacing**2, relative * peak.spacing
        stderr = math.hypot(image, calibration)
        half = joint_factor(image, degrees, calibration) * stderr
        interval = (peak.spacing - half, peak.spacing + half)
        quantities.append(Quantity(name, peak.spacing, stderr, "nm", interval, kind="measured"))
        budget[name] = {"image": image, "calibration": calibration}
    first = peaks[0]
    for number, peak in enumerate(peaks[1:], 2):
        difference = abs(peak.direction - first.direction)
        angle = min(difference, 180.0 - difference)
        stderr = math.degrees(math.hypot(first.across * first.spacing, peak.across * peak.spacing))
        half = coverage_factor(degrees) * stderr
        interval = (angle - half, angle + half)
        quantities.append(Quantity(f"lattice_angle_1_{number}", angle, stderr, "degree", interval, kind="measured"))
    return tuple(quantities), budget


def _curves(peaks: list[_Peak]) -> xr.Dataset:
    return xr.Dataset(
        {
            "frequency_y": ("reflection", [float(peak.frequency[0]) for peak in peaks], {"units": "nm-1"}),
            "frequency_x": ("reflection", [float(peak.frequency[1]) for peak in peaks], {"units": "nm-1"}),
            "spacing": ("reflection", [peak.spacing for peak in peaks], {"units": "nm"}),
            "direction": ("reflection", [peak.direction for peak in peaks], {"units": "degree"}),
        },
        coords={"reflection": np.arange(1, len(peaks) + 1)},
    )


def _spectrum(power: Array, image: Micrograph, peaks: list[_Peak]) -> xr.Dataset:
    """Return the power of the transform out to somewhat above the highest peak, in coarse steps for a figure."""
    reach = _SHOWN * max(float(np.hypot(*peak.frequency)) for peak in peaks)
    shifted = np.fft.fftshift(power)
    axes = [np.fft.fftshift(np.fft.fftfreq(n, side)) for n, side in zip(power.shape, image.pixel_size, strict=True)]
    for axis, frequency in enumerate(axes):
        kept = np.flatnonzero(np.abs(frequency) <= reach)
        step = -(-len(kept) // _MOST_SHOWN)
        kept = kept[: len(kept) // step * step]
        shifted = np.take(shifted, kept, axis=axis)
        shifted = np.maximum.reduceat(shifted, np.arange(0, len(kept), step), axis=axis)
        axes[axis] = frequency[kept].reshape(-1, step).mean(axis=1)
    dims = ("spatial_frequency_y", "spatial_frequency_x")
    coords = {name: (name, axis, {"units": "nm-1"}) for name, axis in zip(dims, axes, strict=True)}
    return xr.Dataset({"power": (dims, shifted)}, coords=coords)
