"""Where the fit of any circuit starts: its arcs and ends get their sizes and times from the data.

The parts in series are told by their role: lead, arc, or end that blocks at low frequency. Up to three arcs are placed
by `interlayer.analysis.eis.fitting.start`, more by the distribution of relaxation times; inside a part, resistances
share its size and capacitances follow from its time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..circuits import Circuit, Element, Floats, Parallel, Series
from ..relaxation.relaxations import relaxations
from ..spectrum import Spectrum
from .labels import elements
from .start import start_values

_MOST_PLACED = 3
"""Arcs that are placed on every combination of a grid; more start from the distribution of relaxation times."""

_BLOCKING = {"C", "CPE", "W", "Wo", "TLMQ"}
_LEADS = {"L", "La"}
_EXPONENT = 0.88
_SLOWER = 10.0  # factor between the times of parts in series within one arc
_SEED = 20221101
_WIDE = {"ohm": 1.2, "1": 0.8}  # spread of scattered starts, in e-folds and in logits
_WIDEST = 2.5  # of other parameters, in e-folds


@dataclass(frozen=True)
class _Place:
    """Size in ohm and time in s that a part is to have."""

    size: float
    time: float


def circuit_starts(circuit: Circuit, spectrum: Spectrum) -> list[dict[str, float]]:
    """Return start values of all parameters of a circuit, in their units, the most promising first."""
    parts = circuit.parts if isinstance(circuit, Series) else (circuit,)
    arcs = [part for part in parts if _role(part) == "arc"]
    ends = [part for part in parts if _role(part) == "end"]
    low = spectrum.omega[-1]
    starts = []
    for values in _templates(spectrum, len(arcs)):
        number = len(arcs) + 1
        size = low ** -values[f"CPE{number}_n"] / values[f"CPE{number}_Q"]
        start: dict[str, float] = {}
        for order, part in enumerate(arcs, start=1):
            place = _Place(values[f"R{order}"], _time(values, order))
            start |= _fill(part, place, _Place(max(size, 0.3 * place.size), 1.0 / low))
        for part in ends:
            end = _Place(len(ends) * size, 1.0 / low)
            start |= _fill(part, end, end) | {
                name: values[f"CPE{number}_n"] for name in _names(part) if name.startswith("CPE") and name[-1] == "n"
            }
        resistors = [part for part in parts if _role(part) == "resistor"]
        for part in parts:
            if _role(part) == "lead":
                start |= {name: values["L0"] if name[-2:] != "_n" else 0.95 for name in _names(part)}
        for part in resistors:
            start |= {name: values["R0"] / len(resistors) for name in _names(part)}
        starts.append(start)
    return starts


def scattered(circuit: Circuit, spectrum: Spectrum, start: Mapping[str, float], count: int) -> Floats:
    """Return starts on the scale of the fit, shape (p, count), scattered about one; the first is the start itself.

    Times are scattered over the whole window. The starts are the same in every run.
    """
    random = np.random.default_rng(_SEED)
    parameters = circuit.parameters
    centre = np.array([parameter.fitted(start[parameter.name]) for parameter in parameters])
    width = np.array([_WIDE.get(parameter.unit, _WIDEST) for parameter in parameters])
    theta = centre[:, None] + random.normal(size=(centre.size, count)) * width[:, None]
    first, last = -math.log(spectrum.omega[0]), -math.log(spectrum.omega[-1])
    for row, parameter in enumerate(parameters):
        if parameter.unit == "s":
            theta[row] = [parameter.fitted(time) for time in np.exp(random.uniform(first, last, size=count))]
    theta[:, 0] = centre
    return np.asarray(theta)


def _templates(spectrum: Spectrum, n_arcs: int) -> list[dict[str, float]]:
    """Return values of leads, arcs and a blocking electrode in series."""
    if n_arcs <= _MOST_PLACED:
        return start_values(spectrum, n_arcs)
    values = dict(start_values(spectrum, 0)[0])
    values |= {f"CPE{n_arcs + 1}_{term}": values.pop(f"CPE1_{term}") for term in ("Q", "n")}
    for order, place in enumerate(_many_arcs(spectrum, n_arcs), start=1):
        quotient = place.time**_EXPONENT / place.size
        values |= {f"R{order}": place.size, f"CPE{order}_Q": quotient, f"CPE{order}_n": _EXPONENT}
    return [values]


def _many_arcs(spectrum: Spectrum, n_arcs: int) -> list[_Place]:
    """Return the largest peaks of the distribution of relaxation times, and evenly spread ones where it has fewer."""
    peaks = sorted(relaxations(spectrum).arcs, key=lambda arc: -arc.resistance)[:n_arcs]
    places = [_Place(arc.resistance, arc.time_constant) for arc in peaks]
    first, last = -math.log(spectrum.omega[0]), -math.log(spectrum.omega[-1])
    small = 0.1 * float(np.median(np.abs(spectrum.impedance)))
    missing = np.linspace(first, last, n_arcs - len(places) + 2)[1:-1]
    places += [_Place(small, math.exp(ln_time)) for ln_time in missing]
    return sorted(places, key=lambda place: place.time)


def _time(values: Mapping[str, float], order: int) -> float:
    charge = values[f"R{order}"] * values[f"CPE{order}_Q"]
    return float(charge ** (1.0 / values[f"CPE{order}_n"]))


def _role(part: Circuit) -> str:
    symbols = {element.symbol for element in elements(part)}
    if symbols <= _LEADS:
        return "lead"
    if symbols == {"R"}:
        return "resistor"
    return "end" if symbols <= _BLOCKING else "arc"


def _names(part: Circuit) -> list[str]:
    return [parameter.name for parameter in part.parameters]


def _fill(part: Circuit, place: _Place, end: _Place) -> dict[str, float]:
    """Return values of a part that has a size and relaxes at a time; what blocks inside it takes those of the end."""
    if isinstance(part, Element):
        if part.symbol in ("Wo", "TLMQ"):  # what they store, time over size, is that of the end
            return _values(part, _Place(place.size, place.size * end.time / end.size))
        return _values(part, end if part.symbol == "W" else place)
    values: dict[str, float] = {}
    parts = part.parts if isinstance(part, Series | Parallel) else ()
    for number, inner in enumerate(parts):
        slower = _Place(place.size, place.time * _SLOWER**number) if isinstance(part, Series) else place
        values |= _fill(inner, slower, end)
    return values


def _values(element: Element, place: _Place) -> dict[str, float]:
    size, time = max(place.size, 1e-9), place.time
    charge = {"C": time / size, "W": size / math.sqrt(2.0 * time), "L": size * time}
    terms = {"": charge.get(element.symbol, size), "_R": size, "_tau": time, "_n": _EXPONENT}
    terms |= {"_Q": time**_EXPONENT / size, "_L": size * time**0.9, "_phi": 1.0, "_a": 1.0, "_b": time}
    terms |= {"_A": size, "_B": size}
    return {f"{element.label}{term.name}": terms[term.name] for term in element.terms}
