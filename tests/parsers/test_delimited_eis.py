"""Spectra in delimited text: every real file, twins in other locales, signs and columns that must not be guessed."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    AmbiguousContent,
    CorruptFile,
    Finding,
    ParseError,
    Source,
    UnsupportedContent,
    delimited_eis,
    findings,
    measurements,
    read,
    schema,
)
from interlayer.parsers._impedance_sign import phase_agreement, sign_verdict

FIT, PYIMPSPEC = "eis/EISFitpython", "eis/pyimpspec"
CONTROL = 109.00918219439028 - 26.55567987651522j
# Path, points, lowest and highest frequency (Hz): from the corpus' own list; first point: from the file, by eye.
FILES = [
    ("eis/impedance.py/exampleData.csv", 66, 0.0031623, 10000.0, 0.0494998977640506 - 0.0204386985444189j),
    ("eis/impedance.py/exampleDataPowersuite.txt", 30, 0.1, 2e6, 423929.46 - 49014.063j),
    *((f"{PYIMPSPEC}/data{name}.csv", 29, 1.0, 1e4, CONTROL) for name in (
        "-comma", "-semicolon", "-header-variant-2", "-header-variant-3", "-header-variant-4")),
    (f"{FIT}/s04147-140deg.txt", 42, 0.03, 1e6, 22142.3 - 54311.5j),
    (f"{FIT}/s04147-150deg.txt", 42, 0.03, 1e6, 22696.8 - 46373j),
    (f"{FIT}/s04147-160deg.txt", 42, 0.03, 1e6, 21112.2 - 39556.8j),
    (f"{FIT}/s04147-170deg.txt", 41, 0.045773, 1e6, 20791.5 - 33304j),
    (f"{FIT}/s04147-180deg.txt", 41, 0.045773, 1e6, 19624.1 - 27606.6j),
    (f"{FIT}/s04147-190deg.txt", 41, 0.045773, 1e6, 17693.8 - 22612.7j),
    (f"{FIT}/s04147-200deg.txt", 40, 0.069838, 1e6, 15859.6 - 18347.1j),
    (f"{FIT}/Example2a.txt", 51, 0.30000001, 1e6, 3805.5903 - 6318.0615j),
    (f"{FIT}/CSV_Example.csv", 50, 0.30000001, 1e6, 2369.7656 - 6737.6167j),
    (f"{FIT}/Example_header.txt", 50, 0.003, 1e7, 30323.58 + 38291.88j),
    ("eis/eis_analysis/example_eis_data.csv", 106, 0.01, 1e5, 181371.1928 - 53513.6667j),
    ("eis/pyDRTtools/data_1.csv", 107, 0.005000832, 999.040405, 0.109963283 + 0.003569859j),
    ("eis/pyDRTtools/LIB_data.txt", 107, 0.00500083202, 999.040405, 0.112362966 + 0.00318273902j),
    ("eis/pyDRTtools/2ZARC1.csv", 81, 0.01, 1e6, 79.28907432249632 - 0.5056631470733485j),
    ("eis/EISART/eis_button_sofc_with_title.csv", 61, 0.100000001, 1e5, 1.752595372 + 0.380132j),
]  # fmt: skip
WITHOUT_HEADER = ("exampleData.csv", "CSV_Example.csv", "data_1.csv", "LIB_data.txt")
REFUSED = [
    "eis/impedance.py/exampleDataAutolab.txt",
    "eis/impedance.py/exampleDataVersaStudio.par",
    "eis/impedance.py/exampleDataZPlot.z",
    "eis/impedance.py/exampleDataZPlot_noComments.z",
    "eis/impedance.py/Circuit1_EIS_1.z",
    "eis/pyimpspec/data.z",
    "eis/pyimpspec/data.dfr",
    "eis/pyimpspec/data.pssession",
    "eis/pyimpspec/data.xlsx",
    "eis/pyimpspec/data.ids",
    "eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt",
    "eis/hybrid-drt/sample_info.txt",
    "eis/novocontrol_toolbox/test_X005.txt",
    "eis/novocontrol_toolbox/Test_X4_22-50-70-90DEG.txt",
    "eis/ImpedanceFitter/MokuGo_47R_100R_shunt.csv",
    "eis/EISFitpython/EIS_fit_report.txt",
    "eis/Zahner-Analysis-Python/rc-data.ism",
]


def of(data: bytes | str, name: str = "x.csv"):
    content = data.encode() if isinstance(data, str) else data
    (found,) = measurements(Source(Path(name), data=content), format="delimited-eis")
    return found.dataset


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def cell(n: int = 31) -> tuple[np.ndarray, np.ndarray]:
    """A resistance and two arcs, 100 kHz to 0.1 Hz."""
    f = np.logspace(5, -1, n)
    w = 2j * np.pi * f
    return f, 20 + 100 / (1 + w * 1e-4) + 300 / (1 + w * 1e-1)


def rows(*columns, separator: str = ",") -> str:
    return "".join(separator.join(repr(float(value)) for value in row) + "\n" for row in zip(*columns, strict=True))


@pytest.mark.parametrize(("path", "points", "lowest", "highest", "first"), FILES, ids=[entry[0] for entry in FILES])
def test_every_real_file_reads_to_its_documented_numbers(corpus, path, points, lowest, highest, first):
    """Headers, signs, separators and preambles of ten programs, by content alone."""
    dataset = read(corpus / path)
    assert dataset.attrs["format"] == "delimited-eis"
    assert dataset.sizes["frequency"] == points
    frequency = dataset["frequency"].values
    np.testing.assert_allclose((frequency.min(), frequency.max()), (lowest, highest), rtol=1e-6)
    assert dataset["impedance"].values[0] == pytest.approx(first, rel=1e-11)
    assert ("inferred-columns" in codes(dataset)) == path.endswith(WITHOUT_HEADER)


@pytest.mark.parametrize("path", REFUSED)
def test_other_formats_are_refused_even_when_forced(corpus, path):
    """Their columns look alike and are levels in dBm, permittivities or quoted rows: an error, never a spectrum."""
    with pytest.raises(ParseError):
        list(delimited_eis.read(Source(corpus / path)))


def test_facts_of_the_header_are_kept(corpus):
    """The pellet's diameter and thickness stand in the file; without them no conductivity follows from it."""
    dataset = read(corpus / FIT / "Example2a.txt")
    assert dataset.attrs["electrode_area"] == pytest.approx(np.pi / 4 * 1.3**2)
    assert dataset.attrs["thickness"] == pytest.approx(0.75e6)
    assert (dataset.attrs["sample"], dataset.attrs["start_time"]) == ("s05751_25deg", "2025-02-26T15:11")
    assert dataset["voltage_amplitude"].item() == pytest.approx(0.0071)
    assert "geometry-from-header" in codes(dataset)


def test_rows_without_frequency_are_left_out_and_counted(corpus):
    """Parstat writes the rest before the spectrum as rows with f = 0; a table cut out of such a file has them too."""
    dataset = read(corpus / "eis/impedance.py/exampleDataParstat.txt", format="delimited-eis")
    (remark,) = [f for f in findings(dataset.attrs) if f.code == "zero-frequency-rows"]
    assert "781 of 812" in remark.message


LOCALES = {
    "decimal comma": lambda text: text.replace(",", ";").replace(".", ","),
    "tabs": lambda text: text.replace(",", "\t"),
    "comma and tabs": lambda text: text.replace(",", "\t").replace(".", ","),
    "spaces": lambda text: text.replace(",", "  "),
    "quoted": lambda text: "\n".join(",".join(f'"{field}"' for field in line.split(",")) for line in text.split("\n")),
    "bars": lambda text: text.replace(",", " | "),
    "carriage returns": lambda text: text.replace("\n", "\r\r\n"),
    "trailing separators": lambda text: text.replace("\n", ",\n"),
    "comment mark": lambda text: "# measured today\n# " + text,
    "minus sign": lambda text: text.replace("f,Z',Z''", "f,Z′,−Z″").replace(",-", ","),
    "index": lambda text: "\n".join(f"{k - 1 if k else ''},{line}" for k, line in enumerate(text.strip().split("\n"))),
    "units": lambda text: text.replace("f,Z',Z''", "Freq. [Hz],Zs' [Ohm],Zs'' [Ohm]"),
    "capital exponents": lambda text: text.replace("10000.0", "1.00000E+004"),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("locale", LOCALES)
def test_twins_in_other_locales_give_the_same_spectrum(corpus, locale, encoding):
    """The control spectrum as other PCs would have exported it; a locale once cost yadg a factor of 1e7."""
    text = (corpus / PYIMPSPEC / "data-comma.csv").read_text()
    original = of(text)
    twin = of(LOCALES[locale](text).encode(encoding))
    np.testing.assert_allclose(twin["frequency"], original["frequency"], rtol=1e-9)
    np.testing.assert_allclose(twin["impedance"], original["impedance"], rtol=1e-9)


def test_thousands_separators_are_dropped(corpus):
    """1,000,000.0 Hz of an English spreadsheet, 1.000.000,0 of a German one."""
    f, z = cell()
    expected = of("f,Z',Z''\n" + rows(f, z.real, z.imag))
    english = "".join(f"{a:,.6f};{b:,.9f};{c:,.9f}\n" for a, b, c in zip(f, z.real, z.imag, strict=True))
    german = english.translate(str.maketrans(",.", ".,"))
    for text in (english, german):
        twin = of("f;Z';Z''\n" + text)
        np.testing.assert_allclose(twin["impedance"], expected["impedance"], rtol=1e-9)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("f,Z',Z''", lambda f, z: (f, z.real, z.imag)),
        ("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", lambda f, z: (f, z.real, -z.imag)),
        ("Frequency (kHz),Zreal (kOhm),Zimag (kOhm)", lambda f, z: (f / 1e3, z.real / 1e3, z.imag / 1e3)),
        ("Frequency_Hz,Z_Real_Ohm,Z_Imag_Ohm", lambda f, z: (f, z.real, z.imag)),
        ("Frequency,|Z|,Phase (deg)", lambda f, z: (f, np.abs(z), np.angle(z, deg=True))),
        ("Frequency,|Z|,Theta (rad)", lambda f, z: (f, np.abs(z), np.angle(z))),
        ("Frequency,Zmod,-Phase", lambda f, z: (f, np.abs(z), -np.angle(z, deg=True))),
        ("n,f,-Z'',Z',Temp (K)", lambda f, z: (np.arange(f.size), f, -z.imag, z.real, 0 * f + 298.15)),
        ("-Zim,Zre,freq", lambda f, z: (-z.imag, z.real, f)),
    ],
)
def test_columns_are_known_by_name_not_by_place(header, columns):
    """impedance.py reads an index as frequency, and |Z|, -phase as Re, Im."""
    f, z = cell()
    dataset = of(header + "\n" + rows(*columns(f, z)))
    np.testing.assert_allclose(dataset["frequency"], f, rtol=1e-12)
    np.testing.assert_allclose(dataset["impedance"], z, rtol=1e-9)
    if "Temp (K)" in header:
        np.testing.assert_allclose(dataset["temperature"], 25.0, atol=1e-9)


@pytest.mark.parametrize("header", ["f,Z',Z''", "f,Zre,-Zim", "f,|Z|,phase"])
def test_a_header_that_contradicts_the_slope_is_refused(header):
    """Many export -Z'' as Z''. The phase of a passive cell follows d ln|Z| / d ln f, so the file itself tells."""
    f, z = cell()
    wrong = {"f,Z',Z''": (z.real, -z.imag), "f,Zre,-Zim": (z.real, z.imag)}.get(
        header, (np.abs(z), -np.angle(z, deg=True))
    )
    with pytest.raises(AmbiguousContent, match="rename the column"):
        of(header + "\n" + rows(f, *wrong))


def test_the_slope_decides_the_sign_of_real_spectra(corpus):
    """Every spectrum that decides at all decides rightly, by a wide margin, and turned around as well."""
    verdicts = {}
    for path, *_ in FILES:
        dataset = read(corpus / path)
        f, z = dataset["frequency"].values, dataset["impedance"].values
        verdicts[Path(path).name] = phase_agreement(f, z)
        assert sign_verdict(f, z.conj()) == -sign_verdict(f, z)
    assert min(verdicts.values()) > 0.8


@pytest.mark.parametrize("sign", [1, -1])
def test_without_header_the_numbers_decide_the_sign(sign):
    """f, Z', Z'' and f, Z', -Z'' look alike; the warning says what was taken."""
    f, z = cell()
    dataset = of(rows(f, z.real, sign * z.imag))
    np.testing.assert_allclose(dataset["impedance"], z)
    (remark,) = [finding for finding in findings(dataset.attrs) if finding.code == "inferred-columns"]
    assert remark.severity == "warning"
    assert ("-Z''" in remark.message) == (sign < 0)


@pytest.mark.parametrize(
    "columns",
    [
        lambda f, z: (f, np.abs(z), np.angle(z, deg=True)),
        lambda f, z: (f, np.full(f.size, 50.0), np.zeros(f.size)),
        lambda f, z: (z.real, f, z.imag),
        lambda f, z: (np.linspace(1, 5, f.size), z.real, z.imag),
    ],
    ids=["modulus and phase", "resistor", "other order", "less than a decade"],
)
def test_without_header_anything_less_than_certain_is_refused(columns):
    """|Z| and phase in degrees make a plausible Z', Z''; a resistor says nothing about the sign."""
    with pytest.raises(AmbiguousContent, match="first line such as"):
        of(rows(*columns(*cell())))


def test_without_header_other_numbers_of_columns_are_refused():
    """Four numbers a row, or six because of decimal commas between commas, have no meaning by themselves."""
    f, z = cell()
    with pytest.raises(UnsupportedContent, match="4 columns without names"):
        of(rows(f, z.real, z.imag, f))
    with pytest.raises(ParseError):
        of("f,Z',Z''\n" + rows(f, z.real, z.imag).replace(".", ","))


def test_columns_that_say_the_same_twice_must_agree():
    """Z', Z'' against |Z|, phase: a wrong comma, a shifted column, or opposite signs show without any knowledge."""
    f, z = cell()
    header = "f,Z',Z'',|Z|,phase\n"
    polar = np.abs(z), np.angle(z, deg=True)
    np.testing.assert_allclose(of(header + rows(f, z.real, z.imag, *polar))["impedance"], z)
    with pytest.raises(CorruptFile, match="differ by"):
        of(header + rows(f, z.real * 1.1, z.imag, *polar))
    with pytest.raises(CorruptFile, match="differ by"):
        of(header + rows(f, z.imag, z.real, *polar))
    with pytest.raises(AmbiguousContent, match="opposite signs"):
        of(header + rows(f, z.real, z.imag, polar[0], -polar[1]))
    one = z.copy()
    one[5] *= 3
    assert "polar-mismatch" in codes(of(header + rows(f, one.real, one.imag, *polar)))


def test_a_phase_in_radians_without_unit_is_refused():
    """-0.8 read as degrees makes a resistor of a capacitor."""
    f, z = cell()
    with pytest.raises(AmbiguousContent, match="radians"):
        of("f,|Z|,phase\n" + rows(f, np.abs(z), np.angle(z)))


def test_missing_imaginary_part_is_named():
    """The message lists what was found, for the person who exports again."""
    f, z = cell()
    with pytest.raises(UnsupportedContent, match=r"\['f', \"Z'\", 'note'\]"):
        of("f,Z',note\n" + rows(f, z.real, f))


def test_other_dimensions_are_refused():
    """A normalised impedance in ohm cm2 is no impedance; reading it as ohm would lose the area for good."""
    f, z = cell()
    with pytest.raises(ParseError, match="ohm cm2"):
        of("f (Hz),Z' (ohm cm2),Z'' (ohm cm2)\n" + rows(f, z.real, z.imag))


def test_several_sweeps_are_several_measurements():
    """Spectra written below each other must not become one zigzag."""
    f, z = cell()
    text = "f,Z',Z''\n" + rows(f, z.real, z.imag) + rows(f, 2 * z.real, 2 * z.imag)
    found = measurements(Source(Path("x.csv"), data=text.encode()))
    assert [measurement.group for measurement in found] == ["eis_0", "eis_1"]
    np.testing.assert_allclose(found[1].dataset["impedance"], 2 * z)


def test_tables_below_each_other_are_all_read():
    """A file with one header for each spectrum must not end after the first; what is no spectrum is said."""
    f, z = cell()
    spectrum = "f,Z',Z''\n" + rows(f, z.real, z.imag)
    text = "setting,a,b\n1,2,3\n2,3,4\n3,4,5\n\n" + spectrum + "\nnext cell\n" + spectrum
    found = measurements(Source(Path("x.csv"), data=text.encode()), format="delimited-eis")
    assert [measurement.group for measurement in found] == ["eis_0", "eis_1"]
    assert "left-out-table" in codes(found[0].dataset)
    assert all(measurement.dataset.sizes["frequency"] == f.size for measurement in found)


def test_bad_rows_are_left_out_and_good_ones_kept():
    """A field '***' of an overflow costs its row."""
    f, z = cell()
    text = ("f,Z',Z''\n" + rows(f, z.real, z.imag)).splitlines()
    text[7] = text[7].rsplit(",", 1)[0] + ",***"
    dataset = of("\n".join(text) + "\n")
    assert dataset.sizes["frequency"] == f.size - 1
    assert {"not-a-number", "incomplete-rows"} <= codes(dataset)
    np.testing.assert_allclose(dataset["impedance"], np.delete(z, 6))


def test_negative_frequencies_mean_another_column():
    """No instrument measures at -5 Hz; the columns are not what their names say."""
    f, z = cell()
    with pytest.raises(CorruptFile, match="negative"):
        of("f,Z',Z''\n" + rows(-f, z.real, z.imag))


@pytest.mark.parametrize("data", [b"", b"\n\n", b"f,Z',Z''\n", b"PK\x03\x04" + bytes(range(256)), b"f,Z',Z''\na,b,c\n"])
def test_empty_and_mislabelled_files_are_parse_errors(data, tmp_path):
    """A .csv may hold nothing, a header, a spreadsheet: always one kind of error that a pipeline can catch."""
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(ParseError):
        read(tmp_path / "x.csv", format="delimited-eis")


@pytest.mark.parametrize("path", ["eis/pyimpspec/data-comma.csv", f"{FIT}/s04147-140deg.txt", f"{FIT}/CSV_Example.csv"])
def test_truncated_copies_hold_a_prefix_or_nothing(corpus, path):
    """Wherever a copy breaks off, its points are the first of the file, the last one included."""
    data = (corpus / path).read_bytes()
    whole = of(data)
    generator = random.Random(3)
    for cut in [generator.randrange(len(data)) for _ in range(40)]:
        try:
            part = of(data[:cut])
        except ParseError:
            continue
        schema.check(part, provenance=True)
        n = part.sizes["frequency"]
        np.testing.assert_array_equal(part["frequency"], whole["frequency"][:n])
        np.testing.assert_allclose(part["impedance"], whole["impedance"][:n], rtol=1e-2)


@pytest.mark.parametrize("path", [entry[0] for entry in FILES[::4]])
def test_damaged_copies_are_valid_or_parse_errors(corpus, path):
    """Flipped, doubled and missing bytes: a Dataset of the vocabulary or a ParseError, never anything else."""
    data = (corpus / path).read_bytes()
    generator = random.Random(11)
    for _ in range(15):
        damaged = bytearray(data)
        start = generator.randrange(len(damaged))
        match generator.randrange(3):
            case 0:
                damaged[start] = generator.randrange(256)
            case 1:
                damaged[start:start] = damaged[start : start + 500]
            case 2:
                del damaged[start : start + 200]
        with contextlib.suppress(ParseError):
            for found in delimited_eis.read(Source(Path("x.csv"), data=bytes(damaged))):
                schema.check(found.dataset)


def test_findings_are_findings(corpus):
    """They travel as JSON; what comes back are the same objects, for rules and reports."""
    assert all(isinstance(finding, Finding) for finding in findings(read(corpus / FILES[0][0]).attrs))
