"""Names of columns that Neware, Landt and Ivium write, in English and Chinese, as public readers list them.

Sources: records of BTSDA in Chinese after parse_btsda_lmb_three_layer_export; LANDdt after the DQDV parser of the
University of Washington and navani; Ivium after navani; ``DPt-Time`` after battery-data-format.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import Source, UnknownFormat, findings, measurements, schema

CHINESE = (
    "数据序号,循环号,工步号,工步类型,时间,总时间,电流(mA),电压(V),"
    "容量(mAh),比容量(mAh/g),充电容量(mAh),放电容量(mAh),绝对时间"
)
ROWS = 40


def neware(encoding: str) -> bytes:
    """Return 20 minutes of charge at 1.5 mA and as many of discharge, as BTSDA writes them in Chinese."""
    lines = [CHINESE]
    for n in range(ROWS):
        minute, kind, sign = (n, "恒流充电", 1) if n < 20 else (n - 20, "恒流放电", -1)
        counted = 0.025 * minute
        counters = (counted, 0.0) if sign > 0 else (0.0, counted)
        times = f"00:{minute:02}:00", f"00:{n:02}:00"
        fields = (n + 1, 1, 1 + n // 20, kind, *times, 1.5 * sign, 0.05 * sign + 0.001 * sign * minute, counted, 0.0)
        lines.append(",".join(map(str, (*fields, *counters, f"2026-01-01 00:{n:02}:00"))))
    return "\r\n".join([*lines, ""]).encode(encoding)


def of(data: bytes, name: str = "x.csv"):
    (found,) = measurements(Source(Path(name), data=data))
    schema.check(found.dataset, provenance=True)
    return found.dataset


@pytest.mark.parametrize("encoding", ["gbk", "utf-8-sig", "utf-16"])
def test_chinese_records_of_neware_are_read(encoding):
    """BTSDA on a Chinese PC writes Chinese names, and no Unicode unless asked."""
    ds = of(neware(encoding))
    assert ds.attrs["format"] == "delimited-cycling"
    np.testing.assert_allclose(ds["current"], np.repeat([0.0015, -0.0015], 20))
    np.testing.assert_allclose(ds["test_time"], 60.0 * np.arange(ROWS))
    np.testing.assert_array_equal(ds["vendor_step"], np.repeat([1, 2], 20))
    assert float(ds["vendor_capacity_discharge"][-1]) == pytest.approx(0.000475, rel=1e-12)
    kinds = [schema.STEP_TYPES[kind] for kind in ds["step_type"].values]
    assert kinds == ["constant_current_charge"] * 20 + ["constant_current_discharge"] * 20
    assert ds.attrs["start_time"] == "2026-01-01T00:00:00.000"


def test_the_chinese_code_page_is_said():
    """Bytes that are no Unicode are read by what they spell, and that is an inference."""
    (remark,) = [finding for finding in findings(of(neware("gbk")).attrs) if finding.code == "inferred-encoding"]
    assert "GB 18030" in remark.message


def test_degrees_and_micro_signs_are_not_taken_for_chinese():
    """Most files that are no Unicode are of Windows-1252; two such bytes in a row could be a Chinese character."""
    rows = "".join(f"{n},{3 + n / 100},0.5,25\n" for n in range(ROWS))
    ds = of(f"Time (s),Voltage (V),Current (µA),Temperature (°C)\n{rows}".encode("cp1252"))
    np.testing.assert_allclose(ds["current"], 5e-7)
    assert float(ds["temperature"][0]) == 25.0


@pytest.mark.parametrize(
    ("names", "seconds"),
    [
        ("Index,TestTime/Sec.,Voltage/V,Current/mA,Capacity/mAh,SCapacity/mAh/g,State", 1.0),
        ("Index,TestTime/h,Voltage/V,Current/mA,Capacity/mAh,SpeCap/mAh/g,State", 3600.0),
        ("记录序号,测试时间/Sec,电压/V,电流/mA,容量/mAh,比容量/mAh/g,状态", 1.0),
    ],
)
def test_names_of_landt_are_read(names, seconds):
    """LANDdt sets the unit behind a slash, in seconds or hours, in either language."""
    lines = [
        f"{n},{n},{3 + n / 100},{0.2 if n < 20 else -0.2},0,0,{'C_CC' if n < 20 else 'D_Rate'}" for n in range(ROWS)
    ]
    ds = of("\n".join([names, *lines, ""]).encode())
    np.testing.assert_allclose(ds["test_time"], seconds * np.arange(ROWS))
    np.testing.assert_allclose(ds["current"], np.repeat([2e-4, -2e-4], 20))
    assert schema.STEP_TYPES[int(ds["step_type"][-1])] == "constant_current_discharge"


def test_text_of_ivium_is_read():
    """IviumSoft exports three columns with a space before the unit's slash."""
    lines = "".join(f"{n}.0\t{1.0 if n < 20 else -1.0}\t{3 + abs(20 - n) / -100}\n" for n in range(ROWS))
    ds = of(f"time /s\tI /mA\tE /V\n{lines}".encode(), "x.txt")
    np.testing.assert_allclose(ds["current"], np.repeat([1e-3, -1e-3], 20))
    assert float(ds["voltage"][20]) == 3.0


@pytest.mark.parametrize("date", ["DPt Time", "DPt-Time"])
def test_both_spellings_of_maccors_date_are_maccors(date):
    """Files in Maccor's layout have a current without sign: in a plain table every discharge would be a charge."""
    names = f"Rec#\tCyc#\tStep\tTest(Sec)\tStep(Sec)\tAmp-hr\tWatt-hr\tAmps\tVolts\tState\tES\t{date}\n"
    lines = "".join(
        f"{n + 1}\t1\t{1 + n // 20}\t{60.0 * n}\t{60.0 * (n % 20)}\t{n % 20 / 60}\t0\t1.0\t{3 + abs(20 - n) / -100}\t"
        f"{'C' if n < 20 else 'D'}\t1\t2024-01-02 10:{n:02}:00\n"
        for n in range(ROWS)
    )
    ds = of((names + lines).encode(), "x.txt")
    assert ds.attrs["format"] == "maccor-txt"
    np.testing.assert_array_equal(np.sign(ds["current"]), np.repeat([1, -1], 20))


def test_temperature_of_the_cell_in_maccor_csv():
    """An export of the Faraday Institution names the temperatures of cell and chamber; the cell's is meant."""
    names = "Rec,Cycle C,Step,Test Time [s],Capacity [Ah],Current [A],Voltage [V],Temperature Chamber [degC],"
    names += "Temperature Cell [degC],DPT Time\n"
    lines = "".join(
        f"{n + 1},1,{1 + n // 20},{60.0 * n},{n % 20 / 60},1.0,{3 + abs(20 - n) / -100},20.0,25.5,"
        f"2024-01-02 10:{n:02}:00\n"
        for n in range(ROWS)
    )
    ds = of((names + lines).encode())
    assert ds.attrs["format"] == "maccor-txt"
    assert set(ds["temperature"].values) == {25.5}
    np.testing.assert_array_equal(np.sign(ds["current"]), np.repeat([1, -1], 20))


def test_tables_of_other_quantities_are_not_claimed():
    """``Vol`` and ``Cur`` are short names; without a time or a current a table is none of a cycler."""
    with pytest.raises(UnknownFormat):
        of(b"Vol,Cur\n" + b"".join(b"%d,%d\n" % (n, n) for n in range(ROWS)))
