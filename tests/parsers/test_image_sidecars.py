"""The texts that Hitachi, JEOL and TESCAN save beside an image, and TESCAN's inside it: whose word counts, and when.

No public file of these is in the corpus. The texts below follow the layouts that Bio-Formats, NexusLIMS, Gwyddion and
pynxtools-em describe; the numbers are ours.
"""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
import tifffile

from interlayer.parsers import findings, read

HEIGHT, WIDTH = 60, 80
PIXELS = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)
_BYTE = 1


def codes(dataset):
    return {finding.code for finding in findings(dataset.attrs)}


def message(dataset, code):
    return next(finding.message for finding in findings(dataset.attrs) if finding.code == code)


def saved(folder, text, *, name="image.txt", encoding="utf-8", pixels=PIXELS, **options):
    """Read a plain TIFF with a text beside it."""
    tifffile.imwrite(folder / "image.tif", pixels, **{"metadata": None, "resolution": (96, 96)} | options)
    (folder / name).write_bytes(text.replace("\n", "\r\n").encode(encoding))
    return read(folder / "image.tif")


def assert_pixel(dataset, size, rel=1e-9):
    assert dataset["x"].attrs["units"] == dataset["y"].attrs["units"] == "nm"
    assert dataset.attrs["pixel_size"] == pytest.approx(size, rel=rel)
    np.testing.assert_allclose(np.diff(dataset["x"]), size, rtol=rel)


HITACHI = """[SemImageFile]
InstructName=SU8200
SerialNumber=123189-06
SampleName=cathode 7
ImageName=image.tif
Date=2024/03/18
Time=14:05:09
DataSize=80x48
PixelSize=2.480469
SignalName=SE(U)
AcceleratingVoltage=5000 Volt
Magnification=40000
WorkingDistance=3100 um
MicronMarker=1000
"""


def test_hitachi_text_calibrates_in_nm(tmp_path):
    """Without the text the file is 96 dots per inch of paper; its last 12 rows are the legend, not the sample."""
    dataset = saved(tmp_path, HITACHI)
    assert_pixel(dataset, 2.480469)
    assert dataset.attrs["data_bar_start"] == 48
    assert dataset.attrs["calibration_source"] == "Hitachi PixelSize in image.txt"
    assert (dataset.attrs["beam_energy"], dataset.attrs["magnification"]) == (5000.0, 40000.0)
    assert (dataset.attrs["instrument"], dataset.attrs["detector"]) == ("SU8200", "SE(U)")
    assert dataset.attrs["start_time"] == "2024-03-18T14:05:09"
    assert "123189-06" in dataset.attrs["original_metadata"]
    assert not {"print-resolution", "uncalibrated"} & codes(dataset)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp932"])
def test_hitachi_text_in_any_encoding(tmp_path, encoding):
    """The S-4800 writes UTF-16; a pixel size lost for its byte-order mark is a day of rescaling by hand."""
    assert_pixel(saved(tmp_path, HITACHI, encoding=encoding), 2.480469)


def test_hitachi_without_pixel_size_stays_uncalibrated(tmp_path):
    """The S-4700 writes the magnification alone, whose reference width is nowhere in the file: nobody guesses it."""
    dataset = saved(tmp_path, HITACHI.replace("PixelSize=2.480469\n", ""))
    assert dataset.attrs["calibrated"] == 0
    assert dataset.attrs["magnification"] == 40000.0


def test_a_day_before_a_month_is_not_guessed(tmp_path):
    """03/04/2024 is March or April with the language of the PC."""
    assert "start_time" not in saved(tmp_path, HITACHI.replace("2024/03/18", "03/04/2024")).attrs


def test_text_of_another_size_is_not_believed(tmp_path):
    """A micrograph halved for a talk has pixels twice as large as its text says."""
    dataset = saved(tmp_path, HITACHI.replace("80x48", "160x96"))
    assert dataset.attrs["calibrated"] == 0
    assert "data_bar_start" not in dataset.attrs
    assert "160" in message(dataset, "settings-of-another-size")


JEOL = """$CM_FORMAT JEOL/SEM
$CM_VERSION 0.1
$CM_TITLE cathode 7
$CM_DATE 2024/03/18
$CM_TIME 14:05:09
$CM_INSTRUMENT JSM-7600F
$CM_ACCEL_VOLT 15.00
$CM_MAG 30000
$CM_SIGNAL LEI
$CM_FULL_SIZE 80 48
$$SM_WD 8.1
$$SM_MICRON_BAR 25
$$SM_MICRON_MARKER 100nm
"""


@pytest.mark.parametrize(("marker", "size"), [("100nm", 4.0), ("1um", 40.0), ("0.5µm", 20.0), ("1mm", 4e4)])
def test_jeol_bar_calibrates(tmp_path, marker, size):
    """JEOL's scanning microscopes tell the pixel only as a bar of so many pixels; its label bears the unit."""
    dataset = saved(tmp_path, JEOL.replace("100nm", marker), encoding="cp1252")
    assert_pixel(dataset, size)
    assert dataset.attrs["data_bar_start"] == 48
    assert (dataset.attrs["beam_energy"], dataset.attrs["detector"]) == (15000.0, "LEI")
    assert "2 %" in message(dataset, "rounded-calibration")  # half a pixel of 25


def test_jeol_bar_without_unit_or_length_stays_uncalibrated(tmp_path):
    """A bar of '100' may be nanometres or micrometres."""
    for line in ("$$SM_MICRON_MARKER 100\n", "$$SM_MICRON_MARKER\n", ""):
        dataset = saved(tmp_path, JEOL.replace("$$SM_MICRON_MARKER 100nm\n", line))
        assert dataset.attrs["calibrated"] == 0


def test_jeol_field_of_view_goes_before_the_bar(tmp_path):
    """Newer instruments tell the field with more digits; a bar that contradicts it is reported."""
    field = "$CM_IMAGE_SIZE 80 48\n$CM_FIELD_OF_VIEW 0.320400µm 0.192240µm\n"
    text = JEOL.replace("$CM_FULL_SIZE 80 48\n", field)
    dataset = saved(tmp_path, text)
    assert_pixel(dataset, 4.005)
    assert not {"calibration-conflict", "rounded-calibration"} & codes(dataset)
    dataset = saved(tmp_path, text.replace("BAR 25", "BAR 20"))
    assert_pixel(dataset, 4.005)
    assert "SM_MICRON_BAR" in message(dataset, "calibration-conflict")


TESCAN_MAIN = {
    "AccFrames": "1",
    "Company": "lab",
    "Date": "2024-03-18",
    "Device": "TESCAN AMBER X",
    "ImageStripSize": "12",
    "Magnification": "25000",
    "PixelSizeX": "3.3e-09",
    "PixelSizeY": "3.3e-09",
    "Time": "14:05:09",
}
TESCAN_SEM = {"Detector": "E-T", "DwellTime": "3.2e-06", "HV": "5000"}


def ini(values):
    return "".join(f"{key}={value}\n" for key, value in values.items())


def assert_tescan(dataset):
    assert_pixel(dataset, 3.3)
    attrs = dataset.attrs
    assert (attrs["data_bar_start"], attrs["beam_energy"], attrs["dwell_time"]) == (48, 5000.0, 3.2e-6)
    assert (attrs["instrument"], attrs["detector"], attrs["magnification"]) == ("TESCAN AMBER X", "E-T", 25000.0)
    assert attrs["start_time"] == "2024-03-18T14:05:09"


@pytest.mark.parametrize("name", ["image-tif.hdr", "image.hdr", "image.tif.hdr"])
def test_tescan_header_beside_the_image(tmp_path, name):
    """TESCAN's program names the header after the image in more than one way."""
    text = f"[MAIN]\n{ini(TESCAN_MAIN)}[SEM]\n{ini(TESCAN_SEM)}"
    assert_tescan(saved(tmp_path, text, name=name))


def test_other_texts_beside_an_image_are_left_alone(tmp_path):
    """Notes, a table or a binary file that happen to bear the image's name tell nothing."""
    for content in (b"pixel size about 2 nm\n", b"\0\1\2" * 50, b"", b"x=1\ny=2\n"):
        tifffile.imwrite(tmp_path / "image.tif", PIXELS, metadata=None)
        (tmp_path / "image.txt").write_bytes(content)
        dataset = read(tmp_path / "image.tif")
        assert dataset.attrs["calibrated"] == 0
        assert "original_metadata" not in dataset.attrs


def test_what_the_image_says_itself_goes_before_the_text(tmp_path):
    """A scale set in ImageJ after a check with a standard is the newest word; the old text only raises a doubt."""
    options = {"imagej": True, "resolution": (1 / 2.6, 1 / 2.6), "metadata": {"unit": "nm"}}
    dataset = saved(tmp_path, HITACHI, **options)
    assert_pixel(dataset, 2.6, rel=1e-6)  # ImageJ's tag is a fraction of 32-bit numbers
    assert "2.4805 nm" in message(dataset, "calibration-conflict")
    assert dataset.attrs["beam_energy"] == 5000.0
    unscaled = saved(tmp_path, HITACHI, imagej=True)
    assert_pixel(unscaled, 2.480469)
    assert "uncalibrated" not in codes(unscaled)
    plain = saved(tmp_path, HITACHI, resolution=(1e7, 1e7), resolutionunit="CENTIMETER")
    assert_pixel(plain, 2.480469)
    assert "calibration-conflict" in codes(plain)


def test_archives_do_not_look_for_texts_outside(tmp_path):
    """An image inside an archive must not take a text that lies beside the archive."""
    (tmp_path / "image.txt").write_text(HITACHI)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, PIXELS, metadata=None)
    with zipfile.ZipFile(tmp_path / "image.zip", "w") as archive:
        archive.writestr("image.tif", buffer.getvalue())
    assert read(tmp_path / "image.zip").attrs["calibrated"] == 0


def blocks(*parts):
    packed = b"".join(struct.pack("<IH", len(data) + 2, kind) + data for kind, data in parts)
    return packed + struct.pack("<IH", 2, 0)


def test_tescan_tag_of_blocks(loaded):
    """The first block is a JPEG thumbnail, whose bytes must not be taken for settings."""
    thumbnail = b"\xff\xd8PixelSizeX=9\nHV=1\n\xff\xd9"
    tag = blocks((1, thumbnail), (2, ini(TESCAN_MAIN).encode()), (3, ini(TESCAN_SEM).encode()))
    assert_tescan(loaded((50431, _BYTE, tag)))


def test_tescan_tag_of_text(loaded):
    """Other releases store the text after some binary bytes."""
    tag = b"\x07\x00\xfe\xff\0" + (ini(TESCAN_MAIN) + ini(TESCAN_SEM)).encode()
    assert_tescan(loaded((50431, _BYTE, tag)))


def test_damaged_tescan_tag_is_no_calibration(loaded):
    """Whatever stands in the tag, there is an image; a size that is no number calibrates nothing."""
    for size in ("1", "1e-15", "nan"):  # a metre, a part of a nucleus, nothing
        tag = blocks((2, ini(TESCAN_MAIN | {"PixelSizeX": size, "PixelSizeY": size}).encode()))
        assert loaded((50431, _BYTE, tag)).attrs["calibrated"] == 0
    for broken in (b"", b"\xff" * 40, blocks((2, b"PixelSizeX=abc\nPixelSizeY=1e-9\n")), blocks((2, b"A=1\n"))[:-9]):
        dataset = loaded((50431, _BYTE, broken or b"\0"))
        assert dataset.attrs["calibrated"] == 0
        np.testing.assert_array_equal(dataset["intensity"], PIXELS)
