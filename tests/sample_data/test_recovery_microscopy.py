"""Line scans from vendor bytes to widths, ratio and difference: the 95 % intervals must hold the truth."""

from __future__ import annotations

import tomllib
from collections import Counter

import numpy as np
import pytest

from interlayer import sample_data
from interlayer.analysis import Quantity, tem
from interlayer.parsers.reading import read
from interlayer.sample_data.simulators import eds_scans

FOLDER = "tem_lco_sulfide_line_scans"
SEEDS = 600
LEAST = 0.93  # of the intervals hold the truth: two standard deviations of 600 draws below 95 %


def interval(quantity):
    """Return the 95 % interval, that of a normal distribution where none is stated."""
    return quantity.interval95 or (quantity.value - 1.96 * quantity.stderr, quantity.value + 1.96 * quantity.stderr)


def holds(quantity, truth):
    low, high = interval(quantity)
    return {"=": low <= truth <= high, "<": truth <= quantity.value, ">": truth >= quantity.value}[quantity.relation]


def put(folder, made):
    file = folder / made.name
    file.write_bytes(made.content)
    return read(file)


def test_written_counts_are_what_is_read(tmp_path):
    """A column or the distance shifted between writer and reader would move every width."""
    sample, microscope = eds_scans.Sample(17.0), eds_scans.Microscope()
    distance, counts = eds_scans.counts(sample, microscope, 5)
    ds = put(tmp_path, eds_scans.velox("a.csv", sample, microscope, 5, comment="test"))
    np.testing.assert_allclose(ds["distance"], distance, atol=5e-3)
    np.testing.assert_array_equal(ds["counts"], counts)
    assert list(ds["line"].values) == ["Co_K", "S_K", "P_K"]
    assert (ds["distance"].attrs["units"], ds["counts"].attrs["units"]) == ("nm", "count")


def test_committed_scans_give_their_truth():
    """30 and 17 nm were put in; probe, foil, tilt and scale are stated beside the files, with errors."""
    section = tomllib.loads((sample_data.path(FOLDER) / "experiment.toml").read_text(encoding="utf-8"))["tem"]
    probe = Quantity("probe_fwhm", section["probe_size"]["value"], section["probe_size"]["uncertainty"], "nm")
    results = {}
    for kind in ("bare", "coated"):
        file = f"{FOLDER}/{kind}.csv"
        results[kind] = tem.interdiffusion_width(read(sample_data.path(file)), blur=tem.instrument_blur(probe=probe))
        for name, truth in sample_data.truth(file).items():
            assert holds(results[kind][name], truth["value"]), f"{kind}: {results[kind][name]}"
    compared = tem.compare_widths(results["bare"], results["coated"])
    for name, truth in sample_data.truth(f"{FOLDER}/coated against bare").items():
        assert holds(compared[name], truth["value"]), str(compared[name])
    assert compared["confidence_that_widths_differ"].value > 0.999


@pytest.mark.slow
def test_interval_of_widths_and_of_their_ratio_holds_the_truth(tmp_path):
    """The microscope errs in probe, tilt, foil and scale by what the user states, alike in both scans."""
    held, total = Counter(), Counter()
    for seed in range(SEEDS):
        made = eds_scans.draw(seed)
        facts = {name: Quantity(name, fact.value, fact.uncertainty, fact.unit) for name, fact in made.facts.items()}
        blur = tem.instrument_blur(
            probe=Quantity("probe_fwhm", facts["probe_size"].value, facts["probe_size"].stderr, "nm"),
            foil_thickness=facts["foil_thickness"],
            tilt=Quantity("tilt", facts["interface_tilt"].value, facts["interface_tilt"].stderr, "degree"),
        )
        coated, bare = (tem.interdiffusion_width(put(tmp_path, file), shape="erf", blur=blur) for file in made.files)
        pairs = [
            (result["interdiffusion_width"], file.truth["interdiffusion_width"].value)
            for result, file in zip((coated, bare), made.files, strict=True)
        ]
        compared = tem.compare_widths(bare, coated)
        pairs += [(compared[name], truth.value) for name, truth in made.truth.items()]
        for quantity, truth in pairs:
            held[quantity.name] += holds(quantity, truth)
            total[quantity.name] += 1
    shares = {name: held[name] / total[name] for name in total}
    assert {name: share >= LEAST for name, share in shares.items()} == dict.fromkeys(shares, True), shares
