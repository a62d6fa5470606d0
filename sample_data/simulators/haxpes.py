r"""Hard X-ray photoelectron regions of an alumina film on LiCoO2.

A line of the film and a line of the substrate have the areas

.. math:: I_{film} = I^\infty_{film} \langle 1 - e^{-d / (\lambda_{film} \cos\theta)} \rangle, \quad
          I_{sub} = I^\infty_{sub} \langle e^{-d / (\lambda_{sub} \cos\theta)} \rangle

averaged over an uneven thickness. Each region holds its line (one or two Voigt-like components), the step that the line
leaves behind it, a sloping background that also curves, and counting noise. The attenuation lengths are those of the
TPP-2M formula for amorphous alumina times a factor that nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import write_vamas
from .simulated import Fact, Simulated, generator, stated

Floats = NDArray[np.float64]

# Inelastic mean free path in amorphous Al2O3 (3.0 g/cm3, gap 7 eV) by TPP-2M: kinetic energy / keV, length / nm.
# Tanuma, Powell, Penn, Surf. Interface Anal. 21 (1994) 165.
MEAN_FREE_PATH = np.array(
    [(1.0, 2.55), (1.487, 3.47), (2.0, 4.39), (3.0, 6.09), (4.0, 7.70), (6.0, 10.76), (8.0, 13.66), (10.0, 16.44)]
)


@dataclass(frozen=True)
class Level:
    """One line: region in eV of binding energy and components (position, full width at half maximum, share).

    ``strength`` is the area of a thick, pure material relative to the Al 2s of alumina at several keV. ``lorentz`` is
    the Lorentzian share of the profile.
    """

    in_film: bool
    region: tuple[float, float]
    components: tuple[tuple[float, float, float], ...]
    strength: float
    lorentz: float = 0.3


LEVELS = {
    "Al 1s": Level(True, (1550.0, 1575.0), ((1562.3, 1.7, 1.0),), 7.0),
    "Al 2s": Level(True, (109.0, 131.0), ((119.6, 2.0, 1.0),), 1.0),
    "Co 2p": Level(False, (770.0, 815.0), ((780.1, 1.9, 0.6), (795.2, 2.3, 0.3), (790.0, 4.0, 0.1)), 7.0),
    "Co 3p": Level(False, (50.0, 71.0), ((60.6, 2.6, 2 / 3), (62.0, 2.6, 1 / 3)), 0.58),
    "O 1s": Level(True, (524.0, 540.0), ((531.4, 1.9, 1.0),), 2.0),
}


@dataclass(frozen=True)
class Overlayer:
    """True properties of film and measurement.

    Parameters
    ----------
    thickness, unevenness : float
        Mean in nm, standard deviation relative to it.
    path_factor : float
        True attenuation length over that of `MEAN_FREE_PATH`.
    emission_angle : float
        True angle from the surface normal in degree.
    reference_ratio : float
        Area of Al 2s from thick alumina over that of Co 3p from bare LiCoO2.
    photon_energy, work_function : float
        In eV.
    counts : float
        Area of the Al 2s line of thick alumina in counts eV.
    """

    thickness: float = 5.0
    unevenness: float = 0.08
    path_factor: float = 1.0
    emission_angle: float = 0.0
    reference_ratio: float = 1.0 / LEVELS["Co 3p"].strength
    photon_energy: float = 6000.0
    work_function: float = 4.5
    counts: float = 3.0e5


@dataclass(frozen=True)
class Acquisition:
    """Regions in the order taken, energy step in eV, dwell in s, scans; background in counts, step relative to area."""

    levels: tuple[str, ...] = ("Al 1s", "Al 2s", "O 1s", "Co 2p", "Co 3p")
    step: float = 0.1
    dwell: float = 0.2
    scans: int = 25
    background: float = 6000.0
    loss: float = 0.012


def mean_free_path(kinetic_energy: float) -> float:
    """Return the tabulated mean free path in amorphous alumina in nm at an energy in eV, interpolated in logarithms."""
    at, length = np.log(MEAN_FREE_PATH[:, 0] * 1e3), np.log(MEAN_FREE_PATH[:, 1])
    return float(np.exp(np.interp(np.log(kinetic_energy), at, length)))


def area(name: str, film: Overlayer) -> float:
    """Return the true area of a line in counts eV."""
    level = LEVELS[name]
    binding = level.components[0][0]
    kinetic = film.photon_energy - binding
    length = mean_free_path(kinetic) * film.path_factor * np.cos(np.radians(film.emission_angle))
    places = 1.0 + film.unevenness * np.array([-1.5, -0.5, 0.5, 1.5]) / np.sqrt(1.25)
    through = float(np.mean(np.exp(-film.thickness * places / length)))
    substrate_scale = LEVELS["Co 3p"].strength * film.reference_ratio
    bulk = film.counts * level.strength / (1.0 if level.in_film else substrate_scale)
    return bulk * (1.0 - through if level.in_film else through)


def simulate(film: Overlayer, acquisition: Acquisition, seed: int) -> tuple[list[write_vamas.Region], dict[str, Fact]]:
    """Return the regions and the truth.

    Parameters
    ----------
    film : Overlayer
        What is measured.
    acquisition : Acquisition
        How.
    seed : int
        Fixes the counting noise.

    Returns
    -------
    list of Region
        In kinetic energy, rising, as the analyser scans.
    dict of str to Fact
        ``overlayer_thickness`` in nm.
    """
    random = generator(seed)
    regions = [_region(name, film, acquisition, random) for name in acquisition.levels]
    return regions, {"overlayer_thickness": Fact(film.thickness, 0.0, "nm")}


def _region(name: str, film: Overlayer, acquisition: Acquisition, random: np.random.Generator) -> write_vamas.Region:
    level = LEVELS[name]
    low, high = level.region
    binding = np.linspace(high, low, round((high - low) / acquisition.step) + 1)
    profile = np.zeros(binding.size)
    behind = np.zeros(binding.size)
    for centre, width, share in level.components:
        away = (binding - centre) / (0.5 * width)
        gauss = np.exp(-np.log(2.0) * away**2) * np.sqrt(np.log(2.0) / np.pi) / (0.5 * width)
        lorentz = 1.0 / (1.0 + away**2) / (np.pi * 0.5 * width)
        profile += share * (level.lorentz * lorentz + (1.0 - level.lorentz) * gauss)
        behind += share * (0.5 + np.arctan(away) / np.pi)
    whole = area(name, film)
    place = (binding - low) / (high - low)
    smooth = acquisition.background * (1.0 + 0.10 * place + 0.02 * place**2)
    expected = smooth + whole * (profile + acquisition.loss * behind)
    counts = random.poisson(np.round(expected, 3))
    species, transition = name.split()
    start = film.photon_energy - high  # above the Fermi level, as exporting programs write it
    return write_vamas.Region(
        species, transition, start, acquisition.step, counts, acquisition.dwell, acquisition.scans
    )


def vamas(name: str, film: Overlayer, acquisition: Acquisition, seed: int, *, sample: str, comment: str) -> Simulated:
    """Return the regions as one VAMAS file; its emission angle is nominal, 0."""
    regions, truth = simulate(film, acquisition, seed)
    instrument = write_vamas.Instrument(film.photon_energy, work_function=film.work_function)
    return Simulated(name, write_vamas.write(regions, instrument, sample=sample, comment=comment), truth)


def draw(seed: int) -> Simulated:
    """Return a random film of 2 to 9 nm at 4 to 8 keV, with attenuation length, reference ratio and angle in error.

    The attenuation length differs from the tabulated one by 10 %, the stated reference ratio by 4 % and the emission
    angle from the stated one by 1 degree, each as one standard deviation.
    """
    random = generator(seed)
    film = Overlayer(
        thickness=float(random.uniform(2.0, 9.0)),
        path_factor=float(1.0 + 0.10 * random.standard_normal()),
        emission_angle=float(random.standard_normal()),
        reference_ratio=float(random.uniform(1.3, 2.2)),
        photon_energy=float(random.choice([4000.0, 5000.0, 6000.0, 8000.0])),
    )
    acquisition = Acquisition(levels=("Al 2s", "Co 3p"))
    made = vamas(f"film_{seed}.vms", film, acquisition, seed + 1, sample="Al2O3 on LiCoO2", comment="drawn at random")
    facts = {
        "reference_ratio": stated(film.reference_ratio, 0.04 * film.reference_ratio, "1", random),
        "emission_angle": Fact(0.0, 1.0, "degree"),
    }
    return Simulated(made.name, made.content, made.truth, facts)
