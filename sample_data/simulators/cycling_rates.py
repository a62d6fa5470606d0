r"""Coated and bare half cells at rising rates, and back at the first one.

With the rate c in 1/h a cell gives up

.. math:: Q = Q_0 \, (1 - f (n - 1)) \, / \, (1 + (c / c_0)^{1.5})

in cycle n. A coating raises the rate :math:`c_0` at which half is left and lowers the fade f and the resistance. Cells
of a kind differ in mass, in fade and in :math:`c_0`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .cycling import Cycler, Protocol, Record, biologic, charge_half, discharge_half
from .simulated import Fact, Simulated, SimulatedSeries, generator

Floats = NDArray[np.float64]

_SPREAD_MASS, _SPREAD_FADE, _SPREAD_RATE = 0.02, 0.12, 0.05  # relative, from cell to cell
_SETTLING = 1  # first cycles of a block, which the mean of a block leaves out


@dataclass(frozen=True)
class RateCell:
    """True properties of a half cell.

    Parameters
    ----------
    active_mass, area : float
        In mg and cm2.
    capacity : float
        Specific discharge capacity at rest, mA h g-1.
    half_rate : float
        Rate at which half of the capacity is left, 1/h.
    fade : float
        Part of the capacity lost per cycle.
    resistance : float
        Area-specific, ohm cm2.
    scatter : float
        Relative standard deviation of the capacity from cycle to cycle.
    efficiency : float
        Coulombic efficiency that the cell settles to; the first cycle has 0.08 less, dying out within three cycles.
    """

    active_mass: float = 5.0
    area: float = 0.785
    capacity: float = 165.0
    half_rate: float = 4.0
    fade: float = 0.002
    resistance: float = 60.0
    scatter: float = 0.002
    efficiency: float = 0.998


@dataclass(frozen=True)
class RateTest:
    """Rates (1/h of the capacity at rest) in the order of the test, cycles at each, and records in a half cycle."""

    rates: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 0.1)
    cycles: int = 3
    points: int = 16


def simulate(cell: RateCell, cycler: Cycler, test: RateTest, seed: int) -> tuple[dict[str, Floats], dict[str, Fact]]:
    """Return the rows of a rate test's record, as `simulators.cycling.simulate` does, and the truth.

    Returns
    -------
    dict of str to ndarray
        Columns as of `simulators.cycling.simulate`.
    dict of str to Fact
        ``capacity_retention`` (1) of the last cycle against the first, from the charge that truly passed;
        ``capacity_at_highest_rate`` and ``capacity_recovery`` (1), what is expected of the means of blocks without
        their first cycle.
    """
    random = generator(seed)
    rates = np.repeat(test.rates, test.cycles)
    number = np.arange(rates.size)
    full = cell.active_mass * 1e-3 * cell.capacity
    expected = full * (1.0 - cell.fade * number) / (1.0 + (rates / cell.half_rate) ** 1.5)
    discharge = expected * (1.0 + cell.scatter * random.standard_normal(rates.size))
    charge = discharge / (cell.efficiency - 0.08 * np.exp(-1.5 * number))
    protocol = Protocol(points=test.points, voltage_low=2.8)
    record = Record(cycler, random)
    record.rest(3.2, 600.0, 3)
    for rate, stored, returned in zip(rates, charge, discharge, strict=True):
        current = rate * full
        polarisation = 0.01 + 1e-3 * current / cell.area * cell.resistance
        charge_half(record, float(stored), float(current), float(polarisation), protocol, False)
        record.rest(protocol.voltage_high - polarisation, 300.0, 2)
        discharge_half(record, float(returned), float(current), float(polarisation), protocol, 1.0)
        record.rest(protocol.voltage_low + 3 * polarisation, 300.0, 2)
    blocks = expected.reshape(len(test.rates), test.cycles)[:, _SETTLING:].mean(axis=1)
    fastest, slowest = int(np.argmax(test.rates)), int(np.argmin(test.rates))
    truth = {
        "capacity_retention": Fact(float(discharge[-1] / discharge[0]), 0.0, "1"),
        "capacity_at_highest_rate": Fact(float(blocks[fastest] / blocks[slowest]), 0.0, "1"),
        "capacity_recovery": Fact(float(blocks[-1] / blocks[0]), 0.0, "1"),
    }
    return record.columns(), truth


def coated_against_bare(
    coated: RateCell, bare: RateCell, test: RateTest, seed: int, *, comment: str
) -> SimulatedSeries:
    """Return three cells with the coating and three without, each with its own errors of cell and cycler.

    The truth is that of the kinds: what cells without number would have in the mean.
    """
    files = []
    last = test.cycles * len(test.rates) - 1
    for kind, cell in (("coated", coated), ("bare", bare)):
        for count in range(1, 4):
            seed += 1
            mass, fade, rate, gain, offset = generator(seed + 1000).standard_normal(5)
            own = replace(
                cell,
                active_mass=cell.active_mass * (1.0 + _SPREAD_MASS * mass),
                fade=cell.fade * (1.0 + _SPREAD_FADE * fade),
                half_rate=cell.half_rate * (1.0 + _SPREAD_RATE * rate),
            )
            cycler = Cycler(gain=5e-4 * float(gain), offset=1e-5 * float(offset))
            rows, truth = simulate(own, cycler, test, seed)
            said = f"{comment}, {kind}, cell {count}"
            made = biologic(f"{kind}_{count}.mpt", rows, truth, comment=said)
            facts = {"active_mass": Fact(own.active_mass, 0.02 * own.active_mass, "mg")}
            files.append(Simulated(made.name, made.content, made.truth, facts))
    difference = last * (bare.fade - coated.fade)
    return SimulatedSeries(
        "coated against bare cells", tuple(files), {"capacity_retention_difference": Fact(difference, 0.0, "1")}
    )
