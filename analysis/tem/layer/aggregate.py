"""Mean of a quantity along an interface, where neighbours are alike and the number of points says little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CorrelatedMean:
    """Mean of a correlated series as an estimate for the population that it was drawn from.

    Parameters
    ----------
    mean : float
        Arithmetic mean.
    stderr : float
        Standard uncertainty of the mean as an estimate of the population mean; use Student's t with `dof`.
    sd : float
        Standard deviation of single points, corrected for the subtracted mean.
    n_effective : float
        Number of independent points that would give the same `stderr`.
    correlation_length : float
        Length c of a correlation function ``exp(-x**2 / (2 c**2))`` with the same integral, in units of the step.
    """

    mean: float
    stderr: float
    sd: float
    n_effective: float
    correlation_length: float

    @property
    def dof(self) -> float:
        """Degrees of freedom for Student's t, at least 1: one is spent on the mean, one on the correlation.

        With the second one, intervals of series with 3 to 17 independent points cover 95-96 %; without it, 93-96 %.
        """
        return max(self.n_effective - 2.0, 1.0)


def correlated_mean(series: Array) -> CorrelatedMean:
    r"""Return mean and uncertainty of an evenly spaced, correlated series.

    The autocovariance about the sample mean is too low by the variance of that mean, v. Both follow from

    .. math:: \gamma_k = c_k + v, \qquad v = \frac{1}{n^2} \sum_{|k| < K} p_k \gamma_k

    by iteration, p being the number of pairs at lag k and K the first lag with a covariance of zero or below. Without
    the correction by v and Student's t, 95 % intervals of a layer 200 nm long with a correlation length of 10 nm hold
    the truth in 75 % of cases.

    Parameters
    ----------
    series : ndarray, shape (n,)
        Values at equal steps, NaN where there is none.

    Returns
    -------
    CorrelatedMean

    Raises
    ------
    ValueError
        If fewer than four values are finite.

    Examples
    --------
    >>> thickness = correlated_mean(np.array([17.2, 17.0, 16.1, 16.0, 17.4, 17.9, 17.1, 16.5]))
    >>> round(thickness.mean, 2), thickness.n_effective < 8
    (16.9, True)

    References
    ----------
    .. [1] Anderson, The Statistical Analysis of Time Series, Wiley (1971), chapter 8.
    .. [2] Zięba, Metrol. Meas. Syst. 17 (2010) 3, doi:10.2478/v10178-010-0001-0.
    """
    finite = np.isfinite(series)
    n = int(finite.sum())
    if n < 4:
        raise ValueError(f"found {n} values; a correlated mean needs at least 4")
    mean = float(series[finite].mean())
    covariance, pairs = _autocovariance(np.where(finite, series - mean, 0.0), finite)
    if covariance[0] <= 0:
        return CorrelatedMean(mean, 0.0, 0.0, float(n), 0.0)
    variance = _variance_of_mean(covariance, pairs)
    total = float(covariance[0]) + variance
    n_effective = min(max(total / variance, 1.0), float(n))
    extent = np.ptp(np.flatnonzero(finite)) + 1
    length = extent / n_effective / np.sqrt(2 * np.pi) if n_effective < n else 0.0
    return CorrelatedMean(mean, float(np.sqrt(total / n_effective)), float(np.sqrt(total)), n_effective, float(length))


def _autocovariance(deviation: Array, finite: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the covariance at lags up to half the series, each over the pairs that exist, and their numbers."""
    lags = range(max(len(deviation) // 2, 1))
    pairs = np.array([np.count_nonzero(finite[: len(finite) - k] & finite[k:]) for k in lags])
    sums = np.array([deviation[: len(deviation) - k] @ deviation[k:] for k in lags])
    return sums / np.maximum(pairs, 1), pairs.astype(np.float64)


def _variance_of_mean(covariance: Array, pairs: Array) -> float:
    n = pairs[0]
    taper = pairs / n
    variance = 0.0
    for _ in range(200):
        corrected = covariance + variance
        ends = np.flatnonzero(corrected <= 0)
        stop = int(ends[0]) if len(ends) else len(corrected)
        update = (corrected[0] + 2 * (taper[1:stop] @ corrected[1:stop])) / n
        update = float(min(max(update, corrected[0] / n), corrected[0]))
        if abs(update - variance) < 1e-6 * covariance[0]:
            break
        variance = 0.5 * (variance + update)
    return variance
