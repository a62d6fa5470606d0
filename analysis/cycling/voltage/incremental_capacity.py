"""Incremental capacity dQ/dV and differential voltage dV/dQ of a half cycle, with their peaks.

Both are smoothed as far as the noise of the voltage asks for, and say how far: the resolution is the full width at half
maximum of the smoothing (`interlayer.analysis.cycling.voltage.course` has the equations).

References
----------
.. [1] Bloom et al., J. Power Sources 139 (2005) 295. https://doi.org/10.1016/j.jpowsour.2004.07.021
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import weighted_median
from ..record.charge import SECONDS, Floats, Record, record_of
from ..record.halves import halves_of
from ..record.segmentation import Integers, half_cycles
from .course import FWHM, Course, Curve, charge_density, density_width, local_slope, slope_width, voltage_noise

_CONSTANT = 0.05  # relative, about the usual current: outside it is a hold or a pulse
_FEWEST = 20
_PROMINENT = 0.05  # of the level that the curve exceeds for 5 % of its range
_SIGMAS = 6.0  # of the noise that a peak stands out
_AS_NARROW = 1.3  # times the resolution: the smoothing, not the cell, gives a peak its width
_RECORDS = 1.5  # within the resolution below which a peak is one of the sampling
_MOST_PEAKS = 10


@dataclass(frozen=True)
class Peak:
    """A maximum of a curve; all in the unit of its axis but the height."""

    position: float
    noise: float
    smoothing: float
    width: float
    height: float


@dataclass(frozen=True)
class _Axes:
    """Names and units of a curve."""

    x: str
    x_unit: str
    y: str
    y_unit: str


_BY_VOLTAGE = _Axes("voltage", "V", "incremental_capacity", "A h V-1")
_BY_CHARGE = _Axes("charge", "A h", "differential_voltage", "V A-1 h-1")


def incremental_capacity(ds: xr.Dataset, *, half_cycle: int, resolution: Quantity | None = None) -> Result:
    """Charge over voltage, dQ/dV, of the constant-current part of a half cycle, with its peaks.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    half_cycle : int
        Number of the half cycle, from 1, as `interlayer.analysis.cycling.segment` counts.
    resolution : Quantity, optional
        Full width at half maximum of the smoothing, a voltage. Left out, it follows from noise and sampling.

    Returns
    -------
    Result
        ``resolution`` (V), ``charge`` (A h) under the curve, ``peak_1``, ``peak_2``, ... (V) by height, ten at most.
        The uncertainty of a peak is that of the noise and of the smoothing: how far it moves when the smoothing grows
        by the square root of 2. The voltmeter's own error is not in it. ``curves`` holds ``incremental_capacity``
        (A h V-1, positive in both directions) over ``voltage`` with its noise, and the peaks. Peaks no wider than the
        resolution are named in the notes.

    Raises
    ------
    NotAnalysable
        If the half cycle is not there or has too few records at constant current.
    UnitError
        If the resolution is no voltage.
    """
    course, notes = course_of(ds, half_cycle)
    width = density_width(course) if resolution is None else _stated(resolution, "V")
    return _result(ds, course, width, charge_density, _BY_VOLTAGE, notes)


def differential_voltage(ds: xr.Dataset, *, half_cycle: int, resolution: Quantity | None = None) -> Result:
    """Slope of the voltage, dV/dQ, of the constant-current part of a half cycle, with its peaks.

    Parameters
    ----------
    ds, half_cycle
        As for `incremental_capacity`.
    resolution : Quantity, optional
        Full width at half maximum of the smoothing, a charge. Left out, it follows from noise and sampling.

    Returns
    -------
    Result
        As for `incremental_capacity` with ``resolution`` and ``peak_1``, ... in A h, and in ``curves``
        ``differential_voltage`` (V A-1 h-1, positive in both directions) over ``charge`` from the start of the part at
        constant current.

    Raises
    ------
    NotAnalysable, UnitError
        As for `incremental_capacity`.
    """
    course, notes = course_of(ds, half_cycle)
    width = slope_width(course) if resolution is None else _stated(resolution, "A h")
    return _result(ds, course, width, local_slope, _BY_CHARGE, notes)


def course_of(ds: xr.Dataset, half_cycle: int) -> tuple[Course, list[str]]:
    """Return voltage and charge of the constant-current part of a half cycle, and notes about it."""
    record = record_of(ds)
    half = half_cycles(record)
    halves = halves_of(ds, starts_with=None)
    inside = np.flatnonzero((half == half_cycle) & (record.sign != 0))
    if inside.size == 0:
        raise NotAnalysable(f"half cycle {half_cycle} is not there; the record holds 1 to {half.max()}")
    place = int(np.flatnonzero(halves.number == half_cycle)[0])
    direction = int(halves.direction[place])
    size, charge = np.abs(record.current[inside]), np.abs(record.charge[inside])
    usual = weighted_median(size, charge)
    steady = (np.abs(size - usual) <= _CONSTANT * usual + record.resolution) & (record.sign[inside] == direction)
    steady &= np.isfinite(record.voltage[inside]) & (charge > 0)
    if steady.sum() < _FEWEST:
        raise NotAnalysable(
            f"half cycle {half_cycle} holds {steady.sum()} records at constant current; expected {_FEWEST} or more"
        )
    places = inside[steady]
    voltage, passed = record.voltage[places], _passed(record, places)
    if (voltage[-1] - voltage[0]) * direction <= 0:
        raise NotAnalysable(f"the voltage of half cycle {half_cycle} ends on the wrong side of its start")
    part = charge[steady].sum() / charge.sum()
    notes = [f"half cycle {half_cycle} at {usual:.4g} A, {part:.1%} of its charge; holds and pulses are left out"]
    if reason := halves.reasons[place]:
        notes.append(f"the half cycle is not complete: {reason}")
    further = np.concatenate([[True], np.diff(passed) > 0])
    voltage, passed = voltage[further], passed[further]
    return Course(voltage, passed, voltage_noise(voltage, passed)), notes


def _passed(record: Record, places: Integers) -> Floats:
    """Return the charge from the first record to each, A h; none is counted between records that are not neighbours."""
    if record.counted:
        gained = np.abs(record.charge[places[1:]])
    else:
        current = np.abs(record.current[places])
        gained = 0.5 * (current[1:] + current[:-1]) * np.diff(record.time[places]) / SECONDS
    beside = (np.diff(places) == 1) & ~record.gap[places[1:]]
    return np.concatenate([[0.0], np.cumsum(np.where(beside, gained, 0.0))])


def _stated(resolution: Quantity, unit: str) -> float:
    value = resolution.to(unit).value
    if not value > 0:
        raise ValueError(f"found {resolution}; expected a resolution above 0")
    return value / FWHM


def peaks_of(curve: Curve, wider: Curve) -> list[Peak]:
    """Return the peaks of a curve by height, with what noise and smoothing leave open of their positions.

    Parameters
    ----------
    curve : Curve
        Curve to search.
    wider : Curve
        The same with more smoothing.
    """
    from scipy.signal import find_peaks, peak_widths

    least = np.maximum(_SIGMAS * curve.stderr, _PROMINENT * np.quantile(curve.y, 0.95))
    places, found = find_peaks(curve.y, prominence=0.0)
    places = places[(found["prominences"] >= least[places]) & (curve.records[places] >= _RECORDS)]
    step = float(curve.x[1] - curve.x[0])
    widths = step * peak_widths(curve.y, places, rel_height=0.5)[0]
    shifted = np.array([_vertex(wider, int(place))[0] for place in find_peaks(wider.y)[0]])
    peaks = []
    for place, width in zip(places, widths, strict=True):
        position, curvature = _vertex(curve, int(place))
        moved = float(np.min(np.abs(shifted - position))) if shifted.size else math.inf
        # Where wider smoothing drowns the peak in a neighbour, its place is open within the smoothing.
        smoothing = min(moved, curve.h)
        slope = float(curve.slope_stderr[place])
        noise = slope / curvature if slope < curvature * width else float(width)
        peaks.append(Peak(position, noise, smoothing, float(width), float(curve.y[place])))
    return sorted(peaks, key=lambda peak: -peak.height)[:_MOST_PEAKS]


def _vertex(curve: Curve, place: int) -> tuple[float, float]:
    """Return the top of the parabola through a maximum and its neighbours, and its curvature."""
    step = float(curve.x[1] - curve.x[0])
    left, here, right = curve.y[place - 1 : place + 2]
    bend = left - 2.0 * here + right
    if bend >= 0:  # a flat top
        return float(curve.x[place]), 0.0
    return float(curve.x[place] + 0.5 * step * (left - right) / bend), float(-bend / step**2)


def _result(
    ds: xr.Dataset,
    course: Course,
    h: float,
    derivative: Callable[[Course, float], Curve],
    axes: _Axes,
    notes: list[str],
) -> Result:
    curve = derivative(course, h)
    peaks = peaks_of(curve, derivative(course, math.sqrt(2.0) * h))
    quantities = [
        Quantity("resolution", FWHM * h, None, axes.x_unit, kind="derived"),
        Quantity("charge", float(course.charge[-1]), None, "A h", kind="measured"),
    ]
    budget = {}
    for index, peak in enumerate(peaks, start=1):
        budget[f"peak_{index}"] = {"noise": peak.noise, "smoothing": peak.smoothing}
        stderr = math.hypot(peak.noise, peak.smoothing)
        quantities.append(Quantity(f"peak_{index}", peak.position, stderr, axes.x_unit, kind="measured"))
    return Result(
        method=f"{axes.y.replace('_', ' ')} smoothed with a Gaussian of {FWHM * h:.3g} {axes.x_unit} full width",
        quantities=tuple(quantities),
        diagnostics={
            "voltage_noise": course.noise,
            "n_points": float(course.voltage.size),
            "n_peaks": float(len(peaks)),
        },
        budget=budget,
        notes=(*notes, *_resolved(peaks, curve, axes)),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=_curves(curve, peaks, axes),
    )


def _resolved(peaks: list[Peak], curve: Curve, axes: _Axes) -> list[str]:
    """Return what the resolution hides, as sentences."""
    width, span = FWHM * curve.h, float(np.ptp(curve.x))
    notes = [
        f"peak_{index} is as narrow as the resolution: its width and height are the smoothing's, and it may be several"
        for index, peak in enumerate(peaks, start=1)
        if peak.width < _AS_NARROW * width
    ]
    if (sparse := float(np.mean(curve.records < _RECORDS))) > 0.01:
        notes.append(
            f"over {sparse:.0%} of the range the records are too sparse for the resolution; no peak is sought there"
        )
    if width > 0.1 * span:
        notes.append(f"the resolution is {width / span:.0%} of the range: features closer than that are one")
    if not peaks:
        notes.append(f"no peak stands out at a resolution of {width:.3g} {axes.x_unit}")
    return notes


def _curves(curve: Curve, peaks: list[Peak], axes: _Axes) -> xr.Dataset:
    along = (axes.x,)
    return xr.Dataset(
        {
            axes.y: xr.Variable(along, curve.y, {"units": axes.y_unit, "ancillary_variables": f"{axes.y}_stderr"}),
            f"{axes.y}_stderr": xr.Variable(along, curve.stderr, {"units": axes.y_unit}),
            "peak_position": xr.Variable(("peak",), [peak.position for peak in peaks], {"units": axes.x_unit}),
            "peak_width": xr.Variable(("peak",), [peak.width for peak in peaks], {"units": axes.x_unit}),
            "peak_height": xr.Variable(("peak",), [peak.height for peak in peaks], {"units": axes.y_unit}),
        },
        coords={axes.x: xr.Variable(along, curve.x, {"units": axes.x_unit})},
        attrs={"resolution": FWHM * curve.h},
    )
