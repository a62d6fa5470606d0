r"""Start values from the data alone: every placing of the arcs on a coarse grid of relaxation times is tried.

With relaxation times and exponents held, the impedance is a sum of a resistance, an inductance, arcs
:math:`1/(1 + (j\omega\tau)^n)` and power laws :math:`(j\omega)^{-n}` for the electrode, with coefficients that are not
negative. That problem is linear and has one solution, so there is nothing to guess; the placings with the smallest
residuals are where the fit starts.

References
----------
.. [1] Lawson, Hanson, Solving Least Squares Problems, chapter 23. https://doi.org/10.1137/1.9781611971217
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..circuits import Floats
from ..spectrum import Spectrum

_PER_DECADE = 1.5
_ARC_EXPONENT = 0.88
_POWERS = np.array([0.4, 0.55, 0.7, 0.8, 0.9, 1.0])
_MOST_STARTS = 3
_NEAR = 1  # steps of the grid


def start_values(spectrum: Spectrum, n_arcs: int) -> list[dict[str, float]]:
    """Return rough values for ``L0-R0-p(R1,CPE1)-...-CPE``, the most promising first.

    Parameters
    ----------
    spectrum : Spectrum
        The data.
    n_arcs : int
        Number of arcs; they are numbered from the fastest, the electrode bears the next number.

    Returns
    -------
    list of dict of str to float
        By name of the parameter, in its unit; up to three.
    """
    from scipy.optimize import nnls

    omega, weight = spectrum.omega, 1.0 / np.abs(spectrum.impedance)
    first, last = math.log10(0.3 / omega[0]), math.log10(3.0 / omega[-1])
    tau = np.logspace(first, last, round((last - first) * _PER_DECADE) + 1)
    common = np.concatenate(
        [
            np.ones((1, omega.size), dtype=complex),
            1j * omega[None] / omega[0],
            (1j * omega / omega[-1]) ** -_POWERS[:, None],
        ]
    )
    arcs = 1.0 / (1.0 + (1j * omega * tau[:, None]) ** _ARC_EXPONENT)
    dictionary = np.concatenate([common, arcs]) * weight
    columns, target = _real(dictionary).T, _real(spectrum.impedance * weight)
    n_common = len(common)
    trials: list[tuple[float, tuple[int, ...], Floats]] = []
    for placing in combinations(range(tau.size), n_arcs):
        chosen = [*range(n_common), *(n_common + place for place in placing)]
        try:
            coefficients, misfit = nnls(columns[:, chosen], target)
        except RuntimeError:  # the active set may cycle on a badly conditioned placing; the others remain
            continue
        if np.all(coefficients[n_common:] > 0):
            trials.append((float(misfit), placing, coefficients))
    if not trials:
        middle = tuple(np.linspace(0, tau.size - 1, n_arcs + 2).round().astype(int)[1:-1])
        share = np.full(n_common + n_arcs, 0.1 * float(np.median(np.abs(spectrum.impedance))))
        trials = [(0.0, middle, share)]
    trials.sort(key=lambda trial: trial[0])
    return [_named(spectrum, tau[list(placing)], c, n_common) for placing, c in _unlike(trials)]


def _unlike(trials: Sequence[tuple[float, tuple[int, ...], Floats]]) -> list[tuple[tuple[int, ...], Floats]]:
    """Return the best placings that are no near neighbours of a better one, since these lead to the same minimum."""
    chosen: list[tuple[tuple[int, ...], Floats]] = []
    for _, placing, coefficients in trials:
        if all(max(map(abs, np.subtract(placing, other)), default=1) > _NEAR for other, _ in chosen) or not chosen:
            chosen.append((placing, coefficients))
        if len(chosen) == _MOST_STARTS:
            break
    return chosen


def _real(values: NDArray[Any]) -> Floats:
    """Return real and imaginary parts side by side."""
    return np.concatenate([values.real, values.imag], axis=-1)


def _named(spectrum: Spectrum, tau: Floats, coefficients: Floats, n_common: int) -> dict[str, float]:
    """Return coefficients by the names of the parameters; what is absent starts small, as a logarithm must."""
    omega = spectrum.omega
    highest, lowest = float(np.abs(spectrum.impedance[0])), float(np.abs(spectrum.impedance[-1]))
    resistance, inductance, powers = coefficients[0], coefficients[1] / omega[0], coefficients[2:n_common]
    values = {"L0": max(inductance, 0.002 * highest / float(omega[0])), "R0": max(resistance, 0.02 * highest)}
    n = _ARC_EXPONENT
    for number, (time, size) in enumerate(zip(tau, coefficients[n_common:], strict=True), start=1):
        values |= {f"R{number}": float(size), f"CPE{number}_Q": float(time**n / size), f"CPE{number}_n": n}
    size, electrode = float(powers.sum()), f"CPE{len(tau) + 1}"
    power = min(float(powers @ _POWERS / size), 0.97) if size > 0 else 0.85
    values |= {f"{electrode}_Q": 1.0 / (max(size, 0.05 * lowest) * float(omega[-1]) ** power), f"{electrode}_n": power}
    return values
