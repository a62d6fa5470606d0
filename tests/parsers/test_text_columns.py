"""Columns of text tables read from their bytes: lines, places of fields, repeated words, dates and durations."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlayer.parsers import CorruptFile, Source
from interlayer.parsers._columns_cycling import CLOCK, RECORD, STEP_WORDS, TEST_TIME
from interlayer.parsers._dates import dates, durations
from interlayer.parsers._lines import Lines
from interlayer.parsers._marks import Marks
from interlayer.parsers._table import Column, find_block, read_table
from interlayer.parsers._text import decode
from interlayer.parsers._texts import Texts

WORDS = st.text(st.sampled_from("ab µ0123456789.-"), max_size=12)
SECONDS = st.integers(0, 10**9)


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(WORDS, min_size=1, max_size=8), encoding=st.sampled_from(["utf-8", "latin-1"]), data=st.data())
def test_lines_are_decoded_as_if_all_at_once(lines, encoding, data):
    """A line that shifts by one puts every finding on the wrong line, and a table below the wrong names."""
    found = Lines("\n".join([*lines, "end"]).encode(encoding) + b"\n" * 60_000, encoding)
    expected = [*lines, "end"]
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(expected)), st.integers(0, len(expected)))))
    assert found[start:stop] == expected[start:stop]
    assert [found[k] for k in range(len(expected))] == expected
    blank = np.zeros(len(found), dtype=bool)
    blank[start] = True
    assert found.blanked(blank)[: len(lines)] == ["" if k == start else line for k, line in enumerate(lines)]


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.lists(WORDS.map(str.strip), min_size=1, max_size=5), min_size=1, max_size=12),
    above=st.integers(0, 3),
    end=st.sampled_from(["", "\n"]),
)
def test_fields_are_found_between_their_delimiters(rows, above, end):
    """Dates and words are cut out of the file by place: one delimiter missed, and rows get their neighbour's."""
    lines = Lines(("x;y\n" * above + "\n".join(map(";".join, rows)) + end).encode())
    count = min(above + len(rows), len(lines))  # an empty last line without an end is none
    marks = Marks(lines, ";", above, count)
    assert marks.widths.tolist() == [len(row) for row in rows][: count - above]
    for width in {len(row) for row in rows}:
        alike = [k for k, row in enumerate(rows[: count - above]) if len(row) == width]
        for position in range(width if alike else 0):
            texts = Texts(lines.bytes, *marks.field(position, np.array(alike)))
            assert list(texts) == ["" if rows[k][position] in ("-", "--") else rows[k][position] for k in alike]


def test_rows_of_many_columns_are_counted_whole():
    """A battery pack has hundreds of columns; counted in one byte, a row that lost 256 of them would be whole."""
    row = ",".join(["1.5"] * 300)
    text, _ = decode(f"{row}\n{row}\n{','.join(['1.5'] * 44)}\n{row}\n".encode())
    assert Marks(text.lines, ",", 0, 4).widths.tolist() == [300, 300, 44, 300]
    table, findings = read_table(text, find_block(text.lines))
    assert (len(table.frame), [finding.code for finding in findings]) == (3, ["damaged-rows"])


@pytest.mark.parametrize(
    "path",
    [
        "cycling/cellpy/pec.csv",
        "cycling/cellpy/neware_uio.csv",
        "cycling/cellpy/custom_data_001.csv",
        "cycling/battery-data-toolkit/arbin_example.csv",
        "cycling/battery-data-toolkit/p492-13-raw.csv",
        "cycling/battery-data-format/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv",
    ],
)
def test_columns_read_alone_are_those_of_the_whole_table(corpus, path):
    """Readers ask for the columns of their maps alone, on another way through the file to the same numbers."""
    text = Source(corpus / path).text
    wanted = (*RECORD, TEST_TIME, CLOCK, STEP_WORDS)
    whole, _ = read_table(text, find_block(text.lines))
    some, _ = read_table(text, find_block(text.lines), wanted=wanted)
    assert some.header == whole.header
    for column in wanted:
        position = whole.index(column)
        if position is not None and whole.is_numeric(position):
            np.testing.assert_array_equal(some.numbers(position), whole.numbers(position))
        elif position is not None:
            assert list(some.texts(position)) == list(whole.texts(position))


@pytest.mark.parametrize("field", ["###", "1..5", ""])
def test_a_bad_field_among_decimal_commas_costs_only_itself(field):
    """Damage in one field of a German export must not turn the whole column into text."""
    rows = [f"{k},25;{k},5" for k in range(1, 40)]
    rows[17] = f"18,25;{field}"
    for wanted in (None, [Column("t", "time"), Column("U", "voltage")]):
        text, _ = decode(("t;U\n" + "\n".join(rows) + "\n").encode())
        table, _ = read_table(text, find_block(text.lines), wanted=wanted)
        numbers, wrong = table.parse(1)
        expected = np.arange(1, 40) + 0.5
        expected[17] = np.nan
        np.testing.assert_array_equal(numbers, expected)
        assert np.flatnonzero(wrong).tolist() == ([17] if field else [])


def test_spaces_before_fields_are_no_part_of_them():
    """Fortran and spreadsheets pad their numbers, Maccor its words: ' --' is missing, and ' R' is a rest."""
    text, _ = decode(b"n,U,s\n" + b"".join(b"%d,   %d.5, R \n" % (k, k) for k in range(9)) + b"9,  --, D\n")
    wanted = [Column("n", "n"), Column("U", "U"), Column("s", "s")]
    table, _ = read_table(text, find_block(text.lines), wanted=wanted)
    assert table.is_numeric(1)
    np.testing.assert_array_equal(table.numbers(1), [*(np.arange(9) + 0.5), np.nan])
    assert table.texts(2).words()[0] == ["R", "D"]


@settings(max_examples=100, deadline=None)
@given(words=st.lists(st.sampled_from(["rest", "cc charge of the cell", "-", "", "r"]), min_size=1, max_size=30))
def test_words_come_back_in_their_rows(words):
    """The kind of a step is looked up once for each run of one word; no run may leak into the next."""
    different, codes = Texts.of(words).words()
    assert [different[code] for code in codes] == ["" if word == "-" else word for word in words]


@settings(max_examples=100, deadline=None)
@given(
    moments=st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2150, 1, 1)), min_size=1, max_size=20),
    layout=st.sampled_from(["{0.month}/{0.day}/{0.year} %I:%M:%S %p", "%Y-%m-%d %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S"]),
)
def test_dates_of_mixed_widths_are_those_of_the_calendar(moments, layout):
    """Maccor writes 5/1/2021 3:40:24 PM beside 12/11/2021 11:02:03 AM: the layout differs from row to row."""
    moments = [datetime(2021, 5, 13, 12), *moments]  # a day above 12 tells the order
    found, reason = dates([moment.strftime(layout.format(moment)) for moment in moments])
    exact = [moment if "%f" in layout else moment.replace(microsecond=0) for moment in moments]
    assert reason == ""
    np.testing.assert_array_equal(found, np.array(exact, dtype="datetime64[ns]"))


@pytest.mark.parametrize("text", ["2021-02-29 10:00:00", "2021-13-01 10:00:00", "2021-00-10 10:00:00", "9999-01-01"])
def test_days_that_are_none_are_no_dates(text):
    """A damaged month must not become a day of the next one."""
    assert dates(["2021-01-01 10:00:00", text]) == (None, "not a date")


@settings(max_examples=100, deadline=None)
@given(times=st.lists(st.tuples(st.integers(0, 9), SECONDS, st.integers(0, 9)), min_size=1, max_size=20))
def test_durations_of_mixed_widths_are_those_of_the_clock(times):
    """Maccor writes '0d 00:00:5' beside '1d 10:10:5.46999979019165': as many decimals as it happens to need."""
    texts, expected = [], []
    for days, nanoseconds, decimals in times:
        span = timedelta(days=days, seconds=nanoseconds % 86_400)
        fraction = f"{nanoseconds / 1e9:.{decimals}f}"[1:] if decimals and nanoseconds < 9e8 else ""
        hours, rest = divmod(span.seconds, 3600)
        texts.append(f"  {days}d {hours:02}:{rest // 60:02}:{rest % 60}{fraction}")
        expected.append(span.total_seconds() + float(f"0{fraction or '.0'}"))
    np.testing.assert_allclose(durations(texts), expected, rtol=1e-15, atol=1e-12)


def test_damaged_durations_are_no_numbers():
    """Twenty digits before a colon overflow an integer; no time may wrap around to a small one."""
    assert durations(["00:00:01", "123456789012345678901:00:00"]) is None
    assert durations(["00:00:01", "00:xx:02"]) is None


def test_a_control_character_is_reported_in_its_line():
    """A NUL in the middle of a text is found, with the line in which an editor shows it."""
    with pytest.raises(CorruptFile, match="line 3"):
        decode(b"f,Re\r\n1,2\r\n3,\x004\r\n5,6\r\n")
