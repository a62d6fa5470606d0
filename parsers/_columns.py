"""Column names: what people vary in them, the unit they carry, and the lines of which column maps are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .errors import UnsupportedContent
from .units import conversion

# Units written into a name with an underscore, as Battery Data Format and many scripts do: voltage_volt, Current_A.
_SUFFIXES = {
    "second": "s", "seconds": "s", "s": "s", "sec": "s", "ms": "ms", "millisecond": "ms", "minute": "min", "hour": "h",
    "h": "h", "hertz": "Hz", "hz": "Hz", "volt": "V", "v": "V", "mv": "mV", "ampere": "A", "amp": "A", "a": "A",
    "ma": "mA", "ah": "A h", "mah": "mA h", "wh": "W h", "mwh": "mW h", "watt": "W", "ohm": "ohm", "ohms": "ohm",
    "degree": "degree", "deg": "degree", "celsius": "degC", "degc": "degC", "kelvin": "K",
}  # fmt: skip
_WITH_UNIT = tuple(
    re.compile(pattern)
    for pattern in (r"(.+?)\s*\[([^\]]*)\]$", r"(.+?)\s*\(([^()]*)\)$", r"(.+?)\s*/\s*([^/()\[\]]+)$", r"(.+), (\S+)$")
)
_PRIMES = re.compile("[\N{PRIME}\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}`\N{ACUTE ACCENT}]")
_CACHED = 4096  # names: files repeat those of their vendor
_DOUBLE = re.compile('\N{DOUBLE PRIME}|\N{RIGHT DOUBLE QUOTATION MARK}|"')


@dataclass(frozen=True)
class Column:
    """One line of a column map: a vendor's column and the variable that it is.

    Parameters
    ----------
    vendor : str or tuple of str
        Names of the column without unit; compared by `fold`, so case, spaces, ``_`` and ``.`` do not count.
    name : str
        Name that the reader uses, usually one of the vocabulary.
    unit : str
        Unit when the file names none, as an instrument spells it; the file's own unit wins.
    required : bool
        Whether a table without it is refused.
    sign : int
        -1 for columns such as ``-Im(Z)``.
    """

    vendor: str | tuple[str, ...]
    name: str
    unit: str = "1"
    required: bool = False
    sign: int = 1

    @property
    def spellings(self) -> tuple[str, ...]:
        """The vendor names as a tuple."""
        return (self.vendor,) if isinstance(self.vendor, str) else self.vendor


@lru_cache(_CACHED)
def fold(name: str) -> str:
    """Return a column name without what people vary: case, spaces, underscores, points and the shape of primes.

    A leading minus stays, since ``-Zim`` is not ``Zim``.

    Examples
    --------
    >>> fold(" Test_Time "), fold("-Im(Z)"), fold("Z\N{DOUBLE PRIME}"), fold('Z"')
    ('testtime', '-im(z)', "z''", "z''")
    """
    text = _unquote(name).casefold()
    text = _DOUBLE.sub("''", _PRIMES.sub("'", text)).replace("\N{MINUS SIGN}", "-")
    sign = "-" if text.startswith("-") else ""
    return sign + re.sub(r"[\s_.:]+|(?<=\w)-(?=\w)", "", text.lstrip("-"))


def _unquote(name: str) -> str:
    # A quote at the end alone is a double prime: Z" of CH Instruments.
    text = name.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] == '"' else text


@lru_cache(_CACHED)
def split_unit(header: str) -> tuple[str, str]:
    """Return name and unit of a header such as ``time/s``, ``Zs' [ohm]``, ``Current(A)``; unit "" where none is known.

    Examples
    --------
    >>> split_unit("Test Time / s"), split_unit("Re(Z)/Ohm"), split_unit("Re(Z)"), split_unit("mAh/g")
    (('Test Time', 's'), ('Re(Z)', 'Ohm'), ('Re(Z)', ''), ('mAh/g', ''))
    >>> split_unit("voltage_volt"), split_unit("Cell_Temperature_C"), split_unit("Z_re")
    (('voltage', 'V'), ('Cell_Temperature', 'degC'), ('Z_re', ''))
    """
    header = _unquote(header)
    for pattern in _WITH_UNIT:
        found = pattern.match(header)
        if found and known(found[2]):
            # "control/V/mA" of EC-Lab is in one or the other, so it names none; "mAh/g" is all unit.
            sliced = "/" in header[found.end(1) : found.start(2)]
            return (header, "") if sliced and known(found[1].rpartition("/")[2]) else (found[1], found[2])
    name, _, suffix = header.rpartition("_")
    if name and suffix == "C" and "temp" in name.casefold():
        return name, "degC"
    if name and suffix.casefold() in _SUFFIXES:
        return name, _SUFFIXES[suffix.casefold()]
    return header, ""


@lru_cache(_CACHED)
def known(unit: str) -> bool:
    """Whether a spelling is a unit of `interlayer.parsers.units`."""
    try:
        conversion(unit)
    except UnsupportedContent:
        return False
    return bool(unit.strip())
