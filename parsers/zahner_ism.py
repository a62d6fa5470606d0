"""Zahner Thales impedance spectra (.ism): big-endian arrays of the points, then the header.

========================  ==========================================================================================
bytes                     content
========================  ==========================================================================================
6                         layout: -1 or -2 in the lower four bytes
6                         number of points less one
8 n each                  frequency (Hz), modulus (ohm), phase (rad), time (s since 1980-01-01 by the clock of the PC)
2 n                       significance in thousandths
2 + length each           ten texts with upper and lower case exchanged: date as ddmmyy, title, potential with
                          amplitude, current, temperature, start and end, four lines of comment
6                         size of the rest in bytes
8 each                    32 settings; in layout -2 then DC potential (V) and DC current (A) of each point
========================  ==========================================================================================

A measurement usually starts within its range, runs to one limit, turns and covers the whole range; Thales shows only
the second run. Here it is the group ``eis``, the first run is ``eis_overlap``.

Worked out from corpus/eis (Zahner-Analysis-Python, EISART) and held against the vendor's open-source reader
zahner_analysis for the arrays; the meaning of the settings follows from the files alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ._binary import Cursor
from ._source import Measurement, Source
from ._spectrum import spectra
from .errors import CorruptFile, TruncatedFile

TEXTS = ("date", "title", "potential", "current", "temperature", "time", *(f"comment_{n}" for n in range(1, 5)))
SETTINGS = {12: "lowest_frequency", 13: "highest_frequency", 25: "amplitude_millivolt"}
"""Settings whose meaning the files show, by their place."""

_SETTINGS = 32
_EPOCH = np.datetime64("1980-01-01T00:00:00", "ms")
_DAY = 86_400.0
_HIGHEST = 1e9
_SURE = 900
_FRACTIONS = {"M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_NUMBER = r"([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)"
_QUANTITY = re.compile(rf"\s*{_NUMBER}\s*([Mkmunp]?)([VA]?)\s*(?:,|$)")
_AMPLITUDE = re.compile(rf"Ampl:\s*{_NUMBER}\s*([kmunp]?)([VA])")
_TEMPERATURE = re.compile(rf"\s*{_NUMBER}\s*\+-")
_CLOCK = re.compile(r"\s*(\d\d):(\d\d):(\d\d)")
_OPEN_INPUT = 1.0
_EXCHANGED = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)


@dataclass
class Header:
    """What stands behind the points."""

    texts: dict[str, str] = field(default_factory=dict)
    settings: list[float] = field(default_factory=list)
    dc: NDArray[np.float64] | None = None

    def setting(self, name: str) -> float | None:
        """Return one of `SETTINGS`, None where the file has none."""
        place = next(place for place, known in SETTINGS.items() if known == name)
        return self.settings[place] if self.settings else None


def read(source: Source) -> Iterator[Measurement]:
    """Yield the spectrum, and the run before the turn where there is one.

    Raises
    ------
    TruncatedFile
        If the file ends before the first phase.
    CorruptFile
        If the number of points contradicts what follows it.
    """
    cursor = source.cursor(byteorder=">")
    cursor.skip(6)
    count = int.from_bytes(cursor.take(6), "big") + 1
    columns, whole = _points(cursor, count, source)
    header = _header(cursor, count, source) if whole else Header()
    columns, facts = _with_facts(columns, header, source)
    columns = _plausible(columns, whole, source)
    _check_limits(columns["frequency"], header, source)
    for group, part in _runs(columns["frequency"], source):
        run = {name: values[part] for name, values in columns.items()}
        yield from spectra(run, facts, source, group=group)


def _points(cursor: Cursor, count: int, source: Source) -> tuple[dict[str, NDArray[Any]], bool]:
    """Return the columns as far as they are whole, and whether the file goes on behind them."""
    rows = min(count, max(cursor.remaining - 16 * count, 0) // 8)
    if not rows:
        raise TruncatedFile(
            f"the file ends within its {count} points",
            offset=cursor.offset,
            expected="frequency, modulus and phase",
            remedy="copy it from the instrument again",
        )
    frequency, modulus = (np.array(cursor.array("f8", count)[:rows], dtype=float) for _ in range(2))
    phase = np.array(cursor.array("f8", rows), dtype=float)
    columns = {"frequency": frequency, "modulus": modulus, "phase": phase}
    if rows < count:
        source.note(
            "truncated-rows", "warning", f"The file ends within the phases: {rows} of {count} points are whole."
        )
        return columns, False
    if cursor.remaining < 10 * count:
        source.note("truncated-header", "warning", f"The file ends behind the phases of its {count} points.")
        return columns, False
    columns["stamps"] = np.abs(np.array(cursor.array("f8", count), dtype=float))
    significance = cursor.array("i2", count)
    unsure = int(np.count_nonzero(significance < _SURE))
    if unsure:
        message = f"Thales gives {unsure} of {count} points a significance below {_SURE / 1000:.1f}."
        source.note("low-significance", "info", message)
    return columns, True


def _header(cursor: Cursor, count: int, source: Source) -> Header:
    """Return texts and settings; what is behind a damaged or missing part is left out with a finding."""
    header = Header()
    start = cursor.offset
    try:
        for name in TEXTS:
            length = cursor.u16()
            header.texts[name] = bytes(cursor.take(length)).decode("latin-1").translate(_EXCHANGED)
            if name == "date" and not re.match(r"\d{6}", header.texts["date"]):
                raise CorruptFile(
                    f"{count} points do not end where the date begins", offset=start, expected="a date as ddmmyy"
                )
        values = cursor.array("f8", int.from_bytes(cursor.take(6), "big") // 8)
    except TruncatedFile:
        if not header.texts and cursor.remaining > 1:
            raise CorruptFile(f"{count} points do not end where the date begins", offset=start) from None
        source.note("truncated-header", "warning", "The header behind the points is damaged or cut off.")
        return header
    header.settings = [float(value) for value in values[:_SETTINGS]] if len(values) >= _SETTINGS else []
    if len(values) == _SETTINGS + 2 * count:
        header.dc = np.array(values[_SETTINGS:], dtype=float).reshape(count, 2)
    elif len(values) != _SETTINGS:
        source.note("unread-settings", "info", f"The header holds {len(values)} numbers of unknown order.")
    return header


def _with_facts(
    columns: dict[str, NDArray[Any]], header: Header, source: Source
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the columns with times and DC values added, and the facts about the whole measurement."""
    columns = dict(columns)
    texts = header.texts
    metadata = {"texts": texts, "settings": [value if np.isfinite(value) else None for value in header.settings]}
    comment = "\n".join(texts.get(name, "").strip() for name in TEXTS[-4:]).strip()
    facts: dict[str, Any] = {
        "title": texts.get("title", "").strip() or None,
        "comment": comment or None,
        "original_metadata": json.dumps(metadata, ensure_ascii=False),
        "start_time": None,
    }
    start = _start(texts)
    stamps = columns.pop("stamps", None)
    if stamps is not None and np.isfinite(stamps).all() and np.ptp(stamps) < 1e4 * _DAY:
        first = _EPOCH + np.timedelta64(int(min(stamps[0], 1e10) * 1000), "ms")
        if start is None or abs((first - start) / np.timedelta64(1, "s")) < _DAY:
            start = start or first
            columns["test_time"] = stamps - float((start - _EPOCH) / np.timedelta64(1, "s"))
        else:
            message = f"The times of the points begin at {first}, the header at {start}; they were left out."
            source.note("times-against-date", "info", message)
    if start is not None:
        facts["start_time"] = str(np.datetime_as_string(start, unit="ms"))
    if header.dc is not None:
        columns["dc_potential"], columns["dc_current"] = header.dc.T
    return columns, facts | _stated(header, source)


def _stated(header: Header, source: Source) -> dict[str, Any]:
    """Return amplitude, temperature and DC values that the header states."""
    texts = header.texts
    facts: dict[str, Any] = {}
    for name, key in (("dc_potential", "potential"), ("dc_current", "current")):
        stated = _QUANTITY.match(texts.get(key, ""))
        if header.dc is None and stated:
            facts[name] = float(stated[1]) * _FRACTIONS[stated[2]]
    amplitude = _AMPLITUDE.search(texts.get("potential", "")) or _AMPLITUDE.search(texts.get("current", ""))
    if amplitude and float(amplitude[1]) > 0:
        value = float(amplitude[1]) * _FRACTIONS[amplitude[2]]
        name = "voltage_amplitude" if amplitude[3] == "V" else "current_amplitude"
        facts[name] = xr.Variable((), value, {"comment": "as set"})
        setting = header.setting("amplitude_millivolt")
        if amplitude[3] == "V" and setting and not np.isclose(setting * 1e-3, value, rtol=0.01):
            message = f"The header states an amplitude of {value:g} V and {setting:g} mV."
            source.note("amplitude-mismatch", "warning", message)
    temperature = _TEMPERATURE.match(texts.get("temperature", ""))
    if temperature and abs(float(temperature[1])) > _OPEN_INPUT:
        facts["temperature"] = float(temperature[1])
    elif temperature:
        message = f"A temperature of {float(temperature[1]):g} degC is that of an open thermometer input; left out."
        source.note("placeholder-setting", "info", message)
    return facts


def _start(texts: dict[str, str]) -> np.datetime64 | None:
    date, clock = re.match(r"(\d\d)(\d\d)(\d\d)", texts.get("date", "")), _CLOCK.match(texts.get("time", ""))
    if not date or not clock:
        return None
    century = "20" if int(date[3]) < 70 else "19"
    try:
        return np.datetime64(f"{century}{date[3]}-{date[2]}-{date[1]}T{clock[1]}:{clock[2]}:{clock[3]}", "ms")
    except ValueError:
        return None


def _plausible(columns: dict[str, NDArray[Any]], whole: bool, source: Source) -> dict[str, NDArray[Any]]:
    """Return impedance beside frequency, without points that no instrument writes."""
    columns = dict(columns)
    frequency, modulus, phase = columns["frequency"], columns.pop("modulus"), columns.pop("phase")
    with np.errstate(invalid="ignore"):
        good = (
            (frequency > 0) & (frequency < _HIGHEST) & (modulus > 0) & (modulus < 1e18) & (np.abs(phase) <= 2 * np.pi)
        )
    bad = int(np.count_nonzero(~good))
    if bad > 0.1 * len(good) or (bad and not whole):
        raise CorruptFile(
            f"{bad} of {len(good)} points have no possible frequency, modulus or phase",
            expected="frequency and modulus above 0, a phase in rad",
            remedy="copy the file from the instrument again",
        )
    if bad:
        message = f"{bad} of {len(good)} points have no possible frequency, modulus or phase; they were left out."
        source.note("impossible-points", "warning", message)
    columns["impedance"] = np.where(good, modulus, np.nan) * np.exp(1j * np.where(good, phase, 0.0))
    return {name: values[good] for name, values in columns.items()}


def _check_limits(frequency: NDArray[np.float64], header: Header, source: Source) -> None:
    lowest, highest = header.setting("lowest_frequency"), header.setting("highest_frequency")
    if not lowest or not highest or not 0 < lowest < highest:
        return
    outside = int(np.count_nonzero((frequency < 0.99 * lowest) | (frequency > 1.01 * highest)))
    if outside:
        message = f"{outside} of {len(frequency)} frequencies lie outside the set {lowest:g} to {highest:g} Hz."
        source.note("frequency-outside-limits", "warning", message)


def _runs(frequency: NDArray[np.float64], source: Source) -> list[tuple[str, slice]]:
    """Return the parts of the sweep between its turns, the one with the wider range called ``eis``."""
    directions = np.sign(np.diff(frequency))
    moving = np.flatnonzero(directions)
    turns = moving[1:][np.diff(directions[moving]) != 0]
    if not len(turns):
        return [("eis", slice(None))]
    if len(turns) > 1:
        message = f"The frequency turns {len(turns)} times; the points keep their order."
        source.note("frequency-order", "warning", message)
        return [("eis", slice(None))]
    turn = int(turns[0])
    before, after = slice(0, turn), slice(turn, None)
    wider = np.ptp(np.log(frequency[: turn + 1])) > np.ptp(np.log(frequency[after]))
    if wider:
        before, after = slice(turn + 1, None), slice(0, turn + 1)
    points = len(frequency[before])
    message = f"The sweep turns at {frequency[turn]:g} Hz; the {points} points of the shorter run are eis_overlap."
    source.note("overlapping-runs", "info", message)
    return [("eis", after), ("eis_overlap", before)]
