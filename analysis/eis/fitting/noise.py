"""The noise that a fit is weighted with."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ...errors import NotAnalysable
from ..circuits import Floats
from ..spectrum import Spectrum

Weights = Literal["modulus", "measured", "kramers_kronig"]


def noise_of(spectrum: Spectrum, weights: Weights) -> Floats | None:
    """Return the standard deviation of either part in ohm, shape (n,); None when it is proportional to the modulus.

    Raises
    ------
    NotAnalysable
        If the spectrum does not bear the uncertainties that are asked for.
    """
    if weights == "modulus":
        return None
    if weights == "measured":
        if spectrum.stderr is None or not np.all(spectrum.stderr > 0):
            raise NotAnalysable("the spectrum bears no impedance_stderr above 0 at every point; use other weights")
        return spectrum.stderr
    if weights == "kramers_kronig":
        from ..validity.kramers_kronig import kramers_kronig_noise

        return kramers_kronig_noise(spectrum)
    raise ValueError(f"found the weights {weights!r}; expected 'modulus', 'measured' or 'kramers_kronig'")
