"""Fixtures shared by all rooms: where the real instrument files are, and the marks that follow from their use."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Property tests draw the same examples everywhere, and a slow machine is no failure.
settings.register_profile("interlayer", deadline=None, derandomize=True)
settings.load_profile("interlayer")

_PLACES = (os.environ.get("INTERLAYER_CORPUS", ""), str(Path(__file__).parents[2] / "shared" / "corpus"))


def _without_public_source() -> frozenset[str]:
    with Path(__file__).with_name("corpus.tsv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["path"] for row in csv.DictReader(file, delimiter="\t") if not row["commit"])


class Corpus:
    """The folder of real files: ``corpus / "cycling/yadg/gcpl.mpr"`` is the path of one.

    A file that has no public source to be fetched from skips its test where it is not there. Any other missing file is
    an error.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._private = _without_public_source()

    def __truediv__(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            if name in self._private:
                pytest.skip(f"{name} has no public source to be fetched from")
            raise FileNotFoundError(f"{name} is not in the corpus; fetch it with tests/fetch_corpus.py")
        return path

    def __fspath__(self) -> str:
        return str(self.folder)

    def glob(self, pattern: str) -> Iterator[Path]:
        return self.folder.glob(pattern)

    def rglob(self, pattern: str) -> Iterator[Path]:
        return self.folder.rglob(pattern)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Folder of the real instrument files; tests that need it are skipped where it is not."""
    for place in _PLACES:
        if place and (Path(place) / "corpus.tsv").is_file():
            return Corpus(Path(place))
    pytest.skip("no corpus of real files: see docs/contributing.md for how to fetch it and set INTERLAYER_CORPUS")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for the corpus."""
    for item in items:
        if "corpus" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.corpus)
