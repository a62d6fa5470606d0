"""Elins impedance spectra (.i2b): lines of notes, the number of points, then frequency (Hz), Z', Z'' (ohm) in each row.

The file names no columns, so its own numbers have to bear out the order and the sign.
Checked on corpus/eis (pyimpspec).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ._dialect import split
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_checks import refuse_reversed_sign
from ._table import Block, is_number_like, original_metadata, read_table
from ._text import Text
from .errors import CorruptFile, TruncatedFile

_WIDTH = 3
_COUNT = re.compile(r"\s*(\d{1,9})\s*$")


def read(source: Source) -> Iterator[Measurement]:
    """Yield the spectrum, or one measurement for each sweep.

    Raises
    ------
    TruncatedFile
        If there is no row behind a number of points.
    CorruptFile
        If the rows are no three numbers, or the first is no frequency.
    AmbiguousContent
        If the phase runs against the slope of the modulus.
    """
    text = source.text
    at, promised = _count(text.lines)
    delimiter = "\t" if "\t" in text.lines[at + 1].strip() else " "
    stop = min(at + 1 + promised, len(text.lines))
    block = Block(None, None, at + 1, stop, delimiter)
    frequency, impedance, metadata = _columns(text, block, promised, source)
    refuse_reversed_sign(frequency, impedance)
    notes = "\n".join(line.strip() for line in text.lines[:at]).strip()
    facts = {"comment": notes or None, "original_metadata": metadata}
    yield from spectra({"frequency": frequency, "impedance": impedance}, facts, source)


def _count(lines: Sequence[str]) -> tuple[int, int]:
    """Return the index of the line that holds the number of points, and that number."""
    for at, (line, following) in enumerate(pairwise(lines)):
        count = _COUNT.match(line)
        if count and is_number_like(split(following.strip(), " ")):
            return at, int(count[1])
    raise TruncatedFile(
        "no line holds a number of points with rows of numbers behind it",
        line=len(lines),
        expected="the number of points, then frequency, Z' and Z'' in each row",
    )


def _columns(
    text: Text, block: Block, promised: int, source: Source
) -> tuple[NDArray[np.float64], NDArray[np.complex128], str]:
    """Return frequency, impedance, and the notes above the table as JSON."""
    table, findings = read_table(text, block, limits=source.limits)
    # Whatever follows the promised rows is another matter than a ragged table.
    findings = [finding for finding in findings if finding.code != "ragged-rows"]
    if table.frame.shape[1] != _WIDTH:
        raise CorruptFile(
            f"the first row has {table.frame.shape[1]} fields",
            line=block.start + 1,
            expected="frequency, Z' and Z''",
        )
    rows = np.ones(len(table.frame), dtype=bool)
    if len(rows) < promised:
        cut = not text.complete and not any(finding.code == "truncated-row" for finding in findings)
        # Without the end of its line the last number may lack digits.
        rows[-1] = not cut
        source.note("missing-rows", "warning", f"The file holds {rows.sum()} of {promised} whole rows.")
    beyond = [line for line in text.lines[block.stop :] if line.strip()]
    if beyond:
        source.note("rows-beyond-count", "warning", f"{len(beyond)} lines follow the {promised} rows; left out.")
    source.findings.extend(findings)
    if not rows.any():
        raise TruncatedFile("the table has no whole row", line=block.start + 1)
    table = table.where(rows)
    # What is no number becomes NaN, and its row is left out with a finding.
    frequency, real, imaginary = (table.parse(position)[0] for position in range(_WIDTH))
    impedance = np.asarray(real + 1j * imaginary, dtype=np.complex128)
    return frequency, impedance, original_metadata(text, block, table)
