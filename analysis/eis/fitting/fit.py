r"""Complex non-linear least squares of a circuit with logarithmic parameters and analytic Jacobian.

Without a stated noise both parts of the residual are divided by :math:`|Z|` of the data, the weight for noise
proportional to the modulus whose size is not known: the covariance is scaled with the reduced chi-square. With a stated
noise they are divided by it, and the covariance is enlarged only where the scatter is larger than stated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..circuits import RANGE, Circuit, Floats, Parameter
from ..spectrum import Spectrum
from .constrained import Constrained

CONVERGED = 1e-11
"""Tolerance at which a fit is final."""

ROUGH = 1e-3
"""Tolerance that is enough to tell which of several starts leads lowest."""

_MOST_EVALUATIONS = 200
_UNKNOWN = {"ln": 2.0, "logit": 0.25}
"""Standard uncertainty, of a logarithm or of an exponent itself, above which a parameter has no value."""


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
        Real and imaginary part of (model - data) / abs(data), or over the noise where it is stated.
    condition_number : float
        Of the Jacobian with columns scaled to one length, without undetermined parameters.
    noise : ndarray, shape (n,), or None
        Stated standard deviation of either part in ohm.
    minimizer_result : lmfit.minimizer.MinimizerResult or None
        Of the same fit through lmfit, see `polish`.
    """

    circuit: Circuit
    spectrum: Spectrum
    theta: Floats
    covariance: Floats
    residual: Floats
    condition_number: float
    noise: Floats | None = None
    minimizer_result: Any = None

    @classmethod
    def at(cls, circuit: Circuit, spectrum: Spectrum, theta: Floats, noise: Floats | None) -> CircuitFit:
        """Return residuals and covariance at parameters that are taken for the best."""
        problem = _Problem(circuit, spectrum, noise)
        theta = np.array([p.inside(float(value)) for p, value in zip(circuit.parameters, theta, strict=True)])
        residual = problem.residual(theta)
        variance = problem.variance(float(np.sum(residual**2)), theta.size)
        covariance, condition = _covariance(problem.jacobian(theta), variance, _reach(circuit, theta))
        return cls(circuit, spectrum, theta, covariance, residual.reshape(2, -1), condition, noise)

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
        """Chi-square over degrees of freedom: mean square relative noise if the circuit is right, 1 if stated."""
        return self.chi_square / self.degrees_of_freedom

    @property
    def aicc(self) -> float:
        """Akaike information criterion, corrected for small samples; noise of unknown size is one more parameter."""
        n, k = self.residual.size, self.theta.size + (self.noise is None)
        misfit = self.chi_square if self.noise is not None else n * math.log(max(self.chi_square, 1e-300) / n)
        return misfit + 2.0 * k + 2.0 * k * (k + 1) / max(n - k - 1, 1)

    @property
    def held(self) -> Mapping[str, float]:
        """Values of parameters that are not fitted, in their units."""
        return self.circuit.held if isinstance(self.circuit, Constrained) else {}

    def index(self, name: str) -> int:
        """Return the place of a parameter in `theta`."""
        return [parameter.name for parameter in self.circuit.parameters].index(name)

    def reordered(self, order: NDArray[np.intp]) -> CircuitFit:
        """Return the same fit with like parts in another order, ``theta[order]``."""
        return replace(self, theta=self.theta[order], covariance=self.covariance[np.ix_(order, order)])

    def determines(self, parameter: Parameter) -> bool:
        """Return whether the data give a parameter a value."""
        spread = self.spread(parameter.name)
        if parameter.scale == "logit" and math.isfinite(spread):
            spread = self.stderr(parameter.name)
        return spread < _UNKNOWN[parameter.scale]

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
        return self.spread(name) * self.circuit.parameters[self.index(name)].slope(self.value(name))


def fit(
    circuit: Circuit,
    spectrum: Spectrum,
    starts: Sequence[Mapping[str, float]],
    *,
    noise: Floats | None = None,
    tolerance: float = CONVERGED,
) -> CircuitFit:
    """Fit a circuit from several starts and return the best fit.

    Parameters
    ----------
    circuit : Circuit
        What to fit.
    spectrum : Spectrum
        The data.
    starts : sequence of mapping of str to float
        Values in their units by name of the parameter; names that the circuit lacks are passed over.
    noise : ndarray, shape (n,), optional
        Standard deviation of either part in ohm; left out, it is proportional to the modulus and of unknown size.
    tolerance : float
        Relative change of chi-square and of the parameters at which the descent ends.
    """
    problem = _Problem(circuit, spectrum, noise)
    roads = []
    for start in starts:
        theta = np.array([parameter.fitted(start[parameter.name]) for parameter in circuit.parameters])
        theta = problem.descend(theta, max(tolerance, ROUGH) if len(starts) > 1 else tolerance)
        roads.append((float(np.sum(problem.residual(theta) ** 2)), theta))
    _, theta = min(roads, key=lambda road: road[0])
    if len(starts) > 1 and tolerance < ROUGH:
        theta = problem.descend(theta, tolerance)
    return CircuitFit.at(circuit, spectrum, theta, noise)


def polish(found: CircuitFit) -> CircuitFit:
    """Repeat a fit from its end through lmfit, whose `MinimizerResult` knows confidence intervals and reports.

    Its result holds each parameter twice: on the scale of the fit, with the scale in its name (``ln_R1``,
    ``logit_CPE1_n``), and in natural units (``R1``), with the standard uncertainty to first order.
    """
    import lmfit

    problem = _Problem(found.circuit, found.spectrum, found.noise)
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
    for parameter in found.circuit.parameters:
        fitted = outcome.params[parameter.fitted_name]
        value = parameter.natural(fitted.value)
        outcome.params.add(parameter.name, value=value, vary=False)
        outcome.params[parameter.name].stderr = found.stderr(parameter.name)
    for name, value in found.held.items():
        outcome.params.add(name, value=value, vary=False)
    return replace(found, minimizer_result=outcome)


class _Problem:
    """Residual and Jacobian of one circuit and one spectrum as real vectors."""

    def __init__(self, circuit: Circuit, spectrum: Spectrum, noise: Floats | None) -> None:
        self.circuit, self.spectrum, self.noise = circuit, spectrum, noise
        self.omega = spectrum.omega
        self.weight = 1.0 / (np.abs(spectrum.impedance) if noise is None else noise)
        self._theta: Floats | None = None

    def _evaluate(self, theta: Floats) -> None:
        """Evaluate once for both residual and Jacobian, which a descent asks for one after the other."""
        if self._theta is None or not np.array_equal(theta, self._theta):
            self._impedance, self._derivatives = self.circuit.evaluate(self.omega, within_range(theta))
            self._theta = theta.copy()

    def residual(self, theta: Floats) -> Floats:
        self._evaluate(theta)
        difference = (self._impedance - self.spectrum.impedance) * self.weight
        return np.concatenate([difference.real, difference.imag])

    def jacobian(self, theta: Floats) -> Floats:
        """Return derivatives of the residual, shape (p, 2 n)."""
        self._evaluate(theta)
        derivatives = self._derivatives * self.weight
        return np.concatenate([derivatives.real, derivatives.imag], axis=1)

    def variance(self, chi_square: float, n_parameters: int) -> float:
        """Return the factor of the covariance."""
        reduced = chi_square / max(2 * self.omega.size - n_parameters, 1)
        return reduced if self.noise is None else max(reduced, 1.0)

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


def within_range(theta: Floats) -> Floats:
    """Return parameters kept where exp does not overflow."""
    return np.minimum(np.maximum(theta, -RANGE), RANGE)


def _reach(circuit: Circuit, theta: Floats) -> Floats:
    return np.array([p.reach(float(value)) for p, value in zip(circuit.parameters, theta, strict=True)])


def _covariance(jacobian: Floats, variance: float, reach: Floats) -> tuple[Floats, float]:
    """Return the covariance from the column-scaled Jacobian, and its condition number.

    Scaling first keeps parameters of very different leverage from spoiling each other. Parameters without any effect on
    the residuals as far as they reach are set aside as undetermined instead of making the rest singular.
    """
    length = np.linalg.norm(jacobian, axis=1)
    free = (length > 0) & (np.where(length > 0, length, 1.0) * reach > math.sqrt(variance))
    covariance = np.diag(np.where(free, 0.0, np.inf))
    if not free.any():
        return covariance, 1.0
    scaled = jacobian[free] / length[free, None]
    _, singular, directions = np.linalg.svd(scaled.T, full_matrices=False)
    floor = max(singular[0] * 1e-9, 1e-300)
    root = directions.T / np.maximum(singular, floor) / length[free, None]
    covariance[np.ix_(free, free)] = variance * root @ root.T
    return covariance, float(singular[0] / max(singular[-1], floor))
