"""Start values: a fit without any guess must end where a fit from the truth ends."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis.eis import circuit_parameters, fit_circuit
from interlayer.parsers import schema

FREQUENCY = np.logspace(6, -1, 60)
S = 2j * np.pi * FREQUENCY
N_SPECTRA = 40


def _draw(random, count):
    """Return resistances, time constants at least 0.8 decades apart, exponents, and the scale of the sizes."""
    times = np.sort(10 ** random.uniform(-6.3, 0.0, count))
    while count > 1 and np.diff(np.log10(times)).min() < 0.8:
        times = np.sort(10 ** random.uniform(-6.3, 0.0, count))
    scale = 10 ** random.uniform(0, 6)
    return scale * 10 ** random.uniform(-0.5, 0.7, count), times, random.uniform(0.8, 0.99, count), scale


def _arcs(random, count):
    """Return impedance and truth of leads, arcs and a blocking electrode."""
    r, tau, n, scale = _draw(random, count)
    truth = {"R0": scale * 10 ** random.uniform(-1.5, 0)}
    z = truth["R0"] + 0j * S
    for k in range(count):
        z = z + r[k] / (1 + (tau[k] * S) ** n[k])
        truth |= {f"R{k + 1}": r[k], f"CPE{k + 1}_Q": tau[k] ** n[k] / r[k], f"CPE{k + 1}_n": n[k]}
    q = 1 / (scale * (2 * np.pi) ** 0.85)
    return z + 1 / (q * S**0.85), truth | {f"CPE{count + 1}_Q": q, f"CPE{count + 1}_n": 0.85}


def _diffusion(random):
    """Return impedance and truth of charge transfer and diffusion into a layer with a blocked end."""
    r, tau, n, scale = _draw(random, 2)
    u = np.sqrt(100 * tau[1] * S)
    branch = r[0] + r[1] / (u * np.tanh(u))
    q = tau[0] ** n[0] / r[0]
    truth = {"R0": 0.3 * scale, "R1": r[0], "Wo1_R": r[1], "Wo1_tau": 100 * tau[1], "CPE1_Q": q, "CPE1_n": n[0]}
    return 0.3 * scale + 1 / (1 / branch + q * S ** n[0]), truth


CASES = {
    "R0-p(R1,CPE1)-CPE2": lambda random: _arcs(random, 1),
    "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3": lambda random: _arcs(random, 2),
    "R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)-CPE4": lambda random: _arcs(random, 3),
    "R0-p(R1-Wo1,CPE1)": _diffusion,
}


@pytest.mark.slow
@pytest.mark.parametrize("circuit", CASES)
def test_the_best_minimum_is_found_without_a_guess(circuit):
    """Sizes and times are drawn over six decades; a fit that stops elsewhere looks certain and is wrong."""
    random = np.random.default_rng(3)
    missed = 0
    for _ in range(N_SPECTRA):
        z, truth = CASES[circuit](random)
        z = z * (1 + 0.005 * (random.normal(size=S.size) + 1j * random.normal(size=S.size)))
        dataset = schema.build("eis", {"frequency": FREQUENCY, "impedance": z})
        known = circuit_parameters(circuit)
        for name, value in truth.items():
            known[name].set(value=value)
        best = fit_circuit(dataset, circuit, parameters=known).diagnostics["reduced_chi_square"]
        missed += fit_circuit(dataset, circuit).diagnostics["reduced_chi_square"] > 1.02 * best
    assert missed <= 0.05 * N_SPECTRA
