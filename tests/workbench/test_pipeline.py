"""The main job: every file of a folder is accounted for, whatever it holds."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.analysis.errors import NotAnalysable
from interlayer.experiment import ExperimentError

THICKNESS, AREA, RESISTANCE = 2e-5, 1e-2, 4.0e4  # cm, cm2, ohm
CONDUCTIVITY = THICKNESS / (RESISTANCE * AREA)


def spectrum(seed=0, noise=0.004):
    """Blocking film: (R | C) in series with a constant phase element, in closed form."""
    frequency = np.logspace(6, -1, 50)
    omega = 2j * np.pi * frequency
    z = 25.0 + RESISTANCE / (1 + omega * RESISTANCE * 2e-9) + 1 / (2e-6 * omega**0.92)
    rng = np.random.default_rng(seed)
    z = z + noise * np.abs(z) * (rng.normal(size=50) + 1j * rng.normal(size=50))
    rows = "".join(f"{f:.6e},{v.real:.6e},{v.imag:.6e}\n" for f, v in zip(frequency, z, strict=True))
    return "frequency/Hz,Re(Z)/Ohm,Im(Z)/Ohm\n" + rows


FACTS = """
[sample]
name = "film <b>1</b>"
[eis]
thickness = { value = 200.0, uncertainty = 4.0, unit = "nm" }
area = { value = 0.01, uncertainty = 1e-4, unit = "cm2" }
temperature = { value = 30.0, uncertainty = 0.5, unit = "degC" }
compare = ["linbox-conductivity-table3-30c"]
"""


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "lab"
    (root / "film").mkdir(parents=True)
    (root / "film" / "experiment.toml").write_text(FACTS)
    (root / "film" / "a.csv").write_text(spectrum())
    (root / "film" / "broken.mpr").write_bytes(b"BIO-LOGIC MODULAR FILE\x1a" + bytes(50))
    (root / "no_facts").mkdir()
    (root / "no_facts" / "b.csv").write_text(spectrum(1))
    (root / "empty.mpr").touch()
    (root / "log.gz").write_bytes(gzip.compress(b"nothing that an instrument wrote"))
    (root / "notes.docx").write_bytes(b"PK\x03\x04not an instrument")
    (root / "film" / "settings.mps").write_text("EC-Lab SETTING FILE")
    (root / ".hidden").write_text("x")
    return root


def outcome(run, path):
    return next(file for file in run.files if file.path == path)


def test_every_file_is_accounted_for(folder, tmp_path):
    """Unknown files are listed, broken ones are one row with their reason, the others go on."""
    run = il.run(folder, out=tmp_path / "out")
    assert {file.path: file.status for file in run.files} == {
        "empty.mpr": "failed",
        "film/a.csv": "read",
        "film/broken.mpr": "failed",
        "film/settings.mps": "sidecar",
        "log.gz": "unknown",
        "no_facts/b.csv": "read",
        "notes.docx": "unknown",
    }
    assert [file.path for file in run.failed] == ["empty.mpr", "film/broken.mpr"]
    assert str(tmp_path) not in (outcome(run, "film/broken.mpr").error or "")


def test_conductivity_and_comparison(folder, tmp_path):
    """The number that the whole tool is for: sigma = d / (R A), here 5.0e-8 S/cm by construction."""
    run = il.run(folder, out=tmp_path / "out")
    (found,) = [
        entry
        for entry in outcome(run, "film/a.csv").measurements[0].outcomes
        if entry.result is not None and "ionic_conductivity" in entry.result
    ]
    sigma = found.result["ionic_conductivity"]
    low, high = sigma.interval95
    assert low < CONDUCTIVITY < high
    assert sigma.value == pytest.approx(CONDUCTIVITY, rel=0.02)
    (comparison,) = found.comparisons["ionic_conductivity"]
    assert comparison.verdict == "below"


def test_missing_facts_name_the_keys_and_spare_the_rest(folder, tmp_path):
    """Without thickness and area there is no conductivity, but there is a resistance; nothing defaults to 1."""
    run = il.run(folder, out=tmp_path / "out")
    outcomes = outcome(run, "no_facts/b.csv").measurements[0].outcomes
    assert [entry.key for found in outcomes for entry in found.missing] == ["eis.thickness", "eis.area"]
    results = [found.result for found in outcomes if found.result is not None]
    assert results[0]["ionic_resistance"].value == pytest.approx(RESISTANCE, rel=0.02)
    assert not any("ionic_conductivity" in result for result in results)


def test_written_files_agree_with_each_other(folder, tmp_path):
    """results.csv, results.json and the NetCDF files are what other programs read."""
    out = tmp_path / "out"
    run = il.run(folder, out=out)
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    data = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert data["schema"] == "interlayer.run/1"
    assert data["summary"] == {"read": 2, "failed": 2, "unknown": 2, "sidecar": 1}
    (row,) = [row for row in rows if row["quantity"] == "ionic_conductivity" and row["status"] == "ok"]
    (stored,) = [
        quantity
        for file in data["files"]
        for measurement in file["measurements"]
        for entry in measurement["outcomes"]
        if entry["result"]
        for quantity in entry["result"]["quantities"]
        if quantity["name"] == "ionic_conductivity"
    ]
    assert float(row["value"]) == stored["value"]
    assert row["reported_id"] == "linbox-conductivity-table3-30c"
    measurement = outcome(run, "film/a.csv").measurements[0]
    with xr.open_dataset(out / measurement.dataset, engine="h5netcdf") as ds:
        np.testing.assert_array_equal(ds["impedance"], il.read(folder / "film" / "a.csv")["impedance"])
        assert ds.attrs["source_sha256"] == outcome(run, "film/a.csv").sha256


def test_report_is_self_contained_and_escaped(folder, tmp_path):
    """The page is mailed around and opened years later: no script, no link outside, no markup from file names."""
    il.run(folder, out=tmp_path / "out")
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert "film &lt;b&gt;1&lt;/b&gt;" in html
    assert "<b>1</b>" not in html
    assert ">eis.thickness</code>" in html
    assert "notes.docx" in html
    assert str(tmp_path) not in html


def test_same_folder_gives_the_same_bytes(folder, tmp_path):
    """A report that changes without a reason cannot be compared with yesterday's."""
    il.run(folder, out=tmp_path / "one")
    il.run(folder, out=tmp_path / "two", jobs=2)
    for name in ("results.json", "results.csv", "report.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_own_results_are_not_read_again(folder):
    """`--out` inside the folder is the natural choice; the next run must not analyse its own output."""
    il.run(folder, out=folder / "results")
    run = il.run(folder, out=folder / "results")
    assert not any(file.path.startswith("results/") for file in run.files)


def test_simulated_data_are_called_so(folder, tmp_path):
    """Simulated numbers that travel as measured ones are the worst thing this tool could do."""
    path = folder / "film" / "experiment.toml"
    path.write_text(path.read_text().replace("[sample]", "[sample]\nsimulated = true"))
    run = il.run(folder, out=tmp_path / "out")
    assert "simulated" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert all(row["simulated"] == 1 for row in run.rows() if row["file"] == "film/a.csv")
    path = tmp_path / "out" / outcome(run, "film/a.csv").measurements[0].dataset
    with xr.open_dataset(path, engine="h5netcdf") as ds:
        assert ds.attrs["simulated"] == 1


def test_wrong_facts_stop_the_run_before_it_starts(folder, tmp_path):
    """Half a folder analysed with misspelt facts looks like a finished one."""
    (folder / "film" / "experiment.toml").write_text("[eis]\nthicknes = 1\n")
    with pytest.raises(ExperimentError, match="thicknes"):
        il.run(folder, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_analysis_that_declines_is_not_a_failure(folder, tmp_path, monkeypatch):
    """'The data do not allow it' is a statement about the sample; a crash is a defect. They must not look alike."""
    from interlayer.analysis import eis

    def declines(*args, **kwargs):
        raise NotAnalysable("no arc")

    monkeypatch.setattr(eis, "film_conductivity", declines)
    run = il.run(folder, out=tmp_path / "out")
    assert [row["status"] for row in run.rows() if row["file"] == "film/a.csv"] == ["not analysable"]
    assert "film/a.csv" not in {file.path for file in run.failed}

    def crashes(*args, **kwargs):
        raise RuntimeError("boom")

    monkeypatch.setattr(eis, "film_conductivity", crashes)
    run = il.run(folder, out=tmp_path / "out")
    assert "film/a.csv" in {file.path for file in run.failed}
    assert outcome(run, "no_facts/b.csv").status == "read"


def test_missing_folder(tmp_path):
    """A typo in the path must not give an empty success."""
    with pytest.raises(NotADirectoryError):
        il.run(tmp_path / "nowhere")
