"""Layers in micrographs: one image from pixels to a thickness with its uncertainty, and sampling along normals.

The image is simulated: an arc of 17 nm at 0.2 nm a pixel, 40, 18 and 6 electrons a pixel. The peer of the sampling is
`skimage.measure.profile_line` in a loop, which is how profiles across a layer are usually taken, with the same samples
on both sides: one row of pixels a profile, or the mean of five.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np
from timing import best_of

TITLE = "Layers in micrographs"

SIZES = (1024, 4096)
PROFILES, LENGTH, WIDTHS = 1000, 300, (1, 5)


def image(size: int) -> object:
    """Return an image Dataset with a layer on an arc through its centre."""
    import xarray as xr

    from interlayer.parsers.schema import build
    from interlayer.sample_data.simulators.tem import Detector, Layer, simulate

    grey, _ = simulate(Layer(radius=0.4 * size), Detector(size=size), 1)
    axes = {name: xr.Variable(name, 0.2 * np.arange(size), {"units": "nm"}) for name in ("y", "x")}
    return build("image", {"intensity": grey, **axes}, calibrated=1)


def sampling(width: int) -> tuple[float, float]:
    """Return the shortest duration in ms of 1000 profiles sampled at once, and of as many calls of the peer."""
    from skimage.measure import profile_line

    from interlayer.analysis.tem.profiles import block_means, sample_band
    from interlayer.analysis.tem.trace import Interface

    grey = np.random.default_rng(1).poisson(20.0, (4096, 4096)).astype(np.float32)
    turn = np.linspace(0.0, 2 * np.pi, PROFILES * width, endpoint=False)
    normal = np.stack([np.sin(turn), np.cos(turn)], axis=1)
    position = 2048.0 + 1200.0 * normal
    curve = Interface(1200.0 * turn, position, normal, 1200.0)
    distance = np.arange(-LENGTH / 2, LENGTH / 2)
    ours = best_of(lambda: block_means(sample_band(grey, (1.0, 1.0), curve, distance), width), 5)
    ends = [(p - n * LENGTH / 2, p + n * LENGTH / 2) for p, n in zip(position[::width], normal[::width], strict=True)]
    theirs = best_of(lambda: [profile_line(grey, a, b, linewidth=width, order=1, mode="constant") for a, b in ends], 1)
    return ours, theirs


def rows() -> Iterator[Mapping[str, object]]:
    from interlayer.analysis.tem import layer_thickness

    for size in SIZES:
        ds = image(size)
        cpu = time.process_time()
        wall = best_of(lambda ds=ds: layer_thickness(ds), 3)
        cpu = (time.process_time() - cpu) / 4 * 1e3
        yield _row(
            f"thickness with uncertainty, {size} x {size}", f"{wall:.0f} ms ({cpu:.0f} ms of processor)", "-", "-"
        )
    for width in WIDTHS:
        ours, theirs = sampling(width)
        task = f"{PROFILES} profiles of {LENGTH} x {width} pixels out of 4096 x 4096"
        yield _row(task, f"{ours:.1f} ms", f"{theirs:.0f} ms", f"{theirs / ours:.0f}")


def _row(task: str, ours: str, theirs: str, ratio: str) -> Mapping[str, object]:
    return {"task": task, "interlayer": ours, "skimage.measure.profile_line": theirs, "times faster": ratio}


if __name__ == "__main__":
    for row in rows():
        print(*row.values(), sep=" | ")
