r"""Disturbances that multiply the impedance along a sweep: a step from one point on, and a drift of the slow points.

Either adds :math:`\epsilon\, h(f)\, Z(f)` to the spectrum, with a step or the elapsed time for h. What RC elements can
follow of it is projected out; the size :math:`\epsilon` follows from the rest by linear least squares, with the noise
of the rest for its uncertainty. So a disturbance that the elements can mimic comes out with a large uncertainty, not
with a small value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..circuits import Complexes, Floats
from .rc_elements import ElementFit, parts

_STEP_P = 1e-3  # chance of one false step in a spectrum
_LEAST_STEP = 1e-3  # relative; instruments state 0.1 to 1 % for the match of their ranges
_MOST_STEPS = 3  # in a spectrum; more are no longer told from a smooth misfit
_BETTER_BY = 10.0  # fall of the Akaike criterion; a likelihood a hundred times that of any smooth misfit
_CLEAR = 4  # points on either side of a step; fewer are outliers


@dataclass(frozen=True)
class Step:
    """A jump of the impedance between the points `place` - 1 and `place` of a spectrum by the factor 1 + `change`."""

    place: int
    change: complex


@dataclass(frozen=True)
class Drift:
    """Relative change of the impedance during the sweep, with standard uncertainty and two-sided p-value."""

    change: float
    stderr: float
    p_value: float


def find_steps(found: ElementFit, keep: NDArray[np.bool_]) -> tuple[Step, ...]:
    """Return the few steps that explain the residuals, none when chance or a smooth misfit explains them as well.

    Steps are added one by one where they explain most, as long as each is beyond chance. They are taken when they are
    better by the Akaike criterion than an imaginary part that does not belong to the real part, than an impedance that
    changes gradually along the sweep, and than both. A step counts for three parameters: modulus, phase and place.

    Parameters
    ----------
    found : ElementFit
        Of the points in `keep`, shape (N,), of the spectrum.
    """
    from scipy.special import fdtrc

    n, all_freedom = found.residual.size, found.degrees_of_freedom
    first = np.arange(_CLEAR, n - _CLEAR + 1)
    below = (np.arange(n)[:, None] >= first) * found.scaled[:, None]
    gain, phase, left = _beyond(found, below), _beyond(found, 1j * below), -parts(found.residual)
    columns, places = np.empty((left.size, 0)), list[int]()
    rest, lowest = found.chi_square, _smooth_criterion(found) - _BETTER_BY
    taken: tuple[Step, ...] = ()
    for number in range(1, _MOST_STEPS + 1):
        basis, _ = np.linalg.qr(columns)
        beyond = [part - basis @ (basis.T @ part) for part in (gain, phase)]
        best, explained = _best(beyond[0], beyond[1], left)
        rest, freedom = rest - explained, all_freedom - 2 * number
        if freedom < 1 or first.size * fdtrc(2, freedom, 0.5 * explained * freedom / max(rest, 1e-300)) > _STEP_P:
            break
        places.append(best)
        columns = np.concatenate([columns, gain[:, [best]], phase[:, [best]]], axis=1)
        if (criterion := _akaike(rest, 3 * number, all_freedom)) < lowest:
            lowest = criterion
            sizes = np.linalg.lstsq(columns, left)[0].reshape(-1, 2) @ (1.0, 1j)
            pairs = zip(np.flatnonzero(keep)[first[places]], sizes, strict=True)
            taken = tuple(Step(int(place), complex(size)) for place, size in sorted(pairs, key=lambda pair: pair[0]))
    return taken if all(abs(step.change) >= _LEAST_STEP for step in taken) else ()


def _akaike(chi_square: float, count: int, freedom: int) -> float:
    """Return the criterion for `count` further parameters."""
    return freedom * math.log(max(chi_square, 1e-300)) + 2.0 * count


def _smooth_criterion(found: ElementFit) -> float:
    """Return the lowest criterion of the smooth misfits."""
    along = np.linspace(-1.0, 1.0, found.residual.size)
    elapsed = np.cumsum(1.0 / found.frequency)
    shapes = np.column_stack([along, along**2, along**3, elapsed / elapsed[-1]])
    gradual, _ = np.linalg.qr(_beyond(found, shapes * found.scaled[:, None]))
    both, _ = np.linalg.qr(np.concatenate([found.apart, gradual], axis=1))
    left = parts(found.residual)
    smooth = (found.apart, gradual, both)
    return min(
        _akaike(float(np.sum((left - basis @ (basis.T @ left)) ** 2)), basis.shape[1], found.degrees_of_freedom)
        for basis in smooth
    )


def _best(gain: Floats, phase: Floats, left: Floats) -> tuple[int, float]:
    """Return which pair of columns, (2 n, K) each, explains most of `left`, shape (2 n,), and how much."""
    gg, pp, gp = np.sum(gain**2, axis=0), np.sum(phase**2, axis=0), np.sum(gain * phase, axis=0)
    along_gain, along_phase = left @ gain, left @ phase
    determinant = gg * pp - gp**2
    usable = determinant > 1e-9 * gg.max() * pp.max()
    explained = pp * along_gain**2 - 2.0 * gp * along_gain * along_phase + gg * along_phase**2
    explained = np.where(usable, explained / np.where(usable, determinant, 1.0), 0.0)
    best = int(np.argmax(explained))
    return best, float(explained[best])


def estimate_drift(found: ElementFit, frequency: Floats, keep: NDArray[np.bool_]) -> Drift:
    """Estimate a change of the impedance in proportion to time, when each point takes as long as its period wants.

    The sweep is taken to run from high to low frequency. A dwell that does not follow the period, or elements that do
    not take part in the change, make the estimate smaller than the change of those that do.

    Parameters
    ----------
    found : ElementFit
        Of the points in `keep`, shape (N,).
    frequency : ndarray, shape (N,)
        Of all points, in Hz, from the highest.
    """
    from scipy.special import stdtr

    elapsed = np.cumsum(1.0 / frequency)
    column = _beyond(found, ((elapsed / elapsed[-1])[keep] * found.scaled)[:, None])[:, 0]
    left, square = -parts(found.residual), float(column @ column)
    freedom = found.degrees_of_freedom - 1
    if freedom < 1 or square <= 0.0:
        return Drift(0.0, math.inf, 1.0)
    change = float(left @ column) / square
    stderr = math.sqrt(max(found.chi_square - change**2 * square, 1e-300) / freedom / square)
    return Drift(change, stderr, 2.0 * float(stdtr(freedom, -abs(change) / stderr)))


def _beyond(found: ElementFit, columns: Complexes) -> Floats:
    """Return columns (n, K) as real ones (2 n, K), less what the elements can follow."""
    real = parts(columns)
    return np.asarray(real - found.basis @ (found.basis.T @ real))
