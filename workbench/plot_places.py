"""Figure of one quantity in several images or particles: each with its interval, the mean, and how places differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .plot_style import BLUE, GREEN, GREY, ORANGE, STYLE, shortened
from .wording import headline, printed_unit, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Quantity, Result

_ROW, _FRAME, _HIGHEST = 0.24, 1.7, 9.0
"""Inches of a row, of what stands around the rows, and of the whole figure at most."""


def places_figure(found: Mapping[str, Quantity], combined: Result, *, kind: str) -> Figure:
    """Draw a quantity in each place with its interval, the mean over them, and how places differ.

    Parameters
    ----------
    found : mapping of str to Quantity
        By the name of the file; a limit is an arrow head.
    combined : Result
        Its first quantity is the mean; one of the same name with ``_sd`` is the standard deviation between places.
    kind : str
        What the places are: ``"images"``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mean = combined.quantities[0]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, min(_FRAME + _ROW * len(found), _HIGHEST)), layout="constrained")
        ax = figure.subplots()
        for place, quantity in enumerate(found.values()):
            _place(ax, -place, quantity)
        _mean(ax, -len(found) - 0.5, mean)
        if f"{mean.name}_sd" in combined and mean.relation == "=":
            _between(ax, mean.value, combined[f"{mean.name}_sd"], kind)
        names = shortened(list(found))
        every = max(1, round(len(names) * _ROW / (_HIGHEST - _FRAME)))  # names do not overlap in the highest figure
        places = [*range(0, -len(names), -every), -len(names) - 0.5]
        ax.set_yticks(places, [*names[::every], f"{len(names)} {kind}"])
        unit = printed_unit(mean.unit)
        ax.set_xlabel(f"{words(mean.name)}{f' ({unit})' if unit else ''}, 95 % intervals")
        ax.set_ylim(-len(names) - 1.1, 0.7)
        ax.set_title(headline(mean), fontsize=9)
        if ax.get_legend_handles_labels()[0]:
            figure.legend(loc="outside lower center", ncols=2)
    return figure


def _place(ax: Axes, height: float, quantity: Quantity) -> None:
    if quantity.relation != "=":
        ax.plot(quantity.value, height, quantity.relation, ms=5, mfc="none", color=GREY)
        return
    low, high = quantity.interval95 or (quantity.value, quantity.value)
    ax.hlines(height, low, high, color=BLUE, lw=1.0)
    ax.plot(quantity.value, height, "o", ms=4, mfc="white", color=BLUE)


def _mean(ax: Axes, height: float, mean: Quantity) -> None:
    """Draw the mean with its interval below the places and through them."""
    ax.axhline(height + 0.75, color=GREY, lw=0.5)
    if mean.relation != "=" or mean.interval95 is None:
        ax.plot(mean.value, height, "D" if mean.relation == "=" else mean.relation, ms=6, color=ORANGE)
        return
    ax.axvspan(*mean.interval95, color=ORANGE, alpha=0.18, lw=0, label="mean of all, 95 %")
    ax.axvline(mean.value, color=ORANGE, lw=1.0)
    ax.hlines(height, *mean.interval95, color=ORANGE, lw=2.0)
    ax.plot(mean.value, height, "D", ms=5, color=ORANGE)


def _between(ax: Axes, mean: float, between: Quantity, kind: str) -> None:
    """Draw the standard deviation between places; its limit is only said, for it would dwarf what was measured."""
    size = f"{between.value:.2g} {printed_unit(between.unit)}".rstrip()
    if between.relation != "=":
        ax.plot([], [], " ", label=f"standard deviation between {kind} < {size}")
        return
    for sign, label in ((-1, None), (1, f"± standard deviation between {kind}, {size}")):
        ax.axvline(mean + sign * between.value, color=GREEN, lw=1.0, ls="--", label=label)
