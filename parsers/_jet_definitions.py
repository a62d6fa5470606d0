"""Definitions of tables in a Microsoft Jet 4 or ACE database: which columns a table has, and where they lie in a row.

A definition begins on a page of kind 2 and may go on on further ones (their number at byte 4), each with 8 bytes of its
own before it goes on. It holds the number of rows at byte 16, of columns ever made at byte 41, of variable columns at
43, of columns at 45 and of indices at 51; from byte 63 on 12 bytes for each index, 25 for each column, and the names of
the columns, each as a 16-bit length and UTF-16.

Source: description of the format in the documents of mdbtools and Jackcess; checked on corpus/cycling/cellpy and
battery-data-format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ._binary import Cursor
from ._jet_pages import PAGE, Database
from .errors import CorruptFile

BOOLEAN, TEXT = 1, 10
NUMBERS: Mapping[int, str] = {2: "u1", 3: "<i2", 4: "<i4", 6: "<f4", 7: "<f8", 8: "<f8"}
"""Type of a column -> layout of its number; 8 is a date in days since 1899-12-30."""

_DEFINITION = 2
_CHAIN_HEAD = 8
_ROWS_AT, _COUNTS_AT, _INDICES_AT, _COLUMNS_AT = 16, 41, 51, 63
_INDEX_SIZE = 12
_COLUMN = "B4xHH6xB5xHH"
_FIXED = 1


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    kind : int
        Type of its values.
    index : int
        Its bit in the mask of a row.
    fixed : bool
        Whether it has a fixed place.
    offset : int
        That place in bytes; for columns of variable length, which of them it is.
    width : int
        Bytes that a value takes.
    """

    kind: int
    index: int
    fixed: bool
    offset: int
    width: int


@dataclass(frozen=True)
class Definition:
    """The definition of a table: its columns by name, how many were ever made, and the number of its rows."""

    rows: int
    made: int
    variable: int
    columns: Mapping[str, Column]


def define(database: Database, page: int) -> Definition:
    """Return the definition of the table on a page.

    Raises
    ------
    CorruptFile
        If no definition lies there, or it contradicts itself.
    """
    cursor = Cursor(_chain(database, page), base=page * PAGE, limits=database.source.limits)
    cursor.seek(_ROWS_AT)
    rows = cursor.u32()
    cursor.seek(_COUNTS_AT)
    made, variable, count = cursor.unpack("HHH")
    cursor.seek(_INDICES_AT)
    cursor.seek(_COLUMNS_AT + _INDEX_SIZE * cursor.u32())
    layouts = [cursor.unpack(_COLUMN) for _ in range(count)]
    columns: dict[str, Column] = {}
    for kind, index, place, flags, offset, width in layouts:
        name = bytes(cursor.take(cursor.u16())).decode("utf-16-le", errors="replace")
        fixed = bool(flags & _FIXED)
        columns[name] = Column(kind, index, fixed, offset if fixed else place, width)
    definition = Definition(rows, made, variable, columns)
    if len(columns) < count or not _consistent(definition):
        raise CorruptFile(
            "the definition of a table contradicts itself",
            offset=page * PAGE,
            expected="columns that lie side by side",
            remedy="copy the file again from the cycler's PC",
        )
    return definition


def _chain(database: Database, page: int) -> bytes:
    """Return a definition as if it lay on one page."""
    parts: list[bytes] = []
    seen: set[int] = set()
    while page:
        if page >= len(database.pages) or page in seen or database.pages[page, 0] != _DEFINITION:
            raise CorruptFile(
                f"page {page} holds no definition of a table",
                offset=page * PAGE,
                expected=f"one among {len(database.pages)} pages",
                remedy="copy the file again from the cycler's PC",
            )
        seen.add(page)
        content = database.pages[page].tobytes()
        parts.append(content[_CHAIN_HEAD:] if parts else content)
        page = int.from_bytes(content[4:8], "little")
    return b"".join(parts)


def _consistent(definition: Definition) -> bool:
    """Whether every column has a bit of its own, and fixed ones as many bytes as their type takes, none twice."""
    columns = definition.columns.values()
    bits = {column.index for column in columns}
    if len(bits) < len(columns) or max(bits, default=-1) >= definition.made:
        return False
    if any(not column.fixed and column.offset >= definition.variable for column in columns):
        return False
    fixed = [column for column in columns if column.fixed and column.kind != BOOLEAN]
    if any(column.kind in NUMBERS and column.width != np.dtype(NUMBERS[column.kind]).itemsize for column in fixed):
        return False
    spans = sorted((column.offset, column.offset + column.width) for column in fixed)
    return all(stop <= start for (_, stop), (start, _) in pairwise(spans))
