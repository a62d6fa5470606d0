"""`Quantity` and `Result`: what every user sees."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlayer import Quantity, Result
from interlayer.analysis.units import UnitError


def test_interval_is_normal_unless_given():
    """1.96 standard uncertainties either way (GUM, annex G) is what a reader assumes."""
    assert Quantity("t", 10.0, 1.0, "nm").interval95 == pytest.approx((8.040036, 11.959964), abs=1e-6)
    assert Quantity("t", 10.0, 1.0, "nm", (8.0, 13.0)).interval95 == (8.0, 13.0)
    assert Quantity("t", 10.0, None, "nm").interval95 is None


def test_limit_has_no_interval_and_says_so():
    """'not resolved' is a result; a symmetric interval about a limit would be wrong."""
    limit = Quantity("ionic_conductivity", 1e-6, 1e-7, "S cm-1", relation=">")
    assert limit.interval95 is None
    assert str(limit) == "ionic_conductivity > 1e-06 S cm-1"


def test_conversion_scales_everything():
    """A thickness in nm meets an area in cm2; value, uncertainty and interval move together."""
    centimetres = Quantity("t", 100.0, 3.0, "nm", (94.0, 107.0)).to("cm")
    assert (centimetres.value, centimetres.stderr) == pytest.approx((1e-5, 3e-7))
    assert centimetres.interval95 == pytest.approx((9.4e-6, 1.07e-5))
    with pytest.raises(UnitError):
        centimetres.to("V")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_value_must_be_finite(value):
    """A NaN in a table of results is a wrong number that nobody sees."""
    with pytest.raises(ValueError, match="limit"):
        Quantity("x", value, None, "1")


def test_negative_uncertainty_is_refused():
    """It can only be a mistake of the caller."""
    with pytest.raises(ValueError, match="uncertainty"):
        Quantity("x", 1.0, -0.1, "1")


@pytest.mark.parametrize(
    ("value", "stderr", "text"),
    [
        (17.034, 0.42, "17.03 ± 0.42"),
        (6.512e-7, 3.61e-8, "(6.51 ± 0.36)e-07"),
        (0.9012, 0.0007, "0.90120 ± 0.00070"),
        (120345.0, 1200.0, "(1.203 ± 0.012)e+05"),
        (9.5, 31.0, "10 ± 31"),
        (14401.0, 12218.0, "14000 ± 12000"),
        (0.0, 0.02, "0.000 ± 0.020"),
    ],
)
def test_rounding_to_two_digits_of_the_uncertainty(value, stderr, text):
    """The usual rule of the field: two digits of the uncertainty, the value to the same place."""
    assert Quantity("x", value, stderr, "1").number() == text


@given(
    value=st.floats(-1e12, 1e12, allow_nan=False),
    stderr=st.none() | st.floats(0, 1e12, allow_nan=False),
    relation=st.sampled_from("=<>"),
)
def test_round_trip_through_json(value, stderr, relation):
    """results.json is read by other programs, in years to come."""
    quantity = Quantity("x", value, stderr, "nm", relation=relation)
    result = Result(
        method="m", quantities=(quantity,), correlation=((1.0,),), diagnostics={"a": 1.0}, budget={"x": {"fit": 0.1}},
        notes=("n",), provenance={"source": "s"},
    )  # fmt: skip
    assert Result.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False))) == result


def test_other_layout_is_refused():
    """A file of a later version must not be half understood."""
    with pytest.raises(ValueError, match="layout"):
        Result.from_dict({"schema": "interlayer.result/2"})


def test_html_is_escaped():
    """A sample name may hold markup; a notebook must show it, not run it."""
    html = Result(method="<script>", quantities=(Quantity("<b>", 1.0, 0.1, "1"),), notes=("<i>",))._repr_html_()
    assert "<script>" not in html
    assert "<i>" not in html


def test_to_dataset_keeps_uncertainties():
    """Results of many samples are concatenated with xarray."""
    ds = Result(method="m", quantities=(Quantity("t", 1.0, 0.1, "nm"),)).to_dataset()
    assert float(ds["t_stderr"]) == 0.1
    assert ds["t"].attrs["ancillary_variables"] == "t_stderr"
