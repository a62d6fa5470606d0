"""Athena projects: every real file in both forms, the stored energy shift, broken records and damaged bytes."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import schema
from interlayer.parsers._registry import Head
from interlayer.parsers._source import Measurement, Source
from interlayer.parsers.errors import CorruptFile, LimitExceeded, ParseError, TruncatedFile, UnsupportedContent
from interlayer.parsers.findings import findings
from interlayer.parsers.limits import Limits
from interlayer.parsers.reading import match, measurements


def read(data: bytes, limits: Limits | None = None) -> list[Measurement]:
    return measurements(Source(Path("project.prj"), data=data, limits=limits or Limits()), format="athena-prj")


def groups(data: bytes) -> dict[str, object]:
    return {measurement.group: measurement.dataset for measurement in read(data)}


def codes(measurement: Measurement) -> list[str]:
    return [finding.code for finding in findings(measurement.dataset.attrs)]


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode("latin-1")


# file: records, spectra among them, and of the first: group, element, edge, E0 and energy shift as Athena stored them,
# points, first and last energy as stored (without the shift).
FILES = {
    "Cl_CAMD": (7, 7, "KCl", "Cl", "K", 2824.18, 0.0, 557, 2779.99, 2950.06),
    "ESRF_Athena0920": (2, 2, "endmember_FeO6", "Fe", "K", 7119.42, 0.0, 565, 6999.97, 7963.42),
    "FeO": (1, 1, "FeO", "Fe", "K", 7122.9272, 0.0, 412, 6911.7671, 8084.0938),
    "FeS2": (1, 1, "fes2_rt01_mar02.xmu", "Fe", "K", 7117.0, 0.0, 353, 6911.8277, 7969.247),
    "LaCoO3": (2, 2, "LaCoO3_sample_1", "La", "L3", 5487.6009, 0.0, 405, 5282.999, 5879.8654),
    "Mn": (14, 14, "Mn_foil", "Mn", "K", 6539.0, 1.29820000000018, 2207, 6380.0961, 7100.1102),
    "MnO_bv": (1, 1, "mno.xmu", "Mn", "K", 6543.348, 0.0, 459, 6339.011, 7429.841),
    "NiO": (24, 24, "NiO.000", "Ni", "K", 8344.00143, 1.252, 522, 8133.00072, 9569.96743),
    "P_CAMD": (15, 15, "H3PO4_solution_1_M", "P", "K", 2151.28, 0.173, 415, 2100.02, 2200.18),
    "S_CAMD": (22, 22, "PdS_ox._2-", "S", "K", 2469.400075, 0.097, 364, 2441.999224, 2520.097509),
    "U": (1, 1, "U_Control", "U", "L3", 17175.08, 0.0, 253, 16961.75897991, 17709.34749555),
    "Vglasses": (28, 28, "ALL_45_NNO+3.8", "V", "K", 5480.0, 0.0, 331, 5365.0, 5613.0),
    "cyanobacteria": (17, 17, "0.12", "Au", "L3", 11918.952, -0.23, 325, 11719.78254372, 12889.69567328),
    "danger": (1, 1, "Fe_Ga_alloy_scan_1", "Fe", "K", 7112.0, 1.99527000000035, 341, 6911.98862, 8491.77949),
    "dispersive": (12, 2, "cufoil_rt_txt", "Cu", "K", 8980.63, 0.0, 725, 8679.01, 10180.6),
    "fbo": (1, 1, "febaa.300", "Fe", "K", 7116.173, 0.0, 199, 6922.354, 7859.514),
    "json_unzipped": (4, 4, "FeXANES_DebbysSample.001", "Fe", "K", 7121.693057, 0.0, 442, 7011.996606, 7745.912367),
    "per-Bruce": (7, 7, "VST1-LiTDI_000.corr", "S", "K", 2471.803383, 0.0, 494, 2272.0001, 3203.070982),
    "sulfate": (6, 6, "sulfate.001", "S", "K", 2481.2, 0.0, 836, 2322.0, 2822.0),
}  # fmt: skip


def test_every_project_of_the_corpus_is_in_the_table(corpus):
    """A project that is added to the corpus must get its expectation."""
    assert {path.name for path in corpus.glob("xanes/*.prj")} == {f"xraylarch__{name}.prj" for name in FILES}


@pytest.mark.parametrize("name", FILES)
def test_real_project(corpus, name):
    """Every record is there, under its label, with Athena's own E0 and with the energies that Athena shows."""
    records, spectra, group, element, edge, e0, shift, points, first, last = FILES[name]
    path = corpus / f"xanes/xraylarch__{name}.prj"
    stored = len(re.findall(r'^\[record\]|^"\w+": \{', text_of(path), re.MULTILINE))
    found = read(path.read_bytes())
    assert (stored, len(found)) == (records, spectra)
    assert len({measurement.group for measurement in found}) == spectra
    dataset = found[0].dataset
    assert found[0].group == group
    assert (dataset.attrs["element"], dataset.attrs["edge"], dataset.attrs["e0"]) == (element, edge, e0)
    assert dataset.attrs["energy_shift"] == dataset["energy"].attrs["energy_shift"] == shift
    assert dataset.sizes == {"energy": points}
    np.testing.assert_allclose(dataset["energy"][[0, -1]] - shift, [first, last], rtol=0, atol=1e-6)
    assert match(Head(path.read_bytes()[:65536], path.name)).name == "athena-prj"
    for measurement in found:
        schema.check(measurement.dataset, provenance=True)


def test_energy_shift_is_applied_once_and_recoverable(corpus):
    """The Mn foil sits at 6539.0 eV (Athena's E0, Bearden & Burr 1967) only with its stored shift of 1.298 eV.

    Peers that keep the shift as a number only put aligned spectra apart again (xraylarch issue 263).
    """
    foil = groups((corpus / "xanes/xraylarch__Mn.prj").read_bytes())["Mn_foil"]
    near = foil.sel(energy=slice(6530, 6550))
    steepest = float(near["energy"][int(np.gradient(near["mu"], near["energy"]).argmax())])
    assert abs(steepest - foil.attrs["e0"]) < 0.1
    unshifted = foil["energy"].values - foil["energy"].attrs["energy_shift"]
    assert unshifted[0] == pytest.approx(6380.0961, abs=1e-9)


def test_shift_aligns_the_reference_foils(corpus):
    """Eleven scans of NiO drift by 5 eV; their Ni foils agree within 1 eV (three steps) once each shift is applied."""
    found = groups((corpus / "xanes/xraylarch__NiO.prj").read_bytes())
    places, shifts = [], []
    for name, dataset in found.items():
        if name.startswith("Ref_NiO.0"):
            near = dataset.sel(energy=slice(8325, 8341))
            places.append(float(near["energy"][int(np.gradient(near["mu"], near["energy"]).argmax())]))
            shifts.append(dataset.attrs["energy_shift"])
    assert len(places) == 11
    assert np.ptp(places) < 1.0
    assert np.ptp(np.subtract(places, shifts)) > 4.0
    assert np.mean(places) == pytest.approx(8333.0, abs=0.5)


def test_transmission_currents_are_recognised_by_the_stored_absorption(corpus):
    """i0 and signal carry no meaning in the file; ln(i0/signal) = y shows transmission, nothing else is assumed."""
    dataset = groups((corpus / "xanes/xraylarch__NiO.prj").read_bytes())["NiO.000"]
    np.testing.assert_allclose(np.log(dataset["i0"] / dataset["itrans"]), dataset["mu"], atol=1e-4)
    assert dataset.attrs["mode"] == "transmission"
    (measurement,) = read((corpus / "xanes/xraylarch__MnO_bv.prj").read_bytes())  # y = signal, no i0
    assert set(measurement.dataset.data_vars) == {"mu"}
    assert "unmapped-columns" in codes(measurement)


@pytest.mark.parametrize(
    ("signal", "name"),
    [("'90.48374180','81.87307531','40.65696597'", "itrans"), ("'10','20','90'", "ifluor"), ("'7','900','3'", None)],
)
def test_signal_is_named_by_what_it_does(signal, name):
    """y = 0.1, 0.2, 0.9 with i0 = 100 is ln(i0/signal), signal/i0, or unrelated to the signal."""
    project = PROJECT.replace("@i0 = ('100','100','100');", f"@i0 = ('100','100','100');\n@signal = ({signal});")
    two = read(project.encode())[1]
    assert {"itrans", "ifluor"} & set(two.dataset.data_vars) == ({name} if name else set())
    assert ("unmapped-columns" in codes(two)) == (name is None)


def test_pixel_axes_are_named_and_left_out(corpus):
    """Dispersive scans on a pixel axis would be spectra at 0 to 1240 eV."""
    found = read((corpus / "xanes/xraylarch__dispersive.prj").read_bytes())
    assert [measurement.group for measurement in found] == ["cufoil_rt_txt", "cu_08_calib"]
    skipped = [finding.message for finding in findings(found[0].dataset.attrs) if finding.code == "skipped-group"]
    assert len(skipped) == 10
    assert "'cus2_10_pixel'" in skipped[-1]
    assert "pixel axis" in skipped[-1]


def test_ranges_and_original_parameters(corpus):
    """The ranges of the author's normalisation are needed to repeat it."""
    dataset = groups((corpus / "xanes/xraylarch__sulfate.prj").read_bytes())["sulfate.001"]
    assert dataset.attrs["pre_edge_range"] == [-150.0, -75.0]
    assert dataset.attrs["post_edge_range"] == [23.651, 317.664]
    parameters = json.loads(dataset.attrs["original_metadata"])
    assert parameters["sa_formula"] == "((NH4)2SO4)0.1(H2O)54.8"
    assert parameters["titles"][-2].startswith("INPUT TO FMERGE")


def test_perl_and_json_twins_read_the_same(corpus):
    """Demeter writes either form of the same project."""
    perl = text_of(corpus / "xanes/xraylarch__S_CAMD.prj")
    project: dict[str, object] = {"_____header1": "# Athena project file -- Demeter version 0.9.26"}
    for number, record in enumerate(perl.split("[record]")[:-1]):
        parameters = re.findall(r"'(label|bkg_eshift|bkg_e0|bkg_z|fft_edge)',(?:'((?:[^'\\]|\\.)*)'|([-\d.]+))", record)
        entry: dict[str, object] = {
            "args": {name: quoted.replace("\\'", "'") or bare for name, quoted, bare in parameters}
        }
        for array in ("x", "y", "i0", "signal", "stddev"):
            if values := re.search(rf"^@{array} = \((.*)\);", record, re.MULTILINE):
                entry[array] = values[1].replace("'", "").split(",")
        project[f"g{number}"] = entry
    twin = read(json.dumps(project).encode())
    for one, other in zip(read(perl.encode("latin-1")), twin, strict=True):
        assert one.group == other.group
        assert one.dataset.attrs["e0"] == other.dataset.attrs["e0"]
        np.testing.assert_array_equal(one.dataset["energy"], other.dataset["energy"])
        np.testing.assert_array_equal(one.dataset["mu"], other.dataset["mu"])


PROJECT = """\
# Athena project file -- Demeter version 0.9.26
# made by hand
$old_group = 'aaaa';
@args = ('label','it\\'s \\\\ one','bkg_eshift','0.5','titles',['a, b','c)d;'],'is_xmu',1,'h',{'k' => 'v'});
@x = ('7100.0','7110.0','7120.0','7130.0');
@y = ('0.1','0.2','0.9','1.0');
[record]   # create object and set arrays in ifeffit

$old_group = 'bbbb';
@args = ('label','two','bkg_eshift',0);
@x = ('7100.0','7110.0','7120.0');
@y = ('0.1','0.2','0.9');
@i0 = ('100','100','100');
[record]   # create object and set arrays in ifeffit

1;
"""


def test_quoted_labels_lists_and_hashes():
    """Labels hold quotes, commas and brackets; a parser that splits at commas loses the parameters after them."""
    one, two = read(PROJECT.encode())
    assert (one.group, two.group) == ("it_s_one", "two")
    assert one.dataset.attrs["sample"] == "it's \\ one"
    assert json.loads(one.dataset.attrs["original_metadata"])["titles"] == ["a, b", "c)d;"]
    np.testing.assert_array_equal(one.dataset["energy"], [7100.5, 7110.5, 7120.5, 7130.5])


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("'7110.0','7120.0');\n@y = ('0.1','0.2','0.9');", "'7110.0','7120.0');\n@y = ('0.1','0.2');", "3 points and y 2"),
    ("@y = ('0.1','0.2','0.9');", "", "not both there"),
    ("('0.1','0.2','0.9')", "('0.1','zwei','0.9')", "zwei"),
    ("('label','two','bkg_eshift',0)", "('label','two','bkg_eshift')", "no parameters|not pairs"),
    ("('7100.0','7110.0','7120.0');\n@y = ('0.1','0.2','0.9');", "('-1','7110.0','7120.0');\n@y = ('0.1','0.2','0.9');",
     "positive photon energies"),
])  # fmt: skip
def test_broken_record_costs_no_other(old, new, reason):
    """One bad scan must not lose a day of beamtime."""
    assert PROJECT.count(old) == 1
    (one,) = read(PROJECT.replace(old, new).encode())
    assert one.group == "it_s_one"
    (finding,) = findings(one.dataset.attrs)
    assert finding.code == "unreadable-group"
    assert re.search(reason, finding.message)


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("'is_chi',1", "chi\\(k\\)"),
        ("'not_data',1", "not data"),
        ("'datatype','chi'", "chi\\(k\\)"),
        ("'is_diff','1'", "difference"),
    ],
)
def test_records_of_another_kind(flag, words):
    """k from 0 to 15 per angstrom would pass for an energy in eV."""
    (one,) = read(PROJECT.replace("'label','two'", f"'label','two',{flag}").encode())
    (finding,) = findings(one.dataset.attrs)
    assert finding.code == "skipped-group"
    assert re.search(words, finding.message)
    only = PROJECT.replace("'is_xmu',1", flag).replace("'label','two'", f"'label','two',{flag}")
    with pytest.raises(UnsupportedContent, match=words):
        read(only.encode())


def test_normalised_records_are_named_so():
    """Normalised data pass through another normalisation unchanged only if one knows."""
    one, two = read(PROJECT.replace("'is_xmu',1", "'is_nor',1").encode())
    np.testing.assert_array_equal(one.dataset["mu_normalized"], one.dataset["mu"])
    assert "mu_normalized" not in two.dataset


def test_truncated_gzip_keeps_whole_records(corpus):
    """A project that stopped copying half way still holds half of its spectra."""
    data = (corpus / "xanes/xraylarch__Vglasses.prj").read_bytes()
    whole = {measurement.group: measurement.dataset for measurement in read(data)}
    found = read(data[: len(data) // 2])
    assert 8 < len(found) < 20
    assert "truncated-file" in codes(found[0])
    for measurement in found:
        np.testing.assert_array_equal(measurement.dataset["mu"], whole[measurement.group]["mu"])
    with pytest.raises(TruncatedFile):
        read(data[:40])


def test_flipped_bit_in_gzip_is_refused(corpus):
    """The checksum knows that a number changed; nobody else would."""
    data = bytearray((corpus / "xanes/xraylarch__FeO.prj").read_bytes())
    data[len(data) // 2] ^= 4
    with pytest.raises(CorruptFile, match="damaged"):
        read(bytes(data))


def test_gzip_bomb_is_refused_before_it_unfolds():
    """Eighty kilobytes that unfold to eighty megabytes of text are no project."""
    with pytest.raises(LimitExceeded):
        read(gzip.compress(b"# Athena project file\n" * 4_000_000))


def mutated(data: bytes):
    """Yield damaged copies: cut off, with flipped bits, with a piece twice, with a piece missing."""
    random = np.random.default_rng(zlib.crc32(data))
    for place in np.linspace(0, len(data) - 1, 25).astype(int):
        yield data[:place]
    for place in random.integers(0, len(data), 40):
        yield data[:place] + bytes([data[place] ^ (1 << int(random.integers(8)))]) + data[place + 1 :]
    for first, second in np.sort(random.integers(0, len(data), (20, 2))):
        yield data[:second] + data[first:]
        yield data[:first] + data[second:]


@pytest.mark.parametrize("name", ["FeO", "danger", "per-Bruce", "json_unzipped", "sulfate"])
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_bytes_give_datasets_of_the_vocabulary_or_a_parse_error(corpus, name, packed):
    """A damaged project never ends in a traceback, and its spectra are never longer than the lists in it."""
    text = text_of(corpus / f"xanes/xraylarch__{name}.prj").encode("latin-1")
    for damaged in mutated(gzip.compress(text, mtime=0) if packed else text):
        try:
            found = read(damaged)
        except ParseError:
            continue
        for measurement in found:
            schema.check(measurement.dataset, provenance=True)
            assert np.all(np.isfinite(measurement.dataset["energy"]))


@pytest.mark.parametrize("name", ["cyanobacteria", "json_unzipped"])
def test_arrays_equal_those_of_larch(corpus, name):
    """larch is the reference reader of the community; it leaves the energy shift to the user."""
    if importlib.util.find_spec("larch") is None:
        pytest.skip("xraylarch is not installed: pip install interlayer[xas]")
    from larch.io import read_athena

    path = corpus / f"xanes/xraylarch__{name}.prj"
    theirs = read_athena(str(path), do_preedge=False, do_bkg=False, do_fft=False)
    by_label = {group.label.strip(): group for group in vars(theirs).values() if hasattr(group, "label")}
    found = read(path.read_bytes())
    assert len(found) == len(by_label)
    for measurement in found:
        other = by_label[measurement.dataset.attrs["sample"]]
        shift = measurement.dataset.attrs["energy_shift"]
        np.testing.assert_allclose(measurement.dataset["energy"] - shift, other.energy, rtol=0, atol=1e-8)
        np.testing.assert_array_equal(measurement.dataset["mu"], other.mu)
