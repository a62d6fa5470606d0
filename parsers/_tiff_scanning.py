"""TIFF files of other scanning microscopes that carry their settings inside: TESCAN and point electronic.

- TESCAN, tag 50431: blocks of a length (32 bits, of all that follows it), a kind (16 bits) and data. Kind 1 is a
  thumbnail, 2 the section ``[MAIN]`` and 3 to 5 those of the beams, each as lines ``Key=value``. Other releases store
  the text alone, after some binary bytes.
- point electronic DISS, tag 700: XMP whose ``CreatorTool`` names it, with ``PixelSizeX`` and ``PixelSizeY``. Only a
  value with its ``Unit`` calibrates; the published description of the format gives none.

Source: Gwyddion's and NexusLIMS' readers (tescan, tescan_tif); pynxtools-em (image_tiff_point_electronic). Not yet
checked on real files.
"""

from __future__ import annotations

import re
from typing import Any

from ._binary import Cursor
from ._image import Axis, Vendor
from ._image_settings import Settings, sections, tescan
from ._tiff_tags import parse_xml, real, tag, text_of, text_or_none
from .errors import ParseError

_KINDS = {2: "MAIN", 3: "SEM", 4: "GAMA", 5: "FIB"}
_LAST_KIND = 16
_TEXT_BEGINS = re.compile(rb"\[MAIN\]|(?:AccFrames|AccType|Company|Date|Description|Device)=")


def tescan_tag(page: Any) -> Vendor | None:
    """TESCAN."""
    blob = tag(page, 50431)
    if isinstance(blob, tuple):  # bytes with a sign come as numbers
        blob = bytes(number % 256 for number in blob if isinstance(number, int))
    if not isinstance(blob, bytes):
        return None
    return tescan(_blocks(blob, page.parent.byteorder) or _text(blob), page.imagelength, page.imagewidth)


def _blocks(blob: bytes, byteorder: str) -> Settings | None:
    """Return the sections of a tag made of blocks, or None when it is not."""
    cursor = Cursor(blob, byteorder=byteorder)
    found: dict[str, dict[str, str]] = {}
    try:
        while cursor.remaining:
            size, kind = cursor.u32(), cursor.u16()
            if kind > _LAST_KIND:
                return None
            data = bytes(cursor.take(size - 2))
            if kind in _KINDS:
                found[_KINDS[kind]] = dict(_text(data)[""])
    except ParseError:
        return None
    return found or None


def _text(data: bytes) -> Settings:
    begin = _TEXT_BEGINS.search(data)
    text = data[begin.start() if begin else 0 :].replace(b"\0", b"").decode("utf-8", "replace")
    return sections(text.splitlines())


def point_electronic(page: Any) -> Vendor | None:
    """Point electronic DISS."""
    text = text_of(tag(page, 700))
    if "point electronic" not in text:
        return None
    root = parse_xml(text)
    if root is None:
        return None
    vendor = Vendor("point electronic", source="point electronic PixelSizeX")
    for name, key in (("x", "PixelSizeX"), ("y", "PixelSizeY")):
        size, unit = _property(root, key)
        if size is not None:
            vendor.axes = {**vendor.axes, name: Axis(size, 0.0, unit)}
    energy, unit = _property(root, "HV")
    vendor.attrs = {
        "instrument": text_or_none(next((one.text for one in root.iter("CreatorTool")), None)),
        "magnification": _property(root, "Mag")[0],
        "beam_energy": abs(energy) * _VOLTS[unit] if energy and unit in _VOLTS else None,
    }
    vendor.metadata = {one.tag: one.text.strip() for one in root.iter() if (one.text or "").strip()}
    return vendor


_VOLTS = {"V": 1.0, "kV": 1e3}


def _property(root: Any, name: str) -> tuple[float | None, str]:
    """Return the number and unit of a property, which stands as text, as ``value`` and ``Unit``, or as an attribute."""
    for element in root.iter():
        if element.tag == name:
            value = next((element.findtext(key) for key in ("value", "Value") if element.findtext(key)), element.text)
            return real(value), (element.findtext("Unit") or element.get("Unit") or "").strip()
        if element.get(name):
            return real(element.get(name)), ""
    return None, ""
