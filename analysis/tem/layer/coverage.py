"""How much of a particle a coating covers, and how evenly, from the thickness along its surface."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ...quantity import Quantity, Relation, Result
from ...statistics import ONE_SIDED_95, coverage_factor, joint_factor
from ..image import Micrograph, micrograph
from .aggregate import correlated_mean
from .double_erf import double_erf
from .evenness import evenness
from .thickness import CALIBRATION, SAMPLING, TRACING
from .thickness_map import Bare, ThicknessMap, map_thickness

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

RIMS = "rims of gaps"
"""Source in the budget of a coverage, beside those of a thickness."""

_RIM = 0.45  # standard uncertainty of where a coating ends, in blocks
_ROUNDED = 0.05  # of a thickness: what rims of a layer brighter or darker than both its sides add to it, each alike
_SHARP = 0.5  # of the thickness beside it: a block below has lost its coating rather than thinned
_UNSEEN = 0.15  # share of a surface that is coated before its grey is surely found
_FEWEST_STRETCHES = 5.0
_SHARES = ("coverage", "coverage_field")
_TRACING = 0.1  # pixels, as for the mean thickness
_ONE = "One particle is n = 1: the interval is for surfaces like the one in view, not for how particles differ."
_PROJECTION = "Gaps shorter than the thickness of the foil or the particle hide in the projection."


def coverage(
    ds: xr.Dataset,
    *,
    minimum: Quantity,
    pixel_size: Quantity | None = None,
    pixel_size_relative_uncertainty: float = 0.015,
    search_width: Quantity | None = None,
) -> Result:
    r"""Covered share of a particle's surface and evenness of its coating, from one micrograph.

    The grey level of the coating is learnt where it is, on a tenth of the surface at least. With its contrast so fixed,
    within 30 % for uneven illumination, the thickness of each block can be told down to zero, where a free fit sees no
    layer at all. Lengths are those on the particle's own surface, under the coating.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image" with one particle, or the part of its surface that is to be judged.
    minimum : Quantity
        Thickness above which a place counts as covered. It decides the result and is stated with it.
    pixel_size, pixel_size_relative_uncertainty, search_width
        As for `layer_thickness`.

    Returns
    -------
    Result
        ``coverage``, share of the surface on which the lower 95 % bound of the thickness exceeds the minimum, with an
        interval for the coating from the autocovariance and Student's t; ``">"`` where no gap is seen, from the number
        of independent stretches, ``"<"`` where no coating is. ``coverage_field``, the share of the surface in view,
        known to the rims of its gaps. ``covered_thickness`` in nm, the mean where the surface is covered.
        ``conformality``, ``conformality_range`` and ``coefficient_of_variation`` of the covered places, see `evenness`.
        ``smallest_gap`` and ``smallest_patch`` in nm along the surface, the shortest that would be seen wherever they
        lie. `curves` holds the thickness along ``arclength`` and where in the image each block lies.

    Raises
    ------
    NotAnalysable
        If the image has no scale or no outline, the minimum is not above 0 or below what an edge hides, or a layer
        cannot be told from noise.
    UnitError
        If an argument is not a length.

    Notes
    -----
    The image is a projection: a gap shorter than the foil is thick hides behind the coating above and below it. A block
    across the rim of a gap counts with the share of it that is covered. Where no layer is seen, one whose grey is that
    of the particle or its surroundings may still be there.

    References
    ----------
    .. [1] Künsch, Ann. Statist. 17 (1989) 1217, doi:10.1214/aos/1176347265.
    """
    least = minimum.to("nm").value
    if least <= 0:
        raise NotAnalysable(f"found a minimum of {least:.3g} nm; a place is covered above a thickness greater than 0")
    image = micrograph(ds, pixel_size, pixel_size_relative_uncertainty)
    found = map_thickness(image, None if search_width is None else search_width.to("nm").value)
    provenance = {"minimum": str(minimum)} | {
        key: str(ds.attrs[key]) for key in ("source_file", "source_sha256") if key in ds.attrs
    }
    if isinstance(found, Bare):
        return _bare(image, found, least, provenance)
    shares = _covered_shares(found, least)
    covered, budget = _coverage(image, found, shares, least)
    thickness, of_thickness = _thickness(image, found, shares)
    even = evenness(_inside(found, shares), found.stderr)
    return Result(
        method=(
            f"share of {np.isfinite(shares).sum() * found.block:.4g} nm of surface on which the lower 95 % bound of "
            f"the thickness exceeds {least:.3g} nm, in blocks of {found.block:.3g} nm"
        ),
        quantities=(
            *covered,
            *thickness,
            *(() if even is None else even.quantities),
            *_smallest(found, least),
        ),
        diagnostics=_diagnostics(found, shares, least) | ({} if even is None else even.estimates),
        budget=budget | of_thickness,
        notes=_notes(found, shares, least) + image.notes,
        provenance=provenance,
        curves=_curves(image, found, least),
    )


def _bare(image: Micrograph, found: Bare, least: float, provenance: dict[str, str]) -> Result:
    """Return the limit for a surface without a visible layer."""
    if least < found.resolvable:
        raise NotAnalysable(
            f"no layer is seen, but the edge itself is as wide as one of {found.resolvable:.2g} nm; "
            f"state a minimum above that instead of {least:.3g} nm, or image the particle at a higher resolution"
        )
    limits = (Quantity(name, _UNSEEN, None, "1", relation="<", kind="measured") for name in _SHARES)
    nm = {"units": "nm"}
    place = image.coordinates(found.surface.position)
    return Result(
        method=f"search for a layer of more than {least:.3g} nm along {found.surface.length:.4g} nm of surface",
        quantities=tuple(limits),
        diagnostics={"surface_length": found.surface.length, "minimum": least, "resolvable": found.resolvable},
        notes=(
            f"No layer with a grey of its own is seen: less than {_UNSEEN:.0%} of the surface bears one thicker than "
            f"{least:.3g} nm that differs in grey from particle and surroundings.",
            _ONE,
            *image.notes,
        ),
        provenance=provenance,
        curves=_placed(
            xr.Dataset(coords={"arclength": ("arclength", found.surface.arclength, nm)}), image, {"interface": place}
        ),
    )


def _covered(found: ThicknessMap, least: float) -> Flags:
    return np.asarray(found.thickness - ONE_SIDED_95 * found.stderr > least)


def _covered_shares(found: ThicknessMap, least: float) -> Array:
    """Return the covered share of each block, NaN where not measured: 0 or 1, but for blocks across a rim.

    The mean profile of a block that is covered in part shows a thinner layer or one of less contrast.
    """
    covered, amount = _covered(found, least), found.thickness * found.contrast_scale
    shares = np.where(np.isfinite(amount), covered, np.nan)
    for place in np.flatnonzero(covered[1:] != covered[:-1]).tolist():
        inner, outer = (place, place + 1) if covered[place] else (place + 1, place)
        away = outer - inner
        beside = inner - away
        whole = amount[beside] if 0 <= beside < len(covered) and covered[beside] else found.typical
        beyond = amount[min(max(outer + away, 0), len(covered) - 1)]
        if min(amount[outer], beyond) < _SHARP * whole:
            shares[[inner, outer]] = np.clip(amount[[inner, outer]] / whole, 0.0, 1.0)
    return shares


def _coverage(
    image: Micrograph, found: ThicknessMap, shares: Array, least: float
) -> tuple[tuple[Quantity, Quantity], dict[str, dict[str, float]]]:
    """Return the covered share of surfaces alike and of that in view, and their budgets.

    Gaps are few and long; the interval is the normal one of the log-odds with Student's t.
    """
    measured = np.isfinite(shares)
    mean, length = float(shares[measured].mean()), found.block * np.count_nonzero(measured)
    covered = _covered(found, least)
    if covered[measured].all() or not covered.any():
        return _all_or_nothing(found, least, length), {}
    rims = np.count_nonzero(covered[1:] != covered[:-1])
    relative = image.relative_uncertainty
    shift = [np.nanmean(_covered_shares(found, least * (1 + sign * relative))) for sign in (-1, 1)]
    uncertain = math.hypot(_RIM * found.block * math.sqrt(rims), _ROUNDED * found.typical * rims * found.stands_out)
    field = {RIMS: uncertain / length, CALIBRATION: 0.5 * abs(float(shift[0] - shift[1]))}
    known = math.hypot(*field.values())
    series = correlated_mean(shares)
    sampling = max(series.stderr, math.sqrt(mean * (1 - mean) / np.count_nonzero(measured)))
    budget = {"coverage": {SAMPLING: sampling} | field, "coverage_field": field}
    return (
        _with_odds("coverage", mean, math.hypot(sampling, known), coverage_factor(series.dof)),
        _with_odds("coverage_field", mean, known, coverage_factor(math.inf)),
    ), budget


def _with_odds(name: str, share: float, stderr: float, factor: float) -> Quantity:
    odds, half = math.log(share / (1.0 - share)), factor * stderr / (share * (1.0 - share))
    low, high = (1.0 / (1.0 + math.exp(-np.clip(end, -500.0, 500.0))) for end in (odds - half, odds + half))
    return Quantity(name, share, stderr, "1", (low, high), kind="measured")


def _all_or_nothing(found: ThicknessMap, least: float, length: float) -> tuple[Quantity, Quantity]:
    """Return limits: in n stretches of which all are covered, a share p escapes with the probability p ** n."""
    bound = 0.05 ** (1.0 / _stretches(found))
    if _covered(found, least).any():
        gap = min(_smallest(found, least)[0].value / length, 1.0)
        return _limits(">", bound, 1.0 - gap)
    return _limits("<", 1.0 - bound, min(_smallest(found, least)[1].value / length, 1.0))


def _limits(relation: Relation, everywhere: float, here: float) -> tuple[Quantity, Quantity]:
    return (
        Quantity("coverage", everywhere, None, "1", relation=relation, kind="measured"),
        Quantity("coverage_field", here, None, "1", relation=relation, kind="measured"),
    )


def _stretches(found: ThicknessMap) -> float:
    """Return the number of independent stretches; without correlation each block is one of its own."""
    series = correlated_mean(found.thickness)
    return len(found.thickness) / max(2.0 * series.correlation_length, 1.0)


def _inside(found: ThicknessMap, shares: Array) -> Array:
    """Return the thickness of covered blocks whose neighbours are covered too, NaN elsewhere."""
    whole = shares == 1.0
    beside = np.convolve(whole, np.ones(3), mode="same") + np.array([1.0, *np.zeros(len(whole) - 2), 1.0])
    return np.where(beside > 2.5, found.thickness, np.nan)


def _thickness(
    image: Micrograph, found: ThicknessMap, shares: Array
) -> tuple[tuple[Quantity, ...], dict[str, dict[str, float]]]:
    """Return the mean thickness of the covered places with its budget, nothing where too few are covered."""
    series = _inside(found, shares)
    if np.isfinite(series).sum() < 4:
        return (), {}
    mean = correlated_mean(series)
    parts = {SAMPLING: mean.stderr, TRACING: _TRACING * image.step, CALIBRATION: mean.mean * image.relative_uncertainty}
    known = math.hypot(parts[TRACING], parts[CALIBRATION])
    stderr = math.hypot(mean.stderr, known)
    half = joint_factor(mean.stderr, mean.dof, known) * stderr
    interval = (mean.mean - half, mean.mean + half)
    quantity = Quantity("covered_thickness", mean.mean, stderr, "nm", interval, kind="measured")
    return (quantity,), {"covered_thickness": parts}


def _smallest(found: ThicknessMap, least: float) -> tuple[Quantity, Quantity]:
    """Return the lengths of a gap and of a patch that move one block across the minimum even if they lie on two."""
    margin = ONE_SIDED_95 * float(np.nanmedian(found.stderr[found.thickness > _SHARP * found.typical]))
    share = min((least + margin) / found.typical, 1.0)
    return (
        Quantity("smallest_gap", 2.0 * found.block * (1.0 - share), None, "nm", kind="derived"),
        Quantity("smallest_patch", 2.0 * found.block * share, None, "nm", kind="derived"),
    )


def _diagnostics(found: ThicknessMap, shares: Array, least: float) -> dict[str, float]:
    series = correlated_mean(found.thickness)
    return {
        "n_profiles": float(len(shares)),
        "unmeasured_fraction": float(np.isnan(shares).mean()),
        "covered_share": float(np.nanmean(shares)),
        "surface_length": float(found.block * np.count_nonzero(np.isfinite(shares))),
        "independent_stretches": _stretches(found),
        "correlation_length": series.correlation_length * found.block,
        "median_thickness": float(np.nanmedian(found.thickness)),
        "minimum": least,
        "detectable_thickness": found.detectable,
    }


def _notes(found: ThicknessMap, shares: Array, least: float) -> tuple[str, ...]:
    notes = [_ONE, _PROJECTION]
    if (stretches := _stretches(found)) < _FEWEST_STRETCHES:
        notes.append(
            f"The surface in view holds only {stretches:.1f} independent stretches; the interval is poorly known."
        )
    if least < found.detectable:
        notes.append(
            f"A layer of {least:.3g} nm is below what a block detects ({found.detectable:.2g} nm): "
            "thin places count as gaps."
        )
    if found.stands_out:
        notes.append(
            "The layer is brighter or darker than both its sides: patches shorter than it is thick look longer."
        )
    if (unmeasured := float(np.isnan(shares).mean())) > 0:
        notes.append(f"{unmeasured:.1%} of the surface could not be fitted and is left out.")
    return tuple(notes)


def _curves(image: Micrograph, found: ThicknessMap, least: float) -> xr.Dataset:
    """Return thickness and place of each block, and the profile from which the grey of the coating is known."""
    nm = {"units": "nm"}
    points, normals = (
        np.stack([np.interp(found.arclength, found.surface.arclength, part[:, axis]) for axis in (0, 1)], axis=1)
        for part in (found.surface.position, found.surface.normal)
    )
    edges = (found.first_edge, found.first_edge + found.thickness)
    curves = xr.Dataset(
        {
            "thickness": ("arclength", found.thickness, nm),
            "thickness_stderr": ("arclength", found.stderr, nm),
            "covered": ("arclength", _covered(found, least)),
            "profile": ("distance", found.profile),
            "profile_model": ("distance", double_erf(found.distance, found.contrast.parameters)[0]),
        },
        coords={"arclength": ("arclength", found.arclength, nm), "distance": ("distance", found.distance, nm)},
    )
    places = {"interface": points} | {
        f"edge{number}": points + edge[:, None] * normals for number, edge in enumerate(edges, 1)
    }
    return _placed(curves, image, {name: image.coordinates(place) for name, place in places.items()})


def _placed(curves: xr.Dataset, image: Micrograph, places: dict[str, Array]) -> xr.Dataset:
    """Return curves with places in the coordinates of the image and its corners."""
    nm = {"units": "nm"}
    for name, place in places.items():
        curves[f"{name}_y"], curves[f"{name}_x"] = ("arclength", place[:, 0], nm), ("arclength", place[:, 1], nm)
    curves["corner_y"], curves["corner_x"] = (("corner", ends, nm) for ends in image.corners.T)
    return curves
