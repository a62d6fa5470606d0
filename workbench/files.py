"""Writing files whole or not at all: NetCDF, text and JSON go to a temporary file first."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; after the block it takes the place of `path` in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    r"""Write UTF-8 text with ``\n`` line ends, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_json(path: Path, data: Any) -> None:
    """Write JSON without NaN, indented, whole or not at all."""
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def save(data: xr.Dataset | xr.DataTree, path: str | os.PathLike[str]) -> Path:
    """Write a Dataset or a tree of them to a NetCDF-4 file.

    Parameters
    ----------
    data : xarray.Dataset or xarray.DataTree
        As `interlayer.read` and `interlayer.read_tree` return it; complex variables stay complex.
    path : path-like
        Replaced in one step, so that a crash never leaves half a file.

    Returns
    -------
    Path
        Where it was written. Read it back with ``xarray.open_dataset(path, engine="h5netcdf")``.

    Examples
    --------
    >>> import interlayer as il, numpy as np, pathlib, tempfile
    >>> from interlayer.parsers import schema
    >>> ds = schema.build("eis", {"frequency": [10.0, 1.0], "impedance": np.array([1 - 1j, 2 - 3j])})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     il.save(ds, pathlib.Path(folder) / "a.nc").name
    'a.nc'
    """
    target = Path(path)
    with replacing(target) as temporary:
        data.to_netcdf(temporary, engine="h5netcdf")
    return target


def slug(text: str) -> str:
    """Return a file name of letters, digits and ``._-`` only; names that had to be changed stay distinct by a hash.

    Examples
    --------
    >>> slug("eis/film.mpt"), slug("a b")
    ('eis__film.mpt', 'a_b-c8687a08')
    """
    flat = text.replace("/", "__")
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", flat).strip("._") or "unnamed"
    return name if name == flat else f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
