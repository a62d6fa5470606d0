"""WinDETA text: permittivity and conductivity of a plate have to make the impedance from which they came."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    AmbiguousContent,
    ParseError,
    Source,
    UnsupportedContent,
    findings,
    measurements,
    read_tree,
    schema,
)

FOLDER = "eis/novocontrol_toolbox"
EPS0 = 8.8541878128e-14  # F/cm, CODATA 2018
DIAMETER, THICKNESS = 40.0, 1.07  # mm
HEAD = (
    "X, 17.2.2025, 11:19\nDiameter[mm] 4.000e+01  Thickness[mm] 1.070e+00  Spacer Capacity[pF] 0.000e+00  "
    "Spacer Area[mm^2] 0.000e+00\nFixed value(s) :  AC Volt  [Vrms]=1.0000e+00\n"
)
NAMES = {
    "zs": " Zs' [Ohms]\t Zs'' [Ohms]",
    "zp": " Zp' [Ohms]\t Zp'' [Ohms]",
    "eps": " Eps'    \t Eps''   ",
    "sig": " Sig' [S/cm]\t Sig'' [S/cm]",
}


def plate() -> tuple[np.ndarray, np.ndarray]:
    """A film of eps' 3 with a conductivity of 1e-12 S/cm between plates, by the definitions of circuit theory."""
    f = np.logspace(6, -2, 25)
    c0 = EPS0 * np.pi / 4 * (DIAMETER / 10) ** 2 / (THICKNESS / 10)
    return f, 1 / (1j * 2 * np.pi * f * c0 * 3.0 + 1e-12 * c0 / EPS0)


def export(*quantities: str, head: str = HEAD, scale: float = 1.0, temperature: str = "") -> str:
    """Write the plate as WinDETA does: sigma* = i w eps0 (eps* - 1), Zp the inverse of conductance, susceptance."""
    f, z = plate()
    w = 2 * np.pi * f
    c0 = EPS0 * np.pi / 4 * (DIAMETER / 10) ** 2 / (THICKNESS / 10)
    eps = 1 / (1j * w * c0 * z)
    sigma = 1j * w * EPS0 * (eps - 1) * scale
    pairs = {
        "zs": (z.real, z.imag),
        "zp": (1 / (1 / z).real, 1 / (1 / z).imag),
        "eps": (eps.real, -eps.imag),
        "sig": (sigma.real, -sigma.imag),
    }
    names = "\t".join([" Freq. [Hz]", *([" Temp. [°C]"] if temperature else []), *(NAMES[q] for q in quantities)])
    columns = [f, *(column for q in quantities for column in pairs[q])]
    rows = ["\t".join(f"{value:.7e}" for value in row) for row in zip(*columns, strict=True)]
    rows = [row.replace("\t", f"\t{temperature}\t", 1) for row in rows] if temperature else rows
    return head + names + "\n" + "\n".join(rows) + "\n"


def of(text: str):
    return [found.dataset for found in measurements(Source(Path("x.txt"), data=text.encode()))]


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


@pytest.mark.parametrize(
    "quantities", [("eps",), ("sig",), ("eps", "sig"), ("zp", "eps"), ("zs", "zp", "eps", "sig")], ids="-".join
)
def test_the_impedance_of_the_plate_comes_back(quantities):
    """Without the vacuum in WinDETA's conductivity the impedance of this film would be 1.5 times too high."""
    (dataset,) = of(export(*quantities))
    f, z = plate()
    np.testing.assert_allclose(dataset["frequency"], f, rtol=1e-7)
    np.testing.assert_allclose(dataset["impedance"].values, z, rtol=3e-7)
    assert dataset.attrs["format"] == "novocontrol-windeta"
    assert ("computed-impedance" in codes(dataset)) == (quantities[0] in ("eps", "sig"))


def test_geometry_and_fixed_values_are_kept():
    """Area and thickness are what a conductivity needs; the corrections made are said."""
    corrected = HEAD.replace("[mm^2] 0.000e+00", "[mm^2] 1.2e+01  Edge Correction On  Electrode Thickness[mm] 2.00e+00")
    (dataset,) = of(export("eps", head=corrected))
    assert dataset.attrs["electrode_area"] == pytest.approx(np.pi * 4.0)
    assert dataset.attrs["thickness"] == pytest.approx(1.07e6)
    assert (dataset.attrs["sample"], dataset.attrs["start_time"]) == ("X", "2025-02-17T11:19")
    assert dataset["voltage_amplitude"].item() == 1.0
    assert {"edge-correction", "spacer-correction", "geometry-from-header"} <= codes(dataset)


def test_without_geometry_there_is_no_impedance():
    """A permittivity alone is a property of the material; a default diameter would be an invention."""
    with pytest.raises(UnsupportedContent, match="diameter and thickness"):
        of(export("eps", head="X, 17.2.2025, 11:19\nFixed value(s) :  AC Volt  [Vrms]=1.0\n"))


def test_quantities_that_differ_by_a_factor_are_refused():
    """Nothing in the file says whether permittivity or conductivity is right."""
    with pytest.raises(AmbiguousContent, match="times that from"):
        of(export("eps", "sig", scale=1.6))


def test_temperatures_are_measurements_of_their_own(corpus):
    """Four set temperatures of 60 points each, with the measured temperature beside every point."""
    tree = read_tree(corpus / FOLDER / "Test_X4_22-50-70-90DEG.txt")
    assert [node.attrs["temperature_setpoint"] for node in tree.leaves] == [22.0, 50.0, 70.0, 90.0]
    for node in tree.leaves:
        assert node.sizes["frequency"] == 60
        assert (node["frequency"].min(), node["frequency"].max()) == (0.1, 1e7)
        assert abs(float(node["temperature"].mean()) - node.attrs["temperature_setpoint"]) < 3
    first = tree["eis_0"]
    # Z = 1 / (j w C0 (eps' - j eps'')), from the first row by hand: C0 = eps0 * 12.566 cm2 / 0.217 cm = 5.127419 pF.
    by_hand = 1 / (2j * np.pi * 1e7 * 5.127419e-12 * (6.52081 - 0.216162j))
    assert first["impedance"].values[0] == pytest.approx(by_hand, rel=1e-6)


def test_scrambled_files_are_told_by_their_columns(corpus):
    """Their owners multiplied every value by up to 20 %, and two files by a factor per column: scatter and refusal."""
    tree = read_tree(corpus / FOLDER / "Test_X4_22-50-70-90DEG.txt")
    assert "columns-disagree" in codes(tree["eis_0"])
    for name in ("test_X005.txt", "test_X14.txt"):
        with pytest.raises(AmbiguousContent, match="times that from"):
            read_tree(corpus / FOLDER / name)


@pytest.mark.parametrize(("name", "points"), [("test_X005.txt", 15), ("test_X14.txt", 13)])
def test_refused_files_are_read_without_the_doubtful_columns(corpus, name, points):
    """What the message recommends: without the conductivity the permittivity alone makes the documented points."""
    lines = (corpus / FOLDER / name).read_text().splitlines()
    cut = [line if n < 3 else "\t".join(line.split("\t")[:4]) for n, line in enumerate(lines)]
    (dataset,) = of("\n".join(cut) + "\n")
    assert dataset.sizes["frequency"] == points


def test_damaged_copies():
    """Truncated anywhere: a prefix of the true spectrum. One wrong character: an error, a finding or no harm."""
    data = export("eps", "sig", temperature="2.20000e+01").encode()
    (whole,) = of(data.decode())
    known = codes(whole)
    generator = random.Random(2)
    for _ in range(150):
        place = generator.randrange(len(data))
        flip = data[:place] + generator.choice([b"7", b"-", b",", b"x", b"\xff"]) + data[place + 1 :]
        for bytes_ in (data[:place], flip):
            try:
                found = [one.dataset for one in measurements(Source(Path("x.txt"), data=bytes_))]
            except ParseError:
                continue
            for dataset in found:
                schema.check(dataset, provenance=True)
            z = found[0]["impedance"].values
            if bytes_ is flip and len(found) == 1 and z.shape == whole["impedance"].shape:
                if np.abs(z / whole["impedance"].values - 1).max() > 0.6:
                    assert codes(found[0]) - known or place < data.index(b"Freq"), place
            elif bytes_ is not flip:
                np.testing.assert_allclose(z, whole["impedance"].values[: len(z)], rtol=1e-12)
