"""Images in one contract: pixels and what a file says of its axes become a Dataset with calibrated coordinates.

Files give a scale, an offset and a unit per axis in any spelling, with any sign, or nothing. Here that becomes
coordinates in nm, nm-1 or mrad when the file truly calibrates both axes, and in pixels with a finding when it does
not. No reader decides that on its own.

Attributes of every image: ``calibrated`` (1 or 0), ``original_scale`` and ``original_units`` (as in the file, y then
x), ``calibration_source``; when calibrated also ``pixel_size_x`` and ``pixel_size_y`` in the unit of the coordinates,
and ``pixel_size`` when the two agree within `SQUARE`. Where the file tells: ``instrument``, ``detector``,
``beam_energy`` (eV), ``magnification``, ``dwell_time`` and ``exposure_time`` (s), ``start_time``, ``title``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._assemble import variable
from ._blank_blocks import blank_findings
from ._source import Measurement
from .errors import UnsupportedContent
from .findings import Finding
from .units import conversion

SQUARE = 1e-3
"""Relative difference of the two pixel sizes up to which pixels count as square."""

BOUNDS: Mapping[str, tuple[float, float]] = {"nm": (1e-4, 1e7), "nm-1": (1e-7, 1e4), "mrad": (1e-6, 1e3)}
"""Sizes of a pixel between which a calibration is believed; scanning electron images reach tens of um per pixel."""

COLOURS = ("red", "green", "blue", "alpha")

METADATA_LENGTH = 65_536
"""Characters of vendor metadata kept in ``original_metadata``."""

# Spellings that only mean a length or an angle on the axis of an image: an "A" is an ampere elsewhere.
_SPELLINGS = {
    "A": "angstrom", "Å": "angstrom", "Ang": "angstrom", "Angstrom": "angstrom", "Angstroms": "angstrom",
    "1/A": "angstrom-1", "1/Å": "angstrom-1", "1 / A": "angstrom-1", "1 / Å": "angstrom-1", "A^-1": "angstrom-1",
    "nanometer": "nm", "nanometre": "nm", "nanometers": "nm", "micrometer": "um", "micrometre": "um",
    "micrometers": "um", "micron": "um", "microns": "um", "picometer": "pm", "millimeter": "mm", "centimeter": "cm",
    "meter": "m", "metre": "m", "in": "inch", "\\u00B5m": "um", "\\u00b5m": "um",
    "1/nm": "nm-1", "1 / nm": "nm-1", "1/um": "um-1", "1/µm": "um-1", "1/pm": "pm-1", "1/m": "m-1",
}  # fmt: skip
_ANGLES = {"rad": 1e3, "radian": 1e3, "mrad": 1.0, "urad": 1e-3, "µrad": 1e-3, "deg": 1e3 * math.pi / 180}
_PIXELS = frozenset({"", "pixel", "pixels", "px", "pix", "none", "null"})


@dataclass(frozen=True)
class Axis:
    """The calibration of one axis as a file gives it.

    Parameters
    ----------
    scale : float
        Size of one step, in `unit`.
    start : float
        Position of the first point, in `unit`.
    unit : str
        In the file's spelling; "" when it gives none.
    """

    scale: float = 1.0
    start: float = 0.0
    unit: str = ""


@dataclass(frozen=True)
class Steps:
    """An axis in a unit of the vocabulary; ``"pixel"`` when the file does not calibrate it, with the reason."""

    step: float = 1.0
    start: float = 0.0
    unit: str = "pixel"
    reason: str = ""
    mirrored: bool = False

    def positions(self, size: int) -> NDArray[np.float64]:
        """Return the coordinates of `size` points."""
        return self.start + self.step * np.arange(size, dtype=np.float64)


@dataclass
class Vendor:
    """What a vendor's part of a file says about an image.

    Parameters
    ----------
    name : str
        Of the vendor or program.
    axes : mapping of str to Axis
        Keys ``"y"``, ``"x"`` and perhaps ``"frame"``; axes left out are not calibrated.
    source : str
        Where in the file the calibration stands, for ``calibration_source``.
    attrs : dict
        Attributes of the Dataset; None for what is not known.
    metadata : dict
        The vendor's metadata as they are, for ``original_metadata``.
    findings : list of Finding
        Doubts about the calibration.
    """

    name: str
    axes: Mapping[str, Axis] = field(default_factory=dict)
    source: str = ""
    attrs: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def unit_and_factor(spelling: str) -> tuple[str, float]:
    """Return the unit of an image's axis and the factor to it, ``("pixel", 1)`` for no unit.

    Raises
    ------
    UnsupportedContent
        If the spelling is not known; ``"µ"`` alone is not, since it need not mean a micrometre.

    Examples
    --------
    >>> unit_and_factor("A"), unit_and_factor("1/nm"), unit_and_factor("")
    (('nm', 0.1), ('nm-1', 1.0), ('pixel', 1.0))
    """
    text = spelling.strip().strip("\0")
    if text.casefold() in _PIXELS:
        return "pixel", 1.0
    if text in _ANGLES:
        return "mrad", _ANGLES[text]
    if text in ("µ", "μ", "u"):
        raise UnsupportedContent(f"the unit {spelling!r} is not known", expected="a length, 1/length or an angle")
    return conversion(_SPELLINGS.get(text, text))


def steps(axis: Axis) -> Steps:
    """Return an axis in units of the vocabulary, or in pixels with the reason."""
    try:
        unit, factor = unit_and_factor(axis.unit)
    except UnsupportedContent:
        return Steps(reason=f"its unit {axis.unit!r} is not known")
    if unit == "pixel":
        return Steps(reason="it gives no unit")
    if unit not in BOUNDS:
        return Steps(reason=f"its unit {axis.unit!r} is no length, 1/length or angle")
    step, start = axis.scale * factor, axis.start * factor
    if not (math.isfinite(step) and math.isfinite(start)) or step == 0:
        return Steps(reason=f"its scale is {axis.scale:g} {axis.unit}")
    low, high = BOUNDS[unit]
    if not low < abs(step) < high:
        return Steps(reason=f"{abs(step):g} {unit} per pixel is outside {low:g} to {high:g}")
    if step < 0:
        return Steps(-step, -start, unit, mirrored=True)
    return Steps(step, start, unit)


def coordinate(name: str, axis: Steps, size: int) -> xr.Variable:
    """Return the coordinate variable of an axis."""
    return variable((name,), axis.positions(size), {"units": axis.unit})


def direction_findings(name: str, axis: Steps) -> list[Finding]:
    """Return what there is to say about an axis with a negative scale."""
    if not axis.mirrored:
        return []
    message = f"The file's scale of {name} is negative: the axis counts against the file's own direction."
    return [Finding("negative-scale", "info", message)]


def assemble(
    group: str, pixels: NDArray[Any], dims: Sequence[str], vendor: Vendor, *, channels: Sequence[str] = ()
) -> Measurement:
    """Return an image as a Measurement with coordinates and the attributes of the contract.

    Parameters
    ----------
    group : str
        Path in the tree.
    pixels : ndarray
        Raw values, never rescaled.
    dims : sequence of str
        Names of its dimensions out of ``frame``, ``y``, ``x``, ``channel``, in the order of the schema.
    vendor : Vendor
        Calibration, attributes and metadata.
    channels : sequence of str
        Names along ``channel``.

    Returns
    -------
    Measurement

    Examples
    --------
    >>> square = {"y": Axis(0.2, 0.0, "nm"), "x": Axis(0.2, 0.0, "nm")}
    >>> assemble("image_0", np.zeros((2, 3)), ("y", "x"), Vendor("me", square)).dataset.attrs["pixel_size"]
    0.2
    """
    sizes = dict(zip(dims, pixels.shape, strict=True))
    given = {name: vendor.axes.get(name, Axis()) for name in ("y", "x")}
    y, x, findings = _plane(given["y"], given["x"])
    values: dict[str, Any] = {
        "y": coordinate("y", y, sizes["y"]),
        "x": coordinate("x", x, sizes["x"]),
        "intensity": variable(tuple(dims), pixels, {"units": "1"}),
    }
    if "frame" in sizes:
        values["frame"] = _frames(vendor.axes.get("frame"), sizes["frame"])
    if "channel" in sizes:
        values["channel"] = xr.Variable(("channel",), list(channels or map(str, range(sizes["channel"]))))
    attrs = _calibration_attrs(y, x, findings) | {
        "original_scale": [float(given["y"].scale), float(given["x"].scale)],
        "original_units": [given["y"].unit, given["x"].unit],
        "calibration_source": vendor.source if y.unit != "pixel" else "none",
        **vendor.attrs,
    }
    if vendor.metadata:
        attrs["original_metadata"] = metadata_json(vendor.metadata)
    said = [*findings, *blank_findings(pixels), *vendor.findings]
    return Measurement(group, schema.build("image", values, **attrs), said)


def _plane(y_given: Axis, x_given: Axis) -> tuple[Steps, Steps, list[Finding]]:
    y, x = steps(y_given), steps(x_given)
    if y.unit == x.unit != "pixel":
        return y, x, [*direction_findings("y", y), *direction_findings("x", x)]
    if y.unit != "pixel" and x.unit != "pixel":
        reason = f"y is in {y.unit} and x in {x.unit}"
    else:
        reason = "; ".join(f"{name}: {axis.reason}" for name, axis in (("y", y), ("x", x)) if axis.reason)
    message = (
        f"The image has no usable calibration ({reason}); its coordinates are in pixels. "
        "Give the pixel size yourself to get lengths."
    )
    findings = [Finding("uncalibrated", "warning", message)]
    if "outside" in reason:
        findings.append(Finding("implausible-pixel-size", "warning", f"The calibration is not believed: {reason}."))
    return Steps(), Steps(), findings


def _calibration_attrs(y: Steps, x: Steps, findings: list[Finding]) -> dict[str, Any]:
    if y.unit == "pixel":
        return {"calibrated": 0}
    attrs: dict[str, Any] = {"calibrated": 1, "pixel_size_y": y.step, "pixel_size_x": x.step}
    if abs(y.step - x.step) <= SQUARE * max(y.step, x.step):
        attrs["pixel_size"] = (y.step + x.step) / 2
    else:
        message = f"A pixel measures {y.step:g} {y.unit} along y and {x.step:g} {x.unit} along x."
        findings.append(Finding("anisotropic-pixels", "warning", message))
    return attrs


def _frames(axis: Axis | None, size: int) -> xr.Variable:
    """Return the frame coordinate: nm for slices of a sane depth, s for a time series, else the number of the frame."""
    if axis is not None:
        slices = steps(axis)
        if slices.unit == "nm":
            return coordinate("frame", slices, size)
        with suppress(UnsupportedContent):
            unit, factor = unit_and_factor(axis.unit)
            if unit == "s" and math.isfinite(axis.scale) and axis.scale != 0:
                return coordinate("frame", Steps(axis.scale * factor, axis.start * factor, unit), size)
    return variable(("frame",), np.arange(size), {"units": "1"})


def metadata_json(metadata: Mapping[str, Any]) -> str:
    """Return vendor metadata as one JSON string of at most `METADATA_LENGTH` characters.

    Long texts and lists are cut with a mark. When it is still too long, the last entries are left out and their
    number stands under ``"..."``.

    Examples
    --------
    >>> metadata_json({"Beam": {"HV": 5000}})
    '{"Beam": {"HV": 5000}}'
    """
    short = _shorten(metadata)
    text = json.dumps(short, ensure_ascii=False)
    entries = list(short.items())
    kept = len(entries)
    while len(text) > METADATA_LENGTH and kept:
        kept = kept * 3 // 4
        text = json.dumps(dict(entries[:kept]) | {"...": f"{len(entries) - kept} more"}, ensure_ascii=False)
    return text


def _shorten(value: Any, longest: int = 1000, most: int = 32) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _shorten(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        items = [_shorten(item) for item in value[:most]]
        return items if len(value) <= most else [*items, f"... {len(value)} items"]
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}... {len(text)} characters"
