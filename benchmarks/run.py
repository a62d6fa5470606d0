"""Measure against named peers, side by side in one run, and write ``docs/performance.md``.

Usage: ``make bench``. Every ``bench_*.py`` in this folder has ``TITLE`` and ``rows()``, which yields mappings with the
columns of its table.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from timing import machine

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"


def table(rows: Iterable[Mapping[str, object]]) -> list[str]:
    rows = list(rows)
    if not rows:
        return ["No file to measure: set `INTERLAYER_CORPUS`, see [contributing](contributing.md)."]
    head = list(rows[0])
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return [*lines, *(f"| {' | '.join(str(row[key]) for key in head)} |" for row in rows)]


def main() -> None:
    sys.path.insert(0, str(HERE))
    lines = [
        "# Performance",
        "",
        "Written by `make bench`: best of several calls after a first one, all in one process of one environment,",
        "on the same files.",
        "",
        *(f"- {fact}" for fact in machine()),
    ]
    for path in sorted(HERE.glob("bench_*.py")):
        module = importlib.import_module(path.stem)
        lines += ["", f"## {module.TITLE}", "", *str(module.__doc__).strip().splitlines(), "", *table(module.rows())]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
