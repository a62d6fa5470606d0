"""Arbin MITS result files (.res): a Microsoft Access database, read without any driver or program beside.

`interlayer.parsers._jet_pages`, `_jet_definitions` and `_jet_rows` read the database. ``Channel_Normal_Table`` holds
the rows of all tests: time in s, current in A, voltage in V, capacity in A h, energy in W h, the date in days since
1899-12-30 by the clock of the PC. ``Global_Table`` has a row for each test with its name, channel, schedule, the mass
in g and the capacity in A h that the operator set. Auxiliary channels (``Auxiliary_Table`` and its like) are not read;
a finding says so if they hold rows.

The format has no checksums. Pages that contradict the definition of their table are left out with a finding; so are
rows that come twice, and the number of rows is held against that of the definition.

Checked on corpus/cycling/cellpy and battery-data-format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arbin import About, tests_of
from ._jet_definitions import NUMBERS
from ._jet_pages import Database, open_database
from ._jet_rows import Rows, rows, tables
from ._source import Measurement, Source
from .errors import ParseError, TruncatedFile, UnsupportedContent

_DATA = "Channel_Normal_Table"
_TESTS = "Global_Table"
_BESIDE = ("Auxiliary_Table", "Can_BMS_Data_Table", "Smart_Battery_Data_Table", "MCell_Aci_Data_Table", "SMBData_Table")

_ATTRS = {
    "test_name": "Test_Name", "sample": "Item_ID", "channel": "Channel_Index", "comments": "Comments",
    "instrument_serial": "Serial_Number", "software_version": "Software_Version", "schedule": "Schedule_File_Name",
}  # fmt: skip
_CELL = {"active_mass": "MASS", "nominal_capacity": "Capacity"}

_DAY_ZERO = np.datetime64("1899-12-30", "ns")
_DAYS = (32_874.0, 73_051.0)
"""1990 to 2100."""


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record of each test of the file.

    Raises
    ------
    UnsupportedContent
        If it is another kind of database, encoded, or of a version before Access 2000.
    TruncatedFile
        If the table of data has no row, or none is whole.
    CorruptFile
        If catalog or definitions cannot be followed.
    """
    database = open_database(source)
    catalog = tables(database)
    if _DATA not in catalog:
        raise UnsupportedContent(
            f"the database has the tables {sorted(catalog)[:20]}",
            expected=f"Arbin's {_DATA}",
            remedy="export the data as text, if it is a database of another cycler",
        )
    data = rows(database, catalog[_DATA])
    _check_count(data, source)
    definition = data.definition.columns
    columns = {name: data.numbers(name) for name, line in definition.items() if line.fixed and line.kind in NUMBERS}
    clock = _dates(columns.pop("DateTime")) if "DateTime" in columns else None
    known = _tests(database, catalog, source)
    _note_beside(database, catalog, source)
    yield from tests_of(columns, clock, known, source)


def _check_count(data: Rows, source: Source) -> None:
    promised = data.definition.rows
    if not len(data):
        raise TruncatedFile(
            f"the file holds none of {promised} rows",
            offset=len(source.data),
            remedy="copy the file again from the cycler's PC, after the test has begun",
        )
    if len(data) != promised:
        message = f"The table of data should have {promised} rows; {len(data)} were found."
        source.note("row-count-mismatch", "error" if len(data) < promised else "warning", message)


def _dates(days: NDArray[np.float64]) -> NDArray[np.datetime64]:
    """Return dates from days since 1899-12-30, to the millisecond; NaT for what is none."""
    there = (days >= _DAYS[0]) & (days <= _DAYS[1])
    milliseconds = np.rint(np.where(there, days, _DAYS[0]) * 86_400_000).astype("timedelta64[ms]")
    dates = _DAY_ZERO + milliseconds
    dates[~there] = np.datetime64("NaT")
    return np.asarray(dates)


def _tests(database: Database, catalog: Mapping[str, int], source: Source) -> dict[int, About]:
    """Return what the file says about its tests by their number; empty where that cannot be read."""
    if _TESTS not in catalog:
        return {}
    try:
        table = rows(database, catalog[_TESTS])
    except ParseError as error:
        source.note("unread-settings", "warning", f"What the file says about its tests could not be read: {error}")
        return {}
    entries = [entry for entry in table.records() if "Test_ID" in entry]
    if len(entries) != table.definition.rows:
        message = f"The file says something about {table.definition.rows} tests; {len(entries)} were found, none used."
        source.note("unread-settings", "warning", message)
        return {}
    return {int(entry["Test_ID"]): _test(entry) for entry in entries}


def _test(entry: Mapping[str, Any]) -> About:
    attrs = {ours: entry.get(name) for ours, name in _ATTRS.items()}
    start = _dates(np.array([entry.get("Start_DateTime", np.nan)], dtype=np.float64))[0]
    if not np.isnat(start):
        attrs["start_time"] = str(np.datetime_as_string(start, unit="ms"))
    cell = {ours: float(entry[name]) for ours, name in _CELL.items() if name in entry}
    return About(str(entry.get("Test_Name") or f"test_{entry['Test_ID']}"), attrs, cell, entry)


def _note_beside(database: Database, catalog: Mapping[str, int], source: Source) -> None:
    owners = database.owners()
    filled = [name for name in _BESIDE if name in catalog and np.any(owners == catalog[name])]
    if filled:
        source.note("left-out-table", "info", f"Tables beside the record were left out: {', '.join(filled)}.")
