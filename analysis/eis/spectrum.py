"""What a fit takes from an impedance Dataset: the usable points, and why others were left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..errors import NotAnalysable
from .circuit import Complexes, Floats

FEWEST_POINTS = 6
"""Below this number of frequencies no circuit of this package has degrees of freedom left."""


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
    """

    frequency: Floats
    impedance: Complexes
    n_masked: int = 0
    notes: tuple[str, ...] = ()

    @property
    def omega(self) -> Floats:
        """Angular frequency in s-1."""
        return 2.0 * np.pi * self.frequency


def usable(ds: xr.Dataset) -> Spectrum:
    """Return the usable points of a Dataset with one spectrum.

    Raises
    ------
    NotAnalysable
        If it is no impedance spectrum, holds several sweeps or fewer than `FEWEST_POINTS` usable points.
    """
    if "impedance" not in ds or "frequency" not in ds:
        raise NotAnalysable(f"the technique is {ds.attrs.get('technique')!r}; expected an impedance spectrum")
    if ds["impedance"].ndim != 1:
        raise NotAnalysable(f"the Dataset holds {ds.sizes['sweep']} sweeps; choose one with ds.isel(sweep=...)")
    frequency = np.asarray(ds["frequency"].values, dtype=float)
    impedance = np.asarray(ds["impedance"].values, dtype=complex)
    bad_frequency = ~(np.isfinite(frequency) & (frequency > 0))
    bad_impedance = ~(np.isfinite(impedance) & (impedance != 0)) & ~bad_frequency
    keep = ~(bad_frequency | bad_impedance)
    reasons = ((bad_frequency, "a frequency that is not above 0"), (bad_impedance, "an impedance that is missing or 0"))
    notes = tuple(f"{mask.sum()} points with {reason} are left out" for mask, reason in reasons if mask.any())
    if keep.sum() < FEWEST_POINTS:
        raise NotAnalysable(f"{keep.sum()} usable points are too few; expected at least {FEWEST_POINTS}")
    order = np.argsort(-frequency[keep], kind="stable")
    return Spectrum(frequency[keep][order], impedance[keep][order], int((~keep).sum()), notes)


def origin(ds: xr.Dataset) -> dict[str, str]:
    """Return where a Dataset comes from, for the provenance of a result."""
    known = ("source_file", "source_sha256", "format", "parser_version")
    return {key: str(ds.attrs[key]) for key in known if key in ds.attrs}
