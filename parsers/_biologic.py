"""BioLogic rows to Datasets: the part that binary and text files share.

EC-Lab stores rows of a table whose columns depend on the technique. Rows of a cycling technique become one ``cycling``
Dataset, rows of an impedance technique one ``eis`` Dataset for each spectrum. Modulo Bat mixes both: its rows with a
frequency belong to spectra, the others to the record.

Galvanostatic cycling with potential limitation stores no current and no cycle number in binary files. Both follow
exactly from what is stored: EC-Lab itself exports ``<I> = dq / dt`` and ``cycle number = half cycle // 2``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._biologic_facts import Facts
from ._source import Measurement, Source
from .errors import TruncatedFile, UnsupportedContent
from .findings import Finding

Floats = NDArray[np.float64]

_RECORD_ONLY = frozenset({"mode", "oxidation", "half_cycle", "voltage_we", "voltage_cell"})
_REST, _CHARGE, _DISCHARGE, _VOLTAGE = (
    schema.STEP_TYPES.index(kind)
    for kind in ("rest", "constant_current_charge", "constant_current_discharge", "constant_voltage")
)
_CONSTANT_CURRENT, _CONSTANT_VOLTAGE, _OPEN_CIRCUIT = 1, 2, 3
_CLOCK = {"comment": "clock of the PC that ran the instrument; the file stores no time zone"}
_MAX_TIME = 3e9  # s, a century: beyond it lies only damage


class Rows:
    """The columns of a file, converted when they are asked for.

    Parameters
    ----------
    columns : mapping of str to (array, float)
        By the names of `interlayer.parsers._biologic_columns`: the numbers as stored, shape (rows,), and the factor
        that turns them into the unit of the vocabulary.

    Examples
    --------
    >>> Rows({"current": (np.array([2.0]), 1e-3)})["current"]
    array([0.002])
    """

    def __init__(self, columns: Mapping[str, tuple[NDArray[Any], float]]) -> None:
        self._columns = columns
        self._cache: dict[str, Floats] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()))[0]) if self._columns else 0

    def __getitem__(self, name: str) -> Floats:
        if name not in self._cache:
            stored, factor = self._columns[name]
            with np.errstate(all="ignore"):
                self._cache[name] = (
                    np.ascontiguousarray(stored, dtype=np.float64)
                    if factor == 1.0
                    else np.multiply(stored, factor, dtype=np.float64)
                )
        return self._cache[name]

    def integers(self, name: str) -> NDArray[np.int32]:
        """Return a column of counters; what is no number in the file becomes 0, as counters start."""
        stored = self._columns[name][0]
        if stored.dtype.kind in "iu":
            return stored.astype(np.int32)
        whole = np.nan_to_num(stored, nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(whole.clip(-(2**31), 2**31 - 1), dtype=np.int32)

    def names(self) -> frozenset[str]:
        """Return the names of all columns."""
        return frozenset(self._columns)

    def any_of(self, *names: str) -> Floats | None:
        """Return the first column that exists, or None."""
        return next((self[name] for name in names if name in self), None)


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
        yield from _spectra(rows, facts, swept, loops, "eis")
    else:
        _note_unswept(swept, source)
        yield from _spectra(rows, facts, swept, loops, "loop")


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
    time = rows["test_time"][keep]
    values: dict[str, NDArray[Any] | xr.Variable] = {"test_time": time}
    if facts.start is not None:
        values["time"] = xr.Variable("record", absolute_time(facts.start, time), _CLOCK)
    values |= _voltages(rows, keep)
    current = _current(rows, facts, findings)
    if current is not None:
        values["current"] = current[keep]
    values |= {name: array[keep] for name, array in _charges(rows).items()}
    values |= _counters(rows, keep)
    if "mode" in rows:
        kinds = _step_types(rows, current)[keep]
        values["step_type"] = xr.Variable("record", kinds, _flag_attrs())
    if np.any(time[1:] < time[:-1]):
        findings.append(
            Finding("time-goes-back", "warning", "The time goes back at least once; rows keep their order.")
        )
    dataset = schema.build("cycling", values, **facts.dataset_attrs())
    return Measurement("cycling", dataset, findings)


def absolute_time(start: np.datetime64, seconds: Floats) -> NDArray[np.datetime64]:
    """Return the dates of times in seconds since `start`, NaT where a time is damaged.

    Examples
    --------
    >>> absolute_time(np.datetime64("2024-01-10T11:02:29.886"), np.array([30.153, np.nan]))
    array(['2024-01-10T11:03:00.039000000',                           'NaT'],
          dtype='datetime64[ns]')
    """
    usable = np.abs(seconds) < _MAX_TIME
    whole = bool(usable.all())
    offsets = np.rint((seconds if whole else np.where(usable, seconds, 0.0)) * 1e9).astype(np.int64)
    dates = start.astype("datetime64[ns]") + offsets.view("timedelta64[ns]")
    if not whole:
        dates[~usable] = np.datetime64("NaT")
    return np.asarray(dates)


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


def _current(rows: Rows, facts: Facts, findings: list[Finding]) -> Floats | None:
    stored = rows.any_of("current", "current_mean")
    if stored is not None or "charge_step" not in rows or not len(rows):
        return stored
    if facts.technique == "MB":
        # In Modulo Bat the charge counter runs on during spectra, so dq / dt is no mean current there.
        findings.append(Finding("no-current", "warning", "The file stores no current, and none can be told for it."))
        return None
    findings.append(
        Finding("current-from-charge", "info", "The current is not stored; it is dq / dt, as EC-Lab exports <I>.")
    )
    return current_from_charge(rows["charge_step"], rows["test_time"])


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
        step = np.diff(time)
        np.divide(charge_step[1:] * 3600.0, step, out=current[1:])
        if not (step > 0).all():
            current[1:][~(step > 0)] = np.nan
    return current


def _charges(rows: Rows) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    with np.errstate(all="ignore"):
        if "charge_step" in rows:
            found["charge"] = np.cumsum(rows["charge_step"])
        if "charge_counter" in rows:
            found["vendor_charge"] = rows["charge_counter"]
            found.setdefault("charge", rows["charge_counter"])
        if "half_cycle_charge" in rows:
            half = rows["half_cycle_charge"]
            found["vendor_capacity_charge"] = np.maximum(half, 0.0)
            found["vendor_capacity_discharge"] = np.maximum(-half, 0.0)
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
    mode = rows.integers("mode")
    controlled = mode == _CONSTANT_CURRENT
    # Chronopotentiometry reports mode 2 although it sets the current: its only control column is a current.
    if "control_current" in rows and not {"control", "control_voltage"} & rows.names():
        controlled |= mode == _CONSTANT_VOLTAGE
    positive = rows.integers("oxidation") > 0 if "oxidation" in rows else np.zeros(len(rows), dtype=bool)
    if current is not None:
        positive = np.where(current == 0, positive, current > 0)
    kinds = np.zeros(len(rows), dtype=np.int8)
    kinds[mode == _OPEN_CIRCUIT] = _REST
    kinds[mode == _CONSTANT_VOLTAGE] = _VOLTAGE
    if current is not None or "oxidation" in rows:
        kinds[controlled] = np.where(positive[controlled], _CHARGE, _DISCHARGE)
    return kinds


def _flag_attrs() -> dict[str, Any]:
    return {"flag_values": list(range(len(schema.STEP_TYPES))), "flag_meanings": " ".join(schema.STEP_TYPES)}


def _spectra(
    rows: Rows, facts: Facts, swept: NDArray[np.bool_], loops: NDArray[np.int64], prefix: str
) -> Iterator[Measurement]:
    index = np.flatnonzero(swept)
    parts = [index[part] for part in _parts(rows, index, loops)]
    alone = len(parts) == 1 and swept.all()
    for number, part in enumerate(parts):
        group = "eis" if alone or (len(parts) == 1 and prefix == "loop") else f"{prefix}_{number}"
        yield spectrum(rows, facts, part, group)


def _parts(rows: Rows, index: NDArray[np.intp], loops: NDArray[np.int64]) -> Iterator[slice]:
    """Split the rows of spectra where a counter changes, where other rows lie between, or where the sweep restarts."""
    if not index.size:
        return
    new = np.zeros(index.size, dtype=bool)
    new[1:] = np.diff(index) > 1
    for name in ("cycle_number", "spectrum_number", "step"):
        if name in rows:
            new[1:] |= np.diff(rows.integers(name)[index]) != 0
    new[1:] |= np.diff(np.searchsorted(loops, index, side="right")) != 0
    borders = [0, *np.flatnonzero(new), index.size]
    frequency = rows["frequency"][index]
    for start, stop in pairwise(borders):
        if start < stop:
            yield from _sweeps(frequency, int(start), int(stop))


def _sweeps(frequency: Floats, start: int, stop: int) -> Iterator[slice]:
    begin, direction = start, 0.0
    for step, sign in enumerate(np.sign(np.diff(frequency[start:stop])), start + 1):
        if direction and sign and sign != direction:
            yield slice(begin, step)
            begin, direction = step, 0.0
        elif sign:
            direction = sign
    yield slice(begin, stop)


def spectrum(rows: Rows, facts: Facts, index: NDArray[np.intp], group: str) -> Measurement:
    """Return one spectrum from the rows at `index`."""
    findings: list[Finding] = []
    values: dict[str, Any] = {
        "frequency": rows["frequency"][index],
        "impedance": _impedance(rows, index, findings),
    }
    if "test_time" in rows:
        values["test_time"] = rows["test_time"][index]
        if facts.start is not None:
            values["time"] = xr.Variable("frequency", absolute_time(facts.start, values["test_time"]), _CLOCK)
    for name, sources in (
        ("dc_potential", ("voltage_we_mean", "voltage_we", "voltage_cell")),
        ("dc_current", ("current_mean", "current")),
        ("voltage_amplitude", ("voltage_amplitude",)),
        ("current_amplitude", ("current_amplitude",)),
        ("temperature", ("temperature",)),
    ):
        column = rows.any_of(*sources)
        if column is not None:
            values[name] = column[index]
    return Measurement(group, schema.build("eis", values, **facts.dataset_attrs()), findings)


def _impedance(rows: Rows, index: NDArray[np.intp], findings: list[Finding]) -> NDArray[np.complex128]:
    cartesian = polar = None
    with np.errstate(all="ignore"):
        if {"impedance_real", "impedance_imaginary"} <= rows.names():
            cartesian = rows["impedance_real"][index] + 1j * rows["impedance_imaginary"][index]
        if {"impedance_modulus", "impedance_phase"} <= rows.names():
            polar = rows["impedance_modulus"][index] * np.exp(1j * np.deg2rad(rows["impedance_phase"][index]))
        if cartesian is None and polar is None:
            raise UnsupportedContent(
                "the spectrum has no impedance columns",
                expected="Re(Z)/Ohm and -Im(Z)/Ohm, or |Z|/Ohm and Phase(Z)/deg",
                remedy="export the file again with them",
            )
        if cartesian is not None and polar is not None and np.any(polar):
            off = float(np.nanmax(np.abs(cartesian - polar) / np.maximum(np.abs(polar), 1e-300), initial=0.0))
            if not off < 1e-3:
                findings.append(
                    Finding(
                        "impedance-contradicts-modulus",
                        "warning",
                        f"Re(Z), Im(Z) and |Z|, Phase(Z) differ by up to {100 * off:.3g} %; Re(Z), Im(Z) were taken.",
                    )
                )
    return cartesian if cartesian is not None else np.asarray(polar)
