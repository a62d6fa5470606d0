"""Which files of a folder belong to a run, in a fixed order."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from fnmatch import fnmatch
from pathlib import Path

from interlayer.parsers._registry import formats

from .experiment import FILE_NAME

OWN = frozenset({FILE_NAME, "truth.toml"})
"""Names that the toolkit itself gives to files in an experiment folder."""

_NOT_DATA = ("~$*", "*.tmp", "*.part", "*.lock", "*.py", "*.pyc")
"""Half-written files, and the scripts that people keep beside their data."""


def scan(root: Path, *, without: Collection[Path] = ()) -> list[Path]:
    """Return the files under a folder without hidden files, scripts and half-written files.

    They come in the order of their paths, numbers by size.

    Parameters
    ----------
    root : Path
        The folder.
    without : collection of Path
        Folders to leave out, for example the results of an earlier run.
    """
    excluded = {path.resolve() for path in without}
    found = []
    for folder, subfolders, names in os.walk(root):
        here = Path(folder)
        subfolders[:] = sorted(
            (name for name in subfolders if not name.startswith(".") and (here / name).resolve() not in excluded),
            key=_natural,
        )
        found += [here / name for name in sorted(names, key=_natural) if not _is_foreign(name)]
    return found


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a key that puts ``film_25C`` before ``film_100C``."""
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if part.isdecimal() and part.isascii() else (-1, part) for part in parts], name


def _is_foreign(name: str) -> bool:
    return name in OWN or name.startswith(".") or any(fnmatch(name, pattern) for pattern in _NOT_DATA)


def is_sidecar(path: Path) -> bool:
    """Whether a file belongs to another format's file and holds no measurement of its own."""
    return any(fnmatch(path.name.lower(), pattern) for card in formats() for pattern in card.sidecars)
