"""What Arbin's database and its HDF5 export have in common: tests in one table, its columns, facts about the cell.

The rows of all tests of a file lie in one table, told apart by ``Test_ID`` and numbered by ``Data_Point``. Its columns
bear the names of Arbin's text exports. The counters of capacity and energy are kept as the cycler shows them: whether
they start again with a cycle or a step is up to the schedule, and some start anew in the rest that ends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._columns import fold
from ._columns_cycling import RECORD
from ._cycling_record import measurement
from ._cycling_times import Times
from ._groups import group_names
from ._source import Measurement, Source
from .errors import TruncatedFile, UnsupportedContent
from .findings import Finding
from .placeholders import ARBIN

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]

NEEDED = ("Test_Time", "Current", "Voltage")
IDENTIFIERS = ("Test_ID", "Data_Point", "Test_Time", "Step_Time")
"""Columns that are used, or can be told from others, beside those of the record."""

_FROM_SOFTWARE = {"active_mass": 1000.0, "nominal_capacity": 1.0}
"""Factors to mg and A h."""

_MAPPED = {fold(spelling): line.name for line in RECORD for spelling in line.spellings}
"""Folded name of a column -> variable of the vocabulary."""


@dataclass(frozen=True)
class About:
    """What a file says about one test.

    Parameters
    ----------
    label : str
        Its name, for the group.
    attrs : dict
        Attributes of the Dataset.
    cell : dict of str to float
        Facts of `interlayer.parsers.placeholders.ARBIN` in the unit of Arbin's software.
    original : dict
        Everything found, under the vendor's names.
    """

    label: str
    attrs: Mapping[str, str | float | None] = field(default_factory=dict)
    cell: Mapping[str, float] = field(default_factory=dict)
    original: Mapping[str, Any] = field(default_factory=dict)


def tests_of(
    columns: Mapping[str, Floats], clock: Dates | None, known: Mapping[int, About], source: Source
) -> Iterator[Measurement]:
    """Yield one measurement for each test.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray
        The table under Arbin's names, each of shape (rows,); NaN where there is no value.
    clock : numpy.ndarray of datetime64[ns], optional
        Date of each row.
    known : mapping of int to About
        The tests that the file tells of by their ``Test_ID``; if there are any, rows of others are left out.
    source : Source
        Takes the findings that concern the whole file.

    Raises
    ------
    UnsupportedContent
        If a column that is needed is missing.
    TruncatedFile
        If no row is left.
    """
    if lacking := [name for name in NEEDED if name not in columns]:
        raise UnsupportedContent(f"the table has no column {' or '.join(lacking)}", expected=f"one among {[*columns]}")
    record = {_MAPPED[fold(name)]: values for name, values in columns.items() if fold(name) in _MAPPED}
    _note_left_out(columns, source)
    tests = np.nan_to_num(columns.get("Test_ID", np.zeros(len(columns["Voltage"]))), nan=-1.0)
    if known and (strange := int(np.sum(~np.isin(tests, list(known))))):
        message = f"{strange} rows are of tests of which the file does not tell; they were left out."
        source.note("unknown-test", "warning", message)
    numbers = [int(number) for number in np.unique(tests) if not known or number in known]
    if not numbers:
        raise TruncatedFile("the file holds no row of a test", remedy="copy it again after the test has begun")
    about = [known.get(number, About(f"test_{number}")) for number in numbers]
    groups = group_names([test.label for test in about]) if len(numbers) > 1 else ["cycling"]
    for number, test, group in zip(numbers, about, groups, strict=True):
        rows, findings = _in_order(np.flatnonzero(tests == number), columns.get("Data_Point"))
        times = Times(columns["Test_Time"][rows], None if clock is None else clock[rows])
        attrs, remarks = _attrs(test, times)
        found = measurement({name: values[rows] for name, values in record.items()}, times, attrs)
        yield Measurement(group, found.dataset, findings + remarks + found.findings + _resets(found))


def _in_order(rows: NDArray[np.intp], points: Floats | None) -> tuple[NDArray[np.intp], list[Finding]]:
    """Return rows by their data point; of rows of the same point the first, since the others are left-overs."""
    if points is None:
        return rows, []
    findings = []
    order = np.argsort(points[rows], kind="stable")
    if np.any(np.diff(order) < 0):
        message = "The rows do not lie in the order of their data points; they were sorted."
        findings.append(Finding("rows-sorted", "info", message))
    rows = rows[order]
    steps = np.diff(points[rows])
    if again := int(np.sum(steps == 0)):
        message = f"{again} rows bear the data point of another; the first of each was kept."
        findings.append(Finding("repeated-points", "error", message))
        rows = rows[np.concatenate([[True], steps != 0])]
        steps = np.diff(points[rows])
    if gaps := int(np.sum(steps > 1)):
        missing = int(np.nansum(steps[steps > 1] - 1))
        first = points[rows][int(np.argmax(steps > 1))]
        message = f"{missing} data points are missing in {gaps} places, first after point {first:.0f}."
        findings.append(Finding("missing-rows", "warning", message))
    return rows, findings


def _attrs(test: About, times: Times) -> tuple[dict[str, Any], list[Finding]]:
    attrs: dict[str, Any] = {"instrument": "Arbin", "start_time": times.start} | dict(test.attrs)
    unset = []
    for name, value in test.cell.items():
        if value in ARBIN[name] or not 0 < value < np.inf:
            unset.append(f"{name.replace('_', ' ')} {value:.6g}")
        else:
            # Seven digits are all that a 32-bit float has.
            attrs[name] = float(f"{value * _FROM_SOFTWARE[name]:.7g}")
    if test.original:
        attrs["original_metadata"] = json.dumps(dict(test.original), ensure_ascii=False)
    if not unset:
        return attrs, []
    message = f"Not set by the operator, and left out: {', '.join(unset)}."
    return attrs, [Finding("placeholder-setting", "info", message)]


def _resets(found: Measurement) -> list[Finding]:
    """Note counters that the cycler has set back, so that nobody takes their last value for the whole charge."""
    names = [f"vendor_{kind}" for kind in ("capacity_charge", "capacity_discharge")]
    counters = [found.dataset[name].values for name in names if name in found.dataset]
    back = [np.flatnonzero(np.diff(counter) < 0) + 1 for counter in counters]
    rows = np.unique(np.concatenate(back)) if back else np.empty(0, dtype=np.intp)
    if not len(rows):
        return []
    first = found.dataset["test_time"].values[rows[0]]
    message = f"The cycler set its counters of capacity back {len(rows)} times, first at {first:.6g} s."
    return [Finding("counter-reset", "info", message)]


def _note_left_out(columns: Mapping[str, Floats], source: Source) -> None:
    left_out = [
        name
        for name, values in columns.items()
        if fold(name) not in _MAPPED and name not in IDENTIFIERS and np.any(np.nan_to_num(values))
    ]
    if left_out:
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(left_out)}.")
