"""From maps of a microscope, as files, to widths of interfaces and their ratio."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

import interlayer as il
from interlayer.parsers import read_tree
from interlayer.sample_data.simulators.eds import Emission, Field, Interface, spectrum_map
from interlayer.sample_data.simulators.write_velox import Acquisition, write

REAL = "tem/SciFiReaders/tests/readers/microscopy/em/tem/EMDReader_SpectrumImage_Si.emd"
BARE, COATED = 30.0, 17.0  # nm, what the review prints for the two samples (section on TEM; 10-90 % width here)
FIELD = Field(size=96, pixel_size=1.25, direction=20.0)
EMISSION = Emission(near=((6925.0, 0.25), (7649.0, 0.03)), far=((2309.0, 0.25), (2014.0, 0.1)))
FACTS = """
[sample]
simulated = true

[tem]
across = "Co_Ka"
lines = ["Co_Ka", "S_Ka", "P_Ka"]
bare = ["bare*"]
"""


def velox(width, seed, name, frames=3):
    """Return the bytes of a map of an interface in a Velox file, some 0.75 counts of each strong line a pixel."""
    maps = [spectrum_map(Interface(width), FIELD, EMISSION, 10 * seed + frame) for frame in range(frames)]
    acquisition = Acquisition(FIELD.pixel_size, EMISSION.channel, float(EMISSION.energy[0]))
    return write(maps, acquisition, name=name, comment="LiCoO2 against a sulfide electrolyte")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    (place / "bare.emd").write_bytes(velox(BARE, 1, "bare"))
    (place / "coated.emd").write_bytes(velox(COATED, 2, "coated"))
    (place / "experiment.toml").write_text(FACTS, encoding="utf-8")
    return place


def names(file):
    """Return the names of groups and datasets with the identifiers of entries left out, and the keys of metadata."""
    found = set()

    def note(name, node):
        parts = ["*" if len(part) == 32 else part for part in name.split("/")]
        found.add("/".join(parts))
        if parts[-1] == "Metadata" and "SpectrumStream" in parts:
            metadata = json.loads(node[:, 0].tobytes().split(b"\0", 1)[0])
            found.update(f"metadata {group}/{key}" for group in ("Scan", "BinaryResult") for key in metadata[group])

    file.visititems(note)
    return found


def test_the_written_file_is_laid_out_as_a_real_one(corpus, folder):
    """A simulator that invents a layout would test nothing but itself."""
    with h5py.File(corpus / REAL) as real, h5py.File(folder / "bare.emd") as ours:
        assert names(ours) - names(real) <= {"Data/SpectrumStream/*/FrameLocationTable"}  # of newer versions
        for path in ("Data/Image", "Data/SpectrumStream"):
            (theirs,), (mine,) = (list(file[path].values()) for file in (real, ours))
            assert theirs["Data"].dtype == mine["Data"].dtype
            assert theirs["Data"].ndim == mine["Data"].ndim
            assert theirs["Metadata"].shape[0] == mine["Metadata"].shape[0]


def test_the_reader_returns_the_events_that_were_written(folder):
    """Every X-ray of three frames in its pixel and channel."""
    events = read_tree(folder / "coated.emd")["events_0"].dataset
    written = sum(spectrum_map(Interface(COATED), FIELD, EMISSION, 20 + frame) for frame in range(3))
    place = events["pixel"].values.astype(np.int64) * written.shape[2] + events["channel"].values
    counted = np.bincount(place, minlength=written.size).reshape(written.shape)
    np.testing.assert_array_equal(counted, written)
    assert events.attrs["frames"] == 3
    np.testing.assert_allclose(np.diff(events["x"]), FIELD.pixel_size)


def test_two_maps_from_files_to_ratio(folder, tmp_path):
    """The review's 30 nm and 17 nm out of two Velox files, with the definition beside them."""
    run = il.run(folder, out=tmp_path / "results")
    widths = {}
    for found in run.files:
        outcomes = [outcome for measurement in found.measurements for outcome in measurement.outcomes]
        (widths[found.path],) = [
            outcome.result["interdiffusion_width"]
            for outcome in outcomes
            if outcome.result is not None and "interdiffusion_width" in outcome.result
        ]
    for file, truth in (("bare.emd", BARE), ("coated.emd", COATED)):
        low, high = widths[file].interval95
        assert low < truth < high
        assert high - low < 0.2 * truth
    (series,) = run.series
    ratio = series.outcome.result["width_ratio"]
    low, high = ratio.interval95
    assert low < COATED / BARE < high
    assert high - low < 0.2
    assert series.kind == "coated against bare, 10-90 % width"
    assert "bare against" in series.outcome.result.notes[0]
    assert series.simulated
