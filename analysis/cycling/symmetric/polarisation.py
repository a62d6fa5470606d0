r"""Polarisation of symmetric cells: the voltage that a stated current takes, half cycle by half cycle.

Start, plateau and end of each half cycle are those of `interlayer.analysis.cycling.symmetric.levels`. A voltage c
between the electrodes that has nothing to do with the current shifts both polarities: with signed levels :math:`V_k`,
steady growth drops out of

.. math:: c_k = (V_{k-1} + 2 V_k + V_{k+1}) / 4

whose median over the record is subtracted. A median, so that a short in one half cycle does not shift all others.
Galvanostatic cycling cannot tell this offset from a resistance that differs between the directions: the asymmetry
:math:`2 c_k / \eta_k` is the same observation, in parts of the overpotential.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import coverage_factor
from ..capacities.summary import capacity_stderr, summary_of
from ..record.charge import Booleans, Floats, record_of
from ..record.halves import Halves, halves_of
from ..record.segmentation import Integers, half_cycles
from .levels import Levels, levels_of
from .shorts import Found, event_table, find, notes_of

_FEWEST_FOR_SLOPE = 4


def polarisation(ds: xr.Dataset, *, area: Quantity | None = None) -> Result:
    """Overpotential of a symmetric cell in its first and last half cycle, its growth and its short circuits.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    area : Quantity, optional
        Electrode area, for current density, areal charge and area-specific resistance.

    Returns
    -------
    Result
        ``overpotential`` (V) of the plateau of the last complete half cycle, ``overpotential_first`` (V),
        ``overpotential_start`` and ``overpotential_end`` (V) of the last complete half cycle, ``overpotential_slope``
        (V per half cycle, without half cycles that hold a short), ``electrode_offset`` (V), ``asymmetry`` (1, charge
        less discharge over their mean), the median ``charge_per_half_cycle`` (A h, or mA h cm-2 with an area), and with
        an area ``current_density`` (A cm-2) and ``area_specific_resistance`` (ohm cm2) of the last half cycle.
        Overpotentials are freed of the electrode offset; their uncertainty is that of the level within the half cycle
        and of the offset. The voltmeter's gain is taken as exact. ``curves`` holds all half cycles, with
        ``voltage_median`` as measured over the whole of each, and short circuits by ``event`` as in `shorts`.

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
    record = record_of(ds)
    half = half_cycles(record)
    levels = levels_of(record, half, halves)
    chosen = np.flatnonzero(halves.complete & np.isfinite(levels.plateau))
    if chosen.size == 0:
        raise NotAnalysable("no complete half cycle has a valid voltage")
    found = find(ds, record)
    shorted = np.isin(halves.number, half[found.shorted])
    sound = chosen[~shorted[chosen]]
    offset = _electrode_offset(halves, levels, sound if sound.size > 2 else chosen)
    shift = halves.direction.astype(np.float64) * (0.0 if offset is None else offset.value)
    stderr = np.hypot(levels.creep, 0.0 if offset is None else offset.stderr or 0.0)
    freed = levels.plateau - shift
    slope = _slope(halves.number[sound], freed[sound])
    ends = (("overpotential", int(chosen[-1])), ("overpotential_first", int(chosen[0])))
    quantities = [Quantity(name, float(freed[k]), float(stderr[k]), "V", kind="measured") for name, k in ends]
    quantities += [slope[0]] if slope else []
    quantities += _start_and_end(levels, shift, offset, int(chosen[-1]))
    quantities += [offset, *_asymmetry(offset, freed[sound if sound.size > 2 else chosen])] if offset else []
    return Result(
        method="time-weighted median voltage of the second half of each half cycle, freed of the electrode offset",
        quantities=(*quantities, *_normalised(halves, chosen, levels.current, freed, stderr, area)),
        diagnostics={
            "n_half_cycles": float(halves.number.size),
            "n_complete_half_cycles": float(chosen.size),
            "n_shorted_half_cycles": float(shorted.sum()),
            "n_shorts": float(len(found.events)),
        }
        | ({"level_scatter": slope[1]} if slope else {}),
        notes=(
            *_notes(halves.number[sound], slope is not None, offset is not None),
            *_notes_of_shorts(halves.number, shorted, chosen, found),
            *halves.notes,
        ),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=_curves(ds, halves, levels, freed, stderr, shift, shorted, area, found),
    )


def _start_and_end(levels: Levels, shift: Floats, offset: Quantity | None, last: int) -> Iterator[Quantity]:
    u_offset = 0.0 if offset is None else offset.stderr or 0.0
    for name, level, creep in (
        ("overpotential_start", levels.start, levels.start_creep),
        ("overpotential_end", levels.end, levels.end_creep),
    ):
        value, stderr = float((level - shift)[last]), math.hypot(float(creep[last]), u_offset)
        yield Quantity(name, value, stderr, "V", kind="measured")


def _asymmetry(offset: Quantity, freed: Floats) -> Iterator[Quantity]:
    """Yield the level on charge less that on discharge over their mean; none where the mean is not above zero."""
    mean = float(np.median(freed))
    if mean > 0:
        yield Quantity("asymmetry", 2 * offset.value / mean, 2 * (offset.stderr or 0.0) / mean, "1", kind="derived")


def _curves(
    ds: xr.Dataset,
    halves: Halves,
    levels: Levels,
    freed: Floats,
    stderr: Floats,
    shift: Floats,
    shorted: Booleans,
    area: Quantity | None,
    found: Found,
) -> xr.Dataset:
    columns = {
        "overpotential": (freed, "V", "overpotential"),
        "overpotential_stderr": (stderr, "V", "uncertainty of overpotential"),
        "overpotential_start": (levels.start - shift, "V", "overpotential at the start"),
        "overpotential_end": (levels.end - shift, "V", "overpotential at the end"),
        "voltage_median": (levels.whole, "V", "median voltage in the direction of the current, offset included"),
        "asymmetry": (_local_asymmetry(halves, levels), "1", "charge less discharge over their mean"),
        "shorted": (shorted, "1", "whether a short circuit is in it"),
    }
    if area is not None:
        resistance = freed * area.to("cm2").value / levels.current
        columns["area_specific_resistance"] = (resistance, "ohm cm2", "area-specific resistance")
    variables = {
        name: ("half_cycle", values, {"units": unit, "long_name": text})
        for name, (values, unit, text) in columns.items()
    }
    return (
        summary_of(halves, "symmetric", ds).assign(variables).merge(event_table(found.events), combine_attrs="override")
    )


def _local_asymmetry(halves: Halves, levels: Levels) -> Floats:
    """Return the asymmetry of each half cycle against its two neighbours, NaN at the ends and beside a pause."""
    signed = halves.direction * levels.plateau
    asymmetry = np.full(signed.size, np.nan)
    centre = 0.25 * (signed[:-2] + 2.0 * signed[1:-1] + signed[2:])
    mean = 0.25 * (levels.plateau[:-2] + 2.0 * levels.plateau[1:-1] + levels.plateau[2:])
    turns = np.diff(halves.direction) != 0
    whole = turns[:-1] & turns[1:] & halves.complete[:-2] & halves.complete[1:-1] & halves.complete[2:] & (mean > 0)
    asymmetry[1:-1][whole] = 2.0 * centre[whole] / mean[whole]
    return asymmetry


def _notes_of_shorts(number: Integers, shorted: Booleans, chosen: Integers, found: Found) -> Iterator[str]:
    yield from notes_of(found)
    if shorted.any():
        names = ", ".join(str(n) for n in number[shorted][:12]) + (", ..." if shorted.sum() > 12 else "")
        yield f"half cycles {names} ({int(shorted.sum())} in all) hold a short circuit and are left out of the growth"
    if shorted[chosen[-1]]:
        yield (
            "the last half cycle is shorted: its overpotential and area-specific resistance are those of the short, "
            "not of the interfaces"
        )


def _notes(number: Integers, has_slope: bool, has_offset: bool) -> Iterator[str]:
    if has_slope:
        yield f"overpotential_slope is in V per half cycle, over half cycles {number[0]} to {number[-1]}"
    else:
        yield f"fewer than {_FEWEST_FOR_SLOPE} complete half cycles without a short: no slope"
    if not has_offset:
        yield "fewer than three complete half cycles in a row: the electrode offset is not subtracted"


def _electrode_offset(halves: Halves, levels: Levels, chosen: Integers) -> Quantity | None:
    """Return the voltage between the electrodes without current, None from fewer than three half cycles in a row."""
    signed = (halves.direction * levels.plateau)[chosen]
    adjacent = (np.diff(halves.number[chosen]) == 1) & (np.diff(halves.direction[chosen]) != 0)
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
