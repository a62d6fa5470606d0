"""VAMAS files (.vms, .npl), ISO 14976: XPS, UPS and Auger spectra, one block for each region.

Text, one item a line; `interlayer.parsers._vamas_blocks` holds the grammar. In *regular* scans the abscissa is a start
and a step, in *irregular* ones it is the first of the corresponding variables. Further variables along it are the
intensity and, in files of Kratos, SPECS and CasaXPS, the transmission of the analyser.

The energy axis of the file is taken as it is; the other one follows from the photon energy by BE = hv - KE. Exporting
programs write kinetic energies that are referenced to the Fermi level, so the work function in the block is *not*
subtracted again (Kratos, SPECS and Omicron files begin their regions at round binding energies only this way).

Blocks of another kind than spectra along an electron energy are left out with a finding. CasaXPS keeps calibrations and
fits in comments; they are kept in `original_metadata` and never applied.

Sources: ISO 14976:1998; Dench, Hazell, Seah, Surf. Interface Anal. 13 (1988) 63, doi:10.1002/sia.740130202; files of
SPECS Prodigy, Kratos ESCApe, PHI MultiPak, Omicron EIS, Staib WinSpectro and CasaXPS 2.3.25 to 2.3.27.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

import numpy as np
import xarray as xr

from . import schema
from ._groups import group_names
from ._source import Measurement, Source
from ._text import decode
from ._vamas_blocks import TERMINATOR, Block, Experiment, Lines, blocks, experiment
from ._xas import ELEMENTS, Floats
from .errors import ParseError, TruncatedFile, UnsupportedContent
from .findings import Finding

Axis = Literal["kinetic_energy", "binding_energy"]

_PHOTOEMISSION = frozenset({"XPS", "UPS", "HAXPES"})
_RATES = re.compile(r"c(oun)?ts?/s(ec)?|c/s|cps|counts? (s-1|per sec(ond)?)", re.IGNORECASE)
_RATE_LABEL = re.compile(r"\brate\b|\bcps\b|c(oun)?ts?\s*(/|per)\s*s", re.IGNORECASE)
_COUNTS = frozenset({"d", "n", "c", "count", "counts", ""})
_CORE_LEVEL = re.compile(r"([A-Z][a-z]?)\s*(\d[spdfg](?:\s?\d/2)?)")
_UNSET = frozenset({"", "not specified", "unknown", "none", "species", "n/a"})
_CASA_CALIBRATION = re.compile(r"(KE)?Calib\b")
# A photon energy below that of He I, or beyond hard X-ray sources, was never set.
_PHOTON_ENERGIES = (10.0, 20_000.0)
# Scans begin some way above the Fermi level; further than this, photon energy and axis contradict each other.
_ABOVE_FERMI = 60.0


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each block that is a spectrum along an electron energy.

    Raises
    ------
    CorruptFile
        If it is not a VAMAS file or a line is not what the format has there.
    TruncatedFile
        If it ends before the first whole point.
    UnsupportedContent
        If it holds no spectra, with the reason.
    """
    text, finding = decode(_printable(source.data), source.limits)
    if finding is not None:
        source.findings.append(finding)
    lines = Lines(list(text.lines))
    header = experiment(lines)
    found = _whole_blocks(source, lines, header, complete=text.complete)
    names = group_names([_group_label(block) for block in found])
    reasons = []
    yielded = False
    for name, block in zip(names, found, strict=True):
        findings: list[Finding] = []
        try:
            dataset = _dataset(header, block, findings)
        except UnsupportedContent as error:
            reasons.append(str(error))
            source.note("skipped-block", "warning", f"The block of line {block.line} was left out: {error}")
            continue
        yielded = True
        yield Measurement(name, dataset, findings)
    if not yielded:
        raise UnsupportedContent(f"no block is an electron spectrum: {'; '.join(reasons[:3])}", path=source.path)


def _printable(data: bytes) -> bytes:
    """Return the content without the NUL bytes with which PHI MultiPak pads some labels."""
    return data if data[:2] in (b"\xff\xfe", b"\xfe\xff") else data.replace(b"\0", b"")


def _whole_blocks(source: Source, lines: Lines, header: Experiment, *, complete: bool) -> list[Block]:
    """Return the blocks up to where the file breaks off, with a finding when it does."""
    found: list[Block] = []
    stream = blocks(lines, header, source.limits)
    while True:
        try:
            block = next(stream, None)
        except ParseError as error:
            if not found:
                raise
            source.note(
                "unreadable-blocks",
                "error",
                f"{len(found)} of {header.blocks} blocks were read; the next is broken: {error}",
            )
            return found
        if block is None:
            break
        found.append(block)
    if not found:
        raise TruncatedFile("the file announces no block", line=lines.number, expected="at least one block")
    last = found[-1]
    if not complete and lines.position >= len(lines.lines):
        # The last number may have lost digits; its point goes.
        last.ordinates = last.ordinates[:-1]
    if last.ordinates.size < last.promised:
        points, width = last.ordinates.shape
        source.note(
            "truncated-file",
            "warning",
            f"The file ends within block {len(found)} of {header.blocks}; {points} of {last.promised // width} points "
            "were kept.",
        )
        if points == 0:
            found.pop()
    elif not _ends(lines):
        source.note("no-terminator", "warning", f"The line {TERMINATOR!r} does not follow the last block.")
    if not found:
        raise TruncatedFile("the file ends before the first whole point", line=len(lines.lines), expected="ordinates")
    return found


def _ends(lines: Lines) -> bool:
    rest = [line.strip().lower() for line in lines.lines[lines.position :] if line.strip()]
    return bool(rest) and rest[0] == TERMINATOR


def _stated(text: str) -> str | None:
    return None if text.strip().lower() in _UNSET else text.strip()


def _core_level(block: Block) -> str | None:
    label = f"{block.items['species label']} {block.items['transition or charge state label']}".strip()
    found = _CORE_LEVEL.fullmatch(label)
    return f"{found[1]} {found[2].replace(' ', '')}" if found and found[1] in ELEMENTS else None


def _group_label(block: Block) -> str:
    return _core_level(block) or _stated(block.items["species label"]) or _stated(block.identifier) or ""


def _dataset(header: Experiment, block: Block, findings: list[Finding]) -> xr.Dataset:
    axis, energies, columns = _axis(header, block)
    photon = _photon_energy(block, axis, energies, findings)
    dim: Axis = "binding_energy" if axis == "binding_energy" or photon is not None else "kinetic_energy"
    values: dict[str, Any] = {axis: xr.Variable((dim,), energies)}
    if photon is not None:
        other: Axis = "kinetic_energy" if axis == "binding_energy" else "binding_energy"
        values[other] = xr.Variable((dim,), np.round(photon - energies, 9), {"derivation": "BE = hv - KE"})
        values["photon_energy"] = photon
    signals = [column for column in columns if "transmission" not in column.label.lower()]
    transmissions = [column for column in columns if column not in signals]
    if not signals:
        raise UnsupportedContent(f"its variables are {[column.label for column in columns]}", expected="an intensity")
    name, units = _kind_of_signal(block, signals[0])
    values[name] = xr.Variable((dim,), signals[0].values, units)
    if transmissions:
        values["transmission"] = xr.Variable((dim,), transmissions[0].values)
    if left_out := [column.label for column in signals[1:] + transmissions[1:]]:
        findings.append(
            Finding("unmapped-columns", "warning", f"These variables were left out: {', '.join(left_out)}.")
        )
    _judge(block, name, signals[0], findings)
    return schema.build("xps", values, **_attrs(header, block, axis, photon, findings))


@dataclass(frozen=True, eq=False)
class Ordinate:
    """One variable along the abscissa, with the smallest and largest value that the file states for it."""

    label: str
    unit: str
    values: Floats
    stated: tuple[float | None, float | None]


def _axis(header: Experiment, block: Block) -> tuple[Axis, Floats, list[Ordinate]]:
    """Return which energy the abscissa is, its values, and the variables along it."""
    columns = [
        Ordinate(label, unit, block.ordinates[:, index], block.ranges[index])
        for index, (label, unit) in enumerate(block.items["corresponding variables"])
    ]
    if header.scan_mode == "REGULAR":
        label, unit = block.items["abscissa label"], block.items["abscissa units"]
        start, step = block.items["abscissa start"], block.items["abscissa increment"]
        if start is None or not step:
            raise UnsupportedContent("its abscissa has no start or no step", expected="numbers")
        energies = np.round(start + step * np.arange(len(block.ordinates)), 9)
    else:
        abscissa = columns.pop(0)
        label, unit, energies = abscissa.label, abscissa.unit, abscissa.values
    kind: Axis | None = next((axis for axis in _AXES if axis.split("_")[0] in label.lower()), None)
    if kind is None or unit.lower() != "ev":
        raise UnsupportedContent(f"its abscissa is {label!r} in {unit!r}", expected="a kinetic or binding energy in eV")
    if not np.all(np.isfinite(energies)):
        raise UnsupportedContent("its abscissa holds values that are not finite", expected="energies")
    return kind, energies, columns


_AXES: tuple[Axis, ...] = ("kinetic_energy", "binding_energy")


def _photon_energy(block: Block, axis: Axis, energies: Floats, findings: list[Finding]) -> float | None:
    """Return the photon energy in eV, or None with a finding where the file's value cannot be it."""
    if block.items["technique"] not in _PHOTOEMISSION:
        return None
    value = block.items["analysis source characteristic energy"]
    low, high = _PHOTON_ENERGIES
    if value is None or not low <= value <= high:
        why = "is not set" if value is None else f"is {value:g} eV"
    elif axis == "kinetic_energy" and energies.max() > value + _ABOVE_FERMI:
        why = f"is {value:g} eV, below the kinetic energies up to {energies.max():g} eV"
    elif axis == "binding_energy" and energies.max() >= value:
        why = f"is {value:g} eV, below the binding energies up to {energies.max():g} eV"
    else:
        return float(value)
    other = "binding" if axis == "kinetic_energy" else "kinetic"
    findings.append(
        Finding("no-photon-energy", "warning", f"The photon energy {why}; the {other} energy was not derived.")
    )
    return None


def _kind_of_signal(block: Block, ordinate: Ordinate) -> tuple[str, dict[str, str]]:
    """Return the variable for an ordinate and its units: counts, a count rate, or an intensity without unit."""
    unit = ordinate.unit.lower()
    if _RATES.fullmatch(unit) or (unit in _COUNTS and _RATE_LABEL.search(ordinate.label)):
        return "intensity", {"units": "count s-1"}
    counting = block.items["signal mode"].lower() == "pulse counting"
    if counting and unit in _COUNTS and not np.any(ordinate.values < 0):
        return "counts", {"units": "count"}
    return "intensity", {"units": "1", "original_units": ordinate.unit}


def _judge(block: Block, name: str, ordinate: Ordinate, findings: list[Finding]) -> None:
    """Add what the values themselves say."""
    values = ordinate.values
    if not np.all(np.isfinite(values)):
        findings.append(Finding("non-finite-values", "warning", "Some intensities are not finite; they were kept."))
    elif name == "counts" and np.any(values != np.round(values)):
        findings.append(
            Finding(
                "scaled-counts",
                "info",
                "The counts are not whole numbers, so they were scaled or corrected before the export and their square "
                "root is not their standard uncertainty.",
            )
        )
    low, high = ordinate.stated
    # CasaXPS writes 0 and 1 for limits that it has not worked out.
    if (
        values.size * len(block.ranges) == block.promised
        and low is not None
        and high is not None
        and (low, high) != (0, 1)
    ):
        found = np.array([np.nanmin(values), np.nanmax(values)])
        if np.any(np.abs(found - [low, high]) > 1e-4 * max(abs(low), abs(high))):
            findings.append(
                Finding(
                    "range-mismatch",
                    "warning",
                    f"The values run from {found[0]:g} to {found[1]:g}, the file states {low:g} to {high:g}; "
                    "one of them may be damaged.",
                )
            )
    if any(_CASA_CALIBRATION.match(line) for line in block.items["comment"]):
        findings.append(
            Finding(
                "calibration-not-applied", "info", "CasaXPS noted a calibration of the energies; it was not applied."
            )
        )


def _attrs(
    header: Experiment, block: Block, axis: Axis, photon: float | None, findings: list[Finding]
) -> dict[str, Any]:
    items = block.items
    mode = items["analyser mode"]
    resolution = items["analyser pass energy or retard ratio or mass resolution"]
    scans = items["number of scans to compile this block"]
    return {
        "method": items["technique"],
        "region": _stated(block.identifier),
        "core_level": _core_level(block),
        "sample": _stated(block.sample),
        "instrument": _stated(header.instrument),
        "start_time": _start_time(items),
        "energy_axis": axis.split("_")[0],
        "energy_reference": "Fermi level: the work function is not subtracted from the kinetic energy",
        "photon_energy": photon,
        "source": _stated(items["analysis source label"]),
        "analyser_mode": _stated(mode),
        "pass_energy": resolution if mode.upper() == "FAT" and resolution else None,
        "retard_ratio": resolution if mode.upper() == "FRR" and resolution else None,
        "work_function": _work_function(items, findings),
        "emission_angle": _emission_angle(items),
        "dwell_time": items["signal collection time"] or None,
        "n_scans": int(scans) if scans and scans >= 1 else None,
        "original_metadata": json.dumps(
            {"experiment": {key: value for key, value in vars(header).items() if key != "listed"}, "block": items},
            ensure_ascii=False,
        ),
    }


def _work_function(items: dict[str, Any], findings: list[Finding]) -> float | None:
    value = items["analyser work function or acceptance energy"]
    if not value or not 1.0 < abs(value) < 10.0:
        return None
    if value < 0:
        findings.append(
            Finding(
                "negative-work-function", "info", f"The work function is stored as {value:g} eV; its size was taken."
            )
        )
    return float(abs(value))


def _emission_angle(items: dict[str, Any]) -> float | None:
    r"""Return the angle in degrees between the analyser's axis and the sample normal.

    VAMAS gives both directions by azimuth and by polar angle from the z axis of the stage, so
    :math:`\cos\vartheta = \cos\theta_a\cos\theta_n + \sin\theta_a\sin\theta_n\cos(\varphi_a - \varphi_n)`.
    A missing tilt is none, and a direction along z needs no azimuth.
    """
    polar, azimuth = items["analyser axis take off polar angle"], items["analyser axis take off azimuth"]
    tilt, direction = items["sample normal polar angle of tilt"], items["sample normal tilt azimuth"]
    if polar is None:
        return None
    if not tilt or not polar:
        return round(float(abs(polar - (tilt or 0.0))), 6)
    if azimuth is None or direction is None:
        return None
    a, n = np.deg2rad(polar), np.deg2rad(tilt)
    cosine = np.cos(a) * np.cos(n) + np.sin(a) * np.sin(n) * np.cos(np.deg2rad(azimuth - direction))
    return round(float(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0)))), 6)


def _start_time(items: dict[str, Any]) -> str | None:
    """Return the time of the block as far as it is set: with the clock, the date alone, or None."""
    names = ("year", "month", "day of month", "hours", "minutes", "seconds")
    parts = [int(items[name]) if items[name] is not None else -1 for name in names]
    try:
        day = datetime(parts[0], parts[1], parts[2])
    except ValueError:
        return None
    try:
        clock = day.replace(hour=parts[3], minute=parts[4], second=parts[5])
    except ValueError:
        return day.date().isoformat()
    offset = items["hours in advance of GMT"]
    if offset and -12 <= offset <= 14 and clock != day:
        clock = clock.replace(tzinfo=timezone(timedelta(hours=offset)))
    return clock.isoformat()
