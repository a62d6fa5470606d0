"""Records of an Athena project in its Perl form: assignments that Athena's own Data::Dumper wrote, read without Perl.

Each record is a run of assignments, from ``$old_group = 'abcd';`` to a line ``[record]``::

    $old_group = 'abcd';
    @args = ('label','NiO','bkg_e0','8344.0','titles',['first','second'],...);
    @x = ('8133.0','8143.0',...);
    @y = ('0.531','0.528',...);
    [record]   # create object and set arrays in ifeffit

Only numbers, quoted strings, lists and hashes are understood; nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .errors import CorruptFile, LimitExceeded, TruncatedFile
from .limits import Limits

Value = str | list["Value"]

_STATEMENT = re.compile(r"^(?:([$@%])(\w+)\s*=\s*|(\[record\]))", re.MULTILINE)
_TOKEN = re.compile(
    r"""\s*(?: '((?:[^'\\]|\\.)*)' | "((?:[^"\\]|\\.)*)" | ([\[({]) | ([\])}]) | (=>|,) | ([-+]?[\w.][\w.+-]*) )""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {"(": ")", "[": "]", "{": "}"}
ARRAYS = frozenset({"x", "y", "i0", "signal", "stddev", "std"})


@dataclass
class Record:
    """One group of a project as the file holds it.

    Parameters
    ----------
    args : dict
        Parameters by name; lists are kept as lists.
    arrays : dict of str to array
        ``x``, ``y`` and, where present, ``i0``, ``signal``, ``stddev``.
    line : int
        Where it begins.
    broken : str
        Why part of it could not be read; "" when all of it could.
    complete : bool
        Whether its end was reached.
    """

    line: int
    tag: str = ""
    args: dict[str, Value] = field(default_factory=dict)
    arrays: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    broken: str = ""
    complete: bool = False


def records(text: str, limits: Limits) -> Iterator[Record]:
    """Yield the records of a project; one that cannot be read says so in `Record.broken`."""
    record: Record | None = None
    position, line, counted = 0, 1, 0
    while (found := _STATEMENT.search(text, position)) is not None:
        position = found.end()
        line, counted = line + text.count("\n", counted, found.start()), found.start()
        sigil, name, end = found.groups()
        if end:
            if record is not None:
                record.complete = True
                yield record
            record = None
        elif name == "old_group":
            if record is not None:
                yield record
            record = Record(line)
            record.tag = text[position : text.find("\n", position)].strip(" ;'\"\r")
        elif record is not None and sigil == "@":
            position = _assign(record, name, text, position, line, limits)
    if record is not None:
        yield record


def _assign(record: Record, name: str, text: str, position: int, line: int, limits: Limits) -> int:
    """Read one assignment into a record and return where the text goes on."""
    try:
        if name in ARRAYS:
            record.arrays[name], position = _numbers(text, position, line)
        elif name == "args":
            value, position = _value(text, position, line, limits)
            record.args = _pairs(value, line)
    except CorruptFile as error:
        record.broken = record.broken or str(error)
    except TruncatedFile as error:
        record.broken = record.broken or str(error)
        return len(text)
    return position


def _numbers(text: str, position: int, line: int) -> tuple[NDArray[np.float64], int]:
    """Return the numbers of ``('1.0','2.0',...);``, the bulk of a project, without a token for each."""
    end = text.find(");", position)
    if end < 0:
        raise TruncatedFile("a list of numbers has no end", line=line, expected="');'")
    body = text[position:end]
    if not body.startswith("(") or "\n" in body:
        raise CorruptFile("a list of numbers is broken", line=line, expected="('1.0','2.0',...);")
    items = body[1:].replace("'", "").split(",") if len(body) > 1 else []
    try:
        if "_" in body:
            raise ValueError("'_' in a number")
        return np.array(items, dtype=np.float64), end + 2
    except ValueError as error:
        raise CorruptFile(f"a list of numbers is broken: {error}", line=line, expected="numbers") from error


def _value(text: str, position: int, line: int, limits: Limits) -> tuple[Value, int]:
    """Return one value and the position behind it; lists and hashes as flat lists."""
    stack: list[tuple[str, list[Value]]] = []
    while True:
        token = _TOKEN.match(text, position)
        if token is None:
            left = text[position : position + 20].strip()
            kind = CorruptFile if left else TruncatedFile
            raise kind(f"the parameters hold {left!r}", line=line, expected="a quoted string, a number, a list or ')'")
        position = token.end()
        single, double, opened, closed, separator, bare = token.groups()
        if opened:
            if len(stack) >= limits.depth:
                raise LimitExceeded(f"lists nested {len(stack)} deep", line=line, expected=f"at most {limits.depth}")
            stack.append((_CLOSES[opened], []))
            continue
        if separator:
            continue
        done: Value
        if closed:
            if not stack or stack[-1][0] != closed:
                raise CorruptFile(f"the parameters hold a stray {closed!r}", line=line, expected="paired brackets")
            done = stack.pop()[1]
        else:
            done = _string(single, double, bare)
        if not stack:
            return done, position
        stack[-1][1].append(done)


def _string(single: str | None, double: str | None, bare: str | None) -> str:
    if single is not None:
        return re.sub(r"\\(['\\])", r"\1", single)
    if double is not None:
        return re.sub(r"\\(.)", r"\1", double, flags=re.DOTALL)
    return "" if bare in (None, "undef") else str(bare)


def _pairs(value: Value, line: int) -> dict[str, Value]:
    if not isinstance(value, list) or len(value) % 2 or not all(isinstance(key, str) for key in value[::2]):
        raise CorruptFile("the parameters are not pairs of name and value", line=line, expected="('name','value',...)")
    return {str(key): item for key, item in zip(value[::2], value[1::2], strict=True)}
