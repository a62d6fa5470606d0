"""Tables with one row per cycle: the two of the corpus, and an efficiency that its capacities contradict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import ParseError, Source, delimited_summary, findings, measurements, read, schema

CALCE = "cycling/battery-data-toolkit/CALCE_CX2-33_prism_LCO_25C_0-100_0.5-0.5C_d_cycle_data.csv"
ARGONNE = "cycling/battery-data-toolkit/p492-13-summary.csv"


def of(text: str):
    return measurements(Source(Path("x.csv"), data=text.encode()), format="delimited-summary")[0].dataset


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


@pytest.mark.parametrize(
    ("path", "cycles", "cycle", "charge", "discharge", "end"),
    [
        # Rows of the files; 9 cycles from 12923.4 to 145061.23 s is the corpus' own list.
        (CALCE, 9, 1, 0.604, 1.292, 12923.434),
        (CALCE, 9, 9, 1.292, 1.291, 145061.227),
        (ARGONNE, 267, 2, 0.02187029, 0.02173834, 175214.568),
        (ARGONNE, 267, 265, 0.00025219, 0.00190004, 4212577.686),
    ],
)
def test_every_real_file_reads_to_its_numbers(corpus, path, cycles, cycle, charge, discharge, end):
    """A published summary is what our own, of the records beside it, is held against."""
    dataset = read(corpus / path)
    schema.check(dataset, provenance=True)
    assert (dataset.attrs["technique"], dataset.attrs["format"]) == ("cycling_summary", "delimited-summary")
    assert dataset.sizes == {"cycle": cycles}
    row = dataset.sel(cycle=cycle)
    assert (float(row["capacity_charge"]), float(row["capacity_discharge"])) == (charge, discharge)
    assert float(row["end"]) == end


def test_efficiencies_are_those_of_the_file(corpus):
    """0.993966700944523 and 0.986433103257756 stand in its row of cycle 2; cycle 1 has no charge and no efficiency."""
    dataset = read(corpus / ARGONNE)
    assert float(dataset["coulombic_efficiency"].sel(cycle=2)) == 0.993966700944523
    assert float(dataset["energy_efficiency"].sel(cycle=2)) == 0.986433103257756
    assert np.isnan(dataset["coulombic_efficiency"].sel(cycle=1))
    assert "efficiency-contradicts-capacities" not in codes(dataset)


def test_an_efficiency_in_per_cent_or_upside_down_is_reported():
    """99.4 for 0.994, or charge over discharge: both are published, and neither is the quotient."""
    text = "Cycle,Charge Capacity (mAh),Discharge Capacity (mAh),Min Voltage (V),CE\n"
    good = text + "1,2.0,1.9,3,0.95\n2,2.0,1.9,3,0.95\n3,1.9,1.8,3,0.947\n"
    assert "efficiency-contradicts-capacities" not in codes(of(good))
    np.testing.assert_allclose(of(good)["capacity_charge"], [2e-3, 2e-3, 1.9e-3])
    assert "efficiency-contradicts-capacities" in codes(of(good.replace("0.95", "95.0")))
    marked = good.replace("CE\n", "CE (%)\n").replace("0.947", "94.7").replace("0.95", "95.0")
    np.testing.assert_allclose(of(marked)["coulombic_efficiency"], [0.95, 0.95, 0.947])


@pytest.mark.parametrize("text", ["", "Cycle,Min Voltage (V),CE\n1,3,0.9\n2,3,0.9\n3,3,0.9\n", "a,b\n1,2\n2,3\n3,4\n"])
def test_tables_without_cycles_or_capacities_are_refused(text):
    """A summary without a capacity is none."""
    with pytest.raises(ParseError):
        list(delimited_summary.read(Source(Path("x.csv"), data=text.encode() or b" ")))
