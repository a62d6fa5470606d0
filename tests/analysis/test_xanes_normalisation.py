"""Edge energy and edge step on simulated scans with known truth and on real scans with documented edges."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import xanes
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Result
from interlayer.parsers import read

GRID = np.concatenate([np.arange(2440, 2465, 1.0), np.arange(2465, 2485, 0.2), np.arange(2485, 2555, 1.0)])
EDGE = 2472.337


def scan(mu, energy=GRID, **variables):
    return xr.Dataset(
        {"mu": ("energy", mu, {"units": "1"})}
        | {name: ("energy", values, {"units": "1"}) for name, values in variables.items()},
        coords={"energy": ("energy", energy, {"units": "eV"})},
        attrs={"technique": "xanes"},
    )


def simulated(step=0.7, *, energy=GRID, slope=0.0, noise=0.0, seed=0, white_line=0.8):
    """An arctangent edge at 2472.337 eV with a symmetric white line 3 eV above it, on a line; noise sd in steps."""
    arc = 0.5 + np.arctan((energy - EDGE) / 0.4) / np.pi
    line = white_line * np.exp(-0.5 * ((energy - EDGE - 3.0) / 0.9) ** 2)
    mu = step * (arc + line) + 0.2 + slope * (energy - EDGE)
    return scan(mu + step * noise * np.random.default_rng(seed).normal(size=energy.size), energy)


def test_edge_between_grid_points():
    """A grid of 0.2 eV must not round the edge: larch and Athena give a grid point, a fifth of a volt off."""
    result = xanes.normalise(simulated(white_line=0.0))
    assert result["edge_energy"].value == pytest.approx(EDGE, abs=0.01)
    moved = simulated(white_line=0.0).assign_coords(energy=("energy", GRID + 0.07, {"units": "eV"}))
    assert xanes.normalise(moved)["edge_energy"].value == pytest.approx(EDGE + 0.07, abs=0.01)


def test_step_of_a_known_edge():
    """The tails of the arctangent hide 1 to 2 % of its step from both windows; more than that is an error."""
    result = xanes.normalise(simulated())
    assert result["edge_step"].value == pytest.approx(0.7, rel=0.025)
    assert set(result.budget["edge_step"]) == {"fit", "windows", "slope"}
    assert result.curves is not None
    curves = result.curves
    assert float(curves["mu_normalized"][GRID > 2500].mean()) == pytest.approx(1.0, abs=0.02)
    assert float(curves["mu_normalized"][GRID < 2460].mean()) == pytest.approx(0.0, abs=0.01)


def test_background_that_goes_on_is_no_step():
    """In transmission mu falls by as much as the step over the scan; a level post-edge would halve the step."""
    result = xanes.normalise(simulated(step=0.2, slope=-0.004))
    assert result["edge_step"].value == pytest.approx(0.2, rel=0.05)


def test_level_post_edge_stays_level():
    """In fluorescence the background does not go on: with a level post-edge the step is the plain difference."""
    result = xanes.normalise(simulated(), order=0)
    above = (GRID - result["edge_energy"].value) > (GRID[-1] - result["edge_energy"].value) / 3
    mu = simulated()["mu"].values
    start = GRID[0] - result["edge_energy"].value
    below = (GRID - result["edge_energy"].value) <= start / 3
    line = np.polyfit(GRID[below] - result["edge_energy"].value, mu[below], 1)
    assert result["edge_step"].value == pytest.approx(mu[above].mean() - line[1], rel=1e-9)


def test_shape_does_not_depend_on_gain_and_offset():
    """Normalised absorption is what counts: gain, offset and a slope carried through drop out."""
    plain = xanes.normalise(simulated(), order=1).curves
    ds = simulated()
    other = xanes.normalise(scan(3.0 * ds["mu"].values + 5.0 + 0.01 * (GRID - 2472)), order=1).curves
    np.testing.assert_allclose(other["mu_normalized"], plain["mu_normalized"], atol=0.003)


def test_order_follows_the_range():
    """Order 2 on 80 eV scatters the step by 36 %; the default must not take it."""
    assert xanes.normalise(simulated()).diagnostics["order"] == 0
    assert xanes.normalise(simulated(energy=np.append(GRID, np.arange(2555, 2672, 2.0)))).diagnostics["order"] == 1
    assert xanes.normalise(simulated(energy=np.append(GRID, np.arange(2555, 3072, 4.0)))).diagnostics["order"] == 2


def test_given_edge_is_kept_as_given():
    """A stated edge energy is a fact of the user and gets no uncertainty of ours."""
    edge = xanes.normalise(simulated(), e0=2472.0)["edge_energy"]
    assert (edge.value, edge.stderr, edge.kind) == (2472.0, None, "given")


def test_bad_points_do_not_matter():
    """Aborted scans end in NaN, descending and repeated points happen; the numbers stay."""
    clean = xanes.normalise(simulated())
    mu = np.concatenate([simulated()["mu"].values, [np.nan, -np.inf]])
    dirty = xanes.normalise(scan(mu[::-1], np.append(GRID, [2556.0, 2557.0])[::-1]))
    assert [q.value for q in dirty.quantities] == pytest.approx([q.value for q in clean.quantities], rel=1e-12)


def test_json_holds_everything_but_curves():
    """results.json is made from it."""
    result = xanes.normalise(simulated(noise=0.01))
    assert Result.from_dict(result.to_dict()) == result


@pytest.mark.parametrize(
    ("ds", "words"),
    [
        (scan(np.ones(GRID.size)), "rises nowhere"),
        (simulated().isel(energy=slice(0, 8)), "8 usable points"),
        (simulated().isel(energy=GRID > 2471.0), "3 eV below"),
        (simulated().isel(energy=GRID < 2475.0), "5 eV above"),
        (simulated().expand_dims(scan=[0, 1]), "isel"),
        (simulated().rename(mu="itrans"), "expected one of"),
    ],
)
def test_what_cannot_be_normalised_says_why(ds, words):
    """Too short, no edge, several scans: each is told in words that name the remedy."""
    with pytest.raises(NotAnalysable, match=words):
        xanes.normalise(ds)


@pytest.mark.slow
def test_edge_uncertainty_covers_the_edge():
    """2 % noise: the edge energy lies within its 95 % interval in at least 93 % of 300 scans ."""
    truth = float(xanes.normalise(simulated())["edge_energy"].value)
    inside = []
    for seed in range(300):
        edge = xanes.normalise(simulated(noise=0.02, seed=seed))["edge_energy"]
        inside.append(edge.interval95[0] <= truth <= edge.interval95[1])
    assert np.mean(inside) >= 0.93


# Edge energies that Athena stored in the projects (bkg_e0), kept at its own find of the largest derivative.
ATHENA = (
    ("xanes/xraylarch__FeO.prj", "FeO", 7122.927),
    ("xanes/xraylarch__FeS2.prj", "fes2_rt01_mar02.xmu", 7117.0),
    ("xanes/xraylarch__MnO_bv.prj", "mno.xmu", 6543.348),
    ("xanes/xraylarch__Mn.prj", "MnCl2", 6548.085),
    ("xanes/xraylarch__Mn.prj", "Mn_Oxalate", 6546.823),
    ("xanes/xraylarch__sulfate.prj", "sulfate.003", 2481.2),
)


@pytest.mark.parametrize(("path", "group", "edge"), ATHENA)
def test_edge_of_real_scans_is_athenas(corpus, path, group, edge):
    """Within 0.1 eV, the tolerance of Demeter's own tests, of what Athena stored for the same scan."""
    from interlayer.parsers import read_tree

    tree = read_tree(corpus / path)
    node = next(leaf for leaf in tree.leaves if leaf.name == group)
    assert xanes.normalise(node.to_dataset())["edge_energy"].value == pytest.approx(edge, abs=0.1)


def test_edge_of_a_documented_beamline_file(corpus):
    """Demeter's t/022_filetypes.t has 2473.6 eV (tolerance 0.1) for the fluorescence of this sulfur scan."""
    table = np.loadtxt(corpus / "xanes/xraylarch__APS9BM_2006.dat")
    ds = scan(table[:, 24:29].sum(axis=1) / table[:, 6], table[:, 0])
    assert xanes.normalise(ds)["edge_energy"].value == pytest.approx(2473.6, abs=0.1)


def test_step_of_cadmium_sulfide_scatters_little(corpus):
    """80 eV above the S K edge: moving the windows changes the default step by a few percent, not by 36 as order 2."""
    result = xanes.normalise(read(corpus / "xanes/XASDataLibrary__CdS_rt_01.xdi"))
    assert result.budget["edge_step"]["windows"] < 0.04 * result["edge_step"].value
    assert result["edge_step"].relative < 0.08


@pytest.mark.slow
def test_step_equals_larch():
    """With the same windows and order the step is larch's to rounding: both are the same two linear fits."""
    xafs = pytest.importorskip("larch.xafs", reason="xraylarch is an optional extra: pip install interlayer[xas]")
    from larch import Group

    ds, e0 = simulated(slope=-0.001, noise=0.005), float(GRID[np.argmin(np.abs(GRID - 2472.4))])
    group = Group(energy=GRID, mu=ds["mu"].values)
    # Larch leaves out the last point of a window: 2463 and 2552 eV here.
    xafs.pre_edge(group, e0=e0, pre1=-30.3, pre2=-9.4, norm1=25.7, norm2=79.6, nnorm=1, nvict=0)
    ours = xanes.normalise(ds, e0=e0, pre_edge=(-30.5, -9.9), post_edge=(25.5, 79.1), order=1)
    assert ours["edge_step"].value == pytest.approx(group.edge_step, rel=1e-6)
