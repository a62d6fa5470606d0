"""Accuracy of cyclers by instrument and range, from the limits of error of their data sheets."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ...quantity import Quantity
from .accuracy import Accuracy

_PARTS = ("reading", "full_scale", "absolute", "range")


def cycler_accuracy(
    instrument: str,
    *,
    largest_current: Quantity,
    largest_voltage: Quantity,
    table: Mapping[str, Mapping[str, Any]] | None = None,
) -> Accuracy:
    r"""Return the accuracy of an instrument in the smallest ranges that hold a current and a voltage.

    Limits become standard uncertainties over :math:`\sqrt 3`. What is a part of the full scale counts as an offset: the
    data sheet does not say how much of it grows with the reading, and an offset cancels in no efficiency.

    Parameters
    ----------
    instrument : str
        Key of the table.
    largest_current, largest_voltage : Quantity
        What the range has to hold.
    table : mapping, optional
        Rows that stand before those of ``instruments.toml``, as `tomllib` reads them: by instrument ``current`` and
        ``voltage`` as lists of ranges, each with ``range`` (A or V, its full scale) and the limits ``reading`` and
        ``full_scale`` (relative) and ``absolute`` (A or V), as far as the data sheet has them.

    Raises
    ------
    ValueError
        If the instrument is in no table, a row holds something else, or no range is large enough.

    Examples
    --------
    >>> ranges = {"current": [{"range": 0.01, "full_scale": 5e-4}], "voltage": [{"range": 5.0, "reading": 1e-3}]}
    >>> small, cell = Quantity("current", 1.0, None, "mA"), Quantity("voltage", 4.3, None, "V")
    >>> stated = cycler_accuracy("bench 3", largest_current=small, largest_voltage=cell, table={"bench 3": ranges})
    >>> print(stated.current_offset.to("uA"))
    current_offset = 0.0 ± 2.9 uA
    """
    rows = _shipped() | dict(table or {})
    if instrument not in rows:
        raise ValueError(f"found the instrument {instrument!r}; expected one of {sorted(rows)}, or a table that has it")
    row = rows[instrument]
    gain, offset = _limits(instrument, row, "current", largest_current.to("A").value)
    voltage_gain, voltage_offset = _limits(instrument, row, "voltage", largest_voltage.to("V").value)
    return Accuracy(
        current_gain=gain,
        current_offset=Quantity("current_offset", 0.0, offset, "A"),
        voltage_gain=voltage_gain,
        voltage_offset=Quantity("voltage_offset", 0.0, voltage_offset, "V"),
        of_limits=True,
    )


@cache
def _shipped() -> dict[str, Mapping[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("instruments.toml").read_text(encoding="utf-8"))


def _limits(instrument: str, row: Mapping[str, Any], what: str, largest: float) -> tuple[float, float]:
    """Return standard uncertainties of gain (relative) and offset (A or V) of the smallest range that is enough."""
    ranges = row.get(what, [])
    if wrong := [key for entry in ranges for key in entry if key not in _PARTS]:
        raise ValueError(f"{what} of {instrument} holds {wrong}; expected {', '.join(_PARTS)}")
    enough = sorted((entry for entry in ranges if entry["range"] >= abs(largest)), key=lambda entry: entry["range"])
    if not enough:
        known = [entry["range"] for entry in ranges]
        raise ValueError(f"no range of {what} of {instrument} holds {largest:g}; found {known}")
    chosen = enough[0]
    offset = chosen.get("full_scale", 0.0) * chosen["range"] + chosen.get("absolute", 0.0)
    return chosen.get("reading", 0.0) / math.sqrt(3.0), offset / math.sqrt(3.0)
