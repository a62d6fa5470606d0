"""Text files with rules of their own, which the general readers of delimited tables must leave alone.

Each of them has columns that look plain and mean something else: a current without sign, times that restart with each
step, three tables woven into one, channel levels instead of impedances.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

HEAD_LINES = 60


@dataclass(frozen=True)
class Vendor:
    """A text format of one vendor, known by a line near its top or by columns that only it has."""

    title: str
    line: str = ""
    columns: frozenset[str] = frozenset()


VENDORS = (
    Vendor("Maccor text (its current has no sign)", columns=frozenset({"dpttime"})),
    Vendor("statistics of cycles by Arbin (one row for each cycle)", columns=frozenset({"vmaxoncycle"})),
    Vendor("Neware csv with cycle, step and record rows in one table", line=r"^,,\s*DataPoint\b"),
    Vendor("PEC csv", line=r"^(Request Year:|#RESULTS CHECK)"),
    Vendor("Basytec text", line=r"^~Resultfile from Basytec"),
    Vendor("Novonix csv", line=r"^(Novonix|\[Protocol\])"),
    Vendor("Digatron csv", line=r"^Digatron"),
    Vendor("ZPlot or ZView", line=r"^\W*(ZPLOT2 ASCII|(ZPlotW|Z60W|ZView Calculated) Data File)"),
    Vendor("Autolab frequency response", line=r"^VERSION\d+\.\d+$"),
    Vendor("VersaStudio", line=r"^<Application>"),
    Vendor("RelaxIS export", line=r"^RelaxIS\b"),
    Vendor("Moku frequency response", line=r"^% Moku"),
    Vendor("Gamry Framework", line=r"^\s*EXPLAIN\b"),
    Vendor("EC-Lab or BT-Lab text", line=r"^\s*(EC|BT)-Lab ASCII FILE"),
    Vendor("JSON", line=r"^\s*[\[{]\s*[\"{\[]"),
    Vendor("XML", line=r"^\s*<(\?xml|!DOCTYPE|[A-Za-z]\w*[ >])"),
)

_ANY_LINE = re.compile("|".join(vendor.line for vendor in VENDORS if vendor.line))


def vendor_of(lines: Sequence[str], columns: Sequence[str] = ()) -> str | None:
    """Return the title of the vendor's format to which a file belongs, or None.

    Parameters
    ----------
    lines : sequence of str
        The file; its first `HEAD_LINES` lines are looked at.
    columns : sequence of str
        Folded names of its columns.

    Examples
    --------
    >>> vendor_of(["ZPLOT2 ASCII"]), vendor_of(["f,Z',Z''"])
    ('ZPlot or ZView', None)
    """
    named = set(columns)
    head = [line for line in lines[:HEAD_LINES] if _ANY_LINE.match(line)]
    for vendor in VENDORS:
        if vendor.columns and vendor.columns <= named:
            return vendor.title
        if vendor.line and any(re.match(vendor.line, line) for line in head):
            return vendor.title
    return None
