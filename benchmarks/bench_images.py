"""Reading electron micrographs: our readers against RosettaSciIO's, and what importing either costs.

Ours includes what the peer does not do: the SHA-256 of the file, coordinates in nm and the check of the vocabulary,
about 2 ms together, so small TIFF files come out slower.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial

from timing import best_of, corpus

TITLE = "Images (DM3, DM4, TIFF)"

FOLDER = "tem/rosettasciio"
FILES = (
    ("DM3, 68 x 68", f"{FOLDER}/digitalmicrograph/2D/test_STEM_image.dm3", "rsciio.digitalmicrograph"),
    ("DM3, 512 x 512", f"{FOLDER}/digitalmicrograph/2D/multi_signal.dm3", "rsciio.digitalmicrograph"),
    ("DM4, EELS map", f"{FOLDER}/digitalmicrograph/3D/EELS_SI.dm4", "rsciio.digitalmicrograph"),
    ("TIFF of ImageJ, 1024 x 1024", "tem/synthetic/layer17_R400.tif", "rsciio.tiff"),
)
IMPORTS = (
    ("import alone", "", "rsciio.digitalmicrograph"),
    ("first image: import and read, DM3", FILES[1][1], "rsciio.digitalmicrograph"),
    ("first image: import and read, TIFF", FILES[3][1], "rsciio.tiff"),
)
# The peak of this process alone: ru_maxrss would report that of the parent as well.
_MEMORY = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"


def fresh(code: str, repeats: int = 3) -> tuple[float, int]:
    """Return duration in ms and peak memory in MB of a script in a new interpreter, with the interpreter's start."""
    best, memory = float("inf"), 0
    for _ in range(repeats):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", f"{code}\n{_MEMORY}"], check=True, capture_output=True, text=True)
        best = min(best, time.perf_counter() - start)
        memory = int(done.stdout.split()[-1]) // 1024
    return best * 1e3, memory


def rows() -> Iterator[Mapping[str, object]]:
    folder = corpus()
    if folder is None:
        return
    from importlib import import_module

    from interlayer.parsers import read_tree

    for title, name, module in FILES:
        path = folder / name
        peer = import_module(module).file_reader
        ours, theirs = best_of(partial(read_tree, path)), best_of(partial(peer, str(path)))
        yield _row(title, f"{ours:.1f} ms", f"{theirs:.1f} ms", theirs / ours)
    for title, name, module in IMPORTS:
        path = str(folder / name)
        ours, small = fresh("from interlayer.parsers import read_tree" + (f"; read_tree({path!r})" if name else ""))
        theirs, large = fresh(f"from {module} import file_reader" + (f"; file_reader({path!r})" if name else ""))
        yield _row(title, f"{ours:.0f} ms, {small} MB", f"{theirs:.0f} ms, {large} MB", theirs / ours)


def _row(task: str, ours: str, theirs: str, ratio: float) -> Mapping[str, object]:
    return {"task": task, "interlayer": ours, "RosettaSciIO": theirs, "times faster": f"{ratio:.2g}"}


if __name__ == "__main__":
    for row in rows():
        print(*row.values(), sep=" | ")
