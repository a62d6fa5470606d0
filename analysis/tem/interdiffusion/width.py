"""Width of an interface in an EDS line scan: every definition from one fit, with an uncertainty from the counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ...quantity import Result
from .blur import Blur
from .choice import fit_all, preferred, starts
from .definitions import widths
from .flat_layer import LayerTest, weigh_layer
from .goodness import Goodness, goodness
from .likelihood import Counts, InterfaceFit, fit_erf, fit_interface
from .line_scan import line_scan
from .notes import fit_notes
from .shapes import SHAPES
from .uncertain import NAMES, measured
from .xray_lines import line_warnings

Array = NDArray[np.float64]
ShapeName = Literal["auto", "erf", "plateau", "asymmetric", "tail_left", "tail_right"]

_LEAST_CONTRAST = 4.0  # standard uncertainties by which a line must step for it to show an interface


@dataclass(frozen=True)
class _Chosen:
    """The fit that is reported, and what was found beside it."""

    fit: InterfaceFit
    quality: Goodness
    erf: InterfaceFit
    others: Mapping[str, InterfaceFit]
    layer: LayerTest | None


def interdiffusion_width(
    profile: xr.Dataset,
    *,
    lines: Sequence[str] | None = None,
    tau: float = 0.05,
    shape: ShapeName = "auto",
    mass_thickness: Literal["constant", "linear"] = "constant",
    blur: Blur | None = None,
    elements: Sequence[str] = (),
    distance_relative_uncertainty: float = 0.015,
) -> Result:
    r"""Width of a chemical interface from the counts of several X-ray lines along a scan.

    All lines share centre and width of one shape; each has its own levels, which hold its background. All definitions
    in use follow from one fit, so numbers from different papers can be compared. For an error function of width s

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
    shape : str
        ``"auto"`` takes an error function unless another shape is better by more than 10 in Akaike's criterion; a name
        fits that shape only and spares the time for the others.
    mass_thickness : str
        ``"linear"`` fits a change of the foil along the scan that is common to all lines.
    blur : Blur, optional
        What `instrument_blur` says the instrument adds; it is taken off in variance. None takes nothing off.
    elements : sequence of str
        Elements of the sample beside those of the lines, for warnings about overlaps.
    distance_relative_uncertainty : float
        Relative standard uncertainty of the distance scale; 0.015 is usual for an uncalibrated magnification.

    Returns
    -------
    Result
        ``interdiffusion_width`` (10-90 %, nm), ``interdiffusion_sigma`` (standard deviation of the transition, nm),
        ``coexistence_width`` at tau (nm), ``interface_position`` (nm), and lengths of the shape where it is no error
        function: ``reaction_layer_thickness`` and ``edge_sigma``, ``sigma_left`` and ``sigma_right``, or
        ``tail_length``. Uncertainties are from counting, scale and blur. Widths bear relation ``"<"`` when what is left
        of the variance after the blur is below twice its uncertainty, or below the step of the scan.

        In `diagnostics`, ``deviance_excess`` (standard deviations above expectation) and ``runs_p_value`` judge the
        shape, and ``shape_describes_counts`` (1 or 0) is the verdict; where it is 0, the first of `notes` says so and
        the uncertainty holds how far the widths by other shapes lie away. ``aic_gain_<shape>`` says how much better
        another shape would be, ``count_drift`` by which share all lines grow together from one end of the scan to the
        other. ``p_value_erf_against_layer`` and ``p_value_layer_against_erf`` are the probabilities of the counts given
        the one shape where the other is the alternative, ``flat_layer_thickness`` (nm) is that of the layer. `notes`
        say in words what to make of it.

    Raises
    ------
    NotAnalysable
        If the scan is not calibrated, holds no raw counts or shows no interface.
    ValueError
        If an option is none of those named here.

    Notes
    -----
    Below the gain that a change of shape takes, a test of Cox holds a flat layer with edges as sharp as the instrument
    against an error function; the notes tell a layer that is suspected (p below 0.02) or not excluded.

    On two lines of 240 points, the choice and the test together tell a layer of 17 nm from an error function in 98 % of
    simulated scans at 5 counts a point over a background of 1, in 76 % behind a probe of 2 nm, and in 34 % there at 3
    counts (300, 300 and 200 scans); from 10 counts on in 99 % behind the probe. No test, not even one that knows place,
    thickness and levels, can tell more than 99.9, 92 and 62 %. An error function is taken for another shape in less
    than 1 % and called a layer in 2 %.

    References
    ----------
    .. [1] ISO 20263:2024, Method for the determination of interface position in the cross-sectional image of layered
       materials.
    .. [2] Baker, Cousins, Nucl. Instrum. Methods 221 (1984) 437, doi:10.1016/0167-5087(84)90016-4.
    .. [3] Burnham, Anderson, Model Selection and Multimodel Inference, 2nd ed., Springer 2002, section 2.6.
    """
    _check(tau, shape, mass_thickness)
    data, names = line_scan(profile, lines)
    blur = _with_sampling(profile, blur or Blur())
    chosen = _choose(data, shape, blur.variance, drift=mass_thickness == "linear")
    if not chosen.fit.contrast.max() >= _LEAST_CONTRAST:
        raise NotAnalysable(f"none of {names} steps by {_LEAST_CONTRAST:g} standard uncertainties along the scan")
    between = _between_shapes(data, chosen, tau, blur.variance) if chosen.quality.alarm else {}
    found = measured(data, chosen.fit, chosen.quality.scale, tau, blur, distance_relative_uncertainty, between)
    layer = chosen.layer if found.quantities[0].relation == "=" and not chosen.quality.alarm else None
    gain, probability = _disagreement(data, chosen.fit)
    kept = {key: str(profile.attrs[key]) for key in ("source_file", "source_sha256") if key in profile.attrs}
    stated = {
        "tau": tau,
        "distance_relative_uncertainty": distance_relative_uncertainty,
        "blur_variance": blur.variance,
    }
    return Result(
        method=f"{chosen.fit.shape.title} with common centre and width, Poisson likelihood, lines {', '.join(names)}",
        quantities=found.quantities,
        correlation=found.correlation,
        diagnostics={
            **_diagnostics(data, chosen),
            "deviance_gain_of_separate_fits": gain,
            "p_value_common_interface": probability,
            "tau": tau,
        },
        budget=found.budget,
        notes=(
            *fit_notes(
                data,
                chosen.fit,
                chosen.quality,
                chosen.others,
                names,
                tau,
                probability,
                blur,
                layer,
            ),
            *line_warnings(names, elements),
        ),
        provenance=kept
        | {key: f"{value:g}" for key, value in stated.items()}
        | {"shape": chosen.fit.shape.name, "mass_thickness": mass_thickness, "lines": ", ".join(names)},
        curves=_curves(data, chosen.fit, names),
    )


def _check(tau: float, shape: str, mass_thickness: str) -> None:
    if not 0 < tau < 0.5:
        raise ValueError(f"tau is {tau}; expected a share between 0 and 0.5")
    if shape != "auto" and shape not in SHAPES:
        raise ValueError(f"shape is {shape!r}; expected 'auto' or one of {sorted(SHAPES)}")
    if mass_thickness not in ("constant", "linear"):
        raise ValueError(f"mass_thickness is {mass_thickness!r}; expected 'constant' or 'linear'")


def _choose(data: Counts, shape: ShapeName, blur_variance: float, *, drift: bool) -> _Chosen:
    erf = fit_erf(data)
    if drift:
        erf = fit_interface(data, erf.shape, erf.theta[:, None], drift=True)
    others: Mapping[str, InterfaceFit] = {}
    layer = None
    if shape == "auto":
        others = fit_all(data, erf, drift=drift)
        fit = others[preferred(others)]
        if fit is erf:
            layer = weigh_layer(data, erf, blur_variance)
    else:
        fit = erf if shape == "erf" else fit_interface(data, SHAPES[shape], starts(data, shape, erf), drift=drift)
    return _Chosen(fit, goodness(data, fit), erf, others, layer)


def _between_shapes(data: Counts, chosen: _Chosen, tau: float, blur_variance: float) -> dict[str, float]:
    """Return how far the widths by other shapes, the better ones where there are, lie from those of the chosen one."""
    others = chosen.others or fit_all(data, chosen.erf, drift=chosen.erf.drift != 0)
    different = [fit for fit in others.values() if fit.shape is not chosen.fit.shape or fit.drift != chosen.fit.drift]
    better = [fit for fit in different if fit.aic < chosen.fit.aic] or different
    own = widths(chosen.fit, tau, blur_variance)[0]
    apart = np.abs([widths(fit, tau, blur_variance)[0] - own for fit in better]).max(axis=0)
    return {name: float(far) for name, far in zip(NAMES, apart, strict=True)}


def _with_sampling(profile: xr.Dataset, blur: Blur) -> Blur:
    """Return the blur with what a profile cut out of a map adds: its bins and pixels, and the noise of a trace."""
    variances = {"sampling": float(profile.attrs.get("sampling_sigma", 0.0)) ** 2}
    variances["trace"] = float(profile.attrs.get("trace_variance", 0.0))
    known = {name: variance for name, variance in variances.items() if variance > 0}
    uncertain = {"trace": float(profile.attrs.get("trace_variance_stderr", 0.0))} if "trace" in known else {}
    return Blur({**blur.variances, **known}, {**blur.uncertainties, **uncertain})


def _diagnostics(data: Counts, chosen: _Chosen) -> dict[str, float]:
    found = {
        "deviance_per_dof": chosen.quality.per_dof,
        "deviance_excess": chosen.quality.excess,
        "runs_p_value": chosen.quality.runs_p_value,
        "shape_describes_counts": float(not chosen.quality.alarm),
        "n_points": float(data.used.sum()),
    }
    if chosen.layer is not None:
        found |= {
            "deviance_gain_of_layer": chosen.layer.gain,
            "p_value_erf_against_layer": chosen.layer.p_erf,
            "p_value_layer_against_erf": chosen.layer.p_layer,
            "flat_layer_thickness": chosen.layer.thickness,
            "flat_layer_thickness_stderr": chosen.layer.stderr,
        }
    gains = {f"aic_gain_{name}": chosen.erf.aic - fit.aic for name, fit in chosen.others.items() if name != "erf"}
    drifting = chosen.others.get("drift", chosen.fit)
    return found | gains | ({"count_drift": math.expm1(drifting.drift)} if drifting.drift != 0 else {})


def _disagreement(data: Counts, fit: InterfaceFit) -> tuple[float, float]:
    """Return what own places and widths of the lines gain in deviance, and the probability of that by chance."""
    from scipy.stats import chi2

    steps = [int(line) for line in np.flatnonzero(fit.contrast >= _LEAST_CONTRAST)]
    if len(steps) < 2 or fit.shape.name != "erf":
        return 0.0, 1.0
    start, drift = fit.theta[:, None], fit.drift != 0
    joint = fit if len(steps) == len(fit.contrast) else fit_interface(data.lines(steps), fit.shape, start, drift=drift)
    alone = [fit_interface(data.lines([line]), fit.shape, start, drift=drift) for line in steps]
    gain = max(joint.deviance - sum(fit.deviance for fit in alone), 0.0)
    freedom = (fit.shape.size + drift) * (len(steps) - 1)
    return gain, float(chi2.sf(gain, freedom))


def _curves(data: Counts, fit: InterfaceFit, names: list[str]) -> xr.Dataset:
    dims, count = ("distance", "line"), {"units": "count"}
    # What each line would reach beyond either end of the scan, which may lie within the interface.
    levels = fit.levels[[0, -1]] * np.exp(fit.drift * np.array([-0.5, 0.5]))[:, None]
    return xr.Dataset(
        {
            "counts": (dims, data.counts, count),
            "model": (dims, fit.model, count),
            "level": (("side", "line"), levels, count),
        },
        coords={"distance": ("distance", data.distance, {"units": "nm"}), "line": ("line", names)},
    )
