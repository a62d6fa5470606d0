"""Data, model and residuals of a fit over frequency, for plots."""

from __future__ import annotations

import numpy as np
import xarray as xr

from .fit import CircuitFit


def curves(found: CircuitFit) -> xr.Dataset:
    """Return data, model and relative residuals over frequency, for plots."""
    spectrum = found.spectrum
    model, _ = found.circuit.evaluate(spectrum.omega, found.theta)
    residual = (model - spectrum.impedance) / np.abs(spectrum.impedance)
    axis = ("frequency",)
    return xr.Dataset(
        {
            "impedance": (axis, spectrum.impedance, {"units": "ohm", "long_name": "impedance"}),
            "model": (axis, model, {"units": "ohm", "long_name": str(found.circuit)}),
            "residual_real": (axis, residual.real, {"units": "1", "long_name": "real residual over modulus"}),
            "residual_imaginary": (
                axis,
                residual.imag,
                {"units": "1", "long_name": "imaginary residual over modulus"},
            ),
        },
        coords={"frequency": (axis, spectrum.frequency, {"units": "Hz", "long_name": "frequency"})},
    )
