"""The command ``interlayer``: thin words around the library."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

OK, USAGE, UNREADABLE = 0, 2, 3
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="interlayer")
def main() -> None:
    """From instrument files of coated solid-state batteries to numbers with honest uncertainties."""


@main.command("formats")
def show_formats() -> None:
    """List the file formats that can be read."""
    from interlayer.parsers._registry import formats

    width = max(len(card.name) for card in formats())
    for card in formats():
        note = "" if card.status == "stable" else f"  ({card.status})"
        click.echo(f"{card.name:<{width}}  {' '.join(card.extensions):<22}  {card.title}{note}")


@main.command("identify")
@click.argument("files", nargs=-1, required=True, type=_FILE)
def identify_files(files: tuple[Path, ...]) -> None:
    """Say of which format each of FILES is, by its content."""
    from interlayer.parsers import identify

    unknown = 0
    for path in files:
        card = identify(path)
        unknown += card is None
        click.echo(f"{path}: {card.name + ' - ' + card.title if card else 'unknown'}")
    sys.exit(UNREADABLE if unknown else OK)


@main.command("read")
@click.argument("file", type=_FILE)
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write out.nc, out.csv, out.bdf.csv or out.bdf.parquet.",
)
@click.option("--group", help="Which measurement of a file with several.")
@click.option("--format", "format_name", help="Force a format, see `interlayer formats`.")
def read_file(file: Path, target: Path | None, group: str | None, format_name: str | None) -> None:
    """Show what FILE holds, or convert it to NetCDF, CSV or Battery Data Format (csv, parquet)."""
    from interlayer.parsers import ParseError, findings

    from .convert import describe, load, write

    try:
        data = load(file, group=group, format=format_name, whole=target is None or target.suffix == ".nc")
    except ParseError as error:
        _fail(str(error))
    if target is not None:
        try:
            write(data, target)
        except ValueError as error:
            _fail(str(error), code=USAGE)
        click.echo(f"wrote {target}")
        return
    for name, dataset in describe(data):
        click.echo(f"{name}\n{dataset!r}" if name else repr(dataset))
        for finding in findings(dataset.attrs):
            click.echo(f"  {finding.severity}: {finding.message} [{finding.code}]")


@main.command("init")
@click.argument("folder", type=_FOLDER)
def draft_experiment(folder: Path) -> None:
    """Write a draft of experiment.toml into FOLDER, with the keys that its files need."""
    from collections import Counter

    from .experiment import FILE_NAME, draft
    from .facts import SECTION_OF
    from .files import write_text
    from .scanning import scan

    target = folder / FILE_NAME
    if target.exists():
        _fail(f"{target} is there already; it was left as it is.", code=USAGE)
    sections = Counter(SECTION_OF[technique] for path in scan(folder) if (technique := _technique(path)))
    if not sections:  # pictures beside data are figures, pictures alone micrographs
        sections.update(SECTION_OF["image"] for path in scan(folder) if _is_picture(path))
    write_text(target, draft(dict(sorted(sections.items()))))
    click.echo(f"wrote {target}: fill in what you know, then `interlayer run {folder}`")


def _is_picture(path: Path) -> bool:
    from interlayer.parsers import identify

    card = identify(path)
    return card is not None and card.pictures


def _technique(path: Path) -> str | None:
    """Return the technique of a file: by its card, or by reading it when its format holds several."""
    from interlayer.parsers import ParseError, identify, read_tree

    card = identify(path)
    if card is None or card.pictures:
        return None
    if len(card.techniques) == 1:
        return card.techniques[0]
    try:
        leaves = [node.attrs.get("technique") for node in read_tree(path).leaves]
    except ParseError:
        return None
    return next(iter(leaves), None)


@main.command("run")
@click.argument("folder", type=_FOLDER)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Number of processes.")
def run_folder(folder: Path, out: Path, jobs: int) -> None:
    """Read and analyse every file under FOLDER; write a table and a report.

    Exit code: 0 all went well, 2 wrong use or experiment.toml, 3 some file could not be read or analysed.
    """
    from .console import progress_bar, show
    from .experiment import ExperimentError
    from .pipeline import run

    try:
        with progress_bar() as progress:
            result = run(folder, out=out, jobs=jobs, progress=progress)
    except ExperimentError as error:
        _fail(str(error), code=USAGE)
    except KeyboardInterrupt:
        sys.exit(130)
    show(result)
    sys.exit(OK if result.succeeded else UNREADABLE)


@main.command("reported")
@click.option("--technique", type=click.Choice(["eis", "cycling", "tem", "haxpes", "xanes", "other"]))
@click.option("--system", help="Part of the name of the system, for example LiNbOx.")
@click.option("--quantity", help="For example ionic_conductivity.")
def show_reported(technique: str | None, system: str | None, quantity: str | None) -> None:
    """List values that the review of the field reports, with the ids for experiment.toml."""
    from interlayer.analysis.reported import find

    from .console import show_reported as show_table

    found = find(system=system, technique=technique, quantity=quantity)
    if not found:
        _fail("No reported value fits; leave out an option to see more.", code=USAGE)
    show_table(found)


def _fail(message: str, *, code: int = UNREADABLE) -> Any:
    click.echo(message, err=True)
    sys.exit(code)
