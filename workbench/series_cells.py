"""Cells built alike: their mean and spread, and coated ones against bare ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from interlayer.analysis.quantity import Result

from .attempt import attempt
from .members import Member, Series, coated_and_bare, grouped, listed
from .outcome import Validity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMPARED = (
    "capacity_retention",
    "capacity_at_highest_rate",
    "coulombic_efficiency_mean",
    "overpotential",
    "area_specific_resistance",
)
"""Quantities that are given for cells together: those into which mass and gain of a cell do not enter, or little."""


@dataclass(frozen=True)
class Cells:
    """Cells that belong together: by kind, ``coated`` and ``bare`` where bare ones are named, else all ``alike``."""

    name: str
    kinds: Mapping[str, Sequence[Member]]

    @property
    def members(self) -> tuple[Member, ...]:
        """All cells."""
        return tuple(member for members in self.kinds.values() for member in members)


def replicate_cells(members: Sequence[Member]) -> Iterator[Series]:
    """Yield mean and spread of the cells that share the fact ``series``, without bare ones among them."""
    from interlayer.analysis import cycling

    for cells in _built_alike(members):
        if "alike" not in cells.kinds:
            continue
        drawn = False
        for name in _held(cells):
            results = _results(cells.kinds["alike"], name)
            outcome = attempt(cycling.replicates, results, name)
            draw = () if drawn or outcome.result is None else (partial(_draw, cells, name),)
            drawn = drawn or bool(draw)
            yield Series(
                kind=f"{len(results)} cells",
                members=cells.members,
                outcome=replace(outcome, headline=(f"{name}_mean", f"{name}_spread"), validity=_validity(cells)),
                name=cells.name,
                draw=draw,
            )


def coated_against_bare(members: Sequence[Member]) -> Iterator[Series]:
    """Yield by how much coated and bare cells of a folder or series differ."""
    from interlayer.analysis import cycling

    for cells in _built_alike(members):
        if "bare" not in cells.kinds:
            continue
        drawn = False
        for name in _held(cells):
            coated, bare = (_results(cells.kinds[kind], name) for kind in ("coated", "bare"))
            outcome = attempt(cycling.coated_against_bare, coated, bare, name)
            draw = () if drawn or outcome.result is None else (partial(_draw, cells, name),)
            drawn = drawn or bool(draw)
            yield Series(
                kind="coated against bare cells",
                members=cells.members,
                outcome=replace(outcome, headline=(f"{name}_difference",), validity=_validity(cells)),
                name=cells.name,
                draw=draw,
            )


def _built_alike(members: Sequence[Member]) -> Iterator[Cells]:
    """Yield the cells that share a series, and those of a folder that names bare ones."""
    named = [member for member in members if "series" in member.facts or "bare" in member.facts]
    for group in grouped(named, lambda m: m.facts.get("series") or (m.experiment.folder, m.file.sample)):
        name = str(group[0].facts.get("series", ""))
        coated, bare = coated_and_bare(group)
        if bare:
            yield Cells(name, {"coated": coated, "bare": bare})
        elif len(group) > 1:
            yield Cells(name, {"alike": coated})


def _held(cells: Cells) -> list[str]:
    """Return the quantities that two cells of each kind hold."""
    return [name for name in COMPARED if all(len(_results(members, name)) > 1 for members in cells.kinds.values())] or [
        name for name in COMPARED[:1] if any(_results(members, name) for members in cells.kinds.values())
    ]


def _results(members: Sequence[Member], name: str) -> dict[str, Result]:
    """Return the headline result that holds a quantity, by cell."""
    found = {}
    for member in members:
        results = [outcome.result for outcome in member.measurement.outcomes if outcome.role == "headline"]
        held = [result for result in results if result is not None and name in result]
        if held and held[0][name].relation == "=":
            found[member.place] = held[0]
    return found


def _validity(cells: Cells) -> Validity | None:
    """Return a warning where cells fail or are shorted: they count, and the reader must know."""
    verdicts = [(member, member.measurement.validity) for member in cells.members]
    bad = [
        f"{member.place} ({v.label or 'doubtful'})" for member, v in verdicts if v is not None and v.verdict == "warn"
    ]
    return Validity("warn", f"among the cells are {listed(bad)}", "see cells") if bad else None


def _draw(cells: Cells, name: str) -> Figure:
    from .plot_cells import Cell, cells_figure

    drawn = {
        kind: [
            Cell(result[name], *course)
            for member in members
            if (result := _results([member], name).get(member.place)) is not None
            if (course := _course(member)) is not None
        ]
        for kind, members in cells.kinds.items()
    }
    return cells_figure(drawn, symmetric=cells.members[0].facts.get("cell_type") == "symmetric")


def _course(member: Member) -> tuple[list[float], list[float]] | None:
    """Return what is drawn of a cell over its cycles: capacity over the reference's, or overpotential in V."""
    from interlayer.analysis import cycling
    from interlayer.analysis.errors import NotAnalysable

    ds, facts = member.dataset(), member.facts
    try:
        if facts.get("cell_type") == "symmetric":
            curves = cycling.polarisation(ds).curves
            assert curves is not None
            whole = curves["complete"].values.astype(bool)
            return curves["half_cycle"].values[whole].tolist(), curves["overpotential"].values[whole].tolist()
        summary = cycling.summarise(ds, cell_type=facts["cell_type"])
    except NotAnalysable:
        return None
    name = "capacity_charge" if facts["cell_type"] == "anode_half" else "capacity_discharge"
    whole = summary["coulombic_efficiency"].notnull().values
    cycle, capacity = summary["cycle"].values[whole], summary[name].values[whole]
    reference = capacity[cycle == facts.get("reference_cycle")]
    return (cycle.tolist(), (capacity / reference[0]).tolist()) if reference.size else None
