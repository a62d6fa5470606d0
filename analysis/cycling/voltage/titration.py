r"""Diffusivity from one pulse: the step of the open-circuit voltage against the course with the root of time.

With the diffusion length L, volume of the host over its contact area, a pulse of the length :math:`\tau` gives

.. math:: D = \frac{4}{\pi} \left( \frac{L \, \Delta E_s / \tau}{dE/d\sqrt t} \right)^2
            = \frac{4}{\pi \tau} \left( L \frac{\Delta E_s}{\Delta E_t} \right)^2

where :math:`\Delta E_s` is the step of the open-circuit voltage and :math:`\Delta E_t = \sqrt\tau \, dE/d\sqrt t`. The
slope is that of a line over the part of the pulse in which diffusion has not come to the far side, so that
:math:`D t / L^2` stays below `LONGEST`; what is ohmic or has settled before does not enter it.

At the surface of a sphere of the radius :math:`R = 3 L` the root of time gets the factor
:math:`1 + \sqrt\pi \, y / 2 + 2 y^2 / 3` with :math:`y^2 = D t / R^2`, the beginning of
:math:`\sqrt\pi \, (e^{y^2} \mathrm{erfc}(-y) - 1) / (2 y)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ...quantity import Quantity
from ...statistics import ONE_SIDED_95, coverage_factor, effective_degrees_of_freedom, positive_interval
from ..record.charge import Floats, Record
from .pulses import Pulse
from .relaxation import Digits, Rest, rest_of

LONGEST = 0.15
"""Largest time of the fit over L2/D: in a plate the far side changes the slope by less than 0.2 % until then."""

SETTLING = 0.02
"""Part of a pulse that is left to charge transfer and double layer if no time is stated."""

STRAIGHT = 0.02
"""Part of the variance of the voltage that neither the root of time nor noise explains in a pulse that still counts."""

RESOLVED = 5.0
"""Standard uncertainties that step and slope have to exceed; below that there is only a limit."""

FEWEST_RECORDS = 6
"""Of the fit."""

Shape = Literal["plate", "sphere"]

_BENT = 3.0  # standard uncertainties by which the slopes of both halves have to differ
_ATTEMPTS = 40  # to find the window
_SAME_RATE = 1e-3  # relative, of the rate of a sphere from attempt to attempt
_SHORTEST = 4.0  # end of the window over its start


@dataclass(frozen=True)
class Line:
    """Voltage in the direction of the current against the root of time.

    Parameters
    ----------
    intercept, intercept_stderr : float
        At the onset, V.
    slope, slope_stderr : float
        V s-1/2, from the scatter about the line.
    onset_stderr : float
        Standard uncertainty of the slope from the time of the onset, V s-1/2.
    linearity : float
        Coefficient of determination R2.
    unexplained : float
        Part of the variance that is neither line nor noise.
    bend : float
        Part by which the slopes of its halves differ; 0 where noise explains it.
    records : int
        In the window.
    start, end : float
        Of the window, s after the onset.
    """

    intercept: float
    intercept_stderr: float
    slope: float
    slope_stderr: float
    onset_stderr: float
    linearity: float
    unexplained: float
    bend: float
    records: int
    start: float
    end: float


@dataclass(frozen=True)
class Titration:
    """What one pulse says. Voltages count in the direction of the current.

    Parameters
    ----------
    pulse : Pulse
        Its records.
    before, after : Rest or None
        Ends of the rests, None where too short.
    jump_after, jump_resistance, jump_stderr : float
        First record with the current set: its time after the onset, s; its voltage less that of the rest before, over
        its current, and the standard uncertainty of this, with what diffusion adds until then, ohm. NaN if there is
        none.
    step, step_stderr : float
        Of the open-circuit voltage, V; NaN without rests.
    line : Line or None
        None where too few records lie in the window.
    rate : float
        Diffusivity over the square of the length, s-1; NaN if it is unknown or only bounded.
    lowest, highest : float
        Bounds of `rate` with 95 % confidence where only one is known, else NaN.
    relative : mapping of str to float
        Relative standard uncertainty of `rate` by source.
    reason : str
        Why the rate is unknown or only bounded, "" where it is known.
    """

    pulse: Pulse
    before: Rest | None
    after: Rest | None
    jump_after: float
    jump_resistance: float
    jump_stderr: float
    step: float = math.nan
    step_stderr: float = math.nan
    line: Line | None = None
    rate: float = math.nan
    lowest: float = math.nan
    highest: float = math.nan
    relative: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""

    @property
    def relation(self) -> str:
        """``"="`` for a value, ``">"`` or ``"<"`` for a limit, ``""`` where nothing is known."""
        if not self.reason:
            return "="
        return ">" if math.isfinite(self.lowest) else "<" if math.isfinite(self.highest) else ""

    @property
    def random(self) -> float:
        """Relative standard uncertainty of the rate."""
        return math.hypot(*self.relative.values())

    @property
    def is_relaxed(self) -> bool:
        """Whether both rests are."""
        return all(rest is not None and rest.is_relaxed(self.step) for rest in (self.before, self.after))

    @property
    def transfer_resistance(self) -> tuple[float, float]:
        """What the line leaves at the onset over the current and its standard uncertainty, ohm; NaN without a line."""
        if self.line is None or self.before is None or self.line.unexplained > STRAIGHT:
            return math.nan, math.nan
        before = math.copysign(1.0, self.pulse.current) * self.before.voltage
        stderr = math.hypot(self.line.intercept_stderr, self.before.stderr)
        current = abs(self.pulse.current)
        return (self.line.intercept - before) / current, stderr / current

    def diffusion_coefficient(self, length: Quantity) -> Quantity:
        """Return the diffusion coefficient in cm2 s-1 of a pulse whose rate is known, with its 95 % interval.

        Parameters
        ----------
        length : Quantity
            Diffusion length.
        """
        assert self.line is not None
        value = self.rate * length.to("cm").value ** 2
        line = self.relative["slope"], float(self.line.records - 2)
        others = [size for source, size in self.relative.items() if source != "slope"]
        known = math.hypot(*others, 2.0 * length.relative)
        factor = coverage_factor(effective_degrees_of_freedom([line, (known, math.inf)]))
        relative = math.hypot(line[0], known)
        interval = positive_interval(value, relative, factor)
        return Quantity("diffusion_coefficient", value, value * relative, "cm2 s-1", interval, kind="derived")


def titration(record: Record, pulse: Pulse, digits: Digits, settling: float | None, shape: Shape) -> Titration:
    """Return what one pulse says.

    Parameters
    ----------
    record, pulse
        Of which it is.
    digits : Digits
        Of the voltage.
    settling : float or None
        Time after the onset at which the fit begins, s; `SETTLING` of the pulse if None.
    shape : {"plate", "sphere"}
        Of the active material.
    """
    before, after = (rest_of(record, rows, digits) for rows in (pulse.before, pulse.after))
    found = Titration(pulse, before, after, *_jump(record, pulse, before, digits))
    if before is None or after is None:
        return replace(found, reason="the rest before or after it holds fewer than three records")
    step = math.copysign(1.0, pulse.current) * (after.voltage - before.voltage)
    found = replace(found, step=step, step_stderr=math.hypot(before.stderr, after.stderr))
    start = SETTLING * pulse.duration if settling is None else settling
    found = _with_diffusion_in_jump(replace(found, line=_line(record, pulse, digits, start, pulse.duration)))
    if step < -RESOLVED * found.step_stderr:
        return replace(found, reason="the open-circuit voltage moves against the current")
    for name, rest in (("before", before), ("after", after)):
        if not rest.is_relaxed(step):
            return replace(found, reason=f"the rest {name} it is not relaxed: {1e3 * rest.rate:.2g} mV h-1 at its end")
    return _with_rate(record, found, digits, start, shape)


def _jump(record: Record, pulse: Pulse, before: Rest | None, digits: Digits) -> tuple[float, float, float]:
    later = pulse.rows[record.time[pulse.rows] > pulse.onset]
    if before is None or later.size == 0:
        return math.nan, math.nan, math.nan
    first = int(later[0])
    current = float(record.current[first])
    jump, stderr = float(record.voltage[first]) - before.voltage, math.hypot(before.stderr, digits.mean_stderr(1))
    return float(record.time[first]) - pulse.onset, jump / current, stderr / abs(current)


def _with_diffusion_in_jump(found: Titration) -> Titration:
    if found.line is None or not math.isfinite(found.jump_after):
        return found
    added = found.line.slope * math.sqrt(found.jump_after) / abs(found.pulse.current) / math.sqrt(3.0)
    return replace(found, jump_stderr=math.hypot(found.jump_stderr, added))


def _line(
    record: Record, pulse: Pulse, digits: Digits, start: float, end: float, radial_rate: float = 0.0
) -> Line | None:
    """Return the line within a time; `radial_rate` is D/R2 of a sphere in s-1, 0 for a plate."""
    elapsed = record.time[pulse.rows] - pulse.onset
    inside = (elapsed >= start) & (elapsed <= end)
    if np.count_nonzero(inside) < FEWEST_RECORDS or end < _SHORTEST * start:
        return None
    elapsed = elapsed[inside]
    voltage = math.copysign(1.0, pulse.current) * record.voltage[pulse.rows[inside]]
    root = _root(elapsed, radial_rate)
    n = root.size
    intercept, slope, squares = _least_squares(root, voltage)
    scatter = math.sqrt(squares / (n - 2))
    spread = float(np.sum((root - root.mean()) ** 2))
    total = float(np.sum((voltage - voltage.mean()) ** 2))
    noise = max(digits.noise, digits.step / math.sqrt(12.0))
    usual = n * noise**2 * (1.0 + 3.0 * math.sqrt(2.0 / n))
    late = _least_squares(_root(elapsed + pulse.onset_width, radial_rate), voltage)[1]
    return Line(
        intercept=intercept,
        intercept_stderr=scatter * math.sqrt(1.0 / n + root.mean() ** 2 / spread),
        slope=slope,
        slope_stderr=scatter / math.sqrt(spread),
        onset_stderr=abs(late - slope) / math.sqrt(12.0),
        linearity=1.0 - squares / total if total > 0 else 0.0,
        unexplained=max(0.0, squares - usual) / total if total > 0 else 0.0,
        bend=_bend(root, voltage, slope, scatter),
        records=n,
        start=start,
        end=end,
    )


def _root(elapsed: Floats, radial_rate: float) -> Floats:
    """Return the root of time with what the curvature of a sphere adds."""
    y = np.sqrt(radial_rate * elapsed)
    return np.asarray(np.sqrt(elapsed) * (1.0 + 0.5 * math.sqrt(math.pi) * y + 2.0 / 3.0 * y**2))


def _least_squares(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Return intercept, slope and sum of the squares of the residuals of a straight line."""
    distance = x - x.mean()
    slope = float(distance @ y / (distance @ distance))
    intercept = float(y.mean() - slope * x.mean())
    return intercept, slope, float(np.sum((y - intercept - slope * x) ** 2))


def _bend(root: Floats, voltage: Floats, slope: float, scatter: float) -> float:
    middle = 0.5 * (root[0] + root[-1])
    halves = [(root[part], voltage[part]) for part in (root <= middle, root > middle)]
    if any(x.size < 3 or np.ptp(x) == 0 for x, _ in halves):
        return 0.0
    early, late = (_least_squares(x, y)[1] for x, y in halves)
    stderr = scatter * math.sqrt(sum(1.0 / float(np.sum((x - x.mean()) ** 2)) for x, _ in halves))
    return abs(late - early) / abs(slope) if abs(late - early) > _BENT * stderr and slope != 0 else 0.0


def _with_rate(record: Record, found: Titration, digits: Digits, start: float, shape: Shape) -> Titration:
    """Return the pulse with its rate, its bound or the reason why there is none."""
    window = _window(record, found, digits, start, shape)
    if window is None:
        reason = (
            f"too few records while the root of time holds: expected {FEWEST_RECORDS} from {start:.3g} s on and before "
            f"{LONGEST} of the time that diffusion takes through the length"
        )
        return replace(found, reason=reason)
    found = replace(found, line=window)
    if window.unexplained > STRAIGHT:
        reason = f"the voltage is not linear in the root of time: R2 = {window.linearity:.3f}, and noise is less"
        return replace(found, reason=reason)
    slope_stderr = math.hypot(window.slope_stderr, window.onset_stderr)
    is_step, is_slope = found.step > RESOLVED * found.step_stderr, window.slope > RESOLVED * slope_stderr
    if is_step and is_slope:
        return replace(found, rate=_rate(found, found.step, window.slope), relative=_relative(found, window))
    if is_step:
        lower, upper = found.step - ONE_SIDED_95 * found.step_stderr, window.slope + ONE_SIDED_95 * slope_stderr
        if upper <= 0:
            return replace(found, reason="the voltage moves against the current within the pulse")
        reason = "the change of the voltage with the root of time is not resolved: a lower limit"
        return replace(found, lowest=_rate(found, lower, upper), reason=reason)
    if is_slope:
        lower, upper = window.slope - ONE_SIDED_95 * slope_stderr, found.step + ONE_SIDED_95 * found.step_stderr
        reason = "the step of the open-circuit voltage is not resolved: an upper limit"
        return replace(found, highest=_rate(found, max(upper, 0.0), lower), reason=reason)
    return replace(found, reason="neither step nor slope of the voltage is resolved")


def _window(record: Record, found: Titration, digits: Digits, start: float, shape: Shape) -> Line | None:
    """Return the line up to the time at which diffusion comes near the far side, by its own slope."""
    end, radial_rate = found.pulse.duration, 0.0
    for _ in range(_ATTEMPTS):
        line = _line(record, found.pulse, digits, start, end, radial_rate)
        if line is None:
            return None
        upper = line.slope + 2.0 * line.slope_stderr
        reach = _rate(found, found.step, upper) * end if upper > 0 else 0.0
        own = _rate(found, found.step, line.slope) / 9.0 if shape == "sphere" and line.slope > 0 else 0.0
        if reach > LONGEST:
            end *= max(0.5, min(0.95, LONGEST / reach))
        elif abs(own - radial_rate) <= _SAME_RATE * own:
            return line
        radial_rate = min(own, LONGEST / 9.0 / end)
    return None


def _rate(found: Titration, step: float, slope: float) -> float:
    return 4.0 / math.pi * (max(step, 0.0) / found.pulse.duration / slope) ** 2


def _relative(found: Titration, line: Line) -> dict[str, float]:
    assert found.before is not None
    assert found.after is not None
    # What both rests still lack alike drops out of their difference.
    drift = abs(found.after.drift - found.before.drift)
    shows = drift > 3.0 * math.hypot(found.after.drift_stderr, found.before.drift_stderr)
    return {
        "slope": 2.0 * line.slope_stderr / line.slope,
        "step": 2.0 * found.step_stderr / found.step,
        "onset": 2.0 * line.onset_stderr / line.slope,
        "curvature": 2.0 * line.bend / math.sqrt(3.0),
        "relaxation": 2.0 * drift / found.step if shows else 0.0,
    }
