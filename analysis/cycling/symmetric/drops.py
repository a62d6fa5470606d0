"""Where the voltage of a stretch of constant current is lower than a healthy symmetric cell lets it be.

Two tests look at each stretch. The first needs nothing but the stretch: medians of neighbouring windows, of which the
last lies below the line through those before it. A transient that dies away never falls faster than it did before, so
nucleation peaks pass. The second compares with the healthy stretches before it at the same time after the current was
set, so that what each half cycle repeats is no event; it sees gradual drops and those within the first minutes.
Thresholds are fractions of the voltage itself, raised where the noise asks for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..record.charge import Booleans, Floats
from .stretches import FEWEST_RECORDS, Stretch

SMALLEST_DROP = 0.08
"""Part of the voltage that has to be lost, whatever the noise."""

PERSISTENCE = 4
"""Records that a drop has to last; shorter ones are glitches of the measurement."""

_UNSURE = {"trace": 0.08, "one trace": 0.2, "level": 0.3, "other direction": 0.5}
"""Smallest drop against each kind of reference: the less alike it is, the more has to be lost."""

_WINDOWS = (4, 10)
_SIGMAS = 6.0
_MEDIAN = 1.2533  # standard deviation of a median over that of a mean
_ABRUPT = 0.6  # part of the misfit of a straight line to a step that has to be there
_SETTLING = 0.1  # part of a stretch in which only what lasts beyond it counts
_SAME_CURRENT = 0.05  # relative
_SAME_TEMPERATURE = 2.0  # K, some 10 % of a conductivity that an activation energy of 0.4 eV governs
_PER_KELVIN = 0.06  # part of the voltage that warming may take: an activation energy of 0.46 eV at 25 degC


@dataclass(frozen=True)
class Reference:
    """What the voltage of a stretch should be.

    Parameters
    ----------
    voltage : ndarray
        The least that is healthy at each record of the stretch, V. Peaks above the plateau are not asked for.
    shape : ndarray or None
        What half cycles of the same current repeat, V; None where there are none.
    smallest : float
        Part of the voltage that has to be lost.
    comparable : ndarray of bool
        Records at the temperature of the reference.
    warmer : ndarray
        How much warmer they are than it, K; 0 where they are not or no temperature is known.
    """

    voltage: Floats
    shape: Floats | None
    smallest: float
    comparable: Booleans
    warmer: Floats


@dataclass(frozen=True)
class Low:
    """Records of one stretch, from `begin` to before `end`, whose voltage is too low.

    `before` is the voltage in V expected there, `remains` the part of it that is left, `score` the drop over the
    smallest that would count, `sudden` whether it came between two records or within a few.
    """

    begin: int
    end: int
    before: float
    remains: float
    score: float
    sudden: bool


@dataclass(frozen=True)
class _Step:
    """A fall between windows of `width` records, the first of which opens at `opens`; `before` and `drop` in V."""

    opens: int
    width: int
    before: float
    drop: float
    score: float


def lows(stretch: Stretch, healthy: list[Stretch], open_drop: float | None) -> list[Low]:
    """Return the parts of a stretch in which the voltage is too low.

    Parameters
    ----------
    stretch : Stretch
        To be looked at.
    healthy : list of Stretch
        Those before it, as far as they are healthy.
    open_drop : float or None
        Part of the voltage that was missing at the end of the stretch before, None if nothing was.
    """
    reference = _reference(stretch, healthy)
    if reference is None:
        return _sudden(stretch, None)
    compared = _compared(stretch, reference, open_drop)
    settled = any(low.begin == 0 and low.end == stretch.rows.size for low in compared)
    return compared if settled else _joined(stretch, _sudden(stretch, reference), compared)


def _joined(stretch: Stretch, sudden: list[Low], compared: list[Low]) -> list[Low]:
    """Return both lists as one; where they overlap the sudden onset and the later end hold."""
    out = list(sudden)
    for low in compared:
        overlapping = [other for other in out if other.begin < low.end and low.begin < other.end]
        if not overlapping:
            out.append(low)
            continue
        first = overlapping[0]
        out = [other for other in out if other not in overlapping]
        begin = first.begin if first.begin <= low.begin + PERSISTENCE else low.begin
        end = max(low.end, *(other.end for other in overlapping))
        score = max(low.score, *(other.score for other in overlapping))
        is_sudden = first.sudden and begin == first.begin
        out.append(Low(begin, end, first.before, min(low.remains, first.remains), score, is_sudden))
    return sorted(out, key=lambda low: low.begin)


def _sudden(stretch: Stretch, reference: Reference | None) -> list[Low]:
    shape = None if reference is None else reference.shape
    found: list[Low] = []
    free = _settled_from(stretch)
    for step in _steps(stretch, free):
        begin = None if step.opens < free else _onset(stretch.voltage, step)
        if begin is None:
            continue
        expected = np.full(stretch.voltage.size, step.before)
        if shape is not None:
            expected *= np.minimum(shape / shape[begin], 1.0)
        part = stretch.voltage / expected
        end = _recovers(part, begin, 0.5 + 0.5 * float(np.median(part[begin : begin + PERSISTENCE])))
        remains = float(np.median(part[begin:end])) if end > begin else 1.0
        if end - begin >= PERSISTENCE and not _repeated(shape, begin, 1.0 - remains):
            found.append(Low(begin, end, step.before, remains, step.score, True))
        free = max(end, begin + 1)
    return found


def _settled_from(stretch: Stretch) -> int:
    """Return the first place from which the voltage falls: the top of the rise at the start."""
    early = stretch.elapsed <= stretch.elapsed[0] + _SETTLING * (stretch.elapsed[-1] - stretch.elapsed[0])
    return int(np.argmax(stretch.voltage[early]))


def _repeated(shape: Floats | None, begin: int, drop: float) -> bool:
    """Return whether the half cycles before fell in the same place, by half as much at least."""
    if shape is None:
        return False
    before, after = shape[max(begin - PERSISTENCE, 0) : begin], shape[begin : begin + PERSISTENCE]
    return 1.0 - float(np.median(after) / np.median(before)) > 0.5 * drop


def _recovers(voltage: Floats, begin: int, threshold: float) -> int:
    """Return the first place from which the voltage stays above a threshold, the length if none."""
    above = voltage[begin:] > threshold
    for place in np.flatnonzero(above):
        ahead = above[place : place + PERSISTENCE]
        if ahead.size >= 2 and ahead.mean() >= 0.75:
            return int(begin + place)
    return int(voltage.size)


def _steps(stretch: Stretch, start: int) -> list[_Step]:
    """Return every place after `start` where a window lies below the line through the two before it."""
    found: list[_Step] = []
    for width in _WINDOWS:
        if stretch.voltage.size - start < 3 * width:
            continue
        middle = np.median(sliding_window_view(stretch.voltage[start:], width), axis=1)
        time = sliding_window_view(stretch.elapsed[start:], width).mean(axis=1)
        first, second, third = middle[: -2 * width], middle[width:-width], middle[2 * width :]
        times = time[: -2 * width], time[width:-width], time[2 * width :]
        slope = (second - first) / (times[1] - times[0])
        drop = second + np.minimum(slope, 0.0) * (times[2] - times[1]) - third
        usual = _SIGMAS * _MEDIAN * math.sqrt(6.0 / width) * stretch.noise
        scatter = _SIGMAS * 1.4826 * float(np.median(np.abs(drop - np.median(drop))))
        threshold = np.maximum(SMALLEST_DROP * np.abs(second), max(usual, scatter))
        for place in np.flatnonzero((drop > threshold) & (second > 0) & _same_temperature(stretch, start, width)):
            score = float(drop[place] / threshold[place])
            found.append(_Step(int(place) + start, width, float(second[place]), float(drop[place]), score))
    return sorted(found, key=lambda step: step.opens + 2 * step.width)


def _same_temperature(stretch: Stretch, start: int, width: int) -> Booleans:
    temperature = np.nan_to_num(stretch.temperature[start:])
    windows = sliding_window_view(temperature, 3 * width)
    same: Booleans = np.ptp(windows, axis=1) < _SAME_TEMPERATURE
    return same


def _onset(voltage: Floats, step: _Step) -> int | None:
    """Return the first record after a step, None where a straight fall describes the records about it as well."""
    place = step.opens + 2 * step.width
    around = voltage[place - step.width : place + step.width]
    count = np.arange(1, around.size)
    above, total = np.cumsum(around)[:-1], float(around.sum())
    explained = above**2 / count + (total - above) ** 2 / (around.size - count) - total**2 / around.size
    x = np.arange(around.size) - 0.5 * (around.size - 1)
    straight = float(x @ around) ** 2 / float(x @ x)
    best = int(np.argmax(explained[1:-1])) + 1
    # A step of this height leaves a sixteenth of its square per record to the straight line.
    if explained[best] - straight < _ABRUPT * around.size * step.drop**2 / 16.0:
        return None
    return place - step.width + best + 1


def _compared(stretch: Stretch, reference: Reference, open_drop: float | None) -> list[Low]:
    """Return where the voltage stays below the reference."""
    width = min(5, stretch.voltage.size)
    # What is already short has to bring back its peak as well as its plateau.
    healthy = reference.voltage if open_drop is None or reference.shape is None else reference.shape
    level = float(np.median(healthy))
    floor = _SIGMAS * _MEDIAN * stretch.noise / (math.sqrt(width) * level)
    smallest = max(reference.smallest if open_drop is None else min(reference.smallest, 0.5 * open_drop), floor)
    ratio = _smooth(stretch.voltage, width) / healthy + _PER_KELVIN * reference.warmer
    ratio = np.where(reference.comparable, ratio, 1.0)
    settled = stretch.elapsed > stretch.elapsed[0] + _SETTLING * (stretch.elapsed[-1] - stretch.elapsed[0])
    found: list[Low] = []
    place = 0
    while (below := np.flatnonzero(ratio[place:] < 1.0 - smallest)).size:
        begin = place + int(below[0])
        above = np.flatnonzero(ratio[begin:] > 1.0 - 0.5 * smallest)
        end = begin + int(above[0]) if above.size else ratio.size
        inside = slice(begin, end)
        if np.count_nonzero(settled[inside]) >= PERSISTENCE + 1:
            remains = float(np.median(ratio[inside]))
            score = (1.0 - float(ratio[inside].min())) / smallest
            before = float(np.median(healthy[inside]))
            found.append(Low(0 if not settled[begin] else begin, end, before, remains, score, False))
        place = end
    return found if open_drop is None else _lasting(stretch, found)


def _lasting(stretch: Stretch, found: list[Low]) -> list[Low]:
    """Return the parts with all up to the plateau as one, if the plateau is low: a taller peak is no recovery."""
    middle = int(np.searchsorted(stretch.elapsed, 0.5 * (stretch.elapsed[0] + stretch.elapsed[-1])))
    for place, low in enumerate(found):
        if low.begin <= middle < low.end:
            return [replace(low, begin=0), *found[place + 1 :]]
    return found


def _smooth(voltage: Floats, width: int) -> Floats:
    padded = np.pad(voltage, (width // 2, width - 1 - width // 2), mode="edge")
    smooth: Floats = np.median(sliding_window_view(padded, width), axis=1)
    return smooth


def _reference(stretch: Stretch, healthy: list[Stretch]) -> Reference | None:
    """Return what healthy stretches of the same current and direction did, else what their level allows."""
    temperature = stretch.usual_temperature
    alike = [other for other in healthy if _is_near(other.usual_temperature, temperature) and other.level > 0]
    same = [other for other in alike if other.sign == stretch.sign]
    traces = [other for other in same if abs(other.current / stretch.current - 1.0) < _SAME_CURRENT][-3:]
    if traces:
        width = min(5, FEWEST_RECORDS)
        shape = [np.interp(stretch.elapsed, other.elapsed, _smooth(other.voltage, width)) for other in traces]
        fall = min(1.0, max(0.5, traces[-1].level / traces[-2].level)) if len(traces) > 1 else 1.0
        kind = "trace" if len(traces) > 1 else "one trace"
        scatter = _scatter(traces)
        least = [np.clip(trace, 0.1 * other.level, other.level) for trace, other in zip(shape, traces, strict=True)]
        middle = np.maximum(np.median(shape, axis=0), 0.1 * traces[-1].level)
        smallest = max(_UNSURE[kind], _SIGMAS * scatter)
        past = [np.interp(stretch.elapsed, other.elapsed, _smooth(other.temperature, width)) for other in traces]
        return Reference(np.min(least, axis=0) * fall, middle, smallest, *_warming(stretch, past))
    if not alike:
        return None
    other = same[-1] if same else alike[-1]
    # Overpotentials grow less than in proportion to the current, so this is the least that a healthy cell shows.
    level = other.level * min(1.0, stretch.current / other.current)
    smallest = _UNSURE["level" if same else "other direction"]
    past = [np.full(stretch.elapsed.size, other.late_temperature)]
    return Reference(np.full(stretch.elapsed.size, level), None, smallest, *_warming(stretch, past))


def _warming(stretch: Stretch, past: list[Floats]) -> tuple[Booleans, Floats]:
    """Return which records have the temperature of all references, and how much warmer than these they are."""
    own = _smooth(stretch.temperature, min(5, FEWEST_RECORDS))
    warmer = np.nan_to_num(own - np.array(past))
    comparable: Booleans = np.all(np.abs(warmer) < _SAME_TEMPERATURE, axis=0)
    return comparable, np.maximum(warmer, 0.0).max(axis=0)


def _scatter(traces: list[Stretch]) -> float:
    """Return how much levels scatter about a steady course, relative; 0 from fewer than three."""
    if len(traces) < 3:
        return 0.0
    first, second, third = (trace.level for trace in traces)
    return abs(second - 0.5 * (first + third)) / (third * math.sqrt(1.5))


def _is_near(one: float, other: float) -> bool:
    return not abs(one - other) >= _SAME_TEMPERATURE
