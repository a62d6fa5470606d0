"""Checks of a spectrum by its own numbers, for formats that say each thing only once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ._impedance_sign import sign_verdict
from ._source import Measurement
from .errors import AmbiguousContent
from .findings import Finding

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

_STEP_WITHIN = np.log(1.5)
_STEP_AT_ENDS = np.log(3.0)


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


def checked(measurements: Iterable[Measurement]) -> Iterator[Measurement]:
    """Yield spectra with what `isolated_points` has to say about each of them."""
    for measurement in measurements:
        dataset = measurement.dataset
        measurement.findings.extend(isolated_points(dataset["frequency"].values, dataset["impedance"].values))
        yield measurement


def isolated_points(frequency: Floats, impedance: Complex) -> list[Finding]:
    """Point out single points whose modulus leaves the line through their neighbours.

    Parameters
    ----------
    frequency : numpy.ndarray
        In Hz, shape (n,), in the order of the sweep.
    impedance : numpy.ndarray
        Complex, shape (n,).

    Returns
    -------
    list of Finding
        ``isolated-points`` if a modulus lies more than a factor of 1.5 off the straight line, in logarithms, through
        the points beside it, at either end a factor of 3 off the line through the next two.

    Examples
    --------
    >>> f = np.logspace(4, 0, 9)
    >>> z = np.full(9, 10 - 1j)
    >>> isolated_points(f, z)
    []
    >>> z[4] *= 16
    >>> isolated_points(f, z)[0].message
    'The modulus of 1 of 9 points leaves the line through their neighbours, first at 100 Hz by a factor of 16.'
    """
    known = (frequency > 0) & (np.abs(impedance) > 0) & np.isfinite(impedance)
    x, y = np.log(frequency[known]), np.log(np.abs(impedance[known]))
    if len(x) < 5:
        return []
    off = np.concatenate(
        [
            np.abs(_off_line(x[:1], y[:1], x[1:2], y[1:2], x[2:3], y[2:3])) - _STEP_AT_ENDS,
            np.abs(_off_line(x[1:-1], y[1:-1], x[:-2], y[:-2], x[2:], y[2:])) - _STEP_WITHIN,
            np.abs(_off_line(x[-1:], y[-1:], x[-2:-1], y[-2:-1], x[-3:-2], y[-3:-2])) - _STEP_AT_ENDS,
        ]
    )
    # Beside an outlier the line runs askew, so a point counts only where it is the worst among its neighbours.
    worst = off >= np.maximum(np.append(off[1:], -np.inf), np.insert(off[:-1], 0, -np.inf))
    at = np.flatnonzero((off > 0) & worst)
    if not len(at):
        return []
    ends = (at[0] == 0) or (at[0] == len(x) - 1)
    factor = np.exp(min(off[at[0]] + (_STEP_AT_ENDS if ends else _STEP_WITHIN), 700.0))
    message = (
        f"The modulus of {len(at)} of {len(x)} points leaves the line through their neighbours, "
        f"first at {np.exp(x[at[0]]):.4g} Hz by a factor of {factor:.3g}."
    )
    return [Finding("isolated-points", "warning", message)]


def _off_line(x: Floats, y: Floats, x0: Floats, y0: Floats, x1: Floats, y1: Floats) -> Floats:
    """Return how far y lies from the line through two other points; 0 where those coincide."""
    span = np.where(x1 == x0, np.inf, x1 - x0)
    return np.asarray(y - y0 - (y1 - y0) * (x - x0) / span)
