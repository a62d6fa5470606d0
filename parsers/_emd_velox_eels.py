"""EELS maps of Velox (``Data/EelsSpectrumImage``): one map for each range of energies that the spectrometer took.

``Data`` is (x, energy, y), a block for each line of the scan; ``Info`` repeats the three sizes. ``AcquisitionMetadata``
has a column for each line: dispersion and offset in eV, exposure in s, intensity = stored * scale + offset, and the
number of the last pixel of the line in the scan, from 0 on. A line without it was not measured and is left out.

Source: layout found in a file of Velox 3.25 among those of RosettaSciIO.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._emd_velox_metadata import Metadata, at, attributes, intensity, metadata, milliradians, plane, settings
from ._hdf5 import is_dataset, loaded, number
from ._image import Axis, Vendor
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra
from .errors import CorruptFile, TruncatedFile, UnsupportedContent
from .findings import Finding

if TYPE_CHECKING:
    import h5py

_LINES = "AcquisitionMetadata"
_COLLECTION = ("CustomProperties", "EnergyFilter.CollectionAngleRange.End", "value")
_CALIBRATION = ("dispersion", "offset", "exposureTime", "intensityScale", "intensityOffset")


def first_energy(group: h5py.Group) -> float:
    """Return where the map begins in eV, infinite where the file does not tell: maps are listed in this order."""
    offset = number(at(metadata(group, name=_LINES), "Data", "offset"))
    return np.inf if offset is None else offset


def spectra(name: str, group: h5py.Group, _: h5py.File, source: Source) -> Measurement:
    """Return one EELS map.

    Raises
    ------
    CorruptFile
        If the values do not have the announced sizes.
    TruncatedFile
        If no line was measured.
    UnsupportedContent
        If the lines of the scan do not share one energy axis.
    """
    stored = group.get("Data")
    if not is_dataset(stored) or stored.ndim != 3 or not stored.size:
        raise CorruptFile(f"{group.name} lacks its values", expected="Data with 3 dimensions")
    width, bins, height = (int(size) for size in stored.shape)
    announced = settings(group, "Info")
    for key, size in (("width", width), ("bincount", bins), ("height", height)):
        if key in announced and number(announced[key]) != size:
            raise CorruptFile(f"values of {stored.shape}", expected=f"a {key} of {announced[key]}, as Info says")
    told = metadata(group)
    measured, line = _lines(group, width, height)
    axes, origin = plane(told, height, width)
    counts = np.ascontiguousarray(loaded(stored, source)[:, :, :measured].transpose(2, 0, 1))
    vendor = Vendor("Velox", attrs=_attributes(told, line), metadata=dict(told))
    if axes:
        vendor.attrs["calibration_source"] = origin
    if measured < height:
        message = f"Lines {measured} to {height - 1} of the scan bear no record of a measurement and are left out."
        vendor.findings.append(Finding("truncated-scan", "error", message))
    energy = Axis(number(line["dispersion"]) or 0.0, number(line["offset"]) or 0.0, "eV")
    places = [axes.get(direction, Axis()) for direction in ("y", "x")]
    return assemble_spectra(name, counts, places, energy, vendor, technique="eels", counted=False)


def _lines(group: h5py.Group, width: int, height: int) -> tuple[int, Metadata]:
    """Return how many lines were measured, and what the records of all of them say."""
    records = [at(metadata(group, name=_LINES, column=line), "Data") for line in range(height)]
    last = [number(at(record, "scanPixelIndex")) for record in records]
    expected = [(line + 1) * width - 1 for line in range(height)]
    measured = next((line for line in range(height) if last[line] != expected[line]), height)
    if not measured:
        raise TruncatedFile("no line of the scan bears a record of its measurement", expected=_LINES)
    kinds = {tuple(number(record.get(key)) for key in _CALIBRATION) for record in records[:measured]}
    if len(kinds) > 1 or number(records[0].get("dispersion")) is None or number(records[0].get("offset")) is None:
        raise UnsupportedContent(
            f"{len(kinds)} calibrations among the lines of one map", expected="one dispersion and offset for all"
        )
    return measured, records[0]


def _attributes(told: Metadata, line: Metadata) -> dict[str, Any]:
    found = attributes(told) | intensity(line.get("intensityScale"), line.get("intensityOffset"), None)
    angle = milliradians(at(told, *_COLLECTION))
    exposure = number(line.get("exposureTime"))
    return found | {key: value for key, value in (("collection_angle", angle), ("exposure_time", exposure)) if value}
