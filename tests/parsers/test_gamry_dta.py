"""Gamry files: every real one against its documented numbers, its own polar columns, and damaged copies."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    CorruptFile,
    ParseError,
    Source,
    TruncatedFile,
    findings,
    gamry_dta,
    measurements,
    read,
    read_tree,
    schema,
)

# Path, groups with their sizes, lowest and highest frequency (Hz): from the corpus' own list and the TABLE lines.
FILES = [
    ("eis/impedance.py/exampleDataGamry.DTA", {"open_circuit": 387, "eis": 72}, 0.0158898, 200015.6),
    ("eis/impedance.py/exampleDataGamryABORT.DTA", {"open_circuit": 39, "eis": 72}, 0.0158898, 200015.6),
    ("eis/pyimpspec/data.dta", {"open_circuit": 40, "eis": 29}, 1.0, 10000.0),
    (
        "eis/pyimpspec/drift-corrected-data.dta",
        {"open_circuit": 41, "eis": 55, "eis_drift_corrected": 55},
        0.1001603,
        100078.1,
    ),
    ("eis/hybrid-drt/EISGALV_EISTest3.DTA", {"eis": 71}, 0.1001603, 1000078.0),
]
HEAD = (
    "EXPLAIN\nTAG\t{tag}\nDATE\tLABEL\t{date}\tDate\nTIME\tLABEL\t16:43:15\tTime\nAREA\tQUANT\t{area}\t&Area (cm^2)\n"
)
CYCLING = HEAD + (
    "CURVE\tTABLE\t4\n\tPt\tT\tVf\tIm\tVu\tOver\tTemp\n\t#\ts\tV vs. Ref.\tA\tV\tbits\tdeg C\n"
    "\t0\t1\t3.5\t1E-6\t0\t...........\t25.5\n\t1\t2\t3.6\t1E-6\t0\t...........\t25.5\n"
    "\t2\t3\t3.7\t1E-6\t0\t...........\t25.5\n\t3\t4\t3.8\t1E-6\t0\t...........\t25.5\n"
)


def sized(tree) -> dict[str, int]:
    return {node.path.strip("/"): max(node.to_dataset().sizes.values()) for node in tree.leaves}


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def of_text(text: str, **marks: str):
    content = text.format(**({"tag": "CHRONOP", "date": "3/18/2020", "area": "1.00000E+000"} | marks))
    return measurements(Source(Path("x.DTA"), data=content.encode()))


@pytest.mark.parametrize(("path", "groups", "lowest", "highest"), FILES)
def test_every_real_file_reads_to_its_documented_size(corpus, path, groups, lowest, highest):
    """OCV, spectrum and drift-corrected spectrum are three measurements; none may be missed or merged."""
    tree = read_tree(corpus / path)
    assert sized(tree) == groups
    frequency = tree["eis"]["frequency"].values
    np.testing.assert_allclose((frequency.min(), frequency.max()), (lowest, highest))


def test_decimal_comma_export_gives_the_simulated_spectrum(corpus):
    """pyimpspec's control spectrum starts with 109.009 - 26.5557j at 10 kHz, with decimal commas as well."""
    dataset = read(corpus / "eis/pyimpspec/data.dta", group="eis")
    assert dataset["impedance"].values[0] == pytest.approx(109.00918219439 - 26.5556798765152j, rel=1e-12)
    assert dataset["dc_potential"].values[0] == pytest.approx(-4.54e-5)


def test_polar_columns_agree_with_cartesian_ones(corpus):
    """Zreal, Zimag against Zmod, Zphz of the same row: a shifted column or a misread comma would show here."""
    for path, *_ in FILES:
        dataset = read(corpus / path, group="eis")
        assert "polar-mismatch" not in codes(dataset)
    assert read(corpus / FILES[0][0], group="eis")["impedance"].values[0] == 825.8584 - 1367.239j


def test_drift_corrected_columns_are_another_spectrum(corpus):
    """At the last frequency the correction changes Z by 0.1 %, which users compare; mixing the columns hides it."""
    tree = read_tree(corpus / "eis/pyimpspec/drift-corrected-data.dta")
    assert tree["eis"]["impedance"].values[-1] == 163443.2 - 207897.9j
    assert tree["eis_drift_corrected"]["impedance"].values[-1] == 163521.3 - 207613.7j


def test_settings_become_attributes_and_placeholders_do_not(corpus):
    """Gamry's default area of 1 cm2 looks like a measurement; an area that was set must survive a decimal comma."""
    default = read(corpus / "eis/impedance.py/exampleDataGamry.DTA", group="eis")
    assert "electrode_area" not in default.attrs
    assert "placeholder-setting" in codes(default)
    assert default.attrs["start_time"].startswith("2018-04-23T16:43:15")
    assert default.attrs["instrument"] == "REF3000-34128"
    assert default["voltage_amplitude"].item() == pytest.approx(0.010)
    assert default["voltage_amplitude"].attrs["comment"] == "rms"
    given = read(corpus / "eis/pyimpspec/drift-corrected-data.dta", group="eis")
    assert given.attrs["electrode_area"] == pytest.approx(0.02)
    assert "temperature" not in read(corpus / "eis/pyimpspec/data.dta", group="open_circuit")


def test_aborted_experiment_keeps_its_rows_and_says_so(corpus):
    """72 points were measured before the operator stopped; they are good, and users must know that more were due."""
    dataset = read(corpus / "eis/impedance.py/exampleDataGamryABORT.DTA", group="eis")
    assert dataset.sizes["frequency"] == 72
    assert {"experiment-aborted", "left-out-table"} <= codes(dataset)


def test_galvanostatic_curve_is_a_cycling_record():
    """Columns T, Vf, Im of a CURVE: time, voltage against the reference, current."""
    (found,) = of_text(CYCLING, area="0.5")
    dataset = found.dataset
    assert (found.group, dataset.attrs["vendor_technique"]) == ("curve", "CHRONOP")
    np.testing.assert_allclose(dataset["voltage"], [3.5, 3.6, 3.7, 3.8])
    np.testing.assert_allclose(dataset["current"], 1e-6)
    np.testing.assert_allclose(dataset["temperature"], 25.5)
    assert dataset.attrs["electrode_area"] == 0.5


@pytest.mark.parametrize(
    ("date", "start"),
    [("3/18/2020", "2020-03-18"), ("18.03.2020", "2020-03-18"), ("4/4/2020", "2020-04-04"), ("3/4/2020", None)],
)
def test_dates_are_read_only_if_day_and_month_are_certain(date, start):
    """3/4/2020 is March or April, as the PC was set; a wrong month would order an ageing series wrongly."""
    (found,) = of_text(CYCLING, date=date)
    assert found.dataset.attrs.get("start_time", "")[:10] == (start or "")
    assert ("unread-date" in codes(found.dataset)) == (start is None)


def test_fewer_rows_than_promised_are_reported():
    """The line 'CURVE TABLE 4' promises four rows; a copy broken off at a line's end looks whole without it."""
    (found,) = of_text(CYCLING[: CYCLING.rindex("\t3\t4")])
    assert found.dataset.sizes["record"] == 3
    assert "missing-rows" in codes(found.dataset)


def test_a_bad_table_does_not_cost_the_good_one():
    """A spectrum whose columns contradict each other is left out with an error finding, the record is kept."""
    spectrum = (
        "ZCURVE\tTABLE\n\tPt\tFreq\tZreal\tZimag\tZmod\tZphz\n\t#\tHz\tohm\tohm\tohm\t°\n"
        "\t0\t1000\t10\t-1\t99\t-45\n\t1\t100\t11\t-2\t98\t-45\n\t2\t10\t12\t-3\t97\t-45\n"
    )
    (found,) = of_text(CYCLING + spectrum)
    assert found.group == "curve"
    assert "unread-table" in codes(found.dataset)
    with pytest.raises(CorruptFile, match="differ by"):
        of_text(HEAD + spectrum)


def test_several_curves_of_one_name_are_numbered():
    """Repeated tables must not overwrite each other in the tree."""
    curve = CYCLING[len(HEAD) :]
    assert [found.group for found in of_text(HEAD + curve + curve)] == ["curve", "curve_2"]


@pytest.mark.parametrize("path", [entry[0] for entry in FILES])
def test_truncated_copies_hold_a_prefix_or_nothing(corpus, path):
    """Wherever a copy breaks off, what is read are the first rows with their true numbers."""
    data = (corpus / path).read_bytes()
    whole = read(corpus / path, group="eis")
    generator = random.Random(7)
    for cut in [generator.randrange(len(data)) for _ in range(25)]:
        try:
            found = measurements(Source(Path("x.DTA"), data=data[:cut]))
        except ParseError:
            continue
        for measurement in found:
            schema.check(measurement.dataset, provenance=True)
            if measurement.group == "eis":
                n = measurement.dataset.sizes["frequency"]
                np.testing.assert_array_equal(measurement.dataset["impedance"], whole["impedance"][:n])
                np.testing.assert_array_equal(measurement.dataset["frequency"], whole["frequency"][:n])


def test_without_a_table_there_is_nothing():
    """The header alone is a broken copy."""
    with pytest.raises(TruncatedFile):
        list(gamry_dta.read(Source(Path("x.DTA"), data=b"EXPLAIN\nTAG\tEISPOT\n")))
