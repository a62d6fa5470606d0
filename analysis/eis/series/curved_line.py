r"""The law of Vogel, Tammann and Fulcher as a line in 1/T with one parameter of curvature.

.. math:: y = a - \frac{B}{k (T - T_0)} = L - \frac{E x}{1 - q x}, \qquad x = \frac{1}{T} - \frac{1}{T_c}

with :math:`T_0 = q T_c / (T_c + q)` and :math:`B = k E T_c^2 / (T_c + q)^2`. B and T0 of one series are so correlated
that no ellipse describes them. L, E and q at the middle of the data are nearly independent, and for given q the law is
a straight line, so that all intervals follow from a profile of chi-square over q alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import NotAnalysable
from ..circuits import Floats
from .scatter import Scatter, aicc_gain
from .straight_line import rounding
from .temperature_series import BOLTZMANN, TemperatureSeries

_COARSE, _FINE, _ZOOMS = 121, 21, 6
_ITERATIONS = 5
_CLOSEST = 1e-4
CURVE_NEEDS = 4
"""Points for three parameters and what they leave."""


@dataclass(frozen=True)
class Conditional:
    """Lines for given curvatures: arrays of shape (m,), and (m, 2, 2) for the covariance of level and energy."""

    q: Floats
    chi_square: Floats
    level: Floats
    energy: Floats
    covariance: Floats


@dataclass(frozen=True)
class Functional:
    """What is wanted of the law: ``level_part L + energy_part(q) E + offset(q)``, with derivatives by q.

    An `energy_part` of minus infinity stands for the logarithm of nothing, at or below T0.
    """

    level_part: float
    energy_part: Floats
    energy_derivative: Floats
    offset: Floats | float = 0.0
    offset_derivative: Floats | float = 0.0


@dataclass(frozen=True, kw_only=True)
class CurvedLine(Scatter):
    """A fitted law.

    Parameters
    ----------
    series : TemperatureSeries
        What it was fitted to.
    centre : float
        Tc in K.
    level, energy, curvature : float
        L, E in K and q in K.
    bounds : tuple of float
        Curvatures in K at which ln sigma is a line in T, and at which T0 is the lowest temperature.
    covariance : array, shape (3, 3)
        Of level, energy and curvature in first order; multiply with `variance_factor`.
    """

    series: TemperatureSeries
    centre: float
    level: float
    energy: float
    curvature: float
    bounds: tuple[float, float]
    covariance: Floats

    def logarithm(self, temperature: float, q: Floats) -> Functional:
        """Return y at a temperature in K."""
        x = 1.0 / temperature - 1.0 / self.centre
        room = 1.0 - q * x
        inside = np.where(room > 1e-9, room, 1.0)
        return Functional(1.0, np.where(room > 1e-9, -x / inside, -np.inf), -(x**2) / inside**2)

    def intercept(self, q: Floats) -> Functional:
        """Return the logarithm of the prefactor."""
        return Functional(1.0, 1.0 / (self.centre + q), -1.0 / (self.centre + q) ** 2)

    def pseudo_energy(self, q: Floats) -> Functional:
        """Return B in eV."""
        scale = BOLTZMANN * self.centre**2
        return Functional(0.0, scale / (self.centre + q) ** 2, -2.0 * scale / (self.centre + q) ** 3)

    def apparent_energy(self, temperature: float, q: Floats) -> Functional:
        """Return the slope over 1/T at a temperature in K, as an energy in eV."""
        x = 1.0 / temperature - 1.0 / self.centre
        room = 1.0 - q * x
        inside = np.where(room > 1e-9, room, 1.0)
        part = np.where(room > 1e-9, BOLTZMANN / inside**2, np.inf)
        return Functional(0.0, part, 2.0 * BOLTZMANN * x / inside**3)

    def vogel_temperature(self, q: Floats) -> Functional:
        """Return T0 in K."""
        none = np.zeros_like(q)
        place = q * self.centre / (self.centre + q)
        return Functional(0.0, none, none, place, (self.centre / (self.centre + q)) ** 2)

    def value(self, wanted: Functional) -> float:
        """Return the best value of what was asked for at `curvature`."""
        return float(wanted.level_part * self.level + wanted.energy_part * self.energy + wanted.offset)

    def gradient(self, wanted: Functional) -> Floats:
        """Return derivatives by level, energy and curvature."""
        by_curvature = wanted.energy_derivative * self.energy + wanted.offset_derivative
        return np.array([wanted.level_part, float(wanted.energy_part), float(by_curvature)])

    @property
    def gain(self) -> float | None:
        """By how much AICc falls from the straight line of no curvature; None for too few points."""
        chi_square = float(_conditional(self.series, self.centre, np.zeros(1)).chi_square[0])
        plain = Scatter(chi_square=chi_square, n_points=self.n_points, n_parameters=2, weighted=self.weighted)
        return aicc_gain(plain, self, rounding(self.series.y))

    def within(self, factor: float) -> Conditional:
        """Return the lines whose chi-square is above the least by no more than `factor` squared, properly scaled."""
        ceiling = self.chi_square + factor**2 * self.variance_factor + rounding(self.series.y) * (not self.weighted)
        low, high = (self._edge(end, ceiling) for end in self.bounds)
        return _conditional(self.series, self.centre, np.linspace(low, high, _COARSE))

    def bounded(self, q: float) -> bool:
        """Whether a curvature is the end of a profile and not that of what the law allows."""
        return all(abs(q - end) > 1e-6 * (self.bounds[1] - self.bounds[0]) for end in self.bounds)

    def range(self, lines: Conditional, wanted: Functional, factor: float) -> tuple[float, float]:
        """Return least and largest value of what was asked for among `lines`, which are those of `within`."""
        part = np.where(np.isfinite(wanted.energy_part), wanted.energy_part, 0.0)
        level = wanted.level_part
        best = level * lines.level + part * lines.energy + wanted.offset
        variance = (
            level**2 * lines.covariance[:, 0, 0]
            + 2.0 * level * part * lines.covariance[:, 0, 1]
            + part**2 * lines.covariance[:, 1, 1]
        )
        left = np.maximum(factor**2 * self.variance_factor - (lines.chi_square - self.chi_square), 0.0)
        half = np.sqrt(variance * left)
        low = np.where(np.isneginf(wanted.energy_part), -np.inf, best - half)
        high = np.where(np.isposinf(wanted.energy_part), np.inf, best + half)
        reached = ~np.isneginf(wanted.energy_part)
        return float(low.min()), float(high[reached].max()) if reached.any() else -np.inf

    def _edge(self, end: float, ceiling: float) -> float:
        """Return the curvature between the best and an end of the allowed ones where chi-square passes the ceiling."""
        near, far = self.curvature, end
        if _conditional(self.series, self.centre, np.array([end])).chi_square[0] <= ceiling:
            return end
        for _ in range(_ZOOMS):
            grid = np.linspace(near, far, _FINE)
            above = _conditional(self.series, self.centre, grid).chi_square > ceiling
            first = max(int(np.argmax(above)), 1)
            near, far = grid[first - 1], grid[first]
        return float(far)


def curved_line(series: TemperatureSeries) -> CurvedLine:
    """Fit the law by weighted least squares in logarithms, with the errors of temperature in the weights.

    Raises
    ------
    NotAnalysable
        With fewer than four points, fewer than four temperatures, or only some uncertainties stated.
    """
    n = series.temperature.size
    if n < CURVE_NEEDS or np.unique(series.temperature).size < CURVE_NEEDS:
        raise NotAnalysable(
            f"found {np.unique(series.temperature).size} different temperatures; expected at least {CURVE_NEEDS} for "
            "three parameters and what they leave"
        )
    centre = 1.0 / series.line().centre
    steepest = 1.0 / (1.0 / series.lowest - 1.0 / centre)
    bounds = (-centre * (1.0 - _CLOSEST), steepest * (1.0 - _CLOSEST))
    grid = np.linspace(*bounds, _COARSE)
    for _ in range(_ZOOMS):
        found = _conditional(series, centre, grid)
        best = int(np.argmin(found.chi_square))
        grid = np.linspace(grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)], _FINE)
    q = float(found.q[best])
    energy = float(found.energy[best])
    return CurvedLine(
        chi_square=float(found.chi_square[best]),
        n_points=n,
        n_parameters=3,
        weighted=series.weighted,
        series=series,
        centre=centre,
        level=float(found.level[best]),
        energy=energy,
        curvature=q,
        bounds=bounds,
        covariance=_covariance(series, centre, energy, q),
    )


def _variance(series: TemperatureSeries, x: Floats, energy: Floats, q: Floats) -> tuple[Floats, Floats]:
    """Return variances of the residuals, and their covariance with the errors of x over those variances."""
    if not series.weighted:
        return np.ones_like(x * q), np.zeros_like(x * q)
    steepness = energy / (1.0 - q * x) ** 2
    moved = (series.power - steepness / series.temperature) * series.temperature_spread / series.temperature
    variance = series.relative**2 + moved**2
    return variance, -series.temperature_spread / series.temperature**2 * moved / variance


def _conditional(series: TemperatureSeries, centre: float, q: Floats) -> Conditional:
    """Fit the straight lines that remain for given curvatures, with errors in both coordinates as York's line has."""
    x, y = (series.x - 1.0 / centre)[None, :], series.y[None, :]
    q = q[:, None]
    along = x / (1.0 - q * x)
    level, energy = np.zeros_like(q), np.zeros_like(q)
    residual = np.zeros_like(along)
    for _ in range(_ITERATIONS if series.weighted and series.temperature_spread.any() else 1):
        variance, share = _variance(series, x, energy, q)
        adjusted = x - share * residual
        shifted = adjusted / (1.0 - q * adjusted)
        weight = 1.0 / variance
        total = weight.sum(axis=1, keepdims=True)
        middle = (weight * shifted).sum(axis=1, keepdims=True) / total
        lever = weight * (shifted - middle)
        energy = -(lever * y).sum(axis=1, keepdims=True) / (lever * along).sum(axis=1, keepdims=True)
        level = (weight * (y + energy * along)).sum(axis=1, keepdims=True) / total
        residual = y - level + energy * along
    of_energy = 1.0 / (lever * (shifted - middle)).sum(axis=1)
    mean = middle[:, 0]
    covariance = np.empty((q.shape[0], 2, 2))
    covariance[:, 0, 0] = 1.0 / total[:, 0] + mean**2 * of_energy
    covariance[:, 0, 1] = covariance[:, 1, 0] = mean * of_energy
    covariance[:, 1, 1] = of_energy
    return Conditional(q[:, 0], (weight * residual**2).sum(axis=1), level[:, 0], energy[:, 0], covariance)


def _covariance(series: TemperatureSeries, centre: float, energy: float, q: float) -> Floats:
    x = series.x - 1.0 / centre
    variance, _ = _variance(series, x, np.array(energy), np.array(q))
    along = x / (1.0 - q * x)
    design = np.stack([np.ones_like(x), -along, -energy * along**2], axis=1) / np.sqrt(variance)[:, None]
    scale = np.linalg.norm(design, axis=0)
    return np.asarray(np.linalg.pinv((design / scale).T @ (design / scale)) / np.outer(scale, scale))
