"""From a fit to quantities: widths without blur, their intervals, budget and correlation, or upper limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...detection import upper_limit
from ...errors import NotAnalysable
from ...quantity import Quantity
from ...statistics import ONE_SIDED_95, coverage_factor
from .blur import Blur
from .bounds import profile_bound, root_deviance
from .definitions import sharpened, widths
from .likelihood import Counts, InterfaceFit

Array = NDArray[np.float64]

NAMES = ("interdiffusion_width", "interdiffusion_sigma", "coexistence_width")
"""Widths that every shape has, in the order of `definitions.widths`."""

_RESOLVED = 2.0  # standard uncertainties by which the variance must exceed that of the instrument
_FINEST = 0.5  # steps of the scan; a narrower error function has 10 to 90 % between two or three points
_LOPSIDED = 0.1  # relative uncertainty from which intervals come from the profile of the likelihood
_BARTLETT = 0.65  # widens these intervals by this times the squared relative uncertainty; simulated at 3 to 10 counts
_NORMAL95 = coverage_factor(math.inf)
_FEW_IN_EDGES = (
    1.5  # as `_BARTLETT`, for a layer by the relative uncertainty of its edges; simulated at 10 to 50 counts
)
# Relative uncertainty from which only a limit is stated; for a width, its variance is then below twice its uncertainty.
_VAGUE = {
    "reaction_layer_thickness": 0.5,
    "tail_length": 0.5,
    "edge_sigma": 0.25,
    "sigma_left": 0.25,
    "sigma_right": 0.25,
}

_Row = tuple[str, float, Array, float, Array]  # name, value, slopes by parameters, by the scale, by blur sources


@dataclass(frozen=True)
class Measured:
    """Quantities with their budget and correlation matrix."""

    quantities: tuple[Quantity, ...]
    budget: dict[str, dict[str, float]]
    correlation: tuple[tuple[float, ...], ...] | None


def measured(
    data: Counts,
    fit: InterfaceFit,
    scale: float,
    tau: float,
    blur: Blur,
    relative_scale: float,
    between_shapes: Mapping[str, float],
) -> Measured:
    """Return the quantities of a fit.

    Parameters
    ----------
    data : Counts
    fit : InterfaceFit
    scale : float
        Factor on uncertainties from counting.
    tau : float
        Threshold of the coexistence zone.
    blur : Blur
        Variance of the instrument.
    relative_scale : float
        Relative standard uncertainty of the distance.
    between_shapes : mapping of str to float
        Standard uncertainty of the widths in nm from a shape that does not describe the counts; empty where it does.
    """
    if fit.shape.n_levels == 3:
        scale *= 1 + _FEW_IN_EDGES * min(math.sqrt(fit.covariance[1, 1]), 0.5) ** 2
    value, stderr = _variance(data, fit, scale, blur)
    if value < _RESOLVED * stderr or _below_sampling(data, fit):
        limits = _limits(data, fit, tau, value, stderr, scale, blur, relative_scale)
        position = _position_row(fit)
        parts = _sources(position, fit, scale, blur, relative_scale) | _sampling(position, data, fit)
        where = Quantity(position[0], position[1], math.hypot(*parts.values()), "nm", kind="fit")
        return Measured((*limits, where), {}, None)
    rows = [*_width_rows(fit, tau, blur), _position_row(fit), *_extra_rows(fit, blur)]
    sources = [_sources(row, fit, scale, blur, relative_scale) | _sampling(row, data, fit) for row in rows]
    for row, parts in zip(rows, sources, strict=True):
        if row[0] in between_shapes:
            parts["shape"] = between_shapes[row[0]]
    bounds = _sigma_bounds(data, fit, scale, blur)
    quantities = []
    for (name, number, *_), parts in zip(rows, sources, strict=True):
        total = math.hypot(*parts.values())
        if name == "interface_position":
            quantities.append(Quantity(name, number, total, "nm", kind="fit"))
        elif name not in NAMES and total > _VAGUE[name] * number:
            quantities.append(_limit_of_part(name, number, total, data.step))
        else:
            interval = _interval(fit, blur, bounds, number, parts)
            quantities.append(Quantity(name, number, total, "nm", interval, kind="fit"))
    budget = {row[0]: parts for row, parts in zip(rows, sources, strict=True) if row[0] != "interface_position"}
    return Measured(tuple(quantities), budget, _correlation(rows, fit, scale, blur, relative_scale))


def _below_sampling(data: Counts, fit: InterfaceFit) -> bool:
    return bool(fit.shape.name == "erf" and fit.sigma < _FINEST * data.step)


def _variance(data: Counts, fit: InterfaceFit, scale: float, blur: Blur) -> tuple[float, float]:
    """Return what is left of the variance without blur, and its standard uncertainty towards zero, in nm2.

    The uncertainty of an error function is that with which the counts exclude no width at all: with few counts, the
    curvature of the likelihood at its maximum says little about its course far from there.
    """
    (_, sigma, _), slopes, _ = widths(fit, 0.05, 0.0)
    value = sigma**2 - blur.variance
    counting = 2 * sigma * scale * math.sqrt(slopes[1] @ fit.covariance @ slopes[1])
    if fit.shape.name == "erf" and 0 < value < 6 * counting:
        root = root_deviance(data, fit, math.sqrt(blur.variance)) / scale
        counting = value / max(root, 1e-6)
    return float(value), math.hypot(counting, blur.stderr)


def _limits(
    data: Counts,
    fit: InterfaceFit,
    tau: float,
    value: float,
    stderr: float,
    scale: float,
    blur: Blur,
    relative_scale: float,
) -> list[Quantity]:
    """Return upper limits of all widths; where the shape is not resolved, they are those of an error function.

    A limit takes the place of an interval only where the width is small, which would leave 92.5 % of coverage to widths
    about as large as the instrument's if the limit were one of 95 %; it is one of 97.5 %.
    """
    from scipy.special import ndtri

    if fit.shape.name == "erf":
        highest = profile_bound(data, fit, _NORMAL95 * scale)
        if not math.isfinite(highest):
            raise NotAnalysable("no width within the scan is excluded by the counts; measure a longer scan")
        upward = max(highest**2 - fit.sigma**2, 1e-3 * data.step**2) / _NORMAL95
        stderr = math.hypot(upward, blur.stderr)
    factors = (2 * float(ndtri(0.9)), 1.0, 2 * float(ndtri(1 - tau)))
    highest_variance = upper_limit(value, stderr * _NORMAL95 / ONE_SIDED_95)
    sigma = max(math.sqrt(highest_variance), _FINEST * data.step) * (1 + ONE_SIDED_95 * relative_scale)
    return [
        Quantity(name, factor * sigma, None, "nm", relation="<", kind="fit")
        for name, factor in zip(NAMES, factors, strict=True)
    ]


def _width_rows(fit: InterfaceFit, tau: float, blur: Blur) -> list[_Row]:
    values, by_parameters, by_blur = widths(fit, tau, blur.variance)
    deviations = np.array([by_blur * u for u in blur.uncertainties.values()]).reshape(-1, len(NAMES))
    # Lengths of the fit grow with the scale, the blur does not: what is left grows by more than its share.
    by_scale = values - 2 * blur.variance * by_blur
    return [
        (name, float(values[i]), by_parameters[i], float(by_scale[i]), deviations[:, i]) for i, name in enumerate(NAMES)
    ]


def _position_row(fit: InterfaceFit) -> _Row:
    return "interface_position", float(fit.theta[0]), _unit(fit, 0), 0.0, np.zeros(0)


def _limit_of_part(name: str, number: float, total: float, step: float) -> Quantity:
    """Return the upper limit of a length that only the fitted shape has."""
    if name in ("reaction_layer_thickness", "tail_length"):
        limit = number + ONE_SIDED_95 * total
    else:
        limit = math.sqrt(upper_limit(number**2, 2 * number * total))
    return Quantity(name, max(limit, step), None, "nm", relation="<", kind="fit")


def _sampling(row: _Row, data: Counts, fit: InterfaceFit) -> dict[str, float]:
    """Return the uncertainty from edges that lie somewhere between two points of the scan."""
    if fit.sigma >= data.step:
        return {}
    edge = data.step / math.sqrt(12.0)
    if row[0] == "interface_position":
        return {"sampling": edge}
    return (
        {"sampling": math.sqrt(2.0) * edge * abs(float(row[2][2])) / math.exp(fit.theta[2])}
        if fit.shape.n_levels == 3
        else {}
    )


def _extra_rows(fit: InterfaceFit, blur: Blur) -> list[_Row]:
    """Return lengths that only the fitted shape has."""
    theta = sharpened(fit.theta, fit.shape, blur.variance)
    sharpening = math.exp(2 * (fit.theta[1] - theta[1]))
    none = np.zeros(len(blur.uncertainties))
    if fit.shape.name == "asymmetric":
        rows: list[_Row] = []
        for name, sign in (("sigma_left", -0.5), ("sigma_right", 0.5)):
            length = math.exp(theta[1] + sign * theta[2])
            growth = (math.exp(fit.theta[1] + sign * fit.theta[2]) / length) ** 2
            slopes = length * growth * (_unit(fit, 1) + sign * _unit(fit, 2))
            deviations = np.array([-0.5 / length * u for u in blur.uncertainties.values()])
            rows.append((name, length, slopes, length * growth, deviations))
        return rows
    if fit.shape.size == 2:
        return []
    third = math.exp(theta[2])
    own = {"plateau": "reaction_layer_thickness"}.get(fit.shape.name, "tail_length")
    edge = math.exp(theta[1])
    deviations = np.array([-0.5 / edge * u for u in blur.uncertainties.values()])
    return [
        (own, third, third * _unit(fit, 2), third, none),
        ("edge_sigma", edge, edge * sharpening * _unit(fit, 1), edge * sharpening, deviations),
    ]


def _unit(fit: InterfaceFit, place: int) -> Array:
    unit = np.zeros(len(fit.covariance))
    unit[place] = 1.0
    return unit


def _sources(row: _Row, fit: InterfaceFit, scale: float, blur: Blur, relative_scale: float) -> dict[str, float]:
    _, _, slopes, by_scale, deviations = row
    counting = scale * math.sqrt(max(float(slopes @ fit.covariance @ slopes), 0.0))
    parts = {"counting": counting, "calibration": relative_scale * by_scale}
    return parts | {
        name: abs(float(part)) for name, part in zip(blur.uncertainties, deviations, strict=False) if part != 0
    }


def _sigma_bounds(data: Counts, fit: InterfaceFit, scale: float, blur: Blur) -> tuple[float, float] | None:
    """Return the 95 % interval of the width of an error function by the likelihood; None where a normal one will do."""
    relative = scale * math.sqrt(fit.covariance[1, 1])
    if fit.shape.name != "erf" or relative <= _LOPSIDED * (1 - blur.variance / fit.sigma**2):
        return None
    rise = _NORMAL95 * scale * (1 + _BARTLETT * relative**2)
    return profile_bound(data, fit, -rise), min(profile_bound(data, fit, rise), data.span)


def _interval(
    fit: InterfaceFit, blur: Blur, bounds: tuple[float, float] | None, number: float, parts: dict[str, float]
) -> tuple[float, float]:
    """Return the 95 % interval of a width.

    It is even in the logarithm where counting leaves less than 10 %. Beyond, the one of an error function follows the
    likelihood, and the sources that are not counting are added in quadrature on either side.
    """
    if bounds is None:
        spread = math.exp(_NORMAL95 * math.hypot(*parts.values()) / number)
        return number / spread, number * spread
    others = _NORMAL95 * math.hypot(*(part for name, part in parts.items() if name != "counting"))
    left = math.sqrt(fit.sigma**2 - blur.variance)
    shortest, longest = (number / left * math.sqrt(max(sigma**2 - blur.variance, 0.0)) for sigma in bounds)
    return max(number - math.hypot(number - shortest, others), 0.0), number + math.hypot(longest - number, others)


def _correlation(
    rows: Sequence[_Row], fit: InterfaceFit, scale: float, blur: Blur, relative_scale: float
) -> tuple[tuple[float, ...], ...]:
    """Return the correlation matrix of the quantities from all sources."""
    slopes = np.array([row[2] for row in rows])
    by_scale = np.array([row[3] for row in rows])
    deviations = np.zeros((len(rows), len(blur.uncertainties)))
    for place, row in enumerate(rows):
        deviations[place, : len(row[4])] = row[4]
    covariance = scale**2 * slopes @ fit.covariance @ slopes.T + deviations @ deviations.T
    covariance += relative_scale**2 * np.outer(by_scale, by_scale)
    size = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    return tuple(tuple(float(c) for c in row) for row in np.clip(covariance / np.outer(size, size), -1.0, 1.0))
