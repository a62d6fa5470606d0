"""Circuit fits: the right minimum without start values, constraints, weights, and what the data do not determine."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis.eis import circuit_parameters, fit_circuit, from_impedance, to_impedance
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import read, schema

FREQUENCY = np.logspace(6, -1, 60)
S = 2j * np.pi * FREQUENCY


def _dataset(impedance, noise=0.005, seed=0, **more):
    random = np.random.default_rng(seed)
    complex_noise = random.normal(size=impedance.size) + 1j * random.normal(size=impedance.size)
    noisy = impedance * (1 + noise * complex_noise)
    return schema.build("eis", {"frequency": FREQUENCY, "impedance": noisy, **more})


def _arc(r, q, n):
    return r / (1 + r * q * S**n)


PELLET = 3e3 + _arc(1e5, 2e-11, 0.97) + _arc(3e5, 2e-9, 0.9) + 1 / (2e-6 * S**0.85)
PELLET_TRUTH = {"R0": 3e3, "R1": 1e5, "CPE1_Q": 2e-11, "CPE1_n": 0.97, "R2": 3e5, "CPE2_Q": 2e-9, "CPE2_n": 0.9}

CASES = {
    "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3": (PELLET, PELLET_TRUTH | {"CPE3_Q": 2e-6, "CPE3_n": 0.85}),
    "R0-p(R1-W1,C1)": (10 + 1 / (1 / (100 + 50 * (1 - 1j) / np.sqrt(S.imag)) + S * 1e-6), {"R1": 100.0, "W1": 50.0}),
    "L0-R0-p(R1,CPE1)-p(R2-Wo2,CPE2)": (
        1e-6 * S
        + 10
        + _arc(100, 1e-7, 0.9)
        + 1 / (1 / (50 + 100 / (np.sqrt(S) * np.tanh(np.sqrt(S)))) + 1e-4 * S**0.8),
        {"R1": 100.0, "R2": 50.0, "Wo2_R": 100.0, "Wo2_tau": 1.0},
    ),
    "R0-G1": (10 + 100 / np.sqrt(1 + 0.1 * S), {"G1_R": 100.0, "G1_tau": 0.1}),
    "R0-Zarc1-Zarc2-Zarc3": (
        10 + 100 / (1 + (1e-5 * S) ** 0.9) + 200 / (1 + (1e-3 * S) ** 0.9) + 100 / (1 + (0.1 * S) ** 0.9),
        {"Zarc1_tau": 1e-5, "Zarc2_tau": 1e-3, "Zarc3_tau": 0.1, "Zarc2_R": 200.0},
    ),
    "R0-K1-K2-K3-K4": (
        5 + sum(50 / (1 + tau * S) for tau in (1e-6, 1e-4, 1e-2, 1.0)),
        {"K1_tau": 1e-6, "K2_tau": 1e-4, "K3_tau": 1e-2, "K4_tau": 1.0},
    ),
}


@pytest.mark.parametrize("circuit", CASES)
def test_nobody_has_to_guess(circuit):
    """Start values are the most asked for; the true parameters must lie within four standard uncertainties."""
    impedance, truth = CASES[circuit]
    result = fit_circuit(_dataset(impedance), circuit)
    assert 0.5 < result.diagnostics["reduced_chi_square"] / 0.005**2 < 1.6
    for name, value in truth.items():
        found = result[name]
        assert found.value == pytest.approx(value, abs=4.0 * found.stderr), name
        assert found.stderr < 0.25 * value


def test_published_pellet(corpus):
    """EISFitpython's report of the 140 °C spectrum: R1 = 1.46e5 ± 1.25e4 ohm and so on, here without start values."""
    result = fit_circuit(read(corpus / "eis/EISFitpython/s04147-140deg.txt"), "p(R1,CPE1)-p(R2,CPE2)-CPE3")
    assert f"{result['R1'].value:.3g}" == "1.46e+05"
    assert f"{result['R1'].stderr:.3g}" == "1.25e+04"


def test_a_held_parameter_is_given_and_a_bounded_one_stays_inside():
    """What is known beforehand must enter as known, and a bound must be a wall whose touch is reported."""
    parameters = circuit_parameters("R0-p(R1,CPE1)-p(R2,CPE2)-CPE3")
    parameters["CPE1_n"].set(value=0.97, vary=False)
    parameters["CPE3_n"].set(max=0.8)
    result = fit_circuit(_dataset(PELLET), "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3", parameters=parameters)
    held = result["CPE1_n"]
    assert (held.value, held.stderr, held.kind) == (0.97, None, "given")
    assert "CPE3_n is at a bound: 0.8 1" in result.notes
    assert result["CPE1_Q"].stderr < 0.01 * result["CPE1_Q"].value  # with n free it is 2.4 %


def test_a_bound_that_is_not_reached_changes_nothing():
    """Bounds are fences, not priors: the numbers with and without must be the same."""
    parameters = circuit_parameters("R0-p(R1,CPE1)-p(R2,CPE2)-CPE3")
    parameters["R1"].set(min=1e3, max=1e8)
    parameters["CPE1_n"].set(min=0.5, max=1.0)
    free = fit_circuit(_dataset(PELLET), "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3")
    fenced = fit_circuit(_dataset(PELLET), "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3", parameters=parameters)
    for one, other in zip(free.quantities, fenced.quantities, strict=True):
        assert other.value == pytest.approx(one.value, rel=1e-4)
        assert other.stderr == pytest.approx(one.stderr, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("R9", {"value": 1.0}, "found the parameter 'R9'"),
        ("R1", {"value": -5.0}, "expected a value 0 or above"),
        ("CPE1_n", {"value": 1.2}, "expected a value between 0 and 1"),
        ("R1", {"expr": "2*R0"}, "hold it or bound it"),
        ("R1", {"vary": False}, "is held but has no value"),
    ],
)
def test_wrong_parameters_are_refused(name, changes, message):
    """A start value outside the domain would be moved silently, and the user believe that it was used."""
    parameters = circuit_parameters("R0-p(R1,CPE1)")
    parameters.add(name, **changes) if name not in parameters else parameters[name].set(**changes)
    with pytest.raises(ValueError, match=message):
        fit_circuit(_dataset(PELLET), "R0-p(R1,CPE1)", parameters=parameters)


def test_minimizer_result_speaks_both_scales():
    """lmfit's own tools take the result: its parameters bear our values and uncertainties."""
    result = fit_circuit(_dataset(PELLET), "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3")
    params = result.fit.params
    assert params["R1"].value == pytest.approx(np.exp(params["ln_R1"].value), rel=1e-12)
    assert params["R1"].stderr == pytest.approx(result["R1"].stderr, rel=1e-9)
    assert params["ln_R1"].stderr * params["R1"].value == pytest.approx(result["R1"].stderr, rel=1e-4)


def test_to_impedance_py_and_back():
    """impedance.py must predict what was fitted, and its circuit must be the start of the same fit."""
    dataset = _dataset(PELLET)
    result = fit_circuit(dataset, "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3")
    handed = to_impedance(result)
    np.testing.assert_allclose(handed.predict(FREQUENCY), result.curves["model"], rtol=1e-9)
    circuit, parameters = from_impedance(handed)
    again = fit_circuit(dataset, circuit, parameters=parameters)
    assert again["R1"].value == pytest.approx(result["R1"].value, rel=1e-6)


def test_what_is_not_determined_is_said():
    """A resistor far below the noise, and two arcs that are one, must not come out as numbers with small error bars."""
    tiny = fit_circuit(_dataset(0.01 + _arc(1e5, 1e-9, 0.9)), "R0-p(R1,CPE1)")
    assert "R0" not in tiny
    assert "the data do not determine R0" in tiny.notes
    double = fit_circuit(_dataset(10.0 + 100 / (1 + 1e-3 * S)), "R0-p(R1,C1)-p(R2,C2)")
    for name in ("R1", "R2"):
        assert name not in double or double[name].relative > 0.1 or abs(double[name].value - 100) < 1


def test_an_exponent_of_one_keeps_the_others_honest():
    """An ideal capacitor sits at the end of the exponent's domain; its neighbours must not look too certain."""
    at_end = fit_circuit(_dataset(50 + 1e4 / (1 + 1e4 * 1e-9 * S), seed=3), "R0-p(R1,CPE1)")
    inside = fit_circuit(_dataset(50 + _arc(1e4, 1.5e-9, 0.96), seed=3), "R0-p(R1,CPE1)")
    assert at_end["CPE1_n"].interval95[1] <= 1.0
    assert at_end["CPE1_Q"].relative == pytest.approx(inside["CPE1_Q"].relative, rel=0.5)


def test_weights_from_stated_uncertainty():
    """For noise of constant size in ohm modulus weights give less than half of the error bar that is right."""
    random = np.random.default_rng(7)
    noise = np.full(60, 20.0)
    z = 100 + _arc(2e3, 1e-7, 0.9) + noise * (random.normal(size=60) + 1j * random.normal(size=60))
    dataset = schema.build("eis", {"frequency": FREQUENCY, "impedance": z, "impedance_stderr": noise})
    stated = fit_circuit(dataset, "R0-p(R1,CPE1)", weights="measured")
    assert stated["R0"].value == pytest.approx(100, abs=3 * stated["R0"].stderr)
    assert stated.diagnostics["reduced_chi_square"] == pytest.approx(1.0, abs=0.4)
    modulus = fit_circuit(dataset, "R0-p(R1,CPE1)")
    assert modulus["R0"].stderr < 0.5 * stated["R0"].stderr
    with pytest.raises(NotAnalysable, match="bears no impedance_stderr"):
        fit_circuit(_dataset(PELLET), "R0-p(R1,CPE1)", weights="measured")


def test_weights_from_the_kramers_kronig_test():
    """Where one end of the spectrum is noisier, weights by decade must make the arc at the quiet end more certain."""
    random = np.random.default_rng(11)
    relative = np.where(FREQUENCY > 1e3, 0.001, 0.02)
    z = 10 + _arc(1e3, 1e-9, 0.95) + _arc(1e3, 1e-4, 0.9)
    z = z * (1 + relative * (random.normal(size=60) + 1j * random.normal(size=60)))
    dataset = schema.build("eis", {"frequency": FREQUENCY, "impedance": z})
    by_modulus = fit_circuit(dataset, "R0-p(R1,CPE1)-p(R2,CPE2)")
    by_noise = fit_circuit(dataset, "R0-p(R1,CPE1)-p(R2,CPE2)", weights="kramers_kronig")
    assert by_noise["CPE1_Q"].stderr < 0.5 * by_modulus["CPE1_Q"].stderr
    assert by_noise["R1"].value == pytest.approx(1e3, abs=4 * by_noise["R1"].stderr)


def test_too_few_points():
    """Seven points cannot carry nine parameters and leave something over to judge the fit by."""
    few = schema.build("eis", {"frequency": FREQUENCY[::15], "impedance": PELLET[::15]})
    with pytest.raises(NotAnalysable, match="too few"):
        fit_circuit(few, "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3")
