"""Steps, their kinds, half cycles and cycles: what the cycler says stands, what it does not say the course tells."""

from __future__ import annotations

import numpy as np
import pytest

import interlayer as il
from interlayer.analysis import cycling
from interlayer.parsers import schema

KIND = {name: place for place, name in enumerate(schema.STEP_TYPES)}


def runs(ds):
    """Return the kind, first and last row of every step of a segmented record."""
    first = np.flatnonzero(np.diff(ds["step"], prepend=0))
    stop = np.append(first[1:], ds.sizes["record"])
    kinds = ds["step_type"].values
    return [(schema.STEP_TYPES[kinds[a]], int(a), int(b) - 1) for a, b in zip(first, stop, strict=True)]


def joined(*parts):
    """Return steps one after the other, each as voltage and current, a record a minute."""
    voltage, current = (np.concatenate(values) for values in zip(*parts, strict=True))
    return {"test_time": 60.0 * np.arange(1, voltage.size + 1), "voltage": voltage, "current": current}


def constant_current_then_voltage(level=1e-3, limit=4.2, points=120, hold=60):
    """Return the charge of a cell: the voltage rises to its limit, then the current decays with 20 min."""
    decay = level * np.exp(-np.arange(1, hold + 1) / 20.0)
    voltage = np.concatenate([np.linspace(3.0, limit, points), np.full(hold, limit)])
    return voltage, np.concatenate([np.full(points, level), decay])


def rest(points=30, voltage=4.1):
    return np.full(points, voltage), np.zeros(points)


def test_a_charge_that_ends_in_a_hold_is_two_steps_of_one_half_cycle():
    """Maccor says C, Basytec says charge for both; the capacity before the hold is what rate tests compare."""
    columns = joined(rest(voltage=3.0), constant_current_then_voltage(), rest())
    unknown = {"step_type": np.where(columns["current"] == 0, KIND["rest"], KIND["unknown"]).astype(np.int8)}
    segmented = cycling.segment(schema.build("cycling", columns | unknown))
    kinds = [kind for kind, _, _ in runs(segmented)]
    assert kinds == ["rest", "constant_current_charge", "constant_voltage", "rest"]
    # The current leaves its set point with the first record of the hold, number 151 of the record.
    assert abs(runs(segmented)[2][1] - 150) <= 1
    assert segmented["half_cycle"].values[[29, 30, 150, 209, 239]].tolist() == [0, 1, 1, 1, 1]


@pytest.mark.parametrize("said", ["rest", "constant_voltage", "pulse", "impedance", "constant_power"])
def test_what_the_cycler_says_stands(said):
    """A cycler knows what it did; a held voltage of one record looks like any other record."""
    columns = joined(constant_current_then_voltage(), rest(), constant_current_then_voltage(-1e-3, 3.0))
    stated = np.zeros(columns["current"].size, dtype=np.int8)
    stated[50:60] = KIND[said]
    segmented = cycling.segment(schema.build("cycling", columns | {"step_type": stated}))
    assert (segmented["step_type"][50:60] == KIND[said]).all()
    assert (segmented["step_type"][:50] == KIND["constant_current_charge"]).all()
    assert int(segmented["half_cycle"].max()) == 2


def test_pulses_are_named_and_split_no_half_cycle():
    """Pulses of 10 s for a resistance, in either direction, are no charge and no discharge of the cell."""
    up, down = (np.full(1, 3.75), np.full(1, 1e-3)), (np.full(1, 3.65), np.full(1, -1e-3))
    charge = (np.linspace(3.0, 4.2, 200), np.full(200, 1e-3))
    discharge = (np.linspace(4.1, 3.0, 200), np.full(200, -1e-3))
    columns = joined(charge, rest(), up, rest(), down, rest(), discharge, rest())
    segmented = cycling.segment(schema.build("cycling", columns))
    kinds = [kind for kind, _, _ in runs(segmented) if kind != "rest"]
    assert kinds == ["constant_current_charge", "pulse", "pulse", "constant_current_discharge"]
    assert int(segmented["half_cycle"].max()) == 2


def test_constant_power_is_neither_constant_current_nor_unknown():
    """Electric vehicles' cells are discharged at constant power: the current grows while the voltage falls."""
    voltage = np.linspace(4.2, 3.0, 100)
    columns = joined(rest(), (voltage, -4e-3 / voltage), rest(voltage=3.1))
    segmented = cycling.segment(schema.build("cycling", columns))
    assert [kind for kind, _, _ in runs(segmented)] == ["rest", "constant_power", "rest"]


def test_a_held_voltage_is_one_whichever_way_the_current_goes():
    """A symmetric cell that is held at 10 mV draws more while a dendrite grows; it is a hold as well."""
    held = (np.full(100, 0.010), 1e-5 * np.exp(np.arange(100) / 40.0))
    kinds = [kind for kind, _, _ in runs(cycling.segment(schema.build("cycling", joined(rest(voltage=0.0), held))))]
    assert kinds == ["rest", "constant_voltage"]


def test_interleaved_spectra_do_not_split_a_half_cycle():
    """EC-Lab's Modulo Bat measures a spectrum every tenth of a charge; its alternating current is no charge."""
    charge = (np.linspace(3.0, 4.2, 100), np.full(100, 1e-3))
    swept = (np.full(15, 3.6), 2e-3 * (-1.0) ** np.arange(15))
    discharge = (np.linspace(4.1, 3.0, 300), np.full(300, -1e-3))
    columns = joined(charge, swept, charge, swept, charge, rest(), discharge)
    stated = np.zeros(columns["current"].size, dtype=np.int8)
    stated[100:115] = stated[215:230] = KIND["impedance"]
    ds = schema.build("cycling", columns | {"step_type": stated})
    segmented = cycling.segment(ds)
    assert int(segmented["half_cycle"].max()) == 2
    assert (segmented["step_type"][100:115] == KIND["impedance"]).all()
    summary = cycling.summarise(ds, cell_type="full")
    # 300 records of a minute at 1 mA in either direction; the record begins and ends half an interval short.
    np.testing.assert_allclose(summary["capacity"], 299.5 / 60.0 * 1e-3, rtol=1e-9)


def test_current_that_fades_as_the_cycler_switches_off_is_no_step():
    """Arbin logs the first millisecond of a rest with a thousandth of the current still flowing."""
    ending = (np.full(1, 4.15), np.full(1, 5e-6))
    columns = joined(constant_current_then_voltage(), (np.full(1, 4.2), np.zeros(1)), ending, rest())
    kinds = [kind for kind, _, _ in runs(cycling.segment(schema.build("cycling", columns)))]
    assert set(kinds) == {"constant_current_charge", "constant_voltage", "rest"}


def test_cycles_are_counted_where_the_cycler_never_does(full_cell):
    """An Arbin schedule without an increment has one cycle in fourteen days."""
    once = full_cell | {"vendor_cycle": np.ones(full_cell["current"].size, dtype=np.int32)}
    segmented = cycling.segment(schema.build("cycling", once))
    assert int(segmented["cycle"].max()) == 4
    assert (segmented["vendor_cycle"] == 1).all()


def test_maccor_says_charge_and_means_current_then_voltage(corpus):
    """maccor_one.txt, procedure of steps 4 and 5: 1.5 A to 4.2 V, then 4.2 V to 50 mA, both in the state C."""
    segmented = cycling.segment(il.read(corpus / "cycling/cellpy/maccor_one.txt"))
    current, voltage, kind = (segmented[name].values for name in ("current", "voltage", "step_type"))
    held = kind == KIND["constant_voltage"]
    assert not (kind == KIND["unknown"]).any()
    assert set(segmented["vendor_step"].values[held]) == {5, 10}
    np.testing.assert_allclose(voltage[held], 4.2, atol=1e-3)
    assert current[held].min() == pytest.approx(0.05, abs=1e-4)
    charged = kind == KIND["constant_current_charge"]
    np.testing.assert_allclose(current[charged], 1.5, atol=0.003)
    assert int(segmented["half_cycle"].max()) == 6


def test_neware_says_one_word_for_current_then_voltage(corpus):
    """An M50T at 2.5 A and 5 A to 4.2 V, held until 0.25 A, which Neware calls CCCV charge: 7 charges in all."""
    name = "TESTCELL0001-B2-2025-M50T_NewareNDA_Investigation.ndax"
    segmented = cycling.segment(il.read(corpus / f"cycling/NewareNDA/{name}"))
    steps = [(kind, first, last) for kind, first, last in runs(segmented) if kind == "constant_voltage"]
    assert len(steps) == 7
    for _, first, last in steps:
        np.testing.assert_allclose(segmented["voltage"].values[first : last + 1], 4.2, atol=1e-3)
        assert float(segmented["current"][last]) == pytest.approx(0.25, rel=0.01)
    assert not (segmented["step_type"] == KIND["unknown"]).any()


def test_fast_charge_by_arbin_has_all_its_steps(corpus):
    """arbin_example.csv names no step: A123 cell, 6.6 A charge step by step, discharge at 4.4 A held at 2.0 V."""
    segmented = cycling.segment(il.read(corpus / "cycling/battery-data-toolkit/arbin_example.csv"))
    found = {}
    for kind, first, last in runs(segmented):
        current = float(np.median(segmented["current"].values[first : last + 1]))
        found.setdefault((kind, int(segmented["vendor_step"][first])), []).append(round(current, 1))
    assert found[("constant_current_charge", 8)] == [6.6]
    assert found[("constant_current_charge", 11)] == [1.1, 1.1]
    assert found[("constant_current_discharge", 12)] == [-4.4, -4.4]
    assert len(found[("constant_voltage", 12)]) == 2
    assert int(segmented["half_cycle"].max()) == 4
