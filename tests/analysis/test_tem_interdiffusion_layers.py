"""A reaction layer where counts are too few to choose its shape, and widths whose shape is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlayer.analysis.quantity import Quantity
from interlayer.analysis.tem import compare_widths, instrument_blur, interdiffusion_width
from interlayer.sample_data.simulators.eds import Interface, Scan, line_scan

SCANS = 16


@pytest.fixture
def analyse(eds_scan):
    """Return a function that simulates a line scan of Co and S and analyses it."""

    def analysed(seed, width, kind="graded", probe_sigma=0.0, shape="auto", blur=None, **scan):
        ds = eds_scan(*line_scan(Interface(width, kind, probe_sigma), Scan(**scan), seed))
        return interdiffusion_width(ds, shape=shape, blur=blur)

    return analysed


def suspected(result):
    return any(note.startswith("A flat layer of") for note in result.notes)


def undecided(result):
    return any("is not excluded" in note for note in result.notes)


def test_layer_is_suspected_before_it_is_chosen(analyse):
    """At 5 counts a point half of the layers stay below the gain that a change of shape takes; silence hides them."""
    blur = instrument_blur(probe=Quantity("probe_sigma", 2.0, None, "nm"))
    results = [
        analyse(seed, 17.0, "layer", 2.0, blur=blur, signal=5.0, background=1.0) for seed in range(100, 100 + SCANS)
    ]
    graded = [result for result in results if result.provenance["shape"] == "erf"]
    flagged = [result for result in graded if suspected(result)]
    assert len(graded) >= 5
    assert len(flagged) >= 2
    for result in flagged:
        found = result.diagnostics
        assert found["p_value_erf_against_layer"] < 0.02
        assert found["deviance_gain_of_layer"] > 0
        assert abs(found["flat_layer_thickness"] - 17.0) < 4 * found["flat_layer_thickness_stderr"]
        assert "reaction_layer_thickness" not in result
    thickness = [result.diagnostics["flat_layer_thickness"] for result in graded]
    assert np.median(thickness) == pytest.approx(17.0, abs=1.0)


def test_layer_that_the_counts_do_not_exclude_is_said(analyse):
    """Few counts fit a layer as well as interdiffusion; a width alone would claim a mechanism that was not seen."""
    few = [analyse(seed, 8.0, signal=5.0, background=1.0) for seed in range(8)]
    assert sum(undecided(result) for result in few) >= 6
    for result in few:
        assert not (undecided(result) and suspected(result))
        width = result["interdiffusion_width"]
        assert undecided(result) == (width.relation == "=" and result.diagnostics["p_value_layer_against_erf"] >= 0.05)
    many = [analyse(seed, 17.0) for seed in range(4)]
    assert not any(undecided(result) or suspected(result) for result in many)
    assert all(result.diagnostics["p_value_layer_against_erf"] < 1e-6 for result in many)


def test_layer_test_needs_a_profile_wider_than_the_instrument(analyse):
    """A profile as wide as the probe leaves no room for a layer with edges as wide as the probe."""
    blur = instrument_blur(probe=Quantity("probe_sigma", 3.0, None, "nm"))
    result = analyse(1, 0.0, probe_sigma=2.8, blur=blur)
    assert "deviance_gain_of_layer" not in result.diagnostics
    assert not undecided(result)


def test_foil_that_grows_thicker_is_not_a_layer(analyse):
    """A wedge bends both levels, and a layer follows a part of that; the thickness of the foil explains it better."""
    for seed in range(6):
        result = analyse(seed, 17.0, signal=40.0, background=4.0, drift=0.5)
        assert not suspected(result)
        assert result.provenance["shape"] == "erf"


def test_layer_with_unequal_steps_is_suspected(eds_scan):
    """A phase with a third of the cobalt of the cathode is no less a layer than one half way between."""
    distance = np.arange(0.0, 120.0, 0.5)
    share = np.array([0.5 * (0.7 * math.erfc((54.0 - x) / 1.5) + 0.3 * math.erfc((74.0 - x) / 1.5)) for x in distance])
    found = []
    for seed in range(12):
        counts = np.random.default_rng(seed).poisson(1.0 + 8.0 * np.stack([1 - share, share], axis=1))
        result = interdiffusion_width(eds_scan(distance, counts))
        found.append(result.provenance["shape"] == "plateau" or suspected(result))
    assert sum(found) >= 10


def test_wrong_shape_is_part_of_the_uncertainty(analyse):
    """An error function through a layer of 17 nm gives 23.7 ± 0.3 nm; the interval must reach the truth."""
    wrong = analyse(3, 17.0, "layer", shape="erf")
    width = wrong["interdiffusion_width"]
    assert wrong.diagnostics["shape_describes_counts"] == 0
    assert "no measure" in wrong.notes[0]
    assert wrong.budget["interdiffusion_width"]["shape"] == pytest.approx(width.value - 17.0, abs=1.0)
    assert width.interval95[0] < 17.0 < width.interval95[1]
    assert width.stderr == pytest.approx(math.hypot(*wrong.budget["interdiffusion_width"].values()))
    sound = analyse(3, 17.0, shape="erf")
    assert sound.diagnostics["shape_describes_counts"] == 1
    assert "shape" not in sound.budget["interdiffusion_width"]
    compared = compare_widths(sound, wrong)
    assert compared["confidence_that_widths_differ"].value < 0.95
    assert compared["width_ratio"].interval95[0] < 1.0
    assert any("second sample do not follow" in note for note in compared.notes)


def test_shape_that_does_not_fit_in_auto_is_uncertain_too(eds_scan):
    """A staircase is none of the shapes; the widths that they give differ, and the uncertainty says by how much."""
    distance = np.arange(0.0, 120.0, 0.5)
    steps = sum(np.where(distance > place, 0.25, 0.0) for place in (20.0, 45.0, 70.0, 95.0))
    counts = np.random.default_rng(2).poisson(10 + 300 * np.stack([1 - steps, steps], axis=1))
    result = interdiffusion_width(eds_scan(distance, counts))
    assert result.diagnostics["shape_describes_counts"] == 0
    assert result.budget["interdiffusion_width"]["shape"] > 2 * result.budget["interdiffusion_width"]["counting"]


def test_ratio_to_a_width_whose_interval_reaches_zero_is_a_limit(analyse):
    """A reference that may be 0 bounds no ratio from above, whatever its value says."""
    reference, other = analyse(1, 30.0, shape="erf"), analyse(2, 17.0, shape="erf")
    vague = Quantity("interdiffusion_width", 3.0, 1.4, "nm", (0.0, 6.0), kind="fit")
    reference = replaced(reference, vague)
    ratio = compare_widths(reference, other)["width_ratio"]
    assert ratio.relation == ">"
    assert ratio.value == pytest.approx(17.0 / 6.0, rel=0.1)


def replaced(result, quantity):
    import dataclasses

    rest = tuple(old for old in result.quantities if old.name != quantity.name)
    return dataclasses.replace(result, quantities=(quantity, *rest))


def test_derivatives_of_the_common_layer():
    """A wrong derivative bends the test without any sign of it; differences of the shape are the reference."""
    from interlayer.analysis.tem.interdiffusion.shapes import COMMON_LAYER

    x = np.linspace(0.0, 100.0, 101)
    theta = np.array([48.3, 0.7, 2.4, 0.3])
    basis, slopes = COMMON_LAYER.basis(x, theta)
    np.testing.assert_allclose(basis.sum(axis=0), 1.0, atol=1e-12)
    for place in range(4):
        moved = [COMMON_LAYER.basis(x, theta + sign * 1e-5 * np.eye(4)[place])[0] for sign in (1, -1)]
        np.testing.assert_allclose(slopes[place], (moved[0] - moved[1]) / 2e-5, atol=1e-7)
