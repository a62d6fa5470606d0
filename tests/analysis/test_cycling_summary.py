"""Half cycles, capacities and efficiencies: records with known charge, and real files against their cycler."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity, cycling
from interlayer.analysis.cycling.record.ends import ENDED_BY
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import read, schema
from interlayer.parsers.findings import findings


def record(*steps: tuple[float, float], points: int = 50, start: float = 0.0) -> xr.Dataset:
    """Return a record of (current in A, hours) steps, logged at both ends of each step.

    The voltage runs from 3.0 to 4.2 V on charge and back on discharge, and stays in rests.
    """
    time, current, voltage, now, level = [], [], [], start, 3.0
    for ampere, hours in steps:
        elapsed = np.linspace(0.0, 3600.0 * hours, points)
        end = {1: 4.2, -1: 3.0, 0: level}[int(np.sign(ampere))]
        time.append(now + elapsed + 1e-6)
        current.append(np.full(points, ampere))
        voltage.append(np.linspace(level, end, points))
        now, level = now + elapsed[-1] + 2e-6, end
    values = {"test_time": time, "current": current, "voltage": voltage}
    return schema.build("cycling", {name: np.concatenate(parts) for name, parts in values.items()})


def ampere_hours(summary: xr.Dataset) -> list[float]:
    return [float(value) for value in summary["capacity"].values]


def test_capacities_of_a_full_cell():
    """Charge, discharge and efficiency of constant currents are current times time, exactly."""
    ds = record((1e-3, 5.0), (0.0, 0.5), (-1e-3, 4.9), (0.0, 0.5), (1e-3, 4.8), (-1e-3, 4.7), (0.0, 0.1))
    summary = cycling.summarise(ds, cell_type="full")
    schema.check(summary)
    np.testing.assert_allclose(summary["capacity_charge"].values, [5.0e-3, 4.8e-3], rtol=1e-6)
    np.testing.assert_allclose(summary["capacity_discharge"].values, [4.9e-3, 4.7e-3], rtol=1e-6)
    np.testing.assert_allclose(summary["coulombic_efficiency"].values, [4.9 / 5.0, 4.7 / 4.8], rtol=1e-6)
    np.testing.assert_allclose(summary["voltage_mean"].values, 3.6, rtol=1e-6)
    assert summary["complete"].values.all()


def test_a_full_cell_that_starts_with_a_discharge():
    """An index shift pairs each discharge with the next charge: navani's tests freeze a mean efficiency of 1.70."""
    ds = record((-1e-3, 2.0), (1e-3, 5.0), (-1e-3, 4.9), (1e-3, 4.8), (-1e-3, 4.7), (0.0, 0.1))
    summary = cycling.summarise(ds, cell_type="full")
    assert summary["cycle"].values.tolist() == [1, 2]
    np.testing.assert_allclose(summary["coulombic_efficiency"].values, [4.9 / 5.0, 4.7 / 4.8], rtol=1e-6)
    assert summary["complete"].values.tolist() == [False, True, True, True, True]
    assert any("half cycle 1 is left out" in note for note in summary.attrs["notes"])


def test_the_efficiency_of_an_anode_is_not_turned_upside_down():
    """An anode stores on discharge; cellpy's default turns this ratio over without a word."""
    ds = record((-1e-3, 5.0), (1e-3, 4.5), (-1e-3, 4.6), (1e-3, 4.5), (0.0, 0.1))
    anode = cycling.summarise(ds, cell_type="anode_half")
    np.testing.assert_allclose(anode["coulombic_efficiency"].values, [4.5 / 5.0, 4.5 / 4.6], rtol=1e-6)
    cathode = cycling.summarise(ds, cell_type="cathode_half")
    np.testing.assert_allclose(cathode["coulombic_efficiency"].values, [4.6 / 4.5], rtol=1e-6)
    assert "coulombic_efficiency" not in cycling.summarise(ds, cell_type="symmetric")
    with pytest.raises(ValueError, match="anode_half"):
        cycling.summarise(ds, cell_type="anode")


def test_a_first_charge_that_stores_less_than_it_returns_is_partial():
    """A cell built half charged (190 of 1073 mAh in battery-data-toolkit's Arbin file) has no efficiency of 5.6."""
    ds = record((1e-3, 1.0), (-1e-3, 4.9), (1e-3, 4.9), (-1e-3, 4.8), (0.0, 0.1))
    efficiency = cycling.summarise(ds, cell_type="full")["coulombic_efficiency"].values
    assert np.isnan(efficiency[0])
    assert efficiency[1] == pytest.approx(4.8 / 4.9, rel=1e-6)


def test_pulses_do_not_split_a_half_cycle():
    """Reversals of some seconds (resistance pulses, dips) belong to the half cycle; its charge is net."""
    pulse = ((1e-3, 0.01), (-1e-3, 0.01), (1e-3, 0.01))
    ds = record((1e-3, 5.0), (-1e-3, 2.0), *pulse, (-1e-3, 2.9), (0.0, 1.0), (1e-3, 4.8), (0.0, 0.1))
    expected = [5.0e-3, (2.0 + 2.9 + 0.01 - 0.02) * 1e-3, 4.8e-3]
    np.testing.assert_allclose(ampere_hours(cycling.summarise(ds, cell_type="full")), expected, rtol=1e-6)


def test_pulses_at_a_reversal_go_with_their_own_direction():
    """A dip right at the turn must not open a half cycle of its own."""
    ds = record((1e-3, 5.0), (-1e-3, 0.01), (1e-3, 0.03), (-1e-3, 4.9), (1e-3, 4.8), (0.0, 0.1))
    expected = [5.02e-3, 4.9e-3, 4.8e-3]
    np.testing.assert_allclose(ampere_hours(cycling.summarise(ds, cell_type="full")), expected, rtol=1e-6)


def test_titration_pulses_across_rests_are_one_half_cycle():
    """A GITT charge of twenty pulses is one charge, not twenty."""
    ds = record(*[(1e-3, 0.25), (0.0, 1.0)] * 20, *[(-1e-3, 0.25), (0.0, 1.0)] * 19, points=10)
    np.testing.assert_allclose(ampere_hours(cycling.summarise(ds, cell_type="full")), [5e-3, 4.75e-3], rtol=1e-6)


def test_a_dying_cell_keeps_its_last_half_cycles():
    """Half cycles of a dead cell are tiny but real; taking them for pulses would hide its death."""
    dead = [(1e-3, 0.02), (-1e-3, 0.02)] * 4
    ds = record((1e-3, 5.0), (-1e-3, 4.9), *dead, (0.0, 0.1), points=10)
    summary = cycling.summarise(ds, cell_type="full")
    assert summary.sizes["half_cycle"] == 10
    assert summary["complete"].values.all()


@pytest.mark.parametrize("rest", [(), ((0.0, 0.5),)])
def test_a_half_cycle_cut_off_at_the_end_is_not_complete(rest):
    """A stopped test must not look like a sudden loss of capacity, even when a rest was recorded after the stop."""
    ds = record(*[(1e-3, 5.0), (-1e-3, 4.9)] * 3, (1e-3, 5.0), (-1e-3, 1.5), *rest)
    cut = ds.assign(voltage=ds["voltage"].where(ds["test_time"] < 3600 * 34.7, 3.9))
    summary = cycling.summarise(cut, cell_type="full")
    assert summary["complete"].values.tolist() == [True] * 7 + [False]
    assert np.isnan(summary["coulombic_efficiency"].values[-1])


def test_nothing_is_integrated_across_a_gap():
    """Two files joined while current flows: battdat integrates the gap and the capacity explodes."""
    first, second = record((1e-3, 5.0), (-1e-3, 2.0)), record((-1e-3, 2.9), (1e-3, 5.0), (0.0, 0.1), start=80_000.0)
    ds = xr.concat([first, second], "record")
    summary = cycling.summarise(ds, cell_type="full")
    step = 1e-3 * 2.0 / 49  # what an end of a step may cost
    assert ampere_hours(summary)[1] == pytest.approx(4.9e-3, abs=step)
    assert summary["complete"].values.tolist() == [True, False, True]
    assert any("gap in time" in note for note in summary.attrs["notes"])
    assert [finding.code for finding in findings(cycling.segment(ds).attrs)] == ["time-gap"]


def test_a_clock_that_starts_again_is_a_gap():
    """A continued file whose time begins at 0 again must not give negative charge."""
    ds = xr.concat([record((1e-3, 5.0), (-1e-3, 2.0)), record((-1e-3, 2.9), (1e-3, 5.0), (0.0, 0.1))], "record")
    summary = cycling.summarise(ds, cell_type="full")
    assert ampere_hours(summary)[1] == pytest.approx(4.9e-3, abs=1e-3 * 2.9 / 49)
    assert not summary["complete"].values[1]


def test_a_charge_counter_is_believed_until_it_jumps():
    """Counters of vendors reset; a reset is no charge. Without current its increments give the current as well."""
    ds = record((1e-3, 5.0), (-1e-3, 4.9), (1e-3, 4.8), (-1e-3, 4.7), (0.0, 0.1))
    interval = np.diff(ds["test_time"].values, prepend=0.0)
    counter = np.cumsum(ds["current"].values * interval / 3600.0)
    expected = [5.0e-3, 4.9e-3, 4.8e-3, 4.7e-3]
    without = ds.drop_vars("current").assign(charge=("record", counter, {"units": "A h", "long_name": "charge"}))
    np.testing.assert_allclose(ampere_hours(cycling.summarise(without, cell_type="full")), expected, rtol=1e-6)
    counter[125:] -= 7.0
    reset = ds.assign(charge=("record", counter, {"units": "A h", "long_name": "charge"}))
    np.testing.assert_allclose(ampere_hours(cycling.summarise(reset, cell_type="full")), expected, rtol=1e-6)


def test_zero_is_told_by_the_resolution_of_the_current():
    """A 200 uA cell on a cycler with steps of 0.1 mA (Landt): 0.1 mA is current, 0 is rest."""
    ds = record((2e-4, 5.0), (0.0, 0.5), (-1e-4, 9.8), (0.0, 0.5))
    segmented = cycling.segment(ds)
    rest = segmented["step_type"].values == schema.STEP_TYPES.index("rest")
    assert rest.sum() == 100
    assert segmented["half_cycle"].values[[0, 60, 110, -1]].tolist() == [1, 1, 2, 2]
    noisy = ds.assign(current=ds["current"] + 5e-8 * np.random.default_rng(1).standard_normal(ds.sizes["record"]))
    assert cycling.summarise(noisy, cell_type="full").sizes["half_cycle"] == 2


def test_a_coarse_current_is_less_certain():
    """A current that flickers between two digits is known to no better than the digit, whatever its average says."""
    ds = record((1.05e-3, 5.0), (-1.05e-3, 4.9), (0.0, 0.1), points=200)
    flicker = np.where(np.random.default_rng(2).random(ds.sizes["record"]) < 0.5, 1.0e-3, 1.1e-3)
    coarse = cycling.summarise(ds.assign(current=np.sign(ds["current"]) * flicker), cell_type="full")
    fine = cycling.summarise(ds, cell_type="full")
    assert fine["capacity_stderr"].values[0] / 5.25e-3 == pytest.approx(np.linalg.norm([6e-4, 3e-4, 1e-4]), rel=1e-3)
    assert coarse["capacity_stderr"].values[0] == pytest.approx(1e-4 / np.sqrt(12) * 5.0, rel=0.05)


def test_missing_currents_are_no_zeros():
    """The first row of a GCPL file has no current; it must neither open a rest nor lose the half cycle."""
    ds = record((1e-3, 5.0), (-1e-3, 4.9), (0.0, 0.1))
    values = ds["current"].values.copy()
    values[[0, 70]] = np.nan
    summary = cycling.summarise(ds.assign(current=("record", values, ds["current"].attrs)), cell_type="full")
    np.testing.assert_allclose(ampere_hours(summary), [5.0e-3, 4.9e-3], rtol=1e-6)


def test_what_cannot_be_segmented_says_so():
    """Neither a record at rest nor one without current has a capacity of 0."""
    with pytest.raises(NotAnalysable, match="no current flows"):
        cycling.summarise(record((0.0, 5.0)), cell_type="full")
    with pytest.raises(NotAnalysable, match="neither current nor charge"):
        cycling.segment(record((1e-3, 5.0)).drop_vars("current"))


def test_segmentation_keeps_the_cyclers_counters():
    """Steps, half cycles and cycles are ours and stand beside the vendor's, which every vendor counts differently."""
    ds = record((0.0, 0.1), (1e-3, 5.0), (0.0, 0.5), (-1e-3, 4.9), (1e-3, 4.8))
    ds = ds.assign_coords(vendor_cycle=("record", np.zeros(250, int), {"units": "1", "long_name": "cycle"}))
    segmented = cycling.segment(ds)
    middle = segmented.isel(record=[25, 75, 125, 175, 225])
    assert middle["step"].values.tolist() == [1, 2, 3, 4, 5]
    assert middle["half_cycle"].values.tolist() == [0, 1, 1, 2, 3]
    assert middle["cycle"].values.tolist() == [0, 1, 1, 1, 2]
    assert (segmented["vendor_cycle"].values == 0).all()


@pytest.mark.parametrize(
    "name",
    ["gcpl.mpr", "gcpl.issue_149.mpr", "gcpl.issue_175.mpr", "gcpl.issue_211.mpr", "gcpl.issue_230.mpr", "mb.mpr"],
)
def test_half_cycles_of_real_files_are_those_of_their_cycler(corpus, name):
    """On plain galvanostatic files EC-Lab's count of half cycles is right, and ours from the current must equal it."""
    ds = read(corpus / f"cycling/yadg/{name}", group="cycling" if name == "mb.mpr" else None)
    ours = cycling.segment(ds)["half_cycle"].values
    _, theirs = np.unique(ds["vendor_half_cycle"].values, return_inverse=True)
    # Rows at the turn may be counted to either side.
    assert np.count_nonzero(ours[ours > 0] - 1 != theirs[ours > 0]) <= 2 * (theirs.max() + 1)
    assert ours.max() == theirs.max() + 1


def test_capacities_of_a_real_file_are_those_of_its_cycler(corpus):
    """EC-Lab's own capacity at the end of each half cycle is an independent integration of the same current."""
    ds = read(corpus / "cycling/yadg/gcpl.issue_175.mpr")
    half = ds["vendor_half_cycle"].values
    theirs = np.maximum(ds["vendor_capacity_charge"].values, ds["vendor_capacity_discharge"].values)
    largest = [theirs[half == number].max() for number in np.unique(half)]
    np.testing.assert_allclose(ampere_hours(cycling.summarise(ds, cell_type="full")), largest, rtol=2e-3)


def ended_by(summary: xr.Dataset) -> list[str]:
    return [ENDED_BY[place] for place in summary["ended_by"].values]


def test_energy_efficiency_and_hysteresis_with_their_uncertainties():
    """Half of the energy loss is the voltage: with 0.1 V between charge and discharge it is 0.1 / 3.65 of the energy.

    Offsets that are stated: 0.3 uA on 1 mA counts twice in the ratio, 0.1 V moves both voltages alike.
    """
    ds = record((1e-3, 5.0), (-1e-3, 4.9), (1e-3, 4.8), (-1e-3, 4.7), (0.0, 0.1))
    ds = ds.assign(voltage=ds["voltage"] + xr.where(ds["current"] < 0, -0.1, 0.0))
    accuracy = cycling.Accuracy(
        current_gain=1e-2, current_offset=Quantity("current_offset", 0.0, 3e-7, "A"),
        voltage_gain=1e-2, voltage_offset=Quantity("voltage_offset", 0.0, 0.1, "V"),
    )  # fmt: skip
    summary = cycling.summarise(ds, cell_type="full", accuracy=accuracy)
    np.testing.assert_allclose(summary["energy"].values[:2], [5e-3 * 3.6, 4.9e-3 * 3.5], rtol=1e-6)
    np.testing.assert_allclose(
        summary["energy_efficiency"].values, [4.9 * 3.5 / 5 / 3.6, 4.7 * 3.5 / 4.8 / 3.6], rtol=1e-6
    )
    relative = summary["energy_efficiency_stderr"].values / summary["energy_efficiency"].values
    offset = 0.1 * (1 / 3.5 - 1 / 3.6)
    np.testing.assert_allclose(relative, np.linalg.norm([6e-4, offset, 1e-4 * np.sqrt(2.0)]), rtol=1e-3)
    np.testing.assert_allclose(summary["voltage_mean_charge"].values, 3.6, rtol=1e-6)
    np.testing.assert_allclose(summary["voltage_mean_discharge"].values, 3.5, rtol=1e-6)
    np.testing.assert_allclose(summary["voltage_hysteresis"].values, 0.1, rtol=1e-5)
    np.testing.assert_allclose(summary["voltage_hysteresis_stderr"].values, 1e-3, rtol=0.01)
    np.testing.assert_allclose(summary["voltage_mean_charge_stderr"].values, np.hypot(3.6e-2, 0.1), rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("cellpy/20160805_test001_45_cc_01.res", None),
        ("NewareNDA/TESTCELL0001-B2-2025-M50T_NewareNDA_Investigation.ndax", None),
        ("battery-data-toolkit/arbin_example.csv", None),
    ],
)
def test_energies_of_real_files_are_those_of_their_cyclers(corpus, name, group):
    """The cycler integrates current times voltage on its own, faster than it logs: an independent energy."""
    ds = read(corpus / f"cycling/{name}", group=group)
    summary, half = cycling.summarise(ds, cell_type="full"), cycling.segment(ds)["half_cycle"].values
    for place, direction in enumerate(summary["direction"].values):
        counter = ds[f"vendor_energy_{'charge' if direction > 0 else 'discharge'}"].values[half == place + 1]
        steps = np.diff(counter)
        theirs = steps[steps > 0].sum() + (counter[0] if counter[0] < 0.05 * counter.max() else 0.0)
        assert summary["energy"].values[place] == pytest.approx(theirs, rel=6e-4)


def test_a_count_of_charge_is_weighed_with_the_voltage_of_its_interval():
    """EC-Lab counts charge up to each record; weighing it with the voltage there shifts charge and discharge apart."""
    ds = record((1e-3, 5.0), (-1e-3, 4.9), (0.0, 0.1), points=21)
    counter = np.concatenate([[0.0], np.cumsum(np.diff(ds["test_time"].values) * ds["current"].values[1:] / 3600.0)])
    counted = ds.assign(charge=("record", counter, {"units": "A h", "long_name": "charge"}))
    summary = cycling.summarise(counted, cell_type="full")
    np.testing.assert_allclose(summary["voltage_mean"].values, 3.6, rtol=1e-5)


def with_holds(*, cycles: int = 4, share: float = 0.2) -> xr.Dataset:
    """Return a record that charges to 4.2 V and holds it there until 0.1 mA are left, with that part of the charge."""
    tau = share / (1.0 - share) / 0.9 * 5.0 * 3600.0  # s: the hold passes tau (1 - 0.1) mA s after 5 h at 1 mA
    time, current, voltage, now = [], [], [], 0.0
    for number in range(cycles):
        elapsed = np.linspace(0.0, 5.0 * 3600.0, 200)
        held = np.linspace(0.0, tau * np.log(10.0), 400)[1:]
        back = np.linspace(0.0, (5.0 * 3600.0 + 0.9 * tau) * (1.0 - 1e-4 * number), 300)
        time += [now + elapsed, now + elapsed[-1] + held, now + elapsed[-1] + held[-1] + 1e-3 + back]
        current += [np.full(200, 1e-3), 1e-3 * np.exp(-held / tau), np.full(300, -1e-3)]
        voltage += [np.linspace(3.0, 4.2, 200), np.full(399, 4.2), np.linspace(4.1, 3.0, 300)]
        now = time[-1][-1] + 1e-3
    values = {"test_time": time, "current": current, "voltage": voltage}
    return schema.build("cycling", {name: np.concatenate(parts) for name, parts in values.items()})


def test_the_charge_of_a_hold_is_told_apart():
    """A charge of 80 % at constant current and 20 % at constant voltage: fast charge is judged by the first."""
    noise = np.random.default_rng(3)
    ds = with_holds()
    ds = ds.assign(voltage=ds["voltage"] + 3e-4 * noise.standard_normal(ds.sizes["record"]))
    summary = cycling.summarise(ds, cell_type="full")
    np.testing.assert_allclose(summary["hold_share"].values, [0.2, 0.0] * 4, atol=3e-3)
    np.testing.assert_allclose(
        summary["capacity_without_hold"].values, summary["capacity"].values * (1.0 - summary["hold_share"].values)
    )
    assert ended_by(summary) == ["hold", "voltage"] * 4
    np.testing.assert_allclose(summary["current"].values, 1e-3, rtol=1e-6)
    assert summary["complete"].values.all()


@pytest.mark.parametrize("digit", [1e-4, 0.0], ids=["digits", "noise"])
def test_a_flickering_current_on_a_plateau_is_no_hold(digit):
    """Graphite stores at 85 mV for hours; a current that flickers there must not be taken for a hold that ends."""
    random = np.random.default_rng(5)
    ds = record(*[(-2e-4, 5.0), (2e-4, 5.0)] * 3, (0.0, 0.1), points=400)
    flat = xr.where(ds["current"] < 0, 0.085 + 1e-4 * random.standard_normal(ds.sizes["record"]), ds["voltage"] - 2.0)
    flicker = digit * (random.random(ds.sizes["record"]) < 0.3) + (2e-5 if not digit else 0.0) * random.standard_normal(
        ds.sizes["record"]
    )
    noisy = ds.assign(voltage=flat, current=ds["current"] * (1.0 + flicker / 2e-4))
    assert (cycling.summarise(noisy, cell_type="anode_half")["hold_share"].values == 0.0).all()


def test_a_hold_that_the_record_cuts_off_is_not_complete():
    """A charge that still draws half of its current has not ended."""
    ds = with_holds()
    last = int(np.flatnonzero((ds["current"].values > 0) & (ds["voltage"].values > 4.19))[-1])
    summary = cycling.summarise(ds.isel(record=slice(None, last - 250)), cell_type="full")
    assert ended_by(summary)[-1] == "interruption"
    assert summary["complete"].values.tolist() == [True] * 6 + [False]


def test_a_hold_that_the_cycler_states_is_believed(corpus):
    """With three electrodes EC-Lab holds a voltage that drifts in the record; its mode says that it is a hold."""
    ds = read(corpus / "cycling/yadg/gcpl.pr_182.1.mpr")
    summary, half = cycling.summarise(ds, cell_type="anode_half"), cycling.segment(ds)["half_cycle"].values
    held = ds["step_type"].values == schema.STEP_TYPES.index("constant_voltage")
    charge = np.diff(ds["charge"].values, prepend=0.0)
    for place in (0, 2, 4, 6):
        ours = summary["hold_share"].values[place] * summary["capacity"].values[place]
        assert ours == pytest.approx(abs(charge[held & (half == place + 1)].sum()), rel=0.02)


def test_ends_are_named_for_what_half_cycles_share():
    """A limit of voltage, of time, and a stop by hand: what is compared must have ended alike."""
    by_voltage = record(
        *[(1e-3, 5.0 - 0.05 * n) if n % 2 == 0 else (-1e-3, 4.98 - 0.05 * n) for n in range(8)], (0.0, 0.1)
    )
    assert ended_by(cycling.summarise(by_voltage, cell_type="full")) == ["voltage"] * 8
    by_time = record(*[(1e-3, 5.0), (-1e-3, 5.0)] * 4, (0.0, 0.1))
    drift = 0.02 * np.searchsorted(np.cumsum([5.0 * 3600.0] * 8), by_time["test_time"].values)
    by_time = by_time.assign(voltage=by_time["voltage"] * (0.05 + drift))
    assert ended_by(cycling.summarise(by_time, cell_type="symmetric")) == ["time_or_charge"] * 8


def test_a_half_cycle_that_somebody_stopped_is_left_out_with_its_reason():
    """A channel that was stopped and started again in the middle must not be the worst cycle of the test."""
    ds = record(*[(1e-3, 5.0), (-1e-3, 4.9)] * 6, (0.0, 0.1))
    cut = ds.drop_isel(record=np.arange(270, 300))  # the last 30 of 50 records of the third discharge
    summary = cycling.summarise(cut, cell_type="full")
    assert ended_by(summary)[5] == "interruption"
    assert summary["reason"].values[5] == "it ended before the limit of the others"
    assert summary["complete"].values.sum() == 11
    assert np.isnan(summary["coulombic_efficiency"].values[2])


def test_rates_and_current_densities_need_their_facts():
    """1 mA on 5 mA h is C/5 and on 2 cm2 0.5 mA cm-2; without capacity and area there is neither."""
    ds = record((1e-3, 5.0), (-2e-3, 2.4), (0.0, 0.1))
    plain = cycling.summarise(ds, cell_type="full")
    assert "c_rate" not in plain
    assert "current_density" not in plain
    facts = {"reference_capacity": Quantity("nominal", 5.0, None, "mA h"), "area": Quantity("area", 2.0, 0.02, "cm2")}
    summary = cycling.summarise(ds, cell_type="full", **facts)
    schema.check(summary)
    np.testing.assert_allclose(summary["c_rate"].values, [0.2, 0.4], rtol=1e-9)
    np.testing.assert_allclose(summary["current_density"].values, [5e-4, 1e-3], rtol=1e-9)
    relative = summary["current_density_stderr"].values / summary["current_density"].values
    np.testing.assert_allclose(relative[1], np.linalg.norm([0.01, 6e-4, 3e-4]), rtol=1e-3)


def test_the_current_of_pulses_and_holds_is_that_which_passes_the_charge():
    """A titration at 0.1 mA rests most of the time; its current is 0.1 mA and not the mean of 0.02 mA."""
    ds = record(*[(1e-4, 0.25), (0.0, 1.0)] * 20, *[(-1e-4, 0.25), (0.0, 1.0)] * 19, points=10)
    np.testing.assert_allclose(cycling.summarise(ds, cell_type="full")["current"].values, 1e-4, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "group", "cell_type", "ends"),
    [
        ("yadg/gcpl.mpr", None, "symmetric", ["time_or_charge"] * 32),  # +-11 uA for 12 h
        ("yadg/mb.mpr", "cycling", "symmetric", ["time_or_charge"] * 8),
        ("yadg/gcpl.issue_175.mpr", None, "anode_half", ["voltage"] * 10),  # 2.0 to 4.2 V
        ("yadg/gcpl.issue_230.mpr", None, "full", ["hold", "voltage", "hold", "voltage", "hold"]),
        (  # constant current and voltage to 4.2 V, constant current to 2.5 V
            "NewareNDA/TESTCELL0001-B2-2025-M50T_NewareNDA_Investigation.ndax",
            None,
            "full",
            ["voltage", *["hold", "voltage"] * 7],
        ),
    ],
)
def test_real_half_cycles_end_as_their_protocol_says(corpus, name, group, cell_type, ends):
    """Protocols of the corpus, known from their settings: what ended a half cycle must come out of the record."""
    assert ended_by(cycling.summarise(read(corpus / f"cycling/{name}", group=group), cell_type=cell_type)) == ends
