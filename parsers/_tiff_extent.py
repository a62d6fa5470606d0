"""How much of a TIFF file its directories account for."""

from __future__ import annotations

from typing import Any

_HEADS = {False: (2, 12, 4), True: (8, 20, 8)}
"""Whether it is a BigTIFF to the bytes of a directory: its count, one entry, the place of the next."""

_LITTER = 64
"""Bytes behind the last directory that writers leave there, values that nothing points to."""

_PRIVATE = (33471, 33560)  # of Olympus: they name a block of the file in a way of their own


def surplus(file: Any, length: int) -> int:
    """Return the bytes behind the last strip, directory or value that a directory names; 0 where that cannot be told.

    Parameters
    ----------
    file : tifffile.TiffFile
        Opened, its pages found.
    length : int
        Of the file in bytes.
    """
    if any(code in page.tags for page in file.pages for code in _PRIVATE):
        return 0
    count, entry, following = _HEADS[bool(file.is_bigtiff)]
    end = 0
    for page in file.pages:
        strips = zip(page.dataoffsets, page.databytecounts, strict=False)
        end = max(end, page.offset + count + entry * len(page.tags) + following, *(at + size for at, size in strips))
        end = max([end, *(tag.valueoffset + tag.valuebytecount for tag in page.tags)])
    # One directory may describe a whole stack, as ImageJ writes them.
    end = max([end, *(series.dataoffset + series.nbytes for series in file.series if series.dataoffset is not None)])
    return length - end if length - end > _LITTER else 0
