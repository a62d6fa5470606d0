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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import xarray as xr

from interlayer.facts import SAMPLE, SECTIONS, Fact
from interlayer.parsers import ParseError, Source, findings, formats, measurements, schema

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


def impedance_files_page(corpus: Path) -> Iterator[str]:
    yield IMPEDANCE
    with LISTED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["path"].startswith("eis/")]
    results = [(*_result(corpus / row["path"]), row["path"], row["repository"]) for row in rows]
    for title in (*(card.name for card in formats()), ""):
        members = [result[1:] for result in results if result[0] == title]
        if not members:
            continue
        yield ""
        yield f"## `{title}`" if title else "## Refused"
        yield ""
        yield "| file | source | result | findings |" if title else "| file | source | reason | kind |"
        yield "|---|---|---|---|"
        for what, said, path, repository in members:
            yield f"| `{path}` | {repository} | {what} | {said} |"


def _result(path: Path) -> tuple[str, str, str]:
    """Return format, result and findings of a file; no format, the reason and the kind of error where it is refused."""
    try:
        found = [measurement.dataset for measurement in measurements(Source(path))]
    except ParseError as error:
        return "", _escaped(error.found), f"`{type(error).__name__}`"
    spectra = [dataset for dataset in found if "impedance" in dataset]
    frequency = np.concatenate([dataset["frequency"].values for dataset in spectra])
    first = complex(spectra[0]["impedance"].values[0])
    count = "1 spectrum" if len(spectra) == 1 else f"{len(spectra)} spectra"
    points = "1 point" if len(frequency) == 1 else f"{len(frequency)} points"
    what = f"{count}, {points}, {frequency.min():.5g} to {frequency.max():.5g} Hz, first {_shown(first)}"
    return str(spectra[0].attrs["format"]), what, _codes(found)


def _shown(value: complex) -> str:
    return f"{value.real:.6g} {'-' if value.imag < 0 else '+'} {abs(value.imag):.6g}j"


def _codes(datasets: list[xr.Dataset]) -> str:
    said = {finding.code: finding.severity for dataset in datasets for finding in findings(dataset.attrs)}
    return ", ".join(f"({code})" if said[code] == "info" else code for code in sorted(said))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


WORKED_FILM = "explanation/impedance.md"
"""Page whose first Python block is run; figures of what it computes stand below it."""


def worked_film() -> dict[str, Any]:
    """Run the worked example and return its variables."""
    _, _, rest = (HERE / WORKED_FILM).read_text(encoding="utf-8").partition("```python\n")
    variables: dict[str, Any] = {}
    exec(compile(rest.partition("```")[0], WORKED_FILM, "exec"), variables)
    return variables


def draw_worked_film() -> None:
    import interlayer
    from interlayer.plot_style import STYLE, mark_simulated

    with contextlib.redirect_stdout(io.StringIO()):
        variables = worked_film()
    for name, result in (("impedance_film", variables["result"]), ("impedance_arrhenius", variables["line"])):
        figure = interlayer.plot(result)
        mark_simulated(figure)
        with matplotlib.rc_context(STYLE):
            figure.savefig(HERE / "_static" / f"{name}.svg", metadata={"Date": None, "Creator": None})


PAGES = {
    "formats.md": formats_page,
    "reference/facts.md": facts_page,
    "reference/vocabulary.md": vocabulary_page,
}


CORPUS_PAGES = {"reference/impedance_files.md": impedance_files_page}
"""Pages about the files of the corpus."""


def corpus_folder() -> Path | None:
    return next((Path(place) for place in CORPUS if place and (Path(place) / "corpus.tsv").is_file()), None)


def text(name: str, corpus: Path | None = None) -> str:
    lines = PAGES[name]() if corpus is None else CORPUS_PAGES[name](corpus)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    draw_worked_film()
    for name in PAGES:
        (HERE / name).write_text(text(name), encoding="utf-8")
    corpus = corpus_folder()
    for name in CORPUS_PAGES:
        if corpus is None:
            print(f"{name} stays as it is: there is no corpus of real files; set INTERLAYER_CORPUS")
        else:
            (HERE / name).write_text(text(name, corpus), encoding="utf-8")
