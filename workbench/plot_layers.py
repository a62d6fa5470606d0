"""Figures of layers in micrographs: the traced edges on the image, the thickness along them, the profile across."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import plot_micrograph
from .plot_style import BLUE, GREEN, GREY, ORANGE, POINTS, RED
from .wording import headline, number

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Result

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MAP_LIMITS = (2, 98)  # percentiles of the thickness at the ends of the colours
_COLOURS = "viridis"
_MOST_REASONS = 2
_UNRESOLVED = "Not resolved: "
_NEXT = 1.5  # median steps between two blocks up to which nothing is missing between them


def layer_on_image(ds: xr.Dataset, curves: xr.Dataset, result: Result) -> Figure:
    """Draw a micrograph with the layer that was found in it, beside what `layer` draws.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image", as it was given to the analysis.
    curves : xarray.Dataset
        Of the result.
    result : Result
        From `interlayer.analysis.tem.layer_thickness`. Edges of a layer that is not resolved are not drawn, only the
        interface along which it was looked for.
    """
    figure, view, (rest, panels) = plot_micrograph.with_panels(ds)
    ax = view.subplots()
    plot_micrograph.under(ax, ds, curves)
    if result.quantities[0].relation == "=":
        _thickness_map(view, ax, curves)
    else:
        ax.plot(curves["interface_x"], curves["interface_y"], color=ORANGE, lw=0.9)
    rejected = curves.isel(arclength=~curves["accepted"].values.astype(bool))
    ax.plot(rejected["interface_x"], rejected["interface_y"], "x", ms=4, mew=0.9, color=RED)
    _panels(rest, panels, curves, result)
    return figure


def layer(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw thickness along the interface and profile across it, with model, edges and residuals.

    A layer that is not resolved shows the same data with the reason, and neither mean nor thickness.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        To draw into.
    curves : xarray.Dataset
        Of the result.
    result : Result
        From `interlayer.analysis.tem.layer_thickness`.
    """
    _panels(figure, figure.subfigures(1, 2), curves, result)


def _thickness_map(figure: Any, ax: Axes, curves: xr.Dataset) -> None:
    """Draw both edges and the blocks between them in the colour of their thickness."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import Normalize

    used, thickness = curves["accepted"].values.astype(bool), curves["thickness"].values
    first, second = (np.stack([curves[f"{edge}_{axis}"].values for axis in ("x", "y")], 1) for edge in _EDGES)
    runs = _runs(curves["arclength"].values, used)
    scale = Normalize(*np.percentile(thickness[used], _MAP_LIMITS))
    corners = np.concatenate([_quadrilaterals(first[run], second[run]) for run in runs])
    blocks = PolyCollection(corners, cmap=_COLOURS, norm=scale, alpha=0.7, linewidths=0)  # type: ignore[arg-type]
    blocks.set_array(np.concatenate([thickness[run] for run in runs]))
    ax.add_collection(blocks, autolim=False)
    for edge in (first, second):
        for run in runs:
            ax.plot(*edge[run].T, color=ORANGE, lw=0.7, scalex=False, scaley=False)
    opaque = ScalarMappable(scale, _COLOURS)
    side = "right" if plot_micrograph.is_tall(ax) else "bottom"
    label = "local thickness (nm)"
    bar = figure.colorbar(opaque, ax=ax, location=side, aspect=40, pad=0.02, extend="both", label=label)
    bar.outline.set_visible(False)


def _runs(arclength: Floats, used: Flags) -> list[NDArray[np.intp]]:
    """Return the blocks that follow each other without a gap or a rejected one between them."""
    places = np.flatnonzero(used)
    step = float(np.median(np.diff(arclength)))
    apart = np.diff(arclength[places]) > _NEXT * step
    return [np.asarray(run) for run in np.split(places, np.flatnonzero(apart) + 1)]


def _quadrilaterals(first: Floats, second: Floats) -> Floats:
    """Return the corners of blocks, shape (n, 4, 2), that meet half way between neighbours on two curves."""

    def rims(edge: Floats) -> tuple[Floats, Floats]:
        between = 0.5 * (edge[1:] + edge[:-1])
        return np.concatenate([edge[:1], between]), np.concatenate([between, edge[-1:]])

    (begin, end), (far_begin, far_end) = rims(first), rims(second)
    return np.stack([begin, end, far_end, far_begin], axis=1)


def _panels(figure: Any, panels: Any, curves: xr.Dataset, result: Result) -> None:
    """Draw thickness and profile into two parts of a figure with the number, or the reason for none, above them."""
    figure.suptitle(_title(result), fontsize=9)
    _along(panels[0].subplots(), curves, result)
    _across(panels[1].subplots(2, 1, sharex=True, height_ratios=(3, 1)), curves, result)


def _title(result: Result) -> str:
    """Return the thickness, and for a limit the first reasons why it is one."""
    reasons = [note.removeprefix(_UNRESOLVED).rstrip(".") for note in result.notes if note.startswith(_UNRESOLVED)]
    said = headline(result.quantities[0])
    if not reasons:
        return said
    more = len(reasons) - _MOST_REASONS
    text = "not resolved: " + "; ".join(reasons[:_MOST_REASONS]) + (f" (and {more} more)" if more > 0 else "")
    return "\n".join([said, *textwrap.wrap(text, 62)])


def _along(ax: Axes, curves: xr.Dataset, result: Result) -> None:
    """Draw the thickness of each block with the means of the coating and of this field and the roughness."""
    resolved = result.quantities[0].relation == "="
    used, length = curves["accepted"].values.astype(bool), curves["arclength"].values
    factor = _correction(curves, result)
    thickness, stderr = factor * curves["thickness"].values, factor * curves["thickness_stderr"].values
    colour = BLUE if resolved else GREY
    ax.errorbar(
        length[used], thickness[used], stderr[used], fmt="o", ms=2.2, mew=0.6, lw=0.5, color=colour, mfc="none",
        label="block, s.u.",
    )  # fmt: skip
    if resolved:
        _means(ax, result)
    low, high = _reach(thickness[used], stderr[used], result)
    ax.set_ylim(low, high)
    if not used.any():
        ax.set_yticks([])
    if not used.all():
        ax.plot(length[~used], np.full(np.count_nonzero(~used), low), "x", ms=4, color=RED, label="rejected",
                clip_on=False)  # fmt: skip
    ax.set(xlabel="along the interface (nm)", ylabel="thickness (nm)" if factor == 1.0 else "thickness, corrected (nm)")
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2, handlelength=1.4, fontsize=7.5)


def _correction(curves: xr.Dataset, result: Result) -> float:
    """Return by what a stated tilt or section height made the thickness other than it looks in the image."""
    mean = result.quantities[0]
    if mean.relation != "=" or mean.kind != "derived":
        return 1.0
    return mean.value / _apparent(curves)


def _apparent(curves: xr.Dataset) -> float:
    return float(curves["thickness"].values[curves["accepted"].values.astype(bool)].mean())


def _means(ax: Axes, result: Result) -> None:
    mean = result["layer_thickness"]
    if mean.interval95 is not None:
        ax.axhspan(*mean.interval95, color=ORANGE, alpha=0.18, lw=0, label="mean of the coating, 95 %")
    if "layer_thickness_field" in result and (field := result["layer_thickness_field"]).interval95 is not None:
        ax.axhspan(*field.interval95, color=ORANGE, alpha=0.35, lw=0, label="mean of this field, 95 %")
    ax.axhline(mean.value, color=ORANGE, lw=1.0)
    if "interface_roughness" not in result:
        return
    roughness = result["interface_roughness"]
    if roughness.relation == "=":
        for sign in (-1, 1):
            label = f"± roughness ({roughness.value:.2g} nm)" if sign == 1 else None
            ax.axhline(mean.value + sign * roughness.value, color=GREEN, lw=0.9, ls="--", label=label)


def _reach(thickness: Floats, stderr: Floats, result: Result) -> tuple[float, float]:
    """Return limits around the points and their mean; uncertainties count as the typical one does."""
    typical = float(np.median(stderr)) if stderr.size else 0.0
    ends = [thickness - typical, thickness + typical]
    mean = result.quantities[0]
    if mean.relation == "=" and mean.interval95 is not None:
        ends.append(np.array(mean.interval95))
    every = np.concatenate(ends)
    if not every.size:
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _across(axes: Any, curves: xr.Dataset, result: Result) -> None:
    """Draw the median profile with its model and the thickness between the edges, and what the model leaves."""
    ax, residual = axes
    distance, profile = curves["distance"].values, curves["profile"].values
    ax.plot(distance, profile, **{**POINTS, "ms": 2.2, "mew": 0.6})
    ax.plot(distance, curves["profile_model"], color=ORANGE, lw=1.2)
    ax.set_ylabel("intensity")
    noise = _noise_of_profile(curves)
    residual.fill_between(distance, -2 * noise, 2 * noise, color=GREY, alpha=0.25, lw=0)
    residual.plot(distance, profile - curves["profile_model"].values, color=BLUE, lw=0.8)
    residual.axhline(0, color=GREY, lw=0.6)
    residual.set(xlabel="across the interface (nm)", ylabel="residual")
    if result.quantities[0].relation == "=":
        _dimension(ax, residual, curves, result)


def _noise_of_profile(curves: xr.Dataset) -> Floats:
    """Return the standard error of the profile from how the residuals of the blocks scatter, shape (distance,)."""
    residual = curves["residual"].values[curves["accepted"].values.astype(bool)]
    if len(residual) < 2:
        return np.zeros(residual.shape[1])
    return np.asarray(np.nanstd(residual, axis=0, ddof=1) / np.sqrt(len(residual)))


def _dimension(ax: Axes, residual: Axes, curves: xr.Dataset, result: Result) -> None:
    """Draw the edges and, above the profile, the thickness between them as in a technical drawing."""
    used = curves["accepted"].values.astype(bool)
    begin, apparent = float(np.median(curves["x1"].values[used])), _apparent(curves)
    low, high = (float(extreme(curves["profile"].values)) for extreme in (np.nanmin, np.nanmax))
    span = high - low
    ax.set_ylim(low - 0.08 * span, high + 0.42 * span)
    place = high + 0.14 * span
    for edge in (begin, begin + apparent):
        ax.vlines(edge, low - 0.08 * span, place + 0.05 * span, color=GREEN, lw=0.8, ls="--")
        residual.axvline(edge, color=GREEN, lw=0.8, ls="--")
    arrow = {"arrowstyle": "<->", "color": GREEN, "lw": 1.0, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (begin, place), (begin + apparent, place), arrowprops=arrow)
    mean = result.quantities[0]
    said = f"t = {number(mean)} nm" if mean.kind != "derived" else f"t = {apparent:.3g} nm as seen"
    ax.text(begin + 0.5 * apparent, place + 0.07 * span, said, ha="center", va="bottom", fontsize=8)


_EDGES = ("edge1", "edge2")
