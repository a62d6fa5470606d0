r"""Coverage and evenness of a coating from several particles, of which each shows its own surface.

.. math:: c_i = \mu + b_i + e_i

with differences between particles :math:`b_i` and the sampling along the surface of each :math:`e_i`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import ONE_SIDED_95, coverage_factor
from .combine import between_sd, combine_layers, mean_of_places, share_a_file, source_files
from .coverage import RIMS
from .thickness import CALIBRATION, SAMPLING

Array = NDArray[np.float64]

_FEW = 4
_UNSEEN_STRETCHES = 1.0  # independent stretches of a particle without any layer


def combine_coverage(results: Sequence[Result]) -> Result:
    """Combine coverage and evenness of one coating from several particles.

    The mean share is weighted by the variance within particles, taken as falling with the length of surface in view,
    and that between them after Paule and Mandel; its interval is that of its log-odds with Student's t of one degree of
    freedom less than particles. Particles on which no gap or no coating is seen count with the share that is seen, 1 or
    0: without them, the mean would be that of the particles with gaps.

    Parameters
    ----------
    results : sequence of Result
        From `coverage` with one minimum, at least two, of particles chosen without regard to their coating.

    Returns
    -------
    Result
        ``coverage`` with standard uncertainty and 95 % interval, or a limit where all particles are wholly covered or
        bare; ``coverage_sd`` between particles; ``covered_thickness`` and ``covered_thickness_sd`` in nm, weighted
        as by `combine_layers`; ``conformality`` and ``coefficient_of_variation``, each particle one of n, or limits
        where noise explains the variation on all.

    Raises
    ------
    NotAnalysable
        If there are fewer than two particles, or their minima differ.

    References
    ----------
    .. [1] Paule, Mandel, J. Res. Natl. Bur. Stand. 87 (1982) 377, doi:10.6028/jres.087.022.
    .. [2] IntHout, Ioannidis, Borm, BMC Med. Res. Methodol. 14 (2014) 25, doi:10.1186/1471-2288-14-25.
    """
    if len(results) < 2:
        raise NotAnalysable(f"found {len(results)} particle; n = 1 says nothing of how particles differ, take a second")
    minima = {round(result.diagnostics["minimum"], 6) for result in results}
    if len(minima) > 1:
        raise NotAnalysable(f"the particles count as covered above different thicknesses: {sorted(minima)} nm")
    quantities, budget = _coverage(results)
    thickness = _thickness(results)
    if thickness is not None:
        budget |= {"covered_thickness": dict(thickness.budget["layer_thickness"])}
        quantities += tuple(
            replace(q, name=q.name.replace("layer", "covered")) for q in thickness.quantities if q.value > 0
        )
    return Result(
        method=f"mean over {len(results)} particles with variance between and within them, Student's t",
        quantities=(*quantities, *_evenness(results)),
        diagnostics={
            "n_particles": float(len(results)),
            "surface_length": sum(result.diagnostics["surface_length"] for result in results),
            "minimum": minima.pop(),
        },
        budget=budget,
        notes=_notes(results),
        provenance=source_files(results),
    )


def _coverage(results: Sequence[Result]) -> tuple[tuple[Quantity, ...], dict[str, dict[str, float]]]:
    shares = np.array([result.diagnostics.get("covered_share", 0.0) for result in results])
    lengths = np.array([result.diagnostics["surface_length"] for result in results])
    if shares.min() == 1.0 or shares.max() == 0.0:
        return (_all_or_nothing(results, covered=shares.min() == 1.0),), {}
    within = _within(results, shares, lengths)
    places = mean_of_places(shares, within)
    calibration = float(np.mean([result.budget.get("coverage", {}).get(CALIBRATION, 0.0) for result in results]))
    stderr = math.hypot(places.stderr, calibration)
    odds, product = math.log(places.mean / (1.0 - places.mean)), places.mean * (1.0 - places.mean)
    half = coverage_factor(len(shares) - 1) * stderr / product
    low, high = (1.0 / (1.0 + math.exp(-np.clip(end, -500.0, 500.0))) for end in (odds - half, odds + half))
    spread = replace(between_sd(shares, within, places.between), name="coverage_sd", unit="1")
    mean = Quantity("coverage", places.mean, stderr, "1", (low, high), kind="derived")
    return (mean, *((spread,) if spread.value > 0 else ())), {
        "coverage": {"particles": places.stderr, CALIBRATION: calibration}
    }


def _within(results: Sequence[Result], shares: Array, lengths: Array) -> Array:
    """Return the standard uncertainty of each particle's share, as it falls with the surface in view.

    Each alone rests on few gaps; the length of an independent stretch is taken as common to all.
    """
    stretches = []
    for result, share, length in zip(results, shares, lengths, strict=True):
        parts = result.budget.get("coverage", {})
        if SAMPLING in parts:
            stretches.append(length * (parts[SAMPLING] ** 2 + parts[RIMS] ** 2) / (share * (1.0 - share)))
    mean = float(np.average(shares, weights=lengths))
    stretch = float(np.mean(stretches)) if stretches else float(np.mean(lengths))
    return np.asarray(np.sqrt(mean * (1.0 - mean) * np.minimum(stretch / lengths, 1.0)))


def _all_or_nothing(results: Sequence[Result], *, covered: bool) -> Quantity:
    """Return the limit from all independent stretches of all particles."""
    stretches = sum(result.diagnostics.get("independent_stretches", _UNSEEN_STRETCHES) for result in results)
    bound = 0.05 ** (1.0 / stretches)
    if covered:
        return Quantity("coverage", bound, None, "1", relation=">", kind="derived")
    return Quantity("coverage", 1.0 - bound, None, "1", relation="<", kind="derived")


def _thickness(results: Sequence[Result]) -> Result | None:
    """Return the thickness of the covered places over the particles that have some."""
    known = [
        replace(
            result,
            quantities=(replace(result["covered_thickness"], name="layer_thickness"),),
            budget={"layer_thickness": result.budget["covered_thickness"]},
            diagnostics={"interface_length": result.diagnostics["surface_length"] * result["coverage_field"].value},
        )
        for result in results
        if "covered_thickness" in result
    ]
    return combine_layers(known) if len(known) > 1 else None


def _evenness(results: Sequence[Result]) -> tuple[Quantity, ...]:
    """Return conformality and coefficient of variation, each particle one of n.

    The squares of the coefficients are averaged: without the noise they may be below 0 on a particle, and on average
    are not biased.
    """
    known = [result.diagnostics for result in results if "relative_variance" in result.diagnostics]
    if len(known) < 2:
        return ()
    factor = coverage_factor(len(known) - 1)
    squares = np.array([diagnostics["relative_variance"] for diagnostics in known])
    ratios = np.array([diagnostics["conformality"] for diagnostics in known])
    square, ratio = float(squares.mean()), float(ratios.mean())
    error, spread = (float(values.std(ddof=1)) / math.sqrt(len(values)) for values in (squares, ratios))
    if square - factor * error <= 0.0:
        highest = math.sqrt(max(square, 0.0) + factor * error)
        lowest = max(1.0 - ONE_SIDED_95 * highest, 0.0)
        return (
            Quantity("conformality", lowest, None, "1", relation=">", kind="derived"),
            Quantity("coefficient_of_variation", highest, None, "1", relation="<", kind="derived"),
        )
    low, high = math.sqrt(square - factor * error), math.sqrt(square + factor * error)
    value = math.sqrt(square)
    interval = (max(ratio - factor * spread, 0.0), min(ratio + factor * spread, 1.0))
    return (
        Quantity("conformality", ratio, spread, "1", interval, kind="derived"),
        Quantity("coefficient_of_variation", value, 0.5 * error / value, "1", (low, high), kind="derived"),
    )


def _notes(results: Sequence[Result]) -> tuple[str, ...]:
    notes = ["Each particle counts as one of n; the interval is for the powder from which they were taken."]
    if len(results) < _FEW:
        notes.append(
            f"{len(results)} particles say little about how particles differ: Student's t for {len(results) - 1} "
            "degree(s) of freedom makes the interval wide."
        )
    uniform = [result["coverage"].relation for result in results]
    if all(relation != "=" for relation in uniform) and len(set(uniform)) == 1:
        bound = 0.05 ** (1.0 / len(results))
        notes.append(
            f"The limit holds for particles alike. Of particles that differ, {len(results)} without exception only say "
            f"that more than {bound:.0%} of the powder is like them."
        )
    if share_a_file(results):
        notes.append("Some results come from the same file; surfaces that overlap are no independent particles.")
    return tuple(notes)
