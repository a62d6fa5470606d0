"""The command `interlayer`, as a person and as a cron job use it."""

from __future__ import annotations

import pytest
import xarray as xr
from click.testing import CliRunner

from interlayer.cli import main

SPECTRUM = "f,Z',Z''\n" + "".join(f"{10.0 ** (4 - k / 4)},{100 + 10 * k},{-5 - 20 * k}\n" for k in range(12))


@pytest.fixture
def spectrum(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(SPECTRUM)
    return path


def call(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def test_formats_lists_every_card():
    """What is read is a fact a user asks for first."""
    import interlayer as il

    output = call("formats").output
    assert all(card.name in output for card in il.formats())


def test_identify(spectrum, tmp_path):
    """Exit code 3 when something is unknown, so that scripts can tell."""
    (tmp_path / "b.bin").write_bytes(b"\x00\x01")
    known, both = call("identify", spectrum), call("identify", spectrum, tmp_path / "b.bin")
    assert (known.exit_code, both.exit_code) == (0, 3)
    assert "delimited-eis" in known.output
    assert "unknown" in both.output


def test_read_shows_and_converts(spectrum, tmp_path):
    """The quickest way from a vendor's file to one that anything reads."""
    assert "impedance" in call("read", spectrum).output
    assert call("read", spectrum, "--to", tmp_path / "a.nc").exit_code == 0
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as ds:
        assert ds["impedance"].values[0] == 100 - 5j
    assert call("read", spectrum, "--to", tmp_path / "out.csv").exit_code == 0
    first, second = (tmp_path / "out.csv").read_text().splitlines()[:2]
    assert first == "frequency (Hz),impedance_real (ohm),impedance_imag (ohm)"
    assert [float(field) for field in second.split(",")] == [1e4, 100.0, -5.0]
    assert call("read", spectrum, "--to", tmp_path / "a.xlsx").exit_code == 2


def test_read_of_a_broken_file_says_why(tmp_path):
    """One sentence on standard error and exit code 3, no traceback."""
    path = tmp_path / "a.mpr"
    path.write_bytes(b"BIO-LOGIC MODULAR FILE\x1a")
    result = call("read", path)
    assert result.exit_code == 3
    assert "a.mpr" in result.output
    assert "Traceback" not in result.output


def test_init_drafts_and_never_overwrites(spectrum, tmp_path):
    """The draft names the sections that the files need; a second call must not destroy what was filled in."""
    assert call("init", tmp_path).exit_code == 0
    text = (tmp_path / "experiment.toml").read_text()
    assert "[eis]" in text
    assert "[tem]" not in text
    assert call("init", tmp_path).exit_code == 2
    assert (tmp_path / "experiment.toml").read_text() == text


def test_run_exit_codes(spectrum, tmp_path):
    """0 all well, 2 wrong facts, 3 something unreadable: what a scheduler acts on."""
    out = tmp_path / "out"
    assert call("run", tmp_path, "--out", out).exit_code == 0
    (tmp_path / "bad.mpr").write_bytes(b"BIO-LOGIC MODULAR FILE\x1a")
    assert call("run", tmp_path, "--out", out).exit_code == 3
    (tmp_path / "experiment.toml").write_text("[eis]\nnonsense = 1\n")
    result = call("run", tmp_path, "--out", out)
    assert result.exit_code == 2
    assert "eis.nonsense" in result.output


def test_run_names_the_missing_facts(spectrum, tmp_path):
    """The table itself tells what to set."""
    output = " ".join(call("run", tmp_path, "--out", tmp_path / "out").output.split())
    assert "ionic conductivity of a.csv is missing: set eis.thickness, eis.area" in output


def test_reported():
    """Ids are printed whole, to be copied into experiment.toml."""
    result = call("reported", "--technique", "eis", "--system", "LiNbOx")
    assert "linbox-conductivity-table3-30c" in result.output
    assert call("reported", "--system", "unobtainium").exit_code == 2
