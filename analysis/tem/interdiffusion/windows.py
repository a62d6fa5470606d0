r"""Counts of X-ray lines in a spectrum: windows about the lines and a linear background from both sides.

The width of a line in an energy-dispersive detector grows from that at Mn K\ :math:`\alpha` as

.. math:: \mathrm{FWHM}^2(E) = \mathrm{FWHM}^2_\mathrm{Mn} + 2.5\,\mathrm{eV}\,(E - 5895\,\mathrm{eV})

References
----------
.. [1] Goldstein et al., Scanning Electron Microscopy and X-Ray Microanalysis, 4th ed., Springer 2018, chapter 16.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import NotAnalysable
from .xray_lines import line_energy

Array = NDArray[np.float64]

_PEAK = 0.6  # half width of the window in FWHM, at which peak over root of background is largest
_SIDES = (1.0, 1.6)  # from where to where the background is taken on either side, FWHM
_MANGANESE = 5895.0


@dataclass(frozen=True)
class Window:
    """Channels of a line and of the background on both sides.

    Parameters
    ----------
    name : str
    peak, below, above : tuple of int
        First channel and the one after the last.
    weights : tuple of float
        Factors with which counts below and above make the background in the window.
    """

    name: str
    peak: tuple[int, int]
    below: tuple[int, int]
    above: tuple[int, int]
    weights: tuple[float, float]

    @property
    def ranges(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Channels of line, background below and above."""
        return self.peak, self.below, self.above


def line_window(name: str, energy: Array, resolution: float) -> Window:
    """Return the window of a line on an energy axis.

    Parameters
    ----------
    name : str
        Such as ``"Co_Ka"``.
    energy : ndarray, shape (n,)
        In eV, rising.
    resolution : float
        Full width at half maximum at Mn Ka in eV.

    Raises
    ------
    NotAnalysable
        If the name is no line or the windows do not lie within the spectrum.
    """
    centre = line_energy(name)
    width = math.sqrt(max(resolution**2 + 2.5 * (centre - _MANGANESE), 0.0))
    edges = np.array([-_PEAK, _PEAK, -_SIDES[1], -_SIDES[0], _SIDES[0], _SIDES[1]]) * width + centre
    places = np.searchsorted(energy, edges)
    ranges = [(int(places[i]), int(places[i + 1])) for i in (0, 2, 4)]
    if min(stop - start for start, stop in ranges) < 1 or places[-1] >= len(energy) or edges[2] < energy[0]:
        raise NotAnalysable(
            f"the windows of {name} ({edges[2]:.0f} to {edges[5]:.0f} eV) do not lie within the spectrum "
            f"({energy[0]:.0f} to {energy[-1]:.0f} eV)"
        )
    means = [float(energy[start:stop].mean()) for start, stop in ranges]
    share = (means[0] - means[1]) / (means[2] - means[1])
    sizes = [stop - start for start, stop in ranges]
    weights = (sizes[0] * (1 - share) / sizes[1], sizes[0] * share / sizes[2])
    return Window(name, ranges[0], ranges[1], ranges[2], weights)


def net_counts(sums: Array, window: Window) -> tuple[Array, Array]:
    """Return net counts and their standard uncertainty from counts of line, background below and above.

    Parameters
    ----------
    sums : ndarray, shape (3, n)

    Returns
    -------
    tuple of ndarray, shape (n,)
        Variances are Poisson's of all three sums; a point without counts keeps that of one count.
    """
    below, above = window.weights
    net = sums[0] - below * sums[1] - above * sums[2]
    variance = sums[0] + below**2 * sums[1] + above**2 * sums[2]
    return net, np.sqrt(np.maximum(variance, 1.0))
