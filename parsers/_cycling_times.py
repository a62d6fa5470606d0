"""The time base of a cycling record: time in the test and date, from whichever columns hold them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._columns_cycling import CLOCK, PLAIN_TIME, TEST_TIME
from ._dates import dates, dates_lasting, durations
from ._source import Source
from ._table import Column, Table
from .errors import AmbiguousContent, CorruptFile, UnsupportedContent

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]

_UNIX = (1e9, 2.2e9)
"""s; 2001 to 2039."""


@dataclass(frozen=True)
class Times:
    """The time base of a record.

    Parameters
    ----------
    test_time : numpy.ndarray
        In s, shape (rows,).
    clock : numpy.ndarray of datetime64[ns], optional
        Date of each row.
    """

    test_time: Floats
    clock: Dates | None

    @property
    def start(self) -> str | None:
        """Date of the first row in ISO 8601."""
        if self.clock is None or np.isnat(self.clock).all():
            return None
        return str(np.datetime_as_string(self.clock[~np.isnat(self.clock)][0], unit="ms"))


def times(table: Table, source: Source) -> Times:
    """Return the time base of a table.

    A column whose name says that it runs through the test comes first, then one that is called time, then the date.

    Raises
    ------
    UnsupportedContent
        If there is no time column.
    AmbiguousContent
        If the only one restarts with each step.
    CorruptFile
        If it holds neither numbers nor durations nor dates.
    """
    clock = _clock(table, source)
    for column in (TEST_TIME, PLAIN_TIME):
        if table.index(column) is None:
            continue
        seconds, dated = _seconds(table, column)
        if seconds is None:
            clock = dated if clock is None else clock
            continue
        if column is PLAIN_TIME and _restarts(seconds):
            if clock is None:
                raise AmbiguousContent(
                    f"the time in {table.header[table.index(column) or 0]!r} restarts with each step",
                    expected="a time that runs through the test",
                    remedy="export again with the total time or the date",
                )
            break
        _compare(seconds, clock, source)
        return Times(seconds, clock)
    if clock is None:
        raise UnsupportedContent(
            f"no column for the time among {list(table.header)}",
            line=max(table.line - 1, 1),
            expected="one called Test Time",
            remedy="export again with that column",
        )
    source.note("time-from-clock", "info", "The time in the test was counted from the dates of the rows.")
    return Times((clock - clock[~np.isnat(clock)][0]) / np.timedelta64(1, "s"), clock)


def _seconds(table: Table, column: Column) -> tuple[Floats | None, Dates | None]:
    """Return a time column in s, or its dates when it holds dates."""
    position = table.index(column)
    assert position is not None
    if table.is_numeric(position):
        return table.take([column])["test_time"], None
    texts = table.texts(position)
    seconds = durations(texts)
    if seconds is not None:
        return seconds, None
    values, wrong = table.parse(position)
    if not wrong.any() or wrong.sum() * 20 < len(wrong):
        return values * table.factor(column, position), None
    moments, reason = dates(texts)
    if moments is None:
        raise CorruptFile(
            f"the column {table.header[position]!r} holds {texts[0]!r}: {reason}",
            line=table.line,
            expected="seconds, hh:mm:ss or a date with the year first",
        )
    return None, moments


def _clock(table: Table, source: Source) -> Dates | None:
    position = table.index(CLOCK)
    if position is None:
        return None
    if table.is_numeric(position):
        numbers = table.numbers(position) * table.factor(CLOCK, position)
        if not np.all((numbers >= _UNIX[0]) & (numbers <= _UNIX[1])):
            return None
        return np.asarray((numbers * 1e9).astype(np.int64).view("datetime64[ns]"))
    texts = table.texts(position)
    moments, reason = dates(texts)
    if moments is None and reason != "not a date" and table.index(TEST_TIME) is not None:
        seconds, _ = _seconds(table, TEST_TIME)
        moments = None if seconds is None else dates_lasting(texts, seconds)
    if moments is None:
        title, example = table.header[position], texts[0]
        message = f"The dates in {title!r} were left out, for example {example!r}: {reason}."
        source.note("unread-dates", "info", message)
    return moments


def _restarts(seconds: Floats) -> bool:
    """Whether a time goes back to its beginning more than once, as the time in a step does."""
    back = np.flatnonzero(np.diff(seconds) < 0) + 1
    return len(back) > 1 and bool(np.mean(seconds[back] < 0.05 * np.nanmax(seconds)) > 0.5)


def _compare(seconds: Floats, clock: Dates | None, source: Source) -> None:
    """Note a test that lasts longer than the dates of its rows allow."""
    if clock is None or len(seconds) < 2:
        return
    known = np.isfinite(seconds) & ~np.isnat(clock)
    if not known.any():
        return
    by_clock = float((clock[known].max() - clock[known].min()) / np.timedelta64(1, "s"))
    by_test = float(np.ptp(seconds[known]))
    if by_test > 1.02 * by_clock + 120.0:
        message = f"The test lasts {by_test:.6g} s by its time column and {by_clock:.6g} s by the dates of its rows."
        source.note("time-contradicts-clock", "warning", message)
