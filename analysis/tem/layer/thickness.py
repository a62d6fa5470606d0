"""Thickness of a layer in a micrograph, with an uncertainty that knows how alike neighbouring profiles are."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...quantity import Quantity, Result
from ...statistics import ONE_SIDED_95
from ..image import Micrograph, micrograph
from .aggregate import CorrelatedMean, correlated_mean
from .double_erf import STEP1, STEP2, THICKNESS, X1
from .local import LocalThickness, measure_local_thickness
from .projection import UNCORRECTED

Array = NDArray[np.float64]

SAMPLING, TRACING, CALIBRATION, MODEL = "sampling along the interface", "tracing", "calibration", "model"
"""Sources in the budget of a thickness."""

_TRACING = 0.1  # pixels: what interpolation and tracing leave in the mean of a field however many profiles it has
_FIT_VARIANCE = 0.2  # relative uncertainty of the fit variance: noise is taken as equal along the interface
_MISFIT = 1.1  # reduced chi-square from which a misfit is real: it rests on thousands of samples
_FEW = 5.0  # independent thicknesses below which the interval itself is poorly known

# What a layer must keep to so that its number means something; sources in the docstring of `layer_thickness`.
_MOST_REJECTED = 0.10
_MOST_SD = 0.5
_MOST_FIT_ERROR = 0.3
_LEAST_RESOLUTION = 2.5
_LEAST_CONTRAST = 4.0
_MOST_JUMPS = 0.05


def layer_thickness(
    ds: xr.Dataset,
    *,
    pixel_size: Quantity | None = None,
    pixel_size_relative_uncertainty: float = 0.015,
    search_width: Quantity | None = None,
) -> Result:
    r"""Thickness of a layer from one electron micrograph, averaged along the interface.

    The longest boundary between dark and bright is traced, the image is sampled along its normals, and blocks of
    normals are fitted with two error functions,

    .. math:: I(u) = I_0 + \Delta_1 \Phi\left(\frac{u - x_1}{s_1}\right)
                         + \Delta_2 \Phi\left(\frac{u - x_1 - t}{s_2}\right).

    The mean of t along the interface estimates both the mean of this field, known to the noise of the fits, and the
    mean of the coating, known only to how much of it the field shows: neighbouring profiles are alike within the
    correlation length, so the number of independent thicknesses comes from the autocovariance and the interval from
    Student's t.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image", with y and x in nm. One frame; crop with ``ds.isel`` where several layers are in view.
    pixel_size : Quantity, optional
        Side of a pixel, in place of the calibration of the file; demanded for an uncalibrated image. Its own standard
        uncertainty, when it has one, takes the place of the next argument.
    pixel_size_relative_uncertainty : float
        Relative standard uncertainty of the pixel size. 0.015 is usual for a magnification that was not calibrated
        against a lattice or grating (1-2 %, ISO 29301). Common to all images at that magnification, so it does not
        average down.
    search_width : Quantity, optional
        Distance to each side of the traced edge that holds the layer; 35 % of the shorter side of the image by default.

    Returns
    -------
    Result
        ``layer_thickness`` in nm for the coating, standard uncertainty and 95 % interval from the sampling along the
        interface and the calibration; ``layer_thickness_field`` in nm for this field only; ``interface_roughness`` in
        nm, the standard deviation of the thickness along the interface without that of the fits; ``correlation_length``
        in nm and ``n_effective``, the number of independent thicknesses in view, both without the noise of the fits. A
        layer that is not resolved gives ``layer_thickness`` with relation ``"<"`` and the reason in the notes: more
        than 10 % of the blocks rejected, standard deviation above half the thickness, fit uncertainty of a block above
        0.3 thicknesses, edges wider than the thickness divided by 2.5, an edge that stands out by less than 4 standard
        uncertainties (uneven illumination makes such), or one that jumps. `curves` holds
        thickness, edges and residuals along ``arclength`` and the median profile with its model along ``distance``.

    Raises
    ------
    NotAnalysable
        If the image has no scale, is no single grey image or shows no interface.
    UnitError
        If an argument is not a length.

    Notes
    -----
    A blur common to both edges does not move t. Below a thickness of 2.5 edge widths amplitude and thickness trade off
    (Cramér-Rao bound above 20 % a profile). Tilt of the interface and sections off the centre of a particle are the
    business of `correct_projection`; Fresnel fringes are not corrected but show as a misfit, which joins the budget.

    Measured on simulated images, 95 % intervals hold the mean of the coating in this share of them:

    =====================================  ======  ======  =============
    case                                   nm      images  share
    =====================================  ======  ======  =============
    baseline, 17 nm                        102     350     0.937 ± 0.013
    brightest layer                        102     350     0.931 ± 0.013
    both faces alike (0.95)                102     400     0.943 ± 0.012
    particle of 60 nm radius               102     350     0.940 ± 0.013
    four correlation lengths in view       154     350     0.923 ± 0.014
    3 nm thick                             154     250     0.940 ± 0.015
    fringes of 15 %                        154     250     0.936 ± 0.015
    illumination uneven by 40 %            154     250     0.936 ± 0.015
    a quarter of the dose                  154     250     0.932 ± 0.016
    a sixteenth, 2.5 electrons a pixel     154     250     0.932 ± 0.016
    =====================================  ======  ======  =============

    The second column is the side of the image. At a sixteenth of the dose the mean of a field errs by a third more
    than the fits of its blocks say.
    Layers of 1.5 nm with edges of 1 nm are refused in 99 % of 400, bare particles in all of 400. At 0.3 electrons a
    pixel the mean of a field is biased by 0.5 %, about half of its uncertainty.

    References
    ----------
    .. [1] ISO 20263:2024, Method for the determination of interface position in the cross-sectional image of layered
       materials.
    .. [2] ISO 29301:2023, Methods for calibrating image magnification by using reference materials.
    """
    image = micrograph(ds, pixel_size, pixel_size_relative_uncertainty)
    local = measure_local_thickness(image, None if search_width is None else search_width.to("nm").value)
    mean = correlated_mean(local.series, _fit_error(local)) if local.accepted.sum() >= 4 else None
    reasons = _not_resolved(local, mean)
    quantities: tuple[Quantity, ...] = (_limit(image, local),)
    budget: dict[str, dict[str, float]] = {}
    if mean is not None and not reasons:
        quantities, budget = _quantities(image, local, mean)
    return Result(
        method=(
            f"two error functions fitted to {len(local.arclength)} blocks of normals of {local.block:.3g} nm along "
            f"{local.interface.length:.4g} nm of interface; sampling from the autocovariance and Student's t"
        ),
        quantities=quantities,
        diagnostics=_diagnostics(local, mean),
        budget=budget,
        notes=(*reasons, *_notes(image, local, mean if not reasons else None)),
        provenance=_provenance(ds, pixel_size, pixel_size_relative_uncertainty, search_width),
        curves=_curves(image, local),
    )


def _resolution(local: LocalThickness) -> float:
    return float(np.median(local.fits.parameters[:, THICKNESS] / local.fits.sigma))


def _contrast(local: LocalThickness) -> float:
    """Return the weaker of the two steps in standard uncertainties, median over the blocks."""
    steps = (np.abs(local.fits.parameters[:, step]) / local.fits.stderr(step) for step in (STEP1, STEP2))
    return float(min(np.median(ratio) for ratio in steps))


def _fit_error(local: LocalThickness) -> float:
    """Return the root mean square fit uncertainty of the accepted blocks in nm."""
    return float(np.sqrt(np.mean(local.fits.stderr(THICKNESS)[local.accepted] ** 2)))


def _jumps(local: LocalThickness) -> float:
    """Return the share of neighbouring accepted blocks between which the first edge jumps by half a thickness."""
    position, error = local.fits.parameters[:, X1], local.fits.stderr(X1)
    both = local.accepted[1:] & local.accepted[:-1]
    if not both.any():
        return 1.0
    allowed = np.maximum(0.5 * float(np.nanmedian(local.thickness)), 5 * np.hypot(error[1:], error[:-1]))
    return float(np.mean((np.abs(np.diff(position)) > allowed)[both]))


def _not_resolved(local: LocalThickness, mean: CorrelatedMean | None) -> list[str]:
    """Return why the thickness means nothing, as sentences; empty when it means something."""
    if mean is None:
        return ["Not resolved: hardly any profile could be fitted with a layer."]
    resolution, error = _resolution(local), _fit_error(local)
    contrast = _contrast(local)
    checks = (
        (local.rejected_fraction > _MOST_REJECTED, f"{local.rejected_fraction:.0%} of the blocks were rejected"),
        (mean.sd > _MOST_SD * mean.mean, f"the thickness varies by {mean.sd:.2g} nm about {mean.mean:.2g} nm"),
        (error > _MOST_FIT_ERROR * mean.mean, f"a block fixes the thickness only to {error:.2g} nm"),
        (resolution < _LEAST_RESOLUTION, f"the thickness is only {resolution:.2g} times the width of its edges"),
        (contrast < _LEAST_CONTRAST, f"in a block, an edge stands out by only {contrast:.2g} standard uncertainties"),
        (_jumps(local) > _MOST_JUMPS, "the edge jumps between neighbouring blocks"),
    )
    return [f"Not resolved: {reason}." for failed, reason in checks if failed]


def _limit(image: Micrograph, local: LocalThickness) -> Quantity:
    """Return the upper limit: a thicker layer would be resolved, or stands in the profile of all normals."""
    model = local.overall.model[0]
    travelled = np.cumsum(np.abs(np.diff(model)))
    edges = np.interp([0.1587, 0.8413], travelled / travelled[-1], local.distance[1:])
    limit = _LEAST_RESOLUTION * max(0.5 * float(edges[1] - edges[0]), image.step)
    steps = np.abs(local.overall.parameters[0, [STEP1, STEP2]])
    seen = steps > 6 * np.array([local.overall.stderr(STEP1)[0], local.overall.stderr(STEP2)[0]])
    if seen.all():
        spread = float(np.nanstd(local.thickness)) if local.accepted.any() else 0.0
        spread = math.hypot(spread, float(local.overall.stderr(THICKNESS)[0]))
        limit = max(limit, float(local.overall.parameters[0, THICKNESS]) + ONE_SIDED_95 * spread)
    limit = min(limit, float(np.ptp(local.distance))) * (1 + ONE_SIDED_95 * image.relative_uncertainty)
    return Quantity("layer_thickness", limit, None, "nm", relation="<", kind="measured")


def _quantities(
    image: Micrograph, local: LocalThickness, mean: CorrelatedMean
) -> tuple[tuple[Quantity, ...], dict[str, dict[str, float]]]:
    """Return the quantities, headline first, and the budgets of the two thicknesses."""
    fit = _fit_error(local)
    field_fit = fit / math.sqrt(np.count_nonzero(local.accepted))
    tracing = _TRACING * image.step
    shared = {CALIBRATION: mean.mean * image.relative_uncertainty}
    if (misfit := _misfit(local)) > 0:
        shared[MODEL] = misfit * fit
    systematic = math.hypot(*shared.values())
    field = math.hypot(field_fit, tracing, systematic)
    roughness = _roughness(mean, fit)
    length = mean.correlation_length * local.block
    quantities = (
        _with_interval(mean, math.hypot(tracing, systematic)),
        Quantity("layer_thickness_field", mean.mean, field, "nm", kind="measured"),
        roughness,
        Quantity("correlation_length", length, None, "nm", kind="measured"),
        Quantity("n_effective", mean.n_effective, None, "1", kind="measured"),
    )
    budget = {
        "layer_thickness": {SAMPLING: mean.stderr, TRACING: tracing} | shared,
        "layer_thickness_field": {"fit": field_fit, TRACING: tracing} | shared,
    }
    return quantities, budget


def _with_interval(mean: CorrelatedMean, known: float) -> Quantity:
    """Return the thickness of the coating; Student's t is for the variation along the interface alone."""
    stderr, half = math.hypot(mean.stderr, known), mean.half_width(known)
    return Quantity(
        "layer_thickness", mean.mean, stderr, "nm", interval95=(mean.mean - half, mean.mean + half), kind="measured"
    )


def _roughness(mean: CorrelatedMean, fit: float) -> Quantity:
    """Return the standard deviation of the thickness along the interface with the fit variance subtracted."""
    excess = mean.sd**2 - fit**2
    error = math.hypot(mean.sd**2 * math.sqrt(2 / mean.dof), _FIT_VARIANCE * fit**2)
    if excess <= ONE_SIDED_95 * error and excess <= fit**2:
        limit = math.sqrt(max(excess, 0.0) + ONE_SIDED_95 * error)
        return Quantity("interface_roughness", limit, None, "nm", relation="<", kind="measured")
    value = math.sqrt(excess)
    return Quantity("interface_roughness", value, 0.5 * error / value, "nm", kind="measured")


def _reduced_chi_square(local: LocalThickness) -> float:
    """Return the squared residuals over those of differences of blocks two apart, which share only the misfit."""
    residual = local.residual[local.accepted]
    if len(residual) < 4:
        return float("nan")
    return float(np.nanmean(residual**2) / np.nanmean((residual[2:] - residual[:-2]) ** 2 / 2))


def _misfit(local: LocalThickness) -> float:
    """Return the root mean square misfit of the model in units of the noise of a block, 0 where it is lost in it."""
    chi_square = _reduced_chi_square(local)
    return math.sqrt(chi_square - 1.0) if chi_square > _MISFIT else 0.0


def _diagnostics(local: LocalThickness, mean: CorrelatedMean | None) -> dict[str, float]:
    values = {
        "n_profiles": float(len(local.arclength)),
        "rejected_fraction": local.rejected_fraction,
        "reduced_chi_square": _reduced_chi_square(local),
        "t_over_sigma": _resolution(local),
        "contrast": _contrast(local),
        "edge_width": float(np.median(local.fits.sigma)),
        "interface_length": local.interface.length,
        "interface_radius": local.interface.radius,
    }
    if mean is not None:
        values |= {"n_eff": mean.n_effective, "sd": mean.sd, "fit_stderr_per_block": _fit_error(local)}
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _notes(image: Micrograph, local: LocalThickness, mean: CorrelatedMean | None) -> tuple[str, ...]:
    notes = list(image.notes)
    if mean is not None and mean.n_effective < _FEW:
        notes.append(
            f"The field holds only {mean.n_effective:.1f} independent thicknesses (n_eff < 5): the interval is wide "
            "and itself poorly known; measure more or longer fields."
        )
    if mean is not None and _misfit(local) > 0:
        notes.append(
            "The residuals show more than two error functions describe, Fresnel fringes for instance: the shift that "
            "as much noise would cause in a block is in the budget as the model's."
        )
    notes.append(UNCORRECTED)
    return tuple(notes)


def _provenance(
    ds: xr.Dataset, pixel_size: Quantity | None, relative: float, search_width: Quantity | None
) -> Mapping[str, str]:
    known = {key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "parser_version") if key in ds.attrs}
    options = {"pixel_size": pixel_size, "pixel_size_relative_uncertainty": relative, "search_width": search_width}
    return known | {key: str(value) for key, value in options.items() if value is not None}


def _curves(image: Micrograph, local: LocalThickness) -> xr.Dataset:
    """Return what a plot of the result needs, edges in the coordinates of the image."""
    fits = local.fits
    x1, thickness = fits.parameters[:, X1], fits.parameters[:, THICKNESS]
    points, normals = (
        np.stack([np.interp(local.arclength, local.interface.arclength, part[:, axis]) for axis in (0, 1)], axis=1)
        for part in (local.interface.position, local.interface.normal)
    )
    edge1 = image.coordinates(points + x1[:, None] * normals)
    edge2 = image.coordinates(points + (x1 + thickness)[:, None] * normals)
    nm = {"units": "nm"}
    curves = xr.Dataset(
        {
            "thickness": ("arclength", thickness, nm),
            "thickness_stderr": ("arclength", fits.stderr(THICKNESS), nm),
            "accepted": ("arclength", local.accepted),
            "x1": ("arclength", x1, nm),
            "residual": (("arclength", "distance"), local.residual),
            "profile": ("distance", local.profile),
            "profile_model": ("distance", local.overall.model[0]),
        },
        coords={"arclength": ("arclength", local.arclength, nm), "distance": ("distance", local.distance, nm)},
    )
    traced = image.coordinates(points)
    for name, curve in (("interface", traced), ("edge1", edge1), ("edge2", edge2)):
        curves[f"{name}_y"], curves[f"{name}_x"] = ("arclength", curve[:, 0], nm), ("arclength", curve[:, 1], nm)
    curves["corner_y"], curves["corner_x"] = (("corner", ends, nm) for ends in image.corners.T)
    return curves
