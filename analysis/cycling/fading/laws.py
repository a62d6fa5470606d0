r"""Laws of capacity fade and their least squares, for many series of capacities over the same cycles at once.

With :math:`x` cycles after the reference cycle

.. math:: Q = a - b x, \quad Q = a - b \sqrt{x}, \quad Q = a - b x^z, \quad
          Q = a - b_1 x - b_2 \max(x - k, 0), \; b_2 > 0

All laws are linear but for one parameter. The exponent is searched on a grid and refined; the knee is found exactly:
within each interval of the data the best continuous pair of lines either meets inside it or at its ends (Hudson).

References
----------
.. [1] Hudson, J. Am. Stat. Assoc. 61 (1966) 1097. https://doi.org/10.1080/01621459.1966.10482198
.. [2] Hurvich, Tsai, Biometrika 76 (1989) 297 (AICc). https://doi.org/10.1093/biomet/76.2.297
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..record.intervals import Floats

Law = Literal["linear", "square_root", "power", "knee"]

PARAMETERS: dict[Law, int] = {"linear": 2, "square_root": 2, "power": 3, "knee": 4}
"""Free parameters of each law, without the scatter."""

SMOOTH: tuple[Law, ...] = ("linear", "square_root", "power")

EXPONENTS = (0.25, 4.0)
"""Range of the exponent of the power law; below it the law is a step at the first cycle."""

BESIDE_KNEE = 4
"""Fewest points on either side of a knee."""

_FLOOR = 1e-9  # of the capacity: scatter below it is round-off
_GRID = 60  # exponents
_NODES = 200  # knees at a cycle that are tried, besides those between cycles


@dataclass(frozen=True)
class Fit:
    """A law fitted to series of capacities, one column a series.

    Parameters
    ----------
    law : str
        Key of `PARAMETERS`.
    start : ndarray, shape (b,)
        Capacity at the reference cycle.
    slope : ndarray, shape (b,)
        Loss per cycle to the power of `shape`; before the knee for the law ``knee``.
    shape : ndarray, shape (b,)
        Exponent, or cycles from the reference to the knee.
    bend : ndarray, shape (b,)
        Additional loss per cycle after the knee, 0 for the other laws.
    rss : ndarray, shape (b,)
        Sum of squared residuals.
    """

    law: Law
    start: Floats
    slope: Floats
    shape: Floats
    bend: Floats
    rss: Floats

    def at(self, x: Floats) -> Floats:
        """Return the capacity `x` cycles after the reference, shape (n, b)."""
        x = np.asarray(x, dtype=float)[:, None]
        if self.law == "knee":
            return np.asarray(self.start - self.slope * x - self.bend * np.maximum(x - self.shape, 0.0))
        return np.asarray(self.start - self.slope * x**self.shape)

    def reaching(self, fraction: float) -> Floats:
        """Return the cycles after which the capacity is a fraction of that at the reference; inf where never."""
        loss = (1.0 - fraction) * self.start
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.law != "knee":
                return np.where(self.slope > 0, (loss / self.slope) ** (1.0 / self.shape), np.inf)
            before = np.where(self.slope > 0, loss / self.slope, np.inf)
            total = self.slope + self.bend
            after = np.where(total > 0, (loss + self.bend * self.shape) / total, np.inf)
        return np.where(before <= self.shape, before, np.maximum(after, self.shape))


def fit_law(law: Law, x: Floats, y: Floats) -> Fit:
    """Return the least squares of a law.

    Parameters
    ----------
    law : {"linear", "square_root", "power", "knee"}
        Law to fit.
    x : ndarray, shape (n,)
        Cycles after the reference, 0 or above, increasing.
    y : ndarray, shape (n, b)
        Capacities, one column a series.
    """
    if law == "knee":
        return _fit_knee(x, y)
    if law == "power":
        return _fit_power(x, y)
    exponent = np.full(y.shape[1], 1.0 if law == "linear" else 0.5)
    return _fit_exponent(law, x, y, exponent)


def aicc(fit: Fit, y: Floats) -> Floats:
    """Return Akaike's criterion for few data of each series; the scatter counts as a parameter."""
    n, parameters = y.shape[0], PARAMETERS[fit.law] + 1
    return np.asarray(_deviance(fit, y) + 2.0 * parameters * n / (n - parameters - 1.0))


def _deviance(fit: Fit, y: Floats) -> Floats:
    n = y.shape[0]
    return np.asarray(n * np.log(np.maximum(fit.rss / n, (_FLOOR * y[0]) ** 2)))


def rss_at_knee(x: Floats, y: Floats, knee: Floats) -> Floats:
    """Return the sum of squared residuals of each series with a given knee."""
    return _with_knee(x, y, knee, np.ones(y.shape[1], dtype=bool)).rss


def _fit_exponent(law: Law, x: Floats, y: Floats, exponent: Floats) -> Fit:
    """Return the fit of ``a - b x**z`` with the exponent of each series given."""
    power = (x[:, None] / x[-1]) ** exponent
    mean, centre = power.mean(axis=0), y.mean(axis=0)
    deviation = power - mean
    slope = -np.sum(deviation * (y - centre), axis=0) / np.sum(deviation**2, axis=0)
    start = centre + slope * mean
    rss = np.sum((y - start + slope * power) ** 2, axis=0)
    return Fit(law, start, slope / x[-1] ** exponent, exponent, np.zeros_like(start), rss)


def _fit_power(x: Floats, y: Floats) -> Fit:
    grid = np.log(np.geomspace(*EXPONENTS, _GRID))
    power = (x[:, None] / x[-1]) ** np.exp(grid)
    deviation = power - power.mean(axis=0)
    explained = (deviation.T @ (y - y.mean(axis=0))) ** 2 / np.sum(deviation**2, axis=0)[:, None]
    best = np.clip(np.argmax(explained, axis=0), 1, _GRID - 2)
    centre, width = grid[best], grid[1] - grid[0]
    for _ in range(3):  # parabola through three exponents, each time a tenth as wide
        left, here, right = (_fit_exponent("power", x, y, np.exp(centre + s * width)).rss for s in (-1.0, 0.0, 1.0))
        bend = left - 2.0 * here + right
        move = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1.0), np.sign(left - right))
        centre, width = np.clip(centre + width * np.clip(move, -1.0, 1.0), grid[0], grid[-1]), 0.1 * width
    return _fit_exponent("power", x, y, np.exp(centre))


def _fit_knee(x: Floats, y: Floats) -> Fit:
    """Return the best pair of lines that meet and of which the second falls more steeply."""
    columns = np.arange(y.shape[1])
    deviation = y - y.mean(axis=0)
    node = x[BESIDE_KNEE - 1 : x.size - BESIDE_KNEE + 1][:: 1 + x.size // _NODES]
    bases = [_hinge_basis(x, knee) for knee in node]
    parts = np.array([basis.T @ deviation for basis in bases])
    at_nodes = np.sum(deviation**2, axis=0) - np.sum(parts**2, axis=1)
    meeting, apart = _meeting(x, y)
    rss = np.concatenate([np.where(parts[:, 1] < 0, at_nodes, np.inf), apart])
    knees = np.concatenate([np.repeat(node[:, None], y.shape[1], axis=1), meeting])
    best = np.argmin(rss, axis=0)
    found = np.isfinite(rss[best, columns])
    knee = np.where(found, knees[best, columns], x[-1])
    return _with_knee(x, y, knee, found)


def _hinge_basis(x: Floats, knee: float) -> Floats:
    """Return an orthonormal basis of line and hinge, both free of the mean."""
    line = x - x.mean()
    line = line / np.linalg.norm(line)
    hinge = np.maximum(x - knee, 0.0)
    hinge = hinge - hinge.mean()
    hinge = hinge - line * (line @ hinge)
    return np.stack([line, hinge / np.linalg.norm(hinge)], axis=1)


def _meeting(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return where free lines through the first i and the other points meet, and their RSS if within the interval."""
    left = np.arange(BESIDE_KNEE, x.size - BESIDE_KNEE + 1)
    first = _line_sums(x, y, left - 1)
    last = _line_sums(x[::-1], y[::-1], x.size - left - 1)
    bend = first[1] - last[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        knee = (last[0] - first[0]) / bend
    inside = (knee > x[left - 1, None]) & (knee < x[left, None]) & (bend > 0)
    return np.where(inside, knee, x[-1]), np.where(inside, first[2] + last[2], np.inf)


def _line_sums(x: Floats, y: Floats, until: np.ndarray[tuple[int], np.dtype[np.intp]]) -> tuple[Floats, Floats, Floats]:
    """Return intercept, slope and RSS of the line through the points up to each place of `until`."""
    x, shift = (x - x.mean())[:, None], x.mean()
    level = y.mean(axis=0)
    y = y - level
    n = (until + 1.0)[:, None]
    sx, sy, sxx, sxy, syy = (np.cumsum(values, axis=0)[until] for values in (x, y, x * x, x * y, y * y))
    vxx, vxy, vyy = sxx - sx * sx / n, sxy - sx * sy / n, syy - sy * sy / n
    slope = vxy / vxx
    return (sy - slope * sx) / n + level - slope * shift, slope, np.maximum(vyy - slope * vxy, 0.0)


def _with_knee(x: Floats, y: Floats, knee: Floats, found: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Fit:
    """Return the fit with the knee of each series given; a straight line where none was found."""
    line = _fit_exponent("linear", x, y, np.ones(y.shape[1]))
    hinge = np.maximum(x[:, None] - knee, 0.0)
    x_part = np.broadcast_to(x[:, None], hinge.shape)
    u, v, w = (part - part.mean(axis=0) for part in (x_part, hinge, y))
    uu, uv, vv = np.sum(u * u, axis=0), np.sum(u * v, axis=0), np.sum(v * v, axis=0)
    uw, vw = np.sum(u * w, axis=0), np.sum(v * w, axis=0)
    determinant = np.where(found, uu * vv - uv**2, 1.0)
    slope = np.where(found, -(vv * uw - uv * vw) / determinant, line.slope)
    bend = np.where(found, -(uu * vw - uv * uw) / determinant, 0.0)
    start = y.mean(axis=0) + slope * x.mean() + bend * hinge.mean(axis=0)
    rss = np.sum((w + slope * u + bend * v) ** 2, axis=0)
    return Fit("knee", start, slope, knee, bend, rss)
