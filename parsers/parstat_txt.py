"""Text of a Parstat or PowerSUITE experiment that holds a record and spectra in one table, row under row.

Columns are potential, DC current, elapsed time, frequency, Z', Z'' and the AC amplitudes of potential and current,
separated by tabs. Rows with frequency 0 are a record of the cell, those with a frequency are points of spectra. The
quotient of the amplitudes has to be |Z|.

Checked on corpus/eis/impedance.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import schema
from ._columns import Column
from ._impedance_polar import compare_polar
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import note_unmapped, spectrum_columns
from ._table import Table, find_block, original_metadata, read_table

COLUMNS = (
    Column("Frequency", "frequency", "Hz", required=True),
    Column("Zre", "real", "ohm", required=True),
    Column("Zim", "imaginary", "ohm", required=True),
    Column("Elapsed Time", "test_time", "s"),
    Column("Potential", "dc_potential", "V"),
    Column("Current", "dc_current", "A"),
    Column("|Vac|", "voltage_amplitude", "V"),
    Column("|Iac|", "current_amplitude", "A"),
)
RECORD = (
    Column("Elapsed Time", "test_time", "s", required=True),
    Column("Potential", "voltage", "V", required=True),
    Column("Current", "current", "A"),
)


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record, where there are rows without a frequency, and one measurement for each sweep.

    Raises
    ------
    CorruptFile
        If |Z| and the quotient of the amplitudes differ.
    AmbiguousContent
        If the numbers contradict the sign of Z''.
    """
    text = source.text
    block = find_block(text.lines)
    table, findings = read_table(text, block, limits=source.limits)
    source.findings.extend(findings)
    note_unmapped(table, COLUMNS, source)
    attrs = {"original_metadata": original_metadata(text, block, table)}
    frequency, _ = table.parse(table.positions(COLUMNS)[COLUMNS[0]])
    still = frequency == 0
    if still.any():
        taken, findings = table.where(still).gather(RECORD)
        yield Measurement("record", schema.build("cycling", taken, **attrs), findings)
    if not still.all():
        yield from spectra(_spectrum(table.where(~still), source), attrs, source)


def _spectrum(table: Table, source: Source) -> dict[str, Any]:
    columns = spectrum_columns(table, source, COLUMNS)
    if "voltage_amplitude" in columns and "current_amplitude" in columns:
        current = np.where(columns["current_amplitude"] > 0, columns["current_amplitude"], np.nan)
        modulus = (columns["voltage_amplitude"] / current).astype(complex)
        measured = np.abs(columns["impedance"]).astype(complex)
        source.findings.extend(compare_polar(measured, modulus, beside="the quotient of the AC amplitudes"))
    return columns
