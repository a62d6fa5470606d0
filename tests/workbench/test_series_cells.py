"""Cells together: what belongs together, mean and spread, coated against bare, and cells that fail among them."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis import Quantity, Result
from interlayer.experiment import Experiment
from interlayer.files import save
from interlayer.members import Member
from interlayer.outcome import FileOutcome, MeasurementOutcome, Outcome, Validity
from interlayer.series_cells import coated_against_bare, replicate_cells

BARE = {"cell_type": "cathode_half", "reference_cycle": 1, "bare": ("bare_*",)}
ALIKE = {"cell_type": "cathode_half", "reference_cycle": 1, "series": "NCM, 5 nm"}


@pytest.fixture
def cell(tmp_path, half_cell):
    """Return a function that makes one cell of a run with a retention, a verdict and a stored record."""

    def made(name, retention, facts=BARE, *, folder="", state="sound", relation="="):
        stored = f"datasets/{name}.nc"
        save(half_cell(1e-3 * np.linspace(1.0, retention, 10)), tmp_path / stored)
        quantity = Quantity("capacity_retention", retention, None if relation == ">" else 2e-4, "1", relation=relation)
        outcomes = (
            Outcome(result=Result(method="m", quantities=(quantity,))),
            Outcome(role="check", validity=Validity("warn" if state == "failing" else "pass", state, state)),
        )
        measurement = MeasurementOutcome(
            group="cycling", technique="cycling", sizes={}, dataset=stored, outcomes=outcomes
        )
        path = f"{folder}{name}"
        file = FileOutcome(path=path, status="read", sample="NCM", measurements=(measurement,))
        experiment = Experiment(tmp_path / folder.strip("/") if folder else tmp_path)
        return Member(experiment, facts, tmp_path / path, file, measurement, tmp_path)

    return made


def test_coated_against_bare(cell):
    """0.97 less 0.90 with the spread of three cells each, not with the error bar of one (Welch, by hand)."""
    coated, bare = (0.96, 0.97, 0.98), (0.89, 0.90, 0.91)
    cells = [cell(f"coated_{n}", value) for n, value in enumerate(coated)]
    cells += [cell(f"bare_{n}", value) for n, value in enumerate(bare)]
    (series,) = coated_against_bare(cells)
    (difference,) = series.outcome.headlines
    assert difference.name == "capacity_retention_difference"
    assert difference.value == pytest.approx(0.07)
    assert difference.stderr == pytest.approx(0.01 * np.sqrt(2.0 / 3.0))
    half = 2.7764 * difference.stderr  # Student's t of 4 degrees of freedom
    assert difference.interval95 == pytest.approx((0.07 - half, 0.07 + half), rel=1e-3)
    assert "differ by more than" in series.outcome.result.notes[0]
    assert list(replicate_cells(cells)) == []


def test_a_coating_within_the_spread_is_not_resolved(cell):
    """The usual case: the best coated cell beats the worst bare one, and that is all."""
    cells = [cell(f"coated_{n}", value) for n, value in enumerate((0.90, 0.97, 0.94))]
    cells += [cell(f"bare_{n}", value) for n, value in enumerate((0.89, 0.93, 0.95))]
    (series,) = coated_against_bare(cells)
    assert "do not differ" in series.outcome.result.notes[0]


def test_one_bare_cell_is_no_yardstick(cell):
    """Without a second bare cell nobody knows what bare cells differ by; that is said, not guessed."""
    (series,) = coated_against_bare([cell("coated_1", 0.97), cell("coated_2", 0.96), cell("bare_1", 0.90)])
    assert "two cells or more" in series.outcome.declined


def test_cells_of_a_series_across_folders(cell):
    """Cells built alike in two campaigns share a name, not a folder."""
    cells = [cell("a", 0.95, ALIKE, folder="may/"), cell("b", 0.96, ALIKE, folder="may/"), cell("c", 0.97, ALIKE)]
    other = cell("d", 0.5, ALIKE | {"series": "another"})
    (series,) = replicate_cells([*cells, other])
    assert (series.kind, series.name) == ("3 cells", "NCM, 5 nm")
    mean, spread = series.outcome.headlines
    assert (mean.value, spread.value) == (pytest.approx(0.96), pytest.approx(0.01))


def test_a_failing_cell_among_them_is_named(cell):
    """Leaving it out would be cherry-picking, hiding it too."""
    cells = [cell("a", 0.95, ALIKE), cell("b", 0.96, ALIKE), cell("c", 0.31, ALIKE, state="failing")]
    (series,) = replicate_cells(cells)
    assert series.outcome.validity.verdict == "warn"
    assert "c (failing)" in series.outcome.validity.reason
    assert series.outcome.result["n_cells"].value == 3


def test_figure_shows_every_cell(cell):
    """Whether kinds differ is seen from how far the cells of a kind lie apart."""
    cells = [cell(f"coated_{n}", value) for n, value in enumerate((0.96, 0.97))]
    cells += [cell(f"bare_{n}", value) for n, value in enumerate((0.89, 0.90, 0.91))]
    (series,) = coated_against_bare(cells)
    over, beside = series.draw[0]().axes
    assert over.get_ylabel() == "capacity of the reference (%)"
    assert [text.get_text() for text in over.get_legend().get_texts()] == ["coated", "bare"]
    assert sum(len(line.get_xdata()) == 10 for line in over.lines) == 5
    assert [label.get_text() for label in beside.get_xticklabels()] == ["coated (2)", "bare (3)"]
