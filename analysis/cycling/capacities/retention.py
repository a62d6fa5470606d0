"""Capacity, its retention and the coulombic efficiency at a stated cycle, with what cancels cancelled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ..record.halves import DEFAULT_GAIN, GAIN_STABILITY, Halves, halves_of
from .summary import OPENED_BY, RATIO_STABILITY, CellType, Cycles, check_cell_type, cycles_of, ratio_stderr, summary_of


def capacity_retention(
    ds: xr.Dataset,
    *,
    cell_type: CellType,
    reference_cycle: int,
    cycle: int | None = None,
    formation_cycles: int = 0,
    active_mass: Quantity | None = None,
    area: Quantity | None = None,
    current_gain: float = DEFAULT_GAIN,
    current_offset: Quantity | None = None,
) -> Result:
    """Capacity at one cycle over that at a reference cycle, with capacities and coulombic efficiency.

    The capacity is that of the half cycle which returns what the first one stored: the discharge of full cells and
    cathodes, the charge (delithiation) of anodes. Gain and mass cancel in ratios, but for the wander of the gain from
    half cycle to half cycle (1e-4 of it, `interlayer.analysis.cycling.record.halves.GAIN_STABILITY`); an offset of the
    current does not.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    cell_type : {"full", "cathode_half", "anode_half", "anode_free"}
        See `interlayer.analysis.cycling.summarise`.
    reference_cycle : int
        Cycle whose capacity is 1, counted from 1. There is no default: papers take the first, or the first after
        formation, and the two differ by per cents.
    cycle : int, optional
        Cycle that is set against it; the last complete one if left out.
    formation_cycles : int
        Leading cycles that are left out of the mean efficiency. If there are any, the retention is given against the
        first cycle and against the first one after them as well.
    active_mass, area : Quantity, optional
        Divisor of the capacities: mA h g-1 with a mass, mA h cm-2 with an area only, A h with neither.
    current_gain : float
        Relative standard uncertainty of the current's gain; 0.1 % of the reading, rectangular, if left out.
    current_offset : Quantity, optional
        Offset of the current, a current; 0 with 0.05 % of the largest current, rectangular, if left out.

    Returns
    -------
    Result
        ``capacity_retention`` (1), ``discharge_capacity`` at `cycle` and ``discharge_capacity_reference``
        (``delithiation_capacity`` for anodes), ``coulombic_efficiency`` at `cycle`, ``coulombic_efficiency_mean`` over
        the complete cycles after formation and ``coulombic_efficiency_spread``, their standard deviation, which is no
        uncertainty; ``complete_cycles``. The summary is in ``curves``.

    Raises
    ------
    NotAnalysable
        If a cycle asked for is not there or not complete, or the cell is symmetric.
    UnitError
        If mass, area or offset bear another dimension.
    """
    check_cell_type(cell_type)
    if cell_type == "symmetric":
        raise NotAnalysable("a symmetric cell has no capacity to retain; take its polarisation")
    halves = halves_of(ds, starts_with=OPENED_BY[cell_type], current_gain=current_gain, current_offset=current_offset)
    cycles = cycles_of(halves)
    complete = cycles.number[halves.complete[cycles.second]]
    if complete.size == 0:
        raise NotAnalysable(f"no cycle is complete: {'; '.join(halves.notes)}")
    cycle = int(complete[-1]) if cycle is None else cycle
    at, reference = (_second(cycles, number, halves) for number in (cycle, reference_cycle))
    divisor = Divisor.of(active_mass, area)
    name = "delithiation_capacity" if cell_type == "anode_half" else "discharge_capacity"
    found = [
        _retention(halves, at, reference, "capacity_retention"),
        *_named_retentions(halves, cycles, at, formation_cycles),
        _capacity(halves, at, divisor, name),
        _capacity(halves, reference, divisor, f"{name}_reference"),
        *_efficiency(halves, at),
        *_mean_efficiency(halves, cycles, formation_cycles),
        _Valued(Quantity("complete_cycles", float(cycles.complete.sum()), None, "1", kind="measured"), {}),
    ]
    division = "charge over discharge" if cell_type == "anode_half" else "discharge over charge"
    what = f"retention of cycle {cycle} against cycle {reference_cycle}; efficiency is {division} of the same cycle"
    return Result(
        method=f"charge of half cycles between reversals of the current, cell type {cell_type}",
        quantities=tuple(valued.quantity for valued in found),
        diagnostics={
            "n_half_cycles": float(halves.number.size),
            "n_complete_cycles": float(cycles.complete.sum()),
            "reference_cycle": float(reference_cycle),
            "cycle": float(cycle),
        },
        budget={valued.quantity.name: valued.budget for valued in found if valued.budget},
        notes=(what, *divisor.notes, *halves.notes),
        provenance=_origin(ds),
        curves=summary_of(halves, cell_type, ds),
    )


def capacity(ds: xr.Dataset, *, current_gain: float = DEFAULT_GAIN, current_offset: Quantity | None = None) -> Result:
    """Charge and discharge capacity of the last complete pair of half cycles, for a cell of which nothing is known.

    Parameters
    ----------
    ds, current_gain, current_offset
        As for `capacity_retention`.

    Returns
    -------
    Result
        ``discharge_capacity`` and ``charge_capacity`` (A h). No efficiency: which way to divide follows from the cell.

    Raises
    ------
    NotAnalysable
        If no pair of half cycles is complete.
    """
    halves = halves_of(ds, starts_with=None, current_gain=current_gain, current_offset=current_offset)
    cycles = cycles_of(halves)
    if not cycles.complete.any():
        raise NotAnalysable(f"no pair of half cycles is complete: {'; '.join(halves.notes)}")
    last = np.flatnonzero(cycles.complete)[-1]
    pair = sorted((int(cycles.first[last]), int(cycles.second[last])), key=lambda place: halves.direction[place])
    found = [
        _capacity(halves, pair[0], Divisor(), "discharge_capacity"),
        _capacity(halves, pair[1], Divisor(), "charge_capacity"),
    ]
    return Result(
        method="charge of half cycles between reversals of the current",
        quantities=tuple(valued.quantity for valued in found),
        diagnostics={"n_half_cycles": float(halves.number.size), "n_complete_cycles": float(cycles.complete.sum())},
        budget={valued.quantity.name: valued.budget for valued in found},
        notes=(f"last complete pair of half cycles, number {cycles.number[last]}", *halves.notes),
        provenance=_origin(ds),
        curves=summary_of(halves, "symmetric", ds),
    )


def _origin(ds: xr.Dataset) -> dict[str, str]:
    return {key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs}


@dataclass(frozen=True)
class Divisor:
    """What capacities are divided by: A h times `factor` gives `unit`."""

    factor: float = 1.0
    unit: str = "A h"
    source: str = ""
    relative: float = 0.0
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, active_mass: Quantity | None, area: Quantity | None) -> Divisor:
        """Take the mass if it is stated, else the area, else nothing."""
        for name, stated, base, unit in (
            ("active_mass", active_mass, "g", "mA h g-1"),
            ("area", area, "cm2", "mA h cm-2"),
        ):
            if stated is None:
                continue
            if stated.value <= 0:
                raise ValueError(f"found {stated}; expected a value above 0")
            notes = () if stated.stderr is not None else (f"the {name} is stated without uncertainty",)
            return cls(1e3 / stated.to(base).value, unit, name, stated.relative, notes)
        return cls()


@dataclass(frozen=True)
class _Valued:
    """A quantity with its budget."""

    quantity: Quantity
    budget: Mapping[str, float]


def _second(cycles: Cycles, number: int, halves: Halves) -> int:
    """Return the place of the half cycle that bears a cycle's capacity."""
    places = np.flatnonzero(cycles.number == number)
    whole = halves.complete[cycles.second]
    if places.size and whole[places[0]]:
        return int(cycles.second[places[0]])
    there = cycles.number[whole]
    why = [reason for reason, of in zip(halves.reasons, halves.cycle, strict=True) if of == number and reason]
    raise NotAnalysable(
        f"cycle {number} is not complete{': ' + why[0] if why else ''}; complete are {there.size} cycles, "
        f"{there[0]} to {there[-1]}"
    )


def _valued(name: str, value: float, unit: str, relative: Mapping[str, float]) -> _Valued:
    budget = {source: abs(value) * u for source, u in relative.items()}
    return _Valued(Quantity(name, value, math.hypot(*budget.values()), unit, kind="derived"), budget)


def _capacity(halves: Halves, place: int, divisor: Divisor, name: str) -> _Valued:
    charge = float(halves.charge[place])
    relative = {
        "current_gain": halves.gain,
        "gain_stability": GAIN_STABILITY,
        "current_offset": halves.offset * float(halves.hours[place]) / charge,
        "random": float(halves.random[place]) / charge,
    }
    if divisor.source:
        relative[divisor.source] = divisor.relative
    return _valued(name, charge * divisor.factor, divisor.unit, relative)


def _ratio(halves: Halves, top: int, bottom: int, name: str) -> _Valued:
    offset, random = ratio_stderr(halves, top, bottom)
    value = float(halves.charge[top] / halves.charge[bottom])
    parts = {"current_offset": float(offset), "gain_stability": RATIO_STABILITY, "random": float(random)}
    return _valued(name, value, "1", parts)


def _retention(halves: Halves, at: int, reference: int, name: str) -> _Valued:
    if at == reference:
        return _Valued(Quantity(name, 1.0, 0.0, "1", kind="derived"), {})
    return _ratio(halves, at, reference, name)


def _efficiency(halves: Halves, at: int) -> list[_Valued]:
    return [_ratio(halves, at, at - 1, "coulombic_efficiency")] if halves.complete[at - 1] else []


def _named_retentions(halves: Halves, cycles: Cycles, at: int, formation_cycles: int) -> list[_Valued]:
    """Return the retention against the two references that papers use, as far as these cycles are complete."""
    if formation_cycles <= 0:
        return []
    names = {1: "capacity_retention_first", formation_cycles + 1: "capacity_retention_after_formation"}
    seconds = {
        int(n): int(place) for n, place in zip(cycles.number, cycles.second, strict=True) if halves.complete[place]
    }
    return [_retention(halves, at, seconds[number], name) for number, name in names.items() if number in seconds]


def _mean_efficiency(halves: Halves, cycles: Cycles, formation_cycles: int) -> list[_Valued]:
    """Return mean and standard deviation of the efficiency; the offset is common to all cycles and is not averaged."""
    chosen = cycles.complete & (cycles.number > formation_cycles)
    if not chosen.any():
        return []
    second, first = cycles.second[chosen], cycles.first[chosen]
    efficiency = halves.charge[second] / halves.charge[first]
    offset, random = ratio_stderr(halves, second, first)
    mean, n = float(efficiency.mean()), efficiency.size
    parts: dict[str, Any] = {
        "current_offset": float(np.mean(efficiency * offset)) / mean,
        "gain_stability": RATIO_STABILITY / math.sqrt(n),
        "random": float(np.sqrt(np.sum((efficiency * random) ** 2))) / n / mean,
    }
    found = [_valued("coulombic_efficiency_mean", mean, "1", parts)]
    if n > 1:
        spread = Quantity("coulombic_efficiency_spread", float(efficiency.std(ddof=1)), None, "1", kind="measured")
        found.append(_Valued(spread, {}))
    return found
