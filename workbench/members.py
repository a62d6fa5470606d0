"""Measurements of a run as the analyses across files see them, and what such an analysis hands back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlayer.analysis.quantity import Quantity

from .experiment import Experiment
from .outcome import FileOutcome, MeasurementOutcome, Outcome, Validity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SAME_TEMPERATURE = 2.0
"""In K: measurements that are no farther apart count as made at one temperature."""


@dataclass(frozen=True)
class Member:
    """One measurement of one file.

    Parameters
    ----------
    experiment : Experiment
        Of its folder.
    facts : mapping
        The section of ``experiment.toml`` for this file.
    path : Path
        The file.
    file : FileOutcome
        What is known of the file.
    measurement : MeasurementOutcome
        What was computed.
    results : Path
        Folder of the run's results, where its Dataset lies.
    """

    experiment: Experiment
    facts: Mapping[str, Any]
    path: Path
    file: FileOutcome
    measurement: MeasurementOutcome
    results: Path

    @property
    def place(self) -> str:
        """File, and group where the file holds several."""
        alone = len(self.file.measurements) == 1
        return self.file.path if alone else f"{self.file.path} · {self.measurement.group}"

    @property
    def temperature(self) -> Quantity | None:
        """Of the measurement, in degC."""
        return self.measurement.temperature

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Of the headline result."""
        results = [outcome.result for outcome in self.measurement.outcomes if outcome.role == "headline"]
        return next((result.quantities for result in results if result is not None), ())

    def quantity(self, name: str) -> Quantity | None:
        """Return a quantity of the headline result, None where there is none."""
        return next((quantity for quantity in self.quantities if quantity.name == name), None)

    def budget(self, name: str) -> Mapping[str, float]:
        """Return the standard uncertainty of a quantity of the headline result by source."""
        results = [outcome.result for outcome in self.measurement.outcomes if outcome.role == "headline"]
        return next((result.budget.get(name, {}) for result in results if result is not None), {})

    def dataset(self) -> xr.Dataset:
        """Return what was measured, from the results."""
        import xarray as xr

        with xr.open_dataset(self.results / self.measurement.dataset, engine="h5netcdf") as ds:
            whole = ds.load()
        return whole if self.measurement.sweep is None else whole.isel(sweep=self.measurement.sweep)


@dataclass(frozen=True, kw_only=True)
class Series:
    """What an analysis across files found; the result still has its curves.

    Parameters
    ----------
    kind : str
        For people: ``"temperature series"``.
    members : sequence of Member
        What went in.
    outcome : Outcome
        What came of it.
    temperature : Quantity, optional
        At which the numbers hold.
    details : tuple of Outcome
        What else was computed, for a closer look.
    name : str
        Instead of the sample's name, for a series of several samples.
    draw : tuple of callable
        Each returns a figure; called only for a report.
    """

    kind: str
    members: Sequence[Member]
    outcome: Outcome
    temperature: Quantity | None = None
    details: tuple[Outcome, ...] = ()
    name: str = ""
    draw: tuple[Callable[[], Figure], ...] = ()


def grouped(members: Iterable[Member], key: Callable[[Member], Hashable]) -> Iterator[list[Member]]:
    """Yield the members that share a key, in the order in which the keys first appear."""
    found: dict[Hashable, list[Member]] = {}
    for member in members:
        found.setdefault(key(member), []).append(member)
    yield from found.values()


def coated_and_bare(members: Sequence[Member]) -> tuple[list[Member], list[Member]]:
    """Return the members without and with a name that the fact ``bare`` of any of them matches."""
    patterns = {pattern for member in members for pattern in member.facts.get("bare", ())}
    bare = [member for member in members if any(fnmatch(member.path.name, pattern) for pattern in patterns)]
    return [member for member in members if member not in bare], bare


def by_temperature(members: Iterable[Member]) -> list[list[Member]]:
    """Return the members sorted into groups of one temperature, the coldest first, those without one last."""
    members = list(members)
    groups: list[list[Member]] = []
    lowest = -float("inf")
    for celsius, member in sorted(((m.temperature.value, m) for m in members if m.temperature), key=lambda e: e[0]):
        if celsius > lowest + SAME_TEMPERATURE:
            lowest = celsius
            groups.append([])
        groups[-1].append(member)
    unknown = [member for member in members if member.temperature is None]
    return [*groups, unknown] if unknown else groups


def in_time_order(members: Iterable[Member]) -> list[Member]:
    """Return the members as they were measured; as they were given where a file does not say when."""
    members = list(members)
    if all(member.measurement.start_time for member in members):
        return sorted(members, key=lambda member: member.measurement.start_time)
    return members


def joint_validity(members: Sequence[Member], noun: str = "spectra") -> Validity | None:
    """Return what the tests of the members' data say together, None where not all were tested.

    Parameters
    ----------
    members : sequence of Member
        What was tested.
    noun : str
        What the members are, in the plural.
    """
    verdicts = [member.measurement.validity for member in members]
    doubtful = [m.place for m, v in zip(members, verdicts, strict=True) if v is not None and v.verdict == "warn"]
    if doubtful:
        return Validity("warn", f"{len(doubtful)} of {len(members)} {noun} are doubtful: {listed(doubtful)}")
    return None if None in verdicts else Validity("pass", f"all {len(members)} {noun} are consistent")


def listed(places: Sequence[str], most: int = 4) -> str:
    """Return the first few of several names.

    Examples
    --------
    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(places) - most} more" if len(places) > most else ""
    return ", ".join(places[:most]) + more
