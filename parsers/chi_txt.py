"""Spectra exported from CH Instruments software as text.

A date such as ``Feb. 20, 2020   15:55:08`` and the technique stand above ``Name: value`` and ``Name = value`` lines
about file, instrument and settings; the table is separated by commas. Its columns are checked against each other as in
any delimited text; the reader adds instrument, start and settings. The software does not say whether its amplitude is
a peak value.

Checked on corpus/eis/impedance.py (CHI660E).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import xarray as xr

from ._columns_eis import BESIDE, IMPEDANCE
from ._dates import start_time
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import note_unmapped, spectrum_columns
from ._table import find_block, original_metadata, read_table

_SETTING = re.compile(r"([^:=]+?)\s*[:=]\s*(.*?)\s*$")


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each sweep.

    Raises
    ------
    UnsupportedContent
        If the columns make no impedance.
    CorruptFile
        If Z', Z'' and |Z|, phase are different impedances.
    AmbiguousContent
        If the numbers contradict the sign of Z''.
    """
    text = source.text
    block = find_block(text.lines)
    table, findings = read_table(text, block, limits=source.limits)
    source.findings.extend(findings)
    columns = spectrum_columns(table, source)
    note_unmapped(table, IMPEDANCE + BESIDE, source)
    facts = _facts([line for line in text.lines[: block.start] if line.strip()], source)
    facts["original_metadata"] = original_metadata(text, block, table)
    yield from spectra(columns, facts, source)


def _facts(lines: Sequence[str], source: Source) -> dict[str, Any]:
    settings = {match[1]: match[2] for line in lines[2:] if (match := _SETTING.match(line)) and match[2]}
    facts: dict[str, Any] = {
        "start_time": start_time(lines[0], source),
        "vendor_technique": lines[1].strip(),
        "instrument": settings.get("Instrument Model"),
        "title": settings.get("Note"),
    }
    for setting, name, comment in (
        ("Amplitude (V)", "voltage_amplitude", "as set"),
        ("Init E (V)", "dc_potential", "as set, against the reference electrode"),
    ):
        value = _float(settings.get(setting, ""))
        if value is not None and (name == "dc_potential" or value > 0):
            facts[name] = xr.Variable((), value, {"comment": comment})
    return facts


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
