"""Names of X-ray lines as files and people write them, and what else lies at the same energy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import NotAnalysable

_NAME = re.compile(r"([A-Z][a-z]?)[\s_-]*([KLM])[\s_-]*(a|b|α|β)?[\s_-]*\d?")
_GREEK = {"α": "a", "β": "b", None: ""}


@dataclass(frozen=True)
class XrayLine:
    """One line or family of lines.

    Parameters
    ----------
    element : str
        Symbol.
    shell : str
        ``"K"``, ``"L"`` or ``"M"``.
    greek : str
        ``"a"``, ``"b"`` or ``""`` where the name does not say; the strongest, alpha, is meant then.
    """

    element: str
    shell: str
    greek: str = ""

    def __str__(self) -> str:
        return f"{self.element} {self.shell}{self.greek}"

    def is_part_of(self, other: XrayLine) -> bool:
        """Whether the lines share a peak of one element: alpha and a name without a Greek letter do."""
        own, its = self.greek or "a", other.greek or "a"
        return (self.element, self.shell, own) == (other.element, other.shell, its)


def parse_line(name: str) -> XrayLine | None:
    """Return the line of a name, None if it is none.

    Examples
    --------
    >>> [str(parse_line(name)) for name in ("Co_Ka", "S K", "ZrLα1", "HAADF")]
    ['Co Ka', 'S K', 'Zr La', 'None']
    """
    match = _NAME.fullmatch(name.strip())
    return None if match is None else XrayLine(match[1], match[2], _GREEK.get(match[3], match[3] or ""))


def line_energy(name: str) -> float:
    """Return the energy of a line in eV, the mean over its components by their intensities.

    Raises
    ------
    NotAnalysable
        If the name is no line or the element has none such.

    References
    ----------
    .. [1] Elam, Ravel, Sieber, Radiat. Phys. Chem. 63 (2002) 121, doi:10.1016/S0969-806X(01)00227-4.

    Examples
    --------
    >>> round(line_energy("Co_Ka"))
    6926
    """
    import xraydb

    line = parse_line(name)
    if line is None:
        raise NotAnalysable(f"{name!r} is no X-ray line; expected a name such as 'Co_Ka'")
    start = f"{line.shell}{line.greek or 'a'}"
    try:
        lines = xraydb.xray_lines(line.element)
    except (ValueError, KeyError) as error:
        raise NotAnalysable(f"{line.element!r} in {name!r} is no element") from error
    parts = [value for key, value in lines.items() if key.startswith(start)]
    weight = sum(part.intensity for part in parts)
    if weight <= 0:
        raise NotAnalysable(f"{name!r} is not a line of the table of {line.element}")
    return float(sum(part.energy * part.intensity for part in parts) / weight)


# Pairs within 1.3 times the resolution of an energy-dispersive detector: 60 eV at O K, 90 at S K, 140 at Co Ka.
OVERLAPS: tuple[tuple[str, str], ...] = (
    ("P K", "Zr L"), ("S K", "Mo L"), ("S K", "Pb M"), ("Co Ka", "Fe Kb"), ("Ni Ka", "Co Kb"), ("Al K", "Br L"),
    ("Fe Ka", "Mn Kb"), ("Mn Ka", "Cr Kb"), ("Cr Ka", "V Kb"), ("V Ka", "Ti Kb"), ("Si K", "Ta M"), ("Si K", "W M"),
    ("Si K", "Sr L"), ("Ti Ka", "Ba La"), ("O K", "V L"), ("Na K", "Zn L"), ("Na K", "Ga L"), ("Mg K", "Ge L"),
    ("Mg K", "As L"), ("F K", "Fe L"), ("F K", "Mn L"),
)  # fmt: skip
"""Lines that an energy-dispersive detector does not tell apart."""

STRAY = {
    "Cu": "the support grid and the holder",
    "Ga": "the ion beam that cut the lamella",
    "Pt": "the protective cap of the lamella",
    "W": "the protective cap of the lamella",
    "C": "the support film and contamination under the beam",
    "Si": "the detector and oil",
}
"""Elements that the microscope or the preparation adds to every spectrum, and where from."""

INVISIBLE = ("H", "He", "Li")
"""Elements without an X-ray that reaches the detector."""


def line_warnings(lines: Sequence[str], elements: Sequence[str] = ()) -> tuple[str, ...]:
    """Return sentences about lines that may not show what their name says.

    Parameters
    ----------
    lines : sequence of str
        Lines that are analysed. Names that are no line are passed over.
    elements : sequence of str
        Other elements of the sample.
    """
    known = [line for line in map(parse_line, lines) if line is not None]
    present = {line.element for line in known} | set(elements)
    notes = []
    for line in known:
        for pair in OVERLAPS:
            for own, other in (pair, pair[::-1]):
                own_line, other_line = parse_line(own), parse_line(other)
                if own_line and other_line and line.is_part_of(own_line) and other_line.element in present:
                    notes.append(f"{line} lies under {other_line}: both elements are counted in its window.")
        if line.element in STRAY:
            notes.append(f"{line} also comes from {STRAY[line.element]}; its profile need not be that of the sample.")
    notes += [
        f"{name} emits no X-ray that the detector sees; its profile is not known."
        for name in INVISIBLE
        if name in present
    ]
    return tuple(dict.fromkeys(notes))
