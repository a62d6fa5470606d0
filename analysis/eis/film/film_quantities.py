"""What the fit of a film's spectrum says in terms of the material, as logarithms with derivatives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..fitting.fit import CircuitFit
from .assignment import FILM, Assigned
from .capacitance import normal_capacitance, surface_capacitance
from .propagation import Geometry, LogValue, relaxation_time, resistor, total

_DETERMINED = 0.5  # relative uncertainty up to which what lies beside the film is a number


def arc_capacitances(found: CircuitFit, n_arcs: int) -> list[LogValue]:
    """Return the capacitance of each arc."""
    return [normal_capacitance(found, f"R{number}", f"CPE{number}") for number in range(1, n_arcs + 1)]


def film_arcs(assigned: Sequence[Assigned]) -> list[int]:
    """Return the numbers of the arcs that count as the film's."""
    return [number for number, arc in enumerate(assigned, start=1) if arc.process in FILM]


def named_arcs(assigned: Sequence[Assigned]) -> dict[str, list[int]]:
    """Return the numbers of arcs by the process where that is sure, and by their number where it is not."""
    named: dict[str, list[int]] = {}
    for number, arc in enumerate(assigned, start=1):
        named.setdefault(arc.process if arc.confident else f"arc_{number}", []).append(number)
    return named


def film_resistance(found: CircuitFit, numbers: Sequence[int]) -> LogValue:
    """Return the sum of the resistances of arcs."""
    return total([resistor(found, f"R{number}") for number in numbers])


def resistances(found: CircuitFit, assigned: Sequence[Assigned]) -> dict[str, LogValue]:
    """Return what needs no geometry."""
    numbers = film_arcs(assigned)
    values = {"ionic_resistance": film_resistance(found, numbers)}
    if len(assigned) > 1:
        values |= {f"{name}_resistance": film_resistance(found, arcs) for name, arcs in named_arcs(assigned).items()}
    capacitances = arc_capacitances(found, len(assigned))
    values["capacitance"] = _in_series([capacitances[number - 1] for number in numbers])
    time = relaxation_time(found, numbers[0])
    values["relaxation_frequency"] = time.times(0.5 / math.pi, "Hz", {}, power=-1.0)
    if "R0" in found and found.spread("R0") < 1.0:
        values["series_resistance"] = resistor(found, "R0")
    return values


def with_geometry(
    values: Mapping[str, LogValue], found: CircuitFit, assigned: Sequence[Assigned], geometry: Geometry
) -> dict[str, LogValue]:
    """Return what needs the geometry, the conductivity first."""
    r = values["ionic_resistance"]
    material = {"ionic_conductivity": conductivity(r, geometry)}
    named = named_arcs(assigned)
    if {"bulk", "grain_boundary"} <= named.keys():
        material |= {
            f"{name}_conductivity": conductivity(film_resistance(found, named[name]), geometry)
            for name in ("bulk", "grain_boundary")
        }
    if geometry.area is not None:
        material["area_specific_resistance"] = r.times(geometry.area, "ohm cm2", {"area": 1.0})
        material["relative_permittivity"] = values["capacitance"].times(
            1.0 / geometry.vacuum_capacitance, "1", geometry.powers
        )
        material |= _interfaces(found, named, geometry.area)
        material |= _electrode(found, len(assigned), geometry.area)
    return material


def conductivity(resistance: LogValue, geometry: Geometry) -> LogValue:
    """Return cell constant over resistance."""
    return resistance.times(geometry.cell_constant, "S cm-1", geometry.powers, power=-1.0)


def _interfaces(found: CircuitFit, named: Mapping[str, Sequence[int]], area: float) -> dict[str, LogValue]:
    """Return resistance times area of the interfaces, and capacitance per area of a single one."""
    numbers = named.get("interface", ())
    if not numbers:
        return {}
    resistance = film_resistance(found, numbers)
    values = {"interface_area_specific_resistance": resistance.times(area, "ohm cm2", {"area": 1.0})}
    series = [f"R{number}" for number in range(numbers[0]) if f"R{number}" in found]
    if len(numbers) == 1 and series:
        label = f"{numbers[0]}"
        capacitance = surface_capacitance(found, f"CPE{label}", series=series, charge_transfer=f"R{label}")
        values["interface_capacitance"] = capacitance.times(1.0 / area, "F cm-2", {"area": -1.0})
    return values


def _electrode(found: CircuitFit, n_arcs: int, area: float) -> dict[str, LogValue]:
    """Return the capacitance per area of a blocking electrode, where it is determined."""
    label = f"CPE{n_arcs + 1}"
    if f"{label}_Q" not in found:
        return {}
    series = [f"R{number}" for number in range(n_arcs + 1) if f"R{number}" in found]
    value = surface_capacitance(found, label, series=series).times(1.0 / area, "F cm-2", {"area": -1.0})
    covariance = np.where(np.isfinite(found.covariance), found.covariance, _DETERMINED**2)
    if value.by_fit @ covariance @ value.by_fit > _DETERMINED**2:
        return {}
    return {"electrode_capacitance": value}


def _in_series(capacitances: Sequence[LogValue]) -> LogValue:
    """Return the capacitance of several in series: that of the film seen at high frequency."""
    elastances = total([LogValue(-c.logarithm, -c.by_fit, "F-1") for c in capacitances])
    return LogValue(-elastances.logarithm, -elastances.by_fit, "F")
