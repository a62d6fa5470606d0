"""Linear combination: which fractions of reference compounds a spectrum consists of, and how well that is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ..detection import DETECTION_LIMIT, upper_limit
from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from .edge import edge_energy
from .mixture import Curve, Mixture, MixtureFit, fit_mixture, fixed_sum_fractions, plain_weights
from .normalisation import Background, Windows, choose_windows, fit_background, provenance, settle_slope
from .scan import SIGNALS, Array, Scan, absorption_scan, noise

_NORMAL95 = 1.959963984540054


@dataclass(frozen=True)
class Spectrum:
    """A normalised scan; `scan`, `windows` and `background` are None where the Dataset came normalised."""

    normalized: Scan
    scan: Scan | None = None
    windows: Windows | None = None
    background: Background | None = None


def linear_combination(
    ds: xr.Dataset,
    references: Mapping[str, xr.Dataset],
    *,
    energy_range: tuple[float, float] | None = None,
    max_shift: float = 1.0,
    reference_shift: float = 0.05,
) -> Result:
    r"""Find the fractions of reference compounds in a scan by linear combination fitting.

    .. math:: \mu_n(E) = a \sum_i f_i\, r_i(E - \delta - \delta_i) + b_0 + b_1 E,
              \qquad f_i \ge 0, \quad \sum_i f_i = 1

    The scale :math:`a` (an error of the edge step), the shift :math:`\delta` (the monochromator) and the baseline
    :math:`b` (an error of the pre-edge line) are free for the scan; a shift :math:`\delta_i` of each reference is held
    by a prior. Without these nuisances 0.1 eV of misalignment alone reads as 4 % of a compound that is not there.

    Parameters
    ----------
    ds : xarray.Dataset
        The scan: ``mu_normalized`` is taken as it is, else the absorption is normalised here.
    references : mapping of str to xarray.Dataset
        Reference scans by name, two or more. All that need normalising get the same windows on the energy axis.
    energy_range : tuple of float, optional
        Energies of the fit in eV. Default: from 30 eV below the lowest to 30 eV above the highest edge energy, as far
        as all scans reach; the part below the edges holds the baseline.
    max_shift : float
        Largest shift of the scan against the references in eV; 0 for scans aligned by a reference channel. Default 1:
        more than monochromators drift between calibrations, less than chemical shifts between oxidation states.
    reference_shift : float
        Standard uncertainty in eV of the alignment of the references with each other. Default 0.05: the repeatability
        of a crystal monochromator without an encoder correction; 0 if they were aligned by one foil.

    Returns
    -------
    Result
        ``fraction_<name>`` in the order of `references`. A fraction below its detection limit of 3.29 standard
        uncertainties is a limit, relation ``"<"`` with the one-sided 95 % bound (normal likelihood cut at zero); one
        as close to 1 is ``">"``. The uncertainty joins the fit (residual scatter, or ``mu_stderr``), the alignment of
        the references, the noise of their backgrounds, and the windows of their normalisation. ``diagnostics`` holds
        the weights free in sum (``weight_<name>``), the fractions with the sum of weights fixed to 1
        (``fraction_<name>_fixed_sum``), detection limits and the collinearity of the references.

    Raises
    ------
    NotAnalysable
        If a scan cannot be normalised, the scans do not overlap, or two references are the same spectrum.

    References
    ----------
    .. [1] Currie, Anal. Chem. 40 (1968) 586. https://doi.org/10.1021/ac60259a007
    """
    if len(references) < 2:
        raise NotAnalysable(f"found {len(references)} reference spectra; a linear combination needs at least 2")
    names = list(references)
    raw = [_raw(ds, "the scan"), *(_raw(reference, f"the reference {name}") for name, reference in references.items())]
    edges = [edge_energy(scan)[0] for scan in raw]
    windows, e0 = _common_windows(raw, edges) if any(s.signal != "mu_normalized" for s in raw) else (None, edges[0])
    spectra = [_spectrum(scan, e0, windows) for scan in raw]
    energy_range = energy_range or (min(edges) - 30.0, max(edges) + 30.0)
    mixture = _mixture(spectra, energy_range, max_shift, reference_shift)
    collinearity = _collinearity(mixture, names)

    free, mixture = _fit_with_residual_noise(mixture, raw[0].stderr is None)
    bounded = free if (free.weights >= 0).all() else fit_mixture(mixture, lowest=0.0, start=free.shift)
    misfit = _misfit(mixture, free, raw[0].stderr is not None)
    parts = _covariances(mixture, free, spectra, misfit["inflation"])
    if windows is not None:
        parts["windows"] = _window_covariance(mixture, free, spectra, windows, e0)
    total = sum(parts.values(), np.zeros((len(names), len(names))))
    stderr = np.sqrt(np.diag(total))
    quantities = tuple(
        _fraction(name, *map(float, triple))
        for name, *triple in zip(names, bounded.fractions, free.fractions, stderr, strict=True)
    )
    fixed = fixed_sum_fractions(mixture, bounded.shifts)
    weights = plain_weights(mixture, bounded.shifts)
    diagnostics = collinearity | misfit | {"energy_shift": bounded.shift, "sum_of_weights": float(weights.sum())}
    for i, name in enumerate(names):
        diagnostics |= {
            f"weight_{name}": float(weights[i]),
            f"fraction_{name}_fixed_sum": float(fixed[i]),
            f"detection_limit_{name}": DETECTION_LIMIT * float(stderr[i]),
        }
    return Result(
        method="Linear combination of reference spectra, non-negative and summing to one, with free scale and shift",
        quantities=quantities,
        correlation=tuple(tuple(map(float, row)) for row in total / np.outer(stderr, stderr)),
        diagnostics=diagnostics,
        budget={
            f"fraction_{name}": {source: math.sqrt(part[i, i]) for source, part in parts.items()}
            for i, name in enumerate(names)
        },
        notes=_notes(mixture, bounded, diagnostics, raw[0], windows is not None),
        provenance=provenance(ds) | {f"reference_{n}": r.attrs.get("source_file", "") for n, r in references.items()},
        curves=_curves(mixture, bounded, names),
    )


def _raw(ds: xr.Dataset, what: str) -> Scan:
    try:
        return absorption_scan(ds, ("mu_normalized", *SIGNALS))
    except NotAnalysable as error:
        raise NotAnalysable(f"{what}: {error}") from error


def _common_windows(scans: Sequence[Scan], edges: Sequence[float]) -> tuple[Windows, float]:
    """Return windows on one energy axis, clear of every edge, and the energy they are counted from."""
    low, high = max(scan.span[0] for scan in scans), min(scan.span[1] for scan in scans)
    e0 = edges[0]
    windows = choose_windows((low, high), e0)
    pre = (windows.pre_edge[0], windows.pre_edge[1] - (e0 - min(edges)))
    post = (windows.post_edge[0] + (max(edges) - e0), windows.post_edge[1])
    if not (pre[0] < pre[1] and post[0] < post[1]):
        raise NotAnalysable(
            f"the scans share {low:.1f} to {high:.1f} eV, too little about edges at {min(edges):.1f} to "
            f"{max(edges):.1f} eV to normalise them alike"
        )
    return Windows(pre, post, windows.order), e0


def _spectrum(scan: Scan, e0: float, windows: Windows | None) -> Spectrum:
    if scan.signal == "mu_normalized" or windows is None:
        return Spectrum(scan)
    return _normalised(scan, e0, settle_slope(scan, e0, windows))


def _normalised(scan: Scan, e0: float, windows: Windows) -> Spectrum:
    background = fit_background(scan, e0, windows)
    if background.step <= 0:
        raise NotAnalysable(f"{scan.signal} falls over the edge at {e0:.1f} eV; expected a rise")
    stderr = None if scan.stderr is None else scan.stderr / background.step
    values = (scan.mu - background.pre_edge(scan.energy)) / background.step
    return Spectrum(replace(scan, mu=values, stderr=stderr, signal="mu_normalized"), scan, windows, background)


def _mixture(
    spectra: Sequence[Spectrum], energy_range: tuple[float, float], max_shift: float, reference_shift: float
) -> Mixture:
    low = max([energy_range[0], *(s.normalized.energy[0] + max_shift for s in spectra[1:])])
    high = min([energy_range[1], *(s.normalized.energy[-1] - max_shift for s in spectra[1:])])
    part = spectra[0].normalized.between(low, high)
    if part.energy.size < 2 * len(spectra) + 6:
        raise NotAnalysable(
            f"{part.energy.size} points lie between {low:.1f} and {high:.1f} eV, where all scans overlap; "
            f"a fit of {len(spectra) - 1} references needs at least {2 * len(spectra) + 6}"
        )
    stderr = part.stderr if part.stderr is not None else np.full(part.energy.size, noise(part.energy, part.mu) or 1e-6)
    curves = [_curve(s.normalized.energy, s.normalized.mu) for s in spectra[1:]]
    return Mixture(part.energy, part.mu, stderr, curves, max_shift, reference_shift)


def _curve(energy: Array, values: Array) -> Curve:
    from scipy.interpolate import CubicSpline

    spline = CubicSpline(energy, values)
    return lambda at, order=0: np.asarray(spline(at, order), dtype=np.float64)


def _fit_with_residual_noise(mixture: Mixture, from_residuals: bool) -> tuple[MixtureFit, Mixture]:
    """Return the fit free in sign, its noise taken from its own residuals when the scan brings none."""
    fit = fit_mixture(mixture, lowest=-math.inf)
    if not from_residuals:
        return fit, mixture
    sigma = max(math.sqrt(float(np.sum((mixture.signal - fit.model) ** 2)) / mixture.freedom), 1e-12)
    scaled = replace(mixture, stderr=np.full(mixture.energy.size, sigma))
    return fit_mixture(scaled, lowest=-math.inf, start=fit.shift), scaled


def _misfit(mixture: Mixture, fit: MixtureFit, has_stderr: bool) -> dict[str, float]:
    """Return what the residuals say of the model, and the factor on the covariance that follows."""
    residual = (mixture.signal - fit.model) / mixture.stderr
    number = residual.size
    positive = int((residual > 0).sum())
    expected = 2 * positive * (number - positive) / number + 1
    variance = max((expected - 1) * (expected - 2) / (number - 1), 1e-12)
    runs = 1 + int(np.count_nonzero(np.diff(residual > 0)))
    runs_z = (runs - expected) / math.sqrt(variance)
    inflation = 1.0
    if runs_z < -3:
        lag = float(np.clip(residual[1:] @ residual[:-1] / (residual @ residual), 0.0, 0.95))
        inflation = (1 + lag) / (1 - lag)
    chi_square = float(residual @ residual) / mixture.freedom
    found = {"n_points": float(number), "runs_z": runs_z, "inflation": inflation}
    if has_stderr:
        found |= {"reduced_chi_square": chi_square, "inflation": inflation * (chi_square if chi_square > 2 else 1.0)}
    return found


def _covariances(mixture: Mixture, fit: MixtureFit, spectra: Sequence[Spectrum], inflation: float) -> dict[str, Array]:
    """Return the covariance of the fractions by source: fit, alignment and background noise of the references."""
    k, n = mixture.size, mixture.energy.size
    to_fraction = (np.eye(k) - fit.fractions[:, None]) / fit.weights.sum()
    full = fit.covariance()
    aligned = fit.jacobian[:n, : fit.jacobian.shape[1] - (k if mixture.reference_shift > 0 else 0)]
    fixed = np.linalg.pinv(aligned.T @ aligned)[:k, :k]
    gain = to_fraction @ full[:k] @ fit.jacobian[:n].T / mixture.stderr
    parts = {"fit": to_fraction @ fixed @ to_fraction.T * inflation}
    if mixture.reference_shift > 0:
        more = to_fraction @ full[:k, :k] @ to_fraction.T - parts["fit"] / inflation
        parts["alignment"] = (more + more.T) / 2
        np.fill_diagonal(parts["alignment"], np.maximum(np.diag(parts["alignment"]), 0.0))
    background = np.zeros((k, k))
    for spectrum, weight, shift in zip(spectra[1:], fit.weights, fit.shifts, strict=True):
        if spectrum.background is None:
            continue
        energy = mixture.energy - shift
        x = (energy - spectrum.background.e0) / 100.0
        signal = np.interp(energy, spectrum.normalized.energy, spectrum.normalized.mu)
        # d(normalised)/d(pre-edge constant, slope, post-edge constant)
        response = np.stack([signal - 1.0, -x, -signal], axis=-1) / spectrum.background.step
        effect = weight * gain @ response
        background += effect @ spectrum.background.covariance[:3, :3] @ effect.T
    if background.any():
        parts["background"] = background
    return parts


def _moved(spectrum: Spectrum, e0: float, windows: Windows) -> Spectrum:
    if spectrum.scan is None or spectrum.windows is None:
        return spectrum
    return _normalised(spectrum.scan, e0, replace(windows, parallel=spectrum.windows.parallel))


def _window_covariance(
    mixture: Mixture, fit: MixtureFit, spectra: Sequence[Spectrum], windows: Windows, e0: float
) -> Array:
    """Return the mean square change of the fractions over the jittered windows, the same for all scans."""
    base, slopes = mixture.spectra(fit.shifts), -mixture.slopes(fit.shifts)
    drift = (slopes @ fit.weights)[:, None] if mixture.max_shift > 0 else slopes[:, :0]
    changes = []
    for moved in windows.jittered():
        try:
            redone = [_moved(spectrum, e0, moved) for spectrum in spectra[1:]]
        except NotAnalysable:
            continue
        columns = [
            np.interp(mixture.energy - shift, new.normalized.energy, new.normalized.mu - old.normalized.mu)
            for new, old, shift in zip(redone, spectra[1:], fit.shifts, strict=True)
        ]
        design = np.column_stack([base + np.stack(columns, axis=-1), drift])
        weights = mixture.linear_fit(design, mixture.signal)[: mixture.size]
        changes.append(weights / weights.sum() - fit.fractions)
    deviations = np.array(changes)
    return deviations.T @ deviations / len(changes) if changes else np.eye(mixture.size)


def _collinearity(mixture: Mixture, names: Sequence[str]) -> dict[str, float]:
    """Return how alike the references are over the fitted range; refuse twins."""
    spectra = mixture.spectra(np.zeros(mixture.size))
    unit = spectra / np.linalg.norm(spectra, axis=0)
    correlation = np.asarray(np.corrcoef(spectra.T))
    np.fill_diagonal(correlation, 0.0)
    first, second = divmod(int(np.argmax(correlation)), len(names))
    highest = float(correlation[first, second])
    if highest > 0.9999:
        raise NotAnalysable(
            f"the references {names[first]} and {names[second]} are the same spectrum (correlation {highest:.5f}); "
            "leave one of them out"
        )
    return {"condition_number": float(np.linalg.cond(unit)), "highest_correlation": highest}


def _fraction(name: str, best: float, estimate: float, stderr: float) -> Quantity:
    """Return a fraction as a value, or as the limit that is all the data say.

    `best` is the fraction of the bounded fit, `estimate` that of the fit free in sign.
    """
    name = f"fraction_{name}"
    if not math.isfinite(estimate + stderr) or stderr == 0:
        raise NotAnalysable(f"{name} is not determined: the references do not tell it from the others")
    if estimate < DETECTION_LIMIT * stderr:
        limit = min(upper_limit(estimate, stderr), 1.0)
        return Quantity(name, limit, stderr, "1", (0.0, limit), "<", "fit")
    if 1.0 - estimate < DETECTION_LIMIT * stderr:
        limit = max(1.0 - upper_limit(1.0 - estimate, stderr), 0.0)
        return Quantity(name, limit, stderr, "1", (limit, 1.0), ">", "fit")
    interval = (max(best - _NORMAL95 * stderr, 0.0), min(best + _NORMAL95 * stderr, 1.0))
    return Quantity(name, best, stderr, "1", interval, kind="fit")


def _notes(
    mixture: Mixture, fit: MixtureFit, diagnostics: Mapping[str, float], scan: Scan, normalised: bool
) -> tuple[str, ...]:
    notes = [
        f"Fitted over {mixture.energy[0]:.1f} to {mixture.energy[-1]:.1f} eV; the scan is shifted by {fit.shift:+.3f} "
        "eV against the references.",
        "The fractions are complete only if every compound present is among the references.",
    ]
    if diagnostics["runs_z"] < -3 or diagnostics.get("reduced_chi_square", 1.0) > 2:
        notes.append(
            "Misfit: the residuals are more than noise, so a reference is missing or wrong; the uncertainties are "
            f"widened by {math.sqrt(diagnostics['inflation']):.2g}, which does not cover a missing reference."
        )
    if mixture.max_shift > 0 and abs(fit.shift) > 0.99 * mixture.max_shift:
        notes.append(f"The energy shift stopped at its bound of {mixture.max_shift} eV; see the energy calibration.")
    if diagnostics["highest_correlation"] > 0.98:
        notes.append(
            f"Two references are nearly the same (correlation {diagnostics['highest_correlation']:.3f}); only the sum "
            "of their fractions is well determined."
        )
    if not normalised:
        notes.append("All spectra came normalised; no uncertainty of their normalisation is included.")
    if scan.mode == "fluorescence":
        notes.append("Self-absorption is not corrected: 10 % of it moves a fraction by about 0.05.")
    return tuple(notes)


def _curves(mixture: Mixture, fit: MixtureFit, names: Sequence[str]) -> xr.Dataset:
    parts = (mixture.spectra(fit.shifts) * fit.weights).T
    baseline = mixture.baseline @ fit.baseline
    units = {"units": "1"}
    return xr.Dataset(
        {
            "mu_normalized": ("energy", mixture.signal, units | {"long_name": "normalised absorption"}),
            "fit": ("energy", fit.model, units | {"long_name": "linear combination"}),
            "baseline": ("energy", baseline, units | {"long_name": "baseline"}),
            "residual": ("energy", mixture.signal - fit.model, units | {"long_name": "residual"}),
            "component": (("reference", "energy"), parts, units | {"long_name": "weighted reference"}),
        },
        coords={
            "energy": ("energy", mixture.energy, {"units": "eV", "long_name": "energy"}),
            "reference": ("reference", list(names)),
        },
    )
