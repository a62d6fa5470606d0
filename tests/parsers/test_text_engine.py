"""The text engine: encodings, dialects, where tables lie, and their columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlayer.parsers import AmbiguousContent, CorruptFile, LimitExceeded, Limits, Source, TruncatedFile
from interlayer.parsers._dialect import Dialect, infer_dialect
from interlayer.parsers._table import Column, Table, find_block, fold, read_table, split_unit
from interlayer.parsers._text import Text, decode

F, RE = Column("f", "frequency", "Hz", required=True), Column("Re", "real", "ohm", required=True)


def table_of(text: str | bytes, **options) -> tuple[Table, list[str]]:
    decoded, _ = decode(text.encode() if isinstance(text, str) else text)
    table, findings = read_table(decoded, find_block(decoded.lines, **options))
    return table, [finding.code for finding in findings]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_of_an_instrument_pc_gives_the_same_lines(encoding):
    """Excel writes UTF-16, old instruments Windows-1252: the µ of a unit decides about six orders of magnitude."""
    text, finding = decode("I/µA\r\n1,5\r\n".encode(encoding))
    assert text.lines == ["I/µA", "1,5"]
    assert (finding is not None) == (encoding == "cp1252")


def test_a_file_cut_within_a_character_keeps_its_encoding():
    """The half of a µ at the end must not turn the whole file into Windows-1252, and its units into 'Âµ'."""
    text, finding = decode("I/µA\n1\n2 µ".encode()[:-1])
    assert (text.lines[0], text.encoding, finding) == ("I/µA", "utf-8", None)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_all_line_ends_count_one_line(end):
    """PowerSuite ends lines with CR CR LF; line numbers in errors must still be those of an editor."""
    assert decode(f"a{end}b{end}".encode())[0].lines == ["a", "b"]


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)), bytes(100), b"f,Re\n1,\x00\x012\n" * 5])
def test_binary_content_is_no_text(data):
    """A .csv that holds something else must not become a table of nonsense."""
    with pytest.raises(CorruptFile):
        decode(data)


def test_white_space_and_endless_lines_are_refused():
    """Neither an empty export nor a line of gigabytes may reach the table parser."""
    with pytest.raises(TruncatedFile):
        decode(b" \n\t\n")
    with pytest.raises(LimitExceeded):
        decode(b"1," * 100, Limits(line=50))


@pytest.mark.parametrize(
    ("rows", "delimiter", "expected"),
    [
        (["1.5;2.25"], ";", Dialect(";")),
        (["1,5;2,25"], ";", Dialect(";", ",")),
        (["1.000,5;3"], ";", Dialect(";", ",", ".")),
        (["1,000.5\t3"], "\t", Dialect("\t", ".", ",")),
        (["1,234;0.5"], ";", Dialect(";", ".", ",")),
        (["3,141;2,5"], ";", Dialect(";", ",")),
        (["1.234.567;2"], ";", Dialect(";", ",", ".")),
        (["0,123;4"], ";", Dialect(";", ",")),
    ],
)
def test_decimal_mark_follows_from_the_numbers(rows, delimiter, expected):
    """A comma is a decimal mark or a thousands separator; taking the wrong one is wrong by 1000, silently."""
    assert infer_dialect(rows, delimiter) == expected


def test_undecided_and_mixed_locales_are_refused():
    """1,234 alone may be 1.234 or 1234, and 1,5 beside 2.25 is two locales in one file: no reading is safe."""
    with pytest.raises(AmbiguousContent, match="decimal comma or with thousands"):
        infer_dialect(["1,234;5,678"], ";")
    with pytest.raises(CorruptFile, match="mixes"):
        infer_dialect(["1,5;2.25"], ";")


def test_a_stray_comma_among_thousands_is_found_in_any_row():
    """pandas drops thousands separators wherever they stand, so 3,5 in row 2000 would silently become 35."""
    rows = [f"{1000 + k:,}.5\t{k}.25" for k in range(3000)]
    rows[2001] = "3,5\t1.25"
    with pytest.raises(CorruptFile, match="contradicts"):
        table_of("f\tRe\n" + "\n".join(rows) + "\n")


def number(value: float, dialect: Dialect) -> str:
    whole, _, fraction = f"{value:.9f}".partition(".")
    grouped = f"{int(whole):,}".replace(",", dialect.thousands) if dialect.thousands else whole
    return ("-" if value < 0 and not grouped.startswith("-") else "") + grouped + dialect.decimal + fraction


DIALECTS = [
    Dialect(delimiter, decimal, thousands)
    for delimiter in ("\t", ";", "|", ",", " ")
    for decimal, thousands in ((".", ""), (",", ""), (".", ","), (",", "."))
    if delimiter not in (decimal, thousands)
]


@settings(max_examples=150, deadline=None)
@given(
    dialect=st.sampled_from(DIALECTS),
    rows=st.lists(
        st.tuples(*[st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 9)) for _ in range(3)]),
        min_size=3,
        max_size=12,
    ),
    header=st.booleans(),
)
def test_tables_of_any_dialect_come_back(dialect, rows, header):
    """Whatever a locale does to separators, the numbers must come back exactly, or be refused: never others."""
    body = "\n".join(dialect.delimiter.join(number(value, dialect) for value in row) for row in rows)
    text = (dialect.delimiter.join(("alpha", "beta", "gamma")) + "\n" if header else "") + body + "\n"
    table, codes = table_of(text)
    assert not codes
    assert table.header == (("alpha", "beta", "gamma") if header else ("", "", ""))
    np.testing.assert_allclose(np.column_stack([table.numbers(k) for k in range(3)]), np.array(rows), rtol=0, atol=1e-9)


def test_decimal_commas_between_spaces_are_no_comma_delimited_table():
    """'1000,5 109,2' splits at commas into numbers as well; the pieces '5 109' tell that it is the wrong delimiter."""
    table, _ = table_of("f Re Im\n" + "".join(f"{1000 - k},5 {100 + k},25 -{k},75\n" for k in range(9)))
    assert table.dialect == Dialect(" ", ",")
    np.testing.assert_allclose(table.numbers(1), 100.25 + np.arange(9))


def test_damaged_rows_cost_only_themselves():
    """One bad sector in a week of cycling must not end the table there."""
    rows = [f"{k}.5,{k}.25" for k in range(100)]
    rows[40], rows[70] = "40.5,40", "70.5"
    rows[55] = "55.5,55.25,3"
    table, codes = table_of("f,Re\n" + "\n".join(rows) + "\n")
    assert codes == ["damaged-rows"]
    assert len(table.frame) == 98
    assert table.line_of(97) == 101


def test_a_row_cut_off_at_the_end_is_left_out():
    """A full disk cuts '2.2627E+06' to '2.2627E+0': a number, and a million times too small."""
    rows = "".join(f"{10.0**-k:.5E}\t{k + 2.2627:.5E}\n" for k in range(8))
    whole, _ = table_of("f\tRe\n" + rows)
    for missing in (2, 6, 13):
        table, codes = table_of("f\tRe\n" + rows[:-missing])
        assert codes == ["truncated-row"]
        np.testing.assert_array_equal(table.numbers(1), whole.numbers(1)[:-1])


def test_a_delimiter_at_the_end_of_rows_shifts_no_column():
    """Landt ends rows, but not the header, with a comma; pandas writes an index without a name at the left."""
    ends, _ = table_of("f,Re\n1,10,\n2,20,\n3,30,\n")
    index, _ = table_of(",f,Re\n0,1,10\n1,2,20\n2,3,30\n")
    short, _ = table_of("f,Re\n0,1,10\n1,2,20\n2,3,30\n")
    for table in (ends, index, short):
        np.testing.assert_array_equal(table.take([F, RE])["real"], [10, 20, 30])


def test_a_quote_that_never_closes_is_refused():
    """pandas would swallow all rows up to the next quote into one field."""
    rows = [f'{k},{k}.5,"ok"' for k in range(20)]
    rows[5] = '5,5.5,"half'
    with pytest.raises(CorruptFile):
        table_of("f,Re,note\n" + "\n".join(rows) + "\n")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Test Time / s", ("Test Time", "s")),
        ("Current(mA)", ("Current", "mA")),
        ("Zs'[ohm]", ("Zs'", "ohm")),
        ("-Im(Z)/Ohm", ("-Im(Z)", "Ohm")),
        ('Z"/ohm', ('Z"', "ohm")),
        ("test_time_second", ("test_time", "s")),
        ("Voltage_V", ("Voltage", "V")),
        ("Cell_Temperature_C", ("Cell_Temperature", "degC")),
        ("Aux_Temperature_1 (C)", ("Aux_Temperature_1", "C")),
        ("control/V/mA", ("control/V/mA", "")),
        ("Spec. Energy(mWh/g)", ("Spec. Energy(mWh/g)", "")),
        ("mAh/g", ("mAh/g", "")),
        ("Z_re", ("Z_re", "")),
        ("Cycle", ("Cycle", "")),
    ],
)
def test_name_and_unit_of_a_header(header, expected):
    """A unit taken from the wrong part of a name scales a column by 1000, or makes amperes of volts."""
    assert split_unit(header) == expected


def test_primes_and_minus_signs_make_the_name():
    """Z' and Z'' differ by one stroke, Z'' and -Z'' by another; word processors write both in five ways."""
    assert len({fold(name) for name in ("Z''", "Z″", 'Z"', "Z’’", "z''", " \"Z''\" ")}) == 1
    assert fold("Z'") != fold("Z''") != fold("-Z''")
    assert fold("−Z''") == fold("-Z''")


def test_temperatures_are_neither_coulomb_nor_kelvin():
    """'(C)' behind a temperature is Celsius though C is coulomb elsewhere; kelvin need an offset, no factor."""
    kelvin, _ = table_of("f,T (K)\n1,273.15\n2,300\n3,400\n")
    celsius, _ = table_of("f,T (C)\n1,0\n2,26.85\n3,126.85\n")
    column = Column("T", "temperature", "degC")
    np.testing.assert_allclose(kelvin.take([column])["temperature"], celsius.take([column])["temperature"], atol=1e-9)


def test_bad_fields_become_nan_with_their_line():
    """An '###' of a spreadsheet in one field costs that field, and the finding says where it was."""
    table, _ = table_of("f,Re\n1,10\n2,###\n3,inf\n4,40\n")
    taken, findings = table.gather([F, RE])
    np.testing.assert_array_equal(taken["real"], [10, np.nan, np.nan, 40])
    assert [finding.code for finding in findings] == ["not-a-number", "infinite-values"]
    assert "line 3" in findings[0].message


def test_header_and_units_row_below_a_preamble():
    """Settings above a table hold numbers too; the table is the run of rows, its header the names right above."""
    text = "Sample 1\nrange 1;2\n\nFreq;Re\nkHz;Ohm\n\n1,5;10,5\n2,5;20,5\n3,5;30,5\n"
    table, _ = table_of(text)
    assert table.header == ("Freq", "Re")
    taken = table.take([Column("Freq", "frequency", "Hz"), RE])
    np.testing.assert_allclose(taken["frequency"], [1500, 2500, 3500])


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        # The corpus' list says 2444 and 210: it counts two rows of nothing but separators, and three lines of the head.
        ("cycling/cellpy/custom_data_001.csv", 2442),
        ("cycling/PyProBE/sample_data_novonix.csv", 207),
        ("cycling/cellpy/pec.csv", 16255),
        ("cycling/cellpy/maccor_one.txt", 4459),
        ("eis/yadg/vsp_peis_with.mpt", 2240),
        ("eis/novocontrol_toolbox/Test_X4_22-50-70-90DEG.txt", 240),
        ("eis/impedance.py/exampleDataVersaStudio.par", 61),
    ],
)
def test_tables_of_real_files_are_found_whole(corpus, path, rows):
    """The engine finds the table under any vendor's preamble, before any reader knows the vendor."""
    source = Source(corpus / path)
    table, _ = read_table(source.text, find_block(source.text.lines))
    assert len(table.frame) == rows


def test_names_are_never_shared_out_over_too_many_fields():
    """Decimal commas in a comma-delimited table double its fields; no name may then stand over any of them."""
    table, _ = table_of("a,b,c\n1,5,2,5,3,5\n1,6,2,6,3,6\n1,7,2,7,3,7\n")
    assert table.header == ("",) * 6
    with pytest.raises(CorruptFile, match="as many names as fields"):
        read_table(Text(["1,5,2,5", "1,6,2,6"], "utf-8"), find_block(["1,5,2,5", "1,6,2,6"]), header=["a", "b"])


def test_columns_are_limited():
    """A crafted header must not make millions of columns."""
    text = Text([",".join(map(str, range(50)))] * 4, "utf-8")
    with pytest.raises(LimitExceeded):
        read_table(text, find_block(text.lines), limits=Limits(columns=10))
