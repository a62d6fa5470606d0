"""Steps, half cycles and cycles of a record, from the sign of the current instead of the cycler's counters.

A half cycle is what passes between two lasting reversals of the current. Rests belong to the half cycle they follow;
pulses and dips with less than `SMALL_CHARGE` of a usual half cycle do not split one. The cycler's own counters stay
beside ours: every vendor counts something else.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from interlayer.parsers import schema
from interlayer.parsers.findings import Finding, findings, to_json

from ...errors import NotAnalysable
from ...statistics import weighted_median
from .charge import Record, record_of
from .crosscheck import contradictions, said_of
from .intervals import Booleans, Floats, Integers
from .kinds import SMALL_CHARGE, UNKNOWN, kinds

__all__ = [
    "SIGNS",
    "Booleans",
    "Direction",
    "Floats",
    "Integers",
    "bounds",
    "cycle_numbers",
    "cycles",
    "half_cycles",
    "is_large",
    "segment",
    "step_types",
    "steps",
]

Direction = Literal["charge", "discharge"]

SIGNS: dict[Direction, int] = {"charge": 1, "discharge": -1}

_MEANINGS = {"flag_values": list(range(len(schema.STEP_TYPES))), "flag_meanings": " ".join(schema.STEP_TYPES)}


def segment(ds: xr.Dataset, *, starts_with: Direction | None = None) -> xr.Dataset:
    """Return a cycling Dataset with our own count of steps, half cycles and cycles.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary with current or charge.
    starts_with : {"charge", "discharge"}, optional
        Which half cycle opens a cycle; one of the other kind at the start of the record is left in cycle 0. Left out,
        the first half cycle opens the first cycle.

    Returns
    -------
    xarray.Dataset
        With coordinates ``step``, ``half_cycle`` and ``cycle`` counted from 1 (0 before the first current), with
        ``current`` where the file has none, and with the kind of step where the file does not say it. Findings note
        gaps in time and counters that the current does not bear out.

    Raises
    ------
    NotAnalysable
        If there is neither current nor charge, or no current ever flows.
    """
    record = record_of(ds)
    half = half_cycles(record)
    kind = step_types(record, ds)
    labels = {"step": steps(record, ds, kind), "half_cycle": half, "cycle": cycles(half, record, starts_with)}
    out = ds.assign_coords({name: _variable(name, values) for name, values in labels.items()})
    if "current" not in ds:
        out = out.assign(current=_variable("current", record.current))
    out = out.assign(step_type=_variable("step_type", kind))
    out["step_type"].attrs |= _MEANINGS
    if said := _said(record, half):
        out.attrs["findings"] = to_json([*findings(ds.attrs), *said])
    schema.check(out)
    return out


def _said(record: Record, half: Integers) -> list[Finding]:
    """Return what segmentation noticed: gaps, and half cycles whose counted charge the current does not bear out."""
    said = []
    if gaps := int(np.count_nonzero(record.gap & (half > 0))):
        message = f"{gaps} gaps in time or returns of the clock; nothing is integrated across them"
        said.append(Finding("time-gap", "warning", message))
    if different := contradictions(record, bounds(record)[0]):
        said.append(Finding("charge-contradicts-counter", "warning", said_of(different)))
    return said


def steps(record: Record, ds: xr.Dataset, kind: Integers) -> Integers:
    """Return the number of the step of each record, from 1: constant direction, vendor step, kind of step and file."""
    change = np.diff(record.sign, prepend=record.sign[:1]) != 0
    change |= np.diff(kind, prepend=kind[:1]) != 0
    for name in ("vendor_step", "step_type", "file_id"):
        if name in ds.variables:
            values = np.nan_to_num(ds[name].values, nan=-1)
            change |= np.diff(values, prepend=values[:1]) != 0
    return np.asarray(1 + np.cumsum(change | record.gap), dtype=np.int32)


def step_types(record: Record, ds: xr.Dataset) -> NDArray[np.int8]:
    """Return the kind of step as the file says it, else as far as current and voltage tell."""
    stated = np.asarray(ds["step_type"].values) if "step_type" in ds else np.zeros(record.sign.size, dtype=np.int8)
    if np.all(stated != UNKNOWN):
        return stated.astype(np.int8)
    charge = np.abs(np.add.reduceat(record.charge, bounds(record)[0]))
    found = kinds(record, steps(record, ds, stated), weighted_median(charge, charge))
    return np.where(stated == UNKNOWN, found, stated).astype(np.int8)


def half_cycles(record: Record) -> Integers:
    """Return the number of the half cycle of each record, counted from 1, 0 before the first current.

    Raises
    ------
    NotAnalysable
        If no current ever flows.
    """
    first, _ = bounds(record)
    lengths = np.diff(np.concatenate([[0], first, [record.sign.size]]))
    return np.repeat(np.arange(lengths.size, dtype=np.int32), lengths)


def bounds(record: Record) -> tuple[Integers, Integers]:
    """Return the first and the last record with current of each half cycle.

    Raises
    ------
    NotAnalysable
        If no current ever flows.
    """
    runs = np.concatenate([[0], np.flatnonzero(record.sign[1:] != record.sign[:-1]) + 1])
    charge = np.add.reduceat(record.charge, runs)
    last = np.concatenate([runs[1:], [record.sign.size]]) - 1
    flows = record.sign[runs] != 0
    if not flows.any():
        raise NotAnalysable("no current flows in the whole record; expected charge or discharge")
    runs, last, charge = runs[flows], last[flows], charge[flows]
    sign = record.sign[runs]
    opens = np.flatnonzero(np.diff(sign, prepend=0))  # rests apart, where a run of one sign begins
    opening = _opens_half_cycle(sign[opens], np.abs(np.add.reduceat(charge, opens)))
    first = runs[opens[opening]]
    return first, last[np.concatenate([opens[opening][1:] - 1, [last.size - 1]])]


def is_large(charge: Floats) -> Booleans:
    """Return which charges are those of half cycles and not of pulses, against the median weighted with the charge."""
    return np.asarray(charge >= SMALL_CHARGE * weighted_median(charge, charge))


def _opens_half_cycle(sign: Integers, charge: Floats) -> Booleans:
    """Return which runs of one sign open a half cycle; small runs join their large neighbours.

    Between two large runs of one sign small runs are pulses. Between large runs of opposite sign they go with the one
    of their own sign. After the last large run they stay apart: a half cycle that has just begun, or a dead cell.
    """
    large = np.flatnonzero(is_large(charge))
    opening = np.zeros(sign.size, dtype=bool)
    opening[0] = True
    for before, after in pairwise(large):
        if sign[before] != sign[after]:
            own = np.flatnonzero(sign[before:after] == sign[before])[-1]
            opening[before + own + 1] = True
    opening[large[-1] + 1 :] = True
    return opening


def cycles(half: Integers, record: Record, starts_with: Direction | None) -> Integers:
    """Return the number of the cycle of each record: halves are paired by time, never by index."""
    first = np.flatnonzero(np.diff(half, prepend=0))
    direction = np.sign(np.add.reduceat(record.charge, first)).astype(int)
    return np.concatenate([[0], cycle_numbers(direction, starts_with)]).astype(np.int32)[half]


def cycle_numbers(direction: Integers, starts_with: Direction | None) -> Integers:
    """Return the number of the cycle of each half cycle, from its direction; 0 before the first that opens one."""
    return np.cumsum(direction == (direction[0] if starts_with is None else SIGNS[starts_with]))


def _variable(name: str, values: Any) -> xr.Variable:
    term = schema.TECHNIQUES["cycling"][name]
    return xr.Variable(("record",), values, {"units": term.allowed_units[0], "long_name": term.long_name})
