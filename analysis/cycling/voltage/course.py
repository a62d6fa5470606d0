r"""Course of the voltage over the charge within a half cycle, and its two derivatives, smoothed to a stated width.

dQ/dV is the density of the charge over the voltage. The charge between two records is spread evenly over the voltage
between them and smoothed with a Gaussian of standard deviation h,

.. math:: \frac{dQ}{dV}(v) = \sum_i \Delta q_i \, K_h(v - V_i)

so that it is never infinite on a plateau or where noise turns the voltage back, and its area is the charge. dV/dQ is
the slope of a straight line fitted locally to V(Q) with Gaussian weights. With records a distance
:math:`\delta` apart and noise :math:`\sigma_V` the noise of either is a part :math:`\varepsilon` of the mean level for

.. math:: h^3 = \sigma_V^2 \delta / (4 \sqrt\pi \, \varepsilon^2)

which sets h where no resolution is stated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...statistics import weighted_median
from ..record.charge import Floats

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a Gaussian over its standard deviation."""

_NOISE_LEFT = 0.02  # of the mean level: what the smoothing leaves of the noise
_FEWEST_POINTS, _MOST_POINTS, _POINTS_A_WIDTH = 20, 2000, 4.0
_CELLS_A_WIDTH = 8.0
_MOST_CELLS = 200_000
_REACH = 5.0  # standard deviations to which the Gaussian counts


@dataclass(frozen=True)
class Course:
    """Voltage over charge at constant current.

    Parameters
    ----------
    voltage : ndarray, shape (n,)
        In V, in the order of the records.
    charge : ndarray, shape (n,)
        Passed since the first record, A h, increasing.
    noise : float
        Standard deviation of the voltage from record to record, V.
    """

    voltage: Floats
    charge: Floats
    noise: float


@dataclass(frozen=True)
class Curve:
    """A derivative on an even grid.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Grid and derivative.
    stderr : ndarray, shape (n,)
        Standard uncertainty of `y` from noise.
    records : ndarray, shape (n,)
        Records within the full width of the smoothing, with its weights.
    h : float
        Standard deviation of the smoothing, in the unit of `x`.
    """

    x: Floats
    y: Floats
    stderr: Floats
    records: Floats
    h: float

    @property
    def slope_stderr(self) -> Floats:
        """Standard uncertainty of the slope: one more derivative of a Gaussian on white noise."""
        return self.stderr * math.sqrt(1.5) / self.h


def voltage_noise(voltage: Floats, charge: Floats) -> float:
    """Return the standard deviation of a voltage from record to record, its digitisation included, V.

    The distance of each record from the line through its neighbours shows it; a smooth course adds next to nothing.
    """
    gaps = np.diff(charge)
    share = gaps[:-1] / (gaps[:-1] + gaps[1:])
    off = voltage[1:-1] - (1.0 - share) * voltage[:-2] - share * voltage[2:]
    off = off / np.sqrt(1.0 + share**2 + (1.0 - share) ** 2)
    jumps = np.abs(np.diff(voltage))
    jumps = jumps[jumps > 1e-9]
    digit = float(np.quantile(jumps, 0.02)) if jumps.size and jumps.size < 0.7 * gaps.size else 0.0
    return max(1.4826 * float(np.median(np.abs(off))), digit / math.sqrt(12.0))


def density_width(course: Course) -> float:
    """Return the standard deviation of the smoothing of dQ/dV that noise and sampling ask for, V."""
    distance = float(np.ptp(course.voltage)) / (course.voltage.size - 1)
    # On the plateaus that make the peaks; where the course is steep the charge is spread over the interval.
    sampling = weighted_median(np.abs(np.diff(course.voltage)), np.diff(course.charge))
    return max(_for_noise(course.noise, distance), course.noise, sampling, distance)


def slope_width(course: Course) -> float:
    """Return the standard deviation of the smoothing of dV/dQ that noise and sampling ask for, A h."""
    total = float(course.charge[-1])
    distance = total / (course.charge.size - 1)
    noise = course.noise * total / float(np.ptp(course.voltage))
    return max(_for_noise(noise, distance), 2.0 * float(np.quantile(np.diff(course.charge), 0.9)))


def _for_noise(noise: float, distance: float) -> float:
    return float((noise**2 * distance / (4.0 * math.sqrt(math.pi) * _NOISE_LEFT**2)) ** (1.0 / 3.0))


def _grid(low: float, high: float, h: float) -> Floats:
    points = min(_MOST_POINTS, max(_FEWEST_POINTS, 1 + math.ceil(_POINTS_A_WIDTH * (high - low) / h)))
    return np.linspace(low, high, points)


def charge_density(course: Course, h: float) -> Curve:
    """Return dQ/dV in A h V-1 on an even grid of voltage, smoothed with the standard deviation `h` in V."""
    low, high = float(course.voltage.min()), float(course.voltage.max())
    fine = max(h / _CELLS_A_WIDTH, (high - low) / _MOST_CELLS)
    edge = np.arange(low - 6.0 * h, high + 6.0 * h + fine, fine)
    cells = edge[:-1] + 0.5 * fine
    offset = np.arange(-math.ceil(_REACH * h / fine), math.ceil(_REACH * h / fine) + 1) * fine
    kernel = np.exp(-0.5 * (offset / h) ** 2)
    kernel = kernel / (kernel.sum() * fine)
    own = np.convolve(np.diff(course.charge), [0.5, 0.5])
    sums = (
        _charge_between(course, edge, fine),
        np.histogram(course.voltage, edge, weights=own**2)[0],
        np.histogram(course.voltage, edge)[0],
    )
    # Beyond its ends the course is mirrored, so that the smoothing does not sink there.
    charge, squares, count = (_mirrored(values, cells, low, high) for values in sums)
    curve = np.convolve(charge, kernel, mode="same")
    records = FWHM * h * np.convolve(count, kernel, mode="same")
    variance = course.noise**2 * np.convolve(squares, (offset / h**2 * kernel) ** 2, mode="same")
    x = _grid(low, high, h)
    stderr = np.sqrt(np.interp(x, cells, variance))
    return Curve(x, np.interp(x, cells, curve), stderr, np.interp(x, cells, records), h)


def _charge_between(course: Course, edge: Floats, fine: float) -> Floats:
    """Return the charge between the edges, that of an interval between two records spread evenly over its voltage."""
    before, after = course.voltage[:-1], course.voltage[1:]
    start = np.minimum(before, after)
    stop = np.maximum(np.maximum(before, after), start + 1e-3 * fine)
    slope = np.diff(course.charge) / (stop - start)
    return np.diff(_ramps(edge, start, slope) - _ramps(edge, stop, slope))


def _ramps(edge: Floats, start: Floats, slope: Floats) -> Floats:
    """Return the sum of ramps that begin at the starts with the slopes."""
    order = np.argsort(start)
    start, slope = start[order], slope[order]
    count = np.searchsorted(start, edge)
    slopes = np.concatenate([[0.0], np.cumsum(slope)])[count]
    moments = np.concatenate([[0.0], np.cumsum(slope * (start - edge[0]))])[count]
    return np.asarray(slopes * (edge - edge[0]) - moments)


def _mirrored(values: Floats, cells: Floats, low: float, high: float) -> Floats:
    below = np.interp(2.0 * low - cells, cells, values, left=0.0, right=0.0) * (cells < low)
    above = np.interp(2.0 * high - cells, cells, values, left=0.0, right=0.0) * (cells > high)
    return np.asarray(values * ((cells >= low) & (cells <= high)) + below + above)


def local_slope(course: Course, h: float) -> Curve:
    """Return |dV/dQ| in V A-1 h-1 on an even grid of charge, from lines with Gaussian weights of width `h` in A h."""
    x = _grid(0.0, float(course.charge[-1]), h)
    sign = math.copysign(1.0, course.voltage[-1] - course.voltage[0])
    own = np.gradient(course.charge)
    curve, stderr, records = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    for index, centre in enumerate(x):
        part = slice(*np.searchsorted(course.charge, (centre - _REACH * h, centre + _REACH * h)))
        distance = course.charge[part] - centre
        weight = np.exp(-0.5 * (distance / h) ** 2) * own[part]
        weight = weight / weight.sum()
        records[index] = FWHM / (2.0 * math.sqrt(math.pi)) / (weight @ weight)
        distance = distance - weight @ distance
        lever = weight * distance / (weight @ distance**2)
        curve[index] = sign * (lever @ course.voltage[part])
        stderr[index] = course.noise * math.sqrt(lever @ lever)
    return Curve(x, curve, stderr, records, h)
