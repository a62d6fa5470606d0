"""Several files of one test as one record: order, time between files, duplicates, and nothing integrated across."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.analysis import cycling
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema
from interlayer.parsers.findings import findings

START = np.datetime64("2026-03-02T08:00:00.000", "ns")
NAMES = ("a.mpr", "b.mpr", "c.mpr")


def part(columns, rows, name, *, clock=True, restart=True, **attrs):
    """Return rows as the file of a cycler whose clock, counters and cycles begin anew with each file."""
    own = {key: values[rows].copy() for key, values in columns.items()}
    if clock:
        own["time"] = xr.Variable("record", START + np.rint(own["test_time"] * 1e9).astype("timedelta64[ns]"))
    if restart:
        own["test_time"] -= own["test_time"][0]
    if "charge" in own:
        own["charge"] -= own["charge"][0]
    own["vendor_cycle"] = np.ones(own["test_time"].size, dtype=np.int32)
    return schema.build("cycling", own, source_file=name, source_sha256=name[0] * 64, **attrs)


def codes(ds):
    return [finding.code for finding in findings(ds.attrs)]


def in_three(columns, first, second, **kwargs):
    cuts = (slice(0, first), slice(first, second), slice(second, None))
    return [part(columns, rows, name, **kwargs) for rows, name in zip(cuts, NAMES, strict=True)]


@pytest.mark.parametrize("counted", [False, True])
def test_a_record_in_three_files_has_the_summary_of_the_whole(full_cell, counted):
    """Cyclers split long tests by size, in the middle of a charge too, and restart clock, counters and cycles.

    battdat integrates over the gap (battery-data-toolkit PR 143), PyProBE and cellpy add restarted cycle numbers.
    """
    if counted:
        passed = full_cell["current"] * np.diff(full_cell["test_time"], prepend=0.0) / 3600.0
        full_cell["charge"] = np.cumsum(passed)
    whole = cycling.summarise(schema.build("cycling", full_cell), cell_type="full")
    joined = cycling.splice(in_three(full_cell, 130, 555)[::-1])
    summary = cycling.summarise(joined, cell_type="full")
    for name in ("capacity", "energy", "coulombic_efficiency", "energy_efficiency", "complete"):
        np.testing.assert_allclose(summary[name], whole[name], rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(joined["test_time"], full_cell["test_time"] - 36.0, atol=1e-6)
    assert np.flatnonzero(np.diff(joined["file_id"])).tolist() == [129, 554]
    assert joined.attrs["source_files"] == list(NAMES)


@pytest.mark.parametrize(("every", "whole"), [(0.5, True), (1.0, True), (2.0, True), (3.0, False), (1000.0, False)])
def test_a_break_within_two_sampling_intervals_is_none(full_cell, every, whole):
    """The last and the first record are each open to one interval; what lies beyond may hold charge that nobody saw."""
    parts = in_three(full_cell, 130, 555)
    shift = np.timedelta64(round((every - 1.0) * 36e9), "ns")
    parts[1:] = [later.assign_coords(time=later["time"] + shift) for later in parts[1:]]
    summary = cycling.summarise(cycling.splice(parts), cell_type="full")
    assert bool(summary["complete"][0]) is whole
    assert ("gap" in str(summary["reason"][0].values)) is not whole
    # Half an hour of rest before it: the charge of 2 h at 1 mA began 1800 s after the start.
    assert float(summary["capacity"][0]) == pytest.approx(2e-3, rel=0.01)
    assert summary["complete"][1:].all()


def test_current_that_flows_before_a_gap_of_ten_hours_is_not_integrated(full_cell):
    """battdat joins such files into a capacity of 12 mA h instead of 2 (battery-data-toolkit PR 143)."""
    charge_ends = int(np.flatnonzero(full_cell["current"] > 0)[199]) + 1
    parts = [part(full_cell, slice(0, charge_ends), "a.mpr"), part(full_cell, slice(charge_ends, None), "b.mpr")]
    parts[1] = parts[1].assign_coords(time=parts[1]["time"] + np.timedelta64(10, "h"))
    joined = cycling.splice(parts)
    assert float(joined["test_time"].diff("record").max()) == pytest.approx(36036.0)
    summary = cycling.summarise(joined, cell_type="full")
    np.testing.assert_allclose(summary["capacity_charge"], 2e-3, rtol=0.003)
    # The charge had ended with its file: the rest and the discharge of the next belong to a whole cycle.
    assert summary["complete"].all()
    np.testing.assert_allclose(summary["coulombic_efficiency"], 0.98, rtol=0.003)


def test_files_without_any_clock_follow_in_the_order_given(full_cell):
    """What passed between them is unknown, so the half cycle across the seam is incomplete, and the rest stays."""
    joined = cycling.splice(in_three(full_cell, 130, 555, clock=False))
    assert codes(joined).count("unknown-gap") == 2
    assert "order-as-given" in codes(joined)
    summary = cycling.summarise(joined, cell_type="full")
    held = [bool("gap" in str(reason)) for reason in summary["reason"].values]
    assert held[0]
    assert sum(held) == 2
    assert np.isnan(summary["coulombic_efficiency"][0])
    assert float(summary["coulombic_efficiency"][2]) == pytest.approx(0.98, rel=0.003)


def test_a_test_time_that_runs_on_through_the_files_places_them(full_cell):
    """Some cyclers count the time of the test through all files and write no date."""
    joined = cycling.splice(in_three(full_cell, 130, 555, clock=False, restart=False))
    np.testing.assert_allclose(joined["test_time"], full_cell["test_time"], rtol=1e-12)
    assert "unknown-gap" not in codes(joined)


def test_start_time_alone_places_a_file(full_cell):
    """Basytec and Digatron write the date once, in the header."""
    parts = in_three(full_cell, 130, 555, clock=False)
    begins = [full_cell["test_time"][row] for row in (0, 130, 555)]
    dated = [
        ds.assign_attrs(start_time=str(START + np.timedelta64(int(begin), "s")))
        for ds, begin in zip(parts, begins, strict=True)
    ]
    joined = cycling.splice([dated[2], dated[0], dated[1]])
    np.testing.assert_allclose(joined["test_time"] - joined["test_time"][0], full_cell["test_time"] - 36.0, atol=1e-6)


def test_dates_in_whole_seconds_never_turn_the_time_back(full_cell):
    """Most cyclers write dates to the second; two files that follow within it are no overlap."""
    quick = full_cell | {"test_time": full_cell["test_time"] / 100.0}
    parts = in_three(quick, 131, 555)  # 47.16 and 47.52 s after the start
    parts = [ds.assign_coords(time=ds["time"].astype("datetime64[s]").astype("datetime64[ns]")) for ds in parts]
    joined = cycling.splice(parts)
    assert joined.sizes["record"] == quick["current"].size
    assert bool((joined["test_time"].diff("record") > 0).all())


def test_records_in_two_files_count_once(full_cell):
    """A test exported again while it ran on holds the beginning a second time."""
    early, late = part(full_cell, slice(0, 300), "a.mpr"), part(full_cell, slice(200, None), "b.mpr")
    joined = cycling.splice([late, early])
    assert joined.sizes["record"] == full_cell["current"].size
    assert "100 records of b.mpr are in a.mpr as well; they count once." in [f.message for f in findings(joined.attrs)]
    again = cycling.splice([early, early.assign_attrs(source_file="copy.mpr"), late])
    assert again.sizes["record"] == full_cell["current"].size
    whole = cycling.summarise(schema.build("cycling", full_cell), cell_type="full")
    np.testing.assert_allclose(cycling.summarise(again, cell_type="full")["capacity"], whole["capacity"], rtol=1e-9)


def test_a_file_given_twice_counts_once(full_cell):
    """Without a clock its bytes still say that it is the same file."""
    parts = in_three(full_cell, 130, 555, clock=False)
    joined = cycling.splice([*parts, parts[1].assign_attrs(source_file="copy of b.mpr")])
    assert joined.sizes["record"] == full_cell["current"].size
    assert joined.attrs["source_files"][3] == "copy of b.mpr"
    assert "duplicate-records" in codes(joined)


def test_files_that_contradict_each_other_are_refused(full_cell):
    """Two channels joined by mistake would give twice the charge."""
    one, other = part(full_cell, slice(0, 300), "a.mpr"), part(full_cell, slice(200, None), "b.mpr")
    with pytest.raises(NotAnalysable, match=r"a\.mpr and b\.mpr both hold records from 2026-03-02T10:00:36 to"):
        cycling.splice([one, other.assign(voltage=other["voltage"] + 0.1)])


def test_counters_stay_as_the_files_have_them(full_cell):
    """A sum over files would invent a count that no cycler made."""
    parts = in_three(full_cell, 130, 555)
    counted = [ds.assign_coords(vendor_step=("record", np.arange(ds.sizes["record"]), {"units": "1"})) for ds in parts]
    joined = cycling.splice(counted)
    own = np.concatenate([ds["vendor_step"] for ds in counted])
    np.testing.assert_array_equal(joined["vendor_step"], own)
    np.testing.assert_array_equal(joined["vendor_cycle"], 1)
    assert int(cycling.segment(joined)["cycle"].max()) == 4


def test_a_counter_in_one_file_only_counts_there(full_cell):
    """A binary file with the counted charge and a text file without it join to the same capacities."""
    passed = np.cumsum(full_cell["current"] * np.diff(full_cell["test_time"], prepend=0.0) / 3600.0)
    parts = in_three(full_cell | {"charge": passed}, 130, 555)
    summary = cycling.summarise(cycling.splice([parts[0], parts[1].drop_vars("charge"), parts[2]]), cell_type="full")
    whole = cycling.summarise(schema.build("cycling", full_cell), cell_type="full")
    # A counter ends a step with its last record, the integral half an interval later: 1 in 400 of two hours.
    np.testing.assert_allclose(summary["capacity"], whole["capacity"], rtol=0.0026)
    assert summary["complete"].all()


def test_a_gap_before_a_file_without_counter_takes_nothing_from_it(full_cell):
    """The first record of such a file holds charge of its own, half an interval, beside what the gap hides."""
    passed = np.cumsum(full_cell["current"] * np.diff(full_cell["test_time"], prepend=0.0) / 3600.0)
    parts = in_three(full_cell | {"charge": passed}, 130, 555, clock=False)
    joined = cycling.splice([parts[0], parts[1].drop_vars("charge"), parts[2].drop_vars("charge")])
    plain = cycling.splice([ds.drop_vars("charge") for ds in parts])
    mixed, integrated = (cycling.summarise(ds, cell_type="full")["capacity"] for ds in (joined, plain))
    np.testing.assert_allclose(mixed[1:], integrated[1:], rtol=1e-12)


def test_what_only_one_file_has_is_missing_in_the_others(full_cell):
    """A thermocouple that was plugged in later must not warm the records before."""
    parts = in_three(full_cell, 130, 555)
    warm = parts[1].assign(temperature=("record", np.full(425, 25.0), {"units": "degC"}))
    joined = cycling.splice([parts[0], warm, parts[2]])
    assert np.isnan(joined["temperature"][:130]).all()
    assert (joined["temperature"][130:555] == 25.0).all()


def test_settings_that_differ_are_said_and_left_out(full_cell):
    """Files of two cells with two masses must not get the mass of one."""
    parts = in_three(full_cell, 130, 555)
    parts = [ds.assign_attrs(active_mass=mass, instrument="VMP-3") for ds, mass in zip(parts, (3, 3, 4), strict=True)]
    joined = cycling.splice(parts)
    assert "active_mass" not in joined.attrs
    assert joined.attrs["instrument"] == "VMP-3"
    assert "settings-differ" in codes(joined)


def test_what_cannot_be_joined_is_refused(full_cell):
    """An empty list, a spectrum, a spliced record and an order against the clock are mistakes of the caller."""
    parts = in_three(full_cell, 130, 555)
    with pytest.raises(ValueError, match="no dataset"):
        cycling.splice([])
    with pytest.raises(ValueError, match="spliced already"):
        cycling.splice([cycling.splice(parts[:2]), parts[2]])
    with pytest.raises(NotAnalysable, match="technique"):
        cycling.splice([schema.build("eis", {"frequency": [1.0], "impedance": [1j]})])
    unknown = part(full_cell, slice(130, 555), "b.mpr", clock=False)
    with pytest.raises(ValueError, match=r"a\.mpr began before c\.mpr"):
        cycling.splice([parts[2], unknown, parts[0]])


def test_three_files_of_one_modulo_bat_protocol(corpus):
    """BT-Lab writes a file for each technique; its time counts from the start of the protocol through all of them.

    Times of the first rows of the files: 0, 225288.768 and 255875.877 s. Charges, from their last (Q-Qo): -32.37135,
    161.90983 and 16.27847 mA h.
    """
    files = [il.read(corpus / f"cycling/PyProBE/Sample_data_biologic_0{n}_MB_CA1.txt") for n in (3, 1, 2)]
    joined = cycling.splice(files)
    time = joined["test_time"].values
    begins = np.concatenate([[0], np.flatnonzero(np.diff(joined["file_id"])) + 1])
    np.testing.assert_allclose(time[begins], [0.0, 225288.768, 255875.877], atol=1e-3)
    assert [str(name)[21:23] for name in joined.attrs["source_files"]] == ["01", "02", "03"]
    summary = cycling.summarise(joined, cell_type="full")
    np.testing.assert_allclose(summary["capacity"], [32.37135e-3, 178.18830e-3], rtol=1e-6)
    # 8 h without a file lie between the two charges.
    assert str(summary["reason"][1].values) == "it holds a gap in time"
    assert len(json.loads(joined.attrs["original_metadata"])) == 3
