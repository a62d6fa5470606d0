"""Series of FEI's TIA (.ser): images, spectra, line scans and maps of spectra.

A header names the kind of the elements, their number and, for each direction of the scan, size and calibration in
metres. A list of offsets leads to the elements; each brings its own calibration, data type and size. Units of the
elements are not written: images are in metres, spectra in eV. A step of more than a metre per pixel is none of an
image; the file then holds diffraction patterns in 1/m, as those with a camera length in their .emi file do. Images are
stored from the bottom up and are turned here.

The .emi file beside the series (``name.emi`` for ``name_1.ser``) tells voltage, microscope and magnification. What is
written twice is held against each other, see `interlayer.parsers._tia_checks`.

Source: C. B. Boothroyd's description of the series format (2005) and the list of offsets in 64 bits since version
0x220; checked on the files of RosettaSciIO and openNCEM.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._binary import Cursor
from ._image import Axis, Vendor, assemble
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra
from ._tia_checks import check_tag, common_axes, copy_findings, energy_findings, plane_findings, scan_findings
from ._tia_description import describe
from .errors import CorruptFile, TruncatedFile, UnsupportedContent
from .findings import Finding

TYPES = {1: "u1", 2: "u2", 3: "u4", 4: "i1", 5: "i2", 6: "i4", 7: "f4", 8: "f8", 9: "c8", 10: "c16"}
SPECTRA, IMAGES = 0x4120, 0x4122

_MARK = (0x4949, 0x0197)
_WIDE = 0x0220  # version from which on offsets have 64 bits
_LARGEST_LENGTH = 1.0  # m per pixel; beyond it the calibration is of reciprocal space
_SMALLEST_EDS_STEP = 2.5  # eV; energy-loss spectrometers have finer channels, X-ray detectors coarser ones
_MOST = 2**24


@dataclass(frozen=True)
class Element:
    """One image or spectrum with the calibration of its axes, the slowest first."""

    values: NDArray[Any]
    axes: tuple[Axis, ...]
    raw: memoryview


def read(source: Source) -> Iterator[Measurement]:
    """Yield what the series holds.

    Raises
    ------
    TruncatedFile
        If elements lie beyond the end of the file, or a map of spectra was not finished; nothing is filled in.
    CorruptFile
        If it is no series, or its elements differ in size.
    UnsupportedContent
        If elements are neither images nor spectra.
    """
    header = _Header(source.cursor())
    elements = [_element(source, number, header) for number in range(len(header.offsets))]
    if not elements:
        raise TruncatedFile("the series holds no element", expected="at least one image or spectrum")
    if len({(element.values.shape, element.values.dtype) for element in elements}) > 1:
        raise CorruptFile("the elements of the series differ in size or type", expected="one size for all")
    if header.missing:
        _note_missing(source, header)
    vendor = _vendor(source, elements, alone=len(elements) + header.missing == 1)
    vendor.findings += scan_findings(source.data, header.tags, header.mark, header.scan)
    if header.kind == SPECTRA:
        yield _spectra(elements, header.scan, vendor)
    else:
        yield _images(elements, header.scan, vendor)


def _note_missing(source: Source, header: _Header) -> None:
    message = f"{header.missing} of {len(header.offsets) + header.missing} elements were never acquired."
    if len(header.scan) > 1:
        raise TruncatedFile(message.rstrip("."), expected="a map that was scanned to its end")
    source.note("unfinished-series", "warning", message)
    if any(0 < place < len(source.data) for place in header.uncounted):
        message = "The list of the series leads to more elements than its count; those beyond it were not read."
        source.note("elements-not-counted", "error", message)


class _Header:
    """Kind of the elements, their places, and the axes of the scan, the slowest first, with their sizes."""

    def __init__(self, cursor: Cursor) -> None:
        *mark, version = cursor.unpack("3H")
        if tuple(mark) != _MARK:
            raise CorruptFile(f"the mark {mark[0]:#06x} {mark[1]:#06x}", offset=0, expected="0x4949 0x0197")
        self.kind, self.mark, total, valid = cursor.unpack("4I")
        wide = version >= _WIDE
        (table,) = cursor.unpack("Q" if wide else "I")
        (dimensions,) = cursor.unpack("I")
        if self.kind not in (SPECTRA, IMAGES):
            raise UnsupportedContent(f"elements of the kind {self.kind:#x}", offset=6, expected="images or spectra")
        if not 0 < total < _MOST or valid > total or not 0 < dimensions < 9:
            raise CorruptFile(f"{valid} of {total} elements in {dimensions} directions", offset=14, expected="a series")
        scan = [_direction(cursor) for _ in range(dimensions)]
        if int(np.prod([size for size, _ in scan], dtype=float)) != total:
            raise CorruptFile(f"{total} elements for sizes {[size for size, _ in scan]}", expected="their product")
        self.scan = scan[::-1]
        self.missing = total - valid
        cursor.seek(int(table))
        places = [int(place) for place in cursor.array("u8" if wide else "u4", 2 * total)]
        self.offsets, self.uncounted = places[:valid], places[valid:total]
        self.tags = places[total : total + valid]


def _direction(cursor: Cursor) -> tuple[int, Axis]:
    size, offset, step, origin = cursor.unpack("IddI")
    cursor.skip(cursor.u32())  # a description
    unit = cursor.text(cursor.u32()).strip()
    return int(size), Axis(step, offset - origin * step, {"meters": "m"}.get(unit.casefold(), unit))


def _element(source: Source, number: int, header: _Header) -> Element:
    cursor = source.cursor()
    cursor.seek(header.offsets[number])
    count = 1 if header.kind == SPECTRA else 2
    axes = []
    for _ in range(count):
        start, step, origin = cursor.unpack("ddI")
        axes.append(Axis(step, start - origin * step, "eV" if header.kind == SPECTRA else "m"))
    kind = cursor.u16()
    sizes = cursor.unpack(f"{count}I")
    if kind not in TYPES:
        raise UnsupportedContent(f"data type {kind}", offset=cursor.offset, expected=f"one of {sorted(TYPES)}")
    begin = cursor.position
    values = cursor.array(TYPES[kind], int(np.prod(sizes, dtype=float))).reshape(sizes[::-1])
    if not check_tag(source.data, number, cursor.position, header.tags[number], header.mark):
        source.note(
            "truncated-file", "warning", f"The file ends within the tag of element {number}; its values are whole."
        )
    raw = cursor.view[begin : cursor.position]
    return Element(values if header.kind == SPECTRA else values[::-1], tuple(axes[::-1]), raw)


def _images(elements: list[Element], scan: list[tuple[int, Axis]], vendor: Vendor) -> Measurement:
    axes, doubts = common_axes([element.axes for element in elements])
    vendor.findings += [*doubts, *plane_findings(axes, elements[0].values.shape)]
    if max(abs(axis.scale) for axis in axes) > _LARGEST_LENGTH:
        axes = tuple(Axis(axis.scale, axis.start, "1/m") for axis in axes)
        message = "The step of the axes is no length of an image; it was taken as 1/m, of a diffraction pattern."
        vendor.findings.append(Finding("reciprocal-inferred", "info", message))
    vendor.axes = {"y": axes[0], "x": axes[1]}
    vendor.source = "TIA element calibration"
    if len(elements) == 1:
        return assemble("image", elements[0].values.copy(), ("y", "x"), vendor)
    if len(scan) == 1:
        vendor.axes = {**vendor.axes, "frame": scan[0][1]}
    return assemble("image", np.stack([element.values for element in elements]), ("frame", "y", "x"), vendor)


def _spectra(elements: list[Element], scan: list[tuple[int, Axis]], vendor: Vendor) -> Measurement:
    (energy,), doubts = common_axes([element.axes for element in elements])
    vendor.findings += doubts
    technique = "eds" if abs(energy.scale) >= _SMALLEST_EDS_STEP else "eels"
    message = f"The file does not say which kind of spectrum it is; channels of {energy.scale:g} eV are of {technique}."
    vendor.findings.append(Finding("technique-inferred", "info", message))
    values = np.stack([element.values for element in elements])
    kept = [(size, axis) for size, axis in scan if len(elements) > 1]
    if len(kept) == 1:
        kept = [(len(elements), kept[0][1])]
    counts = values.reshape(*(size for size, _ in kept), values.shape[-1])
    return assemble_spectra(
        "spectra",
        counts,
        [axis for _, axis in kept],
        energy,
        vendor,
        technique=technique,
        counted=technique == "eds" and values.dtype.kind in "iu",
    )


def _vendor(source: Source, elements: list[Element], *, alone: bool) -> Vendor:
    beside = source.sidecar(re.sub(r"_\d+$", "", source.path.stem) + ".emi")
    if beside is None:
        return Vendor("FEI TIA")
    attrs, metadata, findings = describe(beside.data)
    axis = elements[0].axes[0]
    if axis.unit == "m" and alone:
        findings += copy_findings(elements[0].raw, beside.data)
    elif axis.unit == "eV" and abs(axis.scale) >= _SMALLEST_EDS_STEP:
        findings += energy_findings(axis.scale, metadata)
    return Vendor("FEI TIA", attrs=attrs, metadata=metadata, findings=findings)
