"""Figures: equal axes where angles matter, energies the way the field draws them, and the word *simulated*."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import interlayer as il
from interlayer.figures import data_uri
from interlayer.parsers import schema

N = 60
DATASETS = {
    "eis": {"frequency": np.logspace(5, 0, N), "impedance": np.linspace(10, 100, N) * (1 - 0.5j)},
    "cycling": {"test_time": np.arange(N) * 60.0, "voltage": np.linspace(3, 4, N), "current": np.full(N, 1e-5)},
    "xanes": {"energy": np.linspace(2460, 2520, N), "mu": np.linspace(0, 1, N)},
    "xps": {"binding_energy": np.linspace(60, 90, N), "counts": np.arange(N)},
    "image": {"y": np.arange(20.0), "x": np.arange(30.0), "intensity": np.arange(600.0).reshape(20, 30)},
    "eds": {"energy": np.linspace(0, 1e4, N), "counts": np.arange(N)},
    "eels": {"energy": np.linspace(0, 1e3, N), "counts": np.arange(N)},
}


def dataset(technique):
    attrs = {"calibrated": 1} if technique == "image" else {}
    return schema.build(technique, DATASETS[technique], **attrs)


@pytest.mark.parametrize("technique", DATASETS)
def test_every_technique_is_drawn_with_labelled_axes(technique):
    """A figure without units is a picture, not a measurement."""
    figure = il.plot(dataset(technique))
    labels = [label for ax in figure.axes for label in (ax.get_xlabel(), ax.get_ylabel()) if label]
    assert any("(" in label for label in labels)
    assert not any("simulated" in text.get_text() for text in figure.texts)


def test_nyquist_axes_are_equal():
    """A semicircle that looks like an ellipse is misread."""
    assert il.plot(dataset("eis")).axes[0].get_aspect() == 1.0


def test_binding_energy_falls_to_the_right():
    """As every XPS paper draws it."""
    left, right = il.plot(dataset("xps")).axes[0].get_xlim()
    assert left > right


def test_simulated_data_say_so_in_the_figure():
    """A figure is copied out of its report."""
    figure = il.plot(dataset("xanes").assign_attrs(simulated=1))
    assert [text.get_text() for text in figure.texts] == ["simulated"]


def test_result_without_curves_is_refused():
    """An empty figure would look like an empty measurement."""
    with pytest.raises(ValueError, match="no curves"):
        il.plot(il.Result(method="m", quantities=()))
    with pytest.raises(ValueError, match="no curves"):
        il.plot(il.Result(method="m", quantities=(), curves=xr.Dataset({"a": ("b", [1.0])})))


@pytest.mark.parametrize("vector", [True, False])
def test_figures_have_the_same_bytes_every_time(vector):
    """Reports can only be compared if nothing in them changes by itself."""
    assert data_uri(il.plot(dataset("eis")), vector=vector) == data_uri(il.plot(dataset("eis")), vector=vector)
