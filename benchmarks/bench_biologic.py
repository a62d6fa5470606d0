"""Reading BioLogic files: our readers against the floor of numpy and pandas, galvani and yadg.

The floor of a binary file is what any reader must do: read the bytes, view them as rows, copy every column. Ours does
more in that time: it checks lengths, keeps SHA-256 and findings, recovers current and cycles, splits spectra.

However short a record is, some 0.4 ms go into its modules, its settings, the columns' places, a Dataset of fourteen
variables and its checks, and 0.1 ms into each spectrum of a file. So records of ten thousand rows are further from the
floor than those of a hundred thousand, which take less than the floor, since rows are converted in blocks that stay in
the processor's cache. `read_tree` adds the SHA-256 and the tree. Galvani's reader returns the table as it lies in the
file and copies no column. The ratio is to the first tool of each file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path

import numpy as np
from timing import Call, best_of_each, compared, corpus, show

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


def rows() -> Iterator[Mapping[str, object]]:
    folder = corpus()
    if folder is None:
        return
    for name, count, *layout in BINARY:
        yield from _measured(folder / name, count, partial(floor_binary, folder / name, count, *layout))
    (name, count, *layout), times = LONG
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / f"{times}x_{Path(name).name}"
        path.write_bytes(lengthened(folder / name, count, *layout, times))
        yield from _measured(path, times * count, partial(floor_binary, path, times * count, *layout), repeat=7)
    for name, count, header in TEXT:
        yield from _measured(folder / name, count, partial(floor_text, folder / name, header), repeat=3)


def _measured(path: Path, count: int, floor: Call, repeat: int = 25) -> Iterator[Mapping[str, object]]:
    from interlayer.parsers import Source, biologic_mpr, biologic_mpt, read_tree

    binary = path.suffix == ".mpr"
    reader, kind = (biologic_mpr, "eclab.mpr") if binary else (biologic_mpt, "eclab.mpt")
    calls: dict[str, Call] = {
        f"floor: {'numpy' if binary else 'pandas'}": floor,
        "interlayer, reader": lambda: list(reader.read(Source(path))),
        "interlayer, read_tree": lambda: read_tree(path),
        "yadg": lambda: import_module("yadg.extractors").extract(filetype=kind, path=str(path)),
    }
    if binary:
        calls["galvani"] = lambda: import_module("galvani.BioLogic").MPRfile(str(path))
    yield from compared(f"{path.name} ({count} rows)", best_of_each(calls, repeat))


if __name__ == "__main__":
    show(rows())
