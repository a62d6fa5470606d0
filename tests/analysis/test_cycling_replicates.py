"""Replicate cells: their spread, what all share, and whether intervals of the mean hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis import Quantity, Result, cycling
from interlayer.analysis.errors import NotAnalysable


def cell(value: float, *, unit: str = "mA h g-1", mass: float = 1.5, random: float = 0.2) -> Result:
    """Return the result of one cell with a capacity and its budget."""
    budget = {"active_mass": mass, "random": random}
    quantity = Quantity("discharge_capacity", value, float(np.hypot(mass, random)), unit)
    return Result(method="test", quantities=(quantity,), budget={"discharge_capacity": budget})


def test_mean_spread_and_the_shared_part():
    """Three cells of 150, 153 and 156: 3 between them, 1.73 for the mean, and a balance that is off for all."""
    cells = {"a": cell(150.0), "b": cell(153.0), "c": cell(156.0)}
    result = cycling.replicates(cells, "discharge_capacity", shared=["active_mass"])
    assert result["discharge_capacity_mean"].value == pytest.approx(153.0)
    assert result["discharge_capacity_spread"].value == pytest.approx(3.0)
    assert result["discharge_capacity_shared"].value == pytest.approx(1.5)
    assert result["n_cells"].value == 3
    assert result.budget["discharge_capacity_mean"] == pytest.approx({"cells": 3.0 / np.sqrt(3.0), "active_mass": 1.5})
    # Student's t of two degrees of freedom is 4.303 (tables).
    assert result.diagnostics["cells_upper"] - 153.0 == pytest.approx(4.303 * 3.0 / np.sqrt(3.0), rel=1e-3)
    assert result.notes == ("the cells differ by 3, of which their measurement explains 0.2",)
    assert result.curves["discharge_capacity"].sel(cell="b").item() == 153.0


def test_spread_that_the_measurement_explains_is_said():
    """Cells that agree within the weighing of each are not worse than the balance."""
    cells = {"a": cell(150.0), "b": cell(150.6)}
    result = cycling.replicates(cells, "discharge_capacity")
    assert "no more than their measurement of 1.5 explains" in result.notes[0]


def test_what_cannot_be_averaged_is_refused():
    """Units, limits and cells without the number must not vanish in a mean."""
    with pytest.raises(NotAnalysable, match="1 of 2 results"):
        cycling.replicates({"a": cell(150.0), "b": Result(method="other", quantities=())}, "discharge_capacity")
    with pytest.raises(ValueError, match="expected one unit"):
        cycling.replicates({"a": cell(150.0), "b": cell(0.2, unit="A h")}, "discharge_capacity")
    with pytest.raises(ValueError, match="no budget"):
        cycling.replicates({"a": cell(150.0), "b": cell(151.0)}, "discharge_capacity", shared=["weather"])
    limit = Result(method="", quantities=(Quantity("discharge_capacity", 9.0, None, "mA h g-1", relation=">"),))
    with pytest.raises(NotAnalysable, match="limit for b"):
        cycling.replicates({"a": cell(150.0), "b": limit}, "discharge_capacity")
    left_out = {"a": cell(150.0), "b": cell(151.0), "c": Result(method="other", quantities=())}
    assert "c holds no discharge_capacity" in cycling.replicates(left_out, "discharge_capacity").notes[0]


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
def test_intervals_hold_the_true_mean(n):
    """95 % intervals hold the true mean in 93-97 % of 2000 sets of cells that share one balance."""
    held = 0
    for seed in range(2000):
        random = np.random.default_rng(seed)
        shared = 1.5 * random.standard_normal()
        cells = {str(i): cell(150.0 + shared + 3.0 * random.standard_normal()) for i in range(n)}
        low, high = cycling.replicates(cells, "discharge_capacity", shared=["active_mass"])[
            "discharge_capacity_mean"
        ].interval95
        held += low <= 150.0 <= high
    assert 0.93 <= held / 2000 <= 0.97, held
