r"""Ionic conductivity and contact resistance from films of several thicknesses.

.. math:: \mathrm{ASR}(d) = R_c + \frac{d}{\sigma}

The contact resistance, which a single film cannot tell from its own, is the line's value at no thickness.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import coverage_factor, joint_factor
from ..circuits import Floats
from .ratio import lower_limit, ratio_interval, resolved
from .scatter import scatter_notes
from .stated import checked, own_spread
from .straight_line import StraightLine, straight_line


@dataclass(frozen=True)
class _Series:
    """Thickness in cm and resistance in ohm cm2, with uncertainties of each film on its own."""

    thickness: Floats
    resistance: Floats
    thickness_spread: Floats
    resistance_spread: Floats


def thickness_series(
    resistances: Sequence[Quantity],
    thicknesses: Sequence[Quantity],
    *,
    shared_relative_uncertainty: float = 0.0,
    shared_thickness_uncertainty: float = 0.0,
) -> Result:
    """Conductivity and contact resistance from a line through area specific resistances over thickness.

    The line weighs the errors of both. Resistances without uncertainty get equal weights, and the scatter tells the
    uncertainty. Where the scatter is larger than stated uncertainties allow, these are enlarged by the square root of
    the reduced chi-square.

    Parameters
    ----------
    resistances : sequence of Quantity
        At least three, area specific, in ohm cm2.
    thicknesses : sequence of Quantity
        Of the films in the same order, lengths.
    shared_relative_uncertainty : float
        The part of the relative standard uncertainty of the resistances that is the same for all, such as that of the
        area of one shadow mask. It is part of each stated uncertainty; it enters conductivity and contact resistance
        once, however many films there are.
    shared_thickness_uncertainty : float
        Likewise of the thicknesses, such as that of the scale of the ellipsometer or of the density. It enters the
        conductivity but not the contact resistance.

    Returns
    -------
    Result
        ``ionic_conductivity`` (S cm-1), the reciprocal slope with the interval of a ratio, and ``contact_resistance``
        (ohm cm2) of both interfaces and leads. Where the slope is not resolved the conductivity is a 95 % limit with
        relation ``>``.

    Raises
    ------
    NotAnalysable
        With fewer than three films, one thickness throughout, limits, or uncertainties stated for some only.
    UnitError
        If a resistance or a thickness bears another dimension.

    References
    ----------
    .. [1] York, Evensen, Lopez Martinez, De Basabe Delgado, Am. J. Phys. 72 (2004) 367.
       https://doi.org/10.1119/1.1632486

    Examples
    --------
    >>> films = {50.0: 9.1, 100.0: 14.2, 200.0: 23.8, 300.0: 34.1}
    >>> result = thickness_series(
    ...     [Quantity("area_specific_resistance", value, 0.2, "ohm cm2") for value in films.values()],
    ...     [Quantity("thickness", d, 0.02 * d, "nm") for d in films],
    ... )
    >>> print(result["contact_resistance"])
    contact_resistance = 4.17 ± 0.27 ohm cm2
    """
    shared = _Shared(shared_relative_uncertainty, shared_thickness_uncertainty)
    series = _series(resistances, thicknesses, shared)
    line = straight_line(series.thickness, series.resistance, series.thickness_spread, series.resistance_spread)
    told = resolved(line.slope, line.slope_spread, line.degrees_of_freedom)
    sigma, contact = _conductivity(line, shared) if told else _limit(line, shared), _contact(line, shared)
    return Result(
        method=f"line through resistance over thickness, {'errors in both' if line.weighted else 'equal weights'}",
        quantities=(sigma, contact),
        correlation=_correlation(line, shared) if told else None,
        diagnostics={
            "reduced_chi_square": line.reduced_chi_square,
            "n_points": float(line.n_points),
            "slope": line.slope,
            "slope_stderr": line.slope_spread,
        },
        budget=_budget(line, sigma, contact, shared) if told else {},
        notes=tuple(_notes(series, line, contact, told)),
        provenance={
            "shared_relative_uncertainty": f"{shared.resistance:g}",
            "shared_thickness_uncertainty": f"{shared.thickness:g}",
        },
        curves=_curves(series, line),
    )


@dataclass(frozen=True)
class _Shared:
    """Relative standard uncertainties that all films share."""

    resistance: float
    thickness: float

    @property
    def of_slope(self) -> float:
        return math.hypot(self.resistance, self.thickness)


def _series(resistances: Sequence[Quantity], thicknesses: Sequence[Quantity], shared: _Shared) -> _Series:
    if len(resistances) != len(thicknesses):
        raise NotAnalysable(f"found {len(resistances)} resistances of {len(thicknesses)} thicknesses")
    for stated in thicknesses:
        if stated.value <= 0:
            raise ValueError(f"found {stated}; expected a value above 0")
    y, x = checked(resistances, "ohm cm2"), checked(thicknesses, "cm")
    return _Series(
        np.array([quantity.value for quantity in x]),
        np.array([quantity.value for quantity in y]),
        own_spread(x, shared.thickness),
        own_spread(y, shared.resistance),
    )


def _conductivity(line: StraightLine, shared: _Shared) -> Quantity:
    relative, known = line.slope_spread / line.slope, shared.of_slope
    factor = joint_factor(relative, line.degrees_of_freedom, known)
    interval = ratio_interval(1.0, known, line.slope, line.slope_spread, factor)
    sigma = 1.0 / line.slope
    return Quantity("ionic_conductivity", sigma, sigma * math.hypot(relative, known), "S cm-1", interval, kind="fit")


def _limit(line: StraightLine, shared: _Shared) -> Quantity:
    if line.slope_spread == 0:
        raise NotAnalysable(
            "the resistance does not rise with thickness at all; no uncertainty tells how little it may"
        )
    value = lower_limit(1.0, shared.of_slope, line.slope, line.slope_spread, line.degrees_of_freedom)
    return Quantity("ionic_conductivity", value, None, "S cm-1", relation=">", kind="fit")


def _contact(line: StraightLine, shared: _Shared) -> Quantity:
    value, own = line.value(0.0), line.spread(0.0)
    known = abs(value) * shared.resistance
    spread = math.hypot(own, known)
    half = joint_factor(own, line.degrees_of_freedom, known) * spread
    return Quantity("contact_resistance", value, spread, "ohm cm2", (value - half, value + half), kind="fit")


def _correlation(line: StraightLine, shared: _Shared) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the correlation of conductivity and contact resistance.

    A steeper line ends lower; a larger area raises slope and end alike.
    """
    contact, relative = line.value(0.0), line.slope_spread / line.slope
    covariance = line.centre * line.slope_spread * relative - contact * shared.resistance**2
    spreads = math.hypot(relative, shared.of_slope) * math.hypot(line.spread(0.0), contact * shared.resistance)
    off = covariance / spreads if spreads else 0.0
    return (1.0, off), (off, 1.0)


def _budget(line: StraightLine, sigma: Quantity, contact: Quantity, shared: _Shared) -> dict[str, dict[str, float]]:
    conductivity = {
        "line": sigma.value * line.slope_spread / line.slope,
        "shared": sigma.value * shared.resistance,
        "shared_thickness": sigma.value * shared.thickness,
    }
    resistance = {"line": line.spread(0.0), "shared": abs(contact.value) * shared.resistance}
    return {
        name: {source: u for source, u in sources.items() if u or source == "line"}
        for name, sources in (("ionic_conductivity", conductivity), ("contact_resistance", resistance))
    }


def _notes(series: _Series, line: StraightLine, contact: Quantity, told: bool) -> Iterator[str]:
    if not told:
        yield (
            f"not resolved: the resistance rises by {line.slope:.3g} ± {line.slope_spread:.2g} ohm cm2 per cm of "
            "thickness; more films or a wider range of thickness would tell it from zero"
        )
    yield from scatter_notes(line)
    low, high = contact.interval95 or (contact.value, contact.value)
    if high < 0:
        yield (
            "the contact resistance is below zero: thin films conduct better than the line says (pinholes, roughness), "
            "or the thickness holds a part that does not resist"
        )
    elif low <= 0:
        yield "the contact resistance is not told from zero"
    if line.weighted and not series.thickness_spread.all():
        yield "thicknesses without uncertainty of their own count as exact"


def _curves(series: _Series, line: StraightLine) -> xr.Dataset:
    """Return points, line and its 95 % band from no thickness to the thickest film."""
    grid = np.linspace(0.0, 1.05 * series.thickness.max(), 101)
    half = coverage_factor(line.degrees_of_freedom) * np.array([line.spread(d) for d in grid])
    centre = np.array([line.value(d) for d in grid])
    kept = {"units": "ohm cm2", "long_name": "area specific resistance"}
    length = {"units": "nm", "long_name": "thickness"}
    return xr.Dataset(
        {
            "area_specific_resistance": ("film", series.resistance, kept),
            "area_specific_resistance_stderr": ("film", series.resistance_spread, {"units": "ohm cm2"}),
            "film_thickness": ("film", 1e7 * series.thickness, length),
            "film_thickness_stderr": ("film", 1e7 * series.thickness_spread, {"units": "nm"}),
            "series_line": ("line_thickness", centre, kept),
            "series_low": ("line_thickness", centre - half, kept),
            "series_high": ("line_thickness", centre + half, kept),
        },
        coords={"line_thickness": ("line_thickness", 1e7 * grid, length)},
    )
