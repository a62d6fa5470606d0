"""What files of the tail say of their own length, held against it before RosettaSciIO reads them."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping

from . import _bruker_container
from .errors import CorruptFile, TruncatedFile
from .findings import Finding

_SPX_COUNT = re.compile(rb"<ChannelCount>\s*(\d+)\s*<")
_SPX_VALUES = re.compile(rb"<Channels>([^<]*)<")

_SPC_HEADER = struct.Struct("<f20xIIH")  # version, end and begin of the values, their number
_SPC_VERSIONS = (0.5, 0.8)
_SPC_BEHIND = 770  # bytes behind the values in version 0.70: the long name of the file and more


def bruker_map(data: bytes) -> list[Finding]:
    """Refuse a damaged container; say what follows a whole one."""
    surplus = _bruker_container.check(data)
    if not surplus:
        return []
    return [Finding("trailing-bytes", "warning", f"{surplus} bytes follow the last chunk of the container.")]


def bruker_spectrum(data: bytes) -> list[Finding]:
    """Refuse a spectrum whose values are not as many as its channels."""
    counts, values = _SPX_COUNT.findall(data), _SPX_VALUES.findall(data)
    if len(counts) == len(values) == 1 and values[0].count(b",") + 1 != int(counts[0]):
        raise CorruptFile(f"{values[0].count(b',') + 1} values", expected=f"one for each of {int(counts[0])} channels")
    return []


def edax_spectrum(data: bytes) -> list[Finding]:
    """Refuse a spectrum whose header contradicts itself or the length of the file."""
    if len(data) < _SPC_HEADER.size:
        raise TruncatedFile(f"{len(data)} bytes", expected="the header of an EDAX spectrum")
    version, end, begin, count = _SPC_HEADER.unpack_from(data)
    if not _SPC_VERSIONS[0] < version < _SPC_VERSIONS[1] or end != begin + 4 * count:
        raise CorruptFile(
            f"version {version:g}, {count} values between the bytes {begin} and {end}", offset=0, expected="a spectrum"
        )
    if len(data) < end:
        raise TruncatedFile(f"{len(data)} bytes", expected=f"values up to byte {end}")
    if len(data) - end == _SPC_BEHIND:
        return []
    message = (
        f"{len(data) - end} bytes follow the values, {_SPC_BEHIND} in whole files known: some were lost or inserted, "
        "perhaps among the values."
    )
    return [Finding("unexpected-length", "warning", message)]


CHECKS: Mapping[str, Callable[[bytes], list[Finding]]] = {
    ".bcf": bruker_map,
    ".spx": bruker_spectrum,
    ".spc": edax_spectrum,
}
"""Extension to the check of the files that can be checked."""
