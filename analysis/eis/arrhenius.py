r"""Activation energy of conduction, and the conductivity at a temperature that was perhaps not measured.

.. math:: \sigma T = A e^{-E_a / k T} \quad\text{or}\quad \sigma = A e^{-E_a / k T}

The first form is that of hopping ions. Papers use both, and for the same data the second gives an activation energy
that is lower by about k T.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from ..statistics import coverage_factor, effective_degrees_of_freedom
from ..units import UnitError
from .circuit import Floats
from .stated import checked, own_relative
from .straight_line import BREAK_NEEDS, StraightLine, broken_line, line_notes, straight_line

Form = Literal["ln(sigma T)", "ln(sigma)"]
BOLTZMANN = 8.617333262e-5
"""In eV K-1, exact in the SI of 2019."""
ROOM = Quantity("temperature", 25.0, None, "degC")

_PREFACTOR_UNIT = {"ln(sigma T)": "S K cm-1", "ln(sigma)": "S cm-1"}
_LARGEST_LOGARITHM = 600.0
_NEAR = 0.5


@dataclass(frozen=True)
class _Points:
    """Conductivities in S cm-1 over temperatures in K, and the line's coordinates 1/T and ln(sigma T) or ln(sigma)."""

    conductivity: Floats
    temperature: Floats
    relative: Floats
    temperature_spread: Floats
    hopping: bool

    @property
    def x(self) -> Floats:
        return 1.0 / self.temperature

    @property
    def y(self) -> Floats:
        logarithm = np.log(self.conductivity)
        return logarithm + np.log(self.temperature) if self.hopping else logarithm

    def line(self) -> StraightLine:
        """Fit the line; an error of T moves x, and with the form of hopping y too."""
        x_spread = self.temperature_spread / self.temperature**2
        moved = self.temperature_spread / self.temperature * self.hopping
        y_spread = np.where(self.relative > 0, np.hypot(self.relative, moved), 0.0)
        return straight_line(self.x, self.y, x_spread, y_spread, -x_spread * moved)

    def residual_spread(self, slope: float) -> Floats:
        moved = (slope / self.temperature + self.hopping) * self.temperature_spread / self.temperature
        return np.where(self.relative > 0, np.hypot(self.relative, moved), 0.0)


def arrhenius(
    conductivities: Sequence[Quantity],
    temperatures: Sequence[Quantity],
    *,
    form: Form = "ln(sigma T)",
    at: Quantity = ROOM,
    shared_relative_uncertainty: float = 0.0,
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

    Returns
    -------
    Result
        ``activation_energy`` (eV), ``ionic_conductivity`` (S cm-1) at the asked temperature and ``prefactor``
        (S K cm-1, or S cm-1 for ln(sigma)), with the full covariance of slope and intercept in the intervals, which are
        log-normal for the last two. Notes tell how far the temperature is from the data and whether two branches
        describe them better.

    Raises
    ------
    NotAnalysable
        With fewer than three temperatures, limits or values not above zero among the conductivities, or uncertainties
        stated for some only.
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
    if form not in _PREFACTOR_UNIT:
        raise ValueError(f"found the form {form!r}; expected one of {list(_PREFACTOR_UNIT)}")
    points = _points(conductivities, temperatures, form, shared_relative_uncertainty)
    line, asked = points.line(), _kelvin(at)
    shared = shared_relative_uncertainty
    quantities, correlation, budget = _quantities(line, form, asked, shared)
    return Result(
        method=f"straight line of {form} over 1/T, {'weighted' if line.weighted else 'equal weights'}",
        quantities=quantities,
        correlation=correlation,
        diagnostics={
            "reduced_chi_square": line.reduced_chi_square,
            "n_points": float(line.n_points),
            "temperature": asked[0],
            "lowest_temperature": float(points.temperature.min()),
            "highest_temperature": float(points.temperature.max()),
        },
        budget=budget,
        notes=tuple(_notes(points, line, asked[0], shared)),
        provenance={"form": form, "temperature": f"{at.value:g} {at.unit}"},
        curves=_curves(points, line, asked[0]),
    )


def _kelvin(temperature: Quantity) -> tuple[float, float]:
    """Return temperature and standard uncertainty in K."""
    zero = {"degC": 273.15, "K": 0.0}
    if temperature.unit not in zero:
        raise UnitError(f"found {temperature}; expected a temperature in degC or K")
    kelvin = temperature.value + zero[temperature.unit]
    if kelvin <= 0:
        raise NotAnalysable(f"found {temperature}, which is not above absolute zero")
    return kelvin, temperature.stderr or 0.0


def _points(conductivities: Sequence[Quantity], temperatures: Sequence[Quantity], form: Form, shared: float) -> _Points:
    if len(conductivities) != len(temperatures):
        raise NotAnalysable(f"found {len(conductivities)} conductivities at {len(temperatures)} temperatures")
    stated = checked(conductivities, "S cm-1")
    for quantity in stated:
        if quantity.value <= 0:
            raise NotAnalysable(f"found {quantity}; a conductivity that is not above 0 has no logarithm")
    kelvin = np.array([_kelvin(temperature) for temperature in temperatures]).reshape(-1, 2)
    return _Points(
        np.array([quantity.value for quantity in stated]),
        kelvin[:, 0],
        own_relative(stated, shared),
        kelvin[:, 1],
        form == "ln(sigma T)",
    )


def _quantities(
    line: StraightLine, form: Form, asked: tuple[float, float], shared: float
) -> tuple[tuple[Quantity, ...], tuple[tuple[float, ...], ...], dict[str, dict[str, float]]]:
    """Return activation energy, conductivity and prefactor, their correlation, and their budget."""
    kelvin, _ = asked
    hopping = form == "ln(sigma T)"
    logarithms = (line.value(1.0 / kelvin) - (math.log(kelvin) if hopping else 0.0), line.value(0.0))
    if max(map(abs, logarithms)) > _LARGEST_LOGARITHM:
        raise NotAnalysable("the temperatures are too close together to determine an Arrhenius line")
    parts = _parts(line, hopping, asked, shared)
    quantities = (
        _quantity("activation_energy", -BOLTZMANN * line.slope, "eV", parts[0], line),
        _quantity("ionic_conductivity", math.exp(logarithms[0]), "S cm-1", parts[1], line),
        _quantity("prefactor", math.exp(logarithms[1]), _PREFACTOR_UNIT[form], parts[2], line),
    )
    budget = {}
    for quantity, part in zip(quantities, parts, strict=True):
        size = 1.0 if quantity.unit == "eV" else quantity.value
        sources = {"line": math.hypot(*part[:2]), "shared": abs(part[2]), "temperature": abs(part[3])}
        budget[quantity.name] = {name: float(size * u) for name, u in sources.items() if u or name == "line"}
    joint = parts @ parts.T
    root = np.sqrt(np.diag(joint))
    root = np.where(root > 0, root, 1.0)
    correlation = tuple(tuple(map(float, row)) for row in joint / np.outer(root, root))
    return quantities, correlation, budget


def _parts(line: StraightLine, hopping: bool, asked: tuple[float, float], shared: float) -> Floats:
    """Return standard uncertainties by source, with sign.

    Rows are activation energy in eV, ln(sigma) and ln(prefactor); columns slope, level, what all share, and the asked
    temperature.
    """
    kelvin, kelvin_spread = asked
    steepness = -line.slope / kelvin**2 - (1.0 / kelvin if hopping else 0.0)
    level = math.sqrt(line.variance_factor * line.level_variance)
    return np.array(
        [
            [-BOLTZMANN * line.slope_spread, 0.0, 0.0, 0.0],
            [(1.0 / kelvin - line.centre) * line.slope_spread, level, shared, steepness * kelvin_spread],
            [-line.centre * line.slope_spread, level, shared, 0.0],
        ]
    )


def _quantity(name: str, value: float, unit: str, part: Floats, line: StraightLine) -> Quantity:
    """Return a quantity with its interval, which is that of the logarithm for all but the energy."""
    of_line, spread = math.hypot(*part[:2]), float(np.linalg.norm(part))
    known = math.hypot(*part[2:])
    degrees = effective_degrees_of_freedom([(of_line, line.degrees_of_freedom), (known, math.inf)])
    half = coverage_factor(degrees) * spread
    if unit == "eV":
        return Quantity(name, value, spread, unit, (value - half, value + half), kind="fit")
    half = min(half, _LARGEST_LOGARITHM - abs(math.log(value)))
    return Quantity(name, value, value * spread, unit, (value * math.exp(-half), value * math.exp(half)), kind="fit")


def _notes(points: _Points, line: StraightLine, asked: float, shared: float) -> Iterator[str]:
    lowest, highest = float(points.temperature.min()), float(points.temperature.max())
    if asked < lowest - _NEAR:
        yield f"the conductivity is extrapolated by {lowest - asked:.0f} K below the lowest temperature"
    if asked > highest + _NEAR:
        yield f"the conductivity is extrapolated by {asked - highest:.0f} K above the highest temperature"
    yield from line_notes(line)
    if not shared:
        yield "no uncertainty that all temperatures share (thickness, area) is stated apart from the others"
    if not points.temperature_spread.all():
        yield "temperatures without uncertainty count as exact"
    if abs(line.slope) < 2.0 * line.slope_spread:
        yield "no activation is resolved: the line is flat within its uncertainty"
    thermal = BOLTZMANN / line.centre
    other, sense = ("ln(sigma)", "lower") if points.hopping else ("ln(sigma T)", "higher")
    yield f"the form {other} gives an activation energy that is {sense} by about {thermal:.3f} eV"
    yield _branches(points, line)


def _branches(points: _Points, line: StraightLine) -> str:
    broken = broken_line(points.x, points.y, points.residual_spread(line.slope))
    if broken is None:
        return f"{line.n_points} temperatures are too few to tell two branches from one; that needs {BREAK_NEEDS}"
    if broken.gain <= 0:
        return f"one branch; a broken line raises AICc by {-broken.gain:.0f}"
    hot, cold = (-BOLTZMANN * slope for slope in broken.slopes)
    return (
        f"two branches describe the data better (AICc falls by {broken.gain:.0f}): {cold:.3g} eV below about "
        f"{1.0 / broken.place:.0f} K and {hot:.3g} eV above; one line across both is not an activation energy"
    )


def _curves(points: _Points, line: StraightLine, asked: float) -> xr.Dataset:
    """Return points and line with its 95 % band over temperature, reaching to the asked one; the band is the line's."""
    low, high = min(asked, points.temperature.min()), max(asked, points.temperature.max())
    grid = 1.0 / np.linspace(1.0 / low, 1.0 / high, 101)
    factor = coverage_factor(line.degrees_of_freedom)
    centre = np.array([line.value(1.0 / kelvin) for kelvin in grid]) - (np.log(grid) if points.hopping else 0.0)
    half = np.minimum(factor * np.array([line.spread(1.0 / kelvin) for kelvin in grid]), 300.0)
    kept = {"units": "S cm-1", "long_name": "ionic conductivity"}
    own = np.where(points.relative > 0, points.relative * points.conductivity, np.nan)
    return xr.Dataset(
        {
            "conductivity": ("temperature", points.conductivity, kept),
            "conductivity_stderr": ("temperature", own, {"units": "S cm-1"}),
            "arrhenius_line": ("temperature_line", np.exp(centre), kept),
            "arrhenius_low": ("temperature_line", np.exp(centre - half), kept),
            "arrhenius_high": ("temperature_line", np.exp(centre + half), kept),
        },
        coords={
            "temperature": ("temperature", points.temperature, {"units": "K", "long_name": "temperature"}),
            "temperature_line": ("temperature_line", grid, {"units": "K", "long_name": "temperature"}),
        },
    )
