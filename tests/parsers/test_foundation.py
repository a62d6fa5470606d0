"""The foundation of all readers: errors, checked bytes, vocabulary, units, reading."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import xarray as xr

from interlayer.parsers import (
    CorruptFile,
    LimitExceeded,
    Limits,
    ParseError,
    SchemaError,
    Source,
    TruncatedFile,
    UnknownFormat,
    findings,
    identify,
    read,
    read_tree,
    schema,
)
from interlayer.parsers._binary import Cursor
from interlayer.parsers._registry import BUILT_IN
from interlayer.parsers.units import conversion

GARBAGE = {
    "empty": b"",
    "zeros": bytes(300),
    "mark only": b"\xff\xfe\x00",
    "zip": b"PK\x03\x04" + bytes(40),
    "gzip": b"\x1f\x8b\x08" + bytes(20),
    "Gamry head": b"EXPLAIN\n",
    "BioLogic head": b"BIO-LOGIC MODULAR FILE\x1a" + bytes(30),
    "all bytes": bytes(range(256)) * 4,
}
SPECTRUM = "freq,Zre,-Zim\n" + "".join(f"{10.0 ** (4 - k / 4)},{100 + 10 * k},{5 + 20 * k}\n" for k in range(12))


def test_error_says_what_where_expected_and_what_to_do():
    """The person at the instrument has only this sentence."""
    error = TruncatedFile("the header ends early", path="a.mpt", line=3, expected="57 lines", remedy="export again")
    assert str(error) == "a.mpt, line 3: the header ends early; expected 57 lines. Export again."
    assert isinstance(error, ParseError)
    assert isinstance(error, ValueError)


def test_error_survives_a_process_pool():
    """Errors of workers reach the user through pickle; a lost offset would be a lost clue."""
    error = pickle.loads(pickle.dumps(CorruptFile("bad", path="x", offset=12, expected="good")))
    assert type(error) is CorruptFile
    assert str(error) == "x, byte 12: bad; expected good."


@pytest.mark.parametrize("read_too_much", [
    lambda c: c.take(9), lambda c: c.array("<f8", 2), lambda c: c.seek(9), lambda c: c.unpack("9B"), lambda c: c.sub(9),
    lambda c: c.array("<f8", -1), lambda c: c.take(-1),
])  # fmt: skip
def test_cursor_never_runs_past_the_end(read_too_much):
    """A length in a damaged header must not become zeros, a crash or an allocation."""
    with pytest.raises(TruncatedFile):
        read_too_much(Cursor(bytes(8)))


def test_cursor_refuses_a_huge_array_before_allocating():
    """A header may claim any size; the limit is compared first."""
    with pytest.raises(LimitExceeded):
        Cursor(bytes(64), limits=Limits(array=16)).array("<f8", 8)


def test_cursor_reports_offsets_in_the_file():
    """An offset within a block is useless to whoever opens the file in a hex editor."""
    cursor = Cursor(bytes(16))
    cursor.skip(8)
    with pytest.raises(TruncatedFile) as caught:
        cursor.sub(8).take(20)
    assert caught.value.offset == 8


def test_byte_order():
    """Big-endian files of older workstations are read by the same code."""
    assert Cursor(b"\x01\x02", byteorder=">").u16() == 0x0102
    assert Cursor(b"\x01\x02").u16() == 0x0201
    assert Cursor(b"\x00\x01\x00\x02", byteorder=">").array(np.uint16, 2).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("spelling", "unit", "factor"),
    [
        ("mA.h", "A h", 1e-3), ("µm", "nm", 1e3), ("1 / nm", "nm-1", 1.0), ("Ohm", "ohm", 1.0), ("[V]", "V", 1.0),
        ("S/cm", "S cm-1", 1.0), ("Å", "nm", 0.1), ("keV", "eV", 1e3), ("mAh/g", "mA h g-1", 1.0), ("MOhm", "ohm", 1e6),
        ("C", "A h", 1 / 3600), ("°C", "degC", 1.0),
    ],
)  # fmt: skip
def test_unit_spellings(spelling, unit, factor):
    """Instruments spell one unit in many ways; the factors are exact by definition of the SI."""
    assert conversion(spelling) == (unit, pytest.approx(factor, rel=1e-15))


@pytest.mark.parametrize("spelling", ["furlong", "", "m A", "µn"])
def test_unknown_unit_is_refused(spelling):
    """A guessed unit is a wrong number by powers of ten."""
    with pytest.raises(ParseError):
        conversion(spelling)


def test_milli_and_mega_are_not_confused():
    """Case decides between 1e-3 and 1e6 ohm."""
    assert conversion("mOhm")[1] == 1e-3
    assert conversion("MOhm")[1] == 1e6


def test_build_refuses_names_units_and_shapes_outside_the_vocabulary():
    """A reader that invents a name breaks every analysis after it."""
    good = {"frequency": [10.0, 1.0], "impedance": [1 - 1j, 2 - 2j]}
    with pytest.raises(SchemaError, match="no variable"):
        schema.build("eis", {**good, "z": [1, 2]})
    with pytest.raises(SchemaError, match="dimensions"):
        schema.build("eis", {**good, "impedance": np.ones((1, 1, 2))})
    with pytest.raises(SchemaError, match="units"):
        schema.build("eis", {**good, "frequency": xr.Variable("frequency", [1.0, 2.0], {"units": "kHz"})})
    with pytest.raises(SchemaError, match="lacks"):
        schema.build("eis", {"frequency": [1.0]})
    with pytest.raises(SchemaError, match="attribute"):
        schema.build("eis", good, nested={"a": 1})


def test_uncertainty_is_linked_to_its_variable():
    """CF conventions: other software finds the uncertainty through ancillary_variables."""
    ds = schema.build("eis", {"frequency": [1.0], "impedance": [1j], "impedance_stderr": [0.1]})
    assert ds["impedance"].attrs["ancillary_variables"] == "impedance_stderr"
    assert ds["impedance_stderr"].attrs["units"] == "ohm"


def test_units_of_the_vocabulary_are_in_the_closed_list():
    """A unit outside the list would pass here and fail wherever it is converted."""
    from interlayer.parsers.units import UNITS

    for technique in schema.TECHNIQUES.values():
        for term in (*technique.coords.values(), *technique.variables.values()):
            assert {unit for unit in term.allowed_units if unit} <= UNITS


def test_read_adds_provenance(tmp_path):
    """Every number must be traceable to the bytes it came from."""
    path = tmp_path / "a.csv"
    path.write_text(SPECTRUM)
    ds = read(path)
    assert ds.attrs["source_file"] == "a.csv"
    assert ds.attrs["format"] == "delimited-eis"
    assert len(ds.attrs["source_sha256"]) == 64
    assert isinstance(findings(ds.attrs), tuple)
    assert ds["impedance"].values[0] == 100 - 5j


def test_tree_and_xarray_engine_give_the_same(tmp_path):
    """One reader, four doors."""
    path = tmp_path / "a.csv"
    path.write_text(SPECTRUM)
    ds = read(path)
    xr.testing.assert_identical(next(iter(read_tree(path).leaves)).to_dataset(), ds)
    xr.testing.assert_identical(xr.open_dataset(path, engine="interlayer").load(), ds)
    xr.testing.assert_identical(next(iter(xr.open_datatree(path, engine="interlayer").leaves)).to_dataset().load(), ds)


def test_unknown_format_is_an_error_that_helps(tmp_path):
    """The user learns what the file begins with and how to force a format."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"\x00\x01garbage")
    assert identify(path) is None
    with pytest.raises(UnknownFormat, match="begins with"):
        read(path)
    with pytest.raises(UnknownFormat, match="expected one of"):
        read(path, format="no-such-format")


@pytest.mark.parametrize("card", BUILT_IN, ids=lambda card: card.name)
@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_garbage_forced_into_any_reader_is_a_parse_error(tmp_path, card, content):
    """Mislabelled and empty files arrive in every folder; a reader may only answer with a ParseError."""
    path = tmp_path / f"a{card.extensions[0]}"
    path.write_bytes(content)
    with pytest.raises(ParseError) as caught:
        read_tree(path, format=card.name)
    assert caught.value.path is not None


def test_file_over_the_limit_is_refused_unread(tmp_path):
    """A file of terabytes must not be loaded to find out that it is one."""
    path = tmp_path / "a.csv"
    path.write_text(SPECTRUM)
    with pytest.raises(LimitExceeded):
        read(path, limits=Limits(file=10))


def test_source_of_bytes_needs_no_file():
    """Members of archives are read without being written to disk."""
    from pathlib import Path

    from interlayer.parsers import measurements

    (found,) = measurements(Source(Path("in/archive.csv"), data=SPECTRUM.encode()))
    assert found.dataset.sizes == {"frequency": 12}


@pytest.mark.parametrize("order", ["forward", "reversed"])
def test_specific_formats_win(order, tmp_path):
    """An EC-Lab export is tab-delimited text too; the specific card must take it whatever its extension."""
    path = tmp_path / ("a.txt" if order == "forward" else "a.csv")
    path.write_text("EC-Lab ASCII FILE\nNb header lines : 3\nfreq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\n1\t2\t3\n")
    card = identify(path)
    assert card is not None
    assert card.name == "biologic-mpt"


def test_renamed_file_is_read_by_its_content_and_says_so(tmp_path):
    """A .csv called .mpr is still a .csv; whoever wonders about the name finds the answer beside the data."""
    path = tmp_path / "a.mpr"
    path.write_text(SPECTRUM)
    ds = read(path)
    assert ds.attrs["format"] == "delimited-eis"
    assert "other-extension" in {finding.code for finding in findings(ds.attrs)}
