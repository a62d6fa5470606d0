"""Colours, sizes and labels shared by all figures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

# Okabe and Ito's palette, which colour-blind readers can tell apart (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#D55E00", "#009E73", "#CC3311", "#777777"
PURPLE, SKY = "#CC79A7", "#56B4E9"

STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.hashsalt": "interlayer",
    "svg.fonttype": "path",
}
POINTS: dict[str, Any] = {"marker": "o", "ms": 3.2, "mfc": "none", "ls": "none", "color": BLUE}

_PREFIXES = ((1e9, 1e-9, "G"), (1e6, 1e-6, "M"), (1e3, 1e-3, "k"), (1.0, 1.0, ""), (1e-3, 1e3, "m"), (1e-6, 1e6, "µ"))
_MOST = 4000  # points of a line
_COLOURS = "viridis"
_DARKEST, _LIGHTEST = 0.0, 0.85  # the yellow end cannot be read on white


def engineering(largest: float) -> tuple[float, str]:
    """Return the factor and the prefix that bring the largest value of an axis between 1 and 1000."""
    for threshold, factor, prefix in _PREFIXES:
        if largest >= threshold:
            return factor, prefix
    return 1e9, "n"


def envelope(x: Floats, y: Floats, most: int = _MOST) -> tuple[Floats, Floats]:
    """Return a line light enough for a vector figure: the lowest and the highest point of each part of a long one.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Points in the order in which they are joined.
    most : int
        Points that may be left.

    Examples
    --------
    >>> x = np.arange(100000.0)
    >>> few, peaks = envelope(x, (x == 54321.0).astype(float))
    >>> few.size <= 4000, float(peaks.max())
    (True, 1.0)
    """
    if x.size <= most:
        return x, y
    parts = np.linspace(0, x.size, most // 2 + 1).astype(int)[:-1]
    known = np.where(np.isfinite(y), y, np.inf)
    lowest = _places_of(np.minimum, known, parts)
    highest = _places_of(np.maximum, np.where(np.isfinite(y), y, -np.inf), parts)
    places = np.sort(np.concatenate([lowest, highest]))
    return x[places], y[places]


def _places_of(extreme: np.ufunc, y: Floats, parts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return where each part has its extreme, the first place of several."""
    sizes = np.diff(np.append(parts, y.size))
    matches = np.flatnonzero(y == np.repeat(extreme.reduceat(y, parts), sizes))
    part = np.repeat(np.arange(parts.size), sizes)[matches]
    return np.asarray(matches[np.flatnonzero(np.diff(part, prepend=-1))])


def shades(count: int) -> list[Any]:
    """Return as many colours from dark to light, which tell an order and can be read on white."""
    import matplotlib as mpl

    return list(mpl.colormaps[_COLOURS](np.linspace(_DARKEST, _LIGHTEST, count)))


def cycle_axis(ax: Axes) -> None:
    """Label an axis of cycles, which are whole numbers."""
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel("cycle")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def shortened(names: Sequence[str], longest: int = 34) -> list[str]:
    """Return long names without the beginning that all share, and with dots in the middle of what is still long.

    Parameters
    ----------
    names : sequence of str
        As they would stand beside each other in one figure.
    longest : int
        Letters of a name that have room.

    Examples
    --------
    >>> shortened(["a.dm3", "b.dm3"]), shortened(["coated_1.dm3", "coated_2.dm3"], 10)
    (['a.dm3', 'b.dm3'], ['…1.dm3', '…2.dm3'])
    """
    crowded = len(names) > 1 and max(map(len, names)) > longest
    shared = len(list(takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))) if crowded else 0
    rests = [f"…{name[shared:]}" if shared else name for name in names]
    half = longest // 2 - 1
    return [name if len(name) <= longest else f"{name[:half]} … {name[-half:]}" for name in rests]


def mark_simulated(figure: Figure) -> None:
    """Write *simulated* into a corner: figures are copied out of their reports."""
    figure.text(0.005, 0.005, "simulated", ha="left", va="bottom", color=ORANGE, fontsize=8)


def axis_label(variable: xr.DataArray) -> str:
    """Return ``long name (unit)``."""
    name = variable.attrs.get("long_name", str(variable.name).replace("_", " "))
    unit = variable.attrs.get("units", "")
    return f"{name} ({unit})" if unit not in ("", "1") else str(name)
