r"""BioLogic EC-Lab and BT-Lab binary files (.mpr): settings, one table of rows, log and loops, each in its module.

A file begins with ``BIO-LOGIC MODULAR FILE\x1a``, padded to 52 bytes. Modules follow: the word ``MODULE``, a short
name of 10 and a long name of 25 bytes, then length and version of the content as 32-bit integers (EC-Lab up to 11.4x)
or ``FFFFFFFF``, length, old version, version (11.50 on), the date ``mm/dd/yy``, and the content. All numbers are
little-endian.

``VMP data`` holds the number of rows, the number of columns and the columns' numbers, padding up to a place that
depends on the version, and the rows one after the other without gaps. Which column is what, and how wide, is in
`interlayer.parsers._biologic_columns`. The widths must add up to the length of a row, which follows from the length of
the module and the number of rows: so a column of unknown number costs that column alone, and no shifted table is ever
read. ``VMP Set`` (settings), ``VMP LOG`` (instrument, start) and ``VMP loop`` are read as far as they are known.

Source: worked out on files that exist as ``.mpr`` and ``.mpt``; module layout as described by the readers that are
public (galvani, yadg, biologic-converter).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._binary import Cursor
from ._biologic import measurements
from ._biologic_checks import with_isolated_values
from ._biologic_columns import BY_NUMBER, FLAGS, MODE, OXIDATION, Column
from ._biologic_facts import Facts
from ._biologic_rows import Rows
from ._biologic_settings import facts_of
from ._source import Measurement, Source
from .errors import CorruptFile, TruncatedFile, UnsupportedContent

_MAGIC = b"BIO-LOGIC MODULAR FILE\x1a"
_FIRST_MODULE = 52
_NEW_HEADER = 0xFFFFFFFF
_ROWS_BEGIN = {0: 100, 2: 405, 3: 406, 10: 1007, 11: 1007}
_WIDEST = 8


@dataclass(frozen=True)
class Module:
    """One module: `length` is what its header promises, `content` what the file holds of it."""

    version: int
    length: int
    content: Cursor


@dataclass(frozen=True)
class Layout:
    """Where the columns lie in a row; `unknown` are the numbers of those that are skipped, with known ones between."""

    fields: dict[str, tuple[Column, int]]
    flags: int | None
    row: int
    unknown: tuple[int, ...]
    skipped: tuple[str, ...]


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record of a cycling technique, each spectrum of an impedance technique, or both for Modulo Bat.

    Raises
    ------
    TruncatedFile
        If no row is whole.
    CorruptFile
        If lengths and columns contradict each other.
    UnsupportedContent
        If the rows have an unknown version, or columns that are needed cannot be located.
    """
    modules = _modules(source)
    data = modules.get("VMP data")
    if data is None:
        raise TruncatedFile(
            "there is no data module",
            offset=len(source.data),
            expected=f"VMP data among {sorted(modules)}",
            remedy="copy the file again, after EC-Lab has finished writing it",
        )
    contents = {name: bytes(module.content.view) for name, module in modules.items() if name != "VMP data"}
    facts = facts_of(contents, source)
    found = measurements(_rows(data, facts, source), facts, _loops(contents.get("VMP loop", b"")), source)
    yield from map(with_isolated_values, found)


def _modules(source: Source) -> dict[str, Module]:
    cursor = source.cursor()
    if bytes(cursor.take(min(_FIRST_MODULE, cursor.remaining)))[: len(_MAGIC)] != _MAGIC:
        raise CorruptFile("it does not begin as a modular file", offset=0, expected=_MAGIC.decode("latin-1").strip())
    modules: dict[str, Module] = {}
    while cursor.remaining:
        start = source.data.find(b"MODULE", cursor.position)
        if start != cursor.position:
            source.note(
                "damaged-module",
                "warning",
                f"No module begins at byte {cursor.position}; "
                + (f"reading went on at byte {start}." if start >= 0 else "the rest was left out."),
            )
        if start < 0:
            break
        cursor.seek(start)
        try:
            name, module = _module(cursor)
        except TruncatedFile:
            source.note("truncated-file", "warning", f"The file ends within the header of a module at byte {start}.")
            break
        if len(module.content) < module.length and name != "VMP data":
            source.note(
                "truncated-file",
                "warning",
                f"The module {name!r} at byte {start} holds {len(module.content)} of {module.length} bytes.",
            )
        modules.setdefault(name, module)
    return modules


def _module(cursor: Cursor) -> tuple[str, Module]:
    name, length = cursor.unpack("6x10s25xI")
    if length == _NEW_HEADER:
        length, version = cursor.unpack("I4xI8x")
    else:
        (version,) = cursor.unpack("I8x")
    short = name.partition(b"\0")[0].decode("latin-1").strip()
    return short, Module(version, length, cursor.sub(min(length, cursor.remaining)))


def _loops(content: bytes) -> NDArray[np.int64]:
    """Return the rows at which loops begin; the module holds their number, 0, and the starts, the last one the end."""
    if len(content) < 8:
        return np.empty(0, dtype=np.int64)
    count = min(struct.unpack_from("<I", content)[0], (len(content) - 4) // 4)
    starts = np.frombuffer(content, "<u4", count, 4).astype(np.int64)
    return np.sort(starts)


def _rows(data: Module, facts: Facts, source: Source) -> Rows:
    cursor = data.content
    cursor.seek(0)
    promised, numbers = _columns(data, facts)
    length = data.length - _ROWS_BEGIN[data.version]
    exact = length // promised if promised and length % promised == 0 else None
    layout = locate(numbers, exact, facts)
    if layout.unknown:
        _note_unknown(layout, facts, source)
    promised = _count(promised, length, layout.row, cursor, source)
    cursor.seek(min(_ROWS_BEGIN[data.version], len(cursor)))
    whole = min(promised, cursor.remaining // layout.row)
    if not whole:
        raise TruncatedFile(
            f"the file holds no whole row of {promised}",
            offset=cursor.offset,
            expected=f"{layout.row} bytes for the first",
            remedy="copy the file again from the instrument's PC",
        )
    if whole < promised:
        source.note("truncated-file", "warning", f"The file ends early: {whole} of {promised} rows were read.")
    return _table(cursor, layout, whole)


def _columns(data: Module, facts: Facts) -> tuple[int, list[int]]:
    if data.version not in _ROWS_BEGIN:
        raise UnsupportedContent(
            f"the data module has version {data.version} (EC-Lab {facts.version})",
            offset=data.content.base,
            expected=f"one of {sorted(_ROWS_BEGIN)}",
            remedy="export the file as text from EC-Lab, and report the version",
        )
    cursor = data.content
    promised = cursor.u32()
    count = cursor.u16() if data.version >= 10 else cursor.u8()
    width = 1 if data.version == 0 else 2
    if cursor.position + count * width > _ROWS_BEGIN[data.version]:
        raise CorruptFile(
            f"the table has {count} columns, more than its header can name",
            offset=cursor.offset,
            expected=f"at most {(_ROWS_BEGIN[data.version] - cursor.position) // width}",
        )
    return promised, [int(n) for n in cursor.array("<u2" if width == 2 else "u1", count)]


def locate(numbers: list[int], row: int | None, facts: Facts) -> Layout:
    """Return the place of every column whose place is certain.

    Parameters
    ----------
    numbers : list of int
        Numbers of the columns, in order.
    row : int or None
        Length of a row in bytes, None where the file contradicts itself about it.
    facts : Facts
        For the version in messages.

    Raises
    ------
    CorruptFile
        If known columns do not add up to the length of a row.
    UnsupportedContent
        If the length of a row leaves no room for the unknown columns.

    Examples
    --------
    >>> layout = locate([1, 4, 999, 6], 17, Facts())
    >>> layout.fields["voltage_we"][1], layout.unknown
    (13, (999,))
    """
    widths = _widths(numbers)
    unknown = tuple(number for number, width in zip(numbers, widths, strict=True) if width is None)
    row, spare = _row_length(numbers, widths, row, facts)
    places = [place for place, width in enumerate(widths) if width is None]
    if len(unknown) == 1:
        widths[places[0]] = spare
        places = []
    unsure = range(places[0], places[-1] + 1) if places else range(0)
    fields: dict[str, tuple[Column, int]] = {}
    flags, skipped, offset = None, [], 0
    for place, (number, width) in enumerate(zip(numbers, widths, strict=True)):
        if unsure and place == unsure.stop:
            offset = row - sum(width or 0 for width in widths[place:])
        column = BY_NUMBER.get(number)
        if place in unsure:
            skipped += [column.header] if column else []
            continue
        if number in FLAGS and width:
            flags = offset
        elif column and column.name:
            fields.setdefault(column.name, (column, offset))
        offset += width or 0
    return Layout(fields, flags, row, unknown, tuple(skipped))


def _row_length(numbers: list[int], widths: list[int | None], row: int | None, facts: Facts) -> tuple[int, int]:
    """Return the length of a row and what of it is left for unknown columns; a flag among them needs none."""
    total = sum(width or 0 for width in widths)
    unknown = tuple(number for number, width in zip(numbers, widths, strict=True) if width is None)
    if not total or (unknown and (row is None or not 0 <= row - total <= _WIDEST * len(unknown))):
        raise UnsupportedContent(
            f"the columns with the numbers {list(unknown)} of EC-Lab {facts.version} are not known, "
            "and the length of a row does not tell their widths",
            expected="columns of interlayer.parsers._biologic_columns",
            remedy="export the file as text (.mpt) from EC-Lab and read that; please report the numbers",
        )
    if row is None or (not unknown and row % total == 0):
        return total, 0  # the count of rows is wrong, not a column: half the rows look twice as long
    if not unknown:
        raise CorruptFile(
            f"the columns {numbers} add up to {total} bytes and a row has {row}",
            expected="equal lengths",
            remedy=f"export the file as text from EC-Lab, and report its version {facts.version}",
        )
    return row, row - total


def _widths(numbers: list[int]) -> list[int | None]:
    """Return the width of every column, None where it is unknown; flags share one byte at the first of them."""
    widths: list[int | None] = []
    flagged = False
    for number in numbers:
        if number in FLAGS:
            widths.append(0 if flagged else 1)
            flagged = True
        else:
            column = BY_NUMBER.get(number)
            widths.append(column.width if column else None)
    return widths


def _note_unknown(layout: Layout, facts: Facts, source: Source) -> None:
    lost = f"; so are {list(layout.skipped)}, which lie between them" if layout.skipped else ""
    source.note(
        "unknown-column",
        "warning",
        f"The columns with the numbers {list(layout.unknown)} of EC-Lab {facts.version} are not known "
        f"and were left out{lost}.",
    )


def _count(promised: int, length: int, row: int, cursor: Cursor, source: Source) -> int:
    """Return how many rows there should be; where header and length disagree, the length decides if rows fit it."""
    if promised * row == length:
        return promised
    if length <= 0 or length % row:
        raise CorruptFile(
            f"the data module has {length} bytes for {promised} rows of {row}",
            offset=cursor.base,
            expected=f"{promised * row} bytes",
            remedy="copy the file again from the instrument's PC",
        )
    source.note(
        "row-count-mismatch",
        "warning",
        f"The header counts {promised} rows, the data module has room for {length // row}; all of these were read.",
    )
    return length // row


def _table(cursor: Cursor, layout: Layout, count: int) -> Rows:
    names = list(layout.fields)
    formats = ["<" + column.layout for column, _ in layout.fields.values()]
    offsets = [offset for _, offset in layout.fields.values()]
    if layout.flags is not None:
        names, formats, offsets = [*names, "flags"], [*formats, "u1"], [*offsets, layout.flags]
    kind = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": layout.row})
    table = cursor.array(kind, count)
    columns: dict[str, tuple[NDArray[np.generic], float]] = {
        name: (table[name], column.factor) for name, (column, _) in layout.fields.items()
    }
    if layout.flags is not None:
        flags = np.ascontiguousarray(table["flags"])
        columns["mode"] = (flags & MODE, 1.0)
        columns["oxidation"] = ((flags & OXIDATION) >> 2, 1.0)
    return Rows(columns)
