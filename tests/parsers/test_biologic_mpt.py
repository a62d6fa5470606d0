"""BioLogic text exports: every real file against its documented numbers, its binary twin, and damaged copies."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from interlayer.parsers import (
    CorruptFile,
    ParseError,
    Source,
    TruncatedFile,
    UnsupportedContent,
    biologic_mpt,
    findings,
    read,
    read_tree,
    schema,
)

PROBE = "cycling/PyProBE/Sample_data_biologic_"
# Path, rows, time (s), working electrode or cell (V), half cycles, cycles: from the corpus' own list.
RECORDS = [
    ("cycling/yadg/gcpl.issue_149.mpt", 132, (30.153, 659.9858), (3.414, 3.447), (0, 7), (0, 3)),
    ("cycling/yadg/gcpl.issue_211.mpt", 2767, (88246.5, 116986.26), (-0.6001, 0.5001), (0, 9), (0, 4)),
    ("cycling/yadg/gcpl.issue_226.I.mpt", 15, (0.0482, 118.8656), (-0.2093, 0.04765), (0, 1), (0, 0)),
    ("cycling/yadg/gcpl.pr_182.1.mpt", 2533, (0.0, 302518.95), (0.003829, 2.355), (0, 8), (0, 4)),
    ("cycling/yadg/mb.mpt", 1588, (1151.1, 33990.744), (-0.003982, 0.003984), (0, 7), (0, 3)),
    ("cycling/yadg/mb.issue_223.mpt", 108, (0.0, 179.0766), (3.697, 3.7), (0, 0), (0, 0)),
    ("cycling/yadg/bcd.issue_241.mpt", 2550, (728076.0, 799578.1), (0.009903, 1.0), (0, 2), (0, 1)),
    ("cycling/yadg/cp.issue_61.mpt", 312, (1557.3, 1856.3326), (1.663, 2.2), (0, 0), (0, 0)),
    (f"{PROBE}01_MB_CA1.txt", 1397, (0.0, 139.52401), (3.485, 3.518), None, (0, 0)),
    (f"{PROBE}02_MB_CA1.txt", 1397, (225289.0, 225428.31), (2.813, 3.337), None, (0, 0)),
    (f"{PROBE}03_MB_CA1.txt", 1404, (255876.0, 256016.11), (2.984, 3.063), None, (0, 0)),
    (f"{PROBE}no_header.mpt", 13, (281672.0, 281792.5), (2.934, 2.981), (0, 0), (0, 0)),
    (f"{PROBE}timestamped.txt", 8, (0.0, 12.464), (4.147, 4.155), None, (0, 0)),
]
# Path, points, spectra, lowest and highest frequency (Hz); geis holds 29 more rows with f = 0, its DC segment.
SPECTRA = [
    ("eis/impedance.py/exampleDataBioLogic.mpt", 43, 1, 0.01689554, 1000.3201),
    ("eis/pyimpspec/data.mpt", 29, 1, 1.0, 10000.0),
    ("eis/pyimpspec/case-multiple-spectra.mpt", 87, 3, 1.0, 10000.0),
    ("eis/yadg/peis.mpt", 32, 1, 1.0000616, 199998.14),
    ("eis/yadg/peis.issue_149.mpt", 84, 4, 99.968163, 199998.14),
    ("eis/yadg/geis.mpt", 2528 - 29, 61, None, 1000018.6),
    ("eis/yadg/vsp_peis_with.mpt", 2240, 32, 0.099904113, 1000018.6),
    ("eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C.txt", 79, 1, 0.10002181, 7000018.5),
    ("eis/PyEIS/ex1.mpt", 118, 2, 0.010005763, 200019.48),
    ("eis/biologic-converter/zir.mpt", 1, 1, 10019.531, 10019.531),
]
REFUSED = ["eis/impedance.py/exampleDataBioLogic_MissingFreq.mpt"]
TWINS = [
    *(f"cycling/yadg/{name}" for name in (
        "bcd.issue_241", "cp.issue_61", "gcpl.issue_149", "gcpl.issue_211", "gcpl.issue_226.I", "gcpl.pr_182.1",
        "mb.issue_223", "mb")),
    *(f"eis/yadg/{name}" for name in ("peis", "peis.issue_149", "geis", "vsp_peis_with")),
    "eis/biologic-converter/zir",
    "eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C",
]  # fmt: skip


def leaves(path: Path) -> dict[str, xr.Dataset]:
    return {name: node.to_dataset() for name, node in read_tree(path).children.items()}


def codes(dataset: xr.Dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def raw_column(path: Path, name: str) -> np.ndarray:
    """Read one column as EC-Lab exported it, by the plainest means."""
    lines = path.read_bytes().decode("cp1252").splitlines()
    head = next(k for k, line in enumerate(lines) if name in line.split("\t"))
    place = lines[head].split("\t").index(name)
    return np.array([float(line.split("\t")[place].replace(",", ".")) for line in lines[head + 1 :] if line.strip()])


def test_every_file_of_the_corpus_is_in_the_tables(corpus):
    """A file that no table names would be read by nobody."""
    named = {path for path, *_ in RECORDS + SPECTRA} | set(REFUSED)
    texts = [*corpus.rglob("*.mpt"), *corpus.rglob("Sample_data_biologic*.txt"), *corpus.rglob("*IonBlocking_-25C.txt")]
    assert {str(path.relative_to(corpus)) for path in texts} == named


@pytest.mark.parametrize(("name", "rows", "time", "voltage", "half_cycles", "cycles"), RECORDS)
def test_record_has_its_documented_numbers(corpus, name, rows, time, voltage, half_cycles, cycles):
    """All rows arrive at their true size; yadg's default locale reads a decimal comma as 2.3e7 V."""
    found = leaves(corpus / name)
    record = found["cycling"]
    spectra = [dataset for group, dataset in found.items() if group != "cycling"]
    assert record.sizes["record"] + sum(s.sizes["frequency"] for s in spectra) == rows
    times = np.concatenate([d["test_time"].values for d in found.values()])
    assert (times.min(), times.max()) == pytest.approx(time, rel=2e-5)  # five digits
    working = [record["voltage_we" if "voltage_we" in record else "voltage"].values]
    potentials = np.concatenate(working + [s["dc_potential"].values for s in spectra])
    assert (potentials.min(), potentials.max()) == pytest.approx(voltage, rel=5e-4)  # four digits
    assert (record["vendor_cycle"].min(), record["vendor_cycle"].max()) == cycles
    if half_cycles is not None:
        assert (record["vendor_half_cycle"].min(), record["vendor_half_cycle"].max()) == half_cycles


@pytest.mark.parametrize(("name", "points", "count", "lowest", "highest"), SPECTRA)
def test_spectra_have_their_documented_numbers(corpus, name, points, count, lowest, highest):
    """One Dataset for each spectrum, also where no loop is named and the sweep just starts again."""
    found = leaves(corpus / name)
    assert len(found) == count
    frequency = [d["frequency"].values for d in found.values()]
    assert sum(map(len, frequency)) == points
    assert max(f.max() for f in frequency) == pytest.approx(highest, rel=1e-7)
    assert min(f.min() for f in frequency) > 0
    if lowest is not None:
        assert min(f.min() for f in frequency) == pytest.approx(lowest, rel=1e-7)
    assert all((np.diff(f) < 0).all() for f in frequency)


@pytest.mark.parametrize("name", REFUSED)
def test_impedance_without_frequency_is_refused(corpus, name):
    """Here the rows still hold the frequency, but no name stands above it: every reading is a shifted one."""
    with pytest.raises(UnsupportedContent, match=r"freq/Hz"):
        read_tree(corpus / name)


@pytest.mark.parametrize("name", TWINS)
def test_text_and_binary_twins_agree(corpus, name):
    """The export of EC-Lab is the reference for what the binary file means: 1e-6 of the largest value, for 8 digits."""
    binary = leaves(corpus / f"{name}.mpr")
    text = leaves(corpus / f"{name}{'.txt' if 'hybrid' in name else '.mpt'}")
    assert list(binary) == list(text)
    for group, left in binary.items():
        right = text[group]
        # EC-Lab computes energies on export; a custom export may leave out amplitudes.
        assert set(left.variables) ^ set(right.variables) <= {
            "vendor_energy_charge", "vendor_energy_discharge", "voltage_amplitude", "current_amplitude", "time",
        }  # fmt: skip
        for variable in set(left.variables) & set(right.variables):
            a, b = left[variable].values, right[variable].values
            if a.dtype.kind == "M":
                assert np.abs((a - b).astype(int)).max() < 1000  # ns
            else:
                np.testing.assert_allclose(a, b, rtol=0, atol=1e-6 * np.abs(b).max(), err_msg=f"{group}/{variable}")


@pytest.mark.parametrize("name", [
    "gcpl.issue_149", "gcpl.issue_211", "gcpl.issue_226.I", "gcpl.pr_182.1"
])  # fmt: skip
def test_recovered_current_and_cycle_are_those_of_the_export(corpus, name):
    """Users miss both in GCPL files; the exported columns, read by plain means, are the judge."""
    record = leaves(corpus / f"cycling/yadg/{name}.mpr")["cycling"]
    path = corpus / f"cycling/yadg/{name}.mpt"
    current = raw_column(path, "<I>/mA") * 1e-3
    np.testing.assert_allclose(record["current"], current, rtol=0, atol=1e-12 * np.abs(current).max())
    assert np.array_equal(record["vendor_cycle"], raw_column(path, "cycle number"))
    assert "current-from-charge" in codes(record)


@pytest.mark.parametrize("name", ["gcpl.issue_211", "gcpl.pr_182.1"])
def test_recovered_capacities_and_cell_voltage_are_those_of_the_export(corpus, name):
    """Q charge, Q discharge and Ewe-Ece are computed by EC-Lab on export; ours must be the same."""
    record = leaves(corpus / f"cycling/yadg/{name}.mpr")["cycling"]
    path = corpus / f"cycling/yadg/{name}.mpt"
    for ours, theirs, factor in (
        ("vendor_capacity_charge", "Q charge/mA.h", 1e-3),
        ("vendor_capacity_discharge", "Q discharge/mA.h", 1e-3),
        ("voltage", "Ewe-Ece/V", 1.0),
    ):
        reference = raw_column(path, theirs) * factor
        np.testing.assert_allclose(record[ours], reference, rtol=0, atol=1e-7 * np.abs(reference).max())


def test_decimal_comma_and_point_read_the_same(corpus):
    """The decimal mark is the PC's; it follows from the numbers, not from the environment of the reader."""
    path = corpus / "cycling/yadg/gcpl.issue_149.mpt"
    comma = path.read_bytes()
    head, mark, rows = comma.partition(b"\r\nmode\t")
    (left,), (right,) = parsed(comma), parsed(head + mark + rows.replace(b",", b"."))
    xr.testing.assert_identical(left.dataset.drop_attrs(), right.dataset.drop_attrs())
    assert 3.4 < float(left.dataset["voltage"].mean()) < 3.5


def test_utf8_line_ends_and_trailing_tabs_do_not_count(corpus):
    """Files pass through editors and Git; galvani refuses an LF copy."""
    data = (corpus / "cycling/yadg/cp.issue_61.mpt").read_bytes()
    (whole,) = parsed(data)
    copy = data.decode("cp1252").replace("\r\n", "\n").encode("utf-8-sig")
    (unix,) = parsed(copy)
    (tabs,) = parsed((copy + b"\n").replace(b"\n", b"\t\n"))
    for other in (unix, tabs):
        xr.testing.assert_identical(whole.dataset.drop_attrs(), other.dataset.drop_attrs())


def test_split_files_join_on_the_clock(corpus):
    """Three files of one test count from its common start; 02 says 'Technique started on 05/16/2024 01:54:40.370'."""
    parts = [read(corpus / f"{PROBE}0{k}_MB_CA1.txt") for k in (1, 2, 3)]
    starts = [part["time"].values[0] for part in parts]
    assert abs(starts[1] - np.datetime64("2024-05-16T01:54:40.370")) < np.timedelta64(2, "ms")
    assert abs(starts[2] - np.datetime64("2024-05-16T10:24:27.479")) < np.timedelta64(2, "ms")
    assert all(a["time"].values[-1] < b["time"].values[0] for a, b in pairwise(parts))


def test_dates_in_the_time_column_become_seconds(corpus):
    """BT-Lab can export dates as time/s; step time says that 6.464 s pass before the second row."""
    record = read(corpus / f"{PROBE}timestamped.txt")
    assert record["test_time"].values[:3] == pytest.approx([0.0, 6.464, 7.464], abs=1e-6)
    assert record["time"].values[0] == np.datetime64("2024-11-20T11:38:41.707")


def test_damaged_degree_sign_does_not_cost_the_temperature(corpus):
    """Re-encoding turns the degree sign into rubbish; the header still says Temperature in some degree of C."""
    for name in ("no_header.mpt", "timestamped.txt"):
        temperature = read(corpus / f"{PROBE}{name}")["temperature"]
        assert temperature.attrs["units"] == "degC"
        assert 19 < float(temperature.mean()) < 27


@pytest.mark.parametrize(("name", "facts"), [
    ("cycling/yadg/gcpl.issue_149.mpt", {}),
    ("cycling/yadg/bcd.issue_241.mpt", {"nominal_capacity": 5.452e-3}),
    ("cycling/yadg/mb.mpt", {"electrode_area": 0.5}),
    ("cycling/yadg/gcpl.issue_226.I.mpt", {
        "active_mass": 1.39, "characteristic_mass": 1.39, "electrode_area": 1.131, "nominal_capacity": 0.12e-3}),
    (f"{PROBE}01_MB_CA1.txt", {"nominal_capacity": 4.5}),
    ("eis/yadg/geis.mpt", {"characteristic_mass": 5.544, "electrode_area": 1.13, "nominal_capacity": 0.9425e-3}),
])  # fmt: skip
def test_what_the_operator_did_not_set_is_absent(corpus, name, facts):
    """0.001 and 7000 are EC-Lab's; the units g, mg, cm2, mm2, A.h, mA.h, uA.h of the header are honoured."""
    attrs = next(iter(leaves(corpus / name).values())).attrs
    keys = ("active_mass", "characteristic_mass", "electrode_area", "nominal_capacity")
    assert {key: attrs[key] for key in keys if key in attrs} == pytest.approx(facts, rel=1e-4)


@pytest.mark.parametrize("name", ["cycling/yadg/gcpl.issue_226.I", "cycling/yadg/mb", "eis/yadg/peis.issue_149"])
def test_facts_of_text_and_binary_twins_agree(corpus, name):
    """Provenance must not depend on which of two files somebody kept."""
    binary, text = (next(iter(leaves(corpus / f"{name}{kind}").values())).attrs for kind in (".mpr", ".mpt"))
    ours = {"format", "source_file", "source_sha256", "findings", "original_metadata"}
    assert {k: v for k, v in binary.items() if k not in ours} == {k: v for k, v in text.items() if k not in ours}


def parsed(data: bytes) -> list:
    """Read bytes by the reader itself, so that only its own errors count."""
    source = Source(Path("made.mpt"), data=data)
    found = list(biologic_mpt.read(source))
    for measurement in found:
        schema.check(measurement.dataset)
        measurement.dataset.attrs["codes"] = sorted(f.code for f in [*source.findings, *measurement.findings])
    return found


HEAD = "EC-Lab ASCII FILE\r\nNb header lines : 3\r\n"
TABLE = HEAD + "time/s\tEwe/V\tI/mA\r\n" + "".join(f"{k}.0E+00\t3.{k}E+00\t1.5E+00\r\n" for k in range(9))


def test_row_of_another_width_is_left_out_and_noted():
    """One damaged line must neither shift its fields nor cost the lines behind it."""
    (found,) = parsed(TABLE.replace("4.0E+00\t3.4E+00\t", "4.0E+00\t").encode())
    assert found.dataset["test_time"].values.tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    assert found.dataset["current"].values == pytest.approx(1.5e-3)
    assert "damaged-rows" in found.dataset.attrs["codes"]


def test_field_that_is_no_number_becomes_missing():
    """A single bad field is NaN with a finding that names its line, never 0 and never the end of the file."""
    source = Source(Path("made.mpt"), data=TABLE.replace("3.4E+00", "3.?E+00").encode())
    (found,) = biologic_mpt.read(source)
    assert np.flatnonzero(np.isnan(found.dataset["voltage"])).tolist() == [4]
    assert any("line 8" in finding.message for finding in source.findings)


@pytest.mark.parametrize("wrong", ["3,?E+00", "3.4E+00", "overload"])
def test_field_that_is_no_number_becomes_missing_beside_decimal_commas(wrong):
    """With decimal commas 3.4 is damage, and must neither become 34 nor cost the column."""
    (found,) = parsed(TABLE.replace(".", ",").replace("3,4E+00", wrong).encode())
    voltage = found.dataset["voltage"].values
    assert np.isnan(voltage[4])
    assert np.delete(voltage, 4) == pytest.approx([3.0, 3.1, 3.2, 3.3, 3.5, 3.6, 3.7, 3.8])
    assert "no-number" in found.dataset.attrs["codes"]


def test_more_fields_than_names_are_refused():
    """With one name missing every column could be its neighbour."""
    with pytest.raises(CorruptFile, match="no column is certain"):
        parsed(TABLE.replace("time/s\tEwe/V\tI/mA", "time/s\tEwe/V\tI/mA".replace("Ewe/V\t", "")).encode())


def test_wrong_count_of_header_lines_does_not_matter():
    """People delete header lines by hand; the names of the columns are found all the same."""
    (found,) = parsed(TABLE.replace("lines : 3", "lines : 57").encode())
    assert found.dataset.sizes["record"] == 9


def test_header_without_rows_is_a_truncated_file():
    """An export that was cancelled must not become an empty Dataset."""
    with pytest.raises(TruncatedFile, match="names of the columns"):
        parsed(TABLE.partition("0.0E+00")[0].encode())


def test_last_row_cut_within_a_number_is_left_out():
    """1.5E+0 is 1.5, but 1.5E is cut off and 3.8E+00 without its neighbour is half a row."""
    for cut in (3, 8, 12):
        (found,) = parsed(TABLE.encode()[:-cut])
        assert found.dataset.sizes["record"] == 8, cut
        assert "truncated-file" in found.dataset.attrs["codes"]
    (found,) = parsed(TABLE.encode()[:-2])  # only the line end is missing
    assert found.dataset.sizes["record"] == 9


WHOLE = [
    "cycling/yadg/gcpl.issue_149.mpt", "cycling/yadg/mb.issue_223.mpt", "eis/yadg/peis.issue_149.mpt",
    f"{PROBE}timestamped.txt", f"{PROBE}no_header.mpt",
]  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_cut_file_gives_its_whole_rows_or_an_error(corpus, name):
    """What is left of a file equals the same rows of the whole file; a number cut short must not be taken for whole."""
    data = (corpus / name).read_bytes()
    whole = {m.group: m.dataset for m in parsed(data)}
    kept = 0
    for length in np.unique(np.linspace(0, len(data) - 1, 60).astype(int)):
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
            for variable in set(part.variables) & set(full.variables):
                assert np.array_equal(part[variable], full[variable]), (length, group, variable)
    assert kept > 5


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.filterwarnings("error")
def test_damaged_bytes_give_a_valid_dataset_or_an_error(corpus, survive, name):
    """Whatever happens to a file, the reader ends with a Dataset of the vocabulary or a ParseError."""
    copies = damaged_copies((corpus / name).read_bytes(), 60)
    read_well, refused = survive(lambda data: [found.dataset for found in parsed(data)], copies)
    assert min(read_well, refused) >= 1, (read_well, refused)


def damaged_copies(data, count):
    """Yield copies with changed and doubled characters."""
    head = data.find(b"time/s")
    generator = np.random.default_rng(20260713)
    for case in range(count):
        damaged = bytearray(data)
        low, high = (0, len(data)) if case % 2 else (max(head - 400, 0), head + 600)
        for place in generator.integers(low, high, size=generator.integers(1, 8)):
            damaged[place] = generator.integers(256) if case % 3 else generator.choice(list(b"\t\n\r,.;E-9 \"'#"))
        if case % 7 == 0:
            begin, end = np.sort(generator.integers(len(data), size=2))
            damaged = damaged[:end] + damaged[begin:]
        yield bytes(damaged)
