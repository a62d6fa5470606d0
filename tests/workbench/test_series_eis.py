"""Impedance across files: what belongs together, what is computed from it, and what is left out with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interlayer.analysis import Quantity, Result
from interlayer.experiment import Experiment
from interlayer.members import Member
from interlayer.outcome import FileOutcome, MeasurementOutcome, Outcome, Validity
from interlayer.series_eis import coated_against_bare, temperature_series, thickness_series

BOLTZMANN = 8.617333262e-5
ENERGY, PREFACTOR = 0.6, 4e5  # eV, S K cm-1
THICKNESS, AREA = Quantity("thickness", 100.0, 3.0, "nm"), Quantity("area", 8e-3, 2e-4, "cm2")
ROOT = Path("lab")
PASS = Validity("pass", "consistent")


def conductivity(celsius):
    kelvin = celsius + 273.15
    return PREFACTOR / kelvin * np.exp(-ENERGY / (BOLTZMANN * kelvin))


def member(name, quantities, facts, *, celsius=None, start="", validity=PASS, folder=ROOT, sample="film"):
    """Return one spectrum of a run as the series step sees it."""
    geometry = {key: facts[key].relative for key in ("thickness", "area") if key in facts}
    budget = {q.name: {key: q.value * share for key, share in geometry.items()} for q in quantities}
    outcomes = (
        Outcome(result=Result(method="fit", quantities=tuple(quantities), budget=budget)),
        Outcome(role="check", validity=validity),
    )
    temperature = None if celsius is None else Quantity("temperature", celsius, 0.3, "degC")
    measurement = MeasurementOutcome(
        group="eis", technique="eis", sizes={}, dataset="", start_time=start, temperature=temperature, outcomes=outcomes
    )
    file = FileOutcome(path=name, status="read", sample=sample, measurements=(measurement,))
    return Member(Experiment(folder), facts, folder / name, file, measurement, Path("results"))


def film(name, celsius, *, factor=1.0, relation="=", facts=None, **more):
    sigma = conductivity(celsius if celsius is not None else 25.0) * factor
    stderr = sigma * np.hypot(0.01, np.hypot(THICKNESS.relative, AREA.relative)) if relation == "=" else None
    found = Quantity("ionic_conductivity", sigma, stderr, "S cm-1", relation=relation)
    return member(name, [found], {"thickness": THICKNESS, "area": AREA} | (facts or {}), celsius=celsius, **more)


def heated(*celsius, **more):
    return [film(f"{number}.mpt", t, **more) for number, t in enumerate(celsius)]


def test_activation_energy_of_a_film():
    """Ea and the conductivity at 25 degC that went in come out; geometry widens the second, not the first."""
    (series,) = temperature_series(heated(30.0, 50.0, 70.0, 90.0))
    energy, sigma = series.outcome.headlines
    assert (energy.name, sigma.name) == ("activation_energy", "ionic_conductivity")
    assert energy.value == pytest.approx(ENERGY, rel=1e-6)
    assert sigma.value == pytest.approx(conductivity(25.0), rel=1e-6)
    geometry = np.hypot(0.03, 0.025)
    assert series.outcome.result.budget["ionic_conductivity"]["shared"] == pytest.approx(geometry * sigma.value)
    assert energy.stderr < 0.02
    assert series.temperature.value == 25.0


def test_repeats_at_one_temperature_are_no_temperature_series():
    """Three sweeps at 25 degC within a degree are repeats; a line through them would be an invention."""
    assert list(temperature_series(heated(25.0, 25.4, 24.7, 60.0))) == []


def test_films_of_one_folder_are_kept_apart():
    """Two films in a folder, told apart by thickness or by name, must not share a line."""
    thick = {"thickness": Quantity("thickness", 300.0, 9.0, "nm")}
    two = [*heated(30.0, 50.0, 70.0), *heated(30.0, 50.0, 70.0, facts=thick, factor=2.0)]
    named = [*heated(30.0, 50.0, 70.0), *heated(30.0, 50.0, 70.0, facts={"series": "second dot"}, factor=2.0)]
    folders = [*heated(30.0, 50.0, 70.0), *heated(30.0, 50.0, 70.0, folder=ROOT / "b", factor=2.0)]
    for members in (two, named, folders):
        values = [s.outcome.result["ionic_conductivity"].value for s in temperature_series(members)]
        assert values == pytest.approx([conductivity(25.0), 2 * conductivity(25.0)], rel=1e-6)


def test_limits_are_left_out_and_named():
    """A spectrum whose arc is beyond 1 MHz gives a limit; the others of the series are good data."""
    members = [*heated(30.0, 50.0, 70.0), film("hot.mpt", 120.0, relation=">"), film("unknown.mpt", None)]
    (series,) = temperature_series(members)
    assert series.outcome.result["activation_energy"].value == pytest.approx(ENERGY, rel=1e-6)
    assert any("hot.mpt, unknown.mpt" in note for note in series.outcome.result.notes)
    failed = replace(members[-2], measurement=replace(members[-2].measurement, outcomes=(Outcome(declined="noise"),)))
    (series,) = temperature_series([*members[:3], failed])
    assert any("hot.mpt" in note for note in series.outcome.result.notes)
    too_few = [*heated(30.0, 50.0), film("hot.mpt", 120.0, relation=">")]
    (declined,) = temperature_series(too_few)
    assert "2 temperatures" in declined.outcome.declined


def test_heating_and_cooling_are_compared():
    """A film that changes on the way up must not hide in one line through both ways."""
    up = heated(30.0, 50.0, 70.0, 90.0)
    down = [film(f"down_{t}.mpt", t, factor=1.5) for t in (75.0, 55.0, 35.0)]
    hours = [replace(m, measurement=replace(m.measurement, start_time=f"2026-03-01T{8 + n:02}:00")) for n, m in
             enumerate([*up, *down])]  # fmt: skip
    (series,) = temperature_series(list(reversed(hours)))
    names = [quantity.name for quantity in series.outcome.headlines]
    assert {"activation_energy_heating", "activation_energy_cooling"} <= set(names)
    (mixed,) = temperature_series([*up, *down])  # without times nobody knows the order
    assert [quantity.name for quantity in mixed.outcome.headlines] == ["activation_energy", "ionic_conductivity"]


def test_bulk_and_grain_boundaries_have_lines_of_their_own():
    """A pellet's two arcs are two processes with two activation energies."""
    members = []
    for m, factor in zip(heated(140.0, 170.0, 200.0), (1.0, 1.3, 1.6), strict=True):
        (total,) = m.quantities
        bulk = replace(total, name="bulk_conductivity", value=total.value * factor, stderr=total.stderr * factor)
        found = replace(m.measurement.outcomes[0], result=Result(method="fit", quantities=(total, bulk)))
        members.append(replace(m, measurement=replace(m.measurement, outcomes=(found,))))
    total, bulk = temperature_series(members)
    assert (total.kind, bulk.kind) == ("temperature series", "temperature series, bulk")
    assert bulk.outcome.headlines[0].value > total.outcome.headlines[0].value + 0.05


def test_doubtful_spectra_make_the_series_doubtful():
    """An activation energy from drifting cells looks like any other number."""
    members = [*heated(30.0, 50.0), film("drift.mpt", 70.0, validity=Validity("warn", "drifted"))]
    (series,) = temperature_series(members)
    assert series.outcome.validity.verdict == "warn"
    assert "drift.mpt" in series.outcome.validity.reason
    (clean,) = temperature_series(heated(30.0, 50.0, 70.0))
    assert clean.outcome.validity.verdict == "pass"


COATING = {"coating_thickness": Quantity("thickness", 10.0, 0.4, "nm"), "bare": ("bare_*",)}


def cells(kind, ohm, facts=COATING, **more):
    area = {"area": Quantity("area", 0.5, 0.001, "cm2")}
    return [
        member(f"{kind}_{n}.mpt", [Quantity("ionic_resistance", r, 0.2, "ohm")], area | facts, **more)
        for n, r in enumerate(ohm)
    ]


def test_coating_from_resistances_and_area():
    """sigma = d / (A (R_coated - R_bare)) = 1e-6 cm / (0.5 cm2 * 40 ohm) = 5e-8 S/cm; no cell needs a thickness."""
    (series,) = coated_against_bare([*cells("coated", (121.0, 123.5, 122.0)), *cells("bare", (81.7, 82.4, 82.4))])
    sigma, specific = series.outcome.headlines
    assert sigma.value == pytest.approx(5e-8, rel=1e-6)
    assert specific.value == pytest.approx(20.0, rel=1e-6)
    assert series.outcome.result.diagnostics["n_bare"] == 3


def test_uncertainty_of_a_common_area_scales_the_coating():
    """One mask for all cells: its area is wrong for coated and bare alike and cannot hide behind their scatter."""
    (series,) = coated_against_bare([*cells("coated", (121.0, 123.5, 122.0)), *cells("bare", (81.7, 82.4, 82.4))])
    sources = series.outcome.result.budget["ionic_conductivity"]
    assert any(value == pytest.approx(0.002 * 5e-8, rel=1e-6) for value in sources.values()), sources


def test_unresolved_coating_is_a_limit():
    """Where the cells scatter more than the coating adds there is a limit and no number."""
    (series,) = coated_against_bare([*cells("coated", (82.0, 83.5, 81.0)), *cells("bare", (81.7, 82.4, 80.4))])
    assert series.outcome.headlines[0].relation == ">"


def test_each_coating_and_temperature_is_compared_with_the_bare_cells():
    """Two thicknesses of coating share the bare cells; cells at 60 degC are not compared with bare ones at 25 degC."""
    thick = COATING | {"coating_thickness": Quantity("thickness", 20.0, 0.8, "nm")}
    members = [
        *cells("thin", (121.0, 123.5, 122.0), celsius=25.0),
        *cells("thick", (161.0, 163.5, 162.0), thick, celsius=25.0),
        *cells("bare", (81.7, 82.4, 82.4), celsius=25.3),
        *cells("thin_hot", (41.0, 43.5), celsius=60.0),
    ]
    cold, hot, double = coated_against_bare(members)
    assert cold.outcome.headlines[0].value == pytest.approx(5e-8, rel=1e-6)
    assert double.outcome.headlines[0].value == pytest.approx(5e-8, rel=1e-6)
    assert double.kind == "coated against bare, 20 nm"
    assert "no bare cell" in hot.outcome.declined


def test_missing_facts_of_a_coating_are_named():
    """Whoever states the thickness of a coating wants its conductivity, and is told what else it needs."""
    facts = {key: value for key, value in COATING.items() if key != "bare"}
    (series,) = coated_against_bare(cells("coated", (121.0, 123.5, 122.0), facts))
    assert [entry.key for entry in series.outcome.missing] == ["eis.bare"]


def test_pattern_that_takes_all_cells_is_noticed():
    """With every file called bare there is nothing to compare, and silence would look like no coating."""
    facts = COATING | {"bare": ("*",)}
    (series,) = coated_against_bare(cells("coated", (121.0, 123.5, 122.0), facts))
    assert "matches every file" in series.outcome.declined


def stack(nm, ohm, name="stack", **more):
    facts = {"thickness": Quantity("thickness", nm, 0.02 * nm, "nm"), "series": name}
    specific = Quantity("area_specific_resistance", ohm, 0.01 * ohm, "ohm cm2")
    return member(f"{nm}nm/a.mpt", [specific], facts, folder=ROOT / f"{nm}nm", sample=f"{nm} nm", **more)


def test_thickness_series_across_folders():
    """Films in folders of their own, one name: 4 ohm cm2 of contacts and 0.1 ohm cm2 per nm, 1e-6 S/cm."""
    films = [stack(nm, 4.0 + 0.1 * nm) for nm in (50.0, 100.0, 200.0, 300.0)]
    (series,) = thickness_series([*films, stack(70.0, 99.0, "another")])
    sigma, contact = series.outcome.headlines
    assert sigma.value == pytest.approx(1e-6, rel=1e-6)
    assert contact.value == pytest.approx(4.0, rel=1e-6)
    assert series.name == "stack"
    (declined,) = thickness_series(films[:2])
    assert "2 thicknesses" in declined.outcome.declined
    assert list(thickness_series(films[:1])) == []
