r"""Impedance of one film at several temperatures, and of films with and without a coating.

The sublayers of a film keep their places from one temperature to the next, and all hop with one activation energy:

.. math:: \sigma(T) = \frac{A}{T} e^{-E_a / k T}

The thermometer errs by a little at each temperature. A coating lies in series with the film, and no cell is quite like
the next: electrode area, thickness of film and coating, and leads differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from . import write_dta, write_mpt
from .eis import Analyser, Coating, Film, measure, sublayers
from .simulated import Fact, Simulated, SimulatedSeries, generator, stated

BOLTZMANN = 8.617333262e-5  # eV/K, SI 2019
ZERO_CELSIUS = 273.15
ROOM = 25.0

TEMPERATURES = (25.0, 40.0, 55.0, 70.0, 85.0, 100.0)
SWEEP = Analyser(lowest=1.0, points_per_decade=8)
CELL_SWEEP = Analyser(lowest=10.0, points_per_decade=8, noise=0.003)


@dataclass(frozen=True)
class Heating:
    """A film that is measured at several temperatures.

    Parameters
    ----------
    film : Film
        Its properties; the conductivity is that at 25 degC.
    activation_energy : float
        In eV, of conductivity times absolute temperature.
    temperatures : sequence of float
        True temperatures in degC, in the order of the measurements.
    thermometer : float
        Standard deviation of the stated temperatures in K.
    """

    film: Film
    activation_energy: float
    temperatures: Sequence[float]
    thermometer: float = 0.3


def temperature_series(heating: Heating, analyser: Analyser, seed: int, *, comment: str) -> SimulatedSeries:
    """Return one Gamry file for each temperature, with the temperature that the user reads.

    The electrode's capacitance grows by 0.3 % a kelvin, the leads do not change.
    """
    random = generator(seed)
    cold = sublayers(heating.film, random)
    files = []
    for number, celsius in enumerate(heating.temperatures):
        rise = _rise(heating.activation_energy, celsius)
        film = replace(
            heating.film,
            conductivity=heating.film.conductivity * rise,
            blocking=heating.film.blocking * (1.0 + 0.003 * (celsius - ROOM)),
        )
        spectrum, truth = measure(film, cold / rise, analyser, random)
        fact = stated(celsius, heating.thermometer, "degC", random)
        content = write_dta.impedance(
            spectrum.frequency,
            spectrum.impedance,
            spectrum.time,
            comment=f"{comment} at {fact.value:.1f} degC",
            hour=9 + number,
        )
        files.append(Simulated(f"film_{round(fact.value)}C.DTA", content, truth, {"temperature": fact}))
    truth = {
        "activation_energy": Fact(heating.activation_energy, 0.0, "eV"),
        "ionic_conductivity": Fact(heating.film.conductivity, 0.0, "S cm-1"),
    }
    return SimulatedSeries("temperature series", tuple(files), truth)


def _rise(energy: float, celsius: float) -> float:
    """Return the conductivity over that at 25 degC."""
    kelvin, room = celsius + ZERO_CELSIUS, ROOM + ZERO_CELSIUS
    return float(room / kelvin * np.exp(energy / BOLTZMANN * (1.0 / room - 1.0 / kelvin)))


@dataclass(frozen=True)
class Batch:
    """How cells of a kind differ from each other.

    Parameters
    ----------
    area, film, coating : float
        Relative standard deviations of electrode area and of the thicknesses.
    leads : float
        Standard deviation of the series resistance in ohm.
    """

    area: float = 0.01
    film: float = 0.012
    coating: float = 0.01
    leads: float = 1.5


def cell(
    name: str, film: Film, coating: Coating | None, batch: Batch, analyser: Analyser, seed: int, *, comment: str
) -> Simulated:
    """Return one cell of a batch as an EC-Lab text export."""
    random = generator(seed)
    area, film_part, coating_part, leads = random.standard_normal(4)
    own = replace(
        film,
        area=film.area * (1.0 + batch.area * area),
        thickness=film.thickness * (1.0 + batch.film * film_part),
        series_resistance=max(0.5, film.series_resistance + batch.leads * leads),
    )
    layer = coating and replace(coating, thickness=coating.thickness * (1.0 + batch.coating * coating_part))
    spectrum, _ = measure(own, sublayers(own, random), analyser, random, layer)
    content = write_mpt.impedance(spectrum.frequency, spectrum.impedance, spectrum.time, comment=comment)
    specific = film.thickness * 1e-7 / film.conductivity
    if coating is not None:
        specific += coating.thickness * 1e-7 / coating.conductivity
    return Simulated(name, content, {"area_specific_resistance": Fact(specific, 0.0, "ohm cm2")})


def coated_against_bare(
    film: Film, coating: Coating, batch: Batch, analyser: Analyser, seed: int, *, comment: str
) -> SimulatedSeries:
    """Return three cells with the coating and three without.

    The true resistance of a cell is that of the batch; the cells scatter about it.
    """
    files = []
    for kind, layer in (("coated", coating), ("bare", None)):
        for number in range(1, 4):
            seed += 1
            files.append(
                cell(f"{kind}_{number}.mpt", film, layer, batch, analyser, seed, comment=f"{comment}, {kind}, {number}")
            )
    truth = {
        "ionic_conductivity": Fact(coating.conductivity, 0.0, "S cm-1"),
        "area_specific_resistance": Fact(coating.thickness * 1e-7 / coating.conductivity, 0.0, "ohm cm2"),
    }
    return SimulatedSeries("coated against bare", tuple(files), truth)


def draw_temperatures(seed: int) -> SimulatedSeries:
    """Return a random film at six temperatures from 25 to 100 degC, with the facts stated with error.

    The conductivity at 25 degC is between 1e-8 and 1e-7 S/cm, the activation energy between 0.5 and 0.65 eV; thickness
    is known to 3 %, area to 2.5 %, temperatures to 0.3 K.
    """
    random = generator(seed)
    film = Film(
        conductivity=float(10.0 ** random.uniform(-8.0, -7.0)),
        thickness=float(random.uniform(60.0, 200.0)),
        area=float(random.uniform(2e-3, 1e-2)),
        permittivity=float(random.uniform(15.0, 30.0)),
        blocking=float(10.0 ** random.uniform(-5.5, -4.9)),
        blocking_exponent=float(random.uniform(0.86, 0.95)),
        series_resistance=float(random.uniform(2.0, 20.0)),
        inductance=float(random.uniform(0.2e-6, 1e-6)),
    )
    heating = Heating(film, float(random.uniform(0.5, 0.65)), TEMPERATURES)
    made = temperature_series(heating, SWEEP, seed + 1, comment="simulated film, drawn at random")
    facts = {
        "thickness": stated(film.thickness, 0.03 * film.thickness, "nm", random),
        "area": stated(film.area, 0.025 * film.area, "cm2", random),
    }
    return replace(made, facts=facts)


def draw_cells(seed: int) -> SimulatedSeries:
    """Return three coated and three bare cells drawn at random, with the facts stated with error.

    The coating adds between a third and all of the resistance of the film below it; its thickness is known to 4 %, the
    area to 1 %.
    """
    random = generator(seed)
    film = Film(
        conductivity=float(10.0 ** random.uniform(-6.4, -6.1)),
        thickness=float(random.uniform(400.0, 700.0)),
        area=float(random.uniform(5e-3, 2e-2)),
        blocking=float(10.0 ** random.uniform(-4.6, -4.3)),
        blocking_exponent=float(random.uniform(0.9, 0.95)),
        inductance=float(random.uniform(0.2e-6, 1e-6)),
    )
    thickness = float(random.uniform(15.0, 30.0))
    share = float(random.uniform(0.33, 1.0))
    coating = Coating(thickness * film.conductivity / (share * film.thickness), thickness)
    made = coated_against_bare(film, coating, Batch(), CELL_SWEEP, 1000 * seed, comment="drawn at random")
    facts = {
        "thickness": stated(coating.thickness, 0.04 * coating.thickness, "nm", random),
        "area": stated(film.area, 0.01 * film.area, "cm2", random),
    }
    return replace(made, facts=facts)
