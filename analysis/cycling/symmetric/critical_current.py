"""Critical current of a symmetric cell: the current at which it shorts when the current is stepped up.

A protocol of steps brackets it between the largest current survived and the one at which the first short begins. The
value is the middle of the bracket and the bracket its interval; nothing in the record says where between the two the
limit lies. It depends on the areal charge of each half cycle, which is given with it.
"""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ..capacities.normalisation import Geometry
from ..record.accuracy import DEFAULT_GAIN
from ..record.charge import Floats, record_of
from .shorts import Found, event_table, find, notes_of
from .stretches import Stretch

_SAME_STEP = 0.02  # relative, within which two currents are of one step


def critical_current(ds: xr.Dataset, *, area: Quantity | None = None) -> Result:
    """Critical current (density) of a protocol that steps the current up from half cycle to half cycle.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary. Steps may last one half cycle or several.
    area : Quantity, optional
        Electrode area; with it densities are returned.

    Returns
    -------
    Result
        ``critical_current`` (A) or, with an area, ``critical_current_density`` (A cm-2): the middle between the largest
        current survived and that at which the first short circuit of any kind begins, with this bracket, widened by the
        uncertainties of area and gain, as interval. With relation ``">"`` the largest current where no short occurred;
        with ``"<"`` the smallest where the first step shorted, or the largest before a short that shows only when the
        current has been lowered again. Also ``largest_survived`` and ``shorted_at`` in the same
        unit, as far as they exist. Events and the steps (``step_current``, ``step_start``) are in ``curves``.

    Raises
    ------
    NotAnalysable
        If the current is not stepped up, or no current flows steadily.
    UnitError
        If the area bears another dimension.
    ValueError
        If the area is not above 0. A placeholder that software writes is not taken, with a note.
    """
    found = find(ds, record_of(ds))
    steps = _steps(found.looked_at)
    if len(steps) < 2:
        raise NotAnalysable(
            f"the current is stepped up through {len(steps)} levels; expected a protocol of two or more rising currents"
        )
    survived, shorted, is_late = _bracket(found, steps)
    geometry = Geometry.of(area=area)
    scale, unit, relative, suffix = 1.0, "A", DEFAULT_GAIN, ""
    if "area" in geometry.facts:
        stated = geometry.facts["area"].to("cm2")
        scale, unit, suffix = 1.0 / stated.value, "A cm-2", "_density"
        relative = math.hypot(DEFAULT_GAIN, stated.relative)
    sides = [
        Quantity(name, value * scale, value * scale * relative, unit, kind="measured")
        for name, value in (("largest_survived", survived), ("shorted_at", shorted))
        if value is not None
    ]
    currents = np.array([step.current for step in steps])
    return Result(
        method="first short circuit in a protocol of rising currents, between the step before and its own",
        quantities=(
            _critical(f"critical_current{suffix}", None if is_late else survived, shorted, scale, relative, unit),
            *sides,
        ),
        diagnostics={"n_steps": float(len(steps)), "n_events": float(len(found.events))},
        notes=(*_notes(survived, shorted, is_late, scale, unit), *notes_of(found), *geometry.notes),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=event_table(found.events).assign(
            step_current=("current_step", currents * scale, {"units": unit, "long_name": "current of the step"}),
            step_start=("current_step", _starts(ds, steps), {"units": "s", "long_name": "start of the step"}),
        ),
    )


def _steps(looked_at: tuple[Stretch, ...]) -> list[Stretch]:
    """Return the first stretch of each current that is higher than all before it."""
    steps: list[Stretch] = []
    for stretch in looked_at:
        if not steps or stretch.current > (1.0 + _SAME_STEP) * steps[-1].current:
            steps.append(stretch)
    return steps


def _bracket(found: Found, steps: list[Stretch]) -> tuple[float | None, float | None, bool]:
    """Return the largest current survived, that of the first short, and whether it came later, at a smaller current.

    None for what the record does not reach. A short that shows only when the current has been lowered again belongs to
    the largest current before it, or to no current at all.
    """
    if not found.events:
        return steps[-1].current, None, False
    event = found.events[0]
    earlier = [stretch for stretch in found.looked_at if stretch.half_cycle <= event.half_cycle]
    largest = max(stretch.current for stretch in earlier)
    is_late = event.current < (1.0 - _SAME_STEP) * largest
    shorted = largest if is_late else event.current
    before = [stretch.current for stretch in earlier if stretch.current < (1.0 - _SAME_STEP) * shorted]
    return (max(before) if before else None), shorted, is_late


def _critical(
    name: str, survived: float | None, shorted: float | None, scale: float, relative: float, unit: str
) -> Quantity:
    if shorted is None:
        assert survived is not None
        return Quantity(name, survived * scale, None, unit, relation=">", kind="measured")
    if survived is None:
        return Quantity(name, shorted * scale, None, unit, relation="<", kind="measured")
    middle = 0.5 * (survived + shorted) * scale
    stderr = math.hypot((shorted - survived) * scale / math.sqrt(12.0), middle * relative)
    interval = survived * scale * (1.0 - 2.0 * relative), shorted * scale * (1.0 + 2.0 * relative)
    return Quantity(name, middle, stderr, unit, interval, kind="measured")


def _notes(survived: float | None, shorted: float | None, is_late: bool, scale: float, unit: str) -> list[str]:
    if shorted is None:
        return ["no short circuit occurred up to the largest current: the critical current is a lower limit"]
    if is_late:
        return [
            f"the first short circuit shows at a smaller current, after {shorted * scale:.4g} {unit} had passed: the "
            "critical current is an upper limit"
        ]
    if survived is None:
        return ["the first short circuit is at the smallest current: the critical current is an upper limit"]
    return [
        f"{survived * scale:.4g} {unit} was survived and {shorted * scale:.4g} {unit} was not; the value is the "
        "middle, its interval the step"
    ]


def _starts(ds: xr.Dataset, steps: list[Stretch]) -> Floats:
    starts: Floats = np.asarray(ds["test_time"].values, dtype=float)[[step.rows[0] for step in steps]]
    return starts
