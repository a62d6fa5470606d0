"""VAMAS: every real file, both scan modes, the two energy axes, what exporters write, and damaged bytes."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from interlayer.parsers import schema
from interlayer.parsers._source import Measurement, Source
from interlayer.parsers.errors import CorruptFile, ParseError, TruncatedFile, UnsupportedContent
from interlayer.parsers.findings import findings
from interlayer.parsers.reading import measurements


def read(data: bytes) -> list[Measurement]:
    return measurements(Source(Path("spectra.vms"), data=data), format="vamas")


def one(data: bytes) -> xr.Dataset:
    (measurement,) = read(data)
    return measurement.dataset


def codes(dataset: xr.Dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def signal(dataset: xr.Dataset) -> xr.DataArray:
    (name,) = dataset.data_vars
    return dataset[name]


# file: and for each block its group, points, first and last energy on the file's own axis (start + step of the block
# header), variable, and the smallest and largest ordinate, which VAMAS states in the block.
FILES = {
    "KherveFitting__Pt4f.vms": [("Pt_4f", 281, 1396.68, 1424.68, "counts", None)],
    "LG4X__0-150W.vms": [
        ("wide", 1206, 286.69, 1491.69, "counts", (5, 6050)), ("Ni_2p", 601, 586.69, 646.69, "counts", (87, 144)),
        ("O_1s", 251, 941.69, 966.69, "counts", (1268, 5166)), ("C_1s", 301, 1186.69, 1216.69, "counts", (1773, 2782)),
        ("W_4f", 251, 1436.69, 1461.69, "counts", (78, 5360)),
    ],
    "LG4X__Mutlipak_vms.npl": [
        ("C_1s", 601, 305.0, 275.0, "intensity", (1187.5, 6265.0)),
        ("O_1s", 601, 555.0, 525.0, "intensity", (2405.0, 4627.5)),
        ("S_2p", 501, 180.0, 155.0, "intensity", (213.75, 2025.0)),
        ("N_1s", 401, 410.0, 390.0, "intensity", (2038.75, 3680.0)),
        ("Mo_3d", 401, 240.0, 220.0, "intensity", (495.0, 4206.25)),
    ],
    "pynxtools-xps__FeO_analyzed.vms": [("Fe_2p", 1121, 736.61, 792.61, "counts", None)],
    "pynxtools-xps__irregular.vms": [("Survey", 1351, 136.61, 1486.61, "counts", (181.529, 108366.0))],
    "pynxtools-xps__regular.vms": [("Survey", 1351, 136.61, 1486.61, "counts", (18.1529, 10836.6))],
    "vamas__aes_staib.vms": [("1st_block_id", 1100, 19.989319, 2200.045946, "intensity", (-3423633, 99886))],
    "vamas__xps_eis.vms": [
        ("spectrum_1", 8201, 1506.7, 686.7, "intensity", (2141, 84683)),
        ("spectrum_2", 321, 1261.7, 1245.7, "intensity", (14001, 32737)),
        ("spectrum_3", 941, 1097.7, 1050.7, "intensity", (12186, 15923)),
        ("spectrum_4", 541, 1246.7, 1219.7, "intensity", (7813, 12216)),
    ],
}  # fmt: skip
FRAGMENTS = ("casa_header", "casa_process", "kratos", "phi", "specs_block", "specs_header")


def test_every_file_of_the_corpus_is_in_a_table_here(corpus):
    """A file that is added to the corpus must get its expectation."""
    found = {path.name for pattern in ("*.vms", "*.npl") for path in corpus.glob(f"haxpes/{pattern}")}
    assert found == set(FILES) | {f"pynxtools-xps__{name}.vms" for name in FRAGMENTS}


@pytest.mark.parametrize("name", FILES)
def test_real_file(corpus, name):
    """Half of these files make the vamas 0.2.0 package fail; all blocks are read here, to the last point."""
    found = read((corpus / f"haxpes/{name}").read_bytes())
    assert [measurement.group for measurement in found] == [expected[0] for expected in FILES[name]]
    for measurement, (_, points, first, last, variable, limits) in zip(found, FILES[name], strict=True):
        dataset = measurement.dataset
        schema.check(dataset, provenance=True)
        (dim,) = dataset.dims
        assert list(dataset.data_vars) == [variable]
        assert dataset.sizes == {dim: points}
        own = dataset[f"{dataset.attrs['energy_axis']}_energy"]
        np.testing.assert_allclose(own[[0, -1]], [first, last], rtol=0, atol=1e-9)
        if limits is not None:
            assert (float(signal(dataset).min()), float(signal(dataset).max())) == limits
        assert not codes(dataset) & {"range-mismatch", "truncated-file", "no-terminator"}


@pytest.mark.parametrize("name", FRAGMENTS)
def test_fragments_of_headers_are_refused(corpus, name):
    """Comment blocks that somebody cut out of a file hold no spectrum."""
    with pytest.raises(CorruptFile, match="VAMAS Surface Chemical Analysis") as caught:
        read((corpus / f"haxpes/pynxtools-xps__{name}.vms").read_bytes())
    assert caught.value.line == 1


@pytest.mark.parametrize(("name", "group", "kinetic"), [
    ("KherveFitting__Pt4f.vms", "Pt_4f", 1415.58), ("pynxtools-xps__regular.vms", "Survey", 1180.61),
    ("vamas__aes_staib.vms", "1st_block_id", 1894.560304), ("vamas__xps_eis.vms", "spectrum_1", 1237.4),
    ("vamas__xps_eis.vms", "spectrum_2", 1253.1), ("vamas__xps_eis.vms", "spectrum_3", 1059.4),
    ("vamas__xps_eis.vms", "spectrum_4", 1227.55),
])  # fmt: skip
def test_kinetic_energy_of_the_maximum(corpus, name, group, kinetic):
    """A shifted or reversed axis moves the maxima (read with the vamas 0.2.0 package, corpus.tsv)."""
    found = {measurement.group: measurement.dataset for measurement in read((corpus / f"haxpes/{name}").read_bytes())}
    dataset = found[group]
    assert float(dataset["kinetic_energy"][int(signal(dataset).values.argmax())]) == pytest.approx(kinetic, abs=1e-9)


def test_energies_and_counts_equal_the_export_of_casaxps(corpus):
    """CasaXPS itself exported this spectrum: BE = hv - KE without the work function, counts and counts per second."""
    dataset = one((corpus / "haxpes/pynxtools-xps__FeO_analyzed.vms").read_bytes())
    text = (corpus / "haxpes/pynxtools-xps__FeO_analyzed_lineshapes_cols.txt").read_text(encoding="cp1252")
    rows = [line.split("\t") for line in text.splitlines() if line[:1].isdigit()]
    export = np.array([[float(row[index]) for index in (0, 1, 9, 10)] for row in rows])
    chosen = dataset.set_xindex("kinetic_energy").sel(kinetic_energy=export[:, 0], method="nearest", tolerance=1e-6)
    assert len(export) > 1000
    np.testing.assert_allclose(chosen["binding_energy"], export[:, 2], rtol=0, atol=1e-6)
    np.testing.assert_allclose(chosen["counts"], export[:, 1], rtol=1e-6)
    rate = chosen["counts"] / (dataset.attrs["dwell_time"] * dataset.attrs["n_scans"])
    np.testing.assert_allclose(rate, export[:, 3], rtol=1e-6)


def test_irregular_scan_equals_its_reference_and_its_regular_twin(corpus):
    """The same survey was exported both ways; irregular files keep the energies among the ordinates."""
    import h5py

    irregular = one((corpus / "haxpes/pynxtools-xps__irregular.vms").read_bytes())
    regular = one((corpus / "haxpes/pynxtools-xps__regular.vms").read_bytes())
    with h5py.File(corpus / "haxpes/pynxtools-xps__vms_irregular_ref.nxs") as file:
        raw = file["1_as_loaded__Survey/instrument/electronanalyzer/detector/raw_data"]
        np.testing.assert_array_equal(irregular["kinetic_energy"], raw["energy"][()])
        np.testing.assert_array_equal(irregular["counts"], raw["raw"][()])
    np.testing.assert_allclose(irregular["kinetic_energy"], regular["kinetic_energy"], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(irregular["transmission"], regular["transmission"])
    # One holds counts of 0.1 s, the other counts of 1 s, each to six figures.
    np.testing.assert_allclose(irregular["counts"], regular["counts"] / regular.attrs["dwell_time"], rtol=1e-5)


def test_attributes_of_a_region(corpus):
    """What quantification needs: photon energy, pass energy, angle, time per point, core level, sample, time."""
    found = read((corpus / "haxpes/LG4X__Mutlipak_vms.npl").read_bytes())
    attrs = found[2].dataset.attrs
    expected = {
        "core_level": "S 2p", "photon_energy": 1486.6, "pass_energy": 46.95, "dwell_time": 0.8, "n_scans": 1,
        "work_function": 4.19, "sample": "Sample ID : 1", "start_time": "2019-01-22", "method": "XPS",
        "instrument": "PHI VersaProbe II", "energy_axis": "binding",
    }  # fmt: skip
    assert {name: attrs[name] for name in expected} == expected
    # Analyser axis 45 deg from the stage normal, sample tilted by 0.0094 deg towards it.
    assert attrs["emission_angle"] == pytest.approx(45.0 - 9.399414e-3, abs=1e-5)
    assert "IntensityCalCoeff" in attrs["original_metadata"]
    survey = one((corpus / "haxpes/pynxtools-xps__regular.vms").read_bytes())
    assert survey.attrs["start_time"] == "2023-08-24T14:19:47"
    assert survey.attrs["energy_axis"] == "kinetic"
    assert "core_level" not in survey.attrs


def test_1e37_and_zero_mean_not_known(corpus):
    """1E37 eV of pass energy or an angle of 1E37 degrees would be taken for numbers."""
    attrs = one((corpus / "haxpes/pynxtools-xps__irregular.vms").read_bytes()).attrs
    assert not {"pass_energy", "emission_angle", "work_function", "start_time"} & set(attrs)


def test_transmission_is_kept(corpus):
    """Quantification divides by the analyser's transmission, which Kratos stores with every point."""
    found = {measurement.group: measurement.dataset
             for measurement in read((corpus / "haxpes/LG4X__0-150W.vms").read_bytes())}  # fmt: skip
    transmission = found["wide"]["transmission"]
    assert (float(transmission.min()), float(transmission.max())) == pytest.approx((46.6505644502972, 58.598017086263))


def test_auger_spectra_have_no_binding_energy(corpus):
    """An electron gun has no photon energy; a differentiated current is no count."""
    dataset = one((corpus / "haxpes/vamas__aes_staib.vms").read_bytes())
    assert dataset["intensity"].attrs["units"] == "1"
    assert set(dataset.coords) == {"kinetic_energy"}
    assert dataset.attrs["method"] == "AES diff"


HEAD = [
    "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May", "lab", "instrument", "me", "test", "0",
    "NORM", "REGULAR", "1", "0", "0", "0", "0", "0",
]  # fmt: skip


def block(
    *, name="Al 2s", species=("Al", "2s"), photon="4600", label="kinetic energy", start="4470", step="0.5",
    variables=(("counts", "d"),), mode="pulse counting", angles=("60", "90", "20", "90"), technique="XPS",
    comment=(), values=(10, 20, 30, 20), polar=True,
) -> list[str]:  # fmt: skip
    """A block of a regular scan, part by part as ISO 14976 numbers them."""
    many = len(variables)
    low, high = min(values), max(values)
    return [
        name, "sample", "2024", "2", "29", "12", "30", "0", "1", str(len(comment)), *comment, technique, "source",
        photon, *["1e37"] * 5, "FAT", "200", "1", "4.3", "0", "1e37", "1e37", *angles[:2], *species, "-1",
        label, "eV", start, step, str(many), *[item for pair in variables for item in pair],
        mode, "0.2", "5", "0", *angles[2:], "0", "0", str(len(values)), *[str(low), str(high)] * many,
        *map(str, values),
    ]  # fmt: skip


def file(*found: list[str], head=HEAD, end=True) -> bytes:
    lines = [
        *head,
        str(len(found)),
        *[line for each in found for line in each],
        *(["end of experiment"] if end else []),
    ]
    return "\r\n".join([*lines, ""]).encode()


def test_hand_made_block_reads_to_the_numbers_that_it_states():
    """A HAXPES region of which every number is known."""
    dataset = one(file(block()))
    np.testing.assert_array_equal(dataset["kinetic_energy"], [4470, 4470.5, 4471, 4471.5])
    np.testing.assert_array_equal(dataset["binding_energy"], [130, 129.5, 129, 128.5])
    np.testing.assert_array_equal(dataset["counts"], [10, 20, 30, 20])
    assert dataset["counts"].dims == ("binding_energy",)
    assert dataset.attrs["core_level"] == "Al 2s"
    assert dataset.attrs["start_time"] == "2024-02-29T12:30:00+01:00"
    assert not findings(dataset.attrs)


def test_work_function_is_never_subtracted():
    """Subtracting it from an axis that is referenced already puts every line 4.3 eV off (LG4X-V2 issue 56)."""
    kinetic, binding = one(file(block())), one(file(block(label="binding energy", start="130", step="-0.5")))
    for dataset in (kinetic, binding):
        np.testing.assert_array_equal(dataset["kinetic_energy"] + dataset["binding_energy"], 4600.0)
        assert dataset.attrs["work_function"] == 4.3
    xr.testing.assert_equal(kinetic["counts"].drop_vars("photon_energy"), binding["counts"].drop_vars("photon_energy"))


@pytest.mark.parametrize("photon", ["0", "3.1e-317", "1e37", "", "1486.6", "4.6e6"])
def test_photon_energy_that_cannot_be_gives_no_second_axis(photon):
    """HiPP-2 writes 3e-317 eV and others leave Al Ka standing for a 4.6 keV beam: no binding energy from that."""
    dataset = one(file(block(photon=photon)))
    assert set(dataset.coords) == {"kinetic_energy"}
    assert "photon_energy" not in dataset.attrs
    assert codes(dataset) == {"no-photon-energy"}
    np.testing.assert_array_equal(dataset["counts"], [10, 20, 30, 20])


def test_emission_angle_is_from_the_sample_normal():
    """Analyser at 60 deg, sample tilted 20 deg the same way: emission at 40 deg; the other way: 80 deg."""
    assert one(file(block())).attrs["emission_angle"] == pytest.approx(40.0)
    assert one(file(block(angles=("60", "90", "20", "270")))).attrs["emission_angle"] == pytest.approx(80.0)
    assert one(file(block(angles=("60", "90", "1e37", "1e37")))).attrs["emission_angle"] == 60.0
    assert "emission_angle" not in one(file(block(angles=("1e37", "1e37", "0", "0")))).attrs


@pytest.mark.parametrize(("variables", "mode", "name", "units"), [
    ((("Intensity", "c/s"),), "pulse counting", "intensity", "count s-1"),
    ((("count rate", "d"),), "pulse counting", "intensity", "count s-1"),
    ((("Intensity", "d"),), "pulse counting", "counts", "count"),
    ((("Intensity", "d"),), "analogue", "intensity", "1"),
    ((("current", "A"),), "analogue", "intensity", "1"),
])  # fmt: skip
def test_kind_of_signal(variables, mode, name, units):
    """Poisson weights are right for counts only; a rate called counts is off by dwell time times scans."""
    dataset = one(file(block(variables=variables, mode=mode)))
    assert dataset[name].attrs["units"] == units


def test_blocks_of_the_same_level_keep_apart():
    """A depth profile has the same region in every cycle."""
    found = read(file(block(), block(values=(1, 2, 3, 4)), block(species=("a/b", "c"))))
    assert [measurement.group for measurement in found] == ["Al_2s", "Al_2s_2", "a_b"]


def test_parameters_that_later_blocks_leave_out_come_from_the_first():
    """The exclusion list saves lines; a reader that ignores it reads everything after the first block shifted."""
    first, second = block(), block(species=("Co", "3p"))
    head = [*HEAD[:10], "-6", "1", "2", "3", "4", "5", "6", *HEAD[11:]]
    found = read(file(first, [*second[:2], *second[8:]], head=head))
    assert [measurement.group for measurement in found] == ["Al_2s", "Co_3p"]
    assert found[1].dataset.attrs["start_time"] == "2024-02-29T12:30:00+01:00"
    head = [*HEAD[:10], "1", "29", *HEAD[11:]]
    found = read(file(first, [*second[:2], "Ni", *second[second.index("4") :]], head=head))
    assert [measurement.group for measurement in found] == ["Al_2s", "Ni_2s"]


def test_depth_profile_blocks_have_their_sputtering_parameters():
    """In mode SDP three lines come before the photon energy and seven before the tilt."""
    lines = block()
    at, tilt = lines.index("4600"), lines.index("0.2") + 3
    lines = [*lines[:at], "18", "1", "1", *lines[at:tilt], *["1e37"] * 6, "Ar etch", *lines[tilt:]]
    head = [*HEAD[:6], "SDP", *HEAD[7:]]
    dataset = one(file(lines, head=head))
    np.testing.assert_array_equal(dataset["counts"], [10, 20, 30, 20])
    assert dataset.attrs["emission_angle"] == pytest.approx(40.0)


@pytest.mark.parametrize(("mode", "scan_mode", "words"), [
    ("MAPSV", "REGULAR", "single values"), ("SDPSV", "REGULAR", "single values"), ("SEM", "REGULAR", "micrographs"),
    ("NORM", "MAPPING", "MAPPING"),
])  # fmt: skip
def test_experiments_without_spectra_are_refused_with_the_reason(mode, scan_mode, words):
    """An image read as a spectrum would have a plausible shape."""
    with pytest.raises(UnsupportedContent, match=words):
        read(file(block(), head=[*HEAD[:6], mode, scan_mode, *HEAD[8:]]))


def test_block_on_another_axis_is_left_out_and_named():
    """A block of mass spectra beside a region does not cost the region."""
    found = read(file(block(label="m/e"), block()))
    assert [measurement.group for measurement in found] == ["Al_2s_2"]
    assert "skipped-block" in codes(found[0].dataset)
    with pytest.raises(UnsupportedContent, match="m/e"):
        read(file(block(label="m/e")))


def test_calibration_of_casaxps_is_said_and_not_applied():
    """CasaXPS notes a shift in the block comment; applied twice or never, it must be known which."""
    comment = ("Casa Info Follows", "0", "Calib M = 284.5 A = 285 BE ADD")
    dataset = one(file(block(comment=comment)))
    assert codes(dataset) == {"calibration-not-applied"}
    assert dataset["binding_energy"][0] == 130
    assert "A = 285" in json.loads(dataset.attrs["original_metadata"])["block"]["comment"][2]


def test_truncated_file_keeps_whole_points_and_blocks():
    """Half a region is still half a region; a number that lost its last digits is none."""
    whole = block(values=tuple(range(100, 200)))
    data = file(block(), whole, end=False)
    found = read(data[: data.index(b"\r\n150\r\n") + 4])
    assert [measurement.dataset.sizes["binding_energy"] for measurement in found] == [4, 50]
    np.testing.assert_array_equal(found[1].dataset["counts"], range(100, 150))
    assert "truncated-file" in codes(found[1].dataset)
    assert [each.group for each in read(data[: data.index(b"\r\n100\r\n") + 2])] == ["Al_2s"]
    with pytest.raises(TruncatedFile):
        read(data[:200])


def test_broken_block_keeps_those_before_it():
    """The format has no mark to go on from, but what came before is whole."""
    broken = block(species=("Co", "3p"))
    broken[-2] = "3O"
    (measurement,) = read(file(block(), broken))
    (finding,) = findings(measurement.dataset.attrs)
    assert (finding.code, finding.severity) == ("unreadable-blocks", "error")
    assert "'3O'" in finding.message
    with pytest.raises(CorruptFile, match="3O"):
        read(file(broken))


def test_stated_range_reveals_a_damaged_number():
    """VAMAS states smallest and largest ordinate; a flipped digit beyond them is seen."""
    lines = block(values=(10, 20, 30, 20))
    lines[-3] = "920"
    assert codes(one(file(lines))) == {"range-mismatch"}


def mutated(data: bytes):
    """Yield damaged copies: cut off, with flipped bits, with a piece twice, with a piece missing."""
    random = np.random.default_rng(zlib.crc32(data))
    for place in np.linspace(0, len(data) - 1, 30).astype(int):
        yield data[:place]
    for place in random.integers(0, min(len(data), 3000), 60):
        yield data[:place] + bytes([data[place] ^ (1 << int(random.integers(8)))]) + data[place + 1 :]
    for first, second in np.sort(random.integers(0, len(data), (30, 2))):
        yield data[:second] + data[first:]
        yield data[:first] + data[second:]


@pytest.mark.parametrize("name", FILES)
def test_damaged_bytes_give_datasets_of_the_vocabulary_or_a_parse_error(corpus, name):
    """A damaged file never ends in a traceback, and never in more points than it has lines."""
    for damaged in mutated((corpus / f"haxpes/{name}").read_bytes()):
        try:
            found = read(damaged)
        except ParseError:
            continue
        for measurement in found:
            schema.check(measurement.dataset, provenance=True)
            assert signal(measurement.dataset).size <= damaged.count(b"\n") + 1
