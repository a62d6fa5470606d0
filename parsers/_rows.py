"""Which lines of a table are whole rows: those that are damaged, ragged or cut off are left out, and said to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._block import Block, is_data
from ._dialect import is_number, split
from ._lines import Places
from ._marks import Marks
from .errors import TruncatedFile
from .findings import Finding

if TYPE_CHECKING:
    from ._text import Text


def whole_rows(text: Text, marks: Marks, block: Block, width: int) -> tuple[Places, list[Finding]]:
    """Return which lines of a block are whole rows of `width` fields, and what is to be said of the others."""
    lines = marks.lines
    whole = marks.fits(width)[: block.stop - block.start]
    rows = np.flatnonzero(whole) + block.start
    findings = []
    damaged = _skipped(lines, block)
    damaged += [row for row in map(int, np.flatnonzero(~whole) + block.start) if any(map(str.isalnum, lines[row]))]
    if damaged:
        message = f"{len(damaged)} damaged rows were left out, the first in line {damaged[0] + 1}."
        findings.append(Finding("damaged-rows", "warning", message))
    rest = [line for line in lines[block.stop :] if line.strip()]
    if rest and is_data(split(rest[0], block.delimiter)) and (len(rest) > 1 or text.complete):
        message = (
            f"The table ends at line {block.stop + 1}, whose number of fields differs; "
            f"{len(rest)} lines after it were left out."
        )
        findings.append(Finding("ragged-rows", "warning", message))
    elif rest and not text.complete and len(rest) == 1:
        findings.append(_cut(len(lines)))
    if not rest and not text.complete:
        last = [split(lines[int(row)], block.delimiter)[-1] for row in rows[-50:]]
        if _is_cut(last):
            findings.append(_cut(block.stop))
            rows = rows[:-1]
        elif not _same_digits(last):
            message = f"Line {block.stop} has no line end; if the file was cut off there, its last number lacks digits."
            findings.append(Finding("no-line-end", "info", message))
    if not len(rows):
        raise TruncatedFile("the table has no whole row", line=block.start + 1)
    return rows, findings


def _skipped(lines: Sequence[str], block: Block) -> list[int]:
    """Return the lines with numbers between header and table: its first rows, too damaged to be taken for rows."""
    if block.header is None:
        return []
    above = block.header if block.units is None else max(block.header, block.units)
    between = range(above + 1, block.start)
    fields = {row: split(lines[row], block.delimiter) for row in between}
    return [row for row, found in fields.items() if len(found) > 1 and any(map(is_number, found))]


def _cut(line: int) -> Finding:
    return Finding("truncated-row", "warning", f"The file ends within line {line}; this row was left out.")


def _is_cut(last: Sequence[str]) -> bool:
    """Whether the last field of all is shorter than it ever was before: the file stops in the middle of a number.

    A single row has nothing to be held against, so it counts as cut off.
    """
    lengths = list(map(len, last))
    return lengths[-1] < min(lengths[:-1], default=lengths[-1] + 1)


def _same_digits(last: Sequence[str]) -> bool:
    """Whether all of these fields have as many characters from the decimal mark on."""
    return len({len(field) - max(field.find("."), field.find(",")) for field in last}) == 1
