r"""Linear Kramers-Kronig test: is the system behind a spectrum linear, causal and stable, and how large is the noise.

A series of RC elements with fixed, logarithmically spaced time constants obeys the Kramers-Kronig relations whatever
the signs of its resistances, and can follow every spectrum that obeys them:

.. math:: Z(\omega) = R_0 + j\omega L + \frac{1}{j\omega C} + \sum_{k=1}^{M} \frac{R_k}{1 + j\omega\tau_k}

What the series cannot follow is noise when it has no trend, and drift, non-linearity or an artefact when it has.
The problem is linear. Inductance and capacitance are needed for leads and blocking electrodes.

Whether the two parts of the spectrum belong together is tested directly: in a second fit the imaginary part may differ
from what the real part demands by a few RC elements of its own. The Kramers-Kronig relations say that it must not, and
what the common resistances alone fit worse is judged by an F test.

References
----------
.. [1] Boukamp, J. Electrochem. Soc. 142 (1995) 1885. https://doi.org/10.1149/1.2044210
.. [2] Schönleber, Klotz, Ivers-Tiffée, Electrochim. Acta 131 (2014) 20. https://doi.org/10.1016/j.electacta.2014.01.034
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from ...quantity import Quantity, Result
from ...statistics import coverage_factor, positive_interval
from ..circuits import Floats
from ..spectrum import Spectrum, origin, usable
from .error_structure import no_louder, uneven_noise
from .rc_elements import ElementFit, choose_elements
from .screening import DRIFT_TOLERATED, LEAST_DISTURBANCE, NOISE_LIMIT, Screened, mains_harmonic, screened

_GROSS = 0.1  # systematic residual above which a turned sign is looked for
_UNEVEN = 5.0  # ratio of the noise between decades from which on it is said
_FLIPPED = 0.3  # share of the residual that is left when the sign of the imaginary part is turned
_SEEN = 3.0  # standard uncertainties of a drift that the test sees


def linear_kramers_kronig(ds: xr.Dataset) -> Result:
    """Test one impedance spectrum against the Kramers-Kronig relations and estimate its noise.

    The number of RC elements grows until `mu` falls below 0.85, the residuals have lost their trend and a denser series
    is no better (AICc), from three a decade, since on few relaxations `mu` alone stops at residuals of 10 %, to at most
    six a decade or three elements for four points.
    Points that stand out alone, or at the mains frequency, are flagged and left out of the sums; none is deleted. When
    the misfit is one or a few steps of the impedance from one point to the next, as at a change of the current range,
    they are told; the residuals are then those without them.

    The verdict is *not consistent* when real and imaginary part do not belong together (F test) or the residuals have a
    trend (runs test), either with p < 0.01, and the largest mean of five neighbouring residuals exceeds 0.3 % of the
    modulus; also for a step above 1 %, for a drift above 2 % with p < 0.002, and when the noise exceeds 10 %. A
    significant misfit below that size is noted.

    The drift is the relative change of the impedance during the sweep that explains the residuals best, if the change
    is proportional to time and each point takes as long as its period wants: it is found where the slow points are. The
    test cannot see what no test on a single sweep can: a change that went on while points were measured that do not
    depend on what changed (a fast arc that ages while the slow electrode is measured), and a change that the impedance
    follows as if it had a longer time constant, which RC elements slower than the window describe. How much of a drift
    hides so is in the uncertainty of the drift.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.

    Returns
    -------
    Result
        ``relative_noise`` (1): standard deviation of real and of imaginary part over the modulus, with the standard
        uncertainty that follows from the degrees of freedom; systematic misfit is part of it. ``largest_residual``
        (1): largest modulus of a residual over that of the impedance among points that are not suspect. ``drift``
        (1): relative change of the impedance during the sweep, with the standard uncertainty from the noise.
        Diagnostics: ``consistent`` (1 or 0), ``mu`` (1 - sum of abs(R_k < 0) over sum of R_k >= 0), ``n_elements``,
        ``f_p_value``, ``runs_p_value``, ``drift_p_value``, ``systematic_residual``, ``n_steps``, ``n_points``,
        ``n_suspect``, ``n_masked``, and ``noise_decade_k``, the relative noise from 10^k to 10^(k+1) Hz. The first note
        is the verdict.
        Curves over frequency: ``impedance``, ``model`` (ohm), ``residual_real``, ``residual_imaginary`` as
        (model - data) / abs(data), boolean ``suspect``.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no single spectrum with at least six usable points of different frequency, four a decade.

    References
    ----------
    .. [1] Schönleber, Klotz, Ivers-Tiffée, Electrochim. Acta 131 (2014) 20.
       https://doi.org/10.1016/j.electacta.2014.01.034

    Examples
    --------
    >>> from interlayer.parsers import schema
    >>> frequency = np.logspace(5, 0, 51)
    >>> random = np.random.default_rng(1)
    >>> impedance = 10 + 100 / (1 + 2j * np.pi * frequency * 1e-3)
    >>> impedance = impedance * (1 + 0.002 * (random.normal(size=51) + 1j * random.normal(size=51)))
    >>> result = linear_kramers_kronig(schema.build("eis", {"frequency": frequency, "impedance": impedance}))
    >>> print(result["relative_noise"])
    relative_noise = 0.00175 ± 0.00014
    >>> result.notes[0]
    'consistent with the Kramers-Kronig relations: the residuals are random'
    """
    spectrum = usable(ds)
    tested = screened(spectrum)
    noise = tested.fit.noise
    interval = positive_interval(noise, tested.fit.relative_uncertainty, coverage_factor(tested.fit.degrees_of_freedom))
    left = np.abs(tested.residual[~tested.suspect])
    drift = tested.drift
    half = coverage_factor(max(tested.fit.degrees_of_freedom - 1, 1)) * drift.stderr
    around = (drift.change - half, drift.change + half)
    by_decade = _noise_by_decade(tested.fit)
    return Result(
        method=f"linear Kramers-Kronig test with {tested.fit.n_elements} RC elements, modulus weights",
        quantities=(
            Quantity("relative_noise", noise, noise * tested.fit.relative_uncertainty, "1", interval, kind="fit"),
            Quantity("largest_residual", float(left.max()), None, "1", kind="fit"),
            Quantity("drift", drift.change, drift.stderr, "1", around, kind="fit"),
        ),
        diagnostics=_diagnostics(tested, by_decade),
        notes=(*_notes(tested, by_decade), *spectrum.notes),
        provenance=origin(ds),
        curves=_curves(tested),
    )


def _diagnostics(tested: Screened, noise_by_decade: Mapping[int, float]) -> dict[str, float]:
    found = tested.fit
    figures = {
        "consistent": float(tested.is_consistent),
        "mu": found.mu,
        "n_elements": float(found.n_elements),
        "f_p_value": found.f_p_value,
        "runs_p_value": found.runs_p_value,
        "drift_p_value": tested.drift.p_value,
        "systematic_residual": tested.systematic,
        "n_steps": float(len(tested.steps)),
        "n_points": float(tested.spectrum.frequency.size),
        "n_suspect": float(tested.suspect.sum()),
        "n_masked": float(tested.spectrum.n_masked),
    }
    return (figures if math.isfinite(found.mu) else {k: v for k, v in figures.items() if k != "mu"}) | {
        f"noise_decade_{number}": noise for number, noise in noise_by_decade.items()
    }


def _noise_by_decade(found: ElementFit) -> dict[int, float]:
    """Return the relative noise by the power of ten of the frequency in Hz, where points are left to tell it."""
    decade = np.floor(np.log10(found.frequency) + 1e-9).astype(int)  # 1000 Hz may be stored as 999.99999999
    lowest = int(decade.min())
    freedom = np.bincount(decade - lowest, found.freedom)
    chi_square = np.bincount(decade - lowest, np.abs(found.residual) ** 2)
    return {lowest + k: math.sqrt(chi_square[k] / freedom[k]) for k in np.flatnonzero(freedom > 1.0).tolist()}


def _notes(tested: Screened, noise: Mapping[int, float]) -> Iterator[str]:
    """Yield the verdict first, then what else the reader must know."""
    yield _verdict(tested)
    if tested.systematic > _GROSS and _looks_flipped(tested):
        yield "with the sign of the imaginary part turned the spectrum fits: check Z'' against -Z'' in the file"
    if tested.is_consistent and (hidden := _SEEN * tested.drift.stderr) > DRIFT_TOLERATED:
        yield f"a drift of less than {100 * hidden:.2g} % during the sweep would not have been seen"
    for step in tested.steps:
        before, after = tested.spectrum.frequency[step.place - 1 : step.place + 1]
        yield (
            f"the impedance steps by {100 * abs(step.change):.2g} % between {before:.4g} and {after:.4g} Hz, as at a "
            "change of the current range: which side is right cannot be told from the spectrum"
        )
    most, least = max(noise, key=noise.__getitem__), min(noise, key=noise.__getitem__)
    if noise[most] > max(_UNEVEN * noise[least], LEAST_DISTURBANCE):
        yield (
            f"the noise is not in proportion to the modulus: {100 * noise[least]:.2g} % from 1e{least} Hz and "
            f"{100 * noise[most]:.2g} % from 1e{most} Hz, each over a decade"
        )
    for place in np.flatnonzero(tested.suspect):
        frequency, off = tested.spectrum.frequency[place], 100 * abs(tested.residual[place])
        where = mains_harmonic(frequency)
        reason = "it stands out alone" if where is None else f"it lies at the {where}"
        yield f"the point at {frequency:.4g} Hz is suspect: {off:.2g} % off what its neighbours say, {reason}"


def _verdict(tested: Screened) -> str:
    """Return in a sentence whether the spectrum passes, and by what."""
    found, relations = tested.fit, "with the Kramers-Kronig relations"
    systematic = f"{100 * tested.systematic:.2g} %"
    chance = f"p = {min(found.f_p_value, found.runs_p_value):.1g}"
    if found.noise > NOISE_LIMIT:
        return f"not consistent {relations}: {100 * found.noise:.2g} % of the modulus are left"
    if tested.has_drifted:
        change, stderr = 100 * tested.drift.change, 100 * tested.drift.stderr
        return (
            f"not consistent {relations}: the impedance changed by {change:.2g} ± {stderr:.2g} % while the slow points "
            f"were measured (p = {tested.drift.p_value:.1g}); the cell drifted or was not in a steady state"
        )
    if tested.has_steps:
        return f"not consistent {relations}: the impedance steps from one point to the next"
    if tested.is_random:
        return f"consistent {relations}: the residuals are random"
    if tested.is_consistent:
        return f"consistent {relations} within {systematic}: a misfit is significant ({chance}) but small"
    return (
        f"not consistent {relations}: a systematic residual of {systematic} ({chance}); the cell drifted, responded "
        "non-linearly or was not in a steady state, or the instrument disturbs"
    )


def _looks_flipped(tested: Screened) -> bool:
    keep = ~tested.suspect
    spectrum = Spectrum(tested.spectrum.frequency, np.conj(tested.spectrum.impedance))
    return choose_elements(spectrum, keep).noise < _FLIPPED * tested.fit.noise


def _curves(tested: Screened) -> xr.Dataset:
    axis = ("frequency",)
    return xr.Dataset(
        {
            "impedance": (axis, tested.spectrum.impedance, {"units": "ohm", "long_name": "impedance"}),
            "model": (axis, tested.model, {"units": "ohm", "long_name": "series of RC elements"}),
            "residual_real": (axis, tested.residual.real, {"units": "1", "long_name": "real residual over modulus"}),
            "residual_imaginary": (
                axis,
                tested.residual.imag,
                {"units": "1", "long_name": "imaginary residual over modulus"},
            ),
            "suspect": (axis, tested.suspect, {"units": "1", "long_name": "point that stands out"}),
        },
        coords={"frequency": (axis, tested.spectrum.frequency, {"units": "Hz", "long_name": "frequency"})},
    )


def kramers_kronig_noise(spectrum: Spectrum) -> Floats:
    """Estimate the noise at each frequency from the residuals of the linear Kramers-Kronig test.

    Its law is that of `interlayer.analysis.eis.validity.noise_law`: in proportion to the modulus, to a power of it, or
    a polygon over the logarithm of frequency. Disturbed points take no part in the estimate, steps are taken out before
    it. What is systematic in the residuals, by drift for example, counts as noise.

    Parameters
    ----------
    spectrum : Spectrum
        With n points.

    Returns
    -------
    ndarray, shape (n,)
        Standard deviation of the real part and of the imaginary part in ohm, taken to be the same, of a single point;
        at disturbed points what their neighbours say. At least 1e-5 of the modulus.

    Raises
    ------
    NotAnalysable
        If the spectrum has fewer than six different frequencies, or fewer than four a decade.

    Examples
    --------
    >>> frequency = np.logspace(5, 0, 51)
    >>> random = np.random.default_rng(1)
    >>> impedance = 10 + 100 / (1 + 2j * np.pi * frequency * 1e-3) + 0.1 * random.normal(size=(51, 2)) @ (1, 1j)
    >>> noise = kramers_kronig_noise(Spectrum(frequency, impedance))
    >>> bool(np.all(abs(noise / 0.1 - 1) < 0.5))
    True
    """
    tested = screened(spectrum)
    return uneven_noise(tested.without_steps, no_louder(tested))
