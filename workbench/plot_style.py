"""Colours, sizes and labels shared by all figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#D55E00", "#009E73", "#CC3311", "#777777"

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
_MOST = 4000


def engineering(largest: float) -> tuple[float, str]:
    """Return the factor and the prefix that bring the largest value of an axis between 1 and 1000."""
    for threshold, factor, prefix in _PREFIXES:
        if largest >= threshold:
            return factor, prefix
    return 1e9, "n"


def thin(count: int) -> int:
    """Return the stride that keeps a line of `count` points light enough for a vector figure."""
    return max(1, math.ceil(count / _MOST))


def mark_simulated(figure: Figure) -> None:
    """Write *simulated* into a corner: figures are copied out of their reports."""
    figure.text(0.995, 0.005, "simulated", ha="right", va="bottom", color=ORANGE, fontsize=8)


def axis_label(variable: xr.DataArray) -> str:
    """Return ``long name (unit)``."""
    name = variable.attrs.get("long_name", str(variable.name).replace("_", " "))
    unit = variable.attrs.get("units", "")
    return f"{name} ({unit})" if unit not in ("", "1") else str(name)
