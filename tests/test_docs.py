"""Documentation that follows from the code is what the code says."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def _generator():
    if str(DOCS) not in sys.path:
        sys.path.insert(0, str(DOCS))
    return importlib.import_module("generate")


@pytest.mark.parametrize("name", ["formats.md", "reference/facts.md", "reference/vocabulary.md"])
def test_generated_pages_are_current(name):
    """A table of formats or keys that lags behind the code sends users astray; `python docs/generate.py` renews it."""
    assert (DOCS / name).read_text(encoding="utf-8") == _generator().text(name)


@pytest.mark.parametrize("topic", ["impedance", "cycling", "microscopy"])
def test_pages_about_real_files_are_current(corpus, topic):
    """The table of what is read and what is refused is what users go by before they send a file."""
    name = f"reference/{topic}_files.md"
    assert (DOCS / name).read_text(encoding="utf-8") == _generator().text(name, corpus.folder)


def test_without_the_corpus_its_pages_stay(monkeypatch, tmp_path):
    """Whoever renews the other pages must not empty the one that needs the real files."""
    generator = _generator()
    monkeypatch.setattr(generator, "CORPUS", ("", str(tmp_path)))
    assert generator.corpus_folder() is None


def test_the_worked_cells_give_what_their_page_says(monkeypatch):
    """The page of cycling is read as a recipe; its code must run and find what the simulators put in."""
    monkeypatch.chdir(DOCS.parent)
    variables = _generator().worked_cells()
    low, high = variables["retention"]["capacity_retention"].interval95
    assert low < 0.899984 < high  # sample_data/cycling_lco_al2o3/truth.toml
    low, high = variables["compared"]["capacity_retention_difference"].interval95
    assert low < 0.0799 < high  # sample_data/cycling_ncm_linbox/truth.toml
    # The short of sample_data/catalogue.py after 4060 min; the first current is recorded within a minute.
    assert variables["shorts"]["time_to_short_circuit"].value == pytest.approx(4060.0 / 60.0, abs=0.06)


def test_the_worked_film_gives_what_its_page_says(monkeypatch, capsys):
    """The page of impedance is read as a recipe; its code must run and find the simulated film's activation energy."""
    monkeypatch.chdir(DOCS.parent)
    variables = _generator().worked_film()
    low, high = variables["line"]["activation_energy"].interval95
    assert low < 0.62 < high  # sample_data/eis_linbox_temperature/truth.toml
    assert "consistent with the Kramers-Kronig relations" in capsys.readouterr().out
