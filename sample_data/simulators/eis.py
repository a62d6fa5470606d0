r"""Impedance of a thin ion conductor between blocking electrodes, with what a circuit fit does not know.

The film is a stack of sublayers of uneven conductivity (a distribution of relaxation times), lies as a wedge under the
electrode, and sits behind leads with resistance and inductance and beside a stray capacitance:

.. math:: Z = R_s + i\omega L + \Bigl[i\omega C_{stray} + \sum_p \bigl(Z_{film,p} + Z_{block,p}\bigr)^{-1}\Bigr]^{-1},
          \quad Z_{film,p} = \sum_k \frac{R_{pk}}{1 + i\omega R_{pk} C_{pk}},
          \quad Z_{block,p} = \frac{1}{Q A_p (i\omega)^n}

The conductivity drifts while the sweep runs, the amplitude noise grows at both ends of the frequency range and the
analyser errs in phase towards its upper limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import write_dta, write_mpt
from .simulated import Fact, Simulated, generator, stated

VACUUM_PERMITTIVITY = 8.8541878188e-14  # F/cm, CODATA 2022
PATCHES = 8
SUBLAYERS = 12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Film:
    """True properties of film, electrodes and set-up.

    Parameters
    ----------
    conductivity : float
        Ionic conductivity in S/cm at the start of the sweep: thickness over the sum of the sublayers' resistivities.
    thickness, area : float
        Mean thickness in nm, electrode overlap in cm2.
    permittivity : float
        Relative permittivity.
    wedge : float
        Relative standard deviation of the thickness under the electrode.
    spread : float
        Standard deviation of ln(conductivity) between sublayers.
    blocking : float
        Electrode admittance in S s^n cm-2.
    blocking_exponent : float
        Its exponent n.
    series_resistance, inductance, stray_capacitance : float
        Leads and stage, in ohm, H and F.
    """

    conductivity: float = 6.51e-7
    thickness: float = 100.0
    area: float = 7.85e-3
    permittivity: float = 17.0
    wedge: float = 0.03
    spread: float = 0.25
    blocking: float = 6e-6
    blocking_exponent: float = 0.91
    series_resistance: float = 9.0
    inductance: float = 0.7e-6
    stray_capacitance: float = 6e-12


@dataclass(frozen=True)
class Coating:
    """A second layer in series with the film.

    Parameters
    ----------
    conductivity : float
        In S/cm.
    thickness : float
        In nm.
    permittivity : float
        Relative permittivity.
    spread : float
        Difference of ln(conductivity) between its middle and its faces.
    """

    conductivity: float
    thickness: float
    permittivity: float = 24.0
    spread: float = 0.15

    def impedance(self, omega: Floats) -> NDArray[np.complex128]:
        """Return the impedance times area in ohm cm2."""
        relative = np.exp(self.spread * np.array([-1.0, 0.0, 1.0]))
        resistivity = relative / (relative.mean() * self.conductivity)
        relaxation = resistivity[:, None] * VACUUM_PERMITTIVITY * self.permittivity
        mean = np.mean(resistivity[:, None] / (1.0 + 1j * omega * relaxation), axis=0)
        return np.asarray(mean * self.thickness * 1e-7)


@dataclass(frozen=True)
class Analyser:
    """How the spectrum is taken.

    Parameters
    ----------
    highest, lowest : float
        Frequency limits in Hz.
    points_per_decade : int
        Logarithmic spacing.
    noise : float
        Relative standard deviation of each part of Z in the middle of the range.
    phase_error : float
        Phase error in degree at 1 MHz, proportional to frequency.
    drift : float
        Relative rise of the conductivity in an hour.
    """

    highest: float = 1e6
    lowest: float = 0.1
    points_per_decade: int = 10
    noise: float = 0.004
    phase_error: float = 0.15
    drift: float = 0.01


@dataclass(frozen=True)
class Spectrum:
    """Frequency in Hz, impedance in ohm (Z' + jZ'') and time in s of each point, as measured."""

    frequency: Floats
    impedance: NDArray[np.complex128]
    time: Floats


def simulate(film: Film, analyser: Analyser, seed: int) -> tuple[Spectrum, dict[str, Fact]]:
    """Return one noisy spectrum and the truth.

    Parameters
    ----------
    film : Film
        What is measured.
    analyser : Analyser
        What measures it.
    seed : int
        Fixes sublayers, drift and noise.

    Returns
    -------
    Spectrum
        From the highest to the lowest frequency.
    dict of str to Fact
        ``ionic_conductivity`` in S cm-1 and ``area_specific_resistance`` in ohm cm2 at the start of the sweep.
    """
    random = generator(seed)
    return measure(film, sublayers(film, random), analyser, random)


def measure(
    film: Film,
    resistivity: Floats,
    analyser: Analyser,
    random: np.random.Generator,
    coating: Coating | None = None,
) -> tuple[Spectrum, dict[str, Fact]]:
    """Return one noisy spectrum of a film whose sublayers are given, and the truth of the film.

    Parameters
    ----------
    film : Film
        What is measured.
    resistivity : ndarray, shape (sublayers,)
        In ohm cm at the start of the sweep.
    analyser : Analyser
        What measures it.
    random : numpy.random.Generator
        Source of the noise.
    coating : Coating, optional
        On the film, under the same electrode.
    """
    decades = np.log10(analyser.highest / analyser.lowest)
    frequency = np.logspace(
        np.log10(analyser.highest), np.log10(analyser.lowest), round(decades * analyser.points_per_decade) + 1
    )
    time = np.cumsum(0.25 + 2.5 / frequency)
    impedance = _impedance(film, resistivity, frequency, 1.0 + analyser.drift * time / 3600.0, coating)
    impedance = impedance * np.exp(-1j * np.radians(analyser.phase_error) * frequency / 1e6)
    scatter = analyser.noise * np.sqrt(1.0 + (frequency / 3e5) ** 2 + 0.3 / frequency)
    size = np.abs(impedance) * scatter
    impedance = impedance + size * (
        random.standard_normal(frequency.size) + 1j * random.standard_normal(frequency.size)
    )
    conductance = float(np.sum(film.area / PATCHES / (resistivity.mean() * _thicknesses(film))))
    truth = {
        "ionic_conductivity": Fact(1.0 / float(resistivity.mean()), 0.0, "S cm-1"),
        "area_specific_resistance": Fact(film.area / conductance, 0.0, "ohm cm2"),
    }
    return Spectrum(frequency, impedance, time), truth


def sublayers(film: Film, random: np.random.Generator) -> Floats:
    """Return the resistivities of the sublayers in ohm cm, whose mean is that of the film."""
    relative = np.exp(film.spread * random.standard_normal(SUBLAYERS))
    return np.asarray(relative / (relative.mean() * film.conductivity))


def _thicknesses(film: Film) -> Floats:
    """Return the thickness of each patch in cm: a wedge with the stated standard deviation."""
    place = np.linspace(-1.0, 1.0, PATCHES)
    return np.asarray(film.thickness * 1e-7 * (1.0 + film.wedge * place / place.std()))


def _impedance(
    film: Film, resistivity: Floats, frequency: Floats, rise: Floats, coating: Coating | None
) -> NDArray[np.complex128]:
    omega = 2.0 * np.pi * frequency
    patch = film.area / PATCHES
    admittance = 1j * omega * film.stray_capacitance
    block = 1.0 / (film.blocking * patch * (1j * omega) ** film.blocking_exponent)
    if coating is not None:
        block = block + coating.impedance(omega) / patch
    relaxation = resistivity[:, None] / rise * VACUUM_PERMITTIVITY * film.permittivity
    per_length = np.mean(resistivity[:, None] / rise / (1.0 + 1j * omega * relaxation), axis=0) / patch
    for thickness in _thicknesses(film):
        admittance = admittance + 1.0 / (per_length * thickness + block)
    total: NDArray[np.complex128] = film.series_resistance + 1j * omega * film.inductance + 1.0 / admittance
    return total


def biologic(name: str, film: Film, analyser: Analyser, seed: int, *, comment: str) -> Simulated:
    """Return a spectrum as an EC-Lab text export."""
    spectrum, truth = simulate(film, analyser, seed)
    content = write_mpt.impedance(spectrum.frequency, spectrum.impedance, spectrum.time, comment=comment)
    return Simulated(name, content, truth)


def gamry(name: str, film: Film, analyser: Analyser, seed: int, *, comment: str) -> Simulated:
    """Return a spectrum as a Gamry data file."""
    spectrum, truth = simulate(film, analyser, seed)
    content = write_dta.impedance(spectrum.frequency, spectrum.impedance, spectrum.time, comment=comment)
    return Simulated(name, content, truth)


def draw(seed: int) -> Simulated:
    """Return a random film in a random one of both formats, with thickness and area stated with error.

    The conductivity is between 5e-8 and 1e-6 S/cm, so that the relaxation lies inside the range of the analyser;
    thickness is known to 3 %, area to 2.5 %.
    """
    random = generator(seed)
    film = Film(
        conductivity=float(10.0 ** random.uniform(-7.3, -6.0)),
        thickness=float(random.uniform(60.0, 200.0)),
        area=float(random.uniform(2e-3, 1e-2)),
        permittivity=float(random.uniform(12.0, 25.0)),
        blocking=float(10.0 ** random.uniform(-5.5, -4.9)),
        blocking_exponent=float(random.uniform(0.86, 0.95)),
        series_resistance=float(random.uniform(2.0, 20.0)),
        inductance=float(random.uniform(0.2e-6, 1e-6)),
    )
    write = biologic if random.random() < 0.5 else gamry
    extension = "mpt" if write is biologic else "DTA"
    made = write(f"film_{seed}.{extension}", film, Analyser(), seed + 1, comment="simulated film, drawn at random")
    facts = {
        "thickness": stated(film.thickness, 0.03 * film.thickness, "nm", random),
        "area": stated(film.area, 0.025 * film.area, "cm2", random),
    }
    return Simulated(made.name, made.content, made.truth, facts)
