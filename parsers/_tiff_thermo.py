"""TIFF files of FEI and Thermo Fisher microscopes: dual-beam, scanning and desktop ones.

- Sections of keys in tags 34680 and 34682: ``[Scan] PixelWidth`` in m, or that of the section of the beam's scan;
  else the field width of the beam that imaged. ``[Image] ResolutionY`` or ``[PrivateFei] DatabarHeight`` tells where
  the data bar begins.
- XML in tag 34683: ``<FeiImage>`` of the Phenom with ``pixelWidth`` and ``databarHeight``, ``<Metadata>`` of newer
  instruments with ``BinaryResult/PixelSize``. Each number bears its unit. Not yet checked on real files.

Source: tifffile's documentation of the tags; the layout of the XML as pynxtools-em (image_tiff_fei_legacy) and
published readers of Phenom images describe it; the files of RosettaSciIO for the sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._image import Axis, Vendor
from ._tiff_tags import (
    instant,
    is_stated_width,
    mark_data_bar,
    note_conflict,
    of_element,
    parse_xml,
    plane,
    positive,
    section,
    tag,
    text_of,
    text_or_none,
)


def fei(page: Any) -> Vendor | None:
    """FEI and Thermo Fisher scanning and dual-beam microscopes."""
    data = tag(page, 34682) or tag(page, 34680)
    if not isinstance(data, Mapping):
        return None
    vendor = Vendor("FEI", metadata=dict(data))
    scan = str(section(data, "Beam", "Scan") or "")
    columns, rows = (positive(section(data, "Image", f"Resolution{axis}")) for axis in "XY")
    if not is_stated_width(vendor, columns, page.imagewidth):
        return vendor
    field = _field_of_view(data, columns, rows)
    by_field = f"FEI [{section(data, 'Beam', 'Beam')}] HFW / [Image] ResolutionX"
    for name in ("Scan", scan):
        x, y = (positive(section(data, name, key)) for key in ("PixelWidth", "PixelHeight"))
        if x is not None:
            vendor.axes, vendor.source = plane(x, x if y is None else y, "m"), f"FEI [{name}] PixelWidth"
            if field:
                note_conflict(vendor, vendor.axes["x"], vendor.source, field["x"], by_field)
            break
    else:
        vendor.axes, vendor.source = field, by_field
    vendor.attrs = {
        "instrument": text_or_none(section(data, "System", "SystemType")),
        "detector": text_or_none(section(data, "Detectors", "Name")),
        "beam_energy": positive(section(data, "Beam", "HV")),
        "dwell_time": positive(section(data, "Scan", "Dwelltime")) or positive(section(data, scan, "Dwell")),
        "start_time": instant(section(data, "PrivateFei", "TimeOfCreation"), "%d.%m.%Y %H:%M:%S"),
    }
    bar = positive(section(data, "PrivateFei", "DatabarHeight"))
    mark_data_bar(vendor, rows if rows is not None or bar is None else page.imagelength - bar, page.imagelength)
    return vendor


def _field_of_view(data: Mapping[str, Any], columns: float | None, rows: float | None) -> dict[str, Axis]:
    """Return the pixel by the field of the beam that imaged."""
    beam = str(section(data, "Beam", "Beam") or "")
    width, height = (positive(section(data, beam, key)) for key in ("HFW", "VFW"))
    if not (columns and rows and width and height):
        return {}
    return plane(width / columns, height / rows, "m")


def thermo_xml(page: Any) -> Vendor | None:
    """XML of Phenom desktop microscopes and of newer Thermo Fisher instruments."""
    root = parse_xml(text_of(tag(page, 34683)))
    reader = _ROOTS.get("" if root is None else root.tag)
    return None if reader is None else reader(root, page)


def _phenom(root: Any, page: Any) -> Vendor:
    vendor = Vendor("Phenom", _sizes(root, "pixelWidth", "pixelHeight"), "Phenom pixelWidth")
    energy, energy_unit = of_element(root, "acquisition/scan/highVoltage")
    dwell, dwell_unit = of_element(root, "acquisition/scan/dwellTime")
    vendor.attrs = {
        "instrument": text_or_none(root.findtext("instrument/edition")),
        "detector": text_or_none(root.findtext("acquisition/scan/detector")),
        "beam_energy": abs(energy) * _VOLTS[energy_unit] if energy and energy_unit in _VOLTS else None,
        "dwell_time": dwell * _SECONDS[dwell_unit] if dwell and dwell_unit in _SECONDS else None,
    }
    vendor.metadata = _leaves(root)
    bar = positive(root.findtext("databarHeight"))
    mark_data_bar(vendor, None if bar is None else page.imagelength - bar, page.imagelength)
    return vendor


def _metadata(root: Any, page: Any) -> Vendor:
    vendor = Vendor("Thermo Fisher", _sizes(root, "BinaryResult/PixelSize/X", "BinaryResult/PixelSize/Y"))
    vendor.source = "Thermo Fisher BinaryResult PixelSize"
    vendor.attrs = {
        "instrument": text_or_none(root.findtext("Instrument/InstrumentClass")),
        "detector": text_or_none(root.findtext("Detectors/ScanningDetector/DetectorName")),
        "beam_energy": positive(root.findtext("Optics/AccelerationVoltage")),
        "dwell_time": positive(root.findtext("ScanSettings/DwellTime")),
    }
    vendor.metadata = _leaves(root)
    return vendor


_ROOTS = {"FeiImage": _phenom, "Metadata": _metadata}
_VOLTS = {"V": 1.0, "kV": 1e3}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def _sizes(root: Any, across: str, down: str) -> dict[str, Axis]:
    """Return the axes of two XML elements with units; the second may be missing when pixels are square."""
    x, unit = of_element(root, across)
    y, other = of_element(root, down)
    if y is None:
        y, other = x, unit
    if x is None or y is None:
        return {}
    return {"x": Axis(x, 0.0, unit), "y": Axis(y, 0.0, other)}


def _leaves(root: Any) -> dict[str, Any]:
    """Return the texts of an XML tree under the paths of their elements."""
    found: dict[str, Any] = {}
    stack = [(element, element.tag) for element in root]
    while stack:
        element, path = stack.pop()
        if len(element):
            stack += [(child, f"{path}/{child.tag}") for child in element]
        elif (element.text or "").strip():
            found[path] = " ".join(filter(None, (element.text.strip(), element.get("unit"))))
    return found
