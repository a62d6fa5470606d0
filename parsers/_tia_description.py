"""What the .emi file of TIA tells of the microscope: descriptions in XML between blocks of bytes that are not read."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

_OBJECT = re.compile(rb"<ObjectInfo>.*?</ObjectInfo>", re.DOTALL)
_ENTRY = re.compile(r"<Label>([^<]*)</Label>\s*<Value>([^<]*)</Value>\s*<Unit>([^<]*)</Unit>")
_VOLTAGE = re.compile(r"<AcceleratingVoltage>([^<]*)</AcceleratingVoltage>")
_DATE = re.compile(r"<AcquireDate>([^<]*)</AcquireDate>")
_KEPT = ("Microscope", "Mode", "Magnification", "Camera length", "Filter mode", "Spot size", "Stage A", "Stage B")


def describe(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return attributes (beam energy in eV, instrument, magnification) and the metadata of the first description.

    Parameters
    ----------
    data : bytes
        The whole .emi file.

    Returns
    -------
    attributes : dict
        What is known of ``beam_energy``, ``instrument`` and ``magnification``.
    metadata : dict
        Entries as they are written, with their units.
    """
    for found in _OBJECT.finditer(data):
        text = unescape(found.group().decode("utf-8", "replace"))
        entries = {label.strip(): (value.strip(), unit.strip()) for label, value, unit in _ENTRY.findall(text)}
        if not entries:
            continue
        attrs: dict[str, Any] = {
            "beam_energy": _positive(_VOLTAGE.search(text)),
            "instrument": entries.get("Microscope", ("", ""))[0].removeprefix("Microscope ") or None,
        }
        if "Diffraction" not in entries.get("Mode", ("", ""))[0] or "STEM" in entries.get("Mode", ("", ""))[0]:
            attrs["magnification"] = _number(entries.get("Magnification", ("", ""))[0])
        metadata = {label: " ".join(entries[label]).strip() for label in _KEPT if label in entries}
        if date := _DATE.search(text):
            metadata["AcquireDate"] = date[1]
        return {name: value for name, value in attrs.items() if value is not None}, metadata
    return {}, {}


def _positive(found: re.Match[str] | None) -> float | None:
    return None if found is None else _number(found[1])


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1e9 else None
