"""The tag tree of Gatan DigitalMicrograph: nested groups and arrays of typed values.

The frame of the tree is big-endian in every file; only the values follow the byte order that the header names.

.. code-block:: text

    file   := version:u32 size:S order:u32 group 8 x 0           S is u32 in version 3, u64 in version 4
    group  := sorted:u8 open:u8 count:S entry*count
    entry  := 20 label:(u16 + bytes) [size:u64 in version 4] group
            | 21 label:(u16 + bytes) [size:u64 in version 4] "%%%%" words:S info:S*words value
    info   := type                                                a number
            | 18 length                                           a UTF-16 string
            | 15 name-length fields (name-length type)*fields     a structure
            | 20 info length                                      an array of numbers or structures

Facts from the descriptions of the format by C. B. Boothroyd, B. Schaffer and G. Jefferis ("DigitalMicrograph file
format", 2003-2012) and from the files of the corpus.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ._binary import Cursor
from .errors import CorruptFile, LimitExceeded, TruncatedFile

MOST_TAGS = 1_000_000
"""Tags in one file beyond which it is refused; real files hold one to ten thousand."""

_GROUP, _DATA = 20, 21
_STRUCT, _STRING, _ARRAY = 15, 18, 20
_NUMBERS = {
    2: "i2", 3: "i4", 4: "u2", 5: "u4", 6: "f4", 7: "f8", 8: "u1", 9: "i1", 10: "u1", 11: "i8", 12: "u8",
}  # fmt: skip
_LAYOUTS = {
    "i2": "h",
    "i4": "i",
    "u2": "H",
    "u4": "I",
    "f4": "f",
    "f8": "d",
    "u1": "B",
    "i1": "b",
    "i8": "q",
    "u8": "Q",
}
_BOOLEAN = 8

# Steps of 100 ns since 1601, which is how Windows counts time.
_EPOCH_1970, _EPOCH_2100 = 116_444_736_000_000_000, 157_469_184_000_000_000

Group = dict[str, Any]


@dataclass(frozen=True)
class Array:
    """An array in the tree, not yet decoded.

    Parameters
    ----------
    dtype : numpy.dtype
        Of one item, with its byte order; a structure for arrays of structures.
    data : memoryview
        Its bytes.
    """

    dtype: np.dtype[Any]
    data: memoryview

    def __len__(self) -> int:
        return len(self.data) // self.dtype.itemsize

    @property
    def values(self) -> NDArray[Any]:
        """The items, a read-only view on the file."""
        return np.frombuffer(self.data, dtype=self.dtype)

    @property
    def text(self) -> str:
        """The items as UTF-16, which is how DigitalMicrograph keeps text."""
        encoding = "utf-16-be" if self.dtype.str.startswith(">") else "utf-16-le"
        return bytes(self.data).decode(encoding, errors="replace").split("\0", 1)[0]


class Tree:
    """A walk through the tag tree.

    Parameters
    ----------
    cursor : Cursor
        At the first byte of the header.

    Attributes
    ----------
    root : dict
        Groups by label; entries without a label get their number within the group as label.
    version : int
        3 or 4.
    order : {"<", ">"}
        Byte order of the values.
    broken : TruncatedFile or None
        Where the file ended before the tree did. `root` then holds what came before.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        cursor.byteorder = ">"
        self.version = cursor.u32()
        if self.version not in (3, 4):
            raise CorruptFile(
                f"the header names version {self.version}",
                offset=0,
                expected="3 or 4",
                remedy="export it from DigitalMicrograph again as DM4",
            )
        self._word = "I" if self.version == 3 else "Q"
        _, order = cursor.unpack(f"{self._word}I")
        if order not in (0, 1):
            raise CorruptFile(f"the header names the byte order {order}", offset=cursor.offset - 4, expected="0 or 1")
        self.order: Literal["<", ">"] = "<" if order else ">"
        self._count = 0
        self.root: Group = {}
        self.broken: TruncatedFile | None = None
        try:
            self._group(self.root, 0)
        except TruncatedFile as error:
            self.broken = error

    def _group(self, group: Group, depth: int) -> None:
        cursor = self.cursor
        if depth > cursor.limits.depth:
            raise LimitExceeded(
                f"the tags are nested {depth} deep", offset=cursor.offset, expected=f"at most {cursor.limits.depth}"
            )
        _, _, count = cursor.unpack(f"2B{self._word}")
        self._count += count
        if count > cursor.remaining // 3:
            raise TruncatedFile(f"{cursor.remaining} bytes are left", offset=cursor.offset, expected=f"{count} tags")
        if self._count > MOST_TAGS:
            raise LimitExceeded(f"{self._count} tags", offset=cursor.offset, expected=f"at most {MOST_TAGS}")
        for index in range(count):
            self._entry(group, index, depth)

    def _entry(self, group: Group, index: int, depth: int) -> None:
        cursor = self.cursor
        start = cursor.offset
        kind, length = cursor.unpack("BH")
        label = bytes(cursor.take(length)).decode("latin-1") or str(index)
        size = cursor.u64() if self.version == 4 else None
        body = cursor.position
        if kind == _GROUP:
            child: Group = {}
            group[label] = child
            self._group(child, depth + 1)
        elif kind == _DATA:
            group[label] = self._value(start)
        else:
            raise CorruptFile(f"a tag of kind {kind}", offset=start, expected="20 (group) or 21 (data)")
        if size is not None and cursor.position - body != size:
            raise CorruptFile(
                f"the tag {label!r} takes {cursor.position - body} bytes", offset=start, expected=f"{size}"
            )

    def _value(self, start: int) -> Any:
        cursor = self.cursor
        mark, words = cursor.unpack(f"4s{self._word}")
        if mark != b"%%%%":
            raise CorruptFile(f"a data tag begins with {mark!r}", offset=start, expected="'%%%%'")
        if words * (4 if self.version == 3 else 8) > cursor.remaining:
            raise TruncatedFile(f"{cursor.remaining} bytes are left", offset=start, expected=f"{words} words")
        info = cursor.unpack(f"{words}{self._word}")
        if len(info) == 1 and info[0] in _NUMBERS:
            return self._number(info[0])
        dtype, used = self._dtype(info, start)
        if info[0] == _STRUCT and used == len(info):
            return tuple(_scalar(value) for value in self._items(dtype, 1).values[0])
        if info[0] in (_ARRAY, _STRING) and used == len(info) - 1:
            return self._items(dtype, info[used])
        raise CorruptFile(f"a tag of type {info[:8]}", offset=start, expected="number, string, structure or array")

    def _number(self, code: int) -> int | float | bool:
        kind = _NUMBERS[code]
        cursor = self.cursor
        value = int.from_bytes(cursor.take(1), "big") if kind == "u1" else _unpack(cursor, self.order, _LAYOUTS[kind])
        return bool(value) if code == _BOOLEAN else value

    def _dtype(self, info: tuple[int, ...], start: int) -> tuple[np.dtype[Any], int]:
        """Return the type of an item that `info` describes and how many of its words that takes."""
        inner = info[1:] if info[:1] == (_ARRAY,) else info
        skipped = len(info) - len(inner)
        if inner[:1] == (_STRING,):
            return np.dtype(f"{self.order}u2"), skipped + 1
        if inner[:1] == (_STRUCT,) and len(inner) > 2 and 0 < inner[2] <= (len(inner) - 3) // 2:
            codes = inner[4 : 3 + 2 * inner[2] : 2]
            if all(code in _NUMBERS for code in codes):
                fields = [(f"f{i}", f"{self.order}{_NUMBERS[code]}") for i, code in enumerate(codes)]
                return np.dtype(fields), skipped + 3 + 2 * inner[2]
        if skipped and inner[:1] and inner[0] in _NUMBERS:
            return np.dtype(f"{self.order}{_NUMBERS[inner[0]]}"), skipped + 1
        if skipped and inner[:1] == (_ARRAY,):
            dtype, used = self._dtype(inner, start)
            if used < len(inner) and 0 < inner[used] * dtype.itemsize <= self.cursor.remaining:
                return np.dtype((dtype, (inner[used],))), skipped + used + 1
        raise CorruptFile(f"a tag of type {info[:8]}", offset=start, expected="number, string, structure or array")

    def _items(self, dtype: np.dtype[Any], count: int) -> Array:
        return Array(dtype, self.cursor.take(count * dtype.itemsize))


def _unpack(cursor: Cursor, order: str, layout: str) -> Any:
    frame, cursor.byteorder = cursor.byteorder, order
    try:
        return cursor.unpack(layout)[0]
    finally:
        cursor.byteorder = frame


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def find(group: Any, path: str) -> Any:
    """Return the value at a path of labels joined by ``"/"``, or None.

    Examples
    --------
    >>> find({"A": {"b c": 3}}, "A/b c"), find({}, "A/b")
    (3, None)
    """
    for label in path.split("/"):
        if not isinstance(group, dict) or label not in group:
            return None
        group = group[label]
    return group


def text(value: Any) -> str:
    """Return a tag as text: its UTF-16 characters, or "" for whatever is not text."""
    if isinstance(value, Array) and value.dtype.kind == "u" and value.dtype.itemsize == 2:
        return value.text
    return value if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """Return a tag as a finite number, or None."""
    if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value):
        return float(value)
    return None


LONGEST_TEXT = 4096
"""Characters beyond which an array of 16-bit numbers is not taken for text in `plain`."""


def plain(value: Any) -> Any:
    """Return a group with texts decoded and arrays replaced by a note of their size, ready for JSON."""
    if isinstance(value, dict):
        return {label: plain(child) for label, child in value.items()}
    if isinstance(value, Array):
        if value.dtype.kind == "u" and value.dtype.itemsize == 2 and len(value) <= LONGEST_TEXT:
            return value.text
        return value.values.tolist() if len(value) <= 8 and value.dtype.kind in "iuf" else f"<{len(value)} items>"
    return value


# attribute -> (path in ImageTags, factor to the unit of the attribute); the first path that holds a number counts.
_NUMERIC = (
    ("beam_energy", "Microscope Info/Voltage", 1.0),
    ("magnification", "Microscope Info/Indicated Magnification", 1.0),
    ("dwell_time", "DigiScan/Sample Time", 1e-6),
    ("exposure_time", "EELS/Acquisition/Exposure (s)", 1.0),
    ("exposure_time", "Acquisition/Parameters/High Level/Exposure (s)", 1.0),
    ("live_time", "EDS/Live time", 1.0),
    ("real_time", "EDS/Real time", 1.0),
    ("convergence_angle", "EELS/Experimental Conditions/Convergence semi-angle (mrad)", 1.0),
    ("convergence_angle", "EELS/Convergence semi-angle (mrad)", 1.0),
    ("collection_angle", "EELS/Experimental Conditions/Collection semi-angle (mrad)", 1.0),
    ("collection_angle", "EELS/Collection semi-angle (mrad)", 1.0),
)
_TEXTUAL = (
    ("instrument", "Session Info/Microscope"),
    ("instrument", "Microscope Info/Microscope"),
    ("instrument", "Microscope Info/Name"),
    ("detector", "Acquisition/Device/Name"),
    ("detector", "DataBar/Device Name"),
    ("sample", "Session Info/Specimen"),
)


def attributes(tags: Group) -> dict[str, Any]:
    """Return what ``ImageTags`` tells of the microscope: eV, s and mrad; what is zero there is not set.

    Examples
    --------
    >>> attributes({"Microscope Info": {"Voltage": 200000.0}, "DigiScan": {"Sample Time": 0.0}})
    {'beam_energy': 200000.0}
    """
    found: dict[str, Any] = {}
    for name, path, factor in _NUMERIC:
        value = number(find(tags, path))
        if name not in found and value is not None and value > 0:
            found[name] = value * factor
    for name, path in _TEXTUAL:
        words = text(find(tags, path)).strip()
        if name not in found and words not in ("", "Unknown"):
            found[name] = words
    imaging, operation = (text(find(tags, f"Microscope Info/{label} Mode")) for label in ("Imaging", "Operation"))
    if imaging.startswith("DIFF") and operation != "SCANNING":
        found.pop("magnification", None)  # it is a camera length then
    ticks = number(find(tags, "DataBar/Acquisition Time (OS)"))
    if ticks is not None and _EPOCH_1970 < ticks < _EPOCH_2100:
        moment = datetime.fromtimestamp((ticks - _EPOCH_1970) / 1e7, tz=UTC)
        found["start_time"] = moment.replace(microsecond=0).isoformat()
    return found
