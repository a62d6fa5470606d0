"""What the columns of Novocontrol's WinDETA are called."""

from __future__ import annotations

from ._columns import Column

FREQUENCY = Column("Freq", "frequency", "Hz", required=True)
SERIES = (Column("Zs'", "series_real", "ohm"), Column("Zs''", "series_imaginary", "ohm"))
PARALLEL = (Column("Zp'", "parallel_real", "ohm"), Column("Zp''", "parallel_imaginary", "ohm"))
PERMITTIVITY = (Column("Eps'", "permittivity_real"), Column("Eps''", "permittivity_imaginary"))
CONDUCTIVITY = (
    Column("Sig'", "conductivity_real", "S/cm"),
    Column("Sig''", "conductivity_imaginary", "S/cm"),
)

PAIRS = (SERIES, PARALLEL, PERMITTIVITY, CONDUCTIVITY)
"""Real and imaginary part of quantities from which the impedance follows, the most direct first."""

TEMPERATURES = (Column("Temp", "set_temperature", "degC"), Column("M Temp", "temperature", "degC"))
"""As set, and as measured."""

DERIVED = ("|Eps|", "|Sig|", "Tan(Delta)", "|Zs|", "|Zp|", "Modulus'", "Modulus''", "|Modulus|")
"""Columns that follow from the others and are left out without remark."""
