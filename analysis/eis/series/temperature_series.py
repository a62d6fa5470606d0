"""Conductivities of one sample at several temperatures, as the laws of conduction take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity
from ...units import UnitError
from ..circuits import Floats
from .stated import checked, own_relative
from .straight_line import StraightLine, straight_line

BOLTZMANN = 8.617333262e-5
"""In eV K-1, exact in the SI of 2019."""
ROOM = Quantity("temperature", 25.0, None, "degC")
"""Where papers compare conductivities."""
LARGEST_LOGARITHM = 600.0
"""Of a number that can still be written down with its interval."""

_ZERO = {"degC": 273.15, "K": 0.0}
_NEAR = 0.5


@dataclass(frozen=True)
class TemperatureSeries:
    """Conductivities in S cm-1 over temperatures in K.

    Parameters
    ----------
    conductivity, temperature : array, shape (n,)
        The points.
    relative : array, shape (n,)
        Relative standard uncertainties less what all share; all zero where none are stated.
    temperature_spread : array, shape (n,)
        Standard uncertainties in K, independent of each other.
    power : float
        m of ``y = ln(sigma T^m)``, the logarithm that the law describes.
    """

    conductivity: Floats
    temperature: Floats
    relative: Floats
    temperature_spread: Floats
    power: float

    @classmethod
    def of(
        cls, conductivities: Sequence[Quantity], temperatures: Sequence[Quantity], power: float, shared: float
    ) -> TemperatureSeries:
        """Check and convert what is stated; `shared` is the relative uncertainty that all conductivities share."""
        if len(conductivities) != len(temperatures):
            raise NotAnalysable(f"found {len(conductivities)} conductivities at {len(temperatures)} temperatures")
        stated = checked(conductivities, "S cm-1")
        for quantity in stated:
            if quantity.value <= 0:
                raise NotAnalysable(f"found {quantity}; a conductivity that is not above 0 has no logarithm")
        both = np.array([kelvin(temperature) for temperature in temperatures]).reshape(-1, 2)
        values = np.array([quantity.value for quantity in stated])
        return cls(values, both[:, 0], own_relative(stated, shared), both[:, 1], power)

    @property
    def x(self) -> Floats:
        """1/T in K-1."""
        return 1.0 / self.temperature

    @property
    def y(self) -> Floats:
        """Logarithm of the conductivity times the power of T."""
        return np.log(self.conductivity) + self.power * np.log(self.temperature)

    @property
    def weighted(self) -> bool:
        """Whether all points state an uncertainty of their own."""
        return bool(np.all(self.relative > 0))

    @property
    def lowest(self) -> float:
        """Lowest temperature in K."""
        return float(self.temperature.min())

    @property
    def highest(self) -> float:
        """Highest temperature in K."""
        return float(self.temperature.max())

    def chosen(self, which: Floats) -> TemperatureSeries:
        """Return the points of a mask."""
        parts = {name: getattr(self, name)[which] for name in _PER_POINT}
        return replace(self, **parts)

    def line(self) -> StraightLine:
        """Fit y over 1/T; an error of T moves x, and with a power of T y too."""
        x_spread = self.temperature_spread / self.temperature**2
        moved = self.temperature_spread / self.temperature * self.power
        y_spread = np.where(self.relative > 0, np.hypot(self.relative, moved), 0.0)
        return straight_line(self.x, self.y, x_spread, y_spread, -x_spread * moved)

    def residual_spread(self, slope: float) -> Floats:
        """Return standard uncertainties of the residuals of a line in 1/T; zero where none are stated."""
        moved = (slope / self.temperature + self.power) * self.temperature_spread / self.temperature
        return np.where(self.relative > 0, np.hypot(self.relative, moved), 0.0)

    def diagnostics(self, asked: float) -> dict[str, float]:
        """Return the temperature asked for and the range of the data, in K."""
        return {"temperature": asked, "lowest_temperature": self.lowest, "highest_temperature": self.highest}

    def notes(self, asked: float, shared: float) -> Iterator[str]:
        """Say how far the temperature asked for is from the data, and what is not in the uncertainty."""
        if asked < self.lowest - _NEAR:
            yield f"the conductivity is extrapolated by {self.lowest - asked:.0f} K below the lowest temperature"
        if asked > self.highest + _NEAR:
            yield f"the conductivity is extrapolated by {asked - self.highest:.0f} K above the highest temperature"
        if not shared:
            yield "no uncertainty that all temperatures share (thickness, area) is stated apart from the others"
        if not self.temperature_spread.all():
            yield "temperatures without uncertainty count as exact"

    def curves(self, grid: Floats, centre: Floats, low: Floats, high: Floats) -> xr.Dataset:
        """Return the points and a law with its 95 % band over temperature, from logarithms y on a grid in K."""
        of_temperature = self.power * np.log(grid)
        kept = {"units": "S cm-1", "long_name": "ionic conductivity"}
        own = np.where(self.relative > 0, self.relative * self.conductivity, np.nan)
        law = {"arrhenius_line": centre, "arrhenius_low": low, "arrhenius_high": high}
        return xr.Dataset(
            {
                "conductivity": ("temperature", self.conductivity, kept),
                "conductivity_stderr": ("temperature", own, {"units": "S cm-1"}),
            }
            | {
                name: ("temperature_line", np.exp(np.minimum(y - of_temperature, 700.0)), kept)
                for name, y in law.items()
            },
            coords={
                "temperature": ("temperature", self.temperature, {"units": "K", "long_name": "temperature"}),
                "temperature_line": ("temperature_line", grid, {"units": "K", "long_name": "temperature"}),
            },
        )


_PER_POINT = ("conductivity", "temperature", "relative", "temperature_spread")


def kelvin(temperature: Quantity) -> tuple[float, float]:
    """Return temperature and standard uncertainty in K."""
    if temperature.unit not in _ZERO:
        raise UnitError(f"found {temperature}; expected a temperature in degC or K")
    value = temperature.value + _ZERO[temperature.unit]
    if value <= 0:
        raise NotAnalysable(f"found {temperature}, which is not above absolute zero")
    return value, temperature.stderr or 0.0
