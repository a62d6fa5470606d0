"""Figures and logos among the data of a run: PNG and JPEG are micrographs only where somebody states a scale."""

from __future__ import annotations

from zipfile import ZipFile

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import interlayer as il
from interlayer.cli import main

SPECTRUM = "Freq/Hz,Zreal/Ohm,Zimag/Ohm\n" + "\n".join(f"{10**n},{100 + n},{-50 + n}" for n in range(6)) + "\n"


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a layer of 60 pixels as PNG, a coloured figure, a cut one, and an impedance spectrum."""
    data = tmp_path / "data"
    data.mkdir()
    random = np.random.default_rng(0)
    rows = np.arange(300)
    profile = 60 + 120 * ((rows > 120) & (rows < 180))
    grey = np.clip(profile[:, None] + random.normal(0, 8, (300, 300)), 0, 255).astype(np.uint8)
    Image.fromarray(grey).save(data / "layer.png")
    Image.fromarray(random.integers(0, 256, (50, 80, 3), dtype=np.uint8)).save(data / "figure.jpg")
    whole = (data / "figure.jpg").read_bytes()
    (data / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (data / "empty.png").write_bytes(b"")
    (data / "film.csv").write_text(SPECTRUM)
    return data


def status(run):
    return {file.path: file.status for file in run.files}


def test_figures_do_not_disturb_a_run(folder, tmp_path):
    """A folder of data holds plots and photographs; none may fail, ask for a pixel size or fill the report."""
    run = il.run(folder, out=tmp_path / "out")
    assert status(run) == {
        "cut.jpg": "unknown", "empty.png": "unknown", "figure.jpg": "unknown", "film.csv": "read",
        "layer.png": "unknown",
    }  # fmt: skip
    assert [path.name for path in (tmp_path / "out" / "datasets").iterdir()] == ["film.csv.nc"]
    assert "pixel_size" not in (tmp_path / "out" / "results.csv").read_text()


def test_a_run_says_how_pictures_are_measured(folder, tmp_path):
    """Somebody whose micrographs are PNG must learn what is missing; the empty file is of no format."""
    result = CliRunner().invoke(main, ["run", str(folder), "--out", str(tmp_path / "out")])
    lines = " ".join(result.output.split())
    assert "of no known format: empty.png" in lines
    assert "pictures without a scale, see tem.pixel_size: cut.jpg, figure.jpg, layer.png" in lines


def test_a_stated_scale_makes_a_micrograph_of_one_picture(folder, tmp_path):
    """60 pixels of 0.5 nm: the layer of the picture is 30 nm thick, and the other pictures stay figures."""
    (folder / "film.csv").unlink()
    (folder / "experiment.toml").write_text(
        '[[file]]\nmatch = "layer.png"\n[file.tem]\npixel_size = { value = 0.5, uncertainty = 0.005, unit = "nm" }\n'
    )
    run = il.run(folder, out=tmp_path / "out")
    assert status(run)["layer.png"] == "read"
    assert status(run)["figure.jpg"] == "unknown"
    (thickness,) = [row for row in run.rows() if row["quantity"] == "layer_thickness"]
    assert float(thickness["value"]) == pytest.approx(29.5, abs=0.5)  # rows 121 to 179 are bright


def test_broken_picture_with_a_scale_has_failed(folder, tmp_path):
    """Once a scale is stated the pictures are data, and half a file is an error as for any instrument."""
    for name in ("film.csv", "layer.png"):
        (folder / name).unlink()
    (folder / "experiment.toml").write_text('[tem]\npixel_size = { value = 0.5, unit = "nm" }\n')
    assert status(il.run(folder, out=tmp_path / "out"))["cut.jpg"] == "failed"


def test_pictures_beside_data_in_an_archive_are_left_out(folder, tmp_path):
    """A zip of a spectrum and its plot still reads as one spectrum; a zip of pictures reads as pictures."""
    for name, members in (("both.zip", ("film.csv", "figure.jpg")), ("pictures.zip", ("layer.png", "figure.jpg"))):
        with ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.write(folder / member, member)
    assert il.read(tmp_path / "both.zip").attrs["technique"] == "eis"
    assert list(il.read_tree(tmp_path / "pictures.zip").children) == ["layer", "figure"]


@pytest.mark.parametrize(("kept", "section"), [(("film.csv", "figure.jpg"), "[eis]"), (("layer.png",), "[tem]")])
def test_draft_of_the_facts_looks_at_pictures_last(folder, kept, section):
    """A figure must not make the draft ask for a pixel size; a folder of pictures alone is one of micrographs."""
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    CliRunner().invoke(main, ["init", str(folder)])
    text = (folder / "experiment.toml").read_text()
    assert section in text
    assert ("[tem]" in text) == (section == "[tem]")
