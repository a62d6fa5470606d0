"""Neware BTSDA text exports (.csv) with three tables woven into one: cycles, steps and records.

Three header rows name the columns of a cycle, of a step (indented by one empty field) and of a record (indented by
two). A row of a cycle is followed by its steps, a row of a step by its records; the first step of a test stands in the
row of its cycle. The rows of records become one table with the numbers of their cycle and step and the kind of the
step beside them, which is read like any flat table. The capacity of a record starts anew with each step and has no
sign; it counts as charge or discharge by the kind of its step.

Checked on corpus/cycling/cellpy/nw_regular_export_ife_example.csv.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ._columns import fold, split_unit
from ._cycling_checks import compare_counters
from ._dialect import split
from ._lines import Lines
from ._source import Measurement, Source
from ._table import Block, Column, Table, original_metadata, read_table
from ._text import Text
from ._texts import Texts
from .delimited_cycling import WANTED, table_measurements
from .errors import CorruptFile, TruncatedFile, UnsupportedContent

_HEADERS = 3
_DIFFERENCE = 0.005
_DIRECTIONS = {"chg": 1, "dchg": -1, "charge": 1, "discharge": -1}
CAPACITY = Column(("Capacity", "Cap."), "capacity", "A h")
STEP_FIELDS = ("stepindex", "stepnumber", "steptype")
"""Folded names of the columns of a step that are needed."""


@dataclass(frozen=True)
class Steps:
    """The rows of steps.

    Parameters
    ----------
    rows : numpy.ndarray
        Line of each, counted from 0, ascending, shape (steps,).
    cycle, number : numpy.ndarray
        Number of its cycle, and of the step in the test.
    kind : tuple of str
        Its kind as Neware names it, for example ``CC Chg``.
    """

    rows: NDArray[np.int64]
    cycle: NDArray[np.int64]
    number: NDArray[np.int64]
    kind: tuple[str, ...]


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record.

    Raises
    ------
    UnsupportedContent
        If the header rows lack the number or the kind of a step, or the time, voltage or current of a record.
    CorruptFile
        If numbers of cycles or steps are none.
    TruncatedFile
        If there is no record.
    """
    text = source.text
    mark = text.lines[min(_HEADERS, len(text.lines)) - 1][:1]
    if mark not in (",", ";", "\t") or len(text.lines) < _HEADERS:
        raise UnsupportedContent("there are no three header rows", expected="those of cycles, steps and records")
    lines = Lines.of(text.lines)
    record = _indented(lines, mark)
    steps = _steps(lines, np.flatnonzero(~record)[_HEADERS:], mark)
    if early := int(np.count_nonzero(record[: steps.rows[0]])):
        source.note("damaged-rows", "warning", f"{early} records before the first step were left out.")
        record[: steps.rows[0]] = False
    table = _woven(_records(source, lines, record, mark), steps)
    metadata = original_metadata(text, Block(_HEADERS - 1, None, _HEADERS, len(text.lines), mark), table)
    for measurement in table_measurements(table, source, metadata):
        if measurement.group == "cycling":
            _check(measurement)
        yield measurement


def _indented(lines: Lines, mark: str) -> NDArray[np.bool_]:
    """Return which lines are records: those that two empty fields indent."""
    starts = np.concatenate([[0], lines.stops[:-1] + 1])
    record = lines.stops - starts > 1
    for place in (0, 1):
        record[record] = lines.bytes[starts[record] + place] == ord(mark)
    record[:_HEADERS] = False
    return np.asarray(record)


def _steps(lines: Sequence[str], rows: NDArray[np.int64], mark: str) -> Steps:
    """Return the steps among the rows that are no records, each with the number of the cycle that it follows."""
    width = len(split(lines[0], mark))
    names = [fold(split_unit(name)[0]) for name in split(lines[1], mark)[1:]]
    if missing := [name for name in STEP_FIELDS if name not in names]:
        raise UnsupportedContent(f"the header of the steps lacks {missing}", line=2, expected=f"{STEP_FIELDS}")
    number_at, kind_at = names.index("stepnumber"), names.index("steptype")
    found: list[tuple[int, int, int, str]] = []
    cycle = 0
    for row in map(int, rows):
        if not lines[row].strip(" \t,;"):
            continue
        fields = split(lines[row], mark)
        if fields[0]:
            cycle = _whole(fields[0], row)
            fields = fields[width:]
        else:
            fields = fields[1:]
        if len(fields) > kind_at:
            found.append((row, cycle, _whole(fields[number_at], row), fields[kind_at].strip()))
    if not found:
        raise TruncatedFile("there is no row of a step", line=_HEADERS + 1, expected="steps before their records")
    at, cycles, numbers, kinds = zip(*found, strict=True)
    return Steps(np.array(at, dtype=np.int64), np.array(cycles), np.array(numbers), kinds)


def _whole(field: str, row: int) -> int:
    try:
        number = int(field)
    except ValueError:
        number = -1
    if not 0 <= number < 2**31:
        raise CorruptFile(f"the number of a cycle or step is {field!r}", line=row + 1, expected="a whole number")
    return number


def _records(source: Source, lines: Lines, record: NDArray[np.bool_], mark: str) -> Table:
    """Return the rows of records as a table; the others are blank in it, so that lines keep their numbers."""
    rows = np.flatnonzero(record)
    if not len(rows):
        raise TruncatedFile("there is no record", line=_HEADERS + 1)
    text = source.text
    whole = text.complete or rows[-1] != len(lines) - 1
    record[_HEADERS - 1] = True
    block = Block(_HEADERS - 1, None, int(rows[0]), int(rows[-1]) + 1, mark)
    records = Text(lines.blanked(~record), text.encoding, whole)
    table, findings = read_table(records, block, wanted=(*WANTED, CAPACITY), limits=source.limits)
    source.findings.extend(findings)
    return table


def _woven(table: Table, steps: Steps) -> Table:
    """Return the table of records with columns for their cycle, their step, its kind and the counters by direction."""
    at = np.searchsorted(steps.rows, table.line_numbers - 1) - 1
    added: dict[str, NDArray[np.generic]] = {"Cycle Index": steps.cycle[at], "Step Number": steps.number[at]}
    units = ["", ""]
    position = table.index(CAPACITY)
    if position is not None:
        capacity, _ = table.parse(position)
        direction = np.array([_direction(kind) for kind in steps.kind])[at]
        added["Chg. Cap."] = np.where(direction > 0, capacity, 0.0)
        added["DChg. Cap."] = np.where(direction < 0, capacity, 0.0)
        units += [table.units[position]] * 2
    first = len(table.header)
    frame = table.frame.copy(deep=False)
    for position, values in enumerate(added.values(), first):
        frame[position] = values
    header, kinds = (*table.header, *added, "Step Type"), {first + len(added): Texts.of(steps.kind).take(at)}
    return replace(table, header=header, units=(*table.units, *units, ""), frame=frame, words=kinds)


def _direction(kind: str) -> int:
    """Return 1 for the kind of a charge, -1 for that of a discharge, 0 for a rest."""
    return next((_DIRECTIONS[word] for word in kind.lower().replace("_", " ").split() if word in _DIRECTIONS), 0)


def _check(measurement: Measurement) -> None:
    """Hold the integral of the current within each step against its counter."""
    dataset = measurement.dataset
    if {"current", "vendor_step"} <= set(map(str, dataset.variables)):
        record = {str(name): variable.values for name, variable in dataset.variables.items()}
        known = {finding.code for finding in measurement.findings}
        findings = compare_counters(record, within=record["vendor_step"], tolerance=_DIFFERENCE)
        measurement.findings += [finding for finding in findings if finding.code not in known]
