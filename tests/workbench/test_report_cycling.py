"""The report of cycling files: a cell that shorted is marked beside every number, and the reason is given once."""

from __future__ import annotations

import csv
import shutil

import interlayer as il
from interlayer import sample_data


def test_shorted_cell_in_report_and_table(tmp_path):
    """Who reads only the table must not take the low voltage of a shorted cell for a good coating."""
    folder = tmp_path / "cells"
    folder.mkdir()
    for name in ("bare_shorted.mpt", "experiment.toml"):
        shutil.copy(sample_data.path("cycling_lsps_alucone") / name, folder)
    run = il.run(folder, out=tmp_path / "out")
    assert run.succeeded
    rows = list(csv.DictReader((tmp_path / "out" / "results.csv").open(encoding="utf-8")))
    assert {row["validity"] for row in rows} == {"warn"}
    assert all("hard short circuit after 67.6" in row["message"] for row in rows)
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert html.count('<tr class="doubt">') == 1
    assert ">shorted</span>" in html
    assert html.count("<img") == 2  # the record with the event, and the polarisation
