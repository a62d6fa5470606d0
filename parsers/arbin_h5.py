"""Arbin SQL exports in HDF5 (.h5): the table ``data_df`` of rows, ``info_df`` about the tests, as pandas writes them.

A table of pandas is a compound dataset whose numbers of one type lie side by side in ``values_block_N``; a frame is a
set of datasets ``blockN_values``. The names of the columns of a table are stored as a pickled list. Nothing is
unpickled here: a list of plain names in pickle's text protocol is four kinds of lines, which are matched, and anything
else is refused. Text of frames, which is pickled too, is left out.

Time is in s, current in A, voltage in V, capacity in A h, energy in W h, ``Date_Time`` in 100 ns since 1970, UTC, the
mass in ``info_df`` in g, dates in s.

Checked on corpus/cycling/cellpy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._arbin import About, tests_of
from ._hdf5 import opened
from ._source import Measurement, Source
from .errors import CorruptFile, LimitExceeded, UnsupportedContent

if TYPE_CHECKING:
    import h5py

Floats = NDArray[np.float64]

_DATA, _TESTS = "data_df", "info_df"
_NAMES = re.compile(rb"\(lp\d+\n(?:V[^\\\n]+\np\d+\na)*\.")
_NAME = re.compile(rb"V([^\n]+)\np\d+\na")
_TICKS = 1e7
"""Per second, of ``Date_Time``."""
_SECONDS = (6.3e8, 4.1e9)
"""1990 to 2100."""
_BLOCKS = 8
_CELL = {"active_mass": "SpecificMASS", "nominal_capacity": "Capacity"}
_REMEDY = "export the tests as csv from Arbin's MITS or Data Watcher"


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record of each test of the file.

    Raises
    ------
    CorruptFile
        If it is no whole HDF5 file.
    UnsupportedContent
        If it holds no table of data, or one whose columns cannot be named without unpickling.
    """
    with opened(source) as file:
        columns = _table(file, source)
        facts = _frame(file, source)
    clock = _dates(columns.pop("Date_Time"), _TICKS) if "Date_Time" in columns else None
    yield from tests_of(columns, clock, _known(columns, facts), source)


def _table(file: h5py.File, source: Source) -> dict[str, Floats]:
    """Return the columns of numbers of the pandas table of data."""
    table = _dataset(file, f"{_DATA}/table", source)
    if table is None or table.ndim != 1 or not table.dtype.names:
        raise UnsupportedContent(
            f"the file has the groups {sorted(file)[:20]}", expected=f"Arbin's {_DATA} as a table", remedy=_REMEDY
        )
    rows = table[:]
    columns: dict[str, Floats] = {}
    for block in table.dtype.names:
        kind = table.dtype[block]
        if kind.base.kind not in "fiu" or block == "index":
            continue
        names = _names(table.attrs.get(f"{block}_kind"), block)
        if kind.shape != (len(names),):
            raise CorruptFile(f"{block} has {kind.shape} columns and {len(names)} names", expected="as many names")
        columns |= {name: rows[block][:, at].astype(np.float64) for at, name in enumerate(names)}
    return columns


def _names(pickled: Any, block: str) -> list[str]:
    """Return the names in a pickled list of names, without unpickling it."""
    text = bytes(pickled) if isinstance(pickled, bytes) else b""
    if not _NAMES.fullmatch(text):
        raise UnsupportedContent(
            f"the names of the columns of {block} are no plain list, and pickled objects are never loaded",
            expected="a list of names in pickle's text protocol",
            remedy=_REMEDY,
        )
    return [name.decode("latin-1") for name in _NAME.findall(text)]


def _frame(file: h5py.File, source: Source) -> list[dict[str, float]]:
    """Return the rows of the frame about the tests, as far as they are numbers; empty where there is none."""
    rows: list[dict[str, float]] = []
    for block in range(_BLOCKS):
        names = _dataset(file, f"{_TESTS}/block{block}_items", source)
        values = _dataset(file, f"{_TESTS}/block{block}_values", source)
        if names is None or values is None or names.dtype.kind != "S" or values.dtype.kind not in "fiu":
            continue
        titles = [title.decode("latin-1") for title in names[:]]
        numbers = np.atleast_2d(values[:]).astype(np.float64).tolist()
        rows = rows or [{} for _ in numbers]
        for row, line in zip(rows, numbers, strict=False):
            row |= {title: number for title, number in zip(titles, line, strict=False) if np.isfinite(number)}
    return rows


def _dataset(file: h5py.File, path: str, source: Source) -> h5py.Dataset | None:
    """Return a dataset that lies in the file itself, not behind a link to another, if it is there and not too large."""
    import h5py

    place: Any = file
    for part in path.split("/"):
        if not isinstance(place, h5py.Group) or not isinstance(place.get(part, getlink=True), h5py.HardLink):
            return None
        place = place[part]
    if not isinstance(place, h5py.Dataset) or place.external or place.is_virtual:
        return None
    if (size := place.size * place.dtype.itemsize) > source.limits.array:
        raise LimitExceeded(f"a dataset of {size} bytes", expected=f"at most {source.limits.array} (Limits.array)")
    return place


def _known(columns: dict[str, Floats], facts: list[dict[str, float]]) -> dict[int, About]:
    """Return what is known of every test that has rows; the frame tells of some of them only."""
    numbers = columns.get("Test_ID", np.empty(0))
    known = {int(number): About(f"test_{int(number)}") for number in np.unique(numbers[np.isfinite(numbers)])}
    for row in facts:
        number = int(row.get("Test_ID", -1))
        if number in known:
            start = _dates(np.array([row.get("First_Start_DateTime", np.nan)]), 1.0)[0]
            attrs: dict[str, str | float | None] = {}
            if "IV_Ch_ID" in row:
                attrs["channel"] = int(row["IV_Ch_ID"])
            if not np.isnat(start):
                attrs["start_time"] = str(np.datetime_as_string(start, unit="ms"))
            cell = {ours: row[name] for ours, name in _CELL.items() if name in row}
            known[number] = About(f"test_{number}", attrs, cell, row)
    return known


def _dates(counts: Floats, per_second: float) -> NDArray[np.datetime64]:
    """Return dates from counts since 1970, to the millisecond; NaT for what is none."""
    seconds = counts / per_second
    there = (seconds >= _SECONDS[0]) & (seconds <= _SECONDS[1])
    dates = np.rint(np.where(there, seconds, 0.0) * 1e3).astype("datetime64[ms]").astype("datetime64[ns]")
    dates[~there] = np.datetime64("NaT")
    return np.asarray(dates)
