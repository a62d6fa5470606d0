"""Circuits: impedance against closed formulae, derivatives against differences, scales of the parameters."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis.eis.circuit import (
    Capacitor,
    ConstantPhase,
    Inductor,
    Parallel,
    Parameter,
    Resistor,
    Series,
    arc,
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


@pytest.mark.parametrize(
    ("circuit", "values"),
    [
        (Resistor("1"), [3.0]),
        (Inductor("1"), [1e-6]),
        (Capacitor("1"), [2e-12]),
        (ConstantPhase("1"), [1e-9, 0.8]),
        (Parallel((Series((Resistor("1"), Capacitor("2"))), arc("3"))), [50.0, 1e-6, 1e5, 2e-11, 0.93]),
    ],
    ids=str,
)
def test_derivatives_are_those_of_the_impedance(circuit, values):
    """Standard uncertainties rest on the Jacobian; a wrong sign in it gives plausible but wrong error bars."""
    theta = np.array([p.fitted(v) for p, v in zip(circuit.parameters, values, strict=True)])
    _, derivatives = circuit.evaluate(OMEGA, theta)
    for place in range(theta.size):
        step = 1e-6 * np.eye(theta.size)[place]
        above, below = circuit.evaluate(OMEGA, theta + step)[0], circuit.evaluate(OMEGA, theta - step)[0]
        # Central differences are right to the square of the step plus rounding over the step.
        tolerance = 1e-9 * np.abs(above).max()
        np.testing.assert_allclose(derivatives[place], (above - below) / 2e-6, rtol=2e-7, atol=tolerance)


def test_scales_return_what_they_are_given():
    """A picofarad and a megohm must survive the way to the scale of the fit and back."""
    assert Parameter("Q", "S s^n", "ln").natural(Parameter("Q", "S s^n", "ln").fitted(2e-12)) == pytest.approx(2e-12)
    assert Parameter("n", "1", "logit").natural(Parameter("n", "1", "logit").fitted(0.93)) == pytest.approx(0.93)
    assert 0.0 < Parameter("R", "ohm", "ln").natural(-1e6) < 1e-30
