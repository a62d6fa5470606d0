"""Shared by all benchmarks: how long a call takes, on what machine, and where the real files are."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

_PLACES = (os.environ.get("INTERLAYER_CORPUS", ""), Path(__file__).parents[2] / "shared" / "corpus")


def corpus() -> Path | None:
    """Return the folder of real files, or None."""
    return next((Path(place) for place in _PLACES if place and (Path(place) / "corpus.tsv").is_file()), None)


def best_of(func: Callable[[], object], repeat: int = 15) -> float:
    """Return the shortest duration of a call in ms, after one that does not count."""
    func()
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        func()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def machine() -> list[str]:
    """Return what the figures depend on: processor, system, Python and numpy."""
    import numpy as np

    model = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).is_file():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return [
        f"{model}, {os.cpu_count()} processors{load}",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, numpy {np.__version__}",
    ]
