"""The direction of a current that a Maccor file gives as a magnitude, and its counters by direction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._source import Source
from ._texts import Texts

Floats = NDArray[np.float64]

_WAYS = {"C": 1.0, "D": -1.0, "R": 0.0, "P": 0.0, "S": 0.0, "O": 0.0}
_CLEAR_CHANGE = 1e-3
"""V; a voltage that changes by less over a step is held, and tells no direction."""


def directions(states: Texts, source: Source) -> Floats:
    """Return +1 for charge, -1 for discharge, 0 for a channel that is off and NaN for a state that is not known."""
    letters, rows = states.words()
    ways = np.array([_WAYS.get(letter.upper(), np.nan) for letter in letters])
    if unknown := sorted(letter for letter, way in zip(letters, ways, strict=True) if np.isnan(way)):
        count = int(np.isnan(ways[rows]).sum())
        message = f"The states {unknown} of {count} rows are not known; a current in these rows is set to NaN."
        source.note("unknown-state", "warning", message)
    return np.asarray(ways[rows])


def directions_from_voltage(magnitude: Floats, voltage: Floats, steps: Floats, source: Source) -> Floats:
    """Return the direction of the current in each row from the voltage, for files without a column of the state.

    A run of rows with current in one step charges when its voltage ends above that of the row before it. One that holds
    the voltage goes on in the direction of the run right before it. NaN where neither says anything, and for every
    row of a file whose current is signed 0 is never returned: there the sign is the direction.
    """
    if np.any(magnitude < 0):
        return np.sign(magnitude)
    flows = magnitude > 0
    begins = flows & ~(np.concatenate([[False], flows[:-1]]) & (np.diff(steps, prepend=steps[:1]) == 0))
    starts = np.flatnonzero(begins)
    if not len(starts):
        return np.zeros(len(magnitude))
    ends = flows & ~np.concatenate([flows[1:] & ~begins[1:], [False]])
    stops = np.flatnonzero(ends)
    change = voltage[stops] - voltage[np.maximum(starts - 1, 0)]
    ways = np.where(np.abs(change) > _CLEAR_CHANGE, np.sign(change), np.nan)
    for run in range(1, len(ways)):
        if np.isnan(ways[run]) and stops[run - 1] == starts[run] - 1:
            ways[run] = ways[run - 1]
    message = f"No column holds the state; the direction of the current in {len(ways)} steps follows from the voltage."
    if unclear := int(np.isnan(ways).sum()):
        message += f" In {unclear} of them it does not change, and the current is set to NaN."
    source.note("inferred-current-sign", "warning", message)
    rows = np.zeros(len(magnitude))
    rows[flows] = ways[np.cumsum(begins)[flows] - 1]
    return rows


def signed(magnitude: Floats, way: Floats, source: Source) -> Floats:
    """Return the current, positive on charge, from its magnitude and direction.

    A file whose discharge rows are negative already has a signed current, which stays as it is. What a channel reads
    while it is off has no direction and is set to 0, which is said when it is more than noise.
    """
    discharge = (way < 0) & (magnitude != 0)
    if discharge.any() and np.mean(magnitude[discharge] < 0) > 0.5:
        return magnitude
    off = (way == 0) & (np.abs(magnitude) > 0)
    if off.any():
        largest = float(np.max(np.abs(magnitude[off])))
        message = f"In {int(off.sum())} rows the channel is off and reads up to {largest:.3g} A; set to 0."
        source.note("current-at-rest", "info", message)
    return np.where((magnitude == 0) | off, 0.0, magnitude * way)


def one_sided(counter: Floats, way: Floats, direction: int) -> Floats:
    """Return a counter in the rows of one direction, and of rests after it, and 0 in those of the other."""
    rows = np.arange(len(way))
    last = np.maximum.accumulate(np.where(np.isfinite(way) & (way != 0), rows, -1))
    latest = np.where(last >= 0, way[np.maximum(last, 0)], 0.0)
    return np.where(latest == direction, counter, 0.0)
