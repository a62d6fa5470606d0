"""What the columns of a cycling record are called in text files, and what their words for steps mean.

Names are those of Battery Data Format, Battery Archive, Battery Data Hub, Arbin, Neware, Landt, Ivium and of plain
tables; Neware and Landt write English or Chinese ones. A column is in the map only if its meaning is the same wherever
its name is used.
"""

from __future__ import annotations

from ._columns import Column

TEST_TIME = Column(
    ("Test Time", "Cumulative Time", "Total Time", "Elapsed Time", "time since start", "Run Time",
     "Test Time(h:min:s.ms)", "Total Time(h:min:s.ms)", "总时间", "测试时间"),
    "test_time",
    "s",
)  # fmt: skip
"""Names that say that the time runs through the whole test."""

PLAIN_TIME = Column(("time", "t", "Time(h:min:s.ms)", "时间"), "test_time", "s")
"""Names that may mean the time within a step; whether it restarts decides."""

CLOCK = Column(
    ("Date Time", "Date", "Timestamp", "Date_Time_ISO_string", "Absolute Time", "System Time", "Real Time",
     "Date and Time", "unix_time", "datetime", "SysTime", "绝对时间", "记录时间"),
    "time",
    "s",
)  # fmt: skip

VOLTAGE = Column(
    ("Voltage", "Volt", "Volts", "Cell Voltage", "Ecell", "<Ecell>", "Ewe", "<Ewe>", "Potential", "U", "E", "V",
     "terminal voltage", "Vol", "电压"),
    "voltage",
    "V",
    required=True,
)  # fmt: skip
CURRENT = Column(("Current", "<I>", "I", "Curr", "Cur", "Amps", "Amperage", "电流"), "current", "A")

CAPACITY_CHARGE = Column(
    ("Charge Capacity", "Chg. Cap.", "Chg Capacity", "Capacity Charge", "charging_capacity",
     "cumulative_charging_capacity", "cycle_charging_capacity", "step_charging_capacity", "Q charge",
     "Capacitance Chg", "充电容量"),
    "vendor_capacity_charge",
    "A h",
)  # fmt: skip
CAPACITY_DISCHARGE = Column(
    ("Discharge Capacity", "DChg. Cap.", "DChg Capacity", "Capacity Discharge", "discharging_capacity",
     "cumulative_discharging_capacity", "cycle_discharging_capacity", "step_discharging_capacity", "Q discharge",
     "Capacitance DChg", "放电容量"),
    "vendor_capacity_discharge",
    "A h",
)  # fmt: skip

RECORD = (
    VOLTAGE,
    CURRENT,
    Column(("Ece", "<Ece>"), "voltage_ce", "V"),
    Column(("Cycle Index", "Cycle", "Cycle Count", "Cycle Number", "Cycle No", "Cycle ID", "循环号", "循环序号"),
           "vendor_cycle"),
    Column(("Half Cycle", "Half Cycle Count"), "vendor_half_cycle"),
    Column(("Step Count", "Step ID", "Step Index", "Step", "Step Number", "Step No", "Ns", "工步序号", "工步号"),
           "vendor_step"),
    CAPACITY_CHARGE,
    CAPACITY_DISCHARGE,
    Column("Net Capacity", "charge", "A h"),
    Column("Net Energy", "energy", "W h"),
    Column("(Q-Qo)", "vendor_charge", "A h"),
    Column(
        ("Charge Energy", "Chg. Energy", "charging_energy", "cycle_charging_energy", "step_charging_energy",
         "Engy Chg", "充电能量"),
        "vendor_energy_charge",
        "W h",
    ),
    Column(
        ("Discharge Energy", "DChg. Energy", "discharging_energy", "cycle_discharging_energy",
         "step_discharging_energy", "Engy DChg", "放电能量"),
        "vendor_energy_discharge",
        "W h",
    ),
    Column(
        ("Cell Temperature", "surface_temperature", "Temperature", "Aux_Temperature_1", "temperature_t1",
         "temperature_1", "Environment Temperature", "ambient_temperature", "温度"),
        "temperature",
        "degC",
    ),
)  # fmt: skip

STEP_WORDS = Column(
    ("Step Type", "Step Name", "Step State", "Mode", "State", "Status", "工步类型", "状态"), "step_type"
)

STEP_TYPES = {
    "rest": "rest", "r": "rest", "ocv": "rest", "pause": "rest", "idle": "rest", "open circuit": "rest", "搁置": "rest",
    "cc chg": "constant_current_charge", "charge cc": "constant_current_charge", "cc charge": "constant_current_charge",
    "c cc": "constant_current_charge", "c rate": "constant_current_charge", "恒流充电": "constant_current_charge",
    "cc dchg": "constant_current_discharge", "cc dch": "constant_current_discharge",
    "discharge cc": "constant_current_discharge", "cc discharge": "constant_current_discharge",
    "d cc": "constant_current_discharge", "d rate": "constant_current_discharge",
    "恒流放电": "constant_current_discharge", "cv": "constant_voltage", "cv chg": "constant_voltage",
    "cv charge": "constant_voltage", "cv dchg": "constant_voltage", "charge cv": "constant_voltage",
    "discharge cv": "constant_voltage", "c cv": "constant_voltage", "恒压充电": "constant_voltage",
    "恒压放电": "constant_voltage", "cp": "constant_power", "cp chg": "constant_power", "cp dchg": "constant_power",
    "pulse": "pulse", "eis": "impedance",
}  # fmt: skip
"""Words of cyclers for a step, lower case, and the step type of the vocabulary."""
