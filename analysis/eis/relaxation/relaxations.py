"""Arcs, leads and electrode of a spectrum without a circuit: where the fit of a circuit may start."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..spectrum import Spectrum
from .drt_peaks import rough_peaks
from .drt_solution import OPEN_SHARE, POWERS, cross_validated, pose, solve

_TOLD = 3.0  # standard deviations of the noise that an arc must have
_WORTH = 0.04  # share of an arc in the modulus at its frequency below which a circuit does not start with it


@dataclass(frozen=True)
class Relaxation:
    """A peak of the distribution of relaxation times: resistance in ohm and time constant in s."""

    resistance: float
    time_constant: float


@dataclass(frozen=True)
class Relaxations:
    """What a distribution of relaxation times says of a spectrum, without uncertainties.

    Parameters
    ----------
    arcs : tuple of Relaxation
        Peaks, from the fastest.
    series_resistance : float
        In ohm, 0 where the spectrum has none.
    inductance : float
        In H, 0 where the spectrum has none.
    electrode_coefficient, electrode_exponent : float or None
        Q in ohm-1 s^n and n of 1 / (Q (j omega)^n) for what is open at the lowest frequency; None without it.
    """

    arcs: tuple[Relaxation, ...]
    series_resistance: float
    inductance: float
    electrode_coefficient: float | None
    electrode_exponent: float | None


def relaxations(spectrum: Spectrum) -> Relaxations:
    """Return peaks, leads and electrode by ridge regression without negative coefficients; for start values.

    The penalty and the peaks are those of `distribution_of_relaxation_times`, which takes the time for uncertainties
    and for the test of the data besides.

    Parameters
    ----------
    spectrum : Spectrum
        With n points, six at least.

    Raises
    ------
    NotAnalysable
        If the regression does not settle.

    Examples
    --------
    >>> frequency = np.logspace(5, 0, 51)
    >>> found = relaxations(Spectrum(frequency, 10 + 100 / (1 + 2j * np.pi * frequency * 1e-3)))
    >>> [(round(arc.resistance), round(arc.time_constant, 4)) for arc in found.arcs], round(found.series_resistance)
    ([(100, 0.001)], 10)
    """
    problem = pose(spectrum)
    x = solve(problem, cross_validated(problem))
    residual = problem.target - problem.design @ x
    variance = float(residual @ residual) / max(residual.size - int(np.count_nonzero(x)), 1)
    least = np.maximum(_TOLD * problem.floor(variance), _WORTH * problem.near)
    gamma = x[problem.n_common :] * problem.near
    peaks = rough_peaks(problem.tau, gamma, least, problem.beside_electrode(x))
    powers, omega = problem.electrode(x), spectrum.omega
    size = float(powers.sum())
    is_open = size > OPEN_SHARE * abs(spectrum.impedance[-1])
    exponent = float(powers @ POWERS) / size if is_open else None
    return Relaxations(
        arcs=tuple(Relaxation(float(resistance), time) for resistance, time in peaks),
        series_resistance=float(x[0] * problem.sizes[0]),
        inductance=float(x[1] * problem.sizes[1] / omega[0]),
        electrode_coefficient=math.exp(-exponent * math.log(omega[-1])) / size if exponent is not None else None,
        electrode_exponent=exponent,
    )
