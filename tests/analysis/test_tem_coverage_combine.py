"""Coverage over several particles: what one of n says, and what gaps and whole particles say together."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis import Quantity, Result
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.tem import combine_coverage


def particle(share, *, stretches=20.0, length=400.0, minimum=3.0, thickness=8.0, square=0.01, **provenance):
    """Return the result of one particle of which a share is covered, with so many independent stretches."""
    sampling = float(np.sqrt(share * (1 - share) / stretches))
    seen = 0.0 < share < 1.0
    relation = "=" if seen else ">" if share else "<"
    value = share if seen else 0.05 ** (1 / stretches) if share else 1 - 0.05 ** (1 / stretches)
    known = {"covered_share": share, "surface_length": length, "independent_stretches": stretches, "minimum": minimum}
    parts = {"sampling along the interface": 0.1, "tracing": 0.02, "calibration": 0.015 * thickness}
    return Result(
        method="one particle",
        quantities=(
            Quantity("coverage", value, sampling if seen else None, "1", relation=relation),
            Quantity("coverage_field", value, 0.01 if seen else None, "1", relation=relation),
            Quantity("covered_thickness", thickness, float(np.hypot(0.1, 0.015 * thickness)), "nm"),
        ),
        budget={
            "coverage": {"sampling along the interface": sampling, "rims of gaps": 0.005, "calibration": 0.0},
            "covered_thickness": parts,
        }
        if seen
        else {"covered_thickness": parts},
        diagnostics=known | {"relative_variance": square, "conformality": 1 - 1.645 * float(np.sqrt(max(square, 0.0)))},
        provenance=provenance,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("n", "between"), [(3, 0.0), (6, 0.15), (12, 0.15)])
def test_interval_covers_the_powder(between, n):
    """95 % intervals over 300 powders of 3, 6 and 12 particles, covered to 60 %, each with 12 stretches."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(300):
        size = 0.24 / between**2 - 1 if between else 1e9
        own = rng.beta(0.6 * size, 0.4 * size, n)
        batch = [particle(count / 12, stretches=12.0) for count in rng.binomial(12, own)]
        share = combine_coverage(batch)["coverage"]
        hits += share.interval95[0] <= 0.6 <= share.interval95[1] if share.interval95 else True
    assert 0.92 <= hits / 300 <= 0.99


def test_whole_particles_count():
    """Two particles without a gap and one of 70 % are covered to 90 %; the gaps of one alone would say 70 %."""
    share = combine_coverage([particle(1.0), particle(1.0), particle(0.7)])["coverage"]
    assert share.value == pytest.approx(0.9, abs=0.01)
    assert share.interval95[1] < 1.0


def test_no_gap_anywhere_is_a_limit():
    """Sixty stretches on three particles without a gap: over 95 % by the rule of three, if particles are alike."""
    result = combine_coverage([particle(1.0) for _ in range(3)])
    assert result["coverage"].relation == ">"
    assert result["coverage"].value == pytest.approx(1 - 3 / 60, abs=0.002)
    assert any("more than 37%" in note for note in result.notes)
    assert combine_coverage([particle(0.0), particle(0.0)])["coverage"].relation == "<"


def test_one_particle_says_nothing_of_the_powder():
    """A mean over one is n = 1; and shares above 3 nm and above 5 nm have no common mean."""
    with pytest.raises(NotAnalysable, match="n = 1"):
        combine_coverage([particle(0.8)])
    with pytest.raises(NotAnalysable, match="different thicknesses"):
        combine_coverage([particle(0.8), particle(0.8, minimum=5.0)])


def test_evenness_without_noise_is_not_biased():
    """Coefficients of variation near 0 are squares of either sign on single particles; their mean is 0, a limit."""
    even = combine_coverage([particle(0.9, square=square) for square in (2e-4, -1e-4, -2e-4, 1e-4)])
    assert even["coefficient_of_variation"].relation == "<"
    assert even["coefficient_of_variation"].value < 0.02
    assert even["conformality"].relation == ">"
    rough = combine_coverage([particle(0.9, square=square) for square in (0.012, 0.009, 0.010, 0.011)])
    assert rough["coefficient_of_variation"].value == pytest.approx(0.1025, abs=1e-3)
    assert rough["conformality"].value == pytest.approx(1 - 1.645 * 0.1025, abs=2e-3)


def test_thickness_keeps_the_calibration():
    """The mean thickness of the covered places shares one calibration of 1.5 % over all particles."""
    result = combine_coverage([particle(0.8) for _ in range(10)])
    assert result["covered_thickness"].value == pytest.approx(8.0)
    assert result["covered_thickness"].stderr == pytest.approx(0.12, rel=1e-3)
    assert result.budget["covered_thickness"]["calibration"] == pytest.approx(0.12)


def test_same_file_twice_is_said():
    """The same particle taken twice is not two."""
    twice = combine_coverage([particle(0.8, source_sha256="a"), particle(0.7, source_sha256="a")])
    assert any("same file" in note for note in twice.notes)
