"""Write the pages of the documentation that follow from the code: formats, facts, vocabulary, files and their results.

Usage: ``python docs/generate.py`` in the folder above this one. ``tests/test_docs.py`` holds that the committed pages
are those that it writes. The pages about real files need the corpus (``INTERLAYER_CORPUS``, see docs/contributing.md);
without it they stay as they are.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import xarray as xr

from interlayer.analysis.cycling import segment, summarise
from interlayer.analysis.errors import NotAnalysable
from interlayer.facts import SAMPLE, SECTIONS, Fact
from interlayer.parsers import ParseError, Source, findings, formats, measurements, schema

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interlayer.analysis import Result

HERE = Path(__file__).parent
CORPUS = (os.environ.get("INTERLAYER_CORPUS", ""), str(HERE.parents[1] / "shared" / "corpus"))
LISTED = HERE.parent / "tests" / "corpus.tsv"


def formats_page() -> Iterator[str]:
    yield "# File formats"
    yield ""
    yield "Files are known by their content; the extension only breaks ties. `interlayer formats` prints this list."
    yield ""
    yield "| name | format | extensions | techniques | status |"
    yield "|---|---|---|---|---|"
    for card in formats():
        techniques = ", ".join(schema.TECHNIQUES[name].title for name in card.techniques)
        techniques = "any" if len(card.techniques) > 5 else techniques
        yield f"| `{card.name}` | {card.title} | {' '.join(card.extensions)} | {techniques} | {card.status} |"


def facts_page() -> Iterator[str]:
    for section, facts in {"sample": SAMPLE, **SECTIONS}.items():
        yield f"### `[{section}]`"
        yield ""
        yield "| key | meaning | example |"
        yield "|---|---|---|"
        for key, fact in facts.items():
            yield f"| `{key}` | {_meaning(fact)} | {f'`{fact.example}`' if fact.example else ''} |"
        yield ""


def _meaning(fact: Fact) -> str:
    return f"{fact.help}: {', '.join(f'`{choice}`' for choice in fact.choices)}" if fact.choices else fact.help


def vocabulary_page() -> Iterator[str]:
    yield "# Vocabulary"
    yield ""
    yield "Names, dimensions and units of what readers return. Uncertainties are siblings called `<name>_stderr`."
    for name, technique in schema.TECHNIQUES.items():
        yield ""
        yield f"## `{name}`: {technique.title}"
        yield ""
        yield "| name | meaning | units | dimensions |"
        yield "|---|---|---|---|"
        for title, terms in (("coordinate", technique.coords), ("variable", technique.variables)):
            for key, term in terms.items():
                units = ", ".join(f"`{unit}`" for unit in term.allowed_units if unit)
                dims = " or ".join(f"({', '.join(dims)})" for dims in term.dims)
                required = ", always there" if term.required else ""
                yield f"| `{key}` ({title}{required}) | {term.long_name} | {units} | {dims} |"


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

SPECTRA = ("result",)
RECORDS = ("rows", "half cycles", "cycles", "voltage (V)", "largest half cycle (mA h)")


def impedance_files_page(corpus: Path) -> Iterator[str]:
    return _files_page(corpus, "eis/", IMPEDANCE, SPECTRA, _of_spectra)


def cycling_files_page(corpus: Path) -> Iterator[str]:
    return _files_page(corpus, "cycling/", CYCLING, RECORDS, _of_records)


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


WORKED_FILM = "explanation/impedance.md"
WORKED_CELLS = "explanation/cycling.md"
WORKED_INTERFACES = "explanation/microscopy.md"
"""Pages whose first Python block is run; figures of what it computes stand below it."""


def worked_film() -> dict[str, Any]:
    """Run the worked example of impedance and return its variables."""
    return _worked(WORKED_FILM)


def worked_cells() -> dict[str, Any]:
    """Run the worked example of cycling and return its variables."""
    return _worked(WORKED_CELLS)


def worked_interfaces() -> dict[str, Any]:
    """Run the worked example of microscopy and return its variables."""
    return _worked(WORKED_INTERFACES)


def _worked(page: str) -> dict[str, Any]:
    _, _, rest = (HERE / page).read_text(encoding="utf-8").partition("```python\n")
    variables: dict[str, Any] = {}
    exec(compile(rest.partition("```")[0], page, "exec"), variables)
    return variables


def draw_worked_film() -> None:
    import interlayer

    with contextlib.redirect_stdout(io.StringIO()):
        variables = worked_film()
    for name, result in (("impedance_film", variables["result"]), ("impedance_arrhenius", variables["line"])):
        _save(name, interlayer.plot(result))


def draw_worked_cells() -> None:
    import interlayer
    from interlayer.plot_cells import Cell, cells_figure
    from interlayer.plots import record_with_events

    with contextlib.redirect_stdout(io.StringIO()):
        variables = worked_cells()
    for name, value in (("retention", "retention"), ("fade", "fade"), ("rate", "rates")):
        _save(f"cycling_{name}", interlayer.plot(variables[value]))
    _save("cycling_short", record_with_events(variables["shorted"], [variables["shorts"]]))
    kinds = {kind: [_cell(Cell, result) for result in results.values()] for kind, results in variables["cells"].items()}
    _save("cycling_cells", cells_figure(kinds, symmetric=False))


def draw_worked_interfaces() -> None:
    import interlayer
    from interlayer.plot_tem import interfaces_figure

    with contextlib.redirect_stdout(io.StringIO()):
        variables = worked_interfaces()
    _save("microscopy_width", interlayer.plot(variables["widths"]["bare"]))
    _save("microscopy_interfaces", interfaces_figure(variables["widths"]))


def _cell(make: Callable[..., Any], result: Result) -> Any:
    """Return a cell with its capacities over that of the first cycle."""
    curves = result.curves
    assert curves is not None
    capacity = curves["capacity_discharge"].values
    return make(result["capacity_retention"], curves["cycle"].values, capacity / capacity[0])


def _save(name: str, figure: Figure) -> None:
    from interlayer.plot_style import STYLE, mark_simulated

    mark_simulated(figure)
    with matplotlib.rc_context(STYLE):
        figure.savefig(HERE / "_static" / f"{name}.svg", metadata={"Date": None, "Creator": None})


PAGES = {
    "formats.md": formats_page,
    "reference/facts.md": facts_page,
    "reference/vocabulary.md": vocabulary_page,
}


CORPUS_PAGES = {
    "reference/impedance_files.md": impedance_files_page,
    "reference/cycling_files.md": cycling_files_page,
}
"""Pages about the files of the corpus."""


def corpus_folder() -> Path | None:
    return next((Path(place) for place in CORPUS if place and (Path(place) / "corpus.tsv").is_file()), None)


def text(name: str, corpus: Path | None = None) -> str:
    lines = PAGES[name]() if corpus is None else CORPUS_PAGES[name](corpus)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    draw_worked_film()
    draw_worked_cells()
    draw_worked_interfaces()
    for name in PAGES:
        (HERE / name).write_text(text(name), encoding="utf-8")
    corpus = corpus_folder()
    for name in CORPUS_PAGES:
        if corpus is None:
            print(f"{name} stays as it is: there is no corpus of real files; set INTERLAYER_CORPUS")
        else:
            (HERE / name).write_text(text(name, corpus), encoding="utf-8")
