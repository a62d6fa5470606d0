"""``experiment.toml``: facts in, every mistake out at once."""

from __future__ import annotations

import re

import pytest

from interlayer.experiment import ExperimentError, draft, find, load
from interlayer.facts import SECTIONS

GOOD = """
[sample]
name = "film 12"
simulated = true
[eis]
thickness = { value = 98.0, uncertainty = 3.0, unit = "nm" }
area = { value = 0.785, unit = "mm2" }
compare = ["linbox-conductivity-table3-30c"]
[cycling]
cell_type = "cathode_half"
reference_cycle = 3
current_gain = 0.001
[[file]]
match = "thick*.mpt"
[file.eis]
thickness = { value = 205, uncertainty = 6, unit = "nm" }
"""


def write(folder, text):
    path = folder / "experiment.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_facts_become_quantities(tmp_path):
    """Value, uncertainty and unit reach the analysis as they were stated."""
    experiment = load(write(tmp_path, GOOD))
    facts = experiment.facts("eis", tmp_path / "a.mpt")
    assert (facts["thickness"].value, facts["thickness"].stderr, facts["thickness"].unit) == (98.0, 3.0, "nm")
    assert facts["area"].stderr is None
    assert experiment.simulated


def test_override_changes_only_what_it_names(tmp_path):
    """One film of a folder is thicker; its electrodes are the same."""
    facts = load(write(tmp_path, GOOD)).facts("eis", tmp_path / "thick_1.mpt")
    assert facts["thickness"].value == 205.0
    assert facts["area"].value == 0.785


def test_all_mistakes_are_listed_with_their_paths(tmp_path):
    """A misspelt key silently left out is a wrong result; one error a run is a wasted afternoon."""
    text = """
[sample]
nmae = "x"
[eis]
thicknes = 1
thickness = { value = 98.0, unit = "V" }
area = 3
electrodes = "porous"
bare = ["absent_*.mpt"]
compare = ["lipon-82-conductivity-table3-35"]
[cycling]
cell_type = "anode"
reference_cycle = -1
[xanes]
references = { Li2S = "nowhere.xdi" }
[sem]
a = 1
[[file]]
match = "a*"
[file.eis]
pressure = 1
[[file]]
name = "b"
"""
    with pytest.raises(ExperimentError) as caught:
        load(write(tmp_path, text))
    message = str(caught.value)
    for path in (
        "sample.nmae", "eis.thicknes:", "eis.thickness:", "eis.area", "eis.electrodes", "eis.bare", "eis.compare",
        "sem:", "cycling.cell_type", "cycling.reference_cycle",
        "xanes.references.Li2S", "file[0].eis.pressure", "file[1]",
    ):  # fmt: skip
        assert path in message
    assert "13 problem(s)" in message


BROKEN = (
    "[eis",
    'a = "\x00"',
    "[eis]\nthickness = {value = 1, unit = 'nm', u = 2}",
    "[eis]\nthickness = {value = true, unit = 'nm'}",
    "[eis]\nthickness = {value = 1, uncertainty = -2, unit = 'nm'}",
    "eis = 3",
)


@pytest.mark.parametrize("text", BROKEN)
def test_broken_files_are_experiment_errors(tmp_path, text):
    """Whatever a text editor leaves behind, the message names the file."""
    with pytest.raises(ExperimentError, match=r"experiment\.toml"):
        load(write(tmp_path, text))


def test_nearest_file_above_wins(tmp_path):
    """A folder of folders: each sample has its own facts, the rest is inherited."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    outer = write(tmp_path, "[sample]\nname='outer'")
    assert find(inner / "x.mpt", tmp_path) == outer
    own = write(tmp_path / "a", "[sample]\nname='inner'")
    assert find(inner / "x.mpt", tmp_path) == own
    assert find(tmp_path / "x.mpt", tmp_path) == outer
    own.unlink()
    assert find(inner / "x.mpt", inner) is None


def test_draft_is_valid_and_says_everything(tmp_path):
    """Uncommenting any line of the draft gives a file that loads: the examples are right."""
    text = draft(dict.fromkeys(SECTIONS, 1))
    assert load(write(tmp_path, text)).sections == {section: {} for section in SECTIONS}
    for name in ("Li2S.xdi", "LGPS.xdi", "bare_1.mpt"):
        (tmp_path / name).touch()
    lines = [re.sub(r"^# (?=\w+ = (?!\.\.\.))", "", line) for line in text.splitlines()]
    facts = load(write(tmp_path, "\n".join(lines))).sections
    for section, known in SECTIONS.items():
        assert set(facts[section]) == {key for key, fact in known.items() if fact.example}


def test_cycles_are_listed_as_whole_numbers(tmp_path):
    """Cycle 0 or 1.5 does not exist."""
    path = write(tmp_path, "[cycling]\nshown_cycles = [1, 3, 100]\n")
    assert load(path).facts("cycling", tmp_path / "a.mpr")["shown_cycles"] == (1, 3, 100)
    for wrong in ("[0]", "[1.5]", "[]", "3", "[true]"):
        with pytest.raises(ExperimentError, match=r"cycling.shown_cycles"):
            load(write(tmp_path, f"[cycling]\nshown_cycles = {wrong}\n"))


def test_bare_cells_that_are_not_there(tmp_path):
    """A misspelt pattern would compare the coated cells with nothing."""
    with pytest.raises(ExperimentError, match=r"cycling.bare: there is no file 'bear_\*'"):
        load(write(tmp_path, '[cycling]\nbare = ["bear_*"]\n'))
