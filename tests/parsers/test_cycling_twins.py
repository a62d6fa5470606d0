"""Records that exist twice: one run in two files gives the same numbers, to the last digit that both write."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from interlayer.parsers import Source, measurements

GCPL = ("gcpl.issue_149", "gcpl.issue_211", "gcpl.issue_226.I", "gcpl.pr_182.1")
TWINS = (*GCPL, "mb", "mb.issue_223", "bcd.issue_241", "cp.issue_61")
# Ours, and names under which EC-Lab exports it, with the factor to our unit.
EXPORTED = (
    ("test_time", ("time/s",), 1.0),
    ("voltage", ("Ewe-Ece/V", "Ewe/V", "Ecell/V", "<Ewe>/V"), 1.0),
    ("current", ("<I>/mA", "I/mA"), 1e-3),
    ("vendor_charge", ("(Q-Qo)/mA.h",), 1e-3),
    ("vendor_charge", ("(Q-Qo)/C",), 1 / 3600),
    ("vendor_capacity_charge", ("Q charge/mA.h",), 1e-3),
    ("vendor_capacity_discharge", ("Q discharge/mA.h",), 1e-3),
    ("vendor_half_cycle", ("half cycle",), 1.0),
    ("vendor_cycle", ("cycle number",), 1.0),
    ("vendor_step", ("Ns",), 1.0),
)
SINGLE = 2.0**-24
"""Half a unit of the last bit of a number in single precision, as EC-Lab stores potentials."""


def found(data: bytes, name: str) -> list[xr.Dataset]:
    return [measurement.dataset for measurement in measurements(Source(Path(name), data=data))]


def record(path: Path) -> xr.Dataset:
    return next(ds for ds in found(path.read_bytes(), path.name) if ds.attrs["technique"] == "cycling")


class Export:
    """The rows of a text export of EC-Lab that are no points of a spectrum, by the plainest means."""

    def __init__(self, path: Path) -> None:
        lines = path.read_bytes().decode("cp1252").splitlines()
        head = next(at for at, line in enumerate(lines) if "time/s" in line.split("\t"))
        self.names = lines[head].split("\t")
        rows = [line.replace(",", ".").split("\t") for line in lines[head + 1 :] if line]
        swept = self.names.index("freq/Hz") if "freq/Hz" in self.names else None
        self.rows = [row for row in rows if swept is None or float(row[swept]) == 0]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def texts(self, name: str) -> list[str]:
        return [row[self.names.index(name)] for row in self.rows]

    def column(self, name: str) -> np.ndarray:
        return np.array([float(text) for text in self.texts(name)])

    def half_units(self, name: str) -> np.ndarray:
        """Return half a unit of the last digit of each number."""
        values = self.column(name)
        digits = np.array([len(re.sub(r"\D", "", text.upper().partition("E")[0])) for text in self.texts(name)])
        exponent = np.floor(np.log10(np.abs(values), where=values != 0, out=np.zeros(len(values))))
        return np.where(values != 0, 0.5 * 10.0 ** (exponent + 1 - digits), 0.0)


# EC-Lab's two files of one run --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("kind", [".mpr", ".mpt"])
def test_both_files_of_a_run_hold_what_ec_lab_exported(corpus, name, kind):
    """Every row of every column within half a unit of its last digit: 8 where singles are stored, 16 for doubles."""
    export = Export(corpus / f"cycling/yadg/{name}.mpt")
    ours = record(corpus / f"cycling/yadg/{name}{kind}")
    assert ours.sizes["record"] == len(export.rows)
    held = 0
    for variable, names, factor in EXPORTED:
        title = next((title for title in names if title in export), None)
        if title is None or variable not in ours:
            continue
        values, printed, unit = ours[variable].values, export.column(title), export.half_units(title)
        if title == "Ewe-Ece/V":  # a difference of two singles is worse than its own digits
            for part in ("Ewe/V", "Ece/V"):
                unit = unit + SINGLE * np.abs(export.column(part)) + export.half_units(part)
        allowed = unit * factor * (1 + 1e-6) + 1e-14 * np.abs(printed * factor)
        assert (np.abs(values - printed * factor) <= allowed).all(), title
        held += 1
    assert held >= 8


@pytest.mark.parametrize("name", TWINS)
def test_both_files_of_a_run_give_one_record(corpus, name):
    """What is in both agrees to 1e-9 of the largest value, or to the 8 digits in which singles are exported."""
    binary, text = (record(corpus / f"cycling/yadg/{name}{kind}") for kind in (".mpr", ".mpt"))
    # EC-Lab computes energies when it exports.
    assert set(binary.variables) ^ set(text.variables) <= {"vendor_energy_charge", "vendor_energy_discharge"}
    for variable in set(binary.variables) & set(text.variables):
        left, right = binary[variable].values, text[variable].values
        if left.dtype.kind == "M":
            assert np.abs((left - right).astype(int)).max() <= 1  # ns
            continue
        single = variable.startswith("voltage") or name == "cp.issue_61" or (variable == "current" and name not in GCPL)
        tolerance = 6e-8 if single else 1e-9
        np.testing.assert_allclose(left, right, rtol=0, atol=tolerance * np.abs(right).max(), err_msg=variable)


@pytest.mark.parametrize("name", GCPL)
def test_current_from_charge_increments_is_the_exported_current(corpus, name):
    """GCPL files store no current: dq 3600/dt is the exported <I>, in all digits that the times have."""
    export = Export(corpus / f"cycling/yadg/{name}.mpt")
    time, charge, printed = (export.column(title) for title in ("time/s", "dq/mA.h", "<I>/mA"))
    passed = np.diff(time) > 0
    assert np.count_nonzero(passed) > 0.9 * len(passed)
    interval, last = np.diff(time)[passed], np.flatnonzero(passed) + 1
    derived = charge[last] * 3600 / interval
    # What the digits of both times, of the charge and of the current leave open, and the arithmetic.
    unit = {title: export.half_units(title) for title in ("time/s", "dq/mA.h", "<I>/mA")}
    clock = unit["time/s"] + np.spacing(time)
    allowed = np.abs(derived) * ((clock[last] + clock[last - 1]) / interval + 1e-15)
    allowed += unit["dq/mA.h"][last] * 3600 / interval + unit["<I>/mA"][last]
    assert (np.abs(derived - printed[last]) <= allowed * (1 + 1e-6)).all()
    assert np.median(allowed[derived != 0] / np.abs(derived[derived != 0])) < 1e-10
    ours = record(corpus / f"cycling/yadg/{name}.mpr")["current"].values
    np.testing.assert_allclose(ours, printed * 1e-3, rtol=1e-12, atol=1e-12 * np.abs(printed).max() * 1e-3)
    assert np.count_nonzero(printed) > 0.25 * len(printed)


@pytest.mark.parametrize("kind", [".mpr", ".mpt"])
def test_charge_that_counts_anew_with_each_sequence_is_summed_once(corpus, kind):
    """Chronopotentiometry's dQ counts from the start of its sequence: summed over rows 0.16 A h would be 2.6 A h."""
    export = Export(corpus / "cycling/yadg/cp.issue_61.mpt")
    assert (np.diff(export.column("dQ/C"))[np.diff(export.column("Ns")) == 0] > 0).all()
    passed = np.ptp(export.column("(Q-Qo)/C")) / 3600
    ours = record(corpus / f"cycling/yadg/cp.issue_61{kind}")
    assert np.ptp(ours["charge"].values) == pytest.approx(passed, rel=2e-3)
    assert float(np.ptp(ours["vendor_charge"].values)) == pytest.approx(passed, rel=1e-6)


@pytest.mark.parametrize("name", TWINS)
def test_exported_cycle_is_half_of_the_half_cycle(corpus, name):
    """Half cycles may jump from 0 to 2; a cycle counted anew would be another one than EC-Lab shows."""
    export = Export(corpus / f"cycling/yadg/{name}.mpt")
    assert np.array_equal(export.column("cycle number"), export.column("half cycle") // 2)
    for kind in (".mpr", ".mpt"):
        ours = record(corpus / f"cycling/yadg/{name}{kind}")
        assert np.array_equal(ours["vendor_cycle"], export.column("half cycle") // 2)
        assert np.array_equal(ours["vendor_half_cycle"], export.column("half cycle"))


def test_every_binary_file_counts_two_half_cycles_a_cycle(corpus):
    """Of those without a text twin as well."""
    counted = [record(path) for path in sorted(corpus.glob("cycling/*/*.mpr"))]
    counted = [ds for ds in counted if "vendor_half_cycle" in ds]
    assert len(counted) == 16
    assert all(np.array_equal(ds["vendor_cycle"], ds["vendor_half_cycle"] // 2) for ds in counted)


# One record, as other PCs would have exported it -------------------------------------------------------------------

NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?$")
CLOCKED = re.compile(r"^([\d/ ]*\d+:\d\d:\d\d)\.(\d+)$")
TEXTS = {
    "battery-data-toolkit/arbin_example.csv": ",",
    "battery-data-toolkit/CALCE_CX2-33_prism_LCO_25C_0-100_0.5-0.5C_d_timeseries.csv": ",",
    "PyProBE/sample_data_arbin.csv": ",",
    "battery-data-format/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv": ",",
    "battery-data-format/SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug.bdf.csv": ",",
    "cellpy/neware_uio.csv": ",",
    "cellpy/nw_regular_export_ife_example.csv": ",",
    "cellpy/custom_good_small.csv": ";",
    "cellpy/maccor_one.txt": "\t",
    "cellpy/maccor_002.txt": "\t",
    "battery-data-toolkit/maccor_example.001": "\t",
    "cellpy/pec.csv": ",",
    "cellpy/Test25205.csv": ",",
    "PyProBE/sample_data_basytec.txt": "\t",
    "PyProBE/sample_data_novonix.csv": ",",
    "PyProBE/Sample_data_biologic_01_MB_CA1.txt": "\t",
    "yadg/gcpl.issue_226.I.mpt": "\t",
}
LINES = 600
"""Of each file, that its copies are read in little time."""


def beginning(path: Path) -> str:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return "".join(f"{line}\n" for line in text.splitlines()[:LINES])


def rewritten(text: str, delimiter: str, to: str, field: Callable[[str], str]) -> str:
    """Return a table with another delimiter, and its fields changed; lines of text above it keep theirs."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=to, lineterminator="\n")
    for line in text.splitlines():
        if line.startswith("{"):  # Novonix' protocol
            out.write(f"{line}\n")
            continue
        writer.writerow([field(entry) for entry in next(csv.reader([line], delimiter=delimiter), [""])])
    return out.getvalue()


def comma(entry: str) -> str:
    return entry.replace(".", ",") if NUMBER.match(entry.strip()) else CLOCKED.sub(r"\1,\2", entry)


def grouped(entry: str) -> str:
    """Return 1234.5 as 1,234.5, and all else as it is."""
    whole, point, rest = entry.partition(".")
    return f"{int(whole):,}{point}{rest}" if re.fullmatch(r"-?\d{4,7}", whole) and NUMBER.match(entry) else entry


def grouped_with_points(entry: str) -> str:
    return grouped(entry).translate(str.maketrans(".,", ",."))


COPIES: dict[str, Callable[[str, str], bytes]] = {
    "decimal comma": lambda text, mark: rewritten(text, mark, ";" if mark == "," else mark, comma).encode(),
    "decimal comma, tabs": lambda text, mark: rewritten(text, mark, "\t", comma).encode(),
    "utf-16": lambda text, mark: text.encode("utf-16"),
    "utf-8 with mark": lambda text, mark: text.encode("utf-8-sig"),
    "carriage returns": lambda text, mark: text.replace("\n", "\r\n").encode(),
    "no line end": lambda text, mark: text.rstrip("\n").encode(),
    "compressed": lambda text, mark: gzip.compress(text.encode()),
}


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    assert set(one.variables) == set(other.variables)
    for variable in one.variables:
        left, right = one[variable].values, other[variable].values
        if left.dtype.kind == "M":
            assert np.array_equal(left, right, equal_nan=True), variable
        else:
            np.testing.assert_allclose(right, left, rtol=1e-9, atol=0, err_msg=variable)


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("path", TEXTS, ids=lambda path: Path(path).name[:40])
def test_copies_of_other_locales_and_encodings_read_the_same(corpus, path, copy):
    """The delimiter, the decimal mark, the encoding and the line end are the PC's, not the cell's."""
    name = Path(path).name
    text = beginning(corpus / f"cycling/{path}")
    data = COPIES[copy](text, TEXTS[path])
    (whole,) = found(text.encode(), name)
    (twin,) = found(data, f"{name}.gz" if copy == "compressed" else name)
    same(whole, twin)
    assert twin.attrs["format"] == whole.attrs["format"]


THOUSANDS = ("arbin_example", "CALCE", "SINTEF__SLPBA", "sample_data_novonix", "pec.csv")


@pytest.mark.parametrize(("to", "field"), [(",", grouped), ("\t", grouped), (";", grouped_with_points)])
@pytest.mark.parametrize("path", [path for path in TEXTS if any(name in path for name in THOUSANDS)])
def test_thousands_separators_change_nothing(corpus, path, to, field):
    """Spreadsheets write 6,308.48 s, or 6.308,48: one published tool makes NaN of it, others 6.3 s."""
    name = Path(path).name
    text = beginning(corpus / f"cycling/{path}")
    (whole,) = found(text.encode(), name)
    (twin,) = found(rewritten(text, TEXTS[path], to, field).encode(), name)
    same(whole, twin)


def test_the_wrong_encoding_of_a_unit_costs_nothing_but_its_sign(corpus):
    """A degree sign, or micro, of Windows' code page stands in the header: the rows do not depend on it."""
    text = beginning(corpus / "cycling/yadg/gcpl.issue_226.I.mpt")
    assert "\N{MICRO SIGN}" in text
    (whole,) = found(text.encode(), "x.mpt")
    for encoding in ("cp1252", "latin-1"):
        same(whole, found(text.encode(encoding), "x.mpt")[0])
    same(whole, found(text.encode("ascii", errors="replace"), "x.mpt")[0])


def test_a_compressed_database_is_the_database(corpus):
    """BDF keeps Arbin's .res as .res.gz."""
    packed = (corpus / "cycling/battery-data-format/mits7-0.res.gz").read_bytes()
    (inside,), (whole,) = found(packed, "mits7-0.res.gz"), found(gzip.decompress(packed), "mits7-0.res")
    same(whole, inside)


BDF = {
    "Test_Time": "test_time_second",
    "Voltage": "voltage_volt",
    "Current": "current_ampere",
    "Cycle_Index": "cycle_count",
    "Step_Index": "step_index",
}


def test_arbins_table_under_the_names_of_the_battery_data_format_reads_the_same(corpus):
    """arbin_example with BDF's names of the same columns: names and units are what differs."""
    text = (corpus / "cycling/battery-data-toolkit/arbin_example.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    lines = [",".join(BDF.values()), *(",".join(row[name] for name in BDF) for row in rows)]
    (arbin,), (bdf,) = found(text.encode(), "arbin.csv"), found("\n".join([*lines, ""]).encode(), "x.bdf.csv")
    assert arbin.sizes["record"] == 2142
    assert "voltage" in bdf
    for name in ("test_time", "voltage", "current", "vendor_cycle", "vendor_step"):
        np.testing.assert_allclose(bdf[name].values, arbin[name].values, rtol=1e-12, err_msg=name)
