r"""Complex non-linear least squares of a circuit with modulus weights, logarithmic parameters and analytic Jacobian.

Both parts of the residual are divided by :math:`|Z|` of the data, the weight for noise proportional to the modulus.
The size of the noise is not known beforehand: the covariance is scaled with the reduced chi-square.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .circuit import Circuit, Complexes, Floats
from .spectrum import Spectrum

CONVERGED = 1e-11
"""Tolerance at which a fit is final."""

ROUGH = 1e-3
"""Tolerance that is enough to tell which of several starts leads lowest."""

_MOST_EVALUATIONS = 200
_UNDETERMINED = 50.0  # e-fold (or logit) uncertainty above which the data say nothing about a parameter


@dataclass(frozen=True)
class CircuitFit:
    """The best fit of a circuit to a spectrum.

    Parameters
    ----------
    circuit : Circuit
        What was fitted.
    spectrum : Spectrum
        To what.
    theta : ndarray, shape (p,)
        Parameters on the scale of the fit.
    covariance : ndarray, shape (p, p)
        Of `theta`, scaled with the reduced chi-square. Infinite on the diagonal for parameters the data say nothing of.
    residual : ndarray, shape (2, n)
        Real and imaginary part of (model - data) / abs(data).
    condition_number : float
        Of the Jacobian with columns scaled to one length, without undetermined parameters.
    minimizer_result : lmfit.minimizer.MinimizerResult or None
        Of the same fit through lmfit, see `polish`.
    """

    circuit: Circuit
    spectrum: Spectrum
    theta: Floats
    covariance: Floats
    residual: Floats
    condition_number: float
    minimizer_result: Any = None

    @property
    def chi_square(self) -> float:
        """Sum of the squared residuals."""
        return float(np.sum(self.residual**2))

    @property
    def degrees_of_freedom(self) -> int:
        """Number of real residuals less number of parameters."""
        return int(self.residual.size - self.theta.size)

    @property
    def reduced_chi_square(self) -> float:
        """Chi-square over degrees of freedom: the mean square relative noise if the circuit is right."""
        return self.chi_square / self.degrees_of_freedom

    @property
    def aicc(self) -> float:
        """Akaike information criterion, corrected for small samples, for noise of unknown size."""
        n, k = self.residual.size, self.theta.size + 1
        return n * math.log(max(self.chi_square, 1e-300) / n) + 2.0 * k + 2.0 * k * (k + 1) / max(n - k - 1, 1)

    def index(self, name: str) -> int:
        """Return the place of a parameter in `theta`."""
        return [parameter.name for parameter in self.circuit.parameters].index(name)

    def __contains__(self, name: str) -> bool:
        return any(parameter.name == name for parameter in self.circuit.parameters)

    def value(self, name: str) -> float:
        """Return a parameter in its unit."""
        place = self.index(name)
        return self.circuit.parameters[place].natural(float(self.theta[place]))

    def spread(self, name: str) -> float:
        """Return the standard uncertainty of a parameter on the scale of the fit, for a logarithm the relative one."""
        place = self.index(name)
        return math.sqrt(self.covariance[place, place])

    def stderr(self, name: str) -> float:
        """Return the standard uncertainty of a parameter in its unit, to first order."""
        value = self.value(name)
        slope = value if self.circuit.parameters[self.index(name)].scale == "ln" else value * (1.0 - value)
        return self.spread(name) * slope


def fit(
    circuit: Circuit, spectrum: Spectrum, starts: Sequence[Mapping[str, float]], *, tolerance: float = CONVERGED
) -> CircuitFit:
    """Fit a circuit from several starts and return the best fit.

    Parameters
    ----------
    circuit : Circuit
        What to fit.
    spectrum : Spectrum
        The data.
    starts : sequence of mapping of str to float
        Values in their units by name of the parameter, for example from `interlayer.analysis.eis.start.start_values`;
        names that the circuit lacks are passed over.
    tolerance : float
        Relative change of chi-square and of the parameters at which the descent ends.
    """
    problem = _Problem(circuit, spectrum)
    roads = []
    for start in starts:
        theta = np.array([parameter.fitted(start[parameter.name]) for parameter in circuit.parameters])
        theta = problem.descend(theta, max(tolerance, ROUGH) if len(starts) > 1 else tolerance)
        roads.append((float(np.sum(problem.residual(theta) ** 2)), theta))
    _, theta = min(roads, key=lambda road: road[0])
    if len(starts) > 1 and tolerance < ROUGH:
        theta = problem.descend(theta, tolerance)
    return _evaluate(problem, theta)


def polish(found: CircuitFit) -> CircuitFit:
    """Repeat a fit from its end through lmfit, whose `MinimizerResult` knows confidence intervals and reports.

    Parameters of its result bear the scale in their name, ``ln_R1``, ``logit_CPE1_n``.
    """
    import lmfit

    problem = _Problem(found.circuit, found.spectrum)
    parameters = lmfit.Parameters()
    for parameter, value in zip(found.circuit.parameters, found.theta, strict=True):
        parameters.add(parameter.fitted_name, value=float(value))
    minimizer = lmfit.Minimizer(
        lambda p: problem.residual(np.fromiter(p.valuesdict().values(), float)), parameters, scale_covar=True
    )
    outcome = minimizer.minimize(
        method="leastsq",
        Dfun=lambda p: problem.jacobian(np.fromiter(p.valuesdict().values(), float)),
        col_deriv=True,
        ftol=CONVERGED,
        xtol=CONVERGED,
    )
    return replace(found, minimizer_result=outcome)


def allowing(found: CircuitFit, columns: Complexes) -> CircuitFit:
    """Return the same fit with a covariance that allows for series elements which the circuit lacks.

    An element that must not be negative and came out at zero still has an uncertainty, and what it correlates with has
    more. The covariance is that of the fit with the element free to take either sign, which is on the safe side.

    Parameters
    ----------
    found : CircuitFit
        A fit of the circuit without them.
    columns : ndarray, shape (k, n)
        Impedance of each element for a size of one, for example ``1j * omega`` of an inductor.
    """
    problem = _Problem(found.circuit, found.spectrum)
    weighted = columns * problem.weight
    jacobian = np.concatenate([problem.jacobian(found.theta), np.concatenate([weighted.real, weighted.imag], axis=1)])
    noise = found.chi_square / max(found.residual.size - len(jacobian), 1)
    covariance, condition = _covariance(jacobian, noise)
    size = found.theta.size
    return replace(found, covariance=covariance[:size, :size], condition_number=condition)


class _Problem:
    """Residual and Jacobian of one circuit and one spectrum as real vectors."""

    def __init__(self, circuit: Circuit, spectrum: Spectrum) -> None:
        self.circuit, self.spectrum = circuit, spectrum
        self.omega = spectrum.omega
        self.weight = 1.0 / np.abs(spectrum.impedance)

    def residual(self, theta: Floats) -> Floats:
        impedance, _ = self.circuit.evaluate(self.omega, theta)
        difference = (impedance - self.spectrum.impedance) * self.weight
        return np.concatenate([difference.real, difference.imag])

    def jacobian(self, theta: Floats) -> Floats:
        """Return derivatives of the residual, shape (p, 2 n)."""
        _, derivatives = self.circuit.evaluate(self.omega, theta)
        derivatives = derivatives * self.weight
        return np.concatenate([derivatives.real, derivatives.imag], axis=1)

    def descend(self, theta: Floats, tolerance: float) -> Floats:
        """Return the minimum next to `theta` by Levenberg-Marquardt steps."""
        from scipy.optimize import leastsq

        found, *_ = leastsq(
            self.residual,
            theta,
            Dfun=self.jacobian,
            col_deriv=True,
            full_output=True,
            ftol=tolerance,
            xtol=tolerance,
            maxfev=_MOST_EVALUATIONS,
        )
        return np.asarray(found, dtype=float)


def _evaluate(problem: _Problem, theta: Floats) -> CircuitFit:
    residual = problem.residual(theta)
    noise = float(np.sum(residual**2)) / max(residual.size - theta.size, 1)
    covariance, condition = _covariance(problem.jacobian(theta), noise)
    shaped = residual.reshape(2, -1)
    return CircuitFit(problem.circuit, problem.spectrum, theta, covariance, shaped, condition)


def _covariance(jacobian: Floats, noise: float) -> tuple[Floats, float]:
    """Return the covariance from the column-scaled Jacobian, and its condition number.

    Scaling first keeps parameters of very different leverage from spoiling each other. Columns without any leverage are
    set aside as undetermined instead of making the rest singular.
    """
    length = np.linalg.norm(jacobian, axis=1)
    free = length * _UNDETERMINED > math.sqrt(noise)
    covariance = np.diag(np.where(free, 0.0, np.inf))
    if not free.any():
        return covariance, 1.0
    scaled = jacobian[free] / length[free, None]
    _, singular, directions = np.linalg.svd(scaled.T, full_matrices=False)
    floor = max(singular[0] * 1e-9, 1e-300)
    root = directions.T / np.maximum(singular, floor) / length[free, None]
    covariance[np.ix_(free, free)] = noise * root @ root.T
    return covariance, float(singular[0] / max(singular[-1], floor))
