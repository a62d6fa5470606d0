"""Figures of results: the data, the model over them, what is left, and the number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import (
    plot_composition,
    plot_coverage,
    plot_cycling,
    plot_eels,
    plot_lattice,
    plot_layers,
    plot_scale_bar,
    plot_symmetric,
    plot_tem,
    plot_voltage,
)
from .plot_series import arc_edge, frame_nyquist
from .plot_style import BLUE, GREEN, GREY, ORANGE, POINTS, RED, axis_label, engineering
from .wording import headline

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Result

Draw = Callable[["Figure", "xr.Dataset", "Result"], None]
DrawOnImage = Callable[["xr.Dataset", "xr.Dataset", "Result"], "Figure"]
_LINE: Mapping[str, Any] = {"color": ORANGE, "lw": 1.2}


def drawing_of(result: Result) -> Draw | None:
    """Return the function that draws the curves of a result, by what they hold; None where there is none."""
    if result.curves is None:
        return None
    held = {str(name) for name in result.curves.variables}
    return next((draw for needed, draw in _DRAWINGS if needed <= held), None)


def drawing_on_image(result: Result) -> DrawOnImage | None:
    """Return the function that draws an image with what a result found in it; None where it found no places."""
    if result.curves is None:
        return None
    held = {str(name) for name in result.curves.variables}
    return next((draw for needed, draw in _ON_IMAGES if needed <= held), None)


def drawn_together(results: Sequence[Result]) -> list[Callable[[Figure], None]]:
    """Return what draws each panel of results side by side; derivatives of several half cycles are one panel."""
    panels: dict[object, list[Result]] = {}
    for number, result in enumerate(results):
        curves = result.curves
        kind = None if curves is None else next((name for name in _DERIVATIVES if name in curves), None)
        panels.setdefault(kind or number, []).append(result)
    return [partial(_panel, found) for found in panels.values()]


def _panel(results: Sequence[Result], figure: Figure) -> None:
    draw, curves = drawing_of(results[0]), results[0].curves
    if len(results) > 1:
        plot_voltage.derivatives(figure, results)
    elif draw is not None and curves is not None:
        draw(figure, curves, results[0])


def _impedance_fit(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    measured, model = curves["impedance"].values, curves["model"].values
    frequency = curves["frequency"]
    halves: Any = figure.subfigures(1, 2)
    nyquist, side = halves
    ax = nyquist.subplots()
    edge = _arc_edge(curves, result)
    shown = float(np.nanmax(np.abs(measured))) if edge is None else edge
    factor, prefix = engineering(shown)
    ax.plot(measured.real * factor, -measured.imag * factor, **POINTS)
    line = _smooth(frequency.values, model) * factor
    ax.plot(line.real, -line.imag, **_LINE)
    ax.set(xlabel=f"$Z'$ ({prefix}Ω)", ylabel=f"$-Z''$ ({prefix}Ω)")
    frame_nyquist(ax, measured * factor, shown * factor)
    ax.set_title(headline(result.quantities[0]), fontsize=9)
    bode, residual = side.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    bode.loglog(frequency, np.abs(measured), **POINTS)
    bode.loglog(frequency, np.abs(model), **_LINE)
    bode.set_ylabel("$|Z|$ (Ω)")
    for part, colour in (("real", BLUE), ("imag", GREEN)):
        left = getattr(measured - model, part) / np.abs(model) * 100
        residual.semilogx(frequency, left, marker=".", ms=4, lw=0.6, color=colour, label=part)
    residual.axhline(0, color=GREY, lw=0.6)
    residual.set(xlabel="frequency (Hz)", ylabel="residual (%)")
    residual.legend(loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=2, borderaxespad=0.0, handlelength=1.2)


def _smooth(frequency: np.ndarray[Any, Any], model: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a model between the measured frequencies too, so that an arc of few points is no polygon."""
    from scipy.interpolate import CubicSpline

    ln_frequency, places = np.unique(np.log(frequency), return_index=True)
    if ln_frequency.size < 4:
        return model
    fine = np.linspace(ln_frequency[0], ln_frequency[-1], 12 * ln_frequency.size)
    return np.asarray(CubicSpline(ln_frequency, model[places])(fine))


def _arc_edge(curves: xr.Dataset, result: Result) -> float | None:
    """Return where to cut the axes so that the arc shows beside the spur of blocking electrodes; None for no cut."""
    if "ionic_resistance" not in result:
        return arc_edge(curves["impedance"])
    if result["ionic_resistance"].relation != "=":
        return None
    measured = curves["impedance"].values
    edge = 1.8 * result["ionic_resistance"].value
    return edge if np.nanmax(np.abs(measured)) > edge else None


def _normalisation(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    raw, normalised = figure.subplots(1, 2)
    energy = curves["energy"]
    raw.plot(energy, curves["mu"], color=BLUE, lw=1.0)
    raw.plot(energy, curves["pre_edge"], color=GREY, lw=0.9, ls="--")
    raw.plot(energy, curves["post_edge"], color=ORANGE, lw=0.9, ls="--")
    low, high = np.nanpercentile(curves["mu"], (0, 100))
    raw.set(xlabel="energy (eV)", ylabel="absorption", ylim=(low - 0.1 * (high - low), high + 0.15 * (high - low)))
    normalised.plot(energy, curves["mu_flattened"], color=BLUE, lw=1.0)
    normalised.axvline(result["edge_energy"].value, color=GREY, lw=0.7)
    normalised.set(xlabel="energy (eV)", ylabel="normalised absorption")
    normalised.set_title(headline(result.quantities[0]), fontsize=9)


def _combination(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    ax, residual = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    energy = curves["energy"]
    ax.plot(energy, curves["mu_normalized"], **{**POINTS, "ms": 2.4})
    ax.plot(energy, curves["fit"], **_LINE, label="fit")
    for name, colour in zip(curves["reference"].values, (GREEN, GREY, RED, BLUE, GREEN, GREY), strict=False):
        ax.plot(energy, curves["component"].sel(reference=name), color=colour, lw=0.9, label=str(name))
    ax.set_ylabel("normalised absorption")
    ax.legend(loc="upper right", ncols=2)
    ax.set_title(headline(result.quantities[0]), fontsize=9)
    residual.plot(energy, curves["residual"], color=BLUE, lw=0.8)
    residual.axhline(0, color=GREY, lw=0.6)
    residual.set(xlabel="energy (eV)", ylabel="residual")


def _region(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    ax, residual = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    axis = str(curves["signal"].dims[0])
    ax.plot(curves[axis], curves["signal"], **{**POINTS, "ms": 2.4})
    ax.plot(curves[axis], curves["fit"], **_LINE)
    ax.plot(curves[axis], curves["background"], color=GREY, lw=0.9, ls="--")
    ax.fill_between(curves[axis], curves["background"], curves["fit"], color=ORANGE, alpha=0.15, lw=0)
    ax.set_ylabel(axis_label(curves["signal"]))
    ax.set_title(headline(result.quantities[0]), fontsize=9)
    residual.plot(curves[axis], curves["residual"], color=BLUE, lw=0.8)
    residual.axhline(0, color=GREY, lw=0.6)
    residual.set(xlabel=axis_label(curves[axis]), ylabel="residual")
    if axis == "binding_energy":
        residual.set_xlim(float(curves[axis].max()), float(curves[axis].min()))


def _arrhenius(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    ax = figure.subplots()
    inverse, line = 1e3 / curves["temperature"].values, 1e3 / curves["temperature_line"].values
    ax.fill_between(line, curves["arrhenius_low"], curves["arrhenius_high"], color=ORANGE, alpha=0.2, lw=0)
    ax.plot(line, curves["arrhenius_line"], **_LINE)
    stderr = np.nan_to_num(curves["conductivity_stderr"].values)
    ax.errorbar(inverse, curves["conductivity"].values, stderr, fmt="o", ms=3.2, mfc="none", lw=0.7, color=BLUE)
    sigma = result["ionic_conductivity"]
    asked = 1e3 / result.diagnostics["temperature"]
    ax.plot([asked], [sigma.value], marker="s", ms=4, ls="none", color=ORANGE)
    if sigma.interval95 is not None:
        ax.vlines([asked], *sigma.interval95, color=ORANGE, lw=1.0)
    ax.set_yscale("log")
    ax.set(xlabel="1000/T (K⁻¹)", ylabel="ionic conductivity (S cm⁻¹)")
    celsius = ax.secondary_xaxis("top", functions=(_celsius, _inverse_temperature))
    celsius.set_xlabel("temperature (°C)")
    celsius.spines["top"].set_visible(True)
    ax.set_title(headline(result.quantities[0]), fontsize=9)


def _celsius(inverse: Any) -> Any:
    with np.errstate(divide="ignore"):
        return 1e3 / np.asarray(inverse) - 273.15


def _inverse_temperature(celsius: Any) -> Any:
    with np.errstate(divide="ignore"):
        return 1e3 / (np.asarray(celsius) + 273.15)


def _thickness_series(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    ax = figure.subplots()
    line = curves["line_thickness"]
    ax.fill_between(line, curves["series_low"], curves["series_high"], color=ORANGE, alpha=0.2, lw=0)
    ax.plot(line, curves["series_line"], **_LINE)
    ax.errorbar(
        curves["film_thickness"], curves["area_specific_resistance"], curves["area_specific_resistance_stderr"],
        curves["film_thickness_stderr"], fmt="o", ms=3.2, mfc="none", lw=0.7, color=BLUE,
    )  # fmt: skip
    ax.set(xlabel="thickness (nm)", ylabel="area specific resistance (Ω cm²)")
    ax.set_xlim(left=0)
    ax.set_title(headline(result.quantities[0]), fontsize=9)


def _kramers_kronig(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    ax = figure.subplots()
    frequency, suspect = curves["frequency"].values, curves["suspect"].values
    worst = 1.3 * 100 * max(float(np.abs(curves[f"residual_{part}"].values[~suspect]).max()) for part in _PARTS)
    for part, colour in _PARTS.items():
        left = curves[f"residual_{part}"].values * 100
        ax.semilogx(frequency, np.where(suspect, np.nan, left), marker=".", ms=4, lw=0.6, color=colour, label=part)
        shown = np.clip(left[suspect], -worst, worst)  # what lies outside is marked at the edge
        label = "suspect" if part == "real" and suspect.any() else None
        ax.semilogx(frequency[suspect], shown, "x", ms=6, color=RED, label=label)
    ax.axhline(0, color=GREY, lw=0.6)
    ax.set(xlabel="frequency (Hz)", ylabel="residual over modulus (%)", ylim=(-1.05 * worst, 1.3 * worst))
    ax.legend(loc="upper right", ncols=3, borderaxespad=0.0, handlelength=1.2)
    ax.set_title(headline(result.quantities[0]), fontsize=9)


def _relaxation_times(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    ax = figure.subplots()
    tau = curves["time_constant"].values
    peaks = [q.value for q in result.quantities if q.name.endswith("_time_constant")]
    inside = np.interp(np.log(peaks), np.log(tau), curves["gamma"].values) if peaks else curves["gamma"].values
    top = 2.0 * float(np.max(inside))  # the side of a blocking electrode would dwarf the peaks
    factor, prefix = engineering(top)
    ax.fill_between(tau, curves["gamma_low"] * factor, curves["gamma_high"] * factor, color=ORANGE, alpha=0.2, lw=0)
    ax.semilogx(tau, curves["gamma"] * factor, color=BLUE, lw=1.2)
    for peak in peaks:
        ax.axvline(peak, color=GREY, lw=0.7, ls=":")
    ax.set(xlabel="time constant (s)", ylabel=f"γ ({prefix}Ω)", ylim=(0, top * factor if top > 0 else None))
    ax.set_title(headline(result.quantities[0]), fontsize=9)


_DERIVATIVES = ("incremental_capacity", "differential_voltage")
_PARTS: Mapping[str, str] = {"real": BLUE, "imaginary": GREEN}
_DRAWINGS: tuple[tuple[set[str], Draw], ...] = (
    ({"residual_real", "suspect", "frequency"}, _kramers_kronig),
    ({"gamma", "gamma_low", "time_constant"}, _relaxation_times),
    ({"impedance", "model", "frequency"}, _impedance_fit),
    ({"pre_edge", "post_edge", "mu_flattened"}, _normalisation),
    ({"component", "fit", "mu_normalized"}, _combination),
    ({"signal", "fit", "background"}, _region),
    ({"covered", "thickness", "arclength"}, plot_coverage.surface),
    ({"thickness", "arclength", "profile_model"}, plot_layers.layer),
    ({"counts", "model", "distance", "line"}, plot_tem.profile),
    ({"concentration", "concentration_k_stderr"}, plot_composition.concentrations),
    ({"relative_thickness", "zero_loss_spectrum"}, plot_eels.relative_thickness),
    ({"power", "reflection"}, plot_lattice.spectrum),
    ({"surroundings", "row", "column"}, plot_scale_bar.surroundings),
    ({"overpotential", "overpotential_stderr", "half_cycle"}, plot_symmetric.polarisation),
    ({"step_current", "step_start"}, plot_symmetric.critical_current),
    ({"coulombic_efficiency", "capacity_discharge", "cycle"}, plot_cycling.retention),
    ({"fit_lower", "fit_upper", "used", "cycle"}, plot_cycling.fade),
    ({"capacity_of_cycle", "block_of_cycle"}, plot_cycling.rate),
    ({"voltage", "capacity", "half_cycle", "current"}, plot_voltage.profiles),
    ({"open_circuit_voltage", "diffusion_coefficient", "pulse"}, plot_voltage.titration),
    ({"incremental_capacity", "peak_position"}, plot_voltage.derivative),
    ({"differential_voltage", "peak_position"}, plot_voltage.derivative),
    ({"arrhenius_line", "conductivity"}, _arrhenius),
    ({"series_line", "film_thickness"}, _thickness_series),
)
_ON_IMAGES: tuple[tuple[set[str], DrawOnImage], ...] = (
    ({"power", "reflection"}, plot_lattice.spectrum_beside_image),
    ({"covered", "interface_y", "interface_x"}, plot_coverage.surface_on_image),
    ({"profile_model", "interface_y", "edge1_y", "edge2_y"}, plot_layers.layer_on_image),
    ({"interface_y", "interface_x", "corner_y"}, plot_coverage.bare_on_image),
)
