"""Arbin's text exports through the general reader, and what its counters say about the integral of the current."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import Source, delimited_cycling, findings, read
from interlayer.parsers._cycling_checks import compare_counters

PYPROBE = "cycling/PyProBE/sample_data_arbin.csv"
TOOLKIT = "cycling/battery-data-toolkit/arbin_example.csv"


def codes(dataset) -> list[str]:
    return [finding.code for finding in findings(dataset.attrs)]


def test_current_that_set_in_between_two_rows_is_why_the_integral_is_wrong(corpus):
    """0 A and 2.65 A lie 0.69 s apart across a change of step: a ramp over it would add 0.25 mA h to 0.38 mA h."""
    record = read(corpus / PYPROBE)
    last = record.isel(record=slice(-2, None))
    passed = float(last.current.mean() * np.diff(last.test_time)[0]) / 3600
    counted = float(np.diff(last.vendor_capacity_charge)[0])
    assert passed == pytest.approx(counted, rel=3e-3), "within the step counter and integral agree"
    (found,) = (finding for finding in findings(record.attrs) if finding.code == "charge-contradicts-counter")
    assert found.message.endswith("rows lie too far apart where the current is switched, so the counter is right.")


def test_counters_of_a_whole_discharge_are_met(corpus):
    """2142 rows of battery-data-toolkit's example: the counters are A h, the dates seconds since 1970."""
    record = read(corpus / TOOLKIT)
    assert record.attrs["start_time"] == "2017-07-02T14:39:13.000"
    hours = np.diff(record.test_time) / 3600
    for kind, sign in (("charge", 1.0), ("discharge", -1.0)):
        flow = np.clip(sign * record.current.values, 0.0, None)
        gain = np.clip(np.diff(record[f"vendor_capacity_{kind}"]), 0.0, None).sum()
        assert np.sum((flow[1:] + flow[:-1]) / 2 * hours) == pytest.approx(gain, rel=3e-3)
    assert "charge-contradicts-counter" not in codes(record)


def half_cycles(every: float) -> dict[str, np.ndarray]:
    """Return an hour each of rest, charge at 1 A, rest, discharge at 1 A, with a row every so many seconds."""
    time = np.arange(0.0, 14400.0 + every, every)
    current = np.select([(time > 3600) & (time <= 7200), time > 10800], [1.0, -1.0], 0.0)
    charge = np.clip(time - 3600, 0.0, 3600.0) / 3600
    discharge = np.clip(time - 10800, 0.0, 3600.0) / 3600
    return {
        "test_time": time,
        "current": current,
        "vendor_capacity_charge": charge,
        "vendor_capacity_discharge": discharge,
    }


@pytest.mark.parametrize("every", [10.0, 60.0, 600.0, 900.0])
def test_coarse_rows_alone_raise_no_alarm(every):
    """Rows 15 min apart in a charge of an hour miss when it began; that is no contradiction."""
    assert compare_counters(half_cycles(every)) == []


def test_rows_that_hold_ends_of_steps_alone_are_named_as_the_reason():
    """With a row an hour half of the discharge is missing from the integral, and the counter has it."""
    (found,) = compare_counters(half_cycles(3600.0))
    assert found.severity == "warning"
    assert "0.5 A h by the integral" in found.message
    assert "the counter is right" in found.message


@pytest.mark.parametrize(("factor", "severity"), [(1.2, "warning"), (0.8, "warning"), (1e3, "error"), (1e-3, "error")])
@pytest.mark.parametrize("every", [10.0, 60.0])
def test_counters_that_mean_something_else_are_told(factor, severity, every):
    """A counter off by 20 % is another quantity, one off by 1000 another unit."""
    record = half_cycles(every)
    record["vendor_capacity_charge"] = record["vendor_capacity_charge"] * factor
    (found,) = compare_counters(record)
    assert (found.code, found.severity) == ("charge-contradicts-counter", severity)
    assert "the counter is right" not in found.message


def test_a_wrong_unit_shows_in_coarse_rows_too():
    """The allowance for coarse rows must not swallow a factor of 1000."""
    record = half_cycles(3600.0)
    record["vendor_capacity_charge"] = record["vendor_capacity_charge"] / 1e3
    assert "error" in [found.severity for found in compare_counters(record)]


def test_statistics_of_cycles_are_no_record():
    """One row for each cycle has the columns of a record, and integrates to nothing."""
    lines = ["Test_Time(s),Current(A),Voltage(V),Charge_Capacity(Ah),Vmax_On_Cycle(V)"]
    lines += [f"{3600 * n},1.0,4.{n},{n}.0,4.2" for n in range(1, 9)]
    source = Source(Path("StatisticByCycle.csv"), data="\n".join(lines).encode())
    with pytest.raises(ValueError, match="statistics of cycles by Arbin"):
        list(delimited_cycling.read(source))
