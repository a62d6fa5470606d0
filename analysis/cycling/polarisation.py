r"""Polarisation of symmetric cells: the voltage that a stated current takes, half cycle by half cycle.

The level of a half cycle is the time-weighted median of its voltage in the second half of its time, when nucleation and
ohmic settling are over. Levels of both polarities follow

.. math:: |V_k| = a + b k + s_k c

with the slope b and a voltage c between the electrodes that has nothing to do with the current (:math:`s_k = \pm 1`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from ..statistics import coverage_factor, weighted_median
from .charge import Floats, record_of
from .halves import Halves, halves_of
from .segmentation import half_cycles
from .summary import capacity_stderr, summary_of

_FEWEST_FOR_SLOPE = 4


def polarisation(ds: xr.Dataset, *, area: Quantity | None = None) -> Result:
    """Overpotential of a symmetric cell in its first and last half cycle, and its growth.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    area : Quantity, optional
        Electrode area, for current density, areal charge and area-specific resistance.

    Returns
    -------
    Result
        ``overpotential`` (V) of the last complete half cycle, ``overpotential_first`` (V), ``overpotential_slope`` (V per
        half cycle), ``electrode_offset`` (V), the median ``charge_per_half_cycle`` (A h, or mA h cm-2 with an area),
        and with an area ``current_density`` (A cm-2) and ``area_specific_resistance`` (ohm cm2) of the last half cycle.
        Overpotentials are freed of the electrode offset; their uncertainty is that of the level within the half cycle
        and of the offset. The voltmeter's gain is taken as exact. Levels of all half cycles are in ``curves``.

    Raises
    ------
    NotAnalysable
        If no half cycle is complete.
    UnitError
        If the area bears another dimension.
    """
    halves = halves_of(ds, starts_with=None)
    if not halves.complete.any():
        raise NotAnalysable(f"no half cycle is complete: {'; '.join(halves.notes)}")
    level, creep, current = _levels(ds, halves)
    chosen = np.flatnonzero(halves.complete & np.isfinite(level))
    if chosen.size == 0:
        raise NotAnalysable("no complete half cycle has a valid voltage")
    trend = _trend(halves.number[chosen], halves.direction[chosen], level[chosen])
    freed = level - halves.direction * trend.offset
    quantities = [
        _overpotential("overpotential", freed, creep, int(chosen[-1]), trend),
        _overpotential("overpotential_first", freed, creep, int(chosen[0]), trend),
        *trend.quantities(),
        *_normalised(halves, chosen, current, freed, creep, area),
    ]
    return Result(
        method="time-weighted median of the voltage in the second half of each half cycle, freed of the electrode offset",
        quantities=tuple(quantities),
        diagnostics={
            "n_half_cycles": float(halves.number.size),
            "n_complete_half_cycles": float(chosen.size),
            "level_scatter": trend.scatter,
        },
        notes=(*trend.notes(halves.number[chosen]), *halves.notes),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=summary_of(halves, "symmetric", ds).assign(
            overpotential=("half_cycle", freed, {"units": "V", "long_name": "overpotential"}),
            overpotential_stderr=("half_cycle", creep, {"units": "V", "long_name": "creep within the half cycle"}),
        ),
    )


@dataclass(frozen=True)
class _Trend:
    """Line through the levels: slope and electrode offset with standard uncertainties, scatter, degrees of freedom."""

    slope: float | None
    slope_stderr: float
    offset: float
    offset_stderr: float
    scatter: float
    degrees_of_freedom: int

    def quantities(self) -> list[Quantity]:
        if self.slope is None:
            return []
        factor = coverage_factor(self.degrees_of_freedom)
        pairs = (
            ("overpotential_slope", self.slope, self.slope_stderr),
            ("electrode_offset", self.offset, self.offset_stderr),
        )
        return [Quantity(n, v, u, "V", (v - factor * u, v + factor * u), kind="fit") for n, v, u in pairs]

    def notes(self, numbers: Floats) -> tuple[str, ...]:
        if self.slope is None:
            return (f"fewer than {_FEWEST_FOR_SLOPE} complete half cycles: no slope, electrode offset not subtracted",)
        return (f"overpotential_slope is in V per half cycle, over half cycles {numbers[0]} to {numbers[-1]}",)


def _levels(ds: xr.Dataset, halves: Halves) -> tuple[Floats, Floats, Floats]:
    """Return level and creep of the voltage in V, and the level of the current in A, of each half cycle."""
    record = record_of(ds)
    half = half_cycles(record)
    first = np.flatnonzero(np.diff(half, prepend=0))
    bounds = np.append(first, half.size)
    level, creep, current = (np.full(halves.number.size, np.nan) for _ in range(3))
    for place, (begin, end) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        sign = halves.direction[place]
        own = np.flatnonzero(record.sign[begin:end] == sign) + begin
        elapsed = np.cumsum(record.duration[own])
        own = own[(elapsed > 0.5 * elapsed[-1]) & np.isfinite(record.voltage[own]) & (record.duration[own] > 0)]
        if own.size == 0:
            continue
        voltage, weight = sign * record.voltage[own], record.duration[own]
        level[place] = weighted_median(voltage, weight)
        creep[place] = math.sqrt(float(np.average((voltage - level[place]) ** 2, weights=weight)))
        current[place] = weighted_median(np.abs(record.current[own]), weight)
    return level, creep, current


def _trend(number: Floats, direction: Floats, level: Floats) -> _Trend:
    """Fit slope and electrode offset to the levels by least squares."""
    both = np.unique(direction).size == 2
    if number.size < _FEWEST_FOR_SLOPE or not both:
        return _Trend(None, 0.0, 0.0, 0.0, 0.0, 0)
    columns = np.stack([np.ones(number.size), number - number.mean(), direction], axis=1)
    inverse = np.linalg.inv(columns.T @ columns)
    values = inverse @ columns.T @ level
    degrees = number.size - 3
    scatter = math.sqrt(float(np.sum((level - columns @ values) ** 2)) / degrees)
    stderr = scatter * np.sqrt(np.diag(inverse))
    return _Trend(float(values[1]), float(stderr[1]), float(values[2]), float(stderr[2]), scatter, degrees)


def _overpotential(name: str, freed: Floats, creep: Floats, place: int, trend: _Trend) -> Quantity:
    stderr = math.hypot(float(creep[place]), trend.offset_stderr)
    return Quantity(name, float(freed[place]), stderr, "V", kind="measured")


def _normalised(
    halves: Halves, chosen: Floats, current: Floats, freed: Floats, creep: Floats, area: Quantity | None
) -> list[Quantity]:
    """Return charge, and with an area current density and area-specific resistance of the last half cycle."""
    middle = int(chosen[np.argsort(halves.charge[chosen])[chosen.size // 2]])
    last = int(chosen[-1])
    charge, u_charge = float(halves.charge[middle]), float(capacity_stderr(halves)[middle])
    if area is None:
        return [Quantity("charge_per_half_cycle", charge, u_charge, "A h", kind="measured")]
    a, u_area = area.to("cm2").value, area.relative
    if a <= 0:
        raise ValueError(f"found {area}; expected a value above 0")
    amperes = float(current[last])
    u_current = math.hypot(halves.gain, halves.offset / amperes)
    density, resistance = amperes / a, float(freed[last]) * a / amperes
    u_level = float(creep[last] / freed[last])
    return [
        Quantity(
            "charge_per_half_cycle",
            1e3 * charge / a,
            1e3 * charge / a * math.hypot(u_charge / charge, u_area),
            "mA h cm-2",
            kind="derived",
        ),
        Quantity("current_density", density, density * math.hypot(u_current, u_area), "A cm-2", kind="derived"),
        Quantity(
            "area_specific_resistance",
            resistance,
            abs(resistance) * math.hypot(u_level, u_current, u_area),
            "ohm cm2",
            kind="derived",
        ),
    ]
