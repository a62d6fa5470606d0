"""Mean of a correlated series: the interval must hold the truth although neighbours are alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from interlayer.analysis.tem.layer.aggregate import correlated_mean


def gaussian_series(rng, n, correlation_length):
    """Return a stationary series of unit variance with correlation exp(-k^2 / 2 c^2)."""
    if correlation_length == 0:
        return rng.normal(size=n)
    width, pad = correlation_length / np.sqrt(2), int(8 * correlation_length)
    line = gaussian_filter1d(rng.normal(size=n + 2 * pad), width) * np.sqrt(2 * np.sqrt(np.pi) * width)
    return line[pad : pad + n]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "correlation_length", "noise"),
    [
        (197, 10.0, 0.0),
        (100, 10.0, 0.0),
        (400, 10.0, 0.0),
        (200, 0.0, 0.0),
        (197, 30.0, 0.0),
        (60, 15.0, 0.4),
        (60, 3.0, 1.0),
        (60, 4.0, 2.0),
    ],
)
def test_interval_covers_the_population_mean(n, correlation_length, noise):
    """std/sqrt(n) covers 30 % at n = 197 and c = 10, a Sokal window 75 %, noise taken for variation 87 % at n = 60."""
    rng = np.random.default_rng(20263)
    hits = 0
    for _ in range(700):
        mean = correlated_mean(gaussian_series(rng, n, correlation_length) + noise * rng.normal(size=n), noise)
        hits += abs(mean.mean) < mean.half_width()
    assert 0.92 <= hits / 700 <= 0.97


def test_noise_is_no_variation():
    """Noise of the fits as large as the roughness once made the correlation length 5 instead of 10."""
    rng = np.random.default_rng(6)
    series = gaussian_series(rng, 40_000, 10.0)
    noisy = correlated_mean(series + rng.normal(size=series.size), 1.0)
    assert noisy.correlation_length == pytest.approx(10.0, rel=0.15)
    assert noisy.n_effective == pytest.approx(40_000 / (np.sqrt(2 * np.pi) * 10.0), rel=0.15)
    assert noisy.sd == pytest.approx(np.sqrt(2.0), rel=0.03)
    assert noisy.noise == pytest.approx(1.0 / 200.0)


def test_noise_that_explains_all_leaves_its_own_uncertainty():
    """A series of noise alone is not surer of its mean than the noise allows, nor of a variation that noise hides."""
    mean = correlated_mean(np.random.default_rng(7).normal(size=400), 1.05)
    assert mean.noise == pytest.approx(1.05 / 20.0)
    assert 1.25 * 1.05 / 20.0 <= mean.stderr <= 1.35 * 1.05 / 20.0


def test_effective_number_of_a_long_series():
    """n_eff tends to n / (sqrt(2 pi) c), the integral of the Gaussian correlation."""
    mean = correlated_mean(gaussian_series(np.random.default_rng(3), 40_000, 10.0))
    assert mean.n_effective == pytest.approx(40_000 / (np.sqrt(2 * np.pi) * 10.0), rel=0.15)
    assert mean.correlation_length == pytest.approx(10.0, rel=0.15)
    assert mean.sd == pytest.approx(1.0, rel=0.03)


def test_white_series_is_the_textbook_mean():
    """Without correlation the uncertainty is std / sqrt(n)."""
    series = np.random.default_rng(4).normal(5.0, 2.0, 2000)
    mean = correlated_mean(series)
    assert mean.mean == pytest.approx(series.mean())
    assert mean.stderr == pytest.approx(series.std(ddof=1) / np.sqrt(2000), rel=0.1)


def test_gaps_are_left_out():
    """A rejected block is absent; it is no zero, and it does not bring its neighbours together."""
    series = gaussian_series(np.random.default_rng(5), 4000, 10.0) + 17.0
    gappy = series.copy()
    gappy[::5] = np.nan
    whole, part = correlated_mean(series), correlated_mean(gappy)
    assert part.mean == pytest.approx(whole.mean, abs=0.01)
    assert part.stderr == pytest.approx(whole.stderr, rel=0.05)
    assert part.correlation_length == pytest.approx(whole.correlation_length, rel=0.1)


def test_too_few_values_and_no_spread():
    """Three values say nothing about correlation; equal values have no uncertainty."""
    with pytest.raises(ValueError, match="4"):
        correlated_mean(np.array([1.0, np.nan, 2.0, 3.0]))
    flat = correlated_mean(np.full(10, 3.0))
    assert (flat.mean, flat.stderr, flat.n_effective) == (3.0, 0.0, 10.0)
