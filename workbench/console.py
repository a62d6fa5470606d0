"""Tables and the progress bar in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from .pipeline import Progress as Report
from .pipeline import Run, summary

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
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title, justify in (("File", "left"), ("Quantity", "left"), ("Value", "right"), ("Unit", "left"), ("", "left")):
        table.add_column(title, justify="right" if justify == "right" else "left", overflow="fold")
    simulated = False
    for file in run.files:
        simulated |= file.simulated and file.status == "read"
        for cells in _lines(file.path, run):
            table.add_row(*cells)
    console.print(table)
    counts = summary(run)
    others = [file.path for file in run.files if file.status == "unknown"]
    if others:
        more = f" and {len(others) - _MOST_OTHERS} more" if len(others) > _MOST_OTHERS else ""
        console.print(Text(f"\nof no known format: {', '.join(others[:_MOST_OTHERS])}{more}", style="dim"))
    if simulated:
        console.print(Text("\nThese data are simulated: they were computed, not measured.", style="bold yellow"))
    console.print(f"\n{counts['read']} read, {counts['failed']} failed, {counts['unknown']} unknown", highlight=False)
    console.print(f"report: {run.out / 'report.html'}", highlight=False, soft_wrap=True)


def _lines(path: str, run: Run) -> Iterator[tuple[str | Text, ...]]:
    file = next(file for file in run.files if file.path == path)
    if file.status == "failed":
        yield path, Text(file.error or "", style="red"), "", "", ""
    for measurement in file.measurements:
        place = path if len(file.measurements) == 1 else f"{path} · {measurement.group}"
        for outcome in measurement.outcomes:
            for entry in outcome.missing:
                yield place, entry.quantity, "missing", "", Text(f"set {entry.key}", style="yellow")
            if outcome.declined:
                yield place, Text(outcome.declined, style="dim"), "", "", ""
            if outcome.problem:
                yield place, Text(outcome.problem, style="red"), "", "", ""
            if outcome.result:
                quantity = outcome.result.quantities[0]
                verdict = Text()
                for comparison in outcome.comparisons.get(quantity.name, ()):
                    verdict.append(f"{comparison.verdict} ", style=_STYLES.get(comparison.verdict, "dim"))
                unit = "" if quantity.unit == "1" else quantity.unit
                yield place, quantity.name, quantity.number(), unit, verdict


def show_reported(found: Iterable[Reported]) -> None:
    """Print reported values, each id on a line of its own so that it can be copied."""
    console = Console()
    for entry in found:
        console.print(Text(entry.id, style="bold"))
        console.print(Text(f"    {entry.system}: {entry.quantity} {entry.printed_as} {entry.reference}"))
