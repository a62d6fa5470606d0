"""Linear combination: which fractions of reference compounds a spectrum consists of, and how well that is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from ..detection import DETECTION_LIMIT, upper_limit
from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from .covariance import fraction_covariances, misfit
from .mixture import Curve, Mixture, MixtureFit, fit_mixture, fixed_sum_fractions, plain_weights
from .normalisation import Windows, provenance
from .scan import Array, Scan, noise
from .spectra import Spectrum, load_spectra

_NORMAL95 = 1.959963984540054


def linear_combination(
    ds: xr.Dataset,
    references: Mapping[str, xr.Dataset],
    *,
    energy_range: tuple[float, float] | None = None,
    max_shift: float = 1.0,
    reference_shift: float = 0.05,
    reference_broadening: float = 0.25,
) -> Result:
    r"""Find the fractions of reference compounds in a scan by linear combination fitting.

    .. math:: \mu_n(E) = a \sum_i f_i\, r_i(E - \delta - \delta_i) + b_0 + b_1 E,
              \qquad f_i \ge 0, \quad \sum_i f_i = 1

    The scale :math:`a` (an error of the edge step), the shift :math:`\delta` (the monochromator) and the baseline
    :math:`b` (an error of the pre-edge line) are free for the scan; a shift :math:`\delta_i` of each reference and a
    broadening of it to the resolution of the scan are held by priors. Without these nuisances 0.1 eV of misalignment
    alone reads as 4 % of a compound that is not there.

    Parameters
    ----------
    ds : xarray.Dataset
        The scan: ``mu_normalized`` is taken as it is, else the absorption is normalised here.
    references : mapping of str to xarray.Dataset
        Reference scans by name, two or more. All scans that need normalising get the same
        windows on the energy axis and, if these are short, a post-edge of the same kind: level or parallel to the
        pre-edge line.
    energy_range : tuple of float, optional
        Energies of the fit in eV. Default: from 30 eV below the lowest to 30 eV above the highest edge energy, as far
        as all scans reach; the part below the edges holds the baseline.
    max_shift : float
        Largest shift of the scan against the references in eV; 0 for scans aligned by a reference channel. Default 1:
        more than monochromators drift between calibrations, less than chemical shifts between oxidation states.
    reference_shift : float
        Standard uncertainty in eV of the alignment of the references with each other. Default 0.05: the repeatability
        of a crystal monochromator without an encoder correction; 0 if they were aligned by one foil.
    reference_broadening : float
        Standard uncertainty of the resolution of the scan against that of each reference: full width at half maximum
        in eV of the Gaussian that turns one into the other. Default 0.25, which turns 0.5 into 0.56 eV: other slits or
        another beam on one monochromator; 0 if all were measured in one session.

    Returns
    -------
    Result
        ``fraction_<name>`` in the order of `references`. A fraction below its detection limit of 3.29 standard
        uncertainties is a limit, relation ``"<"`` with the one-sided 95 % bound (normal likelihood cut at zero); one
        as close to 1 is ``">"``. The uncertainty joins the fit (residual scatter, or ``mu_stderr``), the alignment
        and the resolution of the references, the noise of their backgrounds, the windows of their normalisation, and,
        where the scans end within 100 eV of the edge, the slope of the background above it, which they cannot tell.
        ``diagnostics`` holds the weights free in sum (``weight_<name>``), the fractions with the sum of weights fixed
        to 1 (``fraction_<name>_fixed_sum``), detection limits and the collinearity of the references.

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
    spectra = load_spectra(ds, references)
    scan = spectra.raw[0]
    energy_range = energy_range or (min(spectra.edges) - 30.0, max(spectra.edges) + 30.0)
    mixture = _mixture(spectra.normalized, energy_range, max_shift, reference_shift, reference_broadening)
    collinearity = _collinearity(mixture, names)

    free, mixture = _fit_with_residual_noise(mixture, scan.stderr is None)
    bounded = free if (free.weights >= 0).all() else fit_mixture(mixture, lowest=0.0, start=free.shift)
    quality = misfit(mixture, free, scan.stderr is not None)
    parts = fraction_covariances(mixture, free, spectra, quality["inflation"])
    total = sum(parts.values(), np.zeros((len(names), len(names))))
    stderr = np.sqrt(np.diag(total))
    quantities = tuple(
        _fraction(name, *map(float, triple))
        for name, *triple in zip(names, bounded.fractions, free.fractions, stderr, strict=True)
    )
    diagnostics = collinearity | quality | _weights(mixture, bounded, names, stderr)
    return Result(
        method="Linear combination of reference spectra, non-negative and summing to one, with free scale and shift",
        quantities=quantities,
        correlation=tuple(tuple(map(float, row)) for row in total / np.outer(stderr, stderr)),
        diagnostics=diagnostics,
        budget={
            f"fraction_{name}": {source: math.sqrt(part[i, i]) for source, part in parts.items()}
            for i, name in enumerate(names)
        },
        notes=_notes(mixture, bounded, diagnostics, scan, spectra.windows),
        provenance=provenance(ds) | {f"reference_{n}": r.attrs.get("source_file", "") for n, r in references.items()},
        curves=_curves(mixture, bounded, names),
    )


def _mixture(
    spectra: Sequence[Spectrum],
    energy_range: tuple[float, float],
    max_shift: float,
    reference_shift: float,
    reference_broadening: float,
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
    variance = reference_broadening**2 / (8 * math.log(2))
    return Mixture(part.energy, part.mu, stderr, curves, max_shift, reference_shift, variance)


def _curve(energy: Array, values: Array) -> Curve:
    from scipy.interpolate import CubicSpline

    integral = CubicSpline(energy, values).antiderivative()
    return lambda at, order=0: np.asarray(integral(at, order + 1), dtype=np.float64)


def _fit_with_residual_noise(mixture: Mixture, from_residuals: bool) -> tuple[MixtureFit, Mixture]:
    """Return the fit free in sign, its noise taken from its own residuals when the scan brings none."""
    fit = fit_mixture(mixture, lowest=-math.inf)
    if not from_residuals:
        return fit, mixture
    sigma = max(math.sqrt(float(np.sum((mixture.signal - fit.model) ** 2)) / mixture.freedom), 1e-12)
    scaled = replace(mixture, stderr=np.full(mixture.energy.size, sigma))
    return fit_mixture(scaled, lowest=-math.inf, start=fit.shift), scaled


def _weights(mixture: Mixture, fit: MixtureFit, names: Sequence[str], stderr: Array) -> dict[str, float]:
    """Return the weights without their constraints and the detection limits."""
    fixed = fixed_sum_fractions(mixture, fit)
    weights = plain_weights(mixture, fit)
    found = {"energy_shift": fit.shift, "sum_of_weights": float(weights.sum())}
    for i, name in enumerate(names):
        found |= {
            f"weight_{name}": float(weights[i]),
            f"fraction_{name}_fixed_sum": float(fixed[i]),
            f"detection_limit_{name}": DETECTION_LIMIT * float(stderr[i]),
        }
    return found


def _collinearity(mixture: Mixture, names: Sequence[str]) -> dict[str, float]:
    """Return how alike the references are over the fitted range; refuse twins."""
    spectra = mixture.spectra(np.zeros(mixture.size), np.zeros(mixture.size))
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
    mixture: Mixture, fit: MixtureFit, diagnostics: Mapping[str, float], scan: Scan, windows: Windows | None
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
    if windows is None:
        notes.append("All spectra came normalised; no uncertainty of their normalisation is included.")
    elif windows.order == 0:
        notes.append(
            "The scans end too soon above the edge to tell the slope of the background from the spectrum; for all of "
            f"them the post-edge was taken as {'parallel to the pre-edge line' if windows.parallel else 'level'}."
        )
    if scan.mode == "fluorescence":
        notes.append("Self-absorption is not corrected: 10 % of it moves a fraction by about 0.05.")
    return tuple(notes)


def _curves(mixture: Mixture, fit: MixtureFit, names: Sequence[str]) -> xr.Dataset:
    parts = (mixture.spectra(fit.shifts, fit.broadenings) * fit.weights).T
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
