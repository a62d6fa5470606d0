"""Capacities per mass, area, volume and thickness, and that nothing is ever divided by a placeholder."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity, cycling
from interlayer.analysis.cycling.capacities.normalisation import Geometry
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.units import UnitError
from interlayer.parsers import ParseError, read_tree, schema

AREA = Quantity("area", 1.2, 0.012, "cm2")
THICKNESS = Quantity("thickness", 500.0, 10.0, "nm")
MASS = Quantity("active_mass", 0.303, 0.003, "mg")
THEORY = 137.0 * 5.05 * 1e-1  # uA h cm-2 um-1 of LiCoO2: mA h g-1 x g cm-3, half of the lithium


def film(capacity: float = THEORY * 1e-6 * 1.2 * 0.5) -> xr.Dataset:
    """Return the record of a thin-film cell of LiCoO2, 500 nm on 1.2 cm2, at its theoretical capacity in A h."""
    time, current, now = [], [], 0.0
    for index in range(6):
        time.append(now + np.linspace(0.0, 3600.0 * capacity / 1e-5, 60))
        current.append(np.full(60, 1e-5 if index % 2 == 0 else -1e-5))
        now = time[-1][-1] + 1e-3
    time, current = np.concatenate([*time, [now, now + 600.0]]), np.concatenate([*current, [0.0, 0.0]])
    voltage = np.where(current > 0, 4.2, np.where(current < 0, 3.0, 3.9))
    return schema.build("cycling", {"test_time": time, "voltage": voltage, "current": current})


def test_a_dense_film_of_licoo2_reaches_its_theory_in_every_unit():
    """69 uA h cm-2 um-1 is the number that every paper on thin-film LiCoO2 compares with (137 mA h/g x 5.05 g/cm3)."""
    assert pytest.approx(69.2, abs=0.05) == THEORY
    facts = {"active_mass": MASS, "area": AREA, "thickness": THICKNESS}
    result = cycling.capacity_retention(film(), cell_type="cathode_half", reference_cycle=1, **facts)
    by_thickness, by_volume = (result[f"discharge_capacity_by_{basis}"] for basis in ("thickness", "volume"))
    assert (by_thickness.value, by_thickness.unit) == (pytest.approx(THEORY, rel=1e-6), "uA h cm-2 um-1")
    assert (by_volume.value, by_volume.unit) == (pytest.approx(137.0 * 5.05, rel=1e-6), "mA h cm-3")
    assert by_volume.to("uA h cm-2 um-1").value == pytest.approx(THEORY, rel=1e-6)
    np.testing.assert_allclose(result.curves["current_density"].values, 1e-5 / 1.2, rtol=1e-9)
    by_area = result["discharge_capacity_by_area"]
    assert (by_area.value, by_area.unit) == (pytest.approx(THEORY * 0.5e-3, rel=1e-6), "mA h cm-2")
    by_mass = result["discharge_capacity"]
    assert (by_mass.value, by_mass.unit) == (pytest.approx(THEORY * 0.6e-3 / 0.303e-3, rel=1e-6), "mA h g-1")
    for quantity, sources in (
        (by_area, {"area": 0.01}),
        (by_thickness, {"area": 0.01, "thickness": 0.02}),
        (by_volume, {"area": 0.01, "thickness": 0.02}),
        (by_mass, {"active_mass": 0.003 / 0.303}),
    ):
        budget = result.budget[quantity.name]
        for source, relative in sources.items():
            assert budget[source] == pytest.approx(relative * quantity.value, rel=1e-9)
        assert quantity.relative == pytest.approx(math.hypot(*sources.values(), 6e-4, 3e-4, 1e-4), rel=1e-3)


def test_only_what_the_facts_allow_is_given():
    """A volume takes a thickness, and a capacity per film thickness takes an area as well."""
    result = cycling.capacity_retention(film(), cell_type="cathode_half", reference_cycle=1, thickness=THICKNESS)
    assert result["discharge_capacity"].unit == "A h"
    assert not [quantity.name for quantity in result.quantities if "_by_" in quantity.name]
    unknown = cycling.capacity(film(), area=AREA, thickness=THICKNESS)
    assert unknown["charge_capacity_by_thickness"].value == pytest.approx(THEORY, rel=1e-6)
    assert unknown["charge_capacity"].unit == "mA h cm-2"


@pytest.mark.parametrize(
    ("per", "expected"),
    [("area", THEORY * 0.5e-3), ("volume", 137.0 * 5.05), ("thickness", THEORY), ("mass", THEORY * 0.6e-3 / 0.303e-3)],
)
def test_a_summary_is_normalised_as_a_whole(per, expected):
    """The figure of a paper is capacity per something against cycle; efficiencies must not change with it."""
    summary = cycling.summarise(film(), cell_type="cathode_half")
    facts = {"active_mass": MASS, "area": AREA, "thickness": THICKNESS}
    normal = cycling.normalise(summary, per=per, **facts)
    schema.check(normal)
    np.testing.assert_allclose(normal["capacity_discharge"].values, expected, rtol=1e-6)
    np.testing.assert_allclose(normal["capacity_without_hold"].values, expected, rtol=1e-6)
    own = summary["capacity_discharge_stderr"].values / summary["capacity_discharge"].values
    whole = normal["capacity_discharge_stderr"].values / normal["capacity_discharge"].values
    np.testing.assert_allclose(whole, np.hypot(own, normal.attrs["divisor_relative_stderr"]), rtol=1e-9)
    np.testing.assert_array_equal(normal["coulombic_efficiency"].values, summary["coulombic_efficiency"].values)
    with pytest.raises(ValueError, match="expected a summary in A h"):
        cycling.normalise(normal, per=per, **facts)


def test_a_missing_fact_is_named():
    """A default of 1 would be a number without meaning."""
    summary = cycling.summarise(film(), cell_type="cathode_half")
    with pytest.raises(NotAnalysable, match="capacity per volume takes area and thickness"):
        cycling.normalise(summary, per="volume", area=AREA)
    with pytest.raises(UnitError):
        cycling.normalise(summary, per="area", area=THICKNESS)
    with pytest.raises(ValueError, match="above 0"):
        cycling.normalise(summary, per="area", area=Quantity("area", 0.0, None, "cm2"))


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("active_mass", 0.001, "mg"),
        ("active_mass", 0.001, "g"),
        ("active_mass", 1.0, "mg"),
        ("active_mass", 7000.0, "mg"),
        ("area", 0.001, "cm2"),
    ],
)
def test_a_placeholder_that_somebody_copied_is_not_divided_by(name, value, unit):
    """cellpy's 1.0 mg and EC-Lab's 0.001 make mA h/g wrong by 1e3 to 1e6; a measured 1.00(2) mg is a mass."""
    copied = Quantity(name, value, None, unit)
    result = cycling.capacity_retention(film(), cell_type="cathode_half", reference_cycle=1, **{name: copied})
    assert result["discharge_capacity"].unit == "A h"
    assert any("nothing is divided by it" in note for note in result.notes)
    measured = Quantity(name, value, 0.02 * value, unit)
    result = cycling.capacity_retention(film(), cell_type="cathode_half", reference_cycle=1, **{name: measured})
    assert result["discharge_capacity"].unit != "A h"
    summary, per = cycling.summarise(film(), cell_type="cathode_half"), "mass" if name == "active_mass" else "area"
    with pytest.raises(NotAnalysable, match="software writes"):
        cycling.normalise(summary, per=per, **{name: copied})


def test_a_stated_fact_without_uncertainty_is_taken_and_says_so():
    """5.3 mg is nobody's default."""
    geometry = Geometry.of(active_mass=Quantity("active_mass", 5.3, None, "mg"))
    assert geometry.main().unit == "mA h g-1"
    assert geometry.notes == ("the active_mass is stated without uncertainty",)


SETTINGS = {  # facts in the settings of corpus files that an operator set; anything else would be a placeholder
    "active_mass": (0.79, 0.852838, 1.39, 3.42, 6.52, 10.0),
    "characteristic_mass": (0.79, 1.39, 3.42, 6.52),
    "electrode_area": (0.5, 1.131, 1.767),
}


def test_no_reader_passes_on_a_placeholder(corpus):
    """In 25 of 34 EC-Lab files both mass fields are placeholders; a reader that passes one on arms it for everyone.

    Masses and areas that remain are those that operators set: the list was read in EC-Lab, cellpy and Arbin's tables.
    """
    seen = set()
    for path in sorted(Path(corpus.folder, "cycling").rglob("*")):
        if not path.is_file() or path.stat().st_size > 4e6:
            continue
        try:
            tree = read_tree(path)
        except ParseError:
            continue
        for node in tree.leaves:
            attrs = node.to_dataset().attrs
            for name in attrs.keys() & SETTINGS.keys():
                assert any(math.isclose(attrs[name], value, rel_tol=1e-5) for value in SETTINGS[name]), (path, name)
                seen.add((name, attrs[name]))
    assert {name for name, _ in seen} == set(SETTINGS)


def test_a_placeholder_in_a_file_is_a_finding(corpus):
    """The user must learn that the mass in the file is none, before looking for the error in the numbers."""
    for name in ("gcpl.mpr", "gcpl.issue_149.mpt", "mb.mpr"):
        tree = read_tree(corpus / f"cycling/yadg/{name}")
        found = json.loads(tree["cycling"].attrs["findings"])
        told = " ".join(entry["message"] for entry in found if entry["code"] == "placeholder-setting")
        assert "mass 0.001" in told, name
