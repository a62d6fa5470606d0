"""Charge of half cycles where counters are reset or contradict, cells begin charged, and leads are swapped."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.analysis import cycling
from interlayer.parsers import schema
from interlayer.parsers.findings import findings


def counted(columns):
    """Return the charge of a counter that integrates the current of every interval, A h."""
    return np.cumsum(columns["current"] * np.diff(columns["test_time"], prepend=0.0)) / 3600.0


def swapped(columns):
    """Return what a cycler records of a cell whose leads were swapped."""
    return columns | {"voltage": -columns["voltage"], "current": -columns["current"]}


def gained(counter):
    """Return what a counter adds at each row, nothing where it is reset."""
    return np.maximum(np.diff(counter, prepend=counter[:1]), 0.0)


def test_arbin_counters_that_are_reset_with_each_cycle(corpus):
    """Capacities of a .res whose counters start anew 17 times are those that the counters gain in each half cycle.

    Arbin starts its new cycle in a rest and zeroes the capacity there (navani PR 31: negative capacities). The counter
    has a resolution of 1e-8 A h; integral and counter were made of the same current by different clocks.
    """
    ds = il.read(corpus / "cycling/cellpy/20160805_test001_45_cc_01.res")
    assert (np.diff(ds["vendor_capacity_charge"]) < -1e-4).sum() == 17
    half = cycling.segment(ds)["half_cycle"].values
    summary = cycling.summarise(ds, cell_type="full")
    charged = np.bincount(half, gained(ds["vendor_capacity_charge"].values))[1:]
    discharged = np.bincount(half, gained(ds["vendor_capacity_discharge"].values))[1:]
    by_counter = np.where(summary["direction"] > 0, charged, discharged)
    np.testing.assert_allclose(summary["capacity"], by_counter, rtol=3e-4)
    assert summary.sizes["half_cycle"] == 35


@pytest.mark.parametrize("where", ["rest", "step", "both"])
def test_a_counter_that_is_reset_loses_no_charge(full_cell, where):
    """A net counter that starts anew, in a rest or while current flows, must neither give nor take its reading."""
    passed = counted(full_cell)
    rows = {"rest": [270], "step": [120], "both": [120, 270, 700]}[where]
    for row in rows:
        passed[row:] -= passed[row - 1]
    whole = cycling.summarise(schema.build("cycling", full_cell | {"charge": counted(full_cell)}), cell_type="full")
    reset = cycling.summarise(schema.build("cycling", full_cell | {"charge": passed}), cell_type="full")
    # 2 h at 1 mA; one of 200 intervals falls on the reset, and the current says what it held.
    np.testing.assert_allclose(whole["capacity_charge"], 2e-3, rtol=1e-9)
    np.testing.assert_allclose(reset["capacity"], whole["capacity"], rtol=1e-9)
    np.testing.assert_allclose(reset["coulombic_efficiency"], 0.98, rtol=1e-9)


def test_a_counter_that_counts_two_percent_too_much_is_named(full_cell):
    """A wrong range or calibration shows where count and current of one file differ; both numbers are given."""
    wrong = full_cell | {"charge": 1.02 * counted(full_cell)}
    segmented = cycling.segment(schema.build("cycling", wrong))
    messages = [f.message for f in findings(segmented.attrs) if f.code == "charge-contradicts-counter"]
    assert len(messages) == 1
    assert "in 8 half cycles" in messages[0]
    assert "0.00204 A h and 0.002 A h" in messages[0] or "0.001999 A h and 0.00196 A h" in messages[0]
    assert messages[0] in cycling.summarise(schema.build("cycling", wrong), cell_type="full").attrs["notes"]
    close = schema.build("cycling", full_cell | {"charge": 1.004 * counted(full_cell)})
    assert "charge-contradicts-counter" not in [f.code for f in findings(cycling.segment(close).attrs)]


def test_what_is_no_charge_is_not_believed(full_cell):
    """A column that adds hours of charge with every record counts something else than the current."""
    nonsense = full_cell | {"charge": np.cumsum(counted(full_cell))}
    summary = cycling.summarise(schema.build("cycling", nonsense), cell_type="full")
    np.testing.assert_allclose(summary["capacity_charge"], 2e-3, rtol=1e-9)


@pytest.mark.parametrize("suffix", ["mpr", "mpt"])
def test_dq_of_a_sequence_is_no_step_of_the_charge(corpus, suffix):
    """In EC-Lab's chronopotentiometry dQ counts from the start of the sequence; its sum over rows is 2.6104 A h.

    The file's own (Q-Qo) ends at 569.8775 C, which is 0.1582993 A h.
    """
    ds = il.read(corpus / f"cycling/yadg/cp.issue_61.{suffix}")
    assert float(cycling.summarise(ds, cell_type="full")["capacity"][0]) == pytest.approx(0.1582993, rel=1e-6)


def test_maccor_counter_that_is_reset_between_current_and_voltage(corpus):
    """Charges are the sum of both steps: last Amp-hr of steps 2, 4 + 5, 7, 9 + 10, 12 and 14 of maccor_one.txt."""
    amp_hours = [0.63781, 3.36871 + 1.15388, 4.54403, 3.35664 + 1.15991, 4.35400, 3.17303]
    summary = cycling.summarise(il.read(corpus / "cycling/cellpy/maccor_one.txt"), cell_type="full")
    np.testing.assert_allclose(summary["capacity"], amp_hours, rtol=1.5e-5)


def test_maccor_counter_that_counts_on_from_current_to_voltage(tmp_path):
    """maccor_three.txt of cellpy counts on, 901.4 to 906.1 mA h; a sum of step maxima doubles such a charge."""
    lines = ["Rec#\tCyc#\tStep\tTestTime\tStepTime\tAmp-hr\tWatt-hr\tAmps\tVolts\tState\tES\tDPt Time"]
    seconds = amp_hours = 0.0
    for cycle in range(2):
        amp_hours = 0.0
        for step, state, count in ((1, "C", 200), (2, "C", 100), (3, "R", 30), (4, "D", 260), (5, "R", 30)):
            amp_hours = 0.0 if state == "D" else amp_hours
            for row in range(count):
                seconds += 36.0
                current = {1: 1.0, 2: float(np.exp(-(row + 1) / 30.0)), 4: 1.0}.get(step, 0.0)
                voltage = {1: 3.0 + 1.2 * row / 200, 2: 4.2, 3: 4.15, 4: 4.1 - row / 260, 5: 3.2}[step]
                amp_hours += current * 36.0 / 3600.0
                cells = (len(lines), cycle, step, f"{seconds:.2f}", f"{row * 36.0:.2f}", f"{amp_hours:.6f}", "0.0")
                date = np.datetime64("2026-03-02T08:00:00") + np.timedelta64(round(seconds), "s")
                when = f"{date.item():%m/%d/%Y %H:%M:%S}"
                lines.append("\t".join(map(str, (*cells, f"{current:.6f}", f"{voltage:.5f}", state, 1, when))))
    path = tmp_path / "cell.txt"
    header = "Today's Date:\t03/03/2026\tDate of Test:\t03/02/2026\nFilename:\tcell\tProcedure:\tp\n"
    path.write_text(header + "\n".join(lines) + "\n", encoding="ascii")
    ds = il.read(path)
    summary = cycling.summarise(ds, cell_type="full")
    held = float(np.exp(-np.arange(1, 101) / 30.0).sum()) * 0.01
    # Of the falling current the integral takes the mean of both ends of an interval, the counter its end.
    np.testing.assert_allclose(summary["capacity_charge"], 2.0 + held, rtol=3e-3)
    np.testing.assert_allclose(summary["capacity_discharge"], 2.6, rtol=1e-6)
    assert float(ds["vendor_capacity_charge"].max()) == pytest.approx(2.0 + held, abs=1e-4)
    assert summary["hold_share"].values[0] == pytest.approx(held / (2.0 + held), rel=0.03)


def test_a_full_cell_that_is_discharged_first(cycling_steps):
    """Cells come half charged: the first discharge opens no cycle, and no efficiency is charge over discharge.

    cellpy issue 359; pairing by index gives 1 / 0.98 for every cycle and 0.25 for the first.
    """
    cycle = ((2.0, 1e-3, 3.2, 4.2), (0.5, 0.0, 4.1, 4.1), (1.96, -1e-3, 4.0, 3.0), (0.5, 0.0, 3.1, 3.2))
    columns = cycling_steps((0.5, -1e-3, 3.6, 3.0), (0.5, 0.0, 3.1, 3.2), *(3 * cycle), every=36.0)
    summary = cycling.summarise(schema.build("cycling", columns), cell_type="full")
    assert summary["cycle"].values.tolist() == [1, 2, 3]
    np.testing.assert_allclose(summary["coulombic_efficiency"], 0.98, rtol=1e-9)
    np.testing.assert_allclose(summary["capacity_charge"], 2e-3, rtol=1e-9)
    np.testing.assert_allclose(summary["capacity_discharge"], 1.96e-3, rtol=1e-9)
    assert not bool(summary["complete"][0])
    assert "unknown state of charge" in str(summary["reason"][0].values)


@pytest.mark.parametrize("with_counter", [False, True])
def test_a_cell_whose_leads_were_swapped(full_cell, with_counter):
    """Charge and discharge change places: 1 / 0.98 would pass for an efficiency of 102 %."""
    if with_counter:
        full_cell["charge"] = counted(full_cell)
    right = cycling.summarise(schema.build("cycling", full_cell), cell_type="full")
    wrong = swapped(full_cell) | ({"charge": -full_cell["charge"]} if with_counter else {})
    turned = cycling.summarise(schema.build("cycling", wrong), cell_type="full")
    for name in ("capacity_charge", "capacity_discharge", "coulombic_efficiency", "energy_efficiency", "voltage_mean"):
        np.testing.assert_allclose(turned[name], right[name], rtol=1e-12)
    assert any("leads were swapped" in note for note in turned.attrs["notes"])
    assert not any("leads were swapped" in note for note in right.attrs["notes"])
    retention = cycling.capacity_retention(schema.build("cycling", wrong), cell_type="full", cycle=4, reference_cycle=1)
    assert any("leads were swapped" in note for note in retention.notes)


def test_swapped_sense_leads_turn_the_voltage_only(full_cell):
    """Where the voltage falls on charge, the current was right: the file's charge is the cell's."""
    ds = schema.build("cycling", full_cell | {"voltage": -full_cell["voltage"]})
    summary = cycling.summarise(ds, cell_type="full")
    np.testing.assert_allclose(summary["coulombic_efficiency"], 0.98, rtol=1e-9)
    assert (summary["voltage_mean"] > 3.0).all()


def test_a_half_cell_may_be_negative_against_its_reference(full_cell):
    """Zinc against Ag/AgCl is at -1 V; turning its current would exchange plating and stripping. It is only said."""
    ds = schema.build("cycling", swapped(full_cell))
    summary = cycling.summarise(ds, cell_type="anode_half")
    np.testing.assert_allclose(summary["coulombic_efficiency"], 0.98, rtol=1e-9)
    assert any("if leads were swapped" in note for note in summary.attrs["notes"])


def test_a_symmetric_cell_is_never_turned():
    """Its voltage has the sign of the current, and a short test may hold one direction only."""
    time = 60.0 * np.arange(1, 121)
    ds = schema.build("cycling", {"test_time": time, "voltage": np.full(120, -0.3), "current": np.full(120, -1e-3)})
    assert cycling.summarise(ds, cell_type="symmetric")["direction"].values.tolist() == [-1]


def test_missing_current_at_the_end_of_a_file_is_not_that_of_the_next(full_cell):
    """The last row of a file that was cut off holds no current; the discharge of the next file is not its own."""
    first, second = (
        {key: values[rows].copy() for key, values in full_cell.items()} for rows in (slice(0, 250), slice(250, None))
    )
    first["current"][-1] = np.nan
    time = np.concatenate([first["test_time"], second["test_time"]])
    ds = schema.build(
        "cycling",
        {
            "test_time": time,
            "voltage": np.concatenate([first["voltage"], second["voltage"]]),
            "current": np.concatenate([first["current"], second["current"]]),
            "file_id": xr.Variable("record", np.repeat(np.array([0, 1], dtype=np.int32), [250, time.size - 250])),
        },
    )
    summary = cycling.summarise(ds, cell_type="full")
    np.testing.assert_allclose(summary["capacity_charge"], 2e-3, rtol=1e-9)
