"""EDS line scans in delimited text, as Velox, AZtec and ESPRIT export them: a distance and a column for each line.

The first column that is called distance or position gives the place, in its unit; columns that are called after an
element, with or without an X-ray line (``Co K``, ``S Ka1``, ``Fe``), give its signal. Whole numbers without a unit are
counts. Anything else, such as a concentration in per cent, is taken as a number of unit 1 with a finding, since
counting statistics do not hold for it.

Checked on corpus/tem/synthetic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._columns import Column
from ._image import Axis, coordinate, metadata_json, steps
from ._source import Measurement, Source
from ._table import Table, find_block, read_table
from .errors import CorruptFile, UnsupportedContent
from .findings import Finding

DISTANCE = Column(("Distance", "Position", "Line Position", "Dist", "Abstand", "Scan Position"), "distance", "", True)
"""Column of the place along the line."""

ELEMENTS = frozenset(
    re.findall(
        r"[A-Z][a-z]?",
        "LiBeBCNOFNaMgAlSiPSClArKCaScTiVCrMnFeCoNiCuZnGaGeAsSeBrKrRbSrYZrNbMoTcRuRhPdAgCdInSnSbTeIXeCsBaLaCePrNdSmEuGd"
        "TbDyHoErTmYbLuHfTaWReOsIrPtAuHgTlPbBiThU",
    )
)

_LINE = re.compile(r"([A-Z][a-z]?)(?:[\s_-]*([KLM])(?:[\s_-]*(alpha|beta|a|b|α|β)?[\s_-]*\d?)?)?(?:\s*series)?$")
_GREEK = {"alpha": "a", "beta": "b", "α": "a", "β": "b", None: "", "a": "a", "b": "b"}
_COUNTS = ("", "count", "counts", "cts")
_EVEN = 1e-3
_CONCENTRATION = re.compile(r"\s*[(\[]([^)\]]*%[^)\]]*)[)\]]$")


def read(source: Source) -> Iterator[Measurement]:
    """Yield the line scan.

    Raises
    ------
    UnsupportedContent
        If there is no distance or no column that is certainly of an element.
    CorruptFile
        If fields are no numbers, or the distance does not go on.
    """
    text = source.text
    table, findings = read_table(text, find_block(text.lines), limits=source.limits)
    source.findings.extend(findings)
    plain = [_CONCENTRATION.sub("", header) for header in table.header]
    names = {place: name for place, header in enumerate(plain) if (name := line_name(header))}
    place = table.positions((DISTANCE,))[DISTANCE]
    if not any(len(name) > 1 for name in names.values()):  # a V, an I or a Y alone need not be an element
        raise UnsupportedContent(
            f"the columns {list(table.header)}",
            expected="one called after an element and its line: Co K",
            remedy="name the X-ray lines in the header",
        )
    distance, said = _distance(table, place)
    values = np.stack([table.numbers(column) for column in names], axis=1)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise CorruptFile("a field of an element is empty", line=table.line_of(row), expected="a number in every row")
    units = {table.units[column].casefold() for column in names}
    units |= {found[1] for column in names if (found := _CONCENTRATION.search(table.header[column]))}
    counted = units <= set(_COUNTS) and bool(np.all(values >= 0) and np.all(values == np.round(values)))
    if not counted:
        message = f"The columns hold no whole counts (units {sorted(units)}); counting statistics do not hold for them."
        said.append(Finding("not-counts", "warning", message))
    others = [header for column, header in enumerate(table.header) if column not in (*names, place) and header]
    if others:
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(others)}.")
    dataset = schema.build(
        "eds",
        {
            "distance": distance,
            "line": xr.Variable(("line",), list(names.values())),
            "counts": xr.Variable(("distance", "line"), values, {"units": "count" if counted else "1"}),
        },
        original_metadata=metadata_json({"header": list(text.lines[: table.line - 1])}),
    )
    yield Measurement("line_scan", dataset, said)


def line_name(header: str) -> str:
    """Return element and line of a column, "" for a column of something else.

    Examples
    --------
    >>> line_name("Co K"), line_name("S Kα1"), line_name("Fe"), line_name("Distance"), line_name("K K series")
    ('Co_K', 'S_Ka', 'Fe', '', 'K_K')
    """
    found = _LINE.match(header.strip())
    if found is None or found[1] not in ELEMENTS:
        return ""
    return f"{found[1]}_{found[2]}{_GREEK[found[3]]}" if found[2] else found[1]


def _distance(table: Table, place: int) -> tuple[xr.Variable, list[Finding]]:
    """Return the places, in nm where the column has a unit of length, else in pixels with a finding."""
    values: NDArray[np.float64] = table.numbers(place)
    if values.size < 2 or not np.all(np.diff(values) > 0):
        raise CorruptFile("the distance does not rise from row to row", line=table.line, expected="one line scan")
    common = float(np.median(np.diff(values)))
    uneven = np.flatnonzero(np.abs(np.diff(values) / common - 1.0) > _EVEN)
    axis = steps(Axis(common, float(values[0]), table.units[place]))
    said = []
    if uneven.size:
        line = table.line_of(int(uneven[0]) + 1)
        message = f"{uneven.size} steps of the distance differ from {common:g}, the first before line {line}."
        said.append(Finding("uneven-distance", "warning", message))
    if axis.unit == "pixel":
        said.append(Finding("uncalibrated", "warning", f"The distance is in pixels: {axis.reason}."))
        return xr.Variable(("distance",), np.arange(values.size, dtype=np.float64), {"units": "pixel"}), said
    if not uneven.size:
        mean = steps(Axis(float(np.mean(np.diff(values))), float(values[0]), table.units[place]))
        return coordinate("distance", mean, values.size), said
    return xr.Variable(("distance",), values * (axis.step / common), {"units": axis.unit}), said
