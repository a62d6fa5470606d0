"""Shared by all benchmarks: how long calls take, on what machine, and where the real files are."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

_PLACES = (os.environ.get("INTERLAYER_CORPUS", ""), Path(__file__).parents[2] / "shared" / "corpus")

Call = Callable[[], object]
Duration = float | str
"""In ms, or why there is none."""


def corpus() -> Path | None:
    """Return the folder of real files, or None."""
    return next((Path(place) for place in _PLACES if place and (Path(place) / "corpus.tsv").is_file()), None)


def best_of(func: Call, repeat: int = 15) -> float:
    """Return the shortest duration of a call in ms, after one that does not count."""
    func()
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        func()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def best_of_each(calls: Mapping[str, Call], repeat: int = 15) -> dict[str, Duration]:
    """Return the shortest duration of each call; they take turns, so that what slows the machine hits all of them."""
    _keep_memory()
    best: dict[str, Duration] = {}
    for _ in range(repeat + 1):
        for tool, call in calls.items():
            if isinstance(best.get(tool), str):
                continue
            try:
                start = time.perf_counter()
                call()
                duration = (time.perf_counter() - start) * 1e3
            except ImportError:
                best[tool] = "not installed"
            except Exception as error:
                best[tool] = f"fails: {type(error).__name__}"
            else:
                best[tool] = min(duration, known) if isinstance(known := best.get(tool), float) else duration
    return best


def _keep_memory() -> None:
    """Make the C library keep freed memory, whichever tool freed it.

    It gives memory back to the system according to the largest block that has been freed so far, and fetching it again
    takes longer than decoding: without this, what ran before decides which tool pays for that.
    """
    block = bytearray(30 << 20)
    del block


def compared(task: str, durations: Mapping[str, Duration]) -> Iterator[Mapping[str, object]]:
    """Yield a row of a table for each tool, with its duration in units of that of the first."""
    unit = next(iter(durations.values()))
    for tool, duration in durations.items():
        known = isinstance(duration, float)
        yield {
            "task": task,
            "tool": tool,
            "best": f"{duration:.{2 if duration < 100 else 0}f} ms" if known else duration,
            "ratio": _ratio(duration / unit) if known and isinstance(unit, float) else "",
        }


def _ratio(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def show(rows: Iterable[Mapping[str, object]]) -> None:
    """Print a table of one benchmark, below what the figures depend on."""
    print(*machine(), sep="\n")
    for row in rows:
        print(*(f"{value!s:<{width}}" for value, width in zip(row.values(), (56, 34, 22, 8), strict=True)))


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
