"""What BioLogic files say about the experiment: technique, cell, instrument, start; placeholders are taken out.

EC-Lab always writes a mass and an area. Where the operator set none it writes one of the values of
`interlayer.parsers.placeholders`. Such a value is *unset*: a capacity divided by it would be wrong by orders of
magnitude.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from ._source import Source
from .placeholders import EC_LAB

UNITS: Mapping[str, str] = {
    "active_mass": "mg",
    "characteristic_mass": "mg",
    "electrode_area": "cm2",
    "nominal_capacity": "A h",
}
"""Units of the facts in the attributes of a Dataset."""

TECHNIQUES: Mapping[int, tuple[str, str]] = {
    0x04: ("GCPL", "Galvanostatic Cycling with Potential Limitation"),
    0x06: ("CV", "Cyclic Voltammetry"),
    0x0B: ("OCV", "Open Circuit Voltage"),
    0x18: ("CA", "Chronoamperometry / Chronocoulometry"),
    0x19: ("CP", "Chronopotentiometry"),
    0x1C: ("WAIT", "Wait"),
    0x1D: ("PEIS", "Potentio Electrochemical Impedance Spectroscopy"),
    0x1E: ("GEIS", "Galvano Electrochemical Impedance Spectroscopy"),
    0x32: ("ZIR", "IR compensation (PEIS)"),
    0x6C: ("LSV", "Linear Sweep Voltammetry"),
    0x7F: ("MB", "Modulo Bat"),
    0x88: ("BCD", "Battery Capacity Determination"),
}
"""Number in binary files -> abbreviation and the name that text files bear."""

INSTRUMENTS: Mapping[int, str] = {
    5: "VMP3", 12: "VMP-300", 16: "SP-300", 22: "MPG-2", 26: "BCS-805", 27: "SP-240",
}  # fmt: skip
"""Number in the log of binary files -> instrument; those that a text export of the same measurement names."""


@dataclass
class Facts:
    """Facts of one file.

    Parameters
    ----------
    attrs : dict of str to str or float
        For the attributes of the Datasets, placeholders left out.
    start : numpy.datetime64, optional
        When the acquisition started, by the clock of the PC; the times of all rows count from it.
    original : dict
        Everything found, under the vendor's names.
    """

    attrs: dict[str, str | float] = field(default_factory=dict)
    start: np.datetime64 | None = None
    original: dict[str, Any] = field(default_factory=dict)

    @property
    def technique(self) -> str:
        """Abbreviation of the technique, "" where it is not known."""
        return str(self.attrs.get("vendor_technique", ""))

    @property
    def version(self) -> str:
        """Version of EC-Lab or BT-Lab for messages."""
        return str(self.attrs.get("software_version", "of unknown version"))

    def dataset_attrs(self) -> dict[str, str | float]:
        """Return the attributes of every Dataset of the file."""
        attrs = dict(self.attrs)
        if self.start is not None:
            attrs["start_time"] = str(np.datetime_as_string(self.start, unit="ms"))
        if self.original:
            attrs["original_metadata"] = json.dumps(self.original, ensure_ascii=False)
        return attrs


@dataclass(frozen=True)
class CellFact:
    """A number about the cell as the file gives it.

    Parameters
    ----------
    name : str
        Key of `UNITS`.
    shown : float
        The number in the unit that EC-Lab shows.
    factor : float
        ``shown * factor`` is in the unit of `UNITS`; NaN when the file's unit is not known.
    """

    name: str
    shown: float
    factor: float


def add_cell_facts(facts: Facts, cell: list[CellFact], source: Source) -> None:
    """Put what the operator set into the attributes; note placeholders and implausible values once per file."""
    unset, wrong = [], []
    for fact in cell:
        label = fact.name.replace("_", " ")
        if any(math.isclose(fact.shown, value, rel_tol=1e-6) for value in EC_LAB[fact.name]):
            unset.append(f"{label} {fact.shown:.6g}")
        elif not 0 < fact.shown < 1e12 or math.isnan(fact.factor):
            wrong.append(f"{label} {fact.shown:.6g}")
        else:
            # Seven digits are all that a 32-bit float of the settings has.
            facts.attrs[fact.name] = float(f"{fact.shown * fact.factor:.7g}")
    if unset:
        source.note("placeholder-setting", "info", f"Not set by the operator, and left out: {', '.join(unset)}.")
    if wrong:
        source.note(
            "implausible-setting", "warning", f"Left out, since no such value can be meant: {', '.join(wrong)}."
        )


_DATES = tuple(f"%m{mark}%d{mark}%Y %H:%M:%S" for mark in "/-.")


def parse_date(text: str) -> np.datetime64 | None:
    """Return a date as EC-Lab writes it, month first, or None where it is none.

    Examples
    --------
    >>> parse_date("01/10/2024 11:02:29.886"), parse_date("xx/xx/xxxx xx:xx:xx")
    (np.datetime64('2024-01-10T11:02:29.886'), None)
    """
    for layout in _candidates(text.strip()):
        try:
            return np.datetime64(datetime.strptime(text.strip(), layout), "ms")
        except ValueError:
            continue
    return None


def _candidates(text: str) -> Iterator[str]:
    for layout in _DATES:
        yield layout + (".%f" if "." in text.rpartition(":")[2] else "")


def ole_date(days: float) -> np.datetime64 | None:
    """Return a date that is stored as days since 30 December 1899, or None where it is none.

    Examples
    --------
    >>> ole_date(45301.460068125)
    np.datetime64('2024-01-10T11:02:29.886')
    """
    if not 32_874 <= days <= 73_051:  # 1990 to 2100
        return None
    return np.datetime64("1899-12-30", "ms") + np.timedelta64(round(days * 86_400_000), "ms")
