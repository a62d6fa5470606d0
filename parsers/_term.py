"""What the vocabulary says: one name, with its units and dimensions, and all names of one technique."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

Dims = tuple[str, ...]


@dataclass(frozen=True)
class Variable:
    """One name of the vocabulary.

    Parameters
    ----------
    units : str or tuple of str
        Allowed units, the usual one first; "" for text and times that carry none.
    long_name : str
        For axes of plots and tables.
    dims : tuple of tuple of str
        Allowed dimensions; `build` takes the first with the right number.
    required : bool
        Whether every Dataset of the technique has it.
    """

    units: str | tuple[str, ...]
    long_name: str
    dims: tuple[Dims, ...]
    required: bool = False

    @cached_property
    def allowed_units(self) -> tuple[str, ...]:
        """The allowed units as a tuple."""
        return (self.units,) if isinstance(self.units, str) else self.units

    @cached_property
    def attrs(self) -> dict[str, str]:
        """Long name and usual unit, as attributes."""
        usual = self.allowed_units[0]
        return {"long_name": self.long_name} | ({"units": usual} if usual else {})

    @cached_property
    def kinds(self) -> str:
        """Kinds of array that it may be, as `numpy.dtype.kind` abbreviates them."""
        return "fiucbUM" if self.allowed_units != ("",) else "fiucbUMO"


@dataclass(frozen=True)
class Technique:
    """The vocabulary of one technique: its coordinates and data variables by name."""

    title: str
    coords: Mapping[str, Variable]
    variables: Mapping[str, Variable]
    attrs: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def terms(self) -> Mapping[str, Variable]:
        """Coordinates and data variables together."""
        return {**self.coords, **self.variables}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Names that every Dataset of the technique has."""
        return tuple(name for name, term in self.terms.items() if term.required)

    def __getitem__(self, name: str) -> Variable:
        return self.terms[name]

    def __contains__(self, name: str) -> bool:
        return name in self.terms
