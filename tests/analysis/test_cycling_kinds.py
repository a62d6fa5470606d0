"""Coated against bare cells: intervals of differences hold the truth though few cells are there."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis import Quantity, Result, cycling
from interlayer.analysis.errors import NotAnalysable

NAME = "capacity_retention"


def cells(values, unit="1"):
    return {
        f"cell {n}": Result(method="m", quantities=(Quantity(NAME, float(value), 1e-4, unit),))
        for n, value in enumerate(values)
    }


def test_ratio_and_means():
    """The ratio is that of the means; a tenth more capacity with coating is 1.1."""
    result = cycling.coated_against_bare(cells((98.0, 100.0, 102.0)), cells((90.0, 91.0, 91.7272727)), NAME)
    assert result[f"{NAME}_ratio"].value == pytest.approx(1.1, rel=1e-6)
    assert result[f"{NAME}_coated"].value == pytest.approx(100.0)
    assert result.diagnostics["n_coated"] == 3
    assert result.curves["coated"].values.tolist() == [True] * 3 + [False] * 3


def test_limits_and_single_cells_are_declined():
    """A mean over a limit, or a spread of one cell, is an invention."""
    with pytest.raises(NotAnalysable, match="two cells"):
        cycling.coated_against_bare(cells((0.9, 0.8)), cells((0.7,)), NAME)
    with pytest.raises(ValueError, match="one unit"):
        cycling.coated_against_bare(cells((0.9, 0.8)), cells((0.7, 0.6), "A h"), NAME)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("coated", "bare", "spreads"), [(3, 3, (0.01, 0.01)), (4, 6, (0.01, 0.02)), (8, 5, (0.01, 0.03))]
)
def test_intervals_of_the_difference_cover_the_truth(coated, bare, spreads):
    """95 % intervals hold the true difference in 93-97 % of 1500 campaigns, with unequal spreads and numbers."""
    draw = np.random.default_rng(11)
    held = 0
    for _ in range(1500):
        result = cycling.coated_against_bare(
            cells(0.95 + spreads[0] * draw.standard_normal(coated)),
            cells(0.90 + spreads[1] * draw.standard_normal(bare)),
            NAME,
        )
        low, high = result[f"{NAME}_difference"].interval95
        held += low <= 0.05 <= high
    assert 0.93 <= held / 1500 <= 0.97, held / 1500
