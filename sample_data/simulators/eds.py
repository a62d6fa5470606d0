r"""X-ray counts along a scan or over a map across a chemical interface.

Line j is counted with its background plus its signal times the share of its side. The share of the far side is, with z
the distance from the interface,

=========  =====================================================================
graded     :math:`\Phi(z/s)`: diffusion, 10-90 width 2.563 s
layer      0 before, a half within and 1 after a layer of constant composition
tail       sharp, then :math:`1 - e^{-z/\lambda}`
=========  =====================================================================

folded with a Gaussian probe. Counts are Poisson's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .simulated import generator

Floats = NDArray[np.float64]

_WIDTH_10_90 = 2.5631031310892007  # of a normal distribution, in standard deviations


@dataclass(frozen=True)
class Interface:
    """An interface and the probe that sees it.

    Parameters
    ----------
    width : float
        10-90 % width of a graded interface, thickness of a layer or length of a tail, nm. 0 is a sharp step.
    kind : {"graded", "layer", "tail"}
    probe_sigma : float
        Standard deviation of the probe in nm.
    """

    width: float
    kind: Literal["graded", "layer", "tail"] = "graded"
    probe_sigma: float = 0.0

    def far_share(self, z: Floats) -> Floats:
        """Return the share of the far side at distances from the interface in nm."""
        if self.kind == "graded":
            return _step(z, float(np.hypot(self.width / _WIDTH_10_90, self.probe_sigma)))
        if self.kind == "layer":
            half = 0.5 * self.width
            return 0.5 * (_step(z + half, self.probe_sigma) + _step(z - half, self.probe_sigma))
        return _tail(z, self.width, self.probe_sigma)


@dataclass(frozen=True)
class Scan:
    """Length, step and place of the interface in nm, counts a point, relative change of the foil over the scan."""

    length: float = 120.0
    step: float = 0.5
    position: float = 63.0
    signal: float = 300.0
    background: float = 10.0
    drift: float = 0.0


def line_scan(interface: Interface, scan: Scan, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return distances (n,) in nm and counts (n, 2) of a line that falls and one that rises."""
    distance = np.arange(0.0, scan.length, scan.step)
    share = interface.far_share(distance - scan.position)
    expected = scan.background + scan.signal * np.stack([1.0 - share, share], axis=1)
    expected *= (1.0 + scan.drift * (distance / scan.length - 0.5))[:, None]
    return distance, np.asarray(generator(seed).poisson(expected))


@dataclass(frozen=True)
class Field:
    """Pixels of a map, their size in nm, and the shape of the interface in it.

    Parameters
    ----------
    size : int
        Rows and columns.
    pixel_size : float
        In nm.
    direction : float
        Of the normal at the centre of the field, degree from the x axis towards y.
    radius : float
        Of curvature in nm; the near side is inside. Infinite for a straight interface.
    """

    size: int = 96
    pixel_size: float = 1.25
    direction: float = 25.0
    radius: float = np.inf

    @property
    def axis(self) -> Floats:
        """Places of the pixels in nm, from the centre of the field."""
        return np.arange(self.size, dtype=np.float64) * self.pixel_size - 0.5 * (self.size - 1) * self.pixel_size

    def distance(self) -> Floats:
        """Return the distance of each pixel from the interface, positive on the far side."""
        y, x = np.meshgrid(self.axis, self.axis, indexing="ij")
        sine, cosine = np.sin(np.radians(self.direction)), np.cos(np.radians(self.direction))
        if np.isinf(self.radius):
            return np.asarray(y * sine + x * cosine)
        return np.asarray(np.hypot(y + self.radius * sine, x + self.radius * cosine) - self.radius)


@dataclass(frozen=True)
class Emission:
    """X-rays of both sides: lines (energy in eV, counts a pixel), continuum (counts a pixel and eV), channel in eV."""

    near: tuple[tuple[float, float], ...] = ((6925.0, 0.6), (7649.0, 0.08))
    far: tuple[tuple[float, float], ...] = ((2309.0, 0.6),)
    continuum: float = 1e-4
    resolution: float = 130.0
    channel: float = 10.0
    highest: float = 10000.0

    @property
    def energy(self) -> Floats:
        """Middles of the channels in eV."""
        return np.asarray(np.arange(0.5 * self.channel, self.highest, self.channel))

    def spectrum(self, lines: tuple[tuple[float, float], ...]) -> Floats:
        """Return expected counts a pixel and channel of some lines."""
        total: Floats = np.zeros(len(self.energy))
        for place, counts in lines:
            sigma = np.sqrt(self.resolution**2 + 2.5 * (place - 5895.0)) / 2.3548
            bell = np.exp(-0.5 * ((self.energy - place) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
            total = total + counts * self.channel * bell
        return total


def spectrum_map(interface: Interface, field: Field, emission: Emission, seed: int) -> NDArray[np.int64]:
    """Return counts (rows, columns, channels) of a map across an interface."""
    share = interface.far_share(field.distance())[..., None]
    expected = (1.0 - share) * emission.spectrum(emission.near) + share * emission.spectrum(emission.far)
    expected += emission.continuum * emission.channel * np.exp(-emission.energy / 4000.0)
    return np.asarray(generator(seed).poisson(expected))


def _step(z: Floats, sigma: float) -> Floats:
    from scipy.special import erfc

    return np.asarray(0.5 * erfc(-z / (sigma * np.sqrt(2.0)))) if sigma > 0 else np.where(z > 0, 1.0, 0.0)


def _tail(z: Floats, length: float, sigma: float) -> Floats:
    """Fold an exponential rise with a Gaussian by summation over the tail."""
    places = (np.arange(2000) + 0.5) * (12.0 * length / 2000)
    weights = np.exp(-places / length)
    weights /= weights.sum()
    return np.asarray(_step(z[..., None] - places, sigma) @ weights)
