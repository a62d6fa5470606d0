"""Figures of Datasets and Results, made for reports and papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from interlayer.analysis.quantity import Result

from . import plot_cycling, plot_micrograph
from .plot_results import drawing_of, drawing_on_image, drawn_together
from .plot_series import draw_nyquist
from .plot_style import BLUE, GREY, ORANGE, POINTS, RED, STYLE, axis_label, mark_simulated

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def plot(data: xr.Dataset | Result) -> Figure:
    """Draw a Dataset or a Result.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A Dataset of `interlayer.read` shows what was measured; a Result with curves shows the model, its residuals
        and the number.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot: save it with ``figure.savefig("a.svg")``, or return it from a notebook cell.

    Raises
    ------
    ValueError
        If a Result has no curves.

    Examples
    --------
    >>> import interlayer as il
    >>> from interlayer.parsers import schema
    >>> ds = schema.build("eis", {"frequency": [1e3, 1e2, 1e1], "impedance": [1 - 1j, 2 - 2j, 3 - 1j]})
    >>> il.plot(ds).axes[0].get_ylabel()
    "$-Z''$ (Ω)"
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        if isinstance(data, Result):
            _draw_result(figure, data)
        else:
            _DRAW[data.attrs["technique"]](figure, data)
            if data.attrs.get("simulated"):
                mark_simulated(figure)
    return figure


def plot_beside(results: Sequence[Result]) -> Figure:
    """Draw several results into one figure, from left to right; those of half cycles share a plot."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        panels = drawn_together(results)
        odd = len(panels) % 2  # the first of an odd number has a row of its own
        rows = [panels[:odd], *(panels[place : place + 2] for place in range(odd, len(panels), 2))]
        rows = [row for row in rows if row]
        figure = Figure(figsize=(8.0, 3.0 * len(rows)), layout="constrained")
        shelves: Any = figure.subfigures(len(rows), 1, squeeze=False)
        for shelf, row in zip(shelves[:, 0], rows, strict=True):
            for part, draw in zip(shelf.subfigures(1, len(row), squeeze=False)[0], row, strict=True):
                draw(part)
    return figure


def _draw_result(figure: Figure, result: Result) -> None:
    draw = drawing_of(result)
    if draw is None or result.curves is None:
        raise ValueError(f"this result ({result.method}) has no curves to draw; plot the Dataset instead")
    draw(figure, result.curves, result)


def _eis(figure: Figure, ds: xr.Dataset) -> None:
    nyquist, bode = figure.subplots(1, 2)
    sweeps = (
        [ds["impedance"].isel(sweep=k) for k in range(ds.sizes["sweep"])] if "sweep" in ds.dims else [ds["impedance"]]
    )
    draw_nyquist(nyquist, [(impedance, {}) for impedance in sweeps])
    phase = bode.twinx()
    for impedance in sweeps:
        bode.loglog(ds["frequency"], np.abs(impedance), **POINTS)
        phase.semilogx(ds["frequency"], np.degrees(np.angle(impedance)), "s", ms=2.5, mfc="none", color=ORANGE)
    if "impedance_flag" in ds and (flagged := ds["impedance_flag"] != 0).any():
        size = abs(ds["impedance"]).where(flagged).transpose("frequency", ...)
        bode.plot(ds["frequency"], size, "x", ms=6, color=RED)
        bode.plot([], [], "x", ms=6, color=RED, label="flagged")
        bode.legend(loc="lower left")
    bode.set(xlabel="frequency (Hz)")
    bode.set_ylabel("$|Z|$ (Ω)", color=BLUE)
    phase.set_ylabel("phase (degree)", color=ORANGE)
    phase.set_yticks(np.arange(-90, 91, 30))
    low, high = _phase_limits(np.concatenate([np.degrees(np.angle(impedance.values)) for impedance in sweeps]))
    phase.set_ylim(low, high)
    phase.spines["right"].set_visible(True)


def _phase_limits(degrees: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Return limits at multiples of 30 degrees around all phases, with room for the points."""
    return (
        min(-90.0, 30.0 * np.floor(np.nanmin(degrees) / 30.0)) - 5.0,
        max(0.0, 30.0 * np.ceil(np.nanmax(degrees) / 30.0)) + 5.0,
    )


def _cycling_summary(figure: Figure, ds: xr.Dataset) -> None:
    capacity = figure.subplots()
    for name, colour in (("capacity_charge", GREY), ("capacity_discharge", BLUE)):
        if name in ds:
            capacity.plot(ds["cycle"], ds[name], **{**POINTS, "color": colour}, label=name.replace("_", " "))
    capacity.set(xlabel="cycle", ylabel=axis_label(ds["capacity_discharge"]))
    capacity.legend(loc="lower left")
    if "coulombic_efficiency" in ds:
        efficiency = capacity.twinx()
        efficiency.plot(ds["cycle"], ds["coulombic_efficiency"], "s", ms=3, mfc="none", color=ORANGE)
        efficiency.set_ylabel("coulombic efficiency", color=ORANGE)


def _xanes(figure: Figure, ds: xr.Dataset) -> None:
    names = [str(name) for name in ds.data_vars if str(name).startswith("mu") and not str(name).endswith("_stderr")]
    names = names or [str(name) for name in ds.data_vars]
    axes = np.atleast_1d(figure.subplots(1, min(len(names), 3)))
    for ax, name in zip(axes, names, strict=False):
        ax.plot(ds["energy"], ds[name].T, color=BLUE, lw=1.0)
        ax.set(xlabel="energy (eV)", ylabel=axis_label(ds[name]))


def _xps(figure: Figure, ds: xr.Dataset) -> None:
    ax = figure.subplots()
    name = "counts" if "counts" in ds else "intensity"
    axis = str(ds[name].dims[-1])
    ax.plot(ds[axis], ds[name].T, color=BLUE, lw=1.0)
    ax.set(xlabel=axis_label(ds[axis]), ylabel=axis_label(ds[name]))
    if axis == "binding_energy":
        ax.set_xlim(float(ds[axis].max()), float(ds[axis].min()))
    ax.set_title(str(ds.attrs.get("core_level", "")), fontsize=9)


def record_with_events(ds: xr.Dataset, results: Sequence[Result]) -> Figure:
    """Draw a cycling record with the short circuits that results found in it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        plot_cycling.record(figure, ds, results)
        if ds.attrs.get("simulated"):
            mark_simulated(figure)
    return figure


def plot_on_image(ds: xr.Dataset, result: Result) -> Figure:
    """Draw an image with what a result found in it, or the result alone where it found no places.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image", as it was given to the analysis.
    result : Result
        From `interlayer.analysis.tem.layer_thickness` or `coverage`, for instance.

    Raises
    ------
    ValueError
        If the result has no curves.
    """
    import matplotlib as mpl

    draw, curves = drawing_on_image(result), result.curves
    with mpl.rc_context(STYLE):
        figure = plot(result) if draw is None or curves is None else draw(ds, curves, result)
    if ds.attrs.get("simulated"):
        mark_simulated(figure)
    return figure


def _spectrum(figure: Figure, ds: xr.Dataset) -> None:
    ax = figure.subplots()
    counts = ds["counts"]
    if "line" in counts.dims and "distance" in counts.dims:
        for line in counts["line"].values:
            ax.plot(ds["distance"], counts.sel(line=line), lw=1.0, label=str(line))
        ax.legend()
        ax.set(xlabel=axis_label(ds["distance"]), ylabel=axis_label(counts))
        return
    total = counts.sum([dim for dim in counts.dims if dim != "energy"]) if "energy" in counts.dims else counts
    if total.ndim == 1:
        ax.plot(total[total.dims[0]], total, color=BLUE, lw=0.8)
        ax.set(xlabel=axis_label(ds[str(total.dims[0])]), ylabel=axis_label(counts))
    else:
        ax.imshow(total.values, cmap="gray")


_DRAW: Mapping[str, Callable[[Any, Any], None]] = {
    "eis": _eis,
    "cycling": plot_cycling.record,
    "cycling_summary": _cycling_summary,
    "xanes": _xanes,
    "xps": _xps,
    "image": plot_micrograph.image,
    "eds": _spectrum,
    "eels": _spectrum,
}
