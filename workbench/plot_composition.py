"""Figures of concentrations along a line scan, with what is known of every point, of all points and of both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .plot_style import BLUE, GREEN, GREY, ORANGE, RED, axis_label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Quantity, Result

_COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)


def concentrations(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw points with the scatter of counting, bands of the k-factors, and the means of both ends."""
    ax = figure.subplots()
    distance = curves["distance"].values
    n = int(result.diagnostics["points_of_an_end"])
    for name, colour in zip(curves["line"].values, _COLOURS * len(curves["line"]), strict=False):
        of_line = curves.sel(line=name)
        share, counting, factors = (of_line[f"concentration{part}"].values for part in ("", "_stderr", "_k_stderr"))
        ax.fill_between(distance, share - factors, share + factors, color=colour, alpha=0.25, lw=0)
        ax.plot(distance, share, "o", ms=1.8, mew=0.5, mfc="none", color=colour, label=str(name).replace("_", " "))
        # One broken line is a fifth of the size of as many error bars.
        bars = np.stack([share - counting, share + counting, np.full_like(share, np.nan)], axis=1)
        ax.plot(np.repeat(distance, 3), bars.ravel(), color=colour, lw=0.4)
        ends = {f"_{name}_begin": distance[:n], f"_{name}_end": distance[-n:]}
        for quantity in result.quantities:
            place = next((places for end, places in ends.items() if quantity.name.endswith(end)), None)
            if place is not None:
                _mean(ax, place, quantity, colour)
    low, high = np.nanmin(curves["concentration"]), np.nanmax(curves["concentration"])
    ax.set(xlabel=axis_label(curves["distance"]), ylabel=axis_label(curves["concentration"]))
    ax.set_ylim(min(0.0, float(low)) - 0.03, max(1.0, float(high)) + 0.03)
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=1.2)
    said = "points: counting; bands: k-factors, alike at all points; boxes: means of both ends (1 s.d.)"
    ax.set_title(said, fontsize=9)


def _mean(ax: Axes, place: NDArray[np.float64], quantity: Quantity, colour: str) -> None:
    """Draw the mean of one end over the points that it was made of, with its uncertainty from all sources."""
    error = quantity.stderr or 0.0
    low, high = quantity.value - error, quantity.value + error
    ax.fill_between(place[[0, -1]], low, high, color=colour, alpha=0.45, lw=0, zorder=3)
    ax.hlines(quantity.value, place[0], place[-1], color="black", lw=1.0, zorder=4)
