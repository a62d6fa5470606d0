"""Excel (.xlsx, .xlsm) and OpenDocument (.ods) workbooks: each sheet is read as if it were delimited text.

A sheet becomes rows of text with tabs between the cells, numbers with all their digits, and goes through the same
column maps and checks as a text file of that content. Sheets that continue one another, as those of cyclers do, are one
measurement. A sheet that holds neither a spectrum nor a cycling record is
named in a finding and the others go on. Size and span are checked before the workbook is loaded.

Source: ECMA-376 and OpenDocument 1.3 by way of python-calamine.
Checked on corpus/eis/pyimpspec.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

from . import delimited_cycling, delimited_eis
from ._groups import group_names
from ._registry import HEAD, Head, formats
from ._sheet_limits import check_workbook
from ._sheet_parts import Durations, joined
from ._source import Measurement, Source
from .errors import CorruptFile, LimitExceeded, ParseError, UnknownFormat

READERS = {"delimited-eis": delimited_eis.read, "delimited-cycling": delimited_cycling.read}
"""Which sheets are read, by the card that their text would bear."""


def read(source: Source) -> Iterator[Measurement]:
    """Yield the measurements of all sheets, in groups named after them.

    Raises
    ------
    LimitExceeded
        If the workbook unpacks or spans beyond the limits.
    CorruptFile
        If it is no whole workbook.
    UnknownFormat
        If no sheet holds a spectrum or a cycling record.
    ParseError
        If no sheet can be read: the first one's error.
    """
    check_workbook(source.data, source.limits)
    sheets = _sheets(source)
    unknown: list[str] = []
    failure: ParseError | None = None
    any_found = False
    for (title, text), group in zip(sheets, group_names([title for title, _ in sheets]), strict=True):
        inner = Source(source.path, data=text, limits=source.limits)
        head = Head(text[:HEAD], f"{title}.txt")
        card = next((card for card in formats() if card.name in READERS and card.matches(head)), None) if text else None
        if card is None:
            unknown.append(title)
            continue
        try:
            found = list(READERS[card.name](inner))
        except ParseError as error:
            failure = failure or error
            source.note("left-out-table", "warning", f"The sheet {title!r} was left out: {error}")
            continue
        for measurement in found:
            any_found = True
            name = group if len(found) == 1 else f"{group}/{measurement.group}"
            yield Measurement(name, measurement.dataset, [*inner.findings, *measurement.findings])
    if failure is not None and not any_found:
        raise failure
    if not any_found:
        raise UnknownFormat(
            f"none of the sheets {unknown[:20]} holds a spectrum or a cycling record",
            expected="a table with column names such as Frequency (Hz), Z' (ohm), Z'' (ohm)",
            remedy="put the names of the columns into the row above the numbers",
        )
    if unknown:
        shown = ", ".join(map(repr, unknown[:20]))
        source.note("unknown-members", "info", f"Sheets without a spectrum or a record were left out: {shown}.")


def _sheets(source: Source) -> list[tuple[str, bytes]]:
    """Return name and text of every sheet; the text of an empty one or a chart is empty."""
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(BytesIO(source.data))
        names = workbook.sheet_names
        if len(names) > source.limits.members:
            raise LimitExceeded(f"{len(names)} sheets", expected=f"at most {source.limits.members} (Limits.members)")
        sheets = [(name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=True)) for name in names]
    except (LimitExceeded, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic of the library derives from BaseException
        raise CorruptFile(
            f"the workbook cannot be read: {error}",
            expected="a workbook without password",
            remedy="open it in a spreadsheet program and save it again, or save the sheet as csv",
        ) from error
    whole = joined(sheets)
    if len(whole) < len(sheets):
        message = f"{len(sheets)} sheets are {len(whole)} tables: some continue the sheet before them."
        source.note("joined-sheets", "info", message)
    return [(name, _text(rows)) for name, rows in whole]


def _text(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as text with tabs between the cells, without the columns that are empty throughout."""
    width = max(map(len, rows), default=0)
    used = [column for column in range(width) if any(column < len(row) and row[column] != "" for row in rows)]
    durations = [Durations() for _ in range(width)]
    lines = ("\t".join(_cell(row[at], durations[at]) if at < len(row) else "" for at in used) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode() if used else b""


def _cell(value: Any, durations: Durations) -> str:
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, date | time | timedelta):
        return durations.text(value) or (value.isoformat(sep=" ") if isinstance(value, datetime) else str(value))
    return " ".join(str(value).split())
