"""The time base of a Maccor file: its unit, its dates, and times of day without a date."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ._cycling_times import Times
from ._dates import Dates, both_orders, dates, dates_lasting, dates_on, durations, month_as_number
from ._source import Source
from ._table import Column, Table
from ._texts import Texts
from .errors import AmbiguousContent, CorruptFile, UnsupportedContent

Floats = NDArray[np.float64]

_BEGUN = re.compile(r"(?:.*\bDate of Test:?|Started:?)[\s,;\"]*([^\t;\"]*[^\t;\",\s])")
_TIME_OF_DAY = re.compile(r"\s*\d{1,2}:\d{2}:\d{2}(\.\d+)?\s*$")
_DAY = 86400.0
_FACTORS = (1.0, 60.0, 3600.0)
"""s per unit of a test time that names none."""


def test_times(
    table: Table,
    time: Column,
    clock: Column,
    header: Sequence[str],
    columns: Mapping[str, Floats],
    source: Source,
) -> Times:
    """Return test time and dates.

    Parameters
    ----------
    table : Table
    time, clock : Column
        The columns of the test time and of the date.
    header : sequence of str
        The lines above the table.
    columns : mapping of str to numpy.ndarray
        ``current`` and, where there is one, ``capacity`` as the file has them.
    source : Source
        Takes findings about dates that cannot be used.
    """
    begun = _begun(header)
    seconds, named = _elapsed(table, time)
    texts = _clock_texts(table, clock)
    moments, reason = _dated(texts, seconds if named else None, begun) if texts else (None, "")
    if not named:
        possible = both_orders(texts) if moments is None else [moments]
        factors = {_unit_by_clock(seconds, found) for found in possible} - {None}
        factor = factors.pop() if len(factors) == 1 else _unit_by_counter(seconds, columns)
        if factor is None:
            raise AmbiguousContent(
                f"the test time in {table.header[table.index(time) or 0]!r} names no unit, and nothing decides it",
                expected="seconds, minutes or hours",
                remedy="export again with the test time as d hh:mm:ss, or with the dates of the rows",
            )
        seconds = seconds * factor
        unit = {1.0: "seconds", 60.0: "minutes", 3600.0: "hours"}[factor]
        source.note("inferred-time-unit", "info", f"The test time names no unit; by dates or counters it is in {unit}.")
        if texts and moments is None:
            moments, reason = _dated(texts, seconds, begun)
    if texts and moments is None and all(_TIME_OF_DAY.match(layout.text) for layout in Texts.of(texts).layouts):
        moments, reason = _dates_of_day(texts, seconds, begun)
    if texts and moments is None:
        source.note("unread-dates", "info", f"The dates of the rows were left out, for example {texts[0]!r}: {reason}.")
    return Times(seconds, moments)


def _begun(header: Sequence[str]) -> str:
    """Return the date of the test in the header, "" where there is none."""
    found = next((match for line in header if (match := _BEGUN.match(line))), None)
    return month_as_number(found[1]) if found else ""


def _elapsed(table: Table, time: Column) -> tuple[Floats, bool]:
    """Return the test time, and whether it is in s or still in a unit that the file does not name."""
    at = table.index(time)
    if at is None:
        raise UnsupportedContent(
            f"no column for the test time among {list(table.header)}", line=max(table.line - 1, 1), expected="TestTime"
        )
    seconds = None if table.is_numeric(at) else durations(table.texts(at))
    if seconds is not None:
        return seconds, True
    values, wrong = table.parse(at)
    if np.mean(wrong) >= 0.05:
        raise CorruptFile(
            f"the test time holds {table.texts(at)[0]!r}", line=table.line, expected="numbers or durations d hh:mm:ss"
        )
    return values * table.factor(time, at), bool(table.units[at])


def _clock_texts(table: Table, clock: Column) -> Sequence[str]:
    at = table.index(clock)
    if at is None:
        return []
    texts = table.texts(at)
    first = next(filter(None, texts), None)
    if first is None:
        return []
    return Texts.of(list(map(month_as_number, texts))) if month_as_number(first) != first else texts


def _dated(texts: Sequence[str], seconds: Floats | None, begun: str) -> tuple[Dates | None, str]:
    moments, reason = dates(texts)
    if moments is None and reason != "not a date":
        if seconds is not None:
            moments = dates_lasting(texts, seconds)
        start, _ = dates([begun])
        if moments is None and start is not None:
            moments = dates_on(texts, start[0])
    return moments, reason


def _unit_by_clock(values: Floats, moments: Dates) -> float | None:
    known = np.isfinite(values) & ~np.isnat(moments)
    if known.sum() < 2:
        return None
    span = float((moments[known][-1] - moments[known][0]) / np.timedelta64(1, "s"))
    raw = float(values[known][-1] - values[known][0])
    return next((factor for factor in _FACTORS if abs(raw * factor - span) <= 0.02 * span and span > 10.0), None)


def _unit_by_counter(values: Floats, columns: Mapping[str, Floats]) -> float | None:
    if "capacity" not in columns:
        return None
    size = np.abs(columns["current"])
    passed = float(np.nansum((size[1:] + size[:-1]) / 2 * np.clip(np.diff(values), 0.0, None))) / 3600.0
    counted = float(np.nansum(np.clip(np.diff(columns["capacity"]), 0.0, None)))
    if min(passed, counted) <= 0:
        return None
    return next((factor for factor in _FACTORS if abs(passed * factor / counted - 1) < 0.2), None)


def _dates_of_day(texts: Sequence[str], seconds: Floats, begun: str) -> tuple[Dates | None, str]:
    """Return dates from times of day: the day is that of the header, and those that the test time adds."""
    clock = durations(texts)
    start, reason = dates([begun])
    if start is None or clock is None:
        return None, f"they name no day, and the date of the test, {begun!r}, does not either: {reason}"
    first = np.flatnonzero(np.isfinite(clock) & np.isfinite(seconds))[:1]
    if not len(first):
        return None, "none has a test time"
    offset = clock[first[0]] - seconds[first[0]]
    days = np.rint((offset + seconds - clock) / _DAY)
    since = days * _DAY + clock
    midnight = start[0].astype("datetime64[D]").astype("datetime64[ns]")
    moments = np.full(len(since), np.datetime64("NaT"), dtype="datetime64[ns]")
    known = np.isfinite(since)
    moments[known] = midnight + np.rint(since[known] * 1e9).astype(np.int64).astype("timedelta64[ns]")
    return moments, ""
