"""The format cards: what the toolkit reads, and how each format is known by its content.

A card is data. Listing and identifying formats imports no reader; the module of a card is imported when a file of its
format is read, and has one function ``read(source: Source) -> Iterator[Measurement]``. Cards are tried in order, so a
specific one stands before a general one. Other packages add cards through the entry-point group ``interlayer.formats``.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal

from . import _columns_cycling as cycling
from . import _columns_eis as eis
from ._columns import Column, fold

if TYPE_CHECKING:
    from ._source import Measurements, Source

HEAD = 65_536
"""Number of bytes looked at to identify a file."""


class Head:
    """The first bytes of a file, seen as bytes, as text and unpacked."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name

    @cached_property
    def text(self) -> bytes:
        """The bytes as UTF-8, whatever the Unicode encoding of the file, without byte-order mark."""
        for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
            if self.data.startswith(mark):
                return self.data[len(mark) :].decode(encoding, errors="ignore").encode()
        return self.data

    @cached_property
    def inflated(self) -> bytes:
        """The first bytes of the content of a gzip file, b"" for any other."""
        if not self.data.startswith(b"\x1f\x8b"):
            return b""
        try:
            return zlib.decompressobj(31).decompress(self.data, HEAD)
        except zlib.error:
            return b""

    @cached_property
    def columns(self) -> bytes:
        """The folded names of a text table's columns, each between newlines; see `_outline.outline`."""
        from ._outline import outline

        return outline(self.data, cut=len(self.data) >= HEAD).encode()


@dataclass(frozen=True)
class Magic:
    r"""A regular expression that the head of a file must match.

    Parameters
    ----------
    pattern : bytes
        Searched from the first byte on; begin it with ``\A`` to anchor it.
    view : {"data", "text", "inflated", "columns"}
        Which view of `Head` it is searched in.
    name : str
        Regular expression that the file name must match as well, for content that several formats share.
    """

    pattern: bytes
    view: Literal["data", "text", "inflated", "columns"] = "data"
    name: str = ""

    def matches(self, head: Head) -> bool:
        """Whether the head of a file bears this mark."""
        view: bytes = getattr(head, self.view)
        if self.name and not re.search(self.name, head.name, re.IGNORECASE):
            return False
        return re.search(self.pattern, view) is not None


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format card.

    Parameters
    ----------
    name : str
        Kebab-case, for ``format=``.
    title : str
        For people.
    techniques : tuple of str
        Keys of `interlayer.parsers.schema.TECHNIQUES` that the reader may return.
    module : str
        Where ``read`` is.
    extensions : tuple of str
        Usual ones, lower case with dot; they rank a guess, they never decide it.
    magic : tuple of Magic
        Any one of them identifies the format.
    sidecars : tuple of str
        Patterns of files that belong to it and hold no measurement of their own.
    status : {"stable", "experimental"}
        Experimental: not yet checked on real files.
    """

    name: str
    title: str
    techniques: tuple[str, ...]
    module: str
    extensions: tuple[str, ...]
    magic: tuple[Magic, ...]
    sidecars: tuple[str, ...] = field(default=())
    status: Literal["stable", "experimental"] = "stable"

    def matches(self, head: Head) -> bool:
        """Whether the content of a file is of this format."""
        return any(magic.matches(head) for magic in self.magic)

    def reader(self) -> Callable[[Source], Measurements]:
        """Import the module and return its ``read``."""
        read: Callable[[Source], Measurements] = import_module(self.module).read
        return read


_PARSERS = "interlayer.parsers"


def _table_with(*alternatives: tuple[Column, ...], without: tuple[Column, ...] = ()) -> Magic:
    """Return the mark of text tables that have one column of each tuple, and none of `without`."""
    lookaheads = [rb"(?=.*" + _any_of(columns) + rb")" for columns in alternatives]
    if without:
        lookaheads.append(rb"(?!.*" + _any_of(without) + rb")")
    return Magic(rb"(?s)\A" + b"".join(lookaheads), "columns")


def _any_of(columns: tuple[Column, ...]) -> bytes:
    spellings = sorted({fold(spelling) for column in columns for spelling in column.spellings})
    return rb"\n(?:" + b"|".join(re.escape(spelling.encode()) for spelling in spellings) + rb")\n"


# A cycler writes the points of a spectrum into its record, which makes no spectrum of the file.
_COUNTERS = (cycling.CAPACITY_CHARGE, cycling.CAPACITY_DISCHARGE)

BUILT_IN: tuple[Format, ...] = (
    Format(
        name="biologic-mpr",
        title="BioLogic EC-Lab binary",
        techniques=("eis", "cycling"),
        module=f"{_PARSERS}.biologic_mpr",
        extensions=(".mpr",),
        magic=(Magic(rb"\ABIO-LOGIC MODULAR FILE\x1a"),),
        sidecars=("*.mps", "*.mpl"),
    ),
    Format(
        name="biologic-mpt",
        title="BioLogic EC-Lab or BT-Lab text",
        techniques=("eis", "cycling"),
        module=f"{_PARSERS}.biologic_mpt",
        extensions=(".mpt", ".txt"),
        magic=(
            Magic(rb"\A\s*(EC|BT)-Lab ASCII FILE", "text"),
            Magic(rb"\A(mode\tox/red\t|freq/Hz\tRe\(Z\)/Ohm)", "text"),
        ),
    ),
    Format(
        name="gamry-dta",
        title="Gamry Framework",
        techniques=("eis", "cycling"),
        module=f"{_PARSERS}.gamry_dta",
        extensions=(".dta",),
        magic=(Magic(rb"\A\s*EXPLAIN\b", "text"),),
    ),
    Format(
        name="zahner-ism",
        title="Zahner Thales",
        techniques=("eis",),
        module=f"{_PARSERS}.zahner_ism",
        extensions=(".ism",),
        magic=(
            Magic(rb"\A\0\0\xff\xff\xff[\xfe\xff]\0\0\0"),
            Magic(rb"(?s)\A\0.{6}\0\0", name=r"\.ism$"),
        ),
    ),
    Format(
        name="elins-p00",
        title="Elins text with title and dates",
        techniques=("eis",),
        module=f"{_PARSERS}.elins_p00",
        extensions=(".p00",),
        magic=(Magic(rb"\A\s*Procedure\s*:[^\n]*\n(?:[^\n]*\n){3}\s*f/Hz\s*\t", "text"),),
    ),
    Format(
        name="elins-i2b",
        title="Elins impedance spectrum",
        techniques=("eis",),
        module=f"{_PARSERS}.elins_i2b",
        extensions=(".i2b",),
        magic=(
            Magic(rb"(?m)^\s*\d+[ \t]*\r?\n[ \t]*[-+\d.eE]+(?:[ \t]+[-+\d.eE]+){2}[ \t]*\r?$", "text", name=r"\.i2b$"),
        ),
    ),
    Format(
        name="ivium-idf",
        title="IviumSoft data file or data set",
        techniques=("eis",),
        module=f"{_PARSERS}.ivium_idf",
        extensions=(".idf", ".ids"),
        magic=(
            Magic(rb"\A[^\n]{0,64}\n?Peaks=(?:true|false)\r?\n"),
            Magic(rb"\r?\n(?:Method|Mconfig)=[^\n]*\n(?s:.*)\nprimary_data *\r?\n"),
        ),
    ),
    Format(
        name="xdi",
        title="XAS Data Interchange",
        techniques=("xanes",),
        module=f"{_PARSERS}.xdi",
        extensions=(".xdi", ".xxdi", ".dat"),
        magic=(Magic(rb"\A\s*#\s*XDI/", "text"),),
    ),
    Format(
        name="athena-prj",
        title="Athena project",
        techniques=("xanes",),
        module=f"{_PARSERS}.athena_prj",
        extensions=(".prj",),
        magic=(
            Magic(rb"Athena project file", "inflated"),
            Magic(rb"\A.{0,200}Athena project file", "text"),
            Magic(rb"\A\s*\{\s*\"_____", "inflated"),
            Magic(rb"\A\s*\{\s*\"_____", "text"),
        ),
    ),
    Format(
        name="vamas",
        title="VAMAS / ISO 14976",
        techniques=("xps",),
        module=f"{_PARSERS}.vamas",
        extensions=(".vms", ".npl", ".vamas"),
        magic=(Magic(rb"\A\s*VAMAS Surface Chemical Analysis Standard Data Transfer Format", "text"),),
    ),
    Format(
        name="tiff",
        title="TIFF micrograph (FEI, Zeiss, ImageJ, OME, DigitalMicrograph, plain tags)",
        techniques=("image",),
        module=f"{_PARSERS}.tiff",
        extensions=(".tif", ".tiff"),
        magic=(Magic(rb"\A(II\*\0|MM\0\*|II\+\0|MM\0\+)"),),
    ),
    Format(
        name="dm",
        title="Gatan DigitalMicrograph 3 and 4",
        techniques=("image", "eels", "eds"),
        module=f"{_PARSERS}.dm",
        extensions=(".dm3", ".dm4"),
        magic=(
            Magic(rb"(?s)\A\0\0\0\x03.{4}\0\0\0[\0\x01]"),
            Magic(rb"(?s)\A\0\0\0\x04.{8}\0\0\0[\0\x01]"),
        ),
    ),
    Format(
        name="zip",
        title="zip archive of instrument files",
        techniques=("eis", "cycling", "xanes", "xps", "image", "eds", "eels"),
        module=f"{_PARSERS}.archive_zip",
        extensions=(".zip",),
        magic=(Magic(rb"\APK\x03\x04", name=r"\.zip$"),),
    ),
    Format(
        name="gzip",
        title="gzip-compressed instrument file",
        techniques=("eis", "cycling", "xanes", "xps", "image", "eds", "eels"),
        module=f"{_PARSERS}.archive_gzip",
        extensions=(".gz",),
        magic=(Magic(rb"\A\x1f\x8b\x08"),),
    ),
    Format(
        name="delimited-eis",
        title="delimited text with an impedance spectrum",
        techniques=("eis",),
        module=f"{_PARSERS}.delimited_eis",
        extensions=(".csv", ".txt", ".tsv", ".dat"),
        magic=(
            _table_with((eis.FREQUENCY,), (eis.REAL,), (eis.IMAGINARY, eis.MINUS_IMAGINARY), without=_COUNTERS),
            _table_with((eis.FREQUENCY,), (eis.MODULUS,), (eis.PHASE, eis.MINUS_PHASE), without=_COUNTERS),
            Magic(rb"\A\nunnamed 3 logarithmic\n", "columns", name=r"\.(csv|txt|tsv|dat|eis)$"),
        ),
    ),
    Format(
        name="delimited-cycling",
        title="delimited text with a cycling record",
        techniques=("cycling", "eis"),
        module=f"{_PARSERS}.delimited_cycling",
        extensions=(".csv", ".txt", ".tsv", ".dat"),
        magic=(
            _table_with(
                (cycling.TEST_TIME, cycling.PLAIN_TIME, cycling.CLOCK),
                (cycling.CURRENT,),
                (cycling.VOLTAGE, *_COUNTERS),
            ),
        ),
    ),
)


@cache
def formats() -> tuple[Format, ...]:
    """Return all format cards, those of other packages first so that they can specialise ours."""
    plugins = tuple(entry.load() for entry in entry_points(group="interlayer.formats"))
    return plugins + BUILT_IN
