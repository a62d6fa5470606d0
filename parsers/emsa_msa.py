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
from collections.abc import Iterator, Sequence
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
        If a value is no number, there are more values than points, as a decimal comma makes, or the axis has no step.
    TruncatedFile
        If there are no values.
    """
    lines = source.text.lines
    header, first = _header(lines)
    stop, closed = _end(lines, first)
    values = _values(lines[first:stop], first)
    if not closed:
        source.note("truncated-file", "warning", "The line #ENDOFDATA is missing; the file may be cut off.")
    xy = header.get("DATATYPE", "Y").strip().upper() == "XY"
    energies, counts = (values[0::2], values[1::2]) if xy else (None, values)
    if xy and values.size % 2:
        raise CorruptFile(f"{values.size} numbers", line=stop, expected="pairs of energy and value")
    if counts.size == 0:
        raise TruncatedFile("there are no values", line=first, expected="numbers after #SPECTRUM")
    _compare_count(source, header, counts.size)
    axis = _axis(source, header, energies)
    signal = header.get("SIGNALTYPE", "").strip().upper()
    if signal not in SIGNALS:
        raise UnsupportedContent(
            f"the signal type {signal!r}",
            expected=f"one of {sorted(SIGNALS)}",
            remedy="state SIGNALTYPE in the file if it is one of these",
        )
    technique = SIGNALS[signal]
    whole = bool(np.all(counts == np.round(counts)) and np.all(counts >= 0))
    counted = whole and (technique == "eds" or "count" in header.get("YUNITS", "").casefold())
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
        found[key] = match[3].strip()
    raise TruncatedFile("there is no line #SPECTRUM", line=len(lines), expected="the values of the spectrum after it")


def _end(lines: Sequence[str], first: int) -> tuple[int, bool]:
    for place in range(first, len(lines)):
        if lines[place].lstrip().upper().startswith("#ENDOFDATA"):
            return place, True
    return len(lines), False


def _values(lines: Sequence[str], first: int) -> Floats:
    text = "\n".join(line for line in lines if not line.startswith("#"))
    try:
        return np.array(re.split(r"[\s,;]+", text.strip()) if text.strip() else [], dtype=np.float64)
    except ValueError:
        for place, line in enumerate(lines):
            for field in filter(None, re.split(r"[\s,;]+", line)):
                _number(field, first + place + 1)
        raise


def _number(field: str, line: int) -> float:
    try:
        return float(field)
    except ValueError:
        raise CorruptFile(f"the value {field!r}", line=line, expected="a number") from None


def _compare_count(source: Source, header: dict[str, str], count: int) -> None:
    stated = _stated(header, "NPOINTS")
    if stated is not None and count > stated + 1 > 2:
        raise CorruptFile(
            f"{count} values where the file announces {stated:g}",
            expected="a value for each point",
            remedy="write a decimal point if the values have a decimal comma",
        )
    if stated is not None and stated != count:
        message = f"The file announces {stated:g} points and holds {count}; those that are there were read."
        source.note("row-count", "warning" if count > stated else "error", message)


def _axis(source: Source, header: dict[str, str], energies: Floats | None) -> Axis:
    start, step = _stated(header, "OFFSET"), _stated(header, "XPERCHAN")
    axis = Axis(math.nan if step is None else step, start or 0.0, _unit(header.get("XUNITS", "")))
    if not is_energy(axis):
        raise UnsupportedContent(
            f"the axis is in {header.get('XUNITS', '')!r}",
            expected="a unit of energy in XUNITS",
            remedy="state XUNITS in the file if its axis is an energy",
        )
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
    return {"k": "keV", "K": "keV", "m": "meV"}.get(match[1], "eV")


def _stated(header: dict[str, str], key: str) -> float | None:
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
