"""Whether points scatter about a line as their uncertainties say, and which of two lines describes them better."""

from __future__ import annotations

import math
from dataclasses import dataclass

_NOTED = 0.1
_STUDENT = 0.25
_OVERSTATED = 0.01


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """What is left between points and a line.

    Parameters
    ----------
    chi_square : float
        Sum of squared residuals over their variances, which are 1 for an unweighted line.
    n_points, n_parameters : int
        More points than parameters.
    weighted : bool
        Whether the points state their uncertainties.
    """

    chi_square: float
    n_points: int
    n_parameters: int
    weighted: bool

    @property
    def residual_degrees(self) -> int:
        """Points less parameters."""
        return self.n_points - self.n_parameters

    @property
    def reduced_chi_square(self) -> float:
        """Chi-square over the points less the parameters."""
        return self.chi_square / self.residual_degrees

    @property
    def variance_factor(self) -> float:
        """Factor by which scatter enlarges the variances; never below 1 where uncertainties are stated."""
        return max(1.0, self.reduced_chi_square) if self.weighted else self.reduced_chi_square

    @property
    def contradicted(self) -> bool:
        """Whether so large a scatter has a probability below 10 % if the stated uncertainties are right."""
        return self.weighted and self._probability_of_more() < _NOTED

    @property
    def overstated(self) -> bool:
        """Whether so small a scatter has a probability below 1 % if the stated uncertainties are independent."""
        return self.weighted and 1.0 - self._probability_of_more() < _OVERSTATED

    @property
    def degrees_of_freedom(self) -> float:
        """Those of the variances: infinite while the stated uncertainties stand, else those of the scatter.

        They fall where so large a scatter has a probability below 25 %. Judged more leniently, uncertainties stated at
        half of what they are would pass too often; judged more strictly, right ones would be enlarged too often. So
        95 % intervals of lines through five or more points hold the truth in 93 to 97 % either way.
        """
        if self.weighted and self._probability_of_more() >= _STUDENT:
            return math.inf
        return float(self.residual_degrees)

    def _probability_of_more(self) -> float:
        from scipy.special import gammaincc

        return float(gammaincc(self.residual_degrees / 2.0, self.chi_square / 2.0))


def scatter_notes(scatter: Scatter) -> tuple[str, ...]:
    """Return what the reader must know of scatter and weights."""
    if not scatter.weighted:
        return ("no point states an uncertainty of its own: equal weights, and uncertainties from the scatter",)
    if scatter.contradicted:
        return (
            f"the points scatter {math.sqrt(scatter.reduced_chi_square):.2g} times more than their uncertainties "
            "allow; the uncertainties are enlarged by that, but the cause is not known",
        )
    if scatter.overstated:
        return (
            "the points scatter far less than their uncertainties allow (1 in 100): a part of these is probably the "
            "same for all, and is to be stated as shared",
        )
    return ()


def aicc_gain(plain: Scatter, rich: Scatter, floor: float) -> float | None:
    """Return by how much AICc falls from a plain to a richer line through the same points; None for too few points.

    Stated uncertainties enter as known up to the factor that the richer line itself leaves (QAICc); otherwise the
    scatter stands for them and counts as one more parameter.

    Parameters
    ----------
    plain, rich : Scatter
        With the same weights.
    floor : float
        Sum of squares that rounding leaves of points without scatter, so that two perfect lines are equal.

    References
    ----------
    .. [1] Burnham, Anderson, Sociol. Methods Res. 33 (2004) 261. https://doi.org/10.1177/0049124104268644
    """
    n, own = plain.n_points, 0 if plain.weighted else 1
    if n - rich.n_parameters - own <= 1:
        return None
    penalty = _penalty(plain.n_parameters + own, n) - _penalty(rich.n_parameters + own, n)
    if plain.weighted:
        return (plain.chi_square - rich.chi_square) / max(1.0, rich.reduced_chi_square) + penalty
    return n * math.log((plain.chi_square + floor) / (rich.chi_square + floor)) + penalty


def _penalty(n_parameters: int, n_points: int) -> float:
    """Return the part of AICc that counts parameters."""
    return 2.0 * n_parameters + 2.0 * n_parameters * (n_parameters + 1) / (n_points - n_parameters - 1)
