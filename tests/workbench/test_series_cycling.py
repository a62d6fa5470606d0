"""Cycling across files: the parts of one test joined by their clocks."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis import Quantity
from interlayer.experiment import Experiment
from interlayer.files import save
from interlayer.members import Member
from interlayer.outcome import FileOutcome, MeasurementOutcome
from interlayer.series import find_series
from interlayer.series_cycling import joined_tests

FACTS = {"cell_type": "cathode_half", "reference_cycle": 1, "test": "cell 7"}


@pytest.fixture
def member(tmp_path):
    """Return a function that stores a record as a run does and returns it as the series step sees it."""

    def made(name, ds, facts=FACTS, *, sample="NCM", simulated=False):
        stored = f"datasets/{name}.nc"
        save(ds.assign_attrs(source_file=name, source_sha256=name), tmp_path / stored)
        measurement = MeasurementOutcome(group="cycling", technique="cycling", sizes={}, dataset=stored)
        file = FileOutcome(path=name, status="read", sample=sample, simulated=simulated, measurements=(measurement,))
        return Member(Experiment(tmp_path), facts, tmp_path / name, file, measurement, tmp_path)

    return made


def parts(ds, *, hours=2.0):
    """Return a record in two files, the second begun some hours after the end of the first with a clock from zero."""
    cut = ds.sizes["record"] // 2
    first, second = ds.isel(record=slice(0, cut)), ds.isel(record=slice(cut, None))
    seconds = second["test_time"] - float(second["test_time"][0])
    second = second.assign_coords(test_time=seconds.assign_attrs(units="s"))
    begin = np.datetime64("2026-03-01T08:00:00", "ms")
    later = begin + np.timedelta64(round(1e3 * (float(first["test_time"][-1]) + 3600.0 * hours)), "ms")
    return first.assign_attrs(start_time=str(begin)), second.assign_attrs(start_time=str(later))


def test_parts_are_joined_and_analysed_as_one(member, half_cell, fading):
    """The retention of a test that was interrupted is that from its first to its last cycle, not of either file."""
    first, second = parts(half_cell(fading))
    found = list(joined_tests([member("b.mpt", second), member("a.mpt", first)]))
    retention = found[0].outcome.result["capacity_retention"]
    assert retention.value == pytest.approx(fading[-1] / fading[0], rel=5e-4)
    assert found[0].kind == "cell 7, 2 files joined"
    assert any("lie between a.mpt and b.mpt" in note for note in found[0].outcome.result.notes)
    assert [series.outcome.headlines[0].name for series in found] == ["capacity_retention", "cycles_to_80_percent"]
    assert {outcome.role for outcome in found[0].details} == {"check", "detail"}
    assert not found[1].details


def test_joined_record_is_stored(member, half_cell, fading, tmp_path):
    """Whoever wants the joined curve finds it beside those of the files."""
    import xarray as xr

    first, second = parts(half_cell(fading))
    list(joined_tests([member("run/a.mpt", first), member("run/b.mpt", second)]))
    (stored,) = (path for path in (tmp_path / "datasets").glob("*.nc") if "cell" in path.name)
    with xr.open_dataset(stored, engine="h5netcdf") as ds:
        assert ds.sizes["record"] == first.sizes["record"] + second.sizes["record"]
        assert set(np.unique(ds["file_id"])) == {0, 1}


def test_each_test_is_joined_on_its_own(member, half_cell, fading):
    """Two cells of a folder, each in two files; a file without the name is none of them."""
    other = FACTS | {"test": "cell 8"}
    first, second = parts(half_cell(fading))
    third, fourth = parts(half_cell(2.0 * fading))
    without = {key: value for key, value in FACTS.items() if key != "test"}
    members = [
        member("a.mpt", first),
        member("c.mpt", third, other),
        member("b.mpt", second),
        member("d.mpt", fourth, other),
        member("e.mpt", half_cell(fading), without),
    ]
    kinds = [(series.kind, len(series.members)) for series in joined_tests(members)]
    assert list(dict.fromkeys(kinds)) == [("cell 7, 2 files joined", 2), ("cell 8, 2 files joined", 2)]


def test_files_that_contradict_each_other_are_not_joined(member, half_cell, fading):
    """Two channels that ran at the same time are two cells; a joined record of them would be an invention."""
    start = "2026-03-01T08:00:00"
    one, other = (half_cell(scale * fading).assign_attrs(start_time=start) for scale in (1.0, 1.3))
    (series,) = joined_tests([member("a.mpt", one), member("b.mpt", other)])
    assert "a.mpt and b.mpt" in series.outcome.declined


def test_facts_and_figures_of_the_joined_test(member, half_cell, fading, tmp_path):
    """Mass, simulated data and figures go with the joined test as with a file."""
    mass = {"active_mass": Quantity("active_mass", 8.0, 0.1, "mg")}
    members = [
        member(n, ds, FACTS | mass, simulated=True) for n, ds in zip("ab", parts(half_cell(fading)), strict=True)
    ]
    experiment = Experiment(tmp_path, {"name": "NCM", "simulated": True}, {"cycling": FACTS | mass})
    found = find_series([(experiment, m.file) for m in members], tmp_path, tmp_path)
    assert [len(series.figures) for series in found] == [3, 1]  # record, retention, closer look; fade
    assert all(series.simulated for series in found)
    assert found[0].outcome.result["discharge_capacity"].unit == "mA h g-1"
    assert found[0].to_dict()["details"]
