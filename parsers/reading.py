"""`identify`, `read` and `read_tree`: the three doors to every format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ._registry import HEAD, Format, Head, formats
from ._source import Measurement, Source
from .errors import CorruptFile, ParseError, SeveralMeasurements, TruncatedFile, UnknownFormat
from .findings import findings, to_json
from .limits import DEFAULT, Limits

if TYPE_CHECKING:
    import xarray as xr

PathLike = str | os.PathLike[str]


def identify(path: PathLike) -> Format | None:
    """Return the format card of a file, by its content first, or None when no card matches.

    Parameters
    ----------
    path : path-like
        The file; at most 64 KiB of it are read and no reader is imported.

    Returns
    -------
    Format or None

    Examples
    --------
    >>> identify("PEIS_film.mpr").name                # doctest: +SKIP
    'biologic-mpr'
    """
    with open(path, "rb") as file:
        return match(Head(file.read(HEAD), Path(path).name))


def match(head: Head) -> Format | None:
    """Return the first card that fits the head of a file; specific cards stand before general ones."""
    return next((card for card in formats() if card.matches(head)), None)


def _card(name: str, source: Source) -> Format:
    for card in formats():
        if card.name == name:
            return card
    raise UnknownFormat(
        f"there is no format {name!r}",
        path=source.path,
        expected=f"one of {[card.name for card in formats()]}",
    )


def measurements(source: Source, *, format: str | None = None) -> list[Measurement]:
    """Read every measurement of a source, with provenance and findings in the attributes of each Dataset.

    The work behind `read` and `read_tree`; readers of archives call it for their members.
    """
    card = match(Head(source.data[:HEAD], source.name)) if format is None else _card(format, source)
    if card is None:
        raise UnknownFormat(
            f"the content is of no known format; it begins with {source.data[:24]!r}",
            path=source.path,
            expected=f"one of {len(formats())} formats, see `interlayer formats`",
            remedy="force one with format=...",
        )
    source.hash_ahead()
    try:
        found = list(card.reader()(source))
    except ParseError as error:
        error.path = error.path or str(source.path)
        raise
    except Exception as error:
        # Whatever a damaged file makes a reader stumble over, the caller sees a ParseError.
        raise CorruptFile(
            f"reading it as {card.name} failed: {type(error).__name__}: {error}",
            path=source.path,
            remedy="export it again; if it opens in the vendor's software, please report it",
        ) from error
    if not found:
        raise TruncatedFile(f"the {card.name} file holds no measurement", path=source.path)
    _note_other_name(source, card)
    for measurement in found:
        _sign(measurement, source, card)
    return found


def _note_other_name(source: Source, card: Format) -> None:
    """Note a file whose extension is that of other formats only: somebody renamed it, or exported the wrong thing."""
    suffix = source.path.suffix.lower()
    others = [other.title for other in formats() if suffix in other.extensions]
    if others and suffix not in card.extensions:
        source.note("other-extension", "info", f"The name ends like {others[0]}; the content is {card.title}.")


def _sign(measurement: Measurement, source: Source, card: Format) -> None:
    from . import schema
    from .version import PARSER_VERSION

    attrs = measurement.dataset.attrs
    # An archive's member has been signed by its own reader; the archive adds the name under which it lies.
    attrs.setdefault("format", card.name)
    attrs.setdefault("parser_version", PARSER_VERSION)
    attrs["source_file"] = source.name if "source_file" not in attrs else f"{source.name}/{attrs['source_file']}"
    attrs["source_sha256"] = source.sha256
    attrs["findings"] = to_json([*findings(attrs), *source.findings, *measurement.findings])
    schema.check(measurement.dataset, provenance=True)


def read(
    path: PathLike, *, format: str | None = None, group: str | None = None, limits: Limits = DEFAULT
) -> xr.Dataset:
    """Read a file that holds one measurement, or one group of a file that holds several.

    Parameters
    ----------
    path : path-like
        The instrument's file.
    format : str, optional
        Name of a format card, to force it. Left out, the content decides.
    group : str, optional
        Which measurement of a file with several.
    limits : Limits
        Sizes beyond which the file is refused.

    Returns
    -------
    xarray.Dataset
        In the vocabulary of `interlayer.parsers.schema`; units in ``attrs["units"]`` of each variable; findings and
        provenance in the attributes.

    Raises
    ------
    ParseError
        Or a subclass, for whatever is wrong with the file; it says what, where and what to do.
    SeveralMeasurements
        If the file holds several measurements and no `group` is given; the message lists them.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import interlayer as il
    >>> il.read(il.sample_data.path("eis_linbox/film_30C.mpt"))["impedance"].dims  # doctest: +SKIP
    ('frequency',)
    """
    source = Source(Path(path), limits=limits)
    found = {measurement.group: measurement.dataset for measurement in measurements(source, format=format)}
    if group is not None:
        if group.strip("/") not in found:
            raise ParseError(
                f"there is no group {group!r}", path=path_text(path), expected=f"one of {_shown(list(found))}"
            )
        return found[group.strip("/")]
    if len(found) > 1:
        raise SeveralMeasurements(
            f"the file holds {len(found)} measurements: {_shown(list(found))}",
            path=path_text(path),
            remedy="pass group=..., or take all with read_tree",
        )
    return next(iter(found.values()))


def read_tree(path: PathLike, *, format: str | None = None, limits: Limits = DEFAULT) -> xr.DataTree:
    """Read a file with any number of measurements into a tree with one node for each.

    Parameters
    ----------
    path, format, limits
        As for `read`.

    Returns
    -------
    xarray.DataTree
        Its leaves are the Datasets that ``read(path, group=...)`` returns.

    Raises
    ------
    ParseError
        As for `read`.
    """
    import xarray as xr

    from ._assemble import assemble

    source = Source(Path(path), limits=limits)
    found = {measurement.group: measurement.dataset for measurement in measurements(source, format=format)}
    if any("/" in group for group in found):
        return xr.DataTree.from_dict({f"/{group}": dataset for group, dataset in found.items()}, name=source.path.stem)
    tree = xr.DataTree(dataset=assemble({}, {}, {}), name=source.path.stem)
    # Every other way copies each node once more.
    tree.children = {group: xr.DataTree(dataset=dataset) for group, dataset in found.items()}
    return tree


def path_text(path: PathLike) -> str:
    """Return a path as it is shown in errors."""
    return os.fspath(path)


def _shown(groups: list[str], most: int = 20) -> str:
    return f"{groups[:most]}" + (f" and {len(groups) - most} more" if len(groups) > most else "")
