"""Where the delimiters of a table are in a text: which of its lines are rows, and where their fields start and stop."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ._dialect import split
from ._lines import Lines, Places

Rows = NDArray[np.bool_]

_QUOTE, _ZERO = b'"0'


class Marks:
    """The delimiters in some lines of a text.

    Parameters
    ----------
    lines : Lines
    delimiter : str
        One of `interlayer.parsers._dialect.DELIMITERS`.
    start, stop : int
        The lines to look at; a method counts them from the first of these.
    """

    def __init__(self, lines: Lines, delimiter: str, start: int, stop: int) -> None:
        self.lines, self.delimiter, self.start, self.stop = lines, delimiter, start, stop
        self._first = lines.start(start)
        self._stops = lines.stops[start:stop] - self._first
        self._bytes = lines.bytes[self._first : self._first + int(self._stops[-1])] if start < stop else lines.bytes[:0]

    @cached_property
    def quoted(self) -> bool:
        """Whether a field may hold the delimiter."""
        return self.lines.data.find(_QUOTE, self._first, self._first + len(self._bytes)) >= 0

    @cached_property
    def _starts(self) -> Places:
        starts = np.zeros(len(self._stops), dtype=np.int64)
        np.add(self._stops[:-1], 1, out=starts[1:])
        return starts

    @cached_property
    def _delimiters(self) -> Places:
        """Number of delimiters in each line."""
        if not len(self._bytes):
            return np.zeros(len(self._stops), dtype=np.int64)
        marks = self._bytes == ord(self.delimiter)
        starts = np.minimum(self._starts, len(marks) - 1)  # an empty last line starts behind its last byte
        counts = np.add.reduceat(marks.view(np.uint8), starts, dtype=np.uint8).astype(np.int64)
        if counts.sum() == np.count_nonzero(marks):
            return counts
        return np.asarray(np.add.reduceat(marks.view(np.uint8), starts, dtype=np.int64))  # some line has more than 255

    @cached_property
    def widths(self) -> Places:
        """Number of fields of each line, 0 for one that is taken for empty."""
        if self.delimiter == " ":
            return np.array([len(line.split()) for line in self.lines[self.start : self.stop]], dtype=np.int64)
        widths = self._delimiters + 1
        if self.quoted:
            quotes = np.flatnonzero(self._bytes == _QUOTE)
            for line in np.unique(np.searchsorted(self._stops, quotes)).tolist():
                widths[line] = len(split(self.lines[self.start + line], self.delimiter))
        if self.lines.blank is not None:
            widths[self.lines.blank[self.start : self.stop]] = 0
        return widths

    def fits(self, width: int) -> Rows:
        """Return which lines have `width` fields and a digit among them."""
        if width not in self._fits:
            self._fits[width] = self._look_for(width)
        return self._fits[width]

    @cached_property
    def _fits(self) -> dict[int, Rows]:
        return {}

    def _look_for(self, width: int) -> Rows:
        fitting = (self.widths == width) & (self._starts < self._stops)
        if not len(self._bytes):
            return np.asarray(fitting)
        # Nearly every row begins or ends with a digit.
        begins_with = self._bytes.take(self._starts, mode="clip")
        unsure = np.flatnonzero(fitting & (begins_with - np.uint8(_ZERO) >= 10))
        for edge, step in ((self._stops, -1), (self._starts, 1)):
            inside = np.clip(edge[unsure] + step, self._starts[unsure], self._stops[unsure] - 1)
            unsure = unsure[self._bytes[inside] - np.uint8(_ZERO) >= 10]
        for line in unsure.tolist():
            fitting[line] = any(map(str.isdigit, self.lines[self.start + line]))
        return np.asarray(fitting)

    @cached_property
    def _places(self) -> Places:
        return np.flatnonzero(self._bytes == ord(self.delimiter))

    @cached_property
    def _before(self) -> Places:
        """Number of delimiters before each line."""
        return np.cumsum(self._delimiters) - self._delimiters

    def field(self, position: int, rows: Places) -> tuple[Places, Places]:
        """Return where a field starts and stops, in the bytes of the text, in some lines of one width."""
        at = self._before[rows] + position
        starts = self._places[at - 1] + 1 if position else self._starts[rows]
        is_last = len(rows) > 0 and position == self._delimiters[rows[0]]
        stops = self._stops[rows] if is_last else self._places[at]
        return starts + self._first, stops + self._first
