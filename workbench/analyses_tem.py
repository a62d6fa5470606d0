"""What a run computes of micrographs, X-ray line scans and spectrum maps: thicknesses and widths of interfaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interlayer.analysis.quantity import Result

from .attempt import Found, Task, attempt, lacking_facts, missing_facts
from .outcome import Outcome

if TYPE_CHECKING:
    import xarray as xr

    from interlayer.analysis.tem import Blur

_BROADENING = ("foil_thickness", "beam_energy", "foil_formula", "foil_density")
"""Facts from which the spread of the beam in the foil follows."""

_ASKED_OF_BEAM = ("beam_energy", "foil_formula", "foil_density")
"""Those of them that serve nothing else: one stated asks for the others."""


def images(task: Task) -> Found:
    """Yield the thickness of the layer in every micrograph, corrected for a tilt that is stated."""
    from interlayer.analysis import tem

    pixel_size = task.facts.get("pixel_size")
    stated = {key: task.facts[key] for key in ("pixel_size_relative_uncertainty",) if key in task.facts}
    for group, ds in task.datasets.items():
        if not ds.attrs["calibrated"] and pixel_size is None:
            yield group, Outcome(missing=missing_facts("layer_thickness", "tem", "pixel_size"))
            continue
        thickness = attempt(tem.layer_thickness, ds, pixel_size=pixel_size, **stated)
        yield group, _projected(thickness, task.facts)


def _projected(thickness: Outcome, facts: Mapping[str, Any]) -> Outcome:
    """Return a thickness as it is edge on, where the tilt of the interface is known."""
    from interlayer.analysis import tem

    if thickness.result is None or "interface_tilt" not in facts:
        return thickness
    tilt, foil = facts["interface_tilt"], facts.get("foil_thickness")
    return attempt(tem.correct_projection, thickness.result, tilt=tilt, foil_thickness=foil)


def spectra(task: Task) -> Found:
    """Yield the width of the interface in every line scan, and in maps of which the facts say where to look."""
    for group, ds in task.datasets.items():
        if _is_line_scan(ds) or "across" in task.facts:
            for outcome in of_spectra(ds, task.facts):
                yield group, outcome


def _is_line_scan(ds: xr.Dataset) -> bool:
    return "counts" in ds and ds["counts"].dims == ("distance", "line")


def of_spectra(ds: xr.Dataset, facts: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield the width of an interface, and what is missing to take the instrument off it."""
    if not _is_line_scan(ds) and (lacking := lacking_facts(facts, "lines")):
        yield Outcome(missing=missing_facts("interdiffusion_width", "tem", *lacking))
        return
    yield replace(attempt(width, ds, facts), headline=("interdiffusion_width", "reaction_layer_thickness"))
    if any(key in facts for key in _ASKED_OF_BEAM) and (lacking := lacking_facts(facts, *_BROADENING)):
        yield Outcome(missing=missing_facts("beam_broadening", "tem", *lacking))
    if "interface_tilt" in facts and "foil_thickness" not in facts:
        yield Outcome(missing=missing_facts("projection_blur", "tem", "foil_thickness"))


def width(ds: xr.Dataset, facts: Mapping[str, Any]) -> Result:
    """Return the width of an interface in a line scan or map.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "eds" or "eds_events".
    facts : mapping
        The section ``tem``; ``across`` and ``lines`` for a map.

    Raises
    ------
    NotAnalysable
        As `interlayer.analysis.tem.interdiffusion_width`, and `profile_across` for a map.
    """
    from interlayer.analysis import tem

    lines = facts.get("lines")
    profile = ds if _is_line_scan(ds) else tem.profile_across(ds, interface=facts["across"], lines=lines or ())
    stated = {key: facts[key] for key in ("tau", "elements") if key in facts}
    if "pixel_size_relative_uncertainty" in facts:
        stated["distance_relative_uncertainty"] = facts["pixel_size_relative_uncertainty"]
    return tem.interdiffusion_width(profile, lines=lines, blur=_blur(facts), **stated)


def _blur(facts: Mapping[str, Any]) -> Blur | None:
    """Return what the facts say that the instrument adds to a width; None where they say nothing."""
    from interlayer.analysis import tem

    found: dict[str, Any] = {}
    if "probe_size" in facts:
        found["probe"] = replace(facts["probe_size"], name=f"probe_{facts.get('probe_definition', 'fwhm')}")
    if not lacking_facts(facts, *_BROADENING):
        foil, energy, formula, density = (facts[key] for key in _BROADENING)
        found["broadening"] = tem.beam_broadening(foil, energy, formula=formula, density=density)
    if not lacking_facts(facts, "interface_tilt", "foil_thickness"):
        found |= {"tilt": facts["interface_tilt"], "foil_thickness": facts["foil_thickness"]}
    return tem.instrument_blur(**found) if found else None
