"""Documentation that follows from the code is what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def _generator():
    specification = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["formats.md", "reference/facts.md", "reference/vocabulary.md"])
def test_generated_pages_are_current(name):
    """A table of formats or keys that lags behind the code sends users astray; `python docs/generate.py` renews it."""
    assert (DOCS / name).read_text(encoding="utf-8") == _generator().text(name)
