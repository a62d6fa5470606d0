"""Cells whose leads were swapped: the voltage is negative, and charge and discharge change places.

A full cell has a positive voltage. Where it is negative throughout, the leads were swapped. If the voltage still rises
with a positive current, current and voltage were both measured the wrong way round, so what the cycler calls discharge
is the cell's charge; if it falls, only the leads that sense the voltage were swapped.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from interlayer.parsers.findings import Finding, findings, to_json

from .intervals import Floats, spread

LEADS_SWAPPED = "leads-swapped"
"""Code of the finding."""

_POSITIVE, _USUALLY_POSITIVE = frozenset({"full", "anode_free"}), frozenset({"cathode_half", "anode_half"})
"""Cell types whose voltage is positive; that of a half cell depends on what it is measured against."""

_NEGATIVE = 0.95  # share of records
_FAR = 0.1  # V, median magnitude: an open input is nearer to zero


def upright(ds: xr.Dataset, cell_type: str) -> xr.Dataset:
    """Return a record with the signs of voltage and current that the cell has.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    cell_type : str
        ``full`` and ``anode_free`` cells are turned. Half cells are not, since their voltage may be against any
        reference; a finding names what follows if leads were swapped.

    Returns
    -------
    xarray.Dataset
        The same if its voltage is positive; else with a finding, and with voltage, or voltage, current and charge of
        the other sign.
    """
    if cell_type not in _POSITIVE | _USUALLY_POSITIVE or "voltage" not in ds:
        return ds
    voltage = ds["voltage"].values[spread(ds.sizes["record"])]
    if np.mean(voltage < 0) < _NEGATIVE or np.nanmedian(np.abs(voltage)) < _FAR:
        return ds
    if cell_type in _USUALLY_POSITIVE:
        return _with_finding(ds, "the voltage is negative: if leads were swapped, charge and discharge change places")
    names = ["voltage"] if _rises_with_current(ds) < 0 else ["voltage", "current", "charge"]
    names = [name for name in names if name in ds]
    turned = ds.assign({name: (ds[name].dims, -ds[name].values, ds[name].attrs) for name in names})
    message = f"the voltage is negative: leads were swapped; the signs of {', '.join(names)} are turned"
    return _with_finding(turned, message)


def _with_finding(ds: xr.Dataset, message: str) -> xr.Dataset:
    said = to_json([*findings(ds.attrs), Finding(LEADS_SWAPPED, "warning", message)])
    return ds.assign_attrs(findings=said)


def _rises_with_current(ds: xr.Dataset) -> float:
    """Return the rise of the voltage on positive current less that on negative, V."""
    voltage: Floats = np.asarray(ds["voltage"].values, dtype=float)
    if "current" in ds:
        sign = np.sign(np.nan_to_num(ds["current"].values))
    else:
        sign = np.sign(np.nan_to_num(np.diff(ds["charge"].values, prepend=np.nan)))
    inside = (sign[1:] == sign[:-1]) & (sign[1:] != 0)
    return float(np.nansum(np.diff(voltage)[inside] * sign[1:][inside]))
