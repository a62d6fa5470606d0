"""Cycling records in delimited text: any separator and locale, columns known by their names.

What columns are called is in `interlayer.parsers._columns_cycling`: Battery Data Format, Battery Archive, Battery Data
Hub, flat exports of Arbin, Neware, Landt and Ivium, and plain tables. Formats whose columns mean something else than
their names say (Maccor's current without sign, nested Neware tables) are refused. The numbers have to bear out the
names: the sign of the current is held against the counters of charge and the voltage, its integral against the
counters, test time against the clock. Rows that hold points of a spectrum become measurements of their own.

Checked on corpus/cycling: battery-data-format, battery-data-toolkit, PyProBE (Arbin), cellpy (Neware, custom).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._bdf_metadata import beside
from ._columns import fold
from ._columns_cycling import CLOCK, PLAIN_TIME, RECORD, STEP_WORDS, TEST_TIME
from ._columns_eis import BESIDE, FREQUENCY, IMPEDANCE
from ._cycling_checks import compare_counters, orient_current, plausibility
from ._cycling_record import assemble, only_rests, step_types, timed_rows
from ._cycling_times import Times, times
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import spectrum_columns
from ._table import Column, Table, find_block, next_block, original_metadata, read_table
from ._vendor_text import vendor_of
from .errors import AmbiguousContent, UnsupportedContent
from .findings import Finding

Floats = NDArray[np.float64]

WANTED = (*RECORD, TEST_TIME, PLAIN_TIME, CLOCK, STEP_WORDS, *IMPEDANCE, *BESIDE)
"""All columns that are read."""

_UNLIKE, _DRIFT = 0.1, 0.005
"""Parts of its largest change, and of all charge passed, by which a net charge may depart from the integral."""
_FEW = 20
"""Rows of which each may be a step of its own."""


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record, and a measurement for each spectrum whose points lie among its rows.

    Raises
    ------
    UnsupportedContent
        If time or voltage are missing, the current has no sign, or the file is a vendor's own format.
    AmbiguousContent
        If the time restarts with each step, or unnamed units contradict the counters.
    CorruptFile
        If columns that are needed hold no numbers.
    """
    text = source.text
    block = find_block(text.lines)
    table, findings = read_table(text, block, wanted=WANTED, limits=source.limits)
    source.findings.extend(findings)
    vendor = vendor_of(text.lines, [fold(name) for name in table.header])
    if vendor:
        raise UnsupportedContent(f"the file is a {vendor} file", expected="a plain table of a cycling record")
    if further := next_block(text.lines, block):
        source.note("left-out-table", "warning", f"A second table, in line {further.start + 1}, was left out.")
    facts = beside(source)
    for measurement in table_measurements(table, source, original_metadata(text, block, table)):
        measurement.dataset.attrs.update(facts)
        yield measurement


def table_measurements(table: Table, source: Source, metadata: str) -> Iterator[Measurement]:
    """Yield the record of a table whose columns bear the names of `interlayer.parsers._columns_cycling`.

    Parameters
    ----------
    table : Table
        From `read_table`, or what a reader of a format with rules of its own made of one.
    source : Source
        Its file, for findings.
    metadata : str
        What becomes the attribute ``original_metadata``.
    """
    columns, findings = table.gather(RECORD)
    record: dict[str, NDArray[Any]] = dict(columns)
    source.findings.extend(findings)
    if "temperature" in record and not record["temperature"].any():
        del record["temperature"]
        source.note("placeholder-setting", "info", "The temperature is 0 in every row: no sensor; it was left out.")
    if "vendor_step" in record and _counts_rows(record["vendor_step"]):
        del record["vendor_step"]
        source.note("row-counter", "info", "The column of the step counts the rows within each step; it was left out.")
    moments = times(table, source)
    attrs = {"original_metadata": metadata, "start_time": moments.start}
    swept = _swept(table)
    known = (*RECORD, TEST_TIME, PLAIN_TIME, CLOCK, STEP_WORDS, *(IMPEDANCE + BESIDE if swept.any() else ()))
    _note_columns(table, known, source)
    kinds = step_types(table, STEP_WORDS)
    if kinds is not None:
        record["step_type"] = kinds
    if not swept.all():
        yield _cycling(record, moments, ~swept, table, attrs)
    if swept.any():
        points = spectrum_columns(table.where(swept), source) | {"test_time": moments.test_time[swept]}
        yield from spectra(points, attrs, source)


def _cycling(
    record: dict[str, NDArray[Any]], moments: Times, keep: NDArray[np.bool_], table: Table, attrs: dict[str, Any]
) -> Measurement:
    values, findings = timed_rows(record, moments, keep)
    if "current" in values:
        if not only_rests(values):
            values["current"], remarks = orient_current(values)
            findings += remarks + _counters(values, table)
        findings += _net_charge(values)
    else:
        findings.append(Finding("no-current", "warning", "The file has no column of the current."))
    findings += plausibility(values)
    return Measurement("cycling", assemble(values, attrs), findings)


def _net_charge(values: dict[str, Any]) -> list[Finding]:
    """Keep a net charge that is the integral of the current, and call any other one the cycler's own count."""
    if "charge" not in values:
        return []
    charge, current, time = values["charge"], values["current"], values["test_time"]
    interval = np.clip(np.diff(time), 0.0, None) / 3600.0
    valid = np.isfinite(charge)
    # Where rows lie far apart, the current of either end may be that of the interval, or their mean.
    for held in ((current[1:] + current[:-1]) / 2, current[1:], current[:-1]):
        course = np.concatenate([[0.0], np.nancumsum(held * interval)])
        departure = (charge - course)[valid]
        off = float(np.max(np.abs(departure - departure[:1]), initial=0.0))
        throughput = float(np.nansum(np.abs(held * interval)))
        if off <= _UNLIKE * float(np.ptp(course)) + _DRIFT * throughput:
            return []
    values["vendor_charge"] = values.pop("charge")
    message = (
        f"The net charge departs by {off:.4g} A h from the integral of the current, of {throughput:.4g} A h that "
        "were passed; it is kept as the cycler's count."
    )
    return [Finding("charge-contradicts-counter", "warning", message)]


def _counters(values: dict[str, Floats], table: Table) -> list[Finding]:
    findings = compare_counters(values)
    wrong = [finding for finding in findings if finding.severity == "error"]
    if wrong and _bare(table):
        raise AmbiguousContent(
            f"{wrong[0].message.rstrip('.')}, and the file names none for {', '.join(_bare(table))}",
            expected="units in the header",
            remedy="write the units into the header, for example 'Current (mA)'",
        )
    return findings


def _bare(table: Table) -> list[str]:
    """Return the columns with a dimension for which the file names no unit, with the unit assumed."""
    mapped = table.positions([*RECORD, *([TEST_TIME] if table.index(TEST_TIME) is not None else [PLAIN_TIME])])
    return [
        f"{table.header[at]} ({column.unit})"
        for column, at in mapped.items()
        if column.unit != "1" and not table.units[at] and table.is_numeric(at)
    ]


def _note_columns(table: Table, known: tuple[Column, ...], source: Source) -> None:
    if bare := _bare(table):
        source.note("assumed-units", "info", f"The file names no units; taken as {', '.join(bare)}.")
    if left_out := table.unmapped(known):
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(left_out)}.")


def _counts_rows(numbers: Floats) -> bool:
    """Whether numbers rise by one from row to row, as ``step_index`` of Battery Data Format does within a step."""
    return len(numbers) > _FEW and bool(np.mean(np.diff(numbers) == 1) > 0.5)


def _swept(table: Table) -> NDArray[np.bool_]:
    """Return which rows are points of a spectrum."""
    at = table.index(FREQUENCY)
    if at is None:
        return np.zeros(len(table.frame), dtype=bool)
    return np.asarray(table.parse(at)[0] > 0)
