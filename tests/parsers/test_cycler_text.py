"""Basytec, Novonix and PEC text: three headers above plain tables, restarts, and two meanings of Capacity."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import ParseError, Source, TruncatedFile, cycler_text, findings, measurements, read, schema

BASYTEC, NOVONIX = "cycling/PyProBE/sample_data_basytec.txt", "cycling/PyProBE/sample_data_novonix.csv"
PEC, PEC_REST = "cycling/cellpy/pec.csv", "cycling/cellpy/Test25205.csv"
# Path, card, rows, time (s), voltage (V), cycles, start: the corpus' own list; its 210 rows of the Novonix file count
# the lines [Protocol] and [Data] with them, and its PEC voltages are in mV. Novonix times and voltages from the file.
FILES = [
    (BASYTEC, "basytec-txt", 74, (0.0, 70.2358036666668), (3.526, 3.533), (0, 1), "2023-06-19T17:56:53"),
    (NOVONIX, "novonix-csv", 207, (0.0, 3.4131889 * 3600), (3.843, 4.129), (1, 1), "2025-07-19T15:26:20"),
    (PEC, "pec-csv", 16255, (1.0, 323010.183), (2.494, 3.8), (0, 2), "2019-02-22T16:23:27"),
    ("cycling/cellpy/Test25195.csv", "pec-csv", 19, (0.002, 162.363), (3.569, 3.569), (0, 0), None),
    (PEC_REST, "pec-csv", 489, (0.002, 70918.98), (0.06397, 3.683), (0, 0), "2026-01-08T17:45:08"),
    ("cycling/cellpy/Test25209.csv", "pec-csv", 281, (0.002, 29768.1), (3.753, 3.754), (0, 0), None),
]
RECORD = ("test_time", "voltage", "current")


def of(data: bytes | str, card: str):
    content = data.encode() if isinstance(data, str) else data
    return measurements(Source(Path("x.csv"), data=content), format=card)[0].dataset


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


@pytest.mark.parametrize(
    ("path", "card", "rows", "time", "voltage", "cycles", "start"), FILES, ids=[Path(f[0]).stem for f in FILES]
)
def test_every_real_file_reads_to_its_documented_numbers(corpus, path, card, rows, time, voltage, cycles, start):
    """Each of these headers holds lines that a general reader could take for a table."""
    dataset = read(corpus / path)
    schema.check(dataset, provenance=True)
    assert dataset.attrs["format"] == card
    assert dataset.sizes["record"] == rows
    np.testing.assert_allclose((dataset["test_time"].min(), dataset["test_time"].max()), time, rtol=1e-9)
    np.testing.assert_allclose((dataset["voltage"].min(), dataset["voltage"].max()), voltage, atol=1e-3)
    assert (int(dataset["vendor_cycle"].min()), int(dataset["vendor_cycle"].max())) == cycles
    assert (dataset.attrs.get("start_time", "")[:19] or None) == start


@pytest.mark.parametrize(
    ("path", "charge", "discharge"),
    [
        # Counter in the last row of the file; of PEC the last one before each reset as well.
        (BASYTEC, 0.001248916998009, 0.0),
        (NOVONIX, 1.70652976, 0.0),
        (PEC, 44.424915 + 44.25893, 11.634168 + 44.351991),
    ],
)
def test_the_integral_of_the_current_is_what_the_file_counts(corpus, path, charge, discharge):
    """Units of time, current and capacity hold together, and the sign is that of the convention."""
    dataset = read(corpus / path)
    current, time = dataset["current"].values, dataset["test_time"].values
    passed = (current[1:] + current[:-1]) / 2 * np.diff(time) / 3600
    assert passed[passed > 0].sum() == pytest.approx(charge, rel=1e-3)
    assert -passed[passed < 0].sum() == pytest.approx(discharge, rel=1e-3, abs=1e-9)
    assert not {"charge-contradicts-counter", "current-sign-reversed"} & codes(dataset)


def test_energy_that_pec_calls_a_capacity(corpus):
    """'Charge Capacity' stands there in mAh and in mWh; the last row of the file has 44258.93 and 147740.133."""
    last = read(corpus / PEC).isel(record=-1)
    assert float(last["vendor_capacity_charge"]) == pytest.approx(44.25893)
    assert float(last["vendor_energy_charge"]) == pytest.approx(147.740133)


def test_noise_of_a_resting_channel_has_no_sign(corpus):
    """A shelf test of microamperes that counts charge at negative current is noise, no reversed convention."""
    path = corpus / PEC_REST
    rows = [line.split(",") for line in path.read_text(encoding="utf-8-sig").splitlines()[46:]]
    dataset = read(path)
    np.testing.assert_array_equal(dataset["current"], [float(row[17]) for row in rows])
    assert "current-sign-reversed" not in codes(dataset)
    assert np.all(np.array(schema.STEP_TYPES)[dataset["step_type"].values] == "rest")


def test_day_and_month_follow_from_the_time_in_the_test(corpus):
    """01/08/2026 to 01/09/2026 is a day or a month: 70919 s make it a day. Within one day it stays open."""
    assert read(corpus / PEC_REST)["time"].values[-1] == np.datetime64("2026-01-09T13:27:07")
    short = read(corpus / "cycling/cellpy/Test25195.csv")
    assert "time" not in short.coords
    assert "unread-dates" in codes(short)


def restarted(text: str, *, again: str) -> str:
    """The Novonix file as it is after a restart 50 minutes later: times from 0 on, dates that go on."""
    lines = text.splitlines()
    rows = [line.split(",") for line in lines[21:41]]
    shifted = [",".join([row[0].replace(" 15:", " 19:"), *row[1:]]) for row in rows]
    return "\n".join([*lines, *again.splitlines(), *shifted]) + "\n"


@pytest.mark.parametrize(
    ("marker", "header"),
    [("[Data]\n", True), ("", True), ("", False), ("[Summary]\nNovonix UHPC data file\n[End Summary]\n[Data]\n", True)],
)
def test_time_goes_on_by_the_dates_after_a_restart(corpus, marker, header):
    """Novonix appends to the file and counts from 0 again; folded onto the first part, a charge would count twice."""
    text = (corpus / NOVONIX).read_text(encoding="utf-8-sig")
    names = text.splitlines()[20] + "\n" if header else ""
    whole, dataset = of(text, "novonix-csv"), of(restarted(text, again=marker + names), "novonix-csv")
    assert dataset.sizes["record"] == 227
    np.testing.assert_array_equal(dataset["test_time"][:207], whole["test_time"])
    np.testing.assert_allclose(dataset["test_time"][207:], whole["test_time"][:20] + 4 * 3600, atol=1e-6)
    assert "restarted-test" in codes(dataset)
    assert "time-goes-back" not in codes(dataset)


@pytest.mark.parametrize(
    ("path", "card", "names"),
    [(BASYTEC, "basytec-txt", "~Time"), (PEC, "pec-csv", "Test;Cell"), (NOVONIX, "novonix-csv", "[Data]")],
)
def test_decimal_comma_twin_reads_the_same(corpus, path, card, names):
    """A German PC writes decimal commas, and semicolons where commas separated."""
    text = (corpus / path).read_text(encoding="utf-8-sig")[:200_000]
    text = text[: text.rfind("\n") + 1]
    head, names, rows = text.replace(",", ";").partition(names)
    original, twin = of(text, card), of(head + names + rows.replace(".", ","), card)
    for name in RECORD:
        np.testing.assert_allclose(twin[name], original[name], rtol=1e-9)


def test_a_header_without_rows_is_a_truncated_file(corpus):
    """The message says so, instead of a table found among the lines of the header."""
    lines = (corpus / PEC).read_text(encoding="utf-8-sig").splitlines()
    for stop in (20, 32, 33):
        with pytest.raises(TruncatedFile):
            of("\n".join(lines[:stop]) + "\n", "pec-csv")


@pytest.mark.parametrize(("path", "card"), [(f[0], f[1]) for f in FILES[:4]])
def test_truncated_copies_hold_a_prefix_or_nothing(corpus, path, card):
    """Wherever a copy breaks off, its records are the first of the file."""
    data = (corpus / path).read_bytes()[:60_000]
    data = data[: data.rfind(b"\n") + 1]
    whole = of(data, card)
    generator = random.Random(4)
    for cut in [generator.randrange(len(data)) for _ in range(15)]:
        try:
            part = of(data[:cut], card)
        except ParseError:
            continue
        n = part.sizes["record"]
        for name in RECORD:
            np.testing.assert_array_equal(part[name], whole[name][:n])


@pytest.mark.parametrize(("path", "card"), [(f[0], f[1]) for f in FILES])
def test_damaged_copies_are_valid_or_parse_errors(corpus, path, card, survive, damaged):
    """Flipped, doubled and missing bytes: a Dataset of the vocabulary or a ParseError, never anything else."""
    data = (corpus / path).read_bytes()[:40_000]

    def datasets(copy):
        return [found.dataset for found in cycler_text.read(Source(Path("x.csv"), data=copy))]

    assert survive(datasets, damaged(data, 18, seed=17))[0] > 0
