"""Tables with one row per cycle, as Battery Archive and Battery Data Hub publish them beside the records.

Columns are known by their names. Numbers stay as the table gives them; an efficiency that is not the quotient of the
capacities beside it is reported.

Checked on corpus/cycling/battery-data-toolkit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._columns_summary import COLUMNS
from ._source import Measurement, Source
from ._table import find_block, original_metadata, read_table
from .errors import UnsupportedContent

_DIFFERENCE = 0.01


def read(source: Source) -> Iterator[Measurement]:
    """Yield the summary of the file.

    Raises
    ------
    UnsupportedContent
        If the cycle or both capacities are missing.
    CorruptFile
        If the numbers of the cycles are none.
    """
    text = source.text
    block = find_block(text.lines)
    table, findings = read_table(text, block, limits=source.limits)
    source.findings.extend(findings)
    values, findings = table.gather(COLUMNS)
    source.findings.extend(findings)
    if not {"capacity_charge", "capacity_discharge"} & set(values):
        raise UnsupportedContent(
            f"no capacity among the columns {list(table.header)}", expected="one called Charge Capacity"
        )
    if left_out := table.unmapped(COLUMNS):
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(left_out)}.")
    _compare_efficiency(values, source)
    by_cycle = {name: xr.Variable("cycle", array) for name, array in values.items()}
    facts = {"original_metadata": original_metadata(text, block, table)}
    yield Measurement("summary", schema.build("cycling_summary", by_cycle, **facts))


def _compare_efficiency(values: dict[str, NDArray[np.float64]], source: Source) -> None:
    if not {"coulombic_efficiency", "capacity_charge", "capacity_discharge"} <= set(values):
        return
    charge, discharge = values["capacity_charge"], values["capacity_discharge"]
    quotient = discharge / np.where(charge > 0, charge, np.nan)
    difference = np.abs(values["coulombic_efficiency"] - quotient) > _DIFFERENCE * np.abs(quotient)
    if wrong := int(np.count_nonzero(difference)):
        message = f"In {wrong} cycles the coulombic efficiency is not discharge over charge capacity."
        source.note("efficiency-contradicts-capacities", "warning", message)
