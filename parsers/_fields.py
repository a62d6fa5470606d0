"""The fields of a table's whole rows: numbers through pandas, texts as the bytes that they are."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._block import SAMPLE
from ._dialect import Dialect, infer_dialect, is_number, split
from ._lines import Lines, Places
from ._marks import Marks
from ._texts import MISSING, Texts
from .errors import CorruptFile

if TYPE_CHECKING:
    import pandas as pd

_GROUP = re.compile(rb"\.\d{3}\.")
_ENDS = 16_000
"""Bytes at the beginning and at the end of a table."""


@dataclass(frozen=True)
class Fields:
    """The whole rows of a table.

    Parameters
    ----------
    marks : Marks
        Where the delimiters are.
    rows : numpy.ndarray
        Lines of the rows, counted from 0, ascending, at least one.
    width : int
        Number of fields of each.
    """

    marks: Marks
    rows: Places
    width: int

    @property
    def lines(self) -> Lines:
        """The lines of the file."""
        return self.marks.lines

    @property
    def delimiter(self) -> str:
        """What separates the fields."""
        return self.marks.delimiter

    @cached_property
    def placed(self) -> bool:
        """Whether it is known where each field is: not between spaces, nor where quotes may hold delimiters."""
        return self.delimiter != " " and not self.marks.quoted

    @cached_property
    def _is_ascii(self) -> bool:
        return self.body.isascii()

    @cached_property
    def body(self) -> bytes:
        """The rows alone, as UTF-8."""
        breaks = np.flatnonzero(np.diff(self.rows) != 1) + 1
        runs = [(int(run[0]), int(run[-1]) + 1) for run in np.split(self.rows, breaks)]
        body = b"\n".join(self.lines.span(start, stop) for start, stop in runs)
        if self.lines.encoding == "utf-8" or body.isascii():
            return body
        return body.decode(self.lines.encoding, "replace").encode("utf-8", "replace")

    def texts(self, position: int) -> Texts:
        """Return a column as texts; only where it is known where each field is."""
        if position in self._texts:
            return self._texts[position]
        texts = Texts(self.lines.bytes, *self.marks.field(position, self.rows - self.marks.start), self.lines.encoding)
        self._texts[position] = texts if self._is_ascii else Texts.of(list(texts))
        return self._texts[position]

    @cached_property
    def _texts(self) -> dict[int, Texts]:
        return {}

    @classmethod
    def joined(cls, parts: Sequence[Fields]) -> Fields:
        """Return the rows of tables with one delimiter, of which the first knows where the fields of all are."""
        return cls(parts[0].marks, np.concatenate([part.rows for part in parts]), parts[0].width)

    def where(self, keep: NDArray[np.bool_]) -> Fields:
        """Return the fields of some rows."""
        return Fields(self.marks, self.rows[keep], self.width)

    def is_last_empty(self) -> bool:
        """Whether the last field of all rows is missing."""
        if any(fields[-1] not in MISSING for fields in self._sample):
            return False
        last = self.lines.bytes[self.lines.stops[self.rows] - 1]
        if (last == ord(self.delimiter)).all() and not self.marks.quoted:
            return True
        return all(split(self.lines[row], self.delimiter)[-1] in MISSING for row in self.rows.tolist())

    def holds_words(self, position: int) -> bool:
        """Whether a column holds something else than numbers, by its first rows, its middle and its last row."""
        return any(fields[position] not in MISSING and not is_number(fields[position]) for fields in self._sample)

    @cached_property
    def _sample(self) -> list[list[str]]:
        last = len(self.rows) - 1
        places = (0, min(1, last), last // 2, last)
        return [split(self.lines[int(self.rows[place])], self.delimiter) for place in places]

    def dialect(self) -> Dialect:
        """Return how the numbers are written, from a sample of the rows.

        Raises
        ------
        AmbiguousContent
            If it cannot be told.
        CorruptFile
            If rows contradict each other.
        """
        if self._has_plain_points():
            return Dialect(self.delimiter)
        step = max(1, len(self.rows) // SAMPLE)
        sample = [*self.rows[:SAMPLE], *self.rows[SAMPLE::step], self.rows[-1]]
        dialect = infer_dialect([self.lines[int(row)] for row in sample], self.delimiter)
        # pandas drops thousands separators wherever they stand, so then each number has to agree.
        return infer_dialect(self.body.decode().split("\n"), self.delimiter) if dialect.thousands else dialect

    def _has_plain_points(self) -> bool:
        """Whether no field has a comma, and none of the first and last rows two points around three digits."""
        if not self.placed or (self.delimiter != "," and b"," in self.body):
            return False
        return not any(_GROUP.search(end) for end in (self.body[:_ENDS], self.body[-_ENDS:]))

    def frame(self, dialect: Dialect, columns: Sequence[int] | None = None) -> pd.DataFrame:
        """Return columns numbered from 0: numbers as float or int, all else as str.

        Parameters
        ----------
        dialect : Dialect
            How numbers are written.
        columns : sequence of int, optional
            Those that hold numbers, at most with a damaged field; left out, all.

        Raises
        ------
        CorruptFile
            If quotes do not close on their line.
        """
        if columns is None or not self.placed:
            return self._read(dialect, columns, thorough=True)
        frame = self._read(dialect, columns, thorough=False)
        if words := [column for column in columns if frame[column].dtype.kind not in "fiu"]:
            again = self._read(dialect, words, thorough=True)
            for column in words:
                frame[column] = again[column]
        return frame

    def _read(self, dialect: Dialect, columns: Sequence[int] | None, *, thorough: bool) -> pd.DataFrame:
        """Return columns; spaces before words, and some words for what is missing, take half as long again."""
        import pandas as pd

        line = int(self.rows[0]) + 1
        try:
            frame = pd.read_csv(
                io.BytesIO(self.body),
                sep=r"\s+" if dialect.delimiter == " " else dialect.delimiter,
                decimal=dialect.decimal,
                thousands=dialect.thousands or None,
                header=None,
                names=list(range(self.width)),
                usecols=None if columns is None else list(columns),
                index_col=False,
                skipinitialspace=thorough,
                na_values=list(MISSING) if thorough else None,
                engine="c",
                low_memory=False,
            )
        except pd.errors.ParserError as error:
            raise CorruptFile(f"the table cannot be read: {error}", line=line) from error
        if len(frame) != len(self.rows):
            raise CorruptFile(
                f"{len(self.rows)} lines hold {len(frame)} rows",
                line=line,
                expected="quotes that close on their line",
            )
        return frame
