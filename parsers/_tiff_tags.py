"""Small readers of what vendors write into and beside images: tags, numbers, texts, sections, XML."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ._image import Axis, Vendor, steps
from .findings import Finding

DISAGREE = 0.01
"""Relative difference of two statements about a pixel from which on they contradict each other."""


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


def positive(value: Any) -> float | None:
    result = real(value)
    return result if result is not None and result > 0 else None


def plane(x: float | None, y: float | None, unit: str) -> dict[str, Axis]:
    if x is None or y is None:
        return {}
    return {"x": Axis(x, 0.0, unit), "y": Axis(y, 0.0, unit)}


def section(group: Any, *path: str) -> Any:
    for key in path:
        group = group.get(key) if isinstance(group, Mapping) else None
    return group


def instant(text: Any, *layouts: str) -> str | None:
    for layout in layouts:
        try:
            return datetime.strptime(str(text).strip(), layout).isoformat()
        except ValueError:
            continue
    return None


def text_or_none(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None


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


def of_element(root: Any, path: str) -> tuple[float | None, str]:
    """Return the number and the unit of an XML element, which bears it as ``unit=``, ``units=`` or ``<Units>``."""
    element = None if root is None else root.find(path)
    if element is None:
        return None, ""
    inner = element.find("Value")
    unit = element.get("unit") or element.get("units") or element.findtext("Units") or ""
    return real(element.text if inner is None else inner.text), unit.strip()


def mark_data_bar(vendor: Vendor, start: float | None, height: int) -> None:
    """Note that rows from `start` on hold the vendor's data bar, when there are such rows."""
    if start is None or start != int(start) or not 0 < start < height:
        return
    vendor.attrs["data_bar_start"] = int(start)
    message = f"Rows {int(start)} to {height - 1} hold the vendor's data bar, not the sample."
    vendor.findings.append(Finding("data-bar", "info", message))


def note_conflict(vendor: Vendor, used: Axis, by: str, other: Axis, other_by: str) -> None:
    """Add a finding when two statements about the width of a pixel differ by more than `DISAGREE`."""
    first, second = steps(used), steps(other)
    if first.unit == second.unit != "pixel" and abs(first.step / second.step - 1) > DISAGREE:
        sizes = f"{first.step:.5g} {first.unit} by {by} and {second.step:.5g} {second.unit} by {other_by}"
        message = f"The pixel is {sizes}; the first is used."
        vendor.findings.append(Finding("calibration-conflict", "warning", message))


def text_of(value: Any) -> str:
    """Return the text of a tag that may be stored as bytes, numbers or characters, "" for none."""
    if isinstance(value, str):
        return value
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else ""


def is_stated_width(vendor: Vendor, stated: float | None, width: int) -> bool:
    """Whether an image is as wide as its settings say, if they do; a resized one has other pixels."""
    if stated is None or stated == width:
        return True
    message = f"The settings are of an image {stated:g} pixels wide and this one has {width}; their scale is not used."
    vendor.findings.append(Finding("settings-of-another-size", "warning", message))
    return False
