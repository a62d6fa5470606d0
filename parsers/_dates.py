"""Dates, clock times and durations as instruments write them, and the order of day and month when it can be known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._texts import Layout, Texts

if TYPE_CHECKING:
    from ._source import Source

Seconds = NDArray[np.float64]
Dates = NDArray[np.datetime64]

_CLOCK = r"(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?\s*([AaPp][Mm])?)?\s*(Z|[+-]\d{2}:?\d{2})?"
_YEAR_FIRST = re.compile(r"\s*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _CLOCK + r"\s*$")
_YEAR_LAST = re.compile(r"\s*(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})" + _CLOCK + r"\s*$")
_DURATION = re.compile(r"\s*(-?)(?:(\d+)\s*d(?:ays?)?[\s,]*|(\d+)-)?(\d+):(\d{1,2}):(\d{1,2}(?:[.,]\d*)?)\s*$")

_SPELLED = re.compile(r"\s*(?:[A-Za-z]+,\s*)?([A-Za-z]{3,9})\.?\s+(\d{1,2}),?\s+(\d{4})\b,?(.*)$")
_DAY_FIRST = re.compile(r"\s*(\d{1,2})[-\s]([A-Za-z]{3,9})\.?[-\s](\d{4}|\d{2})\b,?(.*)$")
_DIGITS = 15
_YEARS = (1678, 2261)
"""What dates in nanoseconds can be."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def start_time(text: str, source: Source) -> str | None:
    """Return when a measurement began as ISO 8601, or None with a finding when the text does not say it for certain.

    Besides what `dates` reads, months may be spelled out in English: ``Thursday, July 19, 2018 9:40:30 AM``.
    """
    moment, reason = dates([month_as_number(text)])
    if moment is None or np.isnat(moment[0]):
        source.note("unread-date", "info", f"The date {text!r} was not used: {reason or 'it is empty'}.")
        return None
    return str(np.datetime_as_string(moment[0], unit="ms"))


def month_as_number(text: str) -> str:
    """Return a date whose month is an English word with the year first, any other text as it is.

    Examples
    --------
    >>> month_as_number("July 19, 2018 9:40:30 AM"), month_as_number("23-Nov-23 3:56:08 PM"), month_as_number("noon")
    ('2018-07-19 9:40:30 AM', '2023-11-23 3:56:08 PM', 'noon')
    """
    if found := _SPELLED.match(text):
        month, day, year, clock = found.groups()
    elif found := _DAY_FIRST.match(text):
        day, month, year, clock = found.groups()
    else:
        return text
    if month[:3].lower() not in _MONTHS:
        return text
    century = "" if len(year) == 4 else "19" if year >= "70" else "20"
    return f"{century}{year}-{_MONTHS.index(month[:3].lower()) + 1:02}-{day} {clock.strip()}".strip()


def dates_lasting(texts: Sequence[str], seconds: Seconds) -> Dates | None:
    """Return dates whose day and month cannot be told apart, in the order under which they last as long as a time.

    Parameters
    ----------
    texts : sequence of str
        Dates with the year last.
    seconds : numpy.ndarray
        Time in the test of the same rows, in s.

    Returns
    -------
    numpy.ndarray of datetime64[ns] or None
        None if both orders last as long, or neither does.

    Examples
    --------
    >>> dates_lasting(["01/08/2026 17:45:08", "01/09/2026 17:45:08"], np.array([0.0, 86400.0]))
    array(['2026-01-08T17:45:08.000000000', '2026-01-09T17:45:08.000000000'],
          dtype='datetime64[ns]')
    """
    found = []
    for moments in both_orders(texts):
        if not (known := ~np.isnat(moments) & np.isfinite(seconds)).any():
            continue
        span = float((moments[known].max() - moments[known].min()) / np.timedelta64(1, "s"))
        if abs(span - float(np.ptp(seconds[known]))) <= 0.02 * span + 120.0:
            found.append(moments)
    return found[0] if len(found) == 1 else None


def dates_on(texts: Sequence[str], day: np.datetime64) -> Dates | None:
    """Return dates whose day and month cannot be told apart, in the order under which the first is on a known day."""
    day = day.astype("datetime64[D]")
    found = [moments for moments in both_orders(texts) if moments[~np.isnat(moments)][0].astype("datetime64[D]") == day]
    return found[0] if len(found) == 1 else None


def both_orders(texts: Sequence[str]) -> list[Dates]:
    """Return dates with the year last, once with the month first and once with the day first, as far as they exist."""
    found = _read(Texts.of(texts), _YEAR_LAST)
    both = [found.dates(order) for order in ((2, 0, 1), (2, 1, 0))]
    return [moments for moments in both if moments is not None and not np.isnat(moments).all()]


def durations(texts: Sequence[str]) -> Seconds | None:
    """Return durations such as ``01:26:00``, ``144:01:18`` or ``0d 00:00:5.05`` in s, or None if one is none.

    Empty fields are NaN.

    Examples
    --------
    >>> durations(["00:01:00", "1d 00:00:5.5", ""])
    array([6.00000e+01, 8.64055e+04,         nan])
    """
    seconds = np.full(len(texts), np.nan)
    for layout in Texts.of(texts).layouts:
        found = _DURATION.match(layout.text)
        if found is None or max(stop - start for start, stop in map(found.span, range(2, 6))) > _DIGITS:
            return None
        days, dashed, hours, minutes = (layout.whole(found.span(group)) for group in range(2, 6))
        whole = (days + dashed) * 86400 + hours * 3600 + minutes * 60 + layout.whole(_whole_part(found, 6))
        fraction = layout.fraction(found.span(6), _DIGITS) / 10.0**_DIGITS
        seconds[layout.rows] = (whole + fraction) * (-1 if found[1] else 1)
    return seconds if np.isfinite(seconds).any() else None


def dates(texts: Sequence[str]) -> tuple[Dates | None, str]:
    """Return the dates of a column, and why there are none.

    ISO dates say their order. For day and month before the year it follows from a number above 12 anywhere in the
    column; without one it stays open, unless both orders mean the same days. A time zone is turned into UTC, its
    absence leaves the clock of the PC.

    Returns
    -------
    dates : numpy.ndarray of datetime64[ns] or None
        NaT for empty fields.
    reason : str
        "" or one of "not a date", "day and month cannot be told apart".

    Examples
    --------
    >>> dates(["09/20/2024 08:32:34.558"])[0]
    array(['2024-09-20T08:32:34.558000000'], dtype='datetime64[ns]')
    >>> dates(["03/04/2024 10:00:00"])
    (None, 'day and month cannot be told apart')
    """
    column = Texts.of(texts)
    found = _read(column, _YEAR_FIRST)
    if found.known.any() and not found.others:
        return _or_reason(found.dates((0, 1, 2)))
    found = _read(column, _YEAR_LAST)
    if found.others or not found.known.any():
        return None, "not a date"
    first, second = (found.numbers[place][found.known] for place in (0, 1))
    if first.max() > 12 and second.max() <= 12:
        return _or_reason(found.dates((2, 1, 0)))
    if (second.max() > 12 and first.max() <= 12) or ((first == second[0]).all() and (second == first[0]).all()):
        return _or_reason(found.dates((2, 0, 1)))
    return None, "not a date" if first.max() > 12 else "day and month cannot be told apart"


def _or_reason(moments: Dates | None) -> tuple[Dates | None, str]:
    return moments, "" if moments is not None else "not a date"


@dataclass(frozen=True)
class _Numbers:
    """The numbers in a column of dates.

    Parameters
    ----------
    numbers : numpy.ndarray
        The three of the day in the order in which they stand, shape (3, texts).
    nanoseconds : numpy.ndarray
        Since midnight, in UTC where the text names a time zone, shape (texts,).
    known : numpy.ndarray
        Which texts are dates, shape (texts,).
    others : bool
        Whether there are other texts.
    """

    numbers: NDArray[np.int64]
    nanoseconds: NDArray[np.int64]
    known: NDArray[np.bool_]
    others: bool

    def dates(self, order: tuple[int, int, int]) -> Dates | None:
        """Return the dates when year, month and day stand at these places, NaT for other texts; None if one is none."""
        begins = np.ones(self.numbers.shape[1], dtype=bool)
        begins[1:] = (self.numbers[:, 1:] != self.numbers[:, :-1]).any(axis=0)
        rows = np.flatnonzero(begins)  # of one day each, which is converted once
        year, month, day = (self.numbers[place, rows] for place in order)
        months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
        days = months.astype("datetime64[D]") + (day - 1)
        real = (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]") == months)
        real &= (year >= _YEARS[0]) & (year <= _YEARS[1])
        if not real[self.known[rows]].all():
            return None
        days[~real] = np.datetime64("NaT")
        midnights = np.repeat(days.astype("datetime64[ns]"), np.diff(np.append(rows, len(begins))))
        moments = midnights + self.nanoseconds.astype("timedelta64[ns]")
        if not self.known.all():
            moments[~self.known] = np.datetime64("NaT")
        return np.asarray(moments)


def _read(texts: Texts, pattern: re.Pattern[str]) -> _Numbers:
    numbers = np.zeros((3, len(texts)), dtype=np.int64)
    nanoseconds = np.zeros(len(texts), dtype=np.int64)
    known = np.zeros(len(texts), dtype=bool)
    others = False
    for layout in texts.layouts:
        found = pattern.match(layout.text)
        if found is None:
            others = True
            continue
        known[layout.rows] = True
        for place in range(3):
            numbers[place, layout.rows] = layout.whole(found.span(place + 1))
        nanoseconds[layout.rows] = _nanoseconds(layout, found)
    return _Numbers(numbers, nanoseconds, known, others)


def _nanoseconds(layout: Layout, found: re.Match[str]) -> NDArray[np.int64]:
    """Return the time of the day that each text of a layout names."""
    hours = layout.whole(found.span(4))
    if half := found[7]:
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    seconds = hours * 3600 + layout.whole(found.span(5)) * 60 + layout.whole(_whole_part(found, 6))
    if zone := found[8]:
        start, stop = found.span(8)
        offset = layout.whole((start + 1, start + 3)) * 3600 + layout.whole((stop - 2, stop)) * 60 if zone != "Z" else 0
        seconds = seconds - offset if zone[0] == "+" else seconds + offset
    return seconds * 10**9 + layout.fraction(found.span(6), 9)


def _whole_part(found: re.Match[str], group: int) -> tuple[int, int]:
    """Return where the digits before the decimal mark of a group stand."""
    start, stop = found.span(group)
    return start, start + len(re.split("[.,]", found[group])[0]) if stop > start else stop
