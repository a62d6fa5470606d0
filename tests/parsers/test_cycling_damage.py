"""Records in mutated files: the truth, an error or a finding, in every cycling format.

Each format is represented by a stretch of a real file. What a reader returns for a mutated copy is held against the
whole one: every row has to be one of its rows, or something has to be said that is not said of the whole file.

No reader can know of every wrong digit. A time is noticed that leaves the interval between its neighbours; a voltage or
current that leaves a steady course alone, by more than the scatter; columns in each other's place where counters, the
voltage's course or a second column bear witness.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import ParseError, Source, findings, measurements

TOOLKIT, BDF, CELLPY, YADG = "battery-data-toolkit", "battery-data-format", "cellpy", "yadg"
PROBE = "PyProBE/Sample_data_biologic"


@dataclass(frozen=True)
class File:
    """A stretch of a real file: names of time, voltage and current, how it is written, and what nothing in it shows."""

    path: str
    names: tuple[str, str, str]
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    start: int = 0
    count: int = 160
    blind: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.path.rpartition("/")[2][:36]


FILES = (
    File(f"{TOOLKIT}/arbin_example.csv", ("Test_Time", "Voltage", "Current")),
    File("PyProBE/sample_data_arbin.csv", ("Test Time (s)", "Voltage (V)", "Current (A)"), encoding="utf-8-sig"),
    File(f"{BDF}/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv", ("test_time_s", "voltage_V", "current_A"),
         start=2700, count=1500),
    File(f"{BDF}/SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug.bdf.csv",
         ("test_time_second", "voltage_volt", "current_ampere"), start=6800, count=900),
    # Neither a counter nor a date, and a voltage and a current that could each be the other.
    File(f"{BDF}/DLR__LiLNMOHydra0b__20221125__POCV__25degC__Basytec.bdf.csv",
         ("test_time_second", "voltage_volt", "current_ampere"), start=1600, count=400,
         blind=frozenset({"voltage and current"})),
    File(f"{TOOLKIT}/p492-13-raw.csv", ("Time_s", "Voltage_V", "Current_A"), start=100),
    File(f"{CELLPY}/neware_uio.csv", ("Cumulative Time", "Voltage(V)", "Current(A)"), start=600, count=300),
    File(f"{CELLPY}/nw_regular_export_ife_example.csv", ("Total Time", "Voltage(V)", "Current(A)")),
    File(f"{CELLPY}/maccor_one.txt", ("TestTime", "Volts", "Amps"), "\t", encoding="cp1252"),
    File(f"{CELLPY}/maccor_002.txt", ("TestTime", "Voltage [V]", "Current [A]"), "\t", encoding="cp1252", start=1000),
    File(f"{CELLPY}/pec.csv", ("Total Time (Seconds)", "Voltage (mV)", "Current (mA)"), start=300),
    File("PyProBE/sample_data_basytec.txt", ("~Time[s]", "U[V]", "I[A]"), "\t", encoding="cp1252"),
    File("PyProBE/sample_data_novonix.csv", ("Run Time (h)", "Potential (V)", "Current (A)"), encoding="utf-8-sig"),
    File(f"{PROBE}_01_MB_CA1.txt", ("time/s", "Ecell/V", "I/mA"), "\t", encoding="cp1252", start=1250, count=147),
    File(f"{YADG}/gcpl.issue_149.mpt", ("time/s", "Ewe/V", "<I>/mA"), "\t", ",", "cp1252"),
    File(f"{YADG}/gcpl.issue_211.mpt", ("time/s", "Ewe/V", "<I>/mA"), "\t", encoding="cp1252", start=600),
    File(f"{YADG}/cp.issue_61.mpt", ("time/s", "<Ewe>/V", "I/mA"), "\t", encoding="cp1252"),
)  # fmt: skip


@dataclass(frozen=True)
class Whole:
    """A stretch as it is: what stands above its rows, the rows, where its three columns are, and what it reads as."""

    file: File
    above: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[int, int, int]
    records: tuple[int, ...]
    truth: np.ndarray
    said: frozenset[str]

    def data(self, rows: list[str] | tuple[str, ...]) -> bytes:
        return "".join(f"{row}\n" for row in (*self.above, *rows)).encode(self.file.encoding)

    def fields(self, row: int) -> list[str]:
        return self.rows[row].split(self.file.delimiter)

    def changed(self, change, rows=None) -> bytes:
        """Return the stretch with the fields of some records changed."""
        chosen = set(self.records if rows is None else rows)
        join = self.file.delimiter.join
        return self.data([join(change(self.fields(k))) if k in chosen else row for k, row in enumerate(self.rows)])

    @property
    def middle(self) -> int:
        """A record in the middle."""
        return self.records[len(self.records) // 2]


def read(data: bytes, path: str) -> tuple[np.ndarray, frozenset[str]]:
    """Return time, voltage and current of the rows of all records of a file, and what is said of it."""
    found = [measurement.dataset for measurement in measurements(Source(Path(path), data=data))]
    said = frozenset(f"{finding.code}: {finding.message}" for dataset in found for finding in findings(dataset.attrs))
    tables = []
    for dataset in found:
        if dataset.attrs["technique"] == "cycling":
            nothing = np.full(dataset.sizes["record"], np.nan)
            columns = [
                dataset[name].values if name in dataset else nothing for name in ("test_time", "voltage", "current")
            ]
            tables.append(np.column_stack(columns))
    return (np.concatenate(tables) if tables else np.empty((0, 3))), said


@pytest.fixture(scope="module", params=FILES, ids=str)
def whole(request, corpus) -> Whole:
    file = request.param
    text = (corpus / f"cycling/{file.path}").read_bytes().decode(file.encoding).replace("\r\n", "\n")
    lines = text.rstrip("\n").split("\n")
    head = next(
        at for at, line in enumerate(lines) if set(file.names) <= {n.strip() for n in line.split(file.delimiter)}
    )
    names = [name.strip() for name in lines[head].split(file.delimiter)]
    first = head + (2 if not lines[head + 1].strip() else 1)
    above, rows = tuple(lines[:first]), tuple(lines[first:][file.start : file.start + file.count])
    columns = tuple(names.index(name) for name in file.names)
    fields = [row.split(file.delimiter) for row in rows]
    # In a nested table rows of cycles and steps begin further to the left than records.
    nested = "nw_regular" in file.path
    records = tuple(k for k, row in enumerate(fields) if row[columns[0]] and not (nested and (row[0] or row[1])))
    unread = Whole(file, above, rows, columns, records, np.empty((0, 3)), frozenset())
    truth, said = read(unread.data(rows), file.path)
    assert len(truth) == len(records)
    return Whole(file, above, rows, columns, records, truth, said)


@dataclass(frozen=True)
class Outcome:
    """What came of a mutated copy: the truth, less of it, refused, said, or silently wrong by so much."""

    kind: str
    off: np.ndarray | None = None


HONEST = ("truth", "refused", "said")


def outcome(data: bytes, path: str, truth: np.ndarray, before: frozenset[str]) -> Outcome:
    try:
        found, said = read(data, path)
    except ParseError:
        return Outcome("refused")
    if found.shape == truth.shape and np.allclose(found, truth, rtol=1e-9, atol=1e-12, equal_nan=True):
        return Outcome("truth")
    if said - before:
        return Outcome("said")
    rows = {tuple(row) for row in np.nan_to_num(truth, nan=-1e9).round(9)}
    if len(found) < len(truth) and all(tuple(row) in rows for row in np.nan_to_num(found, nan=-1e9).round(9)):
        return Outcome("less")
    return Outcome("wrong", np.abs(found - truth) if found.shape == truth.shape else None)


def result(whole: Whole, data: bytes) -> Outcome:
    return outcome(data, whole.file.path, whole.truth, whole.said)


# Locales -------------------------------------------------------------------------------------------------------------


def other_locale(whole: Whole, row: int) -> str:
    text = whole.rows[row].replace(",", ";") if whole.file.delimiter == "," else whole.rows[row]
    return text.replace(*(".,", ",.")[whole.file.decimal == ","])


@pytest.mark.parametrize("every", [1, 2, 0], ids=["all rows", "every other", "one"])
def test_rows_of_another_locale_are_read_or_seen(whole, every):
    """Rows pasted from another PC's export: never 3,414 as 3414, and never half the table without a word."""
    chosen = set(whole.records[:: every or len(whole.records)]) if every else {whole.middle}
    rows = [other_locale(whole, k) if k in chosen else row for k, row in enumerate(whole.rows)]
    assert result(whole, whole.data(rows)).kind in HONEST


def test_decimal_commas_between_commas_are_seen(whole):
    """A comma-delimited table with decimal commas has twice its columns, all of them numbers."""
    rows = [row.replace(".", ",") for row in whole.rows]
    assert result(whole, whole.data(rows)).kind in HONEST


# Columns -------------------------------------------------------------------------------------------------------------

PAIRS = {"time and voltage": (0, 1), "voltage and current": (1, 2), "time and current": (0, 2)}


@pytest.mark.parametrize("pair", PAIRS)
def test_columns_in_each_others_place_are_seen(whole, pair):
    """Two columns swapped under their names: the clock, the counters or the voltage's course tell."""
    first, second = (whole.columns[at] for at in PAIRS[pair])

    def swapped(fields):
        fields[first], fields[second] = fields[second], fields[first]
        return fields

    kind = result(whole, whole.changed(swapped)).kind
    assert kind in ("refused", "said") or (kind == "wrong" and pair in whole.file.blind)


@pytest.mark.parametrize("rows", ["all", "one"])
@pytest.mark.parametrize("column", range(3), ids=["time", "voltage", "current"])
def test_a_missing_field_shifts_no_column(whole, column, rows):
    """What stands behind a missing field must not move into its column."""

    def without(fields):
        del fields[whole.columns[column]]
        return fields

    found = result(whole, whole.changed(without, None if rows == "all" else [whole.middle]))
    assert found.kind in ("refused", "said")


@pytest.mark.parametrize("rows", ["all", "one"])
@pytest.mark.parametrize("column", range(3), ids=["time", "voltage", "current"])
def test_a_field_written_twice_shifts_no_column(whole, column, rows):
    """One field too many, in one row or in all of them, under the names as they were."""

    def twice(fields):
        return [*fields[: whole.columns[column]], fields[whole.columns[column]], *fields[whole.columns[column] :]]

    found = result(whole, whole.changed(twice, None if rows == "all" else [whole.middle]))
    assert found.kind in HONEST  # the truth where the first of two equal times is taken for names of the rows


@pytest.mark.parametrize("column", range(3), ids=["time", "voltage", "current"])
def test_an_empty_field_is_missing_and_said_to_be(whole, column):
    """One value is lost; it must not become 0, nor NaN without a word."""

    def emptied(fields):
        fields[whole.columns[column]] = ""
        return fields

    assert result(whole, whole.changed(emptied, [whole.middle])).kind in ("refused", "said")


@pytest.mark.parametrize("column", range(3), ids=["time", "voltage", "current"])
def test_a_column_that_is_left_out_is_missed(whole, column):
    """Without time or voltage there is no record, and one without current says so, or has it from the charge."""
    header = max(k for k, line in enumerate(whole.above) if whole.file.names[0] in line)

    def without(fields):
        del fields[whole.columns[column]]
        return fields

    above = list(whole.above)
    above[header] = whole.file.delimiter.join(without(above[header].split(whole.file.delimiter)))
    cut = Whole(**{**vars(whole), "above": tuple(above)})
    found = result(whole, cut.changed(without))
    # EC-Lab exports the difference of two electrodes beside them, and the charge beside the current.
    assert found.kind in HONEST or (found.off is not None and np.nanmax(found.off) < 1e-7)
    assert found.kind != "truth" or whole.file.path.endswith(".mpt")


def negated(text: str) -> str:
    return text[1:] if text.startswith("-") else f"-{text}"


def test_a_reversed_current_is_seen(whole):
    """Discharge for charge: counters or the voltage tell; a Maccor file's own sign stands beside its state."""

    def reversed_current(fields):
        fields[whole.columns[2]] = negated(fields[whole.columns[2]].strip())
        return fields

    assert result(whole, whole.changed(reversed_current)).kind in HONEST


# Rows ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["all", "one"])
def test_rows_written_twice_are_seen(whole, rows):
    """A failing disk or a careless paste; what is doubled would count twice in a mean."""
    chosen = set(whole.records) if rows == "all" else {whole.middle}
    copies = [copy for k, row in enumerate(whole.rows) for copy in [row] * (1 + (k in chosen))]
    assert result(whole, whole.data(copies)).kind in ("refused", "said")


def test_a_table_written_twice_is_seen(whole):
    """The time goes back where it starts again; joined, the charge would be that of two tests."""
    assert result(whole, whole.data(whole.rows + whole.rows)).kind in ("refused", "said")


def test_rows_in_another_order_are_seen(whole):
    """A row moved up by three: the time goes back, so that nothing is integrated over it unnoticed."""
    rows = list(whole.rows)
    rows.insert(whole.middle - 3, rows.pop(whole.middle))
    assert result(whole, whole.data(rows)).kind in HONEST


def test_rows_that_are_lost_cost_themselves(whole):
    """What is left are rows of the file, at their own times."""
    rows = [row for k, row in enumerate(whole.rows) if k not in whole.records[3::7]]
    assert result(whole, whole.data(rows)).kind in (*HONEST, "less")


def test_wherever_a_copy_breaks_off_its_rows_are_true(whole):
    """Whole rows are kept; a loss that does not end with a line is said."""
    data = whole.data(whole.rows)
    generator = random.Random(3)
    for cut in (generator.randrange(len(data)) for _ in range(12)):
        found = result(whole, data[:cut])
        at_line_end = b"\n" in (data[:cut].rstrip(b" \t")[-1:], data[cut:].lstrip(b" \t")[:1])
        assert found.kind in HONEST or (found.kind == "less" and at_line_end), cut


# Digits --------------------------------------------------------------------------------------------------------------


def steady(truth: np.ndarray) -> np.ndarray:
    """Return the rows with two neighbours on either side between which voltage and current hardly change."""
    inside = np.arange(3, len(truth) - 3)
    window = np.stack([truth[inside + beside] for beside in (-2, -1, 0, 1, 2)])
    swing, largest = np.ptp(window, axis=0), np.nanmax(np.abs(truth[:, 2]))
    forward = (np.diff(window[..., 0], axis=0) > 0).all(axis=0)
    return inside[(swing[:, 1] < 0.021) & (swing[:, 2] < 0.01 * largest) & forward]


def scatter(values: np.ndarray) -> float:
    change = np.abs(np.diff(values, 2)) / 2
    return float(np.median(change[change > 0])) if np.any(change > 0) else 0.0


def test_a_wrong_digit_is_seen_where_anything_shows_it(whole):
    """Times out of order, and a voltage or current that alone leaves a steady course: 0.3 V, a tenth of the current."""
    rows = steady(whole.truth)
    assert len(rows) > 20 or len(whole.truth) < 20
    largest = np.nanmax(np.abs(whole.truth[:, 2]))
    voltage = max(0.3, 10 * scatter(whole.truth[:, 1]))
    current = max(0.1 * largest, 10 * scatter(whole.truth[:, 2]))
    generator = random.Random(7)
    for _ in range(40 if len(rows) else 0):
        row, column = int(generator.choice(rows)), generator.choice(range(3))
        fields = whole.fields(whole.records[row])
        text = fields[whole.columns[column]]
        place = generator.choice([at for at, letter in enumerate(text) if letter.isdigit()])
        digit = generator.choice([digit for digit in "0123456789" if digit != text[place]])
        fields[whole.columns[column]] = text[:place] + digit + text[place + 1 :]
        copy = list(whole.rows)
        copy[whole.records[row]] = whole.file.delimiter.join(fields)
        found = result(whole, whole.data(copy))
        if found.kind in HONEST:
            continue
        assert found.off is not None, (text, fields[whole.columns[column]])
        off = np.nanmax(found.off, axis=0)
        interval = np.ptp(whole.truth[row - 1 : row + 2, 0])
        said = (text, fields[whole.columns[column]], row)
        assert off[0] < interval, said
        assert off[1] <= voltage, said
        assert off[2] <= current, said


# Files that are no text ----------------------------------------------------------------------------------------------

BINARY = (
    "yadg/gcpl.issue_149.mpr",
    "yadg/mb.issue_223.mpr",
    "yadg/gcpl.issue_226.I.mpr",
    "battery-data-format/MB-1.mpr",
    "cellpy/20160805_test001_45_cc_01.res",
    "battery-data-format/mits7-0.res.gz",
    "NewareNDA/new_nda_file.nda",
    "NewareNDA/46_1_5_60_ZZZZZZZZTEST_20250924092922.ndax",
    "battery-data-format/filetype14-0.ndax",
    "cellpy/20200624_test001_cc_01.h5",
)


def flipped(data: bytes, generator: random.Random) -> bytes:
    place = generator.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << generator.randrange(8)]) + data[place + 1 :]


def cut(data: bytes, generator: random.Random) -> bytes:
    return data[: generator.randrange(len(data))]


def doubled(data: bytes, generator: random.Random) -> bytes:
    place = generator.randrange(len(data))
    return data[:place] + data[place : place + generator.randrange(20, 500)] + data[place:]


def lost(data: bytes, generator: random.Random) -> bytes:
    place = generator.randrange(len(data))
    return data[:place] + data[place + generator.randrange(20, 500) :]


@pytest.mark.parametrize("damage", [flipped, cut, doubled, lost])
@pytest.mark.parametrize("path", BINARY, ids=lambda path: path.rpartition("/")[2][:30])
def test_damage_to_a_binary_file_is_seen_where_anything_shows_it(corpus, path, damage):
    """A bit in the last digits of one value passes, and of a current that follows from it in two; no row moves."""
    data = (corpus / f"cycling/{path}").read_bytes()
    truth, said = read(data, path)
    generator = random.Random(23)
    for _ in range(40 if len(data) < 300_000 else 8):
        found = outcome(damage(data, generator), path, truth, said)
        if found.kind in HONEST:
            continue
        assert damage is flipped
        assert found.off is not None
        assert np.count_nonzero(found.off.any(axis=1)) <= 2
        off = np.nanmax(found.off, axis=0)
        assert off[0] <= np.diff(truth[:, 0]).max()
        assert off[1] <= 0.1
        assert off[2] <= 0.2 * np.nanmax(np.abs(truth[:, 2]))


@pytest.mark.parametrize("path", BINARY, ids=lambda path: path.rpartition("/")[2][:30])
def test_any_bytes_give_a_record_or_the_readers_own_error(corpus, survive, damaged, path):
    """Nothing else may come out of a folder of files, of which one is damaged."""
    data = (corpus / f"cycling/{path}").read_bytes()
    copies = damaged(data, 30 if len(data) < 300_000 else 6, 11)
    read_well, refused = survive(
        lambda copy: [found.dataset for found in measurements(Source(Path(path), data=copy))], copies
    )
    assert read_well + refused == (30 if len(data) < 300_000 else 6)
