"""DigitalMicrograph 5: the real file against its twin, and small files written here with h5py."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from interlayer.parsers import (
    CorruptFile,
    LimitExceeded,
    Limits,
    ParseError,
    UnsupportedContent,
    findings,
    identify,
    read,
    read_tree,
)

REAL = "tem/nionswift-io/ref_F_1_1.dm5"
NANOMETRE, EV, KEV = (0.2, 0.0, "nm"), (0.5, 200.0, "eV"), (0.01, 20.0, "keV")


def codes(dataset):
    return {finding.code for finding in findings(dataset.attrs)}


def attributes(group, tags):
    """Write tags as DigitalMicrograph does: groups as groups, texts as bytes, what is in a list as [0], [1]..."""
    for name, value in tags.items():
        if isinstance(value, dict):
            attributes(group.require_group(name), value)
        else:
            group.attrs[name] = np.bytes_(value.encode()) if isinstance(value, str) else value


def write(path, *images, thumbnail=None):
    """Write a file of images, each (values, calibrations fastest first, data type, image tags)."""
    with h5py.File(path, "w") as file:
        for name in ("DocumentObjectList", "ImageList", "ImageSourceList", "Thumbnails"):
            file.create_group(name)
        if thumbnail is not None:
            attributes(file, {"Thumbnails": {"[0]": {"ImageIndex": np.uint32(thumbnail)}}})
        for place, (values, axes, kind, tags) in enumerate(images):
            image = file.create_group(f"ImageList/[{place}]")
            dimension = {
                f"[{n}]": {"Scale": np.float32(scale), "Origin": np.float32(origin), "Units": unit}
                for n, (scale, origin, unit) in enumerate(axes)
            }
            sizes = {f"[{n}]": np.uint32(size) for n, size in enumerate(values.shape[: len(axes)][::-1])}
            data = {"DataType": np.int64(kind), "Dimensions": sizes, "Calibrations": {"Dimension": dimension}}
            attributes(image, {"Name": f"image {place}", "ImageData": data, "ImageTags": tags})
            image["ImageData/Data"] = values
    return path


def test_real_file_is_the_twin_of_the_older_version(corpus):
    """The same six numbers and axes were written as .dm3 and .dm5: 2 (scale), 1 (offset) and 2.2, 1.1."""
    new, old = read(corpus / REAL), read(corpus / "tem/nionswift-io/ref_F_0_2.dm3")
    assert identify(corpus / REAL).name == "dm5"
    assert dict(new["intensity"].sizes) == {"frame": 2, "y": 1, "x": 3}
    np.testing.assert_array_equal(new["intensity"].values[:, 0, :].T, old["intensity"].values)
    np.testing.assert_array_equal(old["intensity"].values, [[0, 1], [2, 3], [4, 5]])
    assert new.attrs["original_scale"][1] == pytest.approx(old.attrs["original_scale"][0], rel=1e-7)
    assert new.attrs["original_units"][1] == old.attrs["original_units"][0] == "µ"
    for name in ("intensity_scale", "intensity_origin"):
        assert new.attrs[name] == pytest.approx(old.attrs[name], rel=1e-7)
    assert new.attrs["intensity_units"] == old.attrs["intensity_units"] == "six"


def test_spectra_without_energies_say_so(corpus):
    """The file is called a spectrum image of EELS but has the unit 'µn': its channels must not pass for slices."""
    dataset = read(corpus / REAL)
    assert dataset.attrs["calibrated"] == 0
    assert {"spectrum-without-energy", "uncalibrated"} <= codes(dataset)


def test_image_has_its_scale_and_settings(tmp_path):
    """Scale in um per pixel comes out in nm, the origin counts pixels, and the settings are those of .dm4."""
    tags = {"Microscope Info": {"Voltage": 300e3, "Name": "Titan"}, "DigiScan": {"Sample Time": 8.0}}
    values = np.arange(12, dtype="u2").reshape(3, 4)
    dataset = read(write(tmp_path / "a.dm5", (values, [(0.002, -10.0, "µm")] * 2, 10, tags)))
    np.testing.assert_array_equal(dataset["intensity"], values)
    assert dataset["intensity"].dtype == np.uint16
    assert dataset.attrs["pixel_size"] == pytest.approx(2.0, rel=1e-7)
    np.testing.assert_allclose(dataset["x"], 20.0 + 2.0 * np.arange(4), rtol=1e-7)
    assert (dataset.attrs["beam_energy"], dataset.attrs["instrument"]) == (300e3, "Titan")
    assert dataset.attrs["dwell_time"] == pytest.approx(8e-6)


@pytest.mark.parametrize(
    ("signal", "energy", "first", "step"), [("EELS", EV, -100.0, 0.5), ("X-ray", KEV, -200.0, 10.0)]
)
def test_spectrum_image_has_its_energy_last_and_in_ev(tmp_path, signal, energy, first, step):
    """DigitalMicrograph stores the energy as the slowest axis; the calibration of an axis must move with it."""
    values = np.arange(60, dtype="f4").reshape(5, 3, 4)
    tags = {"Meta Data": {"Signal": signal, "Format": "Spectrum image"}}
    dataset = read(write(tmp_path / "a.dm5", (values, [NANOMETRE, (0.3, 0.0, "nm"), energy], 2, tags)))
    assert dataset.attrs["technique"] == {"EELS": "eels", "X-ray": "eds"}[signal]
    assert dict(dataset["counts"].sizes) == {"y": 3, "x": 4, "energy": 5}
    np.testing.assert_array_equal(dataset["counts"], np.moveaxis(values, 0, -1))
    np.testing.assert_allclose(dataset["energy"], first + step * np.arange(5), rtol=1e-6)
    np.testing.assert_allclose(np.diff(dataset["y"]), 0.3, rtol=1e-6)
    assert "spectrum-without-energy" not in codes(dataset)


def test_preview_is_left_out(tmp_path):
    """Thumbnails names it by number; measured, its pixels would be the wrong size by ten."""
    image = (np.ones((4, 4), "f4"), [NANOMETRE] * 2, 2, {})
    assert list(read_tree(write(tmp_path / "a.dm5", image, image, thumbnail=0)).children) == ["image_0"]
    assert read(write(tmp_path / "b.dm5", image, image, thumbnail=0)).attrs["title"] == "image 1"


def test_eleven_images_keep_their_order(tmp_path):
    """HDF5 lists [10] before [2]."""
    images = [(np.full((2, 2), place, "f4"), [NANOMETRE] * 2, 2, {}) for place in range(11)]
    tree = read_tree(write(tmp_path / "a.dm5", *images))
    assert [float(tree[f"image_{place}"]["intensity"][0, 0]) for place in range(11)] == list(range(11))


@pytest.mark.parametrize("packed", [True, False])
def test_colours_are_not_swapped(tmp_path, packed):
    """They lie in memory as blue, green, red, alpha, in one number or in four."""
    colours = np.array([[[1, 2, 3, 255], [4, 5, 6, 255]]], np.uint8)
    values = colours.view("<u4")[..., 0] if packed else colours
    dataset = read(write(tmp_path / "a.dm5", (values, [NANOMETRE] * 2, 23, {})))
    assert dataset["channel"].values.tolist() == ["red", "green", "blue", "alpha"]
    np.testing.assert_array_equal(dataset["intensity"].values[0, 0], [3, 2, 1, 255])


def test_complex_numbers(tmp_path):
    """A Fourier transform is kept as it is, in numpy's own type or as a pair of fields of any name."""
    values = (np.arange(6) + 1j).reshape(2, 3).astype("c8")
    pairs = np.zeros((2, 3), [("Real", "f4"), ("Imaginary", "f4")])
    pairs["Real"], pairs["Imaginary"] = values.real, values.imag
    for stored in (values, pairs):
        dataset = read(write(tmp_path / "a.dm5", (stored, [(0.1, 1.0, "1/nm")] * 2, 3, {})))
        np.testing.assert_array_equal(dataset["intensity"], values)
        assert dataset["x"].attrs["units"] == "nm-1"


def test_one_bad_image_costs_no_other(tmp_path):
    """Dimensions that contradict the values, a type that is not read, values that were never written."""
    good = (np.ones((4, 4), "f4"), [NANOMETRE] * 2, 2, {})
    path = write(tmp_path / "a.dm5", good, good, good, good, (np.ones((2, 2), "f4"), [NANOMETRE] * 2, 99, {}))
    with h5py.File(path, "r+") as file:
        file["ImageList/[1]/ImageData/Dimensions"].attrs["[0]"] = np.uint32(5)
        del file["ImageList/[2]/ImageData/Data"]
        file["ImageList/[2]/ImageData"].create_dataset("Data", (4, 4), "f4")
    tree = read_tree(path)
    assert list(tree.children) == ["image_0", "image_3"]
    messages = [one.message for one in findings(tree["image_0"].attrs) if one.code == "image-not-read"]
    for message, word in zip(messages, ("Dimensions", "never written", "data type 99"), strict=True):
        assert word in message


@pytest.mark.parametrize(
    ("values", "axes", "kind", "error"),
    [
        (np.zeros(0, "f4"), [NANOMETRE], 2, CorruptFile),
        (np.ones(5, "f4"), [NANOMETRE], 2, UnsupportedContent),  # a curve without an energy
        (np.ones((2, 2), "f4"), [NANOMETRE] * 2, 10, UnsupportedContent),  # integers announced
    ],
)
def test_what_is_no_image_is_refused(tmp_path, values, axes, kind, error):
    """The message names what was found."""
    with pytest.raises(error):
        read(write(tmp_path / "a.dm5", (values, axes, kind, {})))


def test_sizes_are_held_against_the_limits(tmp_path):
    """A compressed terabyte of zeros is a few kilobytes on disk."""
    path = write(tmp_path / "a.dm5", (np.ones((64, 64), "f4"), [NANOMETRE] * 2, 2, {}))
    with pytest.raises(LimitExceeded):
        read(path, limits=Limits(array=10_000))
    with pytest.raises(LimitExceeded):
        read(path, limits=Limits(depth=2))


def test_damaged_copies(corpus, tmp_path, survive, damaged):
    """Flipped, doubled and missing bytes give a Dataset of the vocabulary or the reader's own error."""
    data = (corpus / REAL).read_bytes()

    def trees(copy):
        path = tmp_path / "copy.dm5"
        path.write_bytes(copy)
        return [node.dataset for node in read_tree(path).leaves]

    read_well, refused = survive(trees, damaged(data, 60, seed=3))
    assert read_well + refused == 60


def test_half_a_file_never_becomes_zeros(corpus, tmp_path):
    """HDF5 would fill what is missing; a cut file is refused."""
    data = (corpus / REAL).read_bytes()
    for part in (0.1, 0.5, 0.9, 0.999):
        path = tmp_path / "cut.dm5"
        path.write_bytes(data[: int(part * len(data))])
        with pytest.raises(ParseError):
            read(path)
