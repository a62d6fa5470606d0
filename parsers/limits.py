"""Sizes beyond which a file is refused instead of filling the memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Upper bounds on what a reader may load.

    Every attribute is a count of bytes unless its name says otherwise. The defaults hold for the largest files that
    the supported instruments write; raise one with ``read(path, limits=Limits(file=8 * 2**30))``.

    Examples
    --------
    >>> Limits(members=100).members
    100
    """

    file: int = 2 * 2**30
    """Size of the file itself."""
    expanded: int = 4 * 2**30
    """Sum of all that is unpacked from one file."""
    ratio: float = 200.0
    """Unpacked over packed size, looked at from 16 MiB on."""
    members: int = 10_000
    """Number of members of an archive."""
    array: int = 4 * 2**30
    """One array."""
    line: int = 2**20
    """Characters in one line of text."""
    columns: int = 10_000
    """Number of columns of one table."""
    depth: int = 32
    """Nesting of tags, groups or archives."""


DEFAULT = Limits()
