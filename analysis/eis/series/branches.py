"""Heating and cooling runs of one sample: which point belongs to which, and whether they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import NotAnalysable
from ...quantity import Quantity
from ..circuits import Floats
from .straight_line import line_chi_square, rounding
from .temperature_series import TemperatureSeries, kelvin

BRANCH_NEEDS = 3
"""Points that a branch must have for a line with an uncertainty of its own."""
DIFFER_BELOW = 0.05
"""Probability of so large a difference between like branches, below which they are said to differ."""


def heating_and_cooling(temperatures: Sequence[Quantity]) -> tuple[str, ...]:
    """Return the branch of each temperature of a series in the order of measurement.

    The point at a turn belongs to the run that leads to it, and the first point to the run that starts there.

    Parameters
    ----------
    temperatures : sequence of Quantity
        In degC or K, as they were measured one after the other.

    Returns
    -------
    tuple of str
        ``"heating"`` or ``"cooling"``; from the second run of a kind on with its number, ``"heating_2"``. For the
        `branches` of `arrhenius`.

    Raises
    ------
    NotAnalysable
        With fewer than two different temperatures.

    Examples
    --------
    >>> heating_and_cooling([Quantity("temperature", t, 0.5, "degC") for t in (30.0, 60.0, 90.0, 75.0, 45.0)])
    ('heating', 'heating', 'heating', 'cooling', 'cooling')
    """
    steps = np.sign(np.diff([kelvin(temperature)[0] for temperature in temperatures]))
    moving = steps[steps != 0]
    if moving.size == 0:
        raise NotAnalysable("the temperature does not change, so there is neither heating nor cooling")
    direction, labels, runs = moving[0], [], {"heating": 0, "cooling": 0}
    runs[_kind(direction)] = 1
    for step in (direction, *steps):
        if step not in (0, direction):
            direction = step
            runs[_kind(direction)] += 1
        kind = _kind(direction)
        labels.append(kind if runs[kind] == 1 else f"{kind}_{runs[kind]}")
    return tuple(labels)


def _kind(direction: float) -> str:
    return "heating" if direction > 0 else "cooling"


@dataclass(frozen=True)
class Comparison:
    """The branches of a series, and the probability of so large a difference if they were alike."""

    branches: dict[str, TemperatureSeries]
    p_value: float

    @property
    def differ(self) -> bool:
        """Whether each branch needs a line of its own."""
        return self.p_value < DIFFER_BELOW


def compare(series: TemperatureSeries, branches: Sequence[str], slope: float) -> Comparison:
    """Compare one line through all points with a line for each branch (F test).

    Where the points scatter about lines of their own no more than they state, the stated uncertainties stand and the
    test is that of chi-square.

    Parameters
    ----------
    series : TemperatureSeries
        All points.
    branches : sequence of str
        The branch of each point.
    slope : float
        Of the line through all, in K.

    Raises
    ------
    NotAnalysable
        With another number of labels than points, one branch only, or fewer than three points in one.
    """
    from scipy.special import chdtrc, fdtrc

    labels = np.array(branches)
    if labels.size != series.temperature.size:
        raise NotAnalysable(f"found {labels.size} branches for {series.temperature.size} conductivities")
    parts = {str(name): series.chosen(labels == name) for name in dict.fromkeys(branches)}
    if len(parts) < 2:
        raise NotAnalysable(f"found the one branch {branches[0]!r}; leave the branches out, or state two or more")
    for name, part in parts.items():
        if np.unique(part.temperature).size < BRANCH_NEEDS:
            raise NotAnalysable(
                f"the branch {name!r} has {np.unique(part.temperature).size} temperatures; expected at least "
                f"{BRANCH_NEEDS} for a line of its own"
            )
    one = _chi_square(series, slope)
    several = sum(_chi_square(part, slope) for part in parts.values())
    more, left = 2 * (len(parts) - 1), labels.size - 2 * len(parts)
    scale = (several if series.weighted else several + rounding(series.y)) / left
    if series.weighted and scale <= 1.0:
        return Comparison(parts, float(chdtrc(more, max(one - several, 0.0))))
    return Comparison(parts, float(fdtrc(more, left, max(one - several, 0.0) / more / scale)))


def _chi_square(series: TemperatureSeries, slope: float) -> float:
    spread: Floats = series.residual_spread(slope)
    return line_chi_square(series.x, series.y, spread)
