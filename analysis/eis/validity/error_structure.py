"""Error structure of a spectrum: how large the noise is at each frequency, from what a sum of RC elements leaves.

The spectrum is fitted again and again with the noise found for weights, since with other weights the residuals of quiet
points bear the noise of loud ones, and the elements follow the loud points.

References
----------
.. [1] Agarwal, Orazem, García-Rubio, J. Electrochem. Soc. 142 (1995) 4159. https://doi.org/10.1149/1.2048479
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..circuits import Floats
from ..spectrum import Spectrum
from .noise_law import log_variance
from .rc_elements import ElementFit, choose_elements, sparsest_elements
from .screening import Screened, chance_to_stand_out

LEAST_NOISE = 1e-5
"""Relative noise below which no instrument is; less than it is not believed."""


def uneven_noise(spectrum: Spectrum, keep: NDArray[np.bool_], *, rounds: int = 3) -> Floats:
    """Return the standard deviation of either part in ohm, shape (n,), by a law of the residuals of some points.

    Parameters
    ----------
    spectrum : Spectrum
        With n points.
    keep : ndarray, shape (n,)
        Points that take part.
    rounds : int
        How often fit and law are repeated; after three the noise changes by less than its uncertainty.
    """
    noise = _noise(spectrum, keep, sparsest_elements(spectrum, keep), np.abs(spectrum.impedance))
    for _ in range(rounds - 1):
        noise = _noise(spectrum, keep, choose_elements(spectrum, keep, noise), noise)
    return noise


def _noise(spectrum: Spectrum, keep: NDArray[np.bool_], found: ElementFit, size: Floats) -> Floats:
    """Return the noise in ohm from a fit of the points in `keep` whose residuals are over `size`, shape (n,)."""
    modulus = np.abs(spectrum.impedance)
    relative = (size / modulus)[keep]
    square, sharing = np.abs(found.residual * relative) ** 2, found.sharing * (relative[:, None] / relative) ** 2
    ln_variance = log_variance(spectrum.frequency, modulus, keep, square, sharing, found.freedom)
    return np.asarray(modulus * np.clip(np.exp(0.5 * ln_variance), LEAST_NOISE, 1.0))


def no_louder(tested: Screened) -> NDArray[np.bool_]:
    """Return which points, shape (n,), are no louder than the noise where they are.

    The screening takes noise in proportion to the modulus for granted, and where the noise is louder it finds more
    outliers than there are. Each suspect is judged again by the law that all other points, suspects too, follow.
    """
    spectrum, found, suspect = tested.without_steps, tested.fit, tested.suspect
    n, modulus = spectrum.frequency.size, np.abs(spectrum.impedance)
    square = np.abs((tested.model - spectrum.impedance) / modulus) ** 2
    sharing = 2.0 * np.eye(n)
    sharing[np.ix_(~suspect, ~suspect)] = found.sharing
    ln_chance, quiet = np.log(chance_to_stand_out(spectrum.frequency)), ~suspect
    for place in np.flatnonzero(suspect):
        others = np.arange(n) != place
        among = sharing[np.ix_(others, others)]
        law = log_variance(spectrum.frequency, modulus, others, square[others], among, among.sum(axis=1))
        quiet[place] = -0.5 * square[place] * np.exp(-law[place]) > ln_chance[place]
    return quiet
