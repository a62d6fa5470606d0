"""The header of an XDI file: version, ``Namespace.tag: value`` fields, comments, column labels, and their rules.

The rules are those of the specification's own suite of broken files: what breaks the grammar is refused, a field with
a bad value costs that value and gives a finding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from ._source import Source
from ._xas import EDGE, ELEMENTS
from .errors import CorruptFile, TruncatedFile
from .findings import Severity

_VERSION = re.compile(r"#\s*XDI/(\d+(?:\.\d+)*)\s*(.*)")
_FIELD = re.compile(r"([A-Za-z][\w-]*\.[\w-]+)\s*:\s*(\S.*)")
_COMMENTS_BEGIN = re.compile(r"#\s*/{3,}.*")
_HEADER_ENDS = re.compile(r"#\s*-{3,}\s*")
_NUMBER_BEGINS = re.compile(r"[-+.]?\d|[-+]?(nan|inf)\b", re.IGNORECASE)
_FOREIGN_COMMENT = re.compile(r"[!%;*$\"']")
_OUTER = re.compile(r"#\s*Outer\.value\s*:\s*(\S.*)", re.IGNORECASE)

# Header lines of beamlines that break the grammar in a known, harmless way.
_VENDOR_LINES = (
    re.compile(r"Describe\.(Column\.\d+)\s*:\s*(\S.*)"),  # Australian Synchrotron, MEX2
    re.compile(r"(Samples)\s*:\s*(\[.*\])"),  # the same
)

# Field names of drafts and of beamline software, and the one of the dictionary.
_ALIASES = {
    "scan.element": "element.symbol",
    "scan.edge": "element.edge",
    "scanparameters.element": "element.symbol",
    "scanparameters.edge": "element.edge",
    "mono.dspacing": "mono.d_spacing",
    "monochromator.dspacing": "mono.d_spacing",
    "monochromator.name": "mono.name",
}


@dataclass(frozen=True)
class Rule:
    """What the value of a field must look like, and what is said when it does not."""

    tag: str
    pattern: re.Pattern[str]
    expected: str
    severity: Severity
    required: bool = False


_SPACING = re.compile(r"(\d+\.?\d*|\.\d+)\s*(?:A|angstroms?)?\.?", re.IGNORECASE)
_TEMPERATURE = re.compile(r"[-+]?\d+\.?\d*\s*[KCF]|room temperature|RT", re.IGNORECASE)
_RULES = (
    Rule("element.symbol", re.compile("|".join(sorted(ELEMENTS))), "an element", "warning", required=True),
    Rule("element.edge", EDGE, "an edge such as K or L3", "warning", required=True),
    Rule("mono.d_spacing", _SPACING, "a spacing in angstrom", "warning", required=True),
    Rule("sample.temperature", _TEMPERATURE, "a number and K, C or F", "info"),
    Rule("facility.energy", re.compile(r"\d+\.?\d*\s*[MGmg]e[Vv]"), "a number and GeV", "info"),
    Rule("facility.current", re.compile(r"\d+\.?\d*\s*m?[Aa]"), "a number and mA", "info"),
)
_TIMES = ("scan.start_time", "scan.end_time")
_RECOMMENDED = ("facility.name", "facility.xray_source", "beamline.name", "scan.start_time")


@dataclass
class Header:
    """The header of one file.

    Parameters
    ----------
    version, applications : str
        From the first line.
    fields : dict of str to str
        By lower-case ``namespace.tag`` of the dictionary; values that break a rule are absent.
    original : dict of str to str or list of str
        As the file spells them, for ``original_metadata``.
    comments : list of str
    labels : list of str
        Of the line of column labels, empty when there is none.
    start : int
        Index of the first line of data.
    """

    version: str
    applications: str
    fields: dict[str, str] = field(default_factory=dict)
    original: dict[str, str | list[str]] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    start: int = 0


def outer_value(line: str) -> str | None:
    """Return the value of the outer scan that a line between rows of data sets, or None."""
    found = _OUTER.fullmatch(line.strip())
    return found[1].strip() if found else None


def read_header(source: Source) -> Header:
    """Return the header of an XDI file, having noted what is missing or invalid in it.

    Raises
    ------
    CorruptFile
        If the first line is not ``# XDI/...`` or a line of the header breaks the grammar.
    TruncatedFile
        If there is no row of data.
    """
    lines = source.text.lines
    first = next(index for index, line in enumerate(lines) if line.strip())
    opening = _VERSION.fullmatch(lines[first].strip())
    if opening is None:
        raise CorruptFile(
            f"the file begins with {lines[first][:40]!r}", line=first + 1, expected="# XDI/1.0", path=source.path
        )
    header = Header(opening[1], opening[2].strip())
    section, ignored, ended = "fields", 0, False
    for index, line in enumerate(lines[first + 1 :], start=first + 1):
        text = line.strip()
        if not text.startswith("#"):
            if _NUMBER_BEGINS.match(text):
                header.start = index
                break
            ignored += _ignorable(text, index)
        elif _HEADER_ENDS.fullmatch(text):
            section, ended = "labels", True
        elif _COMMENTS_BEGIN.fullmatch(text):
            section = "comments"
        elif body := text.lstrip("#").strip():
            _take(header, section, body, index)
    else:
        raise TruncatedFile("there is no row of data", line=len(lines), expected="rows of numbers", path=source.path)
    if ignored:
        source.note("ignored-lines", "warning", f"{ignored} header lines do not begin with '#' and were left out.")
    if not ended:
        source.note("no-header-end", "warning", "No line of minus signs ends the header.")
        header.labels = header.comments[-1].split() if header.comments else []
    _judge(source, header)
    return header


def _ignorable(text: str, index: int) -> int:
    if text and not _FOREIGN_COMMENT.match(text):
        raise CorruptFile(f"a header line reads {text[:40]!r}", line=index + 1, expected="'#' or a row of numbers")
    return 1 if text else 0


def _take(header: Header, section: str, body: str, index: int) -> None:
    """Add what one line of the header says."""
    if section == "labels":
        # Only the last line before the data names the columns; outer scans put theirs between.
        header.labels = body.split()
        return
    if section == "comments":
        header.comments.append(body)
        return
    found = _FIELD.fullmatch(body)
    if found is None:
        vendor = next((match for pattern in _VENDOR_LINES if (match := pattern.fullmatch(body))), None)
        if vendor is None:
            raise CorruptFile(
                f"a header line reads {body[:60]!r}",
                line=index + 1,
                expected="`Namespace.tag: value`",
                remedy="move free text below a line `# ///`",
            )
        header.original[vendor[1]] = vendor[2]
        header.fields[f"describe.{vendor[1].lower()}"] = vendor[2]
        return
    name, value = found[1], found[2].strip()
    before = header.original.get(name)
    if before is None:
        header.original[name] = value
    else:
        header.original[name] = [*(before if isinstance(before, list) else [before]), value]
    # Beamline software appends the name of the control variable after two bars.
    header.fields[_ALIASES.get(name.lower(), name.lower())] = value.split("||")[0].strip()


def _judge(source: Source, header: Header) -> None:
    """Note what is missing or invalid, and drop the invalid values."""
    for rule in _RULES:
        value = header.fields.get(rule.tag)
        if value is None:
            if rule.required:
                source.note("missing-metadata", "warning", f"{rule.tag} is missing.")
        elif not rule.pattern.fullmatch(value):
            del header.fields[rule.tag]
            source.note("invalid-metadata", rule.severity, f"{rule.tag} is {value!r}, not {rule.expected}.")
    for tag in _TIMES:
        if tag in header.fields and (time := _iso(header.fields[tag])) is None:
            source.note("invalid-metadata", "warning", f"{tag} is {header.fields.pop(tag)!r}, not an ISO 8601 time.")
        elif tag in header.fields and time:
            header.fields[tag] = time
    tags = {name.lower() for name in header.original}
    if lacking := [tag for tag in _RECOMMENDED if tag not in tags]:
        source.note("missing-recommended", "info", f"The recommended fields {', '.join(lacking)} are missing.")


def _iso(value: str) -> str | None:
    try:
        return datetime.fromisoformat(value).isoformat()
    except ValueError:
        return None


def d_spacing(header: Header) -> float | None:
    """Return the lattice spacing of the monochromator in angstrom, or None when the file does not state it."""
    found = _SPACING.fullmatch(header.fields.get("mono.d_spacing", ""))
    return float(found[1]) if found and float(found[1]) > 0 else None
