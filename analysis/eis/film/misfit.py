r"""What a circuit leaves open and a fit of it cannot know: the shape of an arc, and leads that came out at nothing.

A constant-phase element stands for a distribution of relaxation times with heavy tails, whose arc reaches far under the
electrode's. Sublayers of uneven conductivity give a narrow distribution, which near its top looks the same:

.. math:: Z = \frac{R}{2} \left[ \frac{1}{1 + j\omega\tau e^{s}} + \frac{1}{1 + j\omega\tau e^{-s}} \right]

The resistances of the two shapes differ by several times what the noise says, often without a trace in the residuals,
so that no correction from residuals alone finds it. Here both are fitted, and the difference enters with the Akaike
weight of the other shape.

A lead must not be negative, and where it came out at zero it is left out of the circuit; it still has an uncertainty,
and what it correlates with has more.

References
----------
.. [1] Burnham, Anderson, Model Selection and Multimodel Inference, section 4.3. https://doi.org/10.1007/b97636
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..circuits import Circuit, Complexes, Element, Floats, Parallel, Parameter, Series, arc
from ..fitting.fit import CircuitFit, fit
from .propagation import relaxation_time

_TOLERANCE = 1e-6
_NARROWEST, _WIDEST = 0.05, 3.0  # half distance of the two relaxation times in e-folds, to start from and at most
_LEAST_WEIGHT = 1e-4


class TwoRelaxations(Element):
    """Two relaxations of one size, the simplest distribution of relaxation times without tails.

    Its third parameter is the half distance of ln(tau) as a share of 3.
    """

    symbol = "D"
    terms = (Parameter("_R", "ohm", "ln"), Parameter("_tau", "s", "ln"), Parameter("_s", "1", "logit"))

    def evaluate(self, omega: Floats, theta: Floats) -> tuple[Complexes, Complexes]:
        """See `Circuit.evaluate`."""
        half, tau = 0.5 * np.exp(theta[0]), np.exp(theta[1])
        share = 1.0 / (1.0 + np.exp(-theta[2]))
        apart = _WIDEST * share
        slow, fast = (1.0 / (1.0 + 1j * (omega * (tau * factor))) for factor in (np.exp(apart), np.exp(-apart)))
        falls = [half * shape * (shape - 1.0) for shape in (slow, fast)]
        widening = apart * (1.0 - share) * (falls[0] - falls[1])
        return half * (slow + fast), np.stack([half * (slow + fast), falls[0] + falls[1], widening])


def allowing_for_shape(found: CircuitFit, n_arcs: int) -> CircuitFit:
    """Return the same fit with a covariance that allows for arcs of another shape.

    Parameters
    ----------
    found : CircuitFit
        Of leads, arcs ``p(R1,CPE1)``, ... and electrode in series.
    n_arcs : int
        Number of its arcs.

    Returns
    -------
    CircuitFit
        With the square of the difference that the other shape makes to ln R and, through the capacitance, to ln Q of
        each arc added to the covariance, times the Akaike weight of that shape.
    """
    covariance = found.covariance.copy()
    for number in range(1, n_arcs + 1):
        weight, change = _other_shape(found, number)
        if weight > _LEAST_WEIGHT:
            covariance += weight * np.outer(change, change)
    return replace(found, covariance=covariance)


def allowing_for_leads(found: CircuitFit, columns: Complexes, sizes: Floats) -> CircuitFit:
    """Return the same fit with a covariance that allows for elements in series which the circuit lacks.

    Parameters
    ----------
    found : CircuitFit
        A fit of the circuit without them.
    columns : ndarray, shape (k, n)
        Impedance of each element for a size of one, for example ``1j * omega`` of an inductor.
    sizes : ndarray, shape (k,)
        Standard deviation that each may have about zero before the spectrum is looked at.
    """
    weight = 1.0 / (np.abs(found.spectrum.impedance) if found.noise is None else found.noise)
    _, derivatives = found.circuit.evaluate(found.spectrum.omega, found.theta)
    determined = np.isfinite(np.diag(found.covariance))
    jacobian, absent = (
        np.concatenate([rows.real, rows.imag], axis=1)
        for rows in (derivatives[determined] * weight, columns * weight * sizes[:, None])
    )
    variance = found.reduced_chi_square if found.noise is None else max(found.reduced_chi_square, 1.0)
    length = np.linalg.norm(jacobian, axis=1)
    imitation, *_ = np.linalg.lstsq((jacobian / length[:, None]).T, absent.T)
    own = absent - imitation.T @ (jacobian / length[:, None])
    posterior = np.linalg.inv(own @ own.T / variance + np.eye(len(sizes)))
    spread = np.sqrt(np.diag(posterior))
    estimate = -posterior @ own @ found.residual.ravel() / variance
    factor = np.array([_above_zero(ratio) for ratio in estimate / spread])
    shift = np.zeros((found.theta.size, len(sizes)))
    shift[determined] = imitation / length[:, None]
    return replace(found, covariance=found.covariance + shift @ (posterior * np.outer(factor, factor)) @ shift.T)


def _above_zero(mean: float) -> float:
    """Return the root mean square of a normal deviate of unit width that is known to be above zero, at most 1."""
    below = 0.5 * math.erfc(-mean / math.sqrt(2.0))
    if below < 1e-12:
        return 0.0
    hazard = math.exp(-0.5 * mean**2) / math.sqrt(2.0 * math.pi) / below
    return math.sqrt(min(max(1.0 + mean**2 + mean * hazard, 0.0), 1.0))


def _replaced(circuit: Circuit, part: str, new: Circuit) -> Circuit:
    """Return a circuit with another circuit in the place of a part."""
    if str(circuit) == part:
        return new
    if isinstance(circuit, Series | Parallel):
        return type(circuit)(tuple(_replaced(one, part, new) for one in circuit.parts))
    return circuit


def _other_shape(found: CircuitFit, number: int) -> tuple[float, Floats]:
    """Return the Akaike weight of the fit with one arc of the other shape, and how that moves the parameters."""
    label = f"D{number}"
    circuit = _replaced(found.circuit, str(arc(str(number))), TwoRelaxations(str(number)))
    n, r = found.value(f"CPE{number}_n"), found.value(f"R{number}")
    ln_tau = relaxation_time(found, number).logarithm
    start = {p.name: found.value(p.name) for p in found.circuit.parameters}
    start = {name: min(max(value, 0.01), 0.999) if name.endswith("_n") else value for name, value in start.items()}
    spread = min(max(math.sqrt(3.0 * (1.0 / n**2 - 1.0)), _NARROWEST), 0.9 * _WIDEST)
    start |= {f"{label}_R": r, f"{label}_tau": math.exp(ln_tau), f"{label}_s": spread / _WIDEST}
    other = fit(circuit, found.spectrum, [start], noise=found.noise, tolerance=_TOLERANCE)
    weight = 1.0 / (1.0 + math.exp(min(0.5 * (other.aicc - found.aicc), 700.0)))
    by_resistance = float(other.theta[other.index(f"{label}_R")]) - math.log(r)
    by_capacitance = float(other.theta[other.index(f"{label}_tau")]) - ln_tau - by_resistance
    change = np.zeros(found.theta.size)
    change[found.index(f"R{number}")] = by_resistance
    change[found.index(f"CPE{number}_Q")] = n * by_capacitance - (1.0 - n) * by_resistance
    return weight, change
