"""Velox files: images, spectra and streams of X-ray events under ``Data``, each with its metadata as JSON.

``Data`` of an image is (y, x, frame); ``Metadata`` has a column of 60 000 bytes for each frame. The pixel size is
``BinaryResult/PixelSize``, in metres or 1/m. An EDS detector has ``Dispersion`` and ``OffsetEnergy`` in eV.

A stream lists the channels of the events; 65535 is the step to the next pixel, and after the last pixel the next frame
begins with the first; ``FrameLocationTable`` says where. It is kept as events (technique ``eds_events``): a map of
512 x 512 x 4096 channels would be 2 GB of zeros. The cube that Velox compresses beside it (``SpectrumImage``) is the
same events and is not read.

Source: layout found in the files of RosettaSciIO, SciFiReaders and pyTEMlib, Velox 1.4 to 3.15; the decoding of the
stream agrees event by event with RosettaSciIO's cube.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import schema
from ._hdf5 import groups, is_dataset, loaded, number, text
from ._image import Axis, Vendor, assemble, coordinate, metadata_json, steps
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra
from .errors import CorruptFile, UnsupportedContent
from .findings import Finding

if TYPE_CHECKING:
    import h5py

NEXT_PIXEL = 65_535
"""Entry of a stream that is no channel but the step to the next pixel."""

_KINDS = {"Image": "image", "Spectrum": "spectrum", "SpectrumStream": "events"}
_METADATA = 1_000_000
_Metadata = Mapping[str, Any]


def is_velox(file: h5py.File) -> bool:
    """Return whether an HDF5 file is of Velox."""
    import h5py

    data = file.get("Data")
    return isinstance(data, h5py.Group) and any(kind in data for kind in _KINDS)


def contents(file: h5py.File, source: Source) -> Iterator[tuple[str, Callable[[], Measurement]]]:
    """Yield names and loaders of the images, spectra and streams of the file."""
    loaders = {"Image": _image, "Spectrum": _spectrum, "SpectrumStream": _events}
    for kind, name in _KINDS.items():
        for place, (_, group) in enumerate(groups(file["Data"][kind]) if kind in file["Data"] else ()):
            if kind == "SpectrumStream" and not _is_map(group):
                continue  # of a fixed beam: its sum stands under Spectrum
            yield f"{name}_{place}", partial(loaders[kind], f"{name}_{place}", group, file, source)


def _is_map(group: h5py.Group) -> bool:
    return isinstance(_settings(group).get("RasterScanDefinition"), dict)


def _metadata(group: h5py.Group) -> _Metadata:
    """Return the metadata of the first frame; {} where they cannot be read, which costs the calibration only."""
    stored = group.get("Metadata")
    if not is_dataset(stored) or stored.ndim != 2 or stored.shape[0] > _METADATA:
        return {}
    raw = np.asarray(stored[:, 0], dtype=np.uint8).tobytes().split(b"\0", 1)[0]
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


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
    metadata = _metadata(group)
    axes = _plane(metadata)
    frame = number(_at(metadata, "Scan", "FrameTime")) or 0.0
    if frame > 0:
        axes["frame"] = Axis(frame, 0.0, "s")
    vendor = Vendor("Velox", axes, "Velox BinaryResult/PixelSize", _attributes(metadata), dict(metadata))
    if not metadata:
        vendor.findings.append(Finding("metadata-not-read", "warning", "The metadata of the image cannot be read."))
    pixels = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    if len(pixels) == 1:
        return assemble(name, pixels[0], ("y", "x"), vendor)
    return assemble(name, pixels, ("frame", "y", "x"), vendor)


def _spectrum(name: str, group: h5py.Group, _: h5py.File, source: Source) -> Measurement:
    metadata = _metadata(group)
    counts = _values(group, 2, source)
    energy, live = _energy(metadata)
    attrs = _attributes(metadata) | live
    vendor = Vendor("Velox", attrs=attrs, metadata=dict(metadata))
    return assemble_spectra(name, counts[:, 0], (), energy, vendor, technique="eds", counted=True)


def _events(name: str, group: h5py.Group, file: h5py.File, source: Source) -> Measurement:
    metadata = _metadata(group)
    settings = _settings(group)
    height, width = _raster(metadata, settings, file)
    stream = _values(group, 2, source)[:, 0]
    pixel, channel, frames = decoded(stream, height * width, _starts(group, stream.size))
    energy, live = _energy(metadata)
    bins = int(number(settings.get("bincount")) or 4096)
    if channel.size and int(channel.max()) >= bins:
        raise CorruptFile(f"an event in channel {channel.max()}", expected=f"below {bins}")
    axes = _plane(metadata)
    y, x = (steps(axes.get(direction, Axis())) for direction in ("y", "x"))
    values: dict[str, Any] = {
        "pixel": pixel,
        "channel": channel,
        "energy": energy.start + energy.scale * np.arange(bins, dtype=np.float64),
        "y": coordinate("y", y, height),
        "x": coordinate("x", x, width),
    }
    attrs = _attributes(metadata) | live | {"frames": frames, "original_metadata": metadata_json(metadata)}
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


def _raster(metadata: _Metadata, settings: _Metadata, file: h5py.File) -> tuple[int, int]:
    """Return height and width of the map: the part of the scan that was measured, else the image beside it."""
    area = _at(metadata, "Scan", "ScanArea")
    raster = settings.get("RasterScanDefinition")
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


def _settings(group: h5py.Group) -> _Metadata:
    stored = group.get("AcquisitionSettings")
    try:
        found = json.loads(text(stored[()])) if is_dataset(stored) else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _plane(metadata: _Metadata) -> dict[str, Axis]:
    result = _at(metadata, "BinaryResult")
    axes = {}
    for name, size, unit in (("y", "height", "PixelUnitY"), ("x", "width", "PixelUnitX")):
        scale = number(_at(result, "PixelSize", size))
        start = number(_at(result, "Offset", name)) or 0.0
        if scale is not None:
            axes[name] = Axis(scale, start, text(_at(result, unit)))
    return axes


def _energy(metadata: _Metadata) -> tuple[Axis, dict[str, float]]:
    """Return the energy axis, the same for all segments of a detector, and live and real time in s."""
    wanted = text(_at(metadata, "BinaryResult", "Detector"))
    detectors = _at(metadata, "Detectors")
    found = [
        detector
        for detector in (detectors.values() if isinstance(detectors, dict) else ())
        if text(detector.get("DetectorName")).startswith(wanted) and number(detector.get("Dispersion"))
    ]
    scales = {(number(one.get("Dispersion")), number(one.get("OffsetEnergy"))) for one in found}
    if len(scales) != 1:
        raise UnsupportedContent(
            f"{len(scales)} energy calibrations for the detector {wanted!r}", expected="one Dispersion and OffsetEnergy"
        )
    ((scale, start),) = scales
    live = {name: number(found[0].get(key)) for name, key in (("live_time", "LiveTime"), ("real_time", "RealTime"))}
    return Axis(scale or 0.0, start or 0.0, "eV"), {name: value for name, value in live.items() if value}


def _attributes(metadata: _Metadata) -> dict[str, Any]:
    seconds = number(_at(metadata, "Acquisition", "AcquisitionStartDatetime", "DateTime")) or 0.0
    moment = datetime.fromtimestamp(seconds, tz=UTC).isoformat() if 1e8 < seconds < 4e9 else None
    maker = [text(_at(metadata, "Instrument", key)) for key in ("Manufacturer", "InstrumentClass")]
    attrs: dict[str, Any] = {
        "beam_energy": number(_at(metadata, "Optics", "AccelerationVoltage")),
        "dwell_time": number(_at(metadata, "Scan", "DwellTime")),
        "detector": text(_at(metadata, "BinaryResult", "Detector")) or None,
        "instrument": " ".join(filter(None, maker)) or None,
        "start_time": moment,
    }
    return {key: value for key, value in attrs.items() if value}


def _at(metadata: Any, *path: str) -> Any:
    for key in path:
        metadata = metadata.get(key) if isinstance(metadata, dict) else None
    return metadata
