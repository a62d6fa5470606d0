"""Tag trees of JEOL Analysis Station: named values that may have values of their own below them.

An entry is a byte 1, the length of its name and the name, a type, the length of its value and the value, then the
entries below it, and a byte 255. Names and texts are in the Japanese code page 932.

Source: layout found in the files of RosettaSciIO (``tests/data/jeol``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._binary import Cursor
from .errors import CorruptFile

_ENTRY, _END = 1, 255
_TEXT = 12
_NUMBERS: Mapping[int, str] = {
    1: "<u1", 2: "<u2", 3: "<u4", 4: "<f4", 5: "<f8", 6: "<u1", 7: "<i2", 8: "<i4", 9: "<f4", 10: "<f8", 11: "?",
}  # fmt: skip
"""Type to what the value holds; from 6 on, 11 excepted, lists of it. Types beyond belong to the program's dialogs."""

_MOST_LEVELS = 40
_PADDING = 12  # zero bytes before a tree
_EPOCH = datetime(1899, 12, 30)  # of OLE dates


@dataclass
class Tag:
    """A value and what lies below it.

    Parameters
    ----------
    value : str, ndarray or None
        Text without its NUL, or numbers; None for a group.
    children : dict of str to Tag
        By name.
    """

    value: str | NDArray[Any] | None = None
    children: dict[str, Tag] = field(default_factory=dict)

    def at(self, *path: str) -> Tag:
        """Return a tag below this one; an empty one where there is none."""
        tag = self
        for name in path:
            tag = tag.children.get(name, Tag())
        return tag

    @property
    def text(self) -> str:
        """The text, "" where there is none."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def numbers(self) -> list[float]:
        """The numbers, none where there are none."""
        return self.value.astype(float).tolist() if isinstance(self.value, np.ndarray) else []

    @property
    def number(self) -> float | None:
        """The only number, or None."""
        return self.numbers[0] if len(self.numbers) == 1 else None

    def plain(self) -> dict[str, Any]:
        """Return texts and numbers below this tag as nested dictionaries, for ``original_metadata``."""
        found: dict[str, Any] = {}
        for name, tag in self.children.items():
            numbers = tag.numbers[:32]
            value = tag.text or (numbers[0] if len(numbers) == 1 else numbers)
            found[name] = tag.plain() | ({"": value} if value else {}) if tag.children else value
        return found


def tree(cursor: Cursor) -> Tag:
    """Return the tree that begins at the cursor, below a nameless root.

    Raises
    ------
    CorruptFile
        If no entry begins or ends where one must.
    TruncatedFile
        If the bytes end within the tree.
    """
    if any(cursor.take(_PADDING)):
        raise CorruptFile("no tree of tags", offset=cursor.offset - _PADDING, expected=f"{_PADDING} zero bytes")
    root = Tag()
    _fill(root, cursor, 0)
    if not root.children:
        raise CorruptFile("an empty tree of tags", offset=cursor.offset, expected="an entry, which begins with 1")
    return root


def _fill(parent: Tag, cursor: Cursor, level: int) -> None:
    """Read the entries of one level up to the byte that ends it, or to bytes that are no entry."""
    if level > _MOST_LEVELS:
        raise CorruptFile(f"tags more than {_MOST_LEVELS} levels deep", offset=cursor.offset)
    while cursor.remaining and cursor.view[cursor.position] == _ENTRY:
        cursor.skip(1)
        name = cursor.text(cursor.u32(), "cp932")
        kind, length = cursor.unpack("2I")
        raw = cursor.take(length)
        child = parent.children[name] = Tag(_value(kind, raw))
        _fill(child, cursor, level + 1)
        mark = cursor.u8()
        if mark != _END:
            raise CorruptFile(f"the byte {mark} after the tag {name!r}", offset=cursor.offset - 1, expected=str(_END))


def _value(kind: int, raw: memoryview) -> str | NDArray[Any] | None:
    if kind == _TEXT:
        return bytes(raw).split(b"\0", 1)[0].decode("cp932", errors="replace")
    dtype = _NUMBERS.get(kind)
    if dtype is None or len(raw) % np.dtype(dtype).itemsize:
        return None
    return np.frombuffer(raw, dtype)


def moment(days: float | None) -> str | None:
    """Return a date that counts days from 1899-12-30, None for one that cannot be of a measurement.

    Examples
    --------
    >>> moment(42832.75)
    '2017-04-07T18:00:00'
    """
    if days is None or not 30_000 < days < 80_000:
        return None
    return (_EPOCH + timedelta(days=days)).replace(microsecond=0).isoformat()


def pixel(instrument: Tag, columns: int, magnification: str = "Mag", scan: Tag | None = None) -> tuple[float, str]:
    """Return side and unit of a pixel: the width of the scan at magnification 1, over magnification and columns."""
    width, times = (scan or instrument).at("ScanSize").number, instrument.at(magnification).number
    if not width or not times or columns < 1:
        return 1.0, ""
    return width / times / columns, "mm"
