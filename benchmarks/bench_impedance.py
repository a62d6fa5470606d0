"""Impedance: circuit fit, batch of spectra and linear Kramers-Kronig test, against peers and floors.

The spectra are simulated: two arcs and a blocking electrode, nine parameters, 60 points from 1 MHz to 0.1 Hz, noise of
0.5 %; one with arcs of 1 and 100 µF, which both packages can fit, and a pellet with arcs of 20 pF and 2 nF. Every fit
starts 30 % off the truth; the column "worst parameter" is the largest ratio to the truth, the series resistance aside.
On the pellet impedance.py ends elsewhere, and with modulus weights it stops where it starts, which is quick and wrong.
Its Kramers-Kronig test runs with a capacitance, since without one a blocking spectrum fails. MINPACK is
`scipy.optimize.leastsq` with the same model and analytic derivatives, without start values, labels, checks, intervals
and Dataset.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from timing import best_of

TITLE = "Impedance (fit, batch, Kramers-Kronig, distribution of relaxation times)"

CIRCUIT = "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3"
NAMES = ("R0", "R1", "CPE1_Q", "CPE1_n", "R2", "CPE2_Q", "CPE2_n", "CPE3_Q", "CPE3_n")
TRUTHS = {
    "arcs of microfarads": (10.0, 100.0, 1e-6, 0.95, 300.0, 1e-4, 0.9, 0.1, 0.85),
    "pellet": (3e3, 1e5, 2e-11, 0.97, 3e5, 2e-9, 0.9, 2e-6, 0.85),
}
FREQUENCY = np.logspace(6, -1, 60)
N_BATCH = 200

Row = Mapping[str, object]


def start(name: str) -> dict[str, float]:
    return {key: value * (0.97 if key.endswith("_n") else 1.3) for key, value in zip(NAMES, TRUTHS[name], strict=True)}


def spectra(name: str, count: int) -> np.ndarray:
    s = 2j * np.pi * FREQUENCY
    r0, r1, q1, n1, r2, q2, n2, q3, n3 = TRUTHS[name]
    z = r0 + r1 / (1 + r1 * q1 * s**n1) + r2 / (1 + r2 * q2 * s**n2) + 1 / (q3 * s**n3)
    random = np.random.default_rng(0)
    return z * (1 + 0.005 * (random.normal(size=(count, s.size)) + 1j * random.normal(size=(count, s.size))))


def _row(task: str, tool: str, time: float, ours: float, worst: float | None = None) -> Row:
    ratio = "" if time == ours else f"{time / ours:.1f}"
    off = "" if worst is None else f"{worst:.2f}"
    return {"task": task, "tool": tool, "best": f"{time:.2f} ms", "times ours": ratio, "worst parameter": off}


def _worst(values: Iterable[float], name: str) -> float:
    """Return the largest factor between a fitted parameter and the truth, the series resistance aside."""
    pairs = list(zip(values, TRUTHS[name], strict=True))[1:]
    return max(max(value / truth, truth / value) for value, truth in pairs)


def minpack(circuit: object, impedance: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Return the minimum by scipy alone, the floor of what a fit with this model can cost."""
    from scipy.optimize import leastsq

    omega, weight = 2 * np.pi * FREQUENCY, 1 / np.abs(impedance)

    def residual(theta: np.ndarray) -> np.ndarray:
        difference = (circuit.evaluate(omega, theta)[0] - impedance) * weight
        return np.concatenate([difference.real, difference.imag])

    def jacobian(theta: np.ndarray) -> np.ndarray:
        derivatives = circuit.evaluate(omega, theta)[1] * weight
        return np.concatenate([derivatives.real, derivatives.imag], axis=1)

    return leastsq(residual, theta, Dfun=jacobian, col_deriv=True, full_output=True, ftol=1e-11, xtol=1e-11)[0]


def single(name: str) -> Iterator[Row]:
    from interlayer.analysis.eis.circuits import parse_circuit
    from interlayer.analysis.eis.fitting.fit import fit
    from interlayer.analysis.eis.spectrum import Spectrum

    impedance, circuit, first = spectra(name, 1)[0], parse_circuit(CIRCUIT), start(name)
    spectrum = Spectrum(FREQUENCY, impedance)
    theta = np.array([parameter.fitted(first[parameter.name]) for parameter in circuit.parameters])
    task = f"fit of nine parameters, start given: {name}"
    ours = best_of(lambda: fit(circuit, spectrum, [first]), 200)
    found = fit(circuit, spectrum, [first])
    yield _row(task, "interlayer, with covariance", ours, ours, _worst([found.value(key) for key in NAMES], name))
    yield _row(task, "floor: MINPACK", best_of(lambda: minpack(circuit, impedance, theta), 200), ours)
    for settings, by_modulus in (("as it comes", False), ("modulus weights", True)):
        peer = best_of(lambda w=by_modulus: theirs(impedance, first, w), 10)
        worst = _worst(theirs(impedance, first, by_modulus).parameters_, name)
        yield _row(task, f"impedance.py, {settings}", peer, ours, worst)


def batch() -> Iterator[Row]:
    from interlayer.analysis import eis
    from interlayer.analysis.eis.circuits import parse_circuit
    from interlayer.parsers import schema

    impedance, circuit, first = spectra("pellet", N_BATCH), parse_circuit(CIRCUIT), start("pellet")
    theta = np.array([parameter.fitted(first[parameter.name]) for parameter in circuit.parameters])
    every = schema.build("eis", {"frequency": FREQUENCY, "impedance": impedance})
    stated = eis.circuit_parameters(CIRCUIT)
    for name, value in first.items():
        stated[name].set(value=value)
    task = f"batch of {N_BATCH} spectra, start given"
    ours = best_of(lambda: eis.fit_sweeps(every, CIRCUIT, parameters=stated), 5)
    yield _row(task, "interlayer, Dataset with intervals", ours, ours)
    floor = best_of(lambda: [minpack(circuit, z, theta) for z in impedance], 5)
    yield _row(task, "floor: MINPACK one by one", floor, ours)
    nothing = best_of(lambda: eis.fit_sweeps(every, CIRCUIT), 5)
    yield _row(f"batch of {N_BATCH} spectra, nothing given", "interlayer", nothing, nothing)


def theirs(impedance: np.ndarray, first: Mapping[str, float], by_modulus: bool) -> Any:
    """Return impedance.py's fit of one spectrum."""
    from impedance.models.circuits import CustomCircuit

    circuit = CustomCircuit(CIRCUIT, initial_guess=[float(first[name]) for name in NAMES])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return circuit.fit(FREQUENCY, impedance, weight_by_modulus=by_modulus)


def validity() -> Iterator[Row]:
    from interlayer.analysis import eis
    from interlayer.parsers import schema

    impedance = spectra("pellet", 1)[0]
    one = schema.build("eis", {"frequency": FREQUENCY, "impedance": impedance})
    ours = best_of(lambda: eis.linear_kramers_kronig(one), 100)
    yield _row("linear Kramers-Kronig test", "interlayer", ours, ours)
    peer = best_of(lambda: their_kramers_kronig(impedance), 5)
    yield _row("linear Kramers-Kronig test", "impedance.py, with capacitance", peer, ours)
    relaxation = best_of(lambda: eis.distribution_of_relaxation_times(one), 50)
    yield _row("distribution of relaxation times", "interlayer, with band", relaxation, relaxation)
    whole = best_of(lambda: eis.fit_circuit(one, CIRCUIT), 50)
    yield _row("fit of nine parameters, nothing given", "interlayer, Result", whole, whole)
    three = best_of(lambda: _together(one), 30)
    yield _row("that fit, Kramers-Kronig and relaxation times", "interlayer, three Results", three, three)


def _together(ds: object) -> None:
    from interlayer.analysis import eis

    eis.fit_circuit(ds, CIRCUIT)
    eis.linear_kramers_kronig(ds)
    eis.distribution_of_relaxation_times(ds)


def their_kramers_kronig(impedance: np.ndarray) -> object:
    """Return impedance.py's test; it evaluates printed numbers, which numpy 2 prints in a way that it cannot read."""
    from impedance.validation import linKK

    with np.printoptions(legacy="1.25"), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return linKK(FREQUENCY, impedance, c=0.85, max_M=60, fit_type="complex", add_cap=True)


def rows() -> Iterator[Row]:
    for name in TRUTHS:
        yield from single(name)
    yield from batch()
    yield from validity()
