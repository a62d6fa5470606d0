r"""Charge that belongs to each record of a cycling file, and how well it is known.

With a charge counter in the file its increments are used. Otherwise each record owns half of the interval on either
side, :math:`\Delta Q_i = I_i (\Delta t_{i-1} + \Delta t_i)/2`, which inside a step is the trapezoid
rule; at the ends of a step the interval counts with the step's own current, and no more of it than the interval beside
it in the step. Nothing is integrated across gaps in time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from interlayer.parsers import schema

from ...errors import NotAnalysable

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

SECONDS = 3600.0
"""In an hour."""

_GAP = 10.0  # times the 95 % quantile of the sampling interval: a gap
_NOISE_OF_ZERO = 1e-3  # part of the usual current below which a current is zero
_RESET = 3.0  # times the current's charge: a step of the counter that the current does not explain
_FLICKER, _FLICKERING, _FEW = 0.5, 0.02, 20  # of the largest current; share of records; number of multiples
_WITHOUT_CURRENT = tuple(schema.STEP_TYPES.index(name) for name in ("rest", "impedance"))


@dataclass(frozen=True)
class Record:
    """A cycling file as plain arrays, one entry a record.

    Parameters
    ----------
    time, voltage, current : ndarray
        s, V and A.
    sign : ndarray of int
        +1 on charge, -1 on discharge, 0 where no current flows.
    charge : ndarray
        Charge that belongs to the record, A h.
    duration : ndarray
        Time that belongs to the record, s.
    edge : ndarray
        Time at the ends of a step of which it is open to which step it belongs, s.
    gap : ndarray of bool
        Whether the record comes after a gap in time or a return of the clock.
    counted : bool
        Whether the charge is the cycler's count.
    resolution : float
        Step of the digitised current, A; 0 where none shows.
    noise : float
        Standard deviation of the current from record to record, A.
    """

    time: Floats
    voltage: Floats
    current: Floats
    sign: NDArray[np.integer[Any]]
    charge: Floats
    duration: Floats
    edge: Floats
    gap: Booleans
    counted: bool
    resolution: float
    noise: float


def record_of(ds: xr.Dataset) -> Record:
    """Return the arrays of a cycling Dataset.

    Raises
    ------
    NotAnalysable
        If it is no cycling record, or holds neither current nor charge.
    """
    if "test_time" not in ds.variables or "voltage" not in ds.variables:
        raise NotAnalysable(f"the technique is {ds.attrs.get('technique')!r}; expected a cycling record")
    if "current" not in ds and "charge" not in ds:
        raise NotAnalysable("the record holds neither current nor charge; export one of them as well")
    if ds.sizes["record"] < 2:
        raise NotAnalysable("the record holds a single point; expected a course in time")
    time = _mended(np.asarray(ds["test_time"].values, dtype=float))
    interval = np.diff(time)
    counter = _increments(ds)
    current = _current(ds, interval, counter)
    resolution = _resolution(current)
    sign = _sign(ds, current, resolution)
    gap = np.concatenate([[False], is_gap(interval, sign)])
    duration, edge = _durations(interval, sign, gap)
    charge = np.where(sign != 0, current * duration / SECONDS, 0.0)
    noise = _noise(current, sign)
    if counter is not None:
        charge = _believed(counter, charge, current, np.concatenate([[0.0], interval]), gap)
        edge = np.zeros_like(edge)  # the counter knows when a step ended
    voltage = np.asarray(ds["voltage"].values, dtype=float)
    return Record(time, voltage, current, sign, charge, duration, edge, gap, counter is not None, resolution, noise)


def is_gap(interval: Floats, sign: NDArray[np.integer[Any]]) -> Booleans:
    """Return which intervals are gaps: the clock goes back, or far longer than the sampling while current flows."""
    flowing = (sign[1:] != 0) & (sign[:-1] != 0)
    usual = interval[flowing & (interval > 0)]
    longest = _GAP * float(np.quantile(usual, 0.95)) if usual.size else math.inf
    return np.asarray(~(interval >= 0) | (flowing & (interval > longest)))


def _mended(time: Floats) -> Floats:
    """Return the times with single records that fall behind, while the next go on, at the time of the one before."""
    behind = np.flatnonzero((time[1:-1] < time[:-2]) & (time[2:] >= time[:-2])) + 1
    mended = time.copy()
    mended[behind] = time[behind - 1]
    return mended


def _increments(ds: xr.Dataset) -> Floats | None:
    """Return what a charge counter adds from the last valid record to each, or None without counter."""
    if "charge" not in ds:
        return None
    charge = np.asarray(ds["charge"].values, dtype=float)
    valid = np.flatnonzero(np.isfinite(charge))
    if valid.size < 2:
        return None
    increments = np.zeros(charge.size)
    increments[valid[1:]] = np.diff(charge[valid])
    return increments


def _current(ds: xr.Dataset, interval: Floats, counter: Floats | None) -> Floats:
    """Return the current with missing values taken from the charge, else from the record that follows."""
    current = (
        np.asarray(ds["current"].values, dtype=float).copy() if "current" in ds else np.full(ds.sizes["record"], np.nan)
    )
    missing = ~np.isfinite(current)
    if counter is not None and missing.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            derived = np.concatenate([[np.nan], counter[1:] * SECONDS / interval])
        current[missing] = derived[missing]
        missing = ~np.isfinite(current)
    known = np.flatnonzero(~missing)
    if known.size == 0:
        raise NotAnalysable("the record holds no valid current")
    following = known[np.minimum(np.searchsorted(known, np.arange(current.size)), known.size - 1)]
    return current[following]


def _resolution(current: Floats) -> float:
    """Return the step of the digitised current as its flicker shows it, 0 where it is steady or looks continuous."""
    change = np.abs(np.diff(current))
    change = change[change < _FLICKER * np.abs(current).max()]
    flicker = change[change > 1e-9 * np.abs(current).max()]
    if flicker.size <= _FLICKERING * change.size:
        return 0.0
    step = float(flicker.min())
    multiples = flicker / step
    is_digital = np.abs(multiples - np.round(multiples)).max() < 0.05 and np.unique(np.round(multiples)).size < _FEW
    return step if is_digital else 0.0


def _sign(ds: xr.Dataset, current: Floats, resolution: float) -> NDArray[np.integer[Any]]:
    total = float(np.abs(current).sum())
    usual = float(current @ current) / total if total > 0 else 0.0
    zero = max(_NOISE_OF_ZERO * usual, 0.5 * resolution)
    sign = np.where(np.abs(current) > zero, np.sign(current), 0.0).astype(np.int8)
    if "step_type" in ds:
        sign[np.isin(ds["step_type"].values, _WITHOUT_CURRENT)] = 0
    return sign


def _durations(interval: Floats, sign: NDArray[np.integer[Any]], gap: Booleans) -> tuple[Floats, Floats]:
    """Return the time that belongs to each record and the part of it that lies at the ends of steps."""
    inner = (sign[1:] == sign[:-1]) & ~gap[1:]
    interval = np.where(gap[1:], 0.0, interval)
    usual = float(np.median(interval[inner & (interval > 0)])) if np.any(inner & (interval > 0)) else math.inf
    own = np.where(inner, interval, 0.0)
    own_left, own_right = np.concatenate([[0.0], own]), np.concatenate([own, [0.0]])
    # A step's first and last interval are no longer than the interval beside them inside the step.
    beside = np.maximum(own_left, own_right)
    beside = np.where(beside > 0, beside, usual)
    outer = np.where(inner, 0.0, interval)
    outer_left = np.minimum(np.concatenate([[0.0], outer]), beside)
    outer_right = np.minimum(np.concatenate([outer, [0.0]]), beside)
    return 0.5 * (own_left + own_right + outer_left + outer_right), np.hypot(outer_left, outer_right)


def _noise(current: Floats, sign: NDArray[np.integer[Any]]) -> float:
    steady = (sign[1:] == sign[:-1]) & (sign[1:] != 0)
    change = np.abs(np.diff(current)[steady])
    return 1.4826 * float(np.median(change)) / math.sqrt(2.0) if change.size else 0.0


def _believed(counter: Floats, integral: Floats, current: Floats, interval: Floats, gap: Booleans) -> Floats:
    """Return the counter's increments, with the integral where the counter jumps or is reset."""
    largest = np.maximum(np.abs(current), np.abs(np.concatenate([current[:1], current[:-1]])))
    possible = _RESET * largest * interval / SECONDS + 1e-6 * float(np.abs(integral).max(initial=0.0))
    return np.where((np.abs(counter) > possible) | gap, np.where(gap, 0.0, integral), counter)
