"""Gamry tests of batteries (PWR800): one step in a file, or a row for each half cycle.

The corpus has no such file. The layout is that of gamry-parser's tests/data/ccd_charge_data.dta and ccd_data.dta.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import CorruptFile, Source, findings, measurements, schema

HEADER = "EXPLAIN\nTAG\t{tag}\nTITLE\tLABEL\tCyclic Charge Discharge\tTest &Identifier\nDATE\tLABEL\t11/22/2015\tDate\n"
HEADER += "TIME\tLABEL\t11:16:43\tTime\nPSTAT\tPSTAT\tREF3000-21108\tPotentiostat\n"
HEADER += "CAPACITY\tQUANT\t1.00000E+001\tCapacity (A-hr)\n"
CURVE = "\tPt\tT\tVf\tIm\tVu\tPwr\tSig\tAch\tTemp\tIERange\tOver\n\t#\ts\tV\tA\tV\tW\tV\tV\tdeg C\t#\tbits\n"
SUMMARY = "\tPt\tTime\tType\tCycle\tCharge\tDuration\tVstart\tVend\tEnergy\tTstart\tTend\tOver\n"
SUMMARY += "\t#\ts\t#\t#\tC\ts\tV\tV\tJ\tdeg C\tdeg C\tbits\n"


def step(tag: str, current: float, slope: float) -> bytes:
    rows = "".join(
        f"\t{n}\t{n / 10}\t{3 + slope * n:.6E}\t{current:.6E}\t0\t0\t2\t0\t-3.27597E+002\t10\t..........a\n"
        for n in range(40)
    )
    return (HEADER.format(tag=tag) + f"CURVE\tTABLE\t40\n{CURVE}{rows}STARTTIMEOFFSET\tQUANT\t16.8\ts\n").encode()


def summary(*kinds: int) -> bytes:
    """Return half cycles of 3600 s with 100 s of rest after each; the n-th passes 3600 - 36 n coulomb."""
    rows = "".join(
        f"\t{n + 1}\t{3700 * (n + 1) - 100}\t{kind}\t{n // 2 + 1}\t{3600 - 36 * n}\t3600\t3.0\t4.0\t1.0\t25\t25\t...\n"
        for n, kind in enumerate(kinds)
    )
    tag = "PWR800_CYCLICCHARGEDISCHARGE"
    return (HEADER.format(tag=tag) + f"CAPACITYCURVE\tTABLE\n{SUMMARY}{rows}STOPREASON\tLABEL\tCycle Limit\n").encode()


def of(data: bytes):
    (found,) = measurements(Source(Path("x.DTA"), data=data))
    schema.check(found.dataset, provenance=True)
    return found.dataset


@pytest.mark.parametrize(("tag", "sign"), [("PWR800_CHARGE", 1), ("PWR800_DISCHARGE", -1)])
def test_a_step_is_a_record(tag, sign):
    """The current is positive on charge, as everywhere; a sensor that is not there measures no -327 degC."""
    ds = of(step(tag, sign * 0.02, sign * 0.01))
    assert ds.attrs["technique"] == "cycling"
    assert ds.attrs["vendor_technique"] == tag
    np.testing.assert_allclose(ds["current"], sign * 0.02)
    np.testing.assert_allclose(ds["test_time"], np.arange(40) / 10)
    assert "temperature" not in ds
    assert ds.attrs["start_time"] == "2015-11-22T11:16:43.000"
    assert "current-contradicts-voltage" not in {finding.code for finding in findings(ds.attrs)}


def test_a_current_of_the_wrong_sign_is_said():
    """A discharge with a positive current would count as charge."""
    ds = of(step("PWR800_DISCHARGE", 0.02, -0.01))
    assert "current-contradicts-voltage" in {finding.code for finding in findings(ds.attrs)}


def test_a_measurement_of_the_voltage_is_a_rest():
    """PWR800 reads the open-circuit voltage between its steps."""
    ds = of(step("PWR800_READVOLTAGE", 0.0, 0.0))
    assert {schema.STEP_TYPES[kind] for kind in ds["step_type"].values} == {"rest"}


def test_a_cyclic_test_has_a_row_for_each_half_cycle():
    """Charge in coulomb, the end of each half cycle and how long it took; type 0 is charge, 1 discharge."""
    ds = of(summary(0, 1, 0, 1))
    assert ds.attrs["technique"] == "cycling_summary"
    assert ds["direction"].values.tolist() == [1, -1, 1, -1]
    assert ds["cycle"].values.tolist() == [1, 1, 2, 2]
    np.testing.assert_allclose(ds["capacity"], [1.0, 0.99, 0.98, 0.97], rtol=1e-12)
    np.testing.assert_allclose(ds["start"], 3700.0 * np.arange(4))
    np.testing.assert_allclose(ds["end"] - ds["start"], 3600.0)


def test_rows_of_another_type_are_left_out():
    """What is neither charge nor discharge has no direction."""
    ds = of(summary(0, 7, 1))
    assert ds.sizes["half_cycle"] == 2
    assert "incomplete-rows" in {finding.code for finding in findings(ds.attrs)}
    with pytest.raises(CorruptFile, match="type 0 or 1"):
        of(summary(7))
