"""What several files of a run say together: which analyses are made across files, and of which measurements."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from . import series_cells, series_cycling, series_eis, series_tem
from .attempt import compared
from .experiment import Experiment
from .facts import SECTION_OF
from .members import Member, Series
from .outcome import FileOutcome, Outcome, SeriesOutcome, light

_LOG = logging.getLogger(__name__)

ANALYSES: Mapping[str, tuple[Callable[[Sequence[Member]], Iterator[Series]], ...]] = {
    "cycling": (series_cells.replicate_cells, series_cells.coated_against_bare, series_cycling.joined_tests),
    "eis": (series_eis.temperature_series, series_eis.coated_against_bare, series_eis.thickness_series),
    "eds": (series_tem.coated_against_bare,),
    "eds_events": (series_tem.coated_against_bare,),
    "image": (series_tem.several_images,),
}
"""By technique; each is given all measurements of the technique and picks those that belong together."""


def find_series(read: Sequence[tuple[Experiment, FileOutcome]], root: Path, results: Path) -> tuple[SeriesOutcome, ...]:
    """Analyse the measurements that belong together.

    Parameters
    ----------
    read : sequence of (Experiment, FileOutcome)
        Every file of the run with the facts of its folder.
    root : Path
        The folder of the run.
    results : Path
        Where the Datasets were written.

    Returns
    -------
    tuple of SeriesOutcome
        A series that breaks down is one entry that says so.
    """
    return tuple(_found(read, root, results))


def _found(read: Sequence[tuple[Experiment, FileOutcome]], root: Path, results: Path) -> Iterator[SeriesOutcome]:
    for technique, analyses in ANALYSES.items():
        members = [
            Member(experiment, experiment.facts(SECTION_OF[technique], path), path, file, measurement, results)
            for experiment, file in read
            for path in [root / file.path]
            for measurement in file.measurements
            if measurement.technique == technique
        ]
        for analyse in analyses:
            yield from _guarded(technique, analyse, members)


def _guarded(
    technique: str, analyse: Callable[[Sequence[Member]], Iterator[Series]], members: Sequence[Member]
) -> Iterator[SeriesOutcome]:
    """Yield what an analysis finds; whatever breaks down, the results of the files stand."""
    try:
        for series in analyse(members):
            yield _outcome(technique, series)
    except Exception as error:
        _LOG.debug("an analysis across files broke down", exc_info=True)
        problem = Outcome(problem=f"{type(error).__name__}: {error}")
        kind = analyse.__name__.replace("_", " ")
        yield SeriesOutcome(kind=kind, sample="", technique=technique, folder="", members=(), outcome=problem)


def _outcome(technique: str, series: Series) -> SeriesOutcome:
    members = series.members
    ids = tuple(dict.fromkeys(name for member in members for name in member.facts.get("compare", ())))
    outcome = compared(series.outcome, ids, series.temperature)
    simulated = any(member.file.simulated for member in members)
    return SeriesOutcome(
        kind=series.kind,
        sample=series.name or members[0].file.sample,
        technique=technique,
        folder=_common_folder([member.file.path for member in members]),
        members=tuple(member.place for member in members),
        temperature=series.temperature,
        simulated=simulated,
        outcome=replace(light(outcome), validity=outcome.validity),
        details=tuple(map(light, series.details)),
        figures=tuple(_figures(series, simulated)),
    )


def _figures(series: Series, simulated: bool) -> Iterator[str]:
    from .figures import data_uri
    from .plot_style import mark_simulated

    with warnings.catch_warnings():
        # A figure that cannot be laid out perfectly is still worth showing.
        warnings.simplefilter("ignore")
        for draw in series.draw:
            figure = draw()
            if simulated:
                mark_simulated(figure)
            yield data_uri(figure, vector=True)


def _common_folder(paths: Sequence[str]) -> str:
    """Return the nearest folder above all of the files, empty for the top.

    Examples
    --------
    >>> _common_folder(["films/a/1.mpt", "films/b/2.mpt"]), _common_folder(["1.mpt", "a/2.mpt"])
    ('films', '')
    """
    folder = os.path.commonpath([PurePosixPath("/", path).parent.as_posix() for path in paths])
    return folder.strip("/")
