"""Members of an archive: what holds for zip and tar alike once a member's bytes can be had.

Every member is read as if it lay there by itself and goes into a group named after its stem. Members with names that
point outside are refused, since nobody packs those in good faith, though nothing is ever written to disk. A member
that fails is a finding and the others go on; members of no known format are listed in one finding, and with them the
pictures of an archive that holds anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ._registry import formats
from ._source import Measurement, Source
from .archive_gzip import inner_limits, member_measurements
from .errors import CorruptFile, LimitExceeded, ParseError, UnknownFormat

_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b")
_TAR_MARK = slice(257, 262)
# What file managers leave in archives.
_LITTER = re.compile(r"(^|/)(__MACOSX/|\._[^/]*$|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Parameters
    ----------
    name : str
        Path inside the archive.
    unpack : callable
        Returns the content, given how many bytes were unpacked from the archive before.
    """

    name: str
    unpack: Callable[[int], bytes]


class Bomb(Exception):
    """A member unpacks beyond the limits, which condemns the archive and not only the member."""

    def __init__(self, limit: LimitExceeded) -> None:
        super().__init__(str(limit))
        self.limit = limit


def is_litter(name: str) -> bool:
    """Whether a member is what a file manager left there."""
    return _LITTER.search(name) is not None


def check_count(count: int, source: Source) -> None:
    """Raise `LimitExceeded` when an archive has too many members."""
    if count > source.limits.members:
        raise LimitExceeded(f"{count} members", expected=f"at most {source.limits.members} (Limits.members)")


def read_members(members: Sequence[Member], source: Source) -> Iterator[Measurement]:
    """Yield the measurements of all members.

    Parameters
    ----------
    members : sequence of Member
        Files only, without directories.
    source : Source
        The archive, which takes the findings.

    Yields
    ------
    Measurement
        With the member's stem before its group.

    Raises
    ------
    LimitExceeded
        If members unpack beyond `Limits`.
    ParseError
        If no member can be read: the first member's error.
    """
    wanted = [member for member in members if not is_litter(member.name)]
    if not wanted:
        raise UnknownFormat("the archive is empty", expected="an archive of instrument files")
    only_pictures = all(_is_picture(member.name) for member in wanted)
    unknown: list[str] = []
    errors: list[ParseError] = []
    taken: set[str] = set()
    used = 0
    for member in wanted:
        try:
            _check_name(member.name)
            if not only_pictures and _is_picture(member.name):
                unknown.append(member.name)
                continue
            data = member.unpack(used)
            used += len(data)
            limits = inner_limits(source.limits, used)
            if data.startswith(_ARCHIVES) or data[_TAR_MARK] == b"ustar":
                # All archives inside together unpack no more than is left.
                limits = replace(limits, expanded=limits.expanded // len(wanted))
            found = member_measurements(source, PurePosixPath(member.name).name, data, limits)
        except Bomb as error:
            raise error.limit from None
        except UnknownFormat:
            unknown.append(member.name)
            continue
        except ParseError as error:
            errors.append(error)
            source.note("member-not-read", "error", f"The member {member.name!r} could not be read: {error}")
            continue
        stem = _free(_clean(PurePosixPath(member.name).stem), taken)
        for measurement in found:
            yield Measurement(f"{stem}/{measurement.group}", measurement.dataset)
    if unknown:
        shown = ", ".join(map(repr, unknown[:20])) + (f" and {len(unknown) - 20} more" if len(unknown) > 20 else "")
        message = f"Members of no known format, and pictures beside data, were left out: {shown}."
        source.note("unknown-members", "info", message)
    if not taken:
        raise next(
            iter(errors),
            UnknownFormat(f"the archive holds {len(unknown)} files of no known format: {unknown[:20]}"),
        )


def _is_picture(name: str) -> bool:
    """Whether a member is a figure by its name, as long as there are data beside it."""
    suffix = PurePosixPath(name).suffix.lower()
    return any(suffix in card.extensions for card in formats() if card.pictures)


def _check_name(given: str) -> None:
    name = given.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        raise CorruptFile(f"the member's name {given!r} points outside the archive", expected="a plain path")


def _clean(stem: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", stem).strip("._") or "member"


def _free(name: str, taken: set[str]) -> str:
    """Return a name not yet taken, and take it."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free
