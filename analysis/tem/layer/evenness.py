"""How even a coating is where there is one, without what the noise of its measurement adds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...quantity import Quantity
from ...statistics import ONE_SIDED_95, coverage_factor
from .aggregate import correlated_mean

Array = NDArray[np.float64]

_FEWEST = 12  # thicknesses
_MOST_NOISE = 2.5  # variances of the fits; perfectly even layers show up to that at low dose
_NOISE = 0.15  # relative standard uncertainty of the variance of the fits
_STRETCH = 5.0  # correlation lengths of a block of the bootstrap; two, the least that serves, cover less
_SAMPLES = 300
_LENGTHS = 12  # correlation lengths that are tried
_MOST_PLACES = 600  # more are averaged in groups: the effort grows with their third power
_JITTER = 1e-6  # of the variance, without which a smooth course has no Cholesky factor


@dataclass(frozen=True)
class Evenness:
    """Conformality, range form and coefficient of variation, with the estimates that limits leave out.

    Parameters
    ----------
    quantities : tuple of Quantity
    estimates : dict of str to float
        ``conformality`` and ``relative_variance``, which may be below zero, for means over particles.
    """

    quantities: tuple[Quantity, ...]
    estimates: dict[str, float]


def evenness(thickness: Array, stderr: Array) -> Evenness | None:
    r"""Return the indices of evenness of a coating.

    With the variance of the fits :math:`\bar{u^2}` taken off that of the thicknesses, the coefficient of variation is

    .. math:: \mathrm{CV} = \sqrt{s^2 - \bar{u^2}} \,/\, \bar t,

    the conformality is the 5th percentile over the median and its range form :math:`1 - (t_{max} - t_{min}) / 2\bar t`,
    the one of the thicknesses drawn towards their mean until their variance is that without noise, the other of courses
    that the noisy values allow.

    Parameters
    ----------
    thickness, stderr : ndarray, shape (n,)
        At equal steps in nm, NaN where there is no coating.

    Returns
    -------
    Evenness or None
        The first and the last hold for the coating, the range form for the places in view, because extremes grow with
        their number. Limits where noise explains all variation. None for fewer than twelve thicknesses.
    """
    present = np.isfinite(thickness)
    if present.sum() < _FEWEST:
        return None
    values = thickness[present]
    noise = _noise_variance(thickness, float(np.mean(stderr[present] ** 2)))
    series = correlated_mean(thickness, math.sqrt(noise))
    mean, variance, length = series.mean, series.sd**2, series.correlation_length
    excess = variance - noise
    # Squares of a series with the correlation exp(-x^2 / 2 c^2) are correlated over c / sqrt(2).
    independent = max(len(values) / max(1.0, math.sqrt(math.pi) * length), 3.0)
    of_noise = math.hypot(math.sqrt(2.0 / len(values)) * noise, _NOISE * noise)
    error = math.hypot(math.sqrt(2.0 / (independent - 1.0)) * max(excess, 0.0), of_noise)
    error = math.hypot(error, 2.0 * math.sqrt(max(excess, 0.0) * noise / len(values)))
    shrunk = mean + (values - mean) * math.sqrt(max(excess, 0.0) / variance) if variance > 0 else values
    estimates = {"conformality": _percentile_ratio(shrunk), "relative_variance": excess / mean**2}
    if excess <= ONE_SIDED_95 * of_noise:
        return Evenness(_limits(values, mean, max(excess, 0.0) + ONE_SIDED_95 * error), estimates)
    variation = math.sqrt(excess) / mean
    # One degree of freedom is spent on the mean, one on the correlation.
    factor = coverage_factor(max(independent - 2.0, 1.0))
    relative = 0.5 * error / excess
    spread = math.exp(factor * relative)
    return Evenness(
        (
            _conformality(thickness, shrunk, present, length, relative * variation, factor),
            _range(np.flatnonzero(present), values - mean, mean, excess, noise),
            Quantity(
                "coefficient_of_variation",
                variation,
                variation * relative,
                "1",
                (variation / spread, variation * spread),
                kind="measured",
            ),
        ),
        estimates,
    )


def _noise_variance(thickness: Array, of_fits: float) -> float:
    """Return the variance of the noise, from second differences where these say more than the fits.

    Fits of single blocks scatter up to 1.5 times as much as their covariance says; second differences of independent
    errors have six times their variance, and those of what varies over two blocks or more hardly any.
    """
    bend = np.diff(thickness, 2)
    seen = float(np.mean(bend[np.isfinite(bend)] ** 2)) / 6.0 if np.isfinite(bend).any() else 0.0
    return float(np.clip(seen, of_fits, _MOST_NOISE * of_fits))


def _limits(values: Array, mean: float, highest: float) -> tuple[Quantity, ...]:
    """Return the limits that belong to the largest variance that noise may hide."""
    variation = math.sqrt(highest) / mean
    extremes = 1.0 - float(np.ptp(values)) / (2.0 * mean)
    return (
        Quantity("conformality", max(1.0 - ONE_SIDED_95 * variation, 0.0), None, "1", relation=">", kind="measured"),
        Quantity("conformality_range", extremes, None, "1", relation=">", kind="measured"),
        Quantity("coefficient_of_variation", variation, None, "1", relation="<", kind="measured"),
    )


def _conformality(
    thickness: Array, shrunk: Array, present: NDArray[np.bool_], length: float, of_variation: float, factor: float
) -> Quantity:
    """Return 5th percentile over median, its uncertainty from a block bootstrap and the noise that is taken off."""
    series = np.full(len(thickness), np.nan)
    series[present] = shrunk
    samples = series[_resampled(len(series), max(1, math.ceil(_STRETCH * length)))]
    ratios = _percentile_ratios(samples[np.isfinite(samples).sum(axis=1) >= 4])
    value = _percentile_ratio(shrunk)
    stderr = math.hypot(float(np.std(ratios)), ONE_SIDED_95 * of_variation)
    interval = (max(value - factor * stderr, 0.0), min(value + factor * stderr, 1.0))
    return Quantity("conformality", value, stderr, "1", interval, kind="measured")


def _range(places: NDArray[np.intp], deviation: Array, mean: float, excess: float, noise: float) -> Quantity:
    """Return the range form for the places in view: of courses of the thickness that the noisy values allow.

    Extremes of noisy values are wider than those of the thickness. Courses are drawn from Gaussian processes with the
    variance that was found and correlation lengths as likely as the values make them, conditional on the values
    (Matheron's rule).
    """
    group = -(-len(places) // _MOST_PLACES)
    whole = len(places) // group * group
    places = places[:whole:group]
    deviation, noise = deviation[:whole].reshape(-1, group).mean(axis=1), noise / group
    random = np.random.default_rng(20263)
    lengths = np.geomspace(1.0, len(places) / 4, _LENGTHS)
    likelihood = np.array(
        [_log_likelihood(_covariance(places, length, excess), deviation, noise) for length in lengths]
    )
    share = np.exp(likelihood - likelihood.max())
    drawn = random.multinomial(_SAMPLES, share / share.sum())
    found = [
        _evenness_of_range(mean + _courses(_covariance(places, length, excess), deviation, noise, random, count))
        for length, count in zip(lengths, drawn, strict=True)
        if count
    ]
    evenness = np.concatenate(found)
    value, stderr = float(evenness.mean()), float(evenness.std())
    return Quantity("conformality_range", min(value, 1.0), stderr, "1", kind="measured")


def _covariance(places: NDArray[np.intp], length: float, variance: float) -> Array:
    apart = (places[:, None] - places[None, :]) / length
    return np.asarray(variance * (np.exp(-0.5 * apart**2) + _JITTER * np.eye(len(places))))


def _log_likelihood(covariance: Array, deviation: Array, noise: float) -> float:
    """Return the logarithm of the density of the values, a constant apart."""
    factor = np.linalg.cholesky(covariance + noise * np.eye(len(deviation)))
    scaled = np.linalg.solve(factor, deviation)
    return float(-0.5 * scaled @ scaled - np.log(np.diag(factor)).sum())


def _courses(covariance: Array, deviation: Array, noise: float, random: np.random.Generator, count: int) -> Array:
    """Return courses of a Gaussian process that pass the values as closely as their noise asks, shape (count, n)."""
    courses = random.standard_normal((count, len(deviation))) @ np.linalg.cholesky(covariance).T
    unseen = courses + math.sqrt(noise) * random.standard_normal(courses.shape)
    weights = np.linalg.solve(covariance + noise * np.eye(len(deviation)), covariance)
    return np.asarray(courses + (deviation - unseen) @ weights)


def _evenness_of_range(series: Array) -> Array:
    return np.asarray(1.0 - np.ptp(series, axis=-1) / (2.0 * series.mean(axis=-1)))


def _resampled(n: int, block: int) -> NDArray[np.int_]:
    """Return indices of circular block bootstrap samples, shape (samples, n)."""
    random = np.random.default_rng(20263)
    first = random.integers(0, n, (_SAMPLES, -(-n // block)))
    return np.asarray(((first[:, :, None] + np.arange(block)) % n).reshape(_SAMPLES, -1)[:, :n])


def _percentile_ratio(series: Array) -> float:
    return float(_percentile_ratios(series[None, :])[0])


def _percentile_ratios(series: Array) -> Array:
    low, middle = np.nanpercentile(series, [5.0, 50.0], axis=-1)
    return np.asarray(np.maximum(low, 0.0) / np.maximum(middle, 1e-9))
