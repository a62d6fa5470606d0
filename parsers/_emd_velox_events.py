"""Streams of X-ray events in Velox files, those of the segments of a detector pooled into one map.

A stream lists the channels of the events; 65535 is the step to the next pixel, and after the last pixel the next frame
begins with the first; ``FrameLocationTable`` says where. It is kept as events (technique ``eds_events``): a map of
512 x 512 x 4096 channels would be 2 GB of zeros.

Four or six segments see one map, each with its own stream. Together they are the measurement; ``detector`` says which
of the attribute ``detectors`` an event is from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._emd_velox_metadata import Metadata, at, attributes, energy_of_detector, metadata, plane, settings, values_of
from ._hdf5 import groups, is_dataset, number
from ._image import Axis, coordinate, metadata_json, steps
from ._source import Measurement, Source
from .errors import CorruptFile, UnsupportedContent
from .findings import Finding

if TYPE_CHECKING:
    import h5py

NEXT_PIXEL = 65_535
"""Entry of a stream that is no channel but the step to the next pixel."""


def events(name: str, group: h5py.Group, file: h5py.File, source: Source) -> Measurement:
    """Return the events of one stream.

    Raises
    ------
    CorruptFile
        If the stream, its settings or a channel of it are broken.
    UnsupportedContent
        If the file does not give the size of the map or the energies.
    """
    told, acquisition = metadata(group), settings(group)
    height, width = _raster(told, acquisition, file)
    stream = values_of(group, 2, source)[:, 0]
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


def pooled(streams: Iterable[Measurement]) -> Iterator[Measurement]:
    """Yield the maps that streams of X-ray events are of, in the order of their first streams.

    Streams belong together that have the same pixels, energies and number of frames.
    """
    maps: list[list[Measurement]] = []
    for stream in streams:
        known = next((members for members in maps if _alike(members[0].dataset, stream.dataset)), None)
        if known is None:
            maps.append([stream])
        else:
            known.append(stream)
    for place, members in enumerate(maps):
        yield Measurement(f"events_{place}", *_together(members))


def _alike(one: xr.Dataset, other: xr.Dataset) -> bool:
    same = all(one[axis].identical(other[axis]) for axis in ("energy", "y", "x"))
    return same and one.attrs["frames"] == other.attrs["frames"]


def _together(members: list[Measurement]) -> tuple[xr.Dataset, list[Finding]]:
    """Return all events of a map, times as their mean over the segments."""
    if len(members) == 1:
        return members[0].dataset, members[0].findings
    parts = sorted((member.dataset for member in members), key=lambda part: str(part.attrs.get("detector", "")))
    values: dict[str, Any] = {axis: parts[0][axis].variable for axis in ("energy", "y", "x")}
    for name in ("pixel", "channel"):
        values[name] = np.concatenate([part[name].values for part in parts])
    sizes = [part.sizes["event"] for part in parts]
    values["detector"] = np.repeat(np.arange(len(parts), dtype=np.uint8), sizes)
    names = [str(part.attrs.get("detector", "")) for part in parts]
    attrs = dict(parts[0].attrs) | {"detectors": names, "detector": _common(names)}
    for name in ("live_time", "real_time"):
        if known := [part.attrs[name] for part in parts if name in part.attrs]:
            attrs[name] = float(np.mean(known))
    attrs.pop("technique")
    findings = list(dict.fromkeys(finding for member in members for finding in member.findings))
    return schema.build("eds_events", values, **attrs), findings


def _common(names: list[str]) -> str:
    """Return the name that the segments share before their numbers."""
    shared = {name.rstrip("0123456789") for name in names}
    return shared.pop() if len(shared) == 1 else ", ".join(names)
