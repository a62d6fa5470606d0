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
from .charge import Booleans, Floats, Record, record_of

Integers = NDArray[np.integer[Any]]
Direction = Literal["charge", "discharge"]

SMALL_CHARGE = 0.01
"""Part of the usual charge of a half cycle below which a reversal is a pulse."""

SIGNS: dict[Direction, int] = {"charge": 1, "discharge": -1}

_REST, _CHARGE, _DISCHARGE, _HOLD = (
    schema.STEP_TYPES.index(name)
    for name in ("rest", "constant_current_charge", "constant_current_discharge", "constant_voltage")
)
_STEADY_CURRENT, _STEADY_VOLTAGE = 0.02, 2e-3  # relative, V: spread within a step that still counts as constant


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
        ``current`` and ``step_type`` where the file has none. Gaps in time are noted in the findings.

    Raises
    ------
    NotAnalysable
        If there is neither current nor charge, or no current ever flows.
    """
    record = record_of(ds)
    half = half_cycles(record)
    labels = {"step": steps(record, ds), "half_cycle": half, "cycle": cycles(half, record, starts_with)}
    out = ds.assign_coords({name: _variable(name, values) for name, values in labels.items()})
    if "current" not in ds:
        out = out.assign(current=_variable("current", record.current))
    if "step_type" not in ds:
        out = out.assign(step_type=_variable("step_type", step_types(record, labels["step"])))
    if gaps := int(np.count_nonzero(record.gap & (half > 0))):
        message = f"{gaps} gaps in time or returns of the clock; nothing is integrated across them"
        out.attrs["findings"] = to_json([*findings(ds.attrs), Finding("time-gap", "warning", message)])
    schema.check(out)
    return out


def steps(record: Record, ds: xr.Dataset) -> Integers:
    """Return the number of the step of each record, from 1: constant direction, vendor step and kind of step."""
    change = np.diff(record.sign, prepend=record.sign[:1]) != 0
    for name in ("vendor_step", "step_type"):
        if name in ds.variables:
            values = ds[name].values
            change |= np.diff(values, prepend=values[:1]) != 0
    return np.asarray(1 + np.cumsum(change | record.gap), dtype=np.int32)


def step_types(record: Record, step: Integers) -> NDArray[np.int8]:
    """Return the kind of step as far as current and voltage tell: rest, constant current, constant voltage, unknown."""
    first = np.flatnonzero(np.diff(step, prepend=0))
    sign = record.sign[first]
    current, voltage = np.abs(record.current), record.voltage
    low, high = np.minimum.reduceat(current, first), np.maximum.reduceat(current, first)
    span = np.maximum.reduceat(voltage, first) - np.minimum.reduceat(voltage, first)
    kind = np.where(sign > 0, _CHARGE, _DISCHARGE)
    kind = np.where(high - low > _STEADY_CURRENT * high, np.where(span < _STEADY_VOLTAGE, _HOLD, 0), kind)
    return np.asarray(np.where(sign == 0, _REST, kind)[step - 1], dtype=np.int8)


def half_cycles(record: Record) -> Integers:
    """Return the number of the half cycle of each record, counted from 1, 0 before the first current.

    Raises
    ------
    NotAnalysable
        If no current ever flows.
    """
    active = np.flatnonzero(record.sign)
    if active.size == 0:
        raise NotAnalysable("no current flows in the whole record; expected charge or discharge")
    sign = record.sign[active]
    opens = np.flatnonzero(np.diff(sign, prepend=0))  # places in `active` where a run of one sign begins
    charge = np.abs(np.add.reduceat(record.charge[active], opens))
    number = _lasting(sign[opens], charge)
    of_record = np.zeros(record.sign.size, dtype=np.int32)
    of_record[active[opens]] = np.diff(number, prepend=0)
    return np.asarray(np.cumsum(of_record), dtype=np.int32)


def is_large(charge: Floats) -> Booleans:
    """Return which charges are those of half cycles and not of pulses, against the median weighted with the charge."""
    return np.asarray(charge >= SMALL_CHARGE * weighted_median(charge, charge))


def _lasting(sign: Integers, charge: Floats) -> list[int]:
    """Return the half cycle of each run of one sign; small runs join their large neighbours.

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
    return [int(number) for number in np.cumsum(opening)]


def cycles(half: Integers, record: Record, starts_with: Direction | None) -> Integers:
    """Return the number of the cycle of each record: halves are paired by time, never by index."""
    first = np.flatnonzero(np.diff(half, prepend=0))
    sign = _direction(half, record, first)
    opening = sign == (sign[0] if starts_with is None else SIGNS[starts_with])
    number = np.concatenate([[0], np.cumsum(opening)])
    return np.asarray(number[half], dtype=np.int32)


def _direction(half: Integers, record: Record, first: Integers) -> Integers:
    return np.asarray(np.sign(np.add.reduceat(record.charge, first)), dtype=int)


def _variable(name: str, values: Any) -> xr.Variable:
    term = schema.TECHNIQUES["cycling"][name]
    return xr.Variable(("record",), values, {"units": term.allowed_units[0], "long_name": term.long_name})
