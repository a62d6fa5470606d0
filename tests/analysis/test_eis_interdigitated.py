"""Interdigitated electrodes: cell constants against a Laplace solver and known limits, and the way to sigma."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sparse
import xarray as xr
from scipy.sparse.linalg import spsolve
from scipy.special import ellipk

from interlayer.analysis import Quantity, eis
from interlayer.analysis.eis.film.interdigitated import Interdigitated, comb_conductance, in_plane
from interlayer.analysis.units import UnitError
from interlayer.parsers import schema


def solved(width: float, height: float, electrode: tuple[float, float], ground: str, step: float) -> float:
    """Return conductance over conductivity of a rectangle with an electrode on its floor and one side grounded.

    Finite differences for the Laplace equation on cell centres; all other edges are insulating.
    """
    nx, ny = round(width / step), round(height / step)
    place = np.arange(nx * ny).reshape(nx, ny)
    pairs = np.concatenate(
        [
            np.stack([place[:-1].ravel(), place[1:].ravel()]),
            np.stack([place[:, :-1].ravel(), place[:, 1:].ravel()]),
        ],
        axis=1,
    )
    links = sparse.coo_matrix((np.ones(pairs.shape[1]), pairs), shape=(nx * ny, nx * ny)).tocsr()
    links = links + links.T
    x = (np.arange(nx) + 0.5) * step
    held, grounded = np.zeros(nx * ny), np.zeros(nx * ny)
    held[place[(x > electrode[0]) & (x < electrode[1]), 0]] = 2.0  # half a cell away
    grounded[place[-1 if ground == "right" else 0]] = 2.0
    matrix = sparse.diags(np.asarray(links.sum(axis=1)).ravel() + held + grounded) - links
    return float(grounded @ spsolve(matrix.tocsc(), held))


def extrapolated(*args) -> float:
    """Return the limit of a vanishing step; the edge of an electrode makes an error of first order."""
    *rest, step = args
    return 2 * solved(*rest, step / 2) - solved(*rest, step)


@pytest.mark.parametrize(
    ("gap", "finger", "thickness"), [(10, 10, 2), (10, 10, 10), (4, 16, 2), (12, 4, 6), (10, 10, 20)]
)
def test_against_the_laplace_equation(gap, finger, thickness):
    """The conformal map must solve the field; it does to the 0.3 % of the solver, at any thickness."""
    period = gap + finger
    step = min(gap, finger, thickness) / 24
    inner = extrapolated(period / 2, thickness, (0, finger / 2), "right", step)
    far = gap / 2 + finger + 3 * max(thickness, finger)
    outer = extrapolated(far, thickness, (gap / 2, gap / 2 + finger), "left", step)
    assert comb_conductance(gap, finger, thickness, 2) == pytest.approx(outer / 2, rel=3e-3)
    five = inner + 2 * inner * outer / (inner + outer)
    assert comb_conductance(gap, finger, thickness, 5) == pytest.approx(five, rel=3e-3)


def test_thin_film_limit():
    """A film of 100 nm on 10 um gaps: sigma = w / (R t L (N - 1)), less the turn of the current at the edges."""
    gap, finger, thickness = 10.0, 5.0, 0.1
    edge = 2 * math.log(2) / math.pi * thickness  # on either side of a gap
    for n in (2, 3, 4, 50):
        expected = (n - 1) * thickness / (gap + 2 * edge)
        assert comb_conductance(gap, finger, thickness, n) == pytest.approx(expected, rel=1e-9)
    assert comb_conductance(gap, finger, 1e-4, 10) == pytest.approx(9 * 1e-4 / gap, rel=2e-5)


def test_half_space_limit():
    """Far thicker than a period: the cell constant of Olthuis et al. (1995), K(k) / K(k') with k = sin(pi eta / 2)."""
    gap, finger, n = 6.0, 4.0, 1000
    parameter = math.sin(math.pi / 2 * finger / (gap + finger)) ** 2
    inner = ellipk(parameter) / ellipk(1 - parameter)
    for thickness in (300.0, math.inf):
        assert comb_conductance(gap, finger, thickness, n) / n == pytest.approx(inner / 2, rel=3e-3)


def comb(gap: float = 10.0, finger: float = 10.0, n: int = 20, u: float = 0.02) -> Interdigitated:
    return Interdigitated(
        gap=Quantity("gap", gap, u * gap, "um"),
        finger_width=Quantity("finger_width", finger, u * finger, "um"),
        overlap=Quantity("overlap", 3.0, 0.003, "mm"),
        n_fingers=n,
    )


def spectrum(sigma: float, thickness: float, *, seed: int = 0, gap: float = 10.0, n: int = 20) -> xr.Dataset:
    """Return a film of so many um on a comb, in the thin-film limit, beside 3 pF of stray field."""
    random = np.random.default_rng(seed)
    frequency = np.logspace(6, -1, 71)
    s = 2j * np.pi * frequency
    resistance = (gap + 4 * math.log(2) / math.pi * thickness) * 1e-4 / (sigma * thickness * 1e-4 * 0.3 * (n - 1))
    z = 10 + resistance / (1 + s * resistance * 3e-12) + 1 / (3e-8 * s**0.9)
    z = z * (1 + 0.005 * (random.standard_normal(71) + 1j * random.standard_normal(71)))
    return schema.build("eis", {"frequency": frequency, "impedance": z})


def test_conductivity_and_its_budget():
    """Every length of the comb belongs in the uncertainty, and the substrate's stray field is no permittivity."""
    ds = spectrum(1e-5, 0.2)
    result = eis.in_plane_conductivity(ds, thickness=Quantity("thickness", 200.0, 6.0, "nm"), geometry=comb())
    sigma = result["ionic_conductivity"]
    low, high = sigma.interval95
    assert low < 1e-5 < high
    budget = result.budget["ionic_conductivity"]
    assert set(budget) >= {"fit", "gap", "overlap", "thickness"}  # the finger's width matters in thick films
    assert budget["thickness"] / sigma.value == pytest.approx(0.03, rel=0.03)
    assert budget["gap"] / sigma.value == pytest.approx(0.02, rel=0.03)
    assert "relative_permittivity" not in result
    assert "area_specific_resistance" not in result
    assert result.provenance["arc_1"] == "unknown"
    assert any("substrate counts as insulating" in note for note in result.notes)
    assert not any("gaps thick" in note for note in result.notes)


@pytest.mark.slow
def test_intervals_cover_the_truth():
    """95 % intervals of the in-plane conductivity hold the truth in 93-97 % of 400 films with lengths in error."""
    inside = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        sigma, thickness = 10 ** random.uniform(-6.0, -5.0), random.uniform(0.1, 0.5)
        stated = [value * (1 + 0.02 * random.standard_normal()) for value in (10.0, 10.0)]
        film = Quantity("thickness", 1e3 * thickness * (1 + 0.03 * random.standard_normal()), 30.0 * thickness, "nm")
        result = eis.in_plane_conductivity(
            spectrum(sigma, thickness, seed=seed), thickness=film, geometry=comb(*stated)
        )
        low, high = result["ionic_conductivity"].interval95
        inside += low <= sigma <= high
    assert 0.93 <= inside / 400 <= 0.97, inside / 400


def test_a_thick_film_is_said_to_be():
    """Between thin film and half-space neither formula of the textbooks holds; the reader must see which was taken."""
    geometry = in_plane(comb(gap=5.0), Quantity("thickness", 4.0, 0.1, "um"))
    thin = 5e-4 / (0.3 * 19 * 4e-4)
    assert geometry.cell_constant > 1.2 * thin
    assert any("0.8 gaps thick" in note and "conformal" in note for note in geometry.notes)
    # the film's own thickness matters less than in a thin film, the finger more
    assert -0.9 < geometry.powers["thickness"] < -0.2
    assert geometry.powers["overlap"] == pytest.approx(-1.0, abs=1e-9)
    assert sum(geometry.powers.values()) == pytest.approx(
        -1.0, abs=1e-6
    )  # S times the cell constant scales as 1/length


def test_impossible_combs_are_refused():
    """A comb of one finger, or a gap in square metres, is a slip of the pen."""
    with pytest.raises(ValueError, match="expected 2 or more"):
        comb(n=1)
    with pytest.raises(ValueError, match="above 0"):
        in_plane(comb(gap=0.0), Quantity("thickness", 200.0, 6.0, "nm"))
    with pytest.raises(UnitError):
        in_plane(comb(), Quantity("area", 1.0, 0.1, "cm2"))
