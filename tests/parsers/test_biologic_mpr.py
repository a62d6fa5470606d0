"""BioLogic binary files: every real file against its documented numbers, and damaged or unfamiliar ones."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    CorruptFile,
    ParseError,
    Source,
    TruncatedFile,
    UnsupportedContent,
    biologic_mpr,
    findings,
    read,
    read_tree,
    schema,
)

# Path, rows, time (s), working electrode (V), half cycles: from the descriptions in the corpus' own list.
RECORDS = [
    ("cycling/yadg/gcpl.mpr", 12057, (3205.08, 1385603.7), (-0.1141, 0.1137), (0, 32)),
    ("cycling/yadg/gcpl.issue_149.mpr", 132, (30.153, 659.9858), (3.414, 3.447), (0, 7)),
    ("cycling/yadg/gcpl.issue_211.mpr", 2767, (88246.5, 116986.26), (-0.6001, 0.5001), (0, 9)),
    ("cycling/yadg/gcpl.issue_175.mpr", 11399, (0.0, 269881.24), (2.0, 4.2), (0, 9)),
    ("cycling/yadg/gcpl.issue_230.mpr", 19025, (0.0, 556286.57), (2.7, 4.3), (0, 4)),
    ("cycling/yadg/gcpl.issue_226.I.mpr", 15, (0.0482, 118.8656), (-0.2093, 0.04765), (0, 1)),
    ("cycling/yadg/gcpl.pr_182.1.mpr", 2533, (0.0, 302518.95), (0.003829, 2.355), (0, 8)),
    ("cycling/yadg/mb.mpr", 1588, (1151.1, 33990.744), (-0.003982, 0.003984), (0, 7)),
    ("cycling/yadg/mb.issue_218.mpr", 3564, (0.0, 3561.2971), (-0.5911, 0.0004687), (0, 0)),
    ("cycling/yadg/mb.issue_223.mpr", 108, (0.0, 179.0766), (3.697, 3.7), (0, 0)),
    ("cycling/yadg/mb.issue_149.mpr", 564, (95.822, 799.3384), (3.421, 3.467), (0, 0)),
    ("cycling/yadg/bcd.issue_241.mpr", 2550, (728076.0, 799578.1), (0.009903, 1.0), (0, 2)),
    ("cycling/yadg/cp.issue_61.mpr", 312, (1557.3, 1856.3326), (1.663, 2.2), (0, 0)),
    ("cycling/cellpy/biol.mpr", 23561, (0.0, 76139.104), (0.1234, 0.9999), (0, 0)),
    ("cycling/battery-data-format/GCPL-0.mpr", 4, (0.0, 2.8129999), (3.515, 3.515), (0, 0)),
    ("cycling/battery-data-format/MB-0.mpr", 2, (0.0, 9.9975997), (1.489, 1.489), None),
    ("cycling/battery-data-format/MB-1.mpr", 13, (0.0, 14.0002), (4.395, 4.395), (0, 0)),
]
# Path, points, spectra, lowest and highest frequency (Hz); geis holds 29 more rows with f = 0, its DC segment.
SPECTRA = [
    ("eis/yadg/peis.mpr", 32, 1, 1.0000616312026978, 199998.140625),
    ("eis/yadg/peis.issue_149.mpr", 84, 4, 99.9681625366211, 199998.140625),
    ("eis/yadg/geis.mpr", 2528 - 29, 61, None, 1000018.5625),
    ("eis/yadg/vsp_peis_with.mpr", 2240, 32, 0.09990411251783371, 1000018.5625),
    ("eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C.mpr", 79, 1, 0.10002180933952332, 7000018.5),
    ("eis/hybrid-drt/PEIS_SSB.mpr", 89, 1, 0.009997263550758362, 7000018.5),
    ("eis/aurora-cycler-manager/PEIS.mpr", 244, 4, 0.010009169578552246, 10002.2255859375),
    ("eis/biologic-converter/zir.mpr", 1, 1, 10019.53125, 10019.53125),
]


def leaves(path: Path) -> dict[str, object]:
    return {name: node.to_dataset() for name, node in read_tree(path).children.items()}


def codes(dataset: object) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def test_every_file_of_the_corpus_is_in_the_tables(corpus):
    """A file that no table names would be read by nobody."""
    named = {path for path, *_ in RECORDS + SPECTRA}
    assert {str(path.relative_to(corpus)) for path in corpus.rglob("*.mpr")} == named


@pytest.mark.parametrize(("name", "rows", "time", "voltage", "half_cycles"), RECORDS)
def test_record_has_its_documented_numbers(corpus, name, rows, time, voltage, half_cycles):
    """All rows arrive, none shifted: galvani 0.5 fails on two and yadg 7.0 on one of these files."""
    found = leaves(corpus / name)
    record = found["cycling"]
    spectra = [dataset for group, dataset in found.items() if group != "cycling"]
    assert record.sizes["record"] + sum(s.sizes["frequency"] for s in spectra) == rows
    times = np.concatenate([d["test_time"].values for d in found.values()])
    assert (times.min(), times.max()) == pytest.approx(time, rel=2e-5)  # five digits
    working = [record["voltage_we" if "voltage_we" in record else "voltage"].values]
    potentials = np.concatenate(working + [s["dc_potential"].values for s in spectra])
    assert (potentials.min(), potentials.max()) == pytest.approx(voltage, rel=5e-4)  # four digits
    if half_cycles is None:
        assert "vendor_half_cycle" not in record
    else:
        half = record["vendor_half_cycle"].values
        assert (half.min(), half.max()) == half_cycles
        assert (record["vendor_cycle"].values == half // 2).all()


@pytest.mark.parametrize(("name", "points", "count", "lowest", "highest"), SPECTRA)
def test_spectra_have_their_documented_numbers(corpus, name, points, count, lowest, highest):
    """One Dataset for each spectrum: loops flattened into one give a fit of nonsense."""
    found = leaves(corpus / name)
    assert len(found) == count
    assert next(iter(found)) == ("eis" if count == 1 else "loop_0")
    frequency = [d["frequency"].values for d in found.values()]
    assert sum(map(len, frequency)) == points
    assert max(f.max() for f in frequency) == pytest.approx(highest, rel=1e-12)
    assert min(f.min() for f in frequency) > 0
    if lowest is not None:
        assert min(f.min() for f in frequency) == pytest.approx(lowest, rel=1e-12)
    assert all((np.diff(f) < 0).all() for f in frequency)


def test_reactance_of_a_capacitive_cell_is_negative(corpus):
    """EC-Lab stores -Im(Z); an ion-blocking pellet at low frequency is a capacitor, so Im(Z) < 0."""
    spectrum = read(corpus / "eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C.mpr")
    assert spectrum["impedance"].values[-1].imag < 0
    assert spectrum["impedance"].dtype == np.complex128


def test_dc_segment_before_a_spectrum_is_no_point(corpus):
    """Rows with f = 0 and Z = 0 would be fitted as a short circuit at DC; the corpus counts 29 of them."""
    first = leaves(corpus / "eis/yadg/geis.mpr")["loop_0"]
    assert np.abs(first["impedance"].values).min() > 0
    note = next(f for f in findings(first.attrs) if f.code == "zero-frequency-rows")
    assert "29 of 2528" in note.message


def test_symmetric_cell_over_32_half_cycles(corpus):
    """Li | Li2B12H12 | Li: 11 uA for 12 h each way; half-cycle medians of |V| rise from 104.8 to 111.1 mV."""
    cell = read(corpus / "cycling/yadg/gcpl.mpr")
    half, time = cell["vendor_half_cycle"].values, cell["test_time"].values
    numbers = np.unique(half)
    assert len(numbers) == 32
    assert 1 not in numbers  # EC-Lab jumps from 0 to 2 here; renumbering would shift every cycle
    spans = np.array([np.ptp(time[half == k]) for k in numbers])
    assert spans / 3600 == pytest.approx(12.0, abs=0.01)
    current = cell["current"].values
    plateau = np.array([np.median(current[half == k]) for k in numbers[1:]])
    assert np.abs(plateau) == pytest.approx(11e-6, rel=1e-3)
    assert (np.sign(plateau[1:]) == -np.sign(plateau[:-1])).all()
    level = np.array([np.median(np.abs(cell["voltage"].values[half == k])) for k in numbers]) * 1e3
    assert (level[0], level[-1]) == pytest.approx((104.8, 111.1), abs=0.05)
    assert np.polyfit(np.arange(32), level, 1)[0] == pytest.approx(0.262, abs=0.005)


def test_charge_closes_on_a_symmetric_protocol(corpus):
    """11 uA for 12 h is 132 uA h a half cycle; the sum of increments must show it, in A h."""
    cell = read(corpus / "cycling/yadg/gcpl.mpr")
    half = cell["vendor_half_cycle"].values
    spans = [np.ptp(cell["charge"].values[half == k]) for k in np.unique(half)[1:]]
    assert np.array(spans) == pytest.approx(132e-6, rel=2e-3)
    assert np.allclose(
        cell["charge"] - cell["charge"][0], cell["vendor_charge"] - cell["vendor_charge"][0], rtol=0, atol=2e-10
    )


def test_modulo_bat_is_split_into_record_and_spectra(corpus):
    """Li | LLZO | Li: 560 rows of 8 spectra lie between 1028 rows of plating; as one table both are useless."""
    found = leaves(corpus / "cycling/yadg/mb.mpr")
    assert list(found) == ["cycling", *(f"eis_{k}" for k in range(8))]
    record = found["cycling"]
    assert record.sizes["record"] == 1588 - 560
    plating = np.abs(record["current"].values[record["step_type"] > 1])
    assert plating.size == 968
    assert np.median(plating) == pytest.approx(2.8e-6, rel=1e-3)
    assert plating.min() > 2.6e-6
    assert "current-from-charge" not in codes(record)
    assert {d.sizes["frequency"] for g, d in found.items() if g != "cycling"} == {70}


@pytest.mark.parametrize(("name", "spectra"), [
    ("cycling/yadg/mb.issue_149.mpr", 16 + 1), ("cycling/yadg/mb.issue_223.mpr", 4), ("cycling/cellpy/biol.mpr", 5),
])  # fmt: skip
def test_number_of_spectra_between_steps(corpus, name, spectra):
    """z cycle and step tell spectra apart that follow each other without a row between."""
    found = leaves(corpus / name)
    assert len(found) - 1 == spectra
    assert all((np.diff(d["frequency"]) < 0).all() for g, d in found.items() if g != "cycling")


def test_three_electrode_cell_has_cell_voltage_and_both_electrodes(corpus):
    """Ewe alone is not the cell voltage when the counter electrode is recorded."""
    cell = read(corpus / "cycling/yadg/gcpl.issue_211.mpr")
    assert np.allclose(cell["voltage"], cell["voltage_we"] - cell["voltage_ce"], rtol=0, atol=1e-12)
    assert "vendor_energy_charge" not in cell  # that counter is of the working electrode only


def test_times_are_dates(corpus):
    """Splicing needs dates: the text twin says this technique started on 01/10/2024 11:03:00.039."""
    cell = read(corpus / "cycling/yadg/gcpl.issue_149.mpr")
    first = cell["time"].values[0]
    assert abs(first - np.datetime64("2024-01-10T11:03:00.039")) < np.timedelta64(1, "ms")
    assert cell.attrs["start_time"] == "2024-01-10T11:02:29.886"


def test_start_is_taken_from_the_log_beside_a_file_without_one(corpus):
    """A file written while it is measured has no log module; EC-Lab's .mpl beside it has the start."""
    found = leaves(corpus / "eis/aurora-cycler-manager/PEIS.mpr")["loop_0"]
    assert found.attrs["start_time"] == "2025-11-10T15:22:09.494"
    assert "start-from-log-file" in codes(found)


@pytest.mark.parametrize(("name", "facts"), [
    ("cycling/yadg/gcpl.mpr", {}),
    ("cycling/yadg/gcpl.issue_230.mpr", {"nominal_capacity": 4.25e-3}),
    ("cycling/yadg/mb.mpr", {"electrode_area": 0.5}),
    ("cycling/yadg/gcpl.issue_175.mpr", {
        "active_mass": 3.42, "characteristic_mass": 3.42, "nominal_capacity": 0.581e-3}),
    ("cycling/yadg/gcpl.issue_226.I.mpr", {
        "active_mass": 1.39, "characteristic_mass": 1.39, "electrode_area": 1.131, "nominal_capacity": 0.12e-3}),
    ("cycling/yadg/gcpl.pr_182.1.mpr", {
        "active_mass": 6.52, "characteristic_mass": 6.52, "electrode_area": 1.767, "nominal_capacity": 2.217e-3}),
])  # fmt: skip
def test_what_the_operator_did_not_set_is_absent(corpus, name, facts):
    """EC-Lab writes 0.001 mg, 0.001 cm2 or 7000 mg; dividing by them is wrong by 1e3 to 1e6. 113.1 mm2 is 1.131 cm2."""
    attrs = next(iter(leaves(corpus / name).values())).attrs
    keys = ("active_mass", "characteristic_mass", "electrode_area", "nominal_capacity")
    assert {key: attrs[key] for key in keys if key in attrs} == pytest.approx(facts, rel=1e-4)
    noted = any(f.code == "placeholder-setting" for f in findings(attrs))
    assert noted == (not {"active_mass", "electrode_area"} <= set(facts))


def test_instrument_and_software_are_known(corpus):
    """A result without instrument and version cannot be traced; the text twin says VMP3 (SN 1083), EC-Lab 11.36."""
    attrs = leaves(corpus / "cycling/yadg/mb.mpr")["cycling"].attrs
    assert (attrs["instrument"], attrs["instrument_serial"], attrs["software_version"]) == ("VMP3", "1083", "11.36")
    assert attrs["vendor_technique"] == "MB"


def test_steps_are_typed_from_the_mode_bits(corpus):
    """Rests carry no current, holds are constant voltage; chronopotentiometry sets the current although mode is 2."""
    record = read(corpus / "cycling/yadg/gcpl.pr_182.1.mpr")
    kind = np.array(schema.STEP_TYPES)[record["step_type"].values]
    assert (int((kind == "rest").sum()), int((kind == "constant_voltage").sum())) == (697, 182)
    assert int(np.char.startswith(kind, "constant_current").sum()) == 2533 - 697 - 182
    assert (record["current"].values[kind == "rest"] == 0).all()
    assert (record["current"].values[kind == "constant_current_charge"] > 0).all()
    pulse = read(corpus / "cycling/yadg/cp.issue_61.mpr")
    assert set(np.array(schema.STEP_TYPES)[pulse["step_type"].values]) == {"constant_current_charge"}


# Files made here, so that the cases that no real file shows are held as well.

WIDTHS = {
    4: "d", 5: "f", 6: "f", 7: "d", 8: "f", 13: "d", 32: "f", 35: "f", 36: "f", 37: "f", 38: "f", 39: "H",
    997: "H", 998: "d", 999: "f",
}  # fmt: skip


def module(name: str, content: bytes, version: int) -> bytes:
    head = b"MODULE" + name.encode().ljust(10) + b"".ljust(25)
    if version >= 10:
        return head + struct.pack("<4I", 0xFFFFFFFF, len(content), 0, version) + b"01/02/24" + content
    return head + struct.pack("<2I", len(content), version) + b"01/02/24" + content


def binary(numbers: list[int], rows: list[tuple], *, version: int = 3, technique: int = 4, count: int | None = None):
    begin = {0: 100, 2: 405, 3: 406, 11: 1007}[version]
    flags = [n for n in numbers if n not in WIDTHS]
    layout = "<" + ("B" if flags else "") + "".join(WIDTHS[n] for n in numbers if n in WIDTHS)
    head = struct.pack("<I", len(rows) if count is None else count)
    head += struct.pack("<H" if version >= 10 else "<B", len(numbers))
    head += struct.pack(f"<{len(numbers)}{'B' if version == 0 else 'H'}", *numbers)
    data = head.ljust(begin, b"\0") + b"".join(struct.pack(layout, *row) for row in rows)
    settings = bytes([technique]).ljust(700, b"\0")
    magic = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + bytes(4)
    return magic + module("VMP Set", settings, 0) + module("VMP data", data, version)


def parsed(data: bytes) -> list[object]:
    """Read bytes by the reader itself, so that only its own errors count."""
    source = Source(Path("made.mpr"), data=data)
    found = list(biologic_mpr.read(source))
    for measurement in found:
        schema.check(measurement.dataset)
        measurement.dataset.attrs["codes"] = sorted(f.code for f in [*source.findings, *measurement.findings])
    return found


@pytest.mark.parametrize("version", [0, 2, 3, 11])
def test_current_is_charge_over_time_in_every_version(version):
    """GCPL stores no current: 1 mA h in 3600 s is 1 mA; rows at the same time have none, never infinity."""
    rows = [(1, 0.0, 3.0, 0.0), (1, 3600.0, 3.1, 1.0), (1, 3600.0, 3.2, 0.5), (1, 5400.0, 3.3, -0.5)]
    (found,) = parsed(binary([1, 4, 6, 7], rows, version=version))
    assert found.dataset["current"].values == pytest.approx([0.0, 1e-3, np.nan, -1e-3], nan_ok=True)
    assert found.dataset["charge"].values == pytest.approx([0.0, 1e-3, 1.5e-3, 1e-3])
    assert found.dataset.attrs["codes"] == ["current-from-charge", "no-start-time", "placeholder-setting"]


def test_modulo_bat_without_current_gets_none():
    """In Modulo Bat dq / dt is off at spectra (-0.33 mA on a real file); no current is better than a wrong one."""
    (found,) = parsed(binary([1, 4, 6, 7], [(1, 0.0, 3.0, 0.0), (1, 10.0, 3.0, 1.0)], technique=0x7F))
    assert "current" not in found.dataset
    assert "no-current" in found.dataset.attrs["codes"]


@pytest.mark.parametrize("unknown", [997, 998, 999])
def test_one_unknown_column_costs_that_column_alone(unknown):
    """New EC-Lab releases bring new columns; the length of a row tells the width, the rest is whole."""
    rows = [(3, 1.0, 9, 3.5, 0.25), (3, 2.0, 9, 3.25, 0.5)]
    (found,) = parsed(binary([1, 4, unknown, 6, 13], rows))
    assert found.dataset["voltage"].values.tolist() == [3.5, 3.25]
    assert found.dataset["charge"].values == pytest.approx([2.5e-4, 5e-4])
    assert "unknown-column" in found.dataset.attrs["codes"]


def test_several_unknown_columns_keep_what_lies_before_and_behind(corpus):
    """Between two unknown widths no place is certain; before the first and behind the last every place is."""
    path = corpus / "cycling/yadg/gcpl.mpr"
    data, whole = path.read_bytes(), read(path)
    # 13 and 5 become unknown: (Q-Qo) is lost, Ewe behind them and all energies stay.
    (found,) = parsed(renumber(data, {13: 901, 5: 902}))
    assert "vendor_charge" not in found.dataset
    for name in ("voltage", "current", "charge", "vendor_half_cycle", "vendor_energy_charge"):
        assert np.array_equal(found.dataset[name], whole[name], equal_nan=True), name
    assert "unknown-column" in found.dataset.attrs["codes"]
    with pytest.raises(UnsupportedContent, match="voltage"):
        parsed(renumber(data, {5: 901, 467: 902}))


def renumber(data: bytes, changes: dict[int, int]) -> bytes:
    """Return a file with other numbers for some columns; the table of numbers lies behind the module's header."""
    begin = data.index(b"MODULEVMP data") + 6 + 35 + 16
    count = data[begin + 4]
    numbers = [changes.get(n, n) for n in struct.unpack_from(f"<{count}H", data, begin + 5)]
    return data[: begin + 5] + struct.pack(f"<{count}H", *numbers) + data[begin + 5 + 2 * count :]


def test_columns_that_do_not_add_up_are_refused():
    """A known number for another width shifts every column behind it; jumbled data look like data."""
    data = binary([1, 4, 6, 13], [(1, 1.0, 3.5, 0.25)] * 4)
    with pytest.raises(CorruptFile, match="add up to 17 bytes and a row has 21"):
        parsed(renumber(data, {13: 6}))


def test_unknown_version_names_itself():
    """The person at the instrument must learn that an export as text helps."""
    data = binary([1, 4, 6], [(1, 1.0, 3.5)])
    place = data.index(b"MODULEVMP data") + 6 + 35 + 4
    with pytest.raises(UnsupportedContent, match=r"version 99.*[Ee]xport the file as text"):
        parsed(data[:place] + struct.pack("<I", 99) + data[place + 4 :])


@pytest.mark.parametrize(("count", "expected"), [(0, 6), (3, 6), (4, 6), (1000, 6)])
def test_wrong_row_count_is_noted(count, expected):
    """EC-Lab writes the count last; the length of the module still tells how many rows there are."""
    data = binary([1, 4, 6], [(1, float(k), 3.5) for k in range(6)], count=count)
    (found,) = parsed(data)
    assert found.dataset.sizes["record"] == expected
    assert "row-count-mismatch" in found.dataset.attrs["codes"]


def test_spectrum_without_frequency_is_refused():
    """Impedance without its frequency cannot be used, and must not become a record."""
    with pytest.raises(UnsupportedContent, match="frequency"):
        parsed(binary([37, 38], [(1.0, 2.0)]))


def test_contradicting_impedance_is_noted():
    """Re, Im and |Z|, phase are two copies; when they differ a column is not what its number says."""
    (found,) = parsed(binary([32, 37, 38, 36, 35], [(10.0, 3.0, 4.0, 50.0, -53.13)], technique=0x1D))
    assert found.dataset["impedance"].values.tolist() == [3.0 - 4.0j]
    assert "polar-mismatch" in found.dataset.attrs["codes"]


WHOLE = [
    "cycling/yadg/gcpl.issue_149.mpr",
    "cycling/yadg/mb.issue_223.mpr",
    "eis/yadg/peis.issue_149.mpr",
    "eis/yadg/peis.mpr",
]


@pytest.mark.parametrize("name", WHOLE)
def test_cut_file_gives_its_whole_rows_or_an_error(corpus, name):
    """A full disk cuts files anywhere: what is whole equals the whole file's rows, nothing is filled up with zeros."""
    data = (corpus / name).read_bytes()
    whole = {m.group: m.dataset for m in parsed(data)}
    kept = 0
    for length in np.unique(np.linspace(0, len(data) - 1, 160).astype(int)):
        try:
            found = parsed(data[:length])
        except ParseError:
            continue
        kept += 1
        for measurement in found:
            group = "loop_0" if measurement.group == "eis" and "loop_0" in whole else measurement.group
            part = measurement.dataset
            dim = "record" if group == "cycling" else "frequency"
            full = whole[group].isel({dim: slice(part.sizes[dim])})
            for variable in set(part.variables) & set(full.variables) - {"time"}:
                assert np.array_equal(part[variable], full[variable], equal_nan=True), (length, group, variable)
            assert {"truncated-file", "damaged-module", "no-start-time"} & set(part.attrs["codes"])
    assert kept > 30


def test_cut_file_says_how_much_was_read():
    """The person must see that 3 of 6 rows are there."""
    data = binary([1, 4, 6], [(1, float(k), 3.5) for k in range(6)])
    source = Source(Path("made.mpr"), data=data[: -3 * 13 + 5])
    (found,) = biologic_mpr.read(source)
    assert found.dataset.sizes["record"] == 3
    assert any("3 of 6 rows" in finding.message for finding in source.findings)
    with pytest.raises(TruncatedFile, match="no whole row of 6"):
        parsed(data[: -6 * 13 + 5])


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.filterwarnings("error")
def test_damaged_bytes_give_a_valid_dataset_or_an_error(corpus, survive, name):
    """Whatever a disk or a network does to a file, the reader ends with a Dataset of the vocabulary or a ParseError."""
    copies = damaged_copies((corpus / name).read_bytes(), 240)
    read_well, refused = survive(lambda data: [found.dataset for found in parsed(data)], copies)
    assert min(read_well, refused) >= 20, (read_well, refused)


def damaged_copies(data, count):
    """Yield copies with changed and doubled bytes."""
    head = data.index(b"MODULEVMP data")
    generator = np.random.default_rng(20260712)
    for case in range(count):
        damaged = bytearray(data)
        # Half of the cases hit lengths, counts and column numbers, which a uniform draw would rarely meet.
        low, high = (0, len(data)) if case % 2 else (head, head + 140)
        for place in generator.integers(low, high, size=generator.integers(1, 8)):
            damaged[place] = generator.integers(256)
        if case % 7 == 0:
            begin, end = np.sort(generator.integers(len(data), size=2))
            damaged = damaged[:end] + damaged[begin:]
        yield bytes(damaged)
