r"""Ionic and electronic conduction in parallel.

The arc of a film that also leaks electrons has the resistance of both paths side by side,

.. math:: \frac{1}{R} = \frac{1}{R_\text{ion}} + \frac{1}{R_e}, \qquad t_\text{ion} = 1 - \frac{R}{R_e}

R_e is known from DC polarisation, or from the spectrum itself: between electrodes that block ions a spectrum that
closes on the real axis is that of ``p(Re,p(R1,CPE1)-CPE2)``, the ionic path with its electrode beside the electronic
one, and ends at R_e.

References
----------
.. [1] Huggins, Ionics 8 (2002) 300. https://doi.org/10.1007/BF02376083
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...detection import upper_limit
from ...quantity import Quantity
from ..circuits import Circuit, ConstantPhase, Inductor, Parallel, Resistor, Series, arc
from ..fitting.fit import CircuitFit, fit
from .propagation import LogValue
from .selection import ABSENT, BETTER_BY, Choice, allowing_absent_leads, natural_values

_LEAST_SPREAD = 1e-6  # of a share, where resistances are stated as exact
_RESOLVED = 2.0  # standard uncertainties by which the electronic share of the current must stay below 1


@dataclass(frozen=True)
class Split:
    """The ionic path, where it is told from nothing.

    Parameters
    ----------
    values : mapping of str to LogValue
        ``ionic_resistance``, ``total_resistance``, ``electronic_resistance`` and ``ionic_transference_number``; without
        the first and the last where the ionic share is not resolved.
    least_ionic_resistance : float or None
        One-sided 95 % lower limit in ohm where it is not.
    """

    values: Mapping[str, LogValue]
    least_ionic_resistance: float | None = None


def beside_leakage(choice: Choice) -> Choice | None:
    """Return the fit with an electronic path beside the ionic one, whose slowest arc becomes a blocking electrode.

    None where there is no arc to spare, or where arcs in series describe the spectrum decisively better. Short of that
    the electronic path is preferred, since it needs no arc that closes between electrodes that block.
    """
    series, n_arcs = choice.fit, choice.n_arcs - 1
    if n_arcs < 1:
        return None
    ionic = Series((*(arc(str(number)) for number in range(1, n_arcs + 1)), ConstantPhase(str(n_arcs + 1))))
    parts: dict[str, Circuit] = {
        "L0": Inductor("0"),
        "R0": Resistor("0"),
        "Re": Parallel((Resistor("e"), ionic)),
    }
    found = fit(Series(tuple(parts.values())), series.spectrum, [_start(series, n_arcs)], noise=series.noise)
    for lead in ("L0", "R0"):
        if found.spread(lead) > ABSENT:
            del parts[lead]
            found = fit(Series(tuple(parts.values())), series.spectrum, [natural_values(found)], noise=series.noise)
    if found.aicc > series.aicc + BETTER_BY:
        return None
    return replace(choice, fit=allowing_absent_leads(found), n_arcs=n_arcs, has_electrode=True)


def _start(series: CircuitFit, n_arcs: int) -> dict[str, float]:
    """Return the values of the ionic and electronic paths that follow from arcs in series."""
    least, fastest = float(np.abs(series.spectrum.impedance).min()), float(series.spectrum.omega[0])
    values = {"R0": 0.02 * least, "L0": 0.002 * least / fastest} | natural_values(series)
    film = sum(values[f"R{number}"] for number in range(1, n_arcs + 1))
    electronic = film + values[f"R{n_arcs + 1}"]
    part = 1.0 - film / electronic
    for number in range(1, n_arcs + 1):
        values[f"R{number}"] /= part
        values[f"CPE{number}_Q"] *= part
    values[f"CPE{n_arcs + 1}_Q"] *= part**2
    return values | {"Re": electronic}


def side_by_side(ionic: LogValue, electronic: LogValue) -> dict[str, LogValue]:
    """Return total resistance and transference number of two paths that the fit knows."""
    share = 1.0 / (1.0 + math.exp(electronic.logarithm - ionic.logarithm))  # of the current that electrons carry
    transference = _combined(ionic, electronic, -share, share, math.log1p(-share), "1")
    whole = _combined(ionic, electronic, 1.0 - share, share, ionic.logarithm + math.log1p(-share), "ohm")
    return {
        "total_resistance": whole,
        "electronic_resistance": electronic,
        "ionic_transference_number": transference,
    }


def split(total: LogValue, electronic: LogValue, found: CircuitFit, known: Mapping[str, float]) -> Split:
    """Return the ionic path beside an electronic one that is stated.

    Parameters
    ----------
    total : LogValue
        Resistance of the film with both paths, from its arcs.
    electronic : LogValue
        Resistance of the electronic path, see `stated_resistance`.
    found : CircuitFit
        On whose parameters they depend.
    known : mapping of str to float
        Relative standard uncertainties of the facts.
    """
    values = {"total_resistance": total, "electronic_resistance": electronic}
    share = math.exp(total.logarithm - electronic.logarithm)
    ratio = _combined(total, electronic, 1.0, -1.0, 0.0, "1")
    covariance = np.where(np.isfinite(found.covariance), found.covariance, 0.0)
    facts = math.hypot(*(power * known[name] for name, power in ratio.by_facts.items()))
    spread = share * math.hypot(math.sqrt(ratio.by_fit @ covariance @ ratio.by_fit), facts)
    if share + _RESOLVED * spread >= 1.0:
        return Split(values, math.exp(total.logarithm) / upper_limit(1.0 - share, max(spread, _LEAST_SPREAD)))
    part = 1.0 - share
    ionic = _combined(total, electronic, 1.0 / part, -share / part, total.logarithm - math.log(part), "ohm")
    transference = _combined(total, electronic, -share / part, share / part, math.log(part), "1")
    return Split({"ionic_resistance": ionic, **values, "ionic_transference_number": transference})


def stated_resistance(stated: Quantity, n_parameters: int) -> LogValue:
    """Return an electronic resistance that the user knows; `ValueError` when it is not above zero."""
    ohm = stated.to("ohm")
    if ohm.value <= 0 or ohm.relation != "=":
        raise ValueError(f"found {stated}; expected a value above 0")
    return LogValue(math.log(ohm.value), np.zeros(n_parameters), "ohm", {"electronic_resistance": 1.0})


def _combined(
    first: LogValue, second: LogValue, by_first: float, by_second: float, logarithm: float, unit: str
) -> LogValue:
    """Return a value with known derivatives of its logarithm by two others'."""
    facts = {
        name: by_first * first.by_facts.get(name, 0.0) + by_second * second.by_facts.get(name, 0.0)
        for name in {**first.by_facts, **second.by_facts}
    }
    return LogValue(logarithm, by_first * first.by_fit + by_second * second.by_fit, unit, facts)
