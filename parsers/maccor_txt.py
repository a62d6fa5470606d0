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
from ._maccor_current import directions, directions_from_voltage, one_sided, signed
from ._maccor_times import test_times
from ._source import Measurement, Source
from ._table import Column, Table, find_block, fold, original_metadata, read_table
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
    Column(("Temp 1", "EVTemp", "Temperature"), "temperature", "degC"),
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
    text = _without_last_tab(source.text)
    names, delimiter = _names(text)
    block = find_block(text.lines, start=names, delimiter=delimiter)
    if block.header != names:
        raise CorruptFile("the names of the columns do not fit the rows", line=names + 1, expected="one name per field")
    table, findings = read_table(text, block, limits=source.limits)
    source.findings.extend(findings)
    columns, findings = table.gather(RECORD)
    source.findings.extend(findings)
    record = _record(columns, table, source)
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


def _without_last_tab(text: Text) -> Text:
    """Return the text without the tab that ends every row but the header, and not always the last."""
    tabs = text.lines[_names(text)[0]].count("\t")
    return replace(text, lines=[line.removesuffix("\t") if line.count("\t") > tabs else line for line in text.lines])


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
    if "temperature" not in record and (thermocouple := _thermocouple(table)) is not None:
        record["temperature"] = thermocouple
    if "temperature" in record and np.any(record["temperature"] < _NO_SENSOR):
        del record["temperature"]
        source.note("placeholder-setting", "info", "The temperature lies below -273.15 degC: no sensor; left out.")
    return record


def _thermocouple(table: Table) -> NDArray[np.float64] | None:
    """Return the first auxiliary channel in degrees Celsius that has a sensor; its unit stands in the column after."""
    folded = [fold(name) for name in table.header]
    for at, (name, after) in enumerate(pairwise(folded)):
        if not name.startswith("aux#") or after != "units":
            continue
        values, wrong = table.parse(at)
        connected = not wrong.any() and np.nanmin(values, initial=np.inf) > _NO_SENSOR
        if connected and {unit.strip() for unit in table.texts(at + 1)} == {"C"}:
            return values
    return None


def _note_unmapped(table: Table, source: Source) -> None:
    left_out = [name for name in table.unmapped((*RECORD, STATE, CLOCK, TEST_TIME)) if fold(name) not in NOTED]
    if left_out:
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(left_out)}.")
