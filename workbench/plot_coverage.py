"""Figures of coated particles: where the surface is covered, on the micrograph and along the surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import plot_micrograph
from .plot_style import BLUE, GREY, ORANGE
from .wording import number

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Result

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class _Kind:
    """How a kind of surface looks; line and marker tell it apart without colour too."""

    colour: str
    line: Any
    marker: str
    shade: float


_KINDS = {
    "covered": _Kind(BLUE, "-", "o", 0.12),
    "bare": _Kind(ORANGE, (0, (1.5, 0.7)), "s", 0.3),
    "not measured": _Kind(GREY, ":", "x", 0.5),
}


def surface_on_image(ds: xr.Dataset, curves: xr.Dataset, result: Result) -> Figure:
    """Draw a particle with its covered and bare outline, beside the thickness along it and how often each occurs.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image", as it was given to the analysis.
    curves : xarray.Dataset
        Of the result.
    result : Result
        From `interlayer.analysis.tem.coverage`.
    """
    figure, view, (rest, panels) = plot_micrograph.with_panels(ds)
    ax = view.subplots()
    plot_micrograph.under(ax, ds, curves)
    for name, chosen in _blocks(curves).items():
        for run in _runs(chosen):
            place = [curves[f"interface_{axis}"].values[run] for axis in ("x", "y")]
            look = _KINDS[name]
            ax.plot(*place, ls=look.line, color=look.colour, lw=1.8, scalex=False, scaley=False)
    rest.suptitle(_title(result), fontsize=9)
    _along(panels[0].subplots(), curves, result)
    _distribution(panels[1].subplots(), curves, result)
    return figure


def bare_on_image(ds: xr.Dataset, curves: xr.Dataset, result: Result) -> Figure:
    """Draw a particle on which no coating was seen, with the outline along which it was looked for.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image", as it was given to the analysis.
    curves : xarray.Dataset
        Of the result, without thickness.
    result : Result
        From `interlayer.analysis.tem.coverage`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.4), layout="constrained")
    ax = figure.subplots()
    plot_micrograph.under(ax, ds, curves)
    look = _KINDS["bare"]
    ax.plot(curves["interface_x"], curves["interface_y"], ls=look.line, color=look.colour, lw=1.8, label="bare")
    ax.set_title(_title(result), fontsize=9)
    return figure


def surface(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw the thickness along a surface with its bare stretches, and how often each thickness occurs.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        To draw into.
    curves : xarray.Dataset
        Of the result.
    result : Result
        From `interlayer.analysis.tem.coverage`.
    """
    along, distribution = figure.subplots(1, 2, width_ratios=(2, 1))
    figure.suptitle(_title(result), fontsize=9)
    _along(along, curves, result)
    _distribution(distribution, curves, result)


def _title(result: Result) -> str:
    said = [result[name] for name in ("coverage", "conformality") if name in result]
    return ",  ".join(f"{q.name} {'= ' if q.relation == '=' else ''}{number(q)}" for q in said)


def _blocks(curves: xr.Dataset) -> dict[str, Flags]:
    """Return which blocks are of each kind that occurs."""
    covered, known = curves["covered"].values.astype(bool), np.isfinite(curves["thickness"].values)
    kinds = {"covered": covered & known, "bare": ~covered & known, "not measured": ~known}
    return {name: chosen for name, chosen in kinds.items() if chosen.any()}


def _runs(kind: Flags) -> list[slice]:
    """Return the stretches of one kind, each with the first block after it so that lines meet."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kind, [False]]).astype(int)))
    return [slice(begin, end + 1) for begin, end in edges.reshape(-1, 2)]


def _along(ax: Axes, curves: xr.Dataset, result: Result) -> None:
    """Draw the thickness of each block, shade the bare stretches, and mark what counts and what can be seen."""
    length, thickness = curves["arclength"].values, curves["thickness"].values
    half = 0.5 * float(np.median(np.diff(length)))
    for name, chosen in _blocks(curves).items():
        look = _KINDS[name]
        for run in _runs(chosen):
            ax.axvspan(length[run.start] - half, length[run.stop - 2] + half, color=look.colour, alpha=look.shade, lw=0)
        ax.errorbar(
            length[chosen], thickness[chosen], curves["thickness_stderr"].values[chosen], fmt=look.marker, ms=2.2,
            mew=0.6, mfc="none", lw=0.5, color=look.colour, label=name,
        )  # fmt: skip
    _limits(ax.axhline, result)
    ax.set(xlabel="along the surface (nm)", ylabel="thickness (nm)")
    low, high = np.nanmin(thickness), np.nanmax(thickness)
    ax.set_ylim(min(low, 0.0) - 0.08 * (high - low), high + 0.1 * (high - low))
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2, handlelength=1.4, fontsize=7.5)


def _limits(line: Any, result: Result) -> None:
    """Draw the thickness from which a place counts as covered, and the one that a block detects."""
    if "minimum" in result.diagnostics:
        minimum = result.diagnostics["minimum"]
        line(minimum, color="black", lw=0.9, ls="--", label=f"counts as covered ({minimum:.3g} nm)")
    if "detectable_thickness" in result.diagnostics:
        detectable = result.diagnostics["detectable_thickness"]
        line(detectable, color=GREY, lw=0.9, ls=":", label=f"detection limit ({detectable:.2g} nm)")


def _distribution(ax: Axes, curves: xr.Dataset, result: Result) -> None:
    """Draw how much of the surface has which thickness."""
    thickness = curves["thickness"].values
    step = float(np.median(np.diff(curves["arclength"].values)))
    bins = np.linspace(np.nanmin(thickness), np.nanmax(thickness), 31).tolist()
    parts = {name: thickness[chosen & np.isfinite(thickness)] for name, chosen in _blocks(curves).items()}
    weights = [np.full(part.size, step) for part in parts.values()]
    ax.hist(list(parts.values()), bins, weights=weights, stacked=True, color=[_KINDS[name].colour for name in parts])
    _limits(ax.axvline, result)
    ax.set(xlabel="thickness (nm)", ylabel="length (nm)")
