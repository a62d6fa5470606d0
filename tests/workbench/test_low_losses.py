"""What a run makes of electron energy losses: foils in mean free paths, and core losses left alone."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.analyses_tem import low_losses
from interlayer.analysis import Quantity
from interlayer.attempt import Task
from interlayer.parsers import schema

SCAN = "tem/exspy/tests/signals/data/EELS_LL_linescan_simulated_thickness_variation.hspy"
ALUMINIUM = "tem/pyTEMlib/AL-DFoffset0.00.dm3"
CORE_LOSSES = (
    "tem/SciFiReaders/notebooks/01_using_readers/example_data/EELS_STO.dm3",
    "tem/rosettasciio/digitalmicrograph/3D/EELS_SI.dm4",
    "tem/exspy/tests/components/coreloss_spectrum.msa",
)


def result(ds, facts, tmp_path):
    ((_, outcome),) = low_losses(Task({"spectra": ds}, facts, tmp_path / "a.dm3", tmp_path))
    assert outcome.problem is None
    return outcome.result


def test_a_folder_of_spectra_becomes_relative_thicknesses(corpus, tmp_path):
    """Low losses need no fact: mean 1.1 of 0.3 to 1.9 (exspy's test); core losses in the folder cause no complaint."""
    for file in (SCAN, ALUMINIUM, *CORE_LOSSES):
        shutil.copy(corpus / file, tmp_path)
    run = il.run(tmp_path, out=tmp_path / "results")
    assert run.succeeded
    found = {row["file"]: row for row in run.rows() if row["quantity"] == "relative_thickness"}
    assert {name.partition(".")[0] for name in found} == {SCAN.rpartition("/")[2].partition(".")[0], "AL-DFoffset0"}
    assert found[SCAN.rpartition("/")[2]]["value"] == pytest.approx(1.1, abs=5e-3)
    assert not [row for row in run.rows() if row["status"] != "ok"]
    cores = [file for file in run.files if file.path in {name.rpartition("/")[2] for name in CORE_LOSSES}]
    assert [measurement.outcomes for file in cores for measurement in file.measurements] == [()] * len(CORE_LOSSES)


def test_a_mean_free_path_turns_it_into_nm(corpus, tmp_path):
    """1.1 mean free paths of 120 nm, whose 15 % outweigh all counting."""
    path = Quantity("mean_free_path", 120.0, 18.0, "nm")
    thickness = result(il.read(corpus / SCAN), {"mean_free_path": path}, tmp_path)["specimen_thickness"]
    assert thickness.value == pytest.approx(132.0, abs=0.6)
    assert thickness.relative == pytest.approx(0.15, abs=1e-3)


def test_a_spectrum_around_zero_without_a_peak_is_refused_in_words(tmp_path):
    """Noise from -20 to 180 eV is no core loss: something is wrong with it, and the report says so."""
    counts = np.random.default_rng(1).poisson(50.0, 800).astype(float)
    ds = schema.build("eels", {"energy": np.linspace(-20.0, 180.0, 800), "counts": counts})
    ((_, outcome),) = low_losses(Task({"spectrum": ds}, {}, tmp_path / "a.dm3", tmp_path))
    assert "zero-loss" in outcome.declined


def test_figure_of_a_line_scan_shows_the_cut_and_the_course(corpus, tmp_path):
    """Whoever doubts a thickness looks at where the zero-loss peak ends; the course shows the wedge of the foil."""
    found = result(il.read(corpus / SCAN), {}, tmp_path)
    spectrum, along = il.plot(found).axes
    assert [text.get_text() for text in spectrum.get_legend().get_texts()] == ["without loss", "all electrons"]
    np.testing.assert_allclose(along.lines[0].get_ydata(), 0.3 + 0.1 * np.arange(17), atol=5e-3)


def test_figure_of_a_map_lies_as_the_map(corpus, tmp_path):
    """A map of 3 rows and 5 columns of 10 nm: thin at the top left, where the first spectrum was recorded."""
    scan = il.read(corpus / SCAN)
    axes = {name: xr.Variable(name, 10.0 * np.arange(n), {"units": "nm"}) for name, n in (("y", 3), ("x", 5))}
    counts = xr.Variable(("y", "x", "energy"), scan["counts"].values[:15].reshape(3, 5, -1), {"units": "count"})
    found = result(schema.build("eels", {**axes, "energy": scan["energy"].variable, "counts": counts}), {}, tmp_path)
    shown = il.plot(found).axes[1].images[0]
    assert shown.get_extent() == [-5.0, 45.0, 25.0, -5.0]
    np.testing.assert_allclose(shown.get_array()[0], 0.3 + 0.1 * np.arange(5), atol=5e-3)


def test_figure_of_one_spectrum_has_no_empty_half(corpus, tmp_path):
    """A single spectrum has no course to draw."""
    assert len(il.plot(result(il.read(corpus / ALUMINIUM), {}, tmp_path)).axes) == 1
