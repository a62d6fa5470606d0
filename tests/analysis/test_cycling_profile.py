"""Voltage over capacity: charge from zero in either direction, rests left out, means in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis import cycling
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema


def record():
    """Charge at 1 mA for 2 h from 3 to 4 V, rest for 1 h, discharge for 1 h from 3.9 to 3.5 V, a record a minute."""
    up, rest, down = np.arange(0, 121), np.arange(121, 181), np.arange(181, 242)
    voltage = np.concatenate([3.0 + up / 120.0, np.full(rest.size, 3.95), 3.9 - 0.4 * (down - 181) / 60.0])
    current = np.concatenate([np.full(up.size, 1e-3), np.zeros(rest.size), np.full(down.size, -1e-3)])
    return schema.build("cycling", {"test_time": 60.0 * np.arange(242), "voltage": voltage, "current": current})


def test_capacity_runs_from_zero_and_the_mean_is_energy_over_charge():
    """A straight line has its mean in the middle; a discharge is drawn from zero as well, and no rest is in either."""
    result = cycling.voltage_profiles(record(), numbers=(1, 2))
    assert result["mean_voltage_1"].value == pytest.approx(3.5, abs=0.01)
    assert result["mean_voltage_2"].value == pytest.approx(3.7, abs=0.01)
    for number, charge in ((1, 2e-3), (2, 1e-3)):
        own = result.curves.isel(record=result.curves["half_cycle"].values == number)
        assert own["capacity"].values[0] == pytest.approx(0.0, abs=2e-5)
        assert own["capacity"].values[-1] == pytest.approx(charge, rel=0.02)
        assert np.all(np.diff(own["capacity"].values) > 0)
    assert result.curves.sizes["record"] == 121 + 61


def test_a_half_cycle_that_is_not_there():
    """An empty curve would look like a dead cell."""
    with pytest.raises(NotAnalysable, match="half cycle 7 is not there; the record holds 1 to 2"):
        cycling.voltage_profiles(record(), numbers=(1, 7))
