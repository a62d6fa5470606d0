"""The rows of a BioLogic file, binary or text: columns that are converted when they are asked for, and their clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLOCK = {"comment": "clock of the PC that ran the instrument; the file stores no time zone"}
"""Attributes of absolute times."""

_BLOCK = 8192  # rows; they stay in the processor's cache until the last of their columns is taken
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
        self._names = frozenset(columns)
        self._cache: dict[str, Floats] = {}
        self._counters: dict[str, NDArray[np.int32]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()))[0]) if self._columns else 0

    def __getitem__(self, name: str) -> Floats:
        if name not in self._cache:
            self._cache[name] = _converted(*self._columns[name])
        return self._cache[name]

    def convert(self, floats: Iterable[str], counters: Iterable[str]) -> None:
        """Convert several columns at once, so that the rows of a long file pass through the processor once."""
        columns = {name: np.empty(len(self)) for name in floats}
        integers = {name: np.empty(len(self), np.int32) for name in counters if self._counts(name)}
        with np.errstate(all="ignore"):
            for start in range(0, len(self), _BLOCK):
                part = slice(start, start + _BLOCK)
                for name, column in columns.items():
                    stored, factor = self._columns[name]
                    if factor == 1.0:
                        column[part] = stored[part]
                    else:
                        np.multiply(stored[part], factor, out=column[part], dtype=np.float64)
                for name, counter in integers.items():
                    counter[part] = self._columns[name][0][part]
        self._cache |= columns
        self._counters |= integers

    def at(self, name: str, index: NDArray[np.intp]) -> Floats:
        """Return some rows of a column; the others are not converted."""
        stored, factor = self._columns[name]
        return _converted(stored[index], factor)

    def integers(self, name: str) -> NDArray[np.int32]:
        """Return a column of counters; what is no number in the file becomes 0, as counters start."""
        if name in self._counters:
            return self._counters[name]
        stored = self._columns[name][0]
        if self._counts(name):
            return stored.astype(np.int32)
        whole = np.nan_to_num(stored, nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(whole.clip(-(2**31), 2**31 - 1), dtype=np.int32)

    def _counts(self, name: str) -> bool:
        return self._columns[name][0].dtype.kind in "iu"

    def names(self) -> frozenset[str]:
        """Return the names of all columns."""
        return self._names

    def any_of(self, *names: str) -> Floats | None:
        """Return the first column that exists, or None."""
        return next((self[name] for name in names if name in self), None)

    def first_of(self, *names: str) -> str:
        """Return the name of the first column that exists, or ""."""
        return next((name for name in names if name in self), "")


def _converted(stored: NDArray[Any], factor: float) -> Floats:
    with np.errstate(all="ignore"):
        if factor == 1.0:
            return np.ascontiguousarray(stored, dtype=np.float64)
        return np.asarray(np.multiply(stored, factor, dtype=np.float64))


def absolute_time(start: np.datetime64, seconds: Floats) -> NDArray[np.datetime64]:
    """Return the dates of times in seconds since `start`, NaT where a time is damaged.

    Examples
    --------
    >>> absolute_time(np.datetime64("2024-01-10T11:02:29.886"), np.array([30.153, np.nan]))
    array(['2024-01-10T11:03:00.039000000',                           'NaT'],
          dtype='datetime64[ns]')
    """
    # NaN is in no range.
    whole = bool(seconds.min(initial=0.0) > -_MAX_TIME and seconds.max(initial=0.0) < _MAX_TIME)
    nanoseconds = (seconds if whole else np.where(np.abs(seconds) < _MAX_TIME, seconds, 0.0)) * 1e9
    dates = np.rint(nanoseconds, out=nanoseconds).astype(np.int64)
    dates += start.astype("datetime64[ns]").astype(np.int64)
    found = dates.view("datetime64[ns]")
    if not whole:
        found[~(np.abs(seconds) < _MAX_TIME)] = np.datetime64("NaT")
    return found
