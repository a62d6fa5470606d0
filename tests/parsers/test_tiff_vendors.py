"""Where each microscope's maker puts the pixel size inside a TIFF file: made here after published layouts, and real.

No public file of Phenom, ORION, Atlas, DISS or newer Thermo Fisher instruments is in the corpus. The tags below follow
the layouts that NexusLIMS, pynxtools-em and published readers describe; the numbers are ours.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile

from interlayer.parsers import Source, findings, measurements, read

FOLDER = "tem/rosettasciio/tiff"
HEIGHT, WIDTH = 60, 80
PIXELS = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)
_BYTE, _TEXT = 1, 2


def codes(dataset):
    return {finding.code for finding in findings(dataset.attrs)}


def message(dataset, code):
    return next(finding.message for finding in findings(dataset.attrs) if finding.code == code)


def assert_pixel(dataset, size, rel=1e-9):
    assert dataset["x"].attrs["units"] == dataset["y"].attrs["units"] == "nm"
    assert dataset.attrs["pixel_size"] == pytest.approx(size, rel=rel)
    np.testing.assert_allclose(np.diff(dataset["x"]), size, rtol=rel)


PHENOM = """<?xml version="1.0"?><FeiImage><databarHeight>12</databarHeight>
<pixelWidth unit="{unit}">{size}</pixelWidth><pixelHeight unit="{unit}">{size}</pixelHeight>
<instrument><edition>Phenom ProX</edition></instrument><acquisition><scan><detector>BSD</detector>
<dwellTime unit="ns">800</dwellTime><highVoltage unit="kV">-15</highVoltage></scan></acquisition></FeiImage>"""


@pytest.mark.parametrize(("size", "unit", "pixel"), [(0.02, "um", 20.0), (20, "nm", 20.0), (2e-8, "m", 20.0)])
def test_phenom_xml(loaded, size, unit, pixel):
    """The desktop microscope writes the unit beside the number and has changed it between releases."""
    dataset = loaded((34683, _TEXT, PHENOM.format(size=size, unit=unit)))
    assert_pixel(dataset, pixel)
    attrs = dataset.attrs
    assert (attrs["beam_energy"], attrs["detector"], attrs["data_bar_start"]) == (15000.0, "BSD", 48)
    assert attrs["dwell_time"] == pytest.approx(8e-7, rel=1e-12)


def test_xml_without_unit_is_no_calibration(loaded):
    """0.02 of what? The number is kept in the attributes, no length comes out."""
    dataset = loaded((34683, _TEXT, PHENOM.replace(' unit="{unit}"', "").format(size=0.02)))
    assert dataset.attrs["calibrated"] == 0
    assert list(dataset.attrs["original_scale"]) == [0.02, 0.02]


def test_thermo_fisher_metadata(loaded):
    """Newer instruments write BinaryResult/PixelSize with a unit each for x and y."""
    xml = (
        '<Metadata xmlns:nil="http://x"><Instrument><InstrumentClass>Helios NanoLab</InstrumentClass></Instrument>'
        '<BinaryResult><PixelSize><X unit="m">1.5e-9</X><Y unit="m">1.5e-9</Y></PixelSize></BinaryResult>'
        "<Optics><AccelerationVoltage>2000</AccelerationVoltage></Optics></Metadata>"
    )
    dataset = loaded((34683, _TEXT, xml))
    assert_pixel(dataset, 1.5)
    assert (dataset.attrs["beam_energy"], dataset.attrs["instrument"]) == (2000.0, "Helios NanoLab")


IMAGE_TAGS = """<ImageTags><ScalingX><Value>5e-10</Value><Units>m</Units></ScalingX>
<ScalingY><Value>5e-10</Value><Units>m</Units></ScalingY><Fov><Value>{fov}</Value><Units>um</Units></Fov>
<ImageWidth><Value>{width}</Value></ImageWidth><ImageHeight><Value>48</Value></ImageHeight>
<System.Model><Value>ORION NanoFab</Value></System.Model></ImageTags>"""


def test_zeiss_image_tags(loaded):
    """The helium microscope: pixel in m, checked by the field, with a data bar below the scanned rows."""
    dataset = loaded((65000, _TEXT, IMAGE_TAGS.format(fov=0.04, width=80)))
    assert_pixel(dataset, 0.5)
    assert (dataset.attrs["data_bar_start"], dataset.attrs["instrument"]) == (48, "ORION NanoFab")
    assert "calibration-conflict" not in codes(dataset)
    assert "Fov" in message(loaded((65000, _TEXT, IMAGE_TAGS.format(fov=0.05, width=80))), "calibration-conflict")
    resized = loaded((65000, _TEXT, IMAGE_TAGS.format(fov=0.04, width=160)))
    assert resized.attrs["calibrated"] == 0


FIBICS = """<Fibics version="1.0"><Application><Version>5</Version></Application><Image>{size}
<Machine>Crossbeam</Machine><Detector>InLens</Detector></Image>
<Scan><Dwell units="ns">400</Dwell><FOV_X units="um">0.4</FOV_X>
<FOV_Y units="um">0.3</FOV_Y><Ux>{step}</Ux><Uy>0</Uy><Vx>0</Vx><Vy>-{step}</Vy></Scan>
<BeamInfo><item name="AccV">1500</item></BeamInfo></Fibics>"""


def test_fibics_atlas(loaded):
    """The field of view counts only with a witness that it is this image's: its size, or the step along a row."""
    size = "<Width>80</Width><Height>60</Height>"
    dataset = loaded((51023, _TEXT, FIBICS.format(size=size, step=0.005)))
    assert_pixel(dataset, 5.0)
    attrs = dataset.attrs
    assert (attrs["beam_energy"], attrs["detector"]) == (1500.0, "InLens")
    assert attrs["dwell_time"] == pytest.approx(4e-7, rel=1e-12)
    assert_pixel(loaded((51023, _TEXT, FIBICS.format(size="", step=0.005))), 5.0)
    assert loaded((51023, _TEXT, FIBICS.format(size="", step=0.0025))).attrs["calibrated"] == 0
    assert "calibration-conflict" in codes(loaded((51023, _TEXT, FIBICS.format(size=size, step=0.0025))))


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pe="http://pe/">
<xmp:CreatorTool>point electronic DISS 5.15.31.0</xmp:CreatorTool>{pixel}
<pe:HV rdf:parseType="Resource"><pe:value>10</pe:value><pe:Unit>kV</pe:Unit></pe:HV></rdf:Description></rdf:RDF>
</x:xmpmeta>"""


def test_point_electronic(loaded):
    """DISS writes XMP; only a number with its unit is a length."""
    size = '<pe:PixelSize{0} rdf:parseType="Resource"><pe:value>12.5</pe:value><pe:Unit>nm</pe:Unit></pe:PixelSize{0}>'
    dataset = loaded((700, _BYTE, XMP.format(pixel=size.format("X") + size.format("Y")).encode()))
    assert_pixel(dataset, 12.5)
    assert (dataset.attrs["beam_energy"], dataset.attrs["instrument"]) == (10000.0, "point electronic DISS 5.15.31.0")
    bare = "<pe:PixelSizeX>1.25e-8</pe:PixelSizeX><pe:PixelSizeY>1.25e-8</pe:PixelSizeY>"
    dataset = loaded((700, _BYTE, XMP.format(pixel=bare).encode()))
    assert dataset.attrs["calibrated"] == 0
    assert list(dataset.attrs["original_scale"]) == [1.25e-8, 1.25e-8]


def test_micro_manager(loaded):
    """PixelSizeUm is 0 until somebody has calibrated the objective."""
    for size in (0.0, 0.25):
        dataset = loaded((51123, _TEXT, f'{{"PixelSizeUm": {size}, "Camera": "Zyla", "Exposure-ms": 20.0}}'))
        assert dataset.attrs["calibrated"] == (size > 0)
        assert (dataset.attrs["detector"], dataset.attrs["exposure_time"]) == ("Zyla", 0.02)
    assert_pixel(dataset, 250.0)


def test_every_ome_image_has_its_own_scale():
    """An overview and a detail in one file differ tenfold; the scale of the first must not serve for both."""
    image = (
        '<Image ID="Image:{n}"><Pixels ID="Pixels:{n}" DimensionOrder="XYZCT" Type="uint16" SizeX="80" SizeY="{rows}" '
        'SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX="{size}" PhysicalSizeY="{size}"{unit}>'
        '<TiffData IFD="{n}" PlaneCount="1"/></Pixels></Image>'
    )
    parts = [
        image.format(n=0, rows=60, size=1.0, unit=""),
        image.format(n=1, rows=40, size=100, unit=' PhysicalSizeXUnit="nm" PhysicalSizeYUnit="nm"'),
    ]
    xml = f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{"".join(parts)}</OME>'
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(PIXELS, metadata=None, description=xml)
        writer.write(PIXELS[:40], metadata=None, description=xml)
    first, second = measurements(Source(Path("made.tif"), data=buffer.getvalue()))
    assert_pixel(first.dataset, 1000.0)
    assert_pixel(second.dataset, 100.0)
    assert "several-ome-images" not in codes(second.dataset)


def fei(**scan):
    values = {"PixelWidth": "2e-9", "PixelHeight": "2e-9"} | scan
    text = (
        "[User]\r\nUser=x\r\n[Beam]\r\nHV=5000\r\nBeam=EBeam\r\nScan=EScan\r\n[EBeam]\r\nHFW=1.6e-7\r\nVFW=9.6e-8\r\n"
    )
    text += "[Scan]\r\n" + "".join(f"{key}={value}\r\n" for key, value in values.items() if value)
    return text + "[Image]\r\nResolutionX=80\r\nResolutionY=48\r\n[PrivateFei]\r\nDatabarHeight=12\r\n"


def test_fei_statements_are_held_against_each_other(loaded):
    """PixelWidth and the field of view say the same in a sound file; one of them edited must not pass unseen."""
    dataset = loaded((34682, _TEXT, fei()))
    assert_pixel(dataset, 2.0)
    assert dataset.attrs["data_bar_start"] == 48
    assert "calibration-conflict" not in codes(dataset)
    assert "HFW" in message(loaded((34682, _TEXT, fei(PixelWidth="3e-9", PixelHeight="3e-9"))), "calibration-conflict")
    field = loaded((34682, _TEXT, fei(PixelWidth="", PixelHeight="")))
    assert_pixel(field, 2.0)
    resized = loaded((34682, _TEXT, fei()), pixels=PIXELS[:30, :40])
    assert resized.attrs["calibrated"] == 0
    assert "settings-of-another-size" in codes(resized)
    bar = loaded((34682, _TEXT, fei().replace("ResolutionY=48\r\n", "")))
    assert bar.attrs["data_bar_start"] == 48


def test_insane_sizes_are_refused_whoever_says_them(loaded):
    """A pixel of a metre or of an atom's nucleus is a damaged number, not a calibration."""
    for size in ("1", "1e-15", "inf", "nan", "-2e-9", "0"):
        assert (
            loaded((34682, _TEXT, fei(PixelWidth=size, PixelHeight=size).replace("HFW=", "X="))).attrs["calibrated"]
            == 0
        )


def test_real_files_contradict_themselves_nowhere(corpus):
    """The checks between two statements must stay silent on sound files of FEI and Zeiss."""
    for name in ("tiff_FEI_Helios.zip", "tiff_Zeiss_SEM.zip"):
        for found in measurements(Source(corpus / FOLDER / name)):
            assert not {"calibration-conflict", "settings-of-another-size"} & codes(found.dataset)
    helios = read(corpus / FOLDER / "tiff_FEI_Helios.zip", group="FEI-Helios-Ebeam-16bits/image_0")
    assert helios.attrs["data_bar_start"] == 442
