"""What the columns of per-cycle tables are called in text files."""

from __future__ import annotations

from ._columns import Column
from ._columns_cycling import CAPACITY_CHARGE, CAPACITY_DISCHARGE

CYCLE = Column(("Cycle Index", "Cycle Number", "Cycle"), "cycle", required=True)
LIMITS = Column(("Min Voltage", "V_min", "Minimum Voltage"), "voltage_min", "V")
"""Names that only a table with one row per cycle has."""

CHARGE = Column((*CAPACITY_CHARGE.spellings, "Q_chg"), "capacity_charge", "A h")
DISCHARGE = Column((*CAPACITY_DISCHARGE.spellings, "Q_dis"), "capacity_discharge", "A h")

COLUMNS = (
    CYCLE,
    CHARGE,
    DISCHARGE,
    Column(("Coulombic Efficiency", "CE"), "coulombic_efficiency"),
    Column(("Energy Efficiency", "EE"), "energy_efficiency"),
    Column("tsecs_start", "start", "s"),
    Column(("tsecs_end", "Test Time"), "end", "s"),
)
