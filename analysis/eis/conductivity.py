r"""Ionic conductivity of a film or pellet between blocking electrodes, from one impedance spectrum.

.. math:: \sigma = \frac{d}{R A}, \qquad C = (R^{1-n} Q)^{1/n}, \qquad \varepsilon_r = \frac{C d}{\varepsilon_0 A}

R is the sum of the arcs of the film. Where no arc is resolved the result is a limit, or none, never a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import xarray as xr

from ..quantity import Quantity, Result
from ..statistics import ONE_SIDED_95
from .circuit import Floats
from .fit import CircuitFit, polish
from .judgement import curves, diagnostics, film_notes, fit_notes, provenance
from .limits import resistance_limit
from .propagation import Geometry, LogValue, propagate
from .selection import Choice, choose
from .spectrum import usable

VACUUM_PERMITTIVITY = 8.8541878188e-14
"""In F cm-1, CODATA 2022. https://doi.org/10.1103/RevModPhys.97.025002"""


def film_conductivity(ds: xr.Dataset, *, thickness: Quantity, area: Quantity) -> Result:
    r"""Through-plane ionic conductivity of a film or pellet between blocking electrodes.

    The circuit is leads (L0, R0, as far as the data determine them), one or two arcs ``p(R,CPE)`` of the film and the
    blocking electrode (CPE) in series; the number of arcs follows from AICc and from whether each is determined. The
    film's resistance is the sum of its arcs. The size of the noise is taken from the fit.

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
        ``ionic_conductivity`` (S cm-1), ``area_specific_resistance`` (ohm cm2), ``ionic_resistance`` (ohm), with two
        arcs ``arc_1_resistance`` and ``arc_2_resistance`` (ohm), ``capacitance`` (F) of the arcs in series and its
        ``relative_permittivity`` (1), ``relaxation_frequency`` (Hz) of the fastest arc, and ``series_resistance`` (ohm)
        when determined. Standard uncertainties join fit, thickness and area; intervals are log-normal when above 10 %.
        When no arc is resolved: conductivity and resistance as 95 % limits with relation ``>`` or ``<``, and a note
        that says why.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no single spectrum with enough usable points, or not even a limit follows from it.
    UnitError
        If thickness or area bear another dimension.

    References
    ----------
    .. [1] Irvine, Sinclair, West, Adv. Mater. 2 (1990) 132. https://doi.org/10.1002/adma.19900020304
    .. [2] Hirschorn et al., Electrochim. Acta 55 (2010) 6218. https://doi.org/10.1016/j.electacta.2009.10.065
    """
    geometry = Geometry.of(thickness, area)
    choice = choose(usable(ds))
    if choice.n_arcs == 0:
        return _limited(ds, choice, geometry)
    resistances = _resistances(choice)
    return _result(ds, choice, _film(resistances, geometry) | resistances, geometry)


def ionic_resistance(ds: xr.Dataset) -> Result:
    """Resistance of the film's arcs, for a spectrum whose geometry is not known.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.

    Returns
    -------
    Result
        ``ionic_resistance`` (ohm) and what else of `film_conductivity` needs neither thickness nor area.

    Raises
    ------
    NotAnalysable
        As for `film_conductivity`.
    """
    choice = choose(usable(ds))
    if choice.n_arcs == 0:
        return _limited(ds, choice, None)
    return _result(ds, choice, _resistances(choice), None)


def _resistances(choice: Choice) -> dict[str, LogValue]:
    """Return what needs no geometry."""
    found = choice.fit
    places = [found.index(f"R{number}") for number in range(1, choice.n_arcs + 1)]
    sizes = np.exp(found.theta[places])
    by_fit = np.zeros(found.theta.size)
    by_fit[places] = sizes / sizes.sum()
    values = {"ionic_resistance": LogValue(math.log(sizes.sum()), by_fit, "ohm")}
    if choice.n_arcs > 1:
        values |= {f"arc_{number}_resistance": _resistor(found, f"R{number}") for number in range(1, choice.n_arcs + 1)}
    values |= {"capacitance": _capacitance(found, choice.n_arcs), "relaxation_frequency": _relaxation(found)}
    if "R0" in found and found.spread("R0") < 1.0:
        values["series_resistance"] = _resistor(found, "R0")
    return values


def _resistor(found: CircuitFit, name: str) -> LogValue:
    place = found.index(name)
    return LogValue(float(found.theta[place]), np.eye(found.theta.size)[place], "ohm")


def _ln_tau(found: CircuitFit, number: int) -> tuple[float, Floats]:
    """Return ln of the relaxation time (R Q)^(1/n) of an arc in s, and its derivatives."""
    r, q, e = (found.index(name.format(number)) for name in ("R{}", "CPE{}_Q", "CPE{}_n"))
    n = found.value(f"CPE{number}_n")
    ln_tau = float(found.theta[r] + found.theta[q]) / n
    derivatives = np.zeros(found.theta.size)
    derivatives[[r, q, e]] = 1.0 / n, 1.0 / n, -ln_tau * (1.0 - n)
    return ln_tau, derivatives


def _capacitance(found: CircuitFit, n_arcs: int) -> LogValue:
    """Return the capacitance of the arcs in series, each tau/R: that of the film seen at high frequency."""
    arcs = [_ln_tau(found, number) for number in range(1, n_arcs + 1)]
    resistors = [_resistor(found, f"R{number}") for number in range(1, n_arcs + 1)]
    elastances = np.exp([r.logarithm - ln_tau for r, (ln_tau, _) in zip(resistors, arcs, strict=True)])
    share = elastances / elastances.sum()
    by_fit = np.array([derivatives - r.by_fit for r, (_, derivatives) in zip(resistors, arcs, strict=True)])
    return LogValue(-math.log(elastances.sum()), share @ by_fit, "F")


def _relaxation(found: CircuitFit) -> LogValue:
    ln_tau, derivatives = _ln_tau(found, 1)
    return LogValue(-ln_tau - math.log(2.0 * math.pi), -derivatives, "Hz")


def _film(resistances: Mapping[str, LogValue], geometry: Geometry) -> dict[str, LogValue]:
    """Return what needs thickness and area, the conductivity first."""
    r, c = resistances["ionic_resistance"], resistances["capacitance"]
    ln_d, ln_a = math.log(geometry.thickness), math.log(geometry.area)
    ln_permittivity = c.logarithm + ln_d - ln_a - math.log(VACUUM_PERMITTIVITY)
    return {
        "ionic_conductivity": LogValue(ln_d - ln_a - r.logarithm, -r.by_fit, "S cm-1", 1.0, -1.0),
        "area_specific_resistance": LogValue(r.logarithm + ln_a, r.by_fit, "ohm cm2", 0.0, 1.0),
        "relative_permittivity": LogValue(ln_permittivity, c.by_fit, "1", 1.0, -1.0),
    }


def _result(ds: xr.Dataset, choice: Choice, values: Mapping[str, LogValue], geometry: Geometry | None) -> Result:
    found = polish(choice.fit)
    propagated = propagate(values, found, geometry)
    numbers = {quantity.name: quantity.value for quantity in propagated.quantities}
    return Result(
        method=f"complex least squares of {found.circuit}, modulus weights, logarithmic parameters",
        quantities=propagated.quantities,
        correlation=propagated.correlation,
        diagnostics=diagnostics(ds, choice),
        budget=propagated.budget,
        notes=(*fit_notes(choice), *film_notes(choice, numbers), *(geometry.notes if geometry else ())),
        provenance=provenance(ds, choice),
        curves=curves(found),
        fit=found.minimizer_result,
    )


def _limited(ds: xr.Dataset, choice: Choice, geometry: Geometry | None) -> Result:
    """Return limits; the geometry's uncertainty widens them on the safe side."""
    vacuum = None if geometry is None else VACUUM_PERMITTIVITY * geometry.area / geometry.thickness
    limit = resistance_limit(choice, vacuum)
    choice = replace(choice, fit=limit.fit)
    quantities = [Quantity("ionic_resistance", limit.resistance, None, "ohm", relation=limit.relation, kind="fit")]
    if geometry is not None:
        sign = 1.0 if limit.relation == "<" else -1.0
        u = math.hypot(geometry.thickness_relative, geometry.area_relative)
        conductivity = geometry.thickness / (limit.resistance * geometry.area) * math.exp(-sign * ONE_SIDED_95 * u)
        specific = limit.resistance * geometry.area * math.exp(sign * ONE_SIDED_95 * geometry.area_relative)
        opposite: Literal["<", ">"] = ">" if limit.relation == "<" else "<"
        quantities = [
            Quantity("ionic_conductivity", conductivity, None, "S cm-1", relation=opposite, kind="fit"),
            Quantity("area_specific_resistance", specific, None, "ohm cm2", relation=limit.relation, kind="fit"),
            *quantities,
        ]
    return Result(
        method="one-sided 95 % limit from complex least squares, modulus weights, logarithmic parameters",
        quantities=tuple(quantities),
        diagnostics=diagnostics(ds, choice),
        notes=(f"not resolved: {limit.reason}", *fit_notes(choice), *(geometry.notes if geometry else ())),
        provenance=provenance(ds, choice),
        curves=curves(choice.fit),
    )
