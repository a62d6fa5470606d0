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

from .film.conductivity import film_conductivity, in_plane_conductivity, ionic_resistance
from .film.interdigitated import Interdigitated
from .fitting.circuit_fit import circuit_parameters, fit_circuit, from_impedance, to_impedance
from .fitting.sweeps import fit_sweeps
from .relaxation.drt import distribution_of_relaxation_times
from .series.arrhenius import arrhenius
from .series.branches import heating_and_cooling
from .series.coating import coating_conductivity
from .series.thickness_series import thickness_series
from .series.vogel import vogel
from .validity.flags import flag_points, mask_points
from .validity.kramers_kronig import linear_kramers_kronig

__all__ = [
    "Interdigitated",
    "arrhenius",
    "circuit_parameters",
    "coating_conductivity",
    "distribution_of_relaxation_times",
    "film_conductivity",
    "fit_circuit",
    "fit_sweeps",
    "flag_points",
    "from_impedance",
    "heating_and_cooling",
    "in_plane_conductivity",
    "ionic_resistance",
    "linear_kramers_kronig",
    "mask_points",
    "thickness_series",
    "to_impedance",
    "vogel",
]
