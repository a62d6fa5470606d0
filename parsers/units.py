"""Units: the closed list of the vocabulary and exact factors from the spellings that instruments use."""

from __future__ import annotations

import re
from functools import lru_cache

from .errors import UnsupportedContent

UNITS = frozenset(
    {
        "1", "s", "Hz", "eV", "V", "A", "W", "ohm", "ohm cm2", "F", "H", "A h", "W h", "mA h g-1", "mA h cm-2",
        "mA h cm-3", "uA h cm-2 um-1", "h-1", "A cm-2", "S cm-1", "degC", "K", "nm", "nm-1", "cm2", "mg", "g", "g cm-3",
        "degree", "mrad", "kV",
        "count", "count s-1", "pixel",
    }
)  # fmt: skip
"""Every unit that may stand in ``attrs["units"]``, in UDUNITS spelling."""

# (spelling, unit of the vocabulary, factor): value in the file * factor = value in the vocabulary.
_SPELLINGS = (
    ("s", "s", 1.0), ("sec", "s", 1.0), ("sec.", "s", 1.0), ("ms", "s", 1e-3), ("min", "s", 60.0),
    ("h", "s", 3600.0), ("hr", "s", 3600.0),
    ("Hz", "Hz", 1.0), ("kHz", "Hz", 1e3), ("MHz", "Hz", 1e6),
    ("eV", "eV", 1.0), ("keV", "eV", 1e3), ("meV", "eV", 1e-3),
    ("V", "V", 1.0), ("mV", "V", 1e-3), ("uV", "V", 1e-6), ("kV", "kV", 1.0),
    ("A", "A", 1.0), ("mA", "A", 1e-3), ("uA", "A", 1e-6), ("nA", "A", 1e-9), ("pA", "A", 1e-12),
    ("W", "W", 1.0), ("mW", "W", 1e-3),
    ("ohm", "ohm", 1.0), ("ohms", "ohm", 1.0), ("kohm", "ohm", 1e3), ("Mohm", "ohm", 1e6), ("mohm", "ohm", 1e-3),
    ("ohm cm2", "ohm cm2", 1.0),
    ("F", "F", 1.0), ("mF", "F", 1e-3), ("uF", "F", 1e-6), ("nF", "F", 1e-9), ("pF", "F", 1e-12), ("H", "H", 1.0),
    ("A h", "A h", 1.0), ("mA h", "A h", 1e-3), ("uA h", "A h", 1e-6), ("C", "A h", 1.0 / 3600.0),
    ("W h", "W h", 1.0), ("mW h", "W h", 1e-3),
    ("mA h g-1", "mA h g-1", 1.0), ("mA h cm-2", "mA h cm-2", 1.0),
    ("S cm-1", "S cm-1", 1.0), ("S m-1", "S cm-1", 1e-2),
    ("degC", "degC", 1.0), ("K", "K", 1.0),
    ("nm", "nm", 1.0), ("m", "nm", 1e9), ("cm", "nm", 1e7), ("mm", "nm", 1e6), ("um", "nm", 1e3), ("pm", "nm", 1e-3),
    ("angstrom", "nm", 0.1), ("inch", "nm", 2.54e7),
    ("nm-1", "nm-1", 1.0), ("um-1", "nm-1", 1e-3), ("m-1", "nm-1", 1e-9), ("angstrom-1", "nm-1", 10.0),
    ("pm-1", "nm-1", 1e3),
    ("cm2", "cm2", 1.0), ("mm2", "cm2", 1e-2), ("um2", "cm2", 1e-8), ("m2", "cm2", 1e4),
    ("g", "g", 1.0), ("mg", "mg", 1.0), ("ug", "mg", 1e-3), ("kg", "g", 1e3), ("g cm-3", "g cm-3", 1.0),
    ("degree", "degree", 1.0), ("deg", "degree", 1.0), ("rad", "degree", 57.29577951308232),
    ("mrad", "mrad", 1.0), ("count", "count", 1.0), ("counts", "count", 1.0), ("cps", "count s-1", 1.0),
    ("count s-1", "count s-1", 1.0), ("pixel", "pixel", 1.0), ("1", "1", 1.0), ("#", "1", 1.0), ("%", "1", 0.01),
)  # fmt: skip
_TABLE = {spelling: (unit, factor) for spelling, unit, factor in _SPELLINGS}
_FOLDED = {spelling.casefold(): (unit, factor) for spelling, unit, factor in reversed(_SPELLINGS)}
_SIGNS = str.maketrans(
    {
        "\N{MICRO SIGN}": "u",
        "\N{GREEK SMALL LETTER MU}": "u",
        "\N{GREEK CAPITAL LETTER OMEGA}": "ohm",
        "\N{OHM SIGN}": "ohm",
        "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": "angstrom",
        "\N{ANGSTROM SIGN}": "angstrom",
        "\N{SUPERSCRIPT TWO}": "2",
        "\N{DEGREE CELSIUS}": "degC",
    }
)
# Case decides between mega and milli, so folding is only tried for spellings that differ in nothing else.
_UNSAFE_TO_FOLD = frozenset(
    {"mohm", "mw", "ma", "mv", "mev", "mw h", "ma h", "mf", "mhz", "c", "h", "s", "k", "pm", "m", "f", "g"}
)


@lru_cache(1024)
def normalise(spelling: str) -> str:
    """Return a vendor's spelling of a unit in the notation of this module, without judging it."""
    text = spelling.strip().strip("[]()").translate(_SIGNS).replace("°", "deg").replace("·", " ")
    text = re.sub(r"(?i)\s+vs\.?\s.*$", "", text)  # "V vs. Ref." is in V
    # A degree sign that went through the wrong encoding; micro or ohm would leave no known unit behind.
    text = text.replace("\N{REPLACEMENT CHARACTER}", "deg")
    text = re.sub(r"(?i)ohms?", "ohm", text)
    text = re.sub(r"(?<=[AW])[.\s]?h\b", " h", text)
    text = re.sub(r"^(1|1 )/\s*(\w+)$", r"\2-1", text.replace("1 / ", "1/"))
    text = re.sub(r"\s*/\s*(\w+?)\^?(\d?)$", lambda m: f" {m[1]}-{m[2] or 1}", text)
    text = text.replace("^", "")
    return {"n_m": "nm", "µ": "um", "micron": "um", "microns": "um"}.get(text, text)


@lru_cache(1024)
def conversion(spelling: str) -> tuple[str, float]:
    """Return the unit of the vocabulary and the factor for a vendor's spelling of a unit.

    Parameters
    ----------
    spelling : str
        As in the file: ``"mA.h"``, ``"Ohm"``, ``"µm"``, ``"1/nm"``.

    Returns
    -------
    unit : str
        One of `UNITS`.
    factor : float
        ``value in the file * factor = value in unit``.

    Raises
    ------
    UnsupportedContent
        If the spelling is not known; nothing is guessed.

    Examples
    --------
    >>> conversion("mA.h")
    ('A h', 0.001)
    >>> conversion("µm")
    ('nm', 1000.0)
    """
    text = normalise(spelling)
    if text in _TABLE:
        return _TABLE[text]
    folded = text.casefold()
    if folded in _FOLDED and folded not in _UNSAFE_TO_FOLD:
        return _FOLDED[folded]
    raise UnsupportedContent(f"the unit {spelling!r} is not known", expected="a unit of interlayer.parsers.units")
