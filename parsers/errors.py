"""Errors of the parsers: every failure on any bytes is a `ParseError` that says what, where and what to do."""

from __future__ import annotations

from pathlib import Path


class ParseError(ValueError):
    """A file could not be read.

    Parameters
    ----------
    found : str
        What was found, as a sentence without the final full stop.
    path : path-like, optional
        The file. The foundation fills it in when a reader leaves it out.
    offset : int, optional
        Byte offset of the trouble, for binary files.
    line : int, optional
        Line number of the trouble, counted from 1, for text files.
    expected : str, optional
        What should have been there.
    remedy : str, optional
        What the person at the instrument can do now.

    Examples
    --------
    >>> print(ParseError("the header ends early", path="a.mpt", line=3, expected="57 header lines",
    ...                  remedy="export the file again from EC-Lab"))
    a.mpt, line 3: the header ends early; expected 57 header lines. Export the file again from EC-Lab.
    """

    def __init__(
        self,
        found: str,
        *,
        path: str | Path | None = None,
        offset: int | None = None,
        line: int | None = None,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(found)
        self.found = found
        self.path = str(path) if path is not None else None
        self.offset = offset
        self.line = line
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        where = [str(self.path)] if self.path else []
        if self.line is not None:
            where.append(f"line {self.line}")
        if self.offset is not None:
            where.append(f"byte {self.offset}")
        text = f"{', '.join(where)}: {self.found}" if where else self.found
        if self.expected:
            text += f"; expected {self.expected}"
        if self.remedy:
            text += f". {self.remedy[:1].upper()}{self.remedy[1:]}"
        return f"{text.rstrip('.')}."

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args[0], self.__dict__.copy())


def _rebuild(kind: type[ParseError], found: str, state: dict[str, object]) -> ParseError:
    """Unpickle an error, so that it survives a process pool."""
    error = kind(found)
    error.__dict__.update(state)
    return error


class UnknownFormat(ParseError):
    """No format card matches the content."""


class TruncatedFile(ParseError):
    """The file ends before anything usable."""


class CorruptFile(ParseError):
    """The bytes contradict the format."""


class UnsupportedContent(ParseError):
    """The format is known, this kind of content is not read (yet)."""


class AmbiguousContent(ParseError):
    """The file allows two readings and nothing in it decides; the message names the option that does."""


class LimitExceeded(ParseError):
    """A size is beyond `Limits`, for example in a zip bomb."""


class MissingDependency(ParseError):
    """The optional package that reads the format is not installed; the message names the extra to install."""


class SeveralMeasurements(ParseError):
    """`read` was asked for one measurement of a file with several; the message lists the groups."""


class SchemaError(ParseError):
    """A reader broke the vocabulary of `interlayer.parsers.schema`: a defect of the reader, not of the file."""
