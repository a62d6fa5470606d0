"""Core levels: the lines that a level splits into, read from ``core_levels.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_ORBITAL = {"p": 1, "d": 2, "f": 3}
_LEVEL = re.compile(r"([A-Z][a-z]?)\s*(\d)([spdf])(?:\s?\d/2)?")


@dataclass(frozen=True)
class Multiplet:
    """The lines of a core level.

    Parameters
    ----------
    offsets : tuple of float
        Binding energy of each line less that of the main line, eV.
    shares : tuple of float
        Part of the area in each line; they sum to 1.
    own_width : bool
        Whether the second line has a Lorentzian width of its own.
    """

    offsets: tuple[float, ...] = (0.0,)
    shares: tuple[float, ...] = (1.0,)
    own_width: bool = False


def multiplet(core_level: str) -> Multiplet:
    """Return the lines of a core level such as ``"Ti 2p"``; a single line for s levels and levels not listed.

    Examples
    --------
    >>> multiplet("Ti 2p3/2").offsets
    (0.0, 5.72)
    >>> multiplet("Al 2s")
    Multiplet(offsets=(0.0,), shares=(1.0,), own_width=False)
    """
    found = _LEVEL.fullmatch(core_level.strip())
    if not found or found[3] == "s":
        return Multiplet()
    row = _table().get(f"{found[1]} {found[2]}{found[3]}")
    if row is None:
        return Multiplet()
    orbital = _ORBITAL[found[3]]
    whole = 2 * orbital + 1
    return Multiplet((0.0, row["splitting"]), ((orbital + 1) / whole, orbital / whole), row["width"] == "own")


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("core_levels.toml").read_text(encoding="utf-8"))
