"""Impedance spectra: the ionic conductivity of films and pellets between blocking electrodes.

>>> import numpy as np
>>> from interlayer.analysis import Quantity
>>> from interlayer.parsers import schema
>>> frequency = np.logspace(6, 0, 61)
>>> s = 2j * np.pi * frequency
>>> film = 5.0 + 2e3 / (1 + 2e3 * 1.2e-9 * s) + 1 / (2e-7 * s**0.9)
>>> ds = schema.build("eis", {"frequency": frequency, "impedance": film})
>>> result = film_conductivity(
...     ds, thickness=Quantity("thickness", 100.0, 3.0, "nm"), area=Quantity("area", 7.85e-3, 2e-4, "cm2")
... )
>>> print(result["ionic_conductivity"])
ionic_conductivity = (6.37 ± 0.25)e-07 S cm-1
"""

from __future__ import annotations

from .arrhenius import arrhenius
from .coating import coating_conductivity
from .conductivity import film_conductivity, ionic_resistance
from .drt import distribution_of_relaxation_times
from .kramers_kronig import linear_kramers_kronig
from .thickness_series import thickness_series

__all__ = [
    "arrhenius",
    "coating_conductivity",
    "distribution_of_relaxation_times",
    "film_conductivity",
    "ionic_resistance",
    "linear_kramers_kronig",
    "thickness_series",
]
