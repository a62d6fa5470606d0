"""Current pulses between rests: what a titration is made of, found from the record and not from a cycler's step names.

A pulse is a run of one direction of the current with a rest on either side. Pulses of one direction and one current in
a row make a titration; from `FEWEST_PULSES` on they are one, so that charge, rest, discharge of plain cycling is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from interlayer.parsers import schema

from ...errors import NotAnalysable
from ..record.charge import SECONDS, Booleans, Record
from ..record.segmentation import Integers, half_cycles

FEWEST_PULSES = 3
"""In a row of one direction and current; a charge that is interrupted once or twice is no titration."""

_SAME_CURRENT = 0.05  # relative, within which pulses are of one titration
_FLICKER = 0.1  # part of the largest current below which a single record is none
_SET = 0.9  # part of the current from which on it is set
_STEADY = 0.02  # relative spread of the current within a pulse
_IMPEDANCE = schema.STEP_TYPES.index("impedance")


@dataclass(frozen=True)
class Pulse:
    """One pulse and the rests about it.

    Parameters
    ----------
    before, rows, after : ndarray of int
        Places of the rest before, the pulse and the rest after it in the record, where the voltage is valid.
        Interleaved impedance belongs to none of them.
    onset : float
        When the current is set, s.
    onset_width : float
        Time before the first record of the pulse in which that may have been, s.
    duration : float
        Charge of the pulse over its current, s.
    current : float
        Median, positive on charge, A.
    charge : float
        Net charge that has passed since the start of the record at the middle of the pulse, A h.
    half_cycle : int
        To which it belongs; pulses of one direction are merged.
    """

    before: Integers
    rows: Integers
    after: Integers
    onset: float
    onset_width: float
    duration: float
    current: float
    charge: float
    half_cycle: int


def pulses_of(record: Record, ds: xr.Dataset) -> list[Pulse]:
    """Return the pulses of the titrations in a record, in order of time.

    Parameters
    ----------
    record : Record
        Of `interlayer.analysis.cycling.record.charge.record_of`.
    ds : xarray.Dataset
        From which it is, for the kind of steps.

    Raises
    ------
    NotAnalysable
        If nowhere `FEWEST_PULSES` pulses of one direction and current follow one another, or no current flows.
    """
    half = half_cycles(record)
    valid = np.isfinite(record.voltage)
    if "step_type" in ds:
        valid &= ds["step_type"].values != _IMPEDANCE
    runs = _runs(record)
    found = [
        None if not _is_pulse(record, *three) else _pulse(record, valid, half, *three)
        for three in zip(runs[:-2], runs[1:-1], runs[2:], strict=True)
    ]
    titrations = _in_a_row(found)
    longest = max((len(row) for row in titrations), default=0)
    pulses = [pulse for row in titrations if len(row) >= FEWEST_PULSES for pulse in row]
    if not pulses:
        raise NotAnalysable(
            f"at most {longest} pulses of one direction and current follow one another, each between two rests; "
            f"expected {FEWEST_PULSES} or more as a titration has them"
        )
    return pulses


def _runs(record: Record) -> list[Integers]:
    """Return the runs of one direction; single records with next to no current go with the rest about them."""
    opens = np.flatnonzero((np.diff(record.sign, prepend=9) != 0) | record.gap)
    ends = np.append(opens[1:], record.sign.size)
    small = (ends - opens == 1) & (np.abs(record.current[opens]) < _FLICKER * np.abs(record.current).max())
    sign = np.where(small, 0, record.sign[opens])
    kept = opens[(np.diff(sign, prepend=9) != 0) | record.gap[opens]]
    return np.split(np.arange(record.sign.size), kept[kept > 0])


def _is_pulse(record: Record, before: Integers, run: Integers, after: Integers) -> bool:
    signs = [int(np.median(record.sign[rows])) for rows in (before, run, after)]
    return signs[0] == 0 and signs[1] != 0 and signs[2] == 0


def _pulse(
    record: Record, valid: Booleans, half: Integers, before: Integers, run: Integers, after: Integers
) -> Pulse | None:
    size = np.abs(record.current[run])
    usual = float(np.median(size))
    set_ = run[size >= _SET * usual]
    if set_.size < 2 or np.quantile(size, 0.9) - np.quantile(size, 0.1) > _STEADY * usual:
        return None
    first = float(record.time[run[0]])
    interval = np.diff(record.time[run])
    # The rest may be sampled slowly and its end not be logged.
    width = min(first - float(record.time[before[-1]]), float(interval[interval > 0][:1].sum()))
    # A counter books the end of a pulse on the first record of the rest.
    own = record.charge[np.append(run, after[0])]
    passed = float(record.charge[: run[0]].sum() + 0.5 * own.sum())
    return Pulse(
        before=before[valid[before]],
        rows=set_[valid[set_]],
        after=after[valid[after]],
        onset=first - width,
        onset_width=width,
        duration=abs(float(own.sum())) * SECONDS / usual,
        current=float(record.sign[run[0]]) * usual,
        charge=passed,
        half_cycle=int(half[run[0]]),
    )


def _in_a_row(found: list[Pulse | None]) -> list[list[Pulse]]:
    """Return the pulses grouped to rows of one direction and current; a run that is neither pulse nor rest ends one."""
    rows: list[list[Pulse]] = []
    last: Pulse | None = None
    missing = 0
    for pulse in found:
        missing = missing + 1 if pulse is None else 0
        if missing > 1:  # between two pulses there is one rest
            last = None
        if pulse is None:
            continue
        if last is None or abs(pulse.current / last.current - 1.0) > _SAME_CURRENT:
            rows.append([])
        rows[-1].append(pulse)
        last = pulse
    return rows
