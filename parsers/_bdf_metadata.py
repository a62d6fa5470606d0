"""What the metadata beside a table in Battery Data Format say of the test, as attributes of a Dataset."""

from __future__ import annotations

import json
import re
from typing import Any

from ._columns_bdf import METADATA, OURS
from ._source import Source
from .errors import ParseError

_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]*\Z")
_RESERVED = frozenset(
    {"technique", "format", "source_file", "source_sha256", "parser_version", "findings", "original_metadata"}
)
"""Attributes that tell of the file which is read, not of the one from which it was written."""


def beside(source: Source) -> dict[str, str | int | float]:
    """Return the facts in the file with the metadata next to a table, {} where there is none."""
    name = f"{source.path.stem}{METADATA}"
    other = source.sidecar(name) if source.name.lower().endswith((".bdf.csv", ".bdf.parquet")) else None
    if other is None:
        return {}
    try:
        return facts(_object(json.loads(other.data)).get("extras", {OURS: {}}))
    except (ParseError, ValueError, RecursionError) as error:
        source.note("unread-metadata", "warning", f"The metadata in {name!r} were left out: {error}")
        return {}


def facts(extras: Any) -> dict[str, str | int | float]:
    """Return the attributes among the metadata that this toolkit writes; `ValueError` if they have another shape.

    Examples
    --------
    >>> facts({"interlayer": {"attributes": {"simulated": 1, "format": "biologic-mpr"}}})
    {'simulated': 1}
    """
    return {
        name: value
        for name, value in _object(_object(_object(extras).get(OURS, {})).get("attributes", {})).items()
        if _ATTRIBUTE.match(name) and name not in _RESERVED and type(value) in (str, int, float)
    }


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.40} stands where an object is expected")
    return value
