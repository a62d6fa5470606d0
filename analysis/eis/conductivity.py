r"""Ionic conductivity of a film or pellet between blocking electrodes, from one impedance spectrum.

.. math:: \sigma = \frac{d}{R A}, \qquad C = (R^{1-n} Q)^{1/n}, \qquad \varepsilon_r = \frac{C d}{\varepsilon_0 A}

R is the sum of the arcs of the film. Where no arc is resolved the result is a limit, or nothing, never a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..quantity import Quantity, Result
from ..statistics import coverage_factor, effective_degrees_of_freedom, positive_interval, runs_p_value
from .circuit import Floats
from .fit import CircuitFit, polish
from .limits import bounds
from .selection import Choice, choose, relaxation
from .spectrum import Spectrum, usable

VACUUM_PERMITTIVITY = 8.8541878188e-14
"""In F cm-1, CODATA 2022. https://doi.org/10.1103/RevModPhys.97.025002"""

_PLAUSIBLE_PERMITTIVITY = (2.0, 200.0)  # dense inorganic electrolytes; grain boundaries and interfaces lie far above
_LEADS_MATTER = 0.02  # share of the film's resistance above which it is said what the series resistance may hide
_RUNS_P = 0.01
_AT_ONE = 0.998  # CPE exponent above which the element is a capacitor


def film_conductivity(ds: xr.Dataset, *, thickness: Quantity, area: Quantity) -> Result:
    r"""Through-plane ionic conductivity of a film or pellet between blocking electrodes.

    The circuit is leads (R0, L0, as far as the data determine them), one or two arcs ``p(R,CPE)`` of the film and the
    blocking electrode (CPE) in series; the number of arcs follows from AICc and from whether each is determined. The
    film's resistance is the sum of its arcs.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.
    thickness : Quantity
        Thickness of film or pellet, a length.
    area : Quantity
        Overlap area of the electrodes, not the area of the sample.

    Returns
    -------
    Result
        ``ionic_conductivity`` (S cm-1), ``area_specific_resistance`` (ohm cm2), ``ionic_resistance`` (ohm),
        ``arc_1_resistance``, ... when there are two, ``capacitance`` (F), ``relative_permittivity`` (1) and
        ``relaxation_frequency`` (Hz) of the fastest arc, ``series_resistance`` (ohm). Standard uncertainties join fit,
        thickness and area; intervals are log-normal when above 10 %. When no arc is resolved: 95 % limits with
        relation ``>`` or ``<``, or no conductivity at all, and a note that says so.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no single spectrum with enough usable points.
    UnitError
        If thickness or area bear another dimension.

    References
    ----------
    .. [1] Irvine, Sinclair, West, Adv. Mater. 2 (1990) 132. https://doi.org/10.1002/adma.19900020304
    .. [2] Hirschorn et al., Electrochim. Acta 55 (2010) 6218. https://doi.org/10.1016/j.electacta.2009.10.065
    """
    geometry = Geometry.of(thickness, area)
    spectrum, choice = _fitted(ds)
    if choice.n_arcs == 0:
        return _unresolved(ds, spectrum, choice, geometry)
    values = _film_values(choice, geometry) | _resistance_values(choice)
    notes = (*spectrum.notes, *geometry.notes, *_notes(choice), *_permittivity_notes(choice, values))
    return _result(ds, choice, values, notes, geometry)


def ionic_resistance(ds: xr.Dataset) -> Result:
    """Resistance of the film's arcs, for a spectrum whose geometry is not known.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.

    Returns
    -------
    Result
        ``ionic_resistance`` (ohm) and what else of `film_conductivity` needs no thickness and area.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no single spectrum with enough usable points.
    """
    spectrum, choice = _fitted(ds)
    if choice.n_arcs == 0:
        return _unresolved(ds, spectrum, choice, None)
    return _result(ds, choice, _resistance_values(choice), (*spectrum.notes, *_notes(choice)), None)


@dataclass(frozen=True)
class Geometry:
    """Thickness in cm and area in cm2 with relative standard uncertainties."""

    thickness: float
    area: float
    thickness_relative: float
    area_relative: float
    notes: tuple[str, ...]

    @classmethod
    def of(cls, thickness: Quantity, area: Quantity) -> Geometry:
        """Convert the stated quantities; `ValueError` when one is not above zero."""
        for stated in (thickness, area):
            if stated.value <= 0:
                raise ValueError(f"found {stated}; expected a {stated.name} above 0")
        notes = tuple(
            f"no uncertainty of the {stated.name} is stated; the result does not contain it"
            for stated in (thickness, area)
            if stated.stderr is None
        )
        d, a = thickness.to("cm"), area.to("cm2")
        return cls(d.value, a.value, d.relative, a.relative, notes)


@dataclass(frozen=True)
class _Value:
    """Logarithm of a positive value and its derivatives by the fit's parameters, ln(thickness) and ln(area)."""

    logarithm: float
    by_fit: Floats
    unit: str
    by_thickness: float = 0.0
    by_area: float = 0.0


def _fitted(ds: xr.Dataset) -> tuple[Spectrum, Choice]:
    spectrum = usable(ds)
    return spectrum, choose(spectrum)


def _resistance_values(choice: Choice) -> dict[str, _Value]:
    """Return what needs no geometry."""
    found = choice.fit
    places = [found.index(f"R{number}") for number in range(1, choice.n_arcs + 1)]
    resistances = np.exp(found.theta[places])
    by_fit = np.zeros(found.theta.size)
    by_fit[places] = resistances / resistances.sum()
    values = {"ionic_resistance": _Value(math.log(resistances.sum()), by_fit, "ohm")}
    if choice.n_arcs > 1:
        for number, place in enumerate(places, start=1):
            values[f"arc_{number}_resistance"] = _Value(float(found.theta[place]), _unit(found, place), "ohm")
    values["capacitance"], values["relaxation_frequency"] = _arc_values(found)
    if "R0" in found and found.spread("R0") < 1.0:
        place = found.index("R0")
        values["series_resistance"] = _Value(float(found.theta[place]), _unit(found, place), "ohm")
    return values


def _arc_values(found: CircuitFit) -> tuple[_Value, _Value]:
    """Return effective capacitance and relaxation frequency of the fastest arc."""
    r, q, e = found.index("R1"), found.index("CPE1_Q"), found.index("CPE1_n")
    n = found.value("CPE1_n")
    time = (found.theta[r] + found.theta[q]) / n
    by_time = np.zeros(found.theta.size)
    by_time[[r, q, e]] = 1.0 / n, 1.0 / n, -time * (1.0 - n)
    capacitance = _Value(float(time - found.theta[r]), by_time - _unit(found, r), "F")
    return capacitance, _Value(float(-time - math.log(2.0 * math.pi)), -by_time, "Hz")


def _film_values(choice: Choice, geometry: Geometry) -> dict[str, _Value]:
    """Return what needs thickness and area, the conductivity first."""
    values = _resistance_values(choice)
    r, c = values["ionic_resistance"], values["capacitance"]
    ln_d, ln_a = math.log(geometry.thickness), math.log(geometry.area)
    ln_vacuum = math.log(VACUUM_PERMITTIVITY)
    return {
        "ionic_conductivity": _Value(ln_d - r.logarithm - ln_a, -r.by_fit, "S cm-1", 1.0, -1.0),
        "area_specific_resistance": _Value(r.logarithm + ln_a, r.by_fit, "ohm cm2", 0.0, 1.0),
        "relative_permittivity": _Value(c.logarithm + ln_d - ln_vacuum - ln_a, c.by_fit, "1", 1.0, -1.0),
    }


def _unit(found: CircuitFit, place: int) -> Floats:
    return np.asarray(np.arange(found.theta.size) == place, dtype=float)


def _result(
    ds: xr.Dataset, choice: Choice, values: Mapping[str, _Value], notes: tuple[str, ...], geometry: Geometry | None
) -> Result:
    found = polish(choice.fit)
    gradients = np.array([[*v.by_fit, v.by_thickness, v.by_area] for v in values.values()])
    covariance = np.zeros((found.theta.size + 2, found.theta.size + 2))
    covariance[:-2, :-2] = np.where(np.isfinite(found.covariance), found.covariance, 0.0)
    if geometry is not None:
        covariance[-2, -2], covariance[-1, -1] = geometry.thickness_relative**2, geometry.area_relative**2
    joint = gradients @ covariance @ gradients.T
    relative = np.sqrt(np.diag(joint))
    size = np.where(relative > 0, relative, 1.0)
    quantities, budget = [], {}
    for (name, value), u in zip(values.items(), relative, strict=True):
        number = math.exp(value.logarithm)
        fit_part = math.sqrt(value.by_fit @ covariance[:-2, :-2] @ value.by_fit)
        factor = coverage_factor(effective_degrees_of_freedom([(fit_part, found.degrees_of_freedom), (_rest(u, fit_part), math.inf)]))
        interval = positive_interval(number, float(u), factor)
        quantities.append(Quantity(name, number, number * float(u), value.unit, interval, kind="fit"))
        budget[name] = {"fit": number * fit_part}
        if geometry is not None and value.by_area:
            budget[name]["area"] = number * geometry.area_relative
            if value.by_thickness:
                budget[name]["thickness"] = number * geometry.thickness_relative
    return Result(
        method=_method(choice),
        quantities=tuple(quantities),
        correlation=tuple(tuple(map(float, row)) for row in joint / np.outer(size, size)),
        diagnostics=_diagnostics(ds, choice),
        budget=budget,
        notes=notes,
        provenance=_provenance(ds, choice),
        curves=_curves(found),
        fit=found.minimizer_result,
    )
