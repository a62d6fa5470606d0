"""TIFF files of programs that are no microscope: ImageJ, OME, Micro-Manager, and the plain tags of all others.

- ImageJ: ``unit=`` in the description, pixels per unit in tags 282 and 283, ``spacing=`` between slices.
- OME: ``PhysicalSizeX`` and its unit (um when left out) in the XML of the description, of the image to which the page
  belongs by ``TiffData``.
- Micro-Manager, tag 51123: JSON with ``PixelSizeUm``, which is 0 as long as nobody has calibrated the objective.
- Plain resolution tags count only when finer than `FINEST_PRINT`; 72, 96 or 300 dots per inch tell of paper.

Source: https://docs.openmicroscopy.org/ome-model; https://micro-manager.org/Micro-Manager_File_Formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._image import Axis, Vendor
from ._tiff_tags import parse_xml, plane, positive, real, tag, text_or_none
from .findings import Finding

FINEST_PRINT = 5000.0
"""Dots per inch up to which a resolution tag is taken for a print setting, not for a calibration (5 um per pixel)."""

_RESOLUTION_UNITS = {2: ("inch", 1.0), 3: ("cm", 2.54)}


def ome(page: Any) -> Vendor | None:
    """OME-TIFF."""
    text = str(page.description or "")
    if "<OME" not in text[:4000]:
        return None
    vendor = Vendor("OME", source="OME PhysicalSizeX")
    root = parse_xml(text)
    images = [] if root is None else [image for image in root.findall("Image") if image.find("Pixels") is not None]
    if root is None or not images:
        message = "The description is no readable OME-XML, so the calibration is lost."
        vendor.findings.append(Finding("metadata-not-read", "warning", message))
        return vendor
    own = [image for image in images if _holds_page(image.find("Pixels"), page.index)]
    pixels = (own or images)[0].find("Pixels")
    axes = {}
    for name, key in (("x", "PhysicalSizeX"), ("y", "PhysicalSizeY"), ("frame", "PhysicalSizeZ")):
        size = positive(pixels.get(key))
        if size is not None:
            axes[name] = Axis(size, 0.0, pixels.get(f"{key}Unit") or "µm")
    if len(images) > 1 and not own:
        message = f"The calibration of the first of {len(images)} OME images is used for all pages."
        vendor.findings.append(Finding("several-ome-images", "warning", message))
    if int(positive(pixels.get("SizeZ")) or 1) == 1:
        axes.pop("frame", None)
    vendor.axes, vendor.metadata = axes, {"Pixels": dict(pixels.attrib)}
    instrument = root.find("Instrument/Microscope")
    if instrument is not None:
        vendor.attrs["instrument"] = text_or_none(instrument.get("Model"))
    return vendor


def _holds_page(pixels: Any, index: int) -> bool:
    """Whether a page belongs to an image by one of its ``TiffData``."""
    for block in pixels.findall("TiffData"):
        first, count = real(block.get("IFD")), real(block.get("PlaneCount") or 1)
        if first is not None and count is not None and first <= index < first + count:
            return True
    return False


def imagej(page: Any) -> Vendor | None:
    """ImageJ and Fiji; they write the unit as text and pixels per unit in the resolution tags."""
    text = str(page.description or "")
    if not text.startswith("ImageJ="):
        return None
    settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    unit = settings.get("unit", "").strip()
    across, down = positive(tag(page, 282)), positive(tag(page, 283))
    axes = plane(1 / across, 1 / down, settings.get("xunit", unit)) if unit and across and down else {}
    if "y" in axes and "yunit" in settings:
        axes["y"] = Axis(axes["y"].scale, 0.0, settings["yunit"])
    spacing, interval = positive(settings.get("spacing")), positive(settings.get("finterval"))
    if int(positive(settings.get("slices")) or 1) > 1 and spacing:
        axes["frame"] = Axis(spacing, 0.0, settings.get("zunit", unit))
    elif int(positive(settings.get("frames")) or 1) > 1 and interval:
        axes["frame"] = Axis(interval, 0.0, settings.get("tunit", "s"))
    return Vendor("ImageJ", axes, "ImageJ unit and XResolution", {}, dict(settings))


def resolution_tags(page: Any) -> Vendor:
    """Plain TIFF: tags 282, 283 and 296, unless they only tell of a print."""
    vendor = Vendor("TIFF", source="TIFF tags 282, 283 and 296")
    across, down = positive(tag(page, 282)), positive(tag(page, 283))
    unit, per_inch = _RESOLUTION_UNITS.get(int(real(tag(page, 296)) or 0), ("", 0.0))
    if across is None or down is None or not unit:
        return vendor
    if min(across, down) * per_inch > FINEST_PRINT:
        vendor.axes = plane(1 / across, 1 / down, unit)
    else:
        message = f"The resolution tags give {across:g} dots per {unit}, which is a print setting, not a calibration."
        vendor.findings.append(Finding("print-resolution", "info", message))
    return vendor


def micro_manager(page: Any) -> Vendor | None:
    """Micro-Manager."""
    data = tag(page, 51123)
    if not isinstance(data, Mapping):
        return None
    size = positive(data.get("PixelSizeUm"))
    exposure = positive(data.get("Exposure-ms"))
    attrs = {"detector": text_or_none(data.get("Camera")), "exposure_time": exposure / 1e3 if exposure else None}
    return Vendor("Micro-Manager", plane(size, size, "um"), "Micro-Manager PixelSizeUm", attrs, dict(data))
