"""Mean of a quantity along an interface, where neighbours are alike and the number of points says little."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...statistics import joint_factor

Array = NDArray[np.float64]

_HIDDEN = 0.7  # of the variance that noise gives a mean: what it hides of the variation
_LAGS = 3  # over which a covariance is averaged to find where it ends; more where the noise calls for it
_UNEVEN = 0.2  # standard deviation of that average from the noise, in units of the covariance at lag 0


@dataclass(frozen=True)
class CorrelatedMean:
    """Mean of a correlated series as an estimate for the population that it was drawn from.

    Parameters
    ----------
    mean : float
        Arithmetic mean.
    stderr : float
        Standard uncertainty of the mean as an estimate of the population mean, from both sources below.
    noise : float
        The part of `stderr` that comes from the known noise of the points; it has no degrees of freedom to lose.
    sd : float
        Standard deviation of single points, noise included, corrected for the subtracted mean.
    n_effective : float
        Number of independent points whose mean would vary as that of the series does, noise apart.
    correlation_length : float
        Length c of a correlation function ``exp(-x**2 / (2 c**2))`` with the same integral, in units of the step.
    """

    mean: float
    stderr: float
    noise: float
    sd: float
    n_effective: float
    correlation_length: float

    @property
    def dof(self) -> float:
        """Degrees of freedom of the variation, at least 1: one is spent on the mean, one on the correlation.

        With the second one, intervals of series with 2 to 30 independent points cover 94-96 %; without it, 93-96 %.
        """
        return max(self.n_effective - 2.0, 1.0)

    def half_width(self, known: float = 0.0) -> float:
        """Return half the 95 % interval of the mean, joined with a standard uncertainty known beforehand."""
        variation = math.sqrt(max(self.stderr**2 - self.noise**2, 0.0))
        known = math.hypot(self.noise, known)
        return joint_factor(variation, self.dof, known) * math.hypot(variation, known)


def correlated_mean(series: Array, noise: float = 0.0) -> CorrelatedMean:
    r"""Return mean and uncertainty of an evenly spaced, correlated series.

    The autocovariance about the sample mean is too low by the variance of that mean, v, and at lag 0 too high by the
    variance s of the noise. The covariance c of what the series shows, and v, follow from

    .. math:: \gamma_k = c_k + s \delta_{k0} - v, \qquad v = \frac{s}{n} + \frac{1}{n^2} \sum_{|k| < K} p_k c_k

    by iteration, p being the number of pairs at lag k and K the first lag at which the mean of c over three lags, or
    over as many as level the noise, is zero or below. No variance below its own uncertainty from the noise,
    :math:`s \sqrt{2 / n}`, is taken as found, and none of the mean below 0.7 s / n, which the noise hides.

    Parameters
    ----------
    series : ndarray, shape (n,)
        Values at equal steps, NaN where there is none.
    noise : float
        Standard deviation of independent errors of the values. Taken for variation, it would make neighbours seem
        less alike than they are and the interval too narrow.

    Returns
    -------
    CorrelatedMean

    Raises
    ------
    ValueError
        If fewer than four values are finite.

    Notes
    -----
    Measured coverage of 95 % intervals, 2000 series of 60 points with the correlation function above, by the length of
    the series in correlation lengths and the noise in units of the variation:

    ========  ======  ======  ======  ======  ======
    noise          4       8      15      20     100
    ========  ======  ======  ======  ======  ======
    0         94.3 %  93.8 %  94.7 %  95.2 %  95.5 %
    0.4       94.2 %  94.7 %  94.5 %  94.0 %  96.2 %
    1         89.5 %  93.2 %  94.0 %  94.0 %  96.2 %
    2         85.7 %  92.0 %  94.3 %  94.6 %  98.1 %
    ========  ======  ======  ======  ======  ======

    Noise taken for variation covers 86.7 % (4 lengths, 0.4). A correlation that falls exponentially has a long tail
    that few lengths do not show: 83.8, 88.5, 91.7 and 95.2 % without noise.

    Examples
    --------
    >>> along = np.array([17.2, 17.0, 16.1, 16.0, 15.6, 15.9, 16.6, 16.9, 17.4, 17.9, 17.1, 16.5])
    >>> thickness = correlated_mean(along, noise=0.1)
    >>> round(thickness.mean, 2), round(thickness.stderr, 2), thickness.n_effective < 5
    (16.68, 0.4, True)

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
    of_noise = noise / math.sqrt(n)
    variation, single = _variation(covariance, pairs, noise**2)
    if single <= 0:
        return CorrelatedMean(mean, of_noise, of_noise, math.sqrt(covariance[0]), float(n), 0.0)
    n_effective = float(min(max(single / variation, 1.0), n))
    extent = np.ptp(np.flatnonzero(finite)) + 1
    length = extent / n_effective / math.sqrt(2 * math.pi) if n_effective < n else 0.0
    variance = variation + of_noise**2
    sd = math.sqrt(float(covariance[0]) + variance)
    return CorrelatedMean(mean, math.sqrt(variance), of_noise, sd, n_effective, float(length))


def _autocovariance(deviation: Array, finite: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the covariance at lags up to half the series, each over the pairs that exist, and their numbers."""
    lags = range(max(len(deviation) // 2, 1))
    pairs = np.array([np.count_nonzero(finite[: len(finite) - k] & finite[k:]) for k in lags])
    sums = np.array([deviation[: len(deviation) - k] @ deviation[k:] for k in lags])
    return sums / np.maximum(pairs, 1), pairs.astype(np.float64)


def _variation(covariance: Array, pairs: Array, noise: float) -> tuple[float, float]:
    """Return the variances of the mean and of single points, both without that of the noise."""
    n = pairs[0]
    taper = pairs / n
    least, hidden = noise * math.sqrt(2 / float(n)), _HIDDEN * noise / float(n)
    variation = single = 0.0
    for _ in range(200):
        corrected = covariance + variation + noise / n
        single = max(float(corrected[0]) - noise, least)
        stop = _first_zero(corrected, _lags(noise / math.sqrt(n), single))
        update = (single + 2 * float(taper[1:stop] @ corrected[1:stop])) / n
        update = min(max(update, single / n, hidden), max(single, hidden))
        if abs(update - variation) < 1e-6 * covariance[0]:
            break
        variation = 0.5 * (variation + update)
    return variation, single


def _lags(error: float, single: float) -> int:
    """Return over how many lags, an odd number, to average a covariance whose values err by `error` each."""
    needed = (error / (_UNEVEN * single)) ** 2 if single > 0 else 0.0
    return max(_LAGS, 2 * math.ceil(0.5 * min(needed, 1e6)) + 1)


def _first_zero(covariance: Array, lags: int) -> int:
    """Return the first lag above 0 at which the mean over so many lags, lag 0 apart, is zero or below."""
    sums = np.concatenate([[0.0], np.cumsum(covariance[1:])])
    centre = np.arange(1, len(covariance))
    last, first = np.minimum(centre + lags // 2, len(sums) - 1), np.maximum(centre - 1 - lags // 2, 0)
    ends = np.flatnonzero(sums[last] - sums[first] <= 0)
    return int(centre[ends[0]]) if len(ends) else len(covariance)
