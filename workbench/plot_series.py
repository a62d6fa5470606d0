"""Figures of several impedance spectra in one: coloured by temperature or thickness, and coated against bare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .plot_style import BLUE, GREY, ORANGE, POINTS, STYLE, engineering, shades

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Quantity

_BEYOND = 1.4  # times the foot of the spur: where the axes are cut
_RISEN = 1.3  # of the slope over that at the foot, which noise does not reach
_DWARFED = 2.0  # height of the spur over that cut, from which on the axes are cut


def overlay(spectra: Sequence[tuple[float, xr.Dataset]], title: str) -> Figure:
    """Draw spectra into one Nyquist and one Bode plot, each in the colour of its value.

    Parameters
    ----------
    spectra : sequence of (float, xarray.Dataset)
        Value and spectrum.
    title : str
        Name and unit of the values, for the colour bar.
    """
    import matplotlib as mpl
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

    colours = LinearSegmentedColormap.from_list("series", shades(64))
    values = [value for value, _ in spectra]
    scale = Normalize(min(values), max(values) if max(values) > min(values) else min(values) + 1.0)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        nyquist, bode = figure.subplots(1, 2)
        ordered = sorted(spectra, key=lambda entry: entry[0])
        drawn = [(ds["impedance"], {"ms": 2.4, "color": colours(scale(value))}) for value, ds in ordered]
        draw_nyquist(nyquist, drawn)
        for impedance, style in drawn:
            bode.loglog(impedance["frequency"], np.abs(impedance), **{**POINTS, **style})
        bode.set(xlabel="frequency (Hz)", ylabel="$|Z|$ (Ω)")
        bar = figure.colorbar(ScalarMappable(scale, colours), ax=bode, label=title, aspect=30)
        bar.outline.set_visible(False)
        if len(set(values)) <= 8:
            bar.set_ticks(sorted(set(values)), labels=[f"{value:.4g}" for value in sorted(set(values))])
    return figure


def cells(coated: Sequence[tuple[Quantity, xr.Dataset]], bare: Sequence[tuple[Quantity, xr.Dataset]]) -> Figure:
    """Draw coated and bare cells: spectra in one Nyquist plot, and the area specific resistance of each cell.

    Parameters
    ----------
    coated, bare : sequence of (Quantity, xarray.Dataset)
        Area specific resistance and spectrum of each cell.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    kinds = {"bare": (bare, GREY), "coated": (coated, BLUE)}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        nyquist, ax = figure.subplots(1, 2)
        draw_nyquist(
            nyquist,
            [(ds["impedance"], {"ms": 2.4, "color": colour}) for found, colour in kinds.values() for _, ds in found],
        )
        for place, (name, (found, colour)) in enumerate(kinds.items()):
            nyquist.plot([], [], **{**POINTS, "color": colour}, label=name)
            sizes = [quantity.value for quantity, _ in found]
            across = place + np.linspace(-0.15, 0.15, len(sizes)) if len(sizes) > 1 else np.array([float(place)])
            stderr = [quantity.stderr or 0.0 for quantity, _ in found]
            ax.errorbar(across, sizes, stderr, fmt="o", ms=4, mfc="none", lw=0.8, color=colour)
            ax.hlines(np.mean(sizes), place - 0.3, place + 0.3, color=ORANGE, lw=1.2)
        nyquist.legend(loc="upper left", handletextpad=0.2)
        ax.set_xticks(range(len(kinds)), list(kinds))
        ax.set(xlim=(-0.6, len(kinds) - 0.4), ylabel="area specific resistance (Ω cm²)")
    return figure


def draw_nyquist(ax: Axes, drawn: Sequence[tuple[xr.DataArray, Mapping[str, Any]]]) -> None:
    """Draw spectra with equal axes, cut where the spur of a blocking electrode would squeeze the arcs.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        To draw into.
    drawn : sequence of (xarray.DataArray, mapping)
        Impedance over frequency, and how its points look.
    """
    largest = [float(np.nanmax(np.abs(impedance.values))) for impedance, _ in drawn]
    edges = [arc_edge(impedance) for impedance, _ in drawn]
    shown = max(size if edge is None else edge for edge, size in zip(edges, largest, strict=True))
    factor, prefix = engineering(shown)
    for impedance, style in drawn:
        ax.plot(impedance.values.real * factor, -impedance.values.imag * factor, **{**POINTS, **style})
    ax.set(xlabel=f"$Z'$ ({prefix}Ω)", ylabel=f"$-Z''$ ({prefix}Ω)")
    frame_nyquist(ax, factor * np.concatenate([impedance.values for impedance, _ in drawn]), factor * shown)


def frame_nyquist(ax: Axes, impedance: np.ndarray[Any, Any], edge: float) -> None:
    """Give a Nyquist plot equal axes from zero to an edge, lower only where inductance or a sign asks for it."""
    shown = impedance[np.abs(impedance) <= 1.001 * edge]
    left, right = min(0.0, 1.05 * np.nanmin(shown.real)), 1.05 * np.nanmax(shown.real)
    bottom, top = min(0.0, -1.05 * np.nanmax(shown.imag)), -1.05 * np.nanmin(shown.imag)
    ax.set(xlim=(left, max(right, 0.6 * (top - bottom))), ylim=(bottom, max(top, 0.6 * (right - left))))
    ax.set_aspect("equal", adjustable="box")


def arc_edge(impedance: xr.DataArray) -> float | None:
    """Return up to where a Nyquist plot shows the arcs, in ohm; None where no spur dwarfs them.

    The foot of the spur is where the phase is nearest to zero, seen from the lowest frequency on.
    """
    finite = impedance.values[np.argsort(-impedance["frequency"].values, kind="stable")]
    finite = finite[np.isfinite(finite)]
    with np.errstate(divide="ignore"):
        steepness = -finite.imag / np.abs(finite.real)
    foot = steepness.size - 1
    for place in range(foot, -1, -1):
        if steepness[place] < steepness[foot]:
            foot = place
        elif steepness[place] > _RISEN * steepness[foot] > 0:
            break
    edge = _BEYOND * float(np.abs(finite[foot]))
    return edge if foot > 0 and -finite[-1].imag > _DWARFED * edge else None
