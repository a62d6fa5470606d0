"""The scale bar of an image that knows no pixel size; its length is stated by the user."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from interlayer.analysis import Quantity
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.tem import find_scale_bar, layer_thickness
from interlayer.analysis.units import UnitError
from interlayer.parsers.schema import build
from interlayer.sample_data.simulators.tem import Detector, Layer, simulate

LENGTH = Quantity("scale_bar", 50.0, None, "nm")


def scene(seed=0, shape=(512, 640)):
    """Return a noisy image with structure, 60 to 200 grey."""
    rng = np.random.default_rng(seed)
    rough = gaussian_filter(rng.normal(size=shape), 12.0)
    return np.clip(130.0 + 35.0 * rough / rough.std() + rng.normal(0.0, 8.0, shape), 60.0, 200.0)


def draw(grey, begin, end, top=470, bottom=478, level=255.0):
    """Draw a bar between fractional columns, as an anti-aliasing renderer does."""
    for column in range(grey.shape[1]):
        share = np.clip(min(end, column + 1) - max(begin, column), 0.0, 1.0)
        grey[top:bottom, column] = share * level + (1 - share) * grey[top:bottom, column]
    return grey


def dataset(grey):
    dims = {"y": range(grey.shape[0]), "x": range(grey.shape[1])}
    return build("image", {"intensity": grey, **dims}, calibrated=0)


@pytest.mark.parametrize("level", [0.0, 255.0])
@pytest.mark.parametrize(("begin", "end"), [(40.0, 290.0), (400.3, 520.8), (60.5, 100.5)])
def test_bar_on_an_image(level, begin, end):
    """White or black, long or short, anti-aliased or not: the length to a third of a pixel; one is stated an end."""
    result = find_scale_bar(dataset(draw(scene(), begin, end, level=level)), length=LENGTH)
    assert result.diagnostics["bar_length"] == pytest.approx(end - begin, abs=0.35)
    size = result["pixel_size"]
    assert result.budget["pixel_size"]["ends of the bar"] == pytest.approx(
        size.value * np.sqrt(2 / 3) / (end - begin), rel=0.02
    )
    assert size.interval95[0] < 50.0 / (end - begin) < size.interval95[1]


def test_a_bar_is_no_better_than_the_microscope_that_drew_it():
    """A long bar fixes the pixel to 0.3 %; that the magnification itself errs by 1.5 % no bar can tell."""
    grey = draw(scene(), 40.0, 290.0)
    size, exact = (
        find_scale_bar(dataset(grey), length=LENGTH, **stated)["pixel_size"]
        for stated in ({}, {"pixel_size_relative_uncertainty": 0.0})
    )
    assert exact.relative == pytest.approx(np.sqrt(2 / 3) / 250.0, rel=0.02)
    assert size.relative == pytest.approx(np.hypot(exact.relative, 0.015))


def test_what_surrounds_the_bar_is_kept_to_look_at():
    """A bar that nobody has seen must not scale an image: bar and caption are there for a figure."""
    grey = draw(scene(), 40.0, 290.0)
    result = find_scale_bar(dataset(grey), length=LENGTH)
    shown = result.curves["surroundings"]
    assert shown["row"][0] < 460
    assert shown["row"][-1] > 488
    np.testing.assert_array_equal(shown, grey[np.ix_(shown["row"], shown["column"])])


def test_bar_in_a_caption_with_letters():
    """Below the image lies a black strip with a white bar, a frame line over the whole width and letters."""
    grey = np.vstack([scene(), np.zeros((60, 640))])
    grey[514, :] = 255.0
    grey[535:541, 30:155] = 255.0
    rng = np.random.default_rng(3)
    for column in range(200, 600, 14):
        grey[530:548, column : column + 9] = 255.0 * (rng.random((18, 9)) > 0.5)
    result = find_scale_bar(dataset(grey), length=LENGTH)
    assert result.diagnostics["bar_length"] == pytest.approx(125.0, abs=0.1)
    assert result.diagnostics["bar_top"] == 535


def test_compressed_image():
    """JPEG rings around the bar; the ends move by less than the pixel that is stated for each."""
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(draw(scene(), 40.0, 240.0).astype(np.uint8)).save(buffer, "JPEG", quality=75)
    grey = np.asarray(Image.open(buffer)).astype(float)
    assert find_scale_bar(dataset(grey), length=LENGTH).diagnostics["bar_length"] == pytest.approx(200.0, abs=1.0)


def test_colours_are_averaged():
    """Figures are often RGB; a yellow bar on grey is still brighter than all else."""
    colours = np.stack([scene()] * 3, axis=-1)
    colours[470:478, 40:240] = (255.0, 255.0, 120.0)
    intensity = xr.Variable(("y", "x", "channel"), colours)
    ds = build("image", {"intensity": intensity, "y": range(512), "x": range(640)}, calibrated=0)
    assert find_scale_bar(ds, length=LENGTH).diagnostics["bar_length"] == pytest.approx(200.0, abs=0.1)


def test_length_and_unit_are_the_users():
    """The tool reads no digits: 50 nm, 0.05 um and the uncertainty of a measured length go straight into the size."""
    ds = dataset(draw(scene(), 40.0, 290.0))
    nm = find_scale_bar(ds, length=LENGTH)["pixel_size"]
    assert nm.value == pytest.approx(0.2, abs=1e-3)
    assert find_scale_bar(ds, length=Quantity("bar", 0.05, None, "um"))["pixel_size"].value == pytest.approx(nm.value)
    uncertain = find_scale_bar(ds, length=Quantity("bar", 50.0, 5.0, "nm"))
    assert uncertain.budget["pixel_size"]["stated length"] == pytest.approx(0.1 * nm.value)
    with pytest.raises(UnitError):
        find_scale_bar(ds, length=Quantity("bar", 50.0, None, "eV"))
    with pytest.raises(NotAnalysable, match="above 0"):
        find_scale_bar(ds, length=Quantity("bar", -50.0, None, "nm"))


def test_two_bars_are_refused():
    """Two bars of different length: which one the caption means is not for the tool to guess."""
    grey = draw(draw(scene(), 40.0, 240.0), 400.0, 500.0)
    with pytest.raises(NotAnalysable, match="2 things"):
        find_scale_bar(dataset(grey), length=LENGTH)


def test_black_outline_of_a_white_bar_is_the_same_bar():
    """Bars are often outlined so that they show on any ground."""
    grey = draw(draw(scene(), 38.0, 242.0, 468, 480, 0.0), 40.0, 240.0)
    assert find_scale_bar(dataset(grey), length=LENGTH).diagnostics["bar_length"] == pytest.approx(201.0, abs=3.5)


@pytest.mark.parametrize("seed", range(10))
def test_image_without_a_bar_is_refused(seed):
    """Structure, noise and saturated patches are no scale bar."""
    grey = scene(seed)
    grey[420:460, 100:160] = 255.0
    with pytest.raises(NotAnalysable, match="no scale bar"):
        find_scale_bar(dataset(grey), length=LENGTH)
    with pytest.raises(NotAnalysable, match="uniform"):
        find_scale_bar(dataset(np.ones((256, 256))), length=LENGTH)


def test_a_layer_in_a_figure_is_measured():
    """From a picture with a burnt-in bar to nm: 17 nm within an interval that knows the ends of the bar."""
    image, _ = simulate(Layer(roughness=0.0), Detector(size=512, pixel_size=0.4, wedge=0.0), 1)
    grey = image.astype(float)
    grey[480:488, 30:155] = grey.max()
    size = find_scale_bar(dataset(grey), length=LENGTH)["pixel_size"]
    thickness = layer_thickness(dataset(grey), pixel_size=size)["layer_thickness"]
    assert thickness.interval95[0] <= 17.0 <= thickness.interval95[1]
    assert thickness.value == pytest.approx(17.0, abs=0.15)
