"""Delimiter, decimal mark and thousands separator of a table, from the numbers in it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .errors import AmbiguousContent, CorruptFile

DELIMITERS = ("\t", ";", "|", ",", " ")
"""Candidates in order of precedence; " " stands for any run of white space."""

NUMBER = re.compile(r"[+-]?(\d([\d.,]*\d)?\.?|[.,]\d+)(e[+-]?\d+)?$|[+-]?(nan|inf|infinity)$", re.IGNORECASE | re.ASCII)
"""A number in any locale; ``1,`` is none, it is a number before a delimiter."""

_COMMA, _POINT = re.compile(r"[+-]?\d*,\d*([eE][+-]?\d+)?$"), re.compile(r"[+-]?\d*\.\d*([eE][+-]?\d+)?$")
_COMMA_GROUPS, _POINT_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+$"), re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+$")
_COMMA_THEN_POINT, _POINT_THEN_COMMA = (
    re.compile(r"[+-]?[\d,]*,[\d]{3}\.\d*$"),
    re.compile(r"[+-]?[\d.]*\.[\d]{3},\d*$"),
)


@dataclass(frozen=True)
class Dialect:
    """How the rows of a table are written.

    Parameters
    ----------
    delimiter : str
        One of `DELIMITERS`.
    decimal : {".", ","}
        Decimal mark.
    thousands : {"", ",", "."}
        Thousands separator, "" where there is none.
    """

    delimiter: str
    decimal: str = "."
    thousands: str = ""

    def plain(self, field: str) -> str:
        """Return a number of this dialect with a decimal point; what is none is none thereafter.

        Examples
        --------
        >>> Dialect(";", ",", ".").plain("1.000,5"), Dialect(";", ",").plain("1.5")
        ('1000.5', '1?5')
        """
        if self.thousands:
            field = field.replace(self.thousands, "")
        return field if self.decimal == "." else field.replace(".", "?").replace(",", ".")


def split(line: str, delimiter: str) -> list[str]:
    """Return the stripped fields of a line; quoted fields may hold the delimiter."""
    if delimiter == " ":
        return line.split()
    if '"' in line:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter))]
    return [field.strip() for field in line.split(delimiter)]


def is_number(field: str) -> bool:
    """Whether a field is a number in some locale."""
    return NUMBER.match(field) is not None


def infer_dialect(rows: Sequence[str], delimiter: str) -> Dialect:
    """Return the dialect of rows of data whose delimiter is known.

    The decimal mark is the consensus of all numbers: a field such as ``3,141`` alone could be either 3.141 or 3141,
    but next to ``2,5`` it is 3.141 and next to ``0.5`` it is 3141.

    Raises
    ------
    AmbiguousContent
        If every comma (or point) could separate thousands and nothing decides.
    CorruptFile
        If the numbers contradict each other.

    Examples
    --------
    >>> infer_dialect(["1,5;2,25", "1.000,5;3"], ";")
    Dialect(delimiter=';', decimal=',', thousands='.')
    """
    fields = {field for row in rows for field in split(row, delimiter) if is_number(field)}
    if any(_COMMA_THEN_POINT.match(field) for field in fields):
        return _checked(fields, Dialect(delimiter, ".", ","))
    if any(_POINT_THEN_COMMA.match(field) for field in fields):
        return _checked(fields, Dialect(delimiter, ",", "."))
    commas = [field for field in fields if _COMMA.match(field)]
    points = [field for field in fields if _POINT.match(field)]
    if not commas:
        many = any(_POINT_GROUPS.match(field) and field.count(".") > 1 for field in fields)
        return Dialect(delimiter, ",", ".") if many else Dialect(delimiter)
    if all(_COMMA_GROUPS.match(field) for field in commas):
        if points:
            return Dialect(delimiter, ".", ",")
        raise AmbiguousContent(
            f"numbers such as {commas[0]!r} can be read with a decimal comma or with thousands separated by commas",
            expected="one number that decides",
            remedy="export again with a decimal point",
        )
    if points and not all(_POINT_GROUPS.match(field) for field in points):
        raise CorruptFile(
            f"the table mixes decimal comma ({commas[0]!r}) and decimal point ({points[0]!r})",
            expected="one decimal mark",
            remedy="export again with one locale",
        )
    return Dialect(delimiter, ",", "." if points else "")


def _checked(fields: Iterable[str], dialect: Dialect) -> Dialect:
    wrong = _COMMA if dialect.decimal == "." else _POINT
    groups = _COMMA_GROUPS if dialect.decimal == "." else _POINT_GROUPS
    for field in fields:
        if wrong.match(field) and not groups.match(field):
            raise CorruptFile(
                f"the number {field!r} contradicts the decimal mark {dialect.decimal!r} of its neighbours",
                expected="one decimal mark",
                remedy="export again with one locale",
            )
    return dialect
