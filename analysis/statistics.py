"""Small statistics that several analyses share: coverage factors, intervals, runs test, weighted median."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

ONE_SIDED_95 = 1.6448536269514722
"""95 % quantile of the standard normal distribution, for limits."""

LOGNORMAL_ABOVE = 0.1
"""Relative standard uncertainty above which intervals of positive quantities are log-normal instead of normal."""


def coverage_factor(degrees_of_freedom: float) -> float:
    """Return the factor from standard uncertainty to the half width of a two-sided 95 % interval (Student's t).

    Examples
    --------
    >>> round(coverage_factor(10), 3), round(coverage_factor(1e9), 2)
    (2.228, 1.96)
    """
    from scipy.special import stdtrit

    return float(stdtrit(min(degrees_of_freedom, 1e9), 0.975))


def effective_degrees_of_freedom(sources: Iterable[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a combined uncertainty by the Welch-Satterthwaite formula.

    Parameters
    ----------
    sources : iterable of (float, float)
        Standard uncertainty and degrees of freedom of each; those of facts known beforehand are ``math.inf``.

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), annex G.4. https://doi.org/10.59161/JCGM100-2008E

    Examples
    --------
    >>> effective_degrees_of_freedom([(1.0, 8.0), (1.0, math.inf)])
    32.0
    """
    sources = tuple(sources)
    total = sum(stderr**2 for stderr, _ in sources)
    weight = sum(stderr**4 / degrees for stderr, degrees in sources)
    return total**2 / weight if weight > 0 else math.inf


def positive_interval(value: float, relative: float, factor: float) -> tuple[float, float]:
    """Return the 95 % interval of a positive quantity, log-normal above 10 % relative uncertainty.

    Parameters
    ----------
    value : float
        Above zero.
    relative : float
        Relative standard uncertainty, the standard uncertainty of the logarithm.
    factor : float
        From `coverage_factor`.
    """
    if relative <= LOGNORMAL_ABOVE:
        return value * (1.0 - factor * relative), value * (1.0 + factor * relative)
    return value * math.exp(-factor * relative), value * math.exp(factor * relative)


def runs_p_value(*series: ArrayLike) -> float:
    """Return the probability of so few changes of sign in series of residuals if they were random.

    Wald-Wolfowitz test, one-sided: systematic misfit makes long runs of one sign. The counts of the series are added.

    Parameters
    ----------
    *series : array-like, shape (n,)
        Residuals in the order of the independent variable.

    Returns
    -------
    float
        Below 0.01 the model or the data have a trend that the noise does not explain; 1 when nothing can be said.

    References
    ----------
    .. [1] Wald, Wolfowitz, Ann. Math. Statist. 11 (1940) 147. https://doi.org/10.1214/aoms/1177731909

    Examples
    --------
    >>> runs_p_value([1, -1] * 10) > 0.99, runs_p_value([1] * 10 + [-1] * 10) < 1e-4
    (True, True)
    """
    runs = expected = variance = 0.0
    for values in series:
        positive = np.asarray(values) > 0
        n, above = positive.size, int(positive.sum())
        below = n - above
        if n < 2:
            continue
        if above * below == 0:  # one sign throughout
            return 0.5 ** (n - 1)
        pairs = 2.0 * above * below
        runs += 1 + np.count_nonzero(positive[1:] != positive[:-1])
        expected += pairs / n + 1.0
        variance += pairs * (pairs - n) / (n**2 * (n - 1.0))
    if variance <= 0:
        return 1.0
    return 0.5 * math.erfc(-(runs - expected) / math.sqrt(2.0 * variance))


def weighted_median(values: ArrayLike, weights: ArrayLike) -> float:
    """Return the value below which half of the weight lies.

    Examples
    --------
    >>> weighted_median([1.0, 2.0, 50.0], [1.0, 3.0, 1.0])
    2.0
    """
    values, weights = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, 0.5 * cumulative[-1])])
