"""Battery Data Format out: what goes in comes back to the last digit, and what has no place is named."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from interlayer.bdf import to_bdf, write_bdf
from interlayer.cli import main
from interlayer.parsers import MissingDependency, read, read_tree, schema
from interlayer.scanning import is_sidecar

CYCLING = "cycling"
# One file of each cycler: its counters run through the test, start anew with each cycle, or with each step.
FILES = (
    "yadg/gcpl.mpr",
    "yadg/mb.mpr",
    "cellpy/20160805_test001_45_cc_01.res",
    "cellpy/maccor_one.txt",
    "cellpy/pec.csv",
    "PyProBE/sample_data_novonix.csv",
    "PyProBE/sample_data_basytec.txt",
    "battery-data-toolkit/arbin_example.csv",
    "battery-data-toolkit/p492-13-raw.csv",
)


def record(path) -> xr.Dataset:
    return next(
        leaf.to_dataset() for leaf in read_tree(path).leaves if leaf.to_dataset().attrs["technique"] == "cycling"
    )


def build(**more) -> xr.Dataset:
    """Return ten records, with more variables or attributes."""
    time = np.arange(10.0)
    values = {"test_time": time, "voltage": 3.0 + 0.01 * time, "current": np.full(10, 1e-3)}
    attrs = {name: more.pop(name) for name in ("simulated", "sample", "source_file") if name in more}
    return schema.build("cycling", values | more, **attrs)


@pytest.fixture(params=[".bdf.csv", ".bdf.parquet"])
def suffix(request) -> str:
    if request.param.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="needs the extra [parquet]")
    return request.param


@pytest.mark.parametrize("name", FILES)
def test_a_record_comes_back_to_the_last_digit(corpus, tmp_path, suffix, name):
    """Data are shared in this format; a column that changes or is lost on the way falsifies what others compute."""
    ds = record(corpus / f"{CYCLING}/{name}")
    path = tmp_path / f"x{suffix}"
    write_bdf(ds, path)
    back = read(path)
    written = to_bdf(ds).attrs["interlayer"]
    assert set(written["columns"].values()) | set(written["left_out"]) == set(map(str, ds.variables))
    assert {"test_time", "voltage", "current"} <= set(written["columns"].values())
    for variable in written["columns"].values():
        ours, theirs = ds[variable].values, back[variable].values
        if variable == "time":
            assert np.all(np.abs(ours - theirs) < np.timedelta64(1, "us"))
        else:
            np.testing.assert_allclose(theirs, ours, rtol=1e-12, atol=0)


def test_noise_of_a_rest_keeps_its_sign(tmp_path):
    """The counters of a cell at rest gain from noise alone, which must not turn the current round."""
    noise = np.array([1, -1, 1, 1, -1, 1, -1, -1, 1, 1]) * 1e-6
    counter = np.cumsum(np.maximum(-noise, 0.0)) / 3600.0
    ds = build(current=noise, vendor_capacity_charge=counter, step_type=np.ones(10, dtype=np.int8))
    write_bdf(ds, tmp_path / "x.bdf.csv")
    np.testing.assert_array_equal(read(tmp_path / "x.bdf.csv")["current"], noise)


def test_the_columns_of_a_file_are_those_of_the_format(tmp_path):
    """Another program finds a column by its exact name."""
    vendor = {"vendor_cycle": [1] * 5 + [2] * 5, "vendor_step": [1] * 5 + [2] * 5, "charge": np.arange(10.0)}
    ds = build(**vendor, temperature=np.full(10, 25.0), step_type=np.full(10, 2, dtype=np.int8))
    write_bdf(ds, tmp_path / "x.bdf.csv")
    with (tmp_path / "x.bdf.csv").open(newline="") as file:
        header, first, *_ = csv.reader(file)
    assert header == [
        "test_time_second", "voltage_volt", "current_ampere", "cycle_count", "step_count", "step_type",
        "temperature_t1_celsius", "net_capacity_ah",
    ]  # fmt: skip
    assert first == ["0.0", "3.0", "0.001", "1", "1", "CC_CHG", "25.0", "0.0"]


@pytest.mark.parametrize(
    ("counter", "column"),
    [
        (np.arange(10.0), "charging_capacity_ah"),
        (np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4.0]), "cycle_charging_capacity_ah"),
        (np.array([0, 1, 0, 1, 2, 3, 0, 1, 2, 3.0]), "step_charging_capacity_ah"),
        (np.array([0, 1, 2, 1, 2, 3, 4, 5, 6, 7.0]), None),
    ],
)
def test_the_name_of_a_counter_says_where_it_starts_anew(counter, column):
    """A per-step counter under the name of a running one makes every later cycle look empty."""
    cycle, step = np.repeat([1, 2], 5), np.array([1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
    frame = to_bdf(build(vendor_capacity_charge=counter, vendor_cycle=cycle, vendor_step=step))
    counters = [name for name in frame.columns if "charging_capacity" in name]
    assert counters == ([column] if column else [])
    assert ("vendor_capacity_charge" in frame.attrs["interlayer"]["left_out"]) is (column is None)


def test_numbers_of_cycles_and_steps_keep_the_rules():
    """A cycle count never falls and a step count rises by one; other numbers are identifiers, or stay out."""
    frame = to_bdf(build(vendor_cycle=[1] * 5 + [0] * 5, vendor_step=[3] * 5 + [1] * 5))
    assert "cycle_count" not in frame
    assert list(frame["step_id"]) == [3] * 5 + [1] * 5
    assert frame.attrs["interlayer"]["left_out"]["vendor_cycle"] == "its numbers are not whole, or fall"
    assert list(to_bdf(build(vendor_cycle=np.arange(10.0) * 2))["cycle_count"]) == list(range(0, 20, 2))
    assert "cycle_count" not in to_bdf(build(vendor_cycle=np.r_[np.nan, np.ones(9)]))


def test_what_has_no_column_is_named():
    """Half cycles and the potential of the counter electrode have no place in the format."""
    frame = to_bdf(build(vendor_half_cycle=[0] * 10, voltage_ce=np.zeros(10)))
    reason = "the format has no column for it"
    assert frame.attrs["interlayer"]["left_out"] == {"vendor_half_cycle": reason, "voltage_ce": reason}


def test_simulated_data_say_so_in_the_file(tmp_path, suffix):
    """Files are passed on without the folder they came from."""
    beside = write_bdf(build(simulated=1, sample="cell 7", source_file="truth.csv"), tmp_path / f"x{suffix}")
    document = json.loads(beside.read_text())
    assert beside.name == "x.bdf.metadata.json"
    assert document["battinfo_dataset"]["dataset"]["name"] == "SIMULATED cell 7"
    assert document["battinfo_dataset"]["dataset"]["description"].startswith("SIMULATED: computed, not measured.")
    assert read(tmp_path / f"x{suffix}").attrs["simulated"] == 1
    if suffix == ".bdf.parquet":
        beside.unlink()
        assert read(tmp_path / f"x{suffix}").attrs["simulated"] == 1
    measured = write_bdf(build(), tmp_path / f"y{suffix}")
    assert "SIMULATED" not in measured.read_text()
    assert "simulated" not in read(tmp_path / f"y{suffix}").attrs


@pytest.mark.parametrize(
    ("ds", "reason"),
    [
        (schema.build("eis", {"frequency": [1.0], "impedance": [1j]}), "holds cycling records; this is 'eis'"),
        (schema.build("cycling", {"test_time": [0.0], "voltage": [1.0]}), r"requires \['current'\]"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, ds, reason):
    """A file without the required columns is none of the format."""
    with pytest.raises(ValueError, match=reason):
        write_bdf(ds, tmp_path / "x.bdf.csv")
    with pytest.raises(ValueError, match="does not end with"):
        write_bdf(build(), tmp_path / "x.parquet")
    assert not list(tmp_path.iterdir())


def test_without_pyarrow_the_error_says_what_to_install(tmp_path, monkeypatch):
    """The package is optional, and half a file is worse than none."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependency, match=r"interlayer\[parquet\]"):
        write_bdf(build(), tmp_path / "x.bdf.parquet")
    assert not list(tmp_path.iterdir())


def test_the_metadata_are_no_measurement(tmp_path):
    """A run over a folder of shared data must not call the descriptions beside them unknown files."""
    assert is_sidecar(write_bdf(build(), tmp_path / "x.bdf.csv"))
    assert not is_sidecar(tmp_path / "x.bdf.csv")


def call(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def test_the_command_converts(corpus, tmp_path):
    """One line turns a vendor's binary file into one that other battery software reads."""
    source = corpus / f"{CYCLING}/yadg/gcpl.mpr"
    assert call("read", source, "--to", tmp_path / "out.bdf.csv").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.bdf.csv", "out.bdf.metadata.json"]
    assert read(tmp_path / "out.bdf.csv").sizes == read(source).sizes
    refused = call("read", source, "--to", tmp_path / "out.parquet")
    assert refused.exit_code == 2
    assert ".bdf.parquet" in refused.output


def test_the_command_says_why_not(tmp_path, monkeypatch):
    """A spectrum is no record, and a package may be missing: one sentence, no traceback."""
    spectrum = tmp_path / "a.csv"
    spectrum.write_text("f,Z',Z''\n" + "".join(f"{10.0**k},{100 + k},{-5 - k}\n" for k in range(9)))
    result = call("read", spectrum, "--to", tmp_path / "a.bdf.csv")
    assert (result.exit_code, result.exception.__class__) == (2, SystemExit)
    assert "cycling records" in result.output
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    rows = "".join(f"{k},{3 + 0.01 * k},0.001\n" for k in range(9))
    spectrum.write_text(f"test_time_second,voltage_volt,current_ampere\n{rows}")
    result = call("read", spectrum, "--to", tmp_path / "a.bdf.parquet")
    assert (result.exit_code, result.exception.__class__) == (2, SystemExit)
    assert "interlayer[parquet]" in result.output
