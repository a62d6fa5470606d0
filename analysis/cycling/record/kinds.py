"""What each step does: rest, constant current, a held voltage, constant power or a pulse, from current and voltage.

What the cycler says stands. Where it says only that cells are charged or discharged, or nothing at all, the course of
current and voltage in the step tells; a step whose current falls at a held voltage in the end is divided there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interlayer.parsers import schema

from .charge import Record
from .current import usual_size
from .ends import hold_begin
from .intervals import Booleans, Floats, Integers

UNKNOWN, REST, CHARGE, DISCHARGE, HOLD, POWER, PULSE = (
    schema.STEP_TYPES.index(name)
    for name in (
        "unknown",
        "rest",
        "constant_current_charge",
        "constant_current_discharge",
        "constant_voltage",
        "constant_power",
        "pulse",
    )
)

SMALL_CHARGE = 0.01
"""Part of the usual charge of a half cycle below which a reversal is a pulse."""

_CONSTANT = 0.02  # relative, within which a value is constant
_MOST = 0.9  # share of a step's time in which it has to be; the cycler takes a while to regulate
_STEADY = 2e-3  # V, within which a voltage is constant
_FEWEST = 3  # records that show a course
_FAINT_CURRENT, _FAINT_CHARGE = 0.02, 1e-4  # of the usual: what a cycler shows while it switches off


def kinds(record: Record, step: Integers, half_charge: float) -> NDArray[np.int8]:
    """Return the kind of step of each record.

    Parameters
    ----------
    record : Record
        Of `interlayer.analysis.cycling.record.charge.record_of`.
    step : ndarray of int, shape (record,)
        Number of the step, from 1; current flows one way in each.
    half_charge : float
        Usual charge of a half cycle, A h.

    Returns
    -------
    ndarray of int8, shape (record,)
        Places in `interlayer.parsers.schema.STEP_TYPES`.
    """
    found = np.full(record.sign.size, REST, dtype=np.int8)
    is_pulse = _pulses(record, half_charge)
    faint = _FAINT_CURRENT * usual_size(record.current)
    first = np.flatnonzero(np.diff(step, prepend=0))
    passed = np.abs(np.add.reduceat(record.charge, first))
    fading = (passed < _FAINT_CHARGE * half_charge) & (np.maximum.reduceat(np.abs(record.current), first) < faint)
    flows = (record.sign[first] != 0) & ~fading
    for start, stop in zip(first[flows], np.append(first[1:], step.size)[flows], strict=True):
        if is_pulse[start]:
            found[start:stop] = PULSE
            continue
        held = hold_begin(record, int(start), int(stop) - 1)
        found[start:held] = _controlled(record, int(start), held)
        found[held:stop] = HOLD
    return found


def _pulses(record: Record, half_charge: float) -> Booleans:
    """Return which records belong to a run of current that is too short of charge to be a half cycle."""
    runs = np.concatenate([[0], np.flatnonzero(record.sign[1:] != record.sign[:-1]) + 1])
    small = np.abs(np.add.reduceat(record.charge, runs)) < SMALL_CHARGE * half_charge
    small &= record.sign[runs] != 0
    small[-1] = False  # it may go on after the end
    return np.repeat(small, np.diff(np.append(runs, record.sign.size)))


def _controlled(record: Record, start: int, stop: int) -> int:
    """Return what is constant in a step that does not end in a hold: current, voltage, power or nothing."""
    part = slice(start, stop)
    current, weight = np.abs(record.current[part]), record.duration[part]
    if _is_constant(current, weight):
        return CHARGE if record.sign[start] > 0 else DISCHARGE
    voltage = record.voltage[part]
    if np.ptp(voltage) < _STEADY:
        return HOLD
    power = current * np.abs(voltage)
    return POWER if power.size >= _FEWEST and _is_constant(power, weight) else UNKNOWN


def _is_constant(values: Floats, weight: Floats) -> bool:
    if values.size == 0:
        return False
    level = float(np.median(values))
    return bool(weight[np.abs(values - level) <= _CONSTANT * level].sum() >= _MOST * weight.sum())
