"""One region of a photoelectron spectrum as arrays: energies that rise with energy loss, counts, acquisition time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..errors import NotAnalysable
from .lineshape import Array

_FEWEST = 12


@dataclass(frozen=True)
class Region:
    """A region ready for the fit.

    Parameters
    ----------
    energy : ndarray
        In eV, ascending towards larger binding energy: the binding energy, or the negative kinetic energy.
    signal : ndarray
        Counts when `poisson`, else the intensity as it stands.
    poisson : bool
        Whether `signal` are counts whose variance is their mean.
    time : float or None
        Acquisition time per point in s, all scans together.
    unit : str
        Unit of areas: ``count eV s-1``, ``count eV`` or ``eV``.
    axis : str
        ``binding_energy`` or ``kinetic_energy``.
    photon_energy : float or None
        In eV.
    note : str
        How the noise was settled.
    """

    energy: Array
    signal: Array
    poisson: bool
    time: float | None
    unit: str
    axis: str
    photon_energy: float | None
    note: str

    @property
    def to_unit(self) -> float:
        """Factor from areas of `signal` to `unit`."""
        return 1.0 / self.time if self.time and self.poisson else 1.0

    @property
    def sign(self) -> float:
        """Sign between `energy` and the axis of the Dataset."""
        return 1.0 if self.axis == "binding_energy" else -1.0


def select_region(ds: xr.Dataset, window: tuple[float, float] | None) -> Region:
    """Return the points of a Dataset inside a window on its own energy axis.

    Raises
    ------
    NotAnalysable
        If the Dataset holds a series, no spectrum, or too few points inside the window.
    """
    name = next((name for name in ("counts", "intensity") if name in ds.data_vars), None)
    axis = next((axis for axis in ("binding_energy", "kinetic_energy") if axis in ds.variables), None)
    if name is None or axis is None:
        raise NotAnalysable(
            f"found the variables {sorted(map(str, ds.variables))}; expected counts or intensity over "
            "binding_energy or kinetic_energy"
        )
    if ds[name].ndim != 1:
        raise NotAnalysable(f"{name} is a series over {ds[name].dims[0]}; pass one spectrum of it")
    energy, signal = np.asarray(ds[axis].values, float), np.asarray(ds[name].values, float)
    keep = np.isfinite(energy) & np.isfinite(signal)
    if window is not None:
        keep &= (energy >= min(window)) & (energy <= max(window))
    energy, signal = (energy if axis == "binding_energy" else -energy)[keep], signal[keep]
    energy, first = np.unique(energy, return_index=True)
    if energy.size < _FEWEST:
        where = "" if window is None else f" between {min(window):g} and {max(window):g} eV"
        raise NotAnalysable(f"the region has {energy.size} points{where}; a fit needs at least {_FEWEST}")
    if np.ptp(signal) == 0:
        raise NotAnalysable(f"{name} is {signal[0]:g} at every energy; expected a spectrum")
    time = _acquisition_time(ds)
    signal, poisson, note = _counts(ds, name, signal[first], time)
    unit = (
        "count eV s-1"
        if poisson and time
        else {"count": "count eV", "count s-1": "count eV s-1"}.get(str(ds[name].attrs.get("units", "1")), "eV")
    )
    return Region(energy, signal, poisson, time, unit, axis, _photon_energy(ds), note)


def _acquisition_time(ds: xr.Dataset) -> float | None:
    dwell, scans = ds.attrs.get("dwell_time"), ds.attrs.get("n_scans", 1)
    return float(dwell) * float(scans) if dwell and scans else None


def _photon_energy(ds: xr.Dataset) -> float | None:
    if "photon_energy" in ds.variables and ds["photon_energy"].size == 1:
        return float(ds["photon_energy"].values.reshape(-1)[0])
    value = ds.attrs.get("photon_energy")
    return None if value is None else float(value)


def _counts(ds: xr.Dataset, name: str, signal: Array, time: float | None) -> tuple[Array, bool, str]:
    """Return the signal as counts where the Dataset allows, whether its noise is Poisson, and the note that says so."""
    unit = ds[name].attrs.get("units", "1")
    if unit == "count":
        counts = signal
    elif unit == "count s-1" and time:
        counts = signal * time
    else:
        return signal, False, f"The noise was taken from the residuals: {name} in {unit!r} does not tell the counts."
    whole = np.abs(counts - np.round(counts)).max() <= max(0.01, 1e-4 * float(np.abs(counts).max()) ** 0.5)
    if not whole or counts.min() < 0:
        return (
            signal,
            False,
            "The noise was taken from the residuals: the counts are not whole numbers, so were scaled.",
        )
    return np.round(counts), True, "The noise is that of the counts (Poisson)."
