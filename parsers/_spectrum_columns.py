"""From the named columns of a table to a complex impedance, with the checks that its own numbers allow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._columns import Column
from ._columns_eis import BESIDE, IMPEDANCE
from ._impedance_polar import compare_polar, from_polar
from ._impedance_sign import sign_verdict, slope_mismatch
from ._source import Source
from ._table import Table
from .errors import AmbiguousContent, UnsupportedContent

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]


def spectrum_columns(
    table: Table, source: Source, columns: Sequence[Column] = IMPEDANCE + BESIDE
) -> dict[str, NDArray[Any]]:
    """Return frequency, impedance and what stands beside them, by the names of the vocabulary.

    Parameters
    ----------
    table : Table
        With named columns.
    source : Source
        Takes the findings.
    columns : sequence of Column
        The vendor's names of ``frequency``, ``real``, ``imaginary``, ``modulus``, ``phase`` and of what stands beside.

    Returns
    -------
    dict of str to numpy.ndarray
        ``frequency`` (Hz), ``impedance`` (ohm, complex) and coordinates, each of shape (rows,).

    Raises
    ------
    UnsupportedContent
        If the columns make no impedance.
    AmbiguousContent
        If names and numbers disagree about the sign of Z'', or the unit of the phase is open.
    CorruptFile
        If Z', Z'' and |Z|, phase are different impedances.
    """
    taken, findings = table.gather(columns)
    source.findings.extend(findings)
    titles = {column.name: table.header[position] for column, position in table.positions(columns).items()}
    frequency = taken.pop("frequency")
    cartesian = _pair(taken, "real", "imaginary")
    polar = _pair(taken, "modulus", "phase")
    if cartesian is not None:
        impedance = cartesian[0] + 1j * cartesian[1]
        if polar is not None:
            swept = frequency > 0
            source.findings.extend(compare_polar(impedance[swept], from_polar(*polar)[swept]))
    elif polar is not None:
        impedance = from_polar(*polar)
        _check_phase_unit(frequency, polar, table, titles["phase"])
    else:
        why = "".join(f"; {finding.message.rstrip('.')}" for finding in findings)
        raise UnsupportedContent(
            f"the columns {list(table.header)} make no impedance{why}",
            line=max(table.line - 1, 1),
            expected="Z' and Z'', or |Z| and phase, beside the frequency",
            remedy="name the columns so",
        )
    _check_sign(frequency, impedance, titles["imaginary" if cartesian is not None else "phase"])
    return {"frequency": frequency, "impedance": impedance} | taken


def note_unmapped(table: Table, known: Sequence[Column], source: Source, *, silent: Collection[str] = ()) -> None:
    """Add a finding that lists the columns which a map leaves out, but for those of the instrument's state."""
    names = [name for name in table.unmapped(known) if name not in silent]
    if names:
        source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(names)}.")


def _pair(taken: dict[str, Floats], first: str, second: str) -> tuple[Floats, Floats] | None:
    one, other = taken.pop(first, None), taken.pop(second, None)
    return None if one is None or other is None else (one, other)


def _check_sign(frequency: Floats, impedance: Complex, title: str) -> None:
    if sign_verdict(frequency, impedance) < 0:
        opposite = title.lstrip("-") if title.startswith("-") else f"-{title}"
        raise AmbiguousContent(
            f"the column {title!r} has the sign of {opposite!r}: the phase runs against the slope of |Z|",
            expected="Z'' and phase negative for a capacitor",
            remedy=f"if it holds {opposite!r}, rename the column so",
        )


def _check_phase_unit(frequency: Floats, polar: tuple[Floats, Floats], table: Table, title: str) -> None:
    """Refuse a phase without unit that fits the slope of |Z| in radians better than in degrees."""
    modulus, phase = polar
    if table.units[table.header.index(title)] or not np.nanmax(np.abs(phase), initial=0.0) <= np.pi / 2:
        return
    in_radians = from_polar(modulus, np.rad2deg(phase))
    if slope_mismatch(frequency, in_radians) < 0.5 * slope_mismatch(frequency, from_polar(modulus, phase)):
        raise AmbiguousContent(
            f"the column {title!r} names no unit and looks like radians",
            expected="a phase in degrees, or a unit",
            remedy=f"rename the column to '{title} (rad)'",
        )
