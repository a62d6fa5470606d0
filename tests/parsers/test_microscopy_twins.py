"""Microscopy files that hold the same numbers in two formats, or the same number in two places."""

from __future__ import annotations

import re
import struct

import numpy as np
import pytest

from interlayer.parsers import read, read_tree

R = "tem/rosettasciio"
TIA, BRUKER, TIFF = f"{R}/tia", f"{R}/bruker", f"{R}/tiff"


def only(path, technique):
    (found,) = [leaf.dataset for leaf in read_tree(path).leaves if leaf.dataset.attrs["technique"] == technique]
    return found


def test_one_energy_loss_spectrum_in_three_formats(corpus):
    """The example of the EMSA standard, as the standard prints it, as ISO 22029 does, and saved by HyperSpy."""
    spectra = [read(corpus / f"{R}/{name}") for name in
               ("msa/example1.msa", "msa/ISO_22029_2022_compliance.msa", "hspy/example1_v1.2.hdf5")]  # fmt: skip
    for other in spectra[1:]:
        np.testing.assert_array_equal(other["counts"].values, spectra[0]["counts"].values)
        np.testing.assert_allclose(other["energy"], spectra[0]["energy"], rtol=1e-12)
        for name in ("beam_energy", "convergence_angle", "collection_angle"):
            assert other.attrs[name] == pytest.approx(spectra[0].attrs[name], rel=1e-12)


def test_one_x_ray_spectrum_in_two_formats_has_one_voltage(corpus):
    """EDAX wrote one spectrum as .spc and as .msa; the voltage of the .spc comes as a number of numpy."""
    one, other = (read(corpus / f"tem/NexusLIMS/647_leo_edax_test{suffix}") for suffix in (".spc", ".msa"))
    assert one.attrs["beam_energy"] == other.attrs["beam_energy"] == 10e3
    assert one.attrs["live_time"] == pytest.approx(other.attrs["live_time"], rel=1e-6)


def test_one_micrograph_in_four_files(corpus):
    """Saved by DigitalMicrograph as .dm3 and .tif and by ImageJ with and without its scale."""
    saved = "test_loading_image_saved_with"
    names = ["test_dm_image_um_unit.dm3", f"{saved}_DM.tif", f"{saved}_imageJ.tif", f"{saved}_imageJ_no_scale.tif"]
    images = [read(corpus / f"{TIFF}/{name}") for name in names]
    for other in images[1:]:
        np.testing.assert_array_equal(other["intensity"].values, images[0]["intensity"].values)
    sizes = [image.attrs.get("pixel_size") for image in images]
    assert sizes[:3] == pytest.approx([168.6746925] * 3, rel=2e-7)  # nm; resolutions in TIFF are ratios of integers
    assert sizes[3] is None


@pytest.mark.parametrize("name", ["old/64x64_TEM_images_acquire", "new/128x128_TEM_acquire-sum1"])
def test_a_series_holds_the_image_of_its_collection(corpus, name):
    """TIA keeps a copy of the pixels in the .emi file, from the bottom up as in the series."""
    image = read(corpus / f"{TIA}/{name}_1.ser")["intensity"].values
    collection = (corpus / f"{TIA}/{name}.emi").read_bytes()
    assert np.ascontiguousarray(image[::-1]).tobytes() in collection
    assert np.ascontiguousarray(image).tobytes() not in collection


def header_of(data: bytes) -> str:
    """Return the text in the chunks of a Bruker container: their bytes behind a head of 32, one after the other."""
    (size,) = struct.unpack_from("<I", data, 0x128)
    starts = range(0x118 + size, len(data), size)
    return b"".join(data[start + 32 : start + size] for start in starts).decode("latin-1")


@pytest.mark.parametrize("name", ["test_TEM.bcf", "P45_the_default_job.bcf", "Hitachi_TM3030Plus.bcf"])
def test_a_map_adds_up_to_the_spectrum_of_its_header(corpus, name):
    """ESPRIT keeps the sum of all pixels in the header; a pixel decoded wrongly would miss it."""
    path = corpus / f"{BRUKER}/{name}"
    (stated,) = re.findall(r"<Channels>([^<]*)<", header_of(path.read_bytes()))
    counts = only(path, "eds")["counts"].values
    np.testing.assert_array_equal(counts.sum(axis=(0, 1), dtype=np.int64), [int(text) for text in stated.split(",")])
    assert counts.sum(dtype=np.int64) == {"te": 26_005, "P4": 165_941, "Hi": 171_804}[name[:2]]


def test_a_map_and_its_image_cover_the_same_field(corpus):
    """The image beside the map has its pixels; a shift between the two would move every profile."""
    for name in ("test_TEM.bcf", "P45_the_default_job.bcf"):
        tree = read_tree(corpus / f"{BRUKER}/{name}")
        image, cube = tree["image_0"].dataset, only(corpus / f"{BRUKER}/{name}", "eds")
        for axis in ("y", "x"):
            np.testing.assert_allclose(image[axis], cube[axis], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [
        ("sdim-1_ndim-1_float64", "<f8", (2, 3)),
        ("sdim-1_ndim-2_uint16", "<u2", (2, 3, 4)),
        ("sdim-2_ndim-1_float32_meta", "<f4", (2, 3, 4)),
    ],
)
def test_a_ripple_file_holds_what_its_raw_file_holds(corpus, name, kind, shape):
    """Height, width and depth in the order that record-by gives them."""
    dataset = read(corpus / f"{R}/ripple/test_ripple_{name}.rpl")
    raw = np.fromfile(corpus / f"{R}/ripple/test_ripple_{name}.raw", kind).reshape(shape)
    values = dataset["intensity" if "intensity" in dataset else "counts"].values
    np.testing.assert_array_equal(values, raw)


def test_a_line_scan_of_the_same_microscope_in_two_series(corpus):
    """Spectra and diffraction patterns of one line: as many points at the same places."""
    spectra, patterns = (
        read(corpus / f"{TIA}/new/16x16-line_profile_horizontal_5x128x128_EDS_{number}.ser") for number in (1, 2)
    )
    assert spectra.sizes["distance"] == patterns.sizes["frame"] == 5
    np.testing.assert_allclose(spectra["distance"], patterns["frame"], rtol=1e-12)
