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


def heating_and_cooling(temperatures: Sequence[Quantity], *, least_step: float = 0.0) -> tuple[str, ...]:
    """Return the branch of each temperature of a series in the order of measurement.

    The point at a turn belongs to the run that leads to it, and the first point to the run that starts there.

    Parameters
    ----------
    temperatures : sequence of Quantity
        In degC or K, as they were measured one after the other.
    least_step : float
        Change in K up to which a temperature counts as held, so that the wander of a thermostat is no turn.

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
    values = np.array([kelvin(temperature)[0] for temperature in temperatures])
    turns = _turns(values, least_step)
    if not turns:
        raise NotAnalysable("the temperature does not change, so there is neither heating nor cooling")
    labels, runs = [], {"heating": 0, "cooling": 0}
    for direction, length in turns:
        kind = _kind(direction)
        runs[kind] += 1
        labels += [kind if runs[kind] == 1 else f"{kind}_{runs[kind]}"] * length
    return tuple(labels)


def _turns(values: Floats, least_step: float) -> list[tuple[float, int]]:
    """Return direction and number of points of each run; it turns where the way back exceeds the least step."""
    away = np.abs(values - values[0]) > least_step
    if not away.any():
        return []
    direction = float(np.sign(values[int(np.argmax(away))] - values[0]))
    runs, begin, extreme = [], 0, 0
    for place, value in enumerate(values):
        forward = direction * (value - values[extreme])
        if forward >= 0:
            extreme = place
        elif -forward > least_step:
            runs.append((direction, extreme + 1 - begin))
            direction, begin, extreme = -direction, extreme + 1, place
    return [*runs, (direction, values.size - begin)]


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
