"""What Hitachi, JEOL and TESCAN write beside their images as text, and how it becomes axes and settings.

- Hitachi: sections ``[SemImageFile]`` or ``[TemImageFile]`` of ``Key=value`` with ``PixelSize`` in nm, for an image of
  ``DataSize`` columns by rows. Older instruments write no ``PixelSize``; their images stay uncalibrated.
- JEOL: lines ``$CM_KEY value`` and ``$$SM_KEY value``. ``CM_FIELD_OF_VIEW`` over ``CM_IMAGE_SIZE``, or the drawn bar
  of ``SM_MICRON_BAR`` whole pixels that stands for ``SM_MICRON_MARKER``, such as ``10um``, in an image of
  ``CM_FULL_SIZE``. Rows beyond that size are the data bar.
- TESCAN: sections ``[MAIN]`` and ``[SEM]`` or ``[FIB]`` of ``Key=value`` in units of the SI. ``PixelSizeX`` and
  ``PixelSizeY`` in m; the last ``ImageStripSize`` rows are the data bar.

A date is taken only when it begins with the year: day and month follow the language of the instrument's PC.

Source: Bio-Formats' reader of Hitachi S-4800 and pynxtools-em (image_tiff_hitachi, image_tiff_jeol) for the layouts of
Hitachi and JEOL; Gwyddion's and NexusLIMS' readers (tescan_tif) for TESCAN. Not yet checked on real files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ._image import Axis, Vendor
from ._tiff_tags import instant, is_stated_width, mark_data_bar, note_conflict, plane, positive, text_or_none
from .findings import Finding

Settings = Mapping[str, Mapping[str, str]]
"""Sections of keys and values; the section of keys before the first heading is ""."""

_SECTION = re.compile(r"\s*\[(\w+)\]\s*$")
_KEY = re.compile(r"\s*(\w[\w .]*?)\s*=\s*(.*?)\s*$")
_JEOL_KEY = re.compile(r"\s*\$+(\w+)[ \t]+(.*?)\s*$")
_AMOUNT = re.compile(r"\s*([-+]?\d[\d.]*(?:[eE][-+]?\d+)?)\s*([A-Za-zµμ]*)\s*")
_SIZE = re.compile(r"\s*(\d+)\s*[xX* ]\s*(\d+)\s*$")
_VOLTS = {"V": 1.0, "Volt": 1.0, "kV": 1e3}


def sections(lines: Sequence[str]) -> Settings:
    """Return the sections of a text of headings in brackets and lines ``Key=value``.

    Examples
    --------
    >>> sections(["[MAIN]", "PixelSizeX=1e-9"])
    {'': {}, 'MAIN': {'PixelSizeX': '1e-9'}}
    """
    found: dict[str, dict[str, str]] = {"": {}}
    current = found[""]
    for line in lines:
        if heading := _SECTION.match(line):
            current = found.setdefault(heading[1], {})
        elif entry := _KEY.match(line):
            current.setdefault(entry[1], entry[2])
    return found


def hitachi(lines: Sequence[str], height: int, width: int) -> Vendor | None:
    """Return what a Hitachi text says about an image of this size, or None when it is none."""
    found = sections(lines)
    values = found.get("SemImageFile") or found.get("TemImageFile")
    if not values:
        return None
    vendor = Vendor("Hitachi", source="Hitachi PixelSize", metadata=dict(values))
    size = _SIZE.match(values.get("DataSize", ""))
    pixel = positive(values.get("PixelSize"))
    if is_stated_width(vendor, float(size[1]) if size else None, width):
        vendor.axes = plane(pixel, pixel, "nm")
        mark_data_bar(vendor, float(size[2]) if size else None, height)
    energy, unit = _amount(values.get("AcceleratingVoltage", ""))
    vendor.attrs = vendor.attrs | {
        "instrument": text_or_none(values.get("InstructName")),
        "detector": text_or_none(values.get("SignalName")),
        "beam_energy": energy * _VOLTS[unit] if energy and unit in _VOLTS else None,
        "magnification": positive(values.get("Magnification")),
        "start_time": _begun(values.get("Date"), values.get("Time")),
    }
    return vendor


def jeol(lines: Sequence[str], height: int, width: int) -> Vendor | None:
    """Return what a JEOL text says about an image of this size, or None when it is none."""
    values = {entry[1]: entry[2] for line in lines if (entry := _JEOL_KEY.match(line))}
    if not any(key.startswith(("CM_", "SM_")) for key in values):
        return None
    vendor = Vendor("JEOL", metadata=dict(values))
    size = _SIZE.match(values.get("CM_FULL_SIZE", "")) or _SIZE.match(values.get("CM_IMAGE_SIZE", ""))
    if is_stated_width(vendor, float(size[1]) if size else None, width):
        _calibrate_jeol(vendor, values, (int(size[2]), int(size[1])) if size else None)
        mark_data_bar(vendor, float(size[2]) if size else None, height)
    energy = positive(values.get("CM_ACCEL_VOLT"))
    vendor.attrs = vendor.attrs | {
        "instrument": text_or_none(values.get("CM_INSTRUMENT")),
        "detector": text_or_none(values.get("FE_DETECTOR_NAME") or values.get("CM_SIGNAL")),
        "beam_energy": energy * 1e3 if energy else None,
        "magnification": positive(values.get("CM_MAG")),
        "title": text_or_none(values.get("CM_TITLE")),
        "start_time": _begun(values.get("CM_DATE"), values.get("CM_TIME")),
    }
    return vendor


def _calibrate_jeol(vendor: Vendor, values: Mapping[str, str], size: tuple[int, int] | None) -> None:
    """Take the field of view, which has more digits, before the bar of whole pixels."""
    across, *rest = _AMOUNT.findall(values.get("CM_FIELD_OF_VIEW", "")) or [("", "")]
    bar, (length, unit) = positive(values.get("SM_MICRON_BAR")), _amount(values.get("SM_MICRON_MARKER", ""))
    drawn = plane(length / bar, length / bar, unit) if bar and length else {}
    if size and (field := positive(across[0])) and rest and (down := positive(rest[0][0])):
        vendor.axes = {"x": Axis(field / size[1], 0.0, across[1]), "y": Axis(down / size[0], 0.0, rest[0][1])}
        vendor.source = "JEOL CM_FIELD_OF_VIEW / image size"
        if drawn:
            note_conflict(vendor, vendor.axes["x"], "CM_FIELD_OF_VIEW", drawn["x"], "SM_MICRON_BAR")
    elif bar and drawn:
        vendor.axes, vendor.source = drawn, "JEOL SM_MICRON_MARKER / SM_MICRON_BAR"
        message = f"The pixel size is that of a bar of {bar:g} whole pixels, good to {50 / bar:.2g} %."
        vendor.findings.append(Finding("rounded-calibration", "info", message))


def tescan(found: Settings, height: int, width: int) -> Vendor | None:
    """Return what TESCAN's settings say about an image of this size, or None when they are none."""
    values = {key: value for section in reversed(list(found.values())) for key, value in section.items()}
    values |= found.get("MAIN", {})
    if "PixelSizeX" not in values:
        return None
    vendor = Vendor("TESCAN", source="TESCAN PixelSizeX", metadata={name: dict(part) for name, part in found.items()})
    # The stage may run against the image, which makes no other pixel.
    x, y = (_unsigned(values.get(key)) for key in ("PixelSizeX", "PixelSizeY"))
    vendor.axes = plane(x, x if y is None else y, "m")
    vendor.attrs = {
        "instrument": text_or_none(values.get("Device")),
        "detector": text_or_none(values.get("Detector")),
        "beam_energy": _unsigned(values.get("HV")) or _unsigned(values.get("AcceleratorVoltage")),
        "magnification": positive(values.get("Magnification")),
        "dwell_time": positive(values.get("DwellTime")),
        "start_time": _begun(values.get("Date"), values.get("Time")),
    }
    strip = positive(values.get("ImageStripSize"))
    mark_data_bar(vendor, height - strip if strip else None, height)
    return vendor


def _amount(text: str) -> tuple[float | None, str]:
    """Return the number and the unit of a text such as ``10um`` or ``15000 Volt``."""
    found = _AMOUNT.fullmatch(text)
    return (positive(found[1]), found[2]) if found else (None, "")


def _unsigned(text: str | None) -> float | None:
    return positive((text or "").lstrip("-"))


def _begun(date: str | None, time: str | None) -> str | None:
    return instant(f"{date} {time}", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y.%m.%d %H:%M:%S")
