"""HyperSpy files (.hspy, .hdf5): images, spectra, lines and maps of spectra with their axes.

Each group under ``Experiments`` has ``data`` and groups ``axis-N`` with scale, offset and units. An axis in a unit of
energy makes it a set of spectra, EDS or EELS as ``metadata/Signal/signal_type`` says; the flag ``navigate`` is a
choice of display and is not looked at. Nothing is unpickled.

Source: the description of the format in the documentation of RosettaSciIO; checked on files of RosettaSciIO and eXSpy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._hdf5 import damaged_groups, groups, is_dataset, loaded, number, opened, text
from ._image import Axis, Vendor, assemble
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra, is_energy
from .errors import CorruptFile, ParseError, UnsupportedContent
from .findings import Finding

if TYPE_CHECKING:
    import h5py

_NUMBERS = (
    ("beam_energy", "beam_energy", 1e3),
    ("magnification", "magnification", 1.0),
    ("convergence_angle", "convergence_angle", 1.0),
    ("collection_angle", "Detector/EELS/collection_angle", 1.0),
    ("live_time", "Detector/EDS/live_time", 1.0),
    ("real_time", "Detector/EDS/real_time", 1.0),
    ("elevation_angle", "Detector/EDS/elevation_angle", 1.0),
)  # attribute, place under the microscope, factor to eV, mrad, s, degrees


def read(source: Source) -> Iterator[Measurement]:
    """Yield every experiment of the file.

    Raises
    ------
    CorruptFile
        If the HDF5 file is broken, or an experiment lacks its values.
    UnsupportedContent
        If no experiment has a place in the vocabulary.
    """
    errors: list[ParseError] = []
    good = 0
    with opened(source) as file:
        if broken := damaged_groups(file, source.limits.depth):
            message = f"What the file lists in {broken[:5]} cannot all be read; the file is damaged."
            source.note("damaged-structure", "error", message)
        for place, (name, group) in enumerate(groups(file["Experiments"])):
            label = re.sub(r"\W+", "_", name).strip("_") or "experiment"
            try:
                measurement = _measurement(f"{label}_{place}", name, group, source)
            except ParseError as error:
                errors.append(error)
                source.note("part-not-read", "warning", f"{name}: {error}")
                continue
            good += 1
            yield measurement
    if not good:
        raise errors[0] if errors else UnsupportedContent("there are no experiments", expected="data to read")


def _measurement(label: str, name: str, group: h5py.Group, source: Source) -> Measurement:
    stored = group.get("data")
    if not is_dataset(stored):
        raise CorruptFile(f"{name} lacks its values", expected="data")
    values = loaded(stored, source)
    axes = [_axis(group, place, size) for place, size in enumerate(values.shape)]
    vendor = Vendor("HyperSpy", attrs=_attributes(group) | {"title": name}, source="HyperSpy axis")
    energies = [place for place, axis in enumerate(axes) if is_energy(axis)]
    if len(energies) == 1 and values.dtype.kind in "iuf":
        return _spectra(label, values, axes, energies[0], group, vendor)
    kind = text(_attribute(group, "metadata/Signal", "signal_type"))
    if kind.startswith(("EDS", "EELS")):
        raise UnsupportedContent(
            f"a signal of the type {kind!r} with axes in {[axis.unit for axis in axes]}", expected="one axis of energy"
        )
    if values.ndim not in (2, 3) or values.dtype.kind not in "iufc":
        raise UnsupportedContent(f"an array of {values.dtype} with {values.ndim} axes", expected="images or spectra")
    dims = ("frame", "y", "x")[-values.ndim :]
    vendor.axes = dict(zip(dims, axes, strict=True))
    return assemble(label, values, dims, vendor)


def _spectra(
    label: str, values: NDArray[Any], axes: list[Axis], energy: int, group: h5py.Group, vendor: Vendor
) -> Measurement:
    stated = _attribute(group, "metadata/Signal", "signal_type")
    if stated is None:
        raise CorruptFile("metadata/Signal lacks signal_type", expected="the kind of the spectra, which may be empty")
    kind = text(stated).upper()
    technique = "eds" if "EDS" in kind else "eels"
    if "EDS" not in kind and "EELS" not in kind:
        message = f"The signal type is {kind!r}; the spectra are taken as EELS."
        vendor.findings.append(Finding("technique-inferred", "warning", message))
    return assemble_spectra(
        label,
        np.ascontiguousarray(np.moveaxis(values, energy, -1)),
        [axis for place, axis in enumerate(axes) if place != energy],
        axes[energy],
        vendor,
        technique=technique,
        counted=technique == "eds" and values.dtype.kind in "iu",
    )


def _axis(group: h5py.Group, place: int, size: int) -> Axis:
    """Return the calibration of an axis; NaN for what it does not state, as an axis of uneven steps does not."""
    path = f"axis-{place}"
    if group.get(path) is None:
        return Axis(math.nan, math.nan)
    stated = number(_attribute(group, path, "size"))
    if stated is not None and stated != size:
        raise CorruptFile(f"{path} has {stated:g} points", expected=f"{size}, as the values have along it")
    scale, offset = (number(_attribute(group, path, key)) for key in ("scale", "offset"))
    unit = text(_attribute(group, path, "units"))
    return Axis(
        math.nan if scale is None else scale,
        math.nan if offset is None else offset,
        "" if unit == "_None_" else unit,
    )


def _attribute(group: h5py.Group, path: str, key: str) -> Any:
    found = group.get(path)
    return None if found is None else found.attrs.get(key)


def _attributes(group: h5py.Group) -> dict[str, Any]:
    instrument = "metadata/Acquisition_instrument"
    found: dict[str, Any] = {}
    for microscope in ("TEM", "SEM"):
        for name, place, factor in _NUMBERS:
            path, _, key = f"{instrument}/{microscope}/{place}".rpartition("/")
            value = number(_attribute(group, path, key))
            if value and value > 0 and name not in found:
                found[name] = value * factor
        if label := text(_attribute(group, f"{instrument}/{microscope}", "microscope")):
            found.setdefault("instrument", label)
    return found
