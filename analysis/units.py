"""Conversion between units of one dimension, for the facts that users state and the numbers that analyses return."""

from __future__ import annotations


class UnitError(ValueError):
    """A quantity bears a unit of another dimension than asked for."""


# One row a dimension: unit -> size in the first unit of the row.
_DIMENSIONS: tuple[dict[str, float], ...] = (
    {"1": 1.0, "%": 0.01},
    {"nm": 1.0, "um": 1e3, "mm": 1e6, "cm": 1e7, "m": 1e9, "angstrom": 0.1, "pm": 1e-3},
    {"cm2": 1.0, "mm2": 1e-2, "um2": 1e-8, "m2": 1e4},
    {"mg": 1.0, "ug": 1e-3, "g": 1e3, "kg": 1e6},
    {"eV": 1.0, "keV": 1e3, "meV": 1e-3},
    {"degree": 1.0, "rad": 57.29577951308232, "mrad": 0.05729577951308232},
    {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0},
    {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6},
    {"V": 1.0, "mV": 1e-3, "kV": 1e3},
    {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9},
    {"A h": 1.0, "mA h": 1e-3, "uA h": 1e-6, "C": 1.0 / 3600.0},
    {"W h": 1.0, "mW h": 1e-3},
    {"mA h g-1": 1.0, "A h g-1": 1e3},
    {"mA h cm-2": 1.0, "uA h cm-2": 1e-3},
    {"mA h cm-3": 1.0, "A h cm-3": 1e3, "uA h cm-2 um-1": 10.0},
    {"h-1": 1.0},
    {"A cm-2": 1.0, "mA cm-2": 1e-3, "uA cm-2": 1e-6},
    {"ohm": 1.0, "kohm": 1e3, "Mohm": 1e6},
    {"ohm cm2": 1.0},
    {"S cm-1": 1.0, "S m-1": 1e-2, "mS cm-1": 1e-3},
    {"F": 1.0, "uF": 1e-6, "nF": 1e-9, "pF": 1e-12},
    {"F cm-2": 1.0, "uF cm-2": 1e-6},
    {"g cm-3": 1.0, "kg m-3": 1e-3},
    {"degC": 1.0},
    {"K": 1.0},
    {"count": 1.0},
    {"count s-1": 1.0},
    {"count eV": 1.0},
    {"count eV s-1": 1.0},
    {"pixel": 1.0},
    {"nm-1": 1.0},
    {"V h-1": 1.0, "mV h-1": 1e-3},
    {"cm2 s-1": 1.0, "m2 s-1": 1e4},
)


def convert_factor(unit: str, target: str) -> float:
    """Return the factor from one unit to another of the same dimension.

    Raises
    ------
    UnitError
        If either is unknown or the dimensions differ.

    Examples
    --------
    >>> convert_factor("nm", "cm")
    1e-07
    """
    if unit == target:
        return 1.0
    for sizes in _DIMENSIONS:
        if unit in sizes and target in sizes:
            return sizes[unit] / sizes[target]
    raise UnitError(f"found the unit {unit!r}; expected one that converts to {target!r}")
