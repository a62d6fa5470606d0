"""Neware binary files (.nda, .ndax), by way of the optional package `fastnda`.

A .nda file opens with ``NEWARE``, the date of the layout and one byte of version; an .ndax file is a zip archive with
the records in ``data.ndc``, times and counters in ``data_runInfo.ndc`` and steps in ``data_step.ndc``. Their layouts
differ with every version and are the business of `fastnda`; what its columns mean, and whether they agree with each
other, is settled here. Current is in mA, positive on charge; the counters of charge and energy start anew with each
step. An .ndax file holds times and counters for some records only; between them they are interpolated by `fastnda`.

Source: fastnda (BSD-3-Clause), `fastnda.read`. Checked on corpus/cycling: NewareNDA, cellpy, battery-data-format.
"""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._cycling_checks import compare_counters, orient_current, plausibility
from ._cycling_record import assemble
from ._source import Measurement, Source
from ._zip import DAMAGE
from .archive_gzip import check_expansion
from .errors import CorruptFile, LimitExceeded, MissingDependency, TruncatedFile, UnsupportedContent
from .findings import Finding

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]

NEEDED = {"total_time_s": "test_time", "voltage_V": "voltage", "current_mA": "current"}
"""Columns of fastnda without which there is no record, and our variables."""

COUNTS = {"cycle_count": "vendor_cycle", "step_count": "vendor_step"}

COUNTERS = {
    "capacity_mAh": ("vendor_capacity_charge", "vendor_capacity_discharge"),
    "energy_mWh": ("vendor_energy_charge", "vendor_energy_discharge"),
}
"""Net counters of fastnda, and our variables for their positive and negative parts."""

STEP_TYPES = {
    1: "constant_current_charge", 2: "constant_current_discharge", 3: "constant_voltage", 4: "rest",
    8: "constant_power", 9: "constant_power", 13: "rest", 16: "pulse", 19: "constant_voltage", 22: "rest",
}  # fmt: skip
"""Neware's codes of steps of one kind; CC-CV, ramps, simulations and the like are of several."""

_MILLI = 1e-3
_DIFFERENCE = 0.005
_NO_CYCLE = "Raw cycle column missing"
_COMPUTED_CYCLE = "unexpected cycle numbers"
_BACK_IN_TIME = "negative jumps in the 'unix_time_s'"
_CLOCK_NOTE = {"comment": "UTC; in .nda files of versions before 129 the clock of the cycler's PC"}
_PAUSE = 60.0
_DAMAGE_REMEDY = "copy it from the cycler again, or export it as csv from BTSDA"
_BTS9 = 129
"""From this version on the number of records stands at the end of a .nda file; before, their place in its header."""

_RECORDS_AT = 64
_RECORD_SIZES = {29: 86}
"""Bytes of a record, by version."""

_RECORD_MARKS = (85, 101, 170)
"""First byte of a record of the cell, of an auxiliary channel, and of a jump of the schedule."""


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record.

    Raises
    ------
    MissingDependency
        If `fastnda` is not installed.
    TruncatedFile
        If the file holds no record.
    CorruptFile
        If `fastnda` fails on it.
    UnsupportedContent
        If its version is unknown to `fastnda`, or time, voltage or current are missing.
    LimitExceeded
        If an .ndax file unpacks beyond the limits.
    """
    zipped = source.data.startswith(b"PK")
    if zipped:
        _check_size(source)
    frame, metadata, remarks = _frame(source, ".ndax" if zipped else ".nda")
    if missing := sorted(set(NEEDED) - set(frame.columns)):
        raise UnsupportedContent(f"there is no {missing} among the columns {frame.columns}", remedy=_DAMAGE_REMEDY)
    if not len(frame):
        raise TruncatedFile("the file holds no record", remedy=_DAMAGE_REMEDY)
    own_cycles = not any(_NO_CYCLE in remark for remark in remarks)
    if not own_cycles:
        source.note("no-vendor-cycle", "info", "The file counts no cycles.")
    for remark in remarks:
        if not any(known in remark for known in (_NO_CYCLE, _COMPUTED_CYCLE, _BACK_IN_TIME)):
            source.note("reader-remark", "warning", f"fastnda says: {remark}")
    if not zipped:
        _note_losses(source, len(frame), metadata)
    yield _measurement(frame, metadata, own_cycles=own_cycles)


def _frame(source: Source, suffix: str) -> tuple[pl.DataFrame, Mapping[str, Any], list[str]]:
    """Return records, settings and remarks of fastnda, which reads only from disk."""
    fastnda = _import_fastnda()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / f"record{suffix}"
        path.write_bytes(source.data)
        try:
            with _heard() as remarks:
                frame = fastnda.read(path, cycle_mode="raw", raw_categories=True)
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except NotImplementedError as error:
            raise UnsupportedContent(f"fastnda cannot read this version: {error}", remedy=_DAMAGE_REMEDY) from error
        except BaseException as error:  # a panic of polars derives from BaseException
            raise CorruptFile(
                f"fastnda cannot read it: {type(error).__name__}: {_shown(error, folder)}", remedy=_DAMAGE_REMEDY
            ) from error
        try:
            with _heard() as doubts:
                metadata = fastnda.read_metadata(path)
        except Exception as error:  # the records are worth more than the settings
            metadata = {}
            doubts.append(f"{type(error).__name__}: {_shown(error, folder)}")
    if doubts:
        source.note("uncertain-settings", "info", f"fastnda says of the settings: {'; '.join(doubts)}")
    return frame, metadata, remarks


def _import_fastnda() -> Any:
    """Import fastnda, and put back the functions of zlib that it replaces for the whole process."""
    before = {name: vars(zlib)[name] for name in ("decompress", "decompressobj")}
    try:
        import fastnda
        import fastnda.ndax
    except ImportError as error:
        raise MissingDependency(
            f"Neware's binary files are read by the package fastnda, which cannot be imported: {error}",
            remedy="install it with: pip install 'interlayer[neware]'",
        ) from error
    finally:
        vars(zlib).update(before)
    return fastnda


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what fastnda logs and warns of instead of printing it."""
    remarks: list[str] = []
    logger = logging.getLogger("fastnda")
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: remarks.append(record.getMessage())  # type: ignore[method-assign]
    propagate = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield remarks
        remarks += [str(warning.message) for warning in caught]
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)


def _shown(error: BaseException, folder: str) -> str:
    """Return the first line of an error without the temporary folder."""
    return next(iter(str(error).replace(folder, "").splitlines()), "").strip()[:300]


def _check_size(source: Source) -> None:
    """Refuse an archive that unpacks beyond the limits, before it is unpacked."""
    try:
        with zipfile.ZipFile(BytesIO(source.data)) as archive:
            members = archive.infolist()
    except DAMAGE as error:
        raise CorruptFile(f"the archive is damaged: {error}", remedy=_DAMAGE_REMEDY) from error
    if len(members) > source.limits.members:
        raise LimitExceeded(f"{len(members)} members", expected=f"at most {source.limits.members} (Limits.members)")
    for info in members:  # zipfile unpacks no more than a member declares
        check_expansion(info.file_size, max(info.compress_size, 1), source.limits)
    check_expansion(sum(info.file_size for info in members), len(source.data), source.limits)


def _note_losses(source: Source, rows: int, metadata: Mapping[str, Any]) -> None:
    """Note a .nda file that ends before its last record, or whose records do not begin where they should."""
    if source.data[14] >= _BTS9:
        wanted = metadata.get("num_datapoints")
        if wanted is None:
            message = f"The block at the end of the file is missing; {rows} records were read."
            source.note("truncated-file", "warning", message)
        elif wanted > rows:
            source.note("truncated-file", "warning", f"The file should hold {wanted} records; {rows} were read.")
        return
    cursor = source.cursor()
    cursor.seek(_RECORDS_AT)
    start, length = cursor.u32(), cursor.u32()
    if start + length > len(source.data):
        message = (
            f"The records should end at byte {start + length}, the file ends at {len(source.data)}; {rows} were read."
        )
        source.note("truncated-file", "warning", message)
    if size := _RECORD_SIZES.get(source.data[14]):
        firsts = np.frombuffer(source.data[start : start + length], np.uint8)[::size]
        if damaged := int(np.count_nonzero(~np.isin(firsts, _RECORD_MARKS))):
            message = f"{damaged} of {len(firsts)} records do not begin like one and were left out."
            source.note("damaged-records", "warning", message)


def _measurement(frame: pl.DataFrame, metadata: Mapping[str, Any], *, own_cycles: bool) -> Measurement:
    findings: list[Finding] = []
    needed = {ours: _floats(frame, theirs) for theirs, ours in NEEDED.items()}
    keep = np.logical_and.reduce([np.isfinite(values) for values in needed.values()])
    if not keep.any():
        raise CorruptFile("no record has time, voltage and current", remedy=_DAMAGE_REMEDY)
    if missing := int(np.count_nonzero(~keep)):
        message = f"{missing} records lack time, voltage or current; they were left out."
        findings.append(Finding("incomplete-rows", "warning", message))
    record: dict[str, Any] = {name: values[keep] for name, values in needed.items()}
    record["current"] *= _MILLI
    for theirs, (charge, discharge) in COUNTERS.items():
        if theirs in frame.columns:
            net = _floats(frame, theirs)[keep] * _MILLI
            record[charge], record[discharge] = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    record["current"], remarks = orient_current(record)
    findings += remarks + plausibility(record) + _gaps(frame)
    for theirs, ours in COUNTS.items():
        if theirs in frame.columns and not frame[theirs].null_count() and (own_cycles or ours != "vendor_cycle"):
            record[ours] = frame[theirs].to_numpy().astype(np.int64)[keep]
    steps = record.get("vendor_step")
    findings += compare_counters(record, within=steps, tolerance=_DIFFERENCE)
    start = _add_clock(record, frame, keep, findings)
    _add_temperature(record, frame, keep, findings)
    if "step_type" in frame.columns:
        record["step_type"] = _step_types(frame, keep, findings)
    original = json.dumps(metadata, ensure_ascii=False, default=str)
    dataset = assemble(record, {"original_metadata": original, "start_time": start})
    return Measurement("cycling", dataset, findings)


def _floats(frame: pl.DataFrame, name: str) -> Floats:
    with np.errstate(invalid="ignore"):  # damaged bytes may be a signalling NaN
        return np.asarray(frame[name].to_numpy().astype(np.float64))


def _gaps(frame: pl.DataFrame) -> list[Finding]:
    """Return a finding when records are missing between others, by their numbers."""
    if "index" not in frame.columns:
        return []
    missing = int(np.sum(np.diff(frame["index"].to_numpy().astype(np.int64)) - 1))
    if missing <= 0:
        return []
    return [Finding("missing-records", "warning", f"By the numbers of the records {missing} are missing.")]


def _add_clock(
    record: dict[str, Any], frame: pl.DataFrame, keep: NDArray[np.bool_], findings: list[Finding]
) -> str | None:
    """Add the dates of the records, and return the first."""
    if "unix_time_s" not in frame.columns:
        return None
    seconds = _floats(frame, "unix_time_s")[keep]
    plausible = np.isfinite(seconds) & (seconds > 0) & (seconds < 2**32)
    if not plausible.all():
        message = f"{np.count_nonzero(~plausible)} records have no date; the dates were left out."
        findings.append(Finding("unread-dates", "info", message))
        return None
    clock = np.rint(seconds * 1e6).astype(np.int64).view("datetime64[us]").astype("datetime64[ns]")
    record["time"] = xr.Variable("record", clock, _CLOCK_NOTE)
    if back := int(np.count_nonzero(np.diff(seconds) < 0)):
        message = f"The dates go back in {back} places; the time in the test does not follow them."
        findings.append(Finding("clock-goes-back", "warning", message))
    pause = float(np.ptp(seconds) - np.ptp(record["test_time"]))
    if pause > _PAUSE:
        message = f"By its dates the test took {pause:.6g} s longer than by its time: the cycler stood still meanwhile."
        findings.append(Finding("test-paused", "info", message))
    return str(np.datetime_as_string(clock[0], unit="ms"))


def _add_temperature(
    record: dict[str, Any], frame: pl.DataFrame, keep: NDArray[np.bool_], findings: list[Finding]
) -> None:
    """Add the first sensor that measured anything, and name the channels that are left out."""
    channels = [name for name in frame.columns if name.startswith("aux")]
    for name in [name for name in channels if name.endswith("_temperature_degC") and "_clamp_" not in name]:
        values = _floats(frame, name)[keep]
        if np.nan_to_num(values).any():
            record["temperature"] = values
            channels.remove(name)
            break
    if channels:
        findings.append(Finding("unmapped-columns", "info", f"Channels that were left out: {', '.join(channels)}."))


def _step_types(frame: pl.DataFrame, keep: NDArray[np.bool_], findings: list[Finding]) -> NDArray[np.int8]:
    from fastnda.dicts import STEP_TYPE_MAP

    column = frame["step_type"].fill_null(0).to_numpy()[keep]
    codes = np.zeros(256, dtype=np.int8)
    for code, kind in STEP_TYPES.items():
        codes[code] = schema.STEP_TYPES.index(kind)
    if mixed := [str(STEP_TYPE_MAP.get(int(code), code)) for code in np.unique(column) if not codes[code]]:
        message = f"Steps of kinds that the vocabulary does not name are unknown: {', '.join(mixed)}."
        findings.append(Finding("unmapped-step-types", "info", message))
    return np.asarray(codes[column])
