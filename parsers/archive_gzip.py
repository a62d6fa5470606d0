"""gzip files (.gz): one compressed instrument file, read as if it lay there uncompressed.

The name inside is the outer name without ``.gz``; its content decides the format. Unpacking stops at
`Limits.expanded`, and from 16 MiB on at `Limits.ratio` times the packed size. A damaged stream is refused: what was
unpacked before the damage was noticed may be anything. From a cut stream what came before the cut is read, with a
finding, since deflate never goes back.

Source: RFC 1952 (Deutsch, 1996).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ._source import Measurement, Source
from .errors import CorruptFile, LimitExceeded, TruncatedFile
from .limits import Limits
from .reading import measurements

RATIO_FROM = 16 * 2**20
"""Unpacked bytes from which on `Limits.ratio` is held, so that small files of blanks pass."""
_CHUNK = 2**20


def read(source: Source) -> Iterator[Measurement]:
    """Yield the measurements of the file inside.

    Raises
    ------
    LimitExceeded
        If it unpacks beyond the limits or archives are nested too deep.
    TruncatedFile, CorruptFile
        If the stream ends early or its checksum is wrong.
    ParseError
        Whatever the reader of the file inside raises.
    """
    data, whole = inflate(source.data, source.limits)
    if not whole:
        message = f"The gzip stream ends early, after {len(data)} unpacked bytes; the file inside is read up to there."
        source.note("truncated-archive", "error", message)
    if not data:
        raise TruncatedFile(
            "the archive holds an empty file" if whole else "the gzip stream ends before its first byte",
            offset=len(source.data),
            remedy="copy the file from the instrument again",
        )
    yield from member_measurements(source, _inner_name(source.name), data, inner_limits(source.limits, len(data)))


def _inner_name(name: str) -> str:
    """Return the name of the file inside.

    Examples
    --------
    >>> _inner_name("image.tif.gz"), _inner_name("day.tgz")
    ('image.tif', 'day.tar')
    """
    for suffix, instead in ((".tgz", ".tar"), (".gz", "")):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] + instead or "content"
    return name or "content"


def member_measurements(source: Source, name: str, data: bytes, limits: Limits) -> list[Measurement]:
    """Return the measurements of a file inside an archive, with the inner reader's findings in their attributes."""
    # The path lies below the archive, where no file can be, so that no reader takes a stranger for a companion file.
    inner = Source(Path(f"{source.path}/{name}"), data=data, limits=limits)
    return [Measurement(found.group, found.dataset) for found in measurements(inner)]


def inner_limits(limits: Limits, used: int) -> Limits:
    """Return the limits for a file inside an archive: one level less, and what has been unpacked is spent.

    Raises
    ------
    LimitExceeded
        If no level is left.
    """
    if limits.depth < 1:
        raise LimitExceeded("archives lie inside archives", expected="fewer levels (Limits.depth)")
    return replace(limits, depth=limits.depth - 1, expanded=max(limits.expanded - used, 0))


def inflate(data: bytes, limits: Limits) -> tuple[bytes, bool]:
    """Return the unpacked content of a gzip stream of one or more members, and whether the stream was whole.

    Examples
    --------
    >>> import gzip
    >>> inflate(gzip.compress(b"Ewe/V"), Limits())
    (b'Ewe/V', True)
    """
    parts: list[bytes] = []
    total, rest = 0, data
    while rest:
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        while not inflater.eof:
            try:
                part = inflater.decompress(rest, _CHUNK)
            except zlib.error as error:
                raise CorruptFile(f"the gzip stream is damaged: {error}", offset=len(data) - len(rest)) from error
            if not part and not inflater.unconsumed_tail and not inflater.eof:
                return b"".join(parts), False
            total += len(part)
            check_expansion(total, len(data), limits)
            parts.append(part)
            rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        if rest.strip(b"\0") == b"":
            break
        if not rest.startswith(b"\x1f\x8b"):
            raise CorruptFile(f"{len(rest)} bytes follow the gzip stream", offset=len(data) - len(rest))
    return b"".join(parts), True


def check_expansion(total: int, packed: int, limits: Limits) -> None:
    """Raise `LimitExceeded` when `total` bytes out of `packed` ones are more than the limits allow."""
    if total > limits.expanded:
        raise LimitExceeded(f"more than {limits.expanded} bytes unpacked", expected="at most that (Limits.expanded)")
    if total > RATIO_FROM and total > limits.ratio * packed:
        raise LimitExceeded(
            f"{packed} bytes unpack to more than {total}",
            expected=f"at most {limits.ratio:g} times as many (Limits.ratio)",
            remedy="unpack it by hand and look at it; raise the limit if it is trusted",
        )
