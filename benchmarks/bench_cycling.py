"""Cycling: text files, Arbin and Neware databases, the summary of a long record and symmetric cells.

The ratio is to the first tool of each task. Text files of cyclers are read by the C reader of pandas, by pyarrow and by
polars, each with its usual threads; the fastest stands first. They are told encoding, delimiter, number of columns and
where the table begins, and return all columns under no names. Ours find that out, convert units, dates and counters,
check the rows and their numbers, and keep SHA-256 and findings; ours take the columns of the vocabulary only.

For a .res file the peer is the usual way, `mdb-export` piped into pandas. Neware files go through fastnda; what ours
takes longer is the vocabulary, the checks and the SHA-256.

The record of five million rows is simulated: 1000 cycles, charged and discharged at one current. The floor is what any
summary must do: charge and energy between rows by the trapezoidal rule, half cycles by the sign of the current, sums by
`np.add.reduceat`. Pandas and xarray are given charge, energy and number of the half cycle and only sum up. Ours finds
holds, rests, ends and gaps besides, and gives efficiencies, mean voltages and the uncertainty of all of these.

No other package analyses symmetric cells; `gcpl.mpr` has 12 057 rows.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from io import BytesIO
from pathlib import Path

import numpy as np
from text_files import FILES, TextFile
from timing import Call, Duration, best_of_each, compared, corpus, show

TITLE = "Cycling (text, .res, .nda, .ndax, summary, symmetric cells)"

RES = (("cycling/cellpy/20160805_test001_45_cc_01.res", 10_261),)
NEWARE = (  # file, rows
    ("cycling/NewareNDA/2-1-6_61_07005012.nda", 15_567),
    ("cycling/NewareNDA/test_2.ndax", 108_563),
    ("cycling/cellpy/20260302_IFE_BTS85_2_9_8_1.ndax", 252_951),
)
SYMMETRIC = "cycling/yadg/gcpl.mpr"
ROWS, ROWS_OF_HALF = 5_000_000, 2_500

Floats = np.ndarray


def rows() -> Iterator[Mapping[str, object]]:
    folder = corpus()
    if folder is None:
        return
    for file in FILES:
        yield from _text(folder, file)
    for name, count in RES:
        yield from _res(folder / name, count)
    for name, count in NEWARE:
        yield from _neware(folder / name, count)
    yield from _summary()
    yield from _symmetric(folder / SYMMETRIC)


def _text(folder: Path, file: TextFile) -> Iterator[Mapping[str, object]]:
    from interlayer.parsers import read_tree

    path = folder / file.path
    calls: dict[str, Call] = {tool: partial(read, path, file) for tool, read in PEERS.items()}
    found = best_of_each(calls | {"interlayer, read_tree": partial(read_tree, path)}, repeat=5)
    fastest = sorted(calls, key=lambda tool: (isinstance(found[tool], str), found[tool]))
    yield from compared(f"{path.name} ({file.rows} rows)", {tool: found[tool] for tool in (*fastest, *found)})


def _pandas(path: Path, file: TextFile) -> object:
    import pandas as pd

    return pd.read_csv(
        path,
        sep=file.delimiter,
        skiprows=file.skip,
        header=None,
        names=range(file.width),
        encoding=file.encoding,
        engine="c",
        low_memory=False,
    )


def _pyarrow(path: Path, file: TextFile) -> object:
    csv = import_module("pyarrow.csv")
    names = [str(number) for number in range(file.width)]
    return csv.read_csv(
        path,
        read_options=csv.ReadOptions(skip_rows=file.skip, column_names=names, encoding=file.encoding),
        parse_options=csv.ParseOptions(delimiter=file.delimiter),
    )


def _polars(path: Path, file: TextFile) -> object:
    return import_module("polars").read_csv(
        path,
        separator=file.delimiter,
        skip_rows=file.skip,
        has_header=False,
        encoding="utf8-lossy",
        infer_schema_length=None,
        truncate_ragged_lines=True,
    )


PEERS = {"pandas, C": _pandas, "pyarrow": _pyarrow, "polars": _polars}


def _res(path: Path, count: int) -> Iterator[Mapping[str, object]]:
    from interlayer.parsers import read_tree

    durations: dict[str, Duration] = {"mdb-export and pandas": "not installed"}
    calls: dict[str, Call] = {"interlayer, read_tree": partial(read_tree, path)}
    if program := shutil.which("mdb-export"):
        calls["mdb-export and pandas"] = partial(_exported, program, path)
    yield from compared(f"{path.name} ({count} rows)", durations | best_of_each(calls, repeat=7))


def _exported(program: str, path: Path) -> object:
    import pandas as pd

    text = subprocess.run([program, str(path), "Channel_Normal_Table"], check=True, capture_output=True).stdout
    return pd.read_csv(BytesIO(text))


def _neware(path: Path, count: int) -> Iterator[Mapping[str, object]]:
    from interlayer.parsers import read_tree

    for peer in ("fastnda", "newarenda"):
        logging.getLogger(peer).setLevel(logging.ERROR)  # they warn on every call
    calls: dict[str, Call] = {
        "fastnda": lambda: import_module("fastnda").read(path),
        "interlayer, read_tree": partial(read_tree, path),
        "NewareNDA": lambda: import_module("NewareNDA").read(str(path)),
    }
    yield from compared(f"{path.name} ({count} rows)", best_of_each(calls, repeat=3))


def _record() -> tuple[Floats, Floats, Floats]:
    """Return time in s, current in A and voltage in V of a cell that is charged and discharged a thousand times."""
    half, within = np.divmod(np.arange(ROWS), ROWS_OF_HALF)
    current = np.where(half % 2 == 0, 1e-3, -1e-3)
    passed = within / ROWS_OF_HALF
    return 10.0 * np.arange(ROWS), current, 3.7 + np.copysign(0.5, current) * (passed - 0.5) + 40.0 * current


def _increments(time: Floats, current: Floats, voltage: Floats) -> tuple[Floats, Floats]:
    """Return charge in A h and energy in W h between rows."""
    charge = current[1:] + current[:-1]
    charge *= np.diff(time)
    charge /= 7200.0
    energy = voltage[1:] + voltage[:-1]
    energy *= charge
    energy /= 2.0
    return charge, energy


def floor_summary(time: Floats, current: Floats, voltage: Floats) -> tuple[Floats, Floats]:
    charge, energy = _increments(time, current, voltage)
    positive = current > 0
    starts = np.append(0, np.flatnonzero(positive[1:] != positive[:-1]))
    return np.add.reduceat(charge, starts), np.add.reduceat(energy, starts)


def _summary() -> Iterator[Mapping[str, object]]:
    import pandas as pd
    import xarray as xr

    from interlayer.analysis.cycling import summarise
    from interlayer.parsers import schema

    time, current, voltage = _record()
    record = schema.build("cycling", {"test_time": time, "voltage": voltage, "current": current})
    charge, energy = _increments(time, current, voltage)
    half = np.arange(1, ROWS) // ROWS_OF_HALF
    table = pd.DataFrame({"half": half, "charge": charge, "energy": energy})
    grouped = xr.Dataset({"charge": ("record", charge), "energy": ("record", energy)}, {"half": ("record", half)})
    calls: dict[str, Call] = {
        "floor: numpy reduceat": partial(floor_summary, time, current, voltage),
        "interlayer, summarise": partial(summarise, record, cell_type="full"),
        "pandas groupby, sums only": lambda: table.groupby("half").sum(),
    }
    slow: dict[str, Call] = {"xarray groupby, sums only": lambda: grouped.groupby("half").sum()}
    durations = best_of_each(calls, repeat=4) | best_of_each(slow, repeat=1)
    yield from compared(f"summary of {ROWS} rows, {ROWS // ROWS_OF_HALF} half cycles", durations)


def _symmetric(path: Path) -> Iterator[Mapping[str, object]]:
    from interlayer.analysis.cycling import polarisation, shorts
    from interlayer.parsers import read_tree

    record = next(iter(read_tree(path).children.values())).to_dataset()
    calls: dict[str, Call] = {
        "interlayer, read_tree": partial(read_tree, path),
        "interlayer, polarisation": partial(polarisation, record),
        "interlayer, shorts": partial(shorts, record),
    }
    yield from compared(f"symmetric cell, {path.name}", best_of_each(calls, repeat=5))


if __name__ == "__main__":
    show(rows())
