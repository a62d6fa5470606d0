"""One absorption scan as clean arrays: which signal, which points, how noisy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import NotAnalysable

Array = NDArray[np.float64]

SIGNALS = ("mu", "mu_transmission", "mu_fluorescence", "mu_electron_yield")
"""Absorption signals in order of preference; drop a variable from the Dataset to have the next one taken."""

MODES = ("transmission", "fluorescence", "electron yield")
_FEWEST = 12


@dataclass(frozen=True)
class Scan:
    """Absorption against energy: ascending, finite, one point an energy.

    Parameters
    ----------
    energy : ndarray
        In eV, shape (n,).
    mu : ndarray
        Absorption, shape (n,).
    stderr : ndarray or None
        Standard uncertainty of `mu` where the Dataset gives it.
    signal : str
        The variable that `mu` was taken from.
    mode : str
        How it was measured: ``"transmission"``, ``"fluorescence"``, ``"electron yield"``, or "" where not known.
    """

    energy: Array
    mu: Array
    stderr: Array | None
    signal: str
    mode: str = ""

    @property
    def span(self) -> tuple[float, float]:
        """First and last energy."""
        return float(self.energy[0]), float(self.energy[-1])

    def between(self, low: float, high: float) -> Scan:
        """Return the part with ``low <= energy <= high``."""
        inside = (self.energy >= low) & (self.energy <= high)
        stderr = None if self.stderr is None else self.stderr[inside]
        return replace(self, energy=self.energy[inside], mu=self.mu[inside], stderr=stderr)


def absorption_scan(ds: xr.Dataset, signals: tuple[str, ...] = SIGNALS) -> Scan:
    """Return the one scan of a Dataset.

    Points that are not finite are left out, descending scans are turned, repeated energies are averaged.

    Raises
    ------
    NotAnalysable
        If there is no energy axis, none of `signals`, or more than one scan.
    """
    signal = next((name for name in signals if name in ds.data_vars), None)
    if signal is None or "energy" not in ds.variables:
        raise NotAnalysable(f"found the variables {sorted(map(str, ds.data_vars))}; expected one of {list(signals)}")
    mu = ds[signal]
    if mu.sizes.get("scan", 1) > 1:
        raise NotAnalysable(f"{signal} holds {mu.sizes['scan']} scans; pass one of them, as in ds.isel(scan=0)")
    energy = np.asarray(ds["energy"].values, dtype=float)
    values = np.asarray(mu.values, dtype=float).reshape(energy.shape)
    name = f"{signal}_stderr"
    stderr = np.asarray(ds[name].values, dtype=float).reshape(energy.shape) if name in ds.data_vars else None
    mode = str(ds.attrs.get("mode", signal.removeprefix("mu_").replace("_", " ")))
    return _clean(Scan(energy, values, stderr, signal, mode if mode in MODES else ""))


def _clean(scan: Scan) -> Scan:
    keep = np.isfinite(scan.energy) & np.isfinite(scan.mu)
    if scan.stderr is not None:
        keep &= np.isfinite(scan.stderr) & (scan.stderr > 0)
    unique, inverse = np.unique(scan.energy[keep], return_inverse=True)
    if unique.size < _FEWEST:
        raise NotAnalysable(f"{scan.signal} has {unique.size} usable points; an absorption scan needs {_FEWEST}")
    number = np.bincount(inverse)
    mean = np.bincount(inverse, scan.mu[keep]) / number
    stderr = None if scan.stderr is None else np.sqrt(np.bincount(inverse, scan.stderr[keep] ** 2)) / number
    return replace(scan, energy=unique, mu=mean, stderr=stderr)


def noise(energy: Array, mu: Array) -> float:
    """Return the standard deviation of a point from the scatter about its two neighbours.

    The median makes it blind to the few points where the edge itself bends.
    """
    left, right = np.diff(energy)[:-1], np.diff(energy)[1:]
    weight = right / (left + right)
    scatter = mu[1:-1] - weight * mu[:-2] - (1 - weight) * mu[2:]
    scatter /= np.sqrt(1 + weight**2 + (1 - weight) ** 2)
    return float(1.4826 * np.median(np.abs(scatter - np.median(scatter))))
