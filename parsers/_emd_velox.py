"""Velox files: images, spectra and streams of X-ray events under ``Data``, each with its metadata as JSON.

``Data`` of an image is (y, x, frame), that of a spectrum (energy, 1). An EDS detector has ``Dispersion`` and
``OffsetEnergy`` in eV. What else is told, and how, is in `interlayer.parsers._emd_velox_metadata`; EELS maps are in
`interlayer.parsers._emd_velox_eels`.

A stream lists the channels of the events; 65535 is the step to the next pixel, and after the last pixel the next frame
begins with the first; ``FrameLocationTable`` says where. It is kept as events (technique ``eds_events``): a map of
512 x 512 x 4096 channels would be 2 GB of zeros. The cube that Velox compresses beside it (``SpectrumImage``) is the
same events and is not read; where it stands alone, since the stream was not saved, a finding says so.

Source: layout found in the files of RosettaSciIO, SciFiReaders and pyTEMlib, Velox 1.4 to 3.15; the decoding of the
stream agrees event by event with RosettaSciIO's cube.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _emd_velox_eels, schema
from ._emd_velox_metadata import Metadata, at, attributes, energy_of_detector, intensity, metadata, plane, settings
from ._hdf5 import checked, groups, is_dataset, loaded, number
from ._image import Axis, Vendor, assemble, coordinate, metadata_json, steps
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra
from .errors import CorruptFile, UnsupportedContent
from .findings import Finding

if TYPE_CHECKING:
    import h5py

NEXT_PIXEL = 65_535
"""Entry of a stream that is no channel but the step to the next pixel."""

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
            yield f"events_{place}", partial(_events, f"events_{place}", group, file, source)
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


def _values(group: h5py.Group, ndim: int, source: Source) -> NDArray[Any]:
    stored = group.get("Data")
    if not is_dataset(stored) or stored.ndim != ndim or not stored.size:
        raise CorruptFile(f"{group.name} lacks its values", expected=f"Data with {ndim} dimensions")
    return loaded(stored, source)


def _image(name: str, group: h5py.Group, _: h5py.File, source: Source) -> Measurement:
    values = _values(group, 3, source)
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
    counts = _values(group, 2, source)
    energy, live = energy_of_detector(told)
    vendor = Vendor("Velox", attrs=attributes(told) | live, metadata=dict(told))
    return assemble_spectra(name, counts[:, 0], (), energy, vendor, technique="eds", counted=True)


def _events(name: str, group: h5py.Group, file: h5py.File, source: Source) -> Measurement:
    told, acquisition = metadata(group), settings(group)
    height, width = _raster(told, acquisition, file)
    stream = _values(group, 2, source)[:, 0]
    pixel, channel, frames = decoded(stream, height * width, _starts(group, stream.size))
    energy, live = energy_of_detector(told)
    bins = int(number(acquisition.get("bincount")) or 4096)
    if channel.size and int(channel.max()) >= bins:
        raise CorruptFile(f"an event in channel {channel.max()}", expected=f"below {bins}")
    axes, _ = plane(told, height, width)
    y, x = (steps(axes.get(direction, Axis())) for direction in ("y", "x"))
    values: dict[str, Any] = {
        "pixel": pixel,
        "channel": channel,
        "energy": energy.start + energy.scale * np.arange(bins, dtype=np.float64),
        "y": coordinate("y", y, height),
        "x": coordinate("x", x, width),
    }
    attrs = attributes(told) | live | {"frames": frames, "original_metadata": metadata_json(told)}
    findings = []
    if "pixel" in (y.unit, x.unit):
        findings.append(Finding("uncalibrated", "warning", f"The map is in pixels: {y.reason or x.reason}."))
    return Measurement(name, schema.build("eds_events", values, **attrs), findings)


def decoded(
    stream: NDArray[np.generic], pixels: int, starts: NDArray[np.integer[Any]] | None = None
) -> tuple[NDArray[np.uint32], NDArray[np.uint16], int]:
    """Return pixel and channel of every event of a stream, and the number of frames.

    Parameters
    ----------
    stream : ndarray of uint16
        Channels, with a mark `NEXT_PIXEL` between those of one pixel and those of the next.
    pixels : int
        Pixels of a frame; the next frame begins anew.
    starts : ndarray of int, optional
        Places in the stream where frames begin; left out, every frame has all of its pixels.

    Examples
    --------
    >>> pixel, channel, frames = decoded(np.array([98, 99, 65535, 97, 65535, 65535, 96], dtype="u2"), 2)
    >>> pixel.tolist(), channel.tolist(), frames
    ([0, 0, 1, 1], [98, 99, 97, 96], 2)
    """
    marks = stream == NEXT_PIXEL
    visited = np.cumsum(marks, dtype=np.int64)
    if starts is None:
        frames = math.ceil((int(visited[-1]) + (not marks[-1])) / pixels) if visited.size else 0
    else:
        frames = starts.size
        first = np.searchsorted(starts, np.arange(stream.size), side="right") - 1
        visited -= np.where(starts > 0, visited[np.maximum(starts - 1, 0)], 0)[first]
    pixel = (visited[~marks] % pixels).astype(np.uint32)
    return pixel, stream[~marks].astype(np.uint16), frames


def _starts(group: h5py.Group, entries: int) -> NDArray[np.integer[Any]] | None:
    """Return where the frames begin in the stream, where the file says so."""
    stored = group.get("FrameLocationTable")
    if not is_dataset(stored) or stored.dtype.kind not in "iu" or not stored.size:
        return None
    starts = np.asarray(stored[()]).ravel().astype(np.int64)
    return starts if starts[0] == 0 and np.all(np.diff(starts) > 0) and starts[-1] < entries else None


def _raster(told: Metadata, acquisition: Metadata, file: h5py.File) -> tuple[int, int]:
    """Return height and width of the map: the part of the scan that was measured, else the image beside it."""
    area = at(told, "Scan", "ScanArea")
    raster = acquisition.get("RasterScanDefinition")
    raster = raster if isinstance(raster, dict) else {}
    full = [number(raster.get(key)) for key in ("Height", "Width")]
    if isinstance(area, dict) and None not in full:
        edges = [number(area.get(key)) for key in ("top", "bottom", "left", "right")]
        if None not in edges:
            top, bottom, left, right = (float(edge or 0.0) for edge in edges)
            height, width = (round(float(full[0] or 0) * (bottom - top)), round(float(full[1] or 0) * (right - left)))
            if height > 0 and width > 0:
                return height, width
    images = groups(file["Data"]["Image"]) if "Image" in file["Data"] else ()
    sizes = {group["Data"].shape[:2] for _, group in images if is_dataset(group.get("Data"))}
    if len(sizes) == 1:
        height, width = sizes.pop()
        return int(height), int(width)
    raise UnsupportedContent("a stream of spectra without a scan", expected="the size of the map in its metadata")
