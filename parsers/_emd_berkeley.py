"""The Berkeley format: groups with ``emd_group_type`` hold an array and, for each of its axes, a vector of positions.

The vectors ``dim1`` (the slowest; ``dim0`` since version 1) give all positions, or the first two. Prismatic stores x
before y. Units are in brackets at times, and ``n_m`` is a nanometre.

Source: https://emdatasets.com/format and the emdfile package; checked on the files of openNCEM and RosettaSciIO.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._hdf5 import groups, is_dataset, loaded, number, text
from ._image import Axis, Vendor, assemble
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra, is_energy
from .errors import UnsupportedContent

if TYPE_CHECKING:
    import h5py

_DEPTH = 8
_ARRAYS = ("1", "array")
_ACROSS = re.compile(r"(R_|R|Q)?_?x$", re.IGNORECASE)
_DOWN = re.compile(r"(R_|R|Q)?_?y$", re.IGNORECASE)


def contents(file: h5py.File, source: Source) -> Iterator[tuple[str, Callable[[], Measurement]]]:
    """Yield names and loaders of the arrays of the file."""
    attrs = _microscope(file)
    for place, (name, group) in enumerate(_arrays(file, 0)):
        label = re.sub(r"\W+", "_", name).strip("_") or "array"
        yield f"{label}_{place}", partial(_measurement, f"{label}_{place}", group, attrs, source)


def _arrays(parent: h5py.Group, depth: int) -> Iterator[tuple[str, h5py.Group]]:
    for name, group in groups(parent):
        kind = group.attrs.get("emd_group_type")
        if (text(kind) or str(kind)) in _ARRAYS:
            yield name, group
        elif depth < _DEPTH:
            yield from _arrays(group, depth + 1)


def _measurement(label: str, group: h5py.Group, attrs: dict[str, Any], source: Source) -> Measurement:
    arrays = [item for key, item in group.items() if is_dataset(item) and item.ndim and not re.match(r"dim\d", key)]
    if not arrays:
        raise UnsupportedContent("there is no array in the group", expected="data beside its dim vectors")
    stored = max(arrays, key=lambda item: int(item.size))
    values = loaded(stored, source)
    names, axes = _axes(group, values)
    vendor = Vendor("Berkeley EMD", attrs={**attrs, "title": label}, source="EMD dim vectors")
    energies = [place for place, axis in enumerate(axes) if is_energy(axis)]
    if len(energies) == 1 and values.dtype.kind in "iuf":
        energy = energies[0]
        kind = text(group.attrs.get("signal_type")).upper()
        technique = "eds" if "EDS" in kind else "eels"
        places = [axis for place, axis in enumerate(axes) if place != energy]
        counts = np.ascontiguousarray(np.moveaxis(values, energy, -1))
        return assemble_spectra(label, counts, places, axes[energy], vendor, technique=technique, counted=False)
    return _image(label, values, names, axes, vendor)


def _image(label: str, values: NDArray[Any], names: list[str], axes: list[Axis], vendor: Vendor) -> Measurement:
    if values.ndim not in (2, 3) or values.dtype.kind not in "iufc":
        raise UnsupportedContent(
            f"an array of {values.dtype} with the axes {names or values.ndim}", expected="an image or a stack"
        )
    order = _order(names, values.ndim)
    pixels = np.ascontiguousarray(np.transpose(values, order))
    dims = ("frame", "y", "x")[-values.ndim :]
    vendor.axes = dict(zip(dims, [axes[place] for place in order], strict=True))
    return assemble(label, pixels, dims, vendor)


def _order(names: list[str], ndim: int) -> list[int]:
    """Return the places of frame, y and x among the axes; as stored where the names do not say."""
    across = [place for place, name in enumerate(names) if _ACROSS.match(name)]
    down = [place for place, name in enumerate(names) if _DOWN.match(name)]
    if len(across) == len(down) == 1:
        rest = [place for place in range(ndim) if place not in (across[0], down[0])]
        return [*rest, down[0], across[0]]
    return list(range(ndim))


def _axes(group: h5py.Group, values: NDArray[Any]) -> tuple[list[str], list[Axis]]:
    first = 0 if is_dataset(group.get("dim0")) else 1
    names, axes = [], []
    for place, size in enumerate(values.shape):
        vector = group.get(f"dim{place + first}")
        if not is_dataset(vector) or vector.dtype.kind not in "iuf" or vector.size < 1 or vector.size > max(size, 2):
            names.append("")
            axes.append(Axis())
            continue
        positions = np.asarray(vector[()], dtype=np.float64).ravel()
        names.append(text(vector.attrs.get("name")))
        unit = text(vector.attrs.get("units")).strip("[]")
        steps = positions[-1] - positions[0]
        scale = float(steps / (positions.size - 1)) if positions.size > 1 else 1.0
        axes.append(Axis(scale, float(positions[0]), "nm" if unit == "n_m" else unit))
    return names, axes


def _microscope(file: h5py.File) -> dict[str, Any]:
    """Return beam energy (eV) and instrument as far as the group of the microscope tells."""
    import h5py

    group = file.get("microscope")
    if not isinstance(group, h5py.Group):
        return {}
    voltage = group.attrs.get("high tension", group.attrs.get("voltage"))
    found = number(voltage)
    if found is None and (match := re.match(r"([\d.]+)\s*kV$", text(voltage))):
        found = 1e3 * float(match[1])
    attrs: dict[str, Any] = {"beam_energy": found} if found and found > 0 else {}
    if name := text(group.attrs.get("name")):
        attrs["instrument"] = name
    return attrs
