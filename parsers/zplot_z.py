"""ZPlot and ZView data (.z), and the Z60W text that Autolab and others write for ZView.

Two headers stand over the same nine columns: frequency, amplitude, bias, time, Z', Z'', GD, error and current range.

- ``ZPLOT2 ASCII``: indented ``key: value`` settings, grouped between ``Begin`` and ``End`` lines, then the names of the
  columns and ``End Comments``. ``Data Points`` says how many rows were planned.
- ``"ZPlotW Data File"``, ``"ZView Calculated Data File"`` or ``"Z60W Data File"``: quoted lines of notes, a line of the
  sweep's settings, the number of rows and the quoted names. Rows are separated by commas.

Placeholders are left out: an area of 1 cm2, an open-circuit potential of 0 and columns of nothing but zeros.
Checked on corpus/eis: impedance.py (ZPlot 3.2c with and without comments, an Autolab export), pyimpspec.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ._columns import Column
from ._dates import start_time
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import note_unmapped, spectrum_columns
from ._table import Table, find_block, read_table
from .errors import TruncatedFile

COLUMNS = (
    Column("Freq", "frequency", "Hz", required=True),
    Column("Z'", "real", "ohm", required=True),
    Column("Z''", "imaginary", "ohm", required=True),
    Column("Time", "test_time", "s"),
    Column("Ampl", "voltage_amplitude", "V"),
    Column("Bias", "dc_potential", "V"),
)
NOTED = ("GD", "Err", "Range")
"""Columns of the instrument's state, which are left out without remark."""

_ERROR = Column("Err", "error")
_HEADER = re.compile(r"[\s\"']*Freq.*Z'", re.IGNORECASE)
_HEAD_LINES = 2000
_DEFAULT_AREA = 1.0
_TITLE = re.compile(r"(?:Measured Data, )?(\w+)(?: Calculated)?(?: Data File)?: +(?:Version )?(\d[\w.]*)")
_CLOCKED = re.compile(r"Date:\s*(\S+)\s+Time:\s*(\S+(?: [AP]M)?)")
_OPEN_CIRCUIT = re.compile(r"Open Circuit Potential \(V\):\s*([-+\d.eE]+)")


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each sweep.

    Raises
    ------
    TruncatedFile
        If the file ends before the first row.
    UnsupportedContent
        If the columns are others.
    AmbiguousContent
        If the numbers contradict the sign of Z''.
    """
    lines = source.text.lines
    header = next((row for row, line in enumerate(lines[:_HEAD_LINES]) if _HEADER.match(line)), None)
    if header is None:
        raise TruncatedFile("there is no row of column names", line=len(lines), expected="Freq(Hz), Z'(a), Z''(b)")
    block = replace(find_block(lines, start=header + 1), header=None, units=None)
    table, findings = read_table(source.text, block, header=_names(lines[header]), limits=source.limits)
    source.findings.extend(findings)
    _note_skipped(lines, header + 1, block.start, source)
    settings = _settings(lines[:header])
    columns = spectrum_columns(table, source, COLUMNS)
    _drop_unset(columns, settings, source)
    note_unmapped(table, COLUMNS, source, silent=NOTED)
    _note_errors(table, source)
    _note_missing(_planned(lines[:header], settings), len(table.frame), source)
    yield from spectra(columns, _facts(lines[:header], settings, source), source)


def _note_skipped(lines: Sequence[str], start: int, stop: int, source: Source) -> None:
    """Add a finding about lines between names and table, which are damaged rows but for ``End Comments``."""
    damaged = [row for row in range(start, stop) if any(map(str.isdigit, lines[row]))]
    if damaged:
        message = f"{len(damaged)} damaged rows were left out, the first in line {damaged[0] + 1}."
        source.note("damaged-rows", "warning", message)


def _names(line: str) -> list[str]:
    """Return the names of the columns; "(a)" and "(b)" after Z', Z'' are no units."""
    joined = re.sub(r"\s+\(", "(", line.strip(" \t\"'"))
    return [re.sub(r"\([ab]\)$", "", name) for name in re.split(r"[\s,;]+", joined)]


def _settings(lines: Sequence[str]) -> dict[str, str]:
    """Return the ``key: value`` settings; those within a section bear its name in front."""
    settings: dict[str, str] = {}
    section = ""
    for line in lines:
        key, colon, value = line.strip().strip('"').partition(":")
        if key.startswith("Begin "):
            section = f"{key.removeprefix('Begin ')}/"
        elif key.startswith("End "):
            section = ""
        elif colon and _CLOCKED.search(line) is None:
            settings[f"{section}{key.strip()}"] = value.strip()
    return settings


def _number(text: str | None) -> float:
    try:
        return float((text or "0").replace(",", "."))
    except ValueError:
        return 0.0


def _drop_unset(columns: dict[str, Any], settings: dict[str, str], source: Source) -> None:
    """Drop columns of zeros, and amplitude and bias of a controlled current, whose unit the file does not say."""
    current = "Control Current" in " ".join(settings) + " ".join(settings.values())
    for name in ("test_time", "voltage_amplitude", "dc_potential"):
        if name not in columns:
            continue
        if not np.any(np.nan_to_num(columns[name])):
            del columns[name]
        elif current and name != "test_time":
            del columns[name]
            source.note("unknown-unit", "info", f"The current was controlled; the column of {name} was left out.")
    if "dc_potential" in columns:
        kind = settings.get("Experiment/Potential-DC Type", "not given")
        message = f"The bias is taken as DC potential as set; what it refers to is Potential-DC Type {kind}."
        source.note("potential-reference", "info", message)


def _note_errors(table: Table, source: Source) -> None:
    position = table.index(_ERROR)
    if position is None:
        return
    numbers, _ = table.parse(position)
    flagged = np.flatnonzero(np.nan_to_num(numbers))
    if flagged.size:
        message = (
            f"The instrument flagged {flagged.size} of {numbers.size} rows with an error code, "
            f"first in line {table.line_of(int(flagged[0]))}; they are kept."
        )
        source.note("flagged-points", "warning", message)


def _planned(lines: Sequence[str], settings: dict[str, str]) -> int | None:
    """Return the planned number of rows, which stands alone on the line above the names where there are no settings."""
    text = settings.get("Data Points") or next((line.strip() for line in reversed(lines) if line.strip()), "")
    return int(text) if text.isdecimal() and len(text) < 9 else None


def _note_missing(planned: int | None, found: int, source: Source) -> None:
    if planned is not None and found < planned:
        source.note("missing-rows", "warning", f"The file holds {found} of {planned} planned points.")


def _facts(lines: Sequence[str], settings: dict[str, str], source: Source) -> dict[str, Any]:
    text = "\n".join(line.strip().strip('"') for line in lines)
    clock = _CLOCKED.search(text)
    date = f"{clock[1]} {clock[2]}" if clock else f"{settings.get('Date', '')} {settings.get('Time', '')}".strip()
    title = _TITLE.search(text)
    potential = _OPEN_CIRCUIT.search(text)
    area = _number(settings.get("Information/Surface Area"))
    if area == _DEFAULT_AREA:
        source.note("placeholder-setting", "info", "Not set by the operator, and left out: electrode area 1.")
    notes = [line.strip().strip('"').strip() for line in lines]
    return {
        "start_time": start_time(date, source) if date else None,
        "software_version": f"{title[1]} {title[2]}" if title else None,
        "vendor_technique": _experiment(notes, settings),
        "open_circuit_potential": (_number(potential[1]) or None) if potential else None,
        "electrode_area": area if area > 0 and area != _DEFAULT_AREA else None,
        "original_metadata": json.dumps({"settings": settings, "header": notes}, ensure_ascii=False),
    }


def _experiment(notes: Sequence[str], settings: dict[str, str]) -> str | None:
    stated = settings.get("Experiment Type")
    return stated or next((line for line in notes if line.startswith("Sweep ")), None)
