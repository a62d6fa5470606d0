r"""Which process an arc belongs to, from its capacitance set against the geometry.

In farad a film of 100 nm looks like the grain boundaries of a pellet. What tells processes apart is the effective
permittivity :math:`\varepsilon = C d / (\varepsilon_0 A)` of the bulk, the ratio of a grain boundary's capacitance to
the bulk's, which is grain size over boundary width in the brick-layer model, and the capacitance per area of an
interface or a reaction. Each process has a range in which the logarithm of its measure is expected, with soft ends:

.. math:: p_k(x) = \frac{\Phi((x-a_k)/s) - \Phi((x-b_k)/s)}{b_k - a_k}, \qquad s^2 = s_k^2 + u^2(x)

Every assignment of all arcs is weighed, the bulk being faster than the rest; the confidence of a process is its share
in the sum.

References
----------
.. [1] Irvine, Sinclair, West, Adv. Mater. 2 (1990) 132. https://doi.org/10.1002/adma.19900020304
.. [2] Fleig, Maier, J. Eur. Ceram. Soc. 19 (1999) 693, on where the brick-layer model holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal, get_args

import numpy as np

from ..fitting.fit import CircuitFit
from .propagation import Geometry, LogValue

Process = Literal["bulk", "grain_boundary", "interface", "reaction", "unknown"]
Electrodes = Literal["blocking", "non-blocking"]

PROCESSES: tuple[Process, ...] = get_args(Process)
FILM: tuple[Process, ...] = ("bulk", "grain_boundary", "unknown")
"""Processes whose resistance counts as the film's; an arc of unknown origin does, so that nothing is left out."""

CONFIDENT = 0.8
"""Confidence from which on an arc is named after its process."""


@dataclass(frozen=True)
class _Range:
    """Where the measure of a process is expected: low and high end, softness of the ends in e-folds, and its words."""

    process: Process
    measure: Literal["permittivity", "ratio", "per_area"]
    low: float
    high: float
    softness: float
    weight: float
    words: str


# fmt: off
_RANGES = (
    _Range("bulk",           "permittivity", 4.0,  120.0, 0.3, 1.0,  "a permittivity of {0:.3g} is that of a bulk"),
    _Range("grain_boundary", "ratio",        3.0,  5e3,   0.5, 1.0,  "{0:.3g} bulk capacitances are a boundary's"),
    _Range("grain_boundary", "permittivity", 2e2,  3e4,   0.5, 0.5,  "a permittivity of {0:.3g} is above any bulk's"),
    _Range("interface",      "per_area",     5e-7, 6e-5,  0.5, 0.85, "{0:.2g} F cm-2 is that of an interface"),
    _Range("interface",      "per_area",     1e-8, 5e-7,  0.5, 0.15, "{0:.2g} F cm-2 is that of a contact layer"),
    _Range("reaction",       "per_area",     1e-4, 1.0,   0.5, 1.0,  "{0:.2g} F cm-2 is that of a reaction"),
)
# fmt: on

_UNKNOWN = 0.001  # density by e-fold: no range fits
_SECOND_BULK = 0.02  # a second bulk arc is a second phase, or one arc that is no arc of a CPE
_SECOND_INTERFACE = 0.3  # two like electrodes give one arc
_UNSEEN_BULK = 0.3  # a bulk above the window
_OUT_OF_ORDER = 0.2  # grain boundaries slower than an interface
_LEAST_GRAINS, _LEAST_WIDTH = 3.0, 5e-8  # grains across a film, width of a boundary in cm
_INTERFACE_ODDS: Mapping[tuple[Electrodes | None, bool], float] = {
    (None, True): 0.15,  # a blocking electrode is seen
    (None, False): 3.0,
    ("blocking", True): 0.15,
    ("blocking", False): 30.0,  # the electrode's spur is bent to an arc by electronic leakage
    ("non-blocking", True): 3.0,
    ("non-blocking", False): 3.0,
}


@dataclass(frozen=True)
class Assigned:
    """What an arc is taken for, how sure that is (0 to 1), and why, as half a sentence; `stated` by the user."""

    process: Process
    confidence: float
    reason: str
    stated: bool = False

    @property
    def confident(self) -> bool:
        """Whether the arc is named after its process."""
        return self.process != "unknown" and self.confidence >= CONFIDENT


def assign(
    capacitances: Sequence[LogValue],
    found: CircuitFit,
    geometry: Geometry,
    *,
    electrodes: Electrodes | None,
    spur: bool,
    stated: Mapping[int, Process],
) -> tuple[Assigned, ...]:
    """Return the process of each arc.

    Parameters
    ----------
    capacitances : sequence of LogValue
        Of the arcs from the fastest, in F.
    found : CircuitFit
        On whose parameters they depend.
    geometry : Geometry
        With an area.
    electrodes : {"blocking", "non-blocking"} or None
        What the electrodes are to the mobile ion, as far as it is known.
    spur : bool
        Whether the spectrum ends with a blocking electrode. Arcs of interfaces are expected where it does not.
    stated : mapping of int to str
        Processes that the user knows, by the number of the arc.
    """
    measures = _Measures.of(capacitances, found, geometry)
    odds = dict.fromkeys(("interface", "reaction"), _INTERFACE_ODDS[electrodes, spur])
    numbers = range(1, len(capacitances) + 1)
    shares: list[dict[Process, float]] = [dict.fromkeys(PROCESSES, 0.0) for _ in capacitances]
    for processes in product(*((stated[n],) if n in stated else PROCESSES for n in numbers)):
        weight = _prior(processes)
        for arc, process in enumerate(processes):
            if weight == 0.0:
                break
            weight *= odds.get(process, 1.0) * _density(measures, arc, processes)
        for arc, process in enumerate(processes):
            shares[arc][process] += weight
    return tuple(_decide(measures, shares, arc, arc + 1 in stated) for arc in range(len(capacitances)))


@dataclass(frozen=True)
class _Measures:
    """Logarithms of what arcs are judged by, each with its standard uncertainty."""

    permittivity: list[tuple[float, float]]
    per_area: list[tuple[float, float]]
    ratio: dict[tuple[int, int], tuple[float, float]]
    most_grains: float

    @classmethod
    def of(cls, capacitances: Sequence[LogValue], found: CircuitFit, geometry: Geometry) -> _Measures:
        assert geometry.area is not None
        by_fit = np.array([c.by_fit for c in capacitances])
        covariance = by_fit @ np.where(np.isfinite(found.covariance), found.covariance, 0.0) @ by_fit.T
        sizes = [c.logarithm for c in capacitances]
        places = range(len(sizes))
        of_cell, of_area = geometry.spread, geometry.relative["area"]
        return cls(
            [
                (sizes[i] - math.log(geometry.vacuum_capacitance), math.sqrt(covariance[i, i] + of_cell**2))
                for i in places
            ],
            [(sizes[i] - math.log(geometry.area), math.sqrt(covariance[i, i] + of_area**2)) for i in places],
            {
                (i, j): (
                    sizes[j] - sizes[i],
                    math.sqrt(max(covariance[i, i] + covariance[j, j] - 2.0 * covariance[i, j], 0.0)),
                )
                for i in places
                for j in range(i + 1, len(sizes))
            },
            geometry.cell_constant * geometry.area / _LEAST_GRAINS / _LEAST_WIDTH,
        )


def _prior(processes: Sequence[Process]) -> float:
    """Return the weight of an assignment before its capacitances are looked at."""
    rank = [PROCESSES.index(process) for process in processes if process != "unknown"]
    if any(process == "bulk" for process in processes) and processes[0] not in ("bulk", "unknown"):
        return 0.0
    weight = _SECOND_BULK ** max(processes.count("bulk") - 1, 0) * (1.0 if "bulk" in processes else _UNSEEN_BULK)
    weight *= _SECOND_INTERFACE ** max(processes.count("interface") - 1, 0)
    return weight * _OUT_OF_ORDER ** sum(later < earlier for earlier, later in pairwise(rank))


def _density(measures: _Measures, arc: int, processes: Sequence[Process]) -> float:
    """Return how well the capacitance of an arc fits its process, by e-fold."""
    process = processes[arc]
    if process == "unknown":
        return _UNKNOWN
    return sum(entry.weight * _share(entry, *measure) for entry, *measure in _applying(measures, arc, processes))


def _applying(
    measures: _Measures, arc: int, processes: Sequence[Process]
) -> Iterator[tuple[_Range, float, float, float]]:
    """Yield the ranges of an arc's process, its measure in each with uncertainty, and the upper end."""
    bulk = next((place for place in range(arc) if processes[place] == "bulk"), None)
    for entry in _RANGES:
        if entry.process != processes[arc]:
            continue
        if entry.measure == "per_area":
            yield entry, *measures.per_area[arc], entry.high
        elif entry.measure == "ratio" and bulk is not None:
            yield entry, *measures.ratio[bulk, arc], min(entry.high, max(measures.most_grains, 2.0 * entry.low))
        elif entry.measure == "permittivity" and (bulk is None or entry.process == "bulk"):
            yield entry, *measures.permittivity[arc], entry.high


def _share(entry: _Range, x: float, spread: float, high: float) -> float:
    """Return the density of a range, up to an upper end, at a measure with an uncertainty."""
    width = math.sqrt(2.0) * math.hypot(entry.softness, spread)
    inside = math.erfc((math.log(entry.low) - x) / width) - math.erfc((math.log(high) - x) / width)
    return 0.5 * inside / math.log(high / entry.low)


def _decide(measures: _Measures, shares: list[dict[Process, float]], arc: int, stated: bool) -> Assigned:
    share = shares[arc]
    process = max(share, key=lambda name: share[name])
    if stated:
        return Assigned(process, 1.0, "as stated", stated=True)
    whole = sum(share.values())
    if process == "unknown" or whole == 0.0:
        size = math.exp(measures.per_area[arc][0])
        permittivity = math.exp(measures.permittivity[arc][0])
        reason = f"{size:.2g} F cm-2 and a permittivity of {permittivity:.3g} are those of no process known here"
        return Assigned("unknown", share["unknown"] / whole if whole else 1.0, reason)
    likely: list[Process] = [max(one, key=lambda name: one[name]) for one in shares]
    entry, x, *_ = max(_applying(measures, arc, likely), key=lambda candidate: _share(*candidate))
    return Assigned(process, share[process] / whole, entry.words.format(math.exp(x)))
