r"""Concentrations along a line scan by the ratio method of Cliff and Lorimer.

.. math:: C_i = \frac{k_i I_i}{\sum_j k_j I_j}, \qquad
          \frac{\partial C_i}{\partial I_j} = \frac{k_j}{S}(\delta_{ij} - C_i), \qquad
          \frac{\partial C_i}{\partial k_j} = \frac{C_j}{k_j}(\delta_{ij} - C_i)

with the net intensities I and the sum S of all :math:`k_j I_j`. Concentrations add up to 1 over the elements measured.
Errors of counting differ from point to point; errors of k shift all points together and are kept apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ...quantity import Quantity
from .xray_lines import parse_line

Array = NDArray[np.float64]

_DETERMINED = 3.0  # standard uncertainties by which the sum of all intensities must exceed 0


def concentrations(
    profile: xr.Dataset,
    k_factors: Mapping[str, Quantity],
    *,
    fraction: Literal["mass", "atomic"] = "mass",
) -> xr.Dataset:
    """Return concentrations from net intensities.

    Parameters
    ----------
    profile : xarray.Dataset
        Technique "eds" with ``counts`` over distance and line; with ``counts_stderr`` where they are net counts,
        otherwise they are taken as raw counts with negligible background.
    k_factors : mapping of str to Quantity
        For each line its k-factor (unit "1") for mass fractions, all against one reference element, which itself has 1
        without uncertainty. Lines without one are left out.
    fraction : str
        ``"mass"``, or ``"atomic"``, for which each k-factor is divided by the atomic mass.

    Returns
    -------
    xarray.Dataset
        Over distance and line: ``concentration`` (1), ``concentration_stderr`` from counting alone, which is the
        scatter from point to point, and ``concentration_k_stderr`` from the k-factors, common to all points. NaN where
        all intensities together do not exceed their uncertainty threefold.

    Raises
    ------
    NotAnalysable
        If fewer than two lines have a k-factor or the profile holds no counts.
    ValueError
        If a k-factor is not above zero or a line to which one is given is not in the profile.
    UnitError
        If a k-factor bears a unit.

    Notes
    -----
    Absorption and fluorescence in the foil are not corrected; light elements in thick foils read low. The width of a
    profile of counts does not depend on k.

    References
    ----------
    .. [1] Cliff, Lorimer, J. Microsc. 103 (1975) 203, doi:10.1111/j.1365-2818.1975.tb03895.x.
    """
    names = [str(name) for name in profile["line"].to_numpy()] if "line" in profile.coords else []
    if profile.attrs.get("technique") != "eds" or set(profile["counts"].dims) != {"distance", "line"}:
        raise NotAnalysable("concentrations need an 'eds' Dataset with counts over distance and line")
    if profile["counts"].attrs.get("units") != "count":
        raise NotAnalysable("the profile holds no counts")
    if missing := sorted(set(k_factors) - set(names)):
        raise ValueError(f"found k-factors of {missing}; the profile holds {names}")
    chosen = [name for name in names if name in k_factors]
    if len(chosen) < 2:
        raise NotAnalysable(f"only {chosen} have k-factors; ratios need at least two lines")
    if fraction not in ("mass", "atomic"):
        raise ValueError(f"fraction is {fraction!r}; expected 'mass' or 'atomic'")
    factors = np.array([k_factors[name].to("1").value for name in chosen])
    relative = np.array([k_factors[name].relative for name in chosen])
    if not factors.min() > 0:
        raise ValueError("found a k-factor that is not above 0")
    if fraction == "atomic":
        factors = factors / np.array([_atomic_mass(name) for name in chosen])
    selected = profile.isel(line=[names.index(name) for name in chosen]).transpose("distance", "line")
    intensity = selected["counts"].to_numpy().astype(np.float64)
    if "counts_stderr" in selected:
        variance = selected["counts_stderr"].to_numpy().astype(np.float64) ** 2
    else:
        variance = np.maximum(intensity, 1.0)
    return _dataset(selected, *ratio_method(intensity, variance, factors, relative), fraction)


def ratio_method(intensity: Array, variance: Array, factors: Array, relative: Array) -> tuple[Array, Array, Array]:
    """Return concentrations with their standard uncertainties from counting and from k-factors.

    Parameters
    ----------
    intensity, variance : ndarray, shape (n, k)
        Net counts and their variances.
    factors, relative : ndarray, shape (k,)
        k-factors and their relative standard uncertainties.

    Returns
    -------
    tuple of ndarray, shape (n, k)
        NaN where undetermined.
    """
    total = intensity @ factors
    determined = total > _DETERMINED * np.sqrt(variance @ factors**2)
    total = np.where(determined, total, np.nan)
    share = intensity * factors / total[:, None]
    identity = np.eye(len(factors))
    coupling = identity[None] - share[:, :, None]  # (n, i, j): delta_ij - C_i
    by_counts = coupling * (factors / total[:, None])[:, None, :]
    by_factors = coupling * (share * relative)[:, None, :]
    of_counts = np.sqrt(np.einsum("nij,nj->ni", by_counts**2, variance))
    return share, of_counts, np.sqrt((by_factors**2).sum(axis=2))


def _atomic_mass(name: str) -> float:
    import xraydb

    line = parse_line(name)
    if line is None:
        raise NotAnalysable(f"{name!r} is no X-ray line; an atomic fraction needs its element")
    return float(xraydb.atomic_mass(line.element))


def _dataset(profile: xr.Dataset, share: Array, of_counts: Array, of_factors: Array, fraction: str) -> xr.Dataset:
    dims = ("distance", "line")
    name = f"{fraction} fraction"
    attrs = {"units": "1", "long_name": name, "ancillary_variables": "concentration_stderr"}
    counting = {"units": "1", "long_name": f"standard uncertainty of the {name} from counting"}
    common = {"units": "1", "long_name": f"standard uncertainty of the {name} from k-factors, common to all points"}
    return xr.Dataset(
        {
            "concentration": (dims, share, attrs),
            "concentration_stderr": (dims, of_counts, counting),
            "concentration_k_stderr": (dims, of_factors, common),
        },
        coords={"distance": profile["distance"], "line": profile["line"]},
    )
