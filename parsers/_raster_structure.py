"""Whether a PNG, JPEG or BMP file is whole, seen before anything is decoded; decoders fill what is missing.

- PNG: chunks of length, name, content and CRC-32, from ``IHDR`` to ``IEND``.
- JPEG: segments ``FF xx length``; behind ``SOS`` coded data up to the next marker; ``EOI`` ends the image. Data cut
  and filled up, as a broken copy is, decode to grey without a word: such a file lacks ``EOI``.
- BMP: headers, then rows of whole 32-bit words from the offset that the header names.

Source: W3C PNG (third edition) sections 5 and 11; ITU-T T.81 annex B; the description of BITMAPINFOHEADER by Microsoft.
"""

from __future__ import annotations

import re
import struct
import zlib

from ._binary import Cursor
from ._source import Source
from .errors import CorruptFile, TruncatedFile, UnsupportedContent

_PNG_SIGNATURE = 8
_GREY, _PALETTE = 0, 3
_SOI, _SOS, _EOI = 0xD8, 0xDA, 0xD9
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_UNCOMPRESSED = (0, 3, 6)  # the latter two name bit masks for the colours


def check_png(source: Source) -> None:
    """Raise unless every chunk is whole, and the values are such that no bits get lost in decoding.

    Raises
    ------
    CorruptFile, TruncatedFile
        If a chunk is damaged or missing.
    UnsupportedContent
        If there are 16 bits for each of several colours, of which the decoder keeps 8.
    """
    cursor = source.cursor(byteorder=">")
    cursor.seek(_PNG_SIGNATURE)
    name = b""
    while name != b"IEND":
        start = cursor.offset
        length, name = cursor.unpack("I4s")
        content = cursor.take(length)
        if cursor.u32() != zlib.crc32(content, zlib.crc32(name)) and name[:1].isupper():
            raise CorruptFile(f"the chunk {name!r} is damaged", offset=start, expected="content that fits its CRC")
        if name == b"IHDR":
            _, _, depth, colour = struct.unpack_from(">2I2B", content)
            if depth == 16 and colour not in (_GREY, _PALETTE):
                raise UnsupportedContent(
                    "16 bits for each colour", expected="8, or 16 bits of grey", remedy="save the image as TIFF"
                )


def check_jpeg(source: Source) -> None:
    """Raise unless the segments lead to the end of the image.

    Raises
    ------
    CorruptFile, TruncatedFile
        If they do not.
    """
    data, cursor = source.data, source.cursor(byteorder=">")
    cursor.skip(2)
    while True:
        start = cursor.offset
        mark, code = cursor.unpack("2B")
        if mark != 0xFF:
            raise CorruptFile(f"a segment begins with {mark:#04x}", offset=start, expected="0xff")
        if code == 0xFF:  # fill bytes may stand before a marker
            cursor.seek(start + 1)
        elif code == _EOI:
            return
        elif code != _SOI:
            _skip_segment(cursor, code, data)


def _skip_segment(cursor: Cursor, code: int, data: bytes) -> None:
    length = cursor.u16()
    if length < 2:
        raise CorruptFile(f"a segment of {length} bytes", offset=cursor.offset - 2, expected="2 or more")
    cursor.skip(length - 2)
    if code == _SOS:
        following = _MARKER.search(data, cursor.position)
        if following is None:
            raise TruncatedFile(
                "the image has no end", offset=len(data), expected="a marker EOI", remedy="copy the file again"
            )
        cursor.seek(following.start())


def check_bmp(source: Source) -> None:
    """Raise unless the rows are in the file.

    Raises
    ------
    CorruptFile, TruncatedFile
        If they are not.
    UnsupportedContent
        If they are compressed.
    """
    cursor = source.cursor()
    cursor.seek(10)
    offset, header = cursor.unpack("2I")
    width, height, _, bits = cursor.unpack("2i2H" if header > 12 else "4H")
    compression = cursor.u32() if header > 12 else 0
    if compression not in _UNCOMPRESSED:
        raise UnsupportedContent(f"BMP compression {compression}", remedy="save the image uncompressed or as TIFF")
    if width <= 0 or not height or bits not in (1, 4, 8, 16, 24, 32):
        raise CorruptFile(f"an image of {width} x {height} pixels of {bits} bits", expected="a size and a depth")
    need = offset + (width * bits + 31) // 32 * 4 * abs(height)
    if len(source.data) < need:
        raise TruncatedFile(
            f"the file has {len(source.data)} bytes", expected=f"{need}", remedy="copy it from the instrument again"
        )
