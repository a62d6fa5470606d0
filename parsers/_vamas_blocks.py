"""The grammar of a VAMAS file: the experiment's header and its blocks, one item a line, in a fixed order.

A block has forty numbered parts; which of them are there depends on the experiment mode, the technique and on a list in
the header by which later blocks leave out what they share with the first. `PARTS` is that order as a table.

References
----------
.. [1] W. A. Dench, L. B. Hazell, M. P. Seah, Surf. Interface Anal. 13 (1988) 63, doi:10.1002/sia.740130202.
.. [2] ISO 14976:1998, Surface chemical analysis: Data transfer format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import CorruptFile, LimitExceeded, TruncatedFile, UnsupportedContent
from .limits import Limits

MAGIC = "VAMAS Surface Chemical Analysis Standard Data Transfer Format"
TERMINATOR = "end of experiment"

_MAPS = frozenset({"MAP", "MAPDP"})
_DEPTH_PROFILES = frozenset({"MAPDP", "MAPSVDP", "SDP", "SDPSV"})
_SPECTRAL = frozenset({"NORM", "SDP"}) | _MAPS
_NOT_SPECTRA = {
    "MAPSV": "maps of single values",
    "MAPSVDP": "depth profiles of maps of single values",
    "SDPSV": "depth profiles of single values",
    "SEM": "electron micrographs",
    "NOEXP": "no experiment",
}
_SPUTTERING = frozenset({"FABMS", "FABMS energy spec", "ISS", "SIMS", "SIMS energy spec", "SNMS", "SNMS energy spec"})
_SPUTTERED = frozenset({"AES diff", "AES dir", "EDX", "ELS", "UPS", "XPS", "XRF"})


@dataclass
class Lines:
    """A position in the lines of a file that never runs past their end."""

    lines: list[str]
    position: int = 0

    @property
    def number(self) -> int:
        """Number of the line that was taken last, from 1."""
        return self.position

    def text(self, what: str) -> str:
        """Return the next line without the spaces around it."""
        if self.position >= len(self.lines):
            raise TruncatedFile("the file ends", line=len(self.lines), expected=what)
        self.position += 1
        return self.lines[self.position - 1].strip()

    def count(self, what: str, *, least: int = 0) -> int:
        """Return the next line as a whole number that counts something."""
        text = self.text(what)
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or value > 10_000_000:
            raise CorruptFile(f"the line reads {text[:40]!r}", line=self.number, expected=f"the {what}")
        return value

    def value(self, what: str) -> float | None:
        """Return the next line as a number; None when it is empty or holds 1E37, by which VAMAS says *not known*."""
        text = self.text(what)
        try:
            value = float(text) if text else float("nan")
        except ValueError:
            raise CorruptFile(f"the line reads {text[:40]!r}", line=self.number, expected=f"the {what}") from None
        return value if abs(value) < 9e36 else None

    def several(self, count: int, what: str) -> list[str]:
        """Return the next `count` lines."""
        return [self.text(what) for _ in range(count)]


@dataclass
class Experiment:
    """The header of a file."""

    institution: str
    instrument: str
    operator: str
    experiment: str
    comment: list[str]
    mode: str
    scan_mode: str
    variables: list[tuple[str, str]] = field(default_factory=list)
    listed: frozenset[int] = frozenset()
    listed_are_included: bool = False
    future_entries: int = 0
    blocks: int = 0

    def includes(self, part: int) -> bool:
        """Whether blocks after the first have a part of their own."""
        return (part in self.listed) == self.listed_are_included


@dataclass
class Block:
    """One block: its items by name, and its ordinates as columns."""

    identifier: str
    sample: str
    line: int
    items: dict[str, Any] = field(default_factory=dict)
    ordinates: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    ranges: list[tuple[float | None, float | None]] = field(default_factory=list)
    promised: int = 0


When = Callable[[str, str], bool]


@dataclass(frozen=True)
class Part:
    """One of the forty parts of a block: the names of its lines, and in which mode and technique it is there."""

    number: int
    names: tuple[str, ...]
    text: bool = False
    when: When = lambda mode, technique: True


# The parts 8, 11, 31, 32 and 40 vary in length and are read by `_SPECIAL`.
PARTS = (
    Part(1, ("year",)),
    Part(2, ("month",)),
    Part(3, ("day of month",)),
    Part(4, ("hours",)),
    Part(5, ("minutes",)),
    Part(6, ("seconds",)),
    Part(7, ("hours in advance of GMT",)),
    Part(8, ()),
    Part(9, ("technique",), text=True),
    Part(10, ("x coordinate", "y coordinate"), when=lambda mode, _: mode in _MAPS),
    Part(11, ()),
    Part(12, ("analysis source label",), text=True),
    Part(
        13,
        ("sputtering ion atomic number", "number of atoms in sputtering particle", "sputtering ion charge"),
        when=lambda mode, technique: mode in _DEPTH_PROFILES or technique in _SPUTTERING,
    ),
    Part(14, ("analysis source characteristic energy",)),
    Part(15, ("analysis source strength",)),
    Part(16, ("analysis source beam width x", "analysis source beam width y")),
    Part(17, ("field of view x", "field of view y"), when=lambda mode, _: mode in _MAPS),
    Part(19, ("analysis source polar angle of incidence",)),
    Part(20, ("analysis source azimuth",)),
    Part(21, ("analyser mode",), text=True),
    Part(22, ("analyser pass energy or retard ratio or mass resolution",)),
    Part(23, ("differential width",), when=lambda _, technique: technique == "AES diff"),
    Part(24, ("magnification of analyser transfer lens",)),
    Part(25, ("analyser work function or acceptance energy",)),
    Part(26, ("target bias",)),
    Part(27, ("analysis width x", "analysis width y")),
    Part(28, ("analyser axis take off polar angle", "analyser axis take off azimuth")),
    Part(29, ("species label",), text=True),
    Part(30, ("transition or charge state label", "charge of detected particle"), text=True),
    Part(31, ()),
    Part(32, ()),
    Part(33, ("signal mode",), text=True),
    Part(34, ("signal collection time",)),
    Part(35, ("number of scans to compile this block",)),
    Part(36, ("signal time correction",)),
    Part(
        37,
        (
            "sputtering source energy",
            "sputtering source beam current",
            "sputtering source width x",
            "sputtering source width y",
            "sputtering source polar angle of incidence",
            "sputtering source azimuth",
        ),
        when=lambda mode, technique: mode in _DEPTH_PROFILES and technique in _SPUTTERED,
    ),
    Part(
        37,
        ("sputtering mode",),
        text=True,
        when=lambda mode, technique: mode in _DEPTH_PROFILES and technique in _SPUTTERED,
    ),
    Part(38, ("sample normal polar angle of tilt", "sample normal tilt azimuth")),
    Part(39, ("sample rotation angle",)),
    Part(40, ()),
)


def _comment(lines: Lines, experiment: Experiment) -> dict[str, Any]:
    return {"comment": lines.several(lines.count("number of lines in the block comment"), "block comment")}


def _variables(lines: Lines, experiment: Experiment) -> dict[str, Any]:
    return {
        "experimental variables": [
            [label, unit, lines.value(f"value of {label}")] for label, unit in experiment.variables
        ]
    }


def _abscissa(lines: Lines, experiment: Experiment) -> dict[str, Any]:
    if experiment.scan_mode != "REGULAR":
        return {}
    return {
        "abscissa label": lines.text("abscissa label"),
        "abscissa units": lines.text("abscissa units"),
        "abscissa start": lines.value("abscissa start"),
        "abscissa increment": lines.value("abscissa increment"),
    }


def _corresponding(lines: Lines, experiment: Experiment) -> dict[str, Any]:
    count = lines.count("number of corresponding variables", least=1)
    return {
        "corresponding variables": [
            [lines.text("corresponding variable label"), lines.text("corresponding variable units")]
            for _ in range(count)
        ]
    }


def _additional(lines: Lines, experiment: Experiment) -> dict[str, Any]:
    count = lines.count("number of additional numerical parameters")
    return {
        "additional parameters": [
            [lines.text("parameter label"), lines.text("parameter units"), lines.text("parameter value")]
            for _ in range(count)
        ]
    }


_SPECIAL = {8: _comment, 11: _variables, 31: _abscissa, 32: _corresponding, 40: _additional}


def experiment(lines: Lines) -> Experiment:
    """Read the header of a file.

    Raises
    ------
    CorruptFile
        If it does not begin with the VAMAS identifier or a line is not what the format has there.
    UnsupportedContent
        If the experiment mode holds no spectra.
    """
    while lines.position < len(lines.lines) and not lines.lines[lines.position].strip():
        lines.position += 1
    opening = lines.text(MAGIC)
    if not opening.startswith(MAGIC):
        raise CorruptFile(f"the file begins with {opening[:40]!r}", line=lines.number, expected=f"{MAGIC} 1988 May")
    institution, instrument = lines.text("institution identifier"), lines.text("instrument identifier")
    operator, identifier = lines.text("operator identifier"), lines.text("experiment identifier")
    comment = lines.several(lines.count("number of lines in the comment"), "comment")
    mode = lines.text("experiment mode").upper()
    if mode not in _SPECTRAL:
        kind, expected = (UnsupportedContent, "spectra") if mode in _NOT_SPECTRA else (CorruptFile, "experiment mode")
        raise kind(f"the experiment mode is {mode!r}: {_NOT_SPECTRA.get(mode, 'unknown')}", line=lines.number,
                   expected=f"{expected}, one of {sorted(_SPECTRAL)}")  # fmt: skip
    scan_mode = lines.text("scan mode").upper()
    if scan_mode not in ("REGULAR", "IRREGULAR"):
        kind = UnsupportedContent if scan_mode == "MAPPING" else CorruptFile
        raise kind(f"the scan mode is {scan_mode!r}", line=lines.number, expected="REGULAR or IRREGULAR")
    lines.count("number of spectral regions")
    if mode in _MAPS:
        for what in ("analysis positions", "x coordinates in the full map", "y coordinates in the full map"):
            lines.count(f"number of {what}")
    header = Experiment(institution, instrument, operator, identifier, comment, mode, scan_mode)
    count = lines.count("number of experimental variables")
    header.variables = [(lines.text("variable label"), lines.text("variable units")) for _ in range(count)]
    listed = lines.count("number of entries in the inclusion or exclusion list", least=-40)
    header.listed_are_included = listed > 0
    header.listed = frozenset(lines.count("number of a block parameter", least=1) for _ in range(abs(listed)))
    lines.several(lines.count("number of manually entered items"), "number of a manually entered item")
    future = lines.count("number of future upgrade experiment entries")
    header.future_entries = lines.count("number of future upgrade block entries")
    lines.several(future, "future upgrade experiment entry")
    header.blocks = lines.count("number of blocks")
    return header


def blocks(lines: Lines, header: Experiment, limits: Limits) -> Iterator[Block]:
    """Yield the blocks of a file; the last may be short of the ordinates that it promises.

    Raises
    ------
    ParseError
        At the first block that cannot be read; the format has no mark from which to go on.
    """
    if header.blocks > limits.members:
        raise LimitExceeded(f"{header.blocks} blocks", line=lines.number, expected=f"at most {limits.members}")
    first: Block | None = None
    for _ in range(header.blocks):
        block = _block(lines, header, first)
        first = first or block
        yield block
        if block.ordinates.size < block.promised:
            return


def _block(lines: Lines, header: Experiment, first: Block | None) -> Block:
    block = Block(lines.text("block identifier"), lines.text("sample identifier"), lines.number)
    block.items = dict(first.items) if first else {}
    for part in PARTS:
        if first is not None and not header.includes(part.number):
            continue
        if special := _SPECIAL.get(part.number):
            block.items |= special(lines, header)
        elif part.when(header.mode, str(block.items.get("technique", ""))):
            for name in part.names:
                block.items[name] = lines.text(name) if part.text else lines.value(name)
    lines.several(header.future_entries, "future upgrade block entry")
    _ordinates(lines, block)
    return block


def _ordinates(lines: Lines, block: Block) -> None:
    """Read the values of a block, as many whole points as there are."""
    width = len(block.items["corresponding variables"])
    block.promised = lines.count("number of ordinate values", least=1)
    if block.promised % width:
        raise CorruptFile(
            f"there are {block.promised} ordinate values", line=lines.number, expected=f"a multiple of {width}"
        )
    block.ranges = [(lines.value("minimum ordinate"), lines.value("maximum ordinate")) for _ in range(width)]
    start = lines.position
    rows = lines.lines[start : start + block.promised]
    rows = rows[: len(rows) // width * width]
    try:
        values = np.array(rows, dtype=np.float64)
    except ValueError:
        wrong = next(index for index, row in enumerate(rows) if not _is_number(row))
        if rows[wrong].strip() == TERMINATOR:
            raise TruncatedFile(
                f"the block has {wrong} ordinate values", line=start + wrong + 1, expected=f"{block.promised}"
            ) from None
        raise CorruptFile(
            f"the line reads {rows[wrong].strip()[:40]!r}", line=start + wrong + 1, expected="an ordinate value"
        ) from None
    lines.position = start + len(rows)
    block.ordinates = values.reshape(-1, width)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
