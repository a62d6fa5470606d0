"""What a run computes of every cycling record: retention and fade, or polarisation and shorts of symmetric cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interlayer.analysis.quantity import Quantity, Result

from .attempt import Found, Task, attempt, lacking_facts, missing_facts
from .outcome import Outcome, Validity

if TYPE_CHECKING:
    import xarray as xr

_MOST_SHOWN = 6
"""Cycles of which voltage and dQ/dV are shown."""

_ANY_LENGTH = Quantity("diffusion_length", 1.0, None, "cm")
"""With which a titration is told from plain cycling; nothing that follows from it is kept."""

_MOST = 0.6
"""Part of the cycles that a law of the fade is to rest on."""

_NOT_RANDOM = 1e-3
"""Of the runs test: below it the law of the fade does not describe the capacities."""


def analyses(task: Task) -> Found:
    """Yield the outcomes of every record; a part of a test that is joined later is not analysed on its own."""
    if "test" in task.facts:
        return
    for group, ds in task.datasets.items():
        for outcome in of_record(ds, task.facts):
            yield group, outcome


def of_record(ds: xr.Dataset, facts: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield what comes of one record.

    The overpotential of a symmetric cell, else the retention of the capacity come first. What only some protocols allow
    (rates, steps of the current, titration) is left out without a word where the record has none of it.
    """
    if facts.get("cell_type") == "symmetric":
        yield from _symmetric(ds, facts)
        return
    if lacking := lacking_facts(facts, "cell_type", "reference_cycle"):
        found = [Outcome(missing=missing_facts("capacity_retention", "cycling", *lacking)), _capacity(ds, facts)]
    else:
        found = list(_retention(ds, facts))
    yield from found
    if "cell_type" in facts:
        yield from _secondary(ds, facts, _formation(found, facts))


def _formation(found: Sequence[Outcome], facts: Mapping[str, Any]) -> int:
    """Return how many cycles form the cell, as the retention found them, else as stated."""
    results = [outcome.result for outcome in found if outcome.result is not None]
    known = [int(r.diagnostics["formation_cycles"]) for r in results if "formation_cycles" in r.diagnostics]
    return known[0] if known else int(facts.get("formation_cycles", 0))


def _electrode(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the user knows of electrode and cycler, in the words of the analyses."""
    from interlayer.analysis.cycling import Accuracy

    known = {key: facts[key] for key in ("active_mass", "area", "thickness") if key in facts}
    cycler = {key: facts[key] for key in ("current_gain", "current_offset") if key in facts}
    return known | ({"accuracy": Accuracy(**cycler)} if cycler else {})


def _capacity(ds: xr.Dataset, facts: Mapping[str, Any]) -> Outcome:
    from interlayer.analysis import cycling

    return attempt(cycling.capacity, ds, **_electrode(facts))


def _symmetric(ds: xr.Dataset, facts: Mapping[str, Any]) -> Iterator[Outcome]:
    from interlayer.analysis import cycling

    area = facts.get("area")
    yield attempt(cycling.polarisation, ds, area=area)
    yield _with_verdict(attempt(cycling.shorts, ds, area=area))
    yield from _where_possible(attempt(cycling.critical_current, ds, area=area))


def _with_verdict(outcome: Outcome) -> Outcome:
    """Return the outcome of the search for short circuits with what it says of all numbers of the cell."""
    result = outcome.result
    if result is None or result.curves is None:
        return outcome
    kinds = [str(kind) for kind in result.curves["event_kind"].values]
    if not kinds:
        return replace(outcome, validity=Validity("pass", "no short circuit was found", "no short"))
    hours = result.quantities[0].value
    more = f", {len(kinds) - 1} more after it" if len(kinds) > 1 else ""
    reason = f"a {kinds[0]} short circuit after {hours:.4g} h{more}; later half cycles are not those of a sound cell"
    return replace(outcome, validity=Validity("warn", reason, "shorted"))


def _retention(ds: xr.Dataset, facts: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield the retention with the verdict on the cell and, where there are cycles enough for a law, the fade."""
    from interlayer.analysis import cycling

    reference = facts["reference_cycle"]
    retention = attempt(
        cycling.capacity_retention,
        ds,
        cell_type=facts["cell_type"],
        reference_cycle=reference,
        cycle=facts.get("compare_cycle"),
        formation_cycles=facts.get("formation_cycles"),
        **_electrode(facts),
    )
    if retention.result is None:
        yield retention
        return
    alone = retention.result.diagnostics["cycle"] == reference
    yield replace(retention, headline=("discharge_capacity", "delithiation_capacity") if alone else ())
    summary = retention.result.curves
    fade = replace(
        attempt(cycling.capacity_fade, summary, reference_cycle=reference), headline=("cycles_to_80_percent",)
    )
    for found in _where_possible(fade):
        if _of_most(found):
            yield found if _described(found) else replace(found, role="detail")
    for found in _where_possible(attempt(cycling.cell_state, summary, reference_cycle=reference)):
        yield replace(found, role="check", validity=_state(found.result))


def _state(result: Result | None) -> Validity | None:
    """Return the verdict on a cell; one that fails is no sample of the coating that it was built to show."""
    if result is None or result.curves is None:
        return None
    state = str(result.curves.attrs["state"])
    return Validity("warn" if state == "failing" else "pass", result.notes[0], state.replace("_", " "))


def _of_most(outcome: Outcome) -> bool:
    """Whether most cycles ran at one rate; the few of a rate test say little of how the cell fades."""
    curves = None if outcome.result is None else outcome.result.curves
    return curves is None or float(curves["used"].mean()) > _MOST


def _described(outcome: Outcome) -> bool:
    """Whether the points scatter at random about the law; a test at several rates follows none."""
    return outcome.result is None or outcome.result.diagnostics["runs_p_value"] > _NOT_RANDOM


def _secondary(ds: xr.Dataset, facts: Mapping[str, Any], formation: int) -> Iterator[Outcome]:
    from interlayer.analysis import cycling

    rates = attempt(
        cycling.rate_capability,
        ds,
        cell_type=facts["cell_type"],
        reference_capacity=facts.get("nominal_capacity"),
        **{key: value for key, value in _electrode(facts).items() if key != "thickness"},
    )
    if _has_rates(rates, formation):
        yield rates
    yield from _titration(ds, facts)
    if facts["cell_type"] == "anode_free":
        yield from _where_possible(_pooled(ds, facts, formation))
    shown = shown_half_cycles(ds, facts, formation) if rates.problem is None else []
    if not shown:
        return
    yield from _closer(attempt(cycling.voltage_profiles, ds, numbers=[half.number for half in shown]), shown)
    for half in shown:
        yield from _closer(attempt(cycling.incremental_capacity, ds, half_cycle=half.number), [half])
    for half in shown:
        yield from _closer(attempt(cycling.differential_voltage, ds, half_cycle=half.number), [half])


def _pooled(ds: xr.Dataset, facts: Mapping[str, Any], formation: int) -> Outcome:
    """Return the efficiency of plating and stripping over all cycles; single cycles of it say little."""
    from interlayer.analysis import cycling

    stated = {key: value for key, value in _electrode(facts).items() if key == "accuracy"}
    return attempt(cycling.pooled_efficiency, ds, cell_type="anode_free", from_cycle=formation + 1, **stated)


def _titration(ds: xr.Dataset, facts: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield the diffusion coefficient where the record holds a titration, or say which fact it needs."""
    from interlayer.analysis import cycling

    outcome = attempt(cycling.gitt, ds, diffusion_length=facts.get("diffusion_length", _ANY_LENGTH))
    lacking = lacking_facts(facts, "diffusion_length")
    if outcome.result is not None and lacking:
        outcome = Outcome(missing=missing_facts("diffusion_coefficient", "cycling", *lacking))
    yield from _where_possible(outcome)


def _closer(outcome: Outcome, shown: Sequence[Shown]) -> Iterator[Outcome]:
    """Yield an outcome as a detail, with the cycles of its half cycles in method and curves."""
    for found in _where_possible(outcome):
        result = found.result
        if result is not None and result.curves is not None:
            cycles = {"cycles": [half.cycle for half in shown], "directions": [half.direction for half in shown]}
            curves = result.curves.assign_attrs(cycles, half_cycles=[half.number for half in shown])
            result = replace(result, method=f"{', '.join(map(str, shown))}: {result.method}", curves=curves)
        yield replace(found, result=result, role="detail")


def _where_possible(outcome: Outcome) -> Iterator[Outcome]:
    """Yield an outcome unless the data do not allow it: what nobody asked for is not missed."""
    if outcome.declined is None:
        yield outcome


def _has_rates(outcome: Outcome, formation: int) -> bool:
    """Whether two rates follow the formation; a breakdown is told as well."""
    if outcome.result is None or outcome.result.curves is None:
        return outcome.problem is not None
    return int((outcome.result.curves["last_cycle"] > formation).sum()) > 1


@dataclass(frozen=True)
class Shown:
    """A half cycle of which the course of the voltage is shown; direction is +1 on charge, -1 on discharge."""

    number: int
    cycle: int
    direction: int

    def __str__(self) -> str:
        return f"cycle {self.cycle} {'charge' if self.direction > 0 else 'discharge'}"


def shown_half_cycles(ds: xr.Dataset, facts: Mapping[str, Any], formation: int) -> list[Shown]:
    """Return the half cycles of which the course of the voltage is shown.

    They are those of the cycles that ``shown_cycles`` states, else of the first, the first after formation and the last
    complete cycle.
    """
    from interlayer.analysis import cycling
    from interlayer.analysis.cycling.capacities.summary import OPENED_BY
    from interlayer.analysis.cycling.record.segmentation import SIGNS
    from interlayer.analysis.errors import NotAnalysable

    try:
        summary = cycling.summarise(ds, cell_type=facts["cell_type"])
    except NotAnalysable:
        return []
    direction = summary["direction"].values
    number = np.cumsum(direction == SIGNS[OPENED_BY[facts["cell_type"]] or "charge"])
    whole = _whole(number, summary["complete"].values.astype(bool))
    wanted = facts.get("shown_cycles") or _first_and_last(whole, formation)
    return [
        Shown(int(half), int(cycle), int(sign))
        for half, cycle, sign in zip(summary["half_cycle"].values, number, direction, strict=True)
        if cycle in set(sorted(set(wanted))[:_MOST_SHOWN])
    ]


def _whole(number: NDArray[np.integer[Any]], complete: NDArray[np.bool_]) -> list[int]:
    """Return the cycles with two complete half cycles; all that are there where no cycle is complete."""
    there = sorted(set(number.tolist()) - {0})
    return [cycle for cycle in there if complete[number == cycle].sum() == 2] or there


def _first_and_last(whole: list[int], formation: int) -> list[int]:
    after = [cycle for cycle in whole if cycle > formation]
    return [*whole[:1], *after[:1], *whole[-1:]]
