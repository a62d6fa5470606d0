"""zip archives (.zip) of instrument files: every member is read as if it lay there by itself.

Members go into groups named after their stem. Nothing is ever written to disk; members with names that point outside
are refused all the same, since nobody packs those in good faith. A member that fails is a finding and the others go
on; members of no known format are listed in one finding. When none can be read, the first error is raised.

Source: APPNOTE.TXT (PKWARE) by way of the standard library's `zipfile`.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import PurePosixPath

from ._source import Measurement, Source
from ._zip import DAMAGE
from .archive_gzip import check_expansion, inner_limits, member_measurements
from .errors import CorruptFile, LimitExceeded, ParseError, UnknownFormat, UnsupportedContent

_CHUNK = 2**20
_ENCRYPTED = 0x1
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b")
# What file managers leave in archives.
_LITTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")


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
        members = [info for info in archive.infolist() if not info.is_dir() and not _LITTER.search(info.filename)]
        if len(members) > source.limits.members:
            raise LimitExceeded(f"{len(members)} members", expected=f"at most {source.limits.members} (Limits.members)")
        if not members:
            raise UnknownFormat("the archive is empty", expected="a zip archive of instrument files")
        yield from _members(archive, members, source)


class _Bomb(Exception):
    """A member unpacks beyond the limits, which condemns the archive and not only the member."""

    def __init__(self, limit: LimitExceeded) -> None:
        super().__init__(str(limit))
        self.limit = limit


def _members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], source: Source) -> Iterator[Measurement]:
    unknown: list[str] = []
    errors: list[ParseError] = []
    taken: set[str] = set()
    used = 0
    for info in members:
        try:
            _check_name(info)
            data = _unpack(archive, info, source, used)
            used += len(data)
            limits = inner_limits(source.limits, used)
            if data.startswith(_ARCHIVES):  # all archives inside together unpack no more than is left
                limits = replace(limits, expanded=limits.expanded // len(members))
            found = member_measurements(source, PurePosixPath(info.filename).name, data, limits)
        except _Bomb as error:
            raise error.limit from None
        except UnknownFormat:
            unknown.append(info.filename)
            continue
        except ParseError as error:
            errors.append(error)
            source.note("member-not-read", "error", f"The member {info.filename!r} could not be read: {error}")
            continue
        stem = _free(_clean(PurePosixPath(info.filename).stem), taken)
        for measurement in found:
            yield Measurement(f"{stem}/{measurement.group}", measurement.dataset)
    if unknown:
        shown = ", ".join(map(repr, unknown[:20])) + (f" and {len(unknown) - 20} more" if len(unknown) > 20 else "")
        source.note("unknown-members", "info", f"Members of no known format were left out: {shown}.")
    if not taken:
        raise next(
            iter(errors),
            UnknownFormat(f"the archive holds {len(unknown)} files of no known format: {unknown[:20]}"),
        )


def _check_name(info: zipfile.ZipInfo) -> None:
    name = info.filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        raise CorruptFile(f"the member's name {info.filename!r} points outside the archive", expected="a plain path")
    if info.flag_bits & _ENCRYPTED:
        raise UnsupportedContent("the member is encrypted", remedy="unpack it by hand with its password")


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: Source, used: int) -> bytes:
    """Return the content of a member, never more than the limits allow whatever its header declares."""
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
        raise _Bomb(error) from None
    except DAMAGE as error:
        raise CorruptFile(f"the member {info.filename!r} is damaged: {error}", offset=info.header_offset) from error
    if total != info.file_size or not total:
        raise CorruptFile(f"the member {info.filename!r} has {total} bytes", expected=f"{info.file_size}, not none")
    return b"".join(parts)


def _clean(stem: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", stem).strip("._") or "member"


def _free(name: str, taken: set[str]) -> str:
    """Return a name not yet taken, and take it."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free
