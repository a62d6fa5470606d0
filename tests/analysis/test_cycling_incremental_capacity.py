"""dQ/dV and dV/dQ: areas, peaks and their places, what noise and a stated resolution do, and real graphite."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.analysis import Quantity, cycling
from interlayer.analysis.cycling.voltage.course import voltage_noise
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.units import UnitError
from interlayer.parsers import schema

PLATEAUS = ((3.45, 0.020, 0.5e-3), (3.80, 0.030, 0.4e-3))  # V, standard deviation in V, A h
SLOPE = 0.2e-3  # A h V-1, beneath the plateaus
LOW, HIGH = 3.0, 4.2


def stored(voltage: np.ndarray) -> np.ndarray:
    """Return the charge up to a voltage, A h: two Gaussian plateaus on a slope."""
    total = SLOPE * (voltage - LOW)
    for centre, width, size in PLATEAUS:
        for sign, edge in ((1.0, voltage), (-1.0, np.full_like(voltage, LOW))):
            total += sign * 0.5 * size * np.array([math.erf((v - centre) / width / math.sqrt(2.0)) for v in edge])
    return total


def cell(
    *, noise: float = 0.0, digit: float = 0.0, records: int = 1500, hold: bool = False, seed: int = 0
) -> xr.Dataset:
    """Return the record of one charge and one discharge at C/10 with noise and digits of the voltmeter."""
    fine = np.linspace(LOW, HIGH, 6001)
    charge = stored(fine)
    passed = np.linspace(0.0, charge[-1], records)
    up = np.interp(passed, charge, fine)
    ampere = 0.1e-3
    time = passed / ampere * 3600.0
    parts = [(up, np.full(records, ampere), time)]
    if hold:
        decay = ampere * np.exp(-np.arange(1, 200) / 60.0)
        parts.append((np.full(199, HIGH), decay, time[-1] + 30.0 * np.arange(1, 200)))
    after = parts[-1][2][-1]
    parts.append(
        (
            np.append(up[::-1], 3.1),
            np.append(np.full(records, -ampere), 0.0),
            after + 1.0 + np.append(time, time[-1] + 60.0),
        )
    )
    voltage, current, time = (np.concatenate(column) for column in zip(*parts, strict=True))
    voltage = voltage + noise * np.random.default_rng(seed).standard_normal(voltage.size)
    if digit:
        voltage = digit * np.round(voltage / digit)
    return schema.build("cycling", {"test_time": time, "voltage": voltage, "current": current})


@pytest.mark.parametrize("half_cycle", [1, 2])
def test_peaks_lie_on_the_plateaus_and_the_area_is_the_charge(half_cycle):
    """Both directions: places within a tenth of a millivolt, heights, and no charge lost by smoothing."""
    result = cycling.incremental_capacity(cell(), half_cycle=half_cycle)
    assert result["peak_1"].value == pytest.approx(3.45, abs=1e-4)
    assert result["peak_2"].value == pytest.approx(3.80, abs=1e-4)
    curves = result.curves
    area = np.trapezoid(curves["incremental_capacity"], curves["voltage"])
    assert area == pytest.approx(stored(np.array([HIGH]))[0], rel=2e-3)
    assert result["charge"].value == pytest.approx(stored(np.array([HIGH]))[0], rel=1e-6)
    for index, (_, width, size) in enumerate(PLATEAUS):
        height = size / width / math.sqrt(2.0 * math.pi) + SLOPE
        assert curves["peak_height"].values[index] == pytest.approx(height, rel=0.02)


def test_the_stated_resolution_is_the_one_that_a_sharp_step_gets():
    """A resolution that the user states is kept: a plateau of width s becomes sqrt(s^2 + h^2) wide."""
    stated = Quantity("resolution", 60.0, None, "mV")
    result = cycling.incremental_capacity(cell(), half_cycle=1, resolution=stated)
    assert result["resolution"].value == pytest.approx(0.060)
    h = 0.060 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
    _, width, size = PLATEAUS[0]
    expected = size / math.hypot(width, h) / math.sqrt(2.0 * math.pi) + SLOPE
    assert result.curves["peak_height"].values[0] == pytest.approx(expected, rel=0.01)


def test_a_resolution_coarser_than_the_features_is_said():
    """At 0.4 V the two plateaus are one hump; the reader of the plot has to know."""
    coarse = Quantity("resolution", 0.4, None, "V")
    result = cycling.incremental_capacity(cell(), half_cycle=1, resolution=coarse)
    assert result.diagnostics["n_peaks"] <= 1
    assert any("33% of the range" in note for note in result.notes)
    sharp = Quantity("resolution", 0.1, None, "V")
    narrow = cycling.incremental_capacity(cell(), half_cycle=1, resolution=sharp)
    assert any("peak_1 is as narrow as the resolution" in note for note in narrow.notes)


def test_the_smoothing_grows_with_the_noise_and_finds_no_peaks_in_it():
    """Derivatives blow up noise; peaks that come and go with the seed are worse than none."""
    widths = []
    for noise in (2e-5, 2e-4, 1e-3):
        for seed in range(5):
            result = cycling.incremental_capacity(cell(noise=noise, seed=seed), half_cycle=1)
            assert result.diagnostics["n_peaks"] == 2
            assert result.diagnostics["voltage_noise"] == pytest.approx(noise, rel=0.15)
        widths.append(result["resolution"].value)
    assert widths[0] < widths[1] < widths[2]


def test_a_coarse_digit_counts_as_noise():
    """A 5 mV converter shows runs of equal voltages, and infinite dQ/dV between them at face value."""
    result = cycling.incremental_capacity(cell(digit=5e-3), half_cycle=1)
    assert result.diagnostics["voltage_noise"] >= 5e-3 / math.sqrt(12.0) * 0.99
    assert result.diagnostics["n_peaks"] == 2
    assert result["peak_1"].value == pytest.approx(3.45, abs=2.5e-3)


def test_a_hold_at_constant_voltage_is_not_a_peak():
    """The charge of a hold at the upper limit belongs to no interval of voltage; a peak there is an artefact."""
    result = cycling.incremental_capacity(cell(hold=True), half_cycle=1)
    assert result["charge"].value == pytest.approx(stored(np.array([HIGH]))[0], rel=0.01)
    assert result.diagnostics["n_peaks"] == 2


def test_differential_voltage_peaks_between_the_plateaus():
    """dV/dQ is largest where one plateau ends and the next begins, here near the charge stored at 3.58 V."""
    result = cycling.differential_voltage(cell(noise=1e-4), half_cycle=1)
    fine = np.linspace(3.5, 3.7, 20001)
    slope = SLOPE + sum(
        size / width / math.sqrt(2.0 * math.pi) * np.exp(-0.5 * ((fine - centre) / width) ** 2)
        for centre, width, size in PLATEAUS
    )
    steepest = float(stored(fine[[np.argmin(slope)]])[0])
    assert result["peak_1"].unit == "A h"
    assert result["peak_1"].value == pytest.approx(steepest, abs=0.01e-3)
    span = np.trapezoid(result.curves["differential_voltage"], result.curves["charge"])
    assert span == pytest.approx(HIGH - LOW, rel=0.02)


@pytest.mark.slow
def test_intervals_of_peaks_hold_the_truth():
    """95 % intervals of a plateau's voltage from noise alone hold it in 93-97 % of 1000 noisy records."""
    held, n = 0, 1000
    for seed in range(n):
        result = cycling.incremental_capacity(cell(noise=1e-3, records=600, seed=seed), half_cycle=1)
        noise = result.budget["peak_1"]["noise"]
        held += abs(result["peak_1"].value - 3.45) <= 1.96 * noise
    assert 0.93 <= held / n <= 0.97, held / n


def test_noise_is_that_of_the_voltmeter_and_not_of_the_course():
    """A curved course without noise has next to none, whatever the sampling."""
    charge = np.linspace(0.0, 1.0, 500) ** 2
    voltage = 3.5 + 0.3 * charge**3
    assert voltage_noise(voltage, charge) < 1e-5


def test_what_cannot_be_differentiated_is_refused():
    """A pulse of ten records, a half cycle that is not there, a resolution in the wrong unit."""
    with pytest.raises(NotAnalysable, match="half cycle 7 is not there"):
        cycling.incremental_capacity(cell(), half_cycle=7)
    with pytest.raises(NotAnalysable, match="records at constant current"):
        cycling.incremental_capacity(cell(records=15), half_cycle=1)
    with pytest.raises(UnitError):
        cycling.incremental_capacity(cell(), half_cycle=1, resolution=Quantity("resolution", 1.0, None, "A h"))
    with pytest.raises(ValueError, match="above 0"):
        cycling.incremental_capacity(cell(), half_cycle=1, resolution=Quantity("resolution", 0.0, None, "V"))


def test_graphite_shows_its_three_stages(corpus):
    """A real Li|graphite cell delithiates near 0.10, 0.14 and 0.22 V (Dahn, Phys. Rev. B 44 (1991) 9170)."""
    name = "cycling/battery-data-format/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv"
    result = cycling.incremental_capacity(il.read(corpus / name), half_cycle=2)
    for index, place in enumerate((0.10, 0.14, 0.22), start=1):
        assert result[f"peak_{index}"].value == pytest.approx(place, abs=0.01)


def test_neware_columns_agree_with_ours(corpus):
    """The same graphite plateaus from another cycler with 1 s clocks and uneven sampling, in both directions."""
    ds = il.read(corpus / "cycling/cellpy/neware_uio.csv")
    down, up = (cycling.incremental_capacity(ds, half_cycle=half) for half in (3, 4))
    # Lithiation plateaus lie below those of delithiation by twice the overpotential of C/17.
    assert down["peak_1"].value < up["peak_1"].value
    assert up["peak_1"].value - down["peak_1"].value < 0.05
