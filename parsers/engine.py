"""The xarray backend: ``xr.open_dataset(path, engine="interlayer")`` and ``xr.open_datatree``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xarray.backends import BackendEntrypoint

if TYPE_CHECKING:
    import xarray as xr

_OWN_EXTENSIONS = frozenset({".mpr", ".mpt", ".dta", ".z", ".dfr", ".par", ".xdi", ".prj", ".vms", ".dm3", ".dm4"})
"""Extensions that only instruments write; xarray asks about every file, and ``.txt`` or ``.tif`` may be anybody's."""


class Engine(BackendEntrypoint):
    """Opens every format of the toolkit; the content decides which.

    Examples
    --------
    >>> import xarray as xr
    >>> xr.open_dataset("film.mpr", engine="interlayer")            # doctest: +SKIP
    """

    description = "Instrument files of coated solid-state batteries"
    supports_groups = True

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        format: str | None = None,
        group: str | None = None,
    ) -> xr.Dataset:
        """Return one measurement, as `interlayer.read` does."""
        from .reading import read

        dataset = read(_path(filename_or_obj), format=format, group=group)
        return dataset.drop_vars(_listed(drop_variables), errors="ignore")

    def open_groups_as_dict(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        format: str | None = None,
    ) -> dict[str, xr.Dataset]:
        """Return every measurement by its group."""
        from .reading import read_tree

        tree = read_tree(_path(filename_or_obj), format=format)
        dropped = _listed(drop_variables)
        return {node.path: node.to_dataset().drop_vars(dropped, errors="ignore") for node in tree.subtree}

    def open_datatree(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        format: str | None = None,
    ) -> xr.DataTree:
        """Return every measurement as a tree, as `interlayer.read_tree` does."""
        import xarray as xr

        groups = self.open_groups_as_dict(filename_or_obj, drop_variables=drop_variables, format=format)
        return xr.DataTree.from_dict(groups)

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Claim only files that are of a known format and bear an extension that only instruments use."""
        from .reading import identify

        if not isinstance(filename_or_obj, str | os.PathLike):
            return False
        path = Path(filename_or_obj)
        return path.suffix.lower() in _OWN_EXTENSIONS and path.is_file() and identify(path) is not None


def _path(filename_or_obj: Any) -> str | os.PathLike[str]:
    if isinstance(filename_or_obj, str | os.PathLike):
        return filename_or_obj
    raise TypeError(f"found {type(filename_or_obj).__name__}; interlayer opens files by their path")


def _listed(names: str | Iterable[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or ())
