"""Shared by the tests of analyses: published numbers about files of the corpus, and records known exactly."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.parsers.schema import build


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


@pytest.fixture
def cycling_steps():
    """Return a function that makes time, voltage and current of steps, each hours, A, and voltage at start and end."""

    def steps(*parts, every=60.0):
        time, voltage, current, begin = [], [], [], 0.0
        for hours, level, first, last in parts:
            elapsed = every * (1.0 + np.arange(round(hours * 3600.0 / every)))
            time.append(begin + elapsed)
            voltage.append(np.linspace(first, last, elapsed.size))
            current.append(np.full(elapsed.size, level))
            begin += float(elapsed[-1])
        return {
            "test_time": np.concatenate(time),
            "voltage": np.concatenate(voltage),
            "current": np.concatenate(current),
        }

    return steps


@pytest.fixture
def full_cell(cycling_steps):
    """Return four cycles of a full cell: 2 h charge at 1 mA, a rest, the discharge of 98 % of it, a rest."""
    cycle = ((2.0, 1e-3, 3.2, 4.2), (0.5, 0.0, 4.15, 4.1), (1.96, -1e-3, 4.0, 3.0), (0.5, 0.0, 3.1, 3.2))
    return cycling_steps((0.5, 0.0, 3.2, 3.2), *(4 * cycle), every=36.0)


@pytest.fixture
def eds_scan():
    """Return a function that makes an EDS line scan in the vocabulary of the readers from distances and counts."""

    def scan(distance, counts, lines=("Co_Ka", "S_Ka"), units="count", distance_units="nm"):
        return build(
            "eds",
            {
                "distance": xr.Variable("distance", distance, {"units": distance_units}),
                "line": np.array(lines),
                "counts": xr.Variable(("distance", "line"), counts, {"units": units}),
            },
        )

    return scan
