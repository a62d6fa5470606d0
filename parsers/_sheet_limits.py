"""How large a workbook is before it is loaded: bytes unpacked, and cells spanned by its sheets.

A workbook of two kilobytes can name a cell in the last row and column. Loading it then takes half a terabyte and ends
the process, so the span is found by looking for cell references in the XML beforehand.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from ._zip import DAMAGE
from .archive_gzip import check_expansion
from .errors import CorruptFile, LimitExceeded
from .limits import Limits

CELL_BYTES = 64
"""What a cell takes in memory, filled or not."""

_CHUNK = 2**20
_EXCEL_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,7})(\d{1,15})["']""")
_ODS_TAG = re.compile(rb"<table:(table-row|table-cell|covered-table-cell)\b([^>]*)>")
_ODS_ROWS = re.compile(rb"""number-rows-repeated\s*=\s*["'](\d{1,15})["']""")
_ODS_COLUMNS = re.compile(rb"""number-columns-repeated\s*=\s*["'](\d{1,15})["']""")


def check_workbook(data: bytes, limits: Limits) -> None:
    """Raise `LimitExceeded` when a workbook unpacks or spans beyond the limits.

    Parameters
    ----------
    data : bytes
        An .xlsx or .ods file.
    limits : Limits
        ``members``, ``expanded``, ``ratio`` for the archive and ``array`` for the cells of a sheet.

    Raises
    ------
    CorruptFile
        If the archive is damaged.
    """
    used = 0
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > limits.members:
                raise LimitExceeded(f"{len(members)} members", expected=f"at most {limits.members} (Limits.members)")
            for info in members:
                content = _unpack(archive, info, used, len(data), limits)
                used += len(content)
                _check_span(info.filename, content, limits)
    except DAMAGE as error:
        if isinstance(error, CorruptFile | LimitExceeded):
            raise
        raise CorruptFile(f"the workbook is damaged: {error}", remedy="copy it again, or save it again") from error


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, used: int, size: int, limits: Limits) -> bytes:
    parts: list[bytes] = []
    total = 0
    with archive.open(info) as file:
        while part := file.read(_CHUNK):
            total += len(part)
            check_expansion(total, max(info.compress_size, 1), limits)
            check_expansion(used + total, size, limits)
            parts.append(part)
    return b"".join(parts)


def _check_span(name: str, content: bytes, limits: Limits) -> None:
    if not name.lower().endswith(".xml"):
        return
    cells = max(_excel_span(content), _ods_span(content))
    if cells * CELL_BYTES > limits.array:
        raise LimitExceeded(
            f"the sheet in {name!r} spans {cells} cells",
            expected=f"at most {limits.array // CELL_BYTES} (Limits.array)",
            remedy="delete the empty rows and columns beyond the table, or save the sheet as csv",
        )


def _excel_span(content: bytes) -> int:
    """Return rows times columns up to the last reference such as ``r="C7"``."""
    last_row = last_column = 0
    for letters, digits in set(_EXCEL_REFERENCE.findall(content)):
        last_row = max(last_row, int(digits))
        last_column = max(last_column, _column(letters))
    return last_row * max(last_column, 1)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _ods_span(content: bytes) -> int:
    """Return rows times columns up to the last filled cell, repetitions counted."""
    rows = row_repeat = column = 0
    last_row = last_column = 0
    for kind, attributes in _ODS_TAG.findall(content):
        if kind == b"table-row":
            rows += row_repeat
            row_repeat, column = _repeat(_ODS_ROWS, attributes), 0
            continue
        column += _repeat(_ODS_COLUMNS, attributes)
        if not attributes.rstrip().endswith(b"/") or b"value" in attributes:
            last_row = max(last_row, rows + row_repeat)
            last_column = max(last_column, column)
    return last_row * last_column


def _repeat(pattern: re.Pattern[bytes], attributes: bytes) -> int:
    found = pattern.search(attributes)
    return int(found[1]) if found else 1
