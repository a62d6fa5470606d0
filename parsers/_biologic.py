"""BioLogic rows to Datasets: the part that binary and text files share.

EC-Lab stores rows of a table whose columns depend on the technique. Rows of a cycling technique become one ``cycling``
Dataset, rows of an impedance technique one ``eis`` Dataset for each spectrum. Modulo Bat mixes both: its rows with a
frequency belong to spectra, the others to the record.

Galvanostatic cycling with potential limitation stores no current and no cycle number in binary files. Both follow
exactly from what is stored: EC-Lab itself exports ``<I> = dq / dt`` and ``cycle number = half cycle // 2``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._assemble import variable
from ._biologic_facts import Facts
from ._biologic_rows import CLOCK, Rows, absolute_time
from ._biologic_spectra import spectra
from ._source import Measurement, Source
from .errors import TruncatedFile, UnsupportedContent
from .findings import Finding

Floats = NDArray[np.float64]

_RECORD_ONLY = frozenset({"mode", "oxidation", "half_cycle", "voltage_we", "voltage_cell"})
_FLOATS = (
    ("test_time",), ("voltage_we", "voltage_we_mean"), ("voltage_ce", "voltage_ce_mean"),
    ("voltage_cell", "voltage_difference"), ("current", "current_mean"), ("charge_step",), ("charge_counter",),
    ("half_cycle_charge", "capacity_charge"), ("capacity_discharge",), ("energy_charge",), ("energy_discharge",),
    ("temperature",),
)  # fmt: skip
_COUNTERS = frozenset({"half_cycle", "cycle_number", "step", "mode", "oxidation"})
_REST, _CHARGE, _DISCHARGE, _VOLTAGE = (
    schema.STEP_TYPES.index(kind)
    for kind in ("rest", "constant_current_charge", "constant_current_discharge", "constant_voltage")
)
_CONSTANT_CURRENT, _CONSTANT_VOLTAGE, _OPEN_CIRCUIT = 1, 2, 3
_FEWEST_ROWS, _SAMPLED_ROWS = 4, 1000


def measurements(rows: Rows, facts: Facts, loops: NDArray[np.int64], source: Source) -> Iterator[Measurement]:
    """Yield the measurements of a file.

    Parameters
    ----------
    rows : Rows
        Its table.
    facts : Facts
        What it says beside the table.
    loops : numpy.ndarray of int
        Indices of the rows at which the loops of the technique begin, possibly empty.
    source : Source
        Takes the findings that concern the whole file.

    Raises
    ------
    TruncatedFile
        If there is no row.
    UnsupportedContent
        If the columns make neither a record nor a spectrum.
    """
    if not len(rows):
        raise TruncatedFile("the table has no row", remedy="export it again after the measurement has finished")
    if facts.start is None:
        source.note("no-start-time", "info", "The file holds no start, so the rows have a time since the start only.")
    if "frequency" not in rows:
        if {"impedance_real", "impedance_modulus"} & rows.names() and not _RECORD_ONLY & rows.names():
            raise UnsupportedContent(
                "the impedance has no frequency column",
                expected="freq/Hz beside Re(Z)/Ohm and -Im(Z)/Ohm",
                remedy="export the file again with the column freq/Hz",
            )
        yield cycling(rows, facts, slice(None))
        return
    swept = (rows["frequency"] > 0) & (rows["frequency"] < np.inf)
    if _RECORD_ONLY & rows.names():
        if not swept.all():
            yield cycling(rows, facts, slice(None) if not swept.any() else np.flatnonzero(~swept))
        yield from spectra(rows, facts, swept, loops, "eis", source)
    else:
        _note_unswept(swept, source)
        yield from spectra(rows, facts, swept, loops, "loop", source)


def _note_unswept(swept: NDArray[np.bool_], source: Source) -> None:
    left_out = int(np.count_nonzero(~swept))
    if left_out == swept.size:
        raise TruncatedFile(
            f"none of the {left_out} rows has a frequency above 0 Hz", expected="at least one point of a spectrum"
        )
    if left_out:
        source.note(
            "zero-frequency-rows",
            "info",
            f"{left_out} of {swept.size} rows have no frequency: the DC segment before a spectrum; they were left out.",
        )


def cycling(rows: Rows, facts: Facts, keep: slice | NDArray[np.intp]) -> Measurement:
    """Return the record of a cycling technique; `keep` leaves out the rows of spectra.

    Charge is summed over all rows, so that what flows during a spectrum counts.
    """
    if "test_time" not in rows:
        raise UnsupportedContent(
            "the record has no time column", expected="time/s", remedy="export the file again with the column time/s"
        )
    findings: list[Finding] = []
    rows.convert([found for names in _FLOATS if (found := rows.first_of(*names))], _COUNTERS & rows.names())
    time = rows["test_time"][keep]
    values: dict[str, NDArray[Any] | xr.Variable] = {"test_time": time}
    if facts.start is not None:
        values["time"] = variable("record", absolute_time(facts.start, time), CLOCK)
    values |= _voltages(rows, keep)
    added = _charge_steps(rows) if "charge_step" in rows else None
    current = _current(rows, facts, added, findings)
    if current is not None:
        values["current"] = current[keep]
    values |= {name: array[keep] for name, array in _charges(rows, added).items()}
    values |= _counters(rows, keep)
    if "mode" in rows:
        kinds = _step_types(rows, current)[keep]
        values["step_type"] = variable("record", kinds, _flag_attrs())
    if (time[1:] < time[:-1]).any():
        findings.append(
            Finding("time-goes-back", "warning", "The time goes back at least once; rows keep their order.")
        )
    dataset = schema.build("cycling", values, **facts.dataset_attrs())
    return Measurement("cycling", dataset, findings)


def _voltages(rows: Rows, keep: slice | NDArray[np.intp]) -> dict[str, Floats]:
    working = rows.any_of("voltage_we", "voltage_we_mean")
    counter = rows.any_of("voltage_ce", "voltage_ce_mean")
    cell = rows.any_of("voltage_cell", "voltage_difference")
    if working is not None and counter is not None:
        with np.errstate(all="ignore"):
            cell = working - counter
    if cell is None and working is None:
        raise UnsupportedContent(
            "the record has no voltage column",
            expected="Ewe/V or Ecell/V",
            remedy="export the file again with the voltage",
        )
    found = {"voltage": cell if cell is not None else working}
    if cell is not None:
        found |= {"voltage_we": working, "voltage_ce": counter}
    return {name: array[keep] for name, array in found.items() if array is not None}


def _current(rows: Rows, facts: Facts, added: Floats | None, findings: list[Finding]) -> Floats | None:
    stored = rows.any_of("current", "current_mean")
    if stored is not None or added is None or not len(rows):
        return stored
    if facts.technique == "MB":
        # In Modulo Bat the charge counter runs on during spectra, so dq / dt is no mean current there.
        findings.append(Finding("no-current", "warning", "The file stores no current, and none can be told for it."))
        return None
    findings.append(
        Finding("current-from-charge", "info", "The current is not stored; it is dq / dt, as EC-Lab exports <I>.")
    )
    return current_from_charge(added, rows["test_time"])


def _charge_steps(rows: Rows) -> Floats:
    """Return what each row adds to the charge; some techniques count dQ from the start of the sequence instead."""
    steps = rows["charge_step"]
    if "charge_counter" not in rows or len(steps) < _FEWEST_ROWS:
        return steps
    counter = rows["charge_counter"]
    some = slice(None, None, max(1, len(steps) // _SAMPLED_ROWS))
    stated, added = steps[1:][some], counter[1:][some] - counter[:-1][some]
    # A counter that is reset, or rows that hold no number, are outvoted.
    if 2 * np.count_nonzero(np.abs(added - stated) > 0.5 * np.abs(stated)) <= len(stated):
        return steps
    return np.diff(counter, prepend=counter[0])


def current_from_charge(charge_step: Floats, time: Floats) -> Floats:
    """Return the mean current since the row before, in A, from charge increments in A h and times in s.

    Rows that no time separates from the row before have no mean current: NaN. The first row is 0 when no charge has
    passed.

    Examples
    --------
    >>> current_from_charge(np.array([0.0, 1.0, 2.0]), np.array([10.0, 3610.0, 3610.0]))
    array([ 0.,  1., nan])
    """
    current = np.empty_like(charge_step)
    current[0] = 0.0 if charge_step[0] == 0.0 else np.nan
    with np.errstate(all="ignore"):
        step = time[1:] - time[:-1]
        np.multiply(charge_step[1:], 3600.0, out=current[1:])
        np.divide(current[1:], step, out=current[1:])
        if not (step > 0).all():
            current[1:][~(step > 0)] = np.nan
    return current


def _charges(rows: Rows, added: Floats | None) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    with np.errstate(all="ignore"):
        if added is not None:
            found["charge"] = np.cumsum(added)
        if "charge_counter" in rows:
            found["vendor_charge"] = rows["charge_counter"]
            found.setdefault("charge", rows["charge_counter"])
        if "half_cycle_charge" in rows:
            half = rows["half_cycle_charge"]
            found["vendor_capacity_charge"] = np.maximum(half, 0.0)
            discharged = -half
            found["vendor_capacity_discharge"] = np.maximum(discharged, 0.0, out=discharged)
        elif {"capacity_charge", "capacity_discharge"} <= rows.names():
            found["vendor_capacity_charge"] = rows["capacity_charge"]
            found["vendor_capacity_discharge"] = rows["capacity_discharge"]
        # With a reference electrode the counted energy is that of one electrode, not of the cell.
        if not {"voltage_ce", "voltage_ce_mean"} & rows.names():
            for kind in ("charge", "discharge"):
                if f"energy_{kind}" in rows:
                    found[f"vendor_energy_{kind}"] = rows[f"energy_{kind}"]
    if "temperature" in rows:
        found["temperature"] = rows["temperature"]
    return found


def _counters(rows: Rows, keep: slice | NDArray[np.intp]) -> dict[str, NDArray[np.int32]]:
    found = {}
    if "half_cycle" in rows:
        found["vendor_half_cycle"] = rows.integers("half_cycle")[keep]
        found["vendor_cycle"] = found["vendor_half_cycle"] // 2
    elif "cycle_number" in rows:
        found["vendor_cycle"] = rows.integers("cycle_number")[keep]
    if "step" in rows:
        found["vendor_step"] = rows.integers("step")[keep]
    return found


def _step_types(rows: Rows, current: Floats | None) -> NDArray[np.int8]:
    # One row for each mode and one for unknown ones; the columns are discharge and charge.
    kinds = np.zeros((_OPEN_CIRCUIT + 2, 2), dtype=np.int8)
    kinds[_OPEN_CIRCUIT] = _REST
    kinds[_CONSTANT_VOLTAGE] = _VOLTAGE
    if current is not None or "oxidation" in rows:
        kinds[_CONSTANT_CURRENT] = _DISCHARGE, _CHARGE
        # Chronopotentiometry reports mode 2 although it sets the current: its only control column is a current.
        if "control_current" in rows and not {"control", "control_voltage"} & rows.names():
            kinds[_CONSTANT_VOLTAGE] = _DISCHARGE, _CHARGE
    positive = rows.integers("oxidation") > 0 if "oxidation" in rows else np.zeros(len(rows), dtype=bool)
    if current is not None:
        positive &= current == 0
        positive |= current > 0
    return kinds.ravel().take(2 * rows.integers("mode") + positive, mode="clip")


def _flag_attrs() -> dict[str, Any]:
    return {"flag_values": list(range(len(schema.STEP_TYPES))), "flag_meanings": " ".join(schema.STEP_TYPES)}
