"""Evenness of a coating along one interface: what noise adds is taken off, and the intervals say what is left."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from interlayer.analysis.tem.layer.evenness import evenness

MEAN, VARIATION = 17.0, 0.8  # nm


def thicknesses(rng, n, correlation_length, noise):
    """Return the course of a thickness with correlation exp(-x^2 / 2 c^2), and values with noise."""
    width, pad = correlation_length / np.sqrt(2), 8 * correlation_length
    line = gaussian_filter1d(rng.normal(size=n + 2 * pad), width) * np.sqrt(2 * np.sqrt(np.pi) * width)
    course = MEAN + VARIATION * line[pad : pad + n]
    return course, course + noise * rng.normal(size=n)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "correlation_length", "noise"), [(150, 5, 0.4), (150, 10, 0.8), (60, 5, 0.4)])
def test_intervals_of_the_indices(n, correlation_length, noise):
    """Extremes of noisy values made the range form 1 sd too poor and its interval hold the truth in 65-83 %."""
    rng = np.random.default_rng(8)
    covered = {"conformality_range": [], "coefficient_of_variation": [], "conformality": []}
    for _ in range(80):
        course, values = thicknesses(rng, n, correlation_length, noise)
        truth = {
            "conformality_range": 1 - np.ptp(course) / (2 * course.mean()),
            "coefficient_of_variation": VARIATION / MEAN,
            "conformality": 1 - 1.6449 * VARIATION / MEAN,  # 5th percentile of a normal distribution
        }
        for quantity in evenness(values, np.full(n, noise)).quantities:
            if quantity.relation != "=":
                continue
            low, high = quantity.interval95 or (
                quantity.value - 1.96 * quantity.stderr,
                quantity.value + 1.96 * quantity.stderr,
            )
            covered[quantity.name].append(low <= truth[quantity.name] <= high)
    assert all(0.86 <= np.mean(hits) <= 1.0 for hits in covered.values()), {k: np.mean(v) for k, v in covered.items()}
    assert np.mean(covered["conformality_range"]) < 1.0


def test_thousands_of_places_take_no_longer():
    """A field of 4096 pixels has two thousand blocks; their covariances would take minutes."""
    course, values = thicknesses(np.random.default_rng(9), 2400, 40, 0.3)
    found = {quantity.name: quantity for quantity in evenness(values, np.full(2400, 0.3)).quantities}
    truth = 1 - np.ptp(course) / (2 * course.mean())
    assert abs(found["conformality_range"].value - truth) < 3 * found["conformality_range"].stderr
