"""Impedance across files: temperature series, coated against bare cells, films of several thicknesses."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from functools import partial
from typing import TYPE_CHECKING

from interlayer.analysis.quantity import Quantity

from .analyses_eis import COMB, PLATES, has_geometry, is_cell
from .attempt import attempt, missing_facts
from .members import (
    SAME_TEMPERATURE,
    Member,
    Series,
    by_temperature,
    grouped,
    in_time_order,
    joint_validity,
    listed,
)
from .outcome import Outcome
from .wording import words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST = 3
"""Temperatures, or thicknesses, from which on a straight line can be told to be one."""

_GEOMETRY = tuple(dict.fromkeys((*PLATES, *COMB)))
_MOST_DRAWN = 40


def temperature_series(members: Sequence[Member]) -> Iterator[Series]:
    """Yield activation energy and conductivity at 25 degC of every film that was measured at three temperatures.

    A film is what shares folder, sample, series and geometry. Where the times of the files show that it was heated and
    cooled, the two ways are compared. Bulk and grain boundaries follow on their own where all spectra tell them apart.
    """
    films = [m for m in members if not is_cell(m.facts) and has_geometry(m.facts)]
    for film in grouped(films, _film):
        known = in_time_order(m for m in film if m.temperature is not None)
        if len(by_temperature(known)) < FEWEST:
            continue
        points = [m for m in known if _resolved(m.quantity("ionic_conductivity"))]
        found = len(by_temperature(points))
        if found < FEWEST:
            declined = f"the conductivity is resolved at {found} temperatures; a line needs {FEWEST}"
            yield Series(kind="temperature series", members=known, outcome=Outcome(declined=declined))
            continue
        notes = _left_out([m for m in film if m not in points], "temperature or resolved arc")
        for name in _conductivities(points):
            part = name.removesuffix("_conductivity")
            kind = "temperature series" + ("" if part == "ionic" else f", {words(part)}")
            yield _arrhenius(kind, name, points, notes)


def _conductivities(points: Sequence[Member]) -> list[str]:
    """Return the names of the conductivities that all points have: of the film, of its bulk and grain boundaries."""
    held = [{q.name for q in m.quantities if q.name.endswith("_conductivity") and _resolved(q)} for m in points]
    return [q.name for q in points[0].quantities if q.name in set.intersection(*held)]


def _film(member: Member) -> Hashable:
    geometry = tuple(member.facts.get(key) for key in _GEOMETRY)
    return member.experiment.folder, member.file.sample, member.facts.get("series"), geometry


def _resolved(quantity: Quantity | None) -> bool:
    return quantity is not None and quantity.relation == "="


def _left_out(members: Sequence[Member], lacking: str) -> tuple[str, ...]:
    return (f"left out, without {lacking}: {listed([m.place for m in members])}",) if members else ()


def _branches(points: Sequence[Member]) -> list[str]:
    """Return for each point whether it was heated or cooled to it, where there is one turn and the times are known."""
    from interlayer.analysis import eis

    known = [(m, m.temperature) for m in points if m.temperature is not None]
    if not all(m.measurement.start_time for m in points):
        return []
    ways = eis.heating_and_cooling([temperature for _, temperature in known], least_step=SAME_TEMPERATURE)
    runs = [[m for (m, _), way in zip(known, ways, strict=True) if way == one] for one in dict.fromkeys(ways)]
    return list(ways) if len(runs) == 2 and all(len(by_temperature(run)) >= FEWEST for run in runs) else []


def _arrhenius(kind: str, name: str, points: Sequence[Member], notes: tuple[str, ...]) -> Series:
    from interlayer.analysis import eis

    branches = _branches(points)
    outcome = attempt(
        eis.arrhenius,
        [m.quantity(name) for m in points],
        [m.temperature for m in points],
        shared_relative_uncertainty=_shared(points[0], name),
        branches=branches,
    )
    asked_for = ("activation_energy", "ionic_conductivity")
    headline = [
        f"{known}{branch}" for branch in ("", *(f"_{b}" for b in dict.fromkeys(branches))) for known in asked_for
    ]
    asked = None if outcome.result is None else round(outcome.result.diagnostics["temperature"] - 273.15, 6)
    labels = [(m, m.temperature.value) for m in points if m.temperature is not None]
    spectra = (partial(_draw_overlay, labels, "temperature (°C)"),) if name == "ionic_conductivity" else ()
    return Series(
        kind=kind,
        members=points,
        outcome=_told(outcome, points, notes, *headline),
        temperature=None if asked is None else Quantity("temperature", asked, None, "degC"),
        draw=(*spectra, *_draw_result(outcome)),
    )


def _shared(member: Member, name: str) -> float:
    """Return the relative uncertainty of a conductivity by geometry, which all temperatures of a film share."""
    quantity, sources = member.quantity(name), member.budget(name)
    parts = [value for source, value in sources.items() if source in _GEOMETRY]
    return 0.0 if quantity is None else math.hypot(*parts) / quantity.value


def coated_against_bare(members: Sequence[Member]) -> Iterator[Series]:
    """Yield the conductivity of a coating for each folder, thickness of the coating and temperature."""
    for cells in grouped((m for m in members if is_cell(m.facts)), lambda m: (m.experiment.folder, m.file.sample)):
        patterns = list(dict.fromkeys(name for m in cells for name in m.facts.get("bare", ())))
        bare = [m for m in cells if any(fnmatch(m.path.name, pattern) for pattern in patterns)]
        coated = [m for m in cells if m not in bare]
        if lacking := _lacking_of_cells(cells, coated):
            outcome = Outcome(missing=missing_facts("ionic_conductivity", "eis", *lacking))
            yield Series(kind="coated against bare", members=cells, outcome=outcome)
            continue
        if not coated:
            outcome = Outcome(declined=f"bare = {patterns} matches every file; none is left for the coated cells")
            yield Series(kind="coated against bare", members=cells, outcome=outcome)
        coatings = list(grouped(coated, lambda m: m.facts["coating_thickness"]))
        for coating in coatings:
            thickness = coating[0].facts["coating_thickness"]
            kind = "coated against bare" + (f", {thickness.value:g} {thickness.unit}" if len(coatings) > 1 else "")
            for cluster in by_temperature([*coating, *bare]):
                with_it = [m for m in cluster if m in coating]
                if with_it:
                    yield _coating(kind, with_it, [m for m in cluster if m in bare], thickness)


def _lacking_of_cells(cells: Sequence[Member], coated: Sequence[Member]) -> list[str]:
    """Return the keys that some cell lacks; the bare ones need no thickness of a coating."""
    needed = {"bare": cells, "coating_thickness": coated, "area": cells}
    return [key for key, of in needed.items() if any(key not in m.facts for m in of)]


def _coating(kind: str, coated: Sequence[Member], bare: Sequence[Member], thickness: Quantity) -> Series:
    from interlayer.analysis import eis

    members = (*coated, *bare)
    kinds = [[(m, q) for m in cells if (q := _specific(m)) is not None and _resolved(q)] for cells in (coated, bare)]
    for cells, name in zip(kinds, ("coated", "bare"), strict=True):
        if not cells:
            outcome = Outcome(declined=f"no {name} cell with a resolved resistance at this temperature")
            return Series(kind=kind, members=members, outcome=outcome, temperature=_mean_temperature(members))
    with_it, without = ([quantity for _, quantity in cells] for cells in kinds)
    kept = [m for cells in kinds for m, _ in cells]
    outcome = attempt(
        eis.coating_conductivity,
        with_it,
        without,
        thickness=thickness,
        shared_relative_uncertainty=_shared_area(kept),
    )
    notes = _left_out([m for m in members if m not in kept], "a resolved resistance")
    return Series(
        kind=kind,
        members=members,
        outcome=_told(outcome, kept, notes, "ionic_conductivity", "area_specific_resistance"),
        temperature=_mean_temperature(members),
        draw=(partial(_draw_cells, *kinds),),
    )


def _specific(member: Member) -> Quantity | None:
    """Return the area specific resistance of a cell, all its arcs together."""
    resistance, area = member.quantity("ionic_resistance"), member.facts.get("area")
    if resistance is None or area is None:
        return None
    size = resistance.value * area.to("cm2").value
    stderr = None if resistance.stderr is None else size * math.hypot(resistance.relative, area.relative)
    return Quantity("area_specific_resistance", size, stderr, "ohm cm2", relation=resistance.relation, kind="derived")


def _shared_area(members: Sequence[Member]) -> float:
    """Return the relative uncertainty of an area that is stated alike for all: that of one mask, which all share."""
    areas = {m.facts.get("area") for m in members}
    area = areas.pop()
    return 0.0 if areas or area is None else area.relative


def _mean_temperature(members: Sequence[Member]) -> Quantity | None:
    known = [m.temperature.value for m in members if m.temperature is not None]
    return Quantity("temperature", math.fsum(known) / len(known), None, "degC") if known else None


def thickness_series(members: Sequence[Member]) -> Iterator[Series]:
    """Yield conductivity and contact resistance of films of several thicknesses, by the name of their series."""
    named = [m for m in members if "series" in m.facts and "thickness" in m.facts and not is_cell(m.facts)]
    for films in grouped(named, lambda m: m.facts["series"]):
        for cluster in by_temperature(films):
            points = [m for m in cluster if _resolved(m.quantity("area_specific_resistance"))]
            found = len({m.facts["thickness"].to("nm").value for m in points})
            if found >= FEWEST:
                notes = _left_out([m for m in cluster if m not in points], "a resolved resistance")
                yield _over_thickness(points, notes)
            elif found > 1:
                outcome = Outcome(declined=f"films of {found} thicknesses are resolved; a line needs {FEWEST}")
                yield _named("thickness series", cluster, outcome)


def _over_thickness(points: Sequence[Member], notes: tuple[str, ...]) -> Series:
    from interlayer.analysis import eis

    outcome = attempt(
        eis.thickness_series,
        [m.quantity("area_specific_resistance") for m in points],
        [m.facts["thickness"] for m in points],
        shared_relative_uncertainty=_shared_area(points),
        shared_thickness_uncertainty=max(m.facts.get("thickness_shared_relative_uncertainty", 0.0) for m in points),
    )
    labels = [(m, m.facts["thickness"].to("nm").value) for m in points]
    told = _told(outcome, points, notes, "ionic_conductivity", "contact_resistance")
    draw: tuple[Callable[[], Figure], ...] = (
        partial(_draw_overlay, labels, "thickness (nm)"),
        *_draw_result(outcome),
    )
    return replace(_named("thickness series", points, told), draw=draw)


def _named(kind: str, members: Sequence[Member], outcome: Outcome) -> Series:
    name = str(members[0].facts["series"])
    return Series(kind=kind, members=members, outcome=outcome, temperature=_mean_temperature(members), name=name)


def _told(outcome: Outcome, points: Sequence[Member], notes: tuple[str, ...], *headline: str) -> Outcome:
    """Return an outcome with its headline, the validity of what went in, and notes."""
    result = outcome.result and replace(outcome.result, notes=(*outcome.result.notes, *notes))
    return replace(outcome, result=result, headline=headline, validity=joint_validity(points))


def _draw_result(outcome: Outcome) -> tuple[Callable[[], Figure], ...]:
    from .plots import plot

    return () if outcome.result is None else (partial(plot, outcome.result),)


def _draw_overlay(labels: Sequence[tuple[Member, float]], title: str) -> Figure:
    from .plot_series import overlay

    step = -(-len(labels) // _MOST_DRAWN)
    return overlay([(value, member.dataset()) for member, value in labels[::step]], title)


def _draw_cells(coated: Sequence[tuple[Member, Quantity]], bare: Sequence[tuple[Member, Quantity]]) -> Figure:
    from .plot_series import cells

    return cells(*([(quantity, member.dataset()) for member, quantity in kind] for kind in (coated, bare)))
