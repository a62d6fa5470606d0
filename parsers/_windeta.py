"""What Novocontrol's WinDETA writes above its tables: sample, date, geometry of the electrodes and fixed values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ._source import Source

_NUMBER = r"([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)(?![\d.])"
HEADER_NUMBERS = {
    "electrode_diameter": rf"Diameter\s*\[mm\]:?\s*{_NUMBER}",
    "thickness": rf"(?<!Electrode )Thickness\s*\[mm\]:?\s*{_NUMBER}",
    "voltage_amplitude": rf"AC Volt\s*\[Vrms\]\s*=\s*{_NUMBER}",
    "spacer_capacity": rf"Spacer Capacity\s*\[pF\]:?\s*{_NUMBER}",
    "spacer_area": rf"Spacer Area\s*\[mm\^2\]:?\s*{_NUMBER}",
    "temperature": rf"Temp\.?\s*\[.?C\]\s*=\s*{_NUMBER}",
}
"""Facts above the table and how they are written."""

_TITLE = re.compile(r"(.+?),\s+(\d{1,2})\.(\d{1,2})\.(\d{4}), (\d{1,2}):(\d{1,2})\s*$")
_EDGES = re.compile(r"Edge Correction\s+On", re.IGNORECASE)
_NANOMETRES, _CENTIMETRES = 1e6, 0.1  # per mm


def header_facts(lines: Sequence[str], source: Source) -> dict[str, Any]:
    """Return what the lines above a table say about the experiment.

    Parameters
    ----------
    lines : sequence of str
        All lines above the names of the columns.
    source : Source
        Takes the findings about geometry and its corrections.

    Returns
    -------
    dict of str to Any
        ``electrode_area`` (cm2) and ``thickness`` (nm) where the header has them, ``sample``, ``start_time``, and AC
        amplitude and temperature as scalar variables.
    """
    found = {
        name: float(match[1].replace(",", "."))
        for name, pattern in HEADER_NUMBERS.items()
        for line in lines
        if (match := re.search(pattern, line))
    }
    facts = _geometry(found, lines, source)
    if (amplitude := found.get("voltage_amplitude", 0.0)) > 0:
        facts["voltage_amplitude"] = xr.Variable((), amplitude, {"comment": "rms"})
    if "temperature" in found:
        facts["temperature"] = xr.Variable((), found["temperature"], {"comment": "as set"})
    title = _TITLE.match(lines[0]) if lines else None
    if title:
        sample, day, month, year, hour, minute = title.groups()
        facts |= {"sample": sample.strip()} | _start(int(year), int(month), int(day), int(hour), int(minute))
    return facts


def _geometry(found: dict[str, float], lines: Sequence[str], source: Source) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if (diameter := found.get("electrode_diameter", 0.0)) > 0:
        facts["electrode_area"] = math.pi / 4 * (diameter * _CENTIMETRES) ** 2
    if (thickness := found.get("thickness", 0.0)) > 0:
        facts["thickness"] = thickness * _NANOMETRES
    if facts:
        said = ", ".join(f"{name} {value:.6g}" for name, value in facts.items())
        source.note("geometry-from-header", "info", f"From the header of the file: {said} (cm2, nm).")
    if any(_EDGES.search(line) for line in lines):
        message = "The stray capacitance of the electrodes' edges was subtracted by the software."
        source.note("edge-correction", "info", message)
    if found.get("spacer_capacity", 0.0) or found.get("spacer_area", 0.0):
        message = (
            f"Spacers of {found.get('spacer_capacity', 0.0):g} pF and {found.get('spacer_area', 0.0):g} mm2 were "
            "accounted for by the software; the electrode area is that of the whole electrode."
        )
        source.note("spacer-correction", "warning", message)
    return facts


def _start(year: int, month: int, day: int, hour: int, minute: int) -> dict[str, str]:
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}"
    try:
        np.datetime64(text)
    except ValueError:
        return {}
    return {"start_time": text}
