"""What both sides of an interface are made of: concentrations along a line scan and their means at its ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import xarray as xr

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from .interdiffusion.cliff_lorimer import concentrations

_END = 0.1  # share of the points that make up an end of the scan
_FEWEST = 20  # points, below which a tenth of them is no side of an interface


def line_scan_composition(
    profile: xr.Dataset,
    k_factors: Mapping[str, Quantity],
    *,
    fraction: Literal["mass", "atomic"] = "mass",
) -> Result:
    """Concentrations along a line scan, and the composition at its beginning and at its end.

    Parameters
    ----------
    profile, k_factors, fraction
        As for `concentrations`.

    Returns
    -------
    Result
        ``mass_fraction_<line>_begin`` and ``_end``, or ``atomic_fraction_...``, for every line with a k-factor: from
        the counts of the first and of the last tenth of the points together, which is less biased than a mean of
        ratios where counts are few. Uncertainties from counting and from the k-factors. An end where nothing is
        counted has none. `curves` holds what `concentrations` returns.

    Raises
    ------
    NotAnalysable
        As `concentrations`, or if the scan has fewer than 20 points.
    ValueError, UnitError
        As `concentrations`.

    Examples
    --------
    >>> from interlayer.parsers.schema import build
    >>> counts = xr.Variable(("distance", "line"), np.full((40, 2), [300.0, 100.0]), {"units": "count"})
    >>> axis = xr.Variable("distance", np.arange(40.0), {"units": "nm"})
    >>> scan = build("eds", {"distance": axis, "line": ["Co_K", "S_K"], "counts": counts})
    >>> factors = {"Co_K": Quantity("k", 1.5, 0.05, "1"), "S_K": Quantity("k", 1.0, None, "1")}
    >>> print(line_scan_composition(scan, factors)["mass_fraction_Co_K_begin"])
    mass_fraction_Co_K_begin = 0.8182 ± 0.0099
    """
    along = concentrations(profile, k_factors, fraction=fraction)
    points = profile.sizes["distance"]
    if points < _FEWEST:
        raise NotAnalysable(f"the scan has {points} points; the composition of its ends needs at least {_FEWEST}")
    n = math.ceil(_END * points)
    found = concentrations(_ends(profile, n), k_factors, fraction=fraction)
    quantities, budget = [], {}
    for line in found["line"].to_numpy():
        for place, end in enumerate(("begin", "end")):
            value, counting, factors = (float(found[name].sel(line=line)[place]) for name in found.data_vars)
            if not math.isfinite(value):
                continue
            name = f"{fraction}_fraction_{line}_{end}"
            quantities.append(Quantity(name, value, math.hypot(counting, factors), "1", kind="measured"))
            budget[name] = {"counting": counting, "k-factors": factors}
    return Result(
        method=f"ratios of counts after Cliff and Lorimer; begin and end are {n} of {points} points each",
        quantities=tuple(quantities),
        diagnostics={"points_of_an_end": float(n)},
        budget=budget,
        notes=_notes(profile, k_factors),
        provenance={f"k {name}": str(k) for name, k in k_factors.items()}
        | {key: str(profile.attrs[key]) for key in ("source_file", "source_sha256") if key in profile.attrs},
        curves=along,
    )


def _ends(profile: xr.Dataset, n: int) -> xr.Dataset:
    """Return the counts of the first and of the last n points as two points; a missing count leaves its sum missing."""
    ordered = profile.transpose("distance", "line")
    parts = (slice(0, n), slice(-n, None))
    summed = xr.Dataset(attrs=profile.attrs)
    counts = ordered["counts"].to_numpy()
    values = np.stack([counts[part].sum(axis=0) for part in parts])
    summed["counts"] = (("distance", "line"), values, profile["counts"].attrs)
    if "counts_stderr" in ordered:
        variance = ordered["counts_stderr"].to_numpy() ** 2
        summed["counts_stderr"] = ("distance", "line"), np.sqrt([variance[part].sum(axis=0) for part in parts])
    return summed.assign_coords(line=profile["line"], distance=("distance", [0.0, 1.0]))


def _notes(profile: xr.Dataset, k_factors: Mapping[str, Quantity]) -> tuple[str, ...]:
    notes = ["Absorption and fluorescence are not corrected; elements without a k-factor count as absent."]
    if "counts_stderr" not in profile:
        notes.append("The counts bear no uncertainty and were taken as raw: their background reads as concentration.")
    if all(factor.stderr is None for factor in k_factors.values()):
        notes.append("The k-factors were given without uncertainty; measured ones are known to 1-5 %.")
    return tuple(notes)
