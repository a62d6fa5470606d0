"""Sheets of a workbook that continue one another, and durations that a spreadsheet shows as dates.

A sheet ends at 1 048 576 rows, often sooner, and cyclers go on in the next one: Arbin repeats the names of the columns
(``Channel_1-001_1``, ``Channel_1-001_2``), Neware too (``record``, ``record_1``), Landt does not (``Record``,
``Record_1``). A sheet is joined to an earlier one when both are called alike but for a number at the end, and its first
row counts on from the last one there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from ._columns import fold, split_unit

Rows = Sequence[Sequence[Any]]

COUNTERS = frozenset(
    fold(name) for name in ("Data Point", "Record Index", "Record ID", "Index", "数据序号", "记录序号")
)
"""Names of the column that counts the rows of a test."""

_NUMBER = re.compile(r"[\s_-]*\(?\d+\)?\s*$")
_HEAD = 50
_EPOCH, _LEAP_DAY = date(1899, 12, 31), date(1900, 2, 28)
_FIRST_INSTRUMENT = 1920
_DAY = 86400.0


def joined(sheets: Sequence[tuple[str, Rows]]) -> list[tuple[str, list[Sequence[Any]]]]:
    """Return name and rows of the sheets, those that continue one another under the name of the first.

    Parameters
    ----------
    sheets : sequence of (str, rows)
        In the order of the workbook; a row is a sequence of cells.

    Examples
    --------
    >>> joined([("Record", [["Index", "Voltage/V"], [1, 3.0]]), ("Record_1", [[2, 3.1]])])
    [('Record', [['Index', 'Voltage/V'], [1, 3.0], [2, 3.1]])]
    """
    whole: list[tuple[str, list[Sequence[Any]]]] = []
    latest: dict[str, list[Sequence[Any]]] = {}
    for name, rows in sheets:
        stem = _NUMBER.sub("", name).casefold()
        before = latest.get(stem, [])
        if before and (start := _continuation(before, rows)) is not None:
            before.extend(rows[start:])
            continue
        latest[stem] = list(rows)
        whole.append((name, latest[stem]))
    return whole


def _continuation(whole: Rows, rows: Rows) -> int | None:
    """Return the row from which on a sheet continues the rows before it, or None."""
    start = next(
        (row for row, (one, other) in enumerate(zip(whole, rows, strict=False)) if list(one) != list(other)), 0
    )
    names = next((row for row in range(min(_HEAD, len(whole))) if _counter(whole[row]) is not None), None)
    if names is None or start >= len(rows) or not rows[start]:
        return None
    at = _counter(whole[names])
    assert at is not None
    before, after = whole[-1], rows[start]
    if len(before) <= at or len(after) <= at or not all(type(row[at]) in (int, float) for row in (before, after)):
        return None
    return start if after[at] == before[at] + 1 else None


def _counter(row: Sequence[Any]) -> int | None:
    """Return which cell of a row names the column that counts rows."""
    for at, cell in enumerate(row):
        if isinstance(cell, str) and fold(split_unit(cell)[0]) in COUNTERS:
            return at
    return None


class Durations:
    """Cells of one column that hold durations, from the first row on.

    A spreadsheet keeps a duration as a number of days and shows it as a time of day, and from one day on as a date of
    the year 1900. It counts a 29 February 1900 that never was, so what is shown as the 28th is one of two days; a
    duration that would fall is of the second.
    """

    def __init__(self) -> None:
        self._last = 0.0

    def text(self, cell: date | time | timedelta) -> str | None:
        """Return a duration as ``hh:mm:ss``, or None for a date.

        Examples
        --------
        >>> from datetime import datetime
        >>> column = Durations()
        >>> column.text(time(12, 30)), column.text(datetime(1900, 1, 6, 12, 19, 42)), column.text(date(2026, 3, 1))
        ('12:30:00', '156:19:42', None)
        """
        if isinstance(cell, timedelta):
            seconds = cell.total_seconds()
        elif isinstance(cell, time):
            seconds = _of_day(cell)
        elif cell.year < _FIRST_INSTRUMENT:
            seconds = self._since_epoch(cell)
        else:
            return None
        self._last = seconds
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        whole = round(seconds * 1e6)
        minutes, fraction = divmod(whole, 60_000_000)
        rest = f"{fraction / 1e6:09.6f}".rstrip("0").rstrip(".")
        return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{rest}"

    def _since_epoch(self, cell: date) -> float:
        day = cell.date() if isinstance(cell, datetime) else cell
        seconds = (day - _EPOCH).days * _DAY + (_of_day(cell.time()) if isinstance(cell, datetime) else 0.0)
        if day > _LEAP_DAY or (day == _LEAP_DAY and seconds < self._last):
            seconds += _DAY
        return seconds


def _of_day(clock: time) -> float:
    return clock.hour * 3600.0 + clock.minute * 60.0 + clock.second + clock.microsecond / 1e6
