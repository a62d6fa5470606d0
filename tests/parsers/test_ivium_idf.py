"""Ivium .idf and .ids: the control spectrum in single and series files, settings, and damaged copies."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    AmbiguousContent,
    CorruptFile,
    ParseError,
    Source,
    TruncatedFile,
    UnsupportedContent,
    findings,
    measurements,
    read,
    read_tree,
    schema,
)

IDF, IDS = "eis/pyimpspec/data.idf", "eis/pyimpspec/data.ids"
HEAD = "Peaks=false\r\nMethod={method}\r\nTechnique=Constant E\r\nData Options.Area={area}\r\nE start=0.25\r\n"


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def rows(sign: int = 1) -> list[str]:
    f = np.logspace(5, -1, 31)
    z = 20 + 100 / (1 + 2j * np.pi * f * 1e-4) + 300 / (1 + 2j * np.pi * f * 1e-1)
    z = z.real + sign * 1j * z.imag
    return [f"{one.real:.5E}  {one.imag:.5E}\t{hertz:.5E} \r\n" for hertz, one in zip(f, z, strict=True)]


def table(lines: list[str], promised: int = 31, columns: int = 3) -> str:
    mark = "primary_data".ljust(16)
    return f"{mark}\r\n{columns:<10}\r\n{promised:<10}\r\n" + "".join(lines)


def of(text: str, **marks: str):
    content = text.format(**({"method": "Impedance", "area": "1"} | marks))
    return [found.dataset for found in measurements(Source(Path("x.idf"), data=content.encode()), format="ivium-idf")]


def test_the_control_spectrum_as_printed(corpus):
    """pyimpspec's control spectrum in six digits: 109.009 - 26.5557j at 10 kHz to 645.479 - 90.6181j at 1 Hz."""
    dataset = read(corpus / IDF)
    twin = read(corpus / "eis/pyimpspec/data.dta", group="eis")
    assert dataset.attrs["format"] == "ivium-idf"
    assert dataset["impedance"].values[0] == 109.009 - 26.5557j
    assert dataset["impedance"].values[-1] == 645.479 - 90.6181j
    np.testing.assert_allclose(dataset["frequency"], twin["frequency"], rtol=5e-6)
    np.testing.assert_allclose(dataset["impedance"], twin["impedance"], rtol=1e-5)


def test_a_series_holds_two_spectra(corpus):
    """The second spectrum of an .ids file starts 42 kB into it, behind oscilloscope traces."""
    tree = read_tree(corpus / IDS)
    single = read(corpus / IDF)
    assert [node.path for node in tree.leaves] == ["/eis_0", "/eis_1"]
    for node in tree.leaves:
        np.testing.assert_array_equal(node["impedance"].values, single["impedance"].values)


def test_settings_become_attributes_and_templates_do_not(corpus):
    """An area of 1 cm2 is the default, XXXXXX no serial number, and the amplitude is the same at every frequency."""
    dataset = read(corpus / IDF)
    assert dataset.attrs["instrument"] == "IviumStat+HiSens+FRA60Hz"
    assert dataset.attrs["vendor_technique"] == "Constant E"
    assert dataset["voltage_amplitude"].item() == 0.01
    assert dataset["dc_potential"].item() == 0.0
    assert not {"electrode_area", "instrument_serial", "software_version", "start_time"} & set(dataset.attrs)
    assert {"placeholder-setting", "left-out-times", "set-frequencies-differ"} <= codes(dataset)
    (given,) = of(HEAD + "starttime=18-03-2020 16:43:15\r\nserialnumber=B12345\r\n" + table(rows()), area="0.785")
    assert given.attrs["electrode_area"] == 0.785
    assert given.attrs["instrument_serial"] == "B12345"
    assert given.attrs["start_time"].startswith("2020-03-18T16:43:15")


def test_set_frequencies_are_held_against_the_measured_ones(corpus):
    """Its author set 100 kHz first and wrote 10 kHz into the table; a misread column would differ everywhere."""
    (remark,) = [f for f in findings(read(corpus / IDF).attrs) if f.code == "set-frequencies-differ"]
    assert remark.message.startswith("1 of 29")
    assert "10000 instead of 100000 Hz" in remark.message


def test_times_of_the_points_are_taken_where_each_has_one():
    """timing.time[n] counts the points; 51 times beside 29 points cannot be assigned."""
    times = "".join(f"timing.time[{n}]={n * 1.5}\r\n" for n in range(1, 32))
    (dataset,) = of(HEAD + times + table(rows()))
    np.testing.assert_allclose(dataset["test_time"], 1.5 * np.arange(1, 32))


def test_the_other_sign_is_refused():
    """No column has a name: -Z'' can only be known by its numbers."""
    with pytest.raises(AmbiguousContent, match="wrong sign"):
        of(HEAD + table(rows(-1)))


def test_other_methods_and_tables_are_left_out_beside_a_spectrum():
    """A voltammogram in the same series is no spectrum and costs none."""
    voltammogram = HEAD.replace("{method}", "CyclicVoltammetry") + table(rows())
    with pytest.raises(UnsupportedContent, match="CyclicVoltammetry"):
        of(voltammogram)
    (dataset,) = of(voltammogram + HEAD + table(rows()) + table(rows(), columns=4))
    assert dataset.sizes["frequency"] == 31
    assert "left-out-table" in codes(dataset)


def test_broken_rows_are_left_out_and_counted():
    """A damaged line in the middle must not shift or cost the lines after it."""
    lines = rows()
    lines[7] = "1.0xE+02  -5.0E+00\t1.0E+04 \r\n"
    (dataset,) = of(HEAD + table(lines))
    assert dataset.sizes["frequency"] == 30
    assert "incomplete-rows" in codes(dataset)
    with pytest.raises(CorruptFile, match="not three numbers"):
        of(HEAD + table(["x y z\r\n"] * 31))


def test_rows_short_of_or_beyond_the_count_are_said():
    """The number of rows above the table shows a copy that broke off at the end of a line."""
    (short,) = of(HEAD + table(rows()[:12]))
    assert short.sizes["frequency"] == 12
    assert "missing-rows" in codes(short)
    (cut,) = of(HEAD + table(rows()[:12]).rstrip()[:-1])
    assert cut.sizes["frequency"] == 11
    (beyond,) = of(HEAD + table(rows(), promised=20))
    assert beyond.sizes["frequency"] == 20
    assert "rows-beyond-count" in codes(beyond)


def test_settings_without_their_table_are_said():
    """A series that breaks off between two spectra has lost one."""
    (dataset,) = of(HEAD + table(rows()) + "7\r\n" + HEAD)
    assert "missing-table" in codes(dataset)
    with pytest.raises(TruncatedFile):
        of(HEAD)


@pytest.mark.parametrize("path", [IDF, IDS])
def test_damaged_copies_are_the_truth_or_say_so(corpus, path):
    """Damage within or before the tables: an error, a finding, or the true spectrum."""
    data = (corpus / path).read_bytes()
    whole = read(corpus / IDF)
    known = codes(whole)
    end = data.index(b"osc_data")
    generator = random.Random(11)
    for kind in ("cut", "double", "drop") * 40:
        at = generator.randrange(1, end)
        until = min(at + generator.randrange(1, 200), end)
        damaged = data[:at] + {"cut": b"", "double": data[at:until] + data[at:], "drop": data[until:]}[kind]
        try:
            found = measurements(Source(Path(path), data=damaged), format="ivium-idf")
        except ParseError:
            continue
        for measurement in found:
            dataset = measurement.dataset
            schema.check(dataset, provenance=True)
            if codes(dataset) <= known:
                np.testing.assert_array_equal(dataset["impedance"], whole["impedance"])
                np.testing.assert_array_equal(dataset["frequency"], whole["frequency"])
