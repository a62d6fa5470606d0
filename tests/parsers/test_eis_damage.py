"""Spectra in mutated and wrong-locale files: the truth, an error or a finding, in every text format.

Each format is represented by real files. Where its numbers stand is found by looking for the true ones, so that one
set of mutations serves all. What a reader returns for a mutated file is held against the whole one: every point has to
be one of its points, or something has to be said that is not said of the whole file.

No reader can know of every wrong digit. Where |Z| and phase, or potential and current, stand beside Z' and Z'', any
change beyond their rounding has to be noticed; elsewhere only one that breaks the smooth run of the impedance or the
even spacing of the frequencies.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import ParseError, Source, findings, measurements

DRT, EXAMPLES, FIT, CONTROL = "eis/hybrid-drt", "eis/impedance.py", "eis/EISFitpython", "eis/pyimpspec"


@dataclass(frozen=True)
class File:
    """One real file: its encoding, decimal mark, delimiter, and the change of Z that its other columns show."""

    path: str
    delimiter: str = "\t"
    decimal: str = "."
    encoding: str = "utf-8"
    redundant: float | None = None


FILES = (
    File("eis/yadg/peis.issue_149.mpt", encoding="cp1252", redundant=2e-6),
    File(f"{DRT}/PEIS_LPSCl_IonBlocking_-25C.txt", encoding="cp1252", redundant=2e-6),
    File(f"{CONTROL}/data.mpt", encoding="cp1252"),
    File(f"{EXAMPLES}/exampleDataGamry.DTA", encoding="cp1252", redundant=1e-5),
    File(f"{CONTROL}/data.dta", decimal=",", redundant=2e-6),
    File(f"{EXAMPLES}/exampleDataZPlot.z"),
    File(f"{EXAMPLES}/exampleDataZPlot_noComments.z", ","),
    File(f"{EXAMPLES}/exampleDataAutolab.txt", ",", encoding="utf-8-sig"),
    File(f"{CONTROL}/data.dfr"),
    File(f"{EXAMPLES}/exampleDataVersaStudio.par", ",", redundant=1e-5),
    File(f"{DRT}/PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt", redundant=2e-6),
    File(f"{EXAMPLES}/exampleDataCHInstruments.txt", ",", redundant=0.02),
    File(f"{EXAMPLES}/exampleDataParstat.txt"),
    File(f"{CONTROL}/data.i2b", " "),
    File(f"{CONTROL}/data.P00"),
    File(f"{CONTROL}/data.idf", encoding="latin-1"),
    File(f"{CONTROL}/data.ids", encoding="latin-1"),
    File(f"{EXAMPLES}/exampleDataPowersuite.txt"),
    File(f"{FIT}/s04147-140deg.txt"),
    File(f"{FIT}/CSV_Example.csv", ","),
    File("eis/EISART/eis_button_sofc_with_title.csv", ","),
    File("eis/eis_analysis/example_eis_data.csv", ","),
    File("eis/pyDRTtools/2ZARC1.csv", ","),
    File(f"{CONTROL}/data-semicolon.csv", ";"),
)
_BESIDE = 8  # numbers between the frequency and Z', Z'' of a point
IDS = [file.path.rpartition("/")[2] for file in FILES]


@dataclass(frozen=True)
class Row:
    """Where the numbers of a point stand in the text: its lines, and the spans of frequency, Z' and Z''."""

    begin: int
    end: int
    spans: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Whole:
    """A file as it is: its text, the points of all its spectra, what is said of it, and where its numbers stand."""

    file: File
    data: bytes
    text: str
    points: np.ndarray
    said: frozenset[str]
    rows: tuple[Row, ...]
    copies: np.ndarray


def spectra(data: bytes, path: str) -> tuple[list, frozenset[str]]:
    found = [measurement.dataset for measurement in measurements(Source(Path(path), data=data))]
    said = frozenset(f"{finding.code}: {finding.message}" for dataset in found for finding in findings(dataset.attrs))
    return [dataset for dataset in found if "impedance" in dataset], said


def points_of(datasets: list) -> np.ndarray:
    columns = [np.column_stack([d["frequency"].values, d["impedance"].values]) for d in datasets]
    return np.concatenate(columns) if columns else np.empty((0, 2), dtype=complex)


def rows_of(text: str, file: File, points: np.ndarray) -> tuple[Row, ...]:
    """Find the first line, or run of lines, that holds frequency, Z' and Z'' or -Z'' of each point."""
    number = re.compile(rf"[-+]?(?:\d+[{file.decimal}]?\d*|[{file.decimal}]\d+)(?:[eE][-+]?\d+)?")
    tokens = [(match.start(), match.end()) for match in number.finditer(text)]
    starts = np.array([start for start, _ in tokens])
    values = np.array([float(text[slice(*span)].replace(",", ".")) for span in tokens])
    found: list[Row] = []
    after = 0
    for frequency, impedance in points:
        wanted = frequency.real, impedance.real, impedance.imag
        for place in np.flatnonzero(np.isclose(values, wanted[0], rtol=1e-9, atol=0) & (starts >= after)):
            window = slice(max(place - _BESIDE, np.searchsorted(starts, after)), place + _BESIDE)
            spans = [
                np.flatnonzero(np.isclose(np.abs(values[window]), abs(value), rtol=1e-9, atol=0)) for value in wanted
            ]
            if all(len(span) for span in spans):
                chosen = tuple(tokens[window.start + span[0]] for span in spans)
                begin = text.rfind("\n", 0, min(chosen)[0]) + 1
                after = text.find("\n", max(chosen)[1]) + 1 or len(text)
                found.append(Row(begin, after, chosen))
                break
        else:
            raise AssertionError(f"{file.path}: point {frequency.real} Hz is not in the text")
    return tuple(found)


@pytest.fixture(scope="module", params=FILES, ids=IDS)
def whole(request, corpus) -> Whole:
    file = request.param
    data = (corpus / file.path).read_bytes()
    text = data.decode(file.encoding).replace("\r\n", "\n")
    datasets, said = spectra(data, file.path)
    points = points_of(datasets)
    copies = (points[:, None, :] == points[None, :, :]).all(axis=2).sum(axis=0)
    return Whole(file, data, text, points, said, rows_of(text, file, points), copies)


@dataclass(frozen=True)
class Outcome:
    """What came of a mutated file: the truth, less of it, refused, said, or silently wrong by so much."""

    kind: str
    off_frequency: np.ndarray | None = None
    off_impedance: np.ndarray | None = None


HONEST = ("truth", "refused", "said")


def outcome(whole: Whole, data: bytes) -> Outcome:
    try:
        datasets, said = spectra(data, whole.file.path)
    except ParseError:
        return Outcome("refused")
    points = points_of(datasets)
    same = np.isclose(points[:, None, :], whole.points[None, :, :], rtol=1e-9, atol=0).all(axis=2)
    true = bool(same.any(axis=1).all())
    if true and np.array_equal(same.sum(axis=0), whole.copies):
        return Outcome("truth")
    if said - whole.said:
        return Outcome("said")
    if true and len(points) < len(whole.points):
        return Outcome("less")
    if len(points) != len(whole.points):
        return Outcome("wrong")
    return Outcome("wrong", *np.abs(points / whole.points - 1).T)


def edited(whole: Whole, edits: dict[tuple[int, int], str]) -> bytes:
    """Return the file with some spans of its text replaced."""
    pieces, at = [], 0
    for begin, end in sorted(edits):
        pieces += [whole.text[at:begin], edits[begin, end]]
        at = end
    return ("".join(pieces) + whole.text[at:]).encode(whole.file.encoding)


def line(whole: Whole, row: Row) -> str:
    return whole.text[row.begin : row.end]


def with_lines(whole: Whole, change, rows=slice(None)) -> bytes:
    """Return the file with the lines of some points changed."""
    return edited(whole, {(row.begin, row.end): change(line(whole, row)) for row in whole.rows[rows]})


# Re-encodings --------------------------------------------------------------------------------------------------

ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 without mark": lambda text: text.encode("utf-16-le"),
    "windows-1252": lambda text: text.encode("cp1252", errors="replace"),
    "carriage returns": lambda text: text.replace("\n", "\r").encode(),
    "both": lambda text: text.replace("\n", "\r\n").encode(),
}
REFUSED_ENCODINGS = {
    "utf-16": (".idf", ".ids"),  # text between binary marks
    "utf-16 without mark": tuple({Path(file.path).suffix for file in FILES}),
    "carriage returns": (".idf", ".ids", ".par", ".i2b"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_and_line_ends_change_nothing(whole, encoding):
    """Editors, Git and mail change both; what a format cannot have is refused."""
    kind = outcome(whole, ENCODINGS[encoding](whole.text)).kind
    refusable = whole.file.path.endswith(REFUSED_ENCODINGS.get(encoding, ()))
    assert kind == "truth" or (refusable and kind == "refused")


def other_locale(text: str, file: File) -> str:
    if file.delimiter == ",":
        text = text.replace(",", ";")
    return text.replace(*(".,", ",.")[file.decimal == ","])


# Written with a point by their programs whatever the locale, or with a second table or header that stays as it is.
REFUSED_LOCALES = (".dfr", ".par", ".i2b", ".idf", ".ids", "CHInstruments.txt", "Parstat.txt", "2ZARC1.csv")


def test_the_other_decimal_mark_is_read_or_refused(whole):
    """Twins of a German and an English PC hold the same numbers; yadg reads some 1e7 times too large."""
    kind = outcome(whole, with_lines(whole, lambda text: other_locale(text, whole.file))).kind
    assert kind == "refused" if whole.file.path.endswith(REFUSED_LOCALES) else kind == "truth"


@pytest.mark.parametrize("rows", [slice(None, None, 2), slice(5, 6)], ids=["every other", "one"])
def test_two_decimal_marks_in_one_table_are_seen(whole, rows):
    """Rows pasted from two exports: never 3,414 as 3414 beside 3.414."""
    assert outcome(whole, with_lines(whole, lambda text: other_locale(text, whole.file), rows)).kind in HONEST


def test_decimal_commas_between_commas_are_refused(whole):
    """A comma-delimited table with decimal commas has twice its columns, all of them numbers."""
    kind = outcome(whole, with_lines(whole, lambda text: text.replace(".", ","))).kind
    assert kind in ("refused", "said") if whole.file.delimiter == "," else kind in HONEST


@pytest.mark.parametrize("mark", [",", ".", "'", " "])
def test_thousands_separators_are_dropped_or_refused(whole, mark):
    """A spreadsheet writes 1,000,000.0; taken for a decimal mark the separator divides by 1000."""

    def grouped(span):
        value = float(whole.text[slice(*span)].replace(",", "."))
        return f"{value:,.15f}".replace(",", "T").replace(".", whole.file.decimal).replace("T", mark)

    found = outcome(whole, edited(whole, {span: grouped(span) for row in whole.rows for span in row.spans}))
    assert found.kind in HONEST


# Columns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 2, 1), (1, 0, 2), (2, 1, 0)], ids=["Z' and Z''", "f and Z'", "f and Z''"])
def test_columns_in_each_others_place_are_seen(whole, order):
    """Two columns swapped under their names: the phase, the frequencies or the second pair of columns tell."""
    texts = {row: [whole.text[slice(*span)] for span in row.spans] for row in whole.rows}
    swapped = {row.spans[at]: texts[row][order[at]] for row in whole.rows for at in range(3)}
    assert outcome(whole, edited(whole, swapped)).kind in ("refused", "said")


UNNAMED = "CSV_Example.csv"


@pytest.mark.parametrize("column", [1, 2], ids=["Z'", "Z''"])
def test_an_opposite_sign_is_seen(whole, column):
    """-Z'' under the name of Z'', the mistake that no plot of |Z| shows; of Parstat's nothing but noise is left."""

    def negated(text):
        return text[1:] if text.startswith("-") else f"-{text.lstrip('+')}"

    data = edited(whole, {row.spans[column]: negated(whole.text[slice(*row.spans[column])]) for row in whole.rows})
    undecided = column == 2 and whole.file.path.endswith("Parstat.txt")
    kind = outcome(whole, data).kind
    # Without names the sign follows from the numbers, whichever it is.
    assert kind in ("refused", "said") or undecided or (kind == "truth" and whole.file.path.endswith(UNNAMED))


def without(text: str, row: Row, column: int) -> str:
    begin, end = (place - row.begin for place in row.spans[column])
    while end < len(text) - 1 and text[end] in " \t;,":
        end += 1
    return text[:begin] + text[end:]


@pytest.mark.parametrize("rows", [slice(None), slice(7, 8)], ids=["all rows", "one row"])
@pytest.mark.parametrize("column", range(3), ids=["f", "Z'", "Z''"])
def test_a_missing_field_shifts_no_column(whole, column, rows):
    """What stands behind a missing field must not move into its column."""
    moved = {(row.begin, row.end): without(line(whole, row), row, column) for row in whole.rows[rows]}
    assert outcome(whole, edited(whole, moved)).kind in ("refused", "said")


@pytest.mark.parametrize("column", range(3), ids=["f", "Z'", "Z''"])
def test_an_empty_field_costs_its_row(whole, column):
    """One point is lost and said to be, the others keep their place."""
    assert outcome(whole, edited(whole, {whole.rows[7].spans[column]: ""})).kind in ("refused", "said")


# Rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [slice(None), slice(7, 8)], ids=["all rows", "one row"])
def test_rows_written_twice_are_seen(whole, rows):
    """A failing disk or a careless paste; doubled points weigh twice in every fit."""
    found = outcome(whole, with_lines(whole, lambda text: 2 * text, rows))
    assert found.kind in ("refused", "said")


def test_a_sweep_written_twice_is_seen(whole):
    """Two equal spectra are no two measurements; rows beyond a count are another matter."""
    block = "".join(line(whole, row) for row in whole.rows)
    assert outcome(whole, with_lines(whole, lambda text: text + block, slice(-1, None))).kind in HONEST


def test_rows_in_another_order_keep_their_numbers(whole):
    """Each point stays what it is."""
    first, second = whole.rows[4], whole.rows[9]
    swapped = {(first.begin, first.end): line(whole, second), (second.begin, second.end): line(whole, first)}
    assert outcome(whole, edited(whole, swapped)).kind in HONEST


def limits(whole: Whole) -> tuple[np.ndarray, np.ndarray]:
    """Return how far frequency and impedance of each point may be off before somebody can know."""
    x = np.log(whole.points[:, 0].real)
    step = np.median(np.abs(np.diff(x)))
    restarts = np.flatnonzero(np.abs(np.diff(x)) > np.ptp(x) / 2) + 1
    ends = np.zeros(len(x), dtype=bool)
    for border in (0, *restarts, len(x)):
        ends[max(border - 2, 0) : border + 2] = True
    frequency = np.expm1(np.where(ends, 1.05, 0.25) * step)
    if whole.file.redundant is not None:
        return frequency, np.full(len(whole.points), whole.file.redundant)
    return frequency, np.where(ends, 2.5, 0.7)


def test_a_wrong_digit_is_seen_where_anything_shows_it(whole):
    """|Z| and phase, the spacing of the frequencies and the run of the impedance bear witness; else nobody can."""
    generator = random.Random(7)
    allowed = limits(whole)
    for _ in range(40):
        begin, end = generator.choice(generator.choice(whole.rows).spans)
        place = generator.choice([at for at in range(begin, end) if whole.text[at].isdigit()])
        digit = generator.choice([digit for digit in "0123456789" if digit != whole.text[place]])
        found = outcome(whole, edited(whole, {(place, place + 1): digit}))
        if found.kind == "wrong":
            assert found.off_frequency is not None, whole.text[begin:end]
            assert (found.off_frequency <= allowed[0]).all(), whole.text[begin:end]
            assert (found.off_impedance <= allowed[1]).all(), whole.text[begin:end]


def test_wherever_a_copy_breaks_off_its_points_are_true(whole):
    """Whole rows are kept; a loss that does not end with a line is said."""
    generator = random.Random(3)
    for cut in (generator.randrange(len(whole.data)) for _ in range(15)):
        found = outcome(whole, whole.data[:cut])
        left = whole.data[:cut].rstrip(b" \t")
        at_line_end = left[-1:] in (b"\n", b"\r") or whole.data[cut : cut + 1] in (b"\n", b"\r")
        assert found.kind in HONEST or (found.kind == "less" and at_line_end), cut


# Files that are no rows of text -------------------------------------------------------------------------------------

OTHERS = (
    File("eis/yadg/peis.issue_149.mpr", redundant=2e-6),
    File("eis/Zahner-Analysis-Python/li-ion-battery.ism"),
    File("eis/Zahner-Analysis-Python/000_mvdc.ism"),
    File(f"{CONTROL}/data.pssession", redundant=2e-6),
    File(f"{CONTROL}/data.xlsx"),
    File(f"{CONTROL}/data.ods"),
)


@pytest.mark.parametrize("file", OTHERS, ids=[file.path.rpartition("/")[2] for file in OTHERS])
def test_a_flipped_byte_is_seen_where_anything_shows_it(corpus, file):
    """Of a binary file as well: lengths, sums, second columns and the run of the numbers bear witness."""
    data = (corpus / file.path).read_bytes()
    datasets, said = spectra(data, file.path)
    points = points_of(datasets)
    copies = (points[:, None, :] == points[None, :, :]).all(axis=2).sum(axis=0)
    whole = Whole(file, data, "", points, said, (), copies)
    allowed = limits(whole)
    generator = random.Random(23)
    for _ in range(60):
        place = generator.randrange(len(data))
        found = outcome(whole, data[:place] + bytes([data[place] ^ 1 << generator.randrange(8)]) + data[place + 1 :])
        if found.kind == "wrong":
            assert found.off_frequency is not None, place
            assert (found.off_frequency <= allowed[0]).all(), place
            assert (found.off_impedance <= allowed[1]).all(), place
        assert found.kind != "less", place
