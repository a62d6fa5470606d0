"""Battery Data Format: its columns, and the variables of the vocabulary that they hold.

Names, labels and meanings are those of the Battery Data Format Ontology 1.2 of the Battery Data Alliance
(https://w3id.org/battery-data-alliance/ontology/battery-data-format). A file has one row a record, under
machine-readable names (``voltage_volt``) or labels (``Voltage / V``). Voltage, current, and one of the test time and
the Unix time are required; the current is positive on charge. A counter of capacity or energy runs through the whole
test, or starts anew with each cycle or step, and its name says which. Facts about the test lie beside the table, in
``x.bdf.metadata.json`` next to ``x.bdf.csv``.
"""

from __future__ import annotations

from dataclasses import dataclass

METADATA = ".metadata.json"
"""What takes the place of the last extension in the name of the file with the metadata."""

OURS = "interlayer"
"""Key of what this toolkit writes into the metadata."""


@dataclass(frozen=True)
class Term:
    """A column of Battery Data Format.

    Parameters
    ----------
    notation : str
        Machine-readable name, which ends in the unit.
    variable : str
        Of the vocabulary, in the same unit.
    rule : {"", "count", "sequence", "test", "cycle", "step"}
        What the column demands of its values: whole numbers that never fall, and rise by one at most; a counter that
        falls nowhere, only where the cycle changes, or only where the step changes.
    """

    notation: str
    variable: str
    rule: str = ""


TERMS = (
    Term("test_time_second", "test_time"),
    Term("unix_time_second", "time"),
    Term("voltage_volt", "voltage"),
    Term("current_ampere", "current"),
    Term("cycle_count", "vendor_cycle", "count"),
    Term("step_count", "vendor_step", "sequence"),
    Term("step_id", "vendor_step"),
    Term("step_type", "step_type"),
    Term("temperature_t1_celsius", "temperature"),
    Term("net_capacity_ah", "charge"),
    Term("charging_capacity_ah", "vendor_capacity_charge", "test"),
    Term("cycle_charging_capacity_ah", "vendor_capacity_charge", "cycle"),
    Term("step_charging_capacity_ah", "vendor_capacity_charge", "step"),
    Term("discharging_capacity_ah", "vendor_capacity_discharge", "test"),
    Term("cycle_discharging_capacity_ah", "vendor_capacity_discharge", "cycle"),
    Term("step_discharging_capacity_ah", "vendor_capacity_discharge", "step"),
    Term("net_energy_wh", "energy"),
    Term("charging_energy_wh", "vendor_energy_charge", "test"),
    Term("cycle_charging_energy_wh", "vendor_energy_charge", "cycle"),
    Term("step_charging_energy_wh", "vendor_energy_charge", "step"),
    Term("discharging_energy_wh", "vendor_energy_discharge", "test"),
    Term("cycle_discharging_energy_wh", "vendor_energy_discharge", "cycle"),
    Term("step_discharging_energy_wh", "vendor_energy_discharge", "step"),
)
"""The columns that are written, in their order; of those for one variable the first whose rule its values keep."""

REQUIRED = ("test_time", "voltage", "current")
"""Variables without which there is no file."""

STEP_TYPES = {
    "unknown": "", "rest": "REST", "constant_current_charge": "CC_CHG", "constant_current_discharge": "CC_DCH",
    "constant_voltage": "CV", "constant_power": "CP", "pulse": "PULSE", "impedance": "EIS",
}  # fmt: skip
"""Step types of the vocabulary in words that the format calls common; it has no closed list yet."""
