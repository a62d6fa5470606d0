"""Figures of interfaces in line scans: counts, model and residuals, and the widths that the definitions give."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .plot_style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, STYLE, shortened
from .wording import headline, printed_unit

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Quantity, Result

Floats = NDArray[np.float64]

_LINES = tuple((colour, style) for style in ("-", "--", ":") for colour in (BLUE, ORANGE, GREEN, PURPLE, SKY, "black"))
"""Colour and style of the model of each X-ray line; 18 before one comes again."""

_LEGEND = 50  # letters that fit above the profile
_KINDS = {"bare": GREY, "coated": BLUE}
_SCATTER, _FEWEST = 0.08, 30  # of points that are drawn, in shares of the step, and how many there are at least
_LEAST_STEP = 0.05
"""Part of the largest step of any line below which a line shows no interface."""


def profile(figure: Figure, curves: xr.Dataset, result: Result) -> None:
    """Draw the counts of every line with the model, what is left, and the widths beside the shares of the model."""
    halves: Any = figure.subfigures(1, 2, width_ratios=(1.25, 1))
    ax, residual = halves[0].subplots(2, 1, sharex=True, height_ratios=(3, 1))
    distance = curves["distance"].values
    names = shortened([str(name).replace("_", " ") for name in curves["line"].values])
    for place, (colour, style) in zip(range(len(names)), cycle(_LINES), strict=False):
        counts, model = (curves[key].isel(line=place).values for key in ("counts", "model"))
        ax.plot(distance, counts, "o", ms=1.8, mfc="none", mew=0.5, color=colour)
        ax.plot(distance, model, style, color=colour, lw=1.2, label=names[place])
        with np.errstate(divide="ignore", invalid="ignore"):
            residual.plot(distance, (counts - model) / np.sqrt(model), lw=0.5, color=colour)
    ax.set_ylabel("counts")
    ax.set_ylim(bottom=0)
    columns = max(1, min(len(names), _LEGEND // (max(map(len, names)) + 6)))
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, borderaxespad=0.2, handlelength=1.4)
    residual.axhline(0, color=GREY, lw=0.6)
    residual.set(xlabel="distance (nm)", ylabel="residual (s.d.)")
    halves[0].suptitle(headline(result.quantities[0]), fontsize=9)
    _definitions(halves[1].subplots(), curves, result)


def _definitions(ax: Axes, curves: xr.Dataset, result: Result) -> None:
    """Draw the shares of both sides, and below them a bar for the width by each definition."""
    centre = result["interface_position"].value
    distance, middle = curves["distance"].values - centre, 0.0
    for rising, style in ((True, "-"), (False, "--")):
        share = _share(curves, rising=rising)
        if share is not None:
            ax.plot(distance, share, style, color=GREY, lw=1.2)
            middle = _middle(distance, share, result["interdiffusion_width"].value)
    for level in (0.1, 0.9):
        ax.axhline(level, color=GREY, lw=0.5, ls=":")
    titles = _titles(result) | {"reaction_layer_thickness": "layer"}
    shown = [(name, title) for name, title in titles.items() if name in result]
    for place, (name, title) in enumerate(shown):
        _bar(ax, (middle, -0.13 - 0.16 * place), result[name], title)
    reach = 1.4 * max(result[name].value for name, _ in shown)
    ax.set(
        xlim=(middle - reach, middle + reach),
        ylim=(-0.16 * len(shown) - 0.1, 1.05),
        xlabel="distance from the interface (nm)",
    )
    ax.set_yticks([0.0, 0.1, 0.5, 0.9, 1.0])
    ax.set_ylabel("share of the step", y=0.7)


def _middle(distance: Floats, share: Floats, width: float) -> float:
    """Return the point half way between 10 and 90 % of a step; an interface with a tail has it beside its centre.

    Where the scan ends before one of them, it lies half a width from the other.
    """
    travelled = np.maximum.accumulate(share if share[-1] > share[0] else 1.0 - share)
    low, high = np.interp([0.1, 0.9], travelled, distance)
    if travelled[0] > 0.1 and travelled[-1] < 0.9:
        return 0.0
    if travelled[0] > 0.1:
        return float(high - 0.5 * width)
    return float(low + 0.5 * width if travelled[-1] < 0.9 else 0.5 * (low + high))


def _bar(ax: Axes, place: tuple[float, float], quantity: Quantity, title: str) -> None:
    """Draw a width with its value; a limit ends in dots, as nobody knows how much shorter it is."""
    middle, height = place
    ends, measured = [middle - 0.5 * quantity.value, middle + 0.5 * quantity.value], quantity.relation == "="
    ax.plot(ends, [height, height], color=ORANGE, lw=2.2, ls="-" if measured else ":", solid_capstyle="butt")
    if measured and title.startswith("10"):
        ax.vlines(ends, height, [0.1, 0.1], color=ORANGE, lw=0.5)
    label = f"{title}: {quantity.number()} {printed_unit(quantity.unit)}"
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
    ax.text(middle, height + 0.025, label, ha="center", va="bottom", fontsize=7.5, bbox=behind)


def _titles(result: Result) -> dict[str, str]:
    return {
        "interdiffusion_width": "10–90 %",
        "coexistence_width": f"coexistence at τ = {result.provenance.get('tau', '?')}",
        "interdiffusion_sigma": "σ",
    }


def _share(curves: xr.Dataset, *, rising: bool, of: str = "model") -> Floats | None:
    """Return the share of its step that the sum of the rising, or falling, lines has reached; None without a line."""
    first, last = curves["level"].values
    step = last - first
    chosen = (step > 0 if rising else step < 0) & (np.abs(step) > _LEAST_STEP * np.abs(step).max())
    if not chosen.any():
        return None
    total = curves[of].values[:, chosen].sum(axis=1)
    low = np.minimum(first, last)[chosen].sum()
    return np.asarray((total - low) / np.abs(step[chosen]).sum())


def interfaces_figure(results: Mapping[str, Result]) -> Figure:
    """Draw the profiles of a bare and a coated interface over each other, and their widths by every definition.

    Parameters
    ----------
    results : mapping of str to Result
        From `interlayer.analysis.tem.interdiffusion_width` by ``"bare"`` and ``"coated"``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 3.2), layout="constrained")
        over, beside = figure.subplots(1, 2, width_ratios=(1.5, 1))
        for kind, result in results.items():
            _overlay(over, kind, result)
        over.axhline(0.1, color=GREY, lw=0.5, ls=":")
        over.axhline(0.9, color=GREY, lw=0.5, ls=":")
        over.set(xlabel="distance from the interface (nm)", ylabel="share of the step", ylim=(-0.15, 1.15))
        over.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2, handlelength=1.4)
        _widths(beside, results)
    return figure


def _overlay(ax: Axes, kind: str, result: Result) -> None:
    """Draw the sum of the rising lines, or of the falling where none rises, over the distance to the interface."""
    curves = result.curves
    if curves is None:
        return
    distance = curves["distance"].values - result["interface_position"].value
    for rising in (True, False):
        points, line = (_share(curves, rising=rising, of=of) for of in ("counts", "model"))
        if points is not None and line is not None:
            few, means = _averaged(distance, points, line)
            size = 1.8 * np.sqrt(len(points) / len(means))
            ax.plot(few, means, "o", ms=size, mew=0.5, mfc="none", color=_KINDS[kind], alpha=0.7)
            ax.plot(distance, line, "-" if rising else "--", lw=1.2, color=_KINDS[kind], label=kind if rising else None)


def _averaged(distance: Floats, points: Floats, line: Floats) -> tuple[Floats, Floats]:
    """Return means of as many neighbouring points as bring their scatter down to what leaves a profile to be seen."""
    scatter = float(np.std(points - line))
    size = int(np.clip(np.ceil((scatter / _SCATTER) ** 2), 1, max(1, len(points) // _FEWEST)))
    whole = len(points) // size * size
    few, means = (np.asarray(part[:whole].reshape(-1, size).mean(axis=1)) for part in (distance, points))
    return few, means


def _widths(ax: Axes, results: Mapping[str, Result]) -> None:
    """Draw the width by each definition, for the definition moves it by more than most coatings do."""
    titles = _titles(next(iter(results.values())))
    for offset, (kind, result) in zip((0.12, -0.12), results.items(), strict=False):
        for place, name in enumerate(titles):
            if name not in result:
                continue
            quantity = result[name]
            marker = "o" if quantity.relation == "=" else "<"
            low, high = quantity.interval95 or (quantity.value, quantity.value)
            ax.plot(quantity.value, offset - place, marker, ms=4, color=_KINDS[kind])
            ax.hlines(offset - place, low, high, color=_KINDS[kind], lw=1.2)
    ax.set_yticks(
        [-place for place in range(len(titles))], [title.replace(" at ", "\nat ") for title in titles.values()]
    )
    ax.set(xlabel="width (nm), 95 % interval", ylim=(-len(titles) + 0.5, 0.5))
    ax.set_xlim(left=0)
