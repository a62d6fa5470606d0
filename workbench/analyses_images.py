"""What a run measures in micrographs: layers, coverage and lattices, and the scale that lengths rest on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Quantity

from .attempt import Found, Task, attempt, lacking_facts, missing_facts
from .outcome import Outcome, Validity

if TYPE_CHECKING:
    import xarray as xr

_CONFLICT = 3.0
"""Standard uncertainties of the ends of a scale bar beyond which it contradicts the pixel size that is known."""

_LOOKED_AT = 512
"""Pixels along each side of the middle of an image in which a lattice is looked for when there is no layer."""

_SECTION = ("particle_radius", "section_radius")
"""Facts that tell how far from the centre of a particle it was cut."""


def images(task: Task) -> Found:
    """Yield what the facts ask for of every micrograph, and how its pixel size stands beside its scale bar."""
    for group, ds in task.datasets.items():
        scale = _scale(ds, task.facts)
        for outcome in (*scale.outcomes, *(_measured(ds, task.facts, scale) if scale.known else ())):
            yield group, outcome


@dataclass(frozen=True)
class _Scale:
    """Pixel size in place of that of the file, whether lengths can be told, and what there is to say of it."""

    pixel_size: Quantity | None
    known: bool
    outcomes: tuple[Outcome, ...] = ()


def _scale(ds: xr.Dataset, facts: Mapping[str, Any]) -> _Scale:
    """Return the pixel size as stated, as the file has it, or else from the scale bar."""
    from interlayer.analysis import tem

    stated, calibrated = facts.get("pixel_size"), bool(ds.attrs["calibrated"])
    known = stated is not None or calibrated
    if "scale_bar" not in facts:
        asked = () if known else (Outcome(missing=missing_facts(_headline(facts)[0], "tem", "pixel_size")),)
        return _Scale(stated, known, asked)
    found = attempt(tem.find_scale_bar, ds, length=facts["scale_bar"], **_calibration(facts))
    if not known:
        size = None if found.result is None else found.result["pixel_size"]
        return _Scale(size, size is not None, (found if size is None else replace(found, role="detail"),))
    # One length is stated for many images; those that need no bar may have none.
    checked = () if found.result is None else (_compared(found, ds, stated),)
    return _Scale(stated, known, checked)


def _compared(found: Outcome, ds: xr.Dataset, stated: Quantity | None) -> Outcome:
    """Return a scale bar with whether it agrees with the pixel size that is stated or that the file has."""
    if found.result is None:
        return found
    size, budget = found.result["pixel_size"], found.result.budget["pixel_size"]
    # The microscope draws the bar by its calibration: how well that is known does not excuse a difference.
    error = math.hypot(*(part for source, part in budget.items() if source != "calibration"))
    if stated is not None:
        known, source = stated.to("nm").value, "experiment.toml"
    else:
        known, source = abs(float(ds["x"][1] - ds["x"][0])) if ds.sizes["x"] > 1 else math.nan, "the file"
    said = f"the scale bar says {size.value:.4g} nm a pixel, {source} {known:.4g} nm"
    if abs(size.value - known) > _CONFLICT * error:
        reason = f"{said}: is the length beside the bar that of tem.scale_bar? Lengths are by {source}"
        return replace(found, role="check", validity=Validity("warn", reason, "scale in doubt"))
    return replace(found, role="check", validity=Validity("pass", said, "scale agrees"))


def _calibration(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: facts[key] for key in ("pixel_size_relative_uncertainty",) if key in facts}


def _asked(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(facts.get("measure", ()))) or ("layer",)


def _headline(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the quantities of the first of what is asked for."""
    return _HEADLINES[_asked(facts)[0]]


def _measured(ds: xr.Dataset, facts: Mapping[str, Any], scale: _Scale) -> Iterator[Outcome]:
    stated = _calibration(facts) | ({} if scale.pixel_size is None else {"pixel_size": scale.pixel_size})
    for kind in _asked(facts):
        for outcome in _MEASURES[kind](ds, facts, stated):
            yield replace(outcome, headline=_HEADLINES[kind])


def _layer(ds: xr.Dataset, facts: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[Outcome]:
    from interlayer.analysis import tem

    thickness = attempt(tem.layer_thickness, ds, **stated)
    if "measure" not in facts:
        thickness = _pointed_to_lattice(thickness, ds, stated)
    yield from _projected(thickness, facts)


def _pointed_to_lattice(thickness: Outcome, ds: xr.Dataset, stated: Mapping[str, Any]) -> Outcome:
    """Return a thickness that is none with what else to ask for, where the image shows planes of a lattice."""
    from interlayer.analysis import tem

    result = thickness.result
    if thickness.problem or (result is not None and result["layer_thickness"].relation == "="):
        return thickness
    middle = ds.isel({dim: _middle(ds.sizes[dim]) for dim in ("y", "x") if dim in ds.sizes})
    planes = attempt(tem.lattice_spacings, middle, **stated).result
    if planes is None or "lattice_spacing_2" not in planes:
        return thickness
    hint = 'The image shows planes of a lattice: measure = ["lattice"] in the section tem gives their spacings.'
    if result is not None:
        return replace(thickness, result=replace(result, notes=(*result.notes, hint)))
    return replace(thickness, declined=f"{thickness.declined}. {hint}")


def _middle(size: int) -> slice:
    first = max((size - _LOOKED_AT) // 2, 0)
    return slice(first, first + _LOOKED_AT)


def _projected(thickness: Outcome, facts: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield a thickness as it is edge on and through the centre, as far as the facts tell; else as it appears."""
    from interlayer.analysis import tem

    known: dict[str, Any] = {}
    remarks = []
    if "interface_tilt" in facts:
        known |= {"tilt": facts["interface_tilt"], "foil_thickness": facts.get("foil_thickness")}
    lacking = lacking_facts(facts, *_SECTION)
    if not lacking:
        radius, section = (facts[key] for key in _SECTION)
        try:
            known |= {"particle_radius": radius, "section_height": tem.section_height(radius, section)}
        except NotAnalysable as error:
            remarks.append(Outcome(declined=str(error)))
    elif len(lacking) < len(_SECTION):
        remarks.append(Outcome(missing=missing_facts("section_height", "tem", *lacking)))
    if thickness.result is not None and known:
        corrected = attempt(tem.correct_projection, thickness.result, **known)
        if corrected.result is not None:
            thickness = corrected
        else:
            remarks.append(corrected)
    yield thickness
    yield from remarks


def _coverage(ds: xr.Dataset, facts: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[Outcome]:
    from interlayer.analysis import tem

    if "minimum_thickness" not in facts:
        yield Outcome(missing=missing_facts("coverage", "tem", "minimum_thickness"))
        return
    yield attempt(tem.coverage, ds, minimum=facts["minimum_thickness"], **stated)


def _lattice(ds: xr.Dataset, facts: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[Outcome]:
    from interlayer.analysis import tem

    yield attempt(tem.lattice_spacings, ds, **stated)


_MEASURES: Mapping[str, Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Iterator[Outcome]]] = {
    "layer": _layer,
    "coverage": _coverage,
    "lattice": _lattice,
}

_HEADLINES: Mapping[str, tuple[str, ...]] = {
    "layer": ("layer_thickness",),
    "coverage": ("coverage", "covered_thickness", "conformality"),
    "lattice": ("lattice_spacing_1", "lattice_spacing_2", "lattice_angle_1_2"),
}
"""What short tables show of each."""
