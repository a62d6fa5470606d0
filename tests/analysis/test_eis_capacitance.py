"""Effective capacitance of constant-phase elements: formulae, covariance, and a measured pellet."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlayer.analysis import Quantity, eis
from interlayer.analysis.eis.circuits import parse_circuit
from interlayer.analysis.eis.film.capacitance import normal_capacitance, surface_capacitance
from interlayer.analysis.eis.fitting.fit import CircuitFit, fit
from interlayer.analysis.eis.fitting.start import start_values
from interlayer.analysis.eis.spectrum import Spectrum, usable
from interlayer.parsers import schema

VACUUM = 8.8541878188e-14  # F/cm
TRUE = {"R0": 12.0, "R1": 3e3, "CPE1_Q": 4e-9, "CPE1_n": 0.88, "CPE2_Q": 2e-6, "CPE2_n": 0.83}


def spectrum(noise: float, seed: int) -> Spectrum:
    frequency = np.logspace(6.5, 0, 66)
    s = 2j * np.pi * frequency
    z = 12.0 + 1 / (1 / 3e3 + 4e-9 * s**0.88) + 1 / (2e-6 * s**0.83)
    random = np.random.default_rng(seed)
    scatter = random.standard_normal(66) + 1j * random.standard_normal(66)
    return Spectrum(frequency, z * (1 + noise * scatter))


def fitted(noise: float, seed: int = 0) -> CircuitFit:
    return fit(parse_circuit("R0-p(R1,CPE1)-CPE2"), spectrum(noise, seed), [TRUE])


def hsu_mansfeld(r, q, n):
    return (r ** (1 - n) * q) ** (1 / n)


def brug(q, n, conductance):
    return q ** (1 / n) * conductance ** ((n - 1) / n)


CASES = {
    "normal": (lambda f: normal_capacitance(f, "R1", "CPE1"), hsu_mansfeld(3e3, 4e-9, 0.88)),
    "blocking": (lambda f: surface_capacitance(f, "CPE2", series=["R0", "R1"]), brug(2e-6, 0.83, 1 / 3012)),
    "charge transfer": (
        lambda f: surface_capacitance(f, "CPE1", series=["R0"], charge_transfer="R1"),
        brug(4e-9, 0.88, 1 / 12 + 1 / 3e3),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_published_formulae(case):
    """Brug for a surface, Hsu-Mansfeld through a layer: the wrong one is off by a factor of two and more."""
    take, expected = CASES[case]
    assert math.exp(take(fitted(1e-9)).logarithm) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_uncertainty_is_the_scatter(case):
    """Q and n correlate by more than 0.99: the covariance must give the scatter of C, which is far below that of Q."""
    take, expected = CASES[case]
    logarithms, spreads = [], []
    for seed in range(150):
        found = fitted(0.01, seed)
        value = take(found)
        logarithms.append(value.logarithm - math.log(expected))
        spreads.append(math.sqrt(value.by_fit @ found.covariance @ value.by_fit))
    assert np.std(logarithms) == pytest.approx(np.median(spreads), rel=0.15)
    if case == "normal":  # a sum in quadrature of R, Q and n would be several times the scatter
        by_fit = value.by_fit
        assert math.sqrt(by_fit**2 @ np.diag(found.covariance)) > 3 * np.std(logarithms)


def test_a_measured_pellet(corpus):
    """7.00 pF +- 2.9 % and 17.4 pF +- 1.7 % at 413 K; the published table says +- 28 % and 7.6 %, without covariance.

    Values: EISFitpython (MIT), Effective_Capacitance_Values.txt; uncertainties: the same fit with its covariance.
    """
    frequency, real, imaginary = np.loadtxt(corpus / "eis/EISFitpython/s04147-140deg.txt", skiprows=3, unpack=True)
    data = usable(schema.build("eis", {"frequency": frequency, "impedance": real + 1j * imaginary}))
    found = fit(parse_circuit("p(R1,CPE1)-p(R2,CPE2)-CPE3"), data, start_values(data, 2))
    numbers = sorted((1, 2), key=lambda number: found.value(f"R{number}"))
    for number, farad, relative, permittivity in zip(
        numbers, (6.996e-12, 1.741e-11), (0.029, 0.017), (33, 82), strict=True
    ):
        value = normal_capacitance(found, f"R{number}", f"CPE{number}")
        spread = math.sqrt(value.by_fit @ found.covariance @ value.by_fit)
        assert math.exp(value.logarithm) == pytest.approx(farad, rel=1e-3)
        assert spread == pytest.approx(relative, abs=0.001)
        assert math.exp(value.logarithm) * 0.21 / (VACUUM * math.pi * 0.16) == pytest.approx(permittivity, abs=0.6)


def test_the_electrode_of_a_film():
    """The double layer of a blocking electrode per area tells a sound contact from one that covers half the dot."""
    frequency = np.logspace(6, -1, 71)
    s = 2j * np.pi * frequency
    z = 5.0 + 3e-7 * s + 2e3 / (1 + 2e3 * 1e-9 * s) + 1 / (5e-3 * 6e-6 * s**0.9)
    random = np.random.default_rng(0)
    z = z * (1 + 0.004 * (random.standard_normal(71) + 1j * random.standard_normal(71)))
    ds = schema.build("eis", {"frequency": frequency, "impedance": z})
    result = eis.film_conductivity(
        ds, thickness=Quantity("thickness", 100.0, 3.0, "nm"), area=Quantity("area", 5e-3, 1e-4, "cm2")
    )
    capacitance = result["electrode_capacitance"]
    assert capacitance.unit == "F cm-2"
    low, high = capacitance.interval95
    assert low < brug(5e-3 * 6e-6, 0.9, 1 / 2005) / 5e-3 < high
    assert result.budget["electrode_capacitance"]["area"] == pytest.approx(0.02 * capacitance.value, rel=1e-9)
