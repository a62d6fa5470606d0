"""Write the pages of the documentation that follow from the code: formats, facts, vocabulary.

Usage: ``python docs/generate.py``. ``tests/test_docs.py`` holds that the committed pages are those that it writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from interlayer.facts import SAMPLE, SECTIONS, Fact
from interlayer.parsers import formats, schema

HERE = Path(__file__).parent


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


PAGES = {
    "formats.md": formats_page,
    "reference/facts.md": facts_page,
    "reference/vocabulary.md": vocabulary_page,
}


def text(name: str) -> str:
    return "\n".join(PAGES[name]()).rstrip() + "\n"


if __name__ == "__main__":
    for name in PAGES:
        (HERE / name).write_text(text(name), encoding="utf-8")
