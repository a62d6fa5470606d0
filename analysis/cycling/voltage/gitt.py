"""Galvanostatic intermittent titration: diffusion coefficient, resistance and open-circuit voltage pulse by pulse.

Pulses are those of `interlayer.analysis.cycling.voltage.pulses`, the ends of rests those of ``relaxation`` and the
diffusivity of each pulse, with what makes it invalid, that of ``titration``. The diffusion length is common to all
pulses: its uncertainty shifts them together and is kept apart from what differs from pulse to pulse.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Relation, Result
from ...statistics import ONE_SIDED_95, coverage_factor, positive_interval
from ..record.charge import record_of
from .curvature import with_curvature
from .pulses import FEWEST_PULSES, pulses_of
from .relaxation import digits_of
from .titration import Shape, Titration, titration
from .titration_curves import titration_curves

FIRST_RECORD = 0.1
"""Time in s after the onset up to which the first record's jump is taken for the ohmic drop; later it is a limit."""

_OHMIC_SHOWS = 3.0  # standard uncertainties of a jump
_MEAN = "diffusion_coefficient_mean"


def gitt(
    ds: xr.Dataset, *, diffusion_length: Quantity, shape: Shape = "plate", settling: Quantity | None = None
) -> Result:
    r"""Chemical diffusion coefficient from a galvanostatic intermittent titration, pulse by pulse.

    .. math:: D = \frac{4}{\pi \tau} \left( L \frac{\Delta E_s}{\Delta E_t} \right)^2, \qquad
              \Delta E_t = \sqrt\tau \, \frac{dE}{d\sqrt t}

    with the step :math:`\Delta E_s` of the open-circuit voltage between the rests about a pulse of the length
    :math:`\tau` and the slope of the voltage against the root of time, into which the ohmic drop does not enter. The
    slope is that within 0.15 L2/D, where it is exact for a plate with one blocked side, and for a sphere with the
    curvature of its surface.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary with three or more pulses of one direction and current between rests.
    diffusion_length : Quantity
        Volume of the active material over its contact area with the electrolyte, a length: the thickness of a dense
        film, a third of the radius of spheres. Its relative uncertainty enters twice, for all pulses alike.
    shape : {"plate", "sphere"}
        Of the active material. At a sphere the voltage rises faster than with the root of time from the start; taken
        for plates, spheres come out low by up to a third.
    settling : Quantity, optional
        Time after the onset of a pulse at which charge transfer and double layer have settled and the fit begins. Left
        out, a fiftieth of the pulse.

    Returns
    -------
    Result
        ``diffusion_coefficient`` (cm2 s-1), that of the pulse in the middle of the valid ones by size, with its own
        uncertainty: states of charge may differ by decades and are not averaged. ``diffusion_coefficient_lowest`` and
        ``diffusion_coefficient_highest`` of the valid pulses; ``diffusion_coefficient_mean``, the geometric mean, in
        which what differs from pulse to pulse averages and the length does not; ``diffusion_coefficient_spread`` (1),
        the standard deviation of its decimal logarithm over the pulses, which is no uncertainty. Where no pulse is
        valid, the median of the bounds with relation ``">"`` or ``"<"``, if all are of one side.

        ``ohmic_resistance`` (ohm), the median of the jumps to the first record over the current, with relation ``"<"``
        where that record comes later than 0.1 s and so holds more than the ohmic drop; ``transfer_resistance`` (ohm),
        the median of what the line leaves at the onset: ohmic and charge transfer.

        ``budget`` holds the sources by name; ``diffusion_length`` is the one that pulses share. ``curves`` has, by
        ``pulse``, ``charge`` (A h, net, at its middle), ``open_circuit_voltage`` (V, after it) and
        ``open_circuit_voltage_before``, ``ohmic_resistance``, ``first_record`` (s after the onset),
        ``transfer_resistance``, ``voltage_step`` and ``voltage_transient`` (V, signed), ``linearity`` (R2),
        ``fit_start``, ``fit_end`` (s), ``diffusion_time_part`` (end of the fit over L2/D), ``relaxation_rate`` (V h-1
        at the end of the rest), ``relaxed``, ``diffusion_coefficient`` with ``_stderr`` (all sources),
        ``_stderr_random`` (without the length), ``_low`` and ``_high`` (95 %), ``relation``, ``valid`` and ``reason``.

    Raises
    ------
    NotAnalysable
        If the record holds no titration; the message says what it holds.
    UnitError
        If the length or time bears another dimension.
    ValueError
        If the length is not above 0, or the shape unknown.

    Notes
    -----
    A pulse is not valid, and its diffusion coefficient NaN with a reason, where a rest is missing or changes by more
    than 5 % of the step in its last quarter, where the voltage moves against the current or is not linear in the root
    of time, where the step differs by half from one beside it, and where the pulse is too long for the length. On a
    plateau of two phases the step vanishes and the result is an upper limit: a diffusion coefficient means little.

    References
    ----------
    .. [1] Weppner, Huggins, J. Electrochem. Soc. 124 (1977) 1569. https://doi.org/10.1149/1.2133112
    .. [2] Nickol et al., J. Electrochem. Soc. 167 (2020) 090546. https://doi.org/10.1149/1945-7111/ab9404
    """
    length = diffusion_length.to("cm")
    if length.value <= 0:
        raise ValueError(f"found {diffusion_length}; expected a value above 0")
    if shape not in get_args(Shape):
        raise ValueError(f"found the shape {shape!r}; expected one of {get_args(Shape)}")
    record = record_of(ds)
    pulses = pulses_of(record, ds)
    digits = digits_of(record, [pulses[0].before, *(pulse.after for pulse in pulses)])
    start = None if settling is None else settling.to("s").value
    found = with_curvature([titration(record, pulse, digits, start, shape) for pulse in pulses])
    valid = [entry for entry in found if not entry.reason]
    quantities, budget = _diffusion(found, length)
    resistances = list(_resistances(found))
    if not quantities and not resistances:
        raise NotAnalysable(f"none of {len(found)} pulses can be analysed: {'; '.join(_reasons(found))}")
    return Result(
        method=f"galvanostatic intermittent titration, slope against the root of time, {shape} (Weppner and Huggins)",
        quantities=(*quantities, *resistances),
        diagnostics={
            "n_pulses": float(len(found)),
            "n_valid_pulses": float(len(valid)),
            "n_relaxed_pulses": float(sum(entry.is_relaxed for entry in found)),
            "voltage_noise": digits.noise,
            "voltage_digit": digits.step,
        },
        budget=budget,
        notes=tuple(_notes(found, diffusion_length, has_value=bool(quantities))),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=titration_curves(found, length),
    )


def _diffusion(found: list[Titration], length: Quantity) -> tuple[list[Quantity], dict[str, dict[str, float]]]:
    """Return the quantities that speak of diffusion, and the budget of those that have one."""
    valid = sorted((entry for entry in found if not entry.reason), key=lambda entry: entry.rate)
    if not valid:
        return _bound(found, length), {}
    quantities, budget = [], {}
    for suffix, entry in (("", valid[(len(valid) - 1) // 2]), ("_lowest", valid[0]), ("_highest", valid[-1])):
        quantity = entry.diffusion_coefficient(length)
        quantities.append(replace(quantity, name=f"{quantity.name}{suffix}"))
        shares = {**entry.relative, "diffusion_length": 2.0 * length.relative}
        budget[quantities[-1].name] = {source: quantity.value * share for source, share in shares.items()}
    return quantities + _mean(valid, length, budget), budget


def _mean(valid: list[Titration], length: Quantity, budget: dict[str, dict[str, float]]) -> list[Quantity]:
    """Return geometric mean and spread of the valid pulses; the mean's share of the budget is added."""
    if len(valid) < FEWEST_PULSES:
        return []
    logarithm = np.log([entry.rate for entry in valid])
    value = math.exp(float(logarithm.mean())) * length.value**2
    random = math.hypot(*(entry.random for entry in valid)) / len(valid)
    relative = math.hypot(random, 2.0 * length.relative)
    interval = positive_interval(value, relative, coverage_factor(math.inf))
    budget[_MEAN] = {"pulses": value * random, "diffusion_length": 2.0 * value * length.relative}
    spread = float(logarithm.std(ddof=1)) / math.log(10.0)
    return [
        Quantity(_MEAN, value, value * relative, "cm2 s-1", interval, kind="derived"),
        Quantity("diffusion_coefficient_spread", spread, None, "1", kind="measured"),
    ]


def _bound(found: list[Titration], length: Quantity) -> list[Quantity]:
    """Return the median of the bounds, which bounds the median, where all bounds are of one side; else nothing."""
    lowest = [entry.lowest for entry in found if entry.relation == ">"]
    highest = [entry.highest for entry in found if entry.relation == "<"]
    if bool(lowest) == bool(highest):
        return []
    relation: Relation = ">" if lowest else "<"
    size = length.value**2 * math.exp((-1.0 if lowest else 1.0) * ONE_SIDED_95 * 2.0 * length.relative)
    value = float(np.median(lowest or highest)) * size
    return [Quantity("diffusion_coefficient", value, None, "cm2 s-1", relation=relation, kind="derived")]


def _resistances(found: list[Titration]) -> Iterator[Quantity]:
    jumps = sorted((entry for entry in found if math.isfinite(entry.jump_resistance)), key=lambda e: e.jump_resistance)
    if jumps:
        middle = jumps[(len(jumps) - 1) // 2]
        value, stderr = middle.jump_resistance, middle.jump_stderr
        if max(entry.jump_after for entry in jumps) <= FIRST_RECORD and value > _OHMIC_SHOWS * stderr:
            yield Quantity("ohmic_resistance", value, stderr, "ohm", kind="derived")
        else:
            limit = max(value, 0.0) + ONE_SIDED_95 * stderr
            yield Quantity("ohmic_resistance", limit, None, "ohm", relation="<", kind="derived")
    lines = sorted(pair for entry in found if math.isfinite((pair := entry.transfer_resistance)[0]))
    if lines:
        value, stderr = lines[(len(lines) - 1) // 2]
        yield Quantity("transfer_resistance", value, stderr, "ohm", kind="derived")


def _reasons(found: list[Titration]) -> Iterator[str]:
    """Yield why pulses are not valid, the most frequent first."""
    kinds = Counter(entry.reason.split(":")[0] for entry in found if entry.reason)
    for reason, count in kinds.most_common():
        yield f"{count} of {len(found)} pulses: {reason}"


def _notes(found: list[Titration], length: Quantity, *, has_value: bool) -> Iterator[str]:
    yield from _reasons(found)
    if not has_value:
        yield "no pulse gives a diffusion coefficient"
    jumps = [entry.jump_after for entry in found if math.isfinite(entry.jump_after)]
    if jumps:
        late = "" if max(jumps) <= FIRST_RECORD else "; the ohmic resistance is an upper limit"
        yield f"the first record of a pulse comes up to {max(jumps):.3g} s after its onset{late}"
    if length.stderr is None:
        yield "the diffusion_length is stated without uncertainty"
