"""A run joins files that belong together: in the table, the JSON, the page and the terminal."""

from __future__ import annotations

import csv
import json
import shutil

import pytest
from click.testing import CliRunner

import interlayer as il
from interlayer import figures, sample_data, series
from interlayer.cli import main


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run over both simulated series, without the figures of single spectra."""
    folder = tmp_path_factory.mktemp("series")
    for name in ("eis_linbox_temperature", "eis_linbox_coating"):
        shutil.copytree(sample_data.path(name), folder / "lab" / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "figures", lambda dataset, outcomes: iter(()))
        yield il.run(folder / "lab", out=folder / "out")


def found(run, kind):
    (one,) = [entry for entry in run.series if entry.kind == kind]
    return one


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("temperature series", "eis_linbox_temperature/temperature series"),
        ("coated against bare", "eis_linbox_coating/coated against bare"),
    ],
)
def test_simulated_series_give_their_truth(finished, kind, place):
    """What a newcomer sees first must be right: activation energy, conductivity at 25 degC, that of a coating."""
    one = found(finished, kind)
    truth = sample_data.truth(place)
    assert {quantity.name for quantity in one.outcome.headlines} == set(truth)
    for name, true in truth.items():
        low, high = one.outcome.result[name].interval95
        assert low < true["value"] < high, name
    assert one.simulated
    assert one.figures
    assert one.outcome.validity.verdict == "pass"


def test_series_reach_every_output(finished):
    """A spreadsheet, a program and a reader must all find the activation energy, and its simulation said."""
    with (finished.out / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["quantity"] == "activation_energy"]
    (row,) = rows
    assert (row["group"], row["file"], row["temperature"]) == ("temperature series", "eis_linbox_temperature", "")
    assert row["simulated"] == "1"
    data = json.loads((finished.out / "results.json").read_text(encoding="utf-8"))
    stored = {entry["kind"]: entry for entry in data["series"]}["temperature series"]
    assert stored["members"] == [f"eis_linbox_temperature/film_{t}C.DTA" for t in (25, 40, 55, 70, 85, 100)]
    assert stored["outcome"]["result"]["quantities"][0]["value"] == float(row["value"])
    page = (finished.out / "report.html").read_text(encoding="utf-8")
    assert page.count(">activation energy</td>") == 2  # in the table and in its card
    assert "numbers at 25 °C" in page


def test_conductivity_of_a_series_is_compared_at_its_temperature(finished):
    """The review's value at 30 degC can be held against 25 degC, not against a spectrum at 100 degC."""
    (comparison,) = found(finished, "temperature series").outcome.comparisons["ionic_conductivity"]
    assert comparison.verdict == "agrees"
    hot = next(file for file in finished.files if file.path.endswith("film_100C.DTA"))
    (comparison,) = hot.measurements[0].outcomes[0].comparisons["ionic_conductivity"]
    assert comparison.verdict == "not comparable"


def test_table_holds_headlines_only(finished):
    """Noise, residuals and relaxation times of hundreds of spectra would bury the conductivities."""
    rows = [row for row in finished.rows() if row["file"].endswith("film_25C.DTA")]
    names = {row["quantity"] for row in rows}
    assert "ionic_conductivity" in names
    assert not any(name.startswith(("relative_noise", "peak_", "polarisation")) for name in names)
    assert {row["validity"] for row in rows} == {"pass"}
    assert {row["temperature"] for row in rows} == {"24.9"}
    roles = {outcome.role for file in finished.files for outcome in file.measurements[0].outcomes}
    assert roles == {"headline", "check", "detail"}


def test_series_that_breaks_down_leaves_the_files_alone(tmp_path, monkeypatch):
    """A defect in the last step of an unattended night must not cost its results, and must not look like success."""

    def boom(members):
        raise RuntimeError("boom")
        yield

    folder = tmp_path / "lab"
    shutil.copytree(sample_data.path("eis_lipon_film"), folder)
    monkeypatch.setitem(series.ANALYSES, "eis", (boom,))
    monkeypatch.setattr(figures, "figures", lambda dataset, outcomes: iter(()))
    run = il.run(folder, out=tmp_path / "out")
    assert run.files[0].status == "read"
    assert not run.failed
    assert not run.succeeded
    assert [row["message"] for row in run.rows() if row["status"] == "failed"] == ["RuntimeError: boom"]
    assert any(row["quantity"] == "ionic_conductivity" for row in run.rows())


def test_terminal_shows_the_series_first(tmp_path, monkeypatch):
    """The one number of a folder stands above the many it was computed from."""
    monkeypatch.setattr(figures, "figures", lambda dataset, outcomes: iter(()))
    folder = tmp_path / "lab"
    shutil.copytree(sample_data.path("eis_linbox_temperature"), folder)
    result = CliRunner().invoke(main, ["run", str(folder), "--out", str(tmp_path / "out")], env={"COLUMNS": "140"})
    assert result.exit_code == 0
    lines = [line.strip() for line in result.output.splitlines()]
    first = next(n for n, line in enumerate(lines) if line.startswith("temperature series"))
    assert lines[first].split("  ")[1].strip() == "activation energy"
    assert "25 °C" in lines[first + 1]
    assert lines[first + 2].startswith("film_25C.DTA")
