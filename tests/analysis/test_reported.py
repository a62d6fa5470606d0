"""The reported values of the review, and holding results against them."""

from __future__ import annotations

import pytest

from interlayer import Quantity
from interlayer.analysis.reported import SAME, UNITS, comparable, compare, entries, entry, find


def test_all_entries_are_there_once():
    """155 statements of the review are checked against; none may be lost or doubled."""
    ids = [found.id for found in entries()]
    assert len(ids) == len(set(ids)) == 155


@pytest.mark.parametrize(
    ("id", "value", "unit", "where"),
    [
        ("lipon-82-conductivity-table3-35c", 6.51e-7, "S cm-1", "Table 3"),
        ("linbox-conductivity-table3-30c", 6.39e-8, "S cm-1", "Table 3"),
        ("lco-bare-ligeps-interface-layer-thickness", 30.0, "nm", "section 4.2"),
        ("lco-al2o3-ligeps-interface-layer-thickness", 17.0, "nm", "section 4.2"),
        ("lco-al2o3-capacity-retention-25-table2", 0.90, "1", "Table 2"),
        ("lsps-bare-time-to-short-circuit", 240_000.0, "s", "section 5.2"),
    ],
)
def test_values_in_our_units(id, value, unit, where):
    """As printed in the review (Su et al. 2022, at the place named), converted exactly."""
    found = entry(id)
    assert (found.value, found.unit) == (pytest.approx(value, rel=1e-12), unit)
    assert where in found.where


def test_every_comparable_value_has_a_known_unit():
    """A value left in a printed unit could never agree with anything."""
    wanted = {name for names in SAME.values() for name in names}
    for found in entries():
        if found.quantity in wanted:
            assert found.unit in {unit for unit, _ in UNITS.values()}, found.id


def test_lookup_by_system_technique_and_quantity():
    """`interlayer reported --technique eis --system LiNbOx` must show both places of the review."""
    assert {found.id for found in find(system="LiNbOx film", technique="eis", quantity="ionic_conductivity")} == {
        "linbox-conductivity-text-rt",
        "linbox-conductivity-table3-30c",
    }
    assert find(system="no such system") == ()


def test_misspelt_id_names_its_neighbours():
    """The id is typed into experiment.toml by hand."""
    with pytest.raises(KeyError, match="lipon-82-conductivity-table3-35c"):
        entry("lipon-82-conductivity-table3-35")


def sigma(value, stderr=None, relation="="):
    return Quantity("ionic_conductivity", value, stderr, "S cm-1", relation=relation)


@pytest.mark.parametrize(
    ("quantity", "id", "verdict"),
    [
        (sigma(6.5e-7, 2e-8), "lipon-82-conductivity-table3-35c", "agrees"),
        (sigma(9.0e-7, 2e-8), "lipon-82-conductivity-table3-35c", "above"),
        (sigma(2.0e-7, 2e-8), "lipon-82-conductivity-table3-35c", "below"),
        (sigma(1e-7, relation=">"), "lipon-82-conductivity-table3-35c", "agrees"),
        (sigma(1e-6, relation=">"), "lipon-82-conductivity-table3-35c", "above"),
        (sigma(5e-9, 1e-10), "lialsiox-conductivity-range-table3", "agrees"),
        (Quantity("layer_thickness", 33.0, 2.0, "nm"), "lco-bare-ligeps-interface-layer-thickness", "agrees"),
        (Quantity("layer_thickness", 0.017, 0.0002, "um"), "lco-al2o3-ligeps-interface-layer-thickness", "agrees"),
        (Quantity("layer_thickness", 22.0, 1.0, "nm"), "lco-al2o3-ligeps-interface-layer-thickness", "above"),
        (Quantity("capacity_retention", 0.905, 0.004, "1"), "lco-al2o3-capacity-retention-25-table2", "agrees"),
        (Quantity("overpotential", 0.2, 0.01, "V"), "lsps-alucone-overpotential", "agrees"),
        (Quantity("overpotential", 0.7, 0.01, "V"), "lsps-alucone-overpotential", "above"),
        (Quantity("fraction_Li2S", 0.12, 0.01, "1"), "ncm811-bare-lgps-li2s-formed", "agrees"),
        (Quantity("fraction_Li2S", 0.03, None, "1", relation="<"), "ncm811-bare-lgps-li2s-formed", "contradicts"),
        (Quantity("fraction_Li2S", 0.03, None, "1", relation="<"), "ncm811-linbo3-lgps-li2s-not-formed", "agrees"),
        (Quantity("overpotential", 0.2, 0.01, "V"), "lipon-82-conductivity-table3-35c", "not comparable"),
    ],
)  # fmt: skip
def test_verdicts(quantity, id, verdict):
    """Printed digits and qualifiers set the tolerance: '~30 nm' is fairly 25 to 35, '~17 nm' 16 to 18."""
    assert compare(quantity, entry(id)).verdict == verdict


def test_temperature_is_taken_into_account():
    """0.65 eV changes a conductivity by 8 % per kelvin: 25 degC is not 30 degC, and 140 degC is another world."""
    reported = entry("linbox-conductivity-table3-30c")
    low = sigma(4.5e-8, 1e-9)
    assert compare(low, reported).verdict == "below"
    assert compare(low, reported, temperature=Quantity("temperature", 25.0, 0.5, "degC")).verdict == "agrees"
    far = compare(low, reported, temperature=Quantity("temperature", 140.0, 0.5, "degC"))
    assert far.verdict == "not comparable"
    assert "30 degC" in far.statement


def test_contradictions_of_the_review_are_carried_along():
    """A user who leans on a value must see what speaks against it."""
    assert "D03" in entry("linbox-conductivity-table3-30c").discrepancies


def test_comparable_needs_the_same_phase():
    """Li2S found says nothing about another phase."""
    assert comparable("fraction_Li2S", entry("ncm811-bare-lgps-li2s-formed"))
    assert not comparable("fraction_LGPS", entry("ncm811-bare-lgps-li2s-formed"))
