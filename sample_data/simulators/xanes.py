r"""Sulfur K-edge scans of a sulfide electrolyte that partly decomposed to Li2S, with references.

No measured spectrum of Li10GeP2S12 or Li2S is used: each phase is an invented sum of an edge (arctangent), a few peaks
and weak oscillations above the edge, all per sulfur atom and so with the same step. A mixture is the sum of the phases,

.. math:: I_F \propto I_0 \, \frac{b(E) + \sum_i f_i \mu_i(E)}{1 + s \sum_i f_i \mu_i(E)},

with a sloping, slightly curved background :math:`b`, weak self-absorption :math:`s`, an energy offset of the scan,
finite resolution and counting noise. The sample has other values of all of these than the references.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import write_xdi
from .simulated import Fact, Simulated, generator

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Phase:
    """Invented spectrum of one phase: edge, its width, peaks (position, full width at half maximum, height), shells.

    Energies in eV; heights in units of the edge step; shells as (amplitude, distance in nm, phase in rad).
    """

    edge: float
    width: float
    peaks: tuple[tuple[float, float, float], ...]
    shells: tuple[tuple[float, float, float], ...]


PHASES = {
    "LGPS": Phase(
        edge=2471.2,
        width=1.0,
        peaks=((2471.6, 2.1, 1.15), (2473.9, 3.0, 0.35), (2479.5, 6.0, 0.30)),
        shells=((0.04, 0.205, 0.3), (0.02, 0.37, 1.1)),
    ),
    "Li2S": Phase(
        edge=2472.8,
        width=1.0,
        peaks=((2473.6, 1.5, 1.25), (2476.2, 2.4, 1.10), (2483.5, 7.0, 0.35)),
        shells=((0.05, 0.247, 0.9), (0.03, 0.404, 0.2)),
    ),
}


@dataclass(frozen=True)
class Scan:
    """How one scan is taken.

    Parameters
    ----------
    energy_error : float
        Recorded minus true energy in eV, the same for the whole scan.
    resolution : float
        Full width at half maximum in eV.
    step : float
        Fluorescence of the edge step as a fraction of the incident counts.
    background, slope, curvature : float
        Pre-edge intensity in units of the step, its change per 100 eV and per (100 eV)^2.
    self_absorption : float
        s of the module's equation.
    i0 : float
        Incident counts at the start of the scan; decays by 6 % until its end.
    """

    energy_error: float = 0.0
    resolution: float = 0.5
    step: float = 8e-3
    background: float = 0.25
    slope: float = -0.06
    curvature: float = 0.015
    self_absorption: float = 0.003
    i0: float = 1.0e7


def energies() -> Floats:
    """Return the planned energies of a scan in eV: 1 eV, 0.15 eV through the edge, 1 eV."""
    return np.concatenate([np.arange(2420.0, 2464.0, 1.0), np.arange(2464.0, 2492.0, 0.15), np.arange(2492.0, 2571.0)])


def absorption(phase: Phase, energy: Floats, resolution: float) -> Floats:
    """Return the absorption of one phase in units of its edge step.

    Parameters
    ----------
    phase : Phase
        Which.
    energy : ndarray, shape (n,)
        True energies in eV.
    resolution : float
        Full width at half maximum in eV, added in quadrature to every width.
    """
    above = energy - phase.edge
    mu = 0.5 + np.arctan(above / (0.5 * np.hypot(phase.width, resolution))) / np.pi
    for centre, width, height in phase.peaks:
        broad = np.hypot(width, resolution)
        mu = mu + height * (width / broad) * np.exp(-4.0 * np.log(2.0) * ((energy - centre) / broad) ** 2)
    k = np.sqrt(np.maximum(above, 0.0) * 26.2468)  # wave number in nm-1
    rise = 1.0 - np.exp(-((np.maximum(above, 0.0) / 15.0) ** 2))
    for amplitude, distance, offset in phase.shells:
        mu = mu + amplitude * rise * np.exp(-k / 60.0) * np.sin(2.0 * k * distance + offset)
    return np.asarray(mu)


def simulate(fractions: dict[str, float], scan: Scan, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return one scan.

    Parameters
    ----------
    fractions : dict of str to float
        Share of the sulfur atoms in each of `PHASES`; they sum to one.
    scan : Scan
        How it is taken.
    seed : int
        Fixes the counting noise.

    Returns
    -------
    energy, i0, ifluor : ndarray, shape (n,)
        Recorded energy in eV and counts.
    """
    random = generator(seed)
    planned = energies()
    true = planned - scan.energy_error
    mu = sum(share * absorption(PHASES[name], true, scan.resolution) for name, share in fractions.items())
    far = (true - 2472.0) / 100.0
    rest = scan.background + scan.slope * far + scan.curvature * far**2
    i0 = scan.i0 * (1.0 - 0.06 * np.linspace(0.0, 1.0, planned.size) + 0.004 * np.sin(planned / 9.0))
    expected = i0 * scan.step * (rest + mu) / (1.0 + scan.self_absorption * mu)
    counted = random.poisson(np.round(i0, 3)), random.poisson(np.round(expected, 3))
    return planned, counted[0].astype(float), counted[1].astype(float)


def scan_file(name: str, fractions: dict[str, float], scan: Scan, seed: int, *, sample: str, comment: str) -> Simulated:
    """Return one scan as an XDI file; its truth is ``fraction_<phase>`` for every phase."""
    energy, i0, ifluor = simulate(fractions, scan, seed)
    content = write_xdi.fluorescence(energy, i0, ifluor, sample=sample, comment=comment, metadata={})
    return Simulated(name, content, {f"fraction_{phase}": Fact(share, 0.0, "1") for phase, share in fractions.items()})


def draw(seed: int, fraction: float | None = None) -> Simulated:
    """Return a mixture with its two references, each scan with its own errors.

    Energy errors have a standard deviation of 0.05 eV; step, background, its slope and the resolution differ between
    scans.

    Parameters
    ----------
    seed : int
        Fixes everything.
    fraction : float, optional
        Share of the sulfur in Li2S; by default drawn between 2 and 40 %.
    """
    random = generator(seed)
    drawn = float(random.uniform(0.02, 0.40))
    share = drawn if fraction is None else fraction
    phases = {"sample": {"Li2S": share, "LGPS": 1.0 - share}, "Li2S": {"Li2S": 1.0}, "LGPS": {"LGPS": 1.0}}
    files = {}
    for number, (name, fractions) in enumerate(phases.items()):
        scan = Scan(
            energy_error=0.05 * float(random.standard_normal()),
            resolution=float(random.uniform(0.45, 0.55)),
            step=float(random.uniform(5e-3, 1.2e-2)),
            background=float(random.uniform(0.1, 0.4)),
            slope=float(random.uniform(-0.1, 0.0)),
            self_absorption=float(random.uniform(0.0, 0.006)),
        )
        files[name] = scan_file(
            f"{name}.xdi", fractions, scan, 10 * seed + number, sample=name, comment="drawn at random"
        )
    references = {phase: files[phase].content for phase in ("Li2S", "LGPS")}
    return Simulated("sample.xdi", files["sample"].content, files["sample"].truth, {}, references)
