"""Velox files: images, spectra and streams of X-ray events under ``Data``, each with its metadata as JSON.

``Data`` of an image is (y, x, frame), that of a spectrum (energy, 1). An EDS detector has ``Dispersion`` and
``OffsetEnergy`` in eV. What else is told, and how, is in `interlayer.parsers._emd_velox_metadata`; EELS maps are in
`interlayer.parsers._emd_velox_eels`.

Streams of X-ray events are in `interlayer.parsers._emd_velox_events`. The cube that Velox compresses beside them
(``SpectrumImage``) is the same events and is not read; where it stands alone, since the stream was not saved, a finding
says so.

Source: layout found in the files of RosettaSciIO, SciFiReaders and pyTEMlib, Velox 1.4 to 3.15; the decoding of the
stream agrees event by event with RosettaSciIO's cube.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _emd_velox_eels, _emd_velox_events
from ._emd_velox_metadata import (
    Metadata,
    at,
    attributes,
    energy_of_detector,
    intensity,
    metadata,
    plane,
    settings,
    values_of,
)
from ._hdf5 import checked, groups, number
from ._image import Axis, Vendor, assemble
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra
from .errors import CorruptFile
from .findings import Finding

if TYPE_CHECKING:
    import h5py

_KINDS = ("Image", "Spectrum", "SpectrumStream", "EelsSpectrumImage")
_CUBE = "SpectrumImage"
_Loaders = Iterator[tuple[str, Callable[[], Measurement]]]


def is_velox(file: h5py.File) -> bool:
    """Return whether an HDF5 file is of Velox."""
    import h5py

    data = file.get("Data")
    return isinstance(data, h5py.Group) and any(kind in data for kind in _KINDS)


def contents(file: h5py.File, source: Source) -> _Loaders:
    """Yield names and loaders of the images, spectra, streams and EELS maps of the file, and note what is not read."""
    found = {kind: _members(file, kind, source) for kind in file["Data"]}
    for place, group in enumerate(found.get("Image", ())):
        yield f"image_{place}", partial(_image, f"image_{place}", group, file, source)
    for place, group in enumerate(found.get("Spectrum", ())):
        yield f"spectrum_{place}", partial(_spectrum, f"spectrum_{place}", group, file, source)
    maps = False
    for place, group in enumerate(found.get("SpectrumStream", ())):
        if _is_map(group):  # a stream of a fixed beam has its sum under Spectrum
            maps = True
            yield f"events_{place}", partial(_emd_velox_events.events, f"events_{place}", group, file, source)
    lines = sorted(found.get("EelsSpectrumImage", ()), key=_emd_velox_eels.first_energy)
    for place, group in enumerate(lines):
        yield f"eels_{place}", partial(_emd_velox_eels.spectra, f"eels_{place}", group, file, source)
    for kind, members in found.items():
        if kind not in _KINDS and members and not (kind == _CUBE and maps):
            source.note("part-not-read", "warning", f"Data/{kind} is not read: {len(members)} arrays{_why(kind)}.")


def _members(file: h5py.File, kind: str, source: Source) -> list[h5py.Group]:
    """Return the groups of one kind that hold values; a list of them that is broken costs no other kind."""
    import h5py

    try:
        with checked():
            parent = file["Data"].get(kind)
            return [group for _, group in groups(parent) if "Data" in group] if isinstance(parent, h5py.Group) else []
    except CorruptFile as error:
        source.note("part-not-read", "error", f"Data/{kind} cannot be read: {error}")
        return []


def _why(kind: str) -> str:
    return ", compressed; export the map with its spectrum stream from Velox" if kind == _CUBE else ""


def _is_map(group: h5py.Group) -> bool:
    try:
        return isinstance(settings(group).get("RasterScanDefinition"), dict)
    except CorruptFile:
        return True  # its loader says what is wrong


def _image(name: str, group: h5py.Group, _: h5py.File, source: Source) -> Measurement:
    values = values_of(group, 3, source)
    if values.dtype.names:
        first, second = (values[field] for field in values.dtype.names[:2])
        values = (first + 1j * second).astype(np.complex64)
    told = metadata(group)
    axes, origin = plane(told, *values.shape[:2])
    frame = number(at(told, "Scan", "FrameTime")) or 0.0
    if frame > 0:
        axes["frame"] = Axis(frame, 0.0, "s")
    vendor = Vendor("Velox", axes, origin, attributes(told) | _intensity(told), dict(told))
    if not told:
        vendor.findings.append(Finding("metadata-not-read", "warning", "The metadata of the image cannot be read."))
    pixels = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    if len(pixels) == 1:
        return assemble(name, pixels[0], ("y", "x"), vendor)
    return assemble(name, pixels, ("frame", "y", "x"), vendor)


def _intensity(told: Metadata) -> dict[str, Any]:
    result = at(told, "BinaryResult")
    return intensity(*(at(result, key) for key in ("IntensityScale", "IntensityOffset", "IntensityUnit")))


def _spectrum(name: str, group: h5py.Group, _: h5py.File, source: Source) -> Measurement:
    told = metadata(group)
    counts = values_of(group, 2, source)
    energy, live = energy_of_detector(told)
    vendor = Vendor("Velox", attrs=attributes(told) | live, metadata=dict(told))
    return assemble_spectra(name, counts[:, 0], (), energy, vendor, technique="eds", counted=True)
