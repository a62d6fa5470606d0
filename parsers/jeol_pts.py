"""X-ray maps of JEOL Analysis Station (.pts) as events: which pixel, which channel.

A header points to a tree of tags and to a stream of 16-bit words. The upper four bits say what a word is: 8 the column
and 9 the line of the beam, both on a raster of 4096, and 11 the channel of an event; 6 and 7 count time. Energies are
``CoefA * (channel - DigZ) + CoefB`` in keV, with ``DigZ`` of the pulse processor's setting that was used; below the
last number of its ``ExCoef`` (0.525 keV) the first three are a quadratic law that moves the energy up by up to 20 eV.

Source: layout found in the file of RosettaSciIO's tests. The five maps of elements that JEOL's program wrote beside
it, and above 0.5 keV its sum spectrum, are equal to the counts of these events, pixel by pixel; C K only with the
quadratic law.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import schema
from ._image import Axis, coordinate, metadata_json, steps
from ._jeol_tags import Tag, moment, pixel, tree
from ._source import Measurement, Source
from .errors import CorruptFile, TruncatedFile, UnsupportedContent
from .findings import Finding

_RASTER = 4096
_COLUMN, _LINE, _EVENT = 8, 9, 11
_CHANNELS = 4096
_DATE = 0x128
_TREE, _STREAM = 5, 7  # places among the 32-bit words of the header
_SETTINGS = ("PTTD Data", "AnalyzableMap MeasData")


def read(source: Source) -> Iterator[Measurement]:
    """Yield the events of the map.

    Raises
    ------
    TruncatedFile
        If the stream is shorter than the header says.
    CorruptFile
        If an event lies outside the map or before its first pixel.
    UnsupportedContent
        If the file lacks the size of the raster or the scale of the energy.
    """
    cursor = source.cursor()
    words = cursor.array("<u4", 9)
    cursor.seek(_DATE)
    (date,) = cursor.unpack("d")
    cursor.seek(int(words[_TREE]))
    tags = tree(cursor)
    cursor.seek(int(words[_STREAM]))
    length = int(words[_STREAM + 1])
    if length % 2 or length > cursor.remaining:
        raise TruncatedFile(f"{cursor.remaining} bytes of events", offset=cursor.offset, expected=f"{length}")
    data = tags.at(*_SETTINGS)
    height, width = _raster(data)
    findings: list[Finding] = []
    place, channel, frames = _decoded(cursor.array("<u2", length // 2), height, width)
    side, unit = pixel(data.at("MeasCond"), width, scan=tags.at("PTTD Param", "Params", "PARAMPAGE0"))
    axis = steps(Axis(side, 0.0, unit))
    if axis.unit == "pixel":
        findings.append(Finding("uncalibrated", "warning", f"The map is in pixels: {axis.reason}."))
    values: dict[str, Any] = {
        "pixel": place,
        "channel": channel,
        "energy": _energies(tags, data, findings),
        "y": coordinate("y", axis, height),
        "x": coordinate("x", axis, width),
    }
    findings += _compared_with_sum(tags, data, channel)
    attrs = _attributes(tags, data) | {"frames": frames, "start_time": moment(date)}
    attrs["original_metadata"] = metadata_json(tags.plain())
    known = {key: value for key, value in attrs.items() if value}
    yield Measurement("events_0", schema.build("eds_events", values, **known), findings)


def _raster(data: Tag) -> tuple[int, int]:
    """Return lines and columns of the scan."""
    text = data.at("Meas Cond", "Pixels").text
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 0 < height <= _RASTER or not width or _RASTER % width:
        raise UnsupportedContent(f"a map of {text!r} pixels", expected="width x height, such as '512x512'")
    return height, width


def _decoded(stream: NDArray[np.uint16], height: int, width: int) -> tuple[NDArray[np.uint32], NDArray[np.uint16], int]:
    """Return pixel and channel of every event, and how often the beam began at the top."""
    kind: NDArray[np.uint16] = stream >> np.uint16(12)
    number: NDArray[np.uint16] = stream & np.uint16(0xFFF)
    if np.any(~np.isin(kind, (6, 7, _COLUMN, _LINE, _EVENT))):
        strange = int(stream[~np.isin(kind, (6, 7, _COLUMN, _LINE, _EVENT))][0])
        raise UnsupportedContent(f"the word {strange:#06x} in the stream of events", expected="a place or an event")
    events = np.flatnonzero(kind == _EVENT)
    y, x = (_last(number, kind == what, events) for what in (_LINE, _COLUMN))
    step = _RASTER // width
    y, x = y // step, x // step
    if events.size and int(y.max()) >= height:
        raise CorruptFile(f"an event in line {int(y.max())}", expected=f"below {height}")
    lines = number[kind == _LINE]
    frames = int(np.count_nonzero(np.diff(lines.astype(np.int32)) < 0)) + bool(lines.size)
    return (y.astype(np.uint32) * np.uint32(width) + x).astype(np.uint32), number[events], frames


def _last(number: NDArray[np.uint16], mark: NDArray[np.bool_], events: NDArray[np.intp]) -> NDArray[np.uint16]:
    """Return the number of the last mark before each event."""
    marks = np.flatnonzero(mark)
    place = np.searchsorted(marks, events) - 1
    if events.size and (not marks.size or place[0] < 0):
        raise CorruptFile("an event before the first pixel", expected="the place of the beam before its events")
    return number[marks[place]]


def _energies(tags: Tag, data: Tag, findings: list[Finding]) -> NDArray[np.float64]:
    """Return the energies of the channels in eV."""
    setting, processor = data.at("Meas Cond", "Tpl").text, _processor(tags, data)
    scale, start = (data.at("Doc", name).number for name in ("CoefA", "CoefB"))
    zero = processor.at("DigZ").number
    if not scale or scale < 0 or start is None or zero is None:
        raise UnsupportedContent(
            f"no scale of the energy for the setting {setting!r}", expected="CoefA, CoefB and the setting's DigZ"
        )
    energy = scale * (np.arange(_CHANNELS, dtype=np.float64) - zero) + start
    law = processor.at("ExCoef").numbers
    if len(law) == 4 and law[3] > 0:
        corrected = _corrected(energy, law)
        if np.all(np.diff(corrected) > 0):
            return 1e3 * corrected
        message = f"The law for energies below {law[3]:g} keV is not monotonic and was not applied: {law[:3]}."
        findings.append(Finding("energy-law-not-applied", "warning", message))
    return 1e3 * energy


def _corrected(energy: NDArray[np.float64], law: list[float]) -> NDArray[np.float64]:
    """Apply the quadratic law from 0 keV to its limit; below 0, where it means nothing, only its shift."""
    quadratic, linear, constant, limit = law
    low = (quadratic * energy + linear) * energy + constant
    return np.where(energy >= limit, energy, np.where(energy < 0, energy + constant, low))


def _compared_with_sum(tags: Tag, data: Tag, channel: NDArray[np.uint16]) -> list[Finding]:
    """Hold the events against the sum spectrum before them, above the energies that the law moves."""
    processor = _processor(tags, data)
    stored = np.asarray(tags.at("EDS Data", "AnalyzableMap MeasData", "Data", "EDXRF").numbers)
    scale, law, zero = data.at("Doc", "CoefA").number, processor.at("ExCoef").numbers, processor.at("DigZ").number
    if not stored.size or not scale or zero is None:
        return []
    first = int(law[3] / scale) + 3 if len(law) == 4 else 0
    counted = np.bincount(channel, minlength=_CHANNELS)[int(zero) :][: stored.size]
    differing = int(np.count_nonzero(counted[first:] != stored[first : counted.size]))
    if not differing:
        return []
    message = f"The events differ from the sum spectrum of the file in {differing} channels; some of them are damaged."
    return [Finding("sum-contradicted", "warning", message)]


def _processor(tags: Tag, data: Tag) -> Tag:
    """Return the setting of the pulse processor that was used."""
    return tags.at("PTTD Param", "Params", "PARAMPAGE1", "Tpl", data.at("Meas Cond", "Tpl").text)


def _attributes(tags: Tag, data: Tag) -> dict[str, Any]:
    volts, dwell = data.at("MeasCond", "AccKV").number, data.at("Doc", "DwellTime(msec)").number
    return {
        "beam_energy": 1e3 * volts if volts else None,
        "magnification": data.at("MeasCond", "Mag").number,
        "live_time": data.at("Doc", "LiveTime").number,
        "real_time": data.at("Doc", "RealTime").number,
        "dwell_time": 1e-3 * dwell if dwell else None,
        "instrument": tags.at("PTTD Param", "Params", "PARAMPAGE0", "SEM").text,
    }
