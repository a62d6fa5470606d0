"""What the columns of a cycling record are called in text files, and what their words for steps mean.

Names are those of Battery Data Format, Battery Archive, Battery Data Hub, Arbin, Neware, Landt and of plain tables.
A column is in the map only if its meaning is the same wherever its name is used.
"""

from __future__ import annotations

from ._columns import Column

TEST_TIME = Column(
    ("Test Time", "Cumulative Time", "Total Time", "Elapsed Time", "time since start", "Run Time"), "test_time", "s"
)
"""Names that say that the time runs through the whole test."""

PLAIN_TIME = Column(("time", "t"), "test_time", "s")
"""Names that may mean the time within a step; whether it restarts decides."""

CLOCK = Column(
    ("Date Time", "Date", "Timestamp", "Date_Time_ISO_string", "Absolute Time", "System Time", "Real Time",
     "Date and Time", "unix_time", "datetime"),
    "time",
    "s",
)  # fmt: skip

VOLTAGE = Column(
    ("Voltage", "Volt", "Volts", "Cell Voltage", "Ecell", "<Ecell>", "Ewe", "<Ewe>", "Potential", "U", "E", "V",
     "terminal voltage"),
    "voltage",
    "V",
    required=True,
)  # fmt: skip
CURRENT = Column(("Current", "<I>", "I", "Curr", "Amps", "Amperage"), "current", "A")

CAPACITY_CHARGE = Column(
    ("Charge Capacity", "Chg. Cap.", "Chg Capacity", "Capacity Charge", "charging_capacity",
     "cumulative_charging_capacity", "Q charge"),
    "vendor_capacity_charge",
    "A h",
)  # fmt: skip
CAPACITY_DISCHARGE = Column(
    ("Discharge Capacity", "DChg. Cap.", "DChg Capacity", "Capacity Discharge", "discharging_capacity",
     "cumulative_discharging_capacity", "Q discharge"),
    "vendor_capacity_discharge",
    "A h",
)  # fmt: skip

RECORD = (
    VOLTAGE,
    CURRENT,
    Column(("Ece", "<Ece>"), "voltage_ce", "V"),
    Column(("Cycle Index", "Cycle", "Cycle Count", "Cycle Number", "Cycle No"), "vendor_cycle"),
    Column(("Half Cycle", "Half Cycle Count"), "vendor_half_cycle"),
    Column(("Step Index", "Step", "Step Count", "Step Number", "Step ID", "Step No", "Ns"), "vendor_step"),
    CAPACITY_CHARGE,
    CAPACITY_DISCHARGE,
    Column(("Net Capacity", "(Q-Qo)"), "vendor_charge", "A h"),
    Column(("Charge Energy", "Chg. Energy", "charging_energy"), "vendor_energy_charge", "W h"),
    Column(("Discharge Energy", "DChg. Energy", "discharging_energy"), "vendor_energy_discharge", "W h"),
    Column(
        ("Cell Temperature", "surface_temperature", "Temperature", "Aux_Temperature_1", "temperature_t1",
         "temperature_1", "Environment Temperature", "ambient_temperature"),
        "temperature",
        "degC",
    ),
)  # fmt: skip

STEP_WORDS = Column(("Step Type", "Step Name", "Step State", "Mode", "State", "Status"), "step_type")

STEP_TYPES = {
    "rest": "rest", "r": "rest", "ocv": "rest", "pause": "rest", "idle": "rest", "open circuit": "rest",
    "cc chg": "constant_current_charge", "charge cc": "constant_current_charge", "cc charge": "constant_current_charge",
    "cc dchg": "constant_current_discharge", "discharge cc": "constant_current_discharge",
    "cc discharge": "constant_current_discharge", "cv chg": "constant_voltage", "cv charge": "constant_voltage",
    "cv dchg": "constant_voltage", "charge cv": "constant_voltage", "discharge cv": "constant_voltage",
    "cp chg": "constant_power", "cp dchg": "constant_power", "pulse": "pulse", "eis": "impedance",
}  # fmt: skip
"""Words of cyclers for a step, lower case, and the step type of the vocabulary."""
