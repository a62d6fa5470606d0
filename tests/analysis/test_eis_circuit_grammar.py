"""Circuits as text: the notation of impedance.py, its errors, and the way to that package and back."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlayer.analysis.eis.circuits import ELEMENTS, CircuitSyntaxError, parse_circuit
from interlayer.analysis.eis.circuits.impedance_py import custom_circuit, from_custom_circuit

FREQUENCY = np.logspace(6, -1, 22)


def test_names_and_nesting():
    """The order of the parameters is the order in the text, which users fill in."""
    circuit = parse_circuit(" R0 - p( R1 - Wo1, CPE_1 ) - L2 ")
    assert str(circuit) == "R0-p(R1-Wo1,CPE1)-L2"
    names = [parameter.name for parameter in circuit.parameters]
    assert names == ["R0", "R1", "Wo1_R", "Wo1_tau", "CPE1_Q", "CPE1_n", "L2"]


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("", 0, "an element such as R1"),
        ("R0-", 3, "an element such as R1"),
        ("R0-X1", 3, "one of the elements"),
        ("R0--R1", 3, "an element such as R1"),
        ("p(R1,C1", 7, "',' or ')'"),
        ("p(R1)", 5, "at least two branches"),
        ("R1-p(R1,C1)", 5, "a name that is not yet used"),
        ("R0)R1", 2, "'-' or the end"),
        ("R0 R1", 2, "'-' or the end"),
        ("p(" * 30, 42, "at most 20 levels"),
        ("R0-__import__('os')", 3, "an element such as R1"),
    ],
)
def test_a_fault_is_shown_with_its_place(text, place, expected):
    """A typing error in a long circuit must be found without counting brackets, and nothing is ever executed."""
    with pytest.raises(CircuitSyntaxError, match=re.escape(f"at place {place}; expected {expected}")):
        parse_circuit(text)


def _parts(draw, depth, counter):
    kind = draw(st.sampled_from(["element", "series", "parallel"] if depth < 3 else ["element"]))
    if kind == "element":
        counter[0] += 1
        return f"{draw(st.sampled_from(sorted(ELEMENTS)))}{counter[0]}"
    inner = [_parts(draw, depth + 1, counter) for _ in range(draw(st.integers(2, 3)))]
    return "-".join(inner) if kind == "series" else f"p({','.join(inner)})"


@given(st.data())
def test_every_text_comes_back(data):
    """A circuit is stored as text in results; read again it must be the same circuit."""
    text = _parts(data.draw, 0, [0])
    assert str(parse_circuit(text)) == text
    assert len(parse_circuit(text).parameters) >= 1


@given(st.text(alphabet="RCLWpGE0123-(), _", max_size=30))
def test_any_text_is_a_circuit_or_a_syntax_error(text):
    """Circuits come from configuration files; no text may raise anything else or hang."""
    with contextlib.suppress(CircuitSyntaxError):
        assert str(parse_circuit(text)) == "".join(text.split()).replace("_", "")


def test_the_way_to_impedance_py_and_back():
    """What was fitted here must predict the same impedance there, and circuits of theirs must arrive with constants."""
    text = "La0-R0-p(R1-Wo1,CPE1)-CPE2"
    circuit = parse_circuit(text)
    values = {"La0_L": 2e-6, "La0_n": 0.95, "R0": 5.0, "R1": 80.0, "Wo1_R": 30.0, "Wo1_tau": 0.5}
    values |= {"CPE1_Q": 1e-6, "CPE1_n": 0.9, "CPE2_Q": 1e-3, "CPE2_n": 0.8}
    theta = np.array([p.fitted(values[p.name]) for p in circuit.parameters])
    expected, _ = circuit.evaluate(2 * np.pi * FREQUENCY, theta)
    handed = custom_circuit(circuit, values, {"R0": 0.1})
    np.testing.assert_allclose(handed.predict(FREQUENCY), expected, rtol=1e-10)
    assert handed.conf_[2] == 0.1
    back, taken, held = from_custom_circuit(handed)
    assert (str(back), held) == (text, set())
    assert taken == pytest.approx(values, rel=1e-12)


def test_constants_of_impedance_py_are_known_by_our_names():
    """impedance.py counts the parameters of an element, CPE1_0, CPE1_1; here they have names."""
    from impedance.models.circuits import CustomCircuit

    theirs = CustomCircuit("R0-p(R1,CPE1)", initial_guess=[1.0, 2.0, 1e-6], constants={"CPE1_1": 0.9})
    circuit, values, held = from_custom_circuit(theirs)
    assert values == {"R0": 1.0, "R1": 2.0, "CPE1_Q": 1e-6, "CPE1_n": 0.9}
    assert held == {"CPE1_n"}
    with pytest.raises(ValueError, match="no value for R1"):
        custom_circuit(circuit, {"R0": 1.0, "CPE1_Q": 1e-6, "CPE1_n": 0.9})
