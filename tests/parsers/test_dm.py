"""Gatan DigitalMicrograph: real files against their documented values, and small files written here byte by byte."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    CorruptFile,
    LimitExceeded,
    Limits,
    ParseError,
    Source,
    TruncatedFile,
    UnsupportedContent,
    findings,
    measurements,
    read,
    read_tree,
    schema,
)

ROSETTA = "tem/rosettasciio/digitalmicrograph"

# file, dims with sizes, dtype, step per axis, unit per axis; scales and offsets as corpus.tsv documents them
IMAGES = [
    (f"{ROSETTA}/2D/test_STEM_image.dm3", {"y": 68, "x": 68}, "u4", 0.248538017, "nm"),
    (f"{ROSETTA}/2D/test_diffraction_pattern.dm3", {"y": 87, "x": 87}, "i4", 0.174432859, "nm-1"),
    (f"{ROSETTA}/2D/multi_signal.dm3", {"y": 512, "x": 512}, "u2", 0.0177515782, "nm"),
    (f"{ROSETTA}/Fei HAADF-UK_location.dm3", {"y": 4, "x": 16}, "u2", 5.50607312, "nm"),
    (f"{ROSETTA}/test_stackbuilder_imagestack.dm3", {"frame": 3, "y": 2, "x": 16}, "u4", 59.9829033, "nm"),
    ("tem/rosettasciio/tiff/test_dm_image_um_unit.dm3", {"y": 68, "x": 68}, "i4", 168.674693, "nm"),
    (f"{ROSETTA}/2D/test-1.dm3", {"y": 2, "x": 2}, "i2", None, "pixel"),
    (f"{ROSETTA}/2D/test-2.dm4", {"y": 2, "x": 2}, "f4", None, "pixel"),
    (f"{ROSETTA}/2D/test-10.dm3", {"y": 2, "x": 2}, "u2", None, "pixel"),
    (f"{ROSETTA}/2D/test-23.dm3", {"y": 2, "x": 2, "channel": 4}, "u1", None, "pixel"),
    (f"{ROSETTA}/3D/test-3.dm3", {"frame": 2, "y": 2, "x": 2}, "c8", None, "pixel"),
    (f"{ROSETTA}/2D/test_fft_packed_complex8.dm4", {"y": 5, "x": 3}, "c8", None, "pixel"),
    ("tem/nionswift-io/ref_F_0_2.dm3", {"y": 3, "x": 2}, "f4", None, "pixel"),
    ("tem/openNCEM/dmTest_float32_nonSquare_diffPixelSize.dm3", {"y": 64, "x": 128}, "f4", (0.2, 1.0), "nm"),
    ("tem/openNCEM/dmTest_3D_int16_64,65,66.dm4", {"frame": 66, "y": 65, "x": 64}, "i2", (3.0, 0.002), "nm"),
]
# file, technique, dims with sizes, first energy and step in eV
SPECTRA = [
    (f"{ROSETTA}/1D/test-EELS_spectrum.dm3", "eels", {"energy": 2048}, -100.0, 0.5),
    (f"{ROSETTA}/1D/test-EDS_spectrum.dm3", "eds", {"energy": 4096}, -477.999982, 4.99999989),
    (f"{ROSETTA}/3D/EELS_SI.dm4", "eels", {"y": 2, "x": 2, "energy": 2048}, 300.0, 1.0),
    ("tem/openNCEM/08_carbon.dm3", "eels", {"distance": 1, "energy": 2048}, 240.000004, 0.100000001),
    (
        "tem/SciFiReaders/notebooks/01_using_readers/example_data/EELS_STO.dm3",
        "eels",
        {"energy": 2048},
        350.0,
        0.25,
    ),
    ("tem/pyTEMlib/AL-DFoffset0.00.dm3", "eels", {"energy": 2048}, -3.6092473, 0.020126218),
]
REFUSED = [f"{ROSETTA}/1D/test-1.dm4"]


def codes(dataset):
    return {finding.code for finding in findings(dataset.attrs)}


@pytest.mark.parametrize(("name", "sizes", "dtype", "step", "unit"), IMAGES)
def test_images_bear_their_documented_size_and_scale(corpus, name, sizes, dtype, step, unit):
    """A thickness is a number of pixels times this scale: a wrong unit is a wrong thickness by 10 or 1000."""
    dataset = read(corpus / name)
    image = dataset["intensity"]
    assert dict(zip(image.dims, image.shape, strict=True)) == sizes
    assert image.dtype == np.dtype(dtype)
    assert dataset["x"].attrs["units"] == dataset["y"].attrs["units"] == unit
    assert dataset.attrs["calibrated"] == (step is not None)
    if step is None:
        assert "uncalibrated" in codes(dataset)
        assert "pixel_size_x" not in dataset.attrs
        assert dataset["x"].values.tolist() == list(range(sizes["x"]))
        return
    down, across = step if isinstance(step, tuple) else (step, step)
    assert dataset.attrs["pixel_size_y"] == pytest.approx(down, rel=1e-8)
    assert dataset.attrs["pixel_size_x"] == pytest.approx(across, rel=1e-8)
    np.testing.assert_allclose(np.diff(dataset["x"]), across, rtol=1e-6)
    np.testing.assert_allclose(np.diff(dataset["y"]), down, rtol=1e-6)
    assert ("pixel_size" in dataset.attrs) == (down == across)
    assert ("anisotropic-pixels" in codes(dataset)) == (down != across)


@pytest.mark.parametrize(("name", "technique", "sizes", "first", "step"), SPECTRA)
def test_spectra_have_energies_in_ev_and_the_energy_axis_last(corpus, name, technique, sizes, first, step):
    """keV read as eV, or an origin taken for an energy instead of a channel, moves every edge in the spectrum."""
    dataset = read(corpus / name)
    assert dataset.attrs["technique"] == technique
    counts = dataset["counts"]
    assert dict(zip(counts.dims, counts.shape, strict=True)) == sizes
    assert counts.dims[-1] == "energy"
    assert float(dataset["energy"][0]) == pytest.approx(first, rel=1e-7)
    np.testing.assert_allclose(np.diff(dataset["energy"]), step, rtol=1e-6)


def test_every_file_of_the_format_is_in_a_table_above(corpus):
    """A new file in the corpus must not go untested."""
    present = {str(path.relative_to(corpus)) for path in (corpus / "tem").rglob("*.dm[34]")}
    assert present == {row[0] for row in IMAGES} | {row[0] for row in SPECTRA} | set(REFUSED)


def test_known_pixels(corpus):
    """Values from the references: numbers 1 to 4 of the 2 x 2 files, 21281 in the first channel of 08_carbon.dm3."""
    np.testing.assert_array_equal(read(corpus / ROSETTA / "2D/test-2.dm4")["intensity"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(read(corpus / ROSETTA / "2D/test-10.dm3")["intensity"], [[1, 2], [3, 4]])
    assert int(read(corpus / "tem/openNCEM/08_carbon.dm3")["counts"][0, 0]) == 21281  # ncempy/test/test_io_dm.py
    stack = read(corpus / "tem/openNCEM/dmTest_3D_int16_64,65,66.dm4")
    assert int(stack["intensity"][0, 0, 0]) == 0
    np.testing.assert_allclose(stack["frame"][:2], [0.0, 4000.0])  # 4 um per slice
    assert stack["frame"].attrs["units"] == "nm"


def test_microscope_settings_are_kept(corpus):
    """Beam energy and dwell time decide on dose and delocalisation; values of RosettaSciIO's test_digitalmicrograph."""
    image = read(corpus / ROSETTA / "2D/test_STEM_image.dm3").attrs
    assert (image["beam_energy"], image["magnification"], image["instrument"]) == (200e3, 225e3, "FEI Titan")
    assert image["dwell_time"] == pytest.approx(3.5e-6)
    assert image["start_time"] == "2016-08-08T15:26:37+00:00"  # 4:26:37 PM in London in summer
    assert read(corpus / ROSETTA / "1D/test-EELS_spectrum.dm3").attrs["convergence_angle"] == 21.0
    pattern = read(corpus / ROSETTA / "2D/test_diffraction_pattern.dm3").attrs
    assert pattern["exposure_time"] == pytest.approx(0.2)
    assert "magnification" not in pattern  # 320 is the camera length there


def test_position_of_the_first_pixel(corpus):
    """The origin counts pixels: an image cut from a larger one keeps its place in it (51.447, 42.5 nm)."""
    dataset = read(corpus / ROSETTA / "2D/test_STEM_image.dm3")
    assert float(dataset["x"][0]) == pytest.approx(51.4473696, rel=1e-8)
    assert float(dataset["y"][0]) == pytest.approx(42.500001, rel=1e-7)


def test_intensity_calibration_is_kept_beside_the_raw_counts(corpus):
    """Scaling 21281 counts to electrons on reading would make Poisson statistics wrong without a word."""
    dataset = read(corpus / "tem/openNCEM/08_carbon.dm3")
    assert dataset.attrs["intensity_units"] == "e-"
    assert dataset.attrs["intensity_scale"] == pytest.approx(0.10752688)


def test_a_micro_sign_alone_is_no_micrometre(corpus):
    """A file whose units are 'µ' and 'µn' must not turn into micrometres by guessing."""
    dataset = read(corpus / "tem/nionswift-io/ref_F_0_2.dm3")
    assert dataset.attrs["original_units"] == ["µ", "µn"]
    assert dataset.attrs["original_scale"] == pytest.approx([2.0, 2.2])
    assert dataset.attrs["calibrated"] == 0


@pytest.mark.parametrize("unit", ["µ", "μ", "u", "furlong", "eV"])
def test_units_that_are_no_length_leave_pixels(unit):
    """Half a unit is no unit: the pixels stay pixels and the file's own text is kept."""
    (dataset,) = load(dm_file(dm_image(RAMP, [(0.5, 0.0, unit)] * 2)))
    assert dataset.attrs["calibrated"] == 0
    assert dataset.attrs["original_units"] == [unit] * 2


def test_half_a_fourier_transform_stays_half(corpus):
    """The peer makes 5 x 4 values of a 5 x 5 transform, its second half not mirrored; only the stored half is sure."""
    dataset = read(corpus / ROSETTA / "2D/test_fft_packed_complex8.dm4")
    np.testing.assert_allclose(dataset["intensity"][2, 0], 50.0)
    others = np.delete(dataset["intensity"].values, 2, axis=0)
    np.testing.assert_allclose(others, 0, atol=1e-5)
    assert {"half-plane", "uncalibrated"} <= codes(dataset)


def test_a_curve_without_energy_is_refused_but_not_the_image_beside_it(corpus):
    """A line plot has no place among images or spectra; the picture in the same file must still be read."""
    with pytest.raises(UnsupportedContent, match="without an energy axis"):
        read(corpus / ROSETTA / "1D/test-1.dm4")
    tree = read_tree(corpus / ROSETTA / "2D/multi_signal.dm3")
    assert list(tree.children) == ["image_0"]
    assert "image-not-read" in codes(tree["image_0"].dataset)


def test_same_arrays_as_rosettasciio(corpus):
    """An independent reader must see the same numbers in every image and spectrum but the half transform."""
    peer = pytest.importorskip("rsciio.digitalmicrograph").file_reader
    for name in [row[0] for row in IMAGES + SPECTRA if "packed" not in row[0]]:
        theirs = [entry["data"] for entry in peer(str(corpus / name))]
        ours = read(corpus / name)
        values = ours["intensity"].values if "intensity" in ours else ours["counts"].values
        expected = theirs[0]
        if expected.dtype.names:
            expected = np.stack([expected[colour] for colour in "RGBA"], axis=-1)
        if name.endswith("EELS_SI.dm4"):
            expected = np.moveaxis(expected, 0, -1)
        np.testing.assert_array_equal(values, expected, err_msg=name)


# --- files written here, from the description of the format and not from the reader -------------------------------


def dm_file(root, *, version=3, order="<"):
    """Return the bytes of a DigitalMicrograph file with nested dicts of numbers, texts and arrays."""
    word = {3: ">I", 4: ">Q"}[version]

    def group(tags):
        return b"\1\0" + struct.pack(word, len(tags)) + b"".join(entry(label, tag) for label, tag in tags.items())

    def entry(label, tag):
        name = b"" if label.isdecimal() else label.encode("latin-1")
        body = group(tag) if isinstance(tag, dict) else data(tag)
        size = struct.pack(">Q", len(body)) if version == 4 else b""
        return bytes([20 if isinstance(tag, dict) else 21]) + struct.pack(">H", len(name)) + name + size + body

    def data(tag):
        if isinstance(tag, str):
            raw = tag.encode("utf-16-le" if order == "<" else "utf-16-be")
            info, raw = (20, 4, len(raw) // 2), raw
        elif isinstance(tag, np.ndarray):
            code = {"i2": 2, "i4": 3, "u2": 4, "u4": 5, "f4": 6, "f8": 7, "u1": 10}[tag.dtype.str[1:]]
            info, raw = (20, code, tag.size), tag.astype(tag.dtype.newbyteorder(order)).tobytes()
        elif isinstance(tag, float):
            info, raw = (6,), struct.pack(f"{order}f", tag)
        else:
            info, raw = (5,), struct.pack(f"{order}I", tag)
        return b"%%%%" + struct.pack(word, len(info)) + b"".join(struct.pack(word, i) for i in info) + raw

    body = group(root)
    return struct.pack(">I", version) + struct.pack(word, len(body)) + struct.pack(">I", order == "<") + body + bytes(8)


def dm_image(values, axes, *, kind=2, dimensions=None, tags=None):
    """Return the tags of a file with one image; `axes` are (scale, origin, unit), fastest first."""
    sizes = dimensions or list(values.shape[::-1])
    calibrations = {str(i): {"Origin": o, "Scale": s, "Units": u} for i, (s, o, u) in enumerate(axes)}
    image = {
        "Calibrations": {"Dimension": calibrations},
        "Data": values.ravel(),
        "DataType": kind,
        "Dimensions": {str(i): size for i, size in enumerate(sizes)},
        "PixelDepth": 4,
    }
    return {"ImageList": {"0": {"ImageData": image, "ImageTags": tags or {}, "Name": "made"}}}


def load(data, limits=None):
    source = Source(Path("made.dm4"), data=data, **({"limits": limits} if limits else {}))
    return [measurement.dataset for measurement in measurements(source)]


RAMP = np.arange(6, dtype="f4").reshape(2, 3)
NM = (0.5, 0.0, "nm")


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_versions_and_byte_orders(version, order):
    """Files from old Macintosh computers hold big-endian values in the same big-endian frame."""
    (dataset,) = load(dm_file(dm_image(RAMP, [NM, NM]), version=version, order=order))
    np.testing.assert_array_equal(dataset["intensity"], RAMP)
    assert dataset.attrs["pixel_size"] == 0.5


def test_negative_scale_keeps_the_length_and_says_so():
    """Some programs write the scan direction into the sign; a negative pixel size would make thicknesses negative."""
    (dataset,) = load(dm_file(dm_image(RAMP, [(-0.5, 0.0, "nm"), NM])))
    assert dataset.attrs["pixel_size_x"] == 0.5
    assert "negative-scale" in codes(dataset)
    assert np.all(np.diff(dataset["x"]) > 0)


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e12, math.nan, math.inf])
def test_an_absurd_scale_is_no_calibration(scale):
    """A zero, a NaN or a pixel of a kilometre must not become a thickness."""
    (dataset,) = load(dm_file(dm_image(RAMP, [(scale, 0.0, "nm"), NM])))
    assert dataset.attrs["calibrated"] == 0
    assert dataset["x"].attrs["units"] == "pixel"
    assert "uncalibrated" in codes(dataset)
    assert np.isfinite(dataset["x"]).all()


def test_axes_of_different_kinds_are_no_picture_in_nm():
    """With nm along x and 1/nm along y no distance in the plane means anything."""
    (dataset,) = load(dm_file(dm_image(RAMP, [NM, (1.0, 0.0, "1/nm")])))
    assert dataset["x"].attrs["units"] == "pixel"
    assert "uncalibrated" in codes(dataset)


@pytest.mark.parametrize(
    ("unit", "expected"), [("A", 0.05), ("Å", 0.05), ("µm", 500.0), ("um", 500.0), ("n_m", 0.5), ("pm", 5e-4), ("m", 0)]
)
def test_spellings_of_lengths(unit, expected):
    """One library of test files holds all of these; 'A' is an angstrom on an image, not an ampere."""
    (dataset,) = load(dm_file(dm_image(RAMP, [(0.5, 0.0, unit)] * 2)))
    if not expected:  # half a metre per pixel is not believed
        assert dataset.attrs["calibrated"] == 0
    else:
        assert dataset.attrs["pixel_size"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("unit", ["1/nm", "1 / nm"])
def test_reciprocal_spellings(unit):
    """Diffraction patterns must stay apart from images in nm, whatever blanks the unit has."""
    (dataset,) = load(dm_file(dm_image(RAMP, [(0.5, 0.0, unit)] * 2)))
    assert dataset["y"].attrs["units"] == "nm-1"
    assert dataset.attrs["pixel_size"] == 0.5


def test_colours_are_not_swapped():
    """DigitalMicrograph keeps blue first; red and blue swapped turn an element map into another element's."""
    pixels = np.array([1 | 2 << 8 | 3 << 16 | 4 << 24], dtype="u4")  # bytes blue 1, green 2, red 3, alpha 4
    (dataset,) = load(dm_file(dm_image(pixels, [NM, NM], kind=23, dimensions=[1, 1])))
    assert dataset["channel"].values.tolist() == ["red", "green", "blue", "alpha"]
    assert dataset["intensity"].values.ravel().tolist() == [3, 2, 1, 4]


def test_line_scan_keeps_its_distance_axis():
    """An EDS line scan over an interface is (distance, energy) in nm and eV, also when the energy runs slowest."""
    axes = [(2.0, 0.0, "nm"), (0.01, 20.0, "keV")]
    (dataset,) = load(dm_file(dm_image(RAMP, axes, tags={"Meta Data": {"Signal": "X-ray"}})))
    assert dataset.attrs["technique"] == "eds"
    assert dict(dataset["counts"].sizes) == {"distance": 3, "energy": 2}
    np.testing.assert_allclose(dataset["energy"], [-200.0, -190.0], rtol=1e-6)
    np.testing.assert_allclose(dataset["distance"], [0.0, 2.0, 4.0])
    np.testing.assert_array_equal(dataset["counts"], RAMP.T)


def test_kind_of_spectrum_is_inferred_with_a_finding():
    """Without a signal type the energy unit decides, and the file says that it was a guess."""
    (dataset,) = load(dm_file(dm_image(RAMP[0], [(1.0, 0.0, "eV")])))
    assert dataset.attrs["technique"] == "eels"
    assert "technique-inferred" in codes(dataset)


def test_lying_dimensions_are_refused_before_anything_is_allocated():
    """A header that claims 10^10 pixels in a file of 1 kB must cost no memory."""
    with pytest.raises(LimitExceeded):
        load(dm_file(dm_image(RAMP, [NM, NM], dimensions=[100_000, 100_000])))
    with pytest.raises(CorruptFile, match="bytes of data"):
        load(dm_file(dm_image(RAMP, [NM, NM], dimensions=[4, 3])))


def test_deep_and_endless_tags_are_refused():
    """A tree nested without end must not exhaust the stack, nor a count of 2^32 tags the memory."""
    nested = {}
    for _ in range(200):
        nested = {"a": nested}
    with pytest.raises(LimitExceeded, match="nested"):
        load(dm_file(nested))
    with pytest.raises(ParseError):
        load(struct.pack(">III", 3, 0, 1) + b"\0\0" + struct.pack(">I", 2**32 - 1) + bytes(64))
    many = dm_file({"ImageList": {"0": {}}} | {str(i): 1 for i in range(1, 5)})
    assert load_error(many, Limits(depth=0)) is LimitExceeded


def load_error(data, limits=None):
    try:
        load(data, limits)
    except ParseError as error:
        return type(error)
    return None


def test_kinds_that_are_not_read_say_so():
    """The old packed transform (type 5) and four axes are refused in words, not read wrongly."""
    with pytest.raises(UnsupportedContent, match="data type 5"):
        load(dm_file(dm_image(RAMP, [NM, NM], kind=5)))
    with pytest.raises(UnsupportedContent, match="4 axes"):
        load(dm_file(dm_image(RAMP.reshape(1, 1, 2, 3), [NM] * 4)))


def test_a_cut_file_never_holds_other_numbers(corpus):
    """Half a file gives the whole image with a finding, or an error: never zeros, never the preview instead."""
    for name in (f"{ROSETTA}/2D/test_STEM_image.dm3", f"{ROSETTA}/2D/test-2.dm4"):
        data = (corpus / name).read_bytes()
        whole = read(corpus / name)["intensity"].values
        outcomes = set()
        for cut in range(len(data) - 9, 100, -max(len(data) // 150, 1)):
            try:
                datasets = load(data[:cut])
            except (TruncatedFile, CorruptFile) as error:
                outcomes.add(type(error))
                continue
            outcomes.add("read")
            for dataset in datasets:
                np.testing.assert_array_equal(dataset["intensity"], whole)
                assert "truncated-file" in codes(dataset)
        assert {"read", TruncatedFile} <= outcomes


def test_flipped_bytes_raise_nothing_but_parse_errors(corpus):
    """Whatever a failing disk does to the tags, the reader answers with a valid Dataset or a ParseError."""
    rng = np.random.default_rng(20)
    for name in (f"{ROSETTA}/2D/test-2.dm4", f"{ROSETTA}/2D/test-23.dm3", "tem/nionswift-io/ref_F_0_2.dm3"):
        data = np.frombuffer((corpus / name).read_bytes(), np.uint8)
        for _ in range(150):
            broken = data.copy()
            broken[rng.integers(0, len(data), 4)] = rng.integers(0, 256, 4)
            try:
                datasets = load(broken.tobytes())
            except ParseError:
                continue
            for dataset in datasets:
                schema.check(dataset, provenance=True)


def test_a_lost_tag_at_the_root_is_told(corpus, tmp_path):
    """One bit less in the number of tags loses the list of previews, and the preview came out as the image."""
    data = bytearray((corpus / "tem/rosettasciio/digitalmicrograph/2D/test-2.dm4").read_bytes())
    data[25] ^= 8
    path = tmp_path / "copy.dm4"
    path.write_bytes(data)
    assert "trailing-bytes" in {finding.code for finding in findings(read(path, group="image_0").attrs)}
