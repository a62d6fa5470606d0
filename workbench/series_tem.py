"""Microscopy across files: interfaces of coated and bare samples, and one coating in several images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from interlayer.analysis.quantity import Quantity, Result

from .analyses_tem import width
from .attempt import attempt
from .members import Member, Series, coated_and_bare, grouped
from .outcome import Outcome
from .wording import printed_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFINITIONS: Mapping[str, tuple[str, str]] = {
    "10-90": ("interdiffusion_width", "10-90 % width"),
    "sigma": ("interdiffusion_sigma", "standard deviation of the transition"),
    "coexistence": ("coexistence_width", "coexistence zone"),
}
"""What the fact ``compared_width`` says, as the analyses and as people call it."""

_DEFAULT = "10-90"


def coated_against_bare(members: Sequence[Member]) -> Iterator[Series]:
    """Yield difference and ratio of the widths of every coated and every bare interface of a folder or series."""
    named = [member for member in members if "series" in member.facts or "bare" in member.facts]
    for group in grouped(named, lambda m: m.facts.get("series") or (m.experiment.folder, m.file.sample)):
        if not any("bare" in member.facts for member in group):
            continue
        coated, bare = (
            [member for member in kind if _result(member, "interdiffusion_width") is not None]
            for kind in coated_and_bare(group)
        )
        pairs = [(one, other) for one in bare for other in coated]
        for one, other in pairs:
            yield _compared(one, other, alone=len(pairs) == 1)
        if not pairs:
            missing = "coated" if bare else "bare"
            outcome = Outcome(declined=f"no width of a {missing} interface was found, so there is nothing to compare")
            yield Series(kind="coated against bare interface", members=group, outcome=outcome)


def _compared(bare: Member, coated: Member, *, alone: bool) -> Series:
    from interlayer.analysis import tem

    name, title = DEFINITIONS[bare.facts.get("compared_width", _DEFAULT)]
    reference, other = _result(bare, name), _result(coated, name)
    outcome = attempt(tem.compare_widths, reference, other, definition=name)
    if outcome.result is not None and reference is not None and other is not None:
        said = _statement(reference[name], other[name], outcome.result["width_ratio"], title)
        outcome = replace(outcome, result=replace(outcome.result, notes=(said, *outcome.result.notes)))
    files = "" if alone else f": {coated.path.name}, {bare.path.name}"
    return Series(
        kind=f"coated against bare, {title}{files}",
        members=(coated, bare),
        outcome=replace(outcome, headline=("width_ratio", "width_difference")),
        name=str(bare.facts.get("series", "")),
        draw=() if outcome.result is None else (partial(_draw, bare, coated),),
    )


def _statement(bare: Quantity, coated: Quantity, ratio: Quantity, title: str) -> str:
    """Return both widths and their ratio in a sentence that names the definition."""
    first, second = (f"{quantity.number()} {printed_unit(quantity.unit)}" for quantity in (bare, coated))
    return f"{first} bare against {second} coated by the {title}; the ratio is {ratio.number()}."


def _draw(bare: Member, coated: Member) -> Figure:
    from .plot_tem import interfaces_figure

    kinds = {"bare": bare, "coated": coated}
    return interfaces_figure({kind: width(member.dataset(), member.facts) for kind, member in kinds.items()})


def several_images(members: Sequence[Member]) -> Iterator[Series]:
    """Yield thickness and coverage of a coating from the images that share the fact ``series``, bare samples apart."""
    from interlayer.analysis import tem

    combining = {"layer_thickness": ("images", tem.combine_layers), "coverage": ("particles", tem.combine_coverage)}
    named = [member for member in members if "series" in member.facts]
    for group in grouped(named, lambda m: m.facts["series"]):
        coated, bare = coated_and_bare(group)
        for kind, images in (("coated, " if bare else "", coated), ("bare, ", bare)):
            for name, (noun, combine) in combining.items():
                found = [(member, _result(member, name)) for member in images]
                results = {member.place: result for member, result in found if result is not None}
                if len(results) < 2:
                    continue
                outcome = attempt(combine, list(results.values()))
                yield Series(
                    kind=f"{kind}{len(results)} {noun}",
                    members=images,
                    outcome=replace(outcome, headline=(name, f"{name}_sd")),
                    name=str(group[0].facts["series"]),
                    draw=()
                    if outcome.result is None
                    else (partial(_draw_places, results, outcome.result, name, noun),),
                )


def _draw_places(places: Mapping[str, Result], combined: Result, name: str, noun: str) -> Figure:
    from .plot_places import places_figure

    return places_figure({place: result[name] for place, result in places.items()}, combined, kind=noun)


def _result(member: Member, name: str) -> Result | None:
    """Return the headline result of a measurement that holds a quantity, None where there is none."""
    results = [outcome.result for outcome in member.measurement.outcomes if outcome.role == "headline"]
    return next((result for result in results if result is not None and name in result), None)
