"""Figures of symmetric cells: overpotentials, short circuits, steps of the current."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .plot_style import BLUE, GREY, ORANGE, POINTS, RED, engineering
from .wording import headline, number, printed_unit, unit, words

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Result

Floats = NDArray[np.float64]

EVENT_COLOURS = {"hard": RED, "soft": ORANGE, "recovering": "#E69F00"}
"""Of a short circuit by its kind."""

_HOUR = 3600.0


def mark_events(ax: Axes, events: xr.Dataset, start: Floats, end: Floats) -> None:
    """Shade the time of each short circuit in the colour of its kind."""
    kinds = [str(kind) for kind in events["event_kind"].values]
    for begin, stop, kind in zip(start, end, kinds, strict=True):
        ax.axvspan(begin, stop, color=EVENT_COLOURS[kind], alpha=0.18, lw=0)
        ax.axvline(begin, color=EVENT_COLOURS[kind], lw=0.9)
    for kind in dict.fromkeys(kinds):
        count = kinds.count(kind)
        label = f"{kind} short" if count == 1 else f"{count} {kind} shorts"
        ax.fill_between([], [], color=EVENT_COLOURS[kind], alpha=0.5, lw=0, label=label)
    if kinds:
        ax.legend(loc="lower left", ncols=3, bbox_to_anchor=(0.0, 1.0), borderaxespad=0.0)


def polarisation(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw start, plateau and end of every half cycle with the growth, and mark what is shorted."""
    ax = figure.subplots()
    half = curves["half_cycle"].values
    whole, shorted = curves["complete"].values.astype(bool), curves["shorted"].values.astype(bool)
    factor, prefix = engineering(float(np.nanmax(np.abs(curves["overpotential"]))))
    for name, mark in (("overpotential_start", "_"), ("overpotential_end", ".")):
        ax.plot(half, curves[name] * factor, mark, ms=4, color=GREY, label=words(name[14:]))
    level, stderr = curves["overpotential"].values * factor, curves["overpotential_stderr"].values * factor
    sound = whole & ~shorted
    for chosen, colour, label in ((sound, BLUE, "plateau"), (whole & shorted, RED, "shorted")):
        if chosen.any():
            ax.errorbar(
                half[chosen], level[chosen], stderr[chosen], fmt="o", ms=3.2, mfc="none", lw=0.7, color=colour,
                label=label,
            )  # fmt: skip
    ax.plot(half[~whole], level[~whole], "x", ms=4, color=BLUE, alpha=0.6)
    if "overpotential_slope" in result:
        slope = result["overpotential_slope"]
        x = half[sound & np.isfinite(level)]
        centre = float(np.mean(level[sound & np.isfinite(level)]))
        line = centre + slope.value * factor * (x - x.mean())
        ax.plot(x, line, color=ORANGE, lw=1.2, label=f"growth {number(slope)} {unit(slope)} per half cycle")
    ax.set(xlabel="half cycle", ylabel=f"overpotential ({prefix}V)")
    if np.nanmin(level) < 0.5 * np.nanmax(level):
        ax.set_ylim(bottom=min(0.0, 1.05 * float(np.nanmin(level))))
    else:
        ax.margins(y=0.25)
    ax.legend(loc="best", ncols=2)
    ax.set_title(headline(result.quantities[0]), fontsize=9)


def critical_current(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw the steps of the current over time, with the bracket of the critical current and the short circuits."""
    ax = figure.subplots()
    hours, current = curves["step_start"].values / _HOUR, curves["step_current"].values
    unit = str(curves["step_current"].attrs["units"])
    factor, prefix = engineering(float(current.max()))
    usual = float(np.median(np.diff(hours))) if hours.size > 1 else 1.0
    ends = np.append(hours, hours[-1] + usual), np.append(current, current[-1]) * factor
    ax.step(*ends, where="post", color=BLUE, lw=1.2)
    ax.plot(hours, current * factor, **POINTS)
    critical = result.quantities[0]
    if critical.interval95 is not None:
        ax.axhspan(*(bound * factor for bound in critical.interval95), color=ORANGE, alpha=0.2, lw=0)
        ax.axhline(critical.value * factor, color=ORANGE, lw=1.2)
    name = "current" if unit == "A" else "current density"
    ax.set(xlabel="time (h)", ylabel=f"{name} ({prefix}{printed_unit(unit)})")
    ax.set_ylim(bottom=0)
    if "event_start" in curves:
        mark_events(ax, curves, curves["event_start"].values / _HOUR, curves["event_end"].values / _HOUR)
    ax.set_title(headline(critical), fontsize=9)
