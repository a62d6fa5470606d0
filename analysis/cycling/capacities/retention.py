"""Capacity, its retention and the efficiencies at a stated cycle, with what cancels cancelled."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ..record.accuracy import GAIN_STABILITY, RATIO_STABILITY, Accuracy
from ..record.halves import Halves, halves_of
from ..record.polarity import upright
from .end_of_life import cycles_below
from .energy import energy_efficiency, mean_voltage, voltage_hysteresis
from .failing import verdict_note
from .formation import Formation, formation_of
from .normalisation import Divisor, Geometry
from .summary import OPENED_BY, CellType, Cycles, check_cell_type, cycles_of, ratio_stderr, summary_of
from .valued import Valued, valued, valued_in


def capacity_retention(
    ds: xr.Dataset,
    *,
    cell_type: CellType,
    reference_cycle: int,
    cycle: int | None = None,
    formation_cycles: int | None = None,
    active_mass: Quantity | None = None,
    area: Quantity | None = None,
    thickness: Quantity | None = None,
    accuracy: Accuracy | None = None,
) -> Result:
    """Capacity at one cycle over that at a reference cycle, with capacities, efficiencies and mean voltages.

    The capacity is that of the half cycle which returns what the first one stored: the discharge of full cells and
    cathodes, the charge (delithiation) of anodes. Gain and mass cancel in ratios, but for the wander of the gain from
    half cycle to half cycle (1e-4 of it, `interlayer.analysis.cycling.record.accuracy.GAIN_STABILITY`); an offset of
    the current does not.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    cell_type : {"full", "cathode_half", "anode_half", "anode_free"}
        See `interlayer.analysis.cycling.summarise`.
    reference_cycle : int
        Cycle whose capacity is 1, counted from 1. There is no default: papers take the first, or the first after
        formation, and the two differ by per cents. Both are given besides, wherever these cycles are complete.
    cycle : int, optional
        Cycle that is set against it; the last complete one if left out.
    formation_cycles : int, optional
        Leading cycles of the formation, which are left out of the mean efficiency. Left out, they are found from a
        change of the current within the first ten cycles, and the notes say how.
    active_mass, area, thickness : Quantity, optional
        Divisors of the capacities, see `interlayer.analysis.cycling.normalise`: mA h g-1 with a mass, mA h cm-2 with an
        area only, A h with neither; what else they allow is given besides.
    accuracy : Accuracy, optional
        What is stated of the cycler; usual limits if left out.

    Returns
    -------
    Result
        ``capacity_retention`` (1), ``capacity_retention_first`` and ``capacity_retention_after_formation`` (1);
        ``discharge_capacity`` at `cycle` and ``discharge_capacity_reference`` (``delithiation_capacity`` for anodes),
        the former also ``_by_area``, ``_by_volume`` and ``_by_thickness``; ``coulombic_efficiency`` and
        ``energy_efficiency`` (1), ``voltage_mean_charge``, ``voltage_mean_discharge`` and ``voltage_hysteresis`` (V) at
        `cycle`; ``coulombic_efficiency_mean`` over the complete cycles after formation and
        ``coulombic_efficiency_spread``, their standard deviation, which is no uncertainty; ``cycle_below_95_percent``,
        90 and 80, the measured number of the cycle (`capacity_fade` gives those of a law); ``complete_cycles``. The
        summary is in ``curves``. The last note says whether the cell fails.

    Raises
    ------
    NotAnalysable
        If a cycle asked for is not there or not complete, or the cell is symmetric.
    UnitError
        If mass, area, thickness or offsets bear another dimension.
    """
    check_cell_type(cell_type)
    ds = upright(ds, cell_type)
    if cell_type == "symmetric":
        raise NotAnalysable("a symmetric cell has no capacity to retain; take its polarisation")
    geometry = Geometry.of(active_mass=active_mass, area=area, thickness=thickness)
    halves = halves_of(ds, starts_with=OPENED_BY[cell_type], accuracy=accuracy)
    cycles = cycles_of(halves)
    complete = cycles.number[halves.complete[cycles.second]]
    if complete.size == 0:
        raise NotAnalysable(f"no cycle is complete: {_why_not(halves)}")
    cycle = int(complete[-1]) if cycle is None else cycle
    at, reference = (_second(cycles, number, halves) for number in (cycle, reference_cycle))
    formation = formation_of(halves, cycles, formation_cycles)
    summary = summary_of(halves, cell_type, ds, area=geometry.facts.get("area"))
    name = "delithiation_capacity" if cell_type == "anode_half" else "discharge_capacity"
    found = [
        _retention(halves, at, reference, "capacity_retention"),
        *_named_retentions(halves, cycles, at, formation),
        capacity_of(halves, at, geometry.main(), name),
        capacity_of(halves, reference, geometry.main(), f"{name}_reference"),
        *(capacity_of(halves, at, divisor, f"{name}_by_{basis}") for basis, divisor in geometry.others()),
        *_of_one_cycle(halves, at),
        *_mean_efficiency(halves, cycles, formation),
        *cycles_below(halves, cycles, reference_cycle),
        Valued(Quantity("complete_cycles", float(cycles.complete.sum()), None, "1", kind="measured"), {}),
    ]
    division = "charge over discharge" if cell_type == "anode_half" else "discharge over charge"
    what = f"retention of cycle {cycle} against cycle {reference_cycle}; efficiency is {division} of the same cycle"
    return Result(
        method=f"charge of half cycles between reversals of the current, cell type {cell_type}",
        quantities=tuple(entry.quantity for entry in found),
        diagnostics={
            "n_half_cycles": float(halves.number.size),
            "n_complete_cycles": float(cycles.complete.sum()),
            "reference_cycle": float(reference_cycle),
            "cycle": float(cycle),
            "formation_cycles": float(formation.cycles),
        },
        budget={entry.quantity.name: entry.budget for entry in found if entry.budget},
        notes=(what, formation.how, *geometry.notes, *halves.notes, verdict_note(summary, reference_cycle)),
        provenance=_origin(ds),
        curves=summary,
    )


def capacity(
    ds: xr.Dataset,
    *,
    active_mass: Quantity | None = None,
    area: Quantity | None = None,
    thickness: Quantity | None = None,
    accuracy: Accuracy | None = None,
) -> Result:
    """Charge and discharge capacity of the last complete pair of half cycles, for a cell of which nothing is known.

    Parameters
    ----------
    ds, active_mass, area, thickness, accuracy
        As for `capacity_retention`.

    Returns
    -------
    Result
        ``discharge_capacity`` and ``charge_capacity``, also ``_by_area``, ``_by_volume`` and ``_by_thickness`` as far
        as the facts allow. No efficiency: which way to divide follows from the cell.

    Raises
    ------
    NotAnalysable
        If no pair of half cycles is complete.
    """
    geometry = Geometry.of(active_mass=active_mass, area=area, thickness=thickness)
    halves = halves_of(ds, starts_with=None, accuracy=accuracy)
    cycles = cycles_of(halves)
    if not cycles.complete.any():
        raise NotAnalysable(f"no pair of half cycles is complete: {_why_not(halves)}")
    last = np.flatnonzero(cycles.complete)[-1]
    pair = sorted((int(cycles.first[last]), int(cycles.second[last])), key=lambda place: halves.direction[place])
    names = {"discharge_capacity": pair[0], "charge_capacity": pair[1]}
    found = [capacity_of(halves, place, geometry.main(), name) for name, place in names.items()]
    for basis, divisor in geometry.others():
        found += [capacity_of(halves, place, divisor, f"{name}_by_{basis}") for name, place in names.items()]
    return Result(
        method="charge of half cycles between reversals of the current",
        quantities=tuple(entry.quantity for entry in found),
        diagnostics={"n_half_cycles": float(halves.number.size), "n_complete_cycles": float(cycles.complete.sum())},
        budget={entry.quantity.name: entry.budget for entry in found},
        notes=(f"last complete pair of half cycles, number {cycles.number[last]}", *geometry.notes, *halves.notes),
        provenance=_origin(ds),
        curves=summary_of(halves, "symmetric", ds, area=geometry.facts.get("area")),
    )


def capacity_of(halves: Halves, place: int, divisor: Divisor, name: str) -> Valued:
    """Return the capacity of one half cycle, divided, with its budget."""
    charge = float(halves.charge[place])
    relative = {
        "current_gain": halves.gain,
        "gain_stability": GAIN_STABILITY,
        "current_offset": halves.offset * float(halves.hours[place]) / charge,
        "random": float(halves.random[place]) / charge,
        **dict(divisor.relative),
    }
    return valued(name, charge * divisor.factor, divisor.unit, relative, halves.errors.rectangular)


def _why_not(halves: Halves) -> str:
    """Return why the first half cycles are not complete."""
    reasons = [f"half cycle {n}: {why}" for n, why in zip(halves.number, halves.reasons, strict=True) if why]
    return "; ".join(reasons[:4]) or "the record holds a single half cycle"


def _origin(ds: xr.Dataset) -> dict[str, str]:
    return {key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs}


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


def _ratio(halves: Halves, top: int, bottom: int, name: str) -> Valued:
    offset, random = ratio_stderr(halves, top, bottom)
    value = float(halves.charge[top] / halves.charge[bottom])
    parts = {"current_offset": float(offset), "gain_stability": RATIO_STABILITY, "random": float(random)}
    return valued(name, value, "1", parts, halves.errors.rectangular)


def _retention(halves: Halves, at: int, reference: int, name: str) -> Valued:
    if at == reference:
        return Valued(Quantity(name, 1.0, 0.0, "1", kind="derived"), {})
    return _ratio(halves, at, reference, name)


def _named_retentions(halves: Halves, cycles: Cycles, at: int, formation: Formation) -> list[Valued]:
    """Return the retention against the two references that papers use, as far as these cycles are complete."""
    names = {"capacity_retention_first": 1}
    if formation.cycles:
        names["capacity_retention_after_formation"] = formation.cycles + 1
    seconds = {
        int(n): int(place) for n, place in zip(cycles.number, cycles.second, strict=True) if halves.complete[place]
    }
    return [_retention(halves, at, seconds[number], name) for name, number in names.items() if number in seconds]


def _of_one_cycle(halves: Halves, at: int) -> list[Valued]:
    """Return efficiencies, mean voltages and hysteresis of the cycle whose second half is at a place."""
    first, errors = at - 1, halves.errors
    if not halves.complete[first]:
        return []
    ratio, parts = energy_efficiency(halves, at, first)
    shares = {source: float(part) for source, part in parts.items()}
    found = [_ratio(halves, at, first, "coulombic_efficiency")]
    if halves.energy[first] > 0:
        found.append(valued("energy_efficiency", float(ratio), "1", shares, errors.rectangular))
    charge, discharge = (at, first) if halves.direction[at] > 0 else (first, at)
    mean, of_mean = mean_voltage(halves)
    found += [
        valued_in(name, float(mean[place]), "V", {s: float(u[place]) for s, u in of_mean.items()}, errors.rectangular)
        for name, place in (("voltage_mean_charge", charge), ("voltage_mean_discharge", discharge))
    ]
    hysteresis, of_hysteresis = voltage_hysteresis(halves, charge, discharge)
    budget = {source: float(u) for source, u in of_hysteresis.items()}
    return [*found, valued_in("voltage_hysteresis", float(hysteresis), "V", budget, errors.rectangular)]


def _mean_efficiency(halves: Halves, cycles: Cycles, formation: Formation) -> list[Valued]:
    """Return mean and standard deviation of the efficiency; the offset is common to all cycles and is not averaged."""
    chosen = cycles.complete & (cycles.number > formation.cycles)
    if not chosen.any():
        return []
    second, first = cycles.second[chosen], cycles.first[chosen]
    efficiency = halves.charge[second] / halves.charge[first]
    offset, random = ratio_stderr(halves, second, first)
    mean, n = float(efficiency.mean()), efficiency.size
    parts = {
        "current_offset": float(np.mean(efficiency * offset)) / mean,
        "gain_stability": RATIO_STABILITY / math.sqrt(n),
        "random": float(np.sqrt(np.sum((efficiency * random) ** 2))) / n / mean,
    }
    found = [valued("coulombic_efficiency_mean", mean, "1", parts, halves.errors.rectangular)]
    if n > 1:
        spread = Quantity("coulombic_efficiency_spread", float(efficiency.std(ddof=1)), None, "1", kind="measured")
        found.append(Valued(spread, {}))
    return found
