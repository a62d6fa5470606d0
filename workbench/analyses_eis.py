"""What a run computes of every impedance spectrum: conductivity, Kramers-Kronig test, relaxation times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from .attempt import Found, Task, attempt, lacking_facts, missing_facts
from .outcome import Outcome, Validity

if TYPE_CHECKING:
    import xarray as xr

PLATES = ("thickness", "area")
COMB = ("thickness", "gap", "finger_width", "overlap", "n_fingers")
"""Facts of the two geometries: a film between electrodes, and one on interdigitated fingers."""


def is_cell(facts: Mapping[str, Any]) -> bool:
    """Whether a spectrum is that of a coated or bare cell, all arcs of which count, not those of one film."""
    return "bare" in facts or "coating_thickness" in facts


def has_geometry(facts: Mapping[str, Any]) -> bool:
    """Whether what is known of the film suffices for a conductivity."""
    return not lacking_facts(facts, *PLATES) or not lacking_facts(facts, *COMB)


def flagged(ds: xr.Dataset) -> xr.Dataset:
    """Return a Dataset with the points flagged that the Kramers-Kronig test finds disturbed, where it can be made."""
    from interlayer.analysis import eis
    from interlayer.analysis.errors import NotAnalysable

    try:
        return eis.flag_points(ds)
    except NotAnalysable:
        return ds


def analyses(task: Task) -> Found:
    """Yield the outcomes of every spectrum; the conductivity is the headline, or the resistance without geometry.

    Flagged points take no part in the fits; the Kramers-Kronig test is made of all, since it says why they are flagged.
    """
    from interlayer.analysis import eis

    for group, ds in task.datasets.items():
        for outcome in _headline(ds, task.facts):
            yield group, outcome
        yield (
            group,
            _kramers_kronig(attempt(eis.linear_kramers_kronig, ds.drop_vars("impedance_flag", errors="ignore"))),
        )
        yield group, replace(attempt(eis.distribution_of_relaxation_times, ds), role="detail")


def _headline(ds: xr.Dataset, facts: Mapping[str, Any]) -> tuple[Outcome, ...]:
    from interlayer.analysis import eis

    arcs = _arcs(facts)
    cell = {key: facts[key] for key in ("electrodes", "electronic_resistance") if key in facts}
    if not is_cell(facts) and not lacking_facts(facts, *PLATES):
        plates = {key: facts[key] for key in PLATES}
        return (attempt(eis.film_conductivity, ds, **plates, **cell, **arcs),)
    if not is_cell(facts) and not lacking_facts(facts, *COMB):
        comb = eis.Interdigitated(**{key: facts[key] for key in COMB if key != "thickness"})
        return (attempt(eis.in_plane_conductivity, ds, thickness=facts["thickness"], geometry=comb, **cell, **arcs),)
    resistance = attempt(eis.ionic_resistance, ds, **arcs)
    if is_cell(facts):
        return (resistance,)
    wanted = COMB if any(key in facts for key in COMB if key not in PLATES) else PLATES
    lacking = lacking_facts(facts, *wanted)
    return Outcome(missing=missing_facts("ionic_conductivity", "eis", *lacking)), resistance


def _arcs(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the user knows of the arcs, in the words of the analysis."""
    stated = facts.get("arcs")
    return {} if stated is None else {"assignment": {number: process for number, process in enumerate(stated, start=1)}}


def _kramers_kronig(outcome: Outcome) -> Outcome:
    """Return the outcome of the test as a check of the data, with its verdict."""
    if outcome.result is None:
        return replace(outcome, role="check")
    verdict: Literal["pass", "warn"] = "pass" if outcome.result.diagnostics["consistent"] else "warn"
    return replace(outcome, role="check", validity=Validity(verdict, outcome.result.notes[0]))
