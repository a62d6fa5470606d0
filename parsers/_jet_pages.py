"""Pages of a Microsoft Jet 4 or ACE database (.mdb, .accdb, Arbin .res), and which rows lie on them.

The file is a sequence of pages of 4096 bytes, numbers little-endian. Page 0 names the engine at byte 4 and the version
of the format at byte 20. The first byte of any other page is its kind; a data page (kind 1) has at byte 4 the page of
the definition of its table, at byte 12 the number of its rows and from byte 14 on a 16-bit place for each row. Rows are
laid down from the end of the page, so a row reaches up to the place of the one before. The top bits of a place mark
deleted rows (8000) and rows that have moved (4000): these hold the number of the row on its new page in one byte and
that page in three; on its new page a moved row bears the mark of deleted ones.

Source: description of the format in the documents of mdbtools and Jackcess; checked on corpus/cycling/cellpy and
battery-data-format.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._source import Source
from .errors import CorruptFile, TruncatedFile, UnsupportedContent

PAGE = 4096
FIRST_PLACE = 14

_ENGINES = (b"Standard Jet DB\0", b"Standard ACE DB\0")
_VERSIONS = (1, 2, 3)
_DATA = 1
_DELETED, _MOVED, _PLACE = 0x8000, 0x4000, 0x1FFF

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Extents:
    """Where the rows of a table lie: bytes `start` to `stop` of the file, each of shape (rows,)."""

    start: Ints
    stop: Ints

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class Database:
    """The whole pages of a database file, shape (pages, 4096), and the file that they are from."""

    pages: Bytes
    source: Source

    def owners(self) -> NDArray[np.uint32]:
        """Return for every page the page of the definition of the table whose rows it holds, 0 for other kinds."""
        owners = np.ascontiguousarray(self.pages[:, 4:8]).view("<u4")[:, 0]
        return np.where(self.pages[:, 0] == _DATA, owners, 0)


def open_database(source: Source) -> Database:
    """Return the pages of a file.

    Raises
    ------
    TruncatedFile
        If not even the catalog is there.
    CorruptFile
        If it does not begin as a database.
    UnsupportedContent
        If the version of the format is another, or its pages are encoded.
    """
    data = source.data
    whole = len(data) // PAGE
    if data[4:20] not in _ENGINES:
        raise CorruptFile("it does not begin as a database", offset=4, expected=_ENGINES[0][:-1].decode())
    if len(data) > 20 and data[20] not in _VERSIONS:
        raise UnsupportedContent(
            f"the database has version {data[20]} of its format",
            offset=20,
            expected="Access 2000 or later",
            remedy="convert it to Access 2002-2003 format in Access, or export the tables as text",
        )
    if whole < 3:
        raise TruncatedFile(f"the file holds {whole} whole pages", offset=len(data), expected="at least a catalog")
    if len(data) % PAGE:
        message = f"The file ends within a page, at byte {len(data)}; what lay behind is missing."
        source.note("truncated-file", "error", message)
    pages = np.frombuffer(data, np.uint8, whole * PAGE).reshape(whole, PAGE)
    if pages[2, 0] != 2:
        raise UnsupportedContent(
            "the catalog is not where it belongs: the database is encoded with a password, or damaged",
            offset=2 * PAGE,
            expected="a table definition",
            remedy="export the test as text from the cycler's software",
        )
    return Database(pages, source)


def rows_of(database: Database, table: int) -> Extents:
    """Return where the rows of the table defined on page `table` lie, in the order of the pages.

    Pages whose places contradict each other, and moved rows that lead nowhere, are left out with a finding.
    """
    numbers = np.flatnonzero(database.owners() == table)
    places = _places(database.pages, numbers)
    if places.damaged.any():
        shown = ", ".join(map(str, numbers[places.damaged][:8]))
        message = f"On {int(places.damaged.sum())} pages the places of rows contradict each other: {shown}; left out."
        database.source.note("damaged-page", "error", message)
    plain = places.listed & (places.marks == 0)
    moved = places.listed & (places.marks == _MOVED)
    rows = Extents(places.start[plain], places.stop[plain])
    if moved.any():
        target = _follow(database, places.start[moved])
        rows = Extents(np.concatenate([rows.start, target.start]), np.concatenate([rows.stop, target.stop]))
    return rows


@dataclass(frozen=True)
class _Places:
    """Bytes between which each row lies, its marks, and whether there is such a row: each of shape (pages, most)."""

    start: Ints
    stop: Ints
    marks: Ints
    listed: NDArray[np.bool_]
    damaged: NDArray[np.bool_]


def _places(pages: Bytes, numbers: Ints) -> _Places:
    """Return the places of the rows of data pages; of one where they contradict each other none is listed."""
    heads = pages[numbers]
    counts = np.ascontiguousarray(heads[:, 12:14]).view("<u2").astype(np.int64)
    damaged = (FIRST_PLACE + 2 * counts > PAGE)[:, 0]
    most = int(counts[~damaged].max(initial=0))
    words = np.ascontiguousarray(heads[:, FIRST_PLACE : FIRST_PLACE + 2 * most]).view("<u2").astype(np.int64)
    start = words & _PLACE
    stop = np.concatenate([np.full((len(numbers), 1), PAGE), start[:, :-1]], axis=1)[:, :most]
    listed = np.arange(most) < counts
    damaged |= np.any(listed & ((start > stop) | (start < FIRST_PLACE + 2 * counts)), axis=1)
    listed &= ~damaged[:, None]
    first = np.asarray(numbers)[:, None] * PAGE
    return _Places(start + first, stop + first, words & (_DELETED | _MOVED), listed, damaged)


def _follow(database: Database, pointers: Ints) -> Extents:
    """Return where moved rows lie now; their old places hold row (one byte) and page (three)."""
    flat = database.pages.reshape(-1)
    pointers = pointers[pointers + 4 <= flat.size]
    row, low, middle, high = (flat[pointers + byte].astype(np.int64) for byte in range(4))
    page = low + 256 * middle + 65536 * high
    there = page < len(database.pages)
    there[there] = database.pages[page[there], 0] == _DATA
    row, page = row[there], page[there]
    places = _places(database.pages, page)
    line = np.arange(len(row))
    sound = row < places.listed.shape[1]
    at = np.where(sound, row, 0)
    if sound.any():
        sound &= places.listed[line, at] & (places.marks[line, at] == _DELETED)
    if lost := len(there) - int(sound.sum()):
        database.source.note("damaged-page", "error", f"{lost} moved rows lead nowhere; they were left out.")
    return Extents(places.start[line[sound], at[sound]], places.stop[line[sound], at[sound]])
