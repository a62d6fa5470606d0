"""Galvanostatic cycling: half cycles, capacities, retention, coulombic efficiency, polarisation of symmetric cells.

>>> import numpy as np
>>> from interlayer.parsers import schema
>>> current = np.concatenate([np.tile(np.repeat([1e-3, -1e-3], 60), 3), [0.0]])
>>> ds = schema.build(
...     "cycling", {"test_time": 60.0 * np.arange(361), "voltage": 3.7 + 40.0 * current, "current": current}
... )
>>> summary = summarise(ds, cell_type="full")
>>> [f"{capacity:.4f}" for capacity in summary["capacity_discharge"].values[:2]]
['0.0010', '0.0010']
"""

from __future__ import annotations

from .capacities.failing import cell_state
from .capacities.kinds import coated_against_bare
from .capacities.normalisation import normalise
from .capacities.pooled import pooled_efficiency
from .capacities.rate import rate_capability
from .capacities.replicates import replicates
from .capacities.retention import capacity, capacity_retention
from .capacities.summary import summarise
from .fading.fade import capacity_fade
from .record.accuracy import Accuracy
from .record.instruments import cycler_accuracy
from .record.segmentation import segment
from .record.splice import splice
from .symmetric.critical_current import critical_current
from .symmetric.polarisation import polarisation
from .symmetric.shorts import shorts
from .voltage.gitt import gitt
from .voltage.incremental_capacity import differential_voltage, incremental_capacity
from .voltage.profile import voltage_profiles

__all__ = [
    "Accuracy",
    "capacity",
    "capacity_fade",
    "capacity_retention",
    "cell_state",
    "coated_against_bare",
    "critical_current",
    "cycler_accuracy",
    "differential_voltage",
    "gitt",
    "incremental_capacity",
    "normalise",
    "polarisation",
    "pooled_efficiency",
    "rate_capability",
    "replicates",
    "segment",
    "shorts",
    "splice",
    "summarise",
    "voltage_profiles",
]
