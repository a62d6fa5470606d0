"""The page of microscopy is read as a recipe; its code must run and find what the simulators put in."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlayer import sample_data

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "microscopy.md"


def test_the_worked_interfaces_give_what_their_page_says(monkeypatch, capsys):
    """30 and 17 nm by the 10-90 % width, and that one profile is 12, 31 or 39 nm wide by definition."""
    monkeypatch.chdir(PAGE.parents[2])
    code = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    variables = {}
    exec(compile(code, str(PAGE), "exec"), variables)
    for kind, result in variables["widths"].items():
        low, high = result["interdiffusion_width"].interval95
        truth = sample_data.truth(f"tem_lco_sulfide_line_scans/{kind}.csv")["interdiffusion_width"]["value"]
        assert low < truth < high
    bare = variables["widths"]["bare"]
    names = ("interdiffusion_sigma", "interdiffusion_width", "coexistence_width")
    assert [bare[name].value for name in names] == pytest.approx([12.0, 31.0, 39.0], abs=0.5)
    low, high = variables["compared"]["width_ratio"].interval95
    assert low < 17.0 / 30.0 < high
    low, high = variables["layer"]["layer_thickness"].interval95
    assert low < 30.0 < high
    assert "10-90 % width" in capsys.readouterr().out
