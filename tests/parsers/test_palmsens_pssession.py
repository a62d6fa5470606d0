"""PalmSens sessions: the control spectrum, signs and units by what stands beside the arrays, and damaged copies."""

from __future__ import annotations

import copy
import json
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
    schema,
)

SESSION = "eis/pyimpspec/data.pssession"
TICKS = 638283044195322907


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def array(number: int, name: str, values, symbol: str, quantity: str, kind: str = "") -> dict:
    unit = {"Type": kind or f"PalmSens.Units.{name}", "S": symbol, "Q": quantity}
    return {"ArrayType": number, "Description": name, "Unit": unit, "DataValues": [{"V": float(v)} for v in values]}


def entry(n: int = 31) -> dict:
    """A measurement of a resistance and two arcs, as PSTrace writes it."""
    f = np.logspace(5, -1, n)
    z = 20 + 100 / (1 + 2j * np.pi * f * 1e-4) + 300 / (1 + 2j * np.pi * f * 1e-1)
    arrays = [
        array(2, "Idc", np.full(n, 3.0), "A", "Current", "PalmSens.Units.MicroAmpere"),
        array(0, "time", np.arange(n), "s", "Time"),
        array(5, "Frequency", f, "Hz", "Frequency"),
        array(7, "ZRe", z.real, "Ω", "Z'"),
        array(8, "ZIm", -z.imag, "Ω", "-Z''"),
        array(10, "Z", np.abs(z), "Ω", "Z"),
        array(6, "Phase", -np.angle(z, deg=True), "°", "-Phase"),
        array(33, "mEdc", np.full(n, 0.25), "V", "Potential"),
        array(34, "Eac", np.full(n, 0.01), "V", "Potential"),
    ]
    data = {"Type": "PalmSens.Data.DataSetEIS", "Values": arrays}
    return {"Title": "Film", "TimeStamp": TICKS, "Method": "METHOD_ID=eis\r\nAREA=7.85E-1\r\n", "DataSet": data}


def pick(measurement: dict, number: int) -> dict:
    return next(one for one in measurement["DataSet"]["Values"] if one["ArrayType"] == number)


def of(*entries: dict):
    return [found.dataset for found in measurements(Source(Path("x.pssession"), data=encode(*entries)))]


def encode(*entries: dict) -> bytes:
    session = {"Type": "PalmSens.DataFiles.SessionFile", "CoreVersion": "5.9", "Measurements": list(entries)}
    return b"\xff\xfe" + json.dumps(session).encode("utf-16-le") + b"\xff\xfe"


def test_the_control_spectrum_to_all_digits(corpus):
    """pyimpspec's control spectrum in 15 digits; -Z'' and -Phase in the file are Z'' and phase here."""
    dataset = read(corpus / SESSION)
    twin = read(corpus / "eis/pyimpspec/data.dta", group="eis")
    assert dataset.attrs["format"] == "palmsens-pssession"
    np.testing.assert_allclose(dataset["frequency"], twin["frequency"], rtol=1e-12)
    np.testing.assert_allclose(dataset["impedance"], twin["impedance"], rtol=1e-12)
    assert "polar-mismatch" not in codes(dataset)


def test_facts_and_what_does_not_fit(corpus):
    """51 times stand beside 29 points: they belong to another spectrum and are left out; an area of 0 is none."""
    dataset = read(corpus / SESSION)
    assert dataset.attrs["title"] == "Test data"
    assert dataset.attrs["instrument_serial"] == "PS4A22B003671"
    assert dataset.attrs["software_version"] == "5.9.4515.26368"
    assert dataset.attrs["start_time"] == "2023-08-22T12:33:39.532"
    assert not {"test_time", "dc_potential", "electrode_area"} & {*dataset.variables, *dataset.attrs}
    assert "left-out-arrays" in codes(dataset)


def test_what_stands_beside_each_point_is_kept_in_si_units():
    """Currents are microampere although their unit reads A: Eac/Iac of real files gives |Z| only so."""
    (dataset,) = of(entry())
    np.testing.assert_allclose(dataset["dc_current"], 3e-6)
    np.testing.assert_allclose(dataset["dc_potential"], 0.25)
    np.testing.assert_allclose(dataset["voltage_amplitude"], 0.01)
    np.testing.assert_allclose(dataset["test_time"], np.arange(31))
    assert dataset.attrs["electrode_area"] == 0.785
    assert codes(dataset) == set()


def test_the_sign_follows_the_quantity_beside_the_array():
    """The same numbers called Z'' are another impedance, which phase and slope contradict."""
    wrong = entry()
    pick(wrong, 8)["Unit"]["Q"] = "Z''"
    with pytest.raises(AmbiguousContent):
        of(wrong)
    turned = entry()
    for number, quantity in ((8, "Z''"), (6, "Phase")):
        one = pick(turned, number)
        one["Unit"]["Q"] = quantity
        one["DataValues"] = [{"V": -value["V"]} for value in one["DataValues"]]
    np.testing.assert_allclose(of(turned)[0]["impedance"], of(entry())[0]["impedance"])


def test_units_are_converted_or_refused():
    """A session in kiloohm is read in ohm; one in an unknown unit is not."""
    thousand = entry()
    for number in (7, 8, 10):
        one = pick(thousand, number)
        one["Unit"]["S"] = "kΩ"
        one["DataValues"] = [{"V": value["V"] / 1000} for value in one["DataValues"]]
    np.testing.assert_allclose(of(thousand)[0]["impedance"], of(entry())[0]["impedance"])
    thousand["DataSet"]["Values"][3]["Unit"]["S"] = "furlong"
    with pytest.raises(UnsupportedContent, match="furlong"):
        of(thousand)


def test_several_measurements_are_several_groups():
    """A session is a folder of measurements; a voltammogram among them costs no spectrum."""
    voltammogram = {"Title": "CV", "DataSet": {"Values": [array(1, "potential", [0, 1], "V", "Potential")]}}
    found = measurements(Source(Path("x.pssession"), data=encode(entry(), voltammogram, entry(21))))
    assert [(one.group, one.dataset.sizes["frequency"]) for one in found] == [("eis_0", 31), ("eis_2", 21)]
    assert "left-out-measurement" in codes(found[0].dataset)
    with pytest.raises(UnsupportedContent):
        of(voltammogram)


def test_points_that_contradict_themselves_are_said():
    """One digit changed in one of the four numbers of a point shows in the other three."""
    broken = entry()
    pick(broken, 7)["DataValues"][4]["V"] *= 1.001
    assert "polar-mismatch" in codes(of(broken)[0])
    pick(broken, 7)["DataValues"][4]["V"] *= 3
    assert "polar-mismatch" in codes(of(broken)[0])
    pick(broken, 7)["DataValues"][4] = {"V": "1,5"}
    dataset = of(broken)[0]
    assert dataset.sizes["frequency"] == 30
    assert "incomplete-rows" in codes(dataset)


def test_a_missing_or_short_array_is_an_error():
    """Real parts of other points must never be paired with these frequencies."""
    short = entry()
    pick(short, 7)["DataValues"].pop()
    with pytest.raises(CorruptFile, match="30 values"):
        of(short)
    for odd in ({}, {"DataSet": None}, {"DataSet": {"Values": {}}}, {"DataSet": {"Values": [None, 3]}}):
        with pytest.raises(UnsupportedContent):
            of(odd)


def test_a_session_that_breaks_off_keeps_its_whole_measurements():
    """Sessions grow to many measurements; a copy cut off in the last one has the others."""
    data = encode(entry(), entry(21), entry(11))
    found = measurements(Source(Path("x.pssession"), data=data[: int(len(data) * 0.9)]))
    assert [one.dataset.sizes["frequency"] for one in found] == [31, 21]
    assert "truncated-session" in codes(found[0].dataset)
    with pytest.raises(TruncatedFile):
        measurements(Source(Path("x.pssession"), data=data[: len(data) // 8]))


def test_endless_nesting_is_an_error_and_no_crash():
    """A file of brackets must not take the interpreter down."""
    text = '{"Type":"PalmSens.DataFiles.SessionFile","Measurements":' + "[" * 200_000
    with pytest.raises(ParseError):
        measurements(Source(Path("x.pssession"), data=text.encode("utf-16")))


def test_numbers_beyond_any_instrument_are_no_values():
    """JSON allows integers of any size, and NaN."""
    for value in (10**400, float("nan"), float("inf"), True, None, [1], {}):
        odd = copy.deepcopy(entry())
        pick(odd, 7)["DataValues"][3]["V"] = value
        (dataset,) = of(odd)
        assert dataset.sizes["frequency"] == 30


def test_damaged_copies_are_the_truth_or_say_so(corpus):
    """Cut, doubled or missing bytes: an error, a finding, or the true spectrum."""
    data = (corpus / SESSION).read_bytes()
    whole = read(corpus / SESSION)
    known = codes(whole)
    generator = random.Random(13)
    for kind in ("cut", "double", "drop", "flip") * 20:
        at = generator.randrange(2, 60_000)
        until = at + generator.randrange(1, 200)
        flipped = bytes([data[at] ^ 1 << generator.randrange(8)]) + data[at + 1 :]
        rest = {"cut": b"", "double": data[at:until] + data[at:], "drop": data[until:], "flip": flipped}[kind]
        try:
            found = measurements(Source(Path(SESSION), data=data[:at] + rest), format="palmsens-pssession")
        except ParseError:
            continue
        for measurement in found:
            dataset = measurement.dataset
            schema.check(dataset, provenance=True)
            if codes(dataset) <= known:
                np.testing.assert_array_equal(dataset["impedance"], whole["impedance"])
