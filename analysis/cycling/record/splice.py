"""One record of several files of a test: ordered by the clock, without duplicates, with nothing invented between them.

The time of the test goes on from file to file by what the clock says passed between them. Where no clock says it, the
next file follows at the same moment, and the charge that may have passed in between counts as missing. Counters of the
cycler are kept as the files have them: every file starts its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from interlayer.parsers import schema
from interlayer.parsers.findings import Finding, findings, to_json

from .files import SECOND, Dates, File, file_of, resolution, shared_records
from .intervals import Floats

_SAME_CLOCK = (2.0, 1e-4)  # s and relative: what two clocks may differ by over a break and still tell the same time
_OWN = frozenset({"technique", "findings", "original_metadata", "source_file", "source_sha256", "start_time"})
_SOFTWARE = frozenset({"format", "parser_version"})


def splice(datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the files of one test as one record.

    Parameters
    ----------
    datasets : sequence of xarray.Dataset
        Cycling records of the vocabulary, in any order if each says when it began, by the coordinate ``time`` or the
        attribute ``start_time``; else in the order of the test.

    Returns
    -------
    xarray.Dataset
        A cycling record with ``test_time`` (s) that goes on through all files and with the coordinate ``file_id``,
        the place of each record's file in the attribute ``source_files``. Counters stay as the files have them.
        `interlayer.analysis.cycling.summarise` and all others integrate nothing from file to file, unless the next file
        begins within two usual intervals of the sampling. Findings say what was dropped and what is not known.

    Raises
    ------
    ValueError
        If there is no dataset, one is spliced already, or the order given contradicts the clocks that are known.
    NotAnalysable
        If one is no cycling record, or two cover the same time with different records.

    Examples
    --------
    >>> parts = [
    ...     schema.build("cycling", {"test_time": [0.0, 60.0], "voltage": [3.7, 3.8], "current": [1e-3, 1e-3]},
    ...                  start_time=start)
    ...     for start in ("2026-01-05T10:00:00.000", "2026-01-05T09:00:00.000")
    ... ]
    >>> splice(parts)["test_time"].values.tolist()
    [0.0, 60.0, 3600.0, 3660.0]
    """
    if not len(datasets):
        raise ValueError("found no dataset; expected at least one record to splice")
    said: list[Finding] = []
    files = _ordered([file_of(ds, f"file {place + 1}") for place, ds in enumerate(datasets)], said)
    kept: dict[int, File] = {}
    for place, file in enumerate(files):
        if (rest := _without_duplicates(file, list(kept.values()), said)).size:
            kept[place] = rest
    parts = list(kept.values())
    values: dict[str, Any] = {name: _joined(name, parts) for name in _names(parts)}
    values["test_time"] = _test_time(parts, said)
    values["file_id"] = np.repeat(np.array(list(kept), dtype=np.int32), [part.size for part in parts])
    if any(part.clock is not None for part in parts):
        values["time"] = _dates(parts)
    return schema.build("cycling", values, **_attrs(files, said))


def _ordered(files: list[File], said: list[Finding]) -> list[File]:
    """Return the files in order of time, as given where some have no clock."""
    starts = [(file.clock[0], file) for file in files if file.clock is not None]
    if len(starts) == len(files):
        return [file for _, file in sorted(starts, key=lambda start: start[0])]
    for (first, before), (second, after) in pairwise(starts):
        if second < first:
            raise ValueError(
                f"{after.name} began before {before.name}, which stands before it; expected the order of the test, "
                "since other files do not say when they began"
            )
    names = ", ".join(file.name for file in files if file.clock is None)
    message = f"No clock says when {names} began; the files were joined in the order given."
    said.append(Finding("order-as-given", "warning", message))
    return files


def _without_duplicates(file: File, kept: list[File], said: list[Finding]) -> File:
    """Return a file without the records that those before it hold."""
    digest = file.ds.attrs.get("source_sha256")
    for earlier in kept:
        if digest is not None and digest == earlier.ds.attrs.get("source_sha256"):
            said.append(Finding("duplicate-records", "warning", f"{file.name} was given twice; it counts once."))
            return file.without_first(file.size)
        if count := shared_records(earlier, file):
            message = f"{count} records of {file.name} are in {earlier.name} as well; they count once."
            said.append(Finding("duplicate-records", "info", message))
            file = file.without_first(count)
            if not file.size:
                break
    return file


def _test_time(files: list[File], said: list[Finding]) -> Floats:
    """Return one time that goes on through all files, s."""
    parts = [files[0].test_time]
    for before, after in pairwise(files):
        start = float(parts[-1][-1]) + _gap(before, after, said)
        parts.append(start + (after.test_time - after.test_time[0]))
    return np.concatenate(parts)


def _gap(before: File, after: File, said: list[Finding]) -> float:
    """Return the time between the last record of a file and the first of the next, s; 0 where it is not known."""
    own = float(after.test_time[0] - before.test_time[-1])
    names = f"{before.name} and {after.name}"
    if before.clock is not None and after.clock is not None:
        gap = float((after.clock[0] - before.clock[-1]) / SECOND)
        if own > 0 and abs(own - gap) <= _SAME_CLOCK[0] + _SAME_CLOCK[1] * gap:
            gap = own  # the same, and finer than a clock in whole seconds
        gap = max(gap, 0.5 * resolution(before.clock, after.clock))
        said.append(Finding("gap-between-files", "info", f"{gap:.6g} s lie between {names}."))
        return gap
    if own > 0:
        message = f"{own:.6g} s lie between {names}, since the time of the test goes on from one to the other."
        said.append(Finding("gap-between-files", "info", message))
        return own
    message = f"The time between {names} is not known; the charge that passed in it is missing."
    said.append(Finding("unknown-gap", "warning", message))
    return 0.0


def _names(files: list[File]) -> list[str]:
    """Return the variables of the records of all files."""
    named = {str(name) for file in files for name, of in file.ds.variables.items() if of.dims == ("record",)}
    return sorted(named - {"record", "test_time", "time"})


def _joined(name: str, files: list[File]) -> xr.Variable:
    """Return a variable of all files: not a number, or of unknown kind, where a file lacks it."""
    attrs = next(file.ds[name].attrs for file in files if name in file.ds.variables)
    parts = []
    for file in files:
        if name in file.ds.variables:
            parts.append(file.ds[name].values)
        elif name == "step_type":
            parts.append(np.zeros(file.size, dtype=np.int8))
        else:
            parts.append(np.full(file.size, np.nan))
    return xr.Variable(("record",), np.concatenate(parts), attrs)


def _dates(files: list[File]) -> xr.Variable:
    unknown = np.datetime64("NaT", "ns")
    parts: list[Dates] = [np.full(file.size, unknown) if file.clock is None else file.clock for file in files]
    attrs = next((file.ds["time"].attrs for file in files if "time" in file.ds.variables), {})
    return xr.Variable(("record",), np.concatenate(parts), attrs)


def _attrs(files: list[File], said: list[Finding]) -> dict[str, Any]:
    """Return what all files say alike, and the names, hashes, settings and findings of each."""
    names, every = [file.name for file in files], [file.ds.attrs for file in files]
    keys = [key for key in {key: None for attrs in every for key in attrs} if key not in _OWN]
    alike = {key: every[0][key] for key in keys if all(_same(attrs.get(key), every[0].get(key)) for attrs in every)}
    if differ := [str(key) for key in keys if key not in alike and key not in _SOFTWARE]:
        message = f"The files do not agree on {', '.join(differ)}; left out."
        said.append(Finding("settings-differ", "warning", message))
    own = [
        replace(entry, message=f"{name}: {entry.message}")
        for name, attrs in zip(names, every, strict=True)
        for entry in findings(attrs)
    ]
    found: dict[str, Any] = {"source_files": names, "source_file": "; ".join(names)}
    if hashes := [str(attrs["source_sha256"]) for attrs in every if "source_sha256" in attrs]:
        found |= {"source_sha256s": hashes, "source_sha256": "; ".join(hashes)}
    if any("original_metadata" in attrs for attrs in every):
        found["original_metadata"] = json.dumps([json.loads(attrs.get("original_metadata", "null")) for attrs in every])
    start = next((str(attrs["start_time"]) for attrs in every if "start_time" in attrs), None)
    return alike | found | {"start_time": start, "findings": to_json([*own, *said])}


def _same(one: object, other: object) -> bool:
    return bool(np.array_equal(np.asarray(one, dtype=object), np.asarray(other, dtype=object)))
