"""XAS Data Interchange files (.xdi): one absorption scan as a table under a header of ``# Namespace.tag: value`` lines.

The file opens with ``# XDI/1.0``; fields follow, among them ``# Column.1: energy eV`` for each column, then a line of
slashes and free comments, a line of minus signs, an optional line of column labels, and rows of numbers. The energy
axis may be in eV, in keV or the Bragg angle of the monochromator. Lines ``# Outer.value: 1.2`` between the rows split a
two-dimensional scan into its parts.

Data are held to the letter: a row of another width, text or NaN in a row is refused. Two things are recovered because
instruments write them: rows that a scan aborted by the user never reached (zeros, infinities and NaN to the planned
length), and a last row that was cut off.

Sources: XDI specification 1.0 and dictionary of metadata, XAS Data Interchange working group; its suite of 36 whole and
broken files; files of GSECARS, NSLS-II, PNC-CAT, SSRL and the Australian Synchrotron (MEX2).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from . import _xas
from ._groups import group_names
from ._source import Measurement, Source
from ._xdi_header import Header, d_spacing, outer_value, read_header
from .errors import CorruptFile, LimitExceeded, TruncatedFile, UnsupportedContent
from .units import conversion

Floats = _xas.Floats

# Lattice constants in angstrom at 25 degC, for files that name the crystal and not its spacing.
_LATTICE = {"Si": 5.431020511, "Ge": 5.6579}
_CRYSTAL = re.compile(r"\b(Si|Ge)\s*[\[(<]?\s*(\d)\s*(\d)\s*(\d)\b")

_ATTRS = {
    "element": "element.symbol",
    "edge": "element.edge",
    "facility": "facility.name",
    "beamline": "beamline.name",
    "sample": "sample.name",
    "formula": "sample.formula",
    "start_time": "scan.start_time",
    "end_time": "scan.end_time",
    "mono_crystal": "mono.name",
}


@dataclass(frozen=True)
class ColumnLabel:
    """What the file calls one column, and in which unit."""

    label: str
    unit: str


@dataclass
class Part:
    """Rows of one scan: all of a file, or those at one value of the outer scan."""

    outer: str | None
    rows: list[list[float]]
    lines: list[int]


def read(source: Source) -> Iterator[Measurement]:
    """Yield the scan of a file, or one scan for each value of an outer scan.

    Raises
    ------
    CorruptFile
        If the header breaks the grammar or a row is not made of finite numbers, with the line.
    TruncatedFile
        If there is no whole row of data.
    UnsupportedContent
        If there is no energy axis or no absorption.
    """
    header = read_header(source)
    parts = _parts(source, header)
    width = len(parts[0].rows[0])
    labels = _labels(source, header, width)
    outer = header.fields.get("outer.name", "scan")
    names = ["scan"] if len(parts) == 1 else [f"{outer}_{part.outer}" for part in parts]
    for group, part in zip(group_names(names), parts, strict=True):
        yield _measurement(group, part, labels, header)


def _parts(source: Source, header: Header) -> list[Part]:
    lines = source.text.lines
    parts = [Part(header.fields.get("outer.value"), [], [])]
    width = 0
    for index in range(header.start, len(lines)):
        text = lines[index].strip()
        if not text:
            continue
        if text.startswith("#"):
            if (value := outer_value(text)) is not None and parts[-1].rows:
                parts.append(Part(value, [], []))
            continue
        if index == len(lines) - 1 and not source.text.complete and _is_cut(lines, index, width):
            source.note("truncated-row", "warning", f"The file ends within line {index + 1}; this row was left out.")
            continue
        row = _row(text, index, width)
        if not width and len(row) > source.limits.columns:
            raise LimitExceeded(f"{len(row)} columns", line=index + 1, expected=f"at most {source.limits.columns}")
        width = width or len(row)
        parts[-1].rows.append(row)
        parts[-1].lines.append(index + 1)
    parts = [part for part in parts if part.rows]
    if not parts:
        raise TruncatedFile("there is no whole row of data", line=len(lines), expected="rows of numbers")
    return parts


def _is_cut(lines: Sequence[str], index: int, width: int) -> bool:
    """Whether an unterminated last line is shorter than the one above it."""
    above = lines[index - 1]
    if not width or above.lstrip().startswith("#"):
        return True
    return len(lines[index].split()) < width or len(lines[index].rstrip()) < len(above.rstrip())


def _row(text: str, index: int, width: int) -> list[float]:
    fields = text.split()
    if width and len(fields) != width:
        raise CorruptFile(
            f"the row has {len(fields)} values",
            line=index + 1,
            expected=f"{width} as in the rows above",
            remedy="repair or delete the row",
        )
    try:
        if "_" in text:
            raise ValueError
        return [float(item) for item in fields]
    except ValueError:
        wrong = next(item for item in fields if not _is_float(item))
        raise CorruptFile(
            f"the row holds {wrong[:40]!r}", line=index + 1, expected="numbers", remedy="repair or delete the row"
        ) from None


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _labels(source: Source, header: Header, width: int) -> list[ColumnLabel]:
    """Return label and unit of every column: the Column field, or the line of labels where that says nothing known."""
    declared = {int(tag[7:]): value for tag, value in header.fields.items() if re.fullmatch(r"column\.\d{1,6}", tag)}
    if surplus := sorted(number for number in declared if not 1 <= number <= width):
        source.note(
            "surplus-columns",
            "warning",
            f"The header names the columns {surplus} of a table with {width} columns; these names were left out.",
        )
    row = header.labels if len(header.labels) == width else [""] * width
    labels = []
    for number in range(1, width + 1):
        words = re.split(r"\s+#", declared.get(number, ""))[0].split()
        label, unit = (words[0] if words else ""), (words[1] if len(words) > 1 else "")
        below = row[number - 1]
        if _xas.column_name(label) is None and _fits(below, unit):
            source.note(
                "label-from-row",
                "warning",
                f"Column {number} is {label or 'not named'} in the header fields; it was taken as {below}, "
                "as the line of labels says.",
            )
            label = below
        elif not label:
            label = f"col{number}"
            source.note("unnamed-column", "warning", f"Column {number} has no name.")
        labels.append(ColumnLabel(label, unit))
    return labels


def _fits(label: str, unit: str) -> bool:
    """Whether a label of the vocabulary goes with the unit that the header states."""
    name = _xas.column_name(label)
    if name != "energy" or not unit:
        return name is not None
    try:
        return conversion(unit)[0] == "eV"
    except UnsupportedContent:
        return False


def _measurement(group: str, part: Part, labels: list[ColumnLabel], header: Header) -> Measurement:
    names = [_name(number, column.label, header) for number, column in enumerate(labels, start=1)]
    axis = "energy" if "energy" in names else "angle"
    if axis not in names:
        raise UnsupportedContent(
            f"there is no energy axis among the columns {[column.label for column in labels]}",
            expected="a column `energy` in eV or keV, or `angle`",
            remedy="name it in the header, for example `# Column.1: energy eV`",
        )
    scan = _xas.Scan(xr.Variable(("energy",), np.empty(0)), {}, mode=_mode(header))
    table = _whole_rows(part, labels, names, scan)
    position = names.index(axis)
    scan.energy = _energy(scan, header, labels[position], table[:, position])
    unmapped, inferred = [], []
    for index, (name, column) in enumerate(zip(names, labels, strict=True)):
        if index == position:
            continue
        if name is None or name in scan.columns or name in ("energy", "angle"):
            unmapped.append(column.label)
            continue
        is_current = name in _xas.CURRENTS
        scan.columns[name] = (
            _xas.current(table[:, index], column.unit) if is_current else xr.Variable(("energy",), table[:, index])
        )
        if not is_current:
            scan.columns[name].attrs["derivation"] = f"column {column.label}"
        if not _xas.is_standard(column.label) or name != _xas.column_name(column.label):
            inferred.append(f"{column.label} as {name}")
    if unmapped:
        scan.note("unmapped-columns", "warning", f"These columns were left out: {', '.join(unmapped)}.")
    if inferred:
        scan.note("inferred-columns", "info", f"Columns were taken by their usual meaning: {', '.join(inferred)}.")
    attrs = _attrs(header)
    if part.outer is not None:
        attrs |= {"outer_name": header.fields.get("outer.name"), "outer_value": part.outer}
    return Measurement(group, _xas.dataset(scan, attrs), scan.findings)


def _name(number: int, label: str, header: Header) -> str | None:
    """Return the vocabulary's name of a column; a yield that is already divided by i0 is an absorption."""
    name = _xas.column_name(label)
    described = header.fields.get(f"describe.column.{number}", "")
    if name == "ifluor" and re.search(r"normali[sz]ed by i0", described, re.IGNORECASE):
        return "mu_fluorescence"
    return name


def _whole_rows(part: Part, labels: list[ColumnLabel], names: list[str | None], scan: _xas.Scan) -> Floats:
    """Return the table without the rows that an aborted scan never reached."""
    table = np.array(part.rows, dtype=float)
    measured = [
        index
        for index, (name, column) in enumerate(zip(names, labels, strict=True))
        if name not in ("energy", "angle") and "time" not in column.label.lower()
    ]
    values = table[:, measured]
    reached = np.flatnonzero((np.isfinite(values) & (values != 0)).any(axis=1))
    stop = int(reached[-1]) + 1 if reached.size else 0
    if stop == 0:
        raise TruncatedFile(
            "no row holds a measured value", line=part.lines[0], expected="numbers other than 0 and NaN"
        )
    if stop < len(table):
        scan.note(
            "aborted-scan",
            "warning",
            f"Lines {part.lines[stop]} to {part.lines[-1]} hold only 0, infinity and NaN, as an aborted scan leaves; "
            f"{stop} of {len(table)} rows were kept.",
        )
    table = table[:stop]
    wrong = np.argwhere(~np.isfinite(table))
    if wrong.size:
        row, column = wrong[0]
        raise CorruptFile(
            f"column {column + 1} ({labels[column].label}) holds {table[row, column]}",
            line=part.lines[row],
            expected="finite numbers",
            remedy="repair or delete the row",
        )
    return table


def _energy(scan: _xas.Scan, header: Header, column: ColumnLabel, values: Floats) -> xr.Variable:
    if _xas.column_name(column.label) == "energy":
        return _xas.energy_axis(values, column.unit)
    spacing = d_spacing(header)
    if spacing is None:
        crystal = _CRYSTAL.search(header.fields.get("mono.name", ""))
        if crystal is None or not any(map(int, crystal.groups()[1:])):
            raise UnsupportedContent(
                "the axis is the monochromator's angle and its lattice spacing is not known",
                expected="`# Mono.d_spacing: 3.1356`",
                remedy="add the field with the spacing in angstrom",
            )
        spacing = round(_LATTICE[crystal[1]] / sum(int(index) ** 2 for index in crystal.groups()[1:]) ** 0.5, 5)
        scan.note(
            "inferred-d-spacing",
            "warning",
            f"Mono.d_spacing is missing; {spacing} angstrom was taken from the crystal {crystal[0]!r}, "
            "so the energy scale may be off by some eV.",
        )
    return _xas.energy_from_angle(values, column.unit, spacing)


def _mode(header: Header) -> str | None:
    """Return how the sample was measured, where the file says so."""
    stated = " ".join(header.fields.get(tag, "") for tag in ("scan.mode", "detector.mode", "sample.mode")).lower()
    for word, mode in (("trans", "transmission"), ("fluo", "fluorescence"), ("yield", "electron yield")):
        if word in stated:
            return mode
    return None


def _attrs(header: Header) -> dict[str, Any]:
    attrs: dict[str, Any] = {name: header.fields.get(tag) for name, tag in _ATTRS.items()}
    attrs["mono_d_spacing"] = d_spacing(header)
    attrs["instrument"] = " ".join(filter(None, (attrs["facility"], attrs["beamline"]))) or None
    attrs["original_metadata"] = json.dumps(
        {
            "version": header.version,
            "applications": header.applications,
            "fields": header.original,
            "comments": header.comments,
        },
        ensure_ascii=False,
    )
    return attrs
