"""Figures of low-loss spectra: what was taken for electrons without loss, and the relative thickness over the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .plot_style import BLUE, GREY, ORANGE, axis_label
from .wording import headline

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Result

_DECADES = 1e-6
"""Lowest counts shown, as a share of the highest."""


def relative_thickness(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw the mean spectrum with its zero-loss part and, where there are several, the thickness over their places."""
    values = curves["relative_thickness"]
    axes: Any = figure.subplots(1, 2 if values.size > 1 else 1, squeeze=False)
    axes = axes[0]
    _spectrum(axes[0], curves)
    axes[0].set_title(headline(result.quantities[0]), fontsize=9)
    if values.size == 1:
        return
    if values.squeeze().ndim == 1:
        _along(axes[1], curves, result)
    else:
        _map(figure, axes[1], values)


def _spectrum(ax: Axes, curves: xr.Dataset) -> None:
    energy, whole = curves["energy"].values, curves["spectrum"].values
    zero_loss = curves["zero_loss_spectrum"].values
    top = float(whole.max())
    bottom = max(_DECADES * top, 0.5 * float(whole[whole > 0].min()))
    ax.fill_between(energy, bottom, np.maximum(zero_loss, bottom), color=ORANGE, alpha=0.3, lw=0, label="without loss")
    ax.semilogy(energy, np.where(whole > 0, whole, np.nan), color=BLUE, lw=0.9, label="all electrons")
    begin = float(energy[np.argmax(whole > bottom)]) - 0.02 * float(np.ptp(energy))
    ax.set(xlabel="energy loss (eV)", ylabel="counts", ylim=(bottom, 3.0 * top))
    ax.set_xlim(max(float(energy[0]), begin), float(energy[-1]))
    ax.legend(loc="upper right", handlelength=1.2)


def _along(ax: Axes, curves: xr.Dataset, result: Result) -> None:
    """Draw the thickness along a line scan, and the range in which the logarithm of the ratio may be trusted."""
    values = curves["relative_thickness"].squeeze()
    place, known = values[values.dims[0]], curves["relative_thickness_stderr"].squeeze().values
    ax.errorbar(place.values, values.values, known, fmt="o", ms=3.2, mfc="none", lw=0.7, color=BLUE)
    ax.axhline(result.quantities[0].value, color=ORANGE, lw=1.0)
    ax.set(xlabel=axis_label(place), ylabel="relative thickness $t/λ$")
    ax.set_ylim(bottom=min(0.0, float(values.min())))
    ax.axhline(0.0, color=GREY, lw=0.6)


def _map(figure: Figure, ax: Axes, values: xr.DataArray) -> None:
    y, x = (values[dim] for dim in values.dims)
    half_y, half_x = (0.5 * float(axis[-1] - axis[0]) / max(axis.size - 1, 1) for axis in (y, x))
    extent = (float(x[0]) - half_x, float(x[-1]) + half_x, float(y[-1]) + half_y, float(y[0]) - half_y)
    shown = ax.imshow(values.values, extent=extent, cmap="viridis", interpolation="nearest")
    figure.colorbar(shown, ax=ax, label="relative thickness $t/λ$", shrink=0.85)
    ax.set(xlabel=axis_label(x), ylabel=axis_label(y))
