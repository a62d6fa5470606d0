"""Write the pages of the documentation that follow from the code: formats, facts, vocabulary, files and their results.

Usage: ``python docs/generate.py`` in the folder above this one. ``tests/test_docs.py`` holds that the committed pages
are those that it writes. The pages about real files need the corpus (``INTERLAYER_CORPUS``, see docs/contributing.md);
without it they stay as they are.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from file_pages import cycling_files_page, impedance_files_page, microscopy_files_page

from interlayer.facts import SAMPLE, SECTIONS, Fact
from interlayer.parsers import formats, schema

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interlayer.analysis import Result

HERE = Path(__file__).parent
CORPUS = (os.environ.get("INTERLAYER_CORPUS", ""), str(HERE.parents[1] / "shared" / "corpus"))


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
    from interlayer.plots import plot_on_image

    with contextlib.redirect_stdout(io.StringIO()):
        variables = worked_interfaces()
    _save("microscopy_width", interlayer.plot(variables["widths"]["bare"]))
    _save("microscopy_interfaces", interfaces_figure(variables["widths"]))
    _save("microscopy_layer", plot_on_image(variables["image"], variables["layer"]))


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
    "reference/microscopy_files.md": microscopy_files_page,
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
