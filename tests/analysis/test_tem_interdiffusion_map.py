"""From a map of X-rays to a profile across its interface, and from net counts to concentrations."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Quantity
from interlayer.analysis.tem import concentrations, interdiffusion_width, profile_across
from interlayer.analysis.tem.interdiffusion.signed_distance import map_grid, trace_map, trace_noise
from interlayer.parsers.schema import build, check
from interlayer.sample_data.simulators.eds import Emission, Field, Interface, spectrum_map

LINES = ("Co_Ka", "S_Ka")
ORIGIN = (40.0, -300.0)  # nm, the corner of the map on the stage


def as_map(counts, field, energy, units="nm"):
    """Return a map in the vocabulary of the readers."""
    axes = [xr.Variable(name, field.axis - field.axis[0] + ORIGIN[i], {"units": units}) for i, name in enumerate("yx")]
    return build("eds", {"y": axes[0], "x": axes[1], "energy": energy, "counts": counts})


def as_events(ds, seed=0):
    """Return the same X-rays one by one, in random order."""
    flat = ds["counts"].to_numpy().reshape(-1, ds.sizes["energy"])
    pixel, channel = np.nonzero(flat)
    repeats = flat[pixel, channel]
    order = np.random.default_rng(seed).permutation(repeats.sum())
    values = {
        "pixel": ("event", np.repeat(pixel, repeats)[order]),
        "channel": ("event", np.repeat(channel, repeats)[order]),
    }
    return xr.Dataset(values, {name: ds[name] for name in ("energy", "y", "x")}, {"technique": "eds_events"})


def line_through(field, half=50.0):
    """Return two points (y, x) on a straight interface, in the coordinates of the map."""
    angle = np.radians(field.direction)
    centre = np.array(ORIGIN) - field.axis[0]
    way = half * np.array([np.cos(angle), -np.sin(angle)])
    return np.array([centre - way, centre + way])


@pytest.fixture(scope="module")
def tilted():
    """A map with an interface 25 degree off the pixel grid, 17 nm wide."""
    field, emission = Field(), Emission(near=((6925.0, 1.0), (7649.0, 0.13)), far=((2309.0, 1.0),))
    return as_map(spectrum_map(Interface(17.0), field, emission, 1), field, emission.energy), field


def test_width_from_a_map(tilted):
    """A profile along the rows of this map would be 10 % too wide; along the normal it is not."""
    ds, field = tilted
    for interface in ("Co_Ka", line_through(field)):
        profile = profile_across(ds, interface=interface, lines=LINES)
        check(profile)
        result = interdiffusion_width(profile, distance_relative_uncertainty=0.0)
        width = result["interdiffusion_width"]
        assert abs(width.value - 17.0) < 2.5 * width.stderr
        assert width.stderr < 1.2
        assert abs(result["interface_position"].value) < 3 * result["interface_position"].stderr + 0.3
        assert result.diagnostics["deviance_excess"] < 4


def test_curved_interface():
    """A flat cut through a particle of 80 nm smears its edge by the sagitta; the local normal follows it."""
    field, emission = Field(radius=80.0), Emission(near=((6925.0, 1.0),), far=((2309.0, 1.0),))
    ds = as_map(spectrum_map(Interface(10.0), field, emission, 2), field, emission.energy)
    traced = interdiffusion_width(profile_across(ds, interface="Co_Ka", lines=LINES), distance_relative_uncertainty=0.0)
    width = traced["interdiffusion_width"]
    assert abs(width.value - 10.0) < 2.5 * width.stderr
    flat = interdiffusion_width(profile_across(ds, interface=line_through(field), lines=LINES))
    assert flat["interdiffusion_width"].value > width.value + 1.2


def test_events_give_the_profile_of_the_cube(tilted):
    """A Velox stream of 1.4 MB would be a cube of 1 GB; added up event by event it is the same profile."""
    ds, field = tilted
    for options in (
        {"interface": "Co_Ka", "lines": LINES},
        {"interface": line_through(field), "lines": LINES, "background": "linear"},
    ):
        xr.testing.assert_identical(profile_across(as_events(ds), **options), profile_across(ds, **options))


def test_every_count_is_used_once(tilted):
    """Interpolated profiles repeat counts, so their scatter says nothing; here sums are those of whole pixels."""
    ds, field = tilted
    profile = profile_across(ds, interface=line_through(field, 200.0), lines=LINES)
    counts = profile["counts"].to_numpy()
    assert np.array_equal(counts, np.round(counts))
    pixels = profile.attrs["pixels_per_point"] * profile.sizes["distance"]
    assert 0.85 * ds.sizes["y"] * ds.sizes["x"] < pixels <= ds.sizes["y"] * ds.sizes["x"]
    window = ds["counts"].sel(energy=slice(6925 - 84, 6925 + 84)).sum().item()  # 0.6 FWHM of 140 eV on either side
    share = pixels / (ds.sizes["y"] * ds.sizes["x"])  # corners do not fill a point
    assert counts[:, 0].sum() == pytest.approx(share * window, rel=0.03)


def test_distance_is_along_the_normal_in_nm(tilted):
    """Points lie one pixel apart whatever the direction, on the scale of the map, and grow to the right of the way."""
    ds, field = tilted
    way = line_through(field)
    profile = profile_across(ds, interface=way, lines=LINES, bin_width=2.5, reach=30.0)
    distance = profile["distance"].to_numpy()
    assert np.abs(distance).max() <= 30.0
    assert np.diff(distance) == pytest.approx(2.5, rel=0.2)
    assert profile["counts"].to_numpy()[0, 0] != pytest.approx(profile["counts"].to_numpy()[-1, 0], rel=0.5)
    turned = profile_across(ds, interface=way[::-1], lines=LINES, bin_width=2.5, reach=30.0)
    assert turned["distance"].to_numpy() == pytest.approx(-distance[::-1], abs=0.2)
    traced = profile_across(ds, interface="Co_Ka", lines=LINES, reach=30.0)
    assert traced["counts"].to_numpy()[-1, 0] > 3 * traced["counts"].to_numpy()[0, 0]


def test_wide_points_do_not_widen_the_interface():
    """Bins of 5 nm on an interface of 6 nm add 1.4 nm in quadrature; their spread is known and taken off."""
    field = Field(direction=90.0, size=128, pixel_size=0.625)
    emission = Emission(near=((6925.0, 1.5),), far=((2309.0, 1.5),))
    ds = as_map(spectrum_map(Interface(6.0), field, emission, 3), field, emission.energy)
    profile = profile_across(ds, interface=line_through(field, 38.0), lines=LINES, bin_width=5.0)
    assert profile.attrs["sampling_sigma"] == pytest.approx(5.0 / np.sqrt(12), rel=0.05)
    width = interdiffusion_width(profile, shape="erf", distance_relative_uncertainty=0.0)["interdiffusion_width"]
    assert abs(width.value - 6.0) < 2.5 * width.stderr
    del profile.attrs["sampling_sigma"]
    assert interdiffusion_width(profile, shape="erf")["interdiffusion_width"].value > width.value + 0.8


@pytest.mark.slow
def test_interval_of_the_width_from_maps():
    """95 % intervals hold for profiles from maps: along given lines, and along traced ones where there are counts."""
    given, traced = [], []
    lines = [("near", "Co_Ka"), ("far", "S_Ka")]
    for seed in range(200):
        rng = np.random.default_rng(seed)
        field = Field(direction=float(rng.uniform(0, 360)))
        share = Interface(12.0).far_share(field.distance())
        counts = rng.poisson(0.1 + 2.0 * np.stack([1 - share, share], axis=-1))
        axes = {
            name: xr.Variable(name, field.axis - field.axis[0] + ORIGIN[i], {"units": "nm"})
            for i, name in enumerate("yx")
        }
        ds = build(
            "eds",
            axes
            | {
                "line": np.array([name for _, name in lines]),
                "counts": xr.Variable(("y", "x", "line"), counts, {"units": "count"}),
            },
        )
        for interface, hits in ((line_through(field), given), ("Co_Ka", traced)):
            profile = profile_across(ds, interface=interface, lines=LINES)
            width = interdiffusion_width(profile, shape="erf", distance_relative_uncertainty=0.0)[
                "interdiffusion_width"
            ]
            hits.append(width.interval95[0] <= 12.0 <= width.interval95[1])
    assert 0.92 <= np.mean(given) <= 0.98
    assert 0.91 <= np.mean(traced) <= 0.985


def test_net_counts_keep_their_variance():
    """Net is the window less the line through both sides; its scatter over the points of a map is what is stated.

    Co Ka window: 0.6 FWHM of 140 eV on either side holds erf(0.6 sqrt(4 ln 2)) = 84 % of the line.
    """
    field = Field(size=64, pixel_size=1.0, direction=0.0)
    emission = Emission(near=((6925.0, 0.5),), far=((6925.0, 0.5),), continuum=3e-2)
    ds = as_map(spectrum_map(Interface(0.0), field, emission, 5), field, emission.energy)
    profile = profile_across(ds, interface=line_through(field, 31.0), lines=("Co_Ka",), background="linear")
    check(profile)
    net, stderr = (profile[name].to_numpy()[:, 0] for name in ("counts", "counts_stderr"))
    pixels = profile.attrs["pixels_per_point"]
    assert net.mean() / pixels == pytest.approx(0.5 * 0.843, abs=4 * stderr.mean() / np.sqrt(net.size) / pixels + 0.01)
    assert stderr.mean() == pytest.approx(net.std(), rel=0.15)
    with pytest.raises(NotAnalysable, match="raw counts"):
        interdiffusion_width(profile)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        pytest.param("pixel", {}, "evenly spaced in nm", id="uncalibrated"),
        pytest.param("", {"lines": ("Xx_Ka",)}, "Xx", id="no element"),
        pytest.param("", {"lines": ("Pb_La",)}, "do not lie within", id="beyond the spectrum"),
        pytest.param("line scan", {}, "map", id="no map"),
    ],
)
def test_what_is_no_map_is_refused(tilted, change, options, message):
    """A profile from pixels would be taken for one in nm."""
    ds, field = tilted
    if change == "pixel":
        ds = as_map(ds["counts"].to_numpy(), field, ds["energy"].to_numpy(), units="pixel")
    elif change:
        ds = ds.isel(y=0, drop=True)
    with pytest.raises(NotAnalysable, match=message):
        profile_across(ds, **({"interface": line_through(field), "lines": LINES} | options))


def test_wrong_arguments(tilted):
    """A single point is no interface."""
    ds, _ = tilted
    with pytest.raises(ValueError, match="at least two"):
        profile_across(ds, interface=[[50.0, 50.0]], lines=LINES)
    with pytest.raises(ValueError, match="background"):
        profile_across(ds, interface="Co_Ka", lines=LINES, background="quadratic")


def factors(**values):
    return {name: Quantity("k_factor", value, stderr, "1") for name, (value, stderr) in values.items()}


def test_concentrations_by_hand(eds_scan):
    """k I over the sum: 1.2 * 100 and 1.0 * 80 give 0.6 and 0.4; a half of each by counts of 50 and 60."""
    profile = eds_scan(np.array([0.0, 1.0, 2.0]), np.array([[100, 80], [50, 60], [0, 0]]))
    k = factors(Co_Ka=(1.2, 0.12), S_Ka=(1.0, None))
    found = concentrations(profile, k)
    share = found["concentration"].to_numpy()
    assert share[0] == pytest.approx([0.6, 0.4])
    assert share[1] == pytest.approx([0.5, 0.5])
    assert np.isnan(share[2]).all()
    # For two elements u(C) = C (1 - C) sqrt(1/I_A + 1/I_B) from counting and C (1 - C) u(k)/k from k.
    assert found["concentration_stderr"].to_numpy()[0] == pytest.approx(0.24 * np.sqrt(1 / 100 + 1 / 80), rel=1e-6)
    assert found["concentration_k_stderr"].to_numpy()[0] == pytest.approx(0.24 * 0.1, rel=1e-6)
    atomic = concentrations(profile, k, fraction="atomic")["concentration"].to_numpy()[0]
    assert atomic[0] == pytest.approx((0.6 / 58.933) / (0.6 / 58.933 + 0.4 / 32.06), rel=1e-4)


@pytest.mark.slow
def test_concentration_intervals_cover(eds_scan):
    """Counting alone scatters the points; an error of k shifts them all and must not be averaged away."""
    rng = np.random.default_rng(7)
    expected = np.array([90.0, 40.0, 15.0])
    k = np.array([1.0, 1.3, 0.8])
    truth = expected * k / (expected * k).sum()
    names = ("S_Ka", "Co_Ka", "P_Ka")
    profile = eds_scan(np.arange(4000.0), rng.poisson(expected, (4000, 3)), names)
    exact = concentrations(profile, factors(**{n: (v, None) for n, v in zip(names, k, strict=True)}))
    z = (exact["concentration"] - truth) / exact["concentration_stderr"]
    inside = (abs(z) < 1.96).mean("distance").to_numpy()
    assert np.all((inside > 0.93) & (inside < 0.97))
    shifts = []
    for _ in range(300):
        wrong = k * (1 + 0.1 * np.array([0, *rng.standard_normal(2)]))
        stated = {n: (v, 0.1 * v if n != "S_Ka" else None) for n, v in zip(names, wrong, strict=True)}
        found = concentrations(profile.isel(distance=slice(0, 400)), factors(**stated))
        mean = found["concentration"].mean("distance").to_numpy()
        shifts.append(np.abs(mean - truth) < 1.96 * found["concentration_k_stderr"].mean("distance").to_numpy())
    covered = np.mean(shifts, axis=0)
    assert np.all((covered > 0.91) & (covered < 0.985))


@pytest.mark.parametrize(
    ("k", "error", "message"),
    [
        (factors(Co_Ka=(1.2, 0.1)), NotAnalysable, "two lines"),
        (factors(Co_Ka=(1.2, 0.1), P_Ka=(1.0, None)), ValueError, "P_Ka"),
        (factors(Co_Ka=(-1.2, 0.1), S_Ka=(1.0, None)), ValueError, "above 0"),
    ],
)
def test_what_cannot_be_a_ratio_is_refused(eds_scan, k, error, message):
    """One element alone is 100 % by definition."""
    profile = eds_scan(np.arange(3.0), np.full((3, 2), 50))
    with pytest.raises(error, match=message):
        concentrations(profile, k)


def test_noise_of_a_trace_is_that_about_the_true_interface():
    """With 0.3 counts a pixel a trace wanders by 1.3 nm, which made 5.9 nm of 5; what is taken off must be real."""
    field, random = Field(), np.random.default_rng(4)
    distance = field.distance()
    shown = as_map(np.zeros((field.size, field.size, 1)), field, [6925.0])
    grid, told, true = map_grid(shown), [], []
    for _ in range(12):
        counts = random.poisson(np.where(distance < 0, 0.3, 0.02)).astype(np.float64)
        told.append(trace_noise(counts, grid, 20.0)[0])
        trace = trace_map(counts, grid, 20.0)
        angle = np.radians(field.direction)
        place = trace.position + field.axis[0]
        true.append((place @ np.array([np.sin(angle), np.cos(angle)])).var())
    assert 2 * np.mean(told) == pytest.approx(np.mean(true), rel=0.35)


def test_traced_profile_tells_what_its_noise_adds():
    """Points along the interface add nothing; a trace adds variance with an uncertainty, which reaches the budget."""
    field, emission = Field(), Emission(near=((6925.0, 0.3),), far=((2309.0, 0.3),))
    ds = as_map(spectrum_map(Interface(10.0), field, emission, 5), field, emission.energy)
    traced = profile_across(ds, interface="Co_Ka", lines=LINES)
    given = profile_across(ds, interface=line_through(field), lines=LINES)
    assert given.attrs["trace_variance"] == 0.0
    assert 0.3 < traced.attrs["trace_variance"] < 3.0
    spared = interdiffusion_width(traced.assign_attrs(trace_variance=0.0), distance_relative_uncertainty=0.0)
    width = interdiffusion_width(traced, distance_relative_uncertainty=0.0)["interdiffusion_width"]
    assert width.value < spared["interdiffusion_width"].value
    assert width.stderr > spared["interdiffusion_width"].stderr
