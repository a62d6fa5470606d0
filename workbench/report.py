"""``results.json``, ``results.csv`` and the self-contained ``report.html`` of a run."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .files import write_json, write_text
from .outcome import ROW_FIELDS, SCHEMA, FileOutcome, Run, SeriesOutcome
from .wording import at, celsius, number, printed_unit, readable, typeset, unit, words

if TYPE_CHECKING:
    from interlayer.analysis.quantity import Quantity


def write_results(run: Run) -> None:
    """Write the three files of a run into its folder, each whole or not at all."""
    write_json(run.out / "results.json", results(run))
    write_text(run.out / "results.csv", table(run))
    write_text(run.out / "report.html", html(run))


def results(run: Run) -> dict[str, Any]:
    """Return the content of ``results.json``: everything but the arrays and the figures."""
    return {
        "schema": SCHEMA,
        "interlayer": _version(),
        "folder": run.root.name,
        "summary": run.counts,
        "files": [file.to_dict() for file in run.files],
        "series": [series.to_dict() for series in run.series],
    }


def table(run: Run) -> str:
    """Return the content of ``results.csv``: UTF-8, comma, decimal point, one row a quantity."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ROW_FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(run.rows())
    return buffer.getvalue()


def html(run: Run) -> str:
    """Return the report as one page without scripts and without links to anything outside."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=PackageLoader("interlayer"), trim_blocks=True
    )
    environment.filters["number"] = number
    environment.filters["unit"] = unit
    environment.filters["printed_unit"] = printed_unit
    environment.filters["interval"] = _interval
    environment.filters["share"] = _share
    environment.filters["at"] = at
    environment.filters["words"] = words
    environment.filters["celsius"] = celsius
    environment.filters["typeset"] = typeset
    environment.filters["anchor"] = lambda series: f"series-{1 + run.series.index(series)}"
    read = [file for file in run.files if file.status == "read"]
    return environment.get_template("report.html").render(
        folder=run.root.resolve().name,
        version=_version(),
        summary=run.counts,
        simulated=any(file.simulated for file in read),
        compared=any(row["verdict"] for row in run.rows()),
        samples=_by_sample(read, run.series),
        failed=[file for file in run.files if file.status == "failed"],
        unknown=[file for file in run.files if file.status in ("unknown", "sidecar")],
    )


@dataclass
class _Sample:
    """What the report shows under one heading."""

    series: list[SeriesOutcome] = field(default_factory=list)
    files: list[FileOutcome] = field(default_factory=list)

    @property
    def simulated(self) -> bool:
        return any(s.simulated for s in self.series) or any(file.simulated for file in self.files)


def _by_sample(files: Iterable[FileOutcome], series: Iterable[SeriesOutcome]) -> dict[str, _Sample]:
    samples: dict[str, _Sample] = {}
    for file in files:
        name = file.sample or file.path.rpartition("/")[0] or "files"
        samples.setdefault(name, _Sample()).files.append(file)
    for found in series:
        samples.setdefault(found.sample or found.folder or "files", _Sample()).series.append(found)
    return samples


def _interval(quantity: Quantity) -> str:
    """Return the interval with as many digits as its width makes meaningful."""
    interval = readable(quantity).interval95
    if interval is None:
        return ""
    low, high = interval
    width, largest = high - low, max(abs(low), abs(high))
    digits = 2 if not width or not largest else max(2, math.ceil(math.log10(largest / width)) + 2)
    return " … ".join(typeset(f"{bound:#.{min(digits, 12)}g}".rstrip(".")) for bound in (low, high))


def _share(sources: dict[str, float]) -> list[tuple[str, float, float]]:
    """Return source, uncertainty and share of the variance, largest first."""
    total = sum(value**2 for value in sources.values()) or 1.0
    ranked = sorted(sources.items(), key=lambda item: -item[1])
    return [(name, value, 100.0 * value**2 / total) for name, value in ranked]


def _version() -> str:
    from importlib.metadata import version

    return version("interlayer")
