"""The Voigt line with its derivatives, from the Faddeeva function."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A line of unit area on an energy grid, with its derivatives; all of shape (n,)."""

    value: Array
    by_position: Array
    by_gaussian: Array
    by_lorentzian: Array


def voigt(offset: Array, gaussian: float, lorentzian: float) -> Line:
    r"""Return the Voigt line of unit area.

    .. math:: V(x) = \frac{\Re\, w(z)}{\sigma\sqrt{2\pi}}, \qquad z = \frac{x + i\gamma}{\sigma\sqrt2}, \qquad
              w'(z) = -2 z w(z) + \frac{2i}{\sqrt\pi}

    Parameters
    ----------
    offset : ndarray
        Energy from the centre of the line in eV.
    gaussian : float
        Standard deviation of the Gaussian in eV.
    lorentzian : float
        Half width at half maximum of the Lorentzian in eV.

    Returns
    -------
    Line
        In eV^-1, derivatives with respect to the position of the centre, `gaussian` and `lorentzian`.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 7.10 and 7.19.
    """
    from scipy.special import wofz

    scale = gaussian * math.sqrt(2.0)
    z = (offset + 1j * lorentzian) / scale
    w = np.asarray(wofz(z), dtype=np.complex128)
    slope: NDArray[np.complex128] = (-2.0 * z * w + 2j / math.sqrt(math.pi)) / scale
    norm = 1.0 / (gaussian * math.sqrt(2.0 * math.pi))
    return Line(
        value=norm * w.real,
        by_position=-norm * slope.real,
        by_gaussian=norm * (-w.real / gaussian - (slope * z).real * math.sqrt(2.0)),
        by_lorentzian=-norm * slope.imag,
    )


def voigt_fwhm(gaussian: float, lorentzian: float) -> tuple[float, float, float]:
    """Return the full width at half maximum and its derivatives with respect to both widths, within 0.02 %.

    References
    ----------
    .. [1] Olivero, Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17 (1977) 233.
       https://doi.org/10.1016/0022-4073(77)90161-3
    """
    g, f = 2.0 * math.sqrt(2.0 * math.log(2.0)) * gaussian, 2.0 * lorentzian
    root = math.sqrt(0.2166 * f * f + g * g)
    return 0.5346 * f + root, g / root * g / gaussian, 2.0 * (0.5346 + 0.2166 * f / root)
