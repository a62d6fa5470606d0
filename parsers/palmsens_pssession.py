"""PalmSens PSTrace sessions (.pssession): one JSON object in UTF-16, with any number of measurements.

Each measurement has a title, a time stamp in units of 100 ns since the year 1, the device, a ``Method`` of lines
``NAME=value`` and a ``DataSet`` of arrays. An array is known by its ``ArrayType``, its unit stands beside it, and its
quantity says the sign: the imaginary part is stored as ``-Z''``, the phase as ``-Phase``. Currents are in microampere
although their unit reads A. The same arrays are repeated for the plots under ``EISDataList``, which is not read.

Checked on corpus/eis (pyimpspec).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._impedance_polar import compare_polar, from_polar
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_checks import refuse_reversed_sign, with_own_findings
from .errors import CorruptFile, LimitExceeded, ParseError, TruncatedFile, UnsupportedContent
from .units import conversion


@dataclass(frozen=True)
class Array:
    """One line of the map of arrays: its number, our name and the unit into which its values are converted."""

    number: int
    name: str
    unit: str


ARRAYS = (
    Array(5, "frequency", "Hz"),
    Array(7, "real", "ohm"),
    Array(8, "imaginary", "ohm"),
    Array(10, "modulus", "ohm"),
    Array(6, "phase", "degree"),
    Array(0, "test_time", "s"),
    Array(33, "dc_potential", "V"),
    Array(2, "dc_current", "A"),
    Array(34, "voltage_amplitude", "V"),
)
REQUIRED = ("frequency", "real", "imaginary")

_MICRO = "PalmSens.Units.MicroAmpere"
_TICKS = 10_000_000
_YEAR_ONE = np.datetime64("0001-01-01T00:00:00", "s")
_LARGEST = 2**28
_MEASUREMENTS = re.compile(r'"Measurements"\s*:\s*\[')
_SPACE = re.compile(r"[\s,]*")
_HUGE = 10**100


def read(source: Source) -> Iterator[Measurement]:
    """Yield every spectrum of the session; other measurements are left out with a finding.

    Raises
    ------
    TruncatedFile
        If the session ends before a measurement is whole.
    CorruptFile
        If it is no JSON, or arrays contradict each other.
    UnsupportedContent
        If no measurement is an impedance spectrum.
    LimitExceeded
        If the file is larger than 256 MiB.
    """
    session, entries = _session(source)
    found: list[Measurement] = []
    failure: ParseError | None = None
    for number, entry in enumerate(entries):
        group = "eis" if len(entries) == 1 else f"eis_{number}"
        try:
            found += with_own_findings(_spectra(entry, session, group, source), source)
        except ParseError as error:
            failure = failure or error
            title = _text(entry, "Title")
            source.note("left-out-measurement", "warning", f"The measurement {number} {title!r} was left out: {error}")
    if failure is not None and not found:
        raise failure
    yield from found


def _session(source: Source) -> tuple[dict[str, Any], list[Any]]:
    """Return the session's own facts and its measurements, of a broken file those before the break."""
    if len(source.data) > _LARGEST:
        raise LimitExceeded(
            f"the session has {len(source.data)} bytes",
            expected=f"at most {_LARGEST}",
            remedy="save its measurements in several sessions",
        )
    text = _decode(source.data)
    try:
        # What follows the object is a second byte-order mark.
        session, _ = json.JSONDecoder().raw_decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        entries = _whole_measurements(text)
        if not entries:
            at = error.pos if isinstance(error, json.JSONDecodeError) else 0
            kind = TruncatedFile if at > len(text) - 80 or "Unterminated" in str(error) else CorruptFile
            raise kind(
                f"the JSON breaks off or is damaged at character {at}: {error}",
                expected="at least one whole measurement",
                remedy="save the session in PSTrace again",
            ) from error
        message = f"The session is cut off or damaged; the {len(entries)} measurements before that place are whole."
        source.note("truncated-session", "warning", message)
        return {}, entries
    measured = session.get("Measurements") if isinstance(session, dict) else None
    if not isinstance(measured, list) or not measured:
        raise UnsupportedContent("the session holds no measurements", expected="an array 'Measurements'")
    return session, measured


def _decode(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    whole = data[: len(data) // 2 * 2] if encoding == "utf-16" else data
    try:
        return whole.decode(encoding)
    except UnicodeDecodeError as error:
        if error.reason.startswith("unexpected end"):
            return whole[: error.start].decode(encoding)
        raise CorruptFile(
            f"the bytes are not {encoding}: {error.reason}", offset=error.start, expected="a session of PSTrace"
        ) from error


def _whole_measurements(text: str) -> list[Any]:
    start = _MEASUREMENTS.search(text)
    entries: list[Any] = []
    at = start.end() if start else len(text)
    decoder = json.JSONDecoder()
    while text.startswith("{", at):
        try:
            entry, at = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            break
        entries.append(entry)
        at = _end(text, at)
    return entries


def _end(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _spectra(entry: Any, session: Mapping[str, Any], group: str, source: Source) -> Iterator[Measurement]:
    data = entry.get("DataSet") if isinstance(entry, dict) else None
    arrays = data.get("Values") if isinstance(data, dict) else None
    if not isinstance(arrays, list):
        raise UnsupportedContent("it has no data set", expected="'DataSet' with 'Values'")
    columns = _columns(arrays, source)
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise UnsupportedContent(f"it has no array for {missing}", expected="an impedance spectrum")
    impedance = np.asarray(columns["real"] + 1j * columns["imaginary"], dtype=np.complex128)
    if "modulus" in columns and "phase" in columns:
        source.findings.extend(compare_polar(impedance, from_polar(columns["modulus"], columns["phase"])))
    refuse_reversed_sign(columns["frequency"], impedance)
    beside = {name: values for name, values in columns.items() if name in schema.TECHNIQUES["eis"]}
    yield from spectra(beside | {"impedance": impedance}, _facts(entry, session, source), source, group=group)


def _columns(arrays: list[Any], source: Source) -> dict[str, Any]:
    """Return the mapped arrays as long as the frequencies, in the units of the vocabulary."""
    by_number = {str(array.get("ArrayType")): array for array in arrays if isinstance(array, dict)}
    columns: dict[str, Any] = {}
    left_out: list[str] = []
    for known in ARRAYS:
        array = by_number.get(str(known.number))
        if array is None:
            continue
        values = _values(array, known)
        points = len(columns.get("frequency", values))
        if len(values) == points:
            columns[known.name] = values
        elif known.name in REQUIRED:
            raise CorruptFile(f"{array.get('Description')} has {len(values)} values", expected=f"{points}")
        else:
            left_out.append(f"{array.get('Description')} ({len(values)})")
    if "voltage_amplitude" in columns:
        measured = {"comment": "as measured"}
        columns["voltage_amplitude"] = xr.Variable("frequency", columns["voltage_amplitude"], measured)
    if left_out:
        message = f"Arrays of another length than the frequencies were left out: {', '.join(left_out)}."
        source.note("left-out-arrays", "warning", message)
    return columns


def _values(array: Mapping[str, Any], known: Array) -> NDArray[np.float64]:
    """Return the values of an array; what is no number becomes NaN."""
    unit = array.get("Unit")
    unit = unit if isinstance(unit, dict) else {}
    spelled = "uA" if unit.get("Type") == _MICRO else str(unit.get("S"))
    wanted, factor = conversion(spelled)
    if wanted != known.unit:
        raise CorruptFile(f"{array.get('Description')} is in {spelled!r}", expected=known.unit)
    sign = -1.0 if str(unit.get("Q")).startswith("-") else 1.0
    items = array.get("DataValues")
    values = np.array([_value(item) for item in items] if isinstance(items, list) else [], dtype=float)
    return np.where(np.isfinite(values), values * (sign * factor), np.nan)


def _value(item: Any) -> float:
    value = item.get("V") if isinstance(item, dict) else None
    # An integer of that size is no measured value, and no float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _HUGE:
        return np.nan
    return float(value)


def _facts(entry: Mapping[str, Any], session: Mapping[str, Any], source: Source) -> dict[str, Any]:
    method = dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*?)\r?$", _text(entry, "Method"), re.MULTILINE))
    kept = {name: value for name, value in entry.items() if isinstance(value, str | int | float)} | {"Method": method}
    facts: dict[str, Any] = {
        "title": _text(entry, "Title") or None,
        "vendor_technique": method.get("METHOD_ID"),
        "instrument_serial": _text(entry, "DeviceSerial") or None,
        "software_version": _text(session, "CoreVersion") or None,
        "start_time": _start(entry.get("TimeStamp"), source),
        "original_metadata": json.dumps(kept, ensure_ascii=False),
    }
    area = _number(method.get("AREA", ""))
    if area is not None and area > 0:
        facts["electrode_area"] = area
    return facts


def _text(entry: Any, name: str) -> str:
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else ""


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _start(ticks: Any, source: Source) -> str | None:
    """Return the local time of a count of 100 ns since the year 1."""
    if not isinstance(ticks, int) or not ticks:
        return None
    seconds, rest = divmod(ticks, _TICKS)
    if not 0 < seconds < 10**11:
        source.note("unread-date", "info", f"The time stamp {ticks} is no date of this age; it was left out.")
        return None
    moment = (_YEAR_ONE + np.timedelta64(seconds, "s")).astype("datetime64[ms]")
    return str(np.datetime_as_string(moment + np.timedelta64(rest // 10_000, "ms"), unit="ms"))
