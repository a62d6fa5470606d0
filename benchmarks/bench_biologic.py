"""Reading BioLogic files: our readers against the floor of numpy and pandas, galvani and yadg.

The floor of a binary file is what any reader must do: read the bytes, view them as rows, copy every column. Ours does
more in that time: it checks lengths, keeps SHA-256 and findings, recovers current and cycles, splits spectra.

A Dataset of fourteen variables costs xarray about 0.7 ms however short the record is, and each spectrum of a file is
one: short records and files with many spectra are therefore further from the floor than long records.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from io import StringIO
from pathlib import Path

import numpy as np
from timing import best_of, corpus, machine

TITLE = "BioLogic (.mpr, .mpt)"

BINARY = (  # file, rows, place of the first one, types of the columns
    ("cycling/yadg/gcpl.mpr", 12_057, 2674, "u1,u2,f8,f8,f8,f4,f4,f8,u4,f8,f8,f8,f8"),
    ("cycling/yadg/gcpl.issue_230.mpr", 19_025, 8358, "u1,u2,f8,f8,f8,f4,f4,f4,u2,f8,u4,f4,f8,f8,f8,f8,f8,f8,f8"),
    ("cycling/cellpy/biol.mpr", 23_561, 3831,
     "u1,u2,u2,f8,f4,f4,f4,f8,f8,f8,f4,f4,f4,f8,u4,f4,f4,f4,f4,f4,f4,f4,f4,f4,f4,f4,u4,f8,f8,f8,f8"),
    ("eis/yadg/vsp_peis_with.mpr", 2_240, 7815, "f4,f4,f4,f4,f4,f8,f4,f4,f4,f4,f8,u2,f4,f4,u2,f8,f4,f4"),
)  # fmt: skip
TEXT = (  # file, rows, lines of header
    ("cycling/yadg/gcpl.issue_211.mpt", 2_767, 80),
    ("cycling/yadg/mb.mpt", 1_588, 91),
    ("eis/yadg/vsp_peis_with.mpt", 2_240, 3),
)


LONG = (BINARY[1], 20)  # which of the files, and how many times its rows are put one after another


def lengthened(path: Path, count: int, place: int, columns: str, times: int) -> bytes:
    """Return a file whose data module holds its rows several times, as a test of some months leaves it."""
    data = path.read_bytes()
    width = np.dtype(columns).itemsize
    module = data.rindex(b"MODULE", 0, place)
    long_header = data[module + 41 : module + 45] == b"\xff\xff\xff\xff"
    length_at = module + (45 if long_header else 41)
    content_at = module + (65 if long_header else 57)
    length = int.from_bytes(data[length_at : length_at + 4], "little") + (times - 1) * count * width
    parts = (
        data[:length_at],
        length.to_bytes(4, "little"),
        data[length_at + 4 : content_at],
        (times * count).to_bytes(4, "little"),
        data[content_at + 4 : place],
        data[place : place + count * width] * times,
        data[place + count * width :],
    )
    return b"".join(parts)


def floor_binary(path: Path, count: int, place: int, columns: str) -> list[np.ndarray]:
    table = np.frombuffer(path.read_bytes(), np.dtype(columns), count, place)
    return [np.ascontiguousarray(table[name]) for name in table.dtype.names]


def floor_text(path: Path, header: int) -> object:
    import pandas as pd

    lines = path.read_bytes().decode("cp1252").splitlines()
    return pd.read_csv(StringIO("\n".join(lines[header:])), sep="\t", header=None)


def peer(module: str, call: Callable[[object], object]) -> float | str:
    """Return the best time of another reader in ms, or why there is none."""
    try:
        loaded = import_module(module)
    except ImportError:
        return "not installed"
    try:
        return best_of(lambda: call(loaded), repeat=5)
    except Exception as error:
        return f"fails: {type(error).__name__}"


def rows() -> Iterator[Mapping[str, object]]:
    folder = corpus()
    if folder is None:
        return
    for name, count, place, columns in BINARY:
        path = folder / name
        yield from _compared(path, count, best_of(lambda p=path, c=count, o=place, k=columns: floor_binary(p, c, o, k)))
    yield from _long(folder)
    for name, count, header in TEXT:
        path = folder / name
        yield from _compared(path, count, best_of(lambda p=path, h=header: floor_text(p, h), repeat=5))


def _long(folder: Path) -> Iterator[Mapping[str, object]]:
    (name, count, place, columns), times = LONG
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / f"{times}x_{Path(name).name}"
        path.write_bytes(lengthened(folder / name, count, place, columns, times))
        floor = best_of(lambda: floor_binary(path, times * count, place, columns))
        yield from _compared(path, times * count, floor)


def _compared(path: Path, count: int, floor: float) -> Iterator[Mapping[str, object]]:
    from interlayer.parsers import Source, biologic_mpr, biologic_mpt, read_tree

    binary = path.suffix == ".mpr"
    reader = biologic_mpr if binary else biologic_mpt
    repeat = 15 if binary else 5
    times: list[tuple[str, float | str]] = [
        ("floor: numpy" if binary else "floor: pandas", floor),
        ("interlayer, reader", best_of(lambda: list(reader.read(Source(path))), repeat)),
        ("interlayer, read_tree", best_of(lambda: read_tree(path), repeat)),
    ]
    if binary:
        times.append(("galvani", peer("galvani.BioLogic", lambda g: g.MPRfile(str(path)))))
    kind = "eclab.mpr" if binary else "eclab.mpt"
    times.append(("yadg", peer("yadg.extractors", lambda y: y.extract(filetype=kind, path=str(path)))))
    for tool, time in times:
        known = isinstance(time, float)
        yield {
            "file": f"{path.name} ({count} rows)",
            "tool": tool,
            "best": f"{time:.2f} ms" if known else time,
            "times the floor": f"{time / floor:.1f}" if known else "",
        }


if __name__ == "__main__":
    print(*machine(), sep="\n")
    for row in rows():
        print(" | ".join(f"{value!s:<{width}}" for value, width in zip(row.values(), (36, 22, 20, 8), strict=True)))
