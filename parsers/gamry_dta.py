"""Gamry Framework data files (.DTA): tab-separated tables under an EXPLAIN header.

A file opens with the line ``EXPLAIN``; experiment settings follow as ``TAG<tab>TYPE<tab>VALUE...<tab>description`` and
each curve as a ``NAME<tab>TABLE[<tab>rows]`` line with, all indented by one tab, a row of names, a row of units and
the data. Decimal mark and encoding follow the PC's locale. ``ZCURVE`` holds a spectrum, with drift correction a second
one in columns of its own; ``OCVCURVE`` the open-circuit voltage before it; ``CURVE``, ``CURVE1``... records of voltage
and current; ``CAPACITYCURVE`` a row for each charge (type 0) and discharge (type 1) of a cyclic test, whose records lie
in files of their own. An aborted experiment bears ``EXPERIMENTABORTED`` and the rows measured until then.

Placeholders of the software are left out: an area of 1 cm2 and a temperature of -327.6 degC (no sensor).
Source for tests of batteries (PWR800), of which the corpus has no file: gamry-parser, tests/data/ccd_data.dta and
ccd_charge_data.dta.
Checked on corpus/eis: impedance.py, pyimpspec (decimal comma, drift correction), hybrid-drt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._cycling_checks import orient_current
from ._dates import dates
from ._impedance_polar import compare_polar, from_polar
from ._source import Measurement, Source
from ._spectrum import spectra
from ._table import Block, Column, Table, read_table
from ._text import Text
from .errors import CorruptFile, ParseError, TruncatedFile
from .findings import Finding

SPECTRUM = (
    Column("Freq", "frequency", "Hz", required=True),
    Column("Zreal", "real", "ohm", required=True),
    Column("Zimag", "imaginary", "ohm", required=True),
    Column("Zmod", "modulus", "ohm"),
    Column("Zphz", "phase", "degree"),
    Column("Time", "test_time", "s"),
    Column("Idc", "dc_current", "A"),
    Column("Vdc", "dc_potential", "V"),
    Column("Temp", "temperature", "degC"),
)
CORRECTED = tuple(
    Column(f"{column.vendor}DrCor", column.name, column.unit, column.required) for column in SPECTRUM[1:5]
)
RECORD = (
    Column(("T", "Time"), "test_time", "s", required=True),
    Column("Vf", "voltage", "V", required=True),
    Column(("Im", "I"), "current", "A"),
    Column("Cycle", "vendor_cycle"),
    Column("Temp", "temperature", "degC"),
)
CAPACITY = (
    Column("Time", "end", "s", required=True),
    Column("Duration", "duration", "s", required=True),
    Column("Type", "type", required=True),
    Column("Cycle", "cycle", required=True),
    Column("Charge", "capacity", "C", required=True),
)
NOTED = ("Pt", "Zsig", "IERange", "Sig", "Over", "Vm", "Vu", "Ach")
"""Columns of the instrument's state, which are left out without remark."""

_GROUPS = {"ZCURVE": "eis", "OCVCURVE": "open_circuit", "CAPACITYCURVE": "half_cycles"}
_CURVE = re.compile(r"CURVE\d*$")
_AMPLITUDES = {"VAC": ("voltage_amplitude", "V"), "IAC": ("current_amplitude", "A")}
_WAYS = {0: 1, 1: -1}
"""Direction of a step of a cyclic test, by its type."""

_REST = ("OCVCURVE", "PWR800_READVOLTAGE")
_FRACTIONS = {"m": 1e-3, "u": 1e-6, "n": 1e-9, "": 1.0}
_DEFAULT_AREA = 1.0
_NO_SENSOR = -273.15


@dataclass(frozen=True)
class Curve:
    """One table: its name, the number of rows that its line promises, and where it lies."""

    name: str
    promised: int | None
    block: Block


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each ZCURVE, its drift-corrected twin, OCVCURVE, CURVE and CAPACITYCURVE.

    Raises
    ------
    TruncatedFile
        If no table holds a row.
    CorruptFile
        If the columns of a spectrum contradict each other.
    """
    text = source.text
    settings, curves = _outline(text)
    if not curves:
        raise TruncatedFile("the file holds no table", line=len(text.lines), expected="ZCURVE, OCVCURVE or CURVE")
    tables = [(curve, table) for curve in curves if (table := _table(text, curve, source)) is not None]
    decimal = "," if any(table.dialect.decimal == "," for _, table in tables) else "."
    facts = _facts(settings, decimal, source)
    if "EIS" in _value(settings, "TAG") and not any(curve.name == "ZCURVE" for curve, _ in tables):
        source.note("missing-table", "warning", "The experiment is an impedance spectrum, but no ZCURVE holds a row.")
    taken: dict[str, int] = {}
    failure: ParseError | None = None
    for curve, table in tables:
        try:
            found = list(_measurements(curve, table, facts, source))
        except ParseError as error:
            failure = error
            source.note("unread-table", "error", f"The table {curve.name} was left out: {error}")
            continue
        for measurement in found:
            again = taken[measurement.group] = taken.get(measurement.group, 0) + 1
            measurement.group += f"_{again}" if again > 1 else ""
            yield measurement
    if failure is not None and not taken:
        raise failure


def _outline(text: Text) -> tuple[dict[str, list[str]], list[Curve]]:
    """Return the settings by tag, and the tables."""
    settings: dict[str, list[str]] = {}
    curves: list[Curve] = []
    lines = text.lines
    index = 1
    while index < len(lines):
        fields = lines[index].rstrip().split("\t")
        index += 1
        if len(fields) > 1 and fields[1] == "TABLE":
            stop = _indented(lines, index)
            promised = int(fields[2]) if len(fields) > 2 and fields[2].isdecimal() else None
            curves.append(Curve(fields[0], promised, Block(index, index + 1, index + 2, stop, "\t")))
            index = stop
        elif len(fields) > 2 and fields[1] == "NOTES":
            stop = _indented(lines, index)
            settings[fields[0]] = ["NOTES", "\n".join(line.strip() for line in lines[index:stop]).strip()]
            index = stop
        elif fields[0] and len(fields) > 1:
            settings[fields[0]] = fields[1:]
    return settings, curves


def _indented(lines: Sequence[str], start: int) -> int:
    return next((row for row in range(start, len(lines)) if not lines[row].startswith("\t")), len(lines))


def _table(text: Text, curve: Curve, source: Source) -> Table | None:
    """Return the table of a curve, or None with a finding."""
    block = curve.block
    if not (curve.name in _GROUPS or _CURVE.match(curve.name)):
        source.note("left-out-table", "info", f"The table {curve.name} is no measurement of its own; it was left out.")
        return None
    if block.start >= block.stop:
        source.note("empty-table", "warning", f"The table {curve.name} in line {block.header} holds no rows.")
        return None
    table, findings = read_table(text, block, limits=source.limits)
    source.findings.extend(findings)
    if curve.promised is not None and len(table.frame) < curve.promised:
        message = f"The table {curve.name} holds {len(table.frame)} of {curve.promised} rows."
        source.note("missing-rows", "warning", message)
    return table


def _measurements(curve: Curve, table: Table, facts: dict[str, Any], source: Source) -> Iterator[Measurement]:
    if curve.name == "ZCURVE":
        taken, findings = table.gather(SPECTRUM)
        corrected = any(table.index(column) is not None for column in CORRECTED)
        known = (*SPECTRUM, *CORRECTED)
        _note_unmapped(table, known, source)
        source.findings.extend(findings)
        _drop_missing_sensor(taken, source)
        beside = {name: values for name, values in taken.items() if name in schema.TECHNIQUES["eis"]}
        yield from spectra(beside | {"impedance": _impedance(taken, source)}, facts, source)
        if corrected:
            twin, findings = table.gather(CORRECTED)
            source.findings.extend(findings)
            columns = beside | {"impedance": _impedance(twin, source)}
            yield from spectra(columns, facts, source, group="eis_drift_corrected")
        return
    attrs = {name: value for name, value in facts.items() if name not in schema.TECHNIQUES["eis"]}
    if curve.name == "CAPACITYCURVE":
        yield _half_cycles(table, attrs)
        return
    taken, findings = table.gather(RECORD)
    _note_unmapped(table, RECORD, source)
    _drop_missing_sensor(taken, source)
    group = _GROUPS.get(curve.name, curve.name.lower())
    rests = curve.name in _REST or facts["vendor_technique"] in _REST
    if str(facts["vendor_technique"]).startswith("PWR800") and "current" in taken:
        taken["current"], remarks = orient_current(taken)
        findings += remarks
    yield Measurement(group, _record(taken, rests, attrs, findings), findings)


def _half_cycles(table: Table, attrs: dict[str, Any]) -> Measurement:
    """Return the table with a row for each charge and discharge, without the rows of another type."""
    taken = table.take(CAPACITY)
    way = np.array([_WAYS.get(kind, 0) for kind in taken["type"]], dtype=np.int8)
    known = way != 0
    if not known.any():
        raise CorruptFile("no row is of type 0 or 1", line=table.line, expected="charges and discharges")
    findings = []
    if not known.all():
        message = f"{np.count_nonzero(~known)} rows are neither charge nor discharge; they were left out."
        findings.append(Finding("incomplete-rows", "warning", message))
    values = {
        "half_cycle": np.arange(1, np.count_nonzero(known) + 1),
        "cycle": xr.Variable("half_cycle", taken["cycle"][known].astype(np.int32)),
        "direction": way[known],
        "start": (taken["end"] - taken["duration"])[known],
        "end": taken["end"][known],
        "capacity": taken["capacity"][known],
    }
    return Measurement("half_cycles", schema.build("cycling_summary", values, **attrs), findings)


def _impedance(taken: dict[str, NDArray[np.float64]], source: Source) -> NDArray[np.complex128]:
    impedance = taken["real"] + 1j * taken["imaginary"]
    if "modulus" in taken and "phase" in taken:
        polar = from_polar(taken["modulus"], taken["phase"])
        source.findings.extend(compare_polar(impedance, polar))
    return np.asarray(impedance)


def _record(
    taken: dict[str, NDArray[np.float64]], open_circuit: bool, attrs: dict[str, Any], findings: list[Finding]
) -> xr.Dataset:
    values: dict[str, Any] = dict(taken)
    if open_circuit:
        kinds = np.full(len(taken["test_time"]), schema.STEP_TYPES.index("rest"), dtype=np.int8)
        meanings = {"flag_values": list(range(len(schema.STEP_TYPES))), "flag_meanings": " ".join(schema.STEP_TYPES)}
        values["step_type"] = xr.Variable("record", kinds, meanings)
    if np.any(np.diff(taken["test_time"]) < 0):
        findings.append(
            Finding("time-goes-back", "warning", "The time goes back at least once; rows keep their order.")
        )
    return schema.build("cycling", values, **attrs)


def _drop_missing_sensor(taken: dict[str, NDArray[np.float64]], source: Source) -> None:
    if "temperature" in taken and np.any(taken["temperature"] < _NO_SENSOR):
        del taken["temperature"]
        source.note(
            "placeholder-setting", "info", "The temperature lies below -273.15 degC: no sensor; it was left out."
        )


def _note_unmapped(table: Table, known: Sequence[Column], source: Source) -> None:
    names = [name for name in table.unmapped(known) if name not in NOTED]
    if names:
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(names)}.")


def _facts(settings: dict[str, list[str]], decimal: str, source: Source) -> dict[str, Any]:
    """Return the attributes that the settings give, and AC amplitudes as scalar variables."""
    facts: dict[str, Any] = {
        "vendor_technique": _value(settings, "TAG") or None,
        "title": _value(settings, "TITLE") or None,
        "instrument": _value(settings, "PSTAT") or None,
        "instrument_serial": _value(settings, "PSTATSERIALNO") or None,
        "software_version": _value(settings, "FRAMEWORKVERSION") or None,
        "start_time": _start(settings, source),
        "original_metadata": json.dumps(settings, ensure_ascii=False),
    }
    area = _number(settings, "AREA", decimal)
    if area == _DEFAULT_AREA:
        source.note("placeholder-setting", "info", "Not set by the operator, and left out: electrode area 1.")
    elif area is not None and area > 0:
        facts["electrode_area"] = area
    for tag, (name, unit) in _AMPLITUDES.items():
        amplitude = _number(settings, tag, decimal)
        said = re.search(rf"\(([mun]?){unit}\s*(rms)?\)", settings.get(tag, [""])[-1])
        if amplitude is not None and amplitude > 0 and said:
            facts[name] = xr.Variable((), amplitude * _FRACTIONS[said[1]], {"comment": said[2] or "as set"})
    if _value(settings, "EXPERIMENTABORTED") == "T":
        source.note(
            "experiment-aborted", "warning", "The operator aborted the experiment; the rows until then are kept."
        )
    return facts


def _value(settings: dict[str, list[str]], tag: str) -> str:
    # "TAG<tab>EISPOT" is the one line without a type.
    fields = settings.get(tag, [])
    return (fields[0] if tag == "TAG" else fields[1] if len(fields) > 1 else "").strip() if fields else ""


def _number(settings: dict[str, list[str]], tag: str, decimal: str) -> float | None:
    text = _value(settings, tag)
    if not text:
        return None
    try:
        return float(text.replace(decimal, "."))
    except ValueError as error:
        raise CorruptFile(
            f"the setting {tag} is {text!r}", expected=f"a number with decimal mark {decimal!r}"
        ) from error


def _start(settings: dict[str, list[str]], source: Source) -> str | None:
    date, time = _value(settings, "DATE"), _value(settings, "TIME")
    if not date:
        return None
    moment, reason = dates([f"{date} {time}"])
    if moment is None:
        source.note("unread-date", "info", f"The date {date!r} was not used: {reason}.")
        return None
    return str(np.datetime_as_string(moment[0], unit="ms"))
