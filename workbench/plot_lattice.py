"""Figures of lattice spacings: the power spectrum of an image with the reflections that were found in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import plot_micrograph
from .plot_style import ORANGE
from .wording import number, printed_unit

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Result

_CONTRAST = (30.0, 99.98)
"""Percentiles of the logarithm of the power that are black and white; spots fill some parts in ten thousand."""


def spectrum_beside_image(ds: xr.Dataset, curves: xr.Dataset, result: Result) -> Figure:
    """Draw an image beside its power spectrum with the reflections."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 2.7), layout="constrained")
    parts: Any = figure.subfigures(1, 2, width_ratios=(1, 1.9))
    plot_micrograph.image(parts[0], ds)
    spectrum(parts[1], curves, result)
    return figure


def spectrum(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw the power spectrum with numbered reflections, and beside it their spacings and the angles between them."""
    axes: Any = figure.subplots(1, 2, width_ratios=(1, 0.95))
    _spots(axes[0], curves)
    _table(axes[1], result)


def _spots(ax: Axes, curves: xr.Dataset) -> None:
    from matplotlib.ticker import MaxNLocator

    power = curves["power"]
    level = np.log10(np.maximum(power.values, float(power.values[power.values > 0].min())))
    fy, fx = (power[dim].values for dim in power.dims)
    low, high = np.percentile(level, _CONTRAST)
    half_y, half_x = (0.5 * (axis[1] - axis[0]) for axis in (fy, fx))
    extent = (fx[0] - half_x, fx[-1] + half_x, fy[-1] + half_y, fy[0] - half_y)
    ax.imshow(level, extent=extent, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    reach = float(fx[-1])
    for k in curves["reflection"].values:
        y, x = (float(curves[f"frequency_{axis}"].sel(reflection=k)) for axis in ("y", "x"))
        for sign in (1.0, -1.0):
            ax.plot(sign * x, sign * y, "o", ms=9, mfc="none", mew=0.9, color=ORANGE)
        away = np.array([x, y]) / np.hypot(x, y) * 0.17 * reach
        ax.annotate(str(k), (x, y), (x + away[0], y + away[1]), color=ORANGE, fontsize=9, ha="center", va="center")
    ax.set(xlabel="$g_x$ (nm⁻¹)", ylabel="$g_y$ (nm⁻¹)", title="power spectrum")
    ax.title.set_fontsize(9)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, symmetric=True))


def _table(ax: Axes, result: Result) -> None:
    """Write spacings and angles, numbered as the reflections are."""
    ax.set_axis_off()
    rows = [("", "spacing (nm)", "angle to 1 (°)")]
    k = 1
    while f"lattice_spacing_{k}" in result:
        angle = f"lattice_angle_1_{k}"
        spacing = result[f"lattice_spacing_{k}"]
        unit = "" if spacing.unit == "nm" else f" {printed_unit(spacing.unit)}"
        rows.append((str(k), number(spacing) + unit, number(result[angle]) if angle in result else ""))
        k += 1
    for place, row in enumerate(rows):
        height = 0.92 - 0.105 * place
        for x, text in zip((0.0, 0.1, 0.62), row, strict=True):
            ax.text(x, height, text, va="center", fontsize=8, transform=ax.transAxes)
