"""Checks of spectra by their own numbers, for whatever a format says only once.

An impedance is smooth over the logarithm of the frequency, the frequencies of a sweep are evenly spaced there, and the
phase follows the slope of the modulus. What breaks these rules is pointed out and kept. A digit that changes a value by
less than the rules can tell, and that no second column contradicts, cannot be noticed by anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ._impedance_sign import contradictions, sign_verdict
from ._source import Measurement, Source
from .errors import AmbiguousContent
from .findings import Finding

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Integers = NDArray[np.intp]
Points = tuple[Floats, Complex]

_WITHIN = np.log(1.35)
_AT_ENDS = np.log(3.0)
_OFF_GRID = 0.2
_OFF_GRID_AT_ENDS = 0.5
_WORTH_A_LOOK = 0.05
_POINTS = 5
_MOST = 0.5
_CONTRADICTIONS = {
    "sign": "the imaginary part seems to have the opposite sign, or leads, noise or drift outweigh the cell",
    "exchange": "Z' and Z'' seem to stand in each other's place",
}


def refuse_reversed_sign(frequency: Floats, impedance: Complex) -> None:
    """Raise `AmbiguousContent` if the phase of a spectrum runs against the slope of its modulus.

    For formats whose columns have no names: nothing else in the file says whether one holds Z'' or -Z''.
    """
    if sign_verdict(frequency, impedance) < 0:
        raise AmbiguousContent(
            "the imaginary part has the wrong sign: the phase runs against the slope of |Z|",
            expected="Z'', negative for a capacitor",
            remedy="if the file holds -Z'', save it as delimited text with the header f,Z',-Z''",
        )


def with_own_findings(measurements: Iterable[Measurement], source: Source) -> list[Measurement]:
    """Return measurements that bear what has been noted about the file while they were read, which is theirs alone."""
    before = len(source.findings)
    found = list(measurements)
    own = source.findings[before:]
    del source.findings[before:]
    for measurement in found:
        measurement.findings[:0] = own
    return found


def suspicions(frequency: Floats, impedance: Complex, parts: Sequence[slice]) -> list[list[Finding]]:
    """Return what the numbers of each sweep say against themselves.

    Parameters
    ----------
    frequency : numpy.ndarray
        In Hz, shape (n,), in the order of the file.
    impedance : numpy.ndarray
        Complex, shape (n,).
    parts : sequence of slice
        The sweeps, one after the other.

    Returns
    -------
    list of list of Finding
        For each sweep: ``isolated-points`` if ln Z, modulus and phase together, lies more than ln 1.35 off the straight
        line over ln f through the points beside it, at either end ln 3 off the line through the next two;
        ``frequency-order`` if the frequency does not run in one direction; ``frequency-grid`` if single frequencies lie
        off the even spacing of their neighbours by more than a fifth of a step, at either end beyond it by half a step;
        ``negative-resistance`` if Z' is negative in most points; ``phase-against-slope`` if the phase contradicts the
        slope of the modulus; ``short-sweep`` if only few of many sweeps' points are there; ``repeated-sweep`` if it is
        the one before once more, digit for digit.

    Examples
    --------
    >>> f = np.logspace(4, 0, 9)
    >>> z = np.full(9, 10 - 1j)
    >>> suspicions(f, z, [slice(0, 9)])
    [[]]
    >>> z[4] *= 1.5
    >>> suspicions(f, z, [slice(0, 9)])[0][0].message
    'In 1 of 9 points the impedance leaves the line through its neighbours, first at 100 Hz by 50%.'
    """
    sweep = np.full(len(frequency), -1, dtype=np.intp)
    for number, part in enumerate(parts):
        sweep[part] = number
    known = (frequency > 0) & (np.abs(impedance) > 0) & np.isfinite(impedance) & (sweep >= 0)
    sizes = np.bincount(sweep[known], minlength=len(parts))
    known &= (sizes >= _POINTS)[sweep]
    found = _among_each_other(impedance, parts)
    if known.any():
        x, z, sweep = np.log(frequency[known]), impedance[known], sweep[known]
        first, last = _ends(sweep)
        for number, count in enumerate(np.bincount(sweep, _turns(x, first, last), len(parts))):
            if count:
                message = f"The frequency turns or stands still in {count:.0f} of {sizes[number]} points; they keep "
                found[number].append(Finding("frequency-order", "warning", message + "their order."))
        _add(found, sweep, "frequency-grid", _off_grid(x, first, last), x, sizes)
        _add(found, sweep, "isolated-points", _isolated(x, z, first, last), x, sizes)
        for number, share in enumerate(np.bincount(sweep, z.real < 0, len(parts)) / np.maximum(sizes, 1)):
            if share > _MOST:
                message = f"Z' is negative in {share:.0%} of the points, which no passive cell shows."
                found[number].append(Finding("negative-resistance", "warning", message))
        for number, what in enumerate(contradictions(frequency[known], z, sweep, len(parts))):
            if what:
                message = f"The phase runs against the slope of |Z|: {_CONTRADICTIONS[what]}."
                found[number].append(Finding("phase-against-slope", "warning", message))
    return found


_MESSAGES = {
    "frequency-grid": "In {} of {} points the frequency lies off the even spacing of its neighbours",
    "isolated-points": "In {} of {} points the impedance leaves the line through its neighbours",
}


def _among_each_other(impedance: Complex, parts: Sequence[slice]) -> list[list[Finding]]:
    sizes = [part.stop - part.start for part in parts]
    usual = int(np.median(sizes)) if sizes else 0
    found: list[list[Finding]] = [[] for _ in parts]
    for number, (part, size) in enumerate(zip(parts, sizes, strict=True)):
        if size < _POINTS <= usual:
            message = f"The sweep has {size} points and the others {usual}: it was stopped, or a frequency is wrong."
            found[number].append(Finding("short-sweep", "warning", message))
        alike = number > 0 and size == sizes[number - 1] >= _POINTS
        if alike and np.array_equal(impedance[part], impedance[parts[number - 1]]):
            message = "The sweep is the one before it once more, digit for digit."
            found[number].append(Finding("repeated-sweep", "warning", message))
    return found


def _add(found: list[list[Finding]], sweep: Integers, code: str, off: Floats, x: Floats, sizes: Integers) -> None:
    """Add a finding to each sweep with points that are off, which are those where `off` is above 0."""
    at = np.flatnonzero(off)
    for number in np.unique(sweep[at]):
        mine = at[sweep[at] == number]
        share = min(np.expm1(min(off[mine[0]], 10.0)), 1e4)
        message = _MESSAGES[code].format(len(mine), sizes[number])
        message += f", first at {np.exp(x[mine[0]]):.4g} Hz by {share:.0%}."
        found[number].append(Finding(code, "warning", message))


def _ends(sweep: Integers) -> tuple[Integers, Integers]:
    """Return, for every point, the first and the last one of its sweep."""
    starts = np.flatnonzero(np.diff(sweep, prepend=-1))
    stops = np.append(starts[1:], len(sweep))
    return np.repeat(starts, stops - starts), np.repeat(stops - 1, stops - starts)


def _turns(x: Floats, first: Integers, last: Integers) -> NDArray[np.bool_]:
    at = np.arange(len(x))
    steps = np.sign(np.diff(x))
    turned = np.zeros(len(x), dtype=bool)
    turned[1:-1] = steps[1:] != steps[:-1]
    return turned & (at > first) & (at < last)


def _off_grid(x: Floats, first: Integers, last: Integers) -> Floats:
    """Return how far single frequencies lie off the spacing of their neighbours, 0 where they do not.

    A point is held against the middle of those beside it and against the two before and the two after it, so that a
    change of the spacing is none of its points' fault. Sweeps whose frequencies are more even without logarithm count
    as they are.
    """
    at, end = np.arange(len(x)), len(x) - 1
    middle = np.abs(x - (x[np.maximum(at - 1, 0)] + x[np.minimum(at + 1, end)]) / 2)
    left = _beyond(x, x[np.maximum(at - 1, 0)], x[np.maximum(at - 2, 0)], at == last)
    right = _beyond(x, x[np.minimum(at + 1, end)], x[np.minimum(at + 2, end)], at == first)
    middle[(at == first) | (at == last)] = np.inf
    left[at < first + 2] = np.inf
    right[at > last - 2] = np.inf
    off = np.minimum(np.minimum(middle, left), right)
    step = np.zeros(len(x))
    # The median takes long and is only worth it where a point is off at all.
    for start in np.unique(first[off * (last - first) > _WORTH_A_LOOK * np.abs(x[last] - x[first])]):
        part = slice(start, last[start] + 1)
        step[part] = _spacing(x[part])
    inner = (at > first + 1) & (at < last - 1)
    allowed = np.where(inner, _OFF_GRID, _OFF_GRID_AT_ENDS) * step
    return np.where((off > allowed) & (step > 0), off, 0.0)


def _beyond(x: Floats, near: Floats, far: Floats, at_end: NDArray[np.bool_]) -> Floats:
    """Return how far points lie off where two others lead; a last step that is shorter than the others is none."""
    lead, step = near - far, x - near
    shorter = at_end & (step * lead > 0) & (np.abs(step) < np.abs(lead))
    return np.where(shorter, 0.0, np.abs(step - lead))


def _spacing(x: Floats) -> float:
    """Return the usual step of ln f, 0 where the frequencies are spaced evenly without logarithm or not at all."""
    steps, plain = np.abs(np.diff(x)), np.abs(np.diff(np.exp(x)))
    step, usual = float(np.median(steps)), float(np.median(plain))
    if not step or not usual:
        return 0.0
    uneven = float(np.median(np.abs(steps - step))) / step
    return step if uneven < min(0.5, float(np.median(np.abs(plain - usual))) / usual) else 0.0


def _isolated(x: Floats, z: Complex, first: Integers, last: Integers) -> Floats:
    """Return how far single points lie off the line through their neighbours, 0 where they do not."""
    y = np.log(np.abs(z)) + 1j * np.unwrap(np.angle(z))
    at = np.arange(len(x))
    one = np.where(at == first, at + 1, at - 1)
    other = np.where(at == first, at + 2, np.where(at == last, at - 2, at + 1))
    off = _off_line((x, y), (x[one], y[one]), (x[other], y[other]))
    allowed = np.where((at == first) | (at == last), _AT_ENDS, _WITHIN)
    # Beside an outlier the line runs askew, so a point counts only where it is the worst among its neighbours.
    share = off / allowed
    below = np.where(at == first, 0.0, share[np.maximum(at - 1, 0)])
    above = np.where(at == last, 0.0, share[np.minimum(at + 1, len(x) - 1)])
    return np.where((share > 1) & (share >= np.maximum(below, above)), off, 0.0)


def _off_line(point: Points, first: Points, second: Points) -> Floats:
    """Return how far points lie from the lines through two others; 0 slope where those coincide."""
    (x, y), (x0, y0), (x1, y1) = point, first, second
    span = np.where(x1 == x0, np.inf, x1 - x0)
    return np.asarray(np.abs(y - y0 - (y1 - y0) * (x - x0) / span), dtype=float)
