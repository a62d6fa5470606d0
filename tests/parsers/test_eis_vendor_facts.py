"""Facts beside the points in vendors' impedance text: starts, amplitudes, placeholders, records and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    AmbiguousContent,
    CorruptFile,
    Source,
    TruncatedFile,
    UnsupportedContent,
    findings,
    measurements,
    read,
    read_tree,
)

EXAMPLES = "eis/impedance.py"


def of(text: str, name: str):
    """Return group and Dataset of every measurement in a text."""
    return {found.group: found.dataset for found in measurements(Source(Path(name), data=text.encode()))}


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def arc(points: int = 21) -> tuple[np.ndarray, np.ndarray]:
    """10 ohm in series with 100 ohm parallel to 1 uF, 100 kHz to 1 Hz."""
    frequency = np.logspace(5, 0, points)
    return frequency, 10 + 100 / (1 + 2j * np.pi * frequency * 100 * 1e-6)


# ZPlot -----------------------------------------------------------------------------------------------------------


def zplot(rows: str, *, header: str = "", mark: str = "Control Voltage") -> str:
    return (
        f"ZPLOT2 ASCII\n  Measured Data, ZPlot: 3.2c\n  Experiment Type: Sweep Frequency, {mark}\n{header}"
        "  Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr\tRange\nEnd Comments\n" + rows
    )


def zplot_rows(*, bias: float = 0.0, error: int = 0, sign: int = 1) -> str:
    frequency, z = arc()
    return "".join(
        f"{f:.6E}\t1.0000E-02\t{bias:.4E}\t{n + 1:.4E}\t{v.real:.4E}\t{sign * v.imag:.4E}\t0.0000E+00\t{error}\t4\n"
        for n, (f, v) in enumerate(zip(frequency, z, strict=True))
    )


def test_zplot_keeps_what_the_header_says_and_no_placeholder(corpus):
    """An area of 1 cm2 is ZPlot's default; 10-12-2018 may be October or December, 12-17-2019 is December."""
    plain = read(corpus / EXAMPLES / "Circuit1_EIS_1.z")
    assert plain.attrs["open_circuit_potential"] == 0.0033
    assert plain.attrs["software_version"] == "ZPlot 3.2c"
    np.testing.assert_allclose(plain["voltage_amplitude"], 0.01)
    assert plain["test_time"].values[0] == 2.59
    assert "electrode_area" not in plain.attrs
    assert "start_time" not in plain.attrs
    assert {"placeholder-setting", "unread-date"} <= codes(plain)
    assert json.loads(plain.attrs["original_metadata"])["settings"]["Analyzer/Z60 Mode"] == "3"
    quoted = read(corpus / EXAMPLES / "exampleDataZPlot_noComments.z")
    assert quoted.attrs["start_time"] == "2019-12-17T16:24:35.000"
    assert "open_circuit_potential" not in quoted.attrs


def test_zplot_says_how_many_points_are_missing(corpus):
    """56 and 79 points were planned, 21 and 31 are there: the sweep was stopped, which a plot does not show."""
    for name, message in (("exampleDataZPlot.z", "21 of 56"), ("exampleDataZPlot_noComments.z", "31 of 79")):
        dataset = read(corpus / EXAMPLES / name)
        (remark,) = [finding for finding in findings(dataset.attrs) if finding.code == "missing-rows"]
        assert message in remark.message


def test_zplot_area_bias_and_error_codes():
    """An area that was set is kept, a bias says what it refers to, flagged points are counted and not dropped."""
    header = (
        "  Begin Experiment: 0\n    Potential-DC Type: 1\n  End Experiment: 0\n"
        "  Begin Information: x\n    Surface Area: 0.25\n  End Information: x\n"
    )
    dataset = of(zplot(zplot_rows(bias=0.5, error=1), header=header), "x.z")["eis"]
    assert dataset.attrs["electrode_area"] == 0.25
    np.testing.assert_allclose(dataset["dc_potential"], 0.5)
    assert {"potential-reference", "flagged-points"} <= codes(dataset)
    assert dataset.sizes["frequency"] == 21


def test_zplot_amplitude_of_a_controlled_current_is_no_voltage():
    """With the current controlled the same columns hold currents in a unit that the file does not name."""
    dataset = of(zplot(zplot_rows(bias=0.5), mark="Control Current"), "x.z")["eis"]
    assert not {"voltage_amplitude", "dc_potential"} & set(dataset.variables)
    assert "unknown-unit" in codes(dataset)


def test_zplot_with_the_opposite_sign_is_refused():
    """Scripts that write .z files often forget that Z'' is negative for a capacitor."""
    with pytest.raises(AmbiguousContent, match="sign"):
        of(zplot(zplot_rows(sign=-1)), "x.z")


def test_zplot_header_alone_is_truncated():
    """A copy that stops within the settings holds nothing."""
    with pytest.raises(TruncatedFile):
        of("ZPLOT2 ASCII\n  Measured Data, ZPlot: 3.2c\n", "x.z")


# Autolab ---------------------------------------------------------------------------------------------------------


def dfr(*, sign: int = -1, version: str = "VERSION8.0", extra: str = "0.0") -> str:
    frequency, z = arc()
    rows = "".join(f" {f!r}\n {v.real!r}\n {sign * v.imag!r}\n" + f" {extra}\n" * 6 for f, v in zip(
        frequency.tolist(), z.tolist(), strict=True))  # fmt: skip
    return f"{version}\n 21\n 1\n{rows} 1.0\n13.07.2022 22:32:00\n"


def test_autolab_third_number_is_minus_z_imaginary():
    """The file names no columns; the phase against the slope of |Z| tells which sign the third number has."""
    np.testing.assert_allclose(of(dfr(), "x.dfr")["eis"]["impedance"].values, arc()[1], rtol=1e-15)
    with pytest.raises(AmbiguousContent, match="sign"):
        of(dfr(sign=1), "x.dfr")


def test_autolab_of_another_version_is_refused():
    """Another version may order its numbers otherwise, and nothing in the file would show it."""
    with pytest.raises(UnsupportedContent, match=r"VERSION4\.9"):
        of(dfr(version="VERSION4.9"), "x.dfr")


def test_autolab_damaged_number_costs_its_point_only():
    """One line that is no number leaves the other 20 points whole."""
    lines = dfr().splitlines()
    lines[3 + 9 * 4 + 1] = "1.2x"
    dataset = of("\n".join(lines) + "\n", "x.dfr")["eis"]
    assert {"not-a-number", "incomplete-rows"} <= codes(dataset)
    np.testing.assert_array_equal(dataset["impedance"], np.delete(arc()[1], 4))
    assert "unmapped-columns" in codes(of(dfr(extra="0.5"), "x.dfr")["eis"])


# VersaStudio -----------------------------------------------------------------------------------------------------


def test_versastudio_facts(corpus):
    """Instrument, English date, rms amplitude and open circuit stand in sections; an area of 1 cm2 is the default."""
    dataset = read(corpus / EXAMPLES / "exampleDataVersaStudio.par")
    assert dataset.attrs["instrument"] == "VersaSTAT4-400"
    assert dataset.attrs["instrument_serial"] == "16334007"
    assert dataset.attrs["start_time"] == "2018-07-19T09:40:30.000"
    assert dataset.attrs["vendor_technique"] == "Potentiostatic EIS"
    assert dataset.attrs["open_circuit_potential"] == pytest.approx(6.404e-3)
    assert dataset["voltage_amplitude"].item() == pytest.approx(0.02)
    assert dataset["voltage_amplitude"].attrs["comment"] == "rms"
    assert "electrode_area" not in dataset.attrs


def test_versastudio_impedance_is_potential_over_current(corpus):
    """The file holds both phasors: a shifted column or a scaled impedance contradicts them."""
    text = (corpus / EXAMPLES / "exampleDataVersaStudio.par").read_text(encoding="utf-8")
    swapped = text.replace("I Imag, Z Real", "Z Real, I Imag")
    with pytest.raises(CorruptFile, match="potential over current"):
        of(swapped, "x.par")


def test_versastudio_rows_without_frequency_are_a_record(corpus):
    """A segment of open circuit before the spectrum is a measurement of its own and no row of the spectrum."""
    text = (corpus / EXAMPLES / "exampleDataVersaStudio.par").read_text(encoding="utf-8")
    definition = next(line for line in text.splitlines() if line.startswith("Definition="))
    rows = "".join(f"0,{n},3.1,0,{n},0,5,53,0,0,0,0,0,0,0,0,0,0,0,0,0,0,21,0\n" for n in range(1, 6))
    segment = f"<Segment1>\nType=2\n{definition}\n{rows}</Segment1>\n\n<Segment2>"
    found = of(
        text.replace("<Segment1>", segment, 1).replace("</Segment1>\n\n<Graph", "</Segment2>\n\n<Graph"), "x.par"
    )
    assert set(found) == {"record", "eis"}
    np.testing.assert_allclose(found["record"]["voltage"], 3.1)
    assert found["record"].sizes["record"] == 5
    assert found["eis"].sizes["frequency"] == 61


def test_versastudio_binary_segments_are_refused(corpus):
    """Data saved in binary form leave no table in the text; the message names the switch."""
    text = (corpus / EXAMPLES / "exampleDataVersaStudio.par").read_text(encoding="utf-8")
    with pytest.raises(UnsupportedContent, match="Binary"):
        of(text[: text.index("Definition=")] + "AAAA\n</Segment1>\n", "x.par")


# RelaxIS ---------------------------------------------------------------------------------------------------------


def test_relaxis_is_the_spectrum_of_its_ec_lab_original(corpus):
    """Exported from the .mpr beside it: the same single-precision numbers, in reverse; DC and TM are its means."""
    original = read(corpus / "eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C.mpr")
    export = read(corpus / "eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt")
    np.testing.assert_allclose(export["frequency"], original["frequency"][::-1], rtol=1e-9)
    np.testing.assert_allclose(export["impedance"].values, original["impedance"].values[::-1], rtol=1e-9)
    assert export["dc_potential"].item() == pytest.approx(float(original["dc_potential"].mean()), abs=1e-6)
    assert export["test_time"].item() == pytest.approx(float(original["test_time"].mean()), rel=1e-6)
    assert "start_time" not in export.attrs, "the date in the file is that of the export"


def test_relaxis_spectra_below_each_other_are_two_measurements(corpus):
    """Two spectra in one file must not become one with its frequencies doubled."""
    head, _, body = (corpus / "eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt").read_text().partition("Data:")
    found = of(f"{head}Data:{body}\nData:{body}", "x.txt")
    assert list(found) == ["eis_0", "eis_1"]
    assert all(dataset.sizes["frequency"] == 79 for dataset in found.values())
    columns, _, rows = body.partition("\n")
    with pytest.raises(UnsupportedContent, match="side by side"):
        of(f"{head}Data:{columns}\tData:{columns}\n{rows}", "x.txt")


# CH Instruments, Parstat, Moku ------------------------------------------------------------------------------------


def test_chi_facts(corpus):
    """Start, instrument and settings that a plain table would lose; amplitude 25 mV as set."""
    dataset = read(corpus / EXAMPLES / "exampleDataCHInstruments.txt")
    assert dataset.attrs["start_time"] == "2020-02-20T15:55:08.000"
    assert dataset.attrs["instrument"] == "CHI660E"
    assert dataset["voltage_amplitude"].item() == 0.025
    assert dataset["dc_potential"].item() == 0.0


def test_chi_columns_that_contradict_each_other_are_refused(corpus):
    """|Z| and phase stand beside Z' and Z'': a swapped header shows."""
    text = (corpus / EXAMPLES / "exampleDataCHInstruments.txt").read_text()
    with pytest.raises(CorruptFile, match="differ by"):
        of(text.replace("Z'/ohm, Z\"/ohm, Z/ohm", "Z/ohm, Z\"/ohm, Z'/ohm"), "x.txt")


def test_parstat_record_and_spectrum_are_two_measurements(corpus):
    """781 s-rows of discharge come before 31 points: both are kept, with amplitudes that make |Z|."""
    tree = read_tree(corpus / EXAMPLES / "exampleDataParstat.txt")
    record, dataset = tree["record"], tree["eis"]
    assert record.sizes["record"] == 781
    assert record["voltage"].values[0] == 3.49322700500488
    assert record["current"].values[0] == -0.149962306022644
    modulus = (dataset["voltage_amplitude"] / dataset["current_amplitude"]).values
    np.testing.assert_allclose(modulus[-10:], np.abs(dataset["impedance"].values[-10:]), rtol=0.01)


def test_moku_is_refused_with_the_reason(corpus):
    """Levels in dBm depend on the fixture: 47 ohm would be read from the file's name, never from its content."""
    with pytest.raises(UnsupportedContent, match="shunt"):
        read(corpus / "eis/ImpedanceFitter/MokuGo_47R_100R_shunt.csv")


def test_moku_with_an_impedance_is_read():
    """A file whose columns are ohm needs no fixture."""
    frequency, z = arc()
    rows = "".join(f"{f:.8e}, {abs(v):.8e}, {np.angle(v, deg=True):.6e}\n" for f, v in zip(frequency, z, strict=True))
    head = "% Moku:Go Frequency Response Analyzer\n% Acquired 2021-11-26 T 16:12:09 +0100\n"
    dataset = of(f"{head}% Frequency (Hz), Impedance (ohm), Phase (deg)\n{rows}", "x.csv")["eis"]
    np.testing.assert_allclose(dataset["impedance"].values, z, rtol=1e-6)
    assert dataset.attrs["start_time"].startswith("2021-11-26T15:12:09")
