"""Writer of Velox files (.emd) with a map of X-ray events and the HAADF image beside it.

An HDF5 file with the groups ``Data/Image`` and ``Data/SpectrumStream``, each with one entry under a hexadecimal name.
The stream lists the channels of the X-rays, pixel by pixel along the rows, with 65535 between one pixel and the next;
``Metadata`` is JSON, one column of 60 000 bytes a frame. Lengths are in m, energies in eV.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NEXT_PIXEL = 65_535
_METADATA = 60_000
_DETECTOR = "SuperXG2"


@dataclass(frozen=True)
class Acquisition:
    """Size of a pixel in nm, channel and first energy of the detector in eV, beam energy in eV, dwell time in s."""

    pixel_size: float
    channel: float = 10.0
    first_energy: float = 0.0
    beam_energy: float = 200e3
    dwell_time: float = 5e-5


def stream(counts: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Return the stream of one frame of a map, counts (rows, columns, channels)."""
    flat = counts.reshape(-1, counts.shape[-1])
    pixel, channel = np.nonzero(flat)
    repeats = flat[pixel, channel]
    pixel, channel = np.repeat(pixel, repeats), np.repeat(channel, repeats)
    entries = np.full(channel.size + len(flat), _NEXT_PIXEL, dtype=np.uint16)
    entries[np.arange(channel.size) + pixel] = channel
    return entries


def write(frames: list[NDArray[np.int64]], acquisition: Acquisition, *, name: str, comment: str) -> bytes:
    """Return a map as a Velox file.

    Parameters
    ----------
    frames : list of ndarray of int, shape (rows, columns, channels)
        X-rays counted in each pass of the beam.
    acquisition : Acquisition
    name : str
        Seeds the hexadecimal names of the entries.
    comment : str
        Stands in the metadata of the sample; says that the data are simulated.
    """
    import h5py

    rows, columns, channels = frames[0].shape
    streams = [stream(frame) for frame in frames]
    starts = np.cumsum([0, *(len(part) for part in streams[:-1])])
    metadata = _metadata(acquisition, (rows, columns), comment)
    settings = {
        "encoding": "uint16",
        "bincount": str(channels),
        "StreamEncoding": "uint16",
        "RasterScanDefinition": {"Width": str(columns), "Height": str(rows)},
    }
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        _text(file, "Version", json.dumps({"version": "4", "format": "Velox"}))
        image = file.create_group(f"Data/Image/{_identifier(name, 'image')}")
        image["Data"] = np.stack([frame.sum(axis=2) for frame in frames], axis=-1).astype(np.uint16)
        image["Metadata"] = _column(metadata | {"BinaryResult": {**metadata["BinaryResult"], "Detector": "HAADF"}})
        events = file.create_group(f"Data/SpectrumStream/{_identifier(name, 'stream')}")
        events.create_dataset("Data", data=np.concatenate(streams)[:, None], compression="gzip")
        events["FrameLocationTable"] = starts[:, None].astype(np.int64)
        events["Metadata"] = _column(metadata)
        _text(events, "AcquisitionSettings", json.dumps(settings))
    return content.getvalue()


def _identifier(name: str, kind: str) -> str:
    return hashlib.md5(f"{name} {kind}".encode(), usedforsecurity=False).hexdigest()


def _text(group: Any, name: str, text: str) -> None:
    import h5py

    group.create_dataset(name, data=[text.encode()], dtype=h5py.string_dtype())


def _column(metadata: dict[str, Any]) -> NDArray[np.uint8]:
    raw = json.dumps(metadata, indent=4).encode()
    column = np.zeros((_METADATA, 1), dtype=np.uint8)
    column[: len(raw), 0] = np.frombuffer(raw, dtype=np.uint8)
    return column


def _metadata(acquisition: Acquisition, shape: tuple[int, int], comment: str) -> dict[str, Any]:
    """Return the settings of the microscope; Velox writes all numbers as text."""
    metres = f"{acquisition.pixel_size * 1e-9:.17g}"
    return {
        "Core": {"MetadataDefinitionVersion": "7.9", "MetadataSchemaVersion": "v1/2013/07"},
        "Instrument": {"Manufacturer": "simulated", "InstrumentClass": "simulated"},
        "Optics": {"AccelerationVoltage": f"{acquisition.beam_energy:.17g}"},
        "Scan": {
            "ScanSize": {"width": str(shape[1]), "height": str(shape[0])},
            "DwellTime": f"{acquisition.dwell_time:.17g}",
            "ScanArea": {"left": "0", "top": "0", "right": "1", "bottom": "1"},
        },
        "Detectors": {
            "Detector-0": {
                "DetectorName": _DETECTOR,
                "DetectorType": "AnalyticalDetector",
                "Dispersion": f"{acquisition.channel:.17g}",
                "OffsetEnergy": f"{acquisition.first_energy:.17g}",
                "LiveTime": f"{acquisition.dwell_time * shape[0] * shape[1]:.17g}",
            }
        },
        "BinaryResult": {
            "Detector": _DETECTOR,
            "PixelSize": {"width": metres, "height": metres},
            "PixelUnitX": "m",
            "PixelUnitY": "m",
            "Offset": {"x": "0", "y": "0"},
        },
        "Sample": {"Description": f"SIMULATED, not measured: {comment}"},
    }
