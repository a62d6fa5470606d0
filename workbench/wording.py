"""Names and numbers the way papers print them, for tables, reports and figures."""

from __future__ import annotations

from interlayer.analysis.quantity import Quantity

from .outcome import WITHOUT_TEMPERATURE

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(number: str) -> str:
    """Return a number with its power of ten raised.

    Examples
    --------
    >>> typeset("(6.51 ± 0.36)e-07"), typeset("> 1e-06"), typeset("17.0 ± 0.4")
    ('(6.51 ± 0.36) × 10⁻⁷', '> 1 × 10⁻⁶', '17.0 ± 0.4')
    """
    mantissa, mark, exponent = number.rpartition("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}" if mark else number


def words(name: str) -> str:
    """Return an identifier as words: ``layer_thickness`` becomes ``layer thickness``."""
    return name.replace("_", " ")


def celsius(temperature: Quantity) -> str:
    """Return a temperature in degC to a tenth of a degree.

    Examples
    --------
    >>> celsius(Quantity("temperature", 25.0, None, "degC")), celsius(Quantity("temperature", 40.07, 0.3, "degC"))
    ('25 °C', '40.1 °C')
    """
    return f"{round(temperature.value, 1):g} °C"


def at(quantity: Quantity, temperature: Quantity | None) -> str:
    """Return the temperature at which a quantity holds, nothing where there is none.

    Examples
    --------
    >>> at(Quantity("ionic_conductivity", 1e-6, None, "S cm-1"), Quantity("temperature", 25.0, None, "degC"))
    '25 °C'
    """
    return "" if temperature is None or quantity.name.startswith(WITHOUT_TEMPERATURE) else celsius(temperature)


def unit(quantity: Quantity) -> str:
    """Return the unit, nothing for a pure number."""
    return "" if quantity.unit == "1" else quantity.unit


def headline(quantity: Quantity) -> str:
    """Return name, number and unit for the title of a figure."""
    relation = "= " if quantity.relation == "=" else ""
    return f"{words(quantity.name)} {relation}{typeset(quantity.number())} {unit(quantity)}".rstrip()
