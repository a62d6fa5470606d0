"""Fixtures shared by all rooms: where the real instrument files are, and the marks that follow from their use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_PLACES = (os.environ.get("INTERLAYER_CORPUS", ""), Path(__file__).parents[2] / "shared" / "corpus")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Folder of the real instrument files; tests that need it are skipped where it is not."""
    for place in _PLACES:
        if place and (Path(place) / "corpus.tsv").is_file():
            return Path(place)
    pytest.skip("no corpus of real files: set INTERLAYER_CORPUS to a folder with corpus.tsv, see docs/contributing.md")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for the corpus."""
    for item in items:
        if "corpus" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.corpus)
