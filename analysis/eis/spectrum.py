"""What a fit takes from an impedance Dataset: the usable points, and why others were left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from interlayer.parsers.schema import IMPEDANCE_FLAGS

from ..errors import NotAnalysable
from .circuits import Complexes, Floats

FEWEST_POINTS = 6
"""Below this number of frequencies no circuit of this package has degrees of freedom left."""

FLAG = "impedance_flag"
"""Name of the variable of the vocabulary that says why a point is to be left out."""

_MOST_NAMED = 8  # frequencies in a note


@dataclass(frozen=True)
class Spectrum:
    """Usable points of one spectrum, from the highest to the lowest frequency.

    Parameters
    ----------
    frequency : ndarray, shape (n,)
        In Hz, above zero.
    impedance : ndarray, shape (n,)
        In ohm, Z' + jZ''.
    n_masked : int
        Number of points left out.
    notes : tuple of str
        Why they were left out.
    stderr : ndarray, shape (n,), or None
        Stated standard uncertainty of real and of imaginary part in ohm.
    """

    frequency: Floats
    impedance: Complexes
    n_masked: int = 0
    notes: tuple[str, ...] = ()
    stderr: Floats | None = None

    @property
    def omega(self) -> Floats:
        """Angular frequency in s-1."""
        return 2.0 * np.pi * self.frequency


def usable(ds: xr.Dataset) -> Spectrum:
    """Return the usable points of a Dataset with one spectrum.

    Left out are points without a finite impedance or frequency, and points that bear a flag in ``impedance_flag``; the
    notes say which, how many and why. Nothing is deleted from the Dataset.

    Raises
    ------
    NotAnalysable
        If it is no impedance spectrum, holds several sweeps or fewer than `FEWEST_POINTS` usable points.
    """
    places, notes = usable_places(ds)
    n_masked = int(ds.sizes["frequency"] - places.size)
    if places.size < FEWEST_POINTS:
        why = f" ({'; '.join(notes)})" if notes else ""
        raise NotAnalysable(f"{places.size} usable points are too few{why}; expected at least {FEWEST_POINTS}")
    variables = ds.variables  # a DataArray of each costs more than all the rest of this function
    frequency = np.asarray(variables["frequency"].values, dtype=float)[places]
    impedance = np.asarray(variables["impedance"].values, dtype=complex)[places]
    stderr = variables["impedance_stderr"].values[places] if "impedance_stderr" in variables else None
    return Spectrum(frequency, impedance, n_masked, notes, stderr)


def usable_places(ds: xr.Dataset) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return where in the Dataset the usable points are, from the highest frequency, and why others were left out.

    Raises
    ------
    NotAnalysable
        If it is no impedance spectrum or holds several sweeps.
    """
    if "impedance" not in ds or "frequency" not in ds:
        raise NotAnalysable(f"the technique is {ds.attrs.get('technique')!r}; expected an impedance spectrum")
    if ds.variables["impedance"].ndim != 1:
        raise NotAnalysable(f"the Dataset holds {ds.sizes['sweep']} sweeps; choose one with ds.isel(sweep=...)")
    frequency = np.asarray(ds.variables["frequency"].values, dtype=float)
    impedance = np.asarray(ds.variables["impedance"].values, dtype=complex)
    bad_frequency = ~(np.isfinite(frequency) & (frequency > 0))
    bad_impedance = ~(np.isfinite(impedance) & (impedance != 0)) & ~bad_frequency
    reasons = ((bad_frequency, "a frequency that is not above 0"), (bad_impedance, "an impedance that is missing or 0"))
    notes = [f"{mask.sum()} points with {reason} are left out" for mask, reason in reasons if mask.any()]
    whole = ~(bad_frequency | bad_impedance)
    flagged = whole & (flags_of(ds) != 0)
    notes += _flag_notes(ds, frequency, whole)
    keep = np.flatnonzero(whole & ~flagged)
    return keep[np.argsort(-frequency[keep], kind="stable")], tuple(notes)


def flags_of(ds: xr.Dataset) -> NDArray[np.uint8]:
    """Return the bits of ``impedance_flag`` in the shape of the impedance, 0 without it.

    Sweeps that were joined with others that bear no flags have none either.
    """
    if FLAG not in ds:
        return np.zeros(ds.variables["impedance"].shape, dtype=np.uint8)
    values = ds.variables[FLAG].transpose(*ds.variables["impedance"].dims).values
    return np.asarray(np.nan_to_num(values, nan=0), dtype=np.uint8)


def _flag_notes(ds: xr.Dataset, frequency: Floats, whole: NDArray[np.bool_]) -> list[str]:
    """Return one sentence for each flag that points bear which could be used otherwise."""
    notes: list[str] = []
    if FLAG not in ds.variables:
        return notes
    flags = flags_of(ds)
    for bit, meaning in enumerate(IMPEDANCE_FLAGS):
        found = frequency[whole & ((flags >> bit) & 1 == 1)]
        if not found.size:
            continue
        named = ", ".join(f"{f:.4g}" for f in found[:_MOST_NAMED])
        more = f" and {found.size - _MOST_NAMED} more" if found.size > _MOST_NAMED else ""
        reason = str(ds[FLAG].attrs.get("comment", "")) if meaning == "user" else ""
        points = "1 point is" if found.size == 1 else f"{found.size} points are"
        notes.append(f"{points} flagged {meaning}{f' ({reason})' if reason else ''} and left out: {named} Hz{more}")
    return notes


def origin(ds: xr.Dataset) -> dict[str, str]:
    """Return where a Dataset comes from, for the provenance of a result."""
    known = ("source_file", "source_sha256", "format", "parser_version")
    return {key: str(ds.attrs[key]) for key in known if key in ds.attrs}
