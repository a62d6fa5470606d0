"""Figures of several cells in one: their course over the cycles, and one number of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .plot_style import BLUE, GREEN, GREY, ORANGE, STYLE, cycle_axis
from .wording import printed_unit, readable, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interlayer.analysis.quantity import Quantity

_COLOURS = {"coated": BLUE, "bare": GREY, "alike": GREEN}


@dataclass(frozen=True)
class Cell:
    """One cell: its number, and its course over cycles or half cycles."""

    quantity: Quantity
    cycle: Sequence[float]
    course: Sequence[float]


def cells_figure(kinds: Mapping[str, Sequence[Cell]], *, symmetric: bool) -> Figure:
    """Draw the course of every cell in the colour of its kind, and the number of each beside the mean.

    Parameters
    ----------
    kinds : mapping of str to sequence of Cell
        Cells by ``"coated"``, ``"bare"`` or ``"alike"``; the course is the capacity over that of the reference cycle.
    symmetric : bool
        Whether the course is an overpotential in V over half cycles instead.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 3.2), layout="constrained")
        over, beside = figure.subplots(1, 2, width_ratios=(2, 1))
        factor = 1e3 if symmetric else 100.0
        for kind, cells in kinds.items():
            for cell in cells:
                over.plot(cell.cycle, factor * np.asarray(cell.course), ".-", ms=4, lw=0.7, color=_COLOURS[kind])
            if kind != "alike":
                over.plot([], [], ".-", color=_COLOURS[kind], label=kind)
        cycle_axis(over)
        if symmetric:
            over.set(xlabel="half cycle", ylabel="overpotential (mV)")
        else:
            over.set_ylabel("capacity of the reference (%)")
        if len(kinds) > 1:
            over.legend(loc="best")
        _numbers(beside, kinds)
    return figure


def _numbers(ax: Axes, kinds: Mapping[str, Sequence[Cell]]) -> None:
    """Draw the number of each cell with its own uncertainty, and the mean of each kind."""
    for place, (kind, cells) in enumerate(kinds.items()):
        shown = [readable(cell.quantity) for cell in cells]
        across = place + (np.linspace(-0.15, 0.15, len(cells)) if len(cells) > 1 else np.zeros(len(cells)))
        values, stderr = [quantity.value for quantity in shown], [quantity.stderr or 0.0 for quantity in shown]
        ax.errorbar(across, values, stderr, fmt="o", ms=4, mfc="none", lw=0.8, color=_COLOURS[kind])
        if values:
            ax.hlines(np.mean(values), place - 0.3, place + 0.3, color=ORANGE, lw=1.2)
            unit = printed_unit(shown[0].unit)
            ax.set_ylabel(words(shown[0].name) + (f" ({unit})" if unit else ""))
    ax.set_xticks(range(len(kinds)), [f"{kind} ({len(cells)})" for kind, cells in kinds.items()])
    ax.set_xlim(-0.6, len(kinds) - 0.4)
