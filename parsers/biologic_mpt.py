"""BioLogic text exports of EC-Lab (.mpt) and BT-Lab (.txt): a header of settings above one tab-separated table.

The first line is ``EC-Lab ASCII FILE`` or ``BT-Lab ASCII FILE``, the second ``Nb header lines : N``; line N names the
columns as ``quantity/unit`` and the rows follow, with a tab at the end or without. Between stand the technique,
``key : value`` lines, the parameters of the technique in columns of 20 characters, and where loops begin. An export
without header begins with the line of the columns. Encoding is Windows-1252 or UTF-8. The decimal mark is that of the
PC and follows from the numbers. Times count from the start of the acquisition, which the header gives month first, or
are dates themselves.

Source: files of EC-Lab 11.16 to 11.61 and BT-Lab 1.75 to 1.80.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._biologic import measurements
from ._biologic_checks import checked
from ._biologic_columns import COLUMNS
from ._biologic_facts import TECHNIQUES, CellFact, Facts, add_cell_facts, parse_date
from ._biologic_rows import Rows
from ._dialect import Dialect
from ._lines import Lines
from ._source import Measurement, Source
from ._table import Block, Column, Table, fold, read_table
from ._text import Text
from .errors import CorruptFile, TruncatedFile
from .units import conversion

_MAPPED = tuple(
    Column((column.header, *column.aliases), column.name, column.unit, sign=column.sign)
    for column in COLUMNS
    if column.name
)
_SPELLINGS = tuple({spelling for column in _MAPPED for spelling in column.spellings})
_COUNT = re.compile(r"\s*Nb header lines\s*:\s*(\d+)\s*$")
_LOOP = re.compile(r"\s*Loop \d+ from point number (\d+) to \d+")
_VERSION = re.compile(r"\s*(?:EC|BT)-LAB for windows v([\d.]+)", re.IGNORECASE)
_DEVICE = re.compile(r"(.+?)\s*\(SN (.*)\)$")
_NUMBER_UNIT = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*(\S*)")
_WHOLE_NUMBER = re.compile(r"[-+]?\d+[.,]\d+E[-+](\d+)$")
_FIELD = 20
_SAMPLE = 50_000
"""Bytes at either end of the rows that tell their decimal mark."""
_ABBREVIATIONS = {title: short for short, title in TECHNIQUES.values()}
_TEXTS = (
    ("Comments", "comments"),
    ("Electrode material", "electrode_material"),
    ("Electrolyte", "electrolyte"),
    ("Reference electrode", "reference_electrode"),
)
_CELL = (
    ("Mass of active material", "active_mass", {"mg": 1.0, "g": 1e3, "ug": 1e-3}),
    ("Characteristic mass", "characteristic_mass", {"mg": 1.0, "g": 1e3, "ug": 1e-3}),
    ("Electrode surface area", "electrode_area", {"cm": 1.0, "mm": 1e-2, "um": 1e-8, "m": 1e4}),
    ("Battery capacity", "nominal_capacity", {"A.h": 1.0, "mA.h": 1e-3, "uA.h": 1e-6}),
)


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record of a cycling technique, each spectrum of an impedance technique, or both for Modulo Bat.

    Raises
    ------
    TruncatedFile
        If the file ends before the first row.
    CorruptFile
        If names and fields do not fit together, or a column is no numbers.
    UnsupportedContent
        If the columns make neither a record nor a spectrum.
    """
    text = source.text
    place = _header_place(text.lines)
    header = text.lines[:place]
    facts = _facts(header, source)
    table = _read_rows(text, place, source)
    rows = Rows(_columns(table, facts, source))
    loops = [int(found[1]) for line in header if (found := _LOOP.match(line))]
    yield from map(checked, measurements(rows, facts, np.sort(np.array(loops, dtype=np.int64)), source))


def _header_place(lines: Sequence[str]) -> int:
    """Return the index of the line that names the columns: where the header says, else the first that looks so."""
    promised = next((int(found[1]) for line in lines[:5] if (found := _COUNT.match(line))), 1)
    if 0 < promised <= len(lines) and _known_names(lines[promised - 1]):
        return promised - 1
    place = next((index for index, line in enumerate(lines[:2000]) if _known_names(line) > 2), None)
    if place is None:
        raise TruncatedFile(
            f"no line names columns in the {len(lines)} lines of the file",
            line=min(promised, len(lines)),
            expected=f"them in line {promised}",
            remedy="export the file again from EC-Lab",
        )
    return place


def _known_names(line: str) -> int:
    return sum(name.startswith(_SPELLINGS) for name in line.split("\t")) if "\t" in line else 0


def _facts(header: Sequence[str], source: Source) -> Facts:
    facts = Facts(original=_header_fields(header))
    title = facts.original.get("Technique", "")
    if title:
        facts.attrs["vendor_technique"] = _ABBREVIATIONS.get(title, title)
    for line in header:
        if found := _VERSION.match(line):
            facts.attrs["software_version"] = found[1]
    for key, name in _TEXTS:
        value = facts.original.get(key, "").strip()
        if value and value != "(unspecified)":
            facts.attrs[name] = value
    if found := _DEVICE.match(facts.original.get("Device", "")):
        facts.attrs |= {"instrument": found[1], "instrument_serial": found[2]}
    add_cell_facts(facts, list(_cell(facts.original)), source)
    facts.start = parse_date(facts.original.get("Acquisition started on", ""))
    return facts


def _header_fields(header: Sequence[str]) -> dict[str, Any]:
    """Return the header as keys and values, lines of one key joined, and the parameters of the technique as lists."""
    fields: dict[str, Any] = {}
    parameters: dict[str, list[str]] = {}
    for number, line in enumerate(header):
        key, mark, value = line.strip().partition(" :")
        if mark and "Nb header lines" not in key:
            fields[key] = f"{fields[key]}\n{value.strip()}" if key in fields else value.strip()
        elif number in (2, 3) and line.strip() and not mark:
            fields["Technique"] = line.strip()
        elif not mark and len(line) > _FIELD and line[:_FIELD].strip():
            values = [line[place : place + _FIELD].strip() for place in range(_FIELD, len(line), _FIELD)]
            parameters[line[:_FIELD].strip()] = values
    if parameters:
        fields["Parameters"] = parameters
    return fields


def _cell(fields: Mapping[str, Any]) -> Iterator[CellFact]:
    for key, name, factors in _CELL:
        # A later line of one key repeats it after the operator has modified the settings.
        found = _NUMBER_UNIT.match(str(fields.get(key, "")).rpartition("\n")[2])
        if not found:
            continue
        unit = found[2].replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u")
        # The superscript of cm2 does not survive every change of encoding.
        unit = re.sub(r"[^a-z].*", "", unit) if name == "electrode_area" else unit
        shown = float(found[1].replace(",", "."))
        if not (name == "nominal_capacity" and shown == 0):
            yield CellFact(name, shown, factors.get(unit, math.nan))


def _read_rows(text: Text, place: int, source: Source) -> Table:
    names = [name.strip() for name in text.lines[place].split("\t")]
    block = _block(text, place, source)
    first = text.lines[block.start]
    width = first.count("\t") + 1
    while len(names) > width and not names[-1]:
        names.pop()
    if width == len(names) + 1 and first.endswith("\t"):
        names.append("")
    if len(names) != width:
        lacking = "" if any(name.startswith("freq/") for name in names) else "; freq/Hz is not among the names"
        raise CorruptFile(
            f"{len(names)} names stand above {width} fields, so no column is certain{lacking}",
            line=place + 1,
            expected="one name for each field",
            remedy="export the file again from EC-Lab without editing it",
        )
    whole = Lines.of(text.lines).first(block.stop)
    table, findings = read_table(
        Text(whole, text.encoding),
        block,
        header=names,
        dialect=_dialect(whole, block.start),
        wanted=_MAPPED,
        limits=source.limits,
    )
    source.findings += findings
    return table


def _block(text: Text, place: int, source: Source) -> Block:
    """Return where the rows lie; a row cut off at the end is noted and left out."""
    lines = text.lines
    start, stop = place + 1, len(lines)
    if stop - start > 1 and not text.complete and _is_cut(lines[-2], lines[-1]):
        source.note("truncated-file", "warning", f"The file ends within line {stop}; this row was left out.")
        stop -= 1
    while start < stop and (not lines[start] or lines[start].isspace()):
        start += 1
    if start >= stop:
        raise TruncatedFile(
            "the file ends after the names of the columns", line=place + 1, expected="rows", remedy="export it again"
        )
    return Block(None, None, start, stop, "\t")


def _dialect(lines: Lines, start: int) -> Dialect | None:
    """Return how the numbers are written: EC-Lab never groups digits, so the mark is the one that is there.

    A few marks of the other kind are damage; where both are common, as in dates, the fields have to tell: None.
    """
    rows = lines.span(start, len(lines))
    sample = rows[:_SAMPLE] + rows[-_SAMPLE:]
    commas, points = (sample.count(mark) for mark in (b",", b"."))
    if 20 * min(commas, points) > max(commas, points):
        return None
    return Dialect("\t", "," if commas > points else ".")


def _is_cut(before: str, last: str) -> bool:
    """Whether the last row has fewer fields than the one before, or ends within a number."""
    if last.count("\t") < before.count("\t"):
        return True
    model, found = (_WHOLE_NUMBER.match(line.rpartition("\t")[2]) for line in (before, last))
    return model is not None and (found is None or len(found[1]) < len(model[1]))


def _columns(table: Table, facts: Facts, source: Source) -> dict[str, tuple[NDArray[Any], float]]:
    columns: dict[str, tuple[NDArray[Any], float]] = {}
    places: dict[str, list[int]] = {}
    for place, name in enumerate(table.header):
        places.setdefault(fold(name), []).append(place)
    for column in _MAPPED:
        position = _position(table, column, places)
        if position is None or column.name in columns:
            continue
        _, factor = conversion(table.units[position] or column.unit)
        if column.name == "test_time" and _holds_dates(table, position):
            columns[column.name] = (_seconds(table, position, facts), 1.0)
        else:
            columns[column.name] = (_numbers(table, position, source), factor * column.sign)
    return columns


def _position(table: Table, column: Column, places: Mapping[str, list[int]]) -> int | None:
    """Return the first column of a name whose unit fits: charges come in C and mA.h, controls in V and mA."""
    expected, _ = conversion(column.unit)
    for spelling in column.spellings:
        for position in places.get(fold(spelling), ()):
            if conversion(table.units[position] or column.unit)[0] == expected:
                return position
    return None


def _numbers(table: Table, position: int, source: Source) -> NDArray[np.float64]:
    """Return a column; single fields that are no numbers become NaN with a finding, most of them are an error."""
    numbers, wrong = table.parse(position)
    if 2 * np.count_nonzero(wrong) >= len(numbers):
        return table.numbers(position)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        source.note(
            "no-number",
            "warning",
            f"{np.count_nonzero(wrong)} fields of {table.header[position]!r} are no numbers, the first one "
            f"{table.texts(position)[first][:40]!r} in line {table.line_of(first)}; they are NaN.",
        )
    return numbers


def _holds_dates(table: Table, position: int) -> bool:
    return not table.is_numeric(position) and any(":" in text for text in table.texts(position)[:3])


def _seconds(table: Table, position: int, facts: Facts) -> NDArray[np.float64]:
    """Return the seconds since the start of the acquisition of a column of dates; without start, since the first."""
    import pandas as pd

    texts = pd.Series([value.replace(",", ".") for value in table.texts(position)])
    best = None
    for layout in ("%m/%d/%Y %H:%M:%S.%f", "%m-%d-%Y %H:%M:%S.%f", "%m.%d.%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S"):
        dates = pd.to_datetime(texts, format=layout, errors="coerce").to_numpy(dtype="datetime64[ns]")
        if best is None or np.isnat(dates).sum() < np.isnat(best).sum():
            best = dates
    if best is None or np.isnat(best).mean() >= 0.5:
        raise CorruptFile(
            f"the column {table.header[position]!r} holds {texts.iloc[0]!r}",
            line=table.line,
            expected="seconds, or dates such as 11/20/2024 11:38:41.707",
        )
    if facts.start is None:
        facts.start = best[~np.isnat(best)][0]
    return np.asarray((best - facts.start.astype("datetime64[ns]")) / np.timedelta64(1, "s"), dtype=float)
