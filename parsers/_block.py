"""Where a table lies in a text file: its rows, its delimiter, its header row and its row of units."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ._columns import known
from ._dialect import DELIMITERS, is_number, split
from .errors import TruncatedFile

SAMPLE = 400
"""Number of rows that stand for a table where looking at all would be slow."""

if TYPE_CHECKING:
    from ._marks import Marks

_DIGIT = re.compile(r"\d")
_FIGURES = re.compile(r"(?=.*\d)[-+.,;:|\s\deE]*$")
_FIRST, _SURE = 200, 20
"""Lines that are looked at first, and rows of a table in them that leave no doubt."""
_HEAD = 2000
_DAMAGED = 20
_TABLE = 3
_NEAR = 50


@dataclass(frozen=True)
class Block:
    """Where a table lies: lines counted from 0, `header` None where there is no header row."""

    header: int | None
    units: int | None
    start: int
    stop: int
    delimiter: str
    marks: Marks | None = field(default=None, compare=False, repr=False)
    """Where the delimiters are, as far as it was looked for."""


def find_block(lines: Sequence[str], *, start: int = 0, delimiter: str | None = None) -> Block:
    """Return the first table at or after a line.

    A table is a run of rows with the same number of fields of which at least half are numbers; damaged rows between
    whole ones belong to the run. The header is the row of names above it, with a row of units between where there is
    one.

    Raises
    ------
    TruncatedFile
        If there is no row of numbers.
    """
    import numpy as np

    from ._lines import Lines
    from ._marks import Marks

    lines = Lines.of(lines)
    found = locate(lines, start=start, delimiter=delimiter)
    marks = Marks(lines, found.delimiter, found.start, len(lines))
    fitting = marks.fits(len(split(lines[found.start], found.delimiter)))
    stop = _run_end(lines, np.flatnonzero(~fitting).tolist(), found.start, len(lines), found.delimiter)
    return replace(found, stop=stop, marks=marks)


def locate(lines: Sequence[str], *, start: int = 0, delimiter: str | None = None) -> Block:
    """Return the first table like `find_block`, but no more of it than its first `SAMPLE` rows."""
    candidates = DELIMITERS if delimiter is None else (delimiter,)
    runs: dict[str, tuple[int, int]] = {}
    for count, enough in ((_FIRST, _SURE), (_HEAD, 1), (len(lines), 1)):
        runs = _runs(lines[start : start + count], start, candidates)
        if any(stop - first >= enough for first, stop in runs.values()):
            break
    if not runs:
        raise TruncatedFile("there is no row of numbers", line=start + 1, expected="a table")
    longest = max(stop - first for first, stop in runs.values())
    long = [mark for mark, (first, stop) in runs.items() if stop - first > 0.8 * longest]
    # max returns the first of equals
    mark = max(long, key=lambda mark: _purity(lines[slice(*runs[mark])][:_NEAR], mark)) if len(long) > 1 else long[0]
    first, stop = runs[mark]
    header, units = _header(lines, first, start, mark, len(split(lines[first], mark)))
    return Block(header, units, first, stop, mark)


def next_block(lines: Sequence[str], block: Block) -> Block | None:
    """Return the next table of at least three rows with the same delimiter, or None."""
    try:
        found = find_block(lines, start=block.stop, delimiter=block.delimiter)
    except TruncatedFile:
        return None
    return found if found.stop - found.start >= _TABLE else None


def _purity(rows: Sequence[str], mark: str) -> float:
    """Share of fields that are numbers, in twentieths: the wrong delimiter leaves pieces of numbers together."""
    fields = [field for row in rows for field in split(row, mark) if field]
    return round(20 * sum(map(is_number, fields)) / max(len(fields), 1))


def is_data(fields: Sequence[str]) -> bool:
    """Whether a row is one of a table: at least two fields and half of those filled are numbers."""
    filled = [field for field in fields if field]
    return len(filled) >= 2 and sum(map(is_number, filled)) * 2 >= len(filled) and is_number_like(filled)


def is_number_like(fields: Iterable[str]) -> bool:
    """Whether at least two fields are numbers with a digit: a header of ``nan`` names is none."""
    return sum(is_number(field) and any(map(str.isdigit, field)) for field in fields) >= 2


def _runs(rows: Sequence[str], start: int, candidates: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return the first run of rows by delimiter; what begins far behind another's is another table."""
    runs: dict[str, tuple[int, int]] = {}
    near = len(rows)
    for mark in candidates:
        run = _first_run(rows, near, mark)
        if run is not None:
            runs[mark] = (start + run[0], start + run[1])
            if run[1] - run[0] >= _TABLE:
                near = min(near, run[0] + _NEAR)
    return runs


def _first_run(rows: Sequence[str], near: int, mark: str) -> tuple[int, int] | None:
    """Return the first run of rows of equal width that begins in the first ones, at most `SAMPLE` of them.

    A header's stray row of numbers is shorter than what follows.
    """
    best: tuple[int, int] | None = None
    stop = 0
    for first in range(near):
        line = rows[first]
        if first < stop or not (mark in line or (mark == " " and "\t" in line)):
            continue
        if not is_data(fields := split(line, mark)):
            continue
        last = min(first + SAMPLE, len(rows))
        fit = _fits(mark, len(fields))
        others = [place for place, row in enumerate(rows[first:last]) if not fit(row)]
        stop = _run_end(rows, others, first, last, mark)
        if best is None or stop - first > 3 * (best[1] - best[0]):
            best = (first, stop)
        if stop - first >= _TABLE:
            break
    return best


def _fits(mark: str, width: int) -> Callable[[str], bool]:
    """Return a test whether a line is a row of `width` fields."""

    def test(line: str) -> bool:
        count = len(split(line, mark)) if mark == " " or '"' in line else line.count(mark) + 1
        return count == width and _DIGIT.search(line) is not None

    return test


def _run_end(lines: Sequence[str], others: Sequence[int], first: int, last: int, mark: str) -> int:
    """Return the line after the last row of a table; blank and damaged rows between whole ones do not end it.

    `others` are the lines that are no rows, counted from the first row on.
    """
    stop = index = first + 1
    for other in (first + place for place in others if place):
        if other > index:
            stop = other
        if other - stop >= _DAMAGED or not _is_damaged(lines[other], mark):
            return stop
        index = other + 1
    return last if index < last else stop


def _is_damaged(line: str, mark: str) -> bool:
    fields = [field for field in split(line, mark) if field]
    return not fields or sum(map(is_number, fields)) * 2 >= len(fields) or _FIGURES.match(line) is not None


def _header(lines: Sequence[str], first: int, start: int, mark: str, width: int) -> tuple[int | None, int | None]:
    above = [index for index in range(first - 1, max(first - 4, start) - 1, -1) if lines[index].strip()][:2]
    named = [index for index in above if _is_header(names(lines[index], mark, width), width)]
    if not named:
        return None, None
    if len(named) == 2 and _is_units_row(names(lines[named[0]], mark, width)):
        return named[1], named[0]
    return named[0], None


def names(line: str, delimiter: str, width: int) -> list[str]:
    """Return the column names in a header row; names with spaces need two spaces between in a space-delimited table."""
    text = line.strip().lstrip("#%!").strip() if delimiter == " " else re.sub(r"^ *[#%!]+ *", "", line)
    fields = split(text, delimiter)
    if delimiter == " " and len(fields) != width:
        wide = re.split(r"\s{2,}|\t", text)
        fields = wide if len(wide) == width else fields
    if len(fields) > width and len(filled := [field for field in fields if field]) <= width:
        return filled if len(filled) == width else fields[:width]
    return fields


def _is_header(fields: Sequence[str], width: int) -> bool:
    filled = [field for field in fields if field]
    return len(fields) >= width - 1 and len(filled) >= 2 and not any(map(is_number, filled))


def _is_units_row(fields: Sequence[str]) -> bool:
    filled = [field.strip("()[]") for field in fields if field]
    return bool(filled) and sum(map(known, filled)) * 2 >= len(filled)
