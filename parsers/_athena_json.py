"""Records of an Athena project in its JSON form, which Demeter can write instead of Perl.

One object with an entry for each group, ``{"args": {...}, "x": [...], "y": [...]}``, the order of the groups under
``_____order`` and remarks under ``_____header1`` and the like.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._athena_perl import ARRAYS, Record, Value
from .errors import CorruptFile

_REMARK = "_____"


def records(text: str) -> Iterator[Record]:
    """Yield the records of a project in their stated order.

    Raises
    ------
    CorruptFile
        If the text is not one JSON object, as after a truncation; JSON has no place to go on from.
    """
    try:
        project = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise CorruptFile(
            f"the project is not valid JSON: {error}", line=line, expected="a JSON object", remedy="copy the file again"
        ) from error
    if not isinstance(project, dict):
        raise CorruptFile(f"the project is a JSON {type(project).__name__}", line=1, expected="a JSON object")
    order = project.get(f"{_REMARK}order")
    tags = [tag for tag in project if not tag.startswith(_REMARK)]
    if isinstance(order, list):
        tags.sort(key=lambda tag: order.index(tag) if tag in order else len(order))
    for number, tag in enumerate(tags, start=1):
        yield _record(number, tag, project[tag])


def _record(number: int, tag: str, entry: Any) -> Record:
    record = Record(number, tag=tag, complete=True)
    if not isinstance(entry, dict) or not isinstance(entry.get("args"), dict):
        record.broken = f"the entry {tag!r} has no args"
        return record
    record.args = {str(key): _value(value) for key, value in entry["args"].items()}
    for name in ARRAYS & entry.keys():
        try:
            array = np.array(entry[name], dtype=np.float64)
        except (TypeError, ValueError) as error:
            record.broken = f"{name} of {tag!r} does not hold numbers: {error}"
            continue
        if array.ndim == 1:
            record.arrays[name] = array
    return record


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return [_value(item) for item in value]
    return "" if value is None else str(value)
