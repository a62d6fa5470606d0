"""Maccor text: the sign of a current that is a magnitude, one counter for two directions, five ways to write time."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import AmbiguousContent, ParseError, Source, findings, maccor_txt, measurements, read, schema

ONE, TWO = "cycling/cellpy/maccor_one.txt", "cycling/cellpy/maccor_002.txt"
CSV = "cycling/PyProBE/sample_data_maccor.csv"
FIRST, SECOND = "cycling/battery-data-toolkit/maccor_example.001", "cycling/battery-data-toolkit/maccor_example.002"
# Path, rows, time (s), voltage (V), cycles, start: the corpus' own list, and the files. The list gives the test time of
# maccor_002 as its numbers stand, 3809.8418; by the dates of its first and last row it is in minutes.
FILES = [
    (ONE, 4459, (0.0, 123012.75), (2.5, 4.2), (0, 0), "2020-12-11T12:22:12"),
    (TWO, 7446, (0.0, 3809.841833 * 60), (0.0345, 3.8), (0, 1), "2021-05-11T15:40:24"),
    (CSV, 15, (0.0, 13.06), (3.668, 3.716), (1, 1), "2023-11-23T15:56:11"),
    (FIRST, 8, (0.0, 1.1667 * 60), (3.30571450, 3.30678264), (0, 0), "2016-03-31T16:05:31"),
    (SECOND, 8, (0.0, 1.1667 * 60), (3.30571450, 3.30678264), (0, 0), None),
]


def of(data: bytes | str, name: str = "x.txt"):
    content = data.encode() if isinstance(data, str) else data
    return measurements(Source(Path(name), data=content), format="maccor-txt")[0].dataset


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def export(rows, names="Rec#\tCyc#\tStep\tTest (Sec)\tAmp-hr\tAmps\tVolts\tState\tDPt Time", begun="03/31/2016") -> str:
    lines = [f"Today's Date 04/04/2016  Date of Test:\t{begun}\t Filename:\tx.001", names]
    return "\n".join([*lines, *("\t".join(map(str, row)) for row in rows)]) + "\n"


def cell(states="RCCCRDDD", amps=0.5, clock="03/31/2016 10:{minute:02}:00"):
    """A minute a row: the counter of each direction from 0 on, and a voltage that moves with the current."""
    rows, volts, counted, before = [], 3.0, 0.0, "R"
    for row, state in enumerate(states):
        counted = 0.0 if state not in ("R", before) else counted
        size = amps if state in "CD" else 0.0
        counted += size / 60 if state in "CD" and state == before else 0.0
        volts += {"C": 0.1, "D": -0.1}.get(state, 0.0)
        rows.append(
            (row + 1, 0, 1, 60.0 * row, f"{counted:.6f}", size, f"{volts:.3f}", state, clock.format(minute=row))
        )
        before = state if state != "R" else before
    return rows


@pytest.mark.parametrize(("path", "rows", "time", "voltage", "cycles", "start"), FILES, ids=[f[0][-12:] for f in FILES])
def test_every_real_file_reads_to_its_documented_numbers(corpus, path, rows, time, voltage, cycles, start):
    """Four generations of the export, from two laboratories and three programs' test data."""
    dataset = read(corpus / path)
    schema.check(dataset, provenance=True)
    assert dataset.attrs["format"] == "maccor-txt"
    assert dataset.sizes["record"] == rows
    np.testing.assert_allclose((dataset["test_time"].min(), dataset["test_time"].max()), time, rtol=1e-9)
    np.testing.assert_allclose((dataset["voltage"].min(), dataset["voltage"].max()), voltage, atol=5e-4)
    assert (int(dataset["vendor_cycle"].min()), int(dataset["vendor_cycle"].max())) == cycles
    assert (dataset.attrs.get("start_time", "")[:19] or None) == start


def test_current_is_signed_by_the_state_column(corpus):
    """All 4459 currents of the file are positive; integrated as they stand the cell would only ever be charged."""
    path = corpus / ONE
    dataset = read(path)
    fields = [line.split("\t") for line in path.read_text(encoding="cp1252").splitlines()[4:]]
    signs = np.array([{"C": 1.0, "D": -1.0, "R": 0.0}[row[9]] for row in fields])
    np.testing.assert_array_equal(dataset["current"], signs * np.array([float(row[7]) for row in fields]))
    kinds = np.array(schema.STEP_TYPES)[dataset["step_type"].values]
    np.testing.assert_array_equal(kinds == "rest", signs == 0)


@pytest.mark.parametrize(
    ("path", "charge", "discharge"),
    [
        # Last value of the counter in each step of the file: 3.36871 + 1.15388 + 3.35664 + 1.15991 + 3.17303 on charge.
        (ONE, 12.21217, 0.63781 + 4.54403 + 4.35400),
        (TWO, 0.00244213 + 0.00227658, 0.00225098 + 0.00225395),
    ],
)
def test_the_integral_of_the_signed_current_is_what_the_file_counts(corpus, path, charge, discharge):
    """Sign, unit of the time and capacity hold together: a wrong one of them is off by far more than 0.1 %."""
    dataset = read(corpus / path)
    current, time = dataset["current"].values, dataset["test_time"].values
    inside = np.diff(dataset["vendor_step"].values) == 0
    passed = (current[1:] + current[:-1]) / 2 * np.diff(time) * inside / 3600
    assert passed[passed > 0].sum() == pytest.approx(charge, rel=1e-3)
    assert -passed[passed < 0].sum() == pytest.approx(discharge, rel=1e-3)
    assert "charge-contradicts-counter" not in codes(dataset)


def test_last_row_without_its_tab_is_kept(corpus):
    """All rows of maccor_002 but the last end with a tab, and that one holds the end of the discharge, 1.3000 V."""
    dataset = read(corpus / TWO)
    assert float(dataset["voltage"][-1]) == 1.3
    assert not {"ragged-rows", "damaged-rows"} & codes(dataset)


def test_day_and_month_follow_from_the_time_in_the_test(corpus):
    """12/11/2020 to 12/12/2020 is a day or a month; 34 hours of test time make it a day, as the header spells out."""
    dataset = read(corpus / ONE)
    assert dataset["time"].values[-1] == np.datetime64("2020-12-12T22:32:31")


def test_a_counter_that_runs_on_into_constant_voltage_counts_once():
    """Summed by step maxima the charge of a CC-CV step would double."""
    rows = [list(row) for row in cell("RCCCCCRDD")]
    for row in rows[4:]:
        row[2] = 2  # the step number changes in the middle of the charge, the counter goes on
    dataset = of(export(rows))
    gained = np.clip(np.diff(dataset["vendor_capacity_charge"]), 0, None).sum()
    assert gained == pytest.approx(0.5 * 4 / 60, abs=1e-6)
    assert dataset["vendor_capacity_charge"].values[6] == pytest.approx(0.5 * 4 / 60, abs=1e-6), "the rest keeps it"
    assert dataset["vendor_capacity_charge"].values[-1] == 0
    assert dataset["vendor_capacity_discharge"].values[-1] == pytest.approx(0.5 / 60, abs=1e-6)


def test_thousands_separators_are_no_decimal_commas():
    """'1,234.5' and '28,844' stand beside '0.5'; one published tool turns 26 183 of 40 819 such currents into NaN."""
    rows = [
        (row, 0, 1, f'"{60000 + 1000 * row:,}.5"', "0.0", '"1,234.50"' if row > 1 else "0.00", 3.0 + row / 10, "C", "")
        for row in range(1, 6)
    ]
    names = "Rec#,Cyc#,Step,Test (Sec),Amp-hr,Amps,Volts,State,DPt Time"
    text = export(rows, names.replace(",", "\t")).splitlines()
    dataset = of("\n".join([text[0], *(line.replace("\t", ",") for line in text[1:])]) + "\n", "x.csv")
    np.testing.assert_array_equal(dataset["current"], [0, 1234.5, 1234.5, 1234.5, 1234.5])
    np.testing.assert_array_equal(dataset["test_time"], [61000.5, 62000.5, 63000.5, 64000.5, 65000.5])


@pytest.mark.parametrize(("states", "sign"), [("RCCCC", 1), ("RDDDD", -1), ("RCCCDDD", 0), ("RCCRRDD", 0)])
def test_without_a_state_the_direction_follows_from_the_voltage(states, sign):
    """Some templates leave the state out. What is inferred from the voltage is said to be."""
    rows = cell(states)
    for number, row in enumerate(rows):
        step = 1 + sum(a != b for a, b in pairwise(states[: number + 1]))
        rows[number] = (*row[:2], step, *row[3:7], row[8])
    dataset = of(export(rows, "Rec#\tCyc#\tStep\tTest (Sec)\tAmp-hr\tAmps\tVolts\tDPt Time"))
    expected = [{"R": 0.0, "C": 0.5, "D": -0.5}[state] for state in states]
    np.testing.assert_array_equal(dataset["current"], expected)
    assert sign == 0 or np.all(np.sign(dataset["current"].values[1:]) == sign)
    assert "inferred-current-sign" in codes(dataset)


def test_a_step_that_holds_the_voltage_goes_on_in_the_direction_before_it_or_stays_unknown():
    """A constant voltage after a charge is part of it. On its own, nothing tells: NaN and a finding, no guess."""
    names = "Rec#\tStep\tTest (Sec)\tAmps\tVolts\tDPt Time"
    steps = [(0, 1, 3.0), (1, 2, 3.1), (1, 2, 4.2), (0.7, 3, 4.2), (0.2, 3, 4.2), (0, 4, 4.1), (0.5, 5, 4.1)]
    rows = [(row + 1, step, 60 * row, amps, volts, "") for row, (amps, step, volts) in enumerate(steps)]
    dataset = of(export(rows, names))
    np.testing.assert_array_equal(dataset["current"], [0, 1, 1, 0.7, 0.2, 0, np.nan])
    (remark,) = [finding for finding in findings(dataset.attrs) if finding.code == "inferred-current-sign"]
    assert "In 1 of them" in remark.message


def test_states_of_a_channel_that_is_off_and_unknown_states():
    """Rest, pause, suspension and open circuit carry no current; a letter that is not known costs only its rows."""
    rows = cell("RCCPSODD")
    rows[2] = (*rows[2][:7], "Q", rows[2][8])
    rows[3] = (*rows[3][:5], 1e-6, *rows[3][6:])
    dataset = of(export(rows))
    np.testing.assert_array_equal(dataset["current"], [0, 0.5, np.nan, 0, 0, 0, -0.5, -0.5])
    assert {"unknown-state", "current-at-rest"} <= codes(dataset)


def test_a_current_that_is_signed_already_stays():
    """Newer exports can sign the current; multiplied by the state again, discharge would charge."""
    rows = [(*row[:5], -row[5] if row[7] == "D" else row[5], *row[6:]) for row in cell()]
    np.testing.assert_array_equal(of(export(rows))["current"], of(export(cell()))["current"])


@pytest.mark.parametrize(("unit", "seconds"), [("Sec", 1), ("Min", 60), ("Hr", 3600)])
def test_unit_of_the_test_time_in_the_header(unit, seconds):
    """'Test (Min)' is the default of the older exporter."""
    names = f"Rec#\tCyc#\tStep\tTest ({unit})\tAmp-hr\tAmps\tVolts\tState\tDPt Time"
    rows = [(*row[:3], 60.0 * number / seconds, *row[4:8], "") for number, row in enumerate(cell())]
    np.testing.assert_allclose(of(export(rows, names))["test_time"], 60.0 * np.arange(8))


@pytest.mark.parametrize("clock", ["03/31/2016 10:{minute:02}:00", ""])
@pytest.mark.parametrize("seconds", [1, 60, 3600])
def test_unit_of_a_bare_test_time_follows_from_dates_or_counter(clock, seconds):
    """Without a unit a week is an hour or a year; the dates know, and so does the counter of capacity."""
    names = "Rec#\tCyc#\tStep\tTestTime\tAmp-hr\tAmps\tVolts\tState\tDPt Time"
    rows = [(*row[:3], f"{row[3] / seconds:.9f}", *row[4:]) for row in cell("RCCCCCCCCRDDDDDDDD", clock=clock)]
    dataset = of(export(rows, names))
    np.testing.assert_allclose(dataset["test_time"], 60.0 * np.arange(18), atol=1e-4)
    assert "inferred-time-unit" in codes(dataset)


def test_a_bare_test_time_that_nothing_decides_is_refused():
    """A rest without dates says nothing about its unit."""
    rows = cell("RRRR", clock="")
    with pytest.raises(AmbiguousContent, match="names no unit"):
        of(export(rows, "Rec#\tCyc#\tStep\tTestTime\tAmp-hr\tAmps\tVolts\tState\tDPt Time"))


def test_times_of_day_get_their_day_from_header_and_test_time():
    """The day changes at midnight, and a gap of two days has to stay two days."""
    seconds = [0, 60, 120, 120 + 2 * 86400]
    clock = ["23:58:30", "23:59:30", "00:00:30", "00:00:30"]
    rows = [(n + 1, 0, 1, t, 0, 0, 3.0, "R", c) for n, (t, c) in enumerate(zip(seconds, clock, strict=True))]
    dataset = of(export(rows))
    assert [str(moment)[:19] for moment in dataset["time"].values] == [
        "2016-03-31T23:58:30", "2016-03-31T23:59:30", "2016-04-01T00:00:30", "2016-04-03T00:00:30"]  # fmt: skip
    ambiguous = of(export(rows, begun="04/01/2016"))
    assert "time" not in ambiguous.coords
    assert "unread-dates" in codes(ambiguous)


def test_a_date_in_words_in_the_header_tells_day_and_month_of_a_short_test():
    """Within one day the test time decides nothing; 'Date of Test: 4 March 2016' does."""
    rows = cell(clock="03/04/2016 10:{minute:02}:00")
    assert of(export(rows, begun="4 March 2016, 10:00:00 AM"))["time"].values[0] == np.datetime64("2016-03-04T10:00")
    assert of(export(rows, begun="3 April 2016, 10:00:00 AM"))["time"].values[0] == np.datetime64("2016-04-03T10:00")
    assert "time" not in of(export(rows, begun="03/04/2016")).coords


def test_a_thermocouple_of_an_auxiliary_channel_is_the_temperature(corpus):
    """Sixteen channels stand at -2500 where nothing is connected: no temperature, and no -2500 degC."""
    assert "temperature" not in read(corpus / ONE)
    names = "Rec#\tStep\tTest (Sec)\tAmps\tVolts\tState\tDPt Time\tAux #1\t Units\tAux #2\t Units"
    rows = [(n, 1, n, 0, 3.0, "R", "", -2501.7, " C  ", 25.5, " C  ") for n in range(1, 5)]
    np.testing.assert_array_equal(of(export(rows, names))["temperature"], 25.5)


def test_decimal_comma_twin_reads_the_same(corpus):
    """A German PC exports the same test with decimal commas."""
    text = (corpus / ONE).read_text(encoding="cp1252")
    english, german = of(text), of(text.replace(".", ","))
    for name in ("test_time", "voltage", "current", "vendor_capacity_charge"):
        np.testing.assert_allclose(german[name], english[name], rtol=1e-9)
    np.testing.assert_array_equal(german["time"], english["time"])


@pytest.mark.parametrize("path", [ONE, TWO, CSV, FIRST])
def test_truncated_copies_hold_a_prefix_or_nothing(corpus, path):
    """Wherever a copy breaks off, its records are the first of the file."""
    data = (corpus / path).read_bytes()[:120_000]
    data = data[: data.rfind(b"\n") + 1]
    whole = of(data)
    generator = random.Random(3)
    for cut in [generator.randrange(len(data)) for _ in range(15)]:
        try:
            part = of(data[:cut])
        except ParseError:
            continue
        if "inferred-current-sign" in codes(part) or "inferred-time-unit" in codes(part):
            continue  # what is inferred from the rows that are there may lack them
        n = part.sizes["record"]
        for name in ("test_time", "voltage", "current"):
            np.testing.assert_array_equal(part[name], whole[name][:n])


@pytest.mark.parametrize("path", [ONE, TWO, CSV, FIRST, SECOND])
def test_damaged_copies_are_valid_or_parse_errors(corpus, path, survive, damaged):
    """Flipped, doubled and missing bytes: a Dataset of the vocabulary or a ParseError, never anything else."""
    data = (corpus / path).read_bytes()[:40_000]

    def datasets(copy):
        return [found.dataset for found in maccor_txt.read(Source(Path("x.txt"), data=copy))]

    assert survive(datasets, damaged(data, 24, seed=11))[0] > 0
