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

    from interlayer.analysis.quantity import Result

_MOST_VECTOR_POINTS = 4000
"""Above this an SVG is heavier than a PNG."""


def figures(dataset: xr.Dataset, outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield data URIs: the data, each headline that has curves (over the image, where there is one), the rest."""
    from .plot_style import mark_simulated
    from .plots import plot, plot_beside, plot_on_image, record_with_events

    outcomes = list(outcomes)
    results = [o.result for o in outcomes if o.result is not None]
    is_image = dataset.attrs["technique"] == "image"
    drawable = [o for o in outcomes if o.result is not None and _has_drawing(o.result, on_image=is_image)]
    drawn = [o.result for o in drawable if o.result is not None and o.role == "headline"]
    closer = [o.result for o in drawable if o.result is not None and o.role != "headline"]
    heavy = is_image or max(dataset.sizes.values(), default=0) > _MOST_VECTOR_POINTS
    with warnings.catch_warnings():
        # A figure that cannot be laid out perfectly is still worth showing.
        warnings.simplefilter("ignore")
        if is_image and drawn:
            yield from (data_uri(plot_on_image(dataset, result), vector=False) for result in drawn)
            drawn = []
        elif dataset.attrs["technique"] == "cycling":
            yield data_uri(record_with_events(dataset, results), vector=True)
        elif not drawn:
            yield data_uri(plot(dataset), vector=not heavy)
        for figure in (*map(plot, drawn), *([plot_beside(closer)] if closer else [])):
            if dataset.attrs.get("simulated"):
                mark_simulated(figure)
            yield data_uri(figure, vector=True)


def _has_drawing(result: Result, *, on_image: bool) -> bool:
    from .plot_results import drawing_of, drawing_on_image

    return drawing_of(result) is not None or (on_image and drawing_on_image(result) is not None)


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
