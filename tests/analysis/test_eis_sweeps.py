"""Batch fits: the numbers of single fits, labels that stay, ragged sweeps."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis.eis import circuit_parameters, fit_circuit, fit_sweeps
from interlayer.analysis.eis.circuits import parse_circuit
from interlayer.analysis.eis.fitting.labels import by_time_constant, over_a_series
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema

FREQUENCY = np.logspace(6, -1, 60)
S = 2j * np.pi * FREQUENCY
CIRCUIT = "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3"
TEMPERATURE = np.linspace(-20.0, 40.0, 17)


def _series(energies, noise=0.005, seed=0):
    """Return spectra of a pellet whose two arcs have their own activation energies in eV."""
    random = np.random.default_rng(seed)
    spectra = []
    for celsius in TEMPERATURE:
        x = (1 / (celsius + 273.15) - 1 / 273.15) / 8.617333e-5
        bulk, boundary = 2e5 * np.exp(energies[0] * x), 5e5 * np.exp(energies[1] * x)
        z = 2e3 + bulk / (1 + bulk * 2e-11 * S**0.97) + boundary / (1 + boundary * 2e-9 * S**0.9)
        z = z + 1 / (2e-6 * S**0.85)
        spectra.append(z * (1 + noise * (random.normal(size=S.size) + 1j * random.normal(size=S.size))))
    values = {"frequency": FREQUENCY, "impedance": np.array(spectra)}
    return schema.build("eis", values | {"temperature": xr.Variable("sweep", TEMPERATURE)})


def test_the_numbers_are_those_of_single_fits():
    """A batch is a faster way to the same minimum; another number would be a second truth."""
    dataset = _series((0.4, 0.5))
    fits = fit_sweeps(dataset, CIRCUIT)
    assert fits["converged"].all()
    for place in (0, 8, 16):
        alone = fit_circuit(dataset.isel(sweep=place), CIRCUIT)
        row = fits.isel(sweep=place)
        for quantity in alone.quantities:
            batch = row.sel(parameter=quantity.name)
            assert float(batch["value"]) == pytest.approx(quantity.value, rel=1e-5)
            assert float(batch["stderr"]) == pytest.approx(quantity.stderr, rel=1e-4)
            assert float(batch["interval_high"]) == pytest.approx(quantity.interval95[1], rel=1e-4)
        assert str(row["unit"].sel(parameter="CPE1_Q").values) == "S s^n"


@pytest.mark.parametrize("energies", [(0.3, 0.6), (0.5, 0.3)])
def test_labels_stay_over_a_temperature_series(energies):
    """In other packages the arcs swap between spectra (measured on a published series at 140, 170 and 200 °C)."""
    fits = fit_sweeps(_series(energies), CIRCUIT)
    coefficients = fits["value"].sel(parameter="CPE1_Q").values
    assert np.all((coefficients > 1e-11) & (coefficients < 4e-11))
    resistance = np.log(fits["value"].sel(parameter="R1").values)
    slope = np.polyfit(1 / (8.617333e-5 * (TEMPERATURE + 273.15)), resistance, 1)[0]
    assert slope == pytest.approx(energies[0], abs=0.01)


def test_capacitance_decides_where_arcs_change_places_in_time():
    """Two processes may cross in time; their capacitances hardly change, so the numbers must follow these."""
    circuit = parse_circuit("R0-p(R1,C1)-p(R2,C2)")
    ln_r1 = np.linspace(np.log(1e8), np.log(1e2), 9)
    theta = np.array([np.zeros(9), ln_r1, np.full(9, np.log(1e-9)), np.full(9, np.log(1e3)), np.full(9, np.log(1e-6))])
    by_time = np.array([by_time_constant(circuit, column) for column in theta.T])
    assert by_time[0].tolist() != by_time[-1].tolist()  # they do cross
    sorted_theta = np.take_along_axis(theta, over_a_series(circuit, theta), axis=0)
    assert np.ptp(sorted_theta[2]) == np.ptp(sorted_theta[4]) == 0.0


def test_start_values_and_constraints_hold_for_all():
    """One fixed exponent for a whole series is a usual way to stabilise it."""
    dataset = _series((0.4, 0.5))
    parameters = circuit_parameters(CIRCUIT)
    parameters["CPE1_n"].set(value=0.97, vary=False)
    fits = fit_sweeps(dataset, CIRCUIT, parameters=parameters)
    assert "CPE1_n" not in fits["parameter"]
    assert fits.attrs["held_CPE1_n"] == 0.97
    assert float(fits["stderr"].sel(parameter="CPE1_Q").max()) < 1e-12


def test_sweeps_of_different_length():
    """Aborted sweeps are padded with NaN; they are fitted with what they have, and an empty one stays empty."""
    dataset = _series((0.4, 0.5)).copy(deep=True)
    dataset["impedance"].values[3, 50:] = np.nan
    dataset["impedance"].values[5] = np.nan
    fits = fit_sweeps(dataset, CIRCUIT)
    assert fits["n_points"].values[[2, 3, 5]].tolist() == [60, 50, 0]
    alone = fit_circuit(dataset.isel(sweep=3), CIRCUIT)
    assert float(fits["value"].sel(parameter="R1")[3]) == pytest.approx(alone["R1"].value, rel=1e-5)
    assert np.isnan(fits["value"].values[5]).all()
    with pytest.raises(NotAnalysable, match="no dimension 'sweep'"):
        fit_sweeps(dataset.isel(sweep=0), CIRCUIT)
