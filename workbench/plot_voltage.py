"""Figures of the course of the voltage: profiles, dQ/dV and dV/dQ, titration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .plot_style import BLUE, GREEN, GREY, POINTS, engineering, envelope, shades
from .wording import headline

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Result

Floats = NDArray[np.float64]

_MOST_OF_PROFILE, _MOST_OF_DERIVATIVE = 800, 500  # points of a curve


def profiles(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw voltage over capacity of some half cycles, each cycle in one colour, discharge dashed."""
    ax = figure.subplots()
    factor, prefix = engineering(float(curves["capacity"].max()))
    cycles = curves.attrs.get("cycles", np.unique(curves["half_cycle"].values))
    colours = _colours(cycles)
    styles, drawn = {"charge": "-", "discharge": "--"}, set()
    for half, cycle in zip(curves.attrs.get("half_cycles", cycles), cycles, strict=True):
        inside = curves["half_cycle"].values == half
        capacity, voltage = curves["capacity"].values[inside] * factor, curves["voltage"].values[inside]
        direction = "charge" if np.median(curves["current"].values[inside]) > 0 else "discharge"
        style = styles[direction]
        drawn.add(direction)
        ax.plot(*envelope(capacity, voltage, _MOST_OF_PROFILE), color=colours[cycle], lw=1.0, ls=style)
    name = "cycle" if "cycles" in curves.attrs else "half cycle"
    for cycle, colour in colours.items():
        ax.plot([], [], color=colour, lw=1.4, label=f"{name} {cycle}")
    for direction in sorted(drawn):
        ax.plot([], [], color=GREY, lw=1.0, ls=styles[direction], label=direction)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    ax.set(xlabel=f"capacity ({prefix}A h)", ylabel="voltage (V)")
    ax.set_xlim(left=0)


def _colours(cycles: Sequence[int]) -> dict[int, Any]:
    """Return a colour for each cycle, dark for the first."""
    kinds = sorted(set(cycles))
    return dict(zip(kinds, shades(len(kinds)), strict=True))


def derivative(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw one dQ/dV or dV/dQ with its peaks."""
    derivatives(figure, [result])


def derivatives(figure: Figure, results: Sequence[Result]) -> None:
    """Draw dQ/dV or dV/dQ of several half cycles into one plot, charge upwards and discharge downwards."""
    ax = figure.subplots()
    found = [result.curves for result in results if result.curves is not None]
    along, across = _axes_of(ax, found)
    cycles = [curves.attrs.get("cycles", [0])[0] for curves in found]
    signs = [float(curves.attrs.get("directions", [1])[0]) for curves in found]
    colours = _colours(cycles)
    edges = [0.0, 0.0]
    for curves, cycle, sign in zip(found, cycles, signs, strict=True):
        name, x, y = _derivative_of(curves)
        spread = 2.0 * curves[f"{name}_stderr"].values
        step = -(-2 * x.size // _MOST_OF_DERIVATIVE)
        low, high = (sign * across * bound[::step] for bound in (y - spread, y + spread))
        ax.fill_between(x[::step] * along, low, high, color=colours[cycle], alpha=0.2, lw=0)
        ax.plot(*envelope(x * along, sign * across * y, _MOST_OF_DERIVATIVE), color=colours[cycle], lw=1.0)
        edges[sign > 0] = max(edges[sign > 0], across * _height(curves))
    ax.set_ylim(-1.15 * edges[0], 1.15 * edges[1])
    ax.axhline(0, color=GREY, lw=0.5)
    if len(colours) > 1 or 0 not in colours:
        for cycle, colour in colours.items():
            ax.plot([], [], color=colour, lw=1.4, label=f"cycle {cycle}")
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.0, handlelength=1.2)


def _axes_of(ax: Axes, found: Sequence[xr.Dataset]) -> tuple[float, float]:
    """Label the axes for derivatives and return the factors to their units."""
    highest = max(_height(curves) for curves in found)
    if "incremental_capacity" in found[0]:
        across, prefix = engineering(highest)
        ax.set(xlabel="voltage (V)", ylabel=f"dQ/dV ({prefix}A h V⁻¹)")
        return 1.0, across
    along, of_charge = engineering(max(float(curves["charge"].max()) for curves in found))
    across, prefix = engineering(highest / along)
    ax.set(xlabel=f"charge ({of_charge}A h)", ylabel=f"dV/dQ ({prefix}V ({of_charge}A h)⁻¹)")
    return along, across / along


def _derivative_of(curves: xr.Dataset) -> tuple[str, Floats, Floats]:
    """Return the name of a derivative and its points."""
    name = next(name for name in ("incremental_capacity", "differential_voltage") if name in curves)
    return name, curves[curves[name].dims[0]].values, curves[name].values


def _height(curves: xr.Dataset) -> float:
    """Return how high a plot has to be for a derivative."""
    name, _, y = _derivative_of(curves)
    # The voltage always rises steeply where a half cycle begins and ends; what lies between is looked for.
    margin = y.size // 10 if name == "differential_voltage" else 0
    return float(np.max(y[margin : y.size - margin]))


def titration(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw open-circuit voltage and diffusion coefficient of each pulse of a titration over the charge passed."""
    voltage, diffusion = figure.subplots(1, 2)
    factor, prefix = engineering(float(np.nanmax(np.abs(curves["charge"]))))
    charge = curves["charge"].values * factor
    for half in np.unique(curves["half_cycle"].values):
        inside = curves["half_cycle"].values == half
        colour, name = (
            (BLUE, "charge") if np.median(curves["pulse_current"].values[inside]) > 0 else (GREEN, "discharge")
        )
        style = {**POINTS, "color": colour}
        voltage.plot(charge[inside], curves["open_circuit_voltage"].values[inside], **{**style, "ls": "-", "lw": 0.6})
        _coefficients(diffusion, charge[inside], curves.isel(pulse=inside), colour)
        voltage.plot([], [], **style, label=name)
    for ax in (voltage, diffusion):
        ax.set_xlabel(f"charge ({prefix}A h)")
    voltage.set_ylabel("open-circuit voltage (V)")
    voltage.legend(loc="best")
    diffusion.set_ylabel("diffusion coefficient (cm² s⁻¹)")
    if (
        np.isfinite(curves["diffusion_coefficient_high"]).any()
        or np.isfinite(curves["diffusion_coefficient_low"]).any()
    ):
        diffusion.set_yscale("log")
    diffusion.set_title(headline(result.quantities[0]), fontsize=9)


def _coefficients(ax: Axes, charge: Floats, curves: xr.Dataset, colour: str) -> None:
    """Draw values, and limits as triangles that point to where the value is.

    Error bars are 95 % without the diffusion length, which shifts all pulses alike.
    """
    value, low, high = (curves[f"diffusion_coefficient{suffix}"].values for suffix in ("", "_low", "_high"))
    known = np.isfinite(value)
    own = 1.96 * curves["diffusion_coefficient_stderr_random"].values
    ax.errorbar(charge[known], value[known], own[known], fmt="o", ms=3.2, mfc="none", lw=0.7, color=colour)
    for relation, limit, mark in (("<", high, "v"), (">", low, "^")):
        bound = ~known & (curves["relation"].values == relation)
        ax.plot(charge[bound], limit[bound], mark, ms=4, mfc="none", color=GREY)
