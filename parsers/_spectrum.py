"""From columns of an impedance table to one Dataset for each sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._assemble import part_of
from ._source import Measurement, Source
from ._spectrum_checks import suspicions
from .errors import CorruptFile, TruncatedFile
from .findings import Finding

Floats = NDArray[np.float64]

_SEVERAL = "The frequency jumps back to its start: the rows are {} sweeps."


def spectra(
    columns: Mapping[str, NDArray[Any]], facts: Mapping[str, Any], source: Source, *, group: str = "eis"
) -> Iterator[Measurement]:
    """Yield one measurement for each sweep of a table, with what its own numbers say against it.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray
        ``frequency`` in Hz, complex ``impedance`` in ohm and coordinates of the vocabulary, each of shape (rows,).
    facts : mapping of str to Any
        Attributes of every Dataset; names of the vocabulary among them become scalar variables.
    source : Source
        Takes the findings about rows that were left out.
    group : str
        Name of the group, with a number where there are several sweeps.

    Raises
    ------
    TruncatedFile
        If no row holds a point of a spectrum.
    CorruptFile
        If a frequency is negative.
    """
    frequency, impedance = columns["frequency"], columns["impedance"]
    if np.any(frequency < 0):
        raise CorruptFile(
            f"{np.count_nonzero(frequency < 0)} frequencies are negative",
            expected="frequencies above 0 Hz",
            remedy="check which column is the frequency",
        )
    swept = frequency > 0
    whole = swept & np.isfinite(impedance) & np.isfinite(frequency)
    if not whole.any():
        raise TruncatedFile(
            f"none of the {len(frequency)} rows has a frequency above 0 Hz and an impedance",
            expected="at least one point of a spectrum",
        )
    _note_left_out(frequency, swept, whole, source)
    index = np.flatnonzero(whole)
    values = {name: values[index] for name, values in columns.items()}
    scalars = {name: value for name, value in facts.items() if name in schema.TECHNIQUES["eis"]}
    attrs = {name: value for name, value in facts.items() if name not in scalars}
    parts = sweeps(frequency[index])
    suspected = suspicions(frequency[index], impedance[index], parts)
    for number, dataset in enumerate(cut(schema.build("eis", values | scalars, **attrs), parts)):
        several = [Finding("several-sweeps", "info", _SEVERAL.format(len(parts)))] if len(parts) > 1 else []
        yield Measurement(f"{group}_{number}" if several else group, dataset, several + suspected[number])


def cut(dataset: xr.Dataset, parts: Sequence[slice]) -> Iterator[xr.Dataset]:
    """Yield parts of a Dataset along the frequency; building each one by itself takes longer."""
    for part in parts:
        yield part_of(dataset, "frequency", part) if len(parts) > 1 else dataset


def _note_left_out(frequency: Floats, swept: NDArray[np.bool_], whole: NDArray[np.bool_], source: Source) -> None:
    still = int(np.count_nonzero(frequency == 0))
    if still:
        message = f"{still} of {frequency.size} rows have the frequency 0: no point of a spectrum; they were left out."
        source.note("zero-frequency-rows", "info", message)
    holes = int(np.count_nonzero(~whole)) - still
    if holes:
        message = f"{holes} of {frequency.size} rows lack the frequency or the impedance; they were left out."
        source.note("incomplete-rows", "warning", message)


def sweeps(frequency: Floats) -> list[slice]:
    """Return the parts of a frequency column, split where it jumps back over more than half of its range.

    Examples
    --------
    >>> sweeps(np.array([1e3, 1e2, 1e1, 1e3, 1e2, 1e1]))
    [slice(0, 3, None), slice(3, 6, None)]
    >>> sweeps(np.array([1e3, 1e2, 1.1e2, 1e1]))
    [slice(0, 4, None)]
    """
    plain = np.diff(frequency)
    if np.all(plain < 0) or np.all(plain > 0):
        return [slice(0, len(frequency))]
    steps = np.diff(np.log(frequency))
    direction = np.sign(np.median(steps)) if len(steps) else 0.0
    jumps = np.flatnonzero(steps * direction < -0.5 * np.ptp(np.log(frequency))) + 1
    borders = [0, *map(int, jumps), len(frequency)]
    return [slice(start, stop) for start, stop in pairwise(borders)]
