"""Names and numbers the way papers print them, for tables, reports and figures."""

from __future__ import annotations

from collections.abc import Mapping

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


_READABLE: Mapping[str, tuple[tuple[str, float], ...]] = {
    "V": (("V", 0.5), ("mV", 0.0)),
    "A": (("A", 1.0), ("mA", 1e-3), ("uA", 1e-6), ("nA", 0.0)),
    "A h": (("A h", 1.0), ("mA h", 1e-3), ("uA h", 0.0)),
    "W h": (("W h", 1.0), ("mW h", 0.0)),
    "A cm-2": (("A cm-2", 1.0), ("mA cm-2", 1e-4), ("uA cm-2", 0.0)),
    "mA h cm-2": (("mA h cm-2", 0.1), ("uA h cm-2", 0.0)),
}
"""Units in which people print a quantity, each with the size from which on it is taken."""

_SYMBOLS = (("-1", "⁻¹"), ("-2", "⁻²"), ("-3", "⁻³"), ("cm2", "cm²"), ("degC", "°C"), ("uA", "µA"), ("ohm", "Ω"))


def readable(quantity: Quantity) -> Quantity:
    """Return a quantity in the unit in which people print one of its size.

    Examples
    --------
    >>> readable(Quantity("overpotential", 0.11211, 5e-4, "V")).number()
    '112.11 ± 0.50'
    """
    units = _READABLE.get(quantity.unit, ())
    size = max(abs(quantity.value), quantity.stderr or 0.0)
    return next((quantity.to(name) for name, least in units if size >= least), quantity)


def number(quantity: Quantity) -> str:
    """Return value and uncertainty, or a limit, in the unit that `unit` returns."""
    return typeset(readable(quantity).number())


def unit(quantity: Quantity) -> str:
    """Return the unit of `number` as papers print it, nothing for a pure number."""
    return printed_unit(readable(quantity).unit)


def printed_unit(name: str) -> str:
    """Return a unit as papers print it.

    Examples
    --------
    >>> printed_unit("mA h g-1"), printed_unit("ohm cm2"), printed_unit("1")
    ('mA h g⁻¹', 'Ω cm²', '')
    """
    for plain, symbol in _SYMBOLS:
        name = name.replace(plain, symbol)
    return "" if name == "1" else name


def headline(quantity: Quantity) -> str:
    """Return name, number and unit for the title of a figure."""
    relation = "= " if quantity.relation == "=" else ""
    return f"{words(quantity.name)} {relation}{number(quantity)} {unit(quantity)}".rstrip()
