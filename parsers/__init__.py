"""Parsers: the bytes of an instrument file become an `xarray.Dataset` in one vocabulary.

>>> import interlayer as il                          # doctest: +SKIP
>>> ds = il.read("PEIS_film.mpr")                    # doctest: +SKIP
"""

from __future__ import annotations

from ._registry import Format, Head, Magic, formats
from ._source import Measurement, Source
from .errors import (
    AmbiguousContent,
    CorruptFile,
    LimitExceeded,
    MissingDependency,
    ParseError,
    SchemaError,
    SeveralMeasurements,
    TruncatedFile,
    UnknownFormat,
    UnsupportedContent,
)
from .findings import Finding, findings
from .limits import Limits
from .reading import identify, measurements, read, read_tree

__all__ = [
    "AmbiguousContent",
    "CorruptFile",
    "Finding",
    "Format",
    "Head",
    "LimitExceeded",
    "Limits",
    "Magic",
    "Measurement",
    "MissingDependency",
    "ParseError",
    "SchemaError",
    "SeveralMeasurements",
    "Source",
    "TruncatedFile",
    "UnknownFormat",
    "UnsupportedContent",
    "findings",
    "formats",
    "identify",
    "measurements",
    "read",
    "read_tree",
]
