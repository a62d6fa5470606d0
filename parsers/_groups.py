"""Names of the groups under which `read_tree` puts the measurements of one file."""

from __future__ import annotations

import re
from collections.abc import Sequence


def group_names(labels: Sequence[str]) -> list[str]:
    """Return unique group names for the labels of spectra: letters, digits and ``+-.=`` stay, the rest becomes ``_``.

    Examples
    --------
    >>> group_names(["Pt 4f", "Pt 4f", " ", "a/b"])
    ['Pt_4f', 'Pt_4f_2', 'spectrum_3', 'a_b']
    """
    names: list[str] = []
    taken: set[str] = set()
    for number, label in enumerate(labels, start=1):
        base = re.sub(r"[^\w.+=-]+", "_", label).strip("_.") or f"spectrum_{number}"
        name, copy = base, 1
        while name in taken:
            copy += 1
            name = f"{base}_{copy}"
        taken.add(name)
        names.append(name)
    return names
