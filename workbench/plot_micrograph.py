"""Grey images in figures: as many pixels as a figure shows, contrast that outliers do not set, and a scale bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_MOST = 400
"""Pixels along the longer side of an image: as many as the width of half a page shows."""

_GREYS = 32
"""Grey levels; more cannot be told apart in noise and double the size of a figure."""

_CONTRAST = (0.5, 99.5)
"""Percentiles of the grey values that are black and white, so that a few hot pixels do not darken the rest."""

_ELONGATED = 1.8  # longer over shorter side of an image from which on it has a row of its own, or a narrow column
_ROOM = 1.7  # sides of the part of an image that is drawn, in those of the trace that it shows
_WORTH_A_WINDOW = 0.8  # of the sides of the image, above which all of it is drawn
_BAR = 0.28  # longest scale bar in widths of the image
_CORNERS = ("lower right", "lower left", "upper right", "upper left")
_CORNER = 0.3  # of both sides: what counts as a corner


def image(figure: Figure, ds: xr.Dataset) -> None:
    """Draw the first frame of a Dataset of technique "image" with its axes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        To draw into.
    ds : xarray.Dataset
        Calibrated or not, grey, coloured or complex.
    """
    ax = figure.subplots()
    frame = ds["intensity"] if "frame" not in ds["intensity"].dims else ds["intensity"].isel(frame=0)
    values = np.abs(frame.values) if frame.dtype.kind == "c" else frame.values
    show(ax, values, ds["y"].values, ds["x"].values)
    unit = ds["x"].attrs.get("units", "")
    ax.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})")


def with_panels(ds: xr.Dataset) -> tuple[Figure, Any, tuple[Any, Any]]:
    """Return a figure with room for an image, and for two panels beside it or, where it is wide, below it.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image".

    Returns
    -------
    figure : matplotlib.figure.Figure
    view : matplotlib.figure.SubFigure
        For the image.
    rest : tuple
        The part for the panels, and its two parts.
    """
    from matplotlib.figure import Figure

    height, width = ds.sizes["y"], ds.sizes["x"]
    if width > _ELONGATED * height:
        above = 0.9 + 7.6 * height / width
        figure = Figure(figsize=(8.0, above + 3.2), layout="constrained")
        parts: Any = figure.subfigures(2, 1, height_ratios=(above, 3.2))
        view, rest = parts
        return figure, view, (rest, rest.subfigures(1, 2))
    figure = Figure(figsize=(8.0, 4.8), layout="constrained")
    ratios = (1.0, 3.0) if height > _ELONGATED * width else (1.0, 1.0)
    parts = figure.subfigures(1, 2, width_ratios=ratios)
    view, rest = parts
    return figure, view, (rest, rest.subfigures(2, 1))


def is_tall(ax: Axes) -> bool:
    """Return whether an image is so much higher than wide that a colour bar belongs beside it."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    return abs(top - bottom) > _ELONGATED * abs(right - left)


def under(ax: Axes, ds: xr.Dataset, curves: xr.Dataset) -> None:
    """Draw a micrograph for the curves of a result to be drawn on, with a scale bar, without the vendor's data bar.

    Of an image whose traced interface takes up a small part, that part is drawn.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        To draw into.
    ds : xarray.Dataset
        Technique "image", one grey frame.
    curves : xarray.Dataset
        With the traced interface as ``interface_y`` and ``interface_x``; ``corner_y`` and ``corner_x`` say where the
        first and the last pixel lie, for an image whose pixel size was given to the analysis.
    """
    from interlayer.analysis.tem.image import without_data_bar

    ds = without_data_bar(ds)
    y, x = (_pixels(ds, curves, axis) for axis in ("y", "x"))
    traced = np.stack([curves[f"interface_{axis}"].values for axis in ("y", "x")], axis=1)
    rows, columns = _window((y, x), traced)
    values = ds["intensity"].squeeze(drop=True).transpose("y", "x").values
    show(ax, values[rows, columns], y[rows], x[columns])
    scale_bar(ax, traced)


def _window(axes: tuple[Floats, Floats], traced: Floats) -> tuple[slice, slice]:
    """Return rows and columns of a part of the shape of the image that holds the trace with room around it."""
    sizes = [abs(float(axis[-1] - axis[0])) for axis in axes]
    share = max(float(np.ptp(part)) / size for part, size in zip(traced.T, sizes, strict=True)) * _ROOM
    if share > _WORTH_A_WINDOW:
        return slice(None), slice(None)
    found = []
    for axis, part in zip(axes, traced.T, strict=True):
        length = int(np.ceil(share * len(axis)))
        middle = np.argmin(np.abs(axis - 0.5 * (part.min() + part.max())))
        first = int(np.clip(middle - length // 2, 0, len(axis) - length))
        found.append(slice(first, first + length))
    return found[0], found[1]


def _pixels(ds: xr.Dataset, curves: xr.Dataset, axis: str) -> Floats:
    """Return the centres of the pixels in nm."""
    if f"corner_{axis}" not in curves:
        return np.asarray(ds[axis].values, dtype=np.float64)
    first, last = curves[f"corner_{axis}"].values
    return np.linspace(first, last, ds.sizes[axis])


def show(ax: Axes, values: NDArray[Any], y: NDArray[Any], x: NDArray[Any]) -> None:
    """Draw an image, binned to what a figure shows.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        To draw into.
    values : ndarray, shape (rows, columns) or (rows, columns, 3 or 4)
        Grey values, or colours.
    y, x : ndarray, shape (rows,) and (columns,)
        Centres of the pixels.
    """
    from matplotlib import colormaps

    factor = max(1, -(-max(values.shape[:2]) // _MOST))
    rows, columns = (max(extent // factor * factor, min(extent, 1)) for extent in values.shape[:2])
    few = binned(values[:rows, :columns], factor)
    limits: dict[str, Any] = {}
    if few.ndim == 2:
        finite = few[np.isfinite(few)]
        low, high = np.percentile(finite, _CONTRAST) if finite.size else (0.0, 1.0)
        limits = {"vmin": low, "vmax": high if high > low else low + 1.0, "cmap": colormaps["gray"].resampled(_GREYS)}
    (left, right), (top, bottom) = _outer(x[:columns]), _outer(y[:rows])
    ax.imshow(few, extent=(left, right, bottom, top), interpolation="nearest", **limits)


def binned(values: NDArray[Any], factor: int) -> NDArray[Any]:
    """Return the means of squares of pixels; colours keep their type.

    Parameters
    ----------
    values : ndarray, shape (rows, columns, ...)
        Sides that are multiples of the factor.
    factor : int
        Side of a square in pixels.

    Examples
    --------
    >>> binned(np.array([[0.0, 2.0], [4.0, 6.0]]), 2)
    array([[3.]])
    """
    if factor == 1:
        return values
    rows, columns = (extent // factor for extent in values.shape[:2])
    means = values.reshape(rows, factor, columns, factor, *values.shape[2:]).mean(axis=(1, 3))
    return np.asarray(means.astype(values.dtype) if values.ndim == 3 else means)


def _outer(centres: NDArray[Any]) -> tuple[float, float]:
    """Return the outer rims of the first and the last pixel of an axis."""
    first, last = float(centres[0]), float(centres[-1])
    half = 0.5 * (last - first) / (len(centres) - 1) if len(centres) > 1 else 0.5
    return first - half, last + half


def scale_bar(ax: Axes, avoid: Floats) -> None:
    """Draw a bar of a round length into the corner of an image in nm where it hides least, and take the axes away.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With an image in nm.
    avoid : ndarray, shape (n, 2)
        Points (y, x) in nm that the bar should not cover.
    """
    from matplotlib.font_manager import FontProperties
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar  # type: ignore[import-untyped]

    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    length = round_length(_BAR * abs(right - left))
    across, down = (avoid[:, 1] - left) / (right - left), (avoid[:, 0] - top) / (bottom - top)
    places = ((1 - across, 1 - down), (across, 1 - down), (1 - across, down), (across, down))
    hidden = [np.count_nonzero((beside < _CORNER) & (below < _CORNER)) for beside, below in places]
    bar = AnchoredSizeBar(
        ax.transData,
        length,
        _label(length),
        _CORNERS[int(np.argmin(hidden))],
        pad=0.4,
        borderpad=0.5,
        sep=3,
        color="white",
        size_vertical=0.008 * abs(bottom - top),
        fontproperties=FontProperties(size=8),
    )
    bar.patch.set(facecolor="black", edgecolor="none", alpha=0.6)
    ax.add_artist(bar)
    ax.set_axis_off()


def round_length(longest: float) -> float:
    """Return the longest length of 1, 2 or 5 times a power of ten that is not above another.

    Examples
    --------
    >>> round_length(43.0), round_length(0.7), round_length(100.0)
    (20.0, 0.5, 100.0)
    """
    power = 10.0 ** np.floor(np.log10(longest))
    return float(power * max(step for step in (1.0, 2.0, 5.0) if step * power <= longest * (1 + 1e-9)))


def _label(length: float) -> str:
    return f"{length:g} nm" if length < 1000.0 else f"{length / 1000.0:g} µm"
