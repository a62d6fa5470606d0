"""Spectra along an energy axis in one contract: a point, a line or a map of EDS or EELS spectra becomes a Dataset.

Energies come out in eV and last, positions in nm. What the file does not calibrate is in pixels, with a finding.
Attributes as for images (`interlayer.parsers._image`): ``original_scale`` and ``original_units``, positions first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import schema
from ._assemble import variable
from ._blank_blocks import blank_findings
from ._image import Axis, Steps, Vendor, coordinate, direction_findings, metadata_json, steps, unit_and_factor
from ._source import Measurement
from .errors import CorruptFile, UnsupportedContent
from .findings import Finding

POSITIONS: tuple[tuple[str, ...], ...] = ((), ("distance",), ("y", "x"))
"""Names of the axes beside the energy, by their number."""


def is_energy(axis: Axis) -> bool:
    """Return whether an axis is in a unit of energy."""
    try:
        return unit_and_factor(axis.unit)[0] == "eV"
    except UnsupportedContent:
        return False


def assemble_spectra(
    group: str,
    counts: NDArray[Any],
    places: Sequence[Axis],
    energy: Axis,
    vendor: Vendor,
    *,
    technique: str,
    counted: bool,
) -> Measurement:
    """Return a spectrum, a line or a map of spectra as a Measurement.

    Parameters
    ----------
    group : str
        Path in the tree.
    counts : ndarray
        Values as stored, energy last.
    places : sequence of Axis
        Of the other axes, in the order of `counts`; none for a point, two for a map.
    energy : Axis
        Its unit is an energy.
    vendor : Vendor
        Attributes, metadata and doubts; its axes are not looked at.
    technique : {"eds", "eels"}
        Kind of spectrum.
    counted : bool
        Whether the values are counts and not an intensity of some scale.

    Raises
    ------
    UnsupportedContent
        If there are more than two other axes.
    CorruptFile
        If the energy axis has no step or no origin.
    """
    if len(places) > 2:
        raise UnsupportedContent(f"a spectrum with {len(places)} other axes", expected="a point, a line or a map")
    factor = unit_and_factor(energy.unit)[1]
    step = energy.scale * factor
    if not step or not math.isfinite(step):
        raise CorruptFile(f"the energy axis has the scale {energy.scale:g}", expected="a step in eV or keV")
    if not math.isfinite(energy.start):
        raise CorruptFile("the energy axis has no origin", expected="the energy of the first channel")
    dims = POSITIONS[len(places)]
    resolved = [steps(place) for place in places]
    if any(place.unit != resolved[0].unit for place in resolved):
        resolved = [Steps(reason=place.reason or "the axes differ in kind") for place in resolved]
    findings = list(vendor.findings)
    if technique == "eels":  # channels of X-ray spectra are mostly empty
        findings += blank_findings(counts)
    for name, place in zip(dims, resolved, strict=True):
        if place.unit == "pixel":
            findings.append(Finding("uncalibrated", "warning", f"The axis {name} is in pixels: {place.reason}."))
        findings += direction_findings(name, place)
    values: dict[str, Any] = {
        "energy": energy.start * factor + step * np.arange(counts.shape[-1], dtype=np.float64),
        "counts": variable((*dims, "energy"), counts, {"units": "count" if counted else "1"}),
    }
    for name, place, size in zip(dims, resolved, counts.shape, strict=False):
        values[name] = coordinate(name, place, size)
    attrs = vendor.attrs | {
        "original_scale": [float(one.scale) for one in (*places, energy)],
        "original_units": [one.unit for one in (*places, energy)],
    }
    if vendor.metadata:
        attrs["original_metadata"] = metadata_json(vendor.metadata)
    return Measurement(group, schema.build(technique, values, **attrs), findings)
