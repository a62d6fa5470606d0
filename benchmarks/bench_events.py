"""X-ray maps stored as streams of events: the first call in a new process, and a later one.

Importing is left out on both sides: xarray, h5py, numba and sparse are loaded before the clock starts. The peer
compiles its decoder in the first call and makes a dense or sparse cube; ours keeps the events, with coordinates, checks
and SHA-256. Memory is what the process gains from the import to the end of the first call.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping

from timing import corpus

TITLE = "X-ray maps (Velox, JEOL)"

FILES = (
    (
        "Velox, 16 x 16 pixels, 6564 events",
        "tem/SciFiReaders/tests/readers/microscopy/em/tem/EMDReader_SpectrumImage_Si.emd",
        "rsciio.emd",
    ),
    (
        "JEOL, 512 x 512 pixels, 308 261 events",
        "tem/rosettasciio/jeol/Sample/00_View000/View000_0000006.pts",
        "rsciio.jeol",
    ),
)
_CODE = """
import logging, sys, time, warnings
warnings.simplefilter("ignore")
logging.disable()
import h5py, numpy, xarray
{load}
def peak():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))) / 1024
before = peak()
durations = []
for _ in range(4):
    start = time.perf_counter()
    read({path!r})
    durations.append((time.perf_counter() - start) * 1e3)
    if len(durations) == 1:
        gained = peak() - before
print(durations[0], min(durations[1:]), gained)
"""


def measured(load: str, path: str) -> tuple[float, float, float]:
    """Return first and best later call in ms, and memory gained by the first in MB; best of three processes."""
    runs = []
    for _ in range(3):
        code = _CODE.format(load=load, path=path)
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        first, later, gained = map(float, done.stdout.split()[-3:])
        runs.append((first, later, gained))
    return min(run[0] for run in runs), min(run[1] for run in runs), min(run[2] for run in runs)


def rows() -> Iterator[Mapping[str, object]]:
    folder = corpus()
    if folder is None:
        return
    for title, name, module in FILES:
        path = str(folder / name)
        ours = measured("from interlayer.parsers import read_tree as read", path)
        peers = "import numba, sparse\n" if module == "rsciio.emd" else "import numba\n"
        theirs = measured(f"{peers}from {module} import file_reader as read", path)
        for call, mine, other in (("first call", ours[0], theirs[0]), ("later call", ours[1], theirs[1])):
            gain = call == "first call"
            yield {
                "task": f"{title}, {call}",
                "interlayer": f"{mine:.1f} ms" + (f", {ours[2]:.0f} MB" if gain else ""),
                "RosettaSciIO": f"{other:.1f} ms" + (f", {theirs[2]:.0f} MB" if gain else ""),
                "times faster": f"{other / mine:.2g}",
            }
        yield {
            "task": f"{title}, our later call against the peer's first",
            "interlayer": f"{ours[1]:.1f} ms",
            "RosettaSciIO": f"{theirs[0]:.1f} ms",
            "times faster": f"{theirs[0] / ours[1]:.0f}",
        }


if __name__ == "__main__":
    for row in rows():
        print(*row.values(), sep=" | ")
