"""One file of a test: the clock of its records, and which of them another file holds as well."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import NotAnalysable
from .intervals import Floats

Dates = NDArray[np.datetime64]

SECOND = np.timedelta64(1, "s")

_COARSE, _FINE = 1.0, 1e-3  # s: resolution of a clock that shows whole seconds, and of any other
_SAME_VOLTAGE, _SAME_CURRENT = 1e-4, 1e-3  # V, and relative to the largest: rounding of two exports of one record


@dataclass(frozen=True)
class File:
    """A record with its name and, where the file tells, the date of each of its rows."""

    name: str
    ds: xr.Dataset
    clock: Dates | None

    @property
    def size(self) -> int:
        """Number of records."""
        return int(self.ds.sizes["record"])

    @property
    def test_time(self) -> Floats:
        """Time in the test as the file counts it, s."""
        return np.asarray(self.ds["test_time"].values, dtype=float)

    def without_first(self, count: int) -> File:
        """Return the file without its first records."""
        clock = None if self.clock is None else self.clock[count:]
        return replace(self, ds=self.ds.isel(record=slice(count, None)), clock=clock)


def file_of(ds: xr.Dataset, fallback: str) -> File:
    """Return a record as a file; `fallback` names one that does not say its name.

    Raises
    ------
    ValueError
        If it is spliced of files.
    NotAnalysable
        If it is no cycling record, or holds neither current nor charge.
    """
    name = str(ds.attrs.get("source_file", fallback))
    if ds.attrs.get("technique") != "cycling" or not {"test_time", "voltage"} <= set(ds.variables):
        raise NotAnalysable(f"{name} is of the technique {ds.attrs.get('technique')!r}; expected a cycling record")
    if not {"current", "charge"} & set(ds.variables):
        raise NotAnalysable(f"{name} holds neither current nor charge; export one of them as well")
    if "file_id" in ds.variables:
        raise ValueError(f"{name} is spliced already; expected the records of single files")
    return File(name, ds, _clock(ds))


def _clock(ds: xr.Dataset) -> Dates | None:
    """Return the date of each record, from the rows' own dates, else from the start; None where neither is known."""
    since = np.asarray(ds["test_time"].values, dtype=float)
    if "time" in ds.variables and ds["time"].dims == ("record",):
        clock = ds["time"].values.astype("datetime64[ns]")
        known = np.flatnonzero(~np.isnat(clock))
        if known.size:
            return np.where(np.isnat(clock), clock[known[0]] + _elapsed(since - since[known[0]]), clock)
    try:
        start = datetime.fromisoformat(str(ds.attrs.get("start_time")))
    except ValueError:
        return None
    if start.tzinfo is not None:
        start = start.astimezone(UTC).replace(tzinfo=None)
    return np.asarray(np.datetime64(start, "ns") + _elapsed(since))


def _elapsed(seconds: Floats) -> NDArray[np.timedelta64]:
    return np.asarray(np.rint(seconds * 1e9).astype("timedelta64[ns]"))


def resolution(*clocks: Dates) -> float:
    """Return the resolution of the coarsest of several clocks, s."""
    return max(_COARSE if np.all(clock == clock.astype("datetime64[s]")) else _FINE for clock in clocks)


def shared_records(earlier: File, later: File) -> int:
    """Return how many of the first records of the later file the earlier one holds as well.

    Raises
    ------
    NotAnalysable
        If both cover the same time with different records.
    """
    one, other = earlier.clock, later.clock
    if one is None or other is None or other[0] > one.max():
        return 0
    coarse = resolution(one, other)
    # Two clocks of one kind tell the same date of one record; a coarse one has rounded what a fine one says.
    tolerance = coarse if resolution(one) != resolution(other) else _FINE
    for start in np.flatnonzero(np.abs((one - other[0]) / SECOND) <= tolerance):
        count = min(earlier.size - int(start), later.size)
        apart = np.abs((one[start : start + count] - other[:count]) / SECOND)
        if np.all(apart <= tolerance) and _same_values(earlier, int(start), later, count):
            return count
    if (one.max() - other[0]) / SECOND <= coarse:
        return 0
    begin, end = (str(np.datetime_as_string(moment, unit="s")) for moment in (other[0], min(one.max(), other.max())))
    nearest = int(np.argmin(np.abs(one - other[0])))
    voltages = [float(file.ds["voltage"].values[row]) for file, row in ((earlier, nearest), (later, 0))]
    raise NotAnalysable(
        f"{earlier.name} and {later.name} both hold records from {begin} to {end}, and these differ: at the start "
        f"{voltages[0]:.5g} V and {voltages[1]:.5g} V; expected files of one test, each record in one of them"
    )


def _same_values(earlier: File, start: int, later: File, count: int) -> bool:
    """Whether voltage and current of records of two files are equal but for rounding."""
    for name in ("voltage", "current"):
        if name not in earlier.ds or name not in later.ds:
            continue
        one = np.asarray(earlier.ds[name].values[start : start + count], dtype=float)
        other = np.asarray(later.ds[name].values[:count], dtype=float)
        allowed = _SAME_VOLTAGE if name == "voltage" else _SAME_CURRENT * float(np.nanmax(np.abs(other), initial=0.0))
        if not np.allclose(one, other, rtol=0.0, atol=allowed, equal_nan=True):
            return False
    return True
