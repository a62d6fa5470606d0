"""Gatan DigitalMicrograph files (.dm3, .dm4): images, stacks, EELS and EDS spectra and spectrum images.

The file is one tree of tags (see `interlayer.parsers._dm_tags`). ``ImageList`` holds the images; a preview is among
them and ``Thumbnails`` names its number. Each image has ``ImageData``: ``DataType``, ``Dimensions`` (fastest first),
``Data`` and ``Calibrations``, where a position is ``(index - Origin) * Scale`` in ``Units``: the origin counts pixels.
``ImageTags`` keeps what the microscope and the detector told.

An axis in eV or keV makes it a spectrum, EELS or EDS as ``Meta Data/Signal`` says; anything else with two or three
axes is an image or a stack. A single curve without an energy axis has no place in the vocabulary and is not read.
Counts are as stored: the intensity calibration stands in the attributes ``intensity_scale``, ``intensity_origin`` and
``intensity_units`` with intensity = (stored - origin) * scale.

The extension says nothing sure: .dm4 files with version 3 inside exist, and .dm5 is HDF5 and not this format.
Source: descriptions of the format by C. B. Boothroyd, B. Schaffer and G. Jefferis; Gatan's list of data types
(https://www.gatan.com/dm5-documentation); checked on the .dm3 and .dm4 files of RosettaSciIO, openNCEM, pyTEMlib,
SciFiReaders and nionswift-io.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._dm_tags import Array, Group, Tree, find, number, plain, text
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


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each image of the file but the preview.

    Raises
    ------
    CorruptFile, TruncatedFile
        If the tag tree or every image in it is broken.
    UnsupportedContent
        If the file holds nothing but curves without an energy axis or kinds of data that are not read.
    """
    tree = Tree(source.cursor())
    if tree.broken is not None:
        source.note("truncated-file", "error", f"The file ends inside its tags: {tree.broken}")
    images = tree.root.get("ImageList")
    if not isinstance(images, dict) or not images:
        raise tree.broken or CorruptFile("there is no ImageList", expected="the tags of a DigitalMicrograph image")
    errors: list[ParseError] = []
    good = 0
    for position, image in enumerate(_without_preview(tree)):
        try:
            measurement = _image(image, f"image_{position}", tree, source)
        except ParseError as error:
            errors.append(error)
            severity: Severity = "warning" if isinstance(error, UnsupportedContent) else "error"
            source.note("image-not-read", severity, f"Image {position} ({text(image.get('Name'))!r}): {error}")
            continue
        good += 1
        yield measurement
    if not good:
        raise next(iter(errors), None) or tree.broken or TruncatedFile("the file holds no image but its preview")


def _without_preview(tree: Tree) -> list[Group]:
    images = {label: image for label, image in tree.root["ImageList"].items() if isinstance(image, dict)}
    previews = tree.root.get("Thumbnails")
    previews = previews if isinstance(previews, dict) else {}
    hidden = {str(find(preview, "ImageIndex")) for preview in previews.values()}
    if tree.broken is not None:  # the list of previews stands behind the images and may be lost
        hidden |= {label for label, image in images.items() if text(image.get("Name")).startswith(_PREVIEW)}
        hidden |= {"0"} if find(images, "0/ImageData/DataType") == RGBA else set()
    elif hidden >= set(images):
        hidden = set()
    return [image for label, image in images.items() if label not in hidden]


def _image(image: Group, group: str, tree: Tree, source: Source) -> Measurement:
    data = image.get("ImageData")
    if not isinstance(data, dict):
        raise TruncatedFile("there is no ImageData") if tree.broken else CorruptFile("there is no ImageData")
    pixels, kind = _pixels(data, tree, source)
    axes = _axes(data, pixels.ndim - (kind in (RGB, RGBA)))
    tags = image.get("ImageTags")
    tags = tags if isinstance(tags, dict) else {}
    attrs = microscope_attributes(tags) | _intensity(data)
    attrs["title"] = text(image.get("Name")) or None
    energy = [index for index, axis in enumerate(axes) if is_energy(axis)]
    if len(energy) == 1 and kind not in (*HALF_PLANE, RGB, RGBA) and pixels.dtype.kind in "iuf":
        return _spectrum(group, pixels, axes, energy[0], tags, attrs)
    return _picture(group, pixels, kind, axes, Vendor("DigitalMicrograph", attrs=attrs, metadata=plain(tags)))


def _pixels(data: Group, tree: Tree, source: Source) -> tuple[NDArray[Any], int]:
    """Return the values in numpy order (slowest axis first) and the data type."""
    kind, stored = data.get("DataType"), data.get("Data")
    dimensions = data.get("Dimensions")
    if not isinstance(dimensions, dict) or not isinstance(stored, Array):
        raise (tree.broken or CorruptFile("ImageData lacks Data or Dimensions"))
    sizes = list(dimensions.values())[::-1]
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
    if need != len(stored.data):
        raise CorruptFile(f"{len(stored.data)} bytes of data", expected=f"{need} for {sizes} of type {kind}")
    flat = np.frombuffer(stored.data, dtype=dtype.base.newbyteorder(tree.order)).astype(dtype.base)
    return flat.reshape(*sizes, *dtype.shape), int(kind)


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
