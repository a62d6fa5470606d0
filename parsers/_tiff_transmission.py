"""TIFF files of transmission microscopes and their cameras: where the pixel and the settings stand.

- DigitalMicrograph: tags 65003 (unit), 65006 (start) and 65009 (scale), then the same for y; 65027 holds a tag tree.
- Olympus SIS, tags 33560 and 33471; TVIPS, tag 37706, in nm.
- JEOL SightX: XML in the description. Pixels per metre on the camera times the magnification; tag 282 holds the
  same number rounded to whole dots per inch, which is 0.5 % off in the file of the corpus, whose own drawn lines and
  their lengths in nm decide for the XML.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ._binary import Cursor
from ._dm_tags import Tree, attributes, plain
from ._image import Axis, Vendor
from ._tiff_tags import parse_xml, plane, positive, real, tag, text_or_none
from .errors import ParseError
from .findings import Finding


def digital_micrograph(page: Any) -> Vendor | None:
    """TIFF exports of DigitalMicrograph."""
    if tag(page, 65009) is None and tag(page, 65003) is None:
        return None
    axes = {}
    for offset, name in enumerate(("x", "y", "frame")):
        scale, start = real(tag(page, 65009 + offset)), real(tag(page, 65006 + offset))
        if scale is not None:
            axes[name] = Axis(scale, start or 0.0, str(tag(page, 65003 + offset) or ""))
    vendor = Vendor("DigitalMicrograph", axes, "DigitalMicrograph tags 65003 and 65009")
    blob = tag(page, 65027)
    if isinstance(blob, bytes):
        try:
            tree = Tree(Cursor(blob))
        except ParseError as error:
            message = f"The microscope's settings in tag 65027 are not readable: {error}"
            vendor.findings.append(Finding("metadata-not-read", "info", message))
        else:
            vendor.attrs, vendor.metadata = attributes(tree.root), plain(tree.root)
    return vendor


def olympus_sis(page: Any) -> Vendor | None:
    """Olympus / EMSIS iTEM."""
    data = tag(page, 33560) or tag(page, 33471)
    if not isinstance(data, Mapping) or "pixelsizex" not in data:
        return None
    moment = data.get("datetime")
    return Vendor(
        "Olympus SIS",
        plane(positive(data.get("pixelsizex")), positive(data.get("pixelsizey")), "m"),
        "Olympus SIS pixelsizex",
        {
            "magnification": positive(data.get("magnification")),
            "detector": text_or_none(data.get("cameraname")) or text_or_none(tag(page, 272)),
            "start_time": moment.isoformat() if isinstance(moment, datetime) else None,
        },
        dict(data),
    )


def tvips(page: Any) -> Vendor | None:
    """TVIPS EM-Menu."""
    data = tag(page, 37706)
    if not isinstance(data, Mapping) or "PixelSizeX" not in data:
        return None
    vendor = Vendor("TVIPS", source="TVIPS PixelSizeX", metadata=dict(data))
    if data.get("ImageMode") or data.get("TemMode"):
        message = "The microscope was not in its imaging mode, in which the pixel size would be in nm; it is not used."
        vendor.findings.append(Finding("mode-not-imaging", "warning", message))
    else:
        vendor.axes = plane(positive(data.get("PixelSizeX")), positive(data.get("PixelSizeY")), "nm")
    exposure = positive(data.get("ExposureTime"))
    vendor.attrs = {
        "instrument": text_or_none(data.get("TemType")),
        "detector": text_or_none(data.get("CameraType")),
        "beam_energy": positive(data.get("TemHighTension")),
        "magnification": positive(data.get("TemMagnification")),
        "exposure_time": exposure / 1e3 if exposure else None,
    }
    return vendor


def jeol_sightx(page: Any) -> Vendor | None:
    """JEOL SightX."""
    text = str(page.description or "")
    if "<TemReporter" not in text[:2000]:
        return None
    vendor = Vendor("JEOL SightX", source="JEOL PixelsPerMeter and SelectorValue")
    root = parse_xml(text)
    if root is None:
        message = "The description is no readable XML, so the settings of the microscope are lost."
        vendor.findings.append(Finding("metadata-not-read", "warning", message))
        return vendor
    forming = {name: root.findtext(f"ImageFormingSystem/{name}") or "" for name in _JEOL_FORMING}
    magnification = positive(forming["SelectorValue"])
    drawn = root.find("Measurement/MeasurementFormat/DrawImageInformation")
    size = {name: None if drawn is None else drawn.findtext(f"ImageSize/{name}") for name in ("Width", "Height")}
    per_metre = {name: drawn.findtext(f"PixelsPerMeter/{name}") if drawn is not None else None for name in _JEOL_AXES}
    horizontal, vertical = (positive(per_metre[name]) for name in _JEOL_AXES)
    imaging = forming["ImageFormingMode"].startswith("modeMAG") and forming["SelectorUnitString"] == "X"
    same_size = real(size["Width"]) == page.imagewidth and real(size["Height"]) == page.imagelength
    if imaging and magnification and horizontal and vertical and same_size:
        vendor.axes = plane(1 / horizontal / magnification, 1 / vertical / magnification, "m")
    vendor.attrs = {
        "instrument": text_or_none(root.findtext("Instruments")),
        "detector": text_or_none(root.findtext("JemBaumerCamera/Modelname")),
        "beam_energy": positive(root.findtext("ElectronGun/AccelerationVoltage")),
        "magnification": magnification if imaging else None,
        "start_time": text_or_none(root.findtext("DateTime")),
    }
    vendor.metadata = {name: value for name, value in forming.items() if value}
    return vendor


_JEOL_FORMING = ("ImageFormingMode", "SelectorValue", "SelectorString", "SelectorUnitString")
_JEOL_AXES = ("Horizontal", "Vertical")
