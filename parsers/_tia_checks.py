"""What TIA writes twice: places, scales and pixels of a series that have to agree.

A tag follows each element and bears its time and, in a scan, its position; a list of offsets says where it begins. The
origin of an image is its centre, and its pixels are squares. The .emi file beside a single image keeps a copy of it,
and names the channel width of an EDS detector. A byte that was lost, doubled or flipped breaks one of these.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ._image import Axis
from .errors import CorruptFile
from .findings import Finding

TAG_LENGTHS = {0x4152: 8, 0x4142: 24}
"""Mark of a tag to its length: a time, or a time and a position."""

_POSITION = struct.Struct("<dd")
_SAME = 1e-6  # the numbers that are compared are doubles of one program
_NEEDLE = 64
_HITS = 16


def check_tag(data: bytes, number: int, end: int, tag: int, mark: int) -> bool:
    """Return whether the tag of an element is whole.

    Parameters
    ----------
    data : bytes
        The whole series.
    number : int
        Of the element, for the message.
    end : int
        Place behind the last byte of the element.
    tag : int
        Place of its tag as the list says, 0 where it says nothing.
    mark : int
        First word of the tags of this series.

    Raises
    ------
    CorruptFile
        If the tag does not follow the element.
    """
    if tag == 0 or mark not in TAG_LENGTHS:
        return True
    found = int.from_bytes(data[tag : tag + 2], "little")
    if tag != end or (tag + 2 <= len(data) and found != mark):
        raise CorruptFile(
            f"element {number} ends where its tag does not begin",
            offset=end,
            expected=f"the mark {mark:#06x} at byte {tag}",
            remedy="bytes were lost, inserted or changed; copy the file again",
        )
    return tag + TAG_LENGTHS[mark] <= len(data)


def plane_findings(axes: Sequence[Axis], shape: Sequence[int]) -> list[Finding]:
    """Return what contradicts the calibration of an image: unequal sides of a pixel, an origin beside the centre."""
    centred = [
        abs(axis.start + axis.scale * size / 2) <= _SAME * abs(axis.scale) * size
        for axis, size in zip(axes, shape, strict=True)
    ]
    y, x = axes
    if abs(abs(y.scale) - abs(x.scale)) > _SAME * max(abs(y.scale), abs(x.scale)):
        agreeing = [name for name, good in zip("yx", centred, strict=True) if good]
        which = f"that along {agreeing[0]} agrees with the origin" if len(agreeing) == 1 else "neither is confirmed"
        message = (
            f"A pixel measures {y.scale:.9g} m along y and {x.scale:.9g} m along x, which TIA writes equal; {which}."
        )
        return [Finding("calibration-contradicted", "warning", message)]
    if not all(centred):
        message = "The origin of the axes is not the centre of the image, where TIA puts it."
        return [Finding("origin-not-centred", "warning", message)]
    return []


def common_axes(all_axes: Sequence[tuple[Axis, ...]]) -> tuple[tuple[Axis, ...], list[Finding]]:
    """Return the calibration that most elements bear, and a finding when others bear another."""
    axes, count = Counter(all_axes).most_common(1)[0]
    if count == len(all_axes):
        return axes, []
    message = f"{len(all_axes) - count} of {len(all_axes)} elements bear another calibration; that of most was taken."
    return axes, [Finding("calibration-contradicted", "warning", message)]


def scan_findings(data: bytes, tags: Sequence[int], mark: int, scan: Sequence[tuple[int, Axis]]) -> list[Finding]:
    """Return what contradicts the steps of a scan, the slowest first: the positions in the tags of its elements."""
    if mark != 0x4142 or len(tags) < 2 or not 1 <= len(scan) <= 2 or tags[-1] + TAG_LENGTHS[mark] > len(data):
        return []
    places = np.array([_POSITION.unpack_from(data, tag + 8) for tag in tags])
    stride = 1
    findings = []
    for size, axis in reversed(scan):
        if axis.unit == "m" and size > 1 and len(places) > stride:
            findings += _step_findings(axis, places[::stride][:size])
        stride *= size
    return findings


def _step_findings(axis: Axis, places: NDArray[np.float64]) -> list[Finding]:
    lengths = np.hypot(*np.diff(places, axis=0).T)
    # Positions are rounded far from the origin of the stage.
    tolerance = _SAME * abs(axis.scale) + 1e-12 * float(np.abs(places).max(initial=0.0))
    if np.all(np.abs(lengths - abs(axis.scale)) <= tolerance):
        return []
    message = (
        f"The step of the scan is {abs(axis.scale):.9g} m, the positions of its points lie "
        f"{float(np.median(lengths)):.9g} m apart."
    )
    return [Finding("calibration-contradicted", "warning", message)]


def copy_findings(raw: memoryview, collection: bytes) -> list[Finding]:
    """Return what is to say of the copy of a single image that the .emi file beside it keeps.

    Parameters
    ----------
    raw : memoryview
        The pixels as stored.
    collection : bytes
        The .emi file.
    """
    fewest: float = math.inf
    for part in (2, 4, 8):
        place = len(raw) // part
        for copy in _candidates(collection, bytes(raw[place : place + _NEEDLE]), place, len(raw)):
            if copy == raw:
                return []
            fewest = min(fewest, int(np.count_nonzero(np.frombuffer(copy, "u1") != np.frombuffer(raw, "u1"))))
    if fewest < len(raw) / 2:
        message = f"{fewest} bytes of the image differ from its copy in the .emi file: one of the two is damaged."
        return [Finding("copy-differs", "error", message)]
    message = "The .emi file beside it keeps no copy of this image, as TIA writes it; it may belong to another series."
    return [Finding("description-unconfirmed", "warning", message)]


def _candidates(collection: bytes, needle: bytes, place: int, length: int) -> Iterator[bytes]:
    """Yield the stretches of a length that have the needle at a place."""
    at = -1
    for _ in range(_HITS):
        at = collection.find(needle, at + 1)
        if at < 0:
            return
        if at >= place and at - place + length <= len(collection):
            yield collection[at - place : at - place + length]


def energy_findings(step: float, metadata: Mapping[str, object]) -> list[Finding]:
    """Return whether the channel width of an EDS detector in the .emi file contradicts that of the series, in eV."""
    named = metadata.get("EnergyResolution")
    widths = list(named) if isinstance(named, Iterable) else []
    if not widths or any(math.isclose(abs(step), float(width), rel_tol=1e-4) for width in widths):
        return []
    message = f"Channels of the series are {step:g} eV wide, those of the detector in the .emi file {widths} eV."
    return [Finding("calibration-contradicted", "warning", message)]
