"""Any circuit fitted to one spectrum: without start values, with constraints, and saying what is not determined."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import coverage_factor, runs_p_value
from ..circuits import Circuit, Floats, Parameter, parse_circuit
from ..spectrum import Spectrum, origin, usable
from .batch import descend
from .circuit_starts import circuit_starts, scattered
from .constrained import Bounded, Constrained, constrain
from .fit import CircuitFit, fit, polish
from .fit_curves import curves
from .labels import by_time_constant
from .noise import Weights, noise_of

if TYPE_CHECKING:
    import lmfit


RANDOM_P = 0.01
"""Probability of the runs test below which residuals have a trend."""

_CONVINCING_P = 0.1  # of the runs test; below it more starts are worth their time
_SCATTERED = 36
_TOLD_APART = 1e-6  # tolerance at which the minima of scattered starts are told apart
_TOGETHER = 0.999
_PART_OF = 0.3


def circuit_parameters(circuit: str) -> lmfit.Parameters:
    """Return the parameters of a circuit, to be given values, bounds or to be held before a fit.

    Values that are left as they are (minus infinity) come from the data.

    Parameters
    ----------
    circuit : str
        In the notation of `interlayer.analysis.eis.circuits.parse_circuit`.

    Returns
    -------
    lmfit.Parameters
        In natural units (ohm, H, F, s, S s^n), in the order of the circuit.

    Raises
    ------
    CircuitSyntaxError
        If the text is no circuit.

    Examples
    --------
    >>> parameters = circuit_parameters("R0-p(R1,CPE1)")
    >>> parameters["CPE1_n"].set(value=1.0, vary=False)
    >>> list(parameters)
    ['R0', 'R1', 'CPE1_Q', 'CPE1_n']
    """
    import lmfit

    parameters = lmfit.Parameters()
    for parameter in parse_circuit(circuit).parameters:
        parameters.add(parameter.name)
    return parameters


def fit_circuit(
    ds: xr.Dataset, circuit: str, *, parameters: lmfit.Parameters | None = None, weights: Weights = "modulus"
) -> Result:
    """Fit an equivalent circuit to one spectrum.

    Nobody has to guess: starts come from the data, and when the best of them leaves a trend in the residuals or
    parameters undetermined, more are tried around it. Like parts in series are numbered from the fastest, unless
    `parameters` hold or bound some.

    Parameters
    ----------
    ds : xarray.Dataset
        One impedance spectrum of the vocabulary.
    circuit : str
        In the notation of `interlayer.analysis.eis.circuits.parse_circuit`, for example ``"L0-R0-p(R1,CPE1)-CPE2"``.
    parameters : lmfit.Parameters, optional
        From `circuit_parameters`; start values, bounds and what is held, in natural units.
    weights : {"modulus", "measured", "kramers_kronig"}
        Noise proportional to the modulus and of unknown size; ``impedance_stderr`` of the Dataset; or the noise that
        the linear Kramers-Kronig test finds, decade by decade.

    Returns
    -------
    Result
        One quantity for each parameter that the data determine, with an interval that is log-normal for sizes
        and times and symmetric inside 0 to 1 for exponents; held ones bear no uncertainty. Undetermined
        parameters, parameters at a bound, and combinations that are known only together are named in the notes.
        ``fit`` is the `lmfit.minimizer.MinimizerResult`, whose parameters hold both scales. Curves as those of
        `film_conductivity`.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no single spectrum with more points than the circuit has parameters, or lacks the
        uncertainties that the weights ask for.
    CircuitSyntaxError
        If the text is no circuit.
    ValueError
        If `parameters` do not fit the circuit.

    Examples
    --------
    >>> from interlayer.parsers import schema
    >>> frequency = np.logspace(6, 0, 61)
    >>> z = 10 + 1 / (1 / 2e3 + 2j * np.pi * frequency * 1e-8)
    >>> z = z * (1 + 0.002 * np.exp(1j * np.arange(61) ** 2))
    >>> result = fit_circuit(schema.build("eis", {"frequency": frequency, "impedance": z}), "R0-p(R1,C1)")
    >>> print(result["C1"])
    C1 = (9.9967 ± 0.0031)e-09 F
    """
    spectrum = usable(ds)
    whole = parse_circuit(circuit)
    constrained, stated = (whole, {}) if parameters is None else constrain(whole, parameters)
    if 2 * spectrum.frequency.size <= len(constrained.parameters):
        raise NotAnalysable(
            f"{spectrum.frequency.size} usable points are too few for the {len(constrained.parameters)} free "
            f"parameters of {circuit}"
        )
    noise = noise_of(spectrum, weights)
    found = best_fit(constrained, spectrum, starts_of(constrained, spectrum, stated), noise)
    if constrained is whole:
        found = found.reordered(by_time_constant(whole, found.theta))
    found = polish(found)
    quantities = _quantities(found, whole)
    return Result(
        method=f"complex least squares of {whole}, {_WEIGHTS[weights]}, logarithmic parameters",
        quantities=quantities,
        correlation=_correlation(found, quantities),
        diagnostics=_diagnostics(found),
        notes=(*spectrum.notes, *_notes(found)),
        provenance=origin(ds) | {"circuit": str(whole)},
        curves=curves(found),
        fit=found.minimizer_result,
    )


_WEIGHTS = {
    "modulus": "modulus weights",
    "measured": "weights from the stated uncertainty",
    "kramers_kronig": "weights from the noise of the Kramers-Kronig test",
}


def starts_of(circuit: Circuit, spectrum: Spectrum, stated: dict[str, float]) -> list[dict[str, float]]:
    """Return starts from the data, with what is stated in their place; those alone when all is stated."""
    inner = circuit.circuit if isinstance(circuit, Constrained) else circuit
    if all(parameter.name in stated for parameter in inner.parameters):
        return [stated]
    return [start | stated for start in circuit_starts(inner, spectrum)]


def best_fit(
    circuit: Circuit, spectrum: Spectrum, starts: Sequence[dict[str, float]], noise: Floats | None
) -> CircuitFit:
    """Return the best fit from the starts, and from others scattered about it when it is not convincing."""
    found = fit(circuit, spectrum, starts[:1], noise=noise)
    if len(starts) > 1 and not _convinces(found):
        found = fit(circuit, spectrum, starts, noise=noise)
    if _convinces(found):
        return found
    theta = np.concatenate([scattered(circuit, spectrum, start, _SCATTERED // len(starts)) for start in starts], axis=1)
    count = theta.shape[1]
    weight = 1.0 / (np.abs(spectrum.impedance) if noise is None else noise)
    ends = descend(
        circuit,
        spectrum.omega,
        np.broadcast_to(spectrum.impedance, (count, weight.size)),
        np.broadcast_to(weight, (count, weight.size)),
        theta,
        tolerance=_TOLD_APART,
    )
    best = ends.theta[:, int(np.argmin(ends.chi_square))]
    start = {p.name: p.natural(float(value)) for p, value in zip(circuit.parameters, best, strict=True)}
    exponents = {p.name: min(max(start[p.name], 0.02), 0.98) for p in circuit.parameters if p.scale == "logit"}
    other = fit(circuit, spectrum, [start | exponents], noise=noise)
    return other if other.chi_square < found.chi_square else found


def _convinces(found: CircuitFit) -> bool:
    """Return whether a fit leaves no trend and gives every part a size, but for leads that are lost in the noise."""
    lost = [parameter for parameter in found.circuit.parameters if not found.determines(parameter)]
    return runs_p_value(*found.residual) > _CONVINCING_P and all(p.unit in ("ohm", "H") for p in lost) and len(lost) < 2


def _is_known(found: CircuitFit, parameter: Parameter) -> bool:
    return found.determines(parameter) and not _at_bound(found, parameter)


def _at_bound(found: CircuitFit, parameter: Parameter) -> bool:
    theta = float(found.theta[found.index(parameter.name)])
    return isinstance(parameter, Bounded) and parameter.is_at_bound(theta)


def interval(found: CircuitFit, parameter: Parameter) -> tuple[float, float]:
    """Return the 95 % interval of a parameter in its unit, symmetric on the scale of the fit, or in an exponent."""
    known = found.noise is not None and found.reduced_chi_square <= 1.0
    factor = coverage_factor(math.inf if known else found.degrees_of_freedom)
    if parameter.scale == "logit" and not isinstance(parameter, Bounded):
        value, half = found.value(parameter.name), factor * found.stderr(parameter.name)
        return max(value - half, 0.0), min(value + half, 1.0)
    theta, half = float(found.theta[found.index(parameter.name)]), factor * found.spread(parameter.name)
    return parameter.natural(theta - half), parameter.natural(theta + half)


def _quantities(found: CircuitFit, whole: Circuit) -> tuple[Quantity, ...]:
    free = {parameter.name: parameter for parameter in found.circuit.parameters}
    held = found.held
    quantities = []
    for one in whole.parameters:
        if one.name in held:
            quantities.append(Quantity(one.name, float(held[one.name]), None, one.unit, kind="given"))
        elif _is_known(found, free[one.name]):
            value, bounds = found.value(one.name), interval(found, free[one.name])
            quantities.append(Quantity(one.name, value, found.stderr(one.name), one.unit, bounds, kind="fit"))
    if not quantities:
        raise NotAnalysable(f"the data determine no parameter of {whole}")
    return tuple(quantities)


def _correlation(found: CircuitFit, quantities: Sequence[Quantity]) -> tuple[tuple[float, ...], ...]:
    """Return the correlation of the quantities; what is held correlates with nothing."""
    n = len(quantities)
    matrix = np.eye(n)
    places = [(row, found.index(q.name)) for row, q in enumerate(quantities) if q.kind == "fit"]
    for row, i in places:
        for column, j in places:
            size = math.sqrt(found.covariance[i, i] * found.covariance[j, j])
            matrix[row, column] = found.covariance[i, j] / size if size > 0 else float(row == column)
    return tuple(tuple(map(float, row)) for row in matrix)


def _diagnostics(found: CircuitFit) -> dict[str, float]:
    return {
        "reduced_chi_square": found.reduced_chi_square,
        "n_points": float(found.spectrum.frequency.size),
        "n_masked": float(found.spectrum.n_masked),
        "n_parameters": float(found.theta.size),
        "aicc": found.aicc,
        "runs_p_value": runs_p_value(*found.residual),
        "condition_number": found.condition_number,
    }


def _notes(found: CircuitFit) -> Iterator[str]:
    if runs_p_value(*found.residual) < RANDOM_P:
        yield (
            "the residuals are not random (runs test): the circuit does not describe all of the spectrum; the "
            "uncertainties are lower bounds"
        )
    for parameter in found.circuit.parameters:
        if _at_bound(found, parameter):
            yield f"{parameter.name} is at a bound: {found.value(parameter.name):.4g} {parameter.unit}"
        elif not _is_known(found, parameter):
            yield f"the data do not determine {parameter.name}"
    yield from _known_together(found)


def _known_together(found: CircuitFit) -> Iterator[str]:
    """Yield the combination of parameters that the data see least, when its members are nearly one."""
    known = [place for place, parameter in enumerate(found.circuit.parameters) if _is_known(found, parameter)]
    if len(known) < 2:
        return
    covariance = found.covariance[np.ix_(known, known)]
    size = np.sqrt(np.diag(covariance))
    sizes, directions = np.linalg.eigh(covariance / np.outer(size, size))
    if sizes[-1] - 1.0 > _TOGETHER * (len(known) - 1) or sizes[0] < 1.0 - _TOGETHER:
        direction = directions[:, -1]
        names = [found.circuit.parameters[known[i]].name for i in np.flatnonzero(np.abs(direction) > _PART_OF)]
        if len(names) > 1:
            yield f"{', '.join(names)} are known mainly together; each alone is less certain than their combination"


def parameter_values(result: Result) -> tuple[str, dict[str, float], dict[str, float]]:
    """Return circuit, values and standard uncertainties of a fitted circuit, in natural units.

    Raises
    ------
    ValueError
        If the result is not that of a circuit fit.
    """
    if result.fit is None or "circuit" not in result.provenance:
        raise ValueError("the result is not that of a circuit fit, or was read from a file")
    circuit = result.provenance["circuit"]
    names = [parameter.name for parameter in parse_circuit(circuit).parameters]
    known: Any = result.fit.params
    return (
        circuit,
        {name: float(known[name].value) for name in names},
        {name: float(known[name].stderr) for name in names if known[name].stderr is not None},
    )


def to_impedance(result: Result) -> Any:
    """Return a fitted circuit as a circuit of impedance.py, which predicts and plots it.

    Parameters
    ----------
    result : Result
        From `fit_circuit`, `film_conductivity` or another analysis that fits a circuit.

    Returns
    -------
    impedance.models.circuits.CustomCircuit
        With the values and standard uncertainties of the fit, in ohm, H, F, s.

    Raises
    ------
    ValueError
        If the result is not that of a circuit fit.
    """
    from ..circuits.impedance_py import custom_circuit

    circuit, values, stderr = parameter_values(result)
    return custom_circuit(parse_circuit(circuit), values, stderr)


def from_impedance(handed: Any) -> tuple[str, lmfit.Parameters]:
    """Return circuit and parameters of one of impedance.py's circuits, ready for `fit_circuit`.

    Parameters
    ----------
    handed : impedance.models.circuits.CustomCircuit
        Its constants are held; values are those of its fit, or else its first guess.

    Returns
    -------
    circuit : str
        In our notation.
    parameters : lmfit.Parameters
        In natural units, as from `circuit_parameters`.

    Raises
    ------
    CircuitSyntaxError
        If it has an element that is not known here.
    ValueError
        If it holds fewer values than its circuit has parameters.

    Examples
    --------
    >>> from impedance.models.circuits import CustomCircuit
    >>> circuit, parameters = from_impedance(CustomCircuit("R0-p(R1,C1)", initial_guess=[10, 2e3, 1e-8]))
    >>> circuit, parameters["R1"].value
    ('R0-p(R1,C1)', 2000.0)
    """
    from ..circuits.impedance_py import from_custom_circuit

    circuit, values, held = from_custom_circuit(handed)
    parameters = circuit_parameters(str(circuit))
    for name, value in values.items():
        parameters[name].set(value=value, vary=name not in held)
    return str(circuit), parameters
