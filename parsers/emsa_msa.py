"""EMSA/MAS spectra (.msa, .emsa, .ems): one EDS or EELS spectrum as text.

Lines ``#KEYWORD-unit : value`` give the axis, ``#SPECTRUM`` opens the values and ``#ENDOFDATA`` closes them. With
``DATATYPE : Y`` a channel's energy is ``OFFSET + XPERCHAN * index``; with ``XY`` each line holds energy and value, and
the energies in the lines decide. Programs disagree in how they spell the unit: ``eV``, ``Energy (EV)``,
``Energy Loss (eV)``. Lines with ``##`` belong to the program that wrote the file.

Source: ISO 22029:2022 and its predecessor, the EMSA/MAS format of R. F. Egerton, C. E. Fiori, J. A. Hunt,
M. S. Isaacson, E. J. Kirkland and N. J. Zaluzec (1991); checked on the files of RosettaSciIO, eXSpy and NexusLIMS.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._dates import month_as_number
from ._image import Axis, Vendor
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra, is_energy
from .errors import CorruptFile, TruncatedFile, UnsupportedContent

Floats = NDArray[np.float64]

SIGNALS = {
    "EDS": "eds", "EDX": "eds", "XEDS": "eds", "XED": "eds", "ELS": "eels", "EELS": "eels",
}  # fmt: skip
"""``SIGNALTYPE`` of the kinds that are read."""

NUMBERS = {
    "BEAMKV": ("beam_energy", 1e3),
    "MAGCAM": ("magnification", 1.0),
    "CONVANGLE": ("convergence_angle", 1.0),
    "COLLANGLE": ("collection_angle", 1.0),
    "LIVETIME": ("live_time", 1.0),
    "REALTIME": ("real_time", 1.0),
    "DWELLTIME": ("dwell_time", 1e-3),
    "ELEVANGLE": ("elevation_angle", 1.0),
    "AZIMANGLE": ("azimuth_angle", 1.0),
}
"""Keyword to attribute and factor: eV, s, mrad and degrees; what is zero there is not set."""

_POSITIVE = frozenset({"beam_energy", "magnification", "convergence_angle", "collection_angle", "live_time",
                       "real_time", "dwell_time"})  # fmt: skip
_ONCE = frozenset({"OFFSET", "XPERCHAN", "XUNITS", "NPOINTS", "DATATYPE", "SIGNALTYPE"})
_BETWEEN = re.compile(r"[\s,;]+")
_LINE = re.compile(r"#\s*([A-Za-z][\w ]*?)\s*(?:-\s*(\w+)\s*)?:(.*)$")
_UNIT = re.compile(r"\(?\b([kmM]?)e[vV]\)?\s*$", re.IGNORECASE)
_EVEN = 0.5
"""Part of a step by which the energies of ``XY`` files may depart from even steps: they are written with few digits."""


def read(source: Source) -> Iterator[Measurement]:
    """Yield the spectrum.

    Raises
    ------
    UnsupportedContent
        If it is no EDS or EELS spectrum, or its axis is not in a unit of energy or not evenly spaced.
    CorruptFile
        If a value is no number, the number of values is not that of the points, as a decimal comma or a lost line
        makes it, or the axis has no step, no origin or two.
    TruncatedFile
        If there are no values. Of a file that is cut off behind its first values, those before the cut are read.
    """
    lines = source.text.lines
    header, first = _header(lines)
    xy = _is_xy(header)
    stop, closed = _end(lines, first)
    whole = stop if closed or source.text.complete else stop - 1  # the last line may have lost digits
    numbers = _values(lines[first:whole], first, xy)
    if not closed:
        message = "The line #ENDOFDATA is missing; the file is cut off, or was not finished."
        source.note("truncated-file", "warning" if whole == stop else "error", message)
    energies, counts = (numbers[0::2], numbers[1::2]) if xy else (None, numbers)
    if counts.size == 0:
        raise TruncatedFile("there are no values", line=first, expected="numbers after #SPECTRUM")
    axis = _axis(source, header, energies)
    _compare_count(source, header, counts.size, closed and not xy)
    _note_unread(source, header)
    signal = header.get("SIGNALTYPE", "").strip().upper()
    if signal not in SIGNALS:
        raise UnsupportedContent(
            f"the signal type {signal!r}",
            expected=f"one of {sorted(SIGNALS)}",
            remedy="state SIGNALTYPE in the file if it is one of these",
        )
    technique = SIGNALS[signal]
    integers = bool(np.all(counts == np.round(counts)) and np.all(counts >= 0))
    counted = integers and (technique == "eds" or "count" in header.get("YUNITS", "").casefold())
    vendor = Vendor("EMSA/MAS", attrs=_attributes(header), metadata=dict(header))
    yield assemble_spectra("spectrum", counts, (), axis, vendor, technique=technique, counted=counted)


def _header(lines: Sequence[str]) -> tuple[dict[str, str], int]:
    """Return the keywords, the last of a repeated one, and the place of the first line of values."""
    found: dict[str, str] = {}
    for place, line in enumerate(lines):
        if line.startswith("##"):
            continue
        match = _LINE.match(line.strip())
        if match is None:
            if line.strip() and not line.lstrip().startswith("#"):
                raise CorruptFile(f"the line {line[:40]!r}", line=place + 1, expected="a keyword, #SPECTRUM at last")
            continue
        key = match[1].upper()
        if key == "SPECTRUM":
            return found, place + 1
        value = match[3].strip()
        if key in _ONCE and found.get(key, value) != value:
            raise CorruptFile(f"{key} is {found[key]!r} and {value!r}", line=place + 1, expected="one value")
        found[key] = value
    raise TruncatedFile("there is no line #SPECTRUM", line=len(lines), expected="the values of the spectrum after it")


def _end(lines: Sequence[str], first: int) -> tuple[int, bool]:
    for place in range(first, len(lines)):
        if lines[place].lstrip().upper().startswith("#ENDOFDATA"):
            return place, True
    return len(lines), False


def _is_xy(header: Mapping[str, str]) -> bool:
    kind = header.get("DATATYPE", "Y").strip().upper()
    if kind not in ("Y", "XY"):
        raise UnsupportedContent(f"the data type {kind!r}", expected="Y or XY in DATATYPE")
    return kind == "XY"


def _values(lines: Sequence[str], first: int, xy: bool) -> Floats:
    """Return the numbers of the lines, pairs of energy and value for ``XY``."""
    rows = [[field for field in _BETWEEN.split(line) if field] for line in lines if not line.startswith("#")]
    if xy and any(len(row) not in (0, 2) for row in rows):
        place = next(place for place, row in enumerate(rows) if len(row) not in (0, 2))
        raise CorruptFile(f"{len(rows[place])} numbers", line=first + place + 1, expected="an energy and a value")
    try:
        numbers = np.array([field for row in rows for field in row], dtype=np.float64)
    except ValueError:
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        for place, line in enumerate(lines):
            for field in filter(None, _BETWEEN.split("" if line.startswith("#") else line)):
                _number(field, first + place + 1)
    return numbers


def _number(field: str, line: int) -> float:
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CorruptFile(f"the value {field!r}", line=line, expected="a number")
    return value


def _compare_count(source: Source, header: dict[str, str], count: int, shifts: bool) -> None:
    """Hold the number of values against that of the points; where energies follow from it a difference shifts them."""
    stated = _stated(header, "NPOINTS")
    if stated is None:
        source.note("row-count", "warning", f"The file does not say how many points it has; it holds {count}.")
        return
    if stated == count:
        return
    if shifts or count > stated + 1 > 2:
        raise CorruptFile(
            f"{count} values where the file announces {stated:g}",
            expected="a value for each point",
            remedy="write a decimal point if the values have a decimal comma",
        )
    message = f"The file announces {stated:g} points and holds {count}; those that are there were read."
    source.note("row-count", "warning" if count > stated else "error", message)


def _note_unread(source: Source, header: Mapping[str, str]) -> None:
    unread = [
        f"{key} {header[key]!r}" for key in (*NUMBERS, "CHOFFSET") if header.get(key) and _stated(header, key) is None
    ]
    if unread:
        source.note("keyword-not-read", "warning", f"Keywords that state no number were left out: {', '.join(unread)}.")


def _axis(source: Source, header: dict[str, str], energies: Floats | None) -> Axis:
    start, step = _stated(header, "OFFSET"), _stated(header, "XPERCHAN")
    axis = Axis(math.nan if step is None else step, start or 0.0, _unit(header.get("XUNITS", "")))
    if not is_energy(axis):
        raise UnsupportedContent(
            f"the axis is in {header.get('XUNITS', '')!r}",
            expected="a unit of energy in XUNITS",
            remedy="state XUNITS in the file if its axis is an energy",
        )
    if start is None and energies is None:
        raise CorruptFile(f"OFFSET is {header.get('OFFSET')!r}", expected="the energy of the first channel")
    zero = _stated(header, "CHOFFSET")
    if zero and step and abs(abs(axis.start) - abs(zero * step)) > abs(step):
        message = f"The channel of zero energy is {zero:g} by CHOFFSET, {-axis.start / step:g} by OFFSET and XPERCHAN."
        source.note("axis-contradicted", "warning", message)
    if energies is None or energies.size < 2:
        return axis
    mean = float(energies[-1] - energies[0]) / (energies.size - 1)
    even = energies[0] + mean * np.arange(energies.size)
    if not mean > 0 or np.abs(energies - even).max() > _EVEN * mean:
        raise UnsupportedContent("the energies of the lines are not evenly spaced", expected="even steps upwards")
    last = energies.size - 1
    if abs(axis.start - energies[0]) < _EVEN * mean and abs(axis.start + last * axis.scale - energies[-1]) < mean:
        return axis  # OFFSET and XPERCHAN have more digits than the lines
    message = (
        f"OFFSET {header.get('OFFSET')} and XPERCHAN {header.get('XPERCHAN')} contradict the energies of the lines, "
        f"{energies[0]:g} to {energies[-1]:g}; the lines were believed."
    )
    source.note("axis-contradicted", "warning", message)
    return Axis(mean, float(energies[0]), axis.unit)


def _unit(spelling: str) -> str:
    """Return the unit out of what stands in ``XUNITS``.

    Examples
    --------
    >>> _unit("Energy (EV)"), _unit("keV"), _unit("")
    ('eV', 'keV', '')
    """
    match = _UNIT.search(spelling)
    if match is None:
        return spelling.strip()
    return {"k": "keV", "K": "keV", "m": "meV", "M": "MeV"}.get(match[1], "eV")


def _stated(header: Mapping[str, str], key: str) -> float | None:
    text = header.get(key, "").strip().replace(" E", "E")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _attributes(header: dict[str, str]) -> dict[str, Any]:
    attrs: dict[str, Any] = {}
    for key, (name, factor) in NUMBERS.items():
        value = _stated(header, key)
        if value is not None and (value > 0 or name not in _POSITIVE):
            attrs[name] = value * factor
    if header.get("OPERMODE", "").upper().startswith("DIFF"):
        attrs.pop("magnification", None)  # it is a camera length then
    attrs["title"] = header.get("TITLE", "").strip() or None
    attrs["start_time"] = _moment(header.get("DATE", ""), header.get("TIME", ""))
    return attrs


def _moment(date: str, clock: str) -> str | None:
    text = month_as_number(f"{date.strip()} {clock.strip()}")
    found = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{2})$", text)
    if found is None:
        return None
    year, month, day, hour, minute = map(int, found.groups())
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00"
