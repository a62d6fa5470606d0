"""Peaks of a distribution of relaxation times: which can be told apart, how large each is, and how well that is known.

Ridge regression of a depressed arc leaves ripples beside the peak. A local maximum is a peak of its own only when the
valley to its neighbour is deep and it is not a small companion of a larger one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..circuits import Floats

DEEP = 0.5
"""Height of a valley over the smaller of its peaks, below which the two are told apart."""

SMALL = 0.12
"""Area of a companion over its larger neighbour, below which it is taken for a ripple."""

NEAR = 2.0
"""Decades within which a companion may be a ripple; the foot of an arc with n = 0.8 reaches that far."""

_TOLD = 3.0  # standard uncertainties above which a peak is reported
_KNOWN = 1.5  # the same with regularisation and overlap, which shift resistance between neighbours
_ABOVE_ELECTRODE = 1.0  # area over the modulus of the electrode at the peak's frequency


@dataclass(frozen=True)
class Peak:
    """One peak: area in ohm, centroid in s, and standard uncertainties by source, in ohm and of ln(tau)."""

    resistance: float
    time_constant: float
    resistance_budget: Mapping[str, float]
    ln_tau_budget: Mapping[str, float]


@dataclass(frozen=True)
class _Piece:
    """A stretch of the grid, `start` to `stop` (excluded), with its maximum at `top`, area and centroid of ln(tau)."""

    top: int
    start: int
    stop: int
    area: float
    centre: float


def find_peaks(
    tau: Floats, gamma: Floats, covariance: Floats, smoother: Floats, floor: Floats, electrode: Floats
) -> list[Peak]:
    """Return the peaks, from the fastest.

    Left out are maxima at the ends of the grid, areas below three standard uncertainties of the noise, and what the
    electrode outweighs at its own frequency. A peak that is not known to one and a half standard uncertainties because
    it overlaps is joined with its neighbour.

    Parameters
    ----------
    tau : ndarray, shape (K,)
        Time constants in s, evenly spaced in the logarithm.
    gamma, smoother : ndarray, shape (K,)
        Distribution in ohm, and the same with a larger penalty: what changes rests on the choice of the penalty.
    covariance : ndarray, shape (K, K)
        Of `gamma`, in ohm2.
    floor : ndarray, shape (K,)
        Smallest area in ohm that the noise lets tell (one standard deviation).
    electrode : ndarray, shape (K,)
        Modulus of blocking electrode or diffusion at 1/tau, in ohm.
    """
    ln_tau = np.log(tau)
    step = float(ln_tau[1] - ln_tau[0])
    pieces = _merged(_pieces(ln_tau, gamma, step), ln_tau, gamma, step)
    while True:
        inside = [
            piece.top not in (0, tau.size - 1) and piece.area >= _ABOVE_ELECTRODE * electrode[piece.top]
            for piece in pieces
        ]
        peaks = [
            _peak(pieces, inside, place, ln_tau, gamma, covariance, smoother, floor) for place in range(len(pieces))
        ]
        vague = [
            place
            for place, peak in enumerate(peaks)
            if inside[place] and _TOLD * peak.resistance_budget["noise"] <= peak.resistance < _KNOWN * _stderr(peak)
        ]
        pairs = ((place, _closest(pieces, inside, place, gamma)) for place in vague)
        first = next((min(place, other) for place, other in pairs if other is not None), None)
        if first is None:
            break
        pieces[first : first + 2] = [_joined(pieces[first], pieces[first + 1], ln_tau, gamma, step)]
    return [
        peak
        for place, peak in enumerate(peaks)
        if inside[place] and place not in vague and peak.resistance >= _TOLD * peak.resistance_budget["noise"]
    ]


def rough_peaks(tau: Floats, gamma: Floats, least: Floats, electrode: Floats) -> list[tuple[float, float]]:
    """Return resistance in ohm and time constant in s of what `find_peaks` would look at, from the fastest.

    Parameters
    ----------
    tau, gamma, electrode
        As for `find_peaks`.
    least : ndarray, shape (K,)
        Smallest area in ohm that is a peak.
    """
    ln_tau = np.log(tau)
    step = float(ln_tau[1] - ln_tau[0])
    return [
        (piece.area, math.exp(piece.centre))
        for piece in _merged(_pieces(ln_tau, gamma, step), ln_tau, gamma, step)
        if piece.top not in (0, tau.size - 1)
        and piece.area >= max(_ABOVE_ELECTRODE * electrode[piece.top], least[piece.top])
    ]


def _stderr(peak: Peak) -> float:
    return math.hypot(*peak.resistance_budget.values())


def _closest(pieces: list[_Piece], inside: list[bool], place: int, gamma: Floats) -> int | None:
    """Return the neighbour with the higher valley, among those that are peaks of the sample; None without one."""
    beside = [other for other in (place - 1, place + 1) if 0 <= other < len(pieces) and inside[other]]
    return max(beside, key=lambda other: float(gamma[pieces[max(other, place)].start])) if beside else None


def _peak(
    pieces: list[_Piece],
    inside: list[bool],
    place: int,
    ln_tau: Floats,
    gamma: Floats,
    covariance: Floats,
    smoother: Floats,
    floor: Floats,
) -> Peak:
    """Return size, place and uncertainties of a piece."""
    piece, step = pieces[place], float(ln_tau[1] - ln_tau[0])
    weight = np.zeros(ln_tau.size)
    weight[piece.start : piece.stop] = step
    lever = weight * (ln_tau - piece.centre) / piece.area
    smooth_area = float(weight @ smoother)
    shift = float(weight @ (smoother * ln_tau)) / smooth_area - piece.centre if smooth_area > 0 else 0.0
    beside = [other for other in (place - 1, place + 1) if 0 <= other < len(pieces)]
    shared = [_between(piece, pieces[other], gamma, step, inside[other]) for other in beside]
    away = [0.5 * abs(pieces[other].centre - piece.centre) / piece.area for other in beside]
    return Peak(
        resistance=piece.area,
        time_constant=math.exp(piece.centre),
        resistance_budget={
            "noise": math.hypot(math.sqrt(max(float(weight @ covariance @ weight), 0.0)), float(floor[piece.top])),
            "regularisation": abs(smooth_area - piece.area),
            "overlap": math.hypot(*shared),
        },
        ln_tau_budget={
            "noise": math.hypot(math.sqrt(max(float(lever @ covariance @ lever), 0.0)), step / math.sqrt(12.0)),
            "regularisation": abs(shift),
            "overlap": math.hypot(*(area * distance for area, distance in zip(shared, away, strict=True))),
        },
    )


def _pieces(ln_tau: Floats, gamma: Floats, step: float) -> list[_Piece]:
    """Return the stretches between the valleys, those at the ends of the grid included."""
    padded = np.concatenate([[-1.0], gamma, [-1.0]])
    tops = np.flatnonzero((gamma > padded[:-2]) & (gamma >= padded[2:]) & (gamma > 0))
    valleys = [int(a + np.argmin(gamma[a:b])) for a, b in pairwise(tops)]
    limits = [0, *valleys, gamma.size]
    return [_piece(int(top), limits[i], limits[i + 1], ln_tau, gamma, step) for i, top in enumerate(tops)]


def _piece(top: int, start: int, stop: int, ln_tau: Floats, gamma: Floats, step: float) -> _Piece:
    total = float(gamma[start:stop].sum())
    return _Piece(top, start, stop, step * total, float(gamma[start:stop] @ ln_tau[start:stop]) / total)


def _merged(pieces: list[_Piece], ln_tau: Floats, gamma: Floats, step: float) -> list[_Piece]:
    """Return the pieces with what cannot be told apart joined, the most alike first."""
    pieces = list(pieces)
    while len(pieces) > 1:
        likeness = [_likeness(a, b, gamma) for a, b in pairwise(pieces)]
        place = int(np.argmax(likeness))
        if likeness[place] < 1.0:
            break
        pieces[place : place + 2] = [_joined(pieces[place], pieces[place + 1], ln_tau, gamma, step)]
    return pieces


def _joined(a: _Piece, b: _Piece, ln_tau: Floats, gamma: Floats, step: float) -> _Piece:
    """Return two neighbours as one, with the top of the larger."""
    return _piece(max(a, b, key=lambda piece: piece.area).top, a.start, b.stop, ln_tau, gamma, step)


def _likeness(a: _Piece, b: _Piece, gamma: Floats) -> float:
    """Return how far two neighbours are from being told apart; 1 and above they are not."""
    small, large = sorted((a, b), key=lambda piece: piece.area)
    valley = float(gamma[b.start] / gamma[small.top]) / DEEP
    is_near = b.centre - a.centre < NEAR * math.log(10.0)
    return max(valley, SMALL * large.area / small.area if is_near else 0.0)


def _between(piece: _Piece, other: _Piece, gamma: Floats, step: float, other_is_inside: bool) -> float:
    """Return the standard uncertainty by which two neighbours may share: the area in the middle third between tops.

    All or none of it may belong to either, a rectangular distribution. Towards an electrode, whose side rises without
    a top, the middle third is counted at the height of the valley.
    """
    first, last = sorted((piece.top, other.top))
    third = (last - first) // 3
    area = step * float(gamma[first + third : last - third].sum())
    if not other_is_inside:
        area = min(area, step * third * float(gamma[max(piece.start, other.start)]))
    return area / math.sqrt(3.0)
