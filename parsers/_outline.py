"""The outline of a text table in the head of a file, by which delimited files are told apart before they are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from ._block import Block, locate, names
from ._columns import fold, split_unit
from ._dialect import split
from ._text import head_lines
from ._vendor_text import vendor_of
from .errors import ParseError

_DECADES = 1.0
_ROWS = 200
_BEGINNING, _ENOUGH = 12_000, 20
"""Bytes that are looked at first, and rows of a table in them that leave no doubt where it is."""


def outline(data: bytes, *, cut: bool) -> str:
    r"""Return the folded column names of the first table, each on a line between newlines.

    A table without header yields ``\nunnamed 3 logarithmic\n``: its number of columns, and whether the first runs like
    the frequencies of a spectrum. What is no text, holds no table or belongs to a vendor's own format yields "".

    Parameters
    ----------
    data : bytes
        The head of a file.
    cut : bool
        Whether the file goes on, so that the last line is not whole.

    Examples
    --------
    >>> outline(b"freq/Hz;Re(Z)/Ohm\n1;2\n2;3\n3;4\n", cut=False)
    '\nfreq\nre(z)\n'
    """
    if cut:
        data = data[: data.rfind(b"\n") + 1] or data
    try:
        lines, block = _first_table(data)
    except ParseError:
        return ""
    width = len(split(lines[block.start], block.delimiter))
    columns = _column_names(lines, block, width)
    if vendor_of(lines, columns):
        return ""
    if not any(columns):
        rows = [split(line, block.delimiter) for line in lines[block.start : block.stop][:_ROWS]]
        spacing = "logarithmic" if _is_logarithmic([row[0] for row in rows]) else "linear"
        return f"\nunnamed {width} {spacing}\n"
    return "\n" + "\n".join(columns) + "\n"


def _first_table(data: bytes) -> tuple[Sequence[str], Block]:
    """Return the lines and the place of the first table, from the beginning if it holds enough rows of it."""
    beginning = data[: data.rfind(b"\n", 0, _BEGINNING) + 1]
    if len(beginning) < len(data) and b"\0" not in beginning:
        try:
            lines = head_lines(beginning.rstrip())
            block = locate(lines)
        except ParseError:
            pass
        else:
            if block.stop == len(lines) and block.stop - block.start >= _ENOUGH:
                return lines, block
    lines = head_lines(data)
    return lines, locate(lines)


def _column_names(lines: Sequence[str], block: Block, width: int) -> list[str]:
    if block.header is None:
        return []
    return [fold(split_unit(name)[0]) for name in names(lines[block.header], block.delimiter, width)]


def _is_logarithmic(fields: Sequence[str]) -> bool:
    """Whether numbers run one way over more than a decade in steps of more equal ratio than difference."""
    try:
        values = [float(field.replace(",", ".")) for field in fields]
    except ValueError:
        return False
    if len(values) < 5 or min(values) <= 0 or not all(map(math.isfinite, values)):
        return False
    logs = [math.log10(value) for value in values]
    if abs(logs[-1] - logs[0]) < _DECADES or sorted(values) not in (values, values[::-1]):
        return False
    return _unevenness(logs) < _unevenness(values)


def _unevenness(values: Sequence[float]) -> float:
    steps = [abs(after - before) for before, after in pairwise(values)]
    mean = sum(steps) / len(steps)
    return math.sqrt(sum((step - mean) ** 2 for step in steps) / len(steps)) / mean
