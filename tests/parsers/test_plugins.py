"""Formats of other packages, which are found through their entry points."""

from __future__ import annotations

import sys

import pytest

from interlayer.parsers import findings, formats, identify, read

MODULE = """
from interlayer.parsers import Finding, Format, Magic, Measurement, schema

CARD = Format(name="mine", title="My own", techniques=("eis",), module="my_reader", extensions=(".mpr",),
              magic=(Magic(rb"\\AMINE|\\ABIO-LOGIC MODULAR FILE"),))


def read(source):
    values = {"frequency": [2.0, 1.0], "impedance": [1 - 1j, 2 - 3j]}
    yield Measurement("spectrum", schema.build("eis", values), [Finding("mine", "info", "Read elsewhere.")])
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a folder on the path with a package that adds a format, and a broken one beside it."""
    for name, text in (("mine-1.0", "[console_scripts]\nx = y:z\n\n[interlayer.formats]\nmine = my_reader:CARD\n"),
                       ("other-1.0", "[console_scripts]\ninterlayer = other:main\n")):  # fmt: skip
        info = tmp_path / f"{name}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name[:-4]}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(text)
    (tmp_path / "my_reader.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    formats.cache_clear()
    yield tmp_path
    formats.cache_clear()
    sys.modules.pop("my_reader", None)


def test_another_package_adds_a_format_and_stands_before_ours(package):
    """A laboratory can read its own instrument, or a vendor's file its own way, without a change in this package."""
    path = package / "a.dat"  # an extension of other formats
    path.write_bytes(b"MINE")
    dataset = read(path)
    assert dataset.attrs["format"] == "mine"
    assert [finding.code for finding in findings(dataset.attrs)] == ["other-extension", "mine"]
    path.write_bytes(b"BIO-LOGIC MODULAR FILE\x1a")
    assert identify(path).name == "mine"
    assert [card.name for card in formats()].count("mine") == 1


def test_without_it_nothing_is_left_of_it():
    """The cards are found once for a process, and tests must not leave any behind."""
    assert "mine" not in [card.name for card in formats()]
