"""Capacities and efficiencies of each half cycle and cycle as a Dataset, with their uncertainties."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from interlayer.parsers import schema

from ...quantity import Quantity
from ..record.accuracy import GAIN_STABILITY, RATIO_STABILITY, Accuracy
from ..record.ends import ENDED_BY
from ..record.halves import Halves, halves_of
from ..record.intervals import Floats
from ..record.polarity import upright
from ..record.segmentation import Direction
from .energy import energy_efficiency, energy_stderr, mean_voltage, root_sum, voltage_hysteresis
from .normalisation import Geometry

CellType = Literal["full", "cathode_half", "anode_half", "symmetric", "anode_free"]

OPENED_BY: dict[str, Direction | None] = {
    "full": "charge",
    "cathode_half": "charge",
    "anode_free": "charge",
    "anode_half": "discharge",
    "symmetric": None,
}
"""Half cycle that opens a cycle, by cell type. The other one returns what it stored: efficiency is second over first.

``anode_free`` is a cathode against a bare collector. Li plated on Cu against Li is an ``anode_half``, which stores on
discharge. ``symmetric`` cells have no efficiency.
"""


@dataclass(frozen=True)
class Cycles:
    """Cycles whose two halves are there, one entry each; `first` and `second` are places in the half cycles."""

    number: NDArray[np.integer[Any]]
    first: NDArray[np.integer[Any]]
    second: NDArray[np.integer[Any]]
    complete: NDArray[np.bool_]


def check_cell_type(cell_type: str) -> None:
    """Raise `ValueError` for a cell type that is not in `OPENED_BY`."""
    if cell_type not in OPENED_BY:
        raise ValueError(f"found the cell type {cell_type!r}; expected one of {sorted(OPENED_BY)}")


def cycles_of(halves: Halves) -> Cycles:
    """Return the cycles of which both halves are there."""
    number = halves.cycle
    first = np.flatnonzero((number[:-1] == number[1:]) & (number[:-1] > 0))
    second = first + 1
    return Cycles(number[first], first, second, halves.complete[first] & halves.complete[second])


def capacity_stderr(halves: Halves) -> Floats:
    """Return the standard uncertainty of each charge from gain, its stability, offset and what is random, A h."""
    gain = math.hypot(halves.gain, GAIN_STABILITY) * halves.charge
    stderr: Floats = np.sqrt(gain**2 + (halves.offset * halves.hours) ** 2 + halves.random**2)
    return stderr


def ratio_stderr(
    halves: Halves, top: NDArray[np.integer[Any]] | int, bottom: NDArray[np.integer[Any]] | int
) -> tuple[Any, Any]:
    """Return relative standard uncertainties of ratios of two charges of one record, from offset and what is random.

    The gain cancels but for `RATIO_STABILITY`, which is not part of what is returned. An offset adds to charge and
    takes from discharge in proportion to the time, so it cancels between two half cycles of one direction and one
    current, and doubles between charge and discharge.
    """
    lever = halves.direction * halves.hours / halves.charge
    scatter = halves.random / halves.charge
    return halves.offset * np.abs(lever[top] - lever[bottom]), np.hypot(scatter[top], scatter[bottom])


def summarise(
    ds: xr.Dataset,
    *,
    cell_type: CellType,
    reference_capacity: Quantity | None = None,
    area: Quantity | None = None,
    accuracy: Accuracy | None = None,
) -> xr.Dataset:
    """Return capacity, energy, mean voltage, efficiency and end of each half cycle and cycle.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    cell_type : {"full", "cathode_half", "anode_half", "symmetric", "anode_free"}
        Decides which half cycle opens a cycle and which way the efficiency is divided, see `OPENED_BY`.
    reference_capacity : Quantity, optional
        Charge that 1 C passes in an hour: nominal, theoretical or measured. Without it there is no C-rate.
    area : Quantity, optional
        Electrode area. Without it there is no current density. Capacities stay in A h, see `normalise`.
    accuracy : Accuracy, optional
        What is stated of the cycler; usual limits if left out.

    Returns
    -------
    xarray.Dataset
        Technique ``cycling_summary``. By ``half_cycle``: ``capacity`` (A h), ``energy`` (W h) and ``voltage_mean`` (V)
        with ``_stderr``; ``capacity_without_hold`` (A h) and ``hold_share``, the part of the capacity that passed while
        the voltage was held at the end; ``current`` (A), the median weighted with the charge; ``c_rate`` (h-1) and
        ``current_density`` (A cm-2) where their facts are stated; ``voltage_end`` (V); ``ended_by`` (its meanings in
        ``flag_meanings``); ``complete`` and ``reason``; ``direction``, ``start``, ``end`` (s). By ``cycle``:
        ``capacity_charge``, ``capacity_discharge`` (A h), ``voltage_mean_charge``, ``voltage_mean_discharge`` and
        their difference ``voltage_hysteresis`` (V), ``coulombic_efficiency`` and ``energy_efficiency`` (1), all with
        ``_stderr``; efficiencies and hysteresis are NaN where a half is not complete. What is left out, and why, is in
        the attribute ``notes`` as well.

    Raises
    ------
    NotAnalysable
        If the Dataset is no record with current.
    UnitError
        If a fact bears another dimension.
    """
    check_cell_type(cell_type)
    ds = upright(ds, cell_type)
    halves = halves_of(ds, starts_with=OPENED_BY[cell_type], accuracy=accuracy)
    return summary_of(halves, cell_type, ds, reference_capacity=reference_capacity, area=area)


def summary_of(
    halves: Halves,
    cell_type: str,
    ds: xr.Dataset,
    *,
    reference_capacity: Quantity | None = None,
    area: Quantity | None = None,
) -> xr.Dataset:
    """Return half cycles as the Dataset of `summarise`."""
    values = _by_half_cycle(halves)
    notes = list(halves.notes)
    if reference_capacity is not None:
        values["c_rate"] = halves.current / reference_capacity.to("A h").value
    if area is not None:
        geometry = Geometry.of(area=area)
        notes += geometry.notes
        if geometry.allows("area"):
            values["current_density"] = halves.current / geometry.facts["area"].to("cm2").value
            values["current_density_stderr"] = values["current_density"] * np.hypot(
                geometry.facts["area"].relative, np.hypot(halves.gain, halves.offset / halves.current)
            )
    variables: dict[str, Any] = {name: xr.Variable(("half_cycle",), value) for name, value in values.items()}
    meanings = {"flag_values": list(range(len(ENDED_BY))), "flag_meanings": " ".join(ENDED_BY)}
    variables["ended_by"].attrs.update(meanings)
    cycles = cycles_of(halves)
    if cycles.number.size and cell_type != "symmetric":
        variables |= {name: xr.Variable(("cycle",), value) for name, value in _by_cycle(halves, cycles).items()}
    kept = {
        key: ds.attrs[key] for key in ("source_file", "source_sha256", "format", "parser_version") if key in ds.attrs
    }
    return schema.build("cycling_summary", variables, cell_type=cell_type, notes=notes, **kept)


def _by_half_cycle(halves: Halves) -> dict[str, Any]:
    voltage, parts = mean_voltage(halves)
    held = halves.ends.hold_charge
    return {
        "half_cycle": halves.number,
        "direction": halves.direction,
        "start": halves.start,
        "end": halves.end,
        "capacity": halves.charge,
        "capacity_stderr": capacity_stderr(halves),
        "capacity_without_hold": halves.charge - held,
        "hold_share": held / halves.charge,
        "energy": halves.energy,
        "energy_stderr": energy_stderr(halves),
        "voltage_mean": voltage,
        "voltage_mean_stderr": root_sum(parts),
        "voltage_end": halves.ends.voltage,
        "current": halves.current,
        "ended_by": halves.ends.ended_by,
        "complete": halves.complete,
        "reason": np.array(halves.reasons, dtype=str),
    }


def _by_cycle(halves: Halves, cycles: Cycles) -> dict[str, Any]:
    first, second = cycles.first, cycles.second
    charge = np.where(halves.direction[first] > 0, first, second)
    discharge = first + second - charge
    efficiency = np.where(cycles.complete, halves.charge[second] / halves.charge[first], np.nan)
    offset, random = ratio_stderr(halves, second, first)
    stderr = capacity_stderr(halves)
    voltage, voltage_parts = mean_voltage(halves)
    voltage_stderr = root_sum(voltage_parts)
    energy, energy_parts = energy_efficiency(halves, second, first)
    energy = np.where(cycles.complete & (halves.energy[first] > 0), energy, np.nan)
    hysteresis, hysteresis_parts = voltage_hysteresis(halves, charge, discharge)
    return {
        "cycle": cycles.number,
        "capacity_charge": halves.charge[charge],
        "capacity_charge_stderr": stderr[charge],
        "capacity_discharge": halves.charge[discharge],
        "capacity_discharge_stderr": stderr[discharge],
        "coulombic_efficiency": efficiency,
        "coulombic_efficiency_stderr": efficiency * np.sqrt(offset**2 + random**2 + RATIO_STABILITY**2),
        "energy_efficiency": energy,
        "energy_efficiency_stderr": energy * root_sum(energy_parts),
        "voltage_mean_charge": voltage[charge],
        "voltage_mean_charge_stderr": voltage_stderr[charge],
        "voltage_mean_discharge": voltage[discharge],
        "voltage_mean_discharge_stderr": voltage_stderr[discharge],
        "voltage_hysteresis": np.where(cycles.complete, hysteresis, np.nan),
        "voltage_hysteresis_stderr": np.where(cycles.complete, root_sum(hysteresis_parts), np.nan),
    }
