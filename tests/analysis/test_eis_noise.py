"""Noise by frequency from the linear Kramers-Kronig test: what weights of a circuit fit rest on."""

from __future__ import annotations

import numpy as np
import pytest

import interlayer as il
from interlayer.analysis.eis.spectrum import Spectrum, usable
from interlayer.analysis.eis.validity.kramers_kronig import kramers_kronig_noise

FREQUENCY = np.logspace(6, -1, 71)
S = 2j * np.pi * FREQUENCY
DECADES = [slice(10 * k, 10 * k + 10) for k in range(7)]


def zarc(resistance: float, tau: float, exponent: float = 1.0) -> np.ndarray:
    return resistance / (1.0 + (S * tau) ** exponent)


# Simulated, closed forms of circuit elements.
ARCS = 10 + zarc(1000, 1e-5, 0.9) + zarc(500, 1e-2, 0.8)
FILM = 20 + 1e-6 * S + zarc(5e3, 1e-5, 0.95) + 1 / (2e-6 * S**0.9)
DIFFUSION = 5 + zarc(20, 1e-4, 0.9) + 30 / np.sqrt(S)


def simulated(impedance: np.ndarray, noise: np.ndarray, seed: int) -> Spectrum:
    random = np.random.default_rng(seed)
    return Spectrum(FREQUENCY, impedance + noise * (random.standard_normal((2, S.size)).T @ (1, 1j)))


def logarithms(impedance: np.ndarray, noise: np.ndarray, seeds: int) -> np.ndarray:
    """Return ln(estimate / truth) of many noisy spectra, shape (seeds, n)."""
    found = [kramers_kronig_noise(simulated(impedance, noise, seed)) for seed in range(seeds)]
    return np.log(np.array(found) / noise)


@pytest.mark.slow
@pytest.mark.parametrize("impedance", [ARCS, FILM, DIFFUSION], ids=["arcs", "film", "diffusion"])
@pytest.mark.parametrize("relative", [0.003, 0.0005])
def test_noise_in_proportion_to_the_modulus(impedance, relative):
    """About 93 degrees of freedom are left: one size for all is known to 1 / sqrt(2 * 93) = 7 %.

    To choose the law from the data costs a little: 10 % in the middle of the window, 20 % in the outer decades.
    """
    error = logarithms(impedance, relative * np.abs(impedance), 100)
    rms = [np.sqrt(np.mean(error[:, decade] ** 2)) for decade in DECADES]
    assert max(rms[1:-1]) < 0.15
    assert max(rms) < 0.25
    assert max(abs(error[:, decade].mean()) for decade in DECADES) < 0.08


@pytest.mark.slow
@pytest.mark.parametrize(("impedance", "noise"), [(ARCS, 0.5), (DIFFUSION, 0.02)], ids=["arcs", "diffusion"])
def test_noise_constant_in_ohm(impedance, noise):
    """A voltmeter at its resolution: the relative noise changes by a factor of 20 to 50 with the modulus.

    With weights of the modulus the quiet points would bear the noise of the loud ones.
    """
    error = logarithms(impedance, np.full(S.size, noise), 60)
    assert np.abs(np.median(error, axis=0)).max() < 0.15
    assert max(np.sqrt(np.mean(error[:, decade] ** 2)) for decade in DECADES[1:]) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("impedance", [ARCS, FILM], ids=["arcs", "film"])
def test_noise_that_rises_at_low_frequency(impedance):
    """At picoamperes the last decade and a half is ten times as noisy; each decade is known to a factor of two.

    The decade where the noise is highest has 15 degrees of freedom, 18 % for itself; its slope costs the rest.
    """
    size = 0.001 * (1 + 9 * np.clip((0.5 - np.log10(FREQUENCY)) / 1.5, 0, 1))
    error = logarithms(impedance, size * np.abs(impedance), 60)
    medians = [np.median(error[:, decade]) for decade in DECADES]
    assert max(map(abs, medians)) < 0.3
    assert max(abs(median) for median in medians[:5]) < 0.12
    assert max(np.sqrt(np.mean(error[:, decade] ** 2)) for decade in DECADES) < np.log(2)


def test_a_disturbed_point_is_no_noise():
    """A spike of 5 % at the mains must not take the weight from its neighbours."""
    noise = 0.002 * np.abs(ARCS)
    clean = simulated(ARCS, noise, 4)
    spiked = clean.impedance.copy()
    spiked[43] *= 1.05
    found = kramers_kronig_noise(Spectrum(FREQUENCY, spiked))
    np.testing.assert_allclose(found, kramers_kronig_noise(clean), rtol=0.15)


def test_a_step_between_ranges_is_no_noise():
    """A step of 2 % is one of the instrument; the scatter on either side is still 0.1 %."""
    noise = 0.001 * np.abs(ARCS)
    spectrum = simulated(ARCS, noise, 5)
    stepped = Spectrum(FREQUENCY, spectrum.impedance * np.where(FREQUENCY < 90, 1.02, 1.0))
    assert np.median(kramers_kronig_noise(stepped) / np.abs(stepped.impedance)) == pytest.approx(0.001, rel=0.2)


def test_perfect_data_get_the_noise_of_the_best_instrument():
    """A simulation without noise must not get infinite weights."""
    relative = kramers_kronig_noise(Spectrum(FREQUENCY, 10 + zarc(100, 1e-3))) / np.abs(10 + zarc(100, 1e-3))
    assert relative.min() == pytest.approx(1e-5)
    assert relative.max() < 2e-3


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_noise_scales_with_the_spectrum(scale):
    """Microohm and megaohm are judged alike."""
    spectrum = simulated(FILM, 0.002 * np.abs(FILM), 1)
    scaled = Spectrum(FREQUENCY, spectrum.impedance * scale)
    np.testing.assert_allclose(kramers_kronig_noise(scaled), scale * kramers_kronig_noise(spectrum), rtol=1e-6)


def test_noise_of_a_fuel_cell_stack_grows_towards_both_ends(corpus):
    """Zahner's stack of 3 to 18 mohm scatters by several per cent at 100 kHz and at 0.1 Hz, by 0.5 % between."""
    spectrum = usable(il.read(corpus / "eis/EISART/eis_planar_mess.ism"))
    relative = kramers_kronig_noise(spectrum) / np.abs(spectrum.impedance)
    quiet = np.median(relative[(spectrum.frequency > 100) & (spectrum.frequency < 1000)])
    assert quiet == pytest.approx(0.005, abs=0.003)
    assert relative[0] > 5 * quiet
    assert relative[-1] > 3 * quiet
