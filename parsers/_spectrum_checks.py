"""Checks of a spectrum by its own numbers, for formats that say each thing only once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ._impedance_sign import sign_verdict
from ._source import Measurement, Source
from .errors import AmbiguousContent
from .findings import Finding

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Points = tuple[Floats, Complex]

_WITHIN = np.log(1.35)
_AT_ENDS = np.log(3.0)


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


def checked(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return the spectra of one table with what `isolated_points` says of each, and that there are several."""
    found = list(measurements)
    for measurement in found:
        dataset = measurement.dataset
        if len(found) > 1:
            message = f"The frequency jumps back to its start: the rows are {len(found)} sweeps."
            measurement.findings.append(Finding("several-sweeps", "info", message))
        measurement.findings.extend(isolated_points(dataset["frequency"].values, dataset["impedance"].values))
    return found


def with_own_findings(measurements: Iterable[Measurement], source: Source) -> list[Measurement]:
    """Return measurements that bear what has been noted about the file while they were read, which is theirs alone."""
    before = len(source.findings)
    found = list(measurements)
    own = source.findings[before:]
    del source.findings[before:]
    for measurement in found:
        measurement.findings[:0] = own
    return found


def isolated_points(frequency: Floats, impedance: Complex) -> list[Finding]:
    """Point out single points that leave the line through their neighbours, and sweeps that turn.

    Parameters
    ----------
    frequency : numpy.ndarray
        In Hz, shape (n,), in the order of the sweep.
    impedance : numpy.ndarray
        Complex, shape (n,).

    Returns
    -------
    list of Finding
        ``isolated-points`` if ln Z, modulus and phase together, lies more than ln 1.35 off the straight line over
        ln f through the points beside it, at either end ln 3 off the line through the next two.
        ``frequency-order`` if the frequency does not run in one direction.

    Examples
    --------
    >>> f = np.logspace(4, 0, 9)
    >>> z = np.full(9, 10 - 1j)
    >>> isolated_points(f, z)
    []
    >>> z[4] *= 1.5
    >>> isolated_points(f, z)[0].message
    'In 1 of 9 points the impedance leaves the line through its neighbours, first at 100 Hz by 50%.'
    """
    known = (frequency > 0) & (np.abs(impedance) > 0) & np.isfinite(impedance)
    x, z = np.log(frequency[known]), impedance[known]
    if len(x) < 5:
        return []
    found = []
    turns = int(np.count_nonzero(np.diff(np.sign(np.diff(x)))))
    if turns:
        message = f"The frequency turns or stands still in {turns} of {len(x)} points; they keep their order."
        found.append(Finding("frequency-order", "warning", message))
    y = np.log(np.abs(z)) + 1j * np.unwrap(np.angle(z))
    off = np.empty(len(x))
    off[1:-1] = _off_line((x[1:-1], y[1:-1]), (x[:-2], y[:-2]), (x[2:], y[2:]))
    off[:1] = _off_line((x[:1], y[:1]), (x[1:2], y[1:2]), (x[2:3], y[2:3]))
    off[-1:] = _off_line((x[-1:], y[-1:]), (x[-2:-1], y[-2:-1]), (x[-3:-2], y[-3:-2]))
    allowed = np.full(len(x), _WITHIN)
    allowed[[0, -1]] = _AT_ENDS
    # Beside an outlier the line runs askew, so a point counts only where it is the worst among its neighbours.
    worst = off >= np.maximum(np.append(off[1:], 0), np.insert(off[:-1], 0, 0))
    at = np.flatnonzero((off > allowed) & worst)
    if len(at):
        share = min(np.expm1(min(off[at[0]], 10.0)), 1e4)
        message = (
            f"In {len(at)} of {len(x)} points the impedance leaves the line through its neighbours, "
            f"first at {np.exp(x[at[0]]):.4g} Hz by {share:.0%}."
        )
        found.append(Finding("isolated-points", "warning", message))
    return found


def _off_line(point: Points, first: Points, second: Points) -> Floats:
    """Return how far points lie from the lines through two others; 0 slope where those coincide."""
    (x, y), (x0, y0), (x1, y1) = point, first, second
    span = np.where(x1 == x0, np.inf, x1 - x0)
    return np.asarray(np.abs(y - y0 - (y1 - y0) * (x - x0) / span), dtype=float)
