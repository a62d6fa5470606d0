"""Autolab frequency response data (.dfr): one number on each line.

``VERSION8.0``, the number of points and a 1 are followed by nine numbers for each point, of which the first three are
frequency (Hz), Z' (ohm) and -Z'' (ohm), and by a tail of settings and dates. The other six numbers and the tail are
kept as they stand, since nothing in the file says what they are.

Checked on corpus/eis/pyimpspec, where they are zeros.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ._impedance_sign import sign_verdict
from ._source import Measurement, Source
from ._spectrum import spectra
from .errors import AmbiguousContent, CorruptFile, LimitExceeded, TruncatedFile, UnsupportedContent

VERSION = "VERSION8.0"
# Written with a decimal point whatever the locale.
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_HEAD = 3
_POINT = 9
_NUMBER_BYTES = 8


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each sweep.

    Raises
    ------
    UnsupportedContent
        If the file is of another version.
    CorruptFile
        If most lines hold no number, or a frequency is negative.
    AmbiguousContent
        If the numbers contradict the sign of Z''.
    TruncatedFile
        If no point is whole.
    """
    lines = [line.strip() for line in source.text.lines]
    promised = _promised(lines, source)
    body = lines[_HEAD : _HEAD + promised * _POINT]
    # The last number of a file without a line end may lack digits.
    cut = len(lines) <= _HEAD + promised * _POINT and not source.text.complete
    whole = (len(body) - cut) // _POINT
    if whole < promised:
        message = f"The file holds {whole} of {promised} points; it ends in line {len(lines)}."
        source.note("missing-rows", "warning", message)
    tail = lines[_HEAD + promised * _POINT :]
    if len(tail) >= _POINT and all(map(_NUMBER.fullmatch, tail[:_POINT])):
        source.note("more-rows", "warning", f"More numbers follow the {promised} points; they were left out.")
    if not whole:
        raise TruncatedFile("no point is whole", line=len(lines), expected=f"{_POINT} numbers for each point")
    points = _numbers(body[: whole * _POINT], source).reshape(whole, _POINT)
    frequency, impedance = points[:, 0], points[:, 1] - 1j * points[:, 2]
    if sign_verdict(frequency, impedance) < 0:
        raise AmbiguousContent(
            "the third number of each point has the sign of Z'': the phase runs against the slope of |Z|",
            expected="-Z''",
            remedy="export the spectrum again as text with column names",
        )
    left = points[:, 3:]
    if np.any(np.nan_to_num(left)):
        source.note("unmapped-columns", "info", "Six numbers of each point have no known meaning; they were left out.")
    metadata = {"version": VERSION, "tail": tail}
    facts = {"original_metadata": json.dumps(metadata, ensure_ascii=False)}
    yield from spectra({"frequency": frequency, "impedance": impedance}, facts, source)


def _promised(lines: Sequence[str], source: Source) -> int:
    """Return the number of points from the head of the file."""
    if lines[0] != VERSION:
        raise UnsupportedContent(
            f"the file is of {lines[0]!r}", line=1, expected=VERSION, remedy="export the spectrum as text"
        )
    if len(lines) < _HEAD:
        raise TruncatedFile("the file ends within its head", line=len(lines), expected="a number of points")
    if not lines[1].isdecimal() or not 0 < len(lines[1]) < 10:
        raise CorruptFile(f"the number of points is {lines[1]!r}", line=2, expected="a whole number")
    if lines[2] != "1":
        raise UnsupportedContent(
            f"line 3 holds {lines[2]!r}, a layout that has not been seen",
            line=3,
            expected="1",
            remedy="export the spectrum as text",
        )
    promised = int(lines[1])
    if promised * _POINT * _NUMBER_BYTES > source.limits.array:
        raise LimitExceeded(f"{promised} points", line=2, expected=f"at most {source.limits.array} bytes")
    return promised


def _numbers(lines: Sequence[str], source: Source) -> NDArray[np.float64]:
    """Return the lines as floats, NaN for those that hold no number; their points are left out with the NaN."""
    whole = [_NUMBER.fullmatch(text) is not None for text in lines]
    wrong = [index for index, good in enumerate(whole) if not good]
    if wrong:
        first = _HEAD + wrong[0] + 1
        if len(wrong) * 2 > len(lines):
            raise CorruptFile(f"the line holds {lines[wrong[0]]!r}", line=first, expected="a number")
        message = f"{len(wrong)} lines hold no number, the first is line {first}."
        source.note("not-a-number", "warning", message)
    return np.array([float(text) if good else np.nan for text, good in zip(lines, whole, strict=True)])
