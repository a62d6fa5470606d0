"""What a cycler's charge counter adds from record to record of one file, as far as it can be believed."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from .intervals import BLOCK, SECONDS, Floats, Integers, Intervals, spread

_RESET = 3.0  # times the current's charge: a step of the counter that the current does not explain
_ROUNDING = 1e-6  # of the largest charge of a record: digits of a counter


def increments(ds: xr.Dataset, starts: Integers) -> Floats | None:
    """Return what a charge counter adds from the last valid record of its file to each; None without counter.

    It is not a number for the records of files that have no counter.
    """
    if "charge" not in ds:
        return None
    charge = np.asarray(ds["charge"].values, dtype=float)
    added = np.empty(charge.size)
    if math.isfinite(charge.sum()):
        np.subtract(charge[1:], charge[:-1], out=added[1:])
        added[starts] = 0.0
        return added
    added[:] = np.nan
    for start, stop in zip(starts, [*starts[1:], charge.size], strict=True):
        valid = np.flatnonzero(np.isfinite(charge[start:stop])) + start
        if valid.size >= 2:
            added[start:stop] = 0.0
            added[valid[1:]] = np.diff(charge[valid])
    return None if np.isnan(added).all() else added


def counts_something_else(added: Floats, integral: Floats, current: Floats) -> bool:
    """Whether what is called a charge adds several times what the current does, all along."""
    some = spread(added.size)
    counted, passed = np.abs(added[some]), np.abs(integral[some])
    flowing = np.isfinite(counted) & (passed > 0) & (np.abs(current[some]) > 0)
    return bool(np.count_nonzero(counted[flowing] > _RESET * passed[flowing]) > 0.5 * np.count_nonzero(flowing))


def believed(
    added: Floats, integral: Floats, current: Floats, time: Floats, of_record: Intervals, starts: Integers
) -> Floats:
    """Return the counter's increments, with the integral where the counter jumps, is reset or is missing."""
    charge = added.copy()
    rounding = _ROUNDING * max(float(integral.max()), -float(integral.min()))
    for start in range(1, charge.size, BLOCK):
        rows = slice(start, min(start + BLOCK, charge.size))
        size = np.abs(current[rows.start - 1 : rows.stop])
        possible = np.maximum(size[1:], size[:-1])
        possible *= time[rows] - time[rows.start - 1 : rows.stop - 1]
        possible *= _RESET / SECONDS
        possible += rounding
        wrong = ~(np.abs(charge[rows]) <= possible)  # also where the counter is missing
        if wrong.any():
            row = np.flatnonzero(wrong) + start
            # The counter's step covers the interval before the record, the integral half of either.
            passed = 0.5 * (current[row] + current[row - 1]) * (time[row] - time[row - 1]) / SECONDS
            by_integral = np.isnan(charge[row]) | (current[row] * current[row - 1] <= 0)
            charge[row] = np.where(by_integral, integral[row], passed)
    after_gap = np.flatnonzero(of_record.gap)
    charge[after_gap] = np.where(np.isnan(added[after_gap]), integral[after_gap], 0.0)
    if np.isnan(added[0]):
        charge[0] = integral[0]
    _close_seams(charge, added, current, of_record, starts[1:])
    return charge


def _close_seams(charge: Floats, added: Floats, current: Floats, of_record: Intervals, seams: Integers) -> None:
    """Add what passed between two files by the current on either side, where they follow without a gap."""
    for row in seams:
        before = float(of_record.before[np.searchsorted(of_record.ends, row)] * current[row] / SECONDS)
        after = float(of_record.after[np.searchsorted(of_record.ends, row - 1)] * current[row - 1] / SECONDS)
        if np.isfinite(added[row]):
            charge[row] = before
        if np.isfinite(added[row - 1]):
            # A count belongs to the interval before its record, as long as the current goes on.
            goes_on = np.isfinite(added[row]) and before * after > 0
            charge[row if goes_on else row - 1] += after
