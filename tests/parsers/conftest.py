"""What all readers must survive."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
import tifffile

from interlayer.parsers import ParseError, Source, measurements, schema


class Masked(AssertionError):
    """An error of a reader that the door before it would have turned into a ParseError."""

    def __init__(self, found, **details):
        super().__init__(f"{details.get('path')}: {found}")


@pytest.fixture(autouse=True)
def _no_error_is_masked(monkeypatch):
    """Show stray errors of readers: the door that turns them into a ParseError for users would hide them from tests."""
    monkeypatch.setattr("interlayer.parsers.reading.CorruptFile", Masked)


@pytest.fixture
def survive():
    """Return a function that reads damaged copies and counts those that were read and those that were refused.

    Only a Dataset of the vocabulary or the reader's own ParseError will do.
    """

    def run(read, copies):
        read_well = refused = 0
        for copy in copies:
            try:
                datasets = list(read(copy))
            except ParseError:
                refused += 1
                continue
            for dataset in datasets:
                schema.check(dataset)
            read_well += bool(datasets)
        return read_well, refused

    return run


@pytest.fixture
def damaged():
    """Return a function that yields copies with a flipped byte, a doubled stretch and a missing one in turn."""

    def copies(data, count, seed):
        generator = random.Random(seed)
        for kind in range(count):
            copy = bytearray(data)
            start = generator.randrange(len(copy))
            if kind % 3 == 0:
                copy[start] = generator.randrange(256)
            elif kind % 3 == 1:
                copy[start:start] = copy[start : start + 500]
            else:
                del copy[start : start + 200]
            yield bytes(copy)

    return copies


@pytest.fixture
def loaded():
    """Return a function that reads a TIFF made with private tags ``(code, type, value)``."""

    def read_made(*tags, pixels=None, **options):
        extra = [(code, kind, len(value), value, True) for code, kind, value in tags]
        pixels = np.arange(60 * 80, dtype=np.uint16).reshape(60, 80) if pixels is None else pixels
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels, extratags=extra, **{"metadata": None} | options)
        (found,) = measurements(Source(Path("made.tif"), data=buffer.getvalue()))
        return found.dataset

    return read_made
