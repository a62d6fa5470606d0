"""Whether a cell fades, has come to the end of its life, or fails.

Fade to 80 % is the end of a life that went as lives go. A cell *fails* where it loses half of its capacity within ten
cycles and does not get it back, where less than a fifth of the capacity is left, or where the coulombic efficiency
falls for good while it cycles: a contact lost, a short circuit, an electrolyte used up. A knee as steep as that is a
failure whatever its cause.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ..record.intervals import Booleans, Floats, Integers
from ..record.segmentation import SIGNS
from .end_of_life import CONSECUTIVE, at_usual_current, first_lasting
from .summary import OPENED_BY

STATES = ("sound", "end_of_life", "failing")
"""Verdicts: above 80 % of the reference capacity, faded below it, failing."""

END_OF_LIFE = 0.80
"""Part of the reference capacity at which a life ends by convention."""

DEAD = 0.20
"""Part of the reference capacity below which a cell has failed, whichever way it came there."""

_COLLAPSE, _WITHIN = 0.5, 10  # part of the capacity that is lost, and the cycles in which
_LOST_EFFICIENCY = 0.1  # below the median of the cycles before
_CYCLES_BEFORE = 3  # that tell the usual efficiency


@dataclass(frozen=True)
class Course:
    """Cycles from the reference on, at the usual current, one entry each.

    Parameters
    ----------
    number : ndarray of int
        Of the cycle.
    retention : ndarray
        Capacity over that of the reference.
    efficiency : ndarray
        Second over first half; NaN where the first is not complete.
    """

    number: Integers
    retention: Floats
    efficiency: Floats


def cell_state(summary: xr.Dataset, *, reference_cycle: int) -> Result:
    """Return whether a cell is sound, at the end of its life, or failing, and from which cycle on.

    Parameters
    ----------
    summary : xarray.Dataset
        From `interlayer.analysis.cycling.summarise`, or the ``curves`` of `capacity_retention`.
    reference_cycle : int
        Cycle at which the capacity is 1. If it ran at another current than most, the first after it that did not stands
        for it: what another rate takes away is no failure.

    Returns
    -------
    Result
        ``retention_last`` (1), the median of the last three complete cycles; ``failure_cycle`` of a failing cell;
        ``end_of_life_cycle``, the first of three in a row below 80 %. ``curves.attrs["state"]`` is the verdict, one of
        `STATES`, and the first note says why; so do the diagnostics ``failing`` and ``end_of_life`` (0 or 1),
        ``largest_loss`` within ten cycles and ``lowest_efficiency`` of three cycles in a row. ``curves`` holds
        retention and efficiency by cycle.

    Raises
    ------
    NotAnalysable
        If the reference cycle is not complete, or the cell is symmetric.
    """
    course = _course(summary, reference_cycle)
    failures = [found for found in (_collapse(course), _efficiency_loss(course), _dead(course)) if found is not None]
    below = first_lasting(course.retention < END_OF_LIFE)
    state = "failing" if failures else "end_of_life" if below is not None else "sound"
    last = float(np.median(course.retention[-CONSECUTIVE:]))
    quantities = [Quantity("retention_last", last, None, "1", kind="measured")]
    if failures:
        place, why = min(failures)
        quantities.append(Quantity("failure_cycle", float(course.number[place]), None, "1", kind="measured"))
    if below is not None:
        quantities.append(Quantity("end_of_life_cycle", float(course.number[below]), None, "1", kind="measured"))
        why = why if failures else f"faded below {END_OF_LIFE:.0%} at cycle {course.number[below]}"
    if state == "sound":
        why = f"{last:.1%} of the capacity of cycle {course.number[0]} is left at cycle {course.number[-1]}"
    return Result(
        method="loss of half of the capacity within ten cycles, of four fifths in all, or of 0.1 of the efficiency",
        quantities=tuple(quantities),
        diagnostics={
            "failing": float(state == "failing"),
            "end_of_life": float(below is not None),
            "largest_loss": _largest_loss(course),
            "lowest_efficiency": _lowest_efficiency(course),
            "n_cycles": float(course.number.size),
        },
        notes=(f"{state.replace('_', ' ')}: {why}", *_last_cycles(course)),
        provenance={key: str(summary.attrs[key]) for key in ("source_file", "source_sha256") if key in summary.attrs},
        curves=xr.Dataset(
            {
                "capacity_retention": xr.Variable(("cycle",), course.retention, {"units": "1"}),
                "coulombic_efficiency": xr.Variable(("cycle",), course.efficiency, {"units": "1"}),
            },
            coords={"cycle": xr.Variable(("cycle",), course.number, {"units": "1", "long_name": "cycle"})},
            attrs={"state": state},
        ),
    )


def verdict_note(summary: xr.Dataset, reference_cycle: int) -> str:
    """Return the verdict of `cell_state` as a sentence."""
    return cell_state(summary, reference_cycle=reference_cycle).notes[0]


def _course(summary: xr.Dataset, reference_cycle: int) -> Course:
    opening = OPENED_BY.get(str(summary.attrs.get("cell_type")))
    if opening is None:
        raise NotAnalysable("a symmetric cell has no capacity that fades; take its polarisation and shorts")
    number = np.cumsum(summary["direction"].values == SIGNS[opening])
    second = 1 + np.flatnonzero((number[1:] == number[:-1]) & (number[1:] > 0))
    whole = summary["complete"].values.astype(bool)
    second = second[whole[second] & (number[second] >= reference_cycle)]
    if second.size == 0 or number[second[0]] != reference_cycle:
        raise NotAnalysable(f"the reference cycle {reference_cycle} is not complete")
    capacity = summary["capacity"].values
    second = second[at_usual_current(summary["current"].values[second], capacity[second])]
    efficiency = np.where(whole[second - 1], capacity[second] / capacity[second - 1], np.nan)
    return Course(number[second], capacity[second] / capacity[second[0]], efficiency)


def _collapse(course: Course) -> tuple[int, str] | None:
    """Return the first cycle with less than half of what a cycle shortly before had, if no later one has more."""
    for place in range(1, course.number.size - 1):
        recent = (course.number >= course.number[place] - _WITHIN) & (course.number < course.number[place])
        if not recent.any():
            continue
        before = float(course.retention[recent].max())
        if (course.retention[place:] < _COLLAPSE * before).all():
            return place, (
                f"the capacity fell from {before:.0%} to {course.retention[place]:.2%} of the reference within "
                f"{_WITHIN} cycles before cycle {course.number[place]} and did not come back"
            )
    return None


def _dead(course: Course) -> tuple[int, str] | None:
    below = course.retention < DEAD
    place = first_lasting(below)
    if place is None or not below[place:].all():
        return None
    return place, f"less than {DEAD:.0%} of the capacity is left from cycle {course.number[place]} on"


def _efficiency_loss(course: Course) -> tuple[int, str] | None:
    """Return where the efficiency fell for three cycles below what it had been, while there was capacity to lose."""
    known = np.flatnonzero(np.isfinite(course.efficiency))
    efficiency = course.efficiency[known]
    for place in range(_CYCLES_BEFORE, known.size - CONSECUTIVE + 1):
        usual = float(np.median(efficiency[:place]))
        low: Booleans = efficiency[place : place + CONSECUTIVE] < usual - _LOST_EFFICIENCY
        if low.all():
            fallen = float(np.median(efficiency[place : place + CONSECUTIVE]))
            return int(known[place]), (
                f"the coulombic efficiency fell from {usual:.3f} to {fallen:.3f} at cycle {course.number[known[place]]}"
            )
    return None


def _largest_loss(course: Course) -> float:
    """Return the largest part of a capacity that was lost within ten cycles."""
    losses = [
        1.0 - course.retention[place] / course.retention[max(0, place - _WITHIN) : place].max()
        for place in range(1, course.number.size)
    ]
    return float(max(losses, default=0.0))


def _lowest_efficiency(course: Course) -> float:
    known = course.efficiency[np.isfinite(course.efficiency)]
    if known.size < CONSECUTIVE:
        return float(known.min()) if known.size else 0.0
    return float(np.median(np.lib.stride_tricks.sliding_window_view(known, CONSECUTIVE), axis=1).min())


def _last_cycles(course: Course) -> tuple[str, ...]:
    """Return what a single last cycle tells: a sign, and no verdict."""
    if course.number.size > 2 and course.retention[-1] < _COLLAPSE * course.retention[-2]:
        return (
            f"the last cycle has {course.retention[-1]:.1%} of the capacity after {course.retention[-2]:.1%}: "
            "one cycle is a sign and no verdict",
        )
    return ()
