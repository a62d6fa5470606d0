"""Gatan DigitalMicrograph 5 files (.dm5): the tags of .dm3 and .dm4 as an HDF5 tree.

A group of tags is a group, a tag an attribute of it, an entry without a name ``[0]``, ``[1]``..., and ``Data`` of an
image a dataset with the slowest axis first. What the tags mean is in `interlayer.parsers._dm_images`.

Source: https://www.gatan.com/dm5-documentation; layout found in the file of nionswift-io, whose twin as .dm3 gives the
same numbers. The layout of colours and complex numbers follows the other versions and is not checked on a real file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._dm_images import measurements
from ._dm_tags import MOST_TAGS, Group
from ._hdf5 import is_dataset, loaded, opened, text
from ._source import Measurement, Source
from .errors import CorruptFile, LimitExceeded, TruncatedFile, UnsupportedContent

if TYPE_CHECKING:
    import h5py

_MOST_ITEMS = 64
"""Items of a tag that is an array beyond which only its size is kept."""


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each image of the file but the preview.

    Raises
    ------
    CorruptFile, TruncatedFile
        If the HDF5 file or every image in it is broken.
    UnsupportedContent
        If the file holds nothing but curves without an energy axis or kinds of data that are not read.
    """

    def pixels(stored: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        return _pixels(stored, shape, dtype, source)

    with opened(source) as file:
        yield from measurements(_Tags(source).of(file, 0), pixels, source, broken=None)


class _Tags:
    """Groups of tags as dicts, the number of tags held against its limit."""

    def __init__(self, source: Source) -> None:
        self.count = 0
        self.deepest = source.limits.depth

    def of(self, group: h5py.Group, depth: int) -> Group:
        """Return the tags of a group, entries without a name in the order of their numbers."""
        import h5py

        self.count += len(group) + len(group.attrs)
        if depth > self.deepest or self.count > MOST_TAGS:
            raise LimitExceeded(f"{self.count} tags, nested {depth} deep", expected=f"{MOST_TAGS}, {self.deepest}")
        tags = {_label(name): _value(value) for name, value in group.attrs.items()}
        for name in group:
            child = group.get(name)
            if isinstance(child, h5py.Group):
                tags[_label(name)] = self.of(child, depth + 1)
            elif child is not None:
                tags[_label(name)] = child if name == "Data" else f"<{getattr(child, 'size', 0)} items>"
        return dict(sorted(tags.items(), key=lambda tag: int(tag[0]) if tag[0].isdecimal() else -1))


def _label(name: str) -> str:
    match = re.fullmatch(r"\[(\d+)\]", name)
    return match[1] if match else name


def _value(value: Any) -> Any:
    """Return a tag as a number, a text, a tuple or a list, as the tags of the other versions are."""
    if isinstance(value, np.void):
        return tuple(value.item())
    if isinstance(value, bytes | str):
        return text(value)
    if isinstance(value, np.ndarray):
        return value.tolist() if value.size <= _MOST_ITEMS and value.dtype.kind in "iuf" else f"<{value.size} items>"
    return value.item() if isinstance(value, np.generic) else str(value)


def _pixels(stored: Any, shape: tuple[int, ...], dtype: np.dtype[Any], source: Source) -> NDArray[Any]:
    if not is_dataset(stored) or stored.shape[: len(shape)] != shape:
        raise CorruptFile(f"data of {getattr(stored, 'shape', None)}", expected=f"{shape}, as Dimensions says")
    if stored.id.get_storage_size() == 0:
        raise TruncatedFile("the values of the image were never written", expected=f"{shape} of {dtype}")
    values = loaded(stored, source)
    if values.dtype.names and len(values.dtype.names) == 2 and dtype.kind == "c":
        real, imaginary = (values[name] for name in values.dtype.names)
        values = real + 1j * imaginary
    if dtype.shape and values.ndim == len(shape) and values.dtype.kind in "iu" and values.dtype.itemsize == 4:
        values = np.ascontiguousarray(values.astype("<u4")).view(np.uint8).reshape(*shape, 4)
    if values.shape != (*shape, *dtype.shape) or values.dtype.kind != dtype.base.kind:
        raise UnsupportedContent(f"values of {stored.dtype}", expected=f"{dtype} as DataType says")
    return values.astype(values.dtype.newbyteorder("="), copy=False)
