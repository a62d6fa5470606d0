"""Coated cells against bare ones: by how much a number differs, beside what cells built alike differ by."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ...quantity import Quantity, Result
from ...statistics import coverage_factor, effective_degrees_of_freedom
from .replicates import replicates


def coated_against_bare(coated: Mapping[str, Result], bare: Mapping[str, Result], name: str) -> Result:
    """Difference and ratio of the means of a quantity over coated and over bare cells.

    The spread of the cells of each kind is the yardstick (Welch): the error bars of single cells do not hold what
    differs from cell to cell. Errors that all cells share to the same part are not in it; they cancel in the ratio, and
    in both where the quantity is itself a ratio, such as a retention.

    Parameters
    ----------
    coated, bare : mapping of str to Result
        By name of the cell; two or more of each.
    name : str
        Quantity of each result.

    Returns
    -------
    Result
        ``<name>_difference``, coated less bare, ``<name>_ratio``, coated over bare, and the means ``<name>_coated`` and
        ``<name>_bare``, all with intervals of Student's t. ``curves`` holds the values by ``cell`` and whether each is
        ``coated``.

    Raises
    ------
    NotAnalysable
        If fewer than two cells of a kind hold the quantity, or one is a limit.
    ValueError
        If units differ.

    References
    ----------
    .. [1] Welch, Biometrika 34 (1947) 28. https://doi.org/10.1093/biomet/34.1-2.28
    """
    kinds = {"coated": replicates(coated, name), "bare": replicates(bare, name)}
    means = {kind: result[f"{name}_mean"] for kind, result in kinds.items()}
    own = {kind: mean.stderr or 0.0 for kind, mean in means.items()}
    count = {kind: int(result["n_cells"].value) for kind, result in kinds.items()}
    unit = means["coated"].unit
    if means["bare"].unit != unit:
        raise ValueError(f"found {name} in {unit} and {means['bare'].unit}; expected one unit")
    degrees = effective_degrees_of_freedom([(own[kind], count[kind] - 1) for kind in kinds])
    factor = coverage_factor(degrees)
    difference, stderr = means["coated"].value - means["bare"].value, math.hypot(*own.values())
    interval = difference - factor * stderr, difference + factor * stderr
    quantities = [Quantity(f"{name}_difference", difference, stderr, unit, interval, kind="derived")]
    quantities += _ratio(means, count, name)
    quantities += [
        Quantity(f"{name}_{kind}", mean.value, mean.stderr, unit, mean.interval95, kind="derived")
        for kind, mean in means.items()
    ]
    values = [result.curves[name] for result in kinds.values() if result.curves is not None]
    return Result(
        method=f"means of {count['coated']} coated and {count['bare']} bare cells, with the spread of each kind",
        quantities=tuple(quantities),
        diagnostics={"n_coated": float(count["coated"]), "n_bare": float(count["bare"]), "degrees_of_freedom": degrees},
        budget={f"{name}_difference": own},
        notes=(_verdict(interval), *(f"{kind}: {note}" for kind, result in kinds.items() for note in result.notes)),
        curves=xr.Dataset({name: xr.concat(values, "cell")}).assign(
            coated=("cell", np.repeat([True, False], [count["coated"], count["bare"]]))
        ),
    )


def _ratio(means: Mapping[str, Quantity], count: Mapping[str, int], name: str) -> list[Quantity]:
    """Return the ratio of the means; none where they are not both above zero."""
    if min(mean.value for mean in means.values()) <= 0:
        return []
    parts = [(means[kind].relative, count[kind] - 1) for kind in means]
    ratio = means["coated"].value / means["bare"].value
    relative = math.hypot(*(part for part, _ in parts))
    half = coverage_factor(effective_degrees_of_freedom(parts)) * relative
    return [
        Quantity(
            f"{name}_ratio", ratio, relative * ratio, "1", (ratio * math.exp(-half), ratio * math.exp(half)),
            kind="derived",
        )
    ]  # fmt: skip


def _verdict(interval: tuple[float, float]) -> str:
    if interval[0] <= 0.0 <= interval[1]:
        return "coated and bare cells do not differ by more than cells of one kind do"
    return "coated and bare cells differ by more than the spread of each kind explains"
