r"""Energies of half cycles, their ratio, mean voltages and hysteresis, with what cancels cancelled.

With errors of gain :math:`g` and offset :math:`c` of current and voltage

.. math:: \delta E / E = g_I + g_V \pm c_I \int V dt / E + c_V Q / E

where the sign is that of the direction, since an offset of the current adds to charges and takes from discharges.
Both gains cancel in the energy efficiency, the gain of the current and the offset of the voltage in the hysteresis.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..record.accuracy import GAIN_STABILITY, RATIO_STABILITY
from ..record.halves import Halves
from ..record.intervals import Floats, Integers


def energy_stderr(halves: Halves) -> Floats:
    """Return the standard uncertainty of each energy, W h."""
    errors = halves.errors
    gains = np.hypot(np.hypot(errors.current_gain, errors.voltage_gain), GAIN_STABILITY) * halves.energy
    offsets = np.hypot(errors.current_offset * halves.volt_hours, errors.voltage_offset * halves.charge)
    return np.asarray(np.sqrt(gains**2 + offsets**2 + (halves.random / halves.charge * halves.energy) ** 2))


def energy_efficiency(
    halves: Halves, top: Integers | int, bottom: Integers | int
) -> tuple[Floats, Mapping[str, Floats]]:
    """Return the ratio of two energies of one record, and its relative standard uncertainty by source.

    Parameters
    ----------
    halves : Halves
        Half cycles of the record.
    top, bottom : ndarray of int or int
        Places of the half cycles that return the energy and that store it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        lever = halves.direction * halves.volt_hours / halves.energy
        level = halves.charge / halves.energy
        scatter = halves.random / halves.charge
        ratio = halves.energy[top] / halves.energy[bottom]
        parts = {
            "current_offset": halves.errors.current_offset * np.abs(lever[top] - lever[bottom]),
            "voltage_offset": halves.errors.voltage_offset * np.abs(level[top] - level[bottom]),
            "gain_stability": np.full_like(ratio, RATIO_STABILITY),
            "random": np.hypot(scatter[top], scatter[bottom]),
        }
    return np.asarray(ratio), parts


def mean_voltage(halves: Halves) -> tuple[Floats, Mapping[str, Floats]]:
    """Return energy over charge of each half cycle, V, and its standard uncertainty by source, V.

    The gain of the current cancels, and so does its offset but for where the voltage is far from its mean when the
    current is small.
    """
    voltage, errors = halves.energy / halves.charge, halves.errors
    return voltage, {
        "voltage_gain": errors.voltage_gain * voltage,
        "voltage_offset": np.full(voltage.size, errors.voltage_offset),
        "current_offset": errors.current_offset * np.abs(_pull(halves)),
        "random": halves.voltage_random,
    }


def voltage_hysteresis(
    halves: Halves, charge: Integers | int, discharge: Integers | int
) -> tuple[Floats, Mapping[str, Floats]]:
    """Return the mean voltage on charge less that on discharge, V, and its standard uncertainty by source, V.

    The offset of the voltage cancels.
    """
    voltage, pull = halves.energy / halves.charge, _pull(halves)
    difference = np.asarray(voltage[charge] - voltage[discharge])
    return difference, {
        "voltage_gain": halves.errors.voltage_gain * np.abs(difference),
        "current_offset": halves.errors.current_offset * np.abs(pull[charge] - pull[discharge]),
        "random": np.hypot(halves.voltage_random[charge], halves.voltage_random[discharge]),
    }


def _pull(halves: Halves) -> Floats:
    """Return by how much an offset of the current moves each mean voltage, V A-1."""
    voltage = halves.energy / halves.charge
    return np.asarray(halves.direction * (halves.volt_hours - voltage * halves.hours) / halves.charge)


def root_sum(parts: Mapping[str, Floats]) -> Floats:
    """Return the root of the sum of squares of uncertainties by source."""
    return np.asarray(np.sqrt(sum(part**2 for part in parts.values())))
