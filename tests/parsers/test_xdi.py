"""XDI: the specification's own suite, every real file, what instruments break, and damaged bytes."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from interlayer.parsers import schema
from interlayer.parsers._source import Measurement, Source
from interlayer.parsers.errors import AmbiguousContent, CorruptFile, ParseError, TruncatedFile, UnsupportedContent
from interlayer.parsers.findings import findings
from interlayer.parsers.reading import measurements

SUITE = "xanes/XAS-Data-Interchange__bad_{}.xdi"


def read(data: bytes) -> list[Measurement]:
    return measurements(Source(Path("scan.xdi"), data=data), format="xdi")


def scan(data: bytes) -> xr.Dataset:
    (measurement,) = read(data)
    return measurement.dataset


def codes(dataset: xr.Dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


# What BadFiles.txt says of each file: a finding (None where it is to be read without one), or the line of an error.
READ = {
    "00": None, "02": "missing-metadata", "03": "missing-metadata", "04": "invalid-metadata", "05": "invalid-metadata",
    "06": "no-header-end", "07": "label-from-row", "08": "label-from-row", "09": "surplus-columns",
    "10": "surplus-columns", "11": "ignored-lines", "12": "inferred-d-spacing", "23": None, "25": None, "26": None,
    "27": None, "28": "invalid-metadata", "29": "invalid-metadata", "30": "invalid-metadata", "31": "invalid-metadata",
    "32": "missing-recommended", "33": "invalid-metadata", "34": "invalid-metadata", "35": "invalid-metadata",
}  # fmt: skip
REFUSED = {
    "01": (1, "# XDI/1.0"), "13": (31, "4 as in the rows above"), "14": (36, "4 as in the rows above"),
    "15": (29, "finite numbers"), "16": (30, "numbers"), "17": (29, "numbers"), "18": (8, "Namespace.tag"),
    "19": (8, "Namespace.tag"), "20": (8, "Namespace.tag"), "21": (8, "Namespace.tag"), "22": (8, "Namespace.tag"),
    "24": (8, "Namespace.tag"),
}  # fmt: skip


def test_the_table_above_is_what_the_specification_says(corpus):
    """The verdicts come from the suite's own list, so that nobody can bend them to what the reader does."""
    text = (corpus / "xanes/XAS-Data-Interchange__BadFiles.txt").read_text()
    listed = re.findall(r"^bad_(\d\d)\.xdi\s+(file read|error msg)", text, re.MULTILINE)
    assert {number for number, verdict in listed if verdict == "file read"} == set(READ)
    assert {number for number, verdict in listed if verdict == "error msg"} == set(REFUSED)
    assert len(listed) == 36


@pytest.mark.parametrize(("number", "code"), READ.items())
def test_suite_file_is_read(corpus, number, code):
    """A missing or odd field costs that field, never the data; larch refuses three of these files."""
    dataset = scan((corpus / SUITE.format(number)).read_bytes())
    assert {"i0", "itrans", "mu_transmission", "mu"} == set(dataset.data_vars)
    assert dataset.sizes["energy"] == (8 if number == "12" else 12)
    np.testing.assert_array_equal(dataset["mu"][:3], [-1.3070486, -1.3006104, -1.3033816])
    assert codes(dataset) >= ({code} if code else set())
    assert code or not codes(dataset)


@pytest.mark.parametrize(("number", "where"), REFUSED.items())
def test_suite_file_is_refused(corpus, number, where):
    """NaN, text, ragged rows and broken fields are errors that name the line; larch reads eleven of these files."""
    with pytest.raises(CorruptFile) as caught:
        read((corpus / SUITE.format(number)).read_bytes())
    line, expected = where
    assert caught.value.line == line
    assert expected in str(caught.value.expected)


# file, columns of the file that are energy, numerator, denominator, element, edge, first and last energy. Energies are
# those of the first and last row; kinds of signal follow from the file's own Column fields.
TRANS, FLUO, STORED = "ln(i0/itrans)", "ifluor/i0", "column mutrans"
S_K = ("S", "K", FLUO, 0, 1, 2)
FILES = {
    "XASDataLibrary__CaSO4_rt_01.xdi": (*S_K, 229, 2449.999, 2550.0),
    "XASDataLibrary__CaS_rt_001.xdi": (*S_K, 299, 2446.998, 2543.999),
    "XASDataLibrary__CaS_rt_002.xdi": (*S_K, 299, 2446.999, 2544.0),
    "XASDataLibrary__CdS_rt_01.xdi": (*S_K, 229, 2450.0, 2550.0),
    "XASDataLibrary__CoAsS_rt_01.xdi": (*S_K, 229, 2450.0, 2550.0),
    "XASDataLibrary__Fe2O3_rt_01.xdi": ("Fe", "K", TRANS, 0, 1, 2, 412, 6911.8277, 8084.2337),
    "XASDataLibrary__FeO_rt_01.xdi": ("Fe", "K", TRANS, 0, 1, 2, 412, 6911.7671, 8084.0938),
    "XASDataLibrary__FeSO4_7H2O_rt_01.xdi": (*S_K, 229, 2450.0, 2550.0),
    "XASDataLibrary__Hansel2001_goethite_xanes_003.xdi": ("Fe", "K", TRANS, 0, 2, 1, 125, 7062.003, 7247.011),
    "XASDataLibrary__Hansel2001_siderite_xanes_001.xdi": ("Fe", "K", TRANS, 0, 2, 1, 125, 7062.003, 7247.011),
    "XASDataLibrary__Hansel2001_vivianite_xanes_001.xdi": ("Fe", "K", TRANS, 0, 2, 1, 125, 7062.003, 7247.011),
    "XASDataLibrary__MgS_rt_001.xdi": (*S_K, 299, 2446.999, 2543.999),
    "XASDataLibrary__MgS_rt_002.xdi": (*S_K, 299, 2446.999, 2544.0),
    "XASDataLibrary__Mn2O3_rt_01.xdi": ("Mn", "K", TRANS, 0, 1, 2, 217, 6520.003, 6629.979),
    "XASDataLibrary__Mn3O4_rt_01.xdi": ("Mn", "K", TRANS, 0, 1, 2, 217, 6520.003, 6629.979),
    "XASDataLibrary__MnO2_rt_01.xdi": ("Mn", "K", TRANS, 0, 1, 2, 217, 6520.003, 6629.979),
    "XASDataLibrary__MnO_rt_01.xdi": ("Mn", "K", TRANS, 0, 1, 2, 217, 6520.003, 6629.979),
    "XASDataLibrary__Na2SO3_rt_01.xdi": (*S_K, 229, 2450.0, 2550.0),
    "XASDataLibrary__Ni2O3_rt_01.xdi": ("Ni", "K", TRANS, 0, 1, 2, 435, 8110.0, 9451.088),
    "XASDataLibrary__NiOH2_rt_01.xdi": ("Ni", "K", TRANS, 0, 1, 2, 435, 8110.0, 9451.088),
    "XASDataLibrary__NiSO4_rt_01.xdi": (*S_K, 272, 2450.0, 2672.002),
    "XASDataLibrary__NiS_rt_01.xdi": ("Ni", "K", TRANS, 0, 1, 2, 507, 8110.0, 9451.088),
    "XASDataLibrary__Ni_metal_rt_01.xdi": ("Ni", "K", TRANS, 0, 1, 2, 418, 8133.0, 9567.435),
    "XASDataLibrary__S_ScotchTape_rt_01.xdi": (*S_K, 232, 2452.0, 2592.0),
    "XASDataLibrary__S_elemental_rt_01.xdi": (*S_K, 268, 2450.0, 2520.0),
    "XASDataLibrary__co_metal_rt.xdi": ("Co", "K", TRANS, 0, 1, 2, 417, 7519.0, 8943.435),
    "XASDataLibrary__gypsum2_rt_01.xdi": (*S_K, 247, 2450.0, 2550.0),
    "XASDataLibrary__gypsum_rt_01.xdi": (*S_K, 299, 2446.999, 2543.999),
    "XASDataLibrary__iron_sulfide_rt_01.xxdi": (*S_K, 232, 2452.0, 2592.0),
    "XASDataLibrary__marcasite_rt_01.xdi": (*S_K, 272, 2450.0, 2672.003),
    "XASDataLibrary__pentlandite_rt_01.xdi": (*S_K, 272, 2449.999, 2672.003),
    "XASDataLibrary__pyrite1_rt_01.xdi": (*S_K, 272, 2450.0, 2672.003),
    "XASDataLibrary__pyrite3_rt_01.xdi": (*S_K, 300, 2442.0, 2577.0),
    "XASDataLibrary__pyrrhotite_rt_01.xdi": (*S_K, 272, 2450.0, 2672.002),
    "pyNexafs__MEX2_13385_processed.xdi": (None, None, "column mufluor", 0, 8, None, 520, 2459.999755859375,
                                           2569.054931640625),
    "pyNexafs__MEX2_5640_processed.xdi": (None, None, "column ifluor", 0, 9, None, 236, 2459.999755859375,
                                          2524.892578125),
    "xraylarch__cu_metal_rt.xdi": ("Cu", "K", STORED, 0, 3, None, 408, 8779.0, 10145.86),
    "xraylarch__cu_romanglass.xdi": ("Cu", "K", STORED, 0, 2, None, 473, 8928.6355, 9354.2735),
    "xraylarch__fe3c_rt.xdi": ("Fe", "K", STORED, 0, 1, None, 348, 6962.0, 7969.247),
    "xraylarch__fe_xanes_8ch.xdi": ("Fe", "K", TRANS, 0, 4, 5, 100, 7012.0, 7108.598755),
    "xraylarch__v_foil.xdi": ("V", "K", TRANS, 0, 2, 3, 463, 5385.0, 6089.816),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_real_file(corpus, name):
    """Every scan of the corpus gives the absorption that its columns hold, to the last digit."""
    element, edge, derivation, energy, over, under, points, first, last = FILES[name]
    data = (corpus / f"xanes/{name}").read_bytes()
    dataset = scan(data)
    table = np.loadtxt(data.decode().splitlines(), comments="#")
    expected = table[:, over] if under is None else table[:, over] / table[:, under]
    if derivation.startswith("ln"):
        expected = np.log(expected)
    assert dataset.sizes == {"energy": points}
    assert dataset["energy"].attrs["units"] == "eV"
    np.testing.assert_array_equal(dataset["energy"], table[:, energy])
    np.testing.assert_array_equal(dataset["energy"][[0, -1]], [first, last])
    np.testing.assert_allclose(dataset["mu"], expected, rtol=1e-12)
    assert dataset["mu"].attrs["derivation"] == derivation
    assert (dataset.attrs.get("element"), dataset.attrs.get("edge")) == (element, edge)
    schema.check(dataset, provenance=True)


@pytest.mark.parametrize(("name", "words"), {
    "araucaria__p65_testfile.xdi": "PETRA III",          # the extension, but not the format
    "xraylarch__nonxafs_1d.xdi": "no energy axis",       # its abscissa is x in mm
}.items())  # fmt: skip
def test_file_that_is_no_xdi_spectrum(corpus, name, words):
    """What only looks like a spectrum is refused with the reason."""
    with pytest.raises(ParseError, match=words):
        read((corpus / f"xanes/{name}").read_bytes())


def test_every_file_of_the_corpus_is_in_a_table_here(corpus):
    """A file that is added to the corpus must get its expectation."""
    found = {path.name for path in corpus.glob("xanes/*.x*di")}
    suite = {Path(SUITE).name.format(number) for number in READ | REFUSED}
    others = {"araucaria__p65_testfile.xdi", "xraylarch__nonxafs_1d.xdi", "xraylarch__nonxafs_2d.xdi"}
    assert found == suite | set(FILES) | others


def test_steepest_point_of_foils_is_at_the_tabulated_edge(corpus):
    """A wrong unit or axis moves the edge; uncalibrated monochromators stay within 4 eV of Bearden & Burr (1967)."""
    edges = {"xraylarch__cu_metal_rt": 8979, "xraylarch__v_foil": 5465, "XASDataLibrary__co_metal_rt": 7709,
             "XASDataLibrary__Ni_metal_rt_01": 8333}  # fmt: skip
    for name, edge in edges.items():
        dataset = scan((corpus / f"xanes/{name}.xdi").read_bytes())
        near = dataset.sel(energy=slice(edge - 15, edge + 15))
        steepest = near["energy"].values[np.gradient(near["mu"], near["energy"]).argmax()]
        assert abs(steepest - edge) < 4, name


def test_fluorescence_yield_is_not_divided_by_i0_twice(corpus):
    """MEX2 writes `ifluor ... normalised by i0`; a second division tilts the spectrum with the beam current."""
    path = corpus / "xanes/pyNexafs__MEX2_5640_processed.xdi"
    dataset = scan(path.read_bytes())
    table = np.loadtxt(path, comments="#")
    i0, icr, ocr, kcps = table[:, 4], table[:, 6], table[:, 7], table[:, 8]
    # Dead-time corrected counts per second over i0, from the file's other columns.
    np.testing.assert_allclose(dataset["mu"], 1000 * kcps * icr / ocr / i0, rtol=0.01)
    assert "ifluor" not in dataset


def test_signals_have_their_own_names_and_the_stated_mode_decides(corpus):
    """A glass measured both ways has two absorptions; `mu` is the one of the stated mode, else transmission."""
    data = (corpus / "xanes/xraylarch__cu_romanglass.xdi").read_bytes()
    dataset = scan(data)
    assert {"mu_transmission", "mu_fluorescence", "mu_reference"} <= set(dataset.data_vars)
    assert "several-signals" in codes(dataset)
    assert "mode" not in dataset.attrs
    np.testing.assert_array_equal(dataset["mu"], dataset["mu_transmission"])
    np.testing.assert_allclose(dataset["mu_reference"][0], np.log(1381 / 305421), rtol=1e-12)
    (unmapped,) = [finding for finding in findings(dataset.attrs) if finding.code == "unmapped-columns"]
    assert "ifluor_raw, counttime" in unmapped.message
    stated = scan(data.replace(b"# Undulator.energy", b"# Scan.mode: fluorescence\n# Undulator.energy"))
    np.testing.assert_array_equal(stated["mu"], dataset["mu_fluorescence"])
    assert stated.attrs["mode"] == "fluorescence"


def test_metadata(corpus):
    """Element, edge, crystal, place, sample and time reach the attributes; nothing else is lost."""
    dataset = scan((corpus / SUITE.format("00")).read_bytes())
    expected = {"element": "Cu", "edge": "K", "mono_d_spacing": 3.13553, "facility": "APS", "beamline": "13ID",
                "sample": "Cu", "start_time": "2001-06-26T22:27:31", "mode": "transmission"}  # fmt: skip
    assert {name: dataset.attrs[name] for name in expected} == expected
    assert "rhodium-coated mirror" in dataset.attrs["original_metadata"]
    assert "measured at beamline 13-ID" in dataset.attrs["original_metadata"]


def test_draft_names_and_control_variables_of_beamlines(corpus):
    """`Scan.element`, `Mono.dspacing` and `|| PV` are what real beamlines write."""
    assert scan((corpus / "xanes/xraylarch__cu_metal_rt.xdi").read_bytes()).attrs["element"] == "Cu"
    assert scan((corpus / "xanes/xraylarch__v_foil.xdi").read_bytes()).attrs["mono_d_spacing"] == 3.13555
    assert scan((corpus / "xanes/xraylarch__cu_romanglass.xdi").read_bytes()).attrs["mono_d_spacing"] == 3.13477


def test_outer_scan_gives_one_group_for_each_of_its_values(corpus):
    """A map that is read as one scan would be a spectrum with jumps in it."""
    found = read((corpus / "xanes/xraylarch__nonxafs_2d.xdi").read_bytes())
    assert len(found) == 41  # lines with Outer.value in the file
    assert sum(each.dataset.sizes["energy"] for each in found) == 203  # rows in the file
    assert found[1].group == "x2d_1.10"
    assert found[1].dataset.attrs["outer_value"] == "1.10"
    np.testing.assert_array_equal(found[1].dataset["energy"], [8829, 8839, 8849, 8859])


HEADER = """\
# XDI/1.0 test/1
# Column.1: {axis}
# Column.2: i0 {unit}
# Column.3: itrans {unit}
# Element.symbol: Cu
# Element.edge: K
{more}# Facility.name: none
# Facility.xray_source: none
# Beamline.name: none
# Scan.start_time: 2024-01-02T03:04:05
# ///
# -----
"""
ROWS = [(8970.0 + step, 1000.0 - step, 500.0 - 3 * step) for step in range(40)]
SPACING = "# Mono.d_spacing: 3.13553\n"


def written(rows=ROWS, axis="energy eV", unit="", more=SPACING) -> bytes:
    lines = [" ".join(repr(value) for value in row) for row in rows]
    return (HEADER.format(axis=axis, unit=unit, more=more) + "\n".join(lines) + "\n").encode()


def test_kev_and_angle_twins_read_the_same():
    """The same scan in keV or as Bragg angles (E = hc / 2d sin theta) has the same energies in eV."""
    plain = scan(written())
    kev = scan(written([(row[0] / 1000, *row[1:]) for row in ROWS], "energy keV"))
    theta = [float(np.degrees(np.arcsin(12398.419843320026 / (2 * 3.13553 * row[0])))) for row in ROWS]
    angle = scan(written([(one, *row[1:]) for one, row in zip(theta, ROWS, strict=True)], "angle degrees"))
    assert not codes(plain)
    for twin, unit in ((kev, "keV"), (angle, "degrees")):
        np.testing.assert_allclose(twin["energy"], plain["energy"], rtol=1e-12)
        assert twin["energy"].attrs["original_units"] == unit
        np.testing.assert_array_equal(twin["mu"], plain["mu"])


@pytest.mark.parametrize("axis", ["energy nm", "position mm", "angle degrees"])
def test_axis_without_the_means_to_convert_it(axis):
    """A length is no energy, and an angle without the crystal is none either."""
    with pytest.raises(UnsupportedContent):
        read(written(axis=axis, more=""))


def test_energies_without_unit_that_may_be_kev_are_not_guessed():
    """8.97 without a unit is 8.97 keV to the one and 8.97 eV to the other."""
    rows = [(row[0] / 1000, *row[1:]) for row in ROWS]
    with pytest.raises(AmbiguousContent, match=r"Column\.1: energy keV"):
        read(written(rows, "energy"))
    assert scan(written(axis="energy"))["energy"][0] == 8970.0


def test_units_of_currents():
    """Counts and amperes are kept as such, since Poisson weights need counts; anything else is not called counts."""
    assert scan(written(unit="counts"))["i0"].attrs["units"] == "count"
    amperes = scan(written(unit="nA"))["i0"]
    assert (amperes.attrs["units"], float(amperes[0])) == ("A", pytest.approx(1e-6))
    volts = scan(written(unit="V"))["i0"].attrs
    assert (volts["units"], volts["original_units"]) == ("1", "V")


def test_line_ends_and_encodings_do_not_matter():
    """Files travel through Windows, and sample names have umlauts."""
    data = written(more=SPACING + "# Sample.name: Überzug\n")
    plain = scan(data)
    for twin in (data.replace(b"\n", b"\r\n"), data.decode().encode("cp1252"), b"\xef\xbb\xbf" + data,
                 b"\xff\xfe" + data.decode().encode("utf-16-le")):  # fmt: skip
        other = scan(twin)
        assert other.attrs["sample"] == plain.attrs["sample"] == "Überzug"
        np.testing.assert_array_equal(other["mu"], plain["mu"])


def test_absorption_is_not_invented_where_there_was_no_beam():
    """ln of a dark count is meaningless: such points are NaN and counted, the others stay."""
    rows = [(row[0], 0.0 if index == 3 else row[1], -2.0 if index == 7 else row[2]) for index, row in enumerate(ROWS)]
    dataset = scan(written(rows))
    assert list(np.flatnonzero(np.isnan(dataset["mu"]))) == [3, 7]
    (finding,) = findings(dataset.attrs)
    assert finding.code == "nonpositive-intensity"
    assert "2 of 40" in finding.message
    with pytest.raises(UnsupportedContent, match="no absorption"):
        read(written([(row[0], 0.0, row[2]) for row in ROWS]))


def test_declared_absorption_that_contradicts_its_currents_is_noted(corpus):
    """Somebody's column of mu may be of another detector; it is kept and the difference said."""
    data = (corpus / SUITE.format("00")).read_bytes()
    assert "declared-signal-differs" in codes(scan(data.replace(b"-1.3195882", b"-1.2195882")))


def test_aborted_scan_keeps_its_measured_rows(corpus):
    """MEX2 fills the rows that an aborted scan never reached with 0, -inf and nan; larch then fails in pre_edge."""
    path = corpus / "xanes/pyNexafs__MEX2_13385_processed.xdi"
    lines = path.read_text().splitlines()
    start = next(index for index, line in enumerate(lines) if line and not line.startswith("#"))
    for fill in (
        "2500.0 50.0 1.0 0.0 0.0 0.0 0.0 0.0 nan",
        "-inf 0.0 0.0 0.0 0.0 0.0 nan nan -inf",
        "0 0 0 0 0 0 0 0 0",
    ):
        cut = [*lines[: start + 400], *[fill] * 120]
        dataset = scan("\n".join([*cut, ""]).encode())
        assert dataset.sizes["energy"] == 400
        xr.testing.assert_equal(dataset["mu"], scan(path.read_bytes())["mu"][:400])
        (finding,) = [finding for finding in findings(dataset.attrs) if finding.code == "aborted-scan"]
        assert "400 of 520" in finding.message
        with pytest.raises(TruncatedFile):
            read("\n".join([*lines[:start], *[fill] * 120, ""]).encode())
        with pytest.raises(CorruptFile):  # a hole in the middle is no aborted scan
            read("\n".join([*lines[: start + 10], "2500 50 1 0 0 0 0 0 nan", *lines[start + 11 :], ""]).encode())


def test_cut_off_last_row_is_left_out():
    """The last number of a file that stops in the middle of it has lost digits."""
    data = written()
    for cut in (3, 7, 14):
        dataset = scan(data[:-cut])
        assert dataset.sizes["energy"] == 39
        assert "truncated-row" in codes(dataset)
    assert scan(data.rstrip(b"\n")).sizes["energy"] == 40


def mutated(data: bytes):
    """Yield a hundred damaged copies: cut off, with flipped bits, with a piece twice, with a piece missing."""
    random = np.random.default_rng(zlib.crc32(data))
    for place in np.linspace(0, len(data) - 1, 30).astype(int):
        yield data[:place]
    for place in random.integers(0, len(data), 40):
        yield data[:place] + bytes([data[place] ^ (1 << int(random.integers(8)))]) + data[place + 1 :]
    for first, second in np.sort(random.integers(0, len(data), (30, 2))):
        yield data[:second] + data[first:]
        yield data[:first] + data[second:]


@pytest.mark.parametrize("name", ["XAS-Data-Interchange__bad_00.xdi", "XASDataLibrary__CdS_rt_01.xdi",
                                  "pyNexafs__MEX2_5640_processed.xdi", "xraylarch__nonxafs_2d.xdi"])  # fmt: skip
def test_damaged_bytes_give_a_dataset_of_the_vocabulary_or_a_parse_error(corpus, name):
    """A damaged file never ends in a traceback, and never in more points than it has."""
    data = (corpus / f"xanes/{name}").read_bytes()
    for damaged in mutated(data):
        try:
            found = read(damaged)
        except ParseError:
            continue
        for measurement in found:
            schema.check(measurement.dataset, provenance=True)
            assert measurement.dataset.sizes["energy"] <= damaged.count(b"\n") + 1
            assert np.all(measurement.dataset["energy"] > 0)
