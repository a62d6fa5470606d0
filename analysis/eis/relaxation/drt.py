r"""Distribution of relaxation times: a spectrum as a continuous series of RC elements, without a circuit.

.. math:: Z(\omega) = R_0 + j\omega L + \sum_n \frac{1}{Q_n (j\omega)^n}
          + \int \frac{\gamma(\tau)}{1 + j\omega\tau}\, d\ln\tau, \qquad \gamma \ge 0

The powers, n from 0.5 to 1, stand for blocking electrodes and diffusion, which relax at no time within the window and
would otherwise show as a row of false peaks. With modulus weights the problem is ridge regression with coefficients
that are not negative (NNLS); the penalty is the slope of :math:`\gamma/|Z(1/\tau)|`, so that small and large arcs are
smoothed alike.

References
----------
.. [1] Wan, Saccoccio, Chen, Ciucci, Electrochim. Acta 184 (2015) 483. https://doi.org/10.1016/j.electacta.2015.09.097
.. [2] Lukas, Inverse Problems 22 (2006) 1883 (robust cross-validation). https://doi.org/10.1088/0266-5611/22/5/021
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import coverage_factor, positive_interval
from ..circuits import Complexes, Floats
from ..spectrum import Spectrum, origin, usable
from ..validity.screening import Screened, screened
from .drt_peaks import Peak, find_peaks
from .drt_solution import OPEN_SHARE, cross_validated, pose, posterior, solve

_SENSITIVITY = 10.0  # factor on the penalty that shows what rests on its choice
_LACKING = 3.0  # misfit over noise from which on it is said
_UNLISTED = 0.05  # share of the total outside the peaks from which on it is said
_TOLD = 3.0  # standard uncertainties above which the series resistance is reported
_NORMAL95 = 1.959963984540054


def distribution_of_relaxation_times(ds: xr.Dataset) -> Result:
    r"""Distribution of relaxation times of one spectrum, with band, and its peaks with resistance and time constant.

    The penalty is chosen by robust generalised cross-validation of the linear problem. Points that the linear
    Kramers-Kronig test finds suspect are left out. Peaks that cannot be told apart count as one, see
    `interlayer.analysis.eis.relaxation.drt_peaks.find_peaks`; resistances are areas between the valleys.

    Resistances of arcs that lie two decades or more apart, or three when strongly depressed (n = 0.85), inside the
    window and each above a tenth of the other, are covered by their 95 % intervals in 95 to 100 % of simulations. Most
    of the uncertainty is how neighbours share what lies between them, which is the same for any noise: standard
    uncertainties are one to five times the error that is made. Of closer arcs the sum is known better than
    the parts, and an arc that runs into the side of a blocking electrode is not listed. Where a circuit is known, its
    fit is better.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.

    Returns
    -------
    Result
        ``polarisation_resistance`` (ohm), the integral of gamma to three times the window on either side (the feet of
        strongly depressed arcs reach beyond), unless the spectrum is open at the lowest frequency;
        ``peak_1_resistance`` (ohm), ``peak_1_time_constant`` (s), ..., numbered from the fastest;
        ``series_resistance`` (ohm) when it differs from zero. Standard uncertainties join noise (posterior covariance
        of the coefficients that are not zero), regularisation (change on a ten times larger penalty) and overlap (what
        lies halfway between two peaks). Curves: ``gamma``, ``gamma_low``, ``gamma_high`` (ohm, per unit of the natural
        logarithm, pointwise 95 % band of the smoothed distribution) over ``time_constant`` (s); ``impedance``,
        ``model`` (ohm) over ``frequency``.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no single spectrum with at least four points a decade, or no relaxation is told.

    Examples
    --------
    >>> from interlayer.parsers import schema
    >>> frequency = np.logspace(5, 0, 51)
    >>> impedance = 10 + 100 / (1 + 2j * np.pi * frequency * 1e-3)
    >>> random = np.random.default_rng(1)
    >>> impedance = impedance * (1 + 0.002 * (random.normal(size=51) + 1j * random.normal(size=51)))
    >>> result = distribution_of_relaxation_times(schema.build("eis", {"frequency": frequency, "impedance": impedance}))
    >>> [quantity.name for quantity in result.quantities]
    ['polarisation_resistance', 'peak_1_resistance', 'peak_1_time_constant', 'series_resistance']
    """
    screen = screened(usable(ds))
    keep = ~screen.suspect
    spectrum = Spectrum(screen.spectrum.frequency[keep], screen.spectrum.impedance[keep])
    found = _distribution(spectrum)
    peaks = find_peaks(found.tau, found.gamma, found.covariance, found.smoother, found.floor, found.electrode)
    closed = found.open_share <= OPEN_SHARE
    if not peaks and not closed:
        raise NotAnalysable(
            "no relaxation is told from leads and electrode; a circuit fit may still give a limit of the resistance"
        )
    quantities, budget = _quantities(found, peaks, closed)
    return Result(
        method="distribution of relaxation times, ridge regression with gamma >= 0, robust GCV, modulus weights",
        quantities=quantities,
        diagnostics={
            "n_peaks": float(len(peaks)),
            "penalty": found.penalty,
            "relative_misfit": found.misfit,
            "kramers_kronig_noise": screen.fit.noise,
            "kramers_kronig_consistent": float(screen.is_consistent),
            "open_share": found.open_share,
            "n_points": float(spectrum.frequency.size),
            "n_suspect": float(screen.suspect.sum()),
            "n_masked": float(screen.spectrum.n_masked),
        },
        budget=budget,
        notes=tuple(_notes(screen, found, peaks, closed)),
        provenance=origin(ds),
        curves=_curves(spectrum, found),
    )


@dataclass(frozen=True)
class _Distribution:
    """Solution on the grid of time constants.

    `covariance` (K, K) and `smoother` (K,), gamma with the larger penalty, belong to `gamma` (K,) in ohm; `floor` (K,)
    is the smallest resistance in ohm that the noise lets tell, `electrode` (K,) the modulus of the powers at 1/tau.
    """

    tau: Floats
    gamma: Floats
    smoother: Floats
    covariance: Floats
    floor: Floats
    electrode: Floats
    model: Complexes
    penalty: float
    misfit: float
    series: tuple[float, float]
    degrees_of_freedom: float
    open_share: float


def _distribution(spectrum: Spectrum) -> _Distribution:
    problem = pose(spectrum)
    penalty, common = cross_validated(problem), problem.n_common
    x = solve(problem, penalty)
    smoother = solve(problem, penalty * _SENSITIVITY)[common:] * problem.near
    residual = problem.target - problem.design @ x
    covariance, freedom = posterior(problem, penalty, x > 0, residual)
    misfit = float(np.sum(residual**2)) / freedom
    near = problem.near
    return _Distribution(
        tau=problem.tau,
        gamma=x[common:] * near,
        smoother=smoother,
        covariance=covariance[common:, common:] * np.outer(near, near),
        floor=problem.floor(misfit),
        electrode=problem.beside_electrode(x),
        model=problem.columns @ x,
        penalty=penalty,
        misfit=math.sqrt(misfit),
        series=(float(x[0] * problem.sizes[0]), math.sqrt(covariance[0, 0]) * float(problem.sizes[0])),
        degrees_of_freedom=freedom,
        open_share=float(problem.electrode(x).sum() / abs(spectrum.impedance[-1])),
    )


def _quantities(
    found: _Distribution, peaks: list[Peak], closed: bool
) -> tuple[tuple[Quantity, ...], dict[str, dict[str, float]]]:
    factor = coverage_factor(found.degrees_of_freedom)
    quantities, budget = [], {}

    def add(name: str, value: float, parts: dict[str, float], unit: str) -> None:
        stderr = math.hypot(*parts.values())
        interval = positive_interval(value, stderr / value, factor)
        quantities.append(Quantity(name, value, stderr, unit, interval, kind="fit"))
        budget[name] = parts

    step = math.log(found.tau[1] / found.tau[0])
    total = step * float(found.gamma.sum())
    if closed and total > 0:
        noise = math.hypot(step * math.sqrt(float(found.covariance.sum())), float(found.floor[-1]))
        change = step * abs(float((found.smoother - found.gamma).sum()))
        end = float(found.electrode[-1])
        add("polarisation_resistance", total, {"noise": noise, "regularisation": change, "open_end": end}, "ohm")
    for number, peak in enumerate(peaks, start=1):
        add(f"peak_{number}_resistance", peak.resistance, dict(peak.resistance_budget), "ohm")
        relative = {source: peak.time_constant * part for source, part in peak.ln_tau_budget.items()}
        add(f"peak_{number}_time_constant", peak.time_constant, relative, "s")
    series, stderr = found.series
    stderr = math.hypot(stderr, float(found.floor[0]))
    if series > _TOLD * stderr:
        add("series_resistance", series, {"noise": stderr}, "ohm")
    return tuple(quantities), budget


def _notes(screen: Screened, found: _Distribution, peaks: list[Peak], closed: bool) -> Iterator[str]:
    yield from screen.spectrum.notes
    if found.misfit > _LACKING * screen.fit.noise:
        yield (
            f"the distribution leaves {100 * found.misfit:.2g} %, the noise is {100 * screen.fit.noise:.2g} %: part "
            "of the spectrum is no positive relaxation within reach of the window, for example inductive; peaks may be "
            "artefacts"
        )
    if not screen.is_consistent:
        yield "the spectrum is not consistent with the Kramers-Kronig relations: peaks may be artefacts"
    if n := int(screen.suspect.sum()):
        frequencies = ", ".join(f"{f:.4g}" for f in screen.spectrum.frequency[screen.suspect])
        yield f"{n} suspect points are left out, at {frequencies} Hz"
    if not closed:
        yield (
            "the spectrum is open at the lowest frequency (blocking electrode or diffusion): the polarisation "
            "resistance is not known"
        )
    if not peaks:
        yield "no peak is told from noise and electrode"
    total = math.log(found.tau[1] / found.tau[0]) * float(found.gamma.sum())
    beside = total - sum(peak.resistance for peak in peaks)
    if beside > _UNLISTED * total:
        yield (
            f"{beside:.2g} ohm of the distribution are in no listed peak: at the ends of the window, or not told from "
            "the electrode"
        )


def _curves(spectrum: Spectrum, found: _Distribution) -> xr.Dataset:
    spread = np.sqrt(np.diag(found.covariance) + found.floor**2 + (found.smoother - found.gamma) ** 2)
    over_tau, over_f = ("time_constant",), ("frequency",)
    name = "distribution of relaxation times"
    return xr.Dataset(
        {
            "gamma": (over_tau, found.gamma, {"units": "ohm", "long_name": name}),
            "gamma_low": (over_tau, np.maximum(found.gamma - _NORMAL95 * spread, 0.0), {"units": "ohm"}),
            "gamma_high": (over_tau, found.gamma + _NORMAL95 * spread, {"units": "ohm"}),
            "impedance": (over_f, spectrum.impedance, {"units": "ohm", "long_name": "impedance"}),
            "model": (over_f, found.model, {"units": "ohm", "long_name": name}),
        },
        coords={
            "time_constant": (over_tau, found.tau, {"units": "s", "long_name": "time constant"}),
            "frequency": (over_f, spectrum.frequency, {"units": "Hz", "long_name": "frequency"}),
        },
    )
