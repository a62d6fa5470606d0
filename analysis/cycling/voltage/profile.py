"""Voltage over the charge passed within half cycles, as papers draw it, and its mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ..record.charge import record_of
from ..record.segmentation import half_cycles


def voltage_profiles(ds: xr.Dataset, *, numbers: Sequence[int]) -> Result:
    """Voltage over capacity of some half cycles, with their mean voltages.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    numbers : sequence of int
        Half cycles from 1, as `interlayer.analysis.cycling.segment` counts.

    Returns
    -------
    Result
        ``mean_voltage_2`` (V) of half cycle 2, and so on: energy over charge, with holds, without rests; an error of
        the voltmeter is not known and not given. ``curves`` holds, by ``record``, ``voltage`` (V), ``current`` (A) and
        ``capacity`` (A h, from 0 at the start of each half cycle, positive in both directions) with ``half_cycle``.

    Raises
    ------
    NotAnalysable
        If a half cycle is not there.
    """
    record = record_of(ds)
    half = half_cycles(record)
    places, capacity, means = [], [], []
    for number in numbers:
        inside = np.flatnonzero((half == number) & (record.sign != 0))
        if inside.size == 0:
            raise NotAnalysable(f"half cycle {number} is not there; the record holds 1 to {half.max()}")
        charge = record.charge[inside]
        known = np.isfinite(record.voltage[inside])
        mean = np.sum((charge * record.voltage[inside])[known]) / np.sum(charge[known])
        means.append(Quantity(f"mean_voltage_{number}", float(mean), None, "V", kind="measured"))
        places.append(inside)
        capacity.append(np.abs(np.cumsum(charge)))
    rows = np.concatenate(places)
    columns = {
        "voltage": (record.voltage[rows], "V"),
        "current": (record.current[rows], "A"),
        "capacity": (np.concatenate(capacity), "A h"),
    }
    return Result(
        method="voltage over the charge passed since the start of each half cycle; means are energy over charge",
        quantities=tuple(means),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=xr.Dataset(
            {name: xr.Variable(("record",), values, {"units": unit}) for name, (values, unit) in columns.items()},
            coords={"half_cycle": xr.Variable(("record",), half[rows], {"long_name": "half cycle"})},
        ),
    )
