"""What the .emi file of TIA tells of the microscope: descriptions in XML between blocks of bytes that are not read."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from .findings import Finding

_OBJECT = re.compile(rb"<ObjectInfo>.*?</ObjectInfo>", re.DOTALL)
_ENTRY = re.compile(r"<Label>([^<]*)</Label>\s*<Value>([^<]*)</Value>\s*<Unit>([^<]*)</Unit>")
_VOLTAGE = re.compile(r"<AcceleratingVoltage>([^<]*)</AcceleratingVoltage>")
_WIDTH = re.compile(r"<EnergyResolution>([^<]*)</EnergyResolution>")
_DATE = re.compile(r"<AcquireDate>([^<]*)</AcquireDate>")
_KEPT = ("Microscope", "Mode", "Magnification", "Camera length", "Filter mode", "Spot size", "Stage A", "Stage B")


def describe(data: bytes) -> tuple[dict[str, Any], dict[str, Any], list[Finding]]:
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
        Entries as they are written, with their units; ``EnergyResolution`` lists the channel widths of the EDS
        detectors of all descriptions, in eV.
    findings : list of Finding
        When there is no description, or bytes in it are no text.
    """
    texts = [unescape(found.group().decode("utf-8", "replace")) for found in _OBJECT.finditer(data)]
    for text in texts:
        if entries := {label.strip(): (value.strip(), unit.strip()) for label, value, unit in _ENTRY.findall(text)}:
            attrs, metadata = _described(text, entries)
            if widths := [width for one in texts for found in _WIDTH.findall(one) if (width := _number(found))]:
                metadata["EnergyResolution"] = widths
            return attrs, metadata, _damage(text)
    message = "The .emi file holds no description of the microscope; it may be cut off."
    return {}, {}, [Finding("description-not-read", "warning", message)]


def _described(text: str, entries: dict[str, tuple[str, str]]) -> tuple[dict[str, Any], dict[str, Any]]:
    attrs: dict[str, Any] = {
        "beam_energy": _positive(_VOLTAGE.search(text)),
        "instrument": entries.get("Microscope", ("", ""))[0].removeprefix("Microscope ") or None,
    }
    if "Diffraction" not in entries.get("Mode", ("", ""))[0] or "STEM" in entries.get("Mode", ("", ""))[0]:
        attrs["magnification"] = _number(entries.get("Magnification", ("", ""))[0])
    metadata: dict[str, Any] = {label: " ".join(entries[label]).strip() for label in _KEPT if label in entries}
    if date := _DATE.search(text):
        metadata["AcquireDate"] = date[1]
    return {name: value for name, value in attrs.items() if value is not None}, metadata


def _damage(text: str) -> list[Finding]:
    if "\0" not in text and "\ufffd" not in text:
        return []
    return [Finding("description-damaged", "warning", "Parts of the description in the .emi file are no text.")]


def _positive(found: re.Match[str] | None) -> float | None:
    return None if found is None else _number(found[1])


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1e9 else None
