"""What the numbers of a spectrum say against themselves, and that they say nothing against good ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from interlayer.parsers._spectrum_checks import suspicions


def arcs(f: np.ndarray) -> np.ndarray:
    """20 ohm in series with 100 ohm parallel to 1 uF and 300 ohm parallel to 0.3 mF."""
    w = 2j * np.pi * f
    return 20 + 100 / (1 + w * 1e-4) + 300 / (1 + w * 1e-1)


def said(f: np.ndarray, z: np.ndarray, *borders: int) -> list[set[str]]:
    places = [0, *borders, len(f)]
    parts = [slice(start, stop) for start, stop in pairwise(places)]
    return [{finding.code for finding in found} for found in suspicions(f, z, parts)]


F = np.logspace(5, -1, 61)
GRIDS = {
    "falling": F,
    "rising": F[::-1],
    "two densities": np.append(np.logspace(6, 3, 61), np.logspace(3, -1, 21)[1:]),
    "without logarithm": np.linspace(1.0, 200.0, 200),
    "three digits": np.array([float(f"{value:.2e}") for value in F]),
    "coarse": np.logspace(5, -1, 13),
    "an added last point": np.append(np.logspace(5, 0, 51), 0.9),
}


@pytest.mark.parametrize("grid", GRIDS)
def test_good_spectra_are_left_alone(grid):
    """No instrument's grid is a finding, and neither is 1 % of noise, in 100 spectra for each."""
    f = GRIDS[grid]
    generator = np.random.default_rng(5)
    for _ in range(100):
        noise = generator.normal(0, 0.01, (2, len(f)))
        assert said(f, arcs(f) * (1 + noise[0] + 1j * noise[1])) == [set()]


@pytest.mark.parametrize(("at", "factor"), [
    (0, 1.2), (0, 10.0), (1, 1.2), (1, 0.8), (1, 10.0), (20, 1.07), (20, 0.93), (59, 0.8), (60, 0.8), (60, 10.0),
])  # fmt: skip
def test_a_wrong_frequency_is_seen_anywhere(at, factor):
    """Ten points a decade are 26 % apart; one that is off by a part of that stands out, at the ends as well."""
    f = F.copy()
    f[at] *= factor
    (codes,) = said(f, arcs(F))
    assert "frequency-grid" in codes


def test_an_impedance_off_the_line_is_seen_beside_the_ends():
    """The line that judges the first point runs askew when the second one is wrong; that must not hide it."""
    for at in (1, 20, len(F) - 2):
        z = arcs(F)
        z[at] *= 1.5
        assert said(F, z) == [{"isolated-points"}]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda z: z.conj(), "phase-against-slope"),
        (lambda z: -z.imag - 1j * z.real, "phase-against-slope"),
        (lambda z: z.imag + 1j * z.real, "negative-resistance"),
        (lambda z: -z.conj(), "negative-resistance"),
    ],
    ids=["sign of Z''", "Z' and -Z'' exchanged", "Z' and Z'' exchanged", "sign of Z'"],
)
def test_columns_that_mean_something_else_are_seen(change, code):
    """|Z| stays the same in all of them; the phase does not."""
    (codes,) = said(F, change(arcs(F)))
    assert code in codes


def test_sweeps_are_judged_one_by_one():
    """The bad one of three is named; a sweep that was stopped or copied is, too."""
    f, z = np.tile(F, 3), np.tile(arcs(F), 3) * np.repeat([1.0, 1.1, 1.2], len(F))
    z[70] *= 2
    assert said(f, z, 61, 122) == [set(), {"isolated-points"}, set()]
    assert said(np.append(F, F[:3]), arcs(np.append(F, F[:3])), 61) == [set(), {"short-sweep"}]
    assert said(np.append(f, F[:3]), np.append(z * 1.01, arcs(F[:3])), 61, 122, 183)[3] == {"short-sweep"}
    assert said(np.tile(F, 2), np.tile(arcs(F), 2), 61) == [set(), {"repeated-sweep"}]


def test_a_sweep_that_turns_is_said():
    """A point written twice and one out of order both make the frequency turn or stand still."""
    for order in (np.insert(np.arange(61), 20, 20), np.r_[:20, 21, 20, 22:61]):
        (codes,) = said(F[order], arcs(F)[order])
        assert "frequency-order" in codes


def test_too_few_points_say_nothing():
    """A single-frequency measurement has nothing to be held against."""
    assert said(F[:1], arcs(F[:1])) == [set()]
    assert said(F[:4], np.array([1.0, 100.0, 1.0, 5.0]) + 0j) == [set()]
