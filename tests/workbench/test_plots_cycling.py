"""Figures of cycling: axes and labels say what was measured, and nothing that matters is thinned away."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest

import interlayer as il
from interlayer.analyses_cycling import of_record
from interlayer.analysis import Quantity, cycling
from interlayer.plot_style import envelope
from interlayer.plots import plot_beside, record_with_events

CATHODE = {"cell_type": "cathode_half", "reference_cycle": 1}


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def result(outcomes, name):
    return next(o.result for o in outcomes if o.result is not None and name in o.result)


def test_retention_crosses_out_what_is_incomplete(half_cell, fading):
    """The cut discharge at the end of a test looks like a dead cell, unless it is marked."""
    ds = half_cell(fading)
    cut = ds.isel(record=slice(0, ds.sizes["record"] - 20))
    capacity, efficiency = il.plot(cycling.capacity_retention(cut, **CATHODE)).axes
    assert labels(capacity) == ["charge", "discharge", "incomplete"]
    assert capacity.get_ylabel() == "capacity (mA h)"
    assert capacity.get_ylim()[0] == 0
    crosses = [line for line in capacity.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert {float(x) for line in crosses for x in line.get_xdata()} == {24.0}
    assert efficiency.get_ylabel() == "coulombic efficiency (%)"
    assert efficiency.get_ylim()[0] < 99.9 < efficiency.get_ylim()[1]


def test_specific_capacities_are_drawn_in_their_unit(half_cell, fading):
    """With a mass the axis is that of papers, mA h/g."""
    mass = Quantity("active_mass", 8.0, 0.1, "mg")
    capacity, _ = il.plot(cycling.capacity_retention(half_cell(fading), active_mass=mass, **CATHODE)).axes
    assert capacity.get_ylabel() == "capacity (mA h g⁻¹)"
    drawn = next(line for line in capacity.lines if line.get_label() == "discharge")
    assert max(drawn.get_ydata()) == pytest.approx(125.0, rel=1e-3)  # 1 mA h on 8 mg


def test_one_bad_cycle_does_not_flatten_the_efficiency(half_cell, fading):
    """99.9 % and 99.8 % must be told apart though the first cycle has 50 %; what is beyond is marked and named."""
    charges = fading.copy()
    ds = half_cell(charges, efficiency=np.r_[0.5, np.linspace(0.998, 0.999, 23)].mean())
    found = cycling.capacity_retention(ds, **CATHODE)
    curves = found.curves.copy(deep=True)
    curves["coulombic_efficiency"][:] = np.r_[0.5, np.linspace(0.998, 0.999, 23)]
    _, efficiency = il.plot(il.Result(method="m", quantities=found.quantities, curves=curves)).axes
    low, high = efficiency.get_ylim()
    assert high - low < 1.0
    assert any("1 beyond the axis" in text.get_text() for text in efficiency.texts)


def test_fade_shows_law_band_and_where_it_reaches_a_fraction(half_cell, fading):
    """A number of cycles to 95 % is read beside the points that carry it."""
    summary = cycling.summarise(half_cell(fading), cell_type="cathode_half")
    ax = il.plot(cycling.capacity_fade(summary, reference_cycle=1)).axes[0]
    assert labels(ax)[0].endswith("law")
    assert "used" in labels(ax)
    (text,) = [text.get_text() for text in ax.texts]
    assert re.fullmatch(r"95 %: 12\.\d+ ± [\d.]+ cycles", text)  # 0.4 % a cycle from cycle 1
    relative = ax.child_axes[0]
    assert relative.get_ylabel() == "of the reference (%)"


def test_rates_are_called_as_people_call_them(half_cell):
    """C/10, not 0.1003 1/h; without a nominal capacity the current itself."""
    currents, capacities = np.repeat([1.01e-4, 5e-4, 2e-3, 1.01e-4], 3), np.repeat([1e-3, 9e-4, 5e-4, 1e-3], 3)
    ds = half_cell(capacities, currents=currents)
    nominal = Quantity("nominal_capacity", 1.0, None, "mA h")
    ax = il.plot(cycling.rate_capability(ds, cell_type="cathode_half", reference_capacity=nominal)).axes[0]
    assert [text.get_text() for text in ax.texts] == ["C/10", "C/2", "2C", "C/10"]
    ax = il.plot(cycling.rate_capability(ds, cell_type="cathode_half")).axes[0]
    assert [text.get_text() for text in ax.texts] == ["0.101 mA", "0.5 mA", "2 mA", "0.101 mA"]


def test_derivatives_of_half_cycles_share_a_plot(half_cell, fading):
    """Charge upwards, discharge downwards, one colour a cycle: the shift of a peak is seen at a glance."""
    outcomes = list(of_record(half_cell(fading), CATHODE))
    figure = plot_beside([o.result for o in outcomes if o.role == "detail"])
    profile, density, slope = figure.axes
    assert (profile.get_xlabel(), profile.get_ylabel()) == ("capacity (mA h)", "voltage (V)")
    assert labels(profile) == ["cycle 1", "cycle 24", "charge", "discharge"]
    assert (density.get_xlabel(), density.get_ylabel()) == ("voltage (V)", "dQ/dV (mA h V⁻¹)")
    assert density.get_ylim()[0] < 0 < density.get_ylim()[1]
    assert labels(density) == ["cycle 1", "cycle 24"]
    assert slope.get_ylabel() == "dV/dQ (V (mA h)⁻¹)"


def test_polarisation_shows_growth_and_what_is_shorted(symmetric):
    """The growth is that of the sound half cycles; shorted ones have another colour."""
    levels = np.r_[0.1 + 2e-3 * np.arange(14), np.full(6, 0.004)]
    ds = symmetric(levels)
    ax = il.plot(cycling.polarisation(ds)).axes[0]
    assert ax.get_ylabel() == "overpotential (mV)"
    assert ax.get_xlabel() == "half cycle"
    assert {"start", "end", "plateau", "shorted"} < set(labels(ax))
    assert any(label.startswith("growth 2.0") and label.endswith("mV per half cycle") for label in labels(ax))
    voltage, current = record_with_events(ds, [cycling.shorts(ds)]).axes
    assert labels(voltage) == ["hard short"]
    assert (voltage.get_ylabel(), current.get_ylabel()) == ("voltage (mV)", "current (µA)")


def test_critical_current_is_drawn_with_its_bracket(symmetric):
    """Between the last step survived and the first that shorted nothing is known."""
    currents = np.repeat([1e-4, 2e-4, 3e-4, 4e-4], 4)
    levels = 1e3 * currents
    levels[13:] = 0.01
    found = cycling.critical_current(symmetric(levels, currents=currents), area=Quantity("area", 0.5, 0.01, "cm2"))
    ax = il.plot(found).axes[0]
    assert ax.get_ylabel() == "current density (µA cm⁻²)"
    assert labels(ax) == ["hard short"]


def titration():
    """Pulses of half an hour and rests of an hour on a sloping voltage, diffusion written as a root of time."""
    time, voltage, current, level, now = [], [], [], 3.5, 0.0
    for _ in range(6):
        rest, pulse = np.arange(0.0, 3600.0, 30.0), np.arange(0.0, 1800.0, 10.0)
        time += [now + rest, now + 3600.0 + pulse]
        voltage += [np.full(rest.size, level), level + 0.02 + 0.05 * np.sqrt(pulse / 1800.0)]
        current += [np.zeros(rest.size), np.full(pulse.size, 1e-4)]
        now, level = now + 5400.0, level + 0.03
    rest = np.arange(0.0, 3600.0, 30.0)
    parts = [
        np.concatenate([*a, b])
        for a, b in ((time, now + rest), (voltage, np.full(rest.size, level)), (current, 0 * rest))
    ]
    return il.parsers.schema.build("cycling", dict(zip(("test_time", "voltage", "current"), parts, strict=True)))


def test_titration_shows_open_circuit_voltage_and_diffusion():
    """The coefficient changes by decades over the charge, so its axis is logarithmic."""
    found = cycling.gitt(titration(), diffusion_length=Quantity("diffusion_length", 1.0, 0.05, "um"))
    voltage, diffusion = il.plot(found).axes
    assert voltage.get_ylabel() == "open-circuit voltage (V)"
    assert diffusion.get_ylabel() == "diffusion coefficient (cm² s⁻¹)"
    assert diffusion.get_yscale() == "log"
    assert labels(voltage) == ["charge"]


def test_a_titration_asks_for_its_length_only_where_there_is_one(half_cell, fading):
    """Plain cycling must not be nagged for a diffusion length."""
    outcomes = list(of_record(titration(), CATHODE))
    assert [entry.key for outcome in outcomes for entry in outcome.missing] == ["cycling.diffusion_length"]
    assert not [outcome for outcome in of_record(half_cell(fading), CATHODE) if outcome.missing]


def test_nothing_is_drawn_across_a_gap(half_cell, fading):
    """A line over two days in which nobody measured is a measurement that nobody made."""
    ds = half_cell(fading)
    later = ds["test_time"].values + np.where(np.arange(ds.sizes["record"]) >= 500, 48 * 3600.0, 0.0)
    gapped = ds.assign_coords(test_time=ds["test_time"].copy(data=later))
    whole, broken = (il.plot(each).axes[0].lines[0].get_ydata() for each in (ds, gapped))
    assert (np.isnan(whole[:-1]).sum(), np.isnan(broken[:-1]).sum()) == (0, 1)


def test_short_records_are_drawn_in_minutes(half_cell):
    """An axis from 62.5830 to 62.6155 h is not read."""
    ds = half_cell([1e-6])
    assert il.plot(ds).axes[-1].get_xlabel() == "time (s)"
    assert (
        il.plot(ds.isel(record=slice(0, 60)).assign_coords(test_time=ds["test_time"][:60] * 100)).axes[-1].get_xlabel()
        == "time (min)"
    )


@pytest.mark.parametrize("place", [0, 1234, 567890, 999999])
def test_thinning_keeps_peaks(place):
    """A short circuit of one record in a million is what the figure is looked at for."""
    x = np.arange(1e6)
    y = np.sin(1e-4 * x)
    y[place], y[5], y[77] = 7.0, np.nan, -9.0
    few_x, few_y = envelope(x, y)
    assert few_x.size <= 4000
    assert np.all(np.diff(few_x) > 0)
    assert (np.nanmax(few_y), np.nanmin(few_y)) == (7.0, -9.0)
    assert few_x[np.nanargmax(few_y)] == place


def test_long_records_make_light_figures(half_cell, fading):
    """A report of a hundred cells with a million records each must still open."""
    ds = half_cell(fading, points=4000)
    buffer = io.BytesIO()
    record_with_events(ds, []).savefig(buffer, format="svg")
    assert len(buffer.getvalue()) < 4e5
