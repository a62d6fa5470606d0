"""Profile of X-ray lines across an interface from a map: counts added up along the local normal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from interlayer.parsers.schema import build

from ...errors import NotAnalysable
from .signed_distance import given_line, map_grid, signed_distance, trace_map, trace_noise
from .windows import Window, line_window, net_counts
from .xray_lines import parse_line

Array = NDArray[np.float64]
Places = NDArray[np.intp]

_NEAR = 4  # bins on either side of the interface in which the pixels a bin are counted
_WIDEST = 2.0  # width of a bin in the nominal one beyond which it lies at a ragged end of the map


def profile_across(
    spectra: xr.Dataset,
    *,
    interface: str | ArrayLike,
    lines: Sequence[str],
    bin_width: float | None = None,
    reach: float | None = None,
    background: Literal["none", "linear"] = "none",
    smoothing: float = 20.0,
    resolution: float = 130.0,
) -> xr.Dataset:
    """Add up the counts of a map by their distance from an interface.

    Every point of the profile holds the same number of whole pixels, sorted by their distance, so its counts remain
    Poisson's and points compare without a weight.

    Parameters
    ----------
    spectra : xarray.Dataset
        Technique "eds" with raw counts over y, x and energy or line, or "eds_events", the stream of single X-rays,
        which is added up without making a cube of it. Axes in nm.
    interface : str or array-like, shape (n, 2)
        A line, at the edge of whose map the interface is traced, or points (y, x) along it in nm. Distances grow
        towards more counts of the line, or to the right of the way along the points as y is drawn downwards.
    lines : sequence of str
        Such as ``"Co_Ka"``.
    bin_width : float, optional
        Nominal distance of the points in nm; by default, and at least, the smaller side of a pixel.
    reach : float, optional
        Largest distance from the interface in nm; by default all of the map.
    background : str
        ``"none"`` keeps raw counts in the window of each line, which is what `interdiffusion_width` fits: background
        then is part of the levels. ``"linear"`` subtracts a line through the background on both sides and gives net
        counts with their uncertainty, which is what `concentrations` needs. Another line within 1.6 widths of the line
        is taken for background and makes the net too small.
    smoothing : float
        Length in nm over which a traced interface is taken to be smooth; above its roughness, below its radius. The
        longer, the less does the trace follow shot noise.
    resolution : float
        Full width at half maximum of the detector at Mn Ka in eV.

    Returns
    -------
    xarray.Dataset
        Technique "eds", ``counts`` over distance and line, with ``counts_stderr`` where a background was subtracted.
        The attribute ``sampling_sigma`` (nm) is the spread of distances within a point and ``trace_variance`` (nm2)
        that of the traced interface by shot noise, with its standard uncertainty; `interdiffusion_width` takes both
        off. ``pixels_per_point`` is the number of pixels.

    Raises
    ------
    NotAnalysable
        If the map is not calibrated, holds no raw counts, lacks a line, or shows no interface.
    ValueError
        If an option is none of those named here or the points are no line.
    """
    if background not in ("none", "linear"):
        raise ValueError(f"background is {background!r}; expected 'none' or 'linear'")
    grid = map_grid(spectra)
    n_pixels = grid.shape[0] * grid.shape[1]
    source = _source(spectra, resolution)
    if isinstance(interface, str):
        whole = source.sums(interface, np.arange(n_pixels), n_pixels)[0]
        curve = trace_map(whole.reshape(grid.shape), grid, smoothing)
        tracing = trace_noise(whole.reshape(grid.shape), grid, smoothing)
    else:
        curve, tracing = given_line(np.asarray(interface, dtype=np.float64), grid), (0.0, 0.0)
    distance = signed_distance(grid, curve)
    distance = np.where(source.missing(n_pixels), np.nan, distance)
    if reach is not None:
        distance = np.where(np.abs(distance) > reach, np.nan, distance)
    width = max(bin_width or 0.0, grid.step)
    place, means, sampling, size = _bins(distance, width)
    columns, spreads = [], []
    for name in lines:
        sums = source.sums(name, place, len(means))
        window = source.window(name)
        if background == "linear" and window is None:
            raise NotAnalysable("the map holds counts of lines without spectra; a background cannot be subtracted")
        net, spread = net_counts(sums, window) if background == "linear" and window else (sums[0], sums[0])
        columns.append(net)
        spreads.append(spread)
    values: dict[str, ArrayLike | xr.Variable] = {
        "distance": xr.Variable("distance", means, {"units": "nm"}),
        "line": np.array(list(lines)),
        "counts": xr.Variable(("distance", "line"), np.stack(columns, axis=1), {"units": "count"}),
    }
    if background == "linear":
        values["counts_stderr"] = xr.Variable(("distance", "line"), np.stack(spreads, axis=1), {"units": "count"})
    kept = {key: value for key, value in spectra.attrs.items() if key not in ("technique", "original_metadata")}
    made = {"sampling_sigma": sampling, "pixels_per_point": size, "bin_width": width}
    made |= {"trace_variance": tracing[0], "trace_variance_stderr": tracing[1]}
    return build("eds", values, **kept, **made)


def _bins(distance: Array, width: float) -> tuple[Places, Array, float, int]:
    """Sort pixels by distance into points of equally many, as wide as wanted at the interface.

    Returns
    -------
    place : ndarray of int, shape (pixels,)
        Point of each pixel, -1 for none.
    means : ndarray, shape (n,)
        Mean distance of each point.
    sampling : float
        Root mean square spread of distances within a point.
    size : int
        Pixels a point.
    """
    near = (distance > -_NEAR * width) & (distance <= _NEAR * width)
    size = max(round(int(near.sum()) / (2 * _NEAR)), 1)
    order = np.argsort(distance, kind="stable")[: int(np.isfinite(distance).sum())]
    spare = len(order) % size
    kept = order[spare // 2 : len(order) - (spare - spare // 2)].reshape(-1, size)
    sorted_distance = distance[kept]
    narrow = np.ptp(sorted_distance, axis=1) < _WIDEST * width
    if narrow.sum() < 2:
        raise NotAnalysable("the interface leaves less than two points of a profile within the map")
    kept, sorted_distance = kept[narrow], sorted_distance[narrow]
    place = np.full(len(distance), -1, dtype=np.intp)
    place[kept] = np.arange(len(kept))[:, None]
    return place, sorted_distance.mean(axis=1), float(np.sqrt(sorted_distance.var(axis=1).mean())), size


class _Cube:
    """Spectra or lines of all pixels."""

    def __init__(self, spectra: xr.Dataset, resolution: float) -> None:
        self.counts = spectra["counts"]
        self.axis = "energy" if "energy" in self.counts.dims else "line"
        self.flat = self.counts.transpose("y", "x", self.axis).to_numpy().reshape(-1, self.counts.sizes[self.axis])
        if np.nanmin(self.flat) < 0:
            raise NotAnalysable("some counts are negative; give raw counts without background subtraction")
        self.energy = spectra["energy"].to_numpy().astype(np.float64) if self.axis == "energy" else None
        self.names = [] if self.axis == "energy" else [str(name) for name in spectra["line"].to_numpy()]
        self.resolution = resolution

    def window(self, name: str) -> Window | None:
        return None if self.energy is None else line_window(name, self.energy, self.resolution)

    def missing(self, n_pixels: int) -> NDArray[np.bool_]:
        if self.flat.dtype.kind in "iu":
            return np.zeros(n_pixels, dtype=bool)
        return np.asarray(~np.isfinite(self.flat).all(axis=1))

    def sums(self, name: str, place: Places, n: int) -> Array:
        """Return counts of line, background below and above by place, shape (3, n); of the line only for line maps."""
        window = self.window(name)
        if window is None:
            pixels = [self.flat[:, self._line(name)]]
        else:
            pixels = [self.flat[:, start:stop].sum(axis=1) for start, stop in window.ranges]
        used = place >= 0
        return np.stack(
            [np.bincount(place[used], np.nan_to_num(np.asarray(part[used], dtype=np.float64)), n) for part in pixels]
        )

    def _line(self, name: str) -> int:
        wanted = parse_line(name)
        for place, own in enumerate(self.names):
            line = parse_line(own)
            if own == name or (wanted is not None and line is not None and line.is_part_of(wanted)):
                return place
        raise NotAnalysable(f"the line {name!r} is not in the map; it holds {self.names}")


class _Events:
    """Single X-rays, each with its pixel and channel."""

    def __init__(self, spectra: xr.Dataset, resolution: float) -> None:
        self.pixel, self.channel = spectra["pixel"].to_numpy(), spectra["channel"].to_numpy()
        self.energy = spectra["energy"].to_numpy().astype(np.float64)
        self.resolution = resolution

    def window(self, name: str) -> Window | None:
        return line_window(name, self.energy, self.resolution)

    def missing(self, n_pixels: int) -> NDArray[np.bool_]:
        return np.zeros(n_pixels, dtype=bool)

    def sums(self, name: str, place: Places, n: int) -> Array:
        """Return counts of line, background below and above by place, shape (3, n)."""
        parts = []
        for start, stop in line_window(name, self.energy, self.resolution).ranges:
            found = place[self.pixel[(self.channel >= start) & (self.channel < stop)]]
            parts.append(np.bincount(found[found >= 0], minlength=n).astype(np.float64))
        return np.stack(parts)


def _source(spectra: xr.Dataset, resolution: float) -> _Cube | _Events:
    technique = spectra.attrs.get("technique")
    if technique == "eds_events":
        return _Events(spectra, resolution)
    if (
        technique != "eds"
        or "counts" not in spectra
        or set(spectra["counts"].dims)
        not in (
            {"y", "x", "energy"},
            {"y", "x", "line"},
        )
    ):
        raise NotAnalysable("a profile needs an 'eds' map over y, x and energy or line, or the events of one")
    if spectra["counts"].attrs.get("units") != "count":
        raise NotAnalysable("the map holds no raw counts; fractions and net intensities have lost their statistics")
    return _Cube(spectra, resolution)
