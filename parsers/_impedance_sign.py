r"""The sign of Z'' from |Z| alone: a passive cell's phase follows the slope of its modulus.

For a causal, stable, passive system without dead time the phase is, to first order, fixed by the modulus (Bode; used
as Z-HIT in impedance spectroscopy):

.. math:: \varphi(\omega) \approx \frac{\pi}{2} \frac{d \ln |Z|}{d \ln \omega}

A column of -Z'' that is called Z'' leaves |Z| unchanged and turns the phase around, so the two disagree everywhere.
Z' and -Z'' in each other's place leave |Z| unchanged as well and mirror the phase at -45 degrees.

References
----------
.. [1] Bode, Network Analysis and Feedback Amplifier Design, Van Nostrand (1945), chapter 14.
.. [2] Ehm, Göhr, Kaus, Röseler, Schiller, ACH - Models in Chemistry 137 (2000) 145.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Integers = NDArray[np.intp]

_HALF_WINDOW = 0.35 * np.log(10.0)
_NEIGHBOURS = 5
_POINTS = 6
_CLEAR = 0.6
_SMALLEST_PHASE = np.deg2rad(0.5)
_EXCHANGED = np.deg2rad(20.0)
_APART = 1e3  # between sweeps, in ln f
_COINCIDENT = 1e-8


def phase_agreement(frequency: Floats, impedance: Complex) -> float:
    """Return how well the phase of a spectrum follows the slope of its modulus.

    Parameters
    ----------
    frequency : numpy.ndarray
        In Hz, in any order, shape (n,).
    impedance : numpy.ndarray
        Complex, shape (n,).

    Returns
    -------
    float
        Cosine between measured and expected phase: near 1 where they agree, near -1 where the sign of Z'' is reversed,
        0.0 where nothing can be said (less than 6 points or a decade, or a pure resistance).

    Examples
    --------
    >>> f = np.logspace(5, 0, 51)
    >>> z = 10 + 100 / (1 + 2j * np.pi * f * 1e-3)
    >>> phase_agreement(f, z) > 0.9, phase_agreement(f, z.conj()) < -0.9
    (True, True)
    """
    z, expected, sweep = _with_slopes(frequency, impedance, np.zeros(len(frequency), dtype=np.intp))
    return float(_agreements(np.angle(z), expected, sweep, 1)[0])


def slope_mismatch(frequency: Floats, impedance: Complex) -> float:
    """Return the rms difference in radians between measured phase and the one expected from the slope of |Z|."""
    z, expected, sweep = _with_slopes(frequency, impedance, np.zeros(len(frequency), dtype=np.intp))
    return float(_rms(np.angle(z) - expected, sweep, 1)[0])


def sign_verdict(frequency: Floats, impedance: Complex) -> int:
    """Return +1 when the sign of Z'' is right -1 when it is reversed, 0 where the spectrum is undecided."""
    agreement = phase_agreement(frequency, impedance)
    return 0 if abs(agreement) < _CLEAR else int(np.sign(agreement))


def contradictions(frequency: Floats, impedance: Complex, sweep: Integers, count: int) -> list[str]:
    """Return, for each sweep, what its phase contradicts the slope of its modulus by.

    Parameters
    ----------
    frequency, impedance : numpy.ndarray
        Points of all sweeps, shape (n,).
    sweep : numpy.ndarray of int
        To which sweep each point belongs, counted from 0, shape (n,).
    count : int
        Number of sweeps.

    Returns
    -------
    list of {"", "sign", "exchange"}
        "sign" if Z'' seems to have the opposite sign, "exchange" if Z' and Z'' seem to stand in each other's place.

    Examples
    --------
    >>> f = np.logspace(5, 0, 51)
    >>> z = 10 + 100 / (1 + 2j * np.pi * f * 1e-3)
    >>> for wrong in (z, z.conj(), -z.imag - 1j * z.real):
    ...     print(contradictions(f, wrong, np.zeros(51, dtype=int), 1))
    ['']
    ['sign']
    ['exchange']
    """
    z, expected, sweep = _with_slopes(frequency, impedance, sweep)
    if not len(z):
        return [""] * count
    measured = np.angle(z)
    agreement = _agreements(measured, expected, sweep, count)
    as_given = _rms(measured - expected, sweep, count)
    exchanges = (-z.imag - 1j * z.real, z.imag + 1j * z.real)
    exchanged = np.minimum(*(_rms(np.angle(other) - expected, sweep, count) for other in exchanges))
    reversed_sign = agreement < -_CLEAR
    swapped = (as_given > _EXCHANGED) & (exchanged < 0.5 * as_given)
    return [str(what) for what in np.where(swapped, "exchange", np.where(reversed_sign, "sign", ""))]


def _with_slopes(frequency: Floats, impedance: Complex, sweep: Integers) -> tuple[Complex, Floats, Integers]:
    """Return the points of the sweeps that can be judged, the phases to be expected of them, and their sweeps."""
    whole = (frequency > 0) & (np.abs(impedance) > 0) & np.isfinite(impedance) & np.isfinite(frequency)
    x, z, sweep = np.log(frequency[whole]), impedance[whole], sweep[whole]
    order = np.lexsort((x, sweep))
    x, z, sweep = x[order], z[order], sweep[order]
    starts = np.flatnonzero(np.diff(sweep, prepend=-1))
    stops = np.append(starts[1:], len(x))
    enough = stops - starts >= _POINTS
    if len(starts):
        enough &= x[stops - 1] - x[starts] >= np.log(10.0)
    judged = np.repeat(enough, stops - starts)
    x, z, sweep = x[judged], z[judged], sweep[judged]
    return z, np.pi / 2 * _slope(x, np.log(np.abs(z)), sweep), sweep


def _agreements(measured: Floats, expected: Floats, sweep: Integers, count: int) -> Floats:
    sizes = _rms(measured, sweep, count), _rms(expected, sweep, count)
    product = _mean(expected * measured, sweep, count)
    clear = np.minimum(*sizes) >= _SMALLEST_PHASE
    return np.divide(product, sizes[0] * sizes[1], out=np.zeros(count), where=clear)


def _rms(values: Floats, sweep: Integers, count: int) -> Floats:
    return np.sqrt(_mean(values**2, sweep, count))


def _mean(values: Floats, sweep: Integers, count: int) -> Floats:
    return np.bincount(sweep, values, count) / np.maximum(np.bincount(sweep, minlength=count), 1)


def _slope(x: Floats, y: Floats, sweep: Integers) -> Floats:
    """Return dy/dx from a straight line through each point's neighbours within a third of a decade, at least four."""
    if not len(x):
        return np.empty(0)
    place = x + _APART * sweep
    low = np.searchsorted(place, place - _HALF_WINDOW, side="left")
    high = np.searchsorted(place, place + _HALF_WINDOW, side="right")
    few = np.flatnonzero(high - low < _NEIGHBOURS)
    low[few] = _nearest(place, few)
    high[few] = low[few] + _NEIGHBOURS
    # Sums over windows are differences of sums from the start, so that long sweeps take no longer for each point.
    dx, dy = x - x.mean(), y - y.mean()
    totals = (np.append(0.0, np.cumsum(values)) for values in (dx, dy, dx * dx, dx * dy))
    sum_x, sum_y, sum_xx, sum_xy = (total[high] - total[low] for total in totals)
    number = high - low
    scatter = sum_xx - sum_x**2 / number
    slope = np.zeros_like(x)
    np.divide(sum_xy - sum_x * sum_y / number, scatter, out=slope, where=scatter > _COINCIDENT)
    return slope


def _nearest(x: Floats, points: Integers) -> Integers:
    """Return where the five values nearest to each of some points begin; `x` rises."""
    starts = points[:, np.newaxis] + np.arange(1 - _NEIGHBOURS, 1)
    possible = (starts >= 0) & (starts + _NEIGHBOURS <= len(x))
    first = np.clip(starts, 0, max(len(x) - _NEIGHBOURS, 0))
    centre = x[points][:, np.newaxis]
    reach = np.maximum(centre - x[first], x[first + _NEIGHBOURS - 1] - centre)
    return np.asarray(first[np.arange(len(points)), np.where(possible, reach, np.inf).argmin(axis=1)])
