"""Elins .i2b and .P00: the control spectrum, counts against rows, and damaged copies."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    AmbiguousContent,
    ParseError,
    Source,
    TruncatedFile,
    findings,
    measurements,
    read,
    schema,
)

I2B, P00 = "eis/pyimpspec/data.i2b", "eis/pyimpspec/data.P00"


def control(corpus) -> tuple[np.ndarray, np.ndarray]:
    """pyimpspec's control spectrum, 29 points, from its semicolon-separated twin with decimal commas and -Z''."""
    text = (corpus / "eis/pyimpspec/data-semicolon.csv").read_text(encoding="utf-8").replace(",", ".")
    rows = np.array([line.split(";") for line in text.splitlines()[1:] if line], dtype=float)
    return rows[:, 0], rows[:, 1] + 1j * rows[:, 2]


def codes(dataset) -> set[str]:
    return {finding.code for finding in findings(dataset.attrs)}


def of(text: str, name: str):
    (found,) = measurements(Source(Path(name), data=text.encode()))
    return found.dataset


def arc(sign: int = 1) -> list[tuple[float, float, float]]:
    f = np.logspace(5, -1, 31)
    z = 20 + 100 / (1 + 2j * np.pi * f * 1e-4) + 300 / (1 + 2j * np.pi * f * 1e-1)
    return list(zip(f, z.real, sign * z.imag, strict=True))


def i2b(rows, promised: int) -> str:
    return f"A note\n{promised}\n" + "".join(f"{f:.10g} {re:.12g} {im:.12g}\n" for f, re, im in rows)


def test_i2b_is_the_control_spectrum_to_the_last_digit(corpus):
    """The file writes all digits of the simulation, so nothing may be lost; its first lines are the user's notes."""
    dataset = read(corpus / I2B)
    frequency, impedance = control(corpus)
    assert dataset.attrs["format"] == "elins-i2b"
    np.testing.assert_allclose(dataset["frequency"], frequency, rtol=1e-12)
    np.testing.assert_allclose(dataset["impedance"], impedance, rtol=1e-12)
    assert dataset.attrs["comment"].splitlines()[0] == "Some metadata"
    assert codes(dataset) == set()


def test_p00_is_the_control_spectrum_as_printed(corpus):
    """-Z'' in four digits, half a unit of the last is 5e-4 at most; DC values stand beside each point."""
    dataset = read(corpus / P00)
    frequency, impedance = control(corpus)
    assert dataset.attrs["format"] == "elins-p00"
    np.testing.assert_allclose(dataset["frequency"], frequency, rtol=4e-4)
    np.testing.assert_allclose(dataset["impedance"].real, impedance.real, rtol=5e-4)
    np.testing.assert_allclose(dataset["impedance"].imag, impedance.imag, rtol=5e-4)
    np.testing.assert_allclose(dataset["dc_potential"], 0.30981, rtol=1e-9)
    np.testing.assert_allclose(dataset["dc_current"], 1.8311e-7, rtol=1e-9)
    assert (dataset.attrs["title"], dataset.attrs["comment"]) == ("Some title", "Description")
    assert "start_time" not in dataset.attrs, "DD.MM.YYYY is a template"


def test_p00_dates_are_day_first(corpus):
    """The program writes DD.MM.YYYY whatever the PC's locale: 03.04. is in April."""
    text = (corpus / P00).read_text(encoding="utf-8")
    dated = text.replace("DD.MM.YYYY HH:MM:SS", "03.04.2015 10:11:12", 1)
    assert of(dated, "x.P00").attrs["start_time"] == "2015-04-03T10:11:12"


@pytest.mark.parametrize("name", ["x.i2b", "x.P00"])
def test_a_count_that_differs_from_the_rows_is_said(corpus, name):
    """A file shortened at a line's end looks whole without the number of points; rows beyond it are suspect."""
    text = (corpus / (I2B if name.endswith("b") else P00)).read_text(encoding="utf-8")
    shortened = of("".join(text.splitlines(keepends=True)[:-4]), name)
    assert shortened.sizes["frequency"] == 25
    assert "missing-rows" in codes(shortened)
    more = of(text.replace("29\n", "20\n", 1).replace(" 29 \n", " 20 \n", 1), name)
    assert more.sizes["frequency"] == 20
    assert "rows-beyond-count" in codes(more)


def test_i2b_of_the_other_sign_is_refused():
    """No column has a name, so a file of -Z'' can only be known by its numbers, and must not become inductive."""
    assert of(i2b(arc(), 31), "x.i2b")["impedance"].values[-1].imag < 0
    with pytest.raises(AmbiguousContent, match="wrong sign"):
        of(i2b(arc(-1), 31), "x.i2b")


def test_i2b_cut_within_a_number_loses_that_row():
    """-99.39 instead of -99.3992 is a wrong number that looks right; without the end of its line it is left out."""
    text = i2b(arc(), 31)
    lines = text.splitlines(keepends=True)
    dataset = of("".join(lines[:20]) + lines[20][:-2], "x.i2b")
    assert dataset.sizes["frequency"] == 18
    assert "missing-rows" in codes(dataset)


def test_one_wrong_digit_is_pointed_out():
    """1e5 instead of 1e2 ohm in one row: the point is kept and named."""
    rows = arc()
    rows[12] = (rows[12][0], rows[12][1] * 1000, rows[12][2])
    dataset = of(i2b(rows, 31), "x.i2b")
    assert dataset.sizes["frequency"] == 31
    assert "isolated-points" in codes(dataset)


def test_without_a_table_there_is_nothing():
    """Notes alone are a broken copy."""
    for name, text in (("x.i2b", "A note\n29\n"), ("x.P00", "Procedure : a\nb\nc\nd\n f/Hz \t Z'/Ohm \t\n 29 \n")):
        with pytest.raises(TruncatedFile):
            measurements(Source(Path(name), data=text.encode()), format=f"elins-{name[2:].lower()}")


@pytest.mark.parametrize("path", [I2B, P00])
def test_damaged_copies_are_the_truth_or_say_so(corpus, path):
    """Cut, doubled or missing bytes: an error, the true rows, or a finding; never a quiet other spectrum."""
    data = (corpus / path).read_bytes()
    whole = read(corpus / path)
    generator = random.Random(5)
    for kind in ("cut", "double", "drop") * 40:
        at = generator.randrange(1, len(data))
        until = min(at + generator.randrange(1, 200), len(data))
        damaged = data[:at] + {"cut": b"", "double": data[at:until] + data[at:], "drop": data[until:]}[kind]
        try:
            found = measurements(Source(Path(path), data=damaged))
        except ParseError:
            continue
        for measurement in found:
            dataset = measurement.dataset
            schema.check(dataset, provenance=True)
            if not codes(dataset) and dataset.sizes == whole.sizes:
                np.testing.assert_allclose(dataset["impedance"], whole["impedance"], rtol=1e-3)
            assert codes(dataset) or dataset.sizes == whole.sizes
