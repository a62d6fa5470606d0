"""HDF5 files from memory: opened read-only, with library errors as ours and sizes checked before anything is read."""

from __future__ import annotations

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


@contextmanager
def opened(source: Source) -> Iterator[h5py.File]:
    """Open the content of a file as HDF5.

    Raises
    ------
    CorruptFile
        If the library finds it broken, on opening or later inside the ``with``.
    """
    import h5py

    try:
        with h5py.File(BytesIO(source.data), "r") as file:
            yield file
    except ParseError:
        raise
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise CorruptFile(
            f"the HDF5 file cannot be read: {error}", expected="a whole file", remedy="copy the file again"
        ) from error


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
