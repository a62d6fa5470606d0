"""Rate tests: blocks by current, capacity of each, recovery, and what the intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.analysis import Quantity, cycling
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema

NOMINAL = Quantity("nominal_capacity", 1.0, None, "mA h")
RATES = [0.1] * 4 + [0.5] * 4 + [2.0] * 4 + [0.1] * 4
TRUE = {0.1: 1.00e-3, 0.5: 0.90e-3, 2.0: 0.60e-3}
RECOVERED = 0.98


def rate_test(
    rates: list[float] = RATES, *, noise: float = 0.0, scatter: float = 0.0, gain: float = 0.0, offset: float = 0.0,
    first: float = 0.0, seed: int = 0,
) -> xr.Dataset:  # fmt: skip
    """Return a record that charges at C/5 and discharges at the given rates of 1 mA h, with 40 records a half cycle.

    The cycler regulates what it measures, so the time of a half cycle follows from the true current
    ``(set - offset) / (1 + gain)``. `first` is what the first cycle of a block loses, relative.
    """
    random = np.random.default_rng(seed)
    time, current, now, before, changes = [], [], 0.0, None, 0
    for rate in rates:
        changes += before is not None and rate != before
        loss = first if rate != before else 0.0
        capacity = TRUE[rate] * (RECOVERED if changes >= 3 else 1.0) * (1.0 - loss)
        capacity *= 1.0 + scatter * random.standard_normal()
        before = rate
        for set_point in (0.2e-3, -rate * 1e-3):
            true = abs((set_point - offset) / (1.0 + gain))
            time.append(now + np.linspace(0.0, 3600.0 * capacity / true, 40))
            current.append(set_point * (1.0 + noise * random.standard_normal(40)))
            now = time[-1][-1] + 1e-3
    time, current = np.concatenate([*time, [now, now + 600.0]]), np.concatenate([*current, [0.0, 0.0]])
    voltage = np.where(current > 0, 4.2, np.where(current < 0, 3.0, 3.6))
    return schema.build("cycling", {"test_time": time, "voltage": voltage, "current": current})


def test_blocks_capacities_and_recovery_of_a_known_cell():
    """The figure of every rate paper: capacity by C-rate, and what comes back."""
    result = cycling.rate_capability(rate_test(first=0.05), cell_type="full", reference_capacity=NOMINAL)
    np.testing.assert_allclose(result.curves["c_rate"], [0.1, 0.5, 2.0, 0.1], rtol=1e-9)
    np.testing.assert_allclose(result.curves["capacity"], [1.0e-3, 0.9e-3, 0.6e-3, 0.98e-3], rtol=1e-6)
    np.testing.assert_array_equal(result.curves["n_cycles"], [3, 3, 3, 3])
    assert result["capacity_at_highest_rate"].value == pytest.approx(0.6, rel=1e-6)
    assert result["capacity_recovery"].value == pytest.approx(RECOVERED, rel=1e-6)
    assert "block 3: 0.002 A (2 C), cycles 10 to 12, n = 3, 1 before left to settle" in result.notes


def test_noise_of_the_current_does_not_split_a_rate():
    """A cycler at the end of its range logs a current that flickers by 3 %; that is one rate, not sixteen."""
    result = cycling.rate_capability(rate_test(noise=0.03), cell_type="full")
    assert result.curves.sizes["block"] == 4


def test_mass_divides_and_its_uncertainty_is_in_the_capacity_only():
    """A balance error moves all capacities together and leaves the recovery alone."""
    mass = Quantity("active_mass", 5.0, 0.25, "mg")
    result = cycling.rate_capability(rate_test(), cell_type="full", active_mass=mass)
    assert result["capacity_1"].value == pytest.approx(200.0, rel=1e-6)
    assert result["capacity_1"].unit == "mA h g-1"
    assert result["capacity_1"].relative == pytest.approx(0.05, rel=0.01)
    assert result["capacity_recovery"].relative < 1e-3


def test_one_rate_is_no_rate_test():
    """Long cycling at C/10 has no rate capability; a single bar would claim one."""
    with pytest.raises(NotAnalysable, match="found 1 rates"):
        cycling.rate_capability(rate_test([0.1] * 6), cell_type="full")
    with pytest.raises(NotAnalysable, match="symmetric"):
        cycling.rate_capability(rate_test(), cell_type="symmetric")


def test_without_return_to_the_first_rate_there_is_no_recovery():
    """The recovery needs the first rate twice."""
    result = cycling.rate_capability(rate_test([0.1] * 3 + [0.5] * 3), cell_type="full")
    assert "capacity_recovery" not in result
    assert any("no recovery" in note for note in result.notes)


@pytest.mark.slow
@pytest.mark.parametrize("calibrated", [True, False], ids=["calibrated", "data sheet"])
def test_intervals_hold_the_truth(calibrated):
    """95 % intervals of capacity and recovery hold the truth in 93-97 % of 1000 cells with gain, offset and scatter.

    A calibration states normal errors; a data sheet, the default, limits between which all are as probable.
    """
    random, held, n = np.random.default_rng(4), np.zeros(2), 1000
    stated = cycling.Accuracy(current_gain=6e-4, current_offset=Quantity("current_offset", 0.0, 6e-7, "A"))
    for seed in range(n):
        gain, offset = random.standard_normal(2) if calibrated else np.sqrt(3.0) * random.uniform(-1.0, 1.0, 2)
        record = rate_test(scatter=3e-3 if calibrated else 1e-3, gain=6e-4 * gain, offset=6e-7 * offset, seed=seed)
        result = cycling.rate_capability(record, cell_type="full", accuracy=stated if calibrated else None)
        for index, (name, true) in enumerate((("capacity_1", TRUE[0.1]), ("capacity_recovery", RECOVERED))):
            low, high = result[name].interval95
            held[index] += low <= true <= high
    assert np.all((held / n >= 0.93) & (held / n <= 0.97)), held / n


def test_neware_graphite_cell_at_two_rates(corpus):
    """A real file: neware_uio.csv delithiates at 0.25 mA in three cycles, then at 0.99 mA."""
    result = cycling.rate_capability(il.read(corpus / "cycling/cellpy/neware_uio.csv"), cell_type="anode_half")
    # Largest Chg. Cap.(Ah) of the file's cycles 2 and 3; column Current(A). That of step 13, at 0.99 mA.
    np.testing.assert_allclose(result.curves["current"], [2.486e-4, 9.917e-4], rtol=1e-3)
    np.testing.assert_allclose(result.curves["capacity"], [(4.24668e-3 + 4.24183e-3) / 2, 3.5929e-3], rtol=1e-4)
    assert result["capacity_at_highest_rate"].value == pytest.approx(3.5929 / 4.2443, rel=1e-3)


def test_neware_pouch_cell_with_broken_clock(corpus):
    """A published rate test whose clock falls to 0 for one row of each step: five rates, no charge lost or invented."""
    name = "cycling/battery-data-format/SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug.bdf.csv"
    ds = il.read(corpus / name)
    expected = []
    for step in np.unique(ds["vendor_step"]):
        time, current = (ds[key].values[ds["vendor_step"].values == step][1:] for key in ("test_time", "current"))
        if np.median(current) < -0.1:
            expected.append(np.trapezoid(-current, time) / 3600.0)
    nominal = Quantity("nominal_capacity", 6.55, None, "A h")
    result = cycling.rate_capability(ds, cell_type="full", reference_capacity=nominal)
    np.testing.assert_allclose(result.curves["c_rate"], [0.1, 1.0, 2.0, 5.0, 9.08], rtol=2e-3)
    np.testing.assert_allclose(result.curves["capacity"], expected, rtol=1e-4)
