"""Blocks of zeros among values that are not zero elsewhere: sectors of a disk that were never written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .findings import Finding

SECTOR = 512
"""Bytes of the smallest block."""

_STRIDE = 256  # bytes between the samples: two that follow each other lie in every block
_MOST = 8  # more than these are a mask or a frame around the image
_FEW, _ELSEWHERE = 2 * _MOST, 1e-3  # shorter runs, and their part of all values, up to which zero is no usual value


def blank_findings(pixels: NDArray[Any]) -> list[Finding]:
    """Return a warning when runs of at least `SECTOR` bytes of an image or of spectra are zero and little else is.

    Images of 8 bits are not looked at: black bars and marks are drawn into them.

    Examples
    --------
    >>> image = np.full((64, 64), 700, dtype="u2")
    >>> image[20, :] = image[21, :] = image[22, :] = image[23, :] = image[24, :] = 0
    >>> [finding.code for finding in blank_findings(image)]
    ['blank-block']
    """
    width = pixels.dtype.itemsize
    if width < 2 or pixels.nbytes < 8 * SECTOR:
        return []
    flat = np.ascontiguousarray(pixels).reshape(-1)
    empty = flat[:: _STRIDE // width] == 0
    if not np.any(empty[1:] & empty[:-1]):
        return []
    zero = np.concatenate([[False], flat == 0, [False]])
    edges = np.flatnonzero(zero[1:] != zero[:-1]).reshape(-1, 2)
    lengths = edges[:, 1] - edges[:, 0]
    long = lengths * width >= SECTOR
    count = np.count_nonzero(long)
    if not 0 < count <= _MOST or lengths.size - count > max(_FEW, _ELSEWHERE * flat.size):
        return []
    message = (
        f"{count} stretches, {int(lengths[long].sum())} values in all, are zero and hardly any other value is: "
        "blocks of the file that were not written look like this."
    )
    return [Finding("blank-block", "warning", message)]
