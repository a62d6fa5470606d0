"""One row a half cycle: charge, duration, energy, end, and whether it ended by its own limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...quantity import Quantity
from .charge import SECONDS, Booleans, Floats, Record, record_of
from .segmentation import Direction, cycles, half_cycles, is_large

DEFAULT_GAIN = 6e-4
"""Relative standard uncertainty of the current's gain: 0.1 % of the reading, rectangular."""

GAIN_STABILITY = 1e-4
"""Relative standard uncertainty of the gain of one half cycle about its mean over the test: 20 ppm/K, usual in data
sheets of cyclers, over 5 K. It is all that a perfectly repeated capacity leaves open in a retention.
"""

DEFAULT_OFFSET = 3e-4
"""Standard uncertainty of the offset over the largest current: 0.05 % of a range that it fills, rectangular."""

_SAME_VOLTAGE = 0.01  # V, within which two ends are at one limit
_SAME_CHARGE = 0.005  # relative, within which two half cycles ended by one charge or time
_MORE_THAN_STORED = 1.05  # ratio of a second to a first half cycle above which the first began half way
_DEAD_CELL = 4  # trailing small half cycles from which on they are a dead cell's and no pulses


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
    random : ndarray
        Standard uncertainty of `charge` from noise, resolution and the sampling of the ends, A h.
    complete : ndarray of bool
        Whether it ended by its own limit and is whole.
    reasons : tuple of str
        Why each is not complete; "" for those that are.
    offset : float
        Standard uncertainty of the current's offset, A.
    gain : float
        Relative standard uncertainty of the current's gain.
    notes : tuple of str
        Assumptions as sentences.
    """

    number: NDArray[np.integer[Any]]
    cycle: NDArray[np.integer[Any]]
    direction: NDArray[np.integer[Any]]
    start: Floats
    end: Floats
    charge: Floats
    energy: Floats
    hours: Floats
    random: Floats
    complete: Booleans
    reasons: tuple[str, ...]
    offset: float
    gain: float
    notes: tuple[str, ...]


def halves_of(
    ds: xr.Dataset,
    *,
    starts_with: Direction | None,
    current_gain: float = DEFAULT_GAIN,
    current_offset: Quantity | None = None,
) -> Halves:
    """Return the half cycles of a record.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    starts_with : {"charge", "discharge"} or None
        Which half cycle opens a cycle, see `interlayer.analysis.cycling.segment`.
    current_gain : float
        Relative standard uncertainty of the current's gain.
    current_offset : Quantity, optional
        Offset of the current; its value is subtracted, its uncertainty propagated. Left out, `DEFAULT_OFFSET` is taken.
    """
    record = record_of(ds)
    half = half_cycles(record)
    first = np.flatnonzero(np.diff(half, prepend=0))
    active = record.sign != 0
    net = np.add.reduceat(record.charge, first)
    direction = np.sign(net).astype(int)
    hours = np.add.reduceat(np.where(active, record.duration, 0.0), first) / SECONDS
    offset = _offset(record, current_offset)
    known = 0.0 if current_offset is None else current_offset.to("A").value
    places = np.where(active, np.arange(active.size), -1)
    last = np.maximum.reduceat(places, first)
    charge = np.abs(net) - direction * known * hours
    cycle = cycles(half, record, starts_with)[first]
    reasons = _reasons(record, half, first, last, charge, direction, cycle)
    if starts_with and not reasons[0] and np.any(charge[1:2] > _MORE_THAN_STORED * charge[0]):
        reasons = ("the half cycle after it returns more, so it started from a partly charged state", *reasons[1:])
    return Halves(
        number=half[first],
        cycle=cycle,
        direction=direction,
        start=record.time[first],
        end=record.time[last],
        charge=charge,
        energy=np.abs(np.add.reduceat(record.charge * record.voltage, first)),
        hours=hours,
        random=_random(record, first, hours),
        complete=np.array([not reason for reason in reasons]),
        reasons=reasons,
        offset=offset,
        gain=current_gain,
        notes=_notes(record, reasons, half[first], current_offset),
    )


def _offset(record: Record, stated: Quantity | None) -> float:
    if stated is not None:
        return stated.to("A").stderr or 0.0
    return DEFAULT_OFFSET * float(np.abs(record.current).max())


def _random(record: Record, first: NDArray[np.integer[Any]], hours: Floats) -> Floats:
    active = record.sign != 0
    noise = record.noise * np.sqrt(np.add.reduceat(np.where(active, record.duration, 0.0) ** 2, first)) / SECONDS
    # Where a step begins or ends within an interval of the sampling is uniformly distributed.
    edges = np.sqrt(np.add.reduceat(np.where(active, record.current * record.edge, 0.0) ** 2, first) / 12.0) / SECONDS
    digits = 0.0 if record.counted else record.resolution / np.sqrt(12.0) * hours
    return np.sqrt(noise**2 + edges**2 + digits**2)


def _reasons(
    record: Record,
    half: NDArray[np.integer[Any]],
    first: NDArray[np.integer[Any]],
    last: NDArray[np.integer[Any]],
    charge: Floats,
    direction: NDArray[np.integer[Any]],
    cycle: NDArray[np.integer[Any]],
) -> tuple[str, ...]:
    """Return why each half cycle is not complete, "" where it is."""
    reasons = np.full(first.size, "", dtype=object)
    reasons[cycle == 0] = "it starts from an unknown state of charge"
    inside = record.gap & (np.concatenate([half[:1], half[:-1]]) == half)
    reasons[np.add.reduceat(inside, first) > 0] = "it holds a gap in time"
    trailing = first.size - 1 - np.flatnonzero(is_large(charge))[-1]
    if 0 < trailing < _DEAD_CELL:
        reasons[-trailing:] = "it holds next to no charge"
    if not reasons[-1] and not _ended_by_limit(record, last, charge, direction):
        reasons[-1] = "the record ends before its limit"
    return tuple(str(reason) for reason in reasons)


def _ended_by_limit(
    record: Record, last: NDArray[np.integer[Any]], charge: Floats, direction: NDArray[np.integer[Any]]
) -> bool:
    """Return whether the last half cycle ended as the ones before it, or by a rest where these set no example."""
    same = np.flatnonzero(direction[:-1] == direction[-1])
    ends = record.voltage[last[same]]
    reached = (record.voltage[last[-1]] - np.median(ends)) * direction[-1] if same.size else 0.0
    if same.size >= 2 and np.ptp(ends) < _SAME_VOLTAGE:
        return bool(reached > -_SAME_VOLTAGE)
    if same.size >= 2 and np.ptp(charge[same]) < _SAME_CHARGE * np.median(charge[same]):
        return bool(charge[-1] > (1.0 - _SAME_CHARGE) * np.median(charge[same]))
    return bool(last[-1] < record.sign.size - 1)


def _notes(
    record: Record, reasons: tuple[str, ...], number: NDArray[np.integer[Any]], offset: Quantity | None
) -> tuple[str, ...]:
    notes = [f"half cycle {n} is left out: {reason}" for n, reason in zip(number, reasons, strict=True) if reason]
    notes.append(
        "charge is the cycler's own count" if record.counted else "charge is the integral of the current within steps"
    )
    if offset is None:
        notes.append(
            f"no offset of the current is stated: {DEFAULT_OFFSET:g} of the largest current is taken as its uncertainty"
        )
    return tuple(notes)
