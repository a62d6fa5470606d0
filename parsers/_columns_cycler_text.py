"""What Basytec, Novonix, PEC and Digatron write above, and call the columns of, a cycling record."""

from __future__ import annotations

from dataclasses import dataclass

from ._columns import Column


@dataclass(frozen=True)
class Layout:
    """A cycler's text file: a header of its own above a plain table.

    Parameters
    ----------
    instrument : str
        Maker of the cycler.
    mark : str
        Regular expression for one of the first lines, by which the file is known.
    names : str
        Regular expression for the start of the line that names the columns.
    columns : tuple of Column
        Columns under names of the vocabulary.
    words : Column
        The column that names the kind of step in words.
    start : str
        Regular expression for the line that dates the test; its group is the date. "" where each row is dated.
    renamed : tuple of (str, str)
        Regular expression and replacement that turn the names of columns into names with a unit.
    """

    instrument: str
    mark: str
    names: str
    columns: tuple[Column, ...]
    words: Column
    start: str = ""
    renamed: tuple[tuple[str, str], ...] = ()


LAYOUTS = (
    Layout(
        "Basytec",
        mark=r"^~Resultfile from Basytec",
        names=r"^~Time\b",
        columns=(
            Column("U", "voltage", "V", required=True),
            Column("I", "current", "A", required=True),
            Column("Line", "vendor_step"),
            Column("Cyc-Count", "vendor_cycle"),
            Column("Ah", "vendor_charge", "A h"),
            Column("Ah-Cyc-Charge", "vendor_capacity_charge", "A h"),
            Column("Ah-Cyc-Discharge", "vendor_capacity_discharge", "A h"),
            Column("Wh-Cyc-Charge", "vendor_energy_charge", "W h"),
            Column("Wh-Cyc-Discharge", "vendor_energy_discharge", "W h"),
            Column("T1", "temperature", "degC"),
        ),
        words=Column("Command", "step_type"),
        start=r"^~Start of Test: *(.+)",
        renamed=((r"^~Time", "Test Time"),),
    ),
    Layout(
        "Novonix",
        mark=r"^Novonix\b",
        names=r"^Date and Time\b",
        columns=(
            Column("Potential", "voltage", "V", required=True),
            Column("Current", "current", "A", required=True),
            Column("Cycle Number", "vendor_cycle"),
            Column("Step Number", "vendor_step"),
            Column("Capacity", "vendor_charge", "A h"),
            Column("Temperature", "temperature", "degC"),
        ),
        words=Column("Step Name", "step_type"),
    ),
    Layout(
        "PEC",
        mark=r"^Request Year:",
        names=r"^Test[,;\t]Cell[,;\t]",
        columns=(
            Column("Voltage", "voltage", "V", required=True),
            Column("Current", "current", "A", required=True),
            Column("Cycle", "vendor_cycle"),
            Column("Step", "vendor_step"),
            Column("Charge Capacity", "vendor_capacity_charge", "A h"),
            Column("Discharge Capacity", "vendor_capacity_discharge", "A h"),
            Column("Charge Energy", "vendor_energy_charge", "W h"),
            Column("Discharge Energy", "vendor_energy_discharge", "W h"),
            Column(("Cell surface temperature", "Temp"), "temperature", "degC"),
        ),
        words=Column("Instruction Name", "step_type"),
        renamed=(
            (r"\(Seconds\)$", "(s)"),
            (r" \(Hours in hh:mm:ss\.xxx\)$", ""),
            (r"Capacity \((m?Wh)\)$", r"Energy (\1)"),  # older software calls both charge and energy a capacity
        ),
    ),
    Layout(
        "Digatron",
        mark=r"^(?=.*\bVoltage#)(?=.*\bCurrent#).*\bTimestamp\b",
        names=r"^(?=.*\bVoltage#)(?=.*\bCurrent#).*\bTimestamp\b",
        columns=(
            Column("Voltage", "voltage", "V", required=True),
            Column("Current", "current", "A", required=True),
            Column("Cycle", "vendor_cycle"),
            Column("Step", "vendor_step"),
            Column("AhAccu", "vendor_charge", "A h"),
            Column("AhCha", "vendor_capacity_charge", "A h"),
            Column("AhDch", "vendor_capacity_discharge", "A h"),
            Column("WhCha", "vendor_energy_charge", "W h"),
            Column("WhDch", "vendor_energy_discharge", "W h"),
            Column(("T1", "Tenv"), "temperature", "degC"),
        ),
        words=Column("Status", "step_type"),
        renamed=((r"(?i)#ah$", " (Ah)"), (r"#", " / ")),
    ),
)
"""The layouts, by the mark of which a file is told apart."""
