"""Collections of FEI's TIA (.emi): the description of what lies in the series (.ser) beside them.

``name.emi`` belongs to ``name_1.ser``, ``name_2.ser`` and so on; reading it reads these, in this order. The copies of
images inside the .emi file have no published layout and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from . import tia_ser
from ._source import Measurement, Source
from .errors import ParseError, UnsupportedContent


def read(source: Source) -> Iterator[Measurement]:
    """Yield the measurements of the series that belong to the file.

    Raises
    ------
    UnsupportedContent
        If there is no series beside it.
    ParseError
        If none of them can be read.
    """
    series = _series(source.path)
    if not series:
        raise UnsupportedContent(
            f"there is no {source.path.stem}_1.ser beside the file",
            expected="the series that it describes",
            remedy="copy both files together",
        )
    errors: list[ParseError] = []
    for number, path in series:
        one = Source(path, limits=source.limits)
        try:
            for measurement in tia_ser.read(one):
                yield Measurement(
                    f"series_{number}_{measurement.group}", measurement.dataset, [*measurement.findings, *one.findings]
                )
        except ParseError as error:
            errors.append(error)
            source.note("series-not-read", "error", f"{path.name}: {error}")
    if len(errors) == len(series):
        raise errors[0]


def _series(path: Path) -> list[tuple[int, Path]]:
    mark = re.compile(re.escape(path.stem) + r"_(\d+)\.ser$", re.IGNORECASE)
    found = [(int(match[1]), beside) for beside in path.parent.glob("*") if (match := mark.match(beside.name))]
    return sorted(found)
