"""Coverage and conformality of coated particles with gaps of known length."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.tem import coverage
from interlayer.parsers.schema import build
from interlayer.sample_data.simulators.tem import Detector, Layer, simulate

RADIUS, FIELD = 60.0, 307.2
SURFACE = 2 * np.pi * RADIUS
MINIMUM = Quantity("minimum", 3.0, None, "nm")


def particle(seed, *, size=1024, gaps=(), thickness=8.0, roughness=0.3, doses=(40.0, 18.0, 6.0), **options):
    """Return the image of a whole particle in a field of 307 nm and the share of its surface that is covered."""
    layer = Layer(
        thickness=thickness,
        radius=RADIUS,
        doses=doses,
        gaps=gaps,
        roughness=roughness,
        correlation_length=5.0,
        **options,
    )
    image, _ = simulate(layer, Detector(size=size, pixel_size=FIELD / size), seed)
    axes = {name: xr.Variable(name, FIELD / size * np.arange(size), {"units": "nm"}) for name in ("y", "x")}
    share = 1 - sum(end - begin for begin, end in gaps) / SURFACE
    return build("image", {"intensity": image.astype(float), **axes}, calibrated=1), share


def holds(quantity, truth):
    return quantity.interval95[0] <= truth <= quantity.interval95[1]


@pytest.mark.parametrize(
    ("doses", "tolerance"),
    [
        pytest.param((40.0, 18.0, 6.0), 0.02, id="particle bright"),
        pytest.param((10.0, 4.5, 1.5), 0.02, id="a quarter of the dose"),
        # Otsu's threshold lies between layer and outside, so the outline runs along the longer outer face.
        pytest.param((6.0, 18.0, 40.0), 0.05, id="particle dark"),
    ],
)
@pytest.mark.parametrize("gaps", [((-20.0, 20.0),), ((30.0, 90.0), (120.0, 150.0)), ((-3.0, 3.0), (40.0, 45.0))])
def test_gaps_are_found(gaps, doses, tolerance):
    """Gaps of 5 to 60 nm on a particle of 120 nm: the covered share to 2 % of the surface, within its interval."""
    ds, truth = particle(3, gaps=gaps, doses=doses)
    share = coverage(ds, minimum=MINIMUM)["coverage"]
    assert share.value == pytest.approx(truth, abs=tolerance)
    assert holds(share, truth)


@pytest.mark.parametrize("doses", [(12.0, 40.0, 8.0), (20.0, 60.0, 6.0)])
def test_gaps_in_a_layer_brighter_than_both_sides(doses):
    """The boundary of a bright stripe turns back at its end and would never meet a gap."""
    ds, truth = particle(3, gaps=((30.0, 90.0), (120.0, 150.0)), doses=doses)
    result = coverage(ds, minimum=MINIMUM)
    assert result["coverage_field"].value == pytest.approx(truth, abs=0.02)
    assert holds(result["coverage_field"], truth)
    assert any("brighter or darker" in note for note in result.notes)


@pytest.mark.parametrize("doses", [(12.0, 40.0, 8.0), (40.0, 30.0, 6.0)])
def test_gaps_in_a_thick_layer(doses):
    """In a gap the edge lies a whole thickness of 17 nm from where it is elsewhere; a fit from there stays put."""
    ds, truth = particle(3, gaps=((30.0, 90.0), (120.0, 150.0)), thickness=17.0, doses=doses)
    assert coverage(ds, minimum=Quantity("minimum", 5.0, None, "nm"))["coverage"].value == pytest.approx(
        truth, abs=0.05
    )


@pytest.mark.slow
def test_interval_covers_particles_alike():
    """Gaps at random, three on average: the interval is for all surfaces like it; a block bootstrap covers 83-90 %."""
    shares, intervals = [], []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        begins = rng.uniform(-0.5 * SURFACE, 0.5 * SURFACE - 25.0, rng.poisson(3))
        gaps = tuple((begin, begin + rng.uniform(8.0, 25.0)) for begin in begins)
        ds, _ = particle(seed, size=448, gaps=gaps)
        result = coverage(ds, minimum=MINIMUM)["coverage"]
        along = np.linspace(-0.5 * SURFACE, 0.5 * SURFACE, 4000)
        shares.append(1 - np.mean([any(begin < place < end for begin, end in gaps) for place in along]))
        intervals.append(result.interval95 or (result.value, 1.0))
    low, high = np.transpose(intervals)
    hits = np.mean((low <= np.mean(shares)) & (np.mean(shares) <= high))
    assert hits >= 0.9
    assert np.median(high - low) < 0.45


def test_no_gap_is_a_limit():
    """Nothing seen on 40 independent stretches is no proof of 100 %: rule of three, over 93 % or so."""
    ds, _ = particle(4)
    result = coverage(ds, minimum=MINIMUM)
    assert result["coverage"].relation == ">"
    stretches = result.diagnostics["independent_stretches"]
    assert result["coverage"].value == pytest.approx(1 - 3 / stretches, abs=0.01)
    assert 0.85 < result["coverage"].value < 0.98


@pytest.mark.parametrize(
    ("gaps", "thickness", "doses"),
    [
        pytest.param(((-130.0, 130.0),), 8.0, (40.0, 18.0, 6.0), id="a third"),
        pytest.param(((-130.0, 130.0),), 5.0, (10.0, 4.5, 1.5), id="a third, thin, a quarter of the dose"),
        pytest.param(((-209.0, -150.0), (-130.0, 0.0), (20.0, 168.0)), 17.0, (6.0, 18.0, 40.0), id="a tenth"),
        pytest.param(((-209.0, -130.0), (-60.0, 30.0), (90.0, 168.0)), 8.0, (12.0, 40.0, 8.0), id="bright patches"),
    ],
)
def test_hardly_coated_particle_is_measured(gaps, thickness, doses):
    """A coating on a third or a tenth of the surface is what its maker must learn; the median profile shows none."""
    ds, truth = particle(5, size=640, gaps=gaps, thickness=thickness, doses=doses)
    result = coverage(ds, minimum=Quantity("minimum", 2.0, None, "nm"))
    assert result["coverage_field"].value == pytest.approx(truth, abs=0.02)
    assert holds(result["coverage_field"], truth)
    assert result["covered_thickness"].value == pytest.approx(thickness, abs=0.6)


def test_bare_particle_is_a_limit():
    """No layer in view bounds the coverage, above a thickness that the edge cannot hide and not below."""
    ds, _ = particle(5, size=640, gaps=((-300.0, 300.0),))
    result = coverage(ds, minimum=Quantity("minimum", 4.0, None, "nm"))
    assert result["coverage"].relation == "<"
    assert result["coverage"].value <= 0.2
    with pytest.raises(NotAnalysable, match="edge itself"):
        coverage(ds, minimum=Quantity("minimum", 1.0, None, "nm"))


def test_even_layer_at_low_dose_is_even_within_noise():
    """Fits that scatter by 5 % must not look like an uneven coating: limits that hold a variation of 0."""
    ds, _ = particle(11, size=640, roughness=0.0, doses=(10.0, 4.5, 1.5))
    result = coverage(ds, minimum=MINIMUM)
    assert result["coefficient_of_variation"].relation == "<"
    assert result["coefficient_of_variation"].value < 0.07
    assert result["conformality"].relation == ">"
    assert result["conformality"].value > 0.88
    assert result["conformality_range"].relation == ">"


def test_map_lies_on_the_micrograph():
    """Each block has its place: the particle's surface at 60 nm from its centre, the coating's at 68 nm."""
    ds, _ = particle(12, size=640, gaps=((-40.0, 40.0),))
    curves = coverage(ds, minimum=MINIMUM).curves
    angle = np.radians(20.0)
    middle = 0.5 * (ds["y"].values[-1] + ds["y"].values[0]) - (RADIUS + 4.0) * np.array([np.sin(angle), np.cos(angle)])
    radius = {
        name: np.hypot(*(curves[f"{name}_{axis}"].values - place for axis, place in zip("yx", middle, strict=True)))
        for name in ("interface", "edge1", "edge2")
    }
    covered = curves["covered"].values
    assert np.nanmedian(radius["interface"]) == pytest.approx(RADIUS, abs=0.3)
    assert np.abs(radius["interface"] - RADIUS).max() < 1.5
    outer = np.maximum(radius["edge1"], radius["edge2"])
    assert np.median(outer[covered]) == pytest.approx(RADIUS + 8.0, abs=0.3)


def test_minimum_decides_and_is_stated():
    """A layer of 8 nm is whole above 3 nm and absent above 12 nm; the number without its minimum says nothing."""
    ds, _ = particle(6)
    thick = coverage(ds, minimum=Quantity("minimum", 12.0, None, "nm"))
    assert thick["coverage"].relation == "<"
    assert "12 nm" in thick.method
    angstrom = coverage(ds, minimum=Quantity("minimum", 30.0, None, "angstrom"))
    assert angstrom["coverage"].value == coverage(ds, minimum=MINIMUM)["coverage"].value
    with pytest.raises(NotAnalysable, match="greater than 0"):
        coverage(ds, minimum=Quantity("minimum", 0.0, None, "nm"))


@pytest.mark.parametrize("doses", [(40.0, 18.0, 6.0), (10.0, 4.5, 1.5)])
def test_variation_of_the_thickness(doses):
    """Faces of 0.6 nm make a standard deviation of 0.85 nm; four times less dose must not look four times as rough."""
    results = [coverage(particle(seed, roughness=0.6, doses=doses)[0], minimum=MINIMUM) for seed in range(4)]
    variation = [result["coefficient_of_variation"].value for result in results]
    assert np.mean(variation) == pytest.approx(0.6 * np.sqrt(2) / 8.0, abs=0.02)
    even = [result["conformality"].value for result in results]
    assert np.mean(even) == pytest.approx(1 - 1.645 * 0.6 * np.sqrt(2) / 8.0, abs=0.04)


def test_conformal_layer_is_even():
    """An outer face that follows the inner one makes an even coating on a rough particle."""
    result = coverage(particle(7, roughness=0.6, conformal=0.98)[0], minimum=MINIMUM)
    assert result["conformality"].value > 0.88
    assert result["conformality_range"].value > 0.85


def test_smallest_gap_is_seen():
    """What is reported as the shortest visible gap must be visible wherever it lies along the blocks."""
    reported = coverage(particle(8)[0], minimum=MINIMUM)["smallest_gap"].value
    for shift in (0.0, 0.5, 1.0):
        ds, _ = particle(8, gaps=((shift, shift + 1.2 * reported),))
        assert coverage(ds, minimum=MINIMUM)["coverage"].relation == "="


def test_one_particle_is_one():
    """The interval of one particle must not be read as that of the powder."""
    assert any("n = 1" in note for note in coverage(particle(9)[0], minimum=MINIMUM).notes)
