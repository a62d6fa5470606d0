"""Arbin result databases: the real files against documented numbers, built databases, and damaged ones."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    CorruptFile,
    ParseError,
    Source,
    TruncatedFile,
    UnsupportedContent,
    arbin_res,
    findings,
    read,
    read_tree,
)
from interlayer.parsers._jet_pages import open_database
from interlayer.parsers._jet_rows import rows, tables

CELLPY = "cycling/cellpy/20160805_test001_45_cc_01.res"
MITS7 = "cycling/battery-data-format/mits7-0.res.gz"
PAGE = 4096
DATA_TABLE = 30  # page of the definition of Channel_Normal_Table in the file of cellpy

# Path, rows, time (s), voltage (V), cycles: from the descriptions in the corpus' own list.
RECORDS = [
    (CELLPY, 10261, (300.01, 859077.24), (0.04989, 3.117), (1, 18)),
    (MITS7, 8, (20.0004, 141.2641), (0.1303, 0.1309), (1, 1)),
]


def codes(dataset) -> list[str]:
    return [finding.code for finding in findings(dataset.attrs)]


def read_bytes(data: bytes) -> list:
    source = Source(Path("a.res"), data=data)
    found = list(arbin_res.read(source))
    for measurement in found:
        measurement.findings[:0] = source.findings
    return found


@pytest.mark.parametrize(("path", "count", "time", "voltage", "cycles"), RECORDS)
def test_real_files_read_to_their_documented_numbers(corpus, path, count, time, voltage, cycles):
    """Rows, time, voltage and cycles of every Arbin database of the corpus."""
    record = read(corpus / path)
    assert record.sizes["record"] == count
    assert (float(record.test_time[0]), float(record.test_time[-1])) == pytest.approx(time, abs=0.005)
    assert (float(record.voltage.min()), float(record.voltage.max())) == pytest.approx(voltage, rel=4e-4)
    assert (record.vendor_cycle.min(), record.vendor_cycle.max()) == cycles


def test_columns_agree_with_what_the_cycler_wrote_into_other_tables(corpus):
    """The cycler's own statistics of 17 cycles: a shifted column or a row too many would not meet them."""
    path = corpus / CELLPY
    record = read(path)
    database = open_database(Source(path))
    statistics = rows(database, tables(database)["Channel_Statistic_Table"])
    cycle, current = record.vendor_cycle.values, record.current.values
    last = [int(np.flatnonzero(cycle == number)[-1]) + 1 for number in range(1, 18)]
    assert last == statistics.numbers("Data_Point").tolist()
    highest = [float(record.voltage[cycle == number].max()) for number in range(1, 18)]
    # The highest voltage of the first cycle, 0.6 mV above the rows, was met between two rows of the rest.
    assert highest[1:] == statistics.numbers("Vmax_On_Cycle").tolist()[1:]
    lasted = np.diff(record.test_time) * (current[1:] > 0)
    charging = [float(lasted[cycle[1:] == number].sum()) for number in range(1, 18)]
    assert charging == pytest.approx(statistics.numbers("Charge_Time").tolist(), abs=0.1)


def test_counters_are_the_integral_of_the_current(corpus):
    """Charge and energy of every whole cycle: current, voltage, time and counters have to be in the units they bear."""
    record = read(corpus / CELLPY)
    for cycle in range(1, 18):
        part = record.isel(record=np.flatnonzero(record.vendor_cycle == cycle))
        hours = np.diff(part.test_time) / 3600.0
        current = part.current.values
        for kind, sign in (("charge", 1.0), ("discharge", -1.0)):
            flow = np.clip(sign * current, 0.0, None)
            charge = float(np.sum((flow[1:] + flow[:-1]) / 2 * hours))
            energy = float(np.sum((flow[1:] * part.voltage[1:] + flow[:-1] * part.voltage[:-1]) / 2 * hours))
            # Rows up to 5 min apart, in half cycles of more than 4 h.
            assert charge == pytest.approx(float(part[f"vendor_capacity_{kind}"].max()), rel=5e-4)
            assert energy == pytest.approx(float(part[f"vendor_energy_{kind}"].max()), rel=1e-3)


def test_dates_run_with_the_time_in_the_test(corpus):
    """Days since 1899 become dates; the start is that of the test's own table."""
    record = read(corpus / CELLPY)
    assert record.attrs["start_time"] == "2016-08-05T16:16:23.000"
    by_clock = (record.time - np.datetime64("2016-08-05T16:16:23")).values / np.timedelta64(1, "s")
    # Counted in whole seconds; over ten days the clocks of the PC and of the cycler part by up to 9 in 100000.
    assert by_clock == pytest.approx(record.test_time.values, rel=1e-4, abs=1.0)


def test_facts_of_the_test_are_kept_and_unset_ones_are_not(corpus):
    """0.853 mg is in the file in g; the capacity 0 was never set and must not divide anything."""
    record = read(corpus / CELLPY)
    assert record.attrs["active_mass"] == pytest.approx(0.852838, rel=1e-6)
    assert "nominal_capacity" not in record.attrs
    assert "placeholder-setting" in codes(record)
    assert (record.attrs["test_name"], record.attrs["channel"]) == ("20160805_sic006_45_cc_01-01-003", 3)
    other = read(corpus / MITS7)
    assert "active_mass" not in other.attrs
    assert other.attrs["nominal_capacity"] == pytest.approx(0.003071, rel=1e-6)


def test_resets_of_the_counters_are_told(corpus):
    """The counters start anew with each of 18 cycles: the last value is not the charge of the test."""
    record = read(corpus / CELLPY)
    found = next(finding for finding in findings(record.attrs) if finding.code == "counter-reset")
    assert "17 times" in found.message


# Databases built by hand, from the description of the format.

MAIN = (
    ("Test_ID", 4, 0, 4), ("Data_Point", 4, 4, 4), ("Test_Time", 7, 8, 8), ("DateTime", 8, 16, 8),
    ("Cycle_Index", 3, 24, 2), ("Current", 6, 26, 4), ("Voltage", 6, 30, 4), ("Charge_Capacity", 7, 34, 8),
    ("Discharge_Capacity", 7, 42, 8),
)  # fmt: skip
GLOBAL = (("Test_ID", 4, 0, 4), ("Test_Name", 10, 0, 0), ("MASS", 6, 4, 4))
CATALOG = (("Id", 4, 0, 4), ("Name", 10, 0, 0), ("Type", 3, 4, 2))
LAYOUTS = {3: "<h", 4: "<i", 6: "<f", 7: "<d", 8: "<d"}
DELETED, MOVED = 0x8000, 0x4000


def row(columns, values, *, made: int | None = None) -> bytes:
    """Return the bytes of a row; a value of None is null."""
    made = len(columns) if made is None else made
    fixed = bytearray(max((at + width for _, kind, at, width in columns[:made] if kind != 10), default=0))
    text, mask, starts = b"", bytearray((made + 7) // 8), []
    for index, ((_, kind, at, _), value) in enumerate(zip(columns[:made], values, strict=False)):
        if kind == 10:
            starts.append(2 + len(fixed) + len(text))
            text += value if isinstance(value, bytes) else (value or "").encode("utf-16-le")
        elif value is not None:
            struct.pack_into(LAYOUTS[kind], fixed, at, value)
        if value is not None:
            mask[index // 8] |= 1 << index % 8
    tail = b""
    if starts:
        end = 2 + len(fixed) + len(text)
        tail = struct.pack(f"<{len(starts) + 2}H", end, *reversed(starts), len(starts))
    return struct.pack("<H", made) + bytes(fixed) + text + tail + bytes(mask)


def data_page(owner: int, marked) -> bytes:
    """Return a page of rows, given as pairs of bytes and marks."""
    page = bytearray(PAGE)
    struct.pack_into("<BBHIIH", page, 0, 1, 1, 0, owner, 0, len(marked))
    place = PAGE
    for number, (content, mark) in enumerate(marked):
        place -= len(content)
        page[place : place + len(content)] = content
        struct.pack_into("<H", page, 14 + 2 * number, place | mark)
    return bytes(page)


def definition(columns, count: int, *, name_padding: int = 0) -> bytes:
    """Return a table definition without its division into pages; padding makes it longer."""
    texts = sum(1 for column in columns if column[1] == 10)
    head = bytearray(63)
    struct.pack_into("<BB", head, 0, 2, 1)
    struct.pack_into("<I", head, 16, count)
    struct.pack_into("<HHHII", head, 41, len(columns) + name_padding, texts, len(columns) + name_padding, 0, 0)
    padding = [("x" * 200 + str(number), 1, 0, 1) for number in range(name_padding)]
    body, names = b"", b""
    for index, (name, kind, at, width) in enumerate([*columns, *padding]):
        place, fixed = (at, 0) if kind == 10 else (0, at)
        body += struct.pack("<B4xHH6xB5xHH", kind, index, place, kind != 10, fixed, width)
        names += struct.pack("<H", 2 * len(name)) + name.encode("utf-16-le")
    return bytes(head) + body + names


def database(test_pages, count: int, tests=((1, "cell A", 0.0),), *, name_padding: int = 0) -> bytes:
    """Return a database with a catalog (page 2), data (definition on 4), tests (6), and `test_pages` from 10 on."""
    header = bytearray(PAGE)
    header[:21] = b"\0\1\0\0Standard Jet DB\0\1"
    entries = [(2, "MSysObjects", 1), (4, "Channel_Normal_Table", 1), (6, "Global_Table", 1), (9, "a form", -32768)]
    long = definition(MAIN, count, name_padding=name_padding)
    first, second = long[:PAGE], long[PAGE:]
    if second:
        first = first[:4] + struct.pack("<I", 8) + first[8:]
        second = b"\2\1\0\0\0\0\0\0" + second
    pages = [
        bytes(header),
        b"",
        definition(CATALOG, len(entries)),
        data_page(2, [(row(CATALOG, entry), 0) for entry in entries]),
        first,
        b"",
        definition(GLOBAL, len(tests)),
        data_page(6, [(row(GLOBAL, test), 0) for test in tests]),
        second,
        b"",
        *test_pages,
    ]
    return b"".join(page.ljust(PAGE, b"\0") for page in pages)


def point(number: int, *, test: int = 1, current: float = 0.5) -> bytes:
    values = (test, number, 10.0 * number, 45000.5, 1, current, 3.0 + number / 100, number * 1e-3, 0.0)
    return row(MAIN, values)


def points(measurement) -> list[int]:
    return np.rint(measurement.dataset.test_time.values / 10).astype(int).tolist()


def test_several_tests_in_one_file_become_measurements_of_their_own():
    """Data points of two channels lie mixed in one table; joined they would be one nonsensical record."""
    page = data_page(4, [(point(n, test=t, current=t / 4), 0) for n in (1, 2, 3) for t in (1, 2)])
    found = read_bytes(database([page], 6, [(1, "cell A", 0.02), (2, "cell B", 0.0)]))
    assert [measurement.group for measurement in found] == ["cell_A", "cell_B"]
    for number, measurement in enumerate(found, start=1):
        assert points(measurement) == [1, 2, 3]
        assert measurement.dataset.current.values.tolist() == [number / 4] * 3
    assert found[0].dataset.attrs["active_mass"] == pytest.approx(20.0)
    assert "active_mass" not in found[1].dataset.attrs


def test_rows_come_in_the_order_of_their_data_points():
    """Pages are filled in any order; the time has to run forward."""
    pages = [data_page(4, [(point(n), 0) for n in numbers]) for numbers in ((4, 5), (1, 2, 3))]
    (found,) = read_bytes(database(pages, 5))
    assert points(found) == [1, 2, 3, 4, 5]
    assert "rows-sorted" in [finding.code for finding in found.findings]


def test_deleted_rows_are_gone_and_moved_rows_are_followed():
    """A moved row leaves a pointer and bears the mark of deleted ones where it lies now."""
    pointer = bytes([1]) + (11).to_bytes(3, "little")
    pages = [
        data_page(4, [(point(1), 0), (point(9), DELETED), (pointer, MOVED), (point(3), 0)]),
        data_page(4, [(point(8), DELETED), (point(2), DELETED), (point(4), 0)]),
    ]
    (found,) = read_bytes(database(pages, 4))
    assert points(found) == [1, 2, 3, 4]
    assert "damaged-page" not in [finding.code for finding in found.findings]


def test_a_moved_row_that_leads_nowhere_is_told():
    """Its pointer leads beyond the file: the others are read, its loss is an error among the findings."""
    page = data_page(4, [(point(1), 0), (bytes([0, 200, 0, 0]), MOVED), (point(3), 0)])
    (found,) = read_bytes(database([page], 3))
    assert points(found) == [1, 3]
    assert {"damaged-page", "row-count-mismatch", "missing-rows"} <= {finding.code for finding in found.findings}


def test_a_pointer_to_a_row_that_has_not_moved_is_not_followed():
    """The row would count twice, once for itself and once for the pointer."""
    pointer = bytes([0]) + (11).to_bytes(3, "little")
    pages = [data_page(4, [(point(1), 0), (pointer, MOVED)]), data_page(4, [(point(2), 0)])]
    (found,) = read_bytes(database(pages, 3))
    assert points(found) == [1, 2]
    assert {"damaged-page", "row-count-mismatch"} <= {finding.code for finding in found.findings}
    assert "repeated-points" not in {finding.code for finding in found.findings}


@pytest.mark.parametrize("shift", [-2, -1, 1, 2])
def test_a_shifted_place_costs_its_page(shift):
    """The row at a wrong place is wrong, and its neighbour ends there: its mask would be that of no row."""
    page = bytearray(data_page(4, [(point(n), 0) for n in (1, 2, 3)]))
    (place,) = struct.unpack_from("<H", page, 16)
    struct.pack_into("<H", page, 16, place + shift)
    (found,) = read_bytes(database([bytes(page), data_page(4, [(point(4), 0), (point(5), 0)])], 5))
    assert points(found) == [4, 5]
    assert {"damaged-page", "row-count-mismatch"} <= {finding.code for finding in found.findings}


def test_null_is_no_number():
    """A value that is not there must not become 0; neither must columns that were added after the row."""
    values = [1, 2, 20.0, 45000.5, 1, 0.5, None, 0.002, 0.0]
    older = row(MAIN, (1, 3, 30.0, 45000.5, 1, 0.5, 3.03), made=7)
    (found,) = read_bytes(database([data_page(4, [(point(1), 0), (row(MAIN, values), 0), (older, 0)])], 3))
    assert np.isnan(found.dataset.voltage.values).tolist() == [False, True, False]
    assert np.isnan(found.dataset.vendor_capacity_charge.values).tolist() == [False, False, True]


def test_compressed_text_is_text():
    """Newer databases store one byte a character, and switch to two where that is not enough."""
    name = b"\xff\xfecell " + b"\0" + "\N{GREEK SMALL LETTER OMEGA}".encode("utf-16-le") + b"\0" + b" 7"
    (found,) = read_bytes(database([data_page(4, [(point(1), 0)])], 1, [(1, name, 0.0)]))
    assert found.dataset.attrs["test_name"] == "cell \N{GREEK SMALL LETTER OMEGA} 7"


def test_definition_goes_on_on_a_second_page():
    """Newer versions of the table have so many columns that their names do not fit a page."""
    made = len(MAIN) + 12
    tail = bytes((made + 7) // 8 - (len(MAIN) + 7) // 8)
    line = struct.pack("<H", made) + point(1)[2:] + tail
    (found,) = read_bytes(database([data_page(4, [(line, 0)])], 1, name_padding=12))
    assert points(found) == [1]


def test_a_page_that_came_twice_does_not_double_the_rows():
    """A page written twice would double the charge."""
    page = data_page(4, [(point(n), 0) for n in (1, 2)])
    (found,) = read_bytes(database([page, page], 2))
    assert points(found) == [1, 2]
    assert {"repeated-points", "row-count-mismatch"} <= {finding.code for finding in found.findings}


def test_a_mass_of_exactly_one_gram_is_unset():
    """Arbin's software shows 1 g where nobody set a mass; mA h per g would be wrong by a thousand."""
    (found,) = read_bytes(database([data_page(4, [(point(1), 0)])], 1, [(1, "a", 1.0)]))
    assert "active_mass" not in found.dataset.attrs
    assert "placeholder-setting" in [finding.code for finding in found.findings]


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda data: data[:20] + b"\0" + data[21:], UnsupportedContent, "version 0"),
        (lambda data: data[: 2 * PAGE] + b"\x99" * PAGE + data[3 * PAGE :], UnsupportedContent, "encoded"),
        (lambda data: data[: PAGE + 7], TruncatedFile, "1 whole page"),
        (lambda data: data[: 4 * PAGE], CorruptFile, "page 4"),
        (lambda data: data[: 10 * PAGE], TruncatedFile, "none of 1 rows"),
        (lambda data: data.replace("Channel_N".encode("utf-16-le"), "Xhannel_N".encode("utf-16-le")),
         UnsupportedContent, "Channel_Normal_Table"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(change, error, says):
    """Other versions, encoded pages, other databases, cut files: a sentence for each."""
    with pytest.raises(error, match=says):
        read_bytes(change(database([data_page(4, [(point(1), 0)])], 1)))


def is_part_of(part, whole) -> bool:
    """Whether every row is, value for value, a row of the whole record."""
    names = ["test_time", "voltage", "current", "vendor_capacity_charge", "vendor_cycle"]
    lines = {line for line in zip(*(whole[name].values.tolist() for name in names), strict=True)}
    return all(line in lines for line in zip(*(part[name].values.tolist() for name in names), strict=True))


def test_damaged_heads_of_pages_never_shift_a_row(corpus):
    """A wrong place of a row on a page costs that page; the rows of all others are what they were."""
    data = (corpus / CELLPY).read_bytes()
    whole = read(corpus / CELLPY)
    generator = np.random.default_rng(5)
    pages = [at for at in range(0, len(data), PAGE) if data[at] == 1 and data[at + 4 : at + 8] == b"\x1e\0\0\0"]
    assert len(pages) == 257
    for page in generator.choice(pages, 12, replace=False):
        for at in (int(page) + 4, int(page) + 12, int(page) + int(generator.integers(14, 92))):
            damaged = bytearray(data)
            damaged[at] ^= 1 << int(generator.integers(0, 7))
            (found,) = read_bytes(bytes(damaged))
            told = {finding.code for finding in found.findings} & {"damaged-page", "row-count-mismatch", "missing-rows"}
            assert is_part_of(found.dataset, whole)
            assert told or found.dataset.sizes["record"] == 10261
            assert found.dataset.sizes["record"] >= 10261 - 40


def test_cut_files_give_the_rows_before_the_cut(corpus):
    """A copy that was interrupted: what is whole, with the loss told, or a ParseError; never other rows."""
    data = (corpus / CELLPY).read_bytes()
    whole = read(corpus / CELLPY)
    read_well = 0
    for length in range(1, len(data), len(data) // 23):
        try:
            (found,) = read_bytes(data[:length])
        except ParseError:
            continue
        read_well += 1
        assert is_part_of(found.dataset, whole)
        assert {"truncated-file", "row-count-mismatch"} & {finding.code for finding in found.findings}
    assert read_well >= 4, "the catalog itself lies towards the end, behind the data"


def test_flipped_bytes_are_read_or_refused(corpus, survive):
    """Anything but a Dataset of the vocabulary or a ParseError would stop a whole folder."""
    data = (corpus / CELLPY).read_bytes()
    generator = np.random.default_rng(6)
    # Most of the file is data, whose flips do no harm: half of the copies are damaged where the structure lies.
    structure = [2, 17, DATA_TABLE, 315, 317, 338, 367]

    def copies():
        for number in range(60):
            damaged = bytearray(data)
            for _ in range(30):
                page = structure[int(generator.integers(len(structure)))] if number % 2 else None
                at = int(generator.integers(len(data))) if page is None else page * PAGE + int(generator.integers(PAGE))
                damaged[at] = int(generator.integers(256))
            yield bytes(damaged)

    def datasets(copy):
        return [measurement.dataset for measurement in read_bytes(copy)]

    read_well, refused = survive(datasets, copies())
    assert read_well >= 25
    assert refused >= 1


def test_the_gzip_card_reads_the_database_inside(corpus):
    """BDF keeps its example compressed: one measurement, its name that of the file inside."""
    tree = read_tree(corpus / MITS7)
    (leaf,) = tree.children.values()
    assert leaf.attrs["format"] == "arbin-res"
