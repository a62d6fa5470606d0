"""Width of an interface from EDS counts: definitions, shapes, what is taken off, what is said and what is refused."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Quantity, Result
from interlayer.analysis.tem import compare_widths, instrument_blur, interdiffusion_width
from interlayer.sample_data.simulators.eds import Interface, Scan, line_scan

WIDTHS = ("interdiffusion_width", "interdiffusion_sigma", "coexistence_width")


def rise(x, centre, sigma):
    return np.array([0.5 * math.erfc((centre - value) / (sigma * math.sqrt(2))) for value in x])


@pytest.fixture
def simulate(eds_scan):
    """Return a function that simulates a line scan of Co and S; 17 nm wide unless said otherwise."""

    def simulated(seed, width=17.0, kind="graded", probe_sigma=0.0, **scan):
        return eds_scan(*line_scan(Interface(width, kind, probe_sigma), Scan(**scan), seed))

    return simulated


@pytest.mark.parametrize("name", ["eds_bare_30nm.csv", "eds_coated_17nm.csv", "eds_30nm_low.csv"])
def test_corpus_scans(corpus, eds_scan, name):
    """Counts written by others: truth within three standard uncertainties, and an error function fits."""
    folder = corpus / "tem" / "synthetic"
    truth = json.loads((folder / "TRUTH.json").read_text())[name]
    table = np.loadtxt(folder / name, delimiter=",", skiprows=1)
    profile = eds_scan(table[:, 0], table[:, 1:], ("Co K", "S K", "P K"))
    result = interdiffusion_width(profile, distance_relative_uncertainty=0.0)
    for key, expected in (("interdiffusion_width", "width_10_90_nm"), ("interdiffusion_sigma", "sigma_nm")):
        assert abs(result[key].value - truth[expected]) < 3 * result[key].stderr
        assert result[key].stderr < 0.06 * result[key].value
    position = result["interface_position"]
    assert abs(position.value - truth["interface_position_nm"]) < 3 * position.stderr
    assert result.diagnostics["deviance_per_dof"] < 1.3
    assert result.provenance["shape"] == "erf"


def test_definitions_follow_from_one_fit(simulate):
    """The definition moves the number more than the noise: 17.0 nm (10-90) is 21.8 (5 %) and 27.2 nm (2 %) by others.

    Factors 2 z(0.9), 2 z(0.95) and 2 z(0.98) of the normal distribution.
    """
    ds = simulate(1)
    result = interdiffusion_width(ds)
    sigma = result["interdiffusion_sigma"].value
    assert result["interdiffusion_width"].value == pytest.approx(2.563103 * sigma, rel=1e-6)
    assert result["coexistence_width"].value == pytest.approx(3.289707 * sigma, rel=1e-6)
    assert interdiffusion_width(ds, tau=0.02)["coexistence_width"].value == pytest.approx(4.107498 * sigma, rel=1e-6)
    scale = 17.0 / result["interdiffusion_width"].value
    for tau, zone in ((0.05, 21.8), (0.02, 27.2)):
        assert interdiffusion_width(ds, tau=tau)["coexistence_width"].value * scale == pytest.approx(zone, abs=0.05)
    assert np.array(result.correlation)[:3, :3] == pytest.approx(1.0)
    assert abs(result.correlation[0][3]) < 0.2
    with pytest.raises(ValueError, match="tau"):
        interdiffusion_width(ds, tau=5)


def test_threshold_and_normalisation_are_printed(simulate):
    """A coexistence zone without its threshold cannot be compared with anything."""
    result = interdiffusion_width(simulate(1), tau=0.02)
    assert any("tau = 0.02" in note and "own step" in note for note in result.notes)
    assert result.provenance["tau"] == "0.02"


def test_reaction_layer_is_found(simulate):
    """A flat layer of 17 nm fits as 23.7 nm with an error of 0.2; its own shape gives its thickness."""
    ds = simulate(3, kind="layer")
    result = interdiffusion_width(ds)
    assert result.provenance["shape"] == "plateau"
    assert result.diagnostics["aic_gain_plateau"] > 1000
    layer = result["reaction_layer_thickness"]
    assert abs(layer.value - 17.0) < 0.5  # edges lie somewhere between points of the scan
    assert layer.interval95[0] < 17.0 < layer.interval95[1]
    assert result["edge_sigma"].relation == "<"
    assert any("not the shape" in note for note in result.notes)


def test_wrong_shape_raises_the_alarm(simulate):
    """Nothing but deviance and residuals betray an error function through a layer."""
    result = interdiffusion_width(simulate(3, kind="layer"), shape="erf")
    assert result["interdiffusion_width"].value == pytest.approx(23.5, abs=1.0)
    assert result.diagnostics["deviance_per_dof"] > 3
    assert result.diagnostics["deviance_excess"] > 40
    assert result.diagnostics["runs_p_value"] < 1e-6
    assert any("no measure" in note for note in result.notes)
    quiet = interdiffusion_width(simulate(3), shape="erf")
    assert quiet.diagnostics["deviance_per_dof"] == pytest.approx(1.0, abs=0.26)
    assert not any("not the shape" in note for note in quiet.notes)


def test_no_shape_fits(eds_scan):
    """Two layers are none of the shapes; the numbers must not stand there alone."""
    distance = np.arange(0.0, 120.0, 0.5)
    steps = sum(rise(distance, place, 0.5) for place in (20.0, 45.0, 70.0, 95.0)) / 4
    counts = np.random.default_rng(2).poisson(10 + 300 * np.stack([1 - steps, steps], axis=1))
    result = interdiffusion_width(eds_scan(distance, counts))
    assert any("no measure" in note for note in result.notes)
    assert result.diagnostics["deviance_excess"] > 20


def test_tail_is_found_with_its_length(simulate):
    """Diffusion along grain boundaries leaves an exponential tail; an error function makes a wider interface of it."""
    result = interdiffusion_width(simulate(5, 12.0, "tail", 2.0))
    assert result.provenance["shape"] == "tail_right"
    tail = result["tail_length"]
    assert abs(tail.value - 12.0) < 3 * tail.stderr
    edge = result["edge_sigma"]
    assert abs(edge.value - 2.0) < 3 * edge.stderr
    mirrored = simulate(5, 12.0, "tail", 2.0)
    mirrored = mirrored.assign_coords(distance=("distance", -mirrored["distance"].to_numpy(), {"units": "nm"}))
    other = interdiffusion_width(mirrored)
    assert other.provenance["shape"] == "tail_left"
    assert other["tail_length"].value == pytest.approx(tail.value, rel=1e-3)


def test_two_widths_are_found(eds_scan):
    """An element that diffuses faster on one side makes the sides unequal; 10 to 90 % is then no multiple of sigma.

    True 10-90 width from the quantiles of the split normal distribution with 4 and 9 nm.
    """
    distance = np.arange(0.0, 160.0, 0.5)
    left, right, total = 4.0, 9.0, 13.0
    z = distance - 60.0
    share = np.where(
        z < 0,
        2 * left / total * rise(z, 0.0, left),
        1 - 2 * right / total * rise(-z, 0.0, right),
    )
    counts = np.random.default_rng(6).poisson(10 + 300 * np.stack([1 - share, share], axis=1))
    result = interdiffusion_width(eds_scan(distance, counts), distance_relative_uncertainty=0.0)
    assert result.provenance["shape"] == "asymmetric"
    fine = np.linspace(-60, 100, 200_001)
    exact = np.where(
        fine < 0, 2 * left / total * rise_many(fine, left), 1 - 2 * right / total * rise_many(-fine, right)
    )
    true = np.interp(0.9, exact, fine) - np.interp(0.1, exact, fine)
    for name, truth in (("sigma_left", left), ("sigma_right", right), ("interdiffusion_width", true)):
        assert abs(result[name].value - truth) < 3 * result[name].stderr
        assert result[name].stderr < 0.15 * truth


def rise_many(x, sigma):
    from scipy.special import erfc

    return 0.5 * erfc(-x / (sigma * math.sqrt(2)))


def test_shifted_lines_are_told(eds_scan):
    """A layer between the two ends shows as centres that differ; a common centre would hide it in the width."""
    distance = np.arange(0.0, 120.0, 0.5)
    expected = 10 + 300 * np.stack([1 - rise(distance, 57.0, 5.0), rise(distance, 63.0, 5.0)], axis=1)
    ds = eds_scan(distance, np.random.default_rng(4).poisson(expected))
    result = interdiffusion_width(ds, shape="erf")
    assert result.diagnostics["p_value_common_interface"] < 1e-6
    assert any("different centres" in note for note in result.notes)
    assert interdiffusion_width(ds).provenance["shape"] == "plateau"


def test_foil_that_grows_thicker_is_not_an_asymmetric_interface(simulate):
    """A wedge tilts all lines together; a common mass thickness takes it up, and the width keeps its truth."""
    ds = simulate(8, drift=0.5)
    blind = interdiffusion_width(ds, shape="erf")
    assert blind.diagnostics["deviance_excess"] > 4
    told = interdiffusion_width(ds)
    assert told.diagnostics["aic_gain_drift"] > 50
    assert told.diagnostics["count_drift"] == pytest.approx(math.log(1.25 / 0.75), abs=0.2)
    result = interdiffusion_width(ds, mass_thickness="linear", distance_relative_uncertainty=0.0)
    assert result.provenance["shape"] == "erf"
    assert abs(result["interdiffusion_width"].value - 17.0) < 3 * result["interdiffusion_width"].stderr
    even = interdiffusion_width(simulate(8))
    assert abs(even.diagnostics["count_drift"]) < 0.1
    assert not any("change together" in note for note in even.notes)


def test_blur_is_taken_off_in_variance(simulate):
    """sigma^2 - probe^2 by hand, and every source of it in the budget."""
    ds = simulate(2, 5.0, probe_sigma=2.0)
    seen = interdiffusion_width(ds, shape="erf")["interdiffusion_sigma"].value
    blur = instrument_blur(probe=Quantity("probe_sigma", 2.0, 0.1, "nm"))
    result = interdiffusion_width(ds, shape="erf", blur=blur)
    sigma = result["interdiffusion_sigma"]
    assert sigma.value == pytest.approx(math.sqrt(seen**2 - 4.0), rel=1e-6)
    parts = result.budget["interdiffusion_sigma"]
    assert parts["probe"] == pytest.approx(2.0 * 0.1 / sigma.value, rel=1e-3)
    assert parts["calibration"] == pytest.approx(0.015 * seen**2 / sigma.value, rel=1e-3)
    assert sigma.stderr == pytest.approx(math.hypot(*parts.values()))
    assert any("not taken off" in note for note in interdiffusion_width(ds).notes)
    assert not any("not taken off" in note for note in result.notes)


def test_probe_as_wide_as_the_profile_leaves_a_limit(simulate):
    """A probe of 2 nm over a sharp step measures the probe; what is left is below a limit, not 0."""
    blur = instrument_blur(probe=Quantity("probe_sigma", 2.0, 0.1, "nm"))
    result = interdiffusion_width(simulate(4, 0.0, probe_sigma=2.0), blur=blur)
    for name, factor in zip(WIDTHS, (2.563103, 1.0, 3.289707), strict=True):
        assert result[name].relation == "<"
        assert result[name].value == pytest.approx(factor * result["interdiffusion_sigma"].value, rel=1e-6)
    assert 0.5 < result["interdiffusion_sigma"].value < 2.0
    assert abs(result["interface_position"].value - 63.0) < 0.5


@pytest.mark.parametrize("step", [0.5, 2.0])
def test_step_below_the_sampling_is_a_limit(simulate, step):
    """An interface within one step of the scan has no measurable width."""
    results = [interdiffusion_width(simulate(seed, 0.3, step=step)) for seed in range(10)]
    limits = [result["interdiffusion_width"] for result in results]
    assert all(limit.relation == "<" for limit in limits)
    assert all(limit.value > 0.3 for limit in limits)
    assert max(limit.value for limit in limits) < 2.5 * step
    positions = [result["interface_position"] for result in results]
    assert all(abs(place.value - 63.0) < step and place.stderr > 0.2 * step for place in positions)


@pytest.mark.parametrize("kind", ["graded", "layer"])
def test_result_survives_json(simulate, kind):
    """Results are stored and compared months later; budget and definition must be in the file."""
    result = interdiffusion_width(simulate(5, kind=kind))
    again = Result.from_dict(json.loads(json.dumps(result.to_dict())))
    assert again == result
    ratio = compare_widths(again, again)["width_ratio"]
    assert ratio.value == pytest.approx(1.0)


def test_scale_uncertainty_is_common_to_all_widths(simulate):
    """The distance scale never averages out; its share must be told."""
    result = interdiffusion_width(simulate(5))
    for name in WIDTHS:
        parts = result.budget[name]
        assert parts["calibration"] == pytest.approx(0.015 * result[name].value)
        assert result[name].stderr == pytest.approx(math.hypot(*parts.values()))


def test_direction_order_and_missing_points_do_not_matter(simulate):
    """A scan taken backwards is the same interface; a missing point is no zero."""
    ds = simulate(6)
    reference = interdiffusion_width(ds)["interdiffusion_width"]
    for other in (ds.isel(distance=slice(None, None, -1)), ds.isel(line=[1, 0])):
        assert interdiffusion_width(other)["interdiffusion_width"].value == pytest.approx(reference.value, rel=1e-4)
    gappy = ds.copy()
    gappy["counts"] = gappy["counts"].astype(float).where(abs(ds["distance"] - 55.0) > 3.0)
    gappy["counts"].attrs = ds["counts"].attrs
    result = interdiffusion_width(gappy)
    changed = result["interdiffusion_width"]
    assert abs(changed.value - reference.value) < 2 * reference.stderr
    assert reference.stderr < changed.stderr < 2 * reference.stderr
    assert result.diagnostics["deviance_per_dof"] < 1.3


def test_scan_that_ends_within_the_interface_says_so(simulate):
    """Without a plateau the width rests on the assumed shape."""
    ds = simulate(7, 60.0, length=50.0, position=28.0)
    assert any("ends within" in note for note in interdiffusion_width(ds).notes)


def test_background_like_the_signal_is_told(simulate):
    """A lower level of half the step may be background or the element itself; the shares are counted from it."""
    assert any("lower level" in note for note in interdiffusion_width(simulate(1, background=250.0)).notes)
    assert not any("lower level" in note for note in interdiffusion_width(simulate(1)).notes)


@pytest.mark.parametrize(
    ("lines", "elements", "message"),
    [
        pytest.param(("P_Ka", "Co_Ka"), ("Zr",), "P Ka lies under Zr L", id="garnet under phosphate"),
        pytest.param(("S K", "Co K"), ("Mo",), "S K lies under Mo L", id="MoS2"),
        pytest.param(("Co_Ka", "Fe_Ka"), (), "Co Ka lies under Fe Kb", id="LFP beside LCO"),
        pytest.param(("Ni_Ka", "Co_Ka"), (), "Ni Ka lies under Co Kb", id="NCM"),
        pytest.param(("Al_Ka", "Co_Ka"), ("Br",), "Al Ka lies under Br L", id="bromine argyrodite"),
        pytest.param(("Cu_Ka", "S_Ka"), (), "support grid", id="copper grid"),
        pytest.param(("Ga_Ka", "S_Ka"), (), "ion beam", id="gallium"),
        pytest.param(("Co_Ka", "S_Ka"), ("Li",), "Li emits no X-ray", id="lithium"),
    ],
)
def test_lines_that_lie_are_told(simulate, lines, elements, message):
    """A profile of P K in a garnet is one of Zr; no fit can tell."""
    ds = simulate(1).assign_coords(line=list(lines))
    assert any(message in note for note in interdiffusion_width(ds, elements=elements, shape="erf").notes)


def test_clean_lines_bring_no_warning(simulate):
    """A warning on every scan is read on none."""
    notes = interdiffusion_width(simulate(1), elements=("O", "Ge", "P")).notes
    assert not any("lies under" in note or "emits" in note or "also comes" in note for note in notes)


def test_overlaps_are_within_the_resolution_of_a_detector():
    """The table of overlaps against the line energies of Elam et al.: 65 to 150 eV is what a detector resolves."""
    from interlayer.analysis.tem.interdiffusion.xray_lines import OVERLAPS, line_energy

    for one, other in OVERLAPS:
        energy = line_energy(one)
        resolution = math.sqrt(max(130.0**2 + 2.5 * (energy - 5895.0), 0.0))
        assert abs(energy - line_energy(other)) < 1.3 * resolution, (one, other)


@pytest.mark.parametrize(
    ("units", "kind", "message"),
    [
        pytest.param({"units": "1"}, "", "raw counts", id="atomic fractions"),
        pytest.param({"distance_units": "pixel"}, "", "calibrated", id="uncalibrated"),
        pytest.param({}, "flat", "steps", id="no interface"),
        pytest.param({}, "negative", "negative", id="background subtracted"),
        pytest.param({}, "short", "10", id="five points"),
    ],
)
def test_what_is_no_count_profile_is_refused(simulate, eds_scan, units, kind, message):
    """Poisson errors of something that is not a count would be numbers without meaning."""
    ds = simulate(8)
    counts, distance = ds["counts"].to_numpy(), ds["distance"].to_numpy()
    if kind == "flat":
        counts = np.random.default_rng(1).poisson(50.0, counts.shape)
    elif kind == "negative":
        counts = counts - 50
    elif kind == "short":
        counts, distance = counts[:5], distance[:5]
    with pytest.raises(NotAnalysable, match=message):
        interdiffusion_width(eds_scan(distance, counts, **units))


@pytest.mark.parametrize("option", [{"shape": "box"}, {"mass_thickness": "cubic"}, {"tau": 0.0}])
def test_unknown_options_are_refused(simulate, option):
    """A misspelt option that falls back to the default gives a number by another definition."""
    with pytest.raises(ValueError, match=next(iter(option))):
        interdiffusion_width(simulate(1), **option)


def test_lines_can_be_chosen(simulate, eds_scan):
    """A drifting carbon line must not enter the fit, and a line that is not there is named."""
    ds = simulate(9)
    distance = ds["distance"].to_numpy()
    drift = np.random.default_rng(2).poisson(100 + 2 * distance)
    both = eds_scan(distance, np.column_stack([ds["counts"].to_numpy(), drift]), ("Co_Ka", "S_Ka", "C_Ka"))
    chosen = interdiffusion_width(both, lines=("Co_Ka", "S_Ka"))
    assert chosen["interdiffusion_width"] == interdiffusion_width(ds)["interdiffusion_width"]
    with pytest.raises(NotAnalysable, match="P_Ka"):
        interdiffusion_width(both, lines=("Co_Ka", "P_Ka"))


def test_a_line_without_a_single_count_does_no_harm(simulate, eds_scan):
    """Exports list every line that was asked for, also those of elements that are not there."""
    ds = simulate(1, signal=20.0, background=0.0)
    counts = np.column_stack([ds["counts"].to_numpy(), np.zeros(240, dtype=int)])
    with_empty = eds_scan(ds["distance"].to_numpy(), counts, ("Co_Ka", "S_Ka", "Ta_La"))
    alone, beside = (interdiffusion_width(x, shape="erf")["interdiffusion_width"] for x in (ds, with_empty))
    assert beside.value == pytest.approx(alone.value, rel=1e-3)
    assert beside.stderr == pytest.approx(alone.stderr, rel=1e-2)


@pytest.mark.parametrize("name", ["erf", "plateau", "asymmetric", "tail_right", "tail_left"])
def test_derivatives_of_the_shapes(name):
    """A wrong derivative bends covariances without any sign of it; differences of the shape are the reference."""
    from interlayer.analysis.tem.interdiffusion.shapes import SHAPES

    shape = SHAPES[name]
    x = np.linspace(0.0, 100.0, 101)
    for sigma, third in itertools.product((0.3, 1.6), (-0.7, 0.4, 2.4)):
        theta = np.array([48.3, sigma, third][: shape.size])
        basis, slopes = shape.basis(x, theta)
        np.testing.assert_allclose(basis.sum(axis=0), 1.0, atol=1e-12)
        for place in range(shape.size):
            moved = [shape.basis(x, theta + sign * 1e-5 * np.eye(shape.size)[place])[0] for sign in (1, -1)]
            np.testing.assert_allclose(slopes[place], (moved[0] - moved[1]) / 2e-5, atol=1e-7)
