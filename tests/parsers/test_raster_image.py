"""PNG, JPEG and BMP: pictures written here in known pixels, none of which may get a scale, a turn or zeros unasked."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from interlayer.parsers import (
    CorruptFile,
    LimitExceeded,
    Limits,
    ParseError,
    TruncatedFile,
    UnsupportedContent,
    findings,
    identify,
    read,
    read_tree,
)

GREY = np.random.default_rng(1).integers(0, 256, (40, 60), dtype=np.uint8)
COLOUR = np.random.default_rng(2).integers(0, 256, (40, 60, 3), dtype=np.uint8)
SUFFIX = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp"}


def codes(dataset):
    return {finding.code: finding for finding in findings(dataset.attrs)}


def encoded(values, kind="PNG", **options):
    buffer = BytesIO()
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write(path, data):
    path.write_bytes(data)
    return path


def png(header, rows, *extra):
    """Return a PNG of a header (width, height, depth, colour type), chunks and raw rows, each behind filter 0."""
    parts = [b"\x89PNG\r\n\x1a\n"]
    raw = b"".join(b"\0" + bytes(row) for row in rows)
    head = struct.pack(">2I5B", *header, 0, 0, 0)
    for name, content in ((b"IHDR", head), *extra, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")):
        parts += [struct.pack(">I", len(content)), name, content, struct.pack(">I", zlib.crc32(name + content))]
    return b"".join(parts)


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_grey_pixels_are_kept(tmp_path, kind):
    """Row by row from the top, in pixels, without a scale; BMP is stored from the bottom up."""
    path = write(tmp_path / f"a{SUFFIX[kind]}", encoded(GREY, kind))
    dataset = read(path)
    assert identify(path).name == "raster-image"
    assert dataset["intensity"].dims == ("y", "x")
    assert dataset["intensity"].dtype == np.uint8
    np.testing.assert_array_equal(dataset["intensity"], GREY)
    assert dataset.attrs["calibrated"] == 0
    assert dataset["x"].attrs["units"] == dataset["y"].attrs["units"] == "pixel"
    assert "uncalibrated" in codes(dataset)


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_colours_are_kept_in_order(tmp_path, kind):
    """BMP stores blue first."""
    dataset = read(write(tmp_path / "a", encoded(COLOUR, kind)))
    assert dataset["channel"].values.tolist() == ["red", "green", "blue"]
    np.testing.assert_array_equal(dataset["intensity"], COLOUR)


def test_grey_saved_in_colour_is_one_image(tmp_path):
    """Exports of micrographs are often RGB; with equal channels nothing is lost and a layer can be measured."""
    dataset = read(write(tmp_path / "a.png", encoded(np.repeat(GREY[..., np.newaxis], 3, axis=-1))))
    np.testing.assert_array_equal(dataset["intensity"], GREY)
    almost = np.repeat(GREY[..., np.newaxis], 3, axis=-1)
    almost[-1, -1, 1] ^= 1
    assert read(write(tmp_path / "b.png", encoded(almost)))["intensity"].dims == ("y", "x", "channel")


def test_jpeg_is_said_to_be_lossy(tmp_path):
    """Its blocks of 8 pixels are steps in an image; grey levels move by a few."""
    smooth = np.add.outer(np.arange(40), 2 * np.arange(60)).astype(np.uint8)
    dataset = read(write(tmp_path / "a.jpg", encoded(smooth, "JPEG", quality=95)))
    assert "lossy-compression" in codes(dataset)
    assert np.abs(dataset["intensity"].astype(int) - smooth).max() <= 4
    colour = read(write(tmp_path / "b.jpg", encoded(COLOUR, "JPEG")))
    assert colour["intensity"].dims == ("y", "x", "channel")


@pytest.mark.parametrize("density", [96, 300, 2400])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_print_density_is_no_scale(tmp_path, kind, density):
    """300 dots per inch would be 85 um per pixel."""
    dataset = read(write(tmp_path / "a", encoded(GREY, kind, dpi=(density, density))))
    assert dataset.attrs["calibrated"] == 0
    assert "print-resolution" in codes(dataset)


def test_density_finer_than_print_is_told_and_not_used(tmp_path):
    """pHYs of 1e9 pixels per metre may be meant as 1 nm; the format cannot say so, the user can."""
    data = png((60, 40, 8, 0), GREY, (b"pHYs", struct.pack(">2IB", 10**9, 10**9, 1)))
    dataset = read(write(tmp_path / "a.png", data))
    np.testing.assert_array_equal(dataset["intensity"], GREY)
    assert dataset.attrs["calibrated"] == 0
    finding = codes(dataset)["print-resolution"]
    assert finding.severity == "warning"
    assert "1 nm" in finding.message


def test_sixteen_bits_are_kept(tmp_path):
    """A camera's 12 or 16 bits must not become 8."""
    values = np.arange(2400, dtype=np.uint16).reshape(40, 60) * 27
    dataset = read(write(tmp_path / "a.png", encoded(values)))
    assert dataset["intensity"].dtype == np.uint16
    np.testing.assert_array_equal(dataset["intensity"], values)


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_of_colour_are_refused(tmp_path, colour_type, channels):
    """The decoder keeps the upper 8 of them without a word."""
    path = write(tmp_path / "a.png", png((2, 1, 16, colour_type), [bytes(2 * 2 * channels)]))
    with pytest.raises(UnsupportedContent, match="16 bits"):
        read(path)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits_of_grey(tmp_path, depth):
    """Masks have one bit, old scans four: black stays 0 and the order of the levels is kept."""
    levels = np.arange(2**depth)
    bits = "".join(f"{level:0{depth}b}" for level in levels).ljust(-(-len(levels) * depth // 8) * 8, "0")
    row = int(bits, 2).to_bytes(len(bits) // 8, "big")
    values = read(write(tmp_path / "a.png", png((len(levels), 1, depth, 0), [row])))["intensity"].values[0]
    assert values[0] == 0
    assert (np.diff(values.astype(int)) == (values[-1] / (2**depth - 1))).all()


def test_palette_is_looked_up(tmp_path):
    """Numbers of a palette are no grey levels: 0 may be white."""
    image = Image.fromarray((GREY > 128).astype(np.uint8), mode="L").convert("P")
    image.putpalette([200, 200, 200, 10, 10, 10])
    dataset = read(write(tmp_path / "grey.png", encoded(image)))
    np.testing.assert_array_equal(dataset["intensity"], np.where(GREY > 128, 10, 200))
    assert "palette" in codes(dataset)
    image.putpalette([200, 0, 0, 10, 10, 10])
    assert read(write(tmp_path / "red.png", encoded(image)))["intensity"].sel(channel="green").max() == 10


def test_opaque_alpha_is_left_out_and_other_is_kept(tmp_path):
    """What is transparent bears a colour that nobody has seen."""
    alpha = np.full(GREY.shape, 255, np.uint8)
    opaque = read(write(tmp_path / "a.png", encoded(np.dstack([COLOUR, alpha]))))
    assert opaque["channel"].values.tolist() == ["red", "green", "blue"]
    assert "transparent-pixels" not in codes(opaque)
    alpha[:10] = 0
    clear = read(write(tmp_path / "b.png", encoded(np.dstack([COLOUR, alpha]))))
    assert clear["channel"].values.tolist() == ["red", "green", "blue", "alpha"]
    assert "25.0%" in codes(clear)["transparent-pixels"].message
    np.testing.assert_array_equal(clear["intensity"].values[..., :3], COLOUR)
    grey = read(write(tmp_path / "c.png", encoded(np.dstack([GREY, alpha]))))
    assert grey["channel"].values.tolist() == ["grey", "alpha"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_nothing_is_turned(tmp_path, kind):
    """A viewer turns what EXIF asks; turned here without a word, y and x of a calibration would be exchanged."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    dataset = read(write(tmp_path / "a", encoded(GREY, kind, exif=exif)))
    assert dict(dataset["intensity"].sizes) == {"y": 40, "x": 60}
    assert "orientation 6" in codes(dataset)["exif-orientation"].message
    assert (dataset.attrs["exif_orientation"], dataset.attrs["instrument"]) == (6, "Camera")


def test_colours_of_print_are_refused(tmp_path):
    """Inks are no intensities, and Adobe stores them inverted."""
    with pytest.raises(UnsupportedContent, match="CMYK"):
        read(write(tmp_path / "a.jpg", encoded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG")))


def test_only_the_first_frame_is_read_and_said(tmp_path):
    """An animation is no stack of measurements."""
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    dataset = read(write(tmp_path / "a.png", encoded(frames[0], save_all=True, append_images=frames[1:])))
    np.testing.assert_array_equal(dataset["intensity"], GREY)
    assert "several-frames" in codes(dataset)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("BMP", {})])
@pytest.mark.parametrize("filled", [False, True])
def test_half_a_file_is_never_a_picture(tmp_path, kind, options, filled):
    """Cut, or cut and filled with zeros as by a broken copy: decoders make the rest grey or black."""
    data = encoded(GREY, kind, **options)
    whole = read(write(tmp_path / "whole", data))["intensity"].values
    for left in [len(data) - 1, len(data) - 2, len(data) - 20, *range(30, len(data) - 20, 131)]:
        copy = data[:left] + (b"\0" * (len(data) - left) if filled else b"")
        if kind == "BMP" and filled:
            continue  # black rows at the end of a BMP cannot be told from zeros
        try:
            found = read(write(tmp_path / "cut", copy))["intensity"].values
        except ParseError:
            continue
        np.testing.assert_array_equal(found, whole)


def test_a_flipped_bit_in_a_png_is_refused(tmp_path):
    """Every chunk bears its checksum."""
    data = bytearray(encoded(GREY))
    data[len(data) // 2] ^= 4
    with pytest.raises(CorruptFile, match="damaged"):
        read(write(tmp_path / "a.png", bytes(data)))


def test_bombs_are_refused_before_they_are_decoded(tmp_path):
    """A few kilobytes that claim gigapixels."""
    huge = png((60_000, 60_000, 8, 0), [b"\0" * 100])
    with pytest.raises(LimitExceeded):
        read(write(tmp_path / "a.png", huge))
    with pytest.raises(LimitExceeded, match="Limits"):
        read(write(tmp_path / "b.png", encoded(GREY)), limits=Limits(array=1000))
    wide = encoded(GREY, "BMP")
    with pytest.raises(TruncatedFile, match="bytes"):
        read(write(tmp_path / "c.bmp", wide[:18] + struct.pack("<2i", 30_000, 30_000) + wide[26:]))
    with pytest.raises(LimitExceeded, match="ratio"):
        read(write(tmp_path / "d.png", png((17_000, 10_000, 16, 0), [b"\0"])))


def test_empty_figures_are_no_bombs(tmp_path):
    """A white page of 3000 x 4000 pixels packs a thousandfold."""
    data = encoded(np.full((4000, 3000), 255, np.uint8))
    assert len(data) * 200 < 12_000_000
    assert read(write(tmp_path / "a.png", data))["intensity"].shape == (4000, 3000)


def test_damaged_copies(tmp_path, survive, damaged):
    """Flipped, doubled and missing bytes give a Dataset of the vocabulary or the reader's own error."""
    image = Image.fromarray(COLOUR)
    exif = Image.Exif()
    exif[0x0112], exif[0x0132] = 3, "2026:11:22 10:00:00"
    for data in (
        encoded(image, exif=exif), encoded(image.convert("P"), transparency=3), encoded(GREY.astype(np.uint16)),
        encoded(image, "JPEG", exif=exif), encoded(image, "JPEG", progressive=True), encoded(image, "BMP"),
        encoded(image.convert("P"), "BMP"),
    ):  # fmt: skip

        def trees(copy):
            return [node.dataset for node in read_tree(write(tmp_path / "copy", copy)).leaves]

        read_well, refused = survive(trees, damaged(data, 60, seed=9))
        assert read_well + refused == 60
