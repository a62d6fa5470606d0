"""What the columns of an impedance spectrum are called in text files.

A name with a minus is the negative of the quantity; a name without is the quantity itself. Whether a file keeps to
that is checked against its own numbers by the reader.
"""

from __future__ import annotations

from ._columns import Column, fold

_IMAGINARY = (
    "Z''", "Zs''", "Zim", "Zimg", "Zimag", "Zimaginary", "Im(Z)", "imag", "imaginary", "Im", "ImZ",
    "Zim_exp", "Imag(Z)", "Im[Z]", "X",
)  # fmt: skip
_PHASE = (
    "phase", "phase(Z)", "theta", "theta(Z)", "Zphz", "phi", "phase angle", "Zphase", "arg(Z)", "angle",
    "\N{GREEK SMALL LETTER PHI}", "\N{GREEK SMALL LETTER THETA}",
)  # fmt: skip


def _negative(spellings: tuple[str, ...]) -> tuple[str, ...]:
    prefixed = tuple(f"{minus}{name}" for name in spellings for minus in ("-", "neg_", "minus_", "negative_"))
    return (*prefixed, *(f"-({name})" for name in spellings))


FREQUENCY = Column(
    ("frequency", "freq", "f", "\N{GREEK SMALL LETTER NU}", "frequencies"), "frequency", "Hz", required=True
)
REAL = Column(
    ("Z'", "Zs'", "Zre", "Zreal", "Re(Z)", "real", "Re", "ReZ", "Zre_exp", "Real(Z)", "Re[Z]", "R"),
    "real",
    "ohm",
)  # fmt: skip
IMAGINARY = Column(_IMAGINARY, "imaginary", "ohm")
MINUS_IMAGINARY = Column(_negative(_IMAGINARY), "imaginary", "ohm", sign=-1)
MODULUS = Column(("|Z|", "Z", "Zmod", "mod(Z)", "Zmag", "magnitude", "modulus", "abs(Z)", "Impedance"),
                 "modulus", "ohm")  # fmt: skip
PHASE = Column(_PHASE, "phase", "degree")
MINUS_PHASE = Column(_negative(_PHASE), "phase", "degree", sign=-1)

IMPEDANCE = (FREQUENCY, REAL, MINUS_IMAGINARY, IMAGINARY, MODULUS, MINUS_PHASE, PHASE)
"""The spectrum itself."""

BESIDE = (
    Column(("Temperature", "Temp"), "temperature", "degC"),
    Column(("time", "Elapsed Time", "Time elapsed"), "test_time", "s"),
    Column(("<Ewe>", "<Ecell>", "Edc", "Vdc", "E DC", "DC potential", "Potential"), "dc_potential", "V"),
    Column(("<I>", "Idc", "I DC", "DC current", "Current"), "dc_current", "A"),
)
"""What instruments note beside each point."""


def folded(*columns: Column) -> frozenset[str]:
    """Return the folded spellings of columns, as they stand in an outline."""
    return frozenset(fold(spelling) for column in columns for spelling in column.spellings)
