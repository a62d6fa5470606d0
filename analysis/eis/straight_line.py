"""Straight lines through points that are uncertain in both coordinates, and whether a broken line is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import NotAnalysable
from .circuit import Floats

_CONTRADICTED = 0.1
_OVERSTATED = 0.01
_ITERATIONS = 200
_BREAKS = 41
BREAK_NEEDS = 7
"""Points below which two branches cannot be told from one: each has three, and the break takes one more."""


@dataclass(frozen=True)
class StraightLine:
    """A fitted line, by its slope and its level at the centre of the points, which are not correlated.

    Parameters
    ----------
    slope, centre, level : float
        The line is ``level + slope (x - centre)``.
    slope_variance, level_variance : float
        As the stated uncertainties have it; multiply with `variance_factor`.
    chi_square : float
        Sum of squared residuals over their variances, which are 1 for an unweighted line.
    n_points : int
        At least 3.
    weighted : bool
        Whether the points state their uncertainties.
    """

    slope: float
    centre: float
    level: float
    slope_variance: float
    level_variance: float
    chi_square: float
    n_points: int
    weighted: bool

    @property
    def reduced_chi_square(self) -> float:
        """Chi-square over the points less two."""
        return self.chi_square / (self.n_points - 2)

    @property
    def variance_factor(self) -> float:
        """Factor by which scatter enlarges the variances; never below 1 where uncertainties are stated."""
        return max(1.0, self.reduced_chi_square) if self.weighted else self.reduced_chi_square

    @property
    def contradicted(self) -> bool:
        """Whether so large a scatter has a probability below 10 % if the stated uncertainties are right."""
        from scipy.special import gammaincc

        return self.weighted and float(gammaincc((self.n_points - 2) / 2.0, self.chi_square / 2.0)) < _CONTRADICTED

    @property
    def overstated(self) -> bool:
        """Whether so small a scatter has a probability below 1 % if the stated uncertainties are independent."""
        from scipy.special import gammainc

        return self.weighted and float(gammainc((self.n_points - 2) / 2.0, self.chi_square / 2.0)) < _OVERSTATED

    @property
    def degrees_of_freedom(self) -> float:
        """Those of the variances: infinite while the stated uncertainties stand, else those of the scatter."""
        return math.inf if self.weighted and not self.contradicted else self.n_points - 2.0

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

    `spread` are the standard uncertainties of the residuals, all zero where none are stated. Stated ones enter AICc as
    known up to the factor that the broken line itself leaves (QAICc); otherwise the scatter stands for them.

    References
    ----------
    .. [1] Burnham, Anderson, Sociol. Methods Res. 33 (2004) 261. https://doi.org/10.1177/0049124104268644
    """
    n = x.size
    if n < BREAK_NEEDS:
        return None
    weighted = bool(np.all(spread > 0))
    root_weight = 1.0 / spread if weighted else np.ones(n)
    ordered = np.sort(x)

    def fit(columns: Sequence[Floats]) -> tuple[float, Floats]:
        design = np.stack(columns, axis=1) * root_weight[:, None]
        solution = np.linalg.lstsq(design, y * root_weight, rcond=None)[0]
        return float(np.sum((y * root_weight - design @ solution) ** 2)), np.asarray(solution, dtype=float)

    one, _ = fit((np.ones(n), x - ordered[0]))
    trials = []
    for place in np.linspace(ordered[2], ordered[-3], _BREAKS):
        chi_square, solution = fit((np.ones(n), np.minimum(x - place, 0.0), np.maximum(x - place, 0.0)))
        trials.append((chi_square, float(place), (float(solution[1]), float(solution[2]))))
    two, place, slopes = min(trials)
    if weighted:
        scale = max(1.0, two / (n - 4))
        gain = (one - two) / scale + _penalty(2, n) - _penalty(4, n)
    else:
        floor = np.finfo(float).eps * float(y @ y)
        gain = n * math.log((one + floor) / (two + floor)) + _penalty(3, n) - _penalty(5, n)
    return BrokenLine(place, slopes, gain)


def _penalty(n_parameters: int, n_points: int) -> float:
    """Return the part of AICc that counts parameters."""
    return 2.0 * n_parameters + 2.0 * n_parameters * (n_parameters + 1) / (n_points - n_parameters - 1)


def line_notes(line: StraightLine) -> tuple[str, ...]:
    """Return what the reader must know of scatter and weights."""
    if not line.weighted:
        return ("no point states an uncertainty of its own: equal weights, and uncertainties from the scatter",)
    if line.contradicted:
        return (
            f"the points scatter {math.sqrt(line.reduced_chi_square):.2g} times more than their uncertainties allow; "
            "the uncertainties are enlarged by that, but the cause is not known",
        )
    if line.overstated:
        return (
            "the points scatter far less than their uncertainties allow (1 in 100): a part of these is probably the "
            "same for all, and is to be stated as shared",
        )
    return ()
