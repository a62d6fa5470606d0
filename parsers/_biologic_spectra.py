"""BioLogic rows to spectra: where each one begins and ends, and its impedance from Re, Im or from |Z|, phase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import schema
from ._assemble import variable
from ._biologic_facts import Facts
from ._biologic_rows import CLOCK, Rows, absolute_time
from ._impedance_polar import from_polar, mismatch, relative_difference
from ._source import Measurement, Source
from ._spectrum import cut, sweeps
from ._spectrum_checks import suspicions
from .errors import UnsupportedContent

Complex = NDArray[np.complex128]

_BESIDE = (
    ("dc_potential", ("voltage_we_mean", "voltage_we", "voltage_cell")),
    ("dc_current", ("current_mean", "current")),
    ("voltage_amplitude", ("voltage_amplitude",)),
    ("current_amplitude", ("current_amplitude",)),
    ("temperature", ("temperature",)),
)


def spectra(
    rows: Rows, facts: Facts, swept: NDArray[np.bool_], loops: NDArray[np.int64], prefix: str, source: Source
) -> Iterator[Measurement]:
    """Yield one measurement for each spectrum.

    Parameters
    ----------
    rows : Rows
        The table of the file.
    facts : Facts
        What it says beside the table.
    swept : numpy.ndarray of bool
        Which rows are points of spectra, shape (rows,).
    loops : numpy.ndarray of int
        Indices of the rows at which the loops of the technique begin, possibly empty.
    prefix : str
        Name of the groups, with a number behind it where there are several spectra.
    source : Source
        Takes the finding about points that were left out.

    Raises
    ------
    UnsupportedContent
        If the columns make no impedance.
    """
    index = np.flatnonzero(swept)
    parts = list(_parts(rows, index, loops))
    if not parts:
        return
    alone = len(parts) == 1 and (swept.all() or prefix == "loop")
    impedance, polar = _impedances(rows, index)
    whole = np.isfinite(impedance)
    if not whole.all():
        message = f"{np.count_nonzero(~whole)} of {index.size} points lack the impedance; they were left out."
        source.note("incomplete-rows", "warning", message)
        index, impedance, polar = index[whole], impedance[whole], polar[whole]
        parts = _remaining(parts, whole)
    dataset = schema.build("eis", _values(rows, facts, index) | {"impedance": impedance}, **facts.dataset_attrs())
    suspected = suspicions(dataset["frequency"].values, impedance, parts)
    difference = relative_difference(impedance, polar)
    for number, (part, piece) in enumerate(zip(parts, cut(dataset, parts), strict=True)):
        group = "eis" if alone else f"{prefix}_{number}"
        yield Measurement(group, piece, mismatch(difference[part], beside="|Z|, Phase(Z)") + suspected[number])


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
    borders = [0, *map(int, np.flatnonzero(new)), index.size]
    frequency = rows["frequency"][index]
    for start, stop in pairwise(borders):
        for part in sweeps(frequency[start:stop]):
            yield slice(start + part.start, start + part.stop)


def _remaining(parts: Sequence[slice], whole: NDArray[np.bool_]) -> list[slice]:
    """Return where the parts lie among the points that are whole, without those of which none is."""
    before = np.append(0, np.cumsum(whole))
    moved = (slice(int(before[part.start]), int(before[part.stop])) for part in parts)
    return [part for part in moved if part.start < part.stop]


def _values(rows: Rows, facts: Facts, index: NDArray[np.intp]) -> dict[str, Any]:
    values: dict[str, Any] = {"frequency": rows.at("frequency", index)}
    if "test_time" in rows:
        values["test_time"] = rows.at("test_time", index)
        if facts.start is not None:
            values["time"] = variable("frequency", absolute_time(facts.start, values["test_time"]), CLOCK)
    for name, sources in _BESIDE:
        if source := rows.first_of(*sources):
            values[name] = rows.at(source, index)
    return values


def _impedances(rows: Rows, index: NDArray[np.intp]) -> tuple[Complex, Complex]:
    """Return the impedance, and the one from |Z| and phase where the file holds both, else NaN."""
    cartesian = polar = None
    with np.errstate(all="ignore"):
        if {"impedance_real", "impedance_imaginary"} <= rows.names():
            cartesian = rows.at("impedance_real", index) + 1j * rows.at("impedance_imaginary", index)
        if {"impedance_modulus", "impedance_phase"} <= rows.names():
            polar = from_polar(rows.at("impedance_modulus", index), rows.at("impedance_phase", index))
    if cartesian is None and polar is None:
        raise UnsupportedContent(
            "the spectrum has no impedance columns",
            expected="Re(Z)/Ohm and -Im(Z)/Ohm, or |Z|/Ohm and Phase(Z)/deg",
            remedy="export the file again with them",
        )
    unset = np.full(index.size, np.nan, dtype=np.complex128)
    if cartesian is None:
        return np.asarray(polar), unset
    # Columns of nothing but zeros are written by other programs than EC-Lab.
    return np.asarray(cartesian), unset if polar is None or not np.any(polar) else polar
