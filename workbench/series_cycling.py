"""Cycling across files: the parts of one test joined into one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Result
from interlayer.parsers.findings import findings

from .analyses_cycling import of_record
from .conditions import temperature_of
from .files import save, slug
from .members import Member, Series, grouped
from .outcome import Outcome

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def joined_tests(members: Sequence[Member]) -> Iterator[Series]:
    """Yield what comes of the files that share the fact ``test``, joined by their clocks into one record.

    The joined record is stored beside those of the files.
    """
    named = [member for member in members if "test" in member.facts]
    for parts in grouped(named, lambda m: (m.experiment.folder, m.file.sample, m.facts["test"])):
        yield from _joined(parts)


def _joined(parts: Sequence[Member]) -> Iterator[Series]:
    from interlayer.analysis import cycling

    first = parts[0]
    kind = f"{first.facts['test']}, {len(parts)} {'files' if len(parts) > 1 else 'file'} joined"
    try:
        whole = cycling.splice([member.dataset() for member in parts])
    except (NotAnalysable, ValueError) as error:
        yield Series(kind=kind, members=parts, outcome=Outcome(declined=str(error)))
        return
    if any(member.file.simulated for member in parts):
        whole.attrs["simulated"] = 1
    place = first.file.path.rpartition("/")[0]
    save(whole, first.results / "datasets" / f"{slug('/'.join(filter(None, (place, str(first.facts['test'])))))}.nc")
    outcomes = list(of_record(whole, first.facts))
    temperature = temperature_of(whole, first.facts)
    details = tuple(outcome for outcome in outcomes if outcome.role != "headline")
    notes = tuple(finding.message for finding in findings(whole.attrs))
    for number, outcome in enumerate(outcome for outcome in outcomes if outcome.role == "headline"):
        yield Series(
            kind=kind,
            members=parts,
            outcome=_noted(outcome, notes) if number == 0 else outcome,
            details=details if number == 0 else (),
            temperature=temperature,
            draw=(*([partial(_record, whole, outcomes)] if number == 0 else []), *_drawings(outcome, details, number)),
        )


def _noted(outcome: Outcome, notes: tuple[str, ...]) -> Outcome:
    result = outcome.result and replace(outcome.result, notes=(*outcome.result.notes, *notes))
    return replace(outcome, result=result)


def _record(whole: xr.Dataset, outcomes: Sequence[Outcome]) -> Figure:
    from .plots import record_with_events

    return record_with_events(whole, _results(outcomes))


def _drawings(outcome: Outcome, details: Sequence[Outcome], number: int) -> Iterator[Callable[[], Figure]]:
    from .plots import plot, plot_beside

    for result in _drawable([outcome]):
        yield partial(plot, result)
    if number == 0 and (closer := _drawable(details)):
        yield partial(plot_beside, closer)


def _drawable(outcomes: Sequence[Outcome]) -> list[Result]:
    from .plot_results import drawing_of

    return [result for result in _results(outcomes) if drawing_of(result) is not None]


def _results(outcomes: Sequence[Outcome]) -> list[Result]:
    return [outcome.result for outcome in outcomes if outcome.result is not None]
