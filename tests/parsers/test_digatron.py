"""Digatron text: units behind a ``#`` in the names, a time that counts milliseconds under the name of seconds.

The corpus has no such file. Names are those of battery-data-format-ontology (schema/vendors/digatron-csv.json); that
``AhCha#AH`` is spelled unlike ``AhDch#Ah``, that ``Program Duration#s`` holds milliseconds and that dates have a
fraction only where it is not zero is what readers of public exports say of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import Source, UnsupportedContent, findings, identify, measurements, schema

NAMES = (
    "Step,Status,Timestamp,Program Duration#s,Step Duration#s,Voltage#V,Current#A,AhCha#AH,AhDch#Ah,AhStep#Ah,"
    "AhAccu#Ah,WhCha#Wh,WhDch#Wh,T1#degC,Tenv#degC"
)
ROWS = 60


def export(*, names: str = NAMES, units: str = "") -> bytes:
    """Return half an hour of charge at 1 A and as much of discharge, a row a minute."""
    start = datetime(2025, 6, 6, 9, 10, 7, 970000, tzinfo=UTC)
    lines = [names, *([units] if units else [])]
    for n in range(ROWS):
        sign, minutes = (1, n) if n < 30 else (-1, 59 - n)
        moment = start + timedelta(minutes=n, milliseconds=30 if n == 3 else 0)
        charged, discharged = min(n, 29) / 60, max(n - 29, 0) / 60
        fields = (1 if sign > 0 else 2, "CHA" if sign > 0 else "DCH", moment.isoformat(" "), n * 60000, n * 60000)
        fields += (3.5 + minutes / 100, sign, charged, discharged, charged, charged - discharged)
        lines.append(",".join(map(str, (*fields, 3.6 * charged, 3.6 * discharged, 25.5, 24.0))))
    return "\n".join([*lines, ""]).encode()


def of(data: bytes):
    (found,) = measurements(Source(Path("x.csv"), data=data))
    schema.check(found.dataset, provenance=True)
    return found.dataset


@pytest.mark.parametrize("units", ["", ",,,s,s,V,A,Ah,Ah,Ah,Ah,Wh,Wh,degC,degC"])
def test_columns_of_digatron_are_read(units):
    """With and without a row of units; the unit of the charge is spelled in two ways in one file."""
    ds = of(export(units=units))
    assert (ds.attrs["format"], ds.attrs["instrument"]) == ("digatron-csv", "Digatron")
    np.testing.assert_array_equal(ds["current"], np.repeat([1.0, -1.0], 30))
    np.testing.assert_allclose(ds["voltage"][[0, 29, 59]], [3.5, 3.79, 3.5], rtol=1e-12)
    assert float(ds["vendor_capacity_charge"][-1]) == pytest.approx(29 / 60, rel=1e-12)
    assert float(ds["vendor_capacity_discharge"][-1]) == pytest.approx(0.5, rel=1e-12)
    assert float(ds["vendor_charge"][-1]) == pytest.approx(-1 / 60, rel=1e-9)
    assert float(ds["vendor_energy_discharge"][-1]) == pytest.approx(1.8, rel=1e-12)
    assert set(ds["temperature"].values) == {25.5}
    np.testing.assert_array_equal(ds["vendor_step"], np.repeat([1, 2], 30))


def test_the_time_follows_from_the_dates():
    """An hour would last six weeks by a column that says seconds and counts milliseconds."""
    ds = of(export())
    expected = 60.0 * np.arange(ROWS)
    expected[3] += 0.03
    np.testing.assert_allclose(ds["test_time"], expected, atol=1e-6)
    assert ds.attrs["start_time"] == "2025-06-06T09:10:07.970"
    assert "time-from-clock" in {finding.code for finding in findings(ds.attrs)}


def test_a_file_without_dates_is_refused():
    """Its other times may be in one unit or the other."""
    with pytest.raises(UnsupportedContent, match="time"):
        of(export(names=NAMES.replace("Timestamp", "Timestamp of the program")))


def test_other_tables_are_none_of_digatron(tmp_path):
    """A plain table with the same quantities is read as such."""
    path = tmp_path / "x.csv"
    path.write_bytes(export(names=NAMES.replace("#", "_")))
    card = identify(path)
    assert card is not None
    assert card.name == "delimited-cycling"
