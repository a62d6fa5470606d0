"""Whether a fade has a knee, and between which cycles it lies."""

from __future__ import annotations

import math

import numpy as np

from ..record.intervals import Floats
from .laws import BESIDE_KNEE, PARAMETERS, SMOOTH, Fit, aicc, fit_law, rss_at_knee

FALSE_KNEE = 0.03
"""Level of the test; the law under the null is itself estimated, so it lies below the 5 % of false knees promised."""

_UNDER_NULL = 300
_REPLICATES = 500
_TRIED = 600


def scatter_of(fit: Fit, points: int) -> float:
    """Return the standard deviation about the law of the first series, from its residuals."""
    return math.sqrt(float(fit.rss[0]) / (points - PARAMETERS[fit.law]))


def knee_p_value(x: Floats, null: Fit, gain: float, seed: int) -> float:
    """Return how often simulated fades without knee gain as much by one.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Cycles after the reference.
    null : Fit
        The best law without knee.
    gain : float
        By how much the AICc of the law with knee is lower than that of `null`.
    seed : int
        Of the simulation.
    """
    random = np.random.default_rng(seed)
    y = null.at(x) + scatter_of(null, x.size) * random.standard_normal((x.size, _UNDER_NULL))
    smooth = np.min([aicc(fit_law(law, x, y), y) for law in SMOOTH], axis=0)
    gains = smooth - aicc(fit_law("knee", x, y), y)
    return float(1 + np.count_nonzero(gains >= gain)) / (1 + _UNDER_NULL)


def knee_interval(x: Floats, y: Floats, fit: Fit, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the knee, in cycles after the reference.

    It holds all knees whose sum of squares is not worse than that of the true knee is in 95 % of simulated fades: a
    likelihood interval of which the bootstrap sets the level, for between two cycles no one shape of a normal
    distribution holds.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Cycles after the reference and capacities.
    fit : Fit
        The law with knee, of one series.
    seed : int
        Of the simulation.
    """
    random = np.random.default_rng(seed)
    degrees = x.size - PARAMETERS["knee"]
    drawn = fit.at(x) + scatter_of(fit, x.size) * random.standard_normal((x.size, _REPLICATES))
    refitted = fit_law("knee", x, drawn)
    excess = rss_at_knee(x, drawn, np.full(_REPLICATES, fit.shape[0])) / refitted.rss - 1.0
    level = float(np.quantile(excess, 0.95, method="higher")) * degrees * scatter_of(fit, x.size) ** 2
    knees = np.linspace(x[BESIDE_KNEE - 1], x[-BESIDE_KNEE], _TRIED)
    profile = rss_at_knee(x, np.repeat(y[:, None], _TRIED, axis=1), knees)
    limit = float(fit.rss[0]) + level
    inside = np.flatnonzero(profile <= limit)
    first, last = (int(inside[0]), int(inside[-1])) if inside.size else (int(np.argmin(profile)),) * 2
    return _crossing(knees, profile, limit, first, first - 1), _crossing(knees, profile, limit, last, last + 1)


def _crossing(knees: Floats, profile: Floats, limit: float, inside: int, outside: int) -> float:
    """Return where the profile crosses the limit between two neighbours, or the end of the range."""
    if not 0 <= outside < knees.size:
        return float(knees[inside])
    rise = profile[outside] - profile[inside]
    share = float(np.clip((limit - profile[inside]) / rise, 0.0, 1.0)) if rise > 0 else 1.0
    return float(knees[inside] + share * (knees[outside] - knees[inside]))
