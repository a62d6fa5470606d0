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
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from ..statistics import coverage_factor, positive_interval
from .circuit import Complexes
from .rc_elements import SIGNIFICANT_P, ElementFit, choose_elements, element_impedances, fit_elements
from .spectrum import FEWEST_POINTS, Spectrum, origin, usable

TOLERATED = 0.003
"""Systematic residual over the modulus up to which a spectrum counts as consistent; 5 % drift leaves 0.4 to 0.6 %."""

NOISE_LIMIT = 0.1
"""Relative noise above which the test has no power and the spectrum does not pass."""

MAINS = (50.0, 60.0)
"""Frequencies of the mains in Hz; looked at with the second and third harmonic."""

_FEWEST_PER_DECADE = 4.0  # points; fewer cannot carry the elements that a single relaxation needs
_NEAR_MAINS = 0.04  # relative distance from a harmonic; the bandwidth of one to a few dozen periods
_OUTLIER_P, _MAINS_P = 1e-3, 3e-3  # chance of one false flag in a spectrum; chance at one point at the mains
_MOST_SUSPECTS = 0.1  # of the points; more than that is no longer isolated
_LEAST_DISTURBANCE = 5e-4  # of the modulus; less is not worth a flag, however quiet the neighbours
_WINDOW = 5  # points over which the systematic part is averaged
_GROSS = 0.1  # systematic residual above which a turned sign is looked for
_UNEVEN = 5.0  # ratio of the noise between decades from which on it is said
_FLIPPED = 0.3  # share of the residual that is left when the sign of the imaginary part is turned


def linear_kramers_kronig(ds: xr.Dataset) -> Result:
    """Test one impedance spectrum against the Kramers-Kronig relations and estimate its noise.

    The number of RC elements grows until `mu` falls below 0.85, the residuals have lost their trend and a denser series
    is no better (AICc), from three a decade, since on few relaxations `mu` alone stops at residuals of 10 %, to at most
    six a decade or three elements for four points.
    Points that stand out alone, or at the mains frequency, are flagged and left out of the sums; none is deleted.

    The verdict is *not consistent* when real and imaginary part do not belong together (F test) or the residuals have a
    trend (runs test), either with p < 0.01, and the largest mean of five neighbouring residuals exceeds 0.3 % of the
    modulus; also when the noise exceeds 10 %. A significant misfit below that size is noted.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.

    Returns
    -------
    Result
        ``relative_noise`` (1): standard deviation of real and of imaginary part over the modulus, with the standard
        uncertainty that follows from the degrees of freedom; systematic misfit is part of it. ``largest_residual``
        (1): largest modulus of a residual over that of the impedance among points that are not suspect.
        Diagnostics: ``consistent`` (1 or 0), ``mu`` (1 - sum of abs(R_k < 0) over sum of R_k >= 0), ``n_elements``,
        ``f_p_value``, ``runs_p_value``, ``systematic_residual``, ``n_points``, ``n_suspect``, ``n_masked``, and
        ``noise_decade_k``, the relative noise from 10^k to 10^(k+1) Hz. The first note is the verdict.
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
    return Result(
        method=f"linear Kramers-Kronig test with {tested.fit.n_elements} RC elements, modulus weights",
        quantities=(
            Quantity("relative_noise", noise, noise * tested.fit.relative_uncertainty, "1", interval, kind="fit"),
            Quantity("largest_residual", float(left.max()), None, "1", kind="fit"),
        ),
        diagnostics=_diagnostics(tested),
        notes=(*_notes(tested), *spectrum.notes),
        provenance=origin(ds),
        curves=_curves(tested),
    )


@dataclass(frozen=True)
class Screened:
    """A spectrum, the fit of RC elements to its points that are not suspect, and the residuals of all."""

    spectrum: Spectrum
    fit: ElementFit
    suspect: NDArray[np.bool_]
    model: Complexes
    residual: Complexes

    @property
    def systematic(self) -> float:
        """Largest mean of neighbouring residuals."""
        kept = self.fit.residual
        width = min(_WINDOW, kept.size)
        return float(np.abs(np.convolve(kept, np.full(width, 1.0 / width), mode="valid")).max())

    @property
    def is_random(self) -> bool:
        """Whether neither F test nor runs test sees more than chance."""
        return min(self.fit.f_p_value, self.fit.runs_p_value) >= SIGNIFICANT_P

    @property
    def is_consistent(self) -> bool:
        """Whether the spectrum passes, see `linear_kramers_kronig`."""
        return self.fit.noise <= NOISE_LIMIT and (self.is_random or self.systematic <= TOLERATED)


def screened(spectrum: Spectrum) -> Screened:
    """Fit, set aside the worst of the points that stand out, and fit again until none does.

    Raises
    ------
    NotAnalysable
        If there are fewer than six different frequencies, or fewer than four a decade.
    """
    distinct = np.unique(spectrum.frequency).size
    decades = math.log10(spectrum.frequency[0] / spectrum.frequency[-1])
    if distinct < (fewest := max(FEWEST_POINTS, math.ceil(_FEWEST_PER_DECADE * decades))):
        raise NotAnalysable(
            f"{distinct} different frequencies over {decades:.2g} decades are too few to tell noise from structure; "
            f"expected at least {fewest}"
        )
    at_mains = np.array([_harmonic(f) is not None for f in spectrum.frequency])
    suspect = np.zeros(spectrum.frequency.size, dtype=bool)
    found = choose_elements(spectrum, ~suspect)
    while (more := _standing_out(spectrum, found, suspect, at_mains)).any():
        suspect |= more
        found = choose_elements(spectrum, ~suspect)
    neighbours = np.convolve(suspect, [1, 0, 1], mode="same") > 0
    if (crowded := suspect & neighbours & ~at_mains).any():  # a misfit over several points is no isolated disturbance
        suspect &= ~crowded
        found = choose_elements(spectrum, ~suspect)
    span = float(spectrum.omega[-1]), float(spectrum.omega[0])
    model = element_impedances(spectrum.frequency, found.tau, span) @ found.coefficients
    residual = (model - spectrum.impedance) / np.abs(spectrum.impedance)
    return Screened(spectrum, found, suspect, model, residual)


def _standing_out(
    spectrum: Spectrum, found: ElementFit, suspect: NDArray[np.bool_], at_mains: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which further points stand out, the worst first, with the elements held."""
    n = spectrum.frequency.size
    span = float(spectrum.omega[-1]), float(spectrum.omega[0])
    now = suspect.copy()
    while now.sum() < int(_MOST_SUSPECTS * n):
        kept = np.flatnonzero(~now)
        p_values = found.outlier_p_values() / np.where(at_mains[kept], _MAINS_P, _OUTLIER_P / n)
        worst = int(np.argmin(p_values))
        if p_values[worst] >= 1.0 or found.standardised[worst] < _LEAST_DISTURBANCE**2:
            break
        now[kept[worst]] = True
        found = fit_elements(spectrum.frequency[~now], spectrum.impedance[~now], found.tau, span)
    return now & ~suspect


def _harmonic(frequency: float) -> str | None:
    """Return the name of the mains harmonic that a frequency in Hz lies on, None elsewhere."""
    for mains in MAINS:
        for order in (1, 2, 3):
            if abs(frequency / (order * mains) - 1.0) < _NEAR_MAINS:
                return f"{mains:g} Hz mains" if order == 1 else f"harmonic {order} of the {mains:g} Hz mains"
    return None


def _diagnostics(tested: Screened) -> dict[str, float]:
    found = tested.fit
    figures = {
        "consistent": float(tested.is_consistent),
        "mu": found.mu,
        "n_elements": float(found.n_elements),
        "f_p_value": found.f_p_value,
        "runs_p_value": found.runs_p_value,
        "systematic_residual": tested.systematic,
        "n_points": float(tested.spectrum.frequency.size),
        "n_suspect": float(tested.suspect.sum()),
        "n_masked": float(tested.spectrum.n_masked),
    }
    return (figures if math.isfinite(found.mu) else {k: v for k, v in figures.items() if k != "mu"}) | {
        f"noise_decade_{number}": noise for number, noise in _noise_by_decade(found).items()
    }


def _noise_by_decade(found: ElementFit) -> dict[int, float]:
    """Return the relative noise by the power of ten of the frequency in Hz, where points are left to tell it."""
    noise = {}
    decade = np.floor(np.log10(found.frequency) + 1e-9).astype(int)  # 1000 Hz may be stored as 999.99999999
    for number in np.unique(decade):
        here = decade == number
        freedom = float(found.freedom[here].sum())
        if freedom > 1.0:
            chi_square = float(np.sum(np.abs(found.residual[here]) ** 2))
            noise[int(number)] = math.sqrt(chi_square / freedom)
    return noise


def _notes(tested: Screened) -> Iterator[str]:
    """Yield the verdict first, then what else the reader must know."""
    found, relations = tested.fit, "with the Kramers-Kronig relations"
    systematic = f"{100 * tested.systematic:.2g} %"
    chance = f"p = {min(found.f_p_value, found.runs_p_value):.1g}"
    if found.noise > NOISE_LIMIT:
        yield f"not consistent {relations}: {100 * found.noise:.2g} % of the modulus are left"
    elif tested.is_random:
        yield f"consistent {relations}: the residuals are random"
    elif tested.is_consistent:
        yield f"consistent {relations} within {systematic}: a misfit is significant ({chance}) but small"
    else:
        yield (
            f"not consistent {relations}: a systematic residual of {systematic} ({chance}); the cell drifted, "
            "responded non-linearly or was not in a steady state, or the instrument disturbs"
        )
    if tested.systematic > _GROSS and _looks_flipped(tested):
        yield "with the sign of the imaginary part turned the spectrum fits: check Z'' against -Z'' in the file"
    noise = _noise_by_decade(found)
    most, least = max(noise, key=noise.__getitem__), min(noise, key=noise.__getitem__)
    if noise[most] > max(_UNEVEN * noise[least], _LEAST_DISTURBANCE):
        yield (
            f"the noise is not in proportion to the modulus: {100 * noise[least]:.2g} % from 1e{least} Hz and "
            f"{100 * noise[most]:.2g} % from 1e{most} Hz, each over a decade"
        )
    for place in np.flatnonzero(tested.suspect):
        frequency, off = tested.spectrum.frequency[place], 100 * abs(tested.residual[place])
        where = _harmonic(frequency)
        reason = "it stands out alone" if where is None else f"it lies at the {where}"
        yield f"the point at {frequency:.4g} Hz is suspect: {off:.2g} % off what its neighbours say, {reason}"


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
