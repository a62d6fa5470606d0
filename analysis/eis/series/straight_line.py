"""Straight lines through points that are uncertain in both coordinates, and whether a broken line is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import NotAnalysable
from ..circuits import Floats
from .scatter import Scatter, aicc_gain

_ITERATIONS = 200
_BREAKS = 41
BREAK_NEEDS = 7
"""Points below which two branches cannot be told from one: each has three, and the break takes one more."""


@dataclass(frozen=True, kw_only=True)
class StraightLine(Scatter):
    """A fitted line, by its slope and its level at the centre of the points, which are not correlated.

    Parameters
    ----------
    slope, centre, level : float
        The line is ``level + slope (x - centre)``.
    slope_variance, level_variance : float
        As the stated uncertainties have it; multiply with `variance_factor`.
    """

    slope: float
    centre: float
    level: float
    slope_variance: float
    level_variance: float

    def value(self, x: float) -> float:
        """Return the line at `x`."""
        return self.level + self.slope * (x - self.centre)

    def spread(self, x: float) -> float:
        """Return the standard uncertainty of the line at `x`, from the full covariance of slope and level."""
        return math.sqrt(self.variance_factor * (self.level_variance + (x - self.centre) ** 2 * self.slope_variance))

    @property
    def slope_spread(self) -> float:
        """Standard uncertainty of the slope."""
        return math.sqrt(self.variance_factor * self.slope_variance)


def straight_line(
    x: Floats, y: Floats, x_spread: Floats, y_spread: Floats, covariance: Floats | None = None
) -> StraightLine:
    """Fit a line to points with errors in both coordinates.

    Parameters
    ----------
    x, y : array, shape (n,)
        The points.
    x_spread, y_spread : array, shape (n,)
        Standard uncertainties; where all of `y_spread` are zero the line is unweighted and its variances come from the
        scatter, which holds the errors of x too.
    covariance : array, shape (n,), optional
        Of the errors of x and y of one point; none when left out.

    Raises
    ------
    NotAnalysable
        With fewer than three points, one x throughout, or only some uncertainties stated.

    References
    ----------
    .. [1] York, Evensen, Lopez Martinez, De Basabe Delgado, Am. J. Phys. 72 (2004) 367.
       https://doi.org/10.1119/1.1632486
    """
    if x.size < 3:
        raise NotAnalysable(f"found {x.size} points; expected at least 3 for a straight line with an uncertainty")
    if np.ptp(x) <= 1e-9 * np.max(np.abs(x)):
        raise NotAnalysable("all points lie at one place; a line needs at least two")
    weighted = bool(np.any(y_spread > 0))
    if weighted and not np.all(y_spread > 0):
        raise NotAnalysable(
            f"{np.count_nonzero(y_spread == 0)} of {x.size} points have no uncertainty of their own; state that of all "
            "or of none"
        )
    var_x, var_y = x_spread**2 if weighted else np.zeros_like(x), y_spread**2 if weighted else np.ones_like(y)
    covariance = np.zeros_like(x) if covariance is None or not weighted else covariance
    slope = float(np.polyfit(x - x.mean(), y, 1)[0])
    natural = np.ptp(y) / np.ptp(x)
    for _ in range(_ITERATIONS):
        weight = 1.0 / (var_y + slope**2 * var_x - 2.0 * slope * covariance)
        x_mean, y_mean = float(np.average(x, weights=weight)), float(np.average(y, weights=weight))
        dx, dy = x - x_mean, y - y_mean
        step = weight * (dx * var_y + slope * dy * var_x - (slope * dx + dy) * covariance)
        previous, slope = slope, float((weight * step) @ dy / ((weight * step) @ dx))
        if abs(slope - previous) <= 1e-12 * (abs(slope) + natural):
            break
    else:
        raise NotAnalysable("the slope does not settle: the uncertainties are larger than the range of the points")
    adjusted = x_mean + step
    centre = float(np.average(adjusted, weights=weight))
    return StraightLine(
        slope=slope,
        centre=centre,
        level=y_mean + slope * (centre - x_mean),
        slope_variance=float(1.0 / (weight @ (adjusted - centre) ** 2)),
        level_variance=float(1.0 / weight.sum()),
        chi_square=float(weight @ (dy - slope * dx) ** 2),
        n_points=x.size,
        n_parameters=2,
        weighted=weighted,
    )


@dataclass(frozen=True)
class BrokenLine:
    """Two branches that meet at a break, against one line."""

    place: float
    slopes: tuple[float, float]
    gain: float
    """By how much AICc falls from one line to two branches."""


def broken_line(x: Floats, y: Floats, spread: Floats) -> BrokenLine | None:
    """Return the best continuous line of two branches with at least three points each; None for too few points.

    `spread` are the standard uncertainties of the residuals, all zero where none are stated.
    """
    n = x.size
    if n < BREAK_NEEDS:
        return None
    weighted, ordered = bool(np.all(spread > 0)), np.sort(x)
    one = line_chi_square(x, y, spread)
    trials = []
    for place in np.linspace(ordered[2], ordered[-3], _BREAKS):
        chi_square, solution = _least_squares((np.minimum(x - place, 0.0), np.maximum(x - place, 0.0)), y, spread)
        trials.append((chi_square, float(place), (float(solution[1]), float(solution[2]))))
    two, place, slopes = min(trials)
    plain = Scatter(chi_square=one, n_points=n, n_parameters=2, weighted=weighted)
    rich = Scatter(chi_square=two, n_points=n, n_parameters=4, weighted=weighted)
    gain = aicc_gain(plain, rich, rounding(y))
    return None if gain is None else BrokenLine(place, slopes, gain)


def line_chi_square(x: Floats, y: Floats, spread: Floats) -> float:
    """Return chi-square of the best line for given spreads of the residuals; equal weights where all are zero."""
    return _least_squares((x - x.mean(),), y, spread)[0]


def _least_squares(columns: Sequence[Floats], y: Floats, spread: Floats) -> tuple[float, Floats]:
    """Return chi-square and coefficients, that of the level first."""
    root_weight = 1.0 / spread if np.all(spread > 0) else np.ones_like(y)
    design = np.stack([np.ones_like(y), *columns], axis=1) * root_weight[:, None]
    solution = np.linalg.lstsq(design, y * root_weight, rcond=None)[0]
    return float(np.sum((y * root_weight - design @ solution) ** 2)), np.asarray(solution, dtype=float)


def rounding(y: Floats) -> float:
    """Return the sum of squares that rounding leaves of unweighted points on a line."""
    return float(np.finfo(float).eps * (y @ y))
