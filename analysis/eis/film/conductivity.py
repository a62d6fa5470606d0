r"""Ionic conductivity of a film or pellet from one impedance spectrum.

.. math:: \sigma = \frac{\kappa}{R}, \qquad \kappa = \frac{d}{A} \text{ between parallel electrodes}

R is the sum of the arcs of the film, told from those of interfaces by their capacitance. Where no arc of the film is
resolved the result is a limit, or none, never a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import ONE_SIDED_95
from ..fitting.fit import polish
from ..fitting.fit_curves import curves
from ..spectrum import usable
from .assignment import PROCESSES, Assigned, Electrodes, Process, assign
from .film_quantities import arc_capacitances, conductivity, film_arcs, resistances, with_geometry
from .interdigitated import Interdigitated, in_plane
from .judgement import arc_figures, arc_notes, diagnostics, film_notes, fit_notes, provenance
from .leakage import beside_leakage, side_by_side, split, stated_resistance
from .limits import Limit, intercept_limit, resistance_limit
from .misfit import allowing_for_shape
from .propagation import Geometry, LogValue, parallel_plates, propagate, resistor
from .selection import Choice, choose


def film_conductivity(
    ds: xr.Dataset,
    *,
    thickness: Quantity,
    area: Quantity,
    electrodes: Electrodes | None = None,
    electronic_resistance: Quantity | None = None,
    assignment: Mapping[int, Process] | None = None,
) -> Result:
    r"""Through-plane ionic conductivity of a film or pellet.

    The circuit is leads (L0, R0, as far as the data determine them), up to three arcs ``p(R,CPE)`` and a blocking
    electrode (CPE) in series; the number of arcs follows from AICc and from whether each is determined. Each arc is
    assigned to bulk, grain boundaries, an interface or a reaction by its capacitance, and the film's resistance is the
    sum of those of bulk and grain boundaries. The size of the noise is taken from the fit; that arcs may be of another
    shape than that of a CPE is part of the uncertainty.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.
    thickness : Quantity
        Thickness of film or pellet, a length.
    area : Quantity
        Overlap area of the electrodes, not the area of the sample.
    electrodes : {"blocking", "non-blocking"}, optional
        What the electrodes are to the mobile ion (gold blocks lithium, lithium does not). Left out, as the spectrum
        shows. With blocking electrodes a spectrum that closes on the real axis is one of electronic leakage.
    electronic_resistance : Quantity, optional
        Resistance of the electronic path in ohm, from DC polarisation of this cell.
    assignment : mapping of int to str, optional
        Processes that are known, by the number of the arc from the fastest: ``{1: "bulk", 2: "interface"}``.

    Returns
    -------
    Result
        ``ionic_conductivity`` (S cm-1), ``area_specific_resistance`` (ohm cm2), ``ionic_resistance`` (ohm) of the
        film, ``capacitance`` (F) of its arcs in series with its ``relative_permittivity`` (1),
        ``relaxation_frequency`` (Hz) of its fastest arc, ``series_resistance`` (ohm) and ``electrode_capacitance``
        (F cm-2, Brug) when determined. With several arcs ``bulk_resistance``, ``grain_boundary_resistance``,
        ``interface_resistance`` and ``reaction_resistance`` (ohm), each the sum of its arcs, or ``arc_1_resistance``
        where the process is doubtful; with bulk and grain boundaries ``bulk_conductivity`` and the apparent
        ``grain_boundary_conductivity``; of interfaces also ``interface_area_specific_resistance`` (ohm cm2) and
        ``interface_capacitance`` (F cm-2). With electronic leakage the headline is that of the ions alone, beside
        ``total_resistance``, ``electronic_resistance`` (ohm) and ``ionic_transference_number`` (1).
        Standard uncertainties join fit, thickness and area; intervals are log-normal when above 10 %.
        Provenance holds the process of each arc under ``arc_1``, ..., diagnostics its confidence (0 to 1) under
        ``arc_1_confidence``, the notes the reasons.
        When no arc of the film is resolved: conductivity and resistance as 95 % limits with relation ``>`` or ``<``,
        and a note that says why.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no single spectrum with enough usable points, if the assignment names an arc that is not
        there, or not even a limit follows.
    UnitError
        If a fact bears another dimension.
    ValueError
        If a fact is not above zero, or a process is none of this module's.

    References
    ----------
    .. [1] Irvine, Sinclair, West, Adv. Mater. 2 (1990) 132. https://doi.org/10.1002/adma.19900020304
    .. [2] Hirschorn et al., Electrochim. Acta 55 (2010) 6218. https://doi.org/10.1016/j.electacta.2009.10.065
    """
    facts = _Facts(electrodes, electronic_resistance, assignment or {})
    return _analysed(ds, parallel_plates(thickness, area), facts)


def in_plane_conductivity(
    ds: xr.Dataset,
    *,
    thickness: Quantity,
    geometry: Interdigitated,
    electrodes: Electrodes | None = None,
    electronic_resistance: Quantity | None = None,
    assignment: Mapping[int, Process] | None = None,
) -> Result:
    r"""In-plane ionic conductivity of a film on interdigitated electrodes and an insulating substrate.

    For a film much thinner than the gap :math:`\sigma = w / (R\,t\,L (N - 1))`; else by conformal mapping, see
    `interlayer.analysis.eis.film.interdigitated`.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.
    thickness : Quantity
        Thickness of the film, a length.
    geometry : Interdigitated
        The comb.
    electrodes, electronic_resistance, assignment
        As for `film_conductivity`. The capacitance beside the film is the stray field through the substrate, so that
        arcs are not assigned to processes by it; those that are not stated to be an interface count as the film's.

    Returns
    -------
    Result
        As for `film_conductivity`, without what needs an area.

    Raises
    ------
    NotAnalysable, UnitError, ValueError
        As for `film_conductivity`.

    References
    ----------
    .. [1] Olthuis, Streekstra, Bergveld, Sens. Actuators B 24 (1995) 252. https://doi.org/10.1016/0925-4005(95)85053-8
    .. [2] Igreja, Dias, Sens. Actuators A 112 (2004) 291. https://doi.org/10.1016/j.sna.2004.01.040
    """
    facts = _Facts(electrodes, electronic_resistance, assignment or {})
    return _analysed(ds, in_plane(geometry, thickness), facts)


def ionic_resistance(ds: xr.Dataset, *, assignment: Mapping[int, Process] | None = None) -> Result:
    """Resistance of the film's arcs, for a spectrum whose geometry is not known.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.
    assignment : mapping of int to str, optional
        As for `film_conductivity`. Without a geometry all other arcs count as the film's.

    Returns
    -------
    Result
        ``ionic_resistance`` (ohm) and what else of `film_conductivity` needs neither thickness nor area.

    Raises
    ------
    NotAnalysable
        As for `film_conductivity`.
    """
    return _analysed(ds, None, _Facts(assignment=assignment or {}))


@dataclass(frozen=True)
class _Facts:
    """What the user knows of the cell."""

    electrodes: Electrodes | None = None
    electronic_resistance: Quantity | None = None
    assignment: Mapping[int, Process] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.electrodes not in (None, "blocking", "non-blocking"):
            raise ValueError(f"the electrodes are {self.electrodes!r}; expected 'blocking', 'non-blocking' or None")
        for number, process in self.assignment.items():
            if process not in PROCESSES:
                raise ValueError(f"arc {number} is assigned to {process!r}; expected one of {', '.join(PROCESSES)}")


def _analysed(ds: xr.Dataset, geometry: Geometry | None, facts: _Facts) -> Result:
    choice = choose(usable(ds))
    if choice.n_arcs == 0:
        limit = resistance_limit(choice, None if geometry is None else geometry.vacuum_capacitance)
        return _limited(ds, choice, geometry, limit)
    if facts.assignment and max(facts.assignment) > choice.n_arcs:
        raise NotAnalysable(f"found {choice.n_arcs} arcs; the assignment names arc {max(facts.assignment)}")
    leaking = beside_leakage(choice) if facts.electrodes == "blocking" else None
    choice = leaking or choice
    found = polish(allowing_for_shape(choice.fit, choice.n_arcs))
    choice = replace(choice, fit=found)
    assigned = _assigned(choice, geometry, facts)
    if not film_arcs(assigned):
        return _limited(ds, choice, geometry, intercept_limit(choice), assigned)
    values = resistances(found, assigned)
    known = dict(geometry.relative) if geometry else {}
    if facts.electronic_resistance is not None:
        known["electronic_resistance"] = facts.electronic_resistance.relative
        stated = stated_resistance(facts.electronic_resistance, found.theta.size)
        paths = split(values["ionic_resistance"], stated, found, known)
        if paths.least_ionic_resistance is not None:
            reason = "the electronic path carries all of the current within its uncertainty"
            limit = Limit(paths.least_ionic_resistance, ">", reason, found)
            return _limited(ds, choice, geometry, limit, assigned)
        values |= paths.values
    elif leaking is not None:
        values |= side_by_side(values["ionic_resistance"], resistor(found, "Re"))
    if geometry is not None:
        values = with_geometry(values, found, assigned, geometry) | values
        if "electronic_resistance" in values:
            values["electronic_conductivity"] = conductivity(values["electronic_resistance"], geometry)
    return _result(ds, choice, values, geometry, known, assigned, facts)


def _assigned(choice: Choice, geometry: Geometry | None, facts: _Facts) -> tuple[Assigned, ...]:
    numbers = range(1, choice.n_arcs + 1)
    if geometry is None or geometry.area is None:
        why = "without thickness and area" if geometry is None else "beside the stray field of the substrate"
        return tuple(
            Assigned(facts.assignment[number], 1.0, "as stated", stated=True)
            if number in facts.assignment
            else Assigned("unknown", 1.0, f"{why} a capacitance says nothing")
            for number in numbers
        )
    return assign(
        arc_capacitances(choice.fit, choice.n_arcs),
        choice.fit,
        geometry,
        electrodes=facts.electrodes,
        spur=choice.has_electrode,
        stated=facts.assignment,
    )


def _result(
    ds: xr.Dataset,
    choice: Choice,
    values: Mapping[str, LogValue],
    geometry: Geometry | None,
    known: Mapping[str, float],
    assigned: tuple[Assigned, ...],
    facts: _Facts,
) -> Result:
    propagated = propagate(values, choice.fit, known)
    numbers = {quantity.name: quantity.value for quantity in propagated.quantities}
    notes = (
        *fit_notes(choice),
        *film_notes(choice, numbers, facts.electrodes),
        *arc_notes(assigned),
        *(geometry.notes if geometry else ()),
    )
    return Result(
        method=f"complex least squares of {choice.fit.circuit}, modulus weights, logarithmic parameters",
        quantities=tuple(_at_most_one(quantity) for quantity in propagated.quantities),
        correlation=propagated.correlation,
        diagnostics=diagnostics(ds, choice) | arc_figures(assigned),
        budget=propagated.budget,
        notes=notes,
        provenance=provenance(ds, choice, assigned),
        curves=curves(choice.fit),
        fit=choice.fit.minimizer_result,
    )


def _at_most_one(quantity: Quantity) -> Quantity:
    """Return a transference number with its interval cut at 1, any other quantity as it is."""
    if quantity.name != "ionic_transference_number" or quantity.interval95 is None:
        return quantity
    low, high = quantity.interval95
    return replace(quantity, interval95=(low, min(high, 1.0)))


def _limited(
    ds: xr.Dataset, choice: Choice, geometry: Geometry | None, limit: Limit, assigned: tuple[Assigned, ...] = ()
) -> Result:
    """Return limits; the geometry's uncertainty widens them on the safe side."""
    choice = replace(choice, fit=limit.fit)
    quantities = [Quantity("ionic_resistance", limit.resistance, None, "ohm", relation=limit.relation, kind="fit")]
    if geometry is not None:
        sign = 1.0 if limit.relation == "<" else -1.0
        bound = geometry.cell_constant / limit.resistance * math.exp(-sign * ONE_SIDED_95 * geometry.spread)
        opposite: Literal["<", ">"] = ">" if limit.relation == "<" else "<"
        material = [Quantity("ionic_conductivity", bound, None, "S cm-1", relation=opposite, kind="fit")]
        if geometry.area is not None:
            specific = limit.resistance * geometry.area * math.exp(sign * ONE_SIDED_95 * geometry.relative["area"])
            material.append(
                Quantity("area_specific_resistance", specific, None, "ohm cm2", relation=limit.relation, kind="fit")
            )
        quantities = [*material, *quantities]
    return Result(
        method="one-sided 95 % limit from complex least squares, modulus weights, logarithmic parameters",
        quantities=tuple(quantities),
        diagnostics=diagnostics(ds, choice) | arc_figures(assigned),
        notes=(
            f"not resolved: {limit.reason}",
            *fit_notes(choice),
            *arc_notes(assigned),
            *(geometry.notes if geometry else ()),
        ),
        provenance=provenance(ds, choice, assigned),
        curves=curves(choice.fit),
    )
