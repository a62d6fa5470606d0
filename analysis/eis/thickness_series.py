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

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from ..statistics import coverage_factor, effective_degrees_of_freedom
from .circuit import Floats
from .ratio import lower_limit, ratio_interval, resolved
from .stated import checked, own_relative
from .straight_line import StraightLine, line_notes, straight_line


@dataclass(frozen=True)
class _Series:
    """Thickness in cm and resistance in ohm cm2, with uncertainties of each film on its own."""

    thickness: Floats
    resistance: Floats
    thickness_spread: Floats
    resistance_spread: Floats


def thickness_series(
    resistances: Sequence[Quantity], thicknesses: Sequence[Quantity], *, shared_relative_uncertainty: float = 0.0
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
        The part of the relative standard uncertainty of thickness that is the same for all films, such as that of the
        scale of the ellipsometer or the density. It is part of each stated uncertainty; it enters the conductivity but
        not the contact resistance.

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
    series = _series(resistances, thicknesses, shared_relative_uncertainty)
    line = straight_line(series.thickness, series.resistance, series.thickness_spread, series.resistance_spread)
    told = resolved(line.slope, line.slope_spread, line.degrees_of_freedom)
    sigma = _conductivity(line, shared_relative_uncertainty) if told else _limit(line, shared_relative_uncertainty)
    contact = _contact(line)
    own = line.slope_spread / abs(line.slope) if line.slope else math.inf
    return Result(
        method=f"line through resistance over thickness, {'errors in both' if line.weighted else 'equal weights'}",
        quantities=(sigma, contact),
        correlation=_correlation(line, own, shared_relative_uncertainty) if told else None,
        diagnostics={
            "reduced_chi_square": line.reduced_chi_square,
            "n_points": float(line.n_points),
            "slope": line.slope,
            "slope_stderr": line.slope_spread,
        },
        budget=_budget(sigma, contact, own, shared_relative_uncertainty) if told else {},
        notes=tuple(_notes(series, line, contact, told)),
        provenance={"shared_relative_uncertainty": f"{shared_relative_uncertainty:g}"},
        curves=_curves(series, line),
    )


def _series(resistances: Sequence[Quantity], thicknesses: Sequence[Quantity], shared: float) -> _Series:
    if len(resistances) != len(thicknesses):
        raise NotAnalysable(f"found {len(resistances)} resistances of {len(thicknesses)} thicknesses")
    for stated in thicknesses:
        if stated.value <= 0:
            raise ValueError(f"found {stated}; expected a value above 0")
    y, x = checked(resistances, "ohm cm2"), checked(thicknesses, "cm")
    thickness = np.array([quantity.value for quantity in x])
    return _Series(
        thickness,
        np.array([quantity.value for quantity in y]),
        own_relative(x, shared) * thickness,
        np.array([quantity.stderr or 0.0 for quantity in y]),
    )


def _conductivity(line: StraightLine, shared: float) -> Quantity:
    relative = line.slope_spread / line.slope
    degrees = effective_degrees_of_freedom([(relative, line.degrees_of_freedom), (shared, math.inf)])
    interval = ratio_interval(1.0, shared, line.slope, line.slope_spread, coverage_factor(degrees))
    sigma = 1.0 / line.slope
    return Quantity("ionic_conductivity", sigma, sigma * math.hypot(relative, shared), "S cm-1", interval, kind="fit")


def _limit(line: StraightLine, shared: float) -> Quantity:
    if line.slope_spread == 0:
        raise NotAnalysable(
            "the resistance does not rise with thickness at all; no uncertainty tells how little it may"
        )
    value = lower_limit(1.0, shared, line.slope, line.slope_spread, line.degrees_of_freedom)
    return Quantity("ionic_conductivity", value, None, "S cm-1", relation=">", kind="fit")


def _contact(line: StraightLine) -> Quantity:
    value, spread = line.value(0.0), line.spread(0.0)
    half = coverage_factor(line.degrees_of_freedom) * spread
    return Quantity("contact_resistance", value, spread, "ohm cm2", (value - half, value + half), kind="fit")


def _correlation(line: StraightLine, own: float, shared: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the correlation of conductivity and contact resistance: a steeper line ends lower."""
    if line.slope_spread == 0:
        return (1.0, 0.0), (0.0, 1.0)
    of_slope = own / math.hypot(own, shared)
    off = of_slope * line.centre * line.slope_spread / line.spread(0.0)
    return (1.0, off), (off, 1.0)


def _budget(sigma: Quantity, contact: Quantity, own: float, shared: float) -> dict[str, dict[str, float]]:
    conductivity = {"line": sigma.value * own}
    if shared:
        conductivity["shared"] = sigma.value * shared
    return {"ionic_conductivity": conductivity, "contact_resistance": {"line": contact.stderr or 0.0}}


def _notes(series: _Series, line: StraightLine, contact: Quantity, told: bool) -> Iterator[str]:
    if not told:
        yield (
            f"not resolved: the resistance rises by {line.slope:.3g} ± {line.slope_spread:.2g} ohm cm2 per cm of "
            "thickness; more films or a wider range of thickness would tell it from zero"
        )
    yield from line_notes(line)
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
