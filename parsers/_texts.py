"""A column of short texts as the bytes they are made of: repeated words and dates of one layout are looked at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ._lines import Bytes, Places

MISSING = (
    "", "-", "--", "nan", "NaN", "NAN", "n/a", "N/A", "null", "None", "INVALID", "NA", "NULL", "<NA>", "#N/A",
    "#N/A N/A", "#NA", "-nan", "-NaN", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
)  # fmt: skip
"""What programs write where they have no value."""

_ZERO, _POINT, _COMMA, _COLON = b"0.,:"
_WHITE = b" \t"
_WORD = 8
_FACTORS = np.cumprod(np.full(512, 6364136223846793005, dtype=np.uint64))
_LONGEST = 4096
"""Bytes of a text that are compared; what differs beyond is no word and no date."""


@dataclass(frozen=True)
class Layout:
    """Texts that differ in their digits alone.

    Parameters
    ----------
    text : str
        The first of them.
    rows : numpy.ndarray
        Which they are, shape (texts,).
    characters : numpy.ndarray of uint8
        Theirs, shape (texts, characters), 0 behind the last.
    """

    text: str
    rows: Places
    characters: Bytes

    def whole(self, span: tuple[int, int]) -> Places:
        """Return the whole numbers that stand in a part of the texts, 0 where the part is empty."""
        numbers = np.zeros(len(self.rows), dtype=np.int64)
        for place in range(*span):
            numbers *= 10
            numbers += self.characters[:, place]
        numbers -= _ZERO * (10 ** (span[1] - span[0]) - 1) // 9
        return numbers

    def fraction(self, span: tuple[int, int], digits: int) -> Places:
        """Return what stands in a part of the texts behind the decimal mark, in units of its last of `digits`."""
        mark = self.text.replace(",", ".").find(".", *span)
        if mark < 0:
            return np.zeros(len(self.rows), dtype=np.int64)
        start, stop = mark + 1, min(span[1], mark + 1 + digits)
        return self.whole((start, stop)) * np.int64(10 ** (digits - (stop - start)))


class Texts(Sequence[str]):
    """A column of texts without the spaces around them; what stands for a missing value is empty.

    Parameters
    ----------
    bytes : numpy.ndarray of uint8
        Of the file.
    starts, stops : numpy.ndarray
        Where each text is, shape (texts,).
    encoding : str
        Of the file.

    Examples
    --------
    >>> Texts.of([" rest ", "-", "CC charge"])[:]
    ['rest', '', 'CC charge']
    """

    def __init__(self, bytes: Bytes, starts: Places, stops: Places, encoding: str = "utf-8") -> None:
        self._file, self._encoding = bytes, encoding
        self._starts, self._stops = starts, stops

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Return texts that are strings as `Texts`."""
        if isinstance(texts, cls):
            return texts
        encoded = [text.encode() if text.isascii() else " ".join(text.split()).encode() for text in texts]
        stops = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
        starts = np.concatenate([[0], stops[:-1]]) if len(stops) else stops
        return cls(np.frombuffer(b"".join(encoded), np.uint8), starts, stops)

    def take(self, rows: NDArray[np.bool_] | Places) -> Texts:
        """Return some of the texts, by their places or by a mask."""
        return Texts(self._file, self._starts[rows], self._stops[rows], self._encoding)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        text = self._file[self._starts[index] : self._stops[index]].tobytes().decode(self._encoding, "replace").strip()
        return "" if text in MISSING else text

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    @cached_property
    def _characters(self) -> Bytes:
        """The bytes of the texts from their start on, 0 behind their end, shape (texts, a multiple of 8)."""
        starts, stops = _stripped(self._file, self._starts, self._stops)
        lengths = stops - starts
        shortest, longest = (int(lengths.min()), int(lengths.max())) if len(self) else (0, 0)
        width = min(max(-(-longest // _WORD) * _WORD, _WORD), _LONGEST)
        # The last texts may lie closer to the end of the file than the window is wide.
        file = self._file if len(self._file) >= width else np.resize(self._file, width)
        within = np.minimum(starts, len(file) - width)
        characters = np.lib.stride_tricks.sliding_window_view(file, width)[within]
        for row in np.flatnonzero(within < starts).tolist():
            characters[row] = np.roll(characters[row], within[row] - starts[row])
        if shortest < longest:
            characters *= np.arange(width) < lengths[:, None]
        else:
            characters[:, longest:] = 0
        return characters

    def words(self) -> tuple[list[str], Places]:
        """Return the different texts, and for each row which of them it is.

        Examples
        --------
        >>> Texts.of(["rest", "rest", "pulse", "rest"]).words()
        (['rest', 'pulse'], array([0, 0, 1, 0]))
        """
        characters = self._characters.view(np.uint64)
        begins = np.ones(len(self), dtype=bool)
        begins[1:] = False
        for column in characters.T:
            begins[1:] |= column[1:] != column[:-1]
        rows = np.flatnonzero(begins)
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(self[row], len(numbers)) for row in rows.tolist()]
        return list(numbers), np.repeat(np.array(codes, dtype=np.int64), np.diff(np.append(rows, len(self))))

    @cached_property
    def layouts(self) -> tuple[Layout, ...]:
        """The texts that are not missing, those that differ in their digits alone together."""
        if not len(self):
            return ()
        characters = self._characters
        shapes = _shapes(characters)
        if (shapes.view(np.uint64) == shapes[:1].view(np.uint64)).all():
            parts = [(np.arange(len(self)), characters)]
        else:
            characters, shapes = _with_equal_fractions(characters, shapes)
            which, counts = _alike(shapes)
            groups = np.split(np.argsort(which, kind="stable"), np.cumsum(counts)[:-1])
            parts = [(rows, characters[rows]) for rows in groups]
        layouts = (Layout(part[0].tobytes().rstrip(b"\0").decode("latin-1"), rows, part) for rows, part in parts)
        return tuple(layout for layout in layouts if layout.text not in MISSING)


def _shapes(characters: Bytes) -> Bytes:
    """Return characters with 0 for every digit."""
    above = characters - np.uint8(_ZERO)
    return characters - above * (above < 10).view(np.uint8)


def _alike(shapes: Bytes) -> tuple[Places, Places]:
    """Return for each row which shape it has, and how many rows each shape has."""
    words = shapes.view(np.uint64)
    sums = words @ _FACTORS[: words.shape[1]]
    _, first, which, counts = np.unique(sums, return_index=True, return_inverse=True, return_counts=True)
    if (words == words[first][which]).all():
        return which, counts
    _, which, counts = np.unique(shapes.view(f"S{shapes.shape[1]}")[:, 0], return_inverse=True, return_counts=True)
    return which, counts


def _stripped(file: Bytes, starts: Places, stops: Places) -> tuple[Places, Places]:
    """Return starts and stops without spaces."""
    starts, stops = starts.copy(), stops.copy()
    if not len(file):
        return starts, stops
    last = len(file) - 1
    for edges, step, inside in ((starts, 1, 0), (stops, -1, -1)):
        rows: Places | slice = slice(None)
        while True:
            found = file[np.minimum(edges[rows] + inside, last)]
            white = ((found == _WHITE[0]) | (found == _WHITE[1])) & (starts[rows] < stops[rows])
            if not white.any():
                break
            rows = np.flatnonzero(white) if isinstance(rows, slice) else rows[white]
            edges[rows] += step
    return starts, stops


def _with_equal_fractions(characters: Bytes, shapes: Bytes) -> tuple[Bytes, Bytes]:
    """Return clock times and durations with zeros behind their decimals, so that all have as many."""
    if not ((shapes == _POINT) | (shapes == _COMMA)).any():
        return characters, shapes
    last = np.zeros(len(characters), dtype=np.uint8)
    timed = np.zeros(len(characters), dtype=bool)
    for shape in shapes.T:
        mark = (shape != _ZERO) & (shape != 0)
        last[mark] = shape[mark]
        timed |= shape == _COLON
    rows = timed & ((last == _POINT) | (last == _COMMA))
    if not rows.any():
        return characters, shapes
    characters = np.where((characters == 0) & rows[:, None], np.uint8(_ZERO), characters)
    return characters, _shapes(characters)
