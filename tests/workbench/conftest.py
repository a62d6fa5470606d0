"""Cycling records in closed form for the tests of this room."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.parsers import schema


def _half_cell(capacities, *, currents=None, points=40, efficiency=0.999):
    """Charge and discharge each cycle at a constant current (A) to its capacity (A h); nearly linear voltage curves."""
    currents = np.full(len(capacities), 1e-3) if currents is None else np.asarray(currents)
    time, voltage, current, now = [], [], [], 0.0
    for capacity, size in zip(capacities, currents, strict=True):
        for sign, charge in ((1, capacity / efficiency), (-1, capacity)):
            elapsed = np.linspace(0.0, 3600.0 * charge / size, points)
            part = elapsed / elapsed[-1]
            time.append(now + elapsed)
            voltage.append(3.3 + part + 0.02 * np.sin(9 * part) if sign > 0 else 4.2 - part + 0.02 * np.sin(9 * part))
            current.append(np.full(points, sign * size))
            now += elapsed[-1] + 1.0
    return schema.build(
        "cycling",
        {
            "test_time": np.concatenate([*time, [now]]),
            "voltage": np.concatenate([*voltage, [3.5]]),
            "current": np.concatenate([*current, [0.0]]),
        },
    )


def _symmetric(levels, *, currents=None, points=60):
    """Plate and strip for an hour each; one overpotential (V) and current (A) a half cycle."""
    currents = np.full(len(levels), 1e-4) if currents is None else np.asarray(currents)
    signs = np.where(np.arange(len(levels)) % 2 == 0, 1.0, -1.0)
    noise = 2e-5 * np.random.default_rng(0).standard_normal((len(levels), points))
    return schema.build(
        "cycling",
        {
            "test_time": 60.0 * np.arange(len(levels) * points),
            "voltage": (signs[:, None] * (np.asarray(levels)[:, None] + noise)).ravel(),
            "current": np.repeat(signs * currents, points),
        },
    )


@pytest.fixture
def half_cell():
    """Return the function that makes a half cell."""
    return _half_cell


@pytest.fixture
def symmetric():
    """Return the function that makes a symmetric cell."""
    return _symmetric


@pytest.fixture
def fading():
    """Return the capacities of 24 cycles that lose 0.4 % each, in A h."""
    return 1e-3 * (1.0 - 0.004 * np.arange(24)) * (1.0 + 5e-4 * np.random.default_rng(1).standard_normal(24))
