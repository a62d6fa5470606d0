"""Equivalent circuits: elements, their connection, the notation, and the way to impedance.py and back."""

from __future__ import annotations

from .base import NEXT_TO_THE_END, RANGE, Circuit, Complexes, Element, Floats, Parameter
from .connections import Parallel, Series, arc
from .elements import Capacitor, ConstantPhase, Inductor, Resistor
from .grammar import ELEMENTS, CircuitSyntaxError, parse_circuit

__all__ = [
    "ELEMENTS",
    "NEXT_TO_THE_END",
    "RANGE",
    "Capacitor",
    "Circuit",
    "CircuitSyntaxError",
    "Complexes",
    "ConstantPhase",
    "Element",
    "Floats",
    "Inductor",
    "Parallel",
    "Parameter",
    "Resistor",
    "Series",
    "arc",
    "parse_circuit",
]
