"""Figures of the Kramers-Kronig test and of the distribution of relaxation times."""

from __future__ import annotations

import numpy as np

from interlayer.analysis import eis
from interlayer.parsers import schema
from interlayer.plots import plot

FREQUENCY = np.logspace(5, 0, 51)


def disturbed_spectrum():
    random = np.random.default_rng(3)
    impedance = 10 + 100 / (1 + 2j * np.pi * FREQUENCY * 1e-3)
    impedance = impedance * (1 + 0.002 * (random.standard_normal(51) + 1j * random.standard_normal(51)))
    impedance[20] *= 1.2
    return schema.build("eis", {"frequency": FREQUENCY, "impedance": impedance})


def test_a_suspect_point_is_marked_and_does_not_flatten_the_residuals():
    """One point that is 20 % off must stay in sight while residuals of 0.2 % can still be read."""
    (ax,) = plot(eis.linear_kramers_kronig(disturbed_spectrum())).axes
    assert max(np.abs(ax.get_ylim())) < 2.0
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert all(np.isclose(line.get_xdata(), FREQUENCY[20]).all() for line in crosses)
    assert len(crosses) == 2


def test_the_distribution_is_drawn_with_its_peak():
    """The time constant that the table names is marked on a logarithmic axis."""
    result = eis.distribution_of_relaxation_times(disturbed_spectrum())
    (ax,) = plot(result).axes
    assert ax.get_xscale() == "log"
    marks = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":"]
    assert marks == [result["peak_1_time_constant"].value]
