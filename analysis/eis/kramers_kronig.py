r"""Linear Kramers-Kronig test: is a spectrum that of a linear, causal and stable system, and how large is its noise?

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
from ..statistics import coverage_factor, positive_interval, runs_p_value
from .circuit import Complexes, Floats
from .spectrum import FEWEST_POINTS, Spectrum, usable

OVERFIT_BELOW = 0.85
"""mu at which the elements begin to fit the noise; the value of Schönleber et al."""

SIGNIFICANT_P = 0.01
"""Probability of the F test and of the runs test below which a misfit is not by chance."""

TOLERATED = 0.003
"""Systematic residual over the modulus up to which a spectrum counts as consistent; 5 % drift leaves 0.4 to 0.6 %."""

NOISE_LIMIT = 0.1
"""Relative noise above which the test has no power and the spectrum does not pass."""

MAINS = (50.0, 60.0)
"""Frequencies of the mains in Hz; looked at with the second and third harmonic."""

_WIDER = 3.0  # factor by which the time constants reach beyond the window on either side
_PER_DECADE = (3.0, 3.5, 4.0, 5.0, 6.0)  # densities of time constants, tried in this order
_BETTER_BY = 2.0  # fall of AICc for which a denser series is taken; an element too many costs little here
_APART = 1.0  # elements a decade with which the parts may disagree; violations are smooth
_MOST_ELEMENTS = 0.75  # per point; keeps degrees of freedom for the noise
_NEAR_MAINS = 0.04  # relative distance from a harmonic; the bandwidth of one to a few dozen periods
_OUTLIER_P, _MAINS_P = 1e-3, 3e-3  # chance of one false flag in a spectrum; chance at one point at the mains
_MOST_SUSPECTS = 0.1  # of the points; more than that is no longer isolated
_WINDOW = 5  # points over which the systematic part is averaged
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
        ``f_p_value``, ``runs_p_value``, ``systematic_residual``, ``n_points``, ``n_suspect``, and ``noise_decade_k``, the relative
        noise from 10^k to 10^(k+1) Hz. The first note is the verdict. Curves: ``impedance``, ``model`` (ohm),
        ``residual_real``, ``residual_imaginary`` as (model - data) / abs(data), boolean ``suspect``, over frequency.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no single spectrum with at least six usable points of different frequency.

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
    relative_noise = (2.05 ± 0.17)e-03
    >>> result.notes[0]
    'consistent with the Kramers-Kronig relations: the residuals are random'
    """
    spectrum = usable(ds)
    if (distinct := np.unique(spectrum.frequency).size) < FEWEST_POINTS:
        raise NotAnalysable(f"{distinct} different frequencies are too few; expected at least {FEWEST_POINTS}")
    tested = _without_suspects(spectrum)
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
        provenance={
            key: str(ds.attrs[key])
            for key in ("source_file", "source_sha256", "format", "parser_version")
            if key in ds.attrs
        },
        curves=_curves(tested),
    )


@dataclass(frozen=True)
class _Fit:
    """Least-squares fit of a series of RC elements to some of the points.

    `residual` has shape (n,), complex, (model - data) / abs(data); `standardised` holds how far each point lies from
    what the others predict, squared, in variances of its own; `freedom` (n,) is the share of each point in the
    degrees of freedom, 2 where the fit does not bend to the point; `chi_square_apart` is what is left
    when the imaginary part has `n_apart` elements of its own.
    """

    frequency: Floats
    residual: Complexes
    standardised: Floats
    freedom: Floats
    chi_square_apart: float
    n_apart: int
    mu: float
    n_elements: int
    tau: Floats
    coefficients: Floats

    @property
    def degrees_of_freedom(self) -> int:
        return int(2 * self.residual.size - self.coefficients.size)

    @property
    def chi_square(self) -> float:
        return float(np.sum(np.abs(self.residual) ** 2))

    @property
    def noise(self) -> float:
        return math.sqrt(self.chi_square / self.degrees_of_freedom)

    @property
    def relative_uncertainty(self) -> float:
        """Of the noise: a standard deviation is known to one part in the root of twice its degrees of freedom."""
        return 1.0 / math.sqrt(2.0 * self.degrees_of_freedom)

    @property
    def aicc(self) -> float:
        n, k = 2 * self.residual.size, self.coefficients.size + 1
        return n * math.log(max(self.chi_square, 1e-300) / n) + 2.0 * k + 2.0 * k * (k + 1) / max(n - k - 1, 1)

    @property
    def runs_p_value(self) -> float:
        return runs_p_value(self.residual.real, self.residual.imag)

    @property
    def f_p_value(self) -> float:
        """Probability that common resistances alone fit so much worse by chance."""
        from scipy.special import fdtrc

        left = self.degrees_of_freedom - self.n_apart
        excess = max(self.chi_square - self.chi_square_apart, 0.0) / self.n_apart
        return float(fdtrc(self.n_apart, left, excess * left / max(self.chi_square_apart, 1e-300)))

    def outlier_p_values(self) -> Floats:
        """Return the probability of each point to lie so far off by chance (externally studentised, F with 2, m)."""
        m = self.degrees_of_freedom - 2
        if m < 1:
            return np.ones(self.residual.size)
        others = np.maximum(self.chi_square - self.standardised, 1e-300) / m
        return np.asarray((1.0 + self.standardised / (m * others)) ** (-0.5 * m), dtype=float)


@dataclass(frozen=True)
class _Tested:
    """A spectrum, the fit to its points that are not suspect, and the residuals of all."""

    spectrum: Spectrum
    fit: _Fit
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
        return min(self.fit.f_p_value, self.fit.runs_p_value) >= SIGNIFICANT_P

    @property
    def is_consistent(self) -> bool:
        return self.fit.noise <= NOISE_LIMIT and (self.is_random or self.systematic <= TOLERATED)


def _columns(frequency: Floats, tau: Floats, span: tuple[float, float]) -> Complexes:
    """Return the impedance of each element for a size of one, shape (n, 3 + M): R, L, C and the RC elements."""
    s = 2j * np.pi * frequency[:, None]
    low, high = span
    return np.concatenate([np.ones_like(s), s / high, low / s, 1.0 / (1.0 + s * tau)], axis=1)


def _fit(frequency: Floats, impedance: Complexes, tau: Floats, span: tuple[float, float]) -> _Fit:
    n = frequency.size
    modulus = np.abs(impedance)
    columns = _columns(frequency, tau, span) / modulus[:, None]
    length = np.linalg.norm(columns, axis=0)
    columns = columns / length
    target = impedance / modulus
    target_parts = np.concatenate([target.real, target.imag])
    basis, triangle = np.linalg.qr(np.concatenate([columns.real, columns.imag]))
    projected = basis.T @ target_parts
    left = basis @ projected - target_parts
    apart = _imaginary_alone(frequency, tau, modulus)
    apart, _ = np.linalg.qr(apart - basis @ (basis.T @ apart))
    chi_square_apart = float(np.sum((left - apart @ (apart.T @ left)) ** 2))
    diagonal = np.einsum("ii->i", triangle)
    diagonal += np.where(np.abs(diagonal) < 1e-14, 1e-14, 0.0)  # equal columns: any split of their sum will do
    coefficients = np.linalg.solve(triangle, projected) / length
    resistances = coefficients[3:]
    positive = float(resistances[resistances >= 0].sum())
    mu = 1.0 - float(-resistances[resistances < 0].sum()) / positive if positive > 0 else -math.inf
    real, imaginary = basis[:n], basis[n:]
    a, b = 1.0 - np.sum(real**2, axis=1), 1.0 - np.sum(imaginary**2, axis=1)
    c = -np.sum(real * imaginary, axis=1)
    determinant = np.maximum(a * b - c**2, 1e-12)
    u, v = left[:n], left[n:]
    standardised = (b * u**2 - 2.0 * c * u * v + a * v**2) / determinant
    return _Fit(
        frequency, u + 1j * v, standardised, a + b, chi_square_apart, apart.shape[1], mu, tau.size, tau, coefficients
    )


def _imaginary_alone(frequency: Floats, tau: Floats, modulus: Floats) -> Floats:
    """Return the imaginary part, as real columns (2 n, m), of the elements with which the parts may disagree."""
    number = max(2, min(round(_APART * math.log10(tau[-1] / tau[0])), frequency.size // 4))
    x = 2.0 * np.pi * frequency[:, None] * np.logspace(math.log10(tau[0]), math.log10(tau[-1]), number)
    imaginary = x / (1.0 + x**2) / modulus[:, None]
    return np.concatenate([np.zeros_like(imaginary), imaginary / np.linalg.norm(imaginary, axis=0)])


def _choose(spectrum: Spectrum, keep: NDArray[np.bool_]) -> _Fit:
    """Fit the series with as many elements as the points in `keep` want."""
    span = float(spectrum.omega[-1]), float(spectrum.omega[0])
    first, last = math.log10(1.0 / (_WIDER * span[1])), math.log10(_WIDER / span[0])
    frequency, impedance = spectrum.frequency[keep], spectrum.impedance[keep]
    most = max(2, int(_MOST_ELEMENTS * np.unique(frequency).size) - 2)
    numbers = sorted({max(2, min(most, round(density * (last - first)))) for density in _PER_DECADE})
    tried: list[_Fit] = []
    for number in numbers:
        found = _fit(frequency, impedance, np.logspace(first, last, number), span)
        if tried and _is_enough(tried[-1]) and tried[-1].aicc < found.aicc + _BETTER_BY:
            return tried[-1]
        tried.append(found)
    return tried[-1] if _is_enough(tried[-1]) else min(tried, key=lambda fit: fit.aicc)


def _is_enough(found: _Fit) -> bool:
    return found.mu < OVERFIT_BELOW and found.runs_p_value >= SIGNIFICANT_P


def _without_suspects(spectrum: Spectrum) -> _Tested:
    """Fit, set aside the worst of the points that stand out, and fit again until none does."""
    n = spectrum.frequency.size
    at_mains = np.array([_harmonic(f) is not None for f in spectrum.frequency])
    suspect = np.zeros(n, dtype=bool)
    found = _choose(spectrum, ~suspect)
    while suspect.sum() < int(_MOST_SUSPECTS * n):
        kept = np.flatnonzero(~suspect)
        p_values = found.outlier_p_values() / np.where(at_mains[kept], _MAINS_P, _OUTLIER_P / n)
        worst = int(np.argmin(p_values))
        if p_values[worst] >= 1.0:
            break
        suspect[kept[worst]] = True
        found = _choose(spectrum, ~suspect)
    neighbours = np.convolve(suspect, [1, 0, 1], mode="same") > 0
    if (crowded := suspect & neighbours & ~at_mains).any():  # a misfit over several points is no isolated disturbance
        suspect &= ~crowded
        found = _choose(spectrum, ~suspect)
    span = float(spectrum.omega[-1]), float(spectrum.omega[0])
    model = _columns(spectrum.frequency, found.tau, span) @ found.coefficients
    residual = (model - spectrum.impedance) / np.abs(spectrum.impedance)
    return _Tested(spectrum, found, suspect, model, residual)


def _harmonic(frequency: float) -> str | None:
    """Return the name of the mains harmonic that a frequency in Hz lies on, None elsewhere."""
    for mains in MAINS:
        for order in (1, 2, 3):
            if abs(frequency / (order * mains) - 1.0) < _NEAR_MAINS:
                return f"{mains:g} Hz mains" if order == 1 else f"harmonic {order} of the {mains:g} Hz mains"
    return None


def _diagnostics(tested: _Tested) -> dict[str, float]:
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
    decade = np.floor(np.log10(found.frequency) + 1e-9).astype(int)  # 1000 Hz may be stored as 999.99999999
    for number in np.unique(decade):
        here = decade == number
        freedom = float(found.freedom[here].sum())
        if freedom > 1.0:
            chi_square = float(np.sum(np.abs(found.residual[here]) ** 2))
            figures[f"noise_decade_{number}"] = math.sqrt(chi_square / freedom)
    return figures if math.isfinite(found.mu) else {key: v for key, v in figures.items() if key != "mu"}


def _notes(tested: _Tested) -> Iterator[str]:
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
    if not tested.is_consistent and _looks_flipped(tested):
        yield "with the sign of the imaginary part turned the spectrum fits: check Z'' against -Z'' in the file"
    for place in np.flatnonzero(tested.suspect):
        frequency, off = tested.spectrum.frequency[place], 100 * abs(tested.residual[place])
        where = _harmonic(frequency)
        reason = "it stands out alone" if where is None else f"it lies at the {where}"
        yield f"the point at {frequency:.4g} Hz is suspect: {off:.2g} % off what its neighbours say, {reason}"


def _looks_flipped(tested: _Tested) -> bool:
    keep = ~tested.suspect
    spectrum = Spectrum(tested.spectrum.frequency, np.conj(tested.spectrum.impedance))
    return _choose(spectrum, keep).noise < _FLIPPED * tested.fit.noise


def _curves(tested: _Tested) -> xr.Dataset:
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
