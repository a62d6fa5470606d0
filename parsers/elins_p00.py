"""Elins impedance spectra as text (.P00): five lines about the measurement, the number of points, tab-separated rows.

=====  ==========================================================================
line   content
=====  ==========================================================================
1      ``Procedure :`` and the title
2      start and end as ``DD.MM.YYYY HH:MM:SS``, first and last current
3      description
4      duration
5      names of the columns with units, each followed by a tab
6      number of points
=====  ==========================================================================

The table itself is read as any delimited spectrum, sign and units by the names of its columns.
Checked on corpus/eis (pyimpspec).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import spectrum_columns
from ._table import Block, original_metadata, read_table
from ._text import Text
from .errors import TruncatedFile

_HEADER = re.compile(r"\s*f/Hz\s*\t")
_START = re.compile(r"\s*(\d\d)\.(\d\d)\.(\d{4}) (\d\d:\d\d:\d\d)\s*-")
_TITLE = re.compile(r"Procedure\s*:\s*(.*)")


def read(source: Source) -> Iterator[Measurement]:
    """Yield the spectrum, or one measurement for each sweep.

    Raises
    ------
    TruncatedFile
        If there is no row behind the names of the columns.
    UnsupportedContent
        If columns of a spectrum are missing.
    AmbiguousContent
        If names and numbers disagree about the sign of Z''.
    """
    text = source.text
    header = next((at for at, line in enumerate(text.lines) if _HEADER.match(line)), None)
    if header is None or header + 2 >= len(text.lines):
        raise TruncatedFile("there is no table", line=len(text.lines), expected="a line 'f/Hz ...' with rows behind it")
    count = text.lines[header + 1].strip()
    promised = int(count) if count.isdecimal() and len(count) < 10 else None
    stop = len(text.lines) if promised is None else min(header + 2 + promised, len(text.lines))
    block = Block(header, None, header + 2, stop, "\t")
    table, findings = read_table(text, block, limits=source.limits)
    source.findings.extend(finding for finding in findings if finding.code != "ragged-rows")
    if promised is None:
        source.note("no-row-count", "warning", f"Line {header + 2} holds {count!r} and not the number of points.")
    elif len(table.frame) < promised:
        source.note("missing-rows", "warning", f"The table holds {len(table.frame)} of {promised} whole rows.")
    beyond = [line for line in text.lines[stop:] if line.strip()]
    if beyond:
        source.note("rows-beyond-count", "warning", f"{len(beyond)} lines follow the {promised} rows; left out.")
    columns = spectrum_columns(table, source)
    facts = _facts(text, header) | {"original_metadata": original_metadata(text, block, table)}
    yield from spectra(columns, facts, source)


def _facts(text: Text, header: int) -> dict[str, Any]:
    above = text.lines[:header]
    title = _TITLE.match(above[0]) if above else None
    facts: dict[str, Any] = {
        "title": (title[1].strip() or None) if title else None,
        "comment": (above[2].strip() or None) if len(above) > 2 else None,
    }
    start = _START.match(above[1]) if len(above) > 1 else None
    if start:
        day, month, year, clock = start.groups()
        moment = f"{year}-{month}-{day}T{clock}"
        with suppress(ValueError):
            facts["start_time"] = str(np.datetime64(moment, "s"))
    return facts
