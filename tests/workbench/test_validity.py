"""Whether the data may be believed stands beside every number, and several sweeps in one file are several spectra."""

from __future__ import annotations

import numpy as np
import pytest

import interlayer as il
from interlayer import figures
from interlayer.conditions import temperature_of
from interlayer.experiment import load
from interlayer.parsers import schema
from interlayer.pipeline import _measurements, _Task

FREQUENCY = np.logspace(6, -1, 57)
FACTS = """
[eis]
thickness = { value = 200.0, uncertainty = 4.0, unit = "nm" }
area = { value = 0.01, uncertainty = 1e-4, unit = "cm2" }
temperature = { value = 30.0, uncertainty = 0.5, unit = "degC" }
"""


@pytest.fixture(autouse=True)
def _without_figures(monkeypatch):
    monkeypatch.setattr(figures, "figures", lambda dataset, outcomes: iter(()))


def spectrum(resistance=4e4, drift=0.0, seed=1):
    """Blocking film whose resistance falls by a share of itself while the sweep runs to low frequencies."""
    omega = 2j * np.pi * FREQUENCY
    falling = resistance * (1 - drift * np.linspace(0, 1, FREQUENCY.size))
    z = 25.0 + falling / (1 + omega * falling * 2e-9) + 1 / (2e-6 * omega**0.92)
    random = np.random.default_rng(seed)
    return z + 0.002 * np.abs(z) * (random.normal(size=z.size) + 1j * random.normal(size=z.size))


def write(folder, name, impedance):
    rows = "".join(f"{f:.6e},{z.real:.6e},{z.imag:.6e}\n" for f, z in zip(FREQUENCY, impedance, strict=True))
    (folder / name).write_text("frequency/Hz,Re(Z)/Ohm,Im(Z)/Ohm\n" + rows)


def test_drifting_cell_is_said_to_be_doubtful(tmp_path):
    """A cell that drifts by half during the sweep gives a conductivity like any other; its row must say so."""
    lab = tmp_path / "lab"
    lab.mkdir()
    (lab / "experiment.toml").write_text(FACTS)
    write(lab, "steady.csv", spectrum())
    write(lab, "drifting.csv", spectrum(drift=0.5))
    run = il.run(lab, out=tmp_path / "out")
    verdicts = {(row["file"], row["validity"]) for row in run.rows()}
    assert verdicts == {("steady.csv", "pass"), ("drifting.csv", "warn")}
    reasons = {row["message"] for row in run.rows() if row["file"] == "drifting.csv"}
    assert len(reasons) == 1
    assert "Kramers-Kronig" in reasons.pop()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count('class="validity warn"') == 2  # in the table and in its card
    assert '<tr class="doubt">' in page


def test_every_sweep_is_a_spectrum(tmp_path):
    """One file with a spectrum at each of two temperatures gives two conductivities, each at its own."""
    impedance = np.stack([spectrum(4e4), spectrum(1e4, seed=2)])
    ds = schema.build("eis", {"frequency": FREQUENCY, "impedance": impedance})
    ds = ds.assign_coords(temperature=("sweep", [25.0, 60.0], {"units": "degC"}))
    path = tmp_path / "loops.mpt"
    (tmp_path / "experiment.toml").write_text(FACTS)
    experiment = load(tmp_path / "experiment.toml")
    cold, hot = _measurements(_Task(path, tmp_path, experiment, tmp_path / "out" / "datasets"), {"PEIS": ds})
    assert (cold.group, hot.group) == ("PEIS, sweep 1", "PEIS, sweep 2")
    assert (cold.temperature.value, hot.temperature.value) == (25.0, 60.0)
    assert cold.dataset == hot.dataset
    found = [m.outcomes[0].result["ionic_conductivity"].value for m in (cold, hot)]
    assert found == pytest.approx([2e-5 / (4e4 * 0.01), 2e-5 / (1e4 * 0.01)], rel=0.02)
    assert [m.validity.verdict for m in (cold, hot)] == ["pass", "pass"]


def test_measured_temperature_stands_before_the_stated_one():
    """The folder says 30 degC, the thermocouple 47.2: the file knows better, the folder knows how well."""
    stated = {"temperature": il.Quantity("temperature", 30.0, 0.5, "degC")}
    values = {"frequency": FREQUENCY, "impedance": spectrum()}
    measured = schema.build("eis", values | {"temperature": np.full(FREQUENCY.size, 47.2)})
    found = temperature_of(measured, stated)
    assert (found.value, found.stderr, found.kind) == (pytest.approx(47.2), 0.5, "measured")
    assert temperature_of(measured, {}).stderr is None
    assert temperature_of(schema.build("eis", values), stated).value == 30.0
    assert temperature_of(schema.build("eis", values), {}) is None
