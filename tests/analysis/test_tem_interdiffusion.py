"""Width of an interface from EDS counts; the simulated scans below share no code with the analysis."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.tem import interdiffusion_width
from interlayer.parsers.schema import build

_PER_SIGMA = 2.5631031310892007  # 10-90 width of a normal distribution function


def rise(x, centre, sigma):
    return np.array([0.5 * math.erfc((centre - value) / (sigma * math.sqrt(2))) for value in x])


def scan(counts, distance, lines=("Co_Ka", "S_Ka"), units="count", distance_units="nm"):
    """Return an EDS line scan in the vocabulary of the readers."""
    return build(
        "eds",
        {
            "distance": xr.Variable("distance", distance, {"units": distance_units}),
            "line": np.array(lines),
            "counts": xr.Variable(("distance", "line"), counts, {"units": units}),
        },
    )


def simulate(seed, *, width=17.0, signal=300.0, background=10.0, step=0.5, length=120.0):
    """Return counts of an element that falls and one that rises across an interface with a 10-90 width."""
    distance = np.arange(0.0, length, step)
    shape = rise(distance, 0.5 * length + 3.0, width / _PER_SIGMA)
    expected = background + signal * np.stack([1 - shape, shape], axis=1)
    return scan(np.random.default_rng(seed).poisson(expected), distance)


def within(quantity, expected):
    return quantity.interval95[0] <= expected <= quantity.interval95[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "signal", "background"), [(30.0, 300.0, 10.0), (17.0, 300.0, 10.0), (30.0, 20.0, 5.0), (17.0, 20.0, 5.0)]
)
def test_interval_covers_the_width(width, signal, background):
    """30 nm against 17 nm is the difference that a coating makes; least squares or crossings miss it at few counts."""
    results = [
        interdiffusion_width(
            simulate(seed, width=width, signal=signal, background=background), distance_relative_uncertainty=0.0
        )["interdiffusion_width"]
        for seed in range(200)
    ]
    assert 0.92 <= np.mean([within(quantity, width) for quantity in results]) <= 0.985
    values = np.array([quantity.value for quantity in results])
    assert abs(values.mean() - width) < 0.25 * values.std()
    assert np.mean([quantity.stderr for quantity in results]) == pytest.approx(values.std(), rel=0.15)


@pytest.mark.parametrize("name", ["eds_bare_30nm.csv", "eds_coated_17nm.csv", "eds_30nm_low.csv"])
def test_corpus_scans(corpus, name):
    """Counts written by others: truth within three standard uncertainties, and an error function fits."""
    folder = corpus / "tem" / "synthetic"
    truth = json.loads((folder / "TRUTH.json").read_text())[name]
    table = np.loadtxt(folder / name, delimiter=",", skiprows=1)
    result = interdiffusion_width(
        scan(table[:, 1:], table[:, 0], ("Co_Ka", "S_Ka", "P_Ka")), distance_relative_uncertainty=0.0
    )
    for key, expected in (("interdiffusion_width", "width_10_90_nm"), ("interdiffusion_sigma", "sigma_nm")):
        assert abs(result[key].value - truth[expected]) < 3 * result[key].stderr
        assert result[key].stderr < 0.06 * result[key].value
    position = result["interface_position"]
    assert abs(position.value - truth["interface_position_nm"]) < 3 * position.stderr
    assert result.diagnostics["deviance_per_dof"] < 1.3


def test_definitions_follow_from_one_fit():
    """The definition moves the number more than the noise: 10-90, sigma and coexistence must be one fit's."""
    ds = simulate(1)
    result = interdiffusion_width(ds)
    sigma = result["interdiffusion_sigma"].value
    assert result["interdiffusion_width"].value == pytest.approx(2.563103 * sigma, rel=1e-6)
    assert result["coexistence_width"].value == pytest.approx(3.289707 * sigma, rel=1e-6)
    assert interdiffusion_width(ds, tau=0.02)["coexistence_width"].value == pytest.approx(4.107498 * sigma, rel=1e-6)
    with pytest.raises(ValueError, match="tau"):
        interdiffusion_width(ds, tau=5)


def test_reaction_layer_raises_the_alarm():
    """A flat layer of 17 nm fits as 23.7 nm with an error of 0.2; nothing but the deviance betrays it."""
    distance = np.arange(0.0, 120.0, 0.5)
    inside, right = np.abs(distance - 60.0) <= 8.5, distance > 68.5
    falling = 10.0 + 300.0 * np.select([inside, right], [0.5, 0.0], 1.0)
    counts = np.random.default_rng(3).poisson(np.stack([falling, 320.0 - falling], axis=1))
    result = interdiffusion_width(scan(counts, distance))
    assert result.diagnostics["deviance_per_dof"] > 3
    assert any("not the shape" in note for note in result.notes)
    quiet = interdiffusion_width(simulate(3))
    assert quiet.diagnostics["deviance_per_dof"] == pytest.approx(1.0, abs=0.26)
    assert not any("not the shape" in note for note in quiet.notes)


def test_shifted_lines_are_told():
    """A layer between the two ends shows as centres that differ; a common centre would hide it in the width."""
    distance = np.arange(0.0, 120.0, 0.5)
    expected = 10 + 300 * np.stack([1 - rise(distance, 57.0, 5.0), rise(distance, 63.0, 5.0)], axis=1)
    result = interdiffusion_width(scan(np.random.default_rng(4).poisson(expected), distance))
    assert result.diagnostics["p_value_common_interface"] < 1e-6
    assert any("different centres" in note for note in result.notes)


@pytest.mark.parametrize("step", [0.5, 2.0])
def test_step_below_the_sampling_is_a_limit(step):
    """An interface within one step of the scan has no measurable width."""
    limits = [interdiffusion_width(simulate(seed, width=0.3, step=step))["interdiffusion_width"] for seed in range(10)]
    assert all(limit.relation == "<" for limit in limits)
    assert np.mean([limit.value > 0.3 for limit in limits]) >= 0.8
    assert max(limit.value for limit in limits) < 2.5 * step


def test_scale_uncertainty_is_common_to_all_widths():
    """The distance scale never averages out; its share must be told."""
    result = interdiffusion_width(simulate(5))
    for name in ("interdiffusion_width", "interdiffusion_sigma", "coexistence_width"):
        parts = result.budget[name]
        assert parts["calibration"] == pytest.approx(0.015 * result[name].value)
        assert result[name].stderr == pytest.approx(math.hypot(*parts.values()))


def test_direction_order_and_missing_points_do_not_matter():
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


def test_scan_that_ends_within_the_interface_says_so():
    """Without a plateau the width rests on the assumed shape."""
    ds = simulate(7, width=60.0, length=50.0)
    assert any("ends within" in note for note in interdiffusion_width(ds).notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"units": "1"}, "raw counts", id="atomic fractions"),
        pytest.param({"distance_units": "pixel"}, "calibrated", id="uncalibrated"),
        pytest.param({"counts": "flat"}, "steps", id="no interface"),
        pytest.param({"counts": "negative"}, "negative", id="background subtracted"),
        pytest.param({"counts": "short"}, "10", id="five points"),
    ],
)
def test_what_is_no_count_profile_is_refused(change, message):
    """Poisson errors of something that is not a count would be numbers without meaning."""
    ds = simulate(8)
    counts, distance = ds["counts"].to_numpy(), ds["distance"].to_numpy()
    kind = change.get("counts")
    units = {key: value for key, value in change.items() if key != "counts"}
    if kind == "flat":
        counts = np.random.default_rng(1).poisson(50.0, counts.shape)
    elif kind == "negative":
        counts = counts - 50
    elif kind == "short":
        counts, distance = counts[:5], distance[:5]
    with pytest.raises(NotAnalysable, match=message):
        interdiffusion_width(scan(counts, distance, **units))


def test_lines_can_be_chosen():
    """A drifting carbon line must not enter the fit, and a line that is not there is named."""
    ds = simulate(9)
    distance = ds["distance"].to_numpy()
    drift = np.random.default_rng(2).poisson(100 + 2 * distance)
    both = scan(np.column_stack([ds["counts"].to_numpy(), drift]), distance, ("Co_Ka", "S_Ka", "C_Ka"))
    chosen = interdiffusion_width(both, lines=("Co_Ka", "S_Ka"))
    assert chosen["interdiffusion_width"] == interdiffusion_width(ds)["interdiffusion_width"]
    with pytest.raises(NotAnalysable, match="P_Ka"):
        interdiffusion_width(both, lines=("Co_Ka", "P_Ka"))
