"""Composition of both sides of an interface from counts and k-factors."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.tem import line_scan_composition
from interlayer.parsers import schema

# Mass fractions of LiCoO2's cobalt against a sulfide's sulfur and phosphorus, all of which X-rays show.
LINES = ("Co_K", "S_K", "P_K")
K = np.array([1.6, 1.0, 1.1])
LEFT, RIGHT = np.array([0.95, 0.03, 0.02]), np.array([0.04, 0.76, 0.20])


def scan(rng, level, *, points=200):
    """Return raw counts of a scan whose left half is LEFT and right half RIGHT, with a mean total of level a point."""
    fractions = np.where(np.arange(points)[:, None] < points // 2, LEFT, RIGHT)
    expected = fractions / K
    counts = rng.poisson(level * expected / expected.sum(axis=1, keepdims=True))
    return dataset(counts)


def dataset(counts):
    values = {
        "distance": xr.Variable("distance", np.arange(len(counts)) * 0.5, {"units": "nm"}),
        "line": list(LINES),
        "counts": xr.Variable(("distance", "line"), counts.astype(float), {"units": "count"}),
    }
    return schema.build("eds", values)


def factors(relative=None):
    """Return k-factors against sulfur, which itself is exact."""
    return {
        line: Quantity("k", k, None if relative is None or line == "S_K" else relative * k, "1")
        for line, k in zip(LINES, K, strict=True)
    }


def test_both_ends_have_their_composition():
    """The first and last tenth of the scan are cathode and sulfide, as they were put in."""
    result = line_scan_composition(scan(np.random.default_rng(1), 5e5), factors())
    for end, truth in (("begin", LEFT), ("end", RIGHT)):
        found = [result[f"mass_fraction_{line}_{end}"].value for line in LINES]
        np.testing.assert_allclose(found, truth, rtol=0.02)
        assert sum(found) == pytest.approx(1.0)
    assert result.curves["concentration"].dims == ("distance", "line")


def test_atomic_fractions():
    """Each mass fraction over its atomic mass (58.933, 32.06 and 30.974, IUPAC 2021), summing to 1."""
    result = line_scan_composition(scan(np.random.default_rng(1), 5e5), factors(), fraction="atomic")
    atoms = RIGHT / np.array([58.933, 32.06, 30.974])
    found = [result[f"atomic_fraction_{line}_end"].value for line in LINES]
    np.testing.assert_allclose(found, atoms / atoms.sum(), rtol=0.02)


def test_intervals_cover_the_truth_at_few_counts():
    """With 10 counts a point a mean of ratios is biased; the ratio of sums is not, and 95 % of intervals hold."""
    rng = np.random.default_rng(2)
    hits, values = 0, []
    for _ in range(200):
        quantity = line_scan_composition(scan(rng, 10.0), factors())["mass_fraction_S_K_end"]
        hits += quantity.interval95[0] < RIGHT[1] < quantity.interval95[1]
        values.append(quantity.value)
    assert 0.92 <= hits / 200 <= 0.98
    assert np.mean(values) == pytest.approx(RIGHT[1], abs=0.005)


def test_the_k_factor_does_not_average_away():
    """4 % of a k-factor stay 4 % of C (1 - C) however long one counts."""
    result = line_scan_composition(scan(np.random.default_rng(3), 1e7), factors(0.04))
    quantity = result["mass_fraction_Co_K_begin"]
    assert quantity.stderr == pytest.approx(0.04 * 0.95 * 0.05, rel=0.1)
    assert result.budget["mass_fraction_Co_K_begin"]["counting"] < 0.1 * quantity.stderr


def test_an_end_in_vacuum_has_no_composition():
    """Where the scan runs off the foil there is nothing to divide; the other end stands."""
    counts = scan(np.random.default_rng(4), 100.0)["counts"].values.copy()
    counts[-30:] = 0.0
    result = line_scan_composition(dataset(counts), factors())
    assert "mass_fraction_Co_K_begin" in result
    assert "mass_fraction_Co_K_end" not in result


def test_what_the_numbers_do_not_know_is_said():
    """Raw counts hold background, and k-factors without uncertainty are not exact."""
    notes = " ".join(line_scan_composition(scan(np.random.default_rng(5), 50.0), factors()).notes)
    assert "background" in notes
    assert "k-factors were given without uncertainty" in notes
    with pytest.raises(NotAnalysable, match="at least 20"):
        line_scan_composition(scan(np.random.default_rng(5), 50.0, points=12), factors())
