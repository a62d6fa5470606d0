"""A format card: what identifies the files of one format, and the view of a file's head in which that is looked for."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ._source import Measurements, Source

HEAD = 65_536
"""Number of bytes looked at to identify a file."""


class Head:
    """The first bytes of a file, seen as bytes, as text and unpacked."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name

    @cached_property
    def text(self) -> bytes:
        """The bytes as UTF-8, whatever the Unicode encoding of the file, without byte-order mark."""
        for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
            if self.data.startswith(mark):
                return self.data[len(mark) :].decode(encoding, errors="ignore").encode()
        return self.data

    @cached_property
    def inflated(self) -> bytes:
        """The first bytes of the content of a gzip file, b"" for any other."""
        if not self.data.startswith(b"\x1f\x8b"):
            return b""
        try:
            return zlib.decompressobj(31).decompress(self.data, HEAD)
        except zlib.error:
            return b""

    @cached_property
    def columns(self) -> bytes:
        """The folded names of a text table's columns, each between newlines; see `_outline.outline`."""
        from ._outline import outline

        return outline(self.data, cut=len(self.data) >= HEAD).encode()


@dataclass(frozen=True)
class Magic:
    r"""A regular expression that the head of a file must match.

    Parameters
    ----------
    pattern : bytes
        Searched from the first byte on; begin it with ``\A`` to anchor it.
    view : {"data", "text", "inflated", "columns"}
        Which view of `Head` it is searched in.
    name : str
        Regular expression that the file name must match as well, for content that several formats share.
    """

    pattern: bytes
    view: Literal["data", "text", "inflated", "columns"] = "data"
    name: str = ""

    def matches(self, head: Head) -> bool:
        """Whether the head of a file bears this mark."""
        view: bytes = getattr(head, self.view)
        if self.name and not re.search(self.name, head.name, re.IGNORECASE):
            return False
        return re.search(self.pattern, view) is not None


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format card.

    Parameters
    ----------
    name : str
        Kebab-case, for ``format=``.
    title : str
        For people.
    techniques : tuple of str
        Keys of `interlayer.parsers.schema.TECHNIQUES` that the reader may return.
    module : str
        Where ``read`` is.
    extensions : tuple of str
        Usual ones, lower case with dot; they rank a guess, they never decide it.
    magic : tuple of Magic
        Any one of them identifies the format.
    sidecars : tuple of str
        Patterns of files that belong to it and hold no measurement of their own.
    status : {"stable", "experimental"}
        Experimental: not yet checked on real files.
    pictures : bool
        Whether a file is a figure or a logo as often as a measurement: a run leaves it alone unless it has a scale.
    """

    name: str
    title: str
    techniques: tuple[str, ...]
    module: str
    extensions: tuple[str, ...]
    magic: tuple[Magic, ...]
    sidecars: tuple[str, ...] = field(default=())
    status: Literal["stable", "experimental"] = "stable"
    pictures: bool = False

    def matches(self, head: Head) -> bool:
        """Whether the content of a file is of this format."""
        return any(magic.matches(head) for magic in self.magic)

    def reader(self) -> Callable[[Source], Measurements]:
        """Import the module and return its ``read``."""
        read: Callable[[Source], Measurements] = import_module(self.module).read
        return read
