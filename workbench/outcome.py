"""What a run knows about a file, as plain data that crosses processes and goes into ``results.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from interlayer.analysis.quantity import Quantity, Result
from interlayer.analysis.reported import Comparison
from interlayer.parsers.findings import Finding

SCHEMA = "interlayer.run/1"
Status = Literal["read", "unknown", "sidecar", "failed"]


@dataclass(frozen=True)
class Missing:
    """A result that could not be computed for want of a fact.

    Parameters
    ----------
    quantity : str
        What is missing.
    key : str
        What to set in ``experiment.toml``, for example ``"eis.thickness"``.
    help : str
        What that key means.
    """

    quantity: str
    key: str
    help: str

    @property
    def message(self) -> str:
        """One sentence for tables."""
        return f"{self.quantity} needs {self.key} in experiment.toml: {self.help}"


@dataclass(frozen=True)
class Outcome:
    """What came of one analysis: a result, missing facts or the reason why there is none.

    Parameters
    ----------
    result : Result, optional
        The numbers.
    missing : tuple of Missing
        Facts that the numbers would need.
    declined : str, optional
        Why the data do not allow the analysis; a statement about the sample, not a failure.
    problem : str, optional
        What broke down.
    comparisons : mapping of str to tuple of Comparison
        By quantity.
    """

    result: Result | None = None
    missing: tuple[Missing, ...] = ()
    declined: str | None = None
    problem: str | None = None
    comparisons: Mapping[str, tuple[Comparison, ...]] = field(default_factory=dict)

    @property
    def lacking(self) -> dict[str, tuple[Missing, ...]]:
        """The missing facts by the quantity that needs them."""
        names = dict.fromkeys(entry.quantity for entry in self.missing)
        return {name: tuple(entry for entry in self.missing if entry.quantity == name) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "result": None if self.result is None else self.result.to_dict(),
            "missing": [asdict(entry) for entry in self.missing],
            "declined": self.declined,
            "problem": self.problem,
            "comparisons": {name: [asdict(entry) for entry in found] for name, found in self.comparisons.items()},
        }


@dataclass(frozen=True, kw_only=True)
class MeasurementOutcome:
    """One measurement of a file: what it is, what was found in it, what was computed from it."""

    group: str
    technique: str
    sizes: Mapping[str, int]
    dataset: str
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    figures: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the figures."""
        return {
            "group": self.group,
            "technique": self.technique,
            "sizes": dict(self.sizes),
            "dataset": self.dataset,
            "findings": [asdict(finding) for finding in self.findings],
            "outcomes": [outcome.to_dict() for outcome in self.outcomes],
        }


@dataclass(frozen=True, kw_only=True)
class FileOutcome:
    """One file of a run."""

    path: str
    status: Status
    sample: str = ""
    simulated: bool = False
    format: str = ""
    sha256: str = ""
    error: str | None = None
    measurements: tuple[MeasurementOutcome, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        own = {key: getattr(self, key) for key in ("path", "status", "sample", "format", "sha256", "error")}
        own["simulated"] = self.simulated
        return own | {"measurements": [measurement.to_dict() for measurement in self.measurements]}


ROW_FIELDS = (
    "sample", "file", "group", "technique", "quantity", "relation", "value", "stderr", "low95", "high95", "unit",
    "status", "message", "reported_id", "reported", "verdict", "simulated",
)  # fmt: skip
"""Columns of ``results.csv``."""

Row = dict[str, Any]


def rows(file: FileOutcome) -> Iterator[Row]:
    """Return the rows of ``results.csv`` for a file: one for each quantity, missing result and failure."""
    base: Row = dict.fromkeys(ROW_FIELDS, "") | {
        "sample": file.sample,
        "file": file.path,
        "simulated": int(file.simulated),
    }
    if file.status == "failed":
        yield base | {"status": "failed", "message": file.error}
    for measurement in file.measurements:
        place = base | {"group": measurement.group, "technique": measurement.technique}
        for outcome in measurement.outcomes:
            yield from _outcome_rows(place, outcome)


def _outcome_rows(place: Row, outcome: Outcome) -> Iterator[Row]:
    for entry in outcome.missing:
        yield place | {"quantity": entry.quantity, "status": "missing", "message": entry.message}
    if outcome.declined is not None:
        yield place | {"status": "not analysable", "message": outcome.declined}
    if outcome.problem is not None:
        yield place | {"status": "failed", "message": outcome.problem}
    if outcome.result is None:
        return
    for quantity in outcome.result.quantities:
        row = place | quantity_row(quantity) | {"status": "ok"}
        comparisons = outcome.comparisons.get(quantity.name, ())
        if not comparisons:
            yield row
        for comparison in comparisons:
            yield row | {
                "reported_id": comparison.id,
                "reported": comparison.statement,
                "verdict": comparison.verdict,
            }


def quantity_row(quantity: Quantity) -> Row:
    """Return the columns of ``results.csv`` that a quantity fills."""
    low, high = quantity.interval95 or ("", "")
    return {
        "quantity": quantity.name,
        "relation": quantity.relation,
        "value": quantity.value,
        "stderr": "" if quantity.stderr is None else quantity.stderr,
        "low95": low,
        "high95": high,
        "unit": quantity.unit,
    }


@dataclass(frozen=True)
class Run:
    """What came of a folder.

    Parameters
    ----------
    root : Path
        The folder.
    out : Path
        Where results were written.
    files : tuple of FileOutcome
        Every file of the folder, in the order of their paths.
    """

    root: Path
    out: Path
    files: tuple[FileOutcome, ...]

    def rows(self) -> list[Row]:
        """Return the rows of ``results.csv``."""
        return [row for file in self.files for row in rows(file)]

    @property
    def failed(self) -> tuple[FileOutcome, ...]:
        """Files of a known format that could not be read, or whose analysis broke down."""
        return tuple(
            file
            for file in self.files
            if file.status == "failed"
            or any(outcome.problem for measurement in file.measurements for outcome in measurement.outcomes)
        )

    @property
    def counts(self) -> dict[str, int]:
        """Number of files by status."""
        return {
            status: sum(file.status == status for file in self.files)
            for status in ("read", "failed", "unknown", "sidecar")
        }
