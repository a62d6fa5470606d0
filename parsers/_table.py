"""Tables in text files: their columns under our names, in our units, and their numbers, fast."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._block import Block, find_block, is_number_like, names, next_block
from ._columns import Column, fold, split_unit
from ._dialect import Dialect, split
from ._fields import Fields
from ._lines import Lines
from ._marks import Marks
from ._rows import whole_rows
from ._texts import Texts
from .errors import CorruptFile, LimitExceeded, UnsupportedContent
from .findings import Finding
from .limits import DEFAULT, Limits
from .units import conversion, normalise

if TYPE_CHECKING:
    import pandas as pd

    from ._text import Text

__all__ = [
    "Block",
    "Column",
    "Table",
    "find_block",
    "fold",
    "is_number_like",
    "joined",
    "names",
    "next_block",
    "original_metadata",
    "read_table",
    "split_unit",
]

Floats = NDArray[np.float64]
_KEPT_LINES = 200
_CELSIUS = ("C", "degC", "deg C", "Celsius")
_ZERO_CELSIUS = 273.15


@dataclass(frozen=True)
class Table:
    """A table in memory.

    Parameters
    ----------
    header : tuple of str
        Names of the columns without units; "" where the file has none.
    units : tuple of str
        Units as the file spells them; "" where it names none.
    frame : pandas.DataFrame
        Columns by their position from 0; numbers as float or int, all else as str.
    line : int
        Line number of the first row, counted from 1.
    dialect : Dialect
        How the numbers were written.
    lines : numpy.ndarray, optional
        Line number of every row, where damaged rows were left out between them.
    words : mapping of int to Texts
        Columns of texts that are not in the frame.
    fields : Fields, optional
        Where the texts of all other columns are to be had.
    """

    header: tuple[str, ...]
    units: tuple[str, ...]
    frame: pd.DataFrame
    line: int
    dialect: Dialect
    lines: NDArray[np.int64] | None = None
    words: Mapping[int, Texts] = field(default_factory=dict)
    fields: Fields | None = None

    def index(self, column: Column) -> int | None:
        """Return the position of a mapped column, or None."""
        found = (self._positions.get(fold(spelling)) for spelling in column.spellings)
        return next((position for position in found if position is not None), None)

    @cached_property
    def _positions(self) -> dict[str, int]:
        """The first position of each folded name."""
        return {fold(name): position for position, name in reversed([*enumerate(self.header)])}

    @cached_property
    def _none(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.frame), dtype=bool)

    @cached_property
    def _series(self) -> dict[int, pd.Series]:
        # pandas takes longer to hand out a column than most readers to look at it.
        return {int(str(position)): series for position, series in self.frame.items()}

    @property
    def line_numbers(self) -> NDArray[np.int64]:
        """Line number of every row."""
        return self.line + np.arange(len(self.frame)) if self.lines is None else self.lines

    def line_of(self, row: int) -> int:
        """Return the line number of a row."""
        return self.line + row if self.lines is None else int(self.lines[row])

    def is_numeric(self, position: int) -> bool:
        """Whether every field of a column is a number or missing."""
        return position in self._series and self._series[position].dtype.kind in "fiu"

    def parse(self, position: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Return one column as floats, and which of its fields are neither numbers nor empty (they are NaN)."""
        import pandas as pd

        if self.is_numeric(position):
            return self._series[position].to_numpy(dtype=float), self._none
        texts = pd.Series(list(self.texts(position)), dtype=object)
        numbers = pd.to_numeric(texts.map(self.dialect.plain), errors="coerce")
        return np.array(numbers, dtype=float), (numbers.isna() & (texts != "")).to_numpy()

    def numbers(self, position: int) -> Floats:
        """Return one column as floats; `CorruptFile` with the line of the first field that is no number."""
        numbers, wrong = self.parse(position)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise CorruptFile(
                f"the column {self.header[position]!r} holds {self.texts(position)[row]!r}",
                line=self.line_of(row),
                expected="a number",
            )
        return numbers

    def texts(self, position: int) -> Texts:
        """Return one column as texts, "" where a field is empty."""
        if position in self.words:
            return self.words[position]
        if self.fields is not None and position not in self._series:
            return self.fields.texts(position)
        return Texts.of(list(map(str, self._series[position].to_numpy(dtype=object, na_value=""))))

    def take(self, columns: Sequence[Column]) -> dict[str, Floats]:
        """Return the mapped columns in the units of the vocabulary.

        Parameters
        ----------
        columns : sequence of Column
            The first that matches a name wins, so alternatives may share one name.

        Returns
        -------
        dict of str to numpy.ndarray

        Raises
        ------
        UnsupportedContent
            If a required column is missing, the message lists what was found, or a unit is another.
        CorruptFile
            If a field is no number.
        """
        taken: dict[str, Floats] = {}
        for column, position in self.positions(columns).items():
            taken[column.name] = self._converted(column, position, self.numbers(position))
        return taken

    def gather(self, columns: Sequence[Column]) -> tuple[dict[str, Floats], list[Finding]]:
        """Return the mapped columns like `take`, keeping good data beside bad.

        Fields that are no finite number become NaN, an optional column in an unknown unit is left out; both are said
        in the findings.

        Raises
        ------
        UnsupportedContent
            If a required column is missing or in another unit.
        CorruptFile
            If more than half of a required column is no number.
        """
        taken: dict[str, Floats] = {}
        findings: list[Finding] = []
        for column, position in self.positions(columns).items():
            values, wrong = self.parse(position)
            name = self.header[position]
            if not column.required and not wrong.any() and np.isnan(values).all():
                continue
            if wrong.sum() * 2 > len(wrong):
                if column.required:
                    self.numbers(position)
                findings.append(Finding("text-column", "warning", f"The column {name!r} holds text; it was left out."))
                continue
            try:
                taken[column.name] = self._converted(column, position, values)
            except UnsupportedContent as error:
                if column.required:
                    raise
                message = f"{error.found[:1].upper()}{error.found[1:]}; it was left out."
                findings.append(Finding("unknown-unit", "warning", message))
                continue
            if wrong.any():
                findings.append(self._bad_fields("not-a-number", name, wrong, "no number"))
            infinite = np.isinf(values)
            if column.required and np.isnan(values).sum() > wrong.sum():
                findings.append(self._bad_fields("missing-values", name, np.isnan(values) & ~wrong, "empty"))
            if infinite.any():
                taken[column.name][infinite] = np.nan
                findings.append(self._bad_fields("infinite-values", name, infinite, "infinite"))
        return taken, findings

    def _bad_fields(self, code: str, name: str, wrong: NDArray[np.bool_], what: str) -> Finding:
        first = self.line_of(int(np.flatnonzero(wrong)[0]))
        message = (
            f"The column {name!r} is {what} in {wrong.sum()} of {len(wrong)} rows, first in line {first}; set to NaN."
        )
        return Finding(code, "warning", message)

    def positions(self, columns: Sequence[Column]) -> dict[Column, int]:
        """Return where the mapped columns are; `UnsupportedContent` if a required one is missing."""
        found: dict[Column, int] = {}
        taken: set[str] = set()
        for column in columns:
            position = self.index(column)
            if position is not None and column.name not in taken:
                found[column] = position
                taken.add(column.name)
        missing = {column.name for column in columns if column.required} - taken
        if missing:
            raise UnsupportedContent(
                f"no column for {sorted(missing)} among {list(self.header)}",
                line=max(self.line - 1, 1),
                expected=f"one called {[c.spellings[0] for c in columns if c.name in missing]}",
                remedy="export again with that column",
            )
        return found

    def _converted(self, column: Column, position: int, values: Floats) -> Floats:
        kelvin = conversion(column.unit)[0] == "degC" and normalise(self.units[position]) == "K"
        if kelvin:
            return (values - _ZERO_CELSIUS) * column.sign
        return np.asarray(values * (self.factor(column, position) * column.sign), dtype=float)

    def factor(self, column: Column, position: int) -> float:
        """Return the factor to the unit of a mapped column; `UnsupportedContent` for a unit of another dimension."""
        given = normalise(self.units[position] or column.unit)
        wanted, _ = conversion(column.unit)
        # A temperature in C is none in coulomb.
        unit, factor = (wanted, 1.0) if wanted == "degC" and given in _CELSIUS else conversion(given)
        if unit != wanted:
            raise UnsupportedContent(
                f"the column {self.header[position]!r} is in {self.units[position]!r}",
                line=self.line - 1,
                expected=f"a unit that converts to {wanted}",
            )
        return factor

    def where(self, keep: NDArray[np.bool_]) -> Table:
        """Return the table of some rows."""
        return replace(
            self,
            frame=self.frame[keep].reset_index(drop=True),
            lines=self.line_numbers[keep],
            words={position: texts.take(keep) for position, texts in self.words.items()},
            fields=None if self.fields is None else self.fields.where(keep),
        )

    def unmapped(self, columns: Sequence[Column]) -> list[str]:
        """Return the names of the columns that a map leaves out."""
        known = _spellings(tuple(columns))
        return [name for name in self.header if name and fold(name) not in known]


def read_table(
    text: Text,
    block: Block,
    *,
    header: Sequence[str] | None = None,
    dialect: Dialect | None = None,
    wanted: Sequence[Column] | None = None,
    limits: Limits = DEFAULT,
) -> tuple[Table, list[Finding]]:
    """Read the table of a block, and say what was left out.

    Parameters
    ----------
    text : Text
        The file.
    block : Block
        From `find_block`, or made by a reader that knows where its table is.
    header : sequence of str, optional
        Names with units, to be used instead of the header row.
    dialect : Dialect, optional
        How the numbers are written, when the reader knows; left out, it is inferred from them.
    wanted : sequence of Column, optional
        The columns that the reader will ask for; the others take no time. Left out, all.
    limits : Limits
        Bounds the number of columns.

    Returns
    -------
    table : Table
    findings : list of Finding
        ``truncated-row`` when the last row is cut off, ``damaged-rows`` when rows of another width were left out.
    """
    lines = Lines.of(text.lines)
    width = len(split(lines[block.start], block.delimiter)) if block.start < block.stop else 0
    if width > limits.columns:
        raise LimitExceeded(f"{width} columns", line=block.start + 1, expected=f"at most {limits.columns}")
    marks = block.marks
    if marks is None or marks.lines is not lines:
        marks = Marks(lines, block.delimiter, block.start, block.stop)
    rows, findings = whole_rows(text, marks, block, width)
    fields = Fields(marks, rows, width)
    dialect = dialect or fields.dialect()
    spoken, units = _columns(lines, block, fields, header)
    where = rows + 1 if len(rows) != block.stop - block.start else None
    frame = fields.frame(dialect, None if wanted is None else _places(spoken, wanted, fields))
    table = Table(spoken, units, frame, int(rows[0]) + 1, dialect, where, fields=fields if fields.placed else None)
    return table, findings


def joined(tables: Sequence[Table]) -> Table:
    """Return tables of one file, under the same names, one after another as one."""
    import pandas as pd

    if len(tables) == 1:
        return tables[0]
    frames = [table.frame for table in tables]
    parts = [table.fields for table in tables if table.fields is not None]
    fields = Fields.joined(parts) if len(parts) == len(tables) else None
    if fields is not None:  # a column that holds words in one of the tables is read as texts in all
        shared = [position for position in frames[0] if all(position in frame for frame in frames)]
        frames = [frame[shared] for frame in frames]
    lines = np.concatenate([table.line_numbers for table in tables])
    return replace(tables[0], frame=pd.concat(frames, ignore_index=True), lines=lines, fields=fields)


def original_metadata(text: Text, block: Block, table: Table) -> str:
    """Return, as JSON for the attribute of this name, the lines above a table and how the file was decoded."""
    above = [line for line in text.lines[: block.start] if line.strip()][:_KEPT_LINES]
    facts = {"header": above, "encoding": text.encoding, "decimal_mark": table.dialect.decimal}
    return json.dumps(facts, ensure_ascii=False)


@lru_cache(64)
def _spellings(columns: tuple[Column, ...]) -> frozenset[str]:
    return frozenset(fold(spelling) for column in columns for spelling in column.spellings)


def _places(names: Sequence[str], wanted: Sequence[Column], fields: Fields) -> list[int]:
    """Return the columns that go through pandas: those wanted, but for texts that are to be had from their bytes."""
    spellings = _spellings(tuple(wanted))
    found = [place for place, name in enumerate(names) if fold(name) in spellings]
    return [place for place in found if not (fields.placed and fields.holds_words(place))] or [0]


def _columns(
    lines: Lines, block: Block, fields: Fields, header: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    width = fields.width
    if header is None:
        header = names(lines[block.header], block.delimiter, width) if block.header is not None else []
    if header and len(header) not in (width, width - 1):
        raise CorruptFile(
            f"the header has {len(header)} names and the rows have {width} fields",
            line=block.start + 1,
            expected="as many names as fields",
            remedy="check for a decimal comma in a comma-delimited table",
        )
    if header and header[-1] and block.header is not None:
        given = split(lines[block.header], block.delimiter)
        # Names and rows both end with a delimiter.
        if len(given) > width and not given[-1] and fields.is_last_empty():
            raise CorruptFile(
                f"the header has {len(header)} names and the rows have {width - 1} fields",
                line=block.start + 1,
                expected="as many names as fields",
                remedy="export the file again without editing it",
            )
    if header and len(header) == width - 1:
        # A delimiter ends every row, or pandas wrote an index column without a name at the left.
        padded = [*header, ""] if fields.is_last_empty() else ["", *header]
    else:
        padded = list(header) or [""] * width
    pairs = [split_unit(name) for name in padded]
    units = [unit for _, unit in pairs]
    if block.units is not None:
        row = names(lines[block.units], block.delimiter, width)
        units = [own or given for own, given in zip(units, [*row, *[""] * width], strict=False)]
    return tuple(name for name, _ in pairs), tuple(unit.strip("()[]") for unit in units)
