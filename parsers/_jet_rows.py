"""Rows of tables in a Microsoft Jet 4 or ACE database, column by column for all rows at once.

A row begins with the number of its columns (16 bit); the fixed columns follow at their offsets. It ends with a mask of
one bit for each column, set where there is a value. Before the mask, if the table has columns of variable length, lie
their number and, backwards, the offset of each and of the end of the last. Text is UTF-16, or after the mark FFFE one
byte a character. Page 2 defines the catalog MSysObjects, in which the tables have type 1 and the page of their
definition as identifier.

Source: description of the format in the documents of mdbtools and Jackcess; checked on corpus/cycling/cellpy and
battery-data-format.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._jet_definitions import BOOLEAN, NUMBERS, TEXT, Column, Definition, define
from ._jet_pages import PAGE, Database, Extents, Ints, rows_of
from .errors import CorruptFile

_CATALOG = 2
_TABLE = 1
_HEAD = 2
_COMPRESSED = b"\xff\xfe"

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """The sound rows of a table."""

    database: Database
    definition: Definition
    extents: Extents

    def __len__(self) -> int:
        return len(self.extents)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers, shape (rows,); NaN where a row has no value."""
        column = self.definition.columns[name]
        values = _take(self.database, self.extents.start + _HEAD + column.offset, NUMBERS[column.kind])
        numbers = values.astype(np.float64)
        filled = self._filled(column)
        if not filled.all():
            numbers[~filled] = np.nan
        return numbers

    def texts(self, name: str) -> list[str]:
        """Return a column of text; "" where a row has none."""
        column = self.definition.columns[name]
        flat = self.database.pages.reshape(-1)
        rows = zip(self.extents.start, self.extents.stop, self._filled(column), strict=True)
        return [_text(flat[start:stop].tobytes(), column) if filled else "" for start, stop, filled in rows]

    def records(self) -> list[dict[str, Any]]:
        """Return the rows of a small table: the texts and numbers that are there, by the names of their columns."""
        records: list[dict[str, Any]] = [{} for _ in range(len(self))]
        for name, column in self.definition.columns.items():
            values: Sequence[Any] = ()
            if column.fixed and column.kind in NUMBERS:
                values = [int(value) if value.is_integer() else value for value in self.numbers(name).tolist()]
            elif column.kind == TEXT and not column.fixed:
                values = self.texts(name)
            for record, value in zip(records, values, strict=bool(values)):
                if value not in ("", np.inf, -np.inf) and value == value:
                    record[name] = value
        return records

    def _filled(self, column: Column) -> Flags:
        """Return which rows have a value in a column; rows from before the column was made have none."""
        bits = _take(self.database, self._masks + column.index // 8, "u1")
        return np.asarray((column.index < self._counts) & (bits & (1 << column.index % 8) != 0))

    @cached_property
    def _counts(self) -> Ints:
        """Number of columns that each row knows."""
        return _take(self.database, self.extents.start, "<u2").astype(np.int64)

    @cached_property
    def _masks(self) -> Ints:
        """Where the mask of each row begins."""
        return self.extents.stop - (self._counts + 7) // 8


def tables(database: Database) -> dict[str, int]:
    """Return the pages on which the tables of the catalog are defined, by their names.

    Raises
    ------
    CorruptFile
        If there is no catalog.
    """
    catalog = rows(database, _CATALOG)
    lacking = {"Id", "Name", "Type"} - set(catalog.definition.columns)
    if lacking:
        raise CorruptFile(f"the catalog lacks {sorted(lacking)}", offset=_CATALOG * PAGE, expected="MSysObjects")
    entries = [entry for entry in catalog.records() if {"Id", "Name", "Type"} <= set(entry)]
    return {str(entry["Name"]): int(entry["Id"]) & 0xFFFFFF for entry in entries if entry["Type"] == _TABLE}


def rows(database: Database, page: int) -> Rows:
    """Return the rows of the table defined on a page; pages with rows that do not fit are left out, with a finding.

    Raises
    ------
    CorruptFile
        If no definition lies there, or it contradicts itself.
    """
    definition = define(database, page)
    extents = rows_of(database, page)
    sound = _sound(database, definition, extents)
    if not sound.all():
        damaged = np.unique(extents.start[~sound] // PAGE)
        keep = ~np.isin(extents.start // PAGE, damaged)
        shown = ", ".join(map(str, damaged[:8]))
        message = f"On {len(damaged)} pages rows do not fit the definition of their table: {shown}; left out."
        database.source.note("damaged-page", "error", message)
        extents = Extents(extents.start[keep], extents.stop[keep])
    return Rows(database, definition, extents)


def _sound(database: Database, definition: Definition, extents: Extents) -> Flags:
    """Return which rows are as long as their columns demand."""
    counts = _take(database, extents.start, "<u2").astype(np.int64)
    fixed = np.zeros(definition.made + 1, np.int64)
    for column in definition.columns.values():
        if column.fixed and column.kind != BOOLEAN:
            fixed[column.index + 1] = column.offset + column.width
    known = np.minimum(counts, definition.made)
    least = _HEAD + np.maximum.accumulate(fixed)[known] + (counts + 7) // 8
    if definition.variable:
        least += 4
    length = extents.stop - extents.start
    sound = (counts > 0) & (counts <= definition.made) & (length >= least)
    if not definition.variable and definition.made == len(definition.columns):
        sound &= length == least
    return np.asarray(sound)


def _take(database: Database, at: Ints, layout: str) -> NDArray[Any]:
    """Return the numbers at bytes of the file, wherever they lie; what would lie beyond its end is of no row."""
    flat = database.pages.reshape(-1)
    kind = np.dtype(layout)
    places = np.ndarray((flat.size - kind.itemsize + 1,), kind, flat, 0, (1,))
    return np.asarray(places[at.clip(0, len(places) - 1)])


def _text(row: bytes, column: Column) -> str:
    """Return the text of one row; "" where its offsets lead outside."""
    (count,) = struct.unpack_from("<H", row)
    table = len(row) - (count + 7) // 8 - 2
    at = table - 2 * (column.offset + 2)
    if at < _HEAD or column.offset >= struct.unpack_from("<H", row, table)[0]:
        return ""
    stop, start = struct.unpack_from("<HH", row, at)
    return _decode(row[start:stop]) if start <= stop <= at else ""


def _decode(data: bytes) -> str:
    if not data.startswith(_COMPRESSED):
        return data.decode("utf-16-le", errors="replace")
    # A zero byte switches between one byte and two bytes a character.
    parts = data[len(_COMPRESSED) :].split(b"\0")
    return "".join(
        part.decode("utf-16-le" if number % 2 else "latin-1", errors="replace") for number, part in enumerate(parts)
    )
