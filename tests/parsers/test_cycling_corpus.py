"""Every cycling file of the corpus: its documented numbers, every row by a second reading, no false suspicion."""

from __future__ import annotations

import csv
import datetime
import math
import re
import struct
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from interlayer.parsers import ParseError, Source, UnsupportedContent, findings, measurements, schema

# Beginning of the path below cycling/, and the sentence of the corpus' own list: rows, time, voltage of the cell or the
# working electrode, vendor's cycles and half cycles. It prints the first time with 6 digits, the last with 8, the
# voltage with 4, and counts points of spectra among the rows.
DOCUMENTED = {
    "yadg/gcpl.mpr": "12057 rows; t 3205.08..1385603.7 s; V -0.1141..0.1137; half cycle 0..32",
    "yadg/gcpl.issue_149.mpr": "132 rows; t 30.153..659.9858 s; V 3.414..3.447; half cycle 0..7",
    "yadg/gcpl.issue_149.mpt": "132 rows; t 30.153..659.9858 s; V 3.414..3.447; cycle 0..3; half cycle 0..7",
    "yadg/gcpl.issue_211.mpr": "2767 rows; t 88246.5..116986.26 s; V -0.6001..0.5001; half cycle 0..9",
    "yadg/gcpl.issue_211.mpt": "2767 rows; t 88246.5..116986.26 s; V -0.6001..0.5001; cycle 0..4; half cycle 0..9",
    "yadg/gcpl.issue_175.mpr": "11399 rows; t 0..269881.24 s; V 2..4.2; half cycle 0..9",
    "yadg/gcpl.issue_230.mpr": "19025 rows; t 0..556286.57 s; V 2.7..4.3; half cycle 0..4",
    "yadg/gcpl.issue_226.I.mpr": "15 rows; t 0.0482..118.8656 s; V -0.2093..0.04765; half cycle 0..1",
    "yadg/gcpl.issue_226.I.mpt": "15 rows; t 0.0482..118.8656 s; V -0.2093..0.04765; cycle 0..0; half cycle 0..1",
    "yadg/gcpl.pr_182.1.mpr": "2533 rows; t 0..302518.95 s; V 0.003829..2.355; half cycle 0..8",
    "yadg/gcpl.pr_182.1.mpt": "2533 rows; t 0..302518.95 s; V 0.003829..2.355; cycle 0..4; half cycle 0..8",
    "yadg/mb.mpr": "1588 rows; t 1151.1..33990.744 s; V -0.003982..0.003984; half cycle 0..7",
    "yadg/mb.mpt": "1588 rows; t 1151.1..33990.744 s; V -0.003982..0.003984; cycle 0..3; half cycle 0..7",
    "yadg/mb.issue_218.mpr": "3564 rows; t 0..3561.2971 s; V -0.5911..0.0004687; half cycle 0..0",
    "yadg/mb.issue_223.mpr": "108 rows; t 0..179.0766 s; V 3.697..3.7; half cycle 0..0",
    "yadg/mb.issue_223.mpt": "108 rows; t 0..179.0766 s; V 3.697..3.7; cycle 0..0; half cycle 0..0",
    "yadg/mb.issue_149.mpr": "564 rows; t 95.822..799.3384 s; V 3.421..3.467; half cycle 0..0",
    "yadg/bcd.issue_241.mpr": "2550 rows; t 728076..799578.1 s; V 0.009903..1; half cycle 0..2",
    "yadg/bcd.issue_241.mpt": "2550 rows; t 728076..799578.1 s; V 0.009903..1; cycle 0..1; half cycle 0..2",
    "yadg/cp.issue_61.mpr": "312 rows; t 1557.3..1856.3326 s; V 1.663..2.2; half cycle 0..0",
    "yadg/cp.issue_61.mpt": "312 rows; t 1557.3..1856.3326 s; V 1.663..2.2; cycle 0..0; half cycle 0..0",
    "cellpy/20160805_test001_45_cc_01.res": "10261 rows; t 300.01..859077.24 s; V 0.04989..3.117; cycle 1..18",
    "cellpy/20200624_test001_cc_01.h5": "47 rows",
    "cellpy/20260302_IFE_BTS85": "252951 rows; t 0..252946 s; V 0.2008..4.749; cycle 1..1",
    "cellpy/biol.mpr": "23561 rows; t 0..76139.104 s; V 0.1234..0.9999; half cycle 0..0",
    "cellpy/custom_data_001.csv": "2444 rows; t 120..142455.05 s; V 1.14..3.4; cycle 1..6",
    "cellpy/maccor_002.txt": "7446 rows; t 0..3809.8418 s; V 0.0345..3.8; cycle 0..1",
    "cellpy/neware_uio.csv": "9065 rows; t 0..5220 s; V 0.05..2.957; cycle 1..4",
    "cellpy/nw_regular_export_ife_example.csv": "9396 rows",
    "cellpy/pec.csv": "16255 rows; t 1..323010.18 s; V 2494..3800; cycle 0..2",
    "cellpy/Test25195.csv": "19 rows; t 0.002..162.363 s; V 3.569..3.569; cycle 0..0",
    "cellpy/Test25205.csv": "489 rows; t 0.002..70918.98 s; V 0.06397..3.683; cycle 0..0",
    "cellpy/Test25209.csv": "281 rows; t 0.002..29768.1 s; V 3.753..3.754; cycle 0..0",
    "cellpy/custom_good_small.csv": "60 rows; t 120..3600.96 s; V 1.14..1.54; cycle 1..1",
    "cellpy/custom_missing_cycle.csv": "40 rows; t 120..3600.96 s; V 1.14..1.54; cycle 1..3",
    "cellpy/custom_nan_inf.csv": "60 rows; t 120..3600.96 s; cycle 1..1",
    "cellpy/maccor_one.txt": "4459 rows; t 0..123012.75 s; V 2.5..4.2; cycle 0..0",
    "NewareNDA/46_1_5_60_ZZZZZZZZTEST": "84 rows; t 0..80 s; V 2.798..3.068; cycle 1..1",
    "NewareNDA/ZZZZZZZZTEST.ndax": "301 rows; t 0..300 s; V -0.5388..1.117; cycle 1..1",
    "NewareNDA/test_2.ndax": "108563 rows; t 0..93207.6 s; V 0.1995..3.406; cycle 1..54",
    "NewareNDA/TestFile.nda": "6670 rows; t 0.01..72373.26 s; V 1.721..4.2; cycle 1..3",
    "NewareNDA/123456789012_Unit27": "301 rows; t 0..300 s; V 2.983..2.983; cycle 1..1",
    "NewareNDA/TESTCELL0001-B2-2025-M50T": "77745 rows; t 0..77704.2 s; V 2.499..4.2; cycle 1..8",
    "NewareNDA/TESTCELL0001-Test_Data_Collection_Ndc17": "80 rows; t 0..75 s; V 3.566..3.611; cycle 1..1",
    "NewareNDA/2-1-6_61_07005012.nda": "15567 rows; t 0.463075..3602.1175 s; V 3.967..4.088; cycle 1..1",
    "NewareNDA/new_nda_file.nda": "439 rows; t 0..721.6 s; V -0.101..-0.0849; cycle 1..2",
    "battery-data-format/SINTEF__LiGrR2032": "25162 rows; t 0.02..262657.76 s; V 0.01..2.921; cycle 1..2",
    "battery-data-format/DLR__LiLNMOHydra0b": "17860 rows; t 0..5.304317e+08 s; V 2.994..4.9",
    "battery-data-format/SINTEF__SLPBA842124HV": "13086 rows; t 0..125628.17 s; V 2.999..4.35; cycle 1..1",
    "battery-data-format/sample.bdf.csv": "3 rows; t 0..2 s; V 3.5..3.7",
    "battery-data-format/GCPL-0.mpr": "4 rows; t 0..2.8129999 s; V 3.515..3.515; half cycle 0..0",
    "battery-data-format/MB-0.mpr": "2 rows; t 0..9.9975997 s; V 1.489..1.489",
    "battery-data-format/MB-1.mpr": "13 rows; t 0..14.0002 s; V 4.395..4.395; half cycle 0..0",
    "battery-data-format/filetype14-0.ndax": "67 rows; t 0..655.4 s; V 0.003304..0.003347; cycle 1..1",
    "battery-data-format/mits7-0.res.gz": "8 rows; t 20.0004..141.2641 s; V 0.1303..0.1309; cycle 1..1",
    "PyProBE/sample_data_arbin.csv": "13 rows; t 30.0005..301.214 s; V 3.535..3.6; cycle 1..1",
    "PyProBE/sample_data_basytec.txt": "74 rows; t 0..70.235804 s; V 3.526..3.533; cycle 0..1",
    "PyProBE/Sample_data_biologic_01": "1397 rows; t 0..139.52401 s; V 3.485..3.518; cycle 0..0",
    "PyProBE/Sample_data_biologic_02": "1397 rows; t 225289..225428.31 s; V 2.813..3.337; cycle 0..0",
    "PyProBE/Sample_data_biologic_03": "1404 rows; t 255876..256016.11 s; V 2.984..3.063; cycle 0..0",
    "PyProBE/Sample_data_biologic_no_header": "13 rows; t 281672..281792.5 s; V 2.934..2.981; cycle 0..0",
    "PyProBE/Sample_data_biologic_timestamped": "8 rows; V 4.147..4.155; cycle 0..0",
    "PyProBE/sample_data_maccor.csv": "15 rows; t 0..13.06 s; V 3.668..3.716; cycle 1..1",
    "PyProBE/sample_data_novonix.csv": "210 rows",
    "battery-data-toolkit/arbin_example.csv": "2142 rows; t 0..6308.4823 s; V 2..3.6; cycle 1..2",
    "battery-data-toolkit/maccor_example.001": "8 rows; V 3.306..3.307; cycle 0..0",
    "battery-data-toolkit/maccor_example.002": "8 rows; V 3.306..3.307; cycle 0..0",
    "battery-data-toolkit/p492-13-raw.csv": "2021 rows; t 0..305712.5 s; V -3.787..4.102; cycle 1..9",
    "battery-data-toolkit/CALCE_CX2-33_prism_LCO_25C_0-100_0.5-0.5C_d_timeseries": (
        "15 rows; t 30.009..450.16 s; V 3.843..4.032; cycle 1..1"
    ),
}
# Where the list counts or names something else. Each difference is shown by a second reading of the file below.
INSTEAD = {
    # Two rows of separators are no records.
    "cellpy/custom_data_001.csv": "2442 rows; t 120..142455.05 s; V 1.14..3.4; cycle 1..6",
    # The list gives the time in the last of 32 steps; the test lasts 144:02:18.
    "cellpy/neware_uio.csv": "9065 rows; t 0..518538 s; V 0.05..2.957; cycle 1..4",
    # In minutes: the dates of the first and last row are 63.5 hours apart.
    "cellpy/maccor_002.txt": "7446 rows; t 0..228590.51 s; V 0.0345..3.8; cycle 0..1",
    # The list counts lines; 20 are cycles, 80 steps, and 9295 records.
    "cellpy/nw_regular_export_ife_example.csv": "9295 rows; t 0..100543 s; V 3.9..4.7; cycle 1..20",
    # In mV.
    "cellpy/pec.csv": "16255 rows; t 1..323010.18 s; V 2.494..3.8; cycle 0..2",
    # All voltages below 0 V are those of the 78 points of a spectrum.
    "battery-data-toolkit/p492-13-raw.csv": "2021 rows; t 0..305712.5 s; V 3..4.102; cycle 1..9",
    # The lines [Protocol], with its end, and [Data] are no records.
    "PyProBE/sample_data_novonix.csv": "207 rows; t 0..12287.48 s; V 3.843..4.129; cycle 1..1",
}
REFUSED = {"cellpy/custom_missing_column.csv": (UnsupportedContent, r"no column for \['voltage'\]")}
# Path, cycles, names of the columns of charge and discharge capacity (A h).
SUMMARIES = {
    "battery-data-toolkit/p492-13-summary.csv": (267, "Q_chg", "Q_dis"),
    "battery-data-toolkit/CALCE_CX2-33_prism_LCO_25C_0-100_0.5-0.5C_d_cycle_data": (
        9, "Charge_Capacity (Ah)", "Discharge_Capacity (Ah)",
    ),
}  # fmt: skip
# What is to be said beyond information, and why.
DOUBTED = {
    # Tests of seconds started anew under one number; the times of the second run back.
    "cellpy/20200624_test001_cc_01.h5": {"time-goes-back"},
    "cellpy/20260302_IFE_BTS85": {"clock-goes-back"},
    "NewareNDA/TestFile.nda": {"clock-goes-back"},
    # -inf, inf and nan in the voltage.
    "cellpy/custom_nan_inf.csv": {"missing-values", "infinite-values"},
    # No column of the state, and a current that is a magnitude.
    "PyProBE/sample_data_maccor.csv": {"inferred-current-sign"},
    # Two points for each pulse: the integral is three times what the cycler counted.
    "NewareNDA/2-1-6_61_07005012.nda": {"charge-contradicts-counter"},
    # The current is printed with a resolution of 0.1 mA, half of it.
    "battery-data-format/SINTEF__LiGrR2032": {"charge-contradicts-counter"},
    # Rows too far apart where the current is switched.
    "PyProBE/sample_data_arbin.csv": {"charge-contradicts-counter"},
    "battery-data-toolkit/p492-13-raw.csv": {"charge-contradicts-counter"},
    "battery-data-format/DLR__LiLNMOHydra0b": {"implausible-duration"},
    "battery-data-format/SINTEF__SLPBA842124HV": {"time-goes-back"},
    # Made up: 3.7, 3.6, 3.5 V at +0.1 A.
    "battery-data-format/sample.bdf.csv": {"current-contradicts-voltage"},
}

with (Path(__file__).parents[1] / "corpus.tsv").open(encoding="utf-8", newline="") as _file:
    LISTED = [row["path"] for row in csv.DictReader(_file, delimiter="\t") if row["path"].startswith("cycling/")]


def path_of(beginning: str) -> str:
    (path,) = [path for path in LISTED if path.startswith(f"cycling/{beginning}")]
    return path


def datasets(path: Path) -> list[xr.Dataset]:
    found = [measurement.dataset for measurement in measurements(Source(path))]
    for dataset in found:
        schema.check(dataset, provenance=True)
    return found


def records(path: Path) -> list[xr.Dataset]:
    return [dataset for dataset in datasets(path) if dataset.attrs["technique"] == "cycling"]


def record(path: Path) -> xr.Dataset:
    (found,) = records(path)
    return found


def codes(found: list[xr.Dataset], *severities: str) -> set[str]:
    said = [finding for dataset in found for finding in findings(dataset.attrs)]
    return {finding.code for finding in said if not severities or finding.severity in severities}


def test_no_file_of_the_corpus_is_left_out():
    """A file that no table names would be read by nobody; 72 are listed."""
    named = [path_of(beginning) for beginning in (*DOCUMENTED, *REFUSED, *SUMMARIES)]
    assert len(named) == len(set(named)) == 72
    assert set(named) == set(LISTED)


RANGE = re.compile(r"(half cycle|cycle|t|V) (-?[\d.]+(?:e\+\d+)?)\.\.(-?[\d.]+(?:e\+\d+)?)")
DIGITS = {"t": (6, 8), "V": (4, 4)}


def half_unit(printed: float, digits: int) -> float:
    """Return half a unit of the last of so many digits."""
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(printed))) + 1 - digits) if printed else 1e-12


def cycles_by_direction(dataset: xr.Dataset) -> tuple[int, int]:
    """Count cycles as the list does for Neware: a charge after a discharge opens one."""
    direction = np.sign(dataset["current"].values)
    flowing = direction[(direction != 0) & np.isin(dataset["step_type"], (0, 2, 3, 4))]
    return 1, 1 + int(np.count_nonzero(np.diff(flowing) > 0))


def spans(found: list[xr.Dataset]) -> dict[str, tuple[float, float]]:
    """Return what the list gives of all rows, those of spectra included."""
    voltage = [dataset.get("voltage_we", dataset.get("voltage", dataset.get("dc_potential"))) for dataset in found]
    columns = {
        "t": [dataset["test_time"] for dataset in found],
        "V": [values for values in voltage if values is not None],
    }
    counted = [dataset for dataset in found if dataset.attrs["technique"] == "cycling"]
    for name, ours in (("cycle", "vendor_cycle"), ("half cycle", "vendor_half_cycle")):
        columns[name] = [dataset[ours] for dataset in counted if ours in dataset]
    joined = {name: np.concatenate([c.values.ravel() for c in values]) for name, values in columns.items() if values}
    return {name: (float(np.nanmin(values)), float(np.nanmax(values))) for name, values in joined.items()}


@pytest.mark.parametrize("beginning", DOCUMENTED)
def test_every_file_has_its_documented_numbers(corpus, beginning):
    """Rows, times, voltages and cycles: what a merged, cut, shifted or misread table would change first."""
    path = corpus / path_of(beginning)
    found = datasets(path)
    documented = INSTEAD.get(beginning, DOCUMENTED[beginning])
    rows = sum(dataset.sizes.get("record", dataset.sizes.get("frequency")) for dataset in found)
    # The list counts 78 points of a spectrum of Battery Data Hub; a point at 0 Hz is none.
    assert rows == int(documented.partition(" rows")[0])
    found_spans = spans(found)
    if path.suffix in (".nda", ".ndax"):
        found_spans["cycle"] = cycles_by_direction(found[0])
    for name, *ends in RANGE.findall(documented):
        for printed, digits, value in zip(map(float, ends), DIGITS.get(name, (9, 9)), found_spans[name], strict=True):
            assert abs(value - printed) <= half_unit(printed, digits) * (1 + 1e-6), (name, printed, value)


@pytest.mark.parametrize("beginning", REFUSED)
def test_every_other_file_is_refused_with_the_reason(corpus, beginning):
    """No number is made of a file that lacks what it takes."""
    kind, reason = REFUSED[beginning]
    with pytest.raises(ParseError, match=reason) as refusal:
        datasets(corpus / path_of(beginning))
    assert type(refusal.value) is kind


@pytest.mark.parametrize("beginning", SUMMARIES)
def test_published_tables_of_cycles_have_their_numbers(corpus, beginning):
    """One row a cycle is no record; the list has 9 cycles for one of them, the file of the other 267 rows."""
    cycles, charge, discharge = SUMMARIES[beginning]
    path = corpus / path_of(beginning)
    columns = plain_columns(path, charge, discharge)
    (found,) = datasets(path)
    assert found.attrs["technique"] == "cycling_summary"
    assert found.sizes["cycle"] == cycles
    np.testing.assert_allclose(found["capacity_charge"], columns[charge], rtol=1e-12)
    np.testing.assert_allclose(found["capacity_discharge"], columns[discharge], rtol=1e-12)


@pytest.mark.parametrize("beginning", [*DOCUMENTED, *SUMMARIES])
def test_only_doubtful_files_are_doubted(corpus, beginning):
    """Warnings that come with every file are read by nobody."""
    found = datasets(corpus / path_of(beginning))
    assert codes(found, "warning", "error") == DOUBTED.get(beginning, set())


# Every row by a second reading ---------------------------------------------------------------------------------------


def seconds_of(text: str) -> float:
    """Read 5.25, 01:02:03.5 and '1d 10:10:12.75' by the plainest means."""
    days, _, clock = text.strip().rpartition("d ")
    parts = [float(part) for part in clock.split(":")]
    return 86400.0 * float(days or 0) + sum(part * 60.0**power for power, part in enumerate(reversed(parts)))


@dataclass(frozen=True)
class Raw:
    """How a text file says time, voltage and current: names of its columns, and their units in s, V and A."""

    time: str
    voltage: str
    current: str
    units: tuple[float, float, float] = (1.0, 1.0, 1.0)
    delimiter: str = ","
    decimal: str = "."
    state: str | None = None
    states: dict[str, float] = field(default_factory=dict)


MACCOR = {"C": 1.0, "D": -1.0, "R": 0.0}
NEWARE = "Current(A)"
BTLAB = {"delimiter": "\t", "units": (1.0, 1.0, 1e-3)}
RAW = {
    "yadg/gcpl.issue_149.mpt": Raw("time/s", "Ewe/V", "<I>/mA", decimal=",", **BTLAB),
    "yadg/gcpl.issue_211.mpt": Raw("time/s", "Ewe/V", "<I>/mA", **BTLAB),
    "yadg/gcpl.issue_226.I.mpt": Raw("time/s", "Ewe/V", "<I>/mA", **BTLAB),
    "yadg/gcpl.pr_182.1.mpt": Raw("time/s", "Ewe/V", "<I>/mA", **BTLAB),
    "yadg/bcd.issue_241.mpt": Raw("time/s", "Ecell/V", "I/mA", **BTLAB),
    "yadg/cp.issue_61.mpt": Raw("time/s", "<Ewe>/V", "I/mA", **BTLAB),
    "PyProBE/Sample_data_biologic_01": Raw("time/s", "Ecell/V", "I/mA", **BTLAB),
    "PyProBE/Sample_data_biologic_02": Raw("time/s", "Ecell/V", "I/mA", **BTLAB),
    "PyProBE/Sample_data_biologic_03": Raw("time/s", "Ecell/V", "I/mA", **BTLAB),
    "PyProBE/Sample_data_biologic_no_header": Raw("time/s", "Ecell/V", "I/mA", **BTLAB),
    "cellpy/custom_data_001.csv": Raw("test_time", "voltage", "current", delimiter=";"),
    "cellpy/custom_good_small.csv": Raw("test_time", "voltage", "current", delimiter=";"),
    "cellpy/custom_missing_cycle.csv": Raw("test_time", "voltage", "current", delimiter=";"),
    "cellpy/custom_nan_inf.csv": Raw("test_time", "voltage", "current", delimiter=";"),
    "cellpy/neware_uio.csv": Raw("Cumulative Time", "Voltage(V)", NEWARE),
    "cellpy/maccor_one.txt": Raw("TestTime", "Volts", "Amps", delimiter="\t", state="State", states=MACCOR),
    "cellpy/maccor_002.txt": Raw(
        "TestTime", "Voltage [V]", "Current [A]", (60.0, 1.0, 1.0), "\t", state="Md", states=MACCOR
    ),
    "battery-data-toolkit/maccor_example.001": Raw("Test (Min)", "Volts", "Amps", (60.0, 1.0, 1.0), "\t"),
    "battery-data-toolkit/maccor_example.002": Raw("Test (Min)", "Volts", "Amps", (60.0, 1.0, 1.0), "\t"),
    "PyProBE/sample_data_maccor.csv": Raw("Test Time (sec)", "Voltage", "Current"),
    "cellpy/pec.csv": Raw("Total Time (Seconds)", "Voltage (mV)", "Current (mA)", (1.0, 1e-3, 1e-3)),
    "cellpy/Test25195.csv": Raw("Total Time (Hours in hh:mm:ss.xxx)", "Voltage (V)", "Current (A)"),
    "cellpy/Test25205.csv": Raw("Total Time (Hours in hh:mm:ss.xxx)", "Voltage (V)", "Current (A)"),
    "cellpy/Test25209.csv": Raw("Total Time (Hours in hh:mm:ss.xxx)", "Voltage (V)", "Current (A)"),
    "battery-data-format/SINTEF__LiGrR2032": Raw("test_time_s", "voltage_V", "current_A"),
    "battery-data-format/DLR__LiLNMOHydra0b": Raw("test_time_second", "voltage_volt", "current_ampere"),
    "battery-data-format/SINTEF__SLPBA842124HV": Raw("test_time_second", "voltage_volt", "current_ampere"),
    "battery-data-format/sample.bdf.csv": Raw("Test Time / s", "Voltage / V", "Current / A"),
    "PyProBE/sample_data_arbin.csv": Raw("Test Time (s)", "Voltage (V)", "Current (A)"),
    "PyProBE/sample_data_basytec.txt": Raw("~Time[s]", "U[V]", "I[A]", delimiter="\t"),
    "PyProBE/sample_data_novonix.csv": Raw("Run Time (h)", "Potential (V)", "Current (A)", (3600.0, 1.0, 1.0)),
    "battery-data-toolkit/arbin_example.csv": Raw("Test_Time", "Voltage", "Current"),
    "battery-data-toolkit/CALCE_CX2-33_prism_LCO_25C_0-100_0.5-0.5C_d_timeseries": Raw(
        "Test_Time (s)", "Voltage (V)", "Current (A)"
    ),
}


def table(path: Path, raw: Raw) -> dict[str, list[str]]:
    """Return the columns of a table as text: from the row that has all names on, rows without a voltage left out."""
    lines = list(csv.reader(path.read_text(encoding="cp1252").splitlines(), delimiter=raw.delimiter))
    wanted = [name for name in (raw.time, raw.voltage, raw.current, raw.state) if name]
    head = next(at for at, row in enumerate(lines) if set(wanted) <= {name.strip() for name in row})
    names = [name.strip() for name in lines[head]]
    rows = [row for row in lines[head + 1 :] if len(row) > names.index(raw.voltage) and row[names.index(raw.time)]]
    return {name: [row[names.index(name)] for row in rows] for name in wanted}


def number(text: str, decimal: str) -> float:
    return float(text.replace(decimal, ".") or "nan")


@pytest.mark.parametrize("beginning", RAW)
def test_every_row_is_that_of_a_second_reading(corpus, beginning):
    """Times, voltages and currents of all rows against the text between the delimiters, float by float."""
    raw = RAW[beginning]
    columns = table(corpus / path_of(beginning), raw)
    time, volt, ampere = raw.units
    wanted_time = np.array([seconds_of(text.replace(raw.decimal, ".")) * time for text in columns[raw.time]])
    voltage = np.array([number(text, raw.decimal) * volt for text in columns[raw.voltage]])
    current = np.array([number(text, raw.decimal) * ampere for text in columns[raw.current]])
    if raw.state:
        assert (current >= 0).all()
        current = current * [raw.states[state.strip()] for state in columns[raw.state]]
    found = record(corpus / path_of(beginning))
    ours = found.get("voltage_we", found["voltage"]).values
    np.testing.assert_allclose(found["test_time"].values, wanted_time, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(ours, np.where(np.isfinite(voltage), voltage, np.nan), rtol=1e-12)
    np.testing.assert_allclose(found["current"].values, current, rtol=1e-12, atol=0)


# What the list says of single files ----------------------------------------------------------------------------------

TIME_BUG = "battery-data-format/SINTEF__SLPBA842124HV"


def plain_columns(path: Path, *names: str) -> dict[str, np.ndarray]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def test_the_current_that_the_list_calls_an_outlier_is_a_step(corpus):
    """-59.46 A is the last of five discharge rates, held for 53 rows; a filter of outliers would delete a rate."""
    columns = plain_columns(corpus / path_of(TIME_BUG), "current_ampere", "step_index")
    current, step = columns["current_ampere"], columns["step_index"]
    fastest = step[np.argmin(current)]
    held = current[step == fastest]
    assert np.count_nonzero(np.abs(held / held.min() - 1) < 1e-4) > 0.9 * len(held) > 50
    assert "current-outlier" not in codes(records(corpus / path_of(TIME_BUG)))


def test_the_nineteen_times_that_go_back_are_single_rows(corpus):
    """At 19 starts of a step one row says 0 s and the next goes on; rows keep their order, and it is said."""
    columns = plain_columns(corpus / path_of(TIME_BUG), "test_time_second", "step_index")
    time, step = columns["test_time_second"], columns["step_index"]
    back = np.flatnonzero(np.diff(time) < 0) + 1
    assert len(back) == 19
    assert (time[back] == 0).all()
    assert (np.diff(step)[back - 1] != 0).all()
    found = record(corpus / path_of(TIME_BUG))
    (said,) = [finding for finding in findings(found.attrs) if finding.code == "time-goes-back"]
    assert "in 19 places" in said.message


def test_the_cell_of_four_ampere_hours_has_four_milliampere_hours(corpus):
    """The list says 4.25 A h; charging at 0.425 mA for hours moves 4 mA h, and EC-Lab's setting is 4.25 mA.h."""
    found = record(corpus / path_of("yadg/gcpl.issue_230.mpr"))
    assert found.attrs["nominal_capacity"] == pytest.approx(4.25e-3, rel=1e-6)
    assert np.ptp(found["charge"].values) < 10e-3


def test_the_current_of_fifty_nanoampere_is_fifty_microampere(corpus):
    """Range 5 is 5 mA in 1e-4 mA a count (NewareNDA, dicts.py, multiplier_dict); 505 counts are 50.5 uA."""
    data = (corpus / path_of("NewareNDA/new_nda_file.nda")).read_bytes()
    rows = [data[at : at + 86] for at in range(data.index(b"\x55\x00\x01\0\0\0"), len(data) - 86, 86)]
    rows = [row for row in rows if row[:2] == b"\x55\x00"]
    assert {struct.unpack("<i", row[78:82])[0] for row in rows} == {5}
    counts = [struct.unpack("<i", row[26:30])[0] for row in rows]
    assert (min(counts), max(counts)) == (-505, 505)
    current = record(corpus / path_of("NewareNDA/new_nda_file.nda"))["current"].values
    assert (current.min(), current.max()) == pytest.approx((-50.5e-6, 50.5e-6), rel=1e-6)


@pytest.mark.parametrize(("beginning", "cycles"), [
    ("NewareNDA/test_2.ndax", (1, 44)), ("NewareNDA/TESTCELL0001-B2", (1, 7)), ("NewareNDA/TestFile.nda", (1, 3)),
    ("NewareNDA/new_nda_file.nda", (1, 1)), ("cellpy/20260302_IFE_BTS85", (1, 1)),
])  # fmt: skip
def test_loops_of_a_neware_schedule_are_kept_apart_from_cycles(corpus, beginning, cycles):
    """The cycler stored 44 and 7 loops; the list's 54 and 8 are counted from the direction of the current."""
    found = record(corpus / path_of(beginning))
    assert (int(found["vendor_cycle"].min()), int(found["vendor_cycle"].max())) == cycles


def test_a_charge_alone_has_no_negative_current(corpus):
    """The BTS 8.5 file only charges; its channel of a temperature with the unit '?' is left out and named."""
    found = record(corpus / path_of("cellpy/20260302_IFE_BTS85"))
    assert float(found["current"].min()) == 0.0
    assert "temperature" not in found
    assert "unmapped-columns" in codes([found])


def test_a_time_in_steps_is_no_time_in_the_test(corpus):
    """Neware's column Time restarts 31 times and ends at 5220 s; as time in the test it folds six days into one."""
    columns = table(corpus / path_of("cellpy/neware_uio.csv"), Raw("Time", "Voltage(V)", NEWARE))
    step_time = np.array([seconds_of(text) for text in columns["Time"]])
    assert (np.count_nonzero(np.diff(step_time) < 0), step_time[-1]) == (31, 5220.0)
    assert (np.diff(record(corpus / path_of("cellpy/neware_uio.csv"))["test_time"]) >= 0).all()


def test_a_nested_table_has_records_of_steps_of_cycles(corpus):
    """20 cycles, 81 steps, 9295 records, each a field further to the right; the first step is in the first row."""
    lines = (corpus / path_of("cellpy/nw_regular")).read_text(encoding="cp1252").splitlines()[3:]
    indents = [len(line) - len(line.lstrip(",")) for line in lines]
    assert [indents.count(depth) for depth in (0, 1, 2)] == [20, 81 - 1, 9295]
    times, volts = zip(*((row[4], row[6]) for row in csv.reader(lines) if not row[1]), strict=True)
    found = record(corpus / path_of("cellpy/nw_regular"))
    np.testing.assert_allclose(found["voltage"], [float(volt) for volt in volts], rtol=1e-12)
    np.testing.assert_allclose(found["test_time"], [seconds_of(time) for time in times], atol=1e-9)


def test_minutes_of_a_bare_time_are_those_of_the_dates(corpus):
    """maccor_002's TestTime ends at 3809.84: its dates say that this is 63.5 hours."""
    raw = Raw("DPT Time", "Voltage [V]", "Current [A]", delimiter="\t")
    stamps = table(corpus / path_of("cellpy/maccor_002.txt"), raw)["DPT Time"]
    first, last = (datetime.datetime.strptime(stamps[at], "%m/%d/%Y %I:%M:%S %p") for at in (0, -1))
    assert np.ptp(record(corpus / path_of("cellpy/maccor_002.txt"))["test_time"].values) == pytest.approx(
        (last - first).total_seconds(), abs=2.0
    )


def test_rows_of_the_novonix_file_follow_its_mark(corpus):
    """210 lines behind [Protocol]'s end are its mark, [Data], the names and 207 records."""
    lines = (corpus / path_of("PyProBE/sample_data_novonix.csv")).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) - lines.index("[Data]") - 2 == 207


def test_points_of_a_spectrum_among_the_records_are_no_outliers_of_the_voltage(corpus):
    """All rows of Battery Data Hub below 0 V, the list's -3.787 V, bear a frequency: 78 rows of one spectrum."""
    columns = plain_columns(corpus / path_of("battery-data-toolkit/p492-13-raw.csv"), "Frequency_Hz", "Voltage_V")
    swept = columns["Frequency_Hz"] > 0
    assert np.count_nonzero(swept) == 78
    assert (swept[columns["Voltage_V"] < 0]).all()
    found = datasets(corpus / path_of("battery-data-toolkit/p492-13-raw.csv"))
    assert float(next(d for d in found if "voltage" in d)["voltage"].min()) > 2.9


def test_a_current_of_two_steps_of_its_resolution_is_kept_as_it_is(corpus):
    """Landt printed 0.1 mA steps for a cell of 0.2 mA: nothing lies between, and the counters are said to differ."""
    found = record(corpus / path_of("battery-data-format/SINTEF__LiGrR2032"))
    steps = found["current"].values / 1e-4
    assert set(np.rint(steps)) == {-2.0, 0.0, 2.0}
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)


def test_times_a_thousandfold_are_kept_and_denounced(corpus):
    """DLR's published reference lasts 16.8 years, so its C/20 would be C/20000; nothing else in the file says so."""
    found = record(corpus / path_of("battery-data-format/DLR__LiLNMOHydra0b"))
    (said,) = [finding for finding in findings(found.attrs) if finding.code == "implausible-duration"]
    assert (said.severity, "16.8 years" in said.message) == ("error", True)


def test_dates_in_the_column_of_the_time_become_seconds(corpus):
    """BT-Lab's 'time/s' can hold dates: differences of the stamps of the file, to the millisecond."""
    raw = Raw("time/s", "Ecell/V", "I/mA", **BTLAB)
    path = corpus / path_of("PyProBE/Sample_data_biologic_timestamped")
    columns = table(path, raw)
    stamps = [datetime.datetime.strptime(text, "%m/%d/%Y %H:%M:%S.%f") for text in columns["time/s"]]
    found = record(path)
    seconds = [(stamp - stamps[0]).total_seconds() for stamp in stamps]
    np.testing.assert_allclose(found["test_time"], seconds, atol=1e-6)
    np.testing.assert_allclose(found["current"], [float(text) * 1e-3 for text in columns["I/mA"]], rtol=1e-12)


def test_three_parts_of_one_test_follow_each_other(corpus):
    """Their times count from the common start, 62.6 h and 71.1 h later; headers of 103, 103 and 96 lines."""
    parts = [record(corpus / path_of(f"PyProBE/Sample_data_biologic_0{part}")) for part in (1, 2, 3)]
    assert all(one["test_time"].values[-1] < other["test_time"].values[0] for one, other in pairwise(parts))
    lines = [
        (corpus / path_of(f"PyProBE/Sample_data_biologic_0{part}")).read_bytes().splitlines() for part in (1, 2, 3)
    ]
    heads = [next(at for at, line in enumerate(rows) if b"time/s\t" in line) for rows in lines]
    assert [head + 1 + part.sizes["record"] for head, part in zip(heads, parts, strict=True)] == [
        len(rows) for rows in lines
    ]


def test_a_missing_cycle_leaves_a_gap_that_is_not_closed(corpus):
    """cellpy's file has cycles 1 and 3: renumbered, the third would be compared with the second of its neighbour."""
    assert set(record(corpus / path_of("cellpy/custom_missing_cycle.csv"))["vendor_cycle"].values) == {1, 3}


def test_bad_voltages_are_missing_and_the_rest_is_that_of_the_good_twin(corpus):
    """inf, -inf and nan in three rows; nothing else differs from the good file."""
    bad, good = (record(corpus / path_of(f"cellpy/custom_{name}.csv")) for name in ("nan_inf", "good_small"))
    wrong = np.isnan(bad["voltage"].values)
    assert np.count_nonzero(wrong) == 3
    for name in ("test_time", "voltage", "current", "vendor_cycle", "vendor_step"):
        np.testing.assert_array_equal(bad[name].values[~wrong], good[name].values[~wrong])
    np.testing.assert_array_equal(bad["test_time"], good["test_time"])


def test_the_tests_of_an_arbin_h5_file_have_its_47_rows(corpus):
    """cellpy counts len(raw) == 47 (tests/test_arbin_sql_h5.py); they are three tests, each with times of its own."""
    found = records(corpus / path_of("cellpy/20200624_test001_cc_01.h5"))
    assert [dataset.sizes["record"] for dataset in found] == [2, 11, 34]
