"""What the tags of a DigitalMicrograph image mean, whether they lie in its own tree or in HDF5.

``ImageList`` holds the images; a preview is among them and ``Thumbnails`` names its number. Each image has
``ImageData``: ``DataType``, ``Dimensions`` (fastest first), ``Data`` and ``Calibrations``, where a position is
``(index - Origin) * Scale`` in ``Units``: the origin counts pixels. ``ImageTags`` keeps what the microscope and the
detector told.

An axis in eV or keV makes it a spectrum, EELS or EDS as ``Meta Data/Signal`` says; anything else with two or three
axes is an image or a stack. A single curve without an energy axis has no place in the vocabulary and is not read.
Counts are as stored: the intensity calibration stands in the attributes ``intensity_scale``, ``intensity_origin`` and
``intensity_units`` with intensity = (stored - origin) * scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._dm_tags import Group, find, number, plain, text
from ._dm_tags import attributes as microscope_attributes
from ._image import COLOURS, Axis, Vendor, assemble
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra, is_energy
from .errors import CorruptFile, LimitExceeded, ParseError, TruncatedFile, UnsupportedContent
from .findings import Finding, Severity

# DataType -> numpy type of one item; the colours lie in memory as blue, green, red, alpha.
DATA_TYPES = {
    1: "i2", 2: "f4", 3: "c8", 6: "u1", 7: "i4", 8: "(4,)u1", 9: "i1", 10: "u2", 11: "u4", 12: "f8", 13: "c16",
    14: "u1", 23: "(4,)u1", 27: "c8", 28: "c16", 39: "i8", 40: "u8",
}  # fmt: skip
HALF_PLANE = (27, 28)
"""Data types of a Fourier transform of which only the columns 0 to N // 2 are stored."""
RGB, RGBA = 8, 23

_PREVIEW = "Image Of "
_SIGNALS = {"EELS": "eels", "X-ray": "eds", "EDS": "eds"}

Pixels = Callable[[Any, tuple[int, ...], np.dtype[Any]], NDArray[Any]]
"""Turns what is stored under ``Data`` into an array of a shape and type, or raises a `ParseError`."""


def measurements(root: Group, pixels: Pixels, source: Source, *, broken: ParseError | None) -> Iterator[Measurement]:
    """Yield one measurement for each image but the preview.

    Parameters
    ----------
    root : dict
        The tags of the file.
    pixels : callable
        Decodes what is stored under ``Data``.
    source : Source
        The file, for its limits and findings.
    broken : ParseError or None
        Where the tags end early.

    Raises
    ------
    CorruptFile, TruncatedFile
        If there is no image, or every image is broken.
    UnsupportedContent
        If there are only curves without an energy axis or kinds of data that are not read.
    """
    images = root.get("ImageList")
    if not isinstance(images, dict) or not images:
        raise broken or CorruptFile("there is no ImageList", expected="the tags of a DigitalMicrograph image")
    errors: list[ParseError] = []
    good = 0
    for position, image in enumerate(_without_preview(root, broken)):
        try:
            measurement = _image(image, f"image_{position}", pixels, source, broken)
        except ParseError as error:
            errors.append(error)
            severity: Severity = "warning" if isinstance(error, UnsupportedContent) else "error"
            source.note("image-not-read", severity, f"Image {position} ({text(image.get('Name'))!r}): {error}")
            continue
        good += 1
        yield measurement
    if not good:
        raise next(iter(errors), None) or broken or TruncatedFile("the file holds no image but its preview")


def _without_preview(root: Group, broken: ParseError | None) -> list[Group]:
    images = {label: image for label, image in root["ImageList"].items() if isinstance(image, dict)}
    previews = root.get("Thumbnails")
    previews = previews if isinstance(previews, dict) else {}
    hidden = {str(find(preview, "ImageIndex")) for preview in previews.values()}
    if broken is not None:  # the list of previews stands behind the images and may be lost
        hidden |= {label for label, image in images.items() if text(image.get("Name")).startswith(_PREVIEW)}
        hidden |= {"0"} if find(images, "0/ImageData/DataType") == RGBA else set()
    elif hidden >= set(images):
        hidden = set()
    return [image for label, image in images.items() if label not in hidden]


def _image(image: Group, group: str, pixels: Pixels, source: Source, broken: ParseError | None) -> Measurement:
    data = image.get("ImageData")
    if not isinstance(data, dict) or not {"Data", "Dimensions"} <= set(data):
        raise broken or CorruptFile("the image lacks its data", expected="ImageData with Data and Dimensions")
    shape, dtype, kind = _layout(data, source)
    values = pixels(data["Data"], shape, dtype)
    axes = _axes(data, values.ndim - (kind in (RGB, RGBA)))
    tags = image.get("ImageTags")
    tags = tags if isinstance(tags, dict) else {}
    attrs = microscope_attributes(tags) | _intensity(data)
    attrs["title"] = text(image.get("Name")) or None
    energy = [index for index, axis in enumerate(axes) if is_energy(axis)]
    if len(energy) == 1 and kind not in (*HALF_PLANE, RGB, RGBA) and values.dtype.kind in "iuf":
        return _spectrum(group, values, axes, energy[0], tags, attrs)
    vendor = Vendor("DigitalMicrograph", attrs=attrs, metadata=plain(tags), findings=_lost_energy(tags))
    return _picture(group, values, kind, axes, vendor)


def _layout(data: Group, source: Source) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Return shape (slowest axis first), type of one item and number of that type."""
    kind, dimensions = data.get("DataType"), data["Dimensions"]
    sizes = list(dimensions.values())[::-1] if isinstance(dimensions, dict) else []
    if kind not in DATA_TYPES:
        raise UnsupportedContent(
            f"data type {kind!r}",
            expected=f"one of {sorted(DATA_TYPES)}",
            remedy="export the image from DigitalMicrograph as real numbers",
        )
    if not sizes or not all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes):
        raise CorruptFile(f"the dimensions are {sizes}", expected="positive whole numbers")
    if kind in HALF_PLANE:
        sizes[-1] = sizes[-1] // 2 + 1
    dtype = np.dtype(DATA_TYPES[kind])
    need = math.prod(sizes) * dtype.itemsize
    if need > source.limits.array:
        raise LimitExceeded(f"an image of {need} bytes", expected=f"at most {source.limits.array} (Limits.array)")
    return tuple(sizes), dtype, int(kind)


def _axes(data: Group, count: int) -> list[Axis]:
    """Return the calibrations of the axes in numpy order."""
    given = find(data, "Calibrations/Dimension")
    found = []
    for index in range(count):
        entry = given.get(str(index)) if isinstance(given, dict) else None
        if not isinstance(entry, dict):
            found.append(Axis())
            continue
        scale, origin = number(entry.get("Scale")), number(entry.get("Origin", 0.0))
        if scale is None or origin is None:  # a unit without a usable number calibrates nothing
            found.append(Axis(math.nan, math.nan, text(entry.get("Units"))))
        else:
            found.append(Axis(scale, 0.0 - origin * scale, text(entry.get("Units"))))
    return found[::-1]


def _intensity(data: Group) -> dict[str, Any]:
    scale, origin = (number(find(data, f"Calibrations/Brightness/{key}")) for key in ("Scale", "Origin"))
    units = text(find(data, "Calibrations/Brightness/Units"))
    if not units and scale in (None, 1.0) and not origin:
        return {}
    return {"intensity_scale": scale, "intensity_origin": origin, "intensity_units": units or None}


def _picture(group: str, pixels: NDArray[Any], kind: int, axes: list[Axis], vendor: Vendor) -> Measurement:
    channels: tuple[str, ...] = ()
    dims = {1: (), 2: ("y", "x"), 3: ("frame", "y", "x")}.get(len(axes), ())
    if not dims:
        what = "a curve without an energy axis" if len(axes) == 1 else f"an array with {len(axes)} axes"
        raise UnsupportedContent(
            f"{what}, in {[axis.unit or 'no unit' for axis in axes]}",
            expected="an image, a stack, or a spectrum with an axis in eV or keV",
            remedy="calibrate the energy axis in DigitalMicrograph if it is a spectrum",
        )
    vendor.axes = dict(zip(dims, axes, strict=True))
    vendor.source = "DigitalMicrograph ImageData/Calibrations/Dimension"
    if kind in (RGB, RGBA):
        channels = COLOURS if kind == RGBA else COLOURS[:3]
        pixels = np.ascontiguousarray(pixels[..., [2, 1, 0, 3][: len(channels)]])
        dims = (*dims, "channel")
    if kind in HALF_PLANE:
        vendor.axes["x"] = Axis(axes[-1].scale, 0.0, axes[-1].unit)
        message = (
            f"Of this Fourier transform the file stores {pixels.shape[-1]} columns, from zero frequency on; "
            "the other half, their complex conjugate, is not filled in."
        )
        vendor.findings.append(Finding("half-plane", "info", message))
        vendor.attrs["half_plane"] = 1
    return assemble(group, pixels, dims, vendor, channels=channels)


def _spectrum(
    group: str, pixels: NDArray[Any], axes: list[Axis], energy: int, tags: Group, attrs: dict[str, Any]
) -> Measurement:
    technique, findings = _technique(tags, axes[energy].unit)
    return assemble_spectra(
        group,
        np.ascontiguousarray(np.moveaxis(pixels, energy, -1)),
        [axis for index, axis in enumerate(axes) if index != energy],
        axes[energy],
        Vendor("DigitalMicrograph", attrs=attrs, metadata=plain(tags), findings=findings),
        technique=technique,
        counted=technique == "eds" or attrs.get("intensity_units") in ("Counts", "counts", "e-"),
    )


def _lost_energy(tags: Group) -> list[Finding]:
    """Return a finding for what the file calls spectra without an axis of energy."""
    if "spectrum" not in text(find(tags, "Meta Data/Format")).casefold():
        return []
    message = "The file calls this a spectrum, but none of its axes is in eV or keV: it is read as an image or stack."
    return [Finding("spectrum-without-energy", "warning", message)]


def _technique(tags: Group, unit: str) -> tuple[str, list[Finding]]:
    signal = text(find(tags, "Meta Data/Signal"))
    if signal in _SIGNALS:
        return _SIGNALS[signal], []
    for label, technique in (("EELS", "eels"), ("EDS", "eds")):
        if label in tags:
            return technique, []
    technique = "eds" if unit.strip().casefold() == "kev" else "eels"
    message = f"The file does not say which kind of spectrum it is ({signal or 'no'} signal); taken as {technique}."
    return technique, [Finding("technique-inferred", "warning", message)]
