"""HDF5 files from memory: opened read-only, with library errors as ours and sizes checked before anything is read.

The library never returns from a damaged heap of texts whose free space has no size, so heaps are walked here before.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._source import Source
from .errors import CorruptFile, LimitExceeded, ParseError

if TYPE_CHECKING:
    import h5py

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_END_OF_FILE = {0: 40, 1: 44, 2: 28, 3: 28}
"""Version of the superblock to the place of the file's length."""
_HEAP = b"GCOL"
_HEAP_HEADER = struct.Struct("<4sB3xQ")
_HEAP_OBJECT = struct.Struct("<HH4xQ")


@contextmanager
def opened(source: Source) -> Iterator[h5py.File]:
    """Open the content of a file as HDF5.

    Raises
    ------
    CorruptFile
        If the library finds it broken, on opening or later inside the ``with``.
    """
    import h5py

    _check_heaps(source.data)
    with checked(), h5py.File(BytesIO(source.data), "r") as file:
        _note_surplus(source)
        yield file


@contextmanager
def checked() -> Iterator[None]:
    """Turn the errors of the library into ours; around each part of a file, one broken part costs no other.

    Raises
    ------
    CorruptFile
        If the library finds the file broken.
    """
    try:
        yield
    except ParseError:
        raise
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise CorruptFile(
            f"the HDF5 file cannot be read: {error}", expected="a whole file", remedy="copy the file again"
        ) from error


def _check_heaps(data: bytes) -> None:
    """Refuse heaps of texts (HDF5 format specification, section III.E) whose objects do not fill them."""
    place = data.find(_HEAP)
    while place >= 0:
        if place % 8 == 0 and place + _HEAP_HEADER.size <= len(data):
            _, version, size = _HEAP_HEADER.unpack_from(data, place)
            if version == 1 and size <= len(data) - place:
                _check_heap(data, place, place + size)
        place = data.find(_HEAP, place + 1)


def _check_heap(data: bytes, place: int, end: int) -> None:
    at = place + _HEAP_HEADER.size
    while at + _HEAP_OBJECT.size <= end:
        index, _, size = _HEAP_OBJECT.unpack_from(data, at)
        # The size of free space, which has the index 0, includes its header; that of a text is rounded up to 8.
        step = size if index == 0 else _HEAP_OBJECT.size + (size + 7) // 8 * 8
        if step < _HEAP_OBJECT.size or at + step > end:
            raise CorruptFile(
                "a heap of texts in the HDF5 file is damaged",
                offset=at,
                expected=f"objects that fill the bytes {place} to {end}",
                remedy="copy the file again",
            )
        at += step


def _note_surplus(source: Source) -> None:
    """Say when the file is longer than its superblock says; the library refuses only one that is shorter."""
    place = _END_OF_FILE.get(source.data[8])
    if place is None or not source.data.startswith(_SIGNATURE):
        return
    end = int.from_bytes(source.data[place : place + 8], "little")
    if surplus := max(len(source.data) - end, 0):
        message = f"The file is {surplus} bytes longer than it says: appended, or inserted, where they shift values."
        source.note("trailing-bytes", "warning", message)


def damaged_groups(parent: h5py.Group, depth: int) -> list[str]:
    """Return the names of the groups, `parent` and those in it, that lost some of what they list.

    The library passes over a link that its tables no longer lead to, and with it what it led to.

    Parameters
    ----------
    parent : h5py.Group
        Where to begin.
    depth : int
        Levels of groups to look at.
    """
    import h5py

    names = list(parent)
    found = [] if names == sorted(names) else [str(parent.name)]
    for name in names:
        try:
            child = parent[name] if isinstance(parent.get(name, getlink=True), h5py.HardLink) else None
            if child is not None:
                list(child.attrs)  # raises where their names cannot be read
        except (OSError, RuntimeError, KeyError, TypeError, ValueError):
            found.append(f"{parent.name}/{name}")
            continue
        if isinstance(child, h5py.Group) and depth > 1:
            found += damaged_groups(child, depth - 1)
    return found


def loaded(dataset: h5py.Dataset, source: Source) -> NDArray[Any]:
    """Return a whole dataset; `LimitExceeded` if it would unpack to more than is allowed."""
    size = int(dataset.size or 0) * dataset.dtype.itemsize
    if size > source.limits.array:
        raise LimitExceeded(
            f"{dataset.name} unpacks to {size} bytes",
            expected=f"at most {source.limits.array}",
            remedy="raise Limits.array if the file is trusted",
        )
    return np.asarray(dataset[()])


def is_dataset(item: object) -> bool:
    """Return whether an item of a group holds values; links that lead nowhere do not."""
    import h5py

    return isinstance(item, h5py.Dataset)


def groups(parent: h5py.Group) -> Iterator[tuple[str, h5py.Group]]:
    """Yield names and groups inside a group; what is not there or no group is passed over."""
    import h5py

    for name in parent:
        child = parent.get(name)
        if isinstance(child, h5py.Group):
            yield str(name), child


def text(value: object) -> str:
    """Return an attribute or a cell as text, "" for what is none.

    Examples
    --------
    >>> text(b"nm"), text(np.bytes_(b"[n_m]")), text(None)
    ('nm', '[n_m]', '')
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip("\0 ")
    if isinstance(value, str):
        return value.strip("\0 ")
    if isinstance(value, np.ndarray) and value.size == 1:
        return text(value.ravel()[0])
    return ""


def number(value: object) -> float | None:
    """Return an attribute as a finite number, None for what is none.

    Examples
    --------
    >>> number(np.float64(0.2)), number("x")
    (0.2, None)
    """
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None
