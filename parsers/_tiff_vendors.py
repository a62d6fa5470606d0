"""Where each vendor keeps the pixel size, the microscope's settings and its quirks inside a TIFF file.

Each function of `VENDORS` looks at one page and returns a `Vendor`, or None when the page is not its own. The private
tag is trusted; resolution tags beside it describe a print.

- FEI / Thermo Fisher, tags 34680 and 34682: ``[Scan] PixelWidth`` in m; else the field width of the beam that imaged.
- Zeiss SmartSEM, tag 34118: the fourth number of the unnamed block is the pixel in m *of an image 1024 wide*, whatever
  was stored; the named ``AP_PIXEL_SIZE`` has the same flaw and is rounded. ``AP_WIDTH`` checks it.
- ImageJ: ``unit=`` in the description, pixels per unit in tags 282 and 283, ``spacing=`` between slices.
- OME: ``PhysicalSizeX`` and its unit (um when left out) in the XML of the description.
- DigitalMicrograph: tags 65003 (unit), 65006 (start) and 65009 (scale), then the same for y; 65027 holds a tag tree.
- Olympus SIS, tags 33560 and 33471; TVIPS, tag 37706, in nm.
- JEOL SightX: XML in the description. Pixels per metre on the camera times the magnification; tag 282 holds the
  same number rounded to whole dots per inch, which is 0.5 % off in the file of the corpus, whose own drawn lines and
  their lengths in nm decide for the XML.
- Plain resolution tags count only when finer than `FINEST_PRINT`; 72, 96 or 300 dots per inch tell of paper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ._binary import Cursor
from ._dm_tags import Tree, attributes, plain
from ._image import Axis, Vendor
from .errors import ParseError
from .findings import Finding

FINEST_PRINT = 5000.0
"""Dots per inch up to which a resolution tag is taken for a print setting, not for a calibration (5 um per pixel)."""

_RESOLUTION_UNITS = {2: ("inch", 1.0), 3: ("cm", 2.54)}
_ZEISS_WIDTH = 1024
_DISAGREE = 0.01


def tag(page: Any, code: int) -> Any:
    """Return the value of a tag, or None."""
    entry = page.tags.get(code)
    return None if entry is None else entry.value


def real(value: Any) -> float | None:
    """Return a finite number from a number, a rational or a text, or None."""
    if isinstance(value, tuple) and len(value) == 2:
        numerator, denominator = real(value[0]), real(value[1])
        return numerator / denominator if numerator is not None and denominator else None
    try:
        result = float(value)
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None


def _positive(value: Any) -> float | None:
    result = real(value)
    return result if result is not None and result > 0 else None


def _plane(x: float | None, y: float | None, unit: str) -> dict[str, Axis]:
    if x is None or y is None:
        return {}
    return {"x": Axis(x, 0.0, unit), "y": Axis(y, 0.0, unit)}


def _section(group: Any, *path: str) -> Any:
    for key in path:
        group = group.get(key) if isinstance(group, Mapping) else None
    return group


def _moment(text: Any, *layouts: str) -> str | None:
    for layout in layouts:
        try:
            return datetime.strptime(str(text).strip(), layout).isoformat()
        except ValueError:
            continue
    return None


def fei(page: Any) -> Vendor | None:
    """FEI and Thermo Fisher scanning and dual-beam microscopes."""
    data = tag(page, 34682) or tag(page, 34680)
    if not isinstance(data, Mapping):
        return None
    vendor = Vendor("FEI", metadata=dict(data))
    x, y = _positive(_section(data, "Scan", "PixelWidth")), _positive(_section(data, "Scan", "PixelHeight"))
    vendor.source = "FEI [Scan] PixelWidth"
    beam = str(_section(data, "Beam", "Beam") or "")
    columns, rows = (_positive(_section(data, "Image", f"Resolution{axis}")) for axis in "XY")
    if x is None and columns is not None and columns == page.imagewidth and rows:
        width, height = (_positive(_section(data, beam, key)) for key in ("HFW", "VFW"))
        if width is not None and height is not None:
            x, y = width / columns, height / rows
            vendor.source = f"FEI [{beam}] HFW / [Image] ResolutionX"
    vendor.axes = _plane(x, x if y is None else y, "m")
    scan = str(_section(data, "Beam", "Scan") or "")
    vendor.attrs = {
        "instrument": _text(_section(data, "System", "SystemType")),
        "detector": _text(_section(data, "Detectors", "Name")),
        "beam_energy": _positive(_section(data, "Beam", "HV")),
        "dwell_time": _positive(_section(data, "Scan", "Dwelltime")) or _positive(_section(data, scan, "Dwell")),
        "start_time": _moment(_section(data, "PrivateFei", "TimeOfCreation"), "%d.%m.%Y %H:%M:%S"),
    }
    if rows is not None and rows == int(rows) and 0 < rows < page.imagelength:
        vendor.attrs["data_bar_start"] = int(rows)
        message = f"Rows {int(rows)} to {page.imagelength - 1} hold the vendor's data bar, not the sample."
        vendor.findings.append(Finding("data-bar", "info", message))
    return vendor


def _text(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None


def zeiss(page: Any) -> Vendor | None:
    """Zeiss SmartSEM."""
    data = tag(page, 34118)
    if not isinstance(data, Mapping):
        return None
    vendor = Vendor("Zeiss", metadata={key: value for key, value in data.items() if key})
    numbers = data.get("", ())
    width = page.imagewidth
    unnamed = _positive(numbers[3]) if isinstance(numbers, tuple) and len(numbers) > 3 else None
    size = unnamed * _ZEISS_WIDTH / width if unnamed else None
    vendor.source = f"Zeiss CZ_SEM fourth number * {_ZEISS_WIDTH} / width"
    field, unit = _quantity(data.get("ap_width"))
    named = field * _METRES[unit] / width if field and unit in _METRES else None
    if size is None and named is not None:
        size, vendor.source = named, "Zeiss AP_WIDTH / width"
    elif size is not None and named is not None and abs(size / named - 1) > _DISAGREE:
        message = f"The pixel is {size:.4g} m by the unnamed block and {named:.4g} m by AP_WIDTH; the first is used."
        vendor.findings.append(Finding("calibration-conflict", "warning", message))
    vendor.axes = _plane(size, size, "m")
    energy, _ = _quantity(data.get("ap_actualkv"))
    dwell, dwell_unit = _quantity(data.get("dp_dwell_time"))
    moment = " ".join(str(data.get(key, ("", ""))[1]) for key in ("ap_date", "ap_time"))
    vendor.attrs = {
        "instrument": _text(data.get("sv_serial_number", (None, None))[1]),
        "detector": _text(data.get("dp_detector_channel", (None, None))[1]),
        "beam_energy": energy * 1e3 if energy else None,
        "magnification": _magnification(data.get("ap_mag")),
        "dwell_time": dwell * _SECONDS[dwell_unit] if dwell and dwell_unit in _SECONDS else None,
        "start_time": _moment(moment, "%d %b %Y %H:%M:%S"),
    }
    return vendor


_METRES = {"m": 1.0, "mm": 1e-3, "µm": 1e-6, "um": 1e-6, "nm": 1e-9, "pm": 1e-12}
_SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


def _quantity(entry: Any) -> tuple[float | None, str]:
    """Return value and unit of a Zeiss entry ``(name, value[, unit])``."""
    if not isinstance(entry, tuple) or len(entry) < 2:
        return None, ""
    return _positive(entry[1]), str(entry[2]) if len(entry) > 2 else ""


def _magnification(entry: Any) -> float | None:
    if not isinstance(entry, tuple) or len(entry) < 2:
        return None
    found = re.match(r"\s*([\d.]+)\s*(K?)\s*X?\s*$", str(entry[1]))
    value = _positive(found[1]) if found else None
    return value * (1e3 if found and found[2] else 1.0) if value else None


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
        _plane(_positive(data.get("pixelsizex")), _positive(data.get("pixelsizey")), "m"),
        "Olympus SIS pixelsizex",
        {
            "magnification": _positive(data.get("magnification")),
            "detector": _text(data.get("cameraname")) or _text(tag(page, 272)),
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
        vendor.axes = _plane(_positive(data.get("PixelSizeX")), _positive(data.get("PixelSizeY")), "nm")
    exposure = _positive(data.get("ExposureTime"))
    vendor.attrs = {
        "instrument": _text(data.get("TemType")),
        "detector": _text(data.get("CameraType")),
        "beam_energy": _positive(data.get("TemHighTension")),
        "magnification": _positive(data.get("TemMagnification")),
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
    magnification = _positive(forming["SelectorValue"])
    drawn = root.find("Measurement/MeasurementFormat/DrawImageInformation")
    size = {name: None if drawn is None else drawn.findtext(f"ImageSize/{name}") for name in ("Width", "Height")}
    per_metre = {name: drawn.findtext(f"PixelsPerMeter/{name}") if drawn is not None else None for name in _JEOL_AXES}
    horizontal, vertical = (_positive(per_metre[name]) for name in _JEOL_AXES)
    imaging = forming["ImageFormingMode"].startswith("modeMAG") and forming["SelectorUnitString"] == "X"
    same_size = real(size["Width"]) == page.imagewidth and real(size["Height"]) == page.imagelength
    if imaging and magnification and horizontal and vertical and same_size:
        vendor.axes = _plane(1 / horizontal / magnification, 1 / vertical / magnification, "m")
    vendor.attrs = {
        "instrument": _text(root.findtext("Instruments")),
        "detector": _text(root.findtext("JemBaumerCamera/Modelname")),
        "beam_energy": _positive(root.findtext("ElectronGun/AccelerationVoltage")),
        "magnification": magnification if imaging else None,
        "start_time": _text(root.findtext("DateTime")),
    }
    vendor.metadata = {name: value for name, value in forming.items() if value}
    return vendor


_JEOL_FORMING = ("ImageFormingMode", "SelectorValue", "SelectorString", "SelectorUnitString")
_JEOL_AXES = ("Horizontal", "Vertical")


def parse_xml(text: str) -> Any:
    """Return the root of an XML text without namespaces, or None; document types are refused for their entities."""
    from xml.etree import ElementTree

    text = re.sub(r"\sxmlns(:\w+)?=\"[^\"]*\"", "", text.strip().strip("\0"))
    text = re.sub(r"(</?)\w+:(?=\w)|\s\w+:(?=\w+=)", lambda found: found[1] or " ", text)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return ElementTree.fromstring(re.sub(r"^<\?xml[^>]*\?>", "", text))  # noqa: S314 no entities, see above
    except (ElementTree.ParseError, ValueError):
        return None


def ome(page: Any) -> Vendor | None:
    """OME-TIFF."""
    text = str(page.description or "")
    if "<OME" not in text[:4000]:
        return None
    vendor = Vendor("OME", source="OME PhysicalSizeX")
    root = parse_xml(text)
    pixels = None if root is None else root.find("Image/Pixels")
    if pixels is None:
        message = "The description is no readable OME-XML, so the calibration is lost."
        vendor.findings.append(Finding("metadata-not-read", "warning", message))
        return vendor
    axes = {}
    for name, key in (("x", "PhysicalSizeX"), ("y", "PhysicalSizeY"), ("frame", "PhysicalSizeZ")):
        size = _positive(pixels.get(key))
        if size is not None:
            axes[name] = Axis(size, 0.0, pixels.get(f"{key}Unit") or "µm")
    images = root.findall("Image")
    if len(images) > 1:
        message = f"The calibration of the first of {len(images)} OME images is used for all pages."
        vendor.findings.append(Finding("several-ome-images", "warning", message))
    if int(_positive(pixels.get("SizeZ")) or 1) == 1:
        axes.pop("frame", None)
    vendor.axes, vendor.metadata = axes, {"Pixels": dict(pixels.attrib)}
    instrument = root.find("Instrument/Microscope")
    if instrument is not None:
        vendor.attrs["instrument"] = _text(instrument.get("Model"))
    return vendor


def imagej(page: Any) -> Vendor | None:
    """ImageJ and Fiji; they write the unit as text and pixels per unit in the resolution tags."""
    text = str(page.description or "")
    if not text.startswith("ImageJ="):
        return None
    settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    unit = settings.get("unit", "").strip()
    across, down = _positive(tag(page, 282)), _positive(tag(page, 283))
    axes = _plane(1 / across, 1 / down, settings.get("xunit", unit)) if unit and across and down else {}
    if "y" in axes and "yunit" in settings:
        axes["y"] = Axis(axes["y"].scale, 0.0, settings["yunit"])
    spacing, interval = _positive(settings.get("spacing")), _positive(settings.get("finterval"))
    if int(_positive(settings.get("slices")) or 1) > 1 and spacing:
        axes["frame"] = Axis(spacing, 0.0, settings.get("zunit", unit))
    elif int(_positive(settings.get("frames")) or 1) > 1 and interval:
        axes["frame"] = Axis(interval, 0.0, settings.get("tunit", "s"))
    return Vendor("ImageJ", axes, "ImageJ unit and XResolution", {}, dict(settings))


def resolution_tags(page: Any) -> Vendor:
    """Plain TIFF: tags 282, 283 and 296, unless they only tell of a print."""
    vendor = Vendor("TIFF", source="TIFF tags 282, 283 and 296")
    across, down = _positive(tag(page, 282)), _positive(tag(page, 283))
    unit, per_inch = _RESOLUTION_UNITS.get(int(real(tag(page, 296)) or 0), ("", 0.0))
    if across is None or down is None or not unit:
        return vendor
    if min(across, down) * per_inch > FINEST_PRINT:
        vendor.axes = _plane(1 / across, 1 / down, unit)
    else:
        message = f"The resolution tags give {across:g} dots per {unit}, which is a print setting, not a calibration."
        vendor.findings.append(Finding("print-resolution", "info", message))
    return vendor


# In this order: private tags before texts, since several programs keep the tags of the instrument when they save again,
# except ImageJ, which drops them; its description is the newest statement about the pixels.
VENDORS: tuple[Callable[[Any], Vendor | None], ...] = (
    imagej, ome, digital_micrograph, fei, zeiss, olympus_sis, tvips, jeol_sightx,
)  # fmt: skip


def recognise(page: Any) -> Vendor:
    """Return what the vendor of a page says about it, or its plain resolution tags.

    Parameters
    ----------
    page : tifffile.TiffPage
        First page of the image.

    Returns
    -------
    Vendor
    """
    for look in VENDORS:
        vendor = look(page)
        if vendor is not None:
            return vendor
    vendor = resolution_tags(page)
    vendor.attrs["instrument"] = " ".join(filter(None, (_text(tag(page, 271)), _text(tag(page, 272))))) or None
    return vendor
