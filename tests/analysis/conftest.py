"""Shared by the tests of analyses: numbers that others published about files of the corpus."""

from __future__ import annotations

import pytest


@pytest.fixture
def published_pellet():
    """Return R1, stderr, R2, stderr and chi-square by temperature in degC, fitted with (R1|Q1)+(R2|Q2)+Q3.

    From Batch_EISfit_Report.txt of EISFitpython (MIT), on its files s04147-140deg.txt to s04147-200deg.txt.
    """
    return {
        140: (1.462e5, 1.250e4, 2.012e6, 1.658e4, 7.332255e-03),
        150: (1.123e5, 8.431e3, 1.139e6, 9.970e3, 5.039831e-03),
        160: (7.949e4, 4.697e3, 6.673e5, 5.248e3, 2.615951e-03),
        170: (5.605e4, 2.603e3, 3.980e5, 2.811e3, 1.233031e-03),
        180: (3.984e4, 2.062e3, 2.430e5, 2.174e3, 1.213739e-03),
        190: (2.743e4, 1.697e3, 1.526e5, 1.762e3, 1.264299e-03),
        200: (2.246e4, 2.180e3, 9.502e4, 2.221e3, 1.731865e-03),
    }
