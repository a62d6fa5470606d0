"""What is known of a cycler: limits and calibrations, data sheets by range, and intervals of rectangular errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlayer.analysis import Quantity, cycling
from interlayer.analysis.cycling.record.instruments import _shipped
from interlayer.analysis.statistics import half_width_95

SMALL, CELL = Quantity("current", 0.5, None, "A"), Quantity("voltage", 4.2, None, "V")


@pytest.mark.parametrize(
    ("normal", "rectangular"),
    [(1.0, []), (0.0, [1.0]), (0.1, [1.0]), (1.0, [1.0, 0.3]), (0.0, [1.0, 1.0]), (0.05, [1.0, 0.5, 0.4, 0.1])],
)
def test_half_widths_hold_95_percent_of_drawn_errors(normal, rectangular):
    """1.96 standard uncertainties of a rectangular error hold all of it: too much is as wrong as too little."""
    random, n = np.random.default_rng(7), 400_000
    drawn = normal * random.standard_normal(n)
    for stderr in rectangular:
        drawn += math.sqrt(3.0) * stderr * random.uniform(-1.0, 1.0, n)
    assert np.mean(np.abs(drawn) < half_width_95(normal, rectangular)) == pytest.approx(0.95, abs=2e-3)


def test_a_single_limit_is_95_percent_of_itself():
    """Of an error anywhere between -a and a, 95 % lie within 0.95 a."""
    assert half_width_95(0.0, [1.0 / math.sqrt(3.0)]) == pytest.approx(0.95, rel=1e-3)
    assert half_width_95(0.0, []) == 0.0


def test_the_smallest_range_that_is_enough_is_taken():
    """An E4370A measures 0.5 A to 0.05 % + 1 mA and 1.5 A to 0.1 % + 1 mA (its table A-1)."""
    small = cycling.cycler_accuracy("Agilent E4370A/E4374A", largest_current=SMALL, largest_voltage=CELL)
    assert small.current_gain == pytest.approx(5e-4 / math.sqrt(3.0))
    assert small.current_offset.to("mA").stderr == pytest.approx(1.0 / math.sqrt(3.0))
    assert small.voltage_offset.to("mV").stderr == pytest.approx(1.0 / math.sqrt(3.0))
    assert small.rectangular() == {"current_gain", "current_offset", "voltage_gain", "voltage_offset"}
    large = cycling.cycler_accuracy(
        "Agilent E4370A/E4374A", largest_current=Quantity("current", 1.5, None, "A"), largest_voltage=CELL
    )
    assert large.current_gain == pytest.approx(1e-3 / math.sqrt(3.0))
    with pytest.raises(ValueError, match="no range of current"):
        cycling.cycler_accuracy(
            "Agilent E4370A/E4374A", largest_current=Quantity("current", 9.0, None, "A"), largest_voltage=CELL
        )


def test_a_full_scale_error_hurts_small_currents():
    """0.1 % of 100 A is 0.1 A: on 1 A that is 10 % of a capacity, which a plain "0.1 %" hides."""
    stated = cycling.cycler_accuracy("Neware BTS4000-50V100A", largest_current=SMALL, largest_voltage=CELL)
    assert stated.current_offset.to("A").stderr == pytest.approx(0.1 / math.sqrt(3.0))
    assert stated.current_gain == 0.0


def test_own_rows_stand_before_those_shipped():
    """A calibration certificate is better than a data sheet; a misspelt key must not be a silent zero."""
    own = {"Neware BTS4000-50V100A": {"current": [{"range": 1.0, "reading": 1e-4}], "voltage": [{"range": 5.0}]}}
    stated = cycling.cycler_accuracy(*own, largest_current=SMALL, largest_voltage=CELL, table=own)
    assert stated.current_gain == pytest.approx(1e-4 / math.sqrt(3.0))
    wrong = {"x": {"current": [{"range": 1.0, "gain": 1e-4}], "voltage": [{"range": 5.0}]}}
    with pytest.raises(ValueError, match="'gain'"):
        cycling.cycler_accuracy("x", largest_current=SMALL, largest_voltage=CELL, table=wrong)
    with pytest.raises(ValueError, match="expected one of"):
        cycling.cycler_accuracy("unheard of", largest_current=SMALL, largest_voltage=CELL)


def test_every_shipped_row_names_its_source():
    """A number without a source is a rumour."""
    for name, row in _shipped().items():
        assert row["source"].split("https://")[1], name
        cycling.cycler_accuracy(
            name, largest_current=Quantity("i", 1e-3, None, "A"), largest_voltage=Quantity("v", 1.0, None, "V")
        )
