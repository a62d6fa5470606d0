"""What a spectrum without a resolved arc still says: one-sided 95 % limits of the film's resistance.

Two spectra look alike when no arc is inside the window: a good conductor, of which only the intercept and the blocking
electrode are seen, and a poor one, of which only the film's own capacitance is seen. The size of the capacitance, set
against thickness and area, tells them apart; where it does not, there is no limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...errors import NotAnalysable
from ...statistics import ONE_SIDED_95
from ..circuits import Circuit, ConstantPhase, Resistor, Series, arc
from ..fitting.constrained import Constrained
from ..fitting.fit import CircuitFit, fit
from .selection import BETTER_BY, Choice, relaxation

FILM_BELOW, ELECTRODE_ABOVE = 200.0, 2000.0
"""Effective permittivities: below the first a capacitance is the film's, above the second the electrode's."""

_SUM_DETERMINED = 0.5  # relative
_STEP = 0.5
_MOST_STEPS = 80
_HALVINGS = 14


@dataclass(frozen=True)
class Limit:
    """One-sided 95 % limit of the film's resistance in ohm, why it is no more than that, and the fit behind it."""

    resistance: float
    relation: Literal["<", ">"]
    reason: str
    fit: CircuitFit


def resistance_limit(choice: Choice, capacitance_of_vacuum: float | None) -> Limit:
    """Return the limit that a spectrum without a resolved arc allows.

    Parameters
    ----------
    choice : Choice
        With no arc.
    capacitance_of_vacuum : float or None
        Of the empty space between the electrodes in F, None when the geometry is not known.

    Raises
    ------
    NotAnalysable
        If neither side is bounded.
    """
    if choice.aicc[1] < choice.aicc[0] - BETTER_BY:
        return _of_undetermined_arc(choice.unresolved)
    found = choice.fit
    if capacitance_of_vacuum is None:
        raise NotAnalysable(
            "no arc is resolved: without thickness and area the capacitance cannot be told to be the film's or the "
            "electrode's, so the resistance has no limit. State thickness and area"
        )
    permittivity = _capacitance(found) / capacitance_of_vacuum
    if permittivity > ELECTRODE_ABOVE:
        circuit = Series((Resistor("0"), ConstantPhase("1")))
        upper = _profile(circuit, "R0", found, +1)
        return Limit(
            upper, "<", "no arc is resolved: only the blocking electrode and the intercept are in the window", found
        )
    if permittivity < FILM_BELOW:
        lower = _profile(arc("1"), "R1", found, -1)
        return Limit(lower, ">", "no arc is resolved: only the film's own capacitance is in the window", found)
    raise NotAnalysable(
        f"no arc is resolved, and an effective permittivity of {permittivity:.3g} may be the film's or the "
        "electrode's; measure to higher frequency, or at another temperature"
    )


def intercept_limit(choice: Choice) -> Limit:
    """Return the limit where all arcs are of interfaces: the film's resistance is within the intercept.

    Raises
    ------
    NotAnalysable
        If the intercept has no upper bound.
    """
    found = choice.fit
    circuit: Circuit = found.circuit
    if "R0" not in found:
        circuit = Series((Resistor("0"), *getattr(circuit, "parts", (circuit,))))
    upper = _profile(circuit, "R0", found, +1)
    return Limit(upper, "<", "all arcs are those of interfaces; the film's is above the window", found)


def _of_undetermined_arc(found: CircuitFit) -> Limit:
    if "CPE2_Q" not in found or relaxation(found, 1) > 1.0 / found.spectrum.omega[-1]:
        lower = _profile(found.circuit, "R1", found, -1)
        return Limit(
            lower, ">", "the arc does not close at the lowest frequency, its resistance is open upwards", found
        )
    # Without allowance for a lead that came out at zero: the sum of both does not care how they share.
    plain = fit(found.circuit, found.spectrum, [_start(found.circuit, found)])
    places = [plain.index(name) for name in ("R0", "R1") if name in plain]
    resistances = np.exp(plain.theta[places])
    share = resistances / resistances.sum()
    relative = math.sqrt(share @ plain.covariance[np.ix_(places, places)] @ share)
    if not relative < _SUM_DETERMINED:
        raise NotAnalysable("an arc is there but neither its resistance nor its sum with the leads is determined")
    upper = float(resistances.sum() * math.exp(ONE_SIDED_95 * relative))
    return Limit(
        upper, "<", "arc and series resistance cannot be told apart in the window, only their sum is known", plain
    )


def _capacitance(found: CircuitFit) -> float:
    """Return the capacitance of the only CPE at the middle of the window in F."""
    omega = math.sqrt(found.spectrum.omega[0] * found.spectrum.omega[-1])
    return float(found.value("CPE1_Q") * omega ** (found.value("CPE1_n") - 1.0))


def _profile(circuit: Circuit, name: str, found: CircuitFit, side: Literal[-1, 1]) -> float:
    """Return where the profile of chi-square over a resistance leaves the one-sided 95 % region.

    The noise is scaled with the best fit, so that chi-square may rise by 1.645 squared times its reduced value.
    """
    start = _start(circuit, found)
    best = fit(circuit, found.spectrum, [start])
    place, ceiling = best.index(name), best.chi_square * (1.0 + ONE_SIDED_95**2 / best.degrees_of_freedom)

    def inside(theta: float) -> bool:
        values = {p.name: best.value(p.name) for p in circuit.parameters}
        values = {key: min(max(v, 0.01), 0.999) if key.endswith("_n") else v for key, v in values.items()}
        return fit(Constrained(circuit, {name: math.exp(theta)}, {}), found.spectrum, [values]).chi_square <= ceiling

    size = np.log(np.abs(found.spectrum.impedance))
    near = float(best.theta[place])
    near = min(near, float(size.max()) + 8.0) if side < 0 else max(near, float(size.min()) - 8.0)
    for _ in range(_MOST_STEPS):
        if not inside(near + side * _STEP):
            break
        near += side * _STEP
    else:
        raise NotAnalysable(f"the data do not bound {name} on either side")
    far = near + side * _STEP
    for _ in range(_HALVINGS):
        middle = 0.5 * (near + far)
        near, far = (middle, far) if inside(middle) else (near, middle)
    return math.exp(far)


def _start(circuit: Circuit, found: CircuitFit) -> dict[str, float]:
    values = {p.name: found.value(p.name) for p in found.circuit.parameters}
    values = {key: min(max(v, 0.01), 0.99) if key.endswith("_n") else v for key, v in values.items()}
    largest, smallest = np.abs(found.spectrum.impedance).max(), np.abs(found.spectrum.impedance).min()
    return {"R0": 0.1 * float(smallest), "R1": 10.0 * float(largest)} | values
