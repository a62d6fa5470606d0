"""Which analyses a run makes of a file, and what they need to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlayer.analysis.quantity import Result

from . import analyses_cycling, analyses_eis, analyses_images, analyses_tem
from .attempt import Found, Task, attempt, compared, lacking_facts, missing_facts
from .conditions import temperature_of
from .outcome import Outcome

if TYPE_CHECKING:
    import xarray as xr


def screened(dataset: xr.Dataset) -> xr.Dataset:
    """Return a Dataset with the points flagged that the analyses are to leave out; it is stored so."""
    screen = _SCREENS.get(str(dataset.attrs["technique"]))
    return dataset if screen is None else screen(dataset)


def analyse(
    technique: str, datasets: Mapping[str, xr.Dataset], facts: Mapping[str, Any], path: Path, folder: Path
) -> Found:
    """Yield group and outcome of every analysis that a technique asks for.

    An analysis that declines (`NotAnalysable`) or breaks down becomes an outcome; it never stops the others.
    """
    task = Task(datasets, facts, path, folder)
    for group, outcome in _ANALYSES[technique](task):
        temperature = temperature_of(datasets[group], facts)
        yield group, compared(outcome, facts.get("compare", ()), temperature)


def _xanes(task: Task) -> Found:
    from interlayer.analysis import xanes

    names = task.facts.get("references", {})
    is_reference = task.path.resolve() in {(task.folder / name).resolve() for name in names.values()}
    for group, ds in task.datasets.items():
        if not names or is_reference:
            yield group, attempt(xanes.normalise, ds)
            continue
        yield group, attempt(_combination, ds, task, names)
    if not names:
        yield next(iter(task.datasets)), Outcome(missing=missing_facts("fraction", "xanes", "references"))


def _combination(ds: xr.Dataset, task: Task, names: Mapping[str, str]) -> Result:
    from interlayer.analysis import xanes
    from interlayer.parsers import read

    references = {name: read(task.folder / file) for name, file in names.items()}
    return xanes.linear_combination(ds, references, energy_range=task.facts.get("energy_range"))


def _haxpes(task: Task) -> Found:
    from interlayer.analysis import haxpes

    for group, ds in task.datasets.items():
        yield group, attempt(haxpes.region_area, ds)
    lacking = lacking_facts(task.facts, "overlayer", "substrate", "reference_ratio", "emission_angle")
    if lacking:
        first = next(iter(task.datasets))
        yield first, Outcome(missing=missing_facts("overlayer_thickness", "haxpes", *lacking))
        return
    for overlayer, substrate in _pairs(task):
        yield overlayer, attempt(_thickness, task, overlayer, substrate)


def _thickness(task: Task, overlayer: str, substrate: str) -> Result:
    from interlayer.analysis import haxpes

    facts = task.facts
    return haxpes.overlayer_thickness(
        task.datasets[overlayer],
        task.datasets[substrate],
        overlayer_material=facts["overlayer"]["material"],
        substrate_material=facts["substrate"]["material"],
        reference_ratio=facts["reference_ratio"],
        emission_angle=facts["emission_angle"],
    )


def _pairs(task: Task) -> Iterator[tuple[str, str]]:
    """Yield the groups of overlayer and substrate that share a photon energy."""
    regions = {name: _same_region(task, task.facts[name]["region"]) for name in ("overlayer", "substrate")}
    for overlayer in regions["overlayer"]:
        energy = task.datasets[overlayer].attrs.get("photon_energy")
        for substrate in regions["substrate"]:
            if task.datasets[substrate].attrs.get("photon_energy") == energy:
                yield overlayer, substrate


def _same_region(task: Task, region: str) -> list[str]:
    wanted = _folded(region)
    return [
        group
        for group, ds in task.datasets.items()
        if _folded(str(ds.attrs.get("core_level", ""))) == wanted or _folded(group).startswith(wanted)
    ]


def _folded(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _none(task: Task) -> Found:
    """Only read and stored: no quantity of this technique is computed."""
    yield from ()


_ANALYSES: Mapping[str, Callable[[Task], Found]] = {
    "eis": analyses_eis.analyses,
    "cycling": analyses_cycling.analyses,
    "cycling_summary": _none,
    "xanes": _xanes,
    "xps": _haxpes,
    "image": analyses_images.images,
    "eds": analyses_tem.spectra,
    "eds_events": analyses_tem.spectra,
    "eels": analyses_tem.low_losses,
}

_SCREENS: Mapping[str, Callable[[xr.Dataset], xr.Dataset]] = {"eis": analyses_eis.flagged}
