"""What the bend of the open-circuit voltage does to a titration.

The step is that over a pulse, but the surface goes r times further within the fit, so that the slope belongs to another
state of charge. With steps that change by a part q from pulse to pulse the ratio of both is off by q (r - 1)/2, and
the diffusion coefficient by twice that.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .titration import Titration

LARGEST_CHANGE = 0.5
"""Part of its step by which that of a pulse may differ from those beside it; beyond, no slope is common to both."""

_REACH = 3  # pulses to either side from which the change of the steps is taken


def with_curvature(found: list[Titration]) -> list[Titration]:
    """Return pulses with the uncertainty from the bend of the open-circuit voltage, invalid where it is too large.

    Parameters
    ----------
    found : list of Titration
        In order of time.
    """
    out = []
    for place, entry in enumerate(found):
        first = max(place - _REACH, 0)
        around = [
            (first + k, other)
            for k, other in enumerate(found[first : place + _REACH + 1])
            if other.pulse.half_cycle == entry.pulse.half_cycle and math.isfinite(other.step)
        ]
        if entry.reason or len(around) < 2:
            out.append(entry)
            continue
        nearest = [other.step for k, other in around if abs(k - place) == 1]
        change = max((abs(step / entry.step - 1.0) for step in nearest), default=0.0)
        if change > LARGEST_CHANGE:
            reason = f"the open-circuit voltage bends within the pulse: the step beside it differs by {change:.0%}"
            out.append(replace(entry, rate=math.nan, relative={}, reason=reason))
        else:
            out.append(_with_bend(entry, [k for k, _ in around], [other.step for _, other in around]))
    return out


def _with_bend(entry: Titration, places: list[int], steps: list[float]) -> Titration:
    assert entry.line is not None
    distance = np.array(places) - np.mean(places)
    change = float(distance @ np.array(steps) / (distance @ distance))
    excursion = entry.line.slope * math.sqrt(entry.line.end) / entry.step
    bend = abs(change / entry.step) * max(excursion - 1.0, 0.0)
    return replace(entry, relative={**entry.relative, "curvature": max(bend, entry.relative["curvature"])})
