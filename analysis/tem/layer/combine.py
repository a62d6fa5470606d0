r"""Thickness of a coating from several images, of which each shows another place.

.. math:: x_i = \mu + b_i + e_i

with differences between places :math:`b_i` of variance :math:`\tau^2`, the sampling within each image :math:`e_i` and,
apart from both, what all images share: one calibration errs alike in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import joint_factor
from .thickness import SAMPLING, TRACING

Array = NDArray[np.float64]

_FEW = 4
_WITHIN = (SAMPLING, TRACING)


def combine_layers(results: Sequence[Result]) -> Result:
    """Combine the thickness of one coating from several images.

    The mean is weighted by the variance within images, taken as falling with the length of interface in view, and that
    between them after Paule and Mandel. Its uncertainty is that of Hartung, Knapp, Sidik and Jonkman with Student's t
    of one degree of freedom less than images, because the images themselves tell how much places differ. Calibration,
    tilt and section height are taken as common to all images: averaged linearly, they do not shrink with their number.

    Parameters
    ----------
    results : sequence of Result
        From `layer_thickness`, at least two, of places chosen without regard to their thickness.

    Returns
    -------
    Result
        ``layer_thickness`` in nm with standard uncertainty and 95 % interval from all sources; ``layer_thickness_sd``
        in nm, the standard deviation between places, or its upper limit where the sampling within the images explains
        all. The budget keeps what is shared apart. Images that are all limits give the largest of them as a limit.

    Raises
    ------
    NotAnalysable
        If there are fewer than two images, or some but not all of them are limits: leaving these out would make the
        coating thicker than it is.

    References
    ----------
    .. [1] Paule, Mandel, J. Res. Natl. Bur. Stand. 87 (1982) 377, doi:10.6028/jres.087.022.
    .. [2] IntHout, Ioannidis, Borm, BMC Med. Res. Methodol. 14 (2014) 25, doi:10.1186/1471-2288-14-25.
    """
    if len(results) < 2:
        raise NotAnalysable(f"found {len(results)} image; places are compared over at least two")
    thickness = [result["layer_thickness"] for result in results]
    limits = [quantity for quantity in thickness if quantity.relation != "="]
    if len(limits) == len(results):
        return _all_limits(limits)
    if limits:
        raise NotAnalysable(
            f"{len(limits)} of {len(results)} images give only a limit; a mean of the others would be too thick. "
            "Combine images that all resolve the layer and report the others beside it"
        )
    values = np.array([quantity.value for quantity in thickness])
    within = _within(results)
    places = mean_of_places(values, within)
    shared = _shared(results, places.weights)
    systematic = math.sqrt(sum(part**2 for part in shared.values()))
    stderr = math.hypot(places.stderr, systematic)
    half = joint_factor(places.stderr, len(values) - 1, systematic) * stderr
    return Result(
        method=f"mean over {len(results)} images with variance between and within them, Student's t",
        quantities=(
            Quantity(
                "layer_thickness", places.mean, stderr, "nm", (places.mean - half, places.mean + half), kind="derived"
            ),
            between_sd(values, within, places.between),
        ),
        diagnostics={
            "n_images": float(len(values)),
            "reduced_chi_square": float(_spread(values, within, 0.0)) / (len(values) - 1),
            "typical_within": float(np.sqrt(np.mean(within**2))),
        },
        budget={"layer_thickness": {"images": places.stderr} | shared},
        notes=_notes(results),
        provenance=source_files(results),
    )


@dataclass(frozen=True)
class Places:
    """Weighted mean over places, its standard uncertainty, the variance between them and the weights, of sum 1."""

    mean: float
    stderr: float
    between: float
    weights: Array


def mean_of_places(values: Array, within: Array) -> Places:
    """Return the mean over places that vary, from their values and standard uncertainties within, shape (n,)."""
    between = _solve(values, within, float(len(values) - 1))
    weights = 1 / np.maximum(within**2 + between, 1e-12 * np.max(values) ** 2)
    weights /= weights.sum()
    mean = float(weights @ values)
    stderr = math.sqrt(float(weights @ (values - mean) ** 2) / (len(values) - 1))
    return Places(mean, stderr, between, weights)


def _spread(values: Array, within: Array, between: float) -> float:
    """Return the generalised chi-square of the values about their weighted mean."""
    weights = 1 / np.maximum(within**2 + between, 1e-12 * np.max(values) ** 2)
    mean = (weights @ values) / weights.sum()
    return float(weights @ (values - mean) ** 2)


def _solve(values: Array, within: Array, wanted: float) -> float:
    """Return the variance between places with which chi-square, which falls with it, is as wanted; 0 if none is."""
    from scipy.optimize import brentq

    if _spread(values, within, 0.0) <= wanted:
        return 0.0
    top = float(np.ptp(values)) ** 2 * len(values) / wanted + 1e-12
    return float(brentq(lambda between: _spread(values, within, between) - wanted, 0.0, top))


def between_sd(values: Array, within: Array, between: float) -> Quantity:
    """Return the standard deviation between places with its Q-profile interval, or the one-sided limit."""
    from scipy.stats import chi2

    degrees = len(values) - 1
    low, limit, high = (math.sqrt(_solve(values, within, float(chi2.ppf(p, degrees)))) for p in (0.975, 0.05, 0.025))
    if low == 0.0:
        return Quantity("layer_thickness_sd", limit, None, "nm", relation="<", kind="derived")
    return Quantity("layer_thickness_sd", math.sqrt(between), 0.25 * (high - low), "nm", (low, high), kind="derived")


def _within(results: Sequence[Result]) -> Array:
    """Return the standard uncertainty of each image from the mean over all, as it falls with the length in view.

    Those of single images rest on few independent thicknesses; weights from them would favour images that happen to
    show little variation, and 95 % intervals from five images would cover 92 %.
    """
    parts = [[result.budget["layer_thickness"][name] for name in _WITHIN] for result in results]
    lengths = np.array([result.diagnostics.get("interface_length", math.nan) for result in results])
    if not (lengths > 0).all():
        lengths = np.ones(len(results))
    variances = (np.array(parts) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(np.mean(variances * lengths) / lengths))


def _shared(results: Sequence[Result], weights: Array) -> dict[str, float]:
    """Return the standard uncertainties that all images share, averaged linearly."""
    parts: dict[str, float] = {}
    for result, weight in zip(results, weights, strict=True):
        for name, stderr in result.budget["layer_thickness"].items():
            if name not in _WITHIN:
                parts[name] = parts.get(name, 0.0) + float(weight) * stderr
    return parts


def _all_limits(limits: Sequence[Quantity]) -> Result:
    highest = max(quantity.value for quantity in limits)
    return Result(
        method=f"largest limit of {len(limits)} images",
        quantities=(Quantity("layer_thickness", highest, None, "nm", relation="<", kind="derived"),),
        diagnostics={"n_images": float(len(limits))},
        notes=("Not resolved in any image.",),
    )


def _notes(results: Sequence[Result]) -> tuple[str, ...]:
    notes = ["Calibration and other shared uncertainties are common to all images and do not average down."]
    if len(results) < _FEW:
        notes.append(
            f"{len(results)} images say little about how places differ: Student's t for {len(results) - 1} degree(s) "
            "of freedom makes the interval wide; a third and fourth image narrow it most."
        )
    if share_a_file(results):
        notes.append("Some results come from the same file; places that overlap are no independent images.")
    return tuple(notes)


def share_a_file(results: Sequence[Result]) -> bool:
    """Return whether two results come from one file."""
    sources = [source for result in results if (source := result.provenance.get("source_sha256"))]
    return len(set(sources)) < len(sources)


def source_files(results: Sequence[Result]) -> dict[str, str]:
    """Return the names of the files of results, for the provenance of what is made of them."""
    files = [result.provenance["source_file"] for result in results if "source_file" in result.provenance]
    return {"source_files": ", ".join(files)} if files else {}
