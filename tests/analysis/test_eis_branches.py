"""Heating and cooling of one sample: which point belongs to which run, and whether the runs differ."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlayer.analysis import Quantity, Result, eis
from interlayer.analysis.errors import NotAnalysable

BOLTZMANN = 8.617333262e-5  # eV/K, exact in the SI of 2019
UP = np.array([300.0, 315.0, 330.0, 345.0, 360.0])
KELVIN = np.concatenate([UP, UP[-2::-1]])


def temperatures(kelvin, stderr=0.3) -> list[Quantity]:
    return [Quantity("temperature", t, stderr, "K") for t in kelvin]


def series(seed: int, *, fall: float = 0.0, change: float = 0.0, stated: bool = True) -> Result:
    """Return the result of a run up and down, in which cooling is lower by `fall` (ln) and steeper by `change` (eV)."""
    random = np.random.default_rng(seed)
    cooled = np.arange(KELVIN.size) >= UP.size
    lower = fall + change / BOLTZMANN * (1 / KELVIN - 1 / 360.0)
    sigma = 3e4 / KELVIN * np.exp(-0.55 / (BOLTZMANN * KELVIN) - lower * cooled)
    sigma = sigma * np.exp(0.02 * random.standard_normal(KELVIN.size) + 0.05 * random.standard_normal())
    whole = [math.hypot(0.02, 0.05) * s if stated else None for s in sigma]
    shown = temperatures(KELVIN + 0.3 * random.standard_normal(KELVIN.size), 0.3 if stated else None)
    return eis.arrhenius(
        [Quantity("ionic_conductivity", s, u, "S cm-1") for s, u in zip(sigma, whole, strict=True)],
        shown,
        shared_relative_uncertainty=0.05,
        branches=eis.heating_and_cooling(temperatures(KELVIN)),
    )


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        ((30, 60, 90, 60, 30), "heating heating heating cooling cooling"),
        ((90, 60, 30, 60, 90), "cooling cooling cooling heating heating"),
        ((30, 60, 60, 30, 60, 90, 30), "heating heating heating cooling heating_2 heating_2 cooling_2"),
    ],
)
def test_the_order_of_temperatures_tells_the_runs(celsius, expected):
    """The point at a turn belongs to the run that leads there; a repeated temperature is no turn."""
    assert eis.heating_and_cooling([Quantity("temperature", t, None, "degC") for t in celsius]) == tuple(
        expected.split()
    )


def test_a_sample_that_changed_has_two_activation_energies():
    """A film that loses water on heating comes back lower: the line through both is no property of it."""
    result = series(1, fall=0.4, change=0.06)
    assert result.diagnostics["branch_p_value"] < 1e-6
    for name, energy in (("heating", 0.55), ("cooling", 0.61)):
        low, high = result[f"activation_energy_{name}"].interval95
        assert low < energy < high
        assert f"ionic_conductivity_{name}" in result
        assert math.hypot(*result.budget[f"ionic_conductivity_{name}"].values()) == pytest.approx(
            result[f"ionic_conductivity_{name}"].stderr, rel=1e-9
        )
    assert any("heating and cooling differ beyond their uncertainties" in note for note in result.notes)
    assert list(result.curves["branch"].values) == ["heating"] * 5 + ["cooling"] * 4
    assert Result.from_dict(result.to_dict()) == result


def test_a_branch_alone_gives_the_same_line():
    """What the result says of heating is what the heating points say on their own."""
    kelvin = temperatures(KELVIN)
    sigma = 3e4 / KELVIN * np.exp(-0.55 / (BOLTZMANN * KELVIN)) * np.where(np.arange(9) < 5, 1.0, 0.5)
    sigma = sigma * np.exp(0.02 * np.random.default_rng(2).standard_normal(9))
    stated = [Quantity("ionic_conductivity", s, 0.03 * s, "S cm-1") for s in sigma]
    both = eis.arrhenius(stated, kelvin, branches=eis.heating_and_cooling(kelvin))
    alone = eis.arrhenius(stated[:5], kelvin[:5])
    for name in ("activation_energy", "ionic_conductivity"):
        found, expected = both[f"{name}_heating"], alone[name]
        assert (found.value, found.stderr) == pytest.approx((expected.value, expected.stderr), rel=1e-9)
        assert found.interval95 == pytest.approx(expected.interval95, rel=1e-9)


def test_runs_that_agree_share_one_line():
    """A stable film has one activation energy, from all points, and the note says that the runs were compared."""
    result = series(3)
    assert [q.name for q in result.quantities] == ["activation_energy", "ionic_conductivity", "prefactor"]
    assert result.diagnostics["branch_p_value"] > 0.05
    assert any("heating and cooling agree" in note for note in result.notes)
    assert result.correlation is not None


@pytest.mark.slow
@pytest.mark.parametrize("stated", [True, False])
def test_like_runs_are_called_different_in_5_percent(stated):
    """The F test is honest: 2 to 7 % of 1000 stable films, and >= 95 % of films that came back 15 % lower.

    The standard deviation of the first share is 0.7 %. Uncertainties that are stated can only be enlarged by scatter,
    which makes the test a little too lenient.
    """
    found = [series(seed, stated=stated).diagnostics["branch_p_value"] < 0.05 for seed in range(1000)]
    assert 0.02 <= np.mean(found) <= 0.07, np.mean(found)
    seen = [series(seed, fall=0.15, stated=stated).diagnostics["branch_p_value"] < 0.05 for seed in range(100)]
    assert np.mean(seen) >= 0.95, np.mean(seen)


def test_what_cannot_be_analysed_says_so():
    """Labels that do not fit the points, a branch of two points, one branch, and a temperature that never changes."""
    sigma = [Quantity("ionic_conductivity", 1e-6 * (1 + n), None, "S cm-1") for n in range(9)]
    kelvin = temperatures(KELVIN)
    with pytest.raises(NotAnalysable, match="found 2 branches for 9"):
        eis.arrhenius(sigma, kelvin, branches=("heating", "cooling"))
    with pytest.raises(NotAnalysable, match="'cooling' has 2 temperatures"):
        eis.arrhenius(sigma[:7], kelvin[:7], branches=("heating",) * 5 + ("cooling",) * 2)
    with pytest.raises(NotAnalysable, match="one branch 'heating'"):
        eis.arrhenius(sigma, kelvin, branches=("heating",) * 9)
    with pytest.raises(NotAnalysable, match="neither heating nor cooling"):
        eis.heating_and_cooling(temperatures([300.0, 300.0]))


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        ((25.0, 26.5, 28.0, 29.5, 28.0, 26.5, 25.0), "hhhhccc"),  # a ramp in steps smaller than the least
        ((30.0, 29.0, 60.0, 59.2, 90.0, 60.0, 30.5, 29.9), "hhhhhccc"),  # a thermostat that wanders is no turn
    ],
)
def test_small_steps_add_up_and_wander_is_no_turn(celsius, expected):
    """With a tolerance slow ramps must still count, and a set point that is missed by a degree must not split a run."""
    temperatures = [Quantity("temperature", value, 0.5, "degC") for value in celsius]
    found = eis.heating_and_cooling(temperatures, least_step=2.0)
    assert "".join(way[0] for way in found) == expected
    assert set(found) == {"heating", "cooling"}
