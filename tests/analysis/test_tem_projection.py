"""A layer that is not seen edge on, or not cut through the middle, looks too thick."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from interlayer.analysis import Quantity, Result
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.tem import correct_projection, layer_thickness, section_height
from interlayer.analysis.units import UnitError
from interlayer.parsers.schema import build


def angle(value, stderr=None, **options):
    return Quantity("tilt", value, stderr, "degree", **options)


def nm(value, stderr=None, **options):
    return Quantity("length", value, stderr, "nm", **options)


def measured(value=17.0, stderr=0.4, edge_width=2.0):
    quantity = Quantity("layer_thickness", value, stderr, "nm")
    budget = {"layer_thickness": {"sampling along the interface": stderr}}
    return Result(method="ruler", quantities=(quantity,), budget=budget, diagnostics={"edge_width": edge_width})


def tilted(thickness, degrees, foil, seed=0):
    """Return an image of a layer between tilted planes, summed through the foil in 41 slices."""
    slope = math.tan(math.radians(degrees))
    y, _ = np.meshgrid(0.2 * (np.arange(400) - 199.5), 0.2 * np.arange(400), indexing="ij")
    depths = foil * (np.arange(41) / 40 - 0.5)
    width = thickness / math.cos(math.radians(degrees))
    dose = np.zeros_like(y)
    for depth in depths:
        place = y - slope * depth
        dose += np.where(place < 0, 40.0, np.where(place < width, 18.0, 6.0)) / len(depths)
    grey = np.random.default_rng(seed).poisson(gaussian_filter(dose, 5.0, mode="nearest"))
    axes = {name: xr.Variable(name, 0.2 * np.arange(400), {"units": "nm"}) for name in ("y", "x")}
    return build("image", {"intensity": grey.astype(float), **axes}, calibrated=1)


def test_tilted_layer_is_measured_true():
    """17 nm tilted by 12 degrees in a foil of 20 nm looks 17.38 nm thick; the stated tilt brings it back."""
    apparent = layer_thickness(tilted(17.0, 12.0, 20.0), pixel_size_relative_uncertainty=0.0)
    assert apparent["layer_thickness"].value == pytest.approx(17.0 / math.cos(math.radians(12.0)), abs=0.05)
    true = correct_projection(apparent, tilt=angle(12.0, 0.5), foil_thickness=nm(20.0, 2.0))
    assert true["layer_thickness"].value == pytest.approx(17.0, abs=0.05)
    assert true["layer_thickness_field"].value == pytest.approx(17.0, abs=0.05)
    assert true["projection_blur"].value == pytest.approx(20.0 * math.tan(math.radians(12.0)))
    assert not any("are not corrected" in note for note in true.notes)


@pytest.mark.parametrize("degrees", [0.0, 5.0, 12.0])
def test_sharp_edges_bound_an_unknown_tilt(degrees):
    """The tilt spreads each edge over f tan(a), so edges this sharp exclude larger tilts; the truth must lie within."""
    apparent = layer_thickness(tilted(17.0, degrees, 40.0), pixel_size_relative_uncertainty=0.0)
    bounded = correct_projection(apparent, foil_thickness=nm(40.0, 2.0))
    blur = bounded["projection_blur"]
    assert blur.relation == "<"
    assert 40.0 * math.tan(math.radians(degrees)) < blur.value < 12.0
    thickness = bounded["layer_thickness"]
    assert thickness.interval95[0] <= 17.0 <= thickness.interval95[1]
    assert "tilt" in bounded.budget["layer_thickness"]


def test_tilt_moves_as_the_cosine():
    """10 degrees are 1.5 %, 20 degrees 6.4 %; 3 degrees of uncertainty at 20 degrees bring 0.3 nm of 17 nm."""
    assert correct_projection(measured(), tilt=angle(10.0))["layer_thickness"].value == pytest.approx(
        17.0 * 0.98481, rel=1e-5
    )
    corrected = correct_projection(measured(), tilt=angle(20.0, 3.0))
    part = 17.0 * math.sin(math.radians(20.0)) * math.radians(3.0)
    assert corrected.budget["layer_thickness"]["tilt"] == pytest.approx(part, rel=0.01)
    whole = math.hypot(part, 0.4 * math.cos(math.radians(20.0)))
    assert corrected["layer_thickness"].stderr == pytest.approx(whole, rel=0.01)


def test_aligned_within_an_angle_is_not_exact():
    """0 +- 5 degrees is no zero: an angle of either sign makes the layer thicker, half of sigma squared on average."""
    corrected = correct_projection(measured(stderr=0.0), tilt=angle(0.0, 5.0))
    draws = 17.0 * np.cos(np.radians(5.0) * np.random.default_rng(4).normal(size=200_000))
    assert corrected["layer_thickness"].value == pytest.approx(draws.mean(), abs=1e-3)
    assert corrected["layer_thickness"].stderr == pytest.approx(draws.std(), rel=0.02)
    below = correct_projection(measured(stderr=0.0), tilt=angle(8.0, relation="<"))
    draws = 17.0 * np.cos(np.radians(8.0) * np.random.default_rng(4).random(200_000))
    assert below["layer_thickness"].value == pytest.approx(draws.mean(), abs=1e-3)
    assert below["layer_thickness"].stderr == pytest.approx(draws.std(), rel=0.02)


def circle(radius, height):
    return math.sqrt(radius**2 - height**2)


def test_section_off_the_centre():
    """A shell of 17 nm on 300 nm cut at 200 nm looks 22.3 nm thick, 31 % too much."""
    apparent = circle(317.0, 200.0) - circle(300.0, 200.0)
    assert apparent == pytest.approx(22.34, abs=0.01)
    true = correct_projection(measured(apparent), particle_radius=nm(300.0, 3.0), section_height=nm(200.0, 10.0))
    assert true["layer_thickness"].value == pytest.approx(17.0, abs=1e-6)
    draws = np.random.default_rng(6).normal(size=(2, 20_000)) * [[3.0], [10.0]] + [[300.0], [200.0]]
    cut = np.sqrt(draws[0] ** 2 - draws[1] ** 2)
    spread = (np.sqrt((cut + apparent) ** 2 + draws[1] ** 2) - draws[0]).std()
    assert true.budget["layer_thickness"]["section height"] == pytest.approx(spread, rel=0.1)


def test_bounded_section_height():
    """A section known only to lie within half the radius: the mean over all such sections, with their spread."""
    truths = circle(317.0, 75.0) - circle(300.0, 75.0)
    result = correct_projection(
        measured(truths, 0.1), particle_radius=nm(300.0), section_height=nm(150.0, relation="<")
    )
    thickness = result["layer_thickness"]
    assert thickness.interval95[0] <= 17.0 <= thickness.interval95[1]
    assert thickness.value < truths


def test_height_from_two_radii():
    """3-4-5: a particle of 500 nm seen as a circle of 400 nm was cut at 300 nm; equal circles give a limit."""
    height = section_height(nm(500.0, 5.0), nm(400.0, 4.0))
    assert (height.value, height.relation) == (pytest.approx(300.0), "=")
    assert height.stderr == pytest.approx(math.hypot(500 * 5, 400 * 4) / 300)
    assert section_height(nm(500.0, 5.0), nm(499.0, 4.0)).relation == "<"
    with pytest.raises(NotAnalysable, match="no section"):
        section_height(nm(400.0, 4.0), nm(500.0, 4.0))


def test_limit_stays_a_limit():
    """What looks thinner than 3 nm is thinner than 3 nm; tilt only makes layers look thicker."""
    result = Result(method="ruler", quantities=(Quantity("layer_thickness", 3.0, None, "nm", relation="<"),))
    corrected = correct_projection(result, tilt=angle(20.0, 1.0))
    assert corrected["layer_thickness"].value == 3.0
    assert any("apparent" in note for note in corrected.notes)


def test_facts_that_do_not_fit_are_refused():
    """Half a fact corrects nothing; a section beside the particle does not exist; an angle is no length."""
    for facts, reason in (
        ({}, "give a tilt"),
        ({"particle_radius": nm(300.0)}, "only together"),
        ({"particle_radius": nm(300.0), "section_height": nm(310.0)}, "misses"),
        ({"tilt": angle(89.0, 2.0)}, "90"),
        ({"foil_thickness": nm(10.0, 8.0)}, "may be 0"),
    ):
        with pytest.raises(NotAnalysable, match=reason):
            correct_projection(measured(), **facts)
    with pytest.raises(UnitError):
        correct_projection(measured(), tilt=nm(10.0))
