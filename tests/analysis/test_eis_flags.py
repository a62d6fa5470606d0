"""Flags of impedance points: found by the test or set by hand, told by fits, kept in files, nothing deleted."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.analysis.eis import film_conductivity, flag_points, linear_kramers_kronig, mask_points
from interlayer.analysis.eis.spectrum import usable
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Quantity
from interlayer.parsers import schema

FREQUENCY = np.logspace(6, -1, 71)
S = 2j * np.pi * FREQUENCY
FILM = 20 + 5e3 / (1 + (S * 1e-5) ** 0.95) + 1 / (2e-6 * S**0.9)
MAINS, OUTLIER, RANGE_SWITCH, INDUCTIVE, USER = 1, 2, 4, 8, 16  # bits in the order of the vocabulary


def noisy(impedance: np.ndarray, seed: int, noise: float = 0.002) -> np.ndarray:
    random = np.random.default_rng(seed)
    return impedance * (1 + noise * (random.standard_normal(S.size) + 1j * random.standard_normal(S.size)))


def dataset(impedance: np.ndarray) -> xr.Dataset:
    return schema.build("eis", {"frequency": FREQUENCY, "impedance": impedance})


def disturbed(seed: int = 3) -> np.ndarray:
    """Return a film with a point at the mains and one elsewhere that are off."""
    impedance = noisy(FILM, seed)
    impedance[43] *= 1.04  # 50 Hz
    impedance[12] *= 0.95  # 63 kHz
    return impedance


def test_each_disturbance_bears_its_own_flag_and_nothing_else_does():
    """Who sees a flag must know what to mend: the shielding, or nothing."""
    ds = dataset(disturbed())
    flagged = flag_points(ds)
    expected = np.zeros(S.size, dtype=np.uint8)
    expected[43], expected[12] = MAINS, OUTLIER
    np.testing.assert_array_equal(flagged["impedance_flag"], expected)
    xr.testing.assert_identical(
        flagged["impedance"].variable._replace(attrs={}), ds["impedance"].variable._replace(attrs={})
    )
    assert "impedance_flag" not in ds


def test_flags_follow_the_cf_conventions():
    """Other programs read the meaning from the attributes, so masks and meanings must go together."""
    flagged = flag_points(dataset(disturbed()))
    attrs = flagged["impedance_flag"].attrs
    meanings = attrs["flag_meanings"].split()
    assert meanings == ["mains", "outlier", "range_switch", "inductive", "user"]
    assert attrs["flag_masks"].tolist() == [MAINS, OUTLIER, RANGE_SWITCH, INDUCTIVE, USER]
    assert attrs["flag_masks"].dtype == flagged["impedance_flag"].dtype == np.uint8
    assert "impedance_flag" in flagged["impedance"].attrs["ancillary_variables"].split()
    schema.check(flagged)


def test_the_link_to_uncertainties_stays():
    """A flag must not cut the tie between a value and its uncertainty."""
    impedance = disturbed()
    values = {"frequency": FREQUENCY, "impedance": impedance, "impedance_stderr": 0.002 * np.abs(impedance)}
    flagged = flag_points(schema.build("eis", values))
    assert flagged["impedance"].attrs["ancillary_variables"].split() == ["impedance_stderr", "impedance_flag"]
    spectrum = usable(flagged)
    assert spectrum.stderr.shape == spectrum.frequency.shape
    np.testing.assert_allclose(spectrum.stderr, 0.002 * np.abs(spectrum.impedance))


@pytest.mark.parametrize("ascending", [False, True])
def test_fits_leave_flagged_points_out_and_say_which(ascending):
    """A result without a point must say so, or nobody can repeat it; files may run from low frequency to high."""
    ds = dataset(disturbed()).isel(frequency=slice(None, None, -1 if ascending else 1))
    spectrum = usable(flag_points(ds))
    assert spectrum.frequency.size == S.size - 2
    assert not np.any(np.isclose(spectrum.frequency, FREQUENCY[43]))
    assert spectrum.n_masked == 2
    assert spectrum.notes == (
        "1 point is flagged mains and left out: 50.12 Hz",
        "1 point is flagged outlier and left out: 6.31e+04 Hz",
    )


def test_flagged_points_do_not_spoil_the_conductivity():
    """Three points at low frequency that are 30 % off pull the arc; masked, the true 5 kohm comes back.

    sigma = d / (R A) = 100 nm / (5 kohm * 1e-2 cm2) = 2e-7 S cm-1.
    """
    impedance = noisy(FILM, 0, 0.001)
    impedance[25:32] *= np.linspace(0.7, 1.3, 7)
    geometry = {"thickness": Quantity("thickness", 100.0, 1.0, "nm"), "area": Quantity("area", 1e-2, 1e-5, "cm2")}
    masked = mask_points(dataset(impedance), (FREQUENCY[31], FREQUENCY[25]), "the cell was touched")
    result = film_conductivity(masked, **geometry)
    assert result["ionic_conductivity"].value == pytest.approx(2e-7, rel=0.01)
    assert any("7 points are flagged user (the cell was touched)" in note for note in result.notes)
    assert abs(film_conductivity(dataset(impedance), **geometry)["ionic_conductivity"].value / 2e-7 - 1) > 0.02


def test_flags_survive_a_file(tmp_path):
    """What was left out today must be left out when the file is opened next year."""
    flagged = mask_points(flag_points(dataset(disturbed())), (0.0, 0.2), "drift at the end")
    path = il.save(flagged, tmp_path / "film.nc")
    with xr.open_dataset(path, engine="h5netcdf") as stored:
        back = stored.load()
    schema.check(back)
    np.testing.assert_array_equal(back["impedance_flag"], flagged["impedance_flag"])
    assert back["impedance_flag"].dtype == np.uint8
    assert usable(back).notes == usable(flagged).notes
    assert usable(back).notes[-1].startswith("4 points are flagged user (drift at the end)")
    again = mask_points(back, (5e5, 2e6), "inductive")
    assert again["impedance_flag"].values[0] == INDUCTIVE
    assert again["impedance_flag"].values[43] == MAINS


def test_sweeps_are_judged_one_by_one():
    """The spike of one temperature says nothing of the next; a sweep of NaN must not stop the others."""
    sweeps = np.array([noisy(FILM, 1), disturbed(), np.full(S.size, np.nan)])
    ds = schema.build("eis", {"frequency": FREQUENCY, "sweep": [0, 1, 2], "impedance": sweeps})
    flags = flag_points(ds)["impedance_flag"]
    assert flags.dims == ("sweep", "frequency")
    assert flags.sum("frequency").values.tolist() == [0, MAINS + OUTLIER, 0]
    one = flag_points(ds.isel(sweep=1))
    np.testing.assert_array_equal(one["impedance_flag"], flags[1])


def test_points_of_sweeps_are_masked_by_range_by_frequency_or_one_by_one():
    """The user's own mask is a range, the same points of all sweeps, or any points."""
    ds = schema.build("eis", {"frequency": FREQUENCY, "sweep": [0, 1], "impedance": np.array([FILM, FILM])})
    by_range = mask_points(ds, (1e5, 1e6), "user")["impedance_flag"].values
    assert (by_range == USER).sum() == 22
    slowest = FREQUENCY < 0.15
    for where in (slowest, xr.DataArray(slowest, dims="frequency"), ds["frequency"] < 0.15):
        np.testing.assert_array_equal(
            mask_points(ds, where, "user")["impedance_flag"], [slowest * USER, slowest * USER]
        )
    each = np.zeros((2, S.size), dtype=bool)
    each[1, 5] = True
    np.testing.assert_array_equal(mask_points(ds, each, "outlier")["impedance_flag"], each * OUTLIER)


def test_masks_add_up_and_flagging_again_keeps_them():
    """A second look must not undo the first."""
    ds = mask_points(dataset(disturbed()), (0.0, 0.11), "bubble")
    ds = mask_points(ds, ds["impedance"].imag > 0, "inductive")
    twice = flag_points(flag_points(ds))
    flags = twice["impedance_flag"].values
    assert (flags[-1], flags[43], flags[12]) == (USER, MAINS, OUTLIER)
    assert twice["impedance_flag"].attrs["comment"] == "bubble"
    both = mask_points(twice, (FREQUENCY[43], FREQUENCY[43]), "hum of the pump")
    assert both["impedance_flag"].values[43] == MAINS | USER
    assert both["impedance_flag"].attrs["comment"] == "bubble; hum of the pump"


@pytest.mark.parametrize(
    ("where", "reason", "message"),
    [
        ((1e8, 1e9), "user", "no frequency lies from 1e.08 to 1e.09 Hz; the spectrum reaches from 0.1 to 1e.06 Hz"),
        (np.zeros(5, dtype=bool), "user", r"shape \(5,\); expected \(71,\)"),
        (np.arange(71), "user", "holds int64; expected booleans"),
        (np.ones(71, dtype=bool), "  ", "the reason is empty"),
    ],
)
def test_a_mask_that_cannot_be_meant_is_refused(where, reason, message):
    """Integers taken for booleans would mask everything but the first point."""
    with pytest.raises(ValueError, match=message):
        mask_points(dataset(FILM), where, reason)


def test_too_few_points_left_are_refused_with_the_reason():
    """An empty fit must name the mask, not the file."""
    ds = mask_points(dataset(FILM), (0.0, 5e5), "user")
    with pytest.raises(NotAnalysable, match=r"4 usable points are too few .*67 points are flagged user"):
        usable(ds)


def test_joined_sweeps_of_which_one_has_no_flags_keep_those_of_the_other():
    """xarray fills what is missing with NaN; that is no flag."""
    flagged, plain = flag_points(dataset(disturbed())), dataset(FILM)
    joined = xr.concat([flagged, plain], dim="sweep", join="outer", data_vars="all", coords="minimal")
    assert usable(joined.isel(sweep=0)).n_masked == 2
    assert usable(joined.isel(sweep=1)).n_masked == 0


@pytest.mark.parametrize("noise", [0.0005, 0.001])
def test_a_step_between_ranges_is_found_where_it_is(noise):
    """Below 10 Hz another range of the current, 1 % off: both neighbours are flagged, size and place are told.

    In 30 of 30 noisy spectra within one point; without a step in none.
    """
    step = np.where(FREQUENCY < 9.0, 1.01, 1.0)  # between points 50 and 51
    for seed in range(30):
        flagged = flag_points(dataset(noisy(FILM * step, seed, noise)))
        places = np.flatnonzero(flagged["impedance_flag"].values & RANGE_SWITCH)
        assert places.size == 2
        assert set(places) <= {49, 50, 51, 52}
        assert not np.any(flag_points(dataset(noisy(FILM, seed, noise)))["impedance_flag"].values & RANGE_SWITCH)
    result = linear_kramers_kronig(dataset(noisy(FILM * step, 0, noise)))
    (size,) = (note.split()[4] for note in result.notes if note.endswith("cannot be told from the spectrum"))
    assert float(size) == pytest.approx(1.0, abs=0.1)
    assert any("between 10 and 7.943 Hz" in note for note in result.notes)
    assert result["relative_noise"].value == pytest.approx(noise, rel=0.25)
    large = linear_kramers_kronig(dataset(noisy(FILM * step**2, 0, noise)))
    assert large.notes[0].endswith("the impedance steps from one point to the next")


def test_the_mains_of_a_real_spectrum_are_flagged(corpus):
    """Laboratories on 60 Hz: the point at 59.8 Hz of this battery spectrum is 7 % off, its neighbours 0.3 %."""
    ds = il.read_tree(corpus / "eis/PyEIS/ex1.mpt")["loop_0"].to_dataset()
    flags = flag_points(ds)["impedance_flag"]
    assert int(flags.sel(frequency=59.79, method="nearest")) == MAINS
    assert int((flags != 0).sum()) <= 6
