r"""Ionic conductivity of a coating from cells with it and without it.

.. math:: \sigma = \frac{d}{\mathrm{ASR}_\text{coated} - \mathrm{ASR}_\text{bare}}

A coating of 10 nm with 1e-6 S cm-1 adds 1 ohm cm2, often less than one cell differs from the next: then there is a
limit and no number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import coverage_factor, effective_degrees_of_freedom
from .ratio import lower_limit, ratio_interval, resolved
from .stated import checked, own_spread


@dataclass(frozen=True)
class _Cells:
    """Mean of like cells in ohm cm2 with standard uncertainty, degrees of freedom and standard deviation."""

    mean: float
    spread: float
    degrees_of_freedom: float
    n_cells: int
    deviation: float | None


@dataclass(frozen=True)
class _Difference:
    """Coated less bare in ohm cm2, its standard uncertainty without the relative one that all cells share."""

    value: float
    spread: float
    degrees_of_freedom: float
    shared: float = 0.0


def coating_conductivity(
    coated: Quantity | Sequence[Quantity],
    bare: Quantity | Sequence[Quantity],
    *,
    thickness: Quantity,
    shared_relative_uncertainty: float = 0.0,
) -> Result:
    """Conductivity of a coating from area specific resistances of coated and bare cells, or its lower limit.

    The pairs must be alike but for the coating: electrodes, pressure, temperature. With two or more cells of a kind the
    scatter between them gives the uncertainty of their mean, by Student's t and Welch's degrees of freedom, though
    never less than the stated uncertainties do. A single cell is taken to scatter like the cells of the other kind; a
    single pair must state its uncertainties, in which the scatter between cells is missing.

    Parameters
    ----------
    coated, bare : Quantity or sequence of Quantity
        Area specific resistances in ohm cm2, one or more cells each.
    thickness : Quantity
        Of the coating, a length.
    shared_relative_uncertainty : float
        The part of the relative standard uncertainty of the resistances that is the same for all cells of both kinds,
        such as that of the area of one mask. It is part of each stated uncertainty. It scales the difference and never
        decides whether there is one.

    Returns
    -------
    Result
        ``ionic_conductivity`` (S cm-1) and ``area_specific_resistance`` (ohm cm2) of the coating, with intervals of the
        ratio by Fieller's theorem. Where the difference is below twice its uncertainty, or not outside the interval of
        Student's t, both are 95 % limits: ``>`` for the conductivity, ``<`` for the resistance.

    Raises
    ------
    NotAnalysable
        If a resistance is a limit, a single pair states no uncertainty, or one is stated below the shared part.
    UnitError
        If a resistance or the thickness bears another dimension.

    References
    ----------
    .. [1] Welch, Biometrika 34 (1947) 28. https://doi.org/10.1093/biomet/34.1-2.28

    Examples
    --------
    >>> coated = [Quantity("area_specific_resistance", value, 0.3, "ohm cm2") for value in (61.0, 63.5, 62.1)]
    >>> bare = [Quantity("area_specific_resistance", value, 0.3, "ohm cm2") for value in (41.7, 40.2, 42.4)]
    >>> result = coating_conductivity(coated, bare, thickness=Quantity("thickness", 10.0, 0.4, "nm"))
    >>> print(result["ionic_conductivity"])
    ionic_conductivity = (4.82 ± 0.30)e-08 S cm-1
    """
    if thickness.value <= 0:
        raise ValueError(f"found {thickness}; expected a value above 0")
    d, shared = checked([thickness], "cm")[0], shared_relative_uncertainty
    with_it, without = _cells(coated, "coated", shared), _cells(bare, "bare", shared)
    with_it, without = _like(with_it, without, "coated"), _like(without, with_it, "bare")
    difference = replace(_difference(with_it, without), shared=shared)
    told = resolved(difference.value, difference.spread, difference.degrees_of_freedom)
    numbers = _numbers(d, difference) if told else _limits(d, difference)
    return Result(
        method="difference of the area specific resistances of coated and bare cells"
        + ("" if told else ", one-sided 95 % limit"),
        quantities=numbers,
        correlation=_correlation(difference, d) if told else None,
        diagnostics=_diagnostics(difference, with_it, without),
        budget=_budget(numbers, d, difference, with_it, without) if told else {},
        notes=tuple(_notes(thickness, difference, with_it, without, told)),
        provenance={
            "thickness": f"{thickness.number()} {thickness.unit}",
            "shared_relative_uncertainty": f"{shared:g}",
        },
    )


def _cells(stated: Quantity | Sequence[Quantity], kind: str, shared: float) -> _Cells:
    cells = checked([stated] if isinstance(stated, Quantity) else list(stated), "ohm cm2")
    if not cells:
        raise NotAnalysable(f"found no {kind} cell; expected one or more")
    values = np.array([cell.value for cell in cells])
    stated_spread = float(np.linalg.norm(own_spread(cells, shared))) / len(cells)
    if len(cells) == 1:
        return _Cells(float(values[0]), stated_spread, math.inf, 1, None)
    deviation = float(values.std(ddof=1))
    scatter = deviation / math.sqrt(len(cells))
    if max(scatter, stated_spread) == 0:
        raise NotAnalysable(f"the {kind} cells are all alike and state no uncertainty: are they copies of one?")
    if stated_spread > scatter:
        return _Cells(float(values.mean()), stated_spread, math.inf, len(cells), deviation)
    return _Cells(float(values.mean()), scatter, len(cells) - 1.0, len(cells), deviation)


def _like(cells: _Cells, others: _Cells, kind: str) -> _Cells:
    """Give a single cell the scatter of the other kind where that is larger than its stated uncertainty."""
    if cells.n_cells > 1:
        return cells
    if others.deviation is not None and others.deviation > cells.spread:
        return replace(cells, spread=others.deviation, degrees_of_freedom=others.n_cells - 1.0)
    if not cells.spread:
        raise NotAnalysable(f"the only {kind} cell states no uncertainty; state it, or measure more cells")
    return cells


def _difference(coated: _Cells, bare: _Cells) -> _Difference:
    kinds = (coated, bare)
    degrees = effective_degrees_of_freedom([(cells.spread, cells.degrees_of_freedom) for cells in kinds])
    if any(cells.n_cells == 1 for cells in kinds):  # a borrowed scatter is not a second, independent estimate
        degrees = min(cells.degrees_of_freedom for cells in kinds)
    return _Difference(coated.mean - bare.mean, math.hypot(coated.spread, bare.spread), degrees)


def _numbers(d: Quantity, difference: _Difference) -> tuple[Quantity, Quantity]:
    relative, known = difference.spread / difference.value, math.hypot(d.relative, difference.shared)
    sigma, factor = d.value / difference.value, _factor(relative, known, difference)
    interval = ratio_interval(d.value, d.value * known, difference.value, difference.spread, factor)
    spread = difference.value * math.hypot(relative, difference.shared)
    half = _factor(relative, difference.shared, difference) * spread
    return (
        Quantity("ionic_conductivity", sigma, sigma * math.hypot(relative, known), "S cm-1", interval, kind="derived"),
        Quantity(
            "area_specific_resistance",
            difference.value,
            spread,
            "ohm cm2",
            (difference.value - half, difference.value + half),
            kind="derived",
        ),
    )


def _factor(relative: float, known: float, difference: _Difference) -> float:
    return coverage_factor(effective_degrees_of_freedom([(relative, difference.degrees_of_freedom), (known, math.inf)]))


def _limits(d: Quantity, difference: _Difference) -> tuple[Quantity, Quantity]:
    known = math.hypot(d.relative, difference.shared)
    sigma = lower_limit(d.value, known, difference.value, difference.spread, difference.degrees_of_freedom)
    largest = 1.0 / lower_limit(
        1.0, difference.shared, difference.value, difference.spread, difference.degrees_of_freedom
    )
    return (
        Quantity("ionic_conductivity", sigma, None, "S cm-1", relation=">", kind="derived"),
        Quantity("area_specific_resistance", largest, None, "ohm cm2", relation="<", kind="derived"),
    )


def _correlation(difference: _Difference, d: Quantity) -> tuple[tuple[float, float], tuple[float, float]]:
    own = math.hypot(difference.spread / difference.value, difference.shared)
    off = -own / math.hypot(own, d.relative)
    return (1.0, off), (off, 1.0)


def _diagnostics(difference: _Difference, coated: _Cells, bare: _Cells) -> dict[str, float]:
    figures = {
        "n_coated": float(coated.n_cells),
        "n_bare": float(bare.n_cells),
        "resistance_difference": difference.value,
        "resistance_difference_stderr": difference.spread,
    }
    for name, cells in (("coated", coated), ("bare", bare)):
        if cells.deviation is not None:
            figures[f"standard_deviation_{name}"] = cells.deviation
    return figures


def _budget(
    numbers: tuple[Quantity, Quantity], d: Quantity, difference: _Difference, coated: _Cells, bare: _Cells
) -> dict[str, dict[str, float]]:
    sigma, _ = numbers
    resistance = {"coated": coated.spread, "bare": bare.spread}
    if difference.shared:
        resistance["shared"] = difference.value * difference.shared
    conductivity = {name: sigma.value * spread / difference.value for name, spread in resistance.items()}
    if d.relative:
        conductivity["thickness"] = sigma.value * d.relative
    return {"ionic_conductivity": conductivity, "area_specific_resistance": resistance}


def _notes(thickness: Quantity, difference: _Difference, coated: _Cells, bare: _Cells, told: bool) -> Iterator[str]:
    if not told:
        yield (
            f"not resolved: coated less bare is {difference.value:.3g} ± {difference.spread:.2g} ohm cm2; more cells "
            "or a thicker coating would tell it from zero"
        )
    if difference.value < -coverage_factor(difference.degrees_of_freedom) * difference.spread:
        yield (
            "the bare cells have the higher resistance by more than the uncertainty: the pairs differ in more than the "
            "coating, and the limit does not hold for it"
        )
    for kind, cells in (("coated", coated), ("bare", bare)):
        if cells.n_cells == 1 and cells.degrees_of_freedom < math.inf:
            yield f"one {kind} cell only: it is taken to scatter as the others do"
        elif cells.n_cells == 1:
            yield f"one {kind} cell only: how much one cell differs from the next is not in the uncertainty"
    if thickness.stderr is None:
        yield "the thickness is stated without uncertainty, so none of it is in the result"
