"""VersaStudio files (.par) of Princeton Applied Research: sections in angle brackets, tables within the segments.

``<Application>`` opens the file; ``<Name>`` to ``</Name>`` hold ``key=value`` lines. A ``<Segment1>`` holds a line
``Definition=`` with the names of the columns and the rows of data separated by commas. Rows with a frequency are points
of a spectrum, which bears the complex potential and current as well; rows without are a record of potential and
current. An ``<Action1>`` tells the technique and its amplitude.

Placeholders are left out: an electrode area of 1 cm2.
Checked on corpus/eis/impedance.py (VersaStudio 2.52).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._block import Block
from ._columns import Column
from ._dates import start_time
from ._dialect import Dialect, is_number, split
from ._impedance_polar import compare_polar
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import note_unmapped, spectrum_columns
from ._table import Table, read_table
from .errors import ParseError, TruncatedFile, UnsupportedContent

COLUMNS = (
    Column("Frequency", "frequency", "Hz", required=True),
    Column("Z Real", "real", "ohm", required=True),
    Column("Z Imag", "imaginary", "ohm", required=True),
    Column("Elapsed Time", "test_time", "s"),
    Column("E", "dc_potential", "V"),
    Column("I", "dc_current", "A"),
)
RECORD = (
    Column("Elapsed Time", "test_time", "s", required=True),
    Column("E", "voltage", "V", required=True),
    Column("I", "current", "A"),
)
PHASORS = (
    Column("E Real", "potential_real", "V"),
    Column("E Imag", "potential_imaginary", "V"),
    Column("I Real", "current_real", "A"),
    Column("I Imag", "current_imaginary", "A"),
)
NOTED = (
    "Segment #", "Point #", "ADC Sync Input", "Current Range", "Status", "E Applied", "E2 Status", "E2", "E2 Real",
    "E2 Imag", "Z2 Real", "Z2 Imag", "ActionId", "AC Amplitude",
)  # fmt: skip
"""Columns of the instrument's state and of a second electrometer, which are left out without remark."""

_OPEN = re.compile(r"<(\w+)>\s*$")
_SEGMENT = re.compile(r"Segment\d+$")
_AMPLITUDE = re.compile(r"Amplitude \(([munp]?)([VA]) RMS\)$")
_AMPLITUDES = {"V": "voltage_amplitude", "A": "current_amplitude"}
_FRACTIONS = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_MEASURED = re.compile(r"([-+\d.eE]+) (m?)V")
_DEFAULT_AREA = 1.0


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each sweep and one for the record of each segment without frequencies.

    Raises
    ------
    TruncatedFile
        If no segment holds a row.
    CorruptFile
        If impedance and the quotient of potential and current differ.
    """
    lines = source.text.lines
    sections = _sections(lines)
    segments = [(name, span) for name, span in sections if _SEGMENT.match(name)]
    if not segments:
        raise TruncatedFile("the file holds no segment", line=len(lines), expected="a section <Segment1>")
    facts = _facts({name: _settings(lines[slice(*span)]) for name, span in sections}, source)
    found: list[Measurement] = []
    failure: ParseError | None = None
    for name, span in segments:
        try:
            found += _segment(name, span, facts, source)
        except ParseError as error:
            failure = failure or error
            source.note("left-out-table", "error", f"The section {name} was left out: {error}")
    if failure is not None and not found:
        raise failure
    yield from _numbered(found)


def _sections(lines: Sequence[str]) -> list[tuple[str, tuple[int, int]]]:
    """Return the sections and the lines between their tags; the last one may lack its end."""
    sections = []
    row = 0
    while row < len(lines):
        tag = _OPEN.match(lines[row])
        row += 1
        if tag is None:
            continue
        end = f"</{tag[1]}>"
        stop = next((at for at in range(row, len(lines)) if lines[at].startswith(end)), len(lines))
        sections.append((tag[1], (row, stop)))
        row = stop
    return sections


def _settings(lines: Sequence[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines)
    return {key.strip(): value.strip() for key, sign, value in pairs if sign and len(key) < 80}


def _segment(name: str, span: tuple[int, int], facts: Mapping[str, Any], source: Source) -> Iterator[Measurement]:
    text = source.text
    start, stop = span
    defined = next((row for row in range(start, stop) if text.lines[row].startswith("Definition=")), None)
    if defined is None:
        raise UnsupportedContent(
            f"the section {name} holds no text table",
            line=start,
            expected="a line Definition= and rows",
            remedy="save the data in VersaStudio with 'Save New Data to Binary File' switched off",
        )
    names = split(text.lines[defined].partition("=")[2], ",")
    names = names[:-1] if names[-1] == "0" else names  # the definition ends with a 0 that no row has
    first = next((row for row in range(defined + 1, stop) if is_number(split(text.lines[row], ",")[0])), stop)
    if first == stop:
        raise TruncatedFile(f"the section {name} holds no rows", line=defined + 1, expected="rows of data")
    if stop == len(text.lines):
        source.note("truncated-table", "warning", f"The section {name} has no end; the file was cut off in it.")
    block = Block(None, None, first, stop, ",")
    table, findings = read_table(text, block, header=names, dialect=Dialect(","), limits=source.limits)
    source.findings.extend(findings)
    position = table.index(COLUMNS[0])
    swept = table.numbers(position) != 0 if position is not None else np.zeros(len(table.frame), dtype=bool)
    if position is None and table.index(COLUMNS[1]) is not None:
        message = f"The section {name} has impedances without a frequency; only potential and current were kept."
        source.note("missing-frequency", "warning", message)
    if swept.any():
        yield from _spectra(table.where(swept), facts, source)
    if not swept.all():
        yield _record(table.where(~swept), facts, source)


def _spectra(table: Table, facts: Mapping[str, Any], source: Source) -> Iterator[Measurement]:
    columns = spectrum_columns(table, source, COLUMNS)
    note_unmapped(table, (*COLUMNS, *PHASORS), source, silent=NOTED)
    phasors, findings = table.gather(PHASORS)
    source.findings.extend(findings)
    if len(phasors) == len(PHASORS):
        quotient = _quotient(phasors)
        source.findings.extend(compare_polar(columns["impedance"], quotient, beside="potential over current"))
    yield from spectra(columns, facts, source)


def _quotient(phasors: Mapping[str, NDArray[np.float64]]) -> NDArray[np.complex128]:
    """Return potential over current, NaN where the current is zero because it was not kept."""
    potential = phasors["potential_real"] + 1j * phasors["potential_imaginary"]
    current = phasors["current_real"] + 1j * phasors["current_imaginary"]
    with np.errstate(invalid="ignore"):
        return np.where(current == 0, np.nan, potential / np.where(current == 0, 1.0, current))


def _record(table: Table, facts: Mapping[str, Any], source: Source) -> Measurement:
    taken, findings = table.gather(RECORD)
    attrs = {name: value for name, value in facts.items() if name not in schema.TECHNIQUES["eis"]}
    source.findings.extend(findings)
    return Measurement("record", schema.build("cycling", taken, **attrs))


def _numbered(found: Sequence[Measurement]) -> Iterator[Measurement]:
    """Yield the measurements under names of their own: those that share one are numbered."""
    for kind in ("record", "eis"):
        same = [measurement for measurement in found if measurement.group.startswith(kind)]
        for number, measurement in enumerate(same):
            yield replace(measurement, group=kind if len(same) == 1 else f"{kind}_{number}")


def _facts(sections: Mapping[str, Mapping[str, str]], source: Source) -> dict[str, Any]:
    application, instrument = sections.get("Application", {}), sections.get("Instrument", {})
    common, experiment = sections.get("Action0", {}), sections.get("Experiment", {})
    actions = [settings for name, settings in sections.items() if re.match(r"Action[1-9]", name)]
    date = f"{experiment.get('DateAcquired', '')} {experiment.get('TimeAcquired', '')}".strip()
    version = application.get("Version")
    kept = {name: dict(settings) for name, settings in sections.items() if not re.match(r"Graph|Segment", name)}
    facts: dict[str, Any] = {
        "instrument": (instrument.get("Type", "") + instrument.get("Model", "")) or None,
        "instrument_serial": instrument.get("SN"),
        "software_version": f"VersaStudio {version}" if version else None,
        "start_time": start_time(date, source) if date else None,
        "vendor_technique": ", ".join(action["Name"] for action in actions if "Name" in action) or None,
        "open_circuit_potential": _potential(common.get("Measured Open Circuit", "")),
        "original_metadata": json.dumps(kept, ensure_ascii=False),
    }
    area = _float(common.get("Working Electrode Area (cm2)", ""))
    if area == _DEFAULT_AREA:
        source.note("placeholder-setting", "info", "Not set by the operator, and left out: electrode area 1.")
    elif area is not None and area > 0:
        facts["electrode_area"] = area
    return facts | _amplitudes(actions)


def _amplitudes(actions: Sequence[Mapping[str, str]]) -> dict[str, xr.Variable]:
    """Return the AC amplitude when all actions that have one agree; otherwise it belongs to no single spectrum."""
    stated = {
        (_AMPLITUDES[match[2]], value * _FRACTIONS[match[1]])
        for action in actions
        for key, text in action.items()
        if (match := _AMPLITUDE.match(key)) and (value := _float(text))
    }
    return {name: xr.Variable((), value, {"comment": "rms"}) for name, value in stated} if len(stated) == 1 else {}


def _potential(text: str) -> float | None:
    match = _MEASURED.match(text)
    value = _float(match[1]) if match else None
    return value * _FRACTIONS[match[2]] if match and value is not None else None


def _float(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
