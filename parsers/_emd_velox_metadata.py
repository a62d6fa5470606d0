"""What Velox says of a signal: the JSON texts beside its values, and what of them goes into attributes and axes.

``Metadata`` holds a column of bytes for each frame, filled up with zeros; numbers are written as text. Pixel sizes are
in ``BinaryResult``, in metres or 1/m. Maps of a spectrometer lack them: theirs follow from the field of view of the
whole scan and the part of it that was measured, which give the stated values where both are there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._hdf5 import is_dataset, loaded, number, text
from ._image import Axis
from ._source import Source
from .errors import CorruptFile, UnsupportedContent

if TYPE_CHECKING:
    import h5py

Metadata = Mapping[str, Any]

STATED = "Velox BinaryResult/PixelSize"
OF_SCAN = "Velox Optics/FullScanFieldOfView over Scan/ScanSize"

_LARGEST = 1_000_000
_BROKEN = (OSError, RuntimeError, KeyError, TypeError, ValueError)


def values_of(group: h5py.Group, ndim: int, source: Source) -> NDArray[Any]:
    """Return the values of a signal; `CorruptFile` where it has none of so many dimensions."""
    stored = group.get("Data")
    if not is_dataset(stored) or stored.ndim != ndim or not stored.size:
        raise CorruptFile(f"{group.name} lacks its values", expected=f"Data with {ndim} dimensions")
    return loaded(stored, source)


def metadata(group: h5py.Group, *, name: str = "Metadata", column: int = 0) -> Metadata:
    """Return one column of metadata; {} where it cannot be read, which costs the calibration only."""
    try:
        stored = group.get(name)
        if not is_dataset(stored) or stored.ndim != 2 or stored.shape[0] > _LARGEST or column >= stored.shape[1]:
            return {}
        raw = np.asarray(stored[:, column], dtype=np.uint8).tobytes().split(b"\0", 1)[0]
        found = json.loads(raw)
    except _BROKEN:
        return {}
    return found if isinstance(found, dict) else {}


def settings(group: h5py.Group, name: str = "AcquisitionSettings") -> Metadata:
    """Return the JSON text of a group; {} where there is none.

    Raises
    ------
    CorruptFile
        If there is one that cannot be read.
    """
    stored = group.get(name)
    if not is_dataset(stored):
        return {}
    try:
        found = json.loads(text(stored[()]))
    except _BROKEN as error:
        raise CorruptFile(f"{name} cannot be read: {error}", expected="a text in JSON") from error
    return found if isinstance(found, dict) else {}


def at(metadata: Any, *path: str) -> Any:
    """Return the entry at a path of keys, or None."""
    for key in path:
        metadata = metadata.get(key) if isinstance(metadata, dict) else None
    return metadata


def attributes(metadata: Metadata) -> dict[str, Any]:
    """Return what the metadata tell of the microscope: eV, s and mrad."""
    seconds = number(at(metadata, "Acquisition", "AcquisitionStartDatetime", "DateTime")) or 0.0
    moment = datetime.fromtimestamp(seconds, tz=UTC).isoformat() if 1e8 < seconds < 4e9 else None
    maker = [text(at(metadata, "Instrument", key)) for key in ("Manufacturer", "InstrumentClass")]
    probe = text(at(metadata, "Optics", "IlluminationMode")) == "Probe"
    found: dict[str, Any] = {
        "beam_energy": number(at(metadata, "Optics", "AccelerationVoltage")),
        "convergence_angle": milliradians(at(metadata, "Optics", "BeamConvergence")) if probe else None,
        "dwell_time": number(at(metadata, "Scan", "DwellTime")),
        "detector": text(at(metadata, "BinaryResult", "Detector")) or None,
        "instrument": " ".join(filter(None, maker)) or None,
        "start_time": moment,
    }
    return {key: value for key, value in found.items() if value}


def milliradians(value: object) -> float | None:
    """Return an angle that the file gives in rad."""
    angle = number(value)
    return angle and angle * 1e3


def intensity(scale: object, offset: object, unit: object) -> dict[str, Any]:
    """Return how stored values become intensities, (stored - origin) * scale, where the file tells."""
    factor, shift = number(scale), number(offset)
    if not factor or shift is None:
        return {}
    found = {"intensity_scale": factor, "intensity_origin": -shift / factor}
    return found | ({"intensity_units": text(unit)} if text(unit) else {})


def plane(metadata: Metadata, height: int, width: int) -> tuple[dict[str, Axis], str]:
    """Return the axes y and x of `height` and `width` pixels, and where the file says so."""
    result = at(metadata, "BinaryResult")
    axes = {}
    for name, size, unit in (("y", "height", "PixelUnitY"), ("x", "width", "PixelUnitX")):
        scale = number(at(result, "PixelSize", size))
        start = number(at(result, "Offset", name)) or 0.0
        if scale is not None:
            axes[name] = Axis(scale, start, text(at(result, unit)))
    if axes:
        return axes, STATED
    return _of_scan(metadata, height, width), OF_SCAN


def _of_scan(metadata: Metadata, height: int, width: int) -> dict[str, Axis]:
    """Return the axes that follow from the scan; {} unless it has as many pixels as the map."""
    axes = {}
    edges = {"y": ("top", "bottom", "height", height), "x": ("left", "right", "width", width)}
    for name, (low, high, key, count) in edges.items():
        view = number(at(metadata, "Optics", "FullScanFieldOfView", name))
        size = number(at(metadata, "Scan", "ScanSize", key))
        begin, end = (number(at(metadata, "Scan", "ScanArea", edge)) for edge in (low, high))
        if not view or not size or begin is None or end is None or round(size * (end - begin)) != count:
            return {}
        axes[name] = Axis(view / size, (begin - 0.5) * view, "m")
    return axes


def energy_of_detector(metadata: Metadata) -> tuple[Axis, dict[str, float]]:
    """Return the energy axis of an X-ray detector, the same for all of its segments, and live and real time in s.

    Raises
    ------
    UnsupportedContent
        If the metadata do not give one calibration.
    """
    wanted = text(at(metadata, "BinaryResult", "Detector"))
    detectors = at(metadata, "Detectors")
    found = [
        detector
        for detector in (detectors.values() if isinstance(detectors, dict) else ())
        if text(at(detector, "DetectorName")).startswith(wanted) and number(at(detector, "Dispersion"))
    ]
    scales = {(number(one.get("Dispersion")), number(one.get("OffsetEnergy"))) for one in found}
    if len(scales) != 1:
        raise UnsupportedContent(
            f"{len(scales)} energy calibrations for the detector {wanted!r}", expected="one Dispersion and OffsetEnergy"
        )
    ((scale, start),) = scales
    live = {name: number(found[0].get(key)) for name, key in (("live_time", "LiveTime"), ("real_time", "RealTime"))}
    return Axis(scale or 0.0, start or 0.0, "eV"), {name: value for name, value in live.items() if value}
