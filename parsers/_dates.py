"""Dates, clock times and durations as instruments write them, and the order of day and month when it can be known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
    if not any(map(str.strip, texts)):
        return []
    both = [_assemble(texts, _YEAR_LAST, order)[0] for order in ((3, 1, 2), (3, 2, 1))]
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
    for row, text in enumerate(texts):
        if not text.strip():
            continue
        found = _DURATION.match(text)
        if found is None:
            return None
        sign, days, dashed, hours, minutes, rest = found.groups()
        whole = int(days or dashed or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60
        seconds[row] = (whole + float(rest.replace(",", "."))) * (-1 if sign else 1)
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
    filled = [text for text in texts if text.strip()]
    if not filled:
        return None, "not a date"
    found = [_YEAR_FIRST.match(text) for text in filled]
    if all(found):
        return _assemble(texts, _YEAR_FIRST, (1, 2, 3))
    found = [_YEAR_LAST.match(text) for text in filled]
    if not all(found):
        return None, "not a date"
    firsts = {int(match[1]) for match in found if match}
    seconds = {int(match[2]) for match in found if match}
    if max(firsts) > 12 and max(seconds) <= 12:
        return _assemble(texts, _YEAR_LAST, (3, 2, 1))
    if (max(seconds) > 12 and max(firsts) <= 12) or (firsts == seconds and len(firsts) == 1):
        return _assemble(texts, _YEAR_LAST, (3, 1, 2))
    if max(firsts) > 12:
        return None, "not a date"
    return None, "day and month cannot be told apart"


def _assemble(texts: Sequence[str], pattern: re.Pattern[str], order: tuple[int, int, int]) -> tuple[Dates | None, str]:
    fast = _by_layout(texts, pattern, order)
    if fast is not None:
        return fast, ""
    values = np.full(len(texts), np.datetime64("NaT"), dtype="datetime64[ns]")
    days: dict[str, np.datetime64] = {}
    for row, text in enumerate(texts):
        match = pattern.match(text)
        if match is None:
            continue
        key = match[order[0]] + "-" + match[order[1]].zfill(2) + "-" + match[order[2]].zfill(2)
        try:
            day = days[key] if key in days else days.setdefault(key, np.datetime64(key, "ns"))
        except ValueError:
            return None, "not a date"
        values[row] = day + np.timedelta64(_nanoseconds(match), "ns")
    return values, ""


def _by_layout(texts: Sequence[str], pattern: re.Pattern[str], order: tuple[int, int, int]) -> Dates | None:
    """Return the dates of a column whose fields are all written alike, or None."""
    import pandas as pd

    first = next(text.strip() for text in texts if text.strip())
    match = pattern.match(first)
    if match is None or match[6] is None or match[7] or match[8]:
        return None
    parts = {order[0]: "%Y", order[1]: "%m", order[2]: "%d"}
    layout = parts[1] + first[match.end(1)] + parts[2] + first[match.end(2)] + parts[3]
    layout += first[match.end(3) : match.start(4)] + "%H:%M:%S" + (".%f" if "." in match[6] else "")
    column = pd.Series(texts, dtype="str").str.strip()
    moments = pd.to_datetime(column, format=layout, errors="coerce")
    if (moments.isna() & (column != "")).any():
        return None
    return np.asarray(moments.to_numpy(dtype="datetime64[ns]"))


def _nanoseconds(match: re.Match[str]) -> int:
    hour, minute, second, half, zone = match.groups()[3:]
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    whole, _, fraction = (second or "0").replace(",", ".").partition(".")
    total = (hours * 3600 + int(minute or 0) * 60 + int(whole)) * 10**9 + int((fraction + "0" * 9)[:9])
    if zone and zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        total -= (offset if zone[0] == "+" else -offset) * 10**9
    return total
