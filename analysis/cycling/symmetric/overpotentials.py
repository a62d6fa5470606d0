r"""Overpotentials of half cycles, freed of the voltage between the electrodes, and which half cycles are sound.

A voltage c between the electrodes that has nothing to do with the current shifts both polarities. It is the centre of
the hysteresis; with signed levels :math:`V_k` steady growth drops out of

.. math:: c_k = (V_{k-1} + 2 V_k + V_{k+1}) / 4

whose median over the record is subtracted. A median, so that a short in one half cycle does not shift all others.
Galvanostatic cycling cannot tell this offset from a resistance that differs between the directions: the asymmetry
:math:`2 c_k / \eta_k` is the same observation, in parts of the overpotential.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity
from ..record.charge import Booleans, Floats, record_of
from ..record.halves import Halves, halves_of
from ..record.segmentation import Integers, half_cycles
from .levels import Levels, levels_of
from .shorts import Found, find


@dataclass(frozen=True)
class Overpotentials:
    """Half cycles of a symmetric cell, one entry each.

    Parameters
    ----------
    halves, levels : Halves, Levels
        As measured.
    found : Found
        Short circuits.
    offset : Quantity or None
        Voltage between the electrodes without current, V; None from fewer than three half cycles in a row.
    shift : ndarray
        What it adds to the levels in the direction of the current, V.
    plateau, stderr : ndarray
        Level of the plateau freed of it and its standard uncertainty, V.
    shorted : ndarray of bool
        Whether a short circuit is in it.
    complete : ndarray of int
        Places of the complete half cycles with a voltage.
    """

    halves: Halves
    levels: Levels
    found: Found
    offset: Quantity | None
    shift: Floats
    plateau: Floats
    stderr: Floats
    shorted: Booleans
    complete: Integers

    @property
    def sound(self) -> Integers:
        """Places of the complete half cycles without a short circuit."""
        return self.complete[~self.shorted[self.complete]]

    @property
    def before_short(self) -> Integers:
        """Places of the complete half cycles before that in which the first short circuit begins."""
        if not self.found.events:
            return self.complete
        return self.complete[self.halves.number[self.complete] < self.found.events[0].half_cycle]


def overpotentials_of(ds: xr.Dataset) -> Overpotentials:
    """Return the overpotentials of a record.

    Raises
    ------
    NotAnalysable
        If no half cycle is complete and has a voltage.
    """
    halves = halves_of(ds, starts_with=None)
    if not halves.complete.any():
        raise NotAnalysable(f"no half cycle is complete: {'; '.join(halves.notes)}")
    record = record_of(ds)
    half = half_cycles(record)
    levels = levels_of(record, half, halves)
    complete = np.flatnonzero(halves.complete & np.isfinite(levels.plateau))
    if complete.size == 0:
        raise NotAnalysable("no complete half cycle has a valid voltage")
    found = find(ds, record)
    shorted = np.isin(halves.number, half[found.shorted])
    sound = complete[~shorted[complete]]
    offset = _electrode_offset(halves, levels, sound if sound.size > 2 else complete)
    shift = halves.direction.astype(np.float64) * (0.0 if offset is None else offset.value)
    stderr = np.hypot(levels.creep, 0.0 if offset is None else offset.stderr or 0.0)
    return Overpotentials(halves, levels, found, offset, shift, levels.plateau - shift, stderr, shorted, complete)


def centres_of(halves: Halves, levels: Levels) -> tuple[Floats, Floats]:
    """Return centre of the hysteresis and mean level about each half cycle, V; NaN at the ends and beside a pause."""
    signed = halves.direction * levels.plateau
    centre, mean = np.full(signed.size, np.nan), np.full(signed.size, np.nan)
    turns = np.diff(halves.direction) != 0
    whole = turns[:-1] & turns[1:] & halves.complete[:-2] & halves.complete[1:-1] & halves.complete[2:]
    centre[1:-1][whole] = _about(signed)[whole]
    mean[1:-1][whole] = _about(levels.plateau)[whole]
    return centre, mean


def _about(values: Floats) -> Floats:
    return np.asarray(0.25 * (values[:-2] + 2.0 * values[1:-1] + values[2:]))


def _electrode_offset(halves: Halves, levels: Levels, chosen: Integers) -> Quantity | None:
    """Return the voltage between the electrodes without current, None from fewer than three half cycles in a row."""
    signed = (halves.direction * levels.plateau)[chosen]
    adjacent = (np.diff(halves.number[chosen]) == 1) & (np.diff(halves.direction[chosen]) != 0)
    centres = _about(signed)[adjacent[:-1] & adjacent[1:]]
    if centres.size == 0:
        return None
    middle = float(np.median(centres))
    spread = 1.4826 * float(np.median(np.abs(centres - middle)))
    # Centres share levels with their neighbours: about a third as many are independent.
    return Quantity("electrode_offset", middle, spread * math.sqrt(3.0 / centres.size), "V", kind="fit")
