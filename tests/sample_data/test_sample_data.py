"""The committed experiments: simulated, small, reproducible, independent of what they test."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import interlayer.sample_data as sample_data
from interlayer.sample_data import __main__ as command

ROOM = Path(sample_data.__file__).parent
VENDOR_FILES = [
    file
    for experiment in sample_data.experiments()
    for file in sorted(sample_data.path(experiment).iterdir())
    if file.suffix != ".toml"
]
SERIES = {"temperature series", "coated against bare", "coated against bare cells"}
SECTIONS = {"eis", "cycling", "xanes", "haxpes", "tem"}


def test_every_technique_has_an_experiment():
    """A newcomer must be able to try each technique without an instrument."""
    assert {name.split("_")[0] for name in sample_data.experiments()} == SECTIONS


def test_regeneration_gives_the_committed_bytes(tmp_path):
    """Data that cannot be made again are data whose truth cannot be trusted."""
    assert command.main([str(tmp_path)]) == 0
    for experiment in sample_data.experiments():
        committed = {file.name: file.read_bytes() for file in sample_data.path(experiment).iterdir()}
        made = {file.name: file.read_bytes() for file in (tmp_path / experiment).iterdir()}
        assert sorted(made) == sorted(committed)
        for name, content in committed.items():
            assert made[name] == content, f"{experiment}/{name} differs"


def test_command_without_a_folder_explains_itself(capsys):
    """Called bare, the command must not scatter files into the working directory."""
    assert command.main([]) == 2
    assert "FOLDER" in capsys.readouterr().err


def test_all_together_stay_under_10_megabytes():
    """The sample data are cloned by everyone."""
    assert sum(file.stat().st_size for file in ROOM.rglob("*") if file.is_file()) < 10e6


@pytest.mark.parametrize("file", VENDOR_FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_vendor_file_says_that_it_is_simulated(file):
    """A file that loses its folder must not pass for a measurement."""
    content = file.read_bytes().replace(b"\0", b"")  # DM3 keeps text in UTF-16
    assert b"SIMULATED" in content


@pytest.mark.parametrize("name", sample_data.experiments())
def test_facts_and_truth_say_that_they_are_simulated(name):
    """What the report shows of a specimen comes from these two files."""
    for file in ("experiment.toml", "truth.toml"):
        text = (sample_data.path(name) / file).read_text(encoding="utf-8")
        assert "SIMULATED" in text.splitlines()[0]
    facts = tomllib.loads((sample_data.path(name) / "experiment.toml").read_text(encoding="utf-8"))
    assert facts["sample"]["simulated"] is True
    assert "simulated" in facts["sample"]["name"]
    assert set(facts) - {"sample", "file"} <= SECTIONS


@pytest.mark.parametrize("name", sample_data.experiments())
def test_every_vendor_file_has_a_truth(name):
    """A file without truth cannot show that a number is wrong."""
    files = {file.name for file in sample_data.path(name).iterdir() if file.suffix != ".toml"}
    truth = sample_data.truth(name)
    assert files <= set(truth)
    assert set(truth) - files <= SERIES
    for quantities in truth.values():
        for value in quantities.values():
            assert isinstance(value["value"], float)
            assert value["unit"]


def test_truth_of_one_file():
    """The reported LiPON conductivity of Table 3, (6.51 +- 0.36)e-7 S/cm at 35 degC, is what was put in."""
    truth = sample_data.truth("eis_lipon_film/film_35C.mpt")
    assert truth["ionic_conductivity"] == {"value": 6.51e-7, "unit": "S cm-1"}


def test_truth_of_a_series():
    """What several files say together has a truth of its own."""
    truth = sample_data.truth("eis_linbox_temperature/temperature series")
    assert truth["activation_energy"] == {"value": 0.62, "unit": "eV"}


def test_unknown_name_lists_the_experiments():
    """Whoever mistypes a name needs the list of names."""
    with pytest.raises(FileNotFoundError, match="eis_lipon_film"):
        sample_data.path("eis_lipon")
    with pytest.raises(FileNotFoundError):
        sample_data.path("eis_lipon_film/absent.mpt")
    with pytest.raises(FileNotFoundError):
        sample_data.path("simulators/eis.py")
    with pytest.raises(FileNotFoundError):
        sample_data.truth("eis_lipon_film/temperature series")


OTHERS = {"", "__future__", "ast", "collections", "dataclasses", "h5py", "hashlib", "io", "json", "numpy", "pathlib",
          "scipy", "struct", "sys", "tomllib", "typing"}  # fmt: skip


@pytest.mark.parametrize("module", sorted(ROOM.rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_is_shared_with_readers_and_analyses(module):
    """A simulator that borrows the model it tests proves only that the fit inverts itself."""
    for imported in _imports(module):
        assert not re.search(r"\b(parsers|analysis|workbench|cli)\b", imported), f"{module.name} imports {imported}"
        root = imported.split(".")[0]
        assert root in OTHERS, f"{module.name} imports {imported}"


def _imports(module):
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from (f"{base}.{alias.name}" for alias in node.names)
