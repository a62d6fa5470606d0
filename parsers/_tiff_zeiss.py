"""TIFF files of Zeiss microscopes: SmartSEM, ORION and Atlas.

- SmartSEM, tag 34118: the fourth number of the unnamed block is the pixel in m *of an image 1024 wide*, whatever was
  stored; the named ``AP_PIXEL_SIZE`` has the same flaw and is rounded. ``AP_WIDTH`` checks it. An image higher than
  its ``DP_IMAGE_STORE`` bears a data bar below.
- ORION and newer SmartSEM, tag 65000: XML ``<ImageTags>`` of elements with ``<Value>`` and ``<Units>``. ``ScalingX``
  is the pixel of an image of ``ImageWidth`` by ``ImageHeight``; rows beyond are the data bar. ``Fov`` checks it.
- Fibics Atlas, tag 51023: XML with ``Scan/FOV_X`` and its unit, over ``Image/Width``; ``Ux``, ``Uy`` are the step
  along a row in the same unit.

Source: NexusLIMS (orion_HIM_tif) and published readers for the two XML layouts, which are not yet checked on real
files; the files of RosettaSciIO for SmartSEM.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from ._image import Axis, Vendor
from ._tiff_tags import (
    DISAGREE,
    instant,
    is_stated_width,
    mark_data_bar,
    note_conflict,
    of_element,
    parse_xml,
    plane,
    positive,
    real,
    tag,
    text_of,
    text_or_none,
)

_SMARTSEM_WIDTH = 1024
_METRES = {"m": 1.0, "mm": 1e-3, "µm": 1e-6, "um": 1e-6, "nm": 1e-9, "pm": 1e-12}
_SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


def smartsem(page: Any) -> Vendor | None:
    """Zeiss SmartSEM."""
    data = tag(page, 34118)
    if not isinstance(data, Mapping):
        return None
    vendor = Vendor("Zeiss", metadata={key: value for key, value in data.items() if key})
    numbers, width = data.get("", ()), page.imagewidth
    unnamed = positive(numbers[3]) if isinstance(numbers, tuple) and len(numbers) > 3 else None
    size = unnamed * _SMARTSEM_WIDTH / width if unnamed else None
    vendor.source = f"Zeiss CZ_SEM fourth number * {_SMARTSEM_WIDTH} / width"
    field, unit = _quantity(data.get("ap_width"))
    named = field * _METRES[unit] / width if field and unit in _METRES else None
    if size is None and named is not None:
        size, vendor.source = named, "Zeiss AP_WIDTH / width"
    elif size is not None and named is not None:
        note_conflict(vendor, Axis(size, 0.0, "m"), "the unnamed block", Axis(named, 0.0, "m"), "AP_WIDTH")
    vendor.axes = plane(size, size, "m")
    energy, _ = _quantity(data.get("ap_actualkv"))
    dwell, dwell_unit = _quantity(data.get("dp_dwell_time"))
    date_and_time = " ".join(str(data.get(key, ("", ""))[1]) for key in ("ap_date", "ap_time"))
    vendor.attrs = {
        "instrument": text_or_none(data.get("sv_serial_number", (None, None))[1]),
        "detector": text_or_none(data.get("dp_detector_channel", (None, None))[1]),
        "beam_energy": energy * 1e3 if energy else None,
        "magnification": _magnification(data.get("ap_mag")),
        "dwell_time": dwell * _SECONDS[dwell_unit] if dwell and dwell_unit in _SECONDS else None,
        "start_time": instant(date_and_time, "%d %b %Y %H:%M:%S"),
    }
    stored = re.fullmatch(r"\s*(\d+)\s*\*\s*(\d+)\s*", str(data.get("dp_image_store", ("", ""))[1]))
    if stored and int(stored[1]) == width:
        mark_data_bar(vendor, float(stored[2]), page.imagelength)
    return vendor


def _quantity(entry: Any) -> tuple[float | None, str]:
    """Return value and unit of a SmartSEM entry ``(name, value[, unit])``."""
    if not isinstance(entry, tuple) or len(entry) < 2:
        return None, ""
    return positive(entry[1]), str(entry[2]) if len(entry) > 2 else ""


def _magnification(entry: Any) -> float | None:
    if not isinstance(entry, tuple) or len(entry) < 2:
        return None
    found = re.match(r"\s*([\d.]+)\s*(K?)\s*X?\s*$", str(entry[1]))
    value = positive(found[1]) if found else None
    return value * (1e3 if found and found[2] else 1.0) if value else None


def image_tags(page: Any) -> Vendor | None:
    """XML of the ORION and of newer SmartSEM."""
    root = parse_xml(text_of(tag(page, 65000)))
    if root is None or root.tag != "ImageTags":
        return None
    vendor = Vendor("Zeiss ImageTags", source="Zeiss ImageTags ScalingX")
    vendor.metadata = {
        child.tag: " ".join(filter(None, (child.findtext("Value"), child.findtext("Units")))) for child in root
    }
    across, unit = of_element(root, "ScalingX")
    down, down_unit = of_element(root, "ScalingY")
    columns, rows = (positive(of_element(root, f"Image{name}")[0]) for name in ("Width", "Height"))
    if across is not None and is_stated_width(vendor, columns, page.imagewidth):
        vendor.axes = {
            "x": Axis(across, 0.0, unit),
            "y": Axis(*(down, 0.0, down_unit) if down else (across, 0.0, unit)),
        }
        field, field_unit = of_element(root, "Fov")
        if field and columns:
            note_conflict(vendor, vendor.axes["x"], "ScalingX", Axis(field / columns, 0.0, field_unit), "Fov")
    vendor.attrs = {
        "instrument": text_or_none(root.findtext("System.Model/Value") or root.findtext("System/Model/Value")),
        "detector": text_or_none(root.findtext("DetectorName/Value")),
    }
    mark_data_bar(vendor, rows, page.imagelength)
    return vendor


def fibics(page: Any) -> Vendor | None:
    """Fibics Atlas."""
    root = parse_xml(text_of(tag(page, 51023)))
    if root is None or root.tag != "Fibics":
        return None
    vendor = Vendor("Fibics", source="Fibics FOV_X / Width", metadata=_items(root))
    width, unit = of_element(root, "Scan/FOV_X")
    height, height_unit = of_element(root, "Scan/FOV_Y")
    columns, rows = (positive(root.findtext(f"Image/{name}")) for name in ("Width", "Height"))
    step = math.hypot(*(real(root.findtext(f"Scan/{name}")) or 0.0 for name in ("Ux", "Uy")))
    if width and is_stated_width(vendor, columns, page.imagewidth):
        x = Axis(width / page.imagewidth, 0.0, unit)
        # The field is that of the image when the file says its width, or when the step along a row says the same.
        if columns or (step and abs(x.scale / step - 1) < DISAGREE):
            y = Axis(height / rows, 0.0, height_unit) if height and rows else Axis(x.scale, 0.0, unit)
            vendor.axes = {"x": x, "y": y}
            if step:
                note_conflict(vendor, x, "FOV_X", Axis(step, 0.0, unit), "Ux and Uy")
    dwell, dwell_unit = of_element(root, "Scan/Dwell")
    vendor.attrs = {
        "instrument": text_or_none(root.findtext("Image/Machine")),
        "detector": text_or_none(root.findtext("Image/Detector")),
        "beam_energy": positive(_items(root).get("BeamInfo/AccV")),
        "dwell_time": dwell * _SECONDS[dwell_unit] if dwell and dwell_unit in _SECONDS else None,
    }
    mark_data_bar(vendor, rows, page.imagelength)
    return vendor


def _items(root: Any) -> dict[str, Any]:
    """Return the texts of two levels of XML; an ``<item name="AccV">`` counts under its name."""
    return {
        f"{group.tag}/{child.get('name') or child.tag}": child.text.strip()
        for group in root
        for child in group
        if (child.text or "").strip()
    }
