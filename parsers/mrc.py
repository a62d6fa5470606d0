"""MRC2014 images and stacks (.mrc): one block of pixels behind a header of 1024 bytes.

The header gives the number of columns, rows and sections, the type of the pixels and the size of the whole cell in
angstrom; a pixel is the cell over the sampling. An extended header of Thermo Fisher (``FEI1``, ``FEI2``) states the
pixel size in metres and the voltage and goes before it. Rows are kept in the order of the file.

Source: A. Cheng et al., J. Struct. Biol. 192 (2015) 146, doi:10.1016/j.jsb.2015.04.002; offsets of the extended header
found in a file of Velox 3.7 whose pixel size and voltage are known; checked on the files of RosettaSciIO and openNCEM.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._binary import Cursor
from ._image import Axis, Vendor, assemble
from ._source import Measurement, Source
from .errors import CorruptFile, TruncatedFile, UnsupportedContent
from .findings import Finding

HEADER = 1024
TYPES = {0: "i1", 1: "i2", 2: "f4", 4: "c8", 6: "u2", 12: "f2"}
"""Mode of the header to the type of a pixel."""

_EXTENDED = {"beam_energy": 84, "pixel_size_x": 156, "pixel_size_y": 164}  # places of doubles in V and m
_THERMO_FISHER = ("FEI1", "FEI2")
_OTHER_EXTENDED = ("", "CCP4", "MRCO", "SERI", "AGAR", "HDF5")  # kinds without a pixel size
_ROUNDING = 1e-4  # the cell is written in single precision, by some programs with few digits
_MOST = 2**20
_ORDERS = ((1, 2, 3), (0, 0, 0))


def read(source: Source) -> Iterator[Measurement]:
    """Yield the image or the stack.

    Raises
    ------
    TruncatedFile
        If pixels are missing; none are filled in.
    CorruptFile
        If the header contradicts itself or the length of the file.
    UnsupportedContent
        If the pixels are of a type that is not read, or columns are not stored first.
    """
    header = _Header(source.cursor())
    cursor = source.cursor()
    cursor.seek(min(HEADER + header.extended, len(cursor)))
    cursor.byteorder = header.byteorder
    columns, rows, sections = header.size
    pixels = cursor.array(TYPES[header.mode], columns * rows * sections)
    if cursor.remaining >= pixels.nbytes // sections:
        raise CorruptFile(
            f"{cursor.remaining} bytes follow the {sections} sections of {columns} by {rows} pixels of the header",
            expected="less than one more section",
            remedy="the header or the length of the file is wrong; copy the file again",
        )
    if cursor.remaining:
        message = f"{cursor.remaining} bytes follow the pixels: appended, or inserted before, where they shift pixels."
        source.note("trailing-bytes", "warning", message)
    pixels = pixels.astype(pixels.dtype.newbyteorder("=")).reshape(sections, rows, columns)
    vendor = _vendor(source, header)
    if sections == 1:
        yield assemble("image", pixels[0], ("y", "x"), vendor)
    else:
        yield assemble("image", pixels, ("frame", "y", "x"), vendor)


class _Header:
    """The numbers of the header that are used, after they were held against each other."""

    def __init__(self, cursor: Cursor) -> None:
        if len(cursor) < HEADER:
            raise TruncatedFile(f"{len(cursor)} bytes", expected=f"a header of {HEADER}")
        self.byteorder = _byteorder(cursor)
        cursor.byteorder = self.byteorder
        *size, self.mode = cursor.unpack("4i")
        self.size = (int(size[0]), int(size[1]), int(size[2]))
        cursor.seek(28)
        self.sampling = cursor.unpack("3i")
        self.cell = cursor.unpack("3f")
        cursor.seek(64)
        order = cursor.unpack("3i")
        cursor.seek(88)
        self.group, self.extended = cursor.unpack("2i")
        cursor.seek(104)
        self.kind = cursor.text(4).strip()
        if not all(0 < count < _MOST for count in self.size):
            raise CorruptFile(f"{self.size} columns, rows and sections", offset=0, expected="positive numbers")
        if self.mode not in TYPES:
            raise UnsupportedContent(f"pixels of the mode {self.mode}", offset=12, expected=f"one of {sorted(TYPES)}")
        if order not in _ORDERS:
            raise UnsupportedContent(f"the axes in the order {order}", offset=64, expected="columns, rows, sections")
        if self.extended < 0:
            raise CorruptFile(f"an extended header of {self.extended} bytes", offset=92, expected="0 or more")


def _byteorder(cursor: Cursor) -> str:
    for order in ("<", ">"):
        trial = Cursor(cursor.view[:16], byteorder=order)
        *size, mode = trial.unpack("4i")
        if all(0 < count < _MOST for count in size) and 0 <= mode < 128:
            return order
    raise CorruptFile("no sizes in either byte order", offset=0, expected="positive columns, rows and sections")


def _vendor(source: Source, header: _Header) -> Vendor:
    found = _thermo_fisher(source, header)
    metadata = {"cell": list(header.cell), "sampling": list(header.sampling), "extended_header": header.kind}
    axes, findings = _cell_axes(header)
    if "pixel_size_x" in found and "pixel_size_y" in found:
        stated = {"y": Axis(found.pop("pixel_size_y"), 0.0, "m"), "x": Axis(found.pop("pixel_size_x"), 0.0, "m")}
        doubts = _contradictions(stated, axes)
        return Vendor("Thermo Fisher", stated, "MRC extended header, pixel size", found, metadata, doubts)
    if header.kind in _THERMO_FISHER:
        message = f"The extended header {header.kind} states no pixel size, as it should; the cell was taken."
        findings.append(Finding("extended-header-not-read", "warning", message))
    elif header.extended and header.kind not in _OTHER_EXTENDED:
        message = f"The extended header is of the unknown kind {header.kind!r}; what it states was not read."
        findings.append(Finding("extended-header-not-read", "warning", message))
    return Vendor("MRC", axes, "MRC header, cell over sampling", found, metadata, findings)


def _contradictions(stated: dict[str, Axis], cell: dict[str, Axis]) -> list[Finding]:
    """Return whether the two statements of the pixel size differ, or its sides."""
    pairs = [(name, axis.scale, cell[name].scale * 1e-10) for name, axis in stated.items() if name in cell]
    findings = [
        Finding(
            "calibration-contradicted",
            "warning",
            f"A pixel along {name} is {one:.7g} m in the extended header, {other:.7g} m by the cell of the header.",
        )
        for name, one, other in pairs
        if not math.isclose(one, other, rel_tol=_ROUNDING)
    ]
    if stated["y"].scale != stated["x"].scale and not findings:
        message = (
            f"The extended header gives pixels of {stated['y'].scale:.9g} m along y and {stated['x'].scale:.9g} m."
        )
        findings.append(Finding("calibration-contradicted", "warning", message))
    return findings


def _cell_axes(header: _Header) -> tuple[dict[str, Axis], list[Finding]]:
    axes: dict[str, Axis] = {}
    findings: list[Finding] = []
    names = ("x", "y", "frame") if header.group == 1 and header.size[2] == header.sampling[2] else ("x", "y")
    for name, length, count in zip(names, header.cell, header.sampling, strict=False):
        if length > 0 and count > 0:
            axes[name] = Axis(length / count, 0.0, "angstrom")
    if any(length < 0 for length in header.cell):
        axes = {}
        message = f"The cell of the header is {header.cell[0]:g} by {header.cell[1]:g} angstrom: it is not set."
        findings.append(Finding("cell-not-set", "warning", message))
    elif {axes[name].scale for name in ("x", "y") if name in axes} == {1.0}:
        message = "The cell makes a pixel exactly 1 angstrom, as programs write it that know no pixel size."
        findings.append(Finding("placeholder-pixel-size", "warning", message))
    elif header.size[:2] != header.sampling[:2]:
        message = f"The cell is sampled {header.sampling[:2]} times, the image has {header.size[:2]} pixels."
        findings.append(Finding("sampling-differs", "warning", message))
    return axes, findings


def _thermo_fisher(source: Source, header: _Header) -> dict[str, Any]:
    """Return voltage (eV) and pixel size (m) of the first section's extended header; what is no number is left out."""
    cursor = source.cursor(byteorder=header.byteorder)
    if header.kind not in _THERMO_FISHER or HEADER + max(_EXTENDED.values()) + 8 > len(cursor):
        return {}
    found: dict[str, Any] = {}
    for name, place in _EXTENDED.items():
        cursor.seek(HEADER + place)
        value = float(cursor.unpack("d")[0])
        if math.isfinite(value) and value > 0 and np.abs(np.log10(value)) < 12:
            found[name] = value
    cursor.seek(HEADER + 20)
    found["instrument"] = cursor.text(16).strip() or None
    return found
