"""Which circuit the data support: leads, film arcs and blocking electrode in series, as many arcs as can be told apart.

Leads and electrode stay in the model as long as the fit gives them any size, since leaving out a small resistance that
is there would shift the film's. An arc must earn its place: by the information criterion and by being determined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...statistics import runs_p_value
from ..circuits import RANGE, Circuit, ConstantPhase, Inductor, Resistor, Series, arc
from ..fitting.fit import ROUGH, CircuitFit, fit
from ..fitting.start import start_values
from ..spectrum import Spectrum
from .misfit import allowing_for_leads
from .propagation import relaxation_time

MOST_ARCS = 3
BETTER_BY = 10.0
"""Fall of AICc that counts as decisive evidence for one more arc (Burnham and Anderson, table 2.6)."""

ABSENT = 10.0
"""Relative uncertainty of a lead above which it has run to zero."""

_DETERMINED = {1: 0.5, 2: 0.5, 3: 0.2}  # relative uncertainty below which each of so many arcs is told from the others
_APART = 3.0  # ratio of relaxation times below which three arcs are rather two of another shape
_FAR_ABOVE = 3.0  # times the highest frequency
_LEAST_EXPONENT = 0.5  # an arc flatter than a Warburg element is a background, no relaxation
_DOUBTFUL = 2.0  # relative uncertainty above which it is tested whether a lead is there at all
_SETTLED = 1e-6  # tolerance at which circuits are compared; what they lack shows long before convergence
_LEAD_SIZES = {"L0": 1e-5, "R0": 100.0}  # H and ohm that leads and stage may have though they came out at zero
_TREND_P = 1e-4  # of the runs test
_TERMS = ("R{}", "CPE{}_Q", "CPE{}_n")
_BENT_ELECTRODE = 0.7  # exponent below which an electrode may be part of an arc
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
        Information criterion by number of arcs tried, of which there may be more than chosen.
    unresolved : CircuitFit
        The fit with one arc, determined or not, from which limits follow.
    """

    fit: CircuitFit
    n_arcs: int
    has_electrode: bool
    aicc: Mapping[int, float]
    unresolved: CircuitFit


def choose(spectrum: Spectrum) -> Choice:
    """Fit circuits with no, one and more arcs and return the one that the data support.

    Three arcs are tried where two are better than one, or leave residuals with a trend.
    """
    fits: dict[int, CircuitFit] = {}
    for n in range(MOST_ARCS + 1):
        if n < MOST_ARCS or fits[n - 1].aicc < fits[n - 2].aicc - BETTER_BY or _has_trend(fits[n - 1]):
            fits[n] = _fit_arcs(spectrum, n, fits.get(n - 1))
    for n in range(len(fits) - 1, 1, -1):
        if fits[n].aicc < fits[n - 1].aicc - BETTER_BY and not _is_resolved(fits[n], n):
            fits[n - 1] = min(fits[n - 1], _with_one_less(fits[n], n), key=lambda found: found.aicc)
    chosen = 0
    for n in range(1, len(fits)):
        if fits[n].aicc < fits[chosen].aicc - BETTER_BY and _is_resolved(fits[n], n):
            chosen = n
    best = _final(fits[chosen], chosen)
    return Choice(best, chosen, f"CPE{chosen + 1}_Q" in best, {n: fits[n].aicc for n in fits}, fits[1])


def relaxation(found: CircuitFit, number: int) -> float:
    """Return the relaxation time (R Q)^(1/n) of an arc in s."""
    return math.exp(max(-RANGE, min(relaxation_time(found, number).logarithm, RANGE)))


def _fit_arcs(spectrum: Spectrum, n_arcs: int, fewer: CircuitFit | None) -> CircuitFit:
    """Return the best fit with so many arcs, from the start values and from the fit with one arc less.

    An arc that is not complete at the lowest frequency passes for an electrode, and one with a low exponent is looked
    at as an arc, too.
    """
    found = _fit_series(spectrum, n_arcs, fewer)
    electrode = f"CPE{n_arcs}"
    if fewer is None or f"{electrode}_n" not in fewer or fewer.value(f"{electrode}_n") > _BENT_ELECTRODE:
        return found
    assert isinstance(fewer.circuit, Series)
    values = natural_values(fewer)
    slowest = float(spectrum.omega[-1] ** values[f"{electrode}_n"])
    start = values | {f"R{n_arcs}": 1.0 / (values[f"{electrode}_Q"] * slowest)}
    bent = Series((*fewer.circuit.parts[:-1], arc(str(n_arcs))))
    other = fit(bent, spectrum, [start], tolerance=_SETTLED)
    return allowing_absent_leads(other) if other.aicc < found.aicc else found


def _with_one_less(found: CircuitFit, n_arcs: int) -> CircuitFit:
    """Return the fit without the arc that is determined least, started from the others."""
    numbers = list(range(1, n_arcs + 1))
    numbers.remove(max(numbers, key=lambda number: found.spread(f"R{number}")))
    values = natural_values(found)
    start = dict(values)
    for new, old in enumerate([*numbers, n_arcs + 1], start=1):
        start |= {term.format(new): values[term.format(old)] for term in _TERMS if term.format(old) in values}
    assert isinstance(found.circuit, Series)
    kept = [part for part in found.circuit.parts if isinstance(part, Inductor | Resistor)]
    tail = [ConstantPhase(str(n_arcs))] if f"CPE{n_arcs + 1}_Q" in found else []
    less = Series((*kept, *(arc(str(number)) for number in range(1, n_arcs)), *tail))
    return allowing_absent_leads(fit(less, found.spectrum, [start], tolerance=_SETTLED))


def _has_trend(found: CircuitFit) -> bool:
    return runs_p_value(*found.residual) < _TREND_P


def _fit_series(spectrum: Spectrum, n_arcs: int, fewer: CircuitFit | None) -> CircuitFit:
    """Fit leads, arcs and electrode in series, less what the data do not want.

    A second arc that makes a rough fit worse by as much as decides is not followed to the end.
    """
    electrode = f"CPE{n_arcs + 1}"
    parts: dict[str, Circuit] = {"L0": Inductor("0"), "R0": Resistor("0")}
    parts |= {f"R{number}": arc(str(number)) for number in range(1, n_arcs + 1)}
    parts[electrode] = ConstantPhase(str(n_arcs + 1))
    found = fit(_series(parts), spectrum, start_values(spectrum, n_arcs), tolerance=ROUGH)
    if n_arcs > 1 and fewer is not None and found.aicc > fewer.aicc + BETTER_BY:
        return allowing_absent_leads(found)
    found = fit(_series(parts), spectrum, [natural_values(found)], tolerance=_SETTLED)
    for lead in ("L0", "R0"):
        if found.spread(lead) > _DOUBTFUL:
            less = fit(_series(parts, without=lead), spectrum, [natural_values(found)], tolerance=_SETTLED)
            size = _wanted_size(less, lead)
            if size > 0:  # on the logarithmic scale a lead that has run to zero does not come back by itself
                found = fit(_series(parts), spectrum, [natural_values(less) | {lead: size}], tolerance=_SETTLED)
            if size <= 0 or found.spread(lead) > ABSENT:
                found = less
                del parts[lead]
    if n_arcs > 0 and _electrode_is_absent(found, electrode):
        found = fit(_series(parts, without=electrode), spectrum, [natural_values(found)], tolerance=_SETTLED)
    return allowing_absent_leads(found)


def allowing_absent_leads(found: CircuitFit) -> CircuitFit:
    """Return the fit with the uncertainty that leads bring which came out at zero."""
    omega = found.spectrum.omega
    columns = {"L0": 1j * omega, "R0": np.ones(omega.size, dtype=complex)}
    absent = [name for name in columns if name not in found]
    if not absent:
        return found
    sizes = np.array([_LEAD_SIZES[name] for name in absent])
    return allowing_for_leads(found, np.array([columns[name] for name in absent]), sizes)


def _final(found: CircuitFit, n_arcs: int) -> CircuitFit:
    """Return a fit brought to convergence, with the arcs numbered from the fastest."""
    values = natural_values(found)
    start = dict(values)
    order = sorted(range(1, n_arcs + 1), key=lambda number: relaxation(found, number))
    for new, old in enumerate(order, start=1):
        for term in _TERMS:
            start[term.format(new)] = values[term.format(old)]
    return allowing_absent_leads(fit(found.circuit, found.spectrum, [start]))


def _series(parts: Mapping[str, Circuit], without: str = "") -> Series:
    return Series(tuple(part for name, part in parts.items() if name != without))


def natural_values(found: CircuitFit) -> dict[str, float]:
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
    """Return whether each arc is determined, is a relaxation, and has its top in the window or not far above.

    An arc whose top lies below the window is confused with the electrode, one whose top lies far above with the leads;
    its resistance would rest on the model alone.
    """
    slowest, fastest = 1.0 / found.spectrum.omega[-1], 1.0 / (_FAR_ABOVE * found.spectrum.omega[0])
    numbers = range(1, n_arcs + 1)
    times = sorted(relaxation(found, number) for number in numbers)
    apart = n_arcs < 3 or all(later > _APART * earlier for earlier, later in pairwise(times))
    return apart and all(
        found.spread(f"R{number}") < _DETERMINED[n_arcs]
        and found.value(f"CPE{number}_n") > _LEAST_EXPONENT
        and fastest < relaxation(found, number) < slowest
        for number in numbers
    )
