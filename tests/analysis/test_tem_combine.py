"""One coating from several images: places differ, and a calibration that errs does so in all of them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity, Result
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.tem import combine_layers, correct_projection, layer_thickness
from interlayer.parsers.schema import build
from interlayer.sample_data.simulators.tem import Detector, Layer, simulate

TRUE = 17.0


def image(value, sampling, calibration=0.015, length=200.0, **provenance):
    """Return the result of one image with the parts of its uncertainty and the length of interface in view in nm."""
    parts = {"sampling along the interface": sampling, "tracing": 0.02, "calibration": calibration * value}
    stderr = float(np.sqrt(sum(part**2 for part in parts.values())))
    return Result(
        method="one image",
        quantities=(Quantity("layer_thickness", value, stderr, "nm"),),
        budget={"layer_thickness": parts},
        diagnostics={"interface_length": length},
        provenance=provenance,
    )


def limit(value):
    return Result(method="one image", quantities=(Quantity("layer_thickness", value, None, "nm", relation="<"),))


def covers(quantity, truth=TRUE):
    return quantity.interval95[0] <= truth <= quantity.interval95[1]


@pytest.mark.parametrize("between", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("sizes", [(6, 6, 6), (6, 6, 6, 6, 6), (4, 4, 8, 8, 16, 16, 30, 30)])
def test_interval_covers_the_coating(between, sizes):
    """95 % intervals over 2000 coatings of 3, 5 and 8 images, unequal fields; within an image u itself is estimated."""
    rng = np.random.default_rng(31)
    hits = 0
    for _ in range(2000):
        images = []
        for size in sizes:  # as many independent thicknesses of sd 0.85 nm as a field holds
            field = TRUE + between * rng.normal() + 0.85 * rng.normal(size=size)
            images.append(image(field.mean(), field.std(ddof=1) / np.sqrt(size), 0.0, 25.0 * size))
        hits += covers(combine_layers(images)["layer_thickness"])
    assert 0.93 <= hits / 2000 <= 0.975


def test_calibration_does_not_average_down():
    """Twenty images at one magnification share its error of 1.5 %: 0.26 nm of 17 nm stay whatever the number."""
    rng = np.random.default_rng(2)
    result = combine_layers([image(TRUE + 0.3 * rng.normal(), 0.3) for _ in range(20)])
    parts = result.budget["layer_thickness"]
    assert parts["calibration"] == pytest.approx(0.015 * result["layer_thickness"].value, rel=1e-3)
    assert parts["images"] < 0.12
    assert result["layer_thickness"].stderr == pytest.approx(np.hypot(parts["calibration"], parts["images"]))


def test_shared_calibration_is_covered():
    """One wrong magnification for five images: the interval still holds the truth in 95 % of coatings."""
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(2000):
        scale = 1 + 0.015 * rng.normal()
        results = [image(scale * (TRUE + 0.5 * rng.normal()), 0.3) for _ in range(5)]
        hits += covers(combine_layers(results)["layer_thickness"])
    assert 0.93 <= hits / 2000 <= 0.97


def test_tilt_of_all_images_stays():
    """One stage angle tilts every image alike; its uncertainty of 2 degrees must survive twenty images."""
    tilt = Quantity("tilt", 15.0, 2.0, "degree")
    single = [correct_projection(image(TRUE, 0.3), tilt=tilt) for _ in range(20)]
    parts = combine_layers(single).budget["layer_thickness"]
    assert parts["tilt"] == pytest.approx(single[0].budget["layer_thickness"]["tilt"])
    assert parts["tilt"] == pytest.approx(TRUE * np.sin(np.radians(15.0)) * np.radians(2.0), rel=0.01)


def test_long_image_does_not_silence_the_others():
    """Where places differ by far more than each image errs, each place counts the same: 14, 17, 20 average to 17."""
    result = combine_layers([image(14.0, 0.1, length=2000.0), image(17.0, 0.3), image(20.0, 0.3)])
    assert result["layer_thickness"].value == pytest.approx(17.0, abs=0.05)
    spread = result["layer_thickness_sd"]
    assert spread.relation == "="
    assert spread.interval95[0] < 3.0 < spread.interval95[1]


def test_longer_image_counts_more_where_places_are_alike():
    """900 nm of interface say as much as nine fields of 100 nm when only the sampling differs."""
    result = combine_layers([image(16.9, 0.1, length=900.0), image(17.1, 0.3, length=100.0)])
    assert result["layer_thickness"].value == pytest.approx(16.92, abs=0.001)


def test_alike_images_give_a_limit_on_how_places_differ():
    """Differences that the sampling explains are no variation of the coating."""
    spread = combine_layers([image(value, 0.3) for value in (16.8, 17.1, 17.0, 16.9, 17.2)])["layer_thickness_sd"]
    assert spread.relation == "<"
    assert 0.0 < spread.value < 0.5


def test_two_images_are_few_and_one_is_none():
    """Two images leave one degree of freedom; the width of that interval must be explained, not trimmed."""
    result = combine_layers([image(16.8, 0.3), image(17.3, 0.3)])
    assert np.diff(result["layer_thickness"].interval95)[0] > 4.0
    assert any("2 images" in note for note in result.notes)
    with pytest.raises(NotAnalysable, match="two"):
        combine_layers([image(17.0, 0.3)])


def test_limits_are_not_left_out():
    """A mean of the places that show a layer says nothing of a coating that others show not to be there."""
    with pytest.raises(NotAnalysable, match="1 of 3"):
        combine_layers([image(17.0, 0.3), image(16.0, 0.3), limit(3.0)])
    both = combine_layers([limit(3.0), limit(4.0)])["layer_thickness"]
    assert (both.relation, both.value) == ("<", 4.0)


def test_one_file_twice_is_no_second_image():
    """The same field twice would look like perfect agreement."""
    twice = combine_layers([image(17.0, 0.3, source_sha256="a"), image(17.0, 0.3, source_sha256="a")])
    assert any("same file" in note for note in twice.notes)


def test_simulated_images_combine_to_the_coating():
    """Six fields of one coating, from pixels to the mean of the coating; more certain than a single one."""
    single = []
    for seed in range(6):
        pixels, _ = simulate(Layer(), Detector(size=512), seed)
        axes = {name: xr.Variable(name, 0.2 * np.arange(512), {"units": "nm"}) for name in ("y", "x")}
        ds = build("image", {"intensity": pixels.astype(float), **axes}, calibrated=1, source_sha256=str(seed))
        single.append(layer_thickness(ds, pixel_size_relative_uncertainty=0.0))
    combined = combine_layers(single)["layer_thickness"]
    assert covers(combined)
    assert combined.stderr < np.median([result["layer_thickness"].stderr for result in single])
