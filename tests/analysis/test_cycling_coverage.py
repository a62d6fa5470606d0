"""Whether 95 % intervals of capacity, efficiencies, retention and mean voltages hold the truth in 93 to 97 % of cells.

The simulator knows the cell's true charge and voltage, and logs them as a cycler with errors does: it holds what it
measures at the set point, rounds what it shows, and ends steps between two records. Nothing of the analysis is used.
With 1500 cells the standard deviation of a share is 0.6 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity, cycling
from interlayer.parsers import schema

CELLS = 1500
AMPERE = 1e-3
HIGHEST = 4.2  # V, about what the largest voltage of a record is
WANDER = 1e-4  # of the gain of a half cycle about its mean
POLARISATION = 0.06  # V


def ocv(filling: np.ndarray) -> np.ndarray:
    """Return the open-circuit voltage in V of a cell filled to a part of its capacity."""
    return 3.25 + 0.7 * filling + 0.12 * filling**3 - 0.06 * np.sin(2.0 * np.pi * filling)


def mean_ocv(low: float, high: float) -> float:
    fine = np.linspace(low, high, 20_001)
    return float(np.trapezoid(ocv(fine), fine) / (high - low))


@dataclass(frozen=True)
class Errors:
    """Relative gains and offsets (A, V) of one cycler."""

    current_gain: float = 0.0
    current_offset: float = 0.0
    voltage_gain: float = 0.0
    voltage_offset: float = 0.0
    noise: float = 1e-6
    digit: float = 0.0


@dataclass
class Cell:
    """What a cell really passes: A h of charges and discharges by cycle, all down to one filling, so to one voltage."""

    charge: np.ndarray
    discharge: np.ndarray
    emptied: float = 0.06

    def begin(self, cycle: int) -> float:
        """Return the filling at which a charge to 1 begins; it passes more than what the discharge gives back."""
        return 1.0 - (1.0 - self.emptied) * float(self.charge[cycle] / self.discharge[cycle])

    def mean_voltages(self, cycle: int) -> tuple[float, float]:
        """Return the charge-weighted mean voltage on charge and discharge."""
        return mean_ocv(self.begin(cycle), 1.0) + POLARISATION, mean_ocv(self.emptied, 1.0) - POLARISATION


def record(
    cell: Cell, errors: Errors, *, clock: float | None, counted: bool, random: np.random.Generator
) -> xr.Dataset:
    """Return what the cycler logs: on a clock of so many seconds, or at 80 places of each step with both its ends."""
    ends, sets, starts_at, stops_at, now = [700.0], [0.0], [1.0], [1.0], 700.0
    for cycle, (up, down) in enumerate(zip(cell.charge, cell.discharge, strict=True)):
        for passed, set_point in ((up, AMPERE), (0.0, 0.0), (down, -AMPERE), (0.0, 0.0)):
            true = (set_point - errors.current_offset) / (1.0 + errors.current_gain + WANDER * random.standard_normal())
            now += random.uniform(600.0, 900.0) if set_point == 0 else 3600.0 * passed / abs(true)
            ends.append(now)
            sets.append(set_point)
            starts_at.append(cell.begin(cycle) if set_point > 0 else 1.0)
            stops_at.append(cell.emptied if set_point < 0 else 1.0)
    ends, begins = np.array(ends), np.concatenate([[0.0], ends[:-1]])
    if clock is None:
        time = np.concatenate([np.linspace(a, b, 80) for a, b in zip(begins, ends, strict=True)])
        step = np.repeat(np.arange(ends.size), 80)
    else:
        time = np.arange(clock * random.random(), ends[-1], clock)
        step = np.searchsorted(ends, time)
    share = (time - begins[step]) / (ends - begins)[step]
    filling = np.array(starts_at)[step] + share * (np.array(stops_at) - np.array(starts_at))[step]
    set_point = np.array(sets)[step]
    voltage = ocv(filling) + POLARISATION * np.sign(set_point)
    current = set_point + np.where(set_point != 0, errors.noise * random.standard_normal(time.size), 0.0)
    if errors.digit:
        current = errors.digit * np.round(current / errors.digit)
    values = {
        "test_time": time,
        "voltage": (1.0 + errors.voltage_gain) * voltage
        + errors.voltage_offset
        + 2e-4 * random.standard_normal(time.size),
        "current": current,
    }
    if counted:
        whole = np.cumsum(np.array(sets) * (ends - begins)) / 3600.0
        values["charge"] = whole[step] - np.array(sets)[step] * (ends[step] - time) / 3600.0
    return schema.build("cycling", values)


def rectangular(limit: float, random: np.random.Generator) -> float:
    return limit * random.uniform(-1.0, 1.0)


def of_data_sheet(random: np.random.Generator) -> tuple[Errors, cycling.Accuracy | None]:
    """Nothing is stated of the cycler: 0.1 % of the reading and 0.05 % of the largest value, all as probable."""
    return Errors(
        current_gain=rectangular(np.sqrt(3.0) * 6e-4, random),
        current_offset=rectangular(np.sqrt(3.0) * 3e-4 * AMPERE, random),
        voltage_gain=rectangular(np.sqrt(3.0) * 6e-4, random),
        voltage_offset=rectangular(np.sqrt(3.0) * 3e-4 * HIGHEST, random),
        digit=2e-7,
    ), None


def calibrated(random: np.random.Generator) -> tuple[Errors, cycling.Accuracy]:
    """A calibration states normal errors, and an offset that is taken off."""
    offset, volt = 2e-6 * random.standard_normal(), 1e-3 * random.standard_normal()
    errors = Errors(
        current_gain=2e-4 * random.standard_normal(),
        current_offset=offset + 1e-6 * random.standard_normal(),
        voltage_gain=2e-4 * random.standard_normal(),
        voltage_offset=volt + 5e-4 * random.standard_normal(),
    )
    return errors, cycling.Accuracy(
        current_gain=2e-4,
        current_offset=Quantity("current_offset", offset, 1e-6, "A"),
        voltage_gain=2e-4,
        voltage_offset=Quantity("voltage_offset", volt, 5e-4, "V"),
    )


def noisy(random: np.random.Generator) -> tuple[Errors, cycling.Accuracy]:
    """A good cycler that logs seldom: noise and the ends of steps are all that matters."""
    accuracy = cycling.Accuracy(
        current_gain=1e-5,
        current_offset=Quantity("current_offset", 0.0, 1e-9, "A"),
        voltage_gain=1e-5,
        voltage_offset=Quantity("voltage_offset", 0.0, 1e-5, "V"),
    )
    return Errors(current_gain=1e-5 * random.standard_normal(), noise=5e-6), accuracy


def a_cell(random: np.random.Generator) -> Cell:
    discharge = 1e-3 * (1.0 - 0.02 * np.arange(5)) * (1.0 + 0.01 * random.standard_normal(5))
    return Cell(discharge / random.uniform(0.97, 1.0, 5), discharge)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cycler", "clock", "counted"),
    [(of_data_sheet, None, False), (of_data_sheet, None, True), (calibrated, None, False), (noisy, 60.0, False)],
    ids=["data sheet", "data sheet, counter", "calibrated", "noisy on a clock"],
)
def test_intervals_hold_the_truth(cycler, clock, counted):
    """Retention, capacities per mass and volume, efficiencies and mean voltages: the numbers of a paper's table."""
    held: dict[str, int] = {}
    for seed in range(CELLS):
        random = np.random.default_rng(seed)
        cell, (errors, accuracy) = a_cell(random), cycler(random)
        mass, area, thickness = (1.0 + u * random.standard_normal(3) for u in (0.002, 0.01, 0.02))
        result = cycling.capacity_retention(
            record(cell, errors, clock=clock, counted=counted, random=random),
            cell_type="cathode_half",
            reference_cycle=1,
            active_mass=Quantity("active_mass", 5.0 * mass[0], 0.01, "mg"),
            area=Quantity("area", 1.13 * area[0], 0.0113, "cm2"),
            thickness=Quantity("thickness", 10.0 * thickness[0], 0.2, "um"),
            accuracy=accuracy,
        )
        high, low = cell.mean_voltages(4)
        last, up = cell.discharge[4], cell.charge[4]
        truth = {
            "capacity_retention": last / cell.discharge[0],
            "discharge_capacity": 1e3 * last / 5e-3,
            "discharge_capacity_reference": 1e3 * cell.discharge[0] / 5e-3,
            "discharge_capacity_by_volume": 1e3 * last / 1.13 / 10e-4,
            "coulombic_efficiency": last / up,
            "coulombic_efficiency_mean": float(np.mean(cell.discharge / cell.charge)),
            "energy_efficiency": last * low / (up * high),
            "voltage_mean_charge": high,
            "voltage_mean_discharge": low,
            "voltage_hysteresis": high - low,
        }
        for name, value in truth.items():
            lower, upper = result[name].interval95
            held[name] = held.get(name, 0) + (lower <= value <= upper)
    share = {name: count / CELLS for name, count in held.items()}
    assert {name: value for name, value in share.items() if not 0.93 <= value <= 0.97} == {}
