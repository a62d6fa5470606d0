"""TIFF micrographs: every vendor's file against its documented pixel size, and files made here for the bad cases."""

from __future__ import annotations

import gzip
import io
import json
import logging
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from interlayer.parsers import (
    LimitExceeded,
    Limits,
    ParseError,
    Source,
    TruncatedFile,
    UnknownFormat,
    UnsupportedContent,
    findings,
    measurements,
    read,
    schema,
)

FOLDER = "tem/rosettasciio/tiff"
HELIOS, ZEISS = f"{FOLDER}/tiff_FEI_Helios.zip", f"{FOLDER}/tiff_Zeiss_SEM.zip"

# file, group, dims with sizes, dtype, pixel in nm (None: not calibrated). Scales as corpus.tsv documents them, but
# JEOL (see its own test) and the Nav-Cam, whose field of view of 0.202732 m on 768 pixels stands in its IRBeam section.
CASES = [
    (f"{FOLDER}/test_loading_image_saved_with_DM.tif", "image_0", {"y": 68, "x": 68}, "i4", 168.674693),
    (f"{FOLDER}/test_loading_image_saved_with_imageJ.tif", "image_0", {"y": 68, "x": 68}, "f4", 168.674711),
    (f"{FOLDER}/test_loading_image_saved_with_imageJ_no_scale.tif", "image_0", {"y": 68, "x": 68}, "f4", None),
    (
        f"{FOLDER}/test_loading_image_saved_with_imageJ_stack.tif",
        "image_0",
        {"frame": 2, "y": 68, "x": 68},
        "f4",
        168.674711,
    ),
    (f"{FOLDER}/olympus_SIS.tif", "image_0", {"y": 101, "x": 112, "channel": 3}, "u1", None),
    (f"{FOLDER}/olympus_SIS.tif", "image_1", {"y": 101, "x": 112}, "u2", 0.0239279178),
    (HELIOS, "FEI-Helios-Ebeam-16bits/image_0", {"y": 471, "x": 512}, "u2", 3372.4),
    (HELIOS, "FEI-Helios-Ebeam-8bits/image_0", {"y": 471, "x": 512}, "u1", 3372.4),
    (HELIOS, "FEI-Helios-navcam/image_0", {"y": 551, "x": 768}, "u1", 0.202732e9 / 768),
    (HELIOS, "FEI-Helios-navcam-with-no-IRBeam/image_0", {"y": 551, "x": 768}, "u1", None),
    (HELIOS, "FEI-Helios-navcam-with-no-IRBeam-bad-floats/image_0", {"y": 551, "x": 768}, "u1", None),
    (ZEISS, "test_tiff_Zeiss_SEM_1k/image_0", {"y": 768, "x": 1024}, "u1", 2614.514),
    (ZEISS, "test_tiff_Zeiss_SEM_512pix/image_0", {"y": 384, "x": 512}, "u1", 11.649976),
    (ZEISS, "ZEISS_SEM_multipage/image_0", {"frame": 2, "y": 1536, "x": 2048}, "u1", 12.326225),
    (f"{FOLDER}/JEOL-SightX-TEM-mag-dummy.tif.gz", "image_0", {"y": 556, "x": 556}, "u2", 1e9 / 3642 / 150_000),
    (f"{FOLDER}/TVIPS_bin4.zip", "TVIPS_bin4/image_0", {"y": 1024, "x": 1024}, "u1", 1.42080367),
    *[
        (f"tem/synthetic/layer17_{kind}.tif", "image_0", {"y": 1024, "x": 1024}, "u2", 0.2)
        for kind in ("R400", "lowdose", "wedge")
    ],
]


def codes(dataset):
    return {finding.code for finding in findings(dataset.attrs)}


def load(data, name="made.tif", **limits):
    source = Source(Path(name), data=data, limits=Limits(**limits))
    return [measurement.dataset for measurement in measurements(source)]


def written(pixels, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


RAMP = np.arange(48, dtype=np.uint16).reshape(6, 8)


@pytest.mark.parametrize(("name", "group", "sizes", "dtype", "pixel"), CASES)
def test_size_and_pixel_of_every_vendor(corpus, name, group, sizes, dtype, pixel):
    """Every thickness is pixels times this number; each vendor hides it elsewhere and in another unit."""
    dataset = read(corpus / name, group=group)
    image = dataset["intensity"]
    assert dict(zip(image.dims, image.shape, strict=True)) == sizes
    assert image.dtype == np.dtype(dtype)
    assert dataset.attrs["calibrated"] == (pixel is not None)
    if pixel is None:
        assert dataset["x"].attrs["units"] == "pixel"
        assert "uncalibrated" in codes(dataset)
        assert not {"pixel_size", "pixel_size_x"} & set(dataset.attrs)
        return
    assert dataset["x"].attrs["units"] == dataset["y"].attrs["units"] == "nm"
    assert dataset.attrs["pixel_size"] == pytest.approx(pixel, rel=3e-6)
    np.testing.assert_allclose(np.diff(dataset["x"]), pixel, rtol=3e-6)
    np.testing.assert_allclose(np.diff(dataset["y"]), pixel, rtol=3e-6)
    assert dataset.attrs["calibration_source"] != "none"


def test_every_tiff_of_the_corpus_is_in_the_table(corpus):
    """A new file in the corpus must not go untested."""
    present = {str(path.relative_to(corpus)) for path in (corpus / "tem").rglob("*.tif*")}
    present |= {str(path.relative_to(corpus)) for path in (corpus / FOLDER).glob("*.zip")}
    assert present == {row[0] for row in CASES}


def test_tiff_export_agrees_with_its_dm3_twin(corpus):
    """The same picture saved as DM3 and as TIFF must give the same counts at the same places."""
    twin, dm3 = (read(corpus / FOLDER / name) for name in ("test_loading_image_saved_with_DM.tif", DM3))
    np.testing.assert_array_equal(twin["intensity"], dm3["intensity"])
    np.testing.assert_allclose(twin["x"], dm3["x"], rtol=1e-6)
    np.testing.assert_allclose(twin["y"], dm3["y"], rtol=1e-6)
    assert float(twin["x"][0]) == pytest.approx(139662.64, rel=1e-7)  # test_read_unit_from_dm
    for key in ("beam_energy", "exposure_time", "detector"):
        assert twin.attrs[key] == dm3.attrs[key]


DM3 = "test_dm_image_um_unit.dm3"


def test_jeol_pixel_agrees_with_the_lines_drawn_in_the_image(corpus):
    """The file holds two lines with end points in pixels and lengths in nm: 237.86 and 247.72 nm.

    Tag 282, whole dots per inch, gives 1.8208 nm instead of 1.8305 nm, 0.5 % off; so does the peer that reads it.
    """
    dataset = read(corpus / FOLDER / "JEOL-SightX-TEM-mag-dummy.tif.gz")
    ends = [((501.8139, 504.808838), (458.364624, 382.3432)), ((541.846, 416.797363), (415.136749, 464.3271))]
    for (start, stop), length in zip(ends, (237.86, 247.72), strict=True):
        pixels = np.hypot(stop[0] - start[0], stop[1] - start[1])
        assert dataset.attrs["pixel_size"] * pixels == pytest.approx(length, abs=0.01)


def test_zeiss_pixel_agrees_with_the_field_width(corpus):
    """The named pixel size is that of a 1024 wide image; AP_WIDTH over the true width is the independent witness."""
    widths = {"test_tiff_Zeiss_SEM_512pix": 5965.0, "ZEISS_SEM_multipage": 25240.0, "test_tiff_Zeiss_SEM_1k": 2.677e6}
    for stem, width in widths.items():
        dataset = read(corpus / ZEISS, group=f"{stem}/image_0")
        assert dataset.attrs["pixel_size"] * dataset.sizes["x"] == pytest.approx(width, rel=2e-4)
        assert "calibration-conflict" not in codes(dataset)


def test_settings_of_the_microscope(corpus):
    """Beam energy, dwell and detector stand in the vendors' tags; values read in the files with a text editor."""
    helios = read(corpus / HELIOS, group="FEI-Helios-Ebeam-8bits/image_0").attrs
    assert (helios["beam_energy"], helios["dwell_time"], helios["detector"]) == (5000.0, 1e-5, "ETD")
    assert helios["data_bar_start"] == 442
    zeiss = read(corpus / ZEISS, group="ZEISS_SEM_multipage/image_0").attrs
    assert (zeiss["beam_energy"], zeiss["magnification"], zeiss["detector"]) == (1800.0, 4530.0, "InLens")
    jeol = read(corpus / FOLDER / "JEOL-SightX-TEM-mag-dummy.tif.gz").attrs
    assert (jeol["beam_energy"], jeol["magnification"], jeol["instrument"]) == (200e3, 150e3, "JEM-ARM200F")
    tvips = read(corpus / FOLDER / "TVIPS_bin4.zip").attrs
    assert (tvips["beam_energy"], tvips["detector"], tvips["exposure_time"]) == (99000.0, "F416", 0.4)
    for attrs in (helios, zeiss, jeol, tvips):
        assert len(attrs["original_metadata"]) <= 70_000
        json.loads(attrs["original_metadata"])


def test_slices_of_an_imagej_stack_are_in_nm(corpus):
    """ImageJ gives one unit for the plane and the spacing; slices 2.5 um apart are 2500 nm apart."""
    dataset = read(corpus / FOLDER / "test_loading_image_saved_with_imageJ_stack.tif")
    assert dataset["frame"].values.tolist() == [0.0, 2500.0]
    assert dataset["frame"].attrs["units"] == "nm"


@pytest.mark.parametrize(
    ("unit", "per_unit", "pixel"),
    [("nm", 5, 0.2), ("micron", 50, 20.0), ("\\u00B5m", 50, 20.0), ("um", 50, 20.0), ("A", 2, 0.05), ("cm", 1e6, 10.0)],
)
def test_imagej_units(unit, per_unit, pixel):
    """ImageJ users type units; the peer drops all of them but 'micron'."""
    data = written(RAMP, imagej=True, resolution=(per_unit, per_unit), metadata={"unit": unit})
    (dataset,) = load(data)
    assert dataset.attrs["pixel_size"] == pytest.approx(pixel)


def test_imagej_without_unit_or_with_inches_of_paper_is_not_calibrated():
    """A scale of 1 'pixel' is not a nanometre."""
    for metadata in ({}, {"unit": "pixel"}, {"unit": "furlong"}):
        (dataset,) = load(written(RAMP, imagej=True, resolution=(5, 5), metadata=metadata))
        assert dataset.attrs["calibrated"] == 0


def test_anisotropic_pixels_keep_their_axes():
    """The wide side of the pixel must stay along x: the peer swaps the two for ImageJ and TVIPS."""
    (dataset,) = load(written(RAMP, imagej=True, resolution=(2, 10), metadata={"unit": "nm"}))
    assert (dataset.attrs["pixel_size_x"], dataset.attrs["pixel_size_y"]) == (0.5, 0.1)
    assert "pixel_size" not in dataset.attrs
    assert "anisotropic-pixels" in codes(dataset)


def test_ome_calibration():
    """OME-TIFF states the pixel size in XML, micrometres unless it says otherwise."""
    for options, pixel in (({}, 250.0), ({"PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "nm"}, 0.25)):
        metadata = {"axes": "YX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25, **options}
        (dataset,) = load(written(RAMP, ome=True, metadata=metadata))
        assert dataset.attrs["pixel_size"] == pytest.approx(pixel)
        np.testing.assert_array_equal(dataset["intensity"], RAMP)


def test_ome_never_opens_other_files(tmp_path, monkeypatch):
    """A multi-file OME names its other parts; reading one file must not open whatever a stranger's XML names."""
    tifffile.imwrite(tmp_path / "secret.tif", RAMP, metadata=None)
    monkeypatch.chdir(tmp_path)
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="8" SizeY="6" SizeZ="2" SizeC="1" SizeT="1">'
        '<TiffData FirstZ="0" IFD="0" PlaneCount="1"/><TiffData FirstZ="1" IFD="0" PlaneCount="1">'
        '<UUID FileName="secret.tif">urn:uuid:1</UUID></TiffData></Pixels></Image></OME>'
    )
    (dataset,) = load(written(RAMP, description=xml, metadata=None))
    assert dict(dataset.sizes) == {"y": 6, "x": 8}


def test_plain_resolution_tags():
    """An exporter that writes 1e7 dots per cm means 1 nm pixels; 72 or 300 dpi mean paper."""
    (fine,) = load(written(RAMP, resolution=(1e7, 1e7), resolutionunit="CENTIMETER", metadata=None))
    assert fine.attrs["pixel_size"] == pytest.approx(1.0)
    assert "282" in fine.attrs["calibration_source"]
    for dpi in (72, 96, 300, 1200):
        (paper,) = load(written(RAMP, resolution=(dpi, dpi), resolutionunit="INCH", metadata=None))
        assert paper.attrs["calibrated"] == 0
        assert {"uncalibrated", "print-resolution"} <= codes(paper)


def test_colours_stacks_and_pages_of_differing_shape():
    """RGB becomes a channel dimension, equal pages a stack, unequal pages images of their own."""
    colours = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    (rgb,) = load(written(colours, photometric="rgb", metadata=None))
    np.testing.assert_array_equal(rgb["intensity"], colours)
    assert rgb["channel"].values.tolist() == ["red", "green", "blue"]
    (planar,) = load(written(np.moveaxis(colours, -1, 0), photometric="rgb", planarconfig="separate", metadata=None))
    np.testing.assert_array_equal(planar["intensity"], colours)
    (stack,) = load(written(np.stack([RAMP, RAMP + 1]), photometric="minisblack", metadata=None))
    assert stack["intensity"].dims == ("frame", "y", "x")
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(RAMP, metadata=None)
        writer.write(RAMP[:4, :5], metadata=None)
    assert [dict(found.sizes) for found in load(buffer.getvalue())] == [{"y": 6, "x": 8}, {"y": 4, "x": 5}]


def test_inverted_greys_are_said():
    """In a min-is-white file a dark layer is a bright one; nobody should learn that from the thickness."""
    (dataset,) = load(written(RAMP, photometric="miniswhite", metadata=None))
    assert "min-is-white" in codes(dataset)


@pytest.mark.parametrize("compression", ["tiff_adobe_deflate", "packbits", "tiff_lzw"])
def test_compressed_files_are_the_same(compression):
    """Image editors save compressed; that must need no extra package nor change a value."""
    from PIL import Image

    pixels = np.tile(RAMP.astype(np.uint8), (20, 20))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF", compression=compression)
    (dataset,) = load(buffer.getvalue())
    np.testing.assert_array_equal(dataset["intensity"], pixels)


# --- bad files ----------------------------------------------------------------------------------------------------


def patched(data, code, value):
    """Return a TIFF with the 32-bit value of a tag of its first directory replaced."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tag = file.pages[0].tags[code]
    layout = {3: "<H", 4: "<I"}[int(tag.dtype)]
    changed = bytearray(data)
    struct.pack_into(layout, changed, tag.valueoffset, value)
    return bytes(changed)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_a_header_that_claims_gigapixels_is_refused(options):
    """1 kB that announces 10^9 pixels must be refused before the memory is asked for."""
    data = written(np.zeros((64, 64), np.uint8), metadata=None, **options)
    huge = patched(patched(patched(data, 256, 40_000), 257, 40_000), 278, 40_000)
    with pytest.raises((LimitExceeded, TruncatedFile)):
        load(huge)
    with pytest.raises(LimitExceeded):
        load(patched(patched(data, 256, 2**31), 257, 2**31))


def test_a_strip_that_inflates_without_end_is_refused():
    """A deflate bomb in a strip must stop at what the pixels need."""
    bomb = zlib.compress(bytes(200 * 2**20), 9)
    noise = np.random.default_rng(1).integers(0, 255, (600, 600), dtype=np.uint8)
    data = written(noise, compression="zlib", rowsperstrip=600)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        assert len(page.dataoffsets) == 1
        room = page.databytecounts[0]
        start = page.dataoffsets[0]
    assert len(bomb) < room
    with pytest.raises(LimitExceeded, match="inflates"):
        load(data[:start] + bomb + bytes(room - len(bomb)) + data[start + room :])


def test_missing_strips_never_become_zeros():
    """tifffile fills what is not there with zeros; a thickness measured on them would be nonsense."""
    pixels = np.arange(1, 1 + 64 * 64, dtype=np.uint16).reshape(64, 64)
    data = written(pixels, metadata=None, rowsperstrip=8)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        offsets, sizes = file.pages[0].dataoffsets, file.pages[0].tags[279]
    (cut,) = load(data[: offsets[5] + 3])
    np.testing.assert_array_equal(cut["intensity"], pixels[:40])
    assert "truncated-image" in codes(cut)
    empty = bytearray(data)
    width = {3: "<H", 4: "<I"}[int(sizes.dtype)]
    struct.pack_into(width, empty, sizes.valueoffset, 0)
    with pytest.raises(TruncatedFile):
        load(bytes(empty))


def test_a_cut_stack_keeps_its_whole_pages():
    """An acquisition that broke off in page 3 has two good pages; they are kept and the loss is said."""
    pixels = np.arange(4 * 48, dtype=np.uint16).reshape(4, 6, 8)
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for page in pixels:
            writer.write(page, metadata=None, contiguous=False)
    data = buffer.getvalue()
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        third = file.pages[2].dataoffsets[0]
    (dataset,) = load(data[: third + 10])
    np.testing.assert_array_equal(dataset["intensity"], pixels[:2])
    assert {"truncated-stack", "truncated-pages"} <= codes(dataset)


@pytest.mark.parametrize(
    "name",
    ["test_loading_image_saved_with_DM.tif", "test_loading_image_saved_with_imageJ_stack.tif", "olympus_SIS.tif"],
)
def test_half_a_file_is_the_beginning_or_an_error(corpus, name):
    """Whatever is returned from a cut file must be the same numbers as in the whole one, with a finding if fewer."""
    data = (corpus / FOLDER / name).read_bytes()
    whole = [dataset["intensity"].values for dataset in load(data)]
    for cut in range(50, len(data), len(data) // 60):
        try:
            datasets = load(data[:cut])
        except ParseError:
            continue
        for dataset in datasets:
            values = dataset["intensity"].values
            matches = [
                np.array_equal(values, part)
                for full in whole
                for part in (full[: len(values)], full[0][: len(values)])
                if part.shape == values.shape
            ]
            assert any(matches)
            if not any(values.shape == full.shape for full in whole):
                assert {"truncated-image", "truncated-stack", "truncated-pages"} & codes(dataset)


def test_flipped_bytes_raise_nothing_but_parse_errors(corpus):
    """Whatever a failing disk does to the tags, the reader answers with a valid Dataset or a ParseError."""
    rng = np.random.default_rng(21)
    for name in ("test_loading_image_saved_with_DM.tif", "olympus_SIS.tif"):
        data = np.frombuffer((corpus / FOLDER / name).read_bytes(), np.uint8)
        for count in range(120):
            broken = data.copy()
            places = rng.integers(0, 2000 if count % 2 else len(data), 4)
            broken[places] = rng.integers(0, 256, 4)
            try:
                datasets = load(broken.tobytes())
            except ParseError:
                continue
            for dataset in datasets:
                schema.check(dataset, provenance=True)


def test_what_cannot_be_decoded_is_named():
    """An exotic compression is refused by name, with what to do."""
    data = patched(written(RAMP, metadata=None), 259, 34925)
    with pytest.raises(UnsupportedContent, match="LZMA"):
        load(data)


def test_a_broken_chain_of_pages_is_a_finding():
    """The TIFF library only logs it when pages are lost; whoever averages frames must hear of it."""
    pixels = np.arange(2 * 48, dtype=np.uint16).reshape(2, 6, 8)
    data = bytearray(written(pixels, photometric="minisblack", metadata=None))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        first = file.pages[0].offset
        count = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * count, 10**6)
    handlers = list(logging.getLogger("tifffile").handlers)
    (dataset,) = load(bytes(data))
    assert dict(dataset.sizes) == {"y": 6, "x": 8}
    assert {"truncated-pages", "tiff-structure"} <= codes(dataset)
    assert logging.getLogger("tifffile").handlers == handlers


def test_no_pages_at_all():
    """A bare header is an error that says so."""
    with pytest.raises(ParseError):
        load(b"II*\0\0\0\0\0")
    with pytest.raises(UnknownFormat):
        load(b"II*")


def test_images_survive_netcdf(corpus, tmp_path):
    """Results are kept as netCDF: every attribute of an image must fit in."""
    import xarray as xr

    dataset = read(corpus / FOLDER / "test_loading_image_saved_with_imageJ_no_scale.tif")
    dataset.to_netcdf(tmp_path / "image.nc", engine="h5netcdf")
    again = xr.open_dataset(tmp_path / "image.nc", engine="h5netcdf")
    np.testing.assert_array_equal(again["intensity"], dataset["intensity"])
    assert list(again.attrs["original_units"]) == ["", ""]
    with zipfile.ZipFile(corpus / ZEISS) as archive:
        packed = gzip.compress(archive.read("test_tiff_Zeiss_SEM_512pix.tif"))
    (zeiss,) = load(packed, "zeiss.tif.gz")
    zeiss.to_netcdf(tmp_path / "zeiss.nc", engine="h5netcdf")
