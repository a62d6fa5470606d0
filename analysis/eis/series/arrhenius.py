r"""Activation energy of conduction, and the conductivity at a temperature that was perhaps not measured.

.. math:: \sigma T = A e^{-E_a / k T} \quad\text{or}\quad \sigma = A e^{-E_a / k T}

The first form is that of hopping ions. Papers use both, and for the same data the second gives an activation energy
that is lower by about k T.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import coverage_factor, joint_factor
from ..circuits import Floats
from .branches import Comparison, compare
from .curved_line import CURVE_NEEDS, curved_line
from .scatter import scatter_notes
from .straight_line import BREAK_NEEDS, BrokenLine, StraightLine, broken_line
from .temperature_series import BOLTZMANN, LARGEST_LOGARITHM, ROOM, TemperatureSeries, kelvin

Form = Literal["ln(sigma T)", "ln(sigma)"]

_POWER = {"ln(sigma T)": 1.0, "ln(sigma)": 0.0}
_PREFACTOR_UNIT = {"ln(sigma T)": "S K cm-1", "ln(sigma)": "S cm-1"}
_CURVED_BY = 6.0
_GRID = 101


def arrhenius(
    conductivities: Sequence[Quantity],
    temperatures: Sequence[Quantity],
    *,
    form: Form = "ln(sigma T)",
    at: Quantity = ROOM,
    shared_relative_uncertainty: float = 0.0,
    branches: Sequence[str] = (),
) -> Result:
    """Activation energy and conductivity at one temperature, from conductivities of one sample.

    A straight line in 1/T, weighted with the uncertainties of conductivity and temperature. Conductivities without
    uncertainty get equal weights, and the scatter tells the uncertainty. Where the scatter is larger than stated
    uncertainties allow, these are enlarged by the square root of the reduced chi-square.

    Parameters
    ----------
    conductivities : sequence of Quantity
        At least three, with whole standard uncertainties, as `film_conductivity` returns them.
    temperatures : sequence of Quantity
        In degC or K, of the sample and in the same order; errors are taken as independent of each other.
    form : {"ln(sigma T)", "ln(sigma)"}
        What is linear in 1/T.
    at : Quantity
        Temperature in degC or K at which the conductivity is wanted; 25 degC, where papers compare.
    shared_relative_uncertainty : float
        The part of the relative standard uncertainty that is the same at all temperatures, such as that of thickness
        and area. It is part of each stated uncertainty; it enters conductivity and prefactor but not the activation
        energy.
    branches : sequence of str
        The run each point belongs to, such as ``"heating"`` and ``"cooling"``, which `heating_and_cooling` tells from
        the order of temperatures; at least three points each. Left out, all points are of one run.

    Returns
    -------
    Result
        ``activation_energy`` (eV), ``ionic_conductivity`` (S cm-1) at the asked temperature and ``prefactor``
        (S K cm-1, or S cm-1 for ln(sigma)), with the full covariance of slope and intercept in the intervals, which are
        log-normal for the last two. Notes tell how far the temperature is from the data and whether a curve (`vogel`)
        or two branches describe them better. Where branches differ beyond their uncertainties, each has
        ``activation_energy_heating`` and ``ionic_conductivity_heating`` of its own, under its name, and there is no
        common correlation.

    Raises
    ------
    NotAnalysable
        With fewer than three temperatures, limits or values not above zero among the conductivities, uncertainties
        stated for some only, or a branch of fewer than three points.
    UnitError
        If a conductivity or a temperature bears another dimension.

    References
    ----------
    .. [1] York, Evensen, Lopez Martinez, De Basabe Delgado, Am. J. Phys. 72 (2004) 367.
       https://doi.org/10.1119/1.1632486

    Examples
    --------
    >>> kelvin = (300.0, 320.0, 340.0, 360.0)
    >>> sigma = [3e4 / t * math.exp(-0.55 / (BOLTZMANN * t)) for t in kelvin]
    >>> result = arrhenius(
    ...     [Quantity("ionic_conductivity", s, 0.03 * s, "S cm-1") for s in sigma],
    ...     [Quantity("temperature", t, 0.5, "K") for t in kelvin],
    ...     shared_relative_uncertainty=0.02,
    ... )
    >>> print(result["activation_energy"])
    activation_energy = 0.5500 ± 0.0076 eV
    """
    if form not in _POWER:
        raise ValueError(f"found the form {form!r}; expected one of {list(_POWER)}")
    shared, asked = shared_relative_uncertainty, kelvin(at)
    series = TemperatureSeries.of(conductivities, temperatures, _POWER[form], shared)
    line = series.line()
    compared = compare(series, branches, line.slope) if branches else None
    lines = {"": line}
    if compared is not None and compared.differ:
        lines |= {f"_{name}": part.line() for name, part in compared.branches.items()}
    quantities = tuple(q for name, one in lines.items() for q in _quantities(one, form, asked, shared, name))
    broken = broken_line(series.x, series.y, series.residual_spread(line.slope))
    curved = _gain_of_curvature(series)
    figures = {
        "aicc_gain_of_break": None if broken is None else broken.gain,
        "aicc_gain_of_curvature": curved,
        "branch_p_value": None if compared is None else compared.p_value,
    }
    return Result(
        method=f"straight line of {form} over 1/T, {'weighted' if line.weighted else 'equal weights'}",
        quantities=quantities,
        correlation=_correlation(line, series.power, asked, shared) if len(lines) == 1 else None,
        diagnostics={"reduced_chi_square": line.reduced_chi_square, "n_points": float(line.n_points)}
        | series.diagnostics(asked[0])
        | {name: figure for name, figure in figures.items() if figure is not None},
        budget=_budget(lines, series.power, quantities, asked, shared),
        notes=(
            *_notes(series, line, asked[0], shared),
            *_branch_notes(compared, quantities),
            *_shape_notes(line, broken, curved),
        ),
        provenance={"form": form, "temperature": f"{at.value:g} {at.unit}"},
        curves=_curves(series, line, asked[0], branches),
    )


def _quantities(
    line: StraightLine, form: Form, asked: tuple[float, float], shared: float, name: str
) -> tuple[Quantity, ...]:
    """Return activation energy and conductivity, and of the line through all, which has no name, the prefactor."""
    power = _POWER[form]
    logarithms = (line.value(1.0 / asked[0]) - power * math.log(asked[0]), line.value(0.0))
    if max(map(abs, logarithms)) > LARGEST_LOGARITHM:
        raise NotAnalysable("the temperatures are too close together to determine an Arrhenius line")
    parts = _parts(line, power, asked, shared)
    found = (
        _quantity(f"activation_energy{name}", -BOLTZMANN * line.slope, "eV", parts[0], line),
        _quantity(f"ionic_conductivity{name}", math.exp(logarithms[0]), "S cm-1", parts[1], line),
        _quantity("prefactor", math.exp(logarithms[1]), _PREFACTOR_UNIT[form], parts[2], line),
    )
    return found[:2] if name else found


def _budget(
    lines: Mapping[str, StraightLine],
    power: float,
    quantities: Sequence[Quantity],
    asked: tuple[float, float],
    shared: float,
) -> dict[str, dict[str, float]]:
    every = [part for name, line in lines.items() for part in _parts(line, power, asked, shared)[: 2 if name else 3]]
    budget = {}
    for quantity, part in zip(quantities, every, strict=True):
        size = 1.0 if quantity.unit == "eV" else quantity.value
        sources = {"line": math.hypot(*part[:2]), "shared": abs(part[2]), "temperature": abs(part[3])}
        budget[quantity.name] = {name: float(size * u) for name, u in sources.items() if u or name == "line"}
    return budget


def _correlation(
    line: StraightLine, power: float, asked: tuple[float, float], shared: float
) -> tuple[tuple[float, ...], ...]:
    parts = _parts(line, power, asked, shared)
    joint = parts @ parts.T
    root = np.sqrt(np.diag(joint))
    root = np.where(root > 0, root, 1.0)
    return tuple(tuple(map(float, row)) for row in joint / np.outer(root, root))


def _parts(line: StraightLine, power: float, asked: tuple[float, float], shared: float) -> Floats:
    """Return standard uncertainties by source, with sign.

    Rows are activation energy in eV, ln(sigma) and ln(prefactor); columns slope, level, what all share, and the asked
    temperature.
    """
    temperature, spread = asked
    steepness = -line.slope / temperature**2 - power / temperature
    level = math.sqrt(line.variance_factor * line.level_variance)
    return np.array(
        [
            [-BOLTZMANN * line.slope_spread, 0.0, 0.0, 0.0],
            [(1.0 / temperature - line.centre) * line.slope_spread, level, shared, steepness * spread],
            [-line.centre * line.slope_spread, level, shared, 0.0],
        ]
    )


def _quantity(name: str, value: float, unit: str, part: Floats, line: StraightLine) -> Quantity:
    """Return a quantity with its interval, which is that of the logarithm for all but the energy."""
    of_line, spread = math.hypot(*part[:2]), float(np.linalg.norm(part))
    known = math.hypot(*part[2:])
    half = joint_factor(of_line, line.degrees_of_freedom, known) * spread
    if unit == "eV":
        return Quantity(name, value, spread, unit, (value - half, value + half), kind="fit")
    half = min(half, LARGEST_LOGARITHM - abs(math.log(value)))
    return Quantity(name, value, value * spread, unit, (value * math.exp(-half), value * math.exp(half)), kind="fit")


def _gain_of_curvature(series: TemperatureSeries) -> float | None:
    """Return by how much AICc falls from the line to a curve with a T0; None where there is none, or too few points."""
    if np.unique(series.temperature).size < CURVE_NEEDS:
        return None
    law = curved_line(series)
    return law.gain if law.curvature > 0 else None


def _notes(series: TemperatureSeries, line: StraightLine, asked: float, shared: float) -> Iterator[str]:
    yield from series.notes(asked, shared)
    yield from scatter_notes(line)
    if abs(line.slope) < 2.0 * line.slope_spread:
        yield "no activation is resolved: the line is flat within its uncertainty"
    thermal = BOLTZMANN / line.centre
    other, sense = ("ln(sigma)", "lower") if series.power else ("ln(sigma T)", "higher")
    yield f"the form {other} gives an activation energy that is {sense} by about {thermal:.3f} eV"


def _branch_notes(compared: Comparison | None, quantities: Sequence[Quantity]) -> Iterator[str]:
    if compared is None:
        return
    names, chance = " and ".join(name.replace("_", " ") for name in compared.branches), f"p = {compared.p_value:.2g}"
    if not compared.differ:
        yield f"{names} agree within their uncertainties ({chance}, F test); one line describes both"
        return
    found = {quantity.name: quantity for quantity in quantities}
    energies = ", ".join(
        f"{found[f'activation_energy_{name}'].number()} eV {name.replace('_', ' ')}" for name in compared.branches
    )
    yield (
        f"{names} differ beyond their uncertainties ({chance}, F test): {energies}; the sample changed, or was not at "
        "the temperature stated, and the line through all is no property of it"
    )


def _shape_notes(line: StraightLine, broken: BrokenLine | None, curved: float | None) -> Iterator[str]:
    """Say whether a curve or two branches describe the points better, the break last."""
    gain = 0.0 if broken is None else broken.gain
    is_curved = curved is not None and curved > max(_CURVED_BY, gain)
    if is_curved:
        yield (
            f"the points are curved: a Vogel-Tammann-Fulcher law describes them better (AICc falls by {curved:.0f}), "
            "and the activation energy is that of the middle of the data only"
        )
    if broken is None:
        yield f"{line.n_points} temperatures are too few to tell two branches from one; that needs {BREAK_NEEDS}"
    elif gain <= 0:
        yield f"one branch; a broken line raises AICc by {-gain:.0f}"
    elif is_curved:
        yield f"a broken line describes the points less well than the curve: AICc falls by {gain:.0f}"
    else:
        hot, cold = (-BOLTZMANN * slope for slope in broken.slopes)
        yield (
            f"two branches describe the data better (AICc falls by {gain:.0f}): {cold:.3g} eV below about "
            f"{1.0 / broken.place:.0f} K and {hot:.3g} eV above; one line across both is not an activation energy"
        )


def _curves(series: TemperatureSeries, line: StraightLine, asked: float, branches: Sequence[str]) -> xr.Dataset:
    """Return points and line with its 95 % band over temperature, reaching to the asked one; the band is the line's."""
    low, high = min(asked, series.lowest), max(asked, series.highest)
    grid = 1.0 / np.linspace(1.0 / low, 1.0 / high, _GRID)
    factor = coverage_factor(line.degrees_of_freedom)
    centre = np.array([line.value(1.0 / temperature) for temperature in grid])
    half = np.minimum(factor * np.array([line.spread(1.0 / temperature) for temperature in grid]), 300.0)
    curves = series.curves(grid, centre, centre - half, centre + half)
    return curves.assign_coords(branch=("temperature", list(branches))) if branches else curves
