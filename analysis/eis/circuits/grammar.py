"""Circuits as text, ``L0-R0-p(R1,CPE1)-CPE2``: a dash is series, ``p(...)`` parallel, a name an element.

It is the notation of impedance.py, read by a parser: nothing in a circuit's text is ever executed.
"""

from __future__ import annotations

import re

from . import diffusion, elements
from .base import Circuit, Element
from .connections import Parallel, Series

ELEMENTS: dict[str, type[Element]] = {
    element.symbol: element
    for element in (
        elements.Resistor,
        elements.Inductor,
        elements.ModifiedInductor,
        elements.Capacitor,
        elements.ConstantPhase,
        elements.Relaxation,
        elements.Zarc,
        diffusion.Warburg,
        diffusion.WarburgShort,
        diffusion.WarburgOpen,
        diffusion.Gerischer,
        diffusion.FiniteGerischer,
        diffusion.TransmissionLine,
        diffusion.PorousElectrode,
    )
}
"""Elements by the symbol that they have in the notation."""

_NAME = re.compile(r"([A-Za-z]+)_?(\d*)")
_DEEPEST = 20


class CircuitSyntaxError(ValueError):
    """A text is no circuit; the message holds the place."""


def parse_circuit(text: str) -> Circuit:
    """Return the circuit that a text describes.

    Parameters
    ----------
    text : str
        For example ``"R0-p(R1,CPE1)-p(R2-W2,C2)"``. Names are a symbol of `ELEMENTS` and a number, each used once.

    Returns
    -------
    Circuit
        Its `str` is the text without blanks.

    Raises
    ------
    CircuitSyntaxError
        If the text is no circuit, with the place of the fault.

    Examples
    --------
    >>> circuit = parse_circuit("R0-p(R1,CPE1)-CPE2")
    >>> [parameter.name for parameter in circuit.parameters]
    ['R0', 'R1', 'CPE1_Q', 'CPE1_n', 'CPE2_Q', 'CPE2_n']
    """
    reader = _Reader(text)
    circuit = reader.series(0)
    if reader.place < len(reader.text):
        raise reader.error("expected '-' or the end")
    return circuit


class _Reader:
    """Reads a text from left to right, one function for each rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.names = "".join(text.split()), 0, set[str]()

    def series(self, depth: int) -> Circuit:
        if depth > _DEEPEST:
            raise self.error(f"expected at most {_DEEPEST} levels of p(...)")
        parts = [self._item(depth)]
        while self._take("-"):
            parts.append(self._item(depth))
        return parts[0] if len(parts) == 1 else Series(tuple(parts))

    def _item(self, depth: int) -> Circuit:
        if not self._take("p("):
            return self._element()
        parts = [self.series(depth + 1)]
        while self._take(","):
            parts.append(self.series(depth + 1))
        if not self._take(")"):
            raise self.error("expected ',' or ')'")
        if len(parts) < 2:
            raise self.error("expected at least two branches in p(...)")
        return Parallel(tuple(parts))

    def _element(self) -> Element:
        found = _NAME.match(self.text, self.place)
        if found is None:
            raise self.error("expected an element such as R1 or 'p('")
        symbol, number = found.groups()
        if symbol not in ELEMENTS:
            raise self.error(f"expected one of the elements {', '.join(ELEMENTS)}")
        element = ELEMENTS[symbol](number)
        if element.label in self.names:
            raise self.error("expected a name that is not yet used")
        self.names.add(element.label)
        self.place = found.end()
        return element

    def _take(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.place):
            return False
        self.place += len(sign)
        return True

    def error(self, expected: str) -> CircuitSyntaxError:
        rest = self.text[self.place : self.place + 12] or "the end"
        return CircuitSyntaxError(f"{self.text!r}: found {rest!r} at place {self.place}; {expected}")
