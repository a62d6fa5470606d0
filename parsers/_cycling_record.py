"""A cycling record from columns and a time base: rows without time left out, counts as integers, words for steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._assemble import variable
from ._columns import Column
from ._columns_cycling import STEP_TYPES
from ._cycling_checks import compare_counters, orient_current, plausibility
from ._cycling_times import Times
from ._source import Measurement
from ._table import Table
from .errors import CorruptFile
from .findings import Finding

_COUNTS = ("vendor_cycle", "vendor_half_cycle", "vendor_step")
_DIFFERENCE = 0.005
_CLOCK_NOTE = {"comment": "as the file says; where it names no time zone, by the clock of the cycler's PC"}


def measurement(columns: Mapping[str, NDArray[Any]], moments: Times, attrs: Mapping[str, Any]) -> Measurement:
    """Return the record of columns that include a current, held against its counters, its voltage and its clock.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray
        Under names of the vocabulary, in its units, each of shape (rows,).
    moments : Times
        Of the same rows.
    attrs : mapping of str to any
        Attributes of the Dataset.

    Raises
    ------
    UnsupportedContent
        If the current has no sign.
    """
    values, findings = timed_rows(columns, moments, np.ones(len(moments.test_time), dtype=bool))
    if not only_rests(values):
        values["current"], remarks = orient_current(values)
        findings += remarks + compare_counters(values, within=values.get("vendor_step"), tolerance=_DIFFERENCE)
    findings += plausibility(values)
    return Measurement("cycling", assemble(values, attrs), findings)


def only_rests(values: Mapping[str, Any]) -> bool:
    """Whether every step is a rest, whose current is noise and has no sign."""
    return bool(np.all(values.get("step_type", 0) == schema.STEP_TYPES.index("rest")))


def timed_rows(
    columns: Mapping[str, NDArray[Any]], moments: Times, keep: NDArray[np.bool_]
) -> tuple[dict[str, Any], list[Finding]]:
    """Return the rows to keep that have a time, with their times, and a finding about those that have none."""
    timed = np.isfinite(moments.test_time)
    findings = []
    if missing := int(np.count_nonzero(keep & ~timed)):
        message = f"{missing} rows have no time; they were left out."
        findings.append(Finding("incomplete-rows", "warning", message))
    keep = keep & timed
    if not keep.any():
        raise CorruptFile("no row has a time", expected="a record")
    kept: NDArray[np.bool_] | slice = slice(None) if keep.all() else keep  # which copies nothing
    values: dict[str, Any] = {name: array[kept] for name, array in columns.items()}
    values["test_time"] = moments.test_time[kept]
    if moments.clock is not None:
        values["time"] = variable("record", moments.clock[kept], _CLOCK_NOTE)
    return values, findings


def assemble(values: Mapping[str, Any], attrs: Mapping[str, Any]) -> xr.Dataset:
    """Return the Dataset of a record; cycles and steps that are whole numbers become integers."""
    values = dict(values)
    for name in _COUNTS:
        if name in values and np.all(values[name] == np.rint(values[name])) and np.all(np.abs(values[name]) < 2**31):
            values[name] = values[name].astype(np.int32)
    if "step_type" in values:
        meanings = {"flag_values": list(range(len(schema.STEP_TYPES))), "flag_meanings": " ".join(schema.STEP_TYPES)}
        values["step_type"] = variable("record", values["step_type"], meanings)
    return schema.build("cycling", values, **attrs)


def step_types(table: Table, column: Column, meanings: Mapping[str, str] = STEP_TYPES) -> NDArray[np.int8] | None:
    """Return the kind of each row's step where a column says it in words, ``unknown`` for words without a meaning."""
    at = table.index(column)
    if at is None or table.is_numeric(at):
        return None
    words, rows = table.texts(at).words()
    kinds = [meanings.get(word.lower().replace("_", " "), "unknown") for word in words]
    return np.array([schema.STEP_TYPES.index(kind) for kind in kinds], dtype=np.int8)[rows]
