"""Battery Data Format out: a cycling record as a table that other battery software reads.

The format and its columns are in `interlayer.parsers._columns_bdf`. What it has no column for, and values that break
the rule of their column, stay out and are named with the reason in the metadata; nothing is renumbered or invented.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interlayer.parsers import MissingDependency, schema
from interlayer.parsers._columns_bdf import METADATA, OURS, REQUIRED, STEP_TYPES, TERMS, Term
from interlayer.parsers.version import PARSER_VERSION

from .files import replacing, write_json

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

SUFFIXES = (".bdf.csv", ".bdf.parquet")
"""How the names of files in this format end."""

_NOT_TOLD = frozenset({"technique", "findings", "original_metadata"})
_RULES = {
    "count": "its numbers are not whole, or fall",
    "sequence": "its numbers are not whole, fall, or rise by more than one",
    "test": "it starts anew during the test",
    "cycle": "it falls elsewhere than between cycles",
    "step": "it falls elsewhere than between steps",
}


def to_bdf(ds: xr.Dataset) -> pd.DataFrame:
    """Return a cycling record as a table of Battery Data Format.

    Parameters
    ----------
    ds : xarray.Dataset
        Cycling record with test time (s), voltage (V) and current (A, positive on charge).

    Returns
    -------
    pandas.DataFrame
        One row a record, columns under their machine-readable names. ``attrs["interlayer"]`` holds the metadata:
        which variable each column is, what was left out and why, what a Unix time is by where no time zone is known,
        and the attributes of the Dataset, ``simulated`` among them.

    Raises
    ------
    ValueError
        If it is no cycling record or lacks one of the required columns.

    References
    ----------
    Battery Data Alliance, Battery Data Format Ontology 1.2,
    https://w3id.org/battery-data-alliance/ontology/battery-data-format

    Examples
    --------
    >>> from interlayer.parsers import schema
    >>> ds = schema.build("cycling", {"test_time": [0.0, 1.0], "voltage": [3.0, 3.1], "current": [1e-3, 1e-3]})
    >>> list(to_bdf(ds).columns)
    ['test_time_second', 'voltage_volt', 'current_ampere']
    """
    import pandas as pd

    if ds.attrs.get("technique") != "cycling":
        raise ValueError(f"Battery Data Format holds cycling records; this is {ds.attrs.get('technique')!r}")
    if missing := [name for name in REQUIRED if name not in ds.variables]:
        raise ValueError(f"Battery Data Format requires {missing}, which the record lacks")
    columns: dict[str, NDArray[Any]] = {}
    origin: dict[str, str] = {}
    left_out = {
        str(name): "the format has no column for it"
        for name in ds.variables
        if name not in ds.dims and name not in {term.variable for term in TERMS}
    }
    for variable in dict.fromkeys(term.variable for term in TERMS if term.variable in ds.variables):
        terms = [term for term in TERMS if term.variable == variable]
        term = next((term for term in terms if _keeps(term.rule, ds[variable].values, ds)), None)
        if term is None:
            left_out[variable] = _RULES[terms[-1].rule]
            continue
        columns[term.notation] = _column(term, ds)
        origin[term.notation] = variable
    frame = pd.DataFrame({term.notation: columns[term.notation] for term in TERMS if term.notation in columns})
    frame.attrs[OURS] = {
        "version": PARSER_VERSION,
        "columns": origin,
        "left_out": left_out,
        "comments": {name: text for name, of in origin.items() if (text := ds[of].attrs.get("comment"))},
        "attributes": {str(key): _plain(value) for key, value in ds.attrs.items() if key not in _NOT_TOLD},
    }
    return frame


def write_bdf(ds: xr.Dataset, path: Path) -> Path:
    """Write a cycling record as ``x.bdf.csv`` or ``x.bdf.parquet`` with ``x.bdf.metadata.json`` beside it.

    Parameters
    ----------
    ds : xarray.Dataset
        As for `to_bdf`.
    path : Path
        Its name ends with one of `SUFFIXES`. The file and its metadata are replaced whole or not at all.

    Returns
    -------
    Path
        The file with the metadata.

    Raises
    ------
    ValueError
        As `to_bdf`, or for another ending.
    MissingDependency
        If pyarrow, which writes Parquet, is not installed.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise ValueError(f"the name {path.name!r} does not end with one of {SUFFIXES}")
    frame = to_bdf(ds)
    metadata = frame.attrs[OURS]
    with replacing(path) as temporary:
        if path.suffix.lower() == ".parquet":
            _write_parquet(frame, metadata, temporary)
        else:
            frame.to_csv(temporary, index=False, lineterminator="\n")
    beside = path.with_name(path.stem + METADATA)
    write_json(beside, _document(metadata, path.name))
    return beside


def _write_parquet(frame: pd.DataFrame, metadata: Mapping[str, Any], path: Path) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependency(
            "pyarrow is not installed", expected="it to write Parquet", remedy="pip install 'interlayer[parquet]'"
        ) from error
    table = pa.Table.from_pandas(frame.copy(deep=False), preserve_index=False)
    text = json.dumps(metadata, ensure_ascii=False)
    pq.write_table(table.replace_schema_metadata({OURS: text}), path, compression="zstd")


def _document(metadata: Mapping[str, Any], name: str) -> dict[str, Any]:
    attributes = metadata["attributes"]
    simulated = bool(attributes.get("simulated"))
    nature = "SIMULATED: computed, not measured." if simulated else "Measured."
    dataset = {
        "name": f"{'SIMULATED ' if simulated else ''}{attributes.get('sample', name)}",
        "description": f"{nature} Written by interlayer from {attributes.get('source_file', 'a record in memory')}.",
    }
    return {"battinfo_dataset": {"dataset": dataset}, "extras": {OURS: metadata}}


def _plain(value: Any) -> Any:
    """Return an attribute as JSON has it."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return value if isinstance(value, str | int | list) or np.isfinite(value) else None


def _keeps(rule: str, values: NDArray[Any], ds: xr.Dataset) -> bool:
    """Whether values keep the rule of a column."""
    if rule == "" or values.dtype.kind not in "fiu":
        return rule == ""
    valid = np.isfinite(values)
    numbers = values[valid]
    rises = np.diff(numbers)
    if rule in ("count", "sequence"):
        whole = bool(valid.all()) and bool(np.all(numbers == np.rint(numbers))) and bool(np.all(numbers >= 0))
        return whole and bool(np.all(rises >= 0)) and (rule == "count" or bool(np.all(rises <= 1)))
    if rule == "test":
        return bool(np.all(rises >= 0))
    number = ds.get(f"vendor_{rule}")
    return number is not None and bool(np.all(np.diff(number.values[valid])[rises < 0] != 0))


def _column(term: Term, ds: xr.Dataset) -> NDArray[Any]:
    values = ds[term.variable].values
    if term.variable == "time":
        seconds = (values - np.datetime64(0, "s")) / np.timedelta64(1, "s")
        return np.asarray(seconds, dtype=float)
    if term.variable == "step_type":
        words = np.array([STEP_TYPES[name] for name in schema.STEP_TYPES], dtype=object)
        return np.asarray(words[values])
    if term.rule in ("count", "sequence"):
        return values.astype(np.int64)
    return np.asarray(values)
