"""Figures of cycling: the record, capacity and efficiency, fade, rates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .plot_style import BLUE, GREEN, GREY, ORANGE, POINTS, RED, cycle_axis, engineering, envelope
from .plot_symmetric import mark_events
from .wording import headline, number, printed_unit, words

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Result

Floats = NDArray[np.float64]

_TIMES = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
"""Units of time with their size in s, the first of which a record is long enough for is taken."""

_MOST_LABELS = 16
_MOST_BREAKS, _MOST_OF_RECORD = 100, 4000  # in a line of the record


def record(figure: Figure, ds: xr.Dataset, results: Sequence[Result] = ()) -> None:
    """Draw voltage and current over time, with the events that results found in them."""
    axes = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1)) if "current" in ds else [figure.subplots()]
    seconds = ds["test_time"].values
    length, name = next((entry for entry in _TIMES if np.ptp(seconds) >= entry[0]), _TIMES[-1])
    time = seconds / length
    volts = float(np.nanmax(np.abs(ds["voltage"].values), initial=0.0))
    factor, prefix = engineering(volts) if volts < 0.5 else (1.0, "")
    axes[0].plot(*_broken(time, ds["voltage"].values * factor), color=BLUE, lw=0.7)
    axes[0].set_ylabel(f"voltage ({prefix}V)")
    if "current" in ds:
        scale, unit = engineering(float(np.nanmax(np.abs(ds["current"].values))))
        axes[1].plot(*_broken(time, ds["current"].values * scale), color=ORANGE, lw=0.7)
        axes[1].axhline(0, color=GREY, lw=0.4)
        axes[1].set_ylabel(f"current ({unit}A)")
    axes[-1].set_xlabel(f"time ({name})")
    axes[-1].set_xlim(time.min(), time.max())
    events = next((r.curves for r in results if r.curves is not None and "event_start" in r.curves), None)
    if events is not None:
        mark_events(axes[0], events, events["event_start"].values / length, events["event_end"].values / length)


def _broken(time: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return a line light enough for a figure and broken where the clock goes back or a long time is missing."""
    interval = np.diff(time)
    usual = np.quantile(interval[interval > 0], 0.99) if np.any(interval > 0) else 0.0
    breaks = 1 + np.flatnonzero((interval < 0) | (interval > max(10.0 * usual, 0.01 * np.ptp(time))))
    if breaks.size > _MOST_BREAKS:
        return envelope(time, values)
    lines = []
    for places in np.split(np.arange(time.size), breaks):
        x, y = envelope(time[places], values[places], max(4, _MOST_OF_RECORD * places.size // time.size))
        lines.append((np.append(x, x[-1:]), np.append(y, np.nan)))
    x, y = (np.concatenate(parts) for parts in zip(*lines, strict=True))
    return x, y


def retention(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw capacities with what is incomplete crossed out, and the coulombic efficiency with its uncertainty."""
    capacity, efficiency = figure.subplots(1, 2)
    cycle = curves["cycle"].values
    whole = np.isfinite(curves["coulombic_efficiency"].values)
    scale, unit = _capacity_scale(curves, result)
    size = 3.2 if cycle.size < 150 else 1.8
    for name, colour in (("capacity_charge", GREY), ("capacity_discharge", BLUE)):
        points = curves[name].values * scale
        capacity.plot(cycle[whole], points[whole], **{**POINTS, "color": colour, "ms": size}, label=words(name[9:]))
        capacity.plot(cycle[~whole], points[~whole], marker="x", ms=size + 1, ls="none", color=colour, alpha=0.6)
    if not whole.all():
        capacity.plot([], [], marker="x", ms=4, ls="none", color=GREY, label="incomplete")
    cycle_axis(capacity)
    capacity.set(ylabel=f"capacity ({unit})", ylim=(0, 1.08 * _highest(curves, whole) * scale))
    capacity.legend(loc="best")
    capacity.set_title(headline(result.quantities[0]), fontsize=9)
    percent = 100.0 * curves["coulombic_efficiency"].values
    stderr = 100.0 * np.nan_to_num(curves["coulombic_efficiency_stderr"].values)
    _efficiency(efficiency, cycle[whole], percent[whole], stderr[whole], size)


def _highest(curves: xr.Dataset, whole: NDArray[np.bool_]) -> float:
    """Return the largest capacity to be shown: of what is complete, unless nothing is."""
    both = np.concatenate([curves[name].values[whole] for name in ("capacity_charge", "capacity_discharge")])
    every = [curves["capacity_charge"].values, curves["capacity_discharge"].values]
    return float(np.nanmax(both)) if both.size else float(np.nanmax(every))


def _capacity_scale(curves: xr.Dataset, result: Result) -> tuple[float, str]:
    """Return what brings A h to the unit of the result's capacities, or to A h with a fitting prefix."""
    at = curves["cycle"].values == result.diagnostics.get("cycle")
    for quantity in result.quantities:
        name = {"discharge_capacity": "capacity_discharge", "delithiation_capacity": "capacity_charge"}.get(
            quantity.name
        )
        if name is not None and quantity.unit != "A h" and at.any():
            return quantity.value / float(curves[name].values[at][0]), printed_unit(quantity.unit)
    factor, prefix = engineering(float(np.nanmax(curves["capacity_discharge"])))
    return factor, f"{prefix}A h"


def _efficiency(ax: Axes, cycle: Floats, percent: Floats, stderr: Floats, size: float) -> None:
    """Draw efficiencies on an axis that outliers do not stretch; those are marked at its edge."""
    cycle_axis(ax)
    ax.set_ylabel("coulombic efficiency (%)")
    if cycle.size == 0:
        ax.text(0.5, 0.5, "no complete cycle", ha="center", va="center", transform=ax.transAxes, color=GREY)
        return
    low, high = _limits(percent, 100.0, float(np.median(stderr)))
    inside = (percent >= low) & (percent <= high)
    ax.errorbar(cycle[inside], percent[inside], stderr[inside], fmt="s", ms=size, mfc="none", lw=0.7, color=ORANGE)
    for mark, beyond, edge in (("^", percent > high, high), ("v", percent < low, low)):
        if not beyond.any():  # an empty line that is not clipped upsets the layout
            continue
        ax.plot(cycle[beyond], np.full(np.count_nonzero(beyond), edge), mark, ms=4, color=RED, clip_on=False)
    outside = int(np.count_nonzero(~inside))
    if outside:
        text = f"{outside} beyond the axis,\n{percent.min():.3g} to {percent.max():.3g} %"
        ax.text(0.97, 0.03, text, transform=ax.transAxes, fontsize=8, color=RED, ha="right", va="bottom")
    ax.axhline(100.0, color=GREY, lw=0.6)
    ax.set_ylim(low, high)
    ax.margins(x=0.04)


def _limits(values: Floats, target: float, stderr: float) -> tuple[float, float]:
    """Return limits around most of the values, their error bars and a target near to them; outliers are outside."""
    first, middle, third = np.quantile(values, (0.25, 0.5, 0.75))
    reach = max(8.0 * (third - first), 0.05 * abs(middle))
    inside = values[np.abs(values - middle) <= reach]
    near = [*inside, target] if abs(target - middle) <= 3.0 * max(np.ptp(inside), 0.02 * target) else list(inside)
    low, high = min(near), max(near)
    margin = max(0.08 * (high - low), 1e-3 * abs(high), 1.3 * stderr)
    return float(low - margin), float(high + margin)


def fade(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw capacities, the law of their fade with its band, and where it reaches 95, 90 and 80 %."""
    ax = figure.subplots()
    cycle, used = curves["cycle"].values, curves["used"].values.astype(bool)
    factor, prefix = engineering(float(np.nanmax(curves["capacity"].values[used])))
    points = curves["capacity"].values * factor
    ax.fill_between(cycle, curves["fit_lower"] * factor, curves["fit_upper"] * factor, color=ORANGE, alpha=0.2, lw=0)
    ax.plot(cycle, curves["fit"] * factor, color=ORANGE, lw=1.2, label=f"{words(str(curves.attrs['law']))} law")
    ax.plot(cycle[used], points[used], **POINTS, label="used")
    start = float(result["capacity_start"].value) * factor
    bottom, top = float(points[used].min()), max(float(points[used].max()), start)
    lowest = max(float(curves["fit_lower"].min()) * factor, bottom - 0.5 * (top - bottom), 0.0)
    low, high = min(lowest, bottom) - 0.1 * (top - bottom), top + 0.15 * (top - bottom)
    if not used.all():
        shown = np.clip(points[~used], low, high)
        ax.plot(cycle[~used], shown, marker="x", ms=4, ls="none", color=GREY, label="left out", clip_on=False)
    ax.set_ylim(low, high)
    _mark_fractions(ax, result, float(cycle[0]), start)
    if "knee_cycle" in result:
        knee = result["knee_cycle"]
        ax.axvspan(*(knee.interval95 or (knee.value, knee.value)), color=GREEN, alpha=0.15, lw=0)
        ax.axvline(knee.value, color=GREEN, lw=0.9, label="knee")
    cycle_axis(ax)
    ax.set_ylabel(f"capacity ({prefix}A h)")
    relative = ax.secondary_yaxis(
        "right", functions=(partial(np.multiply, 100.0 / start), partial(np.multiply, start / 100.0))
    )
    relative.set_ylabel("of the reference (%)")
    relative.spines["right"].set_visible(True)
    ax.legend(loc="lower left")
    ax.set_title(headline(result.quantities[0]), fontsize=9)


def _mark_fractions(ax: Axes, result: Result, reference: float, start: float) -> None:
    for percent in (95, 90, 80):
        quantity = next((q for q in result.quantities if q.name == f"cycles_to_{percent}_percent"), None)
        if quantity is None or quantity.relation != "=":
            continue
        level = 0.01 * percent * start
        low, high = quantity.interval95 or (quantity.value, quantity.value)
        ax.plot([reference + low, reference + high], [level, level], color=RED, lw=1.2)
        ax.plot([reference + quantity.value], [level], "D", ms=3.6, color=RED)
        label = f"{percent} %: {number(quantity)} cycles"
        ax.annotate(
            label, (reference + quantity.value, level), (5, 5), textcoords="offset points", fontsize=8, color=RED
        )


def rate(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw the capacity of every cycle of a rate test, with mean and rate of each block."""
    ax = figure.subplots()
    capacity, unit = curves["capacity"], str(curves["capacity"].attrs["units"])
    largest = float(np.nanmax(curves["capacity_of_cycle"]))
    factor, prefix = engineering(largest) if unit == "A h" else (1.0, "")
    ax.plot(curves["cycle"], curves["capacity_of_cycle"] * factor, **POINTS)
    first, last = curves["first_cycle"].values - 0.4, curves["last_cycle"].values + 0.4
    ax.hlines(capacity * factor, first, last, color=ORANGE, lw=1.4)
    cycle_axis(ax)
    ax.set(ylabel=f"capacity ({prefix}{printed_unit(unit)})", xlim=(first[0] - 0.6, last[-1] + 0.6))
    upright = last.size > 8
    ax.set_ylim(0, (1.4 if upright else 1.22) * largest * factor)
    if last.size <= _MOST_LABELS:
        for place, height, label in zip(0.5 * (first + last), capacity.values * factor, _rates(curves), strict=True):
            ax.annotate(
                label, (place, height), (0, 6), textcoords="offset points", ha="center", fontsize=8, color=ORANGE,
                rotation=90 if upright else 0,
            )  # fmt: skip
    ax.set_title(headline(result.quantities[0]), fontsize=9)


def _near(value: float) -> str:
    """Return a number as a rate is called: the whole number that it is meant to be, if one is within 5 %."""
    whole = round(value)
    return str(whole) if abs(value / whole - 1.0) < 0.05 else f"{value:.2g}"


def _rates(curves: xr.Dataset) -> list[str]:
    """Return the rate of each block as people write it: ``C/10``, ``2C``, or the current."""
    if "c_rate" in curves:
        return [f"{_near(c)}C" if c > 0.95 else f"C/{_near(1.0 / c)}" for c in curves["c_rate"].values]
    factor, prefix = engineering(float(np.max(curves["current"])))
    return [f"{current * factor:.3g} {prefix}A" for current in curves["current"].values]
