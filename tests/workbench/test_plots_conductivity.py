"""Figures of series of conductivities: the points, the line with its band, the number that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis import Quantity, Result, eis
from interlayer.plots import plot


def quantities(name, values, unit, relative) -> list[Quantity]:
    return [Quantity(name, v, None if relative is None else relative * v, unit) for v in values]


def temperature_series(relative: float | None) -> Result:
    sigma = (2.1e-7, 3.7e-7, 6.3e-7, 1.1e-6)
    kelvin = quantities("temperature", (413.0, 423.0, 433.0, 443.0), "K", None)
    return eis.arrhenius(quantities("ionic_conductivity", sigma, "S cm-1", relative), kelvin)


@pytest.mark.parametrize("relative", [0.03, None])
def test_arrhenius_shows_the_extrapolation(relative):
    """Conductivity is logarithmic over 1000/T, and the axis reaches to the temperature asked for, with its interval."""
    figure = plot(temperature_series(relative))
    (ax,) = figure.axes
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("1000/T (K⁻¹)", "ionic conductivity (S cm⁻¹)")
    left, right = ax.get_xlim()
    assert left < 1e3 / 443 < 1e3 / 298.15 < right


def test_thickness_series_reaches_the_contact_resistance():
    """The line is drawn to no thickness, where the contact resistance is read."""
    result = eis.thickness_series(
        quantities("area_specific_resistance", (9.1, 14.2, 23.8, 34.1), "ohm cm2", 0.02),
        quantities("thickness", (50.0, 100.0, 200.0, 300.0), "nm", 0.03),
    )
    (ax,) = plot(result).axes
    line = ax.lines[0].get_xydata()
    assert line[0] == pytest.approx((0.0, result["contact_resistance"].value))
    assert np.all(np.diff(line[:, 0]) > 0)
    assert ax.get_xlim()[0] == 0.0
