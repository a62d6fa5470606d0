r"""Galvanostatic records: a cathode half cell whose capacity fades, and symmetric cells with and without a short.

The cycler regulates what it measures, so the true current is
:math:`I = (I_{set} - I_{offset}) / (1 + g)` while the file holds :math:`I_{set}` and noise; charge counters integrate
the recorded current. Formation cycles run at half the current, one charge is interrupted by a rest, and the last
discharge is cut off when the test is stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from . import write_mpt
from .simulated import Fact, Simulated, generator, stated

Floats = NDArray[np.float64]

_OXIDATION, _REDUCTION = 1, -1


@dataclass(frozen=True)
class HalfCell:
    """True properties of a cathode half cell and of how it fades.

    Parameters
    ----------
    active_mass, area : float
        In mg and cm2.
    capacity : float
        Specific discharge capacity of the first cycle after formation, mA h g-1.
    retention : float
        Expected ratio of the discharge capacities of `Protocol.compare_cycle` and the first cycle after formation.
    scatter : float
        Relative standard deviation of the capacity from cycle to cycle.
    efficiency : float
        Coulombic efficiency that the cell settles to; the first cycle has 0.07 less, dying out within three cycles.
    """

    active_mass: float = 3.0
    area: float = 0.785
    capacity: float = 122.0
    retention: float = 0.90
    scatter: float = 0.003
    efficiency: float = 0.9975


@dataclass(frozen=True)
class Cycler:
    """Errors of the instrument.

    Parameters
    ----------
    gain : float
        Relative error of the gain over the test.
    wander : float
        Standard deviation of the gain of a half cycle about it.
    offset : float
        In mA.
    current_noise, voltage_noise : float
        In mA and V.
    """

    gain: float = 0.0
    wander: float = 1e-4
    offset: float = 0.0
    current_noise: float = 2e-6
    voltage_noise: float = 2e-4


@dataclass(frozen=True)
class Protocol:
    """How a half cell is cycled.

    Parameters
    ----------
    current_density : float
        In mA cm-2.
    voltage_low, voltage_high : float
        Limits in V against Li+/Li.
    cycles : int
        Whole and broken cycles; the last discharge is cut off.
    formation_cycles : int
        Leading cycles at half the current.
    compare_cycle : int
        Cycle, counted from 1, whose capacity is set against the first after formation.
    interrupted_cycle : int
        Cycle whose charge is interrupted by half an hour at open circuit.
    points : int
        Records in a half cycle.
    """

    current_density: float = 0.045
    voltage_low: float = 3.3
    voltage_high: float = 4.3
    cycles: int = 28
    formation_cycles: int = 2
    compare_cycle: int = 27
    interrupted_cycle: int = 12
    points: int = 60


@dataclass
class Record:
    """Rows as EC-Lab counts them, filled step by step."""

    cycler: Cycler
    random: np.random.Generator
    parts: list[dict[str, Floats]] = field(default_factory=list)
    time: float = 0.0
    half_cycle: int = -1

    def true_current(self, setpoint: float) -> float:
        """Return the current that flows in a half cycle set to `setpoint`, both in mA."""
        gain = self.cycler.gain + self.cycler.wander * float(self.random.standard_normal())
        return (setpoint - self.cycler.offset) / (1.0 + gain)

    def rest(self, voltage: float, seconds: float, points: int) -> None:
        """Append an open-circuit step."""
        elapsed = np.linspace(seconds / points, seconds, points)
        relaxed = voltage + 0.004 * np.exp(-elapsed / 200.0)
        self._append(elapsed, relaxed, np.zeros(points), 0.0, {"mode": 3, "Ns": 0, "ox": 1})

    def current_step(self, elapsed: Floats, voltage: Floats, current: float, *, new_half_cycle: bool) -> None:
        """Append a constant-current step; `current` in mA is what the cycler is set to."""
        self.half_cycle += new_half_cycle
        noise = self.cycler.current_noise * self.random.standard_normal(elapsed.size)
        sequence = 1 if current > 0 else 2
        self._append(elapsed, voltage, current + noise, current, {"mode": 1, "Ns": sequence, "ox": current > 0})

    def _append(
        self, elapsed: Floats, voltage: Floats, current: Floats, control: float, flags: dict[str, float]
    ) -> None:
        n = elapsed.size
        interval = np.diff(elapsed, prepend=0.0)
        self.parts.append(
            {key: np.full(n, float(value)) for key, value in flags.items()}
            | {
                "time": self.time + elapsed,
                "charge": current * interval / 3600.0,
                "current": current,
                "control": np.full(n, control),
                "voltage": voltage + self.cycler.voltage_noise * self.random.standard_normal(n),
                "half_cycle": np.full(n, float(max(self.half_cycle, 0))),
                "first": np.concatenate([[1.0], np.zeros(n - 1)]),
            }
        )
        self.time += float(elapsed[-1])

    def columns(self) -> dict[str, Floats]:
        """Return all rows as one array a column."""
        return {key: np.concatenate([part[key] for part in self.parts]) for key in self.parts[0]}


def simulate(
    cell: HalfCell, cycler: Cycler, protocol: Protocol, seed: int
) -> tuple[dict[str, Floats], dict[str, Fact]]:
    """Return the rows of a half cell's record and the truth.

    Parameters
    ----------
    cell : HalfCell
        What is cycled.
    cycler : Cycler
        What cycles and records it.
    protocol : Protocol
        How.
    seed : int
        Fixes scatter of the capacity and noise.

    Returns
    -------
    dict of str to ndarray
        ``time`` (s), ``voltage`` (V), ``current``, ``control`` (mA), ``charge`` (mA h since the row before),
        ``half_cycle``, ``mode``, ``Ns``, ``ox``, ``first``; one entry a row.
    dict of str to Fact
        ``capacity_retention`` and ``coulombic_efficiency`` (1) and ``discharge_capacity`` (mA h g-1) of
        `Protocol.compare_cycle`, from the charge that truly passed.
    """
    random = generator(seed)
    discharge, charge = _capacities(cell, protocol, random)
    record = Record(cycler, random)
    record.rest(3.42, 600.0, 5)
    for cycle in range(1, protocol.cycles + 1):
        rate = protocol.current_density * cell.area * (0.5 if cycle <= protocol.formation_cycles else 1.0)
        polarisation = 0.02 + 0.001 * cycle
        charge_half(record, charge[cycle - 1], rate, polarisation, protocol, cycle == protocol.interrupted_cycle)
        record.rest(protocol.voltage_high - polarisation, 300.0, 2)
        stop = 0.45 if cycle == protocol.cycles else 1.0
        discharge_half(record, discharge[cycle - 1], rate, polarisation, protocol, stop)
        if stop == 1.0:
            record.rest(protocol.voltage_low + 3 * polarisation, 300.0, 2)
    chosen = protocol.compare_cycle - 1
    truth = {
        "capacity_retention": Fact(float(discharge[chosen] / discharge[protocol.formation_cycles]), 0.0, "1"),
        "discharge_capacity": Fact(float(discharge[chosen] / cell.active_mass * 1e3), 0.0, "mA h g-1"),
        "coulombic_efficiency": Fact(float(discharge[chosen] / charge[chosen]), 0.0, "1"),
    }
    return record.columns(), truth


def _capacities(cell: HalfCell, protocol: Protocol, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Return true discharge and charge capacities of each cycle in mA h; half the fade linear, half as a root."""
    since = np.arange(1, protocol.cycles + 1) - protocol.formation_cycles - 1.0
    share = since / (protocol.compare_cycle - protocol.formation_cycles - 1)
    fade = 1.0 - (1.0 - cell.retention) * np.where(since < 0, 0.0, 0.5 * share + 0.5 * np.sqrt(np.abs(share)))
    slow = np.where(since < 0, 1.02, 1.0)
    scatter = 1.0 + cell.scatter * random.standard_normal(protocol.cycles)
    discharge = cell.active_mass * 1e-3 * cell.capacity * fade * slow * scatter
    efficiency = cell.efficiency - 0.07 * np.exp(-1.5 * np.arange(protocol.cycles))
    return discharge, discharge / efficiency


def charge_half(
    record: Record, capacity: float, rate: float, polarisation: float, protocol: Protocol, interrupted: bool
) -> None:
    """Append a charge of a true capacity (mA h) at a current (mA) that costs a polarisation (V)."""
    duration = 3600.0 * capacity / record.true_current(rate)
    part = np.linspace(1.0 / protocol.points, 1.0, protocol.points)
    voltage = 3.88 + polarisation + 0.12 * part + 0.18 * part**3 - 0.3 * np.exp(-part / 0.015)
    voltage += (protocol.voltage_high - voltage[-1]) * part**20
    if not interrupted:
        record.current_step(part * duration, voltage, rate, new_half_cycle=True)
        return
    cut = int(0.4 * protocol.points)
    record.current_step(part[:cut] * duration, voltage[:cut], rate, new_half_cycle=True)
    record.rest(float(voltage[cut]) - polarisation, 1800.0, 3)
    record.current_step((part[cut:] - part[cut - 1]) * duration, voltage[cut:], rate, new_half_cycle=False)


def discharge_half(
    record: Record, capacity: float, rate: float, polarisation: float, protocol: Protocol, stop: float
) -> None:
    """Append a discharge as `charge_half` does, up to a part of it."""
    duration = 3600.0 * capacity / -record.true_current(-rate)
    part = np.linspace(1.0 / protocol.points, 1.0, protocol.points)
    voltage = 4.15 - polarisation - 0.22 * part + 0.1 * np.exp(-part / 0.03)
    voltage += (protocol.voltage_low - voltage[-1]) * part**30
    kept = part <= stop
    record.current_step(part[kept] * duration, voltage[kept], -rate, new_half_cycle=True)


@dataclass(frozen=True)
class SymmetricCell:
    """True properties of a symmetric cell.

    Parameters
    ----------
    area : float
        In cm2.
    bulk_resistance : float
        Area-specific resistance of the electrolyte pellet, ohm cm2; part of the voltage, not of the interface.
    interface_start, interface_end : float
        Area-specific resistance of both interfaces at start and end of the test, ohm cm2, rising linearly.
    short : float or None
        Time in min at which the cell shorts, or None.
    centre : float
        Voltage offset between the electrodes in V.
    """

    area: float = 0.785
    bulk_resistance: float = 120.0
    interface_start: float = 700.0
    interface_end: float = 1900.0
    short: float | None = None
    centre: float = 4e-4


@dataclass(frozen=True)
class Plating:
    """How a symmetric cell is cycled: current density in mA cm-2, duration of a half cycle and of the test in min."""

    current_density: float = 0.1
    half_cycle: float = 200.0
    duration: float = 10000.0
    points: int = 40


def simulate_symmetric(
    cell: SymmetricCell, cycler: Cycler, plating: Plating, seed: int
) -> tuple[dict[str, Floats], dict[str, Fact]]:
    """Return the rows of a symmetric cell's record, as `simulate` does, and the truth.

    Within each half cycle the voltage starts with the ohmic drop and a nucleation spike and creeps to its plateau.

    Returns
    -------
    dict of str to ndarray
        Columns as of `simulate`.
    dict of str to Fact
        ``overpotential`` in V: current times the resistance of interfaces and pellet, averaged over the second half of
        the last half cycle before the short; ``overpotential_shorted`` the same of the last one after it.
    """
    record = Record(cycler, generator(seed))
    record.rest(cell.centre, 120.0, 3)
    count = round(plating.duration / plating.half_cycle)
    elapsed = plating.half_cycle * 60.0 * np.linspace(1.0 / plating.points, 1.0, plating.points) ** 1.5
    for index in range(count):
        setpoint = plating.current_density * cell.area * (1 if index % 2 == 0 else -1)
        minutes = index * plating.half_cycle + elapsed / 60.0
        resistance = _area_resistance(cell, plating, minutes)
        shape = 1.0 - 0.06 * np.exp(-elapsed / 1200.0) + 0.08 * np.exp(-elapsed / 150.0)
        current = record.true_current(setpoint)
        voltage = cell.centre + 1e-3 * current / cell.area * resistance * shape
        record.current_step(elapsed, voltage, setpoint, new_half_cycle=True)
    sound = count if cell.short is None else int(cell.short // plating.half_cycle)
    truth = {"overpotential": Fact(_plateau(cell, plating, sound), 0.0, "V")}
    if cell.short is not None:
        truth["overpotential_shorted"] = Fact(_plateau(cell, plating, count), 0.0, "V")
    return record.columns(), truth


def _plateau(cell: SymmetricCell, plating: Plating, number: int) -> float:
    """Return the mean voltage over the second half of a half cycle, counted from 1, without nucleation and offset."""
    late = np.linspace(number - 0.5, number, 101) * plating.half_cycle
    return 1e-3 * plating.current_density * float(np.mean(_area_resistance(cell, plating, late)))


def _area_resistance(cell: SymmetricCell, plating: Plating, minutes: Floats) -> Floats:
    share = minutes / plating.duration
    grown = cell.bulk_resistance + cell.interface_start + (cell.interface_end - cell.interface_start) * share
    if cell.short is None:
        return grown
    return np.where(minutes < cell.short, grown, 25.0)


def biologic(name: str, rows: dict[str, Floats], truth: dict[str, Fact], *, comment: str) -> Simulated:
    """Return rows of `simulate` or `simulate_symmetric` as an EC-Lab text export."""
    total = np.cumsum(rows["charge"])
    half = rows["half_cycle"]
    start = np.searchsorted(half, half)  # first row of each row's half cycle
    before = np.concatenate([[0.0], total])[start]
    changes = rows["first"]
    columns: list[tuple[str, write_mpt.Width, Floats]] = [
        ("mode", "integer", rows["mode"]),
        ("ox/red", "integer", rows["ox"]),
        ("error", "integer", np.zeros(half.size)),
        ("control changes", "integer", changes),
        ("Ns changes", "integer", changes),
        ("counter inc.", "integer", np.zeros(half.size)),
        ("Ns", "integer", rows["Ns"]),
        ("time/s", "double", rows["time"]),
        ("dq/mA.h", "double", rows["charge"]),
        ("(Q-Qo)/mA.h", "double", total),
        ("control/V/mA", "single", rows["control"]),
        ("Ewe/V", "single", rows["voltage"]),
        ("I Range", "integer", np.full(half.size, 41)),
        ("Q charge/discharge/mA.h", "double", total - before),
        ("half cycle", "integer", half),
        ("<I>/mA", "double", rows["current"]),
        ("cycle number", "single", half // 2),
    ]
    largest = float(np.max(rows["control"]))
    settings = [
        ("Ns", f"{0:<20}{1:<20}{2:<20}"),
        ("Set I/C", f"{'I':<20}{'I':<20}{'I':<20}"),
        ("Is", f"{0.0:<20.3f}{largest * 1e3:<20.3f}{-largest * 1e3:<20.3f}"),
        ("unit Is", f"{'mA':<20}{'µA':<20}{'µA':<20}"),
        ("vs.", f"{'<None>':<20}{'<None>':<20}{'<None>':<20}"),
        ("I Range", f"{'100 µA':<20}{'100 µA':<20}{'100 µA':<20}"),
    ]
    return Simulated(name, write_mpt.galvanostatic(columns, comment=comment, settings=settings), truth)


def draw(seed: int) -> Simulated:
    """Return a random half cell, with gain, offset, mass and area stated with error.

    Gain is known to 0.05 %, the offset to 5 nA, the active mass to 2 % and the area to 2 %; 20 records a half cycle.
    """
    random = generator(seed)
    protocol = Protocol(points=20)
    cell = HalfCell(
        active_mass=float(random.uniform(1.5, 6.0)),
        area=float(random.uniform(0.5, 1.3)),
        retention=float(random.uniform(0.7, 0.99)),
        capacity=float(random.uniform(105.0, 135.0)),
    )
    cycler = Cycler(gain=5e-4 * float(random.standard_normal()), offset=5e-6 * float(random.standard_normal()))
    rows, truth = simulate(cell, cycler, protocol, seed + 1)
    made = biologic(f"half_cell_{seed}.mpt", rows, truth, comment="simulated half cell, drawn at random")
    facts = {
        "active_mass": stated(cell.active_mass, 0.02 * cell.active_mass, "mg", random),
        "area": stated(cell.area, 0.02 * cell.area, "cm2", random),
        "current_gain": Fact(0.0, 5e-4, "1"),
        "current_offset": Fact(0.0, 5e-9, "A"),
    }
    return Simulated(made.name, made.content, made.truth, facts)
