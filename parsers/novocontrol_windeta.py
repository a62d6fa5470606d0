r"""Novocontrol WinDETA text: permittivity and conductivity of a plate, from which its impedance follows.

Above the table stand sample and date, diameter and thickness of the plate with the corrections made, and the fixed
values. The columns are chosen by the operator; among ``Freq. [Hz]``, ``Temp.``, ``Zs' [Ohms]``, ``Zp' [Ohms]``,
``Eps'``, ``Sig' [S/cm]``, their imaginary parts, moduli and the measured temperature ``M Temp``.

With the empty plate's capacitance :math:`C_0 = \varepsilon_0 A / d` the impedance is

.. math:: Z = \frac{1}{j \omega C_0 \varepsilon^*} = \frac{d}{A \, (\sigma^* + j \omega \varepsilon_0)}

where :math:`\varepsilon^* = \varepsilon' - j \varepsilon''` and :math:`\sigma^* = \sigma' - j \sigma''`. WinDETA's
conductivity leaves the vacuum out, :math:`\sigma^* = j \omega \varepsilon_0 (\varepsilon^* - 1)`; without that term a
film of :math:`\varepsilon' = 3` would come out with 1.5 times its impedance. ``Zp'`` and ``Zp''`` are the inverse of
conductance and susceptance.

Quantities that say the same thing are compared. Where they differ by a factor the file is refused, since nothing in it
says which is right; where they only scatter the impedance is taken from the first in the order above, with a finding.
Several temperatures are several measurements.

Checked on corpus/eis/novocontrol_toolbox, whose numbers have been scrambled by their owners: every value by its own
factor within 20 %, and in two of three files by a common factor for each column as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._columns_windeta import DERIVED, FREQUENCY, PAIRS, TEMPERATURES
from ._impedance_sign import sign_verdict
from ._source import Measurement, Source
from ._spectrum import spectra
from ._spectrum_columns import note_unmapped
from ._table import find_block, original_metadata, read_table
from ._windeta import header_facts
from .errors import AmbiguousContent, UnsupportedContent

VACUUM_PERMITTIVITY = 8.8541878128e-14
"""In F/cm; CODATA 2018."""

_SAME = 0.01
_FACTOR = 1.1
_NANOMETRES = 1e7  # per cm

Complex = NDArray[np.complex128]
Columns = Mapping[str, NDArray[np.float64]]


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each temperature and sweep.

    Raises
    ------
    UnsupportedContent
        If no impedance follows from the columns, or it would take a geometry that the header does not hold.
    AmbiguousContent
        If columns make impedances that differ by a factor, or the numbers contradict the sign of the phase.
    """
    text = source.text
    block = find_block(text.lines)
    table, findings = read_table(text, block, limits=source.limits)
    source.findings.extend(findings)
    wanted = (FREQUENCY, *TEMPERATURES, *(column for pair in PAIRS for column in pair))
    columns, findings = table.gather(wanted)
    source.findings.extend(findings)
    note_unmapped(table, wanted, source, silent=DERIVED)
    facts = header_facts(text.lines[: block.start if block.header is None else block.header], source)
    facts["original_metadata"] = original_metadata(text, block, table)
    impedance = _impedance(columns, facts, table.header, source)
    if sign_verdict(columns["frequency"], impedance) < 0:
        raise AmbiguousContent(
            "the phase runs against the slope of |Z|: an imaginary part has the opposite sign",
            expected="Eps'' positive for a loss, Zs'' and Sig'' negative for a capacitor",
            remedy="check whether the columns were edited after the export",
        )
    yield from _by_temperature(columns, impedance, facts, source)


def _impedance(columns: Columns, facts: Mapping[str, Any], header: tuple[str, ...], source: Source) -> Complex:
    """Return the impedance of the most direct quantity, checked against the others."""
    made = _impedances(columns, facts)
    if not made:
        known = any(real.name in columns and imaginary.name in columns for real, imaginary in PAIRS)
        lack = "the diameter and thickness above the table" if known else f"an impedance among {list(header)}"
        raise UnsupportedContent(
            f"the file lacks {lack}",
            expected="Zs' and Zs'' in ohm, or permittivity or conductivity with Diameter[mm] and Thickness[mm]",
            remedy="export again with Zs' [Ohms] and Zs'' [Ohms]",
        )
    (first, impedance), *others = made.items()
    for name, other in others:
        _compare(first, impedance, name, other, source)
    if first in ("permittivity", "conductivity"):
        message = f"The impedance is computed from the {first} and the geometry of the header."
        source.note("computed-impedance", "info", message)
    return impedance


def _impedances(columns: Columns, facts: Mapping[str, Any]) -> dict[str, Complex]:
    omega = 2 * math.pi * columns["frequency"]
    made: dict[str, Complex] = {}
    constant = None
    if "thickness" in facts and "electrode_area" in facts:
        constant = facts["thickness"] / _NANOMETRES / facts["electrode_area"]
    with np.errstate(divide="ignore", invalid="ignore"):
        for real, imaginary in PAIRS:
            if real.name not in columns or imaginary.name not in columns:
                continue
            kind = real.name.removesuffix("_real")
            one, other = columns[real.name], columns[imaginary.name]
            if kind == "series":
                made[kind] = one + 1j * other
            elif kind == "parallel":
                made[kind] = np.asarray(1 / (1 / one + 1j / other), dtype=np.complex128)
            elif constant is not None:
                vacuum = 1j * omega * VACUUM_PERMITTIVITY
                admittivity = vacuum * (one - 1j * other) if kind == "permittivity" else one - 1j * other + vacuum
                made[kind] = constant / admittivity
    return {kind: np.where(np.isfinite(values), values, np.nan) for kind, values in made.items()}


def _compare(first: str, impedance: Complex, name: str, other: Complex, source: Source) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = other / impedance
    ratio = ratio[np.isfinite(ratio)]
    if not ratio.size:
        return
    factor = float(np.median(np.abs(ratio)))
    if max(factor, 1 / factor if factor else math.inf) > _FACTOR:
        raise AmbiguousContent(
            f"the impedance from the {name} is {factor:.3g} times that from the {first}, in the median",
            expected="the same impedance from both",
            remedy="check the geometry in WinDETA, or delete the columns that are wrong and read the rest",
        )
    scatter = float(np.median(np.abs(ratio - 1)))
    if scatter > _SAME:
        message = (
            f"The impedances from {first} and {name} differ by {scatter:.1%} in the median; "
            f"that from the {first} was taken."
        )
        source.note("columns-disagree", "warning", message)


def _by_temperature(
    columns: Columns, impedance: Complex, facts: Mapping[str, Any], source: Source
) -> Iterator[Measurement]:
    """Yield the sweeps of each set temperature, in the order of the file."""
    values: dict[str, NDArray[Any]] = {"frequency": columns["frequency"], "impedance": impedance}
    if "temperature" in columns or "set_temperature" in columns:
        values["temperature"] = columns.get("temperature", columns.get("set_temperature", np.empty(0)))
    setting = columns.get("set_temperature", np.zeros(len(impedance)))
    settings = list(dict.fromkeys(float(value) for value in setting if np.isfinite(value)))
    found: list[Measurement] = []
    for value in settings:
        rows = setting == value
        attrs = dict(facts) | ({"temperature_setpoint": value} if "set_temperature" in columns else {})
        if "temperature" in values:
            attrs.pop("temperature", None)
        found += spectra({name: column[rows] for name, column in values.items()}, attrs, source)
    for number, measurement in enumerate(found):
        yield replace(measurement, group="eis" if len(found) == 1 else f"eis_{number}")
