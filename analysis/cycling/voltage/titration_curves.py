"""Pulses of a titration as variables with the dimension ``pulse``."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import xarray as xr

from ...quantity import Quantity
from .relaxation import Rest
from .titration import Line, Titration


def _sign(entry: Titration) -> float:
    return math.copysign(1.0, entry.pulse.current)


def _of_line(value: Callable[[Line], float]) -> Callable[[Titration], float]:
    return lambda entry: math.nan if entry.line is None else value(entry.line)


def _of_after(value: Callable[[Rest], float]) -> Callable[[Titration], float]:
    return lambda entry: math.nan if entry.after is None else value(entry.after)


def _before(entry: Titration) -> float:
    return math.nan if entry.before is None else entry.before.voltage


def _transient(entry: Titration) -> float:
    return math.nan if entry.line is None else _sign(entry) * entry.line.slope * math.sqrt(entry.pulse.duration)


def _transient_stderr(entry: Titration) -> float:
    if entry.line is None:
        return math.nan
    return math.hypot(entry.line.slope_stderr, entry.line.onset_stderr) * math.sqrt(entry.pulse.duration)


def _reach(entry: Titration) -> float:
    return math.nan if entry.line is None else entry.rate * entry.line.end


# name, unit, long name, value of a pulse
_COLUMNS: tuple[tuple[str, str, str, Callable[[Titration], float]], ...] = (
    ("pulse_start", "s", "onset of the current", lambda e: e.pulse.onset),
    ("pulse_duration", "s", "charge of the pulse over its current", lambda e: e.pulse.duration),
    ("pulse_current", "A", "current", lambda e: e.pulse.current),
    ("charge", "A h", "net charge passed at the middle of the pulse", lambda e: e.pulse.charge),
    ("open_circuit_voltage", "V", "voltage at the end of the rest after", _of_after(lambda rest: rest.voltage)),
    ("open_circuit_voltage_stderr", "V", "uncertainty of it", _of_after(lambda rest: rest.stderr)),
    ("open_circuit_voltage_before", "V", "voltage at the end of the rest before", _before),
    ("relaxation_rate", "V h-1", "slope at the end of the rest after", _of_after(lambda rest: rest.rate)),
    ("voltage_step", "V", "step of the open-circuit voltage", lambda e: _sign(e) * e.step),
    ("voltage_step_stderr", "V", "uncertainty of the step", lambda e: e.step_stderr),
    ("voltage_transient", "V", "change with the root of time over the pulse, without what is ohmic", _transient),
    ("voltage_transient_stderr", "V", "uncertainty of the transient", _transient_stderr),
    ("linearity", "1", "R2 of the voltage against the root of time", _of_line(lambda line: line.linearity)),
    ("fit_start", "s", "start of the fit after the onset", _of_line(lambda line: line.start)),
    ("fit_end", "s", "end of the fit after the onset", _of_line(lambda line: line.end)),
    ("diffusion_time_part", "1", "end of the fit over the square of the length over the diffusion coefficient", _reach),
    ("first_record", "s", "time of the first record after the onset", lambda e: e.jump_after),
    ("ohmic_resistance", "ohm", "jump to the first record over the current", lambda e: e.jump_resistance),
    ("ohmic_resistance_stderr", "ohm", "uncertainty of it", lambda e: e.jump_stderr),
    ("transfer_resistance", "ohm", "ohmic and charge-transfer resistance", lambda e: e.transfer_resistance[0]),
    ("transfer_resistance_stderr", "ohm", "uncertainty of it", lambda e: e.transfer_resistance[1]),
)  # fmt: skip


def titration_curves(found: list[Titration], length: Quantity) -> xr.Dataset:
    """Return pulses as a Dataset.

    Parameters
    ----------
    found : list of Titration
        In order of time.
    length : Quantity
        Diffusion length.
    """
    columns = {name: (unit, text, [value(entry) for entry in found]) for name, unit, text, value in _COLUMNS}
    columns |= _coefficients(found, length)
    variables = {
        name: xr.Variable("pulse", np.array(values, dtype=float), {"units": unit, "long_name": text})
        for name, (unit, text, values) in columns.items()
    }
    labels = {
        "valid": ([not entry.reason for entry in found], "whether the diffusion coefficient is known"),
        "relaxed": ([entry.is_relaxed for entry in found], "whether both rests are relaxed"),
        "relation": ([entry.relation for entry in found], "= for a value, > or < for a limit, empty for neither"),
        "reason": ([entry.reason for entry in found], "why the diffusion coefficient is not known"),
        "half_cycle": ([entry.pulse.half_cycle for entry in found], "half cycle of the pulse"),
    }
    variables |= {
        name: xr.Variable("pulse", np.array(values), {"long_name": text}) for name, (values, text) in labels.items()
    }
    return xr.Dataset(variables, coords={"pulse": np.arange(1, len(found) + 1)})


def _coefficients(found: list[Titration], length: Quantity) -> dict[str, tuple[str, str, list[float]]]:
    size = length.to("cm").value ** 2
    rows = []
    for entry in found:
        if entry.reason:
            rows.append((math.nan, math.nan, math.nan, size * entry.lowest, size * entry.highest))
            continue
        whole = entry.diffusion_coefficient(length)
        assert whole.interval95 is not None
        assert whole.stderr is not None
        rows.append((whole.value, whole.stderr, whole.value * entry.random, *whole.interval95))
    texts = {
        "": "chemical diffusion coefficient",
        "_stderr": "uncertainty of the diffusion coefficient",
        "_stderr_random": "uncertainty of the diffusion coefficient without that of the length, which pulses share",
        "_low": "lower end of the 95 % interval, or lower limit",
        "_high": "upper end of the 95 % interval, or upper limit",
    }
    return {
        f"diffusion_coefficient{suffix}": ("cm2 s-1", text, list(values))
        for (suffix, text), values in zip(texts.items(), zip(*rows, strict=True), strict=True)
    }
