"""Vendors' impedance text side by side: documented numbers, one control spectrum in every format, damaged copies."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import ParseError, Source, findings, measurements, read_tree, schema

ZPLOT, PYIMPSPEC = "eis/impedance.py", "eis/pyimpspec"
# Path, card, points, lowest and highest frequency (Hz): from the corpus' own list; first point: from the file, by eye.
FILES = [
    (f"{ZPLOT}/exampleDataZPlot.z", "zplot-z", 21, 3e3, 3e5, 147.77 - 11.335j),
    (f"{ZPLOT}/exampleDataZPlot_noComments.z", "zplot-z", 31, 300.0, 3e5, 642.62 - 85.821j),
    (f"{ZPLOT}/Circuit1_EIS_1.z", "zplot-z", 48, 1.0, 5e4, 29.036 + 0.63662j),
    (f"{ZPLOT}/Circuit3_EIS_1.z", "zplot-z", 53, 1.0, 1.5e5, 1493.7 + 10.377j),
    (f"{PYIMPSPEC}/data.z", "zplot-z", 29, 1.0, 1e4, 109.0092 - 26.55568j),
    (f"{ZPLOT}/exampleDataAutolab.txt", "zplot-z", 41, 0.1, 1e4, 0.013785863964281 + 0.007191946305823j),
    (f"{PYIMPSPEC}/data.dfr", "autolab-dfr", 29, 1.0, 1e4, 109.00918219439028 - 26.55567987651522j),
    (f"{ZPLOT}/exampleDataVersaStudio.par", "versastudio-par", 61, 0.02154435, 1e5, 55.31571 + 4.575431j),
    ("eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt", "relaxis-txt", 79, 0.10002180933952332, 7000018.5,
     1799427.625 - 8093785.5j),
    (f"{ZPLOT}/exampleDataCHInstruments.txt", "chi-txt", 73, 0.1, 99610.0, 98.91 - 2.748j),
    (f"{ZPLOT}/exampleDataParstat.txt", "parstat-txt", 31, 10.0, 1e4, -0.00049816280376104 + 0.0175143479976367j),
]  # fmt: skip
IDS = [entry[0] for entry in FILES]


def spectrum(path: Path):
    tree = read_tree(path)
    return next(node.to_dataset() for node in tree.leaves if node.attrs["technique"] == "eis")


def spectra(data: bytes, name: str):
    """Return the spectra in some bytes, and all that was remarked on anything in them."""
    found = [found.dataset for found in measurements(Source(Path(name), data=data))]
    for dataset in found:
        schema.check(dataset, provenance=True)
    said = set().union(*map(remarks, found))
    return [dataset for dataset in found if "impedance" in dataset], said


def remarks(dataset) -> set[str]:
    return {finding.message for finding in findings(dataset.attrs)}


@pytest.mark.parametrize(("path", "card", "points", "lowest", "highest", "first"), FILES, ids=IDS)
def test_every_real_file_reads_to_its_documented_numbers(corpus, path, card, points, lowest, highest, first):
    """Sizes and ends of the sweeps as the corpus documents them, every digit of the first point as printed."""
    dataset = spectrum(corpus / path)
    assert dataset.attrs["format"] == card
    assert dataset.sizes["frequency"] == points
    frequency = dataset["frequency"].values
    np.testing.assert_allclose((frequency.min(), frequency.max()), (lowest, highest), rtol=1e-7)
    assert dataset["impedance"].values[0] == pytest.approx(first, rel=1e-15)


@pytest.mark.parametrize("path", IDS)
def test_truncated_copies_hold_a_prefix_or_nothing(corpus, path):
    """Wherever a copy breaks off, what is read are the first rows with their true numbers, and the loss is said."""
    data = (corpus / path).read_bytes()
    whole = spectrum(corpus / path)
    known = remarks(whole)
    end = data.rindex(b"</Segment1>") if path.endswith(".par") else len(data)
    generator = random.Random(3)
    for cut in [generator.randrange(end) for _ in range(40)]:
        try:
            found, said = spectra(data[:cut], Path(path).name)
        except ParseError:
            continue
        for dataset in found:
            n = dataset.sizes["frequency"]
            np.testing.assert_array_equal(dataset["impedance"], whole["impedance"][:n])
            np.testing.assert_array_equal(dataset["frequency"], whole["frequency"][:n])
            at_line_end = data[cut - 1 : cut] in (b"\n", b"\r") or data[cut : cut + 1] in (b"\n", b"\r")
            if n < whole.sizes["frequency"] and not at_line_end:
                assert said - known, f"silent cut at {cut}"


@pytest.mark.parametrize("path", IDS)
def test_a_flipped_byte_is_an_error_a_finding_or_harmless(corpus, path):
    """One wrong character in the data must not double a point unnoticed, nor stop the program otherwise."""
    data = (corpus / path).read_bytes()
    whole = spectrum(corpus / path)
    known = remarks(whole)
    generator = random.Random(11)
    for _ in range(120):
        place = generator.randrange(len(data))
        flipped = data[:place] + generator.choice([b"7", b"0", b"-", b".", b",", b"x", b"\xff"]) + data[place + 1 :]
        try:
            found, said = spectra(flipped, Path(path).name)
        except ParseError:
            continue
        same = [dataset for dataset in found if dataset.sizes == whole.sizes]
        if len(found) != 1 or not same:
            assert said - known or len(found) > 1, f"silent loss at {place}"
            continue
        ratio = np.abs(same[0]["impedance"].values / whole["impedance"].values - 1)
        if ratio.max() > 0.6:
            assert said - known, f"silently wrong at {place}: {ratio.max():.2g}"


@pytest.mark.parametrize("path", IDS)
def test_duplicated_bytes_never_end_in_another_exception(corpus, survive, path):
    """A block written twice by a failing disk is a schema-valid Dataset or a ParseError."""
    data = (corpus / path).read_bytes()
    generator = random.Random(5)
    starts = [generator.randrange(len(data)) for _ in range(20)]
    stops = [min(len(data), start + generator.randrange(1, 2000)) for start in starts]
    copies = (data[:stop] + data[start:] for start, stop in zip(starts, stops, strict=True))
    read_well, refused = survive(lambda copy: spectra(copy, Path(path).name)[0], copies)
    assert read_well + refused == len(starts)
    assert read_well


def test_a_damaged_first_or_last_row_is_said(corpus):
    """The first row decides where a table begins and the last where it ends: damaged, they vanished without a word."""
    data = (corpus / ZPLOT / "exampleDataCHInstruments.txt").read_bytes()
    for place in (data.index(b"9.891e+1") + 1, data.rindex(b"e+")):
        found, said = spectra(data[:place] + b"," + data[place + 1 :], "x.txt")
        assert found[0].sizes["frequency"] == 72
        assert any("left out" in remark for remark in said)


@pytest.mark.parametrize(
    ("path", "number", "damaged"),
    [
        ("eis/pyimpspec/data.dfr", b"109.00918219439028", b"109.009.18219439028"),
        ("eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt", b"DC=-0.080042", b"DC=-0.08.0042"),
        ("eis/EISFitpython/Example2a.txt", b"1.300e+01", b"1.3.00e+01"),
    ],
)
def test_a_number_with_two_points_is_none(corpus, path, number, damaged):
    """It is refused or left out with a remark, never read as one of the two numbers that it might have been."""
    data = (corpus / path).read_bytes()
    assert number in data
    (whole,), _ = spectra(data, Path(path).name)
    (found,), said = spectra(data.replace(number, damaged, 1), Path(path).name)
    assert said - remarks(whole) or found.coords.keys() | found.attrs.keys() < whole.coords.keys() | whole.attrs.keys()
