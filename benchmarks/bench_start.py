"""What it costs to begin: importing the package, asking the command for help, identifying a file."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from timing import corpus

TITLE = "Start (a new process each)"


def fresh(*arguments: str) -> float:
    """Return the shortest duration of five runs of a Python process in ms."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def rows() -> Iterator[Mapping[str, object]]:
    command = "from interlayer.cli import main; main()"
    tasks = {"python alone": ("-c", "pass"), "import interlayer": ("-c", "import interlayer")}
    tasks["interlayer --help"] = ("-c", command, "--help")
    tasks["interlayer formats"] = ("-c", command, "formats")
    if (folder := corpus()) is not None:
        file = folder / "cycling/yadg/gcpl.mpr"
        tasks["interlayer identify, one .mpr"] = ("-c", command, "identify", str(file))
        tasks["interlayer read, the same .mpr"] = ("-c", command, "read", str(Path(file)))
    for title, arguments in tasks.items():
        yield {"task": title, "best of 5": f"{fresh(*arguments):.0f} ms"}
