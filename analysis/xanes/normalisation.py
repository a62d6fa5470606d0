"""Normalisation: pre-edge line, post-edge polynomial, edge step, with the uncertainty that the windows bring."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from .edge import edge_energy
from .scan import Array, Scan, absorption_scan

# Energies of the polynomials are counted in this unit (eV) from the edge, so that the design is well conditioned.
_SCALE = 100.0
# How the ends of the windows are moved to see what the choice of windows is worth.
_PRE_START, _PRE_END, _POST_START, _POST_END = (1.0, 0.8), (0.8, 1.2), (0.75, 1.0, 1.33), (1.0, 0.85, 0.7)


@dataclass(frozen=True)
class Windows:
    """Where the background is fitted, in eV from the edge energy, and the shape of the post-edge curve.

    Parameters
    ----------
    pre_edge, post_edge : tuple of float
        Start and end.
    order : int
        Order of the post-edge polynomial.
    parallel : bool
        For order 0, whether the post-edge runs parallel to the pre-edge line instead of level.
    """

    pre_edge: tuple[float, float]
    post_edge: tuple[float, float]
    order: int
    parallel: bool = False

    def jittered(self) -> Iterator[Windows]:
        """Yield 36 windows as reasonable as these."""
        for start, end, begin, stop in itertools.product(_PRE_START, _PRE_END, _POST_START, _POST_END):
            pre = (self.pre_edge[0] * start, self.pre_edge[1] * end)
            yield replace(self, pre_edge=pre, post_edge=(self.post_edge[0] * begin, self.post_edge[1] * stop))


@dataclass(frozen=True)
class Background:
    """The fitted background: two polynomials about the edge.

    Parameters
    ----------
    coefficients : ndarray
        Pre-edge constant and slope, then post-edge constant and higher terms; energies in 100 eV from `e0`.
    covariance : ndarray
        Of the coefficients, from the noise alone.
    e0 : float
        Edge energy in eV.
    """

    coefficients: Array
    covariance: Array
    e0: float

    @property
    def step(self) -> float:
        """Difference between the post-edge and the pre-edge curve at the edge."""
        return float(self.coefficients[2] - self.coefficients[0])

    @property
    def step_stderr(self) -> float:
        """Standard uncertainty of the step from the noise."""
        cov = self.covariance
        return math.sqrt(max(cov[0, 0] + cov[2, 2] - 2.0 * cov[0, 2], 0.0))

    def pre_edge(self, energy: Array) -> Array:
        """Return the pre-edge line at `energy`."""
        return _polynomial((energy - self.e0) / _SCALE, self.coefficients[:2])

    def post_edge(self, energy: Array) -> Array:
        """Return the post-edge curve, continued below the edge."""
        return _polynomial((energy - self.e0) / _SCALE, self.coefficients[2:])


def normalise(
    ds: xr.Dataset,
    *,
    e0: float | None = None,
    pre_edge: tuple[float, float] | None = None,
    post_edge: tuple[float, float] | None = None,
    order: int | None = None,
) -> Result:
    r"""Normalise an absorption scan to an edge step of one.

    .. math:: \mu_n(E) = \frac{\mu(E) - p(E)}{\Delta\mu}, \qquad \Delta\mu = q(E_0) - p(E_0)

    with a straight pre-edge line :math:`p` and a post-edge polynomial :math:`q`, each fitted over its own window.

    Parameters
    ----------
    ds : xarray.Dataset
        One scan of technique ``xanes``. Of several signals the first of mu, mu_transmission, mu_fluorescence,
        mu_electron_yield is taken.
    e0 : float, optional
        Edge energy in eV; left out, it is found where the absorption rises fastest.
    pre_edge : tuple of float, optional
        Window of the pre-edge in eV from the edge, both negative. Default: from the start of the scan, at most 200 eV
        below the edge, to a third of that, at most 30 eV, so that pre-edge peaks stay outside.
    post_edge : tuple of float, optional
        Window of the post-edge in eV from the edge. Default: from a third of the range above the edge, at most 50 eV,
        to the end of the scan, at most 800 eV.
    order : int, optional
        Order of the post-edge polynomial, 0 to 2. Default 0 when the scan ends within 100 eV of the edge, 1 within
        300 eV, else 2: on a CdS S K-edge scan of 80 eV the step scatters by 2, 7 and 36 % for orders 0, 1 and 2
        when the windows are moved. Order 0 is level, or parallel to the pre-edge line where the data say so.

    Returns
    -------
    Result
        ``edge_energy`` (eV) and ``edge_step`` (1). The uncertainty of the step joins the noise (exact covariance of
        the linear fit; residual scatter unless the Dataset gives ``mu_stderr``), the windows (root mean square change
        over 36 windows with ends moved by 15 to 33 %) and, for order 0, the slope above the edge that it cannot know
        (uniform up to the change that a slope of its own would bring). ``curves`` holds mu, mu_normalized,
        mu_flattened, pre_edge, post_edge over energy.

    Raises
    ------
    NotAnalysable
        If there is no edge, or too little scan below or above it.

    References
    ----------
    .. [1] Ravel, Newville, J. Synchrotron Rad. 12 (2005) 537. https://doi.org/10.1107/S0909049505012719
    """
    scan = absorption_scan(ds)
    position, position_stderr = (e0, None) if e0 is not None else edge_energy(scan)
    windows = settle_slope([scan], position, choose_windows(scan.span, position, pre_edge, post_edge, order))
    background = fit_background(scan, position, windows)
    if background.step <= 0:
        raise NotAnalysable(
            f"{scan.signal} falls by {-background.step:.3g} over the edge at {position:.1f} eV; expected a rise: "
            "see whether the intensities of the ratio are exchanged"
        )
    fit = background.step_stderr
    window, number = window_term(scan, position, windows, background.step)
    slope = abs(slope_change(scan, windows, background)) / math.sqrt(3)
    stderr = math.hypot(fit, window, slope)
    if background.step < stderr:
        raise NotAnalysable(f"the edge step {background.step:.3g} is not resolved, its uncertainty is {stderr:.2g}")
    quantities = (
        Quantity("edge_energy", position, position_stderr, "eV", kind="given" if position_stderr is None else "fit"),
        Quantity("edge_step", background.step, stderr, "1", kind="fit"),
    )
    notes = [
        f"Normalised from {scan.signal}: pre-edge line over {_span(windows.pre_edge)}, post-edge polynomial of order "
        f"{windows.order}{' parallel to it' if windows.parallel else ''} over {_span(windows.post_edge)}, both from "
        f"the edge at {position:.2f} eV.",
        "The edge energy is on the energy scale of the file; compare it with others only after calibration.",
    ]
    if scan.mode == "fluorescence":
        notes.append("Fluorescence is taken as proportional to absorption; self-absorption is not corrected.")
    return Result(
        method="Edge-step normalisation with a pre-edge line and a post-edge polynomial",
        quantities=quantities,
        diagnostics={
            "n_points": float(scan.energy.size),
            "order": float(windows.order),
            "n_windows": float(number),
            "signal_to_noise": background.step / max(residual_noise(scan, background, windows), 1e-300),
        },
        budget={"edge_step": {"fit": fit, "windows": window, "slope": slope}},
        notes=tuple(notes),
        provenance=provenance(ds),
        curves=_curves(scan, background),
    )


def choose_windows(
    span: tuple[float, float],
    e0: float,
    pre_edge: tuple[float, float] | None = None,
    post_edge: tuple[float, float] | None = None,
    order: int | None = None,
) -> Windows:
    """Return the windows of `normalise` for a scan over `span` (eV): those given, and its defaults for the others."""
    below, above = span[0] - e0, span[1] - e0
    if below > -3 or above < 5:
        raise NotAnalysable(
            f"the scan covers {span[0]:.1f} to {span[1]:.1f} eV about an edge at {e0:.1f} eV; "
            "normalising needs at least 3 eV below and 5 eV above it"
        )
    if pre_edge is None:
        start = max(below, -200.0)
        pre_edge = (start, max(start / 3, -30.0))
    if post_edge is None:
        post_edge = (min(above / 3, 50.0), min(above, 800.0))
    if order is None:
        order = 0 if post_edge[1] < 100 else 1 if post_edge[1] < 300 else 2
    if not (pre_edge[0] < pre_edge[1] <= 0 <= post_edge[0] < post_edge[1] and 0 <= order <= 2):
        raise ValueError(
            f"found pre_edge={pre_edge}, post_edge={post_edge}, order={order}; expected windows in eV from the edge, "
            "the first below and the second above 0, and an order of 0, 1 or 2"
        )
    return Windows(pre_edge, post_edge, order)


def fit_background(scan: Scan, e0: float, windows: Windows) -> Background:
    """Return the least-squares background, all points of a window of equal weight.

    Raises
    ------
    NotAnalysable
        If a window holds too few points.
    """
    x, below, above = _inside(scan, e0, windows)
    x /= _SCALE
    line = np.linalg.pinv(np.vander(x[below], 2, increasing=True))
    curve = np.linalg.pinv(np.vander(x[above], windows.order + 1, increasing=True))
    operator = np.zeros((2 + curve.shape[0] + windows.parallel, line.shape[1] + curve.shape[1]))
    operator[:2, : line.shape[1]] = line
    operator[2 : 2 + curve.shape[0], line.shape[1] :] = curve
    if windows.parallel:
        operator[3] = operator[1]
        operator[2] -= operator[1] * x[above].mean()
    mu = np.concatenate([scan.mu[below], scan.mu[above]])
    coefficients = operator @ mu
    if scan.stderr is None:
        pre = _mean_square(scan.mu[below] - _polynomial(x[below], coefficients[:2]), 2)
        post = _mean_square(scan.mu[above] - _polynomial(x[above], coefficients[2:]), windows.order + 1)
        variance = np.repeat([pre, post], [line.shape[1], curve.shape[1]])
    else:
        variance = np.concatenate([scan.stderr[below], scan.stderr[above]]) ** 2
    return Background(coefficients, (operator * variance) @ operator.T, e0)


def settle_slope(scans: Sequence[Scan], e0: float, windows: Windows) -> Windows:
    """Return the windows with `parallel` set: a post-edge of order 0 is level or parallel to the pre-edge line.

    For one scan the one is taken that is closer to the slope of the data in the post-edge window: absorption in
    transmission goes on falling above the edge as below it. Scans to be compared are settled together, since between
    a level and a parallel one the steps would differ by the whole slope: the one is taken that leaves them the more
    alike, in units of their steps; a slope that all have in common changes all steps alike.
    """
    if windows.order > 0:
        return windows
    slopes = np.empty((len(scans), 2))
    for row, scan in zip(slopes, scans, strict=True):
        step = abs(fit_background(scan, e0, replace(windows, parallel=True)).step) or 1.0
        sloped = fit_background(scan, e0, replace(windows, order=1, parallel=False)).coefficients
        row[:] = sloped[3] / step, (sloped[3] - sloped[1]) / step
    if len(scans) > 1:
        slopes -= slopes.mean(axis=0)
    level, parallel = np.square(slopes).sum(axis=0)
    return replace(windows, parallel=bool(parallel < level))


def window_term(scan: Scan, e0: float, windows: Windows, step: float) -> tuple[float, int]:
    """Return the root mean square change of the edge step over the jittered windows, and how many could be fitted."""
    changes = []
    for moved in windows.jittered():
        try:
            changes.append(fit_background(scan, e0, moved).step - step)
        except NotAnalysable:
            continue
    if not changes:
        return abs(step), 0
    return float(np.sqrt(np.mean(np.square(changes)))), len(changes)


def slope_change(scan: Scan, windows: Windows, background: Background) -> float:
    """Return the change of the edge step if a post-edge of order 0 had a slope of its own.

    0 for orders above 0, which have one.
    """
    if windows.order > 0:
        return 0.0
    return fit_background(scan, background.e0, replace(windows, order=1, parallel=False)).step - background.step


def residual_noise(scan: Scan, background: Background, windows: Windows) -> float:
    """Return the standard deviation of a point about the pre-edge line."""
    x = scan.energy - background.e0
    below = (x >= windows.pre_edge[0]) & (x <= windows.pre_edge[1])
    return float(np.std(scan.mu[below] - background.pre_edge(scan.energy[below])))


def provenance(ds: xr.Dataset) -> dict[str, str]:
    """Return what the Dataset says of its origin."""
    keys = ("source_file", "source_sha256", "format", "parser_version", "sample")
    return {key: str(ds.attrs[key]) for key in keys if key in ds.attrs}


def _inside(scan: Scan, e0: float, windows: Windows) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    x = scan.energy - e0
    below = (x >= windows.pre_edge[0]) & (x <= windows.pre_edge[1])
    above = (x >= windows.post_edge[0]) & (x <= windows.post_edge[1])
    if below.sum() < 3 or above.sum() < windows.order + 3:
        raise NotAnalysable(
            f"found {int(below.sum())} points in the pre-edge window {_span(windows.pre_edge)} and {int(above.sum())} "
            f"in the post-edge window {_span(windows.post_edge)} of the edge at {e0:.1f} eV; "
            f"needed are 3 and {windows.order + 3}"
        )
    return x, below, above


def _mean_square(residual: Array, parameters: int) -> float:
    return float(residual @ residual) / (residual.size - parameters)


def _polynomial(x: Array, coefficients: Array) -> Array:
    return np.asarray(np.polynomial.polynomial.polyval(x, coefficients), dtype=np.float64)


def _curves(scan: Scan, background: Background) -> xr.Dataset:
    pre, post = background.pre_edge(scan.energy), background.post_edge(scan.energy)
    normalized = (scan.mu - pre) / background.step
    bend = np.where(scan.energy > background.e0, (post - pre) / background.step - 1, 0.0)
    columns = {
        "mu": (scan.mu, "absorption"),
        "mu_normalized": (normalized, "normalised absorption"),
        "mu_flattened": (normalized - bend, "normalised absorption, post-edge curve flattened"),
        "pre_edge": (pre, "pre-edge line"),
        "post_edge": (post, "post-edge curve"),
    }
    return xr.Dataset(
        {name: ("energy", values, {"units": "1", "long_name": text}) for name, (values, text) in columns.items()},
        coords={"energy": ("energy", scan.energy, {"units": "eV", "long_name": "energy"})},
        attrs={"technique": "xanes"},
    )


def _span(window: tuple[float, float]) -> str:
    return f"{window[0]:.1f} to {window[1]:.1f} eV"
