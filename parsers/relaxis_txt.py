"""Spectra exported from RelaxIS 3 as text.

``RelaxIS 3.0 Spectrum export`` and the date of the export are followed, for each spectrum, by a row of names
(``Data: Frequency``, ``Data: Z'``, ...), a row of facts (free parameters as ``NAME=value``, model, title) and the data,
separated by tabs. The names bear no units: Hz, ohm and degree. Two of the parameters have a known meaning, since the
same spectrum lies in the corpus as EC-Lab binary: ``DC`` is the mean DC potential (V) and ``TM`` the mean time (s).

Checked on corpus/eis/hybrid-drt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import xarray as xr

from ._block import Block
from ._columns import fold
from ._columns_eis import IMPEDANCE
from ._dialect import split
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import note_unmapped, spectrum_columns
from ._table import read_table
from .errors import ParseError, TruncatedFile, UnsupportedContent

PARAMETERS = {"DC": "dc_potential", "TM": "test_time"}
"""Free parameters whose meaning and unit are known."""

_PARAMETER = re.compile(r"(\w+)=([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)(?![\d.])")
_PREFIX = "Data: "


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each sweep of each spectrum; one that cannot be read is left out with a finding.

    Raises
    ------
    TruncatedFile
        If no spectrum holds a row.
    CorruptFile
        If Z', Z'' and |Z|, phase are different impedances.
    """
    lines = source.text.lines
    starts = [row for row, line in enumerate(lines) if line.startswith(_PREFIX)]
    if not starts:
        raise TruncatedFile("there is no row of names", line=len(lines), expected="a row that begins with Data:")
    found: list[Measurement] = []
    failure: ParseError | None = None
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        try:
            found += _spectra(start, stop, source)
        except ParseError as error:
            failure = failure or error
            source.note("left-out-table", "error", f"The spectrum in line {start + 1} was left out: {error}")
    if failure is not None and not found:
        raise failure
    for number, measurement in enumerate(found):
        yield replace(measurement, group="eis" if len(found) == 1 else f"eis_{number}")


def _spectra(start: int, stop: int, source: Source) -> Iterator[Measurement]:
    text = source.text
    names = [name.strip() for name in split(text.lines[start], "\t")]
    data = [name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else f"[{name}]" for name in names]
    if len({fold(name) for name in data}) < len(data):
        raise UnsupportedContent(
            "several spectra stand side by side",
            line=start + 1,
            expected="one spectrum below the other",
            remedy="export each spectrum into a file of its own",
        )
    first, last = start + 2, stop
    while last > first and not text.lines[last - 1].strip():
        last -= 1
    if first >= last:
        raise TruncatedFile("the spectrum has no row", line=start + 1, expected="rows of numbers")
    table, findings = read_table(text, Block(None, None, first, last, "\t"), header=data, limits=source.limits)
    source.findings.extend(findings)
    columns = spectrum_columns(table, source, IMPEDANCE)
    note_unmapped(table, IMPEDANCE, source)
    yield from spectra(columns, _facts(start, source), source)


def _facts(start: int, source: Source) -> dict[str, Any]:
    lines = source.text.lines
    stated = split(lines[start + 1], "\t")
    given = {name: float(value.replace(",", ".")) for name, value in _PARAMETER.findall(stated[0])}
    facts: dict[str, Any] = {
        PARAMETERS[name]: xr.Variable((), value, {"comment": "mean of the spectrum"})
        for name, value in given.items()
        if name in PARAMETERS
    }
    left = sorted(set(given) - set(PARAMETERS))
    if left:
        message = f"Parameters of unknown unit that are kept as text only: {', '.join(left)}."
        source.note("unmapped-settings", "info", message)
    metadata = {"header": lines[: min(start, 2)], "spectrum": [text for text in stated if text]}
    return facts | {
        "title": stated[2] if len(stated) > 2 and stated[2] else None,
        "original_metadata": json.dumps(metadata, ensure_ascii=False),
    }
