"""Neware: binary files read by fastnda, and BTSDA exports with cycles, steps and records woven into one table."""

from __future__ import annotations

import io
import random
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    CorruptFile,
    Head,
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
    read_tree,
)
from interlayer.parsers.reading import match

NEWARE = "cycling/NewareNDA"
M50T = f"{NEWARE}/TESTCELL0001-B2-2025-M50T_NewareNDA_Investigation.ndax"
PULSES = f"{NEWARE}/2-1-6_61_07005012.nda"
BTS9 = f"{NEWARE}/TestFile.nda"
BTS7 = f"{NEWARE}/new_nda_file.nda"
SMALL = f"{NEWARE}/46_1_5_60_ZZZZZZZZTEST_20250924092922.ndax"
HALF_CELL = f"{NEWARE}/test_2.ndax"
BTS85 = "cycling/cellpy/20260302_IFE_BTS85_2_9_8_1.ndax"
NESTED = "cycling/cellpy/nw_regular_export_ife_example.csv"
# Path, rows, time (s), voltage (V), cycles begun by a charge after a discharge: from the corpus' own list, whose rows
# are those of NewareNDA's reference tables.
FILES = [
    (f"{NEWARE}/123456789012_Unit27_Example_Data_File.ndax", 301, (0.0, 300.0), (2.983, 2.983), 1),
    (SMALL, 84, (0.0, 80.0), (2.798, 3.068), 1),
    (M50T, 77745, (0.0, 77704.2), (2.499, 4.2), 8),
    (f"{NEWARE}/TESTCELL0001-Test_Data_Collection_Ndc17.ndax", 80, (0.0, 75.0), (3.566, 3.611), 1),
    (f"{NEWARE}/ZZZZZZZZTEST.ndax", 301, (0.0, 300.0), (-0.5388, 1.117), 1),
    (HALF_CELL, 108563, (0.0, 93207.6), (0.1995, 3.406), 54),
    (PULSES, 15567, (0.463075, 3602.1175), (3.967, 4.088), 1),
    (BTS9, 6670, (0.01, 72373.26), (1.721, 4.2), 3),
    (BTS7, 439, (0.0, 721.6), (-0.101, -0.0849), 2),
    ("cycling/battery-data-format/filetype14-0.ndax", 67, (0.0, 655.4), (0.003304, 0.003347), 1),
    (BTS85, 252951, (0.0, 252946.0), (0.2008, 4.749), 1),
]


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def messages(dataset, code: str) -> str:
    return " ".join(finding.message for finding in findings(dataset.attrs) if finding.code == code)


def binary(data: bytes, name: str = "x.nda"):
    return [found.dataset for found in measurements(Source(Path(name), data=data))]


def nested(text: str | bytes):
    content = text.encode() if isinstance(text, str) else text
    return [found.dataset for found in measurements(Source(Path("x.csv"), data=content), format="neware-nested-csv")]


@pytest.mark.parametrize(("path", "rows", "time", "voltage", "cycles"), FILES, ids=lambda value: Path(str(value)).name)
def test_every_binary_file_reads_to_its_documented_numbers(corpus, path, rows, time, voltage, cycles):
    """Versions 29 and 130 of .nda, 11 to 17 of .ndax: each has another layout, and a wrong one reads as noise."""
    dataset = read(corpus / path)
    assert dataset.sizes["record"] == rows
    assert (dataset["test_time"].min(), dataset["test_time"].max()) == pytest.approx(time, abs=1e-4)
    assert (dataset["voltage"].min(), dataset["voltage"].max()) == pytest.approx(voltage, rel=5e-4)
    direction = np.sign(dataset["current"].values)
    flowing = direction[(direction != 0) & np.isin(dataset["step_type"], (0, 2, 3, 4))]
    assert 1 + np.count_nonzero(np.diff(flowing) > 0) == cycles


def test_current_and_charge_are_in_ampere(corpus):
    """A 5 Ah cell of LG (M50T) cycled at 1 C: in mA and mAh it would be the battery of a car."""
    dataset = read(corpus / M50T)
    assert float(np.abs(dataset["current"]).max()) == pytest.approx(5.0, rel=1e-3)
    discharged = dataset["vendor_capacity_discharge"].groupby(dataset["vendor_step"]).max().values
    whole = discharged[discharged > 2.0]  # the first discharge begins half way
    assert len(whole) == 7
    assert np.all((whole > 4.6) & (whole < 5.0))  # nominal 5 Ah at C/5, less at 1 C
    assert float(dataset["temperature"][0]) == pytest.approx(25.731, abs=1e-3)
    energy = dataset["vendor_energy_discharge"].groupby(dataset["vendor_step"]).max().values
    assert energy.sum() / discharged.sum() == pytest.approx(3.5, abs=0.15)  # mean voltage of the cell


def test_sign_of_current_follows_charge_and_discharge(corpus):
    """By convention charge is positive; Neware's step names say which is which."""
    dataset = read(corpus / HALF_CELL)
    current, kind = dataset["current"].values, dataset["step_type"].values
    assert current[kind == 2].min() > -1e-6
    assert current[kind == 3].max() < 1e-6
    assert np.abs(current[kind == 1]).max() < 1e-6


def test_cycles_are_those_that_the_cycler_stored(corpus):
    """The cycler counted 44 and 7 loops of its schedule; 54 and 8 are what BTSDA counts by direction afterwards."""
    assert int(read(corpus / HALF_CELL)["vendor_cycle"].max()) == 44
    assert int(read(corpus / M50T)["vendor_cycle"].max()) == 7


def test_a_file_without_cycles_gets_none_invented(corpus):
    """fastnda fills in a count of its own when the file has none, which is no count of the cycler."""
    dataset = read(corpus / PULSES)
    assert "vendor_cycle" not in dataset.variables
    assert "no-vendor-cycle" in codes(dataset)


@pytest.mark.parametrize("path", [M50T, HALF_CELL, SMALL, BTS9, BTS85])
def test_counters_agree_with_the_integral(corpus, path):
    """Within steps both are the same charge to 0.5 %; a wrong range of the current shows here first."""
    dataset = read(corpus / path)
    assert "charge-contradicts-counter" not in codes(dataset)
    inside = np.diff(dataset["vendor_step"].values) == 0
    current, time = dataset["current"].values, dataset["test_time"].values
    passed = (current[1:] + current[:-1]) / 2 * np.diff(time) * inside / 3600
    net = dataset["vendor_capacity_charge"].values - dataset["vendor_capacity_discharge"].values
    counted = np.diff(net) * inside
    assert np.abs(passed).sum() == pytest.approx(np.abs(counted).sum(), rel=5e-3)


def test_pulses_recorded_at_their_tips_are_noticed(corpus):
    """The record has two points per pulse, so its integral is three times the charge that the cycler counted."""
    assert "0.2998 A h by the counter and 0.9003 A h" in messages(read(corpus / PULSES), "charge-contradicts-counter")


def test_clock_pauses_and_steps_back_are_said(corpus):
    """A test that stood still for five hours, and dates that jump: neither may shift the time in the test."""
    dataset = read(corpus / BTS9)
    assert dataset.attrs["start_time"] == "2024-05-27T08:02:53.970"
    assert "17238.6 s longer" in messages(dataset, "test-paused")
    assert {"clock-goes-back", "unmapped-columns"} <= codes(read(corpus / BTS85))
    assert np.all(np.diff(read(corpus / BTS85)["test_time"]) >= 0)


def test_a_sensor_that_reads_zero_throughout_is_none(corpus):
    """The channel called temperature of this file is 0; the file also has one that is 24.8 'V'."""
    dataset = read(corpus / BTS85)
    assert "temperature" not in dataset
    assert "aux1_temperature_degC" in messages(dataset, "unmapped-columns")


def test_steps_of_several_kinds_are_not_guessed(corpus):
    """A CC-CV step is first one kind and then another; the file does not say where it turns."""
    dataset = read(corpus / M50T)
    assert "CCCV_Chg" in messages(dataset, "unmapped-step-types")
    assert set(np.unique(dataset["step_type"])) == {0, 1, 3}


def test_nothing_is_printed_and_zlib_stays_what_it_was(corpus, monkeypatch, capfd, caplog):
    """fastnda replaces zlib's functions for the whole process, which would change the errors of all other readers."""
    for name in [name for name in sys.modules if name.split(".")[0] == "fastnda"]:
        monkeypatch.delitem(sys.modules, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(corpus / PULSES)
    assert {zlib.decompress.__module__, zlib.decompressobj.__module__} == {"zlib"}
    assert not caplog.messages
    assert capfd.readouterr().err == ""


def test_without_fastnda_the_error_says_what_to_install(corpus, monkeypatch):
    """The package is optional; whoever lacks it needs one line to get on."""
    monkeypatch.setitem(sys.modules, "fastnda", None)
    with pytest.raises(MissingDependency, match=r"pip install 'interlayer\[neware\]'"):
        read(corpus / BTS7)


def test_archives_are_told_apart_by_content(corpus):
    """An .ndax file is a zip archive: its members say what it is, not its name; a zip that holds one is none."""
    data = (corpus / SMALL).read_bytes()
    assert match(Head(data[:65536], "x.zip")).name == "neware-ndax"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # stored, so that the inner members' names lie open
        archive.writestr("a.ndax", data)
        archive.writestr("b.nda", (corpus / BTS7).read_bytes())
    assert match(Head(buffer.getvalue()[:65536], "x.zip")).name == "zip"
    assert match(Head(b"NEWARE is a vendor of cyclers", "x.txt")) is None


def test_binary_files_in_a_zip_archive_are_read(corpus, tmp_path):
    """fastnda reads from disk by name, so members of an archive go through a file of their own."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.ndax", (corpus / SMALL).read_bytes())
        archive.writestr("b.nda", (corpus / BTS7).read_bytes())
    tree = read_tree(path)
    assert sorted(leaf.sizes["record"] for leaf in tree.leaves) == [84, 439]


@pytest.mark.parametrize(("path", "part"), [(BTS7, 0.9), (BTS9, 0.8)])
def test_a_file_cut_short_keeps_its_records_and_says_so(corpus, path, part):
    """fastnda reads what is there without a word; a test that seems to have ended early would be taken for one."""
    data = (corpus / path).read_bytes()
    whole, cut = binary(data)[0], binary(data[: int(part * len(data))])[0]
    assert "truncated-file" in codes(cut)
    assert "truncated-file" not in codes(whole)
    rows = cut.sizes["record"]
    assert 100 < rows < whole.sizes["record"]
    np.testing.assert_array_equal(cut["voltage"], whole["voltage"][:rows])


def test_bytes_lost_in_the_middle_are_noticed(corpus):
    """After a gap no record begins where it should; those that are lost have to be missed."""
    data = (corpus / BTS7).read_bytes()
    middle = 85385 + 200 * 86 + 40
    dataset = binary(data[:middle] + data[middle + 100 :])[0]
    assert dataset.sizes["record"] < 439
    assert "damaged-records" in codes(dataset)
    one_less = binary(data[: middle - 40] + data[middle + 46 :])[0]
    assert one_less.sizes["record"] == 438
    assert "missing-records" in codes(one_less)


def test_damage_is_an_error_that_says_what_to_do(corpus):
    """Half an archive, or one that unpacks to more than is allowed."""
    data = (corpus / SMALL).read_bytes()
    with pytest.raises(ParseError, match="archive is damaged"):
        measurements(Source(Path("x.ndax"), data=data[: len(data) // 2]), format="neware-ndax")
    with pytest.raises(LimitExceeded):
        measurements(Source(Path("x.ndax"), data=data, limits=Limits(expanded=10_000)))
    nda = bytearray((corpus / BTS7).read_bytes())
    nda[14] = 21
    with pytest.raises(UnsupportedContent, match="version 21"):
        measurements(Source(Path("x.nda"), data=bytes(nda)))


@pytest.mark.parametrize("path", [BTS7, SMALL])
def test_binary_files_survive_damage(corpus, survive, monkeypatch, path):
    """Any bytes give a record of the vocabulary or a ParseError of the reader's own."""
    monkeypatch.setattr("interlayer.parsers.neware_nda.CorruptFile", CorruptFile)
    data, draw = (corpus / path).read_bytes(), random.Random(3)

    def copies():
        for number in range(90):
            copy = bytearray(data)
            at = draw.randrange(len(copy))
            if number % 3 == 0:
                copy = copy[: max(at, 16)]
            elif number % 3 == 1:
                for _ in range(20):
                    copy[draw.randrange(16, len(copy))] = draw.randrange(256)
            else:
                copy = copy[:at] + copy[max(0, at - 300) :]
            yield bytes(copy)

    def one(copy):
        found = measurements(Source(Path(path), data=copy), format="neware-nda")
        return [measurement.dataset for measurement in found]

    read_well, refused = survive(one, copies())
    assert read_well > 5
    assert refused > 5


def test_nested_tables_are_read_as_one_record(corpus):
    """20 cycles of 81 steps in 9295 records: charge of the first and last cycle are those of the file's cycle rows."""
    dataset = read(corpus / NESTED)
    assert dataset.sizes["record"] == 9295
    assert int(dataset["vendor_cycle"].max()) == 20
    assert len(np.unique(dataset["vendor_step"])) == 81
    assert float(dataset["test_time"][-1]) == 27 * 3600 + 55 * 60 + 43
    assert dataset.attrs["start_time"] == "2026-03-06T12:37:25.000"
    by_cycle = dataset[["vendor_capacity_charge", "vendor_capacity_discharge"]].groupby(dataset["vendor_cycle"]).max()
    charge, discharge = by_cycle["vendor_capacity_charge"].values, by_cycle["vendor_capacity_discharge"].values
    assert (charge[0], charge[1], charge[19]) == pytest.approx((0.02256, 0.32780, 0.26738), abs=6e-6)
    assert (discharge[0], discharge[1], discharge[19]) == pytest.approx((0.33067, 0.33172, 0.26320), abs=6e-6)
    assert "charge-contradicts-counter" not in codes(dataset)
    kinds = dataset["step_type"].groupby(dataset["vendor_step"]).first().values
    assert [int(np.sum(kinds == kind)) for kind in (1, 2, 3)] == [41, 20, 20]


TEXT = (
    "Cycle Index,Chg. Cap.(Ah),DChg. Cap.(Ah)\n"
    ",Step Index,Step Number,Step Type,Step Time,Capacity(Ah)\n"
    ",,DataPoint,Time,Total Time,Current(A),Voltage(V),Capacity(Ah)\n"
    "1,0.002,0.001,1,1,CC Chg,01:00:00,0.00200\n"
    + "".join(f",,{k + 1},00:{10 * k:02}:00,00:{10 * k:02}:00,0.00240,3.{k}00,{0.0004 * k:.5f}\n" for k in range(6))
    + ",2,2,CC DChg,00:50:00,0.00200\n"
    + "".join(
        f",,{k + 7},00:{10 * k:02}:00,01:{10 * k:02}:00,-0.00240,3.{5 - k}00,{0.0004 * k:.5f}\n" for k in range(6)
    )
)


def test_locale_twins_of_a_nested_table_give_the_same():
    """BTSDA follows the PC: decimal commas with semicolons, tabs, CR LF, Windows' code page."""
    expected = nested(TEXT)[0]
    assert expected["vendor_capacity_discharge"].values[-1] == pytest.approx(0.002)
    german = TEXT.replace(",", ";").replace(".", ",").replace("Chg, Cap,", "Chg. Cap.")
    twins = [german, TEXT.replace(",", "\t"), TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT]
    for twin in [*twins, TEXT.encode("utf-16")]:
        dataset = nested(twin)[0]
        for name in expected.variables:
            np.testing.assert_allclose(
                dataset[name].values.astype(float), expected[name].values.astype(float), rtol=1e-12
            )
        card = match(Head(twin if isinstance(twin, bytes) else twin.encode(), "x.csv"))
        assert card.name == "neware-nested-csv"


def test_milliampere_in_a_nested_header_are_converted():
    """BTSDA lets one choose the units of the export; its header says which."""
    milli = TEXT.replace("Current(A)", "Current(mA)").replace("0.00240", "2.40")
    np.testing.assert_allclose(nested(milli)[0]["current"], nested(TEXT)[0]["current"], rtol=1e-12)


def test_damaged_rows_of_a_nested_table_name_their_line():
    """A broken record is left out, and the line of the file is where to look."""
    lines = TEXT.splitlines(keepends=True)
    lines[6] = ",,3,00:20:00,garbage\n"
    dataset = nested("".join(lines))[0]
    assert dataset.sizes["record"] == 11
    assert "line 7" in messages(dataset, "damaged-rows")


def test_a_nested_table_cut_short_keeps_what_is_whole():
    """A last row without its end is left out and said to be."""
    dataset = nested(TEXT[:-12])[0]
    assert dataset.sizes["record"] == 11
    assert {"truncated-row", "damaged-rows"} & codes(dataset)


def test_nested_tables_that_lack_what_is_needed_are_refused():
    """Without numbers of steps, or without any step or record, cycles would be made up."""
    with pytest.raises(UnsupportedContent, match="stepnumber"):
        nested(TEXT.replace("Step Number", "Other"))
    with pytest.raises(UnsupportedContent, match="voltage"):
        nested(TEXT.replace("Voltage(V)", "Pressure(bar)"))
    with pytest.raises(TruncatedFile):
        nested("".join(TEXT.splitlines(keepends=True)[:3]))
    with pytest.raises(TruncatedFile):
        nested("".join(TEXT.splitlines(keepends=True)[:4]))
    with pytest.raises(CorruptFile, match="whole number"):
        nested(TEXT.replace(",2,2,CC DChg", ",2,two,CC DChg"))


def test_nested_tables_survive_damage(corpus, survive):
    """Cut, flipped and shifted bytes give a record or a ParseError."""
    data, draw = (corpus / NESTED).read_bytes()[:40_000], random.Random(4)

    def copies():
        for number in range(45):
            copy, at = bytearray(data), draw.randrange(len(data))
            if number % 3 == 0:
                copy = copy[:at]
            elif number % 3 == 1:
                for _ in range(10):
                    copy[draw.randrange(len(copy))] = draw.randrange(256)
            else:
                copy = copy[:at] + copy[max(0, at - 700) :]
            yield bytes(copy)

    read_well, refused = survive(nested, copies())
    assert read_well > 10
    assert read_well + refused == 45
