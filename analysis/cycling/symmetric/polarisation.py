"""Polarisation of symmetric cells: the voltage that a stated current takes, half cycle by half cycle.

Start, plateau, end and peak of each half cycle are those of ``levels``, freed of the voltage between the electrodes as
in ``overpotentials``. What a cell is quoted with is its last half cycle before the first short circuit: after it the
voltage is that of the short.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import xarray as xr

from ...quantity import Quantity, Result
from ...statistics import ONE_SIDED_95, coverage_factor
from ..capacities.normalisation import Geometry
from ..capacities.summary import capacity_stderr, summary_of
from ..record.charge import Floats
from ..record.segmentation import Integers
from .overpotentials import Overpotentials, centres_of, overpotentials_of
from .shorts import event_table, notes_of

_FEWEST_FOR_SLOPE = 4
_SAME_CURRENT = 0.05  # relative, within which half cycles are of one series


def polarisation(ds: xr.Dataset, *, area: Quantity | None = None) -> Result:
    """Overpotential of a symmetric cell before it shorts, its growth, and what is left after a short circuit.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    area : Quantity, optional
        Electrode area, for current density, areal charge and area-specific resistance.

    Returns
    -------
    Result
        ``overpotential`` (V) of the plateau of the last complete half cycle before the first short circuit of any kind,
        or of the record if there is none; of the same half cycle ``overpotential_start``, ``overpotential_end`` and
        ``nucleation_overpotential`` (V, peak of the first half less the plateau, a limit with relation ``"<"`` where
        none shows), and with an area ``current_density`` (A cm-2) and ``area_specific_resistance`` (ohm cm2), voltage
        over current density with the electrolyte included. ``overpotential_first`` (V) of the first half cycle;
        ``overpotential_slope`` (V per half cycle) over half cycles of that current without a short;
        ``electrode_offset`` (V), the centre of the hysteresis; ``asymmetry`` (1, charge less discharge over their
        mean); the median ``charge_per_half_cycle`` (A h, or mA h cm-2 with an area). ``overpotential_shorted`` and
        ``area_specific_resistance_shorted`` are those of the last complete half cycle with a short in it; they stand
        alone where the first half cycle is shorted.

        Overpotentials are freed of the electrode offset; their uncertainty is that of the level within the half cycle
        and of the offset. The voltmeter's gain is taken as exact. ``curves`` holds all half cycles, with
        ``voltage_median`` as measured over the whole of each, ``overpotential_peak``, ``hysteresis_centre`` (V) and
        ``cumulative_charge`` (A h, or mA h cm-2 with an area, passed in both directions), and short circuits by
        ``event`` as in `shorts`, which gives time and charge to the first.

    Raises
    ------
    NotAnalysable
        If no half cycle is complete.
    UnitError
        If the area bears another dimension.
    ValueError
        If the area is not above 0. A placeholder that software writes is not taken, with a note.
    """
    geometry = Geometry.of(area=area)
    area = geometry.facts.get("area")
    cell = overpotentials_of(ds)
    before = cell.before_short
    alike = _alike(cell)
    slope = _slope(cell.halves.number[alike], cell.plateau[alike])
    return Result(
        method="time-weighted median voltage of the second half of each half cycle, freed of the electrode offset",
        quantities=(
            *(_of_half_cycle(cell, int(before[-1]), area, "") if before.size else ()),
            *_first(cell),
            *([slope[0]] if slope else []),
            *(_details(cell, int(before[-1])) if before.size else ()),
            *_shorted(cell, area),
            *_offset(cell),
            _charge(cell, area),
        ),
        diagnostics={
            "n_half_cycles": float(cell.halves.number.size),
            "n_complete_half_cycles": float(cell.complete.size),
            "n_shorted_half_cycles": float(cell.shorted.sum()),
            "n_shorts": float(len(cell.found.events)),
        }
        | ({"level_scatter": slope[1]} if slope else {}),
        notes=(
            *_notes(cell, alike, has_slope=slope is not None),
            *_notes_of_shorts(cell),
            *geometry.notes,
            *cell.halves.notes,
        ),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=_curves(ds, cell, None if area is None else area.to("cm2").value),
    )


def _of_half_cycle(cell: Overpotentials, at: int, area: Quantity | None, suffix: str) -> Iterator[Quantity]:
    """Yield overpotential, and with an area current density and area-specific resistance of one half cycle."""
    level, stderr = float(cell.plateau[at]), float(cell.stderr[at])
    yield Quantity(f"overpotential{suffix}", level, stderr, "V", kind="measured")
    if area is None:
        return
    size, amperes = area.to("cm2").value, float(cell.levels.current[at])
    u_current = math.hypot(cell.halves.gain, cell.halves.offset / amperes)
    if not suffix:
        density = amperes / size
        yield Quantity(
            "current_density", density, density * math.hypot(u_current, area.relative), "A cm-2", kind="derived"
        )
    ohms = level * size / amperes
    u_ohms = math.hypot(stderr * size / amperes, ohms * math.hypot(u_current, area.relative))
    yield Quantity(f"area_specific_resistance{suffix}", ohms, u_ohms, "ohm cm2", kind="derived")


def _first(cell: Overpotentials) -> Iterator[Quantity]:
    at = int(cell.complete[0])
    if not cell.shorted[at]:
        yield Quantity("overpotential_first", float(cell.plateau[at]), float(cell.stderr[at]), "V", kind="measured")


def _details(cell: Overpotentials, at: int) -> Iterator[Quantity]:
    """Yield start, end and nucleation overpotential of one half cycle."""
    u_offset = 0.0 if cell.offset is None else cell.offset.stderr or 0.0
    for name, level, creep in (
        ("overpotential_start", cell.levels.start, cell.levels.start_creep),
        ("overpotential_end", cell.levels.end, cell.levels.end_creep),
    ):
        value = float((level - cell.shift)[at])
        yield Quantity(name, value, math.hypot(float(creep[at]), u_offset), "V", kind="measured")
    peak = float(cell.levels.peak[at] - cell.levels.plateau[at])
    if math.isfinite(peak):
        stderr = math.hypot(float(cell.levels.peak_stderr[at]), float(cell.levels.creep[at]))
        name, resolved = "nucleation_overpotential", ONE_SIDED_95 * stderr
        if peak > resolved:
            yield Quantity(name, peak, stderr, "V", kind="derived")
        else:
            yield Quantity(name, max(peak, 0.0) + resolved, None, "V", relation="<", kind="derived")


def _shorted(cell: Overpotentials, area: Quantity | None) -> Iterator[Quantity]:
    shorted = cell.complete[cell.shorted[cell.complete]]
    if shorted.size:
        yield from _of_half_cycle(cell, int(shorted[-1]), area, "_shorted")


def _offset(cell: Overpotentials) -> Iterator[Quantity]:
    """Yield the offset, and the level on charge less that on discharge over their mean if that is above zero."""
    if cell.offset is None:
        return
    yield cell.offset
    mean = float(np.median(cell.plateau[cell.sound if cell.sound.size > 2 else cell.complete]))
    if mean > 0:
        value, stderr = 2 * cell.offset.value / mean, 2 * (cell.offset.stderr or 0.0) / mean
        yield Quantity("asymmetry", value, stderr, "1", kind="derived")


def _charge(cell: Overpotentials, area: Quantity | None) -> Quantity:
    """Return charge or areal charge of the half cycle in the middle by size."""
    middle = int(cell.complete[np.argsort(cell.halves.charge[cell.complete])[cell.complete.size // 2]])
    charge, stderr = float(cell.halves.charge[middle]), float(capacity_stderr(cell.halves)[middle])
    if area is None:
        return Quantity("charge_per_half_cycle", charge, stderr, "A h", kind="measured")
    value = 1e3 * charge / area.to("cm2").value
    relative = math.hypot(stderr / charge, area.relative)
    return Quantity("charge_per_half_cycle", value, value * relative, "mA h cm-2", kind="derived")


def _alike(cell: Overpotentials) -> Integers:
    """Return the places of the sound half cycles of the current that the overpotential is quoted for."""
    before, sound = cell.before_short, cell.sound
    if not before.size:
        return sound
    same = np.abs(cell.levels.current[sound] / cell.levels.current[before[-1]] - 1.0) < _SAME_CURRENT
    return np.asarray(sound[same])


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


def _notes(cell: Overpotentials, alike: Integers, *, has_slope: bool) -> Iterator[str]:
    if has_slope:
        number = cell.halves.number[alike]
        yield f"overpotential_slope is in V per half cycle, over half cycles {number[0]} to {number[-1]}"
    else:
        yield f"fewer than {_FEWEST_FOR_SLOPE} complete half cycles of one current without a short: no slope"
    if alike.size < cell.sound.size:
        yield f"{cell.sound.size - alike.size} half cycles of another current are left out of the growth"
    if cell.offset is None:
        yield "fewer than three complete half cycles in a row: the electrode offset is not subtracted"


def _notes_of_shorts(cell: Overpotentials) -> Iterator[str]:
    yield from notes_of(cell.found)
    if not cell.found.events:
        return
    number, shorted = cell.halves.number, cell.shorted
    names = ", ".join(str(n) for n in number[shorted][:12]) + (", ..." if shorted.sum() > 12 else "")
    yield f"half cycles {names} ({int(shorted.sum())} in all) hold a short circuit and are left out of the growth"
    begins, before = cell.found.events[0].half_cycle, cell.before_short
    if before.size:
        yield (
            f"overpotential and area-specific resistance are those of half cycle {number[before[-1]]}, the last "
            f"complete one before the short circuit that begins in half cycle {begins}"
        )
    else:
        yield f"no half cycle is complete before the short circuit in half cycle {begins}: no sound overpotential"


def _curves(ds: xr.Dataset, cell: Overpotentials, size: float | None) -> xr.Dataset:
    levels, shift = cell.levels, cell.shift
    centre, mean = centres_of(cell.halves, levels)
    passed = np.cumsum(cell.halves.charge)
    columns = {
        "overpotential": (cell.plateau, "V", "overpotential"),
        "overpotential_stderr": (cell.stderr, "V", "uncertainty of overpotential"),
        "overpotential_start": (levels.start - shift, "V", "overpotential at the start"),
        "overpotential_end": (levels.end - shift, "V", "overpotential at the end"),
        "overpotential_peak": (levels.peak - shift, "V", "highest overpotential in the first half"),
        "voltage_median": (levels.whole, "V", "median voltage in the direction of the current, offset included"),
        "hysteresis_centre": (centre, "V", "centre between charge and discharge"),
        "asymmetry": (2.0 * centre / np.where(mean > 0, mean, np.nan), "1", "charge less discharge over their mean"),
        "cumulative_charge": (
            passed if size is None else 1e3 * passed / size,
            "A h" if size is None else "mA h cm-2",
            "charge passed in both directions up to its end",
        ),
        "shorted": (cell.shorted, "1", "whether a short circuit is in it"),
    }
    if size is not None:
        columns["area_specific_resistance"] = (
            cell.plateau * size / levels.current,
            "ohm cm2",
            "area-specific resistance",
        )
    variables = {
        name: ("half_cycle", values, {"units": unit, "long_name": text})
        for name, (values, unit, text) in columns.items()
    }
    summary = summary_of(cell.halves, "symmetric", ds)
    return summary.assign(variables).merge(event_table(cell.found.events), combine_attrs="override")
