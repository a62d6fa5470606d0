"""Maccor text exports: a short header, then one row per record with the state of the channel as a letter.

The current is a magnitude; ``State`` or ``Md`` gives its direction: C charge, D discharge, and R, P, S, O for a channel
that rests, pauses, is suspended or at open circuit. Without that column the direction of each step follows from the
voltage, and is said to be inferred. One counter of capacity and one of energy serve both directions; they run on while
one direction lasts, from constant current into constant voltage, and start anew with the other.

The test time is a number in the unit that the header names, a duration such as ``1d 10:09:35.47``, or a number without
unit, which the dates of the rows or the counter of capacity decide. ``DPt Time`` is a date, whose day and month are
told apart by the test time or the header, or a time of day, whose day follows from the header and the test time.

Checked on corpus/cycling: cellpy, PyProBE, battery-data-toolkit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._cycling_record import measurement, step_types
from ._dialect import is_number, split
from ._lines import Lines
from ._maccor_current import directions, directions_from_voltage, one_sided, signed
from ._maccor_times import test_times
from ._marks import Marks
from ._source import Measurement, Source
from ._table import Column, Table, find_block, fold, next_block, original_metadata, read_table
from ._text import Text
from .errors import CorruptFile, TruncatedFile

STATE = Column(("State", "Md"), "step_type")
CLOCK = Column("DPt Time", "time")
TEST_TIME = Column(("TestTime", "Test Time", "Test"), "test_time", "s")
RECORD = (
    Column(("Volts", "Voltage"), "voltage", "V", required=True),
    Column(("Amps", "Current"), "current", "A", required=True),
    Column(("Amp-hr", "Cap.", "Capacity"), "capacity", "A h"),
    Column(("Watt-hr", "Ener.", "Energy"), "energy", "W h"),
    Column(("Cyc#", "Cycle P", "Cycle C", "Cycle"), "vendor_cycle"),
    Column("Step", "vendor_step"),
    Column(("Temp 1", "EVTemp", "Temperature", "Temperature Cell"), "temperature", "degC"),
)
NOTED = ("rec", "rec#", "steptime", "es", "units", "dcir", "acimp")
"""Columns of the row and of the step's end, which are left out without remark."""

_OFF = dict.fromkeys("rpso", "rest")
_NAMES = re.compile(r"\s*\"?Rec#?\"?\s*([\t,;])", re.IGNORECASE)
_NO_SENSOR = -273.15


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record of the file.

    Raises
    ------
    UnsupportedContent
        If voltage, current or time are missing.
    AmbiguousContent
        If the unit of the test time is neither named nor told by dates or counters.
    CorruptFile
        If columns that are needed hold no numbers.
    TruncatedFile
        If the file ends before its first row.
    """
    names, delimiter = _names(source.text)
    text = _without_last_tab(source.text, names)
    block = find_block(text.lines, start=names, delimiter=delimiter)
    if block.header != names:
        raise CorruptFile("the names of the columns do not fit the rows", line=names + 1, expected="one name per field")
    wanted = (*RECORD, STATE, CLOCK, TEST_TIME)
    table, findings = read_table(text, block, wanted=wanted, limits=source.limits)
    source.findings.extend(findings)
    if not table.header[0]:
        raise CorruptFile("the rows have more fields than there are names", line=names + 1, expected="one per name")
    if further := next_block(text.lines, block):
        source.note(
            "left-out-table", "warning", f"What follows the table from line {further.start + 1} on was left out."
        )
    columns, findings = table.gather(RECORD)
    source.findings.extend(findings)
    record = _record(columns, table, source)
    if "temperature" not in record and (thermocouple := _thermocouple(table, text)) is not None:
        record["temperature"] = thermocouple
    moments = test_times(table, TEST_TIME, CLOCK, text.lines[:names], columns, source)
    _note_unmapped(table, source)
    attrs = {
        "instrument": "Maccor",
        "start_time": moments.start,
        "original_metadata": original_metadata(text, block, table),
    }
    yield measurement(record, moments, attrs)


def _names(text: Text) -> tuple[int, str]:
    """Return the line with the names of the columns, and what separates them."""
    for row, line in enumerate(text.lines):
        if found := _NAMES.match(line):
            return row, found[1]
    raise TruncatedFile("the names of the columns are missing", line=len(text.lines), expected="a line from Rec# on")


def _without_last_tab(text: Text, names: int) -> Text:
    """Return the text without the tab that ends every row but the header, and not always the last."""
    lines = Lines.of(text.lines)
    marks = Marks(lines, "\t", names, len(lines))
    ends = lines.stops[names:][marks.widths > marks.widths[0]] - 1
    ends = ends[lines.bytes[ends] == ord("\t")]
    return text if not len(ends) else replace(text, lines=Lines(np.delete(lines.bytes, ends).tobytes(), lines.encoding))


def _record(columns: dict[str, NDArray[np.float64]], table: Table, source: Source) -> dict[str, NDArray[Any]]:
    """Return the columns with a signed current and a counter for each direction."""
    magnitude, voltage = columns["current"], columns["voltage"]
    names = {"voltage", "vendor_cycle", "vendor_step", "temperature"}
    record: dict[str, NDArray[Any]] = {name: values for name, values in columns.items() if name in names}
    at = table.index(STATE)
    if at is None:
        steps = columns.get("vendor_step", np.zeros(len(magnitude)))
        way = directions_from_voltage(magnitude, voltage, steps, source)
    else:
        way = directions(table.texts(at), source)
    record["current"] = signed(magnitude, way, source)
    for kind in ("capacity", "energy"):
        if kind in columns:
            for name, direction in (("charge", 1), ("discharge", -1)):
                record[f"vendor_{kind}_{name}"] = one_sided(columns[kind], way, direction)
    if (kinds := step_types(table, STATE, _OFF)) is not None:
        record["step_type"] = kinds
    if "temperature" in record and np.any(record["temperature"] < _NO_SENSOR):
        del record["temperature"]
        source.note("placeholder-setting", "info", "The temperature lies below -273.15 degC: no sensor; left out.")
    return record


def _thermocouple(table: Table, text: Text) -> NDArray[np.float64] | None:
    """Return the first auxiliary channel in degrees Celsius that has a sensor; its unit stands in the column after."""
    first = split(text.lines[table.line - 1], table.dialect.delimiter)
    folded = [fold(name) for name in table.header]
    for at, (name, after) in enumerate(pairwise(folded)):
        if not name.startswith("aux#") or after != "units":
            continue
        if _is_below_zero(first[at]) or set(table.texts(at + 1).words()[0]) != {"C"}:
            continue
        values, wrong = table.parse(at)
        if not wrong.any() and np.nanmin(values, initial=np.inf) > _NO_SENSOR:
            return values
    return None


def _is_below_zero(text: str) -> bool:
    """Whether a temperature lies below absolute zero, as that of a channel without sensor."""
    return is_number(text) and float(text.replace(",", ".")) <= _NO_SENSOR


def _note_unmapped(table: Table, source: Source) -> None:
    left_out = [name for name in table.unmapped((*RECORD, STATE, CLOCK, TEST_TIME)) if fold(name) not in NOTED]
    if left_out:
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(left_out)}.")
