"""Pixel size from a scale bar burnt into an image, for files that say nothing else. The length is stated, never read.

A bar is a bright or dark rectangle, much longer than high, of one grey level, in the lower part of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import NotAnalysable
from ..quantity import Quantity, Result

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LOWER = 0.55  # of the height: bars lie below
_SHORTEST, _LONGEST = 0.04, 0.85  # of the width: below are letters, above frames and lines between image and caption
_SLENDER = 4.0  # length over height
_UNIFORM = 0.06  # of the range of grey: what compression leaves of one level
_CONTRAST = (0.25, 0.25, 0.1, 0.1)  # of the range of grey, to above, below, left and right, where few pixels tell
_SOLID = 0.9  # share of a rectangle that the bar fills
_SAME = 1.03  # ratio of lengths below which two candidates are one bar and its outline
_BESIDE = 0.06  # of the height: rows above and below a bar that hold its caption
_ASIDE = 1.5  # lengths of a bar to its left and right, for a caption beside it
_END = 1.0  # pixels by which each end may err


@dataclass(frozen=True)
class _Bar:
    """Rows and columns of a candidate, the ends between pixels, and whether it is bright."""

    top: int
    bottom: int
    begin: float
    end: float
    bright: bool

    @property
    def length(self) -> float:
        return self.end - self.begin


def find_scale_bar(ds: xr.Dataset, *, length: Quantity, pixel_size_relative_uncertainty: float = 0.015) -> Result:
    """Find the scale bar of an image and return the pixel size that its stated length gives.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image", one frame; colours are averaged.
    length : Quantity
        What the caption says the bar measures. Its unit makes the scale; nothing is read from the image.
    pixel_size_relative_uncertainty : float
        Of the calibration by which the microscope drew the bar, as for `layer_thickness`.

    Returns
    -------
    Result
        ``pixel_size`` in nm, for ``layer_thickness(..., pixel_size=...)``, with the uncertainty of both ends, one pixel
        each, of the stated length and of the calibration. The diagnostics say where the bar was found and `curves`
        holds what surrounds it; look at it before you believe it.

    Raises
    ------
    NotAnalysable
        If there is no bar, or if several things could be one.
    UnitError
        If the length is none.

    Examples
    --------
    >>> from interlayer.parsers.schema import build
    >>> grey = np.full((256, 256), 90.0)
    >>> grey[230:236, 40:140] = 255.0
    >>> ds = build("image", {"intensity": grey, "y": range(256), "x": range(256)}, calibrated=0)
    >>> print(find_scale_bar(ds, length=Quantity("scale_bar", 20.0, None, "nm"))["pixel_size"])
    pixel_size = 0.2000 ± 0.0034 nm
    """
    stated = length.to("nm")
    if stated.value <= 0 or stated.relation != "=":
        raise NotAnalysable(f"found {length}; a scale bar has a length above 0")
    grey = _grey(ds)
    bar = _only(_candidates(grey))
    ends = math.sqrt(2.0 / 3.0) * _END / bar.length
    value = stated.value / bar.length
    parts = {"ends of the bar": value * ends, "stated length": value * stated.relative}
    parts["calibration"] = value * pixel_size_relative_uncertainty
    return Result(
        method=f"scale bar of {bar.length:.4g} pixels, stated to be {length.value:.4g} {length.unit} long",
        quantities=(Quantity("pixel_size", value, math.hypot(*parts.values()), "nm", kind="measured"),),
        diagnostics={
            "bar_top": float(bar.top),
            "bar_bottom": float(bar.bottom),
            "bar_begin": bar.begin,
            "bar_end": bar.end,
            "bar_length": bar.length,
        },
        budget={"pixel_size": parts},
        notes=(
            f"A {'bright' if bar.bright else 'dark'} bar in the rows {bar.top} to {bar.bottom}, columns "
            f"{bar.begin:.4g} to {bar.end:.4g}, was taken for the scale bar; its length is as stated.",
        ),
        provenance={"length": str(length)} | {k: str(ds.attrs[k]) for k in ("source_file",) if k in ds.attrs},
        curves=_surroundings(grey, bar),
    )


def _surroundings(grey: Array, bar: _Bar) -> xr.Dataset:
    """Return what surrounds a bar, its caption among it, over rows and columns of the image."""
    beyond = max(int(_BESIDE * grey.shape[0]), 4 * (bar.bottom - bar.top + 1))
    rows = np.arange(max(bar.top - beyond, 0), min(bar.bottom + beyond + 1, grey.shape[0]))
    aside = _ASIDE * bar.length
    columns = np.arange(max(int(bar.begin - aside), 0), min(math.ceil(bar.end + aside), grey.shape[1]))
    shown = grey[np.ix_(rows, columns)]
    return xr.Dataset({"surroundings": (("row", "column"), shown)}, coords={"row": rows, "column": columns})


def _grey(ds: xr.Dataset) -> Array:
    """Return grey values, shape (rows, columns)."""
    if ds.attrs.get("technique") != "image":
        raise NotAnalysable(f"the technique is {ds.attrs.get('technique')!r}; scale bars are found in an 'image'")
    intensity = ds["intensity"].squeeze(drop=True)
    if "frame" in intensity.dims or not {"y", "x"} <= set(intensity.dims):
        raise NotAnalysable(f"the image has the dimensions {intensity.dims}; choose one frame with ds.isel")
    others = [dim for dim in intensity.dims if dim not in ("y", "x")]
    values = intensity.mean(others) if others else intensity
    grey = values.transpose("y", "x").to_numpy().astype(np.float64)
    if not np.isfinite(grey).all() or not np.ptp(grey) > 0:
        raise NotAnalysable("the image is uniform or has missing pixels; there is no scale bar to find")
    return np.asarray(grey)


def _candidates(grey: Array) -> list[_Bar]:
    """Return all slender rectangles of an extreme grey level in the lower part of an image."""
    from scipy.ndimage import find_objects, label

    first = int(_LOWER * grey.shape[0])
    lower = grey[first:]
    low, high = float(lower.min()), float(lower.max())
    tolerance = _UNIFORM * (high - low)
    bars = []
    for bright, mask in ((True, lower >= high - tolerance), (False, lower <= low + tolerance)):
        runs = _long_runs(mask)
        labels, _ = label(runs)
        for rows, columns in find_objects(labels):
            bar = _rectangle(grey, rows.start + first, rows.stop + first, columns.start, columns.stop, bright)
            if bar is not None:
                bars.append(bar)
    return bars


def _long_runs(mask: Flags) -> Flags:
    """Return the pixels of horizontal runs that are long enough for a bar."""
    least = max(int(_SHORTEST * mask.shape[1]), 8)
    padded = np.pad(mask.astype(np.int8), ((0, 0), (1, 1)))
    change = np.diff(padded, axis=1)
    kept = np.zeros_like(mask)
    rows, begins = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    for row, begin, end in zip(rows, begins, ends, strict=True):
        kept[row, begin:end] = end - begin >= least
    return kept


def _rectangle(grey: Array, top: int, bottom: int, begin: int, end: int, bright: bool) -> _Bar | None:
    """Return a bar with its ends between pixels, or None where the rectangle is none."""
    height, width = bottom - top, end - begin
    if width > _LONGEST * grey.shape[1] or width < _SLENDER * height or begin == 0 or end == grey.shape[1]:
        return None
    inside = grey[top:bottom, begin:end]
    level, span = float(np.median(inside)), float(np.ptp(grey))
    if np.mean(np.abs(inside - level) <= 2 * _UNIFORM * span) < _SOLID:
        return None
    beside = [_median_or(grey[max(top - 3, 0) : max(top - 1, 0), begin:end], level)]
    beside.append(_median_or(grey[bottom + 1 : bottom + 3, begin:end], level))
    beside.append(_median_or(grey[top:bottom, max(begin - 3, 0) : max(begin - 1, 0)], level))
    beside.append(_median_or(grey[top:bottom, end + 1 : end + 3], level))
    if min(abs(level - other) / least for other, least in zip(beside, _CONTRAST, strict=True)) < span:
        return None
    middle = grey[top:bottom].mean(axis=0)
    left, right = _share(middle[begin - 1], beside[2], level), _share(middle[end], beside[3], level)
    return _Bar(top, bottom - 1, begin - left, end + right, bright)


def _median_or(values: Array, level: float) -> float:
    return float(np.median(values)) if values.size else level


def _share(value: float, outside: float, level: float) -> float:
    """Return how much of the pixel beyond an end belongs to the bar, by its grey."""
    return float(np.clip((value - outside) / (level - outside), 0.0, 1.0))


def _only(bars: list[_Bar]) -> _Bar:
    """Return the bar if there is one; a bar and its outline of the same length are one."""
    if not bars:
        raise NotAnalysable(
            "no scale bar was found in the lower part of the image; give pixel_size, or crop to the bar and measure it"
        )
    longest = max(bars, key=lambda bar: bar.length)
    others = [bar for bar in bars if longest.length / bar.length > _SAME or _apart(bar, longest)]
    if others:
        places = ", ".join(f"{bar.length:.4g} pixels at row {bar.top}" for bar in (longest, *others[:3]))
        raise NotAnalysable(
            f"{len(others) + 1} things could be the scale bar ({places}); crop the image to one of them"
        )
    return longest


def _apart(bar: _Bar, other: _Bar) -> bool:
    return abs(bar.begin - other.begin) > 0.05 * other.length or abs(bar.top - other.bottom) > other.length / 4
