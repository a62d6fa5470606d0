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
        Counts where the Dataset tells them, else the intensity as it stands.
    poisson : bool
        Whether `signal` are counts whose variance is their mean.
    unit : str
        Unit of areas: ``count eV s-1`` where the acquisition time is known, else ``count eV`` or ``eV``.
    to_unit : float
        Factor from areas of `signal` to `unit`.
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
    unit: str
    to_unit: float
    axis: str
    photon_energy: float | None
    note: str

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
    units = str(ds[name].attrs.get("units", "1"))
    time = _acquisition_time(ds)
    signal, poisson, note = _noise(signal[first], name, units, time)
    per_time = 1.0 / time if time and (units == "count" or poisson) else 1.0
    unit = {"count": "count eV s-1" if time else "count eV", "count s-1": "count eV s-1"}.get(units, "eV")
    return Region(energy, signal, poisson, unit, per_time, axis, _photon_energy(ds), note)


def _acquisition_time(ds: xr.Dataset) -> float | None:
    dwell, scans = ds.attrs.get("dwell_time"), ds.attrs.get("n_scans", 1)
    return float(dwell) * float(scans) if dwell and scans else None


def _photon_energy(ds: xr.Dataset) -> float | None:
    if "photon_energy" in ds.variables and ds["photon_energy"].size == 1:
        return float(ds["photon_energy"].values.reshape(-1)[0])
    value = ds.attrs.get("photon_energy")
    return None if value is None else float(value)


def _noise(signal: Array, name: str, units: str, time: float | None) -> tuple[Array, bool, str]:
    """Return the signal, as counts where the units allow, whether its noise is Poisson, and the note that says so."""
    if units == "count":
        counts = signal
    elif units == "count s-1" and time:
        counts = signal * time
    else:
        return signal, False, f"The noise was taken from the residuals: {name} in {units!r} does not tell the counts."
    whole = np.abs(counts - np.round(counts)).max() <= 0.01 + 1e-6 * float(np.abs(counts).max())
    if not whole or counts.min() < 0:
        return (
            signal,
            False,
            "The noise was taken from the residuals: the counts are not whole numbers, so were scaled.",
        )
    return np.round(counts), True, "The noise is that of the counts (Poisson)."
