"""Which analyses a run makes of a file, and what they need to know."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlayer.analysis import reported
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Result

from .facts import SECTIONS
from .outcome import Missing, Outcome

if TYPE_CHECKING:
    import xarray as xr

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """The measurements of one technique in one file, and the facts about them.

    Parameters
    ----------
    datasets : mapping of str to xarray.Dataset
        By group.
    facts : mapping
        The section of ``experiment.toml`` for this file.
    path : Path
        The file.
    folder : Path
        Where names of other files in the facts are relative to.
    """

    datasets: Mapping[str, xr.Dataset]
    facts: Mapping[str, Any]
    path: Path
    folder: Path


Found = Iterator[tuple[str, Outcome]]


def analyse(
    technique: str, datasets: Mapping[str, xr.Dataset], facts: Mapping[str, Any], path: Path, folder: Path
) -> Found:
    """Yield group and outcome of every analysis that a technique asks for.

    An analysis that declines (`NotAnalysable`) or breaks down becomes an outcome; it never stops the others.
    """
    task = Task(datasets, facts, path, folder)
    for group, outcome in _ANALYSES[technique](task):
        yield group, _compared(outcome, facts)


def _attempt(function: Callable[..., Result], *data: Any, **facts: Any) -> Outcome:
    try:
        return Outcome(result=function(*data, **facts))
    except NotAnalysable as error:
        return Outcome(declined=str(error))
    except Exception as error:
        # Whatever one file does to one analysis, the other files of an unattended run go on.
        _LOG.debug("an analysis broke down", exc_info=True)
        return Outcome(problem=f"{type(error).__name__}: {error}")


def _missing(quantity: str, section: str, *keys: str) -> tuple[Missing, ...]:
    return tuple(Missing(quantity, f"{section}.{key}", SECTIONS[section][key].help) for key in keys)


def _lacking(facts: Mapping[str, Any], *keys: str) -> list[str]:
    return [key for key in keys if key not in facts]


def _compared(outcome: Outcome, facts: Mapping[str, Any]) -> Outcome:
    """Add how the quantities of a result stand beside the reported values that the facts name."""
    if outcome.result is None or not facts.get("compare"):
        return outcome
    entries = [reported.entry(name) for name in facts["compare"]]
    comparisons = {}
    for quantity in outcome.result.quantities:
        fitting = [entry for entry in entries if reported.comparable(quantity.name, entry)]
        if fitting:
            comparisons[quantity.name] = tuple(
                reported.compare(quantity, entry, temperature=facts.get("temperature")) for entry in fitting
            )
    return Outcome(result=outcome.result, comparisons=comparisons)


def _eis(task: Task) -> Found:
    from interlayer.analysis import eis

    lacking = _lacking(task.facts, "thickness", "area")
    for group, ds in task.datasets.items():
        if lacking:
            yield group, Outcome(missing=_missing("ionic_conductivity", "eis", *lacking))
            yield group, _attempt(eis.ionic_resistance, ds)
        else:
            geometry = {key: task.facts[key] for key in ("thickness", "area")}
            yield group, _attempt(eis.film_conductivity, ds, **geometry)


def _cycling(task: Task) -> Found:
    from interlayer.analysis import cycling

    facts = task.facts
    for group, ds in task.datasets.items():
        if facts.get("cell_type") == "symmetric":
            yield group, _attempt(cycling.polarisation, ds, area=facts.get("area"))
        elif lacking := _lacking(facts, "cell_type", "reference_cycle"):
            yield group, Outcome(missing=_missing("capacity_retention", "cycling", *lacking))
            yield group, _attempt(cycling.capacity, ds)
        else:
            yield group, _attempt(_retention, ds, facts)


def _retention(ds: xr.Dataset, facts: Mapping[str, Any]) -> Result:
    from interlayer.analysis import cycling

    stated = {key: facts[key] for key in ("current_gain", "current_offset") if key in facts}
    return cycling.capacity_retention(
        ds,
        cell_type=facts["cell_type"],
        reference_cycle=facts["reference_cycle"],
        cycle=facts.get("compare_cycle"),
        formation_cycles=facts.get("formation_cycles", 0),
        active_mass=facts.get("active_mass"),
        area=facts.get("area"),
        **stated,
    )


def _xanes(task: Task) -> Found:
    from interlayer.analysis import xanes

    names = task.facts.get("references", {})
    is_reference = task.path.resolve() in {(task.folder / name).resolve() for name in names.values()}
    for group, ds in task.datasets.items():
        if not names or is_reference:
            yield group, _attempt(xanes.normalise, ds)
            continue
        yield group, _attempt(_combination, ds, task, names)
    if not names:
        yield next(iter(task.datasets)), Outcome(missing=_missing("fraction", "xanes", "references"))


def _combination(ds: xr.Dataset, task: Task, names: Mapping[str, str]) -> Result:
    from interlayer.analysis import xanes
    from interlayer.parsers import read

    references = {name: read(task.folder / file) for name, file in names.items()}
    return xanes.linear_combination(ds, references, energy_range=task.facts.get("energy_range"))


def _haxpes(task: Task) -> Found:
    from interlayer.analysis import haxpes

    for group, ds in task.datasets.items():
        yield group, _attempt(haxpes.region_area, ds)
    lacking = _lacking(task.facts, "overlayer", "substrate", "reference_ratio", "emission_angle")
    if lacking:
        first = next(iter(task.datasets))
        yield first, Outcome(missing=_missing("overlayer_thickness", "haxpes", *lacking))
        return
    for overlayer, substrate in _pairs(task):
        yield overlayer, _attempt(_thickness, task, overlayer, substrate)


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


def _tem(task: Task) -> Found:
    from interlayer.analysis import tem

    pixel_size = task.facts.get("pixel_size")
    stated = {key: task.facts[key] for key in ("pixel_size_relative_uncertainty",) if key in task.facts}
    for group, ds in task.datasets.items():
        if not ds.attrs["calibrated"] and pixel_size is None:
            yield group, Outcome(missing=_missing("layer_thickness", "tem", "pixel_size"))
            continue
        yield group, _attempt(tem.layer_thickness, ds, pixel_size=pixel_size, **stated)


def _eds(task: Task) -> Found:
    from interlayer.analysis import tem

    for group, ds in task.datasets.items():
        if ds["counts"].dims == ("distance", "line"):
            yield group, _attempt(tem.interdiffusion_width, ds)


def _none(task: Task) -> Found:
    """Only read and stored: no quantity of this technique is computed."""
    yield from ()


_ANALYSES: Mapping[str, Callable[[Task], Found]] = {
    "eis": _eis,
    "cycling": _cycling,
    "xanes": _xanes,
    "xps": _haxpes,
    "image": _tem,
    "eds": _eds,
    "eels": _none,
}
