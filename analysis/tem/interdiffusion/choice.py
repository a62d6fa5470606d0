"""Which shape the counts ask for: an error function unless another is better by far."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .likelihood import Counts, InterfaceFit, erf_starts, fit_interface
from .shapes import SHAPES

Array = NDArray[np.float64]

SUPPORT = 10.0
"""Difference of Akaike's criterion from which the poorer shape has essentially no support (Burnham, Anderson 2002)."""

_LEAST_LAYER = 2.0  # points of the scan that a layer must span to be told from a step


def starts(data: Counts, name: str, erf: InterfaceFit) -> Array:
    """Return parameters of a shape to start a fit from, shape (q, g), given the error function that fits best."""
    return _STARTS[name](data, erf)


def _plateau_starts(data: Counts, erf: InterfaceFit) -> Array:
    """Return layers about the interface, and along the scan where only a line of their own may show them."""
    centre, sigma = erf.theta[0], max(erf.sigma, data.step)
    near = (centre + sigma * np.array([-1.0, -0.5, 0.0, 0.5, 1.0]), sigma * np.array([1.5, 2.5, 3.5]))
    anywhere = (
        data.distance[0] + data.span * np.linspace(0.1, 0.9, 9),
        np.geomspace(_LEAST_LAYER * data.step, 0.4 * data.span, 4),
    )
    grids = [
        np.stack([grid.ravel() for grid in np.meshgrid(centres, np.log(edges * layers.mean()), np.log(layers))])
        for centres, layers in (near, anywhere)
        for edges in (np.array([0.05, 0.25]),)
    ]
    return np.concatenate(grids, axis=1)


def _asymmetric_starts(data: Counts, erf: InterfaceFit) -> Array:
    ratios = np.array([-1.0, -0.3, 0.3, 1.0])
    shifts = -0.6 * erf.sigma * ratios
    return np.stack([erf.theta[0] + shifts, np.full(4, erf.theta[1]), ratios])


def _tail_starts(data: Counts, erf: InterfaceFit) -> Array:
    shares = np.array([0.2, 0.5, 0.8])  # of the variance that the tail takes
    centre = np.full(3, erf.theta[0])
    return np.stack([centre, erf.theta[1] + 0.5 * np.log(1 - shares), erf.theta[1] + 0.5 * np.log(shares)])


_STARTS: Mapping[str, Callable[[Counts, InterfaceFit], Array]] = {
    "erf": lambda data, erf: erf_starts(data),
    "plateau": _plateau_starts,
    "asymmetric": _asymmetric_starts,
    "tail_right": _tail_starts,
    "tail_left": _tail_starts,
}


def fit_all(data: Counts, erf: InterfaceFit, *, drift: bool) -> dict[str, InterfaceFit]:
    """Fit every shape, and the error function with a change of the mass thickness along the scan as ``"drift"``."""
    fits = {"erf": erf}
    for name, shape in SHAPES.items():
        if name != "erf":
            fits[name] = fit_interface(data, shape, starts(data, name, erf), drift=drift)
    fits["drift"] = fit_interface(data, SHAPES["erf"], erf.theta[:, None], drift=True)
    return fits


def preferred(fits: Mapping[str, InterfaceFit]) -> str:
    """Return the shape of the least criterion if it beats the error function by `SUPPORT`, else the error function.

    Where a change of thickness explains the counts as well as any other shape does, the error function stands.
    """
    best = min(fits, key=lambda name: fits[name].aic)
    return best if fits["erf"].aic - fits[best].aic > SUPPORT else "erf"
