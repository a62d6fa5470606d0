"""How the capacity fades with the cycles: the law that the data support, its rate, a knee, cycles to 95, 90 and 80 %.

The scatter of the capacities about the law is estimated from the residuals; what all cycles of a channel share (gain,
offset) enters the capacities and cancels in every ratio and every number of cycles. Intervals come from a parametric
bootstrap of all laws in proportion to the squares of their Akaike weights, so that the choice of the law is part of the
uncertainty; the square is what makes 95 % intervals hold the truth of simulated fades in 95 %. The cycle at which the
measured capacities themselves cross 95, 90 and 80 % is in `interlayer.analysis.cycling.capacity_retention`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import runs_p_value
from ..capacities.end_of_life import FRACTIONS, at_usual_current
from ..capacities.summary import OPENED_BY
from ..record.intervals import Booleans, Floats, Integers
from ..record.segmentation import SIGNS
from .knee import FALSE_KNEE, knee_interval, knee_p_value, scatter_of
from .laws import BESIDE_KNEE, EXPONENTS, PARAMETERS, SMOOTH, Fit, Law, aicc, fit_law

FEWEST_CYCLES = 6
"""Below it no law can be told from another."""

_REPLICATES = 1000
_SHARPENED = 2.0  # power of Akaike weights: intervals of the plain mixture cover 98 %, those of one law alone 90 %


@dataclass(frozen=True)
class Points:
    """Capacities of cycles, one entry a cycle.

    Parameters
    ----------
    cycle : ndarray of int
        Number of the cycle.
    capacity : ndarray
        Of the half cycle that returns what the first one stored, A h.
    shared : float
        Relative standard uncertainty that all capacities share.
    reasons : tuple of str
        Why each is not used; "" for those that are.
    """

    cycle: Integers
    capacity: Floats
    shared: float
    reasons: tuple[str, ...]

    @property
    def used(self) -> Booleans:
        """Whether each is used."""
        return np.array([not reason for reason in self.reasons])


def capacity_fade(
    summary: xr.Dataset,
    *,
    reference_cycle: int,
    cycles: Collection[int] | None = None,
    extrapolate_until: int | None = None,
) -> Result:
    """Law of the fade of a cell with its parameters and the cycles to 95, 90 and 80 % of the capacity.

    Parameters
    ----------
    summary : xarray.Dataset
        From `interlayer.analysis.cycling.summarise`, or the ``curves`` of `capacity_retention`.
    reference_cycle : int
        Cycle at which the capacity is 1 and from which cycles are counted. Earlier ones are left out.
    cycles : collection of int, optional
        Cycles to use. Left out, all that are complete and ran at the usual current (within 20 %).
    extrapolate_until : int, optional
        Cycle up to which the law may be continued beyond the data. Left out, nothing is extrapolated: what is not
        reached is a lower limit.

    Returns
    -------
    Result
        ``loss_per_cycle`` (1), the mean relative loss from the reference to the last cycle; ``capacity_start`` and
        ``capacity_end`` (A h) and ``retention_end`` (1) of the law; ``cycles_to_95_percent`` and so on, counted from
        the reference cycle, with relation ``>`` where not reached; where they were extrapolated the name ends in
        ``_extrapolated``. With a knee ``knee_cycle`` (number of the cycle), ``loss_per_cycle_before_knee`` and
        ``_after_knee``; for the power law ``fade_exponent``. A knee is given only if it beats the smooth laws by AICc
        and by more than 97 % of simulated fades without knee do. ``curves`` holds capacities, the laws, the band.

    Raises
    ------
    NotAnalysable
        If fewer than `FEWEST_CYCLES` cycles are there, the reference cycle is not complete, or the cell is symmetric.

    Notes
    -----
    Scatter is taken as normal and independent from cycle to cycle; a low ``runs_p_value`` in the diagnostics says that
    it is not, and that the intervals are too narrow.
    """
    points = points_of(summary, reference_cycle, cycles)
    used = points.used
    if used.sum() < FEWEST_CYCLES:
        reasons = "; ".join(f"cycle {n} {why}" for n, why in zip(points.cycle, points.reasons, strict=True) if why)
        raise NotAnalysable(f"{used.sum()} cycles can be used, expected {FEWEST_CYCLES} or more. {reasons}")
    x = (points.cycle[used] - reference_cycle).astype(float)
    capacity = points.capacity[used]
    choice = _choose(x, capacity)
    replicates = _replicates(x, capacity, choice)
    notes = _notes(points, choice, reference_cycle)
    quantities, budget = _capacities(x, choice, replicates, points.shared)
    quantities += _shape(x, capacity, choice, replicates[0], reference_cycle)
    for fraction in FRACTIONS:
        reached, note = _cycles_to(fraction, x[-1], choice, replicates, extrapolate_until, reference_cycle)
        quantities.append(reached)
        notes += note
    residuals = capacity - choice.fit.at(x)[:, 0]
    return Result(
        method=f"least squares of the {choice.fit.law.replace('_', ' ')} law of fade, chosen by AICc among "
        f"{len(choice.weights)} laws; intervals from {_REPLICATES} parametric bootstrap replicates",
        quantities=tuple(quantities),
        diagnostics=_diagnostics(choice, residuals),
        budget=budget,
        notes=tuple(notes),
        provenance={key: str(summary.attrs[key]) for key in ("source_file", "source_sha256") if key in summary.attrs},
        curves=_curves(points, reference_cycle, choice, replicates),
    )


def points_of(summary: xr.Dataset, reference_cycle: int, cycles: Collection[int] | None) -> Points:
    """Return the capacities of a summary by cycle, with the reasons against those that are not used."""
    cell_type = summary.attrs.get("cell_type")
    if summary.attrs.get("technique") != "cycling_summary" or cell_type not in OPENED_BY:
        raise ValueError(f"found the technique {summary.attrs.get('technique')!r}; expected the Dataset of `summarise`")
    opening = OPENED_BY[cell_type]
    if opening is None:
        raise NotAnalysable("a symmetric cell has no capacity that fades; take its polarisation")
    number = np.cumsum(summary["direction"].values == SIGNS[opening])
    second = 1 + np.flatnonzero((number[1:] == number[:-1]) & (number[1:] > 0))
    capacity, stderr = summary["capacity"].values[second], summary["capacity_stderr"].values[second]
    whole = summary["complete"].values[second].astype(bool)
    cycle = number[second]
    if not np.any(whole & (cycle == reference_cycle)):
        raise NotAnalysable(f"the reference cycle {reference_cycle} is not complete; complete are {cycle[whole]}")
    reasons = np.full(cycle.size, "", dtype=object)
    if cycles is None:
        current = summary["current"].values[second]
        reasons[whole] = np.where(
            at_usual_current(current[whole], capacity[whole]), "", "ran at another current than most"
        )
    else:
        reasons[~np.isin(cycle, list(cycles))] = "was not asked for"
    reasons[cycle < reference_cycle] = "comes before the reference"
    reasons[~whole] = "is not complete"
    relative = stderr[whole] / capacity[whole]
    return Points(cycle, capacity, float(np.median(relative)), tuple(str(reason) for reason in reasons))


@dataclass(frozen=True)
class _Choice:
    """The law that was chosen, all laws that remain with their weights, and the scatter of each."""

    fit: Fit
    fits: dict[Law, Fit]
    weights: dict[Law, float]
    scatter: dict[Law, float]
    degrees: dict[Law, int]
    knee_p_value: float


def _choose(x: Floats, capacity: Floats) -> _Choice:
    y = capacity[:, None]
    fits = {law: fit_law(law, x, y) for law in SMOOTH}
    criterion = {law: float(aicc(fit, y)[0]) for law, fit in fits.items()}
    smooth = min(criterion, key=criterion.__getitem__)
    p_value = 1.0
    if x.size > 2 * BESIDE_KNEE:
        knee = fit_law("knee", x, y)
        gain = criterion[smooth] - float(aicc(knee, y)[0])
        if gain > 0:
            p_value = knee_p_value(x, fits[smooth], gain, _seed(capacity))
        if p_value <= FALSE_KNEE:
            fits["knee"], criterion["knee"] = knee, criterion[smooth] - gain
    chosen = min(criterion, key=criterion.__getitem__)
    likelihood = {law: math.exp(-0.5 * (value - criterion[chosen])) for law, value in criterion.items()}
    total = sum(likelihood.values())
    degrees = {law: x.size - PARAMETERS[law] for law in fits}
    scatter = {law: scatter_of(fit, x.size) for law, fit in fits.items()}
    weights = {law: value / total for law, value in likelihood.items()}
    return _Choice(fits[chosen], fits, weights, scatter, degrees, p_value)


def _replicates(x: Floats, capacity: Floats, choice: _Choice) -> list[Fit]:
    """Return fits to simulated capacities, of each law as many as its weight asks for, the chosen law first."""
    random = np.random.default_rng(_seed(capacity) + 1)
    total = sum(weight**_SHARPENED for weight in choice.weights.values())
    fits = []
    for law in sorted(choice.fits, key=lambda law: law != choice.fit.law):
        count = round(0.5 * _REPLICATES * choice.weights[law] ** _SHARPENED / total)
        if count == 0:
            continue
        degrees = choice.degrees[law]
        # The scatter is itself estimated: as Student's t against the normal distribution.
        scatter = choice.scatter[law] * np.sqrt(degrees / random.chisquare(degrees, count))
        noise = scatter * random.standard_normal((x.size, count))
        fits.append(fit_law(law, x, choice.fits[law].at(x) + np.concatenate([noise, -noise], axis=1)))
    return fits


def _seed(capacity: Floats) -> int:
    """Return a seed that repeats for the same course of the capacity in any unit, and differs for another."""
    return zlib.crc32(np.round(capacity / capacity[0], 9).tobytes())


def _spread(values: Floats) -> tuple[float, tuple[float, float]]:
    """Return standard deviation and 95 % interval of replicates."""
    low, high = np.quantile(values, (0.025, 0.975))
    return float(np.std(values, ddof=1)), (float(low), float(high))


def _capacities(
    x: Floats, choice: _Choice, replicates: list[Fit], shared: float
) -> tuple[list[Quantity], dict[str, dict[str, float]]]:
    end = x[-1:]
    start_value, end_value = float(choice.fit.at(np.zeros(1))[0, 0]), float(choice.fit.at(end)[0, 0])
    starts = np.concatenate([fit.start for fit in replicates])
    ends = np.concatenate([fit.at(end)[0] for fit in replicates])
    retained = ends / starts
    stderr, interval = _spread(retained)
    loss_interval = ((1.0 - interval[1]) / x[-1], (1.0 - interval[0]) / x[-1])
    retention = end_value / start_value
    quantities = [
        Quantity("loss_per_cycle", (1.0 - retention) / x[-1], stderr / x[-1], "1", loss_interval, kind="fit"),
        Quantity("retention_end", retention, stderr, "1", interval, kind="fit"),
    ]
    budget = {}
    for name, value, drawn in (("capacity_start", start_value, starts), ("capacity_end", end_value, ends)):
        budget[name] = {"scatter": float(np.std(drawn, ddof=1)), "shared": shared * abs(value)}
        quantities.append(Quantity(name, value, math.hypot(*budget[name].values()), "A h", kind="fit"))
    return quantities, budget


def _shape(x: Floats, capacity: Floats, choice: _Choice, own: Fit, reference_cycle: int) -> list[Quantity]:
    """Return what the chosen law has besides start and slope, from its own replicates."""
    fit = choice.fit
    if fit.law == "power":
        return [Quantity("fade_exponent", float(fit.shape[0]), *_around(own.shape, "1"), kind="fit")]
    if fit.law != "knee":
        return []
    knee = float(fit.shape[0]) + reference_cycle
    low, high = knee_interval(x, capacity, fit, _seed(capacity) + 2)
    interval = (low + reference_cycle, high + reference_cycle)
    before, after = (float((slope / fit.start)[0]) for slope in (fit.slope, fit.slope + fit.bend))
    return [
        Quantity("knee_cycle", knee, float(np.std(own.shape, ddof=1)), "1", interval, kind="fit"),
        Quantity("loss_per_cycle_before_knee", before, *_around(own.slope / own.start, "1"), kind="fit"),
        Quantity("loss_per_cycle_after_knee", after, *_around((own.slope + own.bend) / own.start, "1"), kind="fit"),
    ]


def _around(drawn: Floats, unit: str) -> tuple[float, str, tuple[float, float]]:
    stderr, interval = _spread(drawn)
    return stderr, unit, interval


def _cycles_to(
    fraction: float, last: float, choice: _Choice, replicates: list[Fit], until: int | None, reference_cycle: int
) -> tuple[Quantity, list[str]]:
    """Return the cycles after the reference to a fraction of its capacity, or a lower limit of them."""
    name = f"cycles_to_{round(100 * fraction)}_percent"
    value = float(choice.fit.reaching(fraction)[0])
    drawn = np.sort(np.concatenate([fit.reaching(fraction) for fit in replicates]))
    low, high = (float(drawn[round(q * (drawn.size - 1))]) for q in (0.025, 0.975))
    allowed = last if until is None else max(last, float(until - reference_cycle))
    if value <= allowed and math.isfinite(high):
        stderr = float(np.std(drawn[np.isfinite(drawn)], ddof=1))
        if value <= last:
            return Quantity(name, value, stderr, "1", (low, high), kind="fit"), []
        note = f"{name} is extrapolated from {last:.0f} to {value:.0f} cycles with the {choice.fit.law} law"
        return Quantity(f"{name}_extrapolated", value, stderr, "1", (low, high), kind="derived"), [note]
    limit = min(last, float(drawn[round(0.05 * (drawn.size - 1))]))
    note = f"{fraction:.0%} of the capacity is not reached within {last:.0f} cycles after the reference"
    return Quantity(name, limit, None, "1", relation=">", kind="fit"), [note]


def _notes(points: Points, choice: _Choice, reference_cycle: int) -> list[str]:
    notes = [f"cycles and fractions count from cycle {reference_cycle}, at the capacity that the law gives it"]
    reasons = sorted({reason for reason in points.reasons if reason})
    for reason in reasons:
        which = [int(n) for n, why in zip(points.cycle, points.reasons, strict=True) if why == reason]
        shown = ", ".join(map(str, which[:8])) + (f" and {len(which) - 8} more" if len(which) > 8 else "")
        notes.append(f"left out, each since it {reason}: cycle {shown}")
    close = [law for law, weight in choice.weights.items() if law != choice.fit.law and weight > 0.05]
    if close:
        notes.append(f"the data do not tell the {choice.fit.law} law from {' and '.join(close)}")
    if choice.fit.law == "power" and np.min(np.abs(choice.fit.shape[0] - np.array(EXPONENTS))) < 1e-3:
        notes.append(f"the exponent is at the end of its range {EXPONENTS}")
    if points.used.sum() <= 2 * BESIDE_KNEE:
        notes.append(f"a knee was not tried: it takes {2 * BESIDE_KNEE + 1} cycles")
    return notes


def _diagnostics(choice: _Choice, residuals: Floats) -> dict[str, float]:
    return {
        "n_points": float(residuals.size),
        "scatter": choice.scatter[choice.fit.law] / float(choice.fit.start[0]),
        "runs_p_value": runs_p_value(residuals),
        "knee_p_value": choice.knee_p_value,
        **{f"weight_{law}": weight for law, weight in choice.weights.items()},
    }


def _curves(points: Points, reference_cycle: int, choice: _Choice, replicates: list[Fit]) -> xr.Dataset:
    """Return capacities and laws over the cycles from the reference on, with the 95 % band of the law."""
    shown = points.cycle >= reference_cycle
    x = (points.cycle[shown] - reference_cycle).astype(float)
    low, high = np.quantile(np.concatenate([fit.at(x) for fit in replicates], axis=1), (0.025, 0.975), axis=1)
    columns = {
        "capacity": points.capacity[shown],
        "fit": choice.fit.at(x)[:, 0],
        "fit_lower": low,
        "fit_upper": high,
        **{f"fit_{law}": fit.at(x)[:, 0] for law, fit in choice.fits.items()},
    }
    curves = xr.Dataset(
        {name: xr.Variable(("cycle",), values, {"units": "A h"}) for name, values in columns.items()},
        coords={"cycle": xr.Variable(("cycle",), points.cycle[shown], {"units": "1", "long_name": "cycle"})},
        attrs={"law": choice.fit.law},
    )
    return curves.assign(used=xr.Variable(("cycle",), points.used[shown], {"long_name": "whether the fit uses it"}))
