"""The rows of a BioLogic file, binary or text: columns that are converted when they are asked for, and their clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLOCK = {"comment": "clock of the PC that ran the instrument; the file stores no time zone"}
"""Attributes of absolute times."""

_MAX_TIME = 3e9  # s, a century: beyond it lies only damage


class Rows:
    """The columns of a file, converted when they are asked for.

    Parameters
    ----------
    columns : mapping of str to (array, float)
        By the names of `interlayer.parsers._biologic_columns`: the numbers as stored, shape (rows,), and the factor
        that turns them into the unit of the vocabulary.

    Examples
    --------
    >>> Rows({"current": (np.array([2.0]), 1e-3)})["current"]
    array([0.002])
    """

    def __init__(self, columns: Mapping[str, tuple[NDArray[Any], float]]) -> None:
        self._columns = columns
        self._cache: dict[str, Floats] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()))[0]) if self._columns else 0

    def __getitem__(self, name: str) -> Floats:
        if name not in self._cache:
            stored, factor = self._columns[name]
            with np.errstate(all="ignore"):
                self._cache[name] = (
                    np.ascontiguousarray(stored, dtype=np.float64)
                    if factor == 1.0
                    else np.multiply(stored, factor, dtype=np.float64)
                )
        return self._cache[name]

    def integers(self, name: str) -> NDArray[np.int32]:
        """Return a column of counters; what is no number in the file becomes 0, as counters start."""
        stored = self._columns[name][0]
        if stored.dtype.kind in "iu":
            return stored.astype(np.int32)
        whole = np.nan_to_num(stored, nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(whole.clip(-(2**31), 2**31 - 1), dtype=np.int32)

    def names(self) -> frozenset[str]:
        """Return the names of all columns."""
        return frozenset(self._columns)

    def any_of(self, *names: str) -> Floats | None:
        """Return the first column that exists, or None."""
        return next((self[name] for name in names if name in self), None)


def absolute_time(start: np.datetime64, seconds: Floats) -> NDArray[np.datetime64]:
    """Return the dates of times in seconds since `start`, NaT where a time is damaged.

    Examples
    --------
    >>> absolute_time(np.datetime64("2024-01-10T11:02:29.886"), np.array([30.153, np.nan]))
    array(['2024-01-10T11:03:00.039000000',                           'NaT'],
          dtype='datetime64[ns]')
    """
    usable = np.abs(seconds) < _MAX_TIME
    whole = bool(usable.all())
    offsets = np.rint((seconds if whole else np.where(usable, seconds, 0.0)) * 1e9).astype(np.int64)
    dates = start.astype("datetime64[ns]") + offsets.view("timedelta64[ns]")
    if not whole:
        dates[~usable] = np.datetime64("NaT")
    return np.asarray(dates)
