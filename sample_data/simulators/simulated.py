"""What a simulator returns: the bytes of vendor files, what a user would state beside them, and the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Fact:
    """A number with its standard uncertainty and unit, as a user would state it; a truth has no uncertainty.

    Examples
    --------
    >>> Fact(98.0, 3.0, "nm").value
    98.0
    """

    value: float
    uncertainty: float
    unit: str


@dataclass(frozen=True)
class Simulated:
    """One simulated measurement.

    Parameters
    ----------
    name : str
        File name with the vendor's extension.
    content : bytes
        The file.
    truth : mapping of str to Fact
        True values under the names that the analyses give their quantities; uncertainties are 0.
    facts : mapping of str to Fact
        What a user would state in experiment.toml. In a ``draw`` each errs by its own standard uncertainty.
    companions : mapping of str to bytes
        Further files that the measurement needs, by name: reference spectra.
    """

    name: str
    content: bytes
    truth: Mapping[str, Fact]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    companions: Mapping[str, bytes] = field(default_factory=dict)


def generator(seed: int) -> np.random.Generator:
    """Return the random generator of a seed; PCG64 by name, because numpy may change its default.

    Examples
    --------
    >>> float(generator(1).random()) == float(generator(1).random())
    True
    """
    return np.random.Generator(np.random.PCG64(seed))


def stated(true: float, uncertainty: float, unit: str, random: np.random.Generator) -> Fact:
    """Return what a user states about a true value: wrong by a normal error of its standard uncertainty."""
    return Fact(true + uncertainty * float(random.standard_normal()), uncertainty, unit)


@dataclass(frozen=True)
class SimulatedSeries:
    """Simulated measurements that say something together.

    Parameters
    ----------
    kind : str
        As a run calls it: ``"temperature series"``.
    files : tuple of Simulated
        The measurements.
    truth : mapping of str to Fact
        True values of what follows from all of them.
    facts : mapping of str to Fact
        What a user would state about all of them.
    """

    kind: str
    files: tuple[Simulated, ...]
    truth: Mapping[str, Fact]
    facts: Mapping[str, Fact] = field(default_factory=dict)
