"""Short circuits of symmetric cells: found when injected, absent from healthy cells, simulated and real.

The simulated cells share nothing with the analysis: an ohmic drop, a nucleation peak, a slow change within each half
cycle, growth or conditioning from one to the next, an asymmetry between the directions, an offset, white noise and a
random walk. A short scales the voltage down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity, Result, cycling
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import read, read_tree, schema

DROPS = (0.12, 0.2, 0.3, 0.5, 0.7, 0.9, 0.97)
"""Parts of the voltage that injected shorts take."""


@dataclass
class Cell:
    """A simulated symmetric cell as plain arrays; `active` marks records with current."""

    time: np.ndarray
    current: np.ndarray
    voltage: np.ndarray
    noise: np.ndarray
    half: np.ndarray

    @property
    def active(self) -> np.ndarray:
        """Places of records with current."""
        return np.flatnonzero(self.current)

    def dataset(self, remaining: np.ndarray | float = 1.0) -> xr.Dataset:
        """Return the record with the part of the voltage that remains in each record."""
        voltage = self.voltage * remaining + self.noise
        return schema.build("cycling", {"test_time": self.time, "voltage": voltage, "current": self.current})


def healthy_cell(seed: int) -> Cell:
    """Return a healthy cell with everything about it drawn at random."""
    draw = np.random.default_rng(seed)
    count, points = int(draw.integers(8, 25)), int(draw.integers(60, 301))
    length, level = 3600.0 * draw.uniform(0.5, 12.0), 10.0 ** draw.uniform(-2.3, -0.5)
    white, walk = level * 10.0 ** draw.uniform(-3.7, -2.0), level * 10.0 ** draw.uniform(-4.0, -3.0)
    peak, tau = draw.uniform(0.0, 0.8), length * draw.uniform(0.01, 0.12)
    bow, growth, asymmetry = draw.uniform(-0.06, 0.06), draw.uniform(-0.002, 0.015), draw.uniform(-0.05, 0.05)
    conditioning, rests = draw.choice([0.0, 0.25]), draw.random() < 0.4
    power = draw.choice([1.0, 1.5])
    elapsed = length * np.linspace(1.0 / points, 1.0, points) ** power
    time, current, voltage, half, start = [], [], [], [], 0.0
    for k in range(count):
        sign = 1.0 if k % 2 == 0 else -1.0
        part = elapsed / length
        high = peak * draw.normal(1.0, 0.15)
        shape = 1.0 + high * np.exp(-elapsed / (tau * draw.normal(1.0, 0.1))) + bow * np.sin(np.pi * part) ** 2
        scale = (
            level * (1.0 + growth * k + conditioning * np.exp(-k / 4.0) + asymmetry * sign) * draw.normal(1.0, 0.003)
        )
        time.append(start + elapsed)
        current.append(np.full(points, sign * 1e-4))
        voltage.append(sign * scale * shape)
        half.append(np.full(points, k + 1))
        start += length
        if rests:
            time.append(start + np.array([60.0, 120.0, 900.0, 960.0]))
            current.append(np.zeros(4))
            voltage.append(sign * scale * np.array([0.05, 0.02, 0.0, 0.0]))
            half.append(np.full(4, k + 1))
            start += 1000.0
    total = np.concatenate(voltage)
    noise = white * draw.standard_normal(total.size) + 1e-2 * level * draw.standard_normal()
    wander = np.cumsum(walk * draw.standard_normal(total.size))
    return Cell(np.concatenate(time), np.concatenate(current), total, noise + wander, np.concatenate(half))


def short(
    active: np.ndarray, size: int, draw: np.random.Generator, drop: float, *, recovers: bool
) -> tuple[np.ndarray, int, int]:
    """Return what remains of the voltage in each record, the place of the onset and of the end."""
    begin = int(draw.integers(15, active.size - 15))
    end = min(begin + int(draw.integers(8, active.size // 3)), active.size - 12) if recovers else active.size
    end = max(end, begin + 8) if recovers else end
    remaining = np.ones(size)
    last = active[end - 1] + 1 if recovers else size
    remaining[active[begin] : last] = 1.0 - drop
    return remaining, int(active[begin]), int(active[end - 1])


def seen(result: Result, time: np.ndarray, begin: int, end: int) -> bool:
    """Return whether an event overlaps the short."""
    starts, ends = result.curves["event_start"].values, result.curves["event_end"].values
    return bool(np.any((starts <= time[end]) & (ends >= time[begin])))


@pytest.mark.slow
def test_healthy_cells_have_no_event():
    """A false short ends a campaign: at most 1 % of 400 healthy cells may have an event."""
    false = [seed for seed in range(400) if cycling.shorts(healthy_cell(seed).dataset()).curves.sizes["event"]]
    assert len(false) <= 4, false


@pytest.mark.slow
@pytest.mark.parametrize("recovers", [False, True])
def test_injected_shorts_are_found(recovers: bool):
    """Drops of 12-97 % at a random place of 300 cells: 95 % found while they last, in one event.

    The onset is dated to three records in 85 %; within the first tenth of a half cycle it is dated to the reversal.
    """
    found, single, prompt = [], [], []
    for seed in range(300):
        draw = np.random.default_rng(10_000 + seed)
        cell = healthy_cell(seed)
        drop = DROPS[seed % len(DROPS)]
        remaining, begin, end = short(cell.active, cell.time.size, draw, drop, recovers=recovers)
        result = cycling.shorts(cell.dataset(remaining))
        found.append(seen(result, cell.time, begin, end))
        single.append(result.curves.sizes["event"] == 1)
        onset = result.curves["event_start"].values[:1]
        prompt.append(onset.size == 1 and abs(np.searchsorted(cell.time, onset[0]) - begin) <= 3)
    assert np.mean(found) >= 0.95, np.mean(found)
    assert np.mean(single) >= 0.95, np.mean(single)
    assert np.mean(prompt) >= 0.85, np.mean(prompt)


@pytest.mark.slow
@pytest.mark.parametrize("recovers", [False, True])
@pytest.mark.parametrize("file", ["gcpl.mpr", "mb.mpr"])
def test_shorts_injected_into_a_real_cell_are_found(corpus, file: str, recovers: bool):
    """Drops of 12-97 % at 84 random places of Li | Li2B12H12-based | Li and of Li | LLZO | Li: at least 95 %.

    Both are yadg's. The real records bring their own noise, drift, reversals logged in milliseconds, slow transients
    after them, impedance between half cycles, and a voltage of 4 mV in the second.
    """
    ds = read_tree(corpus / "cycling/yadg" / file)["cycling"].to_dataset()
    time, voltage = ds["test_time"].values, ds["voltage"].values
    flowing = np.abs(ds["current"].values) > 1e-6
    slow = np.flatnonzero(flowing & (np.diff(time, prepend=time[0]) > 1.0))
    found, kinds = [], []
    for seed in range(84):
        draw = np.random.default_rng(seed)
        drop = DROPS[seed % len(DROPS)]
        remaining, begin, end = short(slow, time.size, draw, drop, recovers=recovers)
        result = cycling.shorts(ds.assign(voltage=ds["voltage"].copy(data=voltage * remaining)))
        found.append(seen(result, time, begin, end))
        kinds.append((drop, *result.curves["event_kind"].values.tolist()))
    assert np.mean(found) >= 0.95, np.mean(found)
    expected = [(drop, "recovering" if recovers else "hard" if drop > 0.85 else "soft") for drop, *_ in kinds]
    assert np.mean([one == other for one, other in zip(kinds, expected, strict=True)]) >= 0.9, kinds


@pytest.mark.parametrize("file", ["gcpl.mpr", "mb.mpr"])
def test_real_healthy_cells_have_no_event(corpus, file: str):
    """A Li2B12H12-based cell over 384 h, and Li | LLZO | Li with impedance between its half cycles (both yadg's).

    A trailing median over the record fires at every one of the 31 reversals of the first.
    """
    groups = {"gcpl.mpr": None, "mb.mpr": "cycling"}
    kept = {} if groups[file] is None else {"group": groups[file]}
    ds = read(corpus / "cycling/yadg" / file, **kept)
    result = cycling.shorts(ds)
    assert result.curves.sizes["event"] == 0, result.notes
    assert result["time_to_short_circuit"].relation == ">"
    assert result["time_to_short_circuit"].value == pytest.approx(
        (ds["test_time"].values[-1] - 3205.08) / 3600, abs=1.0
    )
    assert not result.notes


def plain_cell(
    currents: list[float] | None = None,
    *,
    resistance: np.ndarray | float = 1000.0,
    temperature: np.ndarray | None = None,
) -> xr.Dataset:
    """Return half cycles of 2 h of 1000 ohm with a small peak and 0.05 % of noise; 12 of 0.1 mA by default."""
    currents = [1e-4] * 12 if currents is None else currents
    elapsed = np.linspace(60.0, 7200.0, 120)
    time = np.concatenate([7200.0 * k + elapsed for k in range(len(currents))])
    sign = np.repeat([(-1.0) ** k for k in range(len(currents))], 120)
    current = sign * np.repeat(currents, 120)
    shape = np.tile(1.0 + 0.2 * np.exp(-elapsed / 400.0), len(currents))
    noise = 1.0 + 5e-4 * np.random.default_rng(7).standard_normal(time.size)
    values = {"test_time": time, "voltage": current * resistance * shape * noise, "current": current}
    return schema.build("cycling", values | ({} if temperature is None else {"temperature": temperature}))


def lowered(begin: int, end: int, remains: float, size: int = 1440) -> np.ndarray:
    """Return a resistance of 1000 ohm that is lower from one record to before another."""
    resistance = np.full(size, 1000.0)
    resistance[begin:end] *= remains
    return resistance


@pytest.mark.parametrize(
    ("begin", "end", "remains", "kind"),
    [
        (700, 1440, 0.02, "hard"),
        (700, 1440, 0.5, "soft"),
        (700, 760, 0.02, "recovering"),
        (700, 1000, 0.8, "recovering"),
        (20, 1440, 0.5, "soft"),
        (603, 1440, 0.5, "soft"),
        (600, 1440, 0.03, "hard"),
    ],
)
def test_kind_and_duration(begin: int, end: int, remains: float, kind: str):
    """A short that lasts over reversals is one event, not one a half cycle; its kind is what became of it.

    Also in the first half cycle, within the first minutes of one, and at a reversal.
    """
    ds = plain_cell(resistance=lowered(begin, end, remains))
    curves = cycling.shorts(ds).curves
    assert curves["event_kind"].values.tolist() == [kind]
    time = ds["test_time"].values
    assert curves["event_start"].values[0] == pytest.approx(time[begin], abs=3 * 60.0)
    assert curves["event_end"].values[0] == pytest.approx(time[end - 1], abs=3 * 60.0)
    assert curves["event_remains"].values[0] == pytest.approx(remains, abs=0.05)
    assert curves["event_half_cycle"].values[0] == begin // 120 + 1
    assert curves["event_score"].values[0] > 1.0
    assert "constant current" in str(curves["event_reason"].values[0])


def test_two_shorts_are_two_events():
    """A cell that recovers and shorts again tells of dendrites that dissolve; one event would hide it."""
    resistance = lowered(500, 560, 0.3)
    resistance[1000:] = 20.0
    kinds = cycling.shorts(plain_cell(resistance=resistance)).curves["event_kind"].values.tolist()
    assert kinds == ["recovering", "hard"]


def test_a_gradual_soft_short_is_found():
    """Dendrites may take hours: 40 % lost over a whole half cycle has no sudden step, but the cycles before tell."""
    resistance = np.interp(np.arange(1440), [840, 960], [1000.0, 600.0])
    curves = cycling.shorts(plain_cell(resistance=resistance)).curves
    assert curves["event_kind"].values.tolist() == ["soft"]
    assert curves["event_half_cycle"].values[0] == 8


def test_a_slow_decline_is_said_and_no_event():
    """Conditioning and a short that grows over weeks look alike; the note says what decides."""
    resistance = 1000.0 * np.exp(-np.repeat(np.arange(24), 120) / 24.0)
    result = cycling.shorts(plain_cell([1e-4] * 24, resistance=resistance))
    assert result.curves.sizes["event"] == 0
    assert any("impedance decides" in note for note in result.notes)


def test_warming_is_no_short():
    """25 to 35 degC takes a third of the resistance of an electrolyte; with the temperature known it is no event."""
    warm = np.where(np.arange(1440) < 890, 25.0, 35.0)
    resistance = np.where(warm > 30, 650.0, 1000.0)
    assert cycling.shorts(plain_cell(resistance=resistance, temperature=warm)).curves.sizes["event"] == 0
    constant = np.full(1440, 25.0)
    assert cycling.shorts(plain_cell(resistance=resistance, temperature=constant)).curves.sizes["event"] == 1


def test_current_steps_are_no_shorts():
    """A step down of the current lowers the voltage, and a larger current the resistance (Butler-Volmer)."""
    currents = [k * 1e-4 for k in (1, 1, 2, 2, 5, 5, 10, 10, 2, 2, 1, 1)]
    amperes = np.repeat(currents, 120)
    tafel = 0.05 * np.arcsinh(amperes / 1e-4) / amperes + 100.0
    assert cycling.shorts(plain_cell(currents, resistance=tafel)).curves.sizes["event"] == 0


def test_a_glitch_is_no_short():
    """One or two wrong readings of a voltmeter are no event."""
    resistance = lowered(700, 702, 0.1)
    assert cycling.shorts(plain_cell(resistance=resistance)).curves.sizes["event"] == 0


def test_time_and_charge_to_the_short():
    """Both lie between the last sound and the first shorted record; the areal charge is no better than the area."""
    ds = plain_cell(resistance=lowered(700, 1440, 0.02))
    result = cycling.shorts(ds, area=Quantity("area", 0.5, 0.01, "cm2"))
    time = result["time_to_short_circuit"]
    first, last = (ds["test_time"].values[[699, 700]] - 60.0) / 3600.0
    assert time.interval95 == pytest.approx((first, last))
    assert time.stderr == pytest.approx((last - first) / 12**0.5)
    charge = result["charge_to_short_circuit"]
    assert charge.value == pytest.approx(0.1 * time.value / 0.5, rel=2e-3)
    assert charge.relative == pytest.approx(0.02, rel=0.01)
    with pytest.raises(ValueError, match="expected a value above 0"):
        cycling.shorts(ds, area=Quantity("area", 0.0, 0.01, "cm2"))


def test_what_cannot_be_judged_is_declined():
    """Three points a half cycle tell no transient from a short."""
    current = np.repeat([1e-4, -1e-4] * 3, 3)
    ds = schema.build("cycling", {"test_time": 60.0 * np.arange(18), "voltage": 1e3 * current, "current": current})
    with pytest.raises(NotAnalysable, match="sample more often"):
        cycling.shorts(ds)


def steps_up(repeats: int = 2) -> list[float]:
    """Return currents of 0.1, 0.2, ... 1.0 mA, each for some half cycles."""
    return [1e-4 * k for k in range(1, 11) for _ in range(repeats)]


@pytest.mark.parametrize("repeats", [1, 2, 4])
def test_critical_current_lies_between_two_steps(repeats: int):
    """A short in the step of 0.6 mA: the limit lies above 0.5 mA, however many half cycles a step has."""
    currents = steps_up(repeats)
    begin = (5 * repeats + repeats // 2) * 120 + 60
    resistance = lowered(begin, 120 * len(currents), 0.05, 120 * len(currents))
    result = cycling.critical_current(
        plain_cell(currents, resistance=resistance), area=Quantity("area", 0.5, 0.0, "cm2")
    )
    critical = result["critical_current_density"].to("mA cm-2")
    assert critical.value == pytest.approx(1.1)
    assert critical.interval95 == pytest.approx((1.0, 1.2), rel=2e-3)
    assert critical.stderr == pytest.approx(0.2 / 12**0.5, rel=1e-3)
    assert result["shorted_at"].to("mA cm-2").value == pytest.approx(1.2)
    assert result["largest_survived"].to("mA cm-2").value == pytest.approx(1.0)
    assert result.curves.sizes["current_step"] == 10
    assert result.curves["event_kind"].values.tolist() == ["hard"]


def test_critical_current_as_a_limit():
    """Without a short the largest current is a lower limit; a short in the first step leaves an upper one."""
    currents = steps_up()
    above = cycling.critical_current(plain_cell(currents))["critical_current"]
    assert (above.relation, above.value) == (">", pytest.approx(1e-3))
    below = cycling.critical_current(plain_cell(currents, resistance=lowered(60, 2400, 0.05, 2400)))["critical_current"]
    assert (below.relation, below.value) == ("<", pytest.approx(1e-4))


def test_constant_current_has_no_critical_current():
    """A short at constant current is a time to short circuit; calling its current critical would be a guess."""
    with pytest.raises(NotAnalysable, match="rising currents"):
        cycling.critical_current(plain_cell())
