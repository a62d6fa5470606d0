"""Tables and the progress bar in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from .outcome import FileOutcome, Outcome, Run
from .pipeline import Progress as Report
from .wording import typeset, unit, words

if TYPE_CHECKING:
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
    for folder, group in groupby(run.files, key=lambda file: file.path.rpartition("/")[0]):
        files = list(group)
        lines = [cells for file in files for cells in _results(file)]
        remarks = list(_remarks(files))
        if lines or remarks:
            sample = next((file.sample for file in files if file.sample), "")
            console.print(Text.assemble((folder or run.root.resolve().name, "bold"), f"  {sample}"))
        if lines:
            console.print(_table(lines))
        for remark in remarks:
            console.print(Padding(remark, (0, 0, 0, 2)))
        if lines or remarks:
            console.print()
    _footer(console, run)


def _table(lines: Iterable[tuple[str | Text, ...]]) -> Padding:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("file", overflow="fold", min_width=16, max_width=34)
    table.add_column("quantity", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("review", overflow="fold")
    for cells in lines:
        table.add_row(*cells)
    return Padding(table, (0, 0, 0, 2))


def _footer(console: Console, run: Run) -> None:
    counts = run.counts
    others = [file.path for file in run.files if file.status == "unknown"]
    if others:
        more = f" and {len(others) - _MOST_OTHERS} more" if len(others) > _MOST_OTHERS else ""
        console.print(Text(f"of no known format: {', '.join(others[:_MOST_OTHERS])}{more}", style="dim"))
    if any(file.simulated and file.status == "read" for file in run.files):
        console.print(Text("Some of these data are simulated: they were computed, not measured.", style="bold yellow"))
    console.print(f"{counts['read']} read, {counts['failed']} failed, {counts['unknown']} unknown", highlight=False)
    console.print(f"report: {run.out / 'report.html'}", highlight=False, soft_wrap=True)


def _outcomes(file: FileOutcome) -> Iterator[tuple[str, Outcome]]:
    """Yield every outcome of a file with the name under which it is shown."""
    name = file.path.rpartition("/")[2]
    for measurement in file.measurements:
        place = name if len(file.measurements) == 1 else f"{name} · {measurement.group}"
        for outcome in measurement.outcomes:
            yield place, outcome


def _results(file: FileOutcome) -> Iterator[tuple[str | Text, ...]]:
    """Yield the cells of each result's headline."""
    for place, outcome in _outcomes(file):
        if outcome.result:
            quantity = outcome.result.quantities[0]
            verdict = Text()
            for comparison in outcome.comparisons.get(quantity.name, ()):
                verdict.append(f"{comparison.verdict} ", style=_STYLES.get(comparison.verdict, "dim"))
            yield place, words(quantity.name), typeset(quantity.number()), unit(quantity), verdict


def _remarks(files: Iterable[FileOutcome]) -> Iterator[Text]:
    """Yield a line for each file or analysis that failed or declined, and one for each set of missing facts."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for file in files:
        if file.status == "failed":
            yield Text(file.error or "", style="red")
        for place, outcome in _outcomes(file):
            if outcome.problem:
                yield Text(f"{place}: {outcome.problem}", style="red")
            if outcome.declined:
                yield Text(f"{place}: not analysable: {outcome.declined}", style="dim")
            for quantity, entries in outcome.lacking.items():
                lacking.setdefault((quantity, ", ".join(entry.key for entry in entries)), []).append(place)
    for (quantity, keys), places in lacking.items():
        shown = places[0] if len(places) == 1 else f"{len(places)} measurements"
        yield Text(f"{words(quantity)} of {shown} is missing: set {keys}", style="yellow")


def show_reported(found: Iterable[Reported]) -> None:
    """Print reported values, each id on a line of its own so that it can be copied."""
    console = Console()
    for entry in found:
        console.print(Text(entry.id, style="bold"))
        console.print(Text(f"    {entry.system}: {entry.quantity} {entry.printed_as} {entry.reference}"))
