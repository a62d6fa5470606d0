"""The text that a microscope saves beside an image: found by its name, believed when it is of an image of that size.

An image keeps the calibration that it bears itself, and the text only checks it, unless its own is nothing better than
resolution tags. What the two say is joined otherwise: the settings of the text, completed by those of the image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ._image import Vendor
from ._image_settings import hitachi, jeol, sections, tescan
from ._source import Source
from ._tiff_tags import note_conflict
from .errors import ParseError
from .findings import Finding

PLAIN = "TIFF"
"""Name of a `Vendor` that is none: plain resolution tags, which a sidecar overrules."""

_LONGEST = 2**20
_PRINTED = ("print-resolution",)


def _tescan(lines: Sequence[str], height: int, width: int) -> Vendor | None:
    return tescan(sections(lines), height, width)


_READERS: tuple[tuple[tuple[str, ...], tuple[Callable[[Sequence[str], int, int], Vendor | None], ...]], ...] = (
    (("{stem}.txt", "{stem}.TXT"), (hitachi, jeol)),
    (("{stem}-{suffix}.hdr", "{stem}.hdr", "{name}.hdr", "{stem}-{SUFFIX}.HDR"), (_tescan,)),
)
"""Names of the text beside an image, and who may have written it."""


def beside(source: Source, height: int, width: int) -> Vendor | None:
    """Return what a text beside an image says about it, or None.

    Parameters
    ----------
    source : Source
        The image.
    height, width : int
        Its rows and columns.

    Returns
    -------
    Vendor or None
        Its ``source`` names the file.
    """
    path = Path(source.name)
    suffix = path.suffix.lstrip(".")
    parts = {"stem": path.stem, "name": path.name, "suffix": suffix.lower(), "SUFFIX": suffix.upper()}
    for names, readers in _READERS:
        for name in names:
            text = source.sidecar(name.format(**parts))
            if text is None or text.path.stat().st_size > _LONGEST:
                continue
            try:
                lines = text.text.lines
            except ParseError:
                continue  # a binary file of that name is none of a microscope's texts
            found = next(filter(None, (read(lines, height, width) for read in readers)), None)
            if found is not None:
                found.source = f"{found.source} in {text.name}"
                return found
    return None


def join(own: Vendor, aside: Vendor | None) -> Vendor:
    """Return what an image and the text beside it say together.

    Parameters
    ----------
    own : Vendor
        From the image.
    aside : Vendor or None
        From the text.

    Returns
    -------
    Vendor
    """
    if aside is None:
        return own
    if own.axes and aside.axes:
        used, other = (aside, own) if own.name == PLAIN else (own, aside)
        note_conflict(used, used.axes["x"], used.source, other.axes["x"], other.source)
    keep_own = own.axes and (own.name != PLAIN or not aside.axes)
    first, second = (own, aside) if keep_own else (aside, own)
    known = {key: value for key, value in own.attrs.items() if value is not None}
    told = {key: value for key, value in aside.attrs.items() if value is not None}
    return Vendor(
        first.name,
        first.axes,
        first.source,
        (told | known) if own.name != PLAIN else (known | told),
        {**own.metadata, aside.name: dict(aside.metadata)},
        [*first.findings, *(one for one in second.findings if not _is_settled(one, first))],
    )


def _is_settled(finding: Finding, used: Vendor) -> bool:
    """Whether a remark about resolution tags is void, since something better calibrates the image."""
    return bool(used.axes) and finding.code in _PRINTED
