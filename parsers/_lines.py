"""The lines of a text, decoded when they are asked for: a record of many rows is read from its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

NEWLINE = 10
_AT_ONCE = 100
"""Number of lines that are decoded together."""
_PART = 131_072
_SHORT = 50_000
"""Bytes below which all lines are decoded as soon as one is."""


class Lines(Sequence[str]):
    r"""Lines without their ends, in the bytes of a file.

    Parameters
    ----------
    data : bytes
        In an encoding whose first half is ASCII; ``LF`` ends a line.
    encoding : str
        As Python names it; bytes that are none become U+FFFD.
    stops : numpy.ndarray, optional
        Where the lines end; left out, they are looked for.
    blank : numpy.ndarray, optional
        Which lines are to be taken for empty, shape (lines,).

    Examples
    --------
    >>> lines = Lines(b"f;Re\n1;2\n")
    >>> len(lines), lines[1], lines[-2:]
    (2, '1;2', ['f;Re', '1;2'])
    """

    def __init__(
        self,
        data: bytes,
        encoding: str = "utf-8",
        stops: Places | None = None,
        blank: NDArray[np.bool_] | None = None,
    ) -> None:
        self.data = data
        self.encoding = encoding
        self.blank = blank
        self.bytes = np.frombuffer(data, np.uint8)
        self.stops = _stops(self.bytes) if stops is None else stops

    @classmethod
    def of(cls, lines: Sequence[str]) -> Lines:
        """Return lines that are strings as `Lines`."""
        if isinstance(lines, cls):
            return lines
        text = "\n".join(lines)
        return cls(f"{text}\n".encode("utf-8", "replace") if lines else b"")

    def first(self, count: int) -> Lines:
        """Return the first lines alone."""
        return Lines(self.data, self.encoding, self.stops[:count], self.blank)

    def blanked(self, blank: NDArray[np.bool_]) -> Lines:
        """Return the same lines, some of them taken for empty."""
        return Lines(self.data, self.encoding, self.stops, blank)

    def start(self, line: int) -> int:
        """Return the place of the first byte of a line."""
        return int(self.stops[line - 1]) + 1 if line else 0

    def span(self, start: int, stop: int) -> bytes:
        """Return the bytes of some lines, without the end of the last."""
        return self.data[self.start(start) : int(self.stops[stop - 1])] if start < stop else b""

    def __len__(self) -> int:
        return len(self.stops)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if len(self.data) < _SHORT:
            return self._decoded[index]
        if isinstance(index, int):
            line = range(len(self))[index]
            return "" if self.blank is not None and self.blank[line] else self._text(line, line + 1)
        start, stop, step = index.indices(len(self))
        if step != 1:
            return [self[line] for line in range(start, stop, step)]
        return self._split(start, stop)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self[start : start + _AT_ONCE]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Iterable) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))

    @cached_property
    def _decoded(self) -> list[str]:
        return self._split(0, len(self))

    def _split(self, start: int, stop: int) -> list[str]:
        if start >= stop:
            return []
        lines = self._text(start, stop).split("\n")
        if self.blank is None:
            return lines
        return ["" if blank else line for line, blank in zip(lines, self.blank[start:stop], strict=True)]

    def _text(self, start: int, stop: int) -> str:
        return self.span(start, stop).decode(self.encoding, "replace")


def parts(codes: Bytes) -> Iterator[Bytes]:
    """Yield bytes in parts that stay in the processor's cache while they are looked at."""
    return (codes[start : start + _PART] for start in range(0, len(codes), _PART))


def places(codes: Bytes, test: Callable[[Bytes], NDArray[np.bool_]]) -> Places:
    """Return where bytes pass a test."""
    found = [np.flatnonzero(test(part)) + number * _PART for number, part in enumerate(parts(codes))]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _stops(codes: Bytes) -> Places:
    stops = places(codes, lambda part: part == NEWLINE)
    return np.append(stops, len(codes)) if len(codes) and codes[-1] != NEWLINE else stops
