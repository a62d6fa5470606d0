"""Moku frequency response analyser (.csv): levels and phases of two channels, from which no impedance follows.

Lines that begin with ``%`` name the instrument, the channels, the sweep and the columns: frequency, magnitude (dBm) and
phase of channel A, of channel B and of their quotient. The quotient B/A is a transfer function. What impedance it means
depends on the fixture, 47 ohm in series with a shunt of 100 ohm for example, and the file does not hold that. Such a
file is refused with the reason; one whose columns are an impedance in ohm is read.

Checked on corpus/eis/ImpedanceFitter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ._block import Block
from ._columns_eis import BESIDE, IMPEDANCE
from ._dates import start_time
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import note_unmapped, spectrum_columns
from ._table import find_block, original_metadata, read_table
from .errors import UnsupportedContent

_LEVELS = ("dbm", "dbv", "db)")


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each sweep of a file that holds an impedance.

    Raises
    ------
    UnsupportedContent
        If the columns are levels or a transfer function.
    """
    lines = source.text.lines
    block = find_block(lines)
    _check_columns(lines, block)
    table, findings = read_table(source.text, block, limits=source.limits)
    source.findings.extend(findings)
    columns = spectrum_columns(table, source)
    note_unmapped(table, IMPEDANCE + BESIDE, source)
    acquired = next((line.partition("Acquired")[2] for line in lines[: block.start] if "Acquired" in line), "")
    facts = {
        "instrument": lines[0].strip("% "),
        "start_time": start_time(acquired.replace(" T ", " "), source) if acquired else None,
        "original_metadata": original_metadata(source.text, block, table),
    }
    yield from spectra(columns, facts, source)


def _check_columns(lines: Sequence[str], block: Block) -> None:
    header = lines[block.header].lower() if block.header is not None else ""
    if any(level in header for level in _LEVELS) and "ohm" not in header:
        raise UnsupportedContent(
            "the columns are levels of two channels; the impedance also depends on the shunt resistor and on which "
            "channel lies across it, and the file holds neither",
            line=(block.header or 0) + 1,
            expected="an impedance in ohm",
            remedy="turn the quotient B/A into an impedance with the resistor of your fixture and save frequency, Z' "
            "and Z'' with column names",
        )
