r"""The sign of Z'' from |Z| alone: a passive cell's phase follows the slope of its modulus.

For a causal, stable, passive system without dead time the phase is, to first order, fixed by the modulus (Bode; used
as Z-HIT in impedance spectroscopy):

.. math:: \varphi(\omega) \approx \frac{\pi}{2} \frac{d \ln |Z|}{d \ln \omega}

A column of -Z'' that is called Z'' leaves |Z| unchanged and turns the phase around, so the two disagree everywhere.

References
----------
.. [1] Bode, Network Analysis and Feedback Amplifier Design, Van Nostrand (1945), chapter 14.
.. [2] Ehm, Göhr, Kaus, Röseler, Schiller, ACH - Models in Chemistry 137 (2000) 145.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HALF_WINDOW = 0.35 * np.log(10.0)
_CLEAR = 0.6
_SMALLEST_PHASE = np.deg2rad(0.5)


def phase_agreement(frequency: Floats, impedance: NDArray[np.complex128]) -> float:
    """Return how well the phase of a spectrum follows the slope of its modulus.

    Parameters
    ----------
    frequency : numpy.ndarray
        In Hz, in any order, shape (n,).
    impedance : numpy.ndarray
        Complex, shape (n,).

    Returns
    -------
    float
        Cosine between measured and expected phase: near 1 where they agree, near -1 where the sign of Z'' is reversed,
        0.0 where nothing can be said (less than 6 points or a decade, or a pure resistance).

    Examples
    --------
    >>> f = np.logspace(5, 0, 51)
    >>> z = 10 + 100 / (1 + 2j * np.pi * f * 1e-3)
    >>> phase_agreement(f, z) > 0.9, phase_agreement(f, z.conj()) < -0.9
    (True, True)
    """
    measured, expected = _phases(frequency, impedance)
    sizes = _rms(measured), _rms(expected)
    if min(sizes) < _SMALLEST_PHASE:
        return 0.0
    return float(np.mean(expected * measured) / (sizes[0] * sizes[1]))


def slope_mismatch(frequency: Floats, impedance: NDArray[np.complex128]) -> float:
    """Return the rms difference in radians between measured phase and the one expected from the slope of |Z|."""
    measured, expected = _phases(frequency, impedance)
    return _rms(measured - expected)


def sign_verdict(frequency: Floats, impedance: NDArray[np.complex128]) -> int:
    """Return +1 when the sign of Z'' is right -1 when it is reversed, 0 where the spectrum is undecided."""
    agreement = phase_agreement(frequency, impedance)
    return 0 if abs(agreement) < _CLEAR else int(np.sign(agreement))


def _phases(frequency: Floats, impedance: NDArray[np.complex128]) -> tuple[Floats, Floats]:
    whole = (frequency > 0) & (np.abs(impedance) > 0) & np.isfinite(impedance) & np.isfinite(frequency)
    order = np.argsort(frequency[whole])
    x = np.log(frequency[whole][order])
    z = impedance[whole][order]
    if len(x) < 6 or x[-1] - x[0] < np.log(10.0):
        return np.zeros(1), np.zeros(1)
    return np.angle(z), np.pi / 2 * _slope(x, np.log(np.abs(z)))


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _slope(x: Floats, y: Floats) -> Floats:
    """Return dy/dx from a straight line through each point's neighbours within a third of a decade, at least four."""
    slope = np.empty_like(x)
    for index, centre in enumerate(x):
        near = np.abs(x - centre) <= _HALF_WINDOW
        if np.count_nonzero(near) < 5:
            near = np.argsort(np.abs(x - centre), kind="stable")[:5]
        dx = x[near] - x[near].mean()
        scatter = np.sum(dx**2)
        slope[index] = np.sum(dx * (y[near] - y[near].mean())) / scatter if scatter > 0 else 0.0
    return slope
