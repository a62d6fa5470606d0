"""zip archives (.zip) of instrument files: every member is read as if it lay there by itself.

Members go into groups named after their stem; see `interlayer.parsers._archive`. When none can be read, the first
error is raised.

Source: APPNOTE.TXT (PKWARE) by way of the standard library's `zipfile`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from functools import partial
from io import BytesIO

from ._archive import Bomb, Member, check_count, is_litter, read_members
from ._source import Measurement, Source
from ._zip import DAMAGE
from .archive_gzip import check_expansion
from .errors import CorruptFile, LimitExceeded, UnsupportedContent

_CHUNK = 2**20
_ENCRYPTED = 0x1


def read(source: Source) -> Iterator[Measurement]:
    """Yield the measurements of all members.

    Raises
    ------
    CorruptFile
        If the archive's directory is not readable.
    LimitExceeded
        If the members are too many or unpack beyond `Limits`.
    ParseError
        If no member can be read: the first member's error.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(source.data))
    except DAMAGE as error:
        raise CorruptFile(f"the zip archive is damaged: {error}", remedy="copy or pack it again") from error
    with archive:
        members = [info for info in archive.infolist() if not info.is_dir() and not is_litter(info.filename)]
        check_count(len(members), source)
        unpackers = [Member(info.filename, partial(_unpack, archive, info, source)) for info in members]
        yield from read_members(unpackers, source)


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: Source, used: int) -> bytes:
    """Return the content of a member, never more than the limits allow whatever its header declares."""
    if info.flag_bits & _ENCRYPTED:
        raise UnsupportedContent("the member is encrypted", remedy="unpack it by hand with its password")
    parts: list[bytes] = []
    total = 0
    try:
        with archive.open(info) as file:
            while part := file.read(_CHUNK):
                total += len(part)
                check_expansion(total, max(info.compress_size, 1), source.limits)
                check_expansion(used + total, len(source.data), source.limits)
                parts.append(part)
    except LimitExceeded as error:
        raise Bomb(error) from None
    except DAMAGE as error:
        raise CorruptFile(f"the member {info.filename!r} is damaged: {error}", offset=info.header_offset) from error
    if total != info.file_size or not total:
        raise CorruptFile(f"the member {info.filename!r} has {total} bytes", expected=f"{info.file_size}, not none")
    return b"".join(parts)
