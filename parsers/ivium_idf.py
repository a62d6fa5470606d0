"""Ivium impedance spectra: one (.idf) or a series (.ids) of settings and tables in one file.

Between short binary marks the file is text: settings as ``name=value``, then ``primary_data`` with, one to a line, the
number of columns, the number of rows, and the rows: Z' (ohm), Z'' (ohm), frequency (Hz). Oscilloscope traces
(``osc_data``) follow. A series repeats all of this for each spectrum; the instrument is named once.

The rows name no columns: the list of set frequencies, where there is one, is held against the third, and the sign of
the second against the slope of the modulus. Checked on corpus/eis (pyimpspec).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ._dates import dates
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_checks import refuse_reversed_sign, with_own_findings
from .errors import CorruptFile, ParseError, TruncatedFile, UnsupportedContent

_MARK = "primary_data"
_COLUMNS = 3
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SETTING = re.compile(r"([A-Za-z][^=\x00-\x1f]{0,80})=([^\x00-\x08\x0e-\x1b]*)$")
_SERIES = re.compile(r"\.[a-z]+\[\d+\]$")
_REPORT = re.compile(r"([^:\x1c-\x1f]+?)\s*:\s*([^\x1c-\x1f]*)")
_TEMPLATE = re.compile(r"^[XYZ]+$|DD\.MM\.YYYY|^$")
_DEFAULT_AREA = 1.0
_INSTRUMENT = (("instrument_serial", "serialnumber", "instrument"), ("software_version", "software", "software vs"))
"""Attribute, setting, and line of the report."""

_AMPLITUDES = {"Constant E": "voltage_amplitude", "Constant I": "current_amplitude"}


@dataclass(frozen=True)
class Section:
    """One table: the settings above it, its rows as text, the number that it promises, and its first line."""

    settings: dict[str, str]
    rows: tuple[str, ...]
    promised: int
    line: int


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each spectrum.

    A table that is no whole spectrum is left out with a finding if another one is.

    Raises
    ------
    TruncatedFile
        If no table holds a row.
    UnsupportedContent
        If the tables are of other methods.
    AmbiguousContent
        If the phase runs against the slope of the modulus.
    CorruptFile
        If rows are no numbers.
    """
    lines, complete = _lines(source.data)
    sections = list(_sections(lines, complete, source))
    if not complete:
        source.note("truncated-file", "warning", f"The file ends within line {len(lines)}.")
    if not sections:
        raise TruncatedFile("the file holds no table", line=len(lines), expected=f"{_MARK} and rows of numbers")
    common = _instrument(sections[0].settings)
    found: list[Measurement] = []
    failure: ParseError | None = None
    for section in sections:
        try:
            found += with_own_findings(_spectra(section, common, source), source)
        except ParseError as error:
            failure = failure or error
            source.note("left-out-table", "warning", f"The table in line {section.line} was left out: {error}")
    if failure is not None and not found:
        raise failure
    for number, measurement in enumerate(found):
        yield replace(measurement, group="eis" if len(found) == 1 else f"eis_{number}")


def _lines(data: bytes) -> tuple[list[str], bool]:
    text = data.decode("utf-8", errors="surrogateescape") if _is_utf8(data) else data.decode("latin-1")
    return text.replace("\r\n", "\n").split("\n"), text.endswith("\n")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _sections(lines: Sequence[str], complete: bool, source: Source) -> Iterator[Section]:
    """Yield every table; the last row of a file that does not end with a line is left out."""
    begin = 0
    for at, line in enumerate(lines):
        if line.strip() != _MARK or at < begin:
            continue
        counts = [field.strip() for field in lines[at + 1 : at + 3]]
        settings = _settings(lines[begin:at])
        begin = at + 3
        if len(counts) < 2 or not all(count.isdecimal() and len(count) < 10 for count in counts):
            source.note("left-out-table", "warning", f"The table in line {at + 1} has no number of columns and rows.")
            continue
        if int(counts[0]) != _COLUMNS:
            message = f"The table in line {at + 1} has {counts[0]} columns and not {_COLUMNS}; it was left out."
            source.note("left-out-table", "warning", message)
            continue
        promised = int(counts[1])
        whole = len(lines) if complete else len(lines) - 1
        rows = tuple(lines[begin : min(begin + promised, whole)])
        if begin + promised < whole and len(lines[begin + promised].split()) == _COLUMNS:
            message = f"More rows follow the {promised} that the table in line {at + 1} promises; they were left out."
            source.note("rows-beyond-count", "warning", message)
        yield Section(settings, rows, promised, at + 1)
    if begin and any(line.startswith("Method=") for line in lines[begin:]):
        message = "The file ends with the settings of one more spectrum, without its table."
        source.note("missing-table", "warning", message)


def _settings(lines: Sequence[str]) -> dict[str, str]:
    found = (_SETTING.search(line) for line in lines)
    return {match[1].strip(): match[2].strip() for match in found if match}


def _spectra(section: Section, common: Mapping[str, str], source: Source) -> Iterator[Measurement]:
    settings = section.settings
    method = settings.get("Method", "Impedance")
    if method != "Impedance":
        raise UnsupportedContent(f"the method is {method!r}", line=section.line, expected="'Impedance'")
    values = _numbers(section, source)
    frequency = values[:, 2]
    impedance = np.asarray(values[:, 0] + 1j * values[:, 1], dtype=np.complex128)
    refuse_reversed_sign(frequency, impedance)
    _compare_set_frequencies(settings, frequency, source)
    columns: dict[str, NDArray[Any]] = {"frequency": frequency, "impedance": impedance}
    times = _series(settings, "timing.time")
    if len(times) == section.promised:
        columns["test_time"] = times[: len(frequency)]
    elif len(times):
        message = f"{len(times)} times stand beside {section.promised} points; they were left out."
        source.note("left-out-times", "info", message)
    yield from spectra(columns, _facts(settings, common, source), source)


def _numbers(section: Section, source: Source) -> NDArray[np.float64]:
    """Return the rows; one that is not three numbers becomes NaN, so that the others keep their place."""
    rows = section.rows
    end = next((at for at, row in enumerate(rows) if row.strip() == "osc_data"), len(rows))
    rows = rows[: max(end - 1, 0)] if end < len(rows) else rows
    values = np.full((len(rows), _COLUMNS), np.nan)
    damaged = 0
    for at, row in enumerate(rows):
        fields = row.split()
        if len(fields) == _COLUMNS and all(map(_NUMBER.fullmatch, fields)):
            values[at] = [float(field) for field in fields]
        else:
            damaged += 1
    if not len(rows):
        raise TruncatedFile("the table has no whole row", line=section.line)
    if damaged * 2 > len(rows):
        raise CorruptFile(f"{damaged} of {len(rows)} rows are not three numbers", line=section.line)
    if len(rows) < section.promised:
        message = f"The table in line {section.line} holds {len(rows)} of {section.promised} rows."
        source.note("missing-rows", "warning", message)
    return values


def _compare_set_frequencies(settings: Mapping[str, str], frequency: NDArray[np.float64], source: Source) -> None:
    wanted = _series(settings, "Frequencies.freq")
    if len(wanted) < len(frequency):
        return
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.abs(frequency / wanted[: len(frequency)] - 1) > 0.01
    if off.any():
        first = int(np.flatnonzero(off)[0])
        message = (
            f"{np.count_nonzero(off)} of {len(frequency)} frequencies are not the set ones, first "
            f"{frequency[first]:g} instead of {wanted[first]:g} Hz; the measured ones are used."
        )
        source.note("set-frequencies-differ", "warning", message)


def _series(settings: Mapping[str, str], name: str) -> NDArray[np.float64]:
    """Return the numbers under ``name[1]``, ``name[2]``... as far as they go."""
    values: list[float] = []
    while (text := settings.get(f"{name}[{len(values) + 1}]")) is not None and _NUMBER.fullmatch(text):
        values.append(float(text))
    return np.array(values)


def _facts(settings: Mapping[str, str], common: Mapping[str, str], source: Source) -> dict[str, Any]:
    report = _report(settings)
    kept = {name: value for name, value in settings.items() if not _SERIES.search(name)}
    facts: dict[str, Any] = {
        "vendor_technique": settings.get("Technique") or None,
        "title": settings.get("Title") or None,
        "comment": settings.get("Report.Remarks") or None,
        "instrument": report.get("hw config", "").strip() or None,
        "original_metadata": json.dumps(kept, ensure_ascii=False),
        **common,
        **_instrument(settings),
    }
    area = _number(settings, "Data Options.Area")
    if area == _DEFAULT_AREA:
        source.note("placeholder-setting", "info", "Not set by the operator, and left out: electrode area 1.")
    elif area is not None and area > 0:
        facts["electrode_area"] = area
    amplitudes = _series(settings, "Frequencies.amp")
    technique = settings.get("Technique", "")
    if technique in _AMPLITUDES and len(amplitudes) and np.all(amplitudes == amplitudes[0]) and amplitudes[0] > 0:
        facts[_AMPLITUDES[technique]] = xr.Variable((), float(amplitudes[0]), {"comment": "as set"})
    if technique == "Constant E" and (potential := _number(settings, "E start")) is not None:
        facts["dc_potential"] = xr.Variable((), potential, {"comment": "as set"})
    facts["start_time"] = _start(settings.get("starttime") or report.get("start time", ""), source)
    return facts


def _report(settings: Mapping[str, str]) -> dict[str, str]:
    return dict(_REPORT.findall(settings.get("Report.Process data", "")))


def _instrument(settings: Mapping[str, str]) -> dict[str, str]:
    report = _report(settings)
    said = {name: (settings.get(key) or report.get(line, "")).strip() for name, key, line in _INSTRUMENT}
    return {name: value for name, value in said.items() if not _TEMPLATE.search(value)}


def _number(settings: Mapping[str, str], name: str) -> float | None:
    text = settings.get(name, "")
    return float(text) if _NUMBER.fullmatch(text) else None


def _start(text: str, source: Source) -> str | None:
    if _TEMPLATE.search(text.strip()):
        return None
    moment, reason = dates([text.strip()])
    if moment is None:
        source.note("unread-date", "info", f"The date {text.strip()!r} was not used: {reason}.")
        return None
    return str(np.datetime_as_string(moment[0], unit="ms"))
