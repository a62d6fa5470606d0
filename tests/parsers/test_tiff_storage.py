"""How the pixels of a TIFF lie in the file: each way of storing them must give the very numbers that were written."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from interlayer.parsers import CorruptFile, Limits, ParseError, Source, UnsupportedContent, findings, measurements

RNG = np.random.default_rng(7)
GREY8 = RNG.integers(0, 256, (100, 70), dtype=np.uint8)
GREY16 = RNG.integers(0, 65536, (100, 70), dtype=np.uint16)
GREY32 = RNG.integers(0, 2**32, (100, 70), dtype=np.uint32)
SIGNED = RNG.integers(-(2**15), 2**15, (100, 70), dtype=np.int16)
FLOATS = RNG.normal(0, 1e3, (100, 70)).astype(np.float32)
DOUBLES = RNG.normal(0, 1e3, (100, 70))
COLOUR = RNG.integers(0, 256, (100, 70, 3), dtype=np.uint8)
COLOUR16 = RNG.integers(0, 65536, (100, 70, 3), dtype=np.uint16)


def load(data, **limits):
    source = Source(Path("made.tif"), data=data, limits=Limits(**limits))
    return [measurement.dataset for measurement in measurements(source)]


def written(pixels, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **{"metadata": None} | options)
    return buffer.getvalue()


def by_pillow(pixels, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF", **options)
    return buffer.getvalue()


def assert_same(data, pixels):
    (dataset,) = load(data)
    image = dataset["intensity"]
    assert image.dtype == pixels.dtype
    assert image.dtype.isnative
    assert image.values.flags.writeable
    np.testing.assert_array_equal(image, pixels)


@pytest.mark.parametrize("pixels", [GREY8, GREY16, GREY32, SIGNED, FLOATS, DOUBLES, COLOUR, COLOUR16])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"bigtiff": True, "byteorder": ">"},
        {"rowsperstrip": 7},
        {"rowsperstrip": 7, "byteorder": ">"},
        {"tile": (32, 48)},
        {"tile": (32, 48), "byteorder": ">"},
        {"compression": "zlib"},
        {"compression": "zlib", "rowsperstrip": 7, "byteorder": ">"},
        {"compression": "zlib", "tile": (32, 48)},
        {"compression": "zlib", "tile": (32, 48), "byteorder": ">", "bigtiff": True},
    ],
    ids=lambda options: "-".join(map(str, options.values())) or "plain",
)
def test_every_way_to_store_gives_the_same_numbers(pixels, options):
    """A microscope's program, a camera's and an archive's tool store alike images in unlike ways."""
    photometric = {"photometric": "rgb" if pixels.ndim == 3 else "minisblack"}
    assert_same(written(pixels, **options, **photometric), pixels)


@pytest.mark.parametrize("pixels", [GREY8, GREY16, GREY32, COLOUR, COLOUR16])
@pytest.mark.parametrize("options", [{}, {"tile": (32, 48)}, {"rowsperstrip": 9, "byteorder": ">"}])
def test_differences_are_summed_up_and_wrap(pixels, options):
    """The predictor stores differences modulo the word: one without wrapping is right in every other pixel."""
    photometric = {"photometric": "rgb" if pixels.ndim == 3 else "minisblack"}
    data = written(pixels, compression="zlib", predictor=True, **options, **photometric)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert file.pages[0].predictor == 2
    assert_same(data, pixels)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (32, 48)}, {"rowsperstrip": 7}])
def test_colours_in_planes(options):
    """Planar files hold the reds, the greens and the blues one after the other."""
    data = written(np.moveaxis(COLOUR, -1, 0), photometric="rgb", planarconfig="separate", **options)
    assert_same(data, COLOUR)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "raw"])
@pytest.mark.parametrize("pixels", [GREY8, GREY16, COLOUR])
def test_files_of_another_writer(compression, pixels):
    """libtiff cuts strips at other places than tifffile; both must be read."""
    assert_same(by_pillow(pixels, compression=compression), pixels)


def test_jpeg_strips_give_what_the_decoder_gives():
    """JPEG loses digits when it is written; when it is read none may be added."""
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    (dataset,) = load(by_pillow(smooth, compression="jpeg", quality=95))
    assert np.abs(dataset["intensity"].values.astype(int) - smooth).max() <= 3


def test_one_bit_images_are_zeros_and_ones():
    """A mask saved with one bit per pixel keeps its two values."""
    mask = GREY8 > 128
    (dataset,) = load(by_pillow(mask))
    np.testing.assert_array_equal(dataset["intensity"].values.astype(bool), mask)


def test_pages_of_unlike_shapes_and_types_stay_apart():
    """An overview in 8 bits, a stack in 16 and a map of floats in one file are three measurements."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(GREY8, metadata=None)
        for page in (GREY16, GREY16 + 1):
            writer.write(page, metadata=None)
        writer.write(FLOATS[:20], metadata=None, compression="zlib")
    first, stack, floats = (dataset["intensity"] for dataset in load(buffer.getvalue()))
    np.testing.assert_array_equal(first, GREY8)
    np.testing.assert_array_equal(stack, np.stack([GREY16, GREY16 + 1]))
    np.testing.assert_array_equal(floats, FLOATS[:20])


@pytest.mark.parametrize("options", [{"truncate": True}, {"imagej": True, "truncate": True}, {"imagej": True}])
def test_a_stack_behind_one_directory_is_whole(options):
    """ImageJ describes the first page and lets the others follow; they are data, not bytes left over."""
    stack = np.stack([GREY16, GREY16 + 1, GREY16 + 2])
    data = written(stack, photometric="minisblack", metadata={"axes": "ZYX"}, **options)
    assert_same(data, stack)
    assert "trailing-bytes" not in {finding.code for finding in findings(load(data)[0].attrs)}


def single_strip(pixels, content):
    """Return a deflate TIFF of one strip whose compressed bytes are replaced."""
    data = bytearray(written(pixels, compression="zlib", rowsperstrip=len(pixels)))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        page = file.pages[0]
        count = page.tags[279]
    struct.pack_into({3: "<H", 4: "<I"}[int(count.dtype)], data, count.valueoffset, len(content))
    start = page.dataoffsets[0]
    data[start : start + len(content)] = content
    return bytes(data)


def test_strips_that_are_too_short_or_damaged_are_refused():
    """Half a strip padded with zeros would be read as a dark layer."""
    full = GREY16.tobytes()
    assert_same(single_strip(GREY16, zlib.compress(full)), GREY16)
    assert_same(single_strip(GREY16, zlib.compress(full + bytes(700))), GREY16)  # some writers pad the last strip
    for content in (zlib.compress(full[:-2]), zlib.compress(full)[:-50], b"\x78\x9c" + b"\xff" * 50):
        with pytest.raises(CorruptFile):
            load(single_strip(GREY16, content))


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "zlib", "tile": (64, 64)}])
def test_a_damaged_depth_is_noticed(options):
    """16 bits read as 8 or 12 are a picture of noise with a thickness: the bytes that are left over betray it."""
    sound = written(GREY16, **options)
    with tifffile.TiffFile(io.BytesIO(sound)) as file:
        place = file.pages[0].tags[258].valueoffset
    for bits in (1, 4, 8, 12, 24, 32, 64):
        broken = bytearray(sound)
        struct.pack_into("<H", broken, place, bits)
        try:
            found = load(bytes(broken))
        except ParseError:
            continue
        for dataset in found:
            assert "surplus-bytes" in {finding.code for finding in findings(dataset.attrs)}


def test_a_damaged_compression_is_refused():
    """An unknown number of compression ends in words, never in other numbers."""
    broken = bytearray(written(GREY16, compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(bytes(broken))) as file:
        place = file.pages[0].tags[259].valueoffset
    struct.pack_into("<H", broken, place, 50000)
    with pytest.raises(UnsupportedContent):
        load(bytes(broken))


def test_memory_stays_near_the_pixels(tmp_path):
    """Reading must not hold more than the file and one copy: a 4096 x 4096 stack on a laptop depends on it."""
    import tracemalloc

    pixels = RNG.integers(0, 65536, (1024, 1024), dtype=np.uint16)
    for options in ({}, {"byteorder": ">"}, {"tile": (256, 256)}, {"compression": "zlib", "predictor": True}):
        data = written(pixels, **options)
        load(data)
        tracemalloc.start()
        (dataset,) = load(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert dataset["intensity"].nbytes == pixels.nbytes
        assert peak < 1.7 * pixels.nbytes
