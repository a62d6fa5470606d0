"""Arbin's HDF5 exports: the real file against documented numbers, and files that would have to be unpickled."""

from __future__ import annotations

import json
import pickle
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
import pytest

from interlayer.parsers import (
    ParseError,
    SeveralMeasurements,
    Source,
    UnsupportedContent,
    arbin_h5,
    findings,
    read,
    read_tree,
)

FILE = "cycling/cellpy/20200624_test001_cc_01.h5"


def leaves(path: Path) -> dict:
    return {name: node.to_dataset() for name, node in read_tree(path).children.items()}


def read_bytes(data: bytes) -> list:
    return [found.dataset for found in arbin_h5.read(Source(Path("a.h5"), data=data))]


def changed(path: Path, change) -> bytes:
    """Return the content of a file after a change through h5py."""
    memory = BytesIO(path.read_bytes())
    with h5py.File(memory, "r+") as file:
        change(file)
    return memory.getvalue()


def test_all_rows_of_the_real_file_are_read(corpus):
    """47 rows (cellpy's tests/test_arbin_sql_h5.py), of three tests whose data points and times begin anew."""
    tests = leaves(corpus / FILE)
    assert {name: test.sizes["record"] for name, test in tests.items()} == {"test_1": 2, "test_2": 11, "test_3": 34}
    assert float(tests["test_3"].test_time[-1]) == pytest.approx(1860.3079, abs=1e-4)
    with pytest.raises(SeveralMeasurements):
        read(corpus / FILE)


def test_numbers_are_those_of_pandas_columns(corpus):
    """The file holds the power, its fifth column of floats, beside current and voltage: they have to agree."""
    with h5py.File(corpus / FILE) as file:
        power = np.sort(file["data_df/table"]["values_block_0"][:, 4])
    tests = leaves(corpus / FILE).values()
    ours = np.sort(np.concatenate([test.voltage.values * test.current.values for test in tests]))
    assert np.count_nonzero(power) >= 3
    assert ours == pytest.approx(power, rel=1e-6)
    drawn = next(iter(test for test in tests if np.any(test.current < 0)))
    assert set(drawn.vendor_step.values[drawn.current.values < 0].tolist()) == {2}


def test_dates_and_facts(corpus):
    """Ticks of 100 ns since 1970; 0.01 g times 3.6 A h/g is the capacity of 0.036 A h that the file states."""
    tests = leaves(corpus / FILE)
    assert tests["test_1"].attrs["start_time"] == "2020-06-24T12:25:19.000"
    assert tests["test_1"].time.values[0] == np.datetime64("2020-06-24T12:25:33.460")
    elapsed = np.diff(tests["test_3"].time) / np.timedelta64(1, "s")
    assert elapsed[-5:] == pytest.approx(np.diff(tests["test_3"].test_time)[-5:], abs=0.01)
    original = json.loads(tests["test_1"].attrs["original_metadata"])
    product = tests["test_1"].attrs["active_mass"] / 1000 * original["SpecificCapacity"]
    assert tests["test_1"].attrs["nominal_capacity"] == pytest.approx(product, rel=1e-6)
    assert "active_mass" not in tests["test_2"].attrs, "the file tells of the first test only"
    assert "time-goes-back" in [finding.code for finding in findings(tests["test_2"].attrs)], "it was resumed"


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("names", [pickle.dumps([Bomb()], 0), pickle.dumps(["a"] * 11), b"", b"(lp0\nVa\np1\na"])
def test_pickles_are_refused_and_never_loaded(corpus, names):
    """Loading a pickle runs whatever program the file holds."""

    def change(file):
        file["data_df/table"].attrs["values_block_0_kind"] = np.bytes_(names) if names else h5py.Empty("S1")

    with pytest.raises(UnsupportedContent, match="never loaded"):
        read_bytes(changed(corpus / FILE, change))


def test_links_to_other_files_are_not_followed(corpus, tmp_path):
    """A file from elsewhere must not read the files of whoever opens it."""
    (tmp_path / "other.h5").write_bytes((corpus / FILE).read_bytes())

    def change(file):
        del file["data_df/table"]
        file["data_df/table"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/data_df/table")

    with pytest.raises(UnsupportedContent, match="data_df"):
        read_bytes(changed(corpus / FILE, change))


def test_fewer_names_than_columns_are_refused(corpus):
    """Numbers under the wrong name are worse than none."""
    names = pickle.dumps(["Test_Time", "Current", "Voltage"], 0)

    def change(file):
        file["data_df/table"].attrs["values_block_0_kind"] = np.bytes_(names)

    with pytest.raises(ParseError, match="3 names"):
        read_bytes(changed(corpus / FILE, change))


def test_damaged_files_are_read_or_refused(corpus, survive):
    """Cut copies are refused, since the end of an HDF5 file is needed; flips in its structure may be."""
    data = (corpus / FILE).read_bytes()
    generator = np.random.default_rng(7)
    cuts = [data[: int(len(data) * part)] for part in (0.001, 0.1, 0.5, 0.9, 0.9999)]
    assert survive(read_bytes, cuts) == (0, 5)
    flips = []
    for _ in range(60):
        copy = bytearray(data)
        for _ in range(3):
            copy[int(generator.integers(96, 12_000))] = int(generator.integers(256))
        flips.append(bytes(copy))
    read_well, refused = survive(read_bytes, flips)
    assert read_well + refused == 60
    assert read_well >= 10
