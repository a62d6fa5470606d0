"""Pooled efficiency of plated lithium: Aurbach's protocol, what cancels, and whether the interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity, cycling
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema

AMPERE = 0.5e-3


def plated(
    steps: list[tuple[float, float]],
    *,
    gain: float = 0.0,
    offset: float = 0.0,
    wander: float = 0.0,
    seed: int = 0,
) -> xr.Dataset:
    """Return the record of true (plated, stripped) A h of a collector against lithium: it plates on discharge."""
    random = np.random.default_rng(seed)
    time, current, voltage, now = [], [], [], 0.0
    for pair in steps:
        for charge, set_point in zip(pair, (-AMPERE, AMPERE), strict=True):
            true = abs((set_point - offset) / (1.0 + gain + wander * random.standard_normal()))
            elapsed = np.linspace(0.0, 3600.0 * charge / true, 40)
            time.append(now + elapsed)
            current.append(np.full(40, set_point))
            voltage.append(np.full(40, 0.04 * np.sign(set_point)))
            if set_point > 0 and charge != 1e-3:
                voltage[-1][-1] = 1.0
            now += elapsed[-1] + 1e-3
    values = {
        "test_time": [*time, [now, now + 600.0]],
        "current": [*current, [0.0, 0.0]],
        "voltage": [*voltage, [0.5, 0.4]],
    }
    return schema.build("cycling", {name: np.concatenate(parts) for name, parts in values.items()})


RESERVOIR = [(5e-3, 4.8e-3), (5e-3, 1e-3), *[(1e-3, 1e-3)] * 9, (1e-3, 4.7e-3)]


def test_aurbachs_protocol_gives_the_average_efficiency():
    """(n Qc + Qs) / (n Qc + QT) of Adams et al. 2018, with a reservoir of 5 mA h, ten cycles of 1 and 4.7 left."""
    result = cycling.pooled_efficiency(plated(RESERVOIR), cell_type="anode_half", from_cycle=2)
    assert result["coulombic_efficiency_pooled"].value == pytest.approx((10 * 1.0 + 4.7) / (10 * 1.0 + 5.0), rel=1e-6)
    assert result["cycles"].value == 11
    assert result["charge_plated"].value == pytest.approx(15e-3, rel=1e-6)
    whole = cycling.pooled_efficiency(plated(RESERVOIR), cell_type="anode_half")
    assert whole["coulombic_efficiency_pooled"].value == pytest.approx((4.8 + 14.7) / 20.0, rel=1e-6)


def test_an_anode_free_cell_plates_on_charge():
    """A cathode against a bare collector plates on charge; the ratio must not turn over."""
    ds = plated([(1e-3, 0.97e-3)] * 6)
    turned = ds.assign(current=-ds["current"], voltage=3.8 - ds["voltage"])
    result = cycling.pooled_efficiency(turned, cell_type="anode_free")
    assert result["coulombic_efficiency_pooled"].value == pytest.approx(0.97, rel=1e-6)
    with pytest.raises(ValueError, match="anode_half"):
        cycling.pooled_efficiency(ds, cell_type="full")


def test_gain_cancels_and_the_offset_does_not_average_out():
    """99.0 % from a hundred cycles is no better than the offset: 1 uA on 0.5 mA is 0.4 %, however many there are."""
    accuracy = cycling.Accuracy(current_gain=0.05, current_offset=Quantity("current_offset", 0.0, 1e-6, "A"))
    for cycles in (4, 100):
        ds = plated([(1.0e-3, 0.99e-3)] * cycles)
        result = cycling.pooled_efficiency(ds, cell_type="anode_half", accuracy=accuracy)
        assert result["coulombic_efficiency_pooled"].relative == pytest.approx(2 * 1e-6 / AMPERE, rel=0.01)
        assert result["charge_plated"].relative == pytest.approx(0.05, rel=0.01)


def test_a_sum_over_a_gap_is_refused():
    """A cycle of which a part was not recorded would be missing lithium."""
    ds = plated([(1.0e-3, 0.98e-3)] * 6)
    with pytest.raises(NotAnalysable, match="would not be whole"):
        cycling.pooled_efficiency(ds.drop_isel(record=np.arange(170, 190)), cell_type="anode_half")
    with pytest.raises(NotAnalysable, match="no cycle from 99 on"):
        cycling.pooled_efficiency(ds, cell_type="anode_half", from_cycle=99)


@pytest.mark.slow
def test_the_interval_holds_the_truth():
    """95 % intervals hold the true efficiency in 93-97 % of 1000 cells on cyclers of which only limits are known."""
    held = 0
    for seed in range(1000):
        random = np.random.default_rng(seed)
        stripped = 1e-3 * random.uniform(0.93, 0.99, 8)
        ds = plated(
            [(1e-3, float(back)) for back in stripped],
            gain=np.sqrt(3.0) * 6e-4 * random.uniform(-1, 1),
            offset=np.sqrt(3.0) * 3e-4 * AMPERE * random.uniform(-1, 1),
            wander=1e-4,
            seed=seed + 1000,
        )
        low, high = cycling.pooled_efficiency(ds, cell_type="anode_half")["coulombic_efficiency_pooled"].interval95
        held += low <= stripped.sum() / 8e-3 <= high
    assert 0.93 <= held / 1000 <= 0.97, held
