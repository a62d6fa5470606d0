"""The batched double error function against lmfit, on profiles with known parameters."""

from __future__ import annotations

import lmfit
import numpy as np
import pytest
from scipy.special import erf

from interlayer.analysis.tem.layer.double_erf import PARAMETERS, THICKNESS, X1, double_erf, find_start, fit_profiles

DISTANCE = np.arange(-20.0, 35.0, 0.2)
TRUTH = {"base": 40.0, "step1": -22.0, "step2": -12.0, "x1": 0.5, "thickness": 17.0, "sigma1": 1.0, "sigma2": 1.4}


def layer(u, base, step1, step2, x1, thickness, sigma1, sigma2):
    first = 0.5 * (1 + erf((u - x1) / (sigma1 * np.sqrt(2))))
    second = 0.5 * (1 + erf((u - x1 - thickness) / (sigma2 * np.sqrt(2))))
    return base + step1 * first + step2 * second


def as_row(values):
    return [*list(values.values())[:5], np.log(values["sigma1"]), np.log(values["sigma2"])]


def test_model_is_the_formula():
    """The written formula, evaluated independently."""
    row = np.array([as_row(TRUTH)])
    np.testing.assert_allclose(double_erf(DISTANCE, row)[0], layer(DISTANCE, **TRUTH), rtol=1e-12)


def test_batch_equals_lmfit():
    """Speed must not change numbers: parameters and standard uncertainties of 12 profiles as lmfit gives them."""
    rng = np.random.default_rng(1)
    profiles = layer(DISTANCE, **TRUTH) + rng.normal(0.0, 1.5, (12, len(DISTANCE)))
    start = np.repeat([as_row(TRUTH)], len(profiles), axis=0)
    noise = np.full(len(DISTANCE), 1.5)
    fits = fit_profiles(DISTANCE, profiles, noise, start)
    assert fits.converged.all()
    model = lmfit.Model(layer)
    for k, profile in enumerate(profiles):
        single = model.fit(profile, u=DISTANCE, weights=1 / 1.5, scale_covar=False, **TRUTH)
        for index in (X1, THICKNESS):
            parameter = single.params[PARAMETERS[index]]
            assert fits.parameters[k, index] == pytest.approx(parameter.value, abs=0.02 * parameter.stderr)
            assert fits.stderr(index)[k] == pytest.approx(parameter.stderr, rel=0.03)


def test_missing_samples_are_left_out():
    """NaN at the rim of an image must weigh nothing."""
    profile = layer(DISTANCE, **TRUTH)[None, :].copy()
    profile[:, :20] = np.nan
    start = np.array([as_row(TRUTH | {"thickness": 15.0})])
    fits = fit_profiles(DISTANCE, profile, np.ones(len(DISTANCE)), start)
    assert fits.parameters[0, THICKNESS] == pytest.approx(17.0, abs=1e-3)


@pytest.mark.parametrize("thickness", [3.0, 8.0, 17.0, 25.0])
@pytest.mark.parametrize("levels", [(40.0, 18.0, 6.0), (12.0, 40.0, 8.0), (6.0, 7.0, 40.0)])
def test_start_is_found_without_hints(thickness, levels):
    """A start given by hand is a knob that two operators turn differently."""
    values = {
        "base": levels[0], "step1": levels[1] - levels[0], "step2": levels[2] - levels[1],
        "x1": -5.0, "thickness": thickness, "sigma1": 0.9, "sigma2": 1.1,
    }  # fmt: skip
    noise = np.full(len(DISTANCE), 0.1)
    profile = layer(DISTANCE, **values) + np.random.default_rng(2).normal(0.0, 0.1, len(DISTANCE))
    found = find_start(DISTANCE, profile, noise)
    assert abs(found.parameters[0, THICKNESS] - thickness) < 4 * found.stderr(THICKNESS)[0]
