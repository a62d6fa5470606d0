"""Cycling records in delimited text: every real file, twins in other locales, and what a record says about itself."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    AmbiguousContent,
    ParseError,
    Source,
    UnsupportedContent,
    delimited_cycling,
    findings,
    measurements,
    read,
    read_tree,
    schema,
)
from interlayer.parsers._dates import dates, durations

BDF, TOOLKIT, CELLPY = "cycling/battery-data-format", "cycling/battery-data-toolkit", "cycling/cellpy"
LANDT = f"{BDF}/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv"
DLR = f"{BDF}/DLR__LiLNMOHydra0b__20221125__POCV__25degC__Basytec.bdf.csv"
TIME_BUG = f"{BDF}/SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug.bdf.csv"
CALCE = f"{TOOLKIT}/CALCE_CX2-33_prism_LCO_25C_0-100_0.5-0.5C_d_timeseries.csv"
# Path, rows, time (s), voltage (V), cycles: from the corpus' own list. custom_data_001 has 2442 rows: the list counts
# its two rows of separators; neware_uio's list gives the time within steps, its total time ends at 144:02:18.
FILES = [
    (f"{CELLPY}/custom_data_001.csv", 2442, (120.0, 142455.05), (1.14, 3.4), (1, 6)),
    (f"{CELLPY}/custom_good_small.csv", 60, (120.0, 3600.96), (1.14, 1.54), (1, 1)),
    (f"{CELLPY}/custom_missing_cycle.csv", 40, (120.0, 3600.96), (1.14, 1.54), (1, 3)),
    (f"{CELLPY}/custom_nan_inf.csv", 60, (120.0, 3600.96), (1.14, 1.54), (1, 1)),
    (f"{CELLPY}/neware_uio.csv", 9065, (0.0, 518538.0), (0.05, 2.957), (1, 4)),
    (LANDT, 25162, (0.02, 262657.764), (0.01, 2.9215), (1, 2)),
    (DLR, 17860, (0.0, 5.304317e8), (2.994, 4.9), None),
    (TIME_BUG, 13086, (0.0, 125628.17), (2.9995, 4.3501), (1, 1)),
    (f"{BDF}/sample.bdf.csv", 3, (0.0, 2.0), (3.5, 3.7), None),
    ("cycling/PyProBE/sample_data_arbin.csv", 13, (30.0005, 301.214), (3.534552, 3.599601), (1, 1)),
    (f"{TOOLKIT}/arbin_example.csv", 2142, (0.0, 6308.4823), (1.9995637, 3.6003604), (1, 2)),
    (CALCE, 15, (30.009, 450.16), (3.843, 4.032), (1, 1)),
]
REFUSED = [
    "cycling/cellpy/custom_missing_column.csv",
    "cycling/cellpy/maccor_one.txt",
    "cycling/cellpy/maccor_002.txt",
    "cycling/PyProBE/sample_data_maccor.csv",
    "cycling/battery-data-toolkit/maccor_example.001",
    "cycling/battery-data-toolkit/maccor_example.002",
    "cycling/cellpy/nw_regular_export_ife_example.csv",
    "cycling/cellpy/pec.csv",
    "cycling/cellpy/Test25205.csv",
    "cycling/PyProBE/sample_data_basytec.txt",
    "cycling/PyProBE/sample_data_novonix.csv",
    "cycling/battery-data-toolkit/p492-13-summary.csv",
    "cycling/battery-data-toolkit/CALCE_CX2-33_prism_LCO_25C_0-100_0.5-0.5C_d_cycle_data.csv",
    "cycling/NewareNDA/TestFile.nda",
    "cycling/yadg/gcpl.issue_149.mpt",
]


def of(data: bytes | str):
    content = data.encode() if isinstance(data, str) else data
    return measurements(Source(Path("x.csv"), data=content), format="delimited-cycling")[0].dataset


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def half_cycles(current: float = 1e-3, n: int = 60) -> dict[str, np.ndarray]:
    """An hour of charge and an hour of discharge, with the counters of a cycler."""
    time = np.linspace(0, 7200, 2 * n)
    flow = np.where(time < 3600, current, -current)
    charge = np.concatenate([[0], np.cumsum(np.clip(flow[1:], 0, None) * np.diff(time))]) / 3600
    discharge = np.concatenate([[0], np.cumsum(np.clip(-flow[1:], 0, None) * np.diff(time))]) / 3600
    voltage = 3.0 + np.where(time < 3600, time, 7200 - time) / 3600
    return {"time": time, "voltage": voltage, "current": flow, "charge": charge, "discharge": discharge}


def csv(columns: dict[str, np.ndarray | list[str]]) -> str:
    lines = [",".join(columns)]
    lines += [",".join(str(value) for value in row) for row in zip(*columns.values(), strict=True)]
    return "\n".join(lines) + "\n"


def plain(cell: dict[str, np.ndarray], **scale: float) -> dict[str, np.ndarray]:
    names = {"time": "Test Time (s)", "voltage": "Voltage (V)", "current": "Current (A)",
             "charge": "Charge Capacity (Ah)", "discharge": "Discharge Capacity (Ah)"}  # fmt: skip
    return {title: cell[name] * scale.get(name, 1.0) for name, title in names.items()}


@pytest.mark.parametrize(("path", "rows", "time", "voltage", "cycles"), FILES, ids=[Path(f[0]).stem for f in FILES])
def test_every_real_file_reads_to_its_documented_numbers(corpus, path, rows, time, voltage, cycles):
    """Seven programs' names for the same five columns, by content alone."""
    dataset = read(corpus / path)
    assert dataset.attrs["format"] == "delimited-cycling"
    assert dataset.sizes["record"] == rows
    np.testing.assert_allclose((dataset["test_time"].min(), dataset["test_time"].max()), time, rtol=1e-6)
    np.testing.assert_allclose((dataset["voltage"].min(), dataset["voltage"].max()), voltage, rtol=1e-4)
    if cycles is not None:
        assert (int(dataset["vendor_cycle"].min()), int(dataset["vendor_cycle"].max())) == cycles


@pytest.mark.parametrize("path", REFUSED)
def test_other_formats_are_refused_even_when_forced(corpus, path):
    """Maccor's current is a magnitude and PEC's a fraction of it: returned as they stand they would be plain wrong."""
    with pytest.raises(ParseError):
        list(delimited_cycling.read(Source(corpus / path)))


def test_missing_voltage_is_named(corpus):
    """The message lists the columns that are there, for the person who exports again."""
    with pytest.raises(UnsupportedContent, match=r"no column for \['voltage'\] among \['index', 'test_time'"):
        read(corpus / CELLPY / "custom_missing_column.csv")


def test_infinite_and_missing_voltages_become_nan(corpus):
    """The good twin has the same rows; only the bad fields differ, and the finding counts them."""
    bad, good = read(corpus / CELLPY / "custom_nan_inf.csv"), read(corpus / CELLPY / "custom_good_small.csv")
    holes = np.isnan(bad["voltage"].values)
    assert holes.sum() == 3
    np.testing.assert_array_equal(bad["voltage"].values[~holes], good["voltage"].values[~holes])
    assert {"infinite-values", "missing-values"} <= codes(bad)
    assert not {"infinite-values", "missing-values"} & codes(good)


def test_time_of_the_whole_test_wins_over_time_in_a_step(corpus):
    """Neware's Time restarts 31 times; taken as test time it folds six days into 87 minutes."""
    dataset = read(corpus / CELLPY / "neware_uio.csv")
    assert np.all(np.diff(dataset["test_time"]) >= 0)
    assert dataset["time"].values[-1] == np.datetime64("2022-05-24T16:29:53")
    kinds = np.array(schema.STEP_TYPES)[dataset["step_type"].values]
    assert dict(zip(*np.unique(kinds, return_counts=True), strict=True)) == {
        "rest": 989, "constant_current_charge": 3409, "constant_current_discharge": 4667}  # fmt: skip


def test_published_reference_with_times_a_thousandfold_is_reported(corpus):
    """The DLR file says 16.8 years; nobody measured that long, and diffusion coefficients would be off by 1000."""
    (remark,) = [f for f in findings(read(corpus / DLR).attrs) if f.code == "implausible-duration"]
    assert remark.severity == "error"
    assert "16.8 years" in remark.message


def test_published_reference_with_time_resets_is_reported(corpus):
    """Nineteen times the clock of the file goes back; integrals over such a step are meaningless."""
    (remark,) = [f for f in findings(read(corpus / TIME_BUG).attrs) if f.code == "time-goes-back"]
    assert "19 places" in remark.message


def test_landt_columns_are_not_shifted_by_the_separator_at_the_end(corpus):
    """Its rows have one field more than its header; shifted by one, voltage would be current."""
    dataset = read(corpus / LANDT)
    assert float(abs(dataset["current"]).max()) == pytest.approx(2e-4)
    assert dataset.attrs["start_time"].startswith("2024-04-30T14:33:19")
    assert "temperature" not in dataset, "all zero: no sensor"


def test_points_of_spectra_among_the_rows_are_measurements_of_their_own(corpus):
    """Battery Data Hub logs an EIS in the same table, with a voltage of -3.79 V: 78 rows that are no cycling."""
    tree = read_tree(corpus / TOOLKIT / "p492-13-raw.csv")
    assert tree["cycling"].sizes["record"] + tree["eis"].sizes["frequency"] == 2021
    assert float(tree["cycling"]["voltage"].min()) > 2.9
    assert tree["eis"]["impedance"].values[0] == 0.24102 + 0.4307j


def test_counters_agree_with_the_integral_of_the_current(corpus):
    """On Arbin's example file the charge from I dt and the counter agree within 10 %, so units and sign are right."""
    assert not {"charge-contradicts-counter", "current-sign-reversed"} & codes(
        read(corpus / TOOLKIT / "arbin_example.csv")
    )


LOCALES = {
    "decimal comma": lambda text: text.replace(",", ";").replace(".", ","),
    "tabs": lambda text: text.replace(",", "\t"),
    "comma and tabs": lambda text: text.replace(",", "\t").replace(".", ","),
    "bars": lambda text: text.replace(",", " | "),
    "trailing separators": lambda text: text.replace("\n", ",\n"),
    "preamble": lambda text: "Cell: A12\nMass (mg): 3.4\n\n" + text,
}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("locale", LOCALES)
def test_twins_in_other_locales_give_the_same_record(corpus, locale, encoding):
    """Battery Archive's table as other PCs would have exported it."""
    text = (corpus / CALCE).read_text()
    original, twin = of(text), of(LOCALES[locale](text).encode(encoding))
    for name in ("test_time", "voltage", "current", "vendor_capacity_charge"):
        np.testing.assert_allclose(twin[name], original[name], rtol=1e-9, atol=0)
    np.testing.assert_array_equal(twin["time"], original["time"])


@pytest.mark.parametrize(
    "header",
    [
        ("Test Time / s", "Voltage / V", "Current / A", "Charge Capacity (Ah)", "Discharge Capacity (Ah)"),
        ("test_time_second", "voltage_volt", "current_ampere", "charging_capacity_ah", "discharging_capacity_ah"),
        ("time/s", "Ewe/V", "<I>/A", "Chg. Cap.(Ah)", "DChg. Cap.(Ah)"),
        ("Total Time (s)", "Voltage(V)", "Current(A)", "Capacity Charge [Ah]", "Capacity Discharge [Ah]"),
    ],
)
def test_spellings_of_the_same_columns(header):
    """One record under four programs' names."""
    cell = half_cycles()
    dataset = of(csv(dict(zip(header, cell.values(), strict=True))))
    for name, key in (("test_time", "time"), ("voltage", "voltage"), ("current", "current")):
        np.testing.assert_allclose(dataset[name], cell[key])
    np.testing.assert_allclose(dataset["vendor_capacity_discharge"], cell["discharge"])


def test_units_of_the_header_are_converted():
    """mA, mV, mAh, minutes and hours: each a factor that nobody sees in a plot without axes."""
    cell = half_cycles()
    columns = {
        "Test Time (h)": cell["time"] / 3600,
        "Voltage (mV)": cell["voltage"] * 1e3,
        "Current (µA)": cell["current"] * 1e6,
        "Charge Capacity (mAh)": cell["charge"] * 1e3,
        "Temperature (K)": 0 * cell["time"] + 298.15,
    }
    dataset = of(csv(columns))
    np.testing.assert_allclose(dataset["test_time"], cell["time"])
    np.testing.assert_allclose(dataset["current"], cell["current"])
    np.testing.assert_allclose(dataset["vendor_capacity_charge"], cell["charge"])
    np.testing.assert_allclose(dataset["temperature"], 25.0)
    assert "charge-contradicts-counter" not in codes(dataset)


def test_current_of_the_other_convention_is_turned_by_the_counters():
    """Some cyclers call discharge positive. The counters say which is which; charge must come out positive."""
    cell = half_cycles()
    dataset = of(csv(plain(cell, current=-1.0)))
    np.testing.assert_allclose(dataset["current"], cell["current"])
    assert "current-sign-reversed" in codes(dataset)
    assert "current-sign-reversed" not in codes(of(csv(plain(cell))))


def test_without_counters_a_contradicting_voltage_is_reported():
    """Voltage falls on 'charge': an error finding, since an unusual cell could do that, unlike a counter."""
    columns = plain(half_cycles(), current=-1.0)
    del columns["Charge Capacity (Ah)"], columns["Discharge Capacity (Ah)"]
    assert "current-contradicts-voltage" in codes(of(csv(columns)))


@pytest.mark.parametrize("counters", [True, False])
def test_a_current_without_sign_is_refused(counters):
    """|I| over charge and discharge: integrated as it stands a cell would only ever be charged."""
    columns = plain(half_cycles())
    columns["Current (A)"] = np.abs(columns["Current (A)"])
    if not counters:
        del columns["Charge Capacity (Ah)"], columns["Discharge Capacity (Ah)"]
    with pytest.raises(UnsupportedContent, match="no sign"):
        of(csv(columns))


def test_a_charge_alone_is_no_current_without_sign():
    """A formation charge has no negative current either, and is fine."""
    columns = {name: values[:60] for name, values in plain(half_cycles()).items()}
    assert np.all(of(csv(columns))["current"] > 0)


def test_units_wrong_by_a_thousand_are_found():
    """Headers lie: maccorcyclingdata's (A) holds mA. Named units give an error finding, unnamed ones a refusal."""
    cell = half_cycles()
    dataset = of(csv(plain(cell, current=1e3)))
    (remark,) = {f.message for f in findings(dataset.attrs) if "capacity of charge" in f.message}
    assert "wrong by 1000" in remark
    bare = {name.split(" (")[0]: values for name, values in plain(cell, current=1e3).items()}
    with pytest.raises(AmbiguousContent, match="Current"):
        of(csv(bare))
    assert "assumed-units" in codes(of(csv({name.split(" (")[0]: values for name, values in plain(cell).items()})))


def test_time_that_restarts_with_each_step_is_refused_or_replaced():
    """A column 'Time' that is the time in a step has no order; dates beside it have."""
    cell = half_cycles(n=40)
    step_time = np.tile(np.linspace(0, 1780, 20), 4)
    columns = {"Time (s)": step_time, "Voltage (V)": cell["voltage"], "Current (A)": cell["current"]}
    with pytest.raises(AmbiguousContent, match="restarts"):
        of(csv(columns))
    start = np.datetime64("2024-03-01T10:00:00")
    clock = [str(start + np.timedelta64(int(second), "s")).replace("T", " ") for second in cell["time"]]
    dataset = of(csv(columns | {"Date": clock}))
    np.testing.assert_allclose(dataset["test_time"], cell["time"], atol=1.0)
    assert "time-from-clock" in codes(dataset)


def test_dates_in_a_time_column_become_both_times():
    """BT-Lab and others write the date of each row under the name of the time."""
    cell = half_cycles(n=5)
    clock = [f"2024-03-01 10:{k:02d}:30.5" for k in range(10)]
    dataset = of(csv({"time": clock, "Voltage (V)": cell["voltage"], "Current (A)": cell["current"]}))
    np.testing.assert_allclose(dataset["test_time"], 60.0 * np.arange(10))
    assert dataset["time"].values[0] == np.datetime64("2024-03-01T10:00:30.5")


def test_a_test_longer_than_its_dates_is_reported():
    """Ten hours by the clock and ten thousand by the time column: milliseconds were written as seconds."""
    cell = half_cycles(n=5)
    clock = [f"2024-03-01 {k:02d}:00:00" for k in range(10)]
    columns = {"Test Time (s)": 3.6e6 * np.arange(10), "Date": clock, "Voltage (V)": cell["voltage"],
               "Current (A)": 0 * cell["current"]}  # fmt: skip
    assert "time-contradicts-clock" in codes(of(csv(columns)))


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        (["00:01:00", "01:26:00"], [60, 5160]),
        (["144:01:18", ""], [518478, np.nan]),
        (["0d 00:00:5.05", "1d 02:00:00"], [5.05, 93600]),
        (["1-02:03:04", "0-00:00:01,5"], [93784, 1.5]),
    ],
)
def test_durations(texts, seconds):
    """Hours run past 24, days come with 'd' or a dash, seconds with either decimal mark."""
    np.testing.assert_allclose(durations(texts), seconds)


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["2024-04-30 14:33:19"], "2024-04-30T14:33:19"),
        (["2024-04-30T14:33:19+02:00"], "2024-04-30T12:33:19"),
        (["04/30/2024 02:33:19 PM", "05/01/2024 12:00:00 AM"], "2024-04-30T14:33:19"),
        (["30.04.2024 14:33:19,5"], "2024-04-30T14:33:19.5"),
        (["01/02/2024 00:00:00", "01/13/2024 00:00:00"], "2024-01-02"),
        (["01/02/2024 00:00:00", "02/02/2024 00:00:00"], None),
        (["13/13/2024 00:00:00"], None),
        (["31/02/2024 00:00:00"], None),
        (["noon"], None),
    ],
)
def test_dates(texts, first):
    """Day and month are told apart by the whole column or not at all."""
    moments, reason = dates(texts)
    if first is None:
        assert moments is None
        assert reason
    else:
        assert moments[0] == np.datetime64(first)


def test_damaged_fields_rows_and_temperatures_cost_only_themselves():
    """An overflow '*****' in a voltage, a torn row and an unknown unit must not lose a week of data."""
    columns = plain(half_cycles()) | {"Temperature (F)": np.full(120, 77.0)}
    text = csv(columns).splitlines()
    text[10] = text[10].replace(text[10].split(",")[1], "*****", 1)
    text[20] = text[20][:30]
    dataset = of("\n".join(text) + "\n")
    assert dataset.sizes["record"] == 119
    assert np.isnan(dataset["voltage"].values[9])
    assert {"not-a-number", "damaged-rows", "unknown-unit"} <= codes(dataset)
    assert "temperature" not in dataset


def test_a_second_table_is_not_lost_in_silence():
    """Some programs append a summary, or a restart, under the record."""
    text = csv(plain(half_cycles()))
    assert "left-out-table" in codes(of(text + "\n" + text))
    assert "left-out-table" not in codes(of(text))


@pytest.mark.parametrize("path", [f"{CELLPY}/custom_good_small.csv", CALCE, f"{TOOLKIT}/arbin_example.csv"])
def test_truncated_copies_hold_a_prefix_or_nothing(corpus, path):
    """Wherever a copy breaks off, its records are the first of the file."""
    data = (corpus / path).read_bytes()
    whole = of(data)
    generator = random.Random(5)
    for cut in [generator.randrange(len(data)) for _ in range(25)]:
        try:
            part = of(data[:cut])
        except ParseError:
            continue
        schema.check(part, provenance=True)
        n = part.sizes["record"]
        for name in ("test_time", "voltage", "current"):
            np.testing.assert_array_equal(part[name], whole[name][:n])


@pytest.mark.parametrize("path", [entry[0] for entry in FILES if "SINTEF" not in entry[0] and "DLR" not in entry[0]])
def test_damaged_copies_are_valid_or_parse_errors(corpus, path):
    """Flipped, doubled and missing bytes: a Dataset of the vocabulary or a ParseError, never anything else."""
    data = (corpus / path).read_bytes()[:60_000]
    generator = random.Random(13)
    for _ in range(12):
        damaged = bytearray(data)
        start = generator.randrange(len(damaged))
        match generator.randrange(3):
            case 0:
                damaged[start] = generator.randrange(256)
            case 1:
                damaged[start:start] = damaged[start : start + 500]
            case 2:
                del damaged[start : start + 200]
        # The reader itself, not the door before it, which turns any error into a ParseError.
        with contextlib.suppress(ParseError):
            for found in delimited_cycling.read(Source(Path("x.csv"), data=bytes(damaged))):
                schema.check(found.dataset)
