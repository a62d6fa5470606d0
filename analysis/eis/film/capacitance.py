r"""Effective capacitance of constant-phase elements.

Where time constants are distributed through the thickness (bulk, grain boundaries, a film) the resistor beside the
element sets the scale (Hsu, Mansfeld); where they are distributed over the surface of an electrode, the resistance in
series does (Brug et al.):

.. math:: C_\text{normal} = Q^{1/n} R^{(1-n)/n}, \qquad
          C_\text{surface} = Q^{1/n} \left(R_e^{-1} + R_{ct}^{-1}\right)^{(n-1)/n}

Q and n of one element correlate by -0.99 and more, so that the uncertainty of C needs their covariance: both functions
return ln C with its derivatives by the parameters of the fit.

References
----------
.. [1] Hsu, Mansfeld, Corrosion 57 (2001) 747. https://doi.org/10.5006/1.3280607
.. [2] Brug, van den Eeden, Sluyters-Rehbach, Sluyters, J. Electroanal. Chem. 176 (1984) 275.
   https://doi.org/10.1016/S0022-0728(84)80324-1
.. [3] Hirschorn et al., Electrochim. Acta 55 (2010) 6218. https://doi.org/10.1016/j.electacta.2009.10.065
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..fitting.fit import CircuitFit
from .propagation import LogValue, resistor, total


def normal_capacitance(found: CircuitFit, resistance: str, element: str) -> LogValue:
    """Return the capacitance of an arc whose time constants are distributed along the current (Hsu, Mansfeld).

    Parameters
    ----------
    found : CircuitFit
        The fit.
    resistance, element : str
        Names of the resistor and of the constant-phase element beside it, for example ``"R1"`` and ``"CPE1"``.
    """
    return _scaled(found, element, resistor(found, resistance))


def surface_capacitance(
    found: CircuitFit, element: str, *, series: Sequence[str], charge_transfer: str | None = None
) -> LogValue:
    """Return the capacitance of an electrode whose time constants are distributed over its surface (Brug).

    Parameters
    ----------
    found : CircuitFit
        The fit.
    element : str
        Name of the constant-phase element.
    series : sequence of str
        Names of the resistors in series with the electrode, at least one.
    charge_transfer : str or None
        Name of the resistor beside the element; None for a blocking electrode.
    """
    resistance = total([resistor(found, name) for name in series])
    if charge_transfer is not None:
        resistance = _parallel(resistance, resistor(found, charge_transfer))
    return _scaled(found, element, resistance)


def _scaled(found: CircuitFit, element: str, resistance: LogValue) -> LogValue:
    """Return Q^(1/n) R^((1-n)/n)."""
    q, e = found.index(f"{element}_Q"), found.index(f"{element}_n")
    n, ln_q = found.value(f"{element}_n"), float(found.theta[q])
    by_fit = (1.0 - n) / n * resistance.by_fit
    by_fit[q] += 1.0 / n
    by_fit[e] -= (ln_q + resistance.logarithm) * (1.0 - n) / n
    return LogValue((ln_q + (1.0 - n) * resistance.logarithm) / n, by_fit, "F")


def _parallel(first: LogValue, second: LogValue) -> LogValue:
    """Return the parallel connection of two resistances."""
    conductances = [LogValue(-value.logarithm, -value.by_fit, "S") for value in (first, second)]
    sum_ = total(conductances)
    return LogValue(-sum_.logarithm, -np.asarray(sum_.by_fit), "ohm")
