r"""Whether a flat layer explains a scan better than an error function, or no worse, where counts are too few to choose.

The layer has edges as sharp as the instrument, so it holds no error function as a special case, and the difference of
the deviances has no law of its own. Cox's test compares it with what the one model expects if it is true:

.. math:: G = D_\mathrm{erf} - D_\mathrm{layer}, \qquad
          G \approx -2 K + \sqrt{V}\, z + \chi^2_\nu

K is the Kullback-Leibler distance from the fitted error function to the layer nearest to it, V four times the variance
of the logarithm of their ratio that a change of the fitted parameters does not take up. The rest is what the layer
gains by following the noise; in simulated scans of 3 to 50 counts a point :math:`\nu = 2.3\,V^{1/4}`, and at least 2.
With the models exchanged, the same test says whether the counts exclude the layer.

References
----------
.. [1] Cox, J. R. Statist. Soc. B 24 (1962) 406.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...statistics import ONE_SIDED_95
from .likelihood import Counts, InterfaceFit, expectation, fit_interface
from .shapes import COMMON_LAYER, SHAPES

Array = NDArray[np.float64]

SUSPICION = 0.02
"""Probability of the counts given an error function below which a layer is suspected instead."""

_EXCLUDED = 0.05
_SHARPEST = 0.5  # steps of the scan; sharper edges move between two points without a change of the likelihood
_LEAST_EDGE = 0.15  # of the width of the error function; sharper edges follow single counts
_PLACES = np.linspace(-2.4, 2.4, 9)  # of edges to start from, in standard deviations of the error function
_FOLLOWED, _LEAST_FOLLOWED = 2.3, 2.0  # what a layer gains from noise, by the root of the deviation; simulated


@dataclass(frozen=True)
class LayerTest:
    """A flat layer against an error function.

    Parameters
    ----------
    gain : float
        Deviance of the error function less that of the layer.
    p_erf, p_layer : float
        Probability of a gain as large, or as small, if the error function, or the layer, were the truth.
    thickness, stderr : float
        Of the layer that fits best, in nm.
    aic : float
        Akaike's criterion of the layer.
    """

    gain: float
    p_erf: float
    p_layer: float
    thickness: float
    stderr: float
    aic: float

    @property
    def suspected(self) -> bool:
        """Whether the counts exclude an error function in favour of the layer."""
        return self.p_erf < SUSPICION

    @property
    def possible(self) -> bool:
        """Whether the counts leave the layer possible."""
        return self.p_layer >= _EXCLUDED

    @property
    def longest(self) -> float:
        """Thickness in nm above which a layer is excluded, one-sided 95 %."""
        return self.thickness + ONE_SIDED_95 * self.stderr


def weigh_layer(data: Counts, erf: InterfaceFit, blur_variance: float) -> LayerTest | None:
    """Hold a flat layer with edges as sharp as the instrument against an error function.

    Parameters
    ----------
    data : Counts
    erf : InterfaceFit
        The error function that fits best.
    blur_variance : float
        Variance of the instrument in nm2.

    Returns
    -------
    LayerTest or None
        None where the error function is no wider than the edges.
    """
    edge = max(math.sqrt(blur_variance), _SHARPEST * data.step, _LEAST_EDGE * erf.sigma)
    excess = erf.sigma**2 - edge**2
    if excess <= edge**2 * 0.1:
        return None
    layer = _fit_layer(data, _layer_starts(erf, edge, data.step), erf)
    nearest_layer = _fit_layer(_expected(data, erf), _one_start(erf, edge, math.sqrt(excess)), erf)
    variance = math.exp(2 * layer.theta[2]) * layer.theta[3] * (1 - layer.theta[3]) + edge**2
    start = np.array([[layer.theta[0]], [0.5 * math.log(variance)]])
    nearest_erf = fit_interface(_expected(data, layer), SHAPES["erf"], start, drift=erf.drift != 0)
    gain = erf.deviance - layer.deviance
    return LayerTest(
        gain=gain,
        p_erf=_probability(data, gain, erf, nearest_layer),
        p_layer=_probability(data, -gain, layer, nearest_erf),
        thickness=math.exp(layer.theta[2]),
        stderr=math.exp(layer.theta[2]) * math.sqrt(layer.covariance[2, 2]),
        aic=layer.aic,
    )


def _layer_starts(erf: InterfaceFit, edge: float, step: float) -> Array:
    places = erf.theta[0] + _PLACES * erf.sigma
    near, far = np.triu_indices(len(places), 1)
    wide = places[far] - places[near] > max(step, edge)
    centres, layers = 0.5 * (places[near] + places[far])[wide], (places[far] - places[near])[wide]
    n = len(centres)
    return np.stack([centres, np.full(n, math.log(edge)), np.log(layers), np.full(n, 0.5)])


def _one_start(erf: InterfaceFit, edge: float, excess: float) -> Array:
    return np.array([[erf.theta[0]], [math.log(edge)], [math.log(2 * excess)], [0.5]])


def _fit_layer(data: Counts, starts: Array, erf: InterfaceFit) -> InterfaceFit:
    return fit_interface(data, COMMON_LAYER, starts, held=(1, float(starts[1, 0])), drift=erf.drift != 0)


def _expected(data: Counts, fit: InterfaceFit) -> Counts:
    return Counts(data.distance, np.where(data.used, fit.model, np.nan))


def _probability(data: Counts, gain: float, true: InterfaceFit, nearest: InterfaceFit) -> float:
    """Return the probability of a gain as large for the counts of a model over the one nearest to it."""
    from scipy.special import gammaincc

    variance = 4 * _unexplained(data, true, nearest)
    followed = max(_FOLLOWED * variance**0.25, _LEAST_FOLLOWED)
    # The sum of a normal and a chi-square law is close to a gamma law with the same mean, variance and skewness.
    variance += followed
    shape = variance**3 / (16 * followed**2)
    argument = shape + (gain + nearest.deviance - followed) * math.sqrt(shape / variance)
    return float(gammaincc(shape, max(argument, 0.0)))


def _unexplained(data: Counts, true: InterfaceFit, nearest: InterfaceFit) -> float:
    """Return the variance of the logarithm of the ratio of two models that parameters of the first do not take up."""
    parameters = np.concatenate([true.theta, true.levels.ravel(), [true.drift]])
    model, slopes = expectation(data.distance, true.shape, parameters, true.levels.shape[1])
    root = np.sqrt(model) * data.used
    free = np.diag(true.covariance) > 0
    columns = (slopes[free] * (data.used / np.sqrt(model))).reshape(int(free.sum()), -1).T
    wanted = (np.log(nearest.model / model) * root).ravel()
    rest = wanted - columns @ np.linalg.lstsq(columns, wanted, rcond=1e-9)[0]
    return float(rest @ rest)
