"""Flags of impedance points: which are to be left out of fits, and why. No point is ever deleted.

``impedance_flag`` is a bit field in the shape of the impedance, a flag variable of the CF conventions: the attributes
``flag_masks`` and ``flag_meanings`` say what each bit means, and the impedance names it in ``ancillary_variables``. The
meanings are those of `interlayer.parsers.schema.IMPEDANCE_FLAGS`:

==============  ========================================================================================
mains           stands out at the frequency of the mains or its second or third harmonic
outlier         stands out alone
range_switch    beside a step of the impedance, as at a change of the current range
inductive       positive imaginary part, where the leads say more than the sample; set by `mask_points` only
user            any other reason, told in the attribute ``comment``
==============  ========================================================================================

Every fit of this package leaves flagged points out and says so in its notes. To use them again, drop the variable with
``ds.drop_vars("impedance_flag")``.

References
----------
.. [1] CF Metadata Conventions 1.11, sections 3.4 and 3.5. https://cfconventions.org
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from interlayer.parsers.schema import IMPEDANCE_FLAGS

from ...errors import NotAnalysable
from ..spectrum import FLAG, Spectrum, flags_of, usable_places
from .screening import Screened, mains_harmonic, screened

_MASKS = {meaning: np.uint8(1 << bit) for bit, meaning in enumerate(IMPEDANCE_FLAGS)}


def flag_points(ds: xr.Dataset) -> xr.Dataset:
    """Flag what the linear Kramers-Kronig test finds disturbed: the mains, isolated outliers, steps of the range.

    A step has no bad point but two sides that do not belong together. The points on either side of it are flagged; the
    test says how large it is, see `linear_kramers_kronig`.

    Parameters
    ----------
    ds : xarray.Dataset
        Impedance of the vocabulary, one spectrum or several over ``sweep``. Points that bear a flag already keep it
        and take no part in the test.

    Returns
    -------
    xarray.Dataset
        The same data with ``impedance_flag``. A spectrum that cannot be tested, with fewer than four points a decade,
        gets no flag.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no impedance.

    Examples
    --------
    >>> from interlayer.parsers import schema
    >>> frequency = np.logspace(5, 0, 51)
    >>> impedance = 10 + 100 / (1 + 2j * np.pi * frequency * 1e-3)
    >>> random = np.random.default_rng(1)
    >>> impedance = impedance * (1 + 0.002 * (random.normal(size=51) + 1j * random.normal(size=51)))
    >>> impedance[33] *= 1.04  # at 50 Hz
    >>> ds = flag_points(schema.build("eis", {"frequency": frequency, "impedance": impedance}))
    >>> int(ds["impedance_flag"][33]), int((ds["impedance_flag"] != 0).sum())
    (1, 1)
    """
    if "impedance" not in ds:
        raise NotAnalysable(f"the technique is {ds.attrs.get('technique')!r}; expected an impedance spectrum")
    flags = flags_of(ds)
    if ds["impedance"].ndim == 1:
        flags |= _found(ds)
    else:
        for number in range(ds.sizes["sweep"]):
            here = {"sweep": number}
            place = tuple(here.get(str(dim), slice(None)) for dim in ds["impedance"].dims)
            flags[place] |= _found(ds.isel(here))
    return _flagged(ds, flags)


def mask_points(ds: xr.Dataset, where: ArrayLike | xr.DataArray | tuple[float, float], reason: str) -> xr.Dataset:
    """Flag points by hand.

    Parameters
    ----------
    ds : xarray.Dataset
        Impedance of the vocabulary, one spectrum or several over ``sweep``.
    where : array of bool, or (low, high)
        Which points: booleans over ``frequency`` or in the shape of the impedance, or a range of frequencies in Hz
        whose ends belong to it.
    reason : str
        A word of `interlayer.parsers.schema.IMPEDANCE_FLAGS`, or a reason in your own words, which is flagged ``user``
        and kept in the attribute ``comment``.

    Returns
    -------
    xarray.Dataset
        The same data with ``impedance_flag``; flags that were there stay.

    Raises
    ------
    NotAnalysable
        If the Dataset holds no impedance.
    ValueError
        If `where` has another shape, is no array of booleans, or no frequency lies in the range; if `reason` is empty.

    Examples
    --------
    >>> from interlayer.parsers import schema
    >>> ds = schema.build("eis", {"frequency": [100.0, 10.0, 1.0], "impedance": [1 + 1j, 2 - 3j, 4 - 9j]})
    >>> ds = mask_points(ds, ds["impedance"].imag > 0, "inductive")
    >>> ds = mask_points(ds, (0.0, 1.0), "the cell was touched")
    >>> ds["impedance_flag"].values.tolist(), ds["impedance_flag"].attrs["comment"]
    ([8, 0, 16], 'the cell was touched')
    """
    if "impedance" not in ds:
        raise NotAnalysable(f"the technique is {ds.attrs.get('technique')!r}; expected an impedance spectrum")
    reason = reason.strip()
    if not reason:
        raise ValueError("the reason is empty; say why the points are to be left out")
    flags = flags_of(ds)
    flags[_chosen(ds, where)] |= _MASKS.get(reason, _MASKS["user"])
    flagged = _flagged(ds, flags)
    if reason not in _MASKS:
        told = [text for text in str(flagged[FLAG].attrs.get("comment", "")).split("; ") if text]
        flagged[FLAG].attrs["comment"] = "; ".join(dict.fromkeys([*told, reason]))
    return flagged


def _chosen(ds: xr.Dataset, where: ArrayLike | xr.DataArray | tuple[float, float]) -> NDArray[np.bool_]:
    """Return booleans in the shape of the impedance."""
    impedance = ds["impedance"]
    if isinstance(where, xr.DataArray):
        chosen = np.asarray(where.broadcast_like(impedance).transpose(*impedance.dims).values)
    else:
        chosen = np.asarray(where)
    if isinstance(where, tuple) and chosen.shape == (2,) and chosen.dtype.kind in "iuf":
        low, high = float(chosen[0]), float(chosen[1])
        frequency = ds["frequency"]
        inside = (frequency >= low) & (frequency <= high)
        if not inside.any():
            raise ValueError(
                f"no frequency lies from {low:g} to {high:g} Hz; the spectrum reaches from "
                f"{float(frequency.min()):g} to {float(frequency.max()):g} Hz"
            )
        return _chosen(ds, inside)
    if chosen.dtype.kind != "b":
        raise ValueError(f"where holds {chosen.dtype}; expected booleans or a tuple (low, high) in Hz")
    if chosen.shape == (ds.sizes["frequency"],):
        return _chosen(ds, xr.DataArray(chosen, dims="frequency")) if impedance.ndim > 1 else chosen
    if chosen.shape != impedance.shape:
        raise ValueError(f"where has the shape {chosen.shape}; expected {impedance.shape} as the impedance")
    return chosen


def _found(ds: xr.Dataset) -> NDArray[np.uint8]:
    """Return the flags, shape (n,), that the test finds in one spectrum."""
    flags = np.zeros(ds.sizes["frequency"], dtype=np.uint8)
    places, _ = usable_places(ds)
    spectrum = Spectrum(
        np.asarray(ds["frequency"].values, dtype=float)[places],
        np.asarray(ds["impedance"].values, dtype=complex)[places],
    )
    try:
        flags[places] = flags_found(screened(spectrum))
    except NotAnalysable:
        return flags
    return flags


def flags_found(tested: Screened) -> NDArray[np.uint8]:
    """Return the flags of the points of a screened spectrum, shape (n,)."""
    flags = np.zeros(tested.suspect.size, dtype=np.uint8)
    for place in np.flatnonzero(tested.suspect):
        at_mains = mains_harmonic(float(tested.spectrum.frequency[place])) is not None
        flags[place] |= _MASKS["mains" if at_mains else "outlier"]
    for step in tested.steps:
        flags[step.place - 1 : step.place + 1] |= _MASKS["range_switch"]
    return flags


def _flagged(ds: xr.Dataset, flags: NDArray[np.uint8]) -> xr.Dataset:
    """Return the Dataset with the flags, named by the impedance as CF asks."""
    known = str(ds[FLAG].attrs.get("comment", "")) if FLAG in ds else ""
    attrs = {
        "units": "1",
        "long_name": "reasons to leave points out",
        "flag_masks": np.array(list(_MASKS.values()), dtype=np.uint8),
        "flag_meanings": " ".join(_MASKS),
    } | ({"comment": known} if known else {})
    flagged = ds.assign({FLAG: (ds["impedance"].dims, flags, attrs)})
    linked = str(ds["impedance"].attrs.get("ancillary_variables", "")).split()
    flagged["impedance"] = ds["impedance"].assign_attrs(ancillary_variables=" ".join(dict.fromkeys([*linked, FLAG])))
    return flagged
