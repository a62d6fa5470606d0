"""What a run computes of X-ray line scans and maps, and of electron energy losses: interfaces and foils."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interlayer.analysis.quantity import Result

from .attempt import Found, Task, attempt, lacking_facts, missing_facts
from .outcome import Outcome, Validity

if TYPE_CHECKING:
    import xarray as xr

    from interlayer.analysis.tem import Blur

_BROADENING = ("foil_thickness", "beam_energy", "foil_formula", "foil_density")
"""Facts from which the spread of the beam in the foil follows."""

_ASKED_OF_BEAM = ("beam_energy", "foil_formula", "foil_density")
"""Those of them that serve nothing else: one stated asks for the others."""

_FOIL = ("relative_thickness", "relative_thickness_sd", "specimen_thickness")
"""What short tables show of low losses."""


def spectra(task: Task) -> Found:
    """Yield the width of the interface in every line scan, and in maps of which the facts say where to look."""
    for group, ds in task.datasets.items():
        if _is_line_scan(ds) or "across" in task.facts:
            for outcome in of_spectra(ds, task.facts):
                yield group, outcome


def _is_line_scan(ds: xr.Dataset) -> bool:
    return "counts" in ds and ds["counts"].dims == ("distance", "line")


def of_spectra(ds: xr.Dataset, facts: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield the width of an interface, what is missing to take the instrument off it, and what its sides consist of."""
    if not _is_line_scan(ds) and (lacking := lacking_facts(facts, "lines")):
        yield Outcome(missing=missing_facts("interdiffusion_width", "tem", *lacking))
        return
    yield _judged(replace(attempt(width, ds, facts), headline=("interdiffusion_width", "reaction_layer_thickness")))
    if "k_factors" in facts:
        composition = attempt(_composition, ds, facts)
        names = () if composition.result is None else [quantity.name for quantity in composition.result.quantities]
        yield replace(composition, headline=tuple(names))
    if any(key in facts for key in _ASKED_OF_BEAM) and (lacking := lacking_facts(facts, *_BROADENING)):
        yield Outcome(missing=missing_facts("beam_broadening", "tem", *lacking))
    if "interface_tilt" in facts and "foil_thickness" not in facts:
        yield Outcome(missing=missing_facts("projection_blur", "tem", "foil_thickness"))


def _judged(outcome: Outcome) -> Outcome:
    """Return a width with what the deviance and the residuals say of the shape that it rests on."""
    if outcome.result is None:
        return outcome
    if outcome.result.diagnostics["shape_describes_counts"]:
        return replace(outcome, validity=Validity("pass", "the counts follow the fitted shape", "shape fits"))
    return replace(outcome, validity=Validity("warn", outcome.result.notes[0], "wrong shape"))


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

    stated = {key: facts[key] for key in ("tau", "elements") if key in facts}
    if "pixel_size_relative_uncertainty" in facts:
        stated["distance_relative_uncertainty"] = facts["pixel_size_relative_uncertainty"]
    return tem.interdiffusion_width(_profile(ds, facts), lines=facts.get("lines"), blur=_blur(facts), **stated)


def _profile(ds: xr.Dataset, facts: Mapping[str, Any]) -> xr.Dataset:
    """Return counts over distance and line: a line scan as it is, a map cut across its interface."""
    from interlayer.analysis import tem

    return ds if _is_line_scan(ds) else tem.profile_across(ds, interface=facts["across"], lines=facts["lines"])


def _composition(ds: xr.Dataset, facts: Mapping[str, Any]) -> Result:
    """Return concentrations by those k-factors of which the profile holds the line, and name the others."""
    from interlayer.analysis import tem

    profile = _profile(ds, facts)
    factors = {line: k for line, k in facts["k_factors"].items() if line in profile["line"].values}
    stated = {key: facts[key] for key in ("fraction",) if key in facts}
    result = tem.line_scan_composition(profile, factors, **stated)
    if unused := sorted(set(facts["k_factors"]) - set(factors)):
        held = ", ".join(map(str, profile["line"].values))
        said = f"There are no counts for the k-factors of {', '.join(unused)}; the profile holds {held}."
        result = replace(result, notes=(*result.notes, said))
    return result


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


def low_losses(task: Task) -> Found:
    """Yield the relative thickness of the foil from every spectrum, line scan or map of low losses."""
    from interlayer.analysis import tem

    stated = {key: task.facts[key] for key in ("mean_free_path",) if key in task.facts}
    for group, ds in task.datasets.items():
        if "energy" in ds.coords and float(ds["energy"].min()) <= 0.0 <= float(ds["energy"].max()):
            yield group, replace(attempt(tem.relative_thickness, ds, **stated), headline=_FOIL)
