"""Under which conditions a measurement was made: what its file says, and what ``experiment.toml`` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from interlayer.analysis.quantity import Quantity

if TYPE_CHECKING:
    import xarray as xr

REPEATED: Mapping[str, str] = {"eis": "sweep"}
"""Dimension of a technique along which one Dataset holds several measurements that are analysed one by one."""

_STEADY = 1e-3
"""In K: what a thermometer shows that varies less says nothing of how well it shows it."""


def temperature_of(ds: xr.Dataset, facts: Mapping[str, Any]) -> Quantity | None:
    """Return the temperature of a measurement in degC: measured if the file has it, else as stated.

    Parameters
    ----------
    ds : xarray.Dataset
        Its coordinate ``temperature`` is averaged.
    facts : mapping
        The uncertainty of ``temperature`` counts for a measured one too; without it, the standard deviation of what
        was measured.
    """
    stated = facts.get("temperature")
    if "temperature" not in ds.coords or not np.isfinite(values := np.ravel(ds["temperature"].values)).any():
        return stated if isinstance(stated, Quantity) else None
    values = values[np.isfinite(values)]
    spread = float(values.std())
    drift = spread if spread > _STEADY else None
    stderr = stated.stderr if isinstance(stated, Quantity) else drift
    return Quantity("temperature", float(values.mean()), stderr, "degC", kind="measured")


def single(group: str, ds: xr.Dataset) -> Iterator[tuple[str, int | None, xr.Dataset]]:
    """Yield name, place and Dataset of each measurement of a Dataset that may hold several.

    Examples
    --------
    >>> from interlayer.parsers import schema
    >>> impedance = [[1 - 1j, 2 - 2j, 3 - 1j], [1 - 1j, 2 - 2j, 3 - 1j]]
    >>> ds = schema.build("eis", {"frequency": [1e3, 1e2, 1e1], "impedance": impedance})
    >>> [(name, part["impedance"].dims) for name, _, part in single("PEIS", ds)]
    [('PEIS, sweep 1', ('frequency',)), ('PEIS, sweep 2', ('frequency',))]
    """
    dimension = REPEATED.get(str(ds.attrs["technique"]), "")
    if dimension not in ds.dims:
        yield group, None, ds
        return
    for place in range(ds.sizes[dimension]):
        yield f"{group}, {dimension} {place + 1}", place, ds.isel({dimension: place})
