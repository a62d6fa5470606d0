"""Width of an interface in an EDS line scan, by one definition with an uncertainty from the counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from .poisson_erf import InterfaceFit, fit_interface, upper_log_sigma

Array = NDArray[np.float64]

_Z90 = 1.2815515655446004  # quantile of the normal distribution at 90 %
_Z975 = 1.959963984540054
_LEAST_CONTRAST = 4.0  # standard uncertainties by which a line must step for it to show an interface
_VAGUE = 0.5  # standard uncertainty of log sigma above which only an upper limit is known
_ALARM = 1.3  # deviance per degree of freedom; 4 standard deviations above 1 for 480 points
_DISAGREE = 1e-3  # probability below which centres and widths of the lines are taken to differ


def interdiffusion_width(
    profile: xr.Dataset,
    *,
    lines: Sequence[str] | None = None,
    tau: float = 0.05,
    distance_relative_uncertainty: float = 0.015,
) -> Result:
    r"""Width of a chemical interface from the counts of several X-ray lines along a scan.

    All lines share the centre and the width s of one error function; each has its own two levels. All definitions in
    use follow from s, so numbers from different papers can be compared:

    .. math:: w_{10-90} = 2 z_{0.9}\, s = 2.563\, s, \qquad w_\tau = 2 z_{1-\tau}\, s

    where :math:`w_\tau` is the zone in which a falling and a rising element both exceed the share tau of their step.

    Parameters
    ----------
    profile : xarray.Dataset
        Technique "eds" with raw counts over ``distance`` (nm) and ``line``.
    lines : sequence of str, optional
        Lines to use, all by default. Those that do not step at the interface carry no information but may disturb.
    tau : float
        Threshold of the coexistence zone. 0.05 by default: below it, counts as usual do not tell an element from its
        background.
    distance_relative_uncertainty : float
        Relative standard uncertainty of the distance scale; 0.015 is usual for an uncalibrated magnification.

    Returns
    -------
    Result
        ``interdiffusion_width`` (10-90 %, nm), ``interdiffusion_sigma`` (nm), ``coexistence_width`` at tau (nm) and
        ``interface_position`` (nm), uncertainties from counting and scale. The first three bear relation ``"<"`` when
        the counts or the step of the scan only bound the width. ``deviance_per_dof`` in `diagnostics` tells whether an
        error function fits; above 1.3 it does not, which is noted, and the counting uncertainty is scaled by its root.

    Raises
    ------
    NotAnalysable
        If the scan is not calibrated, holds no raw counts or shows no interface.

    Notes
    -----
    The width includes probe and beam spread in the foil: it bounds that of the interdiffusion from above.

    References
    ----------
    .. [1] ISO 20263:2024, Method for the determination of interface position in the cross-sectional image of layered
       materials.
    .. [2] Baker, Cousins, Nucl. Instrum. Methods 221 (1984) 437, doi:10.1016/0167-5087(84)90016-4.
    """
    if not 0 < tau < 0.5:
        raise ValueError(f"tau is {tau}; expected a share between 0 and 0.5")
    distance, counts, names = _line_scan(profile, lines)
    fit = fit_interface(distance, counts)
    if fit.contrast.max() < _LEAST_CONTRAST:
        raise NotAnalysable(f"none of {names} steps by {_LEAST_CONTRAST:g} standard uncertainties along the scan")
    dof = int(np.isfinite(counts).sum()) - 2 - 2 * len(names)
    scale = math.sqrt(fit.deviance / dof) if fit.deviance > _ALARM * dof else 1.0
    quantities, budget = _quantities(distance, counts, fit, scale, tau, distance_relative_uncertainty)
    difference, probability = _disagreement(distance, counts, fit)
    return Result(
        method=f"error function with common centre and width, Poisson likelihood, lines {', '.join(names)}",
        quantities=quantities,
        diagnostics={
            "deviance_per_dof": fit.deviance / dof,
            "n_points": float(np.isfinite(counts).sum()),
            "deviance_gain_of_separate_fits": difference,
            "p_value_common_interface": probability,
            "tau": tau,
        },
        budget=budget,
        notes=_notes(distance, counts, fit, dof, probability),
        provenance={key: str(profile.attrs[key]) for key in ("source_file", "source_sha256") if key in profile.attrs}
        | {"tau": str(tau), "distance_relative_uncertainty": str(distance_relative_uncertainty)},
        curves=_curves(distance, counts, fit, names),
    )


def _line_scan(profile: xr.Dataset, lines: Sequence[str] | None) -> tuple[Array, Array, list[str]]:
    """Return distances (n,), counts (n, k) and names of the lines, sorted along the scan."""
    if profile.attrs.get("technique") != "eds" or set(profile["counts"].dims) != {"distance", "line"}:
        raise NotAnalysable("an interdiffusion width needs an 'eds' Dataset with counts over distance and line")
    if profile["distance"].attrs.get("units") != "nm":
        raise NotAnalysable(f"the distance is in {profile['distance'].attrs.get('units')!r}, not calibrated in nm")
    if profile["counts"].attrs.get("units") != "count":
        raise NotAnalysable("the profile holds no raw counts; fractions and net intensities have lost their statistics")
    names = [str(name) for name in profile["line"].to_numpy()]
    chosen = names if lines is None else list(lines)
    if missing := sorted(set(chosen) - set(names)):
        raise NotAnalysable(f"the lines {missing} are not in the profile; it holds {names}")
    ordered = profile.isel(line=[names.index(name) for name in chosen]).sortby("distance")
    distance = ordered["distance"].to_numpy().astype(np.float64)
    counts = ordered["counts"].transpose("distance", "line").to_numpy().astype(np.float64)
    if len(distance) < 10 or not chosen or np.any(np.diff(distance) <= 0):
        raise NotAnalysable(f"found {len(distance)} points; at least 10 at different distances and one line are needed")
    if np.nanmin(counts) < 0:
        raise NotAnalysable("some counts are negative; give raw counts without background subtraction")
    return distance, counts, chosen


def _quantities(
    distance: Array, counts: Array, fit: InterfaceFit, scale: float, tau: float, relative: float
) -> tuple[tuple[Quantity, ...], dict[str, dict[str, float]]]:
    """Return the three widths and the position, and the budget of the first."""
    from scipy.stats import norm

    factors = {
        "interdiffusion_width": 2 * _Z90,
        "interdiffusion_sigma": 1.0,
        "coexistence_width": 2 * float(norm.ppf(1 - tau)),
    }
    counting = fit.stderr(1) * scale
    position = Quantity("interface_position", fit.centre, fit.stderr(0) * scale, "nm", kind="fit")
    if counting > _VAGUE or fit.sigma < float(np.min(np.diff(distance))):
        limit = math.exp(upper_log_sigma(distance, counts, fit)) * (1 + 1.645 * relative)
        bounds = [Quantity(name, f * limit, None, "nm", relation="<", kind="fit") for name, f in factors.items()]
        return (*bounds, position), {}
    total = math.hypot(counting, relative)
    spread = math.exp(_Z975 * total)
    widths = []
    for name, factor in factors.items():
        value = factor * fit.sigma
        widths.append(Quantity(name, value, value * total, "nm", (value / spread, value * spread), kind="fit"))
    budget = {q.name: {"counting": q.value * counting, "calibration": q.value * relative} for q in widths}
    return (*widths, position), budget


def _disagreement(distance: Array, counts: Array, fit: InterfaceFit) -> tuple[float, float]:
    """Return what own centres and widths of the lines gain in deviance, and the probability of that by chance."""
    from scipy.stats import chi2

    steps = np.flatnonzero(fit.contrast >= _LEAST_CONTRAST)
    if len(steps) < 2:
        return 0.0, 1.0
    joint = fit_interface(distance, counts[:, steps])
    separate = sum(fit_interface(distance, counts[:, [line]]).deviance for line in steps)
    gain = max(joint.deviance - separate, 0.0)
    return gain, float(chi2.sf(gain, 2 * (len(steps) - 1)))


def _notes(distance: Array, counts: Array, fit: InterfaceFit, dof: int, probability: float) -> tuple[str, ...]:
    notes = []
    if fit.deviance > _ALARM * dof:
        notes.append(
            f"Deviance per degree of freedom is {fit.deviance / dof:.2f}, above {_ALARM}: an error function is not the "
            "shape of this interface (a reaction layer, two steps or drift); the width is no measure of it."
        )
    if probability < _DISAGREE:
        notes.append("The lines have different centres or widths; look at them one by one.")
    if not fit.converged:
        notes.append("The fit did not converge.")
    low, high = fit.centre - _Z90 * fit.sigma, fit.centre + _Z90 * fit.sigma
    if low < distance[0] or high > distance[-1]:
        notes.append("The scan ends within the interface: the width rests on the assumed shape. Measure a longer scan.")
    finite = counts[np.isfinite(counts)]
    if not np.array_equal(finite, np.round(finite)):
        notes.append("The counts are not whole numbers: they were scaled or corrected, and so is their uncertainty.")
    notes.append(
        "Probe size and beam spread are not subtracted; the width bounds that of the interdiffusion from above."
    )
    return tuple(notes)


def _curves(distance: Array, counts: Array, fit: InterfaceFit, names: list[str]) -> xr.Dataset:
    dims = ("distance", "line")
    return xr.Dataset(
        {"counts": (dims, counts, {"units": "count"}), "model": (dims, fit.model, {"units": "count"})},
        coords={"distance": ("distance", distance, {"units": "nm"}), "line": ("line", names)},
    )
