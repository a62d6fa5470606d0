"""What the review of the field reports, and how a result stands beside it.

The values are in ``reported.toml``: facts as printed in Su, Hao, Liu, Yang, "Progress of Atomic Layer Deposition and
Molecular Layer Deposition in the Development of All-Solid-State Lithium Batteries" (2022), with conditions, reference
numbers and the confidence of the reading. They are second-hand: agreement is a plausibility, never a proof.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from .quantity import Quantity
from .units import UnitError

Verdict = Literal["agrees", "above", "below", "contradicts", "not comparable"]

UNITS: Mapping[str, tuple[str, float]] = {
    "S/cm": ("S cm-1", 1.0),
    "mAh/g": ("mA h g-1", 1.0),
    "%": ("1", 0.01),
    "nm": ("nm", 1.0),
    "V": ("V", 1.0),
    "min": ("s", 60.0),
    "s": ("s", 1.0),
    "ratio": ("1", 1.0),
    "bool": ("1", 1.0),
}
"""Printed unit to unit of the toolkit and factor; units of conditions (angstrom/cycle, ...) are left as printed."""

SAME: Mapping[str, tuple[str, ...]] = {
    "ionic_conductivity": ("ionic_conductivity", "conductivity_range"),
    "layer_thickness": ("interface_layer_thickness",),
    "interdiffusion_width": ("interface_layer_thickness",),
    "capacity_retention": ("capacity_retention",),
    "discharge_capacity": ("discharge_capacity", "rate_capacity"),
    "overpotential": ("overpotential",),
}
"""Quantity of the toolkit to the reported quantities that it may be held against."""

_ROOM_FACTOR = 1.5
"""For 0.45 to 0.65 eV, sigma changes by about this factor either way between 20 and 30 degC, read as 25 degC."""
_ACTIVATION = 0.65
"""eV; the largest activation energy of the review's films, for the allowance of a temperature difference."""
_BOLTZMANN = 8.617333262e-5
_FARTHEST = 10.0
"""K; beyond this the allowance for the temperature would swallow every difference."""


@dataclass(frozen=True, kw_only=True)
class Reported:
    """One reported value.

    Parameters
    ----------
    id, system, role, quantity, technique, where, printed_as : str
        What it is and where it stands; `technique` is that which yields such a value.
    qualifier : {"equals", "approximately", "less_than", "greater_than", "up_to", "range"}
        How it is printed.
    value : float or bool or None
        In `unit`; None for a range.
    low, high : float or None
        The range, or the interval that printing and stated uncertainty allow.
    unit : str
        The toolkit's unit, or the printed one where the toolkit returns nothing of that kind.
    conditions : mapping
        As printed, for example ``{"temperature_C": 30}``.
    reference : str
        The review's bracket number, corrected where the review misprints it.
    confidence : {"high", "medium", "low"}
        That the review says this.
    discrepancies : mapping of str to str
        Contradictions within the review that concern this value.
    """

    id: str
    system: str
    role: str
    quantity: str
    technique: str
    where: str
    printed_as: str
    qualifier: str
    value: float | bool | None
    low: float | None
    high: float | None
    unit: str
    conditions: Mapping[str, Any]
    reference: str
    confidence: str
    discrepancies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """How a result stands beside a reported value.

    Parameters
    ----------
    id : str
        Of the reported value.
    verdict : {"agrees", "above", "below", "contradicts", "not comparable"}
        *agrees*: the 95 % interval meets what printing, stated uncertainty and temperature allow.
    statement : str
        One sentence with both numbers.
    """

    id: str
    verdict: Verdict
    statement: str


@cache
def entries() -> tuple[Reported, ...]:
    """Return all reported values in the order of the review.

    Examples
    --------
    >>> len(entries())
    155
    """
    data = tomllib.loads(files(__package__).joinpath("reported.toml").read_text(encoding="utf-8"))
    return tuple(_entry(raw, data["discrepancies"]) for raw in data["value"])


def _entry(raw: Mapping[str, Any], discrepancies: Mapping[str, str]) -> Reported:
    unit, factor = UNITS.get(raw["unit"], (raw["unit"], 1.0))
    value = raw.get("value")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = value * factor
    low, high = _printed_interval(raw)
    return Reported(
        id=raw["id"],
        system=raw["system"],
        role=raw["role"],
        quantity=raw["quantity"],
        technique=raw["technique"],
        where=raw["where"],
        printed_as=raw["printed_as"],
        qualifier=raw["qualifier"],
        value=value,
        low=None if low is None else low * factor,
        high=None if high is None else high * factor,
        unit=unit,
        conditions=raw["conditions"],
        reference=raw.get("reference_corrected", raw["reference"]),
        confidence=raw["confidence"],
        discrepancies={number: discrepancies[number] for number in raw.get("discrepancies", ())},
    )


def _printed_interval(raw: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the interval that the printing allows, in the printed unit."""
    if raw["qualifier"] == "range":
        return raw["value_low"], raw["value_high"]
    value = raw.get("value")
    if isinstance(value, bool) or value is None:
        return None, None
    # The uncertainty is printed without coverage factor; taken as standard, 95 % is twice as wide.
    if raw["qualifier"] == "approximately" and raw["printed_as"].startswith("10^"):
        return value / math.sqrt(10), value * math.sqrt(10)
    half = max(_rounding(value, raw), 1.96 * raw.get("uncertainty", 0.0))
    match raw["qualifier"]:
        case "less_than" | "up_to":
            return None, value + (half if raw["qualifier"] == "up_to" else 0.0)
        case "greater_than":
            return value, None
    return value - half, value + half


def _rounding(value: float, raw: Mapping[str, Any]) -> float:
    """Return half a unit of the last printed digit; for '~' a unit of it, or half of the last digit that is not 0."""
    digits = raw.get("significant_digits", 2) or 1
    last = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    if raw["qualifier"] != "approximately":
        return last / 2
    text = f"{value:.{digits - 1}e}".split("e")[0].replace(".", "").rstrip("0")
    last_nonzero = 10.0 ** (math.floor(math.log10(abs(value))) - len(text) + 1)
    return max(last, last_nonzero / 2)


def entry(id: str) -> Reported:
    """Return one reported value by its id; `KeyError` with the nearest ids otherwise."""
    for candidate in entries():
        if candidate.id == id:
            return candidate
    from difflib import get_close_matches

    near = get_close_matches(id, [candidate.id for candidate in entries()])
    raise KeyError(f"there is no reported value {id!r}; near: {near or 'none, see `interlayer reported`'}")


def find(
    *, system: str | None = None, technique: str | None = None, quantity: str | None = None
) -> tuple[Reported, ...]:
    """Return the reported values that fit all given conditions.

    Parameters
    ----------
    system : str, optional
        Part of the name of the system, case ignored.
    technique : str, optional
        One of "eis", "cycling", "tem", "haxpes", "xanes", "other".
    quantity : str, optional
        Name of a reported quantity, or of a quantity of the toolkit that stands for it (`SAME`).

    Examples
    --------
    >>> [found.id for found in find(system="linbox", technique="eis", quantity="ionic_conductivity")]
    ['linbox-conductivity-text-rt', 'linbox-conductivity-table3-30c']
    """
    wanted = (quantity, *SAME.get(quantity, ())) if quantity else ()
    return tuple(
        candidate
        for candidate in entries()
        if (system is None or system.casefold() in candidate.system.casefold())
        and (technique is None or technique == candidate.technique)
        and (not wanted or candidate.quantity in wanted)
    )


def comparable(quantity: str, reported: Reported) -> bool:
    """Whether a quantity of the toolkit can be held against a reported value."""
    if reported.quantity == "phase_detected":
        return quantity == f"fraction_{reported.conditions.get('phase')}"
    return reported.quantity in SAME.get(quantity, ())


def compare(quantity: Quantity, reported: Reported, *, temperature: Quantity | None = None) -> Comparison:
    """Hold a result against a reported value.

    Parameters
    ----------
    quantity : Quantity
        The result, with its 95 % interval or as a limit.
    reported : Reported
        The value to hold it against.
    temperature : Quantity, optional
        Temperature of the measurement in degC. A conductivity reported at another temperature is allowed the
        Arrhenius factor of 0.65 eV; "RT" without a number a factor of 1.5 more.

    Returns
    -------
    Comparison
        The verdict is about numbers, not about truth; see the module.

    Examples
    --------
    >>> sigma = Quantity("ionic_conductivity", 6.2e-8, 0.2e-8, "S cm-1")
    >>> compare(sigma, entry("linbox-conductivity-table3-30c")).verdict
    'agrees'
    """
    if not comparable(quantity.name, reported):
        return Comparison(reported.id, "not comparable", f"{quantity.name} is not {reported.quantity}.")
    if isinstance(reported.value, bool):
        return _compare_detection(quantity, reported)
    try:
        quantity = quantity.to(reported.unit)
    except UnitError as error:
        return Comparison(reported.id, "not comparable", f"The units differ: {error}.")
    allowance = _temperature_allowance(reported, temperature) if "S cm-1" in reported.unit else 1.0
    if allowance is None:
        return Comparison(
            reported.id, "not comparable", f"It is reported at {_condition(reported)}, more than {_FARTHEST:g} K away."
        )
    low = -math.inf if reported.low is None else reported.low / allowance
    high = math.inf if reported.high is None else reported.high * allowance
    own_low, own_high = _own_interval(quantity)
    verdict: Verdict = "above" if own_low > high else "below" if own_high < low else "agrees"
    printed = f"{reported.printed_as} {reported.reference}".strip()
    unit = "" if quantity.unit == "1" else f" {quantity.unit}"
    return Comparison(reported.id, verdict, f"{quantity.number()}{unit} {_WORDS[verdict]} {printed}.")


_WORDS = {"agrees": "agrees with", "above": "lies above", "below": "lies below"}


def _own_interval(quantity: Quantity) -> tuple[float, float]:
    if quantity.relation == "<":
        return -math.inf, quantity.value
    if quantity.relation == ">":
        return quantity.value, math.inf
    return quantity.interval95 or (quantity.value, quantity.value)


def _temperature_allowance(reported: Reported, temperature: Quantity | None) -> float | None:
    """Return the factor either way for an uncertain or another temperature, None when it is too far away."""
    printed = reported.conditions.get("temperature_C")
    factor = _ROOM_FACTOR if printed is None else 1.0
    if temperature is None:
        return factor
    difference = abs(temperature.value - (25.0 if printed is None else printed))
    if difference > _FARTHEST:
        return None
    kelvin = temperature.value + 273.15
    return factor * math.exp(_ACTIVATION * difference / (_BOLTZMANN * kelvin**2))


def _condition(reported: Reported) -> str:
    printed = reported.conditions.get("temperature_C")
    return f"{printed} degC" if printed is not None else "room temperature"


def _compare_detection(quantity: Quantity, reported: Reported) -> Comparison:
    """Compare a fraction with a reported presence or absence of the phase."""
    low, _ = _own_interval(quantity)
    detected = quantity.relation == ">" or (quantity.relation == "=" and low > 0)
    verdict: Verdict = "agrees" if detected == bool(reported.value) else "contradicts"
    here, there = ("found" if flag else "not found" for flag in (detected, bool(reported.value)))
    phase = reported.conditions.get("phase")
    return Comparison(
        reported.id, verdict, f"{phase} {here} here ({quantity.number()}), {there} in {reported.reference}."
    )
