"""Facts in the settings and log modules of BioLogic binary files: where each lies and what it is.

The places hold for all versions since EC-Lab 10; each was checked against the header of a text export of the same
measurement. A module that is too short for a fact lacks it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

from ._biologic_facts import INSTRUMENTS, TECHNIQUES, CellFact, Facts, add_cell_facts, ole_date, parse_date
from ._source import Source

_SETTINGS = (  # place, layout, name as text exports call it; "p" is a Pascal string
    (0x007, "p", "Comments"),
    (0x107, "f", "Mass of active material"),
    (0x10B, "f", "at x"),
    (0x10F, "f", "Molecular weight of active material"),
    (0x113, "f", "Atomic weight of intercalated ion"),
    (0x117, "f", "Acquisition started at xo"),
    (0x11E, "p", "Electrode material"),
    (0x1C0, "p", "Electrolyte"),
    (0x211, "f", "Electrode surface area"),
    (0x215, "p", "Reference electrode"),
    (0x24C, "f", "Characteristic mass"),
    (0x250, "B", "Unit of electrode surface area"),
    (0x251, "B", "Unit of characteristic mass"),
    (0x25C, "f", "Battery capacity"),
    (0x260, "B", "Unit of battery capacity"),
)
_NUMBERS = {layout: struct.Struct(f"<{layout}") for layout in "fdBH"}
_LOG = (
    (0x009, "B", "Channel"),
    (0x0AB, "H", "Channel serial number"),
    (0x249, "d", "Acquisition started on"),
    (0x251, "p", "File"),
    (0x3B7, "p", "Software version"),
    (0x3BE, "p", "Server version"),
    (0x3C5, "p", "Interpreter version"),
    (0x3CE, "B", "Device code"),
    (0x3CF, "p", "Device serial number"),
)
_AREA = {2: 1.0, 3: 0.01}  # cm2 and mm2
_MASS = {1: 1000.0, 2: 1.0}  # g and mg
_CAPACITY = {1: 1e-3, 2: 1e-3}  # the number is in mA h whether it is shown in mA.h or in uA.h
_ATTRS = (
    ("Comments", "comments"),
    ("Electrode material", "electrode_material"),
    ("Electrolyte", "electrolyte"),
    ("Reference electrode", "reference_electrode"),
    ("Software version", "software_version"),
    ("Device serial number", "instrument_serial"),
)


def facts_of(modules: Mapping[str, bytes], source: Source) -> Facts:
    """Return the facts of a binary file.

    Parameters
    ----------
    modules : mapping of str to bytes
        Content of the modules, by short name; those that are missing cost their facts.
    source : Source
        Takes findings about placeholders and a missing start.
    """
    settings = _fields(modules.get("VMP Set", b""), _SETTINGS)
    log = _fields(modules.get("VMP LOG", b""), _LOG)
    facts = Facts(original=settings | log)
    number = modules.get("VMP Set", b"\0")[:1]
    short, title = TECHNIQUES.get(number[0] if number else 0, ("", ""))
    if short:
        facts.attrs["vendor_technique"] = short
        facts.original["Technique"] = title
    for key, name in _ATTRS:
        if text := str(facts.original.get(key, "")).replace("\r\n", "\n").strip():
            facts.attrs[name] = "\n".join(line.strip() for line in text.splitlines())
    if log.get("Device code") in INSTRUMENTS:
        facts.attrs["instrument"] = INSTRUMENTS[log["Device code"]]
    add_cell_facts(facts, _cell(settings), source)
    facts.start = ole_date(log.get("Acquisition started on", math.nan))
    if facts.start is None:
        _start_from_log_file(facts, source)
    if facts.attrs.get("reference_electrode") == "(unspecified)":
        del facts.attrs["reference_electrode"]
    return facts


def _cell(settings: Mapping[str, Any]) -> list[CellFact]:
    factors = (
        ("active_mass", "Mass of active material", 1.0),
        ("characteristic_mass", "Characteristic mass", _MASS.get(settings.get("Unit of characteristic mass", 0))),
        ("electrode_area", "Electrode surface area", _AREA.get(settings.get("Unit of electrode surface area", 0))),
        ("nominal_capacity", "Battery capacity", _CAPACITY.get(settings.get("Unit of battery capacity", 0))),
    )
    found = [(name, settings[key], factor) for name, key, factor in factors if key in settings]
    return [
        CellFact(name, shown, math.nan if factor is None else factor)
        for name, shown, factor in found
        if not (name == "nominal_capacity" and shown == 0)
    ]


def _fields(content: bytes, table: tuple[tuple[int, str, str], ...]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for place, layout, name in table:
        if layout == "p":
            end = place + 1 + content[place] if place < len(content) else place + 1
            if end <= len(content):
                fields[name] = content[place + 1 : end].decode("cp1252", errors="replace").replace("\0", "")
        elif place + _NUMBERS[layout].size <= len(content):
            value = _NUMBERS[layout].unpack_from(content, place)[0]
            # JSON knows no NaN; seven digits are all that a 32-bit float has.
            if isinstance(value, int) or math.isfinite(value):
                fields[name] = float(f"{value:.7g}") if layout == "f" else value
    return fields


def _start_from_log_file(facts: Facts, source: Source) -> None:
    """Take the start from the text log (.mpl) that EC-Lab writes beside the file, when the file has none."""
    sidecar = source.sidecar(source.path.stem + ".mpl")
    lines = sidecar.text.lines if sidecar is not None else []
    for line in lines:
        key, _, value = line.partition(" : ")
        if key.strip() == "Acquisition started on":
            facts.start = parse_date(value)
            break
    if facts.start is not None and sidecar is not None:
        source.note("start-from-log-file", "info", f"The file holds no start; it was taken from {sidecar.name}.")
