r"""Shapes of an interface along a scan: how the share of the far side grows from 0 to 1.

Every shape is a family of translations in the centre :math:`x_0`; all lengths enter by their logarithms.

=============  ========================================================================================================
erf            :math:`F = \Phi((x - x_0)/s)`: an even step seen through a Gaussian, or diffusion with one constant
plateau        two error functions of one width s, a distance t apart, with a third level between: a reaction layer
asymmetric     integral of a normal distribution with widths :math:`s e^{-r/2}` on the left and :math:`s e^{r/2}` on
               the right
tail_right     error function folded with an exponential of length :math:`\lambda` towards larger distances
tail_left      its mirror image
=============  ========================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Basis = tuple[Array, Array]
Ranges = tuple[tuple[float, float], ...]

_ROOT_2PI = float(np.sqrt(2 * np.pi))
_SHARES = (0.15, 0.85)  # of the step taken at the near edge, beyond which a layer is next to none
_EVEN = 1 - 2 / np.pi  # share of the squared difference of both widths in the variance of a split normal distribution


@dataclass(frozen=True)
class Shape:
    """One shape.

    Parameters
    ----------
    name, title : str
        Key of `SHAPES`, and what a reader of the result calls it.
    parameters : tuple of str
        ``"centre"``, ``"log_sigma"`` and a third where there is one.
    n_levels : int
        Levels a line has: 2, or 3 with a layer between.
    basis : callable
        From distances (n,) and parameters (q, ...) to the weights of the levels (n_levels, ..., n), which add up to 1,
        and their derivatives by the parameters (q, n_levels, ..., n).
    variance : callable
        From parameters (q,) and the share of the step that the first interface takes to the variance of the
        transition in nm2. Variances of a shape and of an instrument add up whatever the shapes are.
    limits : callable
        From the step and the span of a scan to the ranges of the parameters from the third on.
    """

    name: str
    title: str
    parameters: tuple[str, ...]
    n_levels: int
    basis: Callable[[Array, Array], Basis]
    variance: Callable[[Array, float], float]
    limits: Callable[[float, float], Ranges] | None = None

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.parameters)


def _bell(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z**2) / _ROOT_2PI)


def _two_levels(rise: Array, slopes: tuple[Array, ...]) -> Basis:
    basis, derivatives = np.empty((2, *rise.shape)), np.empty((len(slopes), 2, *rise.shape))
    basis[0], basis[1] = 1 - rise, rise
    for place, slope in enumerate(slopes):
        derivatives[place, 0], derivatives[place, 1] = -slope, slope
    return basis, derivatives


def _erf(x: Array, theta: Array) -> Basis:
    from scipy.special import ndtr

    sigma = np.exp(theta[1])[..., None]
    z = (x - theta[0][..., None]) / sigma
    bell = _bell(z)
    return _two_levels(ndtr(z), (-bell / sigma, -bell * z))


def _plateau(x: Array, theta: Array) -> Basis:
    from scipy.special import ndtr

    sigma, layer = np.exp(theta[1])[..., None], np.exp(theta[2])[..., None]
    rises, slopes = [], []
    for side in (-0.5, 0.5):
        z = (x - theta[0][..., None] - side * layer) / sigma
        bell = _bell(z)
        rises.append(ndtr(z))
        slopes.append(np.stack([-bell / sigma, -bell * z, -side * layer * bell / sigma]))
    basis = np.stack([1 - rises[0], rises[0] - rises[1], rises[1]])
    return basis, np.stack([-slopes[0], slopes[0] - slopes[1], slopes[1]], axis=1)


def _common_layer(x: Array, theta: Array) -> Basis:
    basis, slopes = _plateau(x, theta[:3])
    share = theta[3][..., None]
    rise = basis[2] + share * basis[1]
    by_place = tuple(slopes[:, 2] + share * slopes[:, 1])
    return _two_levels(rise, (*by_place, basis[1]))


def _asymmetric(x: Array, theta: Array) -> Basis:
    from scipy.special import ndtr

    sigma, ratio = np.exp(theta[1])[..., None], theta[2][..., None]
    left, right = sigma * np.exp(-ratio / 2), sigma * np.exp(ratio / 2)
    total = left + right
    u = x - theta[0][..., None]
    near = u < 0
    own, other = np.where(near, left, right), np.where(near, right, left)
    z = -np.abs(u) / own
    part, bell = ndtr(z), _bell(z)
    below = 2 * own / total * part  # share beyond x on its own side: F on the left, 1 - F on the right
    by_own = 2 * other / total**2 * part - 2 / total * bell * z
    by_other = -2 * own / total**2 * part
    sign = np.where(near, 1.0, -1.0)
    by_sigma = sign * (own * by_own + other * by_other)
    by_ratio = -0.5 * (own * by_own - other * by_other)
    return _two_levels(np.where(near, below, 1 - below), (-2 / total * bell, by_sigma, by_ratio))


def _tail_right(x: Array, theta: Array) -> Basis:
    from scipy.special import log_ndtr, ndtr

    sigma, tail = np.exp(theta[1])[..., None], np.exp(theta[2])[..., None]
    u = x - theta[0][..., None] + tail  # the centre is the mean of the transition, which hardly depends on the tail
    z = u / sigma
    bell = _bell(z)
    fold = np.exp(np.minimum(-u / tail + 0.5 * (sigma / tail) ** 2 + log_ndtr(z - sigma / tail), 0.0))
    by_sigma = sigma * (sigma / tail) * (bell / sigma - fold / tail)
    by_tail = -(fold * (u / tail - (sigma / tail) ** 2) + bell * sigma / tail) + fold
    return _two_levels(ndtr(z) - fold, (-fold / tail, by_sigma, by_tail))


def _tail_left(x: Array, theta: Array) -> Basis:
    mirrored = np.concatenate([-theta[:1], theta[1:]])
    basis, slopes = _tail_right(-x[::-1], mirrored)
    signs = np.array([-1.0, 1.0, 1.0]).reshape(3, *(1,) * (slopes.ndim - 1))
    return basis[::-1, ..., ::-1], signs * slopes[:, ::-1, ..., ::-1]


def _variance_erf(theta: Array, share: float) -> float:
    return float(np.exp(2 * theta[1]))


def _variance_plateau(theta: Array, share: float) -> float:
    inner = min(max(share, 0.0), 1.0)
    return float(np.exp(2 * theta[1]) + inner * (1 - inner) * np.exp(2 * theta[2]))


def _variance_common_layer(theta: Array, share: float) -> float:
    return _variance_plateau(theta[:3], float(theta[3]))


def _variance_asymmetric(theta: Array, share: float) -> float:
    left, right = np.exp(theta[1] - theta[2] / 2), np.exp(theta[1] + theta[2] / 2)
    return float(left * right + _EVEN * (right - left) ** 2)


def _variance_tail(theta: Array, share: float) -> float:
    return float(np.exp(2 * theta[1]) + np.exp(2 * theta[2]))


def _layer_limits(step: float, span: float) -> Ranges:
    return ((float(np.log(step)), float(np.log(span))),)


def _tail_limits(step: float, span: float) -> Ranges:
    return ((float(np.log(0.1 * step)), float(np.log(span))),)


def _ratio_limits(step: float, span: float) -> Ranges:
    return ((-3.0, 3.0),)


def _common_layer_limits(step: float, span: float) -> Ranges:
    return (*_layer_limits(step, span), _SHARES)


_PLACE = ("centre", "log_sigma")
_TAIL = (*_PLACE, "log_tail")

SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("erf", "error function", _PLACE, 2, _erf, _variance_erf),
        Shape(
            "plateau",
            "layer between two error functions",
            (*_PLACE, "log_layer"),
            3,
            _plateau,
            _variance_plateau,
            _layer_limits,
        ),
        Shape(
            "asymmetric",
            "error function with two widths",
            (*_PLACE, "log_ratio"),
            2,
            _asymmetric,
            _variance_asymmetric,
            _ratio_limits,
        ),
        Shape(
            "tail_right",
            "error function with an exponential tail to the right",
            _TAIL,
            2,
            _tail_right,
            _variance_tail,
            _tail_limits,
        ),
        Shape(
            "tail_left",
            "error function with an exponential tail to the left",
            _TAIL,
            2,
            _tail_left,
            _variance_tail,
            _tail_limits,
        ),
    )
}
"""All shapes by name, the simplest first."""

COMMON_LAYER = Shape(
    "common_layer",
    "flat layer in which all lines have taken one share of their step",
    (*_PLACE, "log_layer", "share"),
    2,
    _common_layer,
    _variance_common_layer,
    _common_layer_limits,
)
"""A layer with fewer parameters than `plateau`, which tests at low counts need; it is no choice for a result."""
