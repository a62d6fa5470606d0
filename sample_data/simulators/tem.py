r"""Dark-field image of an interlayer between a curved particle and the electrolyte beside it.

Along the distance :math:`u` from the particle's mean surface the expected dose is

.. math:: I(u) = I_p + (I_l - I_p) \Phi\Bigl(\frac{u - h_1}{s}\Bigr) + (I_e - I_l) \Phi\Bigl(\frac{u - t - h_2}{s}\Bigr)

with roughness :math:`h_1, h_2` of both interfaces, correlated along the surface and independent or in part shared, a
blur :math:`s`, fringes beside the edges, uneven illumination, shot noise, detector gain, offset and noise, and rows
that differ in offset. The thickness :math:`t` is the mean of the layer, of which one image shows only a stretch; in
gaps there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import write_dm3
from .simulated import Fact, Simulated, generator

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """True geometry and contrast.

    Parameters
    ----------
    thickness : float
        Mean thickness along the surface, nm.
    radius : float
        Of the particle in nm.
    direction : float
        Direction of the surface normal at the centre of the image, degree from the x axis.
    roughness, correlation_length : float
        Standard deviation of each interface and length of its Gaussian autocorrelation, nm.
    blur_inner, blur_outer : float
        Standard deviation of each edge in nm.
    doses : tuple of float
        Electrons per pixel in particle, layer and electrolyte.
    conformal : float
        Correlation of the roughness of both interfaces: 1 where the outer follows the inner.
    fringe : float
        Height of a bright and a dark Fresnel fringe beside each edge in units of its contrast.
    gaps : tuple of (float, float)
        Begin and end along the surface of stretches without a layer, nm; 0 is the centre of the image.
    """

    thickness: float = 17.0
    radius: float = 400.0
    direction: float = 20.0
    roughness: float = 0.6
    correlation_length: float = 8.0
    blur_inner: float = 1.0
    blur_outer: float = 1.4
    doses: tuple[float, float, float] = (40.0, 18.0, 6.0)
    conformal: float = 0.0
    fringe: float = 0.0
    gaps: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Detector:
    """Field in pixels, true pixel size in nm, gain, offset and noise in grey values, change of illumination."""

    size: int = 768
    pixel_size: float = 0.2
    gain: float = 90.0
    offset: float = 1000.0
    noise: float = 150.0
    row_noise: float = 30.0
    wedge: float = 0.15


def simulate(layer: Layer, detector: Detector, seed: int) -> tuple[NDArray[np.uint16], dict[str, Fact]]:
    """Return an image and the truth.

    Parameters
    ----------
    layer : Layer
        What is imaged.
    detector : Detector
        What images it.
    seed : int
        Fixes roughness and noise.

    Returns
    -------
    ndarray of uint16, shape (size, size)
    dict of str to Fact
        ``layer_thickness`` in nm: the mean of the layer, not of the stretch in view.
    """
    from scipy.special import ndtr

    random = generator(seed)
    across, along = _coordinates(layer, detector)
    places = np.linspace(float(along.min()), float(along.max()), 4 * detector.size)
    first, second = (_roughness(places, layer, random) for _ in range(2))
    second = layer.conformal * first + np.sqrt(1.0 - layer.conformal**2) * second
    local = _covered(places, layer) * (layer.thickness + second - first)
    inner = across - np.interp(along, places, first)
    outer = inner - np.interp(along, places, local)
    particle, film, electrolyte = layer.doses
    dose = particle + (film - particle) * (ndtr(inner / layer.blur_inner) + _fringe(inner / layer.blur_inner, layer))
    dose += (electrolyte - film) * (ndtr(outer / layer.blur_outer) + _fringe(outer / layer.blur_outer, layer))
    column = np.linspace(-0.5, 0.5, detector.size)
    dose *= 1.0 + detector.wedge * column[None, :]
    grey = detector.offset + detector.gain * random.poisson(np.round(np.maximum(dose, 0.0), 6))
    grey = grey + detector.noise * random.standard_normal(dose.shape)
    grey += detector.row_noise * random.standard_normal((detector.size, 1))
    image = np.clip(np.round(grey), 0, 65535).astype(np.uint16)
    return image, {"layer_thickness": Fact(layer.thickness, 0.0, "nm")}


def _coordinates(layer: Layer, detector: Detector) -> tuple[Floats, Floats]:
    """Return the distance from the particle's mean surface and the arc length along it for every pixel, in nm."""
    angle = np.radians(layer.direction)
    half = 0.5 * (detector.size - 1)
    y, x = (np.mgrid[: detector.size, : detector.size] - half) * detector.pixel_size
    middle = layer.radius + 0.5 * layer.thickness  # the layer's middle lies at the centre of the field
    from_x, from_y = x + middle * np.cos(angle), y + middle * np.sin(angle)
    across = np.hypot(from_x, from_y) - layer.radius
    along = layer.radius * (np.arctan2(from_y, from_x) - angle)
    return across, along


def _covered(places: Floats, layer: Layer) -> Floats:
    """Return 1 where there is a layer and 0 in the gaps, with rims of 1 nm."""
    covered = np.ones_like(places)
    for begin, end in layer.gaps:
        covered *= np.clip(np.maximum(begin - places, places - end) + 0.5, 0.0, 1.0)
    return covered


def _fringe(u: Floats, layer: Layer) -> Floats:
    """Return the derivative of a Gaussian at u blurs from an edge, its extremes at the height of the fringe."""
    return layer.fringe * u * np.exp(0.5 * (1.0 - u**2))


def _roughness(places: Floats, layer: Layer, random: np.random.Generator) -> Floats:
    """Return a random profile of zero mean over the population with a Gaussian autocorrelation."""
    step = places[1] - places[0]
    sigma = layer.correlation_length / np.sqrt(2.0)  # a kernel of this width gives the wanted autocorrelation
    reach = int(np.ceil(4.0 * sigma / step))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / sigma) ** 2)
    kernel /= np.sqrt(np.sum(kernel**2))
    noise = random.standard_normal(places.size + 2 * reach)
    size = 1 << int(np.ceil(np.log2(noise.size + kernel.size)))
    smooth = np.fft.irfft(np.fft.rfft(noise, size) * np.fft.rfft(kernel, size), size)
    return layer.roughness * smooth[2 * reach : 2 * reach + places.size]


def dm3(name: str, layer: Layer, detector: Detector, seed: int, *, stated_pixel_size: float, comment: str) -> Simulated:
    """Return an image as a DM3 file whose calibration says `stated_pixel_size` in nm."""
    image, truth = simulate(layer, detector, seed)
    content = write_dm3.write(image, stated_pixel_size, name=name.removesuffix(".dm3"), comment=comment)
    return Simulated(name, content, truth)


def draw(seed: int) -> Simulated:
    """Return a random layer of 10 to 35 nm in a field of 384 pixels, its pixel size known to 1.5 %."""
    random = generator(seed)
    layer = Layer(
        thickness=float(random.uniform(10.0, 35.0)),
        radius=float(random.uniform(250.0, 800.0)),
        direction=float(random.uniform(0.0, 360.0)),
        roughness=float(random.uniform(0.3, 0.7)),
        correlation_length=float(random.uniform(3.0, 7.0)),
        blur_inner=float(random.uniform(0.8, 1.6)),
        blur_outer=float(random.uniform(0.8, 1.6)),
    )
    detector = Detector(size=384, pixel_size=0.4)
    written = detector.pixel_size * (1.0 + 0.015 * float(random.standard_normal()))
    made = dm3(f"layer_{seed}.dm3", layer, detector, seed + 1, stated_pixel_size=written, comment="drawn at random")
    facts = {"pixel_size_relative_uncertainty": Fact(0.015, 0.0, "1")}
    return Simulated(made.name, made.content, made.truth, facts)
