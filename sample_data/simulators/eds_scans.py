r"""EDS line scans across interfaces of cathode and sulfide, bare and coated, as delimited text of a microscope.

The share of the sulfide rises as an error function folded with what the microscope adds: the probe, the spread of the
beam in the foil, averaged over its depth, and an interface that leans to the beam. Cobalt falls, sulfur and phosphorus
rise. The distance that is written is the true one times a scale error that both scans share. The foil becomes thicker
along the scan, the continuum follows the sum of the lines. Counts are Poisson's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .simulated import Fact, Simulated, SimulatedSeries, generator

Floats = NDArray[np.float64]

KIND = "coated against bare"
"""As a run calls the comparison of the two scans; it adds the definition of the width."""

_WIDTH_10_90 = 2.5631031310892007  # of a normal distribution, in standard deviations
_FWHM = 2.3548200450309493


@dataclass(frozen=True)
class Microscope:
    """What stands between an interface and its profile.

    Parameters
    ----------
    probe_fwhm : float
        Of the probe in nm.
    broadening_sigma : float
        Standard deviation of the spread in the foil, averaged over its depth, nm.
    foil_thickness, tilt : float
        In nm and degree; the interface is smeared over thickness times tangent of the tilt.
    scale : float
        Written distance over the true one.
    step, length : float
        Of the scan, in written nm.
    """

    probe_fwhm: float = 1.6
    broadening_sigma: float = 0.5
    foil_thickness: float = 62.0
    tilt: float = 0.8
    scale: float = 1.011
    step: float = 0.5
    length: float = 120.0


@dataclass(frozen=True)
class Sample:
    """An interface.

    Parameters
    ----------
    width : float
        10-90 % width in nm.
    position : float
        In written nm.
    signal : mapping of str to float
        Counts a point of each line on its own side of the interface; cobalt is on the near side.
    continuum : float
        Counts of the background under each line, as a share of all lines together.
    wedge : float
        Relative change of the foil over the scan.
    """

    width: float
    position: float = 62.0
    signal: Mapping[str, float] = field(default_factory=lambda: {"Co K": 300.0, "S K": 260.0, "P K": 90.0})
    continuum: float = 0.03
    wedge: float = 0.02


def counts(sample: Sample, microscope: Microscope, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return written distances (n,) in nm and counts (n, lines)."""
    from scipy.special import erfc

    written = np.arange(0.0, microscope.length, microscope.step)
    z = (written - sample.position) / microscope.scale
    smear = microscope.foil_thickness * np.tan(np.radians(microscope.tilt))
    sigma = np.sqrt(
        (sample.width / _WIDTH_10_90) ** 2 + (microscope.probe_fwhm / _FWHM) ** 2 + microscope.broadening_sigma**2
    )
    depths = (np.arange(41) + 0.5) / 41 - 0.5
    share = np.mean([0.5 * erfc(-(z - smear * depth) / (sigma * np.sqrt(2.0))) for depth in depths], axis=0)
    lines = [size * ((1.0 - share) if name == "Co K" else share) for name, size in sample.signal.items()]
    expected = np.stack(lines, axis=1)
    expected = expected + sample.continuum * expected.sum(axis=1, keepdims=True)
    expected *= (1.0 + sample.wedge * (written / microscope.length - 0.5))[:, None]
    return written, np.asarray(generator(seed).poisson(expected))


def velox(name: str, sample: Sample, microscope: Microscope, seed: int, *, comment: str) -> Simulated:
    """Return a scan as comma-separated text with a header line, as Velox and AZtec export intensity profiles."""
    distance, found = counts(sample, microscope, seed)
    lines = [f"SIMULATED, not measured: {comment}", ",".join(["Distance (nm)", *sample.signal])]
    lines += [
        ",".join([f"{place:.2f}", *map(str, row)]) for place, row in zip(distance.tolist(), found.tolist(), strict=True)
    ]
    truth = {
        "interdiffusion_width": Fact(sample.width, 0.0, "nm"),
        "interdiffusion_sigma": Fact(sample.width / _WIDTH_10_90, 0.0, "nm"),
    }
    return Simulated(name, ("\n".join(lines) + "\n").encode("ascii"), truth)


def coated_against_bare(coated: Sample, bare: Sample, microscope: Microscope, seed: int) -> SimulatedSeries:
    """Return the scans of a coated and a bare sample on one microscope, with the ratio and difference of the widths."""
    files = (
        velox("coated.csv", coated, microscope, seed, comment="LiCoO2, ALD Al2O3, sulfide electrolyte, after cycling"),
        velox("bare.csv", bare, microscope, seed + 1, comment="LiCoO2, sulfide electrolyte, after cycling"),
    )
    truth = {
        "width_ratio": Fact(coated.width / bare.width, 0.0, "1"),
        "width_difference": Fact(coated.width - bare.width, 0.0, "nm"),
    }
    return SimulatedSeries(KIND, files, truth)


def draw(seed: int) -> SimulatedSeries:
    """Return two random interfaces of 8 to 35 nm with few or many counts, and what a user states of the microscope."""
    random = generator(seed)
    probe, tilt, foil, scale = 1.6, 0.0, 60.0, 1.0
    microscope = Microscope(
        probe_fwhm=probe + 0.2 * float(random.standard_normal()),
        broadening_sigma=0.0,
        tilt=tilt + 1.0 * float(random.standard_normal()),
        foil_thickness=foil + 8.0 * float(random.standard_normal()),
        scale=scale + 0.015 * float(random.standard_normal()),
    )
    counts_a_point = float(random.uniform(0.2, 1.0))
    signal = {name: size * counts_a_point for name, size in Sample(1.0).signal.items()}
    widths = random.uniform(8.0, 35.0, 2)
    samples = [Sample(float(size), float(random.uniform(52.0, 68.0)), signal, wedge=0.0) for size in widths]
    made = coated_against_bare(samples[0], samples[1], microscope, 2 * seed + 100_000)
    facts = {
        "probe_size": Fact(probe, 0.2, "nm"),
        "interface_tilt": Fact(tilt, 1.0, "degree"),
        "foil_thickness": Fact(foil, 8.0, "nm"),
    }
    return SimulatedSeries(made.kind, made.files, made.truth, facts)
