"""Circuits: impedance against closed formulae, derivatives against differences, scales of the parameters."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis.eis.circuits import (
    ELEMENTS,
    ConstantPhase,
    Inductor,
    Parameter,
    Resistor,
    Series,
    arc,
    parse_circuit,
)

OMEGA = 2 * np.pi * np.logspace(7, -2, 28)


def test_impedance_of_a_film_on_blocking_electrodes():
    """Composition must add impedances in series and admittances in parallel, with Z = Z' + jZ''."""
    circuit = Series((Inductor("0"), Resistor("0"), arc("1"), ConstantPhase("2")))
    values = {"L0": 5e-7, "R0": 7.0, "R1": 2e3, "CPE1_Q": 1.5e-9, "CPE1_n": 0.97, "CPE2_Q": 3e-7, "CPE2_n": 0.9}
    theta = np.array([p.fitted(values[p.name]) for p in circuit.parameters])
    s = 1j * OMEGA
    expected = 5e-7 * s + 7.0 + 1.0 / (1.0 / 2e3 + 1.5e-9 * s**0.97) + 1.0 / (3e-7 * s**0.9)
    impedance, _ = circuit.evaluate(OMEGA, theta)
    np.testing.assert_allclose(impedance, expected, rtol=1e-12)
    assert str(circuit) == "L0-R0-p(R1,CPE1)-CPE2"


VALUES = {
    "R1": [3.0],
    "L1": [1e-6],
    "La1": [1e-6, 0.9],
    "C1": [2e-12],
    "CPE1": [1e-9, 0.8],
    "K1": [1e3, 1e-4],
    "Zarc1": [1e3, 1e-4, 0.85],
    "W1": [40.0],
    "Ws1": [100.0, 0.03],
    "Wo1": [100.0, 0.03],
    "G1": [50.0, 1e-3],
    "Gs1": [50.0, 1e-3, 0.4],
    "TLMQ1": [80.0, 1e-4, 0.9],
    "T1": [30.0, 12.0, 0.7, 1e-3],
}
"""Values of the parameters of each element, in the order of impedance.py."""

CIRCUITS = VALUES | {
    "p(R1-C2,p(R3,CPE3))": [50.0, 1e-6, 1e5, 2e-11, 0.93],
    "R0-p(R1-W1,CPE1)": [5.0, 70.0, 9.0, 1e-6, 0.9],
}


def _fitted(circuit, values):
    return np.array([p.fitted(v) for p, v in zip(circuit.parameters, values, strict=True)])


def test_every_element_is_tested_here():
    """An element that joins the notation must join the tests of its impedance and of its derivatives."""
    assert {label.rstrip("1") for label in VALUES} == set(ELEMENTS)


@pytest.mark.parametrize("text", CIRCUITS)
def test_derivatives_are_those_of_the_impedance(text):
    """Standard uncertainties rest on the Jacobian; a wrong sign in it gives plausible but wrong error bars."""
    circuit = parse_circuit(text)
    theta = _fitted(circuit, CIRCUITS[text])
    _, derivatives = circuit.evaluate(OMEGA, theta)
    for place in range(theta.size):
        step = 1e-6 * np.eye(theta.size)[place]
        above, below = circuit.evaluate(OMEGA, theta + step)[0], circuit.evaluate(OMEGA, theta - step)[0]
        # Central differences are right to the square of the step plus rounding over the step.
        tolerance = 1e-9 * np.abs(above).max()
        np.testing.assert_allclose(derivatives[place], (above - below) / 2e-6, rtol=2e-7, atol=tolerance)


@pytest.mark.parametrize("label", [label for label in VALUES if label != "La1"])
def test_elements_are_those_of_impedance_py(label):
    """Users take circuits from one package to the other; impedance.py 1.7 is the reference for what a symbol means."""
    from impedance.models.circuits.elements import circuit_elements

    circuit = parse_circuit(label)
    theirs = circuit_elements[label.rstrip("1")](VALUES[label], OMEGA / (2 * np.pi))
    ours, _ = circuit.evaluate(OMEGA, _fitted(circuit, VALUES[label]))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_the_inductor_with_losses_follows_its_formula():
    """impedance.py documents L (jω)^n for it but computes (L jω)^n; here it is what its unit says."""
    circuit = parse_circuit("La1")
    impedance, _ = circuit.evaluate(OMEGA, _fitted(circuit, VALUES["La1"]))
    np.testing.assert_allclose(impedance, 1e-6 * (1j * OMEGA) ** 0.9, rtol=1e-12)


@pytest.mark.parametrize("text", CIRCUITS)
def test_a_batch_is_its_spectra(text):
    """The batch engine evaluates all spectra in one call; each must come out as alone."""
    circuit = parse_circuit(text)
    thetas = _fitted(circuit, CIRCUITS[text])[:, None] + np.array([0.0, 0.3, -0.4])
    impedance, derivatives = circuit.evaluate(OMEGA, thetas[:, :, None])
    for place in range(3):
        alone, derivative = circuit.evaluate(OMEGA, thetas[:, place])
        np.testing.assert_allclose(impedance[place], alone, rtol=1e-13)
        np.testing.assert_allclose(derivatives[:, place], derivative, rtol=1e-13)


def test_large_arguments_do_not_overflow():
    """Diffusion far above its own frequency has a tanh of 1, not an overflow; a warning would stop a strict script."""
    for label in ("Ws1", "Wo1", "Gs1", "TLMQ1", "T1"):
        circuit = parse_circuit(label)
        with np.errstate(all="raise", under="ignore"):
            impedance, _ = circuit.evaluate(OMEGA, _fitted(circuit, VALUES[label]) + 12.0)
        assert np.isfinite(impedance).all()


def test_scales_return_what_they_are_given():
    """A picofarad and a megohm must survive the way to the scale of the fit and back."""
    assert Parameter("Q", "S s^n", "ln").natural(Parameter("Q", "S s^n", "ln").fitted(2e-12)) == pytest.approx(2e-12)
    assert Parameter("n", "1", "logit").natural(Parameter("n", "1", "logit").fitted(0.93)) == pytest.approx(0.93)
    assert 0.0 < Parameter("R", "ohm", "ln").natural(-1e6) < 1e-30
