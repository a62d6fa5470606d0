"""One row a half cycle: charge, energy, duration, current, end, and whether it ended by its own limit.

Sums run over stretches of records with current of one direction, so that the rows of a long record are passed a few
times only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from interlayer.parsers.findings import findings

from .accuracy import DEFAULT_OFFSET, Accuracy, Errors
from .charge import SECONDS, Record, file_starts, record_of
from .crosscheck import contradictions, said_of
from .ends import Course, Ends, ends_of, interrupted
from .intervals import Booleans, Floats, Integers, spread
from .polarity import LEADS_SWAPPED
from .segmentation import Direction, bounds, cycle_numbers, is_large

_MORE_THAN_STORED = 1.05  # ratio of a second to a first half cycle above which the first began half way
_DEAD_CELL = 4  # trailing small half cycles from which on they are a dead cell's and no pulses
_SAMPLES = 101  # records of a half cycle from which its current is taken


@dataclass(frozen=True)
class Halves:
    """Half cycles of a record, one entry each.

    Parameters
    ----------
    number, cycle : ndarray of int
        From 1; cycle 0 for one that lacks its first half.
    direction : ndarray of int
        +1 charge, -1 discharge.
    start, end : ndarray
        First and last record with current, s.
    charge : ndarray
        In A h, positive in both directions.
    energy : ndarray
        In W h, positive in both directions.
    hours : ndarray
        Time with current, h: what an offset of the current multiplies with.
    volt_hours : ndarray
        Integral of the voltage over that time, V h: what an offset of the current adds to the energy.
    current, current_scatter : ndarray
        Magnitude of the current, its median weighted with the charge, A, and the relative scatter about it.
    random : ndarray
        Standard uncertainty of `charge` from noise, resolution and the sampling of the ends, A h.
    voltage_random : ndarray
        Standard uncertainty of the mean voltage from the same and from the noise of the voltage, V.
    ends : Ends
        How each ended.
    complete : ndarray of bool
        Whether it ended by its own limit and is whole.
    reasons : tuple of str
        Why each is not complete; "" for those that are.
    errors : Errors
        Standard uncertainties of current and voltage that all half cycles share.
    notes : tuple of str
        Assumptions as sentences.
    resolution : float
        Step of the digitised current, A; 0 where none shows.
    """

    number: NDArray[np.integer[Any]]
    cycle: NDArray[np.integer[Any]]
    direction: NDArray[np.integer[Any]]
    start: Floats
    end: Floats
    charge: Floats
    energy: Floats
    hours: Floats
    volt_hours: Floats
    current: Floats
    current_scatter: Floats
    random: Floats
    voltage_random: Floats
    ends: Ends
    complete: Booleans
    reasons: tuple[str, ...]
    errors: Errors
    notes: tuple[str, ...]
    resolution: float

    @property
    def offset(self) -> float:
        """Standard uncertainty of the current's offset, A."""
        return self.errors.current_offset

    @property
    def gain(self) -> float:
        """Relative standard uncertainty of the current's gain."""
        return self.errors.current_gain


@dataclass(frozen=True)
class _Stretches:
    """Rows ``start`` to before ``stop`` with current of one direction, and the place of their half cycle."""

    start: Integers
    stop: Integers
    half: Integers


def halves_of(ds: xr.Dataset, *, starts_with: Direction | None, accuracy: Accuracy | None = None) -> Halves:
    """Return the half cycles of a record.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    starts_with : {"charge", "discharge"} or None
        Which half cycle opens a cycle, see `interlayer.analysis.cycling.segment`.
    accuracy : Accuracy, optional
        What is stated of the cycler.
    """
    record = record_of(ds)
    first, last = bounds(record)
    stretches = _stretches(record, first)
    errors = (accuracy or Accuracy()).errors(_largest(record.current), _largest(record.voltage))
    net = np.add.reduceat(record.charge, first)
    direction = np.sign(net).astype(int)
    hours, volt_hours, squares = _times(record, stretches, first.size)
    charge = np.abs(net) - direction * errors.known_current * hours
    opened = np.zeros(first.size, dtype=np.intp)
    opened[stretches.half] = stretches.start
    current, scatter = _currents(record, stretches, first.size)
    stated = np.asarray(ds["step_type"].values) if "step_type" in ds else None
    ends = ends_of(record, Course(opened, last, direction, charge, hours), stated)
    cycle = cycle_numbers(direction, starts_with)
    reasons = _reasons(record, first, last, charge, cycle, ends)
    if starts_with and not reasons[0] and np.any(charge[1:2] > _MORE_THAN_STORED * charge[0]):
        reasons = ("the half cycle after it returns more, so it started from a partly charged state", *reasons[1:])
    energy = np.abs(_energy(record, first)) - direction * errors.known_current * volt_hours
    random, voltage_random = _random(
        record, stretches, file_starts(ds), squares, (hours, current, energy / charge, ends.voltage)
    )
    return Halves(
        number=np.arange(1, first.size + 1),
        cycle=cycle,
        direction=direction,
        start=record.time[first],
        end=record.time[last],
        charge=charge,
        energy=energy - errors.known_voltage * charge,
        hours=hours,
        volt_hours=volt_hours,
        current=current,
        current_scatter=scatter,
        random=random,
        voltage_random=voltage_random,
        ends=ends,
        complete=np.array([not reason for reason in reasons]),
        reasons=reasons,
        errors=errors,
        notes=(*_notes(record, reasons, accuracy), *_doubts(record, first, ds)),
        resolution=record.resolution,
    )


def _voltage_noise(record: Record) -> float:
    """Return the standard deviation of the voltage from record to record inside steps, V."""
    some = spread(record.sign.size)
    before, here, after = (values[some] for values in (record.voltage[:-2], record.voltage[1:-1], record.voltage[2:]))
    steady = (record.sign[:-2][some] == record.sign[2:][some]) & (record.sign[1:-1][some] != 0)
    bend = np.abs(before - 2.0 * here + after)[steady]
    return 1.4826 * float(np.nanmedian(bend)) / np.sqrt(6.0) if bend.size else 0.0


def _largest(values: Floats) -> float:
    """Return the largest magnitude."""
    return float(np.nanmax(np.abs(values[spread(values.size)])))


def _stretches(record: Record, first: Integers) -> _Stretches:
    turns = np.flatnonzero(record.sign[1:] != record.sign[:-1]) + 1
    start = np.union1d(turns[turns > first[0]], first)
    stop = np.append(start[1:], record.sign.size)
    flows = record.sign[start] != 0
    start, stop = start[flows], stop[flows]
    return _Stretches(start, stop, np.searchsorted(first, start, side="right") - 1)


def _times(record: Record, of: _Stretches, size: int) -> tuple[Floats, Floats, Floats]:
    """Return time with current (h), the voltage's integral over it (V h) and the sum of squared intervals (s2)."""
    time, area, squares = np.empty(of.start.size), np.empty(of.start.size), np.empty(of.start.size)
    for place, (a, b) in enumerate(zip(of.start, of.stop, strict=True)):
        own = record.duration[a:b]
        time[place], area[place], squares[place] = own.sum(), own @ record.voltage[a:b], own @ own
    hours, volt_hours, total = (np.bincount(of.half, values, size).astype(float) for values in (time, area, squares))
    return hours / SECONDS, volt_hours / SECONDS, total


def _energy(record: Record, first: Integers) -> Floats:
    """Return the net energy of each half cycle, W h."""
    stop = np.append(first[1:], record.charge.size)
    energy = np.array([record.charge[a:b] @ record.voltage[a:b] for a, b in zip(first, stop, strict=True)])
    if record.counted:
        # A count belongs to the interval before its record, over which the voltage is the mean of both ends.
        for place, (a, b) in enumerate(zip(first, stop, strict=True)):
            energy[place] -= 0.5 * (record.charge[a + 1 : b] @ np.diff(record.voltage[a:b]))
    return energy


def _currents(record: Record, of: _Stretches, size: int) -> tuple[Floats, Floats]:
    """Return magnitude and relative scatter of the current, from records evenly spread over those with current.

    Weighted with the charge, so that neither pulses nor a hold of the voltage count for more than they pass.
    """
    length = of.stop - of.start
    until = np.cumsum(length)
    whole = np.bincount(of.half, length, size)
    begin = np.concatenate([[0.0], np.cumsum(whole)[:-1]])
    place = (begin[:, None] + whole[:, None] * (np.arange(_SAMPLES) + 0.5) / _SAMPLES).astype(np.intp)
    stretch = np.searchsorted(until, place, side="right")
    row = of.start[stretch] + place - (until - length)[stretch]
    magnitude, weight = np.abs(record.current[row]), np.abs(record.charge[row])
    current = _medians(magnitude, weight)
    scatter = 1.4826 * _medians(np.abs(magnitude - current[:, None]), weight)
    return current, scatter / np.where(current > 0, current, 1.0)


def _medians(values: Floats, weights: Floats) -> Floats:
    """Return the weighted median of each row."""
    order = np.argsort(values, axis=1)
    passed = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    middle = np.argmax(passed >= 0.5 * passed[:, -1:], axis=1)
    return np.asarray(np.take_along_axis(values, np.take_along_axis(order, middle[:, None], 1), 1)[:, 0])


def _random(
    record: Record, of: _Stretches, files: Integers, squares: Floats, halves: tuple[Floats, Floats, Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return standard uncertainties of charge (A h) and mean voltage (V) from noise, digits and the ends of steps.

    `halves` are hours, current (A), mean voltage and voltage at the end (V) of each half cycle.
    """
    hours, current, mean, final = halves
    lever = np.sqrt(squares) / SECONDS
    noise = 0.0 if record.counted else record.noise * lever  # a counter integrates faster than is logged
    # Where a step begins or ends within an interval of the sampling is uniformly distributed.
    beside = np.unique(np.concatenate([of.start, of.stop - 1, files, np.maximum(files - 1, 0)]))
    beside = beside[record.sign[beside] != 0]
    place = np.searchsorted(of.start, beside, side="right") - 1
    beside, half = beside[place >= 0], of.half[place[place >= 0]]
    open_charge = record.current[beside] * record.edge[beside] / np.sqrt(12.0) / SECONDS
    edges = np.bincount(half, open_charge**2, hours.size)
    away = np.bincount(half, (open_charge * (record.voltage[beside] - mean[half])) ** 2, hours.size)
    digits = 0.0 if record.counted else record.resolution / np.sqrt(12.0) * hours
    own = _voltage_noise(record) * lever * current
    pulled = noise * np.abs(final - mean) / np.sqrt(3.0)  # about the spread of the voltage in a half cycle
    of_charge = np.sqrt(noise**2 + edges + digits**2)
    return of_charge, np.sqrt(own**2 + away + pulled**2) / (current * hours)


def _reasons(
    record: Record, first: Integers, last: Integers, charge: Floats, cycle: Integers, ends: Ends
) -> tuple[str, ...]:
    """Return why each half cycle is not complete, "" where it is."""
    reasons = np.full(charge.size, "", dtype=object)
    reasons[interrupted(ends)] = "it ended before the limit of the others"
    if interrupted(ends)[-1]:
        reasons[-1] = "the record ends before its limit"
    reasons[cycle == 0] = "it starts from an unknown state of charge"
    gaps = np.flatnonzero(record.gap)
    of = np.searchsorted(first, gaps, side="right") - 1
    # After the last record with current nothing is missing.
    reasons[of[(of >= 0) & (gaps > first[of]) & (gaps <= last[of])]] = "it holds a gap in time"
    trailing = charge.size - 1 - np.flatnonzero(is_large(charge))[-1]
    if 0 < trailing < _DEAD_CELL:
        reasons[-trailing:] = "it holds next to no charge"
    return tuple(str(reason) for reason in reasons)


def _notes(record: Record, reasons: tuple[str, ...], accuracy: Accuracy | None) -> tuple[str, ...]:
    notes = [f"half cycle {number} is left out: {reason}" for number, reason in enumerate(reasons, start=1) if reason]
    notes.append(
        "charge is the cycler's own count" if record.counted else "charge is the integral of the current within steps"
    )
    if accuracy is None or accuracy.current_offset is None:
        notes.append(
            f"no offset of the current is stated: {DEFAULT_OFFSET:g} of the largest current is taken as its uncertainty"
        )
    return tuple(notes)


def _doubts(record: Record, first: Integers, ds: xr.Dataset) -> list[str]:
    """Return what speaks against the signs or the charge of the record."""
    doubts = [finding.message for finding in findings(ds.attrs) if finding.code == LEADS_SWAPPED]
    if different := contradictions(record, first):
        doubts.append(said_of(different))
    return doubts
