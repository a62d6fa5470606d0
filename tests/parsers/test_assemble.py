"""Datasets that are put together without xarray's merges are those that xarray itself would make."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from interlayer.parsers import schema
from interlayer.parsers._assemble import assemble, part_of, variable
from interlayer.parsers._biologic_rows import Rows, absolute_time


def _record(count=5):
    along = {"units": "s", "long_name": "time"}
    coords = {"test_time": xr.Variable("record", np.arange(count, dtype=float), along)}
    return {"voltage": xr.Variable("record", np.linspace(3, 4, count)), "start": xr.Variable((), 1.5)}, coords


def _spectra():
    coords = {
        "frequency": xr.Variable("frequency", np.geomspace(1e6, 1, 7), {"units": "Hz"}),
        "sweep": xr.Variable("sweep", np.arange(2)),
        "temperature": xr.Variable((), 25.0, {"units": "degC"}),
        "test_time": xr.Variable(("sweep", "frequency"), np.arange(14.0).reshape(2, 7)),
    }
    return {"impedance": xr.Variable(("sweep", "frequency"), np.ones((2, 7)) * (1 - 1j))}, coords


@pytest.mark.parametrize("parts", [_record(), _spectra(), _record(0), ({}, {})], ids=["record", "spectra", "0", "none"])
def test_assembled_dataset_is_the_one_of_xarray(parts):
    """The way past xarray's constructor is none of its promises: a release that changes it must not go unnoticed."""
    variables, coords = parts
    ours = assemble(variables, coords, {"technique": "eis"})
    theirs = xr.Dataset(variables, coords, {"technique": "eis"})
    xr.testing.assert_identical(ours, theirs)
    assert list(ours.variables) == list(theirs.variables)
    assert set(ours.xindexes) == set(theirs.xindexes)
    assert ours.sizes == theirs.sizes
    for name in theirs.variables:
        assert type(ours.variables[name]) is type(theirs.variables[name])
        assert ours.variables[name].dtype == theirs.variables[name].dtype


def test_assembled_dataset_does_all_that_a_dataset_does(tmp_path):
    """Selection, arithmetic, trees and files use what the constructor sets up."""
    dataset = assemble(*_spectra(), {"technique": "eis"})
    assert dataset.sel(frequency=1e6, sweep=1)["test_time"].item() == 7.0
    assert (dataset + 1).mean("sweep").sizes == {"frequency": 7}
    assert dataset.assign_coords(sweep=[3, 4]).sel(sweep=4)["test_time"].values[0] == 7.0
    tree = xr.DataTree.from_dict({"/eis": dataset})
    xr.testing.assert_identical(tree["eis"].to_dataset(), dataset)
    real = dataset[["test_time"]].drop_vars("impedance", errors="ignore")
    real.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as stored:
        xr.testing.assert_allclose(stored.load(), real)


@pytest.mark.parametrize("way", [None, lambda variables: variables], ids=["gone", "other arguments"])
def test_an_xarray_without_the_short_way_gives_the_same_dataset(monkeypatch, way):
    """The short way is private to xarray: a release that renames it or its arguments must cost time, not results."""
    expected = assemble(*_spectra(), {"technique": "eis"})
    monkeypatch.setattr("interlayer.parsers._assemble._SHORT_WAY", way)
    xr.testing.assert_identical(assemble(*_spectra(), {"technique": "eis"}), expected)
    part = part_of(expected, "frequency", slice(1, 3))
    xr.testing.assert_identical(part, expected.isel(frequency=slice(1, 3)))


def test_lengths_that_contradict_each_other_are_refused():
    """A column that is shorter than the others must not become a Dataset whose rows do not belong together."""
    variables, coords = _record()
    with pytest.raises(ValueError, match="conflicting sizes"):
        assemble(variables, coords | {"step": xr.Variable("record", np.zeros(4))}, {})


@pytest.mark.parametrize("part", [slice(0, 3), slice(2, 7), slice(4, 4)])
def test_part_of_a_dataset_is_the_one_of_xarray(part):
    """Each spectrum of a file is cut from all of them; an index left whole would select points of another."""
    dataset = xr.Dataset(*_spectra(), {"technique": "eis"})
    ours, theirs = part_of(dataset, "frequency", part), dataset.isel(frequency=part)
    xr.testing.assert_identical(ours, theirs)
    assert ours.indexes["frequency"].equals(theirs.indexes["frequency"])


def test_parts_keep_their_own_attributes():
    """Findings of one spectrum must not appear in the others."""
    dataset = assemble(*_spectra(), {"technique": "eis"})
    first, second = (part_of(dataset, "frequency", part) for part in (slice(0, 3), slice(3, 7)))
    first.attrs["findings"] = "[]"
    first["impedance"].attrs["units"] = "ohm"
    assert "findings" not in second.attrs
    assert "findings" not in dataset.attrs
    assert "units" not in second["impedance"].attrs


def test_building_from_a_variable_leaves_it_as_it_was():
    """A reader that hands one variable to two Datasets must not find the attributes of the first in the second."""
    time = xr.Variable("frequency", [0.0, 1.0], {"comment": "as set"})
    axis = xr.Dataset(coords={"frequency": [10.0, 1.0]}).variables["frequency"]
    dataset = schema.build("eis", {"frequency": axis, "impedance": [1 - 1j, 2 - 3j], "test_time": time})
    assert dataset["test_time"].attrs["units"] == "s"
    assert time.attrs == {"comment": "as set"}
    assert not axis.attrs
    assert dataset.sel(frequency=1.0)["test_time"].item() == 1.0


def test_variables_are_those_of_xarray():
    """Dates take a short way past pandas; they must stay the dates that they are."""
    dates = np.array(["2024-01-10T11:02:29.886", "NaT"], dtype="datetime64[ns]")
    for values in (dates, dates.astype("datetime64[ms]"), np.array([1.0, np.nan]), np.array([1, 2], np.int8)):
        ours, theirs = variable("record", values, {"a": 1}), xr.Variable("record", values, {"a": 1})
        assert ours.identical(theirs)
        assert ours.dtype == theirs.dtype


def test_columns_converted_together_are_those_converted_alone():
    """Long files are converted in blocks; no row may be lost or converted otherwise where two blocks meet."""
    count = 20_011
    packed = np.zeros(count, np.dtype("f8,f4,u4,u1"))
    generator = np.random.default_rng(1)
    for name, top in zip(packed.dtype.names, (1e9, 5.0, 2**31, 255), strict=True):
        packed[name] = generator.random(count) * top
    columns = {
        "test_time": (packed["f0"], 1.0), "voltage": (packed["f1"], 1e-3), "half_cycle": (packed["f2"], 1.0),
        "mode": (packed["f3"], 1.0),
    }  # fmt: skip
    together, alone = Rows(columns), Rows(columns)
    together.convert(["test_time", "voltage"], ["half_cycle", "mode"])
    for name in ("test_time", "voltage"):
        np.testing.assert_array_equal(together[name], alone[name])
        np.testing.assert_array_equal(alone.at(name, np.array([3, 20_010])), alone[name][[3, 20_010]])
    np.testing.assert_array_equal(together["voltage"], packed["f1"].astype(np.float64) * 1e-3)
    for name in ("half_cycle", "mode"):
        np.testing.assert_array_equal(together.integers(name), alone.integers(name))


def test_no_time_at_all_is_no_date():
    """The spectra of a file may all be left out; dates of nothing are nothing, not an error."""
    assert absolute_time(np.datetime64("2024-01-10", "ms"), np.empty(0)).size == 0


def test_an_index_of_numbers_imports_no_array_library():
    """xarray's own way loads dask and pint where they are installed: the first file of a process took a second more."""
    code = (
        "import sys, numpy as np\n"
        "from interlayer.parsers._assemble import assemble, variable\n"
        "x = variable(('x',), np.arange(3.0), {'units': 'nm'})\n"
        "print(assemble({}, {'x': x}, {}).sizes['x'], sorted({'dask', 'pint', 'sparse'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "3 []"
