"""Ionic and electronic conduction side by side: spectra of a mixed conductor between electrodes that block ions."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity, eis
from interlayer.analysis.units import UnitError
from interlayer.parsers import schema

VACUUM = 8.8541878188e-14  # F/cm
THICKNESS, AREA = Quantity("thickness", 100.0, 3.0, "nm"), Quantity("area", 5e-3, 1e-4, "cm2")
EXACT = {"thickness": Quantity("thickness", 100.0, 0.0, "nm"), "area": Quantity("area", 5e-3, 0.0, "cm2")}


def mixed_conductor(ionic: float, electronic: float, *, seed: int, lowest: float = 1e-3) -> xr.Dataset:
    """Return a spectrum of a 100 nm film: an electronic path beside arc and blocking electrode of the ionic one."""
    random = np.random.default_rng(seed)
    frequency = np.logspace(6, np.log10(lowest), 91)
    s = 2j * np.pi * frequency
    capacitance = VACUUM * random.uniform(10, 25) * 5e-3 / 1e-5
    arc = ionic / (1.0 + (s * ionic * capacitance) ** random.uniform(0.95, 1.0))
    blocked = arc + 1.0 / (random.uniform(4e-6, 1e-5) * 5e-3 * s ** random.uniform(0.88, 0.97))
    z = random.uniform(2, 20) + 5e-7 * s + 1.0 / (1.0 / blocked + 1.0 / electronic)
    z = z * (1 + 0.004 * (random.standard_normal(91) + 1j * random.standard_normal(91)))
    return schema.build("eis", {"frequency": frequency, "impedance": z})


@pytest.mark.slow
def test_the_closing_spectrum_gives_both_paths():
    """Between blocking electrodes the low-frequency end is electronic; R taken for ionic is 10-30 % too small."""
    inside = np.zeros((200, 3), dtype=bool)
    for seed in range(200):
        random = np.random.default_rng(seed + 50_000)
        ionic = 10 ** random.uniform(3.3, 4.5)
        electronic = ionic * random.uniform(3.0, 10.0)
        ds = mixed_conductor(ionic, electronic, seed=seed)
        result = eis.film_conductivity(ds, **EXACT, electrodes="blocking")
        truths = {
            "ionic_resistance": ionic,
            "electronic_resistance": electronic,
            "ionic_transference_number": electronic / (ionic + electronic),
        }
        for place, (name, truth) in enumerate(truths.items()):
            low, high = result[name].interval95 if name in result else (np.nan, np.nan)
            inside[seed, place] = low <= truth <= high
    share = inside.mean(axis=0)
    assert np.all((share >= 0.93) & (share <= 0.98)), share


def test_the_headline_is_the_ions_alone():
    """A film that leaks must not be sold as a better ionic conductor than it is."""
    result = eis.film_conductivity(
        mixed_conductor(1e4, 3e4, seed=1), thickness=THICKNESS, area=AREA, electrodes="blocking"
    )
    assert result["ionic_conductivity"].value == pytest.approx(1e-5 / (1e4 * 5e-3), rel=0.05)
    assert result["total_resistance"].value == pytest.approx(7500, rel=0.02)
    assert result["electronic_conductivity"].value == pytest.approx(1e-5 / (3e4 * 5e-3), rel=0.05)
    assert result["ionic_transference_number"].value == pytest.approx(0.75, abs=0.01)
    assert result["ionic_transference_number"].interval95[1] <= 1.0
    assert result.provenance["circuit"].endswith("p(Re,p(R1,CPE1)-CPE2)")


def blocked(seed: int = 3) -> xr.Dataset:
    """Return a window that ends before leakage of 3e4 ohm shows: the arc holds 7500 ohm, its end the electrode."""
    return mixed_conductor(1e4, 3e4, seed=seed, lowest=1e3)


def test_a_stated_electronic_resistance_is_taken_off():
    """DC polarisation knows what a short spectrum does not; its uncertainty belongs in the result."""
    stated = Quantity("electronic_resistance", 30.0, 3.0, "kohm")
    plain = eis.film_conductivity(blocked(), thickness=THICKNESS, area=AREA)
    assert plain["ionic_resistance"].value == pytest.approx(7500, rel=0.04)
    result = eis.film_conductivity(blocked(), thickness=THICKNESS, area=AREA, electronic_resistance=stated)
    low, high = result["ionic_resistance"].interval95
    assert low < 1e4 < high
    # d ln R_ion / d ln R_e = -(R / R_e) / (1 - R / R_e) = -1/3 at R / R_e = 1/4
    assert result.budget["ionic_resistance"]["electronic_resistance"] == pytest.approx(1e4 * 0.1 / 3, rel=0.1)
    assert result["ionic_resistance"].relative == pytest.approx(0.1 / 3, rel=0.2)


def test_an_electronic_conductor_gives_a_limit():
    """Where electrons carry all of the current within the uncertainty, an ionic conductivity would be invented."""
    stated = Quantity("electronic_resistance", 7.4, 0.4, "kohm")
    result = eis.film_conductivity(blocked(), thickness=THICKNESS, area=AREA, electronic_resistance=stated)
    limit = result["ionic_conductivity"]
    assert limit.relation == "<"
    # 95 % of a half normal distribution lie below 1.96 standard deviations, here 5.4 % of the conductance of the arc
    assert limit.value == pytest.approx(1e-5 / 5e-3 * 1.96 * 0.054 / 7450, rel=0.1)
    assert any("electronic path carries all" in note for note in result.notes)


def test_blocking_electrodes_do_not_invent_leakage():
    """A spectrum that rises to low frequency is that of a blocking electrode, whatever leaves a bit of room."""
    result = eis.film_conductivity(
        mixed_conductor(1e4, 1e12, seed=4, lowest=0.1), thickness=THICKNESS, area=AREA, electrodes="blocking"
    )
    assert "electronic_resistance" not in result
    assert result["ionic_resistance"].value == pytest.approx(1e4, rel=0.02)


def test_an_electronic_resistance_must_be_one():
    """A current or a zero in its place is a slip of the pen."""
    with pytest.raises(UnitError, match="ohm"):
        eis.film_conductivity(
            blocked(), thickness=THICKNESS, area=AREA, electronic_resistance=Quantity("current", 1.0, None, "A")
        )
    with pytest.raises(ValueError, match="above 0"):
        eis.film_conductivity(
            blocked(), thickness=THICKNESS, area=AREA, electronic_resistance=Quantity("resistance", 0.0, None, "ohm")
        )
