"""Workbooks: four sheets are four measurements, those of a cycler are one, and one that fills the memory is refused."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    CorruptFile,
    LimitExceeded,
    Limits,
    ParseError,
    Source,
    UnknownFormat,
    findings,
    identify,
    measurements,
    read_tree,
    schema,
)

PYIMPSPEC = "eis/pyimpspec"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
ODS = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="a">{}</table:table></office:spreadsheet></office:body></office:document-content>'
)


class Day(float):
    """A number of days, in a cell that is shown as a time."""


def xlsx(*sheets: str, titles: Sequence[str] = (), shown: str = "hh:mm:ss.000") -> bytes:
    """Return a workbook of sheets given as the XML of their rows; `shown` is the format of the cells that are times."""
    numbers = range(1, len(sheets) + 1)
    titles = titles or [f"s{n}" for n in numbers]
    named = "".join(f'<sheet name="{titles[n - 1]}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    related += f'<Relationship Id="rId{len(sheets) + 1}" Type="{RELATIONS}/styles" Target="styles.xml"/>'
    cells = f'<numFmt numFmtId="200" formatCode="{shown}"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="200"/>'
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{named}</sheets></workbook>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts>{cells}</cellXfs></styleSheet>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{related}</Relationships>',
    }
    for n, rows in zip(numbers, sheets, strict=True):
        files[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    return packed(files)


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def ods(rows: str) -> bytes:
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", mimetype)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", ODS.format(rows))
    return buffer.getvalue()


def row(number: int, *cells: str | float) -> str:
    written = "".join(
        f'<c r="{chr(65 + n)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        if isinstance(cell, str)
        else f'<c r="{chr(65 + n)}{number}" s="{int(isinstance(cell, Day))}"><v>{cell!r}</v></c>'
        for n, cell in enumerate(cells)
    )
    return f'<row r="{number}">{written}</row>'


def spectrum() -> str:
    f = np.logspace(4, 0, 21)
    z = 10 + 100 / (1 + 2j * np.pi * f * 1e-3)
    rows = [row(n + 2, float(a), float(b.real), float(-b.imag)) for n, (a, b) in enumerate(zip(f, z, strict=True))]
    return row(1, "Frequency (kHz)", "Z' (ohm)", "-Z'' (ohm)") + "".join(rows)


def of(data: bytes, limits: Limits | None = None):
    source = Source(Path("x.xlsx"), data=data, **({"limits": limits} if limits else {}))
    return {found.group: found.dataset for found in measurements(source, format="spreadsheet")}


@pytest.mark.parametrize("name", ["data.xlsx", "data.ods"])
def test_each_sheet_is_a_measurement(corpus, name):
    """Four ways to write one spectrum, |Z| and -phase among them; merged into one they would be 116 points."""
    tree = read_tree(corpus / PYIMPSPEC / name)
    assert [node.name for node in tree.leaves] == [f"header-variant-{n}" for n in range(1, 5)]
    for node in tree.leaves:
        assert node.sizes["frequency"] == 29
        assert node.attrs["format"] == "spreadsheet"
        assert node["impedance"].values[0] == pytest.approx(109.00918219439 - 26.5556798765152j, rel=1e-13)


def test_units_and_numbers_survive_the_cells():
    """A header in kHz counts as in text, and numbers keep their 17 digits."""
    dataset = of(xlsx(spectrum()))["s1"]
    np.testing.assert_allclose(dataset["frequency"], np.logspace(7, 3, 21), rtol=4e-15)


def test_other_sheets_are_named_and_do_not_cost_the_spectrum():
    """Notes and plots stand in the same workbook."""
    found = of(xlsx(row(1, "notes", "of the day"), spectrum(), ""))
    assert set(found) == {"s2"}
    (remark,) = [finding for finding in findings(found["s2"].attrs) if finding.code == "unknown-members"]
    assert "'s1'" in remark.message


def test_workbook_without_a_spectrum_is_refused(corpus):
    """Peak tables of a photoelectron program are no spectrum of impedance."""
    path = corpus / "haxpes/KherveFitting__STO_2doublets.xlsx"
    card = identify(path)
    assert card is not None
    assert card.name == "spreadsheet"
    with pytest.raises(UnknownFormat, match="Ti2p"):
        read_tree(path)


CELL = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="{}"/>'
FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'


@pytest.mark.parametrize(
    "data",
    [
        xlsx(FAR),
        ods('<table:table-row table:number-rows-repeated="1048576">' + CELL.format(16384) + "</table:table-row>"),
    ],
    ids=["far cell", "repeated cells"],
)
def test_sheet_that_spans_the_memory_is_refused_unread(data):
    """Two kilobytes that name the last cell of the sheet would take half a terabyte, which ends the process."""
    assert len(data) < 4000
    with pytest.raises(LimitExceeded, match="cells"):
        of(data)


def test_empty_rows_to_the_end_of_the_sheet_are_no_bomb(corpus):
    """LibreOffice writes a million empty rows below every table as one tag."""
    empty = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated='
    data = ods('<table:table-row><table:table-cell office:value-type="float" office:value="1"/></table:table-row>'
               + empty + '"16384"/></table:table-row>')  # fmt: skip
    with pytest.raises(UnknownFormat, match="none of the sheets"):
        of(data)


def test_zip_bomb_is_refused():
    """32 MB of blanks packed into 32 kB, and a limit on what may be unpacked in all."""
    bomb = xlsx(spectrum() + " " * 2**25)
    with pytest.raises(LimitExceeded):
        of(bomb)
    with pytest.raises(LimitExceeded):
        of(xlsx(spectrum()), Limits(expanded=1000))
    with pytest.raises(LimitExceeded):
        of(xlsx(spectrum()), Limits(members=2))


@pytest.mark.parametrize("name", ["data.xlsx", "data.ods"])
def test_damaged_workbooks_are_refused_or_whole(corpus, name):
    """Every member has a checksum, so that a damaged workbook is refused instead of read with holes."""
    data = (corpus / PYIMPSPEC / name).read_bytes()
    whole = of(data)
    generator = random.Random(1)
    for _ in range(15):
        place = generator.randrange(len(data))
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]):
            try:
                found = of(damaged)
            except ParseError:
                continue
            for group, dataset in found.items():
                schema.check(dataset, provenance=True)
                np.testing.assert_array_equal(dataset["impedance"], whole[group]["impedance"])


def test_text_called_xlsx_is_corrupt_when_forced():
    """Forcing the format on another file names the trouble."""
    with pytest.raises(CorruptFile):
        of(b"f,Z',Z''\n1,2,3\n")


def test_a_workbook_of_btsda_is_read_from_its_sheet_of_records():
    """Neware's software exports cycles, steps and records on sheets of their own; only the last is a record."""
    names = ("DataPoint", "Cycle Index", "Step Index", "Step Type", "Time", "Total Time", "Current(mA)", "Voltage(V)")
    names += ("Chg. Cap.(mAh)", "DChg. Cap.(mAh)", "Date")
    records = row(1, *names)
    for n in range(20):
        minute, sign = n % 10, 1 if n < 10 else -1
        kind, voltage = ("CC Chg", 3.0 + n / 10) if sign > 0 else ("CC DChg", 4.9 - n / 10)
        texts = f"00:{minute:02}:00.000", f"00:{n - n // 10:02}:00.000", f"2024-01-02 10:{n - n // 10:02}:00"
        counters = (minute, 0.0) if sign > 0 else (0.0, minute)
        cells = (n + 1, 1, 1 + n // 10, kind, *texts[:2], 60.0 * sign, voltage, *counters, texts[2])
        records += row(n + 2, *cells)
    cycles = row(1, "Cycle Index", "Chg. Cap.(mAh)", "DChg. Cap.(mAh)") + row(2, 1, 9.0, 9.0)
    datasets = of(xlsx(cycles, records))
    assert list(datasets) == ["s2"]
    dataset = datasets["s2"]
    np.testing.assert_allclose(dataset["current"], np.repeat([0.06, -0.06], 10), rtol=1e-12)
    np.testing.assert_allclose(dataset["test_time"], 60.0 * np.array([*range(10), *range(9, 19)]), rtol=1e-12)
    assert float(dataset["vendor_capacity_discharge"].max()) == pytest.approx(0.009)
    assert dataset.attrs["start_time"] == "2024-01-02T10:00:00.000"
    assert dataset["vendor_step"].values.tolist() == [1] * 10 + [2] * 10


def test_a_workbook_of_arbin_is_read_from_its_sheet_of_a_channel():
    """Arbin's statistics have time, current, voltage and counters as the record has, but one row for each cycle."""
    names = ("Data_Point", "Date_Time", "Test_Time(s)", "Step_Time(s)", "Step_Index", "Cycle_Index", "Current(A)")
    names += ("Voltage(V)", "Charge_Capacity(Ah)", "Discharge_Capacity(Ah)")
    channel = row(1, *names)
    for n in range(20):
        counted, date = n / 60, f"2024-01-02 10:{n:02}:00"
        channel += row(n + 2, n + 1, date, 60.0 * n, 60.0 * n, 1, 1 + n // 10, 1.0, 3.0 + n / 100, counted, 0.0)
    statistics = row(1, *names, "Charge_Time(s)", "Vmax_On_Cycle(V)")
    for n in range(10):
        last = 2 * n + 1
        cells = (last + 1, f"2024-01-02 10:{last:02}:00", 60.0 * last, 0.0, 1, 1 + n, 1.0, 3.0 + last / 100)
        statistics += row(n + 2, *cells, last / 60, 0.0, 540.0, 3.0 + last / 100)
    datasets = of(xlsx(row(1, "TEST REPORT", "cell 7"), channel, statistics))
    assert list(datasets) == ["s2"]
    np.testing.assert_allclose(datasets["s2"]["test_time"], 60.0 * np.arange(20), rtol=1e-12)
    assert datasets["s2"]["vendor_cycle"].values.tolist() == [1] * 10 + [2] * 10
    assert "'s3'" in datasets["s2"].attrs["findings"], "the sheet that was left out is named"


def rows(header: Sequence[str], cells: Sequence[Sequence[str | float]]) -> str:
    """Return the XML of a sheet, without a header where there is none."""
    written = [header, *cells] if header else cells
    return "".join(row(n, *line) for n, line in enumerate(written, 1))


ARBIN = ("Data_Point", "Test_Time(s)", "Step_Index", "Cycle_Index", "Current(A)", "Voltage(V)")
LANDT = ("Index", "TestTime", "StepTime/Sec.", "Voltage/V", "Current/mA", "Capacity/mAh", "SysTime", "State")


def arbin(start: int, stop: int) -> list[tuple[float, ...]]:
    return [(n, 10.0 * n, 1, 1, 0.5, 3.0 + n / 1000) for n in range(start, stop)]


def test_sheets_of_arbin_that_continue_one_another_are_one_record():
    """A long test fills several sheets of one channel; read apart, each would begin within a half cycle."""
    sheets = [rows(ARBIN, arbin(1, 40)), rows(ARBIN, arbin(40, 70)), rows(ARBIN, arbin(1, 30))]
    titles = ["Channel_1-001_1", "Channel_1-001_2", "Channel_1-002_1"]
    found = of(xlsx(*sheets, titles=titles))
    assert [dataset.sizes["record"] for dataset in found.values()] == [69, 29]
    first = next(iter(found.values()))
    np.testing.assert_allclose(first["test_time"], 10.0 * np.arange(1, 70))
    (remark,) = [finding for finding in findings(first.attrs) if finding.code == "joined-sheets"]
    assert "3 sheets are 2 tables" in remark.message


@pytest.mark.parametrize(
    ("titles", "starts"),
    [(["Channel_1", "Channel_2"], (1, 1)), (["Channel_1", "Channel_2"], (1, 41)), (["alpha", "beta"], (1, 40))],
    ids=["begins anew", "rows between are missing", "called otherwise"],
)
def test_sheets_that_do_not_continue_stay_apart(titles, starts):
    """Two channels side by side would become one test with a jump in time."""
    sheets = [rows(ARBIN, arbin(starts[0], 40)), rows(ARBIN, arbin(starts[1], 70))]
    assert len(of(xlsx(*sheets, titles=titles))) == 2


def landt(start: int, stop: int) -> list[tuple[str | float, ...]]:
    kinds = ("C_CC", 0.2) if stop < 60 else ("D_CC", -0.2)
    lines = []
    for n in range(start, stop):
        hours, minutes = divmod(30 * n, 60)
        elapsed = f"{hours // 24}-{hours % 24:02}:{minutes:02}:00"
        date = f"2024-01-{1 + hours // 24:02} {hours % 24:02}:{minutes:02}:00"
        lines.append((n, elapsed, 1800.0, 3.0 + n / 100, kinds[1], 0.1 * n, date, kinds[0]))
    return lines


def test_sheets_of_landt_go_on_without_names():
    """LANDdt names the columns on the first sheet of records alone, and counts days before the time of day."""
    data = xlsx(rows(LANDT, landt(0, 50)), rows((), landt(50, 100)), titles=["Record", "Record_1"])
    (dataset,) = of(data).values()
    np.testing.assert_allclose(dataset["test_time"], 1800.0 * np.arange(100))
    np.testing.assert_allclose(dataset["current"], np.repeat([2e-4, -2e-4], 50))
    kinds = [schema.STEP_TYPES[kind] for kind in dataset["step_type"].values]
    assert kinds == ["constant_current_charge"] * 50 + ["constant_current_discharge"] * 50
    assert dataset.attrs["start_time"] == "2024-01-01T00:00:00.000"


@pytest.mark.parametrize("shown", ["hh:mm:ss.000", "[h]:mm:ss"])
def test_durations_beyond_a_day_go_on(shown):
    """Excel keeps a duration in days and shows it as a date of the year 1900, with a 29 February that never was."""
    days = np.linspace(0.0, 80.0, 200)
    names = ("DataPoint", "Total Time", "Current(mA)", "Voltage(V)")
    cells = [(n + 1, Day(day), 1.0, 3.0 + n / 1000) for n, day in enumerate(days)]
    dataset = of(xlsx(rows(names, cells), titles=["record"], shown=shown))["record"]
    np.testing.assert_allclose(dataset["test_time"], 86400.0 * days, atol=1e-3)


def test_dates_stay_dates():
    """A date in a cell of its own is no duration."""
    names = ("DataPoint", "Date", "Current(mA)", "Voltage(V)")
    cells = [(n + 1, Day(45292.5 + n / 1440), 1.0, 3.0 + n / 1000) for n in range(30)]
    dataset = of(xlsx(rows(names, cells), titles=["record"], shown="yyyy-mm-dd hh:mm:ss"))["record"]
    assert dataset.attrs["start_time"] == "2024-01-01T12:00:00.000"
    np.testing.assert_allclose(dataset["test_time"], 60.0 * np.arange(30), atol=1e-3)


def test_sheets_of_btsda_7_are_read():
    """Older BTSDA writes ``Detail`` sheets with other names, and the kind of step with underscores."""
    names = (
        "Record Index",
        "Status",
        "Cycle",
        "Step",
        "Cur(A)",
        "Voltage(V)",
        "CapaCity(Ah)",
        "Relative Time(h:min:s.ms)",
    )
    names += ("Absolute Time",)
    lines = [
        (n, "CC_Chg" if n <= 20 else "CC_DChg", 1, 1 + (n > 20), 0.1 if n <= 20 else -0.1, 3 + abs(20 - n) / -100,
         0.0, "0:00:00.000", f"2024-01-02 10:{n:02}:00")
        for n in range(1, 41)
    ]  # fmt: skip
    data = xlsx(rows(names, lines[:25]), rows(names, lines[25:]), titles=["Detail_1_1_1", "Detail_1_1_2"])
    (dataset,) = of(data).values()
    np.testing.assert_allclose(dataset["test_time"], 60.0 * np.arange(40))
    np.testing.assert_allclose(dataset["current"], np.repeat([0.1, -0.1], 20))
    assert schema.STEP_TYPES[int(dataset["step_type"][0])] == "constant_current_charge"
