"""Gatan DigitalMicrograph files (.dm3, .dm4): images, stacks, EELS and EDS spectra and spectrum images.

The file is one tree of tags (see `interlayer.parsers._dm_tags`); what they mean is in
`interlayer.parsers._dm_images`. The extension says nothing sure: .dm4 files with version 3 inside exist, and .dm5 is
HDF5 (`interlayer.parsers.dm5`).

Source: descriptions of the format by C. B. Boothroyd, B. Schaffer and G. Jefferis; Gatan's list of data types
(https://www.gatan.com/dm5-documentation); checked on the .dm3 and .dm4 files of RosettaSciIO, openNCEM, pyTEMlib,
SciFiReaders and nionswift-io.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ._dm_images import measurements
from ._dm_tags import Array, Tree
from ._source import Measurement, Source
from .errors import CorruptFile

_END = bytes(8)


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each image of the file but the preview.

    Raises
    ------
    CorruptFile, TruncatedFile
        If the tag tree or every image in it is broken.
    UnsupportedContent
        If the file holds nothing but curves without an energy axis or kinds of data that are not read.
    """
    tree = Tree(source.cursor())
    if tree.broken is not None:
        source.note("truncated-file", "error", f"The file ends inside its tags: {tree.broken}")
    elif bytes(tree.cursor.view[tree.cursor.position :]) != _END:
        message = (
            f"{tree.cursor.remaining} bytes follow the tags, where eight zeros end a whole file: a number of tags is "
            "damaged, so that some were not read, or bytes were appended."
        )
        source.note("trailing-bytes", "warning", message)
    yield from measurements(tree.root, partial(_pixels, tree.order), source, broken=tree.broken)


def _pixels(order: Literal["<", ">"], stored: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    need = math.prod(shape) * dtype.itemsize
    found = len(stored.data) if isinstance(stored, Array) else 0
    if need != found:
        raise CorruptFile(f"{found} bytes of data", expected=f"{need} for {shape} of {dtype}")
    flat = np.frombuffer(stored.data, dtype=dtype.base.newbyteorder(order)).astype(dtype.base)
    return flat.reshape(*shape, *dtype.shape)
