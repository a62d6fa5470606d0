"""Zahner .ism: every real file against its documented numbers, the two runs, the header, and damaged copies."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    CorruptFile,
    ParseError,
    Source,
    TruncatedFile,
    findings,
    measurements,
    read,
    read_tree,
    schema,
)

ZAHNER = "eis/Zahner-Analysis-Python"
# Path, points, lowest and highest frequency (Hz) from the corpus' own list; start from the header, by eye.
FILES = [
    (f"{ZAHNER}/li-ion-battery.ism", 128, 0.0005, 5000.0, "2009-05-25T11:11:11"),
    (f"{ZAHNER}/rc-data.ism", 55, 0.2, 100000.0, "2024-07-16T09:32:45"),
    (f"{ZAHNER}/000_mvdc.ism", 38, 100.0, 500000.0, "2021-10-15T07:14:31"),
    (f"{ZAHNER}/150_mvdc.ism", 38, 100.0, 500000.0, "2021-10-15T07:20:50"),
    (f"{ZAHNER}/300_mvdc.ism", 38, 100.0, 500000.0, "2021-10-15T07:26:58"),
    (f"{ZAHNER}/drift.ism", 47, 0.1, 50000.0, "2023-03-17T16:17:05"),
    ("eis/EISART/eis_planar_mess.ism", 74, 0.1, 100000.0, "2018-05-09T09:49:28"),
]
MVDC = f"{ZAHNER}/000_mvdc.ism"


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def of(data: bytes):
    found = measurements(Source(Path("x.ism"), data=data), format="zahner-ism")
    return {measurement.group: measurement.dataset for measurement in found}


def text(content: str) -> bytes:
    raw = content.swapcase().encode("latin-1")
    return struct.pack(">H", len(raw)) + raw


def build(
    frequency: np.ndarray, impedance: np.ndarray, *, texts: tuple[str, ...] = (), dc: np.ndarray | None = None
) -> bytes:
    """Write a file as Thales lays it out; `texts` from the title on."""
    n = len(frequency)
    stamps = 1318749272.0 + np.arange(n)
    arrays = (frequency, np.abs(impedance), np.angle(impedance), stamps)
    times = "07:14:31 - 07:15:31"
    lines = ("151021", *(texts or ("Film", "0.5V, Ampl: 10mV", "2mA", "23.8+-0.1C")), times, "one", "", "", "")
    settings = np.zeros(32)
    settings[[12, 13, 25]] = frequency.min(), frequency.max(), 10.0
    tail = settings.astype(">f8").tobytes() + (b"" if dc is None else dc.astype(">f8").tobytes())
    return (
        b"\0\0\xff\xff\xff"
        + (b"\xff" if dc is None else b"\xfe")
        + (n - 1).to_bytes(6, "big")
        + b"".join(np.asarray(array).astype(">f8").tobytes() for array in arrays)
        + np.full(n, 1000, dtype=">i2").tobytes()
        + b"".join(map(text, lines))
        + len(tail).to_bytes(6, "big")
        + tail
    )


def cell(start: float = 5.0, stop: float = -1.0, n: int = 31) -> tuple[np.ndarray, np.ndarray]:
    f = np.logspace(start, stop, n)
    return f, 20 + 100 / (1 + 2j * np.pi * f * 1e-4) + 300 / (1 + 2j * np.pi * f * 1e-1)


@pytest.mark.parametrize(("path", "points", "lowest", "highest", "start"), FILES, ids=[entry[0] for entry in FILES])
def test_every_real_file_reads_to_its_documented_numbers(corpus, path, points, lowest, highest, start):
    """Points and limits as the vendor's own reader shows them; dates as in the header."""
    dataset = read(corpus / path, group="eis")
    assert dataset.attrs["format"] == "zahner-ism"
    assert dataset.sizes["frequency"] == points
    frequency = dataset["frequency"].values
    np.testing.assert_allclose((frequency.min(), frequency.max()), (lowest, highest), rtol=1e-12)
    assert dataset.attrs["start_time"][:19] == start
    assert not {"frequency-outside-limits", "amplitude-mismatch", "impossible-points"} & codes(dataset)


def test_modulus_and_phase_become_the_impedance_of_a_capacitor(corpus):
    """At 0 V and 500 kHz the cell has 91.68 ohm at -89.91 degrees: Z'' must be negative and nearly all of it."""
    last = read(corpus / MVDC)["impedance"].values[-1]
    assert abs(last) == pytest.approx(91.6767213, rel=1e-8)
    assert np.angle(last) == pytest.approx(-1.56926811, rel=1e-8)


def test_the_run_before_the_turn_is_a_measurement_of_its_own(corpus):
    """rc-data starts at 1 kHz, goes up to 100 kHz, turns and covers all: 20 frequencies are there twice."""
    tree = read_tree(corpus / f"{ZAHNER}/rc-data.ism")
    overlap, whole = tree["eis_overlap"], tree["eis"]
    assert (overlap.sizes["frequency"], whole.sizes["frequency"]) == (20, 55)
    assert overlap["frequency"].values[0] == pytest.approx(1049.3)
    again = whole["impedance"].values[np.isin(whole["frequency"].values, overlap["frequency"].values)][::-1]
    np.testing.assert_allclose(np.abs(overlap["impedance"].values / again), 1.0, atol=0.02)
    assert "overlapping-runs" in codes(whole)


def test_dc_values_of_each_point_and_the_header_agree(corpus):
    """The header says 0.3250 V and 153.5 mA; the points 0.325 V and 149 to 154 mA."""
    dataset = read(corpus / f"{ZAHNER}/300_mvdc.ism")
    np.testing.assert_allclose(dataset["dc_potential"], 0.3250, atol=5e-4)
    assert dataset["dc_current"].values[-1] == pytest.approx(0.1535, rel=1e-3)
    assert dataset["voltage_amplitude"].item() == pytest.approx(0.010)
    stack = read(corpus / "eis/EISART/eis_planar_mess.ism")
    assert (stack["dc_potential"].item(), stack["dc_current"].item()) == (-0.2356, 39.515)


def test_texts_have_their_case_back_and_no_open_thermometer(corpus):
    """Thales exchanges upper and lower case; without a sensor it writes about 0 degC, which is no temperature."""
    dataset = read(corpus / f"{ZAHNER}/rc-data.ism", group="eis")
    assert dataset.attrs["comment"].splitlines() == ["First Line", "2", "3", "Last Line"]
    assert dataset["temperature"].item() == 23.8
    assert read(corpus / f"{ZAHNER}/li-ion-battery.ism").attrs["title"] == "Simulation"
    cold = read(corpus / MVDC)
    assert "temperature" not in cold
    assert "placeholder-setting" in codes(cold)


def test_times_count_from_the_start_of_the_measurement(corpus):
    """The header says 07:14:31 to 07:15:31; the points lie within that minute. A simulation has no times."""
    times = read(corpus / MVDC)["test_time"].values
    assert 0 < times[0] < times[-1] < 60
    simulated = read(corpus / f"{ZAHNER}/li-ion-battery.ism")
    assert "test_time" not in simulated
    assert "times-against-date" in codes(simulated)


def test_a_written_file_reads_back():
    """Either layout, with a sweep that turns at its lower limit."""
    f, z = cell()
    found = of(build(f, z))["eis"]
    np.testing.assert_allclose(found["impedance"], z, rtol=1e-12)
    assert (found["dc_potential"].item(), found["dc_current"].item()) == (0.5, 0.002)
    up = cell(1.0, -1.0, 11)
    both = np.concatenate([up[0], f[::-1][1:]]), np.concatenate([up[1], z[::-1][1:]])
    found = of(build(*both, dc=np.tile([0.4, 1e-3], (len(both[0]), 1))))
    assert found["eis"].sizes["frequency"] == 31
    assert found["eis_overlap"].sizes["frequency"] == 10
    np.testing.assert_allclose(found["eis"]["dc_current"], 1e-3)
    back = np.concatenate([f, up[0][::-1][1:]]), np.concatenate([z, up[1][::-1][1:]])
    found = of(build(*back))
    np.testing.assert_allclose(found["eis"]["frequency"], f)
    np.testing.assert_allclose(found["eis_overlap"]["frequency"], up[0][::-1][1:])


def test_a_wrong_number_of_points_is_refused(corpus):
    """One bit in the count shifts modulus into frequency and phase into modulus: no spectrum may come of it."""
    data = bytearray((corpus / MVDC).read_bytes())
    for count in (1, 20, 36, 38, 45, 60, 70):
        data[6:12] = count.to_bytes(6, "big")
        with pytest.raises(ParseError):
            of(bytes(data))
    # Here modulus and phase are both near 0.2, and one would pass for the other.
    data = bytearray((corpus / f"{ZAHNER}/300_mvdc.ism").read_bytes())
    for count in (35, 36):
        data[6:12] = count.to_bytes(6, "big")
        with pytest.raises(CorruptFile, match="where the date begins"):
            of(bytes(data))
    data[6:12] = b"\0\0\xff\xff\xff\xff"
    with pytest.raises(TruncatedFile):
        of(bytes(data))


def test_impossible_points_are_left_out_and_many_of_them_refused():
    """A negative modulus is no measurement; one costs its point, a tenth of them the trust in the file."""
    f, z = cell()
    data = bytearray(build(f, z))
    at = 12 + 8 * 31
    data[at + 8 * 5] ^= 0x80
    found = of(bytes(data))["eis"]
    assert found.sizes["frequency"] == 30
    assert "impossible-points" in codes(found)
    for row in range(10, 15):
        data[at + 8 * row] ^= 0x80
    with pytest.raises(CorruptFile, match="no possible"):
        of(bytes(data))


def test_settings_are_held_against_points():
    """Limits and amplitude stand twice in the file; a difference is said."""
    f, z = cell()
    data = bytearray(build(f, z))
    data[-8 * (32 - 13) : -8 * (32 - 14)] = struct.pack(">d", 1e4)
    data[-8 * (32 - 25) : -8 * (32 - 26)] = struct.pack(">d", 50.0)
    assert {"frequency-outside-limits", "amplitude-mismatch"} <= codes(of(bytes(data))["eis"])


def test_truncated_files_keep_their_whole_points(corpus):
    """Frequencies stand first, phases third: what has all three is a point, in front of its header too."""
    data = (corpus / MVDC).read_bytes()
    whole = read(corpus / MVDC)
    phases = 12 + 16 * 38
    for cut, points in ((phases + 80, 10), (phases + 8 * 38 + 5, 38), (1304, 38), (1340, 38), (2000, 38)):
        found = of(data[:cut])["eis"]
        np.testing.assert_array_equal(found["impedance"], whole["impedance"][:points])
        assert codes(found) & {"truncated-rows", "truncated-header"}
    for cut in (11, 200, phases, phases + 7):
        with pytest.raises(TruncatedFile):
            of(data[:cut])


@pytest.mark.parametrize("path", [MVDC, f"{ZAHNER}/rc-data.ism"])
def test_damaged_copies_are_the_truth_or_say_so(corpus, path):
    """Cut, doubled or missing bytes: an error, a finding, or the true points."""
    data = (corpus / path).read_bytes()
    whole = read(corpus / path, group="eis")
    known = codes(whole)
    generator = random.Random(3)
    for kind in ("cut", "double", "drop") * 40:
        at = generator.randrange(1, len(data))
        until = min(at + generator.randrange(1, 200), len(data))
        damaged = data[:at] + {"cut": b"", "double": data[at:until] + data[at:], "drop": data[until:]}[kind]
        try:
            found = measurements(Source(Path(path), data=damaged), format="zahner-ism")
        except ParseError:
            continue
        for measurement in found:
            dataset = measurement.dataset
            schema.check(dataset, provenance=True)
            if codes(dataset) <= known and measurement.group == "eis":
                np.testing.assert_array_equal(dataset["impedance"], whole["impedance"])
                np.testing.assert_array_equal(dataset["frequency"], whole["frequency"])
