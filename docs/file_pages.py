"""Pages about real files: what comes of every file of the corpus, by format, and why the others are refused."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from interlayer.analysis.cycling import segment, summarise
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import ParseError, Source, findings, formats, measurements

LISTED = Path(__file__).parents[1] / "tests" / "corpus.tsv"

IMPEDANCE = """# Impedance files

What comes of every impedance file of the corpus of real files, which is listed with sources in `tests/corpus.tsv`. The
first impedance is that of the first point of the first spectrum, in ohm. Findings of the severity *info*, such as a
placeholder of the software that was left out, are in parentheses.

A file is refused, never guessed at, when it does not say what its numbers mean: no frequency, levels of two channels
without the resistor between them, columns that contradict each other by a factor, a sign, a decimal mark or names that
its own numbers do not decide. Logs, notes and reports are of no known format. A point or row that is damaged costs
itself, with a finding. One wrong digit is noticed where something else in the file shows it: modulus and phase beside
the real and imaginary part, the even spacing of the frequencies, the smooth run of the impedance. Where nothing does,
as in three columns of plain numbers, a change of an impedance by less than about a third, or of a frequency by less
than a fifth of a step, passes as it would for any reader."""


CYCLING = """# Cycling files

What comes of every cycling file of the corpus of real files, which is listed with sources in `tests/corpus.tsv`. Rows
are records of the cycler; points of spectra among them become measurements of their own. Half cycles and cycles are
those of `interlayer.analysis.cycling.segment`, which counts lasting reversals of the current and starts a cycle with
the first one, so they may differ from the cycler's own counters. The largest half cycle is the net charge of the one
that moved most, and - stands where no current flows or none was recorded. Findings of the severity *info*, such as a
placeholder of the software that was left out, are in parentheses.

A file is refused, never guessed at, when it lacks the voltage or the time, when its current has no sign, when its time
starts anew with each step and nothing else orders the rows, or when a unit that it does not name contradicts the
counters. A row that is damaged costs itself, with a finding. Where the numbers contradict each other they are kept as
the file has them, and the finding says by how much: the voltage falls on charge, the clock goes back, a test lasts
seventeen years, the integral of the current is not what the cycler counted. One wrong digit is noticed where something
else shows it: a time that leaves the interval between its neighbours, a voltage or a current that alone leaves a steady
course for one row by more than its scatter. Changes of a few millivolts or per cent, and of the first and last row,
pass as they would for any reader."""

MICROSCOPY = """# Microscopy files

What comes of every microscopy file of the corpus of real files, which is listed with sources in `tests/corpus.tsv`:
images with their pixels and the size of one, spectra with their axes and the width of a channel, X-ray events of maps
with their number, the map and its pixel. Lengths are in nm and energies in eV, whatever the file has; a file that does
not calibrate its axes comes in pixels (px), and nothing in nm is computed of it until a pixel size is given. Findings
of the severity *info*, such as a data bar in the image, are in parentheses.

A file is refused, never guessed at, when it is shorter than it says: half a file never becomes zeros. Scans of
diffraction patterns, with four axes, and curves without an energy have no place here. Several images or spectra in a
file are measurements of their own; one that cannot be read costs itself, with a finding."""

SPECTRA = ("result",)
RECORDS = ("rows", "half cycles", "cycles", "voltage (V)", "largest half cycle (mA h)")


def impedance_files_page(corpus: Path) -> Iterator[str]:
    return _files_page(corpus, "eis/", IMPEDANCE, SPECTRA, _of_spectra)


def cycling_files_page(corpus: Path) -> Iterator[str]:
    return _files_page(corpus, "cycling/", CYCLING, RECORDS, _of_records)


def microscopy_files_page(corpus: Path) -> Iterator[str]:
    return _files_page(corpus, "tem/", MICROSCOPY, SPECTRA, _of_micrographs)


def _files_page(
    corpus: Path, folder: str, words: str, columns: tuple[str, ...], cells: Callable[[list[xr.Dataset]], list[str]]
) -> Iterator[str]:
    yield words
    with LISTED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["path"].startswith(folder)]
    results = [(row, *_result(corpus / row["path"], cells)) for row in rows]
    for title in (*(card.name for card in formats()), ""):
        members = [(row, shown) for row, name, shown in results if name == title]
        if not members:
            continue
        header = ("file", "source", *(columns if title else ("reason",)), "findings" if title else "kind")
        yield ""
        yield f"## `{title}`" if title else "## Refused"
        yield ""
        yield f"| {' | '.join(header)} |"
        yield f"|{len(header) * '---|'}"
        for row, shown in members:
            yield f"| `{row['path']}` | {row['repository']} | {' | '.join(shown)} |"


def _result(path: Path, cells: Callable[[list[xr.Dataset]], list[str]]) -> tuple[str, list[str]]:
    """Return format, result and findings of a file; no format, the reason and the kind of error where it is refused."""
    try:
        found = [measurement.dataset for measurement in measurements(Source(path))]
    except ParseError as error:
        return "", [_escaped(error.found), f"`{type(error).__name__}`"]
    return str(found[0].attrs["format"]), [*cells(found), _codes(found)]


def _of_spectra(found: list[xr.Dataset]) -> list[str]:
    spectra = [dataset for dataset in found if "impedance" in dataset]
    frequency = np.concatenate([dataset["frequency"].values for dataset in spectra])
    first = complex(spectra[0]["impedance"].values[0])
    count = _counted(len(spectra), "spectrum", "spectra")
    points = _counted(len(frequency), "point", "points")
    return [f"{count}, {points}, {frequency.min():.5g} to {frequency.max():.5g} Hz, first {_shown(first)}"]


def _of_records(found: list[xr.Dataset]) -> list[str]:
    records = [dataset for dataset in found if "test_time" in dataset and "voltage" in dataset]
    summaries = [dataset for dataset in found if dataset.attrs["technique"] == "cycling_summary"]
    spectra = [dataset for dataset in found if "impedance" in dataset]
    if summaries:
        return ["-", "-", f"{sum(dataset.sizes['cycle'] for dataset in summaries)} (summary)", "-", _most(summaries)]
    rows = str(sum(dataset.sizes["record"] for dataset in records))
    if len(records) > 1:
        rows += f" in {len(records)} tests"
    if spectra:
        rows += f" and {_counted(len(spectra), 'spectrum', 'spectra')}"
    voltage = np.concatenate([dataset["voltage"].values for dataset in records])
    span = f"{np.nanmin(voltage):.4g} to {np.nanmax(voltage):.4g}"
    counted = [dataset for dataset in map(_segmented, records) if dataset is not None]
    if not counted:
        return [rows, "-", "-", span, "-"]
    halves, cycles = (sum(int(dataset[name].max()) for dataset in counted) for name in ("half_cycle", "cycle"))
    return [rows, f"{halves}", f"{cycles}", span, _most([summarise(ds, cell_type="symmetric") for ds in counted])]


def _of_micrographs(found: list[xr.Dataset]) -> list[str]:
    said = Counter(_measured(dataset) for dataset in found)
    return ["; ".join(f"{count} of {text}" if count > 1 else text for text, count in said.items())]


def _measured(dataset: xr.Dataset) -> str:
    """Return technique, sizes, kind of number and steps of a measurement."""
    name = next(name for name in ("intensity", "counts", "channel") if name in dataset)
    values = dataset[name]
    sizes = " x ".join(str(size) for size in values.shape)
    steps = [_step(dataset[axis]) for axis in dataset.coords if dataset[axis].dtype.kind == "f"]
    kind = {"eds_events": "events"}.get(dataset.attrs["technique"], dataset.attrs["technique"])
    if kind == "events":
        sizes = f"{sizes} on {dataset.sizes['y']} x {dataset.sizes['x']}"
    return f"{kind} {sizes} {values.dtype}, {', '.join(dict.fromkeys(filter(None, steps)))}"


def _step(axis: xr.DataArray) -> str:
    unit = {"pixel": "px"}.get(axis.attrs["units"], axis.attrs["units"])
    if unit == "px":
        return unit
    return f"{float(np.median(np.diff(axis.values))):.6g} {unit}" if axis.size > 1 else ""


def _segmented(record: xr.Dataset) -> xr.Dataset | None:
    """Return a record with its half cycles and cycles counted, None where no current flows."""
    try:
        return segment(record)
    except NotAnalysable:
        return None


def _most(summaries: list[xr.Dataset]) -> str:
    names = [name for name in ("capacity", "capacity_charge", "capacity_discharge") if name in summaries[0]]
    return f"{1e3 * max(float(dataset[name].max()) for dataset in summaries for name in names):.4g}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _shown(value: complex) -> str:
    return f"{value.real:.6g} {'-' if value.imag < 0 else '+'} {abs(value.imag):.6g}j"


def _codes(datasets: list[xr.Dataset]) -> str:
    said = {finding.code: finding.severity for dataset in datasets for finding in findings(dataset.attrs)}
    return ", ".join(f"({code})" if said[code] == "info" else code for code in sorted(said))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
