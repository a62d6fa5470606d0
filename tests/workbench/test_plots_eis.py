"""Figures of spectra: arcs beside spurs of a thousand times their size, several spectra in one."""

from __future__ import annotations

import numpy as np
import pytest

import interlayer as il
from interlayer.analysis import Quantity, eis
from interlayer.parsers import schema
from interlayer.plot_series import arc_edge, cells, overlay
from interlayer.plots import plot_beside

FREQUENCY = np.logspace(6, 0, 49)


def spectrum(resistance, *, blocking=4e-8, noise=0.004, seed=1):
    omega = 2j * np.pi * FREQUENCY
    z = 10.0 + resistance / (1 + omega * resistance * 1.6e-9) + 1 / (blocking * omega**0.9)
    random = np.random.default_rng(seed)
    z = z + noise * np.abs(z) * (random.normal(size=z.size) + 1j * random.normal(size=z.size))
    return schema.build("eis", {"frequency": FREQUENCY, "impedance": z})


@pytest.mark.parametrize("resistance", [300.0, 3e3, 3e4])
def test_spur_does_not_squeeze_the_arc(resistance):
    """At 1 Hz a blocking electrode has 4 Mohm; the arc of 300 ohm must still be an arc."""
    nyquist = il.plot(spectrum(resistance)).axes[0]
    unit = {"$Z'$ (Ω)": 1.0, "$Z'$ (kΩ)": 1e3, "$Z'$ (MΩ)": 1e6}[nyquist.get_xlabel()]
    assert resistance < max(nyquist.get_xlim()) * unit < 4 * resistance
    assert nyquist.get_aspect() == 1.0


def test_spectrum_without_a_spur_is_shown_whole():
    """An arc that ends on the real axis has nothing that could be cut."""
    ds = spectrum(3e3, blocking=1.0)
    assert arc_edge(ds["impedance"]) is None
    left, right = il.plot(ds).axes[0].get_xlim()
    assert left <= 0 < 3.0 < right


def test_inductive_points_stay_in_sight():
    """Leads of a microhenry turn the high-frequency end below the axis; cutting it off would hide them."""
    omega = 2 * np.pi * FREQUENCY
    ds = schema.build("eis", {"frequency": FREQUENCY, "impedance": 10 + 40 / (1 + 1j * omega * 4e-4) + 2e-6j * omega})
    bottom, _ = il.plot(ds).axes[0].get_ylim()
    assert bottom < -12.0


def test_bode_shows_modulus_and_phase():
    """The phase is on an axis of its own, in steps of 30 degrees."""
    _, modulus, phase = il.plot(spectrum(3e3)).axes
    assert modulus.get_yscale() == "log"
    assert phase.get_ylabel() == "phase (degree)"
    assert -90 in phase.get_yticks()


def test_overlay_colours_by_temperature():
    """Six spectra in one figure are told apart by a scale that names the temperatures."""
    spectra = [(t, spectrum(r)) for t, r in ((60.0, 3e3), (25.0, 3e4), (90.0, 3e2))]
    nyquist, bode, bar = overlay(spectra, "temperature (°C)").axes
    assert len(nyquist.lines) == len(bode.lines) == 3
    assert len({line.get_color() for line in nyquist.lines}) == 3
    assert list(bar.get_yticks()) == [25.0, 60.0, 90.0]
    assert bar.get_ylabel() == "temperature (°C)"


def test_cells_show_the_scatter():
    """Whether a coating is resolved is seen from how far the cells of a kind lie apart."""
    specific = [Quantity("area_specific_resistance", value, 0.3, "ohm cm2") for value in (20.0, 21.0, 41.0, 42.0)]
    drawn = [(quantity, spectrum(1e3 * quantity.value)) for quantity in specific]
    nyquist, points = cells(drawn[2:], drawn[:2]).axes
    assert [text.get_text() for text in nyquist.get_legend().get_texts()] == ["bare", "coated"]
    assert [label.get_text() for label in points.get_xticklabels()] == ["bare", "coated"]


def test_checks_stand_side_by_side():
    """Kramers-Kronig residuals and relaxation times are one figure, so that a report of hundreds stays readable."""
    ds = spectrum(3e3)
    figure = plot_beside([eis.linear_kramers_kronig(ds), eis.distribution_of_relaxation_times(ds)])
    left, right = figure.axes
    assert left.get_ylabel() == "residual over modulus (%)"
    assert right.get_xlabel() == "time constant (s)"
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["real", "imaginary"]
