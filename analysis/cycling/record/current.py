"""The current of a record without holes, which way it flows, its noise and its resolution."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from interlayer.parsers import schema

from ...errors import NotAnalysable
from .intervals import BLOCK, SECONDS, Floats, Integers, spread

_NOISE_OF_ZERO = 1e-3  # part of the usual current below which a current is zero
_FLICKER, _FLICKERING, _FEW = 0.5, 0.02, 20  # of the largest current; share of records; number of multiples
_WITHOUT_CURRENT = tuple(schema.STEP_TYPES.index(name) for name in ("rest", "impedance"))


def measured_current(ds: xr.Dataset) -> Floats:
    """Return the current of the file, not a number where it has none."""
    return np.asarray(ds["current"].values, dtype=float) if "current" in ds else np.full(ds.sizes["record"], np.nan)


def usual_size(current: Floats) -> float:
    """Return the mean magnitude of a current weighted with the charge, A; not a number where values are missing."""
    size = np.empty(min(BLOCK, current.size))
    total = squares = 0.0
    for start in range(0, current.size, BLOCK):
        block = current[start : start + BLOCK]
        squares += float(block @ block)
        total += float(np.abs(block, out=size[: block.size]).sum())
    return squares / total if total != 0.0 else 0.0


def filled_current(measured: Floats, time: Floats, added: Floats | None, starts: Integers) -> Floats:
    """Return the current; where it is missing that of the charge, else of the record that follows in the file.

    Parameters
    ----------
    measured, time : ndarray, shape (record,)
        In A and s.
    added : ndarray, shape (record,), optional
        Increments of a charge counter, A h.
    starts : ndarray of int
        First record of each file.

    Raises
    ------
    NotAnalysable
        If a file holds no valid current.
    """
    current = measured.copy()
    if added is not None:
        missing = np.flatnonzero(~np.isfinite(current[1:])) + 1
        with np.errstate(divide="ignore", invalid="ignore"):
            current[missing] = added[missing] * SECONDS / (time[missing] - time[missing - 1])
    for part in np.split(current, starts[1:]):
        known = np.flatnonzero(np.isfinite(part))
        if known.size == 0:
            raise NotAnalysable("the record holds no valid current")
        part[:] = part[known[np.minimum(np.searchsorted(known, np.arange(part.size)), known.size - 1)]]
    return current


def resolution(current: Floats) -> float:
    """Return the step of the digitised current as its flicker shows it, 0 where it is steady or looks continuous."""
    some = spread(current.size)
    largest = float(np.abs(current[some]).max())
    change = np.abs(current[1:][some] - current[:-1][some])
    change = change[change < _FLICKER * largest]
    flicker = change[change > 1e-9 * largest]
    if flicker.size <= _FLICKERING * change.size:
        return 0.0
    step = float(flicker.min())
    multiples = flicker / step
    is_digital = np.abs(multiples - np.round(multiples)).max() < 0.05 and np.unique(np.round(multiples)).size < _FEW
    return step if is_digital else 0.0


def signs(ds: xr.Dataset, current: Floats, usual: float, step: float) -> NDArray[np.int8]:
    """Return +1 on charge, -1 on discharge and 0 where no current flows.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record; its kinds of step say where no current flows whatever is measured.
    current : ndarray, shape (record,)
        In A.
    usual, step : float
        Usual magnitude of the current and its resolution, A.
    """
    zero = max(_NOISE_OF_ZERO * usual, 0.5 * step)
    sign = np.empty(current.size, dtype=np.int8)
    kinds = ds["step_type"].values if "step_type" in ds else None
    for start in range(0, current.size, BLOCK):
        rows = slice(start, start + BLOCK)
        block = current[rows]
        np.subtract((block > zero).view(np.int8), (block < -zero).view(np.int8), out=sign[rows])
        if kinds is not None:
            for kind in _WITHOUT_CURRENT:
                np.copyto(sign[rows], 0, where=kinds[rows] == kind)
    return sign


def noise(current: Floats, sign: Integers) -> float:
    """Return the standard deviation of the current from record to record inside steps, A."""
    some = spread(current.size)
    steady = (sign[1:][some] == sign[:-1][some]) & (sign[1:][some] != 0)
    change = np.abs(current[1:][some] - current[:-1][some])[steady]
    return 1.4826 * float(np.median(change)) / math.sqrt(2.0) if change.size else 0.0
