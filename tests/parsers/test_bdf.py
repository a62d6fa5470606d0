"""Battery Data Format in: both kinds of names, counters by their scope, metadata beside the table, and Parquet."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    CorruptFile,
    LimitExceeded,
    Limits,
    MissingDependency,
    ParseError,
    Source,
    TruncatedFile,
    UnsupportedContent,
    findings,
    measurements,
    read,
    schema,
)

BDF = "cycling/battery-data-format"
DLR = f"{BDF}/DLR__LiLNMOHydra0b__20221125__POCV__25degC__Basytec.bdf.csv"
TIME_BUG = f"{BDF}/SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug.bdf.csv"

# Notations and labels of Battery Data Format Ontology 1.2, with the variable that each is.
NAMES = (
    ("test_time_second", "Test Time / s", "test_time"),
    ("voltage_volt", "Voltage / V", "voltage"),
    ("current_ampere", "Current / A", "current"),
    ("cycle_count", "Cycle Count / 1", "vendor_cycle"),
    ("step_count", "Step Count / 1", "vendor_step"),
    ("temperature_t1_celsius", "Temperature T1 / degC", "temperature"),
    ("net_capacity_ah", "Net Capacity / Ah", "charge"),
    ("charging_capacity_ah", "Charging Capacity / Ah", "vendor_capacity_charge"),
    ("discharging_capacity_ah", "Discharging Capacity / Ah", "vendor_capacity_discharge"),
    ("net_energy_wh", "Net Energy / Wh", "energy"),
    ("charging_energy_wh", "Charging Energy / Wh", "vendor_energy_charge"),
    ("discharging_energy_wh", "Discharging Energy / Wh", "vendor_energy_discharge"),
)
ROWS = 240


def cell() -> dict[str, np.ndarray]:
    """Return ten charges and discharges at 1 A of 12 records of 10 s, in columns under machine-readable names."""
    time = 10.0 * np.arange(ROWS)
    half = np.arange(ROWS) // 12
    sign = np.where(half % 2 == 0, 1.0, -1.0)
    voltage = 3.7 + sign * (0.01 * (np.arange(ROWS) % 12) - 0.055)
    gained = np.concatenate([[0.0], np.diff(time) / 3600.0]) * sign
    charged, discharged = np.cumsum(np.maximum(gained, 0)), np.cumsum(np.maximum(-gained, 0))
    return {
        "test_time_second": time,
        "unix_time_second": 1.7e9 + time,
        "voltage_volt": voltage,
        "current_ampere": sign,
        "cycle_count": half // 2 + 1,
        "step_count": half + 1,
        "temperature_t1_celsius": np.full(ROWS, 25.5),
        "net_capacity_ah": charged - discharged,
        "charging_capacity_ah": charged,
        "discharging_capacity_ah": discharged,
        "net_energy_wh": 3.7 * (charged - discharged),
        "charging_energy_wh": 3.7 * charged,
        "discharging_energy_wh": 3.7 * discharged,
    }


def csv(columns: dict[str, np.ndarray]) -> bytes:
    rows = (",".join(str(value) for value in row) for row in zip(*columns.values(), strict=True))
    return "\n".join([",".join(columns), *rows, ""]).encode()


def of(data: bytes, name: str = "x.bdf.csv", **options):
    (found,) = measurements(Source(Path(name), data=data, **options))
    schema.check(found.dataset, provenance=True)
    return found.dataset


def codes(ds) -> set[str]:
    return {finding.code for finding in findings(ds.attrs)}


@pytest.mark.parametrize("kind", [0, 1])
def test_both_kinds_of_names_are_read(kind):
    """Files in the wild use machine-readable names or labels; a column under the other name would be lost."""
    columns = cell()
    named = {"unix_time_second": columns["unix_time_second"]} | {row[kind]: columns[row[0]] for row in NAMES}
    ds = of(csv(named))
    for notation, _, variable in NAMES:
        np.testing.assert_allclose(ds[variable], columns[notation], rtol=1e-14, atol=1e-17)
    assert str(ds["time"].values[0]).startswith("2023-11-14T22:13:20")


@pytest.mark.parametrize("scope", ["", "cycle_", "step_"])
def test_counters_of_every_scope_are_counters(scope):
    """A counter that starts anew with each cycle or step bears another name and is held against the current too."""
    columns = cell()
    for kind in ("charging", "discharging"):
        counter = columns.pop(f"{kind}_capacity_ah")
        number = columns["step_count" if scope == "step_" else "cycle_count"]
        first = counter[np.searchsorted(number, number)] if scope else 0.0
        columns[f"{scope}{kind}_capacity_ah"] = counter - first
    ds = of(csv(columns))
    assert {"vendor_capacity_charge", "vendor_capacity_discharge"} <= set(ds.variables)
    columns[f"{scope}charging_capacity_ah"] *= 2
    assert "charge-contradicts-counter" in codes(of(csv(columns)))


def test_unix_time_alone_is_enough():
    """The format asks for the test time or the Unix time."""
    columns = cell()
    del columns["test_time_second"]
    np.testing.assert_allclose(of(csv(columns))["test_time"], 10.0 * np.arange(ROWS), atol=1e-6)


@pytest.mark.parametrize("left_out", ["unix_time_millisecond", "test_time_millisecond"])
def test_milliseconds_of_older_files(left_out):
    """Deprecated, and a thousand times too long if taken as seconds."""
    columns = cell()
    for name in ("test_time", "unix_time"):
        columns[f"{name}_millisecond"] = 1e3 * columns.pop(f"{name}_second")
    del columns[left_out]
    np.testing.assert_allclose(of(csv(columns))["test_time"], 10.0 * np.arange(ROWS), atol=1e-6)


def test_a_net_capacity_that_is_none_is_not_believed():
    """Published files had net and cumulative capacity swapped (battery-data-format issue 55); it is no charge."""
    columns = cell()
    columns["net_capacity_ah"] = columns["charging_capacity_ah"] + columns["discharging_capacity_ah"]
    ds = of(csv(columns))
    assert "charge" not in ds
    assert "vendor_charge" in ds
    assert "charge-contradicts-counter" in codes(ds)


def test_a_net_capacity_with_gaps_is_held_against_the_current():
    """A missing first value is no reason to believe the others, nor to doubt them."""
    columns = cell()
    columns["net_capacity_ah"] = np.r_[np.nan, columns["net_capacity_ah"][1:]]
    assert "charge" in of(csv(columns))
    columns["net_capacity_ah"] *= 2
    assert "vendor_charge" in of(csv(columns))


def test_step_index_that_counts_rows_is_no_step():
    """In version 1 of the ontology it counts the records within a step; each would be taken for a step of its own."""
    columns = cell()
    del columns["step_count"]
    columns["step_index"] = np.arange(ROWS) % 12 + 1
    ds = of(csv(columns))
    assert "vendor_step" not in ds
    assert "row-counter" in codes(ds)
    columns["step_index"] = np.arange(ROWS) // 12 + 1
    np.testing.assert_array_equal(of(csv(columns))["vendor_step"], np.arange(ROWS) // 12 + 1)


def test_errors_of_published_files_are_findings(corpus):
    """Two reference files of the format: a time 1000 times too long, and one that starts anew 19 times."""
    (long,) = [finding for finding in findings(read(corpus / DLR).attrs) if finding.code == "implausible-duration"]
    assert long.severity == "error"
    assert "16.8 years" in long.message
    (back,) = [finding for finding in findings(read(corpus / TIME_BUG).attrs) if finding.code == "time-goes-back"]
    assert "19 places" in back.message


def beside(folder: Path, text: str) -> Path:
    path = folder / "x.bdf.csv"
    path.write_bytes(csv(cell()))
    (folder / "x.bdf.metadata.json").write_text(text)
    return path


def test_simulated_data_stay_simulated(tmp_path):
    """Data that were computed must not come back as measured ones."""
    attributes = {"simulated": 1, "sample": "a", "format": "biologic-mpr", "Bad Name": "b", "list": [1]}
    path = beside(tmp_path, json.dumps({"extras": {"interlayer": {"attributes": attributes}}}))
    ds = read(path)
    assert (ds.attrs["simulated"], ds.attrs["sample"], ds.attrs["format"]) == (1, "a", "delimited-cycling")
    assert not {"Bad Name", "list"} & set(ds.attrs)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"extras": 1}', '{"extras": {"interlayer": {"attributes": [1]}}}'])
def test_damaged_metadata_do_not_cost_the_record(tmp_path, text):
    """A file cut off beside good data is a finding."""
    ds = read(beside(tmp_path, text))
    assert ds.sizes["record"] == ROWS
    assert "unread-metadata" in codes(ds)


def test_metadata_of_others_are_left_alone(tmp_path):
    """Other programs write a description of the dataset into the same file."""
    ds = read(beside(tmp_path, '{"battinfo_dataset": {"dataset": {"name": "a"}}}'))
    assert "unread-metadata" not in codes(ds)


@pytest.fixture
def parquet():
    """Return a function that writes columns to the bytes of a Parquet file."""
    pa = pytest.importorskip("pyarrow", reason="needs the extra [parquet]")
    from pyarrow import parquet as pq

    def write(columns, metadata=None) -> bytes:
        buffer = io.BytesIO()
        table = pa.table(dict(columns))
        pq.write_table(table.replace_schema_metadata(metadata) if metadata else table, buffer)
        return buffer.getvalue()

    return write


def test_parquet_is_read_like_text(parquet):
    """One record in two containers."""
    columns = cell() | {"step_type": np.where(np.arange(ROWS) // 12 % 2 == 0, "CC_CHG", "CC_DCH").astype(object)}
    text, packed = of(csv(columns)), of(parquet(columns), "x.bdf.parquet")
    assert packed.attrs["format"] == "bdf-parquet"
    assert set(text.variables) == set(packed.variables)
    for name in text.variables:
        if text[name].dtype.kind == "M":
            assert np.all(np.abs(text[name].values - packed[name].values) < np.timedelta64(1, "us"))
        else:
            np.testing.assert_allclose(packed[name], text[name], rtol=1e-14, atol=1e-17)
    meanings = packed["step_type"].attrs["flag_meanings"].split()
    assert {meanings[kind] for kind in packed["step_type"].values} == {
        "constant_current_charge",
        "constant_current_discharge",
    }


def test_parquet_holds_dates_words_and_gaps(parquet):
    """Other programs store dates as dates, categories as such, missing numbers as null, and lists where it suits."""
    import pyarrow as pa

    columns = cell()
    time = (columns.pop("unix_time_second") * 1e9).astype("datetime64[ns]")
    voltage = [None if row == 5 else float(value) for row, value in enumerate(columns.pop("voltage_volt"))]
    words = pa.array(["Rest"] * ROWS).dictionary_encode()
    nested = pa.array([[1.0]] * ROWS)
    ds = of(
        parquet({**columns, "Voltage / V": voltage, "Date Time": time, "Step Type": words, "aux": nested}), "x.parquet"
    )
    np.testing.assert_array_equal(ds["time"], time)
    assert np.isnan(ds["voltage"].values[5])
    assert {"missing-values", "unmapped-columns"} <= codes(ds)
    assert np.all(ds["step_type"] == schema.STEP_TYPES.index("rest"))


def test_parquet_keeps_its_metadata(parquet):
    """What the file says of the test stays with it, and simulated data stay simulated."""
    written = json.dumps({"attributes": {"simulated": 1}})
    ds = of(parquet(cell(), {"cell": "A1", "interlayer": written}), "x.bdf.parquet")
    assert ds.attrs["simulated"] == 1
    assert json.loads(ds.attrs["original_metadata"]) == {"cell": "A1"}
    assert "unread-metadata" in codes(of(parquet(cell(), {"interlayer": "{"}), "x.bdf.parquet"))


def test_parquet_of_something_else_is_refused(parquet):
    """Tables of all kinds are kept as Parquet."""
    with pytest.raises(UnsupportedContent, match="voltage"):
        of(parquet({"a": np.arange(3.0), "b": np.arange(3.0)}), "x.parquet")
    with pytest.raises(TruncatedFile, match="no row"):
        of(parquet({"test_time_second": np.zeros(0), "voltage_volt": np.zeros(0)}), "x.parquet")


def test_parquet_beyond_the_limits_is_refused_unread(parquet):
    """A constant column of a million rows packs to nothing."""
    data = parquet({"test_time_second": np.zeros(10**6), "voltage_volt": np.zeros(10**6)})
    assert len(data) < 10**5
    with pytest.raises(LimitExceeded, match=r"Limits\.expanded"):
        of(data, "x.parquet", limits=Limits(expanded=10**6))
    with pytest.raises(LimitExceeded, match=r"Limits\.columns"):
        of(data, "x.parquet", limits=Limits(columns=1))


def test_damaged_parquet_is_an_error_or_a_record(parquet):
    """Whatever a disk does to the bytes, the caller sees a ParseError or a Dataset of the vocabulary."""
    data = parquet(cell())
    rng = np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(4, len(data), 4):
            damaged[place] = rng.integers(256)
        try:
            of(bytes(damaged), "x.parquet")
        except ParseError:
            continue
    with pytest.raises(CorruptFile):
        of(data[: len(data) // 2], "x.parquet")


def test_without_pyarrow_the_error_says_what_to_install(monkeypatch):
    """The package is optional; its absence is no defect of the file."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependency, match=r"interlayer\[parquet\]"):
        of(b"PAR1" + bytes(40) + b"PAR1", "x.bdf.parquet")
