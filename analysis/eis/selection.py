"""Which circuit the data support: leads, film arcs and blocking electrode in series, as many arcs as can be told apart.

Leads and electrode stay in the model as long as the fit gives them any size, since leaving out a small resistance that
is there would shift the film's. An arc must earn its place: by the information criterion and by being determined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .circuit import Circuit, ConstantPhase, Inductor, Resistor, Series, arc
from .fit import ROUGH, CircuitFit, allowing, fit
from .spectrum import Spectrum
from .start import start_values

MOST_ARCS = 2
BETTER_BY = 10.0
"""Fall of AICc that counts as decisive evidence for one more arc (Burnham and Anderson, table 2.6)."""

_DETERMINED = 0.5  # relative uncertainty of an arc's resistance below which the arc is told apart from its neighbours
_LEAST_EXPONENT = 0.5  # an arc flatter than a Warburg element is a background, no relaxation
_DOUBTFUL = 2.0  # relative uncertainty above which it is tested whether a lead is there at all
_SETTLED = 1e-6  # tolerance at which circuits are compared; what they lack shows long before convergence
_ABSENT = 10.0  # relative uncertainty above which it has run to zero
_FLATTEST_ELECTRODE = 0.25  # exponent below which the electrode mimics a resistance


@dataclass(frozen=True)
class Choice:
    """The circuit that the data support.

    Parameters
    ----------
    fit : CircuitFit
        The fit of the chosen circuit.
    n_arcs : int
        Number of its arcs, numbered from the fastest; 0 when none is resolved.
    has_electrode : bool
        Whether a blocking electrode was found; it bears the number ``n_arcs + 1``.
    aicc : mapping of int to float
        Information criterion by number of arcs tried.
    unresolved : CircuitFit
        The fit with one arc, determined or not, from which limits follow.
    """

    fit: CircuitFit
    n_arcs: int
    has_electrode: bool
    aicc: Mapping[int, float]
    unresolved: CircuitFit


def choose(spectrum: Spectrum) -> Choice:
    """Fit circuits with no, one and two arcs and return the one that the data support."""
    fits = {n: _fit_series(spectrum, n) for n in range(MOST_ARCS + 1)}
    chosen = 0
    for n in range(1, MOST_ARCS + 1):
        if fits[n].aicc < fits[chosen].aicc - BETTER_BY and _is_resolved(fits[n], n):
            chosen = n
    best = _final(fits[chosen], chosen)
    return Choice(best, chosen, f"CPE{chosen + 1}_Q" in best, {n: fits[n].aicc for n in fits}, fits[1])


def relaxation(found: CircuitFit, number: int) -> float:
    """Return the relaxation time (R Q)^(1/n) of an arc in s."""
    charge = found.value(f"R{number}") * found.value(f"CPE{number}_Q")
    return float(charge ** (1.0 / found.value(f"CPE{number}_n")))


def _fit_series(spectrum: Spectrum, n_arcs: int) -> CircuitFit:
    """Fit leads, arcs and electrode in series, less what the data do not want."""
    electrode = f"CPE{n_arcs + 1}"
    parts: dict[str, Circuit] = {"L0": Inductor("0"), "R0": Resistor("0")}
    parts |= {f"R{number}": arc(str(number)) for number in range(1, n_arcs + 1)}
    parts[electrode] = ConstantPhase(str(n_arcs + 1))
    found = fit(_series(parts), spectrum, start_values(spectrum, n_arcs), tolerance=ROUGH)
    found = fit(_series(parts), spectrum, [_natural(found)], tolerance=_SETTLED)
    for lead in ("L0", "R0"):
        if found.spread(lead) > _DOUBTFUL:
            less = fit(_series(parts, without=lead), spectrum, [_natural(found)], tolerance=_SETTLED)
            size = _wanted_size(less, lead)
            if size > 0:  # on the logarithmic scale a lead that has run to zero does not come back by itself
                found = fit(_series(parts), spectrum, [_natural(less) | {lead: size}], tolerance=_SETTLED)
            if size <= 0 or found.spread(lead) > _ABSENT:
                found = less
                del parts[lead]
    if n_arcs > 0 and _electrode_is_absent(found, electrode):
        found = fit(_series(parts, without=electrode), spectrum, [_natural(found)], tolerance=_SETTLED)
    return _allowing_leads(found)


def _allowing_leads(found: CircuitFit) -> CircuitFit:
    """Return the fit with the uncertainty that leads bring which came out at zero."""
    omega = found.spectrum.omega
    absent = [column for name, column in (("L0", 1j * omega), ("R0", np.ones(omega.size))) if name not in found]
    return allowing(found, np.array(absent, dtype=complex)) if absent else found


def _final(found: CircuitFit, n_arcs: int) -> CircuitFit:
    """Return a fit brought to convergence, with the arcs numbered from the fastest."""
    values = _natural(found)
    start = dict(values)
    order = sorted(range(1, n_arcs + 1), key=lambda number: relaxation(found, number))
    for new, old in enumerate(order, start=1):
        for term in ("R{}", "CPE{}_Q", "CPE{}_n"):
            start[term.format(new)] = values[term.format(old)]
    return _allowing_leads(fit(found.circuit, found.spectrum, [start]))


def _series(parts: Mapping[str, Circuit], without: str = "") -> Series:
    return Series(tuple(part for name, part in parts.items() if name != without))


def _natural(found: CircuitFit) -> dict[str, float]:
    """Return the values of a fit, kept off the ends of the logit scale, as a start."""
    values = {parameter.name: found.value(parameter.name) for parameter in found.circuit.parameters}
    return {name: min(max(value, 0.01), 0.999) if name.endswith("_n") else value for name, value in values.items()}


def _wanted_size(less: CircuitFit, lead: str) -> float:
    """Return the size in ohm or H that one linear step would give a lead; negative when it is better left out."""
    weight = 1.0 / np.abs(less.spectrum.impedance)
    real, imaginary = less.residual
    column, misfit = (weight, real) if lead == "R0" else (less.spectrum.omega * weight, imaginary)
    return float(-(misfit @ column) / (column @ column))


def _electrode_is_absent(found: CircuitFit, electrode: str) -> bool:
    """Return whether the electrode's share of the impedance is lost in the residuals."""
    exponent = found.value(f"{electrode}_n")
    share = found.spectrum.omega**-exponent / found.value(f"{electrode}_Q") / np.abs(found.spectrum.impedance)
    return bool(share.max() < math.sqrt(found.reduced_chi_square)) or exponent < _FLATTEST_ELECTRODE


def _is_resolved(found: CircuitFit, n_arcs: int) -> bool:
    """Return whether each arc is determined, is a relaxation, and has its top above the lowest frequency.

    An arc whose top lies below the window is confused with the electrode; its resistance would rest on the model alone.
    """
    slowest = 1.0 / found.spectrum.omega[-1]
    return all(
        found.spread(f"R{number}") < _DETERMINED
        and found.value(f"CPE{number}_n") > _LEAST_EXPONENT
        and relaxation(found, number) < slowest
        for number in range(1, n_arcs + 1)
    )
