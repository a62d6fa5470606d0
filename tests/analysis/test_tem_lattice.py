"""Lattice spacings from the Fourier transform of images with known lattices."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.tem import lattice_spacings
from interlayer.parsers import read
from interlayer.parsers.schema import build

SPACING, PIXEL = 0.245, (0.021, 0.021)  # nm; d(003) of NCM is 0.475 nm, d(101) 0.245 nm


def lattice(
    seed, directions=(20.0, 75.0), spacings=(SPACING, 0.203), *, dose=20.0, pixels=(512, 512), pixel_size=PIXEL
):
    """Return an image of cosine fringes with Poisson noise; directions of the plane normals from x in degrees."""
    y, x = np.meshgrid(*(np.arange(n) * side for n, side in zip(pixels, pixel_size, strict=True)), indexing="ij")
    grey = np.full(pixels, dose)
    for direction, spacing in zip(np.radians(directions), spacings, strict=True):
        grey += 0.3 * dose * np.cos(2 * np.pi * (x * np.cos(direction) + y * np.sin(direction)) / spacing)
    return dataset(np.random.default_rng(seed).poisson(grey), pixel_size)


def dataset(grey, pixel_size=PIXEL):
    axes = {
        name: xr.Variable(name, np.arange(n) * side, {"units": "nm"})
        for name, n, side in zip(("y", "x"), grey.shape, pixel_size, strict=True)
    }
    return build("image", {"intensity": grey.astype(float), **axes}, calibrated=1)


def test_spacings_and_angle():
    """0.245 and 0.203 nm at 55 degrees: to 0.05 % and 0.05 degrees, between the pixels of the FFT."""
    result = lattice_spacings(lattice(1), pixel_size_relative_uncertainty=0.0)
    assert result["lattice_spacing_1"].value == pytest.approx(SPACING, rel=5e-4)
    assert result["lattice_spacing_2"].value == pytest.approx(0.203, rel=5e-4)
    assert result["lattice_angle_1_2"].value == pytest.approx(55.0, abs=0.05)


@pytest.mark.parametrize("directions", [(0.0, 90.0), (90.0, 45.0), (135.0, 5.0), (179.5, 60.0)])
def test_any_direction(directions):
    """Planes along rows, columns and both diagonals; a normal at 179.5 degrees is near one at 0."""
    result = lattice_spacings(lattice(2, directions), pixel_size_relative_uncertainty=0.0)
    difference = abs(directions[0] - directions[1])
    assert result["lattice_angle_1_2"].value == pytest.approx(min(difference, 180.0 - difference), abs=0.1)
    assert result["lattice_spacing_1"].value == pytest.approx(SPACING, rel=1e-3)


def test_pixels_that_are_not_square():
    """Angles are angles in nm, not in pixels."""
    sides = (0.03, 0.021)
    result = lattice_spacings(lattice(3, pixel_size=sides), pixel_size_relative_uncertainty=0.0)
    assert result["lattice_spacing_1"].value == pytest.approx(SPACING, rel=1e-3)
    assert result["lattice_angle_1_2"].value == pytest.approx(55.0, abs=0.1)


@pytest.mark.slow
def test_intervals_cover():
    """95 % intervals of spacing and angle over 150 images of 4 electrons a pixel with drifting scan lines."""
    hits = np.zeros(2)
    rng = np.random.default_rng(9)
    for seed in range(150):
        directions = tuple(rng.uniform(0.0, 180.0) + np.array([0.0, 70.0]))
        result = lattice_spacings(
            lattice(seed, directions, dose=4.0, pixels=(256, 256)), pixel_size_relative_uncertainty=0.0
        )
        for k, (name, truth) in enumerate((("lattice_spacing_1", SPACING), ("lattice_angle_1_2", 70.0))):
            low, high = result[name].interval95
            hits[k] += low <= truth <= high
    assert (hits / 150 >= 0.93).all()


def test_calibration_is_shared():
    """1.5 % of the pixel size moves all spacings together, and no angle."""
    result = lattice_spacings(lattice(4))
    for name in ("lattice_spacing_1", "lattice_spacing_2"):
        assert result.budget[name]["calibration"] == pytest.approx(0.015 * result[name].value)
    assert "lattice_angle_1_2" not in result.budget
    given = lattice_spacings(lattice(4), pixel_size=Quantity("pixel_size", 0.042, 0.0, "nm"))
    assert given["lattice_spacing_1"].value == pytest.approx(2 * SPACING, rel=1e-3)


@pytest.mark.parametrize("seed", range(10))
def test_noise_has_no_lattice(seed):
    """Noise, amorphous carbon and scan lines must be refused: the brightest speckle is always somewhere."""
    rng = np.random.default_rng(seed)
    noise = rng.poisson(20.0, (512, 512)).astype(float)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(512, PIXEL[0]), np.fft.fftfreq(512, PIXEL[0])))
    ring = np.exp(-0.5 * ((frequency - 3.0) / 0.6) ** 2)
    amorphous = np.fft.ifft2(np.fft.fft2(rng.normal(size=(512, 512))) * ring).real
    lines = noise + 5.0 * rng.normal(size=(512, 1))
    step = noise + 30.0 * (np.arange(512) > 256)
    for grey in (noise, amorphous, lines, step):
        with pytest.raises(NotAnalysable, match="no peak"):
            lattice_spacings(dataset(grey))


def test_weak_fringes_in_noise_are_found():
    """Half an electron of contrast in 20: invisible in the image, plain in its transform."""
    y, x = np.meshgrid(np.arange(512) * PIXEL[0], np.arange(512) * PIXEL[1], indexing="ij")
    grey = np.random.default_rng(5).poisson(20.0 + 0.5 * np.cos(2 * np.pi * (0.8 * x + 0.6 * y) / SPACING))
    result = lattice_spacings(dataset(grey), pixel_size_relative_uncertainty=0.0)
    assert result["lattice_spacing_1"].value == pytest.approx(SPACING, rel=2e-3)
    assert len(result.quantities) == 1


def test_strontium_titanate(corpus):
    """A cubic lattice of 0.3905 nm: right angles, d100 / d110 of sqrt(2), d100 within the 4 % of this calibration."""
    result = lattice_spacings(read(corpus / "tem/openNCEM/16_STOimage_1.ser"))
    spacing = result.curves["spacing"].to_numpy()
    direction = result.curves["direction"].to_numpy()
    assert spacing[:2].mean() == pytest.approx(0.3905, rel=0.04)
    assert spacing[:2].mean() / spacing[2:4].mean() == pytest.approx(np.sqrt(2), rel=0.005)
    assert abs(direction[0] - direction[1]) == pytest.approx(90.0, abs=1.5)
    for quantity in result.quantities[:2]:
        assert abs(quantity.value - 0.3905) < 3 * quantity.stderr


def test_the_power_spectrum_has_its_peaks_where_they_were_found():
    """A figure that puts circles beside the spots would discredit right numbers; coarse steps must keep the spots."""
    curves = lattice_spacings(lattice(1, pixels=(1024, 700))).curves
    power = curves["power"]
    assert max(power.shape) <= 400
    steps = [float(power[name][1] - power[name][0]) for name in power.dims]
    for k in curves["reflection"]:
        place = curves.sel(reflection=k)
        fy, fx = float(place["frequency_y"]), float(place["frequency_x"])
        near = power.sel(
            spatial_frequency_y=slice(fy - 2 * steps[0], fy + 2 * steps[0]),
            spatial_frequency_x=slice(fx - 2 * steps[1], fx + 2 * steps[1]),
        )
        assert float(near.max()) > 100.0 * float(power.median())


def test_an_image_too_small_for_six_periods_is_refused():
    """Six periods of the finest lattice that pixels show need more than 13 pixels."""
    with pytest.raises(NotAnalysable, match="stands out"):
        lattice_spacings(lattice(1, pixels=(12, 128)))
