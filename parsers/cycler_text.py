"""Text files of Basytec, Novonix, PEC and Digatron cyclers: a header of the maker's own above a plain table.

The layouts are data, in `interlayer.parsers._columns_cycler_text`. Four rules go beyond names of columns. A Novonix
test that was restarted begins a second table, or goes on in the same one, with a time that starts from 0 again: the
tables are joined and the time goes on by the dates of the rows. A PEC file of older software calls both charge and
energy ``Capacity``, apart by unit, and one of newer software writes the time as hours. Dates whose day and month could
be either follow from the time in the test. A Digatron file may count milliseconds in its ``Program Duration#s``, so its
time follows from the dates of the rows.

Source for Digatron, of which the corpus has no file: the column mapping of Battery Data Format
(battery-data-format-ontology, schema/vendors/digatron-csv.json) and what readers of public exports say of them.
Checked on corpus/cycling: PyProBE (Basytec, Novonix), cellpy (PEC).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._columns_cycler_text import LAYOUTS, Layout
from ._columns_cycling import CLOCK, TEST_TIME
from ._cycling_record import measurement, step_types
from ._cycling_times import Times, times
from ._dates import start_time
from ._dialect import split
from ._source import Measurement, Source
from ._table import Block, Table, find_block, joined, original_metadata, read_table
from ._text import Text
from ._vendor_text import HEAD_LINES
from .errors import TruncatedFile, UnsupportedContent

_REST = {"idle": "rest", "pause": "rest", "rest": "rest", "ocv": "rest"}


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record of the file.

    Raises
    ------
    UnsupportedContent
        If the file is of none of the makers, or a column that is needed is missing.
    TruncatedFile
        If it ends before the first row.
    """
    text = source.text
    layout = _layout(text.lines)
    start = _names(text, layout)
    block = find_block(text.lines, start=start)
    table = _table(text, block, layout, source)
    columns, findings = table.gather(layout.columns)
    source.findings.extend(findings)
    record: dict[str, NDArray[Any]] = dict(columns)
    kinds = step_types(table, layout.words, _REST)
    if kinds is not None:
        record["step_type"] = kinds
    if left_out := table.unmapped((*layout.columns, layout.words, TEST_TIME, CLOCK)):
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(left_out)}.")
    moments = _continued(times(table, source), source)
    attrs = {
        "instrument": layout.instrument,
        "start_time": moments.start or _dated(text, layout, source),
        "original_metadata": original_metadata(text, block, table),
    }
    yield measurement(record, moments, attrs)


def _layout(lines: Sequence[str]) -> Layout:
    for layout in LAYOUTS:
        if any(re.match(layout.mark, line) for line in lines[:HEAD_LINES]):
            return layout
    raise UnsupportedContent(
        f"none of the first {HEAD_LINES} lines is that of a known cycler",
        expected=f"a file of {', '.join(layout.instrument for layout in LAYOUTS)}",
    )


def _names(text: Text, layout: Layout) -> int:
    found = next((row for row, line in enumerate(text.lines) if re.match(layout.names, line)), None)
    if found is None:
        raise TruncatedFile(
            "the names of the columns are missing",
            line=len(text.lines),
            expected=f"a line that begins like {layout.names}",
            remedy="export the whole test again",
        )
    return found


def _table(text: Text, block: Block, layout: Layout, source: Source) -> Table:
    """Return the first table and, joined to it, those after it under the same names."""
    tables: list[Table] = []
    wanted = (*layout.columns, layout.words, TEST_TIME, CLOCK)
    names = text.lines[block.header or 0]
    while True:
        if block.header is not None and text.lines[block.header] == names:
            header = _renamed(names, block, layout)
            table, findings = read_table(text, block, header=header, wanted=wanted, limits=source.limits)
            source.findings.extend(findings)
            tables.append(table)
        elif tables:
            message = (
                f"{block.stop - block.start} rows from line {block.start + 1} on bear no names; they were left out."
            )
            source.note("left-out-table", "warning", message)
        try:
            block = find_block(text.lines, start=block.stop, delimiter=block.delimiter)
        except TruncatedFile:
            break
    if not tables:
        raise TruncatedFile("no row follows the names of the columns", line=len(text.lines), expected="a table")
    return joined(tables)


def _renamed(names: str, block: Block, layout: Layout) -> list[str]:
    found = split(names, block.delimiter)
    for pattern, replacement in layout.renamed:
        found = [re.sub(pattern, replacement, name) for name in found]
    return found


def _continued(moments: Times, source: Source) -> Times:
    """Return times that go on by the dates of the rows where the test was restarted and its time began anew."""
    elapsed, clock = moments.test_time, moments.clock
    starts = np.flatnonzero(np.diff(elapsed) < 0) + 1
    if clock is None or not len(starts) or np.any(clock[starts] < clock[starts - 1]):
        return moments
    starts = np.concatenate([[0], starts])
    shifts = (clock[starts] - clock[0]) / np.timedelta64(1, "s") - (elapsed[starts] - elapsed[0])
    part = np.searchsorted(starts, np.arange(len(elapsed)), side="right") - 1
    message = f"The test was restarted {len(starts) - 1} times; its time goes on by the dates of the rows."
    source.note("restarted-test", "info", message)
    return Times(elapsed + shifts[part], clock)


def _dated(text: Text, layout: Layout, source: Source) -> str | None:
    if not layout.start:
        return None
    found = (re.match(layout.start, line) for line in text.lines[:HEAD_LINES])
    return next((start_time(match[1], source) for match in found if match), None)
