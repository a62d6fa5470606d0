r"""Polarisation of symmetric cells: the voltage that a stated current takes, half cycle by half cycle.

The level of a half cycle is the time-weighted median of its voltage in the second half of its time, when nucleation and
ohmic settling are over. A voltage c between the electrodes that has nothing to do with the current shifts both
polarities: with signed levels :math:`V_k`, steady growth drops out of

.. math:: c_k = (V_{k-1} + 2 V_k + V_{k+1}) / 4

whose median over the record is subtracted. A median, so that a short in one half cycle does not shift all others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import xarray as xr

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from ..statistics import coverage_factor, weighted_median
from .charge import Booleans, Floats, record_of
from .halves import Halves, halves_of
from .segmentation import Integers, half_cycles
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
        ``overpotential`` (V) of the last complete half cycle, ``overpotential_first`` (V), ``overpotential_slope``
        (V per half cycle), ``electrode_offset`` (V), the median ``charge_per_half_cycle`` (A h, or mA h cm-2 with an
        area), and with an area ``current_density`` (A cm-2) and ``area_specific_resistance`` (ohm cm2) of the last half
        cycle. Overpotentials are freed of the electrode offset; their uncertainty is that of the level within the half
        cycle and of the offset. The voltmeter's gain is taken as exact. Levels of all half cycles are in ``curves``.

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
    number = halves.number[chosen]
    signed = (halves.direction * level)[chosen]
    adjacent = (np.diff(number) == 1) & (np.diff(halves.direction[chosen]) != 0)
    offset = _electrode_offset(signed, adjacent)
    freed = level if offset is None else level - halves.direction * offset.value
    u_offset = 0.0 if offset is None else offset.stderr or 0.0
    stderr = np.hypot(creep, u_offset)
    slope = _slope(number, freed[chosen])
    ends = (("overpotential", int(chosen[-1])), ("overpotential_first", int(chosen[0])))
    quantities = [Quantity(name, float(freed[k]), float(stderr[k]), "V", kind="measured") for name, k in ends]
    quantities += [slope[0]] if slope else []
    quantities += [offset] if offset else []
    return Result(
        method="time-weighted median voltage of the second half of each half cycle, freed of the electrode offset",
        quantities=(*quantities, *_normalised(halves, chosen, current, freed, stderr, area)),
        diagnostics={
            "n_half_cycles": float(halves.number.size),
            "n_complete_half_cycles": float(chosen.size),
        }
        | ({"level_scatter": slope[1]} if slope else {}),
        notes=(*_notes(number, slope is not None, offset is not None), *halves.notes),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=summary_of(halves, "symmetric", ds).assign(
            overpotential=("half_cycle", freed, {"units": "V", "long_name": "overpotential"}),
            overpotential_stderr=("half_cycle", stderr, {"units": "V", "long_name": "uncertainty of overpotential"}),
        ),
    )


def _notes(number: Integers, has_slope: bool, has_offset: bool) -> Iterator[str]:
    if has_slope:
        yield f"overpotential_slope is in V per half cycle, over half cycles {number[0]} to {number[-1]}"
    else:
        yield f"fewer than {_FEWEST_FOR_SLOPE} complete half cycles: no slope"
    if not has_offset:
        yield "fewer than three complete half cycles in a row: the electrode offset is not subtracted"


def _levels(ds: xr.Dataset, halves: Halves) -> tuple[Floats, Floats, Floats]:
    """Return level and creep of the voltage in V, and the level of the current in A, of each half cycle."""
    record = record_of(ds)
    half = half_cycles(record)
    first = np.flatnonzero(np.diff(half, prepend=0))
    bounds = np.append(first, half.size)
    level, creep, current = (np.full(halves.number.size, np.nan) for _ in range(3))
    for place, (begin, end) in enumerate(pairwise(bounds)):
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


def _electrode_offset(signed: Floats, adjacent: Booleans) -> Quantity | None:
    """Return the voltage between the electrodes without current, None from fewer than three half cycles in a row."""
    centres = (0.25 * (signed[:-2] + 2.0 * signed[1:-1] + signed[2:]))[adjacent[:-1] & adjacent[1:]]
    if centres.size == 0:
        return None
    middle = float(np.median(centres))
    spread = 1.4826 * float(np.median(np.abs(centres - middle)))
    # Centres share levels with their neighbours: about a third as many are independent.
    return Quantity("electrode_offset", middle, spread * math.sqrt(3.0 / centres.size), "V", kind="fit")


def _slope(number: Integers, level: Floats) -> tuple[Quantity, float] | None:
    """Return the slope by least squares in V per half cycle and the scatter about the line."""
    if number.size < _FEWEST_FOR_SLOPE:
        return None
    x = number - number.mean()
    slope = float(x @ level / (x @ x))
    degrees = number.size - 2
    scatter = math.sqrt(float(np.sum((level - level.mean() - slope * x) ** 2)) / degrees)
    stderr = scatter / math.sqrt(float(x @ x))
    half = coverage_factor(degrees) * stderr
    return Quantity("overpotential_slope", slope, stderr, "V", (slope - half, slope + half), kind="fit"), scatter


def _normalised(
    halves: Halves, chosen: Integers, current: Floats, freed: Floats, stderr: Floats, area: Quantity | None
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
    u_level = float(stderr[last] / abs(freed[last]))
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
