"""Impedance spectra in delimited text: any separator and locale, columns known by their names.

What columns are called is in `interlayer.parsers._columns_eis`. The numbers have to bear out what the names say: where
a file gives both Z', Z'' and |Z|, phase they are compared, and the sign of Z'' is held against the slope of |Z|.
A table without names is read only if it has three columns and its own numbers decide that they are frequency, Z' and
Z'' or -Z''. Notes above the table of Novocontrol's WinDETA (sample, date, diameter, thickness) are kept as attributes.

Checked on corpus/eis: pyimpspec, EISFitpython, pyDRTtools, EISART, eis_analysis and the PowerSuite export in
impedance.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._columns import fold
from ._columns_eis import BESIDE, IMPEDANCE
from ._impedance_polar import from_polar
from ._impedance_sign import sign_verdict, slope_mismatch
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import spectrum_columns
from ._table import Block, Table, find_block, next_block, original_metadata, read_table
from ._vendor_text import vendor_of
from ._windeta import header_facts
from .errors import AmbiguousContent, ParseError, UnsupportedContent


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each sweep of each table.

    A table that is no spectrum is left out with a finding if another one is.

    Raises
    ------
    UnsupportedContent
        If columns of a spectrum are missing, or the file is a vendor's own format.
    AmbiguousContent
        If the sign of the imaginary part, or the meaning of columns without names, is open.
    CorruptFile
        If columns contradict each other.
    """
    found: list[Measurement] = []
    failure: ParseError | None = None
    block: Block | None = find_block(source.text.lines)
    while block is not None:
        try:
            found += _spectra(block, source)
        except ParseError as error:
            failure = failure or error
            source.note("left-out-table", "warning", f"The table in line {block.start + 1} was left out: {error}")
        block = next_block(source.text.lines, block)
    if failure is not None and not found:
        raise failure
    for number, measurement in enumerate(found):
        yield replace(measurement, group="eis" if len(found) == 1 else f"eis_{number}")


def _spectra(block: Block, source: Source) -> Iterator[Measurement]:
    text = source.text
    table, findings = read_table(text, block, limits=source.limits)
    source.findings.extend(findings)
    vendor = vendor_of(text.lines, [fold(name) for name in table.header])
    if vendor:
        raise UnsupportedContent(f"the file is a {vendor} file", expected="a plain table of a spectrum")
    columns = _unnamed(table, source) if not any(table.header) else _named(table, source)
    facts = header_facts(text.lines[: block.start], source)
    facts["original_metadata"] = original_metadata(text, block, table)
    yield from spectra(columns, facts, source)


def _named(table: Table, source: Source) -> dict[str, NDArray[Any]]:
    columns = spectrum_columns(table, source)
    known = IMPEDANCE + BESIDE
    bare = [f"{table.header[at]} ({c.unit})" for c, at in table.positions(known).items() if not table.units[at]]
    if bare:
        source.note("assumed-units", "info", f"The file names no units; taken as {', '.join(bare)}.")
    left_out = table.unmapped(known)
    if left_out:
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(left_out)}.")
    return columns


def _unnamed(table: Table, source: Source) -> dict[str, NDArray[Any]]:
    """Return frequency and impedance of three columns without names, if their numbers leave no other reading."""
    width = table.frame.shape[1]
    if width != 3:
        raise UnsupportedContent(
            f"the table has {width} columns without names",
            line=table.line,
            expected="a header such as f,Z',Z''",
            remedy="add a line with their names, and look for decimal commas between commas",
        )
    frequency, real, third = (table.numbers(position) for position in range(3))
    whole = np.isfinite(frequency) & np.isfinite(real) & np.isfinite(third)
    positive = frequency[whole]
    runs = len(positive) > 5 and bool(np.all(np.diff(positive) > 0) or np.all(np.diff(positive) < 0))
    spans = runs and positive.min() > 0 and positive.max() > 10 * positive.min()
    sign = sign_verdict(frequency, real + 1j * third) if spans and np.mean(real[whole] > 0) > 0.8 else 0
    polar = from_polar(real, third)
    fit = slope_mismatch(frequency, real + 1j * sign * third)
    other = min(slope_mismatch(frequency, polar), slope_mismatch(frequency, polar.conj()))
    if not sign or fit > 0.5 * other:
        raise AmbiguousContent(
            "the table has no header and its numbers do not decide what its three columns are",
            line=table.line,
            expected="frequency, Z' and Z'' or -Z''",
            remedy="add a first line such as f,Z',Z''",
        )
    what = "Z''" if sign > 0 else "-Z''"
    message = f"The table has no header; its numbers say that it is frequency (Hz), Z' (ohm) and {what} (ohm)."
    source.note("inferred-columns", "warning", message)
    return {"frequency": frequency, "impedance": real + 1j * sign * third}
