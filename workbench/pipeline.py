"""The main job: a folder of instrument files becomes a table of numbers, with every file accounted for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interlayer.parsers import ParseError, UnknownFormat, formats
from interlayer.parsers.findings import findings

from .conditions import single, temperature_of
from .experiment import Experiment, find, load
from .facts import SECTION_OF
from .files import save, slug
from .outcome import FileOutcome, MeasurementOutcome, Outcome, Run, light
from .parallel import map_isolated
from .report import write_results
from .scanning import is_sidecar, scan
from .series import find_series

if TYPE_CHECKING:
    import xarray as xr

    from interlayer.parsers import Measurement

Progress = Callable[[int, int, str], None]


def run(
    folder: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Run:
    """Identify, read and analyse every file under a folder, and write the results.

    Parameters
    ----------
    folder : path-like
        Searched with its subfolders; the nearest ``experiment.toml`` above a file holds its facts.
    out : path-like, optional
        Folder for ``results.json``, ``results.csv``, ``report.html`` and ``datasets/``; ``results`` in the current
        folder if left out.
    jobs : int
        Number of processes; 1 stays in this one.
    progress : callable, optional
        Called as ``progress(done, total, path)`` after each file.

    Returns
    -------
    Run
        A file that fails is one entry with its reason; the others go on. Unknown files are listed, never an error.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    ExperimentError
        If an ``experiment.toml`` is wrong; nothing is analysed then.

    Examples
    --------
    >>> import interlayer as il
    >>> il.run("measurements/2026-11").rows()             # doctest: +SKIP
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"there is no folder {root}")
    target = Path("results" if out is None else out)
    paths = scan(root, without=(target,))
    experiments = _experiments(paths, root)
    tasks = [_Task(path, root, experiments[path], target / "datasets") for path in paths]
    done: dict[Path, FileOutcome] = {}
    for task, found in map_isolated(process, tasks, jobs=jobs):
        outcome = _failed(task, _broken_down(found)) if isinstance(found, Exception) else found
        done[task.path] = outcome
        if progress is not None:
            progress(len(done), len(tasks), outcome.path)
    read = [(task.experiment, done[task.path]) for task in tasks]
    result = Run(root, target, tuple(done[path] for path in paths), find_series(read, root, target))
    write_results(result)
    return result


@dataclass(frozen=True)
class _Task:
    path: Path
    root: Path
    experiment: Experiment
    datasets: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(self.root).as_posix()


def _experiments(paths: list[Path], root: Path) -> Mapping[Path, Experiment]:
    """Return the experiment of each file; each ``experiment.toml`` is read once."""
    loaded: dict[Path, Experiment] = {}
    found = {}
    for path in paths:
        file = find(path, root)
        if file is None:
            found[path] = Experiment(path.parent)
            continue
        if file not in loaded:
            loaded[file] = load(file)
        found[path] = loaded[file]
    return found


def _broken_down(error: Exception) -> str:
    if isinstance(error, BrokenProcessPool):
        return "its process died, out of memory or in a library; the other files went on"
    return f"{type(error).__name__}: {error}"


def _failed(task: _Task, message: str, format: str = "") -> FileOutcome:
    return FileOutcome(
        path=task.name,
        status="failed",
        sample=str(task.experiment.sample.get("name", "")),
        simulated=task.experiment.simulated,
        format=format,
        error=message,
    )


def process(task: _Task) -> FileOutcome:
    """Read and analyse one file; whatever happens becomes part of the outcome."""
    from interlayer.parsers import Source, identify, measurements

    if is_sidecar(task.path):
        return FileOutcome(path=task.name, status="sidecar")
    card = None
    try:
        card = identify(task.path)
        if card is None:
            return _unknown(task)
        source = Source(task.path)
        found = _without_figures(task, measurements(source, format=card.name))
    except UnknownFormat:
        return _unknown(task)
    except (ParseError, OSError) as error:
        if card is not None and card.pictures and not _has_scale(task):
            return _unknown(task, card.name)
        message = str(error).replace(str(task.path), task.name)
        return _failed(task, message, card.name if card else "")
    if not found:
        return _unknown(task, card.name)
    return FileOutcome(
        path=task.name,
        status="read",
        sample=str(task.experiment.sample.get("name", "")),
        simulated=task.experiment.simulated,
        format=card.name,
        sha256=source.sha256,
        measurements=tuple(_measurements(task, {entry.group: entry.dataset for entry in found})),
    )


def _has_scale(task: _Task) -> bool:
    """Whether the facts give pictures a scale, which tells micrographs from figures and logos."""
    return bool({"pixel_size", "scale_bar"} & set(task.experiment.facts("tem", task.path)))


def _without_figures(task: _Task, found: list[Measurement]) -> list[Measurement]:
    """Leave out pictures without a scale; nobody wants to be asked for the pixel size of a logo."""
    pictures = {card.name for card in formats() if card.pictures}
    if _has_scale(task):
        return found
    return [
        entry for entry in found if entry.dataset.attrs["format"] not in pictures or entry.dataset.attrs["calibrated"]
    ]


def _unknown(task: _Task, format: str = "") -> FileOutcome:
    """Return the outcome of a file that is no measurement; an empty one with an instrument's extension has failed."""
    extensions = {extension for card in formats() if not card.pictures for extension in card.extensions}
    if task.path.suffix.lower() in extensions and not task.path.stat().st_size:
        return _failed(task, f"{task.name}: the file is empty. Copy it from the instrument again.")
    return FileOutcome(path=task.name, status="unknown", format=format)


def _measurements(task: _Task, datasets: dict[str, xr.Dataset]) -> Iterator[MeasurementOutcome]:
    """Yield what comes of every measurement; one Dataset may hold several."""
    from .analyses import analyse, screened
    from .figures import figures

    parts: dict[str, xr.Dataset] = {}
    places: dict[str, tuple[str, int | None]] = {}
    for group, dataset in datasets.items():
        if task.experiment.simulated:
            dataset.attrs["simulated"] = 1
        name = slug(task.name if len(datasets) == 1 else f"{task.name}__{group}") + ".nc"
        dataset = screened(dataset)
        save(dataset, task.datasets / name)
        for part, place, ds in single(group, dataset):
            parts[part], places[part] = ds, (f"{task.datasets.name}/{name}", place)
    outcomes: dict[str, list[Outcome]] = {part: [] for part in parts}
    for technique in sorted({str(dataset.attrs["technique"]) for dataset in parts.values()}):
        own = {part: ds for part, ds in parts.items() if ds.attrs["technique"] == technique}
        facts = task.experiment.facts(SECTION_OF[technique], task.path)
        for part, outcome in analyse(technique, own, facts, task.path, task.experiment.folder):
            outcomes[part].append(outcome)
    for part, ds in parts.items():
        technique, (stored, place) = str(ds.attrs["technique"]), places[part]
        yield MeasurementOutcome(
            group=part,
            technique=technique,
            sizes={str(name): int(size) for name, size in ds.sizes.items()},
            dataset=stored,
            sweep=place,
            start_time=str(ds.attrs.get("start_time", "")),
            temperature=temperature_of(ds, task.experiment.facts(SECTION_OF[technique], task.path)),
            findings=findings(ds.attrs),
            outcomes=tuple(map(light, outcomes[part])),
            figures=tuple(figures(ds, outcomes[part])),
        )
