"""What the fractions of a linear combination do not know: their covariance, source by source."""

from __future__ import annotations

import math

import numpy as np

from ..errors import NotAnalysable
from .mixture import Mixture, MixtureFit
from .normalisation import Windows, slope_change
from .scan import Array
from .spectra import Spectra, normalised


def fraction_covariances(mixture: Mixture, fit: MixtureFit, spectra: Spectra, inflation: float) -> dict[str, Array]:
    """Return the covariance of the fractions by source.

    Parameters
    ----------
    mixture : Mixture
        Data and references.
    fit : MixtureFit
        The fit free in sign.
    spectra : Spectra
        What the references were normalised from.
    inflation : float
        Factor on the covariance of the fit for residuals that are more than noise.

    Returns
    -------
    dict of str to ndarray, shape (k, k)
        ``fit``; ``alignment`` and ``resolution`` of the references, unless held; and for spectra normalised here
        ``background`` (noise under the background curves of the references), ``windows`` and, for a post-edge of
        order 0, ``post-edge slope``.
    """
    parts = _fit_covariances(mixture, fit, inflation)
    if spectra.windows is None:
        return parts
    parts["background"] = _background_covariance(mixture, fit, spectra)
    parts["windows"] = _window_covariance(mixture, fit, spectra, spectra.windows)
    if spectra.windows.order == 0:
        parts["post-edge slope"] = _slope_covariance(fit, spectra, spectra.windows)
    return parts


def misfit(mixture: Mixture, fit: MixtureFit, has_stderr: bool) -> dict[str, float]:
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


def _fit_covariances(mixture: Mixture, fit: MixtureFit, inflation: float) -> dict[str, Array]:
    """Return the covariance with the references held, and what their shifts and their broadenings add to it."""
    k = mixture.size
    to_fraction = _to_fraction(fit)
    held = {"alignment": mixture.reference_shift > 0, "resolution": mixture.broadening > 0}
    number = fit.jacobian.shape[1] - k * sum(held.values())
    total = to_fraction @ _inverse(fit.jacobian[:, :number])[:k, :k] @ to_fraction.T
    parts = {"fit": total * inflation}
    for source in (source for source, free in held.items() if free):
        number += k
        more = to_fraction @ _inverse(fit.jacobian[:, :number])[:k, :k] @ to_fraction.T
        parts[source], total = more - total, more
        np.fill_diagonal(parts[source], np.maximum(np.diag(parts[source]), 0.0))
    return parts


def _inverse(jacobian: Array) -> Array:
    inverse = np.asarray(np.linalg.pinv(jacobian.T @ jacobian), dtype=np.float64)
    return (inverse + inverse.T) / 2


def _to_fraction(fit: MixtureFit) -> Array:
    """Return the derivatives of the fractions with respect to the weights."""
    return np.asarray((np.eye(fit.weights.size) - fit.fractions[:, None]) / fit.weights.sum(), dtype=np.float64)


def _background_covariance(mixture: Mixture, fit: MixtureFit, spectra: Spectra) -> Array:
    """Return what the noise under the background curves of the references does; that of the scan is its scale."""
    k, n = mixture.size, mixture.energy.size
    gain = _to_fraction(fit) @ fit.covariance()[:k] @ fit.jacobian[:n].T / mixture.stderr
    total = np.zeros((k, k))
    for spectrum, weight, shift in zip(spectra.references, fit.weights, fit.shifts, strict=True):
        if spectrum.background is None:
            continue
        energy = mixture.energy - shift
        x = (energy - spectrum.background.e0) / 100.0
        signal = np.interp(energy, spectrum.normalized.energy, spectrum.normalized.mu)
        # d(normalised)/d(pre-edge constant, slope, post-edge constant)
        response = np.stack([signal - 1.0, -x, -signal], axis=-1) / spectrum.background.step
        effect = weight * gain @ response
        total += effect @ spectrum.background.covariance[:3, :3] @ effect.T
    return total


def _slope_covariance(fit: MixtureFit, spectra: Spectra, windows: Windows) -> Array:
    """Return what the slope of the background above the edges, which order 0 cannot know, does to the fractions.

    An error of the step of a reference scales its weight. A part that all steps have in common drops out with the
    scale of the scan, so that the scatter counts: of the changes, in units of the step, that slopes of their own would
    bring to scan and references.
    """
    changes = [
        slope_change(spectrum.scan, windows, spectrum.background) / spectrum.background.step
        for spectrum in spectra.normalized
        if spectrum.scan is not None and spectrum.background is not None
    ]
    variance = float(np.var(changes, ddof=1)) if len(changes) > 1 else changes[0] ** 2 / 3
    steps = np.array([reference.background is not None for reference in spectra.references]) * fit.weights
    effect = _to_fraction(fit) * steps
    return np.asarray(effect @ effect.T * variance, dtype=np.float64)


def _window_covariance(mixture: Mixture, fit: MixtureFit, spectra: Spectra, windows: Windows) -> Array:
    """Return the mean square change of the fractions over the jittered windows, the same for all scans."""
    base, slopes = mixture.spectra(fit.shifts, fit.broadenings), -mixture.slopes(fit.shifts, fit.broadenings)
    drift = (slopes @ fit.weights)[:, None] if mixture.max_shift > 0 else slopes[:, :0]
    changes = []
    for moved in windows.jittered():
        try:
            redone = [normalised(s.scan or s.normalized, spectra.edges[0], moved) for s in spectra.references]
        except NotAnalysable:
            continue
        columns = [
            np.interp(mixture.energy - shift, new.normalized.energy, new.normalized.mu - old.normalized.mu)
            for new, old, shift in zip(redone, spectra.references, fit.shifts, strict=True)
        ]
        design = np.column_stack([base + np.stack(columns, axis=-1), drift])
        weights = mixture.linear_fit(design, mixture.signal)[: mixture.size]
        changes.append(weights / weights.sum() - fit.fractions)
    deviations = np.array(changes)
    return deviations.T @ deviations / len(changes) if changes else np.eye(mixture.size)
