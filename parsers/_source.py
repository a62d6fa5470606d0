"""`Source`: one file as its reader sees it, with what the foundation has settled about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from .errors import LimitExceeded, TruncatedFile
from .findings import Finding, Severity
from .limits import DEFAULT, Limits

if TYPE_CHECKING:
    import xarray as xr

    from ._binary import Cursor
    from ._text import Text


_HASH_AHEAD = 1_000_000
"""Bytes above which starting a thread costs less than it saves."""


@dataclass
class Measurement:
    """One measurement of a file: the group under which `read_tree` puts it, and its Dataset.

    Parameters
    ----------
    group : str
        Path within the tree without leading slash, for example ``"loop_0"``; unique within the file.
    dataset : xarray.Dataset
        Built by `interlayer.parsers.schema.build`.
    findings : list of Finding
        What concerns this measurement alone; what concerns the file goes to `Source.note`.
    """

    group: str
    dataset: xr.Dataset
    findings: list[Finding] = field(default_factory=list)


class Source:
    """A file to read.

    Parameters
    ----------
    path : Path
        Where it is, or the name it would have.
    data : bytes, optional
        Its content, when it comes from an archive instead of the disk.
    limits : Limits
        Sizes beyond which it is refused.
    """

    def __init__(self, path: Path, *, data: bytes | None = None, limits: Limits = DEFAULT) -> None:
        self.path = path
        self.limits = limits
        self.findings: list[Finding] = []
        self._hashing: Thread | None = None
        self._digest: list[str] = []
        if data is not None:
            self.data = data

    @property
    def name(self) -> str:
        """File name with extension."""
        return self.path.name

    @cached_property
    def data(self) -> bytes:
        """The whole content."""
        size = self.path.stat().st_size
        if size > self.limits.file:
            raise LimitExceeded(
                f"the file has {size} bytes",
                path=self.path,
                expected=f"at most {self.limits.file}",
                remedy="pass limits=Limits(file=...) if it is trusted",
            )
        data = self.path.read_bytes()
        if not data:
            raise TruncatedFile("the file is empty", path=self.path, remedy="copy it from the instrument again")
        return data

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        if self._hashing is None:
            return hashlib.sha256(self.data).hexdigest()
        self._hashing.join()
        return self._digest[0]

    def hash_ahead(self) -> None:
        """Begin to hash a large file beside its reading: hashing takes as long as parsing and needs no lock."""
        if len(self.data) > _HASH_AHEAD and self._hashing is None:
            self._hashing = Thread(target=lambda: self._digest.append(hashlib.sha256(self.data).hexdigest()))
            self._hashing.start()

    def cursor(self, *, byteorder: str = "<") -> Cursor:
        """Return a checked cursor at the first byte."""
        from ._binary import Cursor

        return Cursor(self.data, byteorder=byteorder, limits=self.limits)

    @cached_property
    def text(self) -> Text:
        """The content as text, decoded once; see `interlayer.parsers._text.Text`."""
        from ._text import decode

        text, finding = decode(self.data, self.limits)
        if finding is not None:
            self.findings.append(finding)
        return text

    def note(self, code: str, severity: Severity, message: str) -> None:
        """Add a finding that concerns the whole file."""
        self.findings.append(Finding(code, severity, message))

    def sidecar(self, name: str) -> Source | None:
        """Return the file called `name` beside this one, or None."""
        path = self.path.with_name(name)
        return Source(path, limits=self.limits) if path.is_file() else None


Measurements = Iterator[Measurement]
