"""Tables and the progress bar in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from .outcome import FileOutcome, Outcome, Run
from .pipeline import Progress as Report
from .wording import at, number, unit, words

if TYPE_CHECKING:
    from interlayer.analysis.quantity import Quantity
    from interlayer.analysis.reported import Reported

_STYLES = {"agrees": "green", "above": "yellow", "below": "yellow", "contradicts": "red"}
_MOST_OTHERS = 8


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Give a function to be called with done, total and path; the bar goes to standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def report(done: int, total: int, path: str) -> None:
            bar.update(task, completed=done, total=total, description=path.rpartition("/")[2][:32])

        yield report


def show(run: Run) -> None:
    """Print the headline of each result, what is missing and why, and where the report lies."""
    console = Console()
    of_folder: dict[str, list[_Shown]] = {}
    folders = {file.path.rpartition("/")[0] for file in run.files}
    for series in run.series:
        kind = series.kind if series.folder in folders else f"{series.sample}, {series.kind}".removeprefix(", ")
        of_folder.setdefault(series.folder, []).append(_Shown(kind, series.outcome, series.temperature))
    for folder, group in groupby(run.files, key=lambda file: file.path.rpartition("/")[0]):
        files = list(group)
        sample = next((file.sample for file in files if file.sample), "")
        _show_folder(console, folder or run.root.resolve().name, sample, files, of_folder.pop(folder, []))
    for folder, found in of_folder.items():
        _show_folder(console, folder or run.root.resolve().name, "", [], found)
    _footer(console, run)


def _show_folder(
    console: Console, title: str, sample: str, files: Sequence[FileOutcome], series: Sequence[_Shown]
) -> None:
    shown = [*series, *(place for file in files for place in _of_file(file))]
    lines = [cells for entry in shown for cells in _headlines(entry)]
    remarks = [*(Text(file.error or "", style="red") for file in files if file.status == "failed"), *_remarks(shown)]
    if not lines and not remarks:
        return
    console.print(Text.assemble((title, "bold"), f"  {sample}"))
    if lines:
        console.print(_table(lines))
    for remark in remarks:
        console.print(Padding(remark, (0, 0, 0, 2)))
    console.print()


def _table(lines: Iterable[tuple[str | Text, ...]]) -> Padding:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("file", overflow="fold", min_width=18, max_width=34)
    table.add_column("quantity", overflow="fold")
    table.add_column("at", justify="right", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("review", overflow="fold")
    for cells in lines:
        table.add_row(*cells)
    return Padding(table, (0, 0, 0, 2))


def _footer(console: Console, run: Run) -> None:
    counts = run.counts
    others = [file for file in run.files if file.status == "unknown"]
    kinds = {"of no known format": False, "pictures without a scale, see tem.pixel_size": True}
    for kind, known in kinds.items():
        paths = [file.path for file in others if bool(file.format) == known]
        more = f" and {len(paths) - _MOST_OTHERS} more" if len(paths) > _MOST_OTHERS else ""
        if paths:
            console.print(Text(f"{kind}: {', '.join(paths[:_MOST_OTHERS])}{more}", style="dim"))
    if any(file.simulated and file.status == "read" for file in run.files):
        console.print(Text("Some of these data are simulated: they were computed, not measured.", style="bold yellow"))
    console.print(f"{counts['read']} read, {counts['failed']} failed, {counts['unknown']} unknown", highlight=False)
    console.print(f"report: {run.out / 'report.html'}", highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class _Shown:
    """One outcome with the name under which it is shown."""

    place: str
    outcome: Outcome
    temperature: Quantity | None


def _of_file(file: FileOutcome) -> Iterator[_Shown]:
    name = file.path.rpartition("/")[2]
    for measurement in file.measurements:
        place = name if len(file.measurements) == 1 else f"{name} · {measurement.group}"
        for outcome in measurement.outcomes:
            yield _Shown(place, outcome, measurement.temperature)


def _headlines(shown: _Shown) -> Iterator[tuple[str | Text, ...]]:
    """Yield the cells of each headline of a result."""
    for quantity in shown.outcome.headlines:
        verdict = Text()
        for comparison in shown.outcome.comparisons.get(quantity.name, ()):
            if comparison.verdict != "not comparable":
                verdict.append(f"{comparison.verdict} ", style=_STYLES.get(comparison.verdict, "dim"))
        name, value = words(quantity.name), number(quantity)
        yield shown.place, name, at(quantity, shown.temperature), value, unit(quantity), verdict


def _remarks(entries: Iterable[_Shown]) -> Iterator[Text]:
    """Yield a line for each analysis that failed or declined, and one for each set of missing facts."""
    lacking: dict[tuple[str, str], list[str]] = {}
    doubtful: list[_Shown] = []
    for shown in entries:
        outcome = shown.outcome
        if outcome.problem:
            yield Text(f"{shown.place}: {outcome.problem}", style="red")
        if outcome.declined and outcome.role == "headline":
            yield Text(f"{shown.place}: not analysable: {outcome.declined}", style="dim")
        if outcome.validity is not None and outcome.validity.verdict == "warn":
            doubtful.append(shown)
        for quantity, missing in outcome.lacking.items():
            lacking.setdefault((quantity, ", ".join(entry.key for entry in missing)), []).append(shown.place)
    for shown in doubtful[:_MOST_OTHERS]:
        yield Text(f"{shown.place}: {shown.outcome.validity.reason if shown.outcome.validity else ''}", style="yellow")
    if len(doubtful) > _MOST_OTHERS:
        yield Text(f"{len(doubtful) - _MOST_OTHERS} more are doubtful, see the report", style="yellow")
    for (quantity, keys), places in lacking.items():
        name = places[0] if len(places) == 1 else f"{len(places)} measurements"
        yield Text(f"{words(quantity)} of {name} is missing: set {keys}", style="yellow")


def show_reported(found: Iterable[Reported]) -> None:
    """Print reported values, each id on a line of its own so that it can be copied."""
    console = Console()
    for entry in found:
        console.print(Text(entry.id, style="bold"))
        console.print(Text(f"    {entry.system}: {entry.quantity} {entry.printed_as} {entry.reference}"))
