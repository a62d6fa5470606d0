"""Whether counts scatter about a model as Poisson's law says: deviance and runs of residuals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...statistics import runs_p_value
from .likelihood import Counts, InterfaceFit

Array = NDArray[np.float64]

_ALARM = 4.0  # standard deviations by which the deviance exceeds its expectation
_RUNS = 1e-4  # probability of so few runs of residuals
_MEANS = np.geomspace(1e-3, 200.0, 160)


@dataclass(frozen=True)
class Goodness:
    """How well a model describes counts.

    Parameters
    ----------
    per_dof : float
        Deviance over the degrees of freedom. About 1 from 5 counts a point on; for fewer it is not 1 for a right model.
    dispersion : float
        Deviance over its expectation at the counts of the model.
    excess : float
        Deviance less its expectation, in standard deviations.
    runs_p_value : float
        Probability of so few changes of sign of the residuals along the scan.
    """

    per_dof: float
    dispersion: float
    excess: float
    runs_p_value: float

    @property
    def alarm(self) -> bool:
        """Whether the model does not describe the counts."""
        return self.excess > _ALARM or self.runs_p_value < _RUNS

    @property
    def scale(self) -> float:
        """Factor by which uncertainties from counting are enlarged: 1 unless the model does not describe the counts."""
        return math.sqrt(max(self.dispersion, 1.0)) if self.excess > _ALARM else 1.0


def goodness(data: Counts, fit: InterfaceFit) -> Goodness:
    """Judge a fit by its deviance and the runs of its residuals.

    The expectation and variance of the deviance are those of Poisson's law at each expected count, so the judgement
    holds at 3 counts a point as it does at 300.
    """
    used = data.used
    expected, variance = _moments(fit.model[used])
    dof = int(used.sum()) - fit.n_free
    mean = float(expected.sum()) * dof / int(used.sum())
    residuals = [(data.counts - fit.model)[used[:, line], line] for line in range(used.shape[1])]
    return Goodness(
        per_dof=fit.deviance / dof,
        dispersion=fit.deviance / mean,
        excess=(fit.deviance - mean) / math.sqrt(float(variance.sum())),
        runs_p_value=runs_p_value(*residuals),
    )


def _moments(model: Array) -> tuple[Array, Array]:
    """Return expectation and variance of the deviance of single counts about known means."""
    means, expected, variance = _table()
    place = np.log(np.clip(model, means[0], means[-1]))
    return np.interp(place, np.log(means), expected), np.interp(place, np.log(means), variance)


@lru_cache(1)
def _table() -> tuple[Array, Array, Array]:
    from scipy.special import gammaln, xlogy

    counts = np.arange(0.0, 400.0)
    means = _MEANS[:, None]
    probability = np.exp(xlogy(counts, means) - means - gammaln(counts + 1))
    deviance = 2 * (xlogy(counts, np.maximum(counts, 1.0) / means) - counts + means)
    expected = (probability * deviance).sum(axis=1)
    return _MEANS, expected, (probability * deviance**2).sum(axis=1) - expected**2
