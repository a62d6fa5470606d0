"""Figures of a measurement as data URIs, ready for a self-contained page."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .outcome import Outcome

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_MOST_VECTOR_POINTS = 4000
"""Above this an SVG is heavier than a PNG."""


def figures(dataset: xr.Dataset, outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield a data URI for each result that has curves, or one for the Dataset where there is none."""
    from .plot_results import DRAW_RESULT
    from .plots import plot

    drawn = [
        outcome.result
        for outcome in outcomes
        if outcome.result is not None
        and outcome.result.curves is not None
        and outcome.result.curves.attrs.get("kind") in DRAW_RESULT
    ]
    heavy = dataset.attrs["technique"] == "image" or max(dataset.sizes.values(), default=0) > _MOST_VECTOR_POINTS
    for data in drawn or [dataset]:
        with warnings.catch_warnings():
            # A figure that cannot be laid out perfectly is still worth showing.
            warnings.simplefilter("ignore")
            yield data_uri(plot(data), vector=not heavy)


def data_uri(figure: Figure, *, vector: bool) -> str:
    """Return a figure as SVG or PNG in a data URI, with the same bytes in every run."""
    import matplotlib as mpl

    from .plot_style import STYLE

    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        if vector:
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
    kind = "svg+xml" if vector else "png"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
