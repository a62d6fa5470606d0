r"""Which arc bears which number: like parts in series are numbered from the fastest.

Parts in series can change places without any change of the impedance, so a fit ends with either order. Time constants
settle it; over a series in which two arcs change places in time, the capacitances do, which hardly change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ..circuits import Capacitor, Circuit, ConstantPhase, Element, Floats, Parallel, Resistor, Series

_CLEARLY = math.log(10.0)  # gain in |ln C| over all arcs for which capacitance outweighs time
_MOST_ALIKE = 4

Permutation = NDArray[np.intp]


def by_time_constant(circuit: Circuit, theta: Floats) -> Permutation:
    """Return the order of the parameters, shape (p,), that numbers like parts in series from the fastest.

    Parameters
    ----------
    circuit : Circuit
        With all parameters free.
    theta : ndarray, shape (p,)
        On the scale of the fit; ``theta[order]`` is the same impedance with the parts in order.
    """
    order = np.arange(theta.size)
    for places in _alike(circuit):
        times = [_size_and_time(circuit, part, theta)[1] for part in places]
        for new, old in zip(places, np.argsort(times, kind="stable"), strict=True):
            order[new] = places[int(old)]
    return order


def over_a_series(circuit: Circuit, theta: Floats) -> NDArray[np.intp]:
    """Return the orders of the parameters, shape (p, S), that keep every part's number over a series.

    Parameters
    ----------
    circuit : Circuit
        With all parameters free.
    theta : ndarray, shape (p, S)
        On the scale of the fit.
    """
    orders = np.stack([by_time_constant(circuit, column) for column in theta.T], axis=1)
    for places in _alike(circuit):
        if len(places) > _MOST_ALIKE:
            continue
        sorted_theta = np.take_along_axis(theta, orders, axis=0)
        features = [[_size_and_time(circuit, part, column) for part in places] for column in sorted_theta.T]
        capacitance = np.array(features)[..., 1] - np.array(features)[..., 0]
        usual = np.median(capacitance, axis=0)
        for sweep, own in enumerate(capacitance):
            best = min(permutations(range(len(places))), key=lambda p: float(np.abs(own[list(p)] - usual).sum()))
            if np.abs(own - usual).sum() - np.abs(own[list(best)] - usual).sum() > _CLEARLY:
                parts = [orders[part, sweep].copy() for part in places]
                for new, old in zip(places, best, strict=True):
                    orders[new, sweep] = parts[old]
    return orders


def _alike(circuit: Circuit) -> Iterator[list[list[int]]]:
    """Yield, for each kind of part that stands in series more than once, the places of its parameters."""
    parts = circuit.parts if isinstance(circuit, Series) else ()
    kinds: dict[str, list[list[int]]] = {}
    first = 0
    for part in parts:
        last = first + len(part.parameters)
        if _has_time(part):
            kinds.setdefault(re.sub(r"\d", "", str(part)), []).append(list(range(first, last)))
        first = last
    yield from (places for places in kinds.values() if len(places) > 1)


def _has_time(part: Circuit) -> bool:
    names = [parameter.name for parameter in part.parameters]
    is_arc = any(isinstance(e, Resistor) for e in elements(part)) and any(
        isinstance(e, Capacitor | ConstantPhase) for e in elements(part)
    )
    return is_arc or any(name.endswith("_tau") for name in names)


def elements(part: Circuit) -> Iterator[Element]:
    """Yield the elements of a circuit from left to right."""
    if isinstance(part, Series | Parallel):
        for inner in part.parts:
            yield from elements(inner)
    elif isinstance(part, Element):
        yield part


def _size_and_time(circuit: Circuit, places: list[int], theta: Floats) -> tuple[float, float]:
    """Return ln R and ln tau of a part, (R Q)^(1/n) for a resistor beside a constant-phase element."""
    known = {circuit.parameters[place]: float(theta[place]) for place in places}
    size = next((v for p, v in known.items() if p.unit == "ohm"), 0.0)
    for parameter, value in known.items():
        if parameter.name.endswith("_tau"):
            return size, value
    charge = next((v for p, v in known.items() if p.unit in ("F", "S s^n")), 0.0)
    n = next((p.natural(v) for p, v in known.items() if p.scale == "logit"), 1.0)
    return size, (size + charge) / n
