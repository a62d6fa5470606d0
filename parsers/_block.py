"""Where a table lies in a text file: its rows, its delimiter, its header row and its row of units."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ._columns import known
from ._dialect import DELIMITERS, is_number, split
from .errors import TruncatedFile

SAMPLE = 400
"""Number of rows that stand for a table where looking at all would be slow."""

_FIGURES = re.compile(r"(?=.*\d)[-+.,;:|\s\deE]*$")
_HEAD = 2000
_DAMAGED = 20
_TABLE = 3


@dataclass(frozen=True)
class Block:
    """Where a table lies: lines counted from 0, `header` None where there is no header row."""

    header: int | None
    units: int | None
    start: int
    stop: int
    delimiter: str


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
    candidates = DELIMITERS if delimiter is None else (delimiter,)
    runs: dict[str, tuple[int, int]] = {}
    for head in (lines[: start + _HEAD], lines):
        runs = runs or {mark: run for mark in candidates if (run := _first_run(head, start, mark))}
    if not runs:
        raise TruncatedFile("there is no row of numbers", line=start + 1, expected="a table")
    longest = max(min(stop - first, SAMPLE) for first, stop in runs.values())
    long = [mark for mark, (first, stop) in runs.items() if min(stop - first, SAMPLE) > 0.8 * longest]
    mark = max(long, key=lambda mark: (_purity(lines[runs[mark][0] : runs[mark][1]][:50], mark), -long.index(mark)))
    first = runs[mark][0]
    width = len(split(lines[first], mark))
    stop = _run_end(lines, first, mark, width)
    header, units = _header(lines, first, start, mark, width)
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


def fits(mark: str, width: int) -> Callable[[str], bool]:
    """Return a test whether a line is a row of `width` fields."""

    def test(line: str) -> bool:
        if mark == " ":
            same = len(line.split()) == width
        elif '"' in line:
            same = len(split(line, mark)) == width
        else:
            same = line.count(mark) == width - 1
        return same and any(map(str.isdigit, line))

    return test


def _first_run(lines: Sequence[str], start: int, mark: str) -> tuple[int, int] | None:
    """Return the first run of rows of equal width; a header's stray row of numbers is shorter than what follows."""
    best: tuple[int, int] | None = None
    index = start
    while index < len(lines):
        line = lines[index]
        fields = split(line, mark) if mark == " " or mark in line else []
        if not is_data(fields):
            index += 1
            continue
        stop = _run_end(lines, index, mark, len(fields))
        if best is None or min(stop - index, SAMPLE) > 3 * (best[1] - best[0]):
            best = (index, stop)
        if stop - index >= _TABLE:
            break
        index = stop
    return best


def _run_end(lines: Sequence[str], first: int, mark: str, width: int) -> int:
    """Return the line after the last row of a table; blank and damaged rows between whole ones do not end it."""
    fit = fits(mark, width)
    stop = index = first + 1
    while index < len(lines):
        if fit(lines[index]):
            stop = index = index + 1
        elif index - stop < _DAMAGED and _is_damaged(lines[index], mark):
            index += 1
        else:
            break
    return stop


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
