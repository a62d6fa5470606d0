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
from ..record.charge import Floats
from ..record.halves import DEFAULT_GAIN, GAIN_STABILITY, Halves, halves_of
from ..record.segmentation import Direction

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


RATIO_STABILITY = math.sqrt(2.0) * GAIN_STABILITY
"""Relative standard uncertainty of the ratio of two half cycles from the wander of the gain between them."""


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
    current_gain: float = DEFAULT_GAIN,
    current_offset: Quantity | None = None,
) -> xr.Dataset:
    """Return capacity, mean voltage and efficiency of each half cycle and cycle.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    cell_type : {"full", "cathode_half", "anode_half", "symmetric", "anode_free"}
        Decides which half cycle opens a cycle and which way the efficiency is divided, see `OPENED_BY`.
    current_gain : float
        Relative standard uncertainty of the current's gain; 0.1 % of the reading, rectangular, if left out.
    current_offset : Quantity, optional
        Offset of the current, a current; 0 with 0.05 % of the largest current, rectangular, if left out.

    Returns
    -------
    xarray.Dataset
        Technique ``cycling_summary``. By ``half_cycle``: ``capacity`` (A h) with ``_stderr``, ``voltage_mean`` (V),
        ``complete``, ``direction``, ``start``, ``end`` (s). By ``cycle``: ``capacity_charge``, ``capacity_discharge``
        (A h), ``coulombic_efficiency`` and ``energy_efficiency`` (1), NaN where a half is not complete. What is left
        out, and why, is in the attribute ``notes``.

    Raises
    ------
    NotAnalysable
        If the Dataset is no record with current.
    """
    check_cell_type(cell_type)
    halves = halves_of(ds, starts_with=OPENED_BY[cell_type], current_gain=current_gain, current_offset=current_offset)
    return summary_of(halves, cell_type, ds)


def summary_of(halves: Halves, cell_type: str, ds: xr.Dataset) -> xr.Dataset:
    """Return half cycles as the Dataset of `summarise`."""
    values: dict[str, Any] = {
        "half_cycle": halves.number,
        "direction": ("half_cycle", halves.direction),
        "start": ("half_cycle", halves.start),
        "end": ("half_cycle", halves.end),
        "capacity": ("half_cycle", halves.charge),
        "capacity_stderr": ("half_cycle", capacity_stderr(halves)),
        "voltage_mean": ("half_cycle", halves.energy / halves.charge),
        "complete": ("half_cycle", halves.complete),
    }
    cycles = cycles_of(halves)
    if cycles.number.size and cell_type != "symmetric":
        values |= _by_cycle(halves, cycles)
    variables = {name: xr.Variable(*value) if isinstance(value, tuple) else value for name, value in values.items()}
    kept = {
        key: ds.attrs[key] for key in ("source_file", "source_sha256", "format", "parser_version") if key in ds.attrs
    }
    return schema.build("cycling_summary", variables, cell_type=cell_type, notes=list(halves.notes), **kept)


def _by_cycle(halves: Halves, cycles: Cycles) -> dict[str, Any]:
    first, second = cycles.first, cycles.second
    charge = np.where(halves.direction[first] > 0, first, second)
    discharge = first + second - charge
    efficiency = np.where(cycles.complete, halves.charge[second] / halves.charge[first], np.nan)
    energy = np.where(cycles.complete & (halves.energy[first] > 0), halves.energy[first], np.nan)
    offset, random = ratio_stderr(halves, second, first)
    stderr = capacity_stderr(halves)
    return {
        "cycle": cycles.number,
        "capacity_charge": ("cycle", halves.charge[charge]),
        "capacity_charge_stderr": ("cycle", stderr[charge]),
        "capacity_discharge": ("cycle", halves.charge[discharge]),
        "capacity_discharge_stderr": ("cycle", stderr[discharge]),
        "coulombic_efficiency": ("cycle", efficiency),
        "coulombic_efficiency_stderr": ("cycle", efficiency * np.sqrt(offset**2 + random**2 + RATIO_STABILITY**2)),
        "energy_efficiency": ("cycle", halves.energy[second] / energy),
    }
