"""Mean and spread of one number over replicate cells, with what all cells share kept apart."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import coverage_factor, joint_factor


def replicates(results: Mapping[str, Result], name: str, *, shared: Collection[str] = ()) -> Result:
    """Mean of a quantity over cells that were built alike, and how much the cells differ.

    The spread of the cells holds whatever differs from one to the next: the cells themselves, the weighing of each, the
    channel of each. What is the same for all, one balance or one punch that is off, is in no spread; name its sources.

    Parameters
    ----------
    results : mapping of str to Result
        By name of the cell.
    name : str
        Quantity of each result.
    shared : collection of str
        Sources of the budgets whose error is the same in all cells, such as ``active_mass`` or ``current_gain``.

    Returns
    -------
    Result
        ``<name>_mean`` with the uncertainty from the spread (over the square root of n) and from what is shared;
        ``<name>_spread``, the standard deviation of the cells, which does not fall with their number;
        ``<name>_shared``, the standard uncertainty that is the same for all; ``n_cells``. The interval of the mean is
        Student's t over the cells with the shared part besides; ``cells_lower`` and ``cells_upper`` in the diagnostics
        are that of the cells alone. ``curves`` holds the values by ``cell``.

    Raises
    ------
    NotAnalysable
        If fewer than two results hold the quantity, or one is a limit.
    ValueError
        If units differ, or no budget names a source of `shared`.
    """
    there = {cell: result for cell, result in results.items() if name in result}
    if len(there) < 2:
        raise NotAnalysable(f"{len(there)} of {len(results)} results hold {name}; a spread takes two cells or more")
    found = [result[name] for result in there.values()]
    if units := {quantity.unit for quantity in found} - {found[0].unit}:
        raise ValueError(f"found {name} in {found[0].unit} and {', '.join(sorted(units))}; expected one unit")
    if limits := [cell for cell, result in there.items() if result[name].relation != "="]:
        raise NotAnalysable(f"{name} is a limit for {', '.join(limits)}; a mean takes numbers")
    budgets = [dict(result.budget.get(name, {})) for result in there.values()]
    if unknown := [source for source in shared if not any(source in budget for budget in budgets)]:
        raise ValueError(f"no budget of {name} holds {', '.join(unknown)}; found {sorted(set().union(*budgets))}")
    values = np.array([quantity.value for quantity in found])
    n, mean, spread = values.size, float(values.mean()), float(values.std(ddof=1))
    parts = {source: float(np.mean([budget.get(source, 0.0) for budget in budgets])) for source in shared}
    own, common = spread / math.sqrt(n), math.hypot(*parts.values())
    half = joint_factor(own, n - 1, common) * math.hypot(own, common)
    unit = found[0].unit
    cells = coverage_factor(n - 1) * own
    return Result(
        method=f"mean of {n} cells; Student's t of {n - 1} degrees of freedom for what differs between them",
        quantities=(
            Quantity(f"{name}_mean", mean, math.hypot(own, common), unit, (mean - half, mean + half), kind="derived"),
            Quantity(
                f"{name}_spread", spread, spread / math.sqrt(2.0 * (n - 1)), unit, _spread(spread, n), kind="derived"
            ),
            Quantity(f"{name}_shared", common, None, unit, kind="derived"),
            Quantity("n_cells", float(n), None, "1", kind="measured"),
        ),
        diagnostics={"cells_lower": mean - cells, "cells_upper": mean + cells},
        budget={f"{name}_mean": {"cells": own, **parts}},
        notes=_notes(results, there, name, spread, budgets, shared),
        curves=xr.Dataset(
            {name: xr.Variable(("cell",), values, {"units": unit})},
            coords={"cell": xr.Variable(("cell",), np.array(list(there), dtype=str), {"long_name": "cell"})},
        ),
    )


def _spread(spread: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of the standard deviation of normally distributed cells."""
    from scipy.special import chdtri

    low, high = (spread * math.sqrt((n - 1) / float(chdtri(n - 1, tail))) for tail in (0.025, 0.975))
    return low, high


def _notes(
    results: Mapping[str, Result],
    there: Mapping[str, Result],
    name: str,
    spread: float,
    budgets: list[dict[str, float]],
    shared: Collection[str],
) -> tuple[str, ...]:
    notes = [f"{cell} holds no {name} and is left out" for cell in results if cell not in there]
    own = float(np.sqrt(np.mean([sum(u**2 for s, u in budget.items() if s not in shared) for budget in budgets])))
    if own > 0:
        notes.append(
            f"the cells differ by {spread:.2g}, of which their measurement explains {own:.2g}"
            if spread > own
            else f"the cells differ by {spread:.2g}, no more than their measurement of {own:.2g} explains"
        )
    return tuple(notes)
