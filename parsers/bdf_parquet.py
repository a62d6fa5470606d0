"""Battery Data Format as Apache Parquet: the columns of a record with their types, and facts of the test beside them.

A column of numbers, dates or words becomes a column of a table, which is read and checked like one of text under the
same names. Metadata of the file are kept. Sizes are checked before a column is unpacked.

Source: Apache Parquet by way of pyarrow; names of columns in `interlayer.parsers._columns_bdf`.
Checked on files written by pyarrow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from . import _bdf_metadata
from ._columns import split_unit
from ._columns_bdf import OURS
from ._dialect import Dialect
from ._source import Measurement, Source
from ._table import Table
from .delimited_cycling import table_measurements
from .errors import CorruptFile, LimitExceeded, MissingDependency, TruncatedFile

if TYPE_CHECKING:
    import pandas as pd

_OF_PROGRAMS = ("ARROW:schema", "pandas", OURS)
"""Keys of metadata that describe the table to a program."""


def read(source: Source) -> Iterator[Measurement]:
    """Yield the record, and a measurement for each spectrum whose points lie among its rows.

    Raises
    ------
    MissingDependency
        If pyarrow is not installed.
    CorruptFile
        If the file is damaged.
    TruncatedFile
        If it holds no row.
    LimitExceeded
        If its columns unpack beyond the limits.
    UnsupportedContent
        If time or voltage are missing, or the current has no sign.
    """
    content, metadata = _content(source)
    names = [str(name) for name in content.columns]
    content = content.set_axis(range(len(names)), axis=1)
    pairs = [split_unit(name) for name in names]
    table = Table(tuple(name for name, _ in pairs), tuple(unit for _, unit in pairs), content, 1, Dialect(","))
    facts = _facts(metadata, source)
    kept = {key: value for key, value in metadata.items() if key not in _OF_PROGRAMS}
    for measurement in table_measurements(table, source, json.dumps(kept, ensure_ascii=False)):
        measurement.dataset.attrs.update(facts)
        yield measurement


def _content(source: Source) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the columns that are numbers, dates or words, and the metadata of the file as text."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependency(
            "pyarrow is not installed", expected="it to read Parquet", remedy="pip install 'interlayer[parquet]'"
        ) from error
    try:
        file = pq.ParquetFile(BytesIO(source.data))
        _check_size(file.metadata, source)
        schema = file.schema_arrow
        flat = [field.name for field in schema if not pa.types.is_nested(field.type)]
        if nested := [field.name for field in schema if pa.types.is_nested(field.type)]:
            source.note("unmapped-columns", "info", f"Columns that were left out: {', '.join(nested)}.")
        frame = file.read(columns=flat).to_pandas(ignore_metadata=True, strings_to_categorical=False)
        pairs = (schema.metadata or {}).items()
    except LimitExceeded:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptFile(f"the file cannot be read: {error}", remedy="copy it again, or write it again") from error
    if frame.empty:
        raise TruncatedFile("the file holds no row", expected="a record")
    return frame.apply(_plain), {
        key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in pairs
    }


def _check_size(metadata: Any, source: Source) -> None:
    """Raise `LimitExceeded` for a file that promises more than the limits allow."""
    limits = source.limits
    if metadata.num_columns > limits.columns:
        raise LimitExceeded(f"{metadata.num_columns} columns", expected=f"at most {limits.columns} (Limits.columns)")
    unpacked = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    largest = max(unpacked, 8 * metadata.num_rows * metadata.num_columns)
    if largest > limits.expanded:
        raise LimitExceeded(f"it unpacks to {largest} bytes", expected=f"at most {limits.expanded} (Limits.expanded)")


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as a table of text would hold it: numbers, or words with dates in ISO 8601."""
    if column.dtype.kind in "fiu":
        return column
    if column.dtype.kind == "b":
        return column.astype(int)
    if column.dtype.kind == "M":
        return column.map(lambda moment: moment.isoformat(), na_action="ignore").astype(object)
    return column.astype(object).where(column.notna(), None)


def _facts(metadata: dict[str, str], source: Source) -> dict[str, str | int | float]:
    try:
        inside = _bdf_metadata.facts({OURS: json.loads(metadata[OURS])}) if OURS in metadata else {}
    except (ValueError, RecursionError) as error:
        source.note("unread-metadata", "warning", f"The metadata of the file were left out: {error}")
        inside = {}
    return _bdf_metadata.beside(source) | inside
