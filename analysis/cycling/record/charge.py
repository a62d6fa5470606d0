r"""Charge that belongs to each record of a cycling file, and how well it is known.

With a charge counter in the file its increments are used. Otherwise each record holds its current times the time that
belongs to it, :math:`\Delta Q_i = I_i (\Delta t_{i-1} + \Delta t_i)/2`, of which `.intervals` says more. A
counter counts from record to record of one file and never from file to file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import NotAnalysable
from .counts import believed, counts_something_else, increments
from .current import filled_current, measured_current, noise, resolution, signs, usual_size
from .intervals import SECONDS, Booleans, Floats, Integers, intervals, mended

__all__ = ["SECONDS", "Booleans", "Floats", "Integers", "Record", "file_starts", "record_of"]


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
        Whether the record comes after a gap in time, a return of the clock or a break between two files.
    counted : bool
        Whether the charge is the cycler's count.
    resolution : float
        Step of the digitised current, A; 0 where none shows.
    noise : float
        Standard deviation of the current from record to record, A.
    integral : ndarray
        The integral of the current that belongs to the record, A h; `charge` itself where nothing is counted.
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
    integral: Floats


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
    time = np.asarray(ds["test_time"].values, dtype=float)
    starts = file_starts(ds)
    counter = increments(ds, starts)
    current = measured_current(ds)
    if not math.isfinite(usual := usual_size(current)):
        current = filled_current(current, time, counter, starts)
        usual = usual_size(current)
    step = resolution(current)
    sign = signs(ds, current, usual, step)
    of_record = intervals(time, current, sign, starts[1:] - 1)
    if of_record.gap.any() and (repaired := mended(time)) is not time:
        time = repaired
        of_record = intervals(time, current, sign, starts[1:] - 1)
    charge, integral, edge = of_record.integral, of_record.integral, of_record.edge
    counted = np.zeros(0, dtype=bool)
    if counter is not None and not counts_something_else(counter, integral, current):
        charge = believed(counter, integral, current, time, of_record, starts)
        counted = np.isfinite(counter)
        edge = np.zeros(time.size) if counted.all() else np.where(counted, 0.0, edge)  # it knows when a step ended
    return Record(
        time=time,
        voltage=np.asarray(ds["voltage"].values, dtype=float),
        current=current,
        sign=sign,
        charge=charge,
        duration=of_record.duration,
        edge=edge,
        gap=of_record.gap,
        counted=bool(counted.size and counted.all()),
        resolution=step,
        noise=noise(current, sign),
        integral=integral,
    )


def file_starts(ds: xr.Dataset) -> Integers:
    """Return the first record of each file of a spliced record."""
    if "file_id" not in ds.variables:
        return np.zeros(1, dtype=np.intp)
    of_file = ds["file_id"].values
    return np.concatenate([[0], np.flatnonzero(of_file[1:] != of_file[:-1]) + 1])
