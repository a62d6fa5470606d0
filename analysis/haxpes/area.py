"""Peak areas of a photoelectron region, with the background in the fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..detection import DETECTION_LIMIT, upper_limit
from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from .core_levels import multiplet
from .lineshape import Array, voigt_fwhm
from .peak_model import PeakFit, PeakModel, fit_peaks, inelastic_kernels, step_kernel
from .region import Region, select_region

# Width assumed for a line that is not seen, eV: between those of monochromated laboratory and wide-pass HAXPES spectra.
_TYPICAL_FWHM = 1.5
# Largest inelastic background per area, eV-1: several times that of any solid.
_STEEPEST = 0.3
# Widest Gaussian standard deviation and Lorentzian half width, as parts of the region.
_WIDEST = 0.125


@dataclass(frozen=True)
class _Fitted:
    """A fit in the units of the result."""

    fit: PeakFit
    model: PeakModel
    area: float
    covariance: Array

    @property
    def variance(self) -> float:
        """Variance of the area of all components."""
        return max(float(self.covariance[: self.model.number, : self.model.number].sum()), 0.0)


def region_area(
    ds: xr.Dataset,
    *,
    window: tuple[float, float] | None = None,
    core_level: str | None = None,
    peaks: Sequence[float] | None = None,
) -> Result:
    r"""Fit the peak area of one region together with its background.

    .. math:: I(E) = \sum_j A_j \left[P(E - E_j) + k \int K(E - E')\, P(E' - E_j)\,dE'\right] + b_0 + b_1 E

    :math:`P` is a Voigt line, or the spin-orbit doublet of `core_level` with the splitting of the table, the
    statistical ratio of areas, one Gaussian width, and one Lorentzian width (two for 2p of transition metals).
    :math:`K` is a step, as in Shirley's background, or Tougaard's cross section for metals or for oxides; all three are
    fitted, with :math:`k` free, and the areas averaged with their Akaike weights. Subtracting a Shirley background
    first instead biases areas by 3 to 13 %. Areas are those of the whole line, tails beyond the window included.

    Parameters
    ----------
    ds : xarray.Dataset
        One spectrum of technique ``xps`` with a single core level, or a window that holds one.
    window : tuple of float, optional
        Energies in eV on the Dataset's own axis. Default: the whole spectrum.
    core_level : str, optional
        Such as ``"Ti 2p"``; default the attribute of the Dataset, else a single line.
    peaks : sequence of float, optional
        Position of each chemical component (its main line) in eV on the Dataset's own axis, held within 2 eV. Default:
        one component, wherever the intensity stands highest above a line between the ends.

    Returns
    -------
    Result
        ``peak_area`` of all components (``count eV s-1`` where the acquisition time is known, else ``count eV`` or
        ``eV``), ``peak_position`` and ``peak_fwhm`` in eV; with several components also ``peak_area_1`` and so on,
        ``peak_position_1`` and so on. The uncertainty of the area joins the fit (Poisson weights from the model, wider
        where the residuals are more than noise) and the background (spread of the models about their average). An area
        below 3.29 standard uncertainties is a limit, relation ``"<"``, and position and width are left out. ``curves``
        holds signal, fit, background and components.

    Raises
    ------
    NotAnalysable
        If the Dataset is a series, or the window holds too few points.

    References
    ----------
    .. [1] Herrera-Gomez et al., Surf. Interface Anal. 46 (2014) 897. https://doi.org/10.1002/sia.5453
    .. [2] Tougaard, Surf. Interface Anal. 25 (1997) 137.
    """
    region = select_region(ds, window)
    level = str(core_level if core_level is not None else ds.attrs.get("core_level", ""))
    positions = _positions(region, peaks)
    fits = {
        name: _fit(region, level, positions, peaks is not None, kernel)
        for name, kernel in inelastic_kernels(region.energy).items()
    }
    best = min(fits.values(), key=lambda fitted: fitted.fit.chi_square)
    notes = [region.note, _window_note(region, level)]
    if best.area < DETECTION_LIMIT * math.sqrt(best.variance):
        return _absent(region, level, positions if peaks is not None else None, notes, ds)
    _check_lines(region, best)
    weights = _akaike_weights([fitted.fit for fitted in fits.values()], region.poisson)
    areas = np.array([fitted.area for fitted in fits.values()])
    area = float(weights @ areas)
    stderr = math.sqrt(float(weights @ [fitted.variance for fitted in fits.values()]))
    background = math.sqrt(float(weights @ (areas - area) ** 2))
    return Result(
        method="Voigt lines fitted together with an inelastic background tied to them (step or Tougaard)",
        quantities=_quantities(region, best, area, math.hypot(stderr, background)),
        diagnostics={
            "reduced_chi_square": best.fit.reduced_chi_square,
            "n_points": float(region.energy.size),
            "window_low": float(np.min(region.sign * region.energy)),
            "window_high": float(np.max(region.sign * region.energy)),
            **{f"weight_{name}": float(weight) for name, weight in zip(fits, weights, strict=True)},
        },
        budget={"peak_area": {"fit": stderr, "background": background}},
        notes=(*notes, *_model_notes(level, best, region.poisson)),
        provenance=_provenance(ds, level),
        curves=_curves(region, best),
    )


def _check_lines(region: Region, best: _Fitted) -> None:
    """Refuse a fit with a line as wide as the region or a negative background: the lines are not those assumed."""
    lowest = float((best.fit.fitted - _lines(best).sum(axis=1)).min())
    first = best.model.number
    widest = float(best.fit.theta[first : first + best.model.n_widths].max())
    if lowest < -0.05 * float(np.ptp(region.signal)) or widest > 0.999 * _WIDEST * float(np.ptp(region.energy)):
        raise NotAnalysable(
            f"the region of {_span(region)} is not {first} line{'s' * (first > 1)} on a background; "
            "pass the positions of its peaks, or a window about one of them"
        )


def _lines(best: _Fitted) -> Array:
    """Return the components without their inelastic tails, shape (n, components)."""
    bare = np.append(best.fit.theta[:-1], 0.0)
    number = best.model.number
    lines: Array = best.model.columns(bare)[0][:, :number] * best.fit.linear[:number]
    return lines


def _akaike_weights(fits: Sequence[PeakFit], poisson: bool) -> Array:
    """Return the weight of each background; models of one size differ by chi square alone.

    Chi square counts in units of the noise, or of the residuals of the best model where these are larger.
    """
    chi_square = np.array([fit.chi_square for fit in fits])
    scale = min(fit.reduced_chi_square for fit in fits)
    weights = np.exp(-0.5 * (chi_square - chi_square.min()) / (max(scale, 1.0) if poisson else scale))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _model_notes(level: str, best: _Fitted, poisson: bool) -> list[str]:
    notes, lines = [], multiplet(level)
    if best.model.number > 1:
        notes.append("All components share one line shape.")
    if len(lines.offsets) > 1:
        notes.append(f"{level}: splitting {lines.offsets[1]} eV and the statistical ratio of areas are assumed.")
    if best.fit.reduced_chi_square > 2 and poisson:
        notes.append(
            f"Misfit: reduced chi square {best.fit.reduced_chi_square:.1f}; the uncertainties are widened by its root. "
            "More components or another line shape may be needed."
        )
    return notes


def _positions(region: Region, peaks: Sequence[float] | None) -> Array:
    if peaks is not None:
        given = region.sign * np.asarray(peaks, dtype=float)
        if given.size == 0 or given.min() < region.energy[0] or given.max() > region.energy[-1]:
            raise NotAnalysable(f"the peaks {list(peaks)} do not all lie in the region of {_span(region)}")
        return given
    return np.array([region.energy[int(np.argmax(_above_ends(region)))]])


def _above_ends(region: Region) -> Array:
    """Return the smoothed signal above a line between the means of both ends."""
    ends = max(3, region.energy.size // 20)
    smooth = np.convolve(np.pad(region.signal, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    x = region.energy
    low, high = (x[:ends].mean(), smooth[:ends].mean()), (x[-ends:].mean(), smooth[-ends:].mean())
    line = low[1] + (x - low[0]) * (high[1] - low[1]) / (high[0] - low[0])
    height: Array = smooth - line
    return height


def _guess_fwhm(region: Region, position: float) -> float:
    height, at = _above_ends(region), int(np.argmin(np.abs(region.energy - position)))
    low, high = at, at
    while low > 0 and height[low] > height[at] / 2:
        low -= 1
    while high < height.size - 1 and height[high] > height[at] / 2:
        high += 1
    step = float(np.median(np.diff(region.energy)))
    width = float(region.energy[high] - region.energy[low])
    return float(np.clip(width, 2 * step, 0.5 * np.ptp(region.energy)))


def _fit(region: Region, level: str, positions: Array, held: bool, kernel: Array) -> _Fitted:
    model = PeakModel(region.energy, kernel, multiplet(level), positions.size)
    span, step = float(np.ptp(region.energy)), float(np.median(np.diff(region.energy)))
    fwhm = float(np.median([_guess_fwhm(region, p) for p in positions]))
    widths = np.array([0.3 * fwhm, 0.2 * fwhm, 0.3 * fwhm][: model.n_widths])
    reach = 2.0 if held else span
    start = np.concatenate([positions, widths, [0.01]])
    low = np.concatenate(
        [np.maximum(positions - reach, region.energy[0]), [0.3 * step], np.full(model.n_widths - 1, 1e-3 * step), [0.0]]
    )
    high = np.concatenate(
        [np.minimum(positions + reach, region.energy[-1]), np.full(model.n_widths, _WIDEST * span), [_STEEPEST]]
    )
    floor = 1.0 if region.poisson else max(1e-3 * float(np.abs(region.signal).max()), 1e-300)
    fit = fit_peaks(model, region.signal, start, (low, high), floor=floor)
    spread = 1.0 + 3.0 * math.sqrt(2.0 / fit.freedom)
    widen = fit.reduced_chi_square if not region.poisson or fit.reduced_chi_square > spread else 1.0
    unit = np.ones(fit.linear.size + fit.theta.size)
    unit[: fit.linear.size] = region.to_unit
    area = float(fit.linear[: positions.size].sum()) * region.to_unit
    return _Fitted(fit, model, area, fit.covariance * widen * np.outer(unit, unit))


def _quantities(region: Region, best: _Fitted, area: float, stderr: float) -> tuple[Quantity, ...]:
    number = best.model.number
    cov, theta, linear = best.covariance, best.fit.theta, best.fit.linear
    first = linear.size
    value, by_gaussian, by_lorentzian = voigt_fwhm(float(theta[number]), float(theta[number + 1]))
    gradient = np.array([by_gaussian, by_lorentzian])
    widths = slice(first + number, first + number + 2)
    fwhm_stderr = math.sqrt(max(float(gradient @ cov[widths, widths] @ gradient), 0.0))

    def position(j: int, name: str) -> Quantity:
        return Quantity(name, region.sign * float(theta[j]), math.sqrt(cov[first + j, first + j]), "eV", kind="fit")

    major = int(np.argmax(linear[:number]))
    found = [
        Quantity("peak_area", area, stderr, region.unit, kind="fit"),
        position(major, "peak_position"),
        Quantity("peak_fwhm", value, fwhm_stderr, "eV", kind="fit"),
    ]
    for j in range(number if number > 1 else 0):
        part = Quantity(
            f"peak_area_{j + 1}", float(linear[j]) * region.to_unit, math.sqrt(cov[j, j]), region.unit, kind="fit"
        )
        found += [part, position(j, f"peak_position_{j + 1}")]
    return tuple(found)


def _absent(region: Region, level: str, positions: Array | None, notes: list[str], ds: xr.Dataset) -> Result:
    """Return the limit of an area that is not seen: the largest over all places where the line may hide."""
    where = positions
    if where is None:
        margin = 0.1 * float(np.ptp(region.energy))
        where = np.linspace(region.energy[0] + margin, region.energy[-1] - margin, 41)
    model = PeakModel(region.energy, step_kernel(region.energy), multiplet(level), 1)
    smooth = np.polynomial.Polynomial.fit(region.energy, region.signal, 2)(region.energy)
    residual, local = region.signal - smooth, float(np.mean(np.diff(region.signal) ** 2)) / 2.0
    if float(np.mean(residual**2)) > 2.0 * local:
        raise NotAnalysable(
            f"the region of {_span(region)} holds more than a background, but not one line that stands out of it; "
            "pass the positions of its peaks, or a window about one of them"
        )
    stderr = np.sqrt(np.maximum(smooth, 1.0)) if region.poisson else np.full(smooth.size, math.sqrt(local))
    widths = [0.35 * _TYPICAL_FWHM, 0.15 * _TYPICAL_FWHM, 0.15 * _TYPICAL_FWHM][: model.n_widths]
    limits = []
    for position in where:
        columns = model.columns(np.array([position, *widths, 0.0]))[0] / stderr[:, None]
        covariance = np.linalg.pinv(columns.T @ columns)
        area = float((covariance @ (columns.T @ (region.signal / stderr)))[0])
        limits.append((upper_limit(area, math.sqrt(covariance[0, 0])), math.sqrt(covariance[0, 0])))
    limit, sigma = (value * region.to_unit for value in max(limits))
    notes = [*notes, f"No line is seen; the limit is for one of {_TYPICAL_FWHM} eV full width at the worst position."]
    return Result(
        method="One-sided 95 % limit of a line on a straight background",
        quantities=(Quantity("peak_area", limit, sigma, region.unit, (0.0, limit), "<", "fit"),),
        diagnostics={"n_points": float(region.energy.size)},
        budget={"peak_area": {"fit": sigma}},
        notes=tuple(notes),
        provenance=_provenance(ds, level),
    )


def _window_note(region: Region, level: str) -> str:
    return f"{level or 'Region'} fitted over {_span(region)}; the area is that of the whole line, tails included."


def _span(region: Region) -> str:
    ends = sorted(region.sign * region.energy[[0, -1]])
    return f"{ends[0]:.1f} to {ends[1]:.1f} eV {region.axis.replace('_', ' ')}"


def _provenance(ds: xr.Dataset, level: str) -> dict[str, str]:
    keys = ("source_file", "source_sha256", "format", "parser_version", "sample", "region")
    return {key: str(ds.attrs[key]) for key in keys if key in ds.attrs} | ({"core_level": level} if level else {})


def _curves(region: Region, best: _Fitted) -> xr.Dataset:
    number = best.model.number
    lines = _lines(best)
    background = best.fit.fitted - lines.sum(axis=1)
    attrs = {"units": {"count eV s-1": "count s-1", "count eV": "count"}.get(region.unit, "1")}
    scale = region.to_unit
    return xr.Dataset(
        {
            "signal": (region.axis, region.signal * scale, attrs | {"long_name": "signal"}),
            "fit": (region.axis, best.fit.fitted * scale, attrs | {"long_name": "fit"}),
            "background": (region.axis, background * scale, attrs | {"long_name": "background"}),
            "component": (("peak", region.axis), lines.T * scale, attrs | {"long_name": "component"}),
            "residual": (region.axis, (region.signal - best.fit.fitted) * scale, attrs | {"long_name": "residual"}),
        },
        coords={
            region.axis: (region.axis, region.sign * region.energy, {"units": "eV"}),
            "peak": ("peak", np.arange(1, number + 1)),
        },
    )
