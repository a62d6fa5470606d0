"""tar archives (.tar, and .tar.gz through gzip) of instrument files: every member is read as if it lay there by itself.

A member is a header of 512 bytes and its content, padded to whole blocks. Name, size and the kind of entry stand in
the header; longer names in an entry before it, of GNU (``L``) or pax (``x``: ``path=``, ``size=``). Directories, links
and devices hold no content and are left out; sparse files, whose content is not what is stored, are refused. Nothing
is ever written to disk. An archive that ends early keeps its whole members, with a finding.

Source: IEEE Std 1003.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"; GNU tar manual, "Basic Tar
Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ._archive import Bomb, Member, check_count, read_members
from ._binary import Cursor
from ._source import Measurement, Source
from .archive_gzip import check_expansion
from .errors import CorruptFile, LimitExceeded, TruncatedFile, UnsupportedContent

_BLOCK = 512
_NAME, _SIZE, _SUM, _PREFIX = slice(0, 100), slice(124, 136), slice(148, 156), slice(345, 500)
_KIND = 156
_FILES, _SPARSE = (b"0", b"\0", b"7"), b"S"
_LONG_NAME, _LONG_LINK, _PAX = b"L", b"K", b"x"
_POSIX_MARK = b"ustar\0"
_PAX_RECORD = re.compile(rb"\d+ ([^=\n]+)=([^\n]*)\n")
_LONGEST_NAME = 2**16


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: bytes
    start: int
    size: int
    sparse: bool = False


def read(source: Source) -> Iterator[Measurement]:
    """Yield the measurements of all members.

    Raises
    ------
    CorruptFile, TruncatedFile
        If the first header is not one, or ends early.
    LimitExceeded
        If the members are too many or hold more than `Limits`.
    ParseError
        If no member can be read: the first member's error.
    """
    files = [entry for entry in _entries(source) if entry.sparse or _is_file(entry)]
    yield from read_members([Member(entry.name, partial(_unpack, entry, source)) for entry in files], source)


def _is_file(entry: _Entry) -> bool:
    return entry.kind in _FILES and not entry.name.endswith("/")  # tar of before 1988 marks directories so


def _unpack(entry: _Entry, source: Source, used: int) -> bytes:
    try:
        check_expansion(used + entry.size, len(source.data), source.limits)
    except LimitExceeded as error:
        raise Bomb(error) from None
    if entry.sparse:
        raise UnsupportedContent("the member is a sparse file", remedy="pack it again without --sparse")
    if not entry.size:
        raise CorruptFile(f"the member {entry.name!r} is empty", offset=entry.start)
    return source.data[entry.start : entry.start + entry.size]


def _entries(source: Source) -> list[_Entry]:
    """Return the entries up to the end mark, or up to where the archive breaks off, with a finding."""
    cursor = source.cursor()
    entries: list[_Entry] = []
    try:
        while cursor.remaining and (entry := _entry(cursor)) is not None:
            entries.append(entry)
            check_count(len(entries), source)
    except (TruncatedFile, CorruptFile) as error:
        if not entries:
            raise
        source.note("truncated-archive", "error", f"The archive is whole up to {entries[-1].name!r}: {error}")
    return entries


def _entry(cursor: Cursor) -> _Entry | None:
    """Return the next entry with its long name, or None at the end mark, a block of zeros."""
    named: dict[bytes, bytes] = {}
    while True:
        offset = cursor.offset
        header = bytes(cursor.take(_BLOCK))
        if not any(header):
            return None
        _check_sum(header, offset)
        kind = header[_KIND : _KIND + 1]
        size = _number(named.get(b"size") or header[_SIZE], offset, decimal=b"size" in named)
        start = cursor.offset
        content = cursor.take(size)
        cursor.take(min(-size % _BLOCK, cursor.remaining))
        if kind not in (_LONG_NAME, _LONG_LINK, _PAX):
            break
        if size > _LONGEST_NAME:
            raise CorruptFile(f"a name of {size} bytes", offset=offset, expected=f"at most {_LONGEST_NAME}")
        if kind == _PAX:
            named |= dict(_PAX_RECORD.findall(content))
        elif kind == _LONG_NAME:
            named[b"path"] = bytes(content)
    sparse = kind == _SPARSE or any(key.startswith(b"GNU.sparse") for key in named)
    return _Entry(_name(header, named), kind, start, size, sparse)


def _check_sum(header: bytes, offset: int) -> None:
    """Refuse a header whose sum of bytes, its own field taken as blanks, is not what it says."""
    told = _number(header[_SUM], offset)
    if told != sum(header) - sum(header[_SUM]) + 8 * ord(" "):
        raise CorruptFile("the checksum of a member's header is wrong", offset=offset, remedy="copy the archive again")


def _number(field: bytes, offset: int, *, decimal: bool = False) -> int:
    """Return a number in octal digits, in decimal ones of a pax record, or in base 256 as GNU tar writes large ones."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b"\0 ")
    if not re.fullmatch(rb"[0-9]{1,20}" if decimal else rb"[0-7]{0,12}", digits):
        raise CorruptFile(f"a number in a member's header is {digits!r}", offset=offset, expected="octal digits")
    return int(digits or b"0", 10 if decimal else 8)


def _name(header: bytes, named: dict[bytes, bytes]) -> str:
    name = named.get(b"path", b"").rstrip(b"\0")
    if not name:
        name = header[_NAME].split(b"\0", 1)[0]
        prefix = header[_PREFIX].split(b"\0", 1)[0] if header[257:263] == _POSIX_MARK else b""
        name = prefix + b"/" + name if prefix else name
    return name.decode("utf-8", "replace")
