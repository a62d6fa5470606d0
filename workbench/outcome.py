"""What a run knows about a file, as plain data that crosses processes and goes into ``results.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from interlayer.analysis.quantity import Quantity, Result
from interlayer.analysis.reported import Comparison
from interlayer.parsers.findings import Finding

SCHEMA = "interlayer.run/1"
Status = Literal["read", "unknown", "sidecar", "failed"]
Role = Literal["headline", "check", "detail"]

WITHOUT_TEMPERATURE = ("activation_energy", "prefactor")
"""How the names of quantities begin that hold at no single temperature."""


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
class Validity:
    """What a test of the data says of all that is computed from them.

    Parameters
    ----------
    verdict : {"pass", "warn"}
        Whether the data may be taken for what the analyses assume.
    reason : str
        One sentence.
    label : str
        One or two words for tables, where neither "consistent" nor "doubtful" says it.
    """

    verdict: Literal["pass", "warn"]
    reason: str
    label: str = ""


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
    role : {"headline", "check", "detail"}
        Whether the numbers are what the measurement was made for, a test of the data, or for a closer look. Only
        headlines are rows of tables.
    validity : Validity, optional
        What a check says.
    headline : tuple of str
        Names of the quantities that short tables show; the first quantity where it is empty.
    """

    result: Result | None = None
    missing: tuple[Missing, ...] = ()
    declined: str | None = None
    problem: str | None = None
    comparisons: Mapping[str, tuple[Comparison, ...]] = field(default_factory=dict)
    role: Role = "headline"
    validity: Validity | None = None
    headline: tuple[str, ...] = ()

    @property
    def headlines(self) -> tuple[Quantity, ...]:
        """The quantities that short tables show; none for checks and details."""
        if self.result is None or self.role != "headline":
            return ()
        return tuple(self.result[name] for name in self.headline if name in self.result) or self.result.quantities[:1]

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
            "role": self.role,
            "validity": None if self.validity is None else asdict(self.validity),
        }


def light(outcome: Outcome) -> Outcome:
    """Return an outcome without arrays and fit objects, small and picklable."""
    if outcome.result is None:
        return outcome
    return replace(outcome, result=replace(outcome.result, curves=None, fit=None))


@dataclass(frozen=True, kw_only=True)
class MeasurementOutcome:
    """One measurement of a file: what it is, what was found in it, what was computed from it.

    Parameters
    ----------
    group : str
        Name within the file.
    technique : str
        Of the vocabulary.
    sizes : mapping of str to int
        Dimensions of the Dataset.
    dataset : str
        Where it was written, relative to the results.
    sweep : int, optional
        Place along the dimension ``sweep``, where the Dataset holds several and this is one of them.
    start_time : str
        ISO 8601, empty where the file does not say.
    temperature : Quantity, optional
        As measured, or as ``experiment.toml`` states it.
    findings : tuple of Finding
        What the reader noticed.
    outcomes : tuple of Outcome
        One for each analysis.
    figures : tuple of str
        Data URIs.
    """

    group: str
    technique: str
    sizes: Mapping[str, int]
    dataset: str
    sweep: int | None = None
    start_time: str = ""
    temperature: Quantity | None = None
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    figures: tuple[str, ...] = ()

    @property
    def validity(self) -> Validity | None:
        """What the test of the data says, where there is one."""
        return next((outcome.validity for outcome in self.outcomes if outcome.validity is not None), None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the figures."""
        return {
            "group": self.group,
            "technique": self.technique,
            "sizes": dict(self.sizes),
            "dataset": self.dataset,
            "sweep": self.sweep,
            "start_time": self.start_time,
            "temperature": None if self.temperature is None else self.temperature.to_dict(),
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


@dataclass(frozen=True, kw_only=True)
class SeriesOutcome:
    """What several measurements say together that none says alone.

    Parameters
    ----------
    kind : str
        For example ``"temperature series"``.
    sample : str
        Sample, or name of the series where it spans several.
    technique : str
        Of the vocabulary.
    folder : str
        Nearest folder above all members, relative to the run.
    members : tuple of str
        File, and group where a file holds several.
    temperature : Quantity, optional
        Of all members, or the one for which the numbers are computed.
    simulated : bool
        Whether any member is.
    outcome : Outcome
        What came of it.
    details : tuple of Outcome
        For a closer look.
    figures : tuple of str
        Data URIs.
    """

    kind: str
    sample: str
    technique: str
    folder: str
    members: tuple[str, ...]
    outcome: Outcome
    temperature: Quantity | None = None
    details: tuple[Outcome, ...] = ()
    simulated: bool = False
    figures: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the figures."""
        own = {key: getattr(self, key) for key in ("kind", "sample", "technique", "folder", "simulated")}
        return own | {
            "members": list(self.members),
            "temperature": None if self.temperature is None else self.temperature.to_dict(),
            "outcome": self.outcome.to_dict(),
            "details": [outcome.to_dict() for outcome in self.details],
        }


ROW_FIELDS = (
    "sample", "file", "group", "technique", "temperature", "quantity", "relation", "value", "stderr", "low95",
    "high95", "unit", "status", "validity", "message", "reported_id", "reported", "verdict", "simulated",
)  # fmt: skip
"""Columns of ``results.csv``."""

Row = dict[str, Any]


def rows(file: FileOutcome) -> Iterator[Row]:
    """Return the rows of ``results.csv`` for a file: one for each quantity, missing result and failure."""
    base = _base(file.sample, file.path, file.simulated)
    if file.status == "failed":
        yield base | {"status": "failed", "message": file.error}
    for measurement in file.measurements:
        place = base | {"group": measurement.group, "technique": measurement.technique}
        if measurement.validity is not None:
            place |= {"validity": measurement.validity.verdict, "message": _warning(measurement.validity)}
        for outcome in measurement.outcomes:
            yield from _outcome_rows(place, outcome, measurement.temperature)


def series_rows(series: SeriesOutcome) -> Iterator[Row]:
    """Return the rows of ``results.csv`` for a series; the folder stands for its files, the kind for the group."""
    place = _base(series.sample, series.folder, series.simulated)
    place |= {"group": series.kind, "technique": series.technique}
    yield from _outcome_rows(place, series.outcome, series.temperature)


def _base(sample: str, file: str, simulated: bool) -> Row:
    return dict.fromkeys(ROW_FIELDS, "") | {"sample": sample, "file": file, "simulated": int(simulated)}


def _warning(validity: Validity) -> str:
    return validity.reason if validity.verdict == "warn" else ""


def _outcome_rows(place: Row, outcome: Outcome, temperature: Quantity | None) -> Iterator[Row]:
    for entry in outcome.missing:
        yield place | {"quantity": entry.quantity, "status": "missing", "message": entry.message}
    if outcome.problem is not None:
        yield place | {"status": "failed", "message": outcome.problem}
    if outcome.role != "headline":
        return
    if outcome.declined is not None:
        yield place | {"status": "not analysable", "message": outcome.declined}
    if outcome.result is None:
        return
    for quantity in outcome.result.quantities:
        row = place | quantity_row(quantity) | {"status": "ok"}
        if temperature is not None and not quantity.name.startswith(WITHOUT_TEMPERATURE):
            row["temperature"] = f"{temperature.value:.6g}"
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
    series : tuple of SeriesOutcome
        What several files say together.
    """

    root: Path
    out: Path
    files: tuple[FileOutcome, ...]
    series: tuple[SeriesOutcome, ...] = ()

    def rows(self) -> list[Row]:
        """Return the rows of ``results.csv``: those of the files, then those of the series."""
        of_files = [row for file in self.files for row in rows(file)]
        return of_files + [row for series in self.series for row in series_rows(series)]

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
    def succeeded(self) -> bool:
        """Whether every file of a known format and every series went through."""
        return not self.failed and not any(series.outcome.problem for series in self.series)

    @property
    def counts(self) -> dict[str, int]:
        """Number of files by status."""
        return {
            status: sum(file.status == status for file in self.files)
            for status in ("read", "failed", "unknown", "sidecar")
        }
