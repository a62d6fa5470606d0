"""Checked reading of bytes: no length is believed before it has been compared with what is there."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .errors import LimitExceeded, TruncatedFile
from .limits import DEFAULT, Limits


class Cursor:
    r"""A position in a buffer of bytes that never runs past its end.

    Parameters
    ----------
    data : bytes-like
        The whole buffer.
    byteorder : {"<", ">"}
        Byte order of the numbers, little (default) or big.
    base : int
        Offset of `data` in the file, added to the offsets that errors report.

    Examples
    --------
    >>> cursor = Cursor(b"\x01\x00\x00\x00rest")
    >>> cursor.u32(), bytes(cursor.take(4))
    (1, b'rest')
    >>> cursor.u8()
    Traceback (most recent call last):
    ...
    interlayer.parsers.errors.TruncatedFile: byte 8: 0 bytes are left; expected 1 more.
    """

    def __init__(
        self,
        data: bytes | bytearray | memoryview,
        *,
        byteorder: str = "<",
        base: int = 0,
        limits: Limits = DEFAULT,
    ) -> None:
        self.view = memoryview(data)
        self.position = 0
        self.byteorder = byteorder
        self.base = base
        self.limits = limits

    def __len__(self) -> int:
        return len(self.view)

    @property
    def offset(self) -> int:
        """Offset in the file of the next byte."""
        return self.base + self.position

    @property
    def remaining(self) -> int:
        """Number of bytes from here to the end."""
        return len(self.view) - self.position

    def seek(self, position: int) -> None:
        """Go to `position`, counted from the start of the buffer; `TruncatedFile` when it lies outside."""
        if not 0 <= position <= len(self.view):
            raise TruncatedFile(
                f"the file points to byte {self.base + position}",
                offset=self.offset,
                expected=f"a place within its {self.base + len(self.view)} bytes",
            )
        self.position = position

    def skip(self, count: int) -> None:
        """Go `count` bytes on."""
        self.take(count)

    def take(self, count: int) -> memoryview:
        """Return the next `count` bytes without copying; `TruncatedFile` when fewer are left."""
        if count < 0 or count > self.remaining:
            raise TruncatedFile(f"{self.remaining} bytes are left", offset=self.offset, expected=f"{count} more")
        start, self.position = self.position, self.position + count
        return self.view[start : self.position]

    def sub(self, count: int) -> Cursor:
        """Return a cursor of its own over the next `count` bytes."""
        base = self.offset
        return Cursor(self.take(count), byteorder=self.byteorder, base=base, limits=self.limits)

    def unpack(self, layout: str) -> tuple[Any, ...]:
        """Return the numbers of a `struct` layout given without byte order, for example ``"2IH"``."""
        form = self.byteorder + layout
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def array(self, dtype: DTypeLike, count: int) -> NDArray[Any]:
        """Return `count` items of `dtype` as a read-only view; checked before anything is allocated."""
        kind = np.dtype(dtype)
        if kind.byteorder == "=" and self.byteorder == ">":
            kind = kind.newbyteorder(">")
        if count < 0 or count * kind.itemsize > self.remaining:
            raise TruncatedFile(
                f"{self.remaining} bytes are left",
                offset=self.offset,
                expected=f"{count} items of {kind.itemsize} bytes",
            )
        if count * kind.itemsize > self.limits.array:
            raise LimitExceeded(
                f"an array of {count * kind.itemsize} bytes",
                offset=self.offset,
                expected=f"at most {self.limits.array} bytes",
                remedy="raise Limits.array if the file is trusted",
            )
        return np.frombuffer(self.take(count * kind.itemsize), dtype=kind)

    def text(self, count: int, encoding: str = "latin-1") -> str:
        """Return the next `count` bytes as text, cut at the first NUL."""
        return bytes(self.take(count)).split(b"\0", 1)[0].decode(encoding, errors="replace")

    def u8(self) -> int:
        """Return an unsigned byte."""
        return int(self.unpack("B")[0])

    def u16(self) -> int:
        """Return an unsigned 16-bit integer."""
        return int(self.unpack("H")[0])

    def u32(self) -> int:
        """Return an unsigned 32-bit integer."""
        return int(self.unpack("I")[0])

    def u64(self) -> int:
        """Return an unsigned 64-bit integer."""
        return int(self.unpack("Q")[0])
