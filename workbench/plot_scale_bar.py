"""Figures of scale bars: the rows around the bar that was found, for a look before its pixel size is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import plot_micrograph
from .plot_style import ORANGE
from .wording import headline

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Result


_BEYOND = 0.06
"""Of the rows shown, by which the frame stands off above and below the bar; its ends are those of the bar."""


def surroundings(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw what surrounds a scale bar with a frame around what was taken for it."""
    from matplotlib.patches import Rectangle

    ax = figure.subplots()
    rows, columns = curves["row"].values, curves["column"].values
    plot_micrograph.show(ax, curves["surroundings"].values, rows, columns)
    top, bottom, begin = (result.diagnostics[f"bar_{edge}"] for edge in ("top", "bottom", "begin"))
    length, beyond = result.diagnostics["bar_length"], _BEYOND * len(rows)
    # Ends lie between pixels, which are drawn around their numbers.
    corner = (begin - 0.5, top - 0.5 - beyond)
    height = bottom - top + 1.0 + 2.0 * beyond
    ax.add_patch(Rectangle(corner, length, height, fill=False, edgecolor=ORANGE, lw=1.2))
    ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
    ax.set_title(f"{result.method}: {headline(result.quantities[0])}", fontsize=9)
