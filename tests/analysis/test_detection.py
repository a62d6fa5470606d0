"""Limits of amounts that may be nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import truncnorm

from interlayer.analysis.detection import upper_limit


@pytest.mark.parametrize("estimate", [-3.0, -0.5, 0.0, 1.0, 3.0, 12.0])
def test_limit_is_the_quantile_of_the_cut_normal(estimate):
    """95 % of a normal cut at zero lie below the limit; scipy's truncated normal says where."""
    expected = truncnorm(-estimate / 2.0, np.inf, loc=estimate, scale=2.0).ppf(0.95)
    assert upper_limit(estimate, 2.0) == pytest.approx(expected, rel=1e-6)


def test_limit_stays_positive_far_below_zero():
    """A strongly negative estimate, as a wrong background gives, must not turn into a negative limit."""
    assert 0 < upper_limit(-50.0, 1.0) < 1


@pytest.mark.parametrize("truth", [0.0, 0.5, 2.0])
def test_limit_covers_the_truth(truth):
    """In at least 95 % of 4000 repetitions the truth lies below the limit."""
    estimates = truth + np.random.default_rng(1).normal(size=4000)
    assert np.mean([upper_limit(value, 1.0) >= truth for value in estimates]) >= 0.945
