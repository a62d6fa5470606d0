r"""Capacities per mass, area, volume and thickness: the one place where a capacity is divided.

.. math:: Q_m = Q / m, \quad Q_A = Q / A, \quad Q_V = Q / (A d), \quad Q_{A,d} = Q_A / d

The last two are one number in two units (1 uA h cm-2 um-1 = 10 mA h cm-3); papers on thin films give the first,
papers on cells the second. Dense LiCoO2 that gives up half of its lithium reaches
137 mA h g-1 x 5.05 g cm-3 = 69 uA h cm-2 um-1.

What is not stated is not divided by, and neither is a value that software writes where nobody stated one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import xarray as xr

from interlayer.parsers import schema
from interlayer.parsers.placeholders import STATED

from ...errors import NotAnalysable
from ...quantity import Quantity

Basis = Literal["mass", "area", "volume", "thickness"]


@dataclass(frozen=True)
class Divisor:
    """What capacities are divided by: A h times `factor` gives `unit`.

    Parameters
    ----------
    factor : float
        1 for capacities in A h.
    unit : str
        Of the quotient.
    relative : mapping of str to float
        Relative standard uncertainty by fact: a balance, a punch, a profilometer.
    notes : tuple of str
        What the reader must know of the facts.
    """

    factor: float = 1.0
    unit: str = "A h"
    relative: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def stderr(self) -> float:
        """Relative standard uncertainty of the divisor."""
        return math.hypot(*(u for _, u in self.relative))


@dataclass(frozen=True)
class _Basis:
    """Facts with the units in which they divide, and the unit of mA h over them times a factor."""

    facts: tuple[tuple[str, str], ...]
    unit: str
    factor: float


_BASES: dict[Basis, _Basis] = {
    "mass": _Basis((("active_mass", "g"),), "mA h g-1", 1e3),
    "area": _Basis((("area", "cm2"),), "mA h cm-2", 1e3),
    "volume": _Basis((("area", "cm2"), ("thickness", "cm")), "mA h cm-3", 1e3),
    "thickness": _Basis((("area", "cm2"), ("thickness", "um")), "uA h cm-2 um-1", 1e6),
}


@dataclass(frozen=True)
class Geometry:
    """Facts of the electrode that are taken, by name, and what is to be said of them."""

    facts: dict[str, Quantity]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, *, active_mass: Quantity | None = None, area: Quantity | None = None, thickness: Quantity | None = None
    ) -> Geometry:
        """Take what is stated. A known placeholder is taken only if it bears an uncertainty: somebody measured it.

        Raises
        ------
        ValueError
            If a value is not above 0.
        UnitError
            If a fact bears another dimension.
        """
        facts, notes = {}, []
        for name, stated in (("active_mass", active_mass), ("area", area), ("thickness", thickness)):
            if stated is None:
                continue
            if not stated.value > 0:
                raise ValueError(f"found {stated}; expected a value above 0")
            if stated.stderr is not None:
                facts[name] = stated
            elif _is_placeholder(name, stated):
                notes.append(
                    f"{name} {stated.value:g} {stated.unit} is what software writes where none is set, so nothing is "
                    "divided by it; state it with its uncertainty to have it taken"
                )
            else:
                facts[name] = stated
                notes.append(f"the {name} is stated without uncertainty")
        for basis in _BASES.values():
            for name, unit in basis.facts:
                if name in facts:
                    facts[name].to(unit)
        return cls(facts, tuple(notes))

    def allows(self, basis: Basis) -> bool:
        """Return whether all facts of a basis are there."""
        return all(name in self.facts for name, _ in _BASES[basis].facts)

    def divisor(self, basis: Basis | None) -> Divisor:
        """Return the divisor of a basis; that of capacities in A h for None."""
        if basis is None:
            return Divisor(notes=self.notes)
        entry = _BASES[basis]
        factor, relative = entry.factor, []
        for name, unit in entry.facts:
            factor /= self.facts[name].to(unit).value
            relative.append((name, self.facts[name].relative))
        return Divisor(factor, entry.unit, tuple(relative), self.notes)

    def main(self) -> Divisor:
        """Return the divisor of the mass if it is stated, else of the area, else of capacities in A h."""
        return self.divisor(next((basis for basis in ("mass", "area") if self.allows(basis)), None))

    def others(self) -> list[tuple[Basis, Divisor]]:
        """Return the divisors that the facts allow besides that of `main`."""
        allowed: list[Basis] = [basis for basis in _BASES if self.allows(basis)]
        return [(basis, self.divisor(basis)) for basis in allowed if self.divisor(basis) != self.main()]


def _is_placeholder(name: str, stated: Quantity) -> bool:
    if name not in STATED:
        return False
    unit, values = STATED[name]
    return any(math.isclose(stated.to(unit).value, value, rel_tol=1e-6) for value in values)


def normalise(
    summary: xr.Dataset,
    *,
    per: Basis,
    active_mass: Quantity | None = None,
    area: Quantity | None = None,
    thickness: Quantity | None = None,
) -> xr.Dataset:
    """Return a summary with its capacities per mass, area, volume or thickness.

    Parameters
    ----------
    summary : xarray.Dataset
        From `interlayer.analysis.cycling.summarise`, in A h.
    per : {"mass", "area", "volume", "thickness"}
        ``volume`` is area times thickness (mA h cm-3), ``thickness`` the areal capacity over the thickness
        (uA h cm-2 um-1).
    active_mass, area, thickness : Quantity, optional
        Facts of the electrode. What an instrument's file says of them is not used: state them.

    Returns
    -------
    xarray.Dataset
        Capacities with the uncertainty of the divisor, which all cycles share: the attribute
        ``divisor_relative_stderr`` says how much of each it is. Efficiencies and voltages are as before.

    Raises
    ------
    NotAnalysable
        If a fact is missing or a placeholder.
    ValueError
        If the summary is normalised already, or a fact is not above 0.
    """
    geometry = Geometry.of(active_mass=active_mass, area=area, thickness=thickness)
    if not geometry.allows(per):
        wanted = " and ".join(name for name, _ in _BASES[per].facts)
        raise NotAnalysable(f"capacity per {per} takes {wanted}: {'; '.join(geometry.notes) or 'not stated'}")
    divisor = geometry.divisor(per)
    names = [str(name) for name in summary.data_vars if str(name).startswith("capacity_") or name == "capacity"]
    names = [name for name in names if not name.endswith("_stderr") and "units" in summary[name].attrs]
    changed = {}
    for name in names:
        if summary[name].attrs["units"] == "1":
            continue
        if summary[name].attrs["units"] != "A h":
            raise ValueError(f"found {name} in {summary[name].attrs['units']}; expected a summary in A h")
        value = summary[name].variable * divisor.factor
        changed[name] = xr.Variable(value.dims, value.data, summary[name].attrs | {"units": divisor.unit})
        if (own := f"{name}_stderr") in summary:
            stderr = summary[own].variable * divisor.factor
            whole = (stderr**2 + (value * divisor.stderr) ** 2) ** 0.5
            changed[own] = xr.Variable(whole.dims, whole.data, summary[own].attrs | {"units": divisor.unit})
    out = summary.assign(changed).assign_attrs(
        notes=[*summary.attrs.get("notes", []), *divisor.notes], divisor_relative_stderr=divisor.stderr
    )
    schema.check(out)
    return out
