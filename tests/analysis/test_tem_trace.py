"""Tracing and sampling in physical units."""

from __future__ import annotations

import numpy as np
import pytest

from interlayer.analysis.tem.profiles import median_profile, sample_band
from interlayer.analysis.tem.trace import smooth_interface, trace_edge


def disc(radius, pixel_size, shape=(700, 520)):
    """Return a bright disc off the centre of the image and its centre in nm."""
    centre = (0.45 * shape[0] * pixel_size[0], 0.55 * shape[1] * pixel_size[1])
    y, x = np.meshgrid(*(np.arange(n) * side for n, side in zip(shape, pixel_size, strict=True)), indexing="ij")
    return 1.0 / (1.0 + np.exp(np.hypot(y - centre[0], x - centre[1]) - radius)), centre


@pytest.mark.parametrize("pixel_size", [(0.2, 0.2), (0.3, 0.2)])
def test_circle_is_traced_in_nm(pixel_size):
    """Binning moves the origin by half a pixel and anisotropic pixels bend normals; both are seen on a circle."""
    image, centre = disc(35.0, pixel_size)
    interface = smooth_interface(trace_edge(image, pixel_size), 8.0, 0.2)
    offset = interface.position - np.asarray(centre)
    radius = np.hypot(*offset.T)
    np.testing.assert_allclose(offset.mean(axis=0), 0.0, atol=0.04)
    assert radius.mean() == pytest.approx(35.0, abs=0.1)
    assert radius.std() < 0.05
    inward = -(interface.normal * offset).sum(axis=1) / radius
    assert inward.min() > 0.999
    assert interface.length == pytest.approx(2 * np.pi * 35.0, rel=0.01)
    assert interface.radius == pytest.approx(35.0, rel=0.05)


def test_profile_along_the_normal_keeps_the_scale():
    """A sampler that assumes one pixel a step mis-scaled a 20 px profile by 4 %."""
    pixel_size = (0.3, 0.2)
    image, _ = disc(35.0, pixel_size)
    interface = smooth_interface(trace_edge(image, pixel_size), 8.0, 0.2)
    distance = np.arange(-8.0, 8.0, 0.1)
    profile = median_profile(sample_band(image, pixel_size, interface, distance))
    np.testing.assert_allclose(profile, 1.0 / (1.0 + np.exp(-distance)), atol=0.02)


def test_outside_of_the_image_is_missing():
    """Extended edges or zeros would be read as vacuum."""
    image, _ = disc(35.0, (0.2, 0.2))
    interface = smooth_interface(trace_edge(image, (0.2, 0.2)), 8.0, 0.2)
    band = sample_band(image, (0.2, 0.2), interface, np.array([-200.0, 0.0]))
    assert np.isnan(band[:, 0]).all()
    assert np.isfinite(band[:, 1]).all()
