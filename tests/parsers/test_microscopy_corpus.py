"""Microscopy files of TIA, Velox, Berkeley EMD, HyperSpy, MRC, EMSA and ripple against their documented values."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.parsers import ParseError, TruncatedFile, UnsupportedContent, findings, read, read_tree

ROSETTA = "tem/rosettasciio"
TIA, EMD = f"{ROSETTA}/tia", f"{ROSETTA}/emd"

# file, dims with sizes, dtype, step along y and x, unit: from corpus.tsv, which cites the readers' own tests
IMAGES = [
    (f"{TIA}/old/64x64_TEM_images_acquire_1.ser", {"y": 64, "x": 64}, "f4", (6.28183362, 6.28183362), "nm"),
    (f"{TIA}/old/16x16_STEM_BF_DF_acquire_1.ser", {"y": 16, "x": 16}, "u2", (21.5100441, 21.5100441), "nm"),
    (f"{TIA}/old/16x16_STEM_BF_DF_acquire_2.ser", {"y": 16, "x": 16}, "u2", (21.5100441, 21.5100441), "nm"),
    (f"{TIA}/new/128x128_TEM_acquire-sum1_1.ser", {"y": 128, "x": 128}, "i4", (21.4793175, 21.4793175), "nm"),
    (
        f"{TIA}/new/16x16-line_profile_horizontal_5x128x128_EDS_2.ser",
        {"frame": 5, "y": 128, "x": 128}, "i4", (0.174353422, 0.174353422), "nm-1",
    ),
    ("tem/openNCEM/16_STOimage_1.ser", {"y": 1024, "x": 1024}, "u2", (0.0100127042, 0.0100127042), "nm"),
    (f"{EMD}/fei_example_tem_stack.emd", {"frame": 2, "y": 3, "x": 3}, "i2", (8.17288319e-3, 8.17288319e-3), "nm"),
    (f"{EMD}/fei_example_complex_fft.emd", {"y": 3, "x": 4}, "c8", (0.0980158291, 0.0980158291), "nm-1"),
    (f"{EMD}/example_image.emd", {"y": 3, "x": 3}, "i4", None, "pixel"),
    (f"{EMD}/example_signal.emd", {"frame": 3, "y": 3, "x": 3}, "i4", None, "pixel"),
    (f"{EMD}/example_metadata.emd", {"y": 3, "x": 3}, "i4", None, "pixel"),
    (f"{EMD}/Si100_3D.emd", {"frame": 37, "y": 22, "x": 22}, "f4", (0.25, 0.25), "nm"),
    ("tem/openNCEM/Acquisition_18.emd", {"y": 1024, "x": 1024}, "u2", (0.0122465249, 0.0122465249), "nm"),
    ("tem/rosettasciio/hspy/example2_v3.1.hspy", {"y": 16, "x": 16}, "i4", (0.174432859, 0.174432859), "nm-1"),
    ("tem/rosettasciio/mrc/HAADFscan.mrc", {"y": 16, "x": 16}, "u2", (5.679131317, 5.679131317), "nm"),
    ("tem/rosettasciio/mrc/20241021_00405_final.mrc", {"y": 4, "x": 8}, "f4", None, "pixel"),  # its -1 nm is no scale
    ("tem/openNCEM/temp.mrc", {"frame": 3, "y": 128, "x": 128}, "f4", (0.2, 0.2), "nm"),
    (
        "tem/rosettasciio/ripple/test_ripple_sdim-2_ndim-1_float32_meta.rpl",
        {"frame": 2, "y": 3, "x": 4}, "f4", None, "pixel",  # its axes are in eV
    ),
]  # fmt: skip

# file, group, technique, dims with sizes, first energy and step in eV, positions' step in nm
SPECTRA = [
    (f"{TIA}/old/16x16-line_profile_horizontal_10x1024_1.ser", "eels", {"distance": 10, "energy": 1024}, -20, 0.2,
     {"distance": 0.123034126}),
    (f"{TIA}/new/16x16-line_profile_horizontal_5x128x128_EDS_1.ser", "eds", {"distance": 5, "energy": 4000}, 0, 5,
     {"distance": 3.68863641}),
    (f"{TIA}/new/16x16-spectrum_image_5x5x4000-not_square_1.ser", "eds", {"y": 5, "x": 5, "energy": 4000}, 0, 5,
     {"y": 4.25819373, "x": 1.9859142}),
    ("tem/rosettasciio/hspy/example1_v1.2.hdf5", "eels", {"energy": 21}, 520.13, 3.1, {}),
    ("tem/exspy/data/EDS_TEM_FePt_nanoparticles.hspy", "eds", {"energy": 992}, 169.315, 20.028, {}),
    ("tem/exspy/tests/signals/data/EELS_LL_linescan_simulated_thickness_variation.hspy", "eels",
     {"distance": 17, "energy": 1024}, -100, 0.5, {}),
    ("tem/exspy/tests/signals/data/EELS_ZLP_linescan_simulated_thickness_variation.hspy", "eels",
     {"distance": 17, "energy": 1024}, -100, 0.5, {}),
    ("tem/rosettasciio/msa/example1.msa", "eels", {"energy": 21}, 520.13, 3.1, {}),
    ("tem/rosettasciio/msa/example2.msa", "eds", {"energy": 80}, 200, 10, {}),
    ("tem/rosettasciio/msa/ISO_22029_2022_compliance.msa", "eels", {"energy": 21}, 520.13, 3.1, {}),
    ("tem/NexusLIMS/647_leo_edax_test.msa", "eds", {"energy": 4096}, 0, 5, {}),
    ("tem/exspy/tests/components/coreloss_spectrum.msa", "eels", {"energy": 2048}, 360, 0.2, {}),
    ("tem/rosettasciio/ripple/test_ripple_sdim-1_ndim-1_float64.rpl", "eds", {"distance": 2, "energy": 3}, 1, 200, {}),
    ("tem/rosettasciio/ripple/test_ripple_sdim-1_ndim-2_uint16.rpl", "eels", {"y": 2, "x": 3, "energy": 4}, 1.5, 300,
     {}),
]  # fmt: skip

# Through RosettaSciIO: file, group, technique, dims with sizes, dtype, and nm per pixel or the step in eV
TAIL = [
    (f"{ROSETTA}/bruker/test_TEM.bcf", "image_0", "image", {"y": 64, "x": 64}, "u2", 0.771004754),
    (f"{ROSETTA}/bruker/test_TEM.bcf", "spectra_1", "eds", {"y": 64, "x": 64, "energy": 2048}, "u1", 10.001),
    (f"{ROSETTA}/bruker/P45_the_default_job.bcf", "image_0", "image", {"y": 75, "x": 100}, "u2", 8736.78506),
    (
        f"{ROSETTA}/bruker/P45_the_default_job.bcf",
        "spectra_2", "eds", {"y": 75, "x": 100, "energy": 2048}, "u1", 10.001,
    ),
    (f"{ROSETTA}/bruker/bcf_v2_50x50px.bcf", "spectra_2", "eds", {"y": 50, "x": 50, "energy": 2048}, "u1", 9.996),
    (f"{ROSETTA}/bruker/Hitachi_TM3030Plus.bcf", "spectra_1", "eds", {"y": 240, "x": 320, "energy": 2048}, "u1", 10.0),
    (f"{ROSETTA}/bruker/bruker_nano.spx", "spectra_0", "eds", {"energy": 4096}, "u8", 2.5),
    (
        "tem/openNCEM/L2083-K-4-1/ConvertBrukerToEMD/Input/0.bcf",
        "spectra_1", "eds", {"y": 256, "x": 256, "energy": 2048}, "u1", 10.003,
    ),
    (f"{ROSETTA}/jeol/met03.EDS", "spectra_0", "eds", {"energy": 2048}, "i4", 10.0004),
    (f"{ROSETTA}/pantarhei/panta_rhei_sample.prz", "image_0", "image", {"y": 16, "x": 16}, "u2", 7.79582829),
    (f"{ROSETTA}/tvips/test_tvips_2345_000.tvips", "image_0", "image", {"frame": 6, "y": 4, "x": 5}, "u2", 1.0),
    (f"{ROSETTA}/phenom/Elid2Version4.elid", "image_0", "image", {"y": 16, "x": 20}, "u1", 975.779259),
    (f"{ROSETTA}/phenom/Elid2Version4.elid", "spectra_1", "eds", {"energy": 2048}, "i8", 9.88676803),
    (f"{ROSETTA}/phenom/Elid2Version4.elid", "spectra_3", "eds", {"y": 16, "x": 16, "energy": 2048}, "u4", 9.88676803),
    (f"{ROSETTA}/phenom/Elid2Version4.elid", "spectra_4", "eds", {"distance": 64, "energy": 2048}, "u4", 9.88676803),
    (f"{ROSETTA}/phenom/Elid2Version4.elid", "image_7", "image", {"y": 24, "x": 32, "channel": 4}, "u1", None),
    (f"{ROSETTA}/zspy/signal1d_10x10-ZipStore.zspy", "image_0", "image", {"y": 10, "x": 10}, "i8", None),
    (f"{ROSETTA}/semper/example_image_2d.unf", "image_0", "image", {"y": 4, "x": 4}, "f4", None),
    ("tem/NexusLIMS/647_leo_edax_test.spc", "spectra_0", "eds", {"energy": 4096}, "u4", 5.0),
]  # fmt: skip
TAIL_REFUSED = {
    f"{ROSETTA}/blockfile/test1.blo": "3 x 2 x 144 x 144",  # four axes
}

# Several measurements in one file, or a collection that is read through the files beside it.
TREES = [
    f"{TIA}/new/16x16-line_profile_horizontal_5x128x128_EDS.emi",
    f"{TIA}/new/16x16-spectrum_image_5x5x4000-not_square.emi",
    f"{TIA}/new/128x128_TEM_acquire-sum1.emi",
    f"{TIA}/old/16x16-line_profile_horizontal_10x1024.emi",
    f"{TIA}/old/16x16_STEM_BF_DF_acquire.emi",
    f"{TIA}/old/64x64_TEM_images_acquire.emi",
    "tem/openNCEM/16_STOimage.emi",
    "tem/SciFiReaders/tests/readers/microscopy/em/tem/EMDReader_SpectrumImage_Si.emd",
    "tem/pyTEMlib/EDS-STO.emd",
]
REFUSED = {
    f"{EMD}/py4DSTEM_size2x3x4x5.h5": "Rx",  # four axes: a scan of diffraction patterns
    "tem/openNCEM/emd_type1_stringDims.h5": "dim1",  # four axes without meaning
    "tem/rosettasciio/msa/minimum_metadata.msa": "XUNITS",  # a curve without an energy
}
SUFFIXES = (".ser", ".emi", ".emd", ".h5", ".hdf5", ".hspy", ".mrc", ".msa", ".rpl")


def codes(dataset):
    return {finding.code for finding in findings(dataset.attrs)}


@pytest.mark.parametrize(("name", "sizes", "dtype", "step", "unit"), IMAGES)
def test_images_bear_their_documented_size_and_scale(corpus, name, sizes, dtype, step, unit):
    """A thickness is pixels times this scale: TIA's pattern read alone has 1.7e17 nm per pixel in a peer."""
    dataset = read(corpus / name)
    image = dataset["intensity"]
    assert dict(zip(image.dims, image.shape, strict=True)) == sizes
    assert image.dtype == np.dtype(dtype)
    assert dataset["y"].attrs["units"] == dataset["x"].attrs["units"] == unit
    assert dataset.attrs["calibrated"] == (step is not None)
    if step is None:
        assert "uncalibrated" in codes(dataset)
    else:
        given = [dataset.attrs["pixel_size_y"], dataset.attrs["pixel_size_x"]]
        np.testing.assert_allclose(given, step, rtol=1e-7)  # positions in float32


@pytest.mark.parametrize(("name", "technique", "sizes", "first", "step", "positions"), SPECTRA)
def test_spectra_bear_their_documented_axes(corpus, name, technique, sizes, first, step, positions):
    """The unit of an energy axis is spelled 'Energy (EV)', 'Energy Loss (eV)' or 'keV'; all must come out in eV."""
    dataset = read(corpus / name)
    assert dataset.attrs["technique"] == technique
    assert dict(dataset["counts"].sizes) == sizes
    assert float(dataset["energy"][0]) == pytest.approx(first, abs=1e-9)
    np.testing.assert_allclose(np.diff(dataset["energy"]), step, rtol=1e-9)
    for axis, size in positions.items():
        assert dataset[axis].attrs["units"] == "nm"
        np.testing.assert_allclose(np.diff(dataset[axis]), size, rtol=1e-8)


@pytest.mark.parametrize(("name", "word"), REFUSED.items())
def test_what_has_no_place_in_the_vocabulary_is_refused(corpus, name, word):
    """Four axes or no unit of energy: the message names what was found."""
    with pytest.raises(UnsupportedContent, match=word):
        read(corpus / name)


@pytest.mark.parametrize(("name", "group", "technique", "sizes", "dtype", "step"), TAIL)
def test_formats_of_the_tail(corpus, name, group, technique, sizes, dtype, step):
    """What RosettaSciIO returns goes through our contract of units: its axes are in um, nm, m or 'pix'."""
    dataset = read_tree(corpus / name)[group].dataset
    assert dataset.attrs["technique"] == technique
    values = dataset["intensity" if technique == "image" else "counts"]
    assert dict(values.sizes) == sizes
    assert values.dtype == np.dtype(dtype)
    assert values.values.any() == ("all-zero" not in codes(dataset))
    if technique == "eds":
        np.testing.assert_allclose(np.diff(dataset["energy"]), step, rtol=1e-6)
    elif step is None:
        assert dataset.attrs["calibrated"] == 0
    else:
        assert dataset.attrs["pixel_size"] == pytest.approx(step, rel=1e-8)


@pytest.mark.parametrize(("name", "word"), TAIL_REFUSED.items())
def test_tail_without_a_place_is_refused(corpus, name, word):
    """The library's own errors come out as ours, with the file and what to do."""
    with pytest.raises(ParseError, match=word):
        read(corpus / name)


def test_half_a_bruker_file_is_refused(corpus, tmp_path):
    """The peer reads half of it as a cube of zeros without a word."""
    whole = (corpus / f"{ROSETTA}/bruker/test_TEM.bcf").read_bytes()
    for part in (0.3, 0.5, 0.99):
        half = tmp_path / "half.bcf"
        half.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(TruncatedFile, match="chunks"):
            read_tree(half)


def test_same_spectrum_in_two_formats(corpus):
    """EDAX wrote one spectrum as .spc and as .msa: counts and energies are equal."""
    one, other = (read(corpus / f"tem/NexusLIMS/647_leo_edax_test{suffix}") for suffix in (".spc", ".msa"))
    np.testing.assert_array_equal(one["counts"].values, other["counts"].values)
    np.testing.assert_allclose(one["energy"], other["energy"], atol=1e-6)


@pytest.mark.parametrize("name", ["eds_bare_30nm", "eds_coated_17nm", "eds_30nm_low"])
def test_line_scans_in_text(corpus, name):
    """241 points in steps of 0.5 nm with the counts of three lines, as the file prints them."""
    path = corpus / f"tem/synthetic/{name}.csv"
    dataset = read(path)
    assert dataset["line"].values.tolist() == ["Co_K", "S_K", "P_K"]
    raw = np.loadtxt(path, delimiter=",", skiprows=1)
    np.testing.assert_array_equal(dataset["counts"].values, raw[:, 1:])
    np.testing.assert_allclose(dataset["distance"].values, raw[:, 0])
    assert (dataset["counts"].attrs["units"], dataset["distance"].attrs["units"]) == ("count", "nm")


def test_line_scan_in_per_cent_is_no_count(tmp_path):
    """An export of concentrations looks the same; fitted as counts its intervals would be arbitrary."""
    path = tmp_path / "scan.csv"
    path.write_text("Position (um),O (at%),Al (at%)\n0.000,60.1,39.9\n0.002,59.8,40.2\n0.004,60.0,40.0\n")
    dataset = read(path)
    assert "not-counts" in codes(dataset)
    assert dataset["counts"].attrs["units"] == "1"
    np.testing.assert_allclose(dataset["distance"], [0.0, 2.0, 4.0])


@pytest.mark.parametrize("header", ["Distance (nm),V,I", "Position (mm),Y", "Distance (nm),x,y"])
def test_quantities_are_no_elements(tmp_path, header):
    """A voltage and a current along a line are neither vanadium nor iodine, and a Y is seldom yttrium."""
    path = tmp_path / "scan.csv"
    fields = len(header.split(","))
    path.write_text("\n".join([header, *(",".join(str(row + n) for n in range(fields)) for row in range(5))]) + "\n")
    with pytest.raises(ParseError):
        read(path)
    with pytest.raises(UnsupportedContent, match="element"):
        read(path, format="delimited-eds")


def test_decimal_comma_in_emsa_is_refused(corpus, tmp_path):
    """The comma divides values in this format: 119,56 would become two channels and shift all that follow."""
    text = (corpus / "tem/rosettasciio/msa/example2.msa").read_text()
    header, mark, values = text.partition("#SPECTRUM")
    path = tmp_path / "german.msa"
    path.write_text(header + mark + values.replace(".", ","))
    with pytest.raises(ParseError, match="announces 80"):
        read(path)


def test_tail_by_a_foreign_name_says_so(tmp_path):
    """Which reader of the library is meant follows from the extension alone."""
    path = tmp_path / "map.dat"
    path.write_bytes(b"AAMVHFSS" + bytes(400))
    with pytest.raises(UnsupportedContent, match="extension"):
        read(path, format="bruker-bcf")


def test_every_file_of_these_formats_is_in_a_table_above(corpus):
    """A new file in the corpus must not go untested."""
    present = {str(path.relative_to(corpus)) for path in (corpus / "tem").rglob("*") if path.suffix in SUFFIXES}
    assert present == {row[0] for row in IMAGES + SPECTRA} | set(TREES) | set(REFUSED)


def test_a_collection_reads_the_series_beside_it(corpus):
    """name.emi and name_1.ser, name_2.ser are one measurement; numbers are those of the series."""
    for name in TREES[:7]:
        tree = read_tree(corpus / name)
        series = sorted((corpus / name).parent.glob(f"{(corpus / name).stem}_*.ser"))
        assert len(tree.children) == len(series)
        for child, path in zip(tree.children.values(), series, strict=True):
            alone = read(path)
            variable = "intensity" if "intensity" in alone else "counts"
            np.testing.assert_array_equal(child[variable].values, alone[variable].values)
            assert child.attrs["beam_energy"] == alone.attrs["beam_energy"] > 0


def test_known_pixels(corpus):
    """TIA stores images from the bottom up: pixel [0, 0] is 18024 (ncempy/test/test_io_ser.py), and a whole image."""
    assert int(read(corpus / "tem/openNCEM/16_STOimage_1.ser")["intensity"][0, 0]) == 18024
    image = read(corpus / f"{TIA}/old/64x64_TEM_images_acquire_1.ser")["intensity"].values
    np.testing.assert_array_equal(image, np.load(corpus / f"{TIA}/old/64x64_TEM_images_acquire.npy"))


def test_events_of_a_velox_map(corpus):
    """6564 events behind 1273 marks in 5 frames of 16 x 16 pixels, counted in the stream itself."""
    tree = read_tree(corpus / TREES[7])
    assert list(tree.children) == ["image_0", "events_0"]
    events = tree["events_0"].dataset
    assert dict(events.sizes) == {"event": 6564, "energy": 4096, "y": 16, "x": 16}
    assert (events.attrs["frames"], events.attrs["beam_energy"]) == (5, 200e3)
    assert float(events["energy"][0]) == -1000.0
    np.testing.assert_allclose(np.diff(events["x"]), 5.30241484, rtol=1e-8)
    assert float(events["x"][0]) == pytest.approx(-47.7217335, rel=1e-8)
    assert float(events["y"][0]) == pytest.approx(-10.6048297, rel=1e-8)
    image = tree["image_0"].dataset["intensity"]
    assert dict(image.sizes) == {"frame": 5, "y": 16, "x": 16}


@pytest.mark.parametrize("archive", ["velox_emd_version11.zip", "velox_EELS_EDS.zip"])
def test_streams_of_newer_velox_add_up_to_the_spectra_beside_them(corpus, archive):
    """Velox sums each segment's events itself: a stream decoded wrongly by one mark would miss its spectrum."""
    compared = 0
    for path, member in read_tree(corpus / EMD / archive).subtree_with_keys:
        if "events" not in path.rpartition("/")[2]:
            continue
        events = member.dataset
        spectra = [node.dataset for node in member.parent.children.values() if node.attrs.get("technique") == "eds"]
        names = [str(name) for name in np.atleast_1d(events.attrs.get("detectors", events.attrs["detector"]))]
        for place, name in enumerate(names):
            (whole,) = [ds for ds in spectra if ds.attrs["detector"] == name]
            own = events["detector"].values == place if len(names) > 1 else slice(None)
            histogram = np.bincount(events["channel"].values[own], minlength=events.sizes["energy"])
            np.testing.assert_array_equal(histogram, whole["counts"].values)
            compared += 1
        assert int(events["pixel"].max()) < events.sizes["y"] * events.sizes["x"]
    assert compared == {"velox_emd_version11.zip": 4, "velox_EELS_EDS.zip": 6}[archive]


def test_segments_of_a_detector_are_one_map(corpus):
    """Each of six segments has a sixth of the X-rays; a width from one alone would be 2.4 times as uncertain."""
    tree = read_tree(corpus / EMD / "velox_EELS_EDS.zip")
    (events,) = [node.dataset for node in tree.leaves if node.attrs.get("technique") == "eds_events"]
    assert events.attrs["detectors"] == [f"UltraX{number}" for number in range(1, 7)]
    assert events.attrs["detector"] == "UltraX"
    assert events.sizes["event"] == 13_007 - 6 * 319  # entries of the streams without marks


def test_point_spectra_of_velox(corpus):
    """Five spectra of a fixed beam: the sum and the four segments of the detector (pyTEMlib's EDS-STO.emd)."""
    tree = read_tree(corpus / TREES[8])
    spectra = [node.dataset for node in tree.children.values()]
    assert [dict(ds["counts"].sizes) for ds in spectra] == [{"energy": 4096}] * 5
    whole = next(ds for ds in spectra if ds.attrs["detector"] == "SuperXG2")
    parts = sum(ds["counts"].astype(float) for ds in spectra if ds is not whole)
    np.testing.assert_array_equal(whole["counts"], parts)
    np.testing.assert_allclose(np.diff(whole["energy"]), 5.0)
    assert float(whole["energy"][0]) == -250.0


def test_half_a_file_never_becomes_zeros(corpus, tmp_path, survive):
    """Cut at any place, what is read is what was stored, or it is refused: half a .bcf is an empty cube in a peer."""
    names = [row[0] for row in IMAGES + SPECTRA if not row[0].endswith((".rpl", ".msa"))]
    for name in names:
        data = (corpus / name).read_bytes()
        copies = []
        for part in (0.1, 0.5, 0.9, 0.999):
            copy = tmp_path / f"{int(part * 1000)}_{(corpus / name).name}"
            copy.write_bytes(data[: int(part * len(data))])
            copies.append(copy)
        whole = read(corpus / name)
        variable = "intensity" if "intensity" in whole else "counts"

        def same(copy, variable=variable, whole=whole):
            dataset = read(copy)
            np.testing.assert_array_equal(dataset[variable].values, whole[variable].values)
            return [dataset]

        survive(same, copies)


def test_damaged_copies(corpus, tmp_path, survive, damaged):
    """Flipped, doubled and missing bytes give a Dataset of the vocabulary or the reader's own error."""
    for name in [f"{TIA}/old/16x16_STEM_BF_DF_acquire_1.ser", f"{EMD}/example_image.emd", TREES[7],
                 "tem/rosettasciio/mrc/20241021_00405_final.mrc", "tem/rosettasciio/msa/example1.msa",
                 "tem/rosettasciio/hspy/example1_v1.2.hdf5",
                 f"{ROSETTA}/jeol/Sample/00_View000/View000_0000001.map"]:  # fmt: skip
        data = (corpus / name).read_bytes()

        def trees(copy, suffix=(corpus / name).suffix):
            path = tmp_path / f"copy{suffix}"
            path.write_bytes(copy)
            return [node.dataset for node in read_tree(path).leaves]

        read_well, refused = survive(trees, damaged(data, 30, seed=5))
        assert read_well + refused == 30
