"""The mark of a text table: columns that it has, and columns that it has not."""

from __future__ import annotations

import re

from ._card import Magic
from ._columns import Column, fold


def table_with(*alternatives: tuple[Column, ...], without: tuple[Column, ...] = ()) -> Magic:
    """Return the mark of text tables that have one column of each tuple, and none of `without`."""
    lookaheads = [rb"(?=.*" + _any_of(columns) + rb")" for columns in alternatives]
    if without:
        lookaheads.append(rb"(?!.*" + _any_of(without) + rb")")
    return Magic(rb"(?s)\A" + b"".join(lookaheads), "columns")


def _any_of(columns: tuple[Column, ...]) -> bytes:
    spellings = sorted({fold(spelling) for column in columns for spelling in column.spellings})
    return rb"\n(?:" + b"|".join(re.escape(spelling.encode()) for spelling in spellings) + rb")\n"
