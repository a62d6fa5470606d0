"""Short circuits of symmetric cells as events: hard, soft and recovering, with time, score and reason.

There is no standard. The classes here are

- ``hard``: less than `HARD_REMAINS` of the voltage is left at unchanged current, to the end of the record;
- ``soft``: a smaller part of the voltage is lost, suddenly or gradually, to the end of the record;
- ``recovering``: of either depth, but the voltage returns.

An event lasts as long as the voltage stays low, across reversals and rests. Only records with current are judged, each
against others of the same current; see `interlayer.analysis.cycling.symmetric.drops` for the tests. A cell that is
shorted from its first record on, and a loss slower than a tenth of the voltage in some ten half cycles, cannot be told
from a good contact by the voltage alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ..capacities.normalisation import Geometry
from ..record.accuracy import DEFAULT_GAIN
from ..record.charge import SECONDS, Booleans, Floats, Record, record_of
from ..record.segmentation import half_cycles
from .drops import PERSISTENCE, Low, lows
from .stretches import FEWEST_RECORDS, Stretch, stretches

HARD_REMAINS = 0.15
"""Part of the voltage below which a short is hard."""

_MEMORY = 100  # stretches back among which references are sought
_DECLINE = 0.3  # part of the highest level lost without an event that is worth a note


@dataclass(frozen=True)
class Short:
    """One short circuit.

    Parameters
    ----------
    start, end : float
        First and last record of it, s of the test.
    earliest : float
        Last record before it, s.
    half_cycle : int
        In which it starts.
    kind : {"hard", "soft", "recovering"}
        See the module.
    remains : float
        Part of the voltage that is left, at its lowest stretch.
    score : float
        Drop over the smallest one that would have been called, above 1.
    current : float
        Size of the current at the start, A.
    reason : str
        What was seen, a sentence.
    """

    start: float
    end: float
    earliest: float
    half_cycle: int
    kind: str
    remains: float
    score: float
    current: float
    reason: str


@dataclass(frozen=True)
class Found:
    """Short circuits of a record.

    Parameters
    ----------
    events : tuple of Short
        In order of time.
    shorted : ndarray of bool, shape (record,)
        Records that belong to one.
    looked_at : tuple of Stretch
        Stretches of constant current, in order of time.
    """

    events: tuple[Short, ...]
    shorted: Booleans
    looked_at: tuple[Stretch, ...]


@dataclass(frozen=True)
class _Open:
    """A short that may go on: what is known of it so far."""

    stretch: Stretch
    low: Low
    last: int
    remains: float
    score: float


def shorts(ds: xr.Dataset, *, area: Quantity | None = None) -> Result:
    """Short circuits of a symmetric cell and the time to the first.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary. A ``temperature`` in it keeps warming from being taken for a short.
    area : Quantity, optional
        Electrode area, for the areal charge.

    Returns
    -------
    Result
        ``time_to_short_circuit`` (h since the first current) and ``charge_to_short_circuit`` (A h passed in both
        directions, or mA h cm-2 with an area) of the first event, its interval the spacing of the records about the
        onset, that of the charge widened by gain and area. Limits with relation ``">"`` where no short occurred. In
        ``curves``, by ``event``: ``event_start``, ``event_end`` (s), ``event_half_cycle``, ``event_kind``,
        ``event_remains`` (part of the voltage left), ``event_score`` (drop over the smallest that would be called) and
        ``event_reason``.

    Raises
    ------
    NotAnalysable
        If no current flows, or nowhere steadily enough to compare voltages.
    UnitError
        If the area bears another dimension.
    ValueError
        If the area is not above 0. A placeholder that software writes is not taken, with a note.
    """
    geometry = Geometry.of(area=area)
    area = geometry.facts.get("area")
    record = record_of(ds)
    found = find(ds, record)
    if not found.looked_at:
        raise NotAnalysable(
            f"no stretch of constant current holds {FEWEST_RECORDS} records with a voltage; sample more often"
        )
    active = np.flatnonzero(record.sign)
    begin = float(record.time[active[0]])
    passed = np.cumsum(np.abs(record.charge))
    if found.events:
        first = found.events[0]
        place = int(np.searchsorted(record.time, first.start))
        before = int(np.searchsorted(record.time, first.earliest))
        time = _within("time_to_short_circuit", first.earliest - begin, first.start - begin, 1 / SECONDS, "h")
        low, high = float(passed[before]), float(passed[place])
        charge = _with_gain(_within("charge_to_short_circuit", low, high, 1.0, "A h"))
    else:
        hours = (float(record.time[active[-1]]) - begin) / SECONDS
        time = Quantity("time_to_short_circuit", hours, None, "h", relation=">", kind="measured")
        charge = Quantity("charge_to_short_circuit", float(passed[-1]), None, "A h", relation=">", kind="measured")
    return Result(
        method="drops of the voltage at constant current, against the course before and the half cycles before",
        quantities=(time, charge if area is None else _per_area(charge, area)),
        diagnostics={
            "n_events": float(len(found.events)),
            "n_stretches": float(len(found.looked_at)),
            "shorted_part": float(np.mean(found.shorted[active])),
        },
        notes=(*notes_of(found), *geometry.notes),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=event_table(found.events),
    )


def find(ds: xr.Dataset, record: Record) -> Found:
    """Return the short circuits of a record and the records that belong to them."""
    known = "temperature" in ds and ds["temperature"].dims == ("record",)
    temperature = np.asarray(ds["temperature"].values, dtype=float) if known else np.full(record.time.size, np.nan)
    looked_at = stretches(record, half_cycles(record), temperature)
    shorted = np.zeros(record.time.size, dtype=bool)
    healthy: list[Stretch] = []
    partly: list[Stretch] = []
    events: list[Short] = []
    current: _Open | None = None
    for stretch in looked_at:
        drop = None if current is None else 1.0 - current.remains
        own = lows(stretch, (healthy or partly)[-_MEMORY:], drop)
        for low in own:
            shorted[stretch.rows[low.begin : low.end]] = True
            if current is not None and low.begin == 0:
                current = _continued(current, stretch, low)
            else:
                events += [] if current is None else [_closed(current, record, recovered=True)]
                current = _Open(stretch, low, int(stretch.rows[low.end - 1]), low.remains, low.score)
        if current is not None and (not own or own[-1].end < stretch.rows.size - PERSISTENCE):
            events.append(_closed(current, record, recovered=True))
            current = None
        if not own:
            healthy.append(stretch)
        elif own[0].begin >= FEWEST_RECORDS:
            partly.append(_head(stretch, own[0].begin))
    if current is not None:
        events.append(_closed(current, record, recovered=False))
    for event in events:
        shorted |= (record.time >= event.start) & (record.time <= event.end) & (record.sign != 0)
    return Found(tuple(events), shorted, tuple(looked_at))


def _continued(current: _Open, stretch: Stretch, low: Low) -> _Open:
    return replace(
        current,
        last=int(stretch.rows[low.end - 1]),
        remains=min(current.remains, low.remains),
        score=max(current.score, low.score),
    )


def _head(stretch: Stretch, end: int) -> Stretch:
    """Return what a stretch was before its short."""
    inside = slice(0, end)
    level = float(np.median(stretch.voltage[end // 2 : end]))
    return replace(
        stretch,
        rows=stretch.rows[inside],
        elapsed=stretch.elapsed[inside],
        voltage=stretch.voltage[inside],
        temperature=stretch.temperature[inside],
        level=level,
    )


def _closed(current: _Open, record: Record, *, recovered: bool) -> Short:
    stretch, low = current.stretch, current.low
    row = int(stretch.rows[low.begin])
    start = float(record.time[row])
    earliest = float(record.time[max(row - 1, 0)])
    kind = "recovering" if recovered else "hard" if current.remains < HARD_REMAINS else "soft"
    millivolts = 1e3 * low.before, 1e3 * low.before * low.remains
    pace = f"within {start - earliest:.3g} s" if low.sudden else "gradually or at a reversal"
    until = f"returns after {float(record.time[current.last]) - start:.3g} s" if recovered else "stays low to the end"
    reason = (
        f"the voltage falls from {millivolts[0]:.3g} to {millivolts[1]:.3g} mV {pace} at constant current of "
        f"{stretch.current:.3g} A in half cycle {stretch.half_cycle} and {until}"
    )
    return Short(
        start=start,
        end=float(record.time[current.last]),
        earliest=earliest,
        half_cycle=stretch.half_cycle,
        kind=kind,
        remains=current.remains,
        score=current.score,
        current=stretch.current,
        reason=reason,
    )


def _within(name: str, low: float, high: float, factor: float, unit: str) -> Quantity:
    """Return a quantity known to lie between two records, uniformly distributed."""
    low, high = low * factor, high * factor
    return Quantity(name, 0.5 * (low + high), (high - low) / math.sqrt(12.0), unit, (low, high), kind="measured")


def _with_gain(charge: Quantity) -> Quantity:
    """Return a charge passed in both directions with the gain; an offset adds to one what it takes from the other."""
    assert charge.interval95 is not None
    stderr = math.hypot(charge.stderr or 0.0, DEFAULT_GAIN * charge.value)
    low, high = charge.interval95
    return replace(charge, stderr=stderr, interval95=(low - 2 * DEFAULT_GAIN * low, high + 2 * DEFAULT_GAIN * high))


def _per_area(charge: Quantity, area: Quantity) -> Quantity:
    value = 1e3 * charge.value / area.to("cm2").value
    if charge.relation != "=":
        return Quantity(charge.name, value, None, "mA h cm-2", relation=charge.relation, kind="derived")
    stderr = value * math.hypot(charge.relative, area.relative)
    return Quantity(charge.name, value, stderr, "mA h cm-2", kind="derived")


def notes_of(found: Found) -> Iterator[str]:
    """Yield each event as a sentence, a slow decline that no event explains, and that nothing could be judged."""
    for number, event in enumerate(found.events, 1):
        yield f"short {number}, {event.kind}: {event.reason}"
    if not found.looked_at:
        yield f"no stretch of constant current holds {FEWEST_RECORDS} records: short circuits cannot be seen"
    elif not found.events and (lost := _decline(found.looked_at)) > _DECLINE:
        yield (
            f"the voltage falls by {lost:.0%} from its highest half cycle without an event: conditioning or a soft "
            "short that grows slowly; the bulk resistance by impedance decides"
        )


def _decline(looked_at: tuple[Stretch, ...]) -> float:
    """Return the part of the highest resistance that the last stretch has lost."""
    resistance: Floats = np.array([stretch.level / stretch.current for stretch in looked_at])
    steady = np.array([abs(stretch.current / looked_at[-1].current - 1.0) < 0.05 for stretch in looked_at])
    return 1.0 - float(resistance[-1] / resistance[steady].max())


def event_table(events: tuple[Short, ...]) -> xr.Dataset:
    """Return events as variables with the dimension ``event``."""
    columns = {
        "event_start": ([e.start for e in events], "s", "start of the short circuit"),
        "event_end": ([e.end for e in events], "s", "last record of the short circuit"),
        "event_remains": ([e.remains for e in events], "1", "part of the voltage that is left"),
        "event_score": ([e.score for e in events], "1", "drop over the smallest that would be called"),
    }
    variables = {
        name: xr.Variable("event", np.array(values, dtype=float), {"units": unit, "long_name": text})
        for name, (values, unit, text) in columns.items()
    }
    half = np.array([e.half_cycle for e in events], dtype=np.int32)
    variables["event_half_cycle"] = xr.Variable("event", half, {"units": "1", "long_name": "half cycle of the start"})
    for name in ("kind", "reason"):
        texts = np.array([getattr(e, name) for e in events], dtype=str)
        variables[f"event_{name}"] = xr.Variable("event", texts, {"long_name": f"{name} of the short circuit"})
    return xr.Dataset(variables)
