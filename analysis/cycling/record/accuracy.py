"""How well a cycler measures current and voltage, as far as all half cycles of a record share it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...quantity import Quantity

DEFAULT_GAIN = 6e-4
"""Relative standard uncertainty of the gain of current and voltage: 0.1 % of the reading, rectangular."""

DEFAULT_OFFSET = 3e-4
"""Standard uncertainty of the offset of the current over the largest current, and of the voltage over the largest
voltage: 0.05 % of a range that it fills, rectangular.
"""

GAIN_STABILITY = 1e-4
"""Relative standard uncertainty of the gain of one half cycle about its mean over the test: 20 ppm/K, usual in data
sheets of cyclers, over 5 K. It is all that a perfectly repeated capacity leaves open in a retention.
"""

RATIO_STABILITY = math.sqrt(2.0) * GAIN_STABILITY
"""Relative standard uncertainty of the ratio of two half cycles from the wander of the gain between them."""


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """What is stated of a cycler. Whatever is left out stands for the limits that are usual for cyclers.

    Parameters
    ----------
    current_gain, voltage_gain : float, optional
        Relative standard uncertainties; 0.1 % of the reading, rectangular, if left out.
    current_offset, voltage_offset : Quantity, optional
        Offsets. Their values are subtracted and their uncertainties propagated. Left out, 0 with 0.05 % of the largest
        current or voltage of the record, rectangular.
    of_limits : bool
        Whether the stated uncertainties come from limits between which every error is as probable (rectangular), as
        those of a data sheet do; normally distributed otherwise, as those of a calibration.

    Examples
    --------
    >>> sorted(Accuracy(current_gain=2e-4).rectangular())
    ['current_offset', 'voltage_gain', 'voltage_offset']
    """

    current_gain: float | None = None
    current_offset: Quantity | None = None
    voltage_gain: float | None = None
    voltage_offset: Quantity | None = None
    of_limits: bool = False

    def rectangular(self) -> frozenset[str]:
        """Return the names of the errors of which only limits are known."""
        names = ("current_gain", "current_offset", "voltage_gain", "voltage_offset")
        return frozenset(name for name in names if self.of_limits or getattr(self, name) is None)

    def errors(self, largest_current: float, largest_voltage: float) -> Errors:
        """Return the numbers for a record with these largest magnitudes, in A and V."""
        current, voltage = self.current_offset, self.voltage_offset
        return Errors(
            current_gain=DEFAULT_GAIN if self.current_gain is None else self.current_gain,
            current_offset=DEFAULT_OFFSET * largest_current if current is None else current.to("A").stderr or 0.0,
            voltage_gain=DEFAULT_GAIN if self.voltage_gain is None else self.voltage_gain,
            voltage_offset=DEFAULT_OFFSET * largest_voltage if voltage is None else voltage.to("V").stderr or 0.0,
            known_current=0.0 if current is None else current.to("A").value,
            known_voltage=0.0 if voltage is None else voltage.to("V").value,
            rectangular=self.rectangular(),
        )


@dataclass(frozen=True)
class Errors:
    """Standard uncertainties of current and voltage in one record, and offsets that are known.

    Parameters
    ----------
    current_gain, voltage_gain : float
        Relative.
    current_offset, known_current : float
        In A.
    voltage_offset, known_voltage : float
        In V.
    rectangular : frozenset of str
        Those of which only limits are known.
    """

    current_gain: float
    current_offset: float
    voltage_gain: float
    voltage_offset: float
    known_current: float
    known_voltage: float
    rectangular: frozenset[str]
