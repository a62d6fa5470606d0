"""Strips compressed by deflate, and tiles: put into place one by one, never inflated beyond what their pixels need.

The general decoder inflates a segment to whatever length it has, so that a bomb would have to be looked for by
inflating everything twice, and it holds plain tiles three times. Here the bound is part of the one pass. What is rare
(floating-point predictor, odd bit depths, volumes) is left to the general decoder.

Source: TIFF revision 6.0, sections 14 (predictor) and 15 (tiles); Adobe Photoshop TIFF technical notes (deflate, 2002).
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import CorruptFile, LimitExceeded

DEFLATE = (8, 32946)
"""Numbers of the compression: Adobe's and the older one of the same content."""

_NONE = 1
_NO_PREDICTOR, _DIFFERENCES = 1, 2
_PLANES_APART = 2
_SLACK = 1024


def can_place(key: Any) -> bool:
    """Whether pages like this one are decoded here."""
    return (
        (key.compression in DEFLATE or (key.compression == _NONE and key.is_tiled and key.predictor == _NO_PREDICTOR))
        and key.predictor in (_NO_PREDICTOR, _DIFFERENCES)
        and not (key.predictor == _DIFFERENCES and key.dtype.kind not in "iu")
        and key.bitspersample == 8 * key.dtype.itemsize
        and key.imagedepth == key.tiledepth == key.fillorder == 1
        and not key.is_subsampled
    )


def placed_page(page: Any, key: Any, data: bytes) -> NDArray[Any]:
    """Return the values of a page.

    Parameters
    ----------
    page : tifffile.TiffPage or TiffFrame
        Where its segments lie, all within the file.
    key : tifffile.TiffPage
        What they are.
    data : bytes
        The whole file.

    Returns
    -------
    ndarray
        Of ``key.shape`` and ``key.dtype``.

    Raises
    ------
    CorruptFile
        If a segment is damaged, or holds fewer or more pixels than it should.
    LimitExceeded
        If a segment inflates to more than twice what its pixels need.
    """
    planes = key.samplesperpixel if key.planarconfig == _PLANES_APART else 1
    samples = key.samplesperpixel // planes
    height, width = key.imagelength, key.imagewidth
    rows, columns = (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, width)
    across = math.ceil(width / columns)
    stored = key.dtype.newbyteorder(key.parent.byteorder)
    values = np.empty((planes, height, width, samples), key.dtype)
    for index, (offset, size) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        plane, place = divmod(index, across * math.ceil(height / rows))
        top, left = (place // across) * rows, (place % across) * columns
        full = rows if key.is_tiled else min(rows, height - top)
        count = full * columns * samples
        raw = _content(key, data, offset, size, count * stored.itemsize)
        longest = max(full, rows) * columns * samples * stored.itemsize + _SLACK  # the last strip may be padded
        if not count * stored.itemsize <= len(raw) <= longest:
            raise CorruptFile(
                f"a segment holds {len(raw)} bytes", offset=offset, expected=f"{count * stored.itemsize} for its pixels"
            )
        part = np.frombuffer(raw, stored, count).reshape(full, columns, samples)
        if key.predictor == _DIFFERENCES:
            part = np.add.accumulate(part, axis=1, dtype=key.dtype)  # the sum wraps as the differences did
        values[plane, top : top + full, left : left + columns] = part[: height - top, : width - left]
    return values.reshape(key.shape)


def _content(key: Any, data: bytes, offset: int, size: int, needed: int) -> bytes | memoryview:
    if key.compression == _NONE:
        return memoryview(data)[offset : offset + size]
    return inflated(data, offset, size, needed)


def inflated(data: bytes, offset: int, size: int, needed: int) -> bytes:
    """Return the content of one segment, which may be shorter or longer than needed but not endless.

    Examples
    --------
    >>> inflated(zlib.compress(b"abc"), 0, 11, 3)
    b'abc'
    """
    most = 2 * needed + _SLACK
    inflater = zlib.decompressobj()
    raw = inflater.decompress(memoryview(data)[offset : offset + size], most + 1)
    if len(raw) > most:
        raise LimitExceeded(f"a strip of {size} bytes inflates beyond {most}", offset=offset)
    if not inflater.eof:
        raise CorruptFile(f"a strip of {size} bytes ends within its deflate stream", offset=offset)
    return raw


def check_inflated(page: Any, count: int, data: bytes) -> None:
    """Refuse the first `count` segments when they inflate to other sizes than their pixels, for the general decoder.

    Raises
    ------
    CorruptFile, LimitExceeded
        As `placed_page`.
    """
    needed = math.ceil(math.prod(page.keyframe.chunks) * page.keyframe.bitspersample / 8)
    for offset, size in zip(page.dataoffsets[:count], page.databytecounts[:count], strict=True):
        if (held := len(inflated(data, offset, size, needed))) > needed + page.keyframe.chunks[0] + _SLACK:
            raise CorruptFile(f"a segment holds {held} bytes", offset=offset, expected=f"{needed} for its pixels")
