"""A thickness over a resistance that may be nothing: the interval of the ratio, or its lower limit."""

from __future__ import annotations

import math

from ...detection import upper_limit
from ...statistics import ONE_SIDED_95, coverage_factor

RESOLVED = 2.0
"""Standard uncertainties that a resistance must exceed to be a number; Student's factor where that is larger."""


def resolved(denominator: float, spread: float, degrees_of_freedom: float) -> bool:
    """Whether a resistance is told from zero, so that its reciprocal has an upper bound."""
    return denominator > max(RESOLVED, coverage_factor(degrees_of_freedom)) * spread and denominator > 0


def ratio_interval(
    numerator: float, numerator_spread: float, denominator: float, spread: float, factor: float
) -> tuple[float, float]:
    """Return the 95 % interval of a ratio of positive values by Fieller's theorem, which first order misses.

    Parameters
    ----------
    numerator, numerator_spread : float
        With its standard uncertainty, exact when 0.
    denominator, spread : float
        With its standard uncertainty; more than `factor` times that above zero.
    factor : float
        From `coverage_factor`.

    References
    ----------
    .. [1] Fieller, J. R. Stat. Soc. B 16 (1954) 175. https://doi.org/10.1111/j.2517-6161.1954.tb00159.x

    Examples
    --------
    >>> low, high = ratio_interval(1.0, 0.0, 4.0, 1.0, 2.0)
    >>> round(low, 4), round(high, 4)
    (0.1667, 0.5)
    """
    ratio = numerator / denominator
    curvature = 1.0 - (factor * spread / denominator) ** 2
    relative = math.hypot(spread / denominator, math.sqrt(max(curvature, 0.0)) * numerator_spread / numerator)
    half = factor * relative
    return max(ratio * (1.0 - half) / curvature, 0.0), ratio * (1.0 + half) / curvature


def lower_limit(
    numerator: float, numerator_relative: float, denominator: float, spread: float, degrees_of_freedom: float
) -> float:
    """Return the one-sided 95 % lower limit of a ratio whose denominator is not resolved, or even negative.

    With a denominator above zero by a few spreads this is ``numerator / (denominator + 1.645 spread)``; a negative one
    is cut at zero, as no layer has a negative resistance, and the limit stays finite. The uncertainty of the numerator
    and few degrees of freedom widen it on the safe side.
    """
    from scipy.special import stdtrit

    one_sided = float(stdtrit(min(degrees_of_freedom, 1e9), 0.95))
    largest = upper_limit(denominator, spread * one_sided / ONE_SIDED_95)
    return numerator * math.exp(-ONE_SIDED_95 * numerator_relative) / largest
