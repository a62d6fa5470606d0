"""Conductivity and contact resistance from a thickness series: York's benchmark, coverage, limits, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlayer.analysis import Quantity, Result, eis
from interlayer.analysis.eis.series.straight_line import straight_line
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.units import UnitError

# Pearson's points (1901) with York's weights (1966), the standard test of lines with errors in both coordinates.
PEARSON_X = np.array([0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4])
PEARSON_Y = np.array([5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5])
WEIGHT_X = np.array([1000.0, 1000.0, 500.0, 800.0, 200.0, 80.0, 60.0, 20.0, 1.8, 1.0])
WEIGHT_Y = np.array([1.0, 1.8, 4.0, 8.0, 20.0, 20.0, 70.0, 70.0, 100.0, 500.0])


def resistances(values, stderrs) -> list[Quantity]:
    return [Quantity("area_specific_resistance", v, u, "ohm cm2") for v, u in zip(values, stderrs, strict=True)]


def thicknesses(values, stderrs) -> list[Quantity]:
    return [Quantity("thickness", v, u, "nm") for v, u in zip(values, stderrs, strict=True)]


def test_pearsons_data_with_yorks_weights():
    """Intercept 5.47991, slope -0.480533, their errors 0.29497 and 0.057985 and chi-square 11.8664 are published.

    York et al. 2004 (slope, intercept, errors), Cantrell 2008 (ten digits; doi 10.5194/acp-8-5477-2008).
    """
    line = straight_line(PEARSON_X, PEARSON_Y, WEIGHT_X**-0.5, WEIGHT_Y**-0.5)
    assert line.value(0.0) == pytest.approx(5.479910224, abs=5e-9)
    assert line.slope == pytest.approx(-0.480533407, abs=5e-9)
    assert line.chi_square == pytest.approx(11.8663531941, rel=1e-9)
    assert math.sqrt(line.slope_variance) == pytest.approx(0.057985, abs=1e-6)
    assert line.spread(0.0) / math.sqrt(line.variance_factor) == pytest.approx(0.294971, abs=1e-6)


def test_correlated_errors_of_one_point_enter():
    """Where an error moves a point along the line, it costs nothing: with full correlation the slope is exact."""
    x = np.linspace(1.0, 2.0, 6)
    spread = np.full(6, 0.1)
    along = straight_line(x, 3.0 * x, spread, 3.0 * spread + 1e-6, 3.0 * spread**2 * (1 - 1e-9))
    across = straight_line(x, 3.0 * x, spread, 3.0 * spread + 1e-6)
    assert along.slope_variance < 1e-5 * across.slope_variance


def test_series_by_the_normal_equations():
    """With exact thicknesses the line is the weighted one of any textbook."""
    d, asr, u = np.array([40.0, 80.0, 150.0, 300.0]), np.array([9.2, 13.1, 19.8, 35.3]), np.array([0.2, 0.3, 0.4, 0.7])
    result = eis.thickness_series(resistances(asr, u), thicknesses(d, [None] * 4))
    design = np.stack([np.ones(4), d * 1e-7], axis=1) / u[:, None]
    covariance = np.linalg.inv(design.T @ design)
    contact, slope = covariance @ design.T @ (asr / u)
    sigma = result["ionic_conductivity"]
    inflation = math.sqrt(max(1.0, result.diagnostics["reduced_chi_square"]))
    assert sigma.value == pytest.approx(1 / slope, rel=1e-9)
    assert sigma.relative == pytest.approx(inflation * math.sqrt(covariance[1, 1]) / slope, rel=1e-9)
    assert result["contact_resistance"].value == pytest.approx(contact, rel=1e-9)
    assert result["contact_resistance"].stderr == pytest.approx(inflation * math.sqrt(covariance[0, 0]), rel=1e-9)
    expected = -covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])
    assert result.correlation[0][1] == pytest.approx(expected, rel=1e-6)
    assert Result.from_dict(result.to_dict()) == result


def simulated(
    seed: int,
    *,
    sigma: float,
    contact: float,
    stated: bool = True,
    films: tuple[int, int] = (5, 8),
    too_small: float = 1,
) -> Result:
    """Return the result of a few films, area and three uncertainties drawn; without stated ones all films are alike."""
    random = np.random.default_rng(seed)
    n = int(random.integers(films[0], films[1] + 1))
    d = np.linspace(random.uniform(20, 60), random.uniform(200, 400), n)
    noise, own, scale, area = (random.uniform(0.01, 0.04) for _ in range(4))
    if stated:
        asr = (contact + 1e-7 * d / sigma) * (1 + noise * random.standard_normal(n))
        asr = asr * (1 + area * random.standard_normal())
        stderrs = list(np.hypot(noise / too_small, area) * asr)
    else:
        asr = contact + 1e-7 * d / sigma + noise * 0.5e-7 * d.max() / sigma * random.standard_normal(n)
        asr = asr * (1 + area * random.standard_normal())
        stderrs, own = [None] * n, 0.001
    shown = d * (1 + own * random.standard_normal(n)) * (1 - scale * random.standard_normal())
    return eis.thickness_series(
        resistances(asr, stderrs),
        thicknesses(shown, list(np.hypot(own / too_small, scale) * shown)),
        shared_relative_uncertainty=area,
        shared_thickness_uncertainty=scale,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stated", "films", "too_small"),
    [
        pytest.param(True, (4, 8), 1, id="stated"),
        pytest.param(False, (4, 8), 1, id="from scatter"),
        pytest.param(True, (4, 8), 2, id="stated at half"),
        pytest.param(True, (4, 8), 4, id="stated at a quarter"),
    ],
)
def test_intervals_cover_the_truth(stated, films, too_small):
    """95 % intervals of conductivity and contact resistance hold the truth in 93-97 % of 2500 series.

    The area of the mask and the scale of the thickness err in each series. The standard deviation of the share is
    0.4 % for 2500 draws.
    """
    sigma, contact = 1e-6, 6.0
    inside = []
    for seed in range(2500):
        result = simulated(seed, sigma=sigma, contact=contact, stated=stated, films=films, too_small=too_small)
        (low, high), (least, most) = (result[n].interval95 for n in ("ionic_conductivity", "contact_resistance"))
        inside.append((low <= sigma <= high, least <= contact <= most))
    share = np.mean(inside, axis=0)
    assert np.all((share >= 0.93) & (share <= 0.97)), share


@pytest.mark.slow
def test_an_unresolved_slope_gives_a_limit():
    """1e-3 S/cm adds 0.03 ohm cm2 to a contact of 50: a limit in >= 95 % of 500 series, true in >= 95 %."""
    limits = holding = 0
    for seed in range(500):
        found = simulated(seed, sigma=1e-3, contact=50.0)["ionic_conductivity"]
        limits += found.relation == ">"
        holding += found.relation == ">" and found.value < 1e-3
    assert limits >= 475, limits
    assert holding >= 0.95 * limits, (holding, limits)


def test_a_common_scale_of_thickness_spares_the_contact_resistance():
    """An ellipsometer that reads 5 % too much moves the conductivity by 5 % and the intercept not at all."""
    d, asr = np.array([50.0, 100.0, 200.0, 300.0]), np.array([9.1, 14.2, 23.8, 34.1])
    own = eis.thickness_series(resistances(asr, [0.2] * 4), thicknesses(d, 0.02 * d))
    whole = eis.thickness_series(
        resistances(asr, [0.2] * 4), thicknesses(d, np.hypot(0.02, 0.05) * d), shared_thickness_uncertainty=0.05
    )
    assert whole["contact_resistance"].stderr == pytest.approx(own["contact_resistance"].stderr, rel=1e-9)
    assert whole["ionic_conductivity"].relative == pytest.approx(
        math.hypot(own["ionic_conductivity"].relative, 0.05), rel=1e-9
    )
    parts = whole.budget["ionic_conductivity"]
    assert math.hypot(*parts.values()) == pytest.approx(whole["ionic_conductivity"].stderr, rel=1e-9)


def test_the_area_of_the_mask_enters_once():
    """A mask that is 5 % too wide makes all films conduct 5 % worse; eight films do not average that away."""
    d = np.linspace(50.0, 400.0, 8)
    asr = 6.0 + 0.1 * d
    own = eis.thickness_series(resistances(asr, 0.02 * asr), thicknesses(d, 0.01 * d))
    whole = eis.thickness_series(
        resistances(asr, np.hypot(0.02, 0.05) * asr), thicknesses(d, 0.01 * d), shared_relative_uncertainty=0.05
    )
    sigma, contact = whole["ionic_conductivity"], whole["contact_resistance"]
    assert sigma.value == pytest.approx(own["ionic_conductivity"].value, rel=1e-9)
    assert sigma.relative == pytest.approx(math.hypot(own["ionic_conductivity"].relative, 0.05), rel=1e-9)
    assert contact.stderr == pytest.approx(math.hypot(own["contact_resistance"].stderr, 0.05 * contact.value), rel=1e-9)
    for quantity in (sigma, contact):
        assert math.hypot(*whole.budget[quantity.name].values()) == pytest.approx(quantity.stderr, rel=1e-9)
    # Both parts by hand: cov(ln sigma, R) = own correlation less 0.05 squared times R.
    own_part = own.correlation[0][1] * own["ionic_conductivity"].relative * own["contact_resistance"].stderr
    expected = (own_part - 0.05**2 * contact.value) / (sigma.relative * contact.stderr)
    assert whole.correlation[0][1] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(NotAnalysable, match="said to share"):
        eis.thickness_series(resistances(asr, 0.02 * asr), thicknesses(d, 0.01 * d), shared_relative_uncertainty=0.05)


def test_scatter_is_shown_and_enlarges():
    """Films that do not lie on a line (another phase, pinholes) must not give a confident slope."""
    d, asr = np.array([50.0, 100.0, 200.0, 300.0, 400.0]), np.array([9.1, 17.0, 20.0, 38.0, 40.0])
    result = eis.thickness_series(resistances(asr, [0.2] * 5), thicknesses(d, 0.01 * d))
    free = eis.thickness_series(resistances(asr, [None] * 5), thicknesses(d, 0.01 * d))
    assert result.diagnostics["reduced_chi_square"] > 10
    assert any("enlarged" in note for note in result.notes)
    assert result["ionic_conductivity"].relative == pytest.approx(free["ionic_conductivity"].relative, rel=0.3)


def test_pinholes_show_as_a_negative_contact_resistance():
    """Thin films that conduct too well pull the line below zero, and the user must hear what that means."""
    d = np.array([50.0, 100.0, 200.0, 300.0])
    result = eis.thickness_series(resistances(0.1 * d - 3.0, [0.1] * 4), thicknesses(d, 0.001 * d))
    assert result["contact_resistance"].value < 0
    assert any("pinholes" in note for note in result.notes)


def test_what_cannot_be_analysed_says_so():
    """No line through two films, one thickness, a limit, mixed weights, or ohm instead of ohm cm2."""
    d, asr = thicknesses([50.0, 100.0, 200.0], [1.0] * 3), resistances([5.0, 10.0, 20.0], [0.1] * 3)
    with pytest.raises(NotAnalysable, match="found 2 points"):
        eis.thickness_series(asr[:2], d[:2])
    with pytest.raises(NotAnalysable, match="one place"):
        eis.thickness_series(asr, thicknesses([100.0] * 3, [1.0] * 3))
    with pytest.raises(NotAnalysable, match="1 of 3 points"):
        eis.thickness_series([*asr[:2], *resistances([20.0], [None])], d)
    with pytest.raises(NotAnalysable, match="3 resistances of 2"):
        eis.thickness_series(asr, d[:2])
    limit = Quantity("area_specific_resistance", 20.0, None, "ohm cm2", relation="<")
    with pytest.raises(NotAnalysable, match="is a limit"):
        eis.thickness_series([*asr[:2], limit], d)
    with pytest.raises(UnitError):
        eis.thickness_series([Quantity("ionic_resistance", 5.0, 0.1, "ohm")] * 3, d)
    with pytest.raises(ValueError, match="above 0"):
        eis.thickness_series(asr, thicknesses([0.0, 100.0, 200.0], [1.0] * 3))
