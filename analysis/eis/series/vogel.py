r"""Conductivity of polymers and hybrid films over temperature: the law of Vogel, Tammann and Fulcher.

.. math:: \sigma = A\, T^{-1/2} e^{-B / k (T - T_0)} \quad\text{or}\quad \sigma = A\, e^{-B / k (T - T_0)}

Ions that move with the segments of a chain follow it, with T0 some 30 to 60 K below the glass transition. B is not a
barrier; the slope at a temperature, B T^2 / (T - T0)^2, is what an Arrhenius plot would show there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr

from ...detection import upper_limit
from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import coverage_factor, joint_factor
from ..circuits import Floats
from .curved_line import Conditional, CurvedLine, Functional, curved_line
from .scatter import scatter_notes
from .temperature_series import BOLTZMANN, LARGEST_LOGARITHM, ROOM, TemperatureSeries, kelvin

Form = Literal["ln(sigma T^1/2)", "ln(sigma)"]

_POWER = {"ln(sigma T^1/2)": 0.5, "ln(sigma)": 0.0}
_PREFACTOR_UNIT = {"ln(sigma T^1/2)": "S K0.5 cm-1", "ln(sigma)": "S cm-1"}
_BETTER_BY = 2.0
_GRID = 61


def vogel(
    conductivities: Sequence[Quantity],
    temperatures: Sequence[Quantity],
    *,
    form: Form = "ln(sigma T^1/2)",
    at: Quantity = ROOM,
    shared_relative_uncertainty: float = 0.0,
) -> Result:
    """Pseudo activation energy and T0 of a curved Arrhenius plot, and the conductivity at one temperature.

    A weighted fit in logarithms, as `arrhenius` with one parameter more. Intervals come from the profile of chi-square,
    since B, T0 and prefactor of one series are far from normally distributed.

    Parameters
    ----------
    conductivities : sequence of Quantity
        At least four, with whole standard uncertainties, as `film_conductivity` returns them.
    temperatures : sequence of Quantity
        In degC or K, of the sample and in the same order; errors are taken as independent of each other.
    form : {"ln(sigma T^1/2)", "ln(sigma)"}
        Whether the prefactor falls with the root of T. For the same data the second gives a lower B.
    at : Quantity
        Temperature in degC or K at which conductivity and apparent activation energy are wanted.
    shared_relative_uncertainty : float
        The part of the relative standard uncertainty that is the same at all temperatures, such as that of thickness
        and area. It is part of each stated uncertainty; it enters conductivity and prefactor only.

    Returns
    -------
    Result
        ``pseudo_activation_energy`` B (eV), ``vogel_temperature`` T0 (K), ``ionic_conductivity`` (S cm-1) and
        ``apparent_activation_energy`` (eV) at the asked temperature, and ``prefactor`` (S K0.5 cm-1, or S cm-1 for
        ln(sigma)). Where T0 is not told from zero, which is an Arrhenius line, T0 is an upper and B and prefactor are
        lower 95 % limits. Where the asked temperature is not told from T0, the conductivity is an upper limit and there
        is no apparent energy.

    Raises
    ------
    NotAnalysable
        With fewer than four temperatures, with what `arrhenius` declines, where the plot is curved the other way, or
        where the data do not even bound T0 from above.
    UnitError
        If a conductivity or a temperature bears another dimension.

    References
    ----------
    .. [1] Ratner, Johansson, Shriver, MRS Bull. 25 (2000) 31. https://doi.org/10.1557/mrs2000.16

    Examples
    --------
    >>> kelvin = (300.0, 310.0, 320.0, 330.0, 340.0, 350.0, 360.0)
    >>> sigma = [5.0 / t**0.5 * math.exp(-0.1 / (BOLTZMANN * (t - 210.0))) for t in kelvin]
    >>> result = vogel(
    ...     [Quantity("ionic_conductivity", s, 0.02 * s, "S cm-1") for s in sigma],
    ...     [Quantity("temperature", t, 0.1, "K") for t in kelvin],
    ... )
    >>> print(result["vogel_temperature"])
    vogel_temperature = 210.0 ± 3.8 K
    """
    if form not in _POWER:
        raise ValueError(f"found the form {form!r}; expected one of {list(_POWER)}")
    series = TemperatureSeries.of(conductivities, temperatures, _POWER[form], shared_relative_uncertainty)
    law, asked, shared = curved_line(series), kelvin(at), shared_relative_uncertainty
    lines = law.within(coverage_factor(law.degrees_of_freedom))
    _decline(law, lines)
    wanted = _wanted(law, form, asked, shared)
    quantities = tuple(_quantities(law, lines, wanted))
    numbers = all(quantity.relation == "=" for quantity in quantities) and len(quantities) == len(wanted)
    gain = law.gain
    return Result(
        method=f"Vogel-Tammann-Fulcher law in {form}, {'weighted' if law.weighted else 'equal weights'}",
        quantities=quantities,
        correlation=_correlation(law, wanted) if numbers else None,
        diagnostics={"reduced_chi_square": law.reduced_chi_square, "n_points": float(law.n_points)}
        | series.diagnostics(asked[0])
        | ({} if gain is None else {"aicc_gain_over_arrhenius": gain}),
        budget=_budget(law, wanted, quantities),
        notes=tuple(_notes(law, quantities, asked[0], shared)),
        provenance={"form": form, "temperature": f"{at.value:g} {at.unit}"},
        curves=_curves(law, lines, asked[0]),
    )


@dataclass(frozen=True)
class _Wanted:
    """A quantity as what is asked of the law; `known` are uncertainties beside the fit: shared, asked temperature."""

    name: str
    unit: str
    of: Callable[[Floats], Functional]
    logarithmic: bool = False
    known: tuple[float, float] = (0.0, 0.0)

    def best(self, law: CurvedLine) -> Functional:
        return self.of(np.array(law.curvature))

    def row(self, law: CurvedLine) -> Floats:
        """Return the gradient by level, energy and curvature."""
        return law.gradient(self.best(law))


def _wanted(law: CurvedLine, form: Form, asked: tuple[float, float], shared: float) -> tuple[_Wanted, ...]:
    temperature, spread = asked
    best = np.array(law.curvature)
    distance = temperature - law.value(law.vogel_temperature(best))
    apparent = law.value(law.apparent_energy(temperature, best)) if distance > 0 else 0.0
    steepness = apparent / (BOLTZMANN * temperature**2) - law.series.power / temperature
    change = 2.0 * apparent * (1.0 / temperature - 1.0 / distance)
    of_power = law.series.power * math.log(temperature)

    def conductivity(q: Floats) -> Functional:
        return replace(law.logarithm(temperature, q), offset=-of_power)

    def apparent_energy(q: Floats) -> Functional:
        return law.apparent_energy(temperature, q)

    return (
        _Wanted("pseudo_activation_energy", "eV", law.pseudo_energy),
        _Wanted("vogel_temperature", "K", law.vogel_temperature),
        _Wanted("ionic_conductivity", "S cm-1", conductivity, True, (shared, steepness * spread)),
        _Wanted("apparent_activation_energy", "eV", apparent_energy, False, (0.0, change * spread)),
        _Wanted("prefactor", _PREFACTOR_UNIT[form], law.intercept, True, (shared, 0.0)),
    )


def _decline(law: CurvedLine, lines: Conditional) -> None:
    """Raise `NotAnalysable` where not even a limit follows."""
    lowest = f"{law.series.lowest:.0f} K"
    if not law.bounded(float(lines.q[-1])):
        raise NotAnalysable(
            f"T0 is not resolved: it may be anything up to the lowest temperature, {lowest}. More temperatures, a "
            "wider range or a smaller uncertainty would bound it; an Arrhenius line needs less"
        )
    if lines.q[-1] < 0:
        raise NotAnalysable(
            "the Arrhenius plot is curved upwards, less steep in the cold, which no T0 above absolute zero describes: "
            "look for a second path of conduction, a change of the sample, or two branches of an Arrhenius line"
        )


def _quantities(law: CurvedLine, lines: Conditional, wanted: Sequence[_Wanted]) -> Iterator[Quantity]:
    """Return numbers, and limits for what T0 decides where it is not told from zero or from the asked temperature.

    A limit is the end of the interval of 95 % that a number would have: a narrower one, of one side only, would hold
    too seldom for those series that happen to look straight.
    """
    told = float(lines.q[0]) > 0
    for one in wanted:
        low, high = law.range(lines, one.of(lines.q), coverage_factor(law.degrees_of_freedom))
        if one.name == "vogel_temperature" and not told:
            yield _upper_temperature(law, lines)
        elif one.name in ("pseudo_activation_energy", "prefactor") and not told:
            yield from _limit(law, one, low, ">")
        elif one.logarithmic and math.isinf(low):
            yield from _limit(law, one, high, "<")
        elif math.isfinite(low) and math.isfinite(high):
            yield _number(law, one, low, high)


def _number(law: CurvedLine, one: _Wanted, low: float, high: float) -> Quantity:
    """Return a number with the interval of its profile, joined with what is known beside the fit on either side."""
    value, factor, known = law.value(one.best(law)), coverage_factor(law.degrees_of_freedom), math.hypot(*one.known)
    half = []
    for distance in (value - low, high - value):
        of_fit = max(distance, 0.0) / factor
        half.append(joint_factor(of_fit, law.degrees_of_freedom, known) * math.hypot(of_fit, known))
    spread = math.hypot(_spread(law, one), known)
    if not one.logarithmic:
        return Quantity(one.name, value, spread, one.unit, (value - half[0], value + half[1]), kind="fit")
    if abs(value) > LARGEST_LOGARITHM:
        raise NotAnalysable("the temperatures are too close together to determine a prefactor")
    ends = (max(value - half[0], -LARGEST_LOGARITHM), min(value + half[1], LARGEST_LOGARITHM))
    size = math.exp(value)
    return Quantity(one.name, size, size * spread, one.unit, (math.exp(ends[0]), math.exp(ends[1])), kind="fit")


def _spread(law: CurvedLine, one: _Wanted) -> float:
    """Return the standard uncertainty by the fit in first order."""
    row = one.row(law)
    return math.sqrt(max(float(row @ law.covariance @ row), 0.0) * law.variance_factor)


def _limit(law: CurvedLine, one: _Wanted, end: float, relation: Literal["<", ">"]) -> Iterator[Quantity]:
    """Return an end of a profile, moved by what is known beside the fit; nothing where the end is not finite."""
    value, known = law.value(one.best(law)), coverage_factor(math.inf) * math.hypot(*one.known)
    # Where the best law has no value, its distance to the limit is not known, and both parts add up.
    more = math.hypot(end - value, known) - abs(end - value) if math.isfinite(value) else known
    end += more if relation == "<" else -more
    if not one.logarithmic or abs(end) < LARGEST_LOGARITHM:
        yield Quantity(
            one.name, math.exp(end) if one.logarithmic else end, None, one.unit, relation=relation, kind="fit"
        )


def _upper_temperature(law: CurvedLine, lines: Conditional) -> Quantity:
    """Return the limit of T0, which cannot be negative: a curvature of the wrong sign counts as none."""
    highest = float(lines.q[-1])
    spread = (highest - law.curvature) / coverage_factor(law.degrees_of_freedom)
    largest = min(max(upper_limit(law.curvature, spread), highest), law.bounds[1])
    value = float(law.vogel_temperature(np.array(largest)).offset)
    return Quantity("vogel_temperature", value, None, "K", relation="<", kind="fit")


def _correlation(law: CurvedLine, wanted: Sequence[_Wanted]) -> tuple[tuple[float, ...], ...]:
    rows = np.array([one.row(law) for one in wanted])
    known = np.array([one.known for one in wanted])
    joint = law.variance_factor * rows @ law.covariance @ rows.T + known @ known.T
    root = np.sqrt(np.diag(joint))
    root = np.where(root > 0, root, 1.0)
    return tuple(tuple(map(float, row)) for row in joint / np.outer(root, root))


def _budget(law: CurvedLine, wanted: Sequence[_Wanted], quantities: Sequence[Quantity]) -> dict[str, dict[str, float]]:
    numbers = {quantity.name: quantity.value for quantity in quantities if quantity.relation == "="}
    budget = {}
    for one in wanted:
        if one.name in numbers:
            size = numbers[one.name] if one.logarithmic else 1.0
            sources = {"line": _spread(law, one), "shared": one.known[0], "temperature": abs(one.known[1])}
            budget[one.name] = {name: float(size * u) for name, u in sources.items() if u or name == "line"}
    return budget


def _notes(law: CurvedLine, quantities: Sequence[Quantity], asked: float, shared: float) -> Iterator[str]:
    found = {quantity.name: quantity for quantity in quantities}
    if found["vogel_temperature"].relation == "<":
        yield (
            "T0 is not resolved: the plot is not told from a straight Arrhenius line, which has T0 at absolute zero; "
            "more temperatures, a wider range or a smaller uncertainty would tell"
        )
    yield from law.series.notes(asked, shared)
    if "ionic_conductivity" not in found:
        yield "there is no conductivity: the temperature asked for lies below T0, where the law has none"
    elif found["ionic_conductivity"].relation == "<":
        yield "the conductivity has no lower bound: the temperature asked for is not told from T0"
    elif asked < law.series.lowest:
        yield "below the glass transition, where the chains freeze, the conductivity is higher than the law says"
    yield from scatter_notes(law)
    gain = law.gain
    if gain is None:
        yield f"{law.n_points} temperatures are too few to tell the curve from a straight line by AICc"
    elif gain < _BETTER_BY:
        yield (
            f"a straight Arrhenius line is as good: AICc of the curve is lower by {gain:.1f} only"
            if gain > 0
            else (f"a straight Arrhenius line is as good: the curve raises AICc by {-gain:.1f}")
        )
    else:
        yield f"the curve describes the data better than a straight Arrhenius line: AICc falls by {gain:.0f}"


def _curves(law: CurvedLine, lines: Conditional, asked: float) -> xr.Dataset:
    """Return points and law with its 95 % band over temperature, reaching to the asked one where the law does."""
    best = np.array(law.curvature)
    end = law.value(law.vogel_temperature(best))
    low = min(asked if asked > end else math.inf, law.series.lowest)
    high = max(asked, law.series.highest)
    grid = 1.0 / np.linspace(1.0 / low, 1.0 / high, _GRID)
    factor = coverage_factor(law.degrees_of_freedom)
    centre = np.array([law.value(law.logarithm(t, best)) for t in grid])
    band = np.array([law.range(lines, law.logarithm(t, lines.q), factor) for t in grid])
    return law.series.curves(grid, centre, band[:, 0], band[:, 1])
