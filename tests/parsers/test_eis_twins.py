"""Spectra that exist twice: the same run in two files gives the same numbers, to the last digit that both write."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from interlayer.parsers import Source, measurements

FULL = "eis/pyimpspec/data-comma.csv"
PELLET = "eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C"


@dataclass(frozen=True)
class Twins:
    """Two files of one run: the one with all digits, its twin, and the significant digits that the twin writes.

    Without `digits` both write all, and agree to 1e-9. Where one holds Z', Z'' and the other |Z|, phase, both in single
    precision, they agree `within` a fraction of |Z|.
    """

    first: str
    second: str
    digits: int | None = None
    order: int = 1
    within: float | None = None

    def __str__(self) -> str:
        return f"{self.first.rpartition('/')[2]} {self.second.rpartition('/')[2]}"


# One simulated spectrum in every format; text formats print it with 4 to 17 digits.
CONTROL = {
    "data-semicolon.csv": None, "data-header-variant-2.csv": None, "data-header-variant-3.csv": None,
    "data-header-variant-4.csv": None, "data.xlsx": None, "data.ods": None, "data.dfr": None, "data.i2b": None,
    "data.dta": None, "data.pssession": None, "data.mpt": 8, "case-multiple-spectra.mpt": 8, "data.z": 7,
    "data.idf": 6, "data.ids": 6, "data.P00": 4,
}  # fmt: skip
TWINS = [
    *(Twins(FULL, f"eis/pyimpspec/{name}", digits) for name, digits in CONTROL.items()),
    # EC-Lab stores single precision and exports eight digits.
    *(Twins(f"{run}.mpr", f"{run}.mpt", 8) for run in (
        "eis/yadg/peis", "eis/yadg/peis.issue_149", "eis/yadg/geis", "eis/yadg/vsp_peis_with",
        "eis/biologic-converter/zir")),
    *(Twins(f"{run}.mpr", f"{run}.mpt", 8, within=2e-7) for run in ("cycling/yadg/mb", "cycling/yadg/mb.issue_223")),
    Twins(f"{PELLET}.mpr", f"{PELLET}.txt", 8),
    Twins(f"{PELLET}.mpr", f"{PELLET}_RelaxIS.txt", order=-1),
    Twins("eis/impedance.py/exampleDataGamry.DTA", "eis/impedance.py/exampleDataGamryABORT.DTA"),
]  # fmt: skip


def spectra(path) -> list:
    found = [measurement.dataset for measurement in measurements(Source(path))]
    return [dataset for dataset in found if "impedance" in dataset]


def assert_same(values: np.ndarray, printed: np.ndarray, digits: int | None) -> None:
    """Hold values against those of the twin: within half a unit of its last digit, or 1e-9 where it writes all."""
    if digits is None:
        np.testing.assert_allclose(printed, values, rtol=1e-9)
        return
    with np.errstate(divide="ignore"):
        unit = 10.0 ** (np.floor(np.log10(np.abs(printed))) + 1 - digits)
    assert (np.abs(values - printed) <= 0.5 * unit * (1 + 1e-6)).all()


@pytest.mark.parametrize("twins", TWINS, ids=str)
def test_twins_hold_the_same_numbers(corpus, twins):
    """A reader that shifts a column, a sign or a decimal mark has a twin that does not."""
    left, right = spectra(corpus / twins.first), spectra(corpus / twins.second)
    left = left * len(right) if twins.first == FULL else left  # written once, or once in each sheet or loop
    assert len(left) == len(right) > 0
    for one, other in zip(left, right, strict=True):
        values, printed = one["impedance"].values, other["impedance"].values[:: twins.order]
        assert_same(one["frequency"].values, other["frequency"].values[:: twins.order], twins.digits)
        if twins.digits is None or twins.within is not None:
            np.testing.assert_allclose(printed, values, rtol=twins.within or 1e-9)
        else:
            assert_same(values.real, printed.real, twins.digits)
            assert_same(values.imag, printed.imag, twins.digits)
