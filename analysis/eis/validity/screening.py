"""Which points of a spectrum are disturbed: isolated outliers, the mains, steps between ranges of the instrument."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ..circuits import Complexes, Floats
from ..spectrum import FEWEST_POINTS, Spectrum
from .disturbances import Drift, Step, estimate_drift, find_steps
from .rc_elements import SIGNIFICANT_P, ElementFit, choose_elements, element_impedances, fit_elements

TOLERATED = 0.003
"""Systematic residual over the modulus up to which a spectrum counts as consistent; 5 % drift leaves 0.4 to 0.6 %."""

DRIFT_TOLERATED = 0.02
"""Relative change during the sweep, as the slow points show it, up to which a spectrum counts as consistent."""

DRIFT_P = 0.002
"""Probability by chance below which a drift beyond `DRIFT_TOLERATED` condemns a spectrum."""

STEP_TOLERATED = 0.01
"""Relative step up to which a spectrum counts as consistent; what instruments state for the match of their ranges."""

NOISE_LIMIT = 0.1
"""Relative noise above which the test has no power and the spectrum does not pass."""

LEAST_DISTURBANCE = 5e-4
"""Part of the modulus below which no point is worth a flag, however quiet its neighbours."""

MAINS = (50.0, 60.0)
"""Frequencies of the mains in Hz; looked at with the second and third harmonic."""

_FEWEST_PER_DECADE = 4.0  # points; fewer cannot carry the elements that a single relaxation needs
_NEAR_MAINS = 0.04  # relative distance from a harmonic; the bandwidth of one to a few dozen periods
_OUTLIER_P, _MAINS_P = 1e-3, 3e-3  # chance of one false flag in a spectrum; chance at one point at the mains
_MOST_SUSPECTS = 0.1  # of the points; more than that is no longer isolated
_WINDOW = 5  # points over which the systematic part is averaged
_HARMONICS = np.array([order * mains for mains in MAINS for order in (1, 2, 3)])


@dataclass(frozen=True)
class Screened:
    """A spectrum, the fit of RC elements to its points that are not suspect, and the residuals of all.

    With `steps` the fit is one of the spectrum with the part below each step brought to what is above, and
    `passes_with_steps` says whether the spectrum as it was measured passes.
    """

    spectrum: Spectrum
    fit: ElementFit
    suspect: NDArray[np.bool_]
    model: Complexes
    drift: Drift
    steps: tuple[Step, ...] = ()
    passes_with_steps: bool = True

    @property
    def residual(self) -> Complexes:
        """Of all points, (model - data) over the modulus of the data."""
        return np.asarray((self.model - self.spectrum.impedance) / np.abs(self.spectrum.impedance))

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
    def has_drifted(self) -> bool:
        """Whether the slow points show a change beyond what is tolerated and beyond chance."""
        return abs(self.drift.change) > DRIFT_TOLERATED and self.drift.p_value < DRIFT_P

    @property
    def has_steps(self) -> bool:
        """Whether the spectrum has a step larger than `STEP_TOLERATED`, or does not pass with those that it has."""
        return not self.passes_with_steps or any(abs(step.change) > STEP_TOLERATED for step in self.steps)

    @property
    def is_consistent(self) -> bool:
        """Whether the spectrum passes, see `interlayer.analysis.eis.linear_kramers_kronig`."""
        if self.fit.noise > NOISE_LIMIT or self.has_drifted or self.has_steps:
            return False
        return self.is_random or self.systematic <= TOLERATED

    @property
    def without_steps(self) -> Spectrum:
        """The spectrum with the part below each step brought to what is above."""
        impedance = self.spectrum.impedance.copy()
        for step in self.steps:
            impedance[step.place :] /= 1.0 + step.change
        return replace(self.spectrum, impedance=impedance)


def screened(spectrum: Spectrum) -> Screened:
    """Fit RC elements and set aside what is disturbed: isolated points, and steps when the misfit is not random.

    Raises
    ------
    NotAnalysable
        If there are fewer than six different frequencies, or fewer than four a decade.
    """
    distinct = 1 + np.count_nonzero(np.diff(spectrum.frequency)) if spectrum.frequency.size else 0
    decades = math.log10(spectrum.frequency[0] / spectrum.frequency[-1]) if distinct else 0.0
    if distinct < (fewest := max(FEWEST_POINTS, math.ceil(_FEWEST_PER_DECADE * decades))):
        raise NotAnalysable(
            f"{distinct} different frequencies over {decades:.2g} decades are too few to tell noise from structure; "
            f"expected at least {fewest}"
        )
    plain = _screen(spectrum)
    if plain.is_random:
        return plain
    everything = np.ones(spectrum.frequency.size, dtype=bool)
    steps = find_steps(choose_elements(spectrum, everything), everything) or find_steps(plain.fit, ~plain.suspect)
    if not steps:
        return plain
    stepped = replace(
        _screen(replace(plain, steps=steps).without_steps),
        spectrum=spectrum,
        steps=steps,
        passes_with_steps=plain.is_consistent,
    )
    return stepped if stepped.is_random else plain  # steps in a misfit that they do not explain say nothing


def _screen(spectrum: Spectrum) -> Screened:
    """Fit, set aside the worst of the points that stand out, and fit again until none does."""
    chance = chance_to_stand_out(spectrum.frequency)
    suspect = np.zeros(spectrum.frequency.size, dtype=bool)
    found = choose_elements(spectrum, ~suspect)
    while (more := _standing_out(spectrum, found, suspect, chance)).any():
        suspect |= more
        found = choose_elements(spectrum, ~suspect)
    neighbours = np.convolve(suspect, [1, 0, 1], mode="same") > 0
    if (
        crowded := suspect & neighbours & ~near_mains(spectrum.frequency)
    ).any():  # a misfit over several points is no isolated disturbance
        suspect &= ~crowded
        found = choose_elements(spectrum, ~suspect)
    span = float(spectrum.omega[-1]), float(spectrum.omega[0])
    model = element_impedances(spectrum.frequency, found.tau, span) @ found.coefficients
    return Screened(spectrum, found, suspect, model, estimate_drift(found, spectrum.frequency, ~suspect))


def _standing_out(
    spectrum: Spectrum, found: ElementFit, suspect: NDArray[np.bool_], chance: Floats
) -> NDArray[np.bool_]:
    """Return which further points stand out, the worst first, with the elements held."""
    n = spectrum.frequency.size
    span = float(spectrum.omega[-1]), float(spectrum.omega[0])
    now = suspect.copy()
    while now.sum() < int(_MOST_SUSPECTS * n):
        kept = np.flatnonzero(~now)
        p_values = found.outlier_p_values() / chance[kept]
        worst = int(np.argmin(p_values))
        if p_values[worst] >= 1.0 or found.standardised[worst] < LEAST_DISTURBANCE**2:
            break
        now[kept[worst]] = True
        frequency, impedance = spectrum.frequency[~now], spectrum.impedance[~now]
        found = fit_elements(frequency, impedance, np.abs(impedance), found.tau, span)
    return now & ~suspect


def chance_to_stand_out(frequency: Floats) -> Floats:
    """Return the probability by chance, shape (n,), below which a point counts as disturbed."""
    return np.where(near_mains(frequency), _MAINS_P, _OUTLIER_P / frequency.size)


def near_mains(frequency: Floats) -> NDArray[np.bool_]:
    """Return which frequencies, shape (n,), in Hz lie on the mains or a harmonic."""
    return np.asarray(np.any(np.abs(frequency[:, None] / _HARMONICS - 1.0) < _NEAR_MAINS, axis=1))


def mains_harmonic(frequency: float) -> str | None:
    """Return the name of the mains harmonic that a frequency in Hz lies on, None elsewhere."""
    for mains in MAINS:
        for order in (1, 2, 3):
            if abs(frequency / (order * mains) - 1.0) < _NEAR_MAINS:
                return f"{mains:g} Hz mains" if order == 1 else f"harmonic {order} of the {mains:g} Hz mains"
    return None
