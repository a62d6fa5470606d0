"""Raw counts over distance from a Dataset, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from .likelihood import Counts

_LEAST_POINTS = 10


def line_scan(profile: xr.Dataset, lines: Sequence[str] | None) -> tuple[Counts, list[str]]:
    """Return counts and names of some lines, sorted along the scan.

    Raises
    ------
    NotAnalysable
        If the scan is not calibrated, holds no raw counts, too few points or not the lines asked for.
    """
    if profile.attrs.get("technique") != "eds" or set(profile["counts"].dims) != {"distance", "line"}:
        raise NotAnalysable("an interdiffusion width needs an 'eds' Dataset with counts over distance and line")
    if profile["distance"].attrs.get("units") != "nm":
        raise NotAnalysable(f"the distance is in {profile['distance'].attrs.get('units')!r}, not calibrated in nm")
    if profile["counts"].attrs.get("units") != "count" or "counts_stderr" in profile:
        raise NotAnalysable("the profile holds no raw counts; fractions and net intensities have lost their statistics")
    names = [str(name) for name in profile["line"].to_numpy()]
    chosen = names if lines is None else list(lines)
    if missing := sorted(set(chosen) - set(names)):
        raise NotAnalysable(f"the lines {missing} are not in the profile; it holds {names}")
    ordered = profile.isel(line=[names.index(name) for name in chosen]).sortby("distance")
    distance = ordered["distance"].to_numpy().astype(np.float64)
    counts = ordered["counts"].transpose("distance", "line").to_numpy().astype(np.float64)
    counts = np.where(np.isfinite(counts), counts, np.nan)
    present = np.isfinite(counts).any(axis=1)
    distance, counts = distance[present], counts[present]
    if len(distance) < _LEAST_POINTS or not chosen or np.any(np.diff(distance) <= 0):
        raise NotAnalysable(
            f"found {len(distance)} points; at least {_LEAST_POINTS} at different distances and one line are needed"
        )
    if np.nanmin(counts) < 0:
        raise NotAnalysable("some counts are negative; give raw counts without background subtraction")
    return Counts(distance, counts), chosen
